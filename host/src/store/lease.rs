//! Attempts: who may run which job now, how that ended, and what becomes of attempts that never ended.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use super::{Answer, At, Job, JobId, Report, Sealed, State};
use crate::id::LinkId;

/// What a worker asks for.
#[derive(Clone, Debug, Default)]
pub(crate) struct LeaseAsk {
    /// How long each attempt may take: more than its total deadline.
    pub(crate) lease: Duration,
    /// Most jobs at once.
    pub(crate) jobs_max: usize,
    /// Most attempts under way of one link.
    pub(crate) inflight: u32,
    /// Links for which it is another number.
    pub(crate) inflight_of: HashMap<LinkId, u32>,
    /// Links that are not asked now: rate used up, breaker open. Those that are held are left out anyway.
    pub(crate) excluded: HashSet<LinkId>,
    /// Only these are asked; none: all that are not excluded.
    pub(crate) only: Option<HashSet<LinkId>>,
}

/// What a lease gives.
#[derive(Clone, Debug, Default)]
pub(crate) struct Taken {
    /// The attempts that may begin.
    pub(crate) leased: Vec<Leased>,
    /// Jobs that it has parked on its way: over their age, or not to be read.
    pub(crate) parked: Vec<JobId>,
}

/// An attempt that is durable and may begin.
#[derive(Clone, Debug)]
pub(crate) struct Leased {
    /// The job, sending.
    pub(crate) job: Job,
    /// The attempt's number; what [`Finish`] must say.
    pub(crate) n: u32,
    /// The input.
    pub(crate) payload: Sealed,
}

/// The end of an attempt.
#[derive(Clone, Debug)]
pub(crate) struct Finish {
    /// The job.
    pub(crate) id: JobId,
    /// The attempt.
    pub(crate) n: u32,
    /// How it ended.
    pub(crate) report: Report,
    /// What becomes of the job.
    pub(crate) verdict: Verdict,
}

/// What becomes of a job after an attempt.
#[derive(Clone, Debug)]
pub(crate) enum Verdict {
    /// It is applied.
    Done {
        /// The output.
        result: Option<Sealed>,
        /// Until when the output is kept; none: as long as the job.
        result_until: Option<At>,
        /// Until when the input is kept; none: it is gone at once.
        payload_until: Option<At>,
    },
    /// It is refused for good.
    Failed {
        /// Until when the input is kept; none: as long as the job.
        payload_until: Option<At>,
    },
    /// It is tried again, not before `at`.
    Retry {
        /// Not before.
        at: At,
    },
    /// A person looks at it.
    Parked,
    /// A person or a reconcile operation finds out.
    Unknown,
}

/// Which leases are given up.
#[derive(Clone, Debug)]
pub(crate) struct Expiry {
    /// Now.
    pub(crate) now: At,
    /// Also those that are not over: after a start, when no other process can hold one.
    pub(crate) all: bool,
    /// None of these: whoever asks is at them, whatever the clock says.
    pub(crate) except: HashSet<JobId>,
    /// A job with as many tries is parked rather than queued, lest it take the process down for ever.
    pub(crate) tries_max: u32,
    /// Most jobs in one step.
    pub(crate) jobs_max: usize,
}

/// What became of a job without a verdict of a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Expired {
    /// The job.
    pub(crate) id: JobId,
    /// Its state now.
    pub(crate) state: State,
}

/// How a job stands after [`Leases::finish`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// As the verdict says.
    AsAsked,
    /// It was to be tried again, but a newer version waits and takes its place.
    Superseded(JobId),
}

/// When there is something to do; none: nothing of the kind waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Due {
    /// The first job that may be leased and may not yet.
    pub(crate) job: Option<At>,
    /// The first lease that ends.
    pub(crate) lease: Option<At>,
    /// The first waiting job that grows too old.
    pub(crate) age: Option<At>,
    /// The first event that may be delivered, or whose delivery ends.
    pub(crate) event: Option<At>,
}

/// Running jobs.
pub(crate) trait Leases: Send + Sync {
    /// Takes due jobs, marks each as sending with its attempt counted, and answers when that is durable. Of one link
    /// and key one job at a time, in the order of acceptance; links take turns. What is too old or cannot be read is parked.
    fn lease(&self, now: At, ask: LeaseAsk) -> Answer<'_, Taken>;

    /// Writes an attempt's end, the job's new state and, if its platform wants to hear of it, an event: all or nothing.
    ///
    /// # Errors
    /// `NotFound`; `Fenced` unless exactly this attempt is under way.
    fn finish(&self, now: At, finish: Finish) -> Answer<'_, Fate>;

    /// Gives up leases: safe jobs wait again, at once and at their place; unsafe ones are unknown; what cannot be read is
    /// parked.
    fn expire(&self, expiry: Expiry) -> Answer<'_, Vec<Expired>>;

    /// Parks waiting jobs that are over their age, at most so many.
    fn park_aged(&self, now: At, jobs_max: usize) -> Answer<'_, Vec<JobId>>;

    /// For the worker's timer. Links that are excluded or held have no due jobs, and of the others only those count that
    /// are due after now: what was due before waits for something else than time.
    fn next_due(&self, now: At, excluded: HashSet<LinkId>) -> Answer<'_, Due>;
}
