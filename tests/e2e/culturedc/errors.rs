//! Every class of the error model (upstreams.md §6.4) that this upstream can give, reached by its own refusals, by its
//! faults, and by the link (A10): status, class, outcome.

use duijie_tests::{
    harness::{Answer, build},
    platform,
    upstreams::{Culturedc, culturedc::DEMO_ACCESS_KEY},
};
use serde_json::{Value, json};

use super::{Docked, FILE, LINK, docked, docked_with, link, row, setup, toml_of};

const PUSH: &str = "resource.push";

/// A fault, and what the caller is told: status, class, outcome.
type Case = (&'static str, u16, &'static str, &'static str);

async fn push(docked: &Docked) -> Answer {
    docked.call(PUSH, &row("news", "a")).await
}

/// Pushes under each fault in turn.
async fn each(docked: &Docked, cases: &[Case]) {
    for (fault, status, class, outcome) in cases {
        docked.sim.faults().clear();
        docked.fault(PUSH, fault);
        let before = docked.requests(PUSH);
        let answer = push(docked).await;
        let problem = answer.json();
        let told = (answer.status, problem["class"].as_str(), problem["outcome"].as_str());
        assert_eq!(told, (*status, Some(*class), Some(*outcome)), "{fault}: {problem}");
        assert_eq!(docked.requests(PUSH), before + 1, "{fault}: nothing is repeated by itself");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_code_of_the_upstream_has_its_class() {
    let docked = docked().await;
    let codes = [
        ("code=40001,字段 title 必填", 422, "invalid-input", "rejected"),
        ("code=40101,AK 不存在", 502, "auth-failed", "rejected"),
        ("code=40102,X-Signature 不正确", 502, "auth-failed", "rejected"),
        ("code=40103,X-Nonce 重复", 502, "auth-failed", "rejected"),
        ("code=40110,AK 已过期", 503, "auth-expired", "rejected"),
        ("code=40301,机构未认证", 502, "auth-failed", "rejected"),
        ("code=40901,已发布", 409, "upstream-rejected", "rejected"),
        ("code=42901,调用过于频繁", 429, "rate-limited", "rejected"),
        ("code=50000,系统错误", 503, "unavailable", "unknown"),
        ("code=49999,没有写明的", 409, "upstream-rejected", "rejected"),
    ];
    each(&docked, &codes).await;
    for (fault, ..) in codes {
        docked.sim.faults().clear();
        docked.fault(PUSH, fault);
        let (code, words) = fault.strip_prefix("code=").unwrap().split_once(',').unwrap();
        let problem = push(&docked).await.json();
        assert_eq!(problem["upstream_code"], code);
        assert!(problem["detail"].as_str().unwrap().contains(words), "{problem}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_that_is_no_code_has_its_class() {
    let docked = docked().await;
    let cases = [
        ("status=401", 502, "auth-failed", "rejected"),
        ("status=403", 502, "auth-failed", "rejected"),
        ("status=429,12", 429, "rate-limited", "rejected"),
        ("status=502", 503, "unavailable", "unknown"),
        ("status=503", 503, "unavailable", "unknown"),
        ("status=504", 503, "unavailable", "unknown"),
        ("status=500", 502, "protocol", "unknown"),
        ("status=404", 502, "protocol", "unknown"),
        ("status=200", 502, "protocol", "unknown"),
        ("redirect=http://127.0.0.1:9/", 502, "protocol", "unknown"),
        ("html", 502, "protocol", "unknown"),
        ("missing-comma", 502, "protocol", "unknown"),
        ("garbage", 502, "protocol", "unknown"),
        ("huge-body=8000000", 502, "protocol", "unknown"),
        ("reset-before", 503, "unavailable", "unknown"),
        ("reset-after", 503, "unavailable", "unknown"),
        ("reset-mid", 503, "unavailable", "unknown"),
    ];
    each(&docked, &cases).await;
    for (fault, seconds) in [("status=429,12", "12"), ("status=503,7", "7"), ("status=503,999999999", "3600")] {
        docked.sim.faults().clear();
        docked.fault(PUSH, fault);
        assert_eq!(push(&docked).await.header("retry-after"), seconds, "{fault}");
    }
    docked.sim.faults().clear();
    docked.fault(PUSH, "truncate");
    let problem = push(&docked).await.json();
    assert_eq!(problem["outcome"], "unknown", "half an answer is never taken for a whole one: {problem}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_byte_order_mark_and_a_trailing_comma_are_no_fault() {
    let docked = docked().await;
    for fault in ["bom", "trailing-comma"] {
        docked.sim.faults().clear();
        docked.fault(PUSH, fault);
        assert_eq!(push(&docked).await.expect(200)["state"], "submitted", "{fault}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_answer_in_time_is_timeout_and_unknown() {
    // Short enough for a test, long enough for a busy machine to do everything else in.
    let docked = docked_with(Culturedc::builder(), &json!({ "limits": { "deadline_ms": 1500 } })).await;
    let cases = ["hang", "hang-after", "slow-reply=2", "slow-body=2"].map(|fault| (fault, 504, "timeout", "unknown"));
    each(&docked, &cases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_refusal_of_the_key_by_the_upstream_itself_has_its_class() {
    let docked = docked().await;
    let refused = async |status: u16, class: &str, code: &str| {
        let problem = push(&docked).await.problem(status, class, "rejected");
        assert_eq!(problem["upstream_code"], code, "{problem}");
    };
    let upstream = docked.sim.profile();
    upstream.expire_key(DEMO_ACCESS_KEY);
    refused(503, "auth-expired", "40110").await;
    upstream.renew_key(DEMO_ACCESS_KEY);
    upstream.set_certified(DEMO_ACCESS_KEY, false);
    refused(502, "auth-failed", "40301").await;
    upstream.set_certified(DEMO_ACCESS_KEY, true);
    upstream.set_rate_per_min(Some(0));
    refused(429, "rate-limited", "42901").await;
    upstream.set_rate_per_min(None);
    docked.fault(PUSH, "clock-skew=600");
    refused(502, "auth-failed", "40103").await;
    docked.sim.faults().clear();
    push(&docked).await.expect(200);

    let (url, sim) = (docked.sim.url(), &docked.sim);
    let unknown = link(&url, &json!({ "config": { "access_key": "AKDEMO0000000009" } }));
    let wrong = link(&url, &json!({ "secrets": { "secret_key": { "env": "OTHER" } } }));
    let setup = setup().env("OTHER", "SKDEMO000000000000000000000000009");
    let host = setup.link("cc/unknown", &toml_of(&unknown)).link("cc/wrong", &toml_of(&wrong)).start().await;
    host.until("both links to serve", |all| all.all_serving()).await;
    for (link, code) in [("cc.unknown", "40101"), ("cc.wrong", "40102")] {
        let problem = host.call(link, PUSH, &row("news", "b")).await.problem(502, "auth-failed", "rejected");
        assert_eq!(problem["upstream_code"], code);
    }
    assert!(sim.profile().resource("b").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_here_is_not_sent() {
    let sim = Culturedc::builder().start().await.unwrap();
    let url = sim.url();
    let other = json!({ "base_url": null, "access_key": null });
    let links = [
        ("config", 500, json!({ "config": other })),
        ("denied", 403, json!({ "allow": { "http": [] } })),
        ("internal", 500, json!({ "limits": { "http_requests": 0 } })),
    ];
    let mut setup = setup();
    for (class, _, changes) in &links {
        setup = setup.link(&format!("cc/{class}"), &toml_of(&link(&url, changes)));
    }
    let host = setup.start().await;
    host.until("all links to serve", |all| all.all_serving()).await;
    for (class, status, _) in &links {
        let link = format!("cc.{class}");
        host.call(&link, PUSH, &row("news", "a")).await.problem(*status, class, "not-sent");
        host.call(&link, PUSH, &json!({ "extId": "a" })).await.problem(422, "invalid-input", "not-sent");
        host.call(&link, "login.redeem", &json!({ "code": "c" })).await.problem(409, "session-invalid", "not-sent");
    }
    assert_eq!(sim.counters().requests.values().sum::<u64>(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_that_is_not_there_is_unavailable_and_not_sent() {
    let Docked { host, sim } = docked().await;
    sim.stop().await;
    for (operation, input) in super::upstream_calls() {
        if operation == "resource.push-batch" {
            let result = host.call(LINK, operation, &input).await.expect(200)["results"][0].clone();
            assert_eq!((&result["class"], &result["outcome"]), (&json!("unavailable"), &json!("not-sent")));
            continue;
        }
        let problem = host.call(LINK, operation, &input).await.problem(503, "unavailable", "not-sent");
        assert_eq!(problem["retryable"], true, "{operation}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_over_the_links_rate_are_rate_limited_and_not_sent() {
    let docked = docked_with(Culturedc::builder(), &json!({ "config": { "rate": { "per_min": 1 } } })).await;
    let mut refused = 0;
    // A minute may end between two of them, but not between every two.
    for _ in 0..4 {
        let answer = push(&docked).await;
        if answer.status == 200 {
            continue;
        }
        answer.problem(429, "rate-limited", "not-sent");
        assert!((1..=60).contains(&answer.header("retry-after").parse::<u32>().unwrap()));
        refused += 1;
    }
    assert!(refused >= 1);
    assert_eq!(docked.requests(PUSH), 4 - refused);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_gives_the_upstreams_refusal_its_class() {
    let docked = docked().await;
    let on = ["resource.push", "resource.status-or-delete", "resource.fetch", "stats.report"];
    for operation in on {
        docked.fault(operation, "code=40301,机构未认证");
    }
    for (operation, input) in super::upstream_calls() {
        let answer = docked.call(operation, &input).await;
        if operation == "resource.push-batch" {
            let result = answer.expect(200)["results"][0].clone();
            let told = (&result["class"], &result["outcome"], &result["upstreamCode"]);
            assert_eq!(told, (&json!("auth-failed"), &json!("rejected"), &json!("40301")));
            continue;
        }
        assert_eq!(answer.problem(502, "auth-failed", "rejected")["upstream_code"], "40301", "{operation}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quirky_upstream_that_puts_its_refusals_into_the_status_is_understood() {
    let docked = docked_with(Culturedc::builder().quirky(), &json!({})).await;
    let upstream = docked.sim.profile();
    upstream.expire_key(DEMO_ACCESS_KEY);
    push(&docked).await.problem(503, "auth-expired", "rejected");
    upstream.renew_key(DEMO_ACCESS_KEY);
    upstream.set_rate_per_min(Some(0));
    let answer = push(&docked).await;
    answer.problem(429, "rate-limited", "rejected");
    assert_eq!(answer.header("retry-after"), "60");
    upstream.set_rate_per_min(None);
    upstream.set_certified(DEMO_ACCESS_KEY, false);
    push(&docked).await.problem(502, "auth-failed", "rejected");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_cannot_work_is_refused_with_its_key_before_the_first_call() {
    let sim = Culturedc::builder().start().await.unwrap();
    let refused = async |changes: Value| {
        let host = setup().link(FILE, &toml_of(&link(&sim.url(), &changes))).start().await;
        let all = host.until("the link to be judged", |all| !all.link_state(LINK).is_empty()).await;
        assert_eq!(all.link_state(LINK), "refused", "{changes}");
        all.link_reason(LINK).to_owned()
    };
    for (key, config) in [
        ("base_url", json!({ "base_url": "https://www.culturedc.cn" })),
        ("access_key", json!({ "access_key": null })),
        ("wire", json!({ "profile": "custom" })),
        ("batch", json!({ "batch": { "size": 51 } })),
        ("return_urls", json!({ "login": { "return_urls": null } })),
        ("pages", json!({ "links": { "pages": [{ "name": "首页", "url": "www.campus.example" }] } })),
        ("pages", json!({ "links": { "pages": [{ "name": "名".repeat(51), "url": "http://www.campus.example" }] } })),
    ] {
        let reason = refused(json!({ "config": config })).await;
        assert!(reason.contains("cc/whg.toml") && reason.contains(key), "{key}: {reason}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_link_serves_as_it_is_written() {
    let example = build::workspace().join("connectors/culturedc/link.example.toml");
    let setup = setup().env("CULTUREDC_PLATFORM_SECRET", platform::SECRET);
    let host = setup.link(FILE, &std::fs::read_to_string(example).unwrap()).start().await;
    let all = host.until("the link to be judged", |all| !all.link_state(LINK).is_empty()).await;
    assert_eq!((all.link_state(LINK), all.link_reason(LINK)), ("serving", ""));
}
