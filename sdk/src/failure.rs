//! How a call ends when it does not end well: constructors for [`Failure`], one per class, each with the outcome that
//! the class nearly always has, and the bounds that the contract sets. No message may hold a secret or personal data.

use serde_json::{Value, json};

use crate::{Class, Failure, Outcome, Problem, http};

/// Bytes of a message, and of a problem's message.
const MESSAGE_BYTES_MAX: usize = 1024;
/// Bytes of an upstream's code.
const CODE_BYTES_MAX: usize = 128;
/// Bytes of the detail's JSON text.
const DETAIL_BYTES_MAX: usize = 64 * 1024;

impl Failure {
    /// A failure of this class. The message is for the caller: what happened and what to do; it is cut at 1 KiB.
    pub fn new(class: Class, message: impl Into<String>) -> Self {
        let mut message = message.into();
        cut(&mut message, MESSAGE_BYTES_MAX);
        Self { class, outcome: usual_outcome(class), message, upstream_code: None, retry_after_ms: None, detail: None }
    }

    /// The caller's data is wrong; outcome `not-sent`, unless a request of this call may have left: then `rejected`.
    pub fn invalid_input(message: impl Into<String>) -> Self {
        Self::new(Class::InvalidInput, message)
    }

    /// The link is configured wrongly; outcome as with [`Failure::invalid_input`].
    pub fn config(message: impl Into<String>) -> Self {
        Self::new(Class::Config, message)
    }

    /// The upstream refuses the link's credentials; outcome as with [`Failure::invalid_input`]. When it was a token
    /// endpoint that refused and nothing else was sent, say `not-sent`.
    pub fn auth_failed(message: impl Into<String>) -> Self {
        Self::new(Class::AuthFailed, message)
    }

    /// The link's token has expired and refreshing did not help yet; outcome as with [`Failure::invalid_input`].
    pub fn auth_expired(message: impl Into<String>) -> Self {
        Self::new(Class::AuthExpired, message)
    }

    /// The end user's session or ticket is invalid or used up; outcome `rejected`.
    pub fn session_invalid(message: impl Into<String>) -> Self {
        Self::new(Class::SessionInvalid, message)
    }

    /// The end user must be verified first; outcome `rejected`.
    pub fn identity_unverified(message: impl Into<String>) -> Self {
        Self::new(Class::IdentityUnverified, message)
    }

    /// A business refusal by the upstream; outcome `rejected`.
    pub fn upstream_rejected(message: impl Into<String>) -> Self {
        Self::new(Class::UpstreamRejected, message)
    }

    /// Too fast, by our rule or theirs; outcome as with [`Failure::invalid_input`].
    pub fn rate_limited(message: impl Into<String>) -> Self {
        Self::new(Class::RateLimited, message)
    }

    /// The upstream cannot be reached; outcome `not-sent`, unless a request of this call may have left: then `unknown`.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(Class::Unavailable, message)
    }

    /// No complete answer in time; outcome `unknown`.
    pub fn timeout(message: impl Into<String>) -> Self {
        Self::new(Class::Timeout, message)
    }

    /// The upstream's answer was not understood; outcome `unknown`.
    pub fn protocol(message: impl Into<String>) -> Self {
        Self::new(Class::Protocol, message)
    }

    /// The host's policy refused; outcome as with [`Failure::unavailable`].
    pub fn denied(message: impl Into<String>) -> Self {
        Self::new(Class::Denied, message)
    }

    /// A fault of the connector or the host; outcome as with [`Failure::unavailable`].
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(Class::Internal, message)
    }

    /// Says what is known about the effect at the upstream, where it is not what the class usually means.
    #[must_use]
    pub fn outcome(mut self, outcome: Outcome) -> Self {
        self.outcome = outcome;
        self
    }

    /// The upstream's own code, as received; cut at 128 bytes.
    #[must_use]
    pub fn upstream_code(mut self, code: impl Into<String>) -> Self {
        let mut code = code.into();
        cut(&mut code, CODE_BYTES_MAX);
        self.upstream_code = Some(code);
        self
    }

    /// When repeating may help, in milliseconds from now; the host clamps it to one hour.
    #[must_use]
    pub fn retry_after_ms(mut self, milliseconds: u64) -> Self {
        self.retry_after_ms = Some(milliseconds);
        self
    }

    /// Structured detail without personal values; dropped when its JSON is over 64 KiB.
    #[must_use]
    pub fn detail(mut self, detail: &Value) -> Self {
        self.detail = serde_json::to_string(detail).ok().filter(|text| text.len() <= DETAIL_BYTES_MAX);
        self
    }

    /// What the upstream's code means beyond its class, as the detail `{"sub_code": …}`: one name for all connectors.
    #[must_use]
    pub fn sub_code(self, sub_code: &str) -> Self {
        self.detail(&json!({ "sub_code": sub_code }))
    }

    /// The fields that are wrong, each a JSON Pointer and what would be right: `[{"pointer":…,"message":…}]`.
    /// Fields that would take the detail over 64 KiB are left out.
    #[must_use]
    pub fn detail_fields<P: Into<String>, M: Into<String>>(self, fields: impl IntoIterator<Item = (P, M)>) -> Self {
        let mut size = "[]".len();
        let listed = fields
            .into_iter()
            .map(|(pointer, message)| json!({ "pointer": pointer.into(), "message": message.into() }));
        let fitting = listed.take_while(|field| {
            size += serde_json::to_string(field).map_or(0, |text| text.len()) + ",".len();
            size <= DETAIL_BYTES_MAX
        });
        let fields = Value::Array(fitting.collect());
        self.detail(&fields)
    }

    /// The detail as JSON; null when there is none.
    pub fn detail_json(&self) -> Value {
        let text = self.detail.as_deref().unwrap_or("null");
        serde_json::from_slice(text.as_bytes()).unwrap_or_default()
    }

    /// Within the contract's bounds, whoever filled the fields.
    pub(crate) fn bounded(mut self) -> Self {
        cut(&mut self.message, MESSAGE_BYTES_MAX);
        if let Some(code) = &mut self.upstream_code {
            cut(code, CODE_BYTES_MAX);
        }
        self.detail = self.detail.filter(|text| text.len() <= DETAIL_BYTES_MAX);
        self
    }
}

impl Problem {
    /// One thing wrong with a link's config: a JSON Pointer into it (empty means the whole), and what is wrong and what
    /// would be right, cut at 1 KiB.
    pub fn new(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        let mut message = message.into();
        cut(&mut message, MESSAGE_BYTES_MAX);
        Self { pointer: pointer.into(), message }
    }
}

/// What a class means for the effect. Where a class says nothing of it, what decides is whether any request may have
/// left in this call: claiming `not-sent` wrongly would make the host send a record twice.
fn usual_outcome(class: Class) -> Outcome {
    match class {
        Class::InvalidInput | Class::Config | Class::AuthFailed | Class::AuthExpired | Class::RateLimited => {
            if http::may_have_sent() {
                Outcome::Rejected
            } else {
                Outcome::NotSent
            }
        }
        Class::SessionInvalid | Class::IdentityUnverified | Class::UpstreamRejected => Outcome::Rejected,
        Class::Timeout | Class::Protocol => Outcome::Unknown,
        Class::Unavailable | Class::Denied | Class::Internal | Class::Other => {
            if http::may_have_sent() {
                Outcome::Unknown
            } else {
                Outcome::NotSent
            }
        }
    }
}

/// Cuts at the last character boundary that fits.
fn cut(text: &mut String, bytes_max: usize) {
    if text.len() > bytes_max {
        text.truncate(text.floor_char_boundary(bytes_max));
    }
}

#[cfg(test)]
mod tests;
