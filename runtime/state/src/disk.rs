//! The store on disk: sled, in a directory that one process has open at a time.
//!
//! Nothing is written to the file by itself: what must be durable is flushed before its method returns, and what belongs
//! together goes into one transaction across trees, so a crash leaves each record whole and the state that of one height.
use crate::range;
use crate::snapshot::{Contents, Corruption, Snapshot};
use crate::store::{Checkpoint, Store, StoreError};
use countersign_types::{Hash, Height};
use parity_scale_codec::{DecodeAll, Encode};
use sled::transaction::{ConflictableTransactionError, Transactional};
use sled::{Batch, Db, IVec, Tree};
use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};

/// First line of a store's directory: another version that writes otherwise names another format.
const FORMAT: &str = "countersign-store 1";
/// Bytes of a format file that are read: more is not one of ours.
const FORMAT_BYTES_MAX: usize = 64;
/// Blocks dropped in one transaction, so that pruning a long chain does not hold up commits.
const PRUNE_BATCH: usize = 64;

const GENESIS: &[u8] = b"genesis";
const CHECKPOINT: &[u8] = b"checkpoint";

/// How a store is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiskOptions {
    /// Bytes the database may hold in memory. Reads of a running node mostly go to its snapshot, so little is needed.
    pub cache_bytes: u64,
}

impl Default for DiskOptions {
    /// A cache of 16 MiB.
    fn default() -> Self {
        Self { cache_bytes: 16 * 1024 * 1024 }
    }
}

/// A store in a directory.
#[derive(Debug)]
pub struct DiskStore {
    db: Db,
    /// Genesis and the last checkpoint.
    meta: Tree,
    /// Height, round, hash → undecided block.
    proposals: Tree,
    /// Height → block.
    blocks: Tree,
    /// Height → certificate; its last key is the tip.
    certificates: Tree,
    /// State key → value.
    state: Tree,
    /// Expiry minute, checkpoint's height → ids in the order they ran.
    seen: Tree,
    /// Height → receipts.
    receipts: Tree,
    index: Tree,
    /// Held while what is stored decides what may be written: by blocks and proposals, and by checkpoints.
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
        fs::create_dir_all(path).map_err(file_error("create", path))?;
        let lock = lock(path)?;
        check_format(path)?;
        let config = sled::Config::new().path(path.join("db")).cache_capacity(options.cache_bytes).flush_every_ms(None);
        let db = config.open().map_err(database_error("open"))?;
        let tree = |name: &str| db.open_tree(name).map_err(database_error("open a table"));
        Ok(Self {
            meta: tree("meta")?,
            proposals: tree("proposals")?,
            blocks: tree("blocks")?,
            certificates: tree("certificates")?,
            state: tree("state")?,
            seen: tree("seen")?,
            receipts: tree("receipts")?,
            index: tree("index")?,
            db,
            committing: Mutex::new(()),
            checkpointing: Mutex::new(()),
            _lock: lock,
        })
    }

    fn flush(&self) -> Result<(), StoreError> {
        self.db.flush().map(|_| ()).map_err(database_error("flush"))
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
        let _guard = hold(&self.committing);
        if self.tip()?.is_some_and(|tip| height <= tip) {
            return Err(StoreError::Decided { height });
        }
        let key = [&height_key(height)[..], &round.to_be_bytes(), &hash.0].concat();
        self.proposals.insert(key, block).map_err(database_error("write a proposal"))?;
        self.flush()
    }

    fn proposals(&self, height: Height) -> Result<Vec<(u32, Hash)>, StoreError> {
        let keys = self.proposals.scan_prefix(height_key(height)).keys();
        keys.map(|key| proposal_key(&key.map_err(database_error("read"))?)).collect()
    }

    fn proposal_bytes(&self, hash: &Hash) -> Result<Option<Vec<u8>>, StoreError> {
        for entry in self.proposals.iter() {
            let (key, block) = entry.map_err(database_error("read"))?;
            if proposal_key(&key)?.1 == *hash {
                return Ok(Some(block.to_vec()));
            }
        }
        Ok(None)
    }

    fn commit_block(&self, height: Height, block: &[u8], certificate: &[u8]) -> Result<(), StoreError> {
        let _guard = hold(&self.committing);
        let tip = self.tip()?;
        if tip.is_some_and(|tip| height <= tip) {
            return match self.block(height)? {
                Some(held) if held != block => Err(StoreError::OtherBlock { height }),
                _ => Ok(()),
            };
        }
        if let Some(last) = tip.max(self.checkpoint_height()?)
            && height != last.next()
        {
            return Err(StoreError::OutOfOrder { given: height, expected: last.next() });
        }
        let mut decided = Batch::default();
        for key in self.proposals.range(..height_key(height.next())).keys() {
            decided.remove(key.map_err(database_error("read"))?);
        }
        let key = height_key(height);
        (&self.blocks, &self.certificates, &self.proposals)
            .transaction(|(blocks, certificates, proposals)| {
                blocks.insert(&key, block)?;
                certificates.insert(&key, certificate)?;
                proposals.apply_batch(&decided)?;
                Ok::<_, ConflictableTransactionError<()>>(())
            })
            .map_err(transaction_error("commit a block"))?;
        self.flush()
    }

    fn block(&self, height: Height) -> Result<Option<Vec<u8>>, StoreError> {
        read(&self.blocks, &height_key(height))
    }

    fn certificate(&self, height: Height) -> Result<Option<Vec<u8>>, StoreError> {
        read(&self.certificates, &height_key(height))
    }

    fn tip(&self) -> Result<Option<Height>, StoreError> {
        let last = self.certificates.last().map_err(database_error("read"))?;
        last.map(|(key, _)| height_of("certificates", &key)).transpose()
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
    ) -> Result<Vec<(Vec<u8>, Vec<u8>)>, StoreError> {
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
        let below = height_key(height.min(self.checkpoint_height()?.unwrap_or(Height::ZERO)));
        remove_below(&self.receipts, &below)?;
        let dropped = remove_below(&self.blocks, &below)?;
        self.flush()?;
        Ok(dropped)
    }
}

fn remove_below(table: &Tree, below: &[u8]) -> Result<u64, StoreError> {
    let mut removed = 0;
    loop {
        let keys: Vec<IVec> =
            table.range(..below).keys().take(PRUNE_BATCH).collect::<Result<_, _>>().map_err(database_error("read"))?;
        if keys.is_empty() {
            return Ok(removed);
        }
        removed += keys.len() as u64;
        for key in keys {
            table.remove(key).map_err(database_error("prune"))?;
        }
    }
}

/// Takes the directory for this process.
fn lock(path: &Path) -> Result<File, StoreError> {
    let lock_path = path.join("lock");
    let file = File::options().create(true).truncate(false).write(true).open(&lock_path);
    let file = file.map_err(file_error("open", &lock_path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::Locked { path: path.to_path_buf() }),
        Err(TryLockError::Error(source)) => Err(file_error("lock", &lock_path)(source)),
    }
}

/// Checks that the directory is in our format, or marks a new one so.
fn check_format(path: &Path) -> Result<(), StoreError> {
    let format_path = path.join("format");
    let found = match fs::read(&format_path) {
        Ok(bytes) => String::from_utf8_lossy(&bytes[..bytes.len().min(FORMAT_BYTES_MAX)]).trim_end().to_owned(),
        Err(error) if error.kind() == io::ErrorKind::NotFound && !path.join("db").exists() => {
            return mark_format(path, &format_path);
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

/// Writes the format file; a crash leaves it whole or absent.
fn mark_format(path: &Path, format_path: &Path) -> Result<(), StoreError> {
    let new_path = path.join("format.new");
    let write = || {
        let mut file = File::create(&new_path)?;
        writeln!(file, "{FORMAT}")?;
        file.sync_all()?;
        fs::rename(&new_path, format_path)?;
        File::open(path)?.sync_all()
    };
    write().map_err(file_error("write", format_path))
}

fn hold(mutex: &Mutex<()>) -> MutexGuard<'_, ()> {
    // The mutex guards no data: after a panic in another thread what is stored is still whole.
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
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

fn height_of(table: &'static str, key: &[u8]) -> Result<Height, StoreError> {
    match key.try_into() {
        Ok(bytes) => Ok(Height::new(u64::from_be_bytes(bytes))),
        Err(_) => Err(Corruption::Record { table, key: key.to_vec() }.into()),
    }
}

/// Round and hash of a proposal.
fn proposal_key(key: &[u8]) -> Result<(u32, Hash), StoreError> {
    let damaged = || Corruption::Record { table: "proposals", key: key.to_vec() };
    let (_, rest) = key.split_first_chunk::<8>().ok_or_else(damaged)?;
    let (round, hash) = rest.split_first_chunk::<4>().ok_or_else(damaged)?;
    Ok((u32::from_be_bytes(*round), Hash(hash.try_into().map_err(|_| damaged())?)))
}

fn file_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    let path: PathBuf = path.to_path_buf();
    move |source| StoreError::File { action, path, source }
}

fn database_error(action: &'static str) -> impl Fn(sled::Error) -> StoreError {
    move |error| match error {
        sled::Error::Corruption { .. } => Corruption::File.into(),
        error => StoreError::Database { action, source: Box::new(error) },
    }
}

fn transaction_error(action: &'static str) -> impl FnOnce(sled::transaction::TransactionError<()>) -> StoreError {
    move |error| match error {
        sled::transaction::TransactionError::Storage(error) => database_error(action)(error),
        sled::transaction::TransactionError::Abort(()) => unreachable!("no transaction of ours aborts"),
    }
}
