//! Proposal files (`.csp`) and other small files: read with a bound, written whole or not at all.
use crate::failure::Failure;
use countersign_client::types::proposal::Subject;
use countersign_client::types::{Proposal, limits};
use std::fs;
use std::io::{self, Read, Write};
use std::path::Path;
use zeroize::Zeroizing;

/// Bytes of a `.csp` file: the largest proposal and its mark.
const PROPOSAL_FILE_BYTES_MAX: usize = limits::PROPOSAL_BYTES_MAX + 4;

fn io_failure(path: &Path, source: io::Error) -> Failure {
    Failure::Io { path: path.display().to_string(), source }
}

/// Reads a file of at most `limit` bytes.
pub fn read(path: &Path, limit: usize) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    read_into(&mut bytes, path, limit)?;
    Ok(bytes)
}

/// Reads a file with a secret. It has room from the start: bytes that grow leave copies behind.
pub fn read_secret(path: &Path, limit: usize) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(limit + 1));
    read_into(&mut bytes, path, limit)?;
    Ok(bytes)
}

fn read_into(bytes: &mut Vec<u8>, path: &Path, limit: usize) -> Result<(), Failure> {
    let file = fs::File::open(path).map_err(|source| io_failure(path, source))?;
    file.take(limit as u64 + 1).read_to_end(bytes).map_err(|source| io_failure(path, source))?;
    if bytes.len() > limit {
        return Err(Failure::FileTooLong { path: path.display().to_string(), limit });
    }
    Ok(())
}

/// Reads a proposal and verifies its signatures.
pub fn read_proposal(path: &Path) -> Result<Proposal, Failure> {
    let bytes = read(path, PROPOSAL_FILE_BYTES_MAX)?;
    Proposal::from_bytes(&bytes).map_err(|source| Failure::BadProposal { path: path.display().to_string(), source })
}

/// Reads a proposal of a transaction.
pub fn read_transaction(path: &Path) -> Result<Proposal, Failure> {
    let proposal = read_proposal(path)?;
    match proposal.subject() {
        Subject::Transaction(_) => Ok(proposal),
        Subject::Document(_) => Err(Failure::WrongSubject {
            path: path.display().to_string(),
            found: "document",
            command: "countersign doc",
        }),
    }
}

/// Reads a proposal of a document.
pub fn read_document(path: &Path) -> Result<Proposal, Failure> {
    let proposal = read_proposal(path)?;
    match proposal.subject() {
        Subject::Document(_) => Ok(proposal),
        Subject::Transaction(_) => Err(Failure::WrongSubject {
            path: path.display().to_string(),
            found: "transaction",
            command: "countersign tx",
        }),
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
