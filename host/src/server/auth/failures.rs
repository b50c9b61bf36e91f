//! How often an address may fail to show a valid key. Keys are 256 random bits, so this does not guard them against
//! guessing; it bounds what failing costs and fills the log with. A right key is never refused here, because a whole
//! city may come through one proxy address. Bounded: 10,000 addresses, beyond that one allowance for all others.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    num::NonZeroU32,
};

use governor::{
    Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    state::keyed::HashMapStateStore,
};

use super::AuthError;

/// Failures at once.
const BURST: NonZeroU32 = NonZeroU32::MIN.saturating_add(19);
/// And then, over time.
const PER_MINUTE: NonZeroU32 = NonZeroU32::MIN.saturating_add(9);
/// Addresses remembered.
const ADDRESSES_MAX: usize = 10_000;

/// Failures of one listener.
pub(super) struct Failures {
    listener: &'static str,
    clock: DefaultClock,
    limiter: RateLimiter<IpAddr, HashMapStateStore<IpAddr>, DefaultClock>,
}

impl Failures {
    pub(super) fn new(listener: &'static str) -> Self {
        let quota = Quota::per_minute(PER_MINUTE).allow_burst(BURST);
        Self { listener, clock: DefaultClock::default(), limiter: RateLimiter::hashmap(quota) }
    }

    /// Counts one more failure of this peer; gives back what to answer.
    pub(super) fn count(&self, peer: IpAddr, error: AuthError) -> AuthError {
        let (reason, answer) = match self.limiter.check_key(&self.bucket(peer)) {
            Ok(()) => {
                // The address is named because blocking it is what an operator may have to do. Within the limit only,
                // so that a flood of failures is no flood of lines.
                tracing::warn!(listener = self.listener, %peer, reason = %error, "not let in");
                (if matches!(error, AuthError::Missing) { "missing" } else { "wrong" }, error)
            }
            Err(until) => ("limited", AuthError::TooMany(until.wait_time_from(self.clock.now()))),
        };
        metrics::counter!("duijie_auth_failures_total", "listener" => self.listener, "reason" => reason).increment(1);
        answer
    }

    /// The address, or the network that one customer has of IPv6; the same one for all when too many are remembered.
    fn bucket(&self, peer: IpAddr) -> IpAddr {
        if self.limiter.len() >= ADDRESSES_MAX {
            self.limiter.retain_recent();
            if self.limiter.len() >= ADDRESSES_MAX {
                return IpAddr::V4(Ipv4Addr::UNSPECIFIED);
            }
        }
        match peer.to_canonical() {
            IpAddr::V6(v6) => {
                let [a, b, c, d, ..] = v6.segments();
                IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
            }
            v4 => v4,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exhausted(failures: &Failures, peer: IpAddr) -> bool {
        (0..=BURST.get()).any(|_| matches!(failures.count(peer, AuthError::Wrong), AuthError::TooMany(_)))
    }

    #[test]
    fn failing_too_often_is_told_when_to_come_back_and_others_are_not_touched() {
        let failures = Failures::new("test");
        let peer = IpAddr::from([192, 0, 2, 1]);
        assert!(exhausted(&failures, peer));
        let AuthError::TooMany(wait) = failures.count(peer, AuthError::Missing) else { panic!("not limited") };
        assert!(wait.as_secs() < 60, "{wait:?}");
        assert!(matches!(failures.count([192, 0, 2, 2].into(), AuthError::Missing), AuthError::Missing));
    }

    #[test]
    fn one_ipv6_network_is_one_peer() {
        let failures = Failures::new("test");
        let of = |last| IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 1, 0, 0, 0, last));
        assert!(exhausted(&failures, of(1)));
        assert!(matches!(failures.count(of(2), AuthError::Wrong), AuthError::TooMany(_)));
    }

    #[test]
    fn the_map_is_bounded_however_many_addresses_fail() {
        let failures = Failures::new("test");
        for address in 0..u32::try_from(ADDRESSES_MAX).unwrap() + 200 {
            failures.count(IpAddr::V4(Ipv4Addr::from_bits(0x0a00_0000 + address)), AuthError::Wrong);
        }
        assert!(failures.limiter.len() <= ADDRESSES_MAX + 1, "{}", failures.limiter.len());
    }
}
