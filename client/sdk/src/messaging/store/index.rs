//! What is in a folder of messages, by the names of its files.
use super::{StoreError, id_text};
use crate::messaging::disk::{self, DiskError};
use crate::messaging::limits::{ID_CHARS_MIN, STORED_MESSAGES_MAX};
use crate::types::Hash;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Names in a folder that are looked at: the messages, and as many that a killed run or a person left.
const FILES_MAX: usize = 2 * STORED_MESSAGES_MAX;
/// The endings of messages' files: not yet handled, handled, not to be believed.
const ENDINGS: [(State, &str); 3] = [(State::Open, "message"), (State::Handled, "handled"), (State::Aside, "aside")];
/// Ends the name of a file that is not yet at its place.
const UNFINISHED: &str = ".part";

/// What became of a message.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum State {
    /// It is to be read.
    Open,
    /// Its receiver has done what was to be done.
    Handled,
    /// It is not to be believed.
    Aside,
}

/// A message's file.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Entry {
    /// Grows with every message that is stored.
    pub place: u64,
    /// The message's id.
    pub id: Hash,
    /// What became of it.
    pub state: State,
}

impl Entry {
    pub fn path(&self, folder: &Path) -> PathBuf {
        let ending = ENDINGS.iter().find(|(state, _)| *state == self.state).map_or("", |(_, ending)| ending);
        folder.join(format!("{:016x}-{}.{ending}", self.place, self.id))
    }

    fn of_name(name: &str) -> Option<Self> {
        let (place, rest) = name.split_once('-')?;
        let (id, ending) = rest.split_once('.')?;
        let (state, _) = ENDINGS.iter().find(|(_, known)| *known == ending)?;
        let entry = Self { place: u64::from_str_radix(place, 16).ok()?, id: id.parse().ok()?, state: *state };
        // One spelling: what is found is what would be written.
        (entry.path(Path::new("")).to_str() == Some(name)).then_some(entry)
    }
}

/// The messages in a folder.
#[derive(Default, Debug)]
pub struct Index {
    entries: BTreeMap<u64, (Entry, u64)>,
    ids: BTreeSet<Hash>,
    bytes: u64,
}

impl Index {
    pub fn read(folder: &Path) -> Result<Self, DiskError> {
        let mut index = Self::default();
        if !folder.exists() {
            return Ok(index);
        }
        let entries = fs::read_dir(folder).map_err(|source| disk::io_error(folder, source))?;
        for file in entries.take(FILES_MAX).flatten() {
            let entry = file.file_name().to_str().and_then(Entry::of_name);
            // One that another run has just removed is not there.
            if let (Some(entry), Ok(metadata)) = (entry, file.metadata()) {
                index.add(entry, metadata.len());
            }
        }
        Ok(index)
    }

    pub fn add(&mut self, entry: Entry, bytes: u64) {
        self.entries.insert(entry.place, (entry, bytes));
        self.ids.insert(entry.id);
        self.bytes = self.bytes.saturating_add(bytes);
    }

    pub fn remove(&mut self, entry: &Entry) {
        if let Some((entry, bytes)) = self.entries.remove(&entry.place) {
            self.ids.remove(&entry.id);
            self.bytes = self.bytes.saturating_sub(bytes);
        }
    }

    pub fn has(&self, id: &Hash) -> bool {
        self.ids.contains(id)
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    pub fn asides(&self) -> usize {
        self.entries.values().filter(|(entry, _)| entry.state == State::Aside).count()
    }

    pub fn oldest_aside(&self) -> Option<Entry> {
        self.entries.values().map(|(entry, _)| *entry).find(|entry| entry.state == State::Aside)
    }

    pub fn next_place(&self) -> u64 {
        self.entries.last_key_value().map_or(1, |(place, _)| place.saturating_add(1))
    }

    pub fn newest_before(&self, before: u64) -> impl Iterator<Item = Entry> {
        self.entries.range(..before).rev().map(|(_, (entry, _))| *entry)
    }

    /// The message with this id, or the only one whose id begins so.
    pub fn named(&self, id: &str) -> Result<Entry, StoreError> {
        let id = id.trim().to_ascii_lowercase();
        if id.len() < ID_CHARS_MIN {
            return Err(StoreError::ShortId);
        }
        let begins = |entry: &Entry| id_text(&entry.id).starts_with(&id);
        let mut found = self.entries.values().map(|(entry, _)| *entry).filter(begins);
        let first = found.next();
        let count = found.count() + 1;
        let id = id.chars().take(80).collect();
        match (first, count) {
            (Some(only), 1) => Ok(only),
            (Some(_), count) => Err(StoreError::Ambiguous { id, count }),
            (None, _) => Err(StoreError::NotFound { id }),
        }
    }
}

/// Removes what a killed run had begun to write. Under the lock.
pub fn sweep(folder: &Path) -> Result<(), DiskError> {
    let entries = fs::read_dir(folder).map_err(|source| disk::io_error(folder, source))?;
    for file in entries.take(FILES_MAX).flatten() {
        if file.file_name().to_str().is_some_and(|name| name.ends_with(UNFINISHED)) {
            disk::remove(&file.path())?;
        }
    }
    Ok(())
}
