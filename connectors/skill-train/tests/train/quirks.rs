//! The document's quirks, one test each: what is sent where it contradicts itself, and what is understood.

use duijie_sdk::{Class, Outcome};
use serde_json::{Value, json};
use skill_train::SkillTrain;

use super::{CODE, config, end, host, last, ok, sent, start, url, with};

const START: &str = "/api/v1/startStudy";
const START_PRINTED: &str = "/api/startStudy";

fn not_found() -> Value {
    json!({ "status": 404, "error": "Not Found" })
}

#[test]
fn start_study_falls_back_to_the_printed_path_once_and_remembers_it() {
    let host = host(config());
    host.on("POST", &url(START)).reply(404, not_found());
    host.on("POST", &url(START_PRINTED)).reply(200, ok());
    for _ in 0..2 {
        host.call::<SkillTrain>("study.start", start()).unwrap();
    }
    let paths: Vec<_> = sent(&host).into_iter().map(|sent| sent.url).collect();
    assert_eq!(paths, [url(START), url(START_PRINTED), url(START_PRINTED)]);
}

#[test]
fn the_repaired_path_is_found_again_when_the_printed_one_is_gone() {
    let host = host(config());
    host.on("POST", &url(START)).reply(404, not_found()).reply(200, ok());
    host.on("POST", &url(START_PRINTED)).reply(200, ok()).reply(404, not_found());
    for _ in 0..3 {
        host.call::<SkillTrain>("study.start", start()).unwrap();
    }
    let paths: Vec<_> = sent(&host).into_iter().map(|sent| sent.url).collect();
    assert_eq!(paths, [url(START), url(START_PRINTED), url(START_PRINTED), url(START), url(START)]);
}

#[test]
fn face_compare_falls_back_to_the_path_without_its_slash_with_the_whole_photo() {
    let host = host(config());
    host.on("POST", &url("/api/v1/thirdFaceCompare")).reply(404, not_found());
    let match_ = json!({ "returnCode": "0", "returnData": { "result": "1" } });
    host.on("POST", &url("/api/v1thirdFaceCompare")).reply(200, match_);
    assert_eq!(host.call::<SkillTrain>("face.compare", super::faces::photo("QUJD")).unwrap()["matched"], true);
    assert_eq!(sent(&host)[1].json()["data"]["target"], "QUJD");
}

#[test]
fn a_refusal_in_json_under_http_404_is_the_answer_and_no_other_path_is_tried() {
    let refusal = json!({ "returnCode": "9", "returnMsg": "学员不存在" });
    let photo = || super::faces::photo("QUJD");
    for (operation, path, printed, input) in [
        ("study.start", START, START_PRINTED, start()),
        ("face.compare", "/api/v1/thirdFaceCompare", "/api/v1thirdFaceCompare", photo()),
    ] {
        let host = host(config());
        host.on("POST", &url(path)).reply(404, refusal.clone());
        host.on("POST", &url(printed)).reply(200, ok());
        let failure = host.call::<SkillTrain>(operation, input).unwrap_err();
        assert_eq!((failure.class, failure.outcome), (Class::UpstreamRejected, Outcome::Rejected), "{operation}");
        assert_eq!(failure.upstream_code.as_deref(), Some("9"));
        assert_eq!(sent(&host).len(), 1, "{operation}");
    }
}

#[test]
fn a_printed_path_that_refuses_under_http_404_is_remembered_as_the_right_one() {
    let host = host(config());
    host.on("POST", &url(START)).reply(404, not_found());
    host.on("POST", &url(START_PRINTED)).reply(404, json!({ "returnCode": "9" })).reply(200, ok());
    assert_eq!(host.call::<SkillTrain>("study.start", start()).unwrap_err().class, Class::UpstreamRejected);
    host.call::<SkillTrain>("study.start", start()).unwrap();
    let paths: Vec<_> = sent(&host).into_iter().map(|sent| sent.url).collect();
    assert_eq!(paths, [url(START), url(START_PRINTED), url(START_PRINTED)]);
}

#[test]
fn two_missing_paths_are_the_operators() {
    let host = host(config());
    host.on("POST", &url(START)).reply(404, not_found());
    host.on("POST", &url(START_PRINTED)).reply(404, not_found());
    let failure = host.call::<SkillTrain>("study.start", start()).unwrap_err();
    assert_eq!((failure.class, failure.outcome), (Class::Config, Outcome::Rejected));
    assert!(failure.message.contains("path.\"study.start\""), "{}", failure.message);
}

#[test]
fn a_path_of_the_links_has_no_second() {
    let host = host(with(json!({ "path": { "study.start": "/x" } })));
    host.on("POST", &url("/x")).reply(404, not_found());
    assert_eq!(host.call::<SkillTrain>("study.start", start()).unwrap_err().class, Class::Config);
    assert_eq!(sent(&host).len(), 1);
}

#[test]
fn an_unknown_outcome_never_tries_the_other_path() {
    let host = host(config());
    host.on("POST", &url(START)).reply(502, json!({}));
    assert_eq!(host.call::<SkillTrain>("study.start", start()).unwrap_err().outcome, Outcome::Unknown);
    assert_eq!(sent(&host).len(), 1);
}

#[test]
fn part_1_says_user_token_in_camel_case_and_part_2_with_an_underscore_and_both_may_be_sent() {
    let keys = json!({ "headers": { "token_keys": { "part1": ["userToken", "user_token"], "part2": "userToken" } } });
    let host = host(with(keys));
    host.on("POST", &url("/api/v1/endStudy")).reply(200, ok());
    end(&host).unwrap();
    let headers = last(&host)["headers"].clone();
    assert_eq!((headers["userToken"].as_str(), headers["user_token"].as_str()), (Some("t1"), Some("t1")));
    host.on("POST", &url("/api/class/v1/classStudentStudy")).reply(200, ok());
    host.call::<SkillTrain>("class.study-records", json!({ "classCode": CODE })).unwrap();
    let headers = last(&host)["headers"].clone();
    assert_eq!((headers["userToken"].as_str(), headers.get("user_token")), (Some("t1"), None));
}

#[test]
fn a_static_token_may_go_under_two_names() {
    let host = super::bare(with(json!({
        "part2": { "token_source": "static" }, "headers": { "token_keys": { "part2": ["a", "b"] } },
    })));
    host.secret("part2_token", "s3", duijie_sdk::testing::KeyEncoding::Utf8);
    host.on("POST", &url("/api/class/v1/classStudentStudy")).reply(200, ok());
    host.call::<SkillTrain>("class.study-records", json!({ "classCode": CODE })).unwrap();
    assert_eq!((&last(&host)["headers"]["a"], &last(&host)["headers"]["b"]), (&json!("s3"), &json!("s3")));
}

#[test]
fn numbers_are_numbers_or_text_as_the_link_says() {
    let progress = || {
        let mut progress = start();
        progress["playTime"] = json!(205);
        progress["progressTime"] = json!(50);
        progress
    };
    for (as_string, expected) in [(json!({}), json!(205)), (json!({ "progress.report": true }), json!("205"))] {
        let host = host(with(json!({ "numbers": { "as_string": as_string } })));
        host.on("POST", &url("/api/v1/studyHour")).reply(200, ok());
        host.call::<SkillTrain>("progress.report", progress()).unwrap();
        assert_eq!(last(&host)["data"]["playTime"], expected);
    }
}

#[test]
fn every_operation_with_numbers_can_be_told_otherwise() {
    let golden: [(&str, &str, &str, bool, Value); 6] = [
        ("face.compare", include_str!("../golden/face.compare.json"), "/videoStudyTime", true, json!("20")),
        ("popup.submit", include_str!("../golden/popup.submit.json"), "/videoStudyTime", true, json!("20")),
        ("course.push", include_str!("../golden/course.push.json"), "/0/chapterList/0/chapterSort", false, json!(1)),
        ("course.push", include_str!("../golden/course.push.json"), "/0/courseStatus", false, json!(0)),
        ("course.info", include_str!("../golden/course.info.json"), "/sectionList/0/sectionSort", false, json!(1)),
        (
            "class.push",
            include_str!("../golden/class.push.json"),
            "/thirdClassCourseInfoVoList/0/children/0/children/0/videoTimeLength",
            false,
            json!(1675),
        ),
    ];
    for (operation, text, pointer, as_string, expected) in golden {
        let golden: Value = serde_json::from_str(text).unwrap();
        let host = host(with(json!({ "numbers": { "as_string": { operation: as_string } } })));
        host.on("POST", &url(golden["path"].as_str().unwrap())).reply(200, golden["reply"].clone());
        host.call::<SkillTrain>(operation, golden["input"].clone()).unwrap();
        assert_eq!(last(&host)["data"].pointer(pointer), Some(&expected), "{operation}");
    }
}

#[test]
fn a_uuid_is_sent_as_32_lower_case_digits_and_other_codes_as_they_are() {
    let cases = [
        ("05A924A9-8B24-4F36-8D8B-1360DD16CE09", CODE),
        ("05A924A98B244F368D8B1360DD16CE09", CODE),
        ("acbcf014f50741b5a6d41ef34191834", "acbcf014f50741b5a6d41ef34191834"),
        ("Kurs-7G", "Kurs-7G"),
    ];
    for (given, expected) in cases {
        let host = host(config());
        host.on("POST", &url("/api/v1/endStudy")).reply(200, ok());
        let mut viewing = super::viewing();
        viewing["resCode"] = json!(given);
        host.call::<SkillTrain>("study.end", viewing).unwrap();
        assert_eq!(last(&host)["data"]["resCode"], expected);
    }
}

#[test]
fn a_code_of_blanks_is_refused_before_anything_is_sent() {
    for blank in [" ", "\u{3000}\t"] {
        let host = host(config());
        let mut viewing = super::viewing();
        viewing["resCode"] = json!(blank);
        let failure = host.call::<SkillTrain>("study.end", viewing).unwrap_err();
        assert_eq!((failure.class, failure.outcome), (Class::InvalidInput, Outcome::NotSent));
        assert!(host.requests().is_empty());
    }
    // The host says where, by the schema.
    let operations = host(config()).describe::<SkillTrain>()["operations"].clone();
    let end = operations.as_array().unwrap().iter().find(|it| it["name"] == "study.end").unwrap();
    let code = &end["input"]["properties"]["resCode"];
    assert!(!jsonschema::draft202012::is_valid(code, &json!(" ")));
    assert!(jsonschema::draft202012::is_valid(code, &json!(" Kurs-7G ")));
}

#[test]
fn the_parent_of_a_chapter_is_sent_as_parent_chapter_code_and_never_as_the_table_misprints_it() {
    let golden: Value = serde_json::from_str(include_str!("../golden/course.push.json")).unwrap();
    let host = host(config());
    host.on("POST", &url("/api/v1/thirdCoursePush")).reply(200, ok());
    host.call::<SkillTrain>("course.push", golden["input"].clone()).unwrap();
    let sent = sent(&host).remove(0);
    assert_eq!(sent.json()["data"][0]["chapterList"][0]["parentChapterCode"], "1".repeat(32));
    assert!(!sent.text().contains("parentChapertCode"));
}

#[test]
fn biz_code_is_always_sent_in_1_6_though_the_example_lacks_it() {
    let host = host(config());
    host.on("POST", &url("/api/v1/thirdFaceCompare"))
        .reply(200, json!({ "returnCode": "0", "returnData": { "result": 1 } }));
    let photo = super::faces::photo("QUJD");
    host.call::<SkillTrain>("face.compare", photo.clone()).unwrap();
    assert_eq!(last(&host)["data"]["bizCode"], photo["bizCode"]);
    let mut without = photo;
    without.as_object_mut().unwrap().remove("bizCode");
    assert_eq!(host.call::<SkillTrain>("face.compare", without).unwrap_err().class, Class::InvalidInput);
}

#[test]
fn user_code_in_the_study_records_of_2_5_is_the_learner() {
    let host = host(config());
    let record = json!({ "resCode": "r", "playTime": "300", "userCode": CODE });
    host.on("POST", &url("/api/class/v1/classStudentStudy"))
        .reply(200, json!({ "returnCode": "0", "returnData": [record] }));
    let records = host.call::<SkillTrain>("class.study-records", json!({ "classCode": CODE })).unwrap();
    assert_eq!(records["records"][0]["studentUserCode"], CODE);
}

#[test]
fn a_section_is_left_out_where_there_is_none() {
    let host = host(config());
    host.on("POST", &url(START)).reply(200, ok());
    host.call::<SkillTrain>("study.start", start()).unwrap();
    assert_eq!(last(&host)["data"].get("sectionCode"), None);
}

#[test]
fn return_code_0_is_success_as_number_and_as_text() {
    for code in [json!(0), json!("0")] {
        let host = host(config());
        host.on("POST", &url("/api/v1/endStudy")).reply(200, json!({ "returnCode": code }));
        assert_eq!(end(&host).unwrap()["accepted"], true);
    }
}

#[test]
fn part_2_may_call_1_a_success_and_part_1_may_not() {
    let host = host(with(json!({ "part2": { "success_codes": ["0", "1"] } })));
    let one = json!({ "returnCode": 1, "returnMsg": "成功" });
    host.on("POST", &url("/api/class/v1/classStudentStudy")).reply(200, one.clone());
    host.call::<SkillTrain>("class.study-records", json!({ "classCode": CODE })).unwrap();
    host.on("POST", &url("/api/v1/endStudy")).reply(200, one);
    assert_eq!(end(&host).unwrap_err().class, Class::UpstreamRejected);
}

#[test]
fn a_reply_with_a_byte_order_mark_and_trailing_commas_is_read() {
    let host = host(config());
    host.on("POST", &url("/api/v1/endStudy")).reply_text(200, "text/plain", "\u{feff}{\"returnCode\":\"0\",}");
    end(&host).unwrap();
}

#[test]
fn the_api_address_of_part_2_is_sent_when_it_is_set() {
    for (name, text) in [
        ("teacher.push", include_str!("../golden/teacher.push.json")),
        ("course.info", include_str!("../golden/course.info.json")),
        ("student.push", include_str!("../golden/student.push.json")),
        ("class.push", include_str!("../golden/class.push.json")),
    ] {
        let golden: Value = serde_json::from_str(text).unwrap();
        let host = host(with(json!({ "part2": { "api_url": "https://study.example.com/api" } })));
        host.on("POST", &url(golden["path"].as_str().unwrap())).reply(200, ok());
        host.call::<SkillTrain>(name, golden["input"].clone()).unwrap();
        let data = last(&host)["data"].clone();
        let record = data.get(0).unwrap_or(&data);
        assert_eq!(record["studyPlatformApiUrl"], "https://study.example.com/api", "{name}");
    }
}

#[test]
fn blanks_around_addresses_are_trimmed() {
    let host = host(config());
    host.on("POST", &url("/api/v1/updateErcunPhotosUrl")).reply(200, ok());
    let photo = json!({ "cardNo": "999999199001010016", "ercunPhotoUrl": " http://img.example.com/f0.jpg " });
    host.call::<SkillTrain>("photo.update", photo).unwrap();
    assert_eq!(last(&host)["data"]["ercunPhotoUrl"], "http://img.example.com/f0.jpg");
}

#[test]
fn the_short_numbers_of_the_documents_examples_pass_when_the_check_is_off() {
    let host = host(with(json!({ "validate": { "card_no": false } })));
    host.on("POST", &url("/api/v1/authentication")).reply(200, ok());
    host.call::<SkillTrain>("student.authenticate", json!({ "cardNo": "999999990101", "name": "甄测生" })).unwrap();
    assert_eq!(last(&host)["data"]["cardNo"], "999999990101");
}

#[test]
fn the_device_is_a_uuid_that_stays_the_same_or_what_the_link_says() {
    let host = host(config());
    host.on("POST", &url("/api/v1/endStudy")).reply(200, ok());
    end(&host).unwrap();
    end(&host).unwrap();
    let ids: Vec<_> = host.requests().iter().map(|sent| sent.json()["headers"]["deviceId"].clone()).collect();
    assert!(ids.windows(2).all(|pair| pair[0] == pair[1]), "{ids:?}");
    let id = ids[0].as_str().unwrap();
    let groups: Vec<_> = id.split('-').map(str::len).collect();
    assert_eq!((groups.as_slice(), &id[14..15]), ([8, 4, 4, 4, 12].as_slice(), "8"));

    host.config(with(json!({ "device": { "type": "TYPE_ANDROID", "id": "001122aabbcc" } })));
    end(&host).unwrap();
    let headers = last(&host)["headers"].clone();
    assert_eq!(
        (headers["deviceType"].as_str(), headers["deviceId"].as_str()),
        (Some("TYPE_ANDROID"), Some("001122aabbcc"))
    );
}

#[test]
fn study_records_are_read_with_numbers_and_without_sections() {
    let host = host(config());
    let record = json!({ "resCode": "r", "playTime": 300, "sectionCode": "", "userCode": "u", "more": 1 });
    let reply = json!({ "returnCode": "0", "returnData": [record] });
    host.on("POST", &url("/api/class/v1/classStudentStudy")).reply(200, reply);
    let output = host.call::<SkillTrain>("class.study-records", json!({ "classCode": CODE })).unwrap();
    let expected = json!({
        "resCode": "r", "sectionCode": null, "classCode": null, "courseCode": null, "studentUserCode": "u", "playTime": 300,
    });
    assert_eq!(output["records"][0], expected);
}

#[test]
fn the_time_of_a_request_is_sent_in_whole_seconds() {
    let host = host(config());
    host.set_now_ms(1_587_107_195_999);
    host.on("POST", &url("/api/v1/endStudy")).reply(200, ok());
    end(&host).unwrap();
    assert_eq!(last(&host)["headers"]["timestamp"], "1587107195");
}
