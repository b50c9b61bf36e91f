//! Samples and what is said about them: medians, never means, because a shared machine's disturbances only ever add.

use super::tools::Load;
use crate::figures::median;

/// One run of one server.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sample {
    /// What the load generator saw.
    pub(super) load: Load,
    /// CPU time of the server a request, in microseconds.
    pub(super) cpu_us: f64,
    /// Share of one processor that the server used. Well under 1 means that something else was the bottleneck, and that
    /// its throughput says little.
    pub(super) busy: f64,
}

/// The medians of many.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Median {
    pub(super) rps: f64,
    pub(super) p50_us: f64,
    pub(super) p99_us: f64,
    pub(super) cpu_us: f64,
    pub(super) busy: f64,
    /// Half the distance between the fastest and the slowest run, relative to the median.
    pub(super) spread: f64,
}

impl Median {
    /// Of these samples; zeros if there are none.
    pub(super) fn of(samples: &[Sample]) -> Self {
        let each = |value: fn(&Sample) -> f64| median(samples.iter().map(value).collect());
        let rps = each(|sample| sample.load.rps);
        let (mut low, mut high) = (f64::INFINITY, 0.0_f64);
        for sample in samples {
            low = low.min(sample.load.rps);
            high = high.max(sample.load.rps);
        }
        Self {
            rps,
            p50_us: each(|sample| sample.load.p50_us),
            p99_us: each(|sample| sample.load.p99_us),
            cpu_us: each(|sample| sample.cpu_us),
            busy: each(|sample| sample.busy),
            spread: if rps > 0.0 { (high - low) / 2.0 / rps } else { 0.0 },
        }
    }
}
