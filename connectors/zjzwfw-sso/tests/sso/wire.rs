//! What leaves: forms, queries, envelopes, gateway headers, and the two published vectors.

use duijie_sdk::xml;
use serde_json::json;
use zjzwfw_sso::ZjzwfwSso;

use super::*;

#[test]
fn a_request_is_the_documents_and_the_signature_is_the_vector() {
    let host = answering(json!({}), 200, VALIDATED);
    assert_eq!(validate(&host), Ok(golden(include_str!("../golden/ticket_validation.output.json"))));
    let request = host.requests().pop().unwrap();
    assert_eq!((request.method.as_str(), request.url.as_str()), ("POST", SIMPLE));
    assert_eq!(request.text(), include_str!("../golden/ticket_validation.request.txt").trim());
    assert_eq!(request.header("content-type"), Some("application/x-www-form-urlencoded"));
    assert_eq!(request.timeout_ms, Some(5_000));
}

#[test]
fn the_password_that_signs_is_never_sent() {
    let host = answering(json!({}), 200, VALIDATED);
    validate(&host).unwrap();
    let request = host.requests().pop().unwrap();
    assert!(!format!("{request:?}").contains("demosvcpwd") && !request.text().contains("demosvcpwd"));
}

#[test]
fn a_get_has_its_parameters_in_the_query_and_no_body() {
    let host = host(json!({ "http": { "verb": "GET", "timeout_ms": 700 } }));
    host.on("GET", SIMPLE).reply_text(200, "text/xml", VALIDATED);
    validate(&host).unwrap();
    let request = host.requests().pop().unwrap();
    let query = request.url.strip_prefix(SIMPLE).unwrap().strip_prefix('?').unwrap();
    assert_eq!(query, include_str!("../golden/ticket_validation.request.txt").trim());
    assert!(request.body.is_empty());
    assert_eq!(request.timeout_ms, Some(700));
}

#[test]
fn family_transport_and_path_decide_the_address() {
    let soap = json!({ "namespace": "http://service.sso/" });
    for (changes, url) in [
        (json!({ "interface": "standard" }), "/sso/servlet/ssoauth"),
        (json!({ "transport": "soap", "soap": soap }), "/sso/service/SimpleAuthService"),
        (json!({ "transport": "soap", "soap": soap, "interface": "standard" }), "/sso/service/SsoAuthService"),
        (json!({ "path": { "auth": "/servlet/other" } }), "/sso/servlet/other"),
        (json!({ "base": "http://127.0.0.1:18084/sso4/" }), "/sso4/servlet/simpleauth"),
    ] {
        let host = host(changes);
        let url = format!("http://127.0.0.1:18084{url}");
        host.on("POST", &url).reply_text(200, "text/xml", VALIDATED);
        assert!(validate(&host).is_ok(), "{url}");
    }
}

#[test]
fn user_management_has_a_servlet_of_its_own() {
    let by_id = |changes, url: &str| {
        let host = host(changes);
        host.on("POST", url).reply_text(200, "text/xml", INFO);
        host.call::<ZjzwfwSso>("user.by-id", json!({ "userId": "u-0001" }))
    };
    let expected = Ok(golden(include_str!("../golden/user_info.output.json")));
    assert_eq!(by_id(json!({}), USERS), expected);
    assert_eq!(by_id(json!({ "path": { "users": "/u" } }), "http://127.0.0.1:18084/sso/u"), expected);
    let soap = json!({ "transport": "soap", "soap": { "namespace": "n" } });
    assert_eq!(by_id(soap, "http://127.0.0.1:18084/sso/service/SimpleAuthService"), expected);
}

#[test]
fn names_of_methods_ticket_and_time_are_config() {
    let changes = json!({
        "method": { "ticket_validate": "validateTicket" }, "param": { "ticket": "ticket" },
        "time": { "format": "yyyy-MM-dd HH:mm:ss", "zone": "Asia/Shanghai" }, "sign": { "kind": "md5-concat" },
        "token": { "default_ttl_s": 1200 },
    });
    let host = answering(changes, 200, VALIDATED);
    assert_eq!(validate(&host).unwrap()["tokenTtlS"], 1200);
    assert_eq!(sent(&host, "method").unwrap(), "validateTicket");
    assert_eq!(sent(&host, "ticket").unwrap(), "8afac0cc-ticket");
    assert_eq!(sent(&host, "time").unwrap(), "2024-01-02 03:04:05");
    assert_ne!(sent(&host, "sign").unwrap(), SIGN);
}

#[test]
fn soap_carries_the_same_parameters_as_elements_in_the_wsdls_namespace() {
    let host = host(json!({ "transport": "soap", "soap": { "namespace": "http://service.sso/" } }));
    let url = "http://127.0.0.1:18084/sso/service/SimpleAuthService";
    let out = VALIDATED.replace('"', "&quot;");
    let reply = format!(
        "<soap:Envelope xmlns:soap=\"http://schemas.xmlsoap.org/soap/envelope/\"><soap:Body><ns1:ticketValidationResponse xmlns:ns1=\"http://service.sso/\"><ns1:out>{out}</ns1:out></ns1:ticketValidationResponse></soap:Body></soap:Envelope>"
    );
    host.on("POST", url).reply_text(200, "text/xml; charset=utf-8", &reply);
    assert_eq!(validate(&host), Ok(golden(include_str!("../golden/ticket_validation.output.json"))));
    let request = host.requests().pop().unwrap();
    assert_eq!(request.header("content-type"), Some("text/xml; charset=utf-8"));
    assert_eq!(request.header("SOAPAction"), Some("\"\""));
    let root = xml::parse(&request.text()).unwrap();
    let call = root.child("Body").unwrap().child("ticketValidation").unwrap();
    assert_eq!(call.attributes, [("xmlns:m".to_owned(), "http://service.sso/".to_owned())]);
    let children: Vec<_> = call.children.iter().map(|child| (child.local_name(), child.text.as_str())).collect();
    assert_eq!(
        children,
        [
            ("servicecode", "demosvc"),
            ("time", "20240102030405"),
            ("sign", SIGN),
            ("datatype", "json"),
            ("st", "8afac0cc-ticket"),
        ]
    );
}

#[test]
fn soap_answers_may_hold_xml_as_text_or_as_elements() {
    let xml = "<SSO><result>0</result><token>t-commonToken</token></SSO>";
    let escaped = xml.replace('<', "&lt;");
    let members = "<result>0</result><token>t-commonToken</token>";
    for out in [escaped.as_str(), xml, members] {
        let changes = json!({ "transport": "soap", "soap": { "namespace": "n", "out": "return" }, "datatype": "xml" });
        let host = host(changes);
        let reply = format!("<Envelope><Body><r><return>{out}</return></r></Body></Envelope>");
        host.on("POST", "http://127.0.0.1:18084/sso/service/SimpleAuthService").reply_text(200, "text/xml", &reply);
        assert_eq!(validate(&host).unwrap()["token"], "t-commonToken", "{out}");
    }
}

const GATEWAY: &str = "http://127.0.0.1:18443/restapi/prod/IC33000020220228000002/sso/servlet/simpleauth";

fn irs(more: Value) -> Value {
    let mut changes = json!({ "gateway": "irs", "irs": { "base": "http://127.0.0.1:18443", "access_key": "demoak" } });
    merge(&mut changes, more);
    changes
}

#[test]
fn the_gateways_headers_are_the_vector() {
    let host = host(irs(json!({})));
    host.set_now_ms(1_704_164_645_000);
    host.on("POST", GATEWAY).reply_text(200, "application/json", VALIDATED);
    validate(&host).unwrap();
    let request = host.requests().pop().unwrap();
    assert_eq!(request.header("X-BG-HMAC-ACCESS-KEY"), Some("demoak"));
    assert_eq!(request.header("X-BG-HMAC-SIGNATURE"), Some("0OEPZxMDM9B4YNjYusbhuRjw4gPctig4XVW7AWM7Im8="));
    assert_eq!(request.header("X-BG-HMAC-ALGORITHM"), Some("hmac-sha256"));
    assert_eq!(request.header("X-BG-DATE-TIME"), Some("Tue, 02 Jan 2024 03:04:05 GMT"));
    assert!(request.text().starts_with("method=ticketValidation&servicecode=demosvc&time=20240102110405&sign="));
}

#[test]
fn the_gateway_has_a_path_for_each_method_and_other_methods_need_one() {
    let host = host(irs(json!({ "irs": { "path": { "user_by_id": "/restapi/prod/X/u" } } })));
    host.on("POST", &GATEWAY.replace("00002/", "00004/")).reply_text(200, "application/json", INFO);
    host.on("POST", "http://127.0.0.1:18443/restapi/prod/X/u").reply_text(200, "application/json", INFO);
    assert!(info(&host).is_ok());
    assert!(host.call::<ZjzwfwSso>("user.by-id", json!({ "userId": "1" })).is_ok());
    let failure = host.call::<ZjzwfwSso>("ticket.generate", json!({ "proxyApp": "a", "token": "t" })).unwrap_err();
    is(&failure, Class::Config, Outcome::NotSent);
    assert!(failure.message.contains("irs.path.ticket_generate"));
}

#[test]
fn the_gateway_signs_a_query_in_the_order_of_its_names() {
    let host = host(irs(json!({ "http": { "verb": "GET" } })));
    host.on("GET", GATEWAY).reply_text(200, "application/json", VALIDATED);
    validate(&host).unwrap();
    let request = host.requests().pop().unwrap();
    let names: Vec<_> = parameters(request.url.split_once('?').unwrap().1).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["datatype", "method", "servicecode", "sign", "st", "time"]);
    assert!(request.header("X-BG-HMAC-SIGNATURE").is_some());
}

#[test]
fn a_gateway_without_access_key_sends_nothing() {
    let host = host(json!({ "gateway": "irs" }));
    is(&validate(&host).unwrap_err(), Class::Config, Outcome::NotSent);
    assert!(host.requests().is_empty());
}
