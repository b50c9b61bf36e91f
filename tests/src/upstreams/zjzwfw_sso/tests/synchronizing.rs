//! Users that a resource pushes to the SSO.

use serde_json::{Value, json};

use super::super::super::testing::{call, post};
use super::super::{ZjzwfwSso, codes};
use super::resource::{FORM, Resource, signed};

const PATH: &str = "/sso/servlet/organduser";

fn args() -> Value {
    json!({
        "opttype": "add", "userid": "", "loginname": "zhence9", "username": "甄测生", "orgcoding": "001006",
        "idnum": "999999198506150036", "mobile": "13800000009", "sex": "1", "useable": "1",
    })
}

async fn push(resource: &Resource, args: &str, datatype: &str) -> Value {
    let form = signed("synchronizeUser", datatype, &[("args", args)]);
    let answer = post(resource.address(), "POST", PATH, &[FORM], form).await.expect("an answer");
    if datatype == "json" { answer.json() } else { String::from_utf8_lossy(&answer.body).into_owned().into() }
}

#[tokio::test]
async fn a_user_is_added_changed_and_read_back() {
    let resource = Resource::strict().await;
    let added = push(&resource, &args().to_string(), "json").await;
    let userid = added["userid"].as_str().expect("a key").to_owned();
    let repeated = push(&resource, &args().to_string(), "json").await;
    assert_eq!(repeated["userid"], *userid, "a repeat is the same user");

    let mut changed = args();
    changed["opttype"] = json!("modify");
    changed["userid"] = json!(userid);
    changed["mobile"] = json!("13800000010");
    assert_eq!(push(&resource, &changed.to_string(), "json").await["result"], codes::OK);
    let [pushed] = resource.profile().pushed().try_into().expect("one");
    assert_eq!((pushed.versions, &pushed.args["mobile"]), (3, &json!("13800000010")));
    let read = resource.ask("getUserInfoById", &[("userid", &userid)]).await;
    assert_eq!((&read["result"], &read["loginname"]), (&json!("0"), &json!("zhence9")));
    assert_eq!(resource.result("getUserInfoById", &[("userid", "demoUser0001")]).await, codes::USER, "not ours");
    let counters = resource.simulator.counters();
    assert_eq!((counters.records_accepted, counters.overwrites), (3, 2));
    assert_eq!(call(resource.address(), "GET", "/_sim/pushed").await.json()[0]["versions"], 3);
}

#[tokio::test]
async fn xml_args_are_an_sso_document() {
    let resource = Resource::strict().await;
    let children: String = args()
        .as_object()
        .expect("an object")
        .iter()
        .map(|(name, value)| format!("<{name}>{}</{name}>", value.as_str().expect("a text")))
        .collect();
    let answer = push(&resource, &format!("<SSO>{children}</SSO>"), "xml").await;
    assert!(answer.as_str().expect("a text").contains("<result>0</result>"), "{answer}");
    assert_eq!(resource.profile().pushed()[0].args["username"], "甄测生");
    let answer = push(&resource, "<x/>", "xml").await;
    assert!(answer.as_str().expect("a text").contains(codes::ARGS), "{answer}");
}

#[tokio::test]
async fn strict_wants_every_field_and_a_name_that_is_free() {
    let resource = Resource::strict().await;
    let result = async |name: &str, value: Value| {
        let mut args = args();
        args[name] = value;
        push(&resource, &args.to_string(), "json").await["result"].clone()
    };
    assert_eq!(result("loginname", json!("")).await, codes::ARGS);
    assert_eq!(result("sex", json!(1)).await, codes::ARGS);
    assert_eq!(result("more", json!("")).await, codes::ARGS);
    assert_eq!(result("opttype", json!("delete")).await, codes::ARGS);
    assert_eq!(result("useable", json!("yes")).await, codes::ARGS);
    assert_eq!(result("loginname", json!("zhence1")).await, codes::LOGINNAME);
    assert_eq!(result("opttype", json!("modify")).await, codes::USER);
    assert_eq!(push(&resource, "[]", "json").await["result"], codes::ARGS);
    assert_eq!(resource.profile().pushed(), []);

    let quirky = Resource::of(ZjzwfwSso::builder().quirky().quirks(super::super::Quirks::default())).await;
    let few = json!({"loginname": "zhence9", "sex": 1}).to_string();
    assert_eq!(push(&quirky, &few, "json").await["result"], codes::OK);
}
