//! What profiles share to read the admin surface's own requests: a JSON body, a path segment, a refusal. Never part of
//! an upstream.

use bytes::Bytes;
use serde::de::DeserializeOwned;

use super::profile::Reply;

/// An action that cannot be done: plain text for whoever asked.
#[derive(Debug, thiserror::Error)]
#[error("{reason}")]
pub(super) struct Unable {
    /// HTTP status.
    pub(super) status: u16,
    /// Why.
    pub(super) reason: String,
}

impl Unable {
    /// The request is wrong.
    pub(super) fn bad(reason: impl ToString) -> Self {
        Self { status: 400, reason: reason.to_string() }
    }
}

impl From<Unable> for Reply {
    fn from(unable: Unable) -> Self {
        Self::text(format!("{}\n", unable.reason)).status(unable.status)
    }
}

/// A body in JSON.
pub(super) fn parsed<T: DeserializeOwned>(body: &Bytes) -> Result<T, Unable> {
    serde_json::from_slice(body).map_err(Unable::bad)
}

/// A percent-encoded path segment.
pub(super) fn decoded(segment: &str) -> String {
    // A form's `+` means a space, a path's means itself.
    let pair = format!("={}", segment.replace('+', "%2B"));
    url::form_urlencoded::parse(pair.as_bytes()).map(|(_, value)| value.into_owned()).collect()
}
