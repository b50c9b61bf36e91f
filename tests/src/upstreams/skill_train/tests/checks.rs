//! Real names, faces and popups.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::super::super::testing::{call, post};
use super::super::identity::is_identity_number;
use super::super::{FaceCheck, codes, identity_number};
use super::academy::{Academy, code, learner, platform, with};

const FACE_CONFIG: &str = "/api/v1/getFaceCompareConfig";
const FACE_COMPARE: &str = "/api/v1/thirdFaceCompare";
const POPUP_GET: &str = "/api/v1/getVerificationCode";
const POPUP_SUBMIT: &str = "/api/v1/submitVerificationCode";

fn photo(bytes: usize) -> String {
    STANDARD.encode(vec![7_u8; bytes])
}

async fn face_code(academy: &Academy) -> Value {
    academy.data(FACE_CONFIG, &learner("a", json!({}))).await["bizCode"].clone()
}

fn compare(biz_code: Value, target: &str) -> Value {
    learner("a", json!({"compareMode": "0", "target": target, "videoStudyTime": 20, "bizCode": biz_code}))
}

#[test]
fn synthetic_identity_numbers_are_valid_and_all_different() {
    let numbers: std::collections::BTreeSet<String> = (0..1000).map(identity_number).collect();
    assert_eq!(numbers.len(), 1000);
    assert!(numbers.iter().all(|number| number.starts_with("999999") && is_identity_number(number)));
    for number in ["999999199001010016", "99999920000101002X", "999999198506150036"] {
        assert!(is_identity_number(number), "{number}");
    }
    for number in ["999999199001010017", "999999200312110041", "99999920000101002x", "432136236256", "", "甄测生"] {
        assert!(!is_identity_number(number), "{number}");
    }
}

#[tokio::test]
async fn a_real_name_is_verified_until_told_otherwise() {
    let academy = Academy::strict().await;
    let data = json!({"studyPlatformCode": platform(), "cardNo": "999999199001010016", "name": "甄测生"});
    assert_eq!(academy.code("/api/v1/authentication", &data).await, "0");
    let asked = r#"{"cardNo":"999999199001010016","verified":false}"#;
    post(academy.address(), "POST", "/_sim/real-name", &[], asked).await.expect("an answer");
    assert_eq!(academy.code("/api/v1/authentication", &data).await, codes::REAL_NAME);
    academy.profile().set_real_name("999999199001010016", true);
    assert_eq!(academy.code("/api/v1/authentication", &data).await, "0");
    let short = with(&data, "cardNo", "432136236256".into());
    assert_eq!(academy.code("/api/v1/authentication", &short).await, codes::FIELD_FORMAT);
}

#[tokio::test]
async fn a_face_that_matches_uses_its_code_up_and_one_that_does_not_may_try_again() {
    let academy = Academy::strict().await;
    let biz_code = face_code(&academy).await;
    academy.profile().set_face_matches(false);
    let data = compare(biz_code, &photo(1000));
    assert_eq!(academy.data(FACE_COMPARE, &data).await["result"], 2);
    academy.profile().set_face_matches(true);
    assert_eq!(academy.data(FACE_COMPARE, &data).await, json!({"msg": "人脸比对通过！", "result": 1}));
    assert_eq!(academy.code(FACE_COMPARE, &data).await, codes::BIZ_CODE);
    let checks = academy.profile().face_checks();
    assert_eq!(checks.iter().map(|check| check.matched).collect::<Vec<_>>(), [false, true]);
    assert!(matches!(checks[0], FaceCheck { photo_bytes: Some(1000), video_study_time_s: 20, .. }), "{checks:?}");
    let listed = call(academy.address(), "GET", "/_sim/faces").await.json();
    assert_eq!(listed[1]["studentUserCode"], code("a"));
    assert!(!listed.to_string().contains(&photo(12)), "no photo");
}

#[tokio::test]
async fn a_photo_may_have_two_million_bytes_and_no_more() {
    let academy = Academy::strict().await;
    let biz_code = face_code(&academy).await;
    assert_eq!(photo(2_000_000).len(), 2_666_668);
    assert_eq!(academy.code(FACE_COMPARE, &compare(biz_code.clone(), &photo(2_000_001))).await, codes::PHOTO_SIZE);
    assert_eq!(academy.code(FACE_COMPARE, &compare(biz_code, &photo(2_000_000))).await, "0");
    assert_eq!(academy.profile().face_checks()[0].photo_bytes, Some(2_000_000));
}

#[tokio::test]
async fn targets_are_checked_by_their_compare_mode() {
    let academy = Academy::strict().await;
    let url = "http://img.example.com/f0.jpg";
    let lines = format!("{}\n{}", photo(30), photo(30));
    let photo = photo(30);
    for (mode, target, expected) in [
        ("0", photo.as_str(), "0"),
        ("0", url, codes::PHOTO_BASE64),
        ("0", lines.as_str(), codes::PHOTO_BASE64),
        ("0", "data:image/jpeg;base64,AAAA", codes::PHOTO_BASE64),
        ("1", url, "0"),
        ("1", photo.as_str(), codes::FIELD_FORMAT),
        ("2", url, "0"),
        ("2", photo.as_str(), "0"),
        ("3", photo.as_str(), codes::FIELD_ENUM),
    ] {
        let data = with(&compare(face_code(&academy).await, target), "compareMode", mode.into());
        assert_eq!(academy.code(FACE_COMPARE, &data).await, expected, "{mode} {target}");
    }
}

#[tokio::test]
async fn a_face_code_belongs_to_its_learner_ends_in_time_and_is_never_guessed() {
    let academy = Academy::strict().await;
    let config = academy.data(FACE_CONFIG, &learner("a", json!({}))).await;
    assert_eq!(config["expiresTime"], "5");
    let data = compare(config["bizCode"].clone(), &photo(10));
    let late = academy.send_with(FACE_COMPARE, &data, &[("x-sim-fault", "clock-skew=310")]).await.json();
    assert_eq!(late["returnCode"], codes::TIMESTAMP, "the request's own time goes first");
    let fresh = super::academy::headers("userToken", &academy.token);
    let seconds: u64 = fresh["timestamp"].as_str().and_then(|text| text.parse().ok()).expect("seconds");
    let headers = with(&fresh, "timestamp", (seconds + 310).to_string().into());
    let body = json!({"headers": headers, "data": data}).to_string();
    let late = academy.send_body(FACE_COMPARE, &body, &[("x-sim-fault", "clock-skew=310")]).await.json();
    assert_eq!(late["returnCode"], codes::BIZ_CODE_LATE);
    let other = with(&data, "studentUserCode", code("b").into());
    assert_eq!(academy.code(FACE_COMPARE, &other).await, codes::BIZ_CODE);
    assert_eq!(academy.code(FACE_COMPARE, &compare(code("guess").into(), &photo(10))).await, codes::BIZ_CODE);
    assert_eq!(academy.code(FACE_COMPARE, &with(&data, "bizCode", json!(null))).await, codes::FIELD_MISSING);
    let string = with(&data, "videoStudyTime", "20".into());
    assert_eq!(academy.code(FACE_COMPARE, &string).await, codes::FIELD_TYPE);
}

#[tokio::test]
async fn a_learner_who_is_not_on_line_is_return_code_1() {
    let academy = Academy::strict().await;
    post(academy.address(), "POST", "/_sim/face", &[], r#"{"online":false}"#).await.expect("an answer");
    let reply = academy.send(FACE_CONFIG, &learner("a", json!({}))).await.json();
    assert_eq!(reply, json!({"returnCode": "1", "returnMsg": "不在线"}));
    academy.profile().set_online(true);
    assert_eq!(academy.code(FACE_CONFIG, &learner("a", json!({}))).await, "0");
}

#[tokio::test]
async fn the_digits_of_a_popup_are_asked_for_and_good_once() {
    let academy = Academy::strict().await;
    let popup = academy.data(POPUP_GET, &learner("a", json!({}))).await;
    let digits = popup["verificationCode"].as_str().expect("digits");
    assert!(digits.len() == 4 && popup["expiresTime"] == "5", "{popup}");
    let wrong = if digits == "0000" { "0001" } else { "0000" };
    let submit = |digits: &str| {
        json!({"studyPlatformCode": platform(), "bizCode": popup["bizCode"], "verificationCode": digits,
            "videoStudyTime": 20})
    };
    assert_eq!(academy.code(POPUP_SUBMIT, &submit(wrong)).await, codes::VERIFICATION_CODE);
    assert_eq!(academy.code(POPUP_SUBMIT, &submit(digits)).await, "0");
    assert_eq!(academy.code(POPUP_SUBMIT, &submit(digits)).await, codes::BIZ_CODE);
    let of_a_face = with(&submit(digits), "bizCode", face_code(&academy).await);
    assert_eq!(academy.code(POPUP_SUBMIT, &of_a_face).await, codes::BIZ_CODE);
}
