//! The reconcile itself: compare what lies in the directories with what serves, stage what changed, bind the links that
//! are touched by it, and publish one new table. Untouched links are not looked at twice; what fails changes nothing.

use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
    sync::Arc,
};

use jiff::Timestamp;

use super::{
    ReloadOptions, SETTLE, SharedStatus,
    source::{self, Stamp},
    stage::Stager,
    status::{ConnectorStatus, LinkStatus, State, Status},
};
use crate::{
    id::{ConnectorName, LinkId},
    link::{
        DEFAULTS, Dispatcher, Entry, Link, LinkSpec, Table,
        bind::Binder,
        spec::{SecretSource, SpecError, link_id},
    },
    runtime::PreparedRef,
};

/// Keeps the table equal to the directories.
pub(crate) struct Reconciler {
    options: ReloadOptions,
    stager: Stager,
    binder: Binder,
    dispatcher: Arc<Dispatcher>,
    status: SharedStatus,
    connectors: BTreeMap<PathBuf, ConnectorFile>,
    links: BTreeMap<LinkId, LinkFile>,
    /// Files whose path makes no link id: there is no link to hang the reason on.
    misnamed: Vec<String>,
}

struct ConnectorFile {
    seen: Option<Stamp>,
    good: Option<(Stamp, PreparedRef)>,
    reason: Option<String>,
    gone: bool,
    since: Timestamp,
}

struct LinkFile {
    /// Everything that was read for it, with its stamp: a change of any makes it be read again.
    seen: Vec<(PathBuf, Option<Stamp>)>,
    wants: Option<(ConnectorName, semver::VersionReq)>,
    /// What it was last bound against, in vain or not.
    tried: Option<PreparedRef>,
    good: Option<Arc<Link>>,
    reason: Option<String>,
    since: Timestamp,
}

/// How a reconcile ended.
pub(crate) struct Reconciled {
    /// Something may still be being written: look again soon.
    pub(crate) unsettled: bool,
}

impl Reconciler {
    pub(crate) fn new(
        options: ReloadOptions,
        stager: Stager,
        binder: Binder,
        dispatcher: Arc<Dispatcher>,
        status: SharedStatus,
    ) -> Self {
        Self {
            options,
            stager,
            binder,
            dispatcher,
            status,
            connectors: BTreeMap::new(),
            links: BTreeMap::new(),
            misnamed: Vec::new(),
        }
    }

    /// Looks once, and publishes what changed.
    pub(crate) async fn reconcile(&mut self) -> Reconciled {
        let mut problems = Vec::new();
        let mut unsettled = self.look_at_connectors(&mut problems).await;
        let (changed, links_unsettled) = self.look_at_links(&mut problems).await;
        unsettled |= links_unsettled;
        problems.append(&mut self.misnamed.clone());
        if changed || !self.status.load().ready {
            self.dispatcher.publish(self.table());
        }
        self.status.store(Arc::new(self.describe(problems)));
        Reconciled { unsettled }
    }

    async fn look_at_connectors(&mut self, problems: &mut Vec<String>) -> bool {
        let dir = self.options.connectors.clone();
        let found = match blocking(move || source::connector_files(&dir)).await {
            Ok(found) => found,
            Err(error) => {
                problems.push(format!("{}: {error}", self.options.connectors.display()));
                return false;
            }
        };
        for (path, file) in &mut self.connectors {
            let gone = !found.contains(path);
            if gone && !file.gone {
                tracing::warn!(file = %name(path), "connector file is gone; its last good revision serves on");
                (file.since, file.seen, file.reason) = (Timestamp::now(), None, None);
            }
            file.gone = gone;
        }
        self.connectors.retain(|_, file| !file.gone || file.good.is_some());
        let mut unsettled = false;
        for path in found {
            let now = Stamp::at(&path);
            if self.connectors.get(&path).is_some_and(|known| known.seen.is_some() && known.seen == now) {
                continue;
            }
            unsettled |= self.stage(path, now).await;
        }
        unsettled
    }

    /// Returns whether the file should be looked at again soon.
    async fn stage(&mut self, path: PathBuf, now: Option<Stamp>) -> bool {
        let staged = self.stager.stage(&path).await;
        let young = now.is_some_and(|stamp| stamp.younger_than(SETTLE));
        let file = self.connectors.entry(path.clone()).or_insert_with(|| ConnectorFile {
            seen: None,
            good: None,
            reason: None,
            gone: false,
            since: Timestamp::now(),
        });
        match staged {
            Ok((stamp, prepared)) => {
                let (manifest, revision) = (&prepared.manifest, prepared.revision.short());
                tracing::info!(file = %name(&path), connector = %manifest.name, version = %manifest.version, revision, "connector loaded");
                *file = ConnectorFile { seen: Some(stamp), good: Some((stamp, prepared)), reason: None, gone: false, since: Timestamp::now() };
                metrics::counter!("duijie_connector_loads_total", "result" => "loaded").increment(1);
                false
            }
            // A file that is still being copied looks broken; it is judged when it has settled.
            Err(_) if young => true,
            Err(error) => {
                let reason = error.to_string();
                tracing::warn!(file = %name(&path), reason, serves_on = file.good.is_some(), "connector refused");
                metrics::counter!("duijie_connector_loads_total", "result" => "refused").increment(1);
                (file.seen, file.reason, file.since) = (now, Some(reason), Timestamp::now());
                false
            }
        }
    }

    async fn look_at_links(&mut self, problems: &mut Vec<String>) -> (bool, bool) {
        let root = self.options.links.clone();
        let found = match blocking(move || crate::reload::link_files(&root)).await {
            Ok(found) => found,
            Err(error) => {
                problems.push(format!("{}: {error}", self.options.links.display()));
                return (false, false);
            }
        };
        self.misnamed.clear();
        let mut present = BTreeMap::new();
        for path in found {
            match link_id(&self.options.links, &path) {
                Ok(id) => {
                    present.insert(id, path);
                }
                Err(error) => self.misnamed.push(error.to_string()),
            }
        }
        let before = self.links.len();
        self.links.retain(|id, _| {
            let stays = present.contains_key(id);
            if !stays {
                tracing::info!(link = %id, "link removed");
            }
            stays
        });
        let mut changed = self.links.len() != before;
        let mut unsettled = false;
        for (id, path) in self.touched(present) {
            let (link_changed, link_unsettled) = self.bind(id, path).await;
            changed |= link_changed;
            unsettled |= link_unsettled;
        }
        (changed, unsettled)
    }

    /// The links whose files, secrets or connector are not what they were when last looked at.
    fn touched(&self, present: BTreeMap<LinkId, PathBuf>) -> Vec<(LinkId, PathBuf)> {
        // Thousands of links share the same few defaults: each file is asked for its stamp once.
        let mut stamps: HashMap<&Path, Option<Stamp>> = HashMap::new();
        let mut touched = Vec::new();
        for (id, path) in present {
            let untouched = self.links.get(&id).is_some_and(|link| {
                let choice = link.wants.as_ref().and_then(|(name, version)| self.choose(name, version));
                same(link.tried.as_ref(), choice)
                    && !link.seen.is_empty()
                    && link.seen.iter().all(|(path, stamp)| *stamps.entry(path).or_insert_with(|| Stamp::at(path)) == *stamp)
            });
            if !untouched {
                touched.push((id, path));
            }
        }
        touched
    }

    /// The highest version that fits; between two files of one version, the one written last.
    fn choose(&self, name: &ConnectorName, version: &semver::VersionReq) -> Option<&PreparedRef> {
        let good = self.connectors.values().filter_map(|file| file.good.as_ref());
        let fitting = good.filter(|(_, c)| c.manifest.name == *name && version.matches(&c.manifest.version));
        fitting.max_by_key(|(stamp, c)| (c.manifest.version.clone(), stamp.modified())).map(|(_, connector)| connector)
    }

    /// Returns whether the table changes, and whether to look again soon.
    async fn bind(&mut self, id: LinkId, path: PathBuf) -> (bool, bool) {
        let (root, file) = (self.options.links.clone(), path.clone());
        let read = blocking(move || Ok(LinkSpec::read(&root, &file))).await;
        let spec = read.unwrap_or_else(|error| Err(unreadable(&path, error)));
        let seen: Vec<_> = dependencies(&self.options.links, &path, spec.as_ref().ok())
            .into_iter()
            .map(|path| { let stamp = Stamp::at(&path); (path, stamp) })
            .collect();
        let wants = spec.as_ref().ok().map(|spec| (spec.connector.clone(), spec.version.clone()));
        let choice = wants.as_ref().and_then(|(name, version)| self.choose(name, version)).cloned();
        let bound = match (&spec, &choice) {
            (Err(error), _) => Err(error.to_string()),
            (Ok(spec), None) => Err(self.no_connector(spec)),
            (Ok(spec), Some(connector)) => self.binder.bind(spec, connector.clone()).await.map_err(|e| e.to_string()),
        };
        let young = seen.iter().any(|(_, stamp)| stamp.is_some_and(|stamp| stamp.younger_than(SETTLE)));
        let known = self.links.entry(id.clone()).or_insert_with(|| LinkFile {
            seen: Vec::new(),
            wants: None,
            tried: None,
            good: None,
            reason: None,
            since: Timestamp::now(),
        });
        match bound {
            Ok(link) => {
                let manifest = &link.connector.manifest;
                tracing::info!(link = %id, connector = %manifest.name, version = %manifest.version, revision = link.connector.revision.short(), "link live");
                *known = LinkFile { seen, wants, tried: choice, good: Some(Arc::new(link)), reason: None, since: Timestamp::now() };
                (true, false)
            }
            Err(_) if young && known.reason.is_none() && self.status.load().ready => (false, true),
            Err(reason) => {
                tracing::warn!(link = %id, reason, serves_on = known.good.is_some(), "link refused");
                let since = Timestamp::now();
                *known = LinkFile { seen, wants, tried: choice, good: known.good.take(), reason: Some(reason), since };
                (known.good.is_none(), false)
            }
        }
    }

    fn no_connector(&self, spec: &LinkSpec) -> String {
        let of_name = |file: &&ConnectorFile| file.good.as_ref().is_some_and(|(_, c)| c.manifest.name == spec.connector);
        let versions: Vec<String> = self
            .connectors
            .values()
            .filter(of_name)
            .filter_map(|file| file.good.as_ref().map(|(_, c)| c.manifest.version.to_string()))
            .collect();
        let (key, message) = if versions.is_empty() {
            let dir = self.options.connectors.display();
            ("connector", format!("no connector {} is loaded; put its .wasm into {dir}", spec.connector))
        } else {
            ("version", format!("no loaded version of {} fits {}; there is {}", spec.connector, spec.version, versions.join(", ")))
        };
        spec.wrong(key, message).to_string()
    }

    fn table(&self) -> Table {
        let entry = |link: &LinkFile| match &link.good {
            Some(good) => Entry::Serving(good.clone()),
            None => Entry::Refused { connector: link.wants.as_ref().map(|(name, _)| name.clone()) },
        };
        Table::new(self.links.iter().map(|(id, link)| (id.clone(), entry(link))).collect())
    }

    fn describe(&self, problems: Vec<String>) -> Status {
        let connectors = self.connectors.iter().map(|(path, file)| {
            let good = file.good.as_ref().map(|(_, connector)| connector);
            ConnectorStatus {
                file: name(path),
                state: if file.gone { State::Gone } else { state(good.is_some(), file.reason.is_some()) },
                name: good.map(|c| c.manifest.name.to_string()),
                version: good.map(|c| c.manifest.version.to_string()),
                revision: good.map(|c| c.revision),
                reason: file.reason.clone(),
                since: file.since,
            }
        });
        let links = self.links.iter().map(|(id, file)| LinkStatus {
            link: id.clone(),
            state: state(file.good.is_some(), file.reason.is_some()),
            connector: file.good.as_ref().map(|l| format!("{} {}", l.connector.manifest.name, l.connector.manifest.version)),
            revision: file.good.as_ref().map(|link| link.connector.revision),
            reason: file.reason.clone(),
            since: file.since,
        });
        Status { ready: true, connectors: connectors.collect(), links: links.collect(), problems }
    }
}

fn same(tried: Option<&PreparedRef>, choice: Option<&PreparedRef>) -> bool {
    match (tried, choice) {
        (Some(tried), Some(choice)) => Arc::ptr_eq(tried, choice),
        (None, None) => true,
        _ => false,
    }
}

fn state(serves: bool, refused: bool) -> State {
    match (serves, refused) {
        (true, false) => State::Serving,
        (true, true) => State::Stale,
        (false, _) => State::Refused,
    }
}

/// Every file that a link is made of: the defaults above it (present or not), itself, its secrets and its CA.
fn dependencies(root: &Path, file: &Path, spec: Option<&LinkSpec>) -> Vec<PathBuf> {
    let mut all = Vec::new();
    let mut folder = file.parent();
    while let Some(dir) = folder {
        all.push(dir.join(DEFAULTS));
        if dir == root {
            break;
        }
        folder = dir.parent();
    }
    all.push(file.to_owned());
    if let Some(spec) = spec {
        all.extend(spec.secrets.values().filter_map(|secret| match &secret.source {
            SecretSource::File(path) => Some(path.clone()),
            SecretSource::Env(_) => None,
        }));
        all.extend(spec.ca_file.clone());
    }
    all
}

fn unreadable(path: &Path, error: std::io::Error) -> SpecError {
    SpecError::Layer(crate::link::LayerError::Read { file: path.to_owned(), error })
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> std::io::Result<T> + Send + 'static) -> std::io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(std::io::Error::other)?
}
