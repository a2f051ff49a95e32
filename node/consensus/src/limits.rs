//! Every bound of this crate, with its reason. Bounds of the formats themselves are in [`countersign_types::limits`].
use countersign_types::limits::{BLOCK_BYTES_MAX, NODES_MAX, VALIDATORS_MAX};
use std::time::Duration;

/// Decided blocks in one answer to a peer that lags: enough to hide the round trip, few enough to verify at once.
pub const SYNC_BLOCKS_MAX: usize = 16;
/// Bytes of blocks in one answer to a peer that lags: the largest block fits with room to spare.
pub const SYNC_BYTES_MAX: usize = BLOCK_BYTES_MAX + 2 * 1024 * 1024;
/// Bytes of one transaction batch that is gossiped: the largest transaction with its framing fits.
pub const GOSSIP_BYTES_MAX: usize = 1024 * 1024;
/// Bytes of a question to a peer, or of its answer: a sealed message with an attached proposal.
pub const QUESTION_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Peers on the list: the nodes the council admits, and as many again as validators that operators list themselves. Each has one
/// connection.
pub const PEERS_MAX: usize = NODES_MAX + VALIDATORS_MAX;

/// A certificate of one signature per validator, with framing.
pub(crate) const CERTIFICATE_BYTES_MAX: usize = VALIDATORS_MAX * 128 + 1024;
/// Bytes of a gossiped message: a block and its framing is the largest. A block goes in one piece, as only whole blocks can
/// be checked before they are passed on.
pub(crate) const MESSAGE_BYTES_MAX: usize = BLOCK_BYTES_MAX + 1024;
/// Bytes of a consensus message: a certificate of two steps' votes is the largest.
pub(crate) const VOTE_BYTES_MAX: usize = 2 * CERTIFICATE_BYTES_MAX;
/// Bytes of an answer with decided blocks: the blocks, a certificate each, and framing.
pub(crate) const SYNC_ANSWER_BYTES_MAX: usize = SYNC_BYTES_MAX + SYNC_BLOCKS_MAX * CERTIFICATE_BYTES_MAX;

/// Requests the application has not taken yet: the engine asks one thing at a time, peers' requests wait here.
pub(crate) const REQUESTS_QUEUE: usize = 64;
/// Messages of the engine the swarm has not taken yet; beyond it the engine's own mailbox holds them.
pub(crate) const ENGINE_QUEUE: usize = 1024;
/// Commands of the application the swarm has not taken yet.
pub(crate) const COMMANDS_QUEUE: usize = 256;
/// Gossiped batches the application has not taken yet; more are dropped, as other nodes have them too.
pub(crate) const GOSSIP_QUEUE: usize = 256;
/// Questions of peers the application has not taken yet; more are refused, and the peer asks again.
pub(crate) const QUESTIONS_QUEUE: usize = 64;

/// Questions and block requests of one peer being answered at once; more are refused.
pub(crate) const ANSWERS_PER_PEER_MAX: usize = 4;
/// Proposed blocks being checked at once: one per height is usual, a few when rounds fail.
pub(crate) const CHECKS_MAX: usize = 8;
/// Heights ahead of our own whose proposals are kept until we get there; further away, syncing is faster.
pub(crate) const HEIGHTS_AHEAD_MAX: u64 = 2;
/// Rounds ahead of our own whose proposals are looked at: a node that hears the others soon follows them.
pub(crate) const ROUNDS_AHEAD_MAX: u32 = 8;
/// Proposals kept for one future height: one per round that may have failed.
pub(crate) const EARLY_BLOCKS_MAX: usize = 4;
/// Bytes of the proposals kept for future heights.
pub(crate) const EARLY_BYTES_MAX: usize = 2 * BLOCK_BYTES_MAX;

/// A peer's messages per second, and how many at once. A hundred validators at five blocks per second send 1000 votes
/// per second, and a single peer may relay all of them; verifying 5000 takes a quarter of a core.
pub(crate) const MESSAGES_PER_SECOND: f64 = 5_000.0;
/// See [`MESSAGES_PER_SECOND`].
pub(crate) const MESSAGES_AT_ONCE: f64 = 10_000.0;
/// A peer's bytes per second: 25 blocks of 2 MiB.
pub(crate) const BYTES_PER_SECOND: f64 = 50.0 * 1024.0 * 1024.0;
/// A peer's bytes at once: four blocks of the largest size.
pub(crate) const BYTES_AT_ONCE: f64 = 4.0 * MESSAGE_BYTES_MAX as f64;

/// A question or block request fails after this long. Longer than a loaded peer needs, short of a sync stalling on it.
pub(crate) const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// How often a peer's height is told, and a connection is seen to be alive.
pub(crate) const STATUS_INTERVAL: Duration = Duration::from_secs(1);
/// How often absent peers are looked at.
pub(crate) const DIAL_TICK: Duration = Duration::from_millis(200);
/// Wait before a peer is dialled again, at first.
pub(crate) const DIAL_DELAY_MIN: Duration = Duration::from_millis(200);
/// Wait before a peer is dialled again, at most: an outage ends for a validator within this time.
pub(crate) const DIAL_DELAY_MAX: Duration = Duration::from_secs(10);
/// A connection that lived this long was a good one: the next dial need not wait. A peer that does not list us looks
/// connected for an instant.
pub(crate) const CONNECTION_STABLE: Duration = Duration::from_secs(5);
/// The swarm reports its listening address at once, or something is wrong with it.
pub(crate) const LISTEN_TIMEOUT: Duration = Duration::from_secs(5);
