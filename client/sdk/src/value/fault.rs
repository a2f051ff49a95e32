//! Why a JSON value is refused, and where in it.
use super::BadAmount;
use crate::clock;
use crate::directory::Need;
use crate::types::text::TextError;
use serde_json::Value as Json;

/// A refusal and where in the JSON it arose, such as `args.payments[2].amount`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {fault}")]
pub struct ValueError {
    /// The place.
    pub path: String,
    /// Why.
    pub fault: ValueFault,
}

/// Why a JSON value is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ValueFault {
    /// Something of another type stands there.
    #[error("expected {wanted}, found {found}")]
    Expected {
        /// The type in words.
        wanted: String,
        /// The beginning of what stands there.
        found: String,
    },
    /// A field is absent.
    #[error("is missing; expected {wanted}")]
    Missing {
        /// The type in words.
        wanted: String,
    },
    /// A field that is not declared.
    #[error("is not declared; declared here: {known}")]
    Unknown {
        /// The fields that are.
        known: String,
    },
    /// An id, symbol or name that is none.
    #[error(transparent)]
    Text(#[from] TextError),
    /// An amount that is none.
    #[error(transparent)]
    Amount(#[from] BadAmount),
    /// A time that is none.
    #[error(transparent)]
    Time(#[from] clock::BadTime),
    /// Beyond a limit of the ledger.
    #[error("{size} is more than the limit of {limit}")]
    TooLong {
        /// Items or bytes given.
        size: usize,
        /// Items or bytes allowed.
        limit: usize,
    },
    /// A character that does not belong in a shown text.
    #[error("{0}")]
    BadText(crate::types::bounded::BadText),
    /// An authority that breaks a rule.
    #[error(transparent)]
    Authority(#[from] crate::types::account::BadAuthority),
    /// A name or an asset the directory does not know yet.
    #[error("{}", unknown(.0))]
    Need(Need),
}

fn unknown(need: &Need) -> String {
    match need {
        Need::Account(name) => format!("nothing on the ledger is called `{name}`"),
        Need::NameOf(account) => format!("the name of {account} is not known"),
        Need::Decimals(asset) => format!("the asset {asset} is not known here; write minor units, as in `1250 minor`"),
        Need::Interface(module) => format!("the module `{module}` is not known"),
    }
}

impl ValueError {
    /// What to learn before trying again, if that would help.
    pub fn need(&self) -> Option<&Need> {
        match &self.fault {
            ValueFault::Need(need) => Some(need),
            _ => None,
        }
    }
}
pub(super) fn at(path: &str, fault: impl Into<ValueFault>) -> ValueError {
    ValueError { path: path.into(), fault: fault.into() }
}

pub(super) fn expected(path: &str, wanted: &str, found: &Json) -> ValueError {
    let found = found.to_string();
    let short: String = found.chars().take(60).collect();
    let found = if short.len() < found.len() { format!("{short}…") } else { short };
    at(path, ValueFault::Expected { wanted: wanted.into(), found })
}

pub(super) fn too_long(path: &str, size: usize, limit: usize) -> Result<(), ValueError> {
    if size > limit { Err(at(path, ValueFault::TooLong { size, limit })) } else { Ok(()) }
}
