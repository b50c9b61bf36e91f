//! What goes on beside the serving: clearing away, credentials that end, and the waiting for all of it when the host ends.

use std::{sync::Arc, time::Duration};

use tokio::{task::JoinHandle as Task, time::timeout};

use super::ADMIN_GRACE;
use crate::{
    link::{expiry::Expiry, table::Lasting},
    push::{self, Push},
    store::Store,
};

/// How often what is over its time is cleared away.
const SWEEP: Duration = Duration::from_secs(30);
/// Rows of each kind that one clearing away deletes.
const SWEEP_STEP: usize = 10_000;
/// How often credentials are looked at.
const EXPIRY: Duration = Duration::from_secs(1);

/// What nobody reads again still ends: values, records that were delivered, outputs, idempotency keys.
pub(super) async fn sweep(lasting: Arc<Lasting>, store: Arc<dyn Store>) {
    let mut gauges = push::view::Gauges::default();
    loop {
        tokio::time::sleep(SWEEP).await;
        lasting.sweep().await;
        let now = jiff::Timestamp::now().into();
        match store.purge(now, SWEEP_STEP).await {
            Ok(purged) => tracing::debug!(?purged, "cleared away"),
            Err(error) => tracing::error!(%error, "what is over its time could not be cleared away"),
        }
        match store.counts().await {
            Ok(counts) => gauges.show(counts),
            Err(error) => tracing::error!(%error, "the jobs could not be counted"),
        }
    }
}

/// Operators hear of credentials that come to their end; queues of those that have wait.
pub(super) async fn watch_credentials(push: Arc<Push>) {
    let mut expiry = Expiry::default();
    loop {
        look_at_credentials(&push, &mut expiry).await;
        tokio::time::sleep(EXPIRY).await;
    }
}

/// Lets go of the links before the next look: a table that is kept keeps revisions that nobody serves with.
async fn look_at_credentials(push: &Push, expiry: &mut Expiry) {
    let table = push.dispatcher().table();
    push.renewed(&expiry.look(&table));
    if let Err(error) = push.hold_expired(&table).await {
        tracing::error!(%error, "queues could not be held or let go on");
    }
}

/// Waits for what is under way. What is cut is in the store, and its fate is found out after the next start.
pub(super) async fn settle(working: [Task<()>; 3], auditing: Task<()>, left: Duration) {
    let aborts: Vec<_> = working.iter().map(Task::abort_handle).collect();
    let all = async {
        for task in working {
            let _ = task.await;
        }
    };
    if timeout(left, all).await.is_err() {
        tracing::warn!("pushes were cut off; what became of them is found out after the next start");
        aborts.iter().for_each(tokio::task::AbortHandle::abort);
    }
    // Whoever could still add an entry is gone or going: what was given is written.
    let _ = timeout(ADMIN_GRACE, auditing).await;
}
