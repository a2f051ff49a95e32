//! The node's settings: a file, the environment and flags, in this order, the later one winning.
//!
//! Every setting is one row of [`keys::KEYS`]; the file's reader, the environment's, `config show` and the documentation all
//! go by that table.
mod file;
mod keys;

pub use file::{ConfigError, Overrides, load, template};
pub use keys::{BadValue, KEYS, Key};

use crate::clock::Clock;
use std::net::SocketAddr;
use std::path::PathBuf;

/// The node's settings, all checked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Config {
    /// Where the node keeps everything; relative paths of other settings start here.
    pub dir: PathBuf,
    /// The chain's spec.
    pub spec: PathBuf,
    /// libp2p address the node listens on.
    pub network_listen: String,
    /// libp2p addresses with `/p2p/<peer id>` of peers to keep connected. They and the nodes of the ledger's
    /// registry are let in, but for those the council removed.
    pub network_peers: Vec<String>,
    /// The network identity's key.
    pub network_key: PathBuf,
    /// The validator's key; a node without one follows the chain.
    pub validator_key: Option<PathBuf>,
    /// File with the passphrase of the key files; the environment may give it instead.
    pub passphrase_file: Option<PathBuf>,
    /// RPC and plain HTTP.
    pub rpc_listen: SocketAddr,
    /// RPC connections at a time.
    pub rpc_connections_max: u32,
    /// Subscriptions of one connection.
    pub rpc_subscriptions_max: u32,
    /// Bytes of waiting transactions.
    pub mempool_bytes_max: usize,
    /// Waiting transactions.
    pub mempool_transactions_max: usize,
    /// Of bytes and transactions, in percent, what one member may hold while others' transactions wait.
    pub mempool_share_percent_max: u8,
    /// A checkpoint follows at most this many blocks behind.
    pub checkpoint_blocks: u64,
    /// A checkpoint follows at most this long behind, in seconds.
    pub checkpoint_seconds: u64,
    /// Whether transactions and events can be found by account, module and name.
    pub index: bool,
    /// Whether the node relays log-ins and messages.
    pub relay_enabled: bool,
    /// PEM file with certificates of sites that are trusted besides the system's.
    pub relay_certificates: Option<PathBuf>,
    /// Milliseconds the node's clock is ahead of the machine's; negative if behind.
    pub clock_offset_ms: i64,
    /// Which messages go to the log, as `tracing` directives.
    pub log: String,
}

impl Config {
    /// The settings of a node in `dir` about which nothing was said.
    pub fn new(dir: PathBuf) -> Self {
        Self {
            dir,
            spec: "spec.toml".into(),
            network_listen: "/ip4/0.0.0.0/tcp/26600".into(),
            network_peers: Vec::new(),
            network_key: "network.key".into(),
            validator_key: None,
            passphrase_file: None,
            rpc_listen: SocketAddr::from(([127, 0, 0, 1], 26800)),
            rpc_connections_max: 512,
            rpc_subscriptions_max: 64,
            mempool_bytes_max: 64 * 1024 * 1024,
            mempool_transactions_max: 100_000,
            mempool_share_percent_max: 50,
            checkpoint_blocks: 200,
            checkpoint_seconds: 5,
            index: true,
            relay_enabled: false,
            relay_certificates: None,
            clock_offset_ms: 0,
            log: "info".into(),
        }
    }

    /// The clock the node goes by.
    pub fn clock(&self) -> Clock {
        Clock::ahead_by(self.clock_offset_ms)
    }

    /// `path` under the node's folder unless it is absolute.
    pub fn path(&self, path: &std::path::Path) -> PathBuf {
        self.dir.join(path)
    }
}
