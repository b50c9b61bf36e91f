//! Reading files that somebody else put there: bounded, and never a pipe or a device, which would hang whoever opens it.
//! Blocks; call it where blocking is allowed.

use std::{
    fs::{File, Metadata, OpenOptions},
    io::{self, Read},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

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
}
