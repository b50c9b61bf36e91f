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
            // The host's text says which of these it was.
            Kind::Dns(why) | Kind::Connect(why) | Kind::Tls(why) | Kind::Reset(why) => {
                (Class::Unavailable, format!("no answer from the upstream: {why}"))
            }
            Kind::Timeout => (Class::Timeout, "the upstream did not answer in time".to_owned()),
            Kind::TooLarge(bytes) => (Class::Protocol, format!("the upstream's answer is larger than {bytes} bytes")),
            Kind::Protocol(why) => (Class::Protocol, format!("no answer from the upstream: {why}")),
            Kind::Budget(which) => (Class::Internal, format!("the call's budget is used up: {which}")),
            Kind::Other(why) => (Class::Other, format!("the request failed: {why}")),
        };
        let outcome = if error.sent { Outcome::Unknown } else { Outcome::NotSent };
        Self::new(class, message).outcome(outcome)
    }
}
