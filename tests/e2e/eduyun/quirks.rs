//! The document's quirks Q1 to Q11 through the real host. The strict simulator takes only what should be sent and answers
//! as printed; the quirky one gives every oddity back. Q6 stands in `doors.rs`; Q9, the numbering of the document's
//! lists, has nothing on the wire.

use std::time::Duration;

use duijie_tests::{
    harness::WAIT_MAX,
    upstreams::{
        Eduyun, Tokens, call,
        eduyun::{DEMO_APP_ID, DEMO_ORG_CODE},
    },
};
use http::Method;
use serde_json::{Value, json};

use super::{Docked, Region, docked, docked_with, newcomer, teacher, text, with};

async fn quirky(change: impl FnOnce(Region) -> Region) -> Docked {
    docked_with(Eduyun::builder().quirky(), change).await
}

/// Both simulators, with the same link.
async fn both() -> [Docked; 2] {
    [docked().await, quirky(|region| region).await]
}

/// Has the phone's code sent, and the newcomer verified with it.
async fn verify(docked: &Docked, more: &Value) {
    let phone = json!({ "phone": "13800000001" });
    docked.done("phone.send-code", &phone).await;
    let code = docked.sim.profile().phone_code("13800000001").unwrap();
    let claim = json!({ "verifyCode": code, "orgCode": DEMO_ORG_CODE, "loginAccount": "hz-0007" });
    docked.done("user.verify", &with(with(with(newcomer(), &claim), &phone), more)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn q1_the_sessions_name_is_written_as_each_service_wants_it_and_read_in_either_case() {
    // The quirky upstream writes usessionid where the document has usessionId.
    for docked in both().await {
        let session = json!({ "usessionId": docked.session().await });
        docked.done("user.info", &session).await;
        docked.done("cert.info", &session).await;
        docked.done("ticket.create", &session).await;
        let ticket = docked.done("aamif.ticket-create", &session).await;
        let validated = docked.done("aamif.ticket-validate-area", &ticket).await;
        assert_eq!(validated["usessionId"], session["usessionId"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn q2_the_default_identity_is_read_as_it_is_misspelt_and_as_it_is_meant() {
    for docked in both().await {
        let user = docked.done("user.info", &json!({ "usessionId": docked.session().await })).await;
        assert_eq!(user["defaultIdentity"], "1");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn q3_replies_with_a_byte_order_mark_and_trailing_commas_are_read_unless_the_link_is_strict() {
    let docked = quirky(|region| region).await;
    verify(&docked, &json!({})).await;
    assert_eq!(docked.done("org.list", &json!({ "page": 1, "size": 3 })).await["total"], 150);
    let docked = docked_with(Eduyun::builder(), |region| region.config("json.lenient = false")).await;
    docked.done("token.check", &json!({})).await;
    docked.fault_once("org.list", "trailing-comma");
    docked.call("org.list", &json!({})).await.problem(502, "protocol", "unknown");
    docked.fault_once("org.list", "bom");
    docked.done("org.list", &json!({})).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn q4_an_array_where_an_object_is_meant_and_text_where_a_number_is_are_read_alike() {
    let mut read = Vec::new();
    for docked in both().await {
        let session = json!({ "usessionId": docked.session().await });
        let ticket = docked.done("aamif.ticket-create", &session).await;
        let person = docked.done("aamif.ticket-validate-central", &ticket).await["person"].clone();
        let user = docked.done("user.info", &session).await;
        let total = docked.done("app.list", &json!({ "page": 1, "size": 1 })).await["total"].clone();
        read.push((person, user, total));
    }
    assert_eq!(read[0], read[1]);
    let (person, user, total) = &read[0];
    assert_eq!((&person["fans"], &person["isLeader"], &user["gender"]), (&json!(0), &json!("0"), &json!("1")));
    assert_eq!((user["orgs"].as_array().unwrap().len(), total), (1, &json!(150)));
}

#[tokio::test(flavor = "multi_thread")]
async fn q5_all_three_envelopes_of_the_one_upstream_are_understood_and_their_refusals_too() {
    for docked in both().await {
        // retCode and data; flat accessTicket; result and desc.
        let session = json!({ "usessionId": docked.session().await });
        assert_eq!(text(&docked.done("oauth.ticket", &json!({})).await["accessTicket"]).len(), 32);
        docked.done("aamif.ticket-create", &session).await;
        docked.sim.profile().end_sessions();
        docked.refused("user.info", &session, ("session-invalid", "300006")).await;
        docked.refused("aamif.ticket-create", &session, ("session-invalid", "301999")).await;
        docked.fault("oauth.ticket", "code=999999,停用");
        docked.refused("oauth.ticket", &json!({}), ("upstream-rejected", "999999")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn q7_each_of_the_six_identities_is_sent_as_its_digit() {
    for identity in ["0", "1", "2", "3", "4", "5"] {
        let docked = docked().await;
        verify(&docked, &json!({ "userIdentity": identity })).await;
        assert_eq!(docked.sim.profile().verifications()[0].user_identity, identity);
    }
    let docked = docked().await;
    for none in ["6", "", "3:4", "3："] {
        let claim = with(teacher(), &json!({ "userIdentity": none }));
        assert_eq!(docked.misfits("session.exchange", &claim).await, ["/userIdentity"], "{none:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn q8_the_token_travels_in_the_query_and_stands_in_no_log_line_and_no_problem() {
    let docked = docked().await;
    docked.done("token.check", &json!({})).await;
    // The upstream gives back all that it got; it is not what the operation wants.
    docked.fault("app.list", "echo");
    let answer = docked.call("app.list", &json!({})).await;
    answer.problem(502, "protocol", "unknown");
    let token = Tokens::new(0).issue(DEMO_APP_ID, Duration::from_secs(3600), 0);
    docked.sim.faults().clear();
    let address = format!("{}/appInfo/getAppList?accessToken={token}", docked.sim.url());
    let (json_type, page) = (("content-type", "application/json"), r#"{"pageNo":1,"pageSize":1}"#);
    let listed = call(Method::POST, &address, &[json_type], page, WAIT_MAX).await.unwrap();
    assert!(String::from_utf8_lossy(&listed.body).contains("000000"), "this is the token");
    let stopped = docked.host.terminate().await;
    assert!(!stopped.written().contains(&token) && !answer.text().contains(&token));
}

#[tokio::test(flavor = "multi_thread")]
async fn q10_a_code_of_an_organisation_may_have_any_length() {
    for code in ["1", "31450069822", "31450069822314500698223145006982231450069822"] {
        let docked = quirky(|region| region).await;
        verify(&docked, &json!({ "orgCode": code })).await;
        assert_eq!(docked.sim.profile().verifications()[0].org_code, code);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn q11_a_page_of_more_than_a_thousand_is_refused_here_even_if_the_upstream_would_take_it() {
    let docked = quirky(|region| region).await;
    for operation in ["org.list", "app.list"] {
        assert_eq!(docked.misfits(operation, &json!({ "page": 1, "size": 1001 })).await, ["/size"]);
        assert_eq!(docked.misfits(operation, &json!({ "page": 0, "size": 10 })).await, ["/page"]);
        docked.done(operation, &json!({ "page": 1, "size": 1000 })).await;
    }
    assert_eq!((docked.seen("org.list"), docked.seen("app.list")), (1, 1));
}
