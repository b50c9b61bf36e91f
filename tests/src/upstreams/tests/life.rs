//! Starting, serving many at once, stopping.

use super::*;

#[tokio::test]
async fn the_most_requests_at_once_are_counted() {
    let simulator = ZjGxsz::builder().start().await.expect("starts");
    simulator.faults().add(Rule::new(Fault::Hang).times(20));
    let address = simulator.address();
    let calls: Vec<_> = (0..20)
        .map(|_| tokio::spawn(async move { post(address, "POST", "/api/oauth2/token", &[], "").await }))
        .collect();
    simulator.wait_until(|counters| counters.in_flight == 20).await.expect("all arrive");
    calls.iter().for_each(tokio::task::JoinHandle::abort);
    let counters = simulator.wait_until(|counters| counters.in_flight == 0).await.expect("all end");
    assert_eq!((counters.in_flight_max, counters.connections_accepted), (20, 20));
}

#[tokio::test]
async fn many_simulators_live_side_by_side() {
    let mut colleges = Vec::new();
    for _ in 0..8 {
        colleges.push(College::strict().await);
    }
    for (n, college) in colleges.iter().enumerate() {
        college.push_with(Endpoint::One, &fixtures::talk_one(n), &[]).await.expect("an answer");
    }
    for (n, college) in colleges.iter().enumerate() {
        assert_eq!(college.simulator.profile().records().len(), 1);
        assert_eq!(college.stored(&fixtures::talk_one(n)).plaintext, fixtures::talk_one(n).to_string());
    }
}

#[tokio::test]
async fn stop_frees_the_port_and_ends_open_requests() {
    let simulator = ZjGxsz::builder().start().await.expect("starts");
    simulator.faults().add(Rule::new(Fault::Hang));
    let address = simulator.address();
    let open = tokio::spawn(async move { post(address, "POST", "/api/oauth2/token", &[], "").await });
    simulator.wait_until(|counters| counters.in_flight == 1).await.expect("arrives");
    simulator.stop().await;
    assert_eq!(open.await.expect("no panic").expect_err("no answer"), Broken::ClosedBeforeHead);
    let again: Simulator<ZjGxsz> = ZjGxsz::builder().listen(address).start().await.expect("the port is free");
    assert_eq!(again.address(), address);
    assert!(ZjGxsz::builder().listen(address).start().await.is_err(), "and taken again");
}

#[tokio::test]
async fn an_idle_connection_does_not_hold_up_a_stop() {
    let simulator = ZjGxsz::builder().start().await.expect("starts");
    let mut idle = TcpStream::connect(simulator.address()).await.expect("connects");
    idle.write_all(b"GET /_sim/ HTTP/1.1\r\nhost: x\r\n\r\n").await.expect("writes");
    let mut first = [0; 15];
    idle.read_exact(&mut first).await.expect("an answer");
    assert_eq!(&first, b"HTTP/1.1 200 OK");
    let begun = Instant::now();
    simulator.stop().await;
    assert!(begun.elapsed() < Duration::from_millis(900), "kept alive, but idle");
    assert!(idle.read_to_end(&mut Vec::new()).await.is_ok(), "closed, not reset");
}

#[tokio::test]
async fn a_connection_serves_many_requests() {
    let simulator = ZjGxsz::builder().start().await.expect("starts");
    let mut stream = TcpStream::connect(simulator.address()).await.expect("connects");
    for _ in 0..3 {
        stream.write_all(b"POST /nowhere HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n").await.expect("writes");
        let mut head = [0; 12];
        stream.read_exact(&mut head).await.expect("an answer");
        assert_eq!(&head, b"HTTP/1.1 404");
        // The rest of the answer: up to its body, whose last character is a brace.
        while stream.read_u8().await.expect("more") != b'}' {}
    }
    assert_eq!(simulator.counters().connections_accepted, 1);
}

#[tokio::test]
async fn a_wait_that_cannot_come_true_says_what_it_saw() {
    tokio::time::pause();
    let simulator = ZjGxsz::builder().start().await.expect("starts");
    let error = simulator.wait_until(|counters| counters.tokens_issued > 0).await.expect_err("never");
    assert_eq!(error.counters.tokens_issued, 0);
    assert!(error.to_string().starts_with("still waiting after 30 s"));
}

#[tokio::test]
async fn a_request_body_over_the_limit_is_refused() {
    let simulator = ZjGxsz::builder().start().await.expect("starts");
    let body = vec![b' '; 17 * 1024 * 1024];
    // The answer may come before the body is sent, and the connection then ends under the writer.
    let seen = post(simulator.address(), "POST", "/api/oauth2/token", &[], body).await;
    assert!(seen.as_ref().map_or(true, |answer| answer.status == 413), "{seen:?}");
    assert_eq!(simulator.counters().requests_of("token.get"), 0);
}
