//! `duijie.toml` into each module's typed options. Strict; names file, line and key. Does no other I/O and reads no
//! environment: what is not in the file has the default written here.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use ipnet::IpNet;
use serde::Deserialize;
use toml::Spanned;

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
    /// Whose word about where a request came from is taken.
    pub(crate) trusted_proxies: Vec<IpNet>,
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
    api: Spanned<String>,
    admin: Spanned<String>,
    trusted_proxies: Vec<IpNet>,
}

impl Default for RawListen {
    fn default() -> Self {
        Self {
            api: unwritten("127.0.0.1:8080".into()),
            admin: unwritten("127.0.0.1:8081".into()),
            trusted_proxies: Vec::new(),
        }
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
    calls: Spanned<i64>,
    hooks: Spanned<i64>,
    memory_mib: Spanned<i64>,
    connections: Spanned<i64>,
    drain_s: Spanned<i64>,
}

impl Default for RawLimits {
    fn default() -> Self {
        let engine = EngineOptions::default();
        Self {
            calls: unwritten(engine.calls_max.into()),
            hooks: unwritten(engine.hooks_max.into()),
            memory_mib: unwritten((engine.memory_bytes_max >> 20) as i64),
            connections: unwritten(4096),
            drain_s: unwritten(30),
        }
    }
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct RawReload {
    rescan_s: Spanned<i64>,
}

impl Default for RawReload {
    fn default() -> Self {
        Self { rescan_s: unwritten(10) }
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
        let invalid = |at: usize, message: String| ConfigError::Invalid {
            file: file.to_owned(),
            line: line_at(&text, at),
            message,
        };
        let raw: Raw = toml::from_str(&text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            invalid(at, with_key(error.message(), &text, at))
        })?;
        let ranged = |key: &str, value: &Spanned<i64>, min: i64, max: i64| {
            let number = Some(*value.get_ref()).filter(|number| (min..=max).contains(number));
            number.and_then(|number| u32::try_from(number).ok()).ok_or_else(|| {
                invalid(value.span().start, format!("key `{key}`: {min} to {max} is accepted, not {}", value.get_ref()))
            })
        };
        let address = |key: &str, value: &Spanned<String>| {
            value.get_ref().parse::<SocketAddr>().map_err(|_| {
                let text = value.get_ref();
                let rule = "write an IP address and a port, such as 127.0.0.1:8080 or [::1]:8080";
                invalid(value.span().start, format!("key `{key}`: {rule}, not {text:?}"))
            })
        };
        let limits = &raw.limits;
        let engine = EngineOptions {
            calls_max: ranged("limits.calls", &limits.calls, 1, 10_000)?,
            hooks_max: ranged("limits.hooks", &limits.hooks, 1, 10_000)?,
            memory_bytes_max: (ranged("limits.memory_mib", &limits.memory_mib, 1, 1024)? as usize) << 20,
        };
        let connections = ranged("limits.connections", &limits.connections, 1, 1_000_000)? as usize;
        let drain = Duration::from_secs(ranged("limits.drain_s", &limits.drain_s, 0, 3600)?.into());
        let rescan = Duration::from_secs(ranged("reload.rescan_s", &raw.reload.rescan_s, 1, 86_400)?.into());
        let base = file.parent().unwrap_or(Path::new(""));
        Ok(Self {
            api: address("listen.api", &raw.listen.api)?,
            admin: address("listen.admin", &raw.listen.admin)?,
            trusted_proxies: raw.listen.trusted_proxies,
            admin_key_sha256: raw.admin.key_sha256,
            platforms: raw.platforms,
            state: base.join(raw.paths.state),
            reload: ReloadOptions {
                connectors: base.join(raw.paths.connectors),
                links: base.join(raw.paths.links),
                rescan,
            },
            engine,
            connections,
            drain,
            log_level: raw.log.level,
            log_format: raw.log.format,
        })
    }
}

/// A default: it stands nowhere in the file.
fn unwritten<T>(value: T) -> Spanned<T> {
    Spanned::new(0..0, value)
}

/// The parser's message, with the key of the line it speaks of unless it names it itself.
fn with_key(message: &str, text: &str, at: usize) -> String {
    let line = text.lines().nth(line_at(text, at) - 1).unwrap_or("");
    match line.split_once('=').map(|(key, _)| key.trim()) {
        Some(key) if !key.is_empty() && !key.starts_with('#') && !message.contains(&format!("`{key}`")) => {
            format!("key `{key}`: {message}")
        }
        _ => message.to_owned(),
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
    fn a_number_out_of_its_range_is_named_with_line_and_key() {
        for (section, key, least, most) in [
            ("limits", "calls", 1_i64, 10_000_i64),
            ("limits", "hooks", 1, 10_000),
            ("limits", "memory_mib", 1, 1024),
            ("limits", "connections", 1, 1_000_000),
            ("limits", "drain_s", 0, 3600),
            ("reload", "rescan_s", 1, 86_400),
        ] {
            for good in [least, most] {
                assert!(read(&format!("[{section}]\n{key} = {good}")).is_ok(), "{key} = {good}");
            }
            for bad in [least - 1, most + 1, i64::MAX, i64::MIN] {
                let wanted = format!("duijie.toml:3: key `{section}.{key}`: {least} to {most} is accepted, not {bad}");
                let text = read(&format!("[{section}]\n# {key}\n{key} = {bad}")).unwrap_err().to_string();
                assert!(text.ends_with(&wanted), "{text}");
                let text = read(&format!("\n\n{section}.{key} = {bad}")).unwrap_err().to_string();
                assert!(text.ends_with(&wanted), "{text}");
            }
            let text = read(&format!("[{section}]\n{key} = \"x\"")).unwrap_err().to_string();
            assert!(text.contains("duijie.toml:2: ") && text.contains(key), "{text}");
        }
    }

    #[test]
    fn an_address_without_an_ip_is_named_with_line_and_key() {
        for key in ["api", "admin"] {
            for bad in ["localhost:80", "127.0.0.1", ":8080", ""] {
                let text = read(&format!("[listen]\n{key} = \"{bad}\"")).unwrap_err().to_string();
                let wanted = format!("duijie.toml:2: key `listen.{key}`: write an IP address and a port");
                assert!(text.contains(&wanted), "{text}");
            }
            assert!(read(&format!("[listen]\n{key} = \"[::1]:0\"")).is_ok());
        }
    }

    #[test]
    fn a_missing_file_says_how_to_give_one() {
        let text = Config::read(Path::new("/nonexistent/duijie.toml")).unwrap_err().to_string();
        assert!(text.contains("--config"), "{text}");
    }
}
