//! The task that owns the swarm. It never waits for the engine or the application: what they do not take is dropped or
//! refused, and long work runs beside it.
use super::direct::{Answer, Ask, Kind};
use super::peers::Peers;
use super::standing::Fault;
use super::swarm::{self, Behaviour, Topic};
use super::{AskError, Command, Gossip, PeerStatus, Question, Verdict};
use crate::address::{PeerAddress, PeerId};
use crate::codec::Scale;
use crate::context::{Context, Offer, ValidatorSet};
use crate::limits;
use crate::request::Request;
use crate::wire::{ConsensusMessage, WireError};
use bytes::Bytes;
use countersign_types::{Hash, Height};
use futures::StreamExt;
use libp2p::Swarm;
use libp2p::gossipsub::{MessageAcceptance, MessageId};
use libp2p::request_response::ResponseChannel;
use libp2p::swarm::dial_opts::{DialOpts, PeerCondition};
use malachitebft_app_channel::app::engine::network::{Msg, NetworkEvent, PersistentPeerError, Status, Subscriber};
use malachitebft_app_channel::app::types::codec::Codec;
use malachitebft_network::{Channel, PeerIdExt};
use malachitebft_sync as sync;
use parity_scale_codec::Encode;
use std::collections::HashMap;
use std::time::Instant;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;
use tracing::{debug, error, warn};

/// Requests of ours without an answer yet. The engine has a few under way; the rest are the application's.
const ASKED_MAX: usize = 1024;

pub(super) type Event = NetworkEvent<Context>;

/// The engine's form of a peer's name.
pub(super) fn engine_id(peer: PeerId) -> sync::PeerId {
    sync::PeerId::from_libp2p(&peer.0)
}

/// A request of ours.
pub(super) enum Asked {
    Status,
    Blocks,
    Question(oneshot::Sender<Result<Bytes, AskError>>),
}

/// Work done beside the task.
pub(super) enum Done {
    /// A peer's request has its answer.
    Answered { peer: PeerId, channel: ResponseChannel<Answer>, answer: Answer },
    /// A gossiped block is checked.
    Checked { from: PeerId, message: MessageId, offer: Result<Offer, Fault> },
    /// A peer's answer with blocks is decoded.
    Decoded { from: PeerId, request: sync::OutboundRequestId, blocks: Result<sync::Response<Context>, WireError> },
}

/// What the task hears from the rest of the crate.
pub(super) struct Inputs {
    pub(super) engine: mpsc::Receiver<Msg<Context>>,
    pub(super) commands: mpsc::Receiver<Command>,
}

/// What it tells the application.
pub(super) struct Outputs {
    pub(super) requests: mpsc::Sender<Request>,
    pub(super) gossip: mpsc::Sender<Gossip>,
    pub(super) questions: mpsc::Sender<Question>,
    pub(super) verdicts: mpsc::Sender<Command>,
    pub(super) listening: watch::Sender<Vec<PeerAddress>>,
    pub(super) peers: watch::Sender<Vec<PeerStatus>>,
    pub(super) height_seen: watch::Sender<Height>,
}

pub(super) struct Task {
    pub(super) chain: Hash,
    pub(super) swarm: Swarm<Behaviour>,
    pub(super) peers: Peers,
    pub(super) outputs: Outputs,
    pub(super) subscribers: Vec<Box<dyn Subscriber<Event>>>,
    pub(super) asked: HashMap<sync::OutboundRequestId, Asked>,
    pub(super) work: JoinSet<Done>,
    /// Blocks among the work.
    pub(super) checks: usize,
    /// Of the height the engine works on; `None` before it starts.
    pub(super) validators: Option<ValidatorSet>,
}

impl Task {
    pub(super) fn new(chain: Hash, swarm: Swarm<Behaviour>, outputs: Outputs) -> Self {
        let peers = Peers::new(PeerId(*swarm.local_peer_id()));
        Self {
            chain,
            swarm,
            peers,
            outputs,
            subscribers: Vec::new(),
            asked: HashMap::new(),
            work: JoinSet::new(),
            checks: 0,
            validators: None,
        }
    }

    /// Runs until the engine is gone.
    pub(super) async fn run(mut self, mut inputs: Inputs) {
        let mut tick = tokio::time::interval(limits::DIAL_TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                event = self.swarm.select_next_some() => self.on_swarm_event(event),
                message = inputs.engine.recv() => match message {
                    Some(message) => self.on_engine_message(message),
                    None => return,
                },
                Some(command) = inputs.commands.recv() => self.on_command(command),
                Some(done) = self.work.join_next() => match done {
                    Ok(done) => self.on_done(done),
                    Err(error) => error!(%error, "work of the network was lost"),
                },
                _ = tick.tick() => self.on_tick(),
            }
        }
    }

    fn on_tick(&mut self) {
        let now = Instant::now();
        if self.peers.penalty_ends(now) {
            swarm::allow(&mut self.swarm, &self.peers.allowed(now));
        }
        for address in self.peers.due(now) {
            let dial = DialOpts::peer_id(address.id().0)
                .addresses(vec![address.multiaddr().clone()])
                .condition(PeerCondition::DisconnectedAndNotDialing)
                .build();
            // Fails at once only if the peer is being dialled already.
            let _ = self.swarm.dial(dial);
        }
        if let Some(peers) = self.peers.take_changes() {
            self.outputs.peers.send_replace(peers);
        }
    }

    pub(super) fn set_peers(&mut self, peers: Vec<PeerAddress>) {
        let now = Instant::now();
        self.peers.replace(peers, now);
        swarm::allow(&mut self.swarm, &self.peers.allowed(now));
        self.on_tick();
    }

    /// Blames a peer, and disconnects it if that was one time too many.
    pub(super) fn blame(&mut self, peer: PeerId, fault: Fault) {
        debug!(%peer, ?fault, "a peer is at fault");
        let now = Instant::now();
        if !self.peers.survives(peer, now, fault) {
            warn!(%peer, ?fault, "a peer lost its standing and is refused for a while");
            swarm::allow(&mut self.swarm, &self.peers.allowed(now));
        }
    }

    /// Tells the engine.
    pub(super) fn emit(&self, event: Event) {
        for subscriber in &self.subscribers {
            subscriber.send(event.clone());
        }
    }

    pub(super) fn judge(&mut self, from: PeerId, message: &MessageId, acceptance: MessageAcceptance) {
        let gossip = &mut self.swarm.behaviour_mut().gossip;
        // False if the message was forgotten meanwhile: then there is nothing left to pass on.
        let _ = gossip.report_message_validation_result(message, &from.0, acceptance);
    }

    // ---- from the application ----

    pub(super) fn on_command(&mut self, command: Command) {
        match command {
            Command::Gossip(batch) => self.gossip(Topic::Transactions, batch.into()),
            Command::Offer(offered) => self.gossip(Topic::Blocks, offered.encode()),
            Command::Judge { from, message, verdict } => self.on_verdict(from, &message, verdict),
            Command::Ask { peer, bytes, reply } => self.ask(peer, bytes, reply),
            Command::SetPeers(peers) => self.set_peers(peers),
        }
    }

    fn on_verdict(&mut self, from: PeerId, message: &MessageId, verdict: Verdict) {
        let acceptance = match verdict {
            Verdict::Accept => MessageAcceptance::Accept,
            Verdict::Ignore => MessageAcceptance::Ignore,
            Verdict::Reject => MessageAcceptance::Reject,
        };
        self.judge(from, message, acceptance);
        if verdict == Verdict::Reject {
            self.blame(from, Fault::Rejected);
        }
    }

    fn gossip(&mut self, topic: Topic, bytes: Vec<u8>) {
        // Fails if no peer is there, or if the same was sent before: either way nobody misses it.
        if let Err(error) = self.swarm.behaviour_mut().gossip.publish(topic.ident(), bytes) {
            debug!(%error, ?topic, "not published");
        }
    }

    fn ask(&mut self, peer: PeerId, bytes: Bytes, reply: oneshot::Sender<Result<Bytes, AskError>>) {
        // The one who asked may be gone: nothing to tell it then.
        if !self.swarm.is_connected(&peer.0) {
            let _ = reply.send(Err(AskError::NotConnected));
        } else if self.asked.len() >= ASKED_MAX {
            let _ = reply.send(Err(AskError::NoAnswer));
        } else {
            self.send_request(peer, Kind::Question, bytes, Asked::Question(reply));
        }
    }

    fn send_request(&mut self, peer: PeerId, kind: Kind, body: Bytes, asked: Asked) -> sync::OutboundRequestId {
        let id = self.swarm.behaviour_mut().direct.send_request(&peer.0, Ask { kind, body });
        let id = sync::OutboundRequestId::new(id);
        self.asked.insert(id.clone(), asked);
        id
    }

    // ---- from the engine ----

    fn on_engine_message(&mut self, message: Msg<Context>) {
        match message {
            Msg::Subscribe(subscriber) => self.subscribe(subscriber),
            Msg::PublishConsensusMsg(message) => self.publish((&message).try_into()),
            Msg::PublishLivenessMsg(message) => self.publish((&message).try_into()),
            Msg::BroadcastStatus(status) => self.tell_status(&status),
            Msg::OutgoingRequest(peer, request, reply) => match Scale.encode(&request) {
                Ok(body) if self.asked.len() < ASKED_MAX => {
                    let peer = PeerId(peer.to_libp2p());
                    let id = self.send_request(peer, Kind::Blocks, body, Asked::Blocks);
                    // Fails if the engine stops.
                    let _ = reply.send(id);
                }
                // A dropped reply tells the engine that nothing was sent.
                Ok(_) => warn!("too many requests under way"),
                Err(error) => error!(%error, "a request has no encoding"),
            },
            // libp2p cannot take a request back, but its answer will be ignored.
            Msg::CancelRequest(id) => drop(self.asked.remove(&id)),
            Msg::UpdateValidatorSet(validators) => self.validators = Some(validators),
            Msg::UpdatePersistentPeers(_, reply) => {
                // The list comes from the application by another way, whole. Fails if nobody waits.
                let _ = reply.send(Err(PersistentPeerError::NotFound));
            }
            Msg::DumpState(reply) => {
                let _ = reply.send(None);
            }
            // Blocks go out as signed offers; peers' requests for blocks are answered without the engine; validators are
            // known by their votes, so no proofs are exchanged.
            Msg::PublishProposalPart(_)
            | Msg::OutgoingResponse(..)
            | Msg::CancelInboundRequest(_)
            | Msg::ValidatorProofVerified { .. }
            | Msg::NewEvent(_) => {}
        }
    }

    /// The engine starts only when it hears `Listening`, and knows only the peers it heard of.
    fn subscribe(&mut self, subscriber: Box<dyn Subscriber<Event>>) {
        for address in self.swarm.listeners().take(1) {
            subscriber.send(NetworkEvent::Listening(address.clone()));
        }
        for peer in self.swarm.connected_peers() {
            let peer = engine_id(PeerId(*peer));
            subscriber.send(NetworkEvent::PeerConnected(peer));
            subscriber.send(NetworkEvent::PeerSubscribed(peer, Channel::Sync));
        }
        self.subscribers.push(subscriber);
    }

    fn publish(&mut self, message: Result<ConsensusMessage, WireError>) {
        match message {
            Ok(message) => self.gossip(Topic::Consensus, message.encode()),
            Err(error) => error!(%error, "a consensus message has no encoding"),
        }
    }

    fn tell_status(&mut self, status: &Status<Context>) {
        let status = sync::Status::<Context> {
            peer_id: engine_id(PeerId(*self.swarm.local_peer_id())),
            tip_height: status.tip_height,
            history_min_height: status.history_min_height,
        };
        match Scale.encode(&status) {
            Ok(body) => {
                for peer in self.peers.begin_status() {
                    self.send_request(peer, Kind::Status, body.clone(), Asked::Status);
                }
            }
            Err(error) => error!(%error, "a status has no encoding"),
        }
    }

    /// Raises the highest height that was seen at work.
    pub(super) fn see_height(&self, height: Height) {
        self.outputs.height_seen.send_if_modified(|seen| {
            let higher = height > *seen;
            *seen = (*seen).max(height);
            higher
        });
    }
}
