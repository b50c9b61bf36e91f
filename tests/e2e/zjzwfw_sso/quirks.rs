//! The oddities of the SSO's answers, each by itself and all together: understood where they can be, refused where the
//! operator does not want guessing, and never written by us (a strict simulator takes nothing odd).

use duijie_tests::{
    harness::Answer,
    upstreams::{
        ZjzwfwSso,
        zjzwfw_sso::{Quirks, codes},
    },
};
use serde_json::{Value, json};

use super::{CONTENT_TYPE, Docked, SIMPLE, docked, docked_with, first_session, first_user};

/// Docked to an SSO that is odd in this way, asking for this format.
async fn odd(quirks: Quirks, datatype: &str, config: Value) -> Docked {
    let mut config = config;
    config["datatype"] = datatype.into();
    docked_with(ZjzwfwSso::builder().quirks(quirks), &config).await
}

/// Session and person are read as they are.
async fn is_understood(docked: &Docked) {
    let session = docked.done("ticket.validate", &json!({ "ticket": docked.ticket() })).await;
    let token = session["token"].clone();
    assert_eq!(session, first_session(&token));
    assert_eq!(docked.done("user.info", &json!({ "token": token })).await, first_user());
}

/// The answer is not understood, and nothing of it is repeated.
fn is_not_understood(answer: &Answer) {
    let problem = answer.problem(502, "protocol", "unknown");
    assert!(!answer.text().contains("甄测生") && !answer.text().contains("-commonToken"), "{problem}");
}

async fn validate(docked: &Docked) -> Answer {
    docked.call("ticket.validate", &json!({ "ticket": docked.ticket() })).await
}

#[tokio::test(flavor = "multi_thread")]
async fn json_and_xml_are_told_apart_by_content_because_both_say_text_xml() {
    for datatype in ["json", "xml"] {
        is_understood(&odd(Quirks::default(), datatype, json!({})).await).await;
    }
    // What the simulator says of both, so that this shows what it says it shows.
    let docked = docked().await;
    let url = format!("{}/sso/servlet/simpleauth?method=x", docked.sim.url());
    let said = duijie_tests::upstreams::call(http::Method::GET, &url, &[], "", std::time::Duration::from_secs(30));
    let said = said.await.unwrap();
    assert_eq!((said.headers["content-type"].to_str().unwrap(), said.body[0]), (CONTENT_TYPE, b'{'));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_in_gb18030_is_read_when_it_is_no_utf_8_unless_the_link_says_no() {
    for datatype in ["json", "xml"] {
        let quirks = Quirks { gb18030: true, ..Quirks::default() };
        is_understood(&odd(quirks, datatype, json!({})).await).await;
        let docked = odd(quirks, datatype, json!({ "charset": { "fallback": "none" } })).await;
        is_not_understood(&validate(&docked).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_result_may_be_a_number() {
    let quirks = Quirks { number_result: true, ..Quirks::default() };
    let docked = odd(quirks, "json", json!({})).await;
    is_understood(&docked).await;
    let problem = docked.call("user.info", &json!({ "token": "x" })).await.problem(503, "auth-expired", "rejected");
    assert_eq!(problem["upstream_code"], codes::TOKEN);
}

#[tokio::test(flavor = "multi_thread")]
async fn text_that_xml_does_not_escape_is_read_only_when_lenient() {
    let quirks = Quirks { unescaped_text: true, ..Quirks::default() };
    is_understood(&odd(quirks, "json", json!({})).await).await;
    is_understood(&odd(quirks, "xml", json!({})).await).await;
    is_not_understood(&validate(&odd(quirks, "xml", json!({ "lenient": false })).await).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn typographic_quotes_are_read_only_when_lenient() {
    let quirks = Quirks { typographic_quotes: true, ..Quirks::default() };
    is_understood(&odd(quirks, "json", json!({})).await).await;
    is_not_understood(&validate(&odd(quirks, "json", json!({ "lenient": false })).await).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_byte_order_mark_and_a_comma_too_many_are_read() {
    let docked = docked().await;
    for oddity in ["bom", "trailing-comma"] {
        docked.fault(SIMPLE, oddity);
        is_understood(&docked).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_installation_with_every_oddity_at_once_is_understood() {
    for datatype in ["json", "xml"] {
        let docked = docked_with(ZjzwfwSso::builder().quirky(), &json!({ "datatype": datatype })).await;
        is_understood(&docked).await;
        // It names the ticket otherwise, too.
        let made = json!({ "proxyApp": "demosvc2", "token": docked.token().await });
        assert!(docked.done("ticket.generate", &made).await["ticket"].as_str().unwrap().ends_with("-ticket"));
        let problem = docked.call("user.by-id", &json!({ "userId": "nobody" })).await;
        let problem = problem.problem(409, "upstream-rejected", "rejected");
        assert!(problem["detail"].as_str().unwrap().contains("用户不存在"), "{datatype}: {problem}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_made_ticket_may_be_called_st_or_ticket_in_the_reply() {
    // The strict simulator says st, the quirky one ticket.
    for sim in [ZjzwfwSso::builder(), ZjzwfwSso::builder().quirky()] {
        let docked = docked_with(sim, &json!({})).await;
        let made = json!({ "proxyApp": "demosvc2", "token": docked.token().await });
        assert!(docked.done("ticket.generate", &made).await["ticket"].as_str().unwrap().ends_with("-ticket"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn method_names_are_sent_in_the_case_that_the_document_prints() {
    let docked = docked().await;
    let wrong = docked.call("call", &json!({ "method": "getuserinfo", "params": { "token": "x" } })).await;
    assert_eq!(wrong.problem(409, "upstream-rejected", "rejected")["upstream_code"], codes::METHOD);
    let right = docked.call("call", &json!({ "method": "getUserInfo", "params": { "token": "x" } })).await;
    assert_eq!(right.problem(409, "upstream-rejected", "rejected")["upstream_code"], codes::TOKEN);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_name_of_the_tickets_parameter_is_config() {
    // This simulator wants st; the other name is what it then misses.
    let docked = docked_with(ZjzwfwSso::builder(), &json!({ "param": { "ticket": "ticket" } })).await;
    let problem = validate(&docked).await.problem(409, "session-invalid", "rejected");
    assert_eq!(problem["upstream_code"], codes::MISSING);
}
