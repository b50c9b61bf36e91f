//! The loop: which events go out when. At most [`DELIVERIES_MAX`] deliveries at a time and [`EACH_MAX`] of one platform,
//! each platform's oldest due event first, and the platform first that had its turn longest ago: one that is slow or down
//! holds up nobody else. It ends when the store is broken, or when told to, with what is under way finished.

use std::{collections::HashMap, sync::Arc, time::Duration};

use futures_util::future::{BoxFuture, join_all};
use jiff::Timestamp;
use tokio::{
    sync::Notify,
    task::{Id, JoinError, JoinSet},
    time::{Instant, sleep, timeout},
};

use super::{
    Webhooks,
    delivery::{Clock, Means},
};
use crate::{
    id::PlatformName,
    shutdown::Drain,
    store::{At, Event, Store, StoreError},
};

/// Deliveries under way.
const DELIVERIES_MAX: usize = 8;
/// Deliveries of one platform under way.
const EACH_MAX: usize = 2;
/// How long a delivery has its event: well over [`super::target::TIMEOUT`], and what the store takes before and after.
const LEASE: Duration = Duration::from_secs(60);
/// How often the worker looks even if nothing is due and nobody wakes it: clocks are set, and wakes may be forgotten.
const LOOK: Duration = Duration::from_secs(10);
/// The least that is slept.
const BLINK: Duration = Duration::from_millis(50);

/// Delivers events until the store breaks or the signal is given, then finishes what is under way within `grace`; what is
/// cut is delivered again after the next start. `wake` says that jobs have ended or events were queued again.
pub(crate) async fn run(
    store: Arc<dyn Store>,
    webhooks: Arc<Webhooks>,
    wake: Arc<Notify>,
    drain: Drain,
    grace: Duration,
) {
    let clock = Arc::new(|| At::from(Timestamp::now()));
    Worker::new(store, webhooks, clock).run(&wake, drain, grace).await;
}

/// Deliveries and whose turn it is.
pub(super) struct Worker {
    means: Means,
    deliveries: JoinSet<Result<(), StoreError>>,
    under_way: HashMap<Id, PlatformName>,
    /// When each platform last had its turn, in turns.
    turns: HashMap<PlatformName, u64>,
    turn: u64,
    counted: Option<Instant>,
}

/// How one delivery's task ended.
type Joined = Result<(Id, Result<(), StoreError>), JoinError>;

impl Worker {
    pub(super) fn new(store: Arc<dyn Store>, webhooks: Arc<Webhooks>, clock: Clock) -> Self {
        Self {
            means: Means { store, webhooks, clock },
            deliveries: JoinSet::new(),
            under_way: HashMap::new(),
            turns: HashMap::new(),
            turn: 0,
            counted: None,
        }
    }

    pub(super) async fn run(mut self, wake: &Notify, drain: Drain, grace: Duration) {
        let ended = match self.serve(wake, drain).await {
            Ok(()) => timeout(grace, self.settle()).await,
            Err(error) => Ok(Err(error)),
        };
        match ended {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "webhooks end"),
            Err(_) => {
                let cut = self.deliveries.len();
                tracing::warn!(cut, "webhooks cut off; they are delivered again after the next start");
            }
        }
    }

    /// Until the signal is given.
    async fn serve(&mut self, wake: &Notify, mut drain: Drain) -> Result<(), StoreError> {
        let mut broken: BoxFuture<'static, Arc<str>> = self.means.store.broken();
        while !drain.begun() {
            let next = match self.start().await {
                Err(error @ StoreError::Broken(_)) => return Err(error),
                Err(error) => {
                    tracing::error!(%error, "events cannot be read");
                    None
                }
                Ok(next) => next,
            };
            self.count().await?;
            let wait = next.map_or(LOOK, |at| self.until(at)).clamp(BLINK, LOOK);
            tokio::select! {
                () = drain.wait() => {}
                why = &mut broken => return Err(StoreError::Broken(why)),
                () = wake.notified() => {}
                Some(joined) = self.deliveries.join_next_with_id() => self.ended(joined)?,
                () = sleep(wait) => {}
            }
        }
        Ok(())
    }

    /// Begins whatever may begin, and says when the next event may, if there is still room for it.
    pub(super) async fn start(&mut self) -> Result<Option<At>, StoreError> {
        loop {
            let now = (self.means.clock)();
            let due = self.means.store.events_due().await?;
            let with_room = due.into_iter().filter(|(platform, _)| self.busy(platform) < EACH_MAX);
            let (mut ready, later): (Vec<_>, Vec<_>) = with_room.partition(|(_, at)| *at <= now);
            let next = later.into_iter().map(|(_, at)| at).min();
            ready.sort_by_key(|(platform, at)| (self.turns.get(platform).copied(), *at));
            ready.truncate(DELIVERIES_MAX.saturating_sub(self.deliveries.len()));
            if ready.is_empty() {
                return Ok(next);
            }
            // One of each, all in one commit; then it is looked again.
            let store = self.means.store.clone();
            let leases = ready.into_iter().map(|(platform, _)| store.events_lease(now, platform, LEASE, 1));
            let (mut begun, mut failed) = (false, None);
            for leased in join_all(leases).await {
                match leased {
                    Ok(events) => {
                        begun |= !events.is_empty();
                        events.into_iter().for_each(|event| self.begin(event));
                    }
                    Err(error) => failed = Some(error),
                }
            }
            match failed {
                Some(error) => return Err(error),
                None if begun => {}
                // Somebody else was quicker.
                None => return Ok(next),
            }
        }
    }

    /// Waits until the next delivery has ended.
    #[cfg(test)]
    pub(super) async fn settle_one(&mut self) -> Result<(), StoreError> {
        match self.deliveries.join_next_with_id().await {
            Some(joined) => self.ended(joined),
            None => Ok(()),
        }
    }

    /// Waits until nothing is under way.
    pub(super) async fn settle(&mut self) -> Result<(), StoreError> {
        while let Some(joined) = self.deliveries.join_next_with_id().await {
            self.ended(joined)?;
        }
        Ok(())
    }

    fn begin(&mut self, event: Event) {
        let platform = event.platform.clone();
        let task = self.deliveries.spawn(self.means.clone().deliver(event));
        self.under_way.insert(task.id(), platform.clone());
        self.turn = self.turn.saturating_add(1);
        self.turns.insert(platform, self.turn);
    }

    /// Deliveries of this platform under way.
    fn busy(&self, platform: &PlatformName) -> usize {
        self.under_way.values().filter(|known| *known == platform).count()
    }

    fn ended(&mut self, joined: Joined) -> Result<(), StoreError> {
        let (id, ended) = match joined {
            Ok(ended) => ended,
            Err(error) => {
                // Its lease ends, and then it is tried again.
                tracing::error!(%error, "a delivery ended badly");
                (error.id(), Ok(()))
            }
        };
        self.under_way.remove(&id);
        match ended {
            Err(error @ StoreError::Broken(_)) => Err(error),
            Err(error) => {
                tracing::error!(%error, "how a delivery ended could not be written");
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }

    /// The gauges, now and then: counting takes time that grows with what waits.
    async fn count(&mut self) -> Result<(), StoreError> {
        if self.counted.is_some_and(|at| at.elapsed() < LOOK) {
            return Ok(());
        }
        self.counted = Some(Instant::now());
        match self.means.store.events_count().await {
            Ok((waiting, parked)) => {
                metrics::gauge!("duijie_webhook_events", "state" => "waiting").set(waiting as f64);
                metrics::gauge!("duijie_webhook_events", "state" => "parked").set(parked as f64);
                Ok(())
            }
            Err(error @ StoreError::Broken(_)) => Err(error),
            Err(error) => {
                tracing::error!(%error, "events cannot be counted");
                Ok(())
            }
        }
    }

    fn until(&self, at: At) -> Duration {
        let millis = at.0.saturating_sub((self.means.clock)().0);
        Duration::from_millis(u64::try_from(millis).unwrap_or_default())
    }
}
