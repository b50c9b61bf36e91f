//! The IRS gateway in front of the servlets.

use super::super::super::exchange::now_ms;
use super::super::super::testing::{Answer, post};
use super::super::sign::Irs;
use super::super::{DEMO_IRS_ACCESS_KEY, DEMO_IRS_SECRET_KEY, codes};
use super::resource::{FORM, Resource, signed};

const TICKET: &str = "/restapi/prod/IC33000020220228000002/sso/servlet/simpleauth";
const USER: &str = "/restapi/prod/IC33000020220228000004/sso/servlet/simpleauth";

fn irs() -> Irs {
    Irs { access_key: DEMO_IRS_ACCESS_KEY.to_owned(), secret_key: DEMO_IRS_SECRET_KEY.to_owned() }
}

fn date(ahead_s: i64) -> String {
    let time = jiff::Timestamp::from_millisecond(now_ms() + ahead_s * 1000).expect("a time");
    jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&time).expect("a date")
}

async fn ask(resource: &Resource, path: &str, signature: &str, date: &str, form: String) -> Answer {
    let headers = [
        FORM,
        ("x-bg-hmac-access-key", DEMO_IRS_ACCESS_KEY),
        ("x-bg-hmac-algorithm", "hmac-sha256"),
        ("x-bg-hmac-signature", signature),
        ("x-bg-date-time", date),
    ];
    post(resource.address(), "POST", path, &headers, form).await.expect("an answer")
}

#[test]
fn the_signature_agrees_with_its_vector() {
    let signature = irs().signature("POST", TICKET, "", "Tue, 02 Jan 2024 03:04:05 GMT");
    assert_eq!(signature, "0OEPZxMDM9B4YNjYusbhuRjw4gPctig4XVW7AWM7Im8=");
    let one = irs().signature("GET", TICKET, "b=2&a=1", "Tue, 02 Jan 2024 03:04:05 GMT");
    assert_eq!(one, irs().signature("GET", TICKET, "a=1&b=2", "Tue, 02 Jan 2024 03:04:05 GMT"), "sorted");
}

#[tokio::test]
async fn each_method_has_its_own_path() {
    let resource = Resource::strict().await;
    let date = date(0);
    let (to_ticket, to_user) = (irs().signature("POST", TICKET, "", &date), irs().signature("POST", USER, "", &date));
    let validation = signed("ticketValidation", "json", &[("st", &resource.ticket())]);
    let reply = ask(&resource, TICKET, &to_ticket, &date, validation.clone()).await.json();
    let token = reply["token"].as_str().expect("a token");
    let info = signed("getUserInfo", "json", &[("token", token)]);
    assert_eq!(ask(&resource, USER, &to_user, &date, info.clone()).await.json()["userid"], "demoUser0001");
    assert_eq!(ask(&resource, TICKET, &to_ticket, &date, info).await.json()["result"], codes::METHOD);
    assert_eq!(ask(&resource, USER, &to_user, &date, validation).await.json()["result"], codes::METHOD);
}

#[tokio::test]
async fn the_gateway_refuses_before_the_sso_is_asked() {
    let resource = Resource::strict().await;
    let (now, early, late) = (date(0), date(-310), date(310));
    let sign = |date: &str| irs().signature("POST", TICKET, "", date);
    let form = || signed("ticketValidation", "json", &[("st", "x")]);
    let right = ask(&resource, TICKET, &sign(&now), &now, form()).await;
    assert_eq!((right.status, &right.json()["result"]), (200, &serde_json::json!(codes::TICKET)));
    for (signature, date) in [(sign(&early), &early), (sign(&late), &late), (sign(&early), &now), (String::new(), &now)]
    {
        let refused = ask(&resource, TICKET, &signature, date, form()).await;
        assert_eq!((refused.status, refused.json().get("result")), (401, None), "{date}");
    }
    let iso = "2024-01-02T03:04:05Z";
    assert_eq!(ask(&resource, TICKET, &sign(iso), iso, form()).await.status, 401);
    let bare = post(resource.address(), "POST", TICKET, &[FORM], form()).await.expect("an answer");
    assert_eq!(bare.json()["message"], "HMAC validation failed: x-bg-hmac-access-key");
    assert_eq!(resource.simulator.counters().crypto_failures, 6);
}
