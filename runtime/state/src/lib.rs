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
//!
//! Without the feature `std` there is only what checks a [`Proof`]: hashing, and lists as long as a proof announces.
#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]

mod hashing;
mod proof;

#[cfg(feature = "std")]
mod changes;
#[cfg(feature = "disk")]
mod disk;
#[cfg(feature = "std")]
mod memory;
#[cfg(feature = "std")]
mod overlay;
#[cfg(feature = "disk")]
pub mod packed;
#[cfg(feature = "std")]
mod range;
#[cfg(feature = "std")]
mod read;
#[cfg(feature = "std")]
mod seen;
#[cfg(feature = "std")]
mod snapshot;
#[cfg(feature = "std")]
mod store;
#[cfg(feature = "std")]
pub mod tree;

#[cfg(feature = "std")]
pub use changes::Changes;
#[cfg(feature = "disk")]
pub use disk::{DiskOptions, DiskStore, Import, Imported};
#[cfg(feature = "std")]
pub use memory::MemoryStore;
#[cfg(feature = "std")]
pub use overlay::{Overlay, Savepoint};
pub use proof::{Proof, ProofError};
#[cfg(feature = "std")]
pub use read::StateRead;
#[cfg(feature = "std")]
pub use seen::seen_hash;
#[cfg(feature = "std")]
pub use snapshot::{Contents, Corruption, Snapshot};
#[cfg(feature = "std")]
pub use store::{Checkpoint, Entries, Store, StoreError};
