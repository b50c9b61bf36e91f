//! `soak restarts`: the host is killed two hundred times while good and bad files are dropped, at moments spread over the
//! work and at named steps of it. Each time it must come back with the last revision that was said to serve, or the one
//! that was being published, also if the directory then holds nothing but rubbish.

mod tally;

use std::{
    fs,
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::{Result, anyhow, bail};
use clap::Args;
use serde_json::Value;
use tokio::time::sleep;

use self::tally::{Killed, Tally};
use super::ground::{FILE, Ground, LINK, ask};
use crate::{
    bench::tools::{Options, run as run_tool},
    hostile::{self, Revision},
    process,
    rollouts::{LOOK, Operator},
    site::{Host, Site},
    workspace,
};

/// The steps that the host can be made to crash at.
pub(super) const STEPS: [&str; 8] = [
    "stage.read",
    "stage.compiled",
    "cache.temp-written",
    "cache.renamed",
    "revision.stored",
    "rollout.recorded",
    "publish.before",
    "publish.after",
];
/// Which passing of a step: the first few are those of the start, and of one file or another.
const PASSES: u64 = 4;
/// How long files are dropped at the most before a host that does not crash at its step is killed.
const STEP_MAX: Duration = Duration::from_secs(12);
/// Between two drops.
const DROP_EVERY: Duration = Duration::from_millis(60);
/// Kinds of rubbish, and how many files of each.
const RUBBISH: [(&str, u64); 4] = [("truncated", 8), ("wrong-world", 8), ("core-module", 8), ("start-trap", 8)];
/// The golden section, whose multiples spread evenly over a stretch.
const GOLDEN: f64 = 0.618_033_988_75;

#[derive(Args)]
pub(super) struct RestartsArgs {
    /// Kills
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u64).range(1..))]
    count: u64,
    /// Milliseconds from the host's being ready within which it is killed, where it is not at a step
    #[arg(long, default_value_t = 1500, value_parser = clap::value_parser!(u64).range(1..))]
    within_ms: u64,
}

/// Soaks and reports; a revision that is lost is an error.
pub(super) fn run(options: Options, args: &RestartsArgs) -> Result<()> {
    let packages = workspace::metadata()?.packages;
    let failpoints =
        packages.iter().any(|package| package.name == "duijie" && package.features.iter().any(|f| f == "failpoints"));
    let ground = Ground::build(Options { failpoints, ..options })?;
    process::block_on(async {
        let site = ground.site("")?;
        let rubbish = rubbish(&ground, &site).await?;
        println!(
            "soak restarts: {} kills, {}",
            args.count,
            if failpoints { "half of them at named steps" } else { "none at named steps: this host has no failpoints" }
        );
        let mut soak =
            Soak { ground: &ground, site, rubbish, acknowledged: 0, pending: None, late: None, next: 1, thrown: 0 };
        soak.reset()?;
        soak.first().await?;
        let mut tally = Tally::default();
        for round in 0..args.count {
            let step = (failpoints && round.is_multiple_of(2)).then(|| Step::of(round / 2));
            let killed = soak.kill(round, step, args.within_ms).await?;
            tally.killed(step.map(|step| step.name), killed);
            // Half of the rounds at steps, and half of the others.
            let only_rubbish = (round / 2).is_multiple_of(2);
            soak.restart(round, only_rubbish, &mut tally).await?;
        }
        tally.report(failpoints)
    })
}

/// Where a host is to crash.
#[derive(Debug, Clone, Copy)]
struct Step {
    name: &'static str,
    pass: u64,
}

impl Step {
    /// Every step in turn, at its first passing, then at its second, and so on.
    fn of(turn: u64) -> Self {
        let count = STEPS.len() as u64;
        let name = STEPS.iter().cycle().nth(usize::try_from(turn % count).unwrap_or(0)).copied().unwrap_or_default();
        Self { name, pass: turn / count % PASSES + 1 }
    }
}

struct Soak<'a> {
    ground: &'a Ground,
    site: Site,
    rubbish: Vec<PathBuf>,
    /// The number of the revision that was said to serve last.
    acknowledged: u64,
    /// The one that was dropped since, and its hash.
    pending: Option<(u64, String)>,
    /// One that lay there at the last restart and may have begun to serve after the answer, before the kill.
    late: Option<u64>,
    /// The next to be dropped.
    next: u64,
    /// Files of rubbish dropped.
    thrown: usize,
}

impl Soak<'_> {
    fn revision(&self, number: u64) -> Result<Revision> {
        hostile::in_mode(&self.ground.component, &word(number))
    }

    /// The directory holds what was acknowledged, and nothing else.
    fn reset(&mut self) -> Result<()> {
        self.site.clear_connectors()?;
        self.pending = None;
        self.site.drop_connector(FILE, &self.revision(self.acknowledged)?.bytes).map(drop)
    }

    /// Serves once, so that there is something to be lost.
    async fn first(&self) -> Result<()> {
        let host = self.site.start(None).await?;
        ask(&self.site, &host).await?;
        host.process.stop().await
    }

    /// Starts the host, drops files, and has it killed; how it died.
    async fn kill(&mut self, round: u64, step: Option<Step>, within_ms: u64) -> Result<Killed> {
        let env = step.map(|step| ("DUIJIE_CRASH_AT", format!("{}:{}", step.name, step.pass)));
        let host = match (self.site.start_with(None, env.into_iter().collect()).await, step) {
            (Ok(host), _) => host,
            // It passed its step before it was ready.
            (Err(_), Some(_)) => return Ok(Killed::ByItself),
            (Err(error), None) => return Err(error),
        };
        let moment = (round as f64 * GOLDEN).fract() * within_ms as f64 / 1e3;
        let within = if step.is_some() { STEP_MAX } else { Duration::from_secs_f64(moment) };
        let killed = self.drop_until_dead(host, within).await?;
        if killed == Killed::ByItself && step.is_none() {
            bail!("the host died by itself in round {round}; its log: {}", self.site.path("host.log").display());
        }
        Ok(killed)
    }

    async fn drop_until_dead(&mut self, mut host: Host, within: Duration) -> Result<Killed> {
        let operator = Operator::of(&self.site, &host);
        let (begun, mut dropped) = (Instant::now(), Instant::now());
        while begun.elapsed() < within {
            if dropped.elapsed() > DROP_EVERY {
                self.drop_one()?;
                dropped = Instant::now();
            }
            match operator.rollouts().await {
                Ok(rollouts) => {
                    let serves = |(_, hash): &mut (u64, String)| rollouts.active(LINK) == Some(hash);
                    if let Some((number, _)) = self.pending.take_if(serves) {
                        (self.acknowledged, self.late) = (number, None);
                    }
                }
                // Nobody is there to ask: a moment, and it is gone.
                Err(_) => sleep(Duration::from_millis(200)).await,
            }
            if !host.process.runs() {
                return Ok(Killed::ByItself);
            }
            sleep(LOOK).await;
        }
        host.process.kill().await?;
        Ok(Killed::ByUs)
    }

    /// The next good revision if the last was acknowledged, and else a piece of rubbish.
    fn drop_one(&mut self) -> Result<()> {
        if self.pending.is_none() {
            let revision = self.revision(self.next)?;
            // From now on it may serve.
            (self.pending, self.next) = (Some((self.next, revision.hash)), self.next + 1);
            return self.site.drop_connector(FILE, &revision.bytes).map(drop);
        }
        let name = format!("rubbish-{}.wasm", self.thrown % 8);
        self.throw(&name)
    }

    fn throw(&mut self, name: &str) -> Result<()> {
        let path =
            self.rubbish.iter().cycle().nth(self.thrown % self.rubbish.len()).ok_or_else(|| anyhow!("no rubbish"))?;
        self.thrown += 1;
        self.site.drop_connector(name, &fs::read(path)?).map(drop)
    }

    /// Starts the host again, after everything but rubbish was removed if so; what it answers must be of a revision
    /// that it may be.
    async fn restart(&mut self, round: u64, only_rubbish: bool, tally: &mut Tally) -> Result<()> {
        if only_rubbish {
            self.site.clear_connectors()?;
            for name in [FILE, "rubbish-0.wasm", "rubbish-1.wasm"] {
                self.throw(name)?;
            }
        }
        let pending = self.pending.as_ref().map(|(number, _)| *number);
        let allowed: Vec<u64> = [Some(self.acknowledged), pending, self.late].into_iter().flatten().collect();
        match self.serves(tally).await {
            Ok(number) if allowed.contains(&number) => {
                self.late = pending.filter(|pending| *pending != number);
                self.acknowledged = number;
            }
            Ok(number) => {
                tally.lost(&format!("round {round}: revision {number} answers, where one of {allowed:?} must"))
            }
            Err(error) => tally.lost(&format!("round {round}, rubbish only: {only_rubbish}: {error:#}")),
        }
        self.reset()
    }

    /// The number of the revision that answers after a start.
    async fn serves(&self, tally: &mut Tally) -> Result<u64> {
        let host = self.site.start(None).await?;
        tally.restarted(host.ready_after);
        let answer = ask(&self.site, &host).await;
        host.process.kill().await?;
        number(&answer?)
    }
}

/// What a revision says.
fn word(number: u64) -> String {
    format!("swap-{number}")
}

fn number(answer: &str) -> Result<u64> {
    let said: Value = serde_json::from_str(answer)?;
    let first = said.get("first").and_then(Value::as_str).and_then(|first| first.strip_prefix("swap-"));
    first.and_then(|number| number.parse().ok()).ok_or_else(|| anyhow!("this is no answer of a revision: {answer}"))
}

async fn rubbish(ground: &Ground, site: &Site) -> Result<Vec<PathBuf>> {
    let (good, out) = (site.path("good.wasm"), site.path("rubbish"));
    fs::write(&good, &ground.component)?;
    fs::create_dir(&out)?;
    let mut files = Vec::new();
    for (kind, count) in RUBBISH {
        let args = [
            "corpus",
            "--seed",
            "1",
            "--kind",
            kind,
            "--good",
            &good.display().to_string(),
            "--out",
            &out.display().to_string(),
            "--from",
            "0",
            "--count",
            &count.to_string(),
        ];
        let said = run_tool(&ground.tools.bench, None, &args.map(str::to_owned), "").await?;
        let made = said.as_array().into_iter().flatten().filter_map(|file| file.get("file").and_then(Value::as_str));
        files.extend(made.map(PathBuf::from));
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_is_crashed_at_on_its_first_passing_and_on_later_ones() {
        let steps: Vec<_> = (0..100).map(Step::of).collect();
        for name in STEPS {
            for pass in 1..=PASSES {
                assert!(steps.iter().any(|step| step.name == name && step.pass == pass), "{name}:{pass}");
            }
        }
    }

    #[test]
    fn an_answer_tells_the_number_of_its_revision() {
        assert_eq!(number("{\"first\":\"swap-17\",\"then\":\"swap-17\"}").unwrap(), 17);
        assert!(number("{\"first\":\"decent\"}").is_err() && number("").is_err());
    }
}
