//! Viewings of learners (skill-train): beginning, reports and end of one learner are in one order; what a link may decide
//! about its reports; and inputs that no queue may keep.

use duijie_tests::{fixtures, harness::Host, upstreams::SkillTrain};
use http::Method;
use serde_json::{Value, json};

use super::{NDJSON, accepted, batch, ends, hold, jobs, over, resume, text};
use crate::skill_train::{self, Docked, LINK, code, minute, start, viewing, with};

const LEARNERS: usize = 20;
const PROGRESS: &str = "progress.report";

/// An academy whose link has this in its `[push]`.
async fn academy(push: &str) -> Docked {
    let push = format!("[push]\nmax_inflight = 32\n{push}");
    skill_train::docked_with(SkillTrain::builder().refuse_out_of_order(), |academy| academy.tables(&push)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_beginning_the_reports_and_the_end_of_a_viewing_arrive_in_this_order() {
    let docked = academy("").await;
    // Slower than what comes behind it: only the order of acceptance keeps that back.
    docked.fault("study.start", "latency=50..150");
    let mut ids = Vec::new();
    for learner in 0..LEARNERS {
        let steps =
            [("study.start", start(learner)), (PROGRESS, minute(learner, 60, 60)), ("study.end", viewing(learner))];
        for (operation, input) in steps {
            ids.push(accepted(&docked.host, LINK, operation, &input).await);
        }
    }
    for id in &ids {
        ends(&docked.host, id, "done").await;
    }
    for learner in 0..LEARNERS {
        let study = docked.sim.profile().study(&code(0x1000 + learner), &code(0xa1)).unwrap();
        let seen = (study.starts, study.reports, study.ends, study.progress_s, study.out_of_order, study.open);
        assert_eq!(seen, (1, 1, 1, 60, 0, false), "learner {learner}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_are_added_up_only_as_far_as_no_beginning_or_end_is_between_them() {
    let docked = academy("").await;
    hold(&docked.host, LINK).await;
    let steps = [
        ("study.start", start(1)),
        (PROGRESS, minute(1, 60, 60)),
        (PROGRESS, minute(1, 110, 50)),
        ("study.end", viewing(1)),
        ("study.start", start(1)),
        (PROGRESS, minute(1, 150, 40)),
    ];
    let mut ids = Vec::new();
    for (operation, input) in &steps {
        ids.push(accepted(&docked.host, LINK, operation, input).await);
    }
    resume(&docked.host, LINK).await;
    for (n, id) in ids.iter().enumerate() {
        ends(&docked.host, id, if n == 1 { "superseded" } else { "done" }).await;
    }
    let study = docked.sim.profile().study(&code(0x1001), &code(0xa1)).unwrap();
    assert_eq!((study.reports, study.progress_s, study.play_s, study.out_of_order), (2, 150, 150, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_may_have_every_report_sent_as_it_was_reported() {
    let docked = academy("coalesce = false").await;
    hold(&docked.host, LINK).await;
    let mut ids = vec![accepted(&docked.host, LINK, "study.start", &start(1)).await];
    for (play, watched) in [(60, 60), (110, 50), (150, 40)] {
        ids.push(accepted(&docked.host, LINK, PROGRESS, &minute(1, play, watched)).await);
    }
    resume(&docked.host, LINK).await;
    for id in &ids {
        ends(&docked.host, id, "done").await;
    }
    let study = docked.sim.profile().study(&code(0x1001), &code(0xa1)).unwrap();
    assert_eq!((study.reports, study.progress_s), (3, 150));
}

/// A report whose answer was lost; its job when it is over.
async fn answer_lost(docked: &Docked) -> Value {
    ends(&docked.host, &accepted(&docked.host, LINK, "study.start", &start(1)).await, "done").await;
    docked.fault_once(PROGRESS, "reset-after");
    over(&docked.host, &accepted(&docked.host, LINK, PROGRESS, &minute(1, 60, 60)).await).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_of_unknown_effect_is_sent_again_only_where_the_link_says_so() {
    let cautious = academy("").await;
    let job = answer_lost(&cautious).await;
    assert_eq!((text(&job, "state"), &job["attempts"]), ("unknown", &json!(1)), "{job}");
    let counted = |docked: &Docked| docked.sim.profile().study(&code(0x1001), &code(0xa1)).unwrap().progress_s;
    assert_eq!(counted(&cautious), 60);

    let eager = academy("resend = [\"progress.report\"]").await;
    let job = answer_lost(&eager).await;
    assert_eq!((text(&job, "state"), &job["attempts"]), ("done", &json!(2)), "{job}");
    assert_eq!(counted(&eager), 120, "at least once is twice here: the link's operator has chosen that");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_link_is_to_send_again_must_be_something_that_its_connector_does() {
    let docked = academy("").await;
    let reason =
        refused(&docked.host, |link| link.replace("[push]\n", "[push]\nresend = [\"progress.reports\"]\n")).await;
    assert!(reason.contains("push.resend") && reason.contains("progress.report,"), "{reason}");
}

/// Why the link's file, changed so, is refused.
async fn refused(host: &Host, change: impl FnOnce(String) -> String) -> String {
    let link = std::fs::read_to_string(host.setup().links().join("hz/px.toml")).unwrap();
    host.write_link("hz/px", &change(link));
    let state = host.until("the link to be refused", |all| !all.link_reason(LINK).is_empty()).await;
    state.link_reason(LINK).to_owned()
}

/// Everything that would keep an input for later.
async fn kept(host: &Host, operation: &str, input: &Value) -> Vec<Value> {
    let call = || host.call_request(LINK, operation, input.to_string());
    let requests = [
        call().header("prefer", "respond-async"),
        call().header("prefer", "wait=5"),
        call().header("idempotency-key", "k-1"),
        batch(host, LINK, operation, NDJSON, format!("{input}\n")),
    ];
    let mut problems = Vec::new();
    for request in requests {
        problems.push(request.send().await.problem(422, "invalid-input", "not-sent"));
    }
    problems
}

#[tokio::test(flavor = "multi_thread")]
async fn a_face_is_never_queued_and_no_file_has_it() {
    let docked = academy("").await;
    let photo = fixtures::CONTENT_MARK.repeat(8);
    let more = json!({ "bizCode": code(0xf1), "videoStudyTime": 20, "compareMode": "0", "target": photo });
    for problem in kept(&docked.host, "face.compare", &with(viewing(1), &more)).await {
        assert_eq!(text(&problem, "type"), "urn:duijie:problem:direct-only", "{problem}");
        assert!(text(&problem, "detail").contains("face.compare"), "{problem}");
    }
    assert_eq!(jobs(&docked.host, "").await, [] as [Value; 0]);
    assert_eq!(docked.sim.counters().requests_of("face.compare"), 0);
    let link = docked.host.get(&format!("/v1/links/{LINK}")).await.expect(200);
    let face = link["operations"].as_array().unwrap().iter().find(|one| one["name"] == "face.compare").unwrap();
    assert_eq!(face["direct_only"], true, "the catalogue says it");
    let schedule = "[schedules.faces]\noperation = \"popup.submit\"\ncron = \"0 3 * * *\"\n";
    let reason = refused(&docked.host, |link| link + schedule).await;
    assert!(reason.contains("schedules.faces.operation"), "{reason}");
    let api = docked.host.api(Method::GET, "/openapi.json").key(docked.host.key("campus")).send().await.expect(200);
    let post = &api["paths"]["/v1/links/{link}/operations/face.compare"]["post"];
    assert!(post["responses"]["202"].is_null() && !post["parameters"].to_string().contains("prefer"), "{post}");
}
