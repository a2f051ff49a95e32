//! The processes of a demonstration: the node under this very program, and a wallet for each person with its own folder.
use super::fault::{DemoError, doing};
use serde_json::Value;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a node may take to serve: loading a long chain on a busy machine.
const START_MAX: Duration = Duration::from_secs(60);
/// Time between two looks whether it serves.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// File in the node's folder that names its RPC address.
const ADDRESS_FILE: &str = "rpc.addr";

/// A running node; killed when dropped unless it is left running.
#[derive(Debug)]
pub struct NodeProcess {
    program: PathBuf,
    child: Child,
    dir: PathBuf,
    url: String,
}

impl NodeProcess {
    /// Starts `<program> dev` on `dir` and waits until it serves.
    pub fn start(program: &Path, dir: &Path) -> Result<Self, DemoError> {
        fs::create_dir_all(dir).map_err(doing("making the node's folder"))?;
        let address_file = dir.join(ADDRESS_FILE);
        if address_file.exists() {
            fs::remove_file(&address_file).map_err(doing("removing the old address"))?;
        }
        let log_path = dir.join("node.log");
        let log = File::options().create(true).append(true).open(&log_path).map_err(doing("opening the node's log"))?;
        let log_too = log.try_clone().map_err(doing("opening the node's log"))?;
        let mut child = Command::new(program)
            .args(["dev", "--rpc-port", "0", "--dir"])
            .arg(dir)
            .stdin(Stdio::null())
            .stdout(log_too)
            .stderr(log)
            .spawn()
            .map_err(doing("starting the node"))?;
        let start = Instant::now();
        let address = loop {
            if let Some(status) = child.try_wait().map_err(doing("looking after the node"))? {
                return Err(DemoError::Node { what: format!("ended ({status})"), log: log_path });
            }
            match fs::read_to_string(&address_file) {
                Ok(address) if address.ends_with('\n') => break address.trim().to_string(),
                _ if start.elapsed() > START_MAX => {
                    child.kill().map_err(doing("ending the node"))?;
                    let what = format!("did not serve within {} s", START_MAX.as_secs());
                    return Err(DemoError::Node { what, log: log_path });
                }
                _ => std::thread::sleep(LOOK_EVERY),
            }
        };
        Ok(Self { program: program.to_path_buf(), child, dir: dir.to_path_buf(), url: format!("ws://{address}") })
    }

    /// Where its RPC is.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Kills it as a power cut would (SIGKILL) and starts it again on the same folder.
    pub fn kill_and_restart(&mut self) -> Result<(), DemoError> {
        self.child.kill().and_then(|()| self.child.wait()).map_err(doing("killing the node"))?;
        *self = Self::start(&self.program, &self.dir)?;
        Ok(())
    }

    /// Waits until the node ends by itself or by a signal from the terminal.
    pub fn wait(&mut self) -> Result<(), DemoError> {
        self.child.wait().map(drop).map_err(doing("waiting for the node"))
    }
}

impl Drop for NodeProcess {
    fn drop(&mut self) {
        // Already gone after `wait`; then both calls fail and nothing is left to do.
        if self.child.kill().is_ok() && self.child.wait().is_err() {
            eprintln!("the node's end could not be seen");
        }
    }
}

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
        cargo.current_dir(&root).args(["build", "--locked", "-p", "countersign-wallet", "--target-dir"]).arg(target);
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
    /// Makes the folder and stores the development key of `name` in it.
    pub fn new(program: &Path, homes: &Path, name: &str) -> Result<Self, DemoError> {
        let home = homes.join(name);
        fs::create_dir_all(&home).map_err(doing("making a wallet's folder"))?;
        let wallet = Self { program: program.to_path_buf(), name: name.into(), home };
        if !wallet.home.join("keys").exists() {
            wallet.run("ws://127.0.0.1:1", &["keys", "dev", name])?;
        }
        Ok(wallet)
    }

    /// A path in the wallet's folder, for files it receives.
    pub fn file(&self, name: &str) -> PathBuf {
        self.home.join(name)
    }

    /// Runs a command, whatever comes of it.
    pub fn try_run(&self, node: &str, args: &[&str]) -> Result<Outcome, DemoError> {
        let output = Command::new(&self.program)
            .arg("--json")
            .arg("--home")
            .arg(&self.home)
            .args(["--node", node, "--key", &self.name])
            .args(args)
            .current_dir(&self.home)
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
