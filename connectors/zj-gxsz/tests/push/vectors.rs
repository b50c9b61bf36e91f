//! Published and computed vectors of the encryption, through the connector to the wire.

use duijie_sdk::{
    crypto::{Mode, Padding, sm4_decrypt, sm4_encrypt},
    encode,
    testing::KeyEncoding,
};
use serde_json::json;
use zj_gxsz::ZjGxsz;

use super::{ONE, bare, config, host};

const ECB: Mode = Mode::LegacyEcb(Padding::Pkcs7);

const RECORD: &str = r#"{"recordId":"T20240001","studentNo":"2021001","studentName":"张三","teacherNo":"10086","talkTime":"2024-03-01 14:30:00","content":"测试谈话内容"}"#;

#[test]
fn sm4_matches_the_vectors_of_the_upstreams_key() {
    let host = bare(config());
    host.check::<ZjGxsz>();
    host.call::<ZjGxsz>("record.check", json!({ "endpoint": "one", "record": super::talk() })).unwrap();
    for (plaintext, hex, base64) in [
        ("", "002a8a4efa863ccad024ac0300bb40d2", "ACqKTvqGPMrQJKwDALtA0g=="),
        ("a", "6c17f0abcf4ea86add6345764f1d3976", "bBfwq89OqGrdY0V2Tx05dg=="),
        ("{\"a\":1}", "db8f98866dc8b812680b04a54db32cba", "24+Yhm3IuBJoCwSlTbMsug=="),
        ("谈心谈话", "f59f7367f48a3f4dfe8c48e712b7092b", "9Z9zZ/SKP03+jEjnErcJKw=="),
        (
            "0123456789abcdef",
            "e6887b77dbabb572ffa07fed7548b192002a8a4efa863ccad024ac0300bb40d2",
            "5oh7d9urtXL/oH/tdUixkgAqik76hjzK0CSsAwC7QNI=",
        ),
    ] {
        let ciphertext = sm4_encrypt(&ECB, "client_secret", plaintext.as_bytes()).unwrap();
        assert_eq!(encode::hex(&ciphertext), hex);
        assert_eq!(encode::base64(&ciphertext), base64);
        assert_eq!(sm4_decrypt(&ECB, "client_secret", &ciphertext).unwrap(), plaintext.as_bytes());
    }
}

#[test]
fn sm4_matches_the_standards_block() {
    let host = bare(config());
    host.call::<ZjGxsz>("record.check", json!({ "endpoint": "one", "record": super::talk() })).unwrap();
    let block = encode::from_hex("0123456789abcdeffedcba9876543210").unwrap();
    let ciphertext = sm4_encrypt(&Mode::LegacyEcb(Padding::None), "client_secret", &block).unwrap();
    assert_eq!(encode::hex(ciphertext), "681edf34d206965e86b3e94f536e4246");
}

/// The fields of the record vector, in its order.
fn flat() -> serde_json::Value {
    let mut config = config();
    let fields =
        ["recordId", "studentNo", "studentName", "teacherNo", "talkTime", "content"].map(|name| json!({ "to": name }));
    config["mapping"] = json!({ "one": { "fields": fields } });
    config
}

#[test]
fn a_record_goes_out_as_the_vector_says() {
    let record: serde_json::Value = serde_json::from_str(RECORD).unwrap();
    for (secret, data) in [
        (
            "ASNFZ4mrze/+3LqYdlQyEA==",
            "7YmbvIT2X5DKebb0sZY3PKWhaF0GN4Q8YjpkMfGV1JZvCq1nOw+5lSBrxaq+B3s3pk0AxPNWQXxHCpnAVBHQakPNcWNTGL3Z6BQihO3M4ZIC8A4fC2oeHEcVBIKW3LjnE0/MCdEt3nmKwix9ToLquRwkm0dd4LasOhVO0mo8DrQPlOGOl9vzXAtf7sN6Iy3r+qU1xHNGOYgLFYjAb00QYg==",
        ),
        (
            "EBESExQVFhcYGRobHB0eHw==",
            "RyMAofrk0jyQRZgzv1F5dAdZUq4mYLFawa5WLnNepOsKd8Ko7BNek72i9aP/RIskV4SwVLn4t0BoHc88Ix3URd9cSNZRRAqfkD5DPLB4D8zv0oZ5HhDhqKSIM4GPoUfW2nc5SWfc308sDLOcTxEB5OVdloobpC3pwjBpm2yKAegdYQS3Rm5OYQpbaSt9BAFvEHwXOyUX3MDwhabS5dSatg==",
        ),
    ] {
        let host = host(flat());
        host.secret("client_secret", secret, KeyEncoding::Base64);
        host.on("POST", ONE).reply(200, json!({ "code": 0, "msg": "成功" }));
        host.call::<ZjGxsz>("record.push-one", record.clone()).unwrap();
        let body = host.requests().pop().unwrap().text();
        assert_eq!(body, format!("{{\"data\":\"{data}\"}}"));
    }
}

#[test]
fn the_record_vector_is_153_bytes_and_what_is_checked_is_what_would_be_sent() {
    let host = bare(flat());
    let record: serde_json::Value = serde_json::from_str(RECORD).unwrap();
    let checked = host.call::<ZjGxsz>("record.check", json!({ "endpoint": "one", "record": record })).unwrap();
    assert_eq!(
        checked,
        json!({ "endpoint": "one", "record": record, "plaintext_bytes": 153, "ciphertext_bytes": 160 })
    );
    assert!(host.requests().is_empty() && host.kv_keys().is_empty());
}

#[test]
fn ciphertext_in_hex() {
    let mut config = flat();
    config["sm4"] = json!({ "output": "hex" });
    let host = host(config);
    host.on("POST", ONE).reply(200, json!({ "code": 0, "msg": "成功" }));
    host.call::<ZjGxsz>("record.push-one", serde_json::from_str(RECORD).unwrap()).unwrap();
    let data = host.requests().pop().unwrap().json()["data"].as_str().unwrap().to_owned();
    assert!(data.starts_with("ed899bbc84f65f90"), "{data}");
}
