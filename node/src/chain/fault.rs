//! Why a node has to stop. It never goes on after one: an answer it cannot stand by is worse than none.
use countersign_state::StoreError;
use countersign_types::{DecodeError, Hash, Height};

/// A reason to stop.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The disk or the database failed, or what it holds is damaged.
    #[error("the node's storage failed; look at the disk of its data folder, then start the node again")]
    Store(#[from] StoreError),
    /// The blocks a store holds are those of another chain.
    #[error(
        "the data folder belongs to chain {found}, the spec is that of {wanted}; use another --dir or the right spec"
    )]
    OtherChain {
        /// Chain of the store.
        found: Hash,
        /// Chain of the spec.
        wanted: Hash,
    },
    /// The genesis makes no chain.
    #[error("the genesis makes no chain")]
    Genesis(#[from] countersign_executor::GenesisError),
    /// The machine cannot run contracts.
    #[error("the contract engine cannot start on this machine")]
    Engine(#[from] countersign_executor::EngineError),
    /// Execution gave another result than the one the validators certified.
    #[error(
        "{what} after block {height} is {found} here, but block {} names {expected}: this node's program or its data differ \
         from the other validators'; compare `node_status` versions, and restore the data folder from another node if it is damaged",
        height.next()
    )]
    Diverged {
        /// What differs: the state root or the receipts root.
        what: &'static str,
        /// The block after which it differs.
        height: Height,
        /// What this node computed.
        found: Hash,
        /// What the next block's header names.
        expected: Hash,
    },
    /// A block that more than two thirds of the validators signed breaks a rule of this program.
    #[error("block {height} is certified but breaks a rule: {rule}; this node's program differs from the validators'")]
    BadBlock {
        /// Its height.
        height: Height,
        /// The rule.
        rule: super::judge::Refusal,
    },
    /// Stored bytes are not what was stored.
    #[error("the stored {what} of height {height} cannot be read")]
    Unreadable {
        /// What it should be.
        what: &'static str,
        /// Its height.
        height: Height,
        /// Why.
        #[source]
        cause: DecodeError,
    },
    /// Something that must be stored is not.
    #[error("the {what} of height {height} are missing from the store; restore the data folder from another node")]
    Missing {
        /// What it is.
        what: &'static str,
        /// Its height.
        height: Height,
    },
    /// A thread of the node ended.
    #[error("the node's {0} ended; this is a bug, please report it with the log")]
    Ended(&'static str),
    /// The consensus engine ended.
    #[error("the consensus engine ended; the log says why. Start the node again")]
    ConsensusEnded,
    /// The consensus engine's log failed.
    #[error(
        "the consensus engine's log failed; look at the disk of the data folder before you start the node again: \
         a validator that lost its log may contradict itself"
    )]
    ConsensusLog,
    /// A thread cannot be started.
    #[error("cannot start a thread for {what}")]
    Thread {
        /// Its purpose.
        what: &'static str,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
}
