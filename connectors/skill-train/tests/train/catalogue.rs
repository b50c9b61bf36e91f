//! Courses: pushed, kept for the upstream to pull, and pulled by pages.

use duijie_sdk::{Class, testing::TestHost};
use serde_json::{Value, json};
use skill_train::SkillTrain;

use super::{CODE, config, host, last, ok, received, reply_of, url, with};

fn course(n: usize) -> Value {
    json!({ "courseCode": format!("{n:032x}"), "courseName": format!("课程{n}"), "workName": "焊工" })
}

fn stored() -> TestHost {
    host(with(json!({ "pull": { "source": "store" } })))
}

fn store(host: &TestHost, courses: Vec<Value>) -> Value {
    host.call::<SkillTrain>("course.store", json!({ "courses": courses })).unwrap()
}

fn pull(host: &TestHost, page: Value) -> Value {
    reply_of(&received(host, "course-pull", &json!({ "headers": {}, "data": page })))
}

fn names(reply: &Value) -> Vec<&str> {
    reply["data"].as_array().unwrap().iter().map(|course| course["courseName"].as_str().unwrap()).collect()
}

#[test]
fn what_is_stored_is_pulled_by_pages_in_the_order_in_which_it_came() {
    let host = stored();
    let output = store(&host, (0..45).map(course).collect());
    assert_eq!(output, json!({ "stored": 45, "removed": 0, "total": 45 }));
    let page = pull(&host, json!({ "pageNo": 3, "pageSize": 20 }));
    assert_eq!(names(&page), ["课程40", "课程41", "课程42", "课程43", "课程44"]);
    let numbers = (&page["pageNo"], &page["pageSize"], &page["totalPage"]);
    assert_eq!(numbers, (&json!(3), &json!(20), &json!(3)));
    assert_eq!(page["data"][0]["studyPlatformCode"], super::PLATFORM);
    assert_eq!(page.get("returnData"), None);
    assert_eq!(names(&pull(&host, json!({ "pageNo": 4, "pageSize": 20 }))), Vec::<&str>::new());
    assert!(host.asked().is_empty());
}

#[test]
fn page_numbers_are_read_as_numbers_and_text_and_anything_else_is_the_first_twenty() {
    let host = stored();
    store(&host, (0..150).map(course).collect());
    for (page, first, count) in [
        (json!({ "pageNo": "2", "pageSize": "10" }), "课程10", 10),
        (json!({ "pageNo": CODE, "pageSize": CODE }), "课程0", 20),
        (json!({}), "课程0", 20),
        (json!({ "pageNo": 0, "pageSize": -1 }), "课程0", 20),
        (json!({ "pageNo": 1, "pageSize": 1000 }), "课程0", 100),
    ] {
        let reply = pull(&host, page);
        assert_eq!((names(&reply)[0], names(&reply).len()), (first, count));
    }
}

#[test]
fn a_course_is_replaced_in_its_place_and_removed_by_its_status() {
    let host = stored();
    store(&host, (0..3).map(course).collect());
    let mut changed = course(1);
    changed["courseName"] = json!("改名");
    changed["courseStatus"] = json!("2");
    let mut gone = course(0);
    gone["courseStatus"] = json!("1");
    assert_eq!(store(&host, vec![changed, gone.clone(), gone]), json!({ "stored": 1, "removed": 1, "total": 2 }));
    let reply = pull(&host, json!({ "pageNo": 1, "pageSize": 20 }));
    assert_eq!(names(&reply), ["改名", "课程2"]);
    assert_eq!(reply["data"][0]["courseStatus"], "0");
}

#[test]
fn what_was_stored_and_removed_before_the_store_was_full_is_so_for_whoever_pulls() {
    let host = stored();
    store(&host, vec![course(0), course(1)]);
    // The index, two courses, the log-in of the pull, and one course more.
    pull(&host, json!({}));
    host.kv_keys_max(4);
    let mut gone = course(0);
    gone["courseStatus"] = json!("1");
    let courses = json!({ "courses": [gone, course(2), course(3)] });
    assert!(host.call::<SkillTrain>("course.store", courses).is_err());
    assert_eq!(names(&pull(&host, json!({}))), ["课程1", "课程2"]);
}

#[test]
fn a_course_larger_than_one_value_of_the_store_comes_back_whole() {
    let host = stored();
    let source = |n: usize| json!({ "resCode": format!("{n:032x}"), "resName": "资源", "videoUrl": "http://vod.example.com/a.mp4", "resSort": n, "duration": 60 });
    let section = json!({ "sectionCode": CODE, "sectionName": "节", "sectionSort": 1, "sectionSourceList": (0..500).map(source).collect::<Vec<_>>() });
    let mut course = course(1);
    course["chapterList"] =
        json!([{ "chapterCode": CODE, "chapterName": "章", "chapterSort": 1, "sectionList": [section] }]);
    store(&host, vec![course]);
    let reply = pull(&host, json!({ "pageNo": 1, "pageSize": 1 }));
    let sources = reply["data"][0].pointer("/chapterList/0/sectionList/0/sectionSourceList").unwrap();
    assert_eq!(sources.as_array().unwrap().len(), 500);
    assert_eq!(sources[499]["resSort"], "499");
}

#[test]
fn nothing_is_stored_that_nobody_would_pull() {
    let host = host(config());
    let failure = host.call::<SkillTrain>("course.store", json!({ "courses": [course(1)] })).unwrap_err();
    assert_eq!(failure.class, Class::Config);
    assert!(host.kv_keys().is_empty());
}

#[test]
fn the_page_may_stand_under_return_data_too() {
    let host = host(with(json!({ "pull": { "source": "store", "also_returnData": true } })));
    store(&host, vec![course(1)]);
    let reply = pull(&host, json!({ "pageNo": 1, "pageSize": 20 }));
    assert_eq!(reply["returnData"]["data"], reply["data"]);
    assert_eq!(reply["returnData"]["totalPage"], 1);
}

#[test]
fn a_platform_that_gives_no_courses_is_a_refusal() {
    for answer in [
        json!({ "courses": "none" }),
        json!({ "courses": [{ "courseCode": CODE, "courseName": "c", "workName": "w", "coursePoster": "x" }], "total": 1 }),
    ] {
        let host = host(config());
        host.platform("course.pull", Ok(answer));
        assert_eq!(
            pull(&host, json!({ "pageNo": 1, "pageSize": 20 })),
            json!({ "returnCode": "1", "returnMsg": "处理未完成,请稍后重试" })
        );
    }
}

#[test]
fn the_log_in_that_pulling_needs_may_fail() {
    let host = super::bare(with(json!({ "pull": { "source": "store" } })));
    assert_eq!(pull(&host, json!({}))["returnCode"], "1");
}

#[test]
fn a_course_that_is_no_more_needs_no_chapters() {
    let host = host(config());
    host.on("POST", &url("/api/v1/thirdCoursePush")).reply(200, ok());
    let mut gone = course(7);
    gone["courseStatus"] = json!("1");
    host.call::<SkillTrain>("course.push", json!({ "courses": [gone] })).unwrap();
    assert_eq!(
        (&last(&host)["data"][0]["courseStatus"], &last(&host)["data"][0]["chapterList"]),
        (&json!("1"), &json!([]))
    );
}

#[test]
fn chapters_are_taken_eight_deep_and_no_deeper() {
    let nested = |depth: usize| {
        let chapter = |inner: Option<Value>| json!({ "chapterCode": CODE, "chapterName": "章", "chapterSort": 1, "chapterList": inner.into_iter().collect::<Vec<_>>() });
        let mut course = course(1);
        course["chapterList"] = json!([(1..depth).fold(chapter(None), |inner, _| chapter(Some(inner)))]);
        json!({ "courses": [course] })
    };
    let host = host(config());
    host.on("POST", &url("/api/v1/thirdCoursePush")).reply(200, ok());
    host.call::<SkillTrain>("course.push", nested(8)).unwrap();
    let failure = host.call::<SkillTrain>("course.push", nested(9)).unwrap_err();
    assert_eq!(failure.class, Class::InvalidInput);
    assert_eq!(
        failure.detail_json()[0]["pointer"],
        format!("/courses/0{}", "/chapterList".to_owned() + &"/0/chapterList".repeat(8))
    );
}
