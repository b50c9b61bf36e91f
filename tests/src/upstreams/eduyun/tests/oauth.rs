//! Logging in with a national account.

use http::Method;
use serde_json::json;

use super::super::super::testing::{Answer, call, post};
use super::super::{Eduyun, OauthTicketMethod, codes};
use super::member::{JSON, Member};

async fn access_ticket(member: &Member) -> String {
    let reply = member.ask("/oauth/createOauthTicket", json!({"accessToken": member.token})).await;
    assert_eq!(reply["retCode"], codes::OK);
    // Flat: beside retCode, not under data.
    reply["accessTicket"].as_str().expect("an access ticket").to_owned()
}

async fn login(member: &Member, ticket: &str, back: &str) -> Answer {
    let back: String = url::form_urlencoded::byte_serialize(back.as_bytes()).collect();
    call(member.address(), "GET", &format!("/bmp-oauth?accessTicket={ticket}&redirect_uri={back}")).await
}

#[tokio::test]
async fn the_browser_comes_back_with_a_session_of_whoever_is_logged_in() {
    let member = Member::strict().await;
    assert!(member.profile().log_in("demoUser0002"));
    let ticket = access_ticket(&member).await;
    let answer = login(&member, &ticket, "http://platform.invalid/back?state=a%26b#top").await;
    assert_eq!((answer.status, answer.header("cache-control")), (302, "no-store"));
    let location = url::Url::parse(answer.header("location")).expect("a URL");
    let pairs: Vec<_> = location.query_pairs().into_owned().collect();
    assert_eq!((pairs[0].0.as_str(), pairs[0].1.as_str()), ("state", "a&b"), "its own query stays");
    assert_eq!(
        (pairs[1].0.as_str(), pairs[2].0.as_str(), pairs[2].1.as_str()),
        ("usessionid", "userId", "demoUser0002")
    );
    assert_eq!(location.fragment(), Some("top"));
    let info = member.ask("/userSession/getLoginUserInfo", json!({"usessionId": pairs[1].1})).await;
    assert_eq!((&info["data"]["userId"], &info["data"]["gender"]), (&json!("demoUser0002"), &json!("1")));
    assert_eq!(info["data"]["orgRelList"][0]["orgName"], "样本第1中学");
    let wrong = member.ask("/userSession/getLoginUserInfo", json!({"usessionid": pairs[1].1})).await;
    assert_eq!(wrong["retCode"], codes::WRONG, "the landing's spelling is not this operation's");
}

#[tokio::test]
async fn an_access_ticket_is_good_once() {
    let member = Member::strict().await;
    let ticket = access_ticket(&member).await;
    assert_eq!(login(&member, &ticket, "http://platform.invalid/").await.status, 302);
    let again = login(&member, &ticket, "http://platform.invalid/").await;
    assert_eq!((again.status, again.header("location")), (400, ""));
    assert_eq!(member.simulator.journal().last().expect("an entry").code.as_deref(), Some(codes::SESSION));
}

#[tokio::test]
async fn return_addresses_begin_with_the_registered_one() {
    let member = Member::of(Eduyun::builder().redirect_uri("http://platform.invalid/")).await;
    let status = async |back: &str| login(&member, &access_ticket(&member).await, back).await.status;
    assert_eq!(status("http://platform.invalid/landing?state=1").await, 302);
    assert_eq!(status("http://evil.invalid/").await, 400);
    assert_eq!(status("javascript:alert(1)").await, 400);
    let body = json!({"url": "http://other.invalid/"}).to_string();
    post(member.address(), "POST", "/_sim/redirect-uri", &[], body).await.expect("an answer");
    assert_eq!(status("http://other.invalid/").await, 302);
}

#[tokio::test]
async fn a_token_in_the_browsers_address_is_refused_unless_quirky() {
    for (builder, status) in [(Eduyun::builder(), 400), (Eduyun::builder().quirky(), 302)] {
        let member = Member::of(builder).await;
        let ticket = access_ticket(&member).await;
        let target = format!("/bmp-oauth?accessTicket={ticket}&redirect_uri=http%3A%2F%2Fx.invalid&accessToken=t");
        assert_eq!(call(member.address(), "GET", &target).await.status, status);
    }
}

#[tokio::test]
async fn the_method_of_the_access_ticket_is_the_builders_choice() {
    let ask = async |member: &Member, method: Method, body: &'static str| {
        let target = format!("/oauth/createOauthTicket?accessToken={}", member.token);
        post(member.address(), method.as_str(), &target, &[JSON], body).await.expect("an answer").status
    };
    let post_only = Member::strict().await;
    assert_eq!(ask(&post_only, Method::GET, "").await, 405);
    assert_eq!(ask(&post_only, Method::POST, "").await, 200, "the token in the query is enough");
    let get_only = Member::of(Eduyun::builder().oauth_ticket_method(OauthTicketMethod::Get)).await;
    assert_eq!(ask(&get_only, Method::GET, "").await, 200);
    assert_eq!(ask(&get_only, Method::POST, "{}").await, 405);
    let target = format!("/oauth/createOauthTicket?accessToken={}", post_only.token);
    let other = post(post_only.address(), "POST", &target, &[JSON], r#"{"accessToken":"other"}"#).await;
    assert_eq!(other.expect("an answer").json()["retCode"], codes::WRONG);
}
