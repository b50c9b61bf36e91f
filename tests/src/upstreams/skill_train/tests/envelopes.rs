//! Login, tokens, the envelope and the paths.

use std::time::Duration;

use serde_json::{Value, json};

use super::super::super::testing::{call, post};
use super::super::{DEMO_ACCOUNT, Part2Token, SkillTrain, Spelling, codes};
use super::academy::{Academy, code, headers, learner, platform, with};

const START: &str = "/api/v1/startStudy";

fn start() -> Value {
    learner("student", json!({"courseCode": code("course")}))
}

#[tokio::test]
async fn a_login_is_answered_as_the_document_says() {
    let academy = Academy::strict().await;
    let reply = academy.login().await;
    assert_eq!((&reply["returnCode"], &reply["returnMsg"]), (&json!("0"), &json!("success")));
    let data = reply["returnData"].as_object().expect("an object");
    assert_eq!(data.keys().collect::<Vec<_>>(), ["acceptToken", "studyPlatformCode", "studyPlatformName"]);
    assert_eq!(data["studyPlatformCode"], SkillTrain::platform_code(DEMO_ACCOUNT));
}

#[tokio::test]
async fn wrong_credentials_and_a_corrected_member_name_are_refused() {
    let academy = Academy::strict().await;
    let login = async |account: &str, member: &str, password: &str| {
        academy.code("/api/v1/thlogin", &json!({member: account, "passWord": password})).await
    };
    assert_eq!(login("nobody", "studyPlatformAcount", "x").await, codes::CREDENTIALS);
    assert_eq!(login(DEMO_ACCOUNT, "studyPlatformAcount", "x").await, codes::CREDENTIALS);
    assert_eq!(login(DEMO_ACCOUNT, "studyPlatformAccount", "x").await, codes::FIELD_MISSING);
    assert_eq!(academy.simulator.counters().credential_rejections, 3);
}

#[tokio::test]
async fn the_seed_fixes_the_tokens() {
    let tokens = [
        Academy::of(SkillTrain::builder().seed(7)).await.token,
        Academy::of(SkillTrain::builder().seed(7)).await.token,
        Academy::of(SkillTrain::builder().seed(8)).await.token,
    ];
    assert!(tokens[0] == tokens[1] && tokens[0] != tokens[2], "{tokens:?}");
}

#[tokio::test]
async fn a_token_that_is_missing_revoked_or_expired_is_refused_with_a_text_that_names_it() {
    let academy = Academy::strict().await;
    assert_eq!(academy.code(START, &start()).await, "0");
    let late = academy.send_with(START, &start(), &[("x-sim-fault", "clock-skew=7201")]).await.json();
    assert_eq!(late["returnCode"], codes::TOKEN_EXPIRED, "{late}");
    academy.simulator.revoke_tokens();
    let revoked = academy.send(START, &start()).await.json();
    assert_eq!(revoked, json!({"returnCode": codes::TOKEN, "returnMsg": "token失效"}));
    let body = json!({"headers": headers("other", ""), "data": start()}).to_string();
    assert_eq!(academy.send_body(START, &body, &[]).await.json()["returnCode"], codes::TOKEN);
    assert_eq!(academy.simulator.counters().token_rejections, 3);

    let brief = Academy::of(SkillTrain::builder().token_ttl(Duration::ZERO)).await;
    assert_eq!(brief.code(START, &start()).await, codes::TOKEN_EXPIRED);
}

#[tokio::test]
async fn part_1_and_part_2_name_the_token_differently() {
    let academy = Academy::strict().await;
    let teacher = json!({"classCode": code("class")});
    for (path, data, member, expected) in [
        (START, start(), "userToken", "0"),
        (START, start(), "user_token", codes::TOKEN),
        ("/api/class/v1/classStudentStudy", teacher.clone(), "user_token", codes::CLASS),
        ("/api/class/v1/classStudentStudy", teacher, "userToken", codes::TOKEN),
    ] {
        let body = json!({"headers": headers(member, &academy.token), "data": data}).to_string();
        assert_eq!(academy.send_body(path, &body, &[]).await.json()["returnCode"], expected, "{path} {member}");
    }
}

#[tokio::test]
async fn part_2_may_want_a_token_of_its_own_or_none() {
    let path = "/api/class/v1/classStudentStudy";
    for (wanted, sent, expected) in [
        (Part2Token::Static("business-token".to_owned()), "business-token", codes::CLASS),
        (Part2Token::Static("business-token".to_owned()), "other", codes::TOKEN),
        (Part2Token::Unchecked, "", codes::CLASS),
    ] {
        let academy = Academy::of(SkillTrain::builder().part2_token(wanted)).await;
        let data = json!({"classCode": code("class")});
        let body = json!({"headers": headers("user_token", sent), "data": data}).to_string();
        assert_eq!(academy.send_body(path, &body, &[]).await.json()["returnCode"], expected, "{sent}");
    }
}

#[tokio::test]
async fn strict_refuses_careless_envelopes_each_with_its_own_code() {
    let academy = Academy::strict().await;
    let careful = headers("userToken", &academy.token);
    for (headers, data, expected) in [
        (json!(null), start(), codes::BODY),
        (careful.clone(), json!(null), codes::BODY),
        (with(&careful, "deviceType", "PC".into()), start(), codes::HEADERS),
        (with(&careful, "deviceId", "".into()), start(), codes::HEADERS),
        (with(&careful, "deviceId", json!(null)), start(), codes::HEADERS),
        (with(&careful, "timestamp", json!(1_700_000_000)), start(), codes::HEADERS),
        (with(&careful, "timestamp", "1700000000000".into()), start(), codes::HEADERS),
        (with(&careful, "timestamp", "1587107195".into()), start(), codes::TIMESTAMP),
    ] {
        let body = json!({"headers": headers, "data": data}).to_string();
        let reply = academy.send_body(START, &body, &[]).await.json();
        assert_eq!(reply["returnCode"], expected, "{body} {reply}");
    }
    for body in ["", "[]", "{}", "{\"headers\":{},\"data\":{},}", "\u{feff}{\"headers\":{},\"data\":{}}"] {
        assert_eq!(academy.send_body(START, body, &[]).await.json()["returnCode"], codes::BODY, "{body}");
    }
    let body = json!({"headers": careful, "data": start()}).to_string();
    let plain = post(academy.address(), "POST", START, &[("content-type", "text/plain")], body).await;
    assert_eq!(plain.expect("an answer").json()["returnCode"], codes::CONTENT_TYPE);
    let get = call(academy.address(), "GET", START).await;
    assert_eq!((get.status, &get.json()["returnCode"]), (405, &json!(codes::METHOD)));
}

#[tokio::test]
async fn the_misprinted_paths_exist_as_told() {
    let repaired = ["/api/v1/startStudy", "/api/v1/thirdFaceCompare"];
    let printed = ["/api/startStudy", "/api/%20startStudy", "/api/v1thirdFaceCompare"];
    for (spelling, in_repaired, in_printed) in
        [(Spelling::Repaired, 200, 404), (Spelling::Printed, 404, 200), (Spelling::Both, 200, 200)]
    {
        let academy = Academy::of(SkillTrain::builder().spelling(spelling)).await;
        for path in repaired {
            assert_eq!(academy.send(path, &json!({})).await.status, in_repaired, "{spelling:?} {path}");
        }
        for path in printed {
            assert_eq!(academy.send(path, &json!({})).await.status, in_printed, "{spelling:?} {path}");
        }
        assert_eq!(academy.send("/api/v1/studyHour", &json!({})).await.status, 200, "{spelling:?}");
    }
}

#[tokio::test]
async fn a_business_refusal_asked_for_as_a_fault_has_the_upstreams_form() {
    let academy = Academy::strict().await;
    let refused = academy.send_with(START, &start(), &[("x-sim-fault", "code=9,系统繁忙")]).await;
    assert_eq!(refused.json(), json!({"returnCode": "9", "returnMsg": "系统繁忙"}));
}

#[tokio::test]
async fn only_refusals_about_tokens_read_as_if_a_token_had_expired() {
    let academy = Academy::strict().await;
    let mut messages = Vec::new();
    for (path, data) in [
        ("/api/v1/thlogin", json!({"studyPlatformAcount": "x", "passWord": "x"})),
        (START, with(&start(), "studyPlatformCode", code("other").into())),
        (START, with(&start(), "resCode", json!(null))),
        (
            "/api/v1/submitVerificationCode",
            json!({"studyPlatformCode": platform(), "bizCode": code("none"),
            "verificationCode": "0000", "videoStudyTime": 1}),
        ),
        ("/api/v1/authentication", json!({"studyPlatformCode": platform(), "cardNo": "1", "name": "甄测生"})),
    ] {
        messages.push(academy.send(path, &data).await.json()["returnMsg"].as_str().expect("a text").to_lowercase());
    }
    for message in messages {
        assert!(["token", "登录", "失效", "过期"].iter().all(|word| !message.contains(word)), "{message}");
    }
}
