//! HTTP/1.1 over TLS, or without it behind a proxy: bounds connections, heads, bodies and waits; signs every answer.
use crate::api::{Api, Refusal, Route};
use crate::gate::Asked;
use crate::limits;
use bytes::Bytes;
use countersign_client::clock;
use countersign_client::rpc_types::site::signature::{RequestLine, SITE_HEADER, SignedHeaders, sign_answer};
use countersign_client::rpc_types::site::{BODY_BYTES_MAX, SiteFault};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

/// Where the interface's document is.
pub const OPENAPI_PATH: &str = "/openapi.json";
/// Answers `ok` while the server runs.
pub const LIVEZ_PATH: &str = "/livez";
/// Pause after the system refused a connection, for want of descriptors mostly.
const ACCEPT_PAUSE: std::time::Duration = std::time::Duration::from_millis(100);

/// Serves until the server is stopped, and then as long as requests under way need, within [`limits::FAREWELL`].
pub async fn serve(api: Arc<Api>, listener: TcpListener, tls: Option<TlsAcceptor>) {
    let places = Arc::new(Semaphore::new(limits::CONNECTIONS_MAX));
    let mut stopped = std::pin::pin!(api.stopped());
    let mut connections = JoinSet::new();
    loop {
        let accepted = async {
            let place = places.clone().acquire_owned().await.expect("it is never closed");
            (place, listener.accept().await)
        };
        tokio::select! {
            // Those that have ended are taken out, so that the set does not grow.
            Some(_) = connections.join_next() => {}
            () = stopped.as_mut() => break,
            (place, accepted) = accepted => match accepted {
                Ok((stream, _)) => {
                    let (api, tls) = (api.clone(), tls.clone());
                    connections.spawn(async move {
                        connection(api, stream, tls).await;
                        drop(place);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection was not accepted");
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
    drop(listener);
    let farewell = async { while connections.join_next().await.is_some() {} };
    if timeout(limits::FAREWELL, farewell).await.is_err() {
        tracing::warn!("requests under way were cut off");
    }
}

async fn connection(api: Arc<Api>, stream: TcpStream, tls: Option<TlsAcceptor>) {
    // Answers are small and waited for.
    let _ = stream.set_nodelay(true);
    match tls {
        None => exchange(api, stream).await,
        Some(tls) => match timeout(limits::PATIENCE, tls.accept(stream)).await {
            Ok(Ok(stream)) => exchange(api, stream).await,
            Ok(Err(error)) => tracing::debug!(%error, "no TLS"),
            Err(_) => tracing::debug!("no TLS in time"),
        },
    }
}

async fn exchange(api: Arc<Api>, stream: impl AsyncRead + AsyncWrite + Unpin) {
    let stopped = api.stopped();
    let service = service_fn(|request| {
        let api = api.clone();
        async move { Ok::<_, Infallible>(respond(&api, request).await) }
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(limits::PATIENCE);
    builder.max_buf_size(limits::HEAD_BYTES_MAX).max_headers(limits::HEADERS_MAX);
    let mut connection = std::pin::pin!(builder.serve_connection(TokioIo::new(stream), service));
    let ended = tokio::select! {
        ended = connection.as_mut() => Some(ended),
        () = stopped => None,
        () = sleep(limits::CONNECTION_LIFE) => None,
    };
    let ended = match ended {
        Some(ended) => ended,
        None => {
            connection.as_mut().graceful_shutdown();
            timeout(limits::LAST_ANSWER, connection).await.unwrap_or(Ok(()))
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke");
    }
}

fn plain(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

async fn respond(api: &Api, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let (head, body) = request.into_parts();
    let path = head.uri.path();
    match (head.method == Method::GET, path) {
        (true, LIVEZ_PATH) => return plain(StatusCode::OK, "text/plain", "ok"),
        (true, OPENAPI_PATH) => return plain(StatusCode::OK, "application/json", crate::OPENAPI),
        _ => {}
    }
    let text = |name: &str| text_of(&head.headers, name);
    let headers = SignedHeaders {
        content_digest: text("content-digest"),
        signature_input: text("signature-input"),
        signature: text("signature"),
    };
    let site = text(SITE_HEADER);
    let line = RequestLine { method: head.method.as_str(), path, site: &site };
    let answer = match route(&head.method, path, head.uri.query()) {
        Ok(route) => asked(api, route, &headers, line, body).await,
        Err(refusal) => Err(refusal),
    };
    let (status, body) = match answer {
        Ok(body) => (200, body),
        Err(refusal) => (refusal.fault.status(), refusal.body()),
    };
    let created_s = clock::now().millis() / 1_000;
    let signed = sign_answer(api.keys().secret(), created_s, status, &body, &line, &headers);
    let status = StatusCode::from_u16(status).expect("faults have statuses of HTTP");
    let mut response = plain(status, "application/json", body);
    let signed = [
        ("content-digest", signed.content_digest),
        ("signature-input", signed.signature_input),
        ("signature", signed.signature),
    ];
    for (name, value) in signed {
        let value = HeaderValue::from_str(&value).expect("structured fields are printable ASCII");
        response.headers_mut().insert(name, value);
    }
    response
}

/// A header that is there once, as text; empty otherwise.
fn text_of(headers: &HeaderMap, name: &str) -> String {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().unwrap_or_default().to_owned(),
        _ => String::new(),
    }
}

fn route(method: &Method, path: &str, query: Option<&str>) -> Result<Route, Refusal> {
    let route = match path {
        LIVEZ_PATH | OPENAPI_PATH => {
            return Err(Refusal::new(SiteFault::MethodNotAllowed, "this path is asked by GET"));
        }
        _ => Route::of(path).ok_or_else(|| {
            Refusal::new(
                SiteFault::NotFound,
                format!("there is nothing at this path; {OPENAPI_PATH} lists what there is"),
            )
        })?,
    };
    if *method != Method::POST {
        return Err(Refusal::new(SiteFault::MethodNotAllowed, "this path is asked by POST"));
    }
    match query {
        Some(_) => Err(Refusal::new(SiteFault::BadRequest, "a query is not signed; everything stands in the body")),
        None => Ok(route),
    }
}

async fn asked(
    api: &Api,
    route: Route,
    headers: &SignedHeaders,
    line: RequestLine<'_>,
    body: Incoming,
) -> Result<Vec<u8>, Refusal> {
    let body = match timeout(limits::PATIENCE, Limited::new(body, BODY_BYTES_MAX).collect()).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            return Err(Refusal::new(SiteFault::TooLarge, format!("a body has at most {BODY_BYTES_MAX} bytes")));
        }
        Ok(Err(_)) => return Err(Refusal::new(SiteFault::BadRequest, "the body broke off")),
        Err(_) => return Err(Refusal::new(SiteFault::TooSlow, "the body did not arrive in time")),
    };
    let relay = api.relay_of(&Asked { line, headers, body: &body })?;
    api.answer(route, relay, &body).await
}
