//! A node for tests: the real engine and network, and an application that keeps empty blocks in memory.
//!
//! What it keeps outlives the engine, as a disk does, so a node can be stopped at any point and started again.
#![allow(clippy::unwrap_used, reason = "clippy.toml allows it in tests, but does not see that this is one")]
#![allow(dead_code, reason = "each test program uses a part of it")]
use bytes::Bytes;
use countersign_consensus::{
    Config, Consensus, Ended, KeySigner, Known, Network, PeerAddress, PeerId, Proposed, ReceivedBlock, Request, Start,
    Synced, Timeouts, start,
};
use countersign_types::Evidence;
use countersign_types::limits::ARGS_BYTES_MAX;
use countersign_types::{
    Block, BoundedVec, Call, Certificate, Hash, Header, Height, PublicKey, Selector, SignedTransaction, Timestamp,
    Transaction, Validator, ValidatorSet, block, signature,
};
use parity_scale_codec::Encode;
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

/// Longer than anything here takes on a machine that is busy with other things.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// The chain of all tests.
pub const CHAIN: Hash = Hash([7; 32]);

/// What a node keeps.
#[derive(Default)]
pub struct Disk {
    pub decided: Vec<(Certificate, Bytes)>,
    pub undecided: HashMap<Hash, (Known, Bytes)>,
    pub made: BTreeMap<(Height, u32), Hash>,
    pub evidence: Vec<Evidence>,
    /// How many times a block was asked for.
    pub proposals_asked: usize,
}

impl Disk {
    fn next(&self) -> Height {
        Height::new(self.decided.len() as u64 + 1)
    }

    fn tip(&self) -> Hash {
        self.decided.last().map_or(Hash::ZERO, |(certificate, _)| certificate.block)
    }
}

/// A validator's or follower's identity and disk.
pub struct Machine {
    pub name: String,
    pub seed: u8,
    /// Seed of its network identity.
    pub identity: u8,
    pub validates: bool,
    pub disk: Arc<Mutex<Disk>>,
    pub dir: tempfile::TempDir,
    pub rules: Rules,
}

/// What the nodes of a test agree on before they start.
#[derive(Clone)]
pub struct Rules {
    pub validators: ValidatorSet,
    /// From that height on others validate.
    pub change: Option<(Height, ValidatorSet)>,
    /// Bytes of arguments in the one transaction of each block; none if 0.
    pub filler: usize,
}

impl Rules {
    pub fn new(seeds: &[u8]) -> Self {
        Self { validators: validators(seeds), change: None, filler: 0 }
    }

    pub fn at(&self, height: Height) -> &ValidatorSet {
        match &self.change {
            Some((from, validators)) if height >= *from => validators,
            _ => &self.validators,
        }
    }

    /// Not a valid transaction, only one of that size.
    fn transactions(&self) -> Vec<SignedTransaction> {
        let call = |size: usize| Call {
            module: "filler".parse().unwrap(),
            method: Selector([0; 8]),
            parties: BoundedVec::empty(),
            args: vec![7; size].try_into().unwrap(),
        };
        let transaction = |size: usize| Transaction {
            chain: CHAIN,
            valid_from: Timestamp::ZERO,
            expires_at: Timestamp::MAX,
            salt: [0; 8],
            calls: vec![call(size)].try_into().unwrap(),
        };
        let sizes = (0..self.filler).step_by(ARGS_BYTES_MAX).map(|begin| (self.filler - begin).min(ARGS_BYTES_MAX));
        let sign = |size| SignedTransaction { transaction: transaction(size), signatures: BoundedVec::empty() };
        sizes.map(sign).collect()
    }
}

/// The validators whose keys come from these seeds.
pub fn validators(seeds: &[u8]) -> ValidatorSet {
    let mut set: Vec<_> = seeds.iter().map(|seed| Validator { key: key(*seed), power: 1 }).collect();
    set.sort();
    ValidatorSet(set.try_into().unwrap())
}

pub fn key(seed: u8) -> PublicKey {
    signature::public_key(&[seed; 32])
}

impl Machine {
    /// Of a validator, or of one that may become it.
    pub fn new(test: &str, seed: u8, rules: &Rules) -> Self {
        let (name, dir) = (format!("{test}-{seed}"), tempfile::tempdir().unwrap());
        Self { name, seed, identity: seed + 100, validates: true, disk: Arc::default(), dir, rules: rules.clone() }
    }

    /// Of one that holds another's key: what no operator should do, and a thief does.
    pub fn twin(test: &str, seed: u8, rules: &Rules) -> Self {
        let made = Self::new(test, seed, rules);
        Self { name: format!("{test}-twin-{seed}"), identity: seed + 200, ..made }
    }

    /// Of a node without a validator's key.
    pub fn follower(test: &str, seed: u8, rules: &Rules) -> Self {
        Self { validates: false, ..Self::new(test, seed, rules) }
    }

    pub fn peer_id(&self) -> PeerId {
        PeerId::of_secret(&[self.identity; 32])
    }

    pub fn config(&self, peers: Vec<PeerAddress>) -> Config {
        Config {
            name: self.name.clone(),
            data_dir: PathBuf::from(self.dir.path()),
            chain: CHAIN,
            signer: self.validates.then(|| Arc::new(KeySigner::new([self.seed; 32])) as _),
            identity: [self.identity; 32],
            listen: "/ip4/127.0.0.1/tcp/0".into(),
            peers,
        }
    }

    /// Starts the engine; it stops when the node is dropped, or by itself at the moment given.
    pub async fn start(&self, peers: Vec<PeerAddress>, stop: Option<Stop>) -> Node {
        let config = self.config(peers);
        let Consensus { requests, gossip, questions, network, stopped } = start(config).await.unwrap();
        let (heights, height) = watch::channel(Height::ZERO);
        let app = App { disk: Arc::clone(&self.disk), rules: self.rules.clone(), key: key(self.seed), heights, stop };
        let app = tokio::spawn(app.run(requests));
        Node { network, gossip, questions, height, stopped, app, id: self.peer_id() }
    }
}

/// Where an application dies without a reply.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stop {
    /// Its block of that height is durable, and nobody knows of it.
    Proposing(Height),
    /// The block of that height is decided, and not durable as such.
    Deciding(Height),
    /// The block of that height is durable, the engine does not know.
    Finalizing(Height),
}

/// A running node.
pub struct Node {
    pub network: Network,
    pub gossip: mpsc::Receiver<countersign_consensus::Gossip>,
    pub questions: mpsc::Receiver<countersign_consensus::Question>,
    pub id: PeerId,
    height: watch::Receiver<Height>,
    stopped: JoinHandle<Ended>,
    app: JoinHandle<()>,
}

impl Node {
    /// Where it listens.
    pub fn address(&self) -> PeerAddress {
        self.network.listening().borrow()[0].clone()
    }

    /// Waits until the block of that height is durable.
    pub async fn reaches(&self, height: u64) {
        let reached = |now: &Height| now.get() >= height;
        let mut heights = self.height.clone();
        // What the watch hands out locks it: to be let go before it is read again, or an application that is about to write waits
        // for this and this for the application.
        let waited = tokio::time::timeout(PATIENCE, heights.wait_for(reached)).await.map(|now| drop(now.unwrap()));
        waited.unwrap_or_else(|_| panic!("{} is at height {}, not {height}", self.id, self.height()));
    }

    pub fn height(&self) -> u64 {
        self.height.borrow().get()
    }

    /// Waits until the peer is connected, or is not.
    pub async fn sees(&self, peer: PeerId, connected: bool) {
        let mut peers = self.network.peers();
        let found = |peers: &Vec<countersign_consensus::PeerStatus>| {
            peers.iter().any(|status| status.address.id() == peer && status.connected) == connected
        };
        tokio::time::timeout(PATIENCE, peers.wait_for(found)).await.unwrap().unwrap();
    }

    /// Stops the application, and waits for the engine to follow.
    pub async fn stop(self) {
        self.app.abort();
        self.ends().await;
    }

    /// Waits for the engine to end, after its application has.
    pub async fn ends(self) {
        assert_eq!(self.fails().await, Ended::ByApplication);
    }

    /// Waits for the engine to end by itself.
    pub async fn fails(self) -> Ended {
        tokio::time::timeout(PATIENCE, self.stopped).await.expect("the engine stops").unwrap()
    }
}

/// Lets the nodes know each other.
pub async fn connect(nodes: &[Node]) {
    let addresses: Vec<_> = nodes.iter().map(Node::address).collect();
    for node in nodes {
        node.network.set_peers(addresses.clone()).await.unwrap();
    }
}

struct App {
    disk: Arc<Mutex<Disk>>,
    rules: Rules,
    key: PublicKey,
    heights: watch::Sender<Height>,
    stop: Option<Stop>,
}

impl App {
    async fn run(self, mut requests: mpsc::Receiver<Request>) {
        while let Some(request) = requests.recv().await {
            if self.answer(request).is_none() {
                return;
            }
        }
    }

    fn start(&self, disk: &Disk) -> Start {
        let timeouts =
            Timeouts { propose: Duration::from_secs(2), vote: Duration::from_secs(1), max: Duration::from_secs(5) };
        Start { height: disk.next(), validators: self.rules.at(disk.next()).clone(), timeouts }
    }

    fn stops(&self, stop: Stop) -> Option<()> {
        (self.stop != Some(stop)).then_some(())
    }

    /// `None`: dies here.
    fn answer(&self, request: Request) -> Option<()> {
        let mut disk = self.disk.lock().unwrap();
        match request {
            Request::Ready { reply } => {
                self.heights.send_replace(Height::new(disk.decided.len() as u64));
                reply.send(self.start(&disk)).ok()
            }
            Request::RoundStarted { height, reply, .. } => {
                assert_eq!(height, disk.next());
                reply.send(disk.undecided.values().map(|(known, _)| *known).collect()).ok()
            }
            Request::Propose { height, round, reply, .. } => {
                disk.proposals_asked += 1;
                let proposed = self.propose(&mut disk, height, round);
                self.stops(Stop::Proposing(height))?;
                reply.send(proposed).ok()
            }
            Request::Received { height, block, reply } => {
                let valid = self.receive(&mut disk, height, &block);
                reply.send(valid).ok()
            }
            Request::Synced { height, block, reply } => {
                let valid = self.receive(&mut disk, height, &block);
                reply.send(if valid { Synced::Valid } else { Synced::Invalid }).ok()
            }
            Request::BytesOf { hash, reply } => {
                reply.send(disk.undecided.get(&hash).map(|(_, bytes)| bytes.clone())).ok()
            }
            Request::Decided { certificate, reply } => {
                self.stops(Stop::Deciding(certificate.height))?;
                let (_, bytes) = disk.undecided[&certificate.block].clone();
                disk.undecided.clear();
                disk.decided.push((certificate, bytes));
                reply.send(()).ok()
            }
            Request::Finalized { height, evidence, reply } => {
                disk.evidence.extend(evidence);
                self.stops(Stop::Finalizing(height))?;
                self.heights.send_replace(height);
                reply.send(self.start(&disk)).ok()
            }
            Request::History { reply } => reply.send(Height::new(1)).ok(),
            Request::Range { from, to, reply, .. } => {
                let range = from.get() as usize - 1..disk.decided.len().min(to.get() as usize);
                reply.send(disk.decided.get(range).unwrap_or_default().to_vec()).ok()
            }
        }
        // A reply that is no longer wanted is no reason to die.
        .or(Some(()))
    }

    fn propose(&self, disk: &mut Disk, height: Height, round: u32) -> Proposed {
        assert_eq!(height, disk.next());
        if let Some(hash) = disk.made.get(&(height, round)) {
            return Proposed { hash: *hash, bytes: disk.undecided[hash].1.clone() };
        }
        // The clock makes two blocks for the same height and round differ, if ever two were made.
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        let transactions = self.rules.transactions();
        let header = Header {
            chain: CHAIN,
            height,
            parent: disk.tip(),
            time: Timestamp::from_millis(now.as_nanos() as u64),
            proposer: self.key,
            tx_root: block::transactions_root(&transactions),
            evidence_hash: block::evidence_hash(&[]),
            state_root: Hash::ZERO,
            receipts_root: Hash::ZERO,
            validators_hash: self.rules.at(height).hash(),
            next_validators_hash: self.rules.at(height.next()).hash(),
            params_hash: Hash::ZERO,
        };
        let hash = header.hash();
        let bytes = Bytes::from(
            Block { header, evidence: BoundedVec::empty(), transactions: transactions.try_into().unwrap() }.encode(),
        );
        disk.made.insert((height, round), hash);
        disk.undecided.insert(hash, (Known { round, hash, proposer: self.key, valid: true }, bytes.clone()));
        Proposed { hash, bytes }
    }

    fn receive(&self, disk: &mut Disk, height: Height, block: &ReceivedBlock) -> bool {
        let header = &block.block().header;
        assert_eq!(header.height, height);
        let valid = header.chain == CHAIN && height == disk.next() && header.parent == disk.tip();
        if valid {
            let known = Known { round: 0, hash: block.hash(), proposer: header.proposer, valid };
            disk.undecided.insert(block.hash(), (known, block.bytes().clone()));
        }
        valid
    }
}

/// The hashes of the decided blocks.
pub fn hashes(machine: &Machine) -> Vec<Hash> {
    machine.disk.lock().unwrap().decided.iter().map(|(certificate, _)| certificate.block).collect()
}

/// Checks what is durable: each block follows from the one before, and its certificate vouches for it.
pub fn check_chain(machine: &Machine) {
    let disk = machine.disk.lock().unwrap();
    let mut parent = Hash::ZERO;
    for (index, (certificate, bytes)) in disk.decided.iter().enumerate() {
        let block = Block::from_bytes(bytes).unwrap();
        assert_eq!(block.header.height.get(), index as u64 + 1);
        assert_eq!(block.header.parent, parent);
        certificate.verify(&block.header, machine.rules.at(block.header.height)).unwrap();
        parent = certificate.block;
    }
    assert_eq!(disk.evidence, []);
}
