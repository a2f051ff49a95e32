//! A stranger that speaks our protocols and not Identify: it is refused at the connection, and not one byte of any protocol
//! reaches it. The same program gets everything once it is listed, so the test would notice.
#![allow(clippy::unwrap_used, reason = "clippy.toml allows it in tests, but does not see that this is one")]

mod node;

use async_trait::async_trait;
use bytes::Bytes;
use countersign_consensus::{PeerAddress, PeerId};
use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, StreamExt};
use libp2p::core::muxing::{StreamMuxer, StreamMuxerBox, StreamMuxerEvent, SubstreamBox};
use libp2p::core::upgrade::Version;
use libp2p::gossipsub::{self, IdentTopic, MessageAuthenticity, ValidationMode};
use libp2p::identity::Keypair;
use libp2p::request_response::{self, ProtocolSupport};
use libp2p::swarm::{NetworkBehaviour, SwarmEvent};
use libp2p::{Multiaddr, StreamProtocol, Swarm, SwarmBuilder, Transport, noise, tcp, yamux};
use node::{Machine, Node, PATIENCE, Rules};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;

const TOPICS: [&str; 3] = ["countersign/consensus/1", "countersign/blocks/1", "countersign/transactions/1"];
const PROTOCOL: StreamProtocol = StreamProtocol::new("/countersign/direct/1");
/// Seed of the stranger's identity.
const STRANGER: u8 = 99;

// ---- counting what comes through a connection ----

/// A connection that counts the bytes its streams bring, down to the negotiation of their protocols.
struct Counting {
    inner: StreamMuxerBox,
    read: Arc<AtomicUsize>,
}

struct CountingStream {
    inner: SubstreamBox,
    read: Arc<AtomicUsize>,
}

impl Counting {
    fn stream(&self, inner: SubstreamBox) -> CountingStream {
        CountingStream { inner, read: self.read.clone() }
    }
}

impl StreamMuxer for Counting {
    type Substream = CountingStream;
    type Error = io::Error;

    fn poll_inbound(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<CountingStream>> {
        let polled = Pin::new(&mut self.inner).poll_inbound(cx);
        polled.map_ok(|stream| self.stream(stream))
    }

    fn poll_outbound(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<CountingStream>> {
        let polled = Pin::new(&mut self.inner).poll_outbound(cx);
        polled.map_ok(|stream| self.stream(stream))
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_close(cx)
    }

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<StreamMuxerEvent>> {
        Pin::new(&mut self.inner).poll(cx)
    }
}

impl AsyncRead for CountingStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &mut [u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.inner).poll_read(cx, bytes);
        if let Poll::Ready(Ok(size)) = &polled {
            self.read.fetch_add(*size, Ordering::Relaxed);
        }
        polled
    }
}

impl AsyncWrite for CountingStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_close(cx)
    }
}

// ---- the stranger ----

/// Our request protocol, as bytes.
#[derive(Clone, Copy, Default)]
struct Raw;

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
        let mut bytes = Vec::new();
        io.read_to_end(&mut bytes).await.map(|_| bytes)
    }

    async fn read_response<T: AsyncRead + Unpin + Send>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
    ) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        io.read_to_end(&mut bytes).await.map(|_| bytes)
    }

    async fn write_request<T: AsyncWrite + Unpin + Send>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        request: Vec<u8>,
    ) -> io::Result<()> {
        io.write_all(&request).await
    }

    async fn write_response<T: AsyncWrite + Unpin + Send>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        response: Vec<u8>,
    ) -> io::Result<()> {
        io.write_all(&response).await
    }
}

#[derive(NetworkBehaviour)]
struct Speaks {
    gossip: gossipsub::Behaviour,
    direct: request_response::Behaviour<Raw>,
}

/// What reached the stranger.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
struct Got {
    /// Connections that were opened and closed again, or not opened at all.
    refusals: usize,
    /// Peers' topics it heard of.
    topics: usize,
    blocks: usize,
    transactions: usize,
    answers: usize,
    /// Bytes of any stream.
    bytes: usize,
}

struct Stranger {
    swarm: Swarm<Speaks>,
    target: Multiaddr,
    read: Arc<AtomicUsize>,
    got: Got,
}

impl Stranger {
    fn new(target: &PeerAddress) -> Self {
        let read = Arc::new(AtomicUsize::new(0));
        let counter = read.clone();
        let key = Keypair::ed25519_from_bytes([STRANGER; 32]).unwrap();
        let transport = move |key: &Keypair| {
            let noise = noise::Config::new(key).unwrap();
            let connection = tcp::tokio::Transport::default()
                .upgrade(Version::V1Lazy)
                .authenticate(noise)
                .multiplex(yamux::Config::default());
            connection.map(move |(peer, muxer), _| {
                (peer, Counting { inner: StreamMuxerBox::new(muxer), read: counter.clone() })
            })
        };
        let swarm = SwarmBuilder::with_existing_identity(key)
            .with_tokio()
            .with_other_transport(transport)
            .unwrap()
            .with_behaviour(Speaks::new)
            .unwrap()
            .with_swarm_config(|config| config.with_idle_connection_timeout(PATIENCE))
            .build();
        Self { swarm, target: target.to_string().parse().unwrap(), read, got: Got::default() }
    }

    /// Dials, subscribes and asks, again and again.
    async fn run(mut self, got: watch::Sender<Got>) {
        self.swarm.dial(self.target.clone()).unwrap();
        loop {
            match self.swarm.select_next_some().await {
                SwarmEvent::ConnectionEstablished { peer_id, .. } => {
                    // The first block, and a question to the application.
                    let first = 1_u64.to_le_bytes();
                    for request in [&[&[1], &first[..], &first].concat()[..], b"\x02who are you?"] {
                        self.swarm.behaviour_mut().direct.send_request(&peer_id, request.to_vec());
                    }
                }
                SwarmEvent::ConnectionClosed { .. } | SwarmEvent::OutgoingConnectionError { .. } => {
                    self.got.refusals += 1;
                    // Fails if a dial is under way.
                    let _ = self.swarm.dial(self.target.clone());
                }
                SwarmEvent::Behaviour(SpeaksEvent::Gossip(gossipsub::Event::Subscribed { .. })) => self.got.topics += 1,
                SwarmEvent::Behaviour(SpeaksEvent::Gossip(gossipsub::Event::Message { message, .. })) => {
                    let is = |name: &str| message.topic == IdentTopic::new(name).hash();
                    self.got.blocks += usize::from(is(TOPICS[1]));
                    self.got.transactions += usize::from(is(TOPICS[2]));
                }
                SwarmEvent::Behaviour(SpeaksEvent::Direct(request_response::Event::Message { .. })) => {
                    self.got.answers += 1;
                }
                _ => {}
            }
            self.got.bytes = self.read.load(Ordering::Relaxed);
            got.send_replace(self.got);
        }
    }
}

impl Speaks {
    fn new(key: &Keypair) -> Self {
        let config = gossipsub::ConfigBuilder::default().validation_mode(ValidationMode::Permissive).build().unwrap();
        let author = MessageAuthenticity::Author(key.public().to_peer_id());
        let mut gossip = gossipsub::Behaviour::new(author, config).unwrap();
        TOPICS.iter().for_each(|topic| assert!(gossip.subscribe(&IdentTopic::new(*topic)).unwrap()));
        let direct = request_response::Behaviour::new([(PROTOCOL, ProtocolSupport::Full)], Default::default());
        Self { gossip, direct }
    }
}

/// Gossips a transaction batch now and then.
fn gossips(node: &Node) -> JoinHandle<()> {
    let network = node.network.clone();
    tokio::spawn(async move {
        let mut pace = tokio::time::interval(Duration::from_millis(10));
        for batch in 0_u64.. {
            pace.tick().await;
            if network.gossip(Bytes::from(batch.to_le_bytes().to_vec())).await.is_err() {
                return;
            }
        }
    })
}

async fn until(got: &mut watch::Receiver<Got>, what: &str, holds: impl Fn(&Got) -> bool) -> Got {
    let found = tokio::time::timeout(PATIENCE, got.wait_for(|got| holds(got))).await.map(|got| *got.unwrap());
    found.unwrap_or_else(|_| panic!("waited too long for {what}: {:?}", *got.borrow()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stranger_gets_no_byte_of_any_protocol_until_it_is_listed() {
    // The second validator is a listed peer, so that there is gossip to be heard.
    let rules = Rules::new(&[1, 2]);
    let machines = [Machine::new("stranger", 1, &rules), Machine::new("stranger", 2, &rules)];
    let mut nodes = Vec::new();
    for machine in &machines {
        nodes.push(machine.start(Vec::new(), None).await);
    }
    node::connect(&nodes).await;
    let chatter = gossips(&nodes[0]);
    let (sender, mut got) = watch::channel(Got::default());
    let stranger = tokio::spawn(Stranger::new(&nodes[0].address()).run(sender));

    nodes[0].reaches(10).await;
    let refused = until(&mut got, "refusals", |got| got.refusals >= 10).await;
    nodes[0].reaches(nodes[0].height() + 5).await;
    let now = *got.borrow();
    assert_eq!(now, Got { refusals: now.refusals, ..Got::default() }, "{refused:?}");
    let id = PeerId::of_secret(&[STRANGER; 32]);
    assert!(nodes[0].network.peers().borrow().iter().all(|status| status.address.id() != id));

    // The same program, listed: everything comes.
    nodes[0].network.set_peers(vec![nodes[1].address(), PeerAddress::unknown(id)]).await.unwrap();
    let all = |got: &Got| got.topics >= 3 && got.blocks > 0 && got.transactions > 0 && got.answers > 0;
    let heard = until(&mut got, "content once it is listed", all).await;
    assert!(heard.bytes > 0);

    stranger.abort();
    chatter.abort();
    for node in nodes {
        node.stop().await;
    }
}
