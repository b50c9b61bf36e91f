//! What the end-to-end tests, the fault tests and the demo share: upstream simulators, synthetic records, and a harness
//! that runs the real host.
//! Never part of a shipped host: nothing outside this package and `xtask` may depend on it.

#![cfg_attr(
    test,
    allow(
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        reason = "a failed expectation is a failed test"
    )
)]

pub mod fixtures;
pub mod harness;
pub mod platform;
pub mod upstreams;
