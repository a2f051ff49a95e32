//! The engine's `Context`: our nouns in the shapes it asks for. A value is a header's hash, an address is a validator's key.
use crate::block::ReceivedBlock;
use countersign_types as types;
use countersign_types::evidence::{SignedStatement, Statement};
use malachitebft_app_channel::app::types::core::{self as engine, NilOrVal, Round, VoteType};
use std::fmt;
use std::sync::Arc;

/// Ties the types together.
#[derive(Clone, Debug)]
pub(crate) struct Context;

/// A validator's key, by which the engine names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Address(pub(crate) types::PublicKey);

impl Address {
    /// Of a node that signs nothing: a key of small order, which no validator has.
    pub(crate) const NOBODY: Self = Self(types::PublicKey([0; 32]));
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl engine::Address for Address {}

/// A block's number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Height(pub(crate) types::Height);

impl fmt::Display for Height {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl engine::Height for Height {
    const ZERO: Self = Self(types::Height::ZERO);
    const INITIAL: Self = Self(types::Height::new(1));

    fn increment_by(&self, n: u64) -> Self {
        Self(types::Height::new(self.0.get().saturating_add(n)))
    }

    fn decrement_by(&self, n: u64) -> Option<Self> {
        self.0.get().checked_sub(n).map(|height| Self(types::Height::new(height)))
    }

    fn as_u64(&self) -> u64 {
        self.0.get()
    }
}

/// What is agreed on: a header's hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Value(pub(crate) types::Hash);

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl engine::Value for Value {
    type Id = Self;
    fn id(&self) -> Self {
        *self
    }
}

/// ed25519 under the one rule of [`types::signature`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ed25519;

/// Bytes of another length than a key's or signature's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{size} bytes are not a key or signature")]
pub(crate) struct BadLength {
    size: usize,
}

impl engine::SigningScheme for Ed25519 {
    type DecodingError = BadLength;
    type Signature = types::Signature;
    type PublicKey = types::PublicKey;
    // Votes are signed by a `VoteSigner`; the engine never holds a secret.
    type PrivateKey = ();

    fn decode_signature(bytes: &[u8]) -> Result<types::Signature, BadLength> {
        bytes.try_into().map(types::Signature).map_err(|_| BadLength { size: bytes.len() })
    }

    fn encode_signature(signature: &types::Signature) -> Vec<u8> {
        signature.0.to_vec()
    }

    fn decode_public_key(bytes: &[u8]) -> Result<types::PublicKey, BadLength> {
        bytes.try_into().map(types::PublicKey).map_err(|_| BadLength { size: bytes.len() })
    }

    fn encode_public_key(key: &types::PublicKey) -> Vec<u8> {
        key.0.to_vec()
    }
}

/// One that votes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Validator {
    address: Address,
    power: u64,
}

impl Validator {
    pub(crate) fn key(&self) -> types::PublicKey {
        self.address.0
    }
}

impl engine::Validator<Context> for Validator {
    fn address(&self) -> &Address {
        &self.address
    }

    fn public_key(&self) -> &types::PublicKey {
        &self.address.0
    }

    fn voting_power(&self) -> u64 {
        self.power
    }
}

/// The validators of a height, sorted by key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ValidatorSet(Arc<Vec<Validator>>);

impl ValidatorSet {
    pub(crate) fn new(set: &types::ValidatorSet) -> Self {
        let validators = set.0.iter().map(|v| Validator { address: Address(v.key), power: v.power });
        Self(Arc::new(validators.collect()))
    }

    pub(crate) fn contains(&self, key: &types::PublicKey) -> bool {
        engine::ValidatorSet::get_by_address(self, &Address(*key)).is_some()
    }

    /// Whose turn it is: each in turn, from height to height and from round to round, so that a round that failed is
    /// followed by another's.
    pub(crate) fn proposer(&self, height: types::Height, round: u32) -> &Validator {
        let turn = u128::from(height.get()) + u128::from(round);
        let index = turn % self.0.len() as u128;
        &self.0[usize::try_from(index).expect("below the number of validators")]
    }
}

impl engine::ValidatorSet<Context> for ValidatorSet {
    fn count(&self) -> usize {
        self.0.len()
    }

    fn total_voting_power(&self) -> u64 {
        self.0.iter().map(|v| v.power).sum()
    }

    fn get_by_address(&self, address: &Address) -> Option<&Validator> {
        self.0.binary_search_by(|v| v.address.cmp(address)).ok().map(|index| &self.0[index])
    }

    fn get_by_index(&self, index: usize) -> Option<&Validator> {
        self.0.get(index)
    }
}

/// "I propose this block", before it is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Proposal {
    height: Height,
    round: Round,
    value: Value,
    pol_round: Round,
    address: Address,
}

impl engine::Proposal<Context> for Proposal {
    fn height(&self) -> Height {
        self.height
    }

    fn round(&self) -> Round {
        self.round
    }

    fn value(&self) -> &Value {
        &self.value
    }

    fn take_value(self) -> Value {
        self.value
    }

    fn pol_round(&self) -> Round {
        self.pol_round
    }

    fn validator_address(&self) -> &Address {
        &self.address
    }
}

/// A prevote or precommit, before it is signed. Votes carry no extensions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Vote {
    kind: VoteType,
    height: Height,
    round: Round,
    value: NilOrVal<Value>,
    address: Address,
}

impl engine::Vote<Context> for Vote {
    fn height(&self) -> Height {
        self.height
    }

    fn round(&self) -> Round {
        self.round
    }

    fn value(&self) -> &NilOrVal<Value> {
        &self.value
    }

    fn take_value(self) -> NilOrVal<Value> {
        self.value
    }

    fn vote_type(&self) -> VoteType {
        self.kind
    }

    fn validator_address(&self) -> &Address {
        &self.address
    }

    fn extension(&self) -> Option<&engine::SignedExtension<Context>> {
        None
    }

    fn take_extension(&mut self) -> Option<engine::SignedExtension<Context>> {
        None
    }

    fn extend(self, _: engine::SignedExtension<Context>) -> Self {
        self
    }
}

/// A block as its proposer offers it for a round: the only part a proposal has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Offer {
    /// [`Statement::Offer`], its signature checked.
    pub(crate) signed: SignedStatement,
    /// The block it names.
    pub(crate) block: Arc<ReceivedBlock>,
}

impl engine::ProposalPart<Context> for Offer {
    fn is_first(&self) -> bool {
        true
    }

    fn is_last(&self) -> bool {
        true
    }
}

impl engine::Context for Context {
    type Address = Address;
    type Height = Height;
    type ProposalPart = Offer;
    type Proposal = Proposal;
    type Validator = Validator;
    type ValidatorSet = ValidatorSet;
    type Timeouts = engine::LinearTimeouts;
    type Value = Value;
    type Vote = Vote;
    type Extension = ();
    type SigningScheme = Ed25519;

    fn select_proposer<'a>(&self, validators: &'a ValidatorSet, height: Height, round: Round) -> &'a Validator {
        validators.proposer(height.0, round.as_u32().unwrap_or(0))
    }

    fn new_proposal(&self, height: Height, round: Round, value: Value, pol_round: Round, address: Address) -> Proposal {
        Proposal { height, round, value, pol_round, address }
    }

    fn new_prevote(&self, height: Height, round: Round, value: NilOrVal<Value>, address: Address) -> Vote {
        Vote { kind: VoteType::Prevote, height, round, value, address }
    }

    fn new_precommit(&self, height: Height, round: Round, value: NilOrVal<Value>, address: Address) -> Vote {
        Vote { kind: VoteType::Precommit, height, round, value, address }
    }
}

/// A vote or proposal outside any round: the engine makes none, and none can be read from bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a vote or proposal is outside any round")]
pub(crate) struct NoRound;

impl TryFrom<&Vote> for Statement {
    type Error = NoRound;
    fn try_from(vote: &Vote) -> Result<Self, NoRound> {
        let (height, round) = (vote.height.0, vote.round.as_u32().ok_or(NoRound)?);
        let block = hash_of(vote.value);
        Ok(match vote.kind {
            VoteType::Prevote => Self::Prevote { height, round, block },
            VoteType::Precommit => Self::Precommit { height, round, block },
        })
    }
}

impl TryFrom<&Proposal> for Statement {
    type Error = NoRound;
    fn try_from(proposal: &Proposal) -> Result<Self, NoRound> {
        Ok(Self::Proposal {
            height: proposal.height.0,
            round: proposal.round.as_u32().ok_or(NoRound)?,
            block: proposal.value.0,
            pol_round: proposal.pol_round.as_u32(),
        })
    }
}

/// A vote or a proposal: what a statement that the engine knows is for it.
pub(crate) enum Step {
    Vote(Vote),
    Proposal(Proposal),
}

impl Step {
    /// `None` for an offer: the engine sees those as proposal parts.
    pub(crate) fn of(statement: &Statement, by: types::PublicKey) -> Option<Self> {
        let address = Address(by);
        let vote = |kind, height, round, block| {
            let value = value_of(block);
            Self::Vote(Vote { kind, height: Height(height), round: Round::new(round), value, address })
        };
        match *statement {
            Statement::Offer { .. } => None,
            Statement::Proposal { height, round, block, pol_round } => Some(Self::Proposal(Proposal {
                height: Height(height),
                round: Round::new(round),
                value: Value(block),
                pol_round: Round::from(pol_round),
                address,
            })),
            Statement::Prevote { height, round, block } => Some(vote(VoteType::Prevote, height, round, block)),
            Statement::Precommit { height, round, block } => Some(vote(VoteType::Precommit, height, round, block)),
        }
    }
}

/// `None` for nil.
pub(crate) fn hash_of(value: NilOrVal<Value>) -> Option<types::Hash> {
    match value {
        NilOrVal::Nil => None,
        NilOrVal::Val(value) => Some(value.0),
    }
}

/// Nil for `None`.
pub(crate) fn value_of(hash: Option<types::Hash>) -> NilOrVal<Value> {
    hash.map_or(NilOrVal::Nil, |hash| NilOrVal::Val(Value(hash)))
}
