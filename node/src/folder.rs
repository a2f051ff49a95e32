//! A node's folder: spec, keys and settings, made together and never over an older node.
use crate::config::{self, Config};
use crate::keys::{KeyFileError, NodeKey};
use std::fs;
use std::path::{Path, PathBuf};

/// The settings in a node's folder.
pub const SETTINGS_FILE: &str = "node.toml";
/// The network identity's key in a node's folder.
pub const NETWORK_KEY_FILE: &str = "network.key";
/// The validator's key in a node's folder.
pub const VALIDATOR_KEY_FILE: &str = "validator.key";
/// The chain's spec in a node's folder.
pub const SPEC_FILE: &str = "spec.toml";

/// Folders a running node makes.
const KEPT_FOLDERS: [&str; 3] = ["chain", "consensus", "code-cache"];
/// Files a running node makes, and those it is made from.
const KEPT_FILES: [&str; 8] = [
    "mempool.bin",
    "evidence.bin",
    SETTINGS_FILE,
    SPEC_FILE,
    NETWORK_KEY_FILE,
    VALIDATOR_KEY_FILE,
    crate::node::ADDRESS_FILE,
    crate::node::LOG_FILE,
];

/// Why a folder was not made.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
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
    /// A file of it cannot be deleted.
    #[error("cannot delete {}", path.display())]
    Delete {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
    /// A key file cannot be made or read.
    #[error(transparent)]
    Key(#[from] KeyFileError),
}

/// The keys a folder begins with.
#[derive(Debug)]
pub struct Keys {
    /// The network identity.
    pub network: NodeKey,
    /// The validator's key; a node without one follows the chain.
    pub validator: Option<NodeKey>,
}

/// Makes the folder of `config` with spec, keys and settings; returns the network identity.
///
/// # Errors
/// [`FolderError`]; a folder with settings in it is left as it is.
pub fn make(config: &mut Config, spec: Option<&str>, keys: &Keys) -> Result<NodeKey, FolderError> {
    let dir = config.dir.clone();
    let settings = dir.join(SETTINGS_FILE);
    if settings.exists() {
        return Err(FolderError::Exists { dir });
    }
    fs::create_dir_all(&dir).map_err(|cause| FolderError::Write { path: dir.clone(), cause })?;
    if let Some(spec) = spec {
        write(&dir.join(SPEC_FILE), spec)?;
    }
    let network = dir.join(NETWORK_KEY_FILE);
    let identity = match keys.network.save(&network) {
        // Left by an `init` that did not come to its end.
        Ok(()) | Err(KeyFileError::Exists { .. }) => NodeKey::load(&network)?,
        Err(error) => return Err(error.into()),
    };
    if let Some(key) = &keys.validator {
        key.save(&dir.join(VALIDATOR_KEY_FILE))?;
        config.validator_key = Some(VALIDATOR_KEY_FILE.into());
    }
    write(&settings, &config::template(config))?;
    Ok(identity)
}

/// Deletes what a node keeps in `dir`, and nothing else.
///
/// # Errors
/// [`FolderError::Delete`].
pub fn forget(dir: &Path) -> Result<(), FolderError> {
    let folders = KEPT_FOLDERS.map(|name| (name, fs::remove_dir_all(dir.join(name))));
    let files = KEPT_FILES.map(|name| (name, fs::remove_file(dir.join(name))));
    for (name, deleted) in folders.into_iter().chain(files) {
        match deleted {
            Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => {
                return Err(FolderError::Delete { path: dir.join(name), cause });
            }
            _ => {}
        }
    }
    Ok(())
}

/// Writes a file of the folder.
///
/// # Errors
/// [`FolderError::Write`].
pub fn write(path: &Path, text: &str) -> Result<(), FolderError> {
    fs::write(path, text).map_err(|cause| FolderError::Write { path: path.to_path_buf(), cause })
}
