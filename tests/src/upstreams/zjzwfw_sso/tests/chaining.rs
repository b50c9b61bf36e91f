//! Tickets, tokens, passwords, and the methods that are not simulated.

use serde_json::json;

use super::super::super::testing::{call, post};
use super::super::{DEMO_PROXY_CODE, DEMO_PROXY_PWD, ZjzwfwSso, codes, sign};
use super::resource::{FORM, Resource, SIMPLE, common, signed};

#[tokio::test]
async fn a_ticket_gives_a_token_once_and_the_token_gives_the_user() {
    let resource = Resource::strict().await;
    let ticket = resource.ticket();
    assert!(ticket.ends_with("-ticket"));
    let reply = resource.ask("ticketValidation", &[("st", &ticket)]).await;
    assert_eq!((&reply["result"], &reply["errmsg"]), (&json!("0"), &json!("成功")));
    assert_eq!((&reply["userid"], &reply["orgcoding"]), (&json!("demoUser0001"), &json!("001006")));
    let token = reply["token"].as_str().expect("a token");
    assert!(token.ends_with("-commonToken"));
    assert_eq!(resource.result("ticketValidation", &[("st", &ticket)]).await, codes::TICKET, "used");

    let user = resource.ask("getUserInfo", &[("token", token)]).await;
    assert_eq!(
        (&user["result"], &user["idtype"], &user["idnum"]),
        (&json!("0"), &json!("1"), &json!("999999199001010016"))
    );
    assert_eq!(resource.result("getUserInfo", &[("token", "other-commonToken")]).await, codes::TOKEN);
    resource.simulator.revoke_tokens();
    assert_eq!(resource.result("getUserInfo", &[("token", token)]).await, codes::TOKEN);
    assert_eq!(resource.simulator.counters().token_rejections, 2);
}

#[tokio::test]
async fn tickets_and_tokens_end_by_themselves() {
    let resource = Resource::of(ZjzwfwSso::builder().ticket_ttl(std::time::Duration::from_secs(60))).await;
    let late = async |method: &str, name: &str, value: &str, skew: &str| {
        let form = signed(method, "json", &[(name, value)]);
        let headers = [FORM, ("x-sim-fault", skew)];
        post(resource.address(), "POST", SIMPLE, &headers, form).await.expect("an answer").json()["result"].clone()
    };
    assert_eq!(late("ticketValidation", "st", &resource.ticket(), "clock-skew=50").await, codes::OK);
    assert_eq!(late("ticketValidation", "st", &resource.ticket(), "clock-skew=65").await, codes::TICKET);
}

#[tokio::test]
async fn a_password_is_checked_and_its_refusal_is_the_known_one() {
    let resource = Resource::strict().await;
    let ask = async |password: &str, encryption: &str| {
        let more =
            [("loginname", "zhence1"), ("orgcoding", "001006"), ("encryptiontype", encryption), ("password", password)];
        resource.ask("idValidation", &more).await
    };
    assert!(ask("demo-password-1", "1").await["token"].is_string());
    let refused = json!({"result": "6402", "errmsg": "密码认证失败"});
    assert_eq!(ask("wrong", "1").await, refused);
    assert_eq!(ask("demo-password-1", "2").await, refused);
    assert_eq!(ask("", "1").await["result"], codes::MISSING);
}

#[tokio::test]
async fn a_chained_ticket_is_the_other_resources_only() {
    let resource = Resource::strict().await;
    let token = resource.token().await;
    let more = [("proxyapp", DEMO_PROXY_CODE), ("token", token.as_str())];
    let reply = resource.ask("generateST", &more).await;
    let ticket = reply["st"].as_str().expect("a ticket").to_owned();
    assert_eq!(resource.result("ticketValidation", &[("st", &ticket)]).await, codes::TICKET);

    let time = common("json")[1].1.clone();
    let form = format!(
        "method=ticketValidation&servicecode={DEMO_PROXY_CODE}&time={time}&sign={}&datatype=json&st={ticket}",
        sign(DEMO_PROXY_CODE, DEMO_PROXY_PWD, &time)
    );
    assert_eq!(resource.ask_raw(&form).await.json()["userid"], "demoUser0001");
    let nobody = [("proxyapp", "nobody"), ("token", token.as_str())];
    assert_eq!(resource.result("generateST", &nobody).await, codes::PROXY);
}

#[tokio::test]
async fn a_method_that_is_not_simulated_can_be_given_an_answer() {
    let resource = Resource::strict().await;
    assert_eq!(resource.result("getUserRole", &[]).await, codes::METHOD);
    let roles = json!({"total": 2, "user": [{"loginname": "zhangs"}, {"loginname": "lisi"}]});
    resource.profile().set_canned("getUserRole", roles.as_object().expect("an object").clone());
    let reply = resource.ask("getUserRole", &[]).await;
    assert_eq!((&reply["total"], &reply["user"][1]["loginname"]), (&json!(2), &json!("lisi")));
    let xml = resource.ask_raw(&signed("getUserRole", "xml", &[])).await;
    let text = String::from_utf8(xml.body.to_vec()).expect("UTF-8");
    assert!(
        text.contains(r#"<total>2</total><user loginname="zhangs"></user><user loginname="lisi"></user>"#),
        "{text}"
    );
    assert_eq!(resource.profile().method_counts().get("getUserRole"), Some(&3));
}

#[tokio::test]
async fn the_surface_gives_tickets_and_shows_what_was_called() {
    let resource = Resource::strict().await;
    let body = json!({"userid": "demoUser0002"}).to_string();
    let given = post(resource.address(), "POST", "/_sim/ticket", &[], body).await.expect("an answer").json();
    let ticket = given["ticket"].as_str().expect("a ticket");
    assert_eq!(resource.ask("ticketValidation", &[("st", ticket)]).await["userid"], "demoUser0002");
    let methods = call(resource.address(), "GET", "/_sim/methods").await.json();
    assert_eq!(methods, json!({"ticketValidation": 1}));
    assert_eq!(call(resource.address(), "GET", "/_sim/users").await.json().as_array().expect("a list").len(), 2);
    let journal = call(resource.address(), "GET", "/_sim/journal").await;
    let journal = String::from_utf8(journal.body.to_vec()).expect("UTF-8");
    assert!(!journal.contains("demoUser0002") && !journal.contains(ticket), "{journal}");
    call(resource.address(), "POST", "/_sim/reset").await;
    assert_eq!(call(resource.address(), "GET", "/_sim/methods").await.json(), json!({}));
}
