//! Agreement on blocks: the BFT engine and the one network swarm, behind types of our own.
//!
//! The only crate that names the engine (Malachite) or libp2p. It must not know how blocks are made, executed or kept:
//! it asks, by [`Request`], and the application answers.
//!
//! ```text
//!   peers ⇄ network/ (one swarm) ⇄ the engine ⇄ bridge.rs ─Request→ the application
//!              │    ▲                                        ←reply─
//!              │    └── Network: transactions out, questions to peers, the list of peers
//!              └── Gossip, Question: transactions and questions in
//! ```
//!
//! What makes a crash safe. The engine's log keeps only hashes and starts anew at each height, so the application makes a
//! block's bytes durable *before* it replies to [`Request::Propose`], [`Request::Received`] and [`Request::Synced`], and the
//! decided block before it replies to [`Request::Finalized`]. On a storage fault it drops the reply and stops.
#![forbid(unsafe_code)]

mod address;
mod block;
mod bridge;
mod codec;
mod context;
mod early;
mod engine;
mod limits;
mod network;
mod probe;
mod request;
mod signer;
#[cfg(test)]
mod testing;
mod wire;

pub use address::{BadAddress, PeerAddress, PeerId};
pub use block::{BadBlock, ReceivedBlock};
pub use engine::{logged_height, metrics, start};
pub use limits::{GOSSIP_BYTES_MAX, PEERS_MAX, QUESTION_BYTES_MAX, SYNC_BLOCKS_MAX, SYNC_BYTES_MAX};
pub use network::{AskError, Gossip, Network, PeerStatus, Question, Stopped, Verdict};
pub use probe::{Reach, probe};
pub use request::{Known, Proposed, Request, Start, Synced, Timeouts};
pub use signer::{KeySigner, SignerError, VoteSigner};

use countersign_types::Hash;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Directives of `tracing` for what is of use only to those who debug the engine. Its warning of an invalid block tells less than the
/// application that judged it, and comes also for a block that is late; those of its sync are about requests that cross each other, which
/// it mends by itself, and about peers, whose faults the network tells.
pub const LOG_DIRECTIVES: &str = "arc_malachitebft=warn,arc_malachitebft_core_consensus::state=error,\
                                  arc_malachitebft_sync::handle=error,libp2p=warn,multistream_select=warn,ractor=warn";
/// The same while the engine is being stopped: its parts complain that others have ended before them.
pub const STOPPING_LOG_DIRECTIVES: &str = "arc_malachitebft=off,ractor=off";

/// What a node needs to take part.
pub struct Config {
    /// Label of this node's metrics; several nodes of one process differ in it.
    pub name: String,
    /// Folder of the engine's log. A validator that loses it may contradict itself after a crash.
    pub data_dir: PathBuf,
    /// The chain's id: votes of one chain mean nothing on another.
    pub chain: Hash,
    /// Signs as a validator; `None` only follows.
    pub signer: Option<Arc<dyn VoteSigner>>,
    /// ed25519 secret of the network identity. Not the validator's key.
    pub identity: [u8; 32],
    /// Where to listen: `/ip4/0.0.0.0/tcp/26600`; port 0 takes any that is free.
    pub listen: String,
    /// Who may connect, and is dialled. See [`Network::set_peers`].
    pub peers: Vec<PeerAddress>,
}

/// Why the engine did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// [`Config::listen`] is not an address.
    #[error("`{text}` is not an address to listen on")]
    ListenAddress {
        /// As configured.
        text: String,
        /// What is wrong with it.
        #[source]
        cause: BadAddress,
    },
    /// The address is taken, or not one of this machine.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: String,
        /// The system's reason.
        #[source]
        cause: std::io::Error,
    },
    /// The system's settings for name resolution cannot be read.
    #[error("the settings for name resolution cannot be read")]
    Resolver(#[source] std::io::Error),
    /// The folder for the engine's log cannot be made.
    #[error("cannot make the folder {}", path.display())]
    DataDir {
        /// The folder.
        path: PathBuf,
        /// The system's reason.
        #[source]
        cause: std::io::Error,
    },
    /// The engine refused: most often its log cannot be opened, as another process holds it.
    #[error("the consensus engine did not start")]
    Engine(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Why the engine stopped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ended {
    /// [`Consensus::requests`] was dropped.
    ByApplication,
    /// A part of it failed, or the application dropped a reply it must have. To be started again.
    EngineFailed,
    /// Its log could not be read or written. Not to be started again before somebody has looked at the disk: a validator
    /// without its log may contradict itself.
    LogFailed,
}

/// A running engine. Dropping [`Consensus::requests`] stops it.
#[derive(Debug)]
pub struct Consensus {
    /// What the application is asked.
    pub requests: mpsc::Receiver<Request>,
    /// Transactions gossiped by peers.
    pub gossip: mpsc::Receiver<Gossip>,
    /// Questions of peers' applications.
    pub questions: mpsc::Receiver<Question>,
    /// To send, ask, and say who may connect.
    pub network: Network,
    /// Ends when the engine has stopped and its log is closed: the process should end then too.
    pub stopped: tokio::task::JoinHandle<Ended>,
}
