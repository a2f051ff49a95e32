//! `countersign-node config`: a node's settings.
use super::{CliError, Folder};
use crate::config::{self, KEYS};
use crate::keys::{NodeKey, NodeKeys};
use crate::node::NodeError;
use clap::Subcommand;
use countersign_relay::OpenError;

#[derive(Debug, Subcommand)]
pub(super) enum Settings {
    /// Show every setting as the node would use it, with its environment variable.
    Show {
        #[command(flatten)]
        folder: Folder,
    },
    /// Check settings, spec and key files without starting the node.
    Check {
        #[command(flatten)]
        folder: Folder,
    },
}

impl Settings {
    pub fn execute(self) -> Result<(), CliError> {
        match self {
            Self::Show { folder } => {
                let config = config::load(&folder.dir, std::env::vars(), &Vec::new())?;
                for key in KEYS {
                    println!("{:26} {:34} {}", key.name, (key.show)(&config), key.variable());
                }
            }
            Self::Check { folder } => {
                let config = config::load(&folder.dir, std::env::vars(), &Vec::new())?;
                let genesis = countersign_chain_spec::load(&config.path(&config.spec))?;
                let NodeKeys { validator, .. } = NodeKeys::load(&config)?;
                if let Some(file) = config.relay_certificates.as_deref().filter(|_| config.relay_enabled) {
                    countersign_relay::certificates(&config.path(file))
                        .map_err(|error| NodeError::Relay(OpenError::Sites(error.into())))?;
                }
                println!("settings, spec and keys are right: chain {}", genesis.chain());
                let is_validator = |key: &NodeKey| genesis.validators.0.iter().any(|v| v.key == key.public());
                if validator.as_ref().is_some_and(|key| !is_validator(key)) {
                    println!("note: the validator's key is none of the spec's validators");
                }
            }
        }
        Ok(())
    }
}
