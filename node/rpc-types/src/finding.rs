//! What a doctor finds, of a node or of a wallet: the same words and the same look. A finding says what was looked at, how bad it is,
//! and what to do.
use serde::{Deserialize, Serialize};
use std::error::Error;
use std::fmt;

/// How bad a finding is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// As it should be.
    Ok,
    /// Good to know.
    Note,
    /// It works, and something is not as it should be.
    Warning,
    /// It does not work, or must not go on.
    Error,
}

/// Something that was looked at.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Finding {
    /// What was looked at. Of a node: `settings`, `spec`, `keys`, `disk`, `ports`, `node`, `admission`, `validator`, `clock`, `height`,
    /// `peers`, `relay`, `storage`. Of a wallet: `home`, `keys`, `node`, `chain`, `proofs`, `version`, `clock`, `time zone`, `reader`.
    pub check: String,
    /// How bad it is.
    pub level: Level,
    /// What was found.
    pub text: String,
    /// What to do about it.
    pub advice: Option<String>,
}

impl Finding {
    /// As it should be.
    pub fn ok(check: &str, text: impl Into<String>) -> Self {
        Self { check: check.into(), level: Level::Ok, text: text.into(), advice: None }
    }

    /// Good to know.
    pub fn note(check: &str, text: impl Into<String>) -> Self {
        Self { check: check.into(), level: Level::Note, text: text.into(), advice: None }
    }

    /// Not as it should be.
    pub fn warning(check: &str, text: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { check: check.into(), level: Level::Warning, text: text.into(), advice: Some(advice.into()) }
    }

    /// Does not work.
    pub fn error(check: &str, text: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { check: check.into(), level: Level::Error, text: text.into(), advice: Some(advice.into()) }
    }

    /// An error with all its causes.
    pub fn failed(check: &str, error: &dyn Error, advice: impl Into<String>) -> Self {
        Self::error(check, chain(error), advice)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = match self.level {
            Level::Ok => "ok",
            Level::Note => "note",
            Level::Warning => "warning",
            Level::Error => "ERROR",
        };
        write!(f, "{level:8} {:10} {}", self.check, self.text)?;
        match &self.advice {
            Some(advice) => write!(f, " → {advice}"),
            None => Ok(()),
        }
    }
}

/// An error with all its causes in one line: `what: why: why`.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}
