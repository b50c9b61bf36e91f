//! The single sign-on of the Zhejiang government service portal (`zjzwfw-sso`), docked: what its themes share. A
//! resource's link with both hooks, the simulated SSO on one side, and on the other a platform that answers events.

mod calls;
mod errors;
mod login;
mod people;
mod privacy;
mod provisioning;
mod quirks;
mod tickets;
mod ways;

use std::net::{Ipv4Addr, SocketAddr};

use duijie_tests::{
    harness::{Answer, Host, Setup},
    platform::{self, Platform},
    upstreams::{
        Rule, Simulator, ZjzwfwSso,
        zjzwfw_sso::{Builder, DEMO_IRS_SECRET_KEY, DEMO_PROXY_PWD, DEMO_SERVICE_CODE, DEMO_SERVICE_PWD},
    },
};
use serde_json::{Value, json};

use crate::support::parse;

/// The link of every test here, and its file.
const LINK: &str = "zj.sso";
const FILE: &str = "zj/sso";
/// The secret part of the path of the hook that the SSO calls, and of the one that browsers come to.
const SYNC_PATH: &str = "5a5a1c0de5a5a1c0de5a5a1c0de5a5a1";
const PAGE_PATH: &str = "9b9b1a7d9b9b1a7d9b9b1a7d9b9b1a7d";
/// The landing's public address: the operator's proxy gives path and query on.
const LANDING_ORIGIN: &str = "https://hooks.example";
/// The platform's page on which a log-in ends.
const RETURN: &str = "https://campus.example/login";
/// What the platform is asked.
const SYNC_EVENT: &str = "duijie.zjzwfw-sso.user.sync";
const DELETE_EVENT: &str = "duijie.zjzwfw-sso.user.delete";
/// The content type that the document demands, of JSON too.
const CONTENT_TYPE: &str = "text/xml;charset=utf-8";
/// The servlet of most methods, as the simulator counts it.
const SIMPLE: &str = "simple.http";

/// A host with one link between one simulator and one platform.
struct Docked {
    host: Host,
    sim: Simulator<ZjzwfwSso>,
    platform: Platform,
}

/// The landing's public address, as registered at the SSO.
fn landing() -> String {
    format!("{LANDING_ORIGIN}/hooks/{LINK}/{PAGE_PATH}/login-landing")
}

/// A link between these addresses with everything that a link may have. Members of `changes` replace or add; null takes
/// away.
fn link(sso: &str, platform: &str, changes: &Value) -> String {
    let mut link = json!({
        "connector": "zjzwfw-sso",
        "config": {
            "base": format!("{sso}/sso"),
            "servicecode": DEMO_SERVICE_CODE,
            "login": { "landing_url": landing(), "return_urls": [RETURN] },
        },
        "secrets": { "servicepwd": { "env": "SSO_SERVICEPWD" } },
        "hooks": {
            "user-sync": { "path_secret": { "env": "SSO_SYNC_PATH" }, "allow": ["127.0.0.1/32"] },
            "login-landing": { "path_secret": { "env": "SSO_PAGE_PATH" } },
        },
        "platform": { "url": format!("{platform}/events"), "secret": { "env": "PLATFORM_SECRET" } },
        "allow": { "http": [sso] },
    });
    change(&mut link, changes);
    toml::to_string(&link).unwrap()
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

/// A setup with the connector and every secret that a link may name; the link is still to be written.
fn setup() -> Setup {
    Setup::new()
        .connector("zjzwfw-sso")
        .env("SSO_SERVICEPWD", DEMO_SERVICE_PWD)
        .env("SSO_OTHER_SERVICEPWD", DEMO_PROXY_PWD)
        .env("SSO_IRS_SECRET_KEY", DEMO_IRS_SECRET_KEY)
        .env("SSO_SYNC_PATH", SYNC_PATH)
        .env("SSO_PAGE_PATH", PAGE_PATH)
        .env("PLATFORM_SECRET", platform::SECRET)
}

/// A resource docked to a strict SSO.
async fn docked() -> Docked {
    docked_with(ZjzwfwSso::builder(), &json!({})).await
}

/// The same with another SSO and changes to the link's config.
async fn docked_with(sso: Builder, config: &Value) -> Docked {
    docked_from(setup(), sso, |_| json!({ "config": config })).await
}

/// The same with another setup and changes to the whole link, which may name the SSO's origin. The platform takes every
/// person.
async fn docked_from(setup: Setup, sso: Builder, changes: impl FnOnce(&str) -> Value) -> Docked {
    let sim = sso.start().await.unwrap();
    let changes = &changes(&sim.url());
    let platform = Platform::start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await.unwrap();
    for event in [SYNC_EVENT, DELETE_EVENT] {
        platform.answer(event, |_| (204, Value::Null));
    }
    let host = setup.link(FILE, &link(&sim.url(), &platform.url(), changes)).start().await;
    let all = host.until("the link to be judged", |all| !all.link_state(LINK).is_empty()).await;
    assert_eq!(all.link_state(LINK), "serving", "{}", all.link_reason(LINK));
    sim.profile().set_hook_url(format!("http://{}{}", host.api_address(), hook_path(SYNC_PATH, "user-sync")));
    Docked { host, sim, platform }
}

fn hook_path(secret: &str, hook: &str) -> String {
    format!("/hooks/{LINK}/{secret}/{hook}")
}

impl Docked {
    /// Calls an operation; the whole answer.
    async fn call(&self, operation: &str, input: &Value) -> Answer {
        self.host.call(LINK, operation, input).await
    }

    /// The output of a call that succeeds.
    async fn done(&self, operation: &str, input: &Value) -> Value {
        self.call(operation, input).await.expect(200)
    }

    /// A ticket of the first demo user, as a browser would bring it.
    fn ticket(&self) -> String {
        self.sim.profile().ticket("demoUser0001").unwrap()
    }

    /// A token of the same.
    async fn token(&self) -> String {
        let session = self.done("ticket.validate", &json!({ "ticket": self.ticket() })).await;
        session["token"].as_str().unwrap().to_owned()
    }

    /// The simulator fails so from now on, whatever it did before.
    fn fault(&self, door: &str, fault: &str) {
        self.sim.faults().clear();
        self.sim.faults().add(Rule::new(parse(fault)).operation(door));
    }

    /// Calls of a method whose signature held.
    fn calls_of(&self, method: &str) -> u64 {
        self.sim.profile().method_counts().get(method).copied().unwrap_or_default()
    }

    /// Requests of any kind at the SSO.
    fn requests(&self) -> u64 {
        crate::support::requests(&self.sim.counters())
    }
}

/// What is known of the first demo user after a ticket, but for the token.
fn first_session(token: &Value) -> Value {
    json!({
        "token": token, "tokenTtlS": 600, "userId": "demoUser0001", "loginName": "zhence1", "userName": "甄测生",
        "orgCoding": "001006",
    })
}

/// What is known of the first demo user.
fn first_user() -> Value {
    json!({
        "userId": "demoUser0001", "loginName": "zhence1", "userName": "甄测生", "idType": "1",
        "idNumber": "999999199001010016", "mobile": "13800000001", "orgCoding": "001006",
        "extra": { "authlevel": "3", "sex": "1" },
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_of_a_link_serves() {
    let example = include_str!("../../connectors/zjzwfw-sso/link.example.toml");
    let setup =
        ["SERVICEPWD", "SYNC_PATH", "LANDING_PATH", "PLATFORM_SECRET"].into_iter().fold(setup(), |setup, name| {
            setup.env(&format!("ZJZWFW_{name}"), &format!("{name}-of-24-characters-and-more"))
        });
    let host = setup.link(FILE, example).start().await;
    let all = host.until("the link to be judged", |all| !all.link_state(LINK).is_empty()).await;
    assert_eq!(all.link_state(LINK), "serving", "{}", all.link_reason(LINK));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_and_both_hooks_have_a_test_here() {
    let docked = docked().await;
    let link = docked.host.get(&format!("/v1/links/{LINK}")).await.expect(200);
    let operations = link["operations"].as_array().unwrap_or_else(|| panic!("no operations in {link}"));
    assert_eq!(operations.len(), 10, "{link}");
    let operations = operations.iter().map(|operation| operation["name"].as_str().unwrap());
    let tests = [
        include_str!("zjzwfw_sso/calls.rs"),
        include_str!("zjzwfw_sso/login.rs"),
        include_str!("zjzwfw_sso/people.rs"),
        include_str!("zjzwfw_sso/provisioning.rs"),
        include_str!("zjzwfw_sso/tickets.rs"),
    ]
    .concat();
    for name in operations.chain(["login-landing", "user-sync"]) {
        assert!(tests.contains(&format!("\"{name}\"")), "{name}");
    }
}
