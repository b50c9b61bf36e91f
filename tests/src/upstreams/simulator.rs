//! The handle of a running simulator. Any number may run in one process; dropping one ends it at once.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::exchange::Shared;
use super::faults::Faults;
use super::ledger::{Counters, Entry, Ledger, StillWaiting};
use super::profile::Profile;
use super::server;

/// Why a simulator did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The settings contradict the upstream's rules; says which.
    #[error("{0}")]
    Settings(String),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// As asked for.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
}

/// A running simulator of the upstream `P`.
#[derive(Debug)]
pub struct Simulator<P> {
    address: SocketAddr,
    shared: Arc<Shared<P>>,
    stop: watch::Sender<bool>,
    serving: JoinHandle<()>,
}

impl<P: Profile> Simulator<P> {
    /// Starts a profile on an address; port 0 takes a free one. Needs a Tokio runtime.
    ///
    /// # Errors
    /// [`StartError::Listen`].
    pub async fn start(profile: P, listen: SocketAddr, seed: u64) -> Result<Self, StartError> {
        let refused = |source| StartError::Listen { address: listen, source };
        let listener = TcpListener::bind(listen).await.map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        let shared = Arc::new(Shared { profile, ledger: Ledger::new(), faults: Faults::new(seed) });
        let (stop, stopped) = watch::channel(false);
        let serving = tokio::spawn(server::serve(listener, shared.clone(), stopped));
        Ok(Self { address, shared, stop, serving })
    }

    /// `http://127.0.0.1:PORT`, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The upstream's own state: stored records and the like.
    pub fn profile(&self) -> &P {
        &self.shared.profile
    }

    /// A copy of the counters.
    pub fn counters(&self) -> Counters {
        self.shared.ledger.counters()
    }

    /// The journal in order of arrival.
    pub fn journal(&self) -> Vec<Entry> {
        self.shared.ledger.journal()
    }

    /// The fault rules in force.
    pub fn faults(&self) -> &Faults {
        &self.shared.faults
    }

    /// Revokes all tokens; says how many there were.
    pub fn revoke_tokens(&self) -> usize {
        self.shared.profile.revoke_tokens()
    }

    /// Forgets counters, journal, fault rules, tokens and records.
    pub fn reset(&self) {
        self.shared.reset();
    }

    /// Waits until the counters satisfy `condition`, at most 30 s; returns them.
    ///
    /// # Errors
    /// [`StillWaiting`] with the counters as they stand.
    pub async fn wait_until(&self, condition: impl FnMut(&Counters) -> bool) -> Result<Counters, StillWaiting> {
        self.shared.ledger.wait_until(condition).await
    }
}

impl<P> Simulator<P> {
    /// Stops accepting, lets open answers end for at most 1 s, and returns when the port is free.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        // An error here is a panic in the accept loop, which has then ended as well.
        let _ = (&mut self.serving).await;
    }
}

impl<P> Drop for Simulator<P> {
    fn drop(&mut self) {
        // The accept loop owns the connections: they end with it.
        self.serving.abort();
    }
}
