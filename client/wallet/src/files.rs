//! Proposal files (`.csp`) and other small files: read with a bound, written whole or not at all.
use crate::failure::Failure;
use crate::intake::{self, Wanted};
use countersign_client::types::Proposal;
use std::fs;
use std::io::{self, Read, Write};
use std::path::Path;
use zeroize::Zeroizing;

fn io_failure(path: &Path, source: io::Error) -> Failure {
    Failure::Io { path: path.display().to_string(), source }
}

/// Reads a file of at most `limit` bytes.
pub fn read(path: &Path, limit: usize) -> Result<Vec<u8>, Failure> {
    let file = fs::File::open(path).map_err(|source| io_failure(path, source))?;
    read_from(file, path, limit)
}

/// Reads at most `limit` bytes from what is called `path` in errors.
pub fn read_from(from: impl Read, path: &Path, limit: usize) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    read_into(&mut bytes, from, path, limit)?;
    Ok(bytes)
}

/// Reads a file with a secret. It has room from the start: bytes that grow leave copies behind.
pub fn read_secret(path: &Path, limit: usize) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(limit + 1));
    let file = fs::File::open(path).map_err(|source| io_failure(path, source))?;
    read_into(&mut bytes, file, path, limit)?;
    Ok(bytes)
}

fn read_into(bytes: &mut Vec<u8>, from: impl Read, path: &Path, limit: usize) -> Result<(), Failure> {
    from.take(limit as u64 + 1).read_to_end(bytes).map_err(|source| io_failure(path, source))?;
    if bytes.len() > limit {
        return Err(Failure::FileTooLong { path: path.display().to_string(), limit });
    }
    Ok(())
}

/// Reads a proposal of a document: from a file, or in any other form in which one is handed on.
pub fn read_document(given: &Path) -> Result<Proposal, Failure> {
    let mut copies = intake::take(&[given], Wanted::Document)?.copies.into_iter();
    match (copies.next(), copies.next()) {
        (Some(copy), None) => Ok(copy.proposal),
        _ => Err(Failure::NotOneText { path: given.display().to_string(), count: 2 + copies.count() }),
    }
}

/// Fails if a new file would replace one.
pub fn check_new(path: &Path, force: bool) -> Result<(), Failure> {
    if force || !path.exists() { Ok(()) } else { Err(Failure::FileExists { path: path.display().to_string() }) }
}

/// Writes a proposal.
pub fn write_proposal(path: &Path, proposal: &Proposal) -> Result<(), Failure> {
    write(path, &proposal.to_bytes())
}

/// Writes a file for its owner alone, instead of one that is there if `force`.
pub fn write_private(path: &Path, bytes: &[u8], force: bool) -> Result<(), Failure> {
    check_new(path, force)?;
    if force && path.exists() {
        fs::remove_file(path).map_err(|source| io_failure(path, source))?;
    }
    countersign_client::keystore::write_private(path, bytes).map_err(|source| io_failure(path, source))
}

/// Writes a file beside its place and moves it there: a reader finds the old file or the new one.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{}.part", std::process::id()));
    let beside = path.with_file_name(name);
    let written = fs::File::create(&beside).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    let moved = written.and_then(|()| fs::rename(&beside, path));
    moved.map_err(|source| {
        let _ = fs::remove_file(&beside);
        io_failure(path, source)
    })
}
