//! Poison (reliability.md E6): a record with which the connector dies each time is tried twice and then parked for a
//! person; its neighbours of the same link arrive, and the host lives.

use serde_json::{Value, json};

use super::{NDJSON, accepted, act, batch, ends, id_of, rows, settled, text};
use crate::support::{hostile_host, hostile_link, still_serves};

const LINK: &str = "h.one";
/// Panics, whatever it is given.
const POISON: &str = "panic.personal";

fn poison(n: usize) -> Value {
    json!({ "name": format!("甄测生{n}") })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_with_which_the_guest_dies_is_parked_after_two_attempts_and_its_neighbours_arrive() {
    let host = hostile_host(&[], "").await;
    let (mut bad, mut good) = (Vec::new(), Vec::new());
    for n in 0..100 {
        if n % 25 == 0 {
            bad.push(accepted(&host, LINK, POISON, &poison(n)).await);
        } else {
            good.push((n, accepted(&host, LINK, "echo", &json!({ "n": n })).await));
        }
    }
    for (n, id) in &good {
        let done = ends(&host, id, "done").await;
        assert_eq!((&done["result"], &done["attempts"]), (&json!({ "n": n }), &json!(1)));
    }
    for id in &bad {
        let parked = ends(&host, id, "parked").await;
        assert_eq!((text(&parked, "class"), text(&parked, "outcome")), ("internal", "not-sent"), "{parked}");
        assert_eq!(parked["attempts"], 2);
        assert!(!parked.to_string().contains("甄测生"), "{parked}");
    }
    still_serves(&host).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parked_record_that_a_person_sends_again_has_its_two_attempts_again() {
    let host = hostile_host(&[], "").await;
    let id = accepted(&host, LINK, POISON, &poison(1)).await;
    ends(&host, &id, "parked").await;
    act(&host, &id, "retry").await.expect(200);
    super::until_job(&host, &id, "to have been tried four times", |job| job["attempts"] == 4).await;
    ends(&host, &id, "parked").await;
    let cancelled = act(&host, &id, "cancel").await.expect(200);
    assert_eq!(text(&cancelled, "state"), "cancelled");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connector_that_dies_after_sending_is_unknown_and_not_asked_again() {
    let sim = duijie_tests::upstreams::ZjGxsz::builder().start().await.unwrap();
    let host = hostile_host(&[&sim.url()], "").await;
    let target = json!({ "url": format!("{}/api/talk-record/one", sim.url()) });
    let id = accepted(&host, LINK, "panic.after-send", &target).await;
    let unknown = ends(&host, &id, "unknown").await;
    assert_eq!((text(&unknown, "class"), &unknown["attempts"]), ("internal", &json!(1)), "{unknown}");
    let seen = sim.counters().requests_of("record.push-one");
    still_serves(&host).await;
    assert_eq!((seen, sim.counters().requests_of("record.push-one")), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_of_poison_settles_and_says_so_of_every_row() {
    let host = hostile_host(&[], "[push]\nmax_inflight = 8").await;
    let lines: String = (0..8).map(|n| poison(n).to_string() + "\n").collect();
    let id = id_of(&batch(&host, LINK, POISON, NDJSON, lines).send().await);
    let batch = settled(&host, &id).await;
    assert_eq!(batch["jobs"], json!({ "parked": 8 }), "{batch}");
    let troubled = rows(&host, &id, "only=troubled").await;
    assert_eq!(troubled.len(), 8);
    assert!(troubled.iter().all(|row| text(row, "state") == "parked" && text(row, "class") == "internal"));
}

#[tokio::test(flavor = "multi_thread")]
async fn records_of_a_link_that_is_taken_away_wait_and_arrive_when_it_is_back() {
    let host = hostile_host(&[], "").await;
    super::hold(&host, LINK).await;
    let id = accepted(&host, LINK, "echo", &json!({ "n": 1 })).await;
    std::fs::write(host.setup().links().join("h/one.toml"), "connector = \"none\"\n").unwrap();
    super::resume(&host, LINK).await;
    host.write_link("h/one", &hostile_link(&[], crate::support::SECRETS));
    assert_eq!(ends(&host, &id, "done").await["result"], json!({ "n": 1 }));
}
