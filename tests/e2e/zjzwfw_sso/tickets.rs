//! Tickets, tokens and passwords: what the SSO gives for each, once where it is once, and that a password passes only
//! where the operator wants it.

use duijie_tests::upstreams::{
    ZjzwfwSso,
    zjzwfw_sso::{DEMO_PROXY_CODE, codes},
};
use serde_json::{Value, json};

use super::{LINK, docked, docked_from, docked_with, first_session, link, setup};

fn password(password: &str) -> Value {
    json!({ "loginName": "zhence1", "orgCoding": "001006", "password": password })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_becomes_a_session_and_is_then_used_up() {
    let docked = docked().await;
    let ticket = json!({ "ticket": docked.ticket() });
    let session = docked.done("ticket.validate", &ticket).await;
    assert!(session["token"].as_str().unwrap().ends_with("-commonToken"), "{session}");
    assert_eq!(session, first_session(&session["token"]));
    let problem = docked.call("ticket.validate", &ticket).await.problem(409, "session-invalid", "rejected");
    assert_eq!((&problem["upstream_code"], &problem["retryable"]), (&json!(codes::TICKET), &json!(false)));
    assert_eq!(docked.calls_of("ticketValidation"), 2, "a refusal is not repeated");
    assert_eq!(docked.sim.counters().crypto_failures, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_was_revoked_is_auth_expired_and_not_asked_again() {
    let docked = docked().await;
    let token = json!({ "token": docked.token().await });
    docked.done("user.info", &token).await;
    docked.sim.revoke_tokens();
    let problem = docked.call("user.info", &token).await.problem(503, "auth-expired", "rejected");
    assert_eq!(problem["upstream_code"], codes::TOKEN);
    assert_eq!(docked.calls_of("getUserInfo"), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_makes_a_ticket_that_only_the_other_resource_can_validate() {
    let docked = docked().await;
    let other = json!({
        "config": { "servicecode": DEMO_PROXY_CODE },
        "secrets": { "servicepwd": { "env": "SSO_OTHER_SERVICEPWD" } },
    });
    docked.host.write_link("zj/other", &link(&docked.sim.url(), &docked.platform.url(), &other));
    docked.host.until("the other resource to serve", |all| all.link_state("zj.other") == "serving").await;
    let token = docked.token().await;
    let made = docked.done("ticket.generate", &json!({ "proxyApp": DEMO_PROXY_CODE, "token": token })).await;
    assert!(made["ticket"].as_str().unwrap().ends_with("-ticket"), "{made}");
    docked.call("ticket.validate", &made).await.problem(409, "session-invalid", "rejected");
    let session = docked.host.call("zj.other", "ticket.validate", &made).await.expect(200);
    assert_eq!(session, first_session(&session["token"]));
    let nobody = json!({ "proxyApp": "nobody", "token": token });
    let problem = docked.call("ticket.generate", &nobody).await.problem(409, "upstream-rejected", "rejected");
    assert_eq!(problem["upstream_code"], codes::PROXY);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_password_passes_unless_the_link_says_so() {
    let docked = docked().await;
    docked.call("user.authenticate", &password("demo-password-1")).await.problem(403, "denied", "not-sent");
    let by_call = [
        json!({ "method": "idValidation" }),
        json!({ "title": "password-change", "params": { "loginname": "zhence1" } }),
        json!({ "method": "other", "params": { "newpassword": "demo-password-1" } }),
    ];
    for input in by_call {
        let problem = docked.call("call", &input).await;
        assert!(matches!(problem.status, 403 | 500), "{input}: {}", problem.text());
    }
    assert_eq!(docked.requests(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_may_pass_gives_a_session_and_a_wrong_one_is_auth_failed() {
    let docked = docked_with(ZjzwfwSso::builder(), &json!({ "id_validation": { "enabled": true } })).await;
    let session = docked.done("user.authenticate", &password("demo-password-1")).await;
    assert_eq!(session, first_session(&session["token"]));
    let problem = docked.call("user.authenticate", &password("wrong")).await;
    let problem = problem.problem(502, "auth-failed", "rejected");
    assert_eq!(problem["upstream_code"], codes::PASSWORD);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_would_send_passwords_in_clear_is_refused() {
    let sim = ZjzwfwSso::builder().start().await.unwrap();
    let clear = json!({ "config": { "base": "http://sso.example/sso", "id_validation": { "enabled": true } } });
    let host = setup().link(super::FILE, &link(&sim.url(), "http://127.0.0.1:9", &clear)).start().await;
    let all = host.until("the link to be judged", |all| all.link_refused(LINK)).await;
    let reason = all.link_reason(LINK);
    assert!(reason.contains("id_validation.enabled") && reason.contains("passwords go over https only"), "{reason}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_servicepwd_is_refused_by_the_sso_and_said_so() {
    let setup = setup().env("SSO_SERVICEPWD", "another-servicepwd");
    let docked = docked_from(setup, ZjzwfwSso::builder(), |_| json!({})).await;
    let problem = docked.call("user.by-id", &json!({ "userId": "x" })).await;
    let problem = problem.problem(409, "upstream-rejected", "rejected");
    assert_eq!(problem["upstream_code"], codes::SIGN);
    assert_eq!(docked.sim.counters().crypto_failures, 1);
}
