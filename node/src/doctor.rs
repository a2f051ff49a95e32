//! What is wrong with a node, how bad it is, and what to do: looked at from outside, running or stopped.
//!
//! ```text
//! folder.rs: settings, spec, keys, disk ─→ ports.rs ─→ view.rs: the chain as this node has it ─→ chain.rs, peers.rs ─→ findings
//! ```
mod chain;
mod folder;
mod peers;
mod ports;
mod view;

use crate::config::Config;
use crate::keys::NodeKeys;
use countersign_types::Genesis;
use serde::Serialize;
use std::fmt;
use std::path::Path;

/// How bad a finding is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// As it should be.
    Ok,
    /// Good to know.
    Note,
    /// The node runs, and something is not as it should be.
    Warning,
    /// The node does not start, does not take part, or must not go on.
    Error,
}

/// Something that was looked at.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Finding {
    /// What was looked at: `settings`, `spec`, `keys`, `disk`, `ports`, `node`, `admission`, `validator`, `clock`, `height`, `peers`,
    /// `storage`.
    pub check: &'static str,
    /// How bad it is.
    pub level: Level,
    /// What was found.
    pub text: String,
    /// What to do about it.
    pub advice: Option<String>,
}

impl Finding {
    fn ok(check: &'static str, text: impl Into<String>) -> Self {
        Self { check, level: Level::Ok, text: text.into(), advice: None }
    }

    fn note(check: &'static str, text: impl Into<String>) -> Self {
        Self { check, level: Level::Note, text: text.into(), advice: None }
    }

    fn warning(check: &'static str, text: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { check, level: Level::Warning, text: text.into(), advice: Some(advice.into()) }
    }

    fn error(check: &'static str, text: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { check, level: Level::Error, text: text.into(), advice: Some(advice.into()) }
    }

    fn failed(check: &'static str, error: &dyn std::error::Error, advice: impl Into<String>) -> Self {
        Self::error(check, crate::report::chain(error), advice)
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

/// What every later check needs.
struct Patient {
    config: Config,
    genesis: Genesis,
    keys: NodeKeys,
}

/// Looks at the node in `dir`; `environment` is what the node would be started with. Changes nothing but what every start does too.
pub fn examine(dir: &Path, environment: impl Iterator<Item = (String, String)>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let Some(patient) = folder::examine(dir, environment, &mut findings) else {
        return findings;
    };
    let view = view::take(&patient, &mut findings);
    ports::examine(&patient.config, view.running.is_some(), &mut findings);
    chain::examine(&patient, &view, &mut findings);
    peers::examine(&patient, &view, &mut findings);
    findings
}

#[cfg(test)]
mod tests;
