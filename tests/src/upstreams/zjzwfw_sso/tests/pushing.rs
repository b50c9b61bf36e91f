//! The SSO as caller.

use std::collections::BTreeMap;

use serde_json::json;

use super::super::super::exchange::now_ms;
use super::super::super::platform::{Asked, Platform};
use super::super::super::testing::post;
use super::super::{DEMO_SERVICE_CODE, DEMO_SERVICE_PWD, Datatype, Signature, UserPush, Verb, ZjzwfwSso, sign, xml};
use super::resource::Resource;

async fn platform() -> Platform {
    let accepts = |_: &Asked| (200, "text/xml;charset=utf-8", r#"{"result":"0","errmsg":"成功"}"#.to_owned());
    Platform::saying(accepts).await
}

/// The parameters of a call, wherever they are.
fn parameters(asked: &Asked) -> BTreeMap<String, String> {
    let query = asked.target.split_once('?').map_or("", |(_, query)| query);
    let pairs = url::form_urlencoded::parse(query.as_bytes());
    pairs.into_owned().chain(url::form_urlencoded::parse(&asked.body).into_owned()).collect()
}

#[tokio::test]
async fn a_call_is_signed_and_comes_by_form_or_by_query() {
    let platform = platform().await;
    let resource = Resource::of(ZjzwfwSso::builder().hook_url(platform.url())).await;
    let called = resource.profile().push_user(&UserPush::default()).await.expect("an answer");
    assert_eq!((called.status, &called.body[..]), (200, r#"{"result":"0","errmsg":"成功"}"#.as_bytes()));
    let get = UserPush { verb: Verb::Get, method: "deleteUser".to_owned(), ..UserPush::default() };
    resource.profile().push_user(&get).await.expect("an answer");
    let asked = platform.asked();
    assert_eq!((asked[0].method.as_str(), asked[0].target.as_str()), ("POST", "/hook/secret"));
    assert!(asked[1].method == "GET" && asked[1].body.is_empty());
    for (asked, method) in asked.iter().zip(["synchronizeUser", "deleteUser"]) {
        let parameters = parameters(asked);
        assert_eq!((parameters["method"].as_str(), parameters["datatype"].as_str()), (method, "json"));
        assert_eq!(parameters["sign"], sign(DEMO_SERVICE_CODE, DEMO_SERVICE_PWD, &parameters["time"]));
        let args: serde_json::Value = serde_json::from_str(&parameters["args"]).expect("JSON");
        assert_eq!(args, UserPush::default().args);
    }
}

#[tokio::test]
async fn args_can_be_xml() {
    let platform = platform().await;
    let resource = Resource::of(ZjzwfwSso::builder().hook_url(platform.url())).await;
    let push = UserPush {
        datatype: Datatype::Xml,
        args: json!({"loginname": "a<b", "username": "甄测生"}),
        ..UserPush::default()
    };
    resource.profile().push_user(&push).await.expect("an answer");
    let parameters = parameters(&platform.asked()[0]);
    let args = xml::read(&parameters["args"]).expect("XML");
    assert_eq!((args.name.as_str(), args.child("loginname").expect("a child").text.as_str()), ("SSO", "a<b"));
}

#[tokio::test]
async fn a_stale_call_is_right_for_its_time_and_a_wrong_one_is_not() {
    let platform = platform().await;
    let resource = Resource::of(ZjzwfwSso::builder().hook_url(platform.url())).await;
    for signature in [Signature::Stale, Signature::Wrong] {
        let push = UserPush { signature, ..UserPush::default() };
        resource.profile().push_user(&push).await.expect("an answer");
    }
    let asked: Vec<_> = platform.asked().iter().map(parameters).collect();
    let of = |time: &str| sign(DEMO_SERVICE_CODE, DEMO_SERVICE_PWD, time);
    assert_eq!(asked[0]["sign"], of(&asked[0]["time"]));
    let age_ms = now_ms() - super::super::sign::read_beijing(&asked[0]["time"]).expect("a time");
    assert!((300_000..1_200_000).contains(&age_ms), "{age_ms}");
    assert!(asked[1]["sign"] != of(&asked[1]["time"]) && asked[1]["sign"].len() == 32);
}

#[tokio::test]
async fn the_last_call_is_repeated_to_the_letter() {
    let platform = platform().await;
    let resource = Resource::strict().await;
    assert!(resource.profile().push_user(&UserPush::default()).await.is_err(), "no URL yet");
    assert!(resource.profile().repeat_push().await.is_err(), "nothing sent yet");
    resource.profile().set_hook_url(platform.url());
    resource.profile().push_user(&UserPush::default()).await.expect("an answer");
    resource.profile().repeat_push().await.expect("an answer");
    let asked = platform.asked();
    assert_eq!(asked[0], asked[1]);
}

#[tokio::test]
async fn the_surface_calls_the_hook_and_shows_the_answer() {
    let platform = platform().await;
    let resource = Resource::strict().await;
    let admin = async |path: &str, body: &str| {
        post(resource.address(), "POST", &format!("/_sim/{path}"), &[], body.to_owned()).await.expect("an answer")
    };
    assert_eq!(admin("push-user", "").await.status, 502, "no URL yet");
    admin("hook", &json!({"url": platform.url()}).to_string()).await;
    let shown =
        admin("push-user", r#"{"verb":"get","datatype":"xml","signature":"wrong","method":"deleteUser"}"#).await;
    assert_eq!(shown.json()["contentType"], "text/xml;charset=utf-8");
    assert_eq!(shown.json()["body"], r#"{"result":"0","errmsg":"成功"}"#);
    assert_eq!(admin("repeat-push", "").await.status, 200);
    assert_eq!(admin("push-user", r#"{"verb":"put"}"#).await.status, 400);
    assert_eq!(platform.asked().len(), 2);
}
