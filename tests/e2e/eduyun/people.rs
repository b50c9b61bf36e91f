//! Real names (E7, E8) and organisations (E9): a code to a phone, a person verified with it, and the school that the
//! person belongs to out of thousands.

use std::collections::BTreeSet;

use duijie_tests::upstreams::{Eduyun, eduyun::DEMO_ORG_CODE};
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{Docked, docked, docked_with, newcomer, teacher, with};

const PHONE: &str = "13800000001";

/// The newcomer with the code that the phone got.
fn claim(docked: &Docked) -> Value {
    let code = docked.sim.profile().phone_code(PHONE).unwrap_or_else(|| "000000".to_owned());
    let more = json!({ "verifyCode": code, "phone": PHONE, "orgCode": DEMO_ORG_CODE, "loginAccount": "hz-0007" });
    with(newcomer(), &more)
}

async fn send_code(docked: &Docked) -> Value {
    docked.done("phone.send-code", &json!({ "phone": PHONE })).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_verified_with_the_code_of_the_phone_and_can_then_exchange_a_session() {
    let docked = docked().await;
    docked.refused("session.exchange", &newcomer(), ("identity-unverified", "300027")).await;
    assert_eq!(send_code(&docked).await, json!({ "sent": true, "nextInS": 120 }));
    let claim = claim(&docked);
    assert_eq!(docked.done("user.verify", &claim).await, json!({ "verified": true }));
    let [kept] = &docked.sim.profile().verifications()[..] else { panic!("one verification") };
    assert_eq!((kept.user_id.as_str(), kept.sys_code.as_str()), ("demoUser0003", "999999"));
    let kept = serde_json::to_value(kept).unwrap();
    for member in ["phone", "name", "idCardNo", "userIdentity", "orgCode", "loginAccount"] {
        assert_eq!(kept[member], claim[member], "{member}");
    }
    docked.done("session.exchange", &newcomer()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_character_is_sent_in_upper_case() {
    let docked = docked().await;
    send_code(&docked).await;
    let student = json!({ "name": "甄测生", "idCardNo": "99999920000101002x" });
    docked.done("user.verify", &with(claim(&docked), &student)).await;
    assert_eq!(docked.sim.profile().verifications()[0].id_card_no, "99999920000101002X");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_good_once_and_a_wrong_one_is_refused() {
    let docked = docked().await;
    send_code(&docked).await;
    let claim = claim(&docked);
    let wrong = if claim["verifyCode"] == "123456" { "654321" } else { "123456" };
    let wrong = with(claim.clone(), &json!({ "verifyCode": wrong }));
    docked.refused("user.verify", &wrong, ("invalid-input", "200002")).await;
    docked.done("user.verify", &claim).await;
    docked.refused("user.verify", &claim, ("invalid-input", "200002")).await;
    assert_eq!(docked.sim.profile().verifications().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_name_for_a_known_number_is_refused_in_words_without_either() {
    let docked = docked().await;
    send_code(&docked).await;
    let claim = with(claim(&docked), &json!({ "name": "甄测生丙" }));
    let problem = docked.refused("user.verify", &claim, ("upstream-rejected", "100001")).await.to_string();
    assert!(problem.contains("姓名与身份证号不一致"), "{problem}");
    assert!(!problem.contains("甄测生丙") && !problem.contains("999999198506150036"), "{problem}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_gets_one_code_in_two_minutes_and_a_second_wish_is_not_sent() {
    let docked = docked().await;
    send_code(&docked).await;
    let answer = docked.call("phone.send-code", &json!({ "phone": PHONE })).await;
    answer.problem(429, "rate-limited", "not-sent");
    let wait: u32 = answer.header("retry-after").parse().unwrap();
    assert!((1..=120).contains(&wait), "{wait}");
    docked.done("phone.send-code", &json!({ "phone": "13800000002" })).await;
    assert_eq!(docked.seen("phone.send-code"), 2, "one for each phone");
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_wishes_for_one_phone_at_once_send_one_code() {
    let docked = docked().await;
    let wishes = (0..50).map(|_| {
        let docked = &docked;
        async move { docked.call("phone.send-code", &json!({ "phone": PHONE })).await.status }
    });
    let statuses = join_all(wishes).await;
    let count = |wanted| statuses.iter().filter(|status| **status == wanted).count();
    assert_eq!((count(200), count(429), docked.seen("phone.send-code")), (1, 49, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_need_not_wait_when_nothing_has_left_and_must_when_something_may_have() {
    let docked = docked().await;
    docked.fault_once("token.get", "status=503");
    let wish = json!({ "phone": PHONE });
    docked.call("phone.send-code", &wish).await.problem(503, "unavailable", "not-sent");
    docked.fault_once("phone.send-code", "reset-after");
    docked.call("phone.send-code", &wish).await.problem(503, "unavailable", "unknown");
    docked.call("phone.send-code", &wish).await.problem(429, "rate-limited", "not-sent");
    assert!(docked.sim.profile().phone_code(PHONE).is_some(), "the code was on its way");
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_wrong_with_a_verification_is_told_before_anything_is_sent() {
    let docked = docked().await;
    let good = claim(&docked);
    for identity in ["0", "1", "3", "4"] {
        let bare = with(good.clone(), &json!({ "userIdentity": identity, "orgCode": null }));
        assert_eq!(docked.misfits("user.verify", &bare).await, ["/orgCode"], "identity {identity}");
    }
    let wrong = json!({ "idCardNo": "999999198506150037", "phone": "23800000001", "name": " ", "orgCode": null });
    let pointers = docked.misfits("user.verify", &with(good.clone(), &wrong)).await;
    assert_eq!(pointers, ["/phone", "/name", "/idCardNo", "/orgCode"]);
    assert_eq!(docked.misfits("user.verify", &with(good, &json!({ "verifyCode": "12345" }))).await, ["/verifyCode"]);
    for phone in ["1380000000", "138000000011", "+8613800000", "1380000000x"] {
        assert_eq!(docked.misfits("phone.send-code", &json!({ "phone": phone })).await, ["/phone"], "{phone}");
    }
    assert_eq!(crate::support::requests(&docked.sim.counters()), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn parents_and_others_are_verified_without_an_organisation() {
    let docked = docked().await;
    send_code(&docked).await;
    let parent = json!({ "userIdentity": "2", "orgCode": null });
    docked.done("user.verify", &with(claim(&docked), &parent)).await;
    assert_eq!(docked.sim.profile().verifications()[0].org_code, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn whether_a_user_is_verified_is_an_answer_either_way() {
    let docked = docked().await;
    let ask = |user: &str| json!({ "userId": user, "loginAccount": "hz-0007" });
    let yes = docked.done("session.validate", &ask("demoUser0001")).await;
    assert_eq!(yes, json!({ "verified": true, "certUrl": null }));
    let no = docked.done("session.validate", &ask("demoUser0003")).await;
    assert_eq!(no, json!({ "verified": false, "certUrl": "http://cert.example.invalid/real-name" }));
    docked.refused("session.validate", &ask("nobody"), ("invalid-input", "200002")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn verifications_of_a_user_are_listed() {
    let docked = docked().await;
    let session = json!({ "usessionId": docked.session().await });
    assert_eq!(docked.done("cert.info", &session).await, json!({ "certificates": [] }));
    send_code(&docked).await;
    docked.done("user.verify", &with(claim(&docked), &teacher())).await;
    let listed = docked.done("cert.info", &session).await;
    let certificate = &listed["certificates"][0];
    let told = (&certificate["name"], &certificate["sysCode"], &certificate["loginAccount"]);
    assert_eq!(told, (&json!("甄测师"), &json!("999999"), &json!("hz-0007")));
    assert_eq!(listed["certificates"].as_array().unwrap().len(), 1);
    docked.sim.profile().end_sessions();
    docked.refused("cert.info", &session, ("session-invalid", "300006")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_and_a_half_thousand_organisations_come_in_three_pages_each_once() {
    let docked = docked_with(Eduyun::builder().orgs(2500), |region| region).await;
    let (mut codes, mut sizes) = (Vec::new(), Vec::new());
    for page in 1.. {
        let answer = docked.done("org.list", &json!({ "page": page, "size": 1000 })).await;
        assert_eq!(answer["total"], 2500);
        let items = answer["items"].as_array().unwrap();
        sizes.push(items.len());
        codes.extend(items.iter().map(|org| super::text(&org["orgCode"])));
        if answer["has_more"] == false {
            break;
        }
    }
    assert_eq!((sizes, docked.seen("org.list")), (vec![1000, 1000, 500], 3));
    let known: Vec<&str> = docked.sim.profile().orgs().iter().map(|org| org.org_code.as_str()).collect();
    assert_eq!(codes, known);
    assert_eq!(codes.iter().collect::<BTreeSet<_>>().len(), 2500);
}

#[tokio::test(flavor = "multi_thread")]
async fn organisations_are_found_by_region_code_and_name() {
    let docked = docked().await;
    let known = docked.sim.profile().orgs();
    let found = async |query: Value| {
        let answer = docked.done("org.list", &with(query, &json!({ "page": 1, "size": 1000 }))).await;
        answer["items"].as_array().unwrap().iter().map(|org| super::text(&org["orgCode"])).collect::<Vec<_>>()
    };
    let wanted = |fits: &dyn Fn(&duijie_tests::upstreams::eduyun::Org) -> bool| {
        known.iter().filter(|org| fits(org)).map(|org| org.org_code.clone()).collect::<Vec<_>>()
    };
    let city = wanted(&|org| org.city_code == "990300" && org.area_code == "990301");
    assert!(!city.is_empty());
    let region = json!({ "provinceCode": "990000", "cityCode": "990300", "areaCode": "990301" });
    assert_eq!(found(region).await, city);
    assert_eq!(found(json!({ "orgName": "教研室" })).await, wanted(&|org| org.org_name.contains("教研室")));
    assert_eq!(found(json!({ "orgCode": DEMO_ORG_CODE })).await, [DEMO_ORG_CODE]);
    assert_eq!(found(json!({ "orgCode": "1" })).await, Vec::<String>::new());
}
