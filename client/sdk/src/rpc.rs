//! The node's methods over one WebSocket: connects again when it is lost, bounds every wait, and gives typed errors.
//!
//! Every method but a subscription may run twice when a connection breaks in between: all of them only read, but `tx_submit`,
//! where a transaction runs once whatever happens.
mod events;
mod learn;
mod methods;
mod wait;

pub use events::EventStream;
pub use learn::{Needy, with_needs};
pub use wait::Finality;

use crate::rpc_types::{ErrorCode, REQUEST_BYTES_MAX, RESPONSE_BYTES_MAX};
use crate::verify::{Provenance, StoreError, Verification, Verifier, VerifyError};
use jsonrpsee::core::ClientError as WireError;
use jsonrpsee::ws_client::{PingConfig, WsClient, WsClientBuilder};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;

/// Bytes of an error's text that are kept: it comes from the other side.
const MESSAGE_BYTES_MAX: usize = 2 * 1024;

/// How long to wait for what.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Patience {
    /// For a connection.
    pub connect: Duration,
    /// For one answer.
    pub request: Duration,
    /// For the block that certifies the newest one, which follows at once; or for a node that is a few blocks behind.
    pub certify: Duration,
    /// Attempts before a node counts as unreachable, with pauses of 0.1 s, 0.2 s, 0.4 s … between them.
    pub attempts: u32,
}

impl Default for Patience {
    /// A node on the same continent answers in a fraction; one that is starting is given two seconds.
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            request: Duration::from_secs(20),
            certify: Duration::from_secs(10),
            attempts: 5,
        }
    }
}

/// A node, connected as needed. Cheap to share: clones use one connection.
#[derive(Clone)]
pub struct Client {
    url: Arc<str>,
    patience: Patience,
    connection: Arc<Mutex<Option<Arc<WsClient>>>>,
    verifier: Option<Arc<Verifier>>,
    provenance: Arc<Provenance>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("url", &self.url).finish_non_exhaustive()
    }
}

/// What a node answered instead of a result.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// The code, if this program knows it.
    pub code: Option<ErrorCode>,
    /// Its number.
    pub number: i32,
    /// For people.
    pub message: String,
    /// For programs; what it holds is told at the code.
    pub data: Option<serde_json::Value>,
}

/// Why there is no result.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Not an address of a node.
    #[error("`{url}` is no address of a node; one is ws://127.0.0.1:26800")]
    BadUrl {
        /// What was given.
        url: String,
    },
    /// No connection after all attempts.
    #[error("the node at {url} cannot be reached")]
    Unreachable {
        /// Its address.
        url: String,
        /// The last attempt's failure.
        #[source]
        source: Box<WireError>,
    },
    /// Connected, but no answer in time.
    #[error("the node at {url} did not answer {method} in {seconds} s")]
    Timeout {
        /// Its address.
        url: String,
        /// The method.
        method: &'static str,
        /// Waited for an answer.
        seconds: u64,
    },
    /// The node refused.
    #[error("{}", .0.message)]
    Refused(Refusal),
    /// The answer is not what the method gives: another version, or no node of this ledger.
    #[error("the node's answer to {method} is not as declared: {cause}")]
    BadAnswer {
        /// The method.
        method: &'static str,
        /// What is wrong with it.
        cause: String,
    },
    /// The answer does not follow from what the validators certified: the node lies, is broken, or is of another chain.
    #[error("the node's answer is not to be believed")]
    Unverified(#[from] VerifyError),
    /// What is trusted cannot be read or kept.
    #[error(transparent)]
    Trust(#[from] StoreError),
    /// The transaction was taken but not decided in time. It may still be, until it expires.
    #[error("transaction {id} is not decided after {seconds} s; ask again with `tx status`")]
    NotFinal {
        /// Its id.
        id: String,
        /// Waited for it.
        seconds: u64,
    },
}

impl ClientError {
    /// The node's code, if it refused with one that is known.
    pub fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Refused(refusal) => refusal.code,
            _ => None,
        }
    }
}

impl Client {
    /// A node by its address: `ws://`, `wss://`, `http://`, `https://` or `host:port`. Connects with the first call.
    ///
    /// # Errors
    /// [`ClientError::BadUrl`].
    pub fn new(url: &str, patience: Patience) -> Result<Self, ClientError> {
        let url = websocket_url(url).ok_or_else(|| ClientError::BadUrl { url: url.chars().take(120).collect() })?;
        Ok(Self { url: url.into(), patience, connection: Arc::default(), verifier: None, provenance: Arc::default() })
    }

    /// The same node, of which what can be proven is believed only with proof: records of the ledger and of contracts,
    /// interfaces, receipts. The rest stays its word, as [`Client::provenance`] tells.
    #[must_use]
    pub fn verifying(self, verification: Verification) -> Self {
        Self { verifier: Some(Arc::new(Verifier::new(verification))), ..self }
    }

    pub(crate) fn verifier(&self) -> Option<&Verifier> {
        self.verifier.as_deref()
    }

    /// Whether the answers so far were proven. Shared by clones.
    pub fn provenance(&self) -> &Arc<Provenance> {
        &self.provenance
    }

    pub(crate) fn sharing(self, provenance: Arc<Provenance>) -> Self {
        Self { provenance, ..self }
    }

    pub(crate) fn patience(&self) -> &Patience {
        &self.patience
    }

    /// The node's address.
    pub fn url(&self) -> &str {
        &self.url
    }

    async fn connection(&self) -> Result<Arc<WsClient>, WireError> {
        let mut slot = self.connection.lock().await;
        if let Some(client) = slot.as_ref().filter(|client| client.is_connected()) {
            return Ok(client.clone());
        }
        let client = WsClientBuilder::new()
            .connection_timeout(self.patience.connect)
            .request_timeout(self.patience.request)
            .max_request_size(REQUEST_BYTES_MAX)
            .max_response_size(RESPONSE_BYTES_MAX)
            .enable_ws_ping(PingConfig::new())
            .build(&self.url)
            .await?;
        let client = Arc::new(client);
        *slot = Some(client.clone());
        Ok(client)
    }

    /// Runs a method whose answer is the node's word.
    pub(crate) async fn call<T, F>(
        &self,
        method: &'static str,
        run: impl Fn(Arc<WsClient>) -> F,
    ) -> Result<T, ClientError>
    where
        F: Future<Output = Result<T, WireError>>,
    {
        self.provenance.hear();
        self.fetch(method, run).await
    }

    /// Runs one method, connecting and trying again as the patience allows. Its answer is a proof, or checked by one.
    async fn fetch<T, F>(&self, method: &'static str, run: impl Fn(Arc<WsClient>) -> F) -> Result<T, ClientError>
    where
        F: Future<Output = Result<T, WireError>>,
    {
        let mut pause = Duration::from_millis(100);
        let mut attempt = 1;
        loop {
            let result = match self.connection().await {
                Ok(client) => run(client).await,
                Err(error) => Err(error),
            };
            let error = match result {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            if attempt >= self.patience.attempts || !is_passing(&error) {
                return Err(self.explain(method, error));
            }
            attempt += 1;
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
    }

    fn explain(&self, method: &'static str, error: WireError) -> ClientError {
        match error {
            WireError::Call(object) => ClientError::Refused(Refusal {
                code: known_code(object.code()),
                number: object.code(),
                message: object.message().chars().take(MESSAGE_BYTES_MAX).collect(),
                data: object.data().and_then(|data| serde_json::from_str(data.get()).ok()),
            }),
            WireError::RequestTimeout => {
                ClientError::Timeout { url: self.url.to_string(), method, seconds: self.patience.request.as_secs() }
            }
            WireError::ParseError(cause) => ClientError::BadAnswer { method, cause: cause.to_string() },
            source => ClientError::Unreachable { url: self.url.to_string(), source: Box::new(source) },
        }
    }
}

fn known_code(number: i32) -> Option<ErrorCode> {
    ErrorCode::ALL.iter().map(|(code, _, _)| *code).find(|code| *code as i32 == number)
}

/// True if the same call may succeed a moment later.
fn is_passing(error: &WireError) -> bool {
    match error {
        WireError::Transport(_) | WireError::RestartNeeded(_) | WireError::ServiceDisconnect => true,
        WireError::Call(object) => object.code() == ErrorCode::Unavailable as i32,
        _ => false,
    }
}

/// Every transport of the node is on one port, so an HTTP address leads to the WebSocket too.
fn websocket_url(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://").unwrap_or(("ws", url));
    let scheme = match scheme {
        "ws" | "http" => "ws",
        "wss" | "https" => "wss",
        _ => return None,
    };
    let host = rest.split('/').next().unwrap_or_default();
    let plain = !host.is_empty() && rest.len() < 1_000 && rest.bytes().all(|b| b.is_ascii_graphic());
    plain.then(|| format!("{scheme}://{rest}"))
}

#[cfg(test)]
mod tests;
