//! `soak drops`: ten thousand files that no host may load, made from a seed and dropped under load. Each must be refused
//! with a reason, in time, and nothing else may change: no call fails, the process lives, the good revision serves.

mod plan;
mod seen;

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, anyhow, bail};
use clap::Args;
use serde_json::Value;
use tokio::time::sleep;

use self::{
    plan::{Batch, Kind, batches},
    seen::{Fate, Seen},
};
use super::ground::{Demand, FILE, Ground, LINK};
use crate::{
    bench::tools::{Options, run as run_tool},
    figures::upper_bound,
    hostile::{self, Revision},
    process,
    rollouts::{LOOK, Operator, Rollouts},
    site::Site,
    steady::{Count, Steady},
};

/// How long is waited for a refusal: longer than the compiling child may take.
const REFUSED_MAX: Duration = Duration::from_secs(150);
/// What the good revision says.
const GOOD: &str = "swap-good";
/// What is broken is made from this version: a link takes the highest, so what still is good by chance is not taken.
const OLD: &str = "0.0.9";

#[derive(Args)]
pub(super) struct DropsArgs {
    /// Files
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(14..=1_000_000))]
    count: u64,
    /// What they are made from: the same seed makes the same files
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Connections, each sending its next request when it has the answer to the last
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..))]
    connections: u32,
    /// Leave out the kinds that are refused for their signature
    #[arg(long)]
    no_signatures: bool,
}

/// Soaks and reports; a goal that is missed is an error.
pub(super) fn run(options: Options, args: &DropsArgs) -> Result<()> {
    let ground = Ground::build(options)?;
    process::block_on(async {
        let mut done = Done { seen: Seen::default(), calls: Count::default(), restarts: 0 };
        println!(
            "soak drops: {} files from seed {}, {} connections in a closed loop",
            args.count, args.seed, args.connections
        );
        let plan = batches(args.count, |kind| !kind.signature);
        drop_all(&ground, args, None, &plan, &mut done).await?;
        if !args.no_signatures {
            let plan = batches(args.count, |kind| kind.signature);
            let keys = tempfile::tempdir()?;
            let keys = Keys::make(&ground, keys.path()).await?;
            drop_all(&ground, args, Some(&keys), &plan, &mut done).await?;
        }
        report(args, &done)
    })
}

/// What happened in both hosts.
struct Done {
    seen: Seen,
    calls: Count,
    restarts: u32,
}

/// A key that the host trusts, and one that it does not.
struct Keys {
    trusted: PathBuf,
    stranger: PathBuf,
    config: String,
}

impl Keys {
    async fn make(ground: &Ground, dir: &Path) -> Result<Self> {
        let made = async |name: &str| {
            let path = dir.join(name);
            let said = tool(ground, "keys", &[("--out", text(&path))]).await?;
            let public = said.get("public").and_then(Value::as_str).ok_or_else(|| anyhow!("no public key"))?.to_owned();
            anyhow::Ok((path, public))
        };
        let ((trusted, public), (stranger, _)) = (made("trusted").await?, made("stranger").await?);
        Ok(Self { trusted, stranger, config: format!("[signatures]\nrequired = true\nkeys = [\"{public}\"]\n") })
    }
}

/// Starts a host, with signatures required if there are keys, and drops these files.
async fn drop_all(
    ground: &Ground,
    args: &DropsArgs,
    keys: Option<&Keys>,
    plan: &[Batch],
    done: &mut Done,
) -> Result<()> {
    let site = ground.site(keys.map_or("", |keys| &keys.config))?;
    let good = hostile::in_mode(&ground.component, GOOD)?;
    if let Some(keys) = keys {
        let aside = site.path(FILE);
        fs::write(&aside, &good.bytes)?;
        tool(ground, "sign", &[("--key", text(&keys.trusted)), ("--file", text(&aside))]).await?;
        move_in(&site, &aside)?;
    } else {
        site.drop_connector(FILE, &good.bytes)?;
    }
    let old = hostile::in_mode(&ground.component, &format!("version={OLD}"))?;
    fs::write(site.path("old.wasm"), old.bytes)?;
    fs::create_dir(site.path("corpus"))?;
    let mut host = site.start(None).await?;
    let demand = Demand { connections: args.connections, pause: Duration::ZERO, ordered: true };
    let steady = ground.load(&site, &host, demand, &[GOOD])?;
    let operator = Operator::of(&site, &host);
    let mut dropping = Dropping { ground, args, keys, site, operator, good, steady, before: Vec::new() };
    let all: u64 = plan.iter().map(|batch| batch.count).sum();
    let (begun, mut dropped) = (Instant::now(), 0);
    for (number, batch) in plan.iter().enumerate() {
        dropping.batch(batch, &mut done.seen).await?;
        dropped += batch.count;
        if number.is_multiple_of(50) || dropped == all {
            println!("  {dropped:>6} of {all} files after {:.0} s", begun.elapsed().as_secs_f64());
        }
    }
    dropping.clean().await?;
    let calls = dropping.steady.end().await?.count;
    done.calls.calls += calls.calls;
    done.calls.failed += calls.failed;
    done.calls.mixed += calls.mixed;
    done.restarts += u32::from(!host.process.runs());
    Ok(())
}

struct Dropping<'a> {
    ground: &'a Ground,
    args: &'a DropsArgs,
    keys: Option<&'a Keys>,
    site: Site,
    operator: Operator,
    good: Revision,
    steady: Steady,
    /// The names of the files that were dropped last.
    before: Vec<String>,
}

/// A file that was dropped and is not judged yet.
struct Waiting {
    name: String,
    revision: Option<String>,
    since: Instant,
}

impl Dropping<'_> {
    /// Drops a batch in the place of the one before, and waits until every file of it is judged.
    async fn batch(&mut self, batch: &Batch, seen: &mut Seen) -> Result<()> {
        let made = self.make(batch).await?;
        self.remove_before()?;
        let mut waiting = Vec::new();
        for (path, revision) in made {
            let (name, since) = move_in(&self.site, &path)?;
            self.before.push(name.clone());
            waiting.push(Waiting { name, revision, since });
        }
        while !waiting.is_empty() {
            let rollouts = self.operator.rollouts().await?;
            seen.moved += u64::from(rollouts.active(LINK) != Some(&self.good.hash));
            waiting.retain(|file| match self.fate(&rollouts, batch.kind, file) {
                Some(fate) => {
                    seen.count(batch.kind, fate, file.since.elapsed());
                    false
                }
                None => true,
            });
            if let Some(file) = waiting.iter().find(|file| file.since.elapsed() > REFUSED_MAX) {
                bail!("{} is neither refused nor taken after {} s", file.name, REFUSED_MAX.as_secs());
            }
            sleep(LOOK).await;
        }
        Ok(())
    }

    fn fate(&self, rollouts: &Rollouts, kind: Kind, file: &Waiting) -> Option<Fate> {
        if let Some(reason) = rollouts.refusal(&file.name) {
            return Some(Fate::Refused(reason.to_owned()));
        }
        let (revision, name, version) = rollouts.taken(&file.name)?;
        let harmless = kind.may_be_good && name == hostile::NAME && version == OLD;
        (Some(revision) == file.revision.as_deref()).then_some(if harmless { Fate::Harmless } else { Fate::Taken })
    }

    /// The files of a batch, beside the directory, and their hashes.
    async fn make(&self, batch: &Batch) -> Result<Vec<(PathBuf, Option<String>)>> {
        let mut args = vec![
            ("--seed", self.args.seed.to_string()),
            ("--kind", batch.kind.name.to_owned()),
            ("--good", text(&self.site.path("old.wasm"))),
            ("--out", text(&self.site.path("corpus"))),
            ("--from", batch.from.to_string()),
            ("--count", batch.count.to_string()),
        ];
        args.extend(self.keys.map(|keys| ("--key", text(&keys.stranger))));
        let said = tool(self.ground, "corpus", &args).await?;
        let files = said.as_array().into_iter().flatten().map(|file| {
            let word = |name: &str| file.get(name).and_then(Value::as_str).map(str::to_owned);
            Ok((PathBuf::from(word("file").context("a file without a path")?), word("revision")))
        });
        files.collect()
    }

    fn remove_before(&mut self) -> Result<()> {
        for name in self.before.drain(..) {
            let path = self.site.path("connectors.d").join(&name);
            fs::remove_file(&path).with_context(|| format!("removing {name}"))?;
            // Most have none.
            let _ = fs::remove_file(path.with_file_name(signature(&name)));
        }
        Ok(())
    }

    /// Removes the last files; they must be forgotten, and the good revision serve as if nothing had been.
    async fn clean(&mut self) -> Result<()> {
        let names = self.before.clone();
        self.remove_before()?;
        let forgotten = |all: &Rollouts| names.iter().all(|name| !all.has(name));
        let rollouts = self.operator.until("the last files to be forgotten", forgotten).await?;
        if rollouts.active(LINK) != Some(&self.good.hash) {
            bail!("the link does not serve with its revision any more");
        }
        Ok(())
    }
}

fn report(args: &DropsArgs, done: &Done) -> Result<()> {
    let sums = done.seen.report();
    let (Count { calls, failed, mixed }, restarts) = (done.calls, done.restarts);
    let (changed, upper) = (sums.changed + mixed, upper_bound(failed, calls));
    println!(
        "soak drops: count={} calls={calls} failed={failed} failed_upper={upper:.1e} restarts={restarts} changed={changed} refused={} harmless={} late={} slowest_ms={:.0}",
        sums.count, sums.refused, sums.harmless, sums.late, sums.slowest_ms
    );
    if args.no_signatures {
        println!("Without the kinds that are refused for their signature.");
    }
    if failed > 0 || restarts > 0 || changed > 0 || sums.late > 0 {
        bail!("the soak did not go as it should; above is what happened");
    }
    Ok(())
}

/// Moves a file in, its signature first if it has one; its name there, and when.
fn move_in(site: &Site, path: &Path) -> Result<(String, Instant)> {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let beside = path.with_file_name(signature(&name));
    if beside.exists() {
        site.move_connector(&beside, &signature(&name))?;
    }
    let at = site.move_connector(path, &name)?;
    Ok((name, at))
}

fn signature(name: &str) -> String {
    format!("{name}.minisig")
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

async fn tool(ground: &Ground, verb: &str, args: &[(&str, String)]) -> Result<Value> {
    let args = args.iter().flat_map(|(name, value)| [(*name).to_owned(), value.clone()]);
    let args: Vec<String> = std::iter::once(verb.to_owned()).chain(args).collect();
    run_tool(&ground.tools.bench, None, &args, "").await
}
