//! Tokens: one request however many calls need one, one refresh when the upstream forgets, and credentials where the
//! upstream wants them.

use std::time::Duration;

use duijie_tests::{
    fixtures,
    upstreams::{
        ZjGxsz,
        zj_gxsz::{ClientAuth, TOKEN_PATH},
    },
};
use futures_util::future::join_all;

use crate::support::{Docked, docked_with};

const ONE: &str = "record.push-one";
/// Room for a hundred calls at once.
const HUNDRED: &str = "[limits]\nconcurrency = 128";

/// Pushes a hundred records at once; all are accepted.
async fn push_hundred(docked: &Docked, from: usize) {
    let pushes = (from..from + 100).map(|n| async move { docked.push(ONE, &fixtures::talk_one(n)).await });
    for answer in join_all(pushes).await {
        assert_eq!(answer.expect(200)["accepted"], true);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_parallel_pushes_without_a_token_make_one_token_request() {
    let docked = docked_with(ZjGxsz::builder(), |college| college.tables(HUNDRED)).await;
    push_hundred(&docked, 0).await;
    let counters = docked.sim.counters();
    assert_eq!((counters.requests_of("token.get"), counters.records_accepted), (1, 100));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_parallel_pushes_with_a_token_past_its_life_make_one_token_request() {
    // The first upstream's tokens live one second; the second, at the same address, knows none of them.
    let brief =
        docked_with(ZjGxsz::builder().token_ttl(Duration::from_secs(1)), |college| college.tables(HUNDRED)).await;
    brief.push(ONE, &fixtures::talk_one(0)).await.expect(200);
    let Docked { host, sim } = brief;
    let address = sim.address();
    sim.stop().await;
    let sim = ZjGxsz::builder().listen(address).start().await.unwrap();
    // There is no event to wait for: what must pass is the token's own life.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let docked = Docked { host, sim };
    push_hundred(&docked, 0).await;
    let counters = docked.sim.counters();
    assert_eq!((counters.requests_of("token.get"), counters.token_rejections), (1, 0), "and none tried the old token");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_parallel_pushes_with_an_expired_token_make_one_token_request() {
    let docked = docked_with(ZjGxsz::builder(), |college| college.tables(HUNDRED)).await;
    docked.push(ONE, &fixtures::talk_one(0)).await.expect(200);
    // The upstream has revoked it; the host cannot know.
    assert_eq!(docked.sim.revoke_tokens(), 1);
    push_hundred(&docked, 0).await;
    assert_eq!(docked.sim.counters().requests_of("token.get"), 2, "one at first, one for the hundred");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_401_in_the_middle_of_a_burst_makes_one_refresh_and_loses_nothing() {
    let docked = docked_with(ZjGxsz::builder(), |college| college.tables(HUNDRED)).await;
    docked.push(ONE, &fixtures::talk_one(0)).await.expect(200);
    let burst = push_hundred(&docked, 0);
    let revoke = async {
        docked.sim.wait_until(|counters| counters.records_accepted >= 20).await.unwrap();
        docked.sim.revoke_tokens();
    };
    tokio::join!(burst, revoke);
    let counters = docked.sim.counters();
    assert!(counters.requests_of("token.get") <= 2, "{counters:?}");
    assert_eq!(counters.records_accepted, 101);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_401_is_answered_by_one_refresh_and_one_repetition() {
    let docked = docked_with(ZjGxsz::builder(), |college| college).await;
    docked.push(ONE, &fixtures::talk_one(0)).await.expect(200);
    docked.fault_once(ONE, "revoke-token");
    let output = docked.push(ONE, &fixtures::talk_one(1)).await.expect(200);
    assert_eq!(output["attempt"], 2);
    let counters = docked.sim.counters();
    assert_eq!((counters.requests_of("token.get"), counters.requests_of(ONE)), (2, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn client_credentials_go_where_the_upstream_wants_them() {
    for (name, place) in [("body", ClientAuth::Body), ("basic", ClientAuth::Basic), ("query", ClientAuth::Query)] {
        let sim = ZjGxsz::builder().client_auth(place);
        let docked = docked_with(sim, |college| college.token(&format!("client_auth = \"{name}\""))).await;
        let answer = docked.push(ONE, &fixtures::talk_one(0)).await;
        assert_eq!(answer.status, 200, "{name}: {}", answer.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_reply_without_its_life_or_wrapped_in_an_envelope_is_understood() {
    let forms = [
        ZjGxsz::builder().omit_expires_in(),
        ZjGxsz::builder().wrap_token_reply(true),
        ZjGxsz::builder().wrap_token_reply(true).omit_expires_in(),
    ];
    for sim in forms {
        let docked = docked_with(sim, |college| college).await;
        for n in 0..3 {
            docked.push(ONE, &fixtures::talk_one(n)).await.expect(200);
        }
        assert_eq!(docked.sim.counters().requests_of("token.get"), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_token_that_the_upstream_reports_by_code_is_refreshed_when_the_config_lists_the_code() {
    let errors = "[config.errors]\ntoken_expired_codes = [\"40102\", \"40103\"]";
    let docked = docked_with(ZjGxsz::builder().token_errors_as_codes(), |college| college.tables(errors)).await;
    docked.push(ONE, &fixtures::talk_one(0)).await.expect(200);
    docked.sim.revoke_tokens();
    assert_eq!(docked.push(ONE, &fixtures::talk_one(1)).await.expect(200)["attempt"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_asked_for_at_the_configured_path_only() {
    let docked = docked_with(ZjGxsz::builder(), |college| college).await;
    docked.push(ONE, &fixtures::talk_one(0)).await.expect(200);
    let journal = docked.sim.journal();
    let paths: Vec<&str> = journal.iter().map(|entry| entry.path.as_str()).collect();
    assert_eq!(paths, [TOKEN_PATH, "/api/talk-record/one"]);
}
