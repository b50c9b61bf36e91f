//! `duijie push` and what operators do about what was pushed: exit codes, files of failed rows, jobs, holds.

use std::{fs, io::Write as _, path::PathBuf};

use duijie_tests::{
    fixtures,
    harness::{Host, Run, Setup, eventually},
    upstreams::{Rule, ZjGxsz},
};
use serde_json::Value;

use crate::support::{Docked, LINK, docked, docked_with, hostile_link, parse, requests};

const ONE: &str = "record.push-one";

/// Runs a verb as the platform `campus`.
fn platform(host: &Host, arguments: &[&str]) -> Run {
    let key = host.setup().root().join("campus.key");
    fs::write(&key, host.key("campus")).unwrap();
    let url = format!("http://{}", host.api_address());
    let options = ["--url", &url, "--key-file", key.to_str().unwrap()];
    Run::of(host.setup(), &[arguments, &options].concat(), None)
}

/// Runs a verb as the operator.
pub(crate) fn operator(host: &Host, arguments: &[&str]) -> Run {
    let key = host.setup().root().join("admin.key");
    fs::write(&key, host.admin_key()).unwrap();
    let admin = host.admin_address().to_string();
    let options = ["--admin", &admin, "--admin-key-file", key.to_str().unwrap()];
    Run::of(host.setup(), &[arguments, &options].concat(), None)
}

/// Pushes a file of the host's directory.
pub(crate) fn push(host: &Host, link: &str, operation: &str, file: &str, options: &[&str]) -> Run {
    platform(host, &[&["push", link, operation, file], options].concat())
}

/// Writes records as lines into the host's directory.
pub(crate) fn lines(host: &Host, name: &str, records: &[Value]) -> PathBuf {
    let file = host.setup().root().join(name);
    fs::write(&file, records.iter().map(|record| format!("{record}\n")).collect::<String>()).unwrap();
    file
}

/// So many records.
pub(crate) fn talks(count: usize) -> Vec<Value> {
    (0..count).map(fixtures::talk_one).collect()
}

fn text(host: &Host, name: &str) -> String {
    fs::read_to_string(host.setup().root().join(name)).unwrap()
}

fn arrived(docked: &Docked) -> u64 {
    docked.sim.counters().records_accepted
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_need_a_person_come_back_as_a_file_and_corrected_they_are_done() {
    let docked = docked().await;
    let host = &docked.host;
    let mut records = talks(20);
    for at in [3, 7, 19] {
        records[at]["content"] = 7.into();
    }
    lines(host, "talks.ndjson", &records);
    let run = push(host, LINK, ONE, "talks.ndjson", &[]).expect_code(1);
    assert!(run.stdout.contains("row 4, /content: "), "rows are counted from 1: {}", run.stdout);
    assert!(run.stdout.contains("20 rows: 17 done, 3 refused"), "{}", run.stdout);
    assert!(run.stdout.contains(&format!("duijie push {LINK} {ONE} talks.failed.ndjson")), "{}", run.stdout);
    let failed: Vec<Value> =
        text(host, "talks.failed.ndjson").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(failed, [3, 7, 19].map(|at| records[at].clone()));
    assert_eq!(arrived(&docked), 17);

    // The same command again sends nothing twice and writes nothing new.
    push(host, LINK, ONE, "talks.ndjson", &[]).expect_code(1);
    assert!(!host.setup().root().join("talks.failed.2.ndjson").exists());
    assert_eq!(arrived(&docked), 17);

    let corrected = [3, 7, 19].map(fixtures::talk_one);
    lines(host, "talks.failed.ndjson", &corrected);
    let run = push(host, LINK, ONE, "talks.failed.ndjson", &[]).expect_code(0);
    assert!(run.stdout.contains("3 rows: 3 done"), "{}", run.stdout);
    assert_eq!(arrived(&docked), 20);
    // Whoever runs the first one now does not lose the corrections.
    push(host, LINK, ONE, "talks.ndjson", &[]).expect_code(1);
    assert!(host.setup().root().join("talks.failed.2.ndjson").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_says_what_would_be_refused_and_keeps_nothing() {
    let docked = docked().await;
    let host = &docked.host;
    let mut records = talks(3);
    lines(host, "good.ndjson", &records);
    let run = push(host, LINK, ONE, "good.ndjson", &["--dry-run"]).expect_code(0);
    assert!(run.stdout.contains("3 of 3 rows would be accepted"), "{}", run.stdout);
    records[1] = serde_json::json!({ "recordId": ["not", "one"] });
    let array = host.setup().root().join("bad.json");
    fs::write(&array, serde_json::to_vec_pretty(&records).unwrap()).unwrap();
    let run = push(host, LINK, ONE, "bad.json", &["--dry-run"]).expect_code(1);
    assert!(run.stdout.contains("row 2") && run.stdout.contains("2 of 3 rows would"), "{}", run.stdout);
    assert_eq!(requests(&docked.sim.counters()), 0);
    let jobs = operator(host, &["jobs", "list", "--format", "json"]).expect_code(0).json();
    assert_eq!(jobs["jobs"].as_array().unwrap().len(), 0);
    // An array that is written over many lines comes back as one line a row.
    push(host, LINK, ONE, "bad.json", &["--errors", "errors.jsonl"]).expect_code(1);
    let error: Value = serde_json::from_str(&text(host, "errors.jsonl")).unwrap();
    assert_eq!((&error["row"], &error["state"]), (&2.into(), &"refused".into()), "{error}");
    let failed = text(host, "bad.failed.ndjson");
    assert_eq!((failed.lines().count(), serde_json::from_str::<Value>(&failed).unwrap()), (1, records[1].clone()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sheet_comes_back_as_a_sheet() {
    let host = Setup::new().guest("hostile").link("h/one", &hostile_link(&[], "")).start().await;
    host.until("the link to serve", |all| all.link_state("h.one") == "serving").await;
    let file = host.setup().root().join("entries.csv");
    fs::write(&file, "key,value,size\na,甲,1\nb,乙,many\nc,\"丙, 丁\",3\n").unwrap();
    let run = push(&host, "h.one", "kv.set", "entries.csv", &[]).expect_code(1);
    assert!(run.stdout.contains("row 3, column size: "), "{}", run.stdout);
    let failed = text(&host, "entries.failed.csv");
    assert_eq!(failed.lines().count(), 2, "{failed}");
    assert!(failed.contains("乙") && failed.contains("many") && !failed.contains('甲'), "{failed}");
    fs::write(host.setup().root().join("entries.failed.csv"), failed.replace("many", "2")).unwrap();
    push(&host, "h.one", "kv.set", "entries.failed.csv", &[]).expect_code(0);
    let value = host.call("h.one", "kv.get", &serde_json::json!({ "key": "b" })).await.expect(200);
    assert_eq!(value["value"], "乙", "{value}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_sent_ends_with_2() {
    let docked = docked().await;
    let host = &docked.host;
    lines(host, "talks.ndjson", &talks(1));
    fs::write(host.setup().root().join("talks.txt"), "x").unwrap();
    let codes = |arguments: &[&str], word: &str| {
        let run = platform(host, arguments).expect_code(2);
        assert!(run.stderr.contains(word), "{}", run.stderr);
    };
    codes(&["push", LINK, ONE, "talks.txt"], ".ndjson, .json, .csv or .xlsx");
    codes(&["push", LINK, ONE, "nowhere.ndjson"], "nowhere.ndjson");
    codes(&["push", LINK, "record.push-two", "talks.ndjson"], "404");
    codes(&["push", "zj.nobody", ONE, "talks.ndjson"], "404");
    let url = format!("http://{}", host.api_address());
    let nobody = Run::of(host.setup(), &["push", LINK, ONE, "talks.ndjson", "--url", &url], None).expect_code(2);
    assert!(nobody.stderr.contains("DUIJIE_KEY"), "{}", nobody.stderr);
    push(host, LINK, ONE, "talks.ndjson", &["--idempotency-key", "k"]).expect_code(0);
    codes(&["push", LINK, "record.push-multi", "talks.ndjson", "--idempotency-key", "k"], "422");
    platform(host, &["push", LINK, ONE, "talks.ndjson", "--dry-run", "--no-wait"]).expect_code(2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_push_is_continued_by_the_same_command() {
    let Docked { host, sim } = docked().await;
    let file = lines(&host, "talks.ndjson", &talks(300));
    operator(&host, &["hold", LINK, "--reason", "a test"]).expect_code(0);
    // The sender dies behind 200 rows, and then the host.
    let body = fs::read_to_string(file).unwrap();
    let part: String = body.split_inclusive('\n').take(200).collect();
    let mut stream = std::net::TcpStream::connect(host.api_address()).unwrap();
    let head = format!(
        "POST /v1/links/{LINK}/operations/{ONE}/batches HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\
         content-type: application/x-ndjson\r\nidempotency-key: \"k\"\r\ncontent-length: {}\r\n\r\n{part}",
        host.key("campus"),
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    drop(stream);
    eventually("the rows that came to be kept", async || {
        let queue = operator(&host, &["queue", "--format", "json"]).expect_code(0).json();
        queue["links"][0]["jobs"]["queued"] == 200
    })
    .await;
    let host = host.kill().await.start().await;
    host.until("the link to serve", |all| all.link_state(LINK) == "serving").await;
    let key = ["--idempotency-key", "k"];
    let run = push(&host, LINK, ONE, "talks.ndjson", &[&key[..], &["--no-wait"]].concat()).expect_code(0);
    assert!(run.stdout.contains("300 of 300 rows are accepted"), "{}", run.stdout);
    let queue = operator(&host, &["queue"]).expect_code(0);
    assert!(queue.stdout.contains("300") && queue.stdout.contains("a test"), "{}", queue.stdout);
    assert_eq!(sim.counters().records_accepted, 0);
    operator(&host, &["resume", LINK]).expect_code(0);
    let run = push(&host, LINK, ONE, "talks.ndjson", &key).expect_code(0);
    assert!(run.stdout.contains("300 rows: 300 done"), "{}", run.stdout);
    assert_eq!((sim.counters().records_accepted, sim.counters().overwrites), (300, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_held_waits_can_be_looked_at_and_taken_back_and_goes_on() {
    let docked = docked().await;
    let host = &docked.host;
    lines(host, "talks.ndjson", &talks(3));
    let held = operator(host, &["hold", LINK, "--reason", "the upstream asked for it"]).expect_code(0);
    assert!(held.stdout.contains("duijie resume"), "{}", held.stdout);
    push(host, LINK, ONE, "talks.ndjson", &["--no-wait"]).expect_code(0);
    let list = |arguments: &[&str]| {
        let run = operator(host, &[&["jobs", "list", "--format", "json"], arguments].concat()).expect_code(0).json();
        run["jobs"].as_array().unwrap().clone()
    };
    let jobs = list(&["--link", LINK, "--state", "queued"]);
    assert_eq!(jobs.len(), 3);
    assert_eq!(list(&["--platform", "museum"]).len(), 0);
    assert_eq!(list(&["--limit", "2"]).len(), 2);
    assert_eq!(list(&["--batch", jobs[0]["batch"].as_str().unwrap()]).len(), 3);
    let table = operator(host, &["jobs", "list"]).expect_code(0).stdout;
    assert!(table.starts_with("job ") && table.lines().count() == 4, "{table}");
    operator(host, &["jobs", "list", "--state", "open"]).expect_code(2);

    let id = jobs[1]["id"].as_str().unwrap();
    let cancelled = operator(host, &["jobs", "cancel", id]).expect_code(0).stdout;
    assert!(cancelled.contains("is cancelled"), "{cancelled}");
    let again = operator(host, &["jobs", "cancel", id]).expect_code(1);
    assert!(again.stderr.contains("409"), "{}", again.stderr);
    let shown = operator(host, &["jobs", "show", id]).expect_code(0).stdout;
    assert!(shown.contains(id) && shown.contains("cancelled"), "{shown}");
    operator(host, &["jobs", "show", "not-an-id"]).expect_code(1);

    assert_eq!(requests(&docked.sim.counters()), 0);
    operator(host, &["resume", LINK]).expect_code(0);
    docked.sim.wait_until(|counters| counters.records_accepted == 2).await.unwrap();
    let twice = operator(host, &["resume", LINK]).expect_code(0);
    assert!(twice.stdout.contains("was not held"), "{}", twice.stdout);
    push(host, LINK, ONE, "talks.ndjson", &[]).expect_code(0);
    assert_eq!(arrived(&docked), 2, "what was taken back stays so");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_follows_a_push_to_a_held_link_is_told_so() {
    let docked = docked().await;
    let host = &docked.host;
    lines(host, "talks.ndjson", &talks(2));
    operator(host, &["hold", LINK, "--reason", "the operator's own"]).expect_code(0);
    let (key, said) = (host.setup().root().join("campus.key"), host.setup().root().join("said"));
    fs::write(&key, host.key("campus")).unwrap();
    let mut following = std::process::Command::new(duijie_tests::harness::build::host())
        .args(["push", LINK, ONE, "talks.ndjson", "--url", &format!("http://{}", host.api_address())])
        .args(["--key-file", key.to_str().unwrap()])
        .env_clear()
        .current_dir(host.setup().root())
        .stdout(std::process::Stdio::null())
        .stderr(fs::File::create(&said).unwrap())
        .spawn()
        .unwrap();
    eventually("the hold to be said", async || text(host, "said").contains("is held since")).await;
    assert!(!text(host, "said").contains("the operator's own"), "why is not the platform's");
    operator(host, &["resume", LINK]).expect_code(0);
    let ended = tokio::task::spawn_blocking(move || following.wait().unwrap()).await.unwrap();
    assert!(ended.success(), "{}", text(host, "said"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_upstream_refused_is_sent_again_when_an_operator_says_so() {
    let docked = docked_with(ZjGxsz::builder(), |college| college).await;
    let host = &docked.host;
    docked.sim.faults().add(Rule::new(parse("code=17,no")).operation(ONE));
    lines(host, "talks.ndjson", &talks(2));
    let run = push(host, LINK, ONE, "talks.ndjson", &["--failed", "again.ndjson"]).expect_code(1);
    assert!(run.stdout.contains("2 rows: 2 failed") && run.stdout.contains("row 1: failed"), "{}", run.stdout);
    let failed: Vec<Value> =
        text(host, "again.ndjson").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(failed, talks(2));
    docked.sim.faults().clear();
    let jobs = operator(host, &["jobs", "list", "--state", "failed", "--format", "json"]).expect_code(0).json();
    operator(host, &["jobs", "retry", jobs["jobs"][0]["id"].as_str().unwrap()]).expect_code(0);
    docked.sim.wait_until(|counters| counters.records_accepted == 1).await.unwrap();
    let all = operator(host, &["jobs", "retry", "--link", LINK, "--state", "failed"]).expect_code(0);
    assert!(all.stdout.contains("1 jobs that were failed wait again"), "{}", all.stdout);
    docked.sim.wait_until(|counters| counters.records_accepted == 2).await.unwrap();
    for wrong in
        [&["jobs", "retry"][..], &["jobs", "retry", "--link", LINK], &["jobs", "retry", "x", "--state", "failed"]]
    {
        operator(host, wrong).expect_code(2);
    }
    push(host, LINK, ONE, "talks.ndjson", &[]).expect_code(0);
}
