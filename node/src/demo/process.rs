//! The programs of a demonstration beside the node's: a wallet is a folder for each person and a process for each
//! command.
use super::fault::{DemoError, doing};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Environment variable by which programs find a card service that is not in the usual place.
pub const CARD_SERVICE_VARIABLE: &str = "PCSCLITE_CSOCK_NAME";
/// The wallet's program.
const WALLET: &str = "countersign";
/// The program of a merchant's site.
const SITE: &str = "countersign-site";

/// Programs that the demonstration runs.
#[derive(Clone, Debug)]
pub struct Programs {
    /// The wallet's.
    pub wallet: PathBuf,
    /// That of a merchant's site.
    pub site: PathBuf,
}

impl Programs {
    /// Those given; the others beside the node's program `me`. In a source tree cargo builds them first, so that all
    /// are of the same version.
    pub fn find(me: &Path, wallet: Option<&Path>, site: Option<&Path>) -> Result<Self, DemoError> {
        let folder = me.parent().expect("a program lies in a folder");
        if wallet.is_none() || site.is_none() {
            build(folder)?;
        }
        let program = |given: Option<&Path>, name: &'static str| match given {
            Some(program) => program.canonicalize().map_err(doing("finding a program that was named")),
            None => {
                let program = folder.join(name);
                let missing = || DemoError::NoProgram { name, folder: folder.into() };
                if program.exists() { Ok(program) } else { Err(missing()) }
            }
        };
        Ok(Self { wallet: program(wallet, WALLET)?, site: program(site, SITE)? })
    }
}

/// Builds wallet and site into the folder of the node's program, if it lies in a source tree's.
fn build(folder: &Path) -> Result<(), DemoError> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let target = folder.parent().filter(|_| folder.ends_with("release") || folder.ends_with("debug"));
    let Some(target) = target.filter(|_| root.join("client/wallet/Cargo.toml").exists()) else {
        return Ok(());
    };
    eprintln!("building the wallet and the site's server");
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // All the packages that `cargo run` knows: it then chooses the features that were chosen for the node, and builds
    // only what the node has not needed.
    let packages = ["-p", "countersign-node", "-p", "countersign-wallet", "-p", "countersign-site"];
    cargo.current_dir(&root).args(["build", "--locked"]).args(packages).args(["--bin", WALLET, "--bin", SITE]);
    cargo.arg("--target-dir").arg(target);
    if folder.ends_with("release") {
        cargo.arg("--release");
    }
    let status = cargo.stdout(Stdio::null()).status().map_err(doing("starting cargo to build the wallet"))?;
    if status.success() { Ok(()) } else { Err(DemoError::Build { status }) }
}

/// What a program's command left.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What it printed as JSON on standard output, or on standard error if it failed.
    pub json: Value,
    /// True if it exited with 0.
    pub ok: bool,
}

impl Outcome {
    /// Runs a command that answers in JSON; `Err` with what it printed if that is none.
    pub fn of(command: &mut Command) -> Result<Result<Self, String>, DemoError> {
        let output = command.stdin(Stdio::null()).output().map_err(doing("starting a program"))?;
        let ok = output.status.success();
        let text = if ok || output.stderr.is_empty() { &output.stdout } else { &output.stderr };
        let text = String::from_utf8_lossy(text);
        let json = serde_json::from_str(text.trim());
        Ok(json.map(|json| Self { json, ok }).map_err(|_| text.into_owned()))
    }
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

impl Wallet {
    /// The wallet of `name`, made with that development key in it if it is not there; the files it writes and receives are those of
    /// `story`, so that stories need not agree on their names.
    pub fn open(program: &Path, homes: &Path, name: &str, story: &str) -> Result<Self, DemoError> {
        let home = homes.join(name);
        let files = home.join(story);
        fs::create_dir_all(&files).map_err(doing("making a wallet's folder"))?;
        let wallet = Self { program: program.to_path_buf(), name: name.into(), home, files, card_service: None };
        if !wallet.keystore().exists() {
            wallet.run("ws://127.0.0.1:1", &["keys", "dev", name])?;
        }
        Ok(wallet)
    }

    /// The folder of its keys.
    pub fn keystore(&self) -> PathBuf {
        self.home.join("keys")
    }

    /// A path in the story's folder of the wallet, for files it receives.
    pub fn file(&self, name: &str) -> PathBuf {
        self.files.join(name)
    }

    /// Lets it find cards in the readers of the card service at `socket`.
    pub fn use_card_service(&mut self, socket: &Path) {
        self.card_service = Some(socket.to_path_buf());
    }

    /// A command given at `node`, not started yet.
    pub fn command(&self, node: &str, args: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.envs(self.card_service.iter().map(|socket| (CARD_SERVICE_VARIABLE, socket)));
        command.arg("--json").arg("--home").arg(&self.home).args(["--node", node, "--key", &self.name]);
        command.args(args).current_dir(&self.files);
        command
    }

    /// Runs a command, whatever comes of it.
    pub fn try_run(&self, node: &str, args: &[&str]) -> Result<Outcome, DemoError> {
        Outcome::of(&mut self.command(node, args))?.map_err(|text| self.failed(args, &text))
    }

    /// Runs a command that must succeed and gives what it printed.
    pub fn run(&self, node: &str, args: &[&str]) -> Result<Value, DemoError> {
        let outcome = self.try_run(node, args)?;
        if outcome.ok { Ok(outcome.json) } else { Err(self.failed(args, &outcome.json.to_string())) }
    }

    fn failed(&self, args: &[&str], output: &str) -> DemoError {
        let command = format!("{WALLET} {}", args.join(" "));
        DemoError::Command { command, who: self.name.clone(), output: output.into() }
    }
}
