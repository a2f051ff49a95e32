//! TLS with the site's own certificate: versions 1.2 and 1.3, no client certificates (relays sign their requests).
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{self, ServerConfig};

/// Certificates in a chain: the site's and those above it.
const CERTIFICATES_MAX: usize = 10;

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The file cannot be read, or holds none.
    #[error("{path} holds no {what} in PEM")]
    Pem {
        /// The file.
        path: String,
        /// Certificate or key.
        what: &'static str,
        /// What is wrong.
        #[source]
        source: pem::Error,
    },
    /// More than a chain has, or none.
    #[error("{path} holds {count} certificates; a chain has 1 to {CERTIFICATES_MAX}")]
    Chain {
        /// The file.
        path: String,
        /// How many.
        count: usize,
    },
    /// Certificate and key do not belong together, or are of a kind that is not used.
    #[error("certificate and key cannot be used together")]
    Rustls(#[source] rustls::Error),
    /// Others could read the key.
    #[error(transparent)]
    Mode(#[from] countersign_client::keystore::KeyError),
}

/// Takes in connections with this certificate and key.
///
/// # Errors
/// [`TlsError`].
pub fn acceptor((certificate, key): &(PathBuf, PathBuf)) -> Result<TlsAcceptor, TlsError> {
    countersign_client::keystore::check_mode(key, 0o600)?;
    let failed = |path: &Path, what| {
        let path = path.display().to_string();
        move |source| TlsError::Pem { path, what, source }
    };
    let chain: Result<Vec<_>, _> = CertificateDer::pem_file_iter(certificate)
        .and_then(|certificates| certificates.take(CERTIFICATES_MAX + 1).collect());
    let chain = chain.map_err(failed(certificate, "certificate"))?;
    if !(1..=CERTIFICATES_MAX).contains(&chain.len()) {
        return Err(TlsError::Chain { path: certificate.display().to_string(), count: chain.len() });
    }
    let secret = PrivateKeyDer::from_pem_file(key).map_err(failed(key, "private key"))?;
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Rustls)?;
    let mut config = config.with_no_client_auth().with_single_cert(chain, secret).map_err(TlsError::Rustls)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
