//! What the others need to know of a node before there is a chain: `entry.toml`, made by `init`, gathered into a spec by `spec new`.
//! Nothing in it is secret.
use countersign_types::address::BadAddress;
use countersign_types::genesis::GenesisNode;
use countersign_types::{BoundedText, Genesis, Name, PublicKey, Validator, ValidatorSet, address, limits};
use serde::{Deserialize, Serialize};
use std::fmt::Display;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// Bytes of an `entry.toml`: a handful of lines.
const ENTRY_BYTES_MAX: u64 = 16 * 1024;

/// Why an entry, or a genesis of entries, cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum EntryError {
    /// The file cannot be read.
    #[error("cannot read {}: `countersign-node init` without --spec makes one", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
    /// The file is no entry.
    #[error("{} is not an entry of a node: {message}", file.display())]
    Form {
        /// The file.
        file: PathBuf,
        /// Line and reason.
        message: String,
    },
    /// A value of the entry is wrong.
    #[error("{origin}: {key}: `{value}`: {message}")]
    Value {
        /// File or command line.
        origin: String,
        /// Which value.
        key: &'static str,
        /// The value.
        value: String,
        /// What is wrong with it.
        message: String,
    },
    /// The spec has no such member.
    #[error("{}: the spec has no member `{member}`; its members are {known}", file.display())]
    UnknownMember {
        /// The entry.
        file: PathBuf,
        /// The member it names.
        member: Name,
        /// Members of the spec.
        known: String,
    },
    /// Two entries have a key in common.
    #[error("{} and {} have the same {what}: each node needs keys of its own", first.display(), second.display())]
    SameKey {
        /// One entry.
        first: PathBuf,
        /// Another.
        second: PathBuf,
        /// Which key.
        what: &'static str,
    },
    /// No entry has a validator's key.
    #[error("none of the entries has a validator's key, so nobody would make blocks")]
    NoValidator,
    /// The spec would read other contracts where it is to stand.
    #[error("beside {} lie contract files of the same names with other content; write it beside the spec it is made from", out.display())]
    OtherFiles {
        /// The spec to be made.
        out: PathBuf,
    },
    /// More entries than a chain begins with.
    #[error("{count} {what} are more than the limit of {limit}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many.
        count: usize,
        /// The limit.
        limit: usize,
    },
}

/// A node that will be part of a chain.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// The member that runs it.
    pub member: Name,
    /// Where peers reach it.
    pub address: BoundedText<{ limits::ADDRESS_BYTES_MAX }>,
    /// Its network key.
    pub network_key: PublicKey,
    /// Its validator's key and the weight of its votes; `None` if it only follows.
    pub validator: Option<Validator>,
}

/// As it stands in the file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    member: String,
    address: String,
    network_key: String,
    validator_key: Option<String>,
    power: Option<u64>,
}

impl Entry {
    /// Reads a file.
    ///
    /// # Errors
    /// [`EntryError`].
    pub fn load(file: &Path) -> Result<Self, EntryError> {
        let unreadable = |cause| EntryError::Read { file: file.to_path_buf(), cause };
        let mut text = String::new();
        let opened = std::fs::File::open(file).map_err(unreadable)?;
        opened.take(ENTRY_BYTES_MAX).read_to_string(&mut text).map_err(unreadable)?;
        let fields: Fields = toml::from_str(&text)
            .map_err(|error| EntryError::Form { file: file.to_path_buf(), message: error.to_string().trim().into() })?;
        let origin = || file.display().to_string();
        let validator = match (&fields.validator_key, fields.power) {
            (Some(key), power) => {
                Some(Validator { key: value(origin, "validator_key", key)?, power: power.unwrap_or(1) })
            }
            (None, _) => None,
        };
        Ok(Self {
            member: member(origin, &fields.member)?,
            address: node_address(origin, &fields.address)?,
            network_key: value(origin, "network_key", &fields.network_key)?,
            validator,
        })
    }

    /// The file's text.
    pub fn to_toml(&self) -> String {
        let fields = Fields {
            member: self.member.to_string(),
            address: self.address.to_string(),
            network_key: self.network_key.to_string(),
            validator_key: self.validator.map(|validator| validator.key.to_string()),
            power: self.validator.map(|validator| validator.power),
        };
        let text = toml::to_string(&fields).expect("texts and a number are TOML");
        format!(
            "# What others need to know of this node. Nothing in it is secret: send it to whoever makes the chain's spec.\n{text}"
        )
    }
}

/// Reads a member's name; `origin` says where it stands.
///
/// # Errors
/// [`EntryError::Value`].
pub fn member(origin: impl Fn() -> String, text: &str) -> Result<Name, EntryError> {
    let name: Name = value(&origin, "member", text)?;
    match name.user() {
        None => Ok(name),
        Some(_) => Err(wrong(origin, "member", text, "a member's name such as harbor-bank.example is wanted")),
    }
}

/// Reads the address of a node; `origin` says where it stands.
///
/// # Errors
/// [`EntryError::Value`].
pub fn node_address(
    origin: impl Fn() -> String,
    text: &str,
) -> Result<BoundedText<{ limits::ADDRESS_BYTES_MAX }>, EntryError> {
    let checked: Result<(), BadAddress> = address::check(text);
    checked.map_err(|error| wrong(&origin, "address", text, error))?;
    value(origin, "address", text)
}

fn value<T: std::str::FromStr<Err: Display>>(
    origin: impl Fn() -> String,
    key: &'static str,
    text: &str,
) -> Result<T, EntryError> {
    text.parse().map_err(|error| wrong(origin, key, text, error))
}

fn wrong(origin: impl Fn() -> String, key: &'static str, text: &str, error: impl Display) -> EntryError {
    let value = text.chars().take(80).collect();
    EntryError::Value { origin: origin(), key, value, message: error.to_string() }
}

/// `genesis` with these nodes and their validators in place of its own.
///
/// # Errors
/// [`EntryError`].
pub fn gathered(mut genesis: Genesis, entries: &[(PathBuf, Entry)]) -> Result<Genesis, EntryError> {
    distinct(entries, "network key", |entry| Some(entry.network_key))?;
    distinct(entries, "validator's key", |entry| Some(entry.validator?.key))?;
    let mut nodes = Vec::new();
    for (file, entry) in entries {
        let Some(member) = genesis.members.iter().find(|member| member.name == entry.member) else {
            let known: Vec<String> = genesis.members.iter().map(|member| member.name.to_string()).collect();
            let (file, member) = (file.clone(), entry.member.clone());
            return Err(EntryError::UnknownMember { file, member, known: known.join(", ") });
        };
        nodes.push(GenesisNode { key: entry.network_key, member: member.id, address: entry.address.clone() });
    }
    nodes.sort_by_key(|node| node.key);
    let mut validators: Vec<Validator> = entries.iter().filter_map(|(_, entry)| entry.validator).collect();
    validators.sort_unstable();
    if validators.is_empty() {
        return Err(EntryError::NoValidator);
    }
    let too_many = |what| {
        move |error: countersign_types::bounded::TooLong| EntryError::TooMany {
            what,
            count: error.size,
            limit: error.limit,
        }
    };
    genesis.nodes = nodes.try_into().map_err(too_many("nodes"))?;
    genesis.validators = ValidatorSet(validators.try_into().map_err(too_many("validators"))?);
    Ok(genesis)
}

fn distinct(
    entries: &[(PathBuf, Entry)],
    what: &'static str,
    key: impl Fn(&Entry) -> Option<PublicKey>,
) -> Result<(), EntryError> {
    let mut seen = std::collections::BTreeMap::new();
    for (file, entry) in entries {
        let Some(key) = key(entry) else {
            continue;
        };
        if let Some(first) = seen.insert(key, file.clone()) {
            return Err(EntryError::SameKey { first, second: file.clone(), what });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::NodeKey;

    fn entry(n: usize, member: &str) -> (PathBuf, Entry) {
        let key = |what: &str| NodeKey::development(&format!("{what}-{n}")).public();
        let entry = Entry {
            member: member.parse().unwrap(),
            address: format!("/ip4/127.0.0.1/tcp/2660{n}").parse().unwrap(),
            network_key: key("node"),
            validator: Some(Validator { key: key("validator"), power: 1 }),
        };
        (format!("n{n}/entry.toml").into(), entry)
    }

    #[test]
    fn an_entry_reads_back() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("entry.toml");
        for validator in [true, false] {
            let (_, mut entry) = entry(1, "harbor-bank.example");
            entry.validator = entry.validator.filter(|_| validator);
            std::fs::write(&file, entry.to_toml()).unwrap();
            assert_eq!(Entry::load(&file).unwrap(), entry);
        }
    }

    #[test]
    fn each_mistake_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("entry.toml");
        let good = entry(1, "harbor-bank.example").1.to_toml();
        let refusal = |from: &str, to: &str| {
            assert!(good.contains(from), "{from}");
            std::fs::write(&file, good.replace(from, to)).unwrap();
            Entry::load(&file).unwrap_err().to_string()
        };
        assert!(refusal("harbor-bank.example", "alice@harbor-bank.example").contains("a member's name"));
        assert!(refusal("harbor-bank.example", "Harbor Bank").contains("member: `Harbor Bank`"));
        assert!(refusal("/tcp/26601", "").contains("/dns4/<host>/tcp/<port>"));
        assert!(refusal("network_key = \"csk1", "network_key = \"csx1").contains("network_key"));
        assert!(refusal("power = 1", "power = \"one\"").contains("not an entry"));
        assert!(refusal("power = 1", "strength = 1").contains("strength"));
        assert!(matches!(Entry::load(&dir.path().join("none")), Err(EntryError::Read { .. })));
    }

    #[test]
    fn entries_become_the_nodes_and_validators_of_a_spec() {
        let all: Vec<_> = (1..=4).map(|n| entry(n, ["harbor-bank.example", "city-books.example"][n % 2])).collect();
        let genesis = gathered(countersign_chain_spec::dev(), &all).unwrap();
        assert_eq!((genesis.nodes.len(), genesis.validators.0.len()), (4, 4));
        let text = countersign_chain_spec::to_toml(&genesis);
        assert_eq!(countersign_chain_spec::parse(&text, Path::new("")).unwrap(), genesis);
    }

    #[test]
    fn entries_that_do_not_fit_together_are_refused() {
        let gather = |entries: &[(PathBuf, Entry)]| gathered(countersign_chain_spec::dev(), entries).unwrap_err();
        let (one, mut two) = (entry(1, "harbor-bank.example"), entry(2, "harbor-bank.example"));
        assert!(matches!(gather(&[]), EntryError::NoValidator));
        assert!(matches!(gather(&[one.clone(), entry(2, "nobody.example")]), EntryError::UnknownMember { .. }));
        two.1.validator = one.1.validator;
        let same = gather(&[one.clone(), two.clone()]);
        assert_eq!(
            same.to_string(),
            "n1/entry.toml and n2/entry.toml have the same validator's key: each node needs keys of its own"
        );
        two.1.network_key = one.1.network_key;
        assert!(matches!(gather(&[one, two]), EntryError::SameKey { what: "network key", .. }));
    }
}
