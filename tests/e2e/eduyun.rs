//! The national education resource service system (`eduyun`), docked: what its themes share. A region's link with its
//! three hooks, the simulated upstream on one side, a platform that answers events on the other, and a person's browser.

mod apps;
mod arrivals;
mod classes;
mod doors;
mod errors;
mod exchange;
mod login;
mod people;
mod privacy;
mod quirks;
mod relay;
mod token;

use std::{
    fmt::Write as _,
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use duijie_tests::{
    harness::{Answer, Host, Setup, WAIT_MAX, build},
    platform::{self, Platform},
    upstreams::{
        Called, Eduyun, Rule, Simulator, call,
        eduyun::{Builder, DEMO_APP_ID, DEMO_APP_KEY, DEMO_SYS_CODE},
    },
};
use http::{HeaderMap, Method};
use serde_json::{Value, json};
use url::Url;

use crate::support::parse;

/// The link of every test here.
const LINK: &str = "hz.edu";
/// The secret part of the path that the upstream calls.
const LOOK_UP_PATH: &str = "10ca15e55105e55105e55105e55105e5";
/// That of the paths which browsers come to.
const BROWSER_PATH: &str = "b20b5e2_b20b5e2-b20b5e2b20b5e2bb";
/// What the platform is asked.
const EVENT: &str = "duijie.eduyun.local-session";
/// Pages of the platform.
const LOGIN_PAGE: &str = "http://127.0.0.1:3000/login";
const ARRIVAL_PAGE: &str = "http://127.0.0.1:3000/arrive?from=tx";

/// A host with one link between one simulator and one platform.
struct Docked {
    host: Host,
    sim: Simulator<Eduyun>,
    platform: Platform,
}

/// A link's TOML, still to be changed.
struct Region {
    url: String,
    platform: String,
    host: SocketAddr,
    config: String,
}

impl Region {
    /// Adds a line to `[config]`.
    fn config(mut self, line: &str) -> Self {
        let _ = writeln!(self.config, "{line}");
        self
    }

    /// The TOML.
    fn toml(&self) -> String {
        let Self { url, platform, host, config } = self;
        format!(
            "connector = \"eduyun\"\n\
            [config]\nbase_url = \"{url}\"\napp_id = \"{DEMO_APP_ID}\"\nsys_code = \"{DEMO_SYS_CODE}\"\n\
            oauth.redirect_uri = \"http://{host}{}\"\n\
            login.return_urls = [\"{LOGIN_PAGE}\"]\nlogin.ticket_return_url = \"{ARRIVAL_PAGE}\"\n{config}\
            [secrets.app_key]\nenv = \"EDUYUN_APP_KEY\"\nencoding = \"utf8\"\n\
            [allow]\nhttp = [\"{url}\"]\n\
            [limits]\ndeadline_ms = 5000\nconcurrency = 128\n\
            [platform]\nurl = \"{platform}/events\"\nsecret = {{ env = \"PLATFORM_SECRET\" }}\ntimeout_ms = 2000\n\
            [hooks.local-session]\npath_secret = {{ env = \"LOOK_UP_PATH\" }}\nallow = [\"127.0.0.1/32\"]\n\
            max_body_kib = 4\ndeadline_ms = 2000\n\
            [hooks.oauth-landing]\npath_secret = {{ env = \"BROWSER_PATH\" }}\n\
            [hooks.ticket-landing]\npath_secret = {{ env = \"BROWSER_PATH\" }}\n",
            hook_path(BROWSER_PATH, "oauth-landing"),
        )
    }
}

/// A setup with the connector and every secret that a link may name; the link is still to be written.
fn setup() -> Setup {
    Setup::new()
        .connector("eduyun")
        .env("EDUYUN_APP_KEY", DEMO_APP_KEY)
        .env("PLATFORM_SECRET", platform::SECRET)
        .env("LOOK_UP_PATH", LOOK_UP_PATH)
        .env("BROWSER_PATH", BROWSER_PATH)
}

/// A region docked to a strict simulator.
async fn docked() -> Docked {
    docked_with(Eduyun::builder(), |region| region).await
}

/// The same with changes to simulator and link.
async fn docked_with(sim: Builder, change: impl FnOnce(Region) -> Region) -> Docked {
    docked_from(setup(), sim, |region| change(region).toml()).await
}

/// The same with another setup and any TOML. The link is written when the host is up, because it names the host's own
/// address.
async fn docked_from(setup: Setup, sim: Builder, toml: impl FnOnce(Region) -> String) -> Docked {
    let sim = sim.start().await.unwrap();
    let platform = Platform::start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await.unwrap();
    let host = setup.start().await;
    let region = Region { url: sim.url(), platform: platform.url(), host: host.api_address(), config: String::new() };
    host.write_link("hz/edu", &toml(region));
    host.until("the link to serve", |all| all.link_state(LINK) == "serving").await;
    let docked = Docked { host, sim, platform };
    docked.sim.profile().set_hook_url(docked.hook_url(LOOK_UP_PATH, "local-session"));
    docked.sim.profile().set_redirect_uri(docked.hook_url(BROWSER_PATH, "oauth-landing"));
    docked
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

    /// The problem of a call that the upstream refuses with this code and class.
    async fn refused(&self, operation: &str, input: &Value, (class, code): (&str, &str)) -> Value {
        let status = if class == "invalid-input" { 422 } else { 409 };
        let problem = self.call(operation, input).await.problem(status, class, "rejected");
        assert_eq!(problem["upstream_code"], code, "{operation}: {problem}");
        problem
    }

    /// The pointers of what does not fit an input, none of which may be sent.
    async fn misfits(&self, operation: &str, input: &Value) -> Vec<String> {
        let problem = self.call(operation, input).await.problem(422, "invalid-input", "not-sent");
        let told = problem["errors"].as_array().or(problem["details"].as_array());
        let pointers = told.unwrap().iter().map(|one| one["pointer"].as_str().unwrap().to_owned());
        pointers.collect()
    }

    /// A session of the teacher's, by exchange.
    async fn session(&self) -> String {
        text(&self.done("session.exchange", &teacher()).await["usessionId"])
    }

    /// Requests of one operation that the upstream has seen.
    fn seen(&self, operation: &str) -> u64 {
        self.sim.counters().requests_of(operation)
    }

    /// The simulator fails so from now on.
    fn fault(&self, operation: &str, fault: &str) {
        self.sim.faults().add(Rule::new(parse(fault)).operation(operation));
    }

    /// The simulator fails so once.
    fn fault_once(&self, operation: &str, fault: &str) {
        self.sim.faults().add(Rule::new(parse(fault)).operation(operation).once());
    }

    fn hook_url(&self, path_secret: &str, hook: &str) -> String {
        format!("http://{}{}", self.host.api_address(), hook_path(path_secret, hook))
    }

    /// What whoever knocks at the look-up with this body is answered.
    async fn look_up(&self, body: &str) -> Answer {
        self.host.api(Method::POST, &hook_path(LOOK_UP_PATH, "local-session")).json(body.to_owned()).send().await
    }
}

fn hook_path(path_secret: &str, hook: &str) -> String {
    format!("/hooks/{LINK}/{path_secret}/{hook}")
}

/// What a browser gets at this address; it follows nothing by itself.
async fn visit(url: &str) -> Called {
    call(Method::GET, url, &[("accept", "text/html")], "", WAIT_MAX).await.unwrap()
}

/// Where a page sends a browser.
async fn sent_on(url: &str) -> String {
    let page = visit(url).await;
    assert_eq!(page.status, 302, "{}", String::from_utf8_lossy(&page.body));
    header(&page.headers, "location")
}

fn header(headers: &HeaderMap, name: &str) -> String {
    headers.get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
}

/// A parameter of an address, decoded; there is at most one.
fn parameter(address: &str, name: &str) -> Option<String> {
    let address = Url::parse(address).unwrap();
    let mut values = address.query_pairs().filter(|(known, _)| known == name).map(|(_, value)| value.into_owned());
    let value = values.next();
    assert_eq!(values.next(), None, "{name} stands twice in {address}");
    value
}

/// The teacher of the demo people, verified.
fn teacher() -> Value {
    json!({ "name": "甄测师", "idCardNo": "999999199001010016", "userIdentity": "1" })
}

/// The student of the demo people who is not verified.
fn newcomer() -> Value {
    json!({ "name": "甄测生乙", "idCardNo": "999999198506150036", "userIdentity": "0" })
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

/// An object with these members in place of its own or added.
fn with(mut object: Value, members: &Value) -> Value {
    for (name, value) in members.as_object().unwrap() {
        object[name] = value.clone();
    }
    object
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_link_serves_and_exchanges_a_session() {
    let example = std::fs::read_to_string(build::workspace().join("connectors/eduyun/link.example.toml")).unwrap();
    let setup = setup().env("EDUYUN_SESSION_PATH", LOOK_UP_PATH).env("EDUYUN_BROWSER_PATH", BROWSER_PATH);
    let docked = docked_from(setup, Eduyun::builder(), |region| {
        assert!(example.contains("http://127.0.0.1:18081"));
        example.replace("http://127.0.0.1:18081", &region.url)
    })
    .await;
    docked.session().await;
    assert_eq!(docked.sim.profile().exchanges()[0].user_id.as_deref(), Some("demoUser0001"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_gets_a_token_says_until_when_and_never_shows_it() {
    let docked = docked_with(Eduyun::builder().token_ttl(Duration::from_secs(1800)), |region| region).await;
    for _ in 0..2 {
        let checked = docked.done("token.check", &json!({})).await;
        let until: jiff::Timestamp = text(&checked["validUntil"]).parse().unwrap();
        assert!((1500..=1800).contains(&until.duration_since(jiff::Timestamp::now()).as_secs()), "{checked}");
        assert_eq!(checked.as_object().unwrap().len(), 1, "{checked}");
    }
    assert_eq!(docked.sim.counters().tokens_issued, 1, "the second check finds it kept");
}
