//! The application's side of the network: transactions and questions out and in, and who may connect.
use crate::address::{PeerAddress, PeerId};
use crate::limits;
use bytes::Bytes;
use countersign_types::Height;
use tokio::sync::{mpsc, oneshot, watch};

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
