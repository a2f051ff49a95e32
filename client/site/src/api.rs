//! What the site answers, path by path, once it is known which relay asks. Knows no HTTP.
mod login;
mod reading;

use crate::enrol::Enroller;
use crate::gate::{self, Asked, Nonces};
use crate::keys::SiteKeys;
use crate::limiter::{self, Limiter};
use crate::limits;
use crate::logins::Logins;
use crate::record::{BadRecord, User};
use crate::sessions::{self, Session, Sessions};
use crate::settings::LimitSettings;
use crate::store::{Store, StoreError};
use countersign_client::clock;
use countersign_client::rpc_types::site::{
    CONTACTS, ENROL, FaultBody, LOGIN_FINISH, LOGIN_START, LOGOUT, POSTS, SESSION, SessionToken, SiteFault,
};
use countersign_client::types::{AccountId, Name};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Semaphore, watch};

/// What can be asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Route {
    /// [`LOGIN_START`].
    LoginStart,
    /// [`LOGIN_FINISH`].
    LoginFinish,
    /// [`SESSION`].
    Session,
    /// [`LOGOUT`].
    Logout,
    /// [`CONTACTS`].
    Contacts,
    /// [`POSTS`].
    Posts,
    /// [`ENROL`].
    Enrol,
}

impl Route {
    /// Every route with its path.
    pub const ALL: [(&'static str, Self); 7] = [
        (LOGIN_START, Self::LoginStart),
        (LOGIN_FINISH, Self::LoginFinish),
        (SESSION, Self::Session),
        (LOGOUT, Self::Logout),
        (CONTACTS, Self::Contacts),
        (POSTS, Self::Posts),
        (ENROL, Self::Enrol),
    ];

    /// The route of this path.
    pub fn of(path: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == path).map(|(_, route)| *route)
    }
}

/// An answer that is not a success.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    /// The stable code.
    pub fault: SiteFault,
    /// For people.
    pub message: String,
    /// When it makes sense to try again.
    pub retry_after_ms: Option<u64>,
}

impl Refusal {
    /// A refusal with this message.
    pub fn new(fault: SiteFault, message: impl Into<String>) -> Self {
        Self { fault, message: message.into(), retry_after_ms: None }
    }

    /// The body it is answered with.
    pub fn body(&self) -> Vec<u8> {
        let (code, message) = (self.fault.code().into(), self.message.clone());
        to_json(&FaultBody { code, message, retry_after_ms: self.retry_after_ms })
    }
}

impl From<gate::Refused> for Refusal {
    fn from(refused: gate::Refused) -> Self {
        Self::new(refused.fault(), refused.to_string())
    }
}

impl From<StoreError> for Refusal {
    /// A store that fails is the site's fault: what failed is for its log, not for a relay.
    fn from(error: StoreError) -> Self {
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        tracing::error!(%error, cause, "the database failed");
        Self::new(SiteFault::Internal, "the site cannot answer now; its log says why")
    }
}

impl From<BadRecord> for Refusal {
    fn from(bad: BadRecord) -> Self {
        Self::new(SiteFault::BadRequest, bad.to_string())
    }
}

fn to_json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("answers are plain JSON")
}

/// What a route answers: JSON, or a refusal.
pub type Answer = Result<Vec<u8>, Refusal>;

/// The running site.
#[derive(Debug)]
pub struct Api {
    store: Arc<Store>,
    keys: SiteKeys,
    enroller: Option<Enroller>,
    settings: LimitSettings,
    nonces: Mutex<Nonces>,
    logins: Mutex<Logins>,
    sessions: Mutex<Sessions>,
    user_attempts: Mutex<Limiter<Name>>,
    relay_attempts: Mutex<Limiter<AccountId>>,
    waiting: Semaphore,
    /// Changes when something was published, and when the server stops.
    published: watch::Sender<()>,
    stopping: watch::Sender<bool>,
}

/// Nothing that is done under these locks can be left half done, so a panic elsewhere does not close them.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Api {
    /// A site with this database and these keys. The sessions that the database keeps go on.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] or [`StoreError::Database`].
    pub fn new(
        store: Arc<Store>,
        keys: SiteKeys,
        enroller: Option<Enroller>,
        settings: LimitSettings,
    ) -> Result<Self, StoreError> {
        let LimitSettings { attempts_per_user, attempts_per_relay, window_ms, .. } = settings;
        let sessions = Sessions::restored(store.sessions(clock::now().millis())?);
        Ok(Self {
            store,
            keys,
            enroller,
            settings,
            nonces: Mutex::default(),
            logins: Mutex::new(Logins::new(limits::LOGINS_MAX)),
            sessions: Mutex::new(sessions),
            user_attempts: Mutex::new(Limiter::new(attempts_per_user, window_ms, limits::COUNTED_MAX)),
            relay_attempts: Mutex::new(Limiter::new(attempts_per_relay, window_ms, limits::COUNTED_MAX)),
            waiting: Semaphore::new(limits::WAITING_MAX),
            published: watch::Sender::new(()),
            stopping: watch::Sender::new(false),
        })
    }

    /// The site.
    pub fn site(&self) -> &Name {
        self.store.site()
    }

    /// The site's own keys.
    pub fn keys(&self) -> &SiteKeys {
        &self.keys
    }

    /// The database.
    pub fn store(&self) -> &Arc<Store> {
        &self.store
    }

    /// Wakes requests that wait for posts.
    pub fn tell_published(&self) {
        self.published.send_replace(());
    }

    /// Ends waiting requests: the server stops.
    pub fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// Waits until the server stops.
    pub fn stopped(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut stopping = self.stopping.subscribe();
        async move {
            let _ = stopping.wait_for(|stopping| *stopping).await;
        }
    }

    /// Which relay asks.
    ///
    /// # Errors
    /// [`Refusal`] if it is none that is granted, or the request is not its own, new and recent.
    pub fn relay_of(&self, asked: &Asked<'_>) -> Result<AccountId, Refusal> {
        let granted = |relay: &AccountId| -> Result<_, Refusal> {
            let record = self.store.relay(relay)?;
            Ok(record.and_then(|record| record.key.parse().ok()))
        };
        lock(&self.nonces).check(asked, self.site().as_str(), clock::now().millis(), granted)
    }

    /// Answers what `relay` asks.
    ///
    /// # Errors
    /// [`Refusal`].
    pub async fn answer(&self, route: Route, relay: AccountId, body: &[u8]) -> Answer {
        let now_ms = clock::now().millis();
        match route {
            Route::LoginStart => self.login_start(relay, &read(body)?, now_ms),
            Route::LoginFinish => self.login_finish(relay, &read(body)?, now_ms),
            Route::Session => self.session(relay, &read(body)?, now_ms),
            Route::Logout => self.logout(relay, &read(body)?, now_ms),
            Route::Contacts => self.contacts(relay, &read(body)?, now_ms),
            Route::Posts => self.posts(relay, &read(body)?, now_ms).await,
            Route::Enrol => self.enrol(relay, &read(body)?, now_ms),
        }
    }

    /// The open session of this token and its user, if this relay may use it.
    fn open_session(&self, token: &SessionToken, relay: &AccountId, now_ms: u64) -> Result<(Session, User), Refusal> {
        let over = || Refusal::new(SiteFault::UnknownSession, "no such session is open for this relay; log in again");
        let session = lock(&self.sessions).get(token, relay, now_ms).cloned().ok_or_else(over)?;
        let user = self.store.user(&session.user)?.filter(|user| user.edition() == session.edition);
        match user {
            Some(user) => Ok((session, user)),
            None => {
                self.end_session(token)?;
                Err(over())
            }
        }
    }

    /// Ends a session. Also on disk: no restart brings it back.
    fn end_session(&self, token: &SessionToken) -> Result<(), StoreError> {
        let hash = sessions::hash(token);
        self.store.forget_session(&hash)?;
        lock(&self.sessions).remove(&hash);
        Ok(())
    }
}

/// Reads a body. The message names the field that is wrong.
fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| {
        // serde names fields and positions; values it cites are cut.
        let cause: String = error.to_string().chars().take(200).collect();
        Refusal::new(SiteFault::BadRequest, format!("the body is not the JSON this path takes: {cause}"))
    })
}

fn too_many(refused: limiter::Refused, whose: &str) -> Refusal {
    match refused {
        limiter::Refused::TooMany { retry_after_ms } => Refusal {
            retry_after_ms: Some(retry_after_ms),
            ..Refusal::new(SiteFault::TooManyAttempts, format!("too many attempts to log in {whose}; wait"))
        },
        limiter::Refused::Full => Refusal::new(SiteFault::Busy, "too many names were tried; try again later"),
    }
}

fn busy(what: &str) -> Refusal {
    Refusal::new(SiteFault::Busy, format!("the site holds as many {what} as it can; try again later"))
}

/// A page's size: what was asked for, within its bound.
fn page_size(limit: Option<u32>, most: u32) -> Result<usize, Refusal> {
    match limit.unwrap_or(most) {
        size if (1..=most).contains(&size) => Ok(size as usize),
        _ => Err(Refusal::new(SiteFault::BadRequest, format!("`limit` is 1 to {most}"))),
    }
}
