//! `soak io`: each of the first calls that write, sync or cut the database, its journals or the audit log's anchor fails
//! once with EIO, once with ENOSPC, and once with ENOSPC from there on. What was acknowledged must be there afterwards, also
//! if the power goes then and nothing stays that was not synced; the program must have stopped; and it must start again.
//! Once with an empty directory and once with a database that was there.

mod calls;
mod tally;

use std::{
    collections::HashSet,
    fmt::{self, Display},
    fs,
    path::{Path, PathBuf},
    sync::{
        Mutex, MutexGuard,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use anyhow::{Context as _, Result, anyhow, bail};
use clap::Args;

use self::{calls::Call, tally::Tally};
use super::power::{self, Aftermath, Strace, Workload};
use crate::{process, setup};

/// Images of the power cut after each failure by chance, besides nothing and everything.
const SEEDS: u64 = 8;
/// The database's companions that count.
const COMPANIONS: [&str; 4] = ["", "-wal", "-journal", ".audit"];

#[derive(Args)]
pub(super) struct IoArgs {
    /// Calls
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..))]
    calls: u64,
    /// Failures under way at a time
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=64))]
    threads: u64,
}

/// How a call fails.
struct Failure {
    error: &'static str,
    /// All later ones of its kind fail as well: a full disk stays full.
    lasting: bool,
}

impl Failure {
    /// As strace writes it.
    fn more(&self) -> &'static str {
        if self.lasting { "+" } else { "" }
    }
}

const FAILURES: [Failure; 3] = [
    Failure { error: "EIO", lasting: false },
    Failure { error: "ENOSPC", lasting: false },
    Failure { error: "ENOSPC", lasting: true },
];

/// Soaks and reports; a loss is an error.
pub(super) fn run(workload: &dyn Workload, args: &IoArgs) -> Result<()> {
    setup::strace()?;
    process::heed_signals()?;
    // Most calls are writes: so that syncs have their share, as many of those as well, if there are.
    let wanted = |n, call: &Call| n < args.calls || call.name != "pwrite64" && call.nth <= args.calls;
    soak(workload, args.threads, wanted)?.report()
}

fn soak(workload: &dyn Workload, threads: u64, wanted: impl Fn(u64, &Call) -> bool) -> Result<Tally> {
    let ground = tempfile::Builder::new().prefix("duijie-io-").tempdir().context("making a temporary directory")?;
    let ground = ground.path().canonicalize()?;
    let there = ground.join("there");
    fs::create_dir(&there)?;
    // A database that was there: it was made and left by a proper run.
    let none = Strace::of_files(&ground.join("trace"), power::CALLS, &[], None);
    workload.recover(&none, &there)?;
    let mut strikes = Vec::new();
    let scout = Soak::new(workload, ground.join("scout"))?;
    for from in [None, Some(there.as_path())] {
        for call in scout.calls(from)?.into_iter().zip(0..).filter(|(call, n)| wanted(*n, call)).map(|(call, _)| call) {
            strikes.extend(FAILURES.iter().map(|failure| Strike { from, call: call.clone(), failure }));
        }
    }
    println!("soak io: {} failures of {} calls", strikes.len(), strikes.len() / FAILURES.len());
    let (next, tally) = (AtomicUsize::new(0), Mutex::new(Tally::default()));
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|n| {
                let (next, strikes, tally, dir) = (&next, &strikes, &tally, ground.join(format!("worker-{n}")));
                scope.spawn(move || {
                    let mut soak = Soak::new(workload, dir)?;
                    while let Some(strike) = strikes.get(next.fetch_add(1, Ordering::Relaxed)) {
                        process::not_signalled()?;
                        soak.strike(strike, tally)?;
                    }
                    anyhow::Ok(())
                })
            })
            .collect();
        for worker in workers {
            worker.join().map_err(|_| anyhow!("a worker panicked"))??;
        }
        anyhow::Ok(())
    })?;
    tally.into_inner().map_err(|_| anyhow!("a worker panicked"))
}

/// A call that is to fail.
struct Strike<'a> {
    /// What lies there before; none: nothing.
    from: Option<&'a Path>,
    call: Call,
    failure: &'a Failure,
}

impl Display for Strike<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Call { name, nth, file, .. }, Failure { error, .. }) = (&self.call, self.failure);
        write!(f, "{error}{} at {name} {nth} of {file}", self.failure.more())?;
        f.write_str(if self.from.is_some() { " that was there" } else { "" })
    }
}

struct Soak<'a> {
    workload: &'a dyn Workload,
    dir: PathBuf,
    trace: PathBuf,
    aftermath: Aftermath<'a>,
}

impl<'a> Soak<'a> {
    fn new(workload: &'a dyn Workload, dir: PathBuf) -> Result<Self> {
        let aftermath = Aftermath::new(dir.join("after"), workload)?;
        Ok(Self { workload, trace: dir.join("trace"), dir: dir.join("struck"), aftermath })
    }

    /// The calls there are when none fails. strace counts in each thread, and the thread that opens comes before the one that
    /// writes: of what both make, the first fails, so that only that counts.
    fn calls(&self, from: Option<&Path>) -> Result<Vec<Call>> {
        self.lay(from)?;
        let strace = self.strace(None);
        if self.workload.struck(&strace, &self.dir)?.stopped {
            bail!("the program stops though nothing fails");
        }
        let (mut calls, mut met) = (calls::read(&strace.trace, self.workload.database())?, HashSet::new());
        calls.retain(|call| met.insert((call.name.clone(), call.nth)));
        Ok(calls)
    }

    fn lay(&self, from: Option<&Path>) -> Result<()> {
        if self.dir.exists() {
            fs::remove_dir_all(&self.dir)?;
        }
        fs::create_dir(&self.dir)?;
        for entry in from.map(fs::read_dir).transpose()?.into_iter().flatten() {
            let entry = entry?;
            // What else lies there the program brings along again.
            if !entry.file_type()?.is_file() {
                continue;
            }
            fs::copy(entry.path(), self.dir.join(entry.file_name()))?;
        }
        Ok(())
    }

    fn strace(&self, inject: Option<String>) -> Strace {
        let name = |suffix: &&str| self.dir.join(format!("{}{suffix}", self.workload.database()));
        let mut files: Vec<PathBuf> = COMPANIONS.iter().map(name).collect();
        files.push(self.dir.clone());
        Strace::of_files(&self.trace, power::CALLS, &files, inject)
    }

    fn strike(&mut self, strike: &Strike<'_>, tally: &Mutex<Tally>) -> Result<()> {
        let Strike { from, call, failure } = strike;
        self.lay(*from)?;
        let before = self.aftermath.before(&self.dir)?;
        let inject = format!("{}:error={}:when={}{}", call.name, failure.error, call.nth, failure.more());
        let strace = self.strace(Some(inject));
        let struck = self.workload.struck(&strace, &self.dir)?;
        let made = calls::read(&strace.trace, self.workload.database())?;
        let what = strike.to_string();
        let Some((hit, part)) = calls::hit(&made) else {
            locked(tally)?.missed(&what);
            return Ok(());
        };
        let events = power::read(self.workload, &strace, &self.dir)?;
        let cuts = self.aftermath.cut(&before, &events, &struck.acked, SEEDS)?;
        let left = self.aftermath.now(&self.dir, &struck.acked)?;
        // And now with a disk that works: it must start, take one more, and have it all.
        let recovered = self.workload.recover(&self.strace(None), &self.dir);
        let after = self.aftermath.now(&self.dir, &struck.acked)?;
        let mut tally = locked(tally)?;
        tally.struck(failure.error, &hit.name, struck.acked.len() as u64);
        if !struck.stopped {
            tally.went_on(part, &what);
        }
        cuts.iter().for_each(|verdict| tally.cut(part, &what, verdict));
        tally.left(&what, &left);
        match recovered {
            Ok(()) => tally.restarted(&what, &after),
            Err(error) => tally.unclean(&what, &format!("{error:#}")),
        }
        Ok(())
    }
}

fn locked(tally: &Mutex<Tally>) -> Result<MutexGuard<'_, Tally>> {
    tally.lock().map_err(|_| anyhow!("a worker panicked"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::soak::stand_in::tests::child;

    #[test]
    fn a_program_that_stops_at_a_failure_loses_nothing() {
        let tally = soak(&child(&[]), 2, |n, _| n < 5).unwrap();
        assert!(tally.runs == 30, "{tally:?}");
        assert_eq!((tally.lost, tally.cut_lost, tally.unclean, tally.went_on), (0, 0, 0, 0), "{tally:?}");
    }

    #[test]
    fn one_that_does_not_hear_that_its_journal_was_refused_is_found_out() {
        let deaf = child(&["--fault", "deaf-to-wal"]);
        let tally = soak(&deaf, 1, |_, call| call.name == "fsync" && call.file == "-journal").unwrap();
        assert!(tally.went_on > 0 && tally.cut_lost > 0, "{tally:?}");
    }
}
