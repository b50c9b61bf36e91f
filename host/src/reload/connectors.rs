//! The connector files: what lies in their directory, and the last good revision of each. A file that is refused or gone
//! leaves its last good revision where it was.

use std::{collections::BTreeMap, path::PathBuf};

use jiff::Timestamp;

use super::{
    SETTLE, blocking, name,
    source::{self, Stamp},
    stage::Stager,
    status::{ConnectorStatus, State},
};
use crate::{id::ConnectorName, link::LinkSpec, runtime::PreparedRef};

/// Every connector file that is there, or was good once.
pub(super) struct Connectors {
    dir: PathBuf,
    stager: Stager,
    files: BTreeMap<PathBuf, File>,
}

struct File {
    seen: Option<Stamp>,
    good: Option<(Stamp, PreparedRef)>,
    reason: Option<String>,
    gone: bool,
    since: Timestamp,
}

impl Connectors {
    pub(super) fn new(dir: PathBuf, stager: Stager) -> Self {
        Self { dir, stager, files: BTreeMap::new() }
    }

    /// Looks at the directory and stages what changed. Returns whether something may still be being written.
    pub(super) async fn look(&mut self, problems: &mut Vec<String>) -> bool {
        let dir = self.dir.clone();
        let found = match blocking(move || source::connector_files(&dir)).await {
            Ok(found) => found,
            Err(error) => {
                problems.push(format!("{}: {error}", self.dir.display()));
                return false;
            }
        };
        for (path, file) in &mut self.files {
            let gone = !found.contains(path);
            if gone && !file.gone {
                tracing::warn!(file = %name(path), "connector file is gone; its last good revision serves on");
                (file.since, file.seen, file.reason) = (Timestamp::now(), None, None);
            }
            file.gone = gone;
        }
        self.files.retain(|_, file| !file.gone || file.good.is_some());
        let mut unsettled = false;
        for path in found {
            let now = Stamp::at(&path);
            let judged = |known: &File| known.seen.is_some() || known.reason.is_some();
            if self.files.get(&path).is_some_and(|known| judged(known) && known.seen == now) {
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
        let shown = name(&path);
        let new = || File { seen: None, good: None, reason: None, gone: false, since: Timestamp::now() };
        let file = self.files.entry(path).or_insert_with(new);
        match staged {
            Ok((stamp, prepared)) => {
                let (manifest, revision) = (&prepared.manifest, prepared.revision.short());
                tracing::info!(file = shown, connector = %manifest.name, version = %manifest.version, revision, "connector loaded");
                metrics::counter!("duijie_connector_loads_total", "result" => "loaded").increment(1);
                *file = File { seen: Some(stamp), good: Some((stamp, prepared)), ..new() };
                false
            }
            // A file that is still being copied looks broken; it is judged when it has settled.
            Err(_) if young => true,
            Err(error) => {
                let reason = error.to_string();
                tracing::warn!(file = shown, reason, serves_on = file.good.is_some(), "connector refused");
                metrics::counter!("duijie_connector_loads_total", "result" => "refused").increment(1);
                (file.seen, file.reason, file.since) = (now, Some(reason), Timestamp::now());
                false
            }
        }
    }

    /// The highest version that fits; between two files of one version, the one written last.
    pub(super) fn choose(&self, name: &ConnectorName, version: &semver::VersionReq) -> Option<&PreparedRef> {
        let fitting = self.good().filter(|(_, c)| c.manifest.name == *name && version.matches(&c.manifest.version));
        let highest = fitting.max_by_key(|(stamp, c)| (c.manifest.version.clone(), stamp.modified()));
        highest.map(|(_, connector)| connector)
    }

    /// Why [`choose`](Self::choose) found nothing for this link.
    pub(super) fn none_for(&self, spec: &LinkSpec) -> String {
        let of_name = self.good().filter(|(_, c)| c.manifest.name == spec.connector);
        let versions: Vec<String> = of_name.map(|(_, c)| c.manifest.version.to_string()).collect();
        if versions.is_empty() {
            let dir = self.dir.display();
            let text = format!("no connector {} is loaded; put its .wasm into {dir}", spec.connector);
            return spec.wrong("connector", text).to_string();
        }
        let (name, wanted, versions) = (&spec.connector, &spec.version, versions.join(", "));
        spec.wrong("version", format!("no loaded version of {name} fits {wanted}; there is {versions}")).to_string()
    }

    fn good(&self) -> impl Iterator<Item = &(Stamp, PreparedRef)> {
        self.files.values().filter_map(|file| file.good.as_ref())
    }

    /// How every file stands.
    pub(super) fn status(&self) -> Vec<ConnectorStatus> {
        let one = |(path, file): (&PathBuf, &File)| {
            let good = file.good.as_ref().map(|(_, connector)| connector);
            ConnectorStatus {
                file: name(path),
                state: if file.gone { State::Gone } else { State::of(good.is_some(), file.reason.is_some()) },
                name: good.map(|c| c.manifest.name.to_string()),
                version: good.map(|c| c.manifest.version.to_string()),
                revision: good.map(|c| c.revision),
                reason: file.reason.clone(),
                since: file.since,
            }
        };
        self.files.iter().map(one).collect()
    }
}
