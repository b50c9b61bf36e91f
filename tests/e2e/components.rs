//! Files that are no connectors, and connectors that misbehave before they serve: refused with the reason, while what
//! serves serves on.

use duijie_tests::harness::{Host, build};
use serde_json::json;

use crate::support::{hostile_host, hostile_in_mode, hostile_link, still_serves};

/// A component of this text.
fn component(wat: &str) -> Vec<u8> {
    wat::parse_str(wat).unwrap()
}

/// A handler of the right name and no right types.
const HANDLER: &str = r#"
    (core module $handler (func (export "f")))
    (core instance $i (instantiate $handler))
    (func $f (canon lift (core func $i "f")))
    (instance $h (export "describe" (func $f)) (export "check" (func $f)) (export "call" (func $f)) (export "receive" (func $f)))
    (export "duijie:connector/handler@0.1.0" (instance $h))"#;

/// Drops the file; it is refused with all of these words, and nothing else has changed.
async fn refused(host: &Host, bytes: &[u8], words: &[&str]) {
    // The file before this one must be forgotten, or its refusal would be taken for this one's.
    let _ = std::fs::remove_file(host.setup().connectors().join("bad.wasm"));
    host.until("the file before to be forgotten", |all| all.file_state("bad.wasm").is_empty()).await;
    host.drop_connector("bad.wasm", bytes);
    let what = format!("a refusal that says {words:?}");
    let said = |reason: &str| words.iter().all(|word| reason.contains(word));
    let rollouts = host.until(&what, |all| all.file_refused("bad.wasm") && said(all.file_reason("bad.wasm"))).await;
    assert_eq!(rollouts.file_state("hostile.wasm"), "serving");
    assert_eq!(rollouts.link_state("h.one"), "serving");
    still_serves(host).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_a_component_is_named_for_what_it_is() {
    let host = hostile_host(&[], "").await;
    let good = std::fs::read(build::connector("hostile")).unwrap();
    refused(&host, b"", &["empty"]).await;
    refused(&host, b"(component)", &["text"]).await;
    refused(&host, b"\x7fELF\x02\x01\x01", &["ELF"]).await;
    refused(&host, &component("(module)"), &["core wasm module"]).await;
    refused(&host, b"#!/bin/sh\nrm -rf /\n", &["not WebAssembly"]).await;
    refused(&host, b"\0asm\x0e\0\x01\0", &["version"]).await;
    refused(&host, &good[..good.len() / 2], &["no valid component", "rename it into place"]).await;
    refused(&host, &good[..20], &["no valid component"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_torn_component_never_replaces_the_good_one() {
    let host = hostile_host(&[], "").await;
    let good = std::fs::read(build::connector("hostile")).unwrap();
    for eighth in [1, 4, 7] {
        host.drop_connector("hostile.wasm", &good[..good.len() / 8 * eighth]);
        let rollouts = host.until("the torn file to be refused", |all| all.file_state("hostile.wasm") == "stale").await;
        assert!(rollouts.file_reason("hostile.wasm").contains("no valid component"), "{}", rollouts.text());
        still_serves(&host).await;
        host.drop_connector("hostile.wasm", &good);
        host.until("the good file to be taken", |all| all.file_state("hostile.wasm") == "serving").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_the_host_does_not_have_is_refused_by_name() {
    let host = hostile_host(&[], "").await;
    let shell = component(&format!("(component (import \"acme:shell/exec@1.0.0\" (instance)) {HANDLER})"));
    refused(&host, &shell, &["acme:shell/exec@1.0.0"]).await;
    let sockets = component(&format!("(component (import \"wasi:http/outgoing-handler@0.3.0\" (instance)) {HANDLER})"));
    refused(&host, &sockets, &["wasi:http/outgoing-handler@0.3.0", "0.2"]).await;
    let newer = component(&format!("(component (import \"duijie:http/client@0.2.0\" (instance)) {HANDLER})"));
    refused(&host, &newer, &["duijie:http/client", "0.1.0", "0.2.0"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_without_the_handler_is_refused_with_what_it_has() {
    let host = hostile_host(&[], "").await;
    refused(&host, &component("(component)"), &["duijie:connector/handler@0.1.0", "nothing"]).await;
    let old = component(&format!("(component {})", HANDLER.replace("handler@0.1.0", "handler@0.9.0")));
    refused(&host, &old, &["handler@0.9.0"]).await;
    let misshapen = component(&format!("(component {HANDLER})"));
    refused(&host, &misshapen, &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_function_that_never_ends_is_refused_in_time() {
    let host = hostile_host(&[], "").await;
    let endless = format!(
        "(component (core module $s (func $f (loop br 0)) (start $f)) (core instance (instantiate $s)) {HANDLER})"
    );
    refused(&host, &component(&endless), &["CPU budget"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_memories_are_refused_and_the_host_grows_by_none() {
    let host = hostile_host(&[], "").await;
    let module = "(core module $m (memory 500))";
    let instances = "(core instance (instantiate $m))".repeat(100);
    let before = host.resident_bytes();
    refused(&host, &component(&format!("(component {module} {instances} {HANDLER})")), &[]).await;
    let grown = host.resident_bytes().saturating_sub(before);
    assert!(grown < 128 << 20, "{grown} bytes more are held");
    let wide = component(&format!("(component (core module $m (memory i64 1)) {HANDLER})"));
    refused(&host, &wide, &["does not compile"]).await;
    let table = component(&format!(
        "(component (core module $m (table 10000000 funcref)) (core instance (instantiate $m)) {HANDLER})"
    ));
    refused(&host, &table, &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_description_that_loops_traps_or_asks_for_capabilities_is_refused() {
    let host = hostile_host(&[], "").await;
    refused(&host, &hostile_in_mode("describe-loop"), &["describing itself failed", "CPU budget"]).await;
    refused(&host, &hostile_in_mode("describe-http"), &["describing itself failed", "http.client during describe"])
        .await;
    refused(&host, &hostile_in_mode("describe-config"), &["describing itself failed", "link.config during describe"])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_that_is_not_valid_is_refused_with_the_reason() {
    let host = hostile_host(&[], "").await;
    refused(&host, &hostile_in_mode("describe-huge"), &["manifest", "bytes"]).await;
    refused(&host, &hostile_in_mode("describe-not-json"), &["manifest is not JSON"]).await;
    refused(&host, &hostile_in_mode("describe-bad-name"), &["manifest is not valid", "/name"]).await;
    refused(&host, &hostile_in_mode("describe-twice"), &["operation", "echo", "twice"]).await;
    refused(&host, &hostile_in_mode("describe-bad-schema"), &["schema"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_that_loops_sends_or_floods_refuses_its_link_and_no_other() {
    for (mode, word) in [
        ("check-loop", "CPU budget"),
        ("check-http", "http.client during check"),
        ("check-floods", "problem 99"),
        ("check-refuses", "this revision wants another note"),
    ] {
        let host = hostile_host(&[], "").await;
        host.drop_connector("hostile.wasm", &hostile_in_mode(mode));
        let rollouts = host.until("the links to be judged anew", |all| all.link_reason("h.one").contains(word)).await;
        assert_eq!(rollouts.link_state("h.one"), "stale", "the old revision serves on");
        assert!(rollouts.link_reason("h.one").len() < 200 << 10);
        assert_eq!(host.call("h.one", "mode", &json!(null)).await.expect(200), "decent");
        host.write_link("h/new", &hostile_link(&[], ""));
        host.until("a new link to be refused", |all| all.link_refused("h.new")).await;
        host.call("h.new", "echo", &json!(1)).await.problem(500, "config", "not-sent");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_regular_file_is_refused_and_nothing_hangs() {
    let host = hostile_host(&[], "").await;
    let connectors = host.setup().connectors();
    let pipe = connectors.join("pipe.wasm");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, rustix::fs::Mode::from(0o600), 0).unwrap();
    std::fs::create_dir(connectors.join("directory.wasm")).unwrap();
    std::os::unix::fs::symlink("/nonexistent", connectors.join("dangling.wasm")).unwrap();
    let sparse = std::fs::File::create(connectors.join("sparse.wasm")).unwrap();
    sparse.set_len(10 << 30).unwrap();
    let files = ["pipe.wasm", "directory.wasm", "sparse.wasm"];
    let rollouts = host.until("all of them to be refused", |all| files.iter().all(|file| all.file_refused(file))).await;
    assert!(rollouts.file_reason("pipe.wasm").contains("regular file"));
    assert!(rollouts.file_reason("sparse.wasm").contains("bytes"));
    assert_ne!(rollouts.file_state("dangling.wasm"), "serving");
    still_serves(&host).await;
}
