//! What people ask of jobs: take one back, send one again, list them. Nobody sees another's.

use duijie_tests::{fixtures, harness::Answer, upstreams::ZjGxsz};
use http::Method;
use serde_json::{Value, json};

use super::{NDJSON, ONE, accepted, act, batch, ends, hold, id_of, job, jobs, ndjson, resume, text};
use crate::support::{Docked, LINK, docked, docked_in, in_wire_order, requests, setup};

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_waits_can_be_taken_back_and_is_never_sent() {
    let docked = docked().await;
    hold(&docked.host, LINK).await;
    let id = accepted(&docked.host, LINK, ONE, &fixtures::talk_one(1)).await;
    let kept = accepted(&docked.host, LINK, ONE, &fixtures::talk_one(2)).await;
    assert_eq!(text(&act(&docked.host, &id, "cancel").await.expect(200), "state"), "cancelled");
    let again = act(&docked.host, &id, "cancel").await;
    assert_eq!(text(&again.expect(409), "type"), "urn:duijie:problem:job-state");
    resume(&docked.host, LINK).await;
    ends(&docked.host, &kept, "done").await;
    assert_eq!(text(&job(&docked.host, &id).await, "state"), "cancelled");
    assert_eq!(docked.sim.counters().requests_of(ONE), 1);
    for what in ["cancel", "retry"] {
        let refused = act(&docked.host, &kept, what).await.expect(409);
        assert_eq!(text(&refused, "type"), "urn:duijie:problem:job-state", "what is done is done: {refused}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_failed_can_be_sent_again_and_the_history_stays() {
    let docked = docked().await;
    docked.fault_once(ONE, "code=50018,无此学校");
    let record = fixtures::talk_one(1);
    let id = accepted(&docked.host, LINK, ONE, &record).await;
    ends(&docked.host, &id, "failed").await;
    let retried = act(&docked.host, &id, "retry").await.expect(200);
    assert!(matches!(text(&retried, "state"), "queued" | "sending" | "done"), "{retried}");
    let done = ends(&docked.host, &id, "done").await;
    let attempts = done["attempts_made"].as_array().unwrap();
    let codes: Vec<&str> = attempts.iter().map(|attempt| text(attempt, "upstream_code")).collect();
    assert_eq!(codes, ["50018", ""], "{done}");
    assert!(docked.stored(&record).plaintext == in_wire_order(&record).as_bytes());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_sends_all_again_that_failed_for_one_cause() {
    let docked = docked().await;
    docked.fault(ONE, "code=50018");
    for n in 0..6 {
        let id = accepted(&docked.host, LINK, ONE, &fixtures::talk_one(n)).await;
        ends(&docked.host, &id, "failed").await;
    }
    docked.sim.faults().clear();
    let all = |query: &str| docked.host.admin(Method::POST, &format!("/v1/jobs/retry?{query}")).send();
    assert_eq!(all("state=failed").await.status, 400, "of which link must be said");
    assert_eq!(all("link=zj.nbufe&state=failed").await.expect(200), json!({ "retried": 6 }));
    super::until_quiet(&docked.host, LINK).await;
    assert_eq!(docked.sim.counters().records_accepted, 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_are_listed_by_link_state_operation_and_batch_in_pages() {
    let docked = docked().await;
    hold(&docked.host, LINK).await;
    let mut ids = Vec::new();
    for n in 0..5 {
        ids.push(accepted(&docked.host, LINK, ONE, &fixtures::talk_one(n)).await);
    }
    let other = accepted(&docked.host, LINK, "record.push-patriarch", &fixtures::talk_patriarch(9)).await;
    act(&docked.host, &ids[0], "cancel").await.expect(200);
    let records = [fixtures::talk_one(20), fixtures::talk_one(21)];
    let in_batch = id_of(&batch(&docked.host, LINK, ONE, NDJSON, ndjson(&records)).send().await);

    let listed = async |query: &str| -> Vec<String> {
        jobs(&docked.host, query).await.iter().map(|job| text(job, "id").to_owned()).collect()
    };
    assert_eq!(listed("").await.len(), 8);
    assert_eq!(listed("state=cancelled").await, ids[..1]);
    assert_eq!(listed("operation=record.push-patriarch").await, std::slice::from_ref(&other));
    assert_eq!(listed(&format!("state=queued&operation={ONE}")).await[..4], ids[1..]);
    assert_eq!(listed(&format!("batch={in_batch}")).await.len(), 2);
    assert_eq!(listed("link=zj.none").await.len(), 0);

    // Page by page, in the order of acceptance, whatever comes in meanwhile.
    let page = async |after: &str| docked.host.get(&format!("/v1/jobs?link={LINK}&limit=3{after}")).await.expect(200);
    let (mut seen, mut after) = (Vec::<Value>::new(), String::new());
    loop {
        let page = page(&after).await;
        assert!(page["jobs"].as_array().unwrap().len() <= 3);
        seen.extend(page["jobs"].as_array().unwrap().iter().cloned());
        let Some(next) = page["next"].as_str() else { break };
        after = format!("&after={next}");
    }
    let seen: Vec<&str> = seen.iter().map(|job| text(job, "id")).collect();
    let (mine, rest) = seen.split_at(5);
    assert_eq!((mine, rest.len(), rest[0]), (&*ids.iter().map(String::as_str).collect::<Vec<_>>(), 3, other.as_str()));

    for query in ["state=lost", "limit=0", "limit=501", "after=x", "batch=1", "link=%00"] {
        let problem = docked.host.get(&format!("/v1/jobs?{query}")).await.expect(400);
        assert_eq!(text(&problem, "type"), "urn:duijie:problem:query", "{query}: {problem}");
    }
    assert_eq!(requests(&docked.sim.counters()), 0);
}

/// A problem without what every request has of its own.
fn told(answer: &Answer, asked: &str) -> Value {
    let mut problem = answer.expect(404);
    problem.as_object_mut().unwrap().remove("request_id");
    serde_json::from_str(&problem.to_string().replace(asked, "ID")).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn another_platforms_job_or_batch_is_answered_exactly_as_one_that_does_not_exist() {
    let setup = setup().platform("city", "*", "*").platform("narrow", "zj.nbufe", "record.push-multi");
    let Docked { host, .. } = docked_in(setup, ZjGxsz::builder(), |college| college).await;
    hold(&host, LINK).await;
    let mine = accepted(&host, LINK, ONE, &fixtures::talk_one(1)).await;
    let my_batch = id_of(&batch(&host, LINK, ONE, NDJSON, ndjson(&[fixtures::talk_one(2)])).send().await);
    let none = "0199a7f0-7c52-7a1e-9f7e-3d6c1f0a2b4c";
    let paths = [
        (Method::GET, "/v1/jobs/ID"),
        (Method::POST, "/v1/jobs/ID/retry"),
        (Method::POST, "/v1/jobs/ID/cancel"),
        (Method::GET, "/v1/batches/ID"),
        (Method::GET, "/v1/batches/ID/results"),
        (Method::GET, "/v1/batches/ID/results?format=csv"),
        (Method::GET, "/v1/batches/ID/events"),
    ];
    for (method, path) in paths {
        let theirs = if path.contains("batches") { &my_batch } else { &mine };
        for platform in ["city", "narrow"] {
            let ask = |id: &str| host.api(method.clone(), &path.replace("ID", id)).key(host.key(platform)).send();
            let (hidden, absent) = (ask(theirs).await, ask(none).await);
            assert_eq!(told(&hidden, theirs), told(&absent, none), "{method} {path}");
            assert_eq!(told(&ask("not-an-id").await, "not-an-id"), told(&absent, none), "{method} {path}");
        }
    }
    let list = host.api(Method::GET, "/v1/jobs").key(host.key("city")).send().await.expect(200);
    assert_eq!(list["jobs"], json!([]));
    assert_eq!(text(&job(&host, &mine).await, "state"), "queued", "nobody has touched it");
    for path in ["/v1/jobs", "/v1/queue"] {
        assert_eq!(host.api(Method::GET, path).send().await.status, if path == "/v1/jobs" { 401 } else { 404 });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_sees_jobs_of_all_platforms_without_their_output() {
    let docked = docked().await;
    let id = accepted(&docked.host, LINK, ONE, &fixtures::talk_one(1)).await;
    ends(&docked.host, &id, "done").await;
    let seen = docked.host.admin(Method::GET, &format!("/v1/jobs/{id}")).send().await.expect(200);
    assert_eq!((text(&seen, "state"), seen.get("result")), ("done", None));
    let list = docked.host.admin(Method::GET, "/v1/jobs?platform=campus&state=done").send().await.expect(200);
    assert_eq!(list["jobs"][0]["id"], json!(id));
    let none = docked.host.admin(Method::GET, "/v1/jobs?platform=city").send().await.expect(200);
    assert_eq!(none["jobs"], json!([]));
}
