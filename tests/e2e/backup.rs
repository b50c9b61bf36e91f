//! Backups, restores and the audit log, by the command line: what is in a backup is there after a restore and waits, what
//! cannot be restored changes nothing, and an entry that was changed is found.

use std::{fs, path::Path};

use duijie_tests::harness::{Host, Run, Setup, eventually};

use crate::{
    cli_push::{lines, operator, push, talks},
    support::{Docked, LINK, docked, hostile_link, setup},
};

const ONE: &str = "record.push-one";

/// Jobs of the link in this state.
fn count(host: &Host, state: &str) -> u64 {
    let queue = operator(host, &["queue", "--format", "json"]).expect_code(0).json();
    let links = queue["links"].as_array().unwrap();
    let link = links.iter().find(|link| link["link"] == LINK);
    link.and_then(|link| link["jobs"][state].as_u64()).unwrap_or_default()
}

/// A state directory with the first one's key and nothing else.
fn beside(of: &Setup, name: &str) -> String {
    let state = of.root().join(name);
    fs::create_dir(&state).unwrap();
    fs::copy(of.root().join("state/host.key"), state.join("host.key")).unwrap();
    // What is compiled already need not be compiled again.
    std::os::unix::fs::symlink(fs::read_link(of.root().join("state/cache")).unwrap(), state.join("cache")).unwrap();
    state.to_str().unwrap().to_owned()
}

/// Replaces one text in a file by another one of the same length.
fn overwrite(file: &Path, old: &str, new: &str) -> bool {
    let mut bytes = fs::read(file).unwrap_or_default();
    // Wherever it stands, since pages hold what was deleted, too.
    let places: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at..].starts_with(old.as_bytes())).collect();
    for at in &places {
        bytes[*at..*at + new.len()].copy_from_slice(new.as_bytes());
    }
    fs::write(file, bytes).unwrap();
    !places.is_empty()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_while_records_come_has_every_one_accepted_before_it_and_they_wait_after_a_restore() {
    let Docked { host, sim } = docked().await;
    operator(&host, &["hold", LINK, "--reason", "so that they wait"]).expect_code(0);
    lines(&host, "before.ndjson", &talks(60));
    push(&host, LINK, ONE, "before.ndjson", &["--no-wait"]).expect_code(0);
    // Records go on coming while the copy is made.
    lines(&host, "meanwhile.ndjson", &talks(600)[60..]);
    let key = host.setup().root().join("campus.key");
    let url = format!("http://{}", host.api_address());
    let mut coming = std::process::Command::new(duijie_tests::harness::build::host())
        .args(["push", LINK, ONE, "meanwhile.ndjson", "--no-wait", "--url", &url])
        .args(["--key-file", key.to_str().unwrap()])
        .env_clear()
        .current_dir(host.setup().root())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let done = operator(&host, &["backup", "backup.db"]).expect_code(0);
    assert!(done.stdout.contains("host.key"), "{}", done.stdout);
    assert!(coming.wait().unwrap().success());
    let twice = operator(&host, &["backup", "backup.db"]).expect_code(1);
    assert!(twice.stderr.contains("exists"), "{}", twice.stderr);
    fs::write(host.setup().root().join("other.db.audit"), "of another backup").unwrap();
    let there = operator(&host, &["backup", "other.db"]).expect_code(1);
    assert!(there.stderr.contains(".audit"), "{}", there.stderr);
    operator(&host, &["resume", LINK]).expect_code(0);
    eventually("all to be sent", async || count(&host, "done") == 600).await;

    let running = host.setup().root().join("backup.db");
    let running = Run::of(host.setup(), &["restore", running.to_str().unwrap()], None).expect_code(1);
    assert!(running.stderr.contains("stop it first"), "{}", running.stderr);
    let stopped = host.terminate().await;

    // On another machine: a new state directory with the key.
    let state = beside(stopped.setup(), "elsewhere");
    let settings = format!("[paths]\nstate = \"{state}\"\n[log]\nlevel = \"debug\"\n");
    let elsewhere = stopped.settings(&settings);
    let restored = elsewhere.run(&["restore", "backup.db", "--format", "json"]).expect_code(0).json();
    assert_eq!((&restored["kept"], &restored["held"]), (&serde_json::Value::Null, &serde_json::json!([LINK])));
    assert_eq!(restored["audit_fault"], serde_json::Value::Null, "{restored}");
    let host = elsewhere.start().await;
    host.until("the link to serve", |all| all.link_state(LINK) == "serving").await;
    assert!(count(&host, "queued") >= 60, "all that were accepted before the backup are there");
    let queue = operator(&host, &["queue"]).expect_code(0).stdout;
    assert!(queue.contains("restored from a backup of ") && queue.contains("so that they wait"), "{queue}");
    operator(&host, &["audit", "verify"]).expect_code(0);
    let accepted = push(&host, LINK, ONE, "before.ndjson", &["--no-wait"]).expect_code(0);
    assert!(accepted.stdout.contains("60 of 60"), "the batch is known: {}", accepted.stdout);
    assert_eq!(sim.counters().records_accepted, 600, "nothing was sent by itself");
    operator(&host, &["resume", LINK]).expect_code(0);
    eventually("what waited to be sent", async || count(&host, "queued") + count(&host, "sending") == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_keeps_what_was_there_and_can_be_undone() {
    let Docked { host, sim: _sim } = docked().await;
    operator(&host, &["hold", LINK]).expect_code(0);
    lines(&host, "one.ndjson", &talks(1));
    push(&host, LINK, ONE, "one.ndjson", &["--no-wait"]).expect_code(0);
    operator(&host, &["backup", "backup.db"]).expect_code(0);
    lines(&host, "more.ndjson", &talks(5)[1..]);
    push(&host, LINK, ONE, "more.ndjson", &["--no-wait"]).expect_code(0);
    let stopped = host.terminate().await;
    let run = Run::of(stopped.setup(), &["restore", "backup.db", "--format", "json"], None).expect_code(0).json();
    let kept = run["kept"].as_str().unwrap().to_owned();
    assert!(kept.contains("duijie.db.before-restore-"), "{kept}");
    let host = stopped.start().await;
    assert_eq!(count(&host, "queued"), 1);
    let stopped = host.terminate().await;
    let text = Run::of(stopped.setup(), &["restore", &kept], None).expect_code(0).stdout;
    assert!(text.contains("5 queued") && text.contains(&format!("duijie resume {LINK}")), "{text}");
    let host = stopped.start().await;
    assert_eq!(count(&host, "queued"), 5);
    operator(&host, &["audit", "verify"]).expect_code(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_that_ran_after_the_backup_waits_for_an_operator_after_a_restore() {
    let ticking = "[schedules.tick]\noperation = \"echo\"\ncron = \"* * * * * *\"\ninput = { n = 7 }";
    let setup = Setup::new().guest("hostile").link("h/one", &hostile_link(&[], ticking));
    let host = setup.start().await;
    let jobs = async |host: &Host, state: &str| {
        let path = format!("/v1/jobs?platform=schedule&state={state}&limit=500");
        host.admin(http::Method::GET, &path).send().await.expect(200)["jobs"].as_array().unwrap().len()
    };
    eventually("a run", async || jobs(&host, "done").await > 0).await;
    operator(&host, &["backup", "backup.db"]).expect_code(0);
    let before = jobs(&host, "done").await;
    eventually("a run after it", async || jobs(&host, "done").await > before).await;
    let stopped = host.terminate().await;
    let restored = Run::of(stopped.setup(), &["restore", "backup.db", "--format", "json"], None).expect_code(0).json();
    assert_eq!(restored["held"], serde_json::json!(["h.one"]));
    let host = stopped.start().await;
    eventually("what is owed to be queued", async || jobs(&host, "queued").await > 0).await;
    let queue = operator(&host, &["queue"]).expect_code(0).stdout;
    assert!(queue.contains("runs of its schedules"), "{queue}");
    let sent = jobs(&host, "done").await;
    eventually("another run to wait", async || jobs(&host, "queued").await > 1).await;
    assert_eq!(jobs(&host, "done").await, sent, "nothing was sent by itself");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_backup_of_this_host_is_refused_and_changes_nothing() {
    let Docked { host, sim: _sim } = docked().await;
    operator(&host, &["hold", LINK]).expect_code(0);
    lines(&host, "one.ndjson", &talks(1));
    push(&host, LINK, ONE, "one.ndjson", &["--no-wait"]).expect_code(0);
    operator(&host, &["backup", "backup.db"]).expect_code(0);
    let stopped = host.terminate().await;
    let root = stopped.setup().root().to_owned();
    let refused = |file: &str, word: &str| {
        let run = Run::of(stopped.setup(), &["restore", file], None).expect_code(1);
        assert!(run.stderr.contains(word), "{}", run.stderr);
    };
    fs::write(root.join("text"), "no store").unwrap();
    fs::write(root.join("empty"), "").unwrap();
    refused("text", "no duijie store");
    refused("empty", "no duijie store");
    refused("nowhere", "nowhere");
    refused("state/duijie.db", "is the store itself");
    let half = fs::read(root.join("backup.db")).unwrap();
    fs::write(root.join("half.db"), &half[..half.len() / 2]).unwrap();
    refused("half.db", "damaged");

    // Another key: of another host.
    let good = fs::read(root.join("state/host.key")).unwrap();
    fs::write(root.join("state/host.key"), [7; 32]).unwrap();
    refused("backup.db", "another host.key");
    fs::remove_file(root.join("state/host.key")).unwrap();
    refused("backup.db", "host.key is missing");
    assert!(!root.join("state/host.key").exists(), "none is made in silence");
    fs::write(root.join("state/host.key"), good).unwrap();
    fs::set_permissions(root.join("state/host.key"), std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let host = stopped.start().await;
    assert_eq!(count(&host, "queued"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_audit_log_of_which_an_entry_was_changed_is_not_good() {
    let host = setup().start().await;
    operator(&host, &["hold", "zj.somewhere-else"]).expect_code(0);
    operator(&host, &["resume", "zj.somewhere-else"]).expect_code(0);
    let good = operator(&host, &["audit", "verify"]).expect_code(0);
    assert!(good.stdout.contains("2 entries"), "{}", good.stdout);
    let running = Run::of(host.setup(), &["audit", "verify", "--offline"], None).expect_code(1);
    assert!(running.stderr.contains("without --offline"), "{}", running.stderr);
    operator(&host, &["backup", "backup.db"]).expect_code(0);
    let stopped = host.terminate().await;
    let offline = |code: i32| Run::of(stopped.setup(), &["audit", "verify", "--offline"], None).expect_code(code);
    assert!(offline(0).stdout.contains("is good"));
    // A restored store is one file: none of its entries is in the journal, whose pages have sums of their own.
    Run::of(stopped.setup(), &["restore", "backup.db"], None).expect_code(0);
    let database = stopped.setup().root().join("state/duijie.db");
    assert!(overwrite(&database, "zj.somewhere-else", "zj.somewhere-good"), "the subject is in the file");
    let bad = offline(1).stdout;
    assert!(bad.contains("entry 1 is not what was written") || bad.contains("entry 2 is not"), "{bad}");
    let host = stopped.start().await;
    let bad = operator(&host, &["audit", "verify", "--format", "json"]).expect_code(1).json();
    assert_eq!(bad["good"], false, "{bad}");
    let none = Setup::new().run(&["audit", "verify", "--offline"]).expect_code(1);
    assert!(none.stderr.contains("no store"), "{}", none.stderr);
}
