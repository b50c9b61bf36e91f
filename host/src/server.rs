//! The HTTP server: an accept loop of our own for each listener, since what comes with the router has no bound on
//! slow clients. Bounded: connections in all and per peer, time for a head, idle time, a stalled write, and the drain.
//! The only part of the host that knows HTTP statuses.

pub(crate) mod admin;
pub(crate) mod api;
pub(crate) mod auth;
mod body;
mod connection;
mod front;
mod hooks;
mod inputs;
mod openapi;
mod peers;
mod problem;
mod reading;
mod source;
mod stream;

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::{Instant, sleep, timeout_at},
};

use self::peers::Peers;
use crate::shutdown::Drain;

/// How long accepting rests when the process is out of file descriptors or memory.
const ACCEPT_REST: Duration = Duration::from_millis(200);

/// Bounds of one listener.
#[derive(Debug, Clone)]
pub(crate) struct ServeOptions {
    /// The listener's name in metrics and logs.
    pub(crate) listener: &'static str,
    /// Open connections; more wait in the kernel's backlog.
    pub(crate) connections_max: usize,
    /// Open connections of one peer address; more are closed at once, so that one peer cannot take all.
    pub(crate) connections_per_peer_max: usize,
    /// From the first byte of a request (or from connecting) to the end of its head.
    pub(crate) header_timeout: Duration,
    /// Between two requests of a connection.
    pub(crate) idle_timeout: Duration,
    /// How long a client may take none of an answer's bytes.
    pub(crate) write_timeout: Duration,
    /// From the shutdown signal to the cut.
    pub(crate) grace: Duration,
}

impl ServeOptions {
    /// The defaults, for a listener of this name.
    pub(crate) fn new(listener: &'static str) -> Self {
        Self {
            listener,
            connections_max: 4096,
            connections_per_peer_max: 2048,
            header_timeout: Duration::from_secs(5),
            idle_timeout: Duration::from_secs(75),
            write_timeout: Duration::from_secs(30),
            grace: Duration::from_secs(30),
        }
    }
}

/// The address a request came from, as an extension of the request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// How a drain ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Drained {
    /// Connections that finished what they were doing.
    pub(crate) finished: usize,
    /// Connections that were cut, with a request under way.
    pub(crate) cut: usize,
}

/// Serves until the signal, then lets requests under way finish, at most for the grace time.
pub(crate) async fn serve(listener: TcpListener, router: Router, options: &ServeOptions, mut drain: Drain) -> Drained {
    let router = front::around(router, options.listener);
    let peers = Arc::new(Peers::new(options.connections_per_peer_max));
    let mut connections = JoinSet::new();
    let mut signal = drain.clone();
    loop {
        tokio::select! {
            biased;
            () = signal.wait() => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            accepted = listener.accept(), if connections.len() < options.connections_max => match accepted {
                Ok((stream, peer)) => take(&mut connections, stream, peer, &peers, &router, options, &drain),
                Err(error) => rest(&error, options.listener, &mut drain).await,
            },
        }
    }
    drop(listener);
    finish(connections, options).await
}

fn take(
    connections: &mut JoinSet<()>,
    stream: TcpStream,
    peer: SocketAddr,
    peers: &Arc<Peers>,
    router: &Router,
    options: &ServeOptions,
    drain: &Drain,
) {
    let listener = options.listener;
    let Some(slot) = peers.enter(peer.ip()) else {
        metrics::counter!("duijie_http_connections_refused_total", "listener" => listener).increment(1);
        return;
    };
    // Answers are small and written whole: waiting for more to send would only add delay. Refused only by a socket
    // that is already dead.
    let _ = stream.set_nodelay(true);
    let (router, options, drain) = (router.clone(), options.clone(), drain.clone());
    let open = metrics::gauge!("duijie_http_connections", "listener" => listener);
    connections.spawn(async move {
        let _slot = slot;
        open.increment(1.0);
        // Dropped with the task, also when the task is aborted.
        let _open = Closing(open);
        connection::run(stream, peer, router, &options, drain).await;
    });
}

/// Counts a connection as closed when dropped.
struct Closing(metrics::Gauge);

impl Drop for Closing {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}

/// A client that went away before it was accepted is nobody's trouble; out of descriptors or memory, trying again at
/// once would spin.
async fn rest(error: &io::Error, listener: &'static str, drain: &mut Drain) {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    if matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted) {
        return;
    }
    tracing::warn!(listener, %error, "accepting failed; resting");
    metrics::counter!("duijie_http_accept_errors_total", "listener" => listener).increment(1);
    tokio::select! {
        () = sleep(ACCEPT_REST) => {}
        () = drain.wait() => {}
    }
}

async fn finish(mut connections: JoinSet<()>, options: &ServeOptions) -> Drained {
    let open = connections.len();
    let end = Instant::now() + options.grace;
    tracing::info!(listener = options.listener, open, grace_ms = options.grace.as_millis(), "draining");
    while let Ok(Some(_)) = timeout_at(end, connections.join_next()).await {}
    let cut = connections.len();
    connections.shutdown().await;
    let drained = Drained { finished: open.saturating_sub(cut), cut };
    if cut > 0 {
        tracing::warn!(listener = options.listener, finished = drained.finished, cut, "drained; requests were cut");
    } else {
        tracing::info!(listener = options.listener, finished = drained.finished, "drained");
    }
    drained
}

#[cfg(test)]
pub(crate) mod tests;
