//! A node's folder: spec, keys and settings, made together and never over an older node.
use crate::config::{self, Config};
use crate::keys::{KeyFileError, NodeKey, NodeKeys, Passphrase};
use countersign_chain_spec::LoadError;
use countersign_types::Hash;
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
/// What others need to know of the node, in its folder.
pub const ENTRY_FILE: &str = "entry.toml";
/// What its relay keeps, in a node's folder.
pub const RELAY_FOLDER: &str = "relay";

/// The consensus engine's log, in a node's folder.
pub const CONSENSUS_FOLDER: &str = "consensus";

/// Folders a running node makes.
const KEPT_FOLDERS: [&str; 4] = ["chain", CONSENSUS_FOLDER, "code-cache", RELAY_FOLDER];
/// Files a running node makes, and those it is made from.
const KEPT_FILES: [&str; 10] = [
    "mempool.bin",
    "evidence.bin",
    SETTINGS_FILE,
    SPEC_FILE,
    ENTRY_FILE,
    NETWORK_KEY_FILE,
    VALIDATOR_KEY_FILE,
    crate::voted::VOTED_FILE,
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
    /// The node belongs to another chain.
    #[error("{} belongs to chain {found}, but {} makes chain {given}", dir.display(), spec.display())]
    OtherChain {
        /// The node's folder.
        dir: PathBuf,
        /// The chain of the spec in it.
        found: Hash,
        /// The spec that was given.
        spec: PathBuf,
        /// Its chain.
        given: Hash,
    },
    /// The node was never told its chain.
    #[error("{} has no chain's spec yet; give it once: countersign-node run --dir {} --spec FILE", dir.display(), dir.display())]
    NoSpec {
        /// The node's folder.
        dir: PathBuf,
    },
    /// The spec names files beside it.
    #[error(
        "{} names files beside it, so it cannot be copied into the node's folder: write its path as `spec` under [chain] in node.toml, and run without --spec",
        spec.display()
    )]
    SpecWithFiles {
        /// The spec.
        spec: PathBuf,
    },
    /// A spec has mistakes or cannot be read.
    #[error(transparent)]
    Spec(#[from] LoadError),
    /// A key file cannot be made or read.
    #[error(transparent)]
    Key(#[from] KeyFileError),
}

/// The folder that `path` is in: of a bare name the current one.
pub(crate) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Makes what was created or renamed in a folder durable.
pub(crate) fn sync(folder: &Path) -> std::io::Result<()> {
    fs::File::open(folder)?.sync_all()
}

/// Makes the folder of `config` with spec, keys and settings; returns the network identity.
///
/// # Errors
/// [`FolderError`]; a folder with settings in it is left as it is.
pub fn make(config: &mut Config, spec: Option<&str>, keys: &NodeKeys) -> Result<NodeKey, FolderError> {
    let dir = config.dir.clone();
    let settings = dir.join(SETTINGS_FILE);
    if settings.exists() {
        return Err(FolderError::Exists { dir });
    }
    fs::create_dir_all(&dir).map_err(|cause| FolderError::Write { path: dir.clone(), cause })?;
    let passphrase = Passphrase::of(config)?;
    if let Some(spec) = spec {
        write(&dir.join(SPEC_FILE), spec)?;
    }
    let network = dir.join(NETWORK_KEY_FILE);
    let identity = match keys.network.save(&network, passphrase.as_ref()) {
        // Left by an `init` that did not come to its end.
        Ok(()) | Err(KeyFileError::Exists { .. }) => NodeKey::load(&network, passphrase.as_ref())?,
        Err(error) => return Err(error.into()),
    };
    if let Some(key) = &keys.validator {
        key.save(&dir.join(VALIDATOR_KEY_FILE), passphrase.as_ref())?;
        config.validator_key = Some(VALIDATOR_KEY_FILE.into());
    }
    write(&settings, &config::template(config))?;
    Ok(identity)
}

/// Takes the chain's spec into the folder of `config`, if `given` and not there yet; checks that there is one, and none of another
/// chain.
///
/// # Errors
/// [`FolderError`]; the folder is left as it is.
pub fn take_spec(config: &Config, given: Option<&Path>) -> Result<(), FolderError> {
    let kept = config.path(&config.spec);
    let dir = || config.dir.clone();
    let Some(spec) = given else {
        return if kept.exists() { Ok(()) } else { Err(FolderError::NoSpec { dir: dir() }) };
    };
    let genesis = countersign_chain_spec::load(spec)?;
    if kept.exists() {
        let (found, given) = (countersign_chain_spec::load(&kept)?.chain(), genesis.chain());
        if found != given {
            return Err(FolderError::OtherChain { dir: dir(), found, spec: spec.into(), given });
        }
        return Ok(());
    }
    let text = fs::read_to_string(spec).map_err(|source| LoadError::Unreadable { path: spec.into(), source })?;
    // Read where it will stand, so that files it names beside it are looked for there.
    let copied = countersign_chain_spec::parse(&text, kept.parent().unwrap_or(Path::new("")));
    if copied.map(|copied| copied.chain()) != Ok(genesis.chain()) {
        return Err(FolderError::SpecWithFiles { spec: spec.into() });
    }
    write(&kept, &text)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_keeps_the_first_spec_and_refuses_another() {
        let dir = tempfile::tempdir().unwrap();
        let mut config = Config::new(dir.path().join("node"));
        let keys = NodeKeys { network: NodeKey::generate().unwrap(), validator: None };
        make(&mut config, None, &keys).unwrap();
        assert!(matches!(take_spec(&config, None), Err(FolderError::NoSpec { .. })));
        let (spec, other) = (dir.path().join("chain.toml"), dir.path().join("other.toml"));
        fs::write(&spec, countersign_chain_spec::DEV).unwrap();
        fs::write(&other, countersign_chain_spec::DEV.replacen("title = \"", "title = \"another ", 1)).unwrap();
        take_spec(&config, Some(&spec)).unwrap();
        assert_eq!(fs::read_to_string(config.path(&config.spec)).unwrap(), countersign_chain_spec::DEV);
        take_spec(&config, None).unwrap();
        take_spec(&config, Some(&spec)).unwrap();
        let refused = take_spec(&config, Some(&other)).unwrap_err();
        assert!(matches!(refused, FolderError::OtherChain { .. }), "{refused}");
        assert!(matches!(make(&mut config, None, &keys), Err(FolderError::Exists { .. })));
    }

    #[test]
    fn a_spec_with_files_beside_it_stays_where_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let config = Config::new(dir.path().join("node"));
        fs::create_dir(&config.dir).unwrap();
        let spec = dir.path().join("chain.toml");
        let genesis = countersign_chain_spec::dev();
        let code = genesis.contracts.iter().find(|contract| contract.name.as_str() == "rebate").unwrap().code.to_vec();
        fs::write(dir.path().join("deal.wasm"), code).unwrap();
        let section = "\n[[contract]]\nname = \"deal\"\nfile = \"deal.wasm\"\n";
        fs::write(&spec, [countersign_chain_spec::DEV, section].concat()).unwrap();
        assert!(matches!(take_spec(&config, Some(&spec)), Err(FolderError::SpecWithFiles { .. })));
        assert!(!config.path(&config.spec).exists());
    }
}
