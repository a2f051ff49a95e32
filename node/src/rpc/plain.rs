//! Plain HTTP for probes and collectors: `GET /livez`, `/readyz`, `/metrics`, `/version`. Everything else is JSON-RPC.
use super::Api;
use jsonrpsee::core::BoxError;
use jsonrpsee::server::{HttpBody, HttpRequest, HttpResponse};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tower::{Layer, Service};

/// A node is ready while its newest block is not older than this many idle intervals: else it is behind, or the network is halted.
const READY_INTERVALS: u64 = 3;

/// Puts [`Plain`] before the JSON-RPC service.
#[derive(Clone)]
pub(super) struct PlainLayer {
    api: Arc<Api>,
}

impl PlainLayer {
    pub fn new(api: Arc<Api>) -> Self {
        Self { api }
    }
}

impl<S> Layer<S> for PlainLayer {
    type Service = Plain<S>;

    fn layer(&self, inner: S) -> Plain<S> {
        Plain { inner, api: self.api.clone() }
    }
}

/// Answers plain requests itself and passes on the others.
#[derive(Clone)]
pub(super) struct Plain<S> {
    inner: S,
    api: Arc<Api>,
}

impl<S, B> Service<HttpRequest<B>> for Plain<S>
where
    S: Service<HttpRequest<B>, Response = HttpResponse, Error = BoxError>,
    S::Future: Send + 'static,
{
    type Response = HttpResponse;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: HttpRequest<B>) -> Self::Future {
        let is_get = request.method().as_str() == "GET";
        let answer = if is_get { self.api.plain(request.uri().path()) } else { None };
        match answer {
            Some((status, text)) => Box::pin(std::future::ready(response(status, text))),
            None => Box::pin(self.inner.call(request)),
        }
    }
}

fn response(status: u16, text: String) -> Result<HttpResponse, BoxError> {
    let builder = HttpResponse::builder().status(status).header("content-type", "text/plain; charset=utf-8");
    Ok(builder.body(HttpBody::from(text))?)
}

impl Api {
    /// Status and text of a plain path; `None` if it is none of them.
    fn plain(&self, path: &str) -> Option<(u16, String)> {
        match path {
            "/livez" => Some((200, "ok\n".into())),
            "/readyz" => Some(self.ready()),
            "/metrics" => Some((200, self.figures())),
            "/version" => Some((200, concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION"), "\n").into())),
            _ => None,
        }
    }

    fn figures(&self) -> String {
        let peers = self.network.peers();
        let connected = peers.borrow().iter().filter(|peer| peer.connected).count();
        self.metrics.peers_listed.set(peers.borrow().len() as i64);
        self.metrics.peers_connected.set(connected as i64);
        let relay = crate::relay::figures(&self.relay).unwrap_or_default();
        self.metrics.text(&[countersign_consensus::metrics(), relay])
    }

    fn ready(&self) -> (u16, String) {
        let head = self.chain.head();
        let age_ms = self.chain.clock().now().saturating_since(head.header.time);
        let limit_ms = head.params.idle_interval_ms.saturating_mul(READY_INTERVALS);
        if age_ms <= limit_ms {
            (200, format!("ready at height {}\n", head.height()))
        } else {
            (
                503,
                format!(
                    "the newest block, {}, is {age_ms} ms old: this node is behind or the network halted\n",
                    head.height()
                ),
            )
        }
    }
}
