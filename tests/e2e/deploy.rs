//! `duijie status`, `deploy`, `rollback` and `release` against a running host: exit codes are what a script goes by.

use std::{fs, path::PathBuf};

use duijie_tests::harness::{Host, Run, Setup};

use crate::support::hostile_in_mode;

const BARE: &str = "connector = \"hostile\"\n";

/// Runs a verb against this host, with its admin key.
fn run(host: &Host, arguments: &[&str]) -> Run {
    let admin = host.admin_address().to_string();
    let key = host.setup().root().join("admin.key");
    fs::write(&key, host.admin_key()).unwrap();
    let remote = ["--admin", &admin, "--admin-key-file", key.to_str().unwrap()];
    Run::of(host.setup(), &[arguments, &remote].concat(), None)
}

/// A file with the guest in this mode, outside the directory of connectors.
fn file(host: &Host, mode: &str) -> PathBuf {
    let dir = host.setup().root().join("built");
    fs::create_dir_all(&dir).unwrap();
    let file = dir.join("hostile.wasm");
    fs::write(&file, hostile_in_mode(mode)).unwrap();
    file
}

fn deploy(host: &Host, mode: &str) -> Run {
    run(host, &["deploy", file(host, mode).to_str().unwrap(), "--wait"])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_ends_well_only_when_the_revision_serves() {
    let host = Setup::new().link("a/one", BARE).start().await;
    let done = deploy(&host, "version=0.1.0").expect_code(0);
    assert!(done.stdout.contains("hostile 0.1.0 serves 1 links"), "{}", done.stdout);
    run(&host, &["status"]).expect_code(0);

    let broken = deploy(&host, "describe-not-json").expect_code(1);
    assert!(broken.stderr.contains("step describe") && broken.stderr.contains("not JSON"), "{}", broken.stderr);
    let status = run(&host, &["status"]).expect_code(1);
    assert!(status.stdout.contains("stale      hostile.wasm"), "{}", status.stdout);

    let less = deploy(&host, "version=0.2.0,without=echo").expect_code(1);
    assert!(less.stderr.contains("link a.one refused it at step contract: "), "{}", less.stderr);
    deploy(&host, "version=0.2.0").expect_code(0);
    run(&host, &["status"]).expect_code(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_rolled_back_is_out_until_it_is_released() {
    let host = Setup::new().link("a/one", BARE).start().await;
    deploy(&host, "version=0.1.0").expect_code(0);
    let nothing = run(&host, &["rollback", "hostile"]).expect_code(1);
    assert!(nothing.stderr.contains("409"), "{}", nothing.stderr);
    deploy(&host, "version=0.2.0").expect_code(0);
    run(&host, &["rollback", "hostile"]).expect_code(0);
    let again = deploy(&host, "version=0.2.0").expect_code(1);
    assert!(again.stderr.contains("in quarantine: an operator rolled it back"), "{}", again.stderr);
    let status = run(&host, &["status", "--format", "json"]).expect_code(1).json();
    let revision = status["quarantined"][0]["revision"].as_str().unwrap();
    run(&host, &["release", &revision[..12]]).expect_code(0);
    deploy(&host, "version=0.2.0").expect_code(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_no_key_or_no_host_is_told_so() {
    let host = Setup::new().start().await;
    let status = Run::of(host.setup(), &["status", "--admin", &host.admin_address().to_string()], None).expect_code(2);
    assert!(status.stderr.contains("DUIJIE_ADMIN_KEY"), "{}", status.stderr);
    let address = host.admin_address().to_string();
    let key = host.setup().root().join("wrong.key");
    fs::write(&key, "dj_00000000_wrong").unwrap();
    let key = key.to_str().unwrap();
    let wrong = Run::of(host.setup(), &["status", "--admin", &address, "--admin-key-file", key], None).expect_code(1);
    assert!(wrong.stderr.contains("401"), "{}", wrong.stderr);
    let stopped = host.terminate().await;
    let nobody = ["status", "--admin", &address, "--admin-key-file", key];
    let gone = Run::of(stopped.setup(), &nobody, None).expect_code(1);
    assert!(gone.stderr.contains("does not answer"), "{}", gone.stderr);
}
