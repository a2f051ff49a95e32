//! Brings what waits in the outbox to the relays that keep it for its receivers.
//!
//! ```text
//! accept ─Fresh→ ready ─turn: ask the lane's relay, in order→ settled          at most FORWARDS_MAX turns at a time
//!                  ▲         ├─ no answer → parked at that relay, until its pause is over or it is heard of
//!                  └─────────┴─ not let in → asleep for a while: that lane alone
//! ```
//!
//! Only this relay's own ledger and clock decide that a message is refused or expired: whatever another relay says but
//! `Stored` and `Known` is tried again. Where a lane goes is asked of the ledger at every try.
use crate::PeerError;
use crate::limits;
use crate::messages::{Messages, Tag};
use crate::protocol::{Answer, Question};
use crate::store::StoreError;
use countersign_types::{AccountId, PublicKey};
use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::Instant;

/// What is new for the forwarder: lanes in which something was put, relays that have been heard of. Bounded by the
/// outbox and the ledger.
#[derive(Default)]
pub(crate) struct Fresh {
    news: Mutex<News>,
    bell: Notify,
}

#[derive(Default)]
struct News {
    lanes: HashMap<Tag, AccountId>,
    relays: HashSet<PublicKey>,
}

impl Fresh {
    fn lock(&self) -> MutexGuard<'_, News> {
        self.news.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something is in this lane.
    pub fn tell(&self, lane: Tag, to: AccountId) {
        self.lock().lanes.insert(lane, to);
        self.bell.notify_one();
    }

    /// This relay has asked something: it is there.
    pub fn heard(&self, relay: PublicKey) {
        self.lock().relays.insert(relay);
        self.bell.notify_one();
    }

    fn take(&self) -> News {
        std::mem::take(&mut *self.lock())
    }
}

/// How long the forwarder pauses.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// After a relay gave no answer: at first, and at most.
    pub retry: (Duration, Duration),
    /// Something new tries such a relay again, this long after the last try.
    pub fresh: Duration,
    /// After a lane was not let in: at first, and at most.
    pub lane: (Duration, Duration),
    /// Between two looks for what has expired.
    pub sweep: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            retry: (limits::RETRY_FIRST, limits::RETRY_MAX),
            fresh: limits::RETRY_FRESH,
            lane: (limits::LANE_RETRY_FIRST, limits::LANE_RETRY_MAX),
            sweep: limits::SWEEP_INTERVAL,
        }
    }
}

/// Twice as long after each failure.
fn pause((first, most): (Duration, Duration), failures: u32) -> Duration {
    first.saturating_mul(1 << failures.saturating_sub(1).min(20)).min(most)
}

/// A lane in which something waits, or did a moment ago.
struct Lane {
    to: AccountId,
    stands: Stands,
    /// Times in a row that it was not let in.
    failures: u32,
    /// Something was put into it since its last turn began.
    is_fresh: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stands {
    Ready,
    Running,
    Asleep(Instant),
    Parked(PublicKey),
}

/// A relay to which something goes.
#[derive(Default)]
struct Relay {
    /// Turns that ask it now.
    running: usize,
    /// Times in a row that it gave no answer; above 0 one lane alone tries it.
    failures: u32,
    tried_at: Option<Instant>,
    /// When it answered, or asked something itself.
    heard_at: Option<Instant>,
    not_before: Option<Instant>,
    parked: VecDeque<Tag>,
}

impl Relay {
    /// Something is new for it: if it gave no answer, it is tried again soon.
    fn hurry(&mut self, after: Duration) {
        if let (Some(tried_at), Some(not_before)) = (self.tried_at, self.not_before) {
            self.not_before = Some(not_before.min(tried_at + after));
        }
    }

    fn may_be_asked(&self, now: Instant) -> bool {
        let most = if self.failures > 0 { 1 } else { limits::FORWARDS_PER_RELAY_MAX };
        self.running < most && self.not_before.is_none_or(|at| at <= now)
    }
}

/// How a turn ended.
enum Turn {
    /// Nothing waits in the lane any more.
    Empty,
    /// More waits, and others have their turn first; or it goes to another relay now.
    More,
    /// Not let in, or nowhere to go.
    NotNow,
    /// The relay gave no answer.
    Silent,
    /// The disk failed, or the node is stopping.
    Failed,
}

/// What a turn has to say: how it ended, and whether the relay has answered in it.
struct Done {
    turn: Turn,
    answered: bool,
}

/// Decides which lane has its turn when.
pub(crate) struct Forwarder {
    messages: Arc<Messages>,
    pace: Pace,
    lanes: HashMap<Tag, Lane>,
    ready: VecDeque<Tag>,
    asleep: BTreeSet<(Instant, Tag)>,
    relays: HashMap<PublicKey, Relay>,
    turns: JoinSet<Done>,
    running: HashMap<Id, Begun>,
}

/// A turn that runs.
struct Begun {
    lane: Tag,
    route: Option<PublicKey>,
    at: Instant,
}

impl Forwarder {
    pub fn new(messages: Arc<Messages>, pace: Pace) -> Self {
        let (lanes, ready, asleep, relays, turns, running) = Default::default();
        Self { messages, pace, lanes, ready, asleep, relays, turns, running }
    }

    /// For ever.
    pub async fn run(mut self) {
        let found = loop {
            match self.messages.lanes().await {
                Ok(found) => break found,
                Err(error) => {
                    tracing::error!(%error, "the outbox cannot be read");
                    tokio::time::sleep(self.pace.lane.1).await;
                }
            }
        };
        for (lane, to) in found {
            self.hear_of(lane, to);
        }
        let messages = Arc::clone(&self.messages);
        loop {
            let now = Instant::now();
            self.wake(now);
            self.start(now);
            let next = self.next_wake();
            tokio::select! {
                Some(ended) = self.turns.join_next_with_id() => self.end(ended),
                () = messages.fresh().bell.notified() => self.take_news(),
                () = tokio::time::sleep_until(next.unwrap_or(now)), if next.is_some() => {}
            }
        }
    }

    fn take_news(&mut self) {
        let News { lanes, relays } = self.messages.fresh().take();
        for relay in relays {
            if let Some(known) = self.relays.get_mut(&relay) {
                (known.heard_at, known.not_before) = (Some(Instant::now()), None);
            }
        }
        for (lane, to) in lanes {
            self.hear_of(lane, to);
        }
    }

    /// Something waits in this lane.
    fn hear_of(&mut self, tag: Tag, to: AccountId) {
        match self.lanes.get_mut(&tag) {
            None => {
                self.lanes.insert(tag, Lane { to, stands: Stands::Ready, failures: 0, is_fresh: true });
                self.ready.push_back(tag);
            }
            Some(lane) => match lane.stands {
                Stands::Running => lane.is_fresh = true,
                Stands::Parked(relay) => {
                    if let Some(relay) = self.relays.get_mut(&relay) {
                        relay.hurry(self.pace.fresh);
                    }
                }
                // It was not let in; what is new stands behind what was not.
                Stands::Ready | Stands::Asleep(_) => {}
            },
        }
    }

    fn make_ready(&mut self, tag: Tag) {
        if let Some(lane) = self.lanes.get_mut(&tag) {
            lane.stands = Stands::Ready;
            self.ready.push_back(tag);
        }
    }

    /// Makes lanes ready whose pause is over.
    fn wake(&mut self, now: Instant) {
        while let Some((at, tag)) = self.asleep.first().copied().filter(|(at, _)| *at <= now) {
            self.asleep.remove(&(at, tag));
            self.make_ready(tag);
        }
        let mut woken = Vec::new();
        for relay in self.relays.values_mut().filter(|relay| relay.may_be_asked(now)) {
            let most = if relay.failures > 0 { 1 } else { limits::FORWARDS_PER_RELAY_MAX };
            let count = (most - relay.running).min(relay.parked.len());
            woken.extend(relay.parked.drain(..count));
        }
        for tag in woken {
            self.make_ready(tag);
        }
        self.relays.retain(|_, relay| relay.running > 0 || relay.failures > 0 || !relay.parked.is_empty());
    }

    fn next_wake(&self) -> Option<Instant> {
        let pauses = self.relays.values().filter(|relay| !relay.parked.is_empty() && relay.running == 0);
        let relays = pauses.filter_map(|relay| relay.not_before);
        relays.chain(self.asleep.first().map(|(at, _)| *at)).min()
    }

    /// Gives turns to lanes that are ready, as many as there may be.
    fn start(&mut self, now: Instant) {
        while self.turns.len() < limits::FORWARDS_MAX
            && let Some(tag) = self.ready.pop_front()
        {
            let Some(lane) = self.lanes.get_mut(&tag) else { continue };
            let route = self.messages.route(&lane.to);
            // What stays here, or has nowhere to go, waits for no other relay.
            let route = route.filter(|relay| *relay != self.messages.own());
            if let Some(relay) = route {
                let known = self.relays.entry(relay).or_default();
                if !known.may_be_asked(now) {
                    known.parked.push_back(tag);
                    if lane.is_fresh {
                        known.hurry(self.pace.fresh);
                    }
                    lane.stands = Stands::Parked(relay);
                    continue;
                }
                known.running += 1;
                known.tried_at = Some(now);
            }
            lane.stands = Stands::Running;
            lane.is_fresh = false;
            let turn = self.turns.spawn(turn(Arc::clone(&self.messages), tag, route));
            self.running.insert(turn.id(), Begun { lane: tag, route, at: now });
        }
    }

    fn end(&mut self, ended: Result<(Id, Done), JoinError>) {
        let (id, done) = match ended {
            Ok((id, done)) => (id, done),
            Err(error) => {
                tracing::error!(%error, "forwarding a message broke off");
                (error.id(), Done { turn: Turn::Failed, answered: false })
            }
        };
        let Some(Begun { lane: tag, route, at }) = self.running.remove(&id) else { return };
        let now = Instant::now();
        if let Some(relay) = route.and_then(|route| self.relays.get_mut(&route)) {
            relay.running = relay.running.saturating_sub(1);
            if done.answered {
                (relay.failures, relay.heard_at, relay.not_before) = (0, Some(now), None);
            }
            // Turns that ran side by side fail once.
            let has_failed_already = relay.not_before.is_some_and(|until| until > at);
            if matches!(done.turn, Turn::Silent) && !has_failed_already {
                relay.failures = relay.failures.saturating_add(1);
                // Heard of since this turn began: it is there.
                let is_there = relay.heard_at.is_some_and(|heard_at| heard_at > at);
                let wait = if is_there { self.pace.fresh } else { pause(self.pace.retry, relay.failures) };
                relay.not_before = Some(now + wait);
            }
        }
        let Some(lane) = self.lanes.get_mut(&tag) else { return };
        match done.turn {
            Turn::Empty if !lane.is_fresh => {
                self.lanes.remove(&tag);
            }
            Turn::Empty | Turn::More => {
                lane.failures = 0;
                self.make_ready(tag);
            }
            // Its turn comes when the relay's pause is over.
            Turn::Silent => self.make_ready(tag),
            Turn::NotNow | Turn::Failed => {
                lane.failures = lane.failures.saturating_add(1);
                let until = now + pause(self.pace.lane, lane.failures);
                lane.stands = Stands::Asleep(until);
                self.asleep.insert((until, tag));
            }
        }
    }
}

/// Delivers what waits in a lane, in order, as long as it goes to `route`; here or nowhere if that is `None`.
async fn turn(messages: Arc<Messages>, lane: Tag, route: Option<PublicKey>) -> Done {
    let mut answered = false;
    for _ in 0..limits::LANE_TURN_MAX {
        match step(&messages, lane, route, &mut answered).await {
            Ok(None) => {}
            Ok(Some(turn)) => return Done { turn, answered },
            Err(error) => {
                tracing::warn!(%error, "forwarding pauses");
                return Done { turn: Turn::Failed, answered };
            }
        }
    }
    Done { turn: Turn::More, answered }
}

/// Delivers one message; `None` if the next may follow at once.
async fn step(
    messages: &Messages,
    lane: Tag,
    route: Option<PublicKey>,
    answered: &mut bool,
) -> Result<Option<Turn>, StoreError> {
    let Some(next) = messages.next(lane).await? else { return Ok(Some(Turn::Empty)) };
    let Some(relay) = next.relay else { return Ok(Some(Turn::NotNow)) };
    if relay == messages.own() {
        return Ok(messages.deliver_here(lane, next.head).await?.err().map(|_| Turn::NotNow));
    }
    if route != Some(relay) {
        return Ok(Some(Turn::More));
    }
    let number = next.head.number;
    let Ok(envelope) = next.head.envelope.try_into() else { return Ok(Some(Turn::NotNow)) };
    let answer = match messages.peers().ask(&relay, Question::Deliver { tag: lane, envelope }.write()).await {
        Ok(answer) => answer,
        Err(error @ (PeerError::NotConnected | PeerError::NoAnswer)) => {
            tracing::debug!(%relay, %error, "a message waits");
            messages.unanswered();
            return Ok(Some(Turn::Silent));
        }
        Err(PeerError::Stopped) => return Err(StoreError::Stopped),
    };
    match Answer::read(&answer) {
        Ok(Answer::Stored | Answer::Known) => {
            *answered = true;
            messages.delivered(lane, number).await?;
            Ok(None)
        }
        Ok(answer @ (Answer::Full(_) | Answer::NotHome | Answer::Refused(_))) => {
            *answered = true;
            tracing::debug!(%relay, ?answer, "a message is not taken now");
            Ok(Some(Turn::NotNow))
        }
        Ok(Answer::Busy) => Ok(Some(Turn::Silent)),
        Err(error) => {
            tracing::warn!(%relay, %error, "another node's relay answers what cannot be read");
            Ok(Some(Turn::Silent))
        }
    }
}
