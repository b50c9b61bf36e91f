//! The calls of a trace that a disk can refuse, each as strace counts it.

use std::{collections::HashMap, fs, path::Path};

use anyhow::{Context as _, Result};

use crate::soak::power::{Line, descriptor, line, parts};

/// Those that write, sync or cut.
pub(super) const CALLS: [&str; 4] = ["pwrite64", "fdatasync", "fsync", "ftruncate"];

/// What the database itself is called here, and the directory that it lies in.
const DATABASE: &str = "the database";
const DIRECTORY: &str = "the directory";

/// What a call was for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// For a commit, or for what may be one.
    Commit,
    /// For a checkpoint: the log keeps what it would have moved, so SQLite goes on, and may.
    Checkpoint,
    /// For names: SQLite does not look whether the directory was synced.
    Names,
}

/// A call.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Call {
    /// What.
    pub(super) name: String,
    /// The how manieth of this name in its thread: so strace counts.
    pub(super) nth: u64,
    /// The end of the file's name, or what it is.
    pub(super) file: String,
    /// It was made to fail.
    pub(super) injected: bool,
}

/// All of them, in the order in which they began.
pub(super) fn read(trace: &Path, database: &str) -> Result<Vec<Call>> {
    let text = fs::read_to_string(trace).with_context(|| format!("reading {}", trace.display()))?;
    let (mut calls, mut counts) = (Vec::new(), HashMap::<(u32, String), u64>::new());
    let mut under_way = HashMap::<u32, usize>::new();
    for text in text.lines() {
        let (pid, name, text, whole) = match line(text)? {
            Line::Whole { pid, name, text } => (pid, name, text, true),
            Line::Started { pid, name, text } => (pid, name, text, false),
            Line::Resumed { pid, text, .. } => {
                let begun = under_way.remove(&pid).and_then(|at| calls.get_mut(at));
                if let Some(Call { injected, .. }) = begun {
                    *injected = text.ends_with("(INJECTED)");
                }
                continue;
            }
            Line::Other => continue,
        };
        if !CALLS.contains(&name) {
            continue;
        }
        let (arguments, _) = parts(text);
        let (_, path, _) = descriptor(arguments.first().copied().unwrap_or_default())?;
        let nth = counts.entry((pid, name.to_owned())).or_default();
        *nth += 1;
        let name_of_file = path.rsplit('/').next().unwrap_or_default();
        let file = match name_of_file.strip_prefix(database) {
            Some("") => DATABASE,
            Some(companion) => companion,
            None => DIRECTORY,
        };
        if !whole {
            under_way.insert(pid, calls.len());
        }
        calls.push(Call {
            name: name.to_owned(),
            nth: *nth,
            file: file.to_owned(),
            injected: whole && text.ends_with("(INJECTED)"),
        });
    }
    Ok(calls)
}

/// The call that was made to fail, and what it was for.
pub(super) fn hit(calls: &[Call]) -> Option<(&Call, Part)> {
    let at = calls.iter().position(|call| call.injected)?;
    let (before, call) = (calls.get(..at)?, calls.get(at)?);
    let last = before.iter().rfind(|earlier| earlier.file == call.file);
    let syncs = |call: &Call| call.name.ends_with("sync");
    let part = match call.file.as_str() {
        DIRECTORY => Part::Names,
        // Before there is a log, a commit by the rollback journal writes to the database.
        DATABASE if before.iter().any(|earlier| earlier.file == "-wal") => Part::Checkpoint,
        // A checkpoint begins with a sync of the log, to which nothing was added since the last.
        "-wal" if syncs(call) && last.is_some_and(syncs) => Part::Checkpoint,
        _ => Part::Commit,
    };
    Some((call, part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_counted_by_thread_and_name() {
        let trace = "1 pwrite64(4</d/q>, \"\", 0, 0) = 0\n2 pwrite64(4</d/q-wal>, \"\", 0, 0 <unfinished ...>\n\
            1 fdatasync(4</d/q>) = -1 EIO (Input/output error) (INJECTED)\n\
            2 <... pwrite64 resumed>) = -1 ENOSPC (No space left on device) (INJECTED)\n\
            1 pwrite64(4</d/q>, \"\", 0, 0) = 0\n1 openat(1</>, \"\", 0) = 3</x>\n1 +++ exited with 0 +++\n";
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), trace).unwrap();
        let calls = read(file.path(), "q").unwrap();
        let found: Vec<_> = calls.iter().map(|call| (call.name.as_str(), call.nth, call.injected)).collect();
        let expected = [("pwrite64", 1, false), ("pwrite64", 1, true), ("fdatasync", 1, true), ("pwrite64", 2, false)];
        assert_eq!(found, expected);
        assert_eq!((calls[0].file.as_str(), calls[1].file.as_str()), ("the database", "-wal"));
    }
    #[test]
    fn a_sync_of_the_log_that_follows_another_is_of_a_checkpoint() {
        let call = |name: &str, file: &str, injected| Call { name: name.into(), nth: 1, file: file.into(), injected };
        let part = |calls: &[Call]| hit(calls).map(|(_, part)| part);
        let (written, synced) = (call("pwrite64", "-wal", false), call("fsync", "-wal", false));
        let failed = call("fsync", "-wal", true);
        assert_eq!(part(&[written.clone(), failed.clone()]), Some(Part::Commit));
        assert_eq!(part(&[written.clone(), synced.clone(), failed]), Some(Part::Checkpoint));
        assert_eq!(part(&[written, call("pwrite64", DATABASE, true)]), Some(Part::Checkpoint));
        assert_eq!(part(&[call("pwrite64", DATABASE, true)]), Some(Part::Commit));
        assert_eq!((part(&[call("fsync", DIRECTORY, true)]), part(&[synced])), (Some(Part::Names), None));
    }
}
