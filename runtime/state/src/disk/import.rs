//! A state that comes from elsewhere, written part by part into a new store, and taken only if it is the one it should be.
use super::{
    CHECKPOINT, CheckpointRecord, DiskOptions, DiskStore, GENESIS, IDS_PER_RECORD, database_error, seen_key, seen_value,
};
use crate::snapshot::Snapshot;
use crate::store::{Store as _, StoreError};
use countersign_types::{Hash, Height};
use parity_scale_codec::Encode;
use std::path::Path;

/// A store that is being filled. Dropped before [`Import::finish`], what it wrote is no store: to be removed.
#[derive(Debug)]
pub struct Import {
    store: DiskStore,
    height: Height,
    /// Records of ids so far.
    records: u32,
}

/// What completes a store, beside the state.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The encoded genesis.
    pub genesis: Vec<u8>,
    /// Root of the state.
    pub root: Hash,
    /// Ids of expiry minutes before this one are forgotten.
    pub seen_from: u64,
    /// The block after which it is the state.
    pub block: Vec<u8>,
    /// The block's certificate.
    pub certificate: Vec<u8>,
    /// The block's encoded receipts.
    pub receipts: Vec<u8>,
    /// Entries of the index.
    pub index: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Import {
    /// Begins with an empty store in the directory `path`, for the state after the block at `height`.
    ///
    /// # Errors
    /// As [`DiskStore::open`].
    pub fn begin(path: &Path, options: DiskOptions, height: Height) -> Result<Self, StoreError> {
        Ok(Self { store: DiskStore::open(path, options)?, height, records: 0 })
    }

    /// Adds entries of the state.
    ///
    /// # Errors
    /// [`StoreError`] if the store fails.
    pub fn values(&mut self, entries: &[(Vec<u8>, Vec<u8>)]) -> Result<(), StoreError> {
        for (key, value) in entries {
            self.store.state.insert(key, value.as_slice()).map_err(database_error("write the state"))?;
        }
        Ok(())
    }

    /// Adds remembered ids of an expiry minute, in the order they ran.
    ///
    /// # Errors
    /// [`StoreError`] if the store fails.
    pub fn ids(&mut self, minute: u64, ids: &[Hash]) -> Result<(), StoreError> {
        for ids in ids.chunks(IDS_PER_RECORD) {
            let key = seen_key(minute, self.height, self.records);
            self.store.seen.insert(key, seen_value(ids)).map_err(database_error("write the remembered ids"))?;
            self.records = self.records.saturating_add(1);
        }
        Ok(())
    }

    /// Completes the store, durable on return, and returns its state.
    ///
    /// # Errors
    /// [`StoreError::Corrupted`] if the state has another root, or if it does not vouch for the remembered ids.
    pub fn finish(self, rest: Imported) -> Result<Snapshot, StoreError> {
        let failed = || database_error("complete the import");
        let store = self.store;
        store.index.add(&rest.index)?;
        store.blocks.commit(self.height, &rest.block, &rest.certificate)?;
        store.receipts.extend(&[(self.height, rest.receipts)])?;
        let record = CheckpointRecord { height: self.height, root: rest.root, seen_from: rest.seen_from };
        store.meta.insert(GENESIS, rest.genesis).map_err(failed())?;
        store.meta.insert(CHECKPOINT, record.encode()).map_err(failed())?;
        store.flush()?;
        store.load()
    }
}
