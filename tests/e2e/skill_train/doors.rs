//! Who may push classes and pull courses: the path's secret, the source, the size and, where the link says so, the
//! upstream's token. Whoever is turned away learns nothing, and the platform never hears of it.

use duijie_tests::{
    harness::Answer,
    upstreams::{Mode, SkillTrain, skill_train::Page},
};
use http::Method;
use serde_json::json;

use super::{
    CLASS_EVENT, CLASS_PATH, COURSE_EVENT, COURSE_PATH, Docked, accounts, code, docked, docked_from, docked_with, setup,
};

/// What is the same for all who are turned away.
fn shape(answer: &Answer) -> (u16, String, String) {
    (answer.status, answer.header("content-type").to_owned(), answer.text())
}

async fn knock(docked: &Docked, method: Method, path_secret: &str, hook: &str, body: &str) -> (u16, String, String) {
    let request = docked.host.api(method, &Docked::hook_path(path_secret, hook)).json(body.to_owned());
    shape(&request.send().await)
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_turned_away_from_either_hook_gets_one_answer_and_the_platform_is_not_asked() {
    let docked = docked().await;
    let class = json!({ "headers": {}, "data": { "classCode": code(0xc1) } }).to_string();
    let large = "x".repeat((1024 << 10) + 1);
    let stranger = knock(&docked, Method::POST, "0123456789abcdefghijklmnopqrstuv", "class-push", &class).await;
    assert_eq!((stranger.0, stranger.2.as_str()), (404, "not found\n"));
    for (cause, method, path_secret, hook, body) in [
        ("the other hook's secret", Method::POST, COURSE_PATH, "class-push", class.as_str()),
        ("the other hook's secret", Method::POST, CLASS_PATH, "course-pull", &class),
        ("another method", Method::GET, CLASS_PATH, "class-push", ""),
        ("another hook", Method::POST, CLASS_PATH, "pushClassInfo", &class),
        ("a class too large", Method::POST, CLASS_PATH, "class-push", &large),
        ("a page too large", Method::POST, COURSE_PATH, "course-pull", &large),
    ] {
        assert_eq!(knock(&docked, method, path_secret, hook, body).await, stranger, "{cause}");
    }
    let elsewhere =
        docked_from(setup(), SkillTrain::builder(), |academy| academy.toml().replace("127.0.0.1/32", "192.0.2.0/24"))
            .await;
    let nobody = docked_from(setup(), SkillTrain::builder(), |academy| {
        academy.toml().replace("allow = [\"127.0.0.1/32\"]\n", "")
    })
    .await;
    for docked in [&elsewhere, &nobody] {
        assert_eq!(knock(docked, Method::POST, CLASS_PATH, "class-push", &class).await, stranger, "another source");
        assert_eq!(knock(docked, Method::POST, COURSE_PATH, "course-pull", "{}").await, stranger, "another source");
    }
    for docked in [&docked, &elsewhere, &nobody] {
        assert!(docked.platform.events().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_class_that_is_no_class_is_refused_by_its_place_and_never_by_its_value() {
    let docked = docked().await;
    for (body, place) in [
        (json!({ "data": { "classCode": code(1) } }), "data.thirdClassStudentInfoVoList"),
        (json!({ "data": { "classCode": code(1), "videoOnHook": "甄测生" } }), "data.videoOnHook"),
        (json!({ "甄测生": 1 }), "请求未被接受"),
        (json!(["甄测生"]), "请求未被接受"),
    ] {
        let path = Docked::hook_path(CLASS_PATH, "class-push");
        let reply = docked.host.api(Method::POST, &path).json(body.to_string()).send().await.expect(200);
        assert_eq!(reply["returnCode"], "1", "{reply}");
        assert!(
            reply["returnMsg"].as_str().unwrap().contains(place) && !reply.to_string().contains("甄测生"),
            "{reply}"
        );
        assert!(reply.get("returnData").is_none(), "{reply}");
    }
    assert!(docked.platform.events().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_link_checks_it_the_upstream_must_show_its_token() {
    let docked_showing = async |token: &str| {
        let setup = setup().env("HOOK_TOKEN", "the-upstreams-own-token");
        let docked = docked_from(setup, SkillTrain::builder().hook_token(token), |academy| {
            academy.config("hook.check_token = true").tables("[secrets.hook_token]\nenv = \"HOOK_TOKEN\"").toml()
        })
        .await;
        docked.platform.answer(CLASS_EVENT, |event| (200, json!({ "accounts": accounts(event, |n| n.to_string()) })));
        docked.platform.answer(COURSE_EVENT, |_| (200, json!({ "courses": [], "total": 0 })));
        docked
    };
    for (token, return_code) in [("the-upstreams-own-token", "0"), ("another-token", "1"), ("", "1")] {
        let docked = docked_showing(token).await;
        let pushed = docked.sim.profile().push_class(1, &code(0xc1), Mode::Strict).await.unwrap();
        let pulled = docked.sim.profile().pull_courses(&Page::Numbered { page_no: 1, page_size: 5 }).await.unwrap();
        assert_eq!((pushed.return_code.as_str(), pulled.return_code.as_str()), (return_code, return_code), "{token:?}");
        assert_eq!(docked.platform.events().len(), if return_code == "0" { 2 } else { 0 });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_business_platform_has_no_hooks() {
    let docked = docked_with(SkillTrain::builder(), |academy| academy.config("role = \"business\"")).await;
    for (path_secret, hook) in [(CLASS_PATH, "class-push"), (COURSE_PATH, "course-pull")] {
        let (status, _, text) = knock(&docked, Method::POST, path_secret, hook, "{}").await;
        assert_eq!((status, text.as_str()), (503, "temporarily unavailable\n"));
    }
    assert!(docked.platform.events().is_empty());
}
