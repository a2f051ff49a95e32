//! What is wrong with a node, how bad it is, and what to do: looked at from outside, running or stopped.
//!
//! ```text
//! folder.rs: settings, spec, keys, disk ─→ ports.rs ─→ view.rs: the chain as this node has it ─→ chain.rs, peers.rs, relay.rs ─→ findings
//! ```
mod chain;
mod folder;
mod peers;
mod ports;
mod relay;
mod view;

use crate::config::Config;
use crate::keys::NodeKeys;
pub use countersign_rpc_types::finding::{Finding, Level};
use countersign_types::Genesis;
use std::path::Path;

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
    relay::examine(&patient, &view, &mut findings);
    findings
}

#[cfg(test)]
mod tests;
