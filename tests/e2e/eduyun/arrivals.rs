//! The aamif service (E14 to E16): tickets between platforms, made for users who leave and validated for users who
//! arrive, by a call or straight from the browser.

use duijie_tests::upstreams::Eduyun;
use serde_json::{Value, json};
use url::Url;

use super::{
    ARRIVAL_PAGE, BROWSER_PATH, Docked, docked, docked_from, docked_with, parameter, sent_on, setup, text, visit,
};

const AREA: &str = "aamif.ticket-validate-area";
const CENTRAL: &str = "aamif.ticket-validate-central";

/// A ticket of the teacher's session.
async fn ticket(docked: &Docked) -> String {
    let session = json!({ "usessionId": docked.session().await });
    text(&docked.done("aamif.ticket-create", &session).await["ticket"])
}

/// What the aamif service says of the teacher.
fn teacher() -> Value {
    json!({
        "personId": "demoUser0001",
        "account": "demo_1",
        "name": "甄测师",
        "birthday": null,
        "userType": "1",
        "registeredAt": "2017-02-16 17:12:57.0",
        "comeFrom": "0",
        "fans": 0,
        "isLeader": "0",
        "isFamousTeacher": "0",
        "logos": [],
    })
}

fn landing(docked: &Docked, query: &str) -> String {
    format!("{}{query}", docked.hook_url(BROWSER_PATH, "ticket-landing"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_for_another_platform_is_validated_at_the_regions_service_and_used_up() {
    let docked = docked().await;
    let session = docked.session().await;
    let made = docked.done("aamif.ticket-create", &json!({ "usessionId": session })).await;
    let validated = docked.done(AREA, &made).await;
    assert_eq!(validated, json!({ "usessionId": session, "person": teacher() }));
    docked.refused(AREA, &made, ("upstream-rejected", "100001")).await;
    let paths: Vec<String> = docked.sim.journal().into_iter().map(|entry| entry.path).collect();
    assert!(paths.ends_with(&["/aamif/rest/area/validaTicket".to_owned()]), "the path really is valida: {paths:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_central_service_gets_the_code_of_the_platform_even_if_it_is_empty() {
    for config in ["", "aamif.platformcode = \"990000\"", "aamif.platformcode = \"\""] {
        let docked = docked_with(Eduyun::builder(), |region| region.config(config)).await;
        // The strict simulator refuses a request without one.
        let validated = docked.done(CENTRAL, &json!({ "ticket": ticket(&docked).await })).await;
        assert_eq!(validated["person"], teacher());
        assert_eq!(docked.seen("aamif.ticket.validate-central"), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_for_another_platform_ends_after_two_minutes_and_with_its_session() {
    let docked = docked().await;
    let old = json!({ "ticket": ticket(&docked).await });
    docked.fault_once("aamif.ticket.validate-area", "clock-skew=121");
    docked.refused(AREA, &old, ("upstream-rejected", "100001")).await;
    let session = json!({ "usessionId": docked.session().await });
    docked.sim.profile().end_sessions();
    docked.refused("aamif.ticket-create", &session, ("session-invalid", "301999")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_aamif_service_that_wants_the_token_gets_it_where_the_link_says_so() {
    let docked = docked_with(Eduyun::builder().aamif_token(), |region| region).await;
    let session = json!({ "usessionId": docked.session().await });
    docked.refused("aamif.ticket-create", &session, ("invalid-input", "200001")).await;
    let config = "aamif.send_access_token = true";
    let docked = docked_with(Eduyun::builder().aamif_token(), |region| region.config(config)).await;
    docked.done(AREA, &json!({ "ticket": ticket(&docked).await })).await;
    docked.done(CENTRAL, &json!({ "ticket": ticket(&docked).await })).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_aamif_service_may_be_elsewhere() {
    let elsewhere = Eduyun::builder().start().await.unwrap();
    let docked = docked_from(setup(), Eduyun::builder(), |region| {
        let (here, there) = (region.url.clone(), elsewhere.url());
        let toml = region.config(&format!("aamif.base_url = \"{there}\"")).toml();
        toml.replace(&format!("http = [\"{here}\"]"), &format!("http = [\"{here}\", \"{there}\"]"))
    })
    .await;
    // Sessions of one are none of the other's.
    let session = json!({ "usessionId": docked.session().await });
    docked.refused("aamif.ticket-create", &session, ("session-invalid", "301999")).await;
    assert_eq!((docked.seen("aamif.ticket.create"), elsewhere.counters().requests_of("aamif.ticket.create")), (0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_that_arrives_with_a_ticket_is_sent_to_the_platform_with_a_code_and_without_a_state() {
    for (validator, operation) in [("area", "aamif.ticket.validate-area"), ("central", "aamif.ticket.validate-central")]
    {
        let config = format!("login.ticket_validator = \"{validator}\"");
        let docked = docked_with(Eduyun::builder(), |region| region.config(&config)).await;
        let ticket = ticket(&docked).await;
        let address = Url::parse_with_params(&landing(&docked, ""), [("ticket", ticket)]).unwrap();
        let page = sent_on(address.as_str()).await;
        assert!(page.starts_with(&format!("{ARRIVAL_PAGE}&code=")) && parameter(&page, "state").is_none(), "{page}");
        let learnt = docked.done("login.redeem", &json!({ "code": parameter(&page, "code").unwrap() })).await;
        assert_eq!((&learnt["via"], &learnt["person"], &learnt["user"]), (&json!("ticket"), &teacher(), &Value::Null));
        assert_eq!(docked.seen(operation), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_that_nobody_encoded_is_understood() {
    let docked = docked().await;
    let mut met = String::new();
    for _ in 0..200 {
        let ticket = ticket(&docked).await;
        if ticket.contains(['+', '/']) {
            sent_on(&landing(&docked, &format!("?ticket={ticket}"))).await;
            met.push_str(&ticket);
        }
        if met.contains('+') && met.contains('/') {
            return;
        }
    }
    panic!("no tickets with + and / in 200");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_with_a_used_forged_or_missing_ticket_gets_one_page() {
    let docked = docked().await;
    let used = format!("?ticket={}", ticket(&docked).await);
    sent_on(&landing(&docked, &used)).await;
    let mut pages = Vec::new();
    for query in [used.as_str(), "?ticket=bm90IGEgdGlja2V0", "?ticket=", ""] {
        let page = visit(&landing(&docked, query)).await;
        assert_eq!(page.status, 400, "{query}");
        pages.push(page.body);
    }
    assert!(pages.windows(2).all(|pair| pair[0] == pair[1]));
}
