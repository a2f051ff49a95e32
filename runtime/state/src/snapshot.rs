//! One version of the whole state, never changing: a clone costs three reference counts.
use crate::proof::Proof;
use crate::seen::Bucket;
use crate::tree::{Tree, key_hash, value_hash};
use crate::{Changes, StateRead, range};
use countersign_types::{Hash, Height, state_key};
use parity_scale_codec::Encode;
use rpds::RedBlackTreeMapSync;
use std::path::PathBuf;

type Bytes = Box<[u8]>;

/// The state after one block: its values in key order, the transaction ids it remembers, and its tree.
///
/// Versions share what they have in common, so holding a few recent ones costs what changed between them.
#[derive(Clone, Debug)]
pub struct Snapshot {
    height: Height,
    values: RedBlackTreeMapSync<Bytes, Bytes>,
    seen: RedBlackTreeMapSync<u64, Bucket>,
    seen_from: u64,
    tree: Tree,
}

/// All that a snapshot consists of, to be checked by [`Snapshot::restore`].
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Contents {
    /// The block after which it is the state.
    pub height: Height,
    /// Every entry.
    pub values: Vec<(Vec<u8>, Vec<u8>)>,
    /// Every remembered transaction id by expiry minute, in the order they ran.
    pub seen: Vec<(u64, Vec<Hash>)>,
    /// Ids of minutes before this one are forgotten.
    pub seen_from: u64,
}

/// What of a stored or received state is not what its root or its own entries say.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Corruption {
    /// The entries have another root than the one they were stored or certified with.
    #[error("the state at height {height} has the root {found}, not {expected}")]
    Root {
        /// Height of the state.
        height: Height,
        /// The root that was stored or certified.
        expected: Hash,
        /// The root that the entries have.
        found: Hash,
    },
    /// A bucket of remembered ids does not have the rolling hash that the state holds for it.
    #[error("the ids remembered for the expiry minute {minute} have the hash {found:?}, not {expected:?}")]
    Seen {
        /// The bucket.
        minute: u64,
        /// The value under [`state_key::seen`], if any.
        expected: Option<Vec<u8>>,
        /// What the bucket's ids hash to; `None` without a bucket.
        found: Option<Hash>,
    },
    /// A stored record does not have the form that was written.
    #[error("the record {} of {table} is damaged", hex_of(.key))]
    Record {
        /// The table of the store.
        table: &'static str,
        /// Its key in that table.
        key: Vec<u8>,
    },
    /// A file of blocks, of receipts, or of a checkpoint is not what was written to it.
    #[error("{} is damaged at byte {at}", path.display())]
    Log {
        /// The file.
        path: PathBuf,
        /// Where the damage begins.
        at: u64,
    },
    /// Blocks that a checkpoint was made from are gone.
    #[error("the state is that of height {checkpoint}, but the last block is that of height {tip}")]
    Tip {
        /// The last block.
        tip: Height,
        /// Height of the last checkpoint.
        checkpoint: Height,
    },
    /// The database says that its file is not what was written.
    #[error("the database's file is damaged")]
    Database,
}

fn hex_of(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Snapshot {
    /// The state before the genesis: nothing, at height 0.
    pub fn empty() -> Self {
        Self {
            height: Height::ZERO,
            values: RedBlackTreeMapSync::new_sync(),
            seen: RedBlackTreeMapSync::new_sync(),
            seen_from: 0,
            tree: Tree::default(),
        }
    }

    /// The block after which this is the state.
    pub fn height(&self) -> Height {
        self.height
    }

    /// The hash that stands for all entries.
    pub fn root(&self) -> Hash {
        self.tree.root()
    }

    /// Ids of expiry minutes before this one are forgotten.
    pub fn seen_from(&self) -> u64 {
        self.seen_from
    }

    /// The state after the block at `height` made `changes`.
    ///
    /// An id for a minute that is forgotten already, or by these changes, is not remembered.
    pub fn apply(&self, height: Height, changes: &Changes) -> Self {
        let mut next = self.clone();
        next.height = height;
        let mut updates = Vec::with_capacity(changes.values.len());
        for (key, value) in &changes.values {
            updates.push((key_hash(key), value.as_deref().map(value_hash)));
            match value {
                Some(value) => next.values.insert_mut(key.as_slice().into(), value.as_slice().into()),
                None => {
                    next.values.remove_mut(key.as_slice());
                }
            }
        }
        next.tree = self.tree.update(updates);
        next.seen_from = self.seen_from.max(changes.seen_from);
        while let Some((&minute, _)) = next.seen.first().filter(|(minute, _)| **minute < next.seen_from) {
            next.seen.remove_mut(&minute);
        }
        for (minute, ids) in changes.seen.range(next.seen_from..) {
            next.remember(*minute, ids);
        }
        next
    }

    fn remember(&mut self, minute: u64, ids: &[Hash]) {
        let mut bucket = self.seen.get(&minute).cloned().unwrap_or_default();
        bucket.extend(ids);
        self.seen.insert_mut(minute, bucket);
    }

    /// Shows what this state holds under `key`: its value, or that there is none.
    pub fn prove(&self, key: &[u8]) -> Proof {
        self.tree.prove(&key_hash(key))
    }

    /// Every entry, by key.
    pub fn entries(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.values.iter().map(|(key, value)| (&key[..], &value[..]))
    }

    /// Every expiry minute with remembered ids, and the ids in the order they ran.
    pub fn remembered(&self) -> impl Iterator<Item = (u64, impl Iterator<Item = &Hash>)> {
        self.seen.iter().map(|(minute, bucket)| (*minute, bucket.ids()))
    }

    /// Builds the state of `contents`, which come from a disk or a peer, if it has `root`.
    ///
    /// # Errors
    /// [`Corruption`] if the root is another one, or if a bucket of remembered ids is not the one that the state vouches for.
    pub fn restore(root: Hash, contents: Contents) -> Result<Self, Corruption> {
        let mut snapshot = Self { height: contents.height, seen_from: contents.seen_from, ..Self::empty() };
        let updates = contents.values.iter().map(|(key, value)| (key_hash(key), Some(value_hash(value)))).collect();
        snapshot.tree = snapshot.tree.update(updates);
        for (key, value) in contents.values {
            snapshot.values.insert_mut(key.into(), value.into());
        }
        for (minute, ids) in contents.seen {
            snapshot.remember(minute, &ids);
        }
        snapshot.check(&root)?;
        Ok(snapshot)
    }

    /// Checks the root, and each bucket of remembered ids against the rolling hash that the state holds for it.
    pub(crate) fn check(&self, root: &Hash) -> Result<(), Corruption> {
        if self.root() != *root {
            return Err(Corruption::Root { height: self.height, expected: *root, found: self.root() });
        }
        let from = state_key::seen(self.seen_from);
        let space = state_key::all_seen();
        let vouched = self.values.range::<[u8], _>(range::ascending(&from, None));
        let vouched: Vec<_> = vouched.take_while(|(key, _)| key.starts_with(&space)).collect();
        for (key, expected) in &vouched {
            let Some(minute) = key[space.len()..].try_into().ok().map(u64::from_be_bytes) else {
                return Err(Corruption::Record { table: "state", key: key.to_vec() });
            };
            let found = self.seen.get(&minute).map(Bucket::rolling_hash);
            if found.map(|hash| hash.encode()).as_deref() != Some(&expected[..]) {
                return Err(Corruption::Seen { minute, expected: Some(expected.to_vec()), found });
            }
        }
        match self.seen.iter().find(|(minute, _)| !self.values.contains_key(&state_key::seen(**minute)[..])) {
            Some((minute, bucket)) => {
                Err(Corruption::Seen { minute: *minute, expected: None, found: Some(bucket.rolling_hash()) })
            }
            None => Ok(()),
        }
    }
}

impl StateRead for Snapshot {
    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.values.get(key).map(|value| value.to_vec())
    }

    fn range(&self, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Vec<(Vec<u8>, Vec<u8>)> {
        let entries = self.values.range::<[u8], _>(range::ascending(prefix, after));
        let entries = entries.take_while(|(key, _)| key.starts_with(prefix)).take(limit);
        entries.map(|(key, value)| (key.to_vec(), value.to_vec())).collect()
    }

    fn seen(&self, minute: u64, id: &Hash) -> bool {
        self.seen.get(&minute).is_some_and(|bucket| bucket.contains(id))
    }
}
