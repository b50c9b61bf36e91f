//! The strict validator: what it takes, and one code for every rule that is broken.

use serde_json::{Value, json};

use super::super::{Endpoint, ZjGxsz, codes, record};
use super::college::College;
use crate::fixtures;

fn validate(endpoint: Endpoint, record: &Value) -> u32 {
    let fields = record.as_object().expect("an object");
    record::validate(endpoint, fields, false).map_or_else(|refusal| refusal.code, |_| 0)
}

/// A valid record with one field replaced.
fn with(mut record: Value, name: &str, value: Value) -> Value {
    record[name] = value;
    record
}

fn without(mut record: Value, name: &str) -> Value {
    record.as_object_mut().expect("an object").remove(name);
    record
}

#[test]
fn every_fixture_is_valid_and_has_no_unknown_field() {
    let check = |endpoint, record: &Value| {
        record::validate(endpoint, record.as_object().expect("an object"), true).map(str::to_owned)
    };
    for (operation, record) in fixtures::mixed(300) {
        let all = [Endpoint::One, Endpoint::Multi, Endpoint::Patriarch];
        let endpoint = all.into_iter().find(|endpoint| endpoint.operation() == operation).expect("an operation");
        assert_eq!(check(endpoint, &record).as_deref(), Ok(record["recordId"].as_str().expect("an id")));
    }
    for record in [fixtures::talk_longest(1), fixtures::talk_shortest(1), fixtures::revise(&fixtures::talk_one(1), 2)] {
        assert!(check(Endpoint::One, &record).is_ok());
    }
    for students in [2, fixtures::STUDENTS] {
        assert!(check(Endpoint::Multi, &fixtures::talk_multi(5, students)).is_ok());
    }
}

#[tokio::test]
async fn hard_texts_arrive_byte_for_byte() {
    let college = College::strict().await;
    for n in 0..fixtures::HARD_TEXTS.len() {
        let record = fixtures::talk_one(n);
        assert_eq!(college.push(Endpoint::One, &record).await.json()["code"], 0, "{:?}", fixtures::HARD_TEXTS[n]);
        assert_eq!(college.stored(&record).plaintext, record.to_string());
    }
    let longest = fixtures::talk_longest(1);
    assert_eq!(college.push(Endpoint::One, &longest).await.json()["code"], 0);
    assert_eq!(college.stored(&longest).plaintext, longest.to_string());
}

#[test]
fn a_required_field_must_be_there_and_a_string_and_not_empty() {
    let record = fixtures::talk_one(1);
    for name in ["recordId", "schoolCode", "teacherNo", "teacherName", "talkTime", "content"] {
        assert_eq!(validate(Endpoint::One, &without(record.clone(), name)), codes::FIELD_MISSING, "{name}");
        assert_eq!(validate(Endpoint::One, &with(record.clone(), name, json!(null))), codes::FIELD_MISSING, "{name}");
        assert_eq!(validate(Endpoint::One, &with(record.clone(), name, json!(1))), codes::FIELD_TYPE, "{name}");
        assert_eq!(validate(Endpoint::One, &with(record.clone(), name, json!(""))), codes::FIELD_LENGTH, "{name}");
    }
}

#[test]
fn optional_fields_may_be_missing_but_not_of_another_type() {
    for name in ["talkPlace", "talkType", "talkTopic", "attention"] {
        assert_eq!(validate(Endpoint::One, &without(fixtures::talk_one(1), name)), 0, "{name}");
        for value in [json!(null), json!([]), json!(true)] {
            assert_eq!(validate(Endpoint::One, &with(fixtures::talk_one(1), name, value)), codes::FIELD_TYPE, "{name}");
        }
    }
}

#[test]
fn lengths_are_in_characters_and_one_more_is_too_many() {
    let record = fixtures::talk_longest(1);
    assert_eq!(validate(Endpoint::One, &record), 0);
    for name in ["content", "recordId"] {
        let longer = format!("{}x", record[name].as_str().expect("a string"));
        assert_eq!(validate(Endpoint::One, &with(record.clone(), name, longer.into())), codes::FIELD_LENGTH, "{name}");
    }
}

#[test]
fn attention_is_the_number_0_1_or_2() {
    let code = |value| validate(Endpoint::One, &with(fixtures::talk_one(1), "attention", value));
    assert_eq!([0, 1, 2].map(|level| code(json!(level))), [0; 3]);
    for value in [json!(3), json!(-1), json!(1.5)] {
        assert_eq!(code(value), codes::FIELD_ENUM);
    }
    assert_eq!(code(json!("1")), codes::FIELD_TYPE);
}

#[test]
fn talk_time_is_a_beijing_wall_clock_time_that_exists() {
    let code = |text: &str| validate(Endpoint::One, &with(fixtures::talk_one(1), "talkTime", text.into()));
    assert_eq!(code("2024-02-29 23:59:59"), 0);
    for text in [
        "2023-02-29 00:00:00",
        "2024-13-01 00:00:00",
        "2024-03-01 24:00:00",
        "2024-03-01 23:59:60",
        "2024-03-01T14:30:00",
        "2024-03-01 14:30",
        "2024-3-1 14:30:00",
        "2024/03/01 14:30:00",
        " 2024-03-01 14:30:00",
        "2024-03-01 14:30:00Z",
        "２０２４-03-01 14:30:00",
        "1709274600",
    ] {
        assert_eq!(code(text), codes::FIELD_TIME, "{text}");
    }
}

#[test]
fn the_number_of_students_depends_on_the_endpoint() {
    let code = |endpoint, count: usize| {
        let student = json!({"studentNo": "1", "studentName": "生"});
        let record = with(fixtures::talk_patriarch(1), "students", vec![student; count].into());
        validate(endpoint, &record)
    };
    for (endpoint, good, bad) in [
        (Endpoint::One, vec![1], vec![0, 2]),
        (Endpoint::Multi, vec![2, 200], vec![0, 1, 201]),
        (Endpoint::Patriarch, vec![1], vec![0, 2]),
    ] {
        assert!(good.iter().all(|count| code(endpoint, *count) == 0), "{endpoint:?}");
        assert!(bad.iter().all(|count| code(endpoint, *count) == codes::FIELD_STUDENTS), "{endpoint:?}");
    }
}

#[test]
fn each_student_is_checked_and_named_by_its_place() {
    let refusal = |students: Value| {
        let record = with(fixtures::talk_multi(1, 2), "students", students);
        record::validate(Endpoint::Multi, record.as_object().expect("an object"), false).expect_err("refused")
    };
    let good = json!({"studentNo": "1", "studentName": "生"});
    let missing = refusal(json!([good, {"studentNo": "2"}]));
    assert_eq!((missing.code, missing.message.as_str()), (codes::FIELD_MISSING, "字段 students[1].studentName 必填"));
    assert_eq!(refusal(json!([good, "2"])).code, codes::FIELD_TYPE);
    assert_eq!(refusal(json!({"0": good})).code, codes::FIELD_TYPE);
    assert_eq!(refusal(json!(null)).code, codes::FIELD_MISSING);
}

#[test]
fn parents_are_required_only_where_a_parent_was_met() {
    for name in ["parentName", "parentRelation", "parentPhone"] {
        let record = without(fixtures::talk_patriarch(1), name);
        assert_eq!(validate(Endpoint::Patriarch, &record), codes::FIELD_PARENT, "{name}");
        assert_eq!(validate(Endpoint::One, &record), 0, "{name}");
    }
}

#[tokio::test]
async fn unknown_fields_pass_unless_told_otherwise() {
    let record = with(fixtures::talk_one(1), "甄测家长甲", json!(1));
    let code = async |builder| College::of(builder).await.push(Endpoint::One, &record).await.json();
    assert_eq!(code(ZjGxsz::builder()).await["code"], 0);
    let refused = code(ZjGxsz::builder().refuse_unknown_fields()).await;
    assert_eq!(refused["code"], codes::FIELD_UNKNOWN);
    assert!(!refused.to_string().contains("甄测"), "a field's name may be a person's");
}

#[tokio::test]
async fn quirky_wants_nothing_but_the_key() {
    let college = College::of(ZjGxsz::builder().quirky()).await;
    assert_eq!(college.push(Endpoint::One, &json!({"recordId": "1", "content": 7})).await.json()["code"], "0");
    let refused = college.push(Endpoint::One, &json!({"content": "谈"})).await.json();
    assert_eq!(refused["code"], codes::FIELD_MISSING.to_string());
}

#[tokio::test]
async fn refusals_name_fields_and_never_values() {
    let college = College::strict().await;
    let values = fixtures::personal_values();
    for (name, value) in
        [("talkTime", json!("甄测生零零壹")), ("attention", json!(9)), ("content", json!(["谈心谈话样本正文"]))]
    {
        let answer = college.push(Endpoint::One, &with(fixtures::talk_one(1), name, value)).await;
        let text = String::from_utf8(answer.body.to_vec()).expect("UTF-8");
        assert!(text.contains(name) && !values.iter().any(|value| text.contains(value)), "{text}");
    }
}
