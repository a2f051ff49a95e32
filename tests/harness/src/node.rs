//! A node as a process.
use crate::{Binary, CallError, Disk, Rpc, binary, wait_for};
use anyhow::Context as _;
use serde_json::Value;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

/// File in a node's folder that names the address it serves RPC at.
const ADDRESS_FILE: &str = "rpc.addr";
/// Lines of a log shown with a failure.
const LOG_LINES: usize = 20;

/// A running node; killed when dropped.
#[derive(Debug)]
pub struct Node {
    child: Child,
    dir: PathBuf,
    log: PathBuf,
    address: String,
}

/// How a node is started.
#[derive(Clone, Copy, Debug)]
pub struct Launch<'a> {
    /// Its folder, as the node sees it.
    pub dir: &'a Path,
    /// Where its output is appended.
    pub log: &'a Path,
    /// The command and its flags, without `--dir`.
    pub args: &'a [&'a str],
    /// Settings of the environment.
    pub env: &'a [(String, String)],
    /// The disk its folder is on, if not that of everybody.
    pub disk: Option<&'a Disk>,
}

impl Node {
    /// Starts `countersign-node <args> --dir <dir>` and waits until it serves RPC. Its log goes to `<dir>/node.log`.
    ///
    /// # Errors
    /// With the end of the log if the node exits or does not serve in time.
    pub fn start(dir: &Path, args: &[&str]) -> anyhow::Result<Self> {
        fs::create_dir_all(dir)?;
        Self::launch(Launch { dir, log: &dir.join("node.log"), args, env: &[], disk: None })
    }

    /// Starts a node and waits until it serves RPC.
    ///
    /// # Errors
    /// With the end of the log if the node exits or does not serve in time.
    pub fn launch(how: Launch<'_>) -> anyhow::Result<Self> {
        let dir = how.disk.map_or_else(|| how.dir.to_path_buf(), |disk| disk.seen_from_here(how.dir));
        let _ = fs::remove_file(dir.join(ADDRESS_FILE));
        let mut child = spawn(&how)?;
        let address = wait_for("the node to serve RPC", || {
            if let Ok(Some(status)) = child.try_wait() {
                return Some(Err(anyhow::anyhow!("the node exited: {status}")));
            }
            let address = fs::read_to_string(dir.join(ADDRESS_FILE)).ok()?;
            address.ends_with('\n').then(|| Ok(address.trim().to_string()))
        });
        match address.and_then(|address| address) {
            Ok(address) => Ok(Self { child, dir, log: how.log.to_path_buf(), address }),
            Err(error) => {
                let _ = child.kill();
                let _ = child.wait();
                Err(error.context(format!("last lines of its log:\n{}", log_end(how.log))))
            }
        }
    }

    /// `host:port` of its RPC.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// `ws://host:port`.
    pub fn url(&self) -> String {
        format!("ws://{}", self.address)
    }

    /// Its folder, as this process sees it.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Calls a method of its RPC.
    ///
    /// # Errors
    /// [`CallError`].
    pub fn call(&self, method: &str, params: &Value) -> Result<Value, CallError> {
        Rpc::new(&self.address).call(method, params)
    }

    /// Sends it a signal by name: `STOP`, `CONT`, `TERM`.
    ///
    /// # Errors
    /// If it is gone.
    pub fn signal(&self, name: &str) -> anyhow::Result<()> {
        let status = Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()).status()?;
        anyhow::ensure!(status.success(), "the node is gone already");
        Ok(())
    }

    /// Ends it at once, as a power cut would (SIGKILL).
    ///
    /// # Errors
    /// If the signal cannot be sent.
    pub fn kill(mut self) -> anyhow::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Asks it to stop (SIGTERM) and waits.
    ///
    /// # Errors
    /// If it does not exit in time, or not with 0.
    pub fn stop(mut self) -> anyhow::Result<()> {
        self.signal("TERM")?;
        let status = wait_for("the node to stop", || self.child.try_wait().ok().flatten())?;
        anyhow::ensure!(status.success(), "the node stopped with {status}:\n{}", log_end(&self.log));
        Ok(())
    }

    /// How it exited, if it has.
    ///
    /// # Errors
    /// If the system does not tell.
    pub fn exited(&mut self) -> anyhow::Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(how: &Launch<'_>) -> anyhow::Result<Child> {
    let log = File::options().create(true).append(true).open(how.log)?;
    let program = binary(Binary::Node)?;
    let mut command = match how.disk {
        Some(disk) => disk.command(&program),
        None => Command::new(program),
    };
    command.args(how.args).arg("--dir").arg(how.dir).envs(how.env.iter().cloned());
    command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    command.spawn().context("starting the node")
}

/// The last lines of a log.
pub(crate) fn log_end(log: &Path) -> String {
    let log = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(LOG_LINES)..].join("\n")
}
