//! Order (A3): of one record the last accepted version is what the upstream has at the end, never an older one after a
//! newer one, however it fails meanwhile; and nobody waits for a record that is none of theirs.

use duijie_tests::{
    fixtures,
    upstreams::{Rule, ZjGxsz},
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{ONE, accepted, act, ends, hold, job, jobs, over, resume, text, until_quiet};
use crate::support::{Docked, LINK, docked, docked_with, in_wire_order, parse};

/// Short enough for a test, long enough for a busy machine to do everything else in.
const PATIENCE: &str = "[config.http]\ntimeout_ms = 1500";

/// The versions of a record that the upstream took, in the order in which it took them.
fn taken(docked: &Docked, versions: &[Value]) -> Vec<usize> {
    let digests: Vec<[u8; 32]> = versions.iter().map(|version| Sha256::digest(in_wire_order(version)).into()).collect();
    let stored = docked.stored(&versions[0]);
    let number = |digest| digests.iter().position(|known| known == digest).expect("it was pushed");
    stored.versions.iter().map(number).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_version_of_a_record_stays_and_none_comes_after_a_newer_one_however_the_upstream_fails() {
    let docked = docked_with(ZjGxsz::builder(), |college| college.tables(PATIENCE)).await;
    let record = fixtures::talk_one(1);
    let (mut versions, mut ids) = (Vec::new(), Vec::new());
    // Down; applied and not said so; too slow; applied and silent; gone before; down.
    for trouble in ["status=503", "reset-after", "latency=2500", "hang-after", "reset-before", "status=503"] {
        let seen = docked.sim.counters().requests_of(ONE);
        docked.fault_once(ONE, trouble);
        for _ in 0..4 {
            let version = fixtures::revise(&record, versions.len());
            ids.push(accepted(&docked.host, LINK, ONE, &version).await);
            versions.push(version);
        }
        docked.sim.wait_until(|counters| counters.requests_of(ONE) > seen).await.unwrap();
    }
    until_quiet(&docked.host, LINK).await;

    let last = versions.last().unwrap();
    assert!(docked.stored(&record).plaintext == in_wire_order(last).as_bytes(), "the last version is there");
    let taken = taken(&docked, &versions);
    assert!(taken.is_sorted(), "{taken:?}");
    assert!(taken.len() < versions.len() + 6, "what was superseded is not sent: {taken:?}");

    let mut superseded = 0;
    for (n, id) in ids.iter().enumerate() {
        let job = job(&docked.host, id).await;
        match text(&job, "state") {
            "done" => {}
            "superseded" => {
                superseded += 1;
                let by = ids.iter().position(|other| other == text(&job, "superseded_by")).expect("a version");
                assert!(by > n, "version {n} made way for version {by}");
            }
            other => panic!("version {n} is {other}: {job}"),
        }
    }
    assert!(superseded > 0);
    assert_eq!(text(&job(&docked.host, ids.last().unwrap()).await, "state"), "done");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_version_takes_the_place_of_one_that_waits() {
    let docked = docked().await;
    hold(&docked.host, LINK).await;
    let record = fixtures::talk_one(1);
    let versions: Vec<Value> = (0..5).map(|n| fixtures::revise(&record, n)).collect();
    let mut ids = Vec::new();
    for version in &versions {
        ids.push(accepted(&docked.host, LINK, ONE, version).await);
    }
    for pair in ids.windows(2) {
        let job = job(&docked.host, &pair[0]).await;
        assert_eq!((text(&job, "state"), text(&job, "superseded_by")), ("superseded", pair[1].as_str()));
    }
    act(&docked.host, &ids[0], "retry").await.problem(409, "invalid-input", "not-sent");
    resume(&docked.host, LINK).await;
    ends(&docked.host, &ids[4], "done").await;
    assert_eq!(taken(&docked, &versions), [4]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_failed_is_not_sent_again_over_a_newer_one() {
    let docked = docked().await;
    docked.fault_once(ONE, "code=50018");
    let record = fixtures::talk_one(1);
    let versions = [fixtures::revise(&record, 1), fixtures::revise(&record, 2)];
    let failed = accepted(&docked.host, LINK, ONE, &versions[0]).await;
    ends(&docked.host, &failed, "failed").await;
    let newer = accepted(&docked.host, LINK, ONE, &versions[1]).await;
    ends(&docked.host, &newer, "done").await;
    let retried = act(&docked.host, &failed, "retry").await.expect(200);
    assert_eq!((text(&retried, "state"), text(&retried, "superseded_by")), ("superseded", newer.as_str()));
    assert_eq!(taken(&docked, &versions), [1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_fails_holds_up_no_other_record_and_no_other_operation() {
    let docked = docked().await;
    docked.sim.faults().add(Rule::new(parse("status=503")).operation(ONE).times(2));
    let down = accepted(&docked.host, LINK, ONE, &fixtures::talk_one(0)).await;
    docked.sim.wait_until(|counters| counters.faults_of("status") == 1).await.unwrap();
    docked.sim.faults().clear();
    docked.fault("record.push-patriarch", "code=50018");
    let refused = accepted(&docked.host, LINK, "record.push-patriarch", &fixtures::talk_patriarch(1)).await;
    let mut others = Vec::new();
    for n in 1..20 {
        others.push(accepted(&docked.host, LINK, ONE, &fixtures::talk_one(n)).await);
        others.push(accepted(&docked.host, LINK, "record.push-multi", &fixtures::talk_multi(n, 3)).await);
    }
    for id in &others {
        assert_eq!(ends(&docked.host, id, "done").await["attempts"], 1);
    }
    ends(&docked.host, &refused, "failed").await;
    assert_eq!(ends(&docked.host, &down, "done").await["attempts"], 2);
    assert_eq!(docked.sim.counters().records_accepted, 39);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_whose_upstream_is_down_holds_up_no_other_link() {
    let (down, up) = (ZjGxsz::builder().start().await.unwrap(), ZjGxsz::builder().start().await.unwrap());
    down.faults().add(Rule::new(parse("reset-before")));
    let college = |url: &str| crate::support::College::at(url).toml();
    let setup = crate::support::setup().link("zj/nbufe", &college(&down.url())).link("zj/up", &college(&up.url()));
    let host = setup.start().await;
    host.until("both links to serve", |all| all.all_serving()).await;
    let mut stuck = Vec::new();
    for n in 0..30 {
        stuck.push(accepted(&host, LINK, ONE, &fixtures::talk_one(n)).await);
        let other = accepted(&host, "zj.up", ONE, &fixtures::talk_one(n)).await;
        assert_eq!(ends(&host, &other, "done").await["attempts"], 1);
    }
    assert_eq!(jobs(&host, "link=zj.nbufe&state=done").await.len(), 0);
    down.faults().clear();
    for id in &stuck {
        let job = over(&host, id).await;
        assert_eq!(job["state"], json!("done"), "{job}");
    }
    assert_eq!(down.counters().records_accepted, 30);
}
