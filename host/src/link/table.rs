//! What is served: every link with its revision, in one immutable table behind one atomic swap. A call loads the table
//! once and holds its link until it is done; it never sees two states. What must survive a swap (permits, KV) is keyed by
//! link and lives beside the table, not in it.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use tokio::sync::Semaphore;

use super::{
    hook::{Gate, Hook},
    spec::{PushSpec, ScheduleSpec, SheetSpec},
};
use crate::{
    capability::{
        credential::Renewals,
        grant::Grant,
        http::policy::Origin,
        kv::space::{Kv, Quota, Space},
    },
    id::{ConnectorName, LinkId},
    runtime::{CallLimits, PreparedRef},
};

/// A link that serves.
pub(crate) struct Link {
    /// Its id.
    pub(crate) id: LinkId,
    /// The connector's revision it serves with.
    pub(crate) connector: PreparedRef,
    /// Bounds of one call.
    pub(crate) limits: CallLimits,
    pub(crate) grant: Arc<Grant>,
    pub(crate) permits: Arc<Semaphore>,
    /// The hooks it serves, by name.
    pub(crate) hooks: BTreeMap<String, Hook>,
    /// Where it may send.
    pub(crate) origins: Vec<Origin>,
    /// How its queue behaves.
    pub(crate) push: PushSpec,
    /// Operations whose records are sent again when nobody knows what became of them.
    pub(crate) resend: BTreeSet<String>,
    /// What it does by itself, by name.
    pub(crate) schedules: BTreeMap<String, ScheduleSpec>,
    /// The columns of sheets, by operation.
    pub(crate) sheets: BTreeMap<String, SheetSpec>,
}

/// What serves a link: one state for all its calls, or, while a new revision is tried on it, another one for some.
#[derive(Clone)]
pub(crate) struct Serving {
    /// Serves whatever the canary does not, all hooks, and what the catalogue says.
    pub(crate) stable: Arc<Link>,
    /// The same link with the revision that is being tried.
    pub(crate) canary: Option<Canary>,
}

/// A revision on trial, and how many of a link's calls it gets.
#[derive(Clone)]
pub(crate) struct Canary {
    /// The link with that revision.
    pub(crate) link: Arc<Link>,
    /// Calls of a hundred.
    pub(crate) share: u8,
    turn: Arc<Turn>,
}

impl Canary {
    /// Beginning with the next call.
    pub(crate) fn new(link: Arc<Link>, share: u8) -> Self {
        Self { link, share, turn: Arc::default() }
    }
}

/// Counts a link's calls.
#[derive(Default)]
struct Turn(AtomicU32);

impl Turn {
    /// Is it this call's turn? Of a hundred calls in a row `share` are, evenly spread.
    fn is_next(&self, share: u8) -> bool {
        let turn = self.0.fetch_add(1, Ordering::Relaxed);
        u64::from(turn % 100).saturating_mul(share.into()) % 100 < share.into()
    }
}

impl Serving {
    /// What the next call is to be served by, from its beginning to its end.
    pub(crate) fn pick(&self) -> &Arc<Link> {
        match &self.canary {
            Some(canary) if canary.turn.is_next(canary.share) => &canary.link,
            _ => &self.stable,
        }
    }
}

/// What the table knows of a link id.
#[derive(Clone)]
pub(crate) enum Entry {
    /// It serves.
    Serving(Serving),
    /// Its files are there but were refused, and no good state of it is known. Why is the operator's to know: see the rollouts.
    Refused {
        /// The connector it asks for, when that much could be read.
        connector: Option<ConnectorName>,
    },
}

/// All links at one moment.
#[derive(Default)]
pub(crate) struct Table {
    entries: BTreeMap<LinkId, Entry>,
}

impl Table {
    /// A table of these entries.
    pub(crate) fn new(entries: BTreeMap<LinkId, Entry>) -> Self {
        Self { entries }
    }

    /// What is known of this id.
    pub(crate) fn get(&self, id: &str) -> Option<&Entry> {
        self.entries.get(id)
    }

    /// Every link, by id.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&LinkId, &Entry)> {
        self.entries.iter()
    }
}

/// The table that is served now.
#[derive(Default)]
pub(crate) struct LiveTable(ArcSwap<Table>);

impl LiveTable {
    /// The state of this moment; hold it for as long as one call needs it.
    pub(crate) fn load(&self) -> Arc<Table> {
        self.0.load_full()
    }

    /// Publishes a new state. Calls under way go on with theirs.
    pub(crate) fn publish(&self, table: Table) {
        self.0.store(Arc::new(table));
    }
}

/// Entries that one sweep clears away at the most.
const SWEEP_STEP: usize = 10_000;

/// What belongs to a link whatever revision or config it serves with.
pub(crate) struct Lasting {
    permits: Mutex<HashMap<LinkId, (usize, Arc<Semaphore>)>>,
    gates: Mutex<HashMap<(LinkId, String), Arc<Gate>>>,
    kv: Kv,
    renewals: Arc<Renewals>,
}

impl Lasting {
    /// With the renewals of credentials and the values that were kept.
    pub(crate) fn new(renewals: Renewals, kv: Kv) -> Self {
        Self { permits: Mutex::default(), gates: Mutex::default(), kv, renewals: Arc::new(renewals) }
    }

    /// The renewals of credentials.
    pub(crate) fn renewals(&self) -> Arc<Renewals> {
        self.renewals.clone()
    }

    /// What bounds a hook; the same as before unless the operator changed a bound. Apart from the permits for calls: a
    /// hook may be what an open call waits for.
    pub(crate) fn gate(&self, id: &LinkId, hook: &str, rate_per_min: NonZeroU32, concurrency: usize) -> Arc<Gate> {
        let mut all = self.gates.lock();
        let key = (id.clone(), hook.to_owned());
        match all.get(&key) {
            Some(gate) if gate.is(rate_per_min, concurrency) => gate.clone(),
            _ => {
                let gate = Arc::new(Gate::new(rate_per_min, concurrency));
                all.insert(key, gate.clone());
                gate
            }
        }
    }

    /// The link's permits for calls; the same ones as before unless the operator changed their number.
    pub(crate) fn permits(&self, id: &LinkId, concurrency: usize) -> Arc<Semaphore> {
        let mut all = self.permits.lock();
        match all.get(id) {
            Some((size, permits)) if *size == concurrency => permits.clone(),
            _ => {
                let permits = Arc::new(Semaphore::new(concurrency));
                all.insert(id.clone(), (concurrency, permits.clone()));
                permits
            }
        }
    }

    /// Clears away what is over its time, a bounded step; whoever owns this calls it now and then.
    pub(crate) async fn sweep(&self) {
        self.kv.sweep(SWEEP_STEP).await;
    }

    /// The link's key-value space.
    pub(crate) fn space(&self, id: &LinkId) -> Arc<Space> {
        self.kv.space(id, Quota::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_calls_is_evenly_spread() {
        for share in [1, 5, 33, 50, 99, 100] {
            let turn = Turn::default();
            let hits: Vec<bool> = (0..1000).map(|_| turn.is_next(share)).collect();
            let counts = hits.chunks(100).map(|calls| calls.iter().filter(|hit| **hit).count());
            assert!(
                counts.clone().all(|count| count == usize::from(share)),
                "{share}: {:?}",
                counts.collect::<Vec<_>>()
            );
        }
    }
}
