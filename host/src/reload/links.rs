//! The link files: what lies in their tree, and the last good state of each link. A link is read and bound again when its
//! file, a default above it, a secret's file or the revision it is to serve with changed, and not otherwise: with thousands
//! of links, one edit touches one of them, and a rollback binds none.

mod file;
mod plan;
mod read;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    path::PathBuf,
    sync::Arc,
};

use jiff::Timestamp;

use self::{
    file::{File, Made},
    plan::{Diffs, Plan, Planner},
    read::{Reading, read, stamps},
};
use super::{
    SETTLE, blocking,
    connectors::Connectors,
    ledger::Ledger,
    rollout::Rollouts,
    source::{Stamp, link_files},
    status::{LinkStatus, Refusal, Step},
};
use crate::{
    id::{ConnectorName, LinkId, Revision},
    link::{
        Entry, Link, LinkSpec, Table,
        bind::{Binder, Material},
        spec::link_id,
    },
    runtime::PreparedRef,
};

/// Links on which the `check` of a revision may fail in one look before the others are not asked.
const SICK: u32 = 3;

/// Every link whose file is there.
pub(super) struct Links {
    root: PathBuf,
    binder: Binder,
    files: BTreeMap<LinkId, File>,
    diffs: Diffs,
    /// Revisions whose `check` failed in this look, and on how many links: one that loops must not be asked by thousands.
    sick: HashMap<Revision, u32>,
    /// Is this the first look? Nothing serves yet, so nothing is gained by waiting for a file to settle.
    first: bool,
}

/// What decides over revisions.
pub(super) struct Control<'c> {
    pub(super) connectors: &'c mut Connectors,
    pub(super) rollouts: &'c mut Rollouts,
    pub(super) ledger: &'c mut Ledger,
}

impl Control<'_> {
    /// What this link served with when the host was last there.
    fn served(&self, link: &LinkId) -> Option<&PreparedRef> {
        self.connectors.revision(self.ledger.served(link)?.active)
    }
}

/// What a look found.
#[derive(Debug, Default)]
pub(super) struct Looked {
    /// The table is not what it was.
    pub(super) changed: bool,
    /// Something may still be being written.
    pub(super) unsettled: bool,
}

/// A link to be bound.
struct Touched {
    id: LinkId,
    path: PathBuf,
    /// Its files are what they were when it was last bound.
    unread: bool,
}

impl Links {
    pub(super) fn new(root: PathBuf, binder: Binder) -> Self {
        Self { root, binder, files: BTreeMap::new(), diffs: Diffs::default(), sick: HashMap::new(), first: true }
    }

    /// The revisions without which some link could not serve, or not go back: to be at hand before a look.
    pub(super) fn needed(&self, connectors: &Connectors, ledger: &Ledger) -> BTreeSet<Revision> {
        if self.first {
            return ledger.revisions();
        }
        let (mut needed, known) = (BTreeSet::new(), ledger.revisions());
        for (id, file) in &self.files {
            let served = ledger.served(id);
            let active = file.active().map(|active| active.revision);
            match (active, served) {
                (None, Some(served)) => needed.extend([Some(served.active), served.previous].into_iter().flatten()),
                (Some(active), Some(served)) if ledger.is_quarantined(active) => needed.extend(served.previous),
                _ => {}
            }
            if let Some(pin) = file.wants.as_ref().and_then(|wants| wants.pin.as_ref()) {
                needed.extend(known.iter().filter(|revision| pin.is(**revision)));
            }
        }
        needed.retain(|revision| connectors.of_file(*revision).is_none());
        needed
    }

    /// The links that are there. When nobody can tell, those that were.
    async fn present(&self, problems: &mut Vec<String>) -> BTreeMap<LinkId, PathBuf> {
        let root = self.root.clone();
        let found = match blocking(move || link_files(&root)).await {
            Ok(found) => found,
            Err(error) => {
                problems.push(format!("{}: {error}", self.root.display()));
                return self.files.iter().map(|(id, file)| (id.clone(), file.path.clone())).collect();
            }
        };
        problems.extend(found.problems);
        let mut present = BTreeMap::new();
        for path in found.files {
            match link_id(&self.root, &path) {
                Ok(id) => drop(present.insert(id, path)),
                // There is no link to hang the reason on.
                Err(error) => problems.push(error.to_string()),
            }
        }
        present
    }

    /// Sends back every link whose revision has just been put into quarantine and that is bound to what it served with
    /// before: reads nothing. Returns whether the table is not what it was.
    pub(super) fn go_back(&mut self, mut control: Control<'_>) -> bool {
        let named = self.named(control.rollouts);
        let banned = |file: &File| file.active().is_some_and(|active| control.ledger.is_quarantined(active.revision));
        let in_canary = |file: &File| {
            let canary = file.serving.as_ref().and_then(|serving| serving.canary.as_ref());
            canary.is_some_and(|canary| control.ledger.is_quarantined(canary.link.connector.revision))
        };
        let hit = self.files.iter().filter(|(_, file)| banned(file) || in_canary(file)).map(|(id, _)| id.clone());
        let hit: Vec<LinkId> = hit.collect();
        let mut changed = false;
        for id in hit {
            changed |= self.switch(&id, &mut control, &named).is_some_and(|looked| looked.changed);
        }
        changed
    }

    /// Looks at the tree and binds what changed.
    pub(super) async fn look(&mut self, mut control: Control<'_>, problems: &mut Vec<String>) -> Looked {
        let present = self.present(problems).await;
        self.sick.clear();
        // A link that comes, or comes back, is what it was: also when what it served with lies in no file.
        let come = present.keys().filter(|id| !self.files.contains_key(*id));
        let come: BTreeSet<Revision> = come.filter_map(|id| Some(control.ledger.served(id)?.active)).collect();
        control.connectors.restore_too(&come).await;
        let before = self.files.len();
        self.files.retain(|id, _| {
            let stays = present.contains_key(id);
            if !stays {
                tracing::info!(link = %id, "link removed");
            }
            stays
        });
        control.ledger.present(|id| present.contains_key(id), Timestamp::now());
        let mut looked = Looked { changed: self.first || self.files.len() != before, unsettled: false };
        let named = self.named(control.rollouts);
        let touched = self.touched(present, &control, &named).await.unwrap_or_default();
        // First those that the policy names: whether there is anybody to try a revision on is known only then.
        let (first, rest): (Vec<_>, Vec<_>) = touched.into_iter().partition(|one| control.rollouts.names(&one.id));
        for part in [first, rest] {
            let named = self.named(control.rollouts);
            for touched in part {
                let one = self.bind(touched, &mut control, &named).await;
                looked.changed |= one.changed;
                looked.unsettled |= one.unsettled;
            }
        }
        for file in self.files.values_mut() {
            file.let_go(control.rollouts);
        }
        self.first = false;
        looked
    }

    /// Looks at these files only, and binds what they say.
    pub(super) async fn look_at(&mut self, paths: Vec<PathBuf>, mut control: Control<'_>) -> Looked {
        self.sick.clear();
        let mut looked = Looked::default();
        let list = move || Ok(paths.into_iter().map(|path| (Stamp::at(&path).is_some(), path)).collect::<Vec<_>>());
        let named = self.named(control.rollouts);
        for (is_there, path) in blocking(list).await.unwrap_or_default() {
            // A name that makes no id is told of by the look at everything.
            let Ok(id) = link_id(&self.root, &path) else { continue };
            if !is_there {
                // So is a link that is gone: its file may be on its way back.
                continue;
            }
            if !self.files.contains_key(&id) {
                let served = control.ledger.served(&id).map(|served| served.active);
                control.connectors.restore_too(&served.into_iter().collect()).await;
            }
            let one = self.bind(Touched { id, path, unread: false }, &mut control, &named).await;
            looked.changed |= one.changed;
            looked.unsettled |= one.unsettled;
        }
        looked
    }

    /// The connectors of the links that the rollout policy names.
    fn named(&self, rollouts: &Rollouts) -> BTreeSet<ConnectorName> {
        let named = self.files.iter().filter(|(id, _)| rollouts.names(id));
        named.filter_map(|(_, file)| file.wants.as_ref().map(|wants| wants.connector.clone())).collect()
    }

    /// The links whose files, secrets or revision are not what they were when last looked at.
    async fn touched(
        &self,
        present: BTreeMap<LinkId, PathBuf>,
        control: &Control<'_>,
        named: &BTreeSet<ConnectorName>,
    ) -> std::io::Result<Vec<Touched>> {
        // Thousands of links share the same few defaults: each file is asked for its stamp once.
        let paths: HashSet<PathBuf> =
            self.files.values().flat_map(|file| &file.seen).map(|(path, _)| path.clone()).collect();
        let now: HashMap<PathBuf, Option<Stamp>> = blocking(move || Ok(stamps(paths).into_iter().collect())).await?;
        let planner = self.planner(control, named);
        let touched = |(id, path): (LinkId, PathBuf)| {
            let Some(file) = self.files.get(&id) else { return Some(Touched { id, path, unread: false }) };
            let unread = !file.seen.is_empty() && file.seen.iter().all(|(path, stamp)| now.get(path) == Some(stamp));
            let active = || file.active().or_else(|| control.served(&id));
            let as_planned =
                || file.wants.as_ref().is_none_or(|wants| planner.plan(&id, wants, active()).is(&file.plan));
            (!unread || !as_planned()).then_some(Touched { id, path, unread })
        };
        Ok(present.into_iter().filter_map(touched).collect())
    }

    fn planner<'p>(&'p self, control: &'p Control<'_>, named: &'p BTreeSet<ConnectorName>) -> Planner<'p> {
        let Control { connectors, rollouts, ledger } = control;
        Planner { connectors, rollouts, ledger, named, diffs: &self.diffs, files: &self.files }
    }

    async fn bind(&mut self, touched: Touched, control: &mut Control<'_>, named: &BTreeSet<ConnectorName>) -> Looked {
        let Touched { id, path, unread } = touched;
        if unread && let Some(looked) = self.switch(&id, control, named) {
            return looked;
        }
        let Ok(Reading { seen, spec, wants, material }) = read(&self.root, path.clone()).await else {
            // The reading thread is gone, and with it the process is on its way out.
            return Looked::default();
        };
        let active = self.files.get(&id).and_then(File::active).or_else(|| control.served(&id));
        let of_connector = |active: &&PreparedRef| wants.as_ref().is_none_or(|w| active.manifest.name == w.connector);
        let active = active.filter(of_connector).cloned();
        let planner = self.planner(control, named);
        let plan = wants.as_ref().map(|wants| planner.plan(&id, wants, active.as_ref())).unwrap_or_default();
        let made = match spec {
            Err(error) => Made::refused(Step::Settings, error.to_string()),
            Ok(spec) => self.make(&spec, &material, &plan, active.as_ref(), control.connectors).await,
        };
        let young = seen.iter().any(|(_, stamp)| stamp.is_some_and(|stamp| stamp.younger_than(SETTLE)));
        let file = self.files.entry(id.clone()).or_insert_with(|| File::new(path));
        // A file that is still being written looks wrong; it is judged when it has settled.
        if made.refused_by_files() && young && !self.first {
            return Looked { changed: false, unsettled: true };
        }
        file.seen = seen;
        if wants.is_some() {
            file.wants = wants;
        }
        Looked { changed: file.put(&id, plan, made, active.as_ref(), unread, control), unsettled: false }
    }

    /// Serves another revision with what is bound already, if it is: the way of a promotion and of a rollback.
    fn switch(&mut self, id: &LinkId, control: &mut Control<'_>, named: &BTreeSet<ConnectorName>) -> Option<Looked> {
        let file = self.files.get(id)?;
        let active = file.active()?.clone();
        let plan = self.planner(control, named).plan(id, file.wants.as_ref()?, Some(&active));
        if plan.missing {
            return None;
        }
        // What failed in service must go, even if the link's files have become worse meanwhile.
        let at_any_rate = control.ledger.is_quarantined(active.revision);
        let stable = file.bound(plan.whole.as_ref()?.revision, at_any_rate)?;
        let canary = match &plan.canary {
            Some((to, _)) => Some(file.bound(to.revision, false)?),
            None => None,
        };
        let made = Made { anew: false, stable: Some(stable), canary, refusal: plan.refusal.clone() };
        let file = self.files.get_mut(id)?;
        Some(Looked { changed: file.put(id, plan, made, Some(&active), true, control), unsettled: false })
    }

    /// Binds what the plan says; what it does not get to, the revision that serves now serves with the new settings.
    async fn make(
        &mut self,
        spec: &LinkSpec,
        material: &Material,
        plan: &Plan,
        active: Option<&PreparedRef>,
        connectors: &Connectors,
    ) -> Made {
        let missing = || Refusal { step: Step::Settings, reason: connectors.none_for(spec) };
        let mut made = Made { anew: true, refusal: plan.refusal.clone(), ..Made::default() };
        if plan.missing {
            made.refusal = Some(missing());
        }
        let Some(whole) = &plan.whole else {
            made.refusal.get_or_insert_with(missing);
            return made;
        };
        match self.one(spec, material, whole).await {
            Ok(link) => made.stable = Some(link),
            Err(refusal) => {
                made.refusal = Some(refusal);
                let other = active.filter(|active| active.revision != whole.revision);
                if let Some(active) = other {
                    made.stable = self.one(spec, material, active).await.ok();
                }
                return made;
            }
        }
        if let Some((to, _)) = &plan.canary {
            match self.one(spec, material, to).await {
                Ok(link) => made.canary = Some(link),
                Err(refusal) => made.refusal = Some(refusal),
            }
        }
        made
    }

    async fn one(&mut self, spec: &LinkSpec, material: &Material, to: &PreparedRef) -> Result<Arc<Link>, Refusal> {
        let failures = self.sick.entry(to.revision).or_default();
        if *failures >= SICK {
            let reason = format!("its check has just failed on {SICK} links; it is asked again at the next look");
            return Err(Refusal { step: Step::Check, reason });
        }
        let bound = self.binder.bind(spec, material.clone(), to.clone()).await;
        bound.map(Arc::new).map_err(|error| {
            *failures = failures.saturating_add(u32::from(error.is_connectors()));
            Refusal { step: Step::Check, reason: error.to_string() }
        })
    }

    /// What is to be served now.
    pub(super) fn table(&self) -> Table {
        let entry = |file: &File| match &file.serving {
            Some(serving) => Entry::Serving(serving.clone()),
            None => Entry::Refused { connector: file.wants.as_ref().map(|wants| wants.connector.clone()) },
        };
        Table::new(self.files.iter().map(|(id, file)| (id.clone(), entry(file))).collect())
    }

    /// The links of this connector, and what serves them.
    pub(super) fn of<'l>(
        &'l self,
        connector: &'l ConnectorName,
    ) -> impl Iterator<Item = (&'l LinkId, &'l PreparedRef)> {
        let active = self.files.iter().filter_map(|(id, file)| Some((id, file.active()?)));
        active.filter(move |(_, active)| active.manifest.name == *connector)
    }

    /// How many links this revision serves, wholly or in part.
    pub(super) fn serving(&self, revision: Revision) -> usize {
        let serves = |file: &&File| {
            let canary = file.serving.as_ref().and_then(|serving| serving.canary.as_ref());
            let revisions = [file.active(), canary.map(|canary| &canary.link.connector)];
            revisions.into_iter().flatten().any(|connector| connector.revision == revision)
        };
        self.files.values().filter(serves).count()
    }

    /// How every link stands.
    pub(super) fn status(&self) -> Vec<LinkStatus> {
        self.files.iter().map(|(id, file)| file.status(id)).collect()
    }
}
