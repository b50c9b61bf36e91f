//! A host for native tests: real cryptography, a store and a clock in memory, scripted upstreams, and what was sent and
//! logged, for assertions. It is not the host's policy: every scripted origin is allowed, budgets and quotas are not
//! counted (save what [`TestHost::kv_keys_max`] sets), and answers are not masked of secrets. It does hold slots to their declared uses.
//!
//! ```
//! use duijie_sdk::testing::{KeyEncoding, TestHost};
//! use serde_json::json;
//!
//! let host = TestHost::new();
//! host.config(json!({ "base_url": "https://api.example.org" }));
//! host.secret("api_key", "s3cret", KeyEncoding::Utf8);
//! host.on("POST", "https://api.example.org/v1/records").reply(503, json!({})).reply(200, json!({ "code": 0 }));
//! // host.call::<MyConnector>("record.push", json!({ … })), then host.requests() and host.logs()
//! ```

mod crypto;
pub(crate) mod imports;
mod manifest;
mod script;
mod state;

use std::sync::Arc;

use serde_json::Value;

use crate::{
    Connector, Failure, HookRequest, HookResponse, Problem,
    credential::Validity,
    forward::ForwardError,
    handler,
    http::{HttpError, HttpErrorKind, Response},
};
use script::Reply;
use state::{Phase, Secret, Shared};

pub use script::Sent;
pub use state::{Asked, Logged};

/// How a secret's text becomes a key, as a link's `encoding` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyEncoding {
    /// The text's own bytes.
    Utf8,
    /// Standard base64.
    Base64,
    /// Hex in either case.
    Hex,
}

/// One link's host. It serves the thread that made it; a clone serves another thread once that [enters](TestHost::enter).
#[derive(Clone)]
pub struct TestHost {
    shared: Arc<Shared>,
}

impl Default for TestHost {
    fn default() -> Self {
        Self::new()
    }
}

impl TestHost {
    /// A host with an empty config, no secrets and the time 1,700,000,000,000 ms, serving this thread.
    pub fn new() -> Self {
        let host = Self { shared: Arc::default() };
        host.enter();
        host
    }

    /// Serves this thread too: for tests of calls in parallel.
    pub fn enter(&self) {
        state::enter(Arc::clone(&self.shared));
    }

    /// The link's config.
    pub fn config(&self, config: Value) -> &Self {
        self.shared.lock().config = config;
        self
    }

    /// Fills a slot.
    pub fn secret(&self, slot: &str, text: &str, encoding: KeyEncoding) -> &Self {
        self.shared.lock().secrets.insert(slot.to_owned(), Secret { text: text.to_owned(), encoding });
        self
    }

    /// Sets the clock, in milliseconds since 1970.
    pub fn set_now_ms(&self, now_ms: u64) {
        self.shared.lock().now_ms = now_ms;
    }

    /// Moves the clock on.
    pub fn advance_ms(&self, milliseconds: u64) {
        self.shared.lock().now_ms += milliseconds;
    }

    /// Scripts an upstream: what requests of this method to this URL (without its query) get, one reply after the other;
    /// the last one stays. A request that nothing is scripted for is `denied`.
    pub fn on(&self, method: &str, url: &str) -> Route<'_> {
        Route { host: self, method: method.to_owned(), url: url.to_owned() }
    }

    /// Every request so far, as it would be on the wire: with the secrets in place.
    pub fn requests(&self) -> Vec<Sent> {
        self.shared.lock().script.sent.clone()
    }

    /// Scripts the platform: what this event gets, one reply after the other; the last one stays.
    pub fn platform(&self, event: &str, reply: Result<Value, ForwardError>) -> &Self {
        self.shared.lock().platform.entry(event.to_owned()).or_default().push_back(reply);
        self
    }

    /// Every event that the platform was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.shared.lock().asked.clone()
    }

    /// Says when the credential in a slot is valid.
    pub fn validity(&self, slot: &str, issued_at_ms: u64, valid_days: u32) -> &Self {
        let expires_at_ms = issued_at_ms + u64::from(valid_days) * 86_400_000;
        self.shared.lock().validity.insert(slot.to_owned(), Validity { issued_at_ms, expires_at_ms });
        self
    }

    /// Every log line so far.
    pub fn logs(&self) -> Vec<Logged> {
        self.shared.lock().logs.clone()
    }

    /// Every key in the store that is not over its time.
    pub fn kv_keys(&self) -> Vec<String> {
        self.shared.lock().kv_keys()
    }

    /// How many keys the store takes; a new one over that is [`KvError::Quota`](crate::kv::KvError::Quota).
    pub fn kv_keys_max(&self, keys: usize) {
        self.shared.lock().kv_keys_max = keys;
    }

    /// Runs an operation, its input and output being JSON texts on the way as in a component.
    ///
    /// # Errors
    /// The operation's failure.
    pub fn call<C: Connector>(&self, operation: &str, input: Value) -> Result<Value, Failure> {
        self.begin::<C>(Phase::Call);
        let output = handler::call::<C>(operation.to_owned(), &input.to_string())?;
        serde_json::from_str(&output).map_err(|error| Failure::internal(format!("the output is not JSON: {error}")))
    }

    /// The manifest. Whatever a connector may not use there panics.
    pub fn describe<C: Connector>(&self) -> Value {
        self.begin::<C>(Phase::Describe);
        serde_json::from_str(&handler::describe::<C>()).unwrap_or_default()
    }

    /// Holds a file to what the connector registers: the one that its [`Connector::MANIFEST`] includes. With the
    /// environment variable `DUIJIE_MANIFEST=write` the file is written instead.
    pub fn hold_manifest<C: Connector>(&self, path: &str) {
        manifest::hold(&self.describe::<C>(), C::MANIFEST, path);
    }

    /// What the connector finds wrong with the config. Whatever a connector may not use there panics.
    pub fn check<C: Connector>(&self) -> Vec<Problem> {
        self.begin::<C>(Phase::Check);
        handler::check::<C>()
    }

    /// Answers an inbound request.
    ///
    /// # Errors
    /// The hook's failure.
    pub fn receive<C: Connector>(&self, request: HookRequest) -> Result<HookResponse, Failure> {
        self.begin::<C>(Phase::Call);
        handler::receive::<C>(request)
    }

    fn begin<C: Connector>(&self, phase: Phase) {
        let uses = C::about().secrets.into_iter().map(|slot| (slot.name, slot.uses)).collect();
        let mut state = self.shared.lock();
        state.phase = phase;
        state.uses = uses;
    }
}

/// A config with these members in place of its own or added. What is no object has no members.
pub fn changed(mut config: Value, changes: &Value) -> Value {
    if let (Some(config), Some(changes)) = (config.as_object_mut(), changes.as_object()) {
        config.extend(changes.iter().map(|(name, value)| (name.clone(), value.clone())));
    }
    config
}

/// An inbound request for [`TestHost::receive`], without headers, from 127.0.0.1.
pub fn hook_request(hook: &str, method: &str, query: &str, body: impl Into<Vec<u8>>) -> HookRequest {
    HookRequest {
        hook: hook.to_owned(),
        method: method.to_owned(),
        path: String::new(),
        query: query.to_owned(),
        headers: Vec::new(),
        body: body.into(),
        remote: "127.0.0.1".to_owned(),
    }
}

/// Replies being scripted for one method and URL.
pub struct Route<'a> {
    host: &'a TestHost,
    method: String,
    url: String,
}

impl Route<'_> {
    /// Then a JSON answer of this status.
    pub fn reply(self, status: u16, body: Value) -> Self {
        self.reply_text(status, "application/json", &body.to_string())
    }

    /// Then an answer of this status, content type and text.
    pub fn reply_text(self, status: u16, content_type: &str, body: &str) -> Self {
        let headers = vec![("content-type".to_owned(), content_type.to_owned())];
        self.reply_with(Response { status, headers, body: body.as_bytes().to_vec() })
    }

    /// Then this answer.
    pub fn reply_with(self, response: Response) -> Self {
        self.then(Reply::Answer(response))
    }

    /// Then no answer; `sent` says whether the request may have left.
    pub fn fail(self, kind: HttpErrorKind, sent: bool) -> Self {
        self.then(Reply::Error(HttpError { kind, sent }))
    }

    /// Then what this makes of the request. It may call the host: an upstream that calls a hook while a call is open.
    pub fn reply_by(self, answer: impl Fn(&Sent) -> Response + Send + Sync + 'static) -> Self {
        self.then(Reply::By(Arc::new(answer)))
    }

    fn then(self, reply: Reply) -> Self {
        self.host.shared.lock().script.add(&self.method, &self.url, reply);
        self
    }
}

#[cfg(test)]
mod tests;
