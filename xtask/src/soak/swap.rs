//! `soak swap`: two revisions of a connector by turns, a thousand times, under a closed loop. No call may fail, none may
//! see two revisions, and none may see the old one once the new one is said to serve. Quiet phases of the same load lie
//! between the swaps, so that both are measured on the same machine at the same time.

use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, bail};
use clap::Args;
use tokio::time::sleep;

use super::ground::{Demand, FILE, Ground, LINK};
use crate::{
    bench::{
        machine::{fds, rss_kib},
        tools::Options,
    },
    figures::{largest, median, percentile, slope, upper_bound},
    hostile::{self, Revision},
    process,
    rollouts::{LOOK, Operator},
    site::Site,
    steady::{Count, Phase, Steady, Totals},
};

/// After a swap, by when a retired revision must be gone.
const GONE_AFTER: Duration = Duration::from_secs(5);
/// Revisions that may be alive by then: the one that serves, and the one to go back to.
const LIVE_MAX: f64 = 2.0;
/// Swaps between two looks at the gauge while swapping.
const LOOK_EVERY: u64 = 5;

#[derive(Args)]
pub(super) struct SwapArgs {
    /// Swaps
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u64).range(2..))]
    count: u64,
    /// Connections, each sending its next request when it has the answer to the last
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..))]
    connections: u32,
    /// Stretches of swaps; a quiet one lies before, between and after them
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..))]
    stretches: u64,
    /// Seconds of each quiet stretch; retired revisions are counted 5 seconds into it
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u64).range(6..))]
    quiet_s: u64,
}

/// What is looked at while it goes on.
#[derive(Default)]
struct Seen {
    swap_ms: Vec<f64>,
    /// Live revisions once they had time to go, and at any time.
    live_after: Vec<f64>,
    live: Vec<f64>,
    /// By swap, in KiB.
    rss: Vec<(f64, f64)>,
    fds: Vec<usize>,
    /// Quiet stretches and, one fewer, those of swaps between them.
    quiet: Vec<Phase>,
    swaps: Vec<Phase>,
}

/// Soaks and reports; a goal that is missed is an error, but for the timings.
pub(super) fn run(options: Options, args: &SwapArgs) -> Result<()> {
    let ground = Ground::build(options)?;
    process::block_on(async {
        let words = ["swap-a", "swap-b"];
        let revisions =
            [hostile::in_mode(&ground.component, words[0])?, hostile::in_mode(&ground.component, words[1])?];
        let site = ground.site("")?;
        site.drop_connector(FILE, &revisions[0].bytes)?;
        let mut host = site.start(None).await?;
        let demand = Demand { connections: args.connections, pause: Duration::ZERO, ordered: true };
        let steady = ground.load(&site, &host, demand, &words)?;
        let pid = host.process.pid();
        let mut soak =
            Soak { operator: Operator::of(&site, &host), site, revisions, steady, pid, seen: Seen::default() };
        println!(
            "soak swap: {} swaps in {} stretches, {} connections in a closed loop, {} KiB of connector",
            args.count,
            args.stretches,
            args.connections,
            ground.component.len() >> 10
        );
        soak.all(args).await?;
        let totals = soak.steady.end().await?;
        if !host.process.runs() {
            bail!("the host died; its log: {}", host.process.log().display());
        }
        report(args.count, &soak.seen, &totals)
    })
}

struct Soak {
    operator: Operator,
    site: Site,
    revisions: [Revision; 2],
    steady: Steady,
    pid: u32,
    seen: Seen,
}

impl Soak {
    async fn all(&mut self, args: &SwapArgs) -> Result<()> {
        // Both are compiled and the code is warm before anything counts.
        self.steady.phase("warm-up").await?;
        self.swap(1).await?;
        self.swap(2).await?;
        let mut generation = 2;
        for stretch in 1..=args.stretches {
            self.quiet(args.quiet_s).await?;
            while generation < 2 + args.count * stretch / args.stretches {
                generation += 1;
                let took = self.swap(generation).await?;
                self.seen.swap_ms.push(took.as_secs_f64() * 1e3);
                self.seen.rss.push((generation as f64, rss_kib(self.pid)? as f64));
                if generation.is_multiple_of(LOOK_EVERY) {
                    let live = self.live().await?;
                    self.seen.live.extend(live);
                }
            }
        }
        self.quiet(args.quiet_s).await
    }

    /// Nothing is swapped for a while.
    async fn quiet(&mut self, seconds: u64) -> Result<()> {
        let swaps = self.steady.phase("quiet").await?;
        self.idle(GONE_AFTER).await?;
        let live = self.live().await?;
        self.seen.live_after.extend(live);
        self.idle(Duration::from_secs(seconds).saturating_sub(GONE_AFTER)).await?;
        self.seen.fds.push(fds(self.pid)?);
        let quiet = self.steady.phase("swaps").await?;
        if self.seen.quiet.is_empty() {
            println!("  warm-up: {}", stretch(&swaps));
        } else {
            println!("  swaps:   {}", stretch(&swaps));
            self.seen.swaps.push(swaps);
        }
        println!("  quiet:   {}", stretch(&quiet));
        self.seen.quiet.push(quiet);
        Ok(())
    }

    /// Looks as often as while swapping, or the looking would be part of what swaps cost.
    async fn idle(&self, time: Duration) -> Result<()> {
        let begun = Instant::now();
        while begun.elapsed() < time {
            self.operator.rollouts().await?;
            sleep(LOOK).await;
        }
        Ok(())
    }

    /// Drops the next revision and waits until it is said to serve; how long that took.
    async fn swap(&mut self, generation: u64) -> Result<Duration> {
        let [even, odd] = &self.revisions;
        let next = if generation.is_multiple_of(2) { even } else { odd };
        self.steady.swap(generation).await?;
        let begun: Instant = self.site.drop_connector(FILE, &next.bytes)?;
        self.operator.until("the next revision to serve", |all| all.active(LINK) == Some(&next.hash)).await?;
        let took = begun.elapsed();
        self.steady.swapped(generation).await?;
        Ok(took)
    }

    async fn live(&self) -> Result<Option<f64>> {
        self.operator.gauge("duijie_revisions_live", "connector", hostile::NAME).await
    }
}

fn stretch(phase: &Phase) -> String {
    let Phase { calls, failed, p50_us, p99_us, max_us } = phase;
    format!("{calls} calls, {failed} failed, p50 {p50_us:.0} µs, p99 {p99_us:.0} µs, max {:.1} ms", max_us / 1e3)
}

/// How much slower the slow calls are during swaps: of each stretch, against the quiet ones before and after it; the
/// median of them, because a shared machine drifts.
fn p99_ratio(quiet: &[Phase], swaps: &[Phase]) -> f64 {
    let around = quiet.windows(2).map(|two| two.iter().map(|phase| phase.p99_us).sum::<f64>() / 2.0);
    median(swaps.iter().zip(around).map(|(swaps, quiet)| swaps.p99_us / quiet.max(1.0)).collect())
}

fn report(count: u64, seen: &Seen, totals: &Totals) -> Result<()> {
    let Count { calls, failed, mixed } = totals.count;
    let (quiet, swaps) = (totals.phase("quiet"), totals.phase("swaps"));
    let ratio = p99_ratio(&seen.quiet, &seen.swaps);
    let (first, last) = (seen.fds.first().copied().unwrap_or(0), seen.fds.last().copied().unwrap_or(0));
    let fds_delta = last as i64 - first as i64;
    let rss = slope(&seen.rss) * 100.0;
    let live_max = largest(&seen.live_after);
    let rows = [
        ("all swaps", stretch(&swaps)),
        ("all quiet", stretch(&quiet)),
        (
            "drop to serving",
            format!("median {:.0} ms, p99 {:.0} ms", median(seen.swap_ms.clone()), percentile(&seen.swap_ms, 0.99)),
        ),
        (
            "revisions alive",
            format!("5 s after swaps {:?}, while swapping at most {:.0}", seen.live_after, largest(&seen.live)),
        ),
        ("open files", format!("{:?} in the quiet stretches", seen.fds)),
    ];
    for (name, text) in rows {
        println!("  {name:<17} {text}");
    }
    println!(
        "soak swap: count={count} calls={calls} failed={failed} failed_upper={:.1e} mixed={mixed} mixed_upper={:.1e} p99_ratio={ratio:.2} live_max={live_max:.0} rss_kib_per_100={rss:.0} fds_delta={fds_delta}",
        upper_bound(failed, calls),
        upper_bound(mixed, calls)
    );
    if seen.live_after.is_empty() {
        return Err(anyhow!("the host has no gauge duijie_revisions_live"));
    }
    if failed > 0 || mixed > 0 || live_max > LIVE_MAX {
        bail!("the soak did not go as it should; above is what happened");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stretch_of_swaps_is_compared_with_the_quiet_ones_around_it() {
        let phases = |p99: &[f64]| -> Vec<Phase> {
            p99.iter().map(|p99_us| Phase { p99_us: *p99_us, ..Phase::default() }).collect()
        };
        let ratio = p99_ratio(&phases(&[10.0, 30.0, 50.0, 150.0]), &phases(&[20.0, 60.0, 200.0]));
        assert!((ratio - 1.5).abs() < 1e-9, "{ratio}");
    }
}
