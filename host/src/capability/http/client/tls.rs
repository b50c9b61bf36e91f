//! What the client trusts: the system's certificate authorities, and those that a link adds.
//!
//! There is no way to accept an untrusted certificate. The verifier is shared, because it holds all of the system's
//! authorities; sessions are not, so that links with different rules do not resume each other's.
//!
//! Bounded by [`CA_MAX`] and [`SESSIONS_MAX`].

use std::sync::Arc;

use parking_lot::Mutex;
use rustls::{
    ClientConfig, RootCertStore,
    client::Resumption,
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, pem::PemObject},
};
use rustls_platform_verifier::Verifier;

/// Most bytes of a link's PEM file, and so most authorities: a bundle of all the world's is smaller.
const CA_MAX: usize = 1 << 20;

/// TLS sessions kept for resumption per rule; a rule has one origin.
const SESSIONS_MAX: usize = 8;

/// Why there is no TLS.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TlsError {
    /// Not a PEM file with certificates.
    #[error("the CA file is not usable: {0}")]
    Ca(String),
    /// The system has no authorities, or one of the link's is not one.
    #[error("certificates cannot be verified: {0}; on a bare system, install ca-certificates")]
    Verifier(String),
    /// The HTTP library refuses its settings.
    #[error("the HTTP client cannot be made: {0}")]
    Client(String),
}

/// Certificate authorities that a link trusts besides the system's.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Ca(Arc<[CertificateDer<'static>]>);

impl Ca {
    /// From a PEM file of at most [`CA_MAX`] bytes with at least one certificate.
    pub(crate) fn from_pem(pem: &[u8]) -> Result<Self, TlsError> {
        if pem.len() > CA_MAX {
            return Err(TlsError::Ca(format!("it is {} bytes, at most {CA_MAX} are read", pem.len())));
        }
        let certificates = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>();
        let certificates = certificates.map_err(|error| TlsError::Ca(error.to_string()))?;
        if certificates.is_empty() {
            return Err(TlsError::Ca("it holds no certificate in PEM".into()));
        }
        // Found here rather than at the first request.
        let mut roots = RootCertStore::empty();
        for certificate in &certificates {
            roots.add(certificate.clone()).map_err(|error| TlsError::Ca(error.to_string()))?;
        }
        Ok(Self(certificates.into()))
    }
}

/// The system's verifier, loaded once.
#[derive(Default)]
pub(super) struct Trust {
    system: Mutex<Option<Arc<Verifier>>>,
}

impl Trust {
    /// Settings of one client.
    pub(super) fn config(&self, ca: Option<&Ca>) -> Result<ClientConfig, TlsError> {
        let verifier = match ca {
            None => self.system()?,
            Some(ca) => Arc::new(verifier(ca.0.iter().cloned())?),
        };
        let mut config = builder()?.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth();
        config.resumption = Resumption::in_memory_sessions(SESSIONS_MAX);
        Ok(config)
    }

    fn system(&self) -> Result<Arc<Verifier>, TlsError> {
        let mut system = self.system.lock();
        if let Some(verifier) = &*system {
            return Ok(verifier.clone());
        }
        // A failure is not kept: the operator may install certificates and reload.
        let verifier = Arc::new(verifier([])?);
        *system = Some(verifier.clone());
        Ok(verifier)
    }
}

/// Settings for a rule that is plain http: trusts nobody, so that it works where there are no certificates.
pub(super) fn untrusting() -> Result<ClientConfig, TlsError> {
    Ok(builder()?.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
}

fn verifier(extra: impl IntoIterator<Item = CertificateDer<'static>>) -> Result<Verifier, TlsError> {
    Verifier::new_with_extra_roots(extra, provider()).map_err(|error| TlsError::Verifier(error.to_string()))
}

fn builder() -> Result<rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>, TlsError> {
    ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| TlsError::Client(error.to_string()))
}

/// Named rather than installed for the process: nothing else decides what this client does.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}
