//! Letters into envelopes and out of them: signed, padded, and sealed to the receiver's key by HPKE (RFC 9180, base
//! mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20-Poly1305). The seal binds everything relays see.
//!
//! ```text
//! Letter ─sign→ SignedLetter ─encode, pad→ bytes ─HPKE, aad = the envelope's other fields→ Envelope
//! Envelope ─right receiver, chain, key?→ HPKE ─padded by the rule?→ decode ─same receiver, chain, time? signed?→ OpenedLetter
//! ```
//! HPKE's sender is anonymous; who wrote is in the letter's signature, which relays do not see.
use super::encryption::{Encapsulation, EncryptionKey};
use super::letter::{Letter, SignedLetter};
use super::limits::{CLOCK_AHEAD_MS_MAX, LETTER_BYTES_MAX, PADDED_BYTES_MIN};
use super::store::Reason;
use crate::rpc_types::relay::{Envelope, EnvelopeError, MESSAGE_LIFE_MS_MAX, SEALED_BYTES_MAX};
use crate::signer::{Signer, SignerError};
use crate::types::{AccountId, DecodeError, Hash, PublicKey, Timestamp, decode};
use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::{Deserializable, Kem, OpModeR, OpModeS, Serializable, single_shot_open, single_shot_seal};
use parity_scale_codec::Encode;
use zeroize::Zeroizing;

/// HPKE's `info`: what these seals are for, and their version.
const INFO: &[u8] = b"countersign/message/1";
/// Bytes of HPKE's encapsulated key, which stands before the ciphertext.
const ENCAPSULATED_BYTES: usize = 32;
/// Bytes of ChaCha20-Poly1305's tag, which ends it.
const TAG_BYTES: usize = 16;
/// Begins the padding (ISO/IEC 7816-4): zeroes follow to the end.
const PADDING_BEGINS: u8 = 0x80;

/// A letter out of its envelope: it was sealed to this wallet's key, and the key in it has signed it for this receiver.
/// Whether that key is one of the sender's account is not yet known: [`super::Correspondent::check_wrote`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OpenedLetter {
    /// The message's id.
    pub id: Hash,
    /// The letter with its signature: kept, it shows others what the sender wrote.
    pub signed: SignedLetter,
}

/// Why a letter is not sealed.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The sender's key does not sign.
    #[error(transparent)]
    Signer(#[from] SignerError),
    /// Nobody could open it.
    #[error(
        "the receiver's encryption key on the ledger is none that can be sealed to: the receiver logs in again, \
         which sets it anew"
    )]
    BadReceiverKey,
    /// Longer than an envelope holds.
    #[error("the letter has {size} bytes, an envelope holds {LETTER_BYTES_MAX}")]
    TooLong {
        /// Its bytes.
        size: usize,
    },
    /// It would live for ever or not at all.
    #[error(transparent)]
    BadLife(EnvelopeError),
}

/// Why an envelope is not opened, or its letter not believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Not an envelope.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// For another account.
    #[error("the message is for the account {to}")]
    OtherReceiver {
        /// Whose it is.
        to: AccountId,
    },
    /// Of another chain.
    #[error("the message is of chain {chain}")]
    OtherChain {
        /// Which.
        chain: Hash,
    },
    /// Too late.
    #[error("the message has expired")]
    Expired,
    /// It comes from the future.
    #[error(
        "the message claims to be sent more than {} minutes from now: compare the clocks",
        CLOCK_AHEAD_MS_MAX / 60_000
    )]
    NotYetSent,
    /// Sealed to a key this wallet does not have.
    #[error(
        "the message is sealed to another key than this wallet's: to one that the account had before, or has in \
         another wallet"
    )]
    NotForThisKey,
    /// The seal is broken.
    #[error("the message was altered on its way, or was not sealed to this wallet's key")]
    Altered,
    /// The letter's end is not where it must be.
    #[error("the message is not padded as it must be")]
    BadPadding,
    /// What was sealed is no letter.
    #[error("what was sealed is no letter")]
    NotALetter(#[source] DecodeError),
    /// The letter was written for another envelope.
    #[error(
        "the letter in the message is to somebody else, of another chain, or of another time than the message says"
    )]
    OtherLetter,
    /// Not signed by the key that it names.
    #[error("the letter in the message is not signed by the key {key}, or was signed for another receiver")]
    BadSignature {
        /// The key it names.
        key: PublicKey,
    },
}

impl Reason for OpenError {
    fn name(&self) -> &'static str {
        match self {
            Self::Envelope(_) => "not_a_message",
            Self::OtherReceiver { .. } => "other_receiver",
            Self::OtherChain { .. } => "other_chain",
            Self::Expired => "expired",
            Self::NotYetSent => "not_yet_sent",
            Self::NotForThisKey => "not_for_this_key",
            Self::Altered => "altered",
            Self::BadPadding => "bad_padding",
            Self::NotALetter(_) => "not_a_letter",
            Self::OtherLetter => "other_letter",
            Self::BadSignature { .. } => "bad_signature",
        }
    }
}

/// Bytes to which a text of `length` is padded: Padmé (Nikitin et al., "Reducing Metadata Leakage from Encrypted Files
/// and Communication with PURBs", PoPETs 2019, 3.4), at least [`PADDED_BYTES_MIN`]. Lengths of n bits keep about log2 n
/// of them, so a size tells O(log log) bits; the most that is added is a sixteenth at a kilobyte, and a thirty-second
/// at a megabyte.
pub const fn padded_length(length: usize) -> usize {
    let length = if length < PADDED_BYTES_MIN { PADDED_BYTES_MIN } else { length };
    let exponent = length.ilog2();
    let kept = exponent.ilog2() + 1;
    let mask = (1_usize << (exponent - kept)) - 1;
    (length + mask) & !mask
}

fn pad(mut bytes: Zeroizing<Vec<u8>>) -> Zeroizing<Vec<u8>> {
    let length = padded_length(bytes.len() + 1);
    // Room for all of it at once: what grows leaves copies behind.
    let mut padded = Zeroizing::new(Vec::with_capacity(length));
    padded.append(&mut bytes);
    padded.push(PADDING_BEGINS);
    padded.resize(length, 0);
    padded
}

/// The text before the padding; `None` if it is not padded by the rule.
fn unpad(padded: &[u8]) -> Option<&[u8]> {
    let end = padded.iter().rposition(|byte| *byte != 0)?;
    let by_rule = padded[end] == PADDING_BEGINS && padded.len() == padded_length(end + 1);
    by_rule.then(|| &padded[..end])
}

/// Signs a letter and seals it to the receiver's encryption key. It expires `life_ms` after it was sent, at most
/// [`MESSAGE_LIFE_MS_MAX`].
///
/// # Errors
/// [`SealError`].
pub fn seal(letter: Letter, signer: &dyn Signer, receiver_key: &[u8; 32], life_ms: u64) -> Result<Envelope, SealError> {
    let life = Some(life_ms).filter(|life| (1..=MESSAGE_LIFE_MS_MAX).contains(life));
    let expires_at = life.and_then(|life| letter.sent_at.checked_add_millis(life));
    let expires_at = expires_at.ok_or(SealError::BadLife(EnvelopeError::BadLife))?;
    let mut envelope = Envelope {
        chain: letter.chain,
        to: letter.to,
        key: *receiver_key,
        sent_at: letter.sent_at,
        expires_at,
        sealed: Default::default(),
    };
    let encoded = Zeroizing::new(letter.sign(signer, receiver_key)?.encode());
    if encoded.len() > LETTER_BYTES_MAX {
        return Err(SealError::TooLong { size: encoded.len() });
    }
    let size = encoded.len();
    let receiver =
        <Encapsulation as Kem>::PublicKey::from_bytes(receiver_key).map_err(|_| SealError::BadReceiverKey)?;
    let (encapsulated, ciphertext) = single_shot_seal::<ChaCha20Poly1305, HkdfSha256, Encapsulation>(
        &OpModeS::Base,
        &receiver,
        INFO,
        &pad(encoded),
        &envelope.associated_data(),
    )
    .map_err(|_| SealError::BadReceiverKey)?;
    let sealed = [&encapsulated.to_bytes()[..], &ciphertext].concat();
    envelope.sealed = sealed.try_into().map_err(|_| SealError::TooLong { size })?;
    Ok(envelope)
}

/// Checks that an envelope is for this account on this chain, and may be received now.
///
/// # Errors
/// [`OpenError::OtherReceiver`], [`OpenError::OtherChain`], [`OpenError::Expired`] or [`OpenError::NotYetSent`].
pub fn check_fresh(envelope: &Envelope, account: &AccountId, chain: &Hash, now: Timestamp) -> Result<(), OpenError> {
    if envelope.to != *account {
        return Err(OpenError::OtherReceiver { to: envelope.to });
    }
    if envelope.chain != *chain {
        return Err(OpenError::OtherChain { chain: envelope.chain });
    }
    if envelope.expires_at <= now {
        return Err(OpenError::Expired);
    }
    if envelope.sent_at.saturating_since(now) > CLOCK_AHEAD_MS_MAX {
        return Err(OpenError::NotYetSent);
    }
    Ok(())
}

/// Opens an envelope, whatever the time: the letter in it is of the same receiver, chain and time, and signed by the
/// key it names.
///
/// # Errors
/// [`OpenError`].
pub fn open(envelope: &Envelope, key: &EncryptionKey) -> Result<OpenedLetter, OpenError> {
    if envelope.key != key.public() {
        return Err(OpenError::NotForThisKey);
    }
    if envelope.sealed.len() < ENCAPSULATED_BYTES + TAG_BYTES {
        return Err(OpenError::Altered);
    }
    let (encapsulated, ciphertext) = envelope.sealed.split_at(ENCAPSULATED_BYTES);
    let encapsulated = <Encapsulation as Kem>::EncappedKey::from_bytes(encapsulated).map_err(|_| OpenError::Altered)?;
    let opened = single_shot_open::<ChaCha20Poly1305, HkdfSha256, Encapsulation>(
        &OpModeR::Base,
        key.secret(),
        &encapsulated,
        INFO,
        ciphertext,
        &envelope.associated_data(),
    );
    let opened = Zeroizing::new(opened.map_err(|_| OpenError::Altered)?);
    let encoded = unpad(&opened).ok_or(OpenError::BadPadding)?;
    let signed: SignedLetter = decode("letter", encoded, LETTER_BYTES_MAX).map_err(OpenError::NotALetter)?;
    let letter = &signed.letter;
    if (letter.to, letter.chain, letter.sent_at) != (envelope.to, envelope.chain, envelope.sent_at) {
        return Err(OpenError::OtherLetter);
    }
    if !signed.is_signed_for(&envelope.key) {
        return Err(OpenError::BadSignature { key: signed.key });
    }
    Ok(OpenedLetter { id: envelope.id(), signed })
}

// The largest letter, padded and sealed, is an envelope's.
const _: () = assert!(ENCAPSULATED_BYTES + padded_length(LETTER_BYTES_MAX + 1) + TAG_BYTES <= SEALED_BYTES_MAX);

#[cfg(test)]
mod tests;
