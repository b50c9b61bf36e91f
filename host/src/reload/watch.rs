//! Hearing about changes early. Only a hint: what counts is the scan, which also runs when nothing was heard, because
//! network disks, overlays and full queues tell nothing. Watches the folder above each directory too, so that a directory
//! that is replaced (a flipped link, a new mount) is followed.

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use notify_debouncer_full::{
    DebounceEventResult, DebouncedEvent, Debouncer, RecommendedCache, new_debouncer,
    notify::{
        EventKind, RecommendedWatcher, RecursiveMode,
        event::{AccessKind, AccessMode},
    },
};

use super::{Event, ReloadOptions, Trigger, source};

/// Changes within this time are one.
const DEBOUNCE: Duration = Duration::from_millis(50);

/// Changed link files that are looked at one by one; of more, the tree is.
const LINKS_MAX: usize = 64;

/// Watching ends when this is dropped.
pub(crate) struct Watcher {
    /// None where watching is not possible.
    debouncer: Option<Debouncer<RecommendedWatcher, RecommendedCache>>,
    watched: Vec<Watched>,
    rescan: Duration,
}

/// A directory that is to be watched.
struct Watched {
    dir: PathBuf,
    mode: RecursiveMode,
    /// Device and inode of what is watched; none when nothing is.
    at: Option<(u64, u64)>,
    told: bool,
}

impl Watcher {
    /// Watches both directories; where that is not possible, says so once and leaves it to the periodic scan.
    pub(crate) fn start(options: &ReloadOptions, trigger: Trigger) -> Self {
        let own = [&options.connectors, &options.links].map(|dir| absolute(dir));
        let (dirs, links) = (own.clone(), options.links.clone());
        let heard = move |result: DebounceEventResult| {
            // An error (a full queue, a vanished directory) is as good a reason to look as a change; reading is neither,
            // or every look would be the reason for the next. Nor is what else happens in the folder above: a log, say.
            let concerns = |event: &&DebouncedEvent| {
                let inside = |path: &PathBuf| dirs.iter().any(|dir| path.starts_with(dir));
                !is_reading(event.kind) && (event.paths.is_empty() || event.paths.iter().any(inside))
            };
            let Ok(events) = result else { return trigger.tell(Event::FilesChanged) };
            let events: Vec<&DebouncedEvent> = events.iter().filter(concerns).collect();
            if !events.is_empty() {
                let only = only_links(&events, [&dirs[1], &links]);
                trigger.tell(only.map_or(Event::FilesChanged, Event::LinksChanged));
            }
        };
        let debouncer = new_debouncer(DEBOUNCE, None, heard);
        if let Err(error) = &debouncer {
            let every_s = options.rescan.as_secs();
            tracing::warn!(%error, every_s, "file changes cannot be watched; scanning only");
        }
        let above =
            own.clone().into_iter().filter_map(|dir| Some((dir.parent()?.to_owned(), RecursiveMode::NonRecursive)));
        let modes = [RecursiveMode::NonRecursive, RecursiveMode::Recursive];
        let mut watched: Vec<Watched> = Vec::new();
        for (dir, mode) in own.clone().into_iter().zip(modes).chain(above) {
            if !watched.iter().any(|known| known.dir == dir) {
                watched.push(Watched { dir, mode, at: None, told: false });
            }
        }
        let mut watcher = Self { debouncer: debouncer.ok(), watched, rescan: options.rescan };
        watcher.follow();
        watcher
    }

    /// Watches what is now at the place of a directory that was replaced, or is there at last.
    pub(super) fn follow(&mut self) {
        let Some(debouncer) = &mut self.debouncer else { return };
        for watched in &mut self.watched {
            let now = place(&watched.dir);
            if now == watched.at {
                continue;
            }
            // What was there may be gone, and its watch with it.
            let _ = debouncer.unwatch(&watched.dir);
            watched.at = None;
            match debouncer.watch(&watched.dir, watched.mode) {
                Ok(()) => (watched.at, watched.told) = (now, false),
                Err(error) if !watched.told => {
                    watched.told = true;
                    let (dir, every_s) = (watched.dir.display(), self.rescan.as_secs());
                    tracing::warn!(%dir, %error, every_s, "not watched; scanning only");
                }
                Err(_) => {}
            }
        }
    }
}

/// The files that changed, if they are a few link files and nothing else: then nothing else need be looked at. They are
/// named below the second folder, where events name them below the first.
fn only_links(events: &[&DebouncedEvent], [from, to]: [&PathBuf; 2]) -> Option<Vec<PathBuf>> {
    let mut links = BTreeSet::new();
    for event in events {
        if event.paths.is_empty() {
            return None;
        }
        for path in &event.paths {
            let inside = path.strip_prefix(from).ok().filter(|inside| source::is_link(inside))?;
            links.insert(to.join(inside));
        }
    }
    (links.len() <= LINKS_MAX).then(|| links.into_iter().collect())
}

/// As events name it.
fn absolute(dir: &Path) -> PathBuf {
    std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned())
}

fn is_reading(kind: EventKind) -> bool {
    matches!(kind, EventKind::Access(access) if access != AccessKind::Close(AccessMode::Write))
}

fn place(dir: &Path) -> Option<(u64, u64)> {
    fs::metadata(dir).ok().map(|meta| (meta.dev(), meta.ino()))
}
