//! `duijie.toml` into each module's typed options. Strict; names file, line and key. Does no other I/O and reads no
//! environment: what is not in the file has the default written here.

mod webhooks;

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
    pattern::Pattern,
    reload::{Policy, ReloadOptions, Signatures},
    runtime::EngineOptions,
    telemetry::{LogFormat, LogLevel},
    webhook::WebhookOptions,
};
use webhooks::RawWebhook;

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
    /// Who hears of its jobs, and where; at most one of a platform.
    pub(crate) webhooks: Vec<WebhookOptions>,
    /// The host's own state.
    pub(crate) state: PathBuf,
    /// Where connectors and links lie.
    pub(crate) reload: ReloadOptions,
    /// Size of the engine.
    pub(crate) engine: EngineOptions,
    /// Attempts of accepted records under way at a time.
    pub(crate) push_inflight: usize,
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
    webhooks: Vec<RawWebhook>,
    #[serde(default)]
    limits: RawLimits,
    #[serde(default)]
    reload: RawReload,
    #[serde(default)]
    signatures: RawSignatures,
    #[serde(default)]
    rollout: RawRollout,
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
    push_inflight: Spanned<i64>,
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
            push_inflight: unwritten(64),
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
struct RawSignatures {
    required: bool,
    keys: Spanned<Vec<String>>,
}

impl Default for RawSignatures {
    fn default() -> Self {
        Self { required: false, keys: unwritten(Vec::new()) }
    }
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct RawRollout {
    canary: Vec<Spanned<String>>,
    share: Spanned<i64>,
    clean_calls: Spanned<i64>,
    trial_s: Spanned<i64>,
}

impl Default for RawRollout {
    fn default() -> Self {
        let policy = Policy::default();
        Self {
            canary: Vec::new(),
            share: unwritten(policy.share.into()),
            clean_calls: unwritten(policy.clean_calls.try_into().unwrap_or(i64::MAX)),
            trial_s: unwritten(policy.trial.as_secs().try_into().unwrap_or(i64::MAX)),
        }
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
        let push_inflight = ranged("limits.push_inflight", &limits.push_inflight, 1, 10_000)? as usize;
        let connections = ranged("limits.connections", &limits.connections, 1, 1_000_000)? as usize;
        let drain = Duration::from_secs(ranged("limits.drain_s", &limits.drain_s, 0, 3600)?.into());
        let rescan = Duration::from_secs(ranged("reload.rescan_s", &raw.reload.rescan_s, 1, 86_400)?.into());
        let rollout = rollout(&raw.rollout, &ranged, &invalid)?;
        let keys = &raw.signatures.keys;
        let signatures = Signatures::new(raw.signatures.required, keys.get_ref())
            .map_err(|error| invalid(keys.span().start, format!("key `signatures.keys`: {error}")))?;
        let base = file.parent().unwrap_or(Path::new(""));
        let webhooks = webhooks::parse(raw.webhooks, &raw.platforms, base, &invalid)?;
        Ok(Self {
            api: address("listen.api", &raw.listen.api)?,
            admin: address("listen.admin", &raw.listen.admin)?,
            trusted_proxies: raw.listen.trusted_proxies,
            admin_key_sha256: raw.admin.key_sha256,
            platforms: raw.platforms,
            webhooks,
            state: base.join(raw.paths.state),
            reload: ReloadOptions {
                connectors: base.join(raw.paths.connectors),
                links: base.join(raw.paths.links),
                rescan,
                signatures,
                rollout,
            },
            engine,
            push_inflight,
            connections,
            drain,
            log_level: raw.log.level,
            log_format: raw.log.format,
        })
    }
}

type Ranged<'r> = &'r dyn Fn(&str, &Spanned<i64>, i64, i64) -> Result<u32, ConfigError>;

fn rollout(
    raw: &RawRollout,
    ranged: Ranged<'_>,
    invalid: &dyn Fn(usize, String) -> ConfigError,
) -> Result<Policy, ConfigError> {
    let pattern = |text: &Spanned<String>| {
        let parsed = text.get_ref().parse::<Pattern>();
        parsed.map_err(|error| invalid(text.span().start, format!("key `rollout.canary`: {error}")))
    };
    Ok(Policy {
        canary: raw.canary.iter().map(pattern).collect::<Result<_, _>>()?,
        share: ranged("rollout.share", &raw.share, 0, 100)?.try_into().unwrap_or(100),
        clean_calls: ranged("rollout.clean_calls", &raw.clean_calls, 1, 1_000_000_000)?.into(),
        trial: Duration::from_secs(ranged("rollout.trial_s", &raw.trial_s, 1, 604_800)?.into()),
    })
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
mod tests;
