//! Applications (E2, E5, E6): which there are, and how one opens for a user without a second log-in. The application on
//! the other end reads its link as any web framework does and redeems the ticket in it.

use duijie_tests::upstreams::Eduyun;
use serde_json::{Value, json};
use url::Url;

use super::{Docked, docked, docked_with, parameter, text};

async fn link(docked: &Docked, app_url: &str, ticket: &str) -> String {
    text(&docked.done("link.app", &json!({ "appUrl": app_url, "ticket": ticket })).await["url"])
}

#[tokio::test(flavor = "multi_thread")]
async fn applications_are_listed_page_by_page() {
    let docked = docked_with(Eduyun::builder().apps(120), |region| region).await;
    let mut listed: Vec<Value> = Vec::new();
    for page in 1.. {
        let answer = docked.done("app.list", &json!({ "page": page, "size": 50 })).await;
        assert_eq!((&answer["total"], &answer["page"]), (&json!(120), &json!(page)));
        listed.extend(answer["items"].as_array().unwrap().clone());
        if answer["has_more"] == false {
            break;
        }
    }
    let known = docked.sim.profile().apps();
    assert_eq!((listed.len(), docked.seen("app.list")), (120, 3));
    for (listed, known) in listed.iter().zip(known) {
        let scope: Vec<&str> = known.person_scope.split(',').collect();
        let expected = json!({
            "appId": known.app_id,
            "appName": known.app_name,
            "appImage": known.app_image,
            "personScope": scope,
            "intoSpace": true,
            "appClassification": known.app_classification,
            "appUrl": null,
        });
        assert_eq!(*listed, expected);
    }
    let past = docked.done("app.list", &json!({ "page": 4, "size": 50 })).await;
    assert_eq!((&past["items"], &past["has_more"]), (&json!([]), &json!(false)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_of_an_application_is_taken_under_each_of_its_three_names() {
    let docked = docked_with(Eduyun::builder().app_urls(), |region| region).await;
    let answer = docked.done("app.list", &json!({ "page": 1, "size": 3 })).await;
    for app in answer["items"].as_array().unwrap() {
        assert_eq!(app["appUrl"], "http://app.example.invalid/start?from=tx");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_redeems_the_ticket_of_its_link_whatever_signs_are_in_it() {
    let docked = docked().await;
    let session = json!({ "usessionId": docked.session().await });
    let mut met = String::new();
    for _ in 0..200 {
        let ticket = text(&docked.done("ticket.create", &session).await["ticket"]);
        let link = link(&docked, "http://app.example.invalid/open?x=1#/home?y", &ticket).await;
        let query = Url::parse(&link).unwrap().query().unwrap().to_owned();
        assert!(query.starts_with("x=1&ticket=") && query.ends_with("&sysCode=999999"), "{link}");
        assert!(link.ends_with("#/home?y") && !query["x=1&ticket=".len()..].contains(['+', '/']), "{link}");
        // What the application reads is what the upstream gave, and the upstream takes it.
        let read = parameter(&link, "ticket").unwrap();
        assert_eq!(read, ticket);
        let user = docked.done("app.ticket-validate", &json!({ "ticket": read })).await;
        assert_eq!(user, json!({ "userId": "demoUser0001", "name": "甄测师", "gender": "1" }));
        met.push_str(&ticket);
        if met.contains('+') && met.contains('/') && met.contains('=') {
            break;
        }
    }
    assert!(met.contains('+') && met.contains('/') && met.contains('='), "tickets with = + / were met");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_is_built_for_any_page_and_nothing_is_sent() {
    let docked = docked().await;
    let ticket = "cTAxMjM0NTY3ODlhYmNkZWYwMTIzNDU2Nzg5YWJjZGVmMTcwMDAwMDAwMDAwMA==";
    let encoded = ticket.replace('=', "%3D");
    for (page, built) in [
        ("http://app.example.invalid", format!("http://app.example.invalid?ticket={encoded}&sysCode=999999")),
        (
            "https://app.example.invalid/a?b=c",
            format!("https://app.example.invalid/a?b=c&ticket={encoded}&sysCode=999999"),
        ),
        ("http://app.example.invalid/#top", format!("http://app.example.invalid/?ticket={encoded}&sysCode=999999#top")),
    ] {
        assert_eq!(link(&docked, page, ticket).await, built);
    }
    for page in ["javascript:alert(1)", "ftp://app.example.invalid/", "http://", "http://app.example.invalid/a b"] {
        let input = json!({ "appUrl": page, "ticket": ticket });
        assert_eq!(docked.misfits("link.app", &input).await, ["/appUrl"], "{page}");
    }
    assert_eq!(crate::support::requests(&docked.sim.counters()), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_is_good_once_for_two_minutes_and_while_its_session_lasts() {
    let docked = docked().await;
    let session = json!({ "usessionId": docked.session().await });
    let new = async || json!({ "ticket": docked.done("ticket.create", &session).await["ticket"] });
    let over = ("session-invalid", "300006");
    let used = new().await;
    docked.done("app.ticket-validate", &used).await;
    docked.refused("app.ticket-validate", &used, over).await;
    let old = new().await;
    docked.fault_once("ticket.validate", "clock-skew=121");
    docked.refused("app.ticket-validate", &old, over).await;
    let left = new().await;
    assert_eq!(docked.sim.profile().end_sessions(), 1);
    docked.refused("app.ticket-validate", &left, over).await;
    docked.refused("ticket.create", &session, over).await;
    docked.refused("user.info", &session, over).await;
}
