//! A checkpoint in a file of its own, durable before the database is touched: whatever a crash leaves of the checkpoint in the
//! database, writing it again completes it.
//!
//! So the database is written without a transaction, which in sled costs twice the time, three times the memory, and a lock that
//! holds up every reader in the process.
use super::directory::{file_error, write_whole};
use crate::snapshot::Corruption;
use crate::store::{Checkpoint, StoreError};
use countersign_types::Hash;
use parity_scale_codec::{DecodeAll, Encode};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

#[derive(Debug)]
pub(super) struct Redo {
    path: PathBuf,
}

impl Redo {
    pub(super) fn new(directory: &Path) -> Self {
        Self { path: directory.join("checkpoint.redo") }
    }

    /// Keeps what of `checkpoint` belongs into the database; durable on return.
    pub(super) fn put(&self, checkpoint: &Checkpoint) -> Result<(), StoreError> {
        let Checkpoint { height, root, changes, receipts: _, index } = checkpoint;
        let body = (height, root, changes, index).encode();
        write_whole(&self.path, &[&checksum(&body).0, &body])
    }

    /// The checkpoint, without receipts, that may not be in the database, if there is one.
    pub(super) fn get(&self) -> Result<Option<Checkpoint>, StoreError> {
        let bytes = match fs::read(&self.path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(file_error("read", &self.path)(error)),
        };
        let whole = bytes.split_first_chunk().filter(|(found, body)| checksum(body).0 == **found);
        let decoded = whole.and_then(|(_, body)| DecodeAll::decode_all(&mut &*body).ok());
        let Some((height, root, changes, index)) = decoded else {
            return Err(Corruption::Log { path: self.path.clone(), at: 0 }.into());
        };
        Ok(Some(Checkpoint { height, root, changes, receipts: Vec::new(), index }))
    }

    /// The checkpoint is in the database, durable. If the removal itself is lost, it is written again, which changes nothing.
    pub(super) fn remove(&self) -> Result<(), StoreError> {
        fs::remove_file(&self.path).map_err(file_error("remove", &self.path))
    }
}

fn checksum(body: &[u8]) -> Hash {
    Hash::of("checkpoint", body)
}
