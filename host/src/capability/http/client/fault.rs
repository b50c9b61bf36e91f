//! Why a request has no answer, read from the chain of errors underneath.
//!
//! Texts come from the innermost error and never from those that quote the URL, which may hold a secret. Pure.

use std::{
    error::Error,
    io::{self, ErrorKind},
};

use crate::capability::http::policy::{Denied, request::Invalid};

/// No answer, and whether the peer may have acted.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind}")]
pub(crate) struct SendError {
    /// Why.
    pub(crate) kind: Fault,
    /// May any byte of the request have left the host? False is certain; true is "may".
    pub(crate) sent: bool,
}

impl SendError {
    /// Refused before anything was done.
    pub(crate) const fn before(kind: Fault) -> Self {
        Self { kind, sent: false }
    }
}

/// Why there is no answer; the cases are the contract's.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    /// Refused by policy.
    #[error(transparent)]
    Denied(Denied),
    /// Not a request that can be sent.
    #[error(transparent)]
    Invalid(Invalid),
    /// The name did not resolve.
    #[error("the name did not resolve: {0}")]
    Dns(String),
    /// No connection.
    #[error("no connection: {0}")]
    Connect(String),
    /// The handshake failed or the certificate is not trusted.
    #[error("no trusted TLS connection: {0}")]
    Tls(String),
    /// No whole answer by the deadline.
    #[error("no complete answer in time")]
    Timeout,
    /// The connection broke.
    #[error("the connection broke: {0}")]
    Reset(String),
    /// The answer's body is over this many bytes.
    #[error("the answer is over {0} bytes")]
    TooLarge(usize),
    /// Not HTTP.
    #[error("the peer does not speak HTTP: {0}")]
    Protocol(String),
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

/// Why a name led nowhere.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unresolved {
    /// It has addresses, and the policy refuses all of them; why it refuses the first.
    #[error(transparent)]
    Denied(Denied),
    /// It has none, or the resolver failed.
    #[error("{0}")]
    Failed(String),
}

/// Finds the cause in the chain. `connecting`: the library says that it had no connection yet.
pub(super) fn classify(error: &(dyn Error + 'static), connecting: bool) -> Fault {
    let mut innermost = None;
    for cause in chain(error) {
        match cause.downcast_ref::<Unresolved>() {
            Some(Unresolved::Denied(denied)) => return Fault::Denied(denied.clone()),
            Some(Unresolved::Failed(why)) => return Fault::Dns(why.clone()),
            None => {}
        }
        if let Some(tls) = cause.downcast_ref::<rustls::Error>() {
            return if connecting { Fault::Tls(tls.to_string()) } else { Fault::Reset(tls.to_string()) };
        }
        innermost = Some(cause);
    }
    // The outermost error quotes the URL: it is its own cause only if there is no other.
    let why = innermost
        .filter(|cause| !std::ptr::addr_eq(*cause, error))
        .map_or_else(|| "no detail".to_owned(), ToString::to_string);
    if connecting {
        return Fault::Connect(why);
    }
    for cause in chain(error) {
        if let Some(http) = cause.downcast_ref::<hyper::Error>() {
            if http.is_parse() || http.is_parse_too_large() {
                return Fault::Protocol(why);
            }
            if http.is_incomplete_message() || http.is_canceled() || http.is_closed() || http.is_body_write_aborted() {
                return Fault::Reset(why);
            }
        }
        if let Some(io) = cause.downcast_ref::<io::Error>() {
            return match io.kind() {
                // Chunk sizes and the like that make no sense.
                ErrorKind::InvalidData | ErrorKind::InvalidInput => Fault::Protocol(why),
                _ => Fault::Reset(why),
            };
        }
    }
    Fault::Other(why)
}

/// The error and its causes, also those that an I/O error wraps, which its `source` skips.
fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    // Deeper chains than this are none of ours.
    std::iter::successors(Some(error), |cause| deeper(*cause)).take(16)
}

fn deeper<'a>(cause: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    match cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(wrapped) => Some(wrapped),
        None => cause.source(),
    }
}
