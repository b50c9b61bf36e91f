//! The error model as one table (A10): each class that a call may end with is reached through the real host, component
//! and upstream, and is answered with its own status. The other upstreams' tables stand in their `errors`.

use std::collections::BTreeSet;

use duijie_tests::upstreams::Eduyun;
use serde_json::{Value, json};

use super::{Docked, LINK, LOGIN_PAGE, docked_from, newcomer, setup};
use crate::support::{hostile_link, requests};

/// How a call is to end: status, class, outcome.
type Told = (u16, &'static str, &'static str);

/// Ends of calls, collected.
struct Ends<'a> {
    docked: &'a Docked,
    reached: BTreeSet<&'static str>,
}

impl Ends<'_> {
    /// A call ends so when the upstream fails at one of its operations.
    async fn at(&mut self, fault: (&str, &str), operation: &str, input: &Value, told: Told) {
        self.docked.sim.faults().clear();
        self.docked.fault(fault.0, fault.1);
        self.so(LINK, operation, input, told).await;
        self.docked.sim.faults().clear();
    }

    /// A call ends so.
    async fn so(&mut self, link: &str, operation: &str, input: &Value, (status, class, outcome): Told) {
        let answer = self.docked.host.call(link, operation, input).await;
        answer.problem(status, class, outcome);
        self.reached.insert(class);
    }

    /// A call of another link of the host, with this TOML, ends so before anything is sent.
    async fn of(&mut self, toml: &str, operation: &str, input: &Value, (status, class): (u16, &'static str)) {
        let before = requests(&self.docked.sim.counters());
        let (file, link) = (format!("hz/{class}"), format!("hz.{class}"));
        self.docked.host.write_link(&file, toml);
        self.docked.host.until("the other link to serve", |all| all.link_state(&link) == "serving").await;
        self.so(&link, operation, input, (status, class, "not-sent")).await;
        assert_eq!(requests(&self.docked.sim.counters()), before, "{class}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a10_every_class_of_error_is_reached_and_has_its_status() {
    let mut toml = String::new();
    let docked = docked_from(setup().guest("hostile"), Eduyun::builder(), |region| {
        toml = region.config("http.timeout_ms = 1000").toml();
        toml.clone()
    })
    .await;
    let mut ends = Ends { docked: &docked, reached: BTreeSet::new() };
    let (none, session) = (json!({}), json!({ "usessionId": "7f3a" }));
    ends.at(("token.get", "code=100001,keyInfo校验失败"), "app.list", &none, (502, "auth-failed", "not-sent")).await;
    ends.so(LINK, "app.list", &json!({ "size": 1001 }), (422, "invalid-input", "not-sent")).await;
    ends.so(LINK, "user.info", &session, (409, "session-invalid", "rejected")).await;
    ends.so(LINK, "session.exchange", &newcomer(), (409, "identity-unverified", "rejected")).await;
    for (fault, told) in [
        ("code=100001,accessToken无效", (503, "auth-expired", "rejected")),
        ("code=999999,平台已停用", (409, "upstream-rejected", "rejected")),
        ("status=429,12", (429, "rate-limited", "rejected")),
        ("status=503", (503, "unavailable", "unknown")),
        ("hang", (504, "timeout", "unknown")),
        ("html", (502, "protocol", "unknown")),
    ] {
        ends.at(("app.list", fault), "app.list", &none, told).await;
    }
    // The operator's own: a line of the link, without its hooks.
    let toml = toml.split("[platform]").next().unwrap();
    let elsewhere = toml.replace("[allow]\nhttp = [\"", "[allow]\nhttp = [\"http://192.0.2.1\"] # [\"");
    ends.of(&elsewhere, "app.list", &none, (403, "denied")).await;
    let kept: Vec<_> = toml.lines().filter(|line| !line.starts_with("oauth.")).collect();
    ends.of(&kept.join("\n"), "oauth.link", &json!({ "return_to": LOGIN_PAGE }), (500, "config")).await;
    // A connector that fails by itself: no good one does.
    ends.of(&hostile_link(&[], ""), "memory.bomb", &none, (500, "internal")).await;

    let model = [
        "auth-expired",
        "auth-failed",
        "config",
        "denied",
        "identity-unverified",
        "internal",
        "invalid-input",
        "protocol",
        "rate-limited",
        "session-invalid",
        "timeout",
        "unavailable",
        "upstream-rejected",
    ];
    assert_eq!(ends.reached.into_iter().collect::<Vec<_>>(), model, "all of the model");
}
