//! Outgoing HTTP under the link's policy. The host allows origins, bounds bodies and time, and follows no redirect;
//! whatever the status, an answer is a value. At most 32 requests a call.

mod error;
mod kept;
mod response;

use std::cell::Cell;

use serde::Serialize;

use crate::{
    Failure,
    bindings::duijie::{http::client as wit, secret::parts},
    encode, raw,
    secret::{Atom, Parts},
};

pub use response::Response;
pub use wit::{Error as HttpError, ErrorKind as HttpErrorKind};

thread_local! {
    /// Has a request of this call, as far as anyone knows, left the host?
    static SENT: Cell<bool> = const { Cell::new(false) };
}

/// One request, built up and then sent.
///
/// ```no_run
/// use duijie_sdk::{http::Request, secret::Secret};
///
/// # fn post() -> Result<(), duijie_sdk::Failure> {
/// let response = Request::post("https://api.example.org/v1/records")
///     .header("x-api-key", Secret::raw("api_key"))
///     .json(&serde_json::json!({ "id": 1 }))?
///     .timeout_ms(5_000)
///     .send()?;
/// let answer: serde_json::Value = response.json()?;
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct Request(wit::Request);

impl Request {
    /// A request with this method (upper case) to this absolute URL of at most 8 KiB.
    pub fn new(method: &str, url: impl Into<Parts>) -> Self {
        Self(wit::Request {
            method: method.to_owned(),
            url: url.into().0,
            headers: Vec::new(),
            body: Vec::new(),
            timeout_ms: None,
        })
    }

    /// A GET.
    pub fn get(url: impl Into<Parts>) -> Self {
        Self::new("GET", url)
    }

    /// A POST.
    pub fn post(url: impl Into<Parts>) -> Self {
        Self::new("POST", url)
    }

    /// Adds a header; at most 64. Every secret in the value needs the use `send`.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<Parts>) -> Self {
        self.0.headers.push(wit::Header { name: name.to_owned(), value: value.into().0 });
        self
    }

    /// Adds a parameter to the URL's query. Text is form-encoded, and so is a secret, however it was named.
    #[must_use]
    pub fn query(mut self, name: &str, value: impl Into<Atom>) -> Self {
        let has_query = self.0.url.iter().any(|part| matches!(part, parts::Part::Text(text) if text.contains('?')));
        let separator = if has_query { '&' } else { '?' };
        self.0.url.push(parts::Part::Text(format!("{separator}{}=", encode::form(name))));
        self.0.url.push(form_encoded(value.into()));
        self
    }

    /// The body as it is.
    #[must_use]
    pub fn body(mut self, body: impl Into<Parts>) -> Self {
        self.0.body = body.into().0;
        self
    }

    /// A JSON body (compact, UTF-8, nothing escaped that need not be), with its content type.
    ///
    /// # Errors
    /// `internal` when the value cannot be written as JSON.
    pub fn json(self, body: &impl Serialize) -> Result<Self, Failure> {
        let body = serde_json::to_string(body)
            .map_err(|error| Failure::internal(format!("a request body is not JSON: {error}")))?;
        Ok(self.header("content-type", "application/json; charset=utf-8").body(body))
    }

    /// A form body, with its content type. Text is form-encoded, and so is a secret, however it was named.
    #[must_use]
    pub fn form<'a>(self, fields: impl IntoIterator<Item = (&'a str, Atom)>) -> Self {
        let mut body = Parts::default();
        let mut separator = "";
        for (name, value) in fields {
            body.push(format!("{separator}{}=", encode::form(name)));
            body.0.push(form_encoded(value));
            separator = "&";
        }
        self.header("content-type", "application/x-www-form-urlencoded").body(body)
    }

    /// Total time for this request in milliseconds; the call's deadline cuts it.
    #[must_use]
    pub fn timeout_ms(mut self, milliseconds: u32) -> Self {
        self.0.timeout_ms = Some(milliseconds);
        self
    }

    /// Sends it and reads the whole answer.
    ///
    /// # Errors
    /// [`HttpError`] when there is no answer; it becomes a [`Failure`] of the right class and outcome.
    pub fn send(self) -> Result<Response, HttpError> {
        noted(raw::send(&self.0))
    }
}

/// Sends several, at most 6 at a time; results in the order of the requests.
pub fn send_all(requests: impl IntoIterator<Item = Request>) -> Vec<Result<Response, HttpError>> {
    let requests: Vec<wit::Request> = requests.into_iter().map(|request| request.0).collect();
    raw::send_all(&requests).into_iter().map(noted).collect()
}

/// May any request of this call have left the host?
pub(crate) fn may_have_sent() -> bool {
    SENT.get()
}

/// Forgets what was sent: a native test makes many calls in one process.
pub(crate) fn begin_call() {
    SENT.set(false);
}

fn noted(result: Result<wit::Response, HttpError>) -> Result<Response, HttpError> {
    if !matches!(result, Err(HttpError { sent: false, .. })) {
        SENT.set(true);
    }
    result.map(Response::from)
}

fn form_encoded(value: Atom) -> parts::Part {
    match value.0 {
        parts::Atom::Text(text) => parts::Part::Text(encode::form(&text)),
        parts::Atom::Bytes(bytes) => parts::Part::Text(encode::form(&String::from_utf8_lossy(&bytes))),
        parts::Atom::Secret(secret) => {
            parts::Part::Secret(parts::SecretRef { slot: secret.slot, encoding: parts::Encoding::Form })
        }
    }
}

#[cfg(test)]
mod tests;
