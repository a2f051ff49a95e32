//! A node of a development network as a process of its own. It ends with the program that started it: its standard input is a pipe
//! from there, and the node stops when that closes.
use super::{LocalError, LocalNode};
use crate::node::{ADDRESS_FILE, LOG_FILE};
use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// How long a node may take to serve: loading a long chain on a busy machine.
const START_MAX: Duration = Duration::from_secs(120);
/// How long it may take to stop: writing its last checkpoint.
const STOP_MAX: Duration = Duration::from_secs(30);
/// Time between two looks whether it serves or has ended.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// How a node is started.
#[derive(Clone, Debug)]
pub struct Launch {
    /// The node's program.
    pub program: PathBuf,
    /// Where it serves RPC; port 0 takes a free one.
    pub rpc_listen: SocketAddr,
    /// What it logs, if not what its settings say.
    pub log: Option<String>,
    /// Whether it relays log-ins and messages even if its settings do not say so.
    pub relay: bool,
    /// Certificates of sites its relay trusts besides the system's, if not those of its settings.
    pub trusted_certificates: Option<PathBuf>,
}

/// A running node; killed when dropped.
#[derive(Debug)]
pub struct Process {
    launch: Launch,
    node: LocalNode,
    child: Child,
    /// `host:port` of the RPC; empty until it serves.
    address: String,
}

impl Process {
    /// Starts all of `nodes` and waits until each serves. `launch` tells how by the node's number.
    ///
    /// # Errors
    /// [`LocalError`]; then none is left running.
    pub fn start_all(nodes: &[LocalNode], launch: impl Fn(usize) -> Launch) -> Result<Vec<Self>, LocalError> {
        let spawned = nodes.iter().map(|node| Self::spawn(node.clone(), launch(node.number)));
        let mut all = spawned.collect::<Result<Vec<_>, _>>()?;
        all.iter_mut().try_for_each(Self::wait_until_it_serves)?;
        Ok(all)
    }

    fn spawn(node: LocalNode, launch: Launch) -> Result<Self, LocalError> {
        let system = |doing| move |cause| LocalError::System { doing, cause };
        match fs::remove_file(node.dir.join(ADDRESS_FILE)) {
            Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => {
                return Err(system("removing a node's old address")(cause));
            }
            _ => {}
        }
        let log = File::options().create(true).append(true).open(log_of(&node.dir));
        let log = log.map_err(system("opening a node's log"))?;
        let log_too = log.try_clone().map_err(system("opening a node's log"))?;
        let mut command = Command::new(&launch.program);
        command.args(["run", "--stop-with-stdin", "--rpc-listen", &launch.rpc_listen.to_string()]);
        command.args(["--listen", &node.listen, "--peers", &node.peers, "--dir"]).arg(&node.dir);
        if let Some(filter) = &launch.log {
            command.args(["--log", filter]);
        }
        if launch.relay {
            command.arg("--relay");
        }
        if let Some(file) = &launch.trusted_certificates {
            command.arg("--trusted-certificates").arg(file);
        }
        // A group of its own: an interrupt from the terminal reaches the program that started it, which stops it in order.
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        command.stdin(Stdio::piped()).stdout(log_too).stderr(log);
        let child = command.spawn().map_err(system("starting a node"))?;
        Ok(Self { launch, node, child, address: String::new() })
    }

    fn wait_until_it_serves(&mut self) -> Result<(), LocalError> {
        let start = Instant::now();
        let file = self.node.dir.join(ADDRESS_FILE);
        loop {
            if let Some(status) = self.ended()? {
                return Err(self.fault(format!("ended ({status})")));
            }
            match fs::read_to_string(&file) {
                Ok(address) if address.ends_with('\n') => {
                    self.address = address.trim().into();
                    return Ok(());
                }
                _ if start.elapsed() > START_MAX => {
                    return Err(self.fault(format!("did not serve within {} s", START_MAX.as_secs())));
                }
                _ => std::thread::sleep(LOOK_EVERY),
            }
        }
    }

    fn fault(&self, what: String) -> LocalError {
        LocalError::Node { number: self.node.number, what, log: self.log() }
    }

    /// Which it is, from 1.
    pub fn number(&self) -> usize {
        self.node.number
    }

    /// Where peers reach it.
    pub fn listen(&self) -> &str {
        &self.node.listen
    }

    /// Where its RPC is, as `ws://host:port`.
    pub fn url(&self) -> String {
        format!("ws://{}", self.address)
    }

    /// `host:port` of its RPC.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its log.
    pub fn log(&self) -> PathBuf {
        log_of(&self.node.dir)
    }

    /// How it ended, if it has.
    ///
    /// # Errors
    /// [`LocalError::System`].
    pub fn ended(&mut self) -> Result<Option<ExitStatus>, LocalError> {
        self.child.try_wait().map_err(|cause| LocalError::System { doing: "looking after a node", cause })
    }

    /// Kills it as a power cut would (SIGKILL).
    ///
    /// # Errors
    /// [`LocalError::System`].
    pub fn kill(&mut self) -> Result<(), LocalError> {
        let killed = self.child.kill().and_then(|()| self.child.wait());
        killed.map(drop).map_err(|cause| LocalError::System { doing: "killing a node", cause })
    }

    /// Starts it again on the same folder and ports of its network, and waits until it serves.
    ///
    /// # Errors
    /// [`LocalError`].
    pub fn restart(&mut self) -> Result<(), LocalError> {
        let mut again = Self::spawn(self.node.clone(), self.launch.clone())?;
        again.wait_until_it_serves()?;
        *self = again;
        Ok(())
    }

    /// Asks all to stop, and waits. Those that do not stop in time are killed.
    pub fn stop_all(mut all: Vec<Self>) {
        for process in &mut all {
            // Its end is what the node waits for.
            drop(process.child.stdin.take());
        }
        let start = Instant::now();
        while start.elapsed() < STOP_MAX && all.iter_mut().any(|process| matches!(process.child.try_wait(), Ok(None))) {
            std::thread::sleep(LOOK_EVERY);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Gone already if it was stopped: then both fail and nothing is left to do.
        if self.child.kill().is_ok() {
            let _ = self.child.wait();
        }
    }
}

fn log_of(dir: &Path) -> PathBuf {
    dir.join(LOG_FILE)
}
