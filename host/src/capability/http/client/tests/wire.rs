//! What goes over the wire, what comes back, and what is known when nothing does.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::mpsc,
};

use super::{peer::read_request, *};

#[tokio::test]
async fn a_request_reaches_its_peer() {
    let (seen, mut requests) = mpsc::channel(4);
    let peer = Peer::doing(move |mut stream| {
        let seen = seen.clone();
        async move {
            while let Some(request) = read_request(&mut stream).await {
                seen.send(request).await.unwrap();
                answer(&mut stream, "201 Created", "X-One: a\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n", "ja").await;
            }
        }
    })
    .await;
    let link = to(&peer);
    let headers = vec![check_header("X-Signature", b"abc").unwrap(), check_header("x-two", "谈心".as_bytes()).unwrap()];
    let incoming = link.send(Outgoing { headers, ..post(&peer) }).await.unwrap();
    assert_eq!((incoming.status, incoming.body.as_slice()), (201, b"ja".as_slice()));
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let want = [pair("x-one", "a"), pair("set-cookie", "a=1"), pair("set-cookie", "b=2"), pair("content-length", "2")];
    assert_eq!(incoming.headers, want);

    let request = requests.recv().await.unwrap();
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    assert_eq!(body.as_bytes(), BODY);
    let mut lines: Vec<_> = head.lines().collect();
    assert_eq!(lines.remove(0), "POST /records?x=1 HTTP/1.1");
    lines.sort_unstable();
    let (agent, host) = (format!("user-agent: {USER_AGENT}"), format!("host: 127.0.0.1:{}", peer.port()));
    let length = format!("content-length: {}", BODY.len());
    let mut want = vec!["accept: */*", &length, &host, &agent, "x-signature: abc", "x-two: 谈心"];
    want.sort_unstable();
    assert_eq!(lines, want, "nothing else: no cookie, no referer, no accept-encoding");

    // The cookie that was set does not come back; a body that is empty is said to be only where one is expected.
    link.send(get(&peer)).await.unwrap();
    let request = requests.recv().await.unwrap();
    assert!(!request.contains("cookie") && !request.contains("content-length"), "{request}");
    link.send(Outgoing { body: Bytes::new(), ..post(&peer) }).await.unwrap();
    assert!(requests.recv().await.unwrap().contains("content-length: 0\r\n"));
}

#[tokio::test]
async fn redirects_are_answers() {
    let target = Peer::answering("followed").await;
    let location = format!("Location: {}/x\r\n", target.origin());
    let link_peer = Peer::writing(format!("HTTP/1.1 302 Found\r\n{location}Content-Length: 0\r\n\r\n")).await;
    // Even to an origin that the link may reach.
    let rules = [link_peer.origin(), target.origin()].map(|origin| AllowRule::new(origin.parse().unwrap(), []));
    let link = ClientPool::new().outlet(&Egress::new(rules), None).unwrap();
    let incoming = link.send(get(&link_peer)).await.unwrap();
    assert_eq!(incoming.status, 302);
    assert!(incoming.headers.iter().any(|(name, value)| name == "location" && value.ends_with("/x")));
    assert_eq!(target.connections(), 0);
}

#[tokio::test]
async fn bodies_are_as_received() {
    let gzip = b"\x1f\x8b\x08\x00 not really";
    let head =
        format!("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nX-Bad: \u{fe}\r\nContent-Length: {}\r\n\r\n", gzip.len());
    let mut bytes: Vec<u8> = head.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    bytes.extend(gzip);
    let peer = Peer::writing(bytes).await;
    let incoming = to(&peer).send(get(&peer)).await.unwrap();
    assert_eq!(incoming.body, gzip);
    assert!(incoming.headers.iter().all(|(name, _)| name != "x-bad"), "not UTF-8: left out");
}

#[tokio::test]
async fn errors_of_the_upstream_are_answers() {
    for status in [204, 400, 401, 407, 429, 500, 503] {
        let peer = Peer::writing(format!("HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n")).await;
        assert_eq!(to(&peer).send(post(&peer)).await.unwrap().status, status);
    }
}

#[tokio::test]
async fn nobody_there() {
    // Bound and not listened on: nobody else can take the port meanwhile.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let origin = format!("http://{}", socket.local_addr().unwrap());
    let link = outlet(&ClientPool::new(), &origin, &[]);
    for (method, body) in [("POST", BODY), ("POST", b""), ("GET", b"")] {
        let error = link.send(request_to(method, &format!("{origin}/?secret=s3cret"), body)).await.unwrap_err();
        assert!(!error.to_string().contains("s3cret"), "{error}");
        assert!(matches!(error, SendError { kind: Fault::Connect(_), sent: false }), "{error:?}");
    }
}

/// Never "not sent" for a request that the peer has read, nor the other way round; often, because it is a race.
#[tokio::test]
async fn a_connection_that_is_reset_after_the_request_was_read() {
    let peer = Peer::doing(|mut stream| async move {
        read_request(&mut stream).await.unwrap();
        reset(stream);
    })
    .await;
    let link = to(&peer);
    for _ in 0..200 {
        for request in [post(&peer), get(&peer)] {
            let error = link.send(request).await.unwrap_err();
            assert!(matches!(error, SendError { kind: Fault::Reset(_), sent: true }), "{error:?}");
        }
    }
    assert_eq!(peer.connections(), 400, "nothing is repeated");
}

#[tokio::test]
async fn a_connection_that_is_reset_before_anything_was_read() {
    let peer = Peer::doing(|stream| async move { reset(stream) }).await;
    let link = to(&peer);
    for _ in 0..50 {
        let error = link.send(post(&peer)).await.unwrap_err();
        // It may have left or not; the kind is certain.
        assert!(matches!(error.kind, Fault::Reset(_) | Fault::Connect(_)), "{error:?}");
    }
}

#[tokio::test]
async fn a_connection_that_breaks_within_the_answer() {
    for cut in [
        "HTTP/1.1 200 OK\r\nContent-Le",
        "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nten bytes.",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
        "",
    ] {
        for rude in [false, true] {
            let peer = Peer::doing(move |mut stream| async move {
                read_request(&mut stream).await;
                let _ = stream.write_all(cut.as_bytes()).await;
                if rude {
                    reset(stream);
                }
            })
            .await;
            let error = to(&peer).send(post(&peer)).await.unwrap_err();
            assert!(matches!(error, SendError { kind: Fault::Reset(_), sent: true }), "{cut:?} {error:?}");
        }
    }
}

#[tokio::test]
async fn peers_that_are_slow_or_silent_meet_the_deadline() {
    async fn drip(stream: &mut TcpStream, text: &str) {
        for byte in text.bytes().cycle() {
            if stream.write_all(&[byte]).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    let silent = Peer::doing(|mut stream| async move { drain(&mut stream).await }).await;
    let never_reads = Peer::doing(|stream| async move {
        let _held = stream;
        std::future::pending().await
    })
    .await;
    let slow_head = Peer::doing(|mut stream| async move {
        read_request(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\nX-Long: ").await.unwrap();
        drip(&mut stream, "a").await;
    })
    .await;
    let slow_body = Peer::doing(|mut stream| async move {
        read_request(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").await.unwrap();
        drip(&mut stream, "1\r\na\r\n").await;
    })
    .await;
    let flood = Peer::doing(|mut stream| async move {
        read_request(&mut stream).await;
        while stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await.is_ok() {}
    })
    .await;
    static LARGE: [u8; 4 << 20] = [b'x'; 4 << 20];
    for (peer, body) in
        [(&silent, BODY), (&never_reads, &LARGE), (&slow_head, BODY), (&slow_body, BODY), (&flood, BODY)]
    {
        let (begun, deadline) = (Instant::now(), soon());
        let request = Outgoing { deadline, body: Bytes::from_static(body), ..post(peer) };
        assert_eq!(to(peer).send(request).await.unwrap_err(), SendError { kind: Fault::Timeout, sent: true });
        let over = begun.elapsed().saturating_sub(Duration::from_millis(300));
        assert!(over < Duration::from_millis(700), "{over:?} over the deadline");
    }
}

#[tokio::test]
async fn a_deadline_that_is_over_sends_nothing() {
    let peer = Peer::answering("ok").await;
    for request in [post(&peer), get(&peer)] {
        let request = Outgoing { deadline: Instant::now(), ..request };
        let error = to(&peer).send(request).await.unwrap_err();
        assert_eq!(error, SendError::before(Fault::Timeout));
    }
    assert_eq!(peer.connections(), 0);
}

#[tokio::test]
async fn bodies_are_cut_at_the_cap() {
    let endless = Peer::doing(|mut stream| async move {
        read_request(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").await.unwrap();
        let chunk = format!("4000\r\n{}\r\n", "x".repeat(0x4000));
        while stream.write_all(chunk.as_bytes()).await.is_ok() {}
    })
    .await;
    let until_close = Peer::doing(|mut stream| async move {
        read_request(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
        while stream.write_all(&[b'x'; 1 << 14]).await.is_ok() {}
    })
    .await;
    let liar = Peer::doing(|mut stream| async move {
        read_request(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999\r\n\r\nx").await.unwrap();
        std::future::pending().await
    })
    .await;
    for peer in [&endless, &until_close, &liar] {
        let error = to(peer).send(Outgoing { response_max: 100_000, ..post(peer) }).await.unwrap_err();
        assert_eq!(error, SendError { kind: Fault::TooLarge(100_000), sent: true });
    }
    let exact = Peer::answering("0123456789").await;
    let link = to(&exact);
    assert_eq!(link.send(Outgoing { response_max: 10, ..post(&exact) }).await.unwrap().body.len(), 10);
    assert!(link.send(Outgoing { response_max: 9, ..post(&exact) }).await.is_err());
}

#[tokio::test]
async fn the_length_of_a_body_that_is_not_sent_is_no_length() {
    let peer = Peer::writing("HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n").await;
    let request = request_to("HEAD", &peer.origin(), b"");
    assert_eq!(to(&peer).send(request).await.unwrap().body, b"");
}

#[tokio::test]
async fn what_is_not_http_is_said_to_be_so() {
    let long_head = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(10 << 20));
    let many = format!("HTTP/1.1 200 OK\r\n{}Content-Length: 0\r\n\r\n", "X: y\r\n".repeat(1_000));
    for bytes in [
        "SSH-2.0-OpenSSH_9.2\r\n",
        "<html>no head at all</html>",
        "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\r\n\r\n",
        "HTTP/1.1 20 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "HTTP/1.1 200 OK\r\nBad Header: x\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
        &long_head,
        &many,
    ] {
        let peer = Peer::writing(bytes).await;
        let error = to(&peer).send(post(&peer)).await.unwrap_err();
        let begin: String = bytes.chars().take(60).collect();
        assert!(matches!(error, SendError { kind: Fault::Protocol(_), sent: true }), "{begin:?} {error:?}");
    }
}

async fn drain(stream: &mut TcpStream) {
    let mut buffer = vec![0; 1 << 16];
    while stream.read(&mut buffer).await.unwrap_or(0) > 0 {}
}

/// Closes with RST rather than FIN.
fn reset(stream: TcpStream) {
    stream.set_zero_linger().unwrap();
}
