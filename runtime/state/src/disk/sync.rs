//! Makes the database's files durable.
//!
//! On Linux sled's own flush calls `sync_file_range`, which keeps what a process wrote when it dies, but neither the file's new
//! length nor the device's cache when the power fails; and it does not sync large values, which it puts into files of their own.
use super::directory::file_error;
use crate::store::StoreError;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Name of sled's file and of its directory of large values, as of sled 0.34.
const FILE: &str = "db";
const LARGE_VALUES: &str = "blobs";

#[derive(Debug)]
pub(super) struct DatabaseFiles {
    path: PathBuf,
    file: File,
    large_values: PathBuf,
    /// Name of the newest large value that is synced: sled numbers them upwards.
    synced: Mutex<Option<u64>>,
}

impl DatabaseFiles {
    /// The files of the open database in `directory`.
    pub(super) fn open(directory: &Path) -> Result<Self, StoreError> {
        let path = directory.join(FILE);
        let file = File::options().write(true).open(&path).map_err(file_error("open", &path))?;
        Ok(Self { path, file, large_values: directory.join(LARGE_VALUES), synced: Mutex::new(None) })
    }

    /// Makes all that sled has flushed durable.
    pub(super) fn sync(&self) -> Result<(), StoreError> {
        let mut synced = self.synced.lock().unwrap_or_else(PoisonError::into_inner);
        let newest = self.sync_large_values(*synced)?;
        self.file.sync_all().map_err(file_error("sync", &self.path))?;
        *synced = newest;
        Ok(())
    }

    /// Syncs the large values newer than `synced` and returns the newest.
    fn sync_large_values(&self, synced: Option<u64>) -> Result<Option<u64>, StoreError> {
        let mut newest = synced;
        for entry in fs::read_dir(&self.large_values).map_err(file_error("read", &self.large_values))? {
            let entry = entry.map_err(file_error("read", &self.large_values))?;
            let number = entry.file_name().to_str().and_then(|name| name.parse().ok());
            if number <= synced {
                continue;
            }
            match File::open(entry.path()).and_then(|file| file.sync_all()) {
                // Removed since: it was replaced by a newer one.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                result => result.map_err(file_error("sync", &entry.path()))?,
            }
            newest = newest.max(number);
        }
        if newest != synced {
            let directory = File::open(&self.large_values).and_then(|directory| directory.sync_all());
            directory.map_err(file_error("sync", &self.large_values))?;
        }
        Ok(newest)
    }
}
