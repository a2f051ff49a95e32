//! The messages of one account in the wallet's home: one file each, which only its owner reads. The folder's names are
//! the index, so that there is nothing that could disagree with them after a crash.
//!
//! ```text
//! <home>/messages/<account>/0000000000000007-<id>.message    mark, head, the signed letter, the envelope as it came
//!                           0000000000000008-<id>.handled    the same, done with
//!                           0000000000000009-<id>.aside      the same, not to be believed; the head says why
//!                           forgotten                        ids of what was removed, until they expire
//!                           numbers/<receiver>               the number of the last letter to somebody
//!                           lock                             one run at a time
//! ```
//! A file is on the disk before the relay may forget the message, and a message that is there already is not stored
//! twice.
mod file;
mod index;

pub use file::{Aside, KeptMessage, Kind, MessageHead, ProposalId, Reason, Times};

use super::disk::{self, DiskError};
use super::limits::{
    ASIDE_MESSAGES_MAX, FORGOTTEN_MAX, ID_CHARS_MIN, LISTING_PAGE_MAX, STORED_BYTES_MAX, STORED_MESSAGES_MAX,
};
use crate::clock;
use crate::types::text::{MESSAGE, encode};
use crate::types::{AccountId, Hash, decode};
use index::{Entry, Index, State};
use parity_scale_codec::Encode;
use std::path::{Path, PathBuf};

/// The file of ids that were removed.
const FORGOTTEN: &str = "forgotten";
/// The folder of numbers.
const NUMBERS: &str = "numbers";
/// Bytes of a file with a number.
const NUMBER_BYTES_MAX: u64 = 32;
const ADVICE: &str = "move it away; nothing else depends on it";

/// The messages of one account.
#[derive(Clone, Debug)]
pub struct MessageStore {
    folder: PathBuf,
}

/// Why a message is not kept or found.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file or the folder cannot be used.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// There is no room.
    #[error(
        "the wallet keeps {messages} messages of {bytes} bytes, at most {STORED_MESSAGES_MAX} of {STORED_BYTES_MAX} bytes \
         are kept: remove some (`countersign inbox remove ID`); those that have not been fetched wait at the relay"
    )]
    Full {
        /// How many there are.
        messages: usize,
        /// Of how many bytes.
        bytes: u64,
    },
    /// No message of that id.
    #[error("there is no message {id} here: `countersign inbox` lists those that are")]
    NotFound {
        /// What was given.
        id: String,
    },
    /// Several begin so.
    #[error("{count} messages begin with {id}: give more of it")]
    Ambiguous {
        /// What was given.
        id: String,
        /// How many.
        count: usize,
    },
    /// Too little to name one.
    #[error("a message is named by its id, csm1…, or by at least {ID_CHARS_MIN} characters of its beginning")]
    ShortId,
}

/// One page of a listing, newest first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Listing {
    /// What is known of each message without its body.
    pub messages: Vec<MessageHead>,
    /// What to give as `before` for the next page; `None` on the last.
    pub next: Option<u64>,
}

/// What was stored of a page of messages.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Stored {
    /// Those that were not here before, in the order in which the relay took them.
    pub new: Vec<MessageHead>,
    /// Those that were, or had been removed.
    pub known: usize,
}

/// A message's id as people write it, `csm1…`.
pub fn id_text(id: &Hash) -> String {
    encode(MESSAGE, &id.0)
}

impl MessageStore {
    /// The messages of an account in a wallet's home folder. Made when something is kept.
    pub fn new(home: &Path, account: &AccountId) -> Self {
        Self { folder: home.join("messages").join(account.to_string()) }
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// True if a message is here, or was and has been removed.
    ///
    /// # Errors
    /// [`StoreError::Disk`].
    pub fn knows(&self, ids: &[Hash]) -> Result<Vec<bool>, StoreError> {
        let index = Index::read(&self.folder)?;
        let forgotten = self.forgotten()?;
        Ok(ids.iter().map(|id| index.has(id) || forgotten.iter().any(|(gone, _)| gone == id)).collect())
    }

    /// Puts messages on the disk; when this returns, they are there. Those that are known are left out. What is set
    /// aside makes room for its like; for the others there must be room.
    ///
    /// # Errors
    /// [`StoreError::Full`] or [`StoreError::Disk`]; those before the one that failed are kept.
    pub fn keep(&self, messages: &[KeptMessage]) -> Result<Stored, StoreError> {
        let _lock = disk::lock(&self.folder)?;
        index::sweep(&self.folder)?;
        let mut index = Index::read(&self.folder)?;
        let mut forgotten = self.forgotten()?;
        let mut stored = Stored::default();
        for message in messages {
            let id = message.head.id;
            if index.has(&id) || forgotten.iter().any(|(gone, _)| *gone == id) {
                stored.known += 1;
                continue;
            }
            let bytes = message.to_bytes();
            if message.head.aside.is_some() {
                self.make_room_aside(&mut index, &mut forgotten)?;
            }
            let (count, size) = (index.len(), index.bytes());
            if count >= STORED_MESSAGES_MAX || size.saturating_add(bytes.len() as u64) > STORED_BYTES_MAX {
                return Err(StoreError::Full { messages: count, bytes: size });
            }
            let state = if message.head.aside.is_some() { State::Aside } else { State::Open };
            let entry = Entry { place: index.next_place(), id, state };
            disk::replace(&entry.path(&self.folder), &bytes)?;
            index.add(entry, bytes.len() as u64);
            stored.new.push(MessageHead { place: entry.place, ..message.head.clone() });
        }
        Ok(stored)
    }

    fn make_room_aside(&self, index: &mut Index, forgotten: &mut Vec<(Hash, u64)>) -> Result<(), StoreError> {
        while let Some(oldest) = index.oldest_aside().filter(|_| index.asides() >= ASIDE_MESSAGES_MAX) {
            self.forget(index, forgotten, oldest)?;
        }
        Ok(())
    }

    /// Notes that what a message asks for is done: it leaves the list of what is to do, and stays.
    ///
    /// # Errors
    /// [`StoreError`]. Of one that is handled already, or set aside, nothing changes.
    pub fn mark_handled(&self, id: &str) -> Result<(), StoreError> {
        let _lock = disk::lock(&self.folder)?;
        let entry = Index::read(&self.folder)?.named(id)?;
        if entry.state != State::Open {
            return Ok(());
        }
        let handled = Entry { state: State::Handled, ..entry };
        Ok(disk::rename(&entry.path(&self.folder), &handled.path(&self.folder))?)
    }

    /// Removes a message for good. A relay that brings it again is not believed.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn remove(&self, id: &str) -> Result<MessageHead, StoreError> {
        let _lock = disk::lock(&self.folder)?;
        let mut index = Index::read(&self.folder)?;
        let entry = index.named(id)?;
        let head = file::read_head(&entry.path(&self.folder), &entry)?;
        self.forget(&mut index, &mut self.forgotten()?, entry)?;
        Ok(head)
    }

    /// Notes the id first: a crash in between leaves a message that is still there, and none that could come twice.
    fn forget(&self, index: &mut Index, forgotten: &mut Vec<(Hash, u64)>, entry: Entry) -> Result<(), StoreError> {
        let path = entry.path(&self.folder);
        let expires_at_ms = file::read_head(&path, &entry).map_or(u64::MAX, |head| head.expires_at.millis());
        let now_ms = clock::now().millis();
        forgotten.retain(|(_, expires_at_ms)| *expires_at_ms > now_ms);
        let excess = (forgotten.len() + 1).saturating_sub(FORGOTTEN_MAX);
        forgotten.drain(..excess);
        forgotten.push((entry.id, expires_at_ms));
        disk::replace(&self.folder.join(FORGOTTEN), &forgotten.encode())?;
        disk::remove(&path)?;
        index.remove(&entry);
        Ok(())
    }

    fn forgotten(&self) -> Result<Vec<(Hash, u64)>, DiskError> {
        const LIMIT: usize = FORGOTTEN_MAX * 40 + 8;
        let path = self.folder.join(FORGOTTEN);
        let Some(bytes) = disk::read_private(&path, LIMIT as u64)? else {
            return Ok(Vec::new());
        };
        let damaged = |error: crate::types::DecodeError| {
            let cause = error.to_string();
            DiskError::Damaged { path: path.display().to_string(), cause, advice: ADVICE }
        };
        decode("list of removed messages", &bytes, LIMIT).map_err(damaged)
    }

    /// Messages, newest first: those stored before the place `before`, or all. At most `limit`, and
    /// [`LISTING_PAGE_MAX`].
    ///
    /// # Errors
    /// [`StoreError::Disk`].
    pub fn list(&self, wanted: &Wanted, before: Option<u64>, limit: usize) -> Result<Listing, StoreError> {
        let limit = limit.clamp(1, LISTING_PAGE_MAX);
        let mut messages = Vec::new();
        for entry in Index::read(&self.folder)?.newest_before(before.unwrap_or(u64::MAX)) {
            if messages.len() == limit {
                let next = messages.last().map(|head: &MessageHead| head.place);
                return Ok(Listing { messages, next });
            }
            if !wanted.takes_state(entry.state) {
                continue;
            }
            let head = file::read_head(&entry.path(&self.folder), &entry)?;
            if wanted.takes(&head) {
                messages.push(head);
            }
        }
        Ok(Listing { messages, next: None })
    }

    /// How many messages are here, and how many of them set aside.
    ///
    /// # Errors
    /// [`StoreError::Disk`].
    pub fn count(&self) -> Result<(usize, usize), StoreError> {
        let index = Index::read(&self.folder)?;
        Ok((index.len(), index.asides()))
    }

    /// The message named by its id, `csm1…`, or by its beginning of at least [`ID_CHARS_MIN`] characters.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn read(&self, id: &str) -> Result<KeptMessage, StoreError> {
        let entry = Index::read(&self.folder)?.named(id)?;
        Ok(file::read(&entry.path(&self.folder), &entry)?)
    }

    /// A number for a letter to somebody, greater than any before. It is used, whether the letter is sent or not.
    ///
    /// # Errors
    /// [`DiskError`].
    pub fn next_number(&self, to: &AccountId) -> Result<u64, DiskError> {
        let folder = self.folder.join(NUMBERS);
        let _lock = disk::lock(&self.folder)?;
        disk::private_folder(&folder)?;
        let path = folder.join(to.to_string());
        let last = match disk::read_private(&path, NUMBER_BYTES_MAX)? {
            None => 0,
            Some(bytes) => {
                let text = std::str::from_utf8(&bytes).unwrap_or_default().trim();
                let cause = || "it is no number".to_string();
                let damaged =
                    |_| DiskError::Damaged { path: path.display().to_string(), cause: cause(), advice: ADVICE };
                text.parse::<u64>().map_err(damaged)?
            }
        };
        let number = last.saturating_add(1);
        disk::replace(&path, format!("{number}\n").as_bytes())?;
        Ok(number)
    }
}

/// Which messages a listing shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Wanted {
    /// Only those of this kind.
    pub kind: Option<Kind>,
    /// Only those that are to be believed, or only those that were set aside; `None` for both.
    pub aside: Option<bool>,
    /// Only those that are handled, or only the others; `None` for both.
    pub handled: Option<bool>,
    /// Only those of this sender.
    pub from: Option<AccountId>,
}

impl Wanted {
    fn takes_state(&self, state: State) -> bool {
        self.aside.is_none_or(|wanted| wanted == (state == State::Aside))
            && self.handled.is_none_or(|wanted| wanted == (state == State::Handled))
    }

    fn takes(&self, head: &MessageHead) -> bool {
        self.kind.is_none_or(|kind| head.kind == Some(kind)) && self.from.is_none_or(|from| head.from == Some(from))
    }
}

#[cfg(test)]
mod tests;
