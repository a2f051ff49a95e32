//! A stored message's file: mark and version, a head for listings, the letter as it was opened, the envelope as it
//! came.
use super::index::{Entry, State};
use crate::messaging::disk::{self, DiskError};
use crate::messaging::letter::{Body, FileName, SignedLetter};
use crate::messaging::limits::{HEAD_BYTES_MAX, LETTER_BYTES_MAX, REASON_BYTES_MAX};
use crate::messaging::seal::OpenedLetter;
use crate::rpc_types::relay::{ENVELOPE_BYTES_MAX, Envelope};
use crate::types::proposal::Subject;
use crate::types::{AccountId, BoundedText, BoundedVec, Hash, Name, Text, Timestamp};
use parity_scale_codec::{Decode, Encode};
use std::path::Path;

/// First bytes of a message's file: mark and version.
const MARK: &[u8; 4] = b"CSM\x01";
/// Bytes of a file.
const FILE_BYTES_MAX: usize = MARK.len() + HEAD_BYTES_MAX + LETTER_BYTES_MAX + ENVELOPE_BYTES_MAX + 16;
/// Characters of a letter's words in a listing, of at most four bytes each.
const BEGINNING_CHARS: usize = 60;
/// Characters of a reason.
const REASON_CHARS: usize = REASON_BYTES_MAX / 4;
const ADVICE: &str = "move it away; the other messages do not depend on it";

/// What a letter carries.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub enum Kind {
    /// Words.
    #[codec(index = 0)]
    Text,
    /// A proposal.
    #[codec(index = 1)]
    Proposal,
    /// A file.
    #[codec(index = 2)]
    File,
}

/// What a proposal is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub enum ProposalId {
    /// A transaction, by its id.
    #[codec(index = 0)]
    Transaction(Hash),
    /// A document, by its hash.
    #[codec(index = 1)]
    Document(Hash),
}

/// Why a message is not to be believed.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Aside {
    /// A stable word for programs.
    pub name: Text,
    /// For people.
    pub reason: BoundedText<REASON_BYTES_MAX>,
}

/// What is known of a message without its body.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct MessageHead {
    /// Its place in the store: grows. Not in the file but in its name.
    #[codec(skip)]
    pub place: u64,
    /// True if its receiver has done what was to be done ([`super::MessageStore::mark_handled`]). In the file's name
    /// too.
    #[codec(skip)]
    pub is_handled: bool,
    /// The message's id.
    pub id: Hash,
    /// When the wallet stored it, by its own clock.
    pub stored_at: Timestamp,
    /// When its relay took it, by the relay's clock.
    pub relayed_at: Timestamp,
    /// When the sender wrote it, by the sender's clock; for what is no envelope the time it was stored.
    pub sent_at: Timestamp,
    /// When relays forget it.
    pub expires_at: Timestamp,
    /// The account it is from; `None` if that is not known or not to be believed.
    pub from: Option<AccountId>,
    /// That account's name on the ledger when it was stored.
    pub from_name: Option<Name>,
    /// Counts the sender's letters to this account.
    pub number: u64,
    /// What it carries; `None` if it was not opened.
    pub kind: Option<Kind>,
    /// What the proposal it carries is about; `None` if it carries none that can be read.
    pub proposal: Option<ProposalId>,
    /// The file's name.
    pub file_name: Option<FileName>,
    /// Bytes of the text, proposal or file.
    pub size: u32,
    /// The beginning of its words, on one line.
    pub beginning: Text,
    /// Why it is not to be believed; `None` if it is.
    pub aside: Option<Aside>,
}

/// A stored message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeptMessage {
    /// What listings show.
    pub head: MessageHead,
    /// The letter; `None` if it was not opened.
    pub signed: Option<SignedLetter>,
    /// The message as it came, an encoded [`Envelope`] unless it was set aside as none; empty if it was longer than
    /// any.
    pub raw: BoundedVec<u8, ENVELOPE_BYTES_MAX>,
}

/// A text without what could deceive or break a line, cut to a number of characters.
fn one_line<const MAX: usize>(text: &str, chars: usize) -> BoundedText<MAX> {
    let mut line = BoundedText::default();
    let mut kept = String::new();
    for c in text.split_whitespace().flat_map(|word| [" ", word]).skip(1).flat_map(str::chars).take(chars) {
        kept.push(c);
        match BoundedText::new(&kept) {
            Ok(longer) => line = longer,
            Err(_) => drop(kept.pop()),
        }
    }
    line
}

/// A reason for setting aside: a stable word, and the error with its causes.
pub trait Reason: std::error::Error {
    /// The word.
    fn name(&self) -> &'static str;
}

impl Aside {
    fn of(reason: &dyn Reason) -> Self {
        let mut text = reason.to_string();
        let mut source = reason.source();
        while let Some(cause) = source {
            text = format!("{text}: {cause}");
            source = cause.source();
        }
        Self { name: one_line(reason.name(), BEGINNING_CHARS), reason: one_line(&text, REASON_CHARS) }
    }
}

impl MessageHead {
    fn new(id: Hash, times: &Times) -> Self {
        Self {
            place: 0,
            is_handled: false,
            id,
            stored_at: times.stored_at,
            relayed_at: times.relayed_at,
            sent_at: times.stored_at,
            expires_at: Timestamp::MAX,
            from: None,
            from_name: None,
            number: 0,
            kind: None,
            proposal: None,
            file_name: None,
            size: 0,
            beginning: Text::default(),
            aside: None,
        }
    }

    fn of_envelope(envelope: &Envelope, times: &Times) -> Self {
        let new = Self::new(envelope.id(), times);
        Self { sent_at: envelope.sent_at, expires_at: envelope.expires_at, ..new }
    }

    fn tell(&mut self, signed: &SignedLetter) {
        let body = &signed.letter.body;
        let (kind, size) = match body {
            Body::Text(text) => (Kind::Text, text.as_str().len()),
            Body::Proposal { file, .. } => (Kind::Proposal, file.len()),
            Body::File { name, bytes, .. } => {
                self.file_name = Some(name.clone());
                (Kind::File, bytes.len())
            }
        };
        self.number = signed.letter.number;
        self.kind = Some(kind);
        self.size = u32::try_from(size).unwrap_or(u32::MAX);
        self.beginning = one_line(body.words(), BEGINNING_CHARS);
        // A file that is no proposal is a letter like another; whoever opens it is told.
        self.proposal = body.to_proposal().ok().flatten().map(|proposal| match proposal.subject() {
            Subject::Transaction(transaction) => ProposalId::Transaction(transaction.id().0),
            Subject::Document(document) => ProposalId::Document(document.hash()),
        });
    }

    /// With what the file's name says.
    fn at(self, entry: &Entry) -> Self {
        Self { place: entry.place, is_handled: entry.state == State::Handled, ..self }
    }
}

/// When a message came.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// When its relay took it, by the relay's clock.
    pub relayed_at: Timestamp,
    /// Now, by the wallet's.
    pub stored_at: Timestamp,
}

impl KeptMessage {
    /// A message whose sender was checked.
    pub fn believed(envelope: &Envelope, opened: OpenedLetter, from_name: Name, times: &Times) -> Self {
        let mut head = MessageHead::of_envelope(envelope, times);
        head.from = Some(opened.signed.letter.from);
        head.from_name = Some(from_name);
        head.tell(&opened.signed);
        Self { head, signed: Some(opened.signed), raw: raw_of(&envelope.encode()) }
    }

    /// A message that is not to be believed, for a reason. What was opened of it is kept.
    pub fn set_aside(envelope: &Envelope, opened: Option<OpenedLetter>, reason: &dyn Reason, times: &Times) -> Self {
        let mut head = MessageHead::of_envelope(envelope, times);
        head.aside = Some(Aside::of(reason));
        let signed = opened.map(|opened| opened.signed);
        if let Some(signed) = &signed {
            head.tell(signed);
        }
        Self { head, signed, raw: raw_of(&envelope.encode()) }
    }

    /// Bytes that are no envelope.
    pub fn not_an_envelope(bytes: &[u8], reason: &dyn Reason, times: &Times) -> Self {
        let new = MessageHead::new(Envelope::id_of(bytes), times);
        let head = MessageHead { aside: Some(Aside::of(reason)), ..new };
        Self { head, signed: None, raw: raw_of(bytes) }
    }

    /// True if the file still proves what it says: the envelope has the message's id, and the letter is of its
    /// receiver, chain and time and signed by the key it names for the envelope's. Whose key that is the ledger said
    /// when it was stored.
    pub fn is_whole(&self) -> bool {
        let (Ok(envelope), Some(signed)) = (Envelope::read(&self.raw), &self.signed) else {
            return false;
        };
        let letter = &signed.letter;
        envelope.id() == self.head.id
            && (letter.to, letter.chain, letter.sent_at) == (envelope.to, envelope.chain, envelope.sent_at)
            && signed.is_signed_for(&envelope.key)
    }

    /// The content of its file.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = MARK.to_vec();
        (&self.head, &self.signed, &self.raw).encode_to(&mut bytes);
        bytes
    }
}

fn raw_of(bytes: &[u8]) -> BoundedVec<u8, ENVELOPE_BYTES_MAX> {
    bytes.to_vec().try_into().unwrap_or_default()
}

fn damaged(path: &Path, cause: impl Into<String>) -> DiskError {
    DiskError::Damaged { path: path.display().to_string(), cause: cause.into(), advice: ADVICE }
}

fn after_mark<'a>(path: &Path, bytes: &'a [u8]) -> Result<&'a [u8], DiskError> {
    bytes.strip_prefix(MARK).ok_or_else(|| damaged(path, "it is no message of version 1"))
}

/// Reads a file's head.
pub fn read_head(path: &Path, entry: &Entry) -> Result<MessageHead, DiskError> {
    let limit = (MARK.len() + HEAD_BYTES_MAX) as u64;
    let (bytes, _) = disk::read_start(path, limit)?.ok_or_else(|| damaged(path, "it is gone"))?;
    let head = MessageHead::decode(&mut after_mark(path, &bytes)?);
    checked(path, head.map_err(|error| damaged(path, error.to_string()))?, entry)
}

/// Reads a whole file.
pub fn read(path: &Path, entry: &Entry) -> Result<KeptMessage, DiskError> {
    let bytes = disk::read_private(path, FILE_BYTES_MAX as u64)?.ok_or_else(|| damaged(path, "it is gone"))?;
    let read = crate::types::decode("stored message", after_mark(path, &bytes)?, FILE_BYTES_MAX);
    let (head, signed, raw) = read.map_err(|error| damaged(path, error.to_string()))?;
    Ok(KeptMessage { head: checked(path, head, entry)?, signed, raw })
}

fn checked(path: &Path, head: MessageHead, entry: &Entry) -> Result<MessageHead, DiskError> {
    if head.id == entry.id && head.aside.is_some() == (entry.state == State::Aside) {
        Ok(head.at(entry))
    } else {
        Err(damaged(path, "it is the file of another message"))
    }
}
