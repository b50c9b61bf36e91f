//! Every class of the error model that this upstream can give (A10), reached by a fault or a code: status, class,
//! outcome and whether a repetition may help.

use duijie_tests::{harness::Answer, upstreams::Eduyun};
use serde_json::{Value, json};

use super::{Docked, docked, docked_from, docked_with, setup, teacher};

/// What a caller is told.
#[derive(Clone, Copy)]
struct Told(u16, &'static str, &'static str, bool);

const REFUSED: Told = Told(409, "upstream-rejected", "rejected", false);
const WRONG: Told = Told(422, "invalid-input", "rejected", false);
const SESSION: Told = Told(409, "session-invalid", "rejected", false);
const UNVERIFIED: Told = Told(409, "identity-unverified", "rejected", false);
const EXPIRED: Told = Told(503, "auth-expired", "rejected", true);
const CREDENTIALS: Told = Told(502, "auth-failed", "rejected", false);
const LIMITED: Told = Told(429, "rate-limited", "rejected", true);
const GONE: Told = Told(503, "unavailable", "unknown", true);
const SILENT: Told = Told(504, "timeout", "unknown", true);
const NONSENSE: Told = Told(502, "protocol", "unknown", false);

/// What every operation is told of an upstream in trouble, whatever its envelope.
const TROUBLE: [(&str, Told); 20] = [
    ("status=429,12", LIMITED),
    ("status=502", GONE),
    ("status=503,7", GONE),
    ("status=504", GONE),
    ("reset-before", GONE),
    ("reset-after", GONE),
    ("reset-mid", GONE),
    ("truncate", GONE),
    ("html", NONSENSE),
    ("garbage", NONSENSE),
    ("missing-comma", NONSENSE),
    ("huge-body=5000000", NONSENSE),
    ("echo", NONSENSE),
    ("status=200", NONSENSE),
    ("status=400", NONSENSE),
    ("status=403", NONSENSE),
    ("status=404", NONSENSE),
    ("status=405", NONSENSE),
    ("status=500", NONSENSE),
    ("redirect=http://127.0.0.1:9/", NONSENSE),
];

fn not_sent(told: Told) -> Told {
    Told(told.0, told.1, "not-sent", told.3)
}

fn check(what: &str, answer: &Answer, told: Told) -> Value {
    let Told(status, class, outcome, retryable) = told;
    let problem = answer.json();
    let got = (answer.status, problem["class"].as_str(), problem["outcome"].as_str(), problem["retryable"].as_bool());
    assert_eq!(got, (status, Some(class), Some(outcome), Some(retryable)), "{what}: {problem}");
    problem
}

/// Calls an operation of an upstream that fails so at one of its own.
async fn fails(docked: &Docked, (operation, input): (&str, &Value), at: &str, fault: &str, told: Told) -> Value {
    docked.sim.faults().clear();
    docked.fault(at, fault);
    check(&format!("{operation}, {at} {fault}"), &docked.call(operation, input).await, told)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_and_code_of_the_gateway_has_its_status_class_and_outcome() {
    let docked = docked().await;
    let codes = [
        ("code=999999,平台已停用", REFUSED),
        ("code=100001,失败", REFUSED),
        ("code=200001,必填参数为空", WRONG),
        ("code=200002,参数错误", WRONG),
        ("code=300006,用户会话票据失效", SESSION),
        ("code=301999,usessionid verify fail", SESSION),
        ("code=300027,用户未实名认证", UNVERIFIED),
        ("code=100001,accessToken无效", EXPIRED),
        ("code=999999,令牌已过期", EXPIRED),
        // A code that has a meaning of its own keeps it, whatever its words.
        ("code=200001,必填参数 accessToken 为空", WRONG),
        ("status=401", EXPIRED),
    ];
    let call = ("user.info", &json!({ "usessionId": "7f3a" }));
    for (fault, told) in codes.into_iter().chain(TROUBLE) {
        fails(&docked, call, "user.info", fault, told).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_and_code_of_the_aamif_service_has_its_status_class_and_outcome() {
    let docked = docked().await;
    let codes = [
        ("code=100001,ticket verify fail", REFUSED),
        ("code=301999,usessionid verify fail", SESSION),
        // It got no token, so none has expired.
        ("code=100001,token失效", REFUSED),
        ("status=401", CREDENTIALS),
    ];
    let call = ("aamif.ticket-validate-area", &json!({ "ticket": "7f3a" }));
    for (fault, told) in codes.into_iter().chain(TROUBLE.into_iter().filter(|(fault, _)| *fault != "missing-comma")) {
        fails(&docked, call, "aamif.ticket.validate-area", fault, told).await;
    }
    assert_eq!(docked.seen("token.get"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_endpoint_in_trouble_is_told_apart_and_no_call_leaves() {
    let docked = docked().await;
    let faults = [
        ("code=100001,keyInfo校验失败", Told(502, "auth-failed", "not-sent", false)),
        ("code=200002,参数错误", Told(502, "auth-failed", "not-sent", false)),
        ("status=401", Told(502, "auth-failed", "not-sent", false)),
        ("status=403", Told(502, "auth-failed", "not-sent", false)),
        ("status=404", Told(500, "config", "not-sent", false)),
        ("status=405", Told(500, "config", "not-sent", false)),
    ];
    let others = TROUBLE.into_iter().filter(|(fault, _)| !faults.iter().any(|(known, _)| known == fault));
    for (fault, told) in faults.into_iter().chain(others.map(|(fault, told)| (fault, not_sent(told)))) {
        fails(&docked, ("app.list", &json!({})), "token.get", fault, told).await;
    }
    assert_eq!(docked.seen("app.list"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_that_does_not_answer_in_time_is_timeout_and_unknown_unless_it_is_the_token_that_is_missing() {
    let docked = docked_with(Eduyun::builder(), |region| region.config("http.timeout_ms = 1000")).await;
    fails(&docked, ("app.list", &json!({})), "token.get", "hang", not_sent(SILENT)).await;
    docked.sim.faults().clear();
    docked.done("token.check", &json!({})).await;
    for fault in ["hang", "hang-after", "slow-body=2", "slow-reply=2", "latency=2500"] {
        fails(&docked, ("app.list", &json!({})), "app.list", fault, SILENT).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_calls_deadline_ends_what_the_upstream_does_not() {
    let toml = |region: super::Region| region.toml().replace("deadline_ms = 5000", "deadline_ms = 1500");
    let docked = docked_from(setup(), Eduyun::builder(), toml).await;
    docked.done("token.check", &json!({})).await;
    fails(&docked, ("app.list", &json!({})), "app.list", "hang", SILENT).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_that_is_not_there_is_unavailable_and_not_sent() {
    let docked = docked().await;
    docked.done("token.check", &json!({})).await;
    let Docked { host, sim, .. } = docked;
    sim.stop().await;
    let answer = host.call(super::LINK, "app.list", &json!({})).await;
    check("no connection", &answer, Told(503, "unavailable", "not-sent", true));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_that_the_operator_has_not_allowed_is_denied_and_not_sent() {
    let toml = |region: super::Region| {
        region.toml().replace(&format!("http = [\"{}\"]", region.url), "http = [\"http://192.0.2.1\"]")
    };
    let docked = docked_from(setup(), Eduyun::builder(), toml).await;
    check("another origin", &docked.call("app.list", &json!({})).await, Told(403, "denied", "not-sent", false));
    assert_eq!(crate::support::requests(&docked.sim.counters()), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn log_ins_that_the_link_does_not_provide_for_are_config() {
    let docked = docked_from(setup(), Eduyun::builder(), |region| {
        let toml = region.toml();
        let kept = toml.lines().filter(|line| !line.starts_with("oauth.") && !line.starts_with("login."));
        kept.collect::<Vec<_>>().join("\n")
    })
    .await;
    let answer = docked.call("oauth.link", &json!({ "return_to": super::LOGIN_PAGE })).await;
    check("no redirect_uri", &answer, Told(500, "config", "not-sent", false));
    let page = super::visit(&format!("{}?ticket=7f3a", docked.hook_url(super::BROWSER_PATH, "ticket-landing"))).await;
    assert_eq!(page.status, 503, "the cause is the operator's");
    docked.host.until_logged("the cause", |log| log.contains("login.ticket_return_url is not set")).await;
    assert_eq!(crate::support::requests(&docked.sim.counters()), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_token_costs_one_renewal_and_one_repetition_and_no_more() {
    let docked = docked().await;
    docked.done("token.check", &json!({})).await;
    fails(&docked, ("app.list", &json!({})), "app.list", "code=100001,token失效", EXPIRED).await;
    assert_eq!((docked.seen("token.get"), docked.seen("app.list")), (2, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_safe_to_repeat_is_sent_once_when_its_answer_is_lost() {
    let docked = docked().await;
    fails(&docked, ("session.exchange", &teacher()), "session.exchange", "reset-after", GONE).await;
    assert_eq!((docked.seen("session.exchange"), docked.sim.profile().exchanges().len()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_comes_with_its_code_and_words_and_without_what_it_quotes_of_a_person() {
    let docked = docked().await;
    let fault = "code=300099,甄测师 的证件 999999199001010016 未登记";
    let problem = fails(&docked, ("session.exchange", &teacher()), "session.exchange", fault, REFUSED).await;
    let told = problem.to_string();
    assert_eq!(problem["upstream_code"], "300099");
    assert!(told.contains("未登记") && !told.contains("甄测师") && !told.contains("9999991990"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn retry_after_is_passed_on() {
    let docked = docked().await;
    for (fault, seconds) in [("status=429,12", "12"), ("status=503,7", "7")] {
        docked.sim.faults().clear();
        docked.fault("app.list", fault);
        assert_eq!(docked.call("app.list", &json!({})).await.header("retry-after"), seconds, "{fault}");
    }
}
