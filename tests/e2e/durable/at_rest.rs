//! At rest: whatever state a record is in, no byte of what it says of persons lies in any file of the state directory, in
//! the log, or in what an answer tells of the job. And what is done is deleted.

use duijie_tests::{
    fixtures::{self, HARD_TEXTS},
    upstreams::ZjGxsz,
};
use http::Method;
use serde_json::{Value, json};

use super::{CSV, NDJSON, ONE, accepted, act, batch, ends, hold, id_of, jobs, ndjson, over, rows, settled, text};
use crate::{
    privacy::{assert_silent, everything},
    support::{Docked, LINK, docked_in, hostile_link, in_wire_order, setup},
};

fn personal() -> Vec<String> {
    let mut values = fixtures::personal_values();
    values.extend(HARD_TEXTS.iter().filter(|(_, text)| text.chars().count() >= 6).map(|(_, text)| (*text).to_owned()));
    values
}

/// A docked host that writes all it can, and has a connector that dies.
async fn talkative() -> Docked {
    let setup = setup().settings("[log]\nlevel = \"trace\"\n").guest("hostile").link("h/one", &hostile_link(&[], ""));
    docked_in(setup, ZjGxsz::builder(), super::sheets::with_sheets_beside).await
}

#[tokio::test(flavor = "multi_thread")]
async fn no_value_of_a_record_lies_in_any_file_or_log_in_whatever_state_it_is() {
    let docked = talkative().await;
    let host = &docked.host;
    let mut told = String::new();

    // Done, also after an answer that was lost, with an output that is kept.
    for (operation, record) in fixtures::mixed(30) {
        let id = accepted(host, LINK, operation, &record).await;
        told += &ends(host, &id, "done").await.to_string();
    }
    docked.fault_once(ONE, "reset-after");
    let id = accepted(host, LINK, ONE, &fixtures::talk_one(1)).await;
    told += &ends(host, &id, "done").await.to_string();
    // Failed, with a message of the upstream's that names persons.
    let record = fixtures::talk_patriarch(4);
    let (student, parent) = (&record["students"][0]["studentName"], &record["parentName"]);
    let refusal = format!("code=50018,学生 {} 的家长 {} 不存在", student.as_str().unwrap(), parent.as_str().unwrap());
    docked.fault_once("record.push-patriarch", &refusal);
    let id = accepted(host, LINK, "record.push-patriarch", &record).await;
    told += &ends(host, &id, "failed").await.to_string();
    // Parked, by an answer that is not understood and by a connector that dies with a name on its lips.
    docked.fault(ONE, "echo");
    let id = accepted(host, LINK, ONE, &fixtures::talk_one(2)).await;
    told += &over(host, &id).await.to_string();
    docked.sim.faults().clear();
    let poison = json!({ "name": fixtures::talk_one(3)["teacherName"] });
    let id = accepted(host, "h.one", "panic.personal", &poison).await;
    told += &ends(host, &id, "parked").await.to_string();
    // Waiting, superseded, taken back, refused, in a batch and alone.
    hold(host, LINK).await;
    let record = fixtures::talk_one(5);
    accepted(host, LINK, ONE, &record).await;
    accepted(host, LINK, ONE, &fixtures::revise(&record, 2)).await;
    let id = accepted(host, LINK, ONE, &fixtures::talk_one(6)).await;
    told += &act(host, &id, "cancel").await.text();
    let mut bad = [fixtures::talk_one(7), fixtures::talk_one(8), fixtures::talk_one(9)];
    bad[1]["content"] = json!([bad[1]["content"]]);
    bad[2]["talkTime"] = json!({ "of": bad[2]["teacherName"] });
    let answer = batch(host, LINK, ONE, NDJSON, ndjson(&bad)).send().await;
    told += &answer.text();
    told += &Value::from(rows(host, &id_of(&answer), "").await).to_string();
    let torn = in_wire_order(&fixtures::talk_one(10));
    told += &batch(host, LINK, ONE, NDJSON, torn[..torn.len() - 9].to_owned()).send().await.text();
    told += &batch(host, LINK, ONE, CSV, torn.replace(':', ",")).send().await.text();
    let keyed = super::hand_in(host, LINK, ONE, &fixtures::talk_one(11));
    told += &keyed.header("idempotency-key", fixtures::talk_one(11)["teacherNo"].as_str().unwrap()).send().await.text();

    let states: std::collections::BTreeSet<String> =
        jobs(host, "").await.iter().map(|job| text(job, "state").to_owned()).collect();
    let all = ["cancelled", "done", "failed", "parked", "queued", "superseded"];
    assert_eq!(states, all.map(str::to_owned).into(), "every state is there");
    told += &host.admin(Method::GET, "/v1/queue").send().await.text();
    told += &host.admin(Method::GET, "/v1/jobs").send().await.text();
    told += &host.admin(Method::GET, "/metrics").send().await.text();
    assert_silent(told.as_bytes(), &personal());

    let root = host.setup().root().to_owned();
    // As it lies there after a power cut, with its journal, and after an orderly end.
    let killed = docked.host.kill().await;
    assert_silent(&everything(&killed, &root), &personal());
    let stopped = killed.start().await.terminate().await;
    let written = everything(&stopped, &root);
    assert!(written.len() > 100_000, "there is something to be searched");
    assert_silent(&written, &personal());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_core_dump_of_a_host_has_nothing_of_the_records_that_wait_there() {
    let docked = talkative().await;
    hold(&docked.host, LINK).await;
    for (operation, record) in fixtures::mixed(30) {
        accepted(&docked.host, LINK, operation, &record).await;
    }
    let rows = ndjson(&[fixtures::talk_one(31), fixtures::talk_one(32)]);
    batch(&docked.host, LINK, ONE, NDJSON, rows).send().await.expect(202);
    // Whoever took the records in has read them; the next process has only what is stored.
    let host = docked.host.kill().await.start().await;
    assert_eq!(jobs(&host, "state=queued").await.len(), 32);
    let memory = host.memory();
    let holds = |text: &str| memory.windows(text.len()).any(|bytes| bytes == text.as_bytes());
    assert!(holds(LINK) && holds(ONE), "this is its memory");
    assert_silent(&memory, &personal());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_is_done_is_deleted_and_one_that_failed_is_kept_for_its_sheet() {
    let docked = talkative().await;
    docked.fault_once(ONE, "code=50018");
    let records = [fixtures::talk_one(1), fixtures::talk_one(2)];
    let id = id_of(&batch(&docked.host, LINK, ONE, NDJSON, ndjson(&records)).send().await);
    assert_eq!(settled(&docked.host, &id).await["jobs"], json!({ "done": 1, "failed": 1 }));
    let sheet = String::from_utf8(super::sheets::troubled(&docked.host, &id, "csv").await.to_vec()).unwrap();
    let named = |record: &Value| sheet.contains(record["recordId"].as_str().unwrap());
    assert_eq!(records.iter().filter(|record| named(record)).count(), 1, "{sheet}");
    for job in jobs(&docked.host, &format!("batch={id}")).await {
        let detail = super::job(&docked.host, text(&job, "id")).await;
        assert!(!detail.to_string().contains(fixtures::CONTENT_MARK), "{detail}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_key_the_store_is_not_opened_and_nothing_is_overwritten() {
    let docked = talkative().await;
    hold(&docked.host, LINK).await;
    let id = accepted(&docked.host, LINK, ONE, &fixtures::talk_one(1)).await;
    let Docked { host, sim } = docked;
    let root = host.setup().root().to_owned();
    let stopped = host.terminate().await;
    std::fs::rename(root.join("state/host.key"), root.join("host.key")).unwrap();
    let refused = stopped.setup().run(&["serve"]).expect_code(1);
    assert!(refused.stderr.contains("host.key is missing"), "{}", refused.stderr);
    std::fs::rename(root.join("host.key"), root.join("state/host.key")).unwrap();
    let host = stopped.start().await;
    super::resume(&host, LINK).await;
    ends(&host, &id, "done").await;
    assert_eq!(sim.counters().records_accepted, 1);
}
