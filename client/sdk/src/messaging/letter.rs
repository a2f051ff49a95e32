//! What one account writes to another: a text, a proposal or a file, signed by a key of the sender's account for this
//! receiver. Everything that is shown to a person is bounded and free of characters that deceive.
use super::limits::{FILE_NAME_BYTES_MAX, TEXT_BYTES_MAX};
use crate::rpc_types::relay::ATTACHMENT_BYTES_MAX;
use crate::signer::{Signer, SignerError};
use crate::types::bounded::{BadText, TooLong};
use crate::types::proposal::ProposalError;
use crate::types::signature::verify;
use crate::types::{AccountId, BoundedText, BoundedVec, Hash, Proposal, PublicKey, Signature, Timestamp, limits};
use parity_scale_codec::{Decode, Encode, Error as CodecError, Input};
use std::fmt;

/// Domain of the hash that a letter's sender signs.
const SIGNED: &str = "letter";

/// A text of lines: no control characters but line breaks and tabs, none that hide or reorder what stands around them.
#[derive(Clone, PartialEq, Eq, Default, Encode)]
pub struct LetterText(String);

/// The name of a file, without the folders it lay in.
#[derive(Clone, PartialEq, Eq, Encode)]
pub struct FileName(BoundedText<FILE_NAME_BYTES_MAX>);

/// What a letter says.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub enum Body {
    /// Words.
    #[codec(index = 0)]
    Text(LetterText),
    /// A transaction or document that is collecting signatures.
    #[codec(index = 1)]
    Proposal {
        /// The content of a `.csp` file.
        file: BoundedVec<u8, { limits::PROPOSAL_BYTES_MAX }>,
        /// Words beside it; may be empty.
        note: LetterText,
    },
    /// A file: identity papers, a receipt.
    #[codec(index = 2)]
    File {
        /// What it was called.
        name: FileName,
        /// Its content.
        bytes: BoundedVec<u8, ATTACHMENT_BYTES_MAX>,
        /// Words beside it; may be empty.
        note: LetterText,
    },
}

/// A letter.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Letter {
    /// The chain on which both have their accounts.
    pub chain: Hash,
    /// Who writes.
    pub from: AccountId,
    /// To whom.
    pub to: AccountId,
    /// When, by the sender's clock.
    pub sent_at: Timestamp,
    /// Counts the sender's letters to this receiver: what is missing or repeated shows.
    pub number: u64,
    /// What it says.
    pub body: Body,
}

/// A letter with the signature of its sender. Whether the key is one of the sender's account is for the ledger to say.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct SignedLetter {
    /// The letter.
    pub letter: Letter,
    /// Who signed.
    pub key: PublicKey,
    /// Over [`Letter::digest`].
    pub signature: Signature,
}

/// Why something cannot be written into a letter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadLetter {
    /// Too many words.
    #[error("a text or note has at most {TEXT_BYTES_MAX} bytes, this one {size}; send a longer one as a file")]
    LongText {
        /// Bytes given.
        size: usize,
    },
    /// A character that could make people read something else.
    #[error("the text cannot be sent")]
    Text(#[source] BadText),
    /// Nothing is said.
    #[error("there is nothing in the text")]
    Empty,
    /// Not a name for a file.
    #[error(
        "`{name}` is no name for a file that is sent: 1 to {FILE_NAME_BYTES_MAX} bytes, no `/` or `\\`, no \
         control characters, no dot first"
    )]
    FileName {
        /// The beginning of what was given, without what could deceive.
        name: String,
    },
    /// More than a message carries.
    #[error("a file that is sent has at most {} KiB, this one has {size} bytes", ATTACHMENT_BYTES_MAX / 1024)]
    LongFile {
        /// Bytes given.
        size: usize,
    },
    /// Not a proposal that anybody could sign.
    #[error("the proposal cannot be sent")]
    Proposal(#[source] ProposalError),
}

impl LetterText {
    /// Takes a text, which may be empty.
    ///
    /// # Errors
    /// [`BadLetter::LongText`] or [`BadLetter::Text`].
    pub fn new(text: &str) -> Result<Self, BadLetter> {
        if text.len() > TEXT_BYTES_MAX {
            return Err(BadLetter::LongText { size: text.len() });
        }
        let check = |part: &str| BoundedText::<TEXT_BYTES_MAX>::new(part).map(drop);
        text.split(['\n', '\t']).try_for_each(check).map_err(BadLetter::Text)?;
        Ok(Self(text.into()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for LetterText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LetterText({} bytes)", self.0.len())
    }
}

impl Decode for LetterText {
    fn decode<I: Input>(input: &mut I) -> Result<Self, CodecError> {
        let bytes = BoundedVec::<u8, TEXT_BYTES_MAX>::decode(input)?.into_inner();
        let text = String::from_utf8(bytes).map_err(|_| CodecError::from("text is not UTF-8"))?;
        Self::new(&text).map_err(|_| CodecError::from("text holds a character that is not allowed"))
    }
}

impl FileName {
    /// Takes a name.
    ///
    /// # Errors
    /// [`BadLetter::FileName`].
    pub fn new(name: &str) -> Result<Self, BadLetter> {
        let bad = || BadLetter::FileName { name: name.chars().filter(|c| !c.is_control()).take(60).collect() };
        let text = BoundedText::new(name).map_err(|_| bad())?;
        let is_plain = !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\\']) && name.trim() == name;
        if is_plain { Ok(Self(text)) } else { Err(bad()) }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl fmt::Debug for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl Decode for FileName {
    fn decode<I: Input>(input: &mut I) -> Result<Self, CodecError> {
        let text = BoundedText::<FILE_NAME_BYTES_MAX>::decode(input)?;
        Self::new(text.as_str()).map_err(|_| CodecError::from("a file's name is not allowed"))
    }
}

impl Body {
    /// Words.
    ///
    /// # Errors
    /// [`BadLetter`]; also for an empty text.
    pub fn text(text: &str) -> Result<Self, BadLetter> {
        if text.trim().is_empty() { Err(BadLetter::Empty) } else { Ok(Self::Text(LetterText::new(text)?)) }
    }

    /// A proposal with words beside it, which may be empty.
    ///
    /// # Errors
    /// [`BadLetter`].
    pub fn proposal(proposal: &Proposal, note: &str) -> Result<Self, BadLetter> {
        let file = proposal.to_bytes();
        let size = file.len();
        let file = file.try_into().map_err(|_: TooLong| BadLetter::LongFile { size })?;
        Ok(Self::Proposal { file, note: LetterText::new(note)? })
    }

    /// A file with words beside it, which may be empty.
    ///
    /// # Errors
    /// [`BadLetter`].
    pub fn file(name: &str, bytes: Vec<u8>, note: &str) -> Result<Self, BadLetter> {
        let name = FileName::new(name)?;
        let size = bytes.len();
        let bytes = bytes.try_into().map_err(|_: TooLong| BadLetter::LongFile { size })?;
        Ok(Self::File { name, bytes, note: LetterText::new(note)? })
    }

    /// The words: the text, or the note beside something else.
    pub fn words(&self) -> &str {
        match self {
            Self::Text(text) | Self::Proposal { note: text, .. } | Self::File { note: text, .. } => text.as_str(),
        }
    }

    /// The proposal, every signature in it verified; `None` if the letter carries something else.
    ///
    /// # Errors
    /// [`BadLetter::Proposal`] if it is none.
    pub fn to_proposal(&self) -> Result<Option<Proposal>, BadLetter> {
        match self {
            Self::Proposal { file, .. } => Proposal::from_bytes(file).map(Some).map_err(BadLetter::Proposal),
            Self::Text(_) | Self::File { .. } => Ok(None),
        }
    }
}

/// Names kind and size; what it says is between two people.
impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "Text({} bytes)", text.as_str().len()),
            Self::Proposal { file, .. } => write!(f, "Proposal({} bytes)", file.len()),
            Self::File { bytes, .. } => write!(f, "File({} bytes)", bytes.len()),
        }
    }
}

impl Letter {
    /// What the sender signs. The receiver's key is part of it: a receiver who seals the letter to somebody else cannot
    /// make it look as if it had been written to them.
    pub fn digest(&self, receiver_key: &[u8; 32]) -> Hash {
        Hash::of_encoded(SIGNED, &(self, receiver_key))
    }

    /// The letter with the signature of the signer's key, for the receiver with this encryption key.
    ///
    /// # Errors
    /// [`SignerError`].
    pub fn sign(self, signer: &dyn Signer, receiver_key: &[u8; 32]) -> Result<SignedLetter, SignerError> {
        let signature = signer.try_sign(&self.digest(receiver_key).0)?;
        Ok(SignedLetter { key: signer.public_key(), signature, letter: self })
    }
}

impl SignedLetter {
    /// True if the signature is that of the key, over this letter to the receiver with this encryption key.
    pub fn is_signed_for(&self, receiver_key: &[u8; 32]) -> bool {
        verify(&self.key, &self.letter.digest(receiver_key).0, &self.signature)
    }
}
