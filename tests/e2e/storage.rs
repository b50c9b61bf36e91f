//! The key-value store under abuse: quotas hold, links do not see each other, and a lock never outlives its call.

use serde_json::json;

use crate::support::{hostile_host, still_serves};

const ROOM: &str = "[limits]\ncpu_ms = 10000\ndeadline_ms = 30000";

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_keys_is_refused_at_the_quota() {
    let host = hostile_host(&[], ROOM).await;
    let output = host.call("h.one", "kv.flood", &json!({ "count": 12_000, "size": 1 })).await.expect(200);
    assert!(output["stored"].as_u64().unwrap() <= 10_000, "{output}");
    assert!(output["error"].as_str().unwrap().contains("Quota"), "{output}");
    // The quota is the link's own.
    let output = host.call("h.two", "kv.set", &json!({ "key": "k", "value": "v" })).await.expect(200);
    assert_eq!(output["error"], json!(null), "{output}");
    still_serves(&host).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_bytes_is_refused_at_the_quota() {
    let host = hostile_host(&[], ROOM).await;
    let output = host.call("h.one", "kv.flood", &json!({ "count": 1000, "size": 65_000 })).await.expect(200);
    let stored = output["stored"].as_u64().unwrap();
    assert!((200..=258).contains(&stored), "16 MiB hold 258 of these: {output}");
    assert!(output["error"].as_str().unwrap().contains("Quota"), "{output}");
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
