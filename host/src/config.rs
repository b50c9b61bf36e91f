//! `duijie.toml` into each module's typed options. Strict; names file, line and key. Does no other I/O and reads no
//! environment: what is not in the file has the default written here.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::Deserialize;

use crate::{
    id::PlatformName,
    reload::ReloadOptions,
    runtime::EngineOptions,
    telemetry::{LogFormat, LogLevel},
};

/// A `duijie.toml` that cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    /// Not there, or not readable.
    #[error("{}: {error}. Give the file with --config or DUIJIE_CONFIG; the README shows a small one", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// Not what is expected.
    #[error("{}:{line}: {message}", file.display())]
    Invalid {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        message: String,
    },
}

/// A platform that may call.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PlatformConfig {
    /// Its name.
    pub(crate) name: PlatformName,
    /// The public part of its key.
    pub(crate) key_id: String,
    /// SHA-256 of its key, in hex.
    pub(crate) key_sha256: String,
    /// Patterns of links it may use.
    pub(crate) links: Vec<String>,
    /// Patterns of operations it may call.
    pub(crate) operations: Vec<String>,
}

/// Everything that the host is told.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    /// Where platforms call.
    pub(crate) api: SocketAddr,
    /// Where operators and probes look.
    pub(crate) admin: SocketAddr,
    /// SHA-256 of the admin key, in hex.
    pub(crate) admin_key_sha256: Option<String>,
    /// Who may call.
    pub(crate) platforms: Vec<PlatformConfig>,
    /// The host's own state.
    pub(crate) state: PathBuf,
    /// Where connectors and links lie.
    pub(crate) reload: ReloadOptions,
    /// Size of the engine.
    pub(crate) engine: EngineOptions,
    /// Connections a listener takes.
    pub(crate) connections: usize,
    /// How long calls may go on after SIGTERM.
    pub(crate) drain: Duration,
    /// What is logged.
    pub(crate) log_level: LogLevel,
    /// How it is written.
    pub(crate) log_format: LogFormat,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    #[serde(default)]
    listen: RawListen,
    #[serde(default)]
    paths: RawPaths,
    #[serde(default)]
    admin: RawAdmin,
    #[serde(default)]
    platforms: Vec<PlatformConfig>,
    #[serde(default)]
    limits: RawLimits,
    #[serde(default)]
    reload: RawReload,
    #[serde(default)]
    log: RawLog,
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct RawListen {
    api: SocketAddr,
    admin: SocketAddr,
}

impl Default for RawListen {
    fn default() -> Self {
        Self { api: SocketAddr::from(([127, 0, 0, 1], 8080)), admin: SocketAddr::from(([127, 0, 0, 1], 8081)) }
    }
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct RawPaths {
    connectors: PathBuf,
    links: PathBuf,
    state: PathBuf,
}

impl Default for RawPaths {
    fn default() -> Self {
        Self { connectors: "connectors.d".into(), links: "links.d".into(), state: "state".into() }
    }
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct RawAdmin {
    key_sha256: Option<String>,
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct RawLimits {
    calls: u32,
    memory_mib: usize,
    connections: usize,
    drain_s: u64,
}

impl Default for RawLimits {
    fn default() -> Self {
        let engine = EngineOptions::default();
        Self { calls: engine.calls_max, memory_mib: engine.memory_bytes_max >> 20, connections: 4096, drain_s: 30 }
    }
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct RawReload {
    rescan_s: u64,
}

impl Default for RawReload {
    fn default() -> Self {
        Self { rescan_s: 10 }
    }
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct RawLog {
    level: LogLevel,
    format: LogFormat,
}

impl Default for RawLog {
    fn default() -> Self {
        Self { level: LogLevel::Info, format: LogFormat::Json }
    }
}

impl Config {
    /// Reads the file; relative paths in it are relative to its folder.
    ///
    /// # Errors
    /// Names the file, and line and key where there are any.
    pub(crate) fn read(file: &Path) -> Result<Self, ConfigError> {
        let text = fs::read_to_string(file).map_err(|error| ConfigError::Read { file: file.to_owned(), error })?;
        let raw: Raw = toml::from_str(&text).map_err(|error| ConfigError::Invalid {
            file: file.to_owned(),
            line: line_at(&text, error.span().map_or(0, |span| span.start)),
            message: error.message().to_owned(),
        })?;
        let invalid = |section: &str, message: &str| ConfigError::Invalid {
            file: file.to_owned(),
            line: text.lines().position(|line| line.trim() == format!("[{section}]")).map_or(1, |at| at + 1),
            message: message.to_owned(),
        };
        if !(1..=10_000).contains(&raw.limits.calls) {
            return Err(invalid("limits", "key `limits.calls`: 1 to 10000 is accepted"));
        }
        if !(1..=1024).contains(&raw.limits.memory_mib) {
            return Err(invalid("limits", "key `limits.memory_mib`: 1 to 1024 is accepted"));
        }
        if raw.reload.rescan_s == 0 {
            return Err(invalid("reload", "key `reload.rescan_s`: at least 1 is accepted"));
        }
        let base = file.parent().unwrap_or(Path::new(""));
        Ok(Self {
            api: raw.listen.api,
            admin: raw.listen.admin,
            admin_key_sha256: raw.admin.key_sha256,
            platforms: raw.platforms,
            state: base.join(raw.paths.state),
            reload: ReloadOptions {
                connectors: base.join(raw.paths.connectors),
                links: base.join(raw.paths.links),
                rescan: Duration::from_secs(raw.reload.rescan_s),
            },
            engine: EngineOptions { calls_max: raw.limits.calls, memory_bytes_max: raw.limits.memory_mib << 20 },
            connections: raw.limits.connections,
            drain: Duration::from_secs(raw.limits.drain_s),
            log_level: raw.log.level,
            log_format: raw.log.format,
        })
    }
}

fn line_at(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Config, ConfigError> {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("duijie.toml");
        fs::write(&file, text).unwrap();
        Config::read(&file)
    }

    #[test]
    fn an_empty_file_is_a_good_one() {
        let config = read("").unwrap();
        assert_eq!(config.api.to_string(), "127.0.0.1:8080");
        assert!(config.reload.links.ends_with("links.d"));
    }

    #[test]
    fn an_unknown_key_is_named_with_its_line() {
        let text = read("[listen]\napi = \"127.0.0.1:1\"\nadmn = \"x\"\n").unwrap_err().to_string();
        assert!(text.contains("duijie.toml:3: unknown field `admn`"), "{text}");
    }

    #[test]
    fn a_missing_file_says_how_to_give_one() {
        let text = Config::read(Path::new("/nonexistent/duijie.toml")).unwrap_err().to_string();
        assert!(text.contains("--config"), "{text}");
    }
}
