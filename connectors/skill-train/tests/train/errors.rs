//! Every row of the error table, and the renewed log-in.

use duijie_sdk::{Class, Failure, Outcome, http::HttpErrorKind, testing::TestHost};
use serde_json::{Value, json};
use skill_train::SkillTrain;

use super::{CODE, config, end, host, last, log_ins, ok, sent, start, url, with};

const END: &str = "http://127.0.0.1:18083/api/v1/endStudy";

fn refusal(message: &str) -> Value {
    json!({ "returnCode": "1", "returnMsg": message })
}

fn judged(failure: &Failure) -> (Class, Outcome, Option<&str>) {
    (failure.class, failure.outcome, failure.upstream_code.as_deref())
}

#[test]
fn what_the_upstream_answers_has_the_class_of_the_table() {
    let cases: [(u16, Value, Class, Outcome, Option<&str>); 9] = [
        (200, refusal("学员不存在"), Class::UpstreamRejected, Outcome::Rejected, Some("1")),
        (400, refusal("参数错误"), Class::UpstreamRejected, Outcome::Rejected, Some("1")),
        (500, refusal("系统异常"), Class::UpstreamRejected, Outcome::Unknown, Some("1")),
        (500, ok(), Class::Protocol, Outcome::Unknown, None),
        (200, json!({ "data": 1 }), Class::Protocol, Outcome::Unknown, None),
        (404, json!({ "error": "Not Found" }), Class::Config, Outcome::Rejected, None),
        (429, json!({}), Class::RateLimited, Outcome::Rejected, None),
        (502, json!({}), Class::Unavailable, Outcome::Unknown, None),
        (503, refusal("维护中"), Class::Unavailable, Outcome::Unknown, None),
    ];
    for (status, reply, class, outcome, code) in cases {
        let host = host(config());
        host.on("POST", END).reply(status, reply);
        let failure = end(&host).unwrap_err();
        assert_eq!(judged(&failure), (class, outcome, code), "{status}: {}", failure.message);
        assert_eq!(sent(&host).len(), 1, "{status}");
    }
}

#[test]
fn html_and_broken_json_are_not_understood() {
    for (status, kind, body) in [
        (200, "text/html", "<html>维护中</html>"),
        (500, "text/html", "<html>"),
        (200, "application/json", "{\"returnCode\":\"0\""),
    ] {
        let host = host(config());
        host.on("POST", END).reply_text(status, kind, body);
        assert_eq!(judged(&end(&host).unwrap_err()), (Class::Protocol, Outcome::Unknown, None), "{body}");
    }
}

#[test]
fn no_answer_is_told_with_what_may_have_left() {
    let cases = [
        (HttpErrorKind::Connect("refused".into()), false, Class::Unavailable, Outcome::NotSent),
        (HttpErrorKind::Reset("reset".into()), true, Class::Unavailable, Outcome::Unknown),
        (HttpErrorKind::Timeout, true, Class::Timeout, Outcome::Unknown),
        (HttpErrorKind::Timeout, false, Class::Timeout, Outcome::NotSent),
        (HttpErrorKind::Denied("origin".into()), false, Class::Denied, Outcome::NotSent),
    ];
    for (kind, may_have_left, class, outcome) in cases {
        let host = host(config());
        host.on("POST", END).fail(kind, may_have_left);
        let failure = end(&host).unwrap_err();
        assert_eq!((failure.class, failure.outcome), (class, outcome));
    }
}

#[test]
fn a_refused_token_is_renewed_and_the_request_sent_once_more() {
    for message in ["token失效", "Invalid TOKEN", "请重新登录", "用户已失效", "会话过期"] {
        let host = host(config());
        host.on("POST", END).reply(200, refusal(message)).reply(200, ok());
        assert_eq!(end(&host).unwrap()["attempt"], 2, "{message}");
        assert_eq!((log_ins(&host), sent(&host).len()), (2, 2));
        assert_eq!(last(&host)["headers"]["userToken"], "t2");
    }
}

#[test]
fn http_401_is_a_refused_token_too() {
    let host = host(config());
    host.on("POST", END).reply_text(401, "text/html", "<html>").reply(200, ok());
    assert_eq!(end(&host).unwrap()["attempt"], 2);
}

#[test]
fn a_token_that_is_refused_twice_is_expired_and_nothing_more_is_sent() {
    let host = host(config());
    host.on("POST", END).reply(200, refusal("token失效"));
    let failure = end(&host).unwrap_err();
    assert_eq!(judged(&failure), (Class::AuthExpired, Outcome::Rejected, Some("1")));
    assert_eq!((log_ins(&host), sent(&host).len()), (2, 2));
}

#[test]
fn after_a_refused_token_nothing_is_called_not_sent() {
    let host = super::bare(config());
    host.on("POST", super::LOGIN).reply(200, super::logged_in("t1")).reply(503, json!({}));
    host.on("POST", END).reply(200, refusal("token失效"));
    let failure = end(&host).unwrap_err();
    assert_eq!((failure.class, failure.outcome), (Class::Unavailable, Outcome::Rejected));
}

#[test]
fn the_words_for_an_expired_token_are_the_links() {
    let host = host(with(json!({ "errors": { "token_expired_pattern": "会话" } })));
    host.on("POST", END).reply(200, refusal("token失效"));
    assert_eq!(judged(&end(&host).unwrap_err()), (Class::UpstreamRejected, Outcome::Rejected, Some("1")));
    assert_eq!(log_ins(&host), 1);
}

#[test]
fn a_static_token_is_not_renewed() {
    let host = super::bare(with(json!({ "role": "business", "part2": { "token_source": "none" } })));
    host.on("POST", &url("/api/class/v1/classStudentStudy")).reply(200, refusal("token失效"));
    let failure = host.call::<SkillTrain>("class.study-records", json!({ "classCode": CODE })).unwrap_err();
    assert_eq!(judged(&failure), (Class::AuthExpired, Outcome::Rejected, Some("1")));
    assert_eq!(host.requests().len(), 1);
}

#[test]
fn a_learner_who_is_not_on_line_is_told_apart() {
    let host = host(config());
    host.on("POST", &url("/api/v1/getFaceCompareConfig")).reply(200, json!({ "returnCode": 1, "returnMsg": "不在线" }));
    let failure = host.call::<SkillTrain>("face.config", super::viewing()).unwrap_err();
    assert_eq!(judged(&failure), (Class::UpstreamRejected, Outcome::Rejected, Some("1")));
    assert_eq!(failure.detail_json(), json!({ "sub_code": "offline" }));
}

#[test]
fn a_name_that_does_not_fit_is_a_refusal_unless_the_link_knows_its_code() {
    let authenticate = |host: &TestHost| {
        let reply = json!({ "returnCode": "1002", "returnMsg": "姓名与身份证号不一致,登录失败" });
        host.on("POST", &url("/api/v1/authentication")).reply(200, reply);
        let person = json!({ "cardNo": "99999920000101002x", "name": "甄测生" });
        host.call::<SkillTrain>("student.authenticate", person)
    };
    let unknown = host(with(json!({ "errors": { "token_expired_pattern": "token" } })));
    assert_eq!(
        judged(&authenticate(&unknown).unwrap_err()),
        (Class::UpstreamRejected, Outcome::Rejected, Some("1002"))
    );
    let known = host(with(json!({ "errors": { "not_verified_codes": ["1002"] } })));
    assert_eq!(authenticate(&known).unwrap(), json!({ "verified": false }));
    // A known negative is no expired token, whatever its words.
    assert_eq!(log_ins(&known), 1);
    assert_eq!(last(&known)["data"]["cardNo"], "99999920000101002X");
}

#[test]
fn success_without_what_it_must_hold_is_not_understood() {
    let cases = [
        ("face.config", "/api/v1/getFaceCompareConfig", super::viewing(), json!({ "expiresTime": "5" })),
        ("popup.get", "/api/v1/getVerificationCode", super::viewing(), json!({ "bizCode": "b" })),
        ("class.study-records", "/api/class/v1/classStudentStudy", json!({ "classCode": CODE }), json!({ "x": 1 })),
    ];
    for (operation, path, input, data) in cases {
        let host = host(config());
        host.on("POST", &url(path)).reply(200, json!({ "returnCode": "0", "returnData": data }));
        assert_eq!(host.call::<SkillTrain>(operation, input).unwrap_err().class, Class::Protocol, "{operation}");
    }
}

#[test]
fn everything_wrong_with_an_input_is_said_at_once_and_nothing_is_sent() {
    let bad = "999999200312110041";
    let source = json!({ "resCode": CODE, "resName": "r", "videoUrl": "ftp://x", "resSort": 1, "duration": 1 });
    let section = json!({ "sectionCode": CODE, "sectionName": "s", "sectionSort": 1, "sectionSourceList": [source] });
    let chapter = json!({ "chapterCode": CODE, "chapterName": "c", "chapterSort": 1, "sectionList": [section] });
    let chapters = json!([chapter]);
    let student =
        json!({ "stuCode": CODE, "stuName": "甄测生", "stuCard": bad, "mobile": "13800000001", "ercunPhotos": "x" });
    let learner = json!({ "cardNo": bad, "studentCode": CODE, "studentName": "甄测生", "ercunPhotos": "http://" });
    let class = json!({
        "classCode": CODE, "trainClassName": "c", "orgCode": CODE, "orgName": "o", "students": [learner],
        "courses": [{ "courseCode": CODE, "title": "t", "chapters": [{ "chapterCode": CODE, "title": "t", "resources": [
            { "resCode": CODE, "title": "t", "durationS": 1, "videoUrl": "http://a b" }] }] }],
    });
    let info = json!({ "courseName": "c", "coursePoster": "", "sectionList": [{ "sectionName": "s", "sectionSort": 1,
        "sectionSourceList": [{ "chapterName": "c", "videoUrl": "file:///x", "chapterSort": 1, "duration": 1 }] }] });
    let teacher =
        json!({ "teaCode": CODE, "teaName": "甄测生", "orgCode": CODE, "teaCard": bad, "mobile": "13800000001" });
    let course =
        json!({ "courseCode": CODE, "courseName": "c", "workName": "w", "coursePoster": "x", "chapterList": chapters });
    let mut recording = start();
    recording["recordVideoUrl"] = json!("javascript:alert(1)");
    let cases: [(&str, Value, &[&str]); 8] = [
        ("student.authenticate", json!({ "cardNo": bad, "name": "甄测生" }), &["/cardNo"]),
        ("photo.update", json!({ "cardNo": bad, "ercunPhotoUrl": "x" }), &["/cardNo", "/ercunPhotoUrl"]),
        ("record.submit", recording, &["/recordVideoUrl"]),
        (
            "course.push",
            json!({ "courses": [course] }),
            &["/courses/0/coursePoster", "/courses/0/chapterList/0/sectionList/0/sectionSourceList/0/videoUrl"],
        ),
        ("teacher.push", teacher, &["/teaCard"]),
        ("course.info", info, &["/coursePoster", "/sectionList/0/sectionSourceList/0/videoUrl"]),
        ("student.push", json!({ "students": [student] }), &["/students/0/stuCard", "/students/0/ercunPhotos"]),
        (
            "class.push",
            class,
            &["/students/0/cardNo", "/students/0/ercunPhotos", "/courses/0/chapters/0/resources/0/videoUrl"],
        ),
    ];
    for (operation, input, pointers) in cases {
        let host = host(config());
        let failure = host.call::<SkillTrain>(operation, input).unwrap_err();
        assert_eq!((failure.class, failure.outcome), (Class::InvalidInput, Outcome::NotSent), "{operation}");
        let detail = failure.detail_json();
        let found: Vec<_> = detail.as_array().unwrap().iter().map(|field| field["pointer"].as_str().unwrap()).collect();
        assert_eq!(found, pointers, "{operation}");
        assert!(host.requests().is_empty());
        assert!(!format!("{failure:?}").contains(bad), "{operation} quotes a value");
    }
}

#[test]
fn an_operation_of_the_other_role_is_not_sent() {
    let study = (json!({ "role": "business" }), "study.end", super::viewing());
    let records = (json!({ "role": "learning" }), "class.study-records", json!({ "classCode": CODE }));
    let no_log_in = json!({ "role": "business", "part2": { "token_source": "none" } });
    let check = (no_log_in, "token.check", json!({}));
    for (role, operation, input) in [study, records, check] {
        let host = host(with(role));
        let failure = host.call::<SkillTrain>(operation, input).unwrap_err();
        assert_eq!((failure.class, failure.outcome), (Class::Config, Outcome::NotSent), "{operation}");
        assert!(host.requests().is_empty());
    }
}

#[test]
fn no_log_line_or_failure_quotes_what_was_sent() {
    let host = host(config());
    host.on("POST", &url("/api/v1/authentication")).reply(200, json!({ "code": 1 }));
    let person = json!({ "cardNo": "999999198506150036", "name": "甄测生" });
    let failure = host.call::<SkillTrain>("student.authenticate", person).unwrap_err();
    let said = format!("{failure:?}{:?}", host.logs());
    assert!(!said.contains("甄测生") && !said.contains("999999198506150036") && !said.contains("t1"), "{said}");
}
