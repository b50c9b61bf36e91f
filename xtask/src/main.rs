//! The project's own commands, run as `cargo xtask VERB`. They call cargo, rustup and the programs built here; they never
//! change a tracked file except `bindings`, and stop whatever they started.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line prints")]
#![cfg_attr(
    test,
    allow(
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::unwrap_used,
        reason = "a test ends where it goes wrong"
    )
)]

mod bench;
mod bindings;
mod components;
mod demo;
mod figures;
mod hostile;
mod http;
mod process;
mod queue;
mod rollouts;
mod server;
mod setup;
mod simulate;
mod site;
mod soak;
mod steady;
mod test;
mod workspace;

use std::{ffi::OsString, path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

/// The project's own commands.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", arg_required_else_help = true, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Build everything, start five simulated upstreams, a platform and a host, and show a flow through each
    Demo(demo::DemoArgs),
    /// Run all tests: builds what they need first; further arguments go to `cargo test`
    Test {
        /// Passed on to `cargo test --workspace`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
    /// Build every connector and put NAME-VERSION.wasm files into a directory
    BuildConnectors {
        /// Where to [default: target/connectors]
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
    /// Build the misbehaving connectors that the tests load, in the same way
    BuildGuests {
        /// Where to [default: target/guests]
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
    /// Write sdk/src/bindings.rs anew from wit/
    Bindings {
        /// Change nothing; fail if it would change
        #[arg(long)]
        check: bool,
    },
    /// Measure
    Bench(bench::BenchArgs),
    /// Load for a while, and see that nothing is lost
    Soak(soak::SoakArgs),
    /// Run a simulated upstream by itself; arguments go to `duijie-upstreams` (try --help)
    Simulate {
        /// The upstream, for instance zj-gxsz, and its options
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
}

fn main() -> ExitCode {
    let done = match Cli::parse().verb {
        Verb::Demo(args) => demo::run(&args),
        Verb::Test { .. } => test::run(&after_verb()),
        Verb::BuildConnectors { out } => components::run(components::Kind::Connectors, out),
        Verb::BuildGuests { out } => components::run(components::Kind::Guests, out),
        Verb::Bindings { check } => bindings::run(check),
        Verb::Bench(args) => bench::run(&args),
        Verb::Soak(args) => soak::run(&args),
        Verb::Simulate { .. } => simulate::run(&after_verb()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// What stands behind the verb, as it was given: a parser would take a first `--` for itself.
fn after_verb() -> Vec<OsString> {
    std::env::args_os().skip(2).collect()
}
