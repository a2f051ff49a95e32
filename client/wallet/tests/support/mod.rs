//! One person's wallet as a process: its commands without a node, in a folder of its own, and what they end with.
#![allow(dead_code, clippy::unwrap_used, reason = "each program of tests uses a part of it, and fails where it stands")]
use serde_json::Value as Json;
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The chain that every command names.
pub const CHAIN: &str = "1111111111111111111111111111111111111111111111111111111111111111";

/// One person's wallet.
pub struct Wallet {
    folder: tempfile::TempDir,
    /// What its environment holds.
    passphrase: Option<&'static str>,
}

impl Wallet {
    /// Without a key.
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), passphrase: None }
    }

    /// Without a key; the environment of its commands holds the passphrase.
    pub fn with_passphrase(passphrase: &'static str) -> Self {
        Self { passphrase: Some(passphrase), ..Self::new() }
    }

    /// With the development key `name`.
    pub fn of(name: &str) -> Self {
        let wallet = Self::new();
        wallet.done(&["keys", "dev", name]);
        wallet
    }

    /// A file of the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path(name), content).unwrap();
    }

    /// Takes over a file of another wallet.
    pub fn take(&self, from: &Self, file: &str) {
        fs::copy(from.path(file), self.path(file)).unwrap();
    }

    /// The program with these arguments, for people or for programs. It has nobody to ask.
    pub fn command(&self, json: bool, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
        command.args(["--offline", "--chain", CHAIN, "--decimals", "EUR=2"]).args(args);
        if json {
            command.arg("--json");
        }
        command.current_dir(self.folder.path()).env_clear().env("COUNTERSIGN_HOME", self.path("home"));
        command.env("PATH", "/usr/bin:/bin").stdin(Stdio::null());
        command.envs(self.passphrase.map(|passphrase| ("COUNTERSIGN_PASSPHRASE", passphrase)));
        command
    }

    pub fn run(&self, args: &[&str]) -> Output {
        self.command(true, args).output().unwrap()
    }

    /// Runs to success; the result.
    #[track_caller]
    pub fn done(&self, args: &[&str]) -> Json {
        result(&self.run(args))
    }

    /// Runs to failure with this exit code; the message.
    #[track_caller]
    pub fn refused(&self, args: &[&str], exit: i32) -> String {
        message(&error(&self.run(args), exit))
    }

    /// The account of the only key.
    pub fn account(&self) -> String {
        self.done(&["keys", "show"])["account"].as_str().unwrap().to_owned()
    }
}

/// What a command that succeeded printed.
#[track_caller]
pub fn result(output: &Output) -> Json {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The error of a command that ended with this exit code, and printed nothing else that programs could take for a result.
#[track_caller]
pub fn error(output: &Output, exit: i32) -> Json {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(exit), "{errors}");
    assert!(output.stdout.is_empty(), "{}", String::from_utf8_lossy(&output.stdout));
    let mut last: Json = serde_json::from_str(errors.lines().last().unwrap()).unwrap();
    assert_eq!(last["error"]["exit"], exit);
    last["error"].take()
}

/// What an error tells people.
#[track_caller]
pub fn message(error: &Json) -> String {
    error["message"].as_str().unwrap().to_owned()
}

/// Runs a command with this standard input.
pub fn fed(mut command: Command, input: &[u8]) -> Output {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A program that ends without reading closes its end; that is its choice.
    drop(child.stdin.take().unwrap().write_all(input));
    child.wait_with_output().unwrap()
}

/// A file's permission bits.
pub fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

pub fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}
