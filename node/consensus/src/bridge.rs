//! Between the engine and the application: its messages become [`Request`]s, replies become its answers.
//!
//! A request is sent in order; its reply is waited for in a task of its own, so that the engine decides what waits for what.
use crate::block::ReceivedBlock;
use crate::context::{Address, Context, Height, Offer, ValidatorSet, Value};
use crate::early::Early;
use crate::limits;
use crate::network::{Command, Stopped};
use crate::request::{Known, Proposed, Request, Start, Synced};
use crate::signer::EngineSigner;
use crate::wire::{self, OfferedBytes};
use bytes::Bytes;
use countersign_types::evidence::{Evidence, SignedStatement, Statement};
use countersign_types::limits::BLOCK_BYTES_MAX;
use countersign_types::{self as types, Hash};
use malachitebft_app_channel::app::consensus::VoteExtensionError;
use malachitebft_app_channel::app::engine::host::{HeightParams, Next, SyncedValueOutcome};
use malachitebft_app_channel::app::types::core::{LinearTimeouts, Round, Validity};
use malachitebft_app_channel::app::types::{LocallyProposedValue, MisbehaviorEvidence, ProposedValue};
use malachitebft_app_channel::{AppMsg, Reply};
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot, watch};
use tracing::{debug, error};

/// The height being worked on.
struct Current {
    height: types::Height,
    round: u32,
    validators: ValidatorSet,
}

/// Which side went first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum BridgeEnd {
    Application,
    Engine,
}

/// The state of the bridge.
pub(crate) struct Bridge {
    requests: mpsc::Sender<Request>,
    offers: Offers,
    /// What the application said last about where to go on.
    start: Arc<watch::Sender<Option<Start>>>,
    current: Option<Current>,
    early: Early,
}

impl Bridge {
    pub(crate) fn new(
        requests: mpsc::Sender<Request>,
        commands: mpsc::Sender<Command>,
        signer: Option<Arc<EngineSigner>>,
    ) -> Self {
        Self {
            requests,
            offers: Offers { signer, commands },
            start: Arc::new(watch::Sender::new(None)),
            current: None,
            early: Early::default(),
        }
    }

    /// Runs until the engine or the application is gone.
    pub(crate) async fn run(mut self, mut messages: mpsc::Receiver<AppMsg<Context>>) -> BridgeEnd {
        loop {
            let message = tokio::select! {
                message = messages.recv() => message,
                () = self.requests.closed() => return BridgeEnd::Application,
            };
            let Some(message) = message else { return BridgeEnd::Engine };
            if self.on_message(message).await.is_err() {
                return if self.requests.is_closed() { BridgeEnd::Application } else { BridgeEnd::Engine };
            }
        }
    }

    async fn on_message(&mut self, message: AppMsg<Context>) -> Result<(), Stopped> {
        match message {
            AppMsg::ConsensusReady { reply } => self.on_ready(reply).await,
            AppMsg::StartedRound { height, round, proposer, reply_value, .. } => {
                self.on_round(height.0, number(round), proposer.0, reply_value).await
            }
            AppMsg::GetValue { height, round, timeout, reply } => {
                let (ask, answer) = oneshot::channel();
                let (height, round) = (height.0, number(round));
                self.send(Request::Propose { height, round, deadline: timeout, reply: ask }).await?;
                tokio::spawn(self.offers.clone().propose(height, round, answer, reply));
                Ok(())
            }
            AppMsg::RestreamProposal { height, round, value_id, .. } => {
                let (ask, answer) = oneshot::channel();
                self.send(Request::BytesOf { hash: value_id.0, reply: ask }).await?;
                tokio::spawn(self.offers.clone().repeat(height.0, number(round), value_id.0, answer));
                Ok(())
            }
            AppMsg::ReceivedProposalPart { part, reply, .. } => match part.content.into_data() {
                Some(offer) => self.on_offer(offer, reply).await,
                None => answer_now(reply, None),
            },
            AppMsg::Decided { certificate, reply, .. } => match wire::commit(&certificate) {
                Ok(certificate) => {
                    let (ask, answer) = oneshot::channel();
                    self.send(Request::Decided { certificate, reply: ask }).await?;
                    forward(answer, reply, |()| ());
                    Ok(())
                }
                // Without its reply the engine stays where it is: it must not go on from a block it cannot prove.
                Err(error) => {
                    error!(%error, height = %certificate.height, "the engine's certificate has no encoding");
                    Err(Stopped)
                }
            },
            AppMsg::Finalized { certificate, evidence, reply, .. } => {
                self.on_finalized(certificate.height.0, &evidence, reply).await
            }
            AppMsg::ProcessSyncedValue { height, round, proposer, value_bytes, reply } => {
                let synced = SyncedBlock { height: height.0, round, proposer };
                tokio::spawn(synced.judge(value_bytes, self.requests.clone(), reply));
                Ok(())
            }
            AppMsg::GetHistoryMinHeight { reply } => {
                let (ask, answer) = oneshot::channel();
                self.send(Request::History { reply: ask }).await?;
                forward(answer, reply, Height);
                Ok(())
            }
            // The network answers peers' requests for blocks without the engine, so it never asks.
            AppMsg::GetDecidedValues { reply, .. } => answer_now(reply, Vec::new()),
            // Votes carry no extensions.
            AppMsg::ExtendVote { reply, .. } => answer_now(reply, None),
            AppMsg::VerifyVoteExtensions { extensions, reply, .. } => {
                let refused = |(address, ())| (address, Err(VoteExtensionError::InvalidVoteExtension));
                answer_now(reply, extensions.into_iter().map(refused).collect())
            }
        }
    }

    async fn send(&self, request: Request) -> Result<(), Stopped> {
        self.requests.send(request).await.map_err(|_| Stopped)
    }

    async fn on_ready(&mut self, reply: Reply<(Height, HeightParams<Context>)>) -> Result<(), Stopped> {
        let (ask, answer) = oneshot::channel();
        self.send(Request::Ready { reply: ask }).await?;
        let remembered = Arc::clone(&self.start);
        forward(answer, reply, move |start| {
            let next = (Height(start.height), params(&start));
            remembered.send_replace(Some(start));
            next
        });
        Ok(())
    }

    async fn on_finalized(
        &mut self,
        height: types::Height,
        evidence: &MisbehaviorEvidence<Context>,
        reply: Reply<Next<Context>>,
    ) -> Result<(), Stopped> {
        let (ask, answer) = oneshot::channel();
        self.send(Request::Finalized { height, evidence: contradictions(evidence), reply: ask }).await?;
        let remembered = Arc::clone(&self.start);
        forward(answer, reply, move |start| {
            let next = Next::Start(Height(start.height), params(&start));
            remembered.send_replace(Some(start));
            next
        });
        Ok(())
    }

    /// A round begins: the engine waits for the blocks that are known already.
    async fn on_round(
        &mut self,
        height: types::Height,
        round: u32,
        proposer: types::PublicKey,
        reply: Reply<Vec<ProposedValue<Context>>>,
    ) -> Result<(), Stopped> {
        let begins = self.current.as_ref().is_none_or(|current| current.height != height);
        let validators = self.start.borrow().as_ref().map(|start| ValidatorSet::new(&start.validators));
        let Some(validators) = validators else { return Err(Stopped) };
        self.current = Some(Current { height, round, validators });
        let (ask, known) = oneshot::channel();
        self.send(Request::RoundStarted { height, round, proposer, reply: ask }).await?;
        let mut judged = Vec::new();
        if begins {
            for offer in self.early.take(height) {
                judged.extend(self.ask_about(offer).await?);
            }
        }
        tokio::spawn(async move {
            // A dropped reply is passed on: the engine then stops.
            let Ok(known) = known.await else { return };
            let mut values: Vec<_> = known.into_iter().map(|known| known_value(height, known)).collect();
            for (offer, verdict) in judged {
                let Ok(valid) = verdict.await else { return };
                values.extend(offered_value(&offer, valid));
            }
            let _ = reply.send(values);
        });
        Ok(())
    }

    /// A block came. One for a height to come is kept, one for a height that is over is dropped. The engine is told that there is
    /// nothing for it: a reply that is dropped it takes for a failure, and logs.
    async fn on_offer(&mut self, offer: Offer, reply: Reply<Option<ProposedValue<Context>>>) -> Result<(), Stopped> {
        let height = offer.signed.statement.height();
        let current = self.current.as_ref().map(|current| current.height);
        if current.is_none_or(|current| height > current) {
            self.early.keep(current, offer);
            return answer_now(reply, None);
        }
        if current.is_some_and(|current| height < current) {
            return answer_now(reply, None);
        }
        match self.ask_about(offer).await? {
            Some((offer, verdict)) => forward(verdict, reply, move |valid| offered_value(&offer, valid)),
            None => return answer_now(reply, None),
        }
        Ok(())
    }

    /// Asks the application about a block of the current height; `None` if it is not its proposer's to offer.
    async fn ask_about(&self, offer: Offer) -> Result<Option<(SignedStatement, oneshot::Receiver<bool>)>, Stopped> {
        let Some(current) = &self.current else { return Ok(None) };
        let Offer { signed, block } = offer;
        let (height, round) = (signed.statement.height(), signed.statement.round());
        let in_reach = round <= current.round.saturating_add(limits::ROUNDS_AHEAD_MAX);
        if !in_reach || current.validators.proposer(height, round).key() != signed.validator {
            debug!(%height, round, by = %signed.validator, "an offer out of turn");
            return Ok(None);
        }
        let (reply, verdict) = oneshot::channel();
        // The other copies are gone by now, as a rule.
        let block = Box::new(Arc::unwrap_or_clone(block));
        self.send(Request::Received { height, block, reply }).await?;
        Ok(Some((signed, verdict)))
    }
}

/// Sends the engine what the application replied; a reply that is dropped is dropped there too.
fn forward<A: Send + 'static, B: Send + 'static>(
    answer: oneshot::Receiver<A>,
    reply: Reply<B>,
    convert: impl FnOnce(A) -> B + Send + 'static,
) {
    tokio::spawn(async move {
        if let Ok(answer) = answer.await {
            // Fails if the engine stops.
            let _ = reply.send(convert(answer));
        }
    });
}

fn answer_now<T>(reply: Reply<T>, answer: T) -> Result<(), Stopped> {
    reply.send(answer).map_err(|_| Stopped)
}

/// The engine never asks outside a round.
fn number(round: Round) -> u32 {
    round.as_u32().unwrap_or(0)
}

fn params(start: &Start) -> HeightParams<Context> {
    let timeouts = &start.timeouts;
    let timeouts = LinearTimeouts {
        propose: timeouts.propose,
        propose_delta: timeouts.propose / 2,
        prevote: timeouts.vote,
        prevote_delta: timeouts.vote / 2,
        precommit: timeouts.vote,
        precommit_delta: timeouts.vote / 2,
        rebroadcast: timeouts.propose + 2 * timeouts.vote,
        max_timeout: timeouts.max,
    };
    HeightParams::new(ValidatorSet::new(&start.validators), timeouts, None)
}

fn known_value(height: types::Height, known: Known) -> ProposedValue<Context> {
    ProposedValue {
        height: Height(height),
        round: Round::new(known.round),
        valid_round: Round::Nil,
        proposer: Address(known.proposer),
        value: Value(known.hash),
        validity: Validity::from_bool(known.valid),
    }
}

/// `None` for a statement that is no offer.
fn offered_value(offer: &SignedStatement, valid: bool) -> Option<ProposedValue<Context>> {
    let Statement::Offer { height, round, block: hash } = offer.statement else { return None };
    Some(known_value(height, Known { round, hash, proposer: offer.validator, valid }))
}

/// Of each validator all pairs the engine kept: three at most.
fn contradictions(evidence: &MisbehaviorEvidence<Context>) -> Vec<Evidence> {
    let votes = evidence.votes.iter().flat_map(|(_, pairs)| pairs);
    let votes = votes.map(|(first, second)| (wire::signed_vote(first), wire::signed_vote(second)));
    let proposals = evidence.proposals.iter().flat_map(|(_, pairs)| pairs);
    let proposals = proposals.map(|(first, second)| (wire::signed_proposal(first), wire::signed_proposal(second)));
    votes
        .chain(proposals)
        .filter_map(|(first, second)| Some(Evidence { first: first.ok()?, second: second.ok()? }))
        .collect()
}

/// Signs blocks and hands them to the network.
#[derive(Clone)]
struct Offers {
    signer: Option<Arc<EngineSigner>>,
    commands: mpsc::Sender<Command>,
}

impl Offers {
    /// Tells the engine, then the peers, what this node proposes.
    async fn propose(
        self,
        height: types::Height,
        round: u32,
        answer: oneshot::Receiver<Proposed>,
        reply: Reply<LocallyProposedValue<Context>>,
    ) {
        let Ok(Proposed { hash, bytes }) = answer.await else { return };
        if bytes.len() > BLOCK_BYTES_MAX {
            return error!(
                size = bytes.len(),
                limit = BLOCK_BYTES_MAX,
                "the application made a block that is too large"
            );
        }
        if reply.send(LocallyProposedValue::new(Height(height), Round::new(round), Value(hash))).is_ok() {
            self.publish(height, round, hash, bytes).await;
        }
    }

    /// Sends an earlier block once more, for a later round.
    async fn repeat(self, height: types::Height, round: u32, hash: Hash, answer: oneshot::Receiver<Option<Bytes>>) {
        if let Ok(Some(bytes)) = answer.await {
            self.publish(height, round, hash, bytes).await;
        }
    }

    async fn publish(&self, height: types::Height, round: u32, block: Hash, bytes: Bytes) {
        let Some(signer) = &self.signer else { return };
        let statement = Statement::Offer { height, round, block };
        match signer.sign(&statement).await {
            Ok(signature) => {
                let offer = SignedStatement { validator: signer.public_key(), statement, signature };
                // Fails if the network has stopped, and the engine with it.
                let _ = self.commands.send(Command::Offer(OfferedBytes { offer, block: bytes })).await;
            }
            Err(error) => error!(%error, "an offer was not signed"),
        }
    }
}

/// A decided block of a peer, before it is judged.
struct SyncedBlock {
    height: types::Height,
    round: Round,
    proposer: Address,
}

impl SyncedBlock {
    async fn judge(self, bytes: Bytes, requests: mpsc::Sender<Request>, reply: Reply<SyncedValueOutcome<Context>>) {
        let checked = tokio::task::spawn_blocking(move || ReceivedBlock::check(bytes)).await;
        let outcome = match checked {
            Ok(Ok(block)) if block.block().header.height == self.height => match self.ask(block, requests).await {
                Some(outcome) => outcome,
                None => return,
            },
            Ok(Ok(_) | Err(_)) => SyncedValueOutcome::PeerFault,
            // The runtime is shutting down.
            Err(_) => return,
        };
        // Fails if the engine stops.
        let _ = reply.send(outcome);
    }

    async fn ask(self, block: ReceivedBlock, requests: mpsc::Sender<Request>) -> Option<SyncedValueOutcome<Context>> {
        let hash = block.hash();
        let (reply, answer) = oneshot::channel();
        requests.send(Request::Synced { height: self.height, block: Box::new(block), reply }).await.ok()?;
        let validity = match answer.await.ok()? {
            Synced::Valid => Validity::Valid,
            Synced::Invalid => Validity::Invalid,
            Synced::Later => return Some(SyncedValueOutcome::LocalTransientError),
        };
        Some(SyncedValueOutcome::Verdict(ProposedValue {
            height: Height(self.height),
            round: self.round,
            valid_round: Round::Nil,
            proposer: self.proposer,
            value: Value(hash),
            validity,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::PeerId;
    use crate::network::Command;
    use crate::request::Timeouts;
    use crate::signer::KeySigner;
    use crate::testing::{CHAIN, block, key, offer, signed};
    use countersign_types::Validator;
    use malachitebft_app_channel::app::consensus::Role;
    use malachitebft_app_channel::app::engine::util::streaming::{StreamContent, StreamId, StreamMessage};
    use malachitebft_app_channel::app::types::core::SignedMessage;
    use malachitebft_network::PeerIdExt;
    use parity_scale_codec::Encode;
    use std::time::Duration;

    const FIRST: types::Height = types::Height::new(4);

    /// Both sides of a running bridge.
    struct Sides {
        engine: mpsc::Sender<AppMsg<Context>>,
        application: mpsc::Receiver<Request>,
        commands: mpsc::Receiver<Command>,
        validators: types::ValidatorSet,
    }

    fn sides() -> Sides {
        let (request_sender, application) = mpsc::channel(8);
        let (command_sender, commands) = mpsc::channel(8);
        let (engine, messages) = mpsc::channel(8);
        let signer = Arc::new(EngineSigner { chain: CHAIN, signer: Arc::new(KeySigner::new([1; 32])) });
        tokio::spawn(Bridge::new(request_sender, command_sender, Some(signer)).run(messages));
        let mut validators: Vec<_> = (1..=3).map(|seed| Validator { key: key(seed), power: 1 }).collect();
        validators.sort();
        Sides { engine, application, commands, validators: types::ValidatorSet(validators.try_into().unwrap()) }
    }

    impl Sides {
        /// The seed of the validator whose turn it is.
        fn turn(&self, height: types::Height, round: u32) -> u8 {
            let proposer = ValidatorSet::new(&self.validators).proposer(height, round).key();
            (1..=3).find(|seed| key(*seed) == proposer).unwrap()
        }

        async fn ready(&mut self) {
            let (reply, started) = oneshot::channel();
            self.engine.send(AppMsg::ConsensusReady { reply }).await.unwrap();
            let Some(Request::Ready { reply }) = self.application.recv().await else {
                panic!("not asked where to start")
            };
            let second = Duration::from_secs(1);
            let timeouts = Timeouts { propose: second, vote: second, max: second };
            reply.send(Start { height: FIRST, validators: self.validators.clone(), timeouts }).unwrap();
            assert_eq!(started.await.unwrap().0, Height(FIRST));
        }

        async fn begin(&self, height: types::Height, round: u32) -> oneshot::Receiver<Vec<ProposedValue<Context>>> {
            let (reply_value, values) = oneshot::channel();
            let proposer = Address(key(self.turn(height, round)));
            let (height, round) = (Height(height), Round::new(round));
            let message = AppMsg::StartedRound { height, round, proposer, role: Role::Validator, reply_value };
            self.engine.send(message).await.unwrap();
            values
        }

        async fn no_known(&mut self) {
            let Some(Request::RoundStarted { reply, .. }) = self.application.recv().await else { panic!("no round") };
            reply.send(Vec::new()).unwrap();
        }

        async fn deliver(&self, offer: Offer) -> oneshot::Receiver<Option<ProposedValue<Context>>> {
            let (reply, value) = oneshot::channel();
            let part = StreamMessage::new(StreamId::new(Bytes::new()), 0, StreamContent::Data(offer));
            let from = malachitebft_sync::PeerId::from_libp2p(&PeerId::of_secret(&[9; 32]).0);
            let message = AppMsg::ReceivedProposalPart { from, published_by: None, part, reply };
            self.engine.send(message).await.unwrap();
            value
        }

        async fn judge(&mut self, valid: bool) -> Hash {
            let Some(Request::Received { block, reply, .. }) = self.application.recv().await else {
                panic!("no block")
            };
            reply.send(valid).unwrap();
            block.hash()
        }
    }

    #[tokio::test]
    async fn a_block_is_judged_by_the_application() {
        let mut sides = sides();
        sides.ready().await;
        let values = sides.begin(FIRST, 0).await;
        sides.no_known().await;
        assert_eq!(values.await.unwrap(), []);
        for (round, valid) in [(0, true), (1, false)] {
            let offer = offer(sides.turn(FIRST, round), FIRST, round);
            let value = sides.deliver(offer.clone()).await;
            assert_eq!(sides.judge(valid).await, offer.block.hash());
            assert_eq!(value.await.unwrap(), offered_value(&offer.signed, valid));
        }
    }

    #[tokio::test]
    async fn a_block_out_of_turn_never_reaches_the_application() {
        let mut sides = sides();
        sides.ready().await;
        let values = sides.begin(FIRST, 0).await;
        sides.no_known().await;
        values.await.unwrap();
        let right = sides.turn(FIRST, 0);
        let wrong = (1..=3).find(|seed| *seed != right).unwrap();
        let far = limits::ROUNDS_AHEAD_MAX + 1;
        for offer in [offer(wrong, FIRST, 0), offer(9, FIRST, 0), offer(sides.turn(FIRST, far), FIRST, far)] {
            assert_eq!(sides.deliver(offer).await.await, Ok(None), "nothing, rather than a failure");
        }
        assert!(sides.application.try_recv().is_err());
    }

    #[tokio::test]
    async fn an_early_block_is_judged_when_its_height_begins() {
        let mut sides = sides();
        sides.ready().await;
        let values = sides.begin(FIRST, 0).await;
        sides.no_known().await;
        values.await.unwrap();
        let next = FIRST.next();
        let early = offer(sides.turn(next, 0), next, 0);
        assert_eq!(sides.deliver(early.clone()).await.await, Ok(None));
        assert!(sides.application.try_recv().is_err());

        let values = sides.begin(next, 0).await;
        sides.no_known().await;
        sides.judge(true).await;
        assert_eq!(values.await.unwrap(), [offered_value(&early.signed, true).unwrap()]);

        let late = offer(sides.turn(FIRST, 0), FIRST, 0);
        assert_eq!(sides.deliver(late).await.await, Ok(None));
        assert!(sides.application.try_recv().is_err());
    }

    #[tokio::test]
    async fn what_was_known_before_a_crash_is_told_at_each_round() {
        let mut sides = sides();
        sides.ready().await;
        let values = sides.begin(FIRST, 2).await;
        let Some(Request::RoundStarted { height, round, reply, .. }) = sides.application.recv().await else { panic!() };
        assert_eq!((height, round), (FIRST, 2));
        let known = Known { round: 1, hash: Hash([3; 32]), proposer: key(2), valid: true };
        reply.send(vec![known]).unwrap();
        assert_eq!(values.await.unwrap(), [known_value(FIRST, known)]);
    }

    #[tokio::test]
    async fn a_block_of_ones_own_is_offered_under_ones_signature() {
        let mut sides = sides();
        sides.ready().await;
        let (reply, value) = oneshot::channel();
        let (height, round, timeout) = (Height(FIRST), Round::new(0), Duration::from_secs(1));
        sides.engine.send(AppMsg::GetValue { height, round, timeout, reply }).await.unwrap();
        let Some(Request::Propose { reply, .. }) = sides.application.recv().await else {
            panic!("not asked for a block")
        };
        let block = block(FIRST);
        let (hash, bytes) = (block.header.hash(), Bytes::from(block.encode()));
        reply.send(Proposed { hash, bytes: bytes.clone() }).unwrap();
        assert_eq!(value.await.unwrap().value, Value(hash));
        let Some(Command::Offer(offered)) = sides.commands.recv().await else { panic!("nothing was offered") };
        assert_eq!(offered.block, bytes);
        assert_eq!(offered.offer, signed(1, Statement::Offer { height: FIRST, round: 0, block: hash }));
    }

    #[tokio::test]
    async fn a_block_that_is_too_large_is_not_proposed() {
        let mut sides = sides();
        sides.ready().await;
        let (reply, value) = oneshot::channel();
        let (height, round, timeout) = (Height(FIRST), Round::new(0), Duration::from_secs(1));
        sides.engine.send(AppMsg::GetValue { height, round, timeout, reply }).await.unwrap();
        let Some(Request::Propose { reply, .. }) = sides.application.recv().await else {
            panic!("not asked for a block")
        };
        reply.send(Proposed { hash: Hash::ZERO, bytes: vec![0; BLOCK_BYTES_MAX + 1].into() }).unwrap();
        assert!(value.await.is_err());
    }

    #[tokio::test]
    async fn a_synced_block_is_judged_if_it_is_one() {
        let mut sides = sides();
        let sync = |value_bytes: Bytes, reply| AppMsg::ProcessSyncedValue {
            height: Height(FIRST),
            round: Round::new(0),
            proposer: Address(key(1)),
            value_bytes,
            reply,
        };
        for bytes in [Bytes::from_static(b"block"), block(FIRST.next()).encode().into()] {
            let (reply, outcome) = oneshot::channel();
            sides.engine.send(sync(bytes, reply)).await.unwrap();
            assert!(matches!(outcome.await.unwrap(), SyncedValueOutcome::PeerFault));
        }
        for verdict in [Synced::Valid, Synced::Invalid, Synced::Later] {
            let (reply, outcome) = oneshot::channel();
            sides.engine.send(sync(block(FIRST).encode().into(), reply)).await.unwrap();
            let Some(Request::Synced { reply, .. }) = sides.application.recv().await else { panic!("not asked") };
            reply.send(verdict).unwrap();
            match (verdict, outcome.await.unwrap()) {
                (Synced::Valid, SyncedValueOutcome::Verdict(value)) => assert!(value.validity.is_valid()),
                (Synced::Invalid, SyncedValueOutcome::Verdict(value)) => assert!(!value.validity.is_valid()),
                (Synced::Later, SyncedValueOutcome::LocalTransientError) => {}
                (_, outcome) => panic!("{verdict:?} became {outcome:?}"),
            }
        }
    }

    #[test]
    fn contradicting_votes_become_evidence_that_proves_itself() {
        let vote = |block| {
            let statement = Statement::Prevote { height: FIRST, round: 0, block };
            match wire::step(&signed(2, statement)).unwrap() {
                malachitebft_app_channel::app::consensus::SignedConsensusMsg::Vote(vote) => vote,
                other => panic!("{other:?} is no vote"),
            }
        };
        let mut evidence = MisbehaviorEvidence::<Context> { proposals: Default::default(), votes: Default::default() };
        assert_eq!(contradictions(&evidence), []);
        let (first, second): (SignedMessage<Context, _>, _) = (vote(None), vote(Some(Hash([1; 32]))));
        evidence.votes.add(first, second);
        let found = contradictions(&evidence);
        assert_eq!(found.len(), 1);
        assert!(found[0].is_valid(&CHAIN));
        assert_eq!((found[0].validator(), found[0].height()), (key(2), FIRST));
    }
}
