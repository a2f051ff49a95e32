//! The network of a demonstration: its nodes as processes, two of which relay, and whether they hold the same chain.
use super::fault::DemoError;
use crate::ask::NodeClient;
use crate::local::{self, Launch, Process};
use countersign_rpc_types::CountersignRpcClient;
use serde::Serialize;
use std::fmt;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long a node may lag before it counts as one that does not agree: catching up after a restart on a busy machine.
const AGREE_MAX: Duration = Duration::from_secs(60);
/// Nodes that relay, the first of the network.
pub const RELAYS: usize = 2;
/// Time between two looks at a node.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// What a node says of the block it was asked for.
#[derive(Clone, Debug, Serialize)]
pub struct NodeHead {
    /// Which node, from 1.
    pub node: usize,
    /// Its newest height.
    pub height: u64,
    /// The hash of its header at the height compared; `None` if it has not come that far.
    pub hash: Option<String>,
}

/// Whether all nodes have the same header at one height, and with it the same chain up to there.
#[derive(Clone, Debug, Serialize)]
pub struct Agreement {
    /// True if they have.
    pub ok: bool,
    /// The height compared.
    pub height: u64,
    /// What each says.
    pub nodes: Vec<NodeHead>,
}

impl Agreement {
    fn of(height: u64, nodes: Vec<NodeHead>) -> Self {
        let ok =
            nodes.first().is_some_and(|first| first.hash.is_some() && nodes.iter().all(|node| node.hash == first.hash));
        Self { ok, height, nodes }
    }
}

impl fmt::Display for Agreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hash = self.nodes.first().and_then(|node| node.hash.as_deref()).unwrap_or("none");
        if self.ok {
            let count = self.nodes.len();
            let who = if count == 1 { "the node is".into() } else { format!("all {count} nodes agree") };
            return write!(f, "{who} at height {}: {hash}", self.height);
        }
        write!(f, "the nodes do NOT agree at height {}:", self.height)?;
        for node in &self.nodes {
            match &node.hash {
                Some(hash) => write!(f, " node {} has {hash};", node.node)?,
                None => write!(f, " node {} is at height {};", node.node, node.height)?,
            }
        }
        Ok(())
    }
}

/// What was seen when the first node was killed and came back.
#[derive(Clone, Debug)]
pub struct Restarted {
    before: u64,
    after: u64,
    /// Heights of the other nodes while it was down.
    others: Vec<u64>,
}

impl Restarted {
    /// True if it lost no block.
    pub fn kept_its_chain(&self) -> bool {
        self.after >= self.before
    }
}

impl fmt::Display for Restarted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "node 1 killed (SIGKILL) at height {}", self.before)?;
        if let Some(height) = self.others.iter().max() {
            write!(f, ", the others stayed up at height {height}")?;
        }
        write!(f, ", started again at height {}", self.after)
    }
}

/// A node that relays: the first of a site's is its home, which keeps the messages to its users.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Relay(usize);

impl Relay {
    /// The network key of its node, `csk1…`, by which sites and the ledger know it.
    pub fn key(self) -> String {
        local::identity(self.0).public().to_string()
    }
}

impl fmt::Display for Relay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "node {}", self.0)
    }
}

/// The running nodes; they end with this process.
#[derive(Debug)]
pub struct Network(Vec<Process>);

impl Network {
    /// Makes a network of `validators` in `dir` and starts its nodes by `program`. Its relays trust the sites'
    /// certificates in `trusted`.
    pub fn start(program: &Path, dir: &Path, validators: usize, trusted: &Path) -> Result<Self, DemoError> {
        eprintln!("starting the development network with {validators} validators in {}", dir.display());
        let nodes = local::open(&dir.join("network"), validators)?;
        // A node that was killed serves at the same place again: wallets remember where they have logged in.
        let is_taken = |port: &u16| nodes.iter().any(|node| node.listen.ends_with(&format!("/{port}")));
        let ports: Vec<u16> = local::free_ports(2 * validators)?.into_iter().filter(|port| !is_taken(port)).collect();
        let launch = |number: usize| {
            let is_relay = number <= RELAYS;
            Launch {
                program: program.into(),
                rpc_listen: ([127, 0, 0, 1], ports[number - 1]).into(),
                log: None,
                relay: is_relay,
                trusted_certificates: is_relay.then(|| trusted.into()),
            }
        };
        let network = Self(Process::start_all(&nodes, launch)?);
        eprintln!("{network}");
        Ok(network)
    }

    fn first(&mut self) -> &mut Process {
        self.0.first_mut().expect("a network has at least one node")
    }

    /// The first relay, and the second; of a network of one node the same.
    pub fn relays(&self) -> [Relay; RELAYS] {
        [Relay(1), Relay(RELAYS.min(self.0.len()))]
    }

    /// RPC of a relay's node.
    pub fn url(&self, relay: Relay) -> String {
        self.0.get(relay.0 - 1).map(Process::url).unwrap_or_default()
    }

    /// The chain's id.
    pub fn chain(&self) -> Result<String, DemoError> {
        let node = NodeClient::connect(&self.url(Relay(1)))?;
        Ok(node.ask(|node| node.node_status())?.chain)
    }

    /// Kills the first node, as a power cut would, looks at the others, and starts it again.
    pub fn restart_first(&mut self) -> Result<Restarted, DemoError> {
        let before = height(self.first())?;
        self.first().kill()?;
        let others = self.0.iter().skip(1).map(height).collect::<Result<_, _>>()?;
        self.first().restart()?;
        Ok(Restarted { before, others, after: height(self.first())? })
    }

    /// Waits until each relay's node is at least as high as any other was: what one person's wallet has seen,
    /// everybody's sees.
    pub fn level(&self) -> Result<(), DemoError> {
        let nodes: Vec<_> = self.0.iter().take(RELAYS).collect();
        if nodes.len() > 1 {
            Heads::compare(&nodes)?;
        }
        Ok(())
    }

    /// Compares all nodes at the newest height that any of them has; waits for those that lag.
    pub fn agreement(&self) -> Result<Agreement, DemoError> {
        let heads = Heads::compare(&self.0.iter().collect::<Vec<_>>())?;
        let mut nodes = Vec::new();
        for (process, client, height) in &heads.nodes {
            let hash = if *height < heads.newest { None } else { Some(client.header_hash(heads.newest)?) };
            nodes.push(NodeHead { node: process.number(), height: *height, hash });
        }
        Ok(Agreement::of(heads.newest, nodes))
    }

    /// Waits until the first node ends.
    pub fn wait(&mut self) -> Result<(), DemoError> {
        while self.first().ended()?.is_none() {
            std::thread::sleep(LOOK_EVERY);
        }
        Ok(())
    }
}

/// How high some nodes are, after those that lag were waited for.
struct Heads<'a> {
    /// The greatest height at first.
    newest: u64,
    nodes: Vec<(&'a Process, NodeClient, u64)>,
}

impl<'a> Heads<'a> {
    fn compare(processes: &[&'a Process]) -> Result<Self, DemoError> {
        let connect = |process: &'a Process| {
            let client = NodeClient::connect(&process.url())?;
            let height = client.height()?;
            Ok((process, client, height))
        };
        let mut nodes = processes.iter().map(|process| connect(process)).collect::<Result<Vec<_>, DemoError>>()?;
        let newest = nodes.iter().map(|(_, _, height)| *height).max().unwrap_or_default();
        let end = Instant::now() + AGREE_MAX;
        for (_, client, height) in &mut nodes {
            while *height < newest && Instant::now() < end {
                std::thread::sleep(LOOK_EVERY);
                *height = client.height()?;
            }
        }
        Ok(Self { newest, nodes })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, process) in self.0.iter().enumerate() {
            let line_end = if at + 1 == self.0.len() { "" } else { "\n" };
            write!(f, "  node {}  {}  process {}{line_end}", process.number(), process.url(), process.pid())?;
        }
        Ok(())
    }
}

fn height(process: &Process) -> Result<u64, DemoError> {
    Ok(NodeClient::connect(&process.url())?.height()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(node: usize, hash: Option<&str>) -> NodeHead {
        NodeHead { node, height: 7, hash: hash.map(Into::into) }
    }

    #[test]
    fn one_node_with_another_header_or_none_is_told() {
        let same = Agreement::of(7, vec![head(1, Some("csb1a")), head(2, Some("csb1a"))]);
        assert!(same.ok);
        assert_eq!(same.to_string(), "all 2 nodes agree at height 7: csb1a");
        let other = Agreement::of(7, vec![head(1, Some("csb1a")), head(2, Some("csb1b"))]);
        assert!(!other.ok && other.to_string().contains("node 2 has csb1b"));
        let late = Agreement::of(8, vec![head(1, None), head(2, None)]);
        assert!(!late.ok && late.to_string().contains("node 2 is at height 7"));
        assert!(!Agreement::of(0, Vec::new()).ok);
    }
}
