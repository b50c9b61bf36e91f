//! Runs one simulated upstream as a program, for the demo, for load tests, and for trying a connector by hand.
//! Prints one line of JSON when it listens; stops on SIGTERM or ctrl-c. Never listens but where it is told.

use std::io::Write;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use duijie_tests::upstreams::zj_gxsz::{ClientAuth, Mode};
use duijie_tests::upstreams::{Profile, Simulator, ZjGxsz};
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
    /// 浙江省教育厅智慧思政平台: talk records, encrypted with SM4.
    ///
    /// Admin surface: GET /_sim/ for the list, /_sim/journal, /_sim/counters, /_sim/faults, /_sim/records/{recordId}.
    ZjGxsz(ZjGxszArgs),
}

#[derive(Args)]
struct ZjGxszArgs {
    /// Address and port; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// How exact it is.
    #[arg(long, value_enum, default_value = "strict")]
    mode: ModeArg,
    /// Client that may ask for tokens.
    #[arg(long, default_value = duijie_tests::upstreams::zj_gxsz::DEMO_CLIENT_ID)]
    client_id: String,
    /// Its secret, base64 of 16 bytes; also the SM4 key. The default is the key of GB/T 32907 appendix A.
    #[arg(long, env = "DUIJIE_SIM_CLIENT_SECRET", hide_env_values = true,
        default_value = duijie_tests::upstreams::zj_gxsz::DEMO_CLIENT_SECRET)]
    client_secret: String,
    /// Take client credentials only there; without it, anywhere.
    #[arg(long, value_enum)]
    client_auth: Option<ClientAuthArg>,
    /// Life of a token in seconds.
    #[arg(long, default_value_t = 1800)]
    token_ttl_s: u64,
    /// Leave expires_in out of token replies.
    #[arg(long)]
    omit_expires_in: bool,
    /// Answer a refused token with HTTP 200 and a code instead of HTTP 401.
    #[arg(long)]
    token_errors_as_codes: bool,
    /// In strict mode, also refuse record fields that are not known.
    #[arg(long)]
    refuse_unknown_fields: bool,
    /// Seed of token values, latencies and probabilities.
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

#[derive(Clone, Copy, ValueEnum)]
enum ModeArg {
    /// Refuse whatever a careful connector must not send; answer as documented.
    Strict,
    /// Take all that can be understood; answer with the oddities of real systems.
    Quirky,
}

#[derive(Clone, Copy, ValueEnum)]
enum ClientAuthArg {
    /// In the form body.
    Body,
    /// HTTP Basic.
    Basic,
    /// In the query.
    Query,
}

#[tokio::main]
async fn main() -> ExitCode {
    let result = match Cli::parse().upstream {
        Upstream::ZjGxsz(args) => zj_gxsz(args).await,
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

async fn zj_gxsz(args: ZjGxszArgs) -> Result<(), Box<dyn std::error::Error>> {
    let mut builder = ZjGxsz::builder()
        .mode(match args.mode {
            ModeArg::Strict => Mode::Strict,
            ModeArg::Quirky => Mode::Quirky,
        })
        .client(args.client_id, args.client_secret)
        .token_ttl(Duration::from_secs(args.token_ttl_s))
        .seed(args.seed)
        .listen(args.listen);
    if let Some(place) = args.client_auth {
        builder = builder.client_auth(match place {
            ClientAuthArg::Body => ClientAuth::Body,
            ClientAuthArg::Basic => ClientAuth::Basic,
            ClientAuthArg::Query => ClientAuth::Query,
        });
    }
    if args.omit_expires_in {
        builder = builder.omit_expires_in();
    }
    if args.token_errors_as_codes {
        builder = builder.token_errors_as_codes();
    }
    if args.refuse_unknown_fields {
        builder = builder.refuse_unknown_fields();
    }
    run(builder.start().await?).await
}

/// Announces the simulator and waits for a signal.
async fn run<P: Profile>(simulator: Simulator<P>) -> Result<(), Box<dyn std::error::Error>> {
    // Before the announcement: whoever reads it may signal at once.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let line = json!({"simulator": P::NAME, "url": simulator.url()});
    let mut stdout = std::io::stdout();
    writeln!(stdout, "{line}")?;
    stdout.flush()?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    simulator.stop().await;
    Ok(())
}
