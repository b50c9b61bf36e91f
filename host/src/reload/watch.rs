//! Hearing about changes early. Only a hint: what counts is the scan, which also runs when nothing was heard, because
//! network disks, overlays and full queues tell nothing.

use std::{path::Path, time::Duration};

use notify_debouncer_full::{
    DebounceEventResult, Debouncer, RecommendedCache, new_debouncer,
    notify::{
        EventKind, RecommendedWatcher, RecursiveMode,
        event::{AccessKind, AccessMode},
    },
};

use super::{ReloadOptions, Trigger};

/// Changes within this time are one.
const DEBOUNCE: Duration = Duration::from_millis(50);

/// Watching ends when this is dropped.
pub(crate) type Watcher = Debouncer<RecommendedWatcher, RecommendedCache>;

/// Watches both directories; where that is not possible, says so once and leaves it to the periodic scan.
pub(crate) fn start(options: &ReloadOptions, trigger: Trigger) -> Option<Watcher> {
    let heard = move |result: DebounceEventResult| {
        // An error (a full queue, a vanished directory) is as good a reason to look as a change; reading is neither,
        // or every look would be the reason for the next.
        if result.is_err() || result.is_ok_and(|events| events.iter().any(|event| !is_reading(event.kind))) {
            trigger.changed();
        }
    };
    let mut watcher = match new_debouncer(DEBOUNCE, None, heard) {
        Ok(watcher) => watcher,
        Err(error) => {
            tracing::warn!(%error, every_s = options.rescan.as_secs(), "file changes cannot be watched; scanning only");
            return None;
        }
    };
    for (dir, mode) in [(&options.connectors, RecursiveMode::NonRecursive), (&options.links, RecursiveMode::Recursive)]
    {
        watch(&mut watcher, dir, mode, options.rescan);
    }
    Some(watcher)
}

fn is_reading(kind: EventKind) -> bool {
    matches!(kind, EventKind::Access(access) if access != AccessKind::Close(AccessMode::Write))
}

fn watch(watcher: &mut Watcher, dir: &Path, mode: RecursiveMode, rescan: Duration) {
    if let Err(error) = watcher.watch(dir, mode) {
        tracing::warn!(dir = %dir.display(), %error, every_s = rescan.as_secs(), "not watched; scanning only");
    }
}
