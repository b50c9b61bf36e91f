//! One link as its operator wrote it, parsed and checked as far as it can be without its connector. Strict: an unknown
//! key is an error that names file, line and key. Secrets are named here and read later; none is ever inline.

mod inbound;
mod push;
mod secrets;
mod term;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    path::{Path, PathBuf},
    time::Duration,
};

use ipnet::IpNet;
use serde::{
    Deserialize, Deserializer,
    de::{Error as DeError, IntoDeserializer as _, MapAccess, Visitor, value::MapAccessDeserializer},
};

pub(crate) use self::{
    inbound::{HookSpec, PlatformSpec},
    push::{INFLIGHT_DEFAULT, PushSpec, ScheduleSpec, SheetSpec},
    secrets::SecretSpec,
};
use super::layers::{LayerError, Layered, Place, join};
use crate::{
    capability::http::policy::{AllowRule, Origin},
    id::{ConnectorName, LinkId, NameError, Pin},
    runtime::CallLimits,
};
use inbound::{RawHook, RawPlatform};
use push::{RawPush, RawSchedule, RawSheet};
use secrets::{RawSecret, SECRET_FORM, holds_secret};

/// Longest deadline a link may set, in milliseconds.
const DEADLINE_MS_MAX: u64 = 600_000;
/// Calls that one link may have open by default.
pub(crate) const CONCURRENCY_DEFAULT: usize = 32;

/// A link file that is refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SpecError {
    /// A file could not be read as TOML.
    #[error(transparent)]
    Layer(#[from] LayerError),
    /// The file's path makes no link id.
    #[error("{}: {error}", file.display())]
    Name {
        /// The file.
        file: PathBuf,
        /// Why.
        error: NameError,
    },
    /// The file's name would make an id that another file's path makes too.
    #[error("{}: a name with a dot in it cannot be told from a folder in a link's id; rename it", .0.display())]
    Dotted(PathBuf),
    /// A key is unknown, missing or has a value that does not fit.
    #[error("{place}: key `{key}`: {message}")]
    Key {
        /// Where the key, or the nearest thing above it, is.
        place: Place,
        /// The key's dotted path.
        key: String,
        /// What is wrong and what would be right.
        message: String,
    },
}

/// A link as written.
#[derive(Debug)]
pub(crate) struct LinkSpec {
    /// Its id, from the file's path.
    pub(crate) id: LinkId,
    /// The connector it uses.
    pub(crate) connector: ConnectorName,
    /// Which versions of it.
    pub(crate) version: semver::VersionReq,
    /// Only this revision of it, whatever else lies there.
    pub(crate) pin: Option<Pin>,
    /// The version whose changes of the contract its operator has seen and allows.
    pub(crate) allow_contract_change: Option<semver::Version>,
    /// Its config table as JSON.
    pub(crate) config: serde_json::Value,
    /// Its secrets by slot.
    pub(crate) secrets: BTreeMap<String, SecretSpec>,
    /// Where it may connect to.
    pub(crate) allow: Vec<AllowRule>,
    /// The hooks it serves, by name.
    pub(crate) hooks: BTreeMap<String, HookSpec>,
    /// Whom its connector may ask.
    pub(crate) platform: Option<PlatformSpec>,
    /// A private certificate authority, as PEM file.
    pub(crate) ca_file: Option<PathBuf>,
    /// Bounds of one call.
    pub(crate) limits: CallLimits,
    /// Calls it may have open.
    pub(crate) concurrency: usize,
    /// How its queue behaves.
    pub(crate) push: PushSpec,
    /// Operations whose records are sent again when nobody knows what became of them.
    pub(crate) resend: BTreeSet<String>,
    /// What it does by itself, by name.
    pub(crate) schedules: BTreeMap<String, ScheduleSpec>,
    /// The columns of sheets, by operation.
    pub(crate) sheets: BTreeMap<String, SheetSpec>,
    layered: Layered,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLink {
    connector: ConnectorName,
    #[serde(default)]
    version: semver::VersionReq,
    pin: Option<Pin>,
    allow_contract_change: Option<semver::Version>,
    #[serde(default)]
    config: toml::Table,
    #[serde(default)]
    secrets: BTreeMap<String, RawSecret>,
    #[serde(default)]
    allow: RawAllow,
    #[serde(default)]
    hooks: BTreeMap<String, RawHook>,
    platform: Option<RawPlatform>,
    #[serde(default)]
    tls: RawTls,
    #[serde(default)]
    limits: RawLimits,
    #[serde(default)]
    push: RawPush,
    #[serde(default)]
    schedules: BTreeMap<String, RawSchedule>,
    #[serde(default)]
    sheets: BTreeMap<String, RawSheet>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawAllow {
    #[serde(default)]
    http: Vec<RawRule>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTls {
    ca_file: Option<PathBuf>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLimits {
    deadline_ms: Option<u64>,
    cpu_ms: Option<u64>,
    memory_mib: Option<usize>,
    max_body_kib: Option<usize>,
    http_requests: Option<u32>,
    concurrency: Option<usize>,
}

impl LinkSpec {
    /// Reads the link in `file`, below the links directory `root`.
    ///
    /// # Errors
    /// The first thing wrong, with file, line and key.
    pub(crate) fn read(root: &Path, file: &Path) -> Result<Self, SpecError> {
        let id = link_id(root, file)?;
        let layered = Layered::read(root, file)?;
        let raw = typed(&layered, root, file)?;
        let wrong = |key: &str, message: String| SpecError::Key {
            place: place_of(&layered, key, root, file),
            key: key.to_owned(),
            message,
        };
        let limits = limits(&raw.limits, &wrong)?;
        let concurrency = raw.limits.concurrency.unwrap_or(CONCURRENCY_DEFAULT);
        within("limits.concurrency", concurrency as u64, 1, 100_000, &wrong)?;
        let mut secrets = BTreeMap::new();
        for (slot, raw) in raw.secrets {
            let spec = raw.parse(&slot, root, &wrong)?;
            secrets.insert(slot, spec);
        }
        let mut hooks = BTreeMap::new();
        for (name, raw) in raw.hooks {
            let hook = raw.parse(&name, root, &wrong)?;
            hooks.insert(name, hook);
        }
        let platform = raw.platform.map(|raw| raw.parse(root, &wrong)).transpose()?;
        let push = raw.push.parse(&wrong)?;
        let schedules = push::schedules(raw.schedules, &wrong)?;
        let config = serde_json::to_value(&raw.config).map_err(|e| wrong("config", e.to_string()))?;
        Ok(Self {
            id,
            connector: raw.connector,
            version: raw.version,
            pin: raw.pin,
            allow_contract_change: raw.allow_contract_change,
            config,
            secrets,
            allow: raw.allow.http.into_iter().map(|rule| rule.0).collect(),
            hooks,
            platform,
            ca_file: raw.tls.ca_file.map(|path| root.join(path)),
            limits,
            concurrency,
            push,
            resend: raw.push.resend,
            schedules,
            sheets: push::sheets(raw.sheets),
            layered,
        })
    }

    /// Bounds of one call on a host that has this much memory for one: a link that says nothing takes what there is.
    ///
    /// # Errors
    /// When the link asks for more than there is.
    pub(crate) fn limits_within(&self, memory_bytes_max: usize) -> Result<CallLimits, SpecError> {
        let mut limits = self.limits.clone();
        if limits.memory_bytes > memory_bytes_max {
            if self.layered.table.get("limits").is_some_and(|limits| limits.get("memory_mib").is_some()) {
                let text = format!("is over the host's own limits.memory_mib of {}", memory_bytes_max >> 20);
                return Err(self.wrong("limits.memory_mib", text));
            }
            limits.memory_bytes = memory_bytes_max;
        }
        Ok(limits)
    }

    /// An error about the value at this dotted path, with file and line.
    pub(crate) fn wrong(&self, key: &str, message: impl Into<String>) -> SpecError {
        let nowhere = || Place { file: Path::new("?").into(), line: 1 };
        let place = self.layered.place(key).or_else(|| self.layered.place("connector"));
        SpecError::Key { place: place.cloned().unwrap_or_else(nowhere), key: key.to_owned(), message: message.into() }
    }

    /// The effective values with the place each came from, for `duijie link explain`.
    pub(crate) fn explain(&self) -> Vec<(String, &toml::Value, Option<&Place>)> {
        self.layered.leaves()
    }
}

/// The id that a file's path makes: folders and stem joined by dots.
///
/// # Errors
/// When a folder or the file has a name that cannot be part of an id.
pub(crate) fn link_id(root: &Path, file: &Path) -> Result<LinkId, SpecError> {
    let inside = file.strip_prefix(root).unwrap_or(file).with_extension("");
    let parts: Vec<_> = inside.components().map(|part| part.as_os_str().to_string_lossy()).collect();
    if parts.iter().any(|part| part.contains('.')) {
        return Err(SpecError::Dotted(file.to_owned()));
    }
    parts.join(".").parse().map_err(|error| SpecError::Name { file: file.to_owned(), error })
}

fn typed(layered: &Layered, root: &Path, file: &Path) -> Result<RawLink, SpecError> {
    let value = toml::Value::Table(layered.table.clone());
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().to_string();
        let path = if path == "." { String::new() } else { path };
        let message = error.into_inner().message().to_owned();
        // serde names the unknown key in its text and the path of the table around it.
        let unknown = message.strip_prefix("unknown field `").and_then(|rest| rest.split_once('`')).map(|(key, _)| key);
        let key = unknown
            .map_or_else(|| path.clone(), |key| if path.ends_with(key) { path.clone() } else { join(&path, key) });
        // What stands below [secrets] may be the secret itself, and serde quotes what it refuses.
        let harmless = unknown.is_some() || message.starts_with("missing field");
        let message = if holds_secret(&key) && !harmless { SECRET_FORM.to_owned() } else { message };
        SpecError::Key { place: place_of(layered, &key, root, file), key, message }
    })
}

fn place_of(layered: &Layered, key: &str, root: &Path, file: &Path) -> Place {
    let whole = || Place { file: file.strip_prefix(root).unwrap_or(file).into(), line: 1 };
    layered.place(key).cloned().unwrap_or_else(whole)
}

type Wrong<'w> = &'w dyn Fn(&str, String) -> SpecError;

fn limits(raw: &RawLimits, wrong: Wrong<'_>) -> Result<CallLimits, SpecError> {
    let default = CallLimits::default();
    let millis = |key, given: Option<u64>, default: Duration, max| match given {
        None => Ok(default),
        Some(ms) => within(key, ms, 1, max, wrong).map(|()| Duration::from_millis(ms)),
    };
    let size = |key, given: Option<usize>, shift: u32, default: usize, max: u64| match given {
        None => Ok(default),
        Some(n) => within(key, n as u64, 1, max, wrong).map(|()| n << shift),
    };
    let http_requests = raw.http_requests.unwrap_or(default.http_requests);
    within("limits.http_requests", u64::from(http_requests), 0, 1000, wrong)?;
    Ok(CallLimits {
        deadline: millis("limits.deadline_ms", raw.deadline_ms, default.deadline, DEADLINE_MS_MAX)?,
        cpu: millis("limits.cpu_ms", raw.cpu_ms, default.cpu, 60_000)?,
        memory_bytes: size("limits.memory_mib", raw.memory_mib, 20, default.memory_bytes, 1024)?,
        body_bytes: size("limits.max_body_kib", raw.max_body_kib, 10, default.body_bytes, 16 * 1024)?,
        http_requests,
    })
}

fn within(key: &str, given: u64, min: u64, max: u64, wrong: Wrong<'_>) -> Result<(), SpecError> {
    if (min..=max).contains(&given) {
        return Ok(());
    }
    Err(wrong(key, format!("{given} is out of range; {min} to {max} is accepted")))
}

/// An origin as text.
struct RawOrigin(Origin);

impl<'de> Deserialize<'de> for RawOrigin {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        text.parse()
            .map(Self)
            .map_err(|e| D::Error::custom(format!("{text:?} is no origin (https://host[:port]): {e}")))
    }
}

/// A rule as an origin's text, or as a table with the networks it may be found in.
struct RawRule(AllowRule);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRuleTable {
    origin: RawOrigin,
    #[serde(default)]
    cidr: Vec<IpNet>,
}

impl<'de> Deserialize<'de> for RawRule {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Rule;
        impl<'de> Visitor<'de> for Rule {
            type Value = RawRule;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an origin, or { origin = \"…\", cidr = [\"…\"] }")
            }

            fn visit_str<E: DeError>(self, text: &str) -> Result<RawRule, E> {
                let origin = RawOrigin::deserialize(text.into_deserializer())?;
                Ok(RawRule(AllowRule::new(origin.0, [])))
            }

            fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<RawRule, M::Error> {
                let table = RawRuleTable::deserialize(MapAccessDeserializer::new(map))?;
                Ok(RawRule(AllowRule::new(table.origin.0, table.cidr)))
            }
        }
        from.deserialize_any(Rule)
    }
}

#[cfg(test)]
mod tests;
