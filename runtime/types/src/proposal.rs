//! Proposals: a transaction or document that is still collecting signatures. Merging two is commutative and idempotent.
use crate::bounded::BoundedVec;
use crate::document::{self, Document, SignedDocument};
use crate::hash::Hash;
use crate::id::{AccountId, PublicKey};
use crate::limits;
use crate::signature::{PartySignature, sign, verify};
use crate::transaction::{self, SignedTransaction, Transaction, signing_bytes};
use parity_scale_codec::{Decode, Encode};
use std::vec::Vec;

/// What is being signed.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub enum Subject {
    /// A transaction.
    #[codec(index = 0)]
    Transaction(Transaction),
    /// A document.
    #[codec(index = 1)]
    Document(Document),
}

/// A subject with the signatures so far. Every signature in it is valid; [`Proposal::from_bytes`] checks them.
#[derive(Clone, PartialEq, Eq, Debug, Encode)]
pub struct Proposal {
    subject: Subject,
    signatures: BoundedVec<PartySignature, { limits::SIGNATURES_MAX }>,
}

/// Why a proposal or a signature is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProposalError {
    /// The bytes are not a proposal.
    #[error(transparent)]
    Decode(#[from] crate::DecodeError),
    /// The account is no party.
    #[error("{account} is no party of this proposal")]
    NotAParty {
        /// The account.
        account: AccountId,
    },
    /// Two proposals of different subjects cannot be merged.
    #[error("the proposals are about different things: {left} and {right}")]
    DifferentSubjects {
        /// Id of one.
        left: Hash,
        /// Id of the other.
        right: Hash,
    },
    /// A signature does not verify.
    #[error("the signature with key {key} is not valid for this proposal")]
    BadSignature {
        /// The key.
        key: PublicKey,
    },
    /// The file or code begins with another mark.
    #[error("this is not a countersign proposal of version 1")]
    NotAProposal,
    /// More signatures than a transaction holds.
    #[error("a proposal holds at most {} signatures", limits::SIGNATURES_MAX)]
    TooManySignatures,
}

/// First bytes of a proposal file (`.csp`): mark and version.
const MARK: &[u8; 4] = b"CSP\x01";

impl Subject {
    /// The transaction's or document's hash.
    pub fn id(&self) -> Hash {
        match self {
            Self::Transaction(transaction) => transaction.id().0,
            Self::Document(document) => document.hash(),
        }
    }

    /// Who must sign, sorted.
    pub fn signers(&self) -> Vec<AccountId> {
        match self {
            Self::Transaction(transaction) => transaction.signers(),
            Self::Document(document) => document.signers(),
        }
    }

    /// The 32 bytes a party signs.
    pub fn signing_bytes(&self) -> [u8; 32] {
        match self {
            Self::Transaction(t) => signing_bytes(transaction::SIGNING, &t.chain, &self.id()),
            Self::Document(d) => signing_bytes(document::SIGNING, &d.chain, &self.id()),
        }
    }
}

impl Proposal {
    /// A proposal nobody has signed.
    pub fn new(subject: Subject) -> Self {
        Self { subject, signatures: BoundedVec::empty() }
    }

    /// What is being signed.
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    /// The signatures so far, sorted.
    pub fn signatures(&self) -> &[PartySignature] {
        &self.signatures
    }

    /// The parties with no signature yet, sorted.
    pub fn missing(&self) -> Vec<AccountId> {
        let signers = self.subject.signers();
        let signed = |i: usize| self.signatures.iter().any(|s| usize::from(s.account) == i);
        signers.iter().enumerate().filter(|(i, _)| !signed(*i)).map(|(_, account)| *account).collect()
    }

    /// Signs for `account` with the 32-byte secret. Signing twice changes nothing.
    ///
    /// # Errors
    /// [`ProposalError::NotAParty`] or [`ProposalError::TooManySignatures`].
    pub fn sign(&mut self, account: &AccountId, secret: &[u8; 32]) -> Result<(), ProposalError> {
        let signature = sign(secret, &self.subject.signing_bytes());
        self.add(account, crate::signature::public_key(secret), signature)
    }

    /// Adds a signature made elsewhere.
    ///
    /// # Errors
    /// [`ProposalError::NotAParty`], [`ProposalError::BadSignature`] or [`ProposalError::TooManySignatures`].
    pub fn add(
        &mut self,
        account: &AccountId,
        key: PublicKey,
        signature: crate::Signature,
    ) -> Result<(), ProposalError> {
        let index = self
            .subject
            .signers()
            .binary_search(account)
            .map_err(|_| ProposalError::NotAParty { account: *account })?;
        if !verify(&key, &self.subject.signing_bytes(), &signature) {
            return Err(ProposalError::BadSignature { key });
        }
        let account = u16::try_from(index).expect("16 calls of 64 parties are fewer than 2^16");
        self.insert(PartySignature { account, key, signature })
    }

    /// Keeps one signature per account and key: the smaller one, so that merging does not depend on the order.
    fn insert(&mut self, new: PartySignature) -> Result<(), ProposalError> {
        let found = self.signatures.binary_search_by_key(&(new.account, new.key), |s| (s.account, s.key));
        if found.is_err() && self.signatures.len() == limits::SIGNATURES_MAX {
            return Err(ProposalError::TooManySignatures);
        }
        let mut signatures = core::mem::take(&mut self.signatures).into_inner();
        match found {
            Ok(at) => signatures[at] = signatures[at].min(new),
            Err(at) => signatures.insert(at, new),
        }
        self.signatures = signatures.try_into().expect("there was room for one more");
        Ok(())
    }

    /// Takes over the signatures of `other`.
    ///
    /// # Errors
    /// [`ProposalError::DifferentSubjects`] or [`ProposalError::TooManySignatures`]; it is unchanged.
    pub fn merge(&mut self, other: &Self) -> Result<(), ProposalError> {
        if self.subject != other.subject {
            return Err(ProposalError::DifferentSubjects { left: self.subject.id(), right: other.subject.id() });
        }
        let before = self.signatures.clone();
        let merged = other.signatures.iter().try_for_each(|signature| self.insert(*signature));
        if merged.is_err() {
            self.signatures = before;
        }
        merged
    }

    /// The transaction with its signatures, complete or not; `None` for a document.
    pub fn to_transaction(&self) -> Option<SignedTransaction> {
        match &self.subject {
            Subject::Transaction(transaction) => {
                Some(SignedTransaction { transaction: transaction.clone(), signatures: self.signatures.clone() })
            }
            Subject::Document(_) => None,
        }
    }

    /// The document with its signatures, complete or not; `None` for a transaction.
    pub fn to_document(&self) -> Option<SignedDocument> {
        match &self.subject {
            Subject::Document(document) => {
                Some(SignedDocument { document: document.clone(), signatures: self.signatures.clone() })
            }
            Subject::Transaction(_) => None,
        }
    }

    /// The content of a `.csp` file.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = MARK.to_vec();
        self.encode_to(&mut bytes);
        bytes
    }

    /// Reads a `.csp` file and verifies every signature in it.
    ///
    /// # Errors
    /// [`ProposalError`] if it is no proposal or a signature is foreign or not valid.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ProposalError> {
        let body = bytes.strip_prefix(MARK).ok_or(ProposalError::NotAProposal)?;
        type Parts = (Subject, BoundedVec<PartySignature, { limits::SIGNATURES_MAX }>);
        let (subject, signatures): Parts = crate::decode("proposal", body, limits::PROPOSAL_BYTES_MAX)?;
        let signers = subject.signers();
        let mut proposal = Self::new(subject);
        for s in &signatures {
            let account = signers.get(usize::from(s.account)).ok_or(ProposalError::BadSignature { key: s.key })?;
            proposal.add(account, s.key, s.signature)?;
        }
        Ok(proposal)
    }
}
