//! What wallets hand on as text, in a message, on the clipboard or in a QR code: `countersign:<kind>?<data>`.
//!
//! ```text
//! bytes ‖ checksum ─base 32→ countersign:tx?<data> ┬ short ────────────────────────→ message, QR code
//!                                                  └ long ─parts→ countersign:part?… → QR codes, any order
//! ```
//! Data is base 32 in the alphabet of the ledger's ids, not base 45: it means the same in both cases, so that a QR code
//! keeps it in its alphanumeric mode, and it has no blank, `$`, `*` or `%`, which messengers, shells and links change.
//! That costs 7 % more characters. The checksum, over kind and bytes, tells damage; it proves nothing about who wrote
//! the text.
//!
//! A [`Proposal`] is `countersign:tx?` or `countersign:doc?`. Other kinds have a form of their own ([`crate::request`])
//! or are made of bytes by [`encode`]; whatever begins with `countersign:` and means the same in both cases can travel
//! in [`parts()`].
mod parts;

use crate::types::proposal::{ProposalError, Subject};
use crate::types::{Hash, Proposal, limits, text};
use countersign_lock::text::{self as form, BadText};
pub use countersign_lock::text::{BEGINNING, is_one};
pub use parts::{CHUNK_CHARS, Collector, PARTS_MAX, TEXTS_MAX, WHOLE_CHARS_MAX, in_message, parts};

/// The kind of a transaction's proposal.
pub const TRANSACTION: &str = "tx";
/// The kind of a document's proposal.
pub const DOCUMENT: &str = "doc";
/// Bytes that a text can hold: the largest proposal with its mark.
pub const BYTES_MAX: usize = limits::PROPOSAL_BYTES_MAX + 4;
/// Characters of a text: [`BYTES_MAX`] and the checksum at five bits each, and room for the kind.
pub const CHARS_MAX: usize = (BYTES_MAX + form::CHECKSUM_BYTES).div_ceil(5) * 8 + 64;

/// A text that is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadUri {
    /// It does not begin as one.
    #[error("a text of Countersign begins with `{BEGINNING}`; this begins with `{beginning}`")]
    NotOne {
        /// Its first characters.
        beginning: String,
    },
    /// One of another kind.
    #[error("this is `{BEGINNING}{found}?…`, but `{BEGINNING}{wanted}?…` is wanted")]
    OtherKind {
        /// The kind found.
        found: String,
        /// The kind wanted.
        wanted: &'static str,
    },
    /// Cut off, or a character changed or lost.
    #[error("the text is cut off or mistyped: its checksum does not fit. Copy all of it again")]
    Damaged,
    /// Longer than anything it could hold.
    #[error("the text has {size} characters; nothing it could hold has more than {limit}")]
    TooLong {
        /// Characters found.
        size: usize,
        /// Characters allowed.
        limit: usize,
    },
    /// Too long for parts.
    #[error("the text has {size} characters; {PARTS_MAX} codes hold {limit}. Hand it on as a file")]
    TooLongForParts {
        /// Characters of the text.
        size: usize,
        /// Characters that fit.
        limit: usize,
    },
    /// A part that is cut off or changed; its number as far as it can be read.
    #[error("part {number} is cut off or mistyped: its checksum does not fit. Take that part again")]
    DamagedPart {
        /// The number it claims, or `?`.
        number: String,
    },
    /// Two parts claim to be the same one.
    #[error("there are two different parts {number} of {count}. Take the parts again, all from one place")]
    Contradiction {
        /// The number.
        number: u16,
        /// Parts of the text.
        count: u16,
    },
    /// Not all parts are there.
    #[error("{} missing; there are {count}", part_numbers(.missing, "is", "are"))]
    MissingParts {
        /// Parts of the text.
        count: u16,
        /// The numbers that are missing.
        missing: Vec<u16>,
    },
    /// Parts of one text among those of another.
    #[error(
        "{} of another text than the others (its {count} parts are marked `{id}`); of that one {} missing",
        part_numbers(.present, "is", "are"), part_numbers(.missing, "is", "are")
    )]
    ForeignParts {
        /// The text they are of, as each of its parts names it.
        id: String,
        /// Parts of that text.
        count: u16,
        /// The numbers that are there.
        present: Vec<u16>,
        /// The numbers that are missing.
        missing: Vec<u16>,
    },
    /// All parts are there and together they are not what they say.
    #[error("the {count} parts fit together, but not to the text they name. Take them again, all from one place")]
    NotTheWhole {
        /// Parts of the text.
        count: u16,
    },
    /// Parts of more texts than anybody means to read at once.
    #[error("parts of more than {TEXTS_MAX} texts at once")]
    TooManyTexts,
    /// The bytes are no proposal, or a signature in it is not valid.
    #[error(transparent)]
    Proposal(#[from] ProposalError),
}

/// `part 3 is`, `parts 2, 3 and 5 are`.
fn part_numbers(numbers: &[u16], one: &str, several: &str) -> String {
    let words: Vec<String> = numbers.iter().map(u16::to_string).collect();
    match &words[..] {
        [] => format!("no parts {several}"),
        [only] => format!("part {only} {one}"),
        [first @ .., last] => format!("parts {} and {last} {several}", first.join(", ")),
    }
}

/// The text of bytes.
///
/// # Panics
/// If they are more than [`BYTES_MAX`] or `kind` is not lower-case letters: the caller's error.
pub fn encode(kind: &'static str, bytes: &[u8]) -> String {
    assert!(bytes.len() <= BYTES_MAX, "no text holds {} bytes", bytes.len());
    assert!(is_kind(kind), "`{kind}` is no kind of text");
    form::encode(kind, bytes)
}

/// The bytes of a text of this kind, at most `bytes_max`. Upper case means the same; blanks around it do not count.
///
/// # Errors
/// [`BadUri`].
pub fn decode(kind: &'static str, text: &str, bytes_max: usize) -> Result<Vec<u8>, BadUri> {
    let found = self::kind(text)?;
    if found != kind {
        return Err(BadUri::OtherKind { found, wanted: kind });
    }
    form::decode(kind, text, bytes_max).map_err(|error| match error {
        BadText::Oversized { size, limit } => BadUri::TooLong { size, limit },
        BadText::Damaged | BadText::Other { .. } => BadUri::Damaged,
    })
}

/// True for an id in its text form, such as `csa1…`: short, and with a checksum of its own, it travels without
/// `countersign:`.
pub fn is_id(text: &str) -> bool {
    [text::ACCOUNT, text::BLOCK, text::CHAIN, text::DOCUMENT, text::KEY, text::REQUEST, text::TRANSACTION]
        .iter()
        .any(|prefix| text::decode(prefix, text).is_ok())
}

/// The kind a text names, in lower case, such as `tx`.
///
/// # Errors
/// [`BadUri::NotOne`] or, without a kind, [`BadUri::Damaged`].
pub fn kind(text: &str) -> Result<String, BadUri> {
    let start: String = text.trim_start().chars().take(BEGINNING.len() + KIND_CHARS_MAX + 1).collect();
    Ok(split(&start.to_ascii_lowercase())?.0.to_string())
}

/// The text of a proposal: `countersign:tx?…` or `countersign:doc?…`.
pub fn of_proposal(proposal: &Proposal) -> String {
    encode(kind_of(proposal.subject()), &proposal.to_bytes())
}

/// The proposal of a text, its signatures verified.
///
/// # Errors
/// [`BadUri`].
pub fn to_proposal(text: &str) -> Result<Proposal, BadUri> {
    let wanted = if kind(text)? == DOCUMENT { DOCUMENT } else { TRANSACTION };
    let proposal = Proposal::from_bytes(&decode(wanted, text, BYTES_MAX)?)?;
    match kind_of(proposal.subject()) {
        kind if kind == wanted => Ok(proposal),
        kind => Err(BadUri::OtherKind { found: wanted.into(), wanted: kind }),
    }
}

const fn kind_of(subject: &Subject) -> &'static str {
    match subject {
        Subject::Transaction(_) => TRANSACTION,
        Subject::Document(_) => DOCUMENT,
    }
}

/// Letters of a kind: a word.
const KIND_CHARS_MAX: usize = 16;

fn is_kind(text: &str) -> bool {
    (1..=KIND_CHARS_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_lowercase())
}

/// Kind and data of a text in lower case.
fn split(text: &str) -> Result<(&str, &str), BadUri> {
    let rest = text
        .strip_prefix(BEGINNING)
        .ok_or_else(|| BadUri::NotOne { beginning: text.chars().take(BEGINNING.len() + 8).collect() })?;
    rest.split_once('?').filter(|(kind, _)| is_kind(kind)).ok_or(BadUri::Damaged)
}

fn first<const N: usize>(hash: &Hash) -> [u8; N] {
    let mut bytes = [0; N];
    bytes.copy_from_slice(&hash.0[..N]);
    bytes
}

#[cfg(test)]
mod tests;
