//! The reconcile itself: look at the connectors, then at the links that are touched by what changed, and publish one new
//! table. What fails changes nothing of what serves.

use std::sync::Arc;

use super::{ReloadOptions, SharedStatus, connectors::Connectors, links::Links, stage::Stager, status::Status};
use crate::link::{Dispatcher, bind::Binder};

/// Looks of one [`Reconciler::settle`].
const SETTLE_LOOKS_MAX: usize = 10;

/// Keeps the table equal to the directories.
pub(crate) struct Reconciler {
    connectors: Connectors,
    links: Links,
    dispatcher: Arc<Dispatcher>,
    status: SharedStatus,
}

/// How a reconcile ended.
pub(crate) struct Reconciled {
    /// Something may still be being written: look again soon.
    pub(crate) unsettled: bool,
}

impl Reconciler {
    pub(crate) fn new(
        options: &ReloadOptions,
        stager: Stager,
        binder: Binder,
        dispatcher: Arc<Dispatcher>,
        status: SharedStatus,
    ) -> Self {
        let connectors = Connectors::new(options.connectors.clone(), stager);
        let links = Links::new(options.links.clone(), binder);
        Self { connectors, links, dispatcher, status }
    }

    /// Looks once, and publishes what changed.
    pub(crate) async fn reconcile(&mut self) -> Reconciled {
        let mut problems = Vec::new();
        let unsettled = self.connectors.look(&mut problems).await;
        let links = self.links.look(&self.connectors, &mut problems).await;
        if links.changed {
            self.dispatcher.publish(self.links.table());
        }
        let before = self.status.load_full();
        for problem in problems.iter().filter(|problem| !before.problems.contains(problem)) {
            tracing::warn!(problem, "the directories are not as they should be");
        }
        let (connectors, status) = (self.connectors.status(), self.links.status());
        self.status.store(Arc::new(Status { ready: true, connectors, links: status, problems }));
        Reconciled { unsettled: unsettled || links.unsettled }
    }

    /// Looks until every file that was being written has settled, or is being written for too long.
    pub(crate) async fn settle(&mut self) {
        for _ in 0..SETTLE_LOOKS_MAX {
            if !self.reconcile().await.unsettled {
                return;
            }
            tokio::time::sleep(super::SETTLE).await;
        }
    }
}
