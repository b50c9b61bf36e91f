//! How many records a minute a link may send: a bucket that fills evenly. It is asked before a record is leased, so that none
//! waits for its turn while it counts as being sent, and pays when the record is. Never sends, never sleeps, never reads the
//! clock.

use std::{
    num::NonZeroU32,
    time::{Duration, Instant},
};

/// The rate of one link.
pub(super) struct Pace {
    per_min: NonZeroU32,
    /// What it holds when it is full.
    burst: u32,
    /// When it is full again, if nothing more is sent: all there is to know of what was.
    full: Instant,
}

impl Pace {
    /// So many a minute, evenly: of what was not used, one second's worth is kept. So in no minute, whatever was before it,
    /// more than the rate and that begin.
    pub(super) fn new(per_min: NonZeroU32, now: Instant) -> Self {
        Self { per_min, burst: (per_min.get() / 60).max(1), full: now }
    }

    /// The rate.
    pub(super) fn per_min(&self) -> NonZeroU32 {
        self.per_min
    }

    /// Between one and the next. Rounded up: never more than the rate.
    fn each(&self) -> Duration {
        Duration::from_nanos(60_000_000_000_u64.div_ceil(self.per_min.get().into()))
    }

    /// How many records may be sent now.
    pub(super) fn ready(&self, now: Instant) -> u32 {
        let missing = self.full.saturating_duration_since(now).as_nanos().div_ceil(self.each().as_nanos());
        self.burst.saturating_sub(u32::try_from(missing).unwrap_or(u32::MAX))
    }

    /// One is sent.
    pub(super) fn spend(&mut self, now: Instant) {
        self.full = self.full.max(now) + self.each();
    }

    /// When one may be sent; a moment that is over means at once.
    pub(super) fn next(&self) -> Instant {
        let rest = self.each().saturating_mul(self.burst.saturating_sub(1));
        self.full.checked_sub(rest).unwrap_or(self.full)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn pace(per_min: u32, now: Instant) -> Pace {
        Pace::new(NonZeroU32::new(per_min).unwrap(), now)
    }

    #[test]
    fn one_seconds_worth_at_once_and_then_as_the_rate_allows() {
        let now = Instant::now();
        let mut pace = pace(120, now);
        assert_eq!((pace.ready(now), pace.ready(now)), (2, 2), "asking costs nothing");
        pace.spend(now);
        assert_eq!(pace.ready(now), 1);
        pace.spend(now);
        assert_eq!((pace.ready(now), pace.next()), (0, now + SECOND / 2));
        assert_eq!(pace.ready(now + SECOND / 2 - Duration::from_nanos(1)), 0);
        assert_eq!(pace.ready(now + SECOND / 2), 1);
        assert_eq!(pace.ready(now + SECOND * 3600), 2, "no more is kept, however long nothing was sent");
    }

    #[test]
    fn one_a_minute_is_one() {
        let now = Instant::now();
        let mut pace = pace(1, now);
        assert_eq!(pace.ready(now), 1);
        pace.spend(now);
        assert_eq!((pace.ready(now + SECOND * 59), pace.ready(now + SECOND * 60)), (0, 1));
        assert_eq!(pace.next(), now + SECOND * 60);
    }

    #[test]
    fn in_no_minute_more_begin_than_the_rate_and_one_seconds_worth() {
        for per_min in [1, 7, 59, 60, 61, 600, 6000] {
            let mut now = Instant::now();
            let mut pace = pace(per_min, now);
            let (mut begun, mut most) = (VecDeque::new(), 0);
            for step in 0..40_000_u64 {
                // Now and then nothing waits for a long time; otherwise whatever may begin does.
                now += if step % 9_000 == 0 { SECOND * 600 } else { Duration::from_millis(step % 40) };
                for _ in 0..pace.ready(now) {
                    pace.spend(now);
                    begun.push_back(now);
                }
                while begun.front().is_some_and(|first| now - *first >= SECOND * 60) {
                    begun.pop_front();
                }
                most = most.max(begun.len());
            }
            let allowed = per_min + (per_min / 60).max(1);
            assert!(most <= allowed as usize, "{most} in a minute at {per_min}");
            assert!(most * 10 >= per_min as usize * 9, "{most} in a minute at {per_min}: the rate is used");
        }
    }
}
