//! The mapping engine: what comes out, and that everything wrong is reported at once and without values.

use duijie_sdk::mapping::{Violation, map, problems};
use serde_json::{Value, json};

use super::*;
use crate::sim;

fn mapping(value: Value) -> Mapping {
    serde_json::from_value(value).unwrap()
}

fn mapped(mapping: &Mapping, record: Value) -> Result<String, Vec<Violation>> {
    map(mapping, &record).map(|wire| serde_json::to_string(&wire).unwrap())
}

fn violations(mapping: &Mapping, record: Value) -> Vec<(String, String)> {
    mapped(mapping, record).unwrap_err()
}

fn talk() -> Value {
    json!({
        "recordId": "T1", "schoolCode": "13001", "teacherNo": "10086", "teacherName": "李老师",
        "students": [{ "studentNo": "2021001", "studentName": "张三" }],
        "talkTime": "2024-03-01 14:30:00", "content": "测试谈话内容",
    })
}

#[test]
fn members_come_out_in_the_order_of_the_mapping() {
    let text = mapped(&sim::mapping(Endpoint::One), talk()).unwrap();
    assert_eq!(
        text,
        r#"{"recordId":"T1","schoolCode":"13001","teacherNo":"10086","teacherName":"李老师","students":[{"studentNo":"2021001","studentName":"张三"}],"talkTime":"2024-03-01 14:30:00","content":"测试谈话内容"}"#
    );
}

#[test]
fn every_violation_is_listed_with_its_place_and_no_value() {
    let mut record = talk();
    record["recordId"] = json!("R".repeat(65));
    record["teacherName"] = json!("");
    record["students"] = json!([{ "studentNo": 7 }, { "studentNo": "8", "studentName": "王五" }, "李四"]);
    record["talkTime"] = json!("2024-02-30 14:30:00");
    record["content"] = json!("密".repeat(5001));
    record["attention"] = json!(3);
    record["talkPlce"] = json!("心理咨询室");
    let found = violations(&sim::mapping(Endpoint::One), record);
    let places: Vec<_> = found.iter().map(|(place, _)| place.as_str()).collect();
    assert_eq!(
        places,
        [
            "/recordId",
            "/teacherName",
            "/students/0/studentName",
            "/students/2",
            "/students/2/studentNo",
            "/students/2/studentName",
            "/students",
            "/talkTime",
            "/content",
            "/attention",
            "/talkPlce",
        ]
    );
    let told = found.iter().map(|(_, message)| message.as_str()).collect::<String>();
    assert!(
        !told.contains('密') && !told.contains("王五") && !told.contains("02-30") && !told.contains("心理"),
        "{told}"
    );
}

#[test]
fn the_number_of_students_depends_on_the_list() {
    let students = |count: usize| {
        let mut record = talk();
        record["students"] = json!(vec![json!({ "studentNo": "1", "studentName": "甲" }); count]);
        record
    };
    let one = sim::mapping(Endpoint::One);
    let multi = sim::mapping(Endpoint::Multi);
    assert!(mapped(&one, students(1)).is_ok() && mapped(&one, students(2)).is_err());
    assert!(mapped(&multi, students(1)).is_err() && mapped(&multi, students(2)).is_ok());
    assert!(mapped(&multi, students(200)).is_ok() && mapped(&multi, students(201)).is_err());
}

#[test]
fn a_parent_is_required_where_a_parent_was_met() {
    let places: Vec<_> =
        violations(&sim::mapping(Endpoint::Patriarch), talk()).into_iter().map(|(place, _)| place).collect();
    assert_eq!(places, ["/parentName", "/parentRelation", "/parentPhone"]);
    assert_eq!(violations(&sim::mapping(Endpoint::One), json!({})).len(), 7);
}

#[test]
fn a_field_may_be_renamed_taken_from_deep_listed_dated_and_constant() {
    let mapping = mapping(json!({ "fields": [
        { "to": "id", "from": "recordId", "required": true },
        { "to": "xh", "from": "/students/0/studentNo", "required": true },
        { "to": "lx", "from": "talkType", "values": { "学业": 1, "2": "PSY", "true": false } },
        { "to": "sj", "from": "talkTime", "type": "date", "date_from": ["yyyy/MM/dd HH:mm", "yyyyMMdd"], "date_to": "yyyy-MM-dd" },
        { "to": "ly", "constant": { "from": "duijie" } },
        { "to": "n", "type": "integer" },
    ]}));
    let record = |talk_type: Value| json!({ "recordId": 12, "students": [{ "studentNo": "7" }], "talkType": talk_type, "talkTime": "2024/03/01 14:30", "n": "42" });
    let expected =
        |lx: &str| format!(r#"{{"id":"12","xh":"7","lx":{lx},"sj":"2024-03-01","ly":{{"from":"duijie"}},"n":42}}"#);
    assert_eq!(mapped(&mapping, record(json!("学业"))), Ok(expected("1")));
    assert_eq!(mapped(&mapping, record(json!(2))), Ok(expected("\"PSY\"")));
    assert_eq!(mapped(&mapping, record(json!(true))), Ok(expected("false")));
    let refused = violations(&mapping, record(json!("心理")));
    assert_eq!(refused, [("/talkType".to_owned(), "must be one of: 2, true, 学业".to_owned())]);
}

#[test]
fn null_and_absence_leave_a_field_out_and_an_empty_text_is_sent() {
    let mapping = mapping(json!({ "fields": [{ "to": "a" }, { "to": "b" }, { "to": "c" }] }));
    assert_eq!(mapped(&mapping, json!({ "a": null, "b": "" })), Ok(r#"{"b":""}"#.to_owned()));
}

#[test]
fn types_are_held_and_only_lossless_conversions_made() {
    let typed = |kind: &str| mapping(json!({ "fields": [{ "to": "x", "type": kind }] }));
    let convert = |kind: &str, value: Value| mapped(&typed(kind), json!({ "x": value })).ok();
    assert_eq!(convert("string", json!(5)), Some(r#"{"x":"5"}"#.to_owned()));
    assert_eq!(convert("string", json!(5.5)), None);
    assert_eq!(convert("string", json!(true)), None);
    assert_eq!(convert("integer", json!("5x")), None);
    assert_eq!(convert("integer", json!(5.5)), None);
    assert_eq!(convert("number", json!(5.5)), Some(r#"{"x":5.5}"#.to_owned()));
    assert_eq!(convert("number", json!("5.5")), None);
    assert_eq!(convert("boolean", json!("true")), None);
    assert_eq!(convert("object", json!([])), None);
    assert_eq!(convert("list", json!({})), None);
    assert_eq!(convert("list", json!(["a", 1])), Some(r#"{"x":["a",1]}"#.to_owned()));
    assert_eq!(convert("any", json!({ "a": [1] })), Some(r#"{"x":{"a":[1]}}"#.to_owned()));
}

#[test]
fn lengths_are_counted_in_characters() {
    let mapping = mapping(json!({ "fields": [{ "to": "x", "min_length": 2, "max_length": 3 }] }));
    assert!(mapped(&mapping, json!({ "x": "谈心谈" })).is_ok());
    assert_eq!(
        violations(&mapping, json!({ "x": "谈心谈话" })),
        [("/x".to_owned(), "has 4 characters, more than 3".to_owned())]
    );
    assert_eq!(
        violations(&mapping, json!({ "x": "谈" })),
        [("/x".to_owned(), "has 1 characters, fewer than 2".to_owned())]
    );
}

#[test]
fn members_without_a_field_are_refused_dropped_or_passed_as_said() {
    let said = |unknown: &str| mapping(json!({ "fields": [{ "to": "a", "from": "/x~1y/z" }], "unknown": unknown }));
    let record = json!({ "x/y": { "z": "1", "w": "2" }, "b": { "c": 1 } });
    assert_eq!(
        violations(&said("refuse"), record.clone()),
        [("/b".to_owned(), "is not a field of this list".to_owned())]
    );
    assert_eq!(mapped(&said("drop"), record.clone()), Ok(r#"{"a":"1"}"#.to_owned()));
    assert_eq!(mapped(&said("pass"), record), Ok(r#"{"a":"1","b":{"c":1}}"#.to_owned()));
    let clash = violations(&said("pass"), json!({ "x/y": { "z": "1" }, "a": 2 }));
    assert_eq!(clash[0].0, "/a");
}

#[test]
fn a_mapping_that_cannot_work_is_found_before_the_first_record() {
    let broken = mapping(json!({ "fields": [
        { "to": "a", "from": "id" },
        { "to": "a", "from": "b" },
        { "to": "", "from": "c" },
        { "to": "d", "constant": 1, "from": "d" },
        { "to": "e", "fields": [{ "to": "f" }] },
        { "to": "g", "min_length": 3, "max_length": 2 },
        { "to": "h", "date_to": "yyyy" },
        { "to": "i", "type": "date", "date_to": "MM-dd" },
        { "to": "j", "type": "list", "fields": [{ "to": "" }] },
    ]}));
    let places: Vec<_> = problems(&broken).into_iter().map(|(place, _)| place).collect();
    assert_eq!(
        places,
        [
            "/fields/1",
            "/fields/2",
            "/fields/3",
            "/fields/4",
            "/fields/5",
            "/fields/6",
            "/fields/7",
            "/fields/8/fields/0"
        ]
    );
    assert!(broken.sends("id") && !broken.sends("recordId"));
    assert_eq!(problems(&mapping(json!({ "fields": [] }))).len(), 1);
    for endpoint in [Endpoint::One, Endpoint::Multi, Endpoint::Patriarch] {
        assert_eq!(problems(&sim::mapping(endpoint)), []);
    }
}
