//! What a browser does: log in, and look at pages.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::super::testing::{Answer, call, post};
use super::super::{Culturedc, DEMO_ACCESS_KEY, DEMO_SECRET_KEY, codes};
use super::institution::{How, Institution};

const EXCHANGE: &str = "/openapi/v1/user/exchange";
const BACK: &str = "http%3A%2F%2Flocal.example.com%2Fback%3Fa%3D1";

async fn authorize(institution: &Institution, query: &str) -> Answer {
    call(institution.address(), "GET", &format!("/oauth/authorize?{query}")).await
}

/// The code that a citizen comes back with.
async fn arrive(institution: &Institution) -> String {
    let answer =
        authorize(institution, &format!("ak={DEMO_ACCESS_KEY}&redirect_uri={BACK}&state=s%20%26%E5%80%BC")).await;
    assert_eq!(answer.status, 302, "{:?}", answer.body);
    let url = url::Url::parse(answer.header("location")).expect("a URL");
    assert_eq!((url.host_str(), url.path()), (Some("local.example.com"), "/back"));
    let query: BTreeMap<_, _> = url.query_pairs().into_owned().collect();
    assert_eq!((query["a"].as_str(), query["state"].as_str()), ("1", "s &值"));
    query["code"].clone()
}

fn exchange(code: &str) -> Value {
    json!({ "code": code })
}

#[tokio::test]
async fn a_citizen_comes_back_with_a_code_that_is_exchanged_once() {
    let institution = Institution::strict().await;
    let code = arrive(&institution).await;
    let user = institution.data("POST", EXCHANGE, &exchange(&code)).await;
    assert_eq!((&user["nickname"], &user["phone"]), (&json!("甄测生1"), &json!("13800000001")));
    assert_eq!(user["openId"].as_str().map(str::len), Some(32));
    assert_eq!(institution.code("POST", EXCHANGE, &exchange(&code)).await, codes::PARAMETER);
    assert_eq!(institution.code("POST", EXCHANGE, &json!({})).await, codes::PARAMETER);
    let again = arrive(&institution).await;
    assert_eq!(institution.data("POST", EXCHANGE, &exchange(&again)).await, user, "the same citizen");
}

#[tokio::test]
async fn a_code_is_good_for_a_minute_and_for_the_key_it_was_made_for() {
    let builder = Culturedc::builder().key(DEMO_ACCESS_KEY, DEMO_SECRET_KEY).key("AKDEMO0000000002", "SK2");
    let institution = Institution::of(builder).await;
    let late = exchange(&arrive(&institution).await).to_string();
    let how = How { more: vec![("x-sim-fault", "clock-skew=61".to_owned())], ..institution.carefully() };
    assert_eq!(institution.send_as(&how, "POST", EXCHANGE, &late).await.json()["code"], codes::PARAMETER);
    let stolen = exchange(&arrive(&institution).await).to_string();
    let other = How { access_key: "AKDEMO0000000002", secret_key: "SK2", ..institution.carefully() };
    assert_eq!(institution.send_as(&other, "POST", EXCHANGE, &stolen).await.json()["code"], codes::PARAMETER);
    let revoked = arrive(&institution).await;
    assert_eq!(institution.simulator.revoke_tokens(), 1);
    assert_eq!(institution.code("POST", EXCHANGE, &exchange(&revoked)).await, codes::PARAMETER);
}

#[tokio::test]
async fn a_visit_that_cannot_work_is_refused_and_not_redirected() {
    let registered = "http://local.example.com/back?a=1";
    let institution = Institution::of(Culturedc::builder().callback(registered)).await;
    arrive(&institution).await;
    for (query, expected) in [
        (format!("ak=AKDEMO0000000002&redirect_uri={BACK}&state=s"), codes::UNKNOWN_KEY),
        (format!("redirect_uri={BACK}&state=s"), codes::UNKNOWN_KEY),
        (format!("ak={DEMO_ACCESS_KEY}&redirect_uri={BACK}"), codes::PARAMETER),
        (format!("ak={DEMO_ACCESS_KEY}&redirect_uri=http%3A%2F%2Fevil.example.com%2F&state=s"), codes::PARAMETER),
    ] {
        let answer = authorize(&institution, &query).await;
        assert_eq!((answer.status, &answer.json()["code"]), (400, &json!(expected)), "{query}");
    }
    institution.profile().expire_key(DEMO_ACCESS_KEY);
    let answer = authorize(&institution, &format!("ak={DEMO_ACCESS_KEY}&redirect_uri={BACK}&state=s")).await;
    assert_eq!(answer.json()["code"], codes::KEY_EXPIRED);
    let any = Institution::strict().await;
    let answer = authorize(&any, &format!("ak={DEMO_ACCESS_KEY}&redirect_uri=javascript%3A1&state=s")).await;
    assert_eq!(answer.json()["code"], codes::PARAMETER);
}

#[tokio::test]
async fn several_citizens_come_in_turn_and_need_no_phone() {
    let institution = Institution::of(Culturedc::builder().users(2).without_phones().seed(7)).await;
    let mut people = Vec::new();
    for _ in 0..3 {
        let code = arrive(&institution).await;
        people.push(institution.data("POST", EXCHANGE, &exchange(&code)).await);
    }
    assert!(people[0] == people[2] && people[0]["openId"] != people[1]["openId"], "{people:?}");
    assert!(people[0].get("phone").is_none());
}

#[tokio::test]
async fn pages_have_the_link_or_not() {
    let institution = Institution::strict().await;
    let page = async |name: &str| {
        let answer = call(institution.address(), "GET", &format!("/pages/{name}")).await;
        assert!(answer.header("content-type").starts_with("text/html"));
        (answer.status, String::from_utf8(answer.body.to_vec()).expect("UTF-8"))
    };
    for (name, part) in [
        ("http", "href=\"http://www.culturedc.cn\""),
        ("https", "href=\"https://www.culturedc.cn/\""),
        ("h5", "href=\"https://app.culturedc.cn\""),
        ("relative", "href=\"//www.culturedc.cn\""),
        ("comment", "<!-- <a href=\"http://www.culturedc.cn\""),
        ("look-alike", "href=\"http://www.culturedc.cn.example.com/\""),
    ] {
        let (status, html) = page(name).await;
        assert!(status == 200 && html.contains(part), "{name}: {html}");
    }
    assert!(!page("missing").await.1.contains("culturedc.cn"));
    assert_eq!(page("nowhere").await.0, 404);

    institution.profile().set_page("home", &["/go?to=culturedc&x=1"]).expect("set");
    assert!(page("home").await.1.contains("href=\"/go?to=culturedc&amp;x=1\""));
    institution.profile().set_page("home", &[] as &[&str]).expect("set");
    assert!(!page("home").await.1.contains("href"));
    let body = json!({"name": "home", "html": "<a href='http://www.culturedc.cn'>x</a>"}).to_string();
    assert_eq!(post(institution.address(), "POST", "/_sim/pages", &[], body).await.expect("an answer").status, 200);
    assert_eq!(page("home").await.1, "<a href='http://www.culturedc.cn'>x</a>");
    let both = json!({"name": "home", "html": "", "links": []}).to_string();
    assert_eq!(post(institution.address(), "POST", "/_sim/pages", &[], both).await.expect("an answer").status, 400);
    assert!(institution.profile().set_page_html("big", "x".repeat(1024 * 1024 + 1)).is_err());
    assert_eq!(institution.simulator.counters().requests_of("link.check"), 11);
    institution.simulator.reset();
    assert_eq!(page("home").await.0, 404);
}
