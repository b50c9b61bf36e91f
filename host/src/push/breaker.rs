//! Whom it is no use to ask now: an upstream's origin that does not answer, over all links that go there; a link that
//! needs its operator. One record at a time finds out whether that has ended. Counts outcomes that it is told; never asks
//! anybody itself, and never reads the clock.

use std::{
    collections::HashMap,
    fmt,
    time::{Duration, Instant},
};

use crate::{capability::http::policy::Origin, id::LinkId};

/// Failures in a row that open it for an origin: fewer are bad luck.
const ORIGIN_FAILURES: u32 = 5;
/// The same for a link; between them nothing may have gone well.
const LINK_FAILURES: u32 = 3;
/// How long it stays open the first time; twice as long each time after.
const OPEN_FIRST: Duration = Duration::from_secs(1);
/// How long it stays open for an origin at the most: so late a recovery may be noticed.
const ORIGIN_OPEN_MAX: Duration = Duration::from_secs(30);
/// The same for a link.
const LINK_OPEN_MAX: Duration = Duration::from_secs(300);
/// After a recovery, how long no more is sent in all than may be under way at once.
const RAMP: Duration = Duration::from_secs(1);

/// Who does not answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Who {
    /// An upstream.
    Origin(Origin),
    /// A link whose configuration or credentials are refused.
    Link(LinkId),
}

impl Who {
    fn failures(&self) -> u32 {
        match self {
            Self::Origin(_) => ORIGIN_FAILURES,
            Self::Link(_) => LINK_FAILURES,
        }
    }

    fn open_max(&self) -> Duration {
        match self {
            Self::Origin(_) => ORIGIN_OPEN_MAX,
            Self::Link(_) => LINK_OPEN_MAX,
        }
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Origin(origin) => origin.fmt(f),
            Self::Link(link) => write!(f, "link {link}"),
        }
    }
}

/// May it be asked?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gate {
    /// Yes.
    Closed,
    /// Yes, but since a moment ago only: at most so many in all until it has been well for a while.
    Ramp {
        /// Attempts begun since it recovered.
        begun: u32,
        /// Until when.
        until: Instant,
    },
    /// Not before then.
    Open(Instant),
    /// By one.
    HalfOpen,
    /// Not until that one has come back.
    Probing,
}

#[derive(Debug)]
enum State {
    Closed { failures: u32 },
    Ramp { begun: u32, until: Instant },
    Open { until: Instant, last: Duration },
    Probing { last: Duration },
}

/// All that do not answer, or did not lately; who is well is not in it.
#[derive(Debug, Default)]
pub(super) struct Breakers(HashMap<Who, State>);

impl Breakers {
    /// May this one be asked now?
    pub(super) fn gate(&self, who: &Who, now: Instant) -> Gate {
        match self.0.get(who) {
            None | Some(State::Closed { .. }) => Gate::Closed,
            Some(State::Ramp { until, .. }) if *until <= now => Gate::Closed,
            Some(State::Ramp { begun, until }) => Gate::Ramp { begun: *begun, until: *until },
            Some(State::Open { until, .. }) if *until <= now => Gate::HalfOpen,
            Some(State::Open { until, .. }) => Gate::Open(*until),
            Some(State::Probing { .. }) => Gate::Probing,
        }
    }

    /// Those that are not simply well.
    pub(super) fn troubled(&self) -> impl Iterator<Item = &Who> {
        self.0.iter().filter(|(_, state)| !matches!(state, State::Closed { .. })).map(|(who, _)| who)
    }

    /// Somebody is asked now. True if it is the one that finds out: it must say how that ended, if only by
    /// [`Self::abandoned`].
    pub(super) fn begin(&mut self, who: &Who, now: Instant) -> bool {
        let Some(state) = self.0.get_mut(who) else { return false };
        match state {
            State::Open { until, last } if *until <= now => {
                *state = State::Probing { last: *last };
                return true;
            }
            State::Ramp { begun, .. } => *begun = begun.saturating_add(1),
            _ => {}
        }
        false
    }

    /// It answered, whatever it said. True if it had not before.
    pub(super) fn succeeded(&mut self, who: &Who, now: Instant) -> bool {
        match self.0.get_mut(who) {
            Some(state @ (State::Probing { .. } | State::Open { .. })) => {
                *state = State::Ramp { begun: 0, until: now + RAMP };
                true
            }
            Some(State::Ramp { until, .. }) if *until > now => false,
            _ => {
                self.0.remove(who);
                false
            }
        }
    }

    /// It did not. True if it is left alone from now on and was not before.
    pub(super) fn failed(&mut self, who: &Who, now: Instant) -> bool {
        let max = who.open_max();
        let open = |last: Duration| State::Open { until: now + last.mul_f64(0.75 + fastrand::f64() / 4.0), last };
        let state = self.0.entry(who.clone()).or_insert(State::Closed { failures: 0 });
        match state {
            State::Closed { failures } => {
                *failures = failures.saturating_add(1);
                if *failures < who.failures() {
                    return false;
                }
                *state = open(OPEN_FIRST);
                true
            }
            State::Ramp { .. } => {
                *state = open(OPEN_FIRST);
                true
            }
            State::Probing { last } => {
                *state = open(last.saturating_mul(2).min(max));
                false
            }
            // Of those that were under way when it opened.
            State::Open { .. } => false,
        }
    }

    /// The one that was to find out did not get to ask.
    pub(super) fn abandoned(&mut self, who: &Who, now: Instant) {
        if let Some(state @ State::Probing { .. }) = self.0.get_mut(who)
            && let State::Probing { last } = *state
        {
            *state = State::Open { until: now, last };
        }
    }

    /// The operator has changed something about these links: whether that has helped is to be found out at once.
    pub(super) fn mended(&mut self, is_one: impl Fn(&LinkId) -> bool, now: Instant) {
        for (who, state) in &mut self.0 {
            if let (Who::Link(link), State::Open { until, last }) = (who, &mut *state)
                && is_one(link)
            {
                (*until, *last) = (now, OPEN_FIRST);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin() -> Who {
        Who::Origin("https://up.example".parse().unwrap())
    }

    fn opened(who: &Who, now: Instant) -> Breakers {
        let mut breakers = Breakers::default();
        while !breakers.failed(who, now) {
            assert_eq!(breakers.gate(who, now), Gate::Closed);
        }
        breakers
    }

    #[test]
    fn a_few_failures_between_successes_are_nothing() {
        let (mut breakers, now) = (Breakers::default(), Instant::now());
        for _ in 0..100 {
            assert!((0..ORIGIN_FAILURES - 1).all(|_| !breakers.failed(&origin(), now)));
            breakers.succeeded(&origin(), now);
        }
        assert_eq!(breakers.gate(&origin(), now), Gate::Closed);
        assert!(breakers.0.is_empty());
    }

    #[test]
    fn one_finds_out_and_the_others_wait_for_it() {
        let now = Instant::now();
        let mut breakers = opened(&origin(), now);
        assert!(matches!(breakers.gate(&origin(), now), Gate::Open(until) if until <= now + OPEN_FIRST));
        let later = now + OPEN_FIRST;
        assert_eq!(breakers.gate(&origin(), later), Gate::HalfOpen);
        breakers.begin(&origin(), later);
        assert_eq!(breakers.gate(&origin(), later), Gate::Probing);
        assert!(breakers.succeeded(&origin(), later), "it is told that it is well again");
        breakers.begin(&origin(), later);
        assert_eq!(breakers.gate(&origin(), later), Gate::Ramp { begun: 1, until: later + RAMP });
        assert_eq!(breakers.gate(&origin(), later + RAMP), Gate::Closed);
    }

    #[test]
    fn it_is_asked_less_and_less_often_and_never_too_rarely() {
        let mut now = Instant::now();
        let mut breakers = opened(&origin(), now);
        let mut asked = 0;
        for _ in 0..20 {
            let Gate::Open(until) = breakers.gate(&origin(), now) else { panic!("closed") };
            assert!(until - now <= ORIGIN_OPEN_MAX);
            now = until;
            breakers.begin(&origin(), now);
            assert!(!breakers.failed(&origin(), now), "nobody is told twice");
            asked += 1;
        }
        let Gate::Open(until) = breakers.gate(&origin(), now) else { panic!("closed") };
        assert!(until - now >= ORIGIN_OPEN_MAX.mul_f64(0.7));
        assert_eq!(asked, 20);
    }

    #[test]
    fn those_that_were_under_way_change_nothing() {
        let now = Instant::now();
        let mut breakers = opened(&origin(), now);
        let before = breakers.gate(&origin(), now);
        assert!((0..50).all(|_| !breakers.failed(&origin(), now)));
        assert_eq!(breakers.gate(&origin(), now), before);
    }

    #[test]
    fn an_operator_who_mends_a_link_need_not_wait() {
        let (now, link) = (Instant::now(), Who::Link("zj.a".parse().unwrap()));
        let mut breakers = opened(&link, now);
        assert!(matches!(breakers.gate(&link, now), Gate::Open(_)));
        breakers.mended(|_| false, now);
        assert!(matches!(breakers.gate(&link, now), Gate::Open(_)), "it was another one");
        breakers.mended(|_| true, now);
        assert_eq!(breakers.gate(&link, now), Gate::HalfOpen);
        breakers.begin(&link, now);
        breakers.abandoned(&link, now);
        assert_eq!(breakers.gate(&link, now), Gate::HalfOpen, "the next one may find out");
    }
}
