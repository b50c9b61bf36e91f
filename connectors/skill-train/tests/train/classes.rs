//! A class that the upstream pushes: however it is spelt, one account for each learner or none, and the same again.

use duijie_sdk::{
    Outcome,
    forward::{ForwardError, Refusal},
    testing::{KeyEncoding, TestHost, hook_request},
};
use serde_json::{Value, json};
use skill_train::SkillTrain;

use super::{bare, config, received, reply_of, with};

/// The class of the document's example.
fn request() -> Value {
    let golden: Value = serde_json::from_str(include_str!("../golden/hook.class-push.json")).unwrap();
    golden["request"].clone()
}

fn with_data(name: &str, value: Value) -> Value {
    let mut request = request();
    request["data"][name] = value;
    request
}

/// A class of so many learners.
fn class_of(learners: usize) -> Value {
    let learner = |n: usize| {
        json!({
            "cardNo": format!("L{n:017}"), "studentUserCode": format!("{n:032x}"), "studentName": "甄测生",
            "studentPhone": "13800000001", "ercunPhotos": "http://img.example.com/f0.jpg",
        })
    };
    with_data("thirdClassStudentInfoVoList", (0..learners).map(learner).collect())
}

fn answer_for(request: &Value, account: impl Fn(usize) -> String) -> Value {
    let learners = request["data"]["thirdClassStudentInfoVoList"].as_array().unwrap();
    let of = |(n, learner): (usize, &Value)| json!({ "cardNo": learner["cardNo"], "account": account(n) });
    json!({ "accounts": learners.iter().enumerate().map(of).collect::<Vec<_>>() })
}

fn pushed(host: &TestHost, request: &Value) -> Value {
    let response = received(host, "class-push", request);
    assert_eq!(response.status, 200);
    reply_of(&response)
}

/// The class as the platform gets it.
fn event(request: &Value) -> Value {
    let host = bare(config());
    host.platform("class.push", Ok(answer_for(request, |n| format!("u{n}"))));
    assert_eq!(pushed(&host, request)["returnCode"], "0");
    host.asked().pop().unwrap().data
}

fn refusal(host: &TestHost, request: &Value) -> String {
    let reply = pushed(host, request);
    assert_eq!(reply["returnCode"], "1");
    assert_eq!(reply.as_object().unwrap().len(), 2, "all or nothing: {reply}");
    reply["returnMsg"].as_str().unwrap().to_owned()
}

#[test]
fn a_chapters_code_is_found_under_each_of_its_spellings() {
    for name in ["chapterCode", "chapetCode", "chapertCode"] {
        let mut request = request();
        let chapter = &mut request["data"]["thirdClassCourseInfoVoList"][0]["children"][0];
        let code = chapter.as_object_mut().unwrap().remove("chapetCode").unwrap();
        chapter[name] = code.clone();
        assert_eq!(event(&request)["courses"][0]["chapters"][0]["chapterCode"], code, "{name}");
    }
}

#[test]
fn a_learners_code_is_found_under_each_of_its_spellings() {
    for name in ["studentUserCode", "student UserCode", "studentCode"] {
        let mut request = request();
        let learner = &mut request["data"]["thirdClassStudentInfoVoList"][0];
        let code = learner.as_object_mut().unwrap().remove("studentUserCode").unwrap();
        learner[name] = code.clone();
        assert_eq!(event(&request)["students"][0]["studentUserCode"], code, "{name}");
    }
}

#[test]
fn a_photos_address_is_found_under_each_of_its_spellings_and_trimmed() {
    for name in ["ercunPhotos", "ercunPhotoUrl", "ercunPhotosUrl"] {
        let mut request = request();
        let learner = &mut request["data"]["thirdClassStudentInfoVoList"][0];
        learner.as_object_mut().unwrap().remove("ercunPhotos");
        learner[name] = json!(" http://img.example.com/f1.jpg");
        assert_eq!(event(&request)["students"][0]["photoUrl"], "http://img.example.com/f1.jpg", "{name}");
    }
}

#[test]
fn rules_are_read_as_numbers_and_as_text_under_both_spellings() {
    for (text, spelling) in [(false, "triggerValue"), (true, "triggervValue")] {
        let number = |n: u32| if text { json!(n.to_string()) } else { json!(n) };
        let mut request = with_data("realNameAuthentication", number(1));
        request["data"]["studyHourLimit"] = number(8);
        request["data"]["videoOnHook"] = number(2);
        request["data"]["videoOnHookDetail"] = json!({ "triggerType": number(2), spelling: number(10) });
        request["data"]["videoStartFace"] = number(1);
        request["data"]["videoPlayRecord"] = number(1);
        let event = event(&request);
        assert_eq!((&event["realNameRequired"], &event["dailyHoursMax"]), (&json!(true), &json!(8)));
        assert_eq!(event["idleCheck"], "face");
        assert_eq!(event["idleTrigger"], json!({ "kind": "growing", "value": 10 }));
        assert_eq!((&event["faceAtStart"], &event["recordVideo"]), (&json!(true), &json!(true)));
    }
}

#[test]
fn each_kind_of_idle_check_and_trigger_has_its_name() {
    for (hook, kind, expected, trigger) in
        [("1", "0", "popup", "count"), ("1", "1", "popup", "interval"), ("2", "2", "face", "growing")]
    {
        let mut request = with_data("videoOnHook", json!(hook));
        request["data"]["videoOnHookDetail"] = json!({ "triggerType": kind, "triggervValue": "3" });
        let event = event(&request);
        assert_eq!(
            (event["idleCheck"].as_str(), event["idleTrigger"]["kind"].as_str()),
            (Some(expected), Some(trigger))
        );
    }
}

#[test]
fn every_learner_gets_an_account_under_the_number_that_was_sent() {
    let mut request = request();
    request["data"]["thirdClassStudentInfoVoList"][0]["cardNo"] = json!("99999920000101002x");
    let host = bare(config());
    let accounts = json!([{ "cardNo": "99999920000101002X", "account": "lisi" }, { "cardNo": "else", "account": "x" }]);
    host.platform("class.push", Ok(json!({ "accounts": accounts })));
    let reply = pushed(&host, &request);
    assert_eq!(reply["returnData"], json!([{ "cardNo": "99999920000101002x", "studentUserAccount": "lisi" }]));
    assert_eq!(reply["passwordRules"], "首次登录短信验证");
    let key = host.asked()[0].key.clone().unwrap();
    assert!(key.starts_with(request["data"]["classCode"].as_str().unwrap()), "{key}");
    // A platform need not act on an id that it has seen, so a changed class must have another.
    request["data"]["trainClassName"] = json!("another name");
    pushed(&host, &request);
    assert_ne!(host.asked()[1].key.as_ref(), Some(&key));
}

#[test]
fn one_learner_without_a_usable_account_refuses_the_class_and_nothing_is_kept() {
    for account in [json!(null), json!(""), json!("a\u{7}"), json!("x".repeat(65))] {
        let request = class_of(2);
        let mut answer = answer_for(&request, |n| format!("u{n}"));
        match account {
            Value::Null => drop(answer["accounts"].as_array_mut().unwrap().pop()),
            account => answer["accounts"][1]["account"] = account,
        }
        let host = bare(config());
        host.platform("class.push", Ok(answer));
        assert!(refusal(&host, &request).contains("未受理"));
        assert!(host.kv_keys().is_empty());
    }
}

#[test]
fn two_learners_with_one_account_refuse_the_class() {
    let request = class_of(2);
    let host = bare(config());
    host.platform("class.push", Ok(answer_for(&request, |_| "same".to_owned())));
    assert!(refusal(&host, &request).contains("重复"));
}

#[test]
fn a_learner_who_is_listed_twice_is_answered_once() {
    let mut request = request();
    let learner = request["data"]["thirdClassStudentInfoVoList"][0].clone();
    request["data"]["thirdClassStudentInfoVoList"].as_array_mut().unwrap().push(learner);
    let host = bare(config());
    host.platform("class.push", Ok(answer_for(&request, |_| "lisi".to_owned())));
    assert_eq!(pushed(&host, &request)["returnData"].as_array().unwrap().len(), 1);
}

#[test]
fn five_hundred_learners_get_the_same_accounts_again_whatever_the_platform_says_then() {
    let request = class_of(500);
    let host = bare(config());
    host.platform("class.push", Ok(answer_for(&request, |n| format!("first-{n}"))));
    host.platform("class.push", Ok(answer_for(&request, |n| format!("second-{n}"))));
    let first = pushed(&host, &request);
    assert_eq!(first["returnData"].as_array().unwrap().len(), 500);
    let mut again = request.clone();
    again["headers"]["timestamp"] = json!("1587109999");
    assert_eq!(pushed(&host, &again), first);
    host.platform("class.push", Err(ForwardError::Unavailable("down".to_owned())));
    assert_eq!(pushed(&host, &again), first);
    assert_eq!(host.asked().len(), 1);
}

#[test]
fn two_thousand_learners_are_remembered_too() {
    let request = class_of(2000);
    let host = bare(config());
    host.platform("class.push", Ok(answer_for(&request, |n| format!("an-account-of-some-length-{n}"))));
    let first = pushed(&host, &request);
    assert!(host.kv_keys().len() > 2, "more than one value of the store");
    assert_eq!(pushed(&host, &request), first);
}

#[test]
fn a_class_that_has_changed_is_told_and_keeps_the_accounts_it_has() {
    let host = bare(config());
    host.platform("class.push", Ok(answer_for(&class_of(2), |n| format!("first-{n}"))));
    host.platform("class.push", Ok(answer_for(&class_of(3), |n| format!("second-{n}"))));
    pushed(&host, &class_of(2));
    let reply = pushed(&host, &class_of(3));
    let accounts: Vec<_> = (0..3).map(|n| reply["returnData"][n]["studentUserAccount"].as_str().unwrap()).collect();
    assert_eq!(accounts, ["first-0", "first-1", "second-2"]);
    assert_eq!(host.asked().len(), 2);
}

#[test]
fn what_is_kept_of_a_class_says_nothing_of_its_learners() {
    let host = bare(config());
    let request = request();
    host.platform("class.push", Ok(answer_for(&request, |_| "lisi".to_owned())));
    pushed(&host, &request);
    let key = host.kv_keys().pop().unwrap();
    let kept = String::from_utf8(duijie_sdk::kv::get(&key).unwrap().unwrap()).unwrap();
    for personal in ["999999199001010016", "学员甲", "13800000001", "7574252d9cb4410d97f620fd3e45e83c", "f0.jpg"] {
        assert!(!kept.contains(personal) && !key.contains(personal), "{personal}");
    }
    assert!(host.logs().is_empty());
}

#[test]
fn accounts_are_forgotten_after_ninety_days() {
    let host = bare(config());
    host.platform("class.push", Ok(answer_for(&request(), |_| "lisi".to_owned())));
    pushed(&host, &request());
    host.advance_ms(90 * 86_400_000);
    assert!(host.kv_keys().is_empty());
}

#[test]
fn a_full_store_is_no_reason_to_refuse_a_class() {
    let host = bare(config());
    host.kv_keys_max(0);
    host.platform("class.push", Ok(answer_for(&request(), |_| "lisi".to_owned())));
    assert_eq!(pushed(&host, &request())["returnCode"], "0");
    assert_eq!(host.logs().len(), 1);
}

#[test]
fn a_platform_that_does_not_answer_or_refuses_or_errs_is_a_refusal_without_its_words() {
    let refusal_of = |status| Refusal { status, message: "学员 甄测生 已存在".to_owned() };
    for error in [
        ForwardError::Unavailable("down".to_owned()),
        ForwardError::Refused(refusal_of(422)),
        ForwardError::Protocol("no JSON".to_owned()),
        ForwardError::Denied("the link has no platform".to_owned()),
    ] {
        let host = bare(config());
        host.platform("class.push", Err(error));
        assert_eq!(refusal(&host, &request()), "处理未完成,请稍后重试");
        assert_eq!(host.logs().len(), 1);
        assert!(!format!("{:?}", host.logs()).contains("甄测生"));
    }
    let host = bare(config());
    host.platform("class.push", Ok(json!({ "账号": [] })));
    assert_eq!(refusal(&host, &request()), "处理未完成,请稍后重试");
}

#[test]
fn what_is_wrong_with_a_class_is_said_by_its_place_and_never_by_its_value() {
    let cases = [
        (with_data("classCode", json!("")), "data.classCode"),
        (with_data("studyHourLimit", json!("八小时")), "data.studyHourLimit"),
        (with_data("videoOnHook", json!(7)), "data.videoOnHook"),
        (with_data("realNameAuthentication", json!("2")), "data.realNameAuthentication"),
        (with_data("thirdClassStudentInfoVoList", json!([])), "data.thirdClassStudentInfoVoList"),
        (with_data("thirdClassStudentInfoVoList", json!({})), "data.thirdClassStudentInfoVoList"),
        (
            with_data("thirdClassStudentInfoVoList", json!([{ "cardNo": "" }])),
            "data.thirdClassStudentInfoVoList[0].cardNo",
        ),
        (
            with_data("thirdClassCourseInfoVoList", json!([{ "courseCode": "c", "children": [{}] }])),
            "data.thirdClassCourseInfoVoList[0].children[0].chapterCode",
        ),
        (class_of(2001), "data.thirdClassStudentInfoVoList"),
    ];
    for (request, place) in cases {
        let host = bare(config());
        let said = refusal(&host, &request);
        assert!(said.contains(place), "{said}");
        assert!(!said.contains("八小时"));
        assert!(host.asked().is_empty());
    }
}

#[test]
fn what_is_no_envelope_is_not_accepted() {
    let host = bare(config());
    for body in ["", "<xml/>", "[]", "{}", "{\"data\":null"] {
        let response = host.receive::<SkillTrain>(hook_request("class-push", "POST", "", body)).unwrap();
        assert_eq!(reply_of(&response), json!({ "returnCode": "1", "returnMsg": "请求未被接受" }), "{body}");
    }
}

#[test]
fn a_request_with_a_byte_order_mark_and_trailing_commas_is_read() {
    let host = bare(config());
    host.platform("class.push", Ok(answer_for(&request(), |_| "lisi".to_owned())));
    let body = format!("\u{feff}{},}}", request().to_string().strip_suffix('}').unwrap());
    let response = host.receive::<SkillTrain>(hook_request("class-push", "POST", "", body)).unwrap();
    assert_eq!(reply_of(&response)["returnCode"], "0");
}

#[test]
fn the_upstreams_token_counts_where_the_link_checks_it_under_both_spellings() {
    let checking = || {
        let host = bare(with(json!({ "hook": { "check_token": true } })));
        host.secret("hook_token", "h00k", KeyEncoding::Utf8);
        host.platform("class.push", Ok(answer_for(&request(), |_| "lisi".to_owned())));
        host
    };
    for (name, token, code) in
        [("userToken", "h00k", "0"), ("user_token", "h00k", "0"), ("userToken", "other", "1"), ("x", "", "1")]
    {
        let mut request = request();
        request["headers"] = json!({ name: token });
        assert_eq!(pushed(&checking(), &request)["returnCode"], code, "{name} {token}");
    }
    let unfilled = bare(with(json!({ "hook": { "check_token": true } })));
    assert_eq!(refusal(&unfilled, &request()), "处理未完成,请稍后重试");
}

#[test]
fn accounts_may_be_made_by_a_template() {
    let template =
        json!({ "mode": "derive", "account_template": "px-${cardNo6}-${studentUserCode}", "password_rules": "短信" });
    let host = bare(with(json!({ "push_class": template })));
    host.platform("class.push", Ok(json!(null)));
    let reply = pushed(&host, &request());
    let account = "px-010016-7574252d9cb4410d97f620fd3e45e83c";
    assert_eq!(reply["returnData"][0]["studentUserAccount"], account);
    assert_eq!(reply["passwordRules"], "短信");
    assert_eq!(host.asked()[0].data["students"][0]["account"], account);
}

#[test]
fn the_template_left_out_gives_the_learners_code() {
    let host = bare(with(json!({ "push_class": { "mode": "derive" } })));
    host.platform("class.push", Ok(json!(null)));
    assert_eq!(pushed(&host, &request())["returnData"][0]["studentUserAccount"], "7574252d9cb4410d97f620fd3e45e83c");
}

#[test]
fn made_accounts_need_no_platform_but_one_that_is_there_must_hear_of_the_class() {
    let derive = || bare(with(json!({ "push_class": { "mode": "derive" } })));
    let alone = derive();
    assert_eq!(pushed(&alone, &request())["returnCode"], "0");
    assert_eq!(alone.logs().len(), 1);
    let deaf = derive();
    deaf.platform("class.push", Err(ForwardError::Unavailable("down".to_owned())));
    refusal(&deaf, &request());
}

#[test]
fn hooks_are_not_served_for_a_business_platform() {
    let host = bare(with(json!({ "role": "business" })));
    for hook in ["class-push", "course-pull"] {
        let request = hook_request(hook, "POST", "", request().to_string());
        let failure = host.receive::<SkillTrain>(request).unwrap_err();
        assert_eq!(failure.outcome, Outcome::NotSent);
    }
}
