//! What a request asks for besides its body: `Prefer: respond-async` and `wait=n` (RFC 7240), and its `Idempotency-Key`
//! (draft-ietf-httpapi-idempotency-key-header). A preference that is not known is ignored, as the RFC wants it.

use std::time::Duration;

use axum::http::HeaderMap;

use crate::{
    push::{IDEMPOTENCY_KEY_MAX, WAIT_MAX},
    server::front::RequestError,
};

const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// How long whoever asks wants to wait for the end of a record that is accepted durably.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) struct Preference {
    /// `respond-async`.
    pub(super) respond_async: bool,
    /// `wait`, at most [`WAIT_MAX`].
    pub(super) wait: Option<Duration>,
}

impl Preference {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let texts = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
        let mut found = Self::default();
        for preference in texts.flat_map(|text| text.split(',')) {
            let whole = preference.split(';').next().unwrap_or("").trim();
            let (name, value) = whole.split_once('=').map_or((whole, ""), |(name, value)| (name.trim_end(), value));
            if name.eq_ignore_ascii_case("respond-async") {
                found.respond_async = true;
            } else if name.eq_ignore_ascii_case("wait") && found.wait.is_none() {
                // The first one counts (RFC 7240 §2).
                let seconds = value.trim().trim_matches('"').parse::<u64>().ok();
                found.wait = seconds.map(|seconds| Duration::from_secs(seconds).min(WAIT_MAX));
            }
        }
        found
    }

    /// Is the record to be accepted durably?
    pub(super) fn durable(self) -> bool {
        self.respond_async || self.wait.is_some()
    }

    /// What was granted, for `Preference-Applied`.
    pub(super) fn applied(self) -> Option<String> {
        let wait = self.wait.map(|wait| format!("wait={}", wait.as_secs()));
        let asynchronous = self.respond_async.then(|| "respond-async".to_owned());
        let all: Vec<String> = asynchronous.into_iter().chain(wait).collect();
        (!all.is_empty()).then(|| all.join(", "))
    }
}

/// The request's idempotency key: 1 to 255 visible characters. Its quotes, which the draft asks for, are no part of it.
pub(super) fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, RequestError> {
    let mut given = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(first) = given.next() else { return Ok(None) };
    let text = first.to_str().map_err(|_| RequestError::IdempotencyKey)?.trim();
    let key = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    let valid = (1..=IDEMPOTENCY_KEY_MAX).contains(&key.len()) && key.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    if !valid || given.next().is_some() {
        return Err(RequestError::IdempotencyKey);
    }
    Ok(Some(key.to_owned()))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn headers(name: &'static str, values: &[&str]) -> HeaderMap {
        values.iter().map(|value| (name.parse().unwrap(), HeaderValue::from_str(value).unwrap())).collect()
    }

    fn preference(values: &[&str]) -> Preference {
        Preference::of(&headers("prefer", values))
    }

    #[test]
    fn preferences_are_read_as_the_rfc_writes_them() {
        let asynchronous = Preference { respond_async: true, wait: None };
        assert_eq!(preference(&["respond-async"]), asynchronous);
        assert_eq!(preference(&["Respond-Async; foo=bar"]), asynchronous);
        let both = Preference { respond_async: true, wait: Some(Duration::from_secs(10)) };
        assert_eq!(preference(&["respond-async, wait=10"]), both);
        assert_eq!(preference(&["wait=10", "respond-async"]), both);
        assert_eq!(preference(&["wait = \"10\" , respond-async, wait=3"]), both);
        assert_eq!(both.applied().as_deref(), Some("respond-async, wait=10"));
        assert_eq!(preference(&["wait=99999999"]).wait, Some(WAIT_MAX), "what is granted is bounded");
    }

    #[test]
    fn what_is_not_known_or_not_a_number_is_ignored() {
        for values in [&["return=minimal"][..], &["wait=soon"], &["wait=-1"], &[""], &["xrespond-async"], &[]] {
            assert!(!preference(values).durable(), "{values:?}");
            assert_eq!(preference(values).applied(), None);
        }
    }

    #[test]
    fn a_key_is_taken_with_and_without_its_quotes() {
        let key = |values: &[&str]| idempotency_key(&headers("idempotency-key", values));
        assert_eq!(key(&[]).unwrap(), None);
        for text in ["8e03978e", "\"8e03978e\"", " 8e03978e "] {
            assert_eq!(key(&[text]).unwrap().as_deref(), Some("8e03978e"));
        }
        for bad in [&[""][..], &["\"\""], &["a", "a"], &[&"x".repeat(256)]] {
            assert!(key(bad).is_err(), "{bad:?}");
        }
    }
}
