//! An upstream's answer, and what is the same for every upstream in reading it. No message made here quotes the body.

use serde::de::DeserializeOwned;

use crate::{Failure, Outcome, bindings::duijie::http::client as wit, json, time, typed};

/// A complete answer, whatever its status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// As received: redirects and errors are values here.
    pub status: u16,
    /// Names in lower case, in the order received.
    pub headers: Vec<(String, String)>,
    /// As received, save that the link's secrets are masked with `*` wherever they are echoed.
    pub body: Vec<u8>,
}

impl Response {
    /// Is the status 200 to 299?
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The first header of this name (lower case).
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON; a byte order mark before it is passed over.
    ///
    /// # Errors
    /// `protocol`, outcome `unknown`, when it is not the JSON expected; of a redirect it says that it is one.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        let body = self.body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&self.body);
        typed::parse(body).map_err(|error| self.not_json(&error))
    }

    /// The body as JSON, read leniently ([`json::parse`]).
    ///
    /// # Errors
    /// As [`Response::json`].
    pub fn json_lenient<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        json::parse(&self.body).map_err(|error| self.not_json(&error))
    }

    fn not_json(&self, error: &serde_json::Error) -> Failure {
        if (300..400).contains(&self.status) {
            let message = format!("the upstream answers with a redirect (HTTP {}); the host follows none", self.status);
            return Failure::protocol(message);
        }
        let kind = self.header("content-type").unwrap_or("no content type");
        Failure::protocol(format!(
            "the upstream's answer is not the JSON expected (HTTP {}, {kind:.64}, {} bytes, {})",
            self.status,
            self.body.len(),
            typed::place_of(error),
        ))
    }

    /// What the statuses that mean "not now" mean: 429 is `rate-limited` and `rejected`; 502, 503 and 504 are
    /// `unavailable` and `unknown`, because a gateway may have passed the request on before it gave up.
    pub fn not_now(&self) -> Option<Failure> {
        let failure = match self.status {
            429 => Failure::rate_limited("the upstream asks to slow down (HTTP 429)").outcome(Outcome::Rejected),
            502..=504 => Failure::unavailable(format!("the upstream is not available (HTTP {})", self.status))
                .outcome(Outcome::Unknown),
            _ => return None,
        };
        Some(Failure { retry_after_ms: self.retry_after_ms(), ..failure })
    }

    /// `Retry-After` in milliseconds from now, given as seconds or as a date (RFC 9110).
    pub fn retry_after_ms(&self) -> Option<u64> {
        let value = self.header("retry-after")?.trim();
        match value.parse::<u64>() {
            Ok(seconds) => Some(seconds.saturating_mul(1000)),
            Err(_) => time::parse_http_date(value).map(|at_ms| at_ms.saturating_sub(time::now_ms())),
        }
    }
}

impl From<wit::Response> for Response {
    fn from(response: wit::Response) -> Self {
        Self { status: response.status, headers: response.headers, body: response.body }
    }
}
