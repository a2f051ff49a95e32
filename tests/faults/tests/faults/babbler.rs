//! A peer that is on everybody's list and talks nonsense: a swarm of its own that writes arbitrary bytes on every topic and protocol.
use anyhow::Context as _;
use async_trait::async_trait;
use countersign_harness::Network;
use countersign_node::keys::NodeKey;
use futures::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, StreamExt as _};
use libp2p::gossipsub::{self, IdentTopic, MessageAuthenticity, ValidationMode};
use libp2p::identity::Keypair;
use libp2p::request_response::{self, ProtocolSupport};
use libp2p::swarm::dial_opts::{DialOpts, PeerCondition};
use libp2p::swarm::{NetworkBehaviour, SwarmEvent};
use libp2p::{Multiaddr, PeerId, StreamProtocol, Swarm, SwarmBuilder, noise, tcp, yamux};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::runtime::Runtime;

const TOPICS: [&str; 3] = ["countersign/consensus/1", "countersign/blocks/1", "countersign/transactions/1"];
const PROTOCOL: StreamProtocol = StreamProtocol::new("/countersign/direct/1");
/// Between two rounds of nonsense: far below any limit on messages, so that it is what they say that is judged.
const PACE: Duration = Duration::from_millis(20);
/// Most bytes of a piece of nonsense.
const BYTES_MAX: u64 = 4_096;
/// How long an answer to nonsense is waited for: there may be none.
const ANSWER_MAX: Duration = Duration::from_secs(2);

/// The protocol for one peer alone, as bytes.
#[derive(Clone, Copy, Default)]
struct Raw;

async fn read(io: &mut (impl AsyncRead + Unpin + Send)) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    io.take(BYTES_MAX).read_to_end(&mut bytes).await?;
    Ok(bytes)
}

#[async_trait]
impl request_response::Codec for Raw {
    type Protocol = StreamProtocol;
    type Request = Vec<u8>;
    type Response = Vec<u8>;

    async fn read_request<T: AsyncRead + Unpin + Send>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
    ) -> io::Result<Vec<u8>> {
        read(io).await
    }

    async fn read_response<T: AsyncRead + Unpin + Send>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
    ) -> io::Result<Vec<u8>> {
        read(io).await
    }

    async fn write_request<T: AsyncWrite + Unpin + Send>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        bytes: Vec<u8>,
    ) -> io::Result<()> {
        io.write_all(&bytes).await
    }

    async fn write_response<T: AsyncWrite + Unpin + Send>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        bytes: Vec<u8>,
    ) -> io::Result<()> {
        io.write_all(&bytes).await
    }
}

#[derive(NetworkBehaviour)]
struct Speaks {
    gossip: gossipsub::Behaviour,
    direct: request_response::Behaviour<Raw>,
}

fn speaks(key: &Keypair) -> Speaks {
    let config = gossipsub::ConfigBuilder::default().validation_mode(ValidationMode::Permissive).build();
    let config = config.expect("these settings agree with each other");
    let author = MessageAuthenticity::Author(key.public().to_peer_id());
    let mut gossip = gossipsub::Behaviour::new(author, config).expect("messages without signatures may be permissive");
    for topic in TOPICS {
        gossip.subscribe(&IdentTopic::new(topic)).expect("no filter forbids a topic");
    }
    let config = request_response::Config::default().with_request_timeout(ANSWER_MAX);
    let direct = request_response::Behaviour::new([(PROTOCOL, ProtocolSupport::Full)], config);
    Speaks { gossip, direct }
}

/// How often each peer has closed its connection with the babbler after it had spoken there.
pub type Closed = Arc<Mutex<BTreeMap<PeerId, usize>>>;

/// The running babbler; it ends when it is dropped.
pub struct Babbler {
    closed: Closed,
    peers: usize,
    runtime: Option<Runtime>,
}

impl Babbler {
    /// Takes the place of a node of the network that does not run.
    pub fn start(network: &Network, n: usize) -> anyhow::Result<Self> {
        let identity = NodeKey::load(&network.dir(n).join("network.key"), None)?;
        let key = Keypair::ed25519_from_bytes(*identity.secret())?;
        let addresses = network.peers(n).split(',').map(str::parse::<Multiaddr>).collect::<Result<Vec<_>, _>>()?;
        let closed = Closed::default();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let (peers, told) = (addresses.len(), closed.clone());
        let swarm = {
            let _within = runtime.enter();
            SwarmBuilder::with_existing_identity(key)
                .with_tokio()
                .with_tcp(tcp::Config::default(), noise::Config::new, yamux::Config::default)
                .context("the transport")?
                .with_behaviour(speaks)
                .context("the behaviour")?
                .with_swarm_config(|config| config.with_idle_connection_timeout(countersign_harness::PATIENCE))
                .build()
        };
        runtime.spawn(babble(swarm, addresses, told));
        Ok(Self { closed, peers, runtime: Some(runtime) })
    }

    /// True if every peer has closed a connection on it.
    pub fn is_cast_out(&self) -> bool {
        self.closed.lock().is_ok_and(|closed| closed.len() == self.peers)
    }
}

impl Drop for Babbler {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn babble(mut swarm: Swarm<Speaks>, addresses: Vec<Multiaddr>, closed: Closed) {
    let mut pace = tokio::time::interval(PACE);
    let (mut nonsense, mut connected, mut spoke) = (Nonsense(1), BTreeSet::new(), BTreeSet::new());
    loop {
        tokio::select! {
            _ = pace.tick() => {
                for address in &addresses {
                    // Only if there is neither a connection nor a dial under way; a refusal is what is waited for.
                    let dial = DialOpts::from(address.clone());
                    if dial.get_peer_id().is_none_or(|peer| !connected.contains(&peer)) {
                        let peer = dial.get_peer_id().unwrap_or_else(PeerId::random);
                        let dial = DialOpts::peer_id(peer).addresses(vec![address.clone()]);
                        let _ = swarm.dial(dial.condition(PeerCondition::DisconnectedAndNotDialing).build());
                    }
                }
                for topic in TOPICS {
                    // An error means that nobody listens yet.
                    if swarm.behaviour_mut().gossip.publish(IdentTopic::new(topic), nonsense.piece()).is_ok() {
                        spoke.extend(connected.iter().copied());
                    }
                }
                for peer in &connected {
                    swarm.behaviour_mut().direct.send_request(peer, nonsense.piece());
                }
            }
            event = swarm.select_next_some() => match event {
                SwarmEvent::ConnectionEstablished { peer_id, .. } => drop(connected.insert(peer_id)),
                SwarmEvent::ConnectionClosed { peer_id, num_established: 0, .. } => {
                    connected.remove(&peer_id);
                    if spoke.remove(&peer_id) && let Ok(mut closed) = closed.lock() {
                        *closed.entry(peer_id).or_default() += 1;
                    }
                }
                _ => {}
            }
        }
    }
}

/// Arbitrary bytes, the same ones in every run (xorshift).
pub struct Nonsense(pub u64);

impl Nonsense {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// Some bytes.
    pub fn piece(&mut self) -> Vec<u8> {
        let size = self.next() % BYTES_MAX + 1;
        (0..size).map(|_| self.next().to_le_bytes()[0]).collect()
    }
}
