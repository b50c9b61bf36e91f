//! Events for platforms: a job came to an end. Written in the transaction that ended it, delivered as often as it takes.

use std::time::Duration;

use super::{Answer, At, JobId, State};
use crate::id::PlatformName;

/// An event under delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    /// Its number: the same in every delivery.
    pub(crate) id: i64,
    /// The job.
    pub(crate) job: JobId,
    /// Who is to hear of it.
    pub(crate) platform: PlatformName,
    /// The state that the job came to.
    pub(crate) state: State,
    /// When.
    pub(crate) at: At,
    /// The delivery's number, from 1.
    pub(crate) n: u32,
}

/// How a delivery ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// The platform has it.
    Done,
    /// Again, not before `at`.
    Retry {
        /// Not before.
        at: At,
    },
    /// Given up; it stays, for a person.
    Parked,
}

/// The events.
pub(crate) trait Outbox: Send + Sync {
    /// The platforms that events wait for or are under way to, each with the moment at which the first may be leased.
    fn events_due(&self) -> Answer<'_, Vec<(PlatformName, At)>>;

    /// Takes due events of one platform, the one that is due longest first, and those whose delivery was not ended within
    /// its time. Which platform's turn it is, the caller decides: one that is slow must not hold up the others.
    fn events_lease(
        &self,
        now: At,
        platform: PlatformName,
        lease: Duration,
        events_max: usize,
    ) -> Answer<'_, Vec<Event>>;

    /// Ends delivery `n`.
    ///
    /// # Errors
    /// `NotFound`; `Fenced` unless exactly this delivery is under way.
    fn event_finish(&self, now: At, id: i64, n: u32, delivery: Delivery) -> Answer<'_, ()>;

    /// Queues parked events of this platform again and says how many.
    fn events_retry(&self, now: At, platform: PlatformName) -> Answer<'_, u64>;

    /// How many wait or are under way, and how many are parked.
    fn events_count(&self) -> Answer<'_, (u64, u64)>;
}
