//! The national education resource service system (国家数字教育资源公共服务体系): its applications without a second
//! log-in, the real-name check of users, log-in with a national account, and users who arrive from other platforms. It
//! keeps a person's data only while a call or a log-in needs it, and never writes any into a log or a message.
//!
//! The way in: [`gateway`] calls the upstream with the token of [`token`], signed by [`sign`]; [`apps`], [`orgs`],
//! [`verify`], [`exchange`], [`oauth`] and [`aamif`] are the themes, each from top to bottom; [`lists`] reads pages;
//! [`model`] is what goes in and out; [`config`] is what a link may say.

pub mod aamif;
pub mod apps;
pub mod config;
pub mod exchange;
pub mod gateway;
pub mod lists;
pub mod model;
pub mod oauth;
pub mod orgs;
pub mod sign;
pub mod token;
pub mod verify;

use duijie_sdk::{About, Connector, Hooks, Link, Operations, Problem, Slot, Use};

use config::Config;

/// The slot of the one secret: the key of `keyInfo`, and a part of what is signed.
pub const APP_KEY: &str = "app_key";

/// Total time of an operation, token and nested look-up included: the document wants an answer within five seconds.
const DEADLINE_MS: u32 = 5000;

/// Who a user is, as `user.info` says.
const USER: [&str; 6] =
    ["/usessionId", "/userId", "/name", "/orgs/*/orgCode", "/orgs/*/orgName", "/orgs/*/orgIdentity"];

/// Who a user is, as a ticket of the aamif service says.
const TICKETED: [&str; 7] = [
    "/ticket",
    "/usessionId",
    "/person/personId",
    "/person/account",
    "/person/name",
    "/person/birthday",
    "/person/logos/*/url",
];

/// Who has logged in, either way.
const LOGGED_IN: [&str; 12] = [
    "/code",
    "/usessionId",
    "/user/userId",
    "/user/name",
    "/user/orgs/*/orgCode",
    "/user/orgs/*/orgName",
    "/user/orgs/*/orgIdentity",
    "/person/personId",
    "/person/account",
    "/person/name",
    "/person/birthday",
    "/person/logos/*/url",
];

/// The connector.
pub struct Eduyun;

impl Connector for Eduyun {
    const NAME: &'static str = "eduyun";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    type Config = Config;
    const MANIFEST: Option<&'static str> = Some(include_str!("../manifest.json"));

    fn about() -> About {
        let app_key = Slot::new(
            APP_KEY,
            "The appKey (KEY) as issued: signs requests for a token, and is never sent.",
            "平台下发的 appKey(KEY)原文:用于签名换取令牌,从不外发。",
            [Use::Hmac, Use::Digest],
        );
        About::new(
            "Docks a platform to the national education resource service system: applications, sessions, real-name checks, log-ins.",
            "对接国家数字教育资源公共服务体系:应用、会话交换、实名认证、统一登录。",
        )
        .secret(app_key)
    }

    fn operations(ops: &mut Operations<Self>) {
        ops.add("token.check", token::check)
            .summary(
                "Makes sure that there is a valid token, and says until when; the token is never shown.",
                "确认令牌可用并返回有效期;从不返回令牌本身。",
            )
            .read()
            .repeat_safe()
            .deadline_ms(DEADLINE_MS);
        ops.add("app.list", apps::list)
            .summary(
                "Lists the applications that the upper levels have chosen, by page.",
                "分页列出上级平台遴选的应用。",
            )
            .read()
            .repeat_safe()
            .deadline_ms(DEADLINE_MS);
        ops.add("session.exchange", exchange::exchange)
            .summary(
                "Exchanges a logged-in user's session for one of the upstream and a first ticket.",
                "以本平台登录用户换取体系会话与首个 ticket。",
            )
            .write()
            .personal(["/name", "/idCardNo", "/subject", "/usessionId", "/ticket"])
            .deadline_ms(DEADLINE_MS);
        ops.add("ticket.create", apps::ticket)
            .summary("Creates another ticket of a session, for another application.", "为另一应用生成新的 ticket。")
            .write()
            .personal(["/usessionId", "/ticket"])
            .deadline_ms(DEADLINE_MS);
        ops.add("link.app", apps::open)
            .summary("Builds the link that opens an application; nothing is sent.", "生成打开应用的链接,不发送请求。")
            .read()
            .repeat_safe()
            .personal(["/ticket", "/url"])
            .deadline_ms(DEADLINE_MS);
        ops.add("app.ticket-validate", apps::validate)
            .summary(
                "Redeems the ticket of an application's link, as an application does; it is used up.",
                "以应用身份核验并消费 ticket。",
            )
            .write()
            .personal(["/ticket", "/userId", "/name"])
            .deadline_ms(DEADLINE_MS);
        ops.add("phone.send-code", verify::send_code)
            .summary("Sends a code to a phone; once in two minutes.", "向手机发送验证码,两分钟内限一次。")
            .write()
            .key("/phone")
            .personal(["/phone"])
            .deadline_ms(DEADLINE_MS);
        ops.add("user.verify", verify::verify)
            .summary("Verifies a person's real name with the code that the phone got.", "凭手机验证码进行实名认证。")
            .write()
            .key("/idCardNo")
            // The code is of no use later, and a person waits.
            .direct_only()
            .personal(["/verifyCode", "/phone", "/name", "/idCardNo", "/orgCode", "/loginAccount"])
            .deadline_ms(DEADLINE_MS);
        ops.add("session.validate", verify::validate_session)
            .summary(
                "Says whether a user is verified, and where to get verified.",
                "查询用户是否已实名,以及实名认证地址。",
            )
            .read()
            .repeat_safe()
            .personal(["/userId", "/loginAccount", "/certUrl"])
            .deadline_ms(DEADLINE_MS);
        ops.add("cert.info", verify::certificates)
            .summary("Lists a user's verifications.", "列出用户的实名认证信息。")
            .read()
            .repeat_safe()
            .personal(["/usessionId", "/certificates/*/name", "/certificates/*/loginAccount"])
            .deadline_ms(DEADLINE_MS);
        ops.add("org.list", orgs::list)
            .summary(
                "Lists schools and institutions by region, code or name, by page.",
                "按地区、代码或名称分页查询学校与机构。",
            )
            .read()
            .repeat_safe()
            .deadline_ms(DEADLINE_MS);
        ops.add("oauth.ticket", oauth::ticket)
            .summary("Gets a ticket for the national log-in page; good once.", "获取一次性登录 accessTicket。")
            .write()
            .personal(["/accessTicket"])
            .deadline_ms(DEADLINE_MS);
        ops.add("oauth.link", oauth::begin)
            .summary(
                "Begins a log-in with a national account: the link for the browser, and its state.",
                "发起国家账号登录:返回跳转链接与 state。",
            )
            .write()
            .personal(["/url", "/state"])
            .deadline_ms(DEADLINE_MS);
        ops.add("login.redeem", oauth::redeem)
            .summary(
                "Redeems the code that a browser brought from a landing: who has logged in.",
                "以落地页带回的 code 换取登录用户;一次有效。",
            )
            .read()
            .personal(LOGGED_IN)
            .deadline_ms(DEADLINE_MS);
        ops.add("user.info", oauth::user)
            .summary("Says who a session's user is.", "获取会话对应的登录用户信息。")
            .read()
            .repeat_safe()
            .personal(USER)
            .deadline_ms(DEADLINE_MS);
        ops.add("aamif.ticket-create", aamif::create)
            .summary("Creates a ticket for another platform, at the region's service.", "在区域平台生成 ticket。")
            .write()
            .personal(["/usessionId", "/ticket"])
            .deadline_ms(DEADLINE_MS);
        ops.add("aamif.ticket-validate-area", aamif::validate_area)
            .summary("Validates a ticket at the region's service; it is used up.", "在区域平台核验并消费 ticket。")
            .write()
            .personal(TICKETED)
            .deadline_ms(DEADLINE_MS);
        ops.add("aamif.ticket-validate-central", aamif::validate_central)
            .summary("Validates a ticket at the central service; it is used up.", "在中央平台核验并消费 ticket。")
            .write()
            .personal(TICKETED)
            .deadline_ms(DEADLINE_MS);
    }

    fn hooks(hooks: &mut Hooks<Self>) {
        hooks.add("local-session", "POST", exchange::look_up).summary(
            "The upstream asks whose a local session is, while it is being exchanged.",
            "会话交换期间,体系回查本地会话所属用户。",
        );
        hooks
            .add("oauth-landing", "GET", oauth::land)
            .summary("A browser comes back from the national log-in page.", "浏览器从国家账号登录页返回。")
            .from_browser();
        hooks
            .add("ticket-landing", "GET", aamif::land)
            .summary("A browser arrives from another platform with a ticket.", "浏览器携 ticket 从其他平台到达。")
            .from_browser();
    }

    fn check(link: &Link<Config>) -> Vec<Problem> {
        config::problems(link.config())
    }
}

duijie_sdk::export!(Eduyun);
