//! Documents: typed statements signed off-chain and shown to a contract later, such as a rebate's event description.
use crate::bounded::{BoundedText, BoundedVec};
use crate::hash::Hash;
use crate::id::AccountId;
use crate::limits;
use crate::quantity::Timestamp;
use crate::signature::PartySignature;
use alloc::vec::Vec;
use parity_scale_codec::{Decode, Encode};

/// What a document is: `<module>/<type>`, such as `rebate/EventDescription`, the type being declared in the module's interface.
pub type DocumentKind = BoundedText<96>;

/// What is signed. The body is the encoding of the declared type.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Document {
    /// The chain on which it counts.
    pub chain: Hash,
    /// What the body is.
    pub kind: DocumentKind,
    /// Who must sign, in the order of the kind's roles; the same account twice is refused.
    pub parties: BoundedVec<AccountId, { limits::PARTIES_MAX }>,
    /// The encoded statement.
    pub body: BoundedVec<u8, { limits::DOCUMENT_BYTES_MAX }>,
    /// After this time no contract accepts it.
    pub expires_at: Timestamp,
}

/// Domain of signatures on documents.
pub const SIGNING: &str = "sign-document";

impl Document {
    /// The document's hash, shown as `csd1…`.
    pub fn hash(&self) -> Hash {
        Hash::of_encoded("document", self)
    }

    /// The parties, sorted, as signatures index them.
    pub fn signers(&self) -> Vec<AccountId> {
        let mut signers = self.parties.to_vec();
        signers.sort_unstable();
        signers.dedup();
        signers
    }
}

/// A document with signatures of which nothing is known yet.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct SignedDocument {
    /// What is signed.
    pub document: Document,
    /// Sorted by account index, then key, without duplicates.
    pub signatures: BoundedVec<PartySignature, { limits::SIGNATURES_MAX }>,
}

#[cfg(feature = "std")]
impl SignedDocument {
    /// What the signatures sign, if they are in order and every party has one.
    pub fn signed_message(&self) -> Option<[u8; 32]> {
        let signers = self.document.signers();
        let is_whole = signers.len() == self.document.parties.len()
            && crate::transaction::check_signatures(&self.signatures, signers.len()).is_ok()
            && (0..signers.len()).all(|i| self.signatures.iter().any(|s| usize::from(s.account) == i));
        is_whole.then(|| crate::transaction::signing_bytes(SIGNING, &self.document.chain, &self.document.hash()))
    }

    /// True if the signatures are in order and all valid for the keys they name, and every party has one. Whether the keys may
    /// sign for the parties is state: the caller looks up the authorities.
    pub fn verify_signatures(&self) -> bool {
        let is_valid =
            |message: &[u8]| self.signatures.iter().all(|s| crate::signature::verify(&s.key, message, &s.signature));
        self.signed_message().is_some_and(|message| is_valid(&message))
    }
}
