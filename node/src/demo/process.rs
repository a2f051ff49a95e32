//! The wallets of a demonstration: a folder for each person, and a process for each command.
use super::fault::{DemoError, doing};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Environment variable by which programs find a card service that is not in the usual place.
pub const CARD_SERVICE_VARIABLE: &str = "PCSCLITE_CSOCK_NAME";

/// Finds the wallet beside the node's program `me`; in a source tree cargo builds it first, so that both are of the same version.
pub fn wallet_program(me: &Path) -> Result<PathBuf, DemoError> {
    let folder = me.parent().expect("a program lies in a folder");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let target = folder.parent().filter(|_| folder.ends_with("release") || folder.ends_with("debug"));
    if let Some(target) = target
        && root.join("client/wallet/Cargo.toml").exists()
    {
        eprintln!("building the wallet");
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        // Both packages, though one program is wanted: cargo then chooses the features that `cargo run` chose, and builds only what
        // the node has not needed.
        let packages = ["-p", "countersign-node", "-p", "countersign-wallet", "--bin", "countersign"];
        cargo.current_dir(&root).args(["build", "--locked"]).args(packages).arg("--target-dir").arg(target);
        if folder.ends_with("release") {
            cargo.arg("--release");
        }
        let status = cargo.stdout(Stdio::null()).status().map_err(doing("starting cargo to build the wallet"))?;
        if !status.success() {
            return Err(DemoError::Build { status });
        }
    }
    let program = folder.join("countersign");
    if program.exists() { Ok(program) } else { Err(DemoError::NoWallet { folder: folder.into() }) }
}

/// A person's wallet: a folder, a key, and one process per command.
#[derive(Clone, Debug)]
pub struct Wallet {
    program: PathBuf,
    /// The person's name on the ledger, and the name of the key.
    pub name: String,
    home: PathBuf,
    /// Where its commands are given.
    files: PathBuf,
    /// Socket of the card service, if cards are in a reader.
    card_service: Option<PathBuf>,
}

/// What a wallet's command left.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What it printed as JSON on standard output, or on standard error if it failed.
    pub json: Value,
    /// True if it exited with 0.
    pub ok: bool,
}

impl Wallet {
    /// The wallet of `name`, made with that development key in it if it is not there; the files it writes and receives are those of
    /// `story`, so that stories need not agree on their names.
    pub fn open(program: &Path, homes: &Path, name: &str, story: &str) -> Result<Self, DemoError> {
        let home = homes.join(name);
        let files = home.join(story);
        fs::create_dir_all(&files).map_err(doing("making a wallet's folder"))?;
        let wallet = Self { program: program.to_path_buf(), name: name.into(), home, files, card_service: None };
        if !wallet.home.join("keys").exists() {
            wallet.run("ws://127.0.0.1:1", &["keys", "dev", name])?;
        }
        Ok(wallet)
    }

    /// A path in the story's folder of the wallet, for files it receives.
    pub fn file(&self, name: &str) -> PathBuf {
        self.files.join(name)
    }

    /// Lets it find cards in the readers of the card service at `socket`.
    pub fn use_card_service(&mut self, socket: &Path) {
        self.card_service = Some(socket.to_path_buf());
    }

    /// Runs a command, whatever comes of it.
    pub fn try_run(&self, node: &str, args: &[&str]) -> Result<Outcome, DemoError> {
        let card_service = self.card_service.iter().map(|socket| (CARD_SERVICE_VARIABLE, socket));
        let output = Command::new(&self.program)
            .envs(card_service)
            .arg("--json")
            .arg("--home")
            .arg(&self.home)
            .args(["--node", node, "--key", &self.name])
            .args(args)
            .current_dir(&self.files)
            .stdin(Stdio::null())
            .output()
            .map_err(doing("starting a wallet"))?;
        let ok = output.status.success();
        let text = if ok || output.stderr.is_empty() { &output.stdout } else { &output.stderr };
        let text = String::from_utf8_lossy(text);
        let json = serde_json::from_str(text.trim()).map_err(|_| self.failed(args, &text))?;
        Ok(Outcome { json, ok })
    }

    /// Runs a command that must succeed and gives what it printed.
    pub fn run(&self, node: &str, args: &[&str]) -> Result<Value, DemoError> {
        let outcome = self.try_run(node, args)?;
        if outcome.ok { Ok(outcome.json) } else { Err(self.failed(args, &outcome.json.to_string())) }
    }

    fn failed(&self, args: &[&str], output: &str) -> DemoError {
        DemoError::Wallet { command: args.join(" "), who: self.name.clone(), output: output.into() }
    }
}
