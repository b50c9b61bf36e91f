//! The mutual links: present, missing, unreachable, and what has changed.

use duijie_sdk::{Class, Outcome, http::HttpErrorKind, testing::TestHost};
use serde_json::{Value, json};

use super::{call, host, is, refused};

const HOME: &str = "https://www.campus.example/";
const H5: &str = "https://m.campus.example/culture";

fn link() -> TestHost {
    host(json!({ "links": { "pages": [{ "name": "首页", "url": HOME }, { "name": "H5", "url": H5 }] } }))
}

fn look(host: &TestHost) -> Value {
    call(host, "link.check", json!({})).unwrap()
}

fn states(found: &Value) -> Vec<&str> {
    found["pages"].as_array().unwrap().iter().map(|page| page["state"].as_str().unwrap()).collect()
}

fn page(link: &str) -> String {
    format!("<html><body><p>国家公共文化云</p>{link}</body></html>")
}

#[test]
fn every_page_is_present_missing_or_unreachable_and_none_of_it_is_an_error() {
    let host = host(json!({ "links": { "pages": [
        { "name": "a", "url": "https://a.example/" }, { "name": "b", "url": "https://b.example/" },
        { "name": "c", "url": "https://c.example/" }, { "name": "d", "url": "https://d.example/" },
    ]}}));
    host.on("GET", "https://a.example/").reply_text(
        200,
        "text/html",
        &page("<a href='https://app.culturedc.cn/down'>App</a>"),
    );
    host.on("GET", "https://b.example/").reply_text(
        200,
        "text/html",
        &page("<!-- <a href='http://www.culturedc.cn'> -->"),
    );
    host.on("GET", "https://c.example/").reply_text(301, "text/html", "");
    host.on("GET", "https://d.example/").fail(HttpErrorKind::Dns("no such host".to_owned()), false);
    let found = look(&host);
    assert_eq!(states(&found), ["present", "missing", "unreachable", "unreachable"]);
    assert_eq!((&found["changed"], &found["allPresent"]), (&json!(false), &json!(false)));
    assert_eq!(
        found["pages"][0],
        json!({
            "name": "a", "url": "https://a.example/", "state": "present", "changed": false, "previous": null,
            "since": "2023-11-15T06:13:20+08:00", "checkedAt": "2023-11-15T06:13:20+08:00", "dueAt": "2023-11-16T06:13:20+08:00",
            "links": ["https://app.culturedc.cn/down"], "httpStatus": 200, "class": null, "message": null,
        })
    );
    assert_eq!((&found["pages"][2]["httpStatus"], &found["pages"][2]["class"]), (&json!(301), &json!("unavailable")));
    assert_eq!((&found["pages"][3]["httpStatus"], &found["pages"][3]["class"]), (&Value::Null, &json!("unavailable")));
}

#[test]
fn the_home_page_counts_with_http_and_with_https() {
    for href in ["http://www.culturedc.cn", "https://www.culturedc.cn/", "//www.culturedc.cn/index.html"] {
        let host = link();
        host.on("GET", HOME).reply_text(200, "text/html", &page(&format!("<A HREF=\"{href}\">国家云</A>")));
        host.on("GET", H5).reply_text(200, "text/html", &page(""));
        assert_eq!(states(&look(&host)), ["present", "missing"], "{href}");
    }
}

#[test]
fn a_change_is_told_once() {
    let host = link();
    let carrying = |href: &str| page(&format!("<a href={href}>国家云</a>"));
    host.on("GET", H5).reply_text(200, "text/html", &carrying("https://app.culturedc.cn"));
    let home = host.on("GET", HOME);
    home.reply_text(200, "text/html", &carrying("http://www.culturedc.cn"))
        .reply_text(200, "text/html", &carrying("https://www.culturedc.cn"))
        .reply_text(200, "text/html", &carrying("https://www.culturedc.cn"))
        .reply_text(200, "text/html", &page(""))
        .reply_text(200, "text/html", &page(""));
    let mut told = Vec::new();
    for _ in 0..5 {
        let found = look(&host);
        let page = &found["pages"][0];
        assert_eq!(found["changed"], page["changed"]);
        told.push((page["state"].clone(), page["changed"].clone(), page["previous"].clone(), page["since"].clone()));
        host.advance_ms(3_600_000);
    }
    let began = "2023-11-15T06:13:20+08:00";
    let removed = "2023-11-15T09:13:20+08:00";
    assert_eq!(
        told,
        [
            (json!("present"), json!(false), Value::Null, json!(began)),
            // The same state by another link.
            (json!("present"), json!(true), json!("present"), json!(began)),
            (json!("present"), json!(false), json!("present"), json!(began)),
            (json!("missing"), json!(true), json!("present"), json!(removed)),
            (json!("missing"), json!(false), json!("missing"), json!(removed)),
        ]
    );
}

#[test]
fn pages_that_are_not_due_are_told_from_memory() {
    let host = link();
    host.on("GET", HOME).reply_text(200, "text/html", &page("<a href='http://www.culturedc.cn'>"));
    host.on("GET", H5).reply_text(200, "text/html", &page(""));
    let first = look(&host);
    host.advance_ms(24 * 3_600_000 - 1);
    let again = call(&host, "link.check", json!({ "onlyDue": true })).unwrap();
    assert_eq!((states(&again), host.requests().len()), (states(&first), 2));
    assert_eq!(again["pages"][0]["checkedAt"], first["pages"][0]["checkedAt"]);
    host.advance_ms(1);
    call(&host, "link.check", json!({ "onlyDue": true })).unwrap();
    assert_eq!(host.requests().len(), 4);
    look(&host);
    assert_eq!(host.requests().len(), 6);
}

#[test]
fn the_upstreams_page_may_have_to_link_back() {
    let upstream = "https://www.culturedc.cn/partners.html";
    let host =
        host(json!({ "links": { "period": 1, "pages": [{ "name": "国家云", "url": upstream, "targets": [HOME] }] } }));
    host.on("GET", upstream).reply_text(
        200,
        "text/html",
        &page("<a href='http://www.culturedc.cn'><a href='http://www.campus.example'>"),
    );
    let found = look(&host);
    assert_eq!((states(&found), &found["pages"][0]["links"]), (vec!["present"], &json!(["http://www.campus.example"])));
    assert_eq!(found["pages"][0]["dueAt"], "2023-11-15T07:13:20+08:00");
}

#[test]
fn a_link_without_pages_is_misconfigured() {
    is(&refused(&host(json!({})), "link.check", json!({})), Class::Config, Outcome::NotSent);
}

#[test]
fn a_page_in_another_character_set_is_read_as_far_as_its_links_go() {
    let host = link();
    let mut body = b"<html>\xb9\xfa\xbc\xd2<a href='http://www.culturedc.cn'>\xd4\xc6</a>".to_vec();
    body.extend([0xff; 8]);
    let headers = vec![("content-type".to_owned(), "text/html; charset=gb2312".to_owned())];
    host.on("GET", HOME).reply_with(duijie_sdk::http::Response { status: 200, headers, body });
    host.on("GET", H5).reply_text(200, "text/html", "");
    assert_eq!(states(&look(&host)), ["present", "missing"]);
}
