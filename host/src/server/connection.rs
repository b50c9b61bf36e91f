//! One connection from accept to close: HTTP/1.1 by hyper with every bound written out, and a graceful end on the drain
//! signal. HTTP/2 is not offered, and with it none of its floods.

use std::{convert::Infallible, future::poll_fn, net::SocketAddr, pin::pin};

use axum::{Router, body::Body};
use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tower::Service;

use super::{
    Peer, ServeOptions,
    stream::{Guarded, HeadAwaited},
};
use crate::shutdown::Drain;

/// Headers of one request.
const HEADERS_MAX: usize = 100;
/// Bytes of one request's head, and of what is read ahead of a body; hyper may take one read more.
const READ_BUFFER_MAX: usize = 64 << 10;

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
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        // Hyper's clock runs while a connection is idle, too; the shorter one for a head is the stream's.
        .header_read_timeout(options.idle_timeout.max(options.header_timeout))
        .max_headers(HEADERS_MAX)
        .max_buf_size(READ_BUFFER_MAX)
        .half_close(false)
        .serve_connection(io, service);

    let mut connection = pin!(connection);
    let mut signal = pin!(drain.wait());
    let mut draining = false;
    let ended = poll_fn(|cx| {
        if !draining && signal.as_mut().poll(cx).is_ready() {
            draining = true;
            connection.as_mut().graceful_shutdown();
        }
        connection.as_mut().poll(cx)
    })
    .await;
    // The client's doing: it went away, was too slow or spoke no HTTP, and was answered where it could be.
    if let Err(error) = ended {
        tracing::trace!(listener = options.listener, %error, "connection ended");
    }
}
