//! Answers a wallet need not trust its node for: values with their proofs, under headers that the validators certified.
//!
//! ```text
//! chain id ─hash of→ genesis ─→ validators ─certificate→ header N+1 ─┬ state_root ─────→ value in the state after N
//!      ▲ store.rs: kept, with the newest header                      ├ receipts_root ──→ receipt of a transaction of N
//!                                                                    └ parent, tx_root → its place in block N
//! ```
//! verifier.rs: the header that answers are checked under; records.rs, queries.rs, interfaces.rs, receipts.rs: what is
//! checked.
//!
//! What is left to the node is how recent the state is: the certified header's time tells, and it is never older than
//! what was seen before.
mod interfaces;
mod provenance;
mod queries;
mod receipts;
mod records;
mod store;
mod verifier;

pub use provenance::{Provenance, Word};
pub use receipts::{ProvenReceipt, check_receipt};
pub use store::{StoreError, TrustStore};
pub use verifier::{FirstUse, STALE_AFTER, Verification};
pub(crate) use verifier::{Verifier, chain_of};

use crate::rpc_types::{HandoverView, HeaderView};
use crate::types::block::BadCertificate;
use crate::types::{
    Certificate, DecodeError, Genesis, Hash, Header, Height, ModuleName, Timestamp, ValidatorSet, decode, limits,
};
use countersign_state::{Proof, ProofError};

/// Bytes of an encoded header: ten hashes and some numbers.
pub(crate) const HEADER_BYTES_MAX: usize = 1024;
/// Bytes of an encoded certificate: a key and a signature of each validator.
pub(crate) const CERTIFICATE_BYTES_MAX: usize = limits::VALIDATORS_MAX * 96 + 128;
/// Bytes of an encoded set of validators.
pub(crate) const VALIDATORS_BYTES_MAX: usize = limits::VALIDATORS_MAX * 40 + 8;

/// Why an answer is not believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// Nothing says which chain to believe.
    #[error("nothing can be proven without a chain that is trusted")]
    NothingTrusted,
    /// The node is on another chain.
    #[error(
        "the node is on chain {found}, trusted is {trusted}: name a node of that chain with --node; to use the other \
         chain, compare its id with what its operators publish and name it with --chain or `network trust`"
    )]
    ForeignChain {
        /// The node's.
        found: Hash,
        /// The one trusted.
        trusted: Hash,
    },
    /// The genesis is not the one whose hash is the chain's id.
    #[error("the node's genesis is that of chain {found}, not of {wanted}")]
    OtherGenesis {
        /// Hash of what the node sent.
        found: Hash,
        /// The chain trusted.
        wanted: Hash,
    },
    /// Bytes that are not what they should be.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The header is of another chain or height.
    #[error("the node sent a header of another chain or height than was asked for")]
    OtherHeader,
    /// There is no certificate.
    #[error("the node sent no certificate for the header of height {height}")]
    NoCertificate {
        /// The header's height.
        height: u64,
    },
    /// The validators named by the header are not those trusted, and no certified change leads to them.
    #[error("the header of height {height} is certified by validators that no certified change leads to")]
    OtherValidators {
        /// The header's height.
        height: u64,
    },
    /// The certificate does not vouch for the header.
    #[error(transparent)]
    Certificate(#[from] BadCertificate),
    /// The node's state is older than one that was verified before.
    #[error(
        "the node's newest block is {found}, but block {seen} was verified before: the node lags far behind or keeps \
         blocks back; ask another one. A development chain that was made anew is begun again with `network forget`"
    )]
    OlderThanSeen {
        /// The newest height verified before.
        seen: u64,
        /// The node's newest.
        found: u64,
    },
    /// Two headers of one height are certified: more than a third of the validators lie.
    #[error("there are two certified headers of height {height}: the chain has split; tell its operators")]
    Split {
        /// The height.
        height: u64,
    },
    /// The proof does not show the value.
    #[error(transparent)]
    Proof(#[from] ProofError),
    /// The node no longer has what a proof is made from, however recent.
    #[error("the node drops its states before a value can be proven; try again, or ask another node")]
    NoProof,
    /// There is no certified state yet.
    #[error("the chain has no certified state yet: its first blocks are still to come")]
    TooYoung,
    /// The validators changed more often than is followed.
    #[error("the validators changed more often than is followed for one answer")]
    TooManyChanges,
    /// The receipt told is not the one that is proven.
    #[error("the node told another receipt than the one it can prove")]
    OtherReceipt,
    /// The receipt is that of something else, or of a try that did not count.
    #[error("the node proves a receipt that is not the transaction's final one")]
    NotItsReceipt,
    /// The receipt is not among those of the block.
    #[error("the receipt is not among those that the header of height {height} certifies")]
    ReceiptProof {
        /// Height of the header.
        height: u64,
    },
    /// The transaction is not where it is said to stand.
    #[error("the transaction does not stand in block {height} where the node says")]
    TransactionProof {
        /// Height of the block.
        height: u64,
    },
    /// A contract's code has no interface of its module.
    #[error("the code of `{module}` on the ledger declares no interface of it")]
    NoInterface {
        /// The module.
        module: ModuleName,
    },
}

impl VerifyError {
    /// A stable word for programs.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::NothingTrusted => "nothing_trusted",
            Self::ForeignChain { .. } => "foreign_chain",
            Self::OtherGenesis { .. } => "other_genesis",
            Self::Decode(_) => "malformed",
            Self::OtherHeader => "other_header",
            Self::NoCertificate { .. } => "no_certificate",
            Self::OtherValidators { .. } => "other_validators",
            Self::Certificate(_) => "bad_certificate",
            Self::OlderThanSeen { .. } => "older_than_seen",
            Self::Split { .. } => "split",
            Self::Proof(_) => "bad_proof",
            Self::NoProof => "no_proof",
            Self::TooYoung => "too_young",
            Self::TooManyChanges => "too_many_changes",
            Self::OtherReceipt => "other_receipt",
            Self::NotItsReceipt => "not_its_receipt",
            Self::ReceiptProof { .. } => "bad_receipt_proof",
            Self::TransactionProof { .. } => "bad_transaction_proof",
            Self::NoInterface { .. } => "no_interface",
        }
    }
}

/// A certified header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mark {
    /// Its height.
    pub height: Height,
    /// Its time.
    pub time: Timestamp,
    /// Its hash.
    pub hash: Hash,
}

/// The validators trusted from a height on. Begins with those of the genesis, follows certified changes, and never goes
/// back behind what it has seen.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Trust {
    chain: Hash,
    title: String,
    validators: ValidatorSet,
    since: Height,
    newest: Option<Mark>,
}

/// A value of the state that the validators vouch for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Verified<T> {
    /// The value; `None` if the state has none.
    pub value: Option<T>,
    /// Height of the header that certifies it.
    pub height: Height,
    /// Time of that header: how recent the answer is.
    pub time: Timestamp,
}

impl Trust {
    /// Trusts the validators of the genesis whose hash is `chain`.
    ///
    /// # Errors
    /// [`VerifyError::OtherGenesis`] or [`VerifyError::Decode`].
    pub fn from_genesis(chain: Hash, genesis: &[u8]) -> Result<Self, VerifyError> {
        let genesis: Genesis = decode("genesis", genesis, limits::GENESIS_BYTES_MAX)?;
        let found = genesis.chain();
        if found != chain {
            return Err(VerifyError::OtherGenesis { found, wanted: chain });
        }
        let title = genesis.title.to_string();
        Ok(Self { chain, title, validators: genesis.validators, since: Height::new(1), newest: None })
    }

    /// The chain trusted.
    pub fn chain(&self) -> Hash {
        self.chain
    }

    /// What its genesis calls it.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Who certifies blocks from [`Self::since`] on, until a certified change says otherwise.
    pub fn validators(&self) -> &ValidatorSet {
        &self.validators
    }

    /// The first block they certify.
    pub fn since(&self) -> Height {
        self.since
    }

    /// The newest header that was verified.
    pub fn newest(&self) -> Option<Mark> {
        self.newest
    }

    /// Checks that the trusted validators certified this header.
    ///
    /// # Errors
    /// [`VerifyError`]; [`VerifyError::OtherValidators`] if the header names others, to whom a change may lead.
    pub fn check(&self, height: u64, view: &HeaderView) -> Result<Header, VerifyError> {
        let header = self.named(height, &view.header.0)?;
        let certificate = view.certificate.as_ref().ok_or(VerifyError::NoCertificate { height })?;
        self.certified(&header, &certificate.0)?;
        Ok(header)
    }

    /// The header, which is of this chain and height. Nothing else is checked.
    fn named(&self, height: u64, header: &[u8]) -> Result<Header, VerifyError> {
        let header: Header = decode("header", header, HEADER_BYTES_MAX)?;
        if header.chain == self.chain && header.height.get() == height {
            Ok(header)
        } else {
            Err(VerifyError::OtherHeader)
        }
    }

    fn certified(&self, header: &Header, certificate: &[u8]) -> Result<(), VerifyError> {
        if header.validators_hash != self.validators.hash() {
            return Err(VerifyError::OtherValidators { height: header.height.get() });
        }
        let certificate: Certificate = decode("certificate", certificate, CERTIFICATE_BYTES_MAX)?;
        Ok(certificate.verify(header, &self.validators)?)
    }

    /// Follows a change of the validators: those trusted certify the header that names the next ones.
    ///
    /// # Errors
    /// [`VerifyError`]; the trust is unchanged.
    pub fn follow(&mut self, change: &HandoverView) -> Result<(), VerifyError> {
        let header = self.named(change.height, &change.header.0)?;
        if header.height < self.since {
            return Err(VerifyError::OtherHeader);
        }
        self.certified(&header, &change.certificate.0)?;
        let next: ValidatorSet = decode("validators", &change.next.0, VALIDATORS_BYTES_MAX)?;
        if next.hash() != header.next_validators_hash || !next.is_well_formed() {
            return Err(VerifyError::OtherValidators { height: change.height.saturating_add(1) });
        }
        self.validators = next;
        self.since = header.height.next();
        Ok(())
    }

    /// Notes a header that was checked.
    ///
    /// # Errors
    /// [`VerifyError::Split`] if another one of the same height was seen.
    pub fn note(&mut self, header: &Header) -> Result<(), VerifyError> {
        let mark = Mark { height: header.height, time: header.time, hash: header.hash() };
        match self.newest {
            Some(newest) if newest.height > mark.height => {}
            Some(newest) if newest.height == mark.height && newest.hash != mark.hash => {
                return Err(VerifyError::Split { height: mark.height.get() });
            }
            _ => self.newest = Some(mark),
        }
        Ok(())
    }
}

/// Checks a proof: the state with `root` holds `value` under `key`.
///
/// # Errors
/// [`VerifyError::Decode`] or [`VerifyError::Proof`].
pub fn check_proof(root: &Hash, key: &[u8], value: Option<&[u8]>, proof: &[u8]) -> Result<(), VerifyError> {
    let proof: Proof = decode("proof", proof, Proof::BYTES_MAX)?;
    Ok(proof.verify(root, key, value)?)
}

#[cfg(test)]
mod tests;
