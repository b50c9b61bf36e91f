//! A4: while an AK/SK is over, records are accepted and held back with the reason; when its renewal is confirmed they go
//! out within a minute, and nothing was refused meanwhile.

use std::time::{Duration, Instant};

use duijie_tests::{
    harness::eventually,
    upstreams::{Culturedc, culturedc::DEMO_ACCESS_KEY},
};
use http::Method;
use serde_json::{Value, json};

use super::{accepted, ends, jobs, queue, text, until_job, until_quiet};
use crate::{
    cli_push::operator,
    culturedc::{Docked, LINK, aksk::issued, docked_with, row},
};

const PUSH: &str = "resource.push";
/// How long after a renewal the queue may take (upstreams.md §3.6).
const RENEWED: Duration = Duration::from_secs(60);

async fn accept(docked: &Docked, numbers: std::ops::Range<usize>) -> Vec<String> {
    let mut ids = Vec::new();
    for n in numbers {
        ids.push(accepted(&docked.host, LINK, PUSH, &row("news", &format!("n{n}"))).await);
    }
    ids
}

fn held(queue: &Value) -> &str {
    text(&queue["held"], "reason")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_aksk_holds_the_queue_with_a_reason_and_its_renewal_drains_it_within_a_minute() {
    let docked = docked_with(Culturedc::builder(), &issued(31)).await;
    docked.sim.profile().expire_key(DEMO_ACCESS_KEY);
    eventually("the queue to be held", async || held(&queue(&docked.host, LINK).await).contains("secret_key")).await;
    let told = queue(&docked.host, LINK).await;
    assert!(held(&told).contains("expired") && !text(&told["held"], "since").is_empty(), "{told}");
    // Letting it go on by hand would send what is refused: the operator is told instead.
    let told = docked.host.admin(Method::POST, &format!("/v1/links/{LINK}/resume")).send().await.expect(200);
    assert_eq!((&told["held"], text(&told, "expired")), (&json!(true), "secret_key"), "{told}");
    let said = operator(&docked.host, &["resume", LINK]).expect_code(0).stdout;
    assert!(said.contains("stays held") && said.contains("secret_key"), "{said}");
    let ids = accept(&docked, 0..20).await;
    assert_eq!(jobs(&docked.host, "state=queued").await.len(), 20, "nothing is refused");
    assert_eq!(docked.sim.counters().requests.values().sum::<u64>(), 0, "and nothing is sent");

    docked.sim.profile().renew_key(DEMO_ACCESS_KEY);
    let renewed = Instant::now();
    docked.host.call(LINK, "aksk.renewed", &json!({})).await.expect(200);
    eventually("the queue to go on", async || queue(&docked.host, LINK).await["held"].is_null()).await;
    until_quiet(&docked.host, LINK).await;
    assert!(renewed.elapsed() <= RENEWED, "drained after {:?}", renewed.elapsed());
    for id in &ids {
        ends(&docked.host, id, "done").await;
    }
    assert_eq!(docked.sim.counters().records_accepted, 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_aksk_that_ends_earlier_than_the_link_knows_makes_records_wait_and_refuses_none() {
    let docked = docked_with(Culturedc::builder(), &issued(1)).await;
    docked.sim.profile().expire_key(DEMO_ACCESS_KEY);
    let ids = accept(&docked, 0..8).await;
    until_job(&docked.host, &ids[0], "to have been tried", |job| text(job, "upstream_code") == "40110").await;
    eventually("the others to be spared", async || {
        // One at a time finds out.
        docked.host.log.text().contains("one at a time finds out")
    })
    .await;
    docked.sim.profile().renew_key(DEMO_ACCESS_KEY);
    let renewed = Instant::now();
    docked.host.call(LINK, "aksk.renewed", &json!({})).await.expect(200);
    until_quiet(&docked.host, LINK).await;
    assert!(renewed.elapsed() <= RENEWED, "drained after {:?}", renewed.elapsed());
    for id in &ids {
        ends(&docked.host, id, "done").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operators_own_hold_is_not_lifted_by_a_renewal() {
    let docked = docked_with(Culturedc::builder(), &issued(1)).await;
    super::hold(&docked.host, LINK).await;
    let ids = accept(&docked, 0..1).await;
    docked.host.call(LINK, "aksk.renewed", &json!({})).await.expect(200);
    let told = queue(&docked.host, LINK).await;
    assert_eq!((held(&told), &told["jobs"]["queued"]), ("held by an operator", &json!(1)));
    super::resume(&docked.host, LINK).await;
    ends(&docked.host, &ids[0], "done").await;
}
