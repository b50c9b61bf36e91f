//! A9: what passes through in the main flows, and in their failures, is in no line of any log at the most talkative
//! level, in no metric and in no file that the host writes: people, secrets, codes, states, secret paths.

use duijie_tests::upstreams::{Culturedc, culturedc::State};
use http::Method;
use serde_json::{Value, json};

use super::{DEMO_SECRET_KEY, Docked, PATH_SECRET, login, row, setup, start, upstream_calls};
use crate::privacy::{assert_silent, everything};

const ORGANISER: &str = "甄测生零零柒";
const IDENTITY: &str = "99999920000101002X";
const PHONE: &str = "13800000001";
const CONTENT: &str = "样本报名须知正文";

/// A resource that says of persons all it can.
fn telling(ext_id: &str) -> Value {
    let mut resource = row("activity", ext_id);
    resource["summary"] = format!("联系人{ORGANISER}").into();
    resource["content"] = format!("<p>{CONTENT}，{ORGANISER}，电话{PHONE}，证件{IDENTITY}</p>").into();
    resource
}

fn values(more: &[String]) -> Vec<String> {
    let known = [ORGANISER, IDENTITY, PHONE, CONTENT, DEMO_SECRET_KEY, PATH_SECRET];
    known.into_iter().map(str::to_owned).chain(more.iter().cloned()).collect()
}

/// Ends the host, and looks through all it ever wrote.
async fn nothing_was_written(docked: Docked, more: &[String]) {
    let mut written = docked.host.admin(Method::GET, "/metrics").send().await.text().into_bytes();
    let mut values = values(more);
    values.push(docked.host.key("campus").to_owned());
    let root = docked.host.setup().root().to_owned();
    let stopped = docked.host.terminate().await;
    assert!(stopped.log.text().contains("\"TRACE\"") || stopped.log.text().contains("\"DEBUG\""), "it was talkative");
    written.extend(everything(&stopped, &root));
    assert_silent(&written, &values);
}

/// A docked host that writes all it can.
async fn talkative() -> Docked {
    let sim = Culturedc::builder().start().await.unwrap();
    let page = json!({ "name": "首页", "url": format!("{}/pages/http", sim.url()) });
    let setup = setup().settings("[log]\nlevel = \"trace\"\n");
    start(setup, sim, &json!({ "config": { "links": { "pages": [page] } } })).await
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_personal_and_no_secret_is_written_when_all_goes_well() {
    let docked = talkative().await;
    for (operation, input) in upstream_calls() {
        docked.get(operation, &input).await;
    }
    docked.get("resource.push", &telling("a")).await;
    docked.get("resource.push-batch", &json!({ "rows": [telling("b"), telling("c")] })).await;
    docked.get("resource.sheet", &json!({ "rows": [telling("d")] })).await;
    docked.sim.profile().review("a", State::Rejected, &format!("{ORGANISER} 请补充 {PHONE}"));
    let told = docked.get("resource.status", &json!({ "extId": "a" })).await;
    assert!(told["reviewNote"].as_str().unwrap().contains(ORGANISER));
    docked.get("link.check", &json!({})).await;
    docked.get("aksk.status", &json!({})).await;

    let (url, state) = login::begin(&docked).await;
    let back = login::log_in(&url).await;
    let arrived = login::land(&docked, &back).await;
    let code = login::parameter(arrived.header("location"), "code");
    let user = docked.get("login.redeem", &json!({ "code": code })).await;
    docked.call("login.redeem", &json!({ "code": code })).await.problem(409, "session-invalid", "not-sent");
    let person = ["openId", "nickname", "phone"].map(|name| user[name].as_str().unwrap().to_owned());
    let secrets = [state, login::parameter(&back, "code"), code];
    nothing_was_written(docked, &[person.as_slice(), &secrets].concat()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_personal_is_written_when_the_upstream_quotes_what_it_refuses_or_fails() {
    let docked = talkative().await;
    let resource = telling("a");
    let mut answers = String::new();
    let content = resource["content"].as_str().unwrap();
    for fault in [
        format!("code=40001,字段 content 有误：{content}"),
        format!("code=50000,联系人{ORGANISER} {PHONE} {IDENTITY}"),
        format!("code=40102,SK {DEMO_SECRET_KEY} 不正确"),
        "status=503".to_owned(),
        "status=401".to_owned(),
        "html".to_owned(),
        "echo".to_owned(),
        "reset-after".to_owned(),
        "truncate".to_owned(),
        "garbage".to_owned(),
        "missing-comma".to_owned(),
        "huge-body=8000000".to_owned(),
    ] {
        docked.sim.faults().clear();
        docked.fault("resource.push", &fault);
        let answer = docked.call("resource.push", &resource).await;
        assert!(answer.status >= 400, "{fault}");
        answers.push_str(&answer.text());
        docked.get("resource.push-batch", &json!({ "rows": [resource] })).await;
    }
    assert_silent(answers.as_bytes(), &[PHONE, IDENTITY, DEMO_SECRET_KEY].map(str::to_owned));
    nothing_was_written(docked, &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_personal_is_written_when_the_input_is_bad() {
    let docked = talkative().await;
    let mut wrong = telling("a");
    wrong["url"] = format!("电话{PHONE}").into();
    wrong["startTime"] = json!([ORGANISER]);
    let mut long = telling("b");
    long["title"] = ORGANISER.repeat(20).into();
    let mut answers = String::new();
    for (operation, input) in [
        ("resource.push", wrong.clone()),
        ("resource.push", long.clone()),
        ("resource.push-batch", json!({ "rows": [wrong.clone()] })),
        ("resource.push-batch", json!({ "rows": [long.clone()], "checkOnly": true })),
        ("resource.sheet", json!({ "rows": [long, wrong] })),
        ("login.link", json!({ "returnTo": format!("https://{PHONE}.example/{ORGANISER}") })),
        ("login.redeem", json!({ "code": ORGANISER })),
        ("resource.status", json!({ "extId": ORGANISER.repeat(11) })),
    ] {
        answers.push_str(&docked.call(operation, &input).await.text());
    }
    assert_silent(answers.as_bytes(), &values(&[]));
    nothing_was_written(docked, &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_citizen_is_written_when_the_upstream_quotes_them_in_a_refused_log_in() {
    let docked = talkative().await;
    let mut secrets = Vec::new();
    for code in ["40001", "40102", "50000", "49999"] {
        docked.sim.faults().clear();
        let (url, state) = login::begin(&docked).await;
        let back = login::log_in(&url).await;
        let upstream_code = login::parameter(&back, "code");
        docked.fault("login.user", &format!("code={code},{ORGANISER} {PHONE} {upstream_code}"));
        let answer = login::land(&docked, &back).await;
        assert!(answer.status >= 400);
        assert_silent(answer.text().as_bytes(), &values(&[]));
        secrets.extend([state, upstream_code]);
    }
    nothing_was_written(docked, &secrets).await;
}
