//! Versioned key-value state, its root and its proofs. Knows nothing of what the values mean, of execution or of networks.
//!
//! ```text
//! Snapshot ──reads──→ Overlay (savepoints) ──into_changes──→ Changes ──Snapshot::apply──→ next Snapshot, its root
//!    ▲                                                          │
//!    └────── Store::load (restart) ◀── Store::checkpoint ◀──────┘        only disk.rs touches the disk
//! ```
//!
//! A [`Snapshot`] is one version of the whole state, cheap to clone and never changing: queries, simulations and proofs read theirs
//! while the next block executes.
#![forbid(unsafe_code)]

mod changes;
#[cfg(feature = "disk")]
mod disk;
mod memory;
mod overlay;
#[cfg(feature = "disk")]
pub mod packed;
mod proof;
mod range;
mod seen;
mod snapshot;
mod store;
pub mod tree;

#[cfg(feature = "disk")]
pub use disk::{DiskOptions, DiskStore, Import, Imported};
pub use memory::MemoryStore;
pub use overlay::{Overlay, Savepoint};
pub use proof::{Proof, ProofError};
pub use seen::seen_hash;
pub use snapshot::{Contents, Corruption, Snapshot};
pub use store::{Checkpoint, Entries, Store, StoreError};

use countersign_types::Hash;
use parity_scale_codec::{Decode, Encode};
use std::collections::BTreeMap;

/// Reading a state.
pub trait StateRead {
    /// The value under `key`.
    fn get(&self, key: &[u8]) -> Option<Vec<u8>>;
    /// Entries whose key begins with `prefix` and is greater than `after`, in order, at most `limit`.
    fn range(&self, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Vec<(Vec<u8>, Vec<u8>)>;
    /// True if the transaction `id` is remembered in the bucket of its expiry `minute`.
    fn seen(&self, minute: u64, id: &Hash) -> bool;
}

/// What a block did to the state.
#[derive(Clone, PartialEq, Eq, Debug, Default, Encode, Decode)]
pub struct Changes {
    /// New values; `None` removes.
    pub values: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
    /// Transaction ids to remember, by expiry minute, in the order they ran.
    pub seen: BTreeMap<u64, Vec<Hash>>,
    /// Buckets of minutes before this one are forgotten.
    pub seen_from: u64,
}
