//! The platform as a caller.

use serde_json::{Value, json};

use super::super::super::testing::{call, post};
use super::super::{Hook, HookError, Mode, Page, SkillTrain, identity_number};
use super::academy::{Academy, Listener, code};

/// Makes an account for every student, as the learning platform should.
fn accounts(request: &Value) -> Value {
    let students = request["data"]["thirdClassStudentInfoVoList"].as_array().expect("students");
    let row = |student: &Value| json!({"cardNo": student["cardNo"], "studentUserAccount": student["studentUserCode"]});
    let rows: Vec<Value> = students.iter().map(row).collect();
    json!({"returnCode": "0", "returnMsg": "success", "passwordRules": "首次登录短信验证", "returnData": rows})
}

#[tokio::test]
async fn a_class_is_pushed_as_the_document_shows_and_its_accounts_are_kept() {
    let academy = Academy::of(SkillTrain::builder().hook_token("jg")).await;
    let listener = Listener::new(accounts).await;
    academy.profile().set_hook_url(Hook::ClassPush, &listener.url);
    let answer = academy.profile().push_class(500, &code("class"), Mode::Strict).await.expect("an answer");
    assert_eq!((answer.return_code.as_str(), answer.accounts.len()), ("0", 500));
    assert_eq!(answer.password_rules.as_deref(), Some("首次登录短信验证"));
    assert_eq!(academy.profile().accounts(&code("class")).map(|accounts| accounts.len()), Some(500));

    let request = &listener.received()[0];
    assert_eq!(
        (&request["headers"]["userToken"], &request["headers"]["deviceType"]),
        (&json!("jg"), &json!("TYPE_PC"))
    );
    assert_eq!(request["headers"]["timestamp"].as_str().map(str::len), Some(10));
    let data = &request["data"];
    assert_eq!((&data["classCode"], &data["videoOnHook"]), (&json!(code("class")), &json!("2")));
    assert!(data["thirdClassCourseInfoVoList"][0]["children"][0]["chapetCode"].is_string(), "{data}");
    let student = &data["thirdClassStudentInfoVoList"][3];
    assert_eq!(student["cardNo"], identity_number(3));
    assert_eq!((&student["studentName"], &student["studentPhone"]), (&json!("甄测生4"), &json!("13800000004")));
}

#[tokio::test]
async fn the_same_class_pushed_again_is_the_same_request_and_quirky_writes_it_otherwise() {
    let academy = Academy::strict().await;
    let listener = Listener::new(accounts).await;
    academy.profile().set_hook_url(Hook::ClassPush, &listener.url);
    for mode in [Mode::Strict, Mode::Strict, Mode::Quirky] {
        academy.profile().push_class(2, &code("class"), mode).await.expect("an answer");
    }
    let received = listener.received();
    assert_eq!(received[0]["data"], received[1]["data"]);
    let quirky = &received[2];
    assert_eq!(quirky["headers"]["timestamp"].as_str().map(str::len), Some(13));
    assert_eq!(quirky["data"]["videoOnHook"], 2);
    assert!(quirky["data"]["thirdClassCourseInfoVoList"][0]["children"][0]["chapterCode"].is_string());
}

#[tokio::test]
async fn a_refusal_is_an_answer_and_a_malformed_answer_is_an_error() {
    let academy = Academy::strict().await;
    let push = async |answer: Value| {
        let listener = Listener::new(move |_| answer.clone()).await;
        academy.profile().set_hook_url(Hook::ClassPush, &listener.url);
        academy.profile().push_class(1, &code("class"), Mode::Strict).await
    };
    let refused = push(json!({"returnCode": "1", "returnMsg": "开班失败"})).await.expect("an answer");
    assert_eq!((refused.return_code.as_str(), refused.accounts.len()), ("1", 0));
    assert_eq!(academy.profile().accounts(&code("class")), None);
    let row = json!({"cardNo": identity_number(0), "studentUserAccount": "a"});
    for (answer, reason) in [
        (json!({"returnMsg": "success", "returnData": []}), "returnCode"),
        (json!({"returnCode": 0, "returnMsg": "success", "returnData": [row]}), "returnCode"),
        (json!({"returnCode": "0", "returnMsg": "success"}), "not an array"),
        (json!({"returnCode": "0", "returnMsg": "success", "returnData": []}), "0 accounts for 1 students"),
        (json!({"returnCode": "0", "returnMsg": "success", "returnData": [row, row]}), "twice"),
        (json!({"returnCode": "0", "returnMsg": "success", "returnData": [{"cardNo": "1"}]}), "not of the class"),
        (json!({"returnCode": "1", "returnMsg": "x", "returnData": [row]}), "all or nothing"),
    ] {
        let error = push(answer.clone()).await.expect_err("malformed").to_string();
        assert!(error.contains(reason) && !error.contains(&identity_number(0)), "{answer}: {error}");
    }
}

#[tokio::test]
async fn without_a_url_or_an_answer_a_call_is_an_error() {
    let academy = Academy::strict().await;
    let profile = academy.profile();
    assert!(matches!(profile.push_class(1, "c", Mode::Strict).await, Err(HookError::NoUrl(Hook::ClassPush))));
    assert!(matches!(profile.push_class(1001, "c", Mode::Strict).await, Err(HookError::Students)));
    profile.set_hook_url(Hook::CoursePull, "https://127.0.0.1/");
    assert!(matches!(profile.pull_courses(&Page::AsPrinted).await, Err(HookError::Call(_))));
}

#[tokio::test]
async fn courses_are_pulled_by_numbers_and_by_the_documents_own_strings() {
    let academy = Academy::strict().await;
    let page = |_: &Value| {
        json!({"returnCode": "0", "returnMsg": "success", "pageNo": 1, "pageSize": 20, "totalPage": 3,
            "data": [{"courseName": "课程1"}]})
    };
    let listener = Listener::new(page).await;
    academy.profile().set_hook_url(Hook::CoursePull, &listener.url);
    let pulled = academy.profile().pull_courses(&Page::Numbered { page_no: 1, page_size: 20 }).await.expect("a page");
    assert_eq!((pulled.page_no, pulled.total_page, pulled.courses.len()), (Some(1), Some(3), 1));
    academy.profile().pull_courses(&Page::AsPrinted).await.expect("a page");
    let received = listener.received();
    assert_eq!(received[0]["data"], json!({"pageNo": 1, "pageSize": 20}));
    assert_eq!(received[1]["data"]["pageNo"].as_str().map(str::len), Some(32));

    let elsewhere = |_: &Value| json!({"returnCode": "0", "returnMsg": "success", "returnData": {"pageNo": 1}});
    let listener = Listener::new(elsewhere).await;
    academy.profile().set_hook_url(Hook::CoursePull, &listener.url);
    let error = academy.profile().pull_courses(&Page::AsPrinted).await.expect_err("not where it belongs");
    assert!(error.to_string().contains("pageNo is not a number beside returnCode"), "{error}");
}

#[tokio::test]
async fn calls_are_set_and_made_over_the_admin_surface() {
    let academy = Academy::strict().await;
    let ask = async |path: &str, body: Value| {
        post(academy.address(), "POST", path, &[], body.to_string()).await.expect("an answer")
    };
    let push = json!({"classCode": code("class"), "students": 2});
    assert_eq!(ask("/_sim/push-class", push.clone()).await.status, 409);
    let listener = Listener::new(accounts).await;
    assert_eq!(ask("/_sim/hook", json!({"classPush": listener.url})).await.status, 200);
    let answer = ask("/_sim/push-class", push).await;
    assert_eq!((answer.status, &answer.json()["returnCode"]), (200, &json!("0")));
    let kept = call(academy.address(), "GET", &format!("/_sim/accounts/{}", code("class"))).await.json();
    assert_eq!(kept, answer.json()["accounts"]);
    assert_eq!(ask("/_sim/pull-courses", json!({})).await.status, 409);
    assert_eq!(ask("/_sim/hook", json!({"class": "x"})).await.status, 400);
    assert_eq!(ask("/_sim/nothing", json!({})).await.status, 404);
    assert_eq!(academy.simulator.counters().requests_of("unknown"), 0);
}
