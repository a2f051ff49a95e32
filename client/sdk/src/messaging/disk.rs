//! Files of the wallet's messages and sessions: only their owner reads them, each is whole or absent, and what was
//! reported as kept is on the disk.
use crate::keystore::{KeyError, check_mode, make_private_folder, write_private};
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Why a file of the wallet cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DiskError {
    /// Others could read or change it, or its folder.
    #[error(transparent)]
    Access(KeyError),
    /// The file system refused.
    #[error("cannot use {path}")]
    Io {
        /// File or folder.
        path: String,
        /// What it answered.
        #[source]
        source: io::Error,
    },
    /// Longer than any such file.
    #[error("{path} is longer than {limit} bytes, which no such file is")]
    TooLong {
        /// The file.
        path: String,
        /// The most it may have.
        limit: u64,
    },
    /// Not what it should hold.
    #[error("{path} is damaged: {cause}; {advice}")]
    Damaged {
        /// The file.
        path: String,
        /// What is wrong with it.
        cause: String,
        /// What to do.
        advice: &'static str,
    },
}

pub(super) fn io_error(path: &Path, source: io::Error) -> DiskError {
    DiskError::Io { path: path.display().to_string(), source }
}

/// Makes a folder that only its owner enters, with those above it; one that others can enter is refused.
pub(super) fn private_folder(folder: &Path) -> Result<(), DiskError> {
    make_private_folder(folder).map_err(DiskError::Access)
}

/// The first `limit` bytes of a file that only its owner can read, and its length; `None` if there is none.
pub(super) fn read_start(path: &Path, limit: u64) -> Result<Option<(Vec<u8>, u64)>, DiskError> {
    let file = match fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(io_error(path, source)),
    };
    check_mode(path, 0o600).map_err(DiskError::Access)?;
    let length = file.metadata().map_err(|source| io_error(path, source))?.len();
    let mut bytes = Vec::new();
    file.take(limit).read_to_end(&mut bytes).map_err(|source| io_error(path, source))?;
    Ok(Some((bytes, length)))
}

/// A whole file of at most `limit` bytes that only its owner can read; `None` if there is none.
pub(super) fn read_private(path: &Path, limit: u64) -> Result<Option<Vec<u8>>, DiskError> {
    match read_start(path, limit.saturating_add(1))? {
        Some((bytes, _)) if bytes.len() as u64 > limit => {
            Err(DiskError::TooLong { path: path.display().to_string(), limit })
        }
        found => Ok(found.map(|(bytes, _)| bytes)),
    }
}

/// Writes a file beside its place, to the disk, and moves it there: a reader finds the old one or the new one. Only one
/// run does so at a time for one path; what a killed one left beside it is taken over.
pub(super) fn replace(path: &Path, content: &[u8]) -> Result<(), DiskError> {
    let beside = beside(path);
    remove(&beside)?;
    write_private(&beside, content).map_err(|source| io_error(&beside, source))?;
    rename(&beside, path)
}

/// Gives a file another name in its folder, on the disk.
pub(super) fn rename(from: &Path, to: &Path) -> Result<(), DiskError> {
    fs::rename(from, to).map_err(|source| io_error(to, source))?;
    let folder = to.parent().unwrap_or(Path::new("."));
    let synced = fs::File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(|source| io_error(folder, source))
}

/// Where a file is written before it is moved to its place.
pub(super) fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(".part");
    path.with_file_name(name)
}

/// Removes a file; true if there was one.
pub(super) fn remove(path: &Path) -> Result<bool, DiskError> {
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(source) => Err(io_error(path, source)),
    }
}

/// One run at a time: the lock is the file's and ends with it, or with the program.
pub(super) fn lock(folder: &Path) -> Result<fs::File, DiskError> {
    use std::os::unix::fs::OpenOptionsExt;
    private_folder(folder)?;
    let path = folder.join("lock");
    let opened = fs::OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&path);
    let file = opened.map_err(|source| io_error(&path, source))?;
    file.lock().map_err(|source| io_error(&path, source))?;
    Ok(file)
}
