//! Asking the platform while an upstream waits: signed, to the one address the operator wrote, with its refusals and its
//! failures told apart; and credentials that end by themselves.

use std::net::{Ipv4Addr, SocketAddr};

use duijie_tests::{
    harness::{Host, Setup},
    platform::{self, Platform},
};
use http::Method;
use serde_json::{Value, json};

use crate::support::hostile_link;

async fn campus() -> Platform {
    Platform::start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await.unwrap()
}

fn table(url: &str) -> String {
    format!(
        "[platform]\nurl = \"{url}/events\"\ncidr = [\"127.0.0.0/8\"]\nsecret = {{ env = \"PLATFORM_SECRET\" }}\ntimeout_ms = 2000\n"
    )
}

async fn host(tables: &str) -> Host {
    let setup =
        Setup::new().guest("hostile").env("PLATFORM_SECRET", platform::SECRET).env("TEST_TOKEN", "t0ken-t0ken-t0ken");
    let host = setup.link("h/one", &hostile_link(&[], tables)).start().await;
    host.until("the link to serve", |all| all.link_state("h.one") == "serving").await;
    host
}

async fn ask(host: &Host, event: Value) -> Value {
    host.call("h.one", "platform.ask", &event).await.expect(200)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_signed_and_its_answer_comes_back() {
    let campus = campus().await;
    campus.answer("duijie.hostile.class.push", |event| (200, json!({ "accounts": event.data["students"] })));
    let host = host(&table(&campus.url())).await;
    let event = json!({ "event": "class.push", "key": "c1", "data": { "students": ["甄测生"] } });
    for _ in 0..2 {
        assert_eq!(ask(&host, event.clone()).await["answer"], json!({ "accounts": ["甄测生"] }));
    }
    ask(&host, json!({ "event": "class.push", "key": "c2" })).await;
    ask(&host, json!({ "event": "class.push" })).await;
    ask(&host, json!({ "event": "class.push" })).await;
    let events = campus.events();
    assert_eq!((campus.refused(), events.len()), (0, 5));
    assert_eq!(events[0].source, "/v1/links/h.one");
    assert_eq!(events[0].id, events[1].id, "one key, one id");
    let ids: std::collections::BTreeSet<_> = events.iter().map(|event| &event.id).collect();
    assert_eq!(ids.len(), 4, "every other event is its own");
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_failures_and_nonsense_of_the_platform_are_told_apart() {
    let campus = campus().await;
    campus.answer("duijie.hostile.empty", |_| (204, Value::Null));
    campus.answer("duijie.hostile.refuse", |_| (409, json!({ "title": "t", "detail": "class is full" })));
    campus.answer("duijie.hostile.fail", |_| (500, json!({})));
    campus.answer("duijie.hostile.moved", |_| (302, json!({})));
    let host = host(&table(&campus.url())).await;
    let asked = async |event: &str| ask(&host, json!({ "event": event })).await.to_string();
    assert_eq!(asked("empty").await, r#"{"answer":null}"#);
    let refusal = asked("refuse").await;
    assert!(refusal.contains("Refused") && refusal.contains("409") && refusal.contains("class is full"), "{refusal}");
    assert!(asked("fail").await.contains("Unavailable"));
    assert!(asked("moved").await.contains("302"), "a redirect is followed nowhere");
    assert!(asked("unknown").await.contains("404"));
    for bad in ["", "Class", "a..b", "a/b", "../x"] {
        assert!(asked(bad).await.contains("Denied"), "{bad}");
    }
    let large = ask(&host, json!({ "event": "empty", "size": 2 << 20 })).await.to_string();
    assert!(large.contains("Denied") && large.contains("bytes"), "{large}");
    drop(campus);
    assert!(asked("empty").await.contains("Unavailable"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_without_a_platform_asks_nobody() {
    let host = host("").await;
    let answer = ask(&host, json!({ "event": "class.push" })).await.to_string();
    assert!(answer.contains("Denied") && answer.contains("[platform]"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_platform_at_a_private_address_must_be_named_as_such() {
    let campus = campus().await;
    campus.answer("duijie.hostile.empty", |_| (204, Value::Null));
    let host =
        host(&table(&campus.url().replace("127.0.0.1", "localhost")).replace("cidr = [\"127.0.0.0/8\"]\n", "")).await;
    let answer = ask(&host, json!({ "event": "empty" })).await.to_string();
    assert!(answer.contains("Unavailable") && campus.events().is_empty(), "{answer}");
}

const DAY_MS: u64 = 86_400_000;

/// A credential issued so many days ago, as a link states it.
fn issued(days_ago: i64) -> String {
    let day = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(8 - 24 * days_ago);
    format!(
        "[secrets.token]\nenv = \"TEST_TOKEN\"\nissued_at = {}\nvalid_days = 30\nuses = [\"send\"]\n",
        day.strftime("%Y-%m-%d")
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_that_ends_is_seen_in_the_catalogue_the_metrics_and_the_log() {
    let host = host(&issued(28)).await;
    let link = host.get("/v1/links/h.one").await.expect(200);
    let credential = &link["credentials"][0];
    assert_eq!((&credential["slot"], &credential["state"]), (&json!("token"), &json!("expiring")));
    assert!(credential["expires_in_s"].as_u64().unwrap() <= 2 * 86_400, "{credential}");
    assert!(credential["expires_at"].as_str().unwrap().ends_with("+08:00"), "{credential}");
    host.until_logged("the warning", |log| {
        log.contains("\"within_days\":3") && log.contains("credential expires soon")
    })
    .await;
    let metrics = host.admin(Method::GET, "/metrics").send().await.text();
    assert!(metrics.contains("duijie_credential_expires_seconds{link=\"h.one\",slot=\"token\"}"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_credential_is_an_error_in_the_log_and_a_renewal_is_kept_over_a_restart() {
    let host = host(&issued(31)).await;
    host.until_logged("the end", |log| log.contains("credential expired")).await;
    let slot = json!({ "slot": "token" });
    let before = host.call("h.one", "credential.get", &slot).await.expect(200);
    let now_ms = before[0].as_u64().unwrap() + 31 * DAY_MS;
    let renew = async |slot: &str, at_ms: u64| {
        let input = json!({ "slot": slot, "issued_at_ms": at_ms });
        host.call("h.one", "credential.renewed", &input).await.expect(200).to_string()
    };
    assert!(renew("token", 1).await.contains("Invalid"));
    assert!(renew("token", now_ms + 9 * DAY_MS).await.contains("Invalid"));
    assert!(renew("send_only", now_ms).await.contains("NotTracked"));
    assert!(renew("token", now_ms).await.contains("valid"));
    let host = host.terminate().await.start().await;
    host.until("the link to serve", |all| all.link_state("h.one") == "serving").await;
    let after = host.call("h.one", "credential.get", &slot).await.expect(200);
    assert_eq!(after, json!([now_ms, now_ms + 30 * DAY_MS]));
    let link = host.get("/v1/links/h.one").await.expect(200);
    assert_eq!(link["credentials"][0]["state"], "valid");
}
