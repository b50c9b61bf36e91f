//! Jobs: what is accepted, what it is asked to wait for, how it stands. The words are those of design.md §9.

use std::{fmt, sync::Arc};

use uuid::Uuid;

use super::{Answer, At, Digest, Repeat, Sealed, Stage, State};
use crate::{
    failure::{Class, Outcome},
    id::{ConnectorName, LinkId, PlatformName},
};

/// Most jobs in one [`Jobs::accept`] and most rows in one step of a batch: one transaction should not hold up the others.
pub(crate) const ACCEPT_MAX: usize = 1000;
/// Most jobs on one page.
pub(crate) const PAGE_MAX: usize = 500;

/// A job's name: a UUID of version 7, made by the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct JobId(pub(crate) Uuid);

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How an attempt ended. The message is cut to [`crate::failure::MESSAGE_MAX`], the code to [`crate::failure::CODE_MAX`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Report {
    /// Who must act; none when it went well.
    pub(crate) class: Option<Class>,
    /// What is known about the effect.
    pub(crate) outcome: Outcome,
    /// The upstream's own code.
    pub(crate) upstream_code: Option<String>,
    /// What happened, redacted above.
    pub(crate) message: Option<String>,
}

/// One attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Attempt {
    /// From 1.
    pub(crate) n: u32,
    /// When it was made durable, before the guest ran.
    pub(crate) started: At,
    /// When its end was.
    pub(crate) ended: Option<At>,
    /// How it ended.
    pub(crate) report: Option<Report>,
}

/// A place in a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The batch.
    pub(crate) batch: Uuid,
    /// The row, as its sender counts.
    pub(crate) row: u32,
}

/// What to do with the jobs of its operation that wait directly before it in its line (same link and key) and have certainly
/// had no effect yet. Never with one that a job of another operation waits behind: that may build on it.
#[derive(Clone)]
pub(crate) enum Newer {
    /// Both are sent, in order.
    Keep,
    /// The earlier one ends as superseded.
    Supersede,
    /// The earlier one is folded into this one, and ends as superseded. If it cannot be, both are sent, in order.
    Coalesce(Merge),
}

/// Folds two sealed payloads into one, on the store's own thread: it must be quick and must not wait. `None` if it cannot.
pub(crate) type Merge = Arc<dyn Fn(Fold<'_>) -> Option<Merged> + Send + Sync>;

/// What is to be folded.
pub(crate) struct Fold<'a> {
    /// The job that ends.
    pub(crate) old: JobId,
    /// Its payload.
    pub(crate) old_payload: &'a Sealed,
    /// The job that goes on.
    pub(crate) new: JobId,
    /// Its payload, with what has been folded into it already.
    pub(crate) new_payload: &'a Sealed,
}

/// What a fold gives.
pub(crate) struct Merged {
    /// Sealed for the job that goes on.
    pub(crate) payload: Sealed,
    /// The SHA-256 of what is in it.
    pub(crate) body: Digest,
}

/// A platform's word that two requests are one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Idempotency {
    /// The keyed hash of the key's text.
    pub(crate) key: Digest,
    /// The hash of all that must be the same: link, operation, body.
    pub(crate) body: Digest,
    /// Until when the key is remembered; longer, as long as its job waits or may be sent again.
    pub(crate) until: At,
}

/// A job as it is handed in.
#[derive(Clone)]
pub(crate) struct NewJob {
    /// Its name.
    pub(crate) id: JobId,
    /// The link it goes through.
    pub(crate) link: LinkId,
    /// The link's connector, for the record.
    pub(crate) connector: ConnectorName,
    /// The operation.
    pub(crate) operation: String,
    /// Its owner.
    pub(crate) platform: PlatformName,
    /// The keyed hash of the record's key; none: no order.
    pub(crate) key: Option<Digest>,
    /// See [`Repeat`].
    pub(crate) repeat: Repeat,
    /// See [`Newer`].
    pub(crate) newer: Newer,
    /// The input, sealed.
    pub(crate) payload: Sealed,
    /// The input's SHA-256.
    pub(crate) body: Digest,
    /// Not before this moment.
    pub(crate) due: At,
    /// The moment at which it is parked if it has not ended.
    pub(crate) parks_at: Option<At>,
    /// See [`Idempotency`].
    pub(crate) idempotency: Option<Idempotency>,
    /// Does the platform want to hear of its end?
    pub(crate) callback: bool,
    /// The request it came with.
    pub(crate) request_id: String,
}

/// What became of a job that was handed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Accepted {
    /// It is stored.
    New {
        /// Its place in the order of acceptance.
        seq: i64,
        /// The earlier jobs whose place it took.
        superseded: Vec<JobId>,
    },
    /// It was stored before, as this job.
    Replay(JobId),
    /// Its idempotency key was used for something else, this job; nothing is stored.
    Conflict(JobId),
}

/// A job as it stands, without its payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Job {
    /// Its name.
    pub(crate) id: JobId,
    /// Its place in the order of acceptance.
    pub(crate) seq: i64,
    /// The link.
    pub(crate) link: LinkId,
    /// The connector, when it was accepted.
    pub(crate) connector: ConnectorName,
    /// The operation.
    pub(crate) operation: String,
    /// Its owner.
    pub(crate) platform: PlatformName,
    /// The record's key.
    pub(crate) key: Option<Digest>,
    /// See [`Repeat`].
    pub(crate) repeat: Repeat,
    /// The input's SHA-256, kept when the input is gone.
    pub(crate) body: Digest,
    /// How it stands.
    pub(crate) stage: Stage,
    /// Attempts begun, ever. The number of the last one.
    pub(crate) attempts: u32,
    /// Attempts begun since a person last asked for it: what limits are about.
    pub(crate) tries: u32,
    /// Did any attempt end without anybody knowing its effect?
    pub(crate) doubt: bool,
    /// The moment at which it is parked.
    pub(crate) parks_at: Option<At>,
    /// How the last attempt ended, or why it is where it is.
    pub(crate) last: Option<Report>,
    /// When it was accepted.
    pub(crate) accepted: At,
    /// When it last changed.
    pub(crate) updated: At,
    /// When it came to an end; parked is one.
    pub(crate) finished: Option<At>,
    /// Its batch.
    pub(crate) place: Option<Place>,
    /// Does the platform want to hear of its end?
    pub(crate) callback: bool,
    /// The request it came with.
    pub(crate) request_id: String,
}

/// Which jobs; what is not given is not asked.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    /// Of this link.
    pub(crate) link: Option<LinkId>,
    /// In this state.
    pub(crate) state: Option<State>,
    /// Of this operation.
    pub(crate) operation: Option<String>,
    /// Of this owner.
    pub(crate) platform: Option<PlatformName>,
    /// Of this batch.
    pub(crate) batch: Option<Uuid>,
}

/// Some jobs, in the order of acceptance.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    /// At most as many as asked for and [`PAGE_MAX`].
    pub(crate) jobs: Vec<Job>,
    /// Where the next page begins; none: there is nothing more.
    pub(crate) next: Option<i64>,
}

/// What a retry by hand led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Retried {
    /// It waits again.
    Queued,
    /// A newer version of the record has gone ahead or waits; sending this one would undo it, so it ended.
    Superseded(JobId),
}

/// Accepting jobs and asking about them.
pub(crate) trait Jobs: Send + Sync {
    /// Takes jobs in, in their order, all in one transaction; the answers are in the same order.
    ///
    /// # Errors
    /// [`super::StoreError::TooMany`] over [`ACCEPT_MAX`]; `Constraint` if an id is taken. Then none is stored.
    fn accept(&self, now: At, jobs: Vec<NewJob>) -> Answer<'_, Vec<Accepted>>;

    /// One job.
    fn job(&self, id: JobId) -> Answer<'_, Option<Job>>;

    /// Its attempts, in order; at most the last [`PAGE_MAX`].
    fn attempts(&self, id: JobId) -> Answer<'_, Vec<Attempt>>;

    /// Its payload, unless it is gone.
    #[cfg_attr(not(test), expect(dead_code, reason = "attempts and rows of batches are read with theirs"))]
    fn payload(&self, id: JobId) -> Answer<'_, Option<Sealed>>;

    /// Its result, unless there is none or it is gone.
    fn result(&self, id: JobId) -> Answer<'_, Option<Sealed>>;

    /// Those after this place in the order of acceptance.
    fn list(&self, filter: Filter, after: i64, jobs_max: usize) -> Answer<'_, Page>;

    /// How many jobs of each link are in each state; what there is none of is left out.
    fn counts(&self) -> Answer<'_, Vec<(LinkId, State, u64)>>;

    /// When the first of each link's queued jobs was accepted; links without any are left out.
    fn oldest(&self) -> Answer<'_, Vec<(LinkId, At)>>;

    /// Queues a job that is failed, parked or unknown again, at its old place in the order; makes a waiting one due.
    /// It has all its tries again, and waits at most until `parks_at`.
    ///
    /// # Errors
    /// `NotFound`; `State` for any other state; `Gone` if its payload is.
    fn retry(&self, now: At, id: JobId, parks_at: Option<At>) -> Answer<'_, Retried>;

    /// Takes a job back that is not under way. Its payload is gone.
    ///
    /// # Errors
    /// `NotFound`; `State` if it is under way or has ended well.
    fn cancel(&self, now: At, id: JobId) -> Answer<'_, ()>;
}
