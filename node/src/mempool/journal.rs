//! What clients of this node handed in and no block holds yet, on disk: a transaction is in the journal before its client hears
//! that it waits, so it outlives the node's process, however that ends.
//!
//! One file: a mark, then transactions, each appended by a plain write that is not synced: a power cut may cost the last
//! moments' on this node, not on the peers that were told. It is written anew when most of it has left the mempool. What a crash left
//! half-written at its end is cut off.
use countersign_types::{SignedTransaction, VerifiedTransaction, limits};
use parity_scale_codec::{Decode, Encode};
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// First bytes of the file: mark and version.
const MARK: &[u8; 8] = b"CSPOOL\x00\x01";
/// Bytes of the file; what is beyond is not read. As much as the largest pool, and what is appended before it is written anew.
const FILE_BYTES_MAX: u64 = 1 << 33;
/// Bytes of transactions that have left the mempool at which the file is written anew, besides as much as still waits.
const DEAD_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Why the journal was not written or read.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {}", file.display())]
pub struct JournalError {
    action: &'static str,
    file: PathBuf,
    #[source]
    cause: std::io::Error,
}

/// The file, open.
#[derive(Debug)]
pub struct Journal {
    file: PathBuf,
    out: File,
    /// Bytes of it that are whole.
    bytes: u64,
}

impl Journal {
    /// Opens the journal, or makes it; returns the transactions in it, unverified. A file that is none is begun anew.
    ///
    /// # Errors
    /// [`JournalError`] if it cannot be read or written.
    pub fn open(file: &Path) -> Result<(Self, Vec<SignedTransaction>), JournalError> {
        let failed = |action| move |cause| JournalError { action, file: file.to_path_buf(), cause };
        let (transactions, bytes) = load(file).map_err(failed("read"))?;
        let opened = OpenOptions::new().append(true).create(true).open(file);
        let mut out = opened.map_err(failed("write"))?;
        out.set_len(bytes).map_err(failed("write"))?;
        if bytes == 0 {
            out.write_all(MARK).map_err(failed("write"))?;
        }
        Ok((Self { file: file.to_path_buf(), out, bytes: bytes.max(MARK.len() as u64) }, transactions))
    }

    /// Adds transactions.
    ///
    /// # Errors
    /// [`JournalError`]; then none of them is in it.
    pub fn append(&mut self, transactions: &[Arc<VerifiedTransaction>]) -> Result<(), JournalError> {
        if transactions.is_empty() {
            return Ok(());
        }
        let mut bytes = Vec::with_capacity(transactions.iter().map(|tx| tx.size_bytes()).sum());
        transactions.iter().for_each(|tx| tx.signed().encode_to(&mut bytes));
        // What an earlier failure left behind would hide all that follows it.
        let written = self.out.set_len(self.bytes).and_then(|()| self.out.write_all(&bytes));
        written.map_err(|cause| JournalError { action: "write", file: self.file.clone(), cause })?;
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    /// One that can be read only: every write fails.
    #[cfg(test)]
    pub(crate) fn unwritable(file: &Path) -> Self {
        std::fs::write(file, MARK).unwrap();
        Self { file: file.to_path_buf(), out: File::open(file).unwrap(), bytes: MARK.len() as u64 }
    }

    /// True if it should be written anew, `waiting` being the bytes of what it must hold.
    pub fn is_long(&self, waiting: usize) -> bool {
        self.bytes > DEAD_BYTES_MAX + 2 * waiting as u64
    }

    /// Writes it anew with these transactions only.
    ///
    /// # Errors
    /// [`JournalError`]; the file of before is still there.
    pub fn rewrite(&mut self, waiting: &[Arc<VerifiedTransaction>]) -> Result<(), JournalError> {
        let failed = |cause| JournalError { action: "write", file: self.file.clone(), cause };
        let draft = self.file.with_extension("draft");
        let mut out = std::io::BufWriter::new(File::create(&draft).map_err(failed)?);
        out.write_all(MARK).map_err(failed)?;
        for transaction in waiting {
            out.write_all(&transaction.signed().encode()).map_err(failed)?;
        }
        out.flush().map_err(failed)?;
        drop(out);
        std::fs::rename(&draft, &self.file).map_err(failed)?;
        self.out = OpenOptions::new().append(true).open(&self.file).map_err(failed)?;
        self.bytes = self.out.metadata().map_err(failed)?.len();
        Ok(())
    }
}

/// The transactions in the file and the bytes they and the mark take; reading ends at the first that is not whole.
fn load(file: &Path) -> std::io::Result<(Vec<SignedTransaction>, u64)> {
    let mut bytes = Vec::new();
    match File::open(file) {
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok((Vec::new(), 0)),
        opened => drop(opened?.take(FILE_BYTES_MAX).read_to_end(&mut bytes)?),
    }
    let Some(mut rest) = bytes.strip_prefix(MARK) else {
        return Ok((Vec::new(), 0));
    };
    let mut transactions = Vec::new();
    let mut left = rest.len();
    while !rest.is_empty() {
        match SignedTransaction::decode(&mut rest) {
            Ok(transaction) if left - rest.len() <= limits::TRANSACTION_BYTES_MAX => transactions.push(transaction),
            _ => break,
        }
        left = rest.len();
    }
    Ok((transactions, (bytes.len() - left) as u64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mempool::testing::verified;

    fn signed(transactions: &[Arc<VerifiedTransaction>]) -> Vec<SignedTransaction> {
        transactions.iter().map(|tx| tx.signed().clone()).collect()
    }

    #[test]
    fn what_was_appended_is_read_back_and_a_torn_end_is_cut_off() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("mempool.bin");
        let all: Vec<_> = (0..4).map(|n| verified(n, 0, 9_000)).collect();
        let (mut journal, before) = Journal::open(&file).unwrap();
        assert!(before.is_empty(), "no file is no fault");
        journal.append(&all[..1]).unwrap();
        journal.append(&all[1..3]).unwrap();
        // As if the power were cut: nothing is closed in order.
        std::mem::forget(journal);
        assert_eq!(Journal::open(&file).unwrap().1, signed(&all[..3]));
        let bytes = std::fs::read(&file).unwrap();
        std::fs::write(&file, &bytes[..bytes.len() - 5]).unwrap();
        let (mut journal, torn) = Journal::open(&file).unwrap();
        assert_eq!(torn, signed(&all[..2]));
        journal.append(&all[3..]).unwrap();
        assert_eq!(load(&file).unwrap().0, signed(&[all[0].clone(), all[1].clone(), all[3].clone()]));
    }

    #[test]
    fn the_bytes_on_disk_are_frozen() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("mempool.bin");
        Journal::open(&file).unwrap().0.append(&[verified(1, 0, 9_000), verified(2, 5, 9_000)]).unwrap();
        let frozen = "51b8a3f3cef5cc6d6ce251a4edba689b11fdef4b81d3855397d2af0c377a6495";
        let bytes = std::fs::read(&file).unwrap();
        assert_eq!(countersign_types::Hash::of("frozen", &bytes).to_string(), frozen);
    }

    #[test]
    fn it_is_written_anew_with_what_still_waits() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("mempool.bin");
        let all: Vec<_> = (0..4).map(|n| verified(n, 0, 9_000)).collect();
        let (mut journal, _) = Journal::open(&file).unwrap();
        journal.append(&all[..3]).unwrap();
        assert!(!journal.is_long(0));
        journal.bytes += DEAD_BYTES_MAX;
        assert!(journal.is_long(0) && !journal.is_long(DEAD_BYTES_MAX as usize));
        journal.rewrite(&all[1..2]).unwrap();
        journal.append(&all[3..]).unwrap();
        assert_eq!(load(&file).unwrap(), (signed(&[all[1].clone(), all[3].clone()]), journal.bytes));
    }

    #[test]
    fn another_file_is_begun_anew_and_a_folder_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("mempool.bin");
        std::fs::write(&file, b"something else").unwrap();
        let (mut journal, found) = Journal::open(&file).unwrap();
        assert!(found.is_empty());
        let tx = verified(1, 0, 9_000);
        journal.append(std::slice::from_ref(&tx)).unwrap();
        assert_eq!(load(&file).unwrap().0, signed(&[tx]));
        assert!(Journal::open(dir.path()).is_err());
    }
}
