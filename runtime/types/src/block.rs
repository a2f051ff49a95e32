//! Blocks, their headers, and the certificates by which validators vouch for them.
use crate::bounded::BoundedVec;
use crate::evidence::Evidence;
use crate::hash::{Hash, Hasher};
use crate::id::PublicKey;
use crate::limits;
use crate::quantity::{Height, Timestamp};
use crate::signature::Signature;
use crate::transaction::SignedTransaction;
use alloc::vec::Vec;
use parity_scale_codec::{Decode, Encode};

/// What validators vote on, by its hash. Everything a proof needs hangs from it.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Header {
    /// The chain's id.
    pub chain: Hash,
    /// Number of the block.
    pub height: Height,
    /// Hash of the header before; for block 1 that of the genesis header.
    pub parent: Hash,
    /// Later than the parent's.
    pub time: Timestamp,
    /// The validator that made the block.
    pub proposer: PublicKey,
    /// Root of the transactions' ids-with-signatures ([`transactions_root`]).
    pub tx_root: Hash,
    /// Hash of the evidence the block carries ([`evidence_hash`]).
    pub evidence_hash: Hash,
    /// Root of the state after the parent block.
    pub state_root: Hash,
    /// Root of the receipts of the parent block.
    pub receipts_root: Hash,
    /// Hash of the validators who certify this block.
    pub validators_hash: Hash,
    /// Hash of the validators who certify the next one.
    pub next_validators_hash: Hash,
    /// Hash of the chain's parameters after the parent block.
    pub params_hash: Hash,
}

impl Header {
    /// The block's hash, shown as `csb1…`.
    pub fn hash(&self) -> Hash {
        Hash::of_encoded("header", self)
    }
}

/// A header, the evidence and the transactions it orders.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Block {
    /// What is voted on.
    pub header: Header,
    /// Validators caught contradicting themselves, sorted by [`Evidence::state_key`] without duplicates; not on the
    /// ledger before.
    pub evidence: BoundedVec<Evidence, { limits::EVIDENCE_MAX }>,
    /// In the order they run.
    pub transactions: BoundedVec<SignedTransaction, { limits::BLOCK_TRANSACTIONS_MAX }>,
}

impl Block {
    /// Decodes a block, refusing more than [`limits::BLOCK_BYTES_MAX`] bytes.
    ///
    /// # Errors
    /// [`crate::DecodeError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, crate::DecodeError> {
        crate::decode("block", bytes, limits::BLOCK_BYTES_MAX)
    }
}

/// Root over the transactions with their signatures, so that a block's bytes are bound by its header.
pub fn transactions_root(transactions: &[SignedTransaction]) -> Hash {
    crate::merkle::root(&transaction_leaves(transactions))
}

/// The leaves under a header's `tx_root`.
pub fn transaction_leaves(transactions: &[SignedTransaction]) -> Vec<Hash> {
    transactions.iter().map(transaction_leaf).collect()
}

/// The leaf of a transaction with its signatures.
pub fn transaction_leaf(transaction: &SignedTransaction) -> Hash {
    Hash::of_encoded("signed-transaction", transaction)
}

/// Hash of a block's evidence, so that it is bound by the header.
pub fn evidence_hash(evidence: &[Evidence]) -> Hash {
    let mut hasher = Hasher::new("evidence");
    evidence.iter().for_each(|one| {
        one.using_encoded(|bytes| {
            hasher.update(bytes);
        })
    });
    hasher.finish()
}

/// One that votes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Encode, Decode)]
pub struct Validator {
    /// Key of its votes.
    pub key: PublicKey,
    /// Weight of its votes; at least 1.
    pub power: u64,
}

/// When a validator last made a block, as the ledger remembers it. It is not renewed at every block, so that an idle chain's
/// state rests.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode)]
pub struct LastProposal {
    /// Height of the block; 0 for a validator of the genesis that has made none.
    pub height: Height,
    /// Blocks with work in them ([`crate::state_key::working_blocks`]) until then, itself among them.
    pub working_blocks: u64,
}

/// The validators of a height: sorted by key, without duplicates, at least one.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct ValidatorSet(pub BoundedVec<Validator, { limits::VALIDATORS_MAX }>);

impl ValidatorSet {
    /// What a header names.
    pub fn hash(&self) -> Hash {
        Hash::of_encoded("validators", self)
    }

    /// The sum of all powers.
    ///
    /// # Panics
    /// If the sum exceeds u64: the ledger admits no such set.
    pub fn total_power(&self) -> u64 {
        self.0.iter().try_fold(0_u64, |sum, v| sum.checked_add(v.power)).expect("checked when the set was made")
    }

    /// True if the set is sorted by key, without duplicates, not empty, each power 1 to 2^32.
    pub fn is_well_formed(&self) -> bool {
        !self.0.is_empty()
            && self.0.windows(2).all(|pair| pair[0].key < pair[1].key)
            && self.0.iter().all(|v| (1..=1 << 32).contains(&v.power))
    }
}

/// The precommit signatures that decided a header: more than 2/3 of the power.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Certificate {
    /// Height decided.
    pub height: Height,
    /// Round in which it was decided.
    pub round: u32,
    /// Hash of the decided header.
    pub block: Hash,
    /// Sorted by key, without duplicates.
    pub signatures: BoundedVec<(PublicKey, Signature), { limits::VALIDATORS_MAX }>,
}

/// The bytes of a precommit vote: what a certificate's signatures sign. The engine's votes use the same ones.
pub fn precommit_bytes(chain: &Hash, height: Height, round: u32, block: &Hash) -> [u8; 32] {
    let mut hasher = Hasher::new("precommit");
    hasher.update(&chain.0).update(&height.get().to_le_bytes()).update(&round.to_le_bytes()).update(&block.0);
    hasher.finish().0
}

/// Why a certificate does not vouch for a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadCertificate {
    /// It is for another height or header.
    #[error("the certificate is for another block")]
    OtherBlock,
    /// Signatures out of order or twice.
    #[error("the certificate's signatures are not sorted and distinct")]
    Order,
    /// A signer is not among the validators.
    #[error("the certificate is signed by one who is no validator of that height")]
    Stranger,
    /// A signature does not verify.
    #[error("a signature of the certificate is not valid")]
    Signature,
    /// Two thirds or less.
    #[error("the certificate has power {power} of {total}, more than two thirds are needed")]
    TooFew {
        /// Power that signed.
        power: u64,
        /// Power of all validators.
        total: u64,
    },
}

#[cfg(feature = "verify")]
impl Certificate {
    /// Checks that more than two thirds of `validators` signed `header`.
    ///
    /// # Errors
    /// [`BadCertificate`] with the first reason found.
    pub fn verify(&self, header: &Header, validators: &ValidatorSet) -> Result<(), BadCertificate> {
        if self.height != header.height || self.block != header.hash() {
            return Err(BadCertificate::OtherBlock);
        }
        if self.signatures.windows(2).any(|pair| pair[0].0 >= pair[1].0) {
            return Err(BadCertificate::Order);
        }
        let message = precommit_bytes(&header.chain, self.height, self.round, &self.block);
        let mut power = 0_u64;
        for (key, signature) in &self.signatures {
            let at = validators.0.binary_search_by(|v| v.key.cmp(key)).map_err(|_| BadCertificate::Stranger)?;
            if !crate::signature::verify(key, &message, signature) {
                return Err(BadCertificate::Signature);
            }
            power = power.saturating_add(validators.0[at].power);
        }
        let total = validators.total_power();
        if u128::from(power) * 3 > u128::from(total) * 2 {
            Ok(())
        } else {
            Err(BadCertificate::TooFew { power, total })
        }
    }
}
