//! The webservice.

use super::super::super::testing::{Answer, call, post};
use super::super::{DEMO_SOAP_NAMESPACE, ZjzwfwSso, codes, xml};
use super::resource::{Resource, common};

const SERVICE: &str = "/sso/service/SimpleAuthService";
const TYPED: [(&str, &str); 2] = [("content-type", "text/xml; charset=utf-8"), ("soapaction", "\"\"")];

fn envelope(namespace: &str, method: &str, datatype: &str, more: &[(&str, &str)]) -> String {
    let more = more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let parameters: String =
        common(datatype).into_iter().chain(more).map(|(name, value)| format!("<{name}>{value}</{name}>")).collect();
    format!(
        r#"<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><m:{method} xmlns:m="{namespace}">{parameters}</m:{method}></s:Body></s:Envelope>"#
    )
}

/// What the answer's element holds.
fn out(answer: &Answer, element: &str) -> String {
    let root = xml::read(std::str::from_utf8(&answer.body).expect("UTF-8")).expect("XML");
    let method = &root.child("Body").expect("a body").children[0];
    assert_eq!(method.namespace.as_deref(), Some(DEMO_SOAP_NAMESPACE));
    method.child(element).expect("the element").text.clone()
}

#[tokio::test]
async fn a_method_is_an_element_and_the_answer_is_text_in_out() {
    let resource = Resource::strict().await;
    let ticket = resource.ticket();
    let body = envelope(DEMO_SOAP_NAMESPACE, "ticketValidation", "json", &[("st", &ticket)]);
    let answer = post(resource.address(), "POST", SERVICE, &TYPED, body).await.expect("an answer");
    assert_eq!((answer.status, answer.header("content-type")), (200, "text/xml;charset=utf-8"));
    let reply: serde_json::Value = serde_json::from_str(&out(&answer, "out")).expect("JSON");
    assert_eq!((&reply["result"], &reply["userid"]), (&serde_json::json!("0"), &serde_json::json!("demoUser0001")));

    let body = envelope(DEMO_SOAP_NAMESPACE, "getUserInfo", "xml", &[("token", "x")]);
    let path = "/sso4/service/SsoAuthService";
    let answer = post(resource.address(), "POST", path, &TYPED, body).await.expect("an answer");
    let reply = xml::read(&out(&answer, "out")).expect("XML in XML");
    assert_eq!(reply.child("result").expect("a result").text, codes::TOKEN);
}

#[tokio::test]
async fn the_namespace_and_the_element_are_the_builders_choice() {
    let builder = ZjzwfwSso::builder().soap_namespace("urn:other").soap_out("return");
    let resource = Resource::of(builder).await;
    let ask = async |namespace: &str| {
        let body = envelope(namespace, "getUserInfo", "json", &[("token", "x")]);
        post(resource.address(), "POST", SERVICE, &TYPED, body).await.expect("an answer")
    };
    let wrong = ask(DEMO_SOAP_NAMESPACE).await;
    assert_eq!(wrong.status, 500);
    assert!(String::from_utf8(wrong.body.to_vec()).expect("UTF-8").contains("target namespace"));
    let right = ask("urn:other").await;
    let text = String::from_utf8(right.body.to_vec()).expect("UTF-8");
    assert!(right.status == 200 && text.contains("<ns1:return>") && text.contains("urn:other"), "{text}");
    let wsdl = call(resource.address(), "GET", "/sso/service/SimpleAuthService?wsdl").await;
    let wsdl = String::from_utf8(wsdl.body.to_vec()).expect("UTF-8");
    assert!(wsdl.contains(r#"targetNamespace="urn:other""#) && wsdl.contains("generateST"), "{wsdl}");
}

#[tokio::test]
async fn what_is_no_envelope_is_a_soap_fault() {
    let resource = Resource::strict().await;
    let good = envelope(DEMO_SOAP_NAMESPACE, "getUserInfo", "json", &[("token", "x")]);
    let status = async |headers: &[(&str, &str)], body: String| {
        let answer = post(resource.address(), "POST", SERVICE, headers, body).await.expect("an answer");
        (answer.status, String::from_utf8_lossy(&answer.body).contains("soap:Fault"))
    };
    assert_eq!(status(&TYPED, good.clone()).await, (200, false));
    assert_eq!(status(&TYPED[..1], good.clone()).await, (500, true), "no SOAPAction");
    assert_eq!(status(&[("content-type", "application/json"), TYPED[1]], good.clone()).await, (500, true));
    assert_eq!(status(&TYPED, good.replace("</s:Body>", "")).await, (500, true));
    assert_eq!(status(&TYPED, "<a/>".to_owned()).await, (500, true));
}
