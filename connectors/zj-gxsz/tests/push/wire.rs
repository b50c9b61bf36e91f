//! What goes over the wire when all is well: token forms, headers, envelope, result.

use duijie_sdk::{encode, testing::TestHost};
use serde_json::{Value, json};
use zj_gxsz::ZjGxsz;

use super::{BASE, ONE, SECRET, TOKEN, bare, config, count, host, push, talk};

fn accepting(config: Value) -> TestHost {
    let host = host(config);
    host.on("POST", ONE).reply(200, json!({ "code": 0, "msg": "成功" }));
    host
}

#[test]
fn a_push_gets_a_token_and_sends_one_record() {
    let host = accepting(config());
    let output = push(&host).unwrap();
    assert_eq!(
        output,
        json!({
            "recordId": "T20240001", "endpoint": "one", "accepted": true, "upstream_code": "0", "upstream_message": "成功",
            "submitted_at": "2023-11-15T06:13:20+08:00", "attempt": 1, "overwrote": false,
        })
    );
    let requests = host.requests();
    let (token, record) = (&requests[0], &requests[1]);
    assert_eq!(token.url, TOKEN);
    assert_eq!(token.header("content-type"), Some("application/x-www-form-urlencoded"));
    let secret = "ASNFZ4mrze%2F%2B3LqYdlQyEA%3D%3D";
    assert_eq!(token.text(), format!("grant_type=client_credentials&client_id=nbufe&client_secret={secret}"));
    assert_eq!(record.header("authorization"), Some("Bearer t1"));
    assert_eq!(record.header("content-type"), Some("application/json; charset=utf-8"));
    assert_eq!(record.timeout_ms, Some(10_000));
    assert_eq!(record.json().as_object().unwrap().keys().collect::<Vec<_>>(), ["data"]);
}

#[test]
fn each_list_has_its_path() {
    let host = host(config());
    let mut multi = talk();
    multi["students"] = json!([{ "studentNo": "1", "studentName": "甲" }, { "studentNo": "2", "studentName": "乙" }]);
    let mut patriarch = talk();
    patriarch["parentName"] = json!("张父");
    patriarch["parentRelation"] = json!("父亲");
    patriarch["parentPhone"] = json!("10000000000");
    for (name, record) in [("one", talk()), ("multi", multi), ("patriarch", patriarch)] {
        host.on("POST", &format!("{BASE}/api/talk-record/{name}"))
            .reply(200, json!({ "code": "0", "msg": "成功", "more": 1 }));
        let output = host.call::<ZjGxsz>(&format!("record.push-{name}"), record).unwrap();
        assert_eq!((&output["endpoint"], &output["upstream_code"]), (&json!(name), &json!("0")));
    }
    assert_eq!(count(&host, TOKEN), 1);
}

#[test]
fn pushing_again_overwrites_and_only_a_hash_of_the_key_is_kept() {
    let host = accepting(config());
    assert_eq!(push(&host).unwrap()["overwrote"], false);
    assert_eq!(push(&host).unwrap()["overwrote"], true);
    // The first byte of SHA-256 of "T20240001".
    let keys: Vec<_> = host.kv_keys().into_iter().filter(|key| !key.starts_with("token/")).collect();
    assert_eq!(keys, ["accepted/one/28"]);
    host.advance_ms(30 * 86_400_000);
    assert_eq!(push(&host).unwrap()["overwrote"], false);
}

#[test]
fn many_records_keep_to_a_bounded_number_of_keys() {
    let host = accepting(config());
    let pushed = |number: u32| {
        let mut record = talk();
        record["recordId"] = json!(format!("T{number}"));
        host.call::<ZjGxsz>("record.push-one", record).unwrap()["overwrote"].clone()
    };
    for number in 0..3_000 {
        assert_eq!(pushed(number), false, "{number}");
    }
    for number in [0, 1_499, 2_999] {
        assert_eq!(pushed(number), true, "{number}");
    }
    assert!(host.kv_keys().len() <= 256 + 2, "{}", host.kv_keys().len());
    assert_eq!(count(&host, TOKEN), 1);
}

#[test]
fn a_full_store_fails_no_push() {
    let mut config = config();
    config["rate"] = json!({ "min_interval_ms": 500 });
    let host = accepting(config);
    host.kv_keys_max(0);
    for _ in 0..2 {
        assert_eq!(push(&host).unwrap()["overwrote"], Value::Null);
    }
    assert_eq!(count(&host, TOKEN), 2);
    assert!(host.logs().iter().any(|line| line.message == "rate.min_interval_ms cannot be kept"));
}

#[test]
fn a_token_is_used_until_a_minute_before_it_expires() {
    let host = accepting(config());
    push(&host).unwrap();
    host.advance_ms(3_539_999);
    push(&host).unwrap();
    assert_eq!(count(&host, TOKEN), 1);
    host.advance_ms(1);
    push(&host).unwrap();
    assert_eq!(count(&host, TOKEN), 2);
}

#[test]
fn a_refused_token_is_renewed_once_and_the_record_sent_again() {
    let mut listed = config();
    listed["errors"] = json!({ "token_expired_codes": ["40110"] });
    for (status, body) in
        [(401, json!({})), (403, json!({ "msg": "x" })), (200, json!({ "code": 40110, "msg": "过期" }))]
    {
        let host = host(listed.clone());
        host.on("POST", ONE).reply(status, body).reply(200, json!({ "code": 0, "msg": "成功" }));
        let output = push(&host).unwrap();
        assert_eq!(output["attempt"], 2);
        assert_eq!(host.requests().last().unwrap().header("authorization"), Some("Bearer t2"));
        assert_eq!((count(&host, TOKEN), count(&host, ONE)), (2, 2));
        assert_eq!(push(&host).unwrap()["attempt"], 1, "the new token is kept");
    }
}

#[test]
fn client_credentials_as_basic_or_in_the_query() {
    let mut basic = config();
    basic["token"]["client_auth"] = json!("basic");
    let host = accepting(basic);
    push(&host).unwrap();
    let sent = host.requests().remove(0);
    let expected = format!("Basic {}", encode::base64(format!("nbufe:{SECRET}")));
    assert_eq!(sent.header("authorization"), Some(expected.as_str()));
    assert_eq!(sent.text(), "grant_type=client_credentials");

    let mut query = config();
    query["token"]["client_auth"] = json!("query");
    let host = accepting(query);
    push(&host).unwrap();
    let sent = host.requests().remove(0);
    assert!(
        sent.url
            .ends_with("?grant_type=client_credentials&client_id=nbufe&client_secret=ASNFZ4mrze%2F%2B3LqYdlQyEA%3D%3D")
    );
    assert!(sent.body.is_empty());
}

#[test]
fn a_token_may_be_wrapped_and_may_not_say_how_long_it_lives() {
    for (reply, life_ms) in [
        (json!({ "code": 0, "msg": "成功", "data": { "access_token": "t", "expires_in": "7200" } }), 7_140_000),
        (json!({ "data": { "access_token": "t", "expires_in": 120 } }), 60_000),
        (json!({ "code": "0", "access_token": "t" }), 1_740_000),
    ] {
        let host = bare(config());
        host.on("POST", TOKEN).reply(200, reply);
        host.on("POST", ONE).reply(200, json!({ "code": 0, "msg": "成功" }));
        push(&host).unwrap();
        host.advance_ms(life_ms - 1);
        push(&host).unwrap();
        assert_eq!(count(&host, TOKEN), 1);
        host.advance_ms(1);
        push(&host).unwrap();
        assert_eq!(count(&host, TOKEN), 2);
    }
}

#[test]
fn header_envelope_and_paths_are_config() {
    let mut config = config();
    config["token"]["header"] = json!("X-Token");
    config["token"]["prefix"] = json!("");
    config["path"] = json!({ "one": "/v2/one" });
    config["http"] = json!({ "timeout_ms": 3000 });
    config["envelope"] = json!({
        "template": "{\"appId\":\"${client_id}\",\"ts\":${timestamp_s},\"body\":{\"data\":\"${data}\"}}",
        "headers": { "x-app": "${client_id}/${timestamp_ms}" },
    });
    let host = host(config);
    host.on("POST", &format!("{BASE}/v2/one")).reply(200, json!({ "code": 0, "msg": "成功" }));
    push(&host).unwrap();
    let sent = host.requests().pop().unwrap();
    assert_eq!(sent.header("x-token"), Some("t1"));
    assert_eq!(sent.header("authorization"), None);
    assert_eq!(sent.header("x-app"), Some("nbufe/1700000000000"));
    assert_eq!(sent.timeout_ms, Some(3000));
    assert!(sent.text().starts_with("{\"appId\":\"nbufe\",\"ts\":1700000000,\"body\":{\"data\":\""), "{}", sent.text());
}

#[test]
fn a_token_for_another_client_is_not_used() {
    let host = accepting(config());
    push(&host).unwrap();
    let mut other = config();
    other["client_id"] = json!("other");
    host.config(other);
    push(&host).unwrap();
    assert_eq!(count(&host, TOKEN), 2);
}

#[test]
fn nothing_is_logged_when_all_is_well() {
    let host = accepting(config());
    push(&host).unwrap();
    assert_eq!(host.logs(), []);
}
