//! Quirky mode: what it takes, and how it answers.

use serde_json::{Value, json};

use super::super::envelope::without_trailing_commas;
use super::super::{SkillTrain, codes};
use super::academy::{Academy, code, learner};

/// The document's own examples of `data`, without `compareMode` (its example holds a code) and with identity numbers as
/// short as they are printed.
fn examples() -> Vec<(&'static str, Value)> {
    let c = "08d924a98b244f368d8b1360dd16ce09";
    let r = "096924a98b244f368d8b1360dd16ce09";
    let s = "05a924a98b244f368d8b1360dd16ce09";
    let course = json!({"studyPlatformCode": c, "resCode": r, "sectionCode": s, "classCode": s, "courseCode": s,
        "studentUserCode": s});
    let with = |more: Value| {
        let mut data = course.clone();
        data.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        data
    };
    vec![
        ("/api/v1/authentication", json!({"studyPlatformCode": c, "cardNo": "432136236256", "name": "甄测生"})),
        ("/api/%20startStudy", course.clone()),
        (
            "/api/v1/endStudy",
            json!({"studyPlatformCode": "acbcf014f50741b5a6d41ef34191834", "studentUserCode": s,
            "classCode": s, "resCode": r}),
        ),
        ("/api/v1/getFaceCompareConfig", course.clone()),
        ("/api/v1thirdFaceCompare", with(json!({"compareMode": "0", "target": s, "videoStudyTime": "20"}))),
        ("/api/v1/getVerificationCode", course.clone()),
        ("/api/v1/submitRecordVideoUrl", with(json!({"recordVideoUrl": "http://ddd.mp4"}))),
        ("/api/v1/studyHour", with(json!({"playTime": 205, "progressTime": 50}))),
        (
            "/api/v1/updateErcunPhotosUrl",
            json!({"studyPlatformCode": c, "cardNo": "435865256825656",
            "ercunPhotoUrl": "http://www.example.com/test/14798765.jpg"}),
        ),
    ]
}

#[tokio::test]
async fn quirky_takes_the_documents_own_examples() {
    let academy = Academy::of(SkillTrain::builder().quirky()).await;
    let headers = json!({"deviceType": "TYPE_PC", "timestamp": "1587107195", "deviceId": "127.0.0.1",
        "userToken": academy.token});
    for (path, data) in examples() {
        let body = json!({"headers": headers, "data": data}).to_string();
        let reply = academy.send_body(path, &body, &[]).await.json();
        assert_eq!(reply["returnCode"], 0, "{path} {reply}");
    }
    assert!(academy.profile().face_checks()[0].without_biz_code);
}

#[tokio::test]
async fn quirky_takes_other_spellings_numbers_for_strings_and_bad_commas() {
    let academy = Academy::of(SkillTrain::builder().quirky()).await;
    let body = format!(
        "\u{feff}{{\"headers\":{{\"deviceType\":\"TYPE_H5\",\"timestamp\":1587107195000,\"deviceId\":\"x\",\
        \"user_token\":\"{}\",}},\"data\":{{\"studyPlatformCode\":\"c\",\"resCode\":\"r\",\"student UserCode\":\"s\",\
        \"sectionCode\":\"\",\"classCode\":5,\"courseCode\":\"c\",\"playTime\":\"205\",\"progressTime\":\"50\" , }},}}",
        academy.token
    );
    let headers = [("content-type", "text/plain")];
    let reply =
        super::super::super::testing::post(academy.address(), "POST", "/api/v1/studyHour", &headers, body).await;
    assert_eq!(reply.expect("an answer").json()["returnCode"], 0);
    assert_eq!(academy.profile().study("s", "r").map(|study| study.progress_s), Some(50));
}

#[tokio::test]
async fn quirky_names_the_token_otherwise_each_time_and_swaps_numbers_and_strings() {
    let academy = Academy::of(SkillTrain::builder().quirky()).await;
    let logins = [academy.login().await, academy.login().await, academy.login().await];
    for (login, member) in logins.iter().zip(["userToken", "token", "accessToken"]) {
        assert!(login["returnData"][member].is_string(), "{login}");
        assert_eq!(login["returnCode"], 0);
    }
    let answer = academy.send("/api/v1/getFaceCompareConfig", &learner("a", json!({}))).await;
    assert_eq!(answer.header("content-type"), "text/html;charset=UTF-8");
    let reply = answer.json();
    assert_eq!(reply["returnData"]["expiresTime"], 5);
    let compare = learner(
        "a",
        json!({"compareMode": 0, "target": "data:image/jpeg;base64,QUJD\nRA",
        "videoStudyTime": 20, "bizCode": reply["returnData"]["bizCode"]}),
    );
    let compared = academy.send("/api/v1/thirdFaceCompare", &compare).await.json();
    assert_eq!(compared["returnData"]["result"], "1", "{compared}");
    assert_eq!(academy.profile().face_checks()[0].photo_bytes, Some(4));
    let ended = academy.send("/api/v1/endStudy", &learner("a", json!({}))).await.json();
    assert_eq!(ended, json!({"returnCode": 0, "returnMsg": "success", "returnData": null}));
}

#[tokio::test]
async fn quirky_refuses_with_a_status_and_the_same_body() {
    let academy = Academy::of(SkillTrain::builder().quirky()).await;
    let refused = academy.send("/api/v1/endStudy", &json!({})).await;
    let code: u32 = codes::FIELD_MISSING.parse().expect("a number");
    assert_eq!((refused.status, &refused.json()["returnCode"]), (400, &json!(code)));
    academy.simulator.revoke_tokens();
    let refused = academy.send("/api/v1/endStudy", &learner("a", json!({}))).await;
    assert_eq!((refused.status, &refused.json()["returnMsg"]), (401, &json!("token失效")));
}

#[tokio::test]
async fn quirky_study_records_have_a_comma_too_many_unless_told() {
    let path = "/api/class/v1/classStudentStudy";
    let report = learner("a", json!({"courseCode": code("course"), "playTime": 205, "progressTime": 50}));
    let asked = json!({"classCode": code("class")});
    for (builder, parses) in [
        (SkillTrain::builder().quirky(), false),
        (SkillTrain::builder().quirky().well_formed(), true),
        (SkillTrain::builder().quirky(), false),
    ] {
        let academy = Academy::of(builder).await;
        academy.send("/api/v1/studyHour", &report).await;
        let body = academy.send(path, &asked).await.body;
        let text = String::from_utf8(body.to_vec()).expect("UTF-8");
        assert_eq!(serde_json::from_str::<Value>(&text).is_ok(), parses, "{text}");
        let reply: Value = serde_json::from_str(&without_trailing_commas(&text)).expect("repaired");
        assert_eq!(reply["returnData"][0]["playTime"], 50);
    }
}

#[test]
fn only_commas_before_a_closing_bracket_are_dropped() {
    for (text, clean) in [
        (r#"{"a":1,}"#, r#"{"a":1}"#),
        ("[1 , \n ]", "[1 ]"),
        (r#"["a,]","b\",}",]"#, r#"["a,]","b\",}"]"#),
        (r#"[1,"x"]"#, r#"[1,"x"]"#),
        ("[1,,]", "[1,]"),
        ("1,", "1,"),
    ] {
        assert_eq!(without_trailing_commas(text), clean, "{text}");
    }
}
