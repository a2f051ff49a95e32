//! The store on disk, in a directory that one process has open at a time.
//!
//! ```text
//! format, lock      directory.rs     which version wrote this, and that nobody else does
//! blocks/           block_log.rs     proposals and decided blocks, synced one by one; segment.rs is the files' format
//! db/               sled, sync.rs    state, remembered ids, receipts, index: a checkpoint is one transaction
//! ```
//!
//! Blocks are not in the database because it holds up every reader and writer of the process during a transaction, and a
//! vote must not wait for a checkpoint. Nothing is written by itself: what must be durable is synced before its method
//! returns, so a crash leaves each record whole and the state that of one height.
mod block_log;
mod directory;
mod segment;
mod sync;

use self::block_log::BlockLog;
use self::sync::DatabaseFiles;
use crate::range;
use crate::snapshot::{Contents, Corruption, Snapshot};
use crate::store::{Checkpoint, Entries, Store, StoreError};
use countersign_types::{Hash, Height};
use parity_scale_codec::{DecodeAll, Encode};
use sled::transaction::{ConflictableTransactionError, Transactional};
use sled::{Batch, Db, IVec, Tree};
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The database's directory.
const DATABASE: &str = "db";
/// Attempts to open a database that was closed just now, and the pause between them: sled's threads end within milliseconds.
const OPEN_ATTEMPTS: usize = 200;
const OPEN_PAUSE: Duration = Duration::from_millis(10);
/// Receipts dropped between two looks at the table, so that pruning a long chain needs little memory.
const PRUNE_BATCH: usize = 64;

const GENESIS: &[u8] = b"genesis";
const CHECKPOINT: &[u8] = b"checkpoint";

/// How a store is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiskOptions {
    /// Bytes the database may hold in memory. Reads of a running node mostly go to its snapshot, so little is needed.
    pub cache_bytes: u64,
    /// Bytes after which a segment of the block log is closed; pruning drops whole segments. At most 2 GiB.
    pub segment_bytes: u32,
}

impl Default for DiskOptions {
    /// A cache of 16 MiB and segments of 64 MiB.
    fn default() -> Self {
        Self { cache_bytes: 16 << 20, segment_bytes: 64 << 20 }
    }
}

/// A store in a directory.
#[derive(Debug)]
pub struct DiskStore {
    blocks: BlockLog,
    db: Db,
    files: DatabaseFiles,
    /// Genesis and the last checkpoint.
    meta: Tree,
    /// State key → value.
    state: Tree,
    /// Expiry minute, checkpoint's height → ids in the order they ran.
    seen: Tree,
    /// Height → receipts.
    receipts: Tree,
    index: Tree,
    /// Held while what is stored decides what may be written: by blocks and the genesis, and by checkpoints.
    committing: Mutex<()>,
    checkpointing: Mutex<()>,
    /// Keeps other processes out as long as it is open.
    _lock: File,
}

/// What is stored of the last checkpoint beside its entries.
#[derive(Encode, parity_scale_codec::Decode)]
struct CheckpointRecord {
    height: Height,
    root: Hash,
    seen_from: u64,
}

impl DiskStore {
    /// Opens the store in the directory `path`, which is created if need be.
    ///
    /// # Errors
    /// [`StoreError::Locked`], [`StoreError::OtherFormat`], [`StoreError::Corrupted`], or that a file cannot be used.
    pub fn open(path: &Path, options: DiskOptions) -> Result<Self, StoreError> {
        let lock = directory::take(path)?;
        let blocks = BlockLog::open(path.join("blocks"), options.segment_bytes)?;
        let db = open_database(path, options)?;
        let tree = |name: &str| db.open_tree(name).map_err(database_error("open a table"));
        let store = Self {
            blocks,
            files: DatabaseFiles::open(&path.join(DATABASE))?,
            meta: tree("meta")?,
            state: tree("state")?,
            seen: tree("seen")?,
            receipts: tree("receipts")?,
            index: tree("index")?,
            db,
            committing: Mutex::new(()),
            checkpointing: Mutex::new(()),
            _lock: lock,
        };
        match (store.blocks.tip(), store.checkpoint_height()?) {
            (Some(tip), Some(checkpoint)) if tip < checkpoint => Err(Corruption::Tip { tip, checkpoint }.into()),
            _ => Ok(store),
        }
    }

    fn flush(&self) -> Result<(), StoreError> {
        self.db.flush().map_err(database_error("flush"))?;
        self.files.sync()
    }

    fn last_checkpoint(&self) -> Result<Option<CheckpointRecord>, StoreError> {
        let Some(bytes) = read(&self.meta, CHECKPOINT)? else {
            return Ok(None);
        };
        let damaged = |_| Corruption::Record { table: "meta", key: CHECKPOINT.to_vec() };
        Ok(Some(CheckpointRecord::decode_all(&mut &bytes[..]).map_err(damaged)?))
    }

    /// The batch that remembers and forgets ids.
    fn seen_batch(&self, checkpoint: &Checkpoint, seen_from: u64) -> Result<Batch, StoreError> {
        let mut batch = Batch::default();
        for key in self.seen.range(..seen_from.to_be_bytes()).keys() {
            batch.remove(key.map_err(database_error("read"))?);
        }
        for (minute, ids) in checkpoint.changes.seen.range(seen_from..) {
            let key = [minute.to_be_bytes(), checkpoint.height.get().to_be_bytes()].concat();
            let ids: Vec<u8> = ids.iter().flat_map(|id| id.0).collect();
            batch.insert(key, ids);
        }
        Ok(batch)
    }

    fn read_seen(&self) -> Result<Vec<(u64, Vec<Hash>)>, StoreError> {
        let mut buckets: Vec<(u64, Vec<Hash>)> = Vec::new();
        for entry in self.seen.iter() {
            let (key, bytes) = entry.map_err(database_error("read"))?;
            let damaged = || Corruption::Record { table: "seen", key: key.to_vec() };
            let minute = key.first_chunk().map(|minute| u64::from_be_bytes(*minute)).ok_or_else(damaged)?;
            let (ids, rest) = bytes.as_chunks();
            if !rest.is_empty() {
                return Err(damaged().into());
            }
            if buckets.last().is_none_or(|(last, _)| *last != minute) {
                buckets.push((minute, Vec::new()));
            }
            if let Some((_, bucket)) = buckets.last_mut() {
                bucket.extend(ids.iter().map(|id| Hash(*id)));
            }
        }
        Ok(buckets)
    }
}

impl Store for DiskStore {
    fn put_genesis(&self, bytes: &[u8]) -> Result<(), StoreError> {
        let _guard = hold(&self.committing);
        match self.genesis()? {
            Some(held) if held != bytes => return Err(StoreError::OtherGenesis),
            Some(_) => return Ok(()),
            None => self.meta.insert(GENESIS, bytes).map_err(database_error("write the genesis"))?,
        };
        self.flush()
    }

    fn genesis(&self) -> Result<Option<Vec<u8>>, StoreError> {
        read(&self.meta, GENESIS)
    }

    fn put_proposal(&self, height: Height, round: u32, hash: Hash, block: &[u8]) -> Result<(), StoreError> {
        self.blocks.put_proposal(height, round, hash, block)
    }

    fn proposals(&self, height: Height) -> Result<Vec<(u32, Hash)>, StoreError> {
        Ok(self.blocks.proposals(height))
    }

    fn proposal_bytes(&self, hash: &Hash) -> Result<Option<Vec<u8>>, StoreError> {
        self.blocks.proposal_bytes(hash)
    }

    fn commit_block(&self, height: Height, block: &[u8], certificate: &[u8]) -> Result<(), StoreError> {
        let _guard = hold(&self.committing);
        let tip = self.blocks.tip();
        if tip.is_some_and(|tip| height <= tip) {
            return match self.block(height)? {
                Some(held) if held != block => Err(StoreError::OtherBlock { height }),
                _ => Ok(()),
            };
        }
        let last = if tip.is_some() { tip } else { self.checkpoint_height()? };
        match last.map(Height::next) {
            Some(next) if next != height => Err(StoreError::OutOfOrder { given: height, expected: next }),
            _ => self.blocks.commit(height, block, certificate),
        }
    }

    fn block(&self, height: Height) -> Result<Option<Vec<u8>>, StoreError> {
        self.blocks.block(height)
    }

    fn certificate(&self, height: Height) -> Result<Option<Vec<u8>>, StoreError> {
        self.blocks.certificate(height)
    }

    fn tip(&self) -> Result<Option<Height>, StoreError> {
        Ok(self.blocks.tip())
    }

    fn checkpoint(&self, checkpoint: &Checkpoint) -> Result<(), StoreError> {
        let _guard = hold(&self.checkpointing);
        let last = self.last_checkpoint()?;
        checkpoint.follows(last.as_ref().map(|last| last.height), self.tip()?)?;
        let seen_from = checkpoint.changes.seen_from.max(last.map_or(0, |last| last.seen_from));
        let record = CheckpointRecord { height: checkpoint.height, root: checkpoint.root, seen_from }.encode();
        let mut state = Batch::default();
        for (key, value) in &checkpoint.changes.values {
            match value {
                Some(value) => state.insert(key.as_slice(), value.as_slice()),
                None => state.remove(key.as_slice()),
            }
        }
        let seen = self.seen_batch(checkpoint, seen_from)?;
        let mut receipts = Batch::default();
        checkpoint.receipts.iter().for_each(|(height, bytes)| receipts.insert(&height_key(*height), bytes.as_slice()));
        let mut index = Batch::default();
        checkpoint.index.iter().for_each(|(key, value)| index.insert(key.as_slice(), value.as_slice()));
        (&self.state, &self.seen, &self.receipts, &self.index, &self.meta)
            .transaction(|(in_state, in_seen, in_receipts, in_index, in_meta)| {
                in_state.apply_batch(&state)?;
                in_seen.apply_batch(&seen)?;
                in_receipts.apply_batch(&receipts)?;
                in_index.apply_batch(&index)?;
                in_meta.insert(CHECKPOINT, record.as_slice())?;
                Ok::<_, ConflictableTransactionError<()>>(())
            })
            .map_err(transaction_error("write a checkpoint"))?;
        self.flush()
    }

    fn checkpoint_height(&self) -> Result<Option<Height>, StoreError> {
        Ok(self.last_checkpoint()?.map(|last| last.height))
    }

    fn load(&self) -> Result<Snapshot, StoreError> {
        let _guard = hold(&self.checkpointing);
        let Some(last) = self.last_checkpoint()? else {
            return Ok(Snapshot::empty());
        };
        let values = self.state.iter().map(|entry| entry.map(owned).map_err(database_error("read the state")));
        let contents = Contents {
            height: last.height,
            values: values.collect::<Result<_, _>>()?,
            seen: self.read_seen()?,
            seen_from: last.seen_from,
        };
        Ok(Snapshot::restore(last.root, contents)?)
    }

    fn receipts(&self, height: Height) -> Result<Option<Vec<u8>>, StoreError> {
        read(&self.receipts, &height_key(height))
    }

    fn index_get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        read(&self.index, key)
    }

    fn index_range(
        &self,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
        reverse: bool,
    ) -> Result<Entries, StoreError> {
        let beyond = range::successor(prefix);
        let within =
            |entry: &sled::Result<(IVec, IVec)>| entry.as_ref().map_or(true, |(key, _)| key.starts_with(prefix));
        let entry = |entry: sled::Result<_>| entry.map(owned).map_err(database_error("read the index"));
        if reverse {
            let entries = self.index.range::<&[u8], _>(range::descending(beyond.as_deref(), after)).rev();
            entries.take_while(within).take(limit).map(entry).collect()
        } else {
            let entries = self.index.range::<&[u8], _>(range::ascending(prefix, after));
            entries.take_while(within).take(limit).map(entry).collect()
        }
    }

    fn prune_below(&self, height: Height) -> Result<u64, StoreError> {
        let needed = self.checkpoint_height()?.min(self.blocks.tip()).unwrap_or(Height::ZERO);
        let below = height.min(needed);
        loop {
            let receipts = self.receipts.range(..height_key(below)).keys().take(PRUNE_BATCH);
            let receipts: Vec<IVec> = receipts.collect::<Result<_, _>>().map_err(database_error("read receipts"))?;
            if receipts.is_empty() {
                break;
            }
            for key in receipts {
                self.receipts.remove(key).map_err(database_error("drop receipts"))?;
            }
        }
        self.flush()?;
        self.blocks.prune_below(below)
    }
}

/// Opens the database, which no other process uses: the directory is ours.
fn open_database(path: &Path, options: DiskOptions) -> Result<Db, StoreError> {
    let config = sled::Config::new().path(path.join(DATABASE)).cache_capacity(options.cache_bytes).flush_every_ms(None);
    for _ in 0..OPEN_ATTEMPTS {
        match config.open() {
            // sled's own lock: threads of an instance that this process closed just now still hold it.
            Err(sled::Error::Io(error)) if error.kind() == io::ErrorKind::Other => std::thread::sleep(OPEN_PAUSE),
            result => return result.map_err(database_error("open")),
        }
    }
    config.open().map_err(database_error("open"))
}

fn hold(mutex: &Mutex<()>) -> MutexGuard<'_, ()> {
    // The mutex guards no data: after a panic in another thread what is stored is still whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn read(table: &Tree, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
    Ok(table.get(key).map_err(database_error("read"))?.map(|value| value.to_vec()))
}

fn owned((key, value): (IVec, IVec)) -> (Vec<u8>, Vec<u8>) {
    (key.to_vec(), value.to_vec())
}

fn height_key(height: Height) -> [u8; 8] {
    height.get().to_be_bytes()
}

fn database_error(action: &'static str) -> impl Fn(sled::Error) -> StoreError {
    move |error| match error {
        sled::Error::Corruption { .. } => Corruption::Database.into(),
        error => StoreError::Database { action, source: Box::new(error) },
    }
}

fn transaction_error(action: &'static str) -> impl FnOnce(sled::transaction::TransactionError<()>) -> StoreError {
    move |error| match error {
        sled::transaction::TransactionError::Storage(error) => database_error(action)(error),
        sled::transaction::TransactionError::Abort(()) => unreachable!("no transaction of ours aborts"),
    }
}
