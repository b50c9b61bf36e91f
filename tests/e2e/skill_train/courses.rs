//! The course catalogue: pushed (1.13), kept in the link for the upstream (`course.store`), pulled by pages (1.14).

use duijie_tests::upstreams::{
    SkillTrain,
    skill_train::{DEMO_ACCOUNT, Page},
};
use http::Method;
use serde_json::{Value, json};

use super::{COURSE_EVENT, COURSE_PATH, Docked, code, docked, docked_with, with};
use crate::support::requests;

/// Course `n`: a chapter with a section, and one with a chapter in it.
pub(super) fn course(n: usize) -> Value {
    let section = json!({
        "sectionCode": code(0x5000 + n), "sectionName": "第一节", "sectionSort": 1,
        "sectionSourceList": [{
            "resCode": code(0x7000 + n), "resName": "资源", "videoUrl": "http://vod.example.com/a.mp4", "resSort": 1,
            "duration": 50,
        }],
    });
    let chapter = |at: usize, more: Value| {
        let base = json!({ "chapterCode": code(at + n), "chapterName": "第一章", "chapterSort": 1 });
        with(base, &more)
    };
    let inner = chapter(0x3000, json!({ "sectionList": [section] }));
    json!({
        "courseCode": code(0xb000 + n), "courseName": format!("课程{n}"), "workName": "焊工",
        "coursePoster": " http://img.example.com/poster.jpg",
        "chapterList": [chapter(0x1000, json!({ "sectionList": [] })), chapter(0x2000, json!({ "chapterList": [inner] }))],
    })
}

fn courses(numbers: std::ops::Range<usize>) -> Value {
    json!({ "courses": numbers.map(course).collect::<Value>() })
}

/// The same course with another status.
fn marked(n: usize, status: &str) -> Value {
    json!({ "courses": [with(course(n), &json!({ "courseStatus": status }))] })
}

async fn pull(docked: &Docked, page_no: u32, page_size: u32) -> Vec<Value> {
    let page = docked.sim.profile().pull_courses(&Page::Numbered { page_no, page_size }).await.unwrap();
    assert_eq!((page.return_code.as_str(), page.return_msg.as_str()), ("0", "success"));
    assert_eq!((page.page_no, page.page_size), (Some(page_no.into()), Some(page_size.into())));
    page.courses
}

fn names(courses: &[Value]) -> Vec<&str> {
    courses.iter().map(|course| course["courseName"].as_str().unwrap()).collect()
}

async fn storing() -> Docked {
    docked_with(SkillTrain::builder(), |academy| academy.config("pull.source = \"store\"")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn pushed_courses_arrive_as_an_array_with_parents_and_the_platforms_code() {
    let docked = docked().await;
    docked.accepted("course.push", &courses(0..3)).await;
    assert_eq!(docked.seen("course.push"), 1, "one request for all of them");
    let pushed = docked.pushed("course.push", &code(0xb001));
    assert_eq!(pushed["studyPlatformCode"], SkillTrain::platform_code(DEMO_ACCOUNT));
    assert_eq!((&pushed["courseStatus"], &pushed["chapterList"][0]["chapterSort"]), (&json!("0"), &json!("1")));
    let outer = &pushed["chapterList"][1];
    assert_eq!((&outer["parentChapterCode"], &outer["chapterCode"]), (&json!(code(0xb001)), &json!(code(0x2001))));
    let inner = &outer["chapterList"][0];
    assert_eq!(inner["parentChapterCode"], outer["chapterCode"]);
    assert_eq!(inner["sectionList"][0]["parentSectionCode"], inner["chapterCode"]);
    assert_eq!(inner["sectionList"][0]["sectionSourceList"][0]["duration"], "50");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_course_is_added_modified_and_deleted_at_the_upstream() {
    let docked = docked().await;
    let key = code(0xb001);
    docked.accepted("course.push", &marked(1, "0")).await;
    docked.accepted("course.push", &marked(1, "2")).await;
    let pushed = docked.sim.profile().pushed("course.push", &key).unwrap();
    assert_eq!((pushed.times, &pushed.record["courseStatus"]), (2, &json!("2")));
    docked.accepted("course.push", &marked(1, "1")).await;
    assert_eq!(docked.sim.profile().pushed("course.push", &key), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn stored_courses_are_pulled_page_by_page_and_nothing_is_sent_by_storing() {
    let docked = storing().await;
    let stored = docked.done("course.store", &courses(0..5)).await;
    assert_eq!(stored, json!({ "stored": 5, "removed": 0, "total": 5 }));
    assert_eq!(requests(&docked.sim.counters()), 0);
    assert_eq!(names(&pull(&docked, 1, 2).await), ["课程0", "课程1"]);
    assert_eq!(names(&pull(&docked, 2, 2).await), ["课程2", "课程3"]);
    assert_eq!(names(&pull(&docked, 3, 2).await), ["课程4"]);
    assert!(pull(&docked, 4, 2).await.is_empty());
    let page = docked.sim.profile().pull_courses(&Page::Numbered { page_no: 1, page_size: 2 }).await.unwrap();
    assert_eq!(page.total_page, Some(3));
    assert_eq!(page.courses[0]["studyPlatformCode"], SkillTrain::platform_code(DEMO_ACCOUNT));
    assert!(docked.platform.events().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stored_course_is_replaced_and_removed() {
    let docked = storing().await;
    docked.done("course.store", &courses(0..3)).await;
    let renamed = with(course(1), &json!({ "courseName": "新名" }));
    docked.done("course.store", &json!({ "courses": [renamed] })).await;
    let gone = docked.done("course.store", &marked(0, "1")).await;
    assert_eq!(gone, json!({ "stored": 0, "removed": 1, "total": 2 }));
    assert_eq!(names(&pull(&docked, 1, 20).await), ["新名", "课程2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn paging_with_the_documents_own_strings_gets_the_first_twenty() {
    let docked = storing().await;
    docked.done("course.store", &courses(0..25)).await;
    let page = docked.sim.profile().pull_courses(&Page::AsPrinted).await.unwrap();
    assert_eq!((page.page_no, page.page_size, page.total_page), (Some(1), Some(20), Some(2)));
    assert_eq!(page.courses.len(), 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_stored_that_nobody_would_pull() {
    let docked = docked().await;
    docked.call("course.store", &courses(0..1)).await.problem(500, "config", "not-sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pulled_page_is_asked_of_the_platform_and_comes_back_in_the_documents_form() {
    let docked = docked().await;
    docked.platform.answer(COURSE_EVENT, |event| {
        let (no, size) = (event.data["pageNo"].as_u64().unwrap(), event.data["pageSize"].as_u64().unwrap());
        let from = ((no - 1) * size) as usize;
        (200, with(courses(from..from + size as usize), &json!({ "total": 7 })))
    });
    assert_eq!(names(&pull(&docked, 2, 3).await), ["课程3", "课程4", "课程5"]);
    let asked = docked.platform.events();
    assert_eq!(asked[0].data, json!({ "pageNo": 2, "pageSize": 3 }));
    let page = docked.sim.profile().pull_courses(&Page::Numbered { page_no: 1, page_size: 500 }).await.unwrap();
    assert_eq!((page.page_size, page.total_page), (Some(100), Some(1)), "a page has at most a hundred courses");
    assert_eq!(page.courses[0]["coursePoster"], "http://img.example.com/poster.jpg", "without the blank");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_platform_that_gives_no_page_is_a_refusal() {
    let docked = docked().await;
    let page = docked.sim.profile().pull_courses(&Page::AsPrinted).await.unwrap();
    assert_eq!((page.return_code.as_str(), page.return_msg.as_str()), ("1", "处理未完成,请稍后重试"));
}

#[tokio::test(flavor = "multi_thread")]
async fn paging_stands_beside_the_code_and_by_config_under_return_data_too() {
    let also = "pull = { source = \"store\", also_returnData = true }";
    let docked = docked_with(SkillTrain::builder(), |academy| academy.config(also)).await;
    docked.done("course.store", &courses(0..1)).await;
    let path = Docked::hook_path(COURSE_PATH, "course-pull");
    let body = json!({ "headers": {}, "data": { "pageNo": 1, "pageSize": 1 } }).to_string();
    let reply = docked.host.api(Method::POST, &path).json(body).send().await.expect(200);
    assert_eq!((&reply["pageNo"], &reply["totalPage"]), (&json!(1), &json!(1)));
    assert_eq!(reply["returnData"]["data"], reply["data"]);
}
