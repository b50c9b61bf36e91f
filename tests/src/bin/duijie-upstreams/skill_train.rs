//! Options of the skill-train simulator, and its start.

use std::net::SocketAddr;
use std::time::Duration;

use duijie_tests::upstreams::skill_train::{Hook, Spelling};
use duijie_tests::upstreams::{Mode, SkillTrain};

/// Its options.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Address and port; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// How exact it is.
    #[arg(long, value_enum, default_value = "strict")]
    mode: Mode,
    /// Platform account that may log in.
    #[arg(long, default_value = duijie_tests::upstreams::skill_train::DEMO_ACCOUNT)]
    account: String,
    /// Its password.
    #[arg(long, env = "DUIJIE_SIM_PASSWORD", hide_env_values = true,
        default_value = duijie_tests::upstreams::skill_train::DEMO_PASSWORD)]
    password: String,
    /// Life of a token in seconds.
    #[arg(long, default_value_t = 7200)]
    token_ttl_s: u64,
    /// Which spelling of the two misprinted paths exists; without it: strict, repaired; quirky, both.
    #[arg(long, value_enum)]
    spelling: Option<Spelling>,
    /// Refuse progress and an end without a start, instead of counting them.
    #[arg(long)]
    refuse_out_of_order: bool,
    /// Refuse fields that the document does not name.
    #[arg(long)]
    refuse_unknown_fields: bool,
    /// Where to push classes (1.12); may also be set at POST /_sim/hook.
    #[arg(long)]
    class_hook: Option<String>,
    /// Where to pull courses (1.14); may also be set at POST /_sim/hook.
    #[arg(long)]
    course_hook: Option<String>,
    /// Seed of tokens, codes, latencies and probabilities.
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

/// Runs it until a signal.
pub(super) async fn run(args: Args) -> Result<(), Box<dyn std::error::Error>> {
    let mut builder = SkillTrain::builder()
        .mode(args.mode)
        .account(args.account, args.password)
        .token_ttl(Duration::from_secs(args.token_ttl_s))
        .seed(args.seed)
        .listen(args.listen);
    if let Some(spelling) = args.spelling {
        builder = builder.spelling(spelling);
    }
    if args.refuse_out_of_order {
        builder = builder.refuse_out_of_order();
    }
    if args.refuse_unknown_fields {
        builder = builder.refuse_unknown_fields();
    }
    for (hook, url) in [(Hook::ClassPush, args.class_hook), (Hook::CoursePull, args.course_hook)] {
        if let Some(url) = url {
            builder = builder.hook_url(hook, url);
        }
    }
    super::run(builder.start().await?).await
}
