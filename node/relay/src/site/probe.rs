//! Whether a site can be reached, for its operator's and the relay's doctor. Nothing is asked that has to be signed.
use super::connect::Connector;
use super::trust::{self, TrustError};
use crate::limits;
use bytes::Bytes;
use countersign_types::endpoint::{BadEndpoint, Endpoint};
use http_body_util::Empty;
use hyper::{Request, StatusCode};
use hyper_util::client::legacy::{self, Client};
use hyper_util::rt::TokioExecutor;
use std::path::Path;
use tokio::time::timeout;
use tokio_rustls::rustls;

/// Answered by every site that runs.
const LIVEZ: &str = "/livez";

/// Why a site is not there.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// No address.
    #[error(transparent)]
    Endpoint(#[from] BadEndpoint),
    /// The operator's certificates.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// The library.
    #[error("TLS cannot be used")]
    Tls(#[source] rustls::Error),
    /// No connection.
    #[error("there is no connection, or the certificate is not trusted")]
    Unreachable(#[source] legacy::Error),
    /// Nothing in time.
    #[error("there is no answer within {} s", limits::PROBE_WAIT.as_secs())]
    TooSlow,
    /// Something else is there.
    #[error("it answers {status} at {LIVEZ}: that is no site, or it does not run")]
    Status {
        /// HTTP's.
        status: StatusCode,
    },
}

/// Asks the site at this address whether it runs, trusting the certificates that the relay would.
///
/// # Errors
/// [`ProbeError`].
pub async fn probe(endpoint: &str, trusted: Option<&Path>) -> Result<(), ProbeError> {
    let endpoint = Endpoint::parse(endpoint)?;
    let uri = format!("https://{}{LIVEZ}", endpoint.authority);
    let connector = Connector::new(trust::roots(trusted)?).map_err(ProbeError::Tls)?;
    let client: Client<_, Empty<Bytes>> = Client::builder(TokioExecutor::new())
        .pool_max_idle_per_host(0)
        .http1_max_buf_size(limits::ANSWER_HEAD_BYTES_MAX)
        .build(connector);
    let request = Request::get(uri).body(Empty::new()).map_err(|_| BadEndpoint::Form)?;
    let answer = timeout(limits::PROBE_WAIT, client.request(request)).await.map_err(|_| ProbeError::TooSlow)?;
    match answer.map_err(ProbeError::Unreachable)?.status() {
        StatusCode::OK => Ok(()),
        status => Err(ProbeError::Status { status }),
    }
}
