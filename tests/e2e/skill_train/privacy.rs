//! Nobody who learns, teaches or logs in is in anything that the host writes: not in a log line at the most talkative
//! level, not in metrics, not in a problem, not in a file; nor is a password, a token, a photo or a path's secret.

use std::time::Duration;

use duijie_tests::{
    platform,
    upstreams::{
        Mode, SkillTrain, Tokens,
        skill_train::{DEMO_ACCOUNT, DEMO_PASSWORD, Page, identity_number},
    },
};
use http::Method;
use serde_json::{Value, json};

use super::{
    Academy, CLASS_EVENT, CLASS_PATH, COURSE_EVENT, COURSE_PATH, Docked, accounts, business, code, courses,
    docked_from, faces, minute, setup, start, viewing, with,
};
use crate::privacy::{assert_silent, everything};

/// Of the simulator: the same seed makes the same tokens.
const SEED: u64 = 4711;
const LEARNERS: usize = 20;
const HOOK_TOKEN: &str = "what-the-upstream-shows-to-hooks";
const RECORDING: &str = "http://vod.example.com/records/7f3a.mp4";
const PHOTO_URL: &str = "http://img.example.com/two-inch-7f3a.jpg";

/// Persons of the inputs here and of the class that the simulator pushes, and what stands for them.
fn personal() -> Vec<String> {
    let named = [
        "甄测生丁",
        "甄测生甲",
        "甄测生乙",
        "甄测生丙",
        "甄测师",
        "备注一则",
        "999999199001010016",
        "999999198506150036",
        "99999920000101002X",
    ];
    let more = ["99999920000101002x", "13800000002", "13800000003", RECORDING, PHOTO_URL];
    let mut values: Vec<String> = named.into_iter().chain(more).map(str::to_owned).collect();
    for n in 0..LEARNERS {
        values.extend([identity_number(n), format!("138{:08}", n + 1), format!("http://img.example.com/f{n}.jpg")]);
        values.extend([format!("account-of-{n:03}"), format!("甄测生{}", n + 1)]);
    }
    values
}

fn secrets(docked: &Docked) -> Vec<String> {
    let tokens = Tokens::new(SEED);
    let mut values: Vec<String> = (0..4).map(|_| tokens.issue(DEMO_ACCOUNT, Duration::from_secs(7200), 0)).collect();
    let known =
        [DEMO_PASSWORD, HOOK_TOKEN, CLASS_PATH, COURSE_PATH, platform::SECRET, "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"];
    values.extend(known.map(str::to_owned));
    values.push(docked.host.key("campus").to_owned());
    values
}

/// A docked host that writes all it can.
async fn talkative() -> Docked {
    let setup = setup().settings("[log]\nlevel = \"trace\"\n").env("HOOK_TOKEN", HOOK_TOKEN);
    let toml = |academy: Academy| {
        let config = "role = \"both\"\nhook.check_token = true";
        let toml = academy.config(config).tables("[secrets.hook_token]\nenv = \"HOOK_TOKEN\"").toml();
        toml.replace("[limits]\n", "[limits]\ndeadline_ms = 5000\n")
    };
    let docked = docked_from(setup, SkillTrain::builder().seed(SEED).hook_token(HOOK_TOKEN), toml).await;
    docked
        .platform
        .answer(CLASS_EVENT, |event| (200, json!({ "accounts": accounts(event, |n| format!("account-of-{n:03}")) })));
    docked.platform.answer(COURSE_EVENT, |_| (200, json!({ "courses": [courses::course(1)], "total": 1 })));
    docked
}

/// Every operation that takes or gives something of a person, but faces and popups.
fn calls() -> Vec<(&'static str, Value)> {
    let person = json!({ "cardNo": "999999199001010016", "name": "甄测生丁" });
    vec![
        ("token.check", json!({})),
        ("student.authenticate", person),
        ("study.start", start(1)),
        ("progress.report", minute(1, 60, 60)),
        ("record.submit", with(start(1), &json!({ "recordVideoUrl": RECORDING }))),
        ("photo.update", json!({ "cardNo": "999999199001010016", "ercunPhotoUrl": PHOTO_URL })),
        ("study.end", viewing(1)),
        ("course.push", json!({ "courses": [courses::course(1)] })),
        ("teacher.push", business::teacher()),
        ("course.info", business::course_info()),
        ("student.push", business::students()),
        ("class.push", business::class()),
        ("class.study-records", json!({ "classCode": code(0xc1) })),
    ]
}

/// Ends the host; nothing of these was written, nor of persons or secrets, nor of a photo.
async fn assert_silence(docked: Docked, mut values: Vec<String>, photo: &str, answers: &str) {
    values.extend(secrets(&docked));
    values.extend(personal());
    // Of what is cut to length the beginning stays; of what is not, everything.
    let pieces = photo.as_bytes().chunks_exact(24).enumerate().filter(|(n, _)| *n < 20 || n % 100 == 0);
    values.extend(pieces.map(|(_, piece)| String::from_utf8_lossy(piece).into_owned()));
    let metrics = docked.host.admin(Method::GET, "/metrics").send().await.text();
    assert!(metrics.contains("duijie_"), "{metrics}");
    let root = docked.host.setup().root().to_owned();
    let stopped = docked.host.terminate().await;
    let log = stopped.log.text();
    assert!(log.contains("\"TRACE\"") || log.contains("\"DEBUG\""), "the log was talkative");
    assert!(log.contains(super::LINK), "and calls are in it");
    let mut written = everything(&stopped, &root);
    written.extend(metrics.into_bytes());
    written.extend(answers.as_bytes());
    assert_silent(&written, &values);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_person_photo_or_secret_is_written_when_all_goes_well() {
    let docked = talkative().await;
    for (operation, input) in calls() {
        docked.done(operation, &input).await;
    }
    let photo = faces::photo(40_000, 7);
    let check = docked.done("face.config", &viewing(2)).await;
    docked.done("face.compare", &faces::compare(2, &check, "0", &photo)).await;
    let popup = docked.done("popup.get", &viewing(2)).await;
    let typed =
        json!({ "bizCode": popup["bizCode"], "verificationCode": popup["verificationCode"], "videoStudyTime": 1 });
    docked.done("popup.submit", &typed).await;
    let pushed = docked.sim.profile().push_class(LEARNERS, &code(0xc2), Mode::Strict).await.unwrap();
    assert_eq!((pushed.return_code.as_str(), pushed.accounts.len()), ("0", LEARNERS));
    assert_eq!(docked.sim.profile().pull_courses(&Page::AsPrinted).await.unwrap().return_code, "0");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut values = vec![text(&check["bizCode"]), text(&popup["bizCode"])];
    // Four digits occur by themselves; in quotes they do not.
    values.push(format!("\"{}\"", text(&popup["verificationCode"])));
    assert_silence(docked, values, &photo, "").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_person_photo_or_secret_is_written_or_told_when_the_upstream_fails() {
    let docked = talkative().await;
    docked.done("token.check", &json!({})).await;
    let photo = faces::photo(40_000, 7);
    let mut calls = calls();
    calls.retain(|(operation, _)| !matches!(*operation, "token.check" | "class.study-records"));
    calls.push(("face.compare", faces::compare(1, &json!({ "bizCode": code(0xe1) }), "0", &photo)));
    let faults = [
        "code=1301,QUOTED 已存在",
        "code=1102,token失效 QUOTED",
        "echo",
        "html",
        "status=503",
        "missing-comma",
        "reset-after",
    ];
    let mut answers = String::new();
    for fault in faults {
        for (operation, input) in &calls {
            docked.sim.faults().clear();
            // An upstream that quotes every person it was sent.
            let text = input.to_string();
            let quoted: Vec<_> = personal().into_iter().filter(|value| text.contains(value)).collect();
            docked.fault(operation, &fault.replace("QUOTED", &quoted.join("、")));
            let answer = docked.call(operation, input).await;
            assert!(answer.status >= 400, "{operation} {fault}: {}", answer.text());
            answers.push_str(&answer.text());
        }
    }
    docked.sim.faults().clear();
    docked.fault("face.compare", "hang");
    answers.push_str(&docked.call("face.compare", &calls[calls.len() - 1].1).await.text());
    assert_silence(docked, Vec::new(), &photo, &answers).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_person_is_written_when_an_input_or_a_pushed_class_is_bad_or_the_platform_fails() {
    let docked = talkative().await;
    let mut answers = String::new();
    for (operation, input) in calls() {
        if operation == "token.check" {
            continue;
        }
        let text = input.to_string();
        let more = with(input.clone(), &json!({ "extra": ["甄测生丁", "999999199001010016"] })).to_string();
        for body in [text[..text.len() - 1].to_owned(), more, json!([input]).to_string()] {
            let answer = docked.host.call_request(super::LINK, operation, body).send().await;
            assert!((400..500).contains(&answer.status), "{operation}: {}", answer.text());
            answers.push_str(&answer.text());
        }
    }
    for (status, body) in
        [(409, json!({ "detail": "甄测生丁 999999199001010016" })), (200, json!("甄测生丁")), (500, json!({}))]
    {
        docked.platform.answer(CLASS_EVENT, move |_| (status, body.clone()));
        let refused = docked.sim.profile().push_class(LEARNERS, &code(0xc3), Mode::Strict).await.unwrap();
        assert_eq!(refused.return_code, "1");
        answers.push_str(&refused.return_msg);
    }
    let path = Docked::hook_path(CLASS_PATH, "class-push");
    let class = json!({
        "headers": { "userToken": HOOK_TOKEN },
        "data": { "classCode": "甄测生丁", "thirdClassStudentInfoVoList": [{ "cardNo": ["999999199001010016"], "studentName": "甄测生丁" }] },
    });
    for body in [class.to_string(), class.to_string().replace('}', ""), class["data"].to_string()] {
        answers.push_str(&docked.host.api(Method::POST, &path).json(body).send().await.text());
    }
    assert_silence(docked, Vec::new(), "", &answers).await;
}
