//! Log-in by redirect, as a browser sees it: out with a state, back with a ticket, on to the platform with a code. The
//! ticket stays between the SSO and the host.

use std::{collections::BTreeMap, time::Duration};

use duijie_tests::{
    harness::Answer,
    upstreams::{Called, ZjzwfwSso, call},
};
use http::Method;
use serde_json::{Value, json};
use url::Url;

use super::{
    Docked, LANDING_ORIGIN, PAGE_PATH, RETURN, docked, docked_with, first_session, first_user, hook_path, landing,
    ways::irs,
};

/// A page of the platform's with a query and a fragment of its own.
const PAGE: &str = "https://campus.example/login/done?from=a%26b#/home";

fn query(url: &str) -> BTreeMap<String, String> {
    Url::parse(url).unwrap().query_pairs().into_owned().collect()
}

impl Docked {
    /// A link to log in with, and its state.
    pub(super) async fn log_in_link(&self, return_to: &str) -> (String, String) {
        let begun = self.done("login.link", &json!({ "return_to": return_to })).await;
        let text = |name: &str| begun[name].as_str().unwrap().to_owned();
        (text("url"), text("state"))
    }

    /// A browser follows the link to the SSO; where it is sent back to.
    pub(super) async fn log_in_at(&self, url: &str) -> String {
        let answer: Called = call(Method::GET, url, &[], "", Duration::from_secs(30)).await.unwrap();
        assert_eq!(answer.status, 302, "{}", String::from_utf8_lossy(&answer.body));
        answer.headers["location"].to_str().unwrap().to_owned()
    }

    /// The browser comes back, through the operator's proxy.
    pub(super) async fn land_at(&self, url: &str) -> Answer {
        let path = url.strip_prefix(LANDING_ORIGIN).unwrap_or_else(|| panic!("{url} is not the landing"));
        self.host.api(Method::GET, path).send().await
    }

    /// The landing with this query.
    pub(super) async fn land(&self, query: &str) -> Answer {
        self.host.api(Method::GET, &format!("{}?{query}", hook_path(PAGE_PATH, "login-landing"))).send().await
    }
}

/// The page for whoever comes with nothing good.
fn assert_turned_away(what: &str, answer: &Answer) {
    assert_eq!((answer.status, answer.header("content-type")), (400, "text/html; charset=utf-8"), "{what}");
    assert!(answer.text().contains("登录未完成"), "{what}: {}", answer.text());
    assert_eq!(answer.header("location"), "", "{what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_logs_in_and_the_platform_redeems_session_and_person_once() {
    let docked = docked().await;
    let (url, state) = docked.log_in_link(PAGE).await;
    assert!(url.starts_with(&format!(
        "{}/sso/mobile.do?action=oauth&scope=1&servicecode=demosvc&goto=https%3A%2F%2F",
        docked.sim.url()
    )));
    let back = docked.log_in_at(&url).await;
    let ticket = query(&back)["ticket"].clone();
    let landed = docked.land_at(&back).await;
    assert_eq!((landed.status, landed.header("referrer-policy")), (302, "no-referrer"), "{}", landed.text());
    assert_eq!(landed.header("cache-control"), "no-store");
    let end = landed.header("location");
    assert!(end.starts_with("https://campus.example/login/done?from=a%26b&code=") && end.ends_with("#/home"), "{end}");
    assert!(!end.contains(&ticket), "{end}");
    let pairs = query(end);
    assert_eq!((&pairs["state"], pairs.len()), (&state, 3));

    let code = json!({ "code": pairs["code"] });
    let login = docked.done("login.redeem", &code).await;
    assert_eq!(login, json!({ "session": first_session(&login["session"]["token"]), "user": first_user() }));
    docked.call("login.redeem", &code).await.problem(409, "session-invalid", "not-sent");
    assert_turned_away("the same again", &docked.land_at(&back).await);
    assert_eq!((docked.calls_of("ticketValidation"), docked.calls_of("getUserInfo")), (1, 1));
    // Its token is in force.
    docked.done("user.info", &json!({ "token": login["session"]["token"] })).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_may_come_as_st_or_ticketid_and_the_state_inside_sp() {
    for name in ["st", "ticketId"] {
        // An SSO that returns to the registered address: our own query is then in sp alone.
        let docked = docked_with(ZjzwfwSso::builder().ticket_parameter(name).landing_url(landing()), &json!({})).await;
        let (url, state) = docked.log_in_link(RETURN).await;
        let back = docked.log_in_at(&url).await;
        let pairs = query(&back);
        assert!(pairs.contains_key(name) && !pairs.contains_key("state") && pairs["sp"].contains(&state), "{back}");
        let landed = docked.land_at(&back).await;
        assert!(landed.header("location").starts_with(&format!("{RETURN}?code=")), "{name}: {}", landed.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_wrong_with_a_landing_the_page_is_the_same_and_no_ticket_is_spent() {
    let docked = docked().await;
    let state = docked.log_in_link(RETURN).await.1;
    let ticket = docked.ticket();
    let bad = [
        ("nothing", String::new()),
        ("no state", format!("ticket={ticket}")),
        ("a state of nobody", format!("ticket={ticket}&state=00000000000000000000000000000000")),
        ("no ticket", format!("state={state}")),
        ("an empty ticket", format!("ticket=&state={state}")),
        ("an endless ticket", format!("ticket={}&state={state}", "x".repeat(513))),
        ("a ticket with a line break", format!("ticket=x%0Ay&state={state}")),
        ("sp of somebody else", format!("ticket={ticket}&sp=https%3A%2F%2Fevil.example%2F%3Fstate%3Dx")),
    ];
    let reference = docked.land("nothing=1").await;
    for (what, query) in &bad {
        let answer = docked.land(query).await;
        assert_turned_away(what, &answer);
        assert_eq!(answer.body, reference.body, "{what}");
    }
    assert_eq!(docked.requests(), 0);
    // A ticket that the SSO does not know, and an SSO that is gone, look no different.
    assert_eq!(docked.land(&format!("ticket=unknown-ticket&state={state}")).await.body, reference.body);
    let state = docked.log_in_link(RETURN).await.1;
    docked.fault(super::SIMPLE, "status=503");
    let answer = docked.land(&format!("ticket={ticket}&state={state}")).await;
    assert_eq!((answer.status, &answer.body), (400, &reference.body));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_ends_where_the_link_said_whatever_sp_says() {
    let docked = docked().await;
    let state = docked.log_in_link(RETURN).await.1;
    let query = format!("ticket={}&state={state}&sp=https%3A%2F%2Fevil.example%2F", docked.ticket());
    let landed = docked.land(&query).await;
    assert!(landed.header("location").starts_with(&format!("{RETURN}?code=")), "{}", landed.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_persons_details_a_log_in_is_still_one() {
    // Through the gateway each method has a path of its own, so that one can fail by itself.
    let docked = irs(ZjzwfwSso::builder(), &json!({})).await;
    docked.fault("irs.user", "status=503");
    let state = docked.log_in_link(RETURN).await.1;
    let landed = docked.land(&format!("ticket={}&state={state}", docked.ticket())).await;
    let code = query(landed.header("location"))["code"].clone();
    let login = docked.done("login.redeem", &json!({ "code": code })).await;
    assert_eq!(login, json!({ "session": first_session(&login["session"]["token"]), "user": null }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_in_or_log_out_ends_at_pages_of_the_platform_only() {
    let logout = json!({ "logout": { "url_template": "${base}/logout.do?servicecode=${servicecode}&goto=${goto}" } });
    let docked = docked_with(ZjzwfwSso::builder(), &logout).await;
    for page in ["https://evil.example/", "https://campus.example/loginx", "https://campus.example/login/../x", "x"] {
        for operation in ["login.link", "logout.link"] {
            let answer = docked.call(operation, &json!({ "return_to": page })).await;
            let problem = answer.problem(422, "invalid-input", "not-sent");
            assert!(problem["details"].to_string().contains("/return_to"), "{operation} {page}: {problem}");
        }
    }
    let out = docked.done("logout.link", &json!({ "return_to": RETURN })).await;
    let expected =
        format!("{}/sso/logout.do?servicecode=demosvc&goto=https%3A%2F%2Fcampus.example%2Flogin", docked.sim.url());
    assert_eq!(out, json!({ "url": expected }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_without_landing_or_log_out_page_says_so() {
    let none = json!({ "login": { "landing_url": null } });
    let docked = docked_with(ZjzwfwSso::builder(), &none).await;
    let missing: [(&str, Value, &str); 2] = [
        ("login.link", json!({ "return_to": RETURN }), "login.landing_url"),
        ("logout.link", json!({}), "logout.url_template"),
    ];
    for (operation, input, key) in missing {
        let problem = docked.call(operation, &input).await.problem(500, "config", "not-sent");
        assert!(problem["detail"].as_str().unwrap().contains(key), "{problem}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_in_pages_of_other_installations_are_a_template() {
    for page in [
        "alipay.do?action=ssoLogin&servicecode=${servicecode}&redirectUrl=${goto}",
        "usp.do?servicecode=${servicecode}&goto=${goto}",
    ] {
        let template = json!({ "login": { "url_template": format!("${{base}}/{page}") } });
        let docked = docked_with(ZjzwfwSso::builder(), &template).await;
        let (url, _) = docked.log_in_link(RETURN).await;
        let back = docked.log_in_at(&url).await;
        assert_eq!(docked.land_at(&back).await.status, 302, "{page}");
    }
}
