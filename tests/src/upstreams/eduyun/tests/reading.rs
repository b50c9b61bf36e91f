//! Lists, and what the admin surface tells.

use serde_json::{Value, json};

use super::super::super::testing::{call, post};
use super::super::{Eduyun, Person, codes};
use super::member::Member;

const APPS: &str = "/appInfo/getAppList";
const ORGS: &str = "/baseInfo/getOrgList";

fn rows(reply: &Value) -> Vec<Value> {
    reply["data"]["dataList"].as_array().expect("rows").clone()
}

#[tokio::test]
async fn applications_come_in_pages_that_join_to_the_whole() {
    let member = Member::of(Eduyun::builder().apps(23)).await;
    let mut all = Vec::new();
    for number in 1..=4 {
        let reply = member.ask(APPS, json!({"pageNo": number, "pageSize": 10})).await;
        assert_eq!(reply["data"]["count"], 23, "of all, not of the page");
        all.extend(rows(&reply));
    }
    assert_eq!(json!(all), json!(member.profile().apps()));
    assert_eq!(all[0]["appId"].as_str().expect("an id").len(), 32);
    assert_eq!(all[0].get("appUrl"), None);
    for page in [json!({}), json!({"pageNo": 0, "pageSize": 1}), json!({"pageNo": "1", "pageSize": 1})] {
        assert_ne!(member.ask(APPS, page.clone()).await["retCode"], codes::OK, "{page}");
    }
}

#[tokio::test]
async fn organisations_are_found_by_code_by_area_and_by_part_of_the_name() {
    let member = Member::of(Eduyun::builder().orgs(2000)).await;
    let all = member.ask(ORGS, json!({})).await;
    assert_eq!((&all["data"]["count"], rows(&all).len()), (&json!(2000), 10), "defaults");
    let named = member.ask(ORGS, json!({"orgName": "第17中", "pageSize": 1000})).await;
    assert_eq!((&named["data"]["count"], &rows(&named)[0]["orgCode"]), (&json!(1), &json!("99000000017")));
    let institution = member.ask(ORGS, json!({"orgCode": "99000000020"})).await;
    assert_eq!(rows(&institution)[0]["orgType"], "1");
    let area = member.ask(ORGS, json!({"provinceCode": "990000", "cityCode": "990200", "areaCode": "990203"})).await;
    assert!(rows(&area).iter().all(|row| row["areaCode"] == "990203") && !rows(&area).is_empty());
    let nowhere = member.ask(ORGS, json!({"cityCode": "110000"})).await;
    assert_eq!(nowhere["data"], json!({"count": 0, "dataList": []}));
    for bad in [json!({"pageSize": 1001}), json!({"areaCode": "99"}), json!({"orgname": "x"}), json!({"orgName": 1})] {
        assert_eq!(member.ask(ORGS, bad.clone()).await["retCode"], codes::WRONG, "{bad}");
    }
}

#[tokio::test]
async fn the_front_page_lists_the_operations_and_the_surface() {
    let member = Member::strict().await;
    let page = call(member.address(), "GET", "/_sim/").await;
    let text = String::from_utf8(page.body.to_vec()).expect("UTF-8");
    for word in ["eduyun", "/userSession/sessionInterchange", "session.exchange", "/_sim/hook", "demoAppId"] {
        assert!(text.contains(word), "{word} in {text}");
    }
    for path in ["people", "verifications", "exchanges"] {
        assert!(call(member.address(), "GET", &format!("/_sim/{path}")).await.json().is_array(), "{path}");
    }
    assert_eq!(call(member.address(), "GET", "/_sim/phone-codes/13800000002").await.status, 404);
}

#[tokio::test]
async fn people_are_added_and_logged_in_over_http_until_a_reset() {
    let member = Member::strict().await;
    let mut person = Person::demo().remove(1);
    "demoUser0009".clone_into(&mut person.user_id);
    let body = json!(person).to_string();
    let put = post(member.address(), "POST", "/_sim/people", &[], body).await.expect("an answer").json();
    assert_eq!(put, json!({"put": true}));
    let login = async |user_id: &str| {
        let body = json!({"userId": user_id}).to_string();
        post(member.address(), "POST", "/_sim/login", &[], body).await.expect("an answer").status
    };
    assert_eq!((login("demoUser0009").await, login("nobody").await), (200, 404));
    call(member.address(), "POST", "/_sim/reset").await;
    assert_eq!(member.profile().person("demoUser0009"), None);
    assert_eq!(login("demoUser0009").await, 404);
    let twice = Eduyun::builder().person(Person::demo().remove(0)).person(Person::demo().remove(0));
    assert!(twice.start().await.is_err());
}
