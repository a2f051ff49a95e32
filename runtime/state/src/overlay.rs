//! Writes over a state that is being read: a block's transactions run on one overlay, each behind its own savepoint.
//!
//! Every write is made at once and what it replaced goes to an undo log, so keeping a transaction is free and undoing it
//! costs what it wrote.
use crate::{Changes, StateRead, range};
use countersign_types::Hash;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

/// Entries asked of the base at least at a time, so that removed ones do not cost a search each.
const PAGE_MIN: usize = 16;

/// A state with writes of its own over a base that stays as it is.
pub struct Overlay<'a> {
    base: &'a dyn StateRead,
    values: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
    seen: BTreeMap<u64, Vec<Hash>>,
    seen_index: BTreeSet<(u64, Hash)>,
    seen_from: u64,
    /// What to put back, newest last; empty while there is no savepoint.
    undo: Vec<Undo>,
    /// Open savepoints, innermost last.
    savepoints: Vec<Open>,
    savepoints_made: u64,
}

/// A point to return to. Dropping it keeps what was written since.
#[must_use = "a savepoint serves to roll back or commit"]
#[derive(Debug)]
pub struct Savepoint(u64);

struct Open {
    number: u64,
    undo_len: usize,
}

enum Undo {
    /// What the overlay held under the key; `None` if it was the base's.
    Value(Vec<u8>, Option<Option<Vec<u8>>>),
    Remembered(u64),
    SeenFrom(u64),
}

impl<'a> Overlay<'a> {
    /// No writes over `base`.
    pub fn new(base: &'a dyn StateRead) -> Self {
        Self {
            base,
            values: BTreeMap::new(),
            seen: BTreeMap::new(),
            seen_index: BTreeSet::new(),
            seen_from: 0,
            undo: Vec::new(),
            savepoints: Vec::new(),
            savepoints_made: 0,
        }
    }

    /// Puts `value` under `key`.
    pub fn set(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.write(key, Some(value));
    }

    /// Removes what is under `key`, if anything.
    pub fn remove(&mut self, key: Vec<u8>) {
        self.write(key, None);
    }

    fn write(&mut self, key: Vec<u8>, value: Option<Vec<u8>>) {
        if self.savepoints.is_empty() {
            self.values.insert(key, value);
            return;
        }
        let before = match self.values.entry(key.clone()) {
            Entry::Occupied(mut held) => Some(held.insert(value)),
            Entry::Vacant(free) => {
                free.insert(value);
                None
            }
        };
        self.undo.push(Undo::Value(key, before));
    }

    /// Remembers the transaction `id` until its expiry `minute` is forgotten. An id that is remembered already stays once.
    pub fn remember(&mut self, minute: u64, id: Hash) {
        if self.seen(minute, &id) || !self.seen_index.insert((minute, id)) {
            return;
        }
        self.seen.entry(minute).or_default().push(id);
        if !self.savepoints.is_empty() {
            self.undo.push(Undo::Remembered(minute));
        }
    }

    /// Forgets all ids of expiry minutes before `minute`; they do not come back with a smaller `minute` later.
    pub fn forget_before(&mut self, minute: u64) {
        if minute <= self.seen_from {
            return;
        }
        if !self.savepoints.is_empty() {
            self.undo.push(Undo::SeenFrom(self.seen_from));
        }
        self.seen_from = minute;
    }

    /// A point to return to. Savepoints nest.
    pub fn savepoint(&mut self) -> Savepoint {
        let number = self.savepoints_made;
        self.savepoints_made += 1;
        self.savepoints.push(Open { number, undo_len: self.undo.len() });
        Savepoint(number)
    }

    /// Undoes all writes made since `savepoint`, and ends it with those made after it.
    ///
    /// # Panics
    /// If the savepoint has ended with one made before it, or is another overlay's.
    pub fn rollback(&mut self, savepoint: Savepoint) {
        let undo_len = self.end(savepoint);
        while self.undo.len() > undo_len {
            match self.undo.pop() {
                Some(Undo::Value(key, Some(before))) => {
                    self.values.insert(key, before);
                }
                Some(Undo::Value(key, None)) => {
                    self.values.remove(&key);
                }
                Some(Undo::Remembered(minute)) => self.unremember(minute),
                Some(Undo::SeenFrom(minute)) => self.seen_from = minute,
                None => return,
            }
        }
    }

    /// Keeps all writes made since `savepoint`, and ends it with those made after it. A savepoint around it can still undo them.
    ///
    /// # Panics
    /// If the savepoint has ended with one made before it, or is another overlay's.
    pub fn commit(&mut self, savepoint: Savepoint) {
        self.end(savepoint);
        if self.savepoints.is_empty() {
            self.undo.clear();
        }
    }

    fn end(&mut self, savepoint: Savepoint) -> usize {
        let at = self.savepoints.iter().rposition(|open| open.number == savepoint.0);
        let at = at.expect("a savepoint is used once, before those around it end");
        let undo_len = self.savepoints[at].undo_len;
        self.savepoints.truncate(at);
        undo_len
    }

    fn unremember(&mut self, minute: u64) {
        let ids = self.seen.get_mut(&minute).expect("the log names buckets with an id");
        let id = ids.pop().expect("the log names each id once");
        if ids.is_empty() {
            self.seen.remove(&minute);
        }
        self.seen_index.remove(&(minute, id));
    }

    /// All writes, as what a block did.
    pub fn into_changes(self) -> Changes {
        let mut seen = self.seen;
        Changes { values: self.values, seen: seen.split_off(&self.seen_from), seen_from: self.seen_from }
    }
}

impl StateRead for Overlay<'_> {
    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        match self.values.get(key) {
            Some(written) => written.clone(),
            None => self.base.get(key),
        }
    }

    fn range(&self, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Vec<(Vec<u8>, Vec<u8>)> {
        let written = self.values.range::<[u8], _>(range::ascending(prefix, after));
        let mut written = written.take_while(|(key, _)| key.starts_with(prefix)).peekable();
        let mut base = Pages::new(self.base, prefix, after);
        let mut found = Vec::new();
        while found.len() < limit {
            let wanted = limit - found.len();
            let Some(&(key, value)) = written.peek() else {
                match base.next(wanted) {
                    Some(entry) => found.push(entry),
                    None => break,
                }
                continue;
            };
            match base.peek(wanted) {
                Some(below) if below < key.as_slice() => found.extend(base.next(wanted)),
                below => {
                    if below == Some(key.as_slice()) {
                        base.next(wanted);
                    }
                    found.extend(value.as_ref().map(|value| (key.clone(), value.clone())));
                    written.next();
                }
            }
        }
        found
    }

    fn seen(&self, minute: u64, id: &Hash) -> bool {
        minute >= self.seen_from && (self.seen_index.contains(&(minute, *id)) || self.base.seen(minute, id))
    }
}

/// The base's entries under a prefix, read page by page.
struct Pages<'a> {
    base: &'a dyn StateRead,
    prefix: &'a [u8],
    after: Option<Vec<u8>>,
    page: std::iter::Peekable<std::vec::IntoIter<(Vec<u8>, Vec<u8>)>>,
    ended: bool,
}

impl<'a> Pages<'a> {
    fn new(base: &'a dyn StateRead, prefix: &'a [u8], after: Option<&[u8]>) -> Self {
        let after = after.map(<[u8]>::to_vec);
        Self { base, prefix, after, page: Vec::new().into_iter().peekable(), ended: false }
    }

    /// The next entry's key; `wanted` is how many more entries are of use.
    fn peek(&mut self, wanted: usize) -> Option<&[u8]> {
        if self.page.peek().is_none() && !self.ended {
            let size = wanted.max(PAGE_MIN);
            let page = self.base.range(self.prefix, self.after.as_deref(), size);
            self.ended = page.len() < size;
            if let Some((key, _)) = page.last() {
                self.after = Some(key.clone());
            }
            self.page = page.into_iter().peekable();
        }
        self.page.peek().map(|(key, _)| key.as_slice())
    }

    fn next(&mut self, wanted: usize) -> Option<(Vec<u8>, Vec<u8>)> {
        self.peek(wanted)?;
        self.page.next()
    }
}
