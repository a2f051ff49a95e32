//! A wallet as a process: one home folder, one run per command.
use crate::{Binary, PATIENCE, binary};
use anyhow::Context as _;
use serde_json::Value;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{self, Receiver};

/// A person's wallet.
#[derive(Clone, Debug)]
pub struct Wallet {
    home: PathBuf,
    node: String,
    key: String,
    /// Socket of the card service, if it is not the system's.
    card_service: Option<PathBuf>,
}

/// What a command left.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The exit code; -1 if a signal ended it.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl From<Output> for Outcome {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Outcome {
    /// Standard output as JSON.
    ///
    /// # Errors
    /// If it is none.
    pub fn json(&self) -> anyhow::Result<Value> {
        serde_json::from_str(&self.stdout).with_context(|| format!("not JSON: {}\n{}", self.stdout, self.stderr))
    }

    /// What a refused command says of it, from the last line of standard error.
    ///
    /// # Errors
    /// If it was not refused, or says nothing that programs can read.
    pub fn error(&self) -> anyhow::Result<Value> {
        anyhow::ensure!(self.code > 0, "it was not refused: {self:#?}");
        let line = self.stderr.lines().last().unwrap_or_default();
        let mut told: Value = serde_json::from_str(line).with_context(|| format!("not JSON: {self:#?}"))?;
        Ok(told["error"].take())
    }
}

/// A command that tells one thing after another, such as `feed --follow`; ended when it is dropped.
#[derive(Debug)]
pub struct Following {
    child: Child,
    told: Receiver<String>,
}

impl Following {
    /// The next thing it tells.
    ///
    /// # Errors
    /// If it tells none in [`PATIENCE`], or ends.
    pub fn next(&self) -> anyhow::Result<Value> {
        let line = self.told.recv_timeout(PATIENCE).context("the wallet tells nothing more")?;
        serde_json::from_str(&line).with_context(|| format!("not JSON: {line}"))
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Wallet {
    /// A wallet with its own home that holds the development key `name`, talking to `node`.
    ///
    /// # Errors
    /// If the wallet cannot be run.
    pub fn of_development_key(home: &Path, node: &str, name: &str) -> anyhow::Result<Self> {
        let wallet = Self { home: home.to_path_buf(), node: node.into(), key: name.into(), card_service: None };
        wallet.run(&["keys", "dev", name])?;
        Ok(wallet)
    }

    /// The same wallet, talking to another node.
    #[must_use]
    pub fn at(&self, node: &str) -> Self {
        Self { node: node.into(), ..self.clone() }
    }

    /// The same wallet, with cards in the readers of the card service at `socket`.
    #[must_use]
    pub fn with_card_service(&self, socket: &Path) -> Self {
        Self { card_service: Some(socket.to_path_buf()), ..self.clone() }
    }

    /// Runs `countersign --json <args>`, whatever comes of it.
    ///
    /// # Errors
    /// If the program cannot be started.
    pub fn try_run(&self, args: &[&str]) -> anyhow::Result<Outcome> {
        Ok(self.command(args)?.output().context("starting the wallet")?.into())
    }

    fn command(&self, args: &[&str]) -> anyhow::Result<Command> {
        let mut command = Command::new(binary(Binary::Wallet)?);
        command.arg("--json").arg("--home").arg(&self.home).args(["--node", &self.node, "--key", &self.key]).args(args);
        if let Some(socket) = &self.card_service {
            command.env("PCSCLITE_CSOCK_NAME", socket);
        }
        command.stdin(Stdio::null());
        Ok(command)
    }

    /// Starts `countersign --json <args>`, which goes on until what is given back is dropped.
    ///
    /// # Errors
    /// If the program cannot be started.
    pub fn follow(&self, args: &[&str]) -> anyhow::Result<Following> {
        let mut child = self.command(args)?.stdout(Stdio::piped()).spawn().context("starting the wallet")?;
        let output = BufReader::new(child.stdout.take().context("standard output is piped")?);
        let (tell, told) = mpsc::channel();
        std::thread::spawn(move || {
            // It ends when the wallet does, or when nobody listens.
            let _ = output.lines().map_while(Result::ok).try_for_each(|line| tell.send(line));
        });
        Ok(Following { child, told })
    }

    /// The folder of its files.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// Runs `countersign --json <args>` and gives what it printed.
    ///
    /// # Errors
    /// If it exits with anything but 0 or prints no JSON.
    pub fn run(&self, args: &[&str]) -> anyhow::Result<Value> {
        let outcome = self.try_run(args)?;
        anyhow::ensure!(
            outcome.code == 0,
            "`countersign {}` exited with {}:\n{}{}",
            args.join(" "),
            outcome.code,
            outcome.stdout,
            outcome.stderr
        );
        outcome.json()
    }
}
