//! The main job: a record arrives at the upstream as it was sent, whatever is in it, and pushing it again overwrites it.

use duijie_tests::{
    fixtures::{self, HARD_TEXTS},
    upstreams::{ZjGxsz, zj_gxsz::Endpoint},
};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{Docked, LINK, docked, docked_with, in_wire_order, requests};

const KINDS: [(&str, Endpoint); 3] = [
    ("record.push-one", Endpoint::One),
    ("record.push-multi", Endpoint::Multi),
    ("record.push-patriarch", Endpoint::Patriarch),
];

async fn arrives(docked: &Docked, operation: &str, record: &Value) {
    let output = docked.push(operation, record).await.expect(200);
    assert_eq!(output["accepted"], true, "{output}");
    assert_eq!(output["recordId"], record["recordId"]);
    let stored = docked.stored(record);
    assert!(stored.plaintext == in_wire_order(record).as_bytes(), "{operation}: what is stored is not what was sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn all_three_kinds_of_records_arrive_byte_for_byte() {
    let docked = docked().await;
    let records = [fixtures::talk_one(1), fixtures::talk_multi(2, 7), fixtures::talk_patriarch(3)];
    for ((operation, endpoint), record) in KINDS.into_iter().zip(&records) {
        arrives(&docked, operation, record).await;
        assert_eq!(docked.stored(record).endpoint, endpoint);
    }
    let counters = docked.sim.counters();
    assert_eq!((counters.records_accepted, counters.tokens_issued, counters.crypto_failures), (3, 1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pushed_record_answers_what_the_upstream_said_and_when() {
    let docked = docked().await;
    let output = docked.push("record.push-one", &fixtures::talk_one(1)).await.expect(200);
    assert_eq!(output["endpoint"], "one");
    assert_eq!(output["upstream_code"], "0");
    assert_eq!(output["upstream_message"], "成功");
    assert_eq!(output["attempt"], 1);
    assert_eq!(output["overwrote"], false);
    assert!(output["submitted_at"].as_str().unwrap().ends_with("+08:00"), "{output}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_unicode_arrives_byte_for_byte() {
    let docked = docked().await;
    for (n, (what, text)) in HARD_TEXTS.into_iter().enumerate() {
        let mut record = fixtures::talk_one(n);
        for field in ["content", "teacherName", "talkPlace", "talkTopic"] {
            record[field] = text.into();
        }
        record["students"][0]["studentName"] = text.into();
        let answer = docked.push("record.push-one", &record).await;
        assert_eq!(answer.status, 200, "{what}: {}", answer.text());
        assert!(docked.stored(&record).plaintext == in_wire_order(&record).as_bytes(), "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn five_hundred_generated_records_arrive_byte_for_byte() {
    let docked = docked().await;
    let records = fixtures::mixed(500);
    for chunk in records.chunks(8) {
        let pushes = chunk.iter().map(|(operation, record)| arrives(&docked, operation, record));
        join_all(pushes).await;
    }
    assert_eq!(docked.sim.counters().records_accepted, 500);
}

#[tokio::test(flavor = "multi_thread")]
async fn records_at_the_length_limits_arrive() {
    let docked = docked().await;
    arrives(&docked, "record.push-one", &fixtures::talk_longest(1)).await;
    arrives(&docked, "record.push-one", &fixtures::talk_shortest(2)).await;
    arrives(&docked, "record.push-multi", &fixtures::talk_multi(3, 2)).await;
    arrives(&docked, "record.push-multi", &fixtures::talk_multi(4, fixtures::STUDENTS)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_over_a_length_limit_is_refused_with_its_pointer_and_not_sent() {
    let docked = docked().await;
    let long = |name: &str, value: String| {
        let mut record = fixtures::talk_one(1);
        record[name] = value.into();
        record
    };
    let mut none = fixtures::talk_one(1);
    none["students"] = json!([]);
    let over = [
        ("record.push-one", "/content", long("content", "谈".repeat(5001))),
        ("record.push-one", "/recordId", long("recordId", "r".repeat(65))),
        ("record.push-one", "/students", none),
        ("record.push-one", "/students", fixtures::talk_multi(1, 2)),
        ("record.push-multi", "/students", fixtures::talk_multi(1, 201)),
        ("record.push-multi", "/students", fixtures::talk_multi(1, 1)),
    ];
    for (operation, pointer, record) in over {
        let problem = docked.push(operation, &record).await.problem(422, "invalid-input", "not-sent");
        assert!(problem["details"].to_string().contains(pointer), "{problem}");
    }
    assert_eq!(requests(&docked.sim.counters()), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_push_of_a_record_overwrites_the_first() {
    let docked = docked().await;
    let first = fixtures::talk_one(1);
    let second = fixtures::revise(&first, 2);
    assert_eq!(docked.push("record.push-one", &first).await.expect(200)["overwrote"], false);
    assert_eq!(docked.push("record.push-one", &second).await.expect(200)["overwrote"], true);
    let stored = docked.stored(&first);
    assert_eq!(stored.versions.len(), 2);
    assert!(stored.plaintext == in_wire_order(&second).as_bytes());
    assert_eq!(docked.sim.counters().overwrites, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_fields_are_refused_unless_the_mapping_passes_or_drops_them() {
    let mapping = |unknown: &str| {
        format!(
            "[config.mapping.one]\nunknown = \"{unknown}\"\nfields = [\
            {{ to = \"recordId\", required = true }}, {{ to = \"schoolCode\" }}, {{ to = \"teacherNo\" }}, \
            {{ to = \"teacherName\" }}, {{ to = \"students\", type = \"list\" }}, {{ to = \"talkTime\" }}, \
            {{ to = \"talkPlace\" }}, {{ to = \"talkType\" }}, {{ to = \"talkTopic\" }}, {{ to = \"content\" }}, \
            {{ to = \"attention\", type = \"integer\" }}]"
        )
    };
    let mut record = fixtures::talk_one(1);
    record["zz_extra"] = json!({ "深": ["a", 1, null, true] });
    for (unknown, status) in [("refuse", 422), ("drop", 200), ("pass", 200)] {
        let docked = docked_with(ZjGxsz::builder(), |college| college.tables(&mapping(unknown))).await;
        let answer = docked.push("record.push-one", &record).await;
        assert_eq!(answer.status, status, "{unknown}: {}", answer.text());
        match unknown {
            "refuse" => {
                let problem = answer.problem(422, "invalid-input", "not-sent");
                assert!(problem["details"].to_string().contains("/zz_extra"), "{problem}");
                assert_eq!(requests(&docked.sim.counters()), 0);
            }
            "drop" => {
                let stored: Value = serde_json::from_slice(&docked.stored(&record).plaintext).unwrap();
                assert_eq!(stored.get("zz_extra"), None);
            }
            _ => {
                let stored: Value = serde_json::from_slice(&docked.stored(&record).plaintext).unwrap();
                assert_eq!(stored, record);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renamed_field_and_its_values_are_mapped_as_the_config_says() {
    let mapping = "[config.mapping.one]\nfields = [\
        { to = \"recordId\", from = \"id\", required = true }, { to = \"schoolCode\", constant = \"99999\" }, \
        { to = \"teacherNo\" }, { to = \"teacherName\", from = \"/teacher/name\" }, { to = \"students\", type = \"list\" }, \
        { to = \"talkTime\", type = \"date\", date_from = [\"yyyy/MM/dd HH:mm\"] }, \
        { to = \"talkType\", values = { urgent = \"紧急\", usual = \"日常\" } }, { to = \"content\" }]\n\
        [config.record]\nkey_field = \"id\"";
    let docked = docked_with(ZjGxsz::builder(), |college| college.tables(mapping)).await;
    let record = json!({
        "id": "OURS-1", "teacherNo": "1", "teacher": { "name": "师甲" }, "talkTime": "2024/03/01 14:30",
        "students": [{ "studentNo": "1", "studentName": "生甲" }], "talkType": "urgent", "content": "谈"
    });
    docked.push("record.push-one", &record).await.expect(200);
    let stored: Value = serde_json::from_slice(&docked.sim.profile().record("OURS-1").unwrap().plaintext).unwrap();
    let expected = json!({
        "recordId": "OURS-1", "schoolCode": "99999", "teacherNo": "1", "teacherName": "师甲",
        "students": [{ "studentNo": "1", "studentName": "生甲" }], "talkTime": "2024-03-01 14:30:00", "talkType": "紧急",
        "content": "谈"
    });
    assert_eq!(stored, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checked_record_is_mapped_and_encrypted_and_not_sent() {
    let docked = docked().await;
    let record = fixtures::talk_patriarch(1);
    let input = json!({ "endpoint": "patriarch", "record": record });
    let output = docked.host.call(LINK, "record.check", &input).await.expect(200);
    assert_eq!(output["record"], record);
    let plaintext = in_wire_order(&record).len() as u64;
    assert_eq!(output["plaintext_bytes"], plaintext);
    assert_eq!(output["ciphertext_bytes"], plaintext / 16 * 16 + 16);
    assert_eq!(requests(&docked.sim.counters()), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quirky_upstream_is_understood() {
    let docked = docked_with(ZjGxsz::builder().quirky(), |college| college).await;
    arrives(&docked, "record.push-one", &fixtures::talk_one(1)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_colleges_of_one_connector_keep_apart() {
    let sim = ZjGxsz::builder()
        .client("demo-college", duijie_tests::upstreams::zj_gxsz::DEMO_CLIENT_SECRET)
        .client("other-college", "EBESExQVFhcYGRobHB0eHw==")
        .start()
        .await
        .unwrap();
    let first = crate::support::College::at(&sim.url()).toml();
    let second = first.replace("demo-college", "other-college").replace(crate::support::SECRET_ENV, "OTHER_SECRET");
    let setup = crate::support::setup().env("OTHER_SECRET", "EBESExQVFhcYGRobHB0eHw==");
    let host = setup.link("zj/nbufe", &first).link("zj/other", &second).start().await;
    host.until("both links to serve", |all| all.link_state("zj.other") == "serving").await;
    let record = fixtures::talk_one(1);
    for (link, client) in [("zj.nbufe", "demo-college"), ("zj.other", "other-college")] {
        let output = host.call(link, "record.push-one", &record).await.expect(200);
        assert_eq!(output["overwrote"], false, "{link} remembers only its own records");
        assert!(sim.profile().record_of(client, record["recordId"].as_str().unwrap()).is_some());
    }
    assert_eq!(sim.counters().tokens_issued, 2, "a token is not shared between links");
}
