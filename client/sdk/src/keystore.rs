//! Keys on disk: one file per key in a folder only its owner can read, encrypted under a passphrase.
//! A secret leaves the store only inside an [`UnlockedKey`], which wipes it when dropped, and as words for paper ([`words`]).
//! Keys whose secret is kept elsewhere stand beside them, with the program that signs for them ([`crate::signer`]).
mod format;
pub mod words;

use crate::signer::{Program, ProgramSigner, Signer};
use crate::types::signature::{development_secret, public_key};
use crate::types::{AccountId, PublicKey};
use format::KeyFile;
use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Bytes of a key file: some hundred are used, a longer one is not ours.
pub const FILE_BYTES_MAX: u64 = 16 * 1024;
/// Bytes of a key's name: it is a file's name, and may be that of a holder on the ledger.
const NAME_BYTES_MAX: usize = 200;
/// Files of a keystore's folder that are looked at in a listing.
const FILES_MAX: usize = 10_000;
/// Ending of a key file.
const ENDING: &str = ".key.json";
/// Arguments of a program that signs.
const ARGUMENTS_MAX: usize = 32;
/// Bytes of its path and arguments: a byte takes up to six in JSON, and the file is still short of [`FILE_BYTES_MAX`].
const COMMAND_BYTES_MAX: usize = 2 * 1024;

/// A folder of keys.
#[derive(Clone, Debug)]
pub struct Keystore {
    folder: PathBuf,
}

/// What can be known of a key without its passphrase.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeyRecord {
    /// The key's name in this store.
    pub name: String,
    /// The account it signs for.
    pub account: AccountId,
    /// The public key.
    pub key: PublicKey,
    /// How its secret is kept.
    pub custody: Custody,
}

/// A key file that was looked at, and the key or what is wrong with it.
#[derive(Debug)]
pub struct Examined {
    /// The key's name, by that of its file.
    pub name: String,
    /// What the file says of it.
    pub found: Result<KeyRecord, KeyError>,
}

/// How a key's secret is kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Custody {
    /// In its file, encrypted under a passphrase.
    Encrypted,
    /// In its file, as it is.
    Plain,
    /// Not here: a program signs.
    Program,
}

/// How the secret is kept in its file.
pub enum Protection<'a> {
    /// Encrypted under this passphrase, which must not be empty.
    Passphrase(&'a str),
    /// As it is. For development keys only.
    None,
}

/// A key that can sign. Its secret is wiped from memory when it is dropped.
pub struct UnlockedKey {
    /// What it is.
    pub record: KeyRecord,
    secret: Zeroizing<[u8; 32]>,
}

impl std::fmt::Debug for UnlockedKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.record.fmt(f)
    }
}

impl UnlockedKey {
    /// The secret as words for paper. Whoever has them can sign.
    pub fn words(&self) -> Zeroizing<String> {
        words::to_words(&self.secret)
    }

    pub(crate) fn secret(&self) -> &[u8; 32] {
        &self.secret
    }
}

/// Why a key is not stored or unlocked.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// A name that is no file name.
    #[error(
        "a key's name is 1 to {NAME_BYTES_MAX} lower-case letters, digits or any of `-_.@+`, a letter or digit first"
    )]
    BadName,
    /// No file for it.
    #[error("there is no key `{name}` in {folder}; make one with `keys new {name}`")]
    NotFound {
        /// The key's name.
        name: String,
        /// The store.
        folder: String,
    },
    /// The name is taken.
    #[error("there is a key `{name}` already; a key is never overwritten")]
    Exists {
        /// The key's name.
        name: String,
    },
    /// Others could read it.
    #[error("{path} can be read by others (mode {mode:03o}): someone may have copied it; run chmod {wanted:03o} on it")]
    OpenToOthers {
        /// File or folder.
        path: String,
        /// Its permission bits.
        mode: u32,
        /// What they must be.
        wanted: u32,
    },
    /// Written by another version of the program.
    #[error("{path} has version {found}, this program reads version {}", format::VERSION)]
    ForeignVersion {
        /// The file.
        path: String,
        /// Version found in it.
        found: u32,
    },
    /// Not a key file, cut off, or changed.
    #[error("{path} is not a whole key file: {cause}")]
    Damaged {
        /// The file.
        path: String,
        /// What is wrong with it.
        cause: &'static str,
    },
    /// The passphrase does not open it (or the file was changed: the two cannot be told apart).
    #[error("the passphrase does not open the key `{name}`")]
    WrongPassphrase {
        /// The key's name.
        name: String,
    },
    /// It is encrypted and no passphrase was given.
    #[error("the key `{name}` is encrypted: its passphrase is needed")]
    PassphraseNeeded {
        /// The key's name.
        name: String,
    },
    /// An empty passphrase protects nothing.
    #[error("the passphrase is empty")]
    EmptyPassphrase,
    /// The secret is not in this store.
    #[error("the secret of the key `{name}` is not kept here: a program signs with it")]
    KeptElsewhere {
        /// The key's name.
        name: String,
    },
    /// A key file made elsewhere that would have a program run.
    #[error("{path} is the file of a key that a program signs with; add such a key yourself: `keys external`")]
    NamesAProgram {
        /// The file.
        path: String,
    },
    /// A program that cannot stand in a key file.
    #[error(
        "a signer is named by its whole path in UTF-8, with at most {ARGUMENTS_MAX} arguments, of {COMMAND_BYTES_MAX} bytes in all"
    )]
    BadProgram,
    /// The operating system gives no randomness.
    #[error("the system gives no random bytes")]
    Randomness,
    /// The file system refused.
    #[error("cannot use {path}")]
    Io {
        /// File or folder.
        path: String,
        /// What it answered.
        #[source]
        source: io::Error,
    },
}

impl Keystore {
    /// The store in `folder`, which is made with the first key.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// Makes a key and stores it.
    ///
    /// # Errors
    /// [`KeyError`]; nothing is stored.
    pub fn create(&self, name: &str, protection: &Protection<'_>) -> Result<KeyRecord, KeyError> {
        let mut secret = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *secret).map_err(|_| KeyError::Randomness)?;
        self.store(name, &secret, None, protection)
    }

    /// Stores the well-known development key `name`. Anybody can compute it.
    ///
    /// # Errors
    /// [`KeyError`]; nothing is stored.
    pub fn create_development(&self, name: &str, protection: &Protection<'_>) -> Result<KeyRecord, KeyError> {
        self.store(name, &Zeroizing::new(development_secret(name)), None, protection)
    }

    /// Stores a secret made elsewhere, signing for `account` or, if absent, for the account of its own key.
    ///
    /// # Errors
    /// [`KeyError`]; nothing is stored.
    pub fn store(
        &self,
        name: &str,
        secret: &Zeroizing<[u8; 32]>,
        account: Option<AccountId>,
        protection: &Protection<'_>,
    ) -> Result<KeyRecord, KeyError> {
        let path = self.path(name)?;
        let key = public_key(secret);
        let account = account.unwrap_or_else(|| AccountId::of_key(&key));
        let custody = match protection {
            Protection::Passphrase(_) => Custody::Encrypted,
            Protection::None => Custody::Plain,
        };
        let record = KeyRecord { name: name.into(), account, key, custody };
        let file = KeyFile::seal(&record, secret, protection)?;
        self.write_new(name, &path, &file.to_json())?;
        Ok(record)
    }

    /// Stores a key with which `program` signs for `account` or, if absent, for the account of the key itself. The program is not
    /// run.
    ///
    /// # Errors
    /// [`KeyError`]; nothing is stored.
    pub fn store_external(
        &self,
        name: &str,
        key: PublicKey,
        account: Option<AccountId>,
        program: &Program,
    ) -> Result<KeyRecord, KeyError> {
        let path = self.path(name)?;
        let account = account.unwrap_or_else(|| AccountId::of_key(&key));
        let record = KeyRecord { name: name.into(), account, key, custody: Custody::Program };
        let file = KeyFile::of_program(&record, program)?;
        self.write_new(name, &path, &file.to_json())?;
        Ok(record)
    }

    /// The keys, by name. Files that are no key files are left out; [`Keystore::examine`] tells them.
    ///
    /// # Errors
    /// [`KeyError::OpenToOthers`] or [`KeyError::Io`] for the folder.
    pub fn list(&self) -> Result<Vec<KeyRecord>, KeyError> {
        if !self.folder.exists() {
            return Ok(Vec::new());
        }
        check_mode(&self.folder, 0o700)?;
        Ok(self.examine()?.into_iter().filter_map(|file| file.found.ok()).collect())
    }

    /// The key files, by name. Secrets are not looked at.
    ///
    /// # Errors
    /// [`KeyError::Io`] for the folder; there need not be one.
    pub fn examine(&self) -> Result<Vec<Examined>, KeyError> {
        if !self.folder.exists() {
            return Ok(Vec::new());
        }
        let entries = fs::read_dir(&self.folder).map_err(|source| io_error(&self.folder, source))?;
        let mut names: Vec<String> = entries
            .take(FILES_MAX)
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.strip_suffix(ENDING).map(str::to_string))
            .collect();
        names.sort();
        Ok(names.into_iter().map(|name| Examined { found: self.record(&name), name }).collect())
    }

    /// The program that signs with a key; `None` if the key's secret is here.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn program(&self, name: &str) -> Result<Option<Program>, KeyError> {
        Ok(self.read(name)?.program())
    }

    /// The folder of the keys, which need not be there yet.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What is known of a key without unlocking it.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn record(&self, name: &str) -> Result<KeyRecord, KeyError> {
        self.read(name)?.record()
    }

    /// Whoever signs with a key: the key itself, unlocked as by [`Keystore::unlock`], or the program that keeps it.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn signer(&self, name: &str, passphrase: Option<&str>) -> Result<Box<dyn Signer>, KeyError> {
        let file = self.read(name)?;
        let record = file.record()?;
        match file.program() {
            Some(program) => Ok(Box::new(ProgramSigner::new(record.account, record.key, program))),
            None => Ok(Box::new(UnlockedKey { secret: file.open(passphrase)?, record })),
        }
    }

    /// Unlocks a key. Takes some tenths of a second and 64 MiB for an encrypted one: that is what slows a guesser down.
    ///
    /// # Errors
    /// [`KeyError`]; [`KeyError::KeptElsewhere`] if there is no secret here.
    pub fn unlock(&self, name: &str, passphrase: Option<&str>) -> Result<UnlockedKey, KeyError> {
        let file = self.read(name)?;
        let secret = file.open(passphrase)?;
        Ok(UnlockedKey { record: file.record()?, secret })
    }

    /// The content of a key's file, as a backup: what [`Keystore::import`] takes. Encrypted as it is.
    ///
    /// # Errors
    /// [`KeyError`]; [`KeyError::KeptElsewhere`] if there is no secret to keep a copy of.
    pub fn export(&self, name: &str) -> Result<Zeroizing<String>, KeyError> {
        let file = self.read(name)?;
        match file.record()?.custody {
            Custody::Program => Err(KeyError::KeptElsewhere { name: name.into() }),
            Custody::Encrypted | Custody::Plain => Ok(file.to_json()),
        }
    }

    /// Stores a key file made by [`Keystore::export`] under the name in it.
    ///
    /// # Errors
    /// [`KeyError`]; nothing is stored. [`KeyError::OpenToOthers`] if others can read a file that is not encrypted.
    pub fn import(&self, file: &Path) -> Result<KeyRecord, KeyError> {
        let parsed = KeyFile::parse(file.display().to_string(), &read_bounded(file)?)?;
        let record = parsed.record()?;
        match record.custody {
            Custody::Encrypted => {}
            Custody::Plain => check_mode(file, 0o600)?,
            Custody::Program => return Err(KeyError::NamesAProgram { path: file.display().to_string() }),
        }
        let path = self.path(&record.name)?;
        self.write_new(&record.name, &path, &parsed.to_json())?;
        Ok(record)
    }

    fn path(&self, name: &str) -> Result<PathBuf, KeyError> {
        let allowed =
            |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_' | b'.' | b'@' | b'+');
        let ok = (1..=NAME_BYTES_MAX).contains(&name.len())
            && name.bytes().all(allowed)
            && name.as_bytes()[0].is_ascii_alphanumeric();
        if ok { Ok(self.folder.join(format!("{name}{ENDING}"))) } else { Err(KeyError::BadName) }
    }

    fn read(&self, name: &str) -> Result<KeyFile, KeyError> {
        let path = self.path(name)?;
        if !path.exists() {
            return Err(KeyError::NotFound { name: name.into(), folder: self.folder.display().to_string() });
        }
        check_mode(&self.folder, 0o700)?;
        check_mode(&path, 0o600)?;
        let file = KeyFile::parse(path.display().to_string(), &read_bounded(&path)?)?;
        if file.record()?.name == name {
            Ok(file)
        } else {
            Err(KeyError::Damaged {
                path: path.display().to_string(),
                cause: "it is the file of a key of another name",
            })
        }
    }

    /// Writes beside the place and links, so that a key file is whole or absent and none is ever replaced.
    fn write_new(&self, name: &str, path: &Path, content: &str) -> Result<(), KeyError> {
        make_private_folder(&self.folder)?;
        let mut tag = [0; 8];
        getrandom::fill(&mut tag).map_err(|_| KeyError::Randomness)?;
        let beside = self.folder.join(format!(".{name}.{}", hex::encode(tag)));
        let written = write_private(&beside, content.as_bytes()).and_then(|()| fs::hard_link(&beside, path));
        let removed = fs::remove_file(&beside);
        match written {
            Ok(()) => removed.map_err(|source| io_error(&beside, source)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(KeyError::Exists { name: name.into() }),
            Err(source) => Err(io_error(path, source)),
        }
    }
}

fn io_error(path: &Path, source: io::Error) -> KeyError {
    KeyError::Io { path: path.display().to_string(), source }
}

/// Reads a file of at most [`FILE_BYTES_MAX`] bytes: a key, a passphrase.
///
/// # Errors
/// [`KeyError::Damaged`] if it is longer, or [`KeyError::Io`].
pub fn read_bounded(path: &Path) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(FILE_BYTES_MAX as usize + 1));
    let file = fs::File::open(path).map_err(|source| io_error(path, source))?;
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(|source| io_error(path, source))?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(KeyError::Damaged { path: path.display().to_string(), cause: "it is too long" });
    }
    Ok(bytes)
}

/// Reads a small file that only its owner can read, such as one with words.
///
/// # Errors
/// [`KeyError::OpenToOthers`], [`KeyError::Damaged`] if it is longer than any such file, or [`KeyError::Io`].
pub fn read_private(path: &Path) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    check_mode(path, 0o600)?;
    read_bounded(path)
}

pub(crate) fn make_private_folder(folder: &Path) -> Result<(), KeyError> {
    use std::os::unix::fs::DirBuilderExt;
    if !folder.exists() {
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.map_err(|source| io_error(folder, source))?;
    }
    check_mode(folder, 0o700)
}

/// Writes a new file that only its owner can read, to the disk.
///
/// # Errors
/// Those of the file system; [`io::ErrorKind::AlreadyExists`] if there is one.
pub fn write_private(path: &Path, content: &[u8]) -> io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

/// Checks that nobody but its owner can use a file or folder; `wanted` is the mode to advise.
///
/// # Errors
/// [`KeyError::OpenToOthers`] or [`KeyError::Io`].
pub fn check_mode(path: &Path, wanted: u32) -> Result<(), KeyError> {
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(path).map_err(|source| io_error(path, source))?.permissions().mode() & 0o777;
    if mode & 0o077 == 0 {
        Ok(())
    } else {
        Err(KeyError::OpenToOthers { path: path.display().to_string(), mode, wanted })
    }
}

#[cfg(test)]
mod tests;
