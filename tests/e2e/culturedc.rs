//! The national public culture cloud, end to end: every operation and the hook, its quirks, its failures, and that
//! nothing personal is written. The upstream's own interface manual is not public: what is shown here is the profile
//! `sim-v1` and profiles typed into a link. Never reaches anything but this machine.

pub(crate) mod aksk;
mod batch;
mod errors;
mod keyless;
mod links;
mod login;
mod privacy;
mod profile;
mod resources;
mod stats;

use duijie_tests::{
    harness::{Answer, Host, Setup},
    upstreams::{
        Culturedc, Rule, Simulator,
        culturedc::{Builder, DEMO_ACCESS_KEY, DEMO_SECRET_KEY, Resource},
    },
};
use serde_json::{Value, json};

use crate::support::parse;

/// The link of most tests, and its file.
pub(crate) const LINK: &str = "cc.whg";
const FILE: &str = "cc/whg";
/// The environment variables of its secrets.
const KEY_ENV: &str = "CULTUREDC_SECRET_KEY";
const PATH_ENV: &str = "CULTUREDC_PATH_SECRET";
/// The secret part of the landing's address.
const PATH_SECRET: &str = "Qx7pLandingSecret-0123456789abcd";
/// The landing's public address: the operator's proxy gives path and query on.
const LANDING_ORIGIN: &str = "https://hooks.example";
/// The platform's page on which a log-in ends.
const RETURN: &str = "https://campus.example/login";

/// A host with one link to one simulator.
pub(crate) struct Docked {
    pub(crate) host: Host,
    pub(crate) sim: Simulator<Culturedc>,
}

/// The landing's public address, as registered at the upstream.
fn landing() -> String {
    format!("{LANDING_ORIGIN}/hooks/{LINK}/{PATH_SECRET}/login-landing")
}

/// A link to this upstream with everything that a link may have, save an issue date. Members of `changes` replace or
/// add; null takes away.
fn link(url: &str, changes: &Value) -> Value {
    let mut link = json!({
        "connector": "culturedc",
        "config": {
            "profile": "sim-v1",
            "base_url": url,
            "access_key": DEMO_ACCESS_KEY,
            // The tests' own pace is no matter of the link's; those of the rate set it.
            "rate": { "per_min": 0 },
            "login": { "redirect_uri": landing(), "return_urls": [RETURN] },
        },
        "secrets": { "secret_key": { "env": KEY_ENV } },
        "hooks": { "login-landing": { "path_secret": { "env": PATH_ENV } } },
        "allow": { "http": [url] },
        "limits": { "deadline_ms": 60_000, "max_body_kib": 6144 },
    });
    change(&mut link, changes);
    link
}

/// RFC 7396.
fn change(to: &mut Value, changes: &Value) {
    let Value::Object(changes) = changes else { return changes.clone_into(to) };
    if !to.is_object() {
        *to = json!({});
    }
    for (name, changed) in changes {
        match changed {
            Value::Null => drop(to.as_object_mut().unwrap().remove(name)),
            changed => change(&mut to[name], changed),
        }
    }
}

fn toml_of(link: &Value) -> String {
    toml::to_string(link).unwrap()
}

fn setup() -> Setup {
    Setup::new().connector("culturedc").env(KEY_ENV, DEMO_SECRET_KEY).env(PATH_ENV, PATH_SECRET)
}

/// An institution docked to a strict simulator.
async fn docked() -> Docked {
    docked_with(Culturedc::builder(), &json!({})).await
}

/// The same with another simulator and changes to the link.
pub(crate) async fn docked_with(sim: Builder, changes: &Value) -> Docked {
    dock(sim.start().await.unwrap(), changes).await
}

/// The same with a simulator that runs already.
async fn dock(sim: Simulator<Culturedc>, changes: &Value) -> Docked {
    start(setup(), sim, changes).await
}

async fn start(setup: Setup, sim: Simulator<Culturedc>, changes: &Value) -> Docked {
    let host = setup.link(FILE, &toml_of(&link(&sim.url(), changes))).start().await;
    let all = host.until("the link to be judged", |all| !all.link_state(LINK).is_empty()).await;
    assert_eq!((all.link_state(LINK), all.link_reason(LINK)), ("serving", ""));
    Docked { host, sim }
}

impl Docked {
    async fn call(&self, operation: &str, input: &Value) -> Answer {
        self.host.call(LINK, operation, input).await
    }

    /// The output of a call that must go well.
    async fn get(&self, operation: &str, input: &Value) -> Value {
        self.call(operation, input).await.expect(200)
    }

    /// The simulator fails so from now on.
    fn fault(&self, operation: &str, fault: &str) {
        self.sim.faults().add(Rule::new(parse(fault)).operation(operation));
    }

    fn requests(&self, operation: &str) -> u64 {
        self.sim.counters().requests_of(operation)
    }

    /// A resource as the upstream has it.
    fn kept(&self, ext_id: &str) -> Resource {
        self.sim.profile().resource(ext_id).unwrap_or_else(|| panic!("no resource {ext_id}"))
    }
}

/// A resource with every field that `sim-v1` knows.
fn activity(ext_id: &str) -> Value {
    json!({
        "category": "activity", "extId": ext_id, "title": "春季合唱公益课", "summary": "面向市民的合唱入门",
        "cover": "https://img.campus.example/a.jpg", "content": "<p>报名电话 13800000001</p>",
        "venue": "市文化馆三楼排练厅", "startTime": "2024-03-09 14:00:00", "endTime": "2024-03-09 16:00:00",
        "regionCode": "330200", "url": "https://www.campus.example/activity/1",
    })
}

/// The least that a resource has.
pub(crate) fn row(category: &str, ext_id: &str) -> Value {
    json!({ "category": category, "extId": ext_id, "title": "讲座" })
}

/// All there is to call, each with an input that goes well as far as the AK/SK and the simulator go.
fn upstream_calls() -> [(&'static str, Value); 6] {
    [
        ("resource.push", row("news", "n1")),
        ("resource.push-batch", json!({ "rows": [row("news", "n2")] })),
        ("resource.status", json!({ "extId": "n1" })),
        ("resource.fetch", json!({})),
        ("stats.report", json!({ "date": "2024-03-01", "pv": 3, "uv": 2, "ip": 1 })),
        ("resource.delete", json!({ "extId": "n1" })),
    ]
}
