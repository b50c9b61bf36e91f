//! How a call ends when it does not end well: who must act (`Class`), and what is known about the effect at the upstream
//! (`Outcome`). Knows nothing of HTTP statuses; `server/problem.rs` alone turns a class into one.

use std::time::Duration;

use serde::Serialize;
use serde_json::value::RawValue;

/// The longest message kept, in bytes (wit/connector.wit, `failure.message`).
pub(crate) const MESSAGE_MAX: usize = 1024;
/// The longest upstream code kept, in bytes.
pub(crate) const CODE_MAX: usize = 128;
/// The longest detail kept, in bytes; a longer one is dropped whole, since cut JSON is no JSON.
pub(crate) const DETAIL_MAX: usize = 64 * 1024;
/// The longest wait passed on (`failure.retry-after-ms`).
pub(crate) const RETRY_AFTER_MAX: Duration = Duration::from_secs(3600);

/// Why a call failed, by who must act and whether repeating can help. The cases are those of wit/connector.wit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Class {
    /// The caller's data is wrong.
    InvalidInput,
    /// The link is configured wrongly.
    Config,
    /// The upstream refuses the link's credentials.
    AuthFailed,
    /// A token or key expired and refreshing did not help yet.
    AuthExpired,
    /// The end user's session or ticket is invalid or used up.
    SessionInvalid,
    /// The end user must be verified first.
    IdentityUnverified,
    /// A business refusal.
    UpstreamRejected,
    /// Too often, ours or theirs.
    RateLimited,
    /// The upstream cannot be reached or is down.
    Unavailable,
    /// No complete answer within the deadline.
    Timeout,
    /// The answer was not understood.
    Protocol,
    /// The host's policy refused.
    Denied,
    /// A fault of the connector or the host.
    Internal,
    /// None of the above.
    Other,
}

impl Class {
    /// Every class.
    pub(crate) const ALL: [Self; 14] = [
        Self::InvalidInput,
        Self::Config,
        Self::AuthFailed,
        Self::AuthExpired,
        Self::SessionInvalid,
        Self::IdentityUnverified,
        Self::UpstreamRejected,
        Self::RateLimited,
        Self::Unavailable,
        Self::Timeout,
        Self::Protocol,
        Self::Denied,
        Self::Internal,
        Self::Other,
    ];

    /// The name used in the API, metrics and logs.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::InvalidInput => "invalid-input",
            Self::Config => "config",
            Self::AuthFailed => "auth-failed",
            Self::AuthExpired => "auth-expired",
            Self::SessionInvalid => "session-invalid",
            Self::IdentityUnverified => "identity-unverified",
            Self::UpstreamRejected => "upstream-rejected",
            Self::RateLimited => "rate-limited",
            Self::Unavailable => "unavailable",
            Self::Timeout => "timeout",
            Self::Protocol => "protocol",
            Self::Denied => "denied",
            Self::Internal => "internal",
            Self::Other => "other",
        }
    }

    /// May the same call succeed later without anybody changing anything? (upstreams.md §6.4; the outcome decides
    /// together with the operation's `repeat` whether repeating is harmless.)
    pub(crate) fn retryable(self) -> bool {
        matches!(self, Self::AuthExpired | Self::RateLimited | Self::Unavailable | Self::Timeout)
    }
}

/// What is known about the effect at the upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Outcome {
    /// No byte of a request with an effect left the host.
    NotSent,
    /// The upstream answered and refused.
    Rejected,
    /// It may or may not have been applied.
    Unknown,
    /// Applied.
    Done,
}

impl Outcome {
    /// The name used in the API, metrics and logs.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::NotSent => "not-sent",
            Self::Rejected => "rejected",
            Self::Unknown => "unknown",
            Self::Done => "done",
        }
    }
}

/// A call that failed, with everything a caller may know of it.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    /// Who must act.
    pub(crate) class: Class,
    /// What is known about the effect.
    pub(crate) outcome: Outcome,
    /// What happened and what to do; bounded, redacted.
    pub(crate) message: String,
    /// The upstream's own code.
    pub(crate) upstream_code: Option<String>,
    /// When repeating may help.
    pub(crate) retry_after: Option<Duration>,
    /// Structured detail as the connector gave it.
    pub(crate) detail: Option<Box<RawValue>>,
}

impl Failure {
    /// A failure of the host's own making.
    pub(crate) fn new(class: Class, outcome: Outcome, message: impl Into<String>) -> Self {
        Self { class, outcome, message: message.into(), upstream_code: None, retry_after: None, detail: None }
    }
}

/// Cuts a text to at most `max` bytes on a character boundary.
pub(crate) fn cut(text: &mut String, max: usize) {
    text.truncate(text.floor_char_boundary(max));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_the_api_are_those_of_the_contract() {
        let wit = include_str!("../../wit/connector.wit");
        for class in Class::ALL {
            assert!(wit.contains(&format!("        {},", class.as_str())), "{class:?}");
            assert_eq!(serde_json::to_value(class).unwrap(), class.as_str());
        }
        for outcome in [Outcome::NotSent, Outcome::Rejected, Outcome::Unknown, Outcome::Done] {
            assert!(wit.contains(&format!("        {},", outcome.as_str())), "{outcome:?}");
        }
    }

    #[test]
    fn a_cut_never_splits_a_character() {
        let mut text = "谈心谈话".to_owned();
        cut(&mut text, 7);
        assert_eq!(text, "谈心");
    }
}
