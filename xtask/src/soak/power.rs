//! `soak power`: the power goes at every write and every sync of a recorded run, and what may then be on the disk is opened.
//! Nothing that was acknowledged may be missing, and no image may be one that cannot be opened. On a sample of the images
//! the recovery is recorded as well, and the power goes again in the middle of it.

mod check;
mod disk;
mod images;
mod line;
mod plug;
mod second;
mod tally;
mod trace;

use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, sync_channel},
    },
    thread,
    time::Instant,
};

use anyhow::{Context as _, Result, anyhow, bail};
use clap::Args;

#[cfg(test)]
pub(super) use self::trace::Told;
use self::{
    check::Bench,
    disk::{Cut, Disk, Files, random},
    images::{Density, Image, walk},
    tally::Tally,
};
pub(super) use self::{
    check::Verdict,
    line::{Line, descriptor, line, parts},
    plug::{Strace, Struck, Workload, answered, said},
    trace::{Ack, CALLS, Event},
};
use crate::{process, setup};

/// Images that wait to be checked: each may hold megabytes.
const WAITING_MAX: usize = 32;
/// One image in so many is checked deeply.
const DEEP_EVERY: u64 = 16;

#[derive(Args)]
pub(super) struct PowerArgs {
    /// Images at the least; fewer are an error
    #[arg(long, default_value_t = 20_000)]
    at_least: u64,
    /// Images of each moment by chance, besides nothing, everything and prefixes
    #[arg(long, default_value_t = 1)]
    spread: u64,
    /// Images whose recovery is cut as well
    #[arg(long, default_value_t = 10)]
    second: u64,
    /// Where the chances start
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Checks under way at a time
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=64))]
    threads: u64,
}

/// Soaks and reports; whatever is lost is an error.
pub(super) fn run(workload: &dyn Workload, args: &PowerArgs) -> Result<()> {
    setup::strace()?;
    process::heed_signals()?;
    let tally = soak(workload, args)?;
    tally.report(args.at_least)
}

/// The same without judging.
fn soak(workload: &dyn Workload, args: &PowerArgs) -> Result<Tally> {
    let ground = ground()?;
    let since = Instant::now();
    let recorded: Vec<Event> = record(workload, ground.path())?;
    let recorded_in = since.elapsed();
    let count = |wanted: fn(&Event) -> bool| recorded.iter().filter(|event| wanted(event)).count();
    println!(
        "soak power: recorded {} writes, {} syncs, {} acknowledgements in {:.1} s",
        count(|event| matches!(event, Event::Write { .. } | Event::Truncate { .. })),
        count(|event| matches!(event, Event::Sync { .. } | Event::SyncNames)),
        count(|event| matches!(event, Event::Ack(_))),
        recorded_in.as_secs_f64()
    );
    let density = Density { spread: args.spread, seed: args.seed };
    // How many there will be at the least, so that those for the second cut are spread over all of them.
    let expected = (recorded.len() as u64).saturating_mul(1 + args.spread);
    let second_every = (expected / args.second.max(1)).max(1);
    let tally = Mutex::new(Tally::default());
    thread::scope(|scope| {
        let (images, waiting) = sync_channel::<Work>(WAITING_MAX);
        // The last worker that ends takes the receiver along, and then sending fails.
        let waiting = Arc::new(Mutex::new(waiting));
        let workers: Vec<_> = (0..args.threads)
            .map(|n| {
                let (waiting, tally, dir) = (waiting.clone(), &tally, ground.path().join(format!("check-{n}")));
                scope.spawn(move || work(workload, &waiting, tally, &dir, args.seed))
            })
            .collect();
        drop(waiting);
        let mut n = 0;
        let made = walk(Disk::default(), &recorded, &[], density, |image| {
            process::not_signalled()?;
            let second = args.second > 0 && n % second_every == random(&[args.seed, n / second_every]) % second_every;
            n += 1;
            let work = Work { image, deep: random(&[args.seed, n]).is_multiple_of(DEEP_EVERY), second };
            images.send(work).map_err(|_| anyhow!("the checks have ended"))
        });
        drop(images);
        // Why a check ended says more than that it did.
        for worker in workers {
            worker.join().map_err(|_| anyhow!("a check panicked"))??;
        }
        made
    })?;
    let mut tally = tally.into_inner().map_err(|_| anyhow!("a check panicked"))?;
    tally.seconds = since.elapsed().as_secs_f64();
    Ok(tally)
}

/// An image to be checked.
struct Work {
    image: Image,
    deep: bool,
    /// Its recovery is cut as well.
    second: bool,
}

fn work(
    workload: &dyn Workload,
    waiting: &Mutex<Receiver<Work>>,
    tally: &Mutex<Tally>,
    dir: &Path,
    seed: u64,
) -> Result<()> {
    let mut bench = Bench::new(dir.join("image"), workload)?;
    let mut second = second::Second::new(dir, workload, seed)?;
    let count = |image: &Image, verdict: &Verdict, again: bool| -> Result<()> {
        tally.lock().map_err(|_| anyhow!("a check panicked"))?.count(&image.name, verdict, again);
        Ok(())
    };
    loop {
        let next = waiting.lock().map_err(|_| anyhow!("a check panicked"))?.recv();
        let Ok(Work { image, deep, second: again }) = next else { return Ok(()) };
        count(&image, &bench.check(&image, deep)?, false)?;
        if again {
            second.cut(&image, |image, verdict| count(image, verdict, true))?;
        }
    }
}

/// In memory where that is possible: the disk that matters is the model's.
fn ground() -> Result<tempfile::TempDir> {
    let memory = Path::new("/dev/shm");
    let mut maker = tempfile::Builder::new();
    let maker = maker.prefix("duijie-power-");
    if memory.is_dir() { maker.tempdir_in(memory) } else { maker.tempdir() }.context("making a temporary directory")
}

fn record(workload: &dyn Workload, ground: &Path) -> Result<Vec<Event>> {
    let dir = ground.join("recorded");
    fs::create_dir(&dir)?;
    let dir = dir.canonicalize()?;
    let strace = Strace::recording(&ground.join("trace"));
    let told = workload.record(&strace, &dir)?;
    let events = read(workload, &strace, &dir)?;
    agrees(&Disk::default(), &events, workload, &dir)?;
    let sent: HashSet<&Ack> =
        events.iter().filter_map(|event| if let Event::Ack(ack) = event { Some(ack) } else { None }).collect();
    if let Some(ack) = told.iter().find(|ack| !sent.contains(ack)) {
        bail!("the trace does not have that {ack:?} was told");
    }
    fs::remove_file(&strace.trace)?;
    Ok(events)
}

/// A trace as events.
pub(super) fn read(workload: &dyn Workload, strace: &Strace, dir: &Path) -> Result<Vec<Event>> {
    let acks = |sent: &[u8]| workload.acks(sent);
    trace::read(&strace.trace, &plug::scope(workload, dir, &acks))
}

/// The model must say of every file what there is: if it does not, strace was not asked for a call that matters.
fn agrees(before: &Disk, events: &[Event], workload: &dyn Workload, dir: &Path) -> Result<()> {
    let mut disk = before.clone();
    for event in events {
        disk.apply(event)?;
    }
    let (modelled, found) = (disk.cut(Cut::Upto(disk.now())).0, files(workload, dir)?);
    for name in modelled.keys().chain(found.keys()) {
        if modelled.get(name) != found.get(name) {
            bail!("the model of {name} is not what there is in {}", dir.display());
        }
    }
    Ok(())
}

/// The files of a directory that count.
fn files(workload: &dyn Workload, dir: &Path) -> Result<Files> {
    let scope = plug::scope(workload, dir, &|_| Vec::new());
    let mut files = Files::new();
    for entry in fs::read_dir(dir)? {
        let path: PathBuf = entry?.path();
        if let Some(name) = path.to_str().and_then(|path| scope.file(path)) {
            files.insert(name, Arc::new(fs::read(path)?));
        }
    }
    Ok(files)
}

/// What a power cut may leave of a directory after this trace: everything that was not
/// synced, nothing of it, and some by chance. For whoever asks a failed sync what it has kept.
pub(super) struct Aftermath<'a> {
    bench: Bench<'a>,
    workload: &'a dyn Workload,
}

impl<'a> Aftermath<'a> {
    /// Images are laid out in this directory.
    pub(super) fn new(dir: PathBuf, workload: &'a dyn Workload) -> Result<Self> {
        Ok(Self { bench: Bench::new(dir, workload)?, workload })
    }

    /// The files as they are, to begin with.
    pub(super) fn before(&self, dir: &Path) -> Result<Before> {
        Ok(Before(files(self.workload, dir)?))
    }

    /// Checks what lies in the directory now, as it is.
    pub(super) fn now(&mut self, dir: &Path, acked: &[Ack]) -> Result<Verdict> {
        let files = files(self.workload, dir)?;
        let image = Image { name: "as it is".into(), files, acked: Arc::new(acked.to_vec()) };
        self.bench.check(&image, true)
    }

    /// Checks what the power may leave after these events.
    pub(super) fn cut(&mut self, before: &Before, events: &[Event], acked: &[Ack], seeds: u64) -> Result<Vec<Verdict>> {
        let mut disk = Disk::of(&before.0);
        for event in events {
            disk.apply(event)?;
        }
        let (acked, mut seen) = (Arc::new(acked.to_vec()), HashSet::new());
        let cuts = [Cut::Upto(0), Cut::Upto(disk.now())].into_iter().chain((0..seeds).map(Cut::Spread));
        let mut verdicts = Vec::new();
        for cut in cuts {
            let (files, number) = disk.cut(cut);
            if seen.insert(number) {
                let image = Image { name: format!("{cut:?}"), files, acked: acked.clone() };
                verdicts.push(self.bench.check(&image, false)?);
            }
        }
        Ok(verdicts)
    }
}

/// Files.
pub(super) struct Before(Files);

#[cfg(test)]
mod tests;
