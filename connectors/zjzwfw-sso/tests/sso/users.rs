//! People of ours at the SSO: `args` in both formats, the guard of the invented names, and what is found wrong before
//! anything is sent.

use serde_json::json;
use zjzwfw_sso::ZjzwfwSso;

use super::*;

fn person() -> Value {
    json!({
        "operation": "add", "userId": "", "loginName": "zhangs", "userName": "甄测生", "orgCoding": "001006",
        "idNumber": "999999199001010016", "mobile": "13800000001", "sex": "1", "enabled": true,
    })
}

fn accepting(changes: Value) -> TestHost {
    let host = host(changes);
    host.on("POST", USERS).reply_text(200, "text/xml", "{\"result\":\"0\",\"errmsg\":\"成功\",\"userid\":\"u-9\"}");
    host
}

fn sync(host: &TestHost, person: Value) -> Result<Value, Failure> {
    host.call::<ZjzwfwSso>("user.sync-out", person)
}

#[test]
fn a_person_goes_out_as_json_or_as_xml() {
    for (datatype, args) in
        [("json", include_str!("../golden/user_sync.args.json")), ("xml", include_str!("../golden/user_sync.args.xml"))]
    {
        let host = accepting(json!({ "datatype": datatype }));
        let output = sync(&host, person()).unwrap();
        assert_eq!(output, json!({ "accepted": true, "userId": "u-9", "message": "成功" }));
        assert_eq!(sent(&host, "args").unwrap(), args.trim());
        assert_eq!(sent(&host, "method").unwrap(), "synchronizeUser");
        assert_eq!(sent(&host, "datatype").unwrap(), datatype);
    }
}

#[test]
fn what_is_not_known_of_a_person_goes_out_empty() {
    let host = accepting(json!({}));
    let person = json!({
        "operation": "add", "loginName": "zhangs", "userName": "甄测生", "orgCoding": "001006", "mobile": null,
        "enabled": false,
    });
    sync(&host, person).unwrap();
    let args: Value = serde_json::from_str(&sent(&host, "args").unwrap()).unwrap();
    let expected = json!({
        "opttype": "add", "userid": "", "loginname": "zhangs", "username": "甄测生", "orgcoding": "001006", "idnum": "",
        "mobile": "", "sex": "", "useable": "0",
    });
    assert_eq!(args, expected);
}

#[test]
fn everything_wrong_with_a_person_is_said_at_once_and_nothing_is_sent() {
    let host = accepting(json!({}));
    let mut wrong = person();
    // Its last character is not the check character.
    wrong["idNumber"] = json!("999999200312110041");
    wrong["mobile"] = json!("12345678901");
    wrong["operation"] = json!("remove");
    wrong["userName"] = json!("");
    wrong["age"] = json!(33);
    let failure = sync(&host, wrong).unwrap_err();
    is(&failure, Class::InvalidInput, Outcome::NotSent);
    let detail = failure.detail_json();
    let pointers: Vec<_> = detail.as_array().unwrap().iter().map(|field| field["pointer"].as_str().unwrap()).collect();
    assert_eq!(pointers, ["/idNumber", "/mobile", "/operation", "/userName", "/age"]);
    assert!(!failure.detail.unwrap().contains("9999992003"));
    assert!(host.requests().is_empty());
}

#[test]
fn invented_names_are_sent_to_simulators_only() {
    let real = json!({ "base": "https://puser.zjzwfw.gov.cn/sso" });
    is(&sync(&host(real), person()).unwrap_err(), Class::Config, Outcome::NotSent);
    let listed = json!({ "base": "https://sim.example/sso", "sim": { "hosts": ["sim.example"] } });
    let host = host(listed);
    host.on("POST", "https://sim.example/sso/servlet/organduser").reply_text(200, "text/xml", "{\"result\":0}");
    assert!(sync(&host, person()).is_ok());
}

#[test]
fn a_mapping_of_the_links_own_is_sent_to_anybody_in_its_order() {
    let fields = json!([
        { "to": "xm", "from": "userName", "required": true },
        { "to": "roles", "from": "roles", "type": "list", "fields": [{ "to": "code" }] },
        { "to": "dw", "from": "org", "type": "object", "fields": [{ "to": "bm", "from": "code" }] },
        { "to": "tags", "from": "tags", "type": "list" },
    ]);
    let person = json!({
        "userName": "甲 & 乙", "roles": [{ "code": "r1" }, { "code": "r2" }], "org": { "code": "001" }, "tags": ["x", 1],
    });
    for (datatype, args) in [
        (
            "json",
            "{\"xm\":\"甲 & 乙\",\"roles\":[{\"code\":\"r1\"},{\"code\":\"r2\"}],\"dw\":{\"bm\":\"001\"},\"tags\":[\"x\",1]}",
        ),
        (
            "xml",
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><SSO><xm>甲 &amp; 乙</xm><roles code=\"r1\"></roles><roles code=\"r2\"></roles><dw><bm>001</bm></dw><tags>x</tags><tags>1</tags></SSO>",
        ),
    ] {
        let mapping = json!({ "user_sync": { "fields": fields } });
        let host = host(json!({ "base": "https://sso.example", "mapping": mapping, "datatype": datatype }));
        host.on("POST", "https://sso.example/servlet/organduser").reply_text(200, "text/xml", "{\"result\":0}");
        sync(&host, person.clone()).unwrap();
        assert_eq!(sent(&host, "args").unwrap(), args);
    }
}

#[test]
fn a_refused_person_is_a_refusal() {
    let host = host(json!({}));
    host.on("POST", USERS).reply_text(200, "text/xml", "<SSO><result>1</result><errmsg>登录名已存在</errmsg></SSO>");
    let failure = sync(&host, person()).unwrap_err();
    is(&failure, Class::UpstreamRejected, Outcome::Rejected);
    assert!(failure.message.contains("登录名已存在"));
}

#[test]
fn the_details_of_a_person_are_the_documents() {
    let host = answering(json!({}), 200, INFO);
    assert_eq!(info(&host), Ok(golden(include_str!("../golden/user_info.output.json"))));
    assert_eq!(sent(&host, "method").unwrap(), "getUserInfo");
    assert_eq!(sent(&host, "token").unwrap(), "8afac0cc-commonToken");
    let failure = {
        let host = super::host(json!({}));
        host.on("POST", USERS).reply_text(200, "text/xml", "{\"result\":\"404\"}");
        host.call::<ZjzwfwSso>("user.by-id", json!({ "userId": "x" })).unwrap_err()
    };
    is(&failure, Class::UpstreamRejected, Outcome::Rejected);
}
