//! 浙江政务服务网 SSO: log-in by redirect, data of people, tickets for other systems, and provisioning in both
//! directions. It keeps no ticket, no token and no person beyond the minute in which a log-in is handed over, and
//! writes none into a log or a message.
//!
//! The way in: `login` is a log-in from link to code; `wire` sends a request and `reply` reads its answer;
//! `session`, `user` and `call` are the operations on top; `hook` is what the SSO calls here; `config` is
//! what a link may say.

#![cfg_attr(
    test,
    allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test ends where it goes wrong")
)]

mod args;
mod call;
pub mod config;
mod hook;
mod irs;
mod login;
pub mod model;
mod operations;
mod reply;
mod session;
mod sign;
mod sim;
mod user;
mod wire;

use duijie_sdk::{About, Connector, Hooks, Link, Operations, Problem, Slot, Use};

use config::Config;

/// The slot of the password that signs.
pub const SERVICEPWD: &str = "servicepwd";
/// The slot of the gateway's key.
pub const IRS_SECRET_KEY: &str = "irs_secret_key";

/// The connector.
pub struct ZjzwfwSso;

impl Connector for ZjzwfwSso {
    const NAME: &'static str = "zjzwfw-sso";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    type Config = Config;
    const MANIFEST: Option<&'static str> = Some(include_str!("../manifest.json"));

    fn about() -> About {
        let servicepwd = Slot::new(
            SERVICEPWD,
            "The servicepwd as issued: it goes into the signature and is never sent.",
            "SSO 管理员下发的 servicepwd:只参与签名,从不发送。",
            [Use::Digest],
        );
        let irs_secret_key = Slot::new(
            IRS_SECRET_KEY,
            "The IRS gateway's secret key: it keys the HMAC of each request. Only for the gateway \"irs\".",
            "IRS 网关的 secretKey:为每个请求计算 HMAC;仅在 gateway 为 irs 时需要。",
            [Use::Hmac],
        );
        About::new(
            "Single sign-on of the Zhejiang government service portal: log-in, user data, tickets, provisioning.",
            "浙江政务服务网统一认证:登录、用户信息、票据、用户同步。",
        )
        .secret(servicepwd)
        .secret(irs_secret_key.optional())
        .origin("https://puser.zjzwfw.gov.cn")
        .origin(config::IRS_BASE)
    }

    fn operations(ops: &mut Operations<Self>) {
        operations::register(ops);
    }

    fn hooks(hooks: &mut Hooks<Self>) {
        hooks
            .add("login-landing", "GET", |link, request| login::land(link.config(), &request))
            .summary(
                "The browser comes back with a ticket and is sent on to the platform with a code.",
                "浏览器携票据返回,验票后带一次性 code 跳转到平台。",
            )
            .from_browser();
        hooks
            .add("user-sync", "ANY", |link, request| hook::receive(link.config(), &request))
            .summary("The SSO adds, changes or deletes a person.", "SSO 推送用户的新增、修改与删除。");
    }

    fn check(link: &Link<Config>) -> Vec<Problem> {
        config::problems(link.config())
    }
}

duijie_sdk::export!(ZjzwfwSso);
