//! Usage numbers of a day.

use duijie_sdk::{
    Class, Outcome,
    forward::{ForwardError, Refusal},
    testing::TestHost,
};
use serde_json::{Value, json};

use super::{BASE, call, config, golden, host, is, pointers, refused, with};

const DAY_MS: u64 = 86_400_000;

fn day() -> Value {
    golden(include_str!("../golden/stats.request.json"))
}

fn url() -> String {
    format!("{BASE}/openapi/v1/stats/daily")
}

#[test]
fn a_report_is_the_documents_body() {
    let host = host(config());
    host.on("POST", &url()).reply(200, json!({ "code": 0, "message": "ok", "data": {} }));
    let reported = call(&host, "stats.report", day()).unwrap();
    assert_eq!(host.requests().remove(0).text(), include_str!("../golden/stats.request.json").trim());
    assert_eq!(reported, json!({ "date": "2023-11-14", "accepted": true }));
}

#[test]
fn the_numbers_of_the_link_are_required_and_the_others_are_not() {
    let least = json!({ "date": "2023-11-14", "pv": 1, "uv": 1, "ip": 1 });
    let host = host(config());
    host.on("POST", &url()).reply(200, json!({ "code": 0 }));
    assert!(call(&host, "stats.report", least.clone()).is_ok());
    let too_few = json!({ "date": "2023-11-14", "pv": 1 });
    assert_eq!(pointers(&refused(&host, "stats.report", too_few)), ["/uv", "/ip"]);
    host.config(with(json!({ "stats": { "fields": ["newActivities", "newVenues"] } })));
    assert_eq!(pointers(&refused(&host, "stats.report", least)), ["/newActivities", "/newVenues"]);
}

#[test]
fn a_day_that_does_not_exist_or_has_not_begun_is_refused() {
    // It is 2023-11-15 06:13 in China.
    for (date, fits) in [("2023-11-15", true), ("2023-11-16", false), ("2023-02-29", false), ("20231114xx", false)] {
        let host = host(config());
        host.on("POST", &url()).reply(200, json!({ "code": 0 }));
        let mut report = day();
        report["date"] = json!(date);
        match call(&host, "stats.report", report) {
            Ok(_) => assert!(fits, "{date}"),
            Err(failure) => {
                is(&failure, Class::InvalidInput, Outcome::NotSent);
                assert!(!fits && pointers(&failure) == ["/date"] && host.requests().is_empty(), "{date}");
            }
        }
    }
}

#[test]
fn a_report_about_users_has_no_place() {
    let mut report = day();
    report["extra"] = json!({ "甄测生": "13800000001" });
    is(&refused(&host(config()), "stats.report", report.clone()), Class::InvalidInput, Outcome::NotSent);
    report["extra"] = json!({ "shares": 3 });
    assert_eq!(pointers(&refused(&host(config()), "stats.report", report)), ["/extra"]);
}

/// A link whose upstream takes every day; what the platform answers is the test's.
fn taking() -> TestHost {
    let host = host(config());
    host.on("POST", &url()).reply(200, json!({ "code": 0 }));
    host
}

fn numbers() -> Value {
    json!({ "pv": 3, "uv": 2, "ip": 1 })
}

/// The days that the upstream got, in order.
fn days(host: &TestHost) -> Vec<String> {
    host.requests().iter().map(|sent| sent.json()["date"].as_str().unwrap().to_owned()).collect()
}

fn unavailable() -> ForwardError {
    ForwardError::Unavailable("timeout".to_owned())
}

#[test]
fn a_call_without_a_day_and_numbers_asks_the_platform_for_yesterday_in_china() {
    let host = taking();
    host.platform("stats.day", Ok(numbers()));
    assert_eq!(call(&host, "stats.report", json!({})).unwrap(), json!({ "date": "2023-11-14", "accepted": true }));
    let asked = host.asked().remove(0);
    assert_eq!((asked.event.as_str(), asked.key.as_deref()), ("stats.day", Some("2023-11-14")));
    assert_eq!(asked.data, json!({ "date": "2023-11-14", "fields": ["pv", "uv", "ip"] }));
    assert_eq!(host.requests()[0].json(), json!({ "date": "2023-11-14", "pv": 3, "uv": 2, "ip": 1 }));
}

#[test]
fn a_day_alone_is_asked_for_and_numbers_alone_are_yesterdays() {
    let host = taking();
    host.platform("stats.day", Ok(numbers()));
    call(&host, "stats.report", json!({ "date": "2023-11-01" })).unwrap();
    assert_eq!((days(&host), host.asked().len()), (vec!["2023-11-01".to_owned()], 1));
    assert_eq!(call(&host, "stats.report", numbers()).unwrap()["date"], "2023-11-14");
    assert_eq!((days(&host).len(), host.asked().len()), (2, 1));
}

#[test]
fn each_day_is_reported_once_however_often_it_is_its_turn() {
    let host = taking();
    host.platform("stats.day", Ok(numbers()));
    for _ in 0..3 {
        call(&host, "stats.report", json!({})).unwrap();
    }
    host.advance_ms(DAY_MS);
    call(&host, "stats.report", json!({})).unwrap();
    assert_eq!(days(&host), ["2023-11-14", "2023-11-15"]);
    assert_eq!(host.asked().len(), 2);
}

#[test]
fn days_that_failed_or_passed_unseen_are_made_up_for_within_a_week() {
    let host = taking();
    host.platform("stats.day", Err(unavailable())).platform("stats.day", Ok(numbers()));
    is(&refused(&host, "stats.report", json!({})), Class::Unavailable, Outcome::NotSent);
    host.advance_ms(2 * DAY_MS);
    assert_eq!(
        call(&host, "stats.report", json!({})).unwrap(),
        json!({ "date": "2023-11-16", "accepted": true, "late": ["2023-11-14", "2023-11-15"] })
    );
    assert_eq!(days(&host), ["2023-11-14", "2023-11-15", "2023-11-16"]);
    host.advance_ms(30 * DAY_MS);
    let late = call(&host, "stats.report", json!({})).unwrap()["late"].clone();
    assert_eq!((late.as_array().unwrap().len(), &late[0]), (6, &json!("2023-12-10")), "older ones are given up");
}

#[test]
fn a_day_that_the_platform_refuses_keeps_no_other_back_and_is_told() {
    let host = taking();
    let refusal = ForwardError::Refused(Refusal { status: 404, message: String::new() });
    host.platform("stats.day", Err(unavailable())).platform("stats.day", Err(refusal));
    host.platform("stats.day", Ok(numbers()));
    refused(&host, "stats.report", json!({}));
    host.advance_ms(DAY_MS);
    is(&refused(&host, "stats.report", json!({})), Class::UpstreamRejected, Outcome::NotSent);
    assert_eq!(days(&host), ["2023-11-15"]);
    assert_eq!(call(&host, "stats.report", json!({})).unwrap()["late"], json!(["2023-11-14"]));
    assert_eq!(days(&host), ["2023-11-15", "2023-11-14"]);
}

#[test]
fn an_answer_of_the_platforms_that_is_no_day_is_not_understood_and_not_sent() {
    for (answer, fields) in [
        (json!(null), None),
        (json!({ "pv": 3, "userId": "u1" }), None),
        (json!({ "date": "2023-11-13", "pv": 3, "uv": 2, "ip": 1 }), None),
        (json!({ "pv": 3 }), Some(["/uv", "/ip"])),
    ] {
        let host = taking();
        host.platform("stats.day", Ok(answer.clone()));
        let failure = refused(&host, "stats.report", json!({ "date": "2023-11-14" }));
        is(&failure, Class::Protocol, Outcome::NotSent);
        assert!(host.requests().is_empty(), "{answer}");
        if let Some(fields) = fields {
            assert_eq!(pointers(&failure), fields);
        }
    }
}

#[test]
fn a_link_without_a_platform_needs_the_numbers_in_the_call() {
    let failure = refused(&taking(), "stats.report", json!({}));
    is(&failure, Class::Config, Outcome::NotSent);
    assert!(failure.message.contains("platform"), "{}", failure.message);
}
