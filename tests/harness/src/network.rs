//! A network of nodes as processes on this machine, as a script of faults sees it: nodes by number from 0, links between them.
//!
//! Each node listens on a loopback address of its own, and dials the others through a link for each direction, so that any pair
//! can be parted. Nothing here waits for a fixed time.
use crate::link::Link;
use crate::load::{Book, Load};
use crate::node::Launch;
use crate::{Binary, CallError, Condition, Disk, Node, Person, Plan, Rpc, binary, now_ms, signed, verdict, wait_for};
use anyhow::Context as _;
use countersign_types::{Call, Hash, PublicKey};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::runtime::Runtime;

/// Port of every node, on an address of its own, so that no other program takes it while the node is down.
const PORT: u16 = 20_626;
/// Port by which this process holds an address.
const HOLD_PORT: u16 = 20_627;
/// Port of every node's RPC, the same after each start, as wallets expect.
const RPC_PORT: u16 = 20_628;
/// Set to keep the folders of networks when their tests are over.
const KEEP: &str = "COUNTERSIGN_KEEP";
/// What survives a wiped disk: what an operator keeps copies of.
const KEPT: [&str; 4] = ["node.toml", "spec.toml", "network.key", "validator.key"];

/// Where the running nodes serve RPC, by number, and how often each was cut short: what loads need to know while nodes come and go.
#[derive(Clone, Debug, Default)]
pub struct Directory(Arc<Mutex<Vec<Listed>>>);

/// A node as loads see it.
#[derive(Clone, Debug, Default)]
pub struct Listed {
    /// `host:port`, while it runs.
    pub address: Option<String>,
    /// Times it lost what was not on disk.
    pub losses: u32,
}

impl Directory {
    /// All nodes, by number.
    ///
    /// # Panics
    /// If another holder of the list did.
    pub fn list(&self) -> MutexGuard<'_, Vec<Listed>> {
        self.0.lock().expect("no holder of the list panics")
    }
}

#[derive(Debug)]
struct Seat {
    dir: PathBuf,
    key: PublicKey,
    log: PathBuf,
    listen: Ipv4Addr,
    peers: String,
    env: Vec<(String, String)>,
    disk: Option<Disk>,
    node: Option<Node>,
    _held: TcpListener,
}

/// A network; its processes end when it is dropped.
#[derive(Debug)]
pub struct Network {
    plan: Plan,
    chain: Hash,
    seats: Vec<Seat>,
    links: BTreeMap<(usize, usize), Link>,
    runtime: Option<Runtime>,
    directory: Directory,
    book: Arc<Mutex<Book>>,
    /// Blocks up to this height were found the same on all nodes.
    checked: u64,
    /// True if a transaction may stand in several blocks.
    repeats: bool,
    _temporary: Option<tempfile::TempDir>,
}

impl Network {
    /// Makes the network in a temporary folder and starts all its nodes. The folder is kept, and its path printed, if
    /// `COUNTERSIGN_KEEP` is set.
    ///
    /// # Errors
    /// With the log's end if a node does not start.
    pub fn start(plan: Plan) -> anyhow::Result<Self> {
        let temporary = tempfile::tempdir()?;
        let mut network = Self::make(temporary.path(), plan)?;
        match std::env::var_os(KEEP) {
            Some(_) => eprintln!("the network is kept in {}", temporary.keep().display()),
            None => network._temporary = Some(temporary),
        }
        network.start_all()?;
        Ok(network)
    }

    /// Makes the network's folders in `dir`; no node runs yet.
    ///
    /// # Errors
    /// If a folder cannot be made, or the node's commands refuse the spec.
    pub fn make(dir: &Path, plan: Plan) -> anyhow::Result<Self> {
        fs::create_dir_all(dir)?;
        let spec = dir.join("spec.toml");
        fs::write(&spec, plan.spec())?;
        let mut made = Vec::new();
        for (n, key) in plan.nodes.iter().enumerate() {
            made.push(make_folder(dir, &spec, n, key.as_deref())?);
        }
        let chain = made.first().context("a network has a node")?.chain;
        let addresses = (0..made.len()).map(|_| free_address()).collect::<anyhow::Result<Vec<_>>>()?;
        let runtime =
            plan.links.then(|| tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build());
        let runtime = runtime.transpose()?;
        let links = match &runtime {
            Some(runtime) => open_links(runtime, &addresses)?,
            None => BTreeMap::new(),
        };
        let seats = made.iter().zip(addresses.iter()).enumerate().map(|(n, (folder, (listen, _)))| {
            let peers = made.iter().enumerate().filter(|(other, _)| *other != n).map(|(other, peer)| {
                let direct = SocketAddr::from((addresses[other].0, PORT));
                let way = links.get(&(n, other)).map_or(direct, Link::address);
                format!("/ip4/{}/tcp/{}/p2p/{}", way.ip(), way.port(), peer.peer_id)
            });
            (folder.dir.clone(), folder.key, *listen, peers.collect::<Vec<_>>().join(","))
        });
        let seats: Vec<_> = seats.collect();
        let seats = seats.into_iter().zip(addresses).map(|((dir, key, listen, peers), (_, held))| Seat {
            log: dir.with_extension("log"),
            dir,
            key,
            listen,
            peers,
            env: Vec::new(),
            disk: None,
            node: None,
            _held: held,
        });
        let directory = Directory::default();
        directory.list().resize(plan.nodes.len(), Listed::default());
        let book = Arc::new(Mutex::new(Book::new(&plan)));
        Ok(Self {
            seats: seats.collect(),
            plan,
            chain,
            links,
            runtime,
            directory,
            book,
            checked: 0,
            repeats: false,
            _temporary: None,
        })
    }

    /// What it was made by.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The chain's id.
    pub fn chain(&self) -> Hash {
        self.chain
    }

    /// Where the nodes that run are found, also while others start and stop them.
    pub fn directory(&self) -> Directory {
        self.directory.clone()
    }

    /// Numbers of all nodes.
    pub fn all(&self) -> std::ops::Range<usize> {
        0..self.seats.len()
    }

    /// Numbers of the nodes that run.
    pub fn running(&self) -> Vec<usize> {
        self.all().filter(|n| self.seats[*n].node.is_some()).collect()
    }

    /// The node with this number.
    ///
    /// # Panics
    /// If it does not run: the script is wrong.
    pub fn node(&self, n: usize) -> &Node {
        self.seats[n].node.as_ref().expect("the script asks a node that runs")
    }

    /// The log of a node, over all its starts.
    pub fn log(&self, n: usize) -> &Path {
        &self.seats[n].log
    }

    /// The key by which a node is known in the network, and its relay to sites.
    pub fn key(&self, n: usize) -> PublicKey {
        self.seats[n].key
    }

    /// The folder of a node.
    pub fn dir(&self, n: usize) -> &Path {
        &self.seats[n].dir
    }

    /// libp2p address a node listens on, for a test that takes the node's place.
    pub fn listen(&self, n: usize) -> String {
        format!("/ip4/{}/tcp/{PORT}", self.seats[n].listen)
    }

    /// The same address, past all links.
    pub fn listen_address(&self, n: usize) -> SocketAddr {
        SocketAddr::from((self.seats[n].listen, PORT))
    }

    /// libp2p addresses by which a node reaches the others, separated by commas.
    pub fn peers(&self, n: usize) -> &str {
        &self.seats[n].peers
    }

    /// From now on a transaction may stand in several blocks, as long as it takes effect once: somebody proposes such blocks.
    pub fn expect_repeats(&mut self) {
        self.repeats = true;
    }

    /// Starts a node and waits until it serves RPC.
    ///
    /// # Errors
    /// With the end of its log if it does not.
    pub fn start_node(&mut self, n: usize) -> anyhow::Result<()> {
        let listen = self.listen(n);
        let seat = &mut self.seats[n];
        anyhow::ensure!(seat.node.is_none(), "node {n} runs already");
        let rpc = SocketAddr::from((seat.listen, RPC_PORT)).to_string();
        let args = ["run", "--rpc-listen", &rpc, "--listen", &listen, "--peers", &seat.peers];
        let how = Launch { dir: &seat.dir, log: &seat.log, args: &args, env: &seat.env, disk: seat.disk.as_ref() };
        let node = Node::launch(how).with_context(|| format!("node {n}"))?;
        self.directory.list()[n].address = Some(node.address().to_owned());
        seat.node = Some(node);
        Ok(())
    }

    /// Starts every node that does not run.
    ///
    /// # Errors
    /// With the end of its log if one does not start.
    pub fn start_all(&mut self) -> anyhow::Result<()> {
        self.all().try_for_each(|n| if self.seats[n].node.is_none() { self.start_node(n) } else { Ok(()) })
    }

    fn take(&mut self, n: usize, loses: bool) -> anyhow::Result<Node> {
        let mut list = self.directory.list();
        list[n].address = None;
        list[n].losses += u32::from(loses);
        drop(list);
        self.seats[n].node.take().with_context(|| format!("node {n} does not run"))
    }

    /// Ends a node as a power cut would (SIGKILL).
    ///
    /// # Errors
    /// If it does not run.
    pub fn kill(&mut self, n: usize) -> anyhow::Result<()> {
        self.take(n, true)?.kill()
    }

    /// Asks a node to stop (SIGTERM), and sees it exit with 0.
    ///
    /// # Errors
    /// If it does not run or exits otherwise.
    pub fn stop(&mut self, n: usize) -> anyhow::Result<()> {
        self.take(n, false)?.stop()
    }

    /// Ends all nodes at once as a power cut would, then starts them.
    ///
    /// # Errors
    /// If one does not start.
    pub fn restart_all(&mut self) -> anyhow::Result<()> {
        // All signals first: the others must not see the first one leave.
        self.running().into_iter().try_for_each(|n| self.node(n).signal("KILL"))?;
        self.running().into_iter().try_for_each(|n| self.take(n, true)?.kill())?;
        self.start_all()
    }

    /// Stops a node in its tracks (SIGSTOP): its connections stay open.
    ///
    /// # Errors
    /// If it does not run.
    pub fn pause(&self, n: usize) -> anyhow::Result<()> {
        self.node(n).signal("STOP")
    }

    /// Lets a paused node go on (SIGCONT).
    ///
    /// # Errors
    /// If it does not run.
    pub fn resume(&self, n: usize) -> anyhow::Result<()> {
        self.node(n).signal("CONT")
    }

    /// Empties the folder of a node that is down, but for its settings, spec and keys.
    ///
    /// # Errors
    /// If it runs, or a file cannot be deleted.
    pub fn wipe(&mut self, n: usize) -> anyhow::Result<()> {
        anyhow::ensure!(self.seats[n].node.is_none(), "node {n} runs");
        for entry in fs::read_dir(&self.seats[n].dir)? {
            let entry = entry?;
            if KEPT.iter().any(|kept| entry.file_name() == OsStr::new(kept)) {
                continue;
            }
            if entry.file_type()?.is_dir() { fs::remove_dir_all(entry.path())? } else { fs::remove_file(entry.path())? }
        }
        Ok(())
    }

    /// Fills the small disk of a node, and waits until the node exits by itself.
    ///
    /// # Errors
    /// If it does not.
    pub fn fill_disk(&mut self, n: usize) -> anyhow::Result<ExitStatus> {
        let mut node = self.take(n, true)?;
        wait_for("the node to exit as its disk is full", || {
            // Again and again: what the node itself deletes makes room.
            if let Err(error) = self.disk(n).fill() {
                return Some(Err(error));
            }
            node.exited().transpose()
        })?
    }

    /// Waits until a node that is about to end by itself has; how it exited.
    ///
    /// # Errors
    /// If it goes on.
    pub fn exits(&mut self, n: usize) -> anyhow::Result<ExitStatus> {
        let mut node = self.take(n, false)?;
        wait_for("the node to exit by itself", || node.exited().transpose())?
    }

    /// Sets a setting of a node from its next start on, as `COUNTERSIGN_…` in its environment.
    pub fn set(&mut self, n: usize, variable: &str, value: &str) {
        let env = &mut self.seats[n].env;
        env.retain(|(known, _)| known != variable);
        env.push((variable.to_owned(), value.to_owned()));
    }

    /// Takes back what [`Self::set`] set.
    pub fn unset(&mut self, n: usize, variable: &str) {
        self.seats[n].env.retain(|(known, _)| known != variable);
    }

    /// Puts the folder of a node that is down on a disk of `bytes` of its own.
    ///
    /// # Errors
    /// If it runs, or this system lets nobody mount a disk.
    pub fn move_to_small_disk(&mut self, n: usize, bytes: u64) -> anyhow::Result<()> {
        let seat = &mut self.seats[n];
        anyhow::ensure!(seat.node.is_none(), "node {n} runs");
        let disk = Disk::mount(&seat.dir, bytes)?;
        let inside = disk.seen_from_here(&seat.dir);
        copy_folder(&seat.dir, &inside)?;
        seat.disk = Some(disk);
        Ok(())
    }

    /// The small disk of a node.
    ///
    /// # Panics
    /// If it has none: the script is wrong.
    pub fn disk(&self, n: usize) -> &Disk {
        self.seats[n].disk.as_ref().expect("the script moved the node to a small disk")
    }

    /// Parts two groups of nodes from each other.
    pub fn cut(&self, these: &[usize], those: &[usize]) {
        self.between(these, those).for_each(|link| link.set(Condition::Cut));
    }

    /// What the links between two groups of nodes do from now on.
    pub fn condition(&self, these: &[usize], those: &[usize], condition: Condition) {
        self.between(these, those).for_each(|link| link.set(condition));
    }

    /// Resets every connection between two groups of nodes; new ones are carried.
    pub fn reset(&self, these: &[usize], those: &[usize]) {
        self.between(these, those).for_each(Link::reset);
    }

    /// What every link does from now on.
    pub fn condition_of_all(&self, condition: Condition) {
        self.links.values().for_each(|link| link.set(condition));
    }

    /// Makes every link whole again.
    pub fn heal(&self) {
        self.condition_of_all(Condition::Open);
    }

    fn between<'a>(&'a self, these: &'a [usize], those: &'a [usize]) -> impl Iterator<Item = &'a Link> {
        let pairs = these.iter().flat_map(|a| those.iter().flat_map(move |b| [(*a, *b), (*b, *a)]));
        pairs.filter_map(|pair| self.links.get(&pair))
    }

    /// Calls a method of a node's RPC.
    ///
    /// # Errors
    /// [`CallError`].
    pub fn call(&self, n: usize, method: &str, params: &Value) -> Result<Value, CallError> {
        self.node(n).call(method, params)
    }

    /// Hands a call that these people have signed to the first node, and waits until it took effect.
    ///
    /// # Errors
    /// If it did not.
    pub fn decide(&self, call: Call, signers: &[Person]) -> anyhow::Result<()> {
        let made = signed(&self.chain, call, now_ms(), now_ms(), signers);
        self.call(0, "tx_submit", &json!([format!("0x{}", hex::encode(&made.bytes))]))?;
        let mut status = json!(null);
        self.until("the call to be final", |network| {
            status = network.call(0, "tx_status", &json!([made.id]))?;
            Ok(status["state"] == "final")
        })?;
        anyhow::ensure!(status["receipt"]["ok"] == true, "{status}");
        Ok(())
    }

    /// Height of a node's newest block.
    ///
    /// # Errors
    /// If the node does not answer.
    pub fn height(&self, n: usize) -> anyhow::Result<u64> {
        self.call(n, "chain_head", &json!([]))?["height"].as_u64().context("a head has a height")
    }

    /// A figure of a node's `/metrics`, such as `countersign_height`; 0 if it is not there.
    ///
    /// # Errors
    /// If the node does not answer.
    pub fn metric(&self, n: usize, name: &str) -> anyhow::Result<f64> {
        let text = Rpc::new(self.node(n).address()).get("/metrics")?;
        let figure = text.lines().find_map(|line| line.strip_prefix(name)?.split_whitespace().next()?.parse().ok());
        Ok(figure.unwrap_or_default())
    }

    /// Waits until `condition` holds. What it cannot find out yet may be an error.
    ///
    /// # Errors
    /// After [`crate::PATIENCE`], naming `what` was waited for and the last error.
    pub fn until(&self, what: &str, mut condition: impl FnMut(&Self) -> anyhow::Result<bool>) -> anyhow::Result<()> {
        let mut last = None;
        let waited = wait_for(what, || match condition(self) {
            Ok(holds) => holds.then_some(()),
            Err(error) => {
                last = Some(error);
                None
            }
        });
        waited
            .map_err(|error| match last {
                Some(last) => error.context(format!("last error: {last:#}")),
                None => error,
            })
            .with_context(|| self.log_ends())
    }

    /// The last lines of every node's log, for a failure's message.
    fn log_ends(&self) -> String {
        let ends = self.all().map(|n| format!("the end of node {n}'s log:\n{}\n", crate::node::log_end(self.log(n))));
        ends.collect()
    }

    /// Waits until a node has a block `more` above where it is now.
    ///
    /// # Errors
    /// If it does not in time.
    pub fn until_grown(&self, n: usize, more: u64) -> anyhow::Result<()> {
        let target = self.height(n)? + more;
        self.until(&format!("node {n} to reach height {target}"), |network| Ok(network.height(n)? >= target))
    }

    /// Waits until every running node has the highest block any of them has now.
    ///
    /// # Errors
    /// If one does not in time.
    pub fn until_level(&self) -> anyhow::Result<()> {
        let heights = self.running().into_iter().map(|n| self.height(n)).collect::<anyhow::Result<Vec<_>>>()?;
        let target = heights.into_iter().max().unwrap_or_default();
        self.running().into_iter().try_for_each(|n| {
            self.until(&format!("node {n} to reach height {target}"), |network| Ok(network.height(n)? >= target))
        })
    }

    /// Keeps paying among the holders from `workers` threads until the load is dropped.
    pub fn load(&self, workers: usize) -> Load {
        Load::start(&self.directory, &self.book, self.chain, self.plan.people(), workers)
    }

    /// Checks what must hold after every fault, with all nodes running and no load: the same blocks, receipts and state on
    /// all; whatever a node called final there once, whatever it took and did not lose there too; nothing run twice; supply
    /// unchanged.
    ///
    /// # Errors
    /// With what does not hold.
    pub fn verdict(&mut self) -> anyhow::Result<()> {
        let book = self.book.lock().map_err(|_| anyhow::anyhow!("a load panicked"))?;
        let losses = self.directory.list().iter().map(|listed| listed.losses).collect::<Vec<_>>();
        let running = self.running();
        let nodes: Vec<(usize, &str)> = running.iter().map(|n| (*n, self.node(*n).address())).collect();
        let verdict = verdict::check(&nodes, &book, &losses, &self.plan, (self.checked, self.repeats));
        self.checked = verdict.with_context(|| self.log_ends())?;
        Ok(())
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        // A runtime must not be waited for within another one.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

struct Folder {
    dir: PathBuf,
    key: PublicKey,
    peer_id: String,
    chain: Hash,
}

fn make_folder(dir: &Path, spec: &Path, n: usize, key: Option<&str>) -> anyhow::Result<Folder> {
    let home = dir.join(format!("node-{n}"));
    let mut args: Vec<&OsStr> =
        vec!["init".as_ref(), "--spec".as_ref(), spec.as_ref(), "--dir".as_ref(), home.as_ref()];
    let file = dir.join(format!("node-{n}.key"));
    if let Some(key) = key {
        run_node(&[
            "keys".as_ref(),
            "new".as_ref(),
            "--development".as_ref(),
            key.as_ref(),
            "--out".as_ref(),
            file.as_ref(),
        ])?;
        args.extend::<[&OsStr; 2]>(["--validator-key".as_ref(), file.as_ref()]);
    }
    let shown = run_node(&args)?;
    let word = |mark: &str| {
        let line = shown.lines().find_map(|line| line.strip_prefix(mark));
        line.and_then(|rest| rest.split_whitespace().next()).with_context(|| format!("`init` shows no {mark}"))
    };
    let chain = word("chain")?.parse().context("the chain's id")?;
    let key = word("node")?.parse().context("the node's key")?;
    Ok(Folder { peer_id: word("peer id")?.to_owned(), chain, key, dir: home })
}

/// Runs a command of the node that ends by itself, and gives what it printed.
fn run_node(args: &[&OsStr]) -> anyhow::Result<String> {
    let output = Command::new(binary(Binary::Node)?).args(args).output()?;
    anyhow::ensure!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}

/// A loopback address nobody on this machine holds, held by the listener.
fn free_address() -> anyhow::Result<(Ipv4Addr, TcpListener)> {
    let all = (1..=u8::MAX).flat_map(|high| (1..u8::MAX).map(move |low| Ipv4Addr::new(127, 77, high, low)));
    let held = |address: Ipv4Addr| Some((address, TcpListener::bind((address, HOLD_PORT)).ok()?));
    all.into_iter().find_map(held).context("every address of 127.77.0.0/16 is taken")
}

fn open_links(
    runtime: &Runtime,
    addresses: &[(Ipv4Addr, TcpListener)],
) -> anyhow::Result<BTreeMap<(usize, usize), Link>> {
    let mut links = BTreeMap::new();
    for from in 0..addresses.len() {
        for (to, (address, _)) in addresses.iter().enumerate().filter(|(to, _)| *to != from) {
            links.insert((from, to), runtime.block_on(Link::open(SocketAddr::from((*address, PORT))))?);
        }
    }
    Ok(links)
}

fn copy_folder(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
