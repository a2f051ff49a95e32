//! A signer that is a program: it gets the bytes to sign on standard input and answers the signature on standard output.
//!
//! ```text
//! wallet ─message, as it is→ program ─128 hexadecimal digits→ wallet: checked against the key, then used
//! ```
//! The program learns the key it is asked for from `COUNTERSIGN_SIGNER_KEY`; other variables that begin with `COUNTERSIGN_` are kept
//! from it, for a passphrase may be among them. It may talk to its person on standard error and on the terminal.
use super::{MESSAGE_BYTES_MAX, Signer, SignerError};
use crate::types::signature::verify;
use crate::types::{AccountId, PublicKey, Signature};
use std::ffi::OsStr;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// How long a program may take: a person may have to find the device and touch it.
pub const PATIENCE: Duration = Duration::from_secs(120);
/// Bytes of an answer: the digits and the end of a line.
const ANSWER_BYTES_MAX: usize = 130;
/// Time between two looks at whether the program has ended: it has answered already, so it is about to.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// Tells the program which key is asked for.
const KEY_VARIABLE: &str = "COUNTERSIGN_SIGNER_KEY";
/// Begins the names of the variables that are the wallet's own.
const OWN_VARIABLES: &str = "COUNTERSIGN_";

/// A program and its arguments.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Program {
    /// Where it lies.
    pub path: PathBuf,
    /// What it is called with. Never a secret: everybody on the machine sees arguments.
    pub args: Vec<String>,
}

/// A key that a program signs with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProgramSigner {
    account: AccountId,
    key: PublicKey,
    program: Program,
    patience: Duration,
}

impl ProgramSigner {
    /// A signer for `account` with `key`, whose secret only the program knows. It is given [`PATIENCE`].
    pub fn new(account: AccountId, key: PublicKey, program: Program) -> Self {
        Self { account, key, program, patience: PATIENCE }
    }

    /// The same signer, given up after `patience`.
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    fn program(&self) -> String {
        self.program.path.display().to_string()
    }

    fn timeout(&self) -> SignerError {
        SignerError::Timeout { program: self.program(), seconds: self.patience.as_secs() }
    }

    fn not_started(&self, source: std::io::Error) -> SignerError {
        SignerError::NotStarted { program: self.program(), source }
    }

    fn start(&self) -> Result<Child, SignerError> {
        let mut command = Command::new(&self.program.path);
        command.args(&self.program.args).stdin(Stdio::piped()).stdout(Stdio::piped());
        let is_own = |name: &OsStr| name.to_string_lossy().starts_with(OWN_VARIABLES);
        for (name, _) in std::env::vars_os().filter(|(name, _)| is_own(name)) {
            command.env_remove(name);
        }
        command.env(KEY_VARIABLE, self.key.to_string());
        command.spawn().map_err(|source| self.not_started(source))
    }

    /// What the program answers. Whatever comes of it, the program has ended.
    fn ask(&self, message: &[u8]) -> Result<Vec<u8>, SignerError> {
        let mut child = self.start()?;
        let answer = self.converse(&mut child, message);
        if answer.is_err() {
            let _ = child.kill();
            let _ = child.wait();
        }
        answer
    }

    fn converse(&self, child: &mut Child, message: &[u8]) -> Result<Vec<u8>, SignerError> {
        let deadline = Instant::now() + self.patience;
        if let Some(mut input) = child.stdin.take() {
            // A pipe holds MESSAGE_BYTES_MAX, so this does not wait. A program that does not read is judged by its answer.
            let _ = input.write_all(message);
        }
        let (sender, receiver) = mpsc::channel();
        if let Some(output) = child.stdout.take() {
            thread::spawn(move || {
                let mut answer = Vec::new();
                let read = output.take(ANSWER_BYTES_MAX as u64 + 1).read_to_end(&mut answer);
                let _ = sender.send(read.map(|_| answer));
            });
        }
        let answer = receiver.recv_timeout(self.patience).map_err(|_| self.timeout())?;
        let answer = answer.map_err(|source| self.not_started(source))?;
        if answer.len() > ANSWER_BYTES_MAX {
            return Err(SignerError::NotASignature { program: self.program() });
        }
        let status = self.wait_until(child, deadline)?;
        if status.success() { Ok(answer) } else { Err(SignerError::Failed { program: self.program(), status }) }
    }

    fn wait_until(&self, child: &mut Child, deadline: Instant) -> Result<ExitStatus, SignerError> {
        loop {
            if let Some(status) = child.try_wait().map_err(|source| self.not_started(source))? {
                return Ok(status);
            }
            if Instant::now() >= deadline {
                return Err(self.timeout());
            }
            thread::sleep(LOOK_EVERY);
        }
    }
}

impl Signer for ProgramSigner {
    fn account(&self) -> AccountId {
        self.account
    }

    fn public_key(&self) -> PublicKey {
        self.key
    }

    fn try_sign(&self, message: &[u8]) -> Result<Signature, SignerError> {
        if message.len() > MESSAGE_BYTES_MAX {
            return Err(SignerError::TooLong { size: message.len() });
        }
        let answer = self.ask(message)?;
        let mut signature = [0; 64];
        hex::decode_to_slice(answer.trim_ascii(), &mut signature)
            .map_err(|_| SignerError::NotASignature { program: self.program() })?;
        let signature = Signature(signature);
        if verify(&self.key, message, &signature) {
            Ok(signature)
        } else {
            Err(SignerError::WrongSignature { program: self.program(), key: self.key })
        }
    }
}
