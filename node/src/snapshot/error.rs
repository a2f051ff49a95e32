//! Why a snapshot was not made or not taken.
use crate::chain::Fault;
use crate::inspect::OpenError;
use crate::trail::BadTrail;
use countersign_consensus::BadBlock;
use countersign_state::StoreError;
use countersign_types::{DecodeError, Hash, Height};
use std::io;
use std::path::PathBuf;

/// Why a snapshot was not made or not taken. A folder into which one was to be restored is as before.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The node's folder cannot be used.
    #[error(transparent)]
    Folder(#[from] OpenError),
    /// What the folder holds is not sound, so that no snapshot can be made of it.
    #[error("the chain in {} is not sound: `countersign-node doctor` says more", dir.display())]
    Source {
        /// The folder.
        dir: PathBuf,
        /// What is wrong.
        #[source]
        cause: Box<SnapshotError>,
    },
    /// The chain has no block whose outcome is certified.
    #[error("the chain in {} has no certified state yet; let the node run until it has made two blocks", dir.display())]
    TooYoung {
        /// The folder.
        dir: PathBuf,
    },
    /// The folder holds a chain already.
    #[error("{} holds a chain already; restore into another folder, or remove its `chain` folder first", dir.display())]
    HoldsChain {
        /// The folder.
        dir: PathBuf,
    },
    /// There is a file where the snapshot should go.
    #[error("{} exists already; choose another name", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// A file cannot be used.
    #[error("cannot {action} {}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// The file is something else.
    #[error("{} is no snapshot", path.display())]
    NoSnapshot {
        /// The file.
        path: PathBuf,
    },
    /// Another version of the program wrote it.
    #[error("{} was made by a version of this program with another format; use that version, or a newer snapshot", path.display())]
    OtherVersion {
        /// The file.
        path: PathBuf,
    },
    /// The end is missing.
    #[error("{} ends too soon, in the part that begins at byte {at}; copy it again", path.display())]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Where the part begins that is not whole.
        at: u64,
    },
    /// A part is not what was written.
    #[error("{} is damaged in part {chunk}, which begins at byte {at}; copy it again", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Number of the part, from 0.
        chunk: u64,
        /// Where it begins.
        at: u64,
    },
    /// A part is not the one that belongs there.
    #[error("{}: part {chunk} is not {expected}, which belongs there", path.display())]
    Order {
        /// The file.
        path: PathBuf,
        /// Number of the part, from 0.
        chunk: u64,
        /// What belongs there.
        expected: &'static str,
    },
    /// It is of another chain.
    #[error("the snapshot is of chain {found}, the spec is that of {wanted}")]
    OtherChain {
        /// Chain of the snapshot.
        found: Hash,
        /// Chain of the spec.
        wanted: Hash,
    },
    /// It is not certified by the validators to whom the genesis leads.
    #[error("the validators of this chain have not certified the snapshot; get one from a node you trust")]
    Trail(#[from] BadTrail),
    /// The block is none.
    #[error("the snapshot's block is damaged")]
    Block(#[from] BadBlock),
    /// Something in it is not the one that the certified header names.
    #[error("the snapshot's {what} is {found}, the certified header names {expected}")]
    NotCertified {
        /// What.
        what: &'static str,
        /// In the snapshot.
        found: Hash,
        /// In the header.
        expected: Hash,
    },
    /// Its height is not that of its block or header.
    #[error("the snapshot is of height {wanted}, but its {what} is of height {found}")]
    Height {
        /// What.
        what: &'static str,
        /// Its height.
        found: Height,
        /// The height it should have.
        wanted: Height,
    },
    /// Bytes that are not what they should be.
    #[error("the snapshot's {what} cannot be read")]
    Unreadable {
        /// What.
        what: &'static str,
        /// Why.
        #[source]
        cause: DecodeError,
    },
    /// The state in it is not the certified one, or the disk fails.
    #[error("the snapshot's state was not taken")]
    State(#[source] StoreError),
    /// The chain that it is made of cannot be read.
    #[error(transparent)]
    Chain(#[from] Fault),
}
