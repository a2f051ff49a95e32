//! A card service of one's own with a virtual reader, and software cards in it: processes of the wallet, on the real PC/SC stack.
use crate::{Binary, Wallet, binary, wait_for};
use anyhow::Context as _;
use serde_json::Value;
use std::io::{BufRead, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A running card service; ended when dropped.
#[derive(Debug)]
pub struct VirtualReader {
    socket: PathBuf,
    /// Where the first slot's driver listens; the second listens at the next port.
    host: String,
    port: u16,
    told: Value,
    child: Child,
    _folder: tempfile::TempDir,
}

/// One of the two slots of the virtual reader.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Slot {
    /// The first.
    First,
    /// The second.
    Second,
}

impl Slot {
    /// The end of its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::First => "PCD 00 00",
            Self::Second => "PCD 00 01",
        }
    }
}

/// A software card in a slot; taken out when dropped.
#[derive(Debug)]
pub struct Inserted {
    child: Child,
    told: Value,
}

impl Inserted {
    /// What the command told that put it there.
    pub fn told(&self) -> &Value {
        &self.told
    }
}

impl VirtualReader {
    /// Starts a card service and waits until it shows its reader.
    ///
    /// # Errors
    /// If it does not start; the wallet's message says what to install.
    pub fn start() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut command = Command::new(binary(Binary::Wallet)?);
        command
            .args(["--json", "--offline", "card", "virtual-reader", "--stop-with-stdin", "--dir"])
            .arg(folder.path());
        let (child, told) = spawn(&mut command).context("no virtual reader, which these tests need")?;
        let text = |name: &str| told[name].as_str().with_context(|| format!("no {name} in {told}"));
        let (host, port) = text("vpcd")?.rsplit_once(':').context("an address has a port")?;
        let (socket, host, port) = (text("socket")?.into(), host.to_owned(), port.parse()?);
        Ok(Self { socket, host, port, told, child, _folder: folder })
    }

    /// What the command told that started it.
    pub fn told(&self) -> &Value {
        &self.told
    }

    /// Where programs find it.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Puts a software card into a slot and waits until the card service shows it to `wallet`.
    ///
    /// # Errors
    /// If it does not.
    pub fn insert(&self, wallet: &Wallet, card_file: &str, slot: Slot) -> anyhow::Result<Inserted> {
        let port = match slot {
            Slot::First => self.port,
            Slot::Second => self.port + 1,
        };
        let mut command = Command::new(binary(Binary::Wallet)?);
        command.args(["--json", "--offline", "card", "emulate", "--card-file", card_file]);
        command.args(["--vpcd", &format!("{}:{port}", self.host)]);
        let (child, told) = spawn(&mut command)?;
        let inserted = Inserted { child, told };
        wait_for("the card to be seen in its slot", || has_card(wallet, slot).filter(|has_card| *has_card))?;
        Ok(inserted)
    }

    /// Takes a card out and waits until the card service shows that it is gone.
    ///
    /// # Errors
    /// If it does not.
    pub fn take_out(&self, wallet: &Wallet, card: Inserted, slot: Slot) -> anyhow::Result<()> {
        drop(card);
        wait_for("the card to be seen gone", || has_card(wallet, slot).filter(|has_card| !has_card)).map(drop)
    }
}

/// Starts a command that goes on, and gives what it told at its beginning.
fn spawn(command: &mut Command) -> anyhow::Result<(Child, Value)> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().context("starting the wallet")?;
    let mut line = String::new();
    BufReader::new(child.stdout.take().context("standard output is a pipe")?).read_line(&mut line)?;
    match serde_json::from_str(&line) {
        Ok(told) => Ok((child, told)),
        Err(_) => {
            let mut error = String::new();
            child.stderr.take().context("standard error is a pipe")?.read_to_string(&mut error)?;
            child.wait()?;
            anyhow::bail!("the wallet ended: {error}")
        }
    }
}

/// Whether there is a card in the slot, if the wallet can tell.
fn has_card(wallet: &Wallet, slot: Slot) -> Option<bool> {
    let listed = wallet.run(&["card", "readers"]).ok()?;
    let is_it = |told: &&Value| told["reader"].as_str().is_some_and(|name| name.contains(slot.name()));
    listed.as_array()?.iter().find(is_it)?["has_card"].as_bool()
}

impl Drop for VirtualReader {
    fn drop(&mut self) {
        // Closing its standard input ends it, and the card service with it.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

impl Drop for Inserted {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
