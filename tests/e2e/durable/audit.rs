//! Who did what: every call, push and act of an operator is in the audit log, whose proof holds, also after a kill.

use duijie_tests::fixtures;
use http::Method;
use serde_json::{Value, json};

use super::{ONE, accepted, act, ends, hold, resume};
use crate::support::{Docked, LINK, docked};

async fn verify(host: &duijie_tests::harness::Host) -> Value {
    let report = host.admin(Method::POST, "/v1/audit/verify").send().await.expect(200);
    assert_eq!((&report["good"], &report["fault"]), (&json!(true), &json!(null)), "{report}");
    report
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_log_is_good_after_calls_pushes_and_acts_and_after_a_kill() {
    let docked = docked().await;
    let entries = |report: &Value| report["entries"].as_u64().unwrap();
    let before = entries(&verify(&docked.host).await);
    docked.push(ONE, &fixtures::talk_one(1)).await.expect(200);
    docked.fault_once(ONE, "code=50018");
    docked.push(ONE, &fixtures::talk_one(2)).await.expect(409);
    hold(&docked.host, LINK).await;
    let id = accepted(&docked.host, LINK, ONE, &fixtures::talk_one(3)).await;
    let taken_back = accepted(&docked.host, LINK, ONE, &fixtures::talk_one(4)).await;
    act(&docked.host, &taken_back, "cancel").await.expect(200);
    resume(&docked.host, LINK).await;
    ends(&docked.host, &id, "done").await;
    // Two calls, two pushes, a hold, a resume, a job taken back.
    super::eventually("every one to be written down", async || entries(&verify(&docked.host).await) >= before + 7)
        .await;
    let Docked { host, .. } = docked;
    let count = entries(&verify(&host).await);
    let host = host.kill().await.start().await;
    assert!(entries(&verify(&host).await) >= count, "what was written down stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_operator_may_ask_for_the_proof() {
    let docked = docked().await;
    let ask = |key: &str| docked.host.admin(Method::POST, "/v1/audit/verify").without("authorization").key(key).send();
    assert_eq!(ask(docked.host.key("campus")).await.status, 401);
    assert_eq!(docked.host.api(Method::POST, "/v1/audit/verify").key(docked.host.admin_key()).send().await.status, 404);
}
