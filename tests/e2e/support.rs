//! What the themes share: a college docked to a simulator, a hostile link, and records in the upstream's own order.

use std::fmt::Write as _;

use duijie_tests::{
    harness::{Host, Setup, build},
    upstreams::{
        Counters, Fault, Rule, Simulator, ZjGxsz,
        zj_gxsz::{Builder, DEMO_CLIENT_SECRET, Stored},
    },
};
use serde_json::Value;

/// The link that most tests use.
pub(crate) const LINK: &str = "zj.nbufe";
/// The environment variable that its secret comes from.
pub(crate) const SECRET_ENV: &str = "NBUFE_CLIENT_SECRET";

/// A host with one link to one simulator.
pub(crate) struct Docked {
    pub(crate) host: Host,
    pub(crate) sim: Simulator<ZjGxsz>,
}

/// A link's TOML, still to be changed.
#[derive(Clone)]
pub(crate) struct College {
    url: String,
    token: String,
    tables: String,
}

impl College {
    /// A college at this upstream.
    pub(crate) fn at(url: &str) -> Self {
        Self { url: url.to_owned(), token: "path = \"/api/oauth2/token\"\n".to_owned(), tables: String::new() }
    }

    /// Adds a line to `[config.token]`.
    pub(crate) fn token(mut self, line: &str) -> Self {
        let _ = writeln!(self.token, "{line}");
        self
    }

    /// Adds whole tables.
    pub(crate) fn tables(mut self, toml: &str) -> Self {
        let _ = writeln!(self.tables, "{toml}");
        self
    }

    /// The TOML.
    pub(crate) fn toml(&self) -> String {
        let Self { url, token, tables } = self;
        format!(
            "connector = \"zj-gxsz\"\n\
            [config]\nprofile = \"sim\"\nbase_url = \"{url}\"\nclient_id = \"demo-college\"\n\
            [config.token]\n{token}\
            [secrets.client_secret]\nenv = \"{SECRET_ENV}\"\nencoding = \"base64\"\n\
            [allow]\nhttp = [\"{url}\"]\n{tables}"
        )
    }
}

/// A setup with the connector and the college's secret; the link is still to be written.
pub(crate) fn setup() -> Setup {
    Setup::new().connector("zj-gxsz").env(SECRET_ENV, DEMO_CLIENT_SECRET)
}

/// A college docked to a strict simulator.
pub(crate) async fn docked() -> Docked {
    docked_with(ZjGxsz::builder(), |college| college).await
}

/// The same with changes to simulator and link.
pub(crate) async fn docked_with(sim: Builder, change: impl FnOnce(College) -> College) -> Docked {
    docked_in(setup(), sim, change).await
}

/// The same with another setup.
pub(crate) async fn docked_in(setup: Setup, sim: Builder, change: impl FnOnce(College) -> College) -> Docked {
    let sim = sim.start().await.unwrap();
    let college = change(College::at(&sim.url()));
    let host = setup.link("zj/nbufe", &college.toml()).start().await;
    let docked = Docked { host, sim };
    docked.host.until("the link to serve", |all| all.link_state(LINK) == "serving").await;
    docked
}

impl Docked {
    /// Pushes a record; the whole answer.
    pub(crate) async fn push(&self, operation: &str, record: &Value) -> duijie_tests::harness::Answer {
        self.host.call_request(LINK, operation, in_wire_order(record)).send().await
    }

    /// The simulator fails so from now on.
    pub(crate) fn fault(&self, operation: &str, fault: &str) {
        self.sim.faults().add(Rule::new(parse(fault)).operation(operation));
    }

    /// The simulator fails so once.
    pub(crate) fn fault_once(&self, operation: &str, fault: &str) {
        self.sim.faults().add(Rule::new(parse(fault)).operation(operation).once());
    }

    /// The last version of a record at the upstream.
    pub(crate) fn stored(&self, record: &Value) -> Stored {
        let id = record["recordId"].as_str().unwrap();
        self.sim.profile().record(id).unwrap_or_else(|| panic!("no record {id}"))
    }
}

/// A fault in the simulator's notation.
pub(crate) fn parse(fault: &str) -> Fault {
    fault.parse().unwrap()
}

/// Requests of any kind that an upstream has seen.
pub(crate) fn requests(counters: &Counters) -> u64 {
    counters.requests.values().sum()
}

/// A record's JSON text with members in the order in which the simulator's profile sends them: what the connector
/// encrypts is then, byte for byte, what the platform sent.
pub(crate) fn in_wire_order(record: &Value) -> String {
    const ORDER: [&str; 14] = [
        "recordId",
        "schoolCode",
        "teacherNo",
        "teacherName",
        "students",
        "parentName",
        "parentRelation",
        "parentPhone",
        "talkTime",
        "talkPlace",
        "talkType",
        "talkTopic",
        "content",
        "attention",
    ];
    const STUDENT: [&str; 2] = ["studentNo", "studentName"];
    let Value::Object(members) = record else { return record.to_string() };
    let student =
        |student: &Value| object(STUDENT.iter().filter_map(|name| Some((*name, student.get(name)?.to_string()))));
    let known = ORDER.iter().filter_map(|name| {
        let value = members.get(*name)?;
        let text = match value.as_array() {
            Some(students) => format!("[{}]", students.iter().map(student).collect::<Vec<_>>().join(",")),
            None => value.to_string(),
        };
        Some((*name, text))
    });
    let others = members.iter().filter(|(name, _)| !ORDER.contains(&name.as_str()));
    object(known.chain(others.map(|(name, value)| (name.as_str(), value.to_string()))))
}

fn object<'n>(members: impl Iterator<Item = (&'n str, String)>) -> String {
    let members: Vec<String> = members.map(|(name, value)| format!("{}:{value}", Value::from(name))).collect();
    format!("{{{}}}", members.join(","))
}

/// A link of the hostile guest: what it may reach, and more tables.
pub(crate) fn hostile_link(allow: &[&str], tables: &str) -> String {
    let allow: Vec<String> = allow.iter().map(|origin| format!("\"{origin}\"")).collect();
    format!("connector = \"hostile\"\n{tables}\n[allow]\nhttp = [{}]\n", allow.join(", "))
}

/// The hostile component with another mode written over its marker.
pub(crate) fn hostile_in_mode(mode: &str) -> Vec<u8> {
    const MARK: &[u8] = b"hostile-mode:";
    const LEN: usize = 64;
    let mut bytes = std::fs::read(build::connector("hostile")).unwrap();
    let at = bytes.windows(MARK.len()).position(|window| window == MARK).expect("the marker is in the component");
    let mut marked = [b' '; LEN];
    let text = [MARK, mode.as_bytes()].concat();
    marked[..text.len()].copy_from_slice(&text);
    bytes[at..at + LEN].copy_from_slice(&marked);
    bytes
}

/// A host with the hostile guest on the link `h.one`, and a witness on the link `h.two`.
pub(crate) async fn hostile_host(allow: &[&str], tables: &str) -> Host {
    let setup = Setup::new()
        .guest("hostile")
        .env("TEST_TOKEN", TOKEN)
        .link("h/one", &hostile_link(allow, &format!("{tables}\n{SECRETS}")))
        .link("h/two", &hostile_link(&[], ""));
    let host = setup.start().await;
    host.until("both links to serve", |all| {
        all.link_state("h.one") == "serving" && all.link_state("h.two") == "serving"
    })
    .await;
    host
}

/// The secret of the hostile link: no word of it occurs anywhere by chance, and URLs and forms must escape much of it.
pub(crate) const TOKEN: &str = "Zq7/mK+2vX==wR9't&Yp~8_sL4u";

/// The hostile link's slots.
pub(crate) const SECRETS: &str = "[secrets.token]\nenv = \"TEST_TOKEN\"\nuses = [\"send\", \"digest\", \"hmac\"]\n[secrets.send_only]\nenv = \"TEST_TOKEN\"";

/// The host answers, and another link is served: whatever happened, it happened to one call.
pub(crate) async fn still_serves(host: &Host) {
    let ping = serde_json::json!({ "ping": 1 });
    assert_eq!(host.call("h.two", "echo", &ping).await.expect(200), ping);
    assert_eq!(host.call("h.one", "echo", &ping).await.expect(200), ping);
}
