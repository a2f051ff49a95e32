//! The chains a wallet trusts, in a folder: one file for each with its validators and the newest header verified, so
//! that a later run starts there and never goes back behind it.
use super::{Mark, Trust, VALIDATORS_BYTES_MAX};
use crate::rpc_types::HexBytes;
use crate::types::{Hash, Height, Interface, Timestamp, decode, limits};
use parity_scale_codec::Encode;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// Bytes of a chain's file: a set of a hundred validators in hexadecimal takes 8 KiB.
const FILE_BYTES_MAX: usize = 64 * 1024;
/// Chains listed: a wallet trusts a handful.
const CHAINS_MAX: usize = 1_000;
/// Ending of a chain's file.
const ENDING: &str = ".chain.json";
/// The file that names the chain used unless another is named.
const DEFAULT: &str = "default";

/// A folder of trusted chains.
#[derive(Clone, Debug)]
pub struct TrustStore {
    folder: PathBuf,
}

/// Why what is trusted cannot be read or kept.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file system refused.
    #[error("cannot use {path}")]
    Io {
        /// File or folder.
        path: String,
        /// What it answered.
        #[source]
        source: io::Error,
    },
    /// A file is not one of this store.
    #[error("{path} is damaged: {cause}; remove it and trust the chain again with `network trust`")]
    Damaged {
        /// The file.
        path: String,
        /// What is wrong.
        cause: String,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ChainFile {
    chain: String,
    title: String,
    /// Encoded.
    validators: HexBytes,
    since: u64,
    newest: Option<MarkFile>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct MarkFile {
    height: u64,
    time_ms: u64,
    hash: String,
}

impl TrustStore {
    /// The store in a folder, which is made when something is kept.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    fn path(&self, chain: &Hash) -> PathBuf {
        self.folder.join(format!("{chain}{ENDING}"))
    }

    /// What is trusted of a chain; `None` if nothing is.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn load(&self, chain: &Hash) -> Result<Option<Trust>, StoreError> {
        let path = self.path(chain);
        let Some(bytes) = read(&path, FILE_BYTES_MAX)? else {
            return Ok(None);
        };
        let trust = read_chain(&bytes).map_err(|cause| damaged(&path, cause))?;
        if trust.chain != *chain {
            return Err(damaged(&path, format!("it is of chain {}", trust.chain)));
        }
        Ok(Some(trust))
    }

    /// Keeps what is trusted of a chain, unless another run has come further.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn save(&self, trust: &Trust) -> Result<(), StoreError> {
        let _lock = self.lock()?;
        let height = |trust: &Trust| trust.newest.map(|mark| mark.height);
        if self.load(&trust.chain)?.is_some_and(|kept| height(&kept) > height(trust)) {
            return Ok(());
        }
        let file = ChainFile {
            chain: trust.chain.to_string(),
            title: trust.title.clone(),
            validators: HexBytes(trust.validators.encode()),
            since: trust.since.get(),
            newest: trust.newest.map(|mark| MarkFile {
                height: mark.height.get(),
                time_ms: mark.time.millis(),
                hash: mark.hash.to_string(),
            }),
        };
        let text = serde_json::to_vec_pretty(&file).expect("strings and numbers are JSON");
        replace(&self.path(&trust.chain), &text)
    }

    /// The chain used unless another is named.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn default_chain(&self) -> Result<Option<Hash>, StoreError> {
        let path = self.folder.join(DEFAULT);
        let Some(bytes) = read(&path, FILE_BYTES_MAX)? else {
            return Ok(None);
        };
        let chain = std::str::from_utf8(&bytes).ok().and_then(|text| text.trim().parse().ok());
        chain.map(Some).ok_or_else(|| damaged(&path, "it names no chain".into()))
    }

    /// Makes a chain the one used unless another is named.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn set_default(&self, chain: &Hash) -> Result<(), StoreError> {
        let _lock = self.lock()?;
        replace(&self.folder.join(DEFAULT), format!("{chain}\n").as_bytes())
    }

    /// All chains trusted, by id.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn list(&self) -> Result<Vec<Trust>, StoreError> {
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(io_error(&self.folder, source)),
        };
        let mut chains: Vec<Hash> = entries
            .take(CHAINS_MAX)
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.strip_suffix(ENDING)?.parse().ok())
            .collect();
        chains.sort_unstable();
        let loaded = chains.iter().map(|chain| self.load(chain));
        Ok(loaded.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
    }

    /// Trusts a chain no more. True if it was trusted.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn forget(&self, chain: &Hash) -> Result<bool, StoreError> {
        let _lock = self.lock()?;
        if self.default_chain()? == Some(*chain) {
            remove(&self.folder.join(DEFAULT))?;
        }
        remove(&self.path(chain))
    }

    /// The interface that the code with this hash declares, if it was seen before.
    ///
    /// # Errors
    /// [`StoreError::Io`]. What is no interface any more is read from the ledger again.
    pub fn interface(&self, code: &Hash) -> Result<Option<Interface>, StoreError> {
        let bytes = read(&self.interface_path(code), limits::CODE_BYTES_MAX)?;
        let text = bytes.as_deref().and_then(|bytes| std::str::from_utf8(bytes).ok());
        Ok(text.and_then(|text| Interface::parse(text).ok()))
    }

    /// Keeps the interface that the code with this hash declares.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn keep_interface(&self, code: &Hash, interface: &Interface) -> Result<(), StoreError> {
        let _lock = self.lock()?;
        replace(&self.interface_path(code), interface.to_string().as_bytes())
    }

    fn interface_path(&self, code: &Hash) -> PathBuf {
        self.folder.join(format!("{code}.interface"))
    }

    /// One run writes at a time. The lock is the file's and ends with it.
    fn lock(&self) -> Result<fs::File, StoreError> {
        use std::os::unix::fs::DirBuilderExt;
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.folder);
        made.map_err(|source| io_error(&self.folder, source))?;
        let path = self.folder.join("lock");
        let opened = fs::OpenOptions::new().create(true).truncate(false).write(true).open(&path);
        let file = opened.map_err(|source| io_error(&path, source))?;
        file.lock().map_err(|source| io_error(&path, source))?;
        Ok(file)
    }
}

fn read_chain(bytes: &[u8]) -> Result<Trust, String> {
    let file: ChainFile = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    let hash = |text: &str| text.parse::<Hash>().map_err(|error| error.to_string());
    let validators = decode("validators", &file.validators.0, VALIDATORS_BYTES_MAX).map_err(|e| e.to_string())?;
    let newest = file.newest.map(|mark| {
        let (height, time) = (Height::new(mark.height), Timestamp::from_millis(mark.time_ms));
        Ok::<_, String>(Mark { height, time, hash: hash(&mark.hash)? })
    });
    Ok(Trust {
        chain: hash(&file.chain)?,
        title: file.title,
        validators,
        since: Height::new(file.since),
        newest: newest.transpose()?,
    })
}

fn io_error(path: &Path, source: io::Error) -> StoreError {
    StoreError::Io { path: path.display().to_string(), source }
}

fn damaged(path: &Path, cause: String) -> StoreError {
    StoreError::Damaged { path: path.display().to_string(), cause }
}

/// A file of at most `limit` bytes; `None` if there is none.
fn read(path: &Path, limit: usize) -> Result<Option<Vec<u8>>, StoreError> {
    let file = match fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(io_error(path, source)),
    };
    let mut bytes = Vec::new();
    file.take(limit as u64 + 1).read_to_end(&mut bytes).map_err(|source| io_error(path, source))?;
    if bytes.len() > limit {
        return Err(damaged(path, format!("it is longer than {limit} bytes")));
    }
    Ok(Some(bytes))
}

fn remove(path: &Path) -> Result<bool, StoreError> {
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(source) => Err(io_error(path, source)),
    }
}

/// Writes a file beside its place and moves it there: a reader finds the old one or the new one. Under the store's
/// lock, so that what lies there is left of a run that was killed.
fn replace(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    use std::os::unix::fs::OpenOptionsExt;
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(".part");
    let beside = path.with_file_name(name);
    let written = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside).and_then(
        |mut file| {
            file.write_all(bytes)?;
            file.sync_all()
        },
    );
    written.and_then(|()| fs::rename(&beside, path)).map_err(|source| io_error(path, source))
}

#[cfg(test)]
mod tests;
