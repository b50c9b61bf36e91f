//! Classes that the upstream pushes (1.12): every learner's account comes back in the same reply, the same ones each
//! time, or none at all.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use duijie_tests::{
    platform::Platform,
    upstreams::{
        Mode, SkillTrain,
        skill_train::{ClassAnswer, identity_number},
    },
};
use serde_json::{Value, json};

use super::{CLASS_EVENT, Docked, accounts, code, docked, docked_with};

/// The platform gives account `PREFIX-n` to the n-th learner.
fn gives(platform: &Platform, prefix: &'static str) {
    platform
        .answer(CLASS_EVENT, move |event| (200, json!({ "accounts": accounts(event, |n| format!("{prefix}-{n}")) })));
}

async fn push(docked: &Docked, students: usize) -> ClassAnswer {
    docked.sim.profile().push_class(students, &code(0xc1), Mode::Strict).await.unwrap()
}

/// A push that is refused, with these words, and without any account.
async fn refused(docked: &Docked, message: &str) {
    let answer = push(docked, 3).await;
    assert_eq!((answer.return_code.as_str(), answer.return_msg.as_str()), ("1", message));
    assert!(answer.accounts.is_empty(), "all or nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn five_hundred_students_pushed_twice_get_the_same_accounts() {
    let docked = docked().await;
    let asked = AtomicUsize::new(0);
    // A platform that makes new accounts every time it is asked.
    docked.platform.answer(CLASS_EVENT, move |event| {
        let time = asked.fetch_add(1, Ordering::Relaxed);
        (200, json!({ "accounts": accounts(event, |n| format!("px-{time}-{n}")) }))
    });
    let timed = async || {
        let begun = Instant::now();
        (push(&docked, 500).await, begun.elapsed())
    };
    let ((first, took), (second, took_again)) = (timed().await, timed().await);
    println!("a class of 500: {took:?}, again: {took_again:?}");
    assert!(took.max(took_again) < Duration::from_secs(10), "{took:?}, {took_again:?}");
    assert_eq!((first.return_code.as_str(), first.accounts.len()), ("0", 500));
    assert_eq!(first.accounts[&identity_number(499)], "px-0-499");
    assert_eq!(second, first);
    let events = docked.platform.events();
    assert_eq!((events.len(), docked.platform.refused()), (1, 0), "a repetition needs no platform");
    assert_eq!(events[0].data["students"].as_array().unwrap().len(), 500);
}

#[tokio::test(flavor = "multi_thread")]
async fn five_hundred_students_get_the_same_accounts_while_the_platform_is_down() {
    let docked = docked().await;
    gives(&docked.platform, "px");
    let first = push(&docked, 500).await;
    let Docked { host, sim, platform } = docked;
    let down = platform.url();
    drop(platform);
    // What is there now knows nothing of classes; the link's address leads nowhere.
    let platform = Platform::start("127.0.0.1:0".parse().unwrap()).await.unwrap();
    assert_ne!(platform.url(), down);
    let docked = Docked { host, sim, platform };
    assert_eq!(push(&docked, 500).await, first);
    let other = docked.sim.profile().push_class(3, &code(0xc2), Mode::Strict).await.unwrap();
    assert_eq!(other.return_code, "1", "and a new class must wait for it");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_platform_is_told_a_class_in_clean_names() {
    let docked = docked().await;
    gives(&docked.platform, "px");
    push(&docked, 2).await;
    let event = docked.platform.events().remove(0);
    assert_eq!((event.kind.as_str(), event.source.as_str()), (CLASS_EVENT, "/v1/links/hz.px"));
    let class = event.data;
    for (name, value) in [
        ("classCode", json!(code(0xc1))),
        ("className", json!("模拟培训班")),
        ("workName", json!("焊工")),
        ("realNameRequired", json!(true)),
        ("dailyHoursMax", json!(8)),
        ("idleCheck", json!("face")),
        ("idleTrigger", json!({ "kind": "interval", "value": 10 })),
        ("recordVideo", json!(false)),
    ] {
        assert_eq!(class[name], value, "{name}");
    }
    let video = &class["courses"][0]["chapters"][0]["resources"][0];
    assert_eq!((&video["durationS"], &video["resType"]), (&json!(1675), &json!("TYPE_VIDEO")));
    let student = &class["students"][1];
    assert_eq!((&student["cardNo"], &student["studentName"]), (&json!(identity_number(1)), &json!("甄测生2")));
    assert_eq!(student["photoUrl"], "http://img.example.com/f1.jpg");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_class_in_other_spellings_numbers_for_text_and_milliseconds_is_the_same_class() {
    let docked = docked().await;
    gives(&docked.platform, "px");
    let mut told = Vec::new();
    for (class, mode) in [(0xc1, Mode::Strict), (0xc1, Mode::Quirky)] {
        let answer = docked.sim.profile().push_class(3, &code(class), mode).await.unwrap();
        assert_eq!((answer.return_code.as_str(), answer.accounts.len()), ("0", 3));
        told.push(docked.platform.events());
    }
    assert_eq!(told[0], told[1], "not even the platform sees a difference");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_learners_are_told_of_their_passwords_is_ours_or_the_platforms() {
    let docked = docked().await;
    gives(&docked.platform, "px");
    assert_eq!(push(&docked, 1).await.password_rules.as_deref(), Some("首次登录短信验证"));
    docked.platform.answer(CLASS_EVENT, |event| {
        (200, json!({ "accounts": accounts(event, |n| format!("px-{n}")), "passwordRules": "见短信" }))
    });
    let other = docked.sim.profile().push_class(1, &code(0xc2), Mode::Strict).await.unwrap();
    assert_eq!(other.password_rules.as_deref(), Some("见短信"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_class_that_grows_keeps_its_accounts_and_gets_the_new_ones() {
    let docked = docked().await;
    gives(&docked.platform, "old");
    let first = push(&docked, 3).await;
    gives(&docked.platform, "new");
    let second = push(&docked, 5).await;
    let account = |answer: &ClassAnswer, n: usize| answer.accounts[&identity_number(n)].clone();
    assert!((0..3).all(|n| account(&first, n) == account(&second, n)));
    assert_eq!((account(&second, 3), account(&second, 4)), ("new-3".to_owned(), "new-4".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_learner_without_an_account_refuses_the_whole_class() {
    let docked = docked().await;
    docked.platform.answer(CLASS_EVENT, |event| {
        let mut all = accounts(event, |n| format!("px-{n}"));
        all.as_array_mut().unwrap().pop();
        (200, json!({ "accounts": all }))
    });
    refused(&docked, "有学员未能开通账号,本班未受理").await;
    docked.platform.answer(CLASS_EVENT, |event| (200, json!({ "accounts": accounts(event, |_| "one".to_owned()) })));
    refused(&docked, "有学员账号重复,本班未受理").await;
    gives(&docked.platform, "px");
    assert_eq!(push(&docked, 3).await.return_code, "0", "nothing of the refused ones was kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_platform_that_refuses_fails_or_talks_nonsense_refuses_the_class_without_its_words() {
    let docked = docked().await;
    let answers: [(u16, Value); 4] = [
        (409, json!({ "title": "t", "detail": "甄测生1 已在其他班级" })),
        (500, json!({})),
        (200, json!({ "accounts": "none" })),
        (204, Value::Null),
    ];
    for (status, body) in answers {
        docked.platform.answer(CLASS_EVENT, move |_| (status, body.clone()));
        refused(&docked, "处理未完成,请稍后重试").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_may_be_derived_and_then_the_platform_is_told_of_them() {
    let derive = "push_class = { mode = \"derive\", account_template = \"px-${cardNo}\" }";
    let docked = docked_with(SkillTrain::builder(), |academy| academy.config(derive)).await;
    docked.platform.answer(CLASS_EVENT, |_| (200, json!({})));
    let answer = push(&docked, 3).await;
    assert_eq!(answer.accounts[&identity_number(2)], format!("px-{}", identity_number(2)));
    let told = docked.platform.events().remove(0).data;
    assert_eq!(told["students"][2]["account"], format!("px-{}", identity_number(2)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pushed_class_is_known_when_its_study_records_are_asked_for() {
    let docked = docked_with(SkillTrain::builder(), |academy| academy.config("role = \"both\"")).await;
    gives(&docked.platform, "px");
    push(&docked, 1).await;
    let records = docked.done("class.study-records", &json!({ "classCode": code(0xc1) })).await;
    assert_eq!(records, json!({ "records": [] }));
}
