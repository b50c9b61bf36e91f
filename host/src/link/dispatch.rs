//! One call, from a name and some bytes to an answer: snapshot → operation → size → permit → JSON → schema → guest.
//! Knows nothing of HTTP; `server/problem.rs` gives every error here its status.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use serde_json::{Value, value::RawValue};
use tokio::{
    sync::{Notify, Semaphore, SemaphorePermit},
    time::timeout,
};

use super::table::{Entry, Link, LiveTable, Table};
use crate::{
    capability::{CallContext, Context, http::policy::Origin},
    failure::{Class, Failure, Outcome},
    runtime::{self, Violation},
};

/// How long a call waits for its turn at a link that has as many open as it may: a burst is smoothed, a stuck upstream
/// is not waited for. The host's own cap sheds at once.
pub(super) const LINK_WAIT: Duration = Duration::from_secs(1);

/// A call as it comes in.
pub(crate) struct Call<'c> {
    /// The link's id, as given.
    pub(crate) link: &'c str,
    /// The operation's name, as given.
    pub(crate) operation: &'c str,
    /// The input, not yet parsed.
    pub(crate) input: Bytes,
    /// Names the request in every log line.
    pub(crate) request_id: Arc<str>,
}

/// A call that ended well.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The operation's output, valid JSON.
    pub(crate) output: Box<RawValue>,
    /// Who was asked last; none: nobody.
    pub(crate) origin: Option<Origin>,
}

/// A call that ran and did not end well.
#[derive(Debug)]
pub(crate) struct Failed {
    /// What a caller may know of it.
    pub(crate) failure: Failure,
    /// Who was asked last; none: nobody.
    pub(crate) origin: Option<Origin>,
}

/// A call that did not.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    /// There is no such link.
    #[error("there is no link {0:?}")]
    UnknownLink(String),
    /// The link exists, and its files were refused.
    #[error("link {0} is not in service: its configuration was refused")]
    LinkRefused(String),
    /// The link's connector has no such operation.
    #[error("link {link} has no operation {operation:?}; it has {known}")]
    UnknownOperation {
        /// The link.
        link: String,
        /// What was asked for.
        operation: String,
        /// What there is.
        known: String,
    },
    /// The input is larger than the link allows.
    #[error("the input has {given} bytes; this link allows {max}")]
    TooLarge {
        /// Bytes given, as far as they were read.
        given: usize,
        /// Bytes allowed.
        max: usize,
    },
    /// The input is not JSON.
    #[error("the body is not JSON: {message} at line {line}, column {column}")]
    NotJson {
        /// What is wrong; no part of the input.
        message: String,
        /// Where.
        line: usize,
        /// Where in the line.
        column: usize,
    },
    /// The input does not fit the operation's schema.
    #[error("the input does not fit the schema of {operation}")]
    Invalid {
        /// The operation.
        operation: String,
        /// Everything that does not fit, at most 100.
        violations: Vec<Violation>,
    },
    /// The link has as many calls open as it may.
    #[error("link {0} has as many calls open as it may; try again soon")]
    LinkBusy(String),
    /// The host has as many calls open as it may.
    #[error("the host has as many calls open as it may; try again soon")]
    HostBusy,
    /// The connector, the upstream or the deadline ended the call.
    #[error("{}", .0.failure.message)]
    Failed(Box<Failed>),
}

/// Takes calls to links.
pub(crate) struct Dispatcher {
    table: LiveTable,
    changed: Notify,
    calls: Semaphore,
    calls_max: usize,
    /// For inbound requests. Not those of calls: with all of them taken, a call that waits for a hook would wait for itself.
    pub(super) hooks: Semaphore,
    hooks_max: usize,
}

impl Dispatcher {
    /// With an empty table; at most so many calls, and besides them so many hooks, run at a time in the whole host.
    pub(crate) fn new(calls_max: usize, hooks_max: usize) -> Self {
        let (calls, hooks) = (Semaphore::new(calls_max), Semaphore::new(hooks_max));
        Self { table: LiveTable::default(), changed: Notify::new(), calls, calls_max, hooks, hooks_max }
    }

    /// Waits until no call and no hook is under way, also of callers who have gone away, and at most this long. Returns
    /// how many still are.
    pub(crate) async fn idle(&self, wait: Duration) -> usize {
        let all = |max: usize| u32::try_from(max).unwrap_or(u32::MAX);
        // Given back at once: what counts is that they were all there.
        let _ = timeout(wait, async {
            let _calls = self.calls.acquire_many(all(self.calls_max)).await;
            let _hooks = self.hooks.acquire_many(all(self.hooks_max)).await;
        })
        .await;
        let open = |max: usize, free: &Semaphore| max.saturating_sub(free.available_permits());
        open(self.calls_max, &self.calls) + open(self.hooks_max, &self.hooks)
    }

    /// The links of this moment.
    pub(crate) fn table(&self) -> Arc<Table> {
        self.table.load()
    }

    /// Publishes new links; calls under way go on with theirs.
    pub(crate) fn publish(&self, table: Table) {
        self.table.publish(table);
        self.changed.notify_one();
    }

    /// Ends when new links have been published since it ended last. For one who waits: whoever keeps a table must let go
    /// of it soon, or revisions that nobody serves with would live on in it.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Runs one call to its end.
    ///
    /// # Errors
    /// Everything that can go wrong, each with what is known about its effect: all but [`CallError::Failed`] send nothing.
    pub(crate) async fn call(&self, mut call: Call<'_>) -> Result<Answer, CallError> {
        let started = Instant::now();
        let link = match self.table.load().get(call.link) {
            Some(Entry::Serving(serving)) => serving.pick().clone(),
            Some(Entry::Refused { .. }) => return Err(CallError::LinkRefused(call.link.to_owned())),
            None => return Err(CallError::UnknownLink(call.link.chars().take(128).collect())),
        };
        let input = std::mem::take(&mut call.input);
        let bytes = input.len();
        let watch = Watch { link: &link, call: &call, started };
        // Held until the call is written down: a host that waits for its calls to end must not exit before.
        let mut held = None;
        let result = self.run(&link, &call, input, &mut held).await;
        std::mem::forget(watch);
        observe(&link, &call, bytes, &result, started.elapsed());
        result
    }

    async fn run<'p>(
        &'p self,
        link: &'p Link,
        call: &Call<'_>,
        input: Bytes,
        held: &mut Option<[SemaphorePermit<'p>; 2]>,
    ) -> Result<Answer, CallError> {
        let Some(operation) = link.connector.operation(call.operation) else {
            return Err(CallError::unknown_operation(link, call.operation));
        };
        let max = link.input_max(operation.spec.max_body);
        if input.len() > max {
            return Err(CallError::TooLarge { given: input.len(), max });
        }
        // Before parsing: what is open at a time also bounds what parsed inputs may take of memory.
        let Ok(Ok(link_permit)) = timeout(LINK_WAIT, link.permits.acquire()).await else {
            return Err(CallError::LinkBusy(link.id.to_string()));
        };
        let host_permit = self.calls.try_acquire().map_err(|_| CallError::HostBusy)?;
        *held = Some([link_permit, host_permit]);
        let parsed: Value = serde_json::from_slice(&input).map_err(|e| not_json(&e))?;
        let violations = operation.violations(&parsed);
        if !violations.is_empty() {
            return Err(CallError::Invalid { operation: call.operation.to_owned(), violations });
        }
        let personal = operation.personal.collect(&parsed);
        drop(parsed);
        // The very bytes that were read, not a copy: a body may be megabytes. serde_json has just read them as JSON
        // text, so they are UTF-8.
        let text = String::from_utf8(input.into()).map_err(|_| CallError::NotJson {
            message: "not UTF-8".into(),
            line: 1,
            column: 1,
        })?;
        let limits = link.limits_for(operation.spec.deadline_ms);
        let context = Context::serving(CallContext {
            grant: link.grant.clone(),
            request_id: call.request_id.clone(),
            deadline: limits.deadline,
            body_bytes: limits.body_bytes,
            http_requests: limits.http_requests,
            personal,
        });
        let sent = context.sent();
        match runtime::call(&link.connector, context, &limits, call.operation, text).await {
            Ok(output) => Ok(Answer { output, origin: sent.origin() }),
            Err(failure) => Err(CallError::Failed(Box::new(Failed { failure, origin: sent.origin() }))),
        }
    }

    /// Everything that can be said of an input without running the connector: the link that would serve it and the input,
    /// parsed. For what is to be sent later.
    ///
    /// # Errors
    /// As [`Self::call`] before the connector runs, without the bounds on what runs at a time.
    pub(crate) fn examine(&self, link: &str, operation: &str, input: &[u8]) -> Result<(Arc<Link>, Value), CallError> {
        let link = self.serving(link)?;
        let Some(spec) = link.connector.operation(operation) else {
            return Err(CallError::unknown_operation(&link, operation));
        };
        let max = link.input_max(spec.spec.max_body);
        if input.len() > max {
            return Err(CallError::TooLarge { given: input.len(), max });
        }
        let value = serde_json::from_slice(input).map_err(|error| not_json(&error))?;
        let violations = spec.violations(&value);
        if !violations.is_empty() {
            return Err(CallError::Invalid { operation: operation.to_owned(), violations });
        }
        Ok((link, value))
    }

    /// The link of this id, if it serves, with the state that serves all but what a canary gets.
    ///
    /// # Errors
    /// `UnknownLink`, `LinkRefused`.
    pub(crate) fn serving(&self, link: &str) -> Result<Arc<Link>, CallError> {
        match self.table.load().get(link) {
            Some(Entry::Serving(serving)) => Ok(serving.stable.clone()),
            Some(Entry::Refused { .. }) => Err(CallError::LinkRefused(link.to_owned())),
            None => Err(CallError::UnknownLink(link.chars().take(128).collect())),
        }
    }
}

impl CallError {
    /// There is no such operation; names those that there are.
    pub(crate) fn unknown_operation(link: &Link, asked: &str) -> Self {
        let known: Vec<&str> = link.connector.manifest.operations.iter().map(|op| op.name.as_str()).collect();
        Self::UnknownOperation {
            link: link.id.to_string(),
            operation: asked.chars().take(80).collect(),
            known: known.join(", "),
        }
    }

    /// What is known about the effect: only a call that ran can have had one.
    pub(crate) fn outcome(&self) -> Outcome {
        match self {
            Self::Failed(failed) => failed.failure.outcome,
            _ => Outcome::NotSent,
        }
    }

    /// Who must act.
    pub(crate) fn class(&self) -> Class {
        match self {
            Self::UnknownLink(_)
            | Self::UnknownOperation { .. }
            | Self::TooLarge { .. }
            | Self::NotJson { .. }
            | Self::Invalid { .. } => Class::InvalidInput,
            Self::LinkRefused(_) => Class::Config,
            Self::LinkBusy(_) | Self::HostBusy => Class::Unavailable,
            Self::Failed(failed) => failed.failure.class,
        }
    }
}

impl Link {
    /// The largest input that this link takes for an operation that asks for so much, so that a server need not read more.
    pub(crate) fn input_max(&self, asked: Option<u64>) -> usize {
        // A connector's wish for large bodies is granted by the link's limit alone.
        let asked = asked.and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or(usize::MAX);
        self.limits.body_bytes.min(asked)
    }

    fn limits_for(&self, deadline_ms: Option<u64>) -> runtime::CallLimits {
        let mut limits = self.limits.clone();
        if let Some(ms) = deadline_ms {
            limits.deadline = limits.deadline.min(Duration::from_millis(ms));
        }
        limits
    }
}

/// serde_json's message without the position, which stands apart, and without any of the input.
fn not_json(error: &serde_json::Error) -> CallError {
    let text = error.to_string();
    let message = text.split(" at line ").next().unwrap_or("not JSON");
    CallError::NotJson { message: message.to_owned(), line: error.line(), column: error.column() }
}

/// Says so when a call is dropped before it ends: at the end of the drain, with whatever it had sent.
struct Watch<'c> {
    link: &'c Link,
    call: &'c Call<'c>,
    started: Instant,
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        let (link, request_id, operation) = (&self.link.id, &*self.call.request_id, self.call.operation);
        let operation = self.link.connector.operation(operation).map_or("unknown", |op| op.spec.name.as_str());
        let (outcome, ms) = (Outcome::Unknown.as_str(), self.started.elapsed().as_secs_f64() * 1e3);
        tracing::warn!(request_id, %link, operation, outcome, ms, "call cut off");
    }
}

/// One log line and one count a call. Labels are the connector's words, never a caller's: their number is bounded.
fn observe(link: &Link, call: &Call<'_>, bytes: usize, result: &Result<Answer, CallError>, took: Duration) {
    let manifest = &link.connector.manifest;
    let operation = link.connector.operation(call.operation).map_or("unknown", |op| op.spec.name.as_str());
    let (class, outcome) = match result {
        Ok(_) => ("ok", Outcome::Done),
        Err(error) => (error.class().as_str(), error.outcome()),
    };
    match result {
        Ok(_) => link.connector.tally.count(None),
        Err(CallError::Failed(failed)) => link.connector.tally.count(Some(failed.failure.class)),
        // Turned away before the connector ran.
        Err(_) => {}
    }
    let labels = [
        ("connector", manifest.name.to_string()),
        ("operation", operation.to_owned()),
        ("class", class.to_owned()),
        ("outcome", outcome.as_str().to_owned()),
    ];
    metrics::counter!("duijie_calls_total", &labels).increment(1);
    let labels = [("connector", manifest.name.to_string()), ("operation", operation.to_owned())];
    metrics::histogram!("duijie_call_seconds", &labels).record(took.as_secs_f64());
    let upstream_code = match result {
        Err(CallError::Failed(failed)) => failed.failure.upstream_code.as_deref(),
        _ => None,
    };
    tracing::info!(
        request_id = &*call.request_id, link = %link.id, operation, connector = %manifest.name, version = %manifest.version,
        revision = link.connector.revision.short(), class, outcome = outcome.as_str(), upstream_code,
        ms = took.as_secs_f64() * 1e3, bytes, "call"
    );
}
