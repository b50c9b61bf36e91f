//! A session by exchange (A1): while the call is open the upstream asks whose the local session is. Everybody gets their
//! own, nobody waits for somebody else, and who asks twice, late or without reason learns nothing.

use std::time::{Duration, Instant};

use duijie_tests::upstreams::{
    Called, Eduyun,
    eduyun::{Builder, Exchange, Person},
};
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{Docked, EVENT, docked, docked_from, docked_with, newcomer, relay::Relay, setup, teacher, text, with};

/// The synthetic identity numbers, which many people here share.
const NUMBERS: [&str; 3] = ["999999199001010016", "99999920000101002X", "999999198506150036"];

/// Verified person `n`.
fn person(n: usize) -> Person {
    Person {
        user_id: format!("user{n:03}"),
        account: format!("account{n:03}"),
        name: format!("甄测生{n:03}"),
        id_card_no: NUMBERS[n % NUMBERS.len()].to_owned(),
        identity: "0".to_owned(),
        org_code: "99000000001".to_owned(),
        verified: true,
    }
}

fn claim(person: &Person) -> Value {
    json!({ "name": person.name, "idCardNo": person.id_card_no, "userIdentity": person.identity })
}

fn people(count: usize) -> Builder {
    (0..count).fold(Eduyun::builder(), |sim, n| sim.person(person(n)))
}

/// An answer without what differs by nature.
fn shape(answer: &Called) -> (u16, String, String) {
    let body = String::from_utf8(answer.body.to_vec()).unwrap();
    (answer.status, super::header(&answer.headers, "content-type"), body)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_exchanged_while_the_upstream_looks_the_person_up() {
    let docked = docked().await;
    let got = docked.done("session.exchange", &teacher()).await;
    let seen = Exchange {
        hook_status: Some(200),
        code: "000000".to_owned(),
        reason: "success".to_owned(),
        user_id: Some("demoUser0001".to_owned()),
    };
    assert_eq!(docked.sim.profile().exchanges(), [seen]);
    let user = docked.done("user.info", &json!({ "usessionId": got["usessionId"] })).await;
    assert_eq!((&user["userId"], &user["name"]), (&json!("demoUser0001"), &json!("甄测师")));
    let redeemed = docked.done("app.ticket-validate", &json!({ "ticket": got["ticket"] })).await;
    assert_eq!(redeemed["userId"], "demoUser0001");
    assert_eq!((docked.seen("session.exchange"), docked.seen("token.get")), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exchange_with_an_upstream_that_takes_a_second_ends_within_its_five() {
    // The link's deadline is 5 s over all of it: a success was in time.
    let docked = docked_with(Eduyun::builder().exchange_delay(Duration::from_secs(1)), |region| region).await;
    docked.session().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_exchanges_at_once_end_without_a_deadlock_and_everybody_gets_their_own_session() {
    let sim = people(100).exchange_delay(Duration::from_secs(1));
    let docked = docked_with(sim, |region| region).await;
    docked.done("token.check", &json!({})).await;
    let begun = Instant::now();
    let exchanges = (0..100).map(|n| {
        let docked = &docked;
        async move { (docked.call("session.exchange", &claim(&person(n))).await, begun.elapsed()) }
    });
    let answers = join_all(exchanges).await;
    let sessions: Vec<String> = answers.iter().map(|(answer, _)| text(&answer.expect(200)["usessionId"])).collect();
    let slowest = answers.iter().map(|(_, took)| *took).max().unwrap();
    println!("a hundred exchanges at once, of 1 s each at the upstream: the slowest took {slowest:?}");
    assert!((Duration::from_secs(1)..Duration::from_secs(5)).contains(&slowest), "{slowest:?}");
    let users = sessions.iter().map(|session| {
        let input = json!({ "usessionId": session });
        let docked = &docked;
        async move { docked.done("user.info", &input).await }
    });
    for (n, user) in join_all(users).await.iter().enumerate() {
        let own = person(n);
        assert_eq!((&user["userId"], &user["name"]), (&json!(own.user_id), &json!(own.name)));
    }
    let exchanges = docked.sim.profile().exchanges();
    assert_eq!(exchanges.iter().filter(|exchange| exchange.hook_status == Some(200)).count(), 100);
    assert_eq!((docked.seen("session.exchange"), docked.seen("token.get")), (100, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_up_is_served_while_its_exchange_takes_the_links_only_place() {
    let docked =
        docked_from(setup(), Eduyun::builder(), |region| region.toml().replace("concurrency = 128", "concurrency = 1"))
            .await;
    docked.session().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_up_gets_the_documents_answer_to_the_byte_with_the_number_in_full() {
    let docked = docked().await;
    let relay = Relay::to(docked.hook_url(super::LOOK_UP_PATH, "local-session"), 1).await;
    docked.sim.profile().set_hook_url(relay.url());
    let student = json!({ "name": "甄测生", "idCardNo": "99999920000101002x", "userIdentity": "0" });
    docked.done("session.exchange", &student).await;
    let passed = &relay.passed()[0];
    assert_eq!(passed.local_session().len(), 32, "128 bits");
    let answer = "{\"retCode\":\"000000\",\"retDesc\":\"success\",\"userInfo\":\
        {\"name\":\"甄测生\",\"idCardNo\":\"99999920000101002X\",\"userIdentity\":\"0\"}}";
    assert_eq!(shape(&passed.answers[0]), (200, "application/json; charset=utf-8".to_owned(), answer.to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_may_mask_the_number_and_the_upstream_then_finds_nobody() {
    let docked = docked_with(Eduyun::builder(), |region| region.config("hook.id_mask = \"middle\"")).await;
    let relay = Relay::to(docked.hook_url(super::LOOK_UP_PATH, "local-session"), 1).await;
    docked.sim.profile().set_hook_url(relay.url());
    docked.refused("session.exchange", &teacher(), ("identity-unverified", "300027")).await;
    let answer: Value = serde_json::from_slice(&relay.passed()[0].answers[0].body).unwrap();
    assert_eq!(answer["userInfo"]["idCardNo"], "999999**********16");
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_used_ended_and_malformed_local_sessions_get_one_answer() {
    let docked = docked().await;
    let relay = Relay::to(docked.hook_url(super::LOOK_UP_PATH, "local-session"), 2).await;
    docked.sim.profile().set_hook_url(relay.url());
    docked.session().await;
    let passed = &relay.passed()[0];
    let [found, used] = &passed.answers[..] else { panic!("two answers") };
    assert!(shape(found).2.contains("甄测师"));
    let reference = shape(used);
    assert_eq!(reference.0, 200);
    assert_eq!(reference.2, r#"{"retCode":"100001","retDesc":"localSession invalid"}"#);
    for body in [
        passed.body.clone(),
        json!({ "localSession": "0".repeat(32) }).to_string(),
        json!({ "localSession": "x".repeat(3000) }).to_string(),
        json!({ "localSession": [passed.local_session()] }).to_string(),
        json!({ "usessionId": passed.local_session() }).to_string(),
        json!({ "localSession": "" }).to_string(),
        "{}".to_owned(),
        "no JSON".to_owned(),
        String::new(),
    ] {
        let answer = docked.look_up(&body).await;
        let shape = (answer.status, answer.header("content-type").to_owned(), answer.text());
        assert_eq!(shape, reference, "{body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_local_session_past_its_time_gets_the_answer_of_an_unknown_one() {
    let sim = Eduyun::builder().exchange_delay(Duration::from_millis(1500));
    let docked = docked_with(sim, |region| region.config("hook.ttl_s = 1")).await;
    let relay = Relay::to(docked.hook_url(super::LOOK_UP_PATH, "local-session"), 1).await;
    docked.sim.profile().set_hook_url(relay.url());
    docked.refused("session.exchange", &teacher(), ("upstream-rejected", "100001")).await;
    let unknown = docked.look_up(&json!({ "localSession": "0".repeat(32) }).to_string()).await;
    let (status, _, body) = shape(&relay.passed()[0].answers[0]);
    assert_eq!((status, body), (unknown.status, unknown.text()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_is_not_verified_is_told_where_to_get_verified() {
    let docked = docked().await;
    let problem = docked.refused("session.exchange", &newcomer(), ("identity-unverified", "300027")).await;
    assert_eq!(problem["details"]["certUrl"], "http://cert.example.invalid/real-name");
    let [exchange] = &docked.sim.profile().exchanges()[..] else { panic!("one exchange") };
    assert_eq!((exchange.hook_status, exchange.user_id.as_deref()), (Some(200), None), "the look-up went well");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_checked_before_the_upstream_hears_of_anybody() {
    let docked = docked().await;
    for (change, pointer) in [
        (json!({ "idCardNo": "999999199001010017" }), "/idCardNo"),
        (json!({ "userIdentity": "6" }), "/userIdentity"),
        (json!({ "subject": "u-1" }), "/subject"),
    ] {
        assert_eq!(docked.misfits("session.exchange", &with(teacher(), &change)).await, [pointer]);
    }
    assert_eq!(docked.misfits("session.exchange", &json!({})).await, ["/name", "/idCardNo", "/userIdentity"]);
    assert_eq!(crate::support::requests(&docked.sim.counters()), 0);
}

async fn asking_the_platform() -> Docked {
    docked_with(Eduyun::builder(), |region| region.config("hook.identity_source = \"platform\"")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_platform_may_say_who_it_is_while_the_upstream_looks_up() {
    let docked = asking_the_platform().await;
    docked.platform.answer(EVENT, |_| (200, teacher()));
    let got = docked.done("session.exchange", &json!({ "subject": "teacher-7" })).await;
    let user = docked.done("user.info", &json!({ "usessionId": got["usessionId"] })).await;
    assert_eq!(user["userId"], "demoUser0001");
    let [event] = &docked.platform.events()[..] else { panic!("one event") };
    assert_eq!((event.source.as_str(), &event.data), ("/v1/links/hz.edu", &json!({ "subject": "teacher-7" })));
    assert_eq!(docked.platform.refused(), 0);
    assert_eq!(docked.misfits("session.exchange", &teacher()).await.len(), 4, "no person passes through the call");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_platform_that_gives_no_person_is_to_the_upstream_an_unknown_session() {
    let docked = asking_the_platform().await;
    let relay = Relay::to(docked.hook_url(super::LOOK_UP_PATH, "local-session"), 1).await;
    docked.sim.profile().set_hook_url(relay.url());
    let answers = [
        (404, json!({ "title": "nobody" })),
        (500, json!({})),
        (200, json!({ "name": "甄测师" })),
        (200, with(teacher(), &json!({ "idCardNo": "999999199001010017" }))),
        (200, with(teacher(), &json!({ "userIdentity": "9" }))),
        (200, json!("甄测师")),
        (204, Value::Null),
    ];
    for (status, answer) in answers {
        let shown = format!("{status} {answer}");
        docked.platform.answer(EVENT, move |_| (status, answer.clone()));
        let input = json!({ "subject": "teacher-7" });
        docked.refused("session.exchange", &input, ("upstream-rejected", "100001")).await;
        let (status, _, body) = shape(&relay.passed().last().unwrap().answers[0]);
        let unknown = r#"{"retCode":"100001","retDesc":"localSession invalid"}"#;
        assert_eq!((status, body.as_str()), (200, unknown), "{shown}");
    }
    docked.host.until_logged("the reason", |log| log.contains("the platform does not say whose")).await;
}
