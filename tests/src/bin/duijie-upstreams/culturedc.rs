//! Options of the culturedc simulator, and its start.

use std::net::SocketAddr;

use duijie_tests::upstreams::culturedc::{SignEncoding, SignKind};
use duijie_tests::upstreams::{Culturedc, Mode};

/// Its options.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Address and port; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// How exact it is.
    #[arg(long, value_enum, default_value = "strict")]
    mode: Mode,
    /// Access key (AK).
    #[arg(long, default_value = duijie_tests::upstreams::culturedc::DEMO_ACCESS_KEY)]
    access_key: String,
    /// Its secret key (SK).
    #[arg(long, env = "DUIJIE_SIM_SECRET_KEY", hide_env_values = true,
        default_value = duijie_tests::upstreams::culturedc::DEMO_SECRET_KEY)]
    secret_key: String,
    /// How requests are signed.
    #[arg(long, value_enum, default_value = "hmac")]
    sign: SignKind,
    /// How strict mode takes signatures written; may be given more than once.
    #[arg(long, value_enum, default_value = "hex-lower")]
    sign_encoding: Vec<SignEncoding>,
    /// The institution is not certified yet.
    #[arg(long)]
    not_certified: bool,
    /// When the key was issued, in milliseconds since 1970; without it, now.
    #[arg(long)]
    issued_at_ms: Option<i64>,
    /// Days that a key is good for.
    #[arg(long, default_value_t = 30)]
    valid_days: u32,
    /// Requests a minute; without it, no limit.
    #[arg(long)]
    rate_per_min: Option<u32>,
    /// The one redirect_uri that is registered; without it, any.
    #[arg(long)]
    callback: Option<String>,
    /// Seed of codes, people, latencies and probabilities.
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

/// Runs it until a signal.
pub(super) async fn run(args: Args) -> Result<(), Box<dyn std::error::Error>> {
    let mut builder = Culturedc::builder()
        .mode(args.mode)
        .key(args.access_key, args.secret_key)
        .sign_kind(args.sign)
        .sign_encodings(args.sign_encoding)
        .valid_days(args.valid_days)
        .seed(args.seed)
        .listen(args.listen);
    if args.not_certified {
        builder = builder.not_certified();
    }
    if let Some(issued_ms) = args.issued_at_ms {
        builder = builder.issued_at_ms(issued_ms);
    }
    if let Some(requests) = args.rate_per_min {
        builder = builder.rate_per_min(requests);
    }
    if let Some(url) = args.callback {
        builder = builder.callback(url);
    }
    super::run(builder.start().await?).await
}
