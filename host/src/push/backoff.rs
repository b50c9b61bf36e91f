//! How long a record waits before its next attempt: twice as long each time, with jitter, never shorter than the upstream
//! asks, and not soon when a link's retries have used up their budget. Knows neither jobs nor time.

use std::time::Duration;

/// The first wait.
const FIRST: Duration = Duration::from_secs(1);
/// The longest wait.
const LONGEST: Duration = Duration::from_secs(300);
/// The shortest wait of a link whose budget is spent. No longer: after an outage, those that found out that it went on must
/// not be what the others have overtaken by minutes.
const SPENT: Duration = Duration::from_secs(30);
/// Retries that a link may make at once, whatever its successes.
const BUDGET_BURST: f64 = 10.0;
/// Retries that each success pays for (reliability.md rule 18).
const BUDGET_SHARE: f64 = 0.1;

/// The wait after this many tries. `asked` is the upstream's `Retry-After`, clamped where it was read.
pub(super) fn wait(tries: u32, asked: Option<Duration>, within_budget: bool) -> Duration {
    let doubled = FIRST.saturating_mul(1 << tries.saturating_sub(1).min(16));
    let doubled = if within_budget { doubled } else { doubled.max(SPENT) };
    // Between half and all of it: records that failed together do not come back together.
    let wait = doubled.min(LONGEST).mul_f64(0.5 + fastrand::f64() / 2.0);
    match asked {
        // Later than asked, and spread: the upstream asked all of them.
        Some(asked) => wait.max(asked.mul_f64(1.0 + fastrand::f64() / 10.0)),
        None => wait,
    }
}

/// A link's allowance of retries: without one, an upstream that fails half of its calls would get them all again.
#[derive(Debug)]
pub(super) struct Budget(f64);

impl Default for Budget {
    fn default() -> Self {
        Self(BUDGET_BURST)
    }
}

impl Budget {
    /// A record was delivered.
    pub(super) fn earn(&mut self) {
        self.0 = (self.0 + BUDGET_SHARE).min(BUDGET_BURST);
    }

    /// A record wants to be tried again soon; false: there have been too many of them.
    pub(super) fn spend(&mut self) -> bool {
        let has = self.0 >= 1.0;
        if has {
            self.0 -= 1.0;
        }
        has
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_spread_and_end() {
        for (tries, full) in [(1, 1), (2, 2), (5, 16), (9, 256), (10, 300), (4_000_000_000, 300)] {
            let full = Duration::from_secs(full);
            let waits: Vec<_> = (0..200).map(|_| wait(tries, None, true)).collect();
            assert!(waits.iter().all(|wait| *wait >= full / 2 && *wait <= full), "{tries}");
            assert!(waits.iter().max() > waits.iter().min(), "{tries}: all at the same moment");
        }
    }

    #[test]
    fn the_upstream_is_never_asked_sooner_than_it_wants() {
        let asked = Duration::from_secs(120);
        assert!((0..200).all(|_| wait(1, Some(asked), true) >= asked));
        assert!((0..200).all(|_| wait(20, Some(Duration::from_secs(1)), true) >= LONGEST / 2));
    }

    #[test]
    fn of_many_failures_few_come_back_soon() {
        let mut budget = Budget::default();
        let soon = (0..1000).filter(|_| budget.spend()).count();
        assert_eq!(soon, 10);
        (0..50).for_each(|_| budget.earn());
        assert_eq!((0..1000).filter(|_| budget.spend()).count(), 4, "a tenth of what was delivered, rounding apart");
        assert!((0..200).all(|_| (SPENT / 2..=SPENT).contains(&wait(1, None, false))));
        assert!(wait(20, None, false) >= LONGEST / 2);
    }
}
