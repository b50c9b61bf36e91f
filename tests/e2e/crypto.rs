//! The published vectors, through a guest: what a connector gets from the host is the algorithm and not nearly it.
//! Where no standard gives a value, OpenSSL 3.0 did.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use duijie_tests::harness::{Host, Setup};
use serde_json::{Value, json};

use crate::support::hostile_link;

/// GB/T 32907-2016, A.1: key and plaintext.
const KEY: &str = "0123456789abcdeffedcba9876543210";
const RECORD: &str = r#"{"recordId":"T20240001","studentNo":"2021001","studentName":"张三","teacherNo":"10086","talkTime":"2024-03-01 14:30:00","content":"测试谈话内容"}"#;
/// 32 bytes of four kinds.
const FOUR: &str = "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccdddddddddddddddd";

/// A host whose link `k.link` has this SM4 key and the HMAC key `Jefe`.
async fn keyed(key: &str, encoding: &str) -> Host {
    let secrets = format!(
        "[secrets.sm4_only]\nenv = \"SM4_KEY\"\nencoding = \"{encoding}\"\n\
        [secrets.token]\nenv = \"MAC_KEY\"\nuses = [\"digest\", \"hmac\", \"send\"]\n\
        [limits]\ndeadline_ms = 60000"
    );
    let setup = Setup::new().guest("hostile").env("SM4_KEY", key).env("MAC_KEY", "Jefe");
    let host = setup.link("k/link", &hostile_link(&[], &secrets)).start().await;
    host.until("the link to serve", |all| all.link_state("k.link") == "serving").await;
    host
}

async fn answered(host: &Host, operation: &str, input: Value) -> String {
    let output = host.call("k.link", operation, &input).await.expect(200);
    output["ok"]["hex"].as_str().unwrap_or_else(|| panic!("{operation} {input}: {output}")).to_owned()
}

/// Encrypts to what is expected, and back.
async fn there_and_back(host: &Host, mut input: Value, ciphertext: &str) {
    input["slot"] = "sm4_only".into();
    let plaintext = input["data"].clone();
    assert_eq!(answered(host, "crypto.encrypt", input.clone()).await, ciphertext, "{input}");
    input["data"] = ciphertext.into();
    assert_eq!(answered(host, "crypto.decrypt", input).await, plaintext.as_str().unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn sm4_ecb_is_the_standards_and_the_upstreams() {
    let host = keyed(KEY, "hex").await;
    there_and_back(&host, json!({ "mode": "ecb-none", "data": KEY }), "681edf34d206965e86b3e94f536e4246").await;
    let vectors = [
        ("", "002a8a4efa863ccad024ac0300bb40d2", "ACqKTvqGPMrQJKwDALtA0g=="),
        ("a", "6c17f0abcf4ea86add6345764f1d3976", "bBfwq89OqGrdY0V2Tx05dg=="),
        (r#"{"a":1}"#, "db8f98866dc8b812680b04a54db32cba", "24+Yhm3IuBJoCwSlTbMsug=="),
        ("谈心谈话", "f59f7367f48a3f4dfe8c48e712b7092b", "9Z9zZ/SKP03+jEjnErcJKw=="),
        (
            "0123456789abcdef",
            "e6887b77dbabb572ffa07fed7548b192002a8a4efa863ccad024ac0300bb40d2",
            "5oh7d9urtXL/oH/tdUixkgAqik76hjzK0CSsAwC7QNI=",
        ),
    ];
    for (plaintext, ciphertext, base64) in vectors {
        assert_eq!(STANDARD.encode(hex::decode(ciphertext).unwrap()), base64);
        there_and_back(&host, json!({ "mode": "ecb", "data": hex::encode(plaintext) }), ciphertext).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_million_sm4_encryptions_are_the_standards() {
    let host = keyed(KEY, "hex").await;
    let input = json!({ "slot": "sm4_only", "block": KEY, "rounds": 1_000_000 });
    assert_eq!(answered(&host, "crypto.chain", input).await, "595298c7c6fd271f0402f804c33d3f66");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_record_of_the_upstreams_document_encrypts_to_its_ciphertext() {
    let vectors = [
        (
            "ASNFZ4mrze/+3LqYdlQyEA==",
            "7YmbvIT2X5DKebb0sZY3PKWhaF0GN4Q8YjpkMfGV1JZvCq1nOw+5lSBrxaq+B3s3pk0AxPNWQXxHCpnAVBHQakPNcWNTGL3Z6BQihO3M4ZIC8A4fC2oeHEcVBIKW3LjnE0/MCdEt3nmKwix9ToLquRwkm0dd4LasOhVO0mo8DrQPlOGOl9vzXAtf7sN6Iy3r+qU1xHNGOYgLFYjAb00QYg==",
        ),
        (
            "EBESExQVFhcYGRobHB0eHw==",
            "RyMAofrk0jyQRZgzv1F5dAdZUq4mYLFawa5WLnNepOsKd8Ko7BNek72i9aP/RIskV4SwVLn4t0BoHc88Ix3URd9cSNZRRAqfkD5DPLB4D8zv0oZ5HhDhqKSIM4GPoUfW2nc5SWfc308sDLOcTxEB5OVdloobpC3pwjBpm2yKAegdYQS3Rm5OYQpbaSt9BAFvEHwXOyUX3MDwhabS5dSatg==",
        ),
    ];
    for (key, base64) in vectors {
        let host = keyed(key, "base64").await;
        let ciphertext = hex::encode(STANDARD.decode(base64).unwrap());
        there_and_back(&host, json!({ "mode": "ecb", "data": hex::encode(RECORD) }), &ciphertext).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sm4_cbc_ctr_and_gcm_agree_with_openssl_and_rfc_8998() {
    let host = keyed(KEY, "hex").await;
    let iv = "000102030405060708090a0b0c0d0e0f";
    let cbc = "9554bcddf2d371452bffd93df8d461872360664050b1ae28e3e25ab2539ededb";
    there_and_back(&host, json!({ "mode": "cbc-none", "iv": iv, "data": FOUR }), cbc).await;
    let padded = format!("{cbc}42f5a9d29ce954638e63d8e08f348935");
    there_and_back(&host, json!({ "mode": "cbc", "iv": iv, "data": format!("{FOUR}0102") }), &padded).await;
    let ctr = "ac3236cb970cc20791364c395a1342d1a3cbc1878c6f30cd074cce385cdd70c71dd8";
    there_and_back(&host, json!({ "mode": "ctr", "iv": iv, "data": format!("{FOUR}0102") }), ctr).await;
    // The counter runs over.
    let over = "6811af7e097364e786fb45ce5d9a60f02677f46b09c122cc975533105bd4a22a4e595bf03f23bd10";
    there_and_back(&host, json!({ "mode": "ctr", "iv": "f".repeat(32), "data": "00".repeat(40) }), over).await;
    // RFC 8998, A.1: ciphertext and tag.
    let plaintext = format!("{FOUR}{}{}{}{}", "e".repeat(16), "f".repeat(16), "e".repeat(16), "a".repeat(16));
    let gcm = "17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735\
               d82710ca5c22f0ccfa7cbf93d496ac15a56834cbcf98c397b4024a2691233b8d\
               83de3541e4c2b58177e065a9bf7b62ec";
    let input = json!({
        "mode": "gcm", "iv": "00001234567800000000abcd", "aad": "feedfacedeadbeeffeedfacedeadbeefabaddad2",
        "data": plaintext
    });
    there_and_back(&host, input, gcm).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn digests_and_hmacs_of_messages_with_secrets_agree_with_openssl() {
    let host = keyed(KEY, "hex").await;
    let vectors = [
        ("md5", "2583c40449eb25315a36ff6d83b83190", "9d21229da9c36860bd03857cde7198ae"),
        ("sha1", "37297ab8001f953b115c4a898751a86e45a3b7bc", "2eb636905ba9506def37e3d27aea10143cfafe41"),
        (
            "sha256",
            "5c2f9d81accbe345f629e6a11dd2ad17d6c5caece0aea5935635584cd9d9f254",
            "9071fec3f69d701f30850b1df1c1f0fb597e1ddfad099cb171203a5b391f94e1",
        ),
        (
            "sha512",
            "d4c9f461c1e5595a37e38f821682385bb73eaf9eb1769c5d6586920d86aa11fd4c9ac7b4e730cfae3078ed9c8548206098549116d100decec34205b8c178bdf6",
            "7db4ddaa715f4426a0c1beb8d361f961af726127066c8c1f595bc0c086aeb06ec00b7fb3fd8a5282da9a75776625d31e79eca12f990e3d94ce620632dc6e833e",
        ),
        (
            "sm3",
            "64f397f3a99c79455d240f0a79a10b93d9ada6e001bb9c086de8ae67eda65c61",
            "bd706a1357a44b356abbfe5c6b4f5f047992e20dd28a1e2a9117f2f3191b92fb",
        ),
    ];
    for (algorithm, mac, digest) in vectors {
        let message = json!([{ "text": "谈心" }, { "hex": hex::encode("谈话") }]);
        let input = json!({ "algorithm": algorithm, "slot": "token", "message": message });
        assert_eq!(answered(&host, "crypto.hash", input.clone()).await, mac, "HMAC-{algorithm}");
        verifies(&host, input, mac).await;
        // The secret is part of the message: `Jefe谈`.
        let message = json!([{ "secret": { "slot": "token" } }, { "text": "谈" }]);
        let input = json!({ "algorithm": algorithm, "message": message });
        assert_eq!(answered(&host, "crypto.hash", input.clone()).await, digest, "{algorithm}");
        verifies(&host, input, digest).await;
    }
}

/// What is right verifies; one bit off, one byte short, or nothing at all does not.
async fn verifies(host: &Host, mut input: Value, right: &str) {
    let mut flipped = hex::decode(right).unwrap();
    flipped[0] ^= 1;
    let candidates = [(right, true), (&hex::encode(flipped), false), (&right[2..], false), ("", false)];
    for (expected, holds) in candidates {
        input["expected"] = expected.into();
        let output = host.call("k.link", "crypto.verify", &input).await.expect(200);
        assert_eq!(output["ok"], holds, "{input}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_length_padding_or_tag_is_refused_in_words_that_are_no_oracle() {
    let host = keyed(KEY, "hex").await;
    let refused = async |operation: &str, mut input: Value| {
        input["slot"] = "sm4_only".into();
        let output = host.call("k.link", operation, &input).await.expect(200);
        output["refused"].as_str().unwrap_or_else(|| panic!("{input}: {output}")).to_owned()
    };
    assert!(refused("crypto.encrypt", json!({ "mode": "ecb-none", "data": "00" })).await.contains("16"));
    assert!(refused("crypto.encrypt", json!({ "mode": "cbc", "iv": "00", "data": "" })).await.contains("16 bytes"));
    assert!(refused("crypto.encrypt", json!({ "mode": "gcm", "iv": "00", "data": "" })).await.contains("12 bytes"));
    let iv = "0".repeat(32);
    let mut texts = Vec::new();
    for last in [0x00, 0x01, 0x10, 0x11, 0xff_u8] {
        let data = format!("{}{last:02x}", "5a".repeat(15));
        let input = json!({ "mode": "cbc", "iv": iv, "slot": "sm4_only", "data": data });
        let output = host.call("k.link", "crypto.decrypt", &input).await.expect(200);
        texts.extend(output["refused"].as_str().map(str::to_owned));
    }
    texts.push(refused("crypto.decrypt", json!({ "mode": "gcm", "iv": "0".repeat(24), "data": "0".repeat(64) })).await);
    texts.dedup();
    assert_eq!(texts.len(), 1, "every cause has the same words: {texts:?}");
}
