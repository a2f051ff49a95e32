//! Mistakes in a specification: each with its line, its key, its cause and what to do.
use countersign_types::account::BadAuthority;
use countersign_types::address::BadAddress;
use countersign_types::bounded::BadText;
use countersign_types::params::BadParam;
use countersign_types::quantity::AmountError;
use countersign_types::signature::KeyError;
use countersign_types::text::TextError;
use std::fmt;
use std::path::PathBuf;

/// Mistakes reported at once; a file with more is better read from the top.
const MISTAKES_MAX: usize = 100;

/// Where in the text something stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Place {
    /// From 1.
    pub line: usize,
    /// Such as `council.threshold` or `asset.balances.alice@shop.example`.
    pub key: String,
}

impl Place {
    /// The place of a key inside this one, on its own line.
    pub fn inner(&self, line: usize, key: &str) -> Self {
        let key = if self.key.is_empty() { key.into() } else { format!("{}.{key}", self.key) };
        Self { line, key }
    }
}

/// One mistake.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("line {line}, {key}: {cause}")]
pub struct SpecError {
    /// Line of the text, from 1.
    pub line: usize,
    /// The key, with those of its tables in front: `council.threshold`.
    pub key: String,
    /// What is wrong.
    pub cause: Cause,
}

/// What is wrong at a key of a specification.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Cause {
    /// Not TOML, or a key twice; in the parser's words.
    #[error("{message}")]
    Syntax {
        /// The parser's words.
        message: String,
    },
    /// A file or the whole genesis is beyond its limit.
    #[error("{size} bytes are more than the limit of {limit}; make it smaller")]
    TooLarge {
        /// Bytes found.
        size: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// A list is beyond its limit.
    #[error("{count} are more than the limit of {limit}; remove some")]
    TooMany {
        /// Items found.
        count: usize,
        /// Items allowed.
        limit: usize,
    },
    /// A list that needs an item has none.
    #[error("at least one is needed; add it")]
    NotOne,
    /// A key that must be there is not.
    #[error("it is missing; add it: {wanted}")]
    Missing {
        /// What belongs there.
        wanted: &'static str,
    },
    /// A key nobody reads: most likely mistyped.
    #[error("there is no such key here; remove it or use one of: {}", known.join(", "))]
    UnknownKey {
        /// The keys that are read here.
        known: Vec<&'static str>,
    },
    /// A value of another type.
    #[error("it is {found}, but should be {wanted}")]
    WrongType {
        /// What belongs there.
        wanted: &'static str,
        /// What stands there.
        found: &'static str,
    },
    /// A number outside its range.
    #[error("it must be a whole number from {least} to {most}")]
    OutOfRange {
        /// Least allowed.
        least: u64,
        /// Most allowed.
        most: u64,
    },
    /// A text that cannot be shown safely or is too long.
    #[error(transparent)]
    Text(#[from] BadText),
    /// A name, symbol or key in a wrong form.
    #[error(transparent)]
    Form(#[from] TextError),
    /// A key for which signatures prove nothing.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// Not where a node is reached.
    #[error(transparent)]
    Address(#[from] BadAddress),
    /// Keys and threshold do not fit.
    #[error(transparent)]
    Authority(#[from] BadAuthority),
    /// A parameter outside its range.
    #[error(transparent)]
    Param(#[from] BadParam),
    /// A balance that is no amount of its asset.
    #[error(transparent)]
    Amount(#[from] AmountError),
    /// Not a moment.
    #[error("a time is written like 2026-01-01T00:00:00Z (with an offset, from 1970 on) or as milliseconds since 1970")]
    NotATime,
    /// A role nobody knows.
    #[error("`{role}` is no role; the roles are: {}", crate::draft::role_words().join(", "))]
    UnknownRole {
        /// What stands there.
        role: String,
    },
    /// The same thing a second time.
    #[error("{what} stands in line {first} already; keep one of them")]
    Duplicate {
        /// What is there twice.
        what: String,
        /// Line of the first.
        first: usize,
    },
    /// A name that no section declares.
    #[error("no {section} is called `{name}`; declare it or correct the name")]
    UnknownName {
        /// Where it would be declared.
        section: &'static str,
        /// The name.
        name: String,
    },
    /// A holder's name where a member's belongs.
    #[error("`{name}` is a holder's name; a member's has no `@`")]
    NotAMemberName {
        /// The name.
        name: String,
    },
    /// A member's name where a holder's belongs.
    #[error("`{name}` is a member's name; a holder's is `<user>@<member>`")]
    NotAHolderName {
        /// The name.
        name: String,
    },
    /// Both of two keys that exclude each other, or neither.
    #[error("give either `{one}` or `{other}`")]
    OneOf {
        /// One key.
        one: &'static str,
        /// The other.
        other: &'static str,
    },
    /// A key that only makes sense beside another.
    #[error("it needs `{other}` beside it; add that or remove this")]
    Alone {
        /// The other key.
        other: &'static str,
    },
    /// More signatures needed than there are members.
    #[error("{threshold} of {members} members can never sign; set it to 1 to {members}")]
    CouncilCannotAct {
        /// Signatures needed.
        threshold: u16,
        /// Members of the council.
        members: usize,
    },
    /// The council needs more signatures than one call carries.
    #[error("{signatures} signatures would be needed, more than the {limit} of one transaction; lower thresholds")]
    TooManySignatures {
        /// The fewest signatures with which the council could act.
        signatures: usize,
        /// What one transaction carries.
        limit: usize,
    },
    /// The issuer may not issue.
    #[error("member `{member}` issues this asset but lacks the role issuer; add the role to it")]
    NotAnIssuer {
        /// The member.
        member: String,
    },
    /// A balance of nothing.
    #[error("a balance of zero is not written; remove it")]
    ZeroBalance,
    /// The sum of all balances exceeds what an amount holds.
    #[error("the sum of the balances is too large")]
    SupplyTooLarge,
    /// A name that a native module has.
    #[error("`{name}` is a module of every node; give the contract another name")]
    NativeName {
        /// The name.
        name: String,
    },
    /// No such contract comes with the program.
    #[error("no contract `{name}` comes with this program; use `file = \"...\"` for one of your own")]
    UnknownBuiltin {
        /// The name.
        name: String,
    },
    /// A contract comes under another name than its code declares.
    #[error("the contract calls itself `{builtin}`; name it so")]
    OtherName {
        /// The name in its interface.
        builtin: String,
    },
    /// A contract's file cannot be read.
    #[error("cannot read `{}`: {kind}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        kind: std::io::ErrorKind,
    },
    /// A contract's file is something else.
    #[error("`{}` is not compiled wasm", path.display())]
    NotWasm {
        /// The file.
        path: PathBuf,
    },
}

/// All mistakes of a specification: at least one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SpecErrors {
    list: Vec<SpecError>,
    left_out: usize,
}

impl SpecErrors {
    /// The mistakes, in the order of their lines.
    pub fn list(&self) -> &[SpecError] {
        &self.list
    }
}

impl fmt::Display for SpecErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.list.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(f, "{separator}{error}")?;
        }
        if self.left_out > 0 { write!(f, "\nand {} more", self.left_out) } else { Ok(()) }
    }
}

impl std::error::Error for SpecErrors {}

/// Why a specification's file gave no genesis.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// It is not there, may not be read, or is not UTF-8.
    #[error("cannot read the chain specification `{}`", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It has mistakes.
    #[error("the chain specification `{}` has mistakes", path.display())]
    Mistakes {
        /// The file.
        path: PathBuf,
        /// Which.
        source: SpecErrors,
    },
}

/// Collects mistakes while reading goes on.
#[derive(Default)]
pub(crate) struct Mistakes {
    list: Vec<SpecError>,
    left_out: usize,
}

impl Mistakes {
    pub fn add(&mut self, place: &Place, cause: impl Into<Cause>) {
        if self.list.len() == MISTAKES_MAX {
            self.left_out += 1;
            return;
        }
        self.list.push(SpecError { line: place.line, key: place.key.clone(), cause: cause.into() });
    }

    /// The value, or nothing and a mistake more.
    pub fn keep<T>(&mut self, place: &Place, result: Result<T, impl Into<Cause>>) -> Option<T> {
        result.map_err(|cause| self.add(place, cause)).ok()
    }

    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub fn into_errors(mut self) -> SpecErrors {
        self.list.sort_by_key(|error| error.line);
        SpecErrors { list: self.list, left_out: self.left_out }
    }
}
