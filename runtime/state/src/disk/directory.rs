//! The store's directory: held by one process at a time, and marked with its format.
use crate::store::StoreError;
use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Names how everything in the directory is written: a version that writes otherwise names another format.
const FORMAT: &str = "countersign-store 3";
/// Bytes of a format file that are shown: more is not one of ours.
const FORMAT_BYTES_MAX: usize = 64;
const FORMAT_FILE: &str = "format";

/// Takes the directory, which is created if need be, for this process as long as the returned file is open.
pub(super) fn take(path: &Path) -> Result<File, StoreError> {
    fs::create_dir_all(path).map_err(file_error("create", path))?;
    let lock_path = path.join("lock");
    let file = File::options().create(true).truncate(false).write(true).open(&lock_path);
    let file = file.map_err(file_error("open", &lock_path))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(StoreError::Locked { path: path.to_path_buf() }),
        Err(TryLockError::Error(source)) => return Err(file_error("lock", &lock_path)(source)),
    }
    check_format(path)?;
    Ok(file)
}

/// Checks that the directory is in our format, or marks a new one so.
fn check_format(path: &Path) -> Result<(), StoreError> {
    let format_path = path.join(FORMAT_FILE);
    let found = match fs::read(&format_path) {
        Ok(bytes) => String::from_utf8_lossy(&bytes[..bytes.len().min(FORMAT_BYTES_MAX)]).trim_end().to_owned(),
        Err(error) if error.kind() == io::ErrorKind::NotFound && !path.join(super::DATABASE).exists() => {
            return write_whole(&format_path, &[FORMAT.as_bytes(), b"\n"]);
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(file_error("read", &format_path)(error)),
    };
    if found == FORMAT {
        Ok(())
    } else {
        Err(StoreError::OtherFormat { path: path.to_path_buf(), found, supported: FORMAT })
    }
}

/// Writes a file that is durable on return; a crash leaves it whole or as it was.
pub(super) fn write_whole(path: &Path, parts: &[&[u8]]) -> Result<(), StoreError> {
    let new_path = path.with_extension("new");
    let write = || {
        let mut file = File::create(&new_path)?;
        parts.iter().try_for_each(|part| file.write_all(part))?;
        file.sync_all()?;
        fs::rename(&new_path, path)
    };
    write().map_err(file_error("write", path))?;
    sync_parent(path)
}

/// Makes the creation, renaming or removal of the file at `path` durable.
pub(super) fn sync_parent(path: &Path) -> Result<(), StoreError> {
    let parent = path.parent().unwrap_or(path);
    File::open(parent).and_then(|directory| directory.sync_all()).map_err(file_error("sync", parent))
}

pub(super) fn file_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    let path: PathBuf = path.to_path_buf();
    move |source| StoreError::File { action, path, source }
}
