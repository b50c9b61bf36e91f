//! The server over real sockets: its bounds, and how it ends.

pub(crate) mod guest;
pub(super) mod harness;
pub(crate) mod queue;

use std::future::pending;

use axum::routing::{get, post};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::{Notify, mpsc},
    time::timeout,
};

use self::harness::{Host, LONG, Reply};
use super::*;

fn quick() -> ServeOptions {
    ServeOptions { header_timeout: Duration::from_millis(400), ..ServeOptions::new("test") }
}

fn hello() -> Router {
    Router::new().route("/hello", get(|| async { "hello" }))
}

/// Closed by the server without a word.
async fn closed(stream: &mut TcpStream) {
    let mut bytes = Vec::new();
    let _ = timeout(LONG, stream.read_to_end(&mut bytes)).await.expect("the server does not close");
    assert!(bytes.is_empty(), "{bytes:?}");
}

#[tokio::test]
async fn a_client_that_says_nothing_is_closed() {
    let host = Host::start(hello(), quick()).await;
    closed(&mut host.connect().await).await;
}

#[tokio::test]
async fn a_head_that_drips_is_closed_however_steadily_it_drips() {
    let host = Host::start(hello(), quick()).await;
    let (mut read, mut write) = host.connect().await.into_split();
    let dripping = tokio::spawn(async move {
        write.write_all(b"GET /hello HTTP/1.1\r\n").await.unwrap();
        while write.write_all(b"x-a: b\r\n").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    let mut bytes = Vec::new();
    let _ = timeout(LONG, read.read_to_end(&mut bytes)).await.expect("the server does not close");
    assert!(bytes.is_empty(), "{bytes:?}");
    timeout(LONG, dripping).await.expect("the server does not close").unwrap();
}

#[tokio::test]
async fn a_used_connection_may_idle_longer_than_a_head_may_take_and_not_for_ever() {
    let options = ServeOptions { idle_timeout: Duration::from_millis(2500), ..quick() };
    let host = Host::start(hello(), options).await;
    let mut stream = host.connect().await;
    let mut answer = [0; 1024];
    for _ in 0..2 {
        stream.write_all(b"GET /hello HTTP/1.1\r\nhost: t\r\n\r\n").await.unwrap();
        assert!(timeout(LONG, stream.read(&mut answer)).await.unwrap().unwrap() > 0, "closed while idle");
        tokio::time::sleep(Duration::from_millis(700)).await;
    }
    // Half a head after an idle time is a head again.
    stream.write_all(b"GET /hello HTTP/1.1\r\n").await.unwrap();
    closed(&mut stream).await;

    let mut idle = host.connect().await;
    idle.write_all(b"GET /hello HTTP/1.1\r\nhost: t\r\n\r\n").await.unwrap();
    assert!(timeout(LONG, idle.read(&mut answer)).await.unwrap().unwrap() > 0);
    closed(&mut idle).await;
}

#[tokio::test]
async fn an_answer_that_nobody_takes_is_given_up() {
    let large = Router::new().route("/large", get(|| async { vec![b'x'; 64 << 20] }));
    let options =
        ServeOptions { write_timeout: Duration::from_millis(150), connections_max: 1, ..ServeOptions::new("test") };
    let host = Host::start(large, options).await;
    let mut stream = host.connect().await;
    stream.write_all(b"GET /large HTTP/1.1\r\nhost: t\r\n\r\n").await.unwrap();
    // The only place is free again as soon as the first client is given up.
    assert_eq!(timeout(LONG, host.ask("GET /none", &[], "")).await.unwrap().status, 404);
}

#[tokio::test]
async fn more_connections_than_the_cap_wait_their_turn() {
    let host = Host::start(hello(), ServeOptions { connections_max: 1, ..ServeOptions::new("test") }).await;
    let mut first = host.connect().await;
    first.write_all(b"GET /hello HTTP/1.1\r\nhost: t\r\n\r\n").await.unwrap();
    let mut answer = [0; 1024];
    assert!(first.read(&mut answer).await.unwrap() > 0);

    let second = host.ask("GET /hello", &[], "");
    tokio::pin!(second);
    assert!(timeout(Duration::from_millis(200), &mut second).await.is_err(), "answered beyond the cap");
    drop(first);
    assert_eq!(timeout(LONG, second).await.unwrap().status, 200);
}

#[tokio::test]
async fn one_peer_has_no_more_than_its_share() {
    let host = Host::start(hello(), ServeOptions { connections_per_peer_max: 1, ..ServeOptions::new("test") }).await;
    let mut first = host.connect().await;
    first.write_all(b"GET /hello HTTP/1.1\r\nhost: t\r\n\r\n").await.unwrap();
    assert!(first.read(&mut [0; 1024]).await.unwrap() > 0);
    closed(&mut host.connect().await).await;
}

#[tokio::test]
async fn a_drain_finishes_what_is_under_way_and_takes_nothing_new() {
    let (entered, mut entries) = mpsc::channel(1);
    let go = Arc::new(Notify::new());
    let release = go.clone();
    let slow = hello().route(
        "/slow",
        get(move || async move {
            entered.send(()).await.unwrap();
            go.notified().await;
            "done"
        }),
    );
    let host = Host::of(slow).await;
    let mut idle = host.connect().await;
    idle.write_all(b"GET /hello HTTP/1.1\r\nhost: t\r\n\r\n").await.unwrap();
    assert!(idle.read(&mut [0; 1024]).await.unwrap() > 0);
    let mut busy = host.connect().await;
    busy.write_all(b"GET /slow HTTP/1.1\r\nhost: t\r\n\r\n").await.unwrap();
    entries.recv().await.unwrap();

    host.shutdown.begin();
    closed(&mut idle).await;
    let refused = async {
        while TcpStream::connect(host.address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    timeout(LONG, refused).await.expect("still accepting");

    release.notify_one();
    let reply = Reply::read_last(&mut busy).await;
    assert_eq!((reply.status, reply.body.as_str()), (200, "done"));
    assert_eq!(reply.header("connection"), Some("close"));
    assert_eq!(timeout(LONG, host.ended).await.unwrap().unwrap().cut, 0);
}

#[tokio::test]
async fn a_drain_cuts_what_does_not_end_and_says_how_many() {
    let (entered, mut entries) = mpsc::channel(1);
    let never = Router::new().route(
        "/never",
        get(move || async move {
            entered.send(()).await.unwrap();
            pending::<&str>().await
        }),
    );
    let host =
        Host::start(never, ServeOptions { grace: Duration::from_millis(100), ..ServeOptions::new("test") }).await;
    let mut stream = host.connect().await;
    stream.write_all(b"GET /never HTTP/1.1\r\nhost: t\r\n\r\n").await.unwrap();
    entries.recv().await.unwrap();
    host.shutdown.begin();
    assert_eq!(timeout(LONG, host.ended).await.unwrap().unwrap(), Drained { finished: 0, cut: 1 });
    closed(&mut stream).await;
}

#[tokio::test]
async fn an_endless_chunked_body_is_answered_before_it_ends() {
    let limited = Router::new().route(
        "/in",
        post(|body: axum::body::Body| async move {
            body::read(body, 1000, LONG).await.map(|read| read.len().to_string()).map_err(problem::Problem::from)
        }),
    );
    let host = Host::of(limited).await;
    let (mut read, mut write) = host.connect().await.into_split();
    write.write_all(b"POST /in HTTP/1.1\r\nhost: t\r\ntransfer-encoding: chunked\r\n\r\n").await.unwrap();
    let sending = tokio::spawn(async move {
        let chunk = [b"8000\r\n".as_slice(), &[b'x'; 0x8000], b"\r\n"].concat();
        let mut sent = 0;
        while sent < 100 << 20 && write.write_all(&chunk).await.is_ok() {
            sent += chunk.len();
        }
        sent
    });
    let mut answer = Vec::new();
    let mut piece = [0; 4096];
    // The end may be a reset, since this client never stops; the answer has to be there before it.
    while let Ok(read @ 1..) = timeout(LONG, read.read(&mut piece)).await.expect("no answer") {
        answer.extend_from_slice(&piece[..read]);
    }
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 413 ") && answer.contains("urn:duijie:problem:too-large"), "{answer}");
    assert!(timeout(LONG, sending).await.unwrap().unwrap() < 100 << 20, "all of it was taken");
}

#[tokio::test]
async fn what_is_not_http_is_refused_and_closed() {
    let host = Host::of(hello()).await;
    for (request, status) in [
        ("NONSENSE\r\n\r\n".to_owned(), 400),
        ("GET /hello HTTP/1.1\r\nhost: t\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n".to_owned(), 400),
        (format!("GET /hello HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(101)), 431),
        (format!("GET /hello HTTP/1.1\r\nx: {}\r\n\r\n", "y".repeat(1 << 20)), 431),
    ] {
        let mut stream = host.connect().await;
        // Fails where the server closed before it had all.
        let _ = stream.write_all(request.as_bytes()).await;
        assert_eq!(Reply::read_last(&mut stream).await.status, status, "{request:.60}");
    }
}

#[tokio::test]
async fn the_peer_address_is_there_for_handlers() {
    let whoami = Router::new()
        .route("/me", get(|axum::Extension(peer): axum::Extension<Peer>| async move { peer.0.ip().to_string() }));
    assert_eq!(Host::of(whoami).await.ask("GET /me", &[], "").await.body, "127.0.0.1");
}
