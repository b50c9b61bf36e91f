//! How many records a minute a link may send. A token is drawn before a record is leased, so that none waits for its turn
//! while it counts as being sent. Never sends, never sleeps, never reads the clock.

use std::{num::NonZeroU32, sync::Arc, time::Instant};

use governor::{
    Quota, RateLimiter,
    clock::Clock,
    middleware::NoOpMiddleware,
    state::{InMemoryState, NotKeyed},
};
use parking_lot::Mutex;

/// A clock that is told the time.
#[derive(Clone)]
struct Told(Arc<Mutex<Instant>>);

impl Clock for Told {
    type Instant = Instant;

    fn now(&self) -> Instant {
        *self.0.lock()
    }
}

/// The rate of one link.
pub(super) struct Pace {
    per_min: NonZeroU32,
    /// Half a second's worth.
    burst: NonZeroU32,
    limiter: RateLimiter<NotKeyed, InMemoryState, Told, NoOpMiddleware<Instant>>,
    clock: Told,
    /// Tokens drawn and not yet used; at most a burst, however long nobody uses them.
    drawn: u32,
}

impl Pace {
    /// So many a minute, evenly. Of what was not used, half a second's worth is kept, and as much that was drawn: so in no
    /// minute, whatever was before it, more than the rate and one second's worth begin (or two, if that is none).
    pub(super) fn new(per_min: NonZeroU32, now: Instant) -> Self {
        let burst = NonZeroU32::new(per_min.get() / 120).unwrap_or(NonZeroU32::MIN);
        let clock = Told(Arc::new(Mutex::new(now)));
        let limiter = RateLimiter::direct_with_clock(Quota::per_minute(per_min).allow_burst(burst), clock.clone());
        Self { per_min, burst, limiter, clock, drawn: 0 }
    }

    /// The rate.
    pub(super) fn per_min(&self) -> NonZeroU32 {
        self.per_min
    }

    /// How many records may be sent now; draws their tokens.
    pub(super) fn ready(&mut self, now: Instant) -> u32 {
        self.at(now);
        while self.drawn < self.burst.get() && self.limiter.check().is_ok() {
            self.drawn = self.drawn.saturating_add(1);
        }
        self.drawn
    }

    /// One is sent.
    pub(super) fn spend(&mut self) {
        self.drawn = self.drawn.saturating_sub(1);
    }

    /// When one may be sent; this moment means at once.
    pub(super) fn next(&mut self, now: Instant) -> Instant {
        self.at(now);
        if self.drawn > 0 {
            return now;
        }
        match self.limiter.check() {
            Ok(()) => {
                self.drawn = 1;
                now
            }
            Err(early) => early.earliest_possible(),
        }
    }

    fn at(&self, now: Instant) {
        let mut told = self.clock.0.lock();
        *told = (*told).max(now);
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::VecDeque, time::Duration};

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn pace(per_min: u32, now: Instant) -> Pace {
        Pace::new(NonZeroU32::new(per_min).unwrap(), now)
    }

    #[test]
    fn half_a_seconds_worth_at_once_and_then_as_the_rate_allows() {
        let now = Instant::now();
        let mut pace = pace(240, now);
        assert_eq!((pace.ready(now), pace.ready(now)), (2, 2), "what was drawn is there until it is used");
        pace.spend();
        pace.spend();
        assert_eq!(pace.ready(now), 0);
        let next = pace.next(now);
        assert!(next > now && next <= now + SECOND / 4, "{:?}", next - now);
        assert_eq!(pace.ready(now + SECOND / 4), 1);
        assert_eq!(pace.ready(now + SECOND * 3600), 2, "no more is drawn, however long nothing was sent");
    }

    #[test]
    fn one_a_minute_is_one() {
        let now = Instant::now();
        let mut pace = pace(1, now);
        assert_eq!(pace.ready(now), 1);
        pace.spend();
        assert_eq!(pace.ready(now + SECOND * 59), 0);
        assert!(pace.next(now + SECOND * 59) <= now + SECOND * 60);
        assert_eq!(pace.ready(now + SECOND * 60), 1);
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
                    pace.spend();
                    begun.push_back(now);
                }
                while begun.front().is_some_and(|first| now - *first >= SECOND * 60) {
                    begun.pop_front();
                }
                most = most.max(begun.len());
            }
            let allowed = per_min + 2 * (per_min / 120).max(1);
            assert!(most <= allowed as usize, "{most} in a minute at {per_min}");
            assert!(most * 10 >= per_min as usize * 9, "{most} in a minute at {per_min}: the rate is used");
        }
    }
}
