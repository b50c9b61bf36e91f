//! How many records a minute a link may send. A token is drawn before a record is leased, so that none waits for its turn
//! while it counts as being sent. Never sends, never sleeps.

use std::{num::NonZeroU32, time::Duration};

use governor::{
    DefaultDirectRateLimiter, Quota, RateLimiter,
    clock::{Clock as _, DefaultClock},
};

/// The rate of one link.
pub(super) struct Pace {
    per_min: NonZeroU32,
    limiter: DefaultDirectRateLimiter,
    clock: DefaultClock,
    /// Tokens drawn and not yet used.
    drawn: u32,
}

impl Pace {
    /// So many a minute, evenly: of what was not used, one second's worth is kept.
    pub(super) fn new(per_min: NonZeroU32) -> Self {
        let burst = NonZeroU32::new(per_min.get() / 60).unwrap_or(NonZeroU32::MIN);
        let clock = DefaultClock::default();
        let limiter = RateLimiter::direct_with_clock(Quota::per_minute(per_min).allow_burst(burst), clock.clone());
        Self { per_min, limiter, clock, drawn: 0 }
    }

    /// The rate.
    pub(super) fn per_min(&self) -> NonZeroU32 {
        self.per_min
    }

    /// How many records may be sent now, of those wanted; draws their tokens.
    pub(super) fn ready(&mut self, wanted: u32) -> u32 {
        while self.drawn < wanted && self.limiter.check().is_ok() {
            self.drawn = self.drawn.saturating_add(1);
        }
        self.drawn.min(wanted)
    }

    /// One is sent.
    pub(super) fn spend(&mut self) {
        self.drawn = self.drawn.saturating_sub(1);
    }

    /// How long until one may be sent; none: at once.
    pub(super) fn wait(&mut self) -> Option<Duration> {
        if self.drawn > 0 {
            return None;
        }
        match self.limiter.check() {
            Ok(()) => {
                self.drawn = 1;
                None
            }
            Err(early) => Some(early.wait_time_from(self.clock.now())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_than_the_rate_and_what_was_drawn_is_not_lost() {
        let mut pace = Pace::new(NonZeroU32::new(120).unwrap());
        assert_eq!(pace.ready(10), 2, "one second's worth at once");
        assert_eq!(pace.ready(10), 2, "they are still there");
        pace.spend();
        assert_eq!((pace.ready(10), pace.wait()), (1, None));
        pace.spend();
        assert_eq!(pace.ready(10), 0);
        let wait = pace.wait().unwrap();
        assert!(wait <= Duration::from_millis(500) && wait > Duration::ZERO, "{wait:?}");
    }

    #[test]
    fn one_a_minute_is_one() {
        let mut pace = Pace::new(NonZeroU32::MIN);
        assert_eq!(pace.ready(4), 1);
        pace.spend();
        assert_eq!(pace.ready(4), 0);
        assert!(pace.wait().unwrap() > Duration::from_secs(55));
    }
}
