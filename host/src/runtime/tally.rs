//! How the calls and hooks of one revision ended, counted since it was loaded: what a rollout is judged by. Counts only
//! what the connector ran; what was turned away before it ran says nothing of it.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use tokio::sync::Notify;

use crate::failure::Class;

/// The counters of one revision.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    runs: AtomicU64,
    clean: AtomicU64,
    internal: AtomicU64,
    protocol: AtomicU64,
    alarm: Notify,
}

/// Counters at one moment, or what was added between two.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Count {
    /// Calls and hooks that ran.
    pub(crate) runs: u64,
    /// Those that ended well, or with a refusal that the connector understood.
    pub(crate) clean: u64,
    /// Those that trapped, broke the contract or said so of themselves.
    pub(crate) internal: u64,
    /// Those whose connector did not understand its upstream.
    pub(crate) protocol: u64,
}

impl Tally {
    /// One run is over; `class` is none when it ended well.
    pub(crate) fn count(&self, class: Option<Class>) {
        self.runs.fetch_add(1, Relaxed);
        let counter = match class {
            None
            | Some(Class::InvalidInput | Class::UpstreamRejected | Class::SessionInvalid | Class::IdentityUnverified) => {
                &self.clean
            }
            Some(Class::Internal) => &self.internal,
            Some(Class::Protocol) => &self.protocol,
            // An outage, a wrong secret, a slow upstream: neither for it nor against it.
            Some(_) => return,
        };
        counter.fetch_add(1, Relaxed);
        if matches!(class, Some(Class::Internal | Class::Protocol)) {
            self.alarm.notify_one();
        }
    }

    /// Waits until a run fails by the revision's own fault; at once if one did since this was last awaited.
    pub(crate) async fn alarmed(&self) {
        self.alarm.notified().await;
    }

    /// The counters of this moment.
    pub(crate) fn now(&self) -> Count {
        // Runs last: a run that ends meanwhile must not look like a failure without a run.
        let (internal, protocol) = (self.internal.load(Relaxed), self.protocol.load(Relaxed));
        Count { internal, protocol, clean: self.clean.load(Relaxed), runs: self.runs.load(Relaxed) }
    }
}

impl Count {
    /// What was added since.
    pub(crate) fn since(self, before: Self) -> Self {
        Self {
            runs: self.runs.saturating_sub(before.runs),
            clean: self.clean.saturating_sub(before.clean),
            internal: self.internal.saturating_sub(before.internal),
            protocol: self.protocol.saturating_sub(before.protocol),
        }
    }

    /// Both together.
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            runs: self.runs.saturating_add(other.runs),
            clean: self.clean.saturating_add(other.clean),
            internal: self.internal.saturating_add(other.internal),
            protocol: self.protocol.saturating_add(other.protocol),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_the_connectors_own_fault_is_counted_against_it() {
        let tally = Tally::default();
        let before = tally.now();
        for class in [None, Some(Class::UpstreamRejected), Some(Class::Unavailable), Some(Class::Timeout)] {
            tally.count(class);
        }
        tally.count(Some(Class::Internal));
        tally.count(Some(Class::Protocol));
        assert_eq!(tally.now().since(before), Count { runs: 6, clean: 2, internal: 1, protocol: 1 });
    }
}
