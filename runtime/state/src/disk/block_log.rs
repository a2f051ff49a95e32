//! Blocks, decided or not, in append-only segments: one write and one sync each, whatever the database is doing.
//!
//! ```text
//! blocks/0000000001.log    records of a closed segment      blocks/0000000001.index   height → offsets in it
//! blocks/0000000002.log    the segment that is written to; its index is in memory, rebuilt by reading it at opening
//! ```
//!
//! A block that was proposed is committed by naming its record, so its bytes are written once. They stand in the same
//! segment: proposals not yet decided move along when a segment is closed. Receipts are kept in a second log of this kind.
use super::directory::{file_error, sync_parent, write_whole};
use super::segment::{self, Body, End, Record, Segment};
use crate::store::StoreError;
use countersign_types::{Hash, Height, limits};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Bytes of a segment beyond which it takes no more proposals: many times what any height needs, and offsets stay below 4 GiB.
const PROPOSALS_BYTES_MAX: u32 = 2 << 30;
/// Bytes of entries that are appended, and synced, together.
const APPEND_BYTES: usize = 16 << 20;
/// Bytes of an index's header (the first height) and of each entry (two offsets).
const INDEX_UNIT: u64 = 8;

#[derive(Debug)]
pub(super) struct BlockLog {
    directory: PathBuf,
    /// A segment is closed when it is longer.
    segment_bytes: u32,
    /// Held while appending and syncing; readers need not wait for it.
    segment: Mutex<Segment>,
    index: RwLock<Index>,
}

/// Where everything stands that is durable.
#[derive(Debug, Default)]
struct Index {
    /// Oldest first, without gaps.
    closed: Vec<Closed>,
    /// Number of the segment that is written to.
    number: u64,
    /// Height of its first commit, if any.
    first: Height,
    commits: Vec<Entry>,
    proposals: BTreeMap<(Height, u32, Hash), Undecided>,
}

#[derive(Clone, Copy, Debug)]
struct Closed {
    number: u64,
    first: Height,
    count: u64,
}

/// Offsets of a commit's record and of the one with its block's bytes.
#[derive(Clone, Copy, Debug)]
struct Entry {
    commit: u32,
    block: u32,
}

#[derive(Clone, Copy, Debug)]
struct Undecided {
    /// Hash of the bytes.
    content: Hash,
    /// Offset of the record with the bytes.
    at: u32,
}

fn content(block: &[u8]) -> Hash {
    Hash::of("block-bytes", block)
}

fn check_size(block: &[u8]) -> Result<(), StoreError> {
    let (size, limit) = (block.len(), limits::BLOCK_BYTES_MAX);
    if size > limit { Err(StoreError::Oversized { size, limit }) } else { Ok(()) }
}

impl BlockLog {
    /// Opens the log in `directory`. Entries after the height `kept`, if it is given, come again when they are lost: damage
    /// among them is cut off.
    pub(super) fn open(directory: PathBuf, segment_bytes: u32, kept: Option<Height>) -> Result<Self, StoreError> {
        fs::create_dir_all(&directory).map_err(file_error("create", &directory))?;
        sync_parent(&directory)?;
        let mut numbers = segment_numbers(&directory)?;
        let mut index = Index { number: numbers.pop().unwrap_or(1), ..Index::default() };
        for number in numbers {
            let closed = open_closed(&directory, number)?;
            if index.closed.last().is_some_and(|before| before.first.get() + before.count != closed.first.get()) {
                return Err(segment::damaged(&log_path(&directory, number), 0));
            }
            index.closed.push(closed);
        }
        let path = log_path(&directory, index.number);
        let segment = if path.exists() {
            let end = match segment::scan(&path, |at, record| index.add(at, record).is_some())? {
                End::Whole(end) => end,
                End::Damaged(at) if kept.is_some_and(|kept| index.tip().unwrap_or_default() >= kept) => at,
                End::Damaged(at) => return Err(segment::damaged(&path, at.into())),
            };
            Segment::reopen(path, end)?
        } else {
            let segment = Segment::create(path.clone())?;
            sync_parent(&path)?;
            segment
        };
        let segment_bytes = segment_bytes.min(PROPOSALS_BYTES_MAX);
        Ok(Self { directory, segment_bytes, segment: Mutex::new(segment), index: RwLock::new(index) })
    }

    pub(super) fn put_proposal(&self, height: Height, round: u32, hash: Hash, block: &[u8]) -> Result<(), StoreError> {
        check_size(block)?;
        let mut segment = self.segment();
        let content = content(block);
        let known = {
            let index = self.index();
            if index.tip().is_some_and(|tip| height <= tip) {
                return Err(StoreError::Decided { height });
            }
            index.proposals.get(&(height, round, hash)).is_some_and(|held| held.content == content)
        };
        if known {
            return Ok(());
        }
        self.make_room(&mut segment)?;
        if segment.end() > PROPOSALS_BYTES_MAX {
            return Err(StoreError::TooManyProposals { size: segment.end().into(), limit: PROPOSALS_BYTES_MAX.into() });
        }
        let block = self.body(content, block);
        let held_at = if let Body::At(at) = block { Some(at) } else { None };
        let offsets = segment.append(&[Record::Proposal { height, round, hash, block }])?;
        let at = held_at.unwrap_or(offsets[0]);
        self.index_mut().proposals.insert((height, round, hash), Undecided { content, at });
        Ok(())
    }

    pub(super) fn proposals(&self, height: Height) -> Vec<(u32, Hash)> {
        let index = self.index();
        let from = index.proposals.range((height, 0, Hash::ZERO)..);
        from.take_while(|((at, ..), _)| *at == height).map(|((_, round, hash), _)| (*round, *hash)).collect()
    }

    pub(super) fn proposal_bytes(&self, hash: &Hash) -> Result<Option<Vec<u8>>, StoreError> {
        let place = {
            let index = self.index();
            let found = index.proposals.iter().find(|((.., of), _)| of == hash);
            found.map(|(_, undecided)| (index.number, undecided.at))
        };
        place.map_or(Ok(None), |(number, at)| read_block(&log_path(&self.directory, number), at))
    }

    /// Appends a decided block, which must come after the tip.
    pub(super) fn commit(&self, height: Height, block: &[u8], certificate: &[u8]) -> Result<(), StoreError> {
        check_size(block)?;
        let mut segment = self.segment();
        self.make_room(&mut segment)?;
        let block = self.body(content(block), block);
        self.append(&mut segment, &[Record::Commit { height, block, certificate: Cow::Borrowed(certificate) }])
    }

    /// Appends entries, which must come after the tip, with few syncs.
    pub(super) fn extend(&self, entries: &[(Height, Vec<u8>)]) -> Result<(), StoreError> {
        let mut segment = self.segment();
        let mut rest = entries;
        while !rest.is_empty() {
            let mut size = 0;
            let fits = rest.iter().take_while(|(_, bytes)| {
                size += bytes.len();
                size <= APPEND_BYTES
            });
            let (batch, after) = rest.split_at(fits.count().max(1));
            let commit = |(height, bytes): &(Height, Vec<u8>)| Record::Commit {
                height: *height,
                block: Body::Here(Cow::Owned(bytes.clone())),
                certificate: Cow::Borrowed(&[]),
            };
            self.make_room(&mut segment)?;
            self.append(&mut segment, &batch.iter().map(commit).collect::<Vec<_>>())?;
            rest = after;
        }
        Ok(())
    }

    fn append(&self, segment: &mut Segment, commits: &[Record<'_>]) -> Result<(), StoreError> {
        let offsets = segment.append(commits)?;
        let mut index = self.index_mut();
        for (at, commit) in offsets.into_iter().zip(commits) {
            index.add(at, commit).expect("the store commits heights in order, one at a time");
        }
        Ok(())
    }

    pub(super) fn block(&self, height: Height) -> Result<Option<Vec<u8>>, StoreError> {
        self.place(height)?.map_or(Ok(None), |(path, entry)| read_block(&path, entry.block))
    }

    pub(super) fn certificate(&self, height: Height) -> Result<Option<Vec<u8>>, StoreError> {
        let Some((path, entry)) = self.place(height)? else {
            return Ok(None);
        };
        match segment::read(&path, entry.commit)? {
            None => Ok(None),
            Some(Record::Commit { height: at, certificate, .. }) if at == height => Ok(Some(certificate.into_owned())),
            Some(_) => Err(segment::damaged(&path, entry.commit.into())),
        }
    }

    pub(super) fn first(&self) -> Option<Height> {
        let index = self.index();
        let first = index.closed.first().map(|closed| closed.first);
        first.or((!index.commits.is_empty()).then_some(index.first))
    }

    pub(super) fn tip(&self) -> Option<Height> {
        self.index().tip()
    }

    /// Removes segments all of whose blocks are below `height`; returns how many blocks they held.
    pub(super) fn prune_below(&self, height: Height) -> Result<u64, StoreError> {
        let _appending = self.segment();
        let mut removed = 0;
        loop {
            let oldest = self.index().closed.first().copied();
            let Some(oldest) = oldest.filter(|oldest| oldest.first.get() + oldest.count <= height.get()) else {
                return Ok(removed);
            };
            self.index_mut().closed.remove(0);
            // In this order: a segment without its index is damaged, an index without its segment is nothing.
            for path in [log_path(&self.directory, oldest.number), index_path(&self.directory, oldest.number)] {
                fs::remove_file(&path).map_err(file_error("remove", &path))?;
                sync_parent(&path)?;
            }
            removed += oldest.count;
        }
    }

    /// Where a commit stands, in which segment.
    fn place(&self, height: Height) -> Result<Option<(PathBuf, Entry)>, StoreError> {
        let closed = {
            let index = self.index();
            if let Some(entry) = index.entry(height) {
                return Ok(Some((log_path(&self.directory, index.number), entry)));
            }
            let at = index.closed.partition_point(|closed| closed.first <= height);
            at.checked_sub(1)
                .map(|at| index.closed[at])
                .filter(|closed| height.get() < closed.first.get() + closed.count)
        };
        let Some(closed) = closed else {
            return Ok(None);
        };
        let path = index_path(&self.directory, closed.number);
        let mut entry = [0; INDEX_UNIT as usize];
        match File::open(&path) {
            Ok(file) => {
                let at = (1 + height.get() - closed.first.get()) * INDEX_UNIT;
                file.read_exact_at(&mut entry, at).map_err(file_error("read", &path))?;
            }
            // Pruned since.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(file_error("open", &path)(error)),
        }
        Ok(Some((log_path(&self.directory, closed.number), Entry::from_bytes(entry))))
    }

    /// The bytes, or the record of this segment that has them.
    fn body<'b>(&self, content: Hash, block: &'b [u8]) -> Body<'b> {
        let index = self.index();
        let held = index.proposals.values().find(|undecided| undecided.content == content);
        held.map_or(Body::Here(Cow::Borrowed(block)), |undecided| Body::At(undecided.at))
    }

    /// Closes the segment if it is long enough, and begins the next with the proposals that are not decided.
    fn make_room(&self, segment: &mut Segment) -> Result<(), StoreError> {
        let (number, first, commits, proposals) = {
            let index = self.index();
            if segment.end() < self.segment_bytes || index.commits.is_empty() {
                return Ok(());
            }
            (index.number, index.first, index.commits.clone(), index.proposals.clone())
        };
        write_whole(&index_path(&self.directory, number), &[&encode_index(first, &commits)])?;
        let path = log_path(&self.directory, number + 1);
        let mut next = Segment::create(path.with_extension("new"))?;
        let mut moved = BTreeMap::new();
        let old_path = log_path(&self.directory, number);
        for ((height, round, hash), undecided) in proposals {
            let block =
                read_block(&old_path, undecided.at)?.ok_or_else(|| segment::damaged(&old_path, undecided.at.into()))?;
            let block = Body::Here(Cow::Owned(block));
            let offsets = next.append(&[Record::Proposal { height, round, hash, block }])?;
            moved.insert((height, round, hash), Undecided { at: offsets[0], ..undecided });
        }
        next.move_to(path.clone())?;
        sync_parent(&path)?;
        let mut index = self.index_mut();
        index.closed.push(Closed { number, first, count: commits.len() as u64 });
        index.number += 1;
        index.commits.clear();
        index.proposals = moved;
        *segment = next;
        Ok(())
    }

    // What the locks guard is changed only after what it depends on has succeeded, so it is whole after a panic elsewhere.
    fn segment(&self) -> MutexGuard<'_, Segment> {
        self.segment.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn index(&self) -> RwLockReadGuard<'_, Index> {
        self.index.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn index_mut(&self) -> RwLockWriteGuard<'_, Index> {
        self.index.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Index {
    fn tip(&self) -> Option<Height> {
        match (self.commits.len() as u64, self.closed.last()) {
            (0, None) => None,
            (0, Some(closed)) => Some(Height::new(closed.first.get() + closed.count - 1)),
            (count, _) => Some(Height::new(self.first.get() + count - 1)),
        }
    }

    /// The entry of a commit of the segment that is written to.
    fn entry(&self, height: Height) -> Option<Entry> {
        let at = height.get().checked_sub(self.first.get())?;
        self.commits.get(usize::try_from(at).ok()?).copied()
    }

    /// Takes a record at offset `at` in; `None` if it does not follow those before.
    fn add(&mut self, at: u32, record: &Record<'_>) -> Option<()> {
        match record {
            Record::Proposal { height, round, hash, block } => {
                let undecided = match block {
                    Body::Here(block) => Undecided { content: content(block), at },
                    Body::At(of) => *self.proposals.values().find(|undecided| undecided.at == *of)?,
                };
                self.proposals.insert((*height, *round, *hash), undecided);
            }
            Record::Commit { height, block, .. } => {
                if self.tip().is_some_and(|tip| *height != tip.next()) {
                    return None;
                }
                if self.commits.is_empty() {
                    self.first = *height;
                }
                self.commits.push(Entry { commit: at, block: if let Body::At(of) = block { *of } else { at } });
                self.proposals = self.proposals.split_off(&(height.next(), 0, Hash::ZERO));
            }
        }
        Some(())
    }
}

impl Entry {
    fn from_bytes(bytes: [u8; INDEX_UNIT as usize]) -> Self {
        let [commit, block] = [[bytes[0], bytes[1], bytes[2], bytes[3]], [bytes[4], bytes[5], bytes[6], bytes[7]]];
        Self { commit: u32::from_le_bytes(commit), block: u32::from_le_bytes(block) }
    }
}

fn encode_index(first: Height, commits: &[Entry]) -> Vec<u8> {
    let mut bytes = first.get().to_le_bytes().to_vec();
    for entry in commits {
        bytes.extend(entry.commit.to_le_bytes());
        bytes.extend(entry.block.to_le_bytes());
    }
    bytes
}

/// The bytes of a block in the record at `at`; `None` if the segment is gone.
fn read_block(path: &Path, at: u32) -> Result<Option<Vec<u8>>, StoreError> {
    match segment::read(path, at)? {
        None => Ok(None),
        Some(Record::Proposal { block: Body::Here(block), .. } | Record::Commit { block: Body::Here(block), .. }) => {
            Ok(Some(block.into_owned()))
        }
        Some(_) => Err(segment::damaged(path, at.into())),
    }
}

/// First height and count of a closed segment, from its index.
fn open_closed(directory: &Path, number: u64) -> Result<Closed, StoreError> {
    let path = index_path(directory, number);
    let file = File::open(&path).map_err(file_error("open", &path))?;
    let length = file.metadata().map_err(file_error("read", &path))?.len();
    if length % INDEX_UNIT != 0 || length < 2 * INDEX_UNIT {
        return Err(segment::damaged(&path, length));
    }
    let mut first = [0; INDEX_UNIT as usize];
    file.read_exact_at(&mut first, 0).map_err(file_error("read", &path))?;
    Ok(Closed { number, first: Height::new(u64::from_le_bytes(first)), count: length / INDEX_UNIT - 1 })
}

/// Numbers of the segments in a directory, in order.
fn segment_numbers(directory: &Path) -> Result<Vec<u64>, StoreError> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(directory).map_err(file_error("read", directory))? {
        let name = entry.map_err(file_error("read", directory))?.file_name();
        let number = name.to_str().and_then(|name| name.strip_suffix(".log")?.parse::<u64>().ok());
        numbers.extend(number);
    }
    numbers.sort_unstable();
    Ok(numbers)
}

fn log_path(directory: &Path, number: u64) -> PathBuf {
    directory.join(format!("{number:010}.log"))
}

fn index_path(directory: &Path, number: u64) -> PathBuf {
    directory.join(format!("{number:010}.index"))
}
