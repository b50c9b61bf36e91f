//! The accept loop and the life of one connection. Never looks at a request; [`super::exchange`] does.
//! Bounds: 1024 connections, 30 s for a request's headers, 1 s for open answers after a stop.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::exchange::{self, Shared};
use super::profile::Profile;
use super::wire::{Line, Wire};

const CONNECTIONS_MAX: usize = 1024;
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);
const DRAIN_MAX: Duration = Duration::from_secs(1);

/// Serves until `stop` turns true and every connection has ended.
pub(super) async fn serve<P: Profile>(listener: TcpListener, shared: Arc<Shared<P>>, mut stop: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    let stopped = stop.clone();
    loop {
        tokio::select! {
            _ = stop.wait_for(|stopped| *stopped) => break,
            _ = connections.join_next(), if !connections.is_empty() => {}
            accepted = listener.accept(), if connections.len() < CONNECTIONS_MAX => {
                // A failed accept is a connection that went away while queued: nothing to serve.
                if let Ok((stream, _)) = accepted {
                    shared.ledger.count(|counters| counters.connections_accepted += 1);
                    connections.spawn(connection(stream, shared.clone(), stopped.clone()));
                }
            }
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn connection<P: Profile>(stream: TcpStream, shared: Arc<Shared<P>>, stop: watch::Receiver<bool>) {
    // Without it the end of a small reply waits for the peer's delayed acknowledgement; tests would measure that.
    let _ = stream.set_nodelay(true);
    let line = Arc::new(Line::default());
    let io = TokioIo::new(Wire::new(stream, line.clone()));
    let service = service_fn(|request| {
        let (shared, line, stop) = (shared.clone(), line.clone(), stop.clone());
        async move { Ok::<_, Infallible>(exchange::answer(shared, request, line, stop).await) }
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT);
    let mut serving = pin!(builder.serve_connection(io, service));
    let mut stop = stop.clone();
    tokio::select! {
        biased;
        _ = serving.as_mut() => return,
        () = line.cut_asked() => return,
        _ = stop.wait_for(|stopped| *stopped) => {}
    }
    serving.as_mut().graceful_shutdown();
    tokio::select! {
        biased;
        _ = serving => {}
        () = line.cut_asked() => {}
        () = tokio::time::sleep(DRAIN_MAX) => {}
    }
}
