//! `countersign-node init`: a node's folder from a chain's spec.
use super::CliError;
use crate::config::{self, Config};
use crate::folder::{self, FolderError, Keys};
use crate::keys::NodeKey;
use clap::Args;
use countersign_types::Genesis;
use std::fs;
use std::path::{Path, PathBuf};

#[derive(Debug, Args)]
pub(super) struct Init {
    /// The chain's spec.
    #[arg(long, value_name = "FILE")]
    spec: PathBuf,
    /// The folder to make.
    #[arg(long, env = "COUNTERSIGN_DIR", value_name = "DIR")]
    dir: PathBuf,
    /// The validator's key, made with `keys new`; without it the node only follows the chain.
    #[arg(long, value_name = "FILE")]
    validator_key: Option<PathBuf>,
}

impl Init {
    pub fn execute(self) -> Result<(), CliError> {
        let genesis = countersign_chain_spec::load(&self.spec)?;
        let validator = self.validator_key.as_deref().map(NodeKey::load).transpose()?;
        let text = fs::read_to_string(&self.spec)
            .map_err(|cause| CliError::System { action: "read the chain's spec again", cause })?;
        let mut config = Config::new(self.dir.clone());
        let keys = Keys { network: NodeKey::generate()?, validator };
        let made = folder::make(&mut config, Some(&text), &keys)?;
        keep_spec_where_it_reads_the_same(&mut config, &genesis, &self.spec)?;
        println!("folder     {}", self.dir.display());
        println!("chain      {}  {}", genesis.chain(), genesis.title);
        println!("peer id    {}", made.peer_id());
        match &keys.validator {
            Some(key) => println!("validator  {}", key.public()),
            None => println!("validator  none: this node only follows (see --validator-key)"),
        }
        println!(
            "\nNow list the peers in {}, then: countersign-node run --dir {}",
            config.dir.join(folder::SETTINGS_FILE).display(),
            self.dir.display()
        );
        Ok(())
    }
}

/// A spec that names files beside it is left where it is.
fn keep_spec_where_it_reads_the_same(config: &mut Config, genesis: &Genesis, spec: &Path) -> Result<(), CliError> {
    let copied = countersign_chain_spec::load(&config.path(&config.spec));
    if copied.is_ok_and(|copied| copied.chain() == genesis.chain()) {
        return Ok(());
    }
    let copy = config.path(&config.spec);
    config.spec = spec.canonicalize().map_err(|cause| CliError::System { action: "find the chain's spec", cause })?;
    fs::remove_file(&copy).map_err(|cause| FolderError::Delete { path: copy, cause })?;
    Ok(folder::write(&config.dir.join(folder::SETTINGS_FILE), &config::template(config))?)
}
