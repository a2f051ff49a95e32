//! A node as a process.
use crate::{Binary, binary, wait_for};
use anyhow::Context as _;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// File in a node's folder that names the address it serves RPC at.
const ADDRESS_FILE: &str = "rpc.addr";
/// Lines of the log shown when a node does not come up.
const LOG_LINES: usize = 40;

/// A running node; killed when dropped.
#[derive(Debug)]
pub struct Node {
    child: Child,
    dir: PathBuf,
    address: String,
}

impl Node {
    /// Starts `countersign-node <args> --dir <dir>` and waits until it serves RPC. Its log goes to `<dir>/node.log`.
    ///
    /// # Errors
    /// With the end of the log if the node exits or does not serve in time.
    pub fn start(dir: &Path, args: &[&str]) -> anyhow::Result<Self> {
        fs::create_dir_all(dir)?;
        let _ = fs::remove_file(dir.join(ADDRESS_FILE));
        let log = File::options().create(true).append(true).open(dir.join("node.log"))?;
        let mut command = Command::new(binary(Binary::Node)?);
        command.args(args).arg("--dir").arg(dir).stdin(Stdio::null());
        command.stdout(log.try_clone()?).stderr(log);
        let mut child = command.spawn().context("starting the node")?;
        let address = wait_for("the node to serve RPC", || {
            if let Ok(Some(status)) = child.try_wait() {
                return Some(Err(anyhow::anyhow!("the node exited: {status}")));
            }
            let address = fs::read_to_string(dir.join(ADDRESS_FILE)).ok()?;
            address.ends_with('\n').then(|| Ok(address.trim().to_string()))
        });
        match address.and_then(|address| address) {
            Ok(address) => Ok(Self { child, dir: dir.to_path_buf(), address }),
            Err(error) => {
                let _ = child.kill();
                let _ = child.wait();
                Err(error.context(format!("last lines of its log:\n{}", log_end(dir))))
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

    /// Its folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
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
        let status = Command::new("kill").arg(self.child.id().to_string()).status()?;
        anyhow::ensure!(status.success(), "the node is gone already");
        let status = wait_for("the node to stop", || self.child.try_wait().ok().flatten())?;
        anyhow::ensure!(status.success(), "the node stopped with {status}:\n{}", log_end(&self.dir));
        Ok(())
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn log_end(dir: &Path) -> String {
    let log = fs::read_to_string(dir.join("node.log")).unwrap_or_default();
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(LOG_LINES)..].join("\n")
}
