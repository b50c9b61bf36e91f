//! `cargo xtask demo`: the main job on real input, end to end. A simulated upstream and a host run as programs of their
//! own; talk records go in through the API as a platform would send them; what the upstream decrypted comes out.

mod play;
mod records;
mod stage;
mod terminal;

use std::time::Instant;

use anyhow::{Result, bail};
use clap::Args;

use self::{
    records::{Expect, STEPS},
    stage::{Ended, Stage},
    terminal::Terminal,
};
use crate::{components, process, workspace};

#[derive(Args)]
pub(crate) struct DemoArgs {
    /// Leave when everything was shown; exit code 0 if all three records were delivered and nothing else went wrong
    #[arg(long)]
    once: bool,
}

/// How the records fared.
#[derive(Default)]
struct Score {
    delivered: u32,
    refused: u32,
    overwritten: u32,
    failed: u32,
}

/// Builds, shows, and stays or leaves.
pub(crate) fn run(args: &DemoArgs) -> Result<()> {
    let started = Instant::now();
    eprintln!("xtask: building host, connectors and simulator; from nothing this takes some minutes");
    let connectors = components::build(components::Kind::Connectors, None)?;
    let built = workspace::build(&["--package", "duijie", "--package", "duijie-tests", "--bins"])?;
    let (host, simulator) = (workspace::program(&built, "duijie")?, workspace::program(&built, "duijie-upstreams")?);
    let built_s = started.elapsed().as_secs_f64();
    process::block_on(async {
        let started = Instant::now();
        let stage = Stage::set(&host, &simulator, &connectors).await?;
        let out = Terminal::new();
        out.title("duijie demo: platform → host → connector (wasm) → upstream");
        stage.introduce(&out).await?;
        let score = perform(&stage, &out).await?;
        println!(
            "\ndemo: delivered={} failed={} refused={} overwritten={} built_s={built_s:.1} ran_s={:.1}",
            score.delivered,
            score.failed,
            score.refused,
            score.overwritten,
            started.elapsed().as_secs_f64()
        );
        if !args.once {
            play::invite(&stage, &out)?;
            process::signalled().await?;
            println!("\nstopped; nothing is left of it");
            return Ok(());
        }
        if score.delivered != 3 || score.failed > 0 {
            bail!("the demo did not go as it should; above is what happened");
        }
        Ok(())
    })
}

async fn perform(stage: &Stage, out: &Terminal) -> Result<Score> {
    let mut score = Score::default();
    for (at, step) in STEPS.iter().enumerate() {
        let ended = stage.push(out, at + 1, step).await?;
        let counted = match (step.expect, ended) {
            (Expect::Delivered, Ended::Stored { version: 1 }) => &mut score.delivered,
            (Expect::Overwrites, Ended::Stored { version: 2 }) => &mut score.overwritten,
            (Expect::Refused, Ended::RefusedUnsent) => &mut score.refused,
            _ => &mut score.failed,
        };
        *counted += 1;
    }
    if !stage.log_is_silent(out)? {
        score.failed += 1;
    }
    Ok(score)
}
