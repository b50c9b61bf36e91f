//! What lies in the directories: names and stamps, and one bounded read of a file. Never follows a pipe or a device into
//! a hang, and never reads a file twice.

use std::{
    fs, io,
    io::Read,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use super::signature;
use crate::{
    file::{self, Regular},
    link::DEFAULTS,
    runtime::COMPONENT_MAX,
};

/// Files looked at in one directory tree; more is a mistake, not a deployment.
const FILES_MAX: usize = 100_000;

/// What a connector file looked like when it was read, and its signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seen {
    file: Stamp,
    signature: Option<Stamp>,
}

impl Seen {
    /// How this connector file looks now; none when it is not there.
    pub(super) fn at(path: &Path) -> Option<Self> {
        Some(Self { file: Stamp::at(path)?, signature: Stamp::at(&signature::beside(path)) })
    }

    /// When the connector was last written.
    pub(super) fn modified(&self) -> (i64, i64) {
        self.file.modified
    }

    /// Was either touched within this time?
    pub(super) fn younger_than(&self, age: Duration) -> bool {
        self.file.younger_than(age) || self.signature.is_some_and(|stamp| stamp.younger_than(age))
    }
}

/// What changes when a file does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    inode: u64,
    len: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    fn of(meta: &fs::Metadata) -> Self {
        Self {
            inode: meta.ino(),
            len: meta.len(),
            modified: (meta.mtime(), meta.mtime_nsec()),
            changed: (meta.ctime(), meta.ctime_nsec()),
        }
    }

    /// The stamp of what this path leads to; none when there is nothing.
    pub(super) fn at(path: &Path) -> Option<Self> {
        fs::metadata(path).ok().map(|meta| Self::of(&meta))
    }

    /// Was it touched within this time? Then it may still be being written.
    pub(super) fn younger_than(&self, age: Duration) -> bool {
        let Ok(seconds) = u64::try_from(self.changed.0) else { return false };
        let nanos = u32::try_from(self.changed.1).unwrap_or(0);
        let touched = SystemTime::UNIX_EPOCH + Duration::new(seconds, nanos);
        // A stamp from the future (a clock that jumped) is not waited for.
        touched.elapsed().is_ok_and(|elapsed| elapsed < age)
    }
}

/// The `*.wasm` files of a directory, by name. Hidden files are somebody's temporary files.
pub(super) fn connector_files(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir)?.take(FILES_MAX) {
        let path = entry?.path();
        if named(&path, "wasm") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// What a walk through the links' tree found.
#[derive(Default)]
pub(crate) struct LinkFiles {
    /// The link files, by path.
    pub(crate) files: Vec<PathBuf>,
    /// What could not be looked at: a dangling link, a folder that may not be read. The rest is found all the same.
    pub(crate) problems: Vec<String>,
}

/// The link files of a directory tree; the defaults are not links, and hidden files are an editor's.
///
/// # Errors
/// When the root itself cannot be read.
pub(crate) fn link_files(root: &Path) -> io::Result<LinkFiles> {
    fs::read_dir(root)?;
    let mut found = LinkFiles::default();
    let visible = |entry: &walkdir::DirEntry| entry.depth() == 0 || !hidden(entry.path());
    let walk = walkdir::WalkDir::new(root).follow_links(true).max_depth(16).sort_by_file_name();
    for entry in walk.into_iter().filter_entry(visible).take(FILES_MAX) {
        match entry {
            Ok(entry) if entry.file_type().is_dir() || entry.file_name() == DEFAULTS => {}
            Ok(entry) if named(entry.path(), "toml") => found.files.push(entry.into_path()),
            Ok(_) => {}
            Err(error) if error.path().is_some_and(hidden) => {}
            Err(error) => found.problems.push(error.to_string()),
        }
    }
    Ok(found)
}

/// Is this, below the links' root, the name of a link's own file? Not of defaults, a folder, or an editor's.
pub(super) fn is_link(inside: &Path) -> bool {
    let hidden = inside.components().any(|part| part.as_os_str().as_encoded_bytes().starts_with(b"."));
    !hidden && inside.extension().is_some_and(|extension| extension == "toml") && !inside.ends_with(DEFAULTS)
}

/// Reads a connector once, whole; what was seen belongs to the bytes. The signature's stamp is from before it was read.
pub(super) fn read(path: &Path) -> io::Result<(Seen, Vec<u8>)> {
    let signature = Stamp::at(&signature::beside(path));
    let Regular { mut file, meta } = file::open(path)?;
    if meta.len() > COMPONENT_MAX as u64 {
        return Err(io::Error::other(format!("it has {} bytes; at most {COMPONENT_MAX} are accepted", meta.len())));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(meta.len()).unwrap_or(0));
    file.by_ref().take(COMPONENT_MAX as u64 + 1).read_to_end(&mut bytes)?;
    if Stamp::of(&file.metadata()?) != Stamp::of(&meta) || bytes.len() as u64 != meta.len() {
        return Err(io::Error::new(io::ErrorKind::WouldBlock, "it changed while it was being read"));
    }
    Ok((Seen { file: Stamp::of(&meta), signature }, bytes))
}

fn named(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|found| found == extension) && !hidden(path)
}

fn hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_and_foreign_files_are_not_seen() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["b.wasm", "a.wasm", ".c.wasm", "d.wasm.tmp", "e.txt"] {
            fs::write(dir.path().join(name), name).unwrap();
        }
        let names: Vec<_> =
            connector_files(dir.path()).unwrap().iter().map(|p| p.file_name().unwrap().to_owned()).collect();
        assert_eq!(names, ["a.wasm", "b.wasm"]);
    }

    #[test]
    fn defaults_and_hidden_folders_hold_no_links() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("zj/.git")).unwrap();
        for name in ["_defaults.toml", "zj/_defaults.toml", "zj/a.toml", "zj/.git/b.toml", "c.toml"] {
            fs::write(root.path().join(name), "").unwrap();
        }
        let found = link_files(root.path()).unwrap().files;
        let names: Vec<_> = found.iter().map(|p| p.strip_prefix(root.path()).unwrap().to_str().unwrap()).collect();
        assert_eq!(names, ["c.toml", "zj/a.toml"]);
    }

    #[test]
    fn what_cannot_be_looked_at_hides_nothing_else() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("z.toml"), "").unwrap();
        // What an editor leaves beside a file with unsaved changes, and a link to nowhere.
        std::os::unix::fs::symlink("user@host.1234", root.path().join(".#a.toml")).unwrap();
        std::os::unix::fs::symlink("nowhere.toml", root.path().join("b.toml")).unwrap();
        let found = link_files(root.path()).unwrap();
        assert_eq!(found.files, [root.path().join("z.toml")]);
        assert_eq!(found.problems.len(), 1, "{:?}", found.problems);
        assert!(link_files(&root.path().join("none")).is_err());
    }

    #[test]
    fn a_rewritten_file_has_another_stamp() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.wasm");
        fs::write(&path, "one").unwrap();
        let before = Stamp::at(&path).unwrap();
        fs::write(&path, "three").unwrap();
        assert_ne!(before, Stamp::at(&path).unwrap());
        assert_eq!(Stamp::at(&dir.path().join("none")), None);
    }
}
