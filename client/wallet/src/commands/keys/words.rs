//! A key as words on paper, and back from them. The words go to a terminal or into a file of their owner's; nothing else shows them.
use super::{NewArgs, new_passphrase, protected_by};
use crate::confirm;
use crate::failure::Failure;
use crate::files;
use crate::session::Session;
use clap::Args;
use countersign_client::keystore::read_private;
use countersign_client::keystore::words::{WORDS, WordsError, from_words};
use serde_json::json;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Words in a line, as on the paper forms that people know.
const WORDS_PER_LINE: usize = 4;
/// Bytes of all lines: a word and its number are at most 13.
const LINES_BYTES_MAX: usize = 32 * WORDS;

/// A key from paper.
#[derive(Args, Debug)]
pub struct RestoreArgs {
    #[command(flatten)]
    new: NewArgs,
    /// File with the words, which only you can read [default: asked at the terminal]
    #[arg(long, value_name = "FILE")]
    words_file: Option<PathBuf>,
}

/// Shows a key's words at the terminal, or writes them to a new file.
pub fn show(session: &Session, name: &str, output: Option<&Path>) -> Result<(), Failure> {
    let is_shown = output.is_none();
    if is_shown && (session.output.json || !io::stdout().is_terminal()) {
        return Err(Failure::WordsNotShown);
    }
    if let Some(path) = output {
        files::check_new(path, false)?;
    }
    let record = session.keystore.record(name)?;
    let words = session.unlock(&record)?.words();
    session.output.warn("whoever reads these words can sign with this key; they have no passphrase");
    let Some(path) = output else {
        let lines = in_lines(&words);
        let written = io::stdout().lock().write_all(lines.as_bytes());
        return written.map_err(|source| Failure::Io { path: "the terminal".into(), source });
    };
    let mut content = words;
    content.push('\n');
    files::write_private(path, content.as_bytes(), false)?;
    let (account, file) = (record.account.to_string(), path.display().to_string());
    let result = json!({ "name": name, "account": account, "file": file });
    session.output.result(&result, || format!("The words of {name} are in {file}"));
    Ok(())
}

/// The words with their numbers.
fn in_lines(words: &str) -> Zeroizing<String> {
    let mut lines = Zeroizing::new(String::with_capacity(LINES_BYTES_MAX));
    for (index, word) in words.split(' ').enumerate() {
        let number = index + 1;
        let told = match number % WORDS_PER_LINE {
            0 => format!("{number:>2}. {word}\n"),
            _ => format!("{number:>2}. {word:<8}  "),
        };
        lines.push_str(&Zeroizing::new(told));
    }
    lines
}

/// Stores the key of words.
pub fn restore(session: &Session, args: &RestoreArgs) -> Result<(), Failure> {
    let words = match &args.words_file {
        Some(path) => {
            let bytes = read_private(path)?;
            // What is no text holds no words.
            Zeroizing::new(std::str::from_utf8(&bytes).map_err(|_| WordsError::Count { found: 0 })?.to_owned())
        }
        None => confirm::words(&format!("The {WORDS} words (not shown)"))?,
    };
    let secret = from_words(&words)?;
    let passphrase = new_passphrase(session, &args.new)?;
    let protection = protected_by(session, passphrase.as_ref());
    super::show(session, &session.keystore.store(&args.new.name, &secret, None, &protection)?);
    Ok(())
}
