//! Compiled code on disk. Only ever a shortcut: whatever is wrong with a file, it is ignored and written anew.
//!
//! A file is `checksum (32) ‖ stamp (32) ‖ length of the interface (4, little-endian) ‖ interface ‖ compiled code`. The stamp
//! names the code, the engine and [`crate::PROTOCOL`]; the checksum is over all that follows it. The checksum finds torn and
//! rotten files. Against forged ones there is only the directory's mode: whoever can write there is the node's own
//! user, who can as well replace the node.
use crate::limits::COMPILED_BYTES_MAX;
use countersign_types::{Hash, Hasher, limits};
use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Extension of a file that is being written.
const UNFINISHED: &str = "unfinished";

/// The files of one engine.
pub(crate) struct DiskCache {
    directory: PathBuf,
    /// What the engine would refuse the code of others by.
    engine: Hash,
}

/// The contents of a good file.
pub(crate) struct CachedCode {
    pub interface: String,
    pub compiled: Vec<u8>,
}

impl DiskCache {
    /// Opens `directory`, making it if it is not there, readable by its owner only, and clears what a crash left.
    pub fn open(directory: &Path, engine: Hash) -> io::Result<Self> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
        for entry in fs::read_dir(directory)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == UNFINISHED) {
                // Another process may just have finished it.
                let _ = fs::remove_file(path);
            }
        }
        Ok(Self { directory: directory.to_owned(), engine })
    }

    /// What was written for `code` by an engine like this; `None` if there is no such file or anything is wrong with it.
    pub fn read(&self, code: Hash) -> Option<CachedCode> {
        let file = fs::File::open(self.path(code)).ok()?;
        let mut bytes = Vec::new();
        file.take(COMPILED_BYTES_MAX + 1).read_to_end(&mut bytes).ok()?;
        let (checksum, sealed) = bytes.split_first_chunk::<32>()?;
        if bytes.len() as u64 > COMPILED_BYTES_MAX || checksum_of(sealed).0 != *checksum {
            return None;
        }
        let (stamp, rest) = sealed.split_first_chunk::<32>()?;
        if self.stamp(code).0 != *stamp {
            return None;
        }
        let (length, rest) = rest.split_first_chunk::<4>()?;
        let (interface, compiled) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        let interface = std::str::from_utf8(interface).ok()?.to_owned();
        Some(CachedCode { interface, compiled: compiled.to_vec() })
    }

    /// Writes a file in one step: a reader sees the old one or the new one.
    pub fn write(&self, code: Hash, interface: &str, compiled: &[u8]) -> io::Result<()> {
        static WRITES: AtomicU64 = AtomicU64::new(0);
        debug_assert!(interface.len() <= limits::INTERFACE_BYTES_MAX, "a longer one does not parse");
        let mut sealed = Vec::with_capacity(36 + interface.len() + compiled.len());
        sealed.extend_from_slice(&self.stamp(code).0);
        sealed.extend_from_slice(&(interface.len() as u32).to_le_bytes());
        sealed.extend_from_slice(interface.as_bytes());
        sealed.extend_from_slice(compiled);

        let write = WRITES.fetch_add(1, Ordering::Relaxed);
        let unfinished = self.directory.join(format!("{code}.{}.{write}.{UNFINISHED}", std::process::id()));
        let written = self.write_file(&unfinished, &sealed).and_then(|()| fs::rename(&unfinished, self.path(code)));
        if written.is_err() {
            // Best effort: what remains is overwritten or ignored.
            let _ = fs::remove_file(&unfinished);
        }
        written
    }

    fn write_file(&self, path: &Path, sealed: &[u8]) -> io::Result<()> {
        let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
        file.write_all(&checksum_of(sealed).0)?;
        file.write_all(sealed)
    }

    fn path(&self, code: Hash) -> PathBuf {
        self.directory.join(format!("{code}.compiled"))
    }

    fn stamp(&self, code: Hash) -> Hash {
        let mut hasher = Hasher::new("compiled-code");
        hasher.update(&self.engine.0).update(&code.0).update(&crate::PROTOCOL.to_le_bytes());
        hasher.finish()
    }
}

fn checksum_of(sealed: &[u8]) -> Hash {
    Hash::of("compiled-code-file", sealed)
}
