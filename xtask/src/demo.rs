//! `cargo xtask demo`: the main job on real input, end to end. Five simulated upstreams, a platform and one host run as
//! programs of their own; for each upstream one flow is shown, with everything that somebody asked of somebody else.

mod culturedc;
mod eduyun;
mod flow;
mod links;
mod play;
mod records;
mod scene;
mod skill_train;
mod stage;
mod terminal;
mod zj_gxsz;
mod zjzwfw_sso;

use std::time::Instant;

use anyhow::{Result, bail};
use clap::Args;

use self::{
    flow::Flow,
    scene::Scene,
    stage::Stage,
    terminal::{Terminal, Tone},
};
use crate::{components, process, workspace};

#[derive(Args)]
pub(crate) struct DemoArgs {
    /// Leave when everything was shown; exit code 0 if all five flows ended as told and nothing else went wrong
    #[arg(long)]
    once: bool,
}

/// How records and flows fared.
#[derive(Default)]
struct Score {
    /// Records of zj-gxsz that the upstream has.
    delivered: u32,
    /// Records refused before anything was sent.
    refused: u32,
    /// Records that replaced an earlier version.
    overwritten: u32,
    /// Flows that ended as told.
    flows: usize,
    /// Everything else: records, flows, a log that says too much.
    failed: u32,
}

/// Builds, shows, and stays or leaves.
pub(crate) fn run(args: &DemoArgs) -> Result<()> {
    let started = Instant::now();
    eprintln!("xtask: building host, connectors and simulators; from nothing this takes some minutes");
    let connectors = components::build(components::Kind::Connectors, None)?;
    let built = workspace::build(&["--package", "duijie", "--package", "duijie-tests", "--bins"])?;
    let (host, upstreams) = (workspace::program(&built, "duijie")?, workspace::program(&built, "duijie-upstreams")?);
    let built_s = started.elapsed().as_secs_f64();
    process::block_on(async {
        let started = Instant::now();
        let stage = Stage::set(&host, &upstreams, &connectors).await?;
        let out = Terminal::new();
        out.title("duijie demo: platform ⇄ host ⇄ connector (wasm) ⇄ upstream, five times");
        stage.introduce(&out);
        let score = perform(&stage, &out).await?;
        println!(
            "\ndemo: delivered={} failed={} refused={} overwritten={} flows={} built_s={built_s:.1} ran_s={:.1}",
            score.delivered,
            score.failed,
            score.refused,
            score.overwritten,
            score.flows,
            started.elapsed().as_secs_f64()
        );
        if !args.once {
            play::invite(&stage, &out)?;
            process::signalled().await?;
            println!("\nstopped; nothing is left of it");
            return Ok(());
        }
        if score.failed > 0 || score.flows != Flow::ALL.len() {
            bail!("the demo did not go as it should; above is what happened");
        }
        Ok(())
    })
}

async fn perform(stage: &Stage, out: &Terminal) -> Result<Score> {
    let mut score = Score::default();
    for (at, flow) in Flow::ALL.into_iter().enumerate() {
        out.heading(at + 1, flow.connector(), flow.about());
        let scene = Scene::new(stage, out, flow)?;
        let told = match flow {
            Flow::ZjGxsz => zj_gxsz::tell(&scene, &mut score).await,
            Flow::Eduyun => eduyun::tell(&scene).await,
            Flow::SkillTrain => skill_train::tell(&scene).await,
            Flow::Culturedc => culturedc::tell(&scene).await,
            Flow::ZjzwfwSso => zjzwfw_sso::tell(&scene).await,
        };
        match told {
            Ok(()) => score.flows += 1,
            // The others are still worth seeing.
            Err(error) => {
                score.failed += 1;
                out.line("not as told", Tone::Bad, &format!("{error:#}"));
            }
        }
    }
    if !stage.log_is_silent(out)? {
        score.failed += 1;
    }
    Ok(score)
}
