//! The table of settings: name, meaning, how it is read and shown.
use super::Config;
use std::fmt::Display;
use std::path::PathBuf;
use std::str::FromStr;

/// A value that a setting does not take.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{value}` is not {wanted}")]
pub struct BadValue {
    /// What was given.
    pub value: String,
    /// What is taken.
    pub wanted: &'static str,
}

/// Largest offset of the clock, in milliseconds either way: a leap year. What is further off is a typing mistake.
const CLOCK_OFFSET_MS_MAX: i64 = 366 * 24 * 3_600 * 1_000;

/// A setting.
#[derive(Debug)]
pub struct Key {
    /// `section.key` in the file.
    pub name: &'static str,
    /// What it does, in a line.
    pub about: &'static str,
    /// Its value as text; lists are separated by commas, nothing is an empty text.
    pub show: fn(&Config) -> String,
    /// True if the file holds a list.
    pub list: bool,
    /// Reads it from text.
    pub set: fn(&mut Config, &str) -> Result<(), BadValue>,
}

impl Key {
    /// The environment variable: `COUNTERSIGN_` and the name in upper case, points as underscores.
    pub fn variable(&self) -> String {
        format!("COUNTERSIGN_{}", self.name.replace('.', "_").to_uppercase())
    }

    /// What the variables of its section begin with: `COUNTERSIGN_RPC_`.
    pub fn section_variable(&self) -> String {
        let section = self.name.split('.').next().unwrap_or_default();
        format!("COUNTERSIGN_{}_", section.to_uppercase())
    }
}

fn within<T: FromStr + PartialOrd>(text: &str, least: T, most: T, wanted: &'static str) -> Result<T, BadValue> {
    match text.trim().parse::<T>() {
        Ok(value) if value >= least && value <= most => Ok(value),
        _ => Err(bad(text, wanted)),
    }
}

fn bad(value: &str, wanted: &'static str) -> BadValue {
    BadValue { value: value.chars().take(80).collect(), wanted }
}

fn path(text: &str) -> Result<PathBuf, BadValue> {
    if text.is_empty() { Err(bad(text, "a path; it may not be empty")) } else { Ok(text.into()) }
}

fn show_path(path: &std::path::Path) -> String {
    path.display().to_string()
}

fn joined(items: &[impl Display]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

fn is_multiaddr(text: &str) -> bool {
    text.starts_with('/') && text.split('/').count() >= 3 && !text.contains(char::is_whitespace)
}

macro_rules! keys {
    ($($name:literal $([$list:ident])? $about:literal show $show:expr; set $set:expr;)*) => {
        /// Every setting, in the order of the file.
        pub const KEYS: &[Key] = &[$(Key { name: $name, about: $about, show: $show, list: keys!(@list $($list)?), set: $set }),*];
    };
    (@list) => { false };
    (@list list) => { true };
}

keys! {
    "chain.spec" "The chain's spec; the same file on every node."
        show |c| show_path(&c.spec);
        set |c, text| path(text).map(|value| c.spec = value);
    "network.listen" "libp2p address to listen on; port 0 takes a free one."
        show |c| c.network_listen.clone();
        set |c, text| if is_multiaddr(text) { c.network_listen = text.into(); Ok(()) } else { Err(bad(text, "a libp2p address such as /ip4/0.0.0.0/tcp/26600")) };
    "network.peers" [list] "Peers to stay connected with, as /ip4/<address>/tcp/<port>/p2p/<peer id>, besides the nodes the ledger's registry admits; no others are let in."
        show |c| joined(&c.network_peers);
        set |c, text| {
            let peers: Vec<String> = text.split(',').map(str::trim).filter(|peer| !peer.is_empty()).map(String::from).collect();
            match peers.iter().find(|peer| !is_multiaddr(peer) || !peer.contains("/p2p/")) {
                Some(peer) => Err(bad(peer, "a peer's address such as /ip4/10.0.0.2/tcp/26600/p2p/12D3KooW…")),
                None => { c.network_peers = peers; Ok(()) }
            }
        };
    "network.key" "File with the key of the node's network identity."
        show |c| show_path(&c.network_key);
        set |c, text| path(text).map(|value| c.network_key = value);
    "validator.key" "File with the validator's key; empty for a node that only follows the chain."
        show |c| c.validator_key.as_deref().map(show_path).unwrap_or_default();
        set |c, text| { c.validator_key = (!text.is_empty()).then(|| text.into()); Ok(()) };
    "keys.passphrase_file" "File with the passphrase of the key files, if they are encrypted; or set COUNTERSIGN_NODE_PASSPHRASE."
        show |c| c.passphrase_file.as_deref().map(show_path).unwrap_or_default();
        set |c, text| { c.passphrase_file = (!text.is_empty()).then(|| text.into()); Ok(()) };
    "rpc.listen" "Address of RPC, /livez, /readyz, /metrics and /version; port 0 takes a free one."
        show |c| c.rpc_listen.to_string();
        set |c, text| text.parse().map(|value| c.rpc_listen = value).map_err(|_| bad(text, "an address and port such as 127.0.0.1:26800"));
    "rpc.connections_max" "RPC connections at a time."
        show |c| c.rpc_connections_max.to_string();
        set |c, text| within(text, 1, 65_536, "a number from 1 to 65536").map(|value| c.rpc_connections_max = value);
    "rpc.subscriptions_max" "Subscriptions of one connection."
        show |c| c.rpc_subscriptions_max.to_string();
        set |c, text| within(text, 1, 1_024, "a number from 1 to 1024").map(|value| c.rpc_subscriptions_max = value);
    "mempool.bytes_max" "Bytes of waiting transactions."
        show |c| c.mempool_bytes_max.to_string();
        set |c, text| within(text, 1 << 20, 1 << 32, "a number of bytes from 1048576 to 4294967296").map(|value| c.mempool_bytes_max = value);
    "mempool.transactions_max" "Waiting transactions."
        show |c| c.mempool_transactions_max.to_string();
        set |c, text| within(text, 1, 1_000_000, "a number from 1 to 1000000").map(|value| c.mempool_transactions_max = value);
    "mempool.share_percent_max" "Percent of either that one member may fill while transactions of others wait; alone it may fill all."
        show |c| c.mempool_share_percent_max.to_string();
        set |c, text| within(text, 1, 100, "a percentage from 1 to 100").map(|value| c.mempool_share_percent_max = value);
    "storage.checkpoint_blocks" "State and indexes follow to disk at most this many blocks behind."
        show |c| c.checkpoint_blocks.to_string();
        set |c, text| within(text, 1, 10_000, "a number of blocks from 1 to 10000").map(|value| c.checkpoint_blocks = value);
    "storage.checkpoint_seconds" "State and indexes follow to disk at most this many seconds behind."
        show |c| c.checkpoint_seconds.to_string();
        set |c, text| within(text, 1, 3_600, "a number of seconds from 1 to 3600").map(|value| c.checkpoint_seconds = value);
    "storage.index" "Whether transactions and events can be found by account, module and name; a pure validator can do without."
        show |c| c.index.to_string();
        set |c, text| within(text, false, true, "true or false").map(|value| c.index = value);
    "relay.enabled" "Whether this node relays: logs wallets in at their merchants' sites, and carries sealed messages. Only what the ledger grants works (docs/operating.md)."
        show |c| c.relay_enabled.to_string();
        set |c, text| within(text, false, true, "true or false").map(|value| c.relay_enabled = value);
    "relay.trusted_certificates" "PEM file with certificates of sites that the relay trusts besides the system's; empty for none."
        show |c| c.relay_certificates.as_deref().map(show_path).unwrap_or_default();
        set |c, text| { c.relay_certificates = (!text.is_empty()).then(|| text.into()); Ok(()) };
    "clock.offset_ms" "Milliseconds added to the machine's clock: for tests, and for a machine whose clock cannot be set. A node whose clock is wrong proposes blocks the others refuse."
        show |c| c.clock_offset_ms.to_string();
        set |c, text| within(text, -CLOCK_OFFSET_MS_MAX, CLOCK_OFFSET_MS_MAX, "a number of milliseconds from -31622400000 to 31622400000").map(|value| c.clock_offset_ms = value);
    "log.filter" "Messages to log, as tracing directives such as info or debug,countersign_node::rpc=trace."
        show |c| c.log.clone();
        set |c, text| tracing_subscriber::EnvFilter::try_new(text).map(|_| c.log = text.into()).map_err(|_| bad(text, "a list of log directives such as info,countersign_node=debug"));
}
