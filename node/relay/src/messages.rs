//! Messages: taken, kept until they are fetched, and forwarded to the relay that keeps them for their receiver.
//!
//! ```text
//! accept ─checks.rs→ one write ─┬→ inbox.rs   numbers, rows, envelopes ─page, changed→ wallet ─acknowledge→ gone
//!                    (quotas)   ├→ outbox.rs  lanes: of one sender to one receiver, in order ─forward.rs→ other relay
//!                               └→ sent.rs    what became of it, for the sender
//! answer ─protocol.rs→ one write ─→ inbox.rs               expiry.rs: forgets what has expired, ids of messages too
//! ```
//!
//! A message has one id, the hash of its envelope. It is remembered until the message expires, so that whatever comes
//! twice, from a wallet or another relay, is stored once.
mod checks;
mod expiry;
mod inbox;
mod outbox;
mod refusal;
mod sent;
mod totals;
mod watch;

pub(crate) use checks::{ReceiverFault, home};
pub(crate) use refusal::{Refusal, Whose};
pub(crate) use totals::Totals;

use crate::clock::Clock;
use crate::forward::{Forwarder, Fresh, Pace};
use crate::limits;
use crate::protocol::{Answer, Full, Question, Why};
use crate::store::{META, Store, StoreError, fault, get, put};
use crate::{Ledger, Peers};
use bytes::Bytes;
use checks::Askers;
use countersign_rpc_types::relay::{
    Acknowledged, Envelope, INBOX_PAGE_MAX, InboxPage, Posted, SENT_PAGE_MAX, SentPage, SentState,
};
use countersign_types::{AccountId, Hash, Hasher, PublicKey, Timestamp, text};
use inbox::{Incoming, Taken};
use outbox::{Head, Origin, Outgoing};
use redb::WriteTransaction;
use sent::{HandedIn, State};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch as channel;

/// The same for all messages of one sender to one receiver, and tells nothing else: a hash with a secret of the
/// sender's relay.
pub(crate) type Tag = [u8; 16];

/// What was done since the start.
#[derive(Default)]
pub(crate) struct Done {
    /// Messages that other relays brought and that went into an inbox.
    pub received: AtomicU64,
    /// Messages that other relays have on disk.
    pub delivered: AtomicU64,
    /// Questions to which another relay gave no answer.
    pub unanswered: AtomicU64,
}

/// The messages of one relay.
pub(crate) struct Messages {
    store: Arc<Store>,
    ledger: Arc<dyn Ledger>,
    peers: Arc<dyn Peers>,
    /// This relay's key.
    own: PublicKey,
    clock: Clock,
    /// Makes the tags.
    secret: [u8; 32],
    watches: watch::Watches,
    askers: Mutex<Askers>,
    fresh: Fresh,
    done: Done,
}

impl Messages {
    /// Opens what is on disk. Nothing is forwarded or forgotten until [`Messages::run`].
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn open(
        store: Arc<Store>,
        ledger: Arc<dyn Ledger>,
        peers: Arc<dyn Peers>,
        own: PublicKey,
        clock: Clock,
    ) -> Result<Self, StoreError> {
        let mut random = [0; 32];
        getrandom::fill(&mut random).map_err(StoreError::NoRandomness)?;
        let secret = store.write_now(|transaction| {
            inbox::make_tables(transaction)?;
            outbox::make_tables(transaction)?;
            sent::make_tables(transaction)?;
            expiry::make_tables(transaction)?;
            let mut meta = transaction.open_table(META).map_err(fault)?;
            if let Some(kept) = get(&meta, "meta", "tag-secret")? {
                return Ok(kept);
            }
            put(&mut meta, "tag-secret", &random)?;
            Ok(random)
        })?;
        let (watches, askers, fresh, done) = Default::default();
        Ok(Self { store, ledger, peers, own, clock, secret, watches, askers, fresh, done })
    }

    /// Forwards what waits and forgets what has expired, for ever. Dropping it stops both; what was begun and not
    /// answered is begun again.
    pub async fn run(self: Arc<Self>) {
        self.run_at(Pace::default()).await;
    }

    pub(crate) async fn run_at(self: Arc<Self>, pace: Pace) {
        tokio::join!(Forwarder::new(Arc::clone(&self), pace).run(), self.sweep_for_ever(pace));
    }

    /// Takes a message of `sender` that is to be delivered; answers when it is on disk. The same again answers the
    /// same.
    ///
    /// # Errors
    /// [`Refusal`]; nothing is kept.
    pub async fn accept(&self, sender: AccountId, bytes: Vec<u8>) -> Result<Posted, Refusal> {
        let envelope = Envelope::read(&bytes)?;
        let (id, now) = (envelope.id(), self.now());
        let home = match checks::check(&*self.ledger, &envelope, now) {
            Ok(home) => home,
            Err(refusal) => {
                // Taken before, and the ledger or the time has changed since: handing it in again answers the same.
                let known = self.store.read(move |transaction| sent::known_on_disk(transaction, &sender, &id)).await?;
                return known.map(|state| posted(&id, state)).ok_or(refusal);
            }
        };
        let (to, expires_at, size) = (envelope.to, envelope.expires_at, bytes.len());
        let message = HandedIn { sender, id, to, at: now, expires_at, bytes: size as u64 };
        let (lane, is_home) = (self.tag(&sender, &to), home == self.own);
        let hand_in = move |transaction: &WriteTransaction| hand_in(transaction, &message, lane, is_home, &bytes);
        let (state, taken) = self.store.write(size, hand_in).await?.map_err(Refusal::Quota)?;
        match taken {
            Some(Taken::Stored(number)) => self.watches.tell(&to, number),
            Some(Taken::Known) => {}
            None if state == State::Waiting => self.fresh.tell(lane, to),
            None => {}
        }
        Ok(posted(&id, state))
    }

    /// What became of messages after a number, at most `limit`; the most there may be in a page if it is not given.
    ///
    /// # Errors
    /// [`Refusal::Store`].
    pub async fn sent(&self, sender: AccountId, after: u64, limit: Option<u32>) -> Result<SentPage, Refusal> {
        let limit = limit.unwrap_or(SENT_PAGE_MAX).clamp(1, SENT_PAGE_MAX);
        Ok(self.store.read(move |transaction| sent::page(transaction, &sender, after, limit)).await?)
    }

    /// Messages after a number, at most `limit`; the most there may be in a page if it is not given.
    ///
    /// # Errors
    /// [`Refusal::OtherRelay`] if they are kept elsewhere, [`Refusal::Receiver`] if nowhere, [`Refusal::Store`].
    pub async fn inbox(&self, receiver: AccountId, after: u64, limit: Option<u32>) -> Result<InboxPage, Refusal> {
        self.check_home(&receiver)?;
        let limit = limit.unwrap_or(INBOX_PAGE_MAX).clamp(1, INBOX_PAGE_MAX);
        let now = self.now();
        Ok(self.store.read(move |transaction| inbox::page(transaction, &receiver, after, limit, now)).await?)
    }

    /// Forgets messages up to a number; answers when that is on disk.
    ///
    /// # Errors
    /// As [`Messages::inbox`].
    pub async fn acknowledge(&self, receiver: AccountId, up_to: u64) -> Result<Acknowledged, Refusal> {
        self.check_home(&receiver)?;
        let forget = move |transaction: &WriteTransaction| inbox::acknowledge(transaction, &receiver, up_to);
        Ok(Acknowledged { count: self.store.write(0, forget).await? })
    }

    /// The number of the newest message, now if any waits (0 if none does) and whenever one comes.
    ///
    /// # Errors
    /// As [`Messages::inbox`].
    pub async fn changed(&self, receiver: AccountId) -> Result<channel::Receiver<u64>, Refusal> {
        self.check_home(&receiver)?;
        // Watched first: what comes between is told twice rather than not.
        let watched = self.watches.watch(&receiver);
        let newest = self.store.read(move |transaction| inbox::newest(transaction, &receiver)).await?;
        self.watches.tell(&receiver, newest);
        Ok(watched)
    }

    /// How much waits.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn totals(&self) -> Result<Totals, StoreError> {
        self.store.read_now(Totals::read)
    }

    /// What was done since the start.
    pub fn done(&self) -> &Done {
        &self.done
    }

    /// Answers another node's relay.
    pub async fn answer(&self, from: &PublicKey, question: &[u8]) -> Bytes {
        let answer = self.consider(from, question).await;
        let is_odd = match answer {
            Answer::Refused(Why::NoRelay | Why::Unreadable | Why::NoEnvelope | Why::OtherChain) | Answer::Busy => true,
            Answer::Refused(Why::Clock | Why::Receiver | Why::OtherKey) => false,
            Answer::Stored | Answer::Known | Answer::Full(_) | Answer::NotHome => false,
        };
        if is_odd && self.askers().is_news(from) {
            tracing::warn!(relay = %from, ?answer, bytes = question.len(), "refused what another node's relay asked");
        } else {
            tracing::debug!(relay = %from, ?answer, "answered another node's relay");
        }
        answer.write()
    }

    async fn consider(&self, from: &PublicKey, question: &[u8]) -> Answer {
        if !self.askers().admits(from, self.now()) {
            return Answer::Busy;
        }
        if !self.ledger.is_relay(from) {
            return Answer::Refused(Why::NoRelay);
        }
        self.fresh.heard(*from);
        match Question::read(question) {
            Ok(Question::Deliver { tag, envelope }) => self.keep(tag, envelope.into_inner()).await,
            Err(error) => {
                tracing::debug!(relay = %from, %error, "a question that cannot be read");
                Answer::Refused(Why::Unreadable)
            }
        }
    }

    /// Keeps a message that another relay brings.
    async fn keep(&self, tag: Tag, bytes: Vec<u8>) -> Answer {
        let Ok(envelope) = Envelope::read(&bytes) else { return Answer::Refused(Why::NoEnvelope) };
        match checks::check(&*self.ledger, &envelope, self.now()) {
            Ok(home) if home == self.own => {}
            Ok(_) => return Answer::NotHome,
            Err(refusal) => return Answer::Refused(why(&refusal)),
        }
        let (id, to, received_at, size) = (envelope.id(), envelope.to, self.now(), bytes.len());
        let keep = move |transaction: &WriteTransaction| {
            let expires_at = envelope.expires_at;
            inbox::take(transaction, &Incoming { id, to, tag, received_at, expires_at, envelope: &bytes })
        };
        match self.store.write(size, keep).await {
            Ok(Ok(Taken::Stored(number))) => {
                self.watches.tell(&to, number);
                self.done.received.fetch_add(1, Ordering::Relaxed);
                Answer::Stored
            }
            Ok(Ok(Taken::Known)) => Answer::Known,
            Ok(Err(full)) => Answer::Full(full),
            Err(_) => Answer::Busy,
        }
    }

    fn askers(&self) -> MutexGuard<'_, Askers> {
        self.askers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_millis((self.clock)() / 1000)
    }

    fn tag(&self, sender: &AccountId, receiver: &AccountId) -> Tag {
        let mut hasher = Hasher::new("relay-sender-tag");
        hasher.update(&self.secret).update(&sender.0).update(&receiver.0);
        let mut tag = Tag::default();
        tag.copy_from_slice(&hasher.finish().0[..16]);
        tag
    }

    fn check_home(&self, receiver: &AccountId) -> Result<(), Refusal> {
        let account = self.ledger.account(receiver).ok_or(ReceiverFault::Unknown)?;
        let home = home(&*self.ledger, &account)?;
        if home == self.own { Ok(()) } else { Err(Refusal::OtherRelay { home }) }
    }

    async fn sweep_for_ever(&self, pace: Pace) {
        const FIRST: AccountId = AccountId([0; 32]);
        let mut moved_up_to = FIRST;
        loop {
            let now = self.now();
            // A fault of the disk is in the log; what is over stays until the next time.
            while let Ok(true) = self.store.write(0, move |transaction| expiry::sweep(transaction, now)).await {}
            moved_up_to = self.move_out(moved_up_to).await.ok().flatten().unwrap_or(FIRST);
            self.watches.forget_unwatched();
            tokio::time::sleep(pace.sweep).await;
        }
    }

    /// Sends on what waits in inboxes that another relay keeps by now, some at a time; says where to go on.
    async fn move_out(&self, after: AccountId) -> Result<Option<AccountId>, StoreError> {
        let (occupied, next) = self.store.read(move |transaction| inbox::occupied(transaction, &after)).await?;
        for receiver in occupied {
            let Some(home) = self.route(&receiver).filter(|home| *home != self.own) else { continue };
            tracing::info!(%receiver, %home, "another relay keeps the messages of this account now");
            loop {
                let move_out = move |transaction: &WriteTransaction| inbox::move_out(transaction, &receiver);
                let lanes = self.store.write(limits::MOVED_BYTES_PER_WRITE, move_out).await?;
                if lanes.is_empty() {
                    break;
                }
                lanes.into_iter().for_each(|lane| self.fresh.tell(lane, receiver));
            }
        }
        Ok(next)
    }
}

/// What the forwarder asks.
impl Messages {
    pub(crate) fn fresh(&self) -> &Fresh {
        &self.fresh
    }

    pub(crate) fn peers(&self) -> &dyn Peers {
        &*self.peers
    }

    /// This relay's key.
    pub(crate) fn own(&self) -> PublicKey {
        self.own
    }

    /// Lanes in which something waits, and their receivers.
    pub(crate) async fn lanes(&self) -> Result<Vec<(Tag, AccountId)>, StoreError> {
        self.store.read(outbox::lanes).await
    }

    /// The relay that keeps an account's messages, as far as that is known.
    pub(crate) fn route(&self, to: &AccountId) -> Option<PublicKey> {
        let account = self.ledger.account(to)?;
        home(&*self.ledger, &account).ok()
    }

    /// The first message of a lane that is still to be delivered, and where: what has expired or is refused for good is
    /// settled before.
    pub(crate) async fn next(&self, lane: Tag) -> Result<Option<Next>, StoreError> {
        loop {
            let Some(head) = self.store.read(move |transaction| outbox::head(transaction, &lane)).await? else {
                return Ok(None);
            };
            let state = match Envelope::read(&head.envelope) {
                Ok(envelope) if envelope.expires_at <= self.now() => State::Expired,
                Ok(envelope) => match checks::destination(&*self.ledger, &envelope) {
                    Ok(relay) => return Ok(Some(Next { head, relay: Some(relay) })),
                    Err(fault) if fault.is_for_good() => State::Refused,
                    Err(_) => return Ok(Some(Next { head, relay: None })),
                },
                // It was read when it was taken; the disk has changed it.
                Err(_) => State::Refused,
            };
            self.settle(lane, head.number, state).await?;
        }
    }

    /// The other relay has it.
    pub(crate) async fn delivered(&self, lane: Tag, number: u64) -> Result<(), StoreError> {
        self.settle(lane, number, State::Delivered).await?;
        self.done.delivered.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// The other relay gave no answer.
    pub(crate) fn unanswered(&self) {
        self.done.unanswered.fetch_add(1, Ordering::Relaxed);
    }

    async fn settle(&self, lane: Tag, number: u64, state: State) -> Result<(), StoreError> {
        self.store.write(0, move |transaction| outbox::settle(transaction, &lane, number, state)).await
    }

    /// Puts a message that waited into an inbox of this relay, which has become its receiver's home.
    pub(crate) async fn deliver_here(&self, lane: Tag, head: Head) -> Result<Result<(), Full>, StoreError> {
        let Ok(envelope) = Envelope::read(&head.envelope) else { return Ok(Ok(())) };
        let (to, received_at, size) = (envelope.to, self.now(), head.envelope.len());
        let deliver = move |transaction: &WriteTransaction| {
            let (id, expires_at) = (head.id, envelope.expires_at);
            let incoming = Incoming { id, to, tag: lane, received_at, expires_at, envelope: &head.envelope };
            let taken = inbox::take(transaction, &incoming)?;
            if taken.is_ok() {
                outbox::settle(transaction, &lane, head.number, State::Delivered)?;
            }
            Ok(taken)
        };
        let taken = self.store.write(size, deliver).await?;
        if let Ok(Taken::Stored(number)) = taken {
            self.watches.tell(&to, number);
        }
        Ok(taken.map(|_| ()))
    }
}

/// A message to be delivered.
pub(crate) struct Next {
    pub head: Head,
    /// Where to; `None` while its receiver is suspended or no relay keeps its messages.
    pub relay: Option<PublicKey>,
}

fn posted(id: &Hash, state: State) -> Posted {
    Posted { id: text::encode(text::MESSAGE, &id.0), state: SentState::from(state) }
}

/// Writes a message that its sender hands in: where it stands, and if it went into an inbox here, how.
fn hand_in(
    transaction: &WriteTransaction,
    message: &HandedIn,
    lane: Tag,
    is_home: bool,
    envelope: &[u8],
) -> Result<Result<(State, Option<Taken>), Whose>, StoreError> {
    if let Some(state) = sent::known(transaction, &message.sender, &message.id)? {
        return Ok(Ok((state, None)));
    }
    // Behind what waits already, even if that could go into an inbox here by now.
    let waits = !is_home || !outbox::is_empty(transaction, &lane)?;
    let sender = match sent::check(transaction, message, waits)? {
        Ok(sender) => sender,
        Err(whose) => return Ok(Err(whose)),
    };
    if waits {
        if !outbox::has_room(transaction, message.bytes)? {
            return Ok(Err(Whose::Relay));
        }
        // From here on it must succeed.
        let number = sent::record(transaction, message, sender, State::Waiting)?;
        let &HandedIn { id, to, expires_at, .. } = message;
        let from = Origin::Sender(message.sender, number);
        outbox::push(transaction, &Outgoing { lane, id, to, from, expires_at, envelope })?;
        return Ok(Ok((State::Waiting, None)));
    }
    let HandedIn { id, to, at, expires_at, .. } = *message;
    let incoming = Incoming { id, to, tag: lane, received_at: at, expires_at, envelope };
    match inbox::take(transaction, &incoming)? {
        Ok(taken) => {
            sent::record(transaction, message, sender, State::Delivered)?;
            Ok(Ok((State::Delivered, Some(taken))))
        }
        Err(Full::Inbox | Full::Share) => Ok(Err(Whose::Receiver)),
        Err(Full::Relay) => Ok(Err(Whose::Relay)),
    }
}

/// What another relay is told of a refusal.
fn why(refusal: &Refusal) -> Why {
    match refusal {
        Refusal::Envelope(_) => Why::NoEnvelope,
        Refusal::OtherChain => Why::OtherChain,
        Refusal::Expired | Refusal::Clock => Why::Clock,
        Refusal::Receiver(ReceiverFault::OtherKey) => Why::OtherKey,
        Refusal::Receiver(ReceiverFault::Unknown | ReceiverFault::Suspended | ReceiverFault::NoRelay)
        | Refusal::OtherRelay { .. }
        | Refusal::Quota(_)
        | Refusal::Store(_) => Why::Receiver,
    }
}

#[cfg(test)]
mod tests;
