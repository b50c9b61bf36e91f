//! What installations are known to do, each by its name.

use duijie_sdk::http::Response;
use serde_json::json;
use zjzwfw_sso::ZjzwfwSso;

use super::*;

/// Any answer, parsed.
fn parsed(changes: Value, body: &[u8]) -> Result<Value, Failure> {
    let host = host(changes);
    let headers = vec![("content-type".to_owned(), "text/xml;charset=utf-8".to_owned())];
    host.on("POST", SIMPLE).reply_with(Response { status: 200, headers, body: body.to_vec() });
    host.call::<ZjzwfwSso>("call", json!({ "method": "anything" })).map(|output| output["reply"].clone())
}

#[test]
fn json_under_the_content_type_of_xml_is_read_as_json() {
    assert!(validate(&answering(json!({}), 200, VALIDATED)).is_ok());
}

#[test]
fn xml_is_read_even_when_json_was_asked_for() {
    let reply = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><SSO><result>0</result><token>t</token><username> 张三 </username></SSO>";
    let output = validate(&answering(json!({}), 200, reply)).unwrap();
    assert_eq!((&output["token"], &output["userName"]), (&json!("t"), &json!("张三")));
}

#[test]
fn the_result_may_be_text_or_number() {
    for result in ["0", "\"0\""] {
        let reply = format!("{{\"result\":{result},\"token\":\"t\"}}");
        assert!(validate(&answering(json!({}), 200, &reply)).is_ok());
    }
    let failure = info(&answering(json!({}), 200, "{\"result\":6403}")).unwrap_err();
    assert_eq!(failure.upstream_code.as_deref(), Some("6403"));
}

#[test]
fn objects_are_elements_and_rows_of_lists_are_attributes() {
    let json = parsed(json!({}), include_bytes!("../golden/list.reply.json")).unwrap();
    let mut xml = parsed(json!({}), include_bytes!("../golden/list.reply.xml")).unwrap();
    // XML has no numbers.
    assert_eq!(xml["total"], "2");
    xml["total"] = json!(2);
    assert_eq!(xml, json);
    let object = parsed(json!({}), include_bytes!("../golden/object.reply.xml")).unwrap();
    assert_eq!(object, json!({ "loginname": "zhangs", "username": "张三" }));
}

#[test]
fn a_list_of_one_row_is_a_list() {
    let reply = parsed(json!({}), b"<SSO><total>1</total><user loginname=\"lisi\"></user></SSO>").unwrap();
    assert_eq!(reply["user"], json!([{ "loginname": "lisi" }]));
}

#[test]
fn attributes_of_schemas_are_no_data() {
    let reply = "<SSO xmlns=\"x\" xmlns:i=\"y\"><loginname i:type=\"string\">lisi</loginname></SSO>";
    assert_eq!(parsed(json!({}), reply.as_bytes()).unwrap(), json!({ "loginname": "lisi" }));
}

#[test]
fn gb18030_is_read_when_utf_8_fails_unless_the_link_says_no() {
    // {"errmsg":"成功"}
    let gbk = b"{\"errmsg\":\"\xb3\xc9\xb9\xa6\"}";
    assert_eq!(parsed(json!({}), gbk).unwrap(), json!({ "errmsg": "成功" }));
    let failure = parsed(json!({ "charset": { "fallback": "none" } }), gbk).unwrap_err();
    is(&failure, Class::Protocol, Outcome::Unknown);
    assert_eq!(parsed(json!({}), b"\xef\xbb\xbf{\"a\":1}").unwrap(), json!({ "a": 1 }));
}

#[test]
fn typographic_quotes_are_read_only_when_lenient() {
    let json_reply = "{“loginname”:“zhangs”}".as_bytes();
    let xml_reply = "<?xml version=“1.0” encoding=“UTF-8”?><SSO><user loginname=“zhangs”></user></SSO>".as_bytes();
    assert_eq!(parsed(json!({}), json_reply).unwrap(), json!({ "loginname": "zhangs" }));
    assert_eq!(parsed(json!({}), xml_reply).unwrap()["user"][0]["loginname"], "zhangs");
    for reply in [json_reply, xml_reply] {
        is(&parsed(json!({ "lenient": false }), reply).unwrap_err(), Class::Protocol, Outcome::Unknown);
    }
}

#[test]
fn unescaped_text_and_trailing_commas_are_read_only_when_lenient() {
    let xml_reply = "<SSO><username>甲 & 乙 < 丙</username></SSO>".as_bytes();
    let json_reply = b"{\"total\":0,\"user\":[],}";
    assert_eq!(parsed(json!({}), xml_reply).unwrap()["username"], "甲 & 乙 < 丙");
    assert_eq!(parsed(json!({}), json_reply).unwrap()["total"], 0);
    for reply in [xml_reply, json_reply] {
        assert!(parsed(json!({ "lenient": false }), reply).is_err());
    }
}

#[test]
fn nothing_is_ever_written_with_typographic_quotes_or_commas() {
    let host = answering(json!({}), 200, VALIDATED);
    validate(&host).unwrap();
    assert!(!host.requests()[0].text().contains(['“', '”']));
}

#[test]
fn documents_with_entities_or_without_end_are_not_understood() {
    let deep = format!("{}x", "<a>".repeat(40));
    for hostile in [
        "<!DOCTYPE SSO [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><SSO><result>0</result><token>&x;</token></SSO>",
        deep.as_str(),
    ] {
        is(&parsed(json!({}), hostile.as_bytes()).unwrap_err(), Class::Protocol, Outcome::Unknown);
    }
}

#[test]
fn members_that_nobody_documented_are_passed_on_within_a_bound() {
    let many: String = (0..100).map(|n| format!(",\"x{n:03}\":\"{n}\"")).collect();
    let output = info(&answering(json!({}), 200, &format!("{{\"result\":\"0\",\"userid\":7{many}}}"))).unwrap();
    assert_eq!(output["userId"], "7");
    assert_eq!(output["extra"].as_object().unwrap().len(), 64);
    let large = format!("{{\"result\":\"0\",\"x\":\"{}\"}}", "y".repeat(20_000));
    let host = answering(json!({}), 200, &large);
    assert_eq!(info(&host).unwrap()["extra"], json!({}));
    assert_eq!(host.logs().len(), 1);
}
