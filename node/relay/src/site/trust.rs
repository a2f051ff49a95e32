//! Whose certificates are trusted: the system's, and those of the operator's file.
use crate::limits;
use std::path::Path;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::{self, RootCertStore};

/// Why the operator's file is of no use.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// It cannot be read, or is not PEM.
    #[error("{file} cannot be read as certificates in PEM (`trusted_certificates` of [relay])")]
    Unreadable {
        /// The file.
        file: String,
        /// What is wrong.
        #[source]
        source: pem::Error,
    },
    /// There is no certificate in it, or there are too many.
    #[error(
        "{file} holds {count} certificates; 1 to {} are wanted (`trusted_certificates` of [relay])",
        limits::CERTIFICATES_MAX
    )]
    Count {
        /// The file.
        file: String,
        /// How many, or one more than are read.
        count: usize,
    },
    /// One of them is none.
    #[error("certificate {number} of {file} is not one that can be trusted")]
    NotACertificate {
        /// The file.
        file: String,
        /// The first is 1.
        number: usize,
        /// What is wrong.
        #[source]
        source: rustls::Error,
    },
}

/// The certificates of a file.
///
/// # Errors
/// [`TrustError`].
pub fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, TrustError> {
    let name = || file.display().to_string();
    let read = CertificateDer::pem_file_iter(file)
        .and_then(|certificates| certificates.take(limits::CERTIFICATES_MAX + 1).collect::<Result<Vec<_>, _>>());
    let found = read.map_err(|source| TrustError::Unreadable { file: name(), source })?;
    if !(1..=limits::CERTIFICATES_MAX).contains(&found.len()) {
        return Err(TrustError::Count { file: name(), count: found.len() });
    }
    add(&mut RootCertStore::empty(), &found, &name())?;
    Ok(found)
}

fn add(roots: &mut RootCertStore, certificates: &[CertificateDer<'static>], file: &str) -> Result<(), TrustError> {
    for (at, certificate) in certificates.iter().enumerate() {
        let failed = |source| TrustError::NotACertificate { file: file.to_owned(), number: at + 1, source };
        roots.add(certificate.clone()).map_err(failed)?;
    }
    Ok(())
}

/// The system's certificates and those of the file.
///
/// # Errors
/// [`TrustError`] for the file. What the system has and cannot be used is left out, with a line in the log.
pub fn roots(file: Option<&Path>) -> Result<RootCertStore, TrustError> {
    let mut roots = RootCertStore::empty();
    let system = rustls_native_certs::load_native_certs();
    for error in &system.errors {
        tracing::warn!(%error, "some of the system's certificates cannot be read");
    }
    let (_, unusable) = roots.add_parsable_certificates(system.certs);
    if unusable > 0 {
        tracing::warn!(unusable, "some of the system's certificates cannot be used");
    }
    if let Some(file) = file {
        add(&mut roots, &certificates(file)?, &file.display().to_string())?;
    }
    if roots.is_empty() {
        tracing::warn!("no certificate is trusted: no site can be asked; set `trusted_certificates` of [relay]");
    }
    Ok(roots)
}
