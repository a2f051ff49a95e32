//! What goes between a wallet and a lock, and its bytes: a version, then SCALE. Every list is bounded, and so is the whole.
use crate::limits::{
    ANSWER_BYTES_MAX, CHALLENGE_BYTES_MAX, CREDENTIAL_BYTES_MAX, HANDOVERS_MAX, NONCE_BYTES, OBJECTS_MAX,
};
use crate::lock::Bounds;
use crate::refusal::Refusal;
use crate::text;
use crate::trust::{Handover, Seal};
use alloc::string::String;
use alloc::vec::Vec;
use countersign_interface::booking::BookingRecord;
use countersign_state::Proof;
use countersign_types::transaction::signing_bytes;
use countersign_types::{
    Account, AccountId, BoundedVec, Hash, Header, Height, Signature, Text, Timestamp, decode, limits,
};
use parity_scale_codec::{Decode, DecodeAll, Encode};

/// Version of the bytes: the first of them.
const VERSION: u8 = 1;
/// Domain of signatures over challenges.
const SIGNING: &str = "sign-door-answer";

/// What the ledger says about a booking and its holder, as the validators certified it. It holds nothing secret and opens nothing.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Pass {
    /// Changes of the validators since those that the lock knows, oldest first.
    pub handovers: BoundedVec<Handover, HANDOVERS_MAX>,
    /// The header that names the root of the state.
    pub header: Header,
    /// The validators' signatures on it.
    pub seal: Seal,
    /// The booking.
    pub booking: Hash,
    /// Its record.
    pub record: BookingRecord,
    /// That the record is in the state.
    pub record_proof: Proof,
    /// The record of the booking's customer.
    pub holder: Account,
    /// That it is in the state.
    pub holder_proof: Proof,
}

/// What a lock asks of a wallet. Fresh for each guest.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Challenge {
    /// The chain whose ledger the lock believes.
    pub chain: Hash,
    /// Since which height the lock knows the validators: of later changes it has to be told.
    pub since: Height,
    /// Whose objects it is for.
    pub merchant: AccountId,
    /// The objects it opens.
    pub objects: BoundedVec<Text, OBJECTS_MAX>,
    /// How old what the ledger says may be.
    pub bounds: Bounds,
    /// Random.
    pub nonce: [u8; NONCE_BYTES],
    /// When it was made, by the lock's clock.
    pub made_at: Timestamp,
}

/// The holder's signatures over a challenge.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Answer {
    /// The challenge's.
    pub nonce: [u8; NONCE_BYTES],
    /// Signatures over [`Challenge::message`], each with its key's place in the holder's authority; in that order, none twice.
    pub signatures: BoundedVec<(u8, Signature), { limits::AUTHORITY_KEYS_MAX }>,
}

/// A door credential: a pass, and the answer that shows that its holder is there.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Credential {
    /// What the ledger says.
    pub pass: Pass,
    /// That the holder is there.
    pub answer: Answer,
}

impl Challenge {
    /// The bytes that the holder of a booking signs: they bind the chain, the booking, and all of the challenge.
    pub fn message(&self, booking: &Hash) -> [u8; 32] {
        signing_bytes(SIGNING, &self.chain, &Hash::of_encoded("door-challenge", &(booking, self)))
    }
}

fn write(value: &impl Encode) -> Vec<u8> {
    let mut bytes = alloc::vec![VERSION];
    value.encode_to(&mut bytes);
    bytes
}

fn read<T: DecodeAll>(what: &'static str, bytes: &[u8], limit: usize) -> Result<T, Refusal> {
    match bytes.split_first() {
        Some((&VERSION, rest)) => Ok(decode(what, rest, limit)?),
        Some((&found, _)) => Err(Refusal::OtherVersion { found }),
        None => Ok(decode(what, bytes, limit)?),
    }
}

macro_rules! bytes {
    ($name:ident, $what:literal, $limit:expr) => {
        impl $name {
            /// Its bytes, for NFC or a file.
            pub fn to_bytes(&self) -> Vec<u8> {
                write(self)
            }

            /// From its bytes. Allocates no more than they announce within the bounds of [`crate::limits`].
            ///
            /// # Errors
            /// [`Refusal::OtherVersion`] or [`Refusal::Format`].
            pub fn from_bytes(bytes: &[u8]) -> Result<Self, Refusal> {
                read($what, bytes, $limit)
            }
        }
    };
}
bytes!(Pass, "pass", CREDENTIAL_BYTES_MAX);
bytes!(Answer, "answer", ANSWER_BYTES_MAX);
bytes!(Credential, "door credential", CREDENTIAL_BYTES_MAX);
bytes!(Challenge, "challenge", CHALLENGE_BYTES_MAX);

impl Credential {
    /// What its text begins with: `countersign:key?`.
    pub const KIND: &'static str = "key";

    /// Its text, for a QR code.
    pub fn to_text(&self) -> String {
        text::encode(Self::KIND, &self.to_bytes())
    }

    /// From its text.
    ///
    /// # Errors
    /// [`Refusal::Text`], [`Refusal::OtherVersion`] or [`Refusal::Format`].
    pub fn from_text(text: &str) -> Result<Self, Refusal> {
        Self::from_bytes(&text::decode(Self::KIND, text, CREDENTIAL_BYTES_MAX + 1)?)
    }
}

impl Challenge {
    /// What its text begins with: `countersign:challenge?`.
    pub const KIND: &'static str = "challenge";

    /// Its text, for a QR code.
    pub fn to_text(&self) -> String {
        text::encode(Self::KIND, &self.to_bytes())
    }

    /// From its text.
    ///
    /// # Errors
    /// [`Refusal::Text`], [`Refusal::OtherVersion`] or [`Refusal::Format`].
    pub fn from_text(text: &str) -> Result<Self, Refusal> {
        Self::from_bytes(&text::decode(Self::KIND, text, CHALLENGE_BYTES_MAX + 1)?)
    }
}
