//! How much a link asks of its upstream a minute: a counter of the whole link, in the host's store, for each minute of
//! the clock. It keeps a promise to the upstream; it is no protection against anybody.

use crate::{Failure, kv, kv::KvError, log, time};

const MINUTE_MS: u64 = 60_000;

/// What is left of a minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Granted {
    /// How many of the requests wanted may be sent now.
    pub requests: u32,
    /// When the next minute begins, in milliseconds from now.
    pub next_ms: u64,
}

/// Takes as many of this minute's requests as are wanted and left. With `per_min` 0 there is no limit.
///
/// # Errors
/// The store's, save that it is full: it would stay full, and keeping everything back is worse than being too fast.
pub fn take(name: &str, per_min: u32, wanted: u32) -> Result<Granted, Failure> {
    let now_ms = time::now_ms();
    let next_ms = MINUTE_MS - now_ms % MINUTE_MS;
    if per_min == 0 {
        return Ok(Granted { requests: wanted, next_ms });
    }
    let key = format!("rate/{name}/{}", now_ms / MINUTE_MS);
    let after = match kv::increment(&key, i64::from(wanted), Some(MINUTE_MS)) {
        Err(error @ KvError::Quota(_)) => {
            log::warn("requests a minute cannot be counted", &[("error", &error.to_string())]);
            return Ok(Granted { requests: wanted, next_ms });
        }
        after => after?,
    };
    let left = i64::from(per_min) - (after - i64::from(wanted));
    Ok(Granted { requests: u32::try_from(left.clamp(0, i64::from(wanted))).unwrap_or(0), next_ms })
}

/// Takes one of this minute's requests.
///
/// # Errors
/// `rate-limited` and when the next minute begins, when none is left; the store's.
pub fn take_one(name: &str, per_min: u32) -> Result<(), Failure> {
    let granted = take(name, per_min, 1)?;
    if granted.requests == 1 {
        return Ok(());
    }
    Err(Failure::rate_limited(format!("the link has sent its {per_min} requests of this minute"))
        .retry_after_ms(granted.next_ms))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Class, testing::TestHost};

    #[test]
    fn a_minute_has_its_requests_and_the_next_has_them_again() {
        let host = TestHost::new();
        host.set_now_ms(60_000 * 1000 + 20_000);
        assert_eq!(take("api", 5, 3).unwrap(), Granted { requests: 3, next_ms: 40_000 });
        assert_eq!(take("api", 5, 3).unwrap().requests, 2);
        assert_eq!(take("other", 5, 3).unwrap().requests, 3);
        let failure = take_one("api", 5).unwrap_err();
        assert_eq!((failure.class, failure.retry_after_ms), (Class::RateLimited, Some(40_000)));
        host.advance_ms(40_000);
        assert_eq!(take_one("api", 5), Ok(()));
    }

    #[test]
    fn without_a_limit_or_without_room_to_count_everything_is_granted() {
        let host = TestHost::new();
        assert_eq!(take("api", 0, 1000).unwrap().requests, 1000);
        host.kv_keys_max(0);
        assert_eq!(take("api", 1, 7).unwrap().requests, 7);
        assert_eq!(host.logs().len(), 1);
    }
}
