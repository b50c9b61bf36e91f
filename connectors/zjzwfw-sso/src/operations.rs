//! Registration of the operations: what each is called, what it does to the upstream, and what of it is personal.

use duijie_sdk::{Failure, Link, Operations, landing};
use serde_json::Value;

use crate::{
    ZjzwfwSso, call,
    config::Config,
    login,
    model::{
        self, Authenticate, CallInput, CallOutput, Generate, Generated, Login, LoginInput, LoginLink, LogoutInput,
        LogoutLink, Session, Synced, Ticket, TokenInput, UserId, UserInfo,
    },
    session, user,
};

/// Total time of an operation that asks the SSO once.
const DEADLINE_MS: u32 = 5_000;

/// Adds every operation.
pub(crate) fn register(ops: &mut Operations<ZjzwfwSso>) {
    ops.add("login.link", login_link)
        .summary("A link to log in with; the browser ends at the platform's page.", "生成登录链接,登录后回到平台页面。")
        .read()
        .repeat_safe();
    ops.add("login.redeem", login_redeem)
        .summary("What a log-in's code stands for, once.", "用一次性 code 换取登录结果。")
        .read()
        .personal([
            "/code",
            "/session/token",
            "/session/userId",
            "/session/loginName",
            "/session/userName",
            "/session/orgCoding",
            "/user/*",
            "/user/extra/*",
        ]);
    ops.add("logout.link", logout_link).summary("A link to log out with.", "生成登出链接。").read().repeat_safe();
    ops.add("ticket.validate", ticket_validate)
        .summary("Validates a ticket and uses it up (ticketValidation).", "验证并消耗票据(ticketValidation)。")
        .write()
        .personal(["/ticket", "/token", "/userId", "/loginName", "/userName", "/orgCoding"])
        .deadline_ms(DEADLINE_MS);
    ops.add("user.info", user_info)
        .summary("What the SSO knows of a token's person (getUserInfo).", "按令牌取用户详细信息(getUserInfo)。")
        .read()
        .repeat_safe()
        .personal([
            "/token",
            "/userId",
            "/loginName",
            "/userName",
            "/idType",
            "/idNumber",
            "/mobile",
            "/orgCoding",
            "/extra/*",
        ])
        .deadline_ms(DEADLINE_MS);
    ops.add("user.authenticate", user_authenticate)
        .summary(
            "Recognises a person by password (idValidation); off unless the link allows it.",
            "用户名密码认证(idValidation),默认关闭。",
        )
        .write()
        .direct_only()
        .personal(["/loginName", "/orgCoding", "/password", "/token", "/userId", "/userName"])
        .deadline_ms(DEADLINE_MS);
    ops.add("ticket.generate", ticket_generate)
        .summary("Makes a ticket for another resource (generateST).", "按令牌生成第三方接入资源票据(generateST)。")
        .write()
        .personal(["/token", "/ticket"])
        .deadline_ms(DEADLINE_MS);
    ops.add("user.sync-out", user_sync_out)
        .summary(
            "Adds or changes a person of ours at the SSO (synchronizeUser).",
            "向 SSO 新增或修改用户(synchronizeUser)。",
        )
        .write()
        .repeat_safe()
        .key("/loginName")
        // Who is added and then changed must have been added.
        .every_version()
        // A link's mapping may take any member of a person, under any name.
        .personal(["/*"])
        .deadline_ms(DEADLINE_MS)
        .input_schema(model::user_schema);
    ops.add("user.by-id", user_by_id)
        .summary(
            "A person of this resource by the SSO's id (getUserInfoById).",
            "按 SSO 用户 id 取用户(getUserInfoById)。",
        )
        .read()
        .repeat_safe()
        .personal(["/userId", "/loginName", "/userName", "/idType", "/idNumber", "/mobile", "/orgCoding", "/extra/*"])
        .deadline_ms(DEADLINE_MS);
    ops.add("call", call_any)
        .summary(
            "Calls a method whose wire form the document has lost, and gives its answer as it came.",
            "调用文档缺失参数表的方法,原样返回解析后的应答。",
        )
        .write()
        // Its parameters may be anything, a password too.
        .direct_only()
        .personal(["/params/*", "/reply/*", "/message"])
        .deadline_ms(DEADLINE_MS);
}

fn login_link(link: &Link<Config>, input: LoginInput) -> Result<LoginLink, Failure> {
    login::link(link.config(), &input)
}

fn login_redeem(_: &Link<Config>, input: landing::Redeem) -> Result<Login, Failure> {
    landing::redeem(&input.code)
}

fn logout_link(link: &Link<Config>, input: LogoutInput) -> Result<LogoutLink, Failure> {
    login::logout(link.config(), &input)
}

fn ticket_validate(link: &Link<Config>, input: Ticket) -> Result<Session, Failure> {
    session::validate(link.config(), &input.ticket, link.config().http.timeout_ms)
}

fn user_info(link: &Link<Config>, input: TokenInput) -> Result<UserInfo, Failure> {
    user::info(link.config(), &input.token, link.config().http.timeout_ms)
}

fn user_authenticate(link: &Link<Config>, input: Authenticate) -> Result<Session, Failure> {
    session::authenticate(link.config(), &input)
}

fn ticket_generate(link: &Link<Config>, input: Generate) -> Result<Generated, Failure> {
    session::generate(link.config(), &input)
}

fn user_sync_out(link: &Link<Config>, record: Value) -> Result<Synced, Failure> {
    user::sync_out(link.config(), &record)
}

fn user_by_id(link: &Link<Config>, input: UserId) -> Result<UserInfo, Failure> {
    user::by_id(link.config(), &input.user_id)
}

fn call_any(link: &Link<Config>, input: CallInput) -> Result<CallOutput, Failure> {
    call::call(link.config(), &input)
}
