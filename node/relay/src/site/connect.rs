//! Connections to sites: TLS with certificates that are trusted, made within a bound.
use crate::limits;
use hyper::Uri;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::time::timeout;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore};
use tower::Service;

type Fault = Box<dyn Error + Send + Sync>;

/// Connects by HTTPS only, within [`limits::SITE_CONNECT_WAIT`], also when nobody waits for the connection any more.
#[derive(Clone)]
pub struct Connector(HttpsConnector<HttpConnector>);

impl Connector {
    /// Trusts these certificates.
    ///
    /// # Errors
    /// If the library supports none of TLS's versions: never with the features it is built with.
    pub fn new(roots: RootCertStore) -> Result<Self, rustls::Error> {
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let config = config.with_safe_default_protocol_versions()?.with_root_certificates(roots).with_no_client_auth();
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        // Requests are small and waited for.
        http.set_nodelay(true);
        http.set_connect_timeout(Some(limits::SITE_CONNECT_WAIT));
        http.set_keepalive(Some(limits::SITE_IDLE));
        let https = HttpsConnectorBuilder::new().with_tls_config(config).https_only().enable_http1();
        Ok(Self(https.wrap_connector(http)))
    }
}

impl Service<Uri> for Connector {
    type Response = <HttpsConnector<HttpConnector> as Service<Uri>>::Response;
    type Error = Fault;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Fault>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Fault>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, site: Uri) -> Self::Future {
        let connecting = self.0.call(site);
        Box::pin(async move { timeout(limits::SITE_CONNECT_WAIT, connecting).await? })
    }
}
