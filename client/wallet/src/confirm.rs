//! Questions at the terminal: yes or no, passphrases, passwords, PINs and words. Never answered by default.
use crate::failure::Failure;
use crate::files;
use countersign_client::keystore::read_private;
use std::io::{self, BufRead, IsTerminal, Write};
use std::path::Path;
use zeroize::Zeroizing;

/// Environment variable with the passphrase of the key in use.
pub const PASSPHRASE_VARIABLE: &str = "COUNTERSIGN_PASSPHRASE";
/// Environment variable with the password of a user at a site.
pub const PASSWORD_VARIABLE: &str = "COUNTERSIGN_PASSWORD";
/// Bytes of a passphrase file: a long sentence.
const PASSPHRASE_BYTES_MAX: usize = 4 * 1024;

/// Asks `question`; with `yes` it is answered already.
pub fn confirm(question: &str, yes: bool) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    if !io::stdin().is_terminal() {
        return Err(Failure::NoTerminal);
    }
    let mut answer = String::new();
    let asked = write!(io::stderr(), "{question} [y/N] ").and_then(|()| io::stdin().lock().read_line(&mut answer));
    asked.map_err(|source| Failure::Io { path: "the terminal".into(), source })?;
    if matches!(answer.trim(), "y" | "Y" | "yes") { Ok(()) } else { Err(Failure::Declined) }
}

/// The passphrase from the file, the environment or the terminal, in this order.
pub fn passphrase(file: Option<&Path>, prompt: &str) -> Result<Zeroizing<String>, Failure> {
    match given(file)? {
        Some(given) => Ok(given),
        None => ask(prompt),
    }
}

/// A passphrase for a new key: asked twice if it is typed.
pub fn new_passphrase(file: Option<&Path>, prompt: &str) -> Result<Zeroizing<String>, Failure> {
    if let Some(given) = given(file)? {
        return Ok(given);
    }
    let first = ask(prompt)?;
    if *first == *ask("Once more")? { Ok(first) } else { Err(Failure::PassphrasesDiffer) }
}

/// The password of a user at a site: from a file that only its owner can read, the environment or the terminal, in this order.
pub fn password(file: Option<&Path>, prompt: &str) -> Result<Zeroizing<String>, Failure> {
    if let Some(path) = file {
        return first_line_of(path, &read_private(path)?);
    }
    match std::env::var(PASSWORD_VARIABLE) {
        Ok(given) => Ok(Zeroizing::new(given)),
        Err(_) if io::stdin().is_terminal() => ask(prompt),
        Err(_) => Err(Failure::NoPassword),
    }
}

/// A card's PIN from the file or the terminal. Not from the environment: a PIN is for whoever stands at the device.
pub fn pin(file: Option<&Path>, prompt: &str) -> Result<Zeroizing<String>, Failure> {
    match file {
        Some(path) => first_line(path),
        None if io::stdin().is_terminal() => ask(prompt),
        None => Err(Failure::NoPin),
    }
}

/// A PIN that is chosen: asked twice if it is typed.
pub fn new_pin(file: Option<&Path>, prompt: &str) -> Result<Zeroizing<String>, Failure> {
    let first = pin(file, prompt)?;
    if file.is_some() || *first == *ask("Once more")? { Ok(first) } else { Err(Failure::PinsDiffer) }
}

/// The words of a key, typed.
pub fn words(prompt: &str) -> Result<Zeroizing<String>, Failure> {
    if io::stdin().is_terminal() { ask(prompt) } else { Err(Failure::NoWords) }
}

/// The passphrase from the file or the environment, if there is one.
pub fn given(file: Option<&Path>) -> Result<Option<Zeroizing<String>>, Failure> {
    match file {
        Some(path) => first_line(path).map(Some),
        None => Ok(std::env::var(PASSPHRASE_VARIABLE).ok().map(Zeroizing::new)),
    }
}

fn first_line(path: &Path) -> Result<Zeroizing<String>, Failure> {
    first_line_of(path, &files::read_secret(path, PASSPHRASE_BYTES_MAX)?)
}

fn first_line_of(path: &Path, bytes: &[u8]) -> Result<Zeroizing<String>, Failure> {
    let text = std::str::from_utf8(bytes).map_err(|error| Failure::Io {
        path: path.display().to_string(),
        source: io::Error::new(io::ErrorKind::InvalidData, error),
    })?;
    Ok(Zeroizing::new(text.lines().next().unwrap_or_default().to_string()))
}

fn ask(prompt: &str) -> Result<Zeroizing<String>, Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::NoPassphrase);
    }
    let typed = rpassword::prompt_password(format!("{prompt}: "));
    typed.map(Zeroizing::new).map_err(|source| Failure::Io { path: "the terminal".into(), source })
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_client::keystore::KeyError;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_password_is_read_from_a_file_that_nobody_else_reads() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("password");
        fs::write(&path, "correct horse \nsecond line\n").unwrap();
        for open in [0o644, 0o640, 0o604] {
            fs::set_permissions(&path, fs::Permissions::from_mode(open)).unwrap();
            let refused = password(Some(&path), "Password").unwrap_err();
            assert!(matches!(refused, Failure::Key(KeyError::OpenToOthers { .. })), "{refused}");
            assert!(!refused.to_string().contains("horse"), "{refused}");
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(*password(Some(&path), "Password").unwrap(), "correct horse ");
        fs::write(&path, [0xff, 0xfe]).unwrap();
        assert!(password(Some(&path), "Password").is_err());
        assert!(password(Some(&folder.path().join("absent")), "Password").is_err());
    }
}
