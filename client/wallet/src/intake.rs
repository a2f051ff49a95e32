//! What is given to a command that takes a proposal or another text: files, texts, images of QR codes, standard input;
//! the parts of a long text in any order.
//!
//! ```text
//! countersign:… ───────────────────────────────────────────┐
//! -, or a path ─→ bytes ┬ PNG, JPEG ─→ codes ──────────────┴→ texts ─Collector→ whole texts ┐
//!                       ├ text ─→ the texts in it ─────────↑                                ├→ proposals
//!                       └ .csp ─────────────────────────────────────────────────────────────┘
//! ```
use crate::failure::Failure;
use crate::files;
use crate::session::Session;
use clap::Args;
use countersign_client::qr::{self, Found};
use countersign_client::types::Proposal;
use countersign_client::types::proposal::{ProposalError, Subject};
use countersign_client::uri::{self, Collector};
use std::io;
use std::path::{Path, PathBuf};

/// Bytes of whatever is given: an image is the largest.
const GIVEN_BYTES_MAX: usize = qr::IMAGE_BYTES_MAX;
/// Characters of a text that name it in an error.
const NAMED_BY_CHARS: usize = 32;

/// Where a proposal comes from.
#[derive(Args, Clone, Debug)]
pub struct Given {
    /// The proposal: a file (.csp), a text (countersign:…), images of QR codes, or - for standard input. Parts in any
    /// order, and copies with different signatures, are put together
    #[arg(required = true, value_name = "PROPOSAL")]
    pub proposal: Vec<PathBuf>,
}

/// A copy of a proposal, and where it was found.
pub struct Copy {
    /// As errors name it.
    pub place: String,
    /// What it is, its signatures verified.
    pub proposal: Proposal,
}

/// What was given: copies of proposals.
pub struct Taken {
    /// At least one.
    pub copies: Vec<Copy>,
    /// The `.csp` file, if that is all there was.
    pub file: Option<PathBuf>,
}

/// What a command takes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// Proposals of transactions.
    Transaction,
    /// Proposals of documents.
    Document,
    /// Proposals of either.
    Any,
}

/// What was given, before it is known to be proposals.
#[derive(Default)]
struct Sorted {
    copies: Vec<Copy>,
    texts: Collector,
    files: Vec<PathBuf>,
    others: usize,
    unread: usize,
}

/// Reads what was given as copies of proposals.
pub fn take(given: &[impl AsRef<Path>], wanted: Wanted) -> Result<Taken, Failure> {
    let sorted = Sorted::read(given)?;
    let file = if sorted.others == 0 { only(sorted.files.clone()) } else { None };
    let mut copies = sorted.copies;
    for text in finish(sorted.texts, sorted.unread)? {
        let place = named(&text);
        let proposal = uri::to_proposal(&text).map_err(|cause| Failure::BadText { place: place.clone(), cause })?;
        copies.push(Copy { place, proposal });
    }
    copies.iter().try_for_each(|copy| check_subject(copy, wanted))?;
    Ok(Taken { copies, file })
}

/// The proposal that was given, in one or several copies: with the signatures of all of them, each of which must be of
/// one of its parties' keys.
pub async fn merged(session: &Session, taken: Taken) -> Result<Proposal, Failure> {
    let mut merged: Option<Proposal> = None;
    for Copy { place, proposal } in taken.copies {
        session.check_signatures(&proposal, &place).await?;
        match &mut merged {
            Some(merged) => merged.merge(&proposal).map_err(|source| Failure::BadProposal { path: place, source })?,
            None => merged = Some(proposal),
        }
    }
    merged.ok_or(Failure::NothingGiven)
}

/// The only text that was given, such as a request's; a proposal counts by its text.
pub fn only_text(given: &Path) -> Result<String, Failure> {
    let sorted = Sorted::read(&[given])?;
    let mut texts = finish(sorted.texts, sorted.unread)?;
    texts.extend(sorted.copies.iter().map(|copy| uri::of_proposal(&copy.proposal)));
    let count = texts.len();
    only(texts).ok_or_else(|| Failure::NotOneText { path: given.display().to_string(), count })
}

/// The codes of an image in a file, or on standard input.
pub fn codes_of(path: &Path) -> Result<Found, Failure> {
    codes_in(path, &bytes_of(path)?)
}

/// The whole texts, all parts put together.
pub fn finish(texts: Collector, unread: usize) -> Result<Vec<String>, Failure> {
    texts.finish().map_err(|cause| Failure::BadParts { cause, unread })
}

/// A text as errors name it.
pub fn named(text: &str) -> String {
    match text.char_indices().nth(NAMED_BY_CHARS) {
        Some((end, _)) => format!("the text `{}…`", &text[..end]),
        None => format!("the text `{text}`"),
    }
}

impl Sorted {
    fn read(given: &[impl AsRef<Path>]) -> Result<Self, Failure> {
        let mut sorted = Self::default();
        for given in given {
            sorted.add(given.as_ref())?;
        }
        Ok(sorted)
    }

    fn add(&mut self, given: &Path) -> Result<(), Failure> {
        if let Some(text) = given.to_str().filter(|text| uri::is_one(text)) {
            return self.add_text(text, named(text));
        }
        let bytes = bytes_of(given)?;
        let place = given.display().to_string();
        match Proposal::from_bytes(&bytes) {
            Ok(proposal) => {
                self.copies.push(Copy { place, proposal });
                match is_standard_input(given) {
                    true => self.others += 1,
                    false => self.files.push(given.into()),
                }
                return Ok(());
            }
            Err(ProposalError::NotAProposal) => {}
            Err(source) => return Err(Failure::BadProposal { path: place, source }),
        }
        let texts = if qr::is_image(&bytes) {
            let found = codes_in(given, &bytes)?;
            self.unread += found.unread;
            let ours: Vec<String> = found.texts.iter().filter(|text| uri::is_one(text)).cloned().collect();
            if ours.is_empty() {
                let says = found.texts.first().map_or("", |text| text).chars().take(NAMED_BY_CHARS).collect();
                return Err(Failure::OtherCode { path: place, says });
            }
            ours
        } else {
            std::str::from_utf8(&bytes).map(uri::in_message).unwrap_or_default()
        };
        if texts.is_empty() {
            return Err(Failure::NothingToRead { path: place });
        }
        texts.iter().try_for_each(|text| self.add_text(text, place.clone()))
    }

    fn add_text(&mut self, text: &str, place: String) -> Result<(), Failure> {
        self.others += 1;
        self.texts.add(text).map_err(|cause| Failure::BadText { place, cause })
    }
}

fn is_standard_input(given: &Path) -> bool {
    given == Path::new("-")
}

fn bytes_of(given: &Path) -> Result<Vec<u8>, Failure> {
    match is_standard_input(given) {
        true => files::read_from(io::stdin().lock(), Path::new("standard input"), GIVEN_BYTES_MAX),
        false => files::read(given, GIVEN_BYTES_MAX),
    }
}

fn codes_in(path: &Path, bytes: &[u8]) -> Result<Found, Failure> {
    qr::read(bytes).map_err(|cause| Failure::BadImage { path: path.display().to_string(), cause })
}

/// Fails if a copy is of something else than a command takes.
pub fn check_subject(copy: &Copy, wanted: Wanted) -> Result<(), Failure> {
    let (is, found, command) = match copy.proposal.subject() {
        Subject::Transaction(_) => (Wanted::Transaction, "transaction", "countersign tx"),
        Subject::Document(_) => (Wanted::Document, "document", "countersign doc"),
    };
    match is == wanted || wanted == Wanted::Any {
        true => Ok(()),
        false => Err(Failure::WrongSubject { path: copy.place.clone(), found, command }),
    }
}

fn only<T>(items: Vec<T>) -> Option<T> {
    let mut items = items.into_iter();
    items.next().filter(|_| items.next().is_none())
}
