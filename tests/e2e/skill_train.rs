//! The supervision platform of vocational training (`skill-train`), docked: what its themes share. An academy's link
//! with both hooks, the simulated upstream on one side and a learning platform that answers events on the other.

mod business;
mod classes;
mod courses;
mod doors;
mod errors;
mod faces;
mod privacy;
mod quirks;
mod studying;
mod token;

use std::{
    fmt::Write as _,
    net::{Ipv4Addr, SocketAddr},
};

use duijie_tests::{
    harness::{Answer, Host, Setup},
    platform::{self, Event, Platform},
    upstreams::{
        Rule, Simulator, SkillTrain,
        skill_train::{Builder, DEMO_ACCOUNT, DEMO_PASSWORD, Hook},
    },
};
use serde_json::{Value, json};

use crate::support::parse;

/// The link of every test here.
pub(crate) const LINK: &str = "hz.px";
/// The secret part of the paths of its hooks.
const CLASS_PATH: &str = "c1a55c1a55c1a55c1a55c1a55c1a55c1";
const COURSE_PATH: &str = "d0c7d0c7d0c7d0c7d0c7d0c7d0c7d0c7";
/// What the learning platform is asked.
const CLASS_EVENT: &str = "duijie.skill-train.class.push";
const COURSE_EVENT: &str = "duijie.skill-train.course.pull";

/// A host with one link between one simulator and one learning platform.
pub(crate) struct Docked {
    pub(crate) host: Host,
    pub(crate) sim: Simulator<SkillTrain>,
    pub(crate) platform: Platform,
}

/// A link's TOML, still to be changed.
pub(crate) struct Academy {
    url: String,
    platform: String,
    config: String,
    tables: String,
}

impl Academy {
    /// Adds a line to `[config]`.
    fn config(mut self, line: &str) -> Self {
        let _ = writeln!(self.config, "{line}");
        self
    }

    /// Adds whole tables.
    pub(crate) fn tables(mut self, toml: &str) -> Self {
        let _ = writeln!(self.tables, "{toml}");
        self
    }

    /// The TOML.
    fn toml(&self) -> String {
        let Self { url, platform, config, tables } = self;
        let hook = |name: &str, env: &str| {
            format!(
                "[hooks.{name}]\npath_secret = {{ env = \"{env}\" }}\nallow = [\"127.0.0.1/32\"]\n\
                max_body_kib = 1024\ndeadline_ms = 10000\n"
            )
        };
        format!(
            "connector = \"skill-train\"\n\
            [config]\nbase_url = \"{url}\"\naccount = \"{DEMO_ACCOUNT}\"\nallow_plaintext = true\n{config}\
            [secrets.password]\nenv = \"ACADEMY_PASSWORD\"\n\
            [allow]\nhttp = [\"{url}\"]\n\
            [limits]\nconcurrency = 256\nmax_body_kib = 4096\n\
            [platform]\nurl = \"{platform}/events\"\nsecret = {{ env = \"PLATFORM_SECRET\" }}\ntimeout_ms = 9000\n\
            {}{}{tables}",
            hook("class-push", "CLASS_PATH"),
            hook("course-pull", "COURSE_PATH"),
        )
    }
}

/// A setup with the connector and every secret that a link may name; the link is still to be written.
fn setup() -> Setup {
    Setup::new()
        .connector("skill-train")
        .env("ACADEMY_PASSWORD", DEMO_PASSWORD)
        .env("PLATFORM_SECRET", platform::SECRET)
        .env("CLASS_PATH", CLASS_PATH)
        .env("COURSE_PATH", COURSE_PATH)
}

/// A learning platform docked to a strict simulator.
pub(crate) async fn docked() -> Docked {
    docked_with(SkillTrain::builder(), |academy| academy).await
}

/// The same with changes to simulator and link.
pub(crate) async fn docked_with(sim: Builder, change: impl FnOnce(Academy) -> Academy) -> Docked {
    docked_from(setup(), sim, |academy| change(academy).toml()).await
}

/// The same with another setup and any TOML.
async fn docked_from(setup: Setup, sim: Builder, toml: impl FnOnce(Academy) -> String) -> Docked {
    let sim = sim.start().await.unwrap();
    let platform = Platform::start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await.unwrap();
    let academy = Academy { url: sim.url(), platform: platform.url(), config: String::new(), tables: String::new() };
    let host = setup.link("hz/px", &toml(academy)).start().await;
    let state = host.until("the link to be judged", |all| !all.link_state(LINK).is_empty()).await;
    assert_eq!(state.link_state(LINK), "serving", "{}", state.link_reason(LINK));
    let docked = Docked { host, sim, platform };
    docked.sim.profile().set_hook_url(Hook::ClassPush, docked.hook_url(CLASS_PATH, "class-push"));
    docked.sim.profile().set_hook_url(Hook::CoursePull, docked.hook_url(COURSE_PATH, "course-pull"));
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

    /// A call of an operation that says no more than that the upstream has accepted it, at the first attempt.
    async fn accepted(&self, operation: &str, input: &Value) {
        let said = json!({ "accepted": true, "upstreamMessage": "success", "attempt": 1 });
        assert_eq!(self.done(operation, input).await, said, "{operation}");
    }

    /// A call that the upstream refuses with this code.
    async fn rejected(&self, operation: &str, input: &Value, code: &str) -> Value {
        let problem = self.call(operation, input).await.problem(409, "upstream-rejected", "rejected");
        assert_eq!(problem["upstream_code"], code, "{operation}: {problem}");
        problem
    }

    /// What the upstream has of a record that was pushed.
    fn pushed(&self, operation: &str, key: &str) -> Value {
        self.sim.profile().pushed(operation, key).unwrap_or_else(|| panic!("no {operation} of {key}")).record
    }

    /// Requests of one operation that the upstream has seen.
    fn seen(&self, operation: &str) -> u64 {
        self.sim.counters().requests_of(operation)
    }

    /// The simulator fails so from now on.
    pub(crate) fn fault(&self, operation: &str, fault: &str) {
        self.sim.faults().add(Rule::new(parse(fault)).operation(operation));
    }

    /// The simulator fails so once.
    pub(crate) fn fault_once(&self, operation: &str, fault: &str) {
        self.sim.faults().add(Rule::new(parse(fault)).operation(operation).once());
    }

    fn hook_path(path_secret: &str, hook: &str) -> String {
        format!("/hooks/{LINK}/{path_secret}/{hook}")
    }

    fn hook_url(&self, path_secret: &str, hook: &str) -> String {
        format!("http://{}{}", self.host.api_address(), Self::hook_path(path_secret, hook))
    }
}

/// A code of the upstream's: 32 hexadecimal digits.
pub(crate) fn code(n: usize) -> String {
    format!("{n:032x}")
}

/// Learner `n` at the one video of the one class.
pub(crate) fn viewing(n: usize) -> Value {
    json!({ "resCode": code(0xa1), "studentUserCode": code(0x1000 + n), "classCode": code(0xc1) })
}

/// The same with the course: what a start wants.
pub(crate) fn start(n: usize) -> Value {
    with(viewing(n), &json!({ "courseCode": code(0xb1), "sectionCode": code(0xd1) }))
}

/// Another minute of it.
pub(crate) fn minute(n: usize, play_time: u32, progress_time: u32) -> Value {
    with(start(n), &json!({ "playTime": play_time, "progressTime": progress_time }))
}

/// An object with these members in place of its own or added.
pub(crate) fn with(mut object: Value, members: &Value) -> Value {
    for (name, value) in members.as_object().unwrap() {
        object[name] = value.clone();
    }
    object
}

/// What a learning platform makes of a class: one account for each learner.
fn accounts(event: &Event, account: impl Fn(usize) -> String) -> Value {
    let students = event.data["students"].as_array().unwrap().iter().enumerate();
    students.map(|(n, student)| json!({ "cardNo": student["cardNo"], "account": account(n) })).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_link_serves_and_logs_in() {
    let example = std::fs::read_to_string(
        duijie_tests::harness::build::workspace().join("connectors/skill-train/link.example.toml"),
    )
    .unwrap();
    let setup = setup()
        .env("SKILL_TRAIN_PASSWORD", DEMO_PASSWORD)
        .env("SKILL_TRAIN_PLATFORM_SECRET", platform::SECRET)
        .env("SKILL_TRAIN_CLASS_PATH", CLASS_PATH)
        .env("SKILL_TRAIN_COURSE_PATH", COURSE_PATH);
    let docked = docked_from(setup, SkillTrain::builder(), |academy| {
        assert!(example.contains("http://127.0.0.1:18083") && example.contains("http://127.0.0.1:18090"));
        example.replace("http://127.0.0.1:18083", &academy.url).replace("http://127.0.0.1:18090", &academy.platform)
    })
    .await;
    let checked = docked.done("token.check", &json!({})).await;
    assert_eq!(checked["studyPlatformCode"], SkillTrain::platform_code(DEMO_ACCOUNT));
}
