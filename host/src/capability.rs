//! What a guest may do, and the state of doing it in one call. Each capability has one shape: a process-wide value
//! (client pool, KV), the link's grant, and this context, which lives for one call. Policy answers through the contract;
//! only a capability used where there is no link (during `describe` and `check`) traps.

pub(crate) mod cloudevent;
pub(crate) mod credential;
pub(crate) mod crypto;
pub(crate) mod forward;
pub(crate) mod grant;
pub(crate) mod http;
pub(crate) mod kv;
mod log;
mod parts;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use serde_json::value::RawValue;
use tokio::time::Instant;
use wasmtime::component::ResourceTable;

use self::{grant::Grant, http::policy::Origin};
use crate::{
    bindings::duijie::{connector::types, link::config},
    failure::cut,
    redact::{PersonalValues, Redactor, escape_control},
    secret::Overlay,
};

/// Host calls of one guest call; a guest that makes more is looping.
const HOST_CALLS_MAX: u32 = 20_000;
/// Bytes of one call through the crypto package (wit/deps/duijie-crypto.wit).
const CRYPTO_BYTES_MAX: usize = 64 << 20;
/// What is kept of a call's time for the connector to answer in.
const ANSWER_MARGIN: Duration = Duration::from_millis(250);
/// How much more of a text is cleaned than is kept.
const CLEAN_AHEAD: usize = 16;
/// Locks a guest may hold.
const LOCKS_MAX: usize = 16;

/// Has a request left that may have had an effect, and who was asked last? Shared with whoever waits for the call, because
/// a call that runs into its deadline is dropped and cannot say.
#[derive(Clone, Default)]
pub(crate) struct Sent(Arc<SentState>);

#[derive(Default)]
struct SentState {
    requests: AtomicU32,
    origin: Mutex<Option<Origin>>,
}

impl Sent {
    /// May any byte have left?
    pub(crate) fn get(&self) -> bool {
        self.0.requests.load(Ordering::Acquire) > 0
    }

    /// Where the last request went, whether it got there or not.
    pub(crate) fn origin(&self) -> Option<Origin> {
        self.0.origin.lock().clone()
    }

    fn mark(&self, origin: Origin) -> SentMark {
        *self.0.origin.lock() = Some(origin);
        self.0.requests.fetch_add(1, Ordering::AcqRel);
        SentMark(self.clone())
    }
}

/// One request that is counted as sent, until it is known that it was not.
struct SentMark(Sent);

impl SentMark {
    fn undo(self) {
        self.0.0.requests.fetch_sub(1, Ordering::AcqRel);
    }
}

/// What the guest is being asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// To describe itself: there is no link.
    Describe,
    /// To check a link's config: config only.
    Check,
    /// To serve.
    Serve,
}

/// What one serving call brings along.
pub(crate) struct CallContext {
    /// What the link may use.
    pub(crate) grant: Arc<Grant>,
    /// The request's id, for log lines.
    pub(crate) request_id: Arc<str>,
    /// When the call must be over.
    pub(crate) deadline: Duration,
    /// Bytes of one request or answer.
    pub(crate) body_bytes: usize,
    /// Requests to upstreams.
    pub(crate) http_requests: u32,
    /// Values that must not be seen in a log or message.
    pub(crate) personal: PersonalValues,
}

/// The capabilities of one guest call.
pub(crate) struct Context {
    phase: Phase,
    grant: Arc<Grant>,
    request_id: Arc<str>,
    deadline: Instant,
    body_bytes: usize,
    http_requests_left: u32,
    crypto_bytes_left: usize,
    host_calls_left: u32,
    log: log::LogBudget,
    locks: ResourceTable,
    masks: Overlay,
    personal: PersonalValues,
    sent: Sent,
}

impl Context {
    /// For `describe`: no link, every capability traps.
    pub(crate) fn describing() -> Self {
        Self::new(Phase::Describe, CallContext::without_link(Arc::new(Grant::none())))
    }

    /// For `check`: config and nothing else.
    pub(crate) fn checking(grant: Arc<Grant>) -> Self {
        Self::new(Phase::Check, CallContext::without_link(grant))
    }

    /// For a call.
    pub(crate) fn serving(call: CallContext) -> Self {
        Self::new(Phase::Serve, call)
    }

    fn new(phase: Phase, call: CallContext) -> Self {
        let masker = call.grant.masker.clone();
        let mut locks = ResourceTable::new();
        locks.set_max_capacity(LOCKS_MAX);
        Self {
            phase,
            grant: call.grant,
            request_id: call.request_id,
            deadline: Instant::now() + call.deadline,
            body_bytes: call.body_bytes,
            http_requests_left: call.http_requests,
            crypto_bytes_left: CRYPTO_BYTES_MAX,
            host_calls_left: HOST_CALLS_MAX,
            log: log::LogBudget::default(),
            locks,
            masks: Overlay::new(masker),
            personal: call.personal,
            sent: Sent::default(),
        }
    }

    /// The flag that outlives this context.
    pub(crate) fn sent(&self) -> Sent {
        self.sent.clone()
    }

    /// A text from the guest as others may see it: without secrets and personal data, in one line, bounded.
    pub(crate) fn clean(&self, mut text: String, max: usize) -> String {
        // Cut twice: first to bound the work, far behind the real cut, so that no value is split where it would show.
        cut(&mut text, max.saturating_mul(CLEAN_AHEAD));
        let text = self.masks.mask_text(text);
        let mut text = escape_control(&Redactor::shared().redact_text(&text, &self.personal)).into_owned();
        cut(&mut text, max);
        text
    }

    /// JSON from the guest as others may see it; none when it is not JSON.
    pub(crate) fn clean_json(&self, json: &str) -> Option<Box<RawValue>> {
        let mut value = serde_json::from_str(&self.masks.mask_text(json.to_owned())).ok()?;
        Redactor::shared().redact_json(&mut value, &self.personal);
        serde_json::value::to_raw_value(&value).ok()
    }

    /// Every host function begins here: is it allowed in this phase, and is the guest looping?
    fn enter(&mut self, what: &str, needs: Phase) -> wasmtime::Result<()> {
        let allowed = match needs {
            Phase::Describe => true,
            Phase::Check => self.phase != Phase::Describe,
            Phase::Serve => self.phase == Phase::Serve,
        };
        if !allowed {
            let during = if self.phase == Phase::Describe { "describe" } else { "check" };
            return Err(forbidden(format!("the connector used {what} during {during}")));
        }
        self.host_calls_left = self.host_calls_left.checked_sub(1).ok_or_else(|| {
            forbidden(format!("the connector made more than {HOST_CALLS_MAX} host calls in one call"))
        })?;
        Ok(())
    }

    /// What a request may take: a little less than what is left, so that the connector gets to say what became of it.
    fn left_for_requests(&self) -> Duration {
        let left = self.left();
        left.saturating_sub(ANSWER_MARGIN.min(left / 8))
    }

    fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }
}

impl CallContext {
    fn without_link(grant: Arc<Grant>) -> Self {
        Self {
            grant,
            request_id: Arc::from(""),
            deadline: Duration::ZERO,
            body_bytes: 0,
            http_requests: 0,
            personal: PersonalValues::default(),
        }
    }
}

/// Ends the guest: it did what no policy answers.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Forbidden(String);

fn forbidden(text: String) -> wasmtime::Error {
    Forbidden(text).into()
}

impl types::Host for Context {}

impl config::Host for Context {
    fn id(&mut self) -> wasmtime::Result<String> {
        self.enter("link.config", Phase::Check)?;
        Ok(self.grant.link.as_ref().map(ToString::to_string).unwrap_or_default())
    }

    fn get(&mut self) -> wasmtime::Result<String> {
        self.enter("link.config", Phase::Check)?;
        Ok(self.grant.config.to_string())
    }
}
