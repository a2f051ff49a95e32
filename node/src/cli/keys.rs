//! `countersign-node keys`: key files.
use super::CliError;
use crate::keys::{KeyFileError, NodeKey, Passphrase};
use clap::{Args, Subcommand};
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
        #[command(flatten)]
        passphrase: PassphraseFlag,
    },
    /// Show what others need of a key file. Never shows the secret.
    Show {
        /// The key file.
        file: PathBuf,
        #[command(flatten)]
        passphrase: PassphraseFlag,
    },
    /// Copy a key file, encrypted with the passphrase that is set. Delete the old one when the node runs with the copy.
    Copy {
        /// The key file.
        file: PathBuf,
        /// The file to make; only its owner can read it.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// Do not encrypt the copy.
        #[arg(long)]
        plain: bool,
        #[command(flatten)]
        passphrase: PassphraseFlag,
    },
}

#[derive(Debug, Args)]
pub(super) struct PassphraseFlag {
    /// File with the passphrase; else the environment's COUNTERSIGN_NODE_PASSPHRASE, if it is set.
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

impl PassphraseFlag {
    fn find(&self) -> Result<Option<Passphrase>, KeyFileError> {
        Passphrase::find(self.passphrase_file.as_deref())
    }
}

impl Keys {
    pub fn execute(self) -> Result<(), CliError> {
        let key = match self {
            Self::New { out, development, passphrase } => {
                let key = match development {
                    Some(name) => NodeKey::development(&name),
                    None => NodeKey::generate()?,
                };
                key.save(&out, passphrase.find()?.as_ref())?;
                key
            }
            Self::Show { file, passphrase } => NodeKey::load(&file, passphrase.find()?.as_ref())?,
            Self::Copy { file, out, plain, passphrase } => {
                let passphrase = passphrase.find()?;
                let key = NodeKey::load(&file, passphrase.as_ref())?;
                if passphrase.is_none() && !plain {
                    return Err(KeyFileError::NoPassphrase.into());
                }
                key.save(&out, passphrase.as_ref().filter(|_| !plain))?;
                key
            }
        };
        println!("as a validator, in the chain's spec:  {}", key.public());
        println!("as a network identity, in addresses:  /p2p/{}", key.peer_id());
        Ok(())
    }
}
