//! What links do by themselves: each run is a job like any other; what is wrong with a schedule is said before it runs.
//!
//! Cron's grain is a minute. A sixth field in front, of seconds, is what makes these tests quick.

use duijie_tests::harness::{Host, Setup, eventually};
use http::Method;
use jiff::Timestamp;
use serde_json::Value;

use super::text;
use crate::support::hostile_link;

fn link(schedules: &str) -> String {
    hostile_link(&[], schedules)
}

/// The runs of all schedules, in order, as the operator sees them.
async fn runs(host: &Host) -> Vec<Value> {
    let page = host.admin(Method::GET, "/v1/jobs?platform=schedule&limit=500").send().await.expect(200);
    page["jobs"].as_array().unwrap().clone()
}

async fn serving(setup: Setup) -> Host {
    let host = setup.start().await;
    host.until("the link to serve", |all| all.link_state("h.one") == "serving").await;
    host
}

/// When a run was due: its request is named by it.
fn due(run: &Value) -> Timestamp {
    let ms = text(run, "request_id").rsplit('/').next().unwrap_or_default();
    Timestamp::from_millisecond(ms.parse().unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_run_that_is_due_is_one_job_that_is_done() {
    let schedule = "[schedules.tick]\noperation = \"echo\"\ncron = \"* * * * * *\"\ninput = { n = 7 }";
    let host = serving(Setup::new().guest("hostile").link("h/one", &link(schedule))).await;
    eventually("three runs", async || runs(&host).await.iter().filter(|run| text(run, "state") == "done").count() >= 3)
        .await;
    let runs = runs(&host).await;
    let due: std::collections::BTreeSet<&str> = runs.iter().map(|run| text(run, "request_id")).collect();
    assert_eq!(due.len(), runs.len(), "no moment is run twice: {due:?}");
    assert!(runs.iter().all(|run| text(run, "operation") == "echo" && text(run, "link") == "h.one"));
    assert_eq!(super::jobs(&host, "").await.len(), 0, "they belong to no platform");
    host.until_logged("a run", |log| log.contains("a scheduled run is queued")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_that_is_changed_or_taken_away_runs_as_it_is_now() {
    let ticking = |operation: &str| {
        link(&format!("[schedules.tick]\noperation = \"{operation}\"\ncron = \"* * * * * *\"\ninput = {{ count = 1 }}"))
    };
    let host = serving(Setup::new().guest("hostile").link("h/one", &ticking("echo"))).await;
    eventually("a run", async || !runs(&host).await.is_empty()).await;
    host.write_link("h/one", &ticking("memory.take"));
    eventually("a run of the other operation", async || {
        runs(&host).await.iter().any(|run| text(run, "operation") == "memory.take")
    })
    .await;
    let before = host.rollouts().await.link_desired("h.one").to_owned();
    host.write_link("h/one", &link("[limits]\nconcurrency = 3"));
    host.until("the link to serve without it", |all| all.link_state("h.one") == "serving").await;
    assert!(!before.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_was_due_while_the_host_was_down_is_made_up_for_once() {
    let at = |second: &str| {
        link(&format!("[schedules.tick]\noperation = \"echo\"\ncron = \"{second} * * * * *\"\ninput = {{ n = 7 }}"))
    };
    let host = serving(Setup::new().guest("hostile").link("h/one", &at("*"))).await;
    eventually("a first run", async || !runs(&host).await.is_empty()).await;
    let stopped = host.terminate().await;
    // Of every minute, a second that passes while nobody is there to see it.
    let down = Timestamp::now();
    let missed = down + jiff::SignedDuration::from_secs(1);
    std::fs::write(stopped.setup().links().join("h/one.toml"), at(&missed.strftime("%-S").to_string())).unwrap();
    eventually("the second to be over", async || Timestamp::now() > missed).await;
    let host = stopped.start().await;
    let made_up = async |host: &Host| runs(host).await.iter().filter(|run| due(run) > down).count();
    eventually("the missed run", async || made_up(&host).await == 1).await;
    let mut host = host;
    for _ in 0..3 {
        host = host.kill().await.start().await;
        host.until("the link to serve", |all| all.link_state("h.one") == "serving").await;
    }
    // The next one is due a minute after the missed one.
    if Timestamp::now() < missed + jiff::SignedDuration::from_secs(55) {
        assert_eq!(made_up(&host).await, 1, "once, however often the host starts");
    }
}

#[test]
fn a_schedule_that_cannot_run_is_named_with_file_line_and_key() {
    let wrong = [
        ("cron = \"61 * * * *\"", "schedules.check.cron", "five fields"),
        ("cron = \"soon\"", "schedules.check.cron", "five fields"),
        ("cron = \"* * * * *\"\ninput = { name = 1 }", "schedules.check.input.name", "string"),
        ("cron = \"* * * * *\"\nevery = 3", "every", "unknown field"),
        ("", "cron", "missing field"),
    ];
    for (rest, key, why) in wrong {
        let toml = link(&format!("[schedules.check]\noperation = \"log.personal\"\n{rest}"));
        let run = Setup::new().guest("hostile").link("h/one", &toml).run(&["check"]).expect_code(1);
        let said = run.stdout + &run.stderr;
        assert!(said.contains("h/one.toml:") && said.contains(key) && said.contains(why), "{rest}: {said}");
    }
    let toml = link("[schedules.check]\noperation = \"nothing\"\ncron = \"0 2 * * *\"");
    let run = Setup::new().guest("hostile").link("h/one", &toml).run(&["check"]).expect_code(1);
    let said = run.stdout + &run.stderr;
    assert!(said.contains("schedules.check.operation") && said.contains("no such operation"), "{said}");
}

#[test]
fn no_platform_can_take_a_name_of_the_hosts_own_and_with_it_what_the_host_does_by_itself() {
    for name in ["schedule", "operator", "host"] {
        let run = Setup::new().platform(name, "*", "*").run(&["check"]);
        assert!(run.code != Some(0) && run.stderr.contains("the host's own"), "{name}: {} {}", run.stdout, run.stderr);
    }
}
