//! Questions at the terminal: yes or no, passphrases, PINs and words. Never answered by default.
use crate::failure::Failure;
use crate::files;
use std::io::{self, BufRead, IsTerminal, Write};
use std::path::Path;
use zeroize::Zeroizing;

/// Environment variable with the passphrase of the key in use.
pub const PASSPHRASE_VARIABLE: &str = "COUNTERSIGN_PASSPHRASE";
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
    let bytes = files::read_secret(path, PASSPHRASE_BYTES_MAX)?;
    let text = std::str::from_utf8(&bytes).map_err(|error| Failure::Io {
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
