//! The key-value store under abuse: quotas hold, links do not see each other, a lock never outlives its call, and what was
//! stored outlives the host without being readable meanwhile.

use std::fs;

use duijie_tests::harness::Host;
use futures_util::future::join_all;
use serde_json::json;
use walkdir::WalkDir;

use crate::support::{hostile_host, still_serves};

const ROOM: &str = "[limits]\ncpu_ms = 10000\ndeadline_ms = 60000";

/// Many calls at once store so many entries in all, since each waits for the disk; says how many were stored.
async fn flood(host: &Host, calls: u32, entries: u32, size: usize) -> u64 {
    let each = entries / calls;
    let flooding = (0..calls).map(async |call| {
        let input = json!({ "from": call * each, "count": each, "size": size });
        host.call("h.one", "kv.flood", &input).await.expect(200)
    });
    let mut stored = 0;
    let mut refusals = 0;
    for output in join_all(flooding).await {
        stored += output["stored"].as_u64().unwrap();
        if let Some(error) = output["error"].as_str() {
            assert!(error.contains("Quota"), "{output}");
            refusals += 1;
        }
    }
    assert!(refusals > 0, "{entries} of them are too many");
    stored
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_keys_is_refused_at_the_quota() {
    let host = hostile_host(&[], ROOM).await;
    assert_eq!(flood(&host, 30, 12_000, 1).await, 10_000);
    // The quota is the link's own.
    let output = host.call("h.two", "kv.set", &json!({ "key": "k", "value": "v" })).await.expect(200);
    assert_eq!(output["error"], json!(null), "{output}");
    still_serves(&host).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_bytes_is_refused_at_the_quota() {
    let host = hostile_host(&[], ROOM).await;
    assert_eq!(flood(&host, 10, 300, 65_000).await, 258, "16 MiB hold 258 of these");
    still_serves(&host).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn oversize_keys_and_values_are_refused() {
    let host = hostile_host(&[], ROOM).await;
    for (key, size) in [("k".to_owned(), 65_537), ("k".repeat(513), 1), (String::new(), 1)] {
        let output = host.call("h.one", "kv.set", &json!({ "key": key, "size": size })).await.expect(200);
        assert!(output["error"].as_str().unwrap().contains("TooLarge"), "{output}");
    }
    let output = host.call("h.one", "kv.set", &json!({ "key": "k".repeat(512), "size": 65_536 })).await.expect(200);
    assert_eq!(output["error"], json!(null), "{output}");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_links_key_is_not_found_however_it_is_spelt() {
    let host = hostile_host(&[], ROOM).await;
    host.call("h.two", "kv.set", &json!({ "key": "treasure", "value": "gold" })).await.expect(200);
    let spellings = [
        "treasure",
        "../h.two/treasure",
        "h.two/treasure",
        "h.two:treasure",
        "h.two\u{0}treasure",
        "\u{0}treasure",
        "/h.two/treasure",
        "h/two/treasure",
        "../../h.two/treasure",
        "%2e%2e/h.two/treasure",
    ];
    for key in spellings {
        let output = host.call("h.one", "kv.get", &json!({ "key": key })).await.expect(200);
        assert_eq!(output["value"], json!(null), "{key:?}");
    }
    let output = host.call("h.two", "kv.get", &json!({ "key": "treasure" })).await.expect(200);
    assert_eq!(output["value"], "gold");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_outlives_its_call() {
    let host = hostile_host(&[], ROOM).await;
    host.call("h.one", "kv.set", &json!({ "key": "k", "value": "谈" })).await.expect(200);
    let output = host.call("h.one", "kv.get", &json!({ "key": "k" })).await.expect(200);
    assert_eq!(output["value"], "谈");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_outlives_a_host_that_is_killed_and_is_readable_in_no_file() {
    let host = hostile_host(&[], ROOM).await;
    let (key, value) = ("student-999999199001010016", "张三-token-5f1c");
    host.call("h.one", "kv.set", &json!({ "key": key, "value": value })).await.expect(200);
    let stopped = host.kill().await;
    let state = stopped.setup().root().join("state");
    let mut read = 0;
    for file in WalkDir::new(&state).into_iter().map(Result::unwrap).filter(|file| file.file_type().is_file()) {
        let bytes = fs::read(file.path()).unwrap();
        read += bytes.len();
        for plain in [key, value, "999999199", "张三"] {
            let found = bytes.windows(plain.len()).any(|some| some == plain.as_bytes());
            assert!(!found, "{plain} stands in {}", file.path().display());
        }
    }
    assert!(read > 10_000, "the store is there: {read} bytes");
    let host = stopped.start().await;
    host.until("the link to serve", |all| all.link_state("h.one") == "serving").await;
    let output = host.call("h.one", "kv.get", &json!({ "key": key })).await.expect(200);
    assert_eq!(output["value"], value);
    assert_eq!(host.call("h.two", "kv.get", &json!({ "key": key })).await.expect(200)["value"], json!(null));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_whose_key_is_missing_beside_its_store_does_not_start() {
    let stopped = hostile_host(&[], ROOM).await.kill().await;
    let state = stopped.setup().root().join("state");
    fs::rename(state.join("host.key"), state.join("copy")).unwrap();
    let refused = stopped.setup().run(&["serve"]).expect_code(1);
    assert!(refused.stderr.contains("host.key is missing"), "{}", refused.stderr);
    fs::rename(state.join("copy"), state.join("host.key")).unwrap();
    let host = stopped.start().await;
    host.until("the link to serve", |all| all.link_state("h.one") == "serving").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_that_is_never_given_back_ends_with_its_call() {
    let host = hostile_host(&[], "[limits]\ncpu_ms = 300\ndeadline_ms = 5000").await;
    for _ in 0..3 {
        host.call("h.one", "kv.keep", &json!({ "key": "l" })).await.expect(200);
    }
    host.call("h.one", "kv.hold", &json!({ "key": "l" })).await.problem(500, "internal", "not-sent");
    host.call("h.one", "kv.keep", &json!({ "key": "l" })).await.expect(200);
    still_serves(&host).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_that_is_held_makes_others_of_the_link_wait_and_no_other_link() {
    let host = hostile_host(&[], "[limits]\ncpu_ms = 1500\ndeadline_ms = 10000").await;
    let hold = host.call_request("h.one", "kv.hold", "{\"key\":\"l\"}").send();
    let others = async {
        // The other link's lock of the same name is another lock.
        host.call("h.two", "kv.keep", &json!({ "key": "l" })).await.expect(200);
        host.call("h.one", "kv.keep", &json!({ "key": "l" })).await.expect(200);
    };
    let (held, ()) = tokio::join!(hold, others);
    held.problem(500, "internal", "not-sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn locks_without_end_are_refused() {
    let host = hostile_host(&[], ROOM).await;
    let output = host.call("h.one", "kv.many-locks", &json!({})).await.expect(200);
    assert!(output["stored"].as_u64().unwrap() <= 256, "{output}");
    assert!(output["error"].as_str().is_some(), "{output}");
    still_serves(&host).await;
}
