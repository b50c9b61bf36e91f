//! The token endpoint, and tokens on the business endpoints.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use serde_json::{Value, json};

use super::super::super::testing::{Answer, call, post};
use super::super::{Builder, ClientAuth, DEMO_CLIENT_SECRET, Endpoint, TOKEN_PATH, ZjGxsz, codes};
use super::college::{College, FORM};
use crate::fixtures;

const FORM_TYPE: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

/// One token request to a fresh simulator.
async fn ask(builder: Builder, query: &str, headers: &[(&str, &str)], body: &'static str) -> Answer {
    let simulator = builder.start().await.expect("starts");
    let target = if query.is_empty() { TOKEN_PATH.to_owned() } else { format!("{TOKEN_PATH}?{query}") };
    post(simulator.address(), "POST", &target, headers, body).await.expect("an answer")
}

async fn code_of(headers: &[(&str, &str)], body: &'static str) -> (u16, Value) {
    let answer = ask(ZjGxsz::builder(), "", headers, body).await;
    (answer.status, answer.json()["code"].clone())
}

fn basic(credentials: &str) -> String {
    format!("Basic {}", STANDARD.encode(credentials))
}

#[tokio::test]
async fn a_careful_request_is_answered_as_the_rfc_says() {
    let answer = ask(ZjGxsz::builder(), "", &[FORM_TYPE], FORM).await;
    assert_eq!((answer.status, answer.header("cache-control")), (200, "no-store"));
    let reply = answer.json();
    assert_eq!(reply["token_type"], "Bearer");
    assert_eq!(reply["expires_in"], 1800);
    assert_eq!(reply["access_token"].as_str().expect("a token").len(), 32);
}

#[tokio::test]
async fn credentials_are_taken_from_body_basic_and_query() {
    let grant = "grant_type=client_credentials";
    let raw = basic(&format!("demo-college:{DEMO_CLIENT_SECRET}"));
    let encoded = basic("demo-college:ASNFZ4mrze%2F%2B3LqYdlQyEA%3D%3D");
    assert_eq!(ask(ZjGxsz::builder(), "", &[FORM_TYPE, ("authorization", &raw)], grant).await.status, 200);
    assert_eq!(ask(ZjGxsz::builder(), "", &[FORM_TYPE, ("authorization", &encoded)], grant).await.status, 200);
    assert_eq!(ask(ZjGxsz::builder(), FORM, &[], "").await.status, 200);
}

#[tokio::test]
async fn a_pinned_place_refuses_the_others() {
    let pinned = ZjGxsz::builder().client_auth(ClientAuth::Basic);
    let answer = ask(pinned.clone(), "", &[FORM_TYPE], FORM).await;
    assert_eq!((answer.status, &answer.json()["code"]), (400, &json!(codes::OAUTH_CLIENT_AUTH)));
    let header = basic(&format!("demo-college:{DEMO_CLIENT_SECRET}"));
    let headers = [FORM_TYPE, ("authorization", header.as_str())];
    assert_eq!(ask(pinned, "", &headers, "grant_type=client_credentials").await.status, 200);
}

#[tokio::test]
async fn strict_refuses_careless_requests_each_with_its_own_code() {
    let typed = [FORM_TYPE];
    let ok = "client_id=demo-college&client_secret=ASNFZ4mrze%2F%2B3LqYdlQyEA%3D%3D";
    assert_eq!(code_of(&typed, "").await, (400, json!(codes::OAUTH_REQUEST)));
    assert_eq!(code_of(&typed, ok).await, (400, json!(codes::OAUTH_REQUEST)), "no grant_type");
    let wrong_grant = "grant_type=password&client_id=demo-college&client_secret=ASNFZ4mrze%2F%2B3LqYdlQyEA%3D%3D";
    assert_eq!(code_of(&typed, wrong_grant).await, (400, json!(codes::OAUTH_GRANT)));
    let wrong_secret = "grant_type=client_credentials&client_id=demo-college&client_secret=wrong";
    assert_eq!(code_of(&typed, wrong_secret).await, (401, json!(codes::OAUTH_CLIENT)));
    let unknown = "grant_type=client_credentials&client_id=other&client_secret=ASNFZ4mrze%2F%2B3LqYdlQyEA%3D%3D";
    assert_eq!(code_of(&typed, unknown).await, (401, json!(codes::OAUTH_CLIENT)));
    let raw = "grant_type=client_credentials&client_id=demo-college&client_secret=ASNFZ4mrze/+3LqYdlQyEA==";
    assert_eq!(code_of(&typed, raw).await, (400, json!(codes::OAUTH_ENCODING)));
    let plus = "grant_type=client_credentials&client_id=demo-college&client_secret=ASNFZ4mrze%2F+3LqYdlQyEA%3D%3D";
    assert_eq!(code_of(&typed, plus).await, (400, json!(codes::OAUTH_ENCODING)));
    let json_type = [("content-type", "application/json")];
    assert_eq!(code_of(&json_type, FORM).await, (400, json!(codes::OAUTH_CONTENT_TYPE)));
    let twice = "grant_type=client_credentials&client_id=demo-college&client_id=demo-college&client_secret=x";
    assert_eq!(code_of(&typed, twice).await, (400, json!(codes::OAUTH_REQUEST)), "repeated parameter");
    let header = basic(&format!("demo-college:{DEMO_CLIENT_SECRET}"));
    let both = [FORM_TYPE, ("authorization", header.as_str())];
    assert_eq!(code_of(&both, FORM).await, (400, json!(codes::OAUTH_REQUEST)), "credentials in two places");
}

#[tokio::test]
async fn quirky_understands_a_raw_secret_and_wraps_the_reply() {
    let raw = "client_id=demo-college&client_secret=ASNFZ4mrze/+3LqYdlQyEA==";
    let answer = ask(ZjGxsz::builder().quirky(), "", &[], raw).await;
    assert_eq!(answer.header("content-type"), "text/html;charset=UTF-8");
    let reply = answer.json();
    assert_eq!(reply["code"], "0");
    assert_eq!(reply["data"]["expires_in"], "1800");
    assert!(reply["data"]["access_token"].is_string());
}

#[tokio::test]
async fn token_replies_can_be_wrapped_and_bare_of_expires_in() {
    let wrapped = ask(ZjGxsz::builder().wrap_token_reply(true).omit_expires_in(), "", &[FORM_TYPE], FORM).await.json();
    assert_eq!((&wrapped["code"], &wrapped["msg"]), (&json!(0), &json!("成功")));
    assert!(wrapped["data"]["access_token"].is_string());
    assert_eq!(wrapped["data"].get("expires_in"), None);
    let wrong = "grant_type=client_credentials&client_id=demo-college&client_secret=wrong";
    let refused = ask(ZjGxsz::builder().wrap_token_reply(true), "", &[FORM_TYPE], wrong).await;
    assert_eq!((refused.status, &refused.json()["code"]), (200, &json!(codes::OAUTH_CLIENT)));
}

#[tokio::test]
async fn business_endpoints_want_a_token_that_is_known_and_alive() {
    let college = College::of(ZjGxsz::builder().token_ttl(Duration::from_secs(60))).await;
    let record = fixtures::talk_one(1);
    let missing = post(college.address(), "POST", Endpoint::One.path(), &[], "{}").await.expect("an answer");
    assert_eq!((missing.status, &missing.json()["code"]), (401, &json!(codes::TOKEN_MISSING)));

    let skewed = |seconds| [("x-sim-fault", if seconds > 60 { "clock-skew=61" } else { "clock-skew=50" })];
    assert_eq!(college.push_with(Endpoint::One, &record, &skewed(50)).await.expect("an answer").status, 200);
    let expired = college.push_with(Endpoint::One, &record, &skewed(61)).await.expect("an answer");
    assert_eq!((expired.status, &expired.json()["code"]), (401, &json!(codes::TOKEN_EXPIRED)));

    assert_eq!(college.simulator.revoke_tokens(), 1);
    let revoked = college.push(Endpoint::One, &record).await;
    assert_eq!((revoked.status, &revoked.json()["code"]), (401, &json!(codes::TOKEN_UNKNOWN)));

    let counters = college.simulator.counters();
    assert_eq!((counters.tokens_issued, counters.token_rejections, counters.records_accepted), (1, 3, 1));
}

#[tokio::test]
async fn a_refused_token_can_be_a_code_with_http_200() {
    let college = College::of(ZjGxsz::builder().token_errors_as_codes()).await;
    college.simulator.revoke_tokens();
    let answer = college.push(Endpoint::One, &fixtures::talk_one(1)).await;
    assert_eq!((answer.status, &answer.json()["code"]), (200, &json!(codes::TOKEN_UNKNOWN)));
}

#[tokio::test]
async fn only_post_is_served() {
    let college = College::strict().await;
    for path in [TOKEN_PATH, Endpoint::One.path()] {
        let answer = call(college.address(), Method::GET.as_str(), path).await;
        assert_eq!((answer.status, &answer.json()["code"]), (405, &json!(codes::METHOD)));
    }
    assert_eq!(call(college.address(), "POST", "/api/talk-record/other").await.status, 404);
}

#[tokio::test]
async fn a_secret_that_is_no_sm4_key_does_not_start() {
    for secret in ["", "c2hvcnQ=", "not base64", "AAECAwQFBgcICQoLDA0ODxA="] {
        let error = ZjGxsz::builder().client("college", secret).start().await.expect_err("refused");
        assert_eq!(error.to_string(), "client college: the secret is not base64 of 16 bytes");
    }
    let twice = ZjGxsz::builder().client("a", DEMO_CLIENT_SECRET).client("a", DEMO_CLIENT_SECRET);
    assert!(twice.start().await.is_err());
}

#[tokio::test]
async fn the_seed_fixes_the_tokens() {
    let token = async |seed| College::of(ZjGxsz::builder().seed(seed)).await.token;
    assert_eq!(token(1).await, token(1).await);
    assert_ne!(token(1).await, token(2).await);
}
