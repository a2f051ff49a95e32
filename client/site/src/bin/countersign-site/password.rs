//! Passwords, from where nobody else sees them: a file of one's own, the terminal, or standard input.
use crate::failure::Failure;
use countersign_client::keystore::{check_mode, read_bounded};
use countersign_client::login::PASSWORD_BYTES_MAX;
use std::io::{self, BufRead, IsTerminal, Read};
use std::path::Path;
use zeroize::Zeroizing;

fn io_failure(what: &str) -> impl FnOnce(io::Error) -> Failure {
    move |source| Failure::Io { what: what.into(), source }
}

fn first_line(bytes: &[u8], what: &str) -> Result<Zeroizing<String>, Failure> {
    let text = std::str::from_utf8(bytes).map_err(|error| io_failure(what)(io::Error::other(error)))?;
    Ok(Zeroizing::new(text.lines().next().unwrap_or_default().to_owned()))
}

/// A password that is chosen for `user`: typed twice at a terminal.
pub fn chosen(file: Option<&Path>, user: &str) -> Result<Zeroizing<String>, Failure> {
    if let Some(path) = file {
        check_mode(path, 0o600)?;
        return first_line(&read_bounded(path)?, &path.display().to_string());
    }
    if io::stdin().is_terminal() {
        let ask = |prompt: String| rpassword::prompt_password(prompt).map(Zeroizing::new);
        let first = ask(format!("Password of {user}: ")).map_err(io_failure("the terminal"))?;
        let again = ask("Once more: ".into()).map_err(io_failure("the terminal"))?;
        return if *first == *again { Ok(first) } else { Err(Failure::PasswordsDiffer) };
    }
    let mut line = Zeroizing::new(Vec::with_capacity(PASSWORD_BYTES_MAX + 2));
    let mut input = io::stdin().lock().take(PASSWORD_BYTES_MAX as u64 + 2);
    input.read_until(b'\n', &mut line).map_err(io_failure("standard input"))?;
    first_line(&line, "standard input")
}
