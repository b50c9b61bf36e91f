//! What goes on beside the serving: clearing away, credentials that end, and the waiting for all of it when the host ends.

use std::{sync::Arc, time::Duration};

use tokio::{sync::watch, task::JoinHandle as Task, time::timeout};

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
        match store.oldest().await {
            Ok(oldest) => gauges.show_oldest(oldest, now),
            Err(error) => tracing::error!(%error, "how long jobs wait could not be seen"),
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

/// Without what runs here the host would accept and never send: that any of it ends by itself ends the host.
pub(super) struct Essential(watch::Sender<Option<&'static str>>);

impl Essential {
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(None))
    }

    /// Runs it; `what` names it to the operator.
    pub(super) fn spawn(&self, what: &'static str, work: impl Future<Output = ()> + Send + 'static) -> Task<()> {
        let tells = Tells(self.0.clone(), what);
        tokio::spawn(async move {
            // Dropped at its end, also if that is a panic.
            let _tells = tells;
            work.await;
        })
    }

    /// Ends with the name of the first that has ended.
    pub(super) async fn ended(&self) -> &'static str {
        let mut heard = self.0.subscribe();
        let ended = heard.wait_for(Option::is_some).await.ok().and_then(|what| *what);
        match ended {
            Some(what) => what,
            None => std::future::pending().await,
        }
    }
}

/// Tells of an end when it is dropped.
struct Tells(watch::Sender<Option<&'static str>>, &'static str);

impl Drop for Tells {
    fn drop(&mut self) {
        self.0.send_if_modified(|ended| ended.is_none() && ended.replace(self.1).is_none());
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_part_that_ends_by_itself_or_panics_is_heard_of() {
        let works = Essential::new();
        let runs = works.spawn("another", std::future::pending());
        let panics = works.spawn("the queue", async { panic!("a bug") });
        assert_eq!(works.ended().await, "the queue");
        assert!(panics.await.is_err());
        runs.abort();
        let ends = Essential::new();
        ends.spawn("the schedules", async {}).await.unwrap();
        assert_eq!(ends.ended().await, "the schedules", "also by one who asks later");
    }
}
