//! `countersign-node keys`: key files.
use super::CliError;
use crate::keys::NodeKey;
use clap::Subcommand;
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(super) enum Keys {
    /// Make a key file and show what others need of it.
    New {
        /// The file to make; only its owner can read it.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// Take the well-known development key of this name instead of a random one. Anybody can compute it.
        #[arg(long, value_name = "NAME")]
        development: Option<String>,
    },
    /// Show what others need of a key file. Never shows the secret.
    Show {
        /// The key file.
        file: PathBuf,
    },
}

impl Keys {
    pub fn execute(self) -> Result<(), CliError> {
        let key = match self {
            Self::New { out, development } => {
                let key = match development {
                    Some(name) => NodeKey::development(&name),
                    None => NodeKey::generate()?,
                };
                key.save(&out)?;
                key
            }
            Self::Show { file } => NodeKey::load(&file)?,
        };
        println!("as a validator, in the chain's spec:  {}", key.public());
        println!("as a network identity, in addresses:  /p2p/{}", key.peer_id());
        Ok(())
    }
}
