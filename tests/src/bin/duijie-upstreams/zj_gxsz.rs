//! Options of the zj-gxsz simulator, and its start.

use std::net::SocketAddr;
use std::time::Duration;

use clap::ValueEnum;
use duijie_tests::upstreams::zj_gxsz::ClientAuth;
use duijie_tests::upstreams::{Mode, ZjGxsz};

/// Its options.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Address and port; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// How exact it is.
    #[arg(long, value_enum, default_value = "strict")]
    mode: Mode,
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
enum ClientAuthArg {
    /// In the form body.
    Body,
    /// HTTP Basic.
    Basic,
    /// In the query.
    Query,
}

/// Runs it until a signal.
pub(super) async fn run(args: Args) -> Result<(), Box<dyn std::error::Error>> {
    let mut builder = ZjGxsz::builder()
        .mode(args.mode)
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
    super::run(builder.start().await?).await
}
