//! Durable push: what is accepted is ours until its fate is known. The path of a record: `accept` → the store →
//! `worker` → `attempt` → `policy` → the store. The queue is the store; what is here may die at any moment.

mod accept;
mod attempt;
mod backoff;
pub(crate) mod batch;
mod breaker;
mod coalesce;
mod holds;
mod jobs;
mod pace;
mod place;
mod policy;
pub(crate) mod schedule;
mod traffic;
pub(crate) mod view;
mod wait;
pub(crate) mod worker;

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::{Notify, broadcast};

use self::traffic::Traffic;
pub(crate) use self::{
    accept::{Ask, IDEMPOTENCY_KEY_MAX},
    holds::Resumed,
    wait::{WAIT_MAX, is_over},
};
use crate::{
    id::LinkId,
    link::{CallError, Dispatcher, Entry, PushSpec},
    seal::{Kind, SealError, Sealer, What},
    shutdown::Drain,
    store::{At, JobId, State, Store, StoreError},
    webhook::Webhooks,
};

/// Ends that are remembered for those who wait; who is behind by more asks the store.
const ENDED_KEPT: usize = 4096;

/// Why a record was not accepted, or a question about one not answered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PushError {
    /// The call could not be made.
    #[error(transparent)]
    Call(#[from] CallError),
    /// It cannot be kept.
    #[error("the host cannot keep records now: {0}")]
    Store(StoreError),
    /// The store failed while the record was written.
    #[error(
        "the host's store failed while the record was written: whether it is kept is not known. Send it again under the same Idempotency-Key if it had one; otherwise ask for your jobs first, GET /v1/jobs"
    )]
    InDoubt,
    /// It cannot be sealed or opened.
    #[error("the host cannot seal or open records: {0}")]
    Seal(SealError),
    /// The key belongs to another request.
    #[error("this Idempotency-Key was used for another request, job {0}; use a new key for a new request")]
    KeyReused(JobId),
    /// The request of this key is under way.
    #[error("the request of this Idempotency-Key is under way as job {0}; ask for it, or repeat this later")]
    InFlight(JobId),
    /// There is no such job, or it is somebody else's.
    #[error("there is no such job")]
    UnknownJob,
    /// It was kept as long as such records are.
    #[error("the record of this job is no longer kept; push it again")]
    Gone,
    /// The job's state does not allow it.
    #[error("the job is {}, which does not allow that", .0.as_str())]
    State(State),
    /// The operation's inputs are never kept.
    #[error(
        "operation {0} is never queued, since its input must not be kept on a disk; call it without Prefer, Idempotency-Key and batches"
    )]
    DirectOnly(String),
    /// The store answered with less than it was asked for.
    #[error("the host's store gave no answer")]
    Lost,
}

impl From<StoreError> for PushError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound => Self::UnknownJob,
            StoreError::State(state) => Self::State(state),
            StoreError::Gone => Self::Gone,
            error => Self::Store(error),
        }
    }
}

impl From<SealError> for PushError {
    fn from(error: SealError) -> Self {
        Self::Seal(error)
    }
}

/// What the queue is made of.
pub(crate) struct Parts {
    /// Makes the calls.
    pub(crate) dispatcher: Arc<Dispatcher>,
    /// Keeps the records.
    pub(crate) store: Arc<dyn Store>,
    /// Seals them.
    pub(crate) sealer: Arc<Sealer>,
    /// Knows who wants to hear of ends.
    pub(crate) webhooks: Arc<Webhooks>,
    /// Told that there may be an event to deliver.
    pub(crate) events: Arc<Notify>,
    /// Attempts under way at a time in the whole host.
    pub(crate) inflight: usize,
    /// Says when the host is going down.
    pub(crate) drain: Drain,
}

/// The queue.
pub(crate) struct Push {
    dispatcher: Arc<Dispatcher>,
    store: Arc<dyn Store>,
    sealer: Arc<Sealer>,
    webhooks: Arc<Webhooks>,
    events: Arc<Notify>,
    inflight: usize,
    drain: Drain,
    traffic: Mutex<Traffic>,
    /// Something may be sent that could not be before.
    wake: Notify,
    ended: broadcast::Sender<JobId>,
}

impl Push {
    /// A queue; nothing is sent until [`worker::run`] runs.
    pub(crate) fn new(parts: Parts) -> Self {
        let Parts { dispatcher, store, sealer, webhooks, events, inflight, drain } = parts;
        let (ended, _) = broadcast::channel(ENDED_KEPT);
        let (traffic, wake) = (Mutex::default(), Notify::new());
        Self { dispatcher, store, sealer, webhooks, events, inflight, drain, traffic, wake, ended }
    }

    /// What makes the calls.
    pub(crate) fn dispatcher(&self) -> &Dispatcher {
        &self.dispatcher
    }

    /// The store behind it.
    pub(crate) fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// The links have changed, or somebody let them go on: what waits may be sent now.
    pub(crate) fn wake(&self) {
        self.wake.notify_one();
    }

    /// Hears of every job that comes to an end from now on.
    pub(crate) fn ends(&self) -> broadcast::Receiver<JobId> {
        self.ended.subscribe()
    }

    /// Says when the host is going down: what waits then waits for the next start.
    pub(crate) fn drain(&self) -> Drain {
        self.drain.clone()
    }

    fn ended(&self, job: JobId) {
        // Nobody waits: nobody is told.
        let _ = self.ended.send(job);
        self.events.notify_one();
    }

    /// How this link's queue behaves; as usual, if the link is gone.
    fn spec(&self, link: &LinkId) -> PushSpec {
        match self.dispatcher.table().get(link) {
            Some(Entry::Serving(serving)) => serving.stable.push,
            _ => PushSpec::default(),
        }
    }
}

/// This moment, as the store keeps it.
fn now() -> At {
    jiff::Timestamp::now().into()
}

/// Where a job's record is sealed for.
fn payload_of<'a>(link: &'a LinkId, job: &'a JobId) -> What<'a> {
    What { kind: Kind::Payload, link, id: job.0.as_bytes() }
}

/// Where its output is.
fn result_of<'a>(link: &'a LinkId, job: &'a JobId) -> What<'a> {
    What { kind: Kind::Result, link, id: job.0.as_bytes() }
}
