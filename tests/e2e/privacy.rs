//! What a record says of persons is in no line of any log, at the most talkative level, whatever goes wrong: not in the
//! lines, not in metrics, not in problems, not in any file the host writes.

use std::collections::HashMap;

use duijie_tests::{
    fixtures::{self, HARD_TEXTS},
    harness::Stopped,
    upstreams::{Rule, ZjGxsz},
};
use serde_json::{Value, json};

use crate::support::{College, Docked, LINK, SECRET_ENV, hostile_link, in_wire_order, parse, setup};

/// A docked host that writes all it can.
async fn talkative() -> Docked {
    let sim = ZjGxsz::builder().start().await.unwrap();
    let setup = setup()
        .settings("[log]\nlevel = \"trace\"\n")
        .guest("hostile")
        .link("zj/nbufe", &College::at(&sim.url()).tables("[config.http]\ntimeout_ms = 1000").toml())
        .link("h/one", &hostile_link(&[&sim.url()], ""));
    let host = setup.start().await;
    host.until("both links to serve", |all| all.all_serving()).await;
    Docked { host, sim }
}

/// Everything that a host has written, to streams and to files.
pub(crate) fn everything(stopped: &Stopped, root: &std::path::Path) -> Vec<u8> {
    let mut all = stopped.written().into_bytes();
    let mut folders = vec![root.join("state")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            // The shared compile cache is a link; it holds code.
            match entry.file_type().unwrap() {
                kind if kind.is_dir() => folders.push(entry.path()),
                kind if kind.is_file() => all.extend(std::fs::read(entry.path()).unwrap()),
                _ => {}
            }
        }
    }
    all
}

/// None of these values occurs, however it is spelt.
pub(crate) fn assert_silent(written: &[u8], values: &[String]) {
    // One pass for all of them: what is written may be megabytes, and the values are hundreds.
    let mut by_start: HashMap<[u8; 2], Vec<(Vec<u8>, &String)>> = HashMap::new();
    for value in values {
        for spelling in spellings(value) {
            by_start.entry([spelling[0], spelling[1]]).or_default().push((spelling, value));
        }
    }
    let mut begins = vec![false; 1 << 16];
    for start in by_start.keys() {
        begins[usize::from(u16::from_be_bytes(*start))] = true;
    }
    for (at, two) in written.windows(2).enumerate() {
        if !begins[usize::from(two[0]) << 8 | usize::from(two[1])] {
            continue;
        }
        for (spelling, value) in &by_start[two] {
            if written[at..].starts_with(spelling) {
                let around = &written[at.saturating_sub(300)..(at + 300).min(written.len())];
                panic!("{value:?} was written: …{}…", String::from_utf8_lossy(around));
            }
        }
    }
}

/// A value as it may be written: as it is, in JSON, and escaped in two ways.
fn spellings(value: &str) -> [Vec<u8>; 4] {
    let json = Value::from(value).to_string();
    let escaped: String = value.chars().map(|c| c.escape_default().to_string()).collect();
    let unicode: String = value.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
    [value.as_bytes().to_vec(), json.trim_matches('"').as_bytes().to_vec(), escaped.into_bytes(), unicode.into_bytes()]
}

#[test]
fn the_search_finds_a_value_in_every_spelling() {
    let value = ["甄测生零零壹".to_owned()];
    let spellings =
        ["甄测生零零壹", r"\u7504\u6d4b\u751f\u96f6\u96f6\u58f9", r"\u{7504}\u{6d4b}\u{751f}\u{96f6}\u{96f6}\u{58f9}"];
    for spelling in spellings {
        let line = format!("{{\"message\":\"about {spelling}.\"}}");
        assert!(std::panic::catch_unwind(|| assert_silent(line.as_bytes(), &value)).is_err(), "{spelling}");
    }
    assert_silent(b"nothing of it", &value);
}

/// The fixtures' values, and the hard texts, which some of them have as content.
fn personal() -> Vec<String> {
    let mut values = fixtures::personal_values();
    let telling = HARD_TEXTS.iter().filter(|(_, text)| text.chars().count() >= 6);
    values.extend(telling.map(|(_, text)| text.to_string()));
    values
}

#[tokio::test(flavor = "multi_thread")]
async fn no_value_of_a_record_is_written_when_all_goes_well() {
    let docked = talkative().await;
    for (operation, record) in fixtures::mixed(60) {
        docked.push(operation, &record).await.expect(200);
    }
    let input = json!({ "endpoint": "patriarch", "record": fixtures::talk_patriarch(1) });
    docked.host.call(LINK, "record.check", &input).await.expect(200);
    docked.push("record.push-multi", &fixtures::talk_multi(0, fixtures::STUDENTS)).await.expect(200);
    let metrics = docked.host.admin(http::Method::GET, "/metrics").send().await.text();
    let root = docked.host.setup().root().to_owned();
    let stopped = docked.host.terminate().await;
    assert!(
        stopped.log.text().contains("\"TRACE\"") || stopped.log.text().contains("\"DEBUG\""),
        "the log was talkative"
    );
    let mut written = everything(&stopped, &root);
    written.extend(metrics.into_bytes());
    assert_silent(&written, &personal());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_value_of_a_record_is_written_when_the_upstream_fails() {
    let docked = talkative().await;
    let mut answers = String::new();
    let record = fixtures::talk_patriarch(4);
    let name = record["students"][0]["studentName"].as_str().unwrap().to_owned();
    let faults = [
        format!("code=50018,学生 {name} 的家长 {} 不存在", record["parentName"].as_str().unwrap()),
        "status=503".to_owned(),
        "status=401".to_owned(),
        "status=429,5".to_owned(),
        "html".to_owned(),
        "echo".to_owned(),
        "reset-before".to_owned(),
        "reset-after".to_owned(),
        "reset-mid".to_owned(),
        "truncate".to_owned(),
        "garbage".to_owned(),
        "missing-comma".to_owned(),
        "hang".to_owned(),
        "huge-body=3000000".to_owned(),
        "redirect=http://127.0.0.1:9/".to_owned(),
    ];
    for fault in &faults {
        docked.sim.faults().clear();
        docked.fault("record.push-patriarch", fault);
        let answer = docked.push("record.push-patriarch", &record).await;
        assert!(answer.status >= 400, "{fault}");
        answers.push_str(&answer.text());
    }
    let root = docked.host.setup().root().to_owned();
    let stopped = docked.host.terminate().await;
    let mut written = everything(&stopped, &root);
    written.extend(answers.into_bytes());
    assert_silent(&written, &personal());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_value_of_a_record_is_written_when_the_record_is_bad() {
    let docked = talkative().await;
    let record = fixtures::talk_one(5);
    let mut wrong_types = record.clone();
    for member in ["content", "teacherName", "talkPlace", "talkTopic"] {
        wrong_types[member] = json!([record[member]]);
    }
    let mut too_long = record.clone();
    too_long["content"] = record["content"].as_str().unwrap().repeat(300).into();
    too_long["talkTime"] = record["teacherName"].clone();
    let text = in_wire_order(&record);
    let bodies =
        [wrong_types.to_string(), too_long.to_string(), text[..text.len() - 1].to_owned(), format!("{text}{text}")];
    let mut answers = String::new();
    for body in bodies {
        let answer = docked.host.call_request(LINK, "record.push-one", body).send().await;
        assert!((400..500).contains(&answer.status), "{}", answer.text());
        answers.push_str(&answer.text());
    }
    // Where links and operations are expected, too.
    let person = record["teacherNo"].as_str().unwrap();
    let path = format!("/v1/links/{person}/operations/{person}");
    docked.host.api(http::Method::POST, &path).key(docked.host.key("campus")).json("{}").send().await.expect(404);
    docked.host.api(http::Method::GET, &format!("/{person}?name={person}")).send().await.expect(404);
    let root = docked.host.setup().root().to_owned();
    let stopped = docked.host.terminate().await;
    assert_silent(&everything(&stopped, &root), &personal());
    assert_silent(answers.as_bytes(), &personal());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_careless_connector_cannot_write_what_its_manifest_calls_personal() {
    let docked = talkative().await;
    docked.sim.faults().add(Rule::new(parse("echo")));
    let names = ["甄测生零零贰", "Zhēn Cè·Jiāzhǎng", "甄 测 生", "XS99990002"];
    for name in names {
        for operation in ["log.personal", "panic.personal", "print.personal"] {
            let answer = docked.host.call("h.one", operation, &json!({ "name": name })).await;
            assert!(!answer.text().contains(name), "{operation}: {}", answer.text());
        }
    }
    let root = docked.host.setup().root().to_owned();
    let stopped = docked.host.terminate().await;
    assert_silent(&everything(&stopped, &root), &names.map(str::to_owned));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_secret_and_the_keys_are_written_nowhere() {
    let docked = talkative().await;
    docked.push("record.push-one", &fixtures::talk_one(1)).await.expect(200);
    let secret = docked.host.setup().run(&["link", "explain", LINK]).expect_code(0).stdout;
    assert!(secret.contains(SECRET_ENV) && !secret.contains("ASNFZ4mrze"), "{secret}");
    let key = docked.host.key("campus").to_owned();
    let root = docked.host.setup().root().to_owned();
    let stopped = docked.host.terminate().await;
    let written = everything(&stopped, &root);
    let values = ["ASNFZ4mrze/+3LqYdlQyEA==", "0123456789abcdeffedcba9876543210", &key].map(str::to_owned);
    assert_silent(&written, &values);
}
