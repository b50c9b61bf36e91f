//! Named places at which a soak kills the process: with the feature `failpoints`, and only then, `DUIJIE_CRASH_AT=step:n`
//! aborts it when it passes the step for the n-th time. Without the feature nothing is compiled in.

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
        std::process::abort();
    }
}
