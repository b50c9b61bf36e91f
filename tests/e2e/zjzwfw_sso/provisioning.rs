//! The hook `user-sync`: the SSO adds, changes and deletes people, the platform hears of each change once, and whoever
//! does not verify learns nothing.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use duijie_tests::upstreams::{
    Called, ZjzwfwSso, call,
    zjzwfw_sso::{DEMO_SERVICE_CODE, DEMO_SERVICE_PWD, Datatype, Signature, UserPush, Verb, beijing, sign},
};
use futures_util::future::join_all;
use http::Method;
use serde_json::{Value, json};
use url::form_urlencoded::Serializer;

use super::{
    CONTENT_TYPE, DELETE_EVENT, Docked, LINK, PAGE_PATH, SYNC_EVENT, SYNC_PATH, docked, docked_from, docked_with,
    hook_path, setup,
};

const DONE: &str = r#"{"result":"0","errmsg":"成功"}"#;
const NOT_ACCEPTED: &str = r#"{"result":"1","errmsg":"验证失败"}"#;

/// What the SSO says of a person.
fn person() -> Value {
    UserPush::default().args
}

/// The same with one member changed.
fn with(name: &str, value: &str) -> Value {
    let mut args = person();
    args[name] = value.into();
    args
}

/// The same as the platform hears it.
fn heard() -> Value {
    json!({
        "operation": "add", "userId": "demoUser0003", "loginName": "zhence3", "userName": "甄测生",
        "orgCoding": "001006", "idNumber": "999999198506150036", "mobile": "13800000003", "sex": "1",
        "enabled": true, "extra": {},
    })
}

/// A request of the SSO's, made by hand.
struct Delivery {
    parameters: Vec<(&'static str, String)>,
}

impl Delivery {
    /// Signed as it should be, at so many seconds from now. Two with the same content need different seconds: twenty
    /// apart, and the later one later, they have them however slow the machine is.
    fn at(offset_s: i64, method: &str, args: &Value) -> Self {
        let now_ms = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
        let time = beijing(i64::try_from(now_ms).unwrap() + offset_s * 1000);
        let sign = sign(DEMO_SERVICE_CODE, DEMO_SERVICE_PWD, &time);
        let parameters = vec![
            ("method", method.to_owned()),
            ("servicecode", DEMO_SERVICE_CODE.to_owned()),
            ("time", time),
            ("sign", sign),
            ("datatype", "json".to_owned()),
            ("args", args.to_string()),
        ];
        Self { parameters }
    }

    /// Adds or changes the usual person.
    fn sync() -> Self {
        Self::at(0, "synchronizeUser", &person())
    }

    fn set(mut self, name: &str, value: &str) -> Self {
        let one = self.parameters.iter_mut().find(|(known, _)| *known == name).unwrap();
        value.clone_into(&mut one.1);
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.parameters.retain(|(known, _)| *known != name);
        self
    }

    fn twice(mut self, name: &'static str, value: &str) -> Self {
        self.parameters.push((name, value.to_owned()));
        self
    }

    fn form(&self) -> String {
        Serializer::new(String::new()).extend_pairs(&self.parameters).finish()
    }
}

impl Docked {
    async fn deliver(&self, delivery: &Delivery) -> Called {
        self.deliver_to(&hook_path(SYNC_PATH, "user-sync"), delivery).await
    }

    async fn deliver_to(&self, path: &str, delivery: &Delivery) -> Called {
        let url = format!("http://{}{path}", self.host.api_address());
        let form = [("content-type", "application/x-www-form-urlencoded")];
        call(Method::POST, &url, &form, delivery.form(), Duration::from_secs(60)).await.unwrap()
    }

    /// Kinds of the events that the platform heard, in their order.
    fn heard(&self) -> Vec<String> {
        assert_eq!(self.platform.refused(), 0, "every event is signed");
        self.platform.events().into_iter().map(|event| event.kind).collect()
    }
}

fn text(called: &Called) -> String {
    String::from_utf8(called.body.to_vec()).unwrap()
}

/// An answer without what differs by nature.
fn shape(called: &Called) -> (u16, Vec<(String, String)>, String) {
    let headers = called.headers.iter().filter(|(name, _)| !matches!(name.as_str(), "date" | "x-request-id"));
    let headers = headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
    (called.status, headers, text(called))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_added_changed_and_deleted_is_heard_of_once_each_in_json_and_xml() {
    for (datatype, verb, done) in [
        (Datatype::Json, Verb::Post, DONE),
        (Datatype::Json, Verb::Get, DONE),
        (Datatype::Xml, Verb::Post, "<SSO><result>0</result><errmsg>成功</errmsg></SSO>"),
        (Datatype::Xml, Verb::Get, "<SSO><result>0</result><errmsg>成功</errmsg></SSO>"),
    ] {
        let docked = docked().await;
        let mut changed = with("opttype", "modify");
        (changed["useable"], changed["email"]) = ("0".into(), "zhence3@example.invalid".into());
        let changes = [
            ("synchronizeUser", person()),
            ("synchronizeUser", changed),
            ("deleteUser", json!({ "userid": "demoUser0003" })),
        ];
        for (method, args) in changes {
            let push = UserPush { method: method.to_owned(), verb, datatype, args, ..UserPush::default() };
            let called = docked.sim.profile().push_user(&push).await.unwrap();
            assert_eq!((called.status, text(&called).as_str()), (200, done), "{method}");
            assert_eq!(called.headers["content-type"].to_str().unwrap(), CONTENT_TYPE, "JSON too");
        }
        assert_eq!(docked.heard(), [SYNC_EVENT, SYNC_EVENT, DELETE_EVENT]);
        let events = docked.platform.events();
        assert!(events.iter().all(|event| event.source == format!("/v1/links/{LINK}")));
        assert_eq!(events[0].data, heard());
        let mut changed = heard();
        (changed["operation"], changed["enabled"]) = ("modify".into(), false.into());
        changed["extra"] = json!({ "email": "zhence3@example.invalid" });
        assert_eq!(events[1].data, changed);
        assert_eq!((&events[2].data["userId"], &events[2].data["loginName"]), (&json!("demoUser0003"), &Value::Null));
        assert!(events[0].id != events[1].id && events[1].id != events[2].id);
    }
}

/// A7.
#[tokio::test(flavor = "multi_thread")]
async fn a_replayed_a_stale_and_a_wrongly_signed_request_get_one_answer_and_the_platform_hears_nothing() {
    let docked = docked().await;
    let sso = docked.sim.profile();
    let first = sso.push_user(&UserPush::default()).await.unwrap();
    assert_eq!(text(&first), DONE);
    let replayed = sso.repeat_push().await.unwrap();
    let reference = shape(&replayed);
    assert_eq!((reference.0, reference.2.as_str()), (200, NOT_ACCEPTED));
    let push = |signature| UserPush { signature, ..UserPush::default() };
    assert_eq!(shape(&sso.push_user(&push(Signature::Stale)).await.unwrap()), reference, "stale");
    assert_eq!(shape(&sso.push_user(&push(Signature::Wrong)).await.unwrap()), reference, "wrongly signed");
    let other = UserPush { servicecode: Some("demosvc2".to_owned()), ..UserPush::default() };
    assert_eq!(shape(&sso.push_user(&other).await.unwrap()), reference, "another resource's");
    let bad = [
        ("a time too far ahead", Delivery::at(400, "synchronizeUser", &person())),
        ("a time too far back", Delivery::at(-400, "synchronizeUser", &person())),
        ("another time than the one signed", Delivery::sync().set("time", &beijing(0))),
        ("a time that is none", Delivery::sync().set("time", "now")),
        ("an empty sign", Delivery::sync().set("sign", "")),
        ("no sign", Delivery::sync().without("sign")),
        ("no time", Delivery::sync().without("time")),
        ("no servicecode", Delivery::sync().without("servicecode")),
        ("no method", Delivery::sync().without("method")),
        ("a servicecode that stands twice", Delivery::sync().twice("servicecode", "demosvc2")),
        ("a sign that stands twice", Delivery::sync().twice("sign", "0")),
    ];
    for (what, delivery) in &bad {
        assert_eq!(shape(&docked.deliver(delivery).await), reference, "{what}");
    }
    assert_eq!(docked.heard(), [SYNC_EVENT]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_may_be_off_by_the_window_and_the_window_is_config() {
    let docked = docked().await;
    for (offset_s, user) in [(-280, "a"), (280, "b")] {
        let delivery = Delivery::at(offset_s, "synchronizeUser", &with("userid", user));
        assert_eq!(text(&docked.deliver(&delivery).await), DONE, "{offset_s}");
    }
    let docked = docked_with(ZjzwfwSso::builder(), &json!({ "hook": { "window_s": 60 } })).await;
    let delivery = Delivery::at(-80, "synchronizeUser", &person());
    assert_eq!(text(&docked.deliver(&delivery).await), NOT_ACCEPTED);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_change_sent_anew_is_done_without_the_platform_hearing_of_it_again() {
    let docked = docked().await;
    let sync = |offset_s: i64, args: &Value| Delivery::at(offset_s, "synchronizeUser", args);
    for offset_s in [0, 20, 40] {
        assert_eq!(text(&docked.deliver(&sync(offset_s, &person())).await), DONE);
    }
    assert_eq!(docked.heard(), [SYNC_EVENT]);
    // There and back again are two changes more.
    for (offset_s, args) in [(60, with("mobile", "13800000009")), (80, person())] {
        assert_eq!(text(&docked.deliver(&sync(offset_s, &args)).await), DONE);
    }
    assert_eq!(docked.heard().len(), 3);
    let events = docked.platform.events();
    assert_ne!(events[0].id, events[2].id, "the same data, another change");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_at_once_exactly_one_is_heard() {
    let docked = docked().await;
    let anew: Vec<_> = (0..8).map(|n| Delivery::at(20 * n, "synchronizeUser", &person())).collect();
    for answer in join_all(anew.iter().map(|delivery| docked.deliver(delivery))).await {
        assert_eq!(text(&answer), DONE);
    }
    assert_eq!(docked.heard(), [SYNC_EVENT]);
    let same = Delivery::at(0, "deleteUser", &person());
    let answers = join_all((0..8).map(|_| docked.deliver(&same))).await;
    let mut texts: Vec<_> = answers.iter().map(text).collect();
    texts.sort();
    assert_eq!((texts[0].as_str(), &texts[1..]), (DONE, &vec![NOT_ACCEPTED.to_owned(); 7][..]));
    assert_eq!(docked.heard(), [SYNC_EVENT, DELETE_EVENT]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_platforms_refusal_is_result_1_with_its_reason_and_the_same_each_time() {
    let docked = docked().await;
    docked.platform.answer(SYNC_EVENT, |_| (409, json!({ "title": "t", "detail": "登录名在同一后缀域名下已存在" })));
    for offset_s in [0, 20] {
        let answer = docked.deliver(&Delivery::at(offset_s, "synchronizeUser", &person())).await;
        let told = r#"{"result":"1","errmsg":"登录名在同一后缀域名下已存在"}"#;
        assert_eq!((answer.status, text(&answer).as_str()), (200, told));
    }
    let xml = Delivery::at(40, "synchronizeUser", &person()).set("datatype", "xml");
    let answer = text(&docked.deliver(&xml).await);
    assert_eq!(answer, "<SSO><result>1</result><errmsg>登录名在同一后缀域名下已存在</errmsg></SSO>");
    let ids: Vec<_> = docked.platform.events().into_iter().map(|event| event.id).collect();
    assert!(ids.len() == 3 && ids.iter().all(|id| *id == ids[0]), "one change, one id: {ids:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_platform_is_down_the_very_same_request_may_come_again() {
    let docked = docked().await;
    let is_up = std::sync::Arc::new(AtomicBool::new(false));
    let up = is_up.clone();
    docked.platform.answer(SYNC_EVENT, move |_| (if up.load(Ordering::SeqCst) { 204 } else { 500 }, Value::Null));
    let sso = docked.sim.profile();
    let answer = sso.push_user(&UserPush::default()).await.unwrap();
    let later = r#"{"result":"1","errmsg":"暂时无法处理,请稍后重试"}"#;
    assert_eq!((answer.status, text(&answer).as_str()), (503, later));
    is_up.store(true, Ordering::SeqCst);
    assert_eq!(text(&sso.repeat_push().await.unwrap()), DONE);
    let events = docked.platform.events();
    assert_eq!((events.len(), &events[0].id), (2, &events[1].id), "the platform can tell that it is the same");
    assert_eq!(text(&sso.repeat_push().await.unwrap()), NOT_ACCEPTED, "now it is a replay");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lacks_something_is_result_1_with_the_reason_and_the_platform_hears_nothing() {
    let docked = docked().await;
    let mut nameless = person();
    nameless.as_object_mut().unwrap().remove("loginname");
    let bad = [
        (Delivery::at(0, "synchronizeuser", &person()), "不支持的方法"),
        (Delivery::at(0, "synchronizeUser", &with("userid", "")), "userid 不能为空"),
        (Delivery::at(0, "synchronizeUser", &nameless), "loginname 不能为空"),
        (Delivery::at(0, "synchronizeUser", &json!([person()])), "args 无法解析"),
        (Delivery::sync().set("args", "{"), "args 无法解析"),
        (Delivery::sync().without("args"), "args 无法解析"),
        (Delivery::sync().set("args", "<SSO><userid>x</userid>"), "args 无法解析"),
        (
            Delivery::sync()
                .set("args", "<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><SSO><userid>&x;</userid></SSO>"),
            "args 无法解析",
        ),
    ];
    for (delivery, reason) in &bad {
        let answer = docked.deliver(delivery).await;
        let told = format!(r#"{{"result":"1","errmsg":"{reason}"}}"#);
        assert_eq!((answer.status, text(&answer)), (200, told), "{}", delivery.form());
    }
    assert_eq!(docked.heard(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn method_names_and_the_content_type_of_the_answer_are_config() {
    let config = json!({
        "method": { "hook_user_sync": "addUser", "hook_user_delete": "removeUser" },
        "hook": { "content_type": "application/json" },
    });
    let docked = docked_with(ZjzwfwSso::builder(), &config).await;
    let answer = docked.deliver(&Delivery::at(0, "addUser", &person())).await;
    assert_eq!(answer.headers["content-type"].to_str().unwrap(), "application/json");
    docked.deliver(&Delivery::at(0, "removeUser", &person())).await;
    assert_eq!(docked.heard(), [SYNC_EVENT, DELETE_EVENT]);
    assert!(text(&docked.deliver(&Delivery::at(20, "synchronizeUser", &person())).await).contains("不支持的方法"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_covers_neither_method_nor_args_so_only_the_ssos_addresses_may_call() {
    // Whoever sees one request can make others within the window. That is the upstream's rule, and cannot be mended here.
    let open = docked().await;
    let delivery = Delivery::sync();
    assert_eq!(text(&open.deliver(&delivery).await), DONE);
    let forged = delivery.set("method", "deleteUser").set("args", r#"{"userid":"somebody"}"#);
    assert_eq!(text(&open.deliver(&forged).await), DONE);
    assert_eq!(open.heard(), [SYNC_EVENT, DELETE_EVENT]);

    // So the hook answers to the addresses that its link names, and to none unless it names some.
    for allow in [json!([]), json!(["192.0.2.0/24"])] {
        let closed = |_: &str| json!({ "hooks": { "user-sync": { "allow": allow } } });
        let docked = docked_from(setup(), ZjzwfwSso::builder(), closed).await;
        let answer = docked.deliver(&Delivery::sync()).await;
        assert_eq!((answer.status, text(&answer).as_str()), (404, "not found\n"));
        assert_eq!(docked.heard(), Vec::<String>::new());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_hook_has_a_path_secret_of_its_own_and_a_shared_one_is_refused() {
    let docked = docked().await;
    for (secret, hook) in [(PAGE_PATH, "user-sync"), (SYNC_PATH, "login-landing"), ("x", "user-sync")] {
        let answer = docked.deliver_to(&hook_path(secret, hook), &Delivery::sync()).await;
        assert_eq!((answer.status, text(&answer).as_str()), (404, "not found\n"), "{hook}");
    }
    let shared = json!({ "hooks": { "login-landing": { "path_secret": { "env": "SSO_SYNC_PATH" } } } });
    let toml = super::link(&docked.sim.url(), &docked.platform.url(), &shared);
    let host = setup().link(super::FILE, &toml).start().await;
    let all = host.until("the link to be judged", |all| all.link_refused(LINK)).await;
    assert!(all.link_reason(LINK).contains("path_secret"), "{}", all.link_reason(LINK));
    assert_eq!(docked.heard(), Vec::<String>::new());
}
