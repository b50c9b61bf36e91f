//! Name resolution: the system's, with a bound on how many lookups hang at once.
//!
//! The system's resolver blocks a thread and cannot be called off, so a dead name server would otherwise use up the
//! runtime's blocking threads. It never caches (the system does) and never judges what it finds.
//!
//! Bounded by [`LOOKUPS_MAX`] and [`ADDRESSES_MAX`].

use std::{future::Future, io, net::SocketAddr, pin::Pin, sync::Arc};

use tokio::{net::lookup_host, sync::Semaphore};

/// Lookups under way in the process: an eighth of the runtime's blocking threads.
const LOOKUPS_MAX: usize = 64;

/// Addresses of one name that are looked at.
pub(super) const ADDRESSES_MAX: usize = 32;

/// A lookup under way.
pub(crate) type Looking = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>>;

/// Turns a host name into addresses; their ports mean nothing.
pub(crate) trait Lookup: Send + Sync + 'static {
    /// Starts looking. The caller's deadline is the bound in time.
    fn lookup(&self, host: &str) -> Looking;
}

/// As the system does it: hosts file, name servers.
pub(crate) struct SystemLookup {
    permits: Arc<Semaphore>,
}

impl Default for SystemLookup {
    fn default() -> Self {
        Self { permits: Arc::new(Semaphore::new(LOOKUPS_MAX)) }
    }
}

impl Lookup for SystemLookup {
    fn lookup(&self, host: &str) -> Looking {
        let (host, permits) = (host.to_owned(), self.permits.clone());
        Box::pin(async move {
            let permit = permits.acquire_owned().await.map_err(io::Error::other)?;
            // In a task of its own: the permit must be held until the thread is free, also when nobody waits any more.
            let looking = tokio::spawn(async move {
                let _permit = permit;
                lookup_host((host, 0)).await.map(|found| found.take(ADDRESSES_MAX).collect())
            });
            looking.await.map_err(io::Error::other)?
        })
    }
}
