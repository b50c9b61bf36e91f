//! The national public culture cloud (国家公共文化云): mutual links, resources, usage numbers, and log-in with its
//! accounts. Its interface manual is handed out only after approval, so this connector knows what is done and a profile
//! knows how: `sim-v1` is built in for our simulator, the real one is typed into the link's config. It keeps no resource
//! and no user, and writes neither into a log.
//!
//! The way in: [`upstream`] is a request from top to bottom; [`profile`] is the wire form as data, [`sign`] its
//! signature; [`resource`], [`sheet`], [`stats`], [`links`] and [`login`] are the layers of the docking; [`aksk`] is the
//! life of the key; [`config`] is what a link may say.

#![cfg_attr(
    test,
    allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test ends where it goes wrong")
)]

pub mod aksk;
pub mod config;
pub mod links;
pub mod login;
pub mod model;
pub mod profile;
pub mod resource;
pub mod sheet;
pub mod sign;
pub mod stats;
pub mod upstream;

use duijie_sdk::{About, Connector, Hooks, Operations, Problem, Slot, Use};

use config::Config;

/// The slot of the one secret: the SK that signs requests.
pub const SECRET_KEY: &str = "secret_key";

/// The order of a resource: what is pushed, then deleted, then pushed again.
const RESOURCE: &str = "resource";
/// A resource may name its organisers and their phones.
const RESOURCE_PERSONAL: [&str; 3] = ["/summary", "/content", "/extra/*"];
/// The same for rows, and the sheet that is made of them.
const ROWS_PERSONAL: [&str; 4] = ["/rows/*/summary", "/rows/*/content", "/rows/*/extra/*", "/content"];
/// One request with what is around it.
const DEADLINE_MS: u32 = 10_000;
/// Many requests side by side, six at a time.
const BATCH_DEADLINE_MS: u32 = 60_000;
/// Hundreds of rows with their texts; all requests of a batch are handed to the host at once, which takes 4 MiB.
const BATCH_BYTES_MAX: u32 = 3 << 20;
/// Rows, sheet and answer are in a guest's memory at the same time.
const SHEET_BYTES_MAX: u32 = 6 << 20;

/// The connector.
pub struct CultureDc;

impl Connector for CultureDc {
    const NAME: &'static str = "culturedc";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    type Config = Config;
    const MANIFEST: Option<&'static str> = Some(include_str!("../manifest.json"));

    fn about() -> About {
        let secret = Slot::new(
            SECRET_KEY,
            "The SK as issued; it signs requests and is never sent. Valid for 30 days: say issued_at beside it.",
            "平台下发的 SK 原文,仅用于签名,从不发送。有效期 30 天,请在旁边写明 issued_at。",
            [Use::Hmac, Use::Digest],
        );
        About::new(
            "Resources, usage numbers, mutual links and log-in of the national public culture cloud.",
            "国家公共文化云对接:资源报送、服务数据、端口互访检查与国家云账号登录。",
        )
        // Sheets and link checks work before the AK/SK is there.
        .secret(secret.optional())
        .origin("https://www.culturedc.cn")
    }

    fn operations(ops: &mut Operations<Self>) {
        ops.add("link.check", |link, input| links::check(link.config(), &input))
            .summary(
                "Looks whether the configured pages still carry a link to the national cloud, and what has changed.",
                "检查各端口页面是否仍有国家云链接,以及自上次以来的变化。",
            )
            .read()
            .repeat_safe()
            .deadline_ms(BATCH_DEADLINE_MS);
        resources(ops);
        ops.add("stats.report", |link, input| stats::report(link.config(), input))
            .summary(
                "Reports the usage numbers of one day; the same day again overwrites. Without numbers the platform is asked.",
                "报送一天的服务数据;同一天再次报送即覆盖。不带数字时向平台询问。",
            )
            .write()
            .repeat_safe()
            .key("/date")
            // Up to seven days that were missing.
            .deadline_ms(BATCH_DEADLINE_MS);
        ops.add("login.link", |link, input| login::link(link.config(), &input))
            .summary("Begins a log-in with an account of the national cloud.", "发起国家云账号登录,返回跳转地址。")
            .read()
            .repeat_safe();
        ops.add("login.redeem", |_, input| login::redeem(&input))
            .summary(
                "Turns the code that the browser brought into the user, once.",
                "用浏览器带回的 code 换取用户信息,仅一次。",
            )
            .read()
            .personal(["/openId", "/nickname", "/phone"]);
        ops.add("aksk.status", |link, _: aksk::Ask| Ok(aksk::status(link.config())))
            .summary(
                "Until when the AK/SK is valid, and whether calls are held back.",
                "AK/SK 的有效期与当前是否暂缓发送。",
            )
            .read()
            .repeat_safe();
        ops.add("aksk.renewed", |link, input| aksk::renewed(link.config(), &input))
            .summary(
                "Confirms that the AK/SK was renewed on the upstream's web page; calls go on.",
                "确认已在国家云后台延长 AK/SK 有效期,恢复发送。",
            )
            .write()
            .repeat_safe();
    }

    fn hooks(hooks: &mut Hooks<Self>) {
        hooks
            .add("login-landing", "GET", |link, request| login::landing(link.config(), &request))
            .summary(
                "The browser is back from the national cloud's log-in page (APPID回调地址).",
                "浏览器从国家云登录页返回(APPID回调地址)。",
            )
            .from_browser();
    }

    fn check(link: &duijie_sdk::Link<Config>) -> Vec<Problem> {
        config::problems(link.config())
    }
}

fn resources(ops: &mut Operations<CultureDc>) {
    ops.add("resource.push", |link, input| resource::push(link.config(), &input))
        .summary(
            "Pushes one resource: creates it, or changes it as long as it is not published.",
            "报送一条资源:新建,或在发布前修改。",
        )
        .write()
        .repeat_safe()
        .key("/extId")
        .line(RESOURCE)
        .personal(RESOURCE_PERSONAL)
        .deadline_ms(DEADLINE_MS);
    ops.add("resource.push-batch", |link, input| resource::batch::push(link.config(), &input))
        .summary(
            "Pushes up to 500 rows, or only validates them; one result a row.",
            "批量报送(或仅校验)最多 500 行,逐行返回结果。",
        )
        .write()
        .repeat_safe()
        .personal(ROWS_PERSONAL)
        .deadline_ms(BATCH_DEADLINE_MS)
        .max_body(BATCH_BYTES_MAX);
    ops.add("resource.sheet", |link, input| sheet::fill(link.config(), &input))
        .summary("Fills the sheet for uploading by hand; sends nothing.", "生成供手工上传的已填表格,不发送。")
        .read()
        .repeat_safe()
        .personal(ROWS_PERSONAL)
        .max_body(SHEET_BYTES_MAX);
    ops.add("resource.status", |link, input| resource::status(link.config(), input))
        .summary("Where a resource stands in its review.", "查询一条资源的审核状态。")
        .read()
        .repeat_safe()
        .personal(["/reviewNote"])
        .deadline_ms(DEADLINE_MS);
    ops.add("resource.delete", |link, input| resource::delete(link.config(), input))
        .summary("Takes a resource back that is not published.", "删除一条尚未发布的资源。")
        .write()
        .repeat_safe()
        .key("/extId")
        .line(RESOURCE)
        .deadline_ms(DEADLINE_MS);
    ops.add("resource.fetch", |link, input| resource::fetch(link.config(), input))
        .summary("One page of the national resources that the institution may use.", "分页获取已获许可的国家资源。")
        .read()
        .repeat_safe()
        .deadline_ms(DEADLINE_MS);
}

duijie_sdk::export!(CultureDc);
