//! The oddities, each where the documents have it.

use serde_json::json;

use super::super::{Eduyun, codes};
use super::member::{EXCHANGE, Member, hook, loose, user};

#[tokio::test]
async fn replies_are_odd_in_the_listed_ways() {
    let member = Member::of(Eduyun::builder().quirky().seed(7)).await;
    let apps = member.ask_raw("/appInfo/getAppList", json!({"pageno": "1", "pagesize": "3"})).await;
    assert_eq!(apps.header("content-type"), "text/html;charset=UTF-8");
    assert!(apps.body.starts_with("\u{feff}{".as_bytes()), "a byte order mark");
    let apps = loose(&apps);
    assert_eq!(apps["data"]["count"], "150");
    let row = |n: usize, name: &str| apps["data"]["dataList"][n][name].is_string();
    assert!(row(0, "appUrl") && row(1, "appURL") && row(2, "url"), "{apps}");

    let orgs = member.ask_raw("/baseInfo/getOrgList", json!({"pageSize": 10_000})).await;
    assert!(orgs.body.ends_with(b",}"), "a trailing comma");
    assert_eq!(loose(&orgs)["data"]["dataList"].as_array().expect("rows").len(), 150);

    let session = member.session().await;
    let info = member.ask("/userSession/getLoginUserInfo", json!({"usessionid": session})).await;
    assert_eq!((&info["data"]["defaultIdentity"], &info["data"]["gender"]), (&json!("1"), &json!(1)));
    assert_eq!(info["data"]["orgRelList"]["orgIdentity"], "1", "an object for a list of one");

    let ticket = member.ask_aamif("/aamif/rest/area/createTicket", json!({"usessionId": session})).await;
    let user = member.ask_aamif("/aamif/rest/area/validaTicket", json!({"ticket": ticket["ticket"]})).await;
    assert_eq!(user["userinfo"][0]["fnascount"], "0");
    assert_eq!(user["userinfo"][0]["isleader"], 0);
}

#[tokio::test]
async fn an_exchange_spells_the_session_in_lower_case() {
    let platform = hook(user("甄测师", "999999199001010016", "1")).await;
    let member = Member::of(Eduyun::builder().quirky().hook_url(platform.url())).await;
    let reply = member.ask(EXCHANGE, json!({"localSession": "abc"})).await;
    assert_eq!(reply["retCode"], codes::OK);
    assert!(reply["data"]["usessionid"].is_string(), "{reply}");
}
