//! A segment of a log: records one after another, each with its length and a checksum, packed where that is shorter.
//!
//! Records are durable when their append returns. A crash can leave only those of the last append incomplete.
use super::directory::file_error;
use crate::packed;
use crate::snapshot::Corruption;
use crate::store::StoreError;
use countersign_types::{Hash, Height};
use parity_scale_codec::{Decode, DecodeAll, Encode};
use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// Bytes of a record: the largest block and its certificate, or the receipts of one whose transactions leave all the events they may
/// pay for. A damaged length allocates no more.
const RECORD_BYTES_MAX: usize = 256 << 20;
/// Length of the body, its complement, and the first half of the body's hash.
const HEADER_BYTES: usize = 4 + 4 + CHECKSUM_BYTES;
const CHECKSUM_BYTES: usize = 16;
/// Set in the length of a body that is packed.
const PACKED: u32 = 1 << 31;
/// Bytes of a body from which on packing is tried: a smaller one takes a disk block anyway.
const PACKED_BYTES_MIN: usize = 1024;

/// What a segment holds.
#[derive(Encode, Decode)]
pub(super) enum Record<'a> {
    /// A block that is not decided.
    Proposal { height: Height, round: u32, hash: Hash, block: Body<'a> },
    /// A decided block.
    Commit { height: Height, block: Body<'a>, certificate: Cow<'a, [u8]> },
}

/// A block's bytes, which stand in a segment once.
#[derive(Encode, Decode)]
pub(super) enum Body<'a> {
    Here(Cow<'a, [u8]>),
    /// In the record at this offset of the same segment.
    At(u32),
}

/// A segment that records are appended to.
#[derive(Debug)]
pub(super) struct Segment {
    path: PathBuf,
    file: File,
    /// Where the next record goes.
    end: u32,
    /// A sync failed, so what was written since may be lost though it reads well: nothing more is taken.
    is_broken: bool,
}

impl Segment {
    /// A new segment; its directory is not synced.
    pub(super) fn create(path: PathBuf) -> Result<Self, StoreError> {
        let file = File::options().create(true).truncate(true).read(true).write(true).open(&path);
        let file = file.map_err(file_error("create", &path))?;
        Ok(Self { path, file, end: 0, is_broken: false })
    }

    /// Opens a segment after a stop or crash, whose records end at `end`: what an interrupted append left there is cut off.
    pub(super) fn reopen(path: PathBuf, end: u32) -> Result<Self, StoreError> {
        let file = File::options().read(true).write(true).open(&path).map_err(file_error("open", &path))?;
        let cut = || -> io::Result<()> {
            if file.metadata()?.len() > u64::from(end) {
                file.set_len(u64::from(end))?;
                file.sync_all()?;
            }
            Ok(())
        };
        cut().map_err(file_error("cut the incomplete end off", &path))?;
        Ok(Self { path, file, end, is_broken: false })
    }

    pub(super) fn end(&self) -> u32 {
        self.end
    }

    /// Renames the file.
    pub(super) fn move_to(&mut self, path: PathBuf) -> Result<(), StoreError> {
        std::fs::rename(&self.path, &path).map_err(file_error("rename", &self.path))?;
        self.path = path;
        Ok(())
    }

    /// Appends records, durable on return, and returns their offsets. After an error none is added.
    pub(super) fn append(&mut self, records: &[Record<'_>]) -> Result<Vec<u32>, StoreError> {
        if self.is_broken {
            return Err(file_error("write after a failed sync", &self.path)(io::ErrorKind::Other.into()));
        }
        let mut bytes = Vec::new();
        let mut offsets = Vec::with_capacity(records.len());
        for record in records {
            let body = record.encode();
            if body.len() > RECORD_BYTES_MAX {
                return Err(StoreError::Oversized { size: body.len(), limit: RECORD_BYTES_MAX });
            }
            offsets.push(offset(u64::from(self.end) + bytes.len() as u64));
            let packed = Some(&body).filter(|body| body.len() >= PACKED_BYTES_MIN).map(|body| packed::pack(body, &[]));
            let (mark, body) = match packed.filter(|packed| packed.len() < body.len()) {
                Some(packed) => (PACKED, packed),
                None => (0, body),
            };
            bytes.extend(header(&body, mark));
            bytes.extend(body);
        }
        let end = offset(u64::from(self.end) + bytes.len() as u64);
        if let Err(error) = self.file.write_all_at(&bytes, u64::from(self.end)) {
            // Best effort: the next append overwrites the same place.
            let _ = self.file.set_len(u64::from(self.end));
            return Err(file_error("write", &self.path)(error));
        }
        if let Err(error) = self.file.sync_data() {
            self.is_broken = true;
            return Err(file_error("sync", &self.path)(error));
        }
        self.end = end;
        Ok(offsets)
    }
}

fn offset(at: u64) -> u32 {
    u32::try_from(at).expect("segments are closed, and appends split, far below 4 GiB")
}

/// The record at `offset` of a segment; `None` if the segment is gone.
pub(super) fn read(path: &Path, offset: u32) -> Result<Option<Record<'static>>, StoreError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(file_error("open", path)(error)),
    };
    let at = u64::from(offset);
    let mut header = [0; HEADER_BYTES];
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::UnexpectedEof => damaged(path, at),
        _ => file_error("read", path)(error),
    };
    file.read_exact_at(&mut header, at).map_err(failed)?;
    let (length, _) = body_length(&header).ok_or_else(|| damaged(path, at))?;
    let mut body = vec![0; length];
    file.read_exact_at(&mut body, at + HEADER_BYTES as u64).map_err(failed)?;
    decode(&header, &body).map(Some).ok_or_else(|| damaged(path, at))
}

/// What a segment's records end with.
pub(super) enum End {
    /// The end of the file, or an append of one record that a crash cut short.
    Whole(u32),
    /// Bytes at this offset that are no record, with more after them.
    Damaged(u32),
}

/// Shows the records of a segment to `take`, which returns whether a record may stand where it does, up to the first that is not
/// whole or may not.
pub(super) fn scan(path: &Path, mut take: impl FnMut(u32, &Record<'_>) -> bool) -> Result<End, StoreError> {
    let file = File::open(path).map_err(file_error("open", path))?;
    let length = file.metadata().map_err(file_error("read", path))?.len();
    let length = u32::try_from(length).map_err(|_| damaged(path, length))?;
    let mut reader = BufReader::new(file);
    let mut at = 0;
    loop {
        match next(&mut reader, length - at).map_err(file_error("read", path))? {
            Next::Record(record, size) if take(at, &record) => at += size,
            Next::End => return Ok(End::Whole(at)),
            Next::Record(..) | Next::Damaged => return Ok(End::Damaged(at)),
        }
    }
}

enum Next {
    /// With its size in the file.
    Record(Record<'static>, u32),
    /// Nothing more, or an append that a crash cut short.
    End,
    Damaged,
}

/// Reads a record of a file that has `left` bytes more.
fn next(reader: &mut impl Read, left: u32) -> io::Result<Next> {
    if (left as usize) < HEADER_BYTES {
        return Ok(Next::End);
    }
    let mut header = [0; HEADER_BYTES];
    reader.read_exact(&mut header)?;
    let Some((length, _)) = body_length(&header) else {
        // An append whose blocks did not reach the disk reads as zeros to the end.
        return Ok(if is_zero_to_end(reader)? { Next::End } else { Next::Damaged });
    };
    let size = match u32::try_from(HEADER_BYTES + length) {
        Ok(size) if size <= left => size,
        _ => return Ok(Next::End),
    };
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(match decode(&header, &body) {
        Some(record) => Next::Record(record, size),
        None if size == left => Next::End,
        None => Next::Damaged,
    })
}

fn is_zero_to_end(reader: &mut impl Read) -> io::Result<bool> {
    let mut page = [0; 4096];
    loop {
        match reader.read(&mut page)? {
            0 => return Ok(true),
            n if page[..n].iter().any(|byte| *byte != 0) => return Ok(false),
            _ => {}
        }
    }
}

/// The header of a body; `mark` is [`PACKED`] or nothing.
fn header(body: &[u8], mark: u32) -> [u8; HEADER_BYTES] {
    let length = u32::try_from(body.len()).expect("bounded by RECORD_BYTES_MAX") | mark;
    let mut header = [0; HEADER_BYTES];
    header[..4].copy_from_slice(&length.to_le_bytes());
    header[4..8].copy_from_slice(&(!length).to_le_bytes());
    header[8..].copy_from_slice(&Hash::of("block-log", body).0[..CHECKSUM_BYTES]);
    header
}

/// The length that a header names, if it is whole, and [`PACKED`] if the body is.
fn body_length(header: &[u8; HEADER_BYTES]) -> Option<(usize, u32)> {
    let ([length, complement], _) = header.as_chunks::<4>().0.split_first_chunk::<2>()?;
    let length = u32::from_le_bytes(*length);
    let (mark, bytes) = (length & PACKED, (length & !PACKED) as usize);
    (!length == u32::from_le_bytes(*complement) && bytes <= RECORD_BYTES_MAX).then_some((bytes, mark))
}

fn decode(header_found: &[u8; HEADER_BYTES], body: &[u8]) -> Option<Record<'static>> {
    let (_, mark) = body_length(header_found)?;
    if header(body, mark) != *header_found {
        return None;
    }
    match mark {
        PACKED => Record::decode_all(&mut &packed::unpack(body, &[], RECORD_BYTES_MAX)?[..]).ok(),
        _ => Record::decode_all(&mut &body[..]).ok(),
    }
}

pub(super) fn damaged(path: &Path, at: u64) -> StoreError {
    Corruption::Log { path: path.to_path_buf(), at }.into()
}
