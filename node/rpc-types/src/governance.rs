//! What the methods about governance answer: who governs, votes, may connect, and who was caught.
use crate::HexBytes;
use serde::{Deserialize, Serialize};

/// The council, and what it has set.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CouncilView {
    /// The members who govern, by id.
    pub members: Vec<CouncilMember>,
    /// How many of them must sign a council call.
    pub threshold: u16,
    /// The chain's parameters that hold for the next block, in the order of the documentation.
    pub parameters: Vec<ParameterView>,
}

/// A member on the council.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CouncilMember {
    /// `csa1…`.
    pub id: String,
    /// Its name.
    pub name: String,
    /// `active` or `suspended`; one that is suspended cannot sign.
    pub status: String,
}

/// One of the chain's parameters.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ParameterView {
    /// Its name, as in the chain's spec and in `governance.set_parameters`.
    pub name: String,
    /// Its value, in the unit its name ends in.
    pub value: u64,
}

/// A validator: one of the next block, or one that was decided on.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ValidatorView {
    /// `csk1…`.
    pub key: String,
    /// Its power in the next block; 0 if it does not vote on that one yet.
    pub power: u64,
    /// Another power, decided on and not in force yet.
    pub pending: Option<PendingPower>,
    /// Height of a block it made of late, not always its last; absent if it was never seen to make one.
    pub proposed: Option<u64>,
    /// True if it counts as running when the council changes the validators.
    pub runs: bool,
    /// True if it is the validator of the node that answers.
    pub own: bool,
}

/// A power that is not in force yet.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PendingPower {
    /// The power; 0 if it will be no validator.
    pub power: u64,
    /// Height of the first block it holds for.
    pub from: u64,
}

/// A node the council admitted, or removed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct NodeView {
    /// Its network key, `csk1…`.
    pub key: String,
    /// Its libp2p identity, `12D3Koo…`; absent for a key no node can have.
    pub peer_id: Option<String>,
    /// The member that runs it, `csa1…`.
    pub member: String,
    /// That member's name.
    pub member_name: String,
    /// Where peers reach it; empty if it only dials.
    pub address: String,
    /// `active` or `removed`.
    pub status: String,
    /// Height of its last change.
    pub since: u64,
    /// True if it is the node that answers, or connected with it.
    pub connected: bool,
    /// True if it is the node that answers.
    pub own: bool,
}

/// The recorded proof that a validator contradicted itself.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct EvidenceView {
    /// The validator, `csk1…`.
    pub validator: String,
    /// Height of what it said twice.
    pub height: u64,
    /// The round.
    pub round: u32,
    /// `offer`, `proposal`, `prevote` or `precommit`.
    pub step: String,
    /// Height of the block that brought it.
    pub recorded_at: u64,
    /// The encoded `Evidence`: anybody can check it.
    pub evidence: HexBytes,
}
