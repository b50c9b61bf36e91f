//! Connections that only read, each on a blocking thread while it is used. A question sees one state of the store, and
//! never one that was not committed.

use std::sync::Arc;

use parking_lot::Mutex;
use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::{Options, StoreError, file, latch::Latch};

/// The connections.
pub(super) struct Readers {
    idle: Arc<Mutex<Vec<Connection>>>,
    permits: Arc<Semaphore>,
    latch: Latch,
}

impl Readers {
    /// Opens all of them.
    pub(super) fn open(options: &Options, latch: &Latch) -> Result<Self, StoreError> {
        let count = options.readers.max(1);
        let mut idle = Vec::with_capacity(count);
        for _ in 0..count {
            let connection = file::connect(options)?;
            connection.execute_batch("PRAGMA query_only=ON")?;
            idle.push(connection);
        }
        Ok(Self { idle: Arc::new(Mutex::new(idle)), permits: Arc::new(Semaphore::new(count)), latch: latch.clone() })
    }

    /// Asks, when a connection is free.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.latch.check()?;
        let ended = || StoreError::Broken("the readers have ended".into());
        let permit = self.permits.clone().acquire_owned().await.map_err(|_| ended())?;
        let idle = self.idle.clone();
        let asked = tokio::task::spawn_blocking(move || {
            let Some(mut connection) = idle.lock().pop() else { return Err(ended()) };
            let result = ask(&mut connection, work);
            idle.lock().push(connection);
            drop(permit);
            result
        });
        self.latch.watch(asked.await.map_err(|_| ended())?)
    }
}

fn ask<T>(
    connection: &mut Connection,
    work: impl FnOnce(&Connection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    // Dropping the transaction ends it; there is nothing to commit.
    let tx = connection.transaction()?;
    work(&tx)
}
