//! The moment by which values end. Values outlive the process, so their times are the wall clock's; but what is gone must not
//! come back when somebody sets that clock, so this one never goes back while the process lives.

use std::sync::atomic::{AtomicI64, Ordering};

use tokio::time::Instant;

use crate::store::At;

/// The wall clock, as far as it goes forward.
pub(super) struct Clock {
    wall: Box<dyn Fn() -> At + Send + Sync>,
    began: (Instant, At),
    latest: AtomicI64,
}

impl Clock {
    /// Over this wall clock.
    pub(super) fn new(wall: Box<dyn Fn() -> At + Send + Sync>) -> Self {
        let at = wall();
        Self { wall, began: (Instant::now(), at), latest: AtomicI64::new(at.0) }
    }

    /// Now: whichever is later, the wall clock or what it said at the beginning and the time that has passed since. The
    /// first knows of a machine that slept, the second goes on when the wall clock is set back.
    pub(super) fn now(&self) -> At {
        let (instant, at) = self.began;
        let now = at.plus(instant.elapsed()).max((self.wall)());
        At(self.latest.fetch_max(now.0, Ordering::Relaxed).max(now.0))
    }
}
