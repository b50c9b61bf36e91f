//! Against raw TCP peers that misbehave in every way the fault table names.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod peer;
mod tls;
mod wire;

use std::{
    collections::VecDeque,
    io,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use super::*;
use crate::capability::http::policy::{Origin, request::check_header};
use peer::{Peer, answer};

/// A body that says whether it was sent.
const BODY: &[u8] = b"{\"recordId\":\"T20240001\"}";

fn outlet(pool: &ClientPool, origin: &str, cidrs: &[&str]) -> Outlet {
    let origin: Origin = origin.parse().unwrap();
    let rule = AllowRule::new(origin, cidrs.iter().map(|net| net.parse().unwrap()));
    pool.outlet(&Egress::new([rule]), None).unwrap()
}

/// A link that may talk to this peer.
fn to(peer: &Peer) -> Outlet {
    outlet(&ClientPool::new(), &peer.origin(), &[])
}

fn request_to(method: &str, url: &str, body: &'static [u8]) -> Outgoing {
    Outgoing {
        method: method.parse().unwrap(),
        url: Url::parse(url).unwrap(),
        headers: Vec::new(),
        body: Bytes::from_static(body),
        deadline: Instant::now() + Duration::from_secs(10),
        response_max: 1 << 20,
    }
}

fn post(peer: &Peer) -> Outgoing {
    request_to("POST", &format!("{}/records?x=1", peer.origin()), BODY)
}

fn get(peer: &Peer) -> Outgoing {
    request_to("GET", &format!("{}/records", peer.origin()), b"")
}

fn soon() -> Instant {
    Instant::now() + Duration::from_millis(300)
}

/// Answers each lookup with the next list; the last one again and again.
struct Scripted(Mutex<VecDeque<Vec<&'static str>>>);

impl Lookup for Scripted {
    fn lookup(&self, _: &str) -> lookup::Looking {
        let mut script = self.0.lock();
        let found = if script.len() > 1 { script.pop_front().unwrap() } else { script[0].clone() };
        Box::pin(std::future::ready(Ok(found.iter().map(|ip| SocketAddr::new(ip.parse().unwrap(), 9)).collect())))
    }
}

fn scripted<const N: usize>(script: [&[&'static str]; N]) -> ClientPool {
    ClientPool::with_lookup(Arc::new(Scripted(Mutex::new(script.iter().map(|found| found.to_vec()).collect()))))
}

struct Failing;

impl Lookup for Failing {
    fn lookup(&self, _: &str) -> lookup::Looking {
        Box::pin(std::future::ready(Err(io::Error::other("no such host"))))
    }
}

#[tokio::test]
async fn an_origin_that_is_not_listed_is_not_connected_to() {
    let (listed, other) = (Peer::answering("listed").await, Peer::answering("other").await);
    let error = to(&listed).send(post(&other)).await.unwrap_err();
    assert!(matches!(error, SendError { kind: Fault::Denied(Denied::Origin(_)), sent: false }));
    assert_eq!((listed.connections(), other.connections()), (0, 0));
}

#[tokio::test]
async fn a_name_at_a_denied_address_is_not_connected_to() {
    let peer = Peer::answering("inside").await;
    let origin = format!("http://localhost:{}", peer.port());
    let link = outlet(&ClientPool::new(), &origin, &[]);
    let error = link.send(request_to("POST", &origin, BODY)).await.unwrap_err();
    let SendError { kind: Fault::Denied(denied), sent: false } = error else { panic!("{error:?}") };
    assert!(denied.to_string().contains("loopback"), "{denied}");
    assert_eq!(peer.connections(), 0);
    // And is when the rule lists it.
    let link = outlet(&ClientPool::new(), &origin, &["127.0.0.0/8", "::1/128"]);
    assert_eq!(link.send(request_to("POST", &origin, BODY)).await.unwrap().body, b"inside");
}

#[tokio::test]
async fn only_admitted_addresses_of_a_name_are_dialled() {
    let peer = Peer::answering("yes").await;
    let origin = format!("http://upstream.example.cn:{}", peer.port());
    let pool = scripted([&["169.254.169.254", "10.0.0.1", "::1", "127.0.0.1"]]);
    let link = outlet(&pool, &origin, &["127.0.0.0/8"]);
    assert_eq!(link.send(request_to("GET", &origin, b"")).await.unwrap().body, b"yes");
    assert_eq!(peer.connections(), 1);
}

#[tokio::test]
async fn a_name_that_is_rebound_is_judged_again() {
    let peer = Peer::closing("once").await;
    let origin = format!("http://upstream.example.cn:{}", peer.port());
    let pool = scripted([&["127.0.0.1"], &["127.0.0.2"], &["::ffff:169.254.169.254"]]);
    let link = outlet(&pool, &origin, &["127.0.0.1/32"]);
    assert!(link.send(request_to("POST", &origin, BODY)).await.is_ok());
    for _ in 0..2 {
        let error = link.send(request_to("POST", &origin, BODY)).await.unwrap_err();
        assert!(matches!(error, SendError { kind: Fault::Denied(_), sent: false }), "{error:?}");
    }
    assert_eq!(peer.connections(), 1);
}

#[tokio::test]
async fn a_name_that_does_not_resolve() {
    let link = outlet(&ClientPool::with_lookup(Arc::new(Failing)), "https://upstream.example.cn", &[]);
    for body in [BODY, b""] {
        let error =
            link.send(request_to("POST", "https://upstream.example.cn/x?secret=s3cret", body)).await.unwrap_err();
        assert_eq!(error, SendError { kind: Fault::Dns("no such host".into()), sent: false });
    }
    let link = outlet(&scripted([&[]]), "https://upstream.example.cn", &[]);
    let error = link.send(request_to("GET", "https://upstream.example.cn", b"")).await.unwrap_err();
    assert!(matches!(error, SendError { kind: Fault::Dns(_), sent: false }));
}

#[tokio::test]
async fn a_lookup_that_hangs_is_cut_by_the_deadline() {
    struct Hanging;
    impl Lookup for Hanging {
        fn lookup(&self, _: &str) -> lookup::Looking {
            Box::pin(std::future::pending())
        }
    }
    let link = outlet(&ClientPool::with_lookup(Arc::new(Hanging)), "http://upstream.example.cn", &[]);
    let request = Outgoing { deadline: soon(), ..request_to("POST", "http://upstream.example.cn/", BODY) };
    assert_eq!(link.send(request).await.unwrap_err(), SendError { kind: Fault::Timeout, sent: false });
}

#[tokio::test]
async fn connections_are_kept_and_shared_under_one_rule_only() {
    let peer = Peer::answering("ok").await;
    let pool = ClientPool::new();
    let (one, same) = (outlet(&pool, &peer.origin(), &[]), outlet(&pool, &peer.origin(), &[]));
    for link in [&one, &one, &same] {
        assert!(link.send(post(&peer)).await.is_ok());
        assert!(link.send(get(&peer)).await.is_ok());
    }
    assert_eq!(peer.connections(), 1);
    let other = outlet(&pool, &peer.origin(), &["10.0.0.0/8"]);
    assert!(other.send(post(&peer)).await.is_ok());
    assert_eq!(peer.connections(), 2, "another policy, another connection");
    assert_eq!(pool.clients.lock().len(), 2);
    drop((one, same));
    // What no link holds is forgotten when the next one is made.
    let _next = outlet(&pool, "http://127.0.0.1:9", &[]);
    assert_eq!(pool.clients.lock().len(), 2);
}

#[tokio::test]
async fn a_connection_that_was_closed_while_idle_is_replaced() {
    let peer = Peer::closing("ok").await;
    let link = to(&peer);
    for count in 1..=3 {
        assert!(link.send(post(&peer)).await.is_ok());
        assert_eq!(peer.connections(), count);
    }
}

/// The library reads no proxy from the environment; the variables are set for a child that runs another of these tests.
#[tokio::test]
async fn a_proxy_in_the_environment_is_ignored() {
    let proxy = Peer::answering("proxied").await;
    let test = format!("{}::wire::a_request_reaches_its_peer", module_path!().split_once("::").unwrap().1);
    let mut child = tokio::process::Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", &test]);
    for name in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        child.env(name, proxy.origin());
    }
    let done = child.env_remove("NO_PROXY").env_remove("no_proxy").output().await.unwrap();
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(done.status.success() && said.contains("1 passed"), "{said}");
    assert_eq!(proxy.connections(), 0);
}

#[test]
fn a_body_called_back_in_time_is_never_sent() {
    let poll = |body: &mut Outbound| {
        let polled = hyper::body::Body::poll_frame(
            std::pin::Pin::new(body),
            &mut std::task::Context::from_waker(std::task::Waker::noop()),
        );
        matches!(polled, std::task::Poll::Ready(Some(Ok(_))))
    };
    let data = Bytes::from_static(BODY);
    let departure = Departure::of(&data);
    let mut body = Outbound::new(data.clone(), departure.clone());
    assert!(!departure.settle(false) && !departure.settle(true));
    assert!(!poll(&mut body), "after a no, nothing leaves");
    let departure = Departure::of(&data);
    let mut body = Outbound::new(data, departure.clone());
    assert!(poll(&mut body));
    assert!(departure.settle(false));
    let none = Departure::of(&Bytes::new());
    assert!(none.settle(false) && !none.settle(true));
}

#[test]
fn a_rule_for_the_right_address_is_not_enough_for_a_literal() {
    // What the library would dial without asking the resolver is judged with the URL.
    let ip: IpAddr = "127.0.0.1".parse().unwrap();
    let rule = AllowRule::new("https://upstream.example.cn".parse().unwrap(), [ip.into()]);
    let egress = Egress::new([rule]);
    assert!(egress.admit_url(&Url::parse("https://127.0.0.1/").unwrap()).is_err());
}

#[tokio::test]
async fn too_many_headers_are_refused_before_anything_is_sent() {
    let peer = Peer::answering("ok").await;
    let headers = (0..65).map(|n| check_header(&format!("x-{n}"), b"v").unwrap()).collect();
    let error = to(&peer).send(Outgoing { headers, ..post(&peer) }).await.unwrap_err();
    assert!(matches!(error, SendError { kind: Fault::Invalid(_), sent: false }));
    assert_eq!(peer.connections(), 0);
}
