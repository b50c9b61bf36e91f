//! Logging in with an account of the national cloud: out, back, and redeemed.

use culturedc::CultureDc;
use duijie_sdk::{
    Class, Failure, HookResponse, Outcome,
    http::HttpErrorKind,
    landing,
    testing::{TestHost, hook_request},
};
use serde_json::{Value, json};

use super::{BASE, call, config, golden, host, is, refused, with};

const LANDING: &str = "https://hooks.example/hooks/zj.whg/path-secret/login-landing";
const RETURN: &str = "https://campus.example/login";

fn link() -> TestHost {
    host(with(json!({ "login": { "redirect_uri": LANDING, "return_urls": [RETURN] } })))
}

fn exchange(host: &TestHost) -> duijie_sdk::testing::Route<'_> {
    host.on("POST", &format!("{BASE}/openapi/v1/user/exchange"))
}

fn begin(host: &TestHost) -> Value {
    call(host, "login.link", json!({ "returnTo": format!("{RETURN}/done") })).unwrap()
}

fn land(host: &TestHost, query: &str) -> Result<HookResponse, Failure> {
    host.receive::<CultureDc>(hook_request("login-landing", "GET", query, ""))
}

fn location(response: &HookResponse) -> &str {
    response.headers.iter().find(|(name, _)| name == "location").map(|(_, value)| value.as_str()).unwrap()
}

#[test]
fn the_link_is_the_documents() {
    let host = link();
    let begun = begin(&host);
    let state = begun["state"].as_str().unwrap();
    assert!(state.len() >= 32);
    assert_eq!(
        begun["url"],
        format!(
            "{BASE}/oauth/authorize?ak=AKDEMO0000000001\
             &redirect_uri=https%3A%2F%2Fhooks.example%2Fhooks%2Fzj.whg%2Fpath-secret%2Flogin-landing&state={state}"
        )
    );
    assert!(host.requests().is_empty());
}

#[test]
fn a_user_comes_back_once() {
    let host = link();
    exchange(&host).reply(200, golden(include_str!("../golden/exchange.reply.json")));
    let state = begin(&host)["state"].as_str().unwrap().to_owned();
    let arrived = land(&host, &format!("code=up-code&state={state}")).unwrap();
    assert_eq!(host.requests().remove(0).text(), r#"{"code":"up-code"}"#);
    let code = location(&arrived).strip_prefix("https://campus.example/login/done?code=").unwrap();
    let (code, rest) = code.split_once('&').unwrap();
    assert_eq!((arrived.status, rest), (302, format!("state={state}").as_str()));
    assert!(!location(&arrived).contains("o-7f3a") && !location(&arrived).contains("13800000001"));
    assert_eq!(
        call(&host, "login.redeem", json!({ "code": code })).unwrap(),
        json!({ "openId": "o-7f3a", "nickname": "甄测生", "phone": "13800000001" })
    );
    is(&refused(&host, "login.redeem", json!({ "code": code })), Class::SessionInvalid, Outcome::NotSent);
    // The browser's reload finds its state used up.
    assert_eq!(land(&host, &format!("code=up-code&state={state}")).unwrap(), landing::refusal());
    assert!(host.logs().is_empty());
}

#[test]
fn a_user_need_not_tell_a_phone() {
    let host = link();
    exchange(&host).reply(200, json!({ "code": 0, "data": { "openId": 42 } }));
    let state = begin(&host)["state"].as_str().unwrap().to_owned();
    let arrived = land(&host, &format!("code=c&state={state}")).unwrap();
    let code = location(&arrived).split("code=").nth(1).unwrap().split('&').next().unwrap();
    let user = call(&host, "login.redeem", json!({ "code": code })).unwrap();
    assert_eq!(user, json!({ "openId": "42", "nickname": null, "phone": null }));
}

#[test]
fn every_bad_arrival_gets_the_same_page_and_reaches_no_upstream() {
    let host = link();
    let state = begin(&host)["state"].as_str().unwrap().to_owned();
    let strange = "0".repeat(32);
    for query in [
        String::new(),
        format!("state={state}"),
        format!("code=&state={state}"),
        "code=c".to_owned(),
        format!("code=c&state={strange}"),
        format!("error=access_denied&state={state}"),
    ] {
        assert_eq!(land(&host, &query).unwrap(), landing::refusal(), "{query}");
    }
    assert!(host.requests().is_empty());
    host.advance_ms(600_000);
    assert_eq!(land(&host, &format!("code=c&state={state}")).unwrap(), landing::refusal());
}

#[test]
fn a_code_that_the_upstream_refuses_is_a_bad_arrival() {
    for code in [40001, 40999] {
        let host = link();
        exchange(&host).reply(200, json!({ "code": code, "message": "code" }));
        let state = begin(&host)["state"].as_str().unwrap().to_owned();
        assert_eq!(land(&host, &format!("code=used&state={state}")).unwrap(), landing::refusal());
    }
}

#[test]
fn what_only_an_operator_can_mend_is_a_failure() {
    let failing = |prepare: &dyn Fn(&TestHost)| {
        let host = link();
        prepare(&host);
        let state = begin(&host)["state"].as_str().unwrap().to_owned();
        land(&host, &format!("code=c&state={state}")).unwrap_err().class
    };
    assert_eq!(failing(&|host| drop(exchange(host).fail(HttpErrorKind::Timeout, true))), Class::Timeout);
    assert_eq!(failing(&|host| drop(exchange(host).reply(200, json!({ "code": 40102 })))), Class::AuthFailed);
    assert_eq!(failing(&|host| drop(exchange(host).reply(200, json!({ "code": 0, "data": {} })))), Class::Protocol);
    let expired = |host: &TestHost| {
        host.validity("secret_key", 0, 30);
    };
    assert_eq!(failing(&expired), Class::AuthExpired);
}

#[test]
fn a_failed_landing_tells_the_upstreams_code_and_not_its_words() {
    let host = link();
    exchange(&host).reply(200, json!({ "code": 50000, "message": "甄测生 up-code" }));
    let state = begin(&host)["state"].as_str().unwrap().to_owned();
    let failure = land(&host, &format!("code=up-code&state={state}")).unwrap_err();
    is(&failure, Class::Unavailable, Outcome::Unknown);
    assert_eq!(failure.upstream_code.as_deref(), Some("50000"));
    assert!(failure.message.contains("50000"), "{}", failure.message);
    assert!(!failure.message.contains("甄测生") && !failure.message.contains("up-code"), "{}", failure.message);
}

#[test]
fn a_log_in_ends_on_pages_of_the_platform_only() {
    let failure = refused(&link(), "login.link", json!({ "returnTo": "https://campus.example.evil/login" }));
    is(&failure, Class::InvalidInput, Outcome::NotSent);
    is(&refused(&host(config()), "login.link", json!({ "returnTo": RETURN })), Class::Config, Outcome::NotSent);
}

#[test]
fn browsers_may_find_the_log_in_page_elsewhere_and_the_state_may_ride_in_our_own_address() {
    let mut wire: Value = serde_json::from_str(culturedc::profile::SIM_V1).unwrap();
    wire["authorize"]["link"] = json!("/cas?service=${redirect_uri_with_state}");
    wire["authorize"]["code_parameter"] = json!("ticket");
    wire["authorize"]["state_parameter"] = json!("s");
    let host = host(with(json!({
        "profile": "custom", "wire": wire,
        "login": { "redirect_uri": LANDING, "return_urls": [RETURN], "base_url": "https://login.example/sso/" },
    })));
    assert_eq!(host.check::<CultureDc>(), []);
    exchange(&host).reply(200, golden(include_str!("../golden/exchange.reply.json")));
    let begun = begin(&host);
    let state = begun["state"].as_str().unwrap();
    let url = begun["url"].as_str().unwrap();
    assert!(url.starts_with("https://login.example/sso/cas?service=https%3A%2F%2Fhooks.example%2F"), "{url}");
    assert!(url.ends_with(&format!("login-landing%3Fs%3D{state}")), "{url}");
    assert_eq!(land(&host, &format!("s={state}&ticket=T1")).unwrap().status, 302);
}
