//! Named places at which a soak kills the process: with the feature `failpoints`, and only then, `DUIJIE_CRASH_AT=step:n`
//! kills it when it passes the step for the n-th time, and `DUIJIE_SLOW_SYNC_MS` makes each commit of the store take so
//! much longer. Without the feature nothing is compiled in.

/// The host is at this step.
#[cfg(not(feature = "failpoints"))]
pub(crate) const fn pass(_step: &'static str) {}

/// The host is at this step.
#[cfg(feature = "failpoints")]
pub(crate) fn pass(step: &'static str) {
    use std::sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    };

    static CRASH_AT: LazyLock<Option<(String, u64)>> = LazyLock::new(|| {
        let text = std::env::var("DUIJIE_CRASH_AT").ok()?;
        let (step, count) = text.split_once(':')?;
        Some((step.to_owned(), count.parse().ok()?))
    });
    static PASSED: AtomicU64 = AtomicU64::new(0);
    let Some((at, count)) = &*CRASH_AT else { return };
    if at == step && PASSED.fetch_add(1, Ordering::SeqCst).saturating_add(1) == *count {
        // As a kill from outside: nothing is unwound, nothing is flushed.
        let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
        std::process::abort();
    }
}

/// The store has committed.
#[cfg(not(feature = "failpoints"))]
pub(crate) const fn committed() {}

/// The store has committed.
#[cfg(feature = "failpoints")]
pub(crate) fn committed() {
    use std::{sync::LazyLock, time::Duration};

    static SLOWER: LazyLock<Option<Duration>> = LazyLock::new(|| {
        let millis = std::env::var("DUIJIE_SLOW_SYNC_MS").ok()?;
        millis.parse().ok().map(Duration::from_millis)
    });
    if let Some(slower) = *SLOWER {
        std::thread::sleep(slower);
    }
}
