//! The file: a mark with the version, then chunks one after another, each with its length and a checksum, the last of which counts them.
//!
//! What a chunk may hold is bounded, so that a damaged or malicious length allocates no more. The checksum finds damage and names its
//! place; against malice there are the certificates and the root.
use super::SnapshotError;
use crate::trail::Link;
use countersign_types::{Certificate, Hash, Hasher, Header, Height, limits};
use parity_scale_codec::{Decode, DecodeAll, Encode};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// The beginning of every snapshot; the rest of the line is the version.
const NAME: &[u8] = b"countersign-snapshot ";
/// The beginning of those that this version reads and writes.
const MARK: &[u8; 23] = b"countersign-snapshot 1\n";
/// Bytes of a chunk: the largest block with its certificate is the largest, and fits with room to spare.
const CHUNK_BYTES_MAX: usize = limits::BLOCK_BYTES_MAX + 1024 * 1024;
/// Bytes of entries, ids or receipts after which a chunk is closed: small against any state, large against its header.
pub(super) const PART_BYTES: usize = 1024 * 1024;
/// Length of the body and the first half of its hash.
const HEADER_BYTES: usize = 4 + CHECKSUM_BYTES;
const CHECKSUM_BYTES: usize = 16;

/// A part of a snapshot. They come in the order of this list.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub(super) enum Chunk {
    /// What it is a snapshot of.
    Start {
        /// The chain's id.
        chain: Hash,
        /// The state is that after the block at this height.
        height: Height,
    },
    /// Changes of the validators, oldest first, up to the block of the snapshot.
    Link(Link),
    /// The header after the block, which names the roots of state and receipts.
    Certified {
        /// It.
        header: Header,
        /// The validators' signatures on it.
        certificate: Certificate,
    },
    /// The block.
    Block {
        /// Its encoding.
        bytes: Vec<u8>,
        /// The validators' signatures on its header.
        certificate: Certificate,
    },
    /// A part of the block's encoded receipts.
    Receipts(Vec<u8>),
    /// Entries of the state, in the order of their keys over all chunks.
    Values(Vec<(Vec<u8>, Vec<u8>)>),
    /// Remembered ids in the order they ran; minutes increase over all chunks, or stay the same.
    Ids {
        /// The minute in which their transactions expire.
        minute: u64,
        /// Some of them.
        ids: Vec<Hash>,
    },
    /// Nothing follows.
    End {
        /// Chunks before this one.
        chunks: u64,
    },
}

fn checksum(number: u64, body: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let mut hasher = Hasher::new("snapshot-chunk");
    hasher.update(&number.to_le_bytes()).update(body);
    let mut half = [0; CHECKSUM_BYTES];
    half.copy_from_slice(&hasher.finish().0[..CHECKSUM_BYTES]);
    half
}

/// Writes a snapshot.
pub(super) struct Writer<W> {
    out: W,
    chunks: u64,
    bytes: u64,
}

impl<W: Write> Writer<W> {
    pub fn new(mut out: W) -> io::Result<Self> {
        out.write_all(MARK)?;
        Ok(Self { out, chunks: 0, bytes: MARK.len() as u64 })
    }

    pub fn put(&mut self, chunk: &Chunk) -> io::Result<()> {
        let body = chunk.encode();
        let length = u32::try_from(body.len()).ok().filter(|length| *length as usize <= CHUNK_BYTES_MAX);
        let length =
            length.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "a record of the state is too long"))?;
        self.out.write_all(&length.to_le_bytes())?;
        self.out.write_all(&checksum(self.chunks, &body))?;
        self.out.write_all(&body)?;
        self.chunks += 1;
        self.bytes += (HEADER_BYTES + body.len()) as u64;
        Ok(())
    }

    /// Writes the end; returns what was written to, and how many bytes.
    pub fn finish(mut self) -> io::Result<(W, u64)> {
        self.put(&Chunk::End { chunks: self.chunks })?;
        self.out.flush()?;
        Ok((self.out, self.bytes))
    }
}

/// Reads a snapshot, chunk by chunk.
pub(super) struct Reader<R> {
    input: R,
    path: PathBuf,
    chunks: u64,
    /// Where the next chunk begins.
    at: u64,
}

impl<R: Read> Reader<R> {
    /// Reads the mark of `input`, which is the file at `path`.
    pub fn new(mut input: R, path: &Path) -> Result<Self, SnapshotError> {
        let path = path.to_path_buf();
        let mut mark = Vec::with_capacity(MARK.len());
        match input.by_ref().take(MARK.len() as u64).read_to_end(&mut mark) {
            Err(cause) => Err(SnapshotError::File { action: "read", path, cause }),
            Ok(_) if mark == MARK => Ok(Self { input, path, chunks: 0, at: MARK.len() as u64 }),
            Ok(_) if MARK.starts_with(&mark) => Err(SnapshotError::Truncated { path, at: 0 }),
            Ok(_) if mark.starts_with(NAME) => Err(SnapshotError::OtherVersion { path }),
            Ok(_) => Err(SnapshotError::NoSnapshot { path }),
        }
    }

    /// The next chunk.
    pub fn next(&mut self) -> Result<Chunk, SnapshotError> {
        let mut header = [0; HEADER_BYTES];
        self.fill(&mut header)?;
        let (length, expected) = header.split_first_chunk().expect("the header is longer than the length");
        let length = u32::from_le_bytes(*length) as usize;
        if length > CHUNK_BYTES_MAX {
            return Err(self.damaged());
        }
        let mut body = vec![0; length];
        self.fill(&mut body)?;
        if checksum(self.chunks, &body) != expected {
            return Err(self.damaged());
        }
        let chunk = Chunk::decode_all(&mut &body[..]).map_err(|_| self.damaged())?;
        if let Chunk::End { chunks } = chunk
            && (chunks != self.chunks || !self.is_at_end()?)
        {
            return Err(self.damaged());
        }
        self.chunks += 1;
        self.at += (HEADER_BYTES + length) as u64;
        Ok(chunk)
    }

    /// The chunk that was read last stands where another belongs.
    pub fn out_of_place(&self, expected: &'static str) -> SnapshotError {
        SnapshotError::Order { path: self.path.clone(), chunk: self.chunks.saturating_sub(1), expected }
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), SnapshotError> {
        self.input.read_exact(bytes).map_err(|cause| match cause.kind() {
            io::ErrorKind::UnexpectedEof => SnapshotError::Truncated { path: self.path.clone(), at: self.at },
            _ => SnapshotError::File { action: "read", path: self.path.clone(), cause },
        })
    }

    fn is_at_end(&mut self) -> Result<bool, SnapshotError> {
        let mut more = [0];
        let read = self.input.read(&mut more);
        let read = read.map_err(|cause| SnapshotError::File { action: "read", path: self.path.clone(), cause })?;
        Ok(read == 0)
    }

    fn damaged(&self) -> SnapshotError {
        SnapshotError::Damaged { path: self.path.clone(), chunk: self.chunks, at: self.at }
    }
}
