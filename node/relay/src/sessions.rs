//! Sessions: whose request it is. Every request is signed by the session's key and counts once; who has a token alone
//! can do nothing.
//!
//! Sessions are on disk and in memory. Whether the ledger still lets the relay work for the session's user is not known
//! here: whoever asks looks there ([`crate::standing`]).
//!
//! # Counts across a restart
//! The greatest count of a session is in memory only. Counts are the wallet's time and at most [`COUNT_AGE_US_MAX`]
//! from the relay's clock when they are accepted. After a restart, of a session that was on disk
//! - a count of at most the time of the start is refused: what was accepted before with a wallet's clock that is behind
//!   the relay's, or right, has such a count;
//! - a count that is ahead of the relay's clock is written to its record before the request is answered, and is the
//!   least after the restart if it is greater.
//!
//! So nothing that was accepted is accepted again, and only wallets whose clocks are ahead cost a write. A wallet whose
//! clock is behind by some seconds is refused as long after a restart, and told the least count that is accepted. It
//! would be wrong if the relay's clock were set back while it does not run.
mod pace;
mod record;
mod table;
#[cfg(test)]
mod tests;

pub(crate) use record::SiteToken;

use crate::clock::Clock;
use crate::fault::RelayFault;
use crate::limits;
use crate::store::{Store, StoreError};
use countersign_rpc_types::HexBytes;
use countersign_rpc_types::relay::{COUNT_AGE_US_MAX, SessionAuth, request_digest};
use countersign_rpc_types::site::SessionToken;
use countersign_types::signature::{Signature, verify};
use countersign_types::{Hash, Name, PublicKey};
use pace::Pace;
use parity_scale_codec::Encode;
use record::{Record, Sealed};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use table::Table;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use zeroize::Zeroizing;

/// Nothing that is done under these locks can be left half done, so a panic elsewhere does not close them.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// True if `signature` is by `key` over `digest`.
pub(crate) fn is_signed(key: &PublicKey, digest: &Hash, signature: &HexBytes) -> bool {
    let signature = <[u8; 64]>::try_from(signature.0.as_slice());
    signature.is_ok_and(|signature| verify(key, &digest.0, &Signature(signature)))
}

/// A session that is open.
pub(crate) struct Session {
    /// The hash of its token.
    pub id: Hash,
    /// The user or member.
    pub user: Name,
    /// The key that signs its requests.
    pub key: PublicKey,
    /// When it ends, milliseconds since the Unix epoch.
    pub expires_at_ms: u64,
    site_token: Option<Sealed>,
    pace: Mutex<Pace>,
    places: Arc<Semaphore>,
    ended: watch::Sender<bool>,
    /// Up to which post the wallet has read; `None` if it has not asked for any.
    read: Mutex<Option<u64>>,
}

impl Session {
    fn new(id: Hash, record: Record, pace: Pace) -> Arc<Self> {
        let Record { user, key, expires_at_ms, site_token, .. } = record;
        let places = Arc::new(Semaphore::new(limits::SESSION_REQUESTS_MAX));
        let (pace, ended, read) = (Mutex::new(pace), watch::Sender::new(false), Mutex::default());
        Arc::new(Self { id, user, key, expires_at_ms, site_token, pace, places, ended, read })
    }

    /// Turns true when the session ends before its time.
    pub fn ended(&self) -> watch::Receiver<bool> {
        self.ended.subscribe()
    }

    /// True if it is over at this time, or was ended.
    pub fn is_over(&self, now_us: u64) -> bool {
        *self.ended.borrow() || self.expires_at_ms <= now_us / 1_000
    }

    /// Up to which post the wallet has read.
    pub fn read(&self) -> Option<u64> {
        *lock(&self.read)
    }

    /// The wallet has been given posts up to this number.
    pub fn has_read(&self, number: u64) {
        let mut read = lock(&self.read);
        *read = Some(read.unwrap_or_default().max(number));
    }
}

/// A session to be opened.
pub(crate) struct NewSession {
    /// The user or member.
    pub user: Name,
    /// The key that will sign its requests.
    pub key: PublicKey,
    /// When it ends.
    pub expires_at_ms: u64,
    /// The token of the site's session; a member has none.
    pub site_token: Option<SessionToken>,
    /// The count of the member's log-in; 0 for a user's.
    pub count: u64,
}

/// A request that the session's wallet makes now.
pub(crate) struct Asked {
    /// The session.
    pub session: Arc<Session>,
    /// The token of the site's session; a member has none.
    pub site_token: Option<SiteToken>,
    _place: OwnedSemaphorePermit,
}

/// The sessions of one relay.
pub(crate) struct Sessions {
    table: Table,
    secret: Zeroizing<[u8; 32]>,
    relay: PublicKey,
    clock: Clock,
    /// Counts up to this one may have been accepted before the restart.
    started_at_us: u64,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    sessions: HashMap<Hash, Arc<Session>>,
    /// Ids of a user's sessions, the oldest first.
    of_user: HashMap<Name, Vec<Hash>>,
    /// The greatest count of the log-ins by a member's key.
    member_counts: HashMap<PublicKey, u64>,
}

impl Open {
    fn insert(&mut self, session: Arc<Session>) {
        self.of_user.entry(session.user.clone()).or_default().push(session.id);
        self.sessions.insert(session.id, session);
    }

    /// Takes a session out and ends what is connected to it.
    fn remove(&mut self, id: &Hash) {
        let Some(session) = self.sessions.remove(id) else { return };
        if let Some(ids) = self.of_user.get_mut(&session.user) {
            ids.retain(|other| other != id);
            if ids.is_empty() {
                self.of_user.remove(&session.user);
            }
        }
        session.ended.send_replace(true);
    }
}

impl Sessions {
    /// Opens those on disk.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn open_all(
        store: Arc<Store>,
        secret: Zeroizing<[u8; 32]>,
        relay: PublicKey,
        clock: Clock,
    ) -> Result<Self, StoreError> {
        let started_at_us = clock();
        let (table, mut kept) = Table::open(store)?;
        kept.sort_by_key(|(id, record)| (record.expires_at_ms, *id));
        let mut open = Open::default();
        for (id, record) in kept {
            let floor = record.count.max(started_at_us);
            if record.site_token.is_none() {
                let last = open.member_counts.entry(record.key).or_default();
                *last = floor.max(*last);
            }
            open.insert(Session::new(id, record, Pace::new(floor)));
        }
        Ok(Self { table, secret, relay, clock, started_at_us, open: Mutex::new(open) })
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        lock(&self.open).sessions.len()
    }

    /// Opens a session; it is on disk when this answers. Beyond [`limits::USER_SESSIONS_MAX`] the user's oldest one
    /// ends.
    ///
    /// # Errors
    /// `Full`, or `Unavailable` if the disk fails.
    pub async fn open(&self, new: NewSession) -> Result<(SessionToken, Arc<Session>), RelayFault> {
        let mut token = SessionToken([0; 32]);
        getrandom::fill(&mut token.0)
            .map_err(|_| RelayFault::Unavailable { what: "the system gives no random bytes" })?;
        let id = record::id(&token);
        let NewSession { user, key, expires_at_ms, site_token, count } = new;
        let site_token = site_token.map(|site_token| Sealed::seal(&self.secret, &token, &site_token));
        let record = Record { user, key, expires_at_ms, count, site_token };
        // Of a new token nothing can have been accepted.
        let session = Session::new(id, record.clone(), Pace::new(0));
        let ended = {
            let mut open = lock(&self.open);
            if open.sessions.len() >= limits::SESSIONS_MAX {
                return Err(RelayFault::Full { what: "sessions" });
            }
            let ids = open.of_user.get(&session.user).map_or(&[][..], Vec::as_slice);
            let ended: Vec<_> = ids.iter().rev().skip(limits::USER_SESSIONS_MAX - 1).copied().collect();
            ended.iter().for_each(|old| open.remove(old));
            open.insert(session.clone());
            ended
        };
        // Nobody has the token yet: should the disk fail, nobody can use what is in memory.
        if let Err(error) = self.table.put(id, record, ended).await {
            lock(&self.open).remove(&id);
            return Err(error.into());
        }
        Ok((token, session))
    }

    /// Whose request this is. It counts once: asked again with the same count, it is refused.
    ///
    /// # Errors
    /// `SessionEnded`, `BadSignature`, `WrongClock`, `OldCount`, `TooMany`, or `Unavailable` if the disk fails.
    pub async fn accept(&self, auth: &SessionAuth, method: &str, ask: &impl Encode) -> Result<Asked, RelayFault> {
        let now_us = (self.clock)();
        let found = lock(&self.open).sessions.get(&record::id(&auth.session)).cloned();
        let session = found.ok_or(RelayFault::SessionEnded)?;
        if session.is_over(now_us) {
            self.end(&session.id).await?;
            return Err(RelayFault::SessionEnded);
        }
        let digest = request_digest(&self.relay, &auth.session, auth.count, method, ask);
        if !is_signed(&session.key, &digest, &auth.signature) {
            return Err(RelayFault::BadSignature);
        }
        self.check_clock(auth.count, now_us)?;
        lock(&session.pace).take(auth.count, now_us)?;
        let busy = |_| RelayFault::TooMany { retry_after_ms: 1_000 };
        let place = session.places.clone().try_acquire_owned().map_err(busy)?;
        if auth.count > now_us {
            self.table.note_count(session.id, auth.count).await?;
        }
        let opened = session.site_token.as_ref().map(|sealed| sealed.open(&self.secret, &auth.session));
        match opened {
            // Sealed by another secret: the node's network key was changed.
            Some(None) => {
                self.end(&session.id).await?;
                Err(RelayFault::SessionEnded)
            }
            Some(site_token) => Ok(Asked { session, site_token, _place: place }),
            None => Ok(Asked { session, site_token: None, _place: place }),
        }
    }

    /// Counts a member's log-in, whose signature was found right.
    ///
    /// # Errors
    /// `WrongClock`, `OldCount` or `Full`.
    pub fn count_member_login(&self, key: &PublicKey, count: u64) -> Result<(), RelayFault> {
        let now_us = (self.clock)();
        self.check_clock(count, now_us)?;
        let mut open = lock(&self.open);
        let last = open.member_counts.get(key).copied().unwrap_or(self.started_at_us);
        if count <= last {
            return Err(RelayFault::OldCount { count, last });
        }
        if open.member_counts.len() >= limits::MEMBER_COUNTS_MAX {
            // Older ones are refused by the clock.
            open.member_counts.retain(|_, last| last.saturating_add(COUNT_AGE_US_MAX) >= now_us);
        }
        if open.member_counts.len() >= limits::MEMBER_COUNTS_MAX && !open.member_counts.contains_key(key) {
            return Err(RelayFault::Full { what: "log-ins of members" });
        }
        open.member_counts.insert(*key, count);
        Ok(())
    }

    fn check_clock(&self, count: u64, now: u64) -> Result<(), RelayFault> {
        if count.abs_diff(now) > COUNT_AGE_US_MAX { Err(RelayFault::WrongClock { count, now }) } else { Ok(()) }
    }

    /// Ends a session: nothing is answered in it from now on, and it does not come back after a crash.
    ///
    /// # Errors
    /// `Unavailable` if the disk fails: then it is over, but may come back after a restart.
    pub async fn end(&self, id: &Hash) -> Result<(), RelayFault> {
        lock(&self.open).remove(id);
        Ok(self.table.remove(vec![*id]).await?)
    }

    /// Forgets those whose time is over.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn sweep(&self) -> Result<(), StoreError> {
        let now_us = (self.clock)();
        let over: Vec<Hash> = {
            let mut open = lock(&self.open);
            let over = open.sessions.values().filter(|session| session.is_over(now_us)).map(|session| session.id);
            let over: Vec<_> = over.collect();
            over.iter().for_each(|id| open.remove(id));
            over
        };
        if over.is_empty() { Ok(()) } else { self.table.remove(over).await }
    }
}
