//! The relay as the node sees it: one method for each method of the RPC, questions of other relays, and what runs
//! beside.
#[cfg(test)]
pub(crate) mod testing;

use crate::clock::Clock;
use crate::fault::RelayFault;
use crate::limits;
use crate::login::Logins;
use crate::messages::{Messages, Refusal};
use crate::sessions::{Asked, Session, Sessions};
use crate::site::{Patience, Sites, SitesError};
use crate::standing::{self, Merchant, NotRelayed};
use crate::store::{Store, StoreError};
use crate::subscriptions::Subscriptions;
use crate::{Ledger, Peers};
use bytes::Bytes;
use countersign_rpc_types::RpcFault;
use countersign_rpc_types::relay::{
    Acknowledged, Acknowledgement, ContactsQuery, Enrolment, InboxPage, InboxQuery, MemberLogin, Nothing, Posted,
    Posting, PostsQuery, RelayInfo, RelayLoginFinish, RelayNotice, RelaySession, SentPage, SentQuery, SessionAuth,
};
use countersign_rpc_types::site::{ContactsPage, Enrolled, LoginStart, LoginStarted, PostsPage};
use countersign_types::PublicKey;
use countersign_types::signature::public_key;
use parity_scale_codec::Encode;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::{mpsc, watch};
use tokio::time::sleep;
use zeroize::Zeroizing;

/// What a relay is opened with.
pub struct Options {
    /// Where its files lie; made if it is not there.
    pub dir: PathBuf,
    /// The secret of the node's network key: it signs requests to sites, and what is confidential on disk is sealed
    /// under it.
    pub secret: Zeroizing<[u8; 32]>,
    /// Certificates (PEM) of sites that are trusted besides the system's.
    pub trusted_certificates: Option<PathBuf>,
    /// Its clock; [`crate::system_clock`].
    pub clock: Clock,
}

/// Why a relay cannot be opened. Each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Certificates and TLS.
    #[error(transparent)]
    Sites(#[from] SitesError),
}

/// How much a relay holds and has done, for the node's metrics.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct RelayFigures {
    /// True if its database cannot be read now.
    pub failed: bool,
    /// Sessions that have not ended.
    pub sessions: u64,
    /// Wallets that are connected.
    pub subscriptions: u64,
    /// Messages that wait to be fetched.
    pub inbox_messages: u64,
    /// Bytes of their envelopes.
    pub inbox_bytes: u64,
    /// Messages that wait to be forwarded.
    pub outbox_messages: u64,
    /// Bytes of their envelopes.
    pub outbox_bytes: u64,
    /// Sessions that were opened since the start.
    pub logins_opened: u64,
    /// Log-ins that were refused since the start: password, user, key, or too many attempts.
    pub logins_refused: u64,
    /// Log-ins that could not be decided since the start: the site did not answer as it must, or this relay may not
    /// relay for it.
    pub logins_failed: u64,
    /// Messages that wallets handed in here since the start.
    pub messages_accepted: u64,
    /// Messages that wallets handed in since the start and that were not taken.
    pub messages_refused: u64,
    /// Messages that wallets have fetched and let this relay forget since the start.
    pub messages_acknowledged: u64,
    /// Messages that other relays brought and that went into an inbox since the start.
    pub messages_received: u64,
    /// Messages that other relays have on disk since the start.
    pub messages_delivered: u64,
    /// Times that another relay gave no answer since the start.
    pub forwards_unanswered: u64,
}

/// What was done since the start.
#[derive(Default)]
struct Counters {
    logins_opened: AtomicU64,
    logins_refused: AtomicU64,
    logins_failed: AtomicU64,
    messages_accepted: AtomicU64,
    messages_refused: AtomicU64,
    messages_acknowledged: AtomicU64,
}

fn count(counter: &AtomicU64, more: u64) {
    counter.fetch_add(more, Ordering::Relaxed);
}

/// A node's relay.
pub struct Relay {
    pub(crate) key: PublicKey,
    pub(crate) ledger: Arc<dyn Ledger>,
    pub(crate) sites: Sites,
    pub(crate) logins: Logins,
    pub(crate) sessions: Sessions,
    pub(crate) subscriptions: Subscriptions,
    pub(crate) messages: Arc<Messages>,
    clock: Clock,
    counters: Counters,
    closed: watch::Sender<bool>,
}

/// What a method answers, or the fault with its stable code.
pub type Answer<T> = Result<T, RpcFault>;

impl Relay {
    /// Opens the relay's files. Nothing runs until [`Relay::run`].
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(options: Options, ledger: Arc<dyn Ledger>, peers: Arc<dyn Peers>) -> Result<Arc<Self>, OpenError> {
        let Options { dir, secret, trusted_certificates, clock } = options;
        let key = public_key(&secret);
        let sites =
            Sites::new(secret.clone(), &key, trusted_certificates.as_deref(), clock.clone(), Patience::default())?;
        let store = Arc::new(Store::open(&dir)?);
        let sessions = Sessions::open_all(store.clone(), secret, key, clock.clone())?;
        let messages = Messages::open(store, ledger.clone(), peers, key, clock.clone())?;
        Ok(Arc::new(Self {
            key,
            ledger,
            sites,
            logins: Logins::default(),
            sessions,
            subscriptions: Subscriptions::default(),
            messages: Arc::new(messages),
            clock,
            counters: Counters::default(),
            closed: watch::Sender::new(false),
        }))
    }

    /// Forwards messages and forgets what has expired, until [`Relay::close`]. To be spawned once.
    pub async fn run(self: Arc<Self>) {
        let mut closed = self.closed();
        tokio::select! {
            () = self.messages.clone().run() => {}
            () = self.sweep_for_ever() => {}
            _ = closed.wait_for(|closed| *closed) => {}
        }
    }

    async fn sweep_for_ever(&self) {
        loop {
            sleep(limits::SWEEP_PERIOD).await;
            self.logins.sweep(self.now_us() / 1_000);
            // A disk that fails is in the log; what is over is refused all the same.
            let _ = self.sessions.sweep().await;
        }
    }

    /// Ends subscriptions and [`Relay::run`]; requests get `Unavailable` from now on. What is on disk stays.
    pub fn close(&self) {
        self.closed.send_replace(true);
    }

    /// How much it holds and has done.
    pub fn figures(&self) -> RelayFigures {
        let totals = self.messages.totals();
        let failed = totals.is_err();
        let totals = totals.unwrap_or_default();
        let since = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        RelayFigures {
            failed,
            sessions: self.sessions.count() as u64,
            subscriptions: self.subscriptions.count() as u64,
            inbox_messages: totals.inbox_count,
            inbox_bytes: totals.inbox_bytes,
            outbox_messages: totals.outbox_count,
            outbox_bytes: totals.outbox_bytes,
            logins_opened: since(&self.counters.logins_opened),
            logins_refused: since(&self.counters.logins_refused),
            logins_failed: since(&self.counters.logins_failed),
            messages_accepted: since(&self.counters.messages_accepted),
            messages_refused: since(&self.counters.messages_refused),
            messages_acknowledged: since(&self.counters.messages_acknowledged),
            messages_received: since(&self.messages.done().received),
            messages_delivered: since(&self.messages.done().delivered),
            forwards_unanswered: since(&self.messages.done().unanswered),
        }
    }

    /// Answers another node's relay; `from` is the network key of the node that is connected.
    pub async fn answer(&self, from: &PublicKey, question: Bytes) -> Bytes {
        self.messages.answer(from, &question).await
    }
}

/// The methods of the RPC. Each fault has its stable code.
impl Relay {
    /// Who the relay is.
    pub fn info(&self) -> RelayInfo {
        RelayInfo { key: self.key.to_string(), chain: self.ledger.chain().to_string(), time_ms: self.now_us() / 1_000 }
    }

    /// Begins the log-in of a user of a site that grants this relay.
    ///
    /// # Errors
    /// `BadInput`, `NotRelayed`, `TooManyAttempts`, `SiteFailed`, `Unavailable`.
    pub async fn login_start(&self, start: LoginStart) -> Answer<LoginStarted> {
        self.check_open()?;
        let started = self.start_login(start).await;
        if let Err(fault) = &started {
            self.count_refused(fault);
        }
        Ok(started?)
    }

    /// Ends it: a session, if the site says that the password was right.
    ///
    /// # Errors
    /// `LoginRefused`, `NotFound` if no such log-in is open, `BadProof` if the wallet's key has not signed, and as
    /// [`Relay::login_start`].
    pub async fn login_finish(&self, finish: RelayLoginFinish) -> Answer<RelaySession> {
        self.check_open()?;
        self.counted(self.finish_login(finish).await)
    }

    /// Opens a session for a member's own account.
    ///
    /// # Errors
    /// `BadInput`, `NotRelayed`, `BadProof`, `LoginRefused` if the key is not the member's, `Unavailable`.
    pub async fn member_login(&self, login: MemberLogin) -> Answer<RelaySession> {
        self.check_open()?;
        self.counted(self.login_member(login).await)
    }

    /// Whose a session is now, and until when.
    ///
    /// # Errors
    /// `SessionEnded`, `BadProof`, `NotRelayed`, `TooManyAttempts`, `Unavailable`: those of every request in a session.
    pub async fn session(&self, auth: SessionAuth, ask: Nothing) -> Answer<RelaySession> {
        let (asked, merchant) = self.asked(&auth, "relay_session", &ask).await?;
        Ok(self.told(auth.session, &asked.session, &merchant))
    }

    /// Ends a session, here and at the site.
    ///
    /// # Errors
    /// As [`Relay::session`], but for `NotRelayed`.
    pub async fn logout(&self, auth: SessionAuth, ask: Nothing) -> Answer<Nothing> {
        self.check_open()?;
        Ok(self.end_session(auth, ask).await?)
    }

    /// The contacts of the session's user, from the site.
    ///
    /// # Errors
    /// As [`Relay::session`], and `BadInput`, `SiteFailed`, `NotFound` for a member.
    pub async fn contacts(&self, auth: SessionAuth, ask: ContactsQuery) -> Answer<ContactsPage> {
        Ok(self.read_contacts(auth, ask).await?)
    }

    /// What the site's users have published.
    ///
    /// # Errors
    /// As [`Relay::contacts`].
    pub async fn posts(&self, auth: SessionAuth, ask: PostsQuery) -> Answer<PostsPage> {
        Ok(self.read_posts(auth, ask).await?)
    }

    /// Lets the site sign the enrolment of the session's user.
    ///
    /// # Errors
    /// As [`Relay::contacts`], and `EnrolmentRefused`, `TooMuch`.
    pub async fn enrol(&self, auth: SessionAuth, ask: Enrolment) -> Answer<Enrolled> {
        Ok(self.have_enrolled(auth, ask).await?)
    }

    /// Hands a message in; answers when it is on this relay's disk.
    ///
    /// # Errors
    /// As [`Relay::session`], and `MessageRefused`, `QuotaReached`.
    pub async fn send(&self, auth: SessionAuth, ask: Posting) -> Answer<Posted> {
        let (asked, merchant) = self.asked(&auth, "relay_send", &ask).await?;
        let account = standing::account(&*self.ledger, &merchant, &asked.session.user, &asked.session.key);
        let account = account.map_err(RelayFault::from)?;
        let posted = self.messages.accept(account, ask.envelope.0).await;
        let counter = if posted.is_ok() { &self.counters.messages_accepted } else { &self.counters.messages_refused };
        count(counter, 1);
        posted.map_err(refused)
    }

    /// What became of messages the session's account has sent.
    ///
    /// # Errors
    /// As [`Relay::session`], and `MessageRefused`.
    pub async fn sent(&self, auth: SessionAuth, ask: SentQuery) -> Answer<SentPage> {
        let (asked, merchant) = self.asked(&auth, "relay_sent", &ask).await?;
        let account = standing::account(&*self.ledger, &merchant, &asked.session.user, &asked.session.key);
        let account = account.map_err(RelayFault::from)?;
        self.messages.sent(account, ask.after, ask.limit).await.map_err(refused)
    }

    /// Messages that wait for the session's account.
    ///
    /// # Errors
    /// As [`Relay::session`], and `MessageRefused`, with the relay that keeps them if it is another.
    pub async fn inbox(&self, auth: SessionAuth, ask: InboxQuery) -> Answer<InboxPage> {
        let (asked, merchant) = self.asked(&auth, "relay_inbox", &ask).await?;
        let account = self.account_at_home(&asked.session, &merchant)?;
        self.messages.inbox(account, ask.after, ask.limit).await.map_err(refused)
    }

    /// Lets the relay forget messages that the wallet has on disk.
    ///
    /// # Errors
    /// As [`Relay::inbox`].
    pub async fn acknowledge(&self, auth: SessionAuth, ask: Acknowledgement) -> Answer<Acknowledged> {
        let (asked, merchant) = self.asked(&auth, "relay_acknowledge", &ask).await?;
        let account = self.account_at_home(&asked.session, &merchant)?;
        let forgotten = self.messages.acknowledge(account, ask.up_to).await.map_err(refused)?;
        count(&self.counters.messages_acknowledged, forgotten.count);
        Ok(forgotten)
    }

    /// Notices until the session ends (the last is `Ended`), the wallet drops the queue or does not read it, or the
    /// relay closes.
    ///
    /// Posts are those after the last page that was read in this session; if none was, those published from now on.
    /// Messages are told if this relay keeps them.
    ///
    /// # Errors
    /// As [`Relay::session`]; for a member as [`Relay::inbox`].
    pub async fn subscribe(self: &Arc<Self>, auth: SessionAuth, ask: Nothing) -> Answer<mpsc::Receiver<RelayNotice>> {
        Ok(self.connect(auth, ask).await?)
    }
}

fn refused(refusal: Refusal) -> RpcFault {
    refusal.fault()
}

impl Relay {
    /// The clock, microseconds since the Unix epoch.
    pub(crate) fn now_us(&self) -> u64 {
        (self.clock)()
    }

    /// Turns true when the relay closes.
    pub(crate) fn closed(&self) -> watch::Receiver<bool> {
        self.closed.subscribe()
    }

    fn check_open(&self) -> Result<(), RelayFault> {
        if *self.closed.borrow() { Err(RelayFault::Unavailable { what: "the relay is stopping" }) } else { Ok(()) }
    }

    /// Whose request this is, and at whose site.
    pub(crate) async fn asked(
        &self,
        auth: &SessionAuth,
        method: &str,
        ask: &impl Encode,
    ) -> Result<(Asked, Merchant), RelayFault> {
        self.check_open()?;
        let asked = self.sessions.accept(auth, method, ask).await?;
        let merchant = self.merchant_of(&asked.session).await?;
        Ok((asked, merchant))
    }

    /// The member at whose site a session is. If it may not be served any more, the session ends.
    pub(crate) async fn merchant_of(&self, session: &Session) -> Result<Merchant, RelayFault> {
        let found = standing::merchant(&*self.ledger, &self.key, &session.user);
        match &found {
            // Nothing about the session: its user goes on when the node may relay again.
            Ok(_) | Err(NotRelayed::NotARelay) => {}
            Err(_) => self.sessions.end(&session.id).await?,
        }
        Ok(found?)
    }

    fn counted(&self, opened: Result<RelaySession, RelayFault>) -> Answer<RelaySession> {
        match &opened {
            Ok(_) => count(&self.counters.logins_opened, 1),
            Err(fault) => self.count_refused(fault),
        }
        Ok(opened?)
    }

    fn count_refused(&self, fault: &RelayFault) {
        let is_refused = matches!(
            fault,
            RelayFault::LoginRefused
                | RelayFault::NotTheMembersKey
                | RelayFault::TooMany { .. }
                | RelayFault::BadSignature
                | RelayFault::OldCount { .. }
                | RelayFault::WrongClock { .. }
        );
        let counter = if is_refused { &self.counters.logins_refused } else { &self.counters.logins_failed };
        count(counter, 1);
    }
}
