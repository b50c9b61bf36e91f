//! `cargo xtask soak`: a load that goes on for a while, as documents of upstreams demand it, against the host, a connector
//! and its simulator as release builds. What is lost or counted twice is looked for at the simulator, not guessed.

mod progress;

use anyhow::Result;
use clap::Subcommand;

#[derive(Subcommand)]
pub(crate) enum SoakVerb {
    /// Learners who report their progress every minute (skill-train): no error, and no second lost or counted twice
    Progress {
        /// How long
        #[arg(long, default_value_t = 120, value_parser = clap::value_parser!(u64).range(1..=3600))]
        seconds: u64,
        /// Learners
        #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..=30_000))]
        learners: u64,
        /// Reports of each learner in a minute
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10))]
        per_min: u32,
    },
}

/// Soaks.
pub(crate) fn run(verb: &SoakVerb) -> Result<()> {
    match verb {
        SoakVerb::Progress { seconds, learners, per_min } => progress::run(*seconds, *learners, *per_min),
    }
}
