//! A node's relay, asked by a wallet: log-in, and everything a session may ask for. Every request of a session is
//! signed by the wallet's key with a count that only grows, so that a token alone, or a request that was listened to,
//! is worth nothing.
//!
//! ```text
//! RelayClient ─log-in (messaging/login.rs)→ StoredSession ─with its Signer→ LiveSession ─signed requests→ relay
//! ```
mod live;
mod notices;

pub use live::LiveSession;
pub use notices::{Notice, NoticeStream};

use crate::rpc::{ClientError, Patience, Refusal};
use crate::rpc_types::relay::api::RelayRpcClient;
use crate::rpc_types::relay::{
    COUNT_AGE_US_MAX, MemberLogin, RelayInfo, RelayLoginFinish, RelaySession, member_login_digest,
};
use crate::rpc_types::site::{LoginStart, LoginStarted};
use crate::rpc_types::{ErrorCode, HexBytes};
use crate::signer::{Signer, SignerError};
use crate::types::{Hash, Name, PublicKey};
use crate::{Client, clock};
use jsonrpsee::core::ClientError as WireError;
use jsonrpsee::ws_client::WsClient;
use std::cell::Cell;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// The greatest count this program has used, for whatever session.
static COUNT: AtomicU64 = AtomicU64::new(0);

/// A node's relay.
#[derive(Clone, Debug)]
pub struct RelayClient {
    node: Client,
}

/// Why a relay gave no result.
#[derive(Debug, thiserror::Error)]
pub enum RelayError {
    /// It was not reached, refused, or answered something else.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The wallet's key does not sign the request.
    #[error(transparent)]
    Signer(#[from] SignerError),
    /// The session is over.
    #[error("the relay knows the session of {user} no more: `countersign login {user}`")]
    SessionEnded {
        /// Whose.
        user: Name,
    },
    /// The machines' clocks are too far apart for signed requests.
    #[error(
        "this machine's clock is {seconds} s {direction} the relay's, {} s are tolerated: set it",
        COUNT_AGE_US_MAX / 1_000_000
    )]
    ClockOff {
        /// How far.
        seconds: u64,
        /// `ahead of` or `behind`.
        direction: &'static str,
    },
    /// Messages are kept elsewhere.
    #[error(
        "the messages of {user} are not kept at this relay but at {home}, the first that its site grants: log in \
         there with --relay"
    )]
    OtherHome {
        /// Whose.
        user: Name,
        /// The relay that keeps them.
        home: PublicKey,
    },
}

impl RelayError {
    /// The relay's code, if it refused with one that is known.
    pub fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Client(error) => error.code(),
            Self::SessionEnded { .. } => Some(ErrorCode::SessionEnded),
            Self::ClockOff { .. } => Some(ErrorCode::BadProof),
            Self::OtherHome { .. } => Some(ErrorCode::MessageRefused),
            Self::Signer(_) => None,
        }
    }
}

/// A count for a signed request: this machine's time in microseconds, greater than any given before.
fn next_count() -> u64 {
    let now_us = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |age| age.as_micros());
    let now_us = u64::try_from(now_us).unwrap_or(u64::MAX);
    let next = |last: u64| now_us.max(last.saturating_add(1));
    let last = COUNT.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| Some(next(last)));
    last.map_or(now_us, next)
}

/// Goes on after the count that the relay says it has seen, as far as it is one of today: another run of this wallet may have
/// been faster, or this clock is some seconds behind that of a relay which has just started.
fn go_on_after(refused: &ClientError) {
    let ClientError::Refused(Refusal { data: Some(data), .. }) = refused else {
        return;
    };
    let now_us = clock::now().millis().saturating_mul(1_000);
    if let Some(last) = data["last"].as_u64().filter(|last| last.abs_diff(now_us) <= COUNT_AGE_US_MAX) {
        COUNT.fetch_max(last, Ordering::Relaxed);
    }
}

impl RelayClient {
    /// The relay of the node at an address, as [`Client::new`] takes it.
    ///
    /// # Errors
    /// [`ClientError::BadUrl`].
    pub fn new(url: &str, patience: Patience) -> Result<Self, ClientError> {
        Ok(Self { node: Client::new(url, patience)? })
    }

    /// The same relay, whose answers count as a node's word where `client` tells what its answers rest on.
    #[must_use]
    pub fn heard_by(self, client: &Client) -> Self {
        Self { node: self.node.sharing(client.provenance().clone()) }
    }

    /// The relay of a node, over the same connection.
    pub fn of(node: &Client) -> Self {
        Self { node: node.clone() }
    }

    /// The node's address.
    pub fn url(&self) -> &str {
        self.node.url()
    }

    /// Who the relay is, by its own word. The ledger says whether it may relay
    /// ([`crate::messaging::login::check_relay`]).
    ///
    /// # Errors
    /// [`RelayError`]; a node that relays nothing refuses with [`ErrorCode::NotRelayed`].
    pub async fn info(&self) -> Result<RelayInfo, RelayError> {
        Ok(self.node.call("relay_info", |c| async move { c.relay_info().await }).await?)
    }

    /// Begins the log-in of a user.
    ///
    /// # Errors
    /// [`RelayError`].
    pub async fn login_start(&self, start: &LoginStart) -> Result<LoginStarted, RelayError> {
        let run = |c: Arc<WsClient>| async move { c.relay_login_start(start.clone()).await };
        Ok(self.node.call("relay_login_start", run).await?)
    }

    /// Ends it.
    ///
    /// # Errors
    /// [`RelayError`].
    pub async fn login_finish(&self, finish: &RelayLoginFinish) -> Result<RelaySession, RelayError> {
        let run = |c: Arc<WsClient>| async move { c.relay_login_finish(finish.clone()).await };
        Ok(self.node.call("relay_login_finish", run).await?)
    }

    /// Opens a session for a member's own account at the relay with this key.
    ///
    /// # Errors
    /// [`RelayError`].
    pub async fn member_login(
        &self,
        relay: &PublicKey,
        chain: &Hash,
        member: &Name,
        signer: &dyn Signer,
    ) -> Result<RelaySession, RelayError> {
        let key = signer.public_key();
        let login = || -> Result<MemberLogin, SignerError> {
            let count = next_count();
            let signature = signer.try_sign(&member_login_digest(relay, chain, member.as_str(), &key, count).0)?;
            let signature = HexBytes(signature.0.to_vec());
            Ok(MemberLogin { member: member.to_string(), key: key.to_string(), count, signature })
        };
        let run = |c: Arc<WsClient>, login| async move { c.relay_member_login(login).await };
        self.signed("relay_member_login", login, run).await
    }

    /// Asks with something that is signed anew for every attempt. If the count is refused, it is tried once more with a greater one.
    async fn signed<S, T, F>(
        &self,
        method: &'static str,
        sign: impl Fn() -> Result<S, SignerError>,
        run: impl Fn(Arc<WsClient>, S) -> F,
    ) -> Result<T, RelayError>
    where
        F: Future<Output = Result<T, WireError>>,
    {
        match self.signed_once(method, &sign, &run).await {
            Err(RelayError::Client(error)) if error.code() == Some(ErrorCode::BadProof) => go_on_after(&error),
            other => return other,
        }
        match self.signed_once(method, &sign, &run).await {
            Err(RelayError::Client(error)) if error.code() == Some(ErrorCode::BadProof) => {
                Err(self.explain_proof(error).await)
            }
            other => other,
        }
    }

    async fn signed_once<S, T, F>(
        &self,
        method: &'static str,
        sign: &impl Fn() -> Result<S, SignerError>,
        run: &impl Fn(Arc<WsClient>, S) -> F,
    ) -> Result<T, RelayError>
    where
        F: Future<Output = Result<T, WireError>>,
    {
        let failed = &Cell::new(None);
        let answer = self.node.call(method, |client| async move {
            match sign() {
                Ok(signed) => run(client, signed).await,
                Err(error) => {
                    failed.set(Some(error));
                    Err(WireError::Custom("the request is not signed".into()))
                }
            }
        });
        let answer = answer.await;
        match failed.take() {
            Some(error) => Err(error.into()),
            None => Ok(answer?),
        }
    }

    /// Why a relay does not take a signature: most often the clocks.
    async fn explain_proof(&self, refused: ClientError) -> RelayError {
        let Ok(info) = self.info().await else {
            return refused.into();
        };
        let here_ms = clock::now().millis();
        let apart_ms = here_ms.abs_diff(info.time_ms);
        if apart_ms.saturating_mul(1_000) <= COUNT_AGE_US_MAX {
            return refused.into();
        }
        let direction = if here_ms > info.time_ms { "ahead of" } else { "behind" };
        RelayError::ClockOff { seconds: apart_ms / 1_000, direction }
    }
}

#[cfg(test)]
mod tests;
