//! Key files: one ed25519 secret each, readable by their owner only, and encrypted if a passphrase is set.
mod passphrase;
mod seal;

pub use passphrase::{PASSPHRASE_VARIABLE, Passphrase};

use crate::config::Config;
use countersign_consensus::PeerId;
use countersign_types::{PublicKey, signature};
use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

/// First line of a key file that holds the secret as it is.
const MARK: &str = "countersign-node-key 1";
/// Bytes of a key file: marks, parameters, and digits of 120 bytes at most.
const FILE_BYTES_MAX: u64 = 1024;

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
    /// It is encrypted, and no passphrase is set.
    #[error("{} is encrypted; set {PASSPHRASE_VARIABLE}, or name a file with the passphrase as `keys.passphrase_file`", file.display())]
    Encrypted {
        /// The file.
        file: PathBuf,
    },
    /// The passphrase is another, or the file was changed.
    #[error("the passphrase does not open {}: it is another one, or the file was altered", file.display())]
    WrongPassphrase {
        /// The file.
        file: PathBuf,
    },
    /// There is no passphrase to encrypt with.
    #[error("there is no passphrase; set {PASSPHRASE_VARIABLE}, name a file by --passphrase-file, or say --plain")]
    NoPassphrase,
    /// A passphrase without a character.
    #[error("the passphrase of {origin} is empty")]
    EmptyPassphrase {
        /// Where it comes from.
        origin: String,
    },
    /// The passphrase's file cannot be read.
    #[error("cannot read the passphrase in {}", file.display())]
    PassphraseFile {
        /// The file.
        file: PathBuf,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
    /// The system gives no randomness.
    #[error("the system gives no random bytes")]
    Random(#[source] getrandom::Error),
}

/// The keys of a node.
#[derive(Debug)]
pub struct NodeKeys {
    /// Its network identity.
    pub network: NodeKey,
    /// Its validator's key; a node without one follows the chain.
    pub validator: Option<NodeKey>,
}

impl NodeKeys {
    /// Reads the key files that `config` names, with the passphrase that it or the environment names.
    ///
    /// # Errors
    /// [`KeyFileError`].
    pub fn load(config: &Config) -> Result<Self, KeyFileError> {
        let passphrase = Passphrase::of(config)?;
        let load = |file: &PathBuf| NodeKey::load(&config.path(file), passphrase.as_ref());
        Ok(Self {
            network: load(&config.network_key)?,
            validator: config.validator_key.as_ref().map(load).transpose()?,
        })
    }
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

    /// Writes a new file that only its owner can read, encrypted if there is a passphrase.
    ///
    /// # Errors
    /// [`KeyFileError`]; an existing file is left as it is.
    pub fn save(&self, file: &Path, passphrase: Option<&Passphrase>) -> Result<(), KeyFileError> {
        let text = match passphrase {
            Some(passphrase) => seal::sealed(&self.0, passphrase)?,
            None => zeroize::Zeroizing::new(format!("{MARK}\n{}\n", hex::encode(*self.0))),
        };
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
        out.write_all(text.as_bytes()).and_then(|()| out.sync_all()).map_err(failed)
    }

    /// Reads a file. One that is not encrypted needs no passphrase.
    ///
    /// # Errors
    /// [`KeyFileError`]; also if others than its owner can read it.
    pub fn load(file: &Path, passphrase: Option<&Passphrase>) -> Result<Self, KeyFileError> {
        let text = read(file)?;
        let not_a_key = || KeyFileError::NotAKey { file: file.to_path_buf() };
        if seal::is_sealed(&text) {
            let passphrase = passphrase.ok_or_else(|| KeyFileError::Encrypted { file: file.to_path_buf() })?;
            return seal::opened(&text, passphrase, file).map(Self);
        }
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

/// True if the secret in `file` is encrypted.
///
/// # Errors
/// As [`NodeKey::load`].
pub fn is_encrypted(file: &Path) -> Result<bool, KeyFileError> {
    Ok(seal::is_sealed(&read(file)?))
}

/// The text of a key file that only its owner can read.
fn read(file: &Path) -> Result<zeroize::Zeroizing<String>, KeyFileError> {
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
    Ok(text)
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
        key.save(&file, None).unwrap();
        assert_eq!(NodeKey::load(&file, None).unwrap().secret(), key.secret());
        assert!(matches!(NodeKey::generate().unwrap().save(&file, None), Err(KeyFileError::Exists { .. })));
        assert!(!format!("{key:?}").contains(&hex::encode(key.secret())));
    }

    #[cfg(unix)]
    #[test]
    fn a_key_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("validator.key");
        NodeKey::development("validator-1").save(&file, None).unwrap();
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(NodeKey::load(&file, None), Err(KeyFileError::Open { .. })));
    }

    #[test]
    fn anything_else_is_no_key() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("x.key");
        let key = NodeKey::generate().unwrap();
        key.save(&file, None).unwrap();
        for text in ["", "nonsense", "countersign-node-key 1\nabcd\n", "countersign-node-key 3\n"] {
            fs::write(&file, text).unwrap();
            assert!(matches!(NodeKey::load(&file, None), Err(KeyFileError::NotAKey { .. })), "{text}");
        }
        assert!(matches!(NodeKey::load(&dir.path().join("none"), None), Err(KeyFileError::File { .. })));
    }

    #[test]
    fn an_encrypted_key_opens_with_its_passphrase_only() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("validator.key");
        let (key, passphrase) = (NodeKey::generate().unwrap(), Passphrase::new("correct horse"));
        key.save(&file, Some(&passphrase)).unwrap();
        let text = fs::read_to_string(&file).unwrap();
        assert!(!text.contains(&hex::encode(key.secret())) && is_encrypted(&file).unwrap());
        assert_eq!(NodeKey::load(&file, Some(&passphrase)).unwrap().secret(), key.secret());
        assert!(matches!(NodeKey::load(&file, None), Err(KeyFileError::Encrypted { .. })));
        let other = Passphrase::new("battery staple");
        assert!(matches!(NodeKey::load(&file, Some(&other)), Err(KeyFileError::WrongPassphrase { .. })));
        // Whatever is changed, no other key comes out.
        for line in 0..4 {
            let mut lines: Vec<String> = text.lines().map(Into::into).collect();
            let last = if lines[line].ends_with('0') { "1" } else { "0" };
            let end = lines[line].len() - 1;
            lines[line].replace_range(end.., last);
            fs::write(&file, lines.join("\n") + "\n").unwrap();
            assert!(NodeKey::load(&file, Some(&passphrase)).is_err(), "line {line}");
        }
    }

    #[test]
    fn a_file_that_asks_for_much_memory_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("validator.key");
        let passphrase = Passphrase::new("x");
        NodeKey::generate().unwrap().save(&file, Some(&passphrase)).unwrap();
        let text = fs::read_to_string(&file).unwrap();
        for greedy in ["argon2id 4294967295 3 1", "argon2id 65536 4000000000 1", "argon2id 65536 3 64000"] {
            fs::write(&file, text.replace("argon2id 65536 3 1", greedy)).unwrap();
            assert!(matches!(NodeKey::load(&file, Some(&passphrase)), Err(KeyFileError::NotAKey { .. })), "{greedy}");
        }
    }
}
