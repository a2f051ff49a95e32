//! The swarm: TCP, Noise and Yamux to listed peers only; gossip for what concerns all, requests for what concerns one.
use super::direct::{DirectCodec, PROTOCOL};
use crate::address::{PeerId, keypair};
use crate::limits;
use countersign_types::Hasher;
use libp2p::allow_block_list::{self, AllowedPeers};
use libp2p::gossipsub::{self, IdentTopic, MessageAuthenticity, MessageId, TopicHash, ValidationMode};
use libp2p::identity::Keypair;
use libp2p::request_response::{self, ProtocolSupport};
use libp2p::swarm::NetworkBehaviour;
use libp2p::{Swarm, SwarmBuilder, connection_limits, noise, tcp, yamux};
use std::collections::BTreeSet;
use std::io;
use std::time::Duration;

/// Streams of requests in one connection, both ways: statuses and a few answers under way.
const DIRECT_STREAMS_MAX: usize = 64;
/// Connections with one peer: two that dial each other at once make two.
const CONNECTIONS_PER_PEER_MAX: u32 = 2;
/// Handshakes under way that others began: all peers may come back at once, the rest of the world waits.
const HANDSHAKES_MAX: u32 = limits::PEERS_MAX as u32;
/// Heartbeats (of a second) for which gossiped messages are kept for peers that missed them. Blocks are large and late
/// ones are synced, so fewer than the default.
const GOSSIP_HISTORY: usize = 3;

/// What is gossiped, each in a topic of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Topic {
    /// Votes, proposals, certificates.
    Consensus,
    /// Blocks with their proposer's offer.
    Blocks,
    /// Batches of transactions, from and for the application.
    Transactions,
}

impl Topic {
    const ALL: [Self; 3] = [Self::Consensus, Self::Blocks, Self::Transactions];

    pub(super) fn ident(self) -> IdentTopic {
        IdentTopic::new(match self {
            Self::Consensus => "countersign/consensus/1",
            Self::Blocks => "countersign/blocks/1",
            Self::Transactions => "countersign/transactions/1",
        })
    }

    pub(super) fn of(hash: &TopicHash) -> Option<Self> {
        Self::ALL.into_iter().find(|topic| topic.ident().hash() == *hash)
    }

    fn bytes_max(self) -> usize {
        match self {
            Self::Consensus => limits::VOTE_BYTES_MAX,
            Self::Blocks => limits::MESSAGE_BYTES_MAX,
            Self::Transactions => limits::GOSSIP_BYTES_MAX,
        }
    }
}

#[derive(NetworkBehaviour)]
pub(super) struct Behaviour {
    limits: connection_limits::Behaviour,
    allowed: allow_block_list::Behaviour<AllowedPeers>,
    pub(super) direct: request_response::Behaviour<DirectCodec>,
    pub(super) gossip: gossipsub::Behaviour,
}

impl Behaviour {
    fn new(key: &Keypair) -> Self {
        let config = request_response::Config::default()
            .with_request_timeout(limits::REQUEST_TIMEOUT)
            .with_max_concurrent_streams(DIRECT_STREAMS_MAX);
        let direct = request_response::Behaviour::with_codec(DirectCodec, [(PROTOCOL, ProtocolSupport::Full)], config);
        let limits = connection_limits::ConnectionLimits::default()
            .with_max_established_per_peer(Some(CONNECTIONS_PER_PEER_MAX))
            .with_max_pending_incoming(Some(HANDSHAKES_MAX));
        Self {
            limits: connection_limits::Behaviour::new(limits),
            allowed: allow_block_list::Behaviour::default(),
            direct,
            gossip: gossip(key),
        }
    }
}

/// Gossip without signatures of its own: votes are signed by validators, blocks by their proposer's offer, transactions by
/// their parties. So a listed peer can lie about who published a message; nothing here relies on it. Each message is
/// checked before it is passed on.
fn gossip(key: &Keypair) -> gossipsub::Behaviour {
    let mut config = gossipsub::ConfigBuilder::default();
    config
        .validation_mode(ValidationMode::Permissive)
        .validate_messages()
        .history_length(GOSSIP_HISTORY)
        .history_gossip(GOSSIP_HISTORY)
        .max_transmit_size(limits::MESSAGE_BYTES_MAX)
        .message_id_fn(message_id);
    let config = config.build().expect("these settings agree with each other");
    let author = MessageAuthenticity::Author(key.public().to_peer_id());
    let mut gossip = gossipsub::Behaviour::new(author, config).expect("messages without signatures may be permissive");
    for topic in Topic::ALL {
        gossip.subscribe(&topic.ident()).expect("no filter forbids our own topics");
    }
    gossip
}

/// Equal transactions are one message, whoever sends them. A vote that is sent again must get through again, so there the
/// sender and its count belong to the id.
fn message_id(message: &gossipsub::Message) -> MessageId {
    let mut hasher = Hasher::new("gossip-message");
    let topic = message.topic.as_str().as_bytes();
    hasher.update(&(topic.len() as u64).to_le_bytes()).update(topic);
    if message.topic != Topic::Transactions.ident().hash() {
        let source = message.source.map(|peer| peer.to_bytes()).unwrap_or_default();
        hasher.update(&(source.len() as u64).to_le_bytes()).update(&source);
        hasher.update(&message.sequence_number.unwrap_or_default().to_le_bytes());
    }
    MessageId::from(hasher.update(&message.data).finish().0.to_vec())
}

/// True if a message of that topic may be so long.
pub(super) fn fits(topic: Topic, size: usize) -> bool {
    size <= topic.bytes_max()
}

/// Builds the swarm; it neither listens nor dials yet, and lets nobody in.
///
/// # Errors
/// If the system's settings for name resolution cannot be read.
pub(super) fn build(identity: &[u8; 32]) -> io::Result<Swarm<Behaviour>> {
    let transport = tcp::Config::default().nodelay(true);
    let swarm = SwarmBuilder::with_existing_identity(keypair(identity))
        .with_tokio()
        .with_tcp(transport, noise::Config::new, yamux::Config::default)
        .expect("Noise takes any ed25519 identity")
        .with_dns()?
        .with_behaviour(Behaviour::new)
        .expect("making the behaviour cannot fail");
    let configured = swarm.with_swarm_config(|config| {
        config
            // Peers stay connected also when they have nothing to say.
            .with_idle_connection_timeout(Duration::from_secs(u64::MAX))
            // Saves a round trip per request: there is only one version to agree on.
            .with_substream_upgrade_protocol_override(libp2p::core::upgrade::Version::V1Lazy)
    });
    Ok(configured.build())
}

/// Lets in exactly `peers`; connections of others are closed.
pub(super) fn allow(swarm: &mut Swarm<Behaviour>, peers: &BTreeSet<PeerId>) {
    let allowed = &mut swarm.behaviour_mut().allowed;
    let removed: Vec<_> =
        allowed.allowed_peers().iter().filter(|peer| !peers.contains(&PeerId(**peer))).copied().collect();
    for peer in removed {
        allowed.disallow_peer(peer);
    }
    for peer in peers {
        allowed.allow_peer(peer.0);
    }
}
