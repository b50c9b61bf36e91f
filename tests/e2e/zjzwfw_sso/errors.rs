//! Every class of the error model that this upstream can give, reached by a fault or a code: status, class, outcome and
//! whether a repetition may help. `identity-unverified` and `internal` are nothing that it gives.

use duijie_tests::{harness::Answer, upstreams::ZjzwfwSso};
use serde_json::{Value, json};

use super::{Docked, SIMPLE, docked, docked_from, docked_with, setup};

/// What a caller is told.
#[derive(Clone, Copy)]
struct Told(u16, &'static str, &'static str, bool);

const REFUSED: Told = Told(409, "upstream-rejected", "rejected", false);
const TICKET: Told = Told(409, "session-invalid", "rejected", false);
const TOKEN: Told = Told(503, "auth-expired", "rejected", true);
const CREDENTIALS: Told = Told(502, "auth-failed", "rejected", false);
const MISSING: Told = Told(500, "config", "rejected", false);
const LIMITED: Told = Told(429, "rate-limited", "rejected", true);
const GONE: Told = Told(503, "unavailable", "unknown", true);
const SILENT: Told = Told(504, "timeout", "unknown", true);
const NONSENSE: Told = Told(502, "protocol", "unknown", false);

fn check(what: &str, answer: &Answer, told: Told) -> Value {
    let Told(status, class, outcome, retryable) = told;
    let problem = answer.json();
    let got = (answer.status, problem["class"].as_str(), problem["outcome"].as_str(), problem["retryable"].as_bool());
    assert_eq!(got, (status, Some(class), Some(outcome), Some(retryable)), "{what}: {problem}");
    problem
}

/// Each operation that asks the SSO, with an input that is in order, and the door that it goes to.
fn calls() -> [(&'static str, Value, &'static str); 7] {
    let person = json!({
        "operation": "add", "loginName": "zhence9", "userName": "甄测生", "orgCoding": "001006", "enabled": true,
    });
    let password = json!({ "loginName": "zhence1", "orgCoding": "001006", "password": "demo-password-1" });
    [
        ("ticket.validate", json!({ "ticket": "some-ticket" }), SIMPLE),
        ("user.info", json!({ "token": "some-token" }), SIMPLE),
        ("user.authenticate", password, SIMPLE),
        ("ticket.generate", json!({ "proxyApp": "demosvc2", "token": "some-token" }), SIMPLE),
        ("user.sync-out", person, "user.http"),
        ("user.by-id", json!({ "userId": "some-user" }), "user.http"),
        ("call", json!({ "method": "getOrgs" }), SIMPLE),
    ]
}

async fn with_passwords() -> Docked {
    docked_with(ZjzwfwSso::builder(), &json!({ "id_validation": { "enabled": true } })).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_means_what_its_method_makes_of_it() {
    let docked = with_passwords().await;
    for (code, others) in [("6402", CREDENTIALS), ("7001", REFUSED), ("-1", REFUSED)] {
        for (operation, input, door) in calls() {
            docked.fault(door, &format!("code={code},系统繁忙"));
            let told = match operation {
                "ticket.validate" => TICKET,
                "user.info" => TOKEN,
                _ => others,
            };
            let problem = check(&format!("{operation} {code}"), &docked.call(operation, &input).await, told);
            assert_eq!(problem["upstream_code"], code, "{operation}");
            assert!(problem["detail"].as_str().unwrap().contains("系统繁忙"), "{problem}");
        }
    }
    assert_eq!(docked.requests(), 21, "a refusal is not repeated");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_of_the_wire_has_its_status_class_and_outcome() {
    let docked = with_passwords().await;
    let faults = [
        ("status=401", CREDENTIALS),
        ("status=403", CREDENTIALS),
        ("status=404", MISSING),
        ("status=405", MISSING),
        ("status=429,12", LIMITED),
        ("status=502", GONE),
        ("status=503,7", GONE),
        ("status=504", GONE),
        ("reset-before", GONE),
        ("reset-after", GONE),
        ("reset-mid", GONE),
        ("truncate", GONE),
        ("html", NONSENSE),
        ("echo", NONSENSE),
        ("garbage", NONSENSE),
        ("missing-comma", NONSENSE),
        ("huge-body=5000000", NONSENSE),
        ("status=200", NONSENSE),
        ("status=400", NONSENSE),
        ("status=500", NONSENSE),
        ("redirect=http://127.0.0.1:9/", NONSENSE),
    ];
    let calls = calls();
    for (n, (fault, told)) in faults.into_iter().enumerate() {
        // Every operation goes the same way, so each meets some of the faults, and the validation of a ticket all. To
        // `call` any object is an answer.
        for (operation, input, door) in [&calls[0], &calls[1 + n % 5]] {
            docked.fault(door, fault);
            check(&format!("{operation} {fault}"), &docked.call(operation, input).await, told);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn retry_after_of_the_sso_is_told_to_the_caller() {
    let docked = docked().await;
    docked.fault(SIMPLE, "status=429,12");
    let answer = docked.call("user.info", &json!({ "token": "x" })).await;
    check("429", &answer, LIMITED);
    assert_eq!(answer.header("retry-after"), "12");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_sso_that_does_not_answer_in_time_is_timeout_and_unknown() {
    let brief = json!({ "http": { "timeout_ms": 800 } });
    let docked = docked_with(ZjzwfwSso::builder(), &brief).await;
    for fault in ["hang", "hang-after", "slow-body=2"] {
        docked.fault(SIMPLE, fault);
        let answer = docked.call("ticket.validate", &json!({ "ticket": docked.ticket() })).await;
        check(fault, &answer, SILENT);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_whose_answer_is_lost_is_unknown_and_spent() {
    let docked = docked().await;
    let ticket = json!({ "ticket": docked.ticket() });
    docked.fault(SIMPLE, "reset-after");
    check("lost", &docked.call("ticket.validate", &ticket).await, GONE);
    docked.sim.faults().clear();
    check("again", &docked.call("ticket.validate", &ticket).await, TICKET);
    assert_eq!(docked.calls_of("ticketValidation"), 2, "the host did not repeat what is unsafe to repeat");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_connection_is_unavailable_and_not_sent() {
    let Docked { host, sim, platform: _platform } = with_passwords().await;
    sim.stop().await;
    for (operation, input, _) in calls() {
        let answer = host.call(super::LINK, operation, &input).await;
        check(operation, &answer, Told(503, "unavailable", "not-sent", true));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_the_link_does_not_allow_is_denied_and_not_sent() {
    let nowhere = |_: &str| json!({ "allow": { "http": ["https://puser.zjzwfw.gov.cn"] } });
    let docked = docked_from(setup(), ZjzwfwSso::builder(), nowhere).await;
    let answer = docked.call("user.info", &json!({ "token": "x" })).await;
    check("not allowed", &answer, Told(403, "denied", "not-sent", false));
    assert_eq!(docked.requests(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_input_that_does_not_fit_the_schema_is_invalid_input_and_not_sent() {
    let docked = docked().await;
    let bad = [
        ("ticket.validate", json!({})),
        ("ticket.validate", json!({ "ticket": "" })),
        ("ticket.validate", json!({ "ticket": "x".repeat(513) })),
        ("user.info", json!({ "token": 1 })),
        ("user.authenticate", json!({ "loginName": "x" })),
        ("ticket.generate", json!({ "token": "x" })),
        ("user.by-id", json!({ "userId": "x", "more": 1 })),
        ("user.sync-out", json!({ "loginName": 1 })),
        ("login.link", json!({})),
        ("login.redeem", json!({ "code": "" })),
        ("call", json!({ "method": "x", "params": { "a": 1 } })),
    ];
    for (operation, input) in bad {
        check(operation, &docked.call(operation, &input).await, Told(422, "invalid-input", "not-sent", false));
    }
    assert_eq!(docked.requests(), 0);
}
