//! The login page.

use serde_json::json;
use url::Url;

use super::super::super::testing::{Answer, call, post};
use super::super::{ZjzwfwSso, codes};
use super::resource::Resource;

async fn login(resource: &Resource, query: &str) -> Answer {
    call(resource.address(), "GET", &format!("/sso/mobile.do?{query}")).await
}

fn pairs(answer: &Answer) -> (String, Vec<(String, String)>) {
    let location = Url::parse(answer.header("location")).expect("a URL");
    let host = location.host_str().expect("a host").to_owned();
    (host, location.query_pairs().into_owned().collect())
}

const GOTO: &str = "action=oauth&scope=1&servicecode=demosvc&goto=http%3A%2F%2Fgoto.invalid%2Fa%3Fb%3D1";

#[tokio::test]
async fn the_browser_comes_back_with_a_ticket_and_where_it_wanted_to_go() {
    let resource = Resource::strict().await;
    assert!(resource.profile().log_in("demoUser0002"));
    let answer = login(&resource, GOTO).await;
    assert_eq!((answer.status, answer.header("cache-control")), (302, "no-store"));
    let (host, pairs) = pairs(&answer);
    assert_eq!((host.as_str(), pairs[0].0.as_str(), pairs[1].0.as_str()), ("goto.invalid", "b", "ticket"));
    assert_eq!(pairs[2], ("sp".to_owned(), "http://goto.invalid/a?b=1".to_owned()));
    let user = resource.ask("ticketValidation", &[("st", &pairs[1].1)]).await;
    assert_eq!(user["userid"], "demoUser0002");
}

#[tokio::test]
async fn a_registered_landing_is_returned_to_instead() {
    let builder = ZjzwfwSso::builder().landing_url("http://landing.invalid/in").ticket_parameter("st");
    let resource = Resource::of(builder.omit_sp()).await;
    let (host, found) = pairs(&login(&resource, GOTO).await);
    assert_eq!((host.as_str(), found[0].0.as_str(), found.len()), ("landing.invalid", "st", 1));
    let body = json!({"url": "http://other.invalid/in"}).to_string();
    post(resource.address(), "POST", "/_sim/landing", &[], body).await.expect("an answer");
    assert_eq!(pairs(&login(&resource, GOTO).await).0, "other.invalid");
}

#[tokio::test]
async fn a_link_that_is_not_as_it_should_be_leads_nowhere() {
    let resource = Resource::strict().await;
    let cases = [
        (GOTO.replace("action=oauth", "action=x"), codes::MALFORMED),
        (GOTO.replace("demosvc", "nobody"), codes::SERVICE),
        (GOTO.replace("goto=http", "goto=javascript"), codes::MALFORMED),
        (GOTO.replace("goto=", "to="), codes::MISSING),
        (format!("{GOTO}&goto=http://evil.invalid"), codes::MISSING),
    ];
    for (query, code) in cases {
        let answer = login(&resource, &query).await;
        assert_eq!((answer.status, answer.header("location")), (400, ""), "{query}");
        assert_eq!(resource.simulator.journal().last().expect("an entry").code.as_deref(), Some(code), "{query}");
    }
    let other = "/sso/alipay.do?action=ssoLogin&servicecode=demosvc&redirectUrl=http%3A%2F%2Fgoto.invalid";
    assert_eq!(call(resource.address(), "GET", other).await.status, 302, "a variant that has been seen");
}
