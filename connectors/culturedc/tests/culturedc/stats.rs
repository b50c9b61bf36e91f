//! Usage numbers of a day.

use duijie_sdk::{Class, Outcome};
use serde_json::{Value, json};

use super::{BASE, call, config, golden, host, is, pointers, refused, with};

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
    assert_eq!(pointers(&refused(&host, "stats.report", json!({ "date": "2023-11-14" }))), ["/pv", "/uv", "/ip"]);
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
