//! The store on disk, in a directory that one process has open at a time.
//!
//! ```text
//! format, lock      directory.rs     which version wrote this, and that nobody else does
//! blocks/           block_log.rs     proposals and decided blocks, synced one by one; segment.rs is the files' format
//! receipts/         block_log.rs     receipts by height
//! checkpoint.redo   redo.rs          a checkpoint that is being written to the database
//! db/               sled, sync.rs    state, remembered ids, and the height they are of; import.rs fills a new one
//! index/            index.rs         what is found by transaction, account and module
//! ```
//!
//! Blocks are not in the database so that a vote never waits for it. Nothing is written by itself: what must be durable is
//! synced before its method returns, so a crash leaves each record whole and the state that of one height.
mod block_log;
mod directory;
mod import;
mod index;
mod redo;
mod segment;
mod sync;

pub use self::import::{Import, Imported};

use self::block_log::BlockLog;
use self::index::Index;
use self::redo::Redo;
use self::sync::DatabaseFiles;
use crate::snapshot::{Contents, Corruption, Snapshot};
use crate::store::{Checkpoint, Entries, Store, StoreError};
use countersign_types::{Hash, Height};
use parity_scale_codec::{DecodeAll, Encode};
use sled::{Db, IVec, Tree};
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
/// Ids in one record of the database: sled writes values much larger into files of their own.
const IDS_PER_RECORD: usize = 512;

const GENESIS: &[u8] = b"genesis";
const CHECKPOINT: &[u8] = b"checkpoint";

/// How a store is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiskOptions {
    /// Bytes the database may hold in memory; it holds no more than the state is long. Writing a key takes 6 us of
    /// CPU if they fit and 16 us if not.
    pub cache_bytes: u64,
    /// Bytes after which a segment of the block log is closed; pruning drops whole segments. At most 2 GiB.
    pub segment_bytes: u32,
}

impl Default for DiskOptions {
    /// A cache of up to 128 MiB and segments of 64 MiB.
    fn default() -> Self {
        Self { cache_bytes: 128 << 20, segment_bytes: 64 << 20 }
    }
}

/// A store in a directory.
#[derive(Debug)]
pub struct DiskStore {
    blocks: BlockLog,
    receipts: BlockLog,
    redo: Redo,
    db: Db,
    files: DatabaseFiles,
    /// Genesis and the last checkpoint.
    meta: Tree,
    /// State key → value.
    state: Tree,
    /// Expiry minute, checkpoint's height, part → ids in the order they ran.
    seen: Tree,
    index: Index,
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
        let db = open_database(path, options)?;
        let tree = |name: &str| db.open_tree(name).map_err(database_error("open a table"));
        let meta = tree("meta")?;
        let redo = Redo::new(path);
        let kept = last_checkpoint(&meta)?.map(|last| last.height).max(redo.get()?.map(|pending| pending.height));
        let store = Self {
            blocks: BlockLog::open(path.join("blocks"), options.segment_bytes, None)?,
            receipts: BlockLog::open(path.join("receipts"), options.segment_bytes, Some(kept.unwrap_or_default()))?,
            redo,
            files: DatabaseFiles::open(&path.join(DATABASE))?,
            meta,
            state: tree("state")?,
            seen: tree("seen")?,
            index: Index::open(path)?,
            db,
            committing: Mutex::new(()),
            checkpointing: Mutex::new(()),
            _lock: lock,
        };
        store.finish_checkpoint()?;
        match (store.blocks.tip(), store.checkpoint_height()?) {
            (Some(tip), Some(checkpoint)) if tip < checkpoint => Err(Corruption::Tip { tip, checkpoint }.into()),
            _ => Ok(store),
        }
    }

    fn flush(&self) -> Result<(), StoreError> {
        self.db.flush().map_err(database_error("flush"))?;
        self.files.sync()
    }

    /// Completes a checkpoint that a crash or an error interrupted.
    fn finish_checkpoint(&self) -> Result<(), StoreError> {
        let Some(checkpoint) = self.redo.get()? else {
            return Ok(());
        };
        if last_checkpoint(&self.meta)?.is_none_or(|last| last.height <= checkpoint.height) {
            self.write(&checkpoint)?;
        }
        self.redo.remove()
    }

    /// Writes a checkpoint into the database. Writing it again, whatever of it is there, gives the same.
    fn write(&self, checkpoint: &Checkpoint) -> Result<(), StoreError> {
        let failed = || database_error("write a checkpoint");
        let Checkpoint { height, root, changes, index, .. } = checkpoint;
        for (key, value) in &changes.values {
            match value {
                Some(value) => self.state.insert(key, value.as_slice()),
                None => self.state.remove(key),
            }
            .map_err(failed())?;
        }
        let seen_from = last_checkpoint(&self.meta)?.map_or(0, |last| last.seen_from).max(changes.seen_from);
        for key in self.seen.range(..seen_from.to_be_bytes()).keys() {
            self.seen.remove(key.map_err(failed())?).map_err(failed())?;
        }
        for (minute, ids) in changes.seen.range(seen_from..) {
            for (part, ids) in (0_u32..).zip(ids.chunks(IDS_PER_RECORD)) {
                self.seen.insert(seen_key(*minute, *height, part), seen_value(ids)).map_err(failed())?;
            }
        }
        self.index.add(index)?;
        let record = CheckpointRecord { height: *height, root: *root, seen_from };
        self.meta.insert(CHECKPOINT, record.encode()).map_err(failed())?;
        self.flush()
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

    fn first(&self) -> Result<Option<Height>, StoreError> {
        Ok(self.blocks.first())
    }

    fn tip(&self) -> Result<Option<Height>, StoreError> {
        Ok(self.blocks.tip())
    }

    fn checkpoint(&self, checkpoint: &Checkpoint) -> Result<(), StoreError> {
        let _guard = hold(&self.checkpointing);
        self.finish_checkpoint()?;
        checkpoint.follows(self.checkpoint_height()?, self.tip()?)?;
        self.receipts.extend(checkpoint.receipts_after(self.receipts.tip())?)?;
        self.redo.put(checkpoint)?;
        self.write(checkpoint)?;
        self.redo.remove()
    }

    fn checkpoint_height(&self) -> Result<Option<Height>, StoreError> {
        Ok(last_checkpoint(&self.meta)?.map(|last| last.height))
    }

    fn load(&self) -> Result<Snapshot, StoreError> {
        let _guard = hold(&self.checkpointing);
        self.finish_checkpoint()?;
        let Some(last) = last_checkpoint(&self.meta)? else {
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
        self.receipts.block(height)
    }

    fn index_get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.index.get(key)
    }

    fn index_range(
        &self,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
        reverse: bool,
    ) -> Result<Entries, StoreError> {
        self.index.range(prefix, after, limit, reverse)
    }

    fn prune_below(&self, height: Height) -> Result<u64, StoreError> {
        let needed = self.checkpoint_height()?.min(self.blocks.tip()).unwrap_or(Height::ZERO);
        let below = height.min(needed);
        self.receipts.prune_below(below)?;
        self.blocks.prune_below(below)
    }
}

/// Key of ids of an expiry minute that a checkpoint at `height` added; `part` counts those that do not fit one record.
fn seen_key(minute: u64, height: Height, part: u32) -> Vec<u8> {
    [&minute.to_be_bytes()[..], &height.get().to_be_bytes(), &part.to_be_bytes()].concat()
}

fn seen_value(ids: &[Hash]) -> Vec<u8> {
    ids.iter().flat_map(|id| id.0).collect()
}

fn last_checkpoint(meta: &Tree) -> Result<Option<CheckpointRecord>, StoreError> {
    let Some(bytes) = read(meta, CHECKPOINT)? else {
        return Ok(None);
    };
    let damaged = |_| Corruption::Record { table: "meta", key: CHECKPOINT.to_vec() };
    Ok(Some(CheckpointRecord::decode_all(&mut &bytes[..]).map_err(damaged)?))
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

fn database_error(action: &'static str) -> impl Fn(sled::Error) -> StoreError {
    move |error| match error {
        sled::Error::Corruption { .. } => Corruption::Database.into(),
        error => StoreError::Database { action, source: Box::new(error) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Changes;
    use crate::seen::seen_hash;
    use countersign_types::state_key;

    /// The state at heights 0 to 2, and the checkpoint from 1 to 2.
    fn chain() -> ([Snapshot; 3], [Checkpoint; 2]) {
        let mut states = [Snapshot::empty(), Snapshot::empty(), Snapshot::empty()];
        let checkpoints = [1_u8, 2].map(|n| {
            let height = Height::new(n.into());
            let mut changes = Changes { seen_from: n.into(), ..Changes::default() };
            let minute = u64::from(n) + 5;
            let ids: Vec<Hash> = (0..2_000_u16).map(|id| Hash::of("id", &[n, id as u8, (id >> 8) as u8])).collect();
            changes.values.insert(state_key::seen(minute), Some(seen_hash(Hash::ZERO, &ids).encode()));
            changes.seen.insert(minute, ids);
            for key in 0..100_u8 {
                changes.values.insert(vec![key], (key % 3 != n).then(|| vec![n; 1_000]));
            }
            let state = states[usize::from(n) - 1].apply(height, &changes);
            let root = state.root();
            states[usize::from(n)] = state;
            Checkpoint { height, root, changes, receipts: vec![(height, vec![n])], index: vec![(vec![n], vec![n])] }
        });
        (states, checkpoints)
    }

    fn open(directory: &Path) -> Result<DiskStore, StoreError> {
        DiskStore::open(directory, DiskOptions::default())
    }

    #[test]
    fn a_checkpoint_interrupted_anywhere_is_completed() {
        let (states, [first, second]) = chain();
        for written in [0, 1, 50, usize::MAX] {
            let directory = tempfile::tempdir().expect("a folder");
            let store = open(directory.path()).expect("a new store");
            store.checkpoint(&first).expect("the first checkpoint");
            store.redo.put(&second).expect("the redo file");
            for (key, value) in second.changes.values.iter().take(written) {
                match value {
                    Some(value) => store.state.insert(key, value.as_slice()).expect("an entry"),
                    None => store.state.remove(key).expect("an entry"),
                };
            }
            if written == usize::MAX {
                store.write(&second).expect("all of it");
            }
            store.flush().expect("a flush");
            drop(store);
            let store = open(directory.path()).expect("the interrupted store");
            let state = store.load().expect("the second state");
            assert_eq!((state.height(), state.root()), (second.height, states[2].root()));
            assert_eq!(store.index_get(&[2]).expect("the index"), Some(vec![2]));
            assert!(store.redo.get().expect("no redo file").is_none());
        }
    }

    #[test]
    fn an_old_redo_file_changes_nothing() {
        let (states, [first, second]) = chain();
        let directory = tempfile::tempdir().expect("a folder");
        let store = open(directory.path()).expect("a new store");
        store.checkpoint(&first).expect("the first checkpoint");
        store.checkpoint(&second).expect("the second checkpoint");
        store.redo.put(&first).expect("the redo file");
        drop(store);
        let state = open(directory.path()).expect("the store").load().expect("the second state");
        assert_eq!((state.height(), state.root()), (second.height, states[2].root()));
    }

    #[test]
    fn a_damaged_redo_file_is_refused() {
        let (_, [first, _]) = chain();
        let directory = tempfile::tempdir().expect("a folder");
        let store = open(directory.path()).expect("a new store");
        store.redo.put(&first).expect("the redo file");
        drop(store);
        let path = directory.path().join("checkpoint.redo");
        let mut bytes = std::fs::read(&path).expect("the redo file");
        bytes[100] ^= 1;
        std::fs::write(&path, bytes).expect("the damage");
        assert!(matches!(open(directory.path()), Err(StoreError::Corrupted(Corruption::Log { .. }))));
    }
}
