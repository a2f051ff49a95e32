//! Executed blocks that are not in a checkpoint yet, and the newest states for proofs.
use crate::index::{self, Entries, TransactionPlace};
use countersign_state::{Changes, Snapshot};
use countersign_types::{Block, Certificate, Hash, Height, Receipt};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// States kept for proofs: a wallet proves against a header some blocks old while the chain goes on. They share what they have
/// in common.
const STATES_MAX: usize = 32;
/// States kept whatever they take: what a wallet that has just asked for the head still needs.
const STATES_MIN: usize = 4;
/// Changed keys of the states kept beyond these: each takes 0.25 to 1.4 kB, so they are bounded by some 20 MB.
const STATE_KEYS_MAX: usize = 16 * 1024;

/// Blocks read from disk that are held ready: the pages of one history tend to come from the same few.
const READ_MAX: usize = 8;

/// A block that was executed, with what readers ask for.
#[derive(Debug)]
pub struct Executed {
    /// The block.
    pub block: Block,
    /// Its header's hash.
    pub hash: Hash,
    /// The signatures that decided it.
    pub certificate: Certificate,
    /// What became of its jobs and transactions.
    pub receipts: Vec<Receipt>,
}

/// A block that was executed and is in no checkpoint yet.
#[derive(Debug)]
pub struct Committed {
    /// The block and its receipts.
    pub executed: Arc<Executed>,
    /// Ids of its transactions, in order.
    pub ids: Vec<Hash>,
    /// What it adds to the indexes.
    pub entries: Entries,
    /// What it changes in the state.
    pub(super) changes: Changes,
    /// Root of the state after it.
    pub(super) root: Hash,
    /// Bytes of the block.
    pub(super) size_bytes: usize,
}

impl Committed {
    /// Its height.
    pub fn height(&self) -> Height {
        self.executed.block.header.height
    }

    /// Where the transaction with this id ran, if it ran in this block.
    pub fn place(&self, id: &Hash) -> Option<TransactionPlace> {
        index::place_of(&self.entries, id)
    }
}

/// What is in memory only, by height.
#[derive(Debug, Default)]
pub(super) struct Recent {
    blocks: BTreeMap<Height, Arc<Committed>>,
    /// With the number of keys that changed from the one before.
    states: VecDeque<(Snapshot, usize)>,
    state_keys: usize,
    bytes: usize,
    /// Read from disk, the newest reading last.
    read: VecDeque<Arc<Executed>>,
}

impl Recent {
    pub fn push(&mut self, committed: Arc<Committed>, state: Snapshot) {
        self.bytes += committed.size_bytes;
        let changed = committed.changes.values.len();
        self.blocks.insert(committed.height(), committed);
        self.push_state(state, changed);
    }

    /// Keeps a state that differs in so many keys from the one before.
    pub fn push_state(&mut self, state: Snapshot, changed: usize) {
        self.states.push_back((state, changed));
        self.state_keys += changed;
        let is_too_much = |kept: usize, keys: usize| kept > STATES_MAX || (kept > STATES_MIN && keys > STATE_KEYS_MAX);
        while is_too_much(self.states.len(), self.state_keys) {
            let oldest = self.states.pop_front();
            self.state_keys -= oldest.map_or(0, |(_, changed)| changed);
        }
    }

    /// Forgets what a checkpoint at `height` holds.
    pub fn checkpointed(&mut self, height: Height) {
        self.blocks = self.blocks.split_off(&height.next());
        self.bytes = self.blocks.values().map(|block| block.size_bytes).sum();
    }

    pub fn get(&self, height: Height) -> Option<Arc<Committed>> {
        self.blocks.get(&height).cloned()
    }

    /// A block of any age, if it is in memory.
    pub fn executed(&self, height: Height) -> Option<Arc<Executed>> {
        let read = || self.read.iter().find(|executed| executed.block.header.height == height).cloned();
        self.blocks.get(&height).map(|committed| committed.executed.clone()).or_else(read)
    }

    pub fn push_read(&mut self, executed: Arc<Executed>) {
        self.read.push_back(executed);
        while self.read.len() > READ_MAX {
            self.read.pop_front();
        }
    }

    pub fn state(&self, height: Height) -> Option<Snapshot> {
        self.states.iter().map(|(state, _)| state).find(|state| state.height() == height).cloned()
    }

    pub fn state_with_root(&self, root: Hash) -> Option<Snapshot> {
        self.states.iter().map(|(state, _)| state).find(|state| state.root() == root).cloned()
    }

    /// All blocks, oldest first.
    pub fn all(&self) -> Vec<Arc<Committed>> {
        self.blocks.values().cloned().collect()
    }

    pub fn len(&self) -> usize {
        self.blocks.len()
    }

    /// Number and bytes of the blocks but the newest, whose outcome no header certifies yet.
    pub fn certified(&self) -> (usize, usize) {
        let newest = self.blocks.last_key_value().map_or(0, |(_, block)| block.size_bytes);
        (self.blocks.len().saturating_sub(1), self.bytes - newest)
    }

    pub fn bytes(&self) -> usize {
        self.bytes
    }
}
