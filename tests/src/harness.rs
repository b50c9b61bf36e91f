//! The real host, as a process of its own, with real component files: what the end-to-end tests are written in.
//!
//! ```no_run
//! # async fn test() {
//! use duijie_tests::harness::Setup;
//!
//! let setup = Setup::new().guest("hostile").link("a/one", "connector = \"hostile\"\n");
//! let host = setup.start().await;
//! let answer = host.call("a.one", "echo", &serde_json::json!({ "x": 1 })).await;
//! assert_eq!(answer.status, 200);
//! # }
//! ```
//!
//! Everything lives in a temporary directory and ends with the [`Host`]. A harness that cannot go on panics, because
//! then its test is over. Waits are bounded by [`WAIT_MAX`] and end as soon as what is waited for is there.

#![allow(clippy::expect_used, clippy::panic, reason = "a harness that cannot go on ends its test")]

pub mod build;
mod cli;
mod client;
mod host;
mod output;
mod rollouts;
mod setup;

use std::time::{Duration, Instant};

pub use cli::Run;
pub use client::{Answer, Request};
pub use host::{Host, Stopped};
pub use output::Output;
pub use rollouts::Rollouts;
pub use setup::Setup;

/// Waits until something holds that has no event of its own; looks at once, and then again and again.
pub async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let end = Instant::now() + WAIT_MAX;
    while !holds().await {
        assert!(Instant::now() < end, "waited in vain for {what}");
        tokio::time::sleep(POLL).await;
    }
}

/// Between two looks at what has no event of its own.
const POLL: Duration = Duration::from_millis(25);

/// How long anything may take before its test has failed. Generous: machines that test are slow and shared.
pub const WAIT_MAX: Duration = Duration::from_secs(60);
