//! What a request without an answer means for the call: the one map from [`HttpError`] to class and outcome.

use super::{HttpError, HttpErrorKind as Kind};
use crate::{Class, Failure, Outcome};

impl From<HttpError> for Failure {
    /// `sent` decides the outcome: `not-sent` only when it is certain that nothing left.
    fn from(error: HttpError) -> Self {
        let (class, message) = match error.kind {
            Kind::Denied(rule) => (Class::Denied, format!("the host's policy refuses the request: {rule}")),
            Kind::InvalidRequest(why) => {
                (Class::Internal, format!("the connector built a request that cannot be sent: {why}"))
            }
            Kind::Dns(why) => (Class::Unavailable, format!("the upstream's name does not resolve: {why}")),
            Kind::Connect(why) => (Class::Unavailable, format!("no connection to the upstream: {why}")),
            Kind::Tls(why) => (Class::Unavailable, format!("no trusted TLS connection to the upstream: {why}")),
            Kind::Timeout => (Class::Timeout, "the upstream did not answer in time".to_owned()),
            Kind::Reset(why) => (Class::Unavailable, format!("the connection to the upstream broke: {why}")),
            Kind::TooLarge(bytes) => (Class::Protocol, format!("the upstream's answer is larger than {bytes} bytes")),
            Kind::Protocol(why) => (Class::Protocol, format!("the upstream did not answer in HTTP: {why}")),
            Kind::Budget(which) => (Class::Internal, format!("the call's budget is used up: {which}")),
            Kind::Other(why) => (Class::Other, format!("the request failed: {why}")),
        };
        let outcome = if error.sent { Outcome::Unknown } else { Outcome::NotSent };
        Self::new(class, message).outcome(outcome)
    }
}
