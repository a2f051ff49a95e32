//! The waiting transactions over a restart: one file, written whole and renamed into place.
//!
//! It is a convenience and no promise: a transaction is certain once it is in a block, and whoever waits for that submits it
//! again. A file that cannot be read costs the waiting transactions and nothing else.
use super::Mempool;
use countersign_types::{SignedTransaction, limits};
use parity_scale_codec::{Decode, Encode};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

/// First bytes of the file: mark and version.
const MARK: &[u8; 8] = b"CSPOOL\x00\x01";
/// Bytes of the file; what is beyond is not read. As much as the largest pool.
const FILE_BYTES_MAX: u64 = 1 << 32;

/// Why the file was not written or read.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {}", file.display())]
pub struct JournalError {
    action: &'static str,
    file: PathBuf,
    #[source]
    cause: std::io::Error,
}

/// Writes the waiting transactions to `file`.
///
/// # Errors
/// [`JournalError`]; the file of before, if any, is still there.
pub fn save(mempool: &Mempool, file: &Path) -> Result<usize, JournalError> {
    let failed = |cause| JournalError { action: "write", file: file.to_path_buf(), cause };
    let waiting: Vec<_> = mempool.lock().iter().cloned().collect();
    let draft = file.with_extension("draft");
    let mut out = std::io::BufWriter::new(std::fs::File::create(&draft).map_err(failed)?);
    out.write_all(MARK).map_err(failed)?;
    for transaction in &waiting {
        out.write_all(&transaction.signed().encode()).map_err(failed)?;
    }
    out.flush().map_err(failed)?;
    drop(out);
    std::fs::rename(&draft, file).map_err(failed)?;
    Ok(waiting.len())
}

/// The transactions in `file`, unverified; none if there is no such file. Reading ends at the first one that is not whole.
///
/// # Errors
/// [`JournalError`] if it cannot be read.
pub fn load(file: &Path) -> Result<Vec<SignedTransaction>, JournalError> {
    let failed = |cause| JournalError { action: "read", file: file.to_path_buf(), cause };
    let opened = match std::fs::File::open(file) {
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        opened => opened.map_err(failed)?,
    };
    let mut bytes = Vec::new();
    opened.take(FILE_BYTES_MAX).read_to_end(&mut bytes).map_err(failed)?;
    let Some(mut rest) = bytes.strip_prefix(MARK) else {
        return Ok(Vec::new());
    };
    let mut transactions = Vec::new();
    while !rest.is_empty() {
        let before = rest.len();
        match SignedTransaction::decode(&mut rest) {
            Ok(transaction) if before - rest.len() <= limits::TRANSACTION_BYTES_MAX => transactions.push(transaction),
            _ => break,
        }
    }
    Ok(transactions)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mempool::PoolLimits;
    use crate::mempool::testing::{member, verified};

    #[test]
    fn what_waits_is_read_back_and_a_torn_file_costs_only_its_end() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("mempool.bin");
        assert!(load(&file).unwrap().is_empty(), "no file is no fault");
        let mempool = Mempool::new(PoolLimits { bytes_max: 1 << 20, transactions_max: 10 });
        for n in 0..3 {
            mempool.insert(verified(n, 0, 9_000), member(1)).unwrap();
        }
        assert_eq!(save(&mempool, &file).unwrap(), 3);
        let waiting: Vec<_> = mempool.lock().iter().map(|tx| tx.signed().clone()).collect();
        assert_eq!(load(&file).unwrap(), waiting);
        let bytes = std::fs::read(&file).unwrap();
        std::fs::write(&file, &bytes[..bytes.len() - 5]).unwrap();
        assert_eq!(load(&file).unwrap(), waiting[..2]);
        std::fs::write(&file, b"something else").unwrap();
        assert!(load(&file).unwrap().is_empty());
        assert!(load(dir.path()).is_err());
    }
}
