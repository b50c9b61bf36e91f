//! `soak canary`: a new version that fails in 5 of 100 calls, under load. The policy lets it have a share of the calls
//! first; it must be rolled back by itself, and stay out when the host is started again with the file still there.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use clap::Args;
use tokio::time::sleep;

use super::ground::{Demand, FILE, Ground, LINK};
use crate::{bench::tools::Options, hostile, process, rollouts::Operator};

/// Within which a bad version must be rolled back.
const ROLLED_BACK_WITHIN: Duration = Duration::from_secs(30);
/// The bad version, and its file.
const BAD: &str = "version=0.2.0,fails=5";
const BAD_FILE: &str = "hostile-0.2.0.wasm";

#[derive(Args)]
pub(super) struct CanaryArgs {
    /// Connections, each sending its next request when it has the answer to the last
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..))]
    connections: u32,
    /// Of a hundred calls, those that the new version gets first
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u8).range(1..=100))]
    share: u8,
    /// The new version gets all calls of the links that are named, and the link under load is
    #[arg(long)]
    by_link: bool,
    /// Seconds of load after the rollback, and again after the restart
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..))]
    after_s: u64,
}

/// Soaks and reports; a goal that is missed is an error.
pub(super) fn run(options: Options, args: &CanaryArgs) -> Result<()> {
    let ground = Ground::build(options)?;
    let policy = if args.by_link { format!("canary = [\"{LINK}\"]") } else { format!("share = {}", args.share) };
    println!("soak canary: {policy}, {} connections in a closed loop", args.connections);
    process::block_on(async {
        let site = ground.site(&format!("[rollout]\n{policy}\n"))?;
        let (good, bad) =
            (hostile::in_mode(&ground.component, "swap-good")?, hostile::in_mode(&ground.component, BAD)?);
        site.drop_connector(FILE, &good.bytes)?;
        let host = site.start(None).await?;
        let demand = Demand { connections: args.connections, pause: Duration::ZERO, ordered: false };
        let (mut steady, operator) = (ground.load(&site, &host, demand, &[])?, Operator::of(&site, &host));
        steady.phase("before").await?;
        sleep(Duration::from_secs(args.after_s)).await;
        let before = steady.phase("canary").await?;

        let dropped: Instant = site.drop_connector(BAD_FILE, &bad.bytes)?;
        let out = |all: &crate::rollouts::Rollouts| all.quarantined(&bad.hash) && all.active(LINK) == Some(&good.hash);
        operator.until("the bad version to be rolled back", out).await?;
        let rolled_back = dropped.elapsed();
        let canary = steady.phase("after").await?;
        sleep(Duration::from_secs(args.after_s)).await;
        let after = steady.end().await?.phase("after");
        host.process.stop().await?;

        let host = site.start(None).await?;
        let (steady, operator) = (ground.load(&site, &host, demand, &[])?, Operator::of(&site, &host));
        sleep(Duration::from_secs(args.after_s)).await;
        let restarted = steady.end().await?.count;
        let stays_out = out(&operator.rollouts().await?) && restarted.failed == 0;
        for (name, calls, failed) in [
            ("before", before.calls, before.failed),
            ("until it was out", canary.calls, canary.failed),
            ("after", after.calls, after.failed),
            ("after a restart", restarted.calls, restarted.failed),
        ] {
            println!("  {name:<17} {calls} calls, {failed} failed");
        }
        println!(
            "soak canary: rolled_back_ms={:.0} failed_calls={} failed_after={} stays_out={stays_out}",
            rolled_back.as_secs_f64() * 1e3,
            canary.failed,
            after.failed
        );
        if rolled_back > ROLLED_BACK_WITHIN || !stays_out || before.failed + after.failed > 0 || canary.failed == 0 {
            bail!("the soak did not go as it should; above is what happened");
        }
        Ok(())
    })
}
