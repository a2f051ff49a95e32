//! What a node keeps: proposals it may yet vote for, committed blocks, and the state at a checkpoint.
//!
//! A block is durable before anything that follows from it; the state comes later, in checkpoints of several blocks. After a
//! crash the node loads the last checkpoint and executes the blocks from there to the tip again.
use crate::Changes;
use crate::snapshot::{Corruption, Snapshot};
use countersign_types::{Hash, Height};
use std::path::PathBuf;

/// Keys and values.
pub type Entries = Vec<(Vec<u8>, Vec<u8>)>;

/// What several blocks did, to be stored in one step.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Checkpoint {
    /// The last of the blocks; at most the store's tip, if there is one.
    pub height: Height,
    /// Root of the state after it, to which [`Store::load`] holds what it reads.
    pub root: Hash,
    /// The changes of all blocks since the last checkpoint, merged.
    pub changes: Changes,
    /// Encoded receipts of each of those blocks, in order.
    pub receipts: Vec<(Height, Vec<u8>)>,
    /// Entries to put into the index.
    pub index: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Checkpoint {
    /// Checks that this may come after the `last` checkpoint in a store with this `tip`.
    pub(crate) fn follows(&self, last: Option<Height>, tip: Option<Height>) -> Result<(), StoreError> {
        match (last, tip) {
            (Some(last), _) if self.height <= last => {
                Err(StoreError::OutOfOrder { given: self.height, expected: last.next() })
            }
            (_, Some(tip)) if self.height > tip => Err(StoreError::OutOfOrder { given: self.height, expected: tip }),
            _ => Ok(()),
        }
    }

    /// The receipts after `last`, the height of those stored. What an interrupted checkpoint stored is the same and is left out.
    pub(crate) fn receipts_after(&self, last: Option<Height>) -> Result<&[(Height, Vec<u8>)], StoreError> {
        let stored = self.receipts.partition_point(|(height, _)| Some(*height) <= last);
        let mut before = last;
        for &(given, _) in &self.receipts[stored..] {
            match before.map(Height::next) {
                Some(expected) if given != expected => return Err(StoreError::OutOfOrder { given, expected }),
                _ => before = Some(given),
            }
        }
        Ok(&self.receipts[stored..])
    }
}

/// A node's storage. All methods may be called from several threads.
pub trait Store: Send + Sync {
    /// Keeps the encoded genesis; durable on return.
    ///
    /// # Errors
    /// [`StoreError::OtherGenesis`] if the store belongs to another chain.
    fn put_genesis(&self, bytes: &[u8]) -> Result<(), StoreError>;

    /// The encoded genesis; `None` in a new store.
    ///
    /// # Errors
    /// [`StoreError`] if the store fails.
    fn genesis(&self) -> Result<Option<Vec<u8>>, StoreError>;

    /// Keeps a block that is proposed and not decided, with the hash of its header; durable on return. Dropped when
    /// its height is committed.
    ///
    /// # Errors
    /// [`StoreError::Decided`] if its height is committed.
    fn put_proposal(&self, height: Height, round: u32, hash: Hash, block: &[u8]) -> Result<(), StoreError>;

    /// Rounds and hashes of the proposals at a height, in order.
    ///
    /// # Errors
    /// [`StoreError`] if the store fails.
    fn proposals(&self, height: Height) -> Result<Vec<(u32, Hash)>, StoreError>;

    /// Bytes of the undecided proposal with this hash.
    ///
    /// # Errors
    /// [`StoreError`] if the store fails.
    fn proposal_bytes(&self, hash: &Hash) -> Result<Option<Vec<u8>>, StoreError>;

    /// Keeps a decided block and its certificate; durable on return. Committing the same block again changes nothing.
    ///
    /// # Errors
    /// [`StoreError::OutOfOrder`] if it is not the block after the tip (or, without a tip, after the checkpoint);
    /// [`StoreError::OtherBlock`] if another block is committed at its height.
    fn commit_block(&self, height: Height, block: &[u8], certificate: &[u8]) -> Result<(), StoreError>;

    /// Bytes of a committed block; `None` beyond the tip or if pruned.
    ///
    /// # Errors
    /// [`StoreError`] if the store fails.
    fn block(&self, height: Height) -> Result<Option<Vec<u8>>, StoreError>;

    /// Certificate of a committed block; `None` beyond the tip or if pruned.
    ///
    /// # Errors
    /// [`StoreError`] if the store fails.
    fn certificate(&self, height: Height) -> Result<Option<Vec<u8>>, StoreError>;

    /// The lowest committed block that is kept: not 1 if lower ones were pruned or never came.
    ///
    /// # Errors
    /// [`StoreError`] if the store fails.
    fn first(&self) -> Result<Option<Height>, StoreError>;

    /// The last committed block.
    ///
    /// # Errors
    /// [`StoreError`] if the store fails.
    fn tip(&self) -> Result<Option<Height>, StoreError>;

    /// Keeps what several blocks did; durable on return. After a crash in between, [`Store::load`] gives all of it or nothing, and
    /// receipts and index may have it in part: it is the same when it comes again.
    ///
    /// # Errors
    /// [`StoreError::OutOfOrder`] if its height is not after the last checkpoint's, or after the tip, or if its receipts do not
    /// follow those stored.
    fn checkpoint(&self, checkpoint: &Checkpoint) -> Result<(), StoreError>;

    /// Height of the last checkpoint.
    ///
    /// # Errors
    /// [`StoreError`] if the store fails.
    fn checkpoint_height(&self) -> Result<Option<Height>, StoreError>;

    /// The state at the last checkpoint; the empty one without.
    ///
    /// # Errors
    /// [`StoreError::Corrupted`] if it has another root than was stored, or remembered ids that the state does not vouch for.
    fn load(&self) -> Result<Snapshot, StoreError>;

    /// Encoded receipts of a block; `None` if its checkpoint is not made, or if pruned.
    ///
    /// # Errors
    /// [`StoreError`] if the store fails.
    fn receipts(&self, height: Height) -> Result<Option<Vec<u8>>, StoreError>;

    /// The index entry under `key`.
    ///
    /// # Errors
    /// [`StoreError`] if the store fails.
    fn index_get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// Index entries whose key begins with `prefix`, at most `limit`: those greater than `after` in ascending order or,
    /// in `reverse`, those smaller than `after` in descending order.
    ///
    /// # Errors
    /// [`StoreError`] if the store fails.
    fn index_range(
        &self,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
        reverse: bool,
    ) -> Result<Entries, StoreError>;

    /// Drops blocks, certificates and receipts of heights below `height`, but none that is needed to rebuild the state: those of
    /// the last checkpoint and after stay. Blocks are stored by segments and dropped when a whole segment may go, so some stay
    /// longer. Returns how many blocks were dropped.
    ///
    /// # Errors
    /// [`StoreError`] if the store fails; some may be dropped then.
    fn prune_below(&self, height: Height) -> Result<u64, StoreError>;
}

/// Why a store refuses or fails. Up to [`StoreError::OtherGenesis`] it is the caller's doing and nothing is
/// written; the node cannot go on after the others.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A block or checkpoint that does not follow what is stored.
    #[error("height {given} does not follow: {expected} is next")]
    OutOfOrder {
        /// Height given.
        given: Height,
        /// The height that is next or, for a checkpoint, the last one allowed.
        expected: Height,
    },
    /// Another block is committed at this height.
    #[error("another block is committed at height {height}")]
    OtherBlock {
        /// Its height.
        height: Height,
    },
    /// A proposal for a height that is committed.
    #[error("height {height} is decided already")]
    Decided {
        /// Its height.
        height: Height,
    },
    /// A block or certificate longer than any valid one.
    #[error("{size} bytes are more than the limit of {limit}")]
    Oversized {
        /// Bytes given, with their record's header.
        size: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// More proposals of undecided heights than any stuck round explains.
    #[error("undecided proposals fill {size} bytes, the limit is {limit}")]
    TooManyProposals {
        /// Bytes stored.
        size: u64,
        /// Bytes allowed.
        limit: u64,
    },
    /// The store belongs to another chain.
    #[error("the store holds another genesis")]
    OtherGenesis,
    /// Another process has the store open.
    #[error("{} is in use by another process", path.display())]
    Locked {
        /// The store's directory.
        path: PathBuf,
    },
    /// The store was written by a version with another format.
    #[error("{} has the format {found:?}; this version reads {supported:?}", path.display())]
    OtherFormat {
        /// The store's directory.
        path: PathBuf,
        /// The format it names.
        found: String,
        /// The format this version reads.
        supported: &'static str,
    },
    /// What was read is not what was written.
    #[error(transparent)]
    Corrupted(#[from] Corruption),
    /// The operating system refused a file operation, or the disk is full.
    #[error("cannot {action} {}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The database engine failed.
    #[error("the database cannot {action}")]
    Database {
        /// What was tried.
        action: &'static str,
        /// The engine's reason.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}
