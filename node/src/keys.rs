//! Key files: one ed25519 secret each, readable by their owner only.
use countersign_consensus::PeerId;
use countersign_types::{PublicKey, signature};
use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

/// First line of a key file.
const MARK: &str = "countersign-node-key 1";
/// Bytes of a key file: mark, 64 digits, line ends.
const FILE_BYTES_MAX: u64 = 256;

/// Why a key file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The file cannot be read or written.
    #[error("cannot {action} the key file {}", file.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// The file.
        file: PathBuf,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
    /// A key is never overwritten.
    #[error("{} exists already; a key is never overwritten: move it away or name another file", file.display())]
    Exists {
        /// The file.
        file: PathBuf,
    },
    /// It is something else.
    #[error("{} is not a key file; make one with `countersign-node keys new --out FILE`", file.display())]
    NotAKey {
        /// The file.
        file: PathBuf,
    },
    /// Others can read it.
    #[error("{} can be read by others; run `chmod 600 {}`", file.display(), file.display())]
    Open {
        /// The file.
        file: PathBuf,
    },
    /// The system gives no randomness.
    #[error("the system gives no random bytes")]
    Random(#[source] getrandom::Error),
}

/// A secret from a key file. Neither shown nor logged.
#[derive(Clone)]
pub struct NodeKey(zeroize::Zeroizing<[u8; 32]>);

impl NodeKey {
    /// A new random key.
    ///
    /// # Errors
    /// [`KeyFileError::Random`].
    pub fn generate() -> Result<Self, KeyFileError> {
        let mut secret = zeroize::Zeroizing::new([0; 32]);
        getrandom::fill(&mut *secret).map_err(KeyFileError::Random)?;
        Ok(Self(secret))
    }

    /// The well-known development key called `name`.
    pub fn development(name: &str) -> Self {
        Self(zeroize::Zeroizing::new(signature::development_secret(name)))
    }

    /// Writes a new file that only its owner can read.
    ///
    /// # Errors
    /// [`KeyFileError`]; an existing file is left as it is.
    pub fn save(&self, file: &Path) -> Result<(), KeyFileError> {
        let failed = |cause| KeyFileError::File { action: "write", file: file.to_path_buf(), cause };
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut out = match options.open(file) {
            Err(cause) if cause.kind() == std::io::ErrorKind::AlreadyExists => {
                return Err(KeyFileError::Exists { file: file.to_path_buf() });
            }
            opened => opened.map_err(failed)?,
        };
        let text = zeroize::Zeroizing::new(format!("{MARK}\n{}\n", hex::encode(*self.0)));
        out.write_all(text.as_bytes()).and_then(|()| out.sync_all()).map_err(failed)
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`KeyFileError`]; also if others than its owner can read it.
    pub fn load(file: &Path) -> Result<Self, KeyFileError> {
        let failed = |cause| KeyFileError::File { action: "read", file: file.to_path_buf(), cause };
        let opened = fs::File::open(file).map_err(failed)?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            if opened.metadata().map_err(failed)?.permissions().mode() & 0o077 != 0 {
                return Err(KeyFileError::Open { file: file.to_path_buf() });
            }
        }
        let mut text = zeroize::Zeroizing::new(String::new());
        opened.take(FILE_BYTES_MAX).read_to_string(&mut text).map_err(failed)?;
        let not_a_key = || KeyFileError::NotAKey { file: file.to_path_buf() };
        let digits = text.strip_prefix(MARK).and_then(|rest| rest.strip_prefix('\n')).ok_or_else(not_a_key)?;
        let mut secret = zeroize::Zeroizing::new([0; 32]);
        hex::decode_to_slice(digits.trim_end(), &mut *secret).map_err(|_| not_a_key())?;
        Ok(Self(secret))
    }

    /// The secret.
    pub fn secret(&self) -> &[u8; 32] {
        &self.0
    }

    /// As a validator: the key of its votes.
    pub fn public(&self) -> PublicKey {
        signature::public_key(&self.0)
    }

    /// As a network identity: the peer's id.
    pub fn peer_id(&self) -> PeerId {
        PeerId::of_secret(&self.0)
    }
}

impl std::fmt::Debug for NodeKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("NodeKey").field(&self.public()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_reads_back_and_is_never_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("validator.key");
        let key = NodeKey::generate().unwrap();
        key.save(&file).unwrap();
        assert_eq!(NodeKey::load(&file).unwrap().secret(), key.secret());
        assert!(matches!(NodeKey::generate().unwrap().save(&file), Err(KeyFileError::Exists { .. })));
        assert!(!format!("{key:?}").contains(&hex::encode(key.secret())));
    }

    #[cfg(unix)]
    #[test]
    fn a_key_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("validator.key");
        NodeKey::development("validator-1").save(&file).unwrap();
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(NodeKey::load(&file), Err(KeyFileError::Open { .. })));
    }

    #[test]
    fn anything_else_is_no_key() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("x.key");
        let key = NodeKey::generate().unwrap();
        key.save(&file).unwrap();
        for text in ["", "nonsense", "countersign-node-key 1\nabcd\n", "countersign-node-key 2\n"] {
            fs::write(&file, text).unwrap();
            assert!(matches!(NodeKey::load(&file), Err(KeyFileError::NotAKey { .. })), "{text}");
        }
        assert!(matches!(NodeKey::load(&dir.path().join("none")), Err(KeyFileError::File { .. })));
    }
}
