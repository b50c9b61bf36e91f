//! What becomes of a job after an attempt: by class and outcome alone, as a pure function. Never looks at content, never
//! waits; how long a wait is stands in `backoff.rs`.

use crate::{
    failure::{Class, Failure, Outcome},
    store::Repeat,
};

/// Attempts at a record with which a connector or an upstream's answer fails in a way that time does not cure: one, and
/// one more on a fresh instance (upstreams.md §6.4).
const TRIES_OF_A_FAULT: u32 = 2;

/// What is to be done with the job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// It is applied.
    Done,
    /// It is refused for good: the platform must change it.
    Failed,
    /// Later again: the upstream is down, slow or busy.
    Later,
    /// Again when the operator has mended the link; until then one record at a time finds out.
    AfterRepair,
    /// A person looks at it.
    Parked,
    /// It may have been applied, and a second sending might be a second record.
    Unknown,
}

/// Decides. `tries` counts this attempt.
pub(crate) fn decide(failure: &Failure, repeat: Repeat, tries: u32) -> Decision {
    match failure.outcome {
        // The upstream has it; that its answer was no good changes nothing about that.
        Outcome::Done => return Decision::Done,
        Outcome::Unknown if repeat == Repeat::Unsafe => return Decision::Unknown,
        Outcome::Unknown | Outcome::Rejected | Outcome::NotSent => {}
    }
    match failure.class {
        Class::InvalidInput | Class::SessionInvalid | Class::IdentityUnverified | Class::UpstreamRejected => {
            Decision::Failed
        }
        Class::RateLimited | Class::Unavailable | Class::Timeout => Decision::Later,
        Class::Config | Class::AuthFailed | Class::AuthExpired => Decision::AfterRepair,
        Class::Protocol | Class::Internal if tries < TRIES_OF_A_FAULT => Decision::Later,
        // The host's policy, too: it may be about this operation alone, whose link must not wait for it.
        Class::Protocol | Class::Internal | Class::Denied | Class::Other => Decision::Parked,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(class: Class, outcome: Outcome, repeat: Repeat, tries: u32) -> Decision {
        decide(&Failure::new(class, outcome, "x"), repeat, tries)
    }

    #[test]
    fn nobody_sends_again_what_may_be_there_and_would_count_twice() {
        for class in Class::ALL {
            assert_eq!(after(class, Outcome::Unknown, Repeat::Unsafe, 1), Decision::Unknown, "{class:?}");
            assert_eq!(after(class, Outcome::Done, Repeat::Unsafe, 1), Decision::Done, "{class:?}");
        }
    }

    #[test]
    fn each_class_leads_where_the_document_says() {
        use Decision::*;
        for (class, first, second) in [
            (Class::InvalidInput, Failed, Failed),
            (Class::Config, AfterRepair, AfterRepair),
            (Class::AuthFailed, AfterRepair, AfterRepair),
            (Class::AuthExpired, AfterRepair, AfterRepair),
            (Class::SessionInvalid, Failed, Failed),
            (Class::IdentityUnverified, Failed, Failed),
            (Class::UpstreamRejected, Failed, Failed),
            (Class::RateLimited, Later, Later),
            (Class::Unavailable, Later, Later),
            (Class::Timeout, Later, Later),
            (Class::Protocol, Later, Parked),
            (Class::Denied, Parked, Parked),
            (Class::Internal, Later, Parked),
            (Class::Other, Parked, Parked),
        ] {
            for outcome in [Outcome::NotSent, Outcome::Rejected] {
                for repeat in [Repeat::Safe, Repeat::Unsafe] {
                    assert_eq!(after(class, outcome, repeat, 1), first, "{class:?}");
                    assert_eq!(after(class, outcome, repeat, 2), second, "{class:?}");
                }
            }
            assert_eq!(after(class, Outcome::Unknown, Repeat::Safe, 1), first, "{class:?}");
        }
    }

    #[test]
    fn an_outage_of_any_length_costs_no_record_its_place() {
        for class in [Class::Unavailable, Class::Timeout, Class::RateLimited] {
            assert_eq!(after(class, Outcome::NotSent, Repeat::Unsafe, 100_000), Decision::Later);
            assert_eq!(after(class, Outcome::Unknown, Repeat::Safe, 100_000), Decision::Later);
        }
    }
}
