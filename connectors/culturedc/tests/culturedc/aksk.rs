//! The life of the AK/SK: told, held to, renewed.

use duijie_sdk::{Class, Outcome, testing::TestHost};
use serde_json::{Value, json};

use super::{RESOURCES, call, config, host, is, pointers, refused, row, taken, with};

const DAY_MS: u64 = 86_400_000;
const NOW_MS: u64 = 1_700_000_000_000;

/// A link whose AK/SK was issued this many days ago.
fn issued(days_ago: u64, config: Value) -> TestHost {
    let host = host(config);
    host.validity("secret_key", NOW_MS - days_ago * DAY_MS, 30);
    host.on("POST", RESOURCES).reply(200, taken(&["a"]));
    host
}

#[test]
fn a_month_is_thirty_days() {
    assert_eq!(
        call(&issued(29, config()), "aksk.status", json!({})).unwrap(),
        json!({
            "tracked": true, "issuedAt": "2023-10-17T06:13:20+08:00", "expiresAt": "2023-11-16T06:13:20+08:00", "daysLeft": 1,
            "expired": false, "held": false, "onExpired": "hold",
        })
    );
}

#[test]
fn without_a_date_of_issue_nothing_is_known_and_nothing_held() {
    let host = host(config());
    host.on("POST", RESOURCES).reply(200, taken(&["a"]));
    let status = call(&host, "aksk.status", json!({})).unwrap();
    assert_eq!(
        (&status["tracked"], &status["expiresAt"], &status["held"]),
        (&json!(false), &Value::Null, &json!(false))
    );
    assert!(call(&host, "resource.push", row("a")).is_ok());
    is(&refused(&host, "aksk.renewed", json!({})), Class::Config, Outcome::NotSent);
}

#[test]
fn an_expired_key_holds_every_request_back_and_a_renewal_frees_them() {
    let host = issued(30, config());
    let day = json!({ "date": "2023-11-14", "pv": 1, "uv": 1, "ip": 1 });
    for (operation, input) in [
        ("resource.push", row("a")),
        ("resource.push-batch", json!({ "rows": [row("a")] })),
        ("resource.status", json!({ "extId": "a" })),
        ("resource.delete", json!({ "extId": "a" })),
        ("resource.fetch", json!({})),
        ("stats.report", day),
    ] {
        let failure = refused(&host, operation, input);
        is(&failure, Class::AuthExpired, Outcome::NotSent);
        assert!(failure.retry_after_ms.is_some_and(|wait_ms| wait_ms <= 60_000), "{operation}");
    }
    assert!(host.requests().is_empty() && host.kv_keys().is_empty());
    assert_eq!(call(&host, "aksk.status", json!({})).unwrap()["held"], true);

    let renewed = call(&host, "aksk.renewed", json!({})).unwrap();
    assert_eq!((&renewed["expired"], &renewed["daysLeft"]), (&json!(false), &json!(30)));
    assert!(call(&host, "resource.push", row("a")).is_ok());
}

#[test]
fn data_that_does_not_fit_is_told_even_while_everything_is_held() {
    is(&refused(&issued(30, config()), "resource.push", row("..")), Class::InvalidInput, Outcome::NotSent);
}

#[test]
fn a_link_may_try_with_an_expired_key() {
    let host = issued(30, with(json!({ "aksk": { "on_expired": "send" } })));
    assert!(call(&host, "resource.push", row("a")).is_ok());
    let status = call(&host, "aksk.status", json!({})).unwrap();
    assert_eq!(
        (&status["expired"], &status["held"], &status["onExpired"]),
        (&json!(true), &json!(false), &json!("send"))
    );
}

#[test]
fn sheets_and_local_checks_go_on_with_an_expired_key() {
    let host = issued(31, config());
    assert!(call(&host, "resource.sheet", json!({ "rows": [row("a")] })).is_ok());
    assert!(call(&host, "resource.push-batch", json!({ "rows": [row("a")], "checkOnly": true })).is_ok());
}

#[test]
fn a_renewal_may_say_when() {
    let renewed = |issued_at: &str| call(&issued(30, config()), "aksk.renewed", json!({ "issuedAt": issued_at }));
    assert_eq!(renewed("2023-11-14").unwrap()["issuedAt"], "2023-11-14T00:00:00+08:00");
    assert_eq!(renewed("2023-11-14 09:30:00").unwrap()["expiresAt"], "2023-12-14T09:30:00+08:00");
    for bad in ["2023-02-29", "14.11.2023", "2023-11-14 25:00:00"] {
        let failure = renewed(bad).unwrap_err();
        is(&failure, Class::InvalidInput, Outcome::NotSent);
        assert_eq!(pointers(&failure), ["/issuedAt"]);
    }
}
