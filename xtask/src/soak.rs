//! `cargo xtask soak`: a load that goes on for a while against release builds, while something is done to the host that
//! nobody may notice; and what may be left of it by power cuts and failing disks. What is lost, counted twice or answered
//! wrongly is looked for, not guessed.

mod academy;
mod canary;
mod crash;
mod drops;
mod ground;
mod io;
mod outage;
mod power;
mod progress;
mod pushes;
mod restarts;
mod simulator;
#[cfg(test)]
mod stand_in;
mod swap;

use anyhow::Result;
use clap::{Args, Subcommand};

use crate::bench::tools::Options;

#[derive(Args)]
pub(crate) struct SoakArgs {
    /// Debug builds: for working on a soak; its figures mean nothing then, except those of power and io
    #[arg(long, global = true)]
    debug: bool,
    #[command(subcommand)]
    verb: SoakVerb,
}

#[derive(Subcommand)]
enum SoakVerb {
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
        /// Push the reports of this time as batches, as fast as they are taken, and kill the host once in the middle (A5:
        /// --seconds 600)
        #[arg(long)]
        durable: bool,
    },
    /// Swap a connector's revision under full load: no call fails, and none sees two revisions
    Swap(swap::SwapArgs),
    /// Drop bad files under load: each is refused, and nothing else changes
    Drops(drops::DropsArgs),
    /// Kill the host while files are dropped: it comes back with the last good revision
    Restarts(restarts::RestartsArgs),
    /// A new version that fails now and then: it is rolled back, and stays out
    Canary(canary::CanaryArgs),
    /// Kill the host while records are pushed durably: none is lost, none overtakes another, none counts twice unsaid
    Crash(crash::CrashArgs),
    /// An upstream that is away for a while: records arrive in order, at the allowed rate, hardly any tried twice
    Outage(outage::OutageArgs),
    /// Cut the power at every write and sync of a recorded run: nothing that was acknowledged is lost
    Power(power::PowerArgs),
    /// Let the first calls of the journal fail, with EIO and with ENOSPC: nothing that was acknowledged is lost
    Io(io::IoArgs),
}

/// Soaks.
pub(crate) fn run(args: &SoakArgs) -> Result<()> {
    let options = Options { debug: args.debug, failpoints: false };
    match &args.verb {
        SoakVerb::Progress { seconds, learners, per_min, durable } => {
            progress::run(options, *seconds, *learners, *per_min, *durable)
        }
        SoakVerb::Swap(args) => swap::run(options, args),
        SoakVerb::Drops(args) => drops::run(options, args),
        SoakVerb::Restarts(args) => restarts::run(options, args),
        SoakVerb::Canary(args) => canary::run(options, args),
        SoakVerb::Crash(args) => crash::run(options, args),
        SoakVerb::Outage(args) => outage::run(options, args),
        SoakVerb::Power(args) => power::run(&pushes::Pushes::build(options)?, args),
        SoakVerb::Io(args) => io::run(&pushes::Pushes::build(options)?, args),
    }
}
