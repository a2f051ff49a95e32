//! The network: one swarm, owned by one task, and the application's handle to it.
//!
//! ```text
//!   the application ─Command→ task.rs ⇄ swarm.rs ⇄ peers        task.rs: commands, the engine's messages
//!   the engine ─relay.rs→       │                                inbound.rs: what peers send
//!   the engine, the application ←┘                               peers.rs, standing.rs: who may, and how much
//! ```
mod dial;
mod direct;
#[cfg(test)]
mod faults;
mod inbound;
mod peers;
mod relay;
mod standing;
mod swarm;
mod task;

pub(crate) use dial::{Dialled, dial};

use crate::StartError;
use crate::address::{PeerAddress, PeerId, listen_address};
use crate::context::Context;
use crate::limits;
use crate::request::Request;
use crate::wire::OfferedBytes;
use bytes::Bytes;
use countersign_types::Height;
use futures::StreamExt;
use libp2p::swarm::SwarmEvent;
use libp2p::{Multiaddr, Swarm, TransportError};
use malachitebft_app_channel::app::engine::network::NetworkRef;
use std::io;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// The network has stopped, and with it the engine: nothing more can be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the network has stopped")]
pub struct Stopped;

/// Why a message was not taken or a question not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// No connection to the peer.
    #[error("not connected to that peer")]
    NotConnected,
    /// More than [`limits::QUESTION_BYTES_MAX`], or [`limits::GOSSIP_BYTES_MAX`] for gossip.
    #[error("{size} bytes are more than the limit of {limit}")]
    Oversized {
        /// Bytes given.
        size: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// The peer refused, was too busy, took too long, or the connection broke.
    #[error("the peer gave no answer")]
    NoAnswer,
    /// The network has stopped.
    #[error(transparent)]
    Stopped(#[from] Stopped),
}

/// A peer on the list, and whether it is there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PeerStatus {
    /// Who and where.
    pub address: PeerAddress,
    /// True while a connection is open.
    pub connected: bool,
    /// The height of the last decided block it told of, since it connected.
    pub height: Option<Height>,
}

/// What the application thinks of a gossiped message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Good: pass it on to other peers.
    Accept,
    /// Not to be passed on; nobody is to blame (known already, too full, expired on the way).
    Ignore,
    /// No honest node passes on such a thing: the peer that did loses standing.
    Reject,
}

/// A batch of transactions that a peer gossiped. It is passed on only when [`Gossip::judge`] accepts it.
#[derive(Debug)]
pub struct Gossip {
    pub(crate) from: PeerId,
    pub(crate) bytes: Bytes,
    pub(crate) message: libp2p::gossipsub::MessageId,
    pub(crate) verdicts: mpsc::Sender<Command>,
}

impl Gossip {
    /// The peer that handed it on, not its author.
    pub fn from(&self) -> PeerId {
        self.from
    }

    /// What [`Network::gossip`] was given by its author.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Says what becomes of it.
    ///
    /// # Errors
    /// [`Stopped`].
    pub async fn judge(self, verdict: Verdict) -> Result<(), Stopped> {
        let Self { from, message, verdicts, .. } = self;
        verdicts.send(Command::Judge { from, message, verdict }).await.map_err(|_| Stopped)
    }
}

/// A question of a peer, from the application of that peer.
#[derive(Debug)]
pub struct Question {
    /// Who asks; proven by its connection.
    pub from: PeerId,
    /// What [`Network::ask`] was given there; at most [`limits::QUESTION_BYTES_MAX`].
    pub bytes: Bytes,
    /// The answer, of the same length at most. Dropped: the peer hears that there is none.
    pub reply: oneshot::Sender<Bytes>,
}

/// What the application tells the swarm.
#[derive(Debug)]
pub(crate) enum Command {
    Gossip(Bytes),
    Offer(OfferedBytes),
    Judge { from: PeerId, message: libp2p::gossipsub::MessageId, verdict: Verdict },
    Ask { peer: PeerId, bytes: Bytes, reply: oneshot::Sender<Result<Bytes, AskError>> },
    SetPeers(Vec<PeerAddress>),
}

/// A handle to the network; clones share it.
#[derive(Clone, Debug)]
pub struct Network {
    pub(crate) local: PeerId,
    pub(crate) commands: mpsc::Sender<Command>,
    pub(crate) listening: watch::Receiver<Vec<PeerAddress>>,
    pub(crate) peers: watch::Receiver<Vec<PeerStatus>>,
    pub(crate) height_seen: watch::Receiver<Height>,
}

impl Network {
    /// This node's identity.
    pub fn local_id(&self) -> PeerId {
        self.local
    }

    /// Where this node can be reached, with the actual port where 0 was asked for. At least one from the start.
    pub fn listening(&self) -> watch::Receiver<Vec<PeerAddress>> {
        self.listening.clone()
    }

    /// The listed peers and whether they are connected.
    pub fn peers(&self) -> watch::Receiver<Vec<PeerStatus>> {
        self.peers.clone()
    }

    /// The highest height that any connected peer sent a vote or block for. Not proven by anything: good as a hint that
    /// others have gone on, for nothing else.
    pub fn height_seen(&self) -> watch::Receiver<Height> {
        self.height_seen.clone()
    }

    /// Sends a batch of transactions to all peers, through those connected. Waits while the swarm is busy.
    ///
    /// # Errors
    /// [`AskError::Oversized`] above [`limits::GOSSIP_BYTES_MAX`], [`AskError::Stopped`].
    pub async fn gossip(&self, batch: Bytes) -> Result<(), AskError> {
        check_size(&batch, limits::GOSSIP_BYTES_MAX)?;
        self.send(Command::Gossip(batch)).await
    }

    /// Asks the application of a connected peer and waits for its answer, some seconds at most.
    ///
    /// # Errors
    /// [`AskError`].
    pub async fn ask(&self, peer: PeerId, question: Bytes) -> Result<Bytes, AskError> {
        check_size(&question, limits::QUESTION_BYTES_MAX)?;
        let (reply, answer) = oneshot::channel();
        self.send(Command::Ask { peer, bytes: question, reply }).await?;
        answer.await.map_err(|_| AskError::Stopped(Stopped))?
    }

    /// Replaces the list of peers: those not on it are disconnected and refused from now on, new ones are dialled.
    /// Both sides must list each other. At most [`limits::PEERS_MAX`]; what is beyond is left out. The node itself may be on it.
    ///
    /// # Errors
    /// [`Stopped`].
    pub async fn set_peers(&self, peers: Vec<PeerAddress>) -> Result<(), Stopped> {
        self.commands.send(Command::SetPeers(peers)).await.map_err(|_| Stopped)
    }

    async fn send(&self, command: Command) -> Result<(), AskError> {
        self.commands.send(command).await.map_err(|_| AskError::Stopped(Stopped))
    }
}

fn check_size(bytes: &Bytes, limit: usize) -> Result<(), AskError> {
    if bytes.len() > limit { Err(AskError::Oversized { size: bytes.len(), limit }) } else { Ok(()) }
}

/// What the engine and the application need of the network.
pub(crate) struct Started {
    pub(crate) network: Network,
    pub(crate) actor: NetworkRef<Context>,
    pub(crate) gossip: mpsc::Receiver<Gossip>,
    pub(crate) questions: mpsc::Receiver<Question>,
    /// Ends when the engine is gone.
    pub(crate) task: JoinHandle<()>,
}

/// Listens, and starts the task that owns the swarm. Requests of peers for blocks go to `requests`.
///
/// # Errors
/// [`StartError`] if the node cannot listen.
pub(crate) async fn start(config: &crate::Config, requests: mpsc::Sender<Request>) -> Result<Started, StartError> {
    let mut swarm = swarm::build(&config.identity).map_err(StartError::Resolver)?;
    listen(&mut swarm, &config.listen).await?;
    let (engine_messages, engine) = mpsc::channel(limits::ENGINE_QUEUE);
    let (commands, command_queue) = mpsc::channel(limits::COMMANDS_QUEUE);
    let (gossip_sender, gossip) = mpsc::channel(limits::GOSSIP_QUEUE);
    let (question_sender, questions) = mpsc::channel(limits::QUESTIONS_QUEUE);
    let (listening_sender, listening) = watch::channel(Vec::new());
    let (peers_sender, peers) = watch::channel(Vec::new());
    let (height_sender, height_seen) = watch::channel(Height::ZERO);
    let local = PeerId(*swarm.local_peer_id());
    let outputs = task::Outputs {
        requests,
        gossip: gossip_sender,
        questions: question_sender,
        verdicts: commands.clone(),
        listening: listening_sender,
        peers: peers_sender,
        height_seen: height_sender,
    };
    let mut task = task::Task::new(config.chain, swarm, outputs);
    task.tell_listening();
    task.set_peers(config.peers.clone());
    let actor = relay::spawn(engine_messages).await.map_err(|error| StartError::Engine(error.into()))?;
    let task = tokio::spawn(task.run(task::Inputs { engine, commands: command_queue }));
    let network = Network { local, commands, listening, peers, height_seen };
    Ok(Started { network, actor, gossip, questions, task })
}

/// Binds the port and waits until the system has given it.
async fn listen(swarm: &mut Swarm<swarm::Behaviour>, text: &str) -> Result<(), StartError> {
    let address = listen_address(text).map_err(|cause| StartError::ListenAddress { text: text.into(), cause })?;
    let failed = |cause| StartError::Listen { address: text.into(), cause };
    swarm.listen_on(address).map_err(|error| failed(transport_error(error)))?;
    let listening = async {
        loop {
            match swarm.select_next_some().await {
                SwarmEvent::NewListenAddr { .. } => return Ok(()),
                SwarmEvent::ListenerError { error, .. } => return Err(error),
                SwarmEvent::ListenerClosed { reason: Err(error), .. } => return Err(error),
                _ => {}
            }
        }
    };
    let listening = timeout(limits::LISTEN_TIMEOUT, listening).await;
    listening.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())).map_err(failed)
}

fn transport_error(error: TransportError<io::Error>) -> io::Error {
    match error {
        TransportError::Other(error) => error,
        TransportError::MultiaddrNotSupported(address) => unsupported(&address),
    }
}

fn unsupported(address: &Multiaddr) -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, format!("{address} is not a TCP address"))
}
