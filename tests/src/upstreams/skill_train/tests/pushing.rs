//! Courses, and everything of part 2.

use serde_json::{Value, json};

use super::super::{SkillTrain, codes};
use super::academy::{Academy, code, learner, platform, with};

const COURSE_PUSH: &str = "/api/v1/thirdCoursePush";

fn course(status: &str) -> Value {
    let resource = json!({"resName": "资源", "resCode": code("r"), "videoUrl": "http://vod.example.com/f0.mp4",
        "resSort": "1", "duration": "50"});
    let section = |chapter: &str| {
        json!({"sectionName": "节", "sectionCode": code("s"), "parentSectionCode": code(chapter), "sectionSort": "1",
            "sectionSourceList": [resource]})
    };
    let nested = json!({"chapterName": "章", "chapterCode": code("ch2.1"), "parentChapterCode": code("ch2"),
        "chapterSort": "1", "sectionList": [section("ch2.1")]});
    json!({
        "studyPlatformCode": platform(), "courseName": "课程1", "courseCode": code("course"), "workName": "焊工",
        "courseStatus": status, "coursePoster": "http://img.example.com/f0.jpg",
        "chapterList": [
            {"chapterName": "章", "chapterCode": code("ch1"), "parentChapterCode": code("course"), "chapterSort": "1",
                "sectionList": [section("ch1")]},
            {"chapterName": "章", "chapterCode": code("ch2"), "parentChapterCode": code("course"), "chapterSort": "2",
                "chapterList": [nested]},
        ],
    })
}

/// A course whose chapters are nested so deep.
fn nested(depth: usize) -> Value {
    let mut chapter = json!({"sectionList": []});
    for level in (1..=depth).rev() {
        let parent = if level == 1 { code("course") } else { code(&format!("level{}", level - 1)) };
        let mut outer = json!({"chapterName": "章", "chapterCode": code(&format!("level{level}")),
            "parentChapterCode": parent, "chapterSort": "1"});
        if level == depth {
            outer["sectionList"] = json!([]);
        } else {
            outer["chapterList"] = json!([chapter]);
        }
        chapter = outer;
    }
    with(&course("0"), "chapterList", json!([chapter]))
}

#[tokio::test]
async fn the_tables_parent_chapert_code_is_read_as_the_parent_of_a_chapter_only_when_quirky() {
    let spelt = course("0").to_string().replace("parentChapterCode", "parentChapertCode");
    let courses: Value = serde_json::from_str(&format!("[{spelt}]")).expect("JSON");
    let strict = Academy::strict().await;
    assert_eq!(strict.code(COURSE_PUSH, &courses).await, codes::FIELD_MISSING);
    let quirky = Academy::of(SkillTrain::builder().quirky()).await;
    assert_eq!(quirky.code(COURSE_PUSH, &courses).await, 0);
}

#[tokio::test]
async fn courses_are_kept_replaced_and_deleted_by_their_codes() {
    let academy = Academy::strict().await;
    assert_eq!(academy.code(COURSE_PUSH, &json!([course("0")])).await, "0");
    let renamed = with(&course("2"), "courseName", "课程2".into());
    assert_eq!(academy.code(COURSE_PUSH, &json!([renamed])).await, "0");
    let kept = academy.profile().pushed("course.push", &code("course")).expect("kept");
    assert_eq!((kept.times, kept.record), (2, renamed));
    let deletion = with(&course("1"), "chapterList", json!(null));
    assert_eq!(academy.code(COURSE_PUSH, &json!([deletion])).await, "0");
    assert_eq!(academy.profile().pushed("course.push", &code("course")), None);
    let two = json!([course("0"), with(&course("0"), "courseName", "课程2".into())]);
    assert_eq!(academy.code(COURSE_PUSH, &two).await, "0");
    let counters = academy.simulator.counters();
    assert_eq!((counters.records_accepted, counters.overwrites), (5, 2));
}

#[tokio::test]
async fn a_tree_is_checked_to_its_leaves() {
    let academy = Academy::strict().await;
    let change = |pointer: &str, value: Value| {
        let mut course = course("0");
        *course.pointer_mut(pointer).expect("is there") = value;
        json!([course])
    };
    for (data, expected) in [
        (course("0"), codes::FIELD_TYPE),
        (json!([]), codes::FIELD_FORMAT),
        (json!([with(&course("0"), "courseStatus", json!(0))]), codes::FIELD_TYPE),
        (json!([with(&course("0"), "courseStatus", "3".into())]), codes::FIELD_ENUM),
        (json!([with(&course("0"), "chapterList", json!(null))]), codes::FIELD_MISSING),
        (json!([with(&course("0"), "coursePoster", " http://img.example.com/f0.jpg".into())]), codes::FIELD_FORMAT),
        (change("/chapterList/0/parentChapterCode", code("elsewhere").into()), codes::PARENT),
        (change("/chapterList/1/chapterList/0/parentChapterCode", code("course").into()), codes::PARENT),
        (change("/chapterList/0/sectionList/0/parentSectionCode", code("course").into()), codes::PARENT),
        (change("/chapterList/0/chapterSort", 1.into()), codes::FIELD_TYPE),
        (change("/chapterList/0/sectionList/0/sectionSourceList/0/duration", 50.into()), codes::FIELD_TYPE),
        (json!([nested(9)]), codes::DEPTH),
        (json!([nested(8)]), "0"),
    ] {
        let reply = academy.send(COURSE_PUSH, &data).await.json();
        assert_eq!(reply["returnCode"], expected, "{reply} {data}");
    }
    let deep = change("/chapterList/0/sectionList/0/sectionSourceList/0/videoUrl", json!(null));
    let message = academy.send(COURSE_PUSH, &deep).await.json()["returnMsg"].clone();
    assert_eq!(message, "字段 data[0].chapterList[0].sectionList[0].sectionSourceList[0].videoUrl 必填");
}

#[tokio::test]
async fn of_several_courses_all_are_taken_or_none() {
    let academy = Academy::strict().await;
    let bad = with(&course("0"), "courseName", json!(null));
    let reply = academy.send(COURSE_PUSH, &json!([course("0"), bad])).await.json();
    assert_eq!(reply["returnMsg"], "字段 data[1].courseName 必填");
    assert_eq!(academy.profile().pushed_list(), []);
}

fn teacher() -> Value {
    json!({"teaCode": code("teacher"), "teaName": "甄测师", "depCode": code("department"), "depName": "模拟主管单位",
        "orgCode": code("organisation"), "teaCard": "999999198506150036", "mobile": "13800000002", "remark": "备注"})
}

fn student() -> Value {
    json!({"stuCode": code("student"), "stuName": "甄测生", "stuCard": "99999920000101002X", "mobile": "13800000003",
        "ercunPhotos": "http://img.example.com/f0.jpg", "remark": "备注"})
}

fn class() -> Value {
    let resource = json!({"resCode": code("resource"), "resType": "TYPE_VIDEO", "sort": 1, "spread": true,
        "title": "资源", "videoShowTimeLength": "27分钟55秒", "videoTimeLength": "1675",
        "videoUrl": "http://vod.example.com/a.mov"});
    let chapter = json!({"chapterCode": code("chapter"), "title": "第一部分", "sort": 1, "children": [resource]});
    json!({
        "classCode": code("class"), "trainClassName": "模拟培训班", "orgCode": code("organisation"),
        "orgName": "模拟机构",
        "thirdClassCourseInfoVoList":
            [{"courseCode": code("course"), "title": "课程", "sort": 0, "children": [chapter]}],
        "thirdClassStudentInfoVoList": [{"cardNo": "999999199001010016", "studentCode": code("student"),
            "studentName": "甄测生", "ercunPhotos": "http://img.example.com/f0.jpg"}],
    })
}

#[tokio::test]
async fn part_2_keeps_teachers_students_courses_and_classes() {
    let academy = Academy::strict().await;
    let info = json!({"courseName": "课程名称", "coursePoster": "http://img.example.com/f0.jpg", "sectionList":
        [{"sectionName": "第一章", "sectionSort": "1", "sectionSourceList": [{"chapterName": "第一节",
            "videoUrl": "http://vod.example.com/f0.mp4", "chapterSort": "1", "duration": "50"}]}]});
    for (path, data, operation, key, record) in [
        ("/api/user/v1/teacherInfo", teacher(), "teacher.push", code("teacher"), teacher()),
        ("/api/course/v1/courseInfo", info.clone(), "course.info", "课程名称".to_owned(), info),
        ("/api/user/v1/studentInfo", json!([student()]), "student.push", code("student"), student()),
        ("/api/class/v1/pushClassInfo", class(), "class.push", code("class"), class()),
    ] {
        let reply = academy.send(path, &data).await.json();
        assert_eq!(reply, json!({"returnCode": "0", "returnMsg": "success"}), "{path}");
        assert_eq!(academy.profile().pushed(operation, &key).map(|pushed| pushed.record), Some(record), "{path}");
    }
    let path = "/_sim/pushed/course.info/%E8%AF%BE%E7%A8%8B%E5%90%8D%E7%A7%B0";
    let read = super::super::super::testing::call(academy.address(), "GET", path).await;
    assert_eq!(read.json()["courseName"], "课程名称");
}

#[tokio::test]
async fn part_2_refuses_what_a_careful_connector_does_not_send() {
    let academy = Academy::strict().await;
    let mut typo = class();
    let chapter = &mut typo["thirdClassCourseInfoVoList"][0]["children"][0];
    *chapter = with(&with(chapter, "chapterCode", json!(null)), "chapetCode", code("chapter").into());
    for (path, data, expected) in [
        ("/api/user/v1/teacherInfo", with(&teacher(), "mobile", json!(null)), codes::FIELD_MISSING),
        ("/api/user/v1/teacherInfo", with(&teacher(), "teaCard", "999999198506150037".into()), codes::FIELD_FORMAT),
        ("/api/user/v1/studentInfo", student(), codes::FIELD_TYPE),
        ("/api/user/v1/studentInfo", json!([student(), {}]), codes::FIELD_MISSING),
        ("/api/course/v1/courseInfo", json!({"courseName": "课程名称"}), codes::FIELD_MISSING),
        ("/api/class/v1/pushClassInfo", typo, codes::FIELD_MISSING),
        ("/api/class/v1/pushClassInfo", with(&class(), "thirdClassStudentInfoVoList", json!({})), codes::FIELD_TYPE),
    ] {
        assert_eq!(academy.code(path, &data).await, expected, "{path} {data}");
    }
    assert_eq!(academy.profile().pushed_list(), []);
}

#[tokio::test]
async fn the_api_url_of_the_tables_is_wanted_when_told() {
    let academy = Academy::of(SkillTrain::builder().require_api_url()).await;
    let path = "/api/user/v1/teacherInfo";
    assert_eq!(academy.code(path, &teacher()).await, codes::FIELD_MISSING);
    let with_url = with(&teacher(), "studyPlatformApiUrl", "http://learning.example.com/api".into());
    assert_eq!(academy.code(path, &with_url).await, "0");
}

#[tokio::test]
async fn study_records_of_a_class_are_what_was_reported_for_it() {
    let academy = Academy::strict().await;
    let path = "/api/class/v1/classStudentStudy";
    let asked = json!({"classCode": code("class")});
    assert_eq!(academy.code(path, &asked).await, codes::CLASS);
    academy.send("/api/class/v1/pushClassInfo", &class()).await;
    assert_eq!(academy.data(path, &asked).await, json!([]));
    for (class, increment_s) in [("class", 200), ("class", 100), ("other", 7)] {
        let student = if class == "class" { "a" } else { "b" };
        let report = learner(
            student,
            json!({"classCode": code(class), "courseCode": code("course"),
            "sectionCode": code("section"), "playTime": 205, "progressTime": increment_s}),
        );
        assert_eq!(academy.code("/api/v1/studyHour", &report).await, "0");
    }
    let row = json!({"resCode": code("resource"), "playTime": "300", "sectionCode": code("section"),
        "classCode": code("class"), "courseCode": code("course"), "userCode": code("a")});
    assert_eq!(academy.data(path, &asked).await, json!([row]));
}
