//! The link files: what lies in their tree, and the last good state of each link. A link is read and bound again when its
//! file, a default above it, a secret's file or its connector changed, and not otherwise: with thousands of links, one
//! edit touches one of them.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    path::{Path, PathBuf},
    sync::Arc,
};

use jiff::Timestamp;

use super::{
    SETTLE, blocking,
    connectors::Connectors,
    source::{Stamp, link_files},
    status::{LinkStatus, State},
};
use crate::{
    id::{ConnectorName, LinkId},
    link::{
        DEFAULTS, Entry, Link, LinkSpec, Table,
        bind::{Binder, Material},
        spec::{SecretSource, SpecError, link_id},
    },
    runtime::PreparedRef,
};

/// Every link whose file is there.
pub(super) struct Links {
    root: PathBuf,
    binder: Binder,
    files: BTreeMap<LinkId, File>,
    /// Is this the first look? Nothing serves yet, so nothing is gained by waiting for a file to settle.
    first: bool,
}

struct File {
    /// Everything that was read for it, with its stamp from before: a change of any makes it be read again.
    seen: Stamps,
    wants: Option<(ConnectorName, semver::VersionReq)>,
    /// What it was last bound against, in vain or not.
    tried: Option<PreparedRef>,
    good: Option<Arc<Link>>,
    reason: Option<String>,
    since: Timestamp,
}

type Stamps = Vec<(PathBuf, Option<Stamp>)>;

/// What a look found.
#[derive(Default)]
pub(super) struct Looked {
    /// The table is not what it was.
    pub(super) changed: bool,
    /// Something may still be being written.
    pub(super) unsettled: bool,
}

impl Links {
    pub(super) fn new(root: PathBuf, binder: Binder) -> Self {
        Self { root, binder, files: BTreeMap::new(), first: true }
    }

    /// Looks at the tree and binds what changed.
    pub(super) async fn look(&mut self, connectors: &Connectors, problems: &mut Vec<String>) -> Looked {
        let root = self.root.clone();
        let found = match blocking(move || link_files(&root)).await {
            Ok(found) => found,
            Err(error) => {
                problems.push(format!("{}: {error}", self.root.display()));
                return Looked::default();
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
        let before = self.files.len();
        self.files.retain(|id, _| {
            let stays = present.contains_key(id);
            if !stays {
                tracing::info!(link = %id, "link removed");
            }
            stays
        });
        let mut looked = Looked { changed: self.first || self.files.len() != before, unsettled: false };
        for (id, path) in self.touched(present, connectors).await.unwrap_or_default() {
            let one = self.bind(id, path, connectors).await;
            looked.changed |= one.changed;
            looked.unsettled |= one.unsettled;
        }
        self.first = false;
        looked
    }

    /// The links whose files, secrets or connector are not what they were when last looked at.
    async fn touched(
        &self,
        present: BTreeMap<LinkId, PathBuf>,
        connectors: &Connectors,
    ) -> std::io::Result<Vec<(LinkId, PathBuf)>> {
        // Thousands of links share the same few defaults: each file is asked for its stamp once.
        let paths: HashSet<PathBuf> =
            self.files.values().flat_map(|file| &file.seen).map(|(path, _)| path.clone()).collect();
        let now: HashMap<PathBuf, Option<Stamp>> = blocking(move || Ok(stamps(paths).into_iter().collect())).await?;
        let as_before = |file: &File| {
            let choice = file.wants.as_ref().and_then(|(name, version)| connectors.choose(name, version));
            same(file.tried.as_ref(), choice)
                && !file.seen.is_empty()
                && file.seen.iter().all(|(path, stamp)| now.get(path) == Some(stamp))
        };
        Ok(present.into_iter().filter(|(id, _)| !self.files.get(id).is_some_and(as_before)).collect())
    }

    async fn bind(&mut self, id: LinkId, path: PathBuf, connectors: &Connectors) -> Looked {
        let Ok((seen, spec, material)) = self.read(path).await else {
            // The reading thread is gone, and with it the process is on its way out.
            return Looked::default();
        };
        let wants = spec.as_ref().ok().map(|spec| (spec.connector.clone(), spec.version.clone()));
        let choice = wants.as_ref().and_then(|(name, version)| connectors.choose(name, version)).cloned();
        let bound = match (&spec, &choice) {
            (Err(error), _) => Err(error.to_string()),
            (Ok(spec), None) => Err(connectors.none_for(spec)),
            (Ok(spec), Some(connector)) => {
                self.binder.bind(spec, material, connector.clone()).await.map_err(|e| e.to_string())
            }
        };
        let young = seen.iter().any(|(_, stamp)| stamp.is_some_and(|stamp| stamp.younger_than(SETTLE)));
        let known = self.files.entry(id.clone()).or_insert_with(|| File {
            seen: Vec::new(),
            wants: None,
            tried: None,
            good: None,
            reason: None,
            since: Timestamp::now(),
        });
        match bound {
            Ok(link) => {
                let (manifest, revision) = (&link.connector.manifest, link.connector.revision.short());
                tracing::info!(link = %id, connector = %manifest.name, version = %manifest.version, revision, "link live");
                let good = Some(Arc::new(link));
                *known = File { seen, wants, tried: choice, good, reason: None, since: Timestamp::now() };
                Looked { changed: true, unsettled: false }
            }
            // A file that is still being written looks wrong; it is judged when it has settled.
            Err(_) if young && !self.first => Looked { changed: false, unsettled: true },
            Err(reason) => {
                tracing::warn!(link = %id, reason, serves_on = known.good.is_some(), "link refused");
                let good = known.good.take();
                *known = File { seen, wants, tried: choice, good, reason: Some(reason), since: Timestamp::now() };
                Looked { changed: known.good.is_none(), unsettled: false }
            }
        }
    }

    /// Reads a link's files, and what they point to. The stamps are from before: a file that changes meanwhile is read
    /// again at the next look.
    async fn read(&self, path: PathBuf) -> std::io::Result<(Stamps, Result<LinkSpec, SpecError>, Material)> {
        let root = self.root.clone();
        blocking(move || {
            let mut seen = stamps(layers(&root, &path));
            let spec = LinkSpec::read(&root, &path);
            seen.extend(spec.as_ref().map(|spec| stamps(secret_files(spec))).unwrap_or_default());
            let material = spec.as_ref().map(Material::read).unwrap_or_default();
            Ok((seen, spec, material))
        })
        .await
    }

    /// What is to be served now.
    pub(super) fn table(&self) -> Table {
        let entry = |link: &File| match &link.good {
            Some(good) => Entry::Serving(good.clone()),
            None => Entry::Refused { connector: link.wants.as_ref().map(|(name, _)| name.clone()) },
        };
        Table::new(self.files.iter().map(|(id, link)| (id.clone(), entry(link))).collect())
    }

    /// How every link stands.
    pub(super) fn status(&self) -> Vec<LinkStatus> {
        let one = |(id, file): (&LinkId, &File)| {
            let connector = file.good.as_ref().map(|link| &link.connector);
            LinkStatus {
                link: id.clone(),
                state: State::of(connector.is_some(), file.reason.is_some()),
                connector: connector.map(|c| format!("{} {}", c.manifest.name, c.manifest.version)),
                revision: connector.map(|c| c.revision),
                reason: file.reason.clone(),
                since: file.since,
            }
        };
        self.files.iter().map(one).collect()
    }
}

fn same(tried: Option<&PreparedRef>, choice: Option<&PreparedRef>) -> bool {
    match (tried, choice) {
        (Some(tried), Some(choice)) => Arc::ptr_eq(tried, choice),
        (None, None) => true,
        _ => false,
    }
}

fn stamps(paths: impl IntoIterator<Item = PathBuf>) -> Stamps {
    let stamped = |path: PathBuf| {
        let stamp = Stamp::at(&path);
        (path, stamp)
    };
    paths.into_iter().map(stamped).collect()
}

/// The files a link's TOML is made of: the defaults above it, present or not, and its own.
fn layers(root: &Path, file: &Path) -> Vec<PathBuf> {
    let folders = file.ancestors().skip(1).take_while(|folder| folder.starts_with(root));
    folders.map(|folder| folder.join(DEFAULTS)).chain([file.to_owned()]).collect()
}

/// The files that a link's secrets and its CA are read from.
fn secret_files(spec: &LinkSpec) -> Vec<PathBuf> {
    let hooks = spec.hooks.values().map(|hook| &hook.path_secret);
    let sources = spec.secrets.values().map(|secret| &secret.source).chain(hooks);
    let sources = sources.chain(spec.platform.as_ref().map(|platform| &platform.secret));
    let secrets = sources.filter_map(|source| match source {
        SecretSource::File(path) => Some(path.clone()),
        SecretSource::Env(_) => None,
    });
    secrets.chain(spec.ca_file.clone()).collect()
}
