//! What `cargo xtask bench` and `cargo xtask soak` measure with, in one program so that it is built once: the upstream,
//! the baseline server, the load generators, the bad files, the spinner. Servers print one line of JSON when they listen.

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

mod baseline;
mod corpus;
mod load;
mod pace;
mod progress;
mod steady;
mod upstream;

use std::{io::Read as _, process::ExitCode};

use anyhow::{Context as _, Result};
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "bench-tools")]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// An upstream that answers at once
    Upstream,
    /// The same operation as a plain server
    Baseline(baseline::BaselineArgs),
    /// Send requests and say how long they took
    Load(load::LoadArgs),
    /// Report learners' progress at an even pace, whatever the answers take
    Progress(progress::ProgressArgs),
    /// Send requests until stdin closes, and look at which revision answers
    Steady(steady::SteadyArgs),
    /// Write files that no host may load
    Corpus(corpus::CorpusArgs),
    /// Make a key to sign connectors with
    Keys(corpus::KeysArgs),
    /// Sign a file
    Sign(corpus::SignArgs),
    /// Compute nothing until stdin closes
    Spin,
}

fn main() -> ExitCode {
    let done = match Cli::parse().verb {
        Verb::Upstream => block_on(upstream::run()),
        Verb::Baseline(args) => block_on(baseline::run(args)),
        Verb::Load(args) => block_on(load::run(args)),
        Verb::Progress(args) => block_on(progress::run(args)),
        Verb::Steady(args) => block_on(steady::run(args)),
        Verb::Corpus(args) => corpus::run(&args),
        Verb::Keys(args) => corpus::keys(&args),
        Verb::Sign(args) => corpus::sign(&args),
        Verb::Spin => spin(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench-tools: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// One thread: each of these has one processor to itself.
fn block_on(work: impl Future<Output = Result<()>>) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("starting the runtime")?;
    runtime.block_on(work)
}

fn spin() -> Result<()> {
    std::thread::spawn(|| {
        // End or error: either way nobody needs the spinning any more.
        let _ = std::io::stdin().lock().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    loop {
        std::hint::spin_loop();
    }
}
