//! The aamif service.

use serde_json::json;

use super::super::super::testing::post;
use super::super::{Eduyun, codes};
use super::member::{JSON, Member};

const CREATE: &str = "/aamif/rest/area/createTicket";
const AREA: &str = "/aamif/rest/area/validaTicket";
const CENTRAL: &str = "/aamif/rest/validaTicket";

async fn ticket(member: &Member) -> String {
    let session = member.session().await;
    let reply = member.ask_aamif(CREATE, json!({"usessionid": session})).await;
    assert_eq!((&reply["result"], &reply["desc"]), (&json!(codes::OK), &json!("success")));
    reply["ticket"].as_str().expect("a ticket").to_owned()
}

#[tokio::test]
async fn a_ticket_tells_the_user_once() {
    let member = Member::strict().await;
    let ticket = ticket(&member).await;
    let reply = member.ask_aamif(AREA, json!({"ticket": ticket})).await;
    assert_eq!(reply["userinfo"]["personid"], "demoUser0001");
    assert_eq!(reply["userinfo"]["fnascount"], 0, "a number, whatever the table says");
    assert_eq!(reply["usessionid"].as_str().expect("a session").len(), 36);
    let again = member.ask_aamif(AREA, json!({"ticket": ticket})).await;
    assert_eq!(again, json!({"result": codes::FAILED, "desc": "ticket verify fail"}));
}

#[tokio::test]
async fn the_central_platform_wants_a_platform_code_that_may_be_empty() {
    let member = Member::strict().await;
    let first = ticket(&member).await;
    let without = member.ask_aamif(CENTRAL, json!({"ticket": first})).await;
    assert_eq!(without["result"], codes::EMPTY);
    let reply = member.ask_aamif(CENTRAL, json!({"ticket": first, "platformcode": ""})).await;
    assert_eq!(reply["result"], codes::OK);
}

#[tokio::test]
async fn names_are_in_lower_case_here_and_an_ended_session_has_its_own_code() {
    let member = Member::strict().await;
    let session = member.session().await;
    let camel = member.ask_aamif(CREATE, json!({"usessionId": session})).await;
    assert_eq!(camel["result"], codes::WRONG);
    member.profile().end_sessions();
    let ended = member.ask_aamif(CREATE, json!({"usessionid": session})).await;
    assert_eq!(ended, json!({"result": codes::SESSION_AAMIF, "desc": "usessionid verify fail"}));
}

#[tokio::test]
async fn a_token_is_wanted_only_if_the_builder_says_so() {
    let member = Member::of(Eduyun::builder().aamif_token()).await;
    let session = member.session().await;
    let body = json!({"usessionid": session});
    assert_eq!(member.ask_aamif(CREATE, body.clone()).await["result"], codes::EMPTY);
    let target = format!("{CREATE}?accessToken={}", member.token);
    let reply = post(member.address(), "POST", &target, &[JSON], body.to_string()).await.expect("an answer").json();
    assert_eq!(reply["result"], codes::OK);
}
