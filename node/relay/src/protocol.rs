//! What relays ask each other. Every question and answer begins with the version, by which a later one is told apart.
use crate::limits::{ANSWER_BYTES_MAX, QUESTION_BYTES_MAX};
use crate::messages::Tag;
use bytes::Bytes;
use countersign_rpc_types::relay::ENVELOPE_BYTES_MAX;
use countersign_types::{BoundedVec, DecodeError, decode};
use parity_scale_codec::{Decode, Encode};

const VERSION: u8 = 1;

/// Asked of another relay.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub(crate) enum Question {
    /// Keep this message for its receiver.
    #[codec(index = 0)]
    Deliver {
        /// The same for all messages of one sender to one receiver, so that none can fill an inbox alone.
        tag: Tag,
        /// An encoded [`countersign_rpc_types::relay::Envelope`].
        envelope: BoundedVec<u8, ENVELOPE_BYTES_MAX>,
    },
}

/// What it says.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub(crate) enum Answer {
    /// It is on disk now.
    #[codec(index = 0)]
    Stored,
    /// It was on disk before; perhaps the receiver has fetched it already.
    #[codec(index = 1)]
    Known,
    /// There is no room now.
    #[codec(index = 2)]
    Full(Full),
    /// The receiver's messages are kept by another relay.
    #[codec(index = 3)]
    NotHome,
    /// It is not taken, as the ledger and the clock are now.
    #[codec(index = 4)]
    Refused(Why),
    /// Too many questions, or the disk fails.
    #[codec(index = 5)]
    Busy,
}

/// What is full.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub(crate) enum Full {
    /// The receiver's inbox.
    #[codec(index = 0)]
    Inbox,
    /// What one sender may have of it.
    #[codec(index = 1)]
    Share,
    /// The relay.
    #[codec(index = 2)]
    Relay,
}

/// Why a message is not taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub(crate) enum Why {
    /// Whoever asks is no relay on the ledger.
    #[codec(index = 0)]
    NoRelay,
    /// The question cannot be read, or is of another version.
    #[codec(index = 1)]
    Unreadable,
    /// No envelope, or of an impossible life.
    #[codec(index = 2)]
    NoEnvelope,
    /// Of another chain.
    #[codec(index = 3)]
    OtherChain,
    /// Expired, or from the future: a clock is wrong.
    #[codec(index = 4)]
    Clock,
    /// The receiver is not on the ledger or suspended, or no relay keeps its messages.
    #[codec(index = 5)]
    Receiver,
    /// The receiver has another encryption key.
    #[codec(index = 6)]
    OtherKey,
}

/// Why bytes are no question or answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ProtocolError {
    /// Made by a newer program, or nothing of the kind.
    #[error("relays here speak version {VERSION}, not {found}")]
    Version {
        /// The first byte; 0 if there is none.
        found: u8,
    },
    /// Not what the version says.
    #[error(transparent)]
    Malformed(#[from] DecodeError),
}

fn body(bytes: &[u8]) -> Result<&[u8], ProtocolError> {
    match bytes.split_first() {
        Some((&VERSION, body)) => Ok(body),
        other => Err(ProtocolError::Version { found: other.map_or(0, |(version, _)| *version) }),
    }
}

impl Question {
    /// Its bytes.
    pub fn write(&self) -> Bytes {
        (VERSION, self).encode().into()
    }

    /// Reads one.
    ///
    /// # Errors
    /// [`ProtocolError`].
    pub fn read(bytes: &[u8]) -> Result<Self, ProtocolError> {
        Ok(decode("relay's question", body(bytes)?, QUESTION_BYTES_MAX)?)
    }
}

impl Answer {
    /// Its bytes.
    pub fn write(&self) -> Bytes {
        (VERSION, self).encode().into()
    }

    /// Reads one.
    ///
    /// # Errors
    /// [`ProtocolError`].
    pub fn read(bytes: &[u8]) -> Result<Self, ProtocolError> {
        Ok(decode("relay's answer", body(bytes)?, ANSWER_BYTES_MAX)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_types::Hash;

    fn deliver(bytes: usize) -> Question {
        Question::Deliver { tag: [7; 16], envelope: vec![5; bytes].try_into().unwrap() }
    }

    const ANSWERS: [Answer; 14] = [
        Answer::Stored,
        Answer::Known,
        Answer::Full(Full::Inbox),
        Answer::Full(Full::Share),
        Answer::Full(Full::Relay),
        Answer::NotHome,
        Answer::Refused(Why::NoRelay),
        Answer::Refused(Why::Unreadable),
        Answer::Refused(Why::NoEnvelope),
        Answer::Refused(Why::OtherChain),
        Answer::Refused(Why::Clock),
        Answer::Refused(Why::Receiver),
        Answer::Refused(Why::OtherKey),
        Answer::Busy,
    ];

    #[test]
    fn what_is_written_is_read_again() {
        for size in [0, 1, 100, ENVELOPE_BYTES_MAX] {
            assert_eq!(Question::read(&deliver(size).write()).unwrap(), deliver(size));
        }
        for answer in ANSWERS {
            assert_eq!(Answer::read(&answer.write()).unwrap(), answer);
        }
    }

    #[test]
    fn other_versions_and_other_bytes_are_refused() {
        assert_eq!(Question::read(&[]), Err(ProtocolError::Version { found: 0 }));
        assert_eq!(Answer::read(&[2, 0]), Err(ProtocolError::Version { found: 2 }));
        assert!(matches!(Answer::read(&[VERSION, 99]), Err(ProtocolError::Malformed(_))));
        let whole = deliver(100).write();
        for end in 1..whole.len() {
            assert!(matches!(Question::read(&whole[..end]), Err(ProtocolError::Malformed(_))), "{end} bytes");
        }
        let longer = [&whole[..], &[0]].concat();
        assert!(matches!(Question::read(&longer), Err(ProtocolError::Malformed(_))));
        let huge = vec![VERSION; QUESTION_BYTES_MAX + 2];
        assert!(matches!(Question::read(&huge), Err(ProtocolError::Malformed(DecodeError::Oversized { .. }))));
    }

    #[test]
    fn the_bytes_between_relays_are_frozen() {
        let all: Vec<u8> =
            ANSWERS.iter().flat_map(Answer::write).chain(deliver(0).write()).chain(deliver(70).write()).collect();
        assert_eq!(
            Hash::of("relay-protocol", &all).to_string(),
            "ea38eab38d4f8477924e687f40a85d4fbd39626a057adf66ecda4fc4eb0d3d4e"
        );
    }
}
