//! The platform's hook as a simulated upstream knows it: a URL that may be told after the start, for host and
//! simulator start in either order. Never guesses a URL, never retries.

use bytes::Bytes;
use parking_lot::Mutex;
use serde::Deserialize;
use serde_json::json;
use url::Url;

use super::caller::{CallError, Called};
use super::profile::Reply;

/// Why the upstream's own call to the platform has no answer.
#[derive(Debug, thiserror::Error)]
pub enum HookError {
    /// Nobody has said where to call.
    #[error("no hook URL is set")]
    NotSet,
    /// Nothing has been sent yet that could be repeated.
    #[error("there is no earlier call to repeat")]
    NothingSent,
    /// No complete answer.
    #[error(transparent)]
    Call(#[from] CallError),
}

/// Where the hook is.
#[derive(Debug)]
pub(super) struct Hook {
    url: Mutex<Option<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Told {
    url: String,
}

impl Hook {
    pub(super) fn new(url: Option<String>) -> Self {
        Self { url: Mutex::new(url) }
    }

    pub(super) fn set(&self, url: impl Into<String>) {
        *self.url.lock() = Some(url.into());
    }

    pub(super) fn url(&self) -> Result<String, HookError> {
        self.url.lock().clone().ok_or(HookError::NotSet)
    }

    /// `POST /_sim/hook` with `{"url":"http://…"}`.
    pub(super) fn told(&self, body: &Bytes) -> Reply {
        match serde_json::from_slice::<Told>(body) {
            Ok(Told { url }) if Url::parse(&url).is_ok_and(|url| url.scheme() == "http") => {
                self.set(url);
                Reply::json(&json!({"hook": "set"}))
            }
            Ok(_) => Reply::text("url: an http:// URL is wanted\n").status(400),
            Err(error) => Reply::text(format!("{error}\n")).status(400),
        }
    }
}

/// What the hook answered, for whoever asked on the admin surface for the call. The status is the simulator's: 502 when
/// there is no answer to show.
pub(super) fn shown(answered: Result<Called, HookError>) -> Reply {
    match answered {
        Ok(called) => {
            let content_type = called.headers.get("content-type").and_then(|value| value.to_str().ok());
            Reply::json(&json!({
                "status": called.status,
                "contentType": content_type,
                "body": String::from_utf8_lossy(&called.body),
            }))
        }
        Err(error) => Reply::text(format!("{error}\n")).status(502),
    }
}
