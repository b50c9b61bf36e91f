//! The document's examples, both ways: what a platform gives and what goes over the wire, what the upstream answers and
//! what the platform gets. Identity numbers and names are synthetic, hosts are examples.

use serde_json::{Value, json};
use skill_train::SkillTrain;

use super::{LOGIN, bare, config, received, reply_of, url};

/// One operation's example.
fn example(operation: &str, text: &str) {
    let golden: Value = serde_json::from_str(text).unwrap();
    let host = bare(config());
    let session =
        json!({ "acceptToken": "343443", "studyPlatformCode": golden["platform"], "studyPlatformName": "343443" });
    host.on("POST", LOGIN).reply(200, json!({ "returnCode": "0", "returnMsg": "success", "returnData": session }));
    host.on("POST", &url(golden["path"].as_str().unwrap())).reply(200, golden["reply"].clone());

    let output = host.call::<SkillTrain>(operation, golden["input"].clone()).unwrap();
    assert_eq!(output, golden["output"], "{operation}");
    let body = host.requests().pop().unwrap().json();
    assert_eq!(body["data"], golden["data"], "{operation}");
    let token = if golden["part"] == 1 { "userToken" } else { "user_token" };
    let headers = &body["headers"];
    assert_eq!(headers.as_object().unwrap().keys().collect::<Vec<_>>(), ["deviceId", "deviceType", "timestamp", token]);
    assert_eq!((&headers["deviceType"], &headers["timestamp"]), (&json!("TYPE_PC"), &json!("1700000000")));
    assert_eq!(headers[token], "343443");

    let manifest = host.describe::<SkillTrain>();
    let declared = manifest["operations"].as_array().unwrap().iter().find(|it| it["name"] == operation).unwrap();
    for (schema, value) in [("input", &golden["input"]), ("output", &output)] {
        let validator = jsonschema::draft202012::new(&declared[schema]).unwrap();
        let errors: Vec<_> = validator.iter_errors(value).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{operation} {schema}: {errors:?}");
    }
}

macro_rules! examples {
    ($($name:ident: $operation:literal),* $(,)?) => {$(
        #[test]
        fn $name() {
            example($operation, include_str!(concat!("../golden/", $operation, ".json")));
        }
    )*};
}

examples! {
    a_name_is_verified_as_in_the_document: "student.authenticate",
    a_viewing_begins_as_in_the_document: "study.start",
    a_video_ends_as_in_the_document: "study.end",
    a_face_check_begins_as_in_the_document: "face.config",
    a_face_is_compared_as_in_the_document: "face.compare",
    a_popup_is_asked_for_as_in_the_document: "popup.get",
    a_popup_is_submitted_as_in_the_document: "popup.submit",
    a_recording_is_submitted_as_in_the_document: "record.submit",
    progress_is_reported_as_in_the_document: "progress.report",
    a_photo_is_updated_as_in_the_document: "photo.update",
    courses_are_pushed_as_in_the_document: "course.push",
    a_teacher_is_pushed_as_in_the_document: "teacher.push",
    a_course_of_part_2_is_pushed_as_in_the_document: "course.info",
    students_are_pushed_as_in_the_document: "student.push",
    a_class_is_pushed_as_in_the_document: "class.push",
    study_records_are_read_as_in_the_document: "class.study-records",
}

/// One hook's example.
fn hook_example(hook: &str, event: &str, text: &str) {
    let golden: Value = serde_json::from_str(text).unwrap();
    let host = super::host(config());
    host.platform(event, Ok(golden["answer"].clone()));
    let response = received(&host, hook, &golden["request"]);
    assert_eq!(reply_of(&response), golden["reply"]);
    let asked = host.asked().pop().unwrap();
    assert_eq!((asked.event.as_str(), &asked.data), (event, &golden["event"]));
}

#[test]
fn a_class_is_taken_as_in_the_document() {
    hook_example("class-push", "class.push", include_str!("../golden/hook.class-push.json"));
}

#[test]
fn courses_are_pulled_as_in_the_document() {
    hook_example("course-pull", "course.pull", include_str!("../golden/hook.course-pull.json"));
}
