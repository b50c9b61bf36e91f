//! Options of the eduyun simulator, and its start.

use std::net::SocketAddr;
use std::time::Duration;

use duijie_tests::upstreams::eduyun::{
    DEMO_APP_ID, DEMO_APP_KEY, DEMO_SYS_CODE, Encoding, Hash, KeyInfo, OauthTicketMethod, TokenReply, Unit, ValidTime,
};
use duijie_tests::upstreams::{Eduyun, Mode};

/// Its options.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Address and port; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// How exact it is.
    #[arg(long, value_enum, default_value = "strict")]
    mode: Mode,
    /// Platform that may ask for tokens.
    #[arg(long, default_value = DEMO_APP_ID)]
    app_id: String,
    /// Its key.
    #[arg(long, env = "DUIJIE_SIM_APP_KEY", hide_env_values = true, default_value = DEMO_APP_KEY)]
    app_key: String,
    /// Its system code.
    #[arg(long, default_value = DEMO_SYS_CODE)]
    sys_code: String,
    /// Takes keyInfo with this hash only. With one of these three options the others have the documented default.
    #[arg(long, value_enum)]
    sign_hash: Option<Hash>,
    /// Takes keyInfo written like this only.
    #[arg(long, value_enum)]
    sign_encoding: Option<Encoding>,
    /// Takes timeStamp in this unit only.
    #[arg(long, value_enum)]
    sign_unit: Option<Unit>,
    /// Where sessions are checked; can also be told by POST /_sim/hook.
    #[arg(long)]
    hook_url: Option<String>,
    /// How long an exchange waits before it calls the hook, in milliseconds.
    #[arg(long, default_value_t = 0)]
    exchange_delay_ms: u64,
    /// What return addresses of the login page must begin with; any when it is not given.
    #[arg(long)]
    redirect_uri: Option<String>,
    /// Where a token reply has its token.
    #[arg(long, value_enum, default_value = "data")]
    token_reply: TokenReply,
    /// How a token reply says how long the token lives.
    #[arg(long, value_enum, default_value = "milliseconds")]
    valid_time: ValidTime,
    /// Life of a token in seconds.
    #[arg(long, default_value_t = 3600)]
    token_ttl_s: u64,
    /// Life of a ticket in seconds.
    #[arg(long, default_value_t = 120)]
    ticket_ttl_s: u64,
    /// How createOauthTicket may be called; POST in strict mode and either in quirky mode when it is not given.
    #[arg(long, value_enum)]
    oauth_ticket_method: Option<OauthTicketMethod>,
    /// The aamif operations want an access token as well.
    #[arg(long)]
    aamif_token: bool,
    /// How many applications there are.
    #[arg(long, default_value_t = 150)]
    apps: usize,
    /// How many organisations there are.
    #[arg(long, default_value_t = 150)]
    orgs: usize,
    /// Seed of tokens, tickets, sessions, phone codes, ids, latencies and probabilities.
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

/// Runs it until a signal.
pub(super) async fn run(args: Args) -> Result<(), Box<dyn std::error::Error>> {
    let mut builder = Eduyun::builder()
        .mode(args.mode)
        .client(args.app_id, args.app_key, args.sys_code)
        .exchange_delay(Duration::from_millis(args.exchange_delay_ms))
        .token_reply(args.token_reply)
        .valid_time(args.valid_time)
        .token_ttl(Duration::from_secs(args.token_ttl_s))
        .ticket_ttl(Duration::from_secs(args.ticket_ttl_s))
        .apps(args.apps)
        .orgs(args.orgs)
        .seed(args.seed)
        .listen(args.listen);
    if args.sign_hash.is_some() || args.sign_encoding.is_some() || args.sign_unit.is_some() {
        let default = KeyInfo::default();
        builder = builder.key_infos([KeyInfo {
            hash: args.sign_hash.unwrap_or(default.hash),
            encoding: args.sign_encoding.unwrap_or(default.encoding),
            unit: args.sign_unit.unwrap_or(default.unit),
        }]);
    }
    if let Some(url) = args.hook_url {
        builder = builder.hook_url(url);
    }
    if let Some(registered) = args.redirect_uri {
        builder = builder.redirect_uri(registered);
    }
    if let Some(method) = args.oauth_ticket_method {
        builder = builder.oauth_ticket_method(method);
    }
    if args.aamif_token {
        builder = builder.aamif_token();
    }
    super::run(builder.start().await?).await
}
