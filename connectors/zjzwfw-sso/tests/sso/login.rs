//! A log-in from link to code, and everything that ends on the one page.

use duijie_sdk::{HookResponse, http::HttpErrorKind, testing::hook_request, url::percent};
use serde_json::json;
use zjzwfw_sso::ZjzwfwSso;

use super::*;

const LANDING: &str = "https://duijie.example/hooks/zj.demo/p/login-landing";
const BACK: &str = "https://campus.example/login/done?x=1";

fn landing() -> Value {
    json!({ "login": { "landing_url": LANDING, "return_urls": ["https://campus.example/login"] } })
}

/// A link whose SSO knows the ticket and the person.
fn ready() -> TestHost {
    let host = host(landing());
    host.on("POST", SIMPLE).reply_text(200, "text/xml", VALIDATED).reply_text(200, "text/xml", INFO);
    host
}

/// Several links take turns on one thread here.
fn begin(host: &TestHost) -> (String, String) {
    host.enter();
    let output = host.call::<ZjzwfwSso>("login.link", json!({ "return_to": BACK })).unwrap();
    (output["url"].as_str().unwrap().to_owned(), output["state"].as_str().unwrap().to_owned())
}

fn land(host: &TestHost, query: &str) -> HookResponse {
    host.enter();
    host.receive::<ZjzwfwSso>(hook_request("login-landing", "GET", query, "")).unwrap()
}

fn location(response: &HookResponse) -> Option<&str> {
    response.headers.iter().find(|(name, _)| name == "location").map(|(_, value)| value.as_str())
}

/// The code that a landing hands over.
fn code(response: &HookResponse, state: &str) -> String {
    assert_eq!(response.status, 302);
    let rest = location(response).unwrap().strip_prefix(&format!("{BACK}&code=")).unwrap();
    rest.strip_suffix(&format!("&state={state}")).unwrap().to_owned()
}

fn redeem(host: &TestHost, code: &str) -> Result<Value, Failure> {
    host.call::<ZjzwfwSso>("login.redeem", json!({ "code": code }))
}

#[test]
fn the_link_is_the_documents_with_our_state_inside_goto() {
    let (url, state) = begin(&ready());
    let goto = percent(&format!("{LANDING}?state={state}"));
    assert_eq!(url, format!("{BASE}/mobile.do?action=oauth&scope=1&servicecode=demosvc&goto={goto}"));
}

#[test]
fn the_links_template_is_config() {
    let mut changes = landing();
    changes["login"]["url_template"] =
        json!("${base}/alipay.do?action=ssoLogin&servicecode=${servicecode}&redirectUrl=${goto}");
    changes["servicecode"] = json!("a&b");
    let (url, _) = begin(&host(changes));
    assert!(
        url.starts_with(&format!("{BASE}/alipay.do?action=ssoLogin&servicecode=a%26b&redirectUrl=https%3A%2F%2F")),
        "{url}"
    );
}

#[test]
fn a_log_in_ends_at_the_platform_with_a_code_for_session_and_person() {
    let host = ready();
    let (_, state) = begin(&host);
    let response = land(&host, &format!("state={state}&ticket=8afac0cc-ticket&sp={}", percent(LANDING)));
    let code = code(&response, &state);
    let expected = json!({
        "session": golden(include_str!("../golden/ticket_validation.output.json")),
        "user": golden(include_str!("../golden/user_info.output.json")),
    });
    assert_eq!(redeem(&host, &code), Ok(expected));
    is(&redeem(&host, &code).unwrap_err(), Class::SessionInvalid, Outcome::NotSent);
    let asked: Vec<_> = host.requests().iter().map(|request| parameters(&request.text())[0].1.clone()).collect();
    assert_eq!(asked, ["ticketValidation", "getUserInfo"]);
}

#[test]
fn the_ticket_goes_to_the_sso_and_nowhere_else() {
    let host = ready();
    let (_, state) = begin(&host);
    let response = land(&host, &format!("state={state}&ticket=8afac0cc-ticket"));
    assert!(!format!("{response:?}").contains("8afac0cc"));
    assert_eq!(response.headers.iter().find(|(name, _)| name == "referrer-policy").unwrap().1, "no-referrer");
    assert!(host.logs().is_empty());
    assert!(host.kv_keys().iter().all(|key| !key.contains("8afac0cc")));
}

#[test]
fn a_ticket_comes_under_three_names_and_the_state_may_come_inside_sp() {
    for query in ["ticket=T&state=STATE", "st=T&state=STATE", "ticketId=T&state=STATE", "ticket=&st=T&state=STATE"] {
        let host = ready();
        let (_, state) = begin(&host);
        assert_eq!(land(&host, &query.replace("STATE", &state)).status, 302, "{query}");
        assert!(host.requests()[0].text().ends_with("&st=T"));
    }
    let host = ready();
    let (_, state) = begin(&host);
    let sp = percent(&format!("{LANDING}?x=1&state={state}"));
    assert_eq!(land(&host, &format!("ticket=T&sp={sp}")).status, 302);
}

#[test]
fn a_browser_goes_where_the_link_said_whatever_sp_says() {
    let host = ready();
    let (_, state) = begin(&host);
    let response = land(&host, &format!("ticket=T&state={state}&sp=https%3A%2F%2Fevil.example"));
    assert!(location(&response).unwrap().starts_with(BACK));
}

#[test]
fn whatever_is_wrong_the_page_is_the_same() {
    let (_, state) = begin(&ready());
    let used = ready();
    let (_, spent) = begin(&used);
    assert_eq!(land(&used, &format!("ticket=T&state={spent}")).status, 302);
    let late = ready();
    let (_, old) = begin(&late);
    late.advance_ms(600_000);
    let refused = answering(landing(), 200, "{\"result\":\"1\",\"errmsg\":\"票据无效\"}");
    let (_, begun) = begin(&refused);
    let down = host(landing());
    down.on("POST", SIMPLE).fail(HttpErrorKind::Timeout, true);
    let (_, waiting) = begin(&down);
    let page = land(&ready(), "");
    assert_eq!(page.status, 400);
    for response in [
        land(&ready(), "ticket=T"),
        land(&ready(), "ticket=T&state=unknown"),
        land(&ready(), &format!("ticket=T&state={state}")),
        land(&ready(), &format!("state={state}")),
        land(&ready(), &format!("ticket={}&state={state}", "T".repeat(513))),
        land(&ready(), &format!("ticket=T%0A&state={state}")),
        land(&used, &format!("ticket=T&state={spent}")),
        land(&late, &format!("ticket=T&state={old}")),
        land(&refused, &format!("ticket=T&state={begun}")),
        land(&down, &format!("ticket=T&state={waiting}")),
    ] {
        assert_eq!(response, page);
    }
    assert_eq!(refused.logs().len(), 1);
    assert!(!format!("{:?}", refused.logs()).contains("票据无效"));
}

#[test]
fn without_the_persons_details_a_log_in_is_still_one() {
    let host = host(landing());
    host.on("POST", SIMPLE).reply_text(200, "text/xml", VALIDATED).reply_text(503, "text/html", "");
    let (_, state) = begin(&host);
    let code = code(&land(&host, &format!("ticket=T&state={state}")), &state);
    let login = redeem(&host, &code).unwrap();
    assert_eq!((&login["user"], &login["session"]["userId"]), (&Value::Null, &json!("u-0001")));
}

#[test]
fn a_ticket_is_redeemed_within_five_seconds_whatever_the_link_says() {
    let mut changes = landing();
    changes["http"] = json!({ "timeout_ms": 60_000 });
    let host = host(changes);
    host.on("POST", SIMPLE).reply_text(200, "text/xml", VALIDATED).reply_text(200, "text/xml", INFO);
    let (_, state) = begin(&host);
    land(&host, &format!("ticket=T&state={state}"));
    assert!(host.requests().iter().all(|request| request.timeout_ms == Some(5_000)));
}

#[test]
fn only_pages_of_the_platform_may_be_the_end() {
    let host = ready();
    for bad in ["https://evil.example/", "https://campus.example/other", "javascript:alert(1)"] {
        let failure = host.call::<ZjzwfwSso>("login.link", json!({ "return_to": bad })).unwrap_err();
        is(&failure, Class::InvalidInput, Outcome::NotSent);
        assert_eq!(failure.detail_json()[0]["pointer"], "/return_to");
    }
    let closed = super::host(json!({ "login": { "return_urls": ["https://campus.example/login"] } }));
    is(
        &closed.call::<ZjzwfwSso>("login.link", json!({ "return_to": BACK })).unwrap_err(),
        Class::Config,
        Outcome::NotSent,
    );
}

#[test]
fn the_log_out_link_is_the_operators_template() {
    let mut changes = landing();
    changes["logout"] = json!({ "url_template": "${base}/logout?servicecode=${servicecode}&goto=${goto}" });
    let host = host(changes);
    let logout = |input| host.call::<ZjzwfwSso>("logout.link", input);
    let goto = percent(BACK);
    let expected = json!({ "url": format!("{BASE}/logout?servicecode=demosvc&goto={goto}") });
    assert_eq!(logout(json!({ "return_to": BACK })), Ok(expected));
    assert_eq!(logout(json!({})), Ok(json!({ "url": format!("{BASE}/logout?servicecode=demosvc&goto=") })));
    is(&logout(json!({ "return_to": "https://evil.example" })).unwrap_err(), Class::InvalidInput, Outcome::NotSent);
    let bare = super::host(landing());
    is(&bare.call::<ZjzwfwSso>("logout.link", json!({})).unwrap_err(), Class::Config, Outcome::NotSent);
}
