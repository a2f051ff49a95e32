//! `countersign-node init`: a node's folder from a chain's spec.
use super::CliError;
use crate::config::{self, Config};
use crate::keys::{KeyFileError, NodeKey};
use clap::Args;
use countersign_types::Genesis;
use std::fs;
use std::path::{Path, PathBuf};

/// Why a folder was not made.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// There is a node in it already.
    #[error("{} holds a node already; use another folder, or `countersign-node run --dir {}`", dir.display(), dir.display())]
    Exists {
        /// The folder.
        dir: PathBuf,
    },
    /// A file of it cannot be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
}

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
        let made = make(&mut config, &text, validator.as_ref())?;
        keep_spec_where_it_reads_the_same(&mut config, &genesis, &self.spec)?;
        println!("folder     {}", self.dir.display());
        println!("chain      {}  {}", genesis.chain(), genesis.title);
        println!("peer id    {}", made.peer_id());
        match validator {
            Some(key) => println!("validator  {}", key.public()),
            None => println!("validator  none: this node only follows (see --validator-key)"),
        }
        println!(
            "\nNow list the peers in {}, then: countersign-node run --dir {}",
            config_file(&config).display(),
            self.dir.display()
        );
        Ok(())
    }
}

/// Makes the folder of `config` with spec, keys and settings; returns the network identity.
pub(super) fn make(config: &mut Config, spec: &str, validator: Option<&NodeKey>) -> Result<NodeKey, CliError> {
    let dir = config.dir.clone();
    if config_file(config).exists() {
        return Err(InitError::Exists { dir }.into());
    }
    fs::create_dir_all(&dir).map_err(|cause| InitError::Write { path: dir.clone(), cause })?;
    write(&dir.join("spec.toml"), spec)?;
    let identity = match NodeKey::generate()?.save(&dir.join("network.key")) {
        // Left by an `init` that did not come to its end.
        Ok(()) | Err(KeyFileError::Exists { .. }) => NodeKey::load(&dir.join("network.key"))?,
        Err(error) => return Err(error.into()),
    };
    if let Some(key) = validator {
        key.save(&dir.join("validator.key"))?;
        config.validator_key = Some("validator.key".into());
    }
    write(&config_file(config), &config::template(config))?;
    Ok(identity)
}

/// A spec that names files beside it is left where it is.
fn keep_spec_where_it_reads_the_same(config: &mut Config, genesis: &Genesis, spec: &Path) -> Result<(), CliError> {
    let copied = countersign_chain_spec::load(&config.path(&config.spec));
    if copied.is_ok_and(|copied| copied.chain() == genesis.chain()) {
        return Ok(());
    }
    let copy = config.path(&config.spec);
    config.spec = spec.canonicalize().map_err(|cause| CliError::System { action: "find the chain's spec", cause })?;
    fs::remove_file(&copy).map_err(|cause| InitError::Write { path: copy, cause })?;
    write(&config_file(config), &config::template(config))
}

fn config_file(config: &Config) -> PathBuf {
    config.dir.join("node.toml")
}

fn write(path: &Path, text: &str) -> Result<(), CliError> {
    Ok(fs::write(path, text).map_err(|cause| InitError::Write { path: path.to_path_buf(), cause })?)
}
