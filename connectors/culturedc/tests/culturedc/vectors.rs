//! Signatures: the document's vector, and every construction that a profile may ask for.

use culturedc::{
    profile::Sign,
    sign::{Message, Signed},
};
use duijie_sdk::{
    crypto::{self, Algorithm},
    encode,
    testing::TestHost,
};
use serde_json::{Value, json};

use super::{ACCESS_KEY, call, config, host};

fn message(target: &'static str) -> Message<'static> {
    Message {
        method: "POST",
        target,
        body: r#"{"type":"activity","items":[]}"#,
        access_key: ACCESS_KEY,
        now_ms: 1_700_000_000_000,
        nonce: "n0nce0001",
    }
}

/// A host in the midst of a call: before one, no secret may be used.
fn in_a_call() -> TestHost {
    let host = host(config());
    call(&host, "aksk.status", json!({})).unwrap();
    host
}

fn signature(sign: Value, target: &'static str) -> String {
    let _host = in_a_call();
    let sign: Sign = serde_json::from_value(sign).unwrap();
    Signed::new(&sign, message(target)).unwrap().render("${signature}").unwrap()
}

const SIM: &str = "${method}\n${target}\n${timestamp}\n${nonce}\n${body_sha256}";

#[test]
fn the_published_vector_comes_out() {
    let _host = in_a_call();
    let sign = culturedc::config::sim_v1().unwrap().sign;
    let signed = Signed::new(&sign, message("/openapi/v1/resources")).unwrap();
    let rendered = |template: &str| signed.render(template).unwrap();
    assert_eq!(rendered("${body_sha256}"), "e909aa2d5db2dff56ffc2716afa3860d9a9c58352670d7343c684f6c7d6bf858");
    assert_eq!(rendered("${signature}"), "f390bb8b50d9dd6f578e5467665da34b69fcc02497416d1104cfea5fde29661e");
}

#[test]
fn a_secret_may_stand_in_the_message_of_an_md5() {
    let sign = |encoding: &str| json!({ "kind": "md5-concat", "template": "${ak}${timestamp}${nonce}${sk}", "encoding": encoding });
    assert_eq!(signature(sign("hex"), "/"), MD5);
    assert_eq!(signature(sign("hex-upper"), "/"), MD5.to_uppercase());
}

const MD5: &str = "fa2a70ba176f6b732101f37083de3cba";

#[test]
fn hash_encoding_and_time_stamp_are_the_profiles() {
    let sign = json!({ "kind": "hmac", "algorithm": "sha1", "template": "${ak}${timestamp}", "encoding": "base64", "timestamp": "compact" });
    assert_eq!(signature(sign, "/"), "k1vnTqhn47p+SJCB14KnytlvgrM=");
    let of = |algorithm: &str| signature(json!({ "kind": "hmac", "algorithm": algorithm, "template": SIM }), "/").len();
    assert_eq!(["md5", "sha1", "sha256", "sha512", "sm3"].map(of), [32, 40, 64, 128, 64]);
    let seconds = |timestamp: &str| {
        let sign = json!({ "kind": "md5-concat", "template": "${timestamp}${sk}", "timestamp": timestamp });
        signature(sign, "/")
    };
    assert_ne!(seconds("s"), seconds("ms"));
}

#[test]
fn path_query_and_target_are_what_is_sent() {
    let _host = in_a_call();
    let sign: Sign = serde_json::from_value(json!({ "kind": "none" })).unwrap();
    let rendered = |target: &'static str| {
        Signed::new(&sign, message(target)).unwrap().render("${path} ${query} ${target} ${body}").unwrap()
    };
    assert_eq!(rendered("/a?b=1&c=%20"), r#"/a b=1&c=%20 /a?b=1&c=%20 {"type":"activity","items":[]}"#);
    assert_eq!(rendered("/a"), r#"/a  /a {"type":"activity","items":[]}"#);
}

#[test]
fn what_is_sent_carries_the_signature_of_what_is_sent() {
    let host = host(config());
    host.on("GET", "http://127.0.0.1:18082/openapi/v1/licensed")
        .reply(200, json!({ "code": 0, "data": { "total": 0, "items": [] } }));
    for page in [1, 2] {
        call(&host, "resource.fetch", json!({ "page": page, "size": 50 })).unwrap();
    }
    let sent = host.requests();
    for (request, page) in sent.iter().zip([1, 2]) {
        let header = |name: &str| request.header(name).unwrap();
        assert_eq!(header("x-access-key"), ACCESS_KEY);
        assert_eq!(header("x-timestamp"), "1700000000000");
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let nonce = header("x-nonce");
        let message = format!("GET\n/openapi/v1/licensed?page={page}&size=50\n1700000000000\n{nonce}\n{empty}");
        let expected = encode::hex(crypto::hmac(Algorithm::Sha256, "secret_key", message).unwrap());
        assert_eq!(header("x-signature"), expected);
        assert!(nonce.len() >= 8 && request.body.is_empty());
    }
    assert_ne!(sent[0].header("x-nonce"), sent[1].header("x-nonce"));
}
