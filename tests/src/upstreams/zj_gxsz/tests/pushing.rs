//! The envelope, the encryption, the store and the replies.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::super::super::testing::{call, post};
use super::super::{DEMO_CLIENT_ID, DEMO_CLIENT_SECRET, Endpoint, ZjGxsz, codes, envelope};
use super::college::{College, KEY};
use crate::fixtures;

const RECORD: &str = r#"{"recordId":"T20240001","studentNo":"2021001","studentName":"张三","teacherNo":"10086","talkTime":"2024-03-01 14:30:00","content":"测试谈话内容"}"#;
const RECORD_SEALED: &str = "7YmbvIT2X5DKebb0sZY3PKWhaF0GN4Q8YjpkMfGV1JZvCq1nOw+5lSBrxaq+B3s3pk0AxPNWQXxHCpnAVBHQakPNcWNTGL3Z6BQihO3M4ZIC8A4fC2oeHEcVBIKW3LjnE0/MCdEt3nmKwix9ToLquRwkm0dd4LasOhVO0mo8DrQPlOGOl9vzXAtf7sN6Iy3r+qU1xHNGOYgLFYjAb00QYg==";
const RECORD_SEALED_OTHER_KEY: &str = "RyMAofrk0jyQRZgzv1F5dAdZUq4mYLFawa5WLnNepOsKd8Ko7BNek72i9aP/RIskV4SwVLn4t0BoHc88Ix3URd9cSNZRRAqfkD5DPLB4D8zv0oZ5HhDhqKSIM4GPoUfW2nc5SWfc308sDLOcTxEB5OVdloobpC3pwjBpm2yKAegdYQS3Rm5OYQpbaSt9BAFvEHwXOyUX3MDwhabS5dSatg==";

#[test]
fn golden_vectors_open_to_their_plaintexts() {
    let vectors = [
        ("", "ACqKTvqGPMrQJKwDALtA0g=="),
        ("a", "bBfwq89OqGrdY0V2Tx05dg=="),
        (r#"{"a":1}"#, "24+Yhm3IuBJoCwSlTbMsug=="),
        ("谈心谈话", "9Z9zZ/SKP03+jEjnErcJKw=="),
        ("0123456789abcdef", "5oh7d9urtXL/oH/tdUixkgAqik76hjzK0CSsAwC7QNI="),
        (RECORD, RECORD_SEALED),
    ];
    for (plaintext, sealed) in vectors {
        let body = json!({ "data": sealed }).to_string();
        assert_eq!(envelope::open(body.as_bytes(), &KEY), Ok(plaintext.as_bytes().to_vec()), "{sealed}");
        assert_eq!(envelope::seal(&KEY, plaintext.as_bytes()), sealed);
    }
    let other: [u8; 16] = std::array::from_fn(|at| 0x10 + at as u8);
    assert_eq!(envelope::seal(&other, RECORD.as_bytes()), RECORD_SEALED_OTHER_KEY);
    let digest = "b1aeafcaf9629286609b02b5618c23883848b48897c902e6886cd724cbb43f5d";
    assert_eq!((RECORD.len(), hex::encode(Sha256::digest(RECORD)).as_str()), (153, digest));
}

#[tokio::test]
async fn the_record_of_the_vector_is_stored_byte_for_byte() {
    let college = College::of(ZjGxsz::builder().quirky()).await;
    let body = json!({ "data": RECORD_SEALED }).to_string();
    college.push_body(Endpoint::One, &body, &[]).await.expect("an answer");
    assert_eq!(college.simulator.profile().record("T20240001").expect("stored").plaintext, RECORD);
    let read = call(college.address(), "GET", "/_sim/records/T20240001").await;
    assert_eq!((read.body.as_ref(), read.header("x-sim-version")), (RECORD.as_bytes(), "1"));
}

#[tokio::test]
async fn strict_replies_as_documented_and_quirky_oddly() {
    let record = fixtures::talk_one(1);
    let strict = College::strict().await.push(Endpoint::One, &record).await;
    assert_eq!(strict.body, r#"{"code":0,"msg":"成功"}"#);
    assert_eq!(strict.header("content-type"), "application/json;charset=UTF-8");

    let quirky = College::of(ZjGxsz::builder().quirky()).await.push(Endpoint::One, &record).await;
    assert_eq!(quirky.header("content-type"), "text/html;charset=UTF-8");
    let reply = quirky.json();
    assert_eq!((&reply["code"], &reply["msg"]), (&json!("0"), &json!("成功")));
    assert!(reply.as_object().expect("an object").len() > 2, "extra members");
}

#[tokio::test]
async fn every_layer_refuses_with_its_own_code() {
    let college = College::strict().await;
    let push = async |body: &str| -> Value {
        college.push_body(Endpoint::One, body, &[]).await.expect("an answer").json()["code"].clone()
    };
    for body in ["", "x", "[]", "\"data\"", "{\"data\":\"\"", "\u{feff}{}"] {
        assert_eq!(push(body).await, codes::ENVELOPE, "{body}");
    }
    for body in ["{}", r#"{"data":1}"#, r#"{"data":null}"#, r#"{"Data":"AAAA"}"#] {
        assert_eq!(push(body).await, codes::ENVELOPE_DATA, "{body}");
    }
    let sealed = envelope::seal(&KEY, b"{}");
    let url_safe = RECORD_SEALED.replace('+', "-").replace('/', "_");
    let wrapped = format!("{}\n{}", &RECORD_SEALED[..76], &RECORD_SEALED[76..]);
    for data in [sealed.trim_end_matches('='), "====", &url_safe, &wrapped, " "] {
        assert_eq!(push(&json!({ "data": data }).to_string()).await, codes::BASE64, "{data}");
    }
    for data in ["", "AAAA", "AAAAAAAAAAAAAAAAAAAAAA==", RECORD_SEALED_OTHER_KEY] {
        assert_eq!(push(&json!({ "data": data }).to_string()).await, codes::DECRYPT, "{data}");
    }
    assert_eq!(college.push_plaintext(b"{\"recordId\":\"\xff\"}").await, codes::UTF8);
    assert_eq!(
        college
            .push_plaintext(&"{\"recordId\":\"谈\"}".encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>())
            .await,
        codes::UTF8
    );
    for plaintext in ["", "x", "[]", "null", "{} {}", "{,}", "\u{feff}{}"] {
        assert_eq!(college.push_plaintext(plaintext.as_bytes()).await, codes::RECORD, "{plaintext}");
    }
    let counters = college.simulator.counters();
    assert_eq!((counters.crypto_failures, counters.records_accepted), (4, 0));
    assert_eq!(counters.records_rejected, counters.requests_of("record.push-one"));
}

#[tokio::test]
async fn strict_wants_json_in_utf_8() {
    let college = College::strict().await;
    let body = json!({"data": envelope::seal(&KEY, fixtures::talk_one(1).to_string().as_bytes())}).to_string();
    let bearer = format!("Bearer {}", college.token);
    for (content_type, accepted) in [
        ("application/json", true),
        ("Application/JSON;charset=UTF-8", true),
        ("application/json; charset=\"utf-8\"", true),
        ("application/json; charset=gbk", false),
        ("text/plain", false),
        ("application/x-www-form-urlencoded", false),
    ] {
        let headers = [("authorization", bearer.as_str()), ("content-type", content_type)];
        let answer = post(college.address(), "POST", Endpoint::One.path(), &headers, body.clone()).await;
        let expected = if accepted { 0 } else { codes::CONTENT_TYPE };
        assert_eq!(answer.expect("an answer").json()["code"], expected, "{content_type}");
    }
}

#[tokio::test]
async fn the_envelope_may_have_other_members() {
    let college = College::strict().await;
    let data = envelope::seal(&KEY, fixtures::talk_one(1).to_string().as_bytes());
    let body = json!({"clientId": "demo-college", "timestamp": 1, "data": data}).to_string();
    assert_eq!(college.push_body(Endpoint::One, &body, &[]).await.expect("an answer").json()["code"], 0);
}

#[tokio::test]
async fn a_record_pushed_again_overwrites_and_both_digests_are_kept() {
    let college = College::strict().await;
    let first = fixtures::talk_one(1);
    let second = fixtures::revise(&first, 2);
    college.push(Endpoint::One, &first).await;
    college.push(Endpoint::One, &second).await;
    let stored = college.stored(&first);
    assert_eq!(stored.plaintext, second.to_string());
    let digests: [[u8; 32]; 2] = [&first, &second].map(|record| Sha256::digest(record.to_string()).into());
    assert_eq!(stored.versions, digests);
    let counters = college.simulator.counters();
    assert_eq!((counters.records_accepted, counters.overwrites), (2, 1));
}

#[tokio::test]
async fn two_colleges_with_the_same_ids_do_not_overwrite_each_other() {
    let builder =
        ZjGxsz::builder().client(DEMO_CLIENT_ID, DEMO_CLIENT_SECRET).client("other", "EBESExQVFhcYGRobHB0eHw==");
    let college = College::of(builder).await;
    let form = "grant_type=client_credentials&client_id=other&client_secret=EBESExQVFhcYGRobHB0eHw%3D%3D";
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let reply = post(college.address(), "POST", super::super::TOKEN_PATH, &headers, form).await.expect("an answer");
    let token = reply.json()["access_token"].as_str().expect("a token").to_owned();

    let mine = fixtures::talk_one(1);
    let theirs = fixtures::revise(&mine, 9);
    let key: [u8; 16] = std::array::from_fn(|at| 0x10 + at as u8);
    let body = json!({"data": envelope::seal(&key, theirs.to_string().as_bytes())}).to_string();
    college.push(Endpoint::One, &mine).await;
    let other = College { token, ..college };
    assert_eq!(other.push_body(Endpoint::One, &body, &[]).await.expect("an answer").json()["code"], 0);
    assert_eq!(other.push(Endpoint::One, &mine).await.json()["code"], codes::DECRYPT, "a token's client fixes the key");

    assert_eq!(other.stored(&mine).plaintext, mine.to_string());
    let read = call(other.address(), "GET", "/_sim/records/ONE-000001?client=other").await;
    assert_eq!((read.body.as_ref(), read.header("x-sim-client")), (theirs.to_string().as_bytes(), "other"));
}

#[tokio::test]
async fn records_are_read_back_by_any_id_and_listed_without_contents() {
    let college = College::strict().await;
    let mut record = fixtures::talk_patriarch(3);
    record["recordId"] = "a/b +谈%".into();
    college.push(Endpoint::Patriarch, &record).await;
    let read = call(college.address(), "GET", "/_sim/records/a%2Fb%20+%E8%B0%88%25").await;
    assert_eq!(read.body, record.to_string());
    let listed = call(college.address(), "GET", "/_sim/records").await.json();
    assert_eq!(listed[0]["recordId"], record["recordId"]);
    assert_eq!(listed[0]["endpoint"], "patriarch");
    assert_eq!(listed[0]["versions"], 1);
    assert_eq!(listed[0]["sha256"], hex::encode(Sha256::digest(record.to_string())));
    assert_eq!(call(college.address(), "GET", "/_sim/records/none").await.status, 404);
}
