//! Reading `node.toml` and the environment. A mistake is told with file, line, key and what to do.
use super::Config;
use super::keys::{BadValue, KEYS, Key};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Bytes of a `node.toml`: a page of settings and a long list of peers.
const FILE_BYTES_MAX: u64 = 256 * 1024;

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {}: create it with `countersign-node init`", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
    /// The file is longer than any sensible one.
    #[error("{} is {size} bytes long, more than {FILE_BYTES_MAX}; is it the right file?", file.display())]
    TooLong {
        /// The file.
        file: PathBuf,
        /// Its bytes.
        size: u64,
    },
    /// The file is not TOML.
    #[error("{}, line {line}: {message}", file.display())]
    Syntax {
        /// The file.
        file: PathBuf,
        /// Line, from 1.
        line: usize,
        /// What the reader says.
        message: String,
    },
    /// There is no such setting.
    #[error("{origin}: there is no setting `{key}`{}; `countersign-node config show` lists all", .nearest.map(|n| format!("; did you mean `{n}`?")).unwrap_or_default())]
    UnknownKey {
        /// File and line, or the environment.
        origin: Origin,
        /// What was given.
        key: String,
        /// The most similar one.
        nearest: Option<&'static str>,
    },
    /// A setting does not take this value.
    #[error("{origin}: {key}: {cause}")]
    Value {
        /// File and line, environment or flag.
        origin: Origin,
        /// The setting.
        key: &'static str,
        /// What is wrong.
        cause: BadValue,
    },
}

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A line of the file.
    File(PathBuf, usize),
    /// An environment variable.
    Environment,
    /// A flag of the command line.
    Flag,
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(file, line) => write!(f, "{}, line {line}", file.display()),
            Self::Environment => f.write_str("environment"),
            Self::Flag => f.write_str("command line"),
        }
    }
}

/// Values from the command line: setting and text.
pub type Overrides = Vec<(&'static str, String)>;

/// The settings of the node in `dir`: its `node.toml`, then `environment`, then `flags`.
///
/// # Errors
/// [`ConfigError`] with the first mistake found.
pub fn load(
    dir: &Path,
    environment: impl Iterator<Item = (String, String)>,
    flags: &Overrides,
) -> Result<Config, ConfigError> {
    let file = dir.join("node.toml");
    let mut config = Config::new(dir.to_path_buf());
    read_file(&mut config, &file)?;
    read_environment(&mut config, environment)?;
    for (name, text) in flags {
        let key = KEYS.iter().find(|key| key.name == *name).expect("flags name settings of the table");
        (key.set)(&mut config, text).map_err(|cause| ConfigError::Value {
            origin: Origin::Flag,
            key: key.name,
            cause,
        })?;
    }
    Ok(config)
}

/// A `node.toml` with every setting of `config` and what each is for.
pub fn template(config: &Config) -> String {
    let mut text = String::from(
        "# Settings of a Countersign node. Every one can also be given as an environment variable,\n# such as COUNTERSIGN_RPC_LISTEN for `listen` under [rpc]. Relative paths start at this file's folder.\n",
    );
    let mut section = "";
    for key in KEYS {
        let (of, name) = key.name.split_once('.').expect("names have a section");
        if of != section {
            let _ = write!(text, "\n[{of}]\n");
            section = of;
        }
        let _ = write!(text, "# {}\n{name} = {}\n", key.about, toml_value(key, config));
    }
    text
}

fn toml_value(key: &Key, config: &Config) -> String {
    let shown = (key.show)(config);
    if key.list {
        let items: Vec<String> =
            shown.split(',').filter(|item| !item.is_empty()).map(|item| format!("{item:?}")).collect();
        return format!("[{}]", items.join(", "));
    }
    let bare = shown.parse::<i64>().is_ok() || shown.parse::<bool>().is_ok();
    if bare { shown } else { toml::Value::String(shown).to_string() }
}

fn read_file(config: &mut Config, file: &Path) -> Result<(), ConfigError> {
    let read = |cause| ConfigError::Read { file: file.to_path_buf(), cause };
    let size = std::fs::metadata(file).map_err(read)?.len();
    if size > FILE_BYTES_MAX {
        return Err(ConfigError::TooLong { file: file.to_path_buf(), size });
    }
    let text = std::fs::read_to_string(file).map_err(read)?;
    let table = DeTable::parse(&text).map_err(|error| ConfigError::Syntax {
        file: file.to_path_buf(),
        line: line_of(&text, error.span().map_or(0, |span| span.start)),
        message: error.message().to_owned(),
    })?;
    let origin = |at: usize| Origin::File(file.to_path_buf(), line_of(&text, at));
    for (section, value) in table.get_ref() {
        let DeValue::Table(inner) = value.get_ref() else {
            return Err(unknown(origin(section.span().start), section.get_ref()));
        };
        if inner.is_empty() && !KEYS.iter().any(|key| key.name.split('.').next() == Some(section.get_ref())) {
            return Err(unknown(origin(section.span().start), section.get_ref()));
        }
        for (name, value) in inner {
            let full = format!("{}.{}", section.get_ref(), name.get_ref());
            let origin = origin(name.span().start);
            let key = KEYS.iter().find(|key| key.name == full).ok_or_else(|| unknown(origin.clone(), &full))?;
            let set = plain(value, key.list).and_then(|text| (key.set)(config, &text));
            set.map_err(|cause| ConfigError::Value { origin, key: key.name, cause })?;
        }
    }
    Ok(())
}

/// The text of a value as the environment would give it.
fn plain(value: &Spanned<DeValue<'_>>, list: bool) -> Result<String, BadValue> {
    match value.get_ref() {
        DeValue::Array(items) if list => {
            let texts: Result<Vec<String>, BadValue> = items.iter().map(|item| plain(item, false)).collect();
            Ok(texts?.join(","))
        }
        DeValue::String(text) if !list => Ok(text.to_string()),
        DeValue::Integer(number) if !list => Ok(number.as_str().replace('_', "")),
        DeValue::Boolean(truth) if !list => Ok(truth.to_string()),
        _ if list => Err(BadValue { value: "this".into(), wanted: "a list of texts in brackets" }),
        _ => Err(BadValue { value: "this".into(), wanted: "a text, a whole number, or true or false" }),
    }
}

fn read_environment(
    config: &mut Config,
    environment: impl Iterator<Item = (String, String)>,
) -> Result<(), ConfigError> {
    let mut given: Vec<(String, String)> = environment.filter(|(name, _)| name.starts_with("COUNTERSIGN_")).collect();
    given.sort();
    for (name, text) in given {
        // Other programs of ours have variables too; one that begins with a section of this table is a mistyped setting.
        let is_ours = KEYS.iter().any(|key| name.starts_with(&key.section_variable()));
        let Some(key) = KEYS.iter().find(|key| key.variable() == name) else {
            if is_ours {
                return Err(unknown(Origin::Environment, &name));
            }
            continue;
        };
        (key.set)(config, &text).map_err(|cause| ConfigError::Value {
            origin: Origin::Environment,
            key: key.name,
            cause,
        })?;
    }
    Ok(())
}

fn unknown(origin: Origin, key: &str) -> ConfigError {
    let plain = key.trim_start_matches("COUNTERSIGN_").to_lowercase().replace('_', ".");
    let near = KEYS.iter().map(|k| (distance(&k.name.replace('_', "."), &plain), k.name)).min();
    let nearest = near.filter(|(distance, _)| *distance <= 4).map(|(_, name)| name);
    ConfigError::UnknownKey { origin, key: key.chars().take(80).collect(), nearest }
}

/// Levenshtein's distance, over the first 64 bytes of each.
fn distance(left: &str, right: &str) -> usize {
    let (left, right) = (&left.as_bytes()[..left.len().min(64)], &right.as_bytes()[..right.len().min(64)]);
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, l) in left.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, r) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(l != r);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[right.len()]
}

fn line_of(text: &str, at: usize) -> usize {
    text.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loaded(text: &str, environment: &[(&str, &str)], flags: &Overrides) -> Result<Config, ConfigError> {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("node.toml"), text).unwrap();
        load(dir.path(), environment.iter().map(|(k, v)| ((*k).into(), (*v).into())), flags)
    }

    fn refusal(text: &str) -> String {
        let message = loaded(text, &[], &vec![]).unwrap_err().to_string();
        message[message.find("node.toml").unwrap()..].to_owned()
    }

    #[test]
    fn the_written_template_reads_back_as_the_same_settings() {
        let mut config = Config::new("/tmp/x".into());
        config.network_peers = vec!["/ip4/10.0.0.2/tcp/1/p2p/A".into(), "/ip4/10.0.0.3/tcp/1/p2p/B".into()];
        config.validator_key = Some("validator.key".into());
        config.index = false;
        config.relay_enabled = true;
        config.relay_certificates = Some("sites.pem".into());
        config.clock_offset_ms = -5_000;
        let read = loaded(&template(&config), &[], &vec![]).unwrap();
        assert_eq!(Config { dir: config.dir.clone(), ..read }, config);
    }

    #[test]
    fn flags_win_over_environment_and_environment_over_the_file() {
        let text = "[rpc]\nlisten = \"127.0.0.1:1\"\nconnections_max = 7\n[mempool]\nbytes_max = 2_000_000\n";
        let environment = [
            ("COUNTERSIGN_RPC_LISTEN", "127.0.0.1:2"),
            ("COUNTERSIGN_RPC_CONNECTIONS_MAX", "8"),
            ("COUNTERSIGN_RELAY_ENABLED", "true"),
            ("COUNTERSIGN_RELAY_TRUSTED_CERTIFICATES", "/etc/countersign/sites.pem"),
            ("COUNTERSIGN_NODE", "another program's"),
            ("HOME", "/"),
        ];
        let config = loaded(text, &environment, &vec![("rpc.listen", "127.0.0.1:3".into())]).unwrap();
        assert_eq!(config.rpc_listen.port(), 3);
        assert_eq!(config.rpc_connections_max, 8);
        assert_eq!(config.mempool_bytes_max, 2_000_000);
        assert!(config.relay_enabled && !loaded(text, &[], &vec![]).unwrap().relay_enabled);
        assert_eq!(config.relay_certificates, Some("/etc/countersign/sites.pem".into()));
    }

    #[test]
    fn mistakes_are_told_with_file_line_key_and_what_to_do() {
        assert_eq!(
            refusal("[rpc]\n\nlisten = \"localhost\"\n"),
            "node.toml, line 3: rpc.listen: `localhost` is not an address and port such as 127.0.0.1:26800"
        );
        assert_eq!(
            refusal("[rpc]\nlisen = \"x\"\n"),
            "node.toml, line 2: there is no setting `rpc.lisen`; did you mean `rpc.listen`?; `countersign-node config show` lists all"
        );
        assert!(
            refusal("[storage]\ncheckpoint_blocks = 0\n").contains("line 2: storage.checkpoint_blocks: `0` is not")
        );
        assert!(refusal("[clock]\noffset_ms = 99_000_000_000\n").contains("clock.offset_ms: `99000000000` is not"));
        assert!(refusal("[storage]\nindex = 1\n").contains("true or false"));
        assert!(refusal("[relay]\nenabled = \"yes\"\n").contains("relay.enabled: `yes` is not true or false"));
        assert!(refusal("[network]\npeers = \"x\"\n").contains("a list of texts in brackets"));
        assert!(refusal("[network]\npeers = [\"/ip4/1.2.3.4/tcp/1\"]\n").contains("a peer's address"));
        assert!(refusal("[rpc]\nlisten = \n").starts_with("node.toml, line 2:"));
        assert!(refusal("x = 1\n").contains("no setting `x`"));
        assert!(refusal("[nothing]\n").contains("no setting `nothing`"));
    }

    #[test]
    fn an_unknown_variable_is_refused_and_a_missing_file_tells_how_to_make_one() {
        let error = loaded("", &[("COUNTERSIGN_RPC_LISTN", "x")], &vec![]).unwrap_err().to_string();
        assert!(error.contains("COUNTERSIGN_RPC_LISTN") && error.contains("did you mean `rpc.listen`?"), "{error}");
        let missing = load(Path::new("/nonexistent"), std::iter::empty(), &vec![]).unwrap_err().to_string();
        assert!(missing.contains("countersign-node init"), "{missing}");
    }
}
