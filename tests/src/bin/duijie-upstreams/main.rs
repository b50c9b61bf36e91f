//! Runs one simulated upstream as a program (a file each beside this one), for the demo, for load tests, and for trying a connector by hand.
//! Prints one line of JSON when it listens; stops on SIGTERM or ctrl-c. Never listens but where it is told.

mod culturedc;
mod eduyun;
mod platform;
mod skill_train;
mod zj_gxsz;
mod zjzwfw_sso;

use std::io::Write;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use duijie_tests::upstreams::{Profile, Simulator};
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

/// Simulated upstreams for duijie connectors.
///
/// When it listens, it prints one line: {"simulator":"zj-gxsz","url":"http://127.0.0.1:PORT"}.
/// The admin surface is on the same port below /_sim/: open it for a list of endpoints and fault kinds.
/// It is not guarded, so listen on loopback only.
#[derive(Parser)]
#[command(name = "duijie-upstreams", version)]
struct Cli {
    #[command(subcommand)]
    upstream: Upstream,
}

#[derive(Subcommand)]
enum Upstream {
    /// 国家数字教育资源公共服务体系: applications, tickets, session exchange, log-in.
    ///
    /// Admin surface: GET /_sim/ for the list, /_sim/hook, /_sim/people, /_sim/exchanges, /_sim/phone-codes/{phone}.
    Eduyun(eduyun::Args),
    /// 浙江省教育厅智慧思政平台: talk records, encrypted with SM4.
    ///
    /// Admin surface: GET /_sim/ for the list, /_sim/journal, /_sim/counters, /_sim/faults, /_sim/records/{recordId}.
    ZjGxsz(zj_gxsz::Args),
    /// 职业技能培训在线学习监管服务平台: progress, faces and popups, courses and classes; pushes classes itself.
    ///
    /// Admin surface: GET /_sim/ for the list, /_sim/studies, /_sim/pushed, POST /_sim/hook, /_sim/push-class.
    SkillTrain(skill_train::Args),
    /// 国家公共文化云: resources with their review, keys of 30 days, numbers, log in, pages with links.
    ///
    /// Admin surface: GET /_sim/ for the list, /_sim/resources, /_sim/keys, POST /_sim/review, /_sim/pages.
    Culturedc(culturedc::Args),
    /// 浙江政务服务网 SSO: tickets, tokens, users, in both directions.
    ///
    /// Admin surface: GET /_sim/ for the list, /_sim/hook, /_sim/ticket, /_sim/pushed, /_sim/push-user.
    ZjzwfwSso(zjzwfw_sso::Args),
    /// Not an upstream but the platform on the host's other side: answers what connectors ask it.
    ///
    /// Give its URL to a link as [platform] url; the signing secret is that of the tests, see tests/README.md.
    Platform(platform::Args),
}

#[tokio::main]
async fn main() -> ExitCode {
    let result = match Cli::parse().upstream {
        Upstream::Eduyun(args) => eduyun::run(args).await,
        Upstream::ZjGxsz(args) => zj_gxsz::run(args).await,
        Upstream::SkillTrain(args) => skill_train::run(args).await,
        Upstream::Culturedc(args) => culturedc::run(args).await,
        Upstream::ZjzwfwSso(args) => zjzwfw_sso::run(args).await,
        Upstream::Platform(args) => platform::run(args).await,
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // A broken stderr leaves nobody to tell.
            let _ = writeln!(std::io::stderr(), "duijie-upstreams: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Announces the simulator, waits for a signal and stops it.
async fn run<P: Profile>(simulator: Simulator<P>) -> Result<(), Box<dyn std::error::Error>> {
    announced(P::NAME, &simulator.url()).await?;
    simulator.stop().await;
    Ok(())
}

/// Prints the line that says where this listens, and waits for a signal.
async fn announced(name: &str, url: &str) -> std::io::Result<()> {
    // Before the announcement: whoever reads it may signal at once.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut stdout = std::io::stdout();
    writeln!(stdout, "{}", json!({"simulator": name, "url": url}))?;
    stdout.flush()?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
