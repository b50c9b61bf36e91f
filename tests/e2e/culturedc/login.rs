//! Logging in with an account of the national cloud (layer ④): out by a link, back by the landing, redeemed once. A
//! browser follows the upstream's real redirect; the operator's proxy is the step from the public address to the host.

use std::time::Duration;

use duijie_tests::{
    harness::Answer,
    upstreams::{Called, Culturedc, call, culturedc::Builder},
};
use http::Method;
use serde_json::{Value, json};

use super::{Docked, LANDING_ORIGIN, LINK, PATH_SECRET, RETURN, docked_with, landing};

/// A page of the platform's below the one that the link allows.
pub(super) fn done() -> String {
    format!("{RETURN}/done")
}

fn builder() -> Builder {
    // The upstream takes nothing but the address that was registered.
    Culturedc::builder().callback(landing())
}

async fn docked() -> Docked {
    docked_with(builder(), &json!({})).await
}

/// Begins a log-in: its address and its state.
pub(super) async fn begin(docked: &Docked) -> (String, String) {
    let begun = docked.get("login.link", &json!({ "returnTo": done() })).await;
    (begun["url"].as_str().unwrap().to_owned(), begun["state"].as_str().unwrap().to_owned())
}

/// What a browser gets at the upstream.
async fn visit(url: &str) -> Called {
    call(Method::GET, url, &[], "", Duration::from_secs(30)).await.unwrap()
}

/// Logs in at the upstream: path and query by which the browser comes back.
pub(super) async fn log_in(url: &str) -> String {
    let answer = visit(url).await;
    let location = answer.headers["location"].to_str().unwrap();
    assert_eq!(answer.status, 302, "{location}");
    location.strip_prefix(LANDING_ORIGIN).unwrap_or_else(|| panic!("not our landing: {location}")).to_owned()
}

/// The browser lands.
pub(super) async fn land(docked: &Docked, path: &str) -> Answer {
    docked.host.api(Method::GET, path).send().await
}

/// A parameter of an address.
pub(super) fn parameter(address: &str, name: &str) -> String {
    let (_, query) = address.split_once('?').unwrap();
    let value = query.split('&').find_map(|pair| pair.strip_prefix(&format!("{name}=")));
    value.unwrap_or_else(|| panic!("no {name} in {address}")).to_owned()
}

/// The landing with this query.
fn arriving(query: &str) -> String {
    format!("/hooks/{LINK}/{PATH_SECRET}/login-landing?{query}")
}

/// That this is the one page for whoever arrives with nothing good.
fn is_refusal(answer: &Answer, why: &str) {
    assert_eq!((answer.status, answer.header("location")), (400, ""), "{why}: {}", answer.text());
    assert!(answer.text().contains("登录链接无效或已过期"), "{why}: {}", answer.text());
}

async fn redeem(docked: &Docked, code: &str) -> Answer {
    docked.call("login.redeem", &json!({ "code": code })).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_citizen_goes_out_by_the_link_comes_back_by_the_landing_and_is_redeemed_once() {
    let docked = docked().await;
    let (url, state) = begin(&docked).await;
    assert!(
        url.starts_with(&format!(
            "{}/oauth/authorize?ak=AKDEMO0000000001&redirect_uri=https%3A%2F%2F",
            docked.sim.url()
        )),
        "{url}"
    );
    let back = log_in(&url).await;
    let arrived = land(&docked, &back).await;
    assert_eq!((arrived.status, arrived.header("referrer-policy")), (302, "no-referrer"), "{}", arrived.text());
    let location = arrived.header("location");
    assert!(location.starts_with(&format!("{}?", done())), "{location}");
    assert_eq!(parameter(location, "state"), state);
    let code = parameter(location, "code");
    assert_ne!(code, parameter(&back, "code"), "the upstream's code stays here");
    let user = redeem(&docked, &code).await.expect(200);
    assert_eq!((&user["nickname"], &user["phone"]), (&json!("甄测生1"), &json!("13800000001")));
    for personal in ["openId", "phone"] {
        assert!(!location.contains(user[personal].as_str().unwrap()), "{location}");
    }
    redeem(&docked, &code).await.problem(409, "session-invalid", "not-sent");
    assert_eq!(docked.requests("login.user"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_citizen_need_not_tell_a_phone() {
    let docked = docked_with(builder().without_phones(), &json!({})).await;
    let (url, _) = begin(&docked).await;
    let arrived = land(&docked, &log_in(&url).await).await;
    let user = redeem(&docked, &parameter(arrived.header("location"), "code")).await.expect(200);
    assert_eq!((&user["nickname"], &user["phone"]), (&json!("甄测生1"), &Value::Null));
}

#[tokio::test(flavor = "multi_thread")]
async fn log_ins_side_by_side_keep_apart() {
    let docked = docked_with(builder().users(3), &json!({})).await;
    let mut arrivals = Vec::new();
    for n in 1..=3 {
        let (url, state) = begin(&docked).await;
        arrivals.push((n, log_in(&url).await, state));
    }
    for (n, back, state) in arrivals.iter().rev() {
        let arrived = land(&docked, back).await;
        assert_eq!(parameter(arrived.header("location"), "state"), *state);
        let user = redeem(&docked, &parameter(arrived.header("location"), "code")).await.expect(200);
        assert_eq!(user["nickname"], format!("甄测生{n}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replayed_landing_and_a_state_that_nobody_began_are_refused_alike_and_ask_nobody() {
    let docked = docked().await;
    let (url, state) = begin(&docked).await;
    let back = log_in(&url).await;
    let (_, unused) = begin(&docked).await;
    let strange = "0".repeat(32);
    for (why, query) in [
        ("no code", format!("state={unused}")),
        ("an empty code", format!("code=&state={unused}")),
        ("no state", "code=c".to_owned()),
        ("a strange state", format!("code=c&state={strange}")),
        ("a refusal of the citizen's", format!("error=access_denied&state={strange}")),
        ("nothing", String::new()),
    ] {
        is_refusal(&land(&docked, &arriving(&query)).await, why);
    }
    assert_eq!(docked.requests("login.user"), 0);
    assert_eq!(land(&docked, &back).await.status, 302);
    is_refusal(&land(&docked, &back).await, "the browser's reload");
    is_refusal(&land(&docked, &arriving(&format!("code=c&state={state}"))).await, "a used state with another code");
    assert_eq!(docked.requests("login.user"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replayed_code_and_one_over_its_minute_are_refused_by_the_upstream_and_make_no_user() {
    let docked = docked().await;
    let (url, _) = begin(&docked).await;
    let back = log_in(&url).await;
    assert_eq!(land(&docked, &back).await.status, 302);
    let (_, fresh) = begin(&docked).await;
    let replayed = arriving(&format!("code={}&state={fresh}", parameter(&back, "code")));
    is_refusal(&land(&docked, &replayed).await, "a used code with a fresh state");
    assert_eq!(docked.requests("login.user"), 2, "only the upstream knows");

    let (url, _) = begin(&docked).await;
    let back = log_in(&url).await;
    docked.fault("login.user", "clock-skew=61");
    is_refusal(&land(&docked, &back).await, "a code over its minute");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_only_an_operator_can_mend_is_one_page_and_its_cause_is_in_the_log() {
    let docked = docked().await;
    for (fault, class) in [
        ("code=40102,X-Signature 不正确", "auth-failed"),
        ("code=40110,AK 已过期", "auth-expired"),
        ("code=42901,调用过于频繁", "rate-limited"),
        ("code=50000,系统错误", "unavailable"),
        ("status=503", "unavailable"),
        ("reset-before", "unavailable"),
        ("html", "protocol"),
    ] {
        docked.sim.faults().clear();
        let (url, _) = begin(&docked).await;
        let back = log_in(&url).await;
        docked.fault("login.user", fault);
        let answer = land(&docked, &back).await;
        assert_eq!((answer.status, answer.header("location")), (503, ""), "{fault}");
        assert!(
            answer.text().contains("请稍后重新登录") && !answer.text().contains("签"),
            "{fault}: {}",
            answer.text()
        );
        let says = |line: &str| {
            line.contains("\"hook\":\"login-landing\"") && line.contains(&format!("\"class\":\"{class}\""))
        };
        docked.host.until_logged(&format!("{class} of {fault}"), |log| log.lines().any(says)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_in_ends_on_pages_of_the_platform_only() {
    let docked = docked().await;
    for page in [
        "https://campus.example.evil/login",
        "https://campus.example/loginx",
        "//campus.example/login",
        "javascript:alert(1)",
    ] {
        docked.call("login.link", &json!({ "returnTo": page })).await.problem(422, "invalid-input", "not-sent");
    }
    let link = json!({ "config": { "login": { "redirect_uri": null } } });
    let without = docked_with(builder(), &link).await;
    let problem = without.call("login.link", &json!({ "returnTo": done() })).await.problem(500, "config", "not-sent");
    assert!(problem["detail"].as_str().unwrap().contains("login.redirect_uri"), "{problem}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_landing_with_a_wrong_secret_in_its_path_is_nowhere() {
    let docked = docked().await;
    let (url, _) = begin(&docked).await;
    let back = log_in(&url).await;
    let wrong = back.replace(PATH_SECRET, &PATH_SECRET.to_lowercase());
    assert_eq!(land(&docked, &wrong).await.status, 404);
    assert_eq!(docked.host.api(Method::POST, &back).send().await.status, 404);
    assert_eq!(docked.requests("login.user"), 0);
    assert_eq!(land(&docked, &back).await.status, 302, "and the right one is still good");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_is_not_registered_is_refused_by_the_upstream_to_the_browser() {
    let docked = docked_with(Culturedc::builder().callback("https://elsewhere.example/"), &json!({})).await;
    let (url, _) = begin(&docked).await;
    let answer = visit(&url).await;
    assert_eq!(answer.status, 400);
    assert!(!answer.headers.contains_key("location"));
}
