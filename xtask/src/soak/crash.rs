//! `soak crash`: the host is killed a thousand times, at each named step of a record's way and at any moment, while
//! platforms push through two links: one to an upstream that overwrites, with several versions of many records, and one to
//! an upstream that adds up. Afterwards every accepted record is looked for: at its upstream, in the API, in the webhooks.

mod death;
mod inbox;
mod lane;
mod plan;
mod tally;
mod upstream;
mod verdict;

use std::{
    collections::BTreeMap,
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};
use clap::Args;
use tokio::time::sleep;

use self::{
    death::Scene,
    inbox::Inbox,
    lane::Lane,
    plan::{Kill, Link},
    tally::{Ending, Tally},
    verdict::{Ledger, untold},
};
use super::academy::{Academy, Mood};
use crate::{
    bench::tools::{self, Options},
    components::{self, Kind},
    process::{self, Process},
    queue::{Job, Platform, Queue},
    rollouts::Operator,
    site::{Host, Site},
};

/// Platforms: events of one are delivered two at a time.
const PLATFORMS: [&str; 4] = ["p1", "p2", "p3", "p4"];
/// Attempts of a link under way at a time: as many may be in doubt after a kill.
const INFLIGHT: u64 = 8;
/// How long the queue may stand still at the end: an event that was under way at a kill is due again after a minute.
const STILL_MAX: Duration = Duration::from_secs(120);

#[derive(Args)]
pub(super) struct CrashArgs {
    /// Kills
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u64).range(8..=100_000))]
    kills: u64,
    /// Records, over both links
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(100..=200_000))]
    records: u64,
    /// Milliseconds from the host's being ready within which it is killed, where it is not at a step
    #[arg(long, default_value_t = 400, value_parser = clap::value_parser!(u64).range(1..))]
    within_ms: u64,
}

/// What is run.
struct Programs {
    duijie: PathBuf,
    upstreams: PathBuf,
    connectors: [PathBuf; 2],
}

/// Soaks and reports; a record that is lost, and whatever else must not be, is an error.
pub(super) fn run(options: Options, args: &CrashArgs) -> Result<()> {
    let options = Options { failpoints: true, ..options };
    let connectors = components::build(Kind::Connectors, None)?;
    let programs = Programs {
        duijie: tools::host(options)?,
        upstreams: tools::upstreams(options)?,
        connectors: [tools::named(&connectors, "zj-gxsz")?, tools::named(&connectors, "skill-train")?],
    };
    process::block_on(async {
        let begun = Instant::now();
        let mut soak = Soak::set(&programs, args).await?;
        println!(
            "soak crash: {} kills, {} records, two links, {} platforms",
            args.kills,
            args.records,
            PLATFORMS.len()
        );
        while !soak.tally.is_enough(args.kills) {
            soak.round().await?;
            if soak.tally.kills().is_multiple_of(50) {
                let sent: u64 = soak.lanes.iter().map(Lane::accepted).sum();
                println!(
                    "  {:>5} kills, {sent} records accepted, {:.0} s",
                    soak.tally.kills(),
                    begun.elapsed().as_secs_f64()
                );
            }
        }
        let killed_s = begun.elapsed().as_secs_f64();
        let ending = soak.end().await?;
        soak.tally.report(args, &ending, killed_s, begun.elapsed().as_secs_f64())
    })
}

struct Soak {
    site: Site,
    keys: Vec<String>,
    inbox: Inbox,
    scene: Scene,
    _simulator: Process,
    lanes: [Lane; 2],
    tally: Tally,
    records: u64,
    kills: u64,
    within: Duration,
}

impl Soak {
    async fn set(programs: &Programs, args: &CrashArgs) -> Result<Self> {
        let site = Site::new(&programs.duijie, "[log]\nlevel = \"error\"\n")?;
        for connector in &programs.connectors {
            site.add_connector(connector)?;
        }
        let inbox = Inbox::open().await?;
        let mut keys = Vec::new();
        for platform in PLATFORMS {
            keys.push(site.platform(platform)?);
            inbox.subscribe(&site, platform)?;
        }
        let (simulator, url) = super::simulator::start(&site, &programs.upstreams, "zj-gxsz").await?;
        let push = format!("[push]\nmax_inflight = {INFLIGHT}\n");
        upstream::link(&site, Link::Safe.name(), &url, &push)?;
        let academy = Academy::open().await?;
        academy.link(&site, Link::Unsafe.name(), &push)?;
        // Of three kills, two may come before a slice is accepted.
        let slice = (args.records * 3 / args.kills).max(1);
        Ok(Self {
            site,
            keys,
            inbox,
            scene: Scene { academy, simulator: url },
            _simulator: simulator,
            lanes: Link::ALL.map(|link| Lane::new(link, args.records, slice)),
            tally: Tally::default(),
            records: args.records,
            kills: args.kills,
            within: Duration::from_millis(args.within_ms),
        })
    }

    fn platforms(&self, host: &Host) -> Vec<Platform> {
        self.keys.iter().map(|key| Platform::new(&host.api, key)).collect()
    }

    /// Starts the host, pushes what is due, and has it killed.
    async fn round(&mut self) -> Result<()> {
        let (group, turn) = self.tally.next();
        let kill = group.kill(turn);
        let env = match kill {
            Kill::Point(step, pass) => vec![("DUIJIE_CRASH_AT", format!("{step}:{pass}"))],
            _ => Vec::new(),
        };
        let mut host = match (self.site.start_with(None, env).await, kill) {
            (Ok(host), _) => host,
            // It had something to do before anybody heard that it is ready.
            (Err(_), Kill::Point(..)) => return self.tally.died_early(group, &self.site.path("host.log")),
            (Err(error), _) => return Err(error),
        };
        self.tally.started(host.ready_after);
        let platforms = self.platforms(&host);
        // As much of them as of the kills, so that there is something to accept at the last one, too.
        let due = self.records * (self.tally.kills() + 1) / self.kills;
        let [one, other] = &mut self.lanes;
        let sending = async {
            let (one, other) = tokio::join!(one.send(&platforms, due), other.send(&platforms, due));
            one.and(other)
        };
        let (sent, died) = tokio::join!(sending, self.scene.kill(&mut host, kill, self.within));
        sent?;
        self.tally.killed(group, died?);
        Ok(())
    }

    /// Starts the host for the last time, pushes what is left, waits until nothing is left to do, and looks.
    async fn end(&mut self) -> Result<Ending> {
        self.scene.academy.set_mood(Mood::Well);
        let mut host = self.site.start(None).await?;
        self.tally.started(host.ready_after);
        let platforms = self.platforms(&host);
        for lane in &mut self.lanes {
            while !lane.is_done() {
                lane.send(&platforms, self.records).await?;
                if !host.process.runs() {
                    bail!("the host died though nobody killed it; its log: {}", host.process.log().display());
                }
            }
        }
        let queue = self.drain(&host).await?;
        let mut ending = Ending { left: queue.open() + queue.events, ..Ending::default() };
        let mut ended = BTreeMap::new();
        for (lane, link) in self.lanes.iter().zip(Link::ALL) {
            let jobs = all_jobs(&platforms, link).await?;
            let (fates, strays) = lane.fates(&jobs);
            let key = |record| link.key(record);
            let applied = match link {
                Link::Safe => upstream::applied(&self.scene.simulator, fates.len() as u64).await?,
                Link::Unsafe => by_key(&self.scene.academy),
            };
            let ledger = Ledger { fates: &fates, key: &key, applied: &applied };
            match link {
                Link::Safe => ending.safe = ledger.of_safe(),
                Link::Unsafe => (ending.once, ending.doubt_max) = (ledger.of_unsafe(), together(&jobs)),
            }
            ending.strays += strays;
            ending.accepted += lane.accepted();
            ending.again += lane.again();
            ended.extend(jobs.into_iter().filter(|job| !is_open(&job.state)).map(|job| (job.id, job.state)));
        }
        ending.ended = ended.len() as u64;
        (ending.untold, ending.renamed) = untold(&ended, &self.inbox.told());
        (ending.deliveries, ending.strange) = self.inbox.deliveries();
        host.process.stop().await?;
        Ok(ending)
    }

    /// Waits until no job and no event waits any more, or nothing changes.
    async fn drain(&self, host: &Host) -> Result<Queue> {
        let operator = Operator::of(&self.site, host);
        let (mut last, mut changed) = ((u64::MAX, u64::MAX), Instant::now());
        loop {
            let queue = Queue::look(&operator).await?;
            let now = (queue.open(), queue.events);
            if now == (0, 0) || changed.elapsed() > STILL_MAX {
                return Ok(queue);
            }
            if now != last {
                (last, changed) = (now, Instant::now());
            }
            sleep(Duration::from_millis(200)).await;
        }
    }
}

async fn all_jobs(platforms: &[Platform], link: Link) -> Result<Vec<Job>> {
    let mut all = Vec::new();
    for platform in platforms {
        all.extend(platform.jobs(link.name()).await?);
    }
    Ok(all)
}

/// How many came to be in doubt at once: those that were under way at one kill, found so at the next start.
fn together(jobs: &[Job]) -> u64 {
    let mut at: BTreeMap<&str, u64> = BTreeMap::new();
    for job in jobs.iter().filter(|job| job.state == "unknown") {
        *at.entry(job.finished.as_deref().unwrap_or_default()).or_default() += 1;
    }
    at.into_values().max().unwrap_or(0)
}

fn is_open(state: &str) -> bool {
    matches!(state, "queued" | "sending")
}

fn by_key(academy: &Academy) -> BTreeMap<u64, Vec<u64>> {
    let mut applied: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
    for receipt in academy.receipts().into_iter().filter(|receipt| receipt.applied) {
        applied.entry(receipt.key).or_default().push(receipt.record);
    }
    applied
}
