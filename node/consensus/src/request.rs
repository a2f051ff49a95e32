//! What the application is asked, and what it answers. Each request carries the channel of its reply.
//!
//! Requests come in order, and the engine waits for most replies before it asks on: a block takes part in agreement only
//! as fast as [`Request::Propose`], [`Request::Received`], [`Request::Synced`] and [`Request::RoundStarted`] are answered.
//! [`Request::BytesOf`], [`Request::History`] and [`Request::Range`] serve peers; answer them from another task. A reply that
//! is dropped means that the application cannot go on: it should stop and be started again.
use crate::block::ReceivedBlock;
use bytes::Bytes;
use countersign_types::Evidence;
use countersign_types::{Certificate, Hash, Height, Params, PublicKey, ValidatorSet};
use std::time::Duration;
use tokio::sync::oneshot;

/// How long a round waits. Each timeout grows by half of its first value per round, up to `max`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Timeouts {
    /// For a proposal, in round 0.
    pub propose: Duration,
    /// For votes, in round 0.
    pub vote: Duration,
    /// No round waits longer for either.
    pub max: Duration,
}

impl Timeouts {
    /// Those a chain has chosen.
    pub fn of_params(params: &Params) -> Self {
        Self {
            propose: Duration::from_millis(params.timeout_propose_ms.into()),
            vote: Duration::from_millis(params.timeout_vote_ms.into()),
            max: Duration::from_millis(params.timeout_ms_max.into()),
        }
    }
}

/// The height to work on next, and by which rules.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Start {
    /// One above the last durable block.
    pub height: Height,
    /// Who certifies the block of that height; well formed ([`ValidatorSet::is_well_formed`]).
    pub validators: ValidatorSet,
    /// How long to wait.
    pub timeouts: Timeouts,
}

/// A block that is durable but not decided.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Known {
    /// The round in which it was made or first came.
    pub round: u32,
    /// Its header's hash.
    pub hash: Hash,
    /// Who made it.
    pub proposer: PublicKey,
    /// True if it may be decided.
    pub valid: bool,
}

/// A block of one's own.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Proposed {
    /// Its header's hash.
    pub hash: Hash,
    /// Its encoding, at most [`countersign_types::limits::BLOCK_BYTES_MAX`] bytes, durable by now.
    pub bytes: Bytes,
}

/// What became of a decided block that a peer sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Synced {
    /// It is valid, and durable by now.
    Valid,
    /// It breaks a rule, although a certificate vouches for it: this node and the validators differ in their rules.
    Invalid,
    /// It cannot be judged just now; it will be asked for again and nobody is blamed.
    Later,
}

/// What the engine wants of the application.
#[derive(Debug)]
pub enum Request {
    /// The engine is up. Asked once.
    Ready {
        /// Where to start.
        reply: oneshot::Sender<Start>,
    },
    /// A round begins.
    RoundStarted {
        /// Its height.
        height: Height,
        /// Its number.
        round: u32,
        /// Whose turn it is to propose.
        proposer: PublicKey,
        /// Blocks of this height that are durable but not decided: what was on disk before a crash.
        reply: oneshot::Sender<Vec<Known>>,
    },
    /// It is this node's turn: make a block, make it durable, reply. For the same height and round the same block again,
    /// also after a crash, or this node contradicts itself under its own signature.
    Propose {
        /// Height of the block.
        height: Height,
        /// The round it is for.
        round: u32,
        /// When the round gives up, counted from now.
        deadline: Duration,
        /// The block. Dropped: the round passes without a proposal.
        reply: oneshot::Sender<Proposed>,
    },
    /// A proposed block came. Judge it, and if valid make it durable, then reply. The verdict must depend on the block and
    /// the chain alone: who sent it, when and in which round is not proven by anything.
    Received {
        /// The height being worked on, which is the block's.
        height: Height,
        /// The block.
        block: Box<ReceivedBlock>,
        /// True if it may be decided.
        reply: oneshot::Sender<bool>,
    },
    /// A peer needs the bytes of a block that is not decided yet.
    BytesOf {
        /// Its header's hash.
        hash: Hash,
        /// Its bytes, if they are here.
        reply: oneshot::Sender<Option<Bytes>>,
    },
    /// A block is decided: more than two thirds of the power signed it. Nothing can change that, so it may be executed.
    Decided {
        /// The signatures; [`Certificate::verify`] holds.
        certificate: Certificate,
        /// Sent when the block and its certificate are durable: from then on peers are told that it is here.
        reply: oneshot::Sender<()>,
    },
    /// The height is over. Follows [`Request::Decided`] of the same height.
    Finalized {
        /// The height.
        height: Height,
        /// Who was caught contradicting itself since the last height.
        evidence: Vec<Evidence>,
        /// Sent when the block is durable and the next one is due: an idle chain may hold it back, and should go on when
        /// [`crate::Network::height_seen`] shows that others have.
        reply: oneshot::Sender<Start>,
    },
    /// A peer sent a decided block; its certificate is verified. If it is valid make it durable, then reply.
    Synced {
        /// Its height.
        height: Height,
        /// The block.
        block: Box<ReceivedBlock>,
        /// What became of it.
        reply: oneshot::Sender<Synced>,
    },
    /// Which blocks can peers ask for?
    History {
        /// The lowest height kept; 1 if nothing was pruned.
        reply: oneshot::Sender<Height>,
    },
    /// A peer lags behind and asks for decided blocks.
    Range {
        /// The first height.
        from: Height,
        /// The last height, inclusive, at most [`crate::SYNC_BLOCKS_MAX`] - 1 above the first.
        to: Height,
        /// Stop before the blocks together exceed this; one block is always welcome.
        bytes_max: usize,
        /// Consecutive blocks from `from` on, with their certificates; fewer, or none, if they are not here.
        reply: oneshot::Sender<Vec<(Certificate, Bytes)>>,
    },
}
