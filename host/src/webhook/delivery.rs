//! One delivery: an event that was leased, its request, and what becomes of it. Whatever happens, the store hears how it
//! ended, unless it is broken or another delivery has the event by now.

use std::{fmt, sync::Arc};

use super::{Webhooks, backoff};
use crate::{
    capability::http::{client::Fault, policy::Denied},
    failpoint,
    store::{At, Delivery, Event, Store, StoreError},
};

/// What a delivery needs; cheap to clone.
#[derive(Clone)]
pub(super) struct Means {
    pub(super) store: Arc<dyn Store>,
    pub(super) webhooks: Arc<Webhooks>,
    pub(super) clock: Clock,
}

/// What time it is.
pub(super) type Clock = Arc<dyn Fn() -> At + Send + Sync>;

/// How a delivery went.
enum Answer {
    /// The platform has it.
    Taken,
    /// The platform wants no more.
    Gone,
    /// The platform says no, perhaps not for ever.
    Refused { status: u16, retry_after: Option<std::time::Duration> },
    /// No answer, or one that says that the platform is not well.
    Unavailable { why: String, retry_after: Option<std::time::Duration> },
    /// The policy does not let it out.
    Denied(String),
    /// The platform has no webhook any more.
    Unconfigured,
    /// A fault of this host.
    Internal(String),
}

impl Answer {
    /// The label of the metric.
    fn class(&self) -> &'static str {
        match self {
            Self::Taken => "ok",
            Self::Gone => "gone",
            Self::Refused { .. } => "refused",
            Self::Unavailable { .. } => "unavailable",
            Self::Denied(_) => "denied",
            Self::Unconfigured => "unconfigured",
            Self::Internal(_) => "internal",
        }
    }

    fn decide(&self, event: &Event, now: At) -> Delivery {
        let retry_after = match self {
            Self::Taken => return Delivery::Done,
            Self::Gone | Self::Unconfigured => return Delivery::Parked,
            Self::Refused { retry_after, .. } | Self::Unavailable { retry_after, .. } => *retry_after,
            Self::Denied(_) | Self::Internal(_) => None,
        };
        // Without luck, events that failed together come together again, and no harm is done.
        backoff::again(event, now, retry_after, getrandom::u32().unwrap_or_default())
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Taken => f.write_str("taken"),
            Self::Gone => f.write_str("the platform answers HTTP 410: it wants no more"),
            Self::Refused { status, .. } => write!(f, "the platform answers HTTP {status}"),
            Self::Unavailable { why, .. } | Self::Denied(why) | Self::Internal(why) => f.write_str(why),
            Self::Unconfigured => f.write_str("the platform has no [[webhooks]] any more"),
        }
    }
}

impl Means {
    /// Delivers the event once and writes down how that ended.
    ///
    /// # Errors
    /// Those of the store, but for one: being late.
    pub(super) async fn deliver(self, event: Event) -> Result<(), StoreError> {
        let answer = self.ask(&event).await?;
        if let Answer::Taken = answer {
            failpoint::pass("webhook.sent");
        }
        let now = (self.clock)();
        let delivery = answer.decide(&event, now);
        metrics::counter!("duijie_webhooks_total", "class" => answer.class()).increment(1);
        log(&event, &answer, delivery);
        match self.store.event_finish(now, event.id, event.n, delivery).await {
            // It took longer than its lease: another delivery has the event, and the platform may get it twice.
            Err(StoreError::Fenced | StoreError::NotFound) => Ok(()),
            ended => ended,
        }
    }

    async fn ask(&self, event: &Event) -> Result<Answer, StoreError> {
        let Some(target) = self.webhooks.target(&event.platform) else { return Ok(Answer::Unconfigured) };
        let job = match self.store.job(event.job).await {
            Ok(Some(job)) => job,
            Ok(None) => return Ok(Answer::Internal("the job is not in the store".into())),
            Err(error @ StoreError::Broken(_)) => return Err(error),
            Err(error) => return Ok(Answer::Internal(error.to_string())),
        };
        let outgoing = match target.outgoing(event, &job, (self.clock)()) {
            Ok(outgoing) => outgoing,
            Err(error) => return Ok(Answer::Internal(error.to_string())),
        };
        Ok(match target.outlet.send(outgoing).await {
            Ok(incoming) => {
                let retry_after = backoff::retry_after(&incoming.headers, (self.clock)());
                match incoming.status {
                    200..300 => Answer::Taken,
                    410 => Answer::Gone,
                    status @ 300..500 => Answer::Refused { status, retry_after },
                    status => Answer::Unavailable { why: format!("the platform answers HTTP {status}"), retry_after },
                }
            }
            Err(error) => match error.kind {
                Fault::Denied(denied) => Answer::Denied(advice(&denied)),
                fault => Answer::Unavailable { why: fault.to_string(), retry_after: None },
            },
        })
    }
}

/// Why the policy refuses, with what an operator may write here rather than in a link.
fn advice(denied: &Denied) -> String {
    match denied {
        Denied::Address { origin, ip, what, net } => {
            format!("{origin} is at {ip}, a {what} address; to allow it, add cidr = [\"{net}\"] to its [[webhooks]]")
        }
        other => other.to_string(),
    }
}

fn log(event: &Event, answer: &Answer, delivery: Delivery) {
    let (class, state) = (answer.class(), event.state.as_str());
    let Event { id, job, platform, n, .. } = event;
    match delivery {
        Delivery::Done => tracing::debug!(event = id, %job, %platform, state, n, class, "webhook delivered"),
        Delivery::Retry { at } => {
            tracing::info!(event = id, %job, %platform, state, n, class, reason = %answer, next = %at, "webhook failed");
        }
        Delivery::Parked => {
            tracing::warn!(event = id, %job, %platform, state, n, class, reason = %answer, "webhook given up");
        }
    }
}
