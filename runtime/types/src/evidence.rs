//! What validators sign, and the proof that one of them contradicted itself.
use crate::block;
use crate::hash::{Hash, Hasher};
use crate::id::PublicKey;
use crate::quantity::Height;
#[cfg(feature = "std")]
use crate::signature;
use crate::signature::Signature;
use parity_scale_codec::{Decode, Encode};

/// One step of a validator in a round.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Encode, Decode)]
pub enum Statement {
    /// "These are the bytes of the block for this round": goes with the bytes, so that nobody else can fill a round.
    Offer {
        /// Height of the block.
        height: Height,
        /// The round it is offered in.
        round: u32,
        /// Its header's hash.
        block: Hash,
    },
    /// "I propose this block."
    Proposal {
        /// Height of the block.
        height: Height,
        /// The round it is proposed in.
        round: u32,
        /// Its header's hash.
        block: Hash,
        /// The earlier round in which two thirds voted for it, if any.
        pol_round: Option<u32>,
    },
    /// "This block is good", or with `None` "I saw no good one in time".
    Prevote {
        /// Height voted on.
        height: Height,
        /// The round voted in.
        round: u32,
        /// The header's hash.
        block: Option<Hash>,
    },
    /// "I commit to this block", or with `None` "to none in this round".
    Precommit {
        /// Height voted on.
        height: Height,
        /// The round voted in.
        round: u32,
        /// The header's hash.
        block: Option<Hash>,
    },
}

impl Statement {
    /// What kind of step it is.
    pub fn step(&self) -> Step {
        match self {
            Self::Offer { .. } => Step::Offer,
            Self::Proposal { .. } => Step::Proposal,
            Self::Prevote { .. } => Step::Prevote,
            Self::Precommit { .. } => Step::Precommit,
        }
    }

    /// The height it is about.
    pub fn height(&self) -> Height {
        match *self {
            Self::Offer { height, .. }
            | Self::Proposal { height, .. }
            | Self::Prevote { height, .. }
            | Self::Precommit { height, .. } => height,
        }
    }

    /// The round it is made in.
    pub fn round(&self) -> u32 {
        match *self {
            Self::Offer { round, .. }
            | Self::Proposal { round, .. }
            | Self::Prevote { round, .. }
            | Self::Precommit { round, .. } => round,
        }
    }

    /// The 32 bytes that are signed. A precommit to a block signs what a certificate shows
    /// ([`crate::block::precommit_bytes`]); every other step has a domain of its own.
    pub fn message(&self, chain: &Hash) -> [u8; 32] {
        let domain = match self {
            Self::Precommit { height, round, block: Some(hash) } => {
                return block::precommit_bytes(chain, *height, *round, hash);
            }
            Self::Offer { .. } => "block-offer",
            Self::Proposal { .. } => "block-proposal",
            Self::Prevote { .. } => "prevote",
            Self::Precommit { block: None, .. } => "precommit-nil",
        };
        let mut hasher = Hasher::new(domain);
        hasher.update(&chain.0);
        self.using_encoded(|bytes| hasher.update(bytes));
        hasher.finish().0
    }
}

/// A statement with the signature of the validator that made it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub struct SignedStatement {
    /// The validator.
    pub validator: PublicKey,
    /// What it says.
    pub statement: Statement,
    /// Over [`Statement::message`].
    pub signature: Signature,
}

#[cfg(feature = "std")]
impl SignedStatement {
    /// True if the validator signed it on that chain.
    pub fn is_valid(&self, chain: &Hash) -> bool {
        signature::verify(&self.validator, &self.statement.message(chain), &self.signature)
    }
}

/// The kind of step a statement is of.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Encode, Decode)]
pub enum Step {
    /// [`Statement::Offer`].
    Offer,
    /// [`Statement::Proposal`].
    Proposal,
    /// [`Statement::Prevote`].
    Prevote,
    /// [`Statement::Precommit`].
    Precommit,
}

/// Two statements of one validator of which an honest one makes at most one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Evidence {
    /// The one seen first.
    pub first: SignedStatement,
    /// The one that contradicts it.
    pub second: SignedStatement,
}

impl Evidence {
    /// The validator that contradicted itself.
    pub fn validator(&self) -> PublicKey {
        self.first.validator
    }

    /// Where.
    pub fn height(&self) -> Height {
        self.first.statement.height()
    }

    /// What kind of step both are of.
    pub fn step(&self) -> Step {
        self.first.statement.step()
    }

    /// The round of both.
    pub fn round(&self) -> u32 {
        self.first.statement.round()
    }

    /// True if it proves what it claims: the same validator, kind of step, height and round; different content; both signed.
    #[cfg(feature = "std")]
    pub fn is_valid(&self, chain: &Hash) -> bool {
        let (first, second) = (&self.first, &self.second);
        first.validator == second.validator
            && first.statement.step() == second.statement.step()
            && first.statement.height() == second.statement.height()
            && first.statement.round() == second.statement.round()
            && first.statement != second.statement
            && first.is_valid(chain)
            && second.is_valid(chain)
    }
}

/// Evidence as the ledger keeps it, for the council to judge.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub struct RecordedEvidence {
    /// What proves the contradiction; anybody can check it ([`Evidence::is_valid`]).
    pub evidence: Evidence,
    /// Height of the block that brought it.
    pub recorded_at: Height,
}

/// What evidence is about, once: a validator that contradicts itself a hundred times in a step has done so once.
impl Evidence {
    /// The key under which the ledger records it ([`crate::state_key::evidence`]).
    pub fn state_key(&self) -> alloc::vec::Vec<u8> {
        crate::state_key::evidence(&self.validator(), self.height(), self.round(), self.step())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    const CHAIN: Hash = Hash([9; 32]);

    fn signed(secret: &[u8; 32], statement: Statement) -> SignedStatement {
        let signature = signature::sign(secret, &statement.message(&CHAIN));
        SignedStatement { validator: signature::public_key(secret), statement, signature }
    }

    fn prevote(round: u32, block: Option<Hash>) -> Statement {
        Statement::Prevote { height: Height::new(3), round, block }
    }

    #[test]
    fn no_two_statements_sign_the_same_bytes() {
        let (height, hash) = (Height::new(3), Hash([1; 32]));
        let statements = [
            Statement::Offer { height, round: 0, block: hash },
            Statement::Proposal { height, round: 0, block: hash, pol_round: None },
            Statement::Proposal { height, round: 1, block: hash, pol_round: Some(0) },
            prevote(0, Some(hash)),
            prevote(0, None),
            Statement::Precommit { height, round: 0, block: Some(hash) },
            Statement::Precommit { height, round: 0, block: None },
        ];
        let mut messages: Vec<_> =
            [CHAIN, Hash([8; 32])].iter().flat_map(|chain| statements.iter().map(|s| s.message(chain))).collect();
        messages.sort();
        messages.dedup();
        assert_eq!(messages.len(), 2 * statements.len());
    }

    #[test]
    fn a_precommit_signs_what_a_certificate_shows() {
        let (height, hash) = (Height::new(3), Hash([1; 32]));
        let statement = Statement::Precommit { height, round: 2, block: Some(hash) };
        assert_eq!(statement.message(&CHAIN), block::precommit_bytes(&CHAIN, height, 2, &hash));
    }

    #[test]
    fn evidence_needs_two_signed_contradicting_statements() {
        let (secret, other) = ([1; 32], [2; 32]);
        let first = signed(&secret, prevote(0, Some(Hash([1; 32]))));
        let second = signed(&secret, prevote(0, None));
        assert!(Evidence { first, second }.is_valid(&CHAIN));
        assert!(!Evidence { first, second }.is_valid(&Hash([8; 32])));
        assert!(!Evidence { first, second: first }.is_valid(&CHAIN));
        assert!(!Evidence { first, second: signed(&secret, prevote(1, None)) }.is_valid(&CHAIN));
        assert!(!Evidence { first, second: signed(&other, prevote(0, None)) }.is_valid(&CHAIN));
        let forged = SignedStatement { validator: first.validator, ..signed(&other, prevote(0, None)) };
        assert!(!Evidence { first, second: forged }.is_valid(&CHAIN));
    }
}
