//! Asking the platform behind the link and waiting for its answer: one event out, one JSON back. The host knows the
//! address and signs; a connector names neither. For upstreams that want the platform's answer in their own reply.

use serde::{Serialize, de::DeserializeOwned};

use crate::{Class, Failure, bindings::duijie::platform::forward as wit, raw, typed};

pub use wit::{Error as ForwardError, Refusal};

/// Posts an event (lower-case words joined by dots) and reads the platform's answer. Events of one `key` carry one id,
/// so that a platform can tell a repetition; without a key every event is new.
///
/// # Errors
/// [`ForwardError`]; it becomes a [`Failure`] where it is not looked at.
pub fn ask<T: DeserializeOwned>(event: &str, key: Option<&str>, data: &impl Serialize) -> Result<T, ForwardError> {
    let data =
        serde_json::to_string(data).map_err(|error| ForwardError::Denied(format!("an event is not JSON: {error}")))?;
    let answer = raw::ask(event, key, &data)?;
    typed::parse(answer.as_bytes()).map_err(|error| {
        let place = typed::place_of(&error);
        ForwardError::Protocol(format!("the platform's answer to {event} is not the JSON expected ({place})"))
    })
}

impl From<ForwardError> for Failure {
    /// A refusal is `upstream-rejected` without the platform's words, which may be personal.
    fn from(error: ForwardError) -> Self {
        let (class, message) = match error {
            ForwardError::Denied(why) => (Class::Config, format!("the platform cannot be asked: {why}")),
            ForwardError::Unavailable(why) => (Class::Unavailable, format!("the platform does not answer: {why}")),
            ForwardError::Refused(refusal) => {
                (Class::UpstreamRejected, format!("the platform refuses (HTTP {})", refusal.status))
            }
            ForwardError::Protocol(why) => (Class::Protocol, why),
        };
        Self::new(class, message)
    }
}
