//! Options of the zjzwfw-sso simulator, and its start.

use std::net::SocketAddr;
use std::time::Duration;

use duijie_tests::upstreams::zjzwfw_sso::{
    DEMO_IRS_ACCESS_KEY, DEMO_IRS_SECRET_KEY, DEMO_PROXY_CODE, DEMO_PROXY_PWD, DEMO_SERVICE_CODE, DEMO_SERVICE_PWD,
    DEMO_SOAP_NAMESPACE,
};
use duijie_tests::upstreams::{Mode, ZjzwfwSso};

/// Its options.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Address and port; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// How exact it is.
    #[arg(long, value_enum, default_value = "strict")]
    mode: Mode,
    /// Resource that may call. A second one, demosvc2, is there to chain to.
    #[arg(long, default_value = DEMO_SERVICE_CODE)]
    servicecode: String,
    /// Its password.
    #[arg(long, env = "DUIJIE_SIM_SERVICEPWD", hide_env_values = true, default_value = DEMO_SERVICE_PWD)]
    servicepwd: String,
    /// Access key of the IRS gateway.
    #[arg(long, default_value = DEMO_IRS_ACCESS_KEY)]
    irs_access_key: String,
    /// Secret key of the IRS gateway.
    #[arg(long, env = "DUIJIE_SIM_IRS_SECRET_KEY", hide_env_values = true, default_value = DEMO_IRS_SECRET_KEY)]
    irs_secret_key: String,
    /// Target namespace of the webservice.
    #[arg(long, default_value = DEMO_SOAP_NAMESPACE)]
    soap_namespace: String,
    /// Element that holds the webservice's answer.
    #[arg(long, default_value = "out")]
    soap_out: String,
    /// Where user changes are sent; can also be told by POST /_sim/hook.
    #[arg(long)]
    hook_url: Option<String>,
    /// The registered address that the login page returns to; it returns to goto when it is not given.
    #[arg(long)]
    landing_url: Option<String>,
    /// Name of the ticket's parameter in the return address.
    #[arg(long, default_value = "ticket")]
    ticket_parameter: String,
    /// Life of a token in seconds.
    #[arg(long, default_value_t = 600)]
    token_ttl_s: u64,
    /// Life of a ticket in seconds.
    #[arg(long, default_value_t = 120)]
    ticket_ttl_s: u64,
    /// Seed of tickets, tokens, user keys, latencies and probabilities.
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

/// Runs it until a signal.
pub(super) async fn run(args: Args) -> Result<(), Box<dyn std::error::Error>> {
    let mut builder = ZjzwfwSso::builder()
        .mode(args.mode)
        .service(args.servicecode.as_str(), args.servicepwd)
        .irs(args.irs_access_key, args.irs_secret_key)
        .soap_namespace(args.soap_namespace)
        .soap_out(args.soap_out)
        .ticket_parameter(args.ticket_parameter)
        .token_ttl(Duration::from_secs(args.token_ttl_s))
        .ticket_ttl(Duration::from_secs(args.ticket_ttl_s))
        .seed(args.seed)
        .listen(args.listen);
    if args.servicecode != DEMO_PROXY_CODE {
        builder = builder.service(DEMO_PROXY_CODE, DEMO_PROXY_PWD);
    }
    if let Some(url) = args.hook_url {
        builder = builder.hook_url(url);
    }
    if let Some(url) = args.landing_url {
        builder = builder.landing_url(url);
    }
    super::run(builder.start().await?).await
}
