//! One connection from accept to close: HTTP/1.1 by hyper with every bound written out, a graceful end on the drain
//! signal, and a lingering close, so that a client still sending reads its answer instead of a reset.

use std::{
    convert::Infallible,
    future::poll_fn,
    net::SocketAddr,
    pin::{Pin, pin},
    time::Duration,
};

use axum::{Router, body::Body};
use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tower::Service;

use super::{
    Peer, ServeOptions,
    stream::{Guarded, HeadAwaited},
};
use crate::shutdown::Drain;

/// Headers of one request.
const HEADERS_MAX: usize = 100;
/// Bytes of one request's head, and of what is read ahead of a body.
const READ_BUFFER_MAX: usize = 64 << 10;
/// How long a client may go on sending after its answer.
const LINGER: Duration = Duration::from_secs(1);
/// How much of that is read and thrown away.
const LINGER_BYTES_MAX: usize = 4 << 20;

/// Serves the connection to its end.
pub(super) async fn run(stream: TcpStream, peer: SocketAddr, router: Router, options: &ServeOptions, mut drain: Drain) {
    let awaited = HeadAwaited::new();
    let io = TokioIo::new(Guarded::new(stream, awaited.clone(), options.header_timeout, options.write_timeout));
    let service = service_fn(move |request: Request<Incoming>| {
        awaited.set(false);
        let awaited = awaited.clone();
        let mut router = router.clone();
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(Peer(peer));
        async move {
            let response = router.call(request).await;
            awaited.set(true);
            Ok::<_, Infallible>(match response {
                Ok(response) => response,
                Err(never) => match never {},
            })
        }
    });
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        // Hyper's clock runs while a connection is idle, too; the shorter one for a head is the stream's.
        .header_read_timeout(options.idle_timeout.max(options.header_timeout))
        .max_headers(HEADERS_MAX)
        .max_buf_size(READ_BUFFER_MAX)
        .half_close(false)
        .serve_connection(io, service);

    let ended = {
        let mut signal = pin!(drain.wait());
        let mut draining = false;
        poll_fn(|cx| {
            if !draining && signal.as_mut().poll(cx).is_ready() {
                draining = true;
                Pin::new(&mut connection).graceful_shutdown();
            }
            connection.poll_without_shutdown(cx)
        })
        .await
    };
    // Any other error is a client that went away or was too slow: nothing was answered, nobody waits.
    if ended.is_ok() || ended.is_err_and(|error| error.is_parse()) {
        linger(connection.into_parts().io.into_inner().into_inner()).await;
    }
}

/// Closing a socket that has unread bytes resets it, and a reset may overtake the answer.
async fn linger(mut stream: TcpStream) {
    if stream.shutdown().await.is_err() {
        return;
    }
    let rest = async {
        // On the heap: a future is as large as its largest moment, for every connection.
        let mut waste = vec![0; 8192];
        let mut left = LINGER_BYTES_MAX;
        while let Ok(read @ 1..) = stream.read(&mut waste).await {
            left = match left.checked_sub(read) {
                Some(left) => left,
                None => return,
            };
        }
    };
    // Running out of time is as good an end as any.
    let _ = timeout(LINGER, rest).await;
}
