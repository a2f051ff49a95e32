//! Each fault of a peer, provoked where messages come in: it costs what `standing.rs` says, and too many of it the peer's place.
use super::direct::{Ask, Kind};
use super::standing::Fault;
use super::swarm::{self, Behaviour, BehaviourEvent, Topic};
use super::task::{Asked, Outputs, Task, engine_id};
use super::{Command, Gossip, Question, Started, Verdict};
use crate::address::{PeerAddress, PeerId};
use crate::codec::Scale;
use crate::context::{Context, Height as EngineHeight};
use crate::limits;
use crate::request::Request;
use crate::testing::{CHAIN, block, key, offer, signed};
use crate::wire::{ConsensusMessage, OfferedBytes};
use bytes::Bytes;
use countersign_types::evidence::Statement;
use countersign_types::{Hash, Height};
use futures::StreamExt;
use libp2p::Swarm;
use libp2p::gossipsub::{self, MessageId};
use libp2p::request_response::{self, Message};
use libp2p::swarm::SwarmEvent;
use malachitebft_app_channel::app::types::codec::Codec;
use malachitebft_sync as sync;
use parity_scale_codec::Encode;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

const HEIGHT: Height = Height::new(5);
/// Longer than anything here takes on a machine that is busy with other things.
const PATIENCE: Duration = Duration::from_secs(120);
/// More than any fault is forgiven.
const OFFENCES_MAX: usize = 10_000;

fn peer() -> PeerId {
    PeerId::of_secret(&[2; 32])
}

/// The network's task with one listed peer, whose messages are handed to it without a wire.
struct Scene {
    task: Task,
    gossip: mpsc::Receiver<Gossip>,
    commands: mpsc::Receiver<Command>,
    _requests: mpsc::Receiver<Request>,
    _questions: mpsc::Receiver<Question>,
}

impl Scene {
    fn new() -> Self {
        let (requests, _requests) = mpsc::channel(8);
        let (gossip_sender, gossip) = mpsc::channel(limits::GOSSIP_QUEUE);
        let (questions, _questions) = mpsc::channel(8);
        let (verdicts, commands) = mpsc::channel(limits::GOSSIP_QUEUE);
        let outputs = Outputs {
            requests,
            gossip: gossip_sender,
            questions,
            verdicts,
            listening: watch::Sender::new(Vec::new()),
            peers: watch::Sender::new(Vec::new()),
            height_seen: watch::Sender::new(Height::ZERO),
        };
        let mut task = Task::new(CHAIN, swarm::build(&[1; 32]).unwrap(), outputs);
        task.set_peers(vec![PeerAddress::unknown(peer())]);
        Self { task, gossip, commands, _requests, _questions }
    }

    fn gossips(&mut self, topic: Topic, data: Vec<u8>) {
        let message = gossipsub::Message { source: None, data, sequence_number: None, topic: topic.ident().hash() };
        let (propagation_source, message_id) = (peer().0, MessageId::new(b"any"));
        let event = gossipsub::Event::Message { propagation_source, message_id, message };
        self.task.on_swarm_event(SwarmEvent::Behaviour(BehaviourEvent::Gossip(event)));
    }

    fn says(&mut self, message: &ConsensusMessage) {
        self.gossips(Topic::Consensus, message.encode());
    }

    fn offers(&mut self, offered: &OfferedBytes) {
        self.gossips(Topic::Blocks, offered.encode());
    }

    fn tells_status(&mut self, of: PeerId) {
        let (tip, first) = (EngineHeight(HEIGHT), EngineHeight(Height::new(1)));
        let status = sync::Status::<Context> { peer_id: engine_id(of), tip_height: tip, history_min_height: first };
        self.task.on_status(peer(), Scale.encode(&status).unwrap());
    }

    /// Waits for what is done beside the task.
    async fn settle(&mut self) {
        while let Some(done) = self.task.work.join_next().await {
            self.task.on_done(done.unwrap());
        }
        while let Ok(command) = self.commands.try_recv() {
            self.task.on_command(command);
        }
    }

    fn keeps_its_place(&mut self) -> bool {
        self.task.peers.allowed(Instant::now()).contains(&peer())
    }

    /// How often the peer does it until it loses its place; one more than is forgiven.
    async fn offences(mut self, mut offend: impl FnMut(&mut Self)) -> usize {
        for count in 1..OFFENCES_MAX {
            offend(&mut self);
            self.settle().await;
            if !self.keeps_its_place() {
                return count;
            }
        }
        panic!("it never loses its place")
    }
}

/// The number of offences after which a peer that commits them at once is refused.
const GRAVE: usize = 3;

#[tokio::test]
async fn honest_messages_cost_nothing() {
    let mut scene = Scene::new();
    let vote = ConsensusMessage::Step(signed(1, Statement::Prevote { height: HEIGHT, round: 0, block: None }));
    for _ in 0..200 {
        scene.says(&vote);
        scene.offers(&good_offer());
        scene.tells_status(peer());
        scene.gossips(Topic::Transactions, vec![7]);
        let batch = scene.gossip.recv().await.unwrap();
        batch.judge(Verdict::Ignore).await.unwrap();
        scene.settle().await;
    }
    assert!(scene.keeps_its_place());
    assert_eq!(*scene.task.outputs.height_seen.borrow(), HEIGHT);
}

#[tokio::test]
async fn what_cannot_be_decoded_or_is_too_long_is_malformed() {
    let garbage = || vec![0xff; 40];
    for topic in [Topic::Consensus, Topic::Blocks] {
        assert_eq!(Scene::new().offences(|scene| scene.gossips(topic, garbage())).await, GRAVE, "{topic:?}");
        assert_eq!(Scene::new().offences(|scene| scene.gossips(topic, Vec::new())).await, GRAVE, "{topic:?}");
    }
    let long = limits::VOTE_BYTES_MAX + 1;
    assert_eq!(Scene::new().offences(|scene| scene.gossips(Topic::Consensus, vec![0; long])).await, GRAVE);
    let long = limits::GOSSIP_BYTES_MAX + 1;
    assert_eq!(Scene::new().offences(|scene| scene.gossips(Topic::Transactions, vec![0; long])).await, GRAVE);
    let status = |scene: &mut Scene| scene.task.on_status(peer(), Bytes::from_static(b"status"));
    assert_eq!(Scene::new().offences(status).await, GRAVE);
    // An offer without its block is none, and a vote for a block brings none.
    let bare = ConsensusMessage::Step(signed(1, Statement::Offer { height: HEIGHT, round: 0, block: Hash::ZERO }));
    assert_eq!(Scene::new().offences(|scene| scene.says(&bare)).await, GRAVE);
    let vote = signed(1, Statement::Prevote { height: HEIGHT, round: 0, block: None });
    let vote = OfferedBytes { offer: vote, block: block(HEIGHT).encode().into() };
    assert_eq!(Scene::new().offences(|scene| scene.offers(&vote)).await, GRAVE);
}

#[tokio::test]
async fn a_vote_its_validator_did_not_sign_is_a_bad_vote() {
    let mut forged = signed(1, Statement::Precommit { height: HEIGHT, round: 0, block: None });
    forged.validator = key(2);
    let forged = ConsensusMessage::Step(forged);
    assert_eq!(Scene::new().offences(|scene| scene.says(&forged)).await, GRAVE);
}

fn good_offer() -> OfferedBytes {
    let made = offer(1, HEIGHT, 0);
    OfferedBytes { offer: made.signed, block: made.block.bytes().clone() }
}

#[tokio::test]
async fn an_offer_its_validator_did_not_sign_is_a_bad_offer() {
    let mut forged = good_offer();
    forged.offer.validator = key(2);
    assert_eq!(Scene::new().offences(|scene| scene.offers(&forged)).await, GRAVE);
}

#[tokio::test]
async fn another_block_than_the_offered_one_is_a_bad_block() {
    let swapped = OfferedBytes { block: block(HEIGHT.next()).encode().into(), ..good_offer() };
    assert_eq!(Scene::new().offences(|scene| scene.offers(&swapped)).await, GRAVE);
}

#[tokio::test]
async fn blocks_that_cannot_be_decoded_are_a_bad_answer_and_unasked_ones_are_ignored() {
    let answer = |scene: &mut Scene, asked: bool| {
        let id = sync::OutboundRequestId::new("7");
        if asked {
            scene.task.asked.insert(id.clone(), Asked::Blocks);
        }
        scene.task.on_answer(peer(), id, Some(Bytes::from_static(b"no blocks")));
    };
    assert_eq!(Scene::new().offences(|scene| answer(scene, true)).await, GRAVE);
    let mut scene = Scene::new();
    for _ in 0..10 {
        answer(&mut scene, false);
        scene.settle().await;
    }
    assert!(scene.keeps_its_place());
}

#[tokio::test]
async fn a_status_in_anothers_name_is_false() {
    let other = PeerId::of_secret(&[3; 32]);
    assert_eq!(Scene::new().offences(|scene| scene.tells_status(other)).await, 2);
}

#[tokio::test]
async fn batches_the_application_rejects_add_up() {
    let mut scene = Scene::new();
    for count in 1.. {
        scene.gossips(Topic::Transactions, vec![7]);
        scene.gossip.recv().await.unwrap().judge(Verdict::Reject).await.unwrap();
        scene.settle().await;
        if !scene.keeps_its_place() {
            assert_eq!(count, 11);
            return;
        }
    }
}

#[tokio::test]
async fn what_is_beyond_the_rate_is_dropped_and_not_queued() {
    let mut scene = Scene::new();
    let began = Instant::now();
    let mut sent = 0;
    while scene.keeps_its_place() {
        scene.gossips(Topic::Transactions, vec![7; limits::GOSSIP_BYTES_MAX]);
        sent += 1;
    }
    let allowed = limits::BYTES_AT_ONCE + began.elapsed().as_secs_f64() * limits::BYTES_PER_SECOND;
    let allowed = allowed as usize / limits::GOSSIP_BYTES_MAX;
    let mut taken = 0;
    while scene.gossip.try_recv().is_ok() {
        taken += 1;
    }
    let at_once = limits::BYTES_AT_ONCE as usize / limits::GOSSIP_BYTES_MAX;
    assert!(
        (at_once..=allowed.min(limits::GOSSIP_QUEUE)).contains(&taken),
        "{taken} of {sent} taken, {allowed} allowed"
    );
    assert!(sent - taken > 100, "a flood is forgiven for a while: {sent} sent, {taken} taken");
}

#[tokio::test]
async fn messages_of_a_peer_that_is_not_listed_any_more_are_dropped() {
    let mut scene = Scene::new();
    scene.task.set_peers(Vec::new());
    scene.gossips(Topic::Transactions, vec![7]);
    scene.gossips(Topic::Consensus, vec![0xff; 40]);
    scene.settle().await;
    assert!(scene.gossip.try_recv().is_err());
}

// ---- over a wire ----

/// A listed peer that does as it likes, connected with a network.
struct Hostile {
    swarm: Swarm<Behaviour>,
    victim: PeerId,
    subscribed: BTreeSet<gossipsub::TopicHash>,
    answers: usize,
}

impl Hostile {
    /// Starts a network that lists the peer, and connects.
    async fn connected() -> (Started, mpsc::Receiver<Request>, Self) {
        let (sender, requests) = mpsc::channel(64);
        let config = crate::Config {
            name: "victim".into(),
            data_dir: std::path::PathBuf::new(),
            chain: CHAIN,
            signer: None,
            identity: [1; 32],
            listen: "/ip4/127.0.0.1/tcp/0".into(),
            peers: vec![PeerAddress::unknown(peer())],
        };
        let started = super::start(&config, sender).await.unwrap();
        let address = started.network.listening.borrow()[0].clone();
        let mut swarm = swarm::build(&[2; 32]).unwrap();
        swarm::allow(&mut swarm, &[address.id()].into());
        swarm.dial(address.multiaddr().clone()).unwrap();
        let mut hostile = Self { swarm, victim: address.id(), subscribed: BTreeSet::new(), answers: 0 };
        hostile.until(|hostile| hostile.subscribed.len() == 3).await;
        (started, requests, hostile)
    }

    fn notice(&mut self, event: SwarmEvent<BehaviourEvent>) {
        match event {
            SwarmEvent::Behaviour(BehaviourEvent::Gossip(gossipsub::Event::Subscribed { topic, .. })) => {
                self.subscribed.insert(topic);
            }
            SwarmEvent::Behaviour(BehaviourEvent::Direct(event)) => match event {
                request_response::Event::Message { message: Message::Request { channel, .. }, .. } => {
                    // Its statuses are acknowledged, as an honest peer does.
                    let _ = self.swarm.behaviour_mut().direct.send_response(channel, Some(Bytes::new()));
                }
                request_response::Event::Message { message: Message::Response { .. }, .. } => self.answers += 1,
                _ => {}
            },
            _ => {}
        }
    }

    async fn until(&mut self, condition: impl Fn(&Self) -> bool) {
        let waiting = async {
            while !condition(self) {
                let event = self.swarm.select_next_some().await;
                self.notice(event);
            }
        };
        timeout(PATIENCE, waiting).await.expect("the condition comes true");
    }

    fn is_connected(&self) -> bool {
        self.swarm.is_connected(&self.victim.0)
    }

    fn gossips(&mut self, topic: Topic, data: Vec<u8>) {
        self.swarm.behaviour_mut().gossip.publish(topic.ident(), data).unwrap();
    }

    fn asks(&mut self, kind: Kind, body: &'static [u8]) {
        self.swarm.behaviour_mut().direct.send_request(&self.victim.0, Ask { kind, body: Bytes::from_static(body) });
    }

    /// Goes on until it is thrown out, and cannot come back.
    async fn expect_thrown_out(mut self, started: &Started) {
        self.until(|hostile| !hostile.is_connected()).await;
        let mut peers = started.network.peers();
        let gone = peers.wait_for(|peers| peers.iter().all(|status| !status.connected));
        timeout(PATIENCE, gone).await.expect("the network notices").unwrap();
        let address = started.network.listening.borrow()[0].multiaddr().clone();
        self.swarm.dial(address).unwrap();
        let refused = async {
            loop {
                match self.swarm.select_next_some().await {
                    SwarmEvent::ConnectionClosed { .. } | SwarmEvent::OutgoingConnectionError { .. } => return,
                    _ => {}
                }
            }
        };
        timeout(PATIENCE, refused).await.expect("it is refused");
        assert!(started.network.peers().borrow().iter().all(|status| !status.connected));
    }
}

#[tokio::test]
async fn a_peer_that_gossips_garbage_expect_thrown_out_and_refused() {
    for topic in [Topic::Consensus, Topic::Blocks] {
        let (started, _requests, mut hostile) = Hostile::connected().await;
        (0..GRAVE as u8).for_each(|n| hostile.gossips(topic, vec![0xff, n]));
        hostile.expect_thrown_out(&started).await;
    }
}

#[tokio::test]
async fn a_peer_that_sends_garbage_alone_expect_thrown_out_and_refused() {
    for kind in [Kind::Status, Kind::Blocks] {
        let (started, _requests, mut hostile) = Hostile::connected().await;
        (0..GRAVE).for_each(|_| hostile.asks(kind, b"garbage"));
        hostile.expect_thrown_out(&started).await;
    }
}

#[tokio::test]
async fn a_peer_has_few_requests_under_way_and_one_that_insists_expect_thrown_out() {
    let (started, mut requests, mut hostile) = Hostile::connected().await;
    let wanted = sync::Request::<Context>::ValueRequest(sync::ValueRequest::new(
        EngineHeight(Height::new(1))..=EngineHeight(Height::new(2)),
    ));
    let wanted: &'static [u8] = Vec::leak(Scale.encode(&wanted).unwrap().to_vec());
    // The application never answers: the first few stay under way, each of the others costs two points.
    let refused = 100 / 2;
    (0..limits::ANSWERS_PER_PEER_MAX + refused).for_each(|_| hostile.asks(Kind::Blocks, wanted));
    hostile.until(|hostile| hostile.answers >= refused).await;
    assert!(hostile.is_connected(), "it is forgiven so often");
    let under_way = std::iter::from_fn(|| requests.try_recv().ok()).count();
    assert_eq!(under_way, limits::ANSWERS_PER_PEER_MAX);
    (0..5).for_each(|_| hostile.asks(Kind::Blocks, wanted));
    hostile.expect_thrown_out(&started).await;
}

#[test]
fn every_fault_costs_something() {
    let all = [
        Fault::Malformed,
        Fault::BadVote,
        Fault::BadBlock,
        Fault::BadOffer,
        Fault::BadAnswer,
        Fault::FalseStatus,
        Fault::Rejected,
        Fault::Flood,
        Fault::Impatient,
    ];
    for fault in all {
        let now = Instant::now();
        let mut standing = super::standing::Standing::new(now);
        let forgiven = (0..OFFENCES_MAX).take_while(|_| standing.survives(now, fault)).count();
        assert!(forgiven < OFFENCES_MAX, "{fault:?}");
    }
}
