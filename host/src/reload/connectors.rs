//! The connector files: what lies in their directory, and the last good revision of each. Files are staged beside the
//! reconciler, so that a large or hostile one holds up nothing else. A file that is refused or gone leaves its last good
//! revision where it was.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::PathBuf,
    sync::Arc,
};

use jiff::Timestamp;
use tokio::sync::mpsc;

use super::{
    Event, SETTLE, Trigger, blocking, name,
    source::{self, Seen},
    stage::{StageError, Stager},
    status::{ConnectorStatus, Refusal, State},
};
use crate::{
    id::{ConnectorName, Pin, Revision},
    link::LinkSpec,
    runtime::PreparedRef,
};

/// Every connector file that is there, or was good once, and the revisions that serve without a file.
pub(super) struct Connectors {
    dir: PathBuf,
    stager: Arc<Stager>,
    files: BTreeMap<PathBuf, File>,
    /// Served before, and needed again.
    restored: HashMap<Revision, Option<PreparedRef>>,
    results: (mpsc::UnboundedSender<Staged>, mpsc::UnboundedReceiver<Staged>),
    trigger: Trigger,
}

/// How staging a file ended.
struct Staged {
    path: PathBuf,
    /// What the file looked like before.
    before: Option<Seen>,
    /// And after.
    after: Option<Seen>,
    result: Result<(Seen, PreparedRef), StageError>,
}

struct File {
    seen: Option<Seen>,
    good: Option<(Seen, PreparedRef)>,
    refusal: Option<Refusal>,
    /// It was refused so young that it may still have been being written: this counts if it is the same when it has settled.
    doubt: Option<(Option<Seen>, Refusal)>,
    /// It was refused for what may pass by itself: it is staged again when it is time to look anyway.
    may_pass: bool,
    staging: bool,
    gone: bool,
    since: Timestamp,
}

impl File {
    fn new() -> Self {
        let since = Timestamp::now();
        Self { seen: None, good: None, refusal: None, doubt: None, may_pass: false, staging: false, gone: false, since }
    }

    fn refuse(&mut self, shown: &str, seen: Option<Seen>, refusal: Refusal) {
        tracing::warn!(file = shown, step = ?refusal.step, reason = refusal.reason, serves_on = self.good.is_some(), "connector refused");
        metrics::counter!("duijie_connector_loads_total", "result" => "refused").increment(1);
        (self.seen, self.refusal, self.since) = (seen, Some(refusal), Timestamp::now());
    }
}

impl Connectors {
    pub(super) fn new(dir: PathBuf, stager: Stager, trigger: Trigger) -> Self {
        let (stager, results) = (Arc::new(stager), mpsc::unbounded_channel());
        Self { dir, stager, files: BTreeMap::new(), restored: HashMap::new(), results, trigger }
    }

    /// Looks at the directory, and begins to stage what changed; takes what was staged meanwhile. Returns whether
    /// something may still be being written. `again` gives what failed for passing reasons another try.
    pub(super) async fn look(&mut self, again: bool, problems: &mut Vec<String>) -> bool {
        let dir = self.dir.clone();
        let list = move || {
            let files = source::connector_files(&dir)?;
            Ok(files.into_iter().map(|path| (path.clone(), Seen::at(&path))).collect::<BTreeMap<_, _>>())
        };
        let found = match blocking(list).await {
            Ok(found) => found,
            Err(error) => {
                problems.push(format!("{}: {error}", self.dir.display()));
                return false;
            }
        };
        let mut unsettled = false;
        while let Ok(staged) = self.results.1.try_recv() {
            unsettled |= self.take(staged);
        }
        for (path, file) in &mut self.files {
            let gone = !found.contains_key(path);
            if gone && !file.gone {
                tracing::warn!(file = %name(path), "connector file is gone; its last good revision serves on");
                (file.since, file.seen, file.refusal, file.doubt) = (Timestamp::now(), None, None, None);
            }
            file.gone = gone;
        }
        self.files.retain(|_, file| !file.gone || file.good.is_some() || file.staging);
        if again {
            self.restored.retain(|_, restored| restored.is_some());
        }
        for (path, now) in found {
            let file = self.files.entry(path.clone()).or_insert_with(File::new);
            if let Some((seen, refusal)) = file.doubt.take_if(|(seen, _)| *seen == now) {
                if now.is_some_and(|seen| seen.younger_than(SETTLE)) {
                    file.doubt = Some((seen, refusal));
                    unsettled = true;
                    continue;
                }
                file.refuse(&name(&path), now, refusal);
            }
            let judged = (file.seen.is_some() || file.refusal.is_some()) && file.seen == now;
            // One at a time of each: what changes meanwhile is staged when that is over.
            if (!judged || (again && file.may_pass)) && !file.staging {
                file.staging = true;
                self.begin(path, now);
            }
        }
        unsettled
    }

    fn begin(&self, path: PathBuf, before: Option<Seen>) {
        let (stager, results, trigger) = (self.stager.clone(), self.results.0.clone(), self.trigger.clone());
        tokio::spawn(async move {
            let result = stager.stage(path.clone()).await;
            let looked = path.clone();
            let after = blocking(move || Ok(Seen::at(&looked))).await.ok().flatten();
            let _ = results.send(Staged { path, before, after, result });
            trigger.tell(Event::Staged);
        });
    }

    /// Waits until nothing is being staged: for whoever looks once, and for the start.
    pub(super) async fn staged(&mut self) -> bool {
        let mut unsettled = false;
        while self.files.values().any(|file| file.staging) {
            let Some(staged) = self.results.1.recv().await else { break };
            unsettled |= self.take(staged);
        }
        unsettled
    }

    /// Returns whether the file should be looked at again soon.
    fn take(&mut self, Staged { path, before, after: now, result }: Staged) -> bool {
        let shown = name(&path);
        let Some(file) = self.files.get_mut(&path) else { return false };
        (file.staging, file.may_pass) = (false, result.as_ref().is_err_and(StageError::may_pass));
        match result {
            Ok((seen, prepared)) => {
                let (manifest, revision) = (&prepared.manifest, prepared.revision.short());
                tracing::info!(file = shown, connector = %manifest.name, version = %manifest.version, revision, "connector loaded");
                metrics::counter!("duijie_connector_loads_total", "result" => "loaded").increment(1);
                *file = File { seen: Some(seen), good: Some((seen, prepared)), ..File::new() };
                // It may be another by now.
                now != Some(seen)
            }
            // A file that is still being copied looks broken.
            Err(_) if now != before => true,
            Err(error) if before.is_some_and(|seen| seen.younger_than(SETTLE)) => {
                file.doubt = Some((before, error.refusal()));
                true
            }
            Err(error) => {
                file.refuse(&shown, before, error.refusal());
                false
            }
        }
    }

    /// Has these revisions at hand although no file brings them; others that were restored are let go.
    pub(super) async fn restore(&mut self, wanted: &BTreeSet<Revision>) {
        self.restored.retain(|revision, _| wanted.contains(revision));
        self.restore_too(wanted).await;
    }

    /// The same, and lets none go.
    pub(super) async fn restore_too(&mut self, wanted: &BTreeSet<Revision>) {
        for revision in wanted {
            if self.of_file(*revision).is_none() && !self.restored.contains_key(revision) {
                let restored = self.stager.restore(*revision).await;
                if let Err(error) = &restored {
                    tracing::error!(revision = revision.short(), %error, "a revision that served before cannot be restored");
                }
                self.restored.insert(*revision, restored.ok());
            }
        }
    }

    /// This revision, if a file brings it.
    pub(super) fn of_file(&self, revision: Revision) -> Option<&PreparedRef> {
        self.good().map(|(_, connector)| connector).find(|connector| connector.revision == revision)
    }

    /// This revision, if it is at hand.
    pub(super) fn revision(&self, revision: Revision) -> Option<&PreparedRef> {
        self.of_file(revision).or_else(|| self.restored.get(&revision).and_then(Option::as_ref))
    }

    /// The highest version that fits and is wanted; between two files of one version, the one written last. What a file
    /// that is gone left behind counts only when no file brings any.
    pub(super) fn choose(
        &self,
        name: &ConnectorName,
        version: &semver::VersionReq,
        wanted: impl Fn(Revision) -> bool,
    ) -> Option<&PreparedRef> {
        let fits =
            |c: &PreparedRef| c.manifest.name == *name && version.matches(&c.manifest.version) && wanted(c.revision);
        let highest = |gone: bool| {
            let files = self.files.values().filter(|file| file.gone == gone).filter_map(|file| file.good.as_ref());
            let fitting = files.filter(|(_, c)| fits(c));
            fitting
                .max_by_key(|(seen, c)| (c.manifest.version.clone(), seen.modified()))
                .map(|(_, connector)| connector)
        };
        highest(false).or_else(|| highest(true))
    }

    /// The revision that a link is pinned to.
    pub(super) fn pinned(&self, name: &ConnectorName, pin: &Pin) -> Option<&PreparedRef> {
        let at_hand = self.good().map(|(_, connector)| connector).chain(self.restored.values().flatten());
        at_hand.into_iter().find(|c| c.manifest.name == *name && pin.is(c.revision))
    }

    /// Why nothing was chosen for this link.
    pub(super) fn none_for(&self, spec: &LinkSpec) -> String {
        let of_name: Vec<_> = self.good().map(|(_, c)| c).filter(|c| c.manifest.name == spec.connector).collect();
        let dir = self.dir.display();
        if of_name.is_empty() {
            let text = format!("no connector {} is loaded; put its .wasm into {dir}", spec.connector);
            return spec.wrong("connector", text).to_string();
        }
        let name = &spec.connector;
        if let Some(pin) = &spec.pin {
            let there = of_name.iter().map(|c| c.revision.short()).collect::<Vec<_>>().join(", ");
            let text = format!("no revision {pin} of {name} is loaded or kept; there is {there}");
            return spec.wrong("pin", text).to_string();
        }
        let versions = of_name.iter().map(|c| c.manifest.version.to_string()).collect::<Vec<_>>().join(", ");
        let wanted = &spec.version;
        spec.wrong("version", format!("no loaded version of {name} fits {wanted}; there is {versions}")).to_string()
    }

    fn good(&self) -> impl Iterator<Item = &(Seen, PreparedRef)> {
        self.files.values().filter_map(|file| file.good.as_ref())
    }

    /// Keeps on disk what may be asked for again: these, and what the files bring.
    pub(super) async fn prune(&self, mut keep: BTreeSet<Revision>) {
        // What is being staged may just have been written, and is not known here yet.
        if self.files.values().all(|file| !file.staging) {
            keep.extend(self.good().map(|(_, connector)| connector.revision));
            self.stager.prune(keep).await;
        }
    }

    /// How every file stands.
    pub(super) fn status(&self) -> Vec<ConnectorStatus> {
        let one = |(path, file): (&PathBuf, &File)| {
            let good = file.good.as_ref().map(|(_, connector)| connector);
            let state = match (file.gone, file.staging || file.doubt.is_some()) {
                (true, _) => State::Gone,
                (false, true) => State::Settling,
                (false, false) => State::of(good.is_some(), file.refusal.is_some()),
            };
            ConnectorStatus {
                file: name(path),
                state,
                name: good.map(|c| c.manifest.name.to_string()),
                version: good.map(|c| c.manifest.version.to_string()),
                revision: good.map(|c| c.revision),
                step: file.refusal.as_ref().map(|refusal| refusal.step),
                reason: file.refusal.as_ref().map(|refusal| refusal.reason.clone()),
                since: file.since,
            }
        };
        self.files.iter().map(one).collect()
    }
}
