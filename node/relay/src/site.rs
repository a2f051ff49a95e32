//! Asks merchants' sites over HTTPS. Nothing of an answer is believed before the key that the ledger has for the site
//! has been found to have signed it, for this request: neither a verdict nor a refusal.
//!
//! ```text
//! login.rs, reading.rs ─ask→ lane of the site (turns) ─sign_request→ connect.rs (TLS, trust.rs) ─→ the site
//! subscriptions.rs ─poll→ its polls                                  check_answer ←──────────────┘
//! ```
mod connect;
mod probe;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod trust;

pub use probe::{ProbeError, probe};
pub use trust::{TrustError, certificates};

use crate::clock::Clock;
use crate::limits;
use crate::standing::Merchant;
use bytes::Bytes;
use connect::Connector;
use countersign_rpc_types::site::signature::{
    Claim, RequestLine, SITE_HEADER, SignatureFault, SignedHeaders, check_answer, sign_request,
};
use countersign_rpc_types::site::{ANSWER_BYTES_MAX, BODY_BYTES_MAX, FaultBody, POSTS, PostsAsk, PostsPage, SiteFault};
use countersign_types::endpoint::Endpoint;
use countersign_types::{AccountId, Name, PublicKey};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::header::{CONTENT_TYPE, HeaderMap};
use hyper::{Request, StatusCode};
use hyper_util::client::legacy::{self, Client};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::HashMap;
use std::error::Error;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_rustls::rustls;
use zeroize::Zeroizing;

/// How every request is asked.
const METHOD: &str = "POST";

/// Why no sites can be asked at all.
#[derive(Debug, thiserror::Error)]
pub enum SitesError {
    /// The operator's certificates.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// The library.
    #[error("TLS cannot be used")]
    Tls(#[source] rustls::Error),
}

/// Why a site did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SiteError {
    /// What the ledger has is no address.
    #[error("its address on the ledger is not `https://host` or `https://host:port`")]
    BadEndpoint,
    /// The request is longer than sites take.
    #[error("the request has {size} bytes, sites take {BODY_BYTES_MAX}")]
    TooLarge {
        /// Its bytes.
        size: usize,
    },
    /// So many requests wait for it already.
    #[error("it has too many requests of this relay to answer; try again later")]
    Busy,
    /// No connection.
    #[error("it cannot be reached, or its certificate is not trusted")]
    Unreachable(#[source] legacy::Error),
    /// No answer in time.
    #[error("it did not answer in time")]
    TooSlow,
    /// The connection broke before the answer was there.
    #[error("its answer broke off, or is not HTTP")]
    Broken(#[source] Box<dyn Error + Send + Sync>),
    /// The answer is too long.
    #[error("its answer has more than {ANSWER_BYTES_MAX} bytes")]
    TooLong,
    /// Anybody could have sent this.
    #[error("its answer is not signed for this request by the key that it has on the ledger")]
    NotSigned(#[source] SignatureFault),
    /// It signed something else than the interface has.
    #[error("its answer is not what the interface has at this place")]
    Malformed,
    /// It refuses.
    #[error("it refuses ({code}): {message}")]
    Refused {
        /// The fault, if it is one of the interface.
        fault: Option<SiteFault>,
        /// Its code, of letters and `_`.
        code: String,
        /// Its words, cut and without control characters.
        message: String,
        /// When it makes sense to try again.
        retry_after_ms: Option<u64>,
    },
}

impl SiteError {
    /// For programs; never changes its meaning.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::BadEndpoint => "bad_endpoint",
            Self::TooLarge { .. } => "too_large",
            Self::Busy => "busy",
            Self::Unreachable(_) => "unreachable",
            Self::TooSlow => "too_slow",
            Self::Broken(_) => "broken_off",
            Self::TooLong => "too_long",
            Self::NotSigned(_) => "not_signed",
            Self::Malformed => "malformed",
            Self::Refused { .. } => "refused",
        }
    }
}

/// How long sites are waited for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// For an answer, with the wait for a turn.
    pub answer: Duration,
    /// For the answer to a request that may wait for posts, beyond that wait.
    pub margin: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { answer: limits::SITE_ANSWER_WAIT, margin: limits::POSTS_MARGIN }
    }
}

/// All sites, by one relay.
pub(crate) struct Sites {
    client: Client<Connector, Full<Bytes>>,
    secret: Zeroizing<[u8; 32]>,
    relay: AccountId,
    clock: Clock,
    patience: Patience,
    /// Names are of members on the ledger only, so there are as many lanes as members.
    lanes: Mutex<HashMap<Name, Arc<Lane>>>,
    polls: Semaphore,
}

/// What is under way at one site.
struct Lane {
    places: Semaphore,
    turns: Semaphore,
    polls: Semaphore,
}

impl Default for Lane {
    fn default() -> Self {
        Self {
            places: Semaphore::new(limits::SITE_QUEUE_MAX),
            turns: Semaphore::new(limits::SITE_REQUESTS_MAX),
            polls: Semaphore::new(limits::SITE_POLLS_MAX),
        }
    }
}

/// An answer's parts before anything of it is believed.
struct Heard {
    status: StatusCode,
    headers: SignedHeaders,
    body: Bytes,
}

impl Sites {
    /// For the relay with this secret; trusts the system's certificates and those of the file.
    ///
    /// # Errors
    /// [`SitesError`].
    pub fn new(
        secret: Zeroizing<[u8; 32]>,
        relay: &PublicKey,
        trusted: Option<&Path>,
        clock: Clock,
        patience: Patience,
    ) -> Result<Self, SitesError> {
        let connector = Connector::new(trust::roots(trusted)?).map_err(SitesError::Tls)?;
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(limits::SITE_IDLE)
            .pool_max_idle_per_host(limits::SITE_IDLE_CONNECTIONS_MAX)
            .http1_max_buf_size(limits::ANSWER_HEAD_BYTES_MAX)
            .http1_max_headers(limits::ANSWER_HEADERS_MAX)
            .build(connector);
        let (lanes, polls) = (Mutex::default(), Semaphore::new(limits::POLLS_MAX));
        Ok(Self { client, secret, relay: AccountId::of_key(relay), clock, patience, lanes, polls })
    }

    /// Asks a site.
    ///
    /// # Errors
    /// [`SiteError`].
    pub async fn ask<A: DeserializeOwned>(
        &self,
        merchant: &Merchant,
        path: &'static str,
        ask: &impl Serialize,
    ) -> Result<A, SiteError> {
        let body = to_body(ask)?;
        let lane = self.lane(&merchant.name);
        let _place = lane.places.try_acquire().map_err(|_| SiteError::Busy)?;
        let asked = async {
            let _turn = lane.turns.acquire().await.map_err(|_| SiteError::Busy)?;
            self.exchange(merchant, path, body).await
        };
        let answer = timeout(self.patience.answer, asked).await.map_err(|_| SiteError::TooSlow)??;
        read(answer)
    }

    /// Posts after a number; waits for the first as long as the ask says.
    ///
    /// # Errors
    /// [`SiteError`]; `Malformed` also if their numbers do not grow, by which a reader would never come to an end.
    pub async fn posts(&self, merchant: &Merchant, ask: &PostsAsk) -> Result<PostsPage, SiteError> {
        let page: PostsPage = if ask.wait_ms == 0 {
            self.ask(merchant, POSTS, ask).await?
        } else {
            self.wait_for_posts(merchant, ask).await?
        };
        let mut last = ask.after;
        for post in &page.posts {
            if post.number <= last {
                return Err(SiteError::Malformed);
            }
            last = post.number;
        }
        if page.next == last && (!page.more || last > ask.after) { Ok(page) } else { Err(SiteError::Malformed) }
    }

    async fn wait_for_posts(&self, merchant: &Merchant, ask: &PostsAsk) -> Result<PostsPage, SiteError> {
        let lane = self.lane(&merchant.name);
        let is_crowded = lane.polls.available_permits() == 0 || self.polls.available_permits() == 0;
        // Never closed. Whoever waits for a place is let in in turn.
        let _place = lane.polls.acquire().await.map_err(|_| SiteError::Busy)?;
        let _one_of_all = self.polls.acquire().await.map_err(|_| SiteError::Busy)?;
        let wait_ms = if is_crowded { ask.wait_ms.min(limits::CROWDED_WAIT_MS) } else { ask.wait_ms };
        let body = to_body(&PostsAsk { wait_ms, ..ask.clone() })?;
        let patience = Duration::from_millis(wait_ms) + self.patience.margin;
        let heard = timeout(patience, self.exchange(merchant, POSTS, body)).await;
        read(heard.map_err(|_| SiteError::TooSlow)??)
    }

    fn lane(&self, site: &Name) -> Arc<Lane> {
        // Nothing under this lock can be left half done.
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        lanes.entry(site.clone()).or_default().clone()
    }

    /// Sends one request and hears its answer, which is believed if it is returned.
    async fn exchange(&self, merchant: &Merchant, path: &'static str, body: Bytes) -> Result<Heard, SiteError> {
        let line = RequestLine { method: METHOD, path, site: merchant.name.as_str() };
        let mut nonce = [0; 16];
        getrandom::fill(&mut nonce).map_err(|error| SiteError::Broken(error.to_string().into()))?;
        let claim = Claim { relay: self.relay, created_s: (self.clock)() / 1_000_000, nonce: hex::encode(nonce) };
        let signed = sign_request(&self.secret, &claim, &line, &body);
        let request = request(merchant, &line, &signed, body)?;
        let answer = self.client.request(request).await.map_err(|error| {
            if error.is_connect() { SiteError::Unreachable(error) } else { SiteError::Broken(error.into()) }
        })?;
        let (head, body) = answer.into_parts();
        let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await.map_err(|error| {
            if error.is::<LengthLimitError>() { SiteError::TooLong } else { SiteError::Broken(error) }
        })?;
        let heard = Heard { status: head.status, headers: signed_headers(&head.headers), body: body.to_bytes() };
        let status = heard.status.as_u16();
        check_answer(&merchant.site.key, status, &heard.headers, &heard.body, &line, &signed)
            .map_err(SiteError::NotSigned)?;
        Ok(heard)
    }
}

fn to_body(ask: &impl Serialize) -> Result<Bytes, SiteError> {
    let body = serde_json::to_vec(ask).map_err(|error| SiteError::Broken(error.into()))?;
    match body.len() {
        0..=BODY_BYTES_MAX => Ok(body.into()),
        size => Err(SiteError::TooLarge { size }),
    }
}

fn request(
    merchant: &Merchant,
    line: &RequestLine<'_>,
    signed: &SignedHeaders,
    body: Bytes,
) -> Result<Request<Full<Bytes>>, SiteError> {
    let endpoint = Endpoint::parse(merchant.site.endpoint.as_str()).map_err(|_| SiteError::BadEndpoint)?;
    let request = Request::builder()
        .method(line.method)
        .uri(format!("https://{}{}", endpoint.authority, line.path))
        .header(CONTENT_TYPE, "application/json")
        .header(SITE_HEADER, line.site)
        .header("content-digest", &signed.content_digest)
        .header("signature-input", &signed.signature_input)
        .header("signature", &signed.signature)
        .body(Full::new(body));
    request.map_err(|_| SiteError::BadEndpoint)
}

fn signed_headers(headers: &HeaderMap) -> SignedHeaders {
    SignedHeaders {
        content_digest: text_of(headers, "content-digest"),
        signature_input: text_of(headers, "signature-input"),
        signature: text_of(headers, "signature"),
    }
}

/// A header that is there once, as text; empty otherwise, which is no signature's.
fn text_of(headers: &HeaderMap, name: &str) -> String {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().unwrap_or_default().to_owned(),
        _ => String::new(),
    }
}

fn read<A: DeserializeOwned>(heard: Heard) -> Result<A, SiteError> {
    if heard.status == StatusCode::OK {
        // What stands in it is another's: serde's message could repeat it.
        return serde_json::from_slice(&heard.body).map_err(|_| SiteError::Malformed);
    }
    let FaultBody { code, message, retry_after_ms } =
        serde_json::from_slice(&heard.body).map_err(|_| SiteError::Malformed)?;
    let is_code = |code: &str| code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    if code.len() > limits::SITE_CODE_CHARS_MAX || !is_code(&code) {
        return Err(SiteError::Malformed);
    }
    let fault = SiteFault::from_code(&code).filter(|fault| fault.status() == heard.status.as_u16());
    let shown = message.chars().filter(|c| !c.is_control()).take(limits::SITE_MESSAGE_CHARS_MAX).collect();
    Err(SiteError::Refused { fault, code, message: shown, retry_after_ms })
}
