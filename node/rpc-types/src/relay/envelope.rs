//! A message on its way: what relays see of it, around what only the receiver can open.
use super::{ENVELOPE_BYTES_MAX, MESSAGE_LIFE_MS_MAX, SEALED_BYTES_MAX};
use countersign_types::{AccountId, BoundedVec, DecodeError, Hash, Timestamp, decode};
use parity_scale_codec::{Decode, Encode};

/// A sealed message. Relays see who receives it, how large it is and when; not who sent it.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Envelope {
    /// The chain on which sender and receiver have their accounts.
    pub chain: Hash,
    /// The receiver.
    pub to: AccountId,
    /// The receiver's X25519 key to which it is sealed.
    pub key: [u8; 32],
    /// When it was sealed, by the sender's clock.
    pub sent_at: Timestamp,
    /// When relays forget it; at most [`MESSAGE_LIFE_MS_MAX`] after `sent_at`.
    pub expires_at: Timestamp,
    /// HPKE's encapsulated key and the ciphertext (RFC 9180).
    pub sealed: BoundedVec<u8, SEALED_BYTES_MAX>,
}

/// Why bytes are no envelope that relays carry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// Not an envelope's bytes.
    #[error("this is not a sealed message")]
    Malformed(#[source] DecodeError),
    /// It lives for ever, or not at all.
    #[error("a message expires after it was sent, at most {} days after", MESSAGE_LIFE_MS_MAX / 86_400_000)]
    BadLife,
}

impl Envelope {
    /// Reads one, within [`ENVELOPE_BYTES_MAX`].
    ///
    /// # Errors
    /// [`EnvelopeError`].
    pub fn read(bytes: &[u8]) -> Result<Self, EnvelopeError> {
        let envelope: Self = decode("sealed message", bytes, ENVELOPE_BYTES_MAX).map_err(EnvelopeError::Malformed)?;
        let life = envelope.expires_at.millis().checked_sub(envelope.sent_at.millis());
        match life {
            Some(1..=MESSAGE_LIFE_MS_MAX) => Ok(envelope),
            _ => Err(EnvelopeError::BadLife),
        }
    }

    /// The message's id: the hash of all its bytes.
    pub fn id(&self) -> Hash {
        Self::id_of(&self.encode())
    }

    /// The id by a message's bytes, also of bytes that are no envelope.
    pub fn id_of(bytes: &[u8]) -> Hash {
        Hash::of("message", bytes)
    }

    /// What the seal binds besides the letter: everything but itself.
    pub fn associated_data(&self) -> Vec<u8> {
        (self.chain, self.to, self.key, self.sent_at, self.expires_at).encode()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn envelope(life_ms: u64) -> Envelope {
        Envelope {
            chain: Hash([1; 32]),
            to: AccountId([2; 32]),
            key: [3; 32],
            sent_at: Timestamp::from_millis(1_000),
            expires_at: Timestamp::from_millis(1_000 + life_ms),
            sealed: vec![4; 100].try_into().unwrap(),
        }
    }

    #[test]
    fn only_whole_envelopes_of_a_sensible_life_are_read() {
        let good = envelope(MESSAGE_LIFE_MS_MAX);
        assert_eq!(Envelope::read(&good.encode()).unwrap(), good);
        assert_eq!(Envelope::read(&envelope(MESSAGE_LIFE_MS_MAX + 1).encode()), Err(EnvelopeError::BadLife));
        assert_eq!(Envelope::read(&envelope(0).encode()), Err(EnvelopeError::BadLife));
        let longer = [good.encode(), vec![0]].concat();
        assert!(matches!(Envelope::read(&longer), Err(EnvelopeError::Malformed(_))));
        assert!(matches!(Envelope::read(&vec![0; ENVELOPE_BYTES_MAX + 1]), Err(EnvelopeError::Malformed(_))));
        let largest = Envelope { sealed: vec![0; SEALED_BYTES_MAX].try_into().unwrap(), ..good };
        assert!(largest.encode().len() <= ENVELOPE_BYTES_MAX);
    }

    #[test]
    fn the_bytes_of_an_envelope_are_frozen() {
        assert_eq!(
            envelope(60_000).id().to_string(),
            "c4b4d4859abfa4e3ebc1c192629464fd33997d8c98b1276b349090dae033ed5e"
        );
    }
}
