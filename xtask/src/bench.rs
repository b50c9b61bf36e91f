//! `cargo xtask bench`: figures that mean something on a shared machine, or none. Release builds, everything measured in
//! one run, and what was disturbed is thrown away.

mod accept;
mod drop;
mod edit;
mod links;
pub(crate) mod machine;
mod op;
mod parked;
mod rounds;
mod sheet;
pub(crate) mod tools;

use anyhow::Result;
use clap::{Args, Subcommand};

use self::tools::Options;

#[derive(Args)]
pub(crate) struct BenchArgs {
    /// Debug builds: for working on a bench; its figures mean nothing then
    #[arg(long, global = true)]
    debug: bool,
    #[command(subcommand)]
    verb: BenchVerb,
}

#[derive(Subcommand)]
enum BenchVerb {
    /// One talk record through the host, beside the same work in a plain axum + reqwest + sm4 server
    Op {
        /// Rounds that count; each runs both servers twice, in both orders
        #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(3..))]
        rounds: u32,
        /// Seconds of each run
        #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..))]
        seconds: u64,
        /// Requests under way at a time
        #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..))]
        concurrency: u32,
    },
    /// Many links on one connector: time to ready, resident memory of an idle link, and editing one of them
    Links {
        /// How many
        #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(2..))]
        count: u32,
        /// Edits of one link; no other may be touched by them
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
        edits: u32,
    },
    /// A connector file dropped, until it answers: compiled and from the cache, beside a light load
    Drop {
        /// Drops of each kind
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(3..))]
        rounds: u32,
    },
    /// Records made durable: one by one over some connections, and in batches; with this disk's sync and a slower one
    Accept {
        /// Rounds, each on hosts of its own
        #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=50))]
        rounds: u32,
        /// Seconds of each way to send
        #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u64).range(1..=600))]
        seconds: u64,
        /// Milliseconds by which each sync of the second half is slower
        #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=1000))]
        slow_ms: u64,
    },
    /// A million records that wait: how soon the host is ready again with them, and how large
    Parked {
        /// How many
        #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
        count: u64,
    },
    /// A workbook of ten megabytes checked through the API: seconds, and the memory it takes
    Sheet {
        /// Rows
        #[arg(long, default_value_t = 5000, value_parser = clap::value_parser!(u32).range(100..=10_000))]
        rows: u32,
        /// Times, each on a host of its own
        #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
        rounds: u32,
    },
}

/// Measures.
pub(crate) fn run(args: &BenchArgs) -> Result<()> {
    let options = Options { debug: args.debug, failpoints: false };
    match &args.verb {
        BenchVerb::Op { rounds, seconds, concurrency } => op::run(options, *rounds, *seconds, *concurrency),
        BenchVerb::Links { count, edits } => links::run(options, *count, *edits),
        BenchVerb::Drop { rounds } => drop::run(options, *rounds),
        BenchVerb::Accept { rounds, seconds, slow_ms } => accept::run(options, *rounds, *seconds, *slow_ms),
        BenchVerb::Parked { count } => parked::run(options, *count),
        BenchVerb::Sheet { rows, rounds } => sheet::run(options, *rows, *rounds),
    }
}
