//! What one call may use. Memory is counted over the whole store, not per memory: a component with a hundred small
//! memories is as large as one with a big one.

use std::time::Duration;

use wasmtime::ResourceLimiter;

/// Memories a store may hold; Rust, JS and Python components need one or two.
const MEMORIES_MAX: usize = 8;
/// Tables a store may hold.
const TABLES_MAX: usize = 64;
/// Core instances a store may hold.
const INSTANCES_MAX: usize = 64;
/// Elements over all tables of a store; the largest toolchain output seen needs some thousands.
const TABLE_ELEMENTS_MAX: usize = 100_000;

/// Bounds of one call, from the link's `[limits]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CallLimits {
    /// Total time over guest and host awaits, from before instantiation to the last byte of the output.
    pub(crate) deadline: Duration,
    /// Time the guest itself may compute.
    pub(crate) cpu: Duration,
    /// Linear memory over all memories of the store.
    pub(crate) memory_bytes: usize,
    /// Input, output, one request to and one answer from the upstream, each.
    pub(crate) body_bytes: usize,
    /// Requests to upstreams.
    pub(crate) http_requests: u32,
}

impl Default for CallLimits {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(10),
            cpu: Duration::from_secs(1),
            memory_bytes: 64 << 20,
            body_bytes: 1 << 20,
            http_requests: 32,
        }
    }
}

/// Counts what a store holds, and refuses more.
#[derive(Debug)]
pub(super) struct StoreLimiter {
    memory_bytes: usize,
    memory_bytes_max: usize,
    table_elements: usize,
    refused: bool,
}

impl StoreLimiter {
    pub(super) fn new(memory_bytes_max: usize) -> Self {
        Self { memory_bytes: 0, memory_bytes_max, table_elements: 0, refused: false }
    }

    /// Was memory or a table refused? Tells a guest that ran out of memory from one that merely trapped.
    pub(super) fn refused(&self) -> bool {
        self.refused
    }
}

impl ResourceLimiter for StoreLimiter {
    fn memory_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        let after = self.memory_bytes.saturating_add(desired.saturating_sub(current));
        let granted = after <= self.memory_bytes_max;
        if granted {
            self.memory_bytes = after;
        }
        self.refused |= !granted;
        Ok(granted)
    }

    fn table_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        let after = self.table_elements.saturating_add(desired.saturating_sub(current));
        let granted = after <= TABLE_ELEMENTS_MAX;
        if granted {
            self.table_elements = after;
        }
        self.refused |= !granted;
        Ok(granted)
    }

    fn instances(&self) -> usize {
        INSTANCES_MAX
    }

    fn tables(&self) -> usize {
        TABLES_MAX
    }

    fn memories(&self) -> usize {
        MEMORIES_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_summed_over_all_memories_of_a_store() {
        let mut limiter = StoreLimiter::new(100);
        assert!(limiter.memory_growing(0, 60, None).unwrap());
        assert!(!limiter.memory_growing(0, 60, None).unwrap(), "a second memory of 60 is over the sum");
        assert!(limiter.memory_growing(60, 100, None).unwrap());
        assert!(limiter.refused());
    }

    #[test]
    fn a_refused_growth_is_not_counted() {
        let mut limiter = StoreLimiter::new(100);
        assert!(!limiter.memory_growing(0, usize::MAX, None).unwrap());
        assert!(limiter.memory_growing(0, 100, None).unwrap());
    }

    #[test]
    fn tables_are_summed_too() {
        let mut limiter = StoreLimiter::new(0);
        assert!(limiter.table_growing(0, TABLE_ELEMENTS_MAX, None).unwrap());
        assert!(!limiter.table_growing(0, 1, None).unwrap());
    }
}
