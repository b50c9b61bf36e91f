//! A program that stands in for the host in the soaks' tests: the same schema, the same settings, the same order of commit,
//! anchor and answer, on one thread. They have it make the mistakes that the soaks are there to find.

mod store;
pub(super) mod tests;

use std::{
    env,
    ffi::OsString,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use anyhow::{Context as _, Result, anyhow, bail};
use clap::{Args, ValueEnum};

use self::store::{Group, Store};
use super::power::{Ack, Strace, Struck, Told, Workload};

/// Where the ids of jobs begin that a recovery takes, or a run that is struck: above all others.
const RECOVERY: u64 = 1 << 32;
const STRIKE: u64 = 1 << 24;
/// The database.
const DATABASE: &str = "queue.db";

#[derive(Args)]
pub(super) struct StandInArgs {
    /// Where the database is
    dir: PathBuf,
    /// Commits between opening and closing
    #[arg(long, default_value_t = 60)]
    groups: u64,
    /// How often it is opened and closed
    #[arg(long, default_value_t = 2)]
    rounds: u64,
    /// The first job's number, above those that are there
    #[arg(long, default_value_t = 1)]
    first: u64,
    /// What is done wrong
    #[arg(long, value_enum, default_value = "none")]
    fault: Fault,
}

/// A mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Fault {
    /// None.
    None,
    /// Commits are not synced.
    NoSync,
    /// Jobs are acknowledged before they are committed.
    EarlyAck,
    /// The anchor speaks of entries before they are committed.
    EarlyAnchor,
    /// Whether the journal could be set is not listened to until the end.
    DeafToWal,
}

/// What is traced. A disk that fails ends it with an error.
pub(super) fn run(args: &StandInArgs) -> Result<()> {
    let mut begun = None;
    for round in 0..args.rounds {
        let mut store = Store::open(&args.dir.join(DATABASE), args.fault)?;
        // Ids that no run before has used.
        let mut next = match begun {
            Some(next) => next,
            None => args.first + store.taken()?,
        };
        for n in 0..args.groups {
            let group = Group { first: next, count: 1 + (n * 7 + round * 3) % 12, n };
            next += group.count;
            let told = store.begin(&group)?;
            if args.fault == Fault::EarlyAnchor {
                store.anchor(true)?;
            }
            if args.fault == Fault::EarlyAck {
                say(&told)?;
            }
            store.commit()?;
            if args.fault != Fault::EarlyAnchor {
                store.anchor(false)?;
            }
            if args.fault != Fault::EarlyAck {
                say(&told)?;
            }
        }
        store.close()?;
        begun = Some(next);
    }
    Ok(())
}

/// One write for each commit's answers.
fn say(told: &str) -> Result<()> {
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(told.as_bytes())?;
    stdout.flush().context("answering")
}

/// How the program is started.
pub(super) struct StandIn {
    program: PathBuf,
    /// Its arguments; the stand-in's own are handed over in the environment, since a test has none.
    harness: Vec<OsString>,
    /// For the runs that are recorded or struck.
    more: Vec<OsString>,
}

impl StandIn {
    fn run(&self, strace: &Strace, dir: &Path, more: &[OsString]) -> Result<Output> {
        let mut words = strace.words.iter();
        let mut command = Command::new(words.next().ok_or_else(|| anyhow!("no strace"))?);
        let arguments = [&[dir.into()], more].concat();
        command.args(words).arg(&self.program).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.args(&self.harness).env("DUIJIE_STAND_IN", arguments.join(&OsString::from(" ")));
        let child = command.spawn().context("running strace")?;
        let pid = child.id();
        let output = child.wait_with_output().context("waiting for the stand-in")?;
        strace.settled(pid)?;
        Ok(output)
    }

    fn run_well(&self, strace: &Strace, dir: &Path, more: &[OsString]) -> Result<Vec<Ack>> {
        let output = self.run(strace, dir, more)?;
        if !output.status.success() {
            bail!("the stand-in ended with {}: {}", output.status, String::from_utf8_lossy(&output.stderr));
        }
        Ok(self.acks(&output.stdout))
    }
}

/// Arguments of so many commits from this number on.
fn few(groups: u64, first: u64) -> Vec<OsString> {
    let words = ["--rounds", "1", "--groups", &groups.to_string(), "--first", &first.to_string()].map(OsString::from);
    words.into()
}

impl Workload for StandIn {
    fn database(&self) -> &str {
        DATABASE
    }

    fn record(&self, strace: &Strace, dir: &Path) -> Result<Vec<Ack>> {
        self.run_well(strace, dir, &self.more)
    }

    fn recover(&self, strace: &Strace, dir: &Path) -> Result<()> {
        self.run_well(strace, dir, &few(1, RECOVERY)).map(drop)
    }

    fn struck(&self, strace: &Strace, dir: &Path) -> Result<Struck> {
        let output = self.run(strace, dir, &[few(12, STRIKE), self.more.clone()].concat())?;
        Ok(Struck { acked: self.acks(&output.stdout), stopped: !output.status.success() })
    }

    fn acks(&self, sent: &[u8]) -> Vec<Ack> {
        let text = String::from_utf8_lossy(sent);
        let ack = |line: &str| {
            // A test's name may stand before the first.
            let words = line.split_once("took ").map(|(_, id)| (id, Told::Taken));
            let (id, told) = words.or_else(|| line.split_once("ended ").map(|(_, id)| (id, Told::Ended)))?;
            let id = id.trim();
            (id.len() == 32).then(|| Ack { id: id.to_owned(), told })
        };
        text.lines().filter_map(ack).collect()
    }

    fn anchor(&self, bytes: &[u8]) -> Option<u64> {
        store::anchored(bytes)
    }
}
