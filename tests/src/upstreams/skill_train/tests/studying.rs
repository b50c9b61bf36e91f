//! Start, progress, end; the sums; the fields of part 1.

use serde_json::{Value, json};

use super::super::super::Rule;
use super::super::super::testing::{call, post};
use super::super::{SkillTrain, codes};
use super::academy::{Academy, code, headers, learner, platform, with};

const START: &str = "/api/v1/startStudy";
const PROGRESS: &str = "/api/v1/studyHour";
const END: &str = "/api/v1/endStudy";

fn course(student: &str) -> Value {
    learner(student, json!({"courseCode": code("course"), "sectionCode": code("section")}))
}

fn progress(student: &str, play_s: u64, increment_s: u64) -> Value {
    let data = with(&course(student), "playTime", play_s.into());
    with(&data, "progressTime", increment_s.into())
}

#[tokio::test]
async fn increments_are_summed_for_each_learner_and_the_position_is_the_last() {
    let academy = Academy::strict().await;
    for (student, play_s, increment_s) in [("a", 60, 60), ("a", 120, 60), ("b", 50, 50), ("a", 100, 30)] {
        assert_eq!(academy.code(PROGRESS, &progress(student, play_s, increment_s)).await, "0");
    }
    let study = academy.profile().study(&code("a"), &code("resource")).expect("studied");
    assert_eq!((study.progress_s, study.play_s, study.reports), (150, 100, 3));
    assert_eq!(academy.profile().progress_sum(), 200);
    let listed = call(academy.address(), "GET", "/_sim/studies").await.json();
    assert_eq!((&listed["progressSum"], listed["studies"].as_array().map(Vec::len)), (&json!(200), Some(2)));
    let one = call(academy.address(), "GET", &format!("/_sim/studies/{}/{}", code("b"), code("resource"))).await;
    assert_eq!(one.json()["progressS"], 50);
}

#[tokio::test]
async fn a_report_without_a_start_is_accepted_and_counted_as_out_of_order() {
    let academy = Academy::strict().await;
    for (path, data) in [
        (PROGRESS, progress("a", 1, 1)),
        (START, course("a")),
        (PROGRESS, progress("a", 2, 1)),
        (END, learner("a", json!({}))),
        (PROGRESS, progress("a", 3, 1)),
    ] {
        assert_eq!(academy.code(path, &data).await, "0", "{path}");
    }
    let study = academy.profile().study(&code("a"), &code("resource")).expect("studied");
    assert_eq!((study.starts, study.reports, study.ends, study.out_of_order, study.open), (1, 3, 1, 2, false));
    assert_eq!(study.progress_s, 3);
}

#[tokio::test]
async fn a_simulator_told_to_refuses_what_is_out_of_order() {
    let academy = Academy::of(SkillTrain::builder().refuse_out_of_order()).await;
    assert_eq!(academy.code(PROGRESS, &progress("a", 1, 1)).await, codes::ORDER);
    assert_eq!(academy.code(END, &learner("a", json!({}))).await, codes::ORDER);
    assert_eq!(academy.code(START, &course("a")).await, "0");
    assert_eq!(academy.code(PROGRESS, &progress("a", 1, 1)).await, "0");
    assert_eq!(academy.code(END, &learner("a", json!({}))).await, "0");
    assert_eq!(academy.code(PROGRESS, &progress("a", 2, 1)).await, codes::ORDER);
    assert_eq!(academy.profile().progress_sum(), 1);
}

#[tokio::test]
async fn an_answer_reset_after_processing_was_still_counted() {
    let academy = Academy::strict().await;
    let rule = Rule::new("truncate".parse().expect("a fault")).operation("progress.report");
    academy.simulator.faults().add(rule.once());
    let body = json!({"headers": headers("userToken", &academy.token), "data": progress("a", 60, 60)});
    let content_type = [("content-type", "application/json")];
    let cut = post(academy.address(), "POST", PROGRESS, &content_type, body.to_string()).await;
    assert!(cut.is_err());
    assert_eq!(academy.profile().progress_sum(), 60);
}

#[tokio::test]
async fn every_field_of_a_report_is_checked_and_named_by_its_path() {
    let academy = Academy::strict().await;
    let careful = progress("a", 205, 50);
    for name in
        ["studyPlatformCode", "resCode", "studentUserCode", "classCode", "courseCode", "playTime", "progressTime"]
    {
        let reply = academy.send(PROGRESS, &with(&careful, name, json!(null))).await.json();
        assert_eq!(reply["returnCode"], codes::FIELD_MISSING, "{name}");
        assert_eq!(reply["returnMsg"], format!("字段 data.{name} 必填"));
    }
    for (name, value, expected) in [
        ("sectionCode", json!(null), "0"),
        ("studyPlatformCode", json!(code("other")), codes::PLATFORM),
        ("resCode", json!(code("x").to_uppercase()), codes::FIELD_FORMAT),
        ("resCode", json!("acbcf014f50741b5a6d41ef34191834"), codes::FIELD_FORMAT),
        ("sectionCode", json!("-"), codes::FIELD_FORMAT),
        ("classCode", json!(7), codes::FIELD_TYPE),
        ("playTime", json!("205"), codes::FIELD_TYPE),
        ("progressTime", json!(-1), codes::FIELD_FORMAT),
        ("progressTime", json!(1.5), codes::FIELD_FORMAT),
        ("unheardOf", json!(1), "0"),
    ] {
        assert_eq!(academy.code(PROGRESS, &with(&careful, name, value.clone())).await, expected, "{name} {value}");
    }
    let picky = Academy::of(SkillTrain::builder().refuse_unknown_fields()).await;
    assert_eq!(picky.code(PROGRESS, &with(&careful, "unheardOf", json!(1))).await, codes::FIELD_UNKNOWN);
    assert_eq!(picky.code(PROGRESS, &careful).await, "0");
}

#[tokio::test]
async fn a_recording_and_a_photo_are_kept_by_their_keys() {
    let academy = Academy::strict().await;
    let record = with(&course("a"), "recordVideoUrl", "http://vod.example.com/a.mp4".into());
    assert_eq!(academy.code("/api/v1/submitRecordVideoUrl", &record).await, "0");
    assert_eq!(academy.code("/api/v1/submitRecordVideoUrl", &record).await, "0");
    let key = format!("{}/{}", code("a"), code("resource"));
    assert_eq!(academy.profile().pushed("record.submit", &key).map(|pushed| pushed.times), Some(2));
    let read = call(academy.address(), "GET", &format!("/_sim/pushed/record.submit/{key}")).await;
    assert_eq!(read.json(), record);
    let relative = with(&record, "recordVideoUrl", "a.mp4".into());
    assert_eq!(academy.code("/api/v1/submitRecordVideoUrl", &relative).await, codes::FIELD_FORMAT);

    let photo = json!({"studyPlatformCode": platform(), "cardNo": "999999199001010016",
        "ercunPhotoUrl": "http://img.example.com/f0.jpg"});
    assert_eq!(academy.code("/api/v1/updateErcunPhotosUrl", &photo).await, "0");
    let plural = json!({"studyPlatformCode": photo["studyPlatformCode"], "cardNo": photo["cardNo"],
        "ercunPhotos": photo["ercunPhotoUrl"]});
    assert_eq!(academy.code("/api/v1/updateErcunPhotosUrl", &plural).await, codes::FIELD_MISSING);
    assert_eq!(academy.profile().pushed("photo.update", "999999199001010016").map(|pushed| pushed.record), Some(photo));
    let counters = academy.simulator.counters();
    assert_eq!((counters.records_accepted, counters.overwrites, counters.records_rejected), (3, 1, 2));
}

#[tokio::test]
async fn journal_and_lists_hold_no_key_and_no_contents() {
    let academy = Academy::strict().await;
    let photo = json!({"studyPlatformCode": platform(), "cardNo": "999999199001010016",
        "ercunPhotoUrl": "http://img.example.com/f0.jpg"});
    academy.send("/api/v1/updateErcunPhotosUrl", &photo).await;
    for path in ["/_sim/journal", "/_sim/pushed", "/_sim/counters"] {
        let text = call(academy.address(), "GET", path).await.json().to_string();
        assert!(!text.contains("999999199001010016") && !text.contains("img.example.com"), "{text}");
    }
    let journal = academy.simulator.journal();
    assert_eq!(journal.last().and_then(|entry| entry.key_hash.as_ref()).map(String::len), Some(16));
}

#[tokio::test]
async fn reset_forgets_what_was_received_and_every_token() {
    let academy = Academy::strict().await;
    academy.profile().set_online(false);
    assert_eq!(academy.code(PROGRESS, &progress("a", 60, 60)).await, "0");
    academy.simulator.reset();
    assert_eq!((academy.profile().progress_sum(), academy.profile().studies()), (0, Vec::new()));
    assert_eq!(academy.code(PROGRESS, &progress("a", 60, 60)).await, codes::TOKEN);
    let again =
        Academy { token: academy.login().await["returnData"]["acceptToken"].as_str().unwrap().into(), ..academy };
    assert_eq!(again.code("/api/v1/getFaceCompareConfig", &learner("a", json!({}))).await, "0");
}
