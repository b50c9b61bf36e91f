//! The upstream's document contradicts itself; each contradiction, through the real host. The strict simulator takes only
//! what should be sent, the quirky one gives back every oddity.

use duijie_tests::upstreams::{SkillTrain, skill_train::Spelling};
use serde_json::json;

use super::{
    Academy, Docked,
    business::{class, students, teacher},
    code,
    courses::course,
    docked, docked_with,
    faces::{compare, photo},
    minute, start, viewing, with,
};

/// Paths that the upstream was asked at, in order; log-ins left out.
fn paths(docked: &Docked) -> Vec<String> {
    let asked = docked.sim.journal().into_iter().map(|entry| entry.path);
    asked.filter(|path| path != "/api/v1/thlogin").collect()
}

async fn quirky(change: impl FnOnce(Academy) -> Academy) -> Docked {
    docked_with(SkillTrain::builder().quirky(), |academy| change(academy).config("role = \"both\"")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn start_study_goes_to_the_repaired_path() {
    let docked = docked().await;
    docked.accepted("study.start", &start(1)).await;
    assert_eq!(paths(&docked), ["/api/v1/startStudy"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn start_study_falls_back_to_the_printed_path_once_and_remembers_it() {
    let docked = docked_with(SkillTrain::builder().spelling(Spelling::Printed), |academy| academy).await;
    docked.accepted("study.start", &start(1)).await;
    docked.accepted("study.start", &start(2)).await;
    assert_eq!(paths(&docked), ["/api/v1/startStudy", "/api/startStudy", "/api/startStudy"]);
    assert_eq!(docked.sim.profile().studies().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn face_compare_falls_back_to_the_path_without_its_slash_once_and_remembers_it() {
    let docked = docked_with(SkillTrain::builder().spelling(Spelling::Printed), |academy| academy).await;
    for n in 0..2 {
        let check = docked.done("face.config", &viewing(n)).await;
        let answer = docked.done("face.compare", &compare(n, &check, "0", &photo(100_000, 1))).await;
        assert_eq!(answer["matched"], true);
    }
    let asked = paths(&docked);
    assert_eq!(
        asked,
        [
            "/api/v1/getFaceCompareConfig",
            "/api/v1/thirdFaceCompare",
            "/api/v1thirdFaceCompare",
            "/api/v1/getFaceCompareConfig",
            "/api/v1thirdFaceCompare",
        ]
    );
    assert!(docked.sim.profile().face_checks().iter().all(|check| check.photo_bytes == Some(100_000)));
}

#[tokio::test(flavor = "multi_thread")]
async fn part_1_sends_user_token_in_camel_case_and_part_2_with_an_underscore() {
    let docked = docked_with(SkillTrain::builder(), |academy| academy.config("role = \"both\"")).await;
    docked.accepted("study.start", &start(1)).await;
    docked.accepted("teacher.push", &teacher()).await;
    assert_eq!(docked.seen("login"), 1, "one token for both");
    // The other way round neither is found.
    let swapped = "role = \"both\"\nheaders.token_keys = { part1 = \"user_token\", part2 = \"userToken\" }";
    let docked = docked_with(SkillTrain::builder(), |academy| academy.config(swapped)).await;
    for (operation, input) in [("study.start", start(1)), ("teacher.push", teacher())] {
        docked.call(operation, &input).await.problem(503, "auth-expired", "rejected");
    }
    let both = "role = \"both\"\nheaders.token_keys = { part1 = [\"userToken\", \"user_token\"], part2 = [\"userToken\", \"user_token\"] }";
    let docked = docked_with(SkillTrain::builder(), |academy| academy.config(both)).await;
    docked.accepted("study.start", &start(1)).await;
    docked.accepted("teacher.push", &teacher()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_is_found_under_each_of_its_names() {
    let docked = quirky(|academy| academy).await;
    // The quirky log-in says accessToken, userToken and token in turn, each time as text/html.
    for n in 0..3 {
        docked.done("token.check", &json!({})).await;
        assert_eq!(docked.done("study.start", &start(n)).await["accepted"], true);
    }
    let counters = docked.sim.counters();
    assert_eq!((counters.tokens_issued, counters.token_rejections), (3, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_for_text_text_for_numbers_and_text_html_are_read() {
    let docked = quirky(|academy| academy).await;
    let check = docked.done("face.config", &viewing(1)).await;
    assert!(check["expiresAt"].is_string(), "{check}");
    assert_eq!(docked.done("face.compare", &compare(1, &check, "0", &photo(9, 1))).await["matched"], true);
    let popup = docked.done("popup.get", &viewing(1)).await;
    let typed =
        json!({ "bizCode": popup["bizCode"], "verificationCode": popup["verificationCode"], "videoStudyTime": 1 });
    assert_eq!(docked.done("popup.submit", &typed).await["accepted"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn study_records_with_a_comma_too_many_and_numbers_are_read() {
    let docked = quirky(|academy| academy).await;
    docked.done("study.start", &start(1)).await;
    docked.done("progress.report", &minute(1, 300, 300)).await;
    let records = docked.done("class.study-records", &json!({ "classCode": code(0xc1) })).await;
    let record = &records["records"][0];
    assert_eq!((&record["playTime"], &record["studentUserCode"]), (&json!(300), &json!(code(0x1001))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_with_http_400_and_an_expired_token_with_http_401_are_read_by_their_json() {
    let docked = quirky(|academy| academy).await;
    let popup = docked.done("popup.get", &viewing(1)).await;
    let typed = json!({ "bizCode": popup["bizCode"], "verificationCode": "none", "videoStudyTime": 1 });
    docked.rejected("popup.submit", &typed, "1306").await;
    docked.sim.revoke_tokens();
    assert_eq!(docked.done("study.start", &start(1)).await["attempt"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_with_http_404_is_read_by_its_json_and_no_other_path_is_tried() {
    let docked = quirky(|academy| academy).await;
    let unknown = json!({ "bizCode": code(1) });
    docked.rejected("face.compare", &compare(1, &unknown, "0", &photo(9, 1)), "1304").await;
    assert_eq!(paths(&docked), ["/api/v1/thirdFaceCompare"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_return_code_that_is_a_number_says_not_on_line_too() {
    let docked = quirky(|academy| academy).await;
    docked.sim.profile().set_online(false);
    let problem = docked.rejected("face.config", &viewing(1), "1").await;
    assert_eq!(problem["details"]["sub_code"], "offline");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_with_a_comma_too_many_or_a_byte_order_mark_is_no_fault() {
    let docked = docked().await;
    for fault in ["trailing-comma", "bom"] {
        docked.fault_once("photo.update", fault);
        let input = json!({ "cardNo": "999999199001010016", "ercunPhotoUrl": "http://img.example.com/1.jpg" });
        docked.accepted("photo.update", &input).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_go_as_numbers_or_as_text_by_operation_as_the_link_says() {
    let report = "numbers.as_string = { \"progress.report\" = true, \"course.push\" = false }";
    let docked = docked_with(SkillTrain::builder(), |academy| academy.config(report)).await;
    let courses = json!({ "courses": [course(1)] });
    docked.rejected("progress.report", &minute(1, 60, 60), "1202").await;
    docked.rejected("course.push", &courses, "1202").await;
    let docked = quirky(|academy| academy.config(report)).await;
    assert_eq!(docked.done("progress.report", &minute(1, 60, 60)).await["accepted"], true);
    assert_eq!(docked.done("course.push", &courses).await["accepted"], true);
    assert_eq!(docked.sim.profile().progress_sum(), 60);
    assert_eq!(docked.pushed("course.push", &code(0xb001))["chapterList"][0]["chapterSort"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_uuid_with_hyphens_and_capitals_arrives_as_32_lower_case_digits() {
    let docked = docked().await;
    let uuid = "05A924A9-8B24-4F36-8D8B-1360DD16CE09";
    docked.accepted("study.start", &with(start(1), &json!({ "studentUserCode": uuid }))).await;
    assert_eq!(docked.sim.profile().studies()[0].student_user_code, "05a924a98b244f368d8b1360dd16ce09");
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_that_are_no_uuid_and_identity_numbers_of_another_form_pass_where_the_link_allows_them() {
    let docked = quirky(|academy| academy.config("validate.card_no = false")).await;
    let odd = "acbcf014f50741b5a6d41ef34191834g";
    docked.done("study.start", &with(start(1), &json!({ "studentUserCode": odd }))).await;
    assert_eq!(docked.sim.profile().studies()[0].student_user_code, odd);
    let person = json!({ "cardNo": "TEST-CARD-01", "name": "甄测生" });
    assert_eq!(docked.done("student.authenticate", &person).await["verified"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn blanks_before_addresses_are_taken_away() {
    let docked = docked_with(SkillTrain::builder(), |academy| academy.config("role = \"both\"")).await;
    docked.accepted("course.push", &json!({ "courses": [course(1)] })).await;
    assert_eq!(docked.pushed("course.push", &code(0xb001))["coursePoster"], "http://img.example.com/poster.jpg");
    let mut class = class();
    class["courses"][0]["chapters"][0]["resources"][0]["videoUrl"] = json!(" http://vod.example.com/a.mov");
    docked.accepted("class.push", &class).await;
    let mut students = students();
    students["students"][0]["ercunPhotos"] = json!(" http://img.example.com/s.jpg ");
    docked.accepted("student.push", &students).await;
    assert_eq!(docked.pushed("student.push", &code(0x80))["ercunPhotos"], "http://img.example.com/s.jpg");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_that_the_document_does_not_name() {
    let sim = SkillTrain::builder().refuse_unknown_fields().refuse_out_of_order();
    let docked = docked_with(sim, |academy| academy.config("role = \"both\"")).await;
    docked.accepted("study.start", &start(1)).await;
    docked.accepted("progress.report", &minute(1, 60, 60)).await;
    docked.accepted("study.end", &viewing(1)).await;
    let check = docked.done("face.config", &viewing(1)).await;
    docked.done("face.compare", &compare(1, &check, "0", &photo(9, 1))).await;
    docked.accepted("course.push", &json!({ "courses": [course(1)] })).await;
    for (operation, input) in [
        ("teacher.push", teacher()),
        ("course.info", super::business::course_info()),
        ("student.push", students()),
        ("class.push", class()),
    ] {
        docked.accepted(operation, &input).await;
    }
}
