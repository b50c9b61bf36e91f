//! Where a secret is: an environment variable or a file, as an operator writes it and as it is read. Never the secret
//! itself, and no error repeats what was written in its place. Reading blocks: files may lie on a slow disk.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use zeroize::Zeroizing;

use super::SECRET_MAX;

/// Where a secret comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SecretSource {
    /// An environment variable of the host.
    Env(String),
    /// A file.
    File(PathBuf),
}

impl SecretSource {
    /// The text that is there, as it is.
    ///
    /// # Errors
    /// Names the variable or the file, and says why there is nothing.
    pub(crate) fn read(&self) -> Result<Zeroizing<Vec<u8>>, String> {
        let text = match self {
            Self::Env(name) => std::env::var(name)
                .map(String::into_bytes)
                .map_err(|_| format!("environment variable {name} is not set (or not UTF-8) for this process")),
            Self::File(path) => {
                crate::file::read(path, SECRET_MAX as u64).map_err(|e| format!("{}: {e}", path.display()))
            }
        };
        text.map(Zeroizing::new)
    }
}

/// Where a secret comes from, as written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawSource {
    /// See [`SecretSource::Env`].
    pub(crate) env: Option<String>,
    /// See [`SecretSource::File`].
    pub(crate) file: Option<PathBuf>,
}

/// Not a place for a secret.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SourceError {
    /// Perhaps the secret itself.
    #[error("must be a variable's name (A-Z, a-z, 0-9, _); the secret itself is never written here")]
    Variable,
    /// Both or neither.
    #[error("give either `env` or `file`, and only one of them")]
    NotOne,
}

impl RawSource {
    /// The place; a relative file is below `root`.
    ///
    /// # Errors
    /// When it is none.
    pub(crate) fn parse(self, root: &Path) -> Result<SecretSource, SourceError> {
        match (self.env, self.file) {
            (Some(name), None) if is_variable(&name) => Ok(SecretSource::Env(name)),
            (Some(_), None) => Err(SourceError::Variable),
            (None, Some(path)) => Ok(SecretSource::File(root.join(path))),
            _ => Err(SourceError::NotOne),
        }
    }
}

fn is_variable(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}
