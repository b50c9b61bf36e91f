//! The end and the beginning: a signal under load lets calls finish, and a restart serves as before.

use duijie_tests::{
    fixtures,
    upstreams::{Rule, ZjGxsz},
};
use futures_util::future::join_all;
use rustix::process::Signal;
use serde_json::json;

use crate::support::{Docked, LINK, docked, docked_with, in_wire_order, parse};

const ONE: &str = "record.push-one";

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_under_load_lets_calls_in_flight_finish_and_exits_0() {
    let docked = docked_with(ZjGxsz::builder(), |college| college.tables("[limits]\nconcurrency = 64")).await;
    docked.sim.faults().add(Rule::new(parse("latency=700")).operation(ONE));
    let Docked { host, sim } = docked;
    let requests: Vec<_> =
        (0..24).map(|n| host.call_request(LINK, ONE, in_wire_order(&fixtures::talk_one(n)))).collect();
    let calls = tokio::spawn(join_all(requests.into_iter().map(|request| request.send())));
    sim.wait_until(|counters| counters.in_flight >= 24).await.unwrap();
    let late = host.call_request(LINK, ONE, in_wire_order(&fixtures::talk_one(99)));
    let stopped = host.terminate().await;
    assert_eq!(stopped.status.code(), Some(0), "{}", stopped.log.text());
    for answer in calls.await.unwrap() {
        assert_eq!(answer.expect(200)["accepted"], true);
    }
    assert_eq!(sim.counters().records_accepted, 24);
    late.try_send().await.unwrap_err();
    assert!(stopped.log.text().contains("drain"), "both ends of the drain are logged");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_restart_links_and_connectors_serve_as_before() {
    let docked = docked().await;
    let catalogue = docked.host.get("/v1/links/zj.nbufe").await.expect(200);
    docked.push(ONE, &fixtures::talk_one(1)).await.expect(200);
    let Docked { host, sim } = docked;
    let host = host.terminate().await.start().await;
    assert_eq!(host.get("/v1/links/zj.nbufe").await.expect(200), catalogue);
    let docked = Docked { host, sim };
    docked.push(ONE, &fixtures::talk_one(2)).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_kill_the_host_starts_again() {
    let Docked { host, sim } = docked().await;
    let host = host.kill().await.start().await;
    Docked { host, sim }.push(ONE, &fixtures::talk_one(1)).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_outlasts_the_grace_is_cut_and_the_exit_says_so() {
    let sim = ZjGxsz::builder().start().await.unwrap();
    sim.faults().add(Rule::new(parse("hang")).operation(ONE));
    let setup = crate::support::setup()
        .settings("[limits]\ndrain_s = 1\n")
        .link("zj/nbufe", &crate::support::College::at(&sim.url()).tables("[limits]\ndeadline_ms = 60000").toml());
    let host = setup.start().await;
    let request = host.call_request(LINK, ONE, in_wire_order(&fixtures::talk_one(1)));
    let call = tokio::spawn(request.try_send());
    sim.wait_until(|counters| counters.requests_of(ONE) == 1).await.unwrap();
    let stopped = host.terminate().await;
    assert_eq!(stopped.status.code(), Some(1));
    assert!(stopped.log.text().contains("cut"), "{}", stopped.log.text());
    call.await.unwrap().unwrap_err();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_whose_caller_has_left_is_finished_and_logged_before_the_exit() {
    let Docked { host, sim } = docked().await;
    sim.faults().add(Rule::new(parse("latency=1500")).operation(ONE));
    let request = host.call_request(LINK, ONE, in_wire_order(&fixtures::talk_one(1)));
    let call = tokio::spawn(request.try_send());
    sim.wait_until(|counters| counters.in_flight == 1).await.unwrap();
    call.abort();
    let stopped = host.terminate().await;
    assert_eq!(stopped.status.code(), Some(0), "{}", stopped.log.text());
    assert_eq!(sim.counters().records_accepted, 1);
    assert!(stopped.log.text().contains("\"outcome\":\"done\""), "{}", stopped.log.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endless_guest_does_not_hold_up_the_exit() {
    let host = crate::support::hostile_host(&[], "[limits]\ncpu_ms = 1000").await;
    let spin = host.call_request("h.one", "loop.endless", "{}");
    let call = tokio::spawn(spin.try_send());
    // There is no event of a guest that computes; the call's request line is in the log when it has ended, so the
    // witness' answer has to do: it is sent after the loop's request.
    host.call("h.two", "echo", &json!(1)).await.expect(200);
    let stopped = host.terminate().await;
    assert_eq!(stopped.status.code(), Some(0), "{}", stopped.log.text());
    let _ = call.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn readiness_ends_with_the_signal_while_health_goes_on() {
    let Docked { host, sim } = docked().await;
    let ready = host.admin(http::Method::GET, "/readyz").send().await;
    assert_eq!(ready.expect(200)["ready"], true);
    sim.faults().add(Rule::new(parse("latency=1500")).operation(ONE));
    let request = host.call_request(LINK, ONE, in_wire_order(&fixtures::talk_one(1)));
    let call = tokio::spawn(request.send());
    sim.wait_until(|counters| counters.requests_of(ONE) == 1).await.unwrap();
    host.signal(Signal::TERM);
    host.until_logged("the drain", |log| log.contains("draining")).await;
    if let Ok(answer) = host.admin(http::Method::GET, "/readyz").try_send().await {
        assert_eq!(answer.status, 503, "{}", answer.text());
    }
    assert_eq!(host.ended().await.status.code(), Some(0));
    call.await.unwrap().expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_is_taken_is_said_and_ends_with_1() {
    let docked = docked().await;
    let taken = docked.host.api_address();
    let setup = duijie_tests::harness::Setup::new();
    // The harness listens on port 0; this host must not.
    setup.run(&["check"]);
    let config = setup.root().join("duijie.toml");
    let text =
        std::fs::read_to_string(&config).unwrap().replace("api = \"127.0.0.1:0\"", &format!("api = \"{taken}\""));
    let other = setup.root().join("taken.toml");
    std::fs::write(&other, text).unwrap();
    let run = setup.run(&["serve", "--config", "taken.toml"]).expect_code(1);
    assert!(run.stderr.contains(&taken.to_string()), "{}", run.stderr);
}
