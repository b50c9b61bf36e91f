//! Log-ins: the link, what may come back with a browser, and what the platform gets for a code.

use duijie_sdk::{
    Class, HookResponse, Outcome,
    http::HttpErrorKind,
    testing::{TestHost, hook_request},
};
use eduyun::Eduyun;
use serde_json::{Value, json};

use super::{BASE, SESSION, USER_INFO, call, config, count, host, is, location, ok, parameter, refusal, url, with};

const OAUTH: &str = "/oauth/createOauthTicket";
const AREA: &str = "/aamif/rest/area/validaTicket";
const CENTRAL: &str = "/aamif/rest/validaTicket";
const RETURN_TO: &str = "https://campus.example/login/done";

fn login_config(changes: Value) -> Value {
    let mut config = with(json!({
        "oauth": { "redirect_uri": "https://duijie.example/hooks/hz.edu/s3cret/oauth-landing" },
        "login": { "return_urls": ["https://campus.example/login"], "ticket_return_url": "https://campus.example/arrive" },
    }));
    for (table, keys) in changes.as_object().unwrap() {
        for (name, value) in keys.as_object().unwrap() {
            config[table][name] = value.clone();
        }
    }
    config
}

/// A link whose upstream gives tickets, and says who the user of a session is.
fn login_host(changes: Value) -> TestHost {
    let host = host(login_config(changes));
    host.on("POST", &url(OAUTH)).reply(200, json!({ "accessTicket": "at/1=", "retCode": "000000", "retDesc": "ok" }));
    host.on("POST", &url(USER_INFO))
        .reply(200, ok(json!({ "userId": "U1", "name": "甄测生", "dafaultIdentity": "1" })));
    host
}

fn begin(host: &TestHost) -> Value {
    call(host, "oauth.link", json!({ "return_to": RETURN_TO })).unwrap()
}

fn land(host: &TestHost, hook: &str, query: &str) -> HookResponse {
    host.receive::<Eduyun>(hook_request(hook, "GET", query, "")).unwrap()
}

fn is_refusal(response: &HookResponse) {
    let expected = duijie_sdk::landing::refusal();
    assert_eq!((response.status, &response.headers, &response.body), (400, &expected.headers, &expected.body));
}

fn redeem(host: &TestHost, address: &str) -> Result<Value, duijie_sdk::Failure> {
    call(host, "login.redeem", json!({ "code": parameter(address, "code").unwrap() }))
}

#[test]
fn a_link_goes_to_the_upstreams_page_with_our_address_and_state_in_it() {
    let host = login_host(json!({}));
    let began = begin(&host);
    let state = began["state"].as_str().unwrap();
    let landing = format!("https%3A%2F%2Fduijie.example%2Fhooks%2Fhz.edu%2Fs3cret%2Foauth-landing%3Fstate%3D{state}");
    assert_eq!(began["url"], format!("{BASE}/bmp-oauth?accessTicket=at%2F1%3D&redirect_uri={landing}"));
    assert!(!began["url"].as_str().unwrap().contains("accessToken"));
}

#[test]
fn a_log_in_goes_from_the_link_to_a_code_and_the_platform_learns_who_it_is() {
    let host = login_host(json!({}));
    let state = begin(&host)["state"].as_str().unwrap().to_owned();
    let address = location(&land(&host, "oauth-landing", &format!("state={state}&usessionid={SESSION}&userId=001")));
    assert!(address.starts_with(&format!("{RETURN_TO}?code=")), "{address}");
    assert_eq!(parameter(&address, "state"), Some(state));
    assert!(!address.contains(SESSION));
    let expected = json!({
        "via": "oauth", "usessionId": SESSION, "person": null,
        "user": { "userId": "U1", "name": "甄测生", "gender": null, "defaultIdentity": "1", "orgs": [] },
    });
    assert_eq!(redeem(&host, &address).unwrap(), expected);
    is(&redeem(&host, &address).unwrap_err(), Class::SessionInvalid, Outcome::NotSent);
}

#[test]
fn the_user_is_who_the_upstream_says_and_not_who_the_address_says() {
    let host = login_host(json!({}));
    let state = begin(&host)["state"].as_str().unwrap().to_owned();
    let address = location(&land(&host, "oauth-landing", &format!("state={state}&usessionid={SESSION}&userId=admin")));
    assert_eq!(redeem(&host, &address).unwrap()["user"]["userId"], "U1");
    assert_eq!(host.requests().pop().unwrap().json(), json!({ "usessionId": SESSION }));
}

#[test]
fn a_second_question_mark_in_the_landing_address_is_understood() {
    let host = login_host(json!({}));
    let state = begin(&host)["state"].as_str().unwrap().to_owned();
    location(&land(&host, "oauth-landing", &format!("state={state}?usessionid={SESSION}&userId=001")));
}

#[test]
fn a_landing_without_a_good_state_is_refused_and_nothing_is_sent() {
    let host = login_host(json!({}));
    let state = begin(&host)["state"].as_str().unwrap().to_owned();
    let query = format!("state={state}&usessionId={SESSION}");
    location(&land(&host, "oauth-landing", &query));
    let asked = count(&host, USER_INFO);
    for bad in [query.as_str(), "state=00&usessionid=1", "usessionid=1&userId=2", ""] {
        is_refusal(&land(&host, "oauth-landing", bad));
    }
    assert_eq!(count(&host, USER_INFO), asked);
}

#[test]
fn a_state_ends_after_ten_minutes() {
    let host = login_host(json!({}));
    let state = begin(&host)["state"].as_str().unwrap().to_owned();
    host.advance_ms(600_000);
    is_refusal(&land(&host, "oauth-landing", &format!("state={state}&usessionid={SESSION}")));
}

#[test]
fn a_session_that_the_upstream_does_not_know_is_refused_and_one_in_trouble_is_a_failure() {
    let landed = |reply: Option<Value>| {
        let host = host(login_config(json!({})));
        host.on("POST", &url(OAUTH)).reply(200, json!({ "accessTicket": "a", "retCode": "000000" }));
        let route = host.on("POST", &url(USER_INFO));
        match reply {
            Some(reply) => route.reply(200, reply),
            None => route.fail(HttpErrorKind::Timeout, true),
        };
        let state = begin(&host)["state"].as_str().unwrap().to_owned();
        let query = format!("state={state}&usessionid={SESSION}");
        host.receive::<Eduyun>(hook_request("oauth-landing", "GET", &query, ""))
    };
    for reply in [refusal("300006", "会话无效"), refusal("200002", "参数错误"), refusal("999999", "no")] {
        is_refusal(&landed(Some(reply)).unwrap());
    }
    assert_eq!(landed(None).unwrap_err().class, Class::Timeout);
    let host = login_host(json!({}));
    let state = begin(&host)["state"].as_str().unwrap().to_owned();
    is_refusal(&land(&host, "oauth-landing", &format!("state={state}")));
}

#[test]
fn a_browser_is_never_sent_to_a_page_that_the_link_does_not_allow() {
    let host = login_host(json!({}));
    let failure = call(&host, "oauth.link", json!({ "return_to": "https://evil.example/" })).unwrap_err();
    is(&failure, Class::InvalidInput, Outcome::NotSent);
    assert_eq!(failure.detail_json()[0]["pointer"], "/return_to");
    assert!(host.requests().is_empty());
}

#[test]
fn without_an_address_of_ours_there_is_no_log_in() {
    let host = host(config());
    let failure = call(&host, "oauth.link", json!({ "return_to": RETURN_TO })).unwrap_err();
    is(&failure, Class::Config, Outcome::NotSent);
    let landed = host.receive::<Eduyun>(hook_request("ticket-landing", "GET", "ticket=x", ""));
    assert_eq!(landed.unwrap_err().class, Class::Config);
}

#[test]
fn a_ticket_of_the_log_in_page_may_be_asked_for_by_get() {
    let host = host(with(json!({ "oauth": { "ticket_method": "GET" } })));
    host.on("GET", &url(OAUTH)).reply(200, json!({ "accessTicket": "a", "retCode": "000000" }));
    assert_eq!(call(&host, "oauth.ticket", json!({})).unwrap(), json!({ "accessTicket": "a" }));
    let sent = host.requests().pop().unwrap();
    assert_eq!((sent.url, sent.body), (format!("{}?accessToken=t1", url(OAUTH)), Vec::new()));
}

fn validated() -> Value {
    json!({ "result": "000000", "desc": "success", "usessionid": "u9", "userinfo": { "personid": "p9", "name": "甄测生" } })
}

#[test]
fn a_browser_that_arrives_with_a_ticket_is_handed_over_with_a_code_and_without_a_state() {
    for (validator, path, body) in [
        ("area", AREA, json!({ "ticket": "ab+/c==" })),
        ("central", CENTRAL, json!({ "ticket": "ab+/c==", "platformcode": "0" })),
    ] {
        let host = login_host(json!({ "login": { "ticket_validator": validator } }));
        host.on("POST", &url(path)).reply(200, validated());
        // The first is as it should be, the second as it often is.
        for query in ["ticket=ab%2B%2Fc%3D%3D&sysCode=0", "ticket=ab+/c=="] {
            let address = location(&land(&host, "ticket-landing", query));
            assert!(address.starts_with("https://campus.example/arrive?code="), "{address}");
            assert_eq!(parameter(&address, "state"), None);
            let who = redeem(&host, &address).unwrap();
            assert_eq!((&who["via"], &who["usessionId"], &who["user"]), (&json!("ticket"), &json!("u9"), &Value::Null));
            assert_eq!(who["person"]["personId"], "p9");
            assert_eq!(host.requests().pop().unwrap().json(), body);
        }
    }
}

#[test]
fn a_ticket_that_is_none_is_refused() {
    let host = login_host(json!({}));
    is_refusal(&land(&host, "ticket-landing", ""));
    is_refusal(&land(&host, "ticket-landing", "ticket="));
    assert!(host.requests().is_empty());
    for code in ["100001", "301999"] {
        let host = login_host(json!({}));
        host.on("POST", &url(AREA)).reply(200, json!({ "result": code, "desc": "ticket verify fail" }));
        is_refusal(&land(&host, "ticket-landing", "ticket=x"));
    }
    let host = login_host(json!({}));
    host.on("POST", &url(AREA)).reply(503, json!({}));
    let landed = host.receive::<Eduyun>(hook_request("ticket-landing", "GET", "ticket=x", ""));
    assert_eq!(landed.unwrap_err().class, Class::Unavailable);
}

#[test]
fn addresses_of_applications_keep_their_query_and_fragment_and_must_be_pages() {
    let host = host(config());
    let link = |app: &str| call(&host, "link.app", json!({ "appUrl": app, "ticket": "a+/=" }));
    let url = |app: &str| link(app).unwrap()["url"].as_str().unwrap().to_owned();
    assert_eq!(url("http://a.example/x?y=1#/z"), "http://a.example/x?y=1&ticket=a%2B%2F%3D&sysCode=0#/z");
    for bad in
        ["javascript:alert(1)", "/x", "http://", "http://u@a.example/", "http://a.example/\n", "http://a.example/?x y"]
    {
        let failure = link(bad).unwrap_err();
        is(&failure, Class::InvalidInput, Outcome::NotSent);
        assert_eq!(failure.detail_json()[0]["pointer"], "/appUrl");
    }
}
