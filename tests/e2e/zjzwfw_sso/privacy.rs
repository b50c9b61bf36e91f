//! Nobody who logs in or is provisioned is in anything that the host writes: not in a log line at the most talkative
//! level, not in metrics, not in a file; nor is a ticket, a token, a password, a sign or the secret of a path (A9).

use std::time::{SystemTime, UNIX_EPOCH};

use duijie_tests::{
    platform,
    upstreams::{
        ZjzwfwSso,
        zjzwfw_sso::{
            Builder, DEMO_IRS_SECRET_KEY, DEMO_SERVICE_CODE, DEMO_SERVICE_PWD, Datatype, Signature, User, UserPush,
            Verb, beijing, sign,
        },
    },
};
use http::Method;
use serde_json::{Value, json};
use url::Url;

use super::{DELETE_EVENT, Docked, LINK, PAGE_PATH, RETURN, SYNC_EVENT, SYNC_PATH, docked_from, setup, ways};
use crate::privacy::{assert_silent, everything};

const PASSWORD: &str = "kennwort-7f3a-person";
const ORG: &str = "ORG-zj-7f3a";

/// The person who logs in.
fn first() -> User {
    User {
        userid: "uid-7f3a-000001".to_owned(),
        loginname: "zhence-7f3a-eins".to_owned(),
        username: "甄测生零零壹".to_owned(),
        orgcoding: ORG.to_owned(),
        idnum: "999999199001010016".to_owned(),
        mobile: "13800000001".to_owned(),
        password: PASSWORD.to_owned(),
    }
}

/// The person whom a platform sends out.
fn second() -> Value {
    json!({
        "operation": "add", "loginName": "zhence-7f3a-zwei", "userName": "甄测生零零贰", "orgCoding": ORG,
        "idNumber": "99999920000101002X", "mobile": "13800000002", "sex": "1", "enabled": true,
    })
}

/// The person whom the SSO sends in.
fn third() -> Value {
    json!({
        "opttype": "add", "userid": "uid-7f3a-000003", "loginname": "zhence-7f3a-drei", "username": "甄测生零零叁",
        "orgcoding": ORG, "idnum": "999999198506150036", "mobile": "13800000003", "sex": "1", "useable": "1",
        "email": "drei-7f3a@example.invalid",
    })
}

fn personal() -> Vec<String> {
    let of = |record: &Value, names: &[&str]| -> Vec<String> {
        names.iter().filter_map(|name| record[*name].as_str().map(str::to_owned)).collect()
    };
    let mut values = vec![ORG.to_owned(), PASSWORD.to_owned()];
    let first = serde_json::to_value(first()).unwrap();
    values.extend(of(&first, &["userid", "loginname", "username", "idnum", "mobile"]));
    values.extend(of(&second(), &["loginName", "userName", "idNumber", "mobile"]));
    values.extend(of(&third(), &["userid", "loginname", "username", "idnum", "mobile", "email"]));
    values
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn now_ms() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

/// A docked host that writes all it can, and what it must not write.
struct Talkative {
    docked: Docked,
    begun_ms: i64,
    values: Vec<String>,
}

impl Talkative {
    async fn start(sso: Builder, config: &Value) -> Self {
        let setup = setup().settings("[log]\nlevel = \"trace\"\n");
        let mut link = json!({ "config": { "id_validation": { "enabled": true } } });
        super::change(&mut link["config"], config);
        let docked = docked_from(setup, sso.user(first()), |_| link).await;
        Self::of(docked)
    }

    fn of(docked: Docked) -> Self {
        let mut values = personal();
        let secrets = [
            DEMO_SERVICE_PWD,
            DEMO_IRS_SECRET_KEY,
            SYNC_PATH,
            PAGE_PATH,
            platform::SECRET,
            "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3",
            docked.host.key("campus"),
        ];
        // The key of the gateway is as short as the document's vector has it: alone it is part of many words.
        let secrets = secrets.into_iter().filter(|secret| secret.len() > 6);
        values.extend(secrets.map(str::to_owned));
        Self { docked, begun_ms: now_ms(), values }
    }

    /// A ticket, which must be found nowhere.
    fn ticket(&mut self) -> String {
        let ticket = self.docked.sim.profile().ticket(&first().userid).unwrap();
        self.values.push(ticket.clone());
        ticket
    }

    /// The whole way of a browser; state, ticket, code and token must be found nowhere.
    async fn log_in(&mut self) -> String {
        let (url, state) = self.docked.log_in_link(RETURN).await;
        let back = self.docked.log_in_at(&url).await;
        let pair = |url: &str, name: &str| {
            let url = Url::parse(url).unwrap();
            url.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned()).unwrap()
        };
        let landed = self.docked.land_at(&back).await;
        let code = pair(landed.header("location"), "code");
        let login = self.docked.done("login.redeem", &json!({ "code": code })).await;
        assert_eq!(login["user"]["idNumber"], first().idnum);
        let token = text(&login["session"]["token"]);
        self.values.extend([state, pair(&back, "ticket"), code, token.clone()]);
        token
    }

    /// Ends the host; nothing of these was written, and no sign of any second meanwhile.
    async fn assert_silence(mut self, answers: &str) {
        for time_ms in (self.begun_ms - 2000..now_ms() + 2000).step_by(1000) {
            self.values.push(sign(DEMO_SERVICE_CODE, DEMO_SERVICE_PWD, &beijing(time_ms)));
        }
        let host = self.docked.host;
        let metrics = host.admin(Method::GET, "/metrics").send().await.text();
        assert!(metrics.contains("duijie_"), "{metrics}");
        let root = host.setup().root().to_owned();
        let stopped = host.terminate().await;
        let log = stopped.log.text();
        assert!(log.contains("\"TRACE\"") || log.contains("\"DEBUG\""), "the log was talkative");
        let mut written = everything(&stopped, &root);
        written.extend(metrics.into_bytes());
        written.extend(answers.as_bytes());
        assert_silent(&written, &self.values);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_person_ticket_token_or_secret_is_written_when_all_goes_well() {
    // A GET has everything in its address.
    for (verb, datatype) in [("POST", "json"), ("GET", "xml")] {
        let mut config = json!({ "http": { "verb": verb }, "datatype": datatype });
        if verb == "GET" {
            config["id_validation"] = json!({ "enabled": false });
        }
        let mut here = Talkative::start(ZjzwfwSso::builder(), &config).await;
        let token = here.log_in().await;
        let ticket = here.ticket();
        let session = here.docked.done("ticket.validate", &json!({ "ticket": ticket })).await;
        here.values.push(text(&session["token"]));
        here.docked.done("user.info", &json!({ "token": token })).await;
        if verb == "POST" {
            let password = json!({ "loginName": first().loginname, "orgCoding": ORG, "password": PASSWORD });
            let session = here.docked.done("user.authenticate", &password).await;
            here.values.push(text(&session["token"]));
        }
        let made = here.docked.done("ticket.generate", &json!({ "proxyApp": "demosvc2", "token": token })).await;
        here.values.push(text(&made["ticket"]));
        let synced = here.docked.done("user.sync-out", &second()).await;
        let user_id = text(&synced["userId"]);
        here.docked.done("user.by-id", &json!({ "userId": user_id })).await;
        here.docked.done("call", &json!({ "method": "getUserInfo", "params": { "token": token } })).await;
        here.values.push(user_id);
        for (datatype, verb) in [(Datatype::Json, Verb::Post), (Datatype::Xml, Verb::Get)] {
            for method in ["synchronizeUser", "deleteUser"] {
                let args = third();
                let push = UserPush { method: method.to_owned(), verb, datatype, args, ..UserPush::default() };
                assert_eq!(here.docked.sim.profile().push_user(&push).await.unwrap().status, 200);
            }
        }
        assert_eq!(here.docked.platform.events().len(), 4);
        here.assert_silence("").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_person_ticket_token_or_secret_is_written_through_the_gateway_or_soap() {
    let talk = || setup().settings("[log]\nlevel = \"trace\"\n");
    let soap = json!({ "soap": { "namespace": duijie_tests::upstreams::zjzwfw_sso::DEMO_SOAP_NAMESPACE }, "transport": "soap" });
    let soap = docked_from(talk(), ZjzwfwSso::builder().user(first()), |_| json!({ "config": soap })).await;
    // A key of the gateway that is not part of other words.
    let key = "irs-secret-7f3a-key";
    let sso = ZjzwfwSso::builder().user(first()).irs("demoak", key);
    let gateway = ways::irs_from(talk().env("SSO_IRS_SECRET_KEY", key), sso, &json!({})).await;
    for docked in [soap, gateway] {
        let mut here = Talkative::of(docked);
        here.values.push(key.to_owned());
        let token = here.log_in().await;
        here.docked.done("user.info", &json!({ "token": token })).await;
        here.assert_silence("").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_person_ticket_token_or_secret_is_written_or_told_when_the_sso_fails() {
    let brief = json!({ "http": { "timeout_ms": 3000 } });
    let mut here = Talkative::start(ZjzwfwSso::builder(), &brief).await;
    let token = here.log_in().await;
    let ticket = here.ticket();
    let password = json!({ "loginName": first().loginname, "orgCoding": ORG, "password": PASSWORD });
    let calls = [
        ("ticket.validate", json!({ "ticket": ticket })),
        ("user.info", json!({ "token": token })),
        ("user.authenticate", password),
        ("ticket.generate", json!({ "proxyApp": "demosvc2", "token": token })),
        ("user.sync-out", second()),
        ("user.by-id", json!({ "userId": first().userid })),
        ("call", json!({ "method": "getUserInfo", "params": { "token": token } })),
    ];
    let mut answers = String::new();
    for fault in ["code=7001,QUOTED 无效", "echo", "html", "status=503", "missing-comma", "reset-after", "truncate"] {
        for (operation, input) in &calls {
            // An SSO that quotes everything it was sent.
            let sent = input.to_string();
            let quoted: Vec<_> = here.values.iter().filter(|value| sent.contains(value.as_str())).cloned().collect();
            for door in ["simple.http", "user.http"] {
                if door == "simple.http" {
                    here.docked.sim.faults().clear();
                }
                let fault = fault.replace("QUOTED", &quoted.join("、"));
                let rule = duijie_tests::upstreams::Rule::new(crate::support::parse(&fault));
                here.docked.sim.faults().add(rule.operation(door));
            }
            let answer = here.docked.call(operation, input).await;
            // To `call` any object is an answer, and an answer is the caller's.
            if (*operation, fault) != ("call", "echo") {
                assert!(answer.status >= 400, "{operation} {fault}: {}", answer.text());
                answers.push_str(&answer.text());
            }
        }
    }
    let state = here.docked.log_in_link(RETURN).await.1;
    answers.push_str(&here.docked.land(&format!("ticket={ticket}&state={state}")).await.text());
    here.docked.fault("simple.http", "hang");
    answers.push_str(&here.docked.call("ticket.validate", &json!({ "ticket": ticket })).await.text());
    here.assert_silence(&answers).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_person_or_secret_is_written_when_an_input_or_a_request_is_bad_or_the_platform_fails() {
    let here = Talkative::start(ZjzwfwSso::builder(), &json!({})).await;
    let mut answers = String::new();
    let mut bad = second();
    (bad["idNumber"], bad["mobile"]) = ("999999200001010021".into(), "1380000000299".into());
    let body = second().to_string();
    let bodies = [bad.to_string(), body[..body.len() - 1].to_owned(), format!("[{body}]"), format!("{body}{body}")];
    for body in bodies {
        let answer = here.docked.host.call_request(LINK, "user.sync-out", body).send().await;
        assert!((400..500).contains(&answer.status), "{}", answer.text());
        answers.push_str(&answer.text());
    }
    let sso = here.docked.sim.profile();
    for signature in [Signature::Stale, Signature::Wrong] {
        let push = UserPush { signature, args: third(), ..UserPush::default() };
        answers.push_str(&String::from_utf8_lossy(&sso.push_user(&push).await.unwrap().body));
    }
    for (status, body) in [(409, json!({ "detail": "no" })), (200, json!(third())), (500, third()), (302, third())] {
        for event in [SYNC_EVENT, DELETE_EVENT] {
            let body = body.clone();
            here.docked.platform.answer(event, move |_| (status, body.clone()));
        }
        let mut args = third();
        args["sex"] = status.to_string().into();
        let called = sso.push_user(&UserPush { args, ..UserPush::default() }).await.unwrap();
        answers.push_str(&String::from_utf8_lossy(&called.body));
    }
    let nonsense = UserPush { args: json!([third()]), ..UserPush::default() };
    answers.push_str(&String::from_utf8_lossy(&sso.push_user(&nonsense).await.unwrap().body));
    here.assert_silence(&answers).await;
}
