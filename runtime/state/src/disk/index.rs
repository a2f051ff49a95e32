//! The index: entries by key, in an LSM tree of its own beside the database.
//!
//! Index entries are small, scattered over all keys, written once and seldom read: a few for every transaction that ever ran. A
//! checkpoint adds its entries as one sorted table, synced before it counts; a thread of the tree's merges tables later. Memory is
//! the cache of [`CACHE_BYTES`], however long the chain: of the tables' directories it holds only the directories' own.
use crate::range;
use crate::snapshot::Corruption;
use crate::store::{Entries, StoreError};
use fjall::config::PartitioningPolicy;
use fjall::{Database, Guard, Keyspace, KeyspaceCreateOptions};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// The tree's directory.
pub(super) const INDEX: &str = "index";
const KEYSPACE: &str = "entries";
/// Bytes of tables kept in memory for readers: histories are read seldom, and the system caches files too.
const CACHE_BYTES: u64 = 16 << 20;
/// Open files of tables: 64 MiB each, so they are few.
const FILES_MAX: usize = 64;
/// Attempts to open a tree that was closed just now, and the pause between them: its thread ends within milliseconds.
const OPEN_ATTEMPTS: usize = 200;
const OPEN_PAUSE: Duration = Duration::from_millis(10);

/// The open index.
pub(super) struct Index {
    entries: Keyspace,
    _tree: Database,
}

impl Index {
    /// Opens the index in the store's directory `path`, which no other process uses.
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        let tree = open_tree(&path.join(INDEX))?;
        let options = || {
            KeyspaceCreateOptions::default()
                // Ids are looked up to be found: filters would answer what is not there.
                .expect_point_read_hits(true)
                // A directory in one piece stays in memory: 3 bytes a transaction.
                .index_block_partitioning_policy(PartitioningPolicy::all(true))
        };
        let entries = tree.keyspace(KEYSPACE, options).map_err(index_error("open the index"))?;
        Ok(Self { entries, _tree: tree })
    }

    /// Adds entries, the last of a key counting; durable on return.
    pub(super) fn add(&self, entries: &[(Vec<u8>, Vec<u8>)]) -> Result<(), StoreError> {
        let failed = || index_error("write the index");
        let sorted: BTreeMap<&[u8], &[u8]> = entries.iter().map(|(key, value)| (&key[..], &value[..])).collect();
        let mut table = self.entries.start_ingestion().map_err(failed())?;
        for (key, value) in sorted {
            table.write(key, value).map_err(failed())?;
        }
        table.finish().map_err(failed())
    }

    /// The entry under `key`.
    pub(super) fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let found = self.entries.get(key).map_err(index_error("read the index"))?;
        Ok(found.map(|value| value.to_vec()))
    }

    /// As [`crate::Store::index_range`].
    pub(super) fn range(
        &self,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
        reverse: bool,
    ) -> Result<Entries, StoreError> {
        let beyond = range::successor(prefix);
        let within = |entry: &Result<_, StoreError>| {
            entry.as_ref().map_or(true, |(key, _): &(Vec<u8>, Vec<u8>)| key.starts_with(prefix))
        };
        if reverse {
            let entries = self.entries.range::<&[u8], _>(range::descending(beyond.as_deref(), after)).rev();
            entries.map(owned).take_while(within).take(limit).collect()
        } else {
            let entries = self.entries.range::<&[u8], _>(range::ascending(prefix, after));
            entries.map(owned).take_while(within).take(limit).collect()
        }
    }
}

impl std::fmt::Debug for Index {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Index").finish_non_exhaustive()
    }
}

fn open_tree(path: &Path) -> Result<Database, StoreError> {
    // One thread: merging must not take the cores from execution.
    let open =
        || Database::builder(path).cache_size(CACHE_BYTES).max_cached_files(Some(FILES_MAX)).worker_threads(1).open();
    for _ in 0..OPEN_ATTEMPTS {
        match open() {
            Err(fjall::Error::Locked) => std::thread::sleep(OPEN_PAUSE),
            result => return result.map_err(index_error("open the index")),
        }
    }
    open().map_err(index_error("open the index"))
}

fn owned(entry: Guard) -> Result<(Vec<u8>, Vec<u8>), StoreError> {
    let (key, value) = entry.into_inner().map_err(index_error("read the index"))?;
    Ok((key.to_vec(), value.to_vec()))
}

fn index_error(action: &'static str) -> impl Fn(fjall::Error) -> StoreError {
    move |error| match error {
        fjall::Error::InvalidVersion(_)
        | fjall::Error::Decompress(_)
        | fjall::Error::InvalidTrailer
        | fjall::Error::InvalidTag(_)
        | fjall::Error::Unrecoverable => Corruption::Database.into(),
        error => StoreError::Database { action, source: Box::new(error) },
    }
}
