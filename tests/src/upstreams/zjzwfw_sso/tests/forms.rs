//! The forms of an answer, and its oddities.

use encoding_rs::GB18030;

use super::super::{Quirks, ZjzwfwSso, codes, xml};
use super::resource::{Resource, signed};

const DECLARED: &str = "text/xml;charset=utf-8";

async fn validated(resource: &Resource, datatype: &str) -> (String, Vec<u8>) {
    let ticket = resource.ticket();
    let answer = resource.ask_raw(&signed("ticketValidation", datatype, &[("st", &ticket)])).await;
    (answer.header("content-type").to_owned(), answer.body.to_vec())
}

#[tokio::test]
async fn json_and_xml_both_say_that_they_are_xml() {
    let resource = Resource::strict().await;
    let (declared, json) = validated(&resource, "json").await;
    assert_eq!(declared, DECLARED);
    assert!(json.starts_with("{\"result\":\"0\",\"errmsg\":\"成功\",".as_bytes()), "in the document's order");
    let (declared, text) = validated(&resource, "xml").await;
    assert_eq!(declared, DECLARED);
    let root = xml::read(std::str::from_utf8(&text).expect("UTF-8")).expect("XML");
    let child = |name: &str| root.child(name).expect("a child").text.clone();
    assert_eq!((root.name.as_str(), child("result").as_str(), child("username").as_str()), ("SSO", "0", "甄测生"));
}

#[tokio::test]
async fn quirky_answers_are_gb18030_with_a_number_and_unescaped_text() {
    let resource = Resource::of(ZjzwfwSso::builder().quirky()).await;
    let (declared, json) = validated(&resource, "json").await;
    assert_eq!(declared, DECLARED, "whatever the bytes are");
    assert!(std::str::from_utf8(&json).is_err());
    let text = GB18030.decode(&json).0.into_owned();
    let reply: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!((&reply["result"], &reply["username"]), (&serde_json::json!(0), &serde_json::json!("甄测生")));
    let (_, bytes) = validated(&resource, "xml").await;
    let text = GB18030.decode(&bytes).0.into_owned();
    assert!(text.contains("<result>0</result><errmsg>成功 & “完”</errmsg>"), "{text}");
    assert_eq!(xml::read(&text), None, "not well-formed");
}

#[tokio::test]
async fn typographic_quotes_come_only_when_asked_for() {
    let quirks = Quirks { typographic_quotes: true, ..Quirks::default() };
    let resource = Resource::of(ZjzwfwSso::builder().quirks(quirks)).await;
    let (_, text) = validated(&resource, "json").await;
    assert!(String::from_utf8(text).expect("UTF-8").starts_with("{“result”:“0”,“errmsg”:“成功”"));
}

#[tokio::test]
async fn a_fault_refuses_in_the_form_of_the_request() {
    let resource = Resource::strict().await;
    resource.simulator.faults().add(super::super::super::Rule::new("code=8001,系统繁忙".parse().expect("a fault")));
    let json = resource.ask_raw(&signed("getUserInfo", "json", &[("token", "x")])).await;
    assert_eq!(json.body, r#"{"result":"8001","errmsg":"系统繁忙"}"#);
    let text = resource.ask_raw(&signed("getUserInfo", "xml", &[("token", "x")])).await;
    let expected = r#"<?xml version="1.0" encoding="UTF-8"?><SSO><result>8001</result><errmsg>系统繁忙</errmsg></SSO>"#;
    assert_eq!((text.header("content-type"), &text.body[..]), (DECLARED, expected.as_bytes()));
    assert_ne!(codes::OK, "8001");
}

#[test]
fn xml_that_is_not_plain_is_not_read() {
    let read = |text: &str| xml::read(text).is_some();
    assert!(read("<a><b>1 &lt; 2 &#x4e2d;</b><![CDATA[<x>]]></a>"));
    assert!(!read("<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><a>&x;</a>"));
    assert!(!read("<a>&x;</a>") && !read("<a>") && !read("<a></b>") && !read("") && !read("<a/><b/>"));
    assert!(!read(&"<a>".repeat(100)) && !read(&format!("{}{}", "<a>".repeat(20), "</a>".repeat(20))));
}
