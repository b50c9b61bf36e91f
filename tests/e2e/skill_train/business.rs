//! The business platform's half (2.1 to 2.5): what it registers arrives as sent, and what was studied comes back.

use duijie_tests::upstreams::{
    SkillTrain,
    skill_train::{Builder, Part2Token},
};
use serde_json::{Value, json};

use super::{Academy, Docked, code, docked_from, docked_with, minute, setup, start, with};
use crate::support::requests;

pub(super) fn teacher() -> Value {
    json!({
        "teaCode": code(0x71), "teaName": "甄测师", "depCode": code(0x72), "depName": "演示主管单位",
        "orgCode": code(0x73), "teaCard": "999999198506150036", "mobile": "13800000002", "remark": "备注一则",
    })
}

pub(super) fn course_info() -> Value {
    json!({
        "courseName": "课程名称", "coursePoster": " http://img.example.com/poster.jpg",
        "sectionList": [{ "sectionName": "第一章", "sectionSort": 1, "sectionSourceList": [
            { "chapterName": "第一节", "videoUrl": "http://vod.example.com/f0.mp4", "chapterSort": 1, "duration": 50 },
        ] }],
    })
}

pub(super) fn students() -> Value {
    let student = |n: usize, name: &str, card: &str| {
        json!({
            "stuCode": code(0x80 + n), "stuName": name, "stuCard": card, "mobile": "13800000003",
            "ercunPhotos": "http://img.example.com/s.jpg",
        })
    };
    json!({ "students": [student(0, "甄测生甲", "99999920000101002X"), student(1, "甄测生乙", "999999199001010016")] })
}

pub(super) fn class() -> Value {
    json!({
        "classCode": code(0xc1), "trainClassName": "模拟培训班", "orgCode": code(0x73), "orgName": "模拟机构",
        "courses": [{ "courseCode": code(0xb1), "title": "模拟课程", "chapters": [
            { "chapterCode": code(0xd1), "title": "第一部分", "sort": 1, "resources": [
                { "resCode": code(0xa1), "title": "资源", "sort": 1, "durationS": 1675,
                  "videoUrl": "http://vod.example.com/a.mov" },
            ] },
        ] }],
        "students": [
            { "cardNo": "99999920000101002x", "studentCode": code(0x1001), "studentName": "甄测生丙" },
        ],
    })
}

async fn business(sim: Builder, change: impl FnOnce(Academy) -> Academy) -> Docked {
    docked_with(sim, |academy| change(academy.config("role = \"business\""))).await
}

async fn usual() -> Docked {
    business(SkillTrain::builder(), |academy| academy).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_teacher_arrives_as_sent() {
    let docked = usual().await;
    docked.accepted("teacher.push", &teacher()).await;
    assert_eq!(docked.pushed("teacher.push", &code(0x71)), teacher());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_course_of_part_2_arrives_with_section_and_chapter_swapped_and_numbers_as_text() {
    let docked = usual().await;
    docked.accepted("course.info", &course_info()).await;
    let expected = json!({
        "courseName": "课程名称", "coursePoster": "http://img.example.com/poster.jpg",
        "sectionList": [{ "sectionName": "第一章", "sectionSort": "1", "sectionSourceList": [
            { "chapterName": "第一节", "videoUrl": "http://vod.example.com/f0.mp4", "chapterSort": "1", "duration": "50" },
        ] }],
    });
    assert_eq!(docked.pushed("course.info", "课程名称"), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn students_arrive_as_one_array() {
    let docked = usual().await;
    docked.accepted("student.push", &students()).await;
    assert_eq!((docked.seen("student.push"), docked.sim.counters().records_accepted), (1, 2));
    assert_eq!(docked.pushed("student.push", &code(0x81)), students()["students"][1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_class_arrives_with_chapter_code_well_spelt_and_lengths_in_words() {
    let docked = usual().await;
    docked.accepted("class.push", &class()).await;
    let pushed = docked.pushed("class.push", &code(0xc1));
    let chapter = &pushed["thirdClassCourseInfoVoList"][0]["children"][0];
    assert_eq!(chapter["chapterCode"], code(0xd1));
    let resource = &chapter["children"][0];
    assert_eq!(
        (&resource["videoShowTimeLength"], &resource["videoTimeLength"]),
        (&json!("27分钟55秒"), &json!("1675"))
    );
    let student = &pushed["thirdClassStudentInfoVoList"][0];
    assert_eq!((&student["studentCode"], &student["cardNo"]), (&json!(code(0x1001)), &json!("99999920000101002X")));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_studied_comes_back_by_learner_and_video() {
    let docked = docked_with(SkillTrain::builder(), |academy| academy.config("role = \"both\"")).await;
    docked.accepted("class.push", &class()).await;
    docked.accepted("study.start", &start(1)).await;
    docked.accepted("progress.report", &minute(1, 300, 300)).await;
    let records = docked.done("class.study-records", &json!({ "classCode": code(0xc1) })).await;
    let expected = json!({ "records": [{
        "resCode": code(0xa1), "sectionCode": code(0xd1), "classCode": code(0xc1), "courseCode": code(0xb1),
        "studentUserCode": code(0x1001), "playTime": 300,
    }] });
    assert_eq!(records, expected);
    docked.rejected("class.study-records", &json!({ "classCode": code(0xc9) }), "1308").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_address_that_only_the_tables_know_is_sent_when_the_link_has_one() {
    let docked = business(SkillTrain::builder().require_api_url(), |academy| academy).await;
    docked.rejected("teacher.push", &teacher(), "1201").await;
    let url = "https://learn.example.com/api";
    let api_url = |academy: Academy| academy.config(&format!("part2.api_url = \"{url}\""));
    let docked = business(SkillTrain::builder().require_api_url(), api_url).await;
    let pushes = [
        ("teacher.push", teacher()),
        ("course.info", course_info()),
        ("student.push", students()),
        ("class.push", class()),
    ];
    for (operation, input) in &pushes {
        docked.accepted(operation, input).await;
    }
    assert_eq!(docked.pushed("teacher.push", &code(0x71)), with(teacher(), &json!({ "studyPlatformApiUrl": url })));
    for (operation, key) in [("course.info", "课程名称"), ("student.push", &code(0x80)), ("class.push", &code(0xc1))]
    {
        assert_eq!(docked.pushed(operation, key)["studyPlatformApiUrl"], url, "{operation}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_of_part_2_is_the_log_ins_a_fixed_one_or_none() {
    let setup = setup().env("PART2_TOKEN", "a-token-for-part-two");
    let sim = SkillTrain::builder().part2_token(Part2Token::Static("a-token-for-part-two".to_owned()));
    let fixed = docked_from(setup, sim, |academy| {
        academy
            .config("role = \"business\"\npart2.token_source = \"static\"")
            .tables("[secrets.part2_token]\nenv = \"PART2_TOKEN\"")
            .toml()
    })
    .await;
    let none = SkillTrain::builder().part2_token(Part2Token::Unchecked);
    let none = business(none, |academy| academy.config("part2.token_source = \"none\"")).await;
    for (docked, logins) in [(usual().await, 1), (fixed, 0), (none, 0)] {
        docked.accepted("teacher.push", &teacher()).await;
        assert_eq!(docked.seen("login"), logins);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_note_that_1_is_success_counts_only_where_the_link_says_so() {
    let docked = usual().await;
    docked.fault("teacher.push", "code=1,成功");
    docked.rejected("teacher.push", &teacher(), "1").await;
    let codes = |academy: Academy| academy.config("part2.success_codes = [\"0\", \"1\"]");
    let docked = business(SkillTrain::builder(), codes).await;
    docked.fault("teacher.push", "code=1,成功");
    assert_eq!(docked.done("teacher.push", &teacher()).await["accepted"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_of_the_other_role_is_config_and_nothing_is_sent() {
    let business = usual().await;
    business.call("study.start", &start(1)).await.problem(500, "config", "not-sent");
    let learning = super::docked().await;
    learning.call("teacher.push", &teacher()).await.problem(500, "config", "not-sent");
    for docked in [&business, &learning] {
        assert_eq!(requests(&docked.sim.counters()), 0);
    }
}
