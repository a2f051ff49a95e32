//! What comes from peers: every message is counted, decoded and checked before the engine or the application sees it.
use super::direct::{Answer, Ask, Kind};
use super::standing::Fault;
use super::swarm::{self, BehaviourEvent, Topic};
use super::task::{Asked, Done, Event, Task, engine_id};
use super::{AskError, Gossip, Question};
use crate::address::{PeerAddress, PeerId};
use crate::block::ReceivedBlock;
use crate::codec::Scale;
use crate::context::{Context, Height as EngineHeight, Offer};
use crate::limits;
use crate::request::Request;
use crate::wire::{self, ConsensusMessage, OfferedBytes, WireError};
use bytes::Bytes;
use countersign_types::evidence::Statement;
use countersign_types::{Hash, Height};
use libp2p::gossipsub::{self, MessageAcceptance, MessageId};
use libp2p::request_response::{self, Message, OutboundFailure, ResponseChannel};
use libp2p::swarm::{ConnectionId, SwarmEvent};
use malachitebft_app_channel::app::consensus::SignedConsensusMsg;
use malachitebft_app_channel::app::engine::network::{NetworkEvent, Status};
use malachitebft_app_channel::app::engine::util::streaming::{StreamContent, StreamId, StreamMessage};
use malachitebft_app_channel::app::types::codec::Codec;
use malachitebft_network::Channel;
use malachitebft_sync::{self as sync, OutboundFailureReason};
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use tracing::{debug, info, warn};

impl Task {
    pub(super) fn on_swarm_event(&mut self, event: SwarmEvent<BehaviourEvent>) {
        match event {
            SwarmEvent::Behaviour(BehaviourEvent::Direct(event)) => self.on_direct(event),
            SwarmEvent::Behaviour(BehaviourEvent::Gossip(gossipsub::Event::Message {
                propagation_source,
                message_id,
                message,
            })) => self.on_gossip(PeerId(propagation_source), message_id, message),
            SwarmEvent::ConnectionEstablished { peer_id, num_established, .. } if num_established.get() == 1 => {
                self.on_connected(PeerId(peer_id));
            }
            SwarmEvent::ConnectionClosed { peer_id, num_established: 0, cause, .. } => {
                info!(peer = %peer_id, ?cause, "disconnected");
                self.peers.disconnected(PeerId(peer_id), Instant::now());
                self.emit(NetworkEvent::PeerDisconnected(engine_id(PeerId(peer_id))));
            }
            SwarmEvent::OutgoingConnectionError { peer_id: Some(peer), error, .. } => {
                debug!(%peer, %error, "cannot connect");
                self.peers.dial_failed(PeerId(peer), Instant::now());
            }
            SwarmEvent::IncomingConnectionError { error, .. } => debug!(%error, "refused a connection"),
            SwarmEvent::NewListenAddr { .. } | SwarmEvent::ExpiredListenAddr { .. } => self.tell_listening(),
            _ => {}
        }
    }

    fn on_connected(&mut self, peer: PeerId) {
        info!(%peer, "connected");
        self.peers.connected(peer, Instant::now());
        let peer = engine_id(peer);
        self.emit(NetworkEvent::PeerConnected(peer));
        // Makes the engine tell its status, so that a peer that lags asks for blocks at once.
        self.emit(NetworkEvent::PeerSubscribed(peer, Channel::Sync));
    }

    pub(super) fn tell_listening(&self) {
        let local = PeerId(*self.swarm.local_peer_id());
        let addresses = self.swarm.listeners().map(|address| PeerAddress::new(local, address)).collect();
        self.outputs.listening.send_replace(addresses);
    }

    // ---- gossip ----

    fn on_gossip(&mut self, from: PeerId, id: MessageId, message: gossipsub::Message) {
        let Some(topic) = Topic::of(&message.topic) else {
            return self.judge(from, &id, MessageAcceptance::Ignore);
        };
        if !self.peers.admits(from, Instant::now(), message.data.len()) {
            self.judge(from, &id, MessageAcceptance::Ignore);
            return self.blame(from, Fault::Flood);
        }
        if !swarm::fits(topic, message.data.len()) {
            return self.reject(from, &id, Fault::Malformed);
        }
        match topic {
            Topic::Consensus => self.on_consensus(from, &id, &message.data),
            Topic::Blocks => self.on_offered(from, id, &message.data.into()),
            Topic::Transactions => self.on_transactions(from, id, message.data.into()),
        }
    }

    fn reject(&mut self, from: PeerId, id: &MessageId, fault: Fault) {
        self.judge(from, id, MessageAcceptance::Reject);
        self.blame(from, fault);
    }

    fn on_consensus(&mut self, from: PeerId, id: &MessageId, bytes: &[u8]) {
        match check_consensus(from, bytes, &self.chain) {
            Ok((height, event)) => {
                self.judge(from, id, MessageAcceptance::Accept);
                self.see_height(height);
                self.emit(event);
            }
            Err(fault) => self.reject(from, id, fault),
        }
    }

    /// A block is checked beside the task and passed on after that.
    fn on_offered(&mut self, from: PeerId, id: MessageId, bytes: &Bytes) {
        let offered = match OfferedBytes::from_bytes(bytes) {
            Ok(offered) => offered,
            Err(error) => {
                debug!(peer = %from, %error, "bad offer");
                return self.reject(from, &id, Fault::Malformed);
            }
        };
        // A validator that we do not know yet is not to blame: we may be a height behind.
        let stranger = self.validators.as_ref().is_some_and(|known| !known.contains(&offered.offer.validator));
        if stranger || self.checks >= limits::CHECKS_MAX {
            return self.judge(from, &id, MessageAcceptance::Ignore);
        }
        self.checks += 1;
        let chain = self.chain;
        self.work.spawn_blocking(move || Done::Checked { from, message: id, offer: check_offer(offered, &chain) });
    }

    fn on_transactions(&mut self, from: PeerId, id: MessageId, bytes: Bytes) {
        let verdicts = self.outputs.verdicts.clone();
        let gossip = Gossip { from, bytes, message: id, verdicts };
        if let Err(error) = self.outputs.gossip.try_send(gossip) {
            // The application lags behind: the batch is lost here, not on other nodes.
            let gossip = error.into_inner();
            self.judge(from, &gossip.message, MessageAcceptance::Ignore);
        }
    }

    // ---- work done beside the task ----

    pub(super) fn on_done(&mut self, done: Done) {
        match done {
            Done::Answered { peer, channel, answer } => {
                self.peers.end_answer(peer);
                self.respond(channel, answer);
            }
            Done::Checked { from, message, offer } => {
                self.checks -= 1;
                match offer {
                    Ok(offer) => {
                        self.judge(from, &message, MessageAcceptance::Accept);
                        self.see_height(offer.block.block().header.height);
                        let part = StreamMessage::new(StreamId::new(Bytes::new()), 0, StreamContent::Data(offer));
                        self.emit(NetworkEvent::ProposalPart(engine_id(from), None, part));
                    }
                    Err(fault) => self.reject(from, &message, fault),
                }
            }
            Done::Decoded { from, request, blocks } => {
                if let Err(error) = &blocks {
                    warn!(peer = %from, %error, "bad blocks");
                    self.blame(from, Fault::BadAnswer);
                }
                self.emit(NetworkEvent::SyncResponse(request, engine_id(from), blocks.ok()));
            }
        }
    }

    // ---- requests and answers ----

    fn on_direct(&mut self, event: request_response::Event<Ask, Answer>) {
        match event {
            request_response::Event::Message { peer, message, .. } => match message {
                Message::Request { request, channel, .. } => self.on_request(PeerId(peer), request, channel),
                Message::Response { request_id, response } => {
                    self.on_answer(PeerId(peer), sync::OutboundRequestId::new(request_id), response);
                }
            },
            request_response::Event::OutboundFailure { peer, connection_id, request_id, error } => {
                self.on_no_answer(PeerId(peer), connection_id, sync::OutboundRequestId::new(request_id), &error);
            }
            request_response::Event::InboundFailure { peer, error, .. } => {
                debug!(%peer, %error, "an answer was not delivered");
            }
            request_response::Event::ResponseSent { .. } => {}
        }
    }

    fn on_request(&mut self, peer: PeerId, ask: Ask, channel: ResponseChannel<Answer>) {
        if !self.peers.admits(peer, Instant::now(), ask.body.len()) {
            return self.blame(peer, Fault::Flood);
        }
        match ask.kind {
            Kind::Status => {
                self.respond(channel, Some(Bytes::new()));
                self.on_status(peer, ask.body);
            }
            // A dropped channel says that there is no answer.
            Kind::Blocks | Kind::Question if !self.peers.begin_answer(peer) => self.blame(peer, Fault::Impatient),
            Kind::Blocks => self.on_blocks_wanted(peer, ask.body, channel),
            Kind::Question => self.on_question(peer, ask.body, channel),
        }
    }

    fn respond(&mut self, channel: ResponseChannel<Answer>, answer: Answer) {
        // Fails only if the connection is gone, which the swarm reports by itself.
        let _ = self.swarm.behaviour_mut().direct.send_response(channel, answer);
    }

    pub(super) fn on_status(&mut self, peer: PeerId, body: Bytes) {
        let status: Result<sync::Status<Context>, WireError> = Scale.decode(body);
        match status {
            Ok(status) if status.peer_id == engine_id(peer) => {
                self.peers.set_height(peer, status.tip_height.0);
                let told = Status::new(status.tip_height, status.history_min_height);
                self.emit(NetworkEvent::Status(status.peer_id, told));
            }
            Ok(_) => self.blame(peer, Fault::FalseStatus),
            Err(error) => {
                debug!(%peer, %error, "bad status");
                self.blame(peer, Fault::Malformed);
            }
        }
    }

    fn on_blocks_wanted(&mut self, peer: PeerId, body: Bytes, channel: ResponseChannel<Answer>) {
        let request: Result<sync::Request<Context>, WireError> = Scale.decode(body);
        let Ok(sync::Request::ValueRequest(request)) = request else {
            self.peers.end_answer(peer);
            return self.blame(peer, Fault::Malformed);
        };
        let (EngineHeight(from), EngineHeight(to)) = request.range.into_inner();
        let requests = self.outputs.requests.clone();
        self.work.spawn(async move {
            let answer = timeout(limits::REQUEST_TIMEOUT, blocks(requests, from, to)).await.ok().flatten();
            Done::Answered { peer, channel, answer }
        });
    }

    fn on_question(&mut self, peer: PeerId, bytes: Bytes, channel: ResponseChannel<Answer>) {
        let (reply, answer) = oneshot::channel();
        if self.outputs.questions.try_send(Question { from: peer, bytes, reply }).is_err() {
            // The application lags behind, or takes no questions.
            return self.peers.end_answer(peer);
        }
        self.work.spawn(async move {
            let answer = timeout(limits::REQUEST_TIMEOUT, answer).await.ok().and_then(Result::ok);
            let answer = answer.filter(|bytes| bytes.len() <= limits::QUESTION_BYTES_MAX);
            Done::Answered { peer, channel, answer }
        });
    }

    pub(super) fn on_answer(&mut self, peer: PeerId, id: sync::OutboundRequestId, answer: Answer) {
        // `None`: the engine no longer wants it.
        match self.asked.remove(&id) {
            Some(Asked::Status) => self.peers.end_status(peer),
            // The one who asked may be gone.
            Some(Asked::Question(reply)) => drop(reply.send(answer.ok_or(AskError::NoAnswer))),
            Some(Asked::Blocks) => match answer {
                Some(bytes) => {
                    self.work.spawn_blocking(move || Done::Decoded {
                        from: peer,
                        request: id,
                        blocks: Scale.decode(bytes),
                    });
                }
                None => self.emit(NetworkEvent::SyncResponse(id, engine_id(peer), None)),
            },
            None => {}
        }
    }

    fn on_no_answer(
        &mut self,
        peer: PeerId,
        connection: ConnectionId,
        id: sync::OutboundRequestId,
        error: &OutboundFailure,
    ) {
        debug!(%peer, %error, "no answer");
        match self.asked.remove(&id) {
            Some(Asked::Status) => {
                self.peers.end_status(peer);
                // Statuses are acknowledged at once: a peer that does not is gone, whatever its connection says.
                if matches!(error, OutboundFailure::Timeout) {
                    warn!(%peer, "closing a dead connection");
                    self.swarm.close_connection(connection);
                }
            }
            Some(Asked::Question(reply)) => drop(reply.send(Err(AskError::NoAnswer))),
            Some(Asked::Blocks) => {
                self.emit(NetworkEvent::SyncRequestFailed(id, engine_id(peer), reason(error)));
            }
            None => {}
        }
    }
}

/// Decodes a consensus message, and checks that a vote is its validator's. Whether that validator may vote, and what a
/// certificate proves, only the engine can tell.
fn check_consensus(from: PeerId, bytes: &[u8], chain: &Hash) -> Result<(Height, Event), Fault> {
    let message = ConsensusMessage::from_bytes(bytes).map_err(|_| Fault::Malformed)?;
    let (height, from) = (message.height(), engine_id(from));
    let event = match message {
        ConsensusMessage::Step(signed) if !signed.is_valid(chain) => return Err(Fault::BadVote),
        ConsensusMessage::Step(signed) => match wire::step(&signed).map_err(|_| Fault::Malformed)? {
            SignedConsensusMsg::Vote(vote) => NetworkEvent::Vote(from, vote),
            SignedConsensusMsg::Proposal(proposal) => NetworkEvent::Proposal(from, proposal),
        },
        ConsensusMessage::Polka(certificate) => NetworkEvent::PolkaCertificate(from, wire::engine_polka(&certificate)),
        ConsensusMessage::Round(certificate) => NetworkEvent::RoundCertificate(from, certificate.engine()),
    };
    Ok((height, event))
}

/// Checks that the offer is signed, and that the block is the one it names.
fn check_offer(offered: OfferedBytes, chain: &Hash) -> Result<Offer, Fault> {
    let OfferedBytes { offer: signed, block } = offered;
    let Statement::Offer { height, block: hash, .. } = signed.statement else { return Err(Fault::Malformed) };
    if !signed.is_valid(chain) {
        return Err(Fault::BadOffer);
    }
    let block = ReceivedBlock::check(block).map_err(|_| Fault::BadBlock)?;
    if block.hash() != hash || block.block().header.height != height {
        return Err(Fault::BadBlock);
    }
    Ok(Offer { signed, block: Arc::new(block) })
}

/// Asks the application for decided blocks and encodes them.
async fn blocks(requests: mpsc::Sender<Request>, from: Height, to: Height) -> Answer {
    let most = Height::new(from.get().saturating_add(limits::SYNC_BLOCKS_MAX as u64 - 1));
    let (reply, answer) = oneshot::channel();
    let request = Request::Range { from, to: to.min(most), bytes_max: limits::SYNC_BYTES_MAX, reply };
    requests.send(request).await.ok()?;
    let mut blocks = answer.await.ok()?;
    let mut total = 0;
    blocks.retain(|(_, bytes)| {
        total += bytes.len();
        total <= limits::SYNC_BYTES_MAX
    });
    Some(wire::encode_blocks(blocks).into())
}

fn reason(error: &OutboundFailure) -> OutboundFailureReason {
    match error {
        OutboundFailure::DialFailure => OutboundFailureReason::DialFailure,
        OutboundFailure::Timeout => OutboundFailureReason::Timeout,
        OutboundFailure::ConnectionClosed => OutboundFailureReason::ConnectionClosed,
        OutboundFailure::UnsupportedProtocols => OutboundFailureReason::UnsupportedProtocols,
        OutboundFailure::Io(_) => OutboundFailureReason::Io,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{CHAIN, block, offer, padded_block, signed};
    use parity_scale_codec::Encode;

    const HEIGHT: Height = Height::new(5);

    fn offered(statement: Statement, block: Vec<u8>) -> OfferedBytes {
        OfferedBytes { offer: signed(1, statement), block: block.into() }
    }

    fn good() -> OfferedBytes {
        let block = block(HEIGHT);
        offered(Statement::Offer { height: HEIGHT, round: 2, block: block.header.hash() }, block.encode())
    }

    #[test]
    fn votes_are_taken_from_whoever_relays_them_if_their_validator_signed() {
        let relay = PeerId::of_secret(&[9; 32]);
        let check =
            |message: &ConsensusMessage, chain| check_consensus(relay, &message.encode(), chain).map(|(h, _)| h);
        let vote = signed(1, Statement::Prevote { height: HEIGHT, round: 2, block: None });
        assert_eq!(check(&ConsensusMessage::Step(vote), &CHAIN), Ok(HEIGHT));
        assert_eq!(check(&ConsensusMessage::Step(vote), &Hash([8; 32])), Err(Fault::BadVote));
        let forged = countersign_types::evidence::SignedStatement { validator: crate::testing::key(2), ..vote };
        assert_eq!(check(&ConsensusMessage::Step(forged), &CHAIN), Err(Fault::BadVote));
        let bare = signed(1, Statement::Offer { height: HEIGHT, round: 2, block: Hash::ZERO });
        assert_eq!(check(&ConsensusMessage::Step(bare), &CHAIN), Err(Fault::Malformed));
        assert_eq!(check_consensus(relay, b"vote", &CHAIN).map(|(h, _)| h), Err(Fault::Malformed));
    }

    #[test]
    fn an_offer_with_its_block_is_taken() {
        assert_eq!(check_offer(good(), &CHAIN), Ok(offer(1, HEIGHT, 2)));
    }

    #[test]
    fn what_is_not_signed_by_its_validator_is_refused() {
        assert_eq!(check_offer(good(), &Hash([8; 32])), Err(Fault::BadOffer));
        let mut forged = good();
        forged.offer.validator = crate::testing::key(2);
        assert_eq!(check_offer(forged, &CHAIN), Err(Fault::BadOffer));
    }

    #[test]
    fn a_block_that_is_not_the_offered_one_is_refused() {
        let hash = block(HEIGHT).header.hash();
        let named = Statement::Offer { height: HEIGHT, round: 2, block: hash };
        let other = block(HEIGHT.next());
        let mut swapped = padded_block(HEIGHT, 100);
        swapped.header = block(HEIGHT).header;
        let mut trailing = block(HEIGHT).encode();
        trailing.push(0);
        let truncated = block(HEIGHT).encode()[1..].to_vec();
        for bytes in [other.encode(), swapped.encode(), trailing, truncated, Vec::new()] {
            assert_eq!(check_offer(offered(named, bytes), &CHAIN), Err(Fault::BadBlock));
        }
        let moved = Statement::Offer { height: HEIGHT.next(), round: 2, block: hash };
        assert_eq!(check_offer(offered(moved, block(HEIGHT).encode()), &CHAIN), Err(Fault::BadBlock));
    }

    #[test]
    fn a_vote_is_no_offer() {
        let vote = Statement::Prevote { height: HEIGHT, round: 2, block: None };
        assert_eq!(check_offer(offered(vote, block(HEIGHT).encode()), &CHAIN), Err(Fault::Malformed));
    }

    #[tokio::test]
    async fn an_answer_holds_no_more_than_was_asked_for() {
        let (requests, mut asked) = mpsc::channel(1);
        let certificate = countersign_types::Certificate {
            height: HEIGHT,
            round: 0,
            block: Hash::ZERO,
            signatures: countersign_types::BoundedVec::empty(),
        };
        let application = async {
            let Some(Request::Range { from, to, bytes_max, reply }) = asked.recv().await else { panic!("not asked") };
            assert_eq!((from, to.get() - from.get() + 1), (HEIGHT, limits::SYNC_BLOCKS_MAX as u64));
            let large = Bytes::from(vec![0; bytes_max / 2]);
            reply.send(vec![(certificate, large); 3]).unwrap();
        };
        let (answer, ()) = tokio::join!(blocks(requests, HEIGHT, Height::new(u64::MAX)), application);
        assert!(answer.unwrap().len() <= limits::SYNC_ANSWER_BYTES_MAX);
    }
}
