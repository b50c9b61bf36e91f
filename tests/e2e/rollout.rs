//! A new version goes first where the policy says, is judged, and goes back by itself; what it would break is refused; and
//! what served serves again, whatever happens to the directory or the process.

use std::fs;

use duijie_tests::harness::{Host, Setup, eventually};
use http::Method;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::support::hostile_in_mode;

const BARE: &str = "connector = \"hostile\"\n";

fn revision(mode: &str) -> String {
    hex::encode(Sha256::digest(hostile_in_mode(mode)))
}

async fn mode(host: &Host, link: &str) -> String {
    host.call(link, "mode", &json!(null)).await.expect(200).as_str().unwrap().to_owned()
}

/// Drops the hostile guest in this mode.
fn drop_mode(host: &Host, mode: &str) {
    host.drop_connector("hostile.wasm", &hostile_in_mode(mode));
}

/// A host with this policy, links `a.one` and `b.two`, and the guest in the mode `version=0.1.0`.
async fn with_policy(policy: &str) -> Host {
    let settings = format!("[log]\nlevel = \"debug\"\n[rollout]\n{policy}\n");
    let host = Setup::new().settings(&settings).link("a/one", BARE).link("b/two", BARE).start().await;
    drop_mode(&host, "version=0.1.0");
    serving(&host, &["a.one", "b.two"], "version=0.1.0").await;
    host
}

/// Waits until these links serve with the guest in this mode.
async fn serving(host: &Host, links: &[&str], mode: &str) {
    let revision = revision(mode);
    host.until(&format!("{links:?} to serve with {mode}"), |all| {
        links.iter().all(|link| all.link_revision(link) == revision)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_policy_a_new_version_serves_every_link_at_once_and_is_watched() {
    let host = with_policy("").await;
    drop_mode(&host, "version=0.2.0");
    serving(&host, &["a.one", "b.two"], "version=0.2.0").await;
    let rollouts = host.rollouts().await;
    assert_eq!(rollouts.phase(&revision("version=0.2.0")), "watch");
    assert_eq!((rollouts.link_state("a.one"), rollouts.link_step("a.one")), ("serving", ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_links_that_the_policy_names_go_first_and_the_others_follow_after_enough_good_calls() {
    let host = with_policy("canary = [\"a.*\"]\nclean_calls = 20").await;
    drop_mode(&host, "version=0.2.0");
    serving(&host, &["a.one"], "version=0.2.0").await;
    let rollouts = host.until("the other to wait", |all| all.link_state("b.two") == "canary").await;
    assert_eq!(rollouts.link_revision("b.two"), revision("version=0.1.0"));
    assert_eq!(rollouts.link_desired("b.two"), revision("version=0.2.0"));
    assert!(rollouts.link_reason("b.two").contains("0.2.0"), "{}", rollouts.link_reason("b.two"));
    for _ in 0..20 {
        assert_eq!(mode(&host, "b.two").await, "version=0.1.0");
        assert_eq!(mode(&host, "a.one").await, "version=0.2.0");
    }
    serving(&host, &["a.one", "b.two"], "version=0.2.0").await;
    assert_eq!(host.rollouts().await.phase(&revision("version=0.2.0")), "watch");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_share_of_calls_goes_to_the_new_version_and_no_more() {
    let host = with_policy("share = 10\nclean_calls = 1000").await;
    drop_mode(&host, "version=0.2.0");
    host.until("the trial", |all| all.link_state("a.one") == "canary" && all.link_state("b.two") == "canary").await;
    let mut new = 0;
    for _ in 0..100 {
        new += u32::from(mode(&host, "a.one").await == "version=0.2.0");
    }
    assert_eq!(new, 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn time_alone_promotes_what_nobody_calls_and_then_lets_it_settle() {
    let host = with_policy("canary = [\"a.*\"]\ntrial_s = 1").await;
    drop_mode(&host, "version=0.2.0");
    serving(&host, &["a.one", "b.two"], "version=0.2.0").await;
    host.until("the trial to be over", |all| all.phase(&revision("version=0.2.0")).is_empty()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canary_that_fails_by_its_own_fault_goes_back_and_stays_out_after_a_restart() {
    let host = with_policy("canary = [\"a.*\"]").await;
    let bad = "version=0.2.0,fails=10";
    drop_mode(&host, bad);
    serving(&host, &["a.one"], bad).await;
    let (mut turn, mut failed) = (0, 0);
    eventually("the rollback", async || {
        // Those that fail are spread over the hundred.
        turn += 37;
        failed += u32::from(host.call("a.one", "mode.twice", &json!({ "n": turn % 100 })).await.status != 200);
        !host.rollouts().await.quarantine(&revision(bad)).is_empty()
    })
    .await;
    assert!((3..10).contains(&failed), "{failed} calls failed");
    serving(&host, &["a.one", "b.two"], "version=0.1.0").await;
    let rollouts = host.rollouts().await;
    assert!(rollouts.quarantine(&revision(bad)).contains("by its own fault"), "{}", rollouts.text());
    assert_eq!((rollouts.link_state("a.one"), rollouts.link_step("a.one")), ("stale", "quarantine"));

    let host = host.kill().await.start().await;
    serving(&host, &["a.one", "b.two"], "version=0.1.0").await;
    assert_eq!(mode(&host, "a.one").await, "version=0.1.0");
    // A better one is taken as ever.
    drop_mode(&host, "version=0.2.1");
    serving(&host, &["a.one"], "version=0.2.1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_traps_on_every_call_goes_back_after_three() {
    let host = with_policy("").await;
    let bad = "version=0.2.0,traps";
    drop_mode(&host, bad);
    serving(&host, &["a.one", "b.two"], bad).await;
    for _ in 0..3 {
        host.call("a.one", "mode", &json!(null)).await.problem(500, "internal", "not-sent");
    }
    serving(&host, &["a.one", "b.two"], "version=0.1.0").await;
    assert_eq!(mode(&host, "b.two").await, "version=0.1.0");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upstreams_or_a_platforms_fault_is_not_held_against_a_new_version() {
    let host = with_policy("canary = [\"a.*\"]\nclean_calls = 30").await;
    drop_mode(&host, "version=0.2.0");
    serving(&host, &["a.one"], "version=0.2.0").await;
    let request = json!({ "url": "http://127.0.0.1:9/", "method": "GET" });
    for _ in 0..10 {
        assert_ne!(host.call("a.one", "no-such-operation", &json!(null)).await.status, 200);
        assert_ne!(host.call("a.one", "http.send", &request).await.status, 500);
    }
    for _ in 0..30 {
        mode(&host, "a.one").await;
    }
    serving(&host, &["b.two"], "version=0.2.0").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn state_of_links_is_untouched_by_rollout_and_rollback() {
    let host = with_policy("").await;
    let stored = json!({ "key": "kept", "value": "through it all" });
    host.call("a.one", "kv.set", &stored).await.expect(200);
    let kept = async |host: &Host| host.call("a.one", "kv.get", &json!({ "key": "kept" })).await.expect(200);
    let before = kept(&host).await;
    drop_mode(&host, "version=0.2.0");
    serving(&host, &["a.one"], "version=0.2.0").await;
    assert_eq!(kept(&host).await, before);
    host.admin(Method::POST, "/v1/connectors/hostile/rollback").send().await.expect(200);
    serving(&host, &["a.one"], "version=0.1.0").await;
    assert_eq!(kept(&host).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_rolls_back_releases_and_is_told_when_there_is_nothing_to_go_back_to() {
    let host = with_policy("trial_s = 1").await;
    let rollback = async |host: &Host, name: &str| {
        host.admin(Method::POST, &format!("/v1/connectors/{name}/rollback")).send().await
    };
    assert_eq!(rollback(&host, "hostile").await.status, 409);
    assert_eq!(rollback(&host, "none").await.status, 404);
    drop_mode(&host, "version=0.2.0");
    serving(&host, &["a.one", "b.two"], "version=0.2.0").await;
    host.until("the trial to be over", |all| all.phase(&revision("version=0.2.0")).is_empty()).await;
    let gone = rollback(&host, "hostile").await.expect(200);
    assert_eq!(gone["revision"], json!(revision("version=0.2.0")));
    // When it is answered, it is so.
    assert_eq!(mode(&host, "a.one").await, "version=0.1.0");
    assert_eq!(mode(&host, "b.two").await, "version=0.1.0");
    let host = host.terminate().await.start().await;
    assert_eq!(mode(&host, "a.one").await, "version=0.1.0");
    let release = format!("/v1/quarantine/{}/release", &revision("version=0.2.0")[..12]);
    host.admin(Method::POST, &release).send().await.expect(200);
    serving(&host, &["a.one", "b.two"], "version=0.2.0").await;
    assert_eq!(host.admin(Method::POST, &release).send().await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_breaks_the_contract_is_refused_with_the_difference_until_it_is_allowed() {
    let host = with_policy("").await;
    let less = "version=0.2.0,without=echo,more-secrets";
    drop_mode(&host, less);
    let rollouts = host.until("the refusal", |all| all.link_step("a.one") == "contract").await;
    let reason = rollouts.link_reason("a.one");
    assert!(reason.contains("operation echo is gone") && reason.contains("secret more is new"), "{reason}");
    assert!(reason.contains("allow_contract_change = \"0.2.0\""), "{reason}");
    assert_eq!((rollouts.link_state("a.one"), rollouts.link_desired("a.one")), ("stale", revision(less).as_str()));
    assert_eq!(host.call("a.one", "echo", &json!(7)).await.expect(200), json!(7));
    // Allowed for another version is not allowed.
    host.write_link("a/one", &format!("{BARE}allow_contract_change = \"0.3.0\"\n"));
    host.write_link("b/two", &format!("{BARE}allow_contract_change = \"0.2.0\"\n"));
    serving(&host, &["b.two"], less).await;
    assert_eq!(host.rollouts().await.link_step("a.one"), "contract");
    // And refused it stays over a restart.
    let host = host.kill().await.start().await;
    assert_eq!(host.call("a.one", "echo", &json!(7)).await.expect(200), json!(7));
    assert_eq!(host.rollouts().await.link_step("a.one"), "contract");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pin_takes_exactly_its_revision_and_a_wrong_one_names_what_there_is() {
    let host = with_policy("").await;
    let (old, new) = (revision("version=0.1.0"), revision("version=0.2.0"));
    host.write_link("a/one", &format!("{BARE}pin = \"{}\"\n", &old[..12]));
    drop_mode(&host, "version=0.2.0");
    serving(&host, &["b.two"], "version=0.2.0").await;
    // Its file is gone from the directory; what is kept on disk is enough.
    let host = host.kill().await.start().await;
    assert_eq!(mode(&host, "a.one").await, "version=0.1.0");
    host.write_link("a/one", &format!("{BARE}pin = \"{}\"\n", "0".repeat(12)));
    let rollouts = host.until("the refusal", |all| all.link_state("a.one") == "stale").await;
    let reason = rollouts.link_reason("a.one");
    assert!(reason.contains("a/one.toml:2") && reason.contains(&new[..12]), "{reason}");
    assert_eq!(mode(&host, "a.one").await, "version=0.1.0");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_a_new_version_does_not_take_keeps_the_old_one_and_holds_up_no_other() {
    let host = with_policy("").await;
    host.write_link("a/one", &format!("{BARE}[config]\nnote = \"unfit\"\n"));
    drop_mode(&host, "version=0.2.0,check-note");
    serving(&host, &["b.two"], "version=0.2.0,check-note").await;
    let rollouts = host.until("the refusal", |all| all.link_step("a.one") == "check").await;
    assert!(rollouts.link_reason("a.one").contains("config.note"), "{}", rollouts.link_reason("a.one"));
    assert_eq!(mode(&host, "a.one").await, "version=0.1.0");
    // A change of its settings is live all the same: with the version that serves it.
    host.write_link("a/one", &format!("{BARE}[config]\nnote = \"unfit\"\n[limits]\nmax_body_kib = 1\n"));
    eventually("the new limit", async || host.call("a.one", "echo", &json!("x".repeat(2000))).await.status == 413)
        .await;
    host.write_link("a/one", BARE);
    serving(&host, &["a.one"], "version=0.2.0,check-note").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_of_rubbish_serves_the_last_good_revision_after_a_restart() {
    let host = with_policy("").await;
    let stopped = host.kill().await;
    let setup = stopped.setup();
    let file = setup.connectors().join("hostile.wasm");
    fs::write(&file, b"rubbish").unwrap();
    fs::write(setup.connectors().join("more.wasm"), vec![0; 1000]).unwrap();
    let host = stopped.start().await;
    assert_eq!(mode(&host, "a.one").await, "version=0.1.0");
    // A file that is younger than its settling time is not judged yet.
    let rollouts = host.until("the rubbish to be refused", |all| all.file_step("hostile.wasm") == "parse").await;
    assert_eq!(
        (rollouts.link_state("a.one"), rollouts.link_revision("a.one")),
        ("stale", revision("version=0.1.0").as_str())
    );
    // Nor does it take a directory that is empty or gone.
    let stopped = host.kill().await;
    fs::remove_dir_all(stopped.setup().connectors()).unwrap();
    let host = stopped.start().await;
    assert_eq!(mode(&host, "b.two").await, "version=0.1.0");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_directory_whose_memory_of_rollouts_is_damaged_is_said_and_serves() {
    let host = with_policy("").await;
    let stopped = host.kill().await;
    fs::write(stopped.setup().root().join("state/rollouts.json"), "{").unwrap();
    let host = stopped.start().await;
    assert_eq!(mode(&host, "a.one").await, "version=0.1.0");
    let host = host.terminate().await.start().await;
    assert!(!host.rollouts().await.text().contains("rollouts.json"), "it was written anew");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retired_revision_is_freed_when_its_last_call_is_over() {
    let host = with_policy("trial_s = 1").await;
    let live = async |host: &Host| host.metric("duijie_revisions_live{connector=\"hostile\"}").await;
    for n in 2..6 {
        let next = format!("version=0.{n}.0");
        drop_mode(&host, &next);
        serving(&host, &["a.one", "b.two"], &next).await;
        assert!(live(&host).await <= 2.0, "{}", live(&host).await);
    }
    eventually("only one revision to be in memory", async || live(&host).await == 1.0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_in_the_middle_of_a_canary_goes_on_with_it() {
    let host = with_policy("canary = [\"a.*\"]").await;
    drop_mode(&host, "version=0.2.0");
    serving(&host, &["a.one"], "version=0.2.0").await;
    let host = host.kill().await.start().await;
    let rollouts = host.rollouts().await;
    assert_eq!(rollouts.phase(&revision("version=0.2.0")), "canary", "{}", rollouts.text());
    assert_eq!(rollouts.link_state("b.two"), "canary");
    assert_eq!(mode(&host, "a.one").await, "version=0.2.0");
    assert_eq!(mode(&host, "b.two").await, "version=0.1.0");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_came_while_the_host_was_down_is_tried_like_any_other() {
    let stopped = with_policy("canary = [\"a.*\"]").await.kill().await;
    fs::write(stopped.setup().connectors().join("hostile.wasm"), hostile_in_mode("version=0.2.0")).unwrap();
    let host = stopped.start().await;
    serving(&host, &["a.one"], "version=0.2.0").await;
    assert_eq!(mode(&host, "b.two").await, "version=0.1.0");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_traps_after_a_restart_goes_back_all_the_same() {
    let host = with_policy("").await;
    let bad = "version=0.2.0,traps";
    drop_mode(&host, bad);
    serving(&host, &["a.one", "b.two"], bad).await;
    let host = host.kill().await.start().await;
    for _ in 0..3 {
        host.call("a.one", "mode", &json!(null)).await.problem(500, "internal", "not-sent");
    }
    serving(&host, &["a.one", "b.two"], "version=0.1.0").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_whose_file_was_broken_meanwhile_goes_back_too() {
    let host = with_policy("").await;
    let bad = "version=0.2.0,traps";
    drop_mode(&host, bad);
    serving(&host, &["a.one", "b.two"], bad).await;
    host.write_link("a/one", "connector = 7\n");
    host.until("the broken file to be seen", |all| all.link_step("a.one") == "settings").await;
    for _ in 0..3 {
        host.call("b.two", "mode", &json!(null)).await.problem(500, "internal", "not-sent");
    }
    serving(&host, &["a.one", "b.two"], "version=0.1.0").await;
    assert_eq!(mode(&host, "a.one").await, "version=0.1.0");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_is_new_while_a_version_is_tried_begins_with_the_old_one() {
    let host = with_policy("canary = [\"a.*\"]").await;
    drop_mode(&host, "version=0.2.0");
    serving(&host, &["a.one"], "version=0.2.0").await;
    host.write_link("c/three", BARE).write_link("a/four", BARE);
    serving(&host, &["c.three"], "version=0.1.0").await;
    serving(&host, &["a.four"], "version=0.2.0").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_whose_file_is_gone_for_a_moment_is_what_it_was() {
    let host = with_policy("").await;
    drop_mode(&host, "version=0.2.0,without=echo");
    host.until("the refusal", |all| all.link_step("a.one") == "contract").await;
    fs::remove_file(host.setup().links().join("a/one.toml")).unwrap();
    host.until("the link to be gone", |all| all.link_state("a.one").is_empty()).await;
    host.write_link("a/one", BARE);
    host.until("the refusal again", |all| all.link_step("a.one") == "contract").await;
    assert_eq!(host.call("a.one", "echo", &json!(7)).await.expect(200), json!(7));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_revision_is_dropped_whose_memory_could_not_be_read() {
    let stopped = with_policy("").await.kill().await;
    let state = stopped.setup().root().join("state");
    fs::write(state.join("rollouts.json"), "{").unwrap();
    drop(fs::write(stopped.setup().connectors().join("hostile.wasm"), hostile_in_mode("version=0.2.0")));
    let host = stopped.start().await;
    serving(&host, &["a.one", "b.two"], "version=0.2.0").await;
    let kept = state.join("revisions").join(format!("{}.wasm", revision("version=0.1.0")));
    assert!(kept.exists() && state.join("rollouts.damaged").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_changes_its_connector_and_is_refused_is_never_run_by_the_old_one_with_new_settings() {
    let host = with_policy("").await;
    host.write_link("a/one", "connector = \"other\"\n[config]\nnote = \"of the other\"\n");
    let rollouts = host.until("the refusal", |all| all.link_step("a.one") == "settings").await;
    assert!(rollouts.link_reason("a.one").contains("no connector other"), "{}", rollouts.text());
    assert_eq!(mode(&host, "a.one").await, "version=0.1.0", "the last good state, settings and all");
}
