//! When a delivery that failed is tried again, and when nobody tries any more. Pure: time and luck are handed in.

use std::time::Duration;

use jiff::Timestamp;

use crate::{
    failure::RETRY_AFTER_MAX,
    store::{At, Delivery, Event},
};

/// How long is waited after the first failure, the second, and so on; after the last of them always as long.
const STEPS: [Duration; 6] = [
    Duration::from_secs(5),
    Duration::from_secs(30),
    Duration::from_secs(2 * 60),
    Duration::from_secs(10 * 60),
    Duration::from_secs(3600),
    LAST_STEP,
];
/// The last of these.
const LAST_STEP: Duration = Duration::from_secs(6 * 3600);
/// How old an event may become. The last try is at this age.
const AGE_MAX: Duration = Duration::from_secs(3 * 24 * 3600);

/// What becomes of an event whose delivery has just failed. `luck` is any number; it spreads events that failed together.
pub(super) fn again(event: &Event, now: At, retry_after: Option<Duration>, luck: u32) -> Delivery {
    let end = event.at.plus(AGE_MAX);
    if now >= end {
        return Delivery::Parked;
    }
    let step = STEPS.get(event.n.saturating_sub(1) as usize).copied().unwrap_or(LAST_STEP);
    // Four fifths to six fifths of it.
    let step = step.saturating_mul(80_u32.saturating_add(luck % 41)) / 100;
    let wait = step.max(retry_after.unwrap_or_default());
    Delivery::Retry { at: now.plus(wait).min(end) }
}

/// How long the platform wants to be left alone (RFC 9110 §10.2.3): seconds or a date.
pub(super) fn retry_after(headers: &[(String, String)], now: At) -> Option<Duration> {
    let (_, text) = headers.iter().find(|(name, _)| name == "retry-after")?;
    let text = text.trim();
    let wait = match text.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let date = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
            Duration::try_from(date.duration_since(Timestamp::from(now))).ok()?
        }
    };
    Some(wait.min(RETRY_AFTER_MAX))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::store::{JobId, State};

    const T0: At = At(1_800_000_000_000);

    fn event(n: u32) -> Event {
        let (job, platform) = (JobId(Uuid::from_u128(1)), "campus".parse().unwrap());
        Event { id: 1, job, platform, state: State::Done, at: T0, n }
    }

    fn wait(n: u32, retry_after: Option<Duration>, luck: u32) -> u64 {
        match again(&event(n), T0, retry_after, luck) {
            Delivery::Retry { at } => u64::try_from(at.0 - T0.0).unwrap() / 1000,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn waits_grow_to_six_hours_and_are_spread() {
        let (middle, hour) = (20, 3600);
        let waits: Vec<_> = (1..=8).map(|n| wait(n, None, middle)).collect();
        assert_eq!(waits, [5, 30, 120, 600, hour, 6 * hour, 6 * hour, 6 * hour]);
        assert_eq!((wait(5, None, 0), wait(5, None, 40), wait(5, None, 41)), (2880, 4320, 2880));
        assert_eq!(wait(u32::MAX, None, middle), 6 * hour);
    }

    #[test]
    fn a_platform_is_left_alone_as_long_as_it_asks_but_an_hour_at_the_most() {
        let asked = |text: &str| retry_after(&[("retry-after".into(), text.into())], T0);
        assert_eq!(asked("90"), Some(Duration::from_secs(90)));
        assert_eq!(asked("86400"), Some(Duration::from_secs(3600)));
        assert_eq!(asked("Fri, 15 Jan 2027 08:01:00 GMT"), Some(Duration::from_secs(60)));
        for nothing in ["", "soon", "-1", "Fri, 15 Jan 2027 07:59:00 GMT"] {
            assert_eq!(asked(nothing), None, "{nothing}");
        }
        assert_eq!(retry_after(&[], T0), None);
        assert_eq!(wait(1, Some(Duration::from_secs(90)), 20), 90);
        // No sooner than the back-off says.
        assert_eq!(wait(5, Some(Duration::from_secs(1)), 20), 3600);
    }

    #[test]
    fn the_last_try_is_at_three_days_and_then_a_person_looks() {
        let end = T0.plus(AGE_MAX);
        let late = At(end.0 - 1000);
        assert_eq!(again(&event(20), late, None, 0), Delivery::Retry { at: end });
        assert_eq!(again(&event(21), end, None, 0), Delivery::Parked);
    }
}
