//! Reading files that somebody else put there: bounded, and never a pipe or a device, which would hang whoever opens it.
//! Writing files of our own: whole or not at all. Blocks; call it where blocking is allowed.

use std::{
    fs::{File, Metadata, OpenOptions},
    io::{self, Read, Write as _},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

/// How the name of a file begins that is not whole yet.
const UNFINISHED: &str = ".new-";

/// A regular file that is open, with what was known of it then.
pub(crate) struct Regular {
    pub(crate) file: File,
    pub(crate) meta: Metadata,
}

/// Opens a regular file; anything else is refused without waiting for it.
///
/// # Errors
/// When there is none, or it may not be read.
pub(crate) fn open(path: &Path) -> io::Result<Regular> {
    // Opening a pipe that nobody writes to would block for ever.
    let nonblock = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).map_err(io::Error::other)?;
    let file = OpenOptions::new().read(true).custom_flags(nonblock).open(path)?;
    let meta = file.metadata()?;
    if meta.is_file() { Ok(Regular { file, meta }) } else { Err(io::Error::other("it is not a regular file")) }
}

/// Reads a regular file of at most `max` bytes, whole.
///
/// # Errors
/// As [`open`], and when it is larger.
pub(crate) fn read(path: &Path, max: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?.file.take(max.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > max {
        return Err(io::Error::other(format!("it has more than {max} bytes")));
    }
    Ok(bytes)
}

/// Writes the whole file anew beside the old one, only its owner may read it, and puts it in its place when it is on the
/// disk: whoever is killed meanwhile leaves the old one.
///
/// # Errors
/// When it cannot be written, synced or renamed.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let dir = path.parent().unwrap_or(Path::new("."));
    let mut new = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(dir)?;
    new.write_all(bytes)?;
    new.as_file().sync_all()?;
    new.persist(path).map_err(|error| error.error)?;
    File::open(dir)?.sync_all()
}

/// Removes what [`replace`] left behind when it was killed. Only for a directory that is this process's alone.
pub(crate) fn clear_unfinished(dir: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        if path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(UNFINISHED.as_bytes())) {
            std::fs::remove_file(path)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pipe_is_refused_and_does_not_hang() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pipe");
        rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR, 0).unwrap();
        assert!(read(&path, 10).unwrap_err().to_string().contains("regular file"));
    }

    #[test]
    fn a_file_over_the_bound_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        std::fs::write(&path, "12345").unwrap();
        assert_eq!(read(&path, 5).unwrap(), b"12345");
        assert!(read(&path, 4).unwrap_err().to_string().contains("more than 4 bytes"));
    }

    #[test]
    fn a_replaced_file_has_the_new_content_and_nothing_lies_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        for text in ["old", "new"] {
            replace(&path, text.as_bytes()).unwrap();
            assert_eq!(read(&path, 5).unwrap(), text.as_bytes());
        }
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
        assert!(replace(&dir.path().join("none/file"), b"").is_err());
    }
}
