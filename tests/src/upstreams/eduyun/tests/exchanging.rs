//! The session exchange with its nested call, and the tickets that come of it.

use std::time::Duration;

use serde_json::json;

use super::super::super::platform::Platform;
use super::super::super::testing::{call, post};
use super::super::{Eduyun, codes};
use super::member::{EXCHANGE, JSON, Member, hook, user};

#[tokio::test]
async fn a_verified_user_gets_a_session_and_a_ticket_good_once() {
    let platform = hook(user("甄测师", "999999199001010016", "1")).await;
    let member = Member::of(Eduyun::builder().hook_url(platform.url()).exchange_delay(Duration::from_millis(1))).await;
    let reply = member.ask(EXCHANGE, json!({"localSession": "abc123"})).await;
    assert_eq!((&reply["retCode"], &reply["retDesc"]), (&json!(codes::OK), &json!("success")));
    assert_eq!(reply["data"]["usessionId"].as_str().expect("a session").len(), 32);

    let asked = platform.asked();
    assert_eq!((asked.len(), asked[0].method.as_str(), asked[0].target.as_str()), (1, "POST", "/hook/secret"));
    assert_eq!(asked[0].body, r#"{"localSession":"abc123"}"#);

    let ticket = &reply["data"]["ticket"];
    let redeemed = member.ask("/userSession/validaTicket", json!({"ticket": ticket})).await;
    assert_eq!(redeemed["data"]["userId"], "demoUser0001");
    let again = member.ask("/userSession/validaTicket", json!({"ticket": ticket})).await;
    assert_eq!(again["retCode"], codes::SESSION, "used up");

    let info = member.ask("/userSession/getLoginUserInfo", json!({"usessionId": reply["data"]["usessionId"]})).await;
    assert_eq!(info["data"]["dafaultIdentity"], "1");
    let [exchange] = member.profile().exchanges().try_into().expect("one");
    assert_eq!((exchange.hook_status, exchange.user_id.as_deref()), (Some(200), Some("demoUser0001")));
}

#[tokio::test]
async fn whoever_is_not_verified_as_claimed_is_sent_to_be_verified() {
    let claims = [
        user("甄测生乙", "999999198506150036", "0"),
        user("甄测生", "999999199001010016", "1"),
        user("甄测师", "999999199001010016", "2"),
        user("甄测师", "999999********0016", "1"),
    ];
    for claim in claims {
        let platform = hook(claim).await;
        let member = Member::of(Eduyun::builder().hook_url(platform.url())).await;
        let reply = member.ask(EXCHANGE, json!({"localSession": "abc"})).await;
        assert_eq!(reply["retCode"], codes::UNVERIFIED, "{reply}");
        assert_eq!(reply["data"]["certUrl"], codes::CERT_URL);
    }
}

#[tokio::test]
async fn a_hook_that_does_not_answer_as_it_must_gives_one_code_and_one_text() {
    let good = user("甄测师", "999999199001010016", "1").to_string();
    let bad = [
        (404, "application/json", good.clone()),
        (200, "text/html", good.clone()),
        (200, "application/json", format!("\u{feff}{good}")),
        (200, "application/json", good.replace("}}", "},}")),
        (200, "application/json", good.replace("000000", "100001")),
        (200, "application/json", good.replace("userIdentity", "useridentity")),
        (200, "application/json", good.replace("\"1\"", "1")),
        (200, "application/json", r#"{"retCode":"100001","retDesc":"localSession invalid"}"#.to_owned()),
    ];
    for (n, answer) in bad.into_iter().enumerate() {
        let shown = format!("{answer:?}");
        let platform = Platform::saying(move |_| answer.clone()).await;
        let member = Member::of(Eduyun::builder().hook_url(platform.url())).await;
        let reply = member.ask(EXCHANGE, json!({"localSession": "abc"})).await;
        assert_eq!(reply, json!({"retCode": codes::FAILED, "retDesc": "localSession校验失败"}), "{n}: {shown}");
        let [exchange] = member.profile().exchanges().try_into().expect("one");
        assert!(!exchange.reason.contains("失败"), "the test can see why: {exchange:?}");
    }
}

#[tokio::test]
async fn the_hook_can_be_told_after_the_start_and_a_missing_one_is_a_failure() {
    let member = Member::strict().await;
    let ask = async || member.ask(EXCHANGE, json!({"localSession": "abc"})).await["retCode"].clone();
    assert_eq!(ask().await, codes::FAILED, "no URL yet");
    let platform = hook(user("甄测师", "999999199001010016", "1")).await;
    member.profile().set_hook_url(platform.url());
    assert_eq!(ask().await, codes::OK);

    let other = hook(user("甄测生", "99999920000101002X", "0")).await;
    let told = json!({"url": other.url()}).to_string();
    let answer = post(member.address(), "POST", "/_sim/hook", &[], told).await.expect("an answer");
    assert_eq!(answer.status, 200);
    assert_eq!(ask().await, codes::OK);
    assert_eq!((platform.asked().len(), other.asked().len()), (1, 1));
    for bad in ["", "{}", r#"{"url":"ftp://x"}"#, r#"{"url":"https://x"}"#] {
        assert_eq!(
            post(member.address(), "POST", "/_sim/hook", &[], bad).await.expect("an answer").status,
            400,
            "{bad}"
        );
    }
    drop(other);
    assert_eq!(ask().await, codes::FAILED, "nobody listens");
}

#[tokio::test]
async fn the_hook_can_be_called_by_hand() {
    let member = Member::strict().await;
    assert!(member.profile().check_session("abc").await.is_err());
    let platform = hook(json!({"retCode": "100001", "retDesc": "localSession invalid"})).await;
    member.profile().set_hook_url(platform.url());
    let called = member.profile().check_session("abc").await.expect("an answer");
    assert_eq!((called.status, called.body.starts_with(b"{")), (200, true));
    let body = json!({"localSession": "def"}).to_string();
    let shown = post(member.address(), "POST", "/_sim/check-session", &[], body).await.expect("an answer").json();
    assert_eq!((&shown["status"], &shown["contentType"]), (&json!(200), &json!("application/json")));
    assert_eq!(platform.asked()[1].body, r#"{"localSession":"def"}"#);
}

#[tokio::test]
async fn exchanges_run_side_by_side() {
    let platform = hook(user("甄测师", "999999199001010016", "1")).await;
    let member = std::sync::Arc::new(Member::of(Eduyun::builder().hook_url(platform.url())).await);
    let calls: Vec<_> = (0..20)
        .map(|n| {
            let member = member.clone();
            tokio::spawn(async move { member.ask(EXCHANGE, json!({"localSession": format!("s{n}")})).await })
        })
        .collect();
    let mut sessions = std::collections::HashSet::new();
    for one in calls {
        let reply = one.await.expect("no panic");
        assert!(sessions.insert(reply["data"]["usessionId"].as_str().expect("a session").to_owned()), "{reply}");
    }
    assert_eq!(platform.asked().len(), 20);
}

#[tokio::test]
async fn a_ticket_ends_after_two_minutes_and_a_session_when_it_is_ended() {
    let member = Member::strict().await;
    let session = member.session().await;
    let ticket = async || {
        let reply = member.ask("/userSession/createTicket", json!({"usessionId": session})).await;
        reply["data"]["ticket"].as_str().map(str::to_owned).ok_or(reply["retCode"].clone())
    };
    let redeem = async |ticket: String, skew: &str| {
        let target = format!("/userSession/validaTicket?accessToken={}", member.token);
        let headers = [JSON, ("x-sim-fault", skew)];
        let body = json!({"ticket": ticket}).to_string();
        post(member.address(), "POST", &target, &headers, body).await.expect("an answer").json()["retCode"].clone()
    };
    assert_eq!(redeem(ticket().await.expect("a ticket"), "clock-skew=115").await, codes::OK);
    assert_eq!(redeem(ticket().await.expect("a ticket"), "clock-skew=125").await, codes::SESSION);
    let last = ticket().await.expect("a ticket");
    assert_eq!(call(member.address(), "POST", "/_sim/sessions/end").await.json(), json!({"ended": 1}));
    assert_eq!(redeem(last, "clock-skew=0").await, codes::SESSION);
    assert_eq!(ticket().await.expect_err("no session"), codes::SESSION);
}

#[tokio::test]
async fn tickets_are_made_as_documented_and_are_hard_to_carry_in_a_url() {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;

    let vector = super::super::tickets::anatomy("q", "0123456789abcdef0123456789abcdef", 1_700_000_000_000);
    assert_eq!(vector, "cTAxMjM0NTY3ODlhYmNkZWYwMTIzNDU2Nzg5YWJjZGVmMTcwMDAwMDAwMDAwMA==");
    let member = Member::strict().await;
    let session = member.session().await;
    let mut signs = std::collections::BTreeSet::new();
    for _ in 0..40 {
        let reply = member.ask("/userSession/createTicket", json!({"usessionId": session})).await;
        let ticket = reply["data"]["ticket"].as_str().expect("a ticket").to_owned();
        assert!(ticket.ends_with('='), "{ticket}");
        let inside = STANDARD.decode(&ticket).expect("base64");
        assert!(inside.is_ascii() && inside[inside.len() - 13..].iter().all(u8::is_ascii_digit), "{ticket}");
        signs.extend(ticket.chars().filter(|sign| "+/".contains(*sign)));
    }
    assert_eq!(signs.len(), 2, "{signs:?}");
}
