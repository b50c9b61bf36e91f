//! Nobody who is looked up, verified or logged in is in anything that the host writes (A9): not in a log line at the most
//! talkative level, not in metrics, not in a problem, not in a file; nor is a key, a token, a ticket, a session, a code
//! or a path's secret.

use std::time::Duration;

use duijie_tests::{
    platform,
    upstreams::{
        Eduyun, Tokens,
        eduyun::{DEMO_APP_ID, DEMO_APP_KEY, DEMO_ORG_CODE},
    },
};
use http::Method;
use serde_json::{Value, json};

use super::{
    BROWSER_PATH, Docked, EVENT, LOGIN_PAGE, LOOK_UP_PATH, docked_from, newcomer, parameter, relay::Relay, sent_on,
    setup, teacher, text, visit, with,
};
use crate::privacy::{assert_silent, everything};

/// Of the simulator: the same seed makes the same tokens.
const SEED: u64 = 4711;
const PHONE: &str = "13800000001";
const ACCOUNT: &str = "account-of-a-person";
const SUBJECT: &str = "subject-of-a-person";

/// The people here and what stands for them, keys and secrets of paths.
fn known(docked: &Docked) -> Vec<String> {
    let tokens = Tokens::new(SEED);
    let mut values: Vec<String> = (0..8).map(|_| tokens.issue(DEMO_APP_ID, Duration::from_secs(3600), 0)).collect();
    let people = ["甄测师", "甄测生", "999999199001010016", "99999920000101002X", "99999920000101002x"];
    let more = ["999999198506150036", PHONE, ACCOUNT, SUBJECT, "demoUser000", "\"demo_1\"", "样本第1中学"];
    let secrets = [DEMO_APP_KEY, LOOK_UP_PATH, BROWSER_PATH, platform::SECRET, "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"];
    values.extend(people.into_iter().chain(more).chain(secrets).map(str::to_owned));
    values.push(docked.host.key("campus").to_owned());
    values
}

/// A docked host that writes all it can.
async fn talkative(config: &str) -> Docked {
    let setup = setup().settings("[log]\nlevel = \"trace\"\n");
    docked_from(setup, Eduyun::builder().seed(SEED), |region| region.config(config).toml()).await
}

/// Ends the host; nothing of these was written or told, nor of persons or secrets, nor anything like a `keyInfo`.
async fn assert_silence(docked: Docked, mut values: Vec<String>, answers: &str) {
    values.extend(known(&docked));
    let metrics = docked.host.admin(Method::GET, "/metrics").send().await.text();
    assert!(metrics.contains("duijie_"), "{metrics}");
    let root = docked.host.setup().root().to_owned();
    let stopped = docked.host.terminate().await;
    let log = stopped.log.text();
    assert!(log.contains("\"TRACE\"") || log.contains("\"DEBUG\""), "the log was talkative");
    let capitals = |run: &&str| run.len() == 40 && run.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'A'..=b'F'));
    assert_eq!(log.split(|c: char| !c.is_ascii_alphanumeric()).find(capitals), None, "an HMAC-SHA1");
    let mut written = everything(&stopped, &root);
    written.extend(metrics.into_bytes());
    written.extend(answers.as_bytes());
    assert_silent(&written, &values);
}

/// A code of six digits occurs by itself; in quotes it does not.
fn quoted(code: &str) -> String {
    format!("\"{code}\"")
}

#[tokio::test(flavor = "multi_thread")]
async fn no_person_ticket_or_secret_is_written_when_all_goes_well() {
    let docked = talkative("").await;
    let relay = Relay::to(docked.hook_url(LOOK_UP_PATH, "local-session"), 2).await;
    docked.sim.profile().set_hook_url(relay.url());

    docked.done("phone.send-code", &json!({ "phone": PHONE })).await;
    let code = docked.sim.profile().phone_code(PHONE).unwrap();
    let claim = json!({ "verifyCode": code, "phone": PHONE, "orgCode": DEMO_ORG_CODE, "loginAccount": ACCOUNT });
    docked.done("user.verify", &with(newcomer(), &claim)).await;
    docked.done("session.validate", &json!({ "userId": "demoUser0001", "loginAccount": ACCOUNT })).await;

    let got = docked.done("session.exchange", &teacher()).await;
    let (session, first) = (text(&got["usessionId"]), text(&got["ticket"]));
    let of_session = json!({ "usessionId": session });
    let second = text(&docked.done("ticket.create", &of_session).await["ticket"]);
    let open = json!({ "appUrl": "http://app.example.invalid/", "ticket": first });
    let link = text(&docked.done("link.app", &open).await["url"]);
    docked.done("app.ticket-validate", &json!({ "ticket": first })).await;
    docked.done("user.info", &of_session).await;
    docked.done("cert.info", &of_session).await;

    let third = text(&docked.done("aamif.ticket-create", &of_session).await["ticket"]);
    docked.done("aamif.ticket-validate-area", &json!({ "ticket": third })).await;
    let fourth = text(&docked.done("aamif.ticket-create", &of_session).await["ticket"]);
    let arrived = sent_on(&format!("{}?ticket={fourth}", docked.hook_url(BROWSER_PATH, "ticket-landing"))).await;
    let arrived = parameter(&arrived, "code").unwrap();
    docked.done("login.redeem", &json!({ "code": arrived })).await;

    let access = text(&docked.done("oauth.ticket", &json!({})).await["accessTicket"]);
    let began = docked.done("oauth.link", &json!({ "return_to": LOGIN_PAGE })).await;
    let (log_in, state) = (text(&began["url"]), text(&began["state"]));
    let landing = sent_on(&log_in).await;
    let own = parameter(&landing, "usessionid").unwrap();
    let redeemed = parameter(&sent_on(&landing).await, "code").unwrap();
    docked.done("login.redeem", &json!({ "code": redeemed })).await;

    let encoded = parameter(&log_in, "accessTicket").unwrap();
    let local_session = relay.passed()[0].local_session();
    let mut values = vec![quoted(&code), session, first, second, third, fourth, link, arrived, access, log_in, state];
    values.extend([own, redeemed, encoded, local_session, landing]);
    assert_silence(docked, values, "").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_person_ticket_or_secret_is_written_or_told_when_the_upstream_fails() {
    let docked = talkative("http.timeout_ms = 2000").await;
    let session = docked.session().await;
    let ticket = text(&docked.done("ticket.create", &json!({ "usessionId": session })).await["ticket"]);
    let code = "482615";
    let claim = json!({ "verifyCode": code, "phone": PHONE, "orgCode": DEMO_ORG_CODE, "loginAccount": ACCOUNT });
    let of_session = json!({ "usessionId": session });
    let of_ticket = json!({ "ticket": ticket });
    let calls = [
        ("session.exchange", "session.exchange", teacher()),
        ("ticket.create", "ticket.create", of_session.clone()),
        ("app.ticket-validate", "ticket.validate", of_ticket.clone()),
        ("user.verify", "user.verify", with(newcomer(), &claim)),
        ("session.validate", "session.validate", json!({ "userId": "demoUser0001", "loginAccount": ACCOUNT })),
        ("cert.info", "cert.info", of_session.clone()),
        ("user.info", "user.info", of_session.clone()),
        ("oauth.link", "oauth.ticket", json!({ "return_to": LOGIN_PAGE })),
        ("aamif.ticket-create", "aamif.ticket.create", of_session),
        ("aamif.ticket-validate-central", "aamif.ticket.validate-central", of_ticket),
    ];
    let mut answers = String::new();
    for (operation, at, input) in &calls {
        // A refusal repeats all that it was sent.
        let words: Vec<&str> = input.as_object().unwrap().values().filter_map(Value::as_str).collect();
        let faults = [
            format!("code=999999,{} 已停用", words.join(" ")),
            format!("code=100001,token失效 {}", words.join(" ")),
            "echo".to_owned(),
            "html".to_owned(),
            "status=503".to_owned(),
            "missing-comma".to_owned(),
            "reset-after".to_owned(),
        ];
        for fault in &faults {
            docked.sim.faults().clear();
            docked.fault(at, fault);
            let answer = docked.call(operation, input).await;
            // A missing comma spares a reply that has none.
            if answer.status >= 400 {
                answers.push_str(&answer.text());
            }
        }
    }
    docked.sim.faults().clear();
    docked.fault("session.exchange", "hang");
    answers.push_str(&docked.call("session.exchange", &teacher()).await.text());
    let wish = json!({ "phone": PHONE });
    docked.done("phone.send-code", &wish).await;
    answers.push_str(&docked.call("phone.send-code", &wish).await.text());
    assert_silence(docked, vec![session, ticket, quoted(code)], &answers).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_person_is_written_or_told_when_an_input_a_look_up_or_a_browser_brings_nonsense() {
    let docked = talkative("").await;
    let mut answers = String::new();
    let claim = json!({ "verifyCode": "482615", "phone": PHONE, "orgCode": DEMO_ORG_CODE, "loginAccount": ACCOUNT });
    let ticket = "eUg3OTQ1OWVjMjItZDdjYy0xMWU2LTk5YzctODQzYTRiMzI4NWVlMTQ4NDExODQzNDE3NQ==";
    let calls = [
        ("session.exchange", teacher()),
        ("user.verify", with(newcomer(), &claim)),
        ("phone.send-code", json!({ "phone": PHONE })),
        ("link.app", json!({ "appUrl": "http://app.example.invalid/", "ticket": ticket })),
        ("login.redeem", json!({ "code": ticket })),
    ];
    for (operation, input) in &calls {
        let text = input.to_string();
        let first = input.as_object().unwrap().keys().next().unwrap();
        for body in [
            text[..text.len() - 1].to_owned(),
            with(input.clone(), &json!({ "甄测师": ["999999199001010016"] })).to_string(),
            with(input.clone(), &json!({ first.as_str(): ["甄测师", PHONE, ticket] })).to_string(),
            json!([input]).to_string(),
        ] {
            let answer = docked.host.call_request(super::LINK, operation, body).send().await;
            assert!((400..500).contains(&answer.status), "{operation}: {}", answer.text());
            answers.push_str(&answer.text());
        }
    }
    let user = json!({ "localSession": ticket, "userInfo": teacher() }).to_string();
    for body in [user.as_str(), &user[1..], "999999199001010016", &user.replace("localSession", "甄测师")] {
        answers.push_str(&docked.look_up(body).await.text());
    }
    for address in [
        format!("{}?ticket={ticket}", docked.hook_url(BROWSER_PATH, "ticket-landing")),
        format!(
            "{}?state={ticket}&usessionid={ticket}&userId=demoUser0001",
            docked.hook_url(BROWSER_PATH, "oauth-landing")
        ),
        format!("{}/999999199001010016?userId=demoUser0001", docked.hook_url(BROWSER_PATH, "oauth-landing")),
        format!("{}?ticket={ticket}", docked.hook_url(LOOK_UP_PATH, "ticket-landing")),
    ] {
        answers.push_str(&String::from_utf8_lossy(&visit(&address).await.body));
    }
    assert_silence(docked, vec![ticket.to_owned()], &answers).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_person_is_written_when_the_platform_is_asked_or_says_too_much() {
    let docked = talkative("hook.identity_source = \"platform\"").await;
    let relay = Relay::to(docked.hook_url(LOOK_UP_PATH, "local-session"), 1).await;
    docked.sim.profile().set_hook_url(relay.url());
    let subject = json!({ "subject": SUBJECT });
    let mut answers = String::new();
    for (status, answer) in [
        (200, teacher()),
        (200, newcomer()),
        (200, with(teacher(), &json!({ "userIdentity": "甄测师" }))),
        (409, json!({ "title": "甄测师", "detail": "甄测师 999999199001010016 已离职" })),
        (500, json!("甄测师 999999199001010016")),
    ] {
        docked.platform.answer(EVENT, move |_| (status, answer.clone()));
        let answer = docked.call("session.exchange", &subject).await;
        if answer.status >= 400 {
            answers.push_str(&answer.text());
        }
    }
    assert_eq!(docked.platform.events().len(), 5);
    let values = relay.passed().iter().map(|passed| passed.local_session()).collect();
    assert_silence(docked, values, &answers).await;
}
