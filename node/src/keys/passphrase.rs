//! The passphrase of a node's key files: from a file, which is what services are given, or from the environment.
use super::KeyFileError;
use crate::config::Config;
use std::fs;
use std::io::Read as _;
use std::path::Path;
use zeroize::Zeroizing;

/// Environment variable with the passphrase itself.
pub const PASSPHRASE_VARIABLE: &str = "COUNTERSIGN_NODE_PASSPHRASE";
/// Bytes of a passphrase: far beyond what adds to its strength.
const PASSPHRASE_BYTES_MAX: u64 = 1024;

/// Opens encrypted key files. Neither shown nor logged.
pub struct Passphrase(Zeroizing<String>);

impl Passphrase {
    /// Takes a passphrase.
    pub fn new(text: &str) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The one in the file that `config` names, else that of the environment; `None` if neither is set.
    ///
    /// # Errors
    /// [`KeyFileError`] if the file cannot be read, or what is set is empty.
    pub fn of(config: &Config) -> Result<Option<Self>, KeyFileError> {
        match &config.passphrase_file {
            Some(file) => Self::read(&config.path(file)).map(Some),
            None => Self::of_environment(),
        }
    }

    /// The one in `file` if one is named, else that of the environment; `None` if neither is set.
    ///
    /// # Errors
    /// As [`Passphrase::of`].
    pub fn find(file: Option<&Path>) -> Result<Option<Self>, KeyFileError> {
        file.map_or_else(Self::of_environment, |file| Self::read(file).map(Some))
    }

    fn of_environment() -> Result<Option<Self>, KeyFileError> {
        match std::env::var(PASSPHRASE_VARIABLE) {
            Ok(text) => Self::checked(Zeroizing::new(text), PASSPHRASE_VARIABLE.into()).map(Some),
            Err(_) => Ok(None),
        }
    }

    /// A file's first line.
    fn read(file: &Path) -> Result<Self, KeyFileError> {
        let failed = |cause| KeyFileError::PassphraseFile { file: file.to_path_buf(), cause };
        let mut text = Zeroizing::new(String::new());
        let opened = fs::File::open(file).map_err(failed)?;
        opened.take(PASSPHRASE_BYTES_MAX).read_to_string(&mut text).map_err(failed)?;
        let line = Zeroizing::new(text.lines().next().unwrap_or_default().to_owned());
        Self::checked(line, file.display().to_string())
    }

    fn checked(text: Zeroizing<String>, origin: String) -> Result<Self, KeyFileError> {
        if text.is_empty() { Err(KeyFileError::EmptyPassphrase { origin }) } else { Ok(Self(text)) }
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl std::fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Passphrase(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_of_a_file_is_the_passphrase() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("passphrase");
        fs::write(&file, "correct horse\n").unwrap();
        assert_eq!(Passphrase::find(Some(&file)).unwrap().unwrap().as_bytes(), b"correct horse");
        fs::write(&file, "\n").unwrap();
        assert!(matches!(Passphrase::find(Some(&file)), Err(KeyFileError::EmptyPassphrase { .. })));
        let missing = dir.path().join("none");
        assert!(matches!(Passphrase::find(Some(&missing)), Err(KeyFileError::PassphraseFile { .. })));
    }

    #[test]
    fn it_is_never_shown() {
        assert!(!format!("{:?}", Passphrase::new("secret")).contains("secret"));
    }
}
