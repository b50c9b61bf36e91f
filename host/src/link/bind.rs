//! A link's spec and its connector become a link that can serve: config against the connector's schema, every slot
//! filled, grants = what the connector asks for ∩ what the operator allows, and last the connector's own `check`.
//! Sends nothing.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use zeroize::Zeroizing;

use super::{
    hook::{Hook, PathSecret},
    spec::{LinkSpec, PushSpec, SecretSpec, SpecError},
    table::{Lasting, Link},
};
use crate::{
    capability::{
        Context,
        credential::Credentials,
        forward::Platform,
        grant::{Grant, Granted, Slot},
        http::{
            client::{Ca, ClientPool},
            policy::{AllowRule, Egress},
        },
    },
    runtime::{CallLimits, PreparedRef, Violation, manifest::SecretSlot},
    secret::{Secret, Use, Uses},
};

/// SM4 keys have 16 bytes (GB/T 32907-2016).
const SM4_KEY_BYTES: usize = 16;
/// The largest CA file read, in bytes.
const CA_MAX: u64 = 1 << 20;

/// What links are bound with, besides their spec and connector.
pub(crate) struct Binder {
    pub(crate) clients: Arc<ClientPool>,
    pub(crate) lasting: Arc<Lasting>,
    /// What the engine has for one call.
    pub(crate) memory_bytes_max: usize,
}

/// What a link's spec points to, as read: secrets by slot, and the CA.
#[derive(Clone, Default)]
pub(crate) struct Material {
    secrets: BTreeMap<String, Text>,
    path_secrets: BTreeMap<String, Text>,
    platform: Option<Text>,
    ca: Option<Result<Vec<u8>, String>>,
}

/// A secret's text, or why it could not be read.
type Text = Result<Zeroizing<Vec<u8>>, String>;

impl Material {
    /// Reads it. Blocks: files may lie on a slow disk.
    pub(crate) fn read(spec: &LinkSpec) -> Self {
        let authority = |path: &Path| crate::file::read(path, CA_MAX).map_err(|e| format!("{}: {e}", path.display()));
        Self {
            secrets: spec.secrets.iter().map(|(slot, how)| (slot.clone(), how.source.read())).collect(),
            path_secrets: spec.hooks.iter().map(|(name, hook)| (name.clone(), hook.path_secret.read())).collect(),
            platform: spec.platform.as_ref().map(|platform| platform.secret.read()),
            ca: spec.ca_file.as_deref().map(authority),
        }
    }
}

/// All that is wrong with a link.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BindError {
    /// The link's settings.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Settings(Vec<SpecError>),
    /// The connector itself, while it was asked about them.
    #[error(transparent)]
    Connector(SpecError),
}

impl BindError {
    /// Did the connector fail, rather than the link?
    pub(crate) fn is_connectors(&self) -> bool {
        matches!(self, Self::Connector(_))
    }
}

impl Binder {
    /// Makes the link.
    ///
    /// # Errors
    /// Everything that is wrong, with file, line and key.
    pub(crate) async fn bind(
        &self,
        spec: &LinkSpec,
        mut material: Material,
        connector: PreparedRef,
    ) -> Result<Link, BindError> {
        let mut wrong = Vec::new();
        for violation in connector.config_violations(&spec.config) {
            wrong.push(config_error(spec, violation));
        }
        let slots = slots(spec, &mut material, &connector.manifest.secrets, &mut wrong);
        let ca = authorities(spec, material.ca, &mut wrong);
        let limits = spec.limits_within(self.memory_bytes_max).map_err(|error| wrong.push(error)).unwrap_or_default();
        let hooks = self.hooks(spec, material.path_secrets, &connector, &limits, &mut wrong);
        let platform = self.platform(spec, material.platform, ca.as_ref(), &mut wrong);
        queue(spec, &connector, &mut wrong);
        if !wrong.is_empty() {
            return Err(BindError::Settings(wrong));
        }
        let egress = Egress::new(spec.allow.clone());
        let outlet = self.clients.outlet(&egress, ca.as_ref());
        let outlet = outlet.map_err(|e| BindError::Settings(vec![spec.wrong("tls", e.to_string())]))?;
        let config: Arc<str> = spec.config.to_string().into();
        let space = self.lasting.space(&spec.id);
        let terms = spec.secrets.iter().filter_map(|(slot, how)| Some((slot.clone(), how.term.clone()?)));
        let credentials = Credentials::new(terms.collect(), self.lasting.renewals());
        let link = spec.id.clone();
        let grant = Arc::new(Grant::new(Granted { link, config, slots, credentials, outlet, space, platform }));

        let problems = connector.check(Context::checking(grant.clone()), &limits).await.map_err(|text| {
            BindError::Connector(
                spec.wrong("connector", format!("the connector failed while checking the link: {text}")),
            )
        })?;
        if !problems.is_empty() {
            return Err(BindError::Settings(problems.into_iter().map(|problem| config_error(spec, problem)).collect()));
        }
        let permits = self.lasting.permits(&spec.id, spec.concurrency);
        // More under way than the link may have open at a time would only wait for each other.
        let concurrency = u32::try_from(spec.concurrency).unwrap_or(u32::MAX);
        let push = PushSpec { max_inflight: spec.push.max_inflight.min(concurrency), ..spec.push };
        Ok(Link {
            id: spec.id.clone(),
            connector,
            limits,
            grant,
            permits,
            hooks,
            origins: spec.allow.iter().map(|rule| rule.origin().clone()).collect(),
            push,
            resend: spec.resend.clone(),
            schedules: spec.schedules.clone(),
            sheets: spec.sheets.clone(),
        })
    }

    fn hooks(
        &self,
        spec: &LinkSpec,
        mut secrets: BTreeMap<String, Text>,
        connector: &PreparedRef,
        limits: &CallLimits,
        wrong: &mut Vec<SpecError>,
    ) -> BTreeMap<String, Hook> {
        let mut hooks: BTreeMap<String, Hook> = BTreeMap::new();
        for (name, asked) in &spec.hooks {
            let key = format!("hooks.{name}");
            let Some(declared) = connector.manifest.hooks.iter().find(|hook| hook.name == *name) else {
                let names: Vec<_> = connector.manifest.hooks.iter().map(|hook| hook.name.as_str()).collect();
                let has =
                    if names.is_empty() { "it has none".to_owned() } else { format!("it has {}", names.join(", ")) };
                wrong.push(spec.wrong(&key, format!("connector {} has no such hook; {has}", spec.connector)));
                continue;
            };
            let secret = secrets.remove(name).unwrap_or_else(|| Err("it was not read".into()));
            let secret = match secret.and_then(|text| PathSecret::new(&text)) {
                Ok(secret) => secret,
                Err(message) => {
                    wrong.push(spec.wrong(&format!("{key}.path_secret"), message));
                    continue;
                }
            };
            if let Some((other, _)) =
                hooks.iter().find(|(_, other)| other.secret == secret && other.caller() != declared.caller)
            {
                let text = format!("is the secret of {other} too, but a browser shows its own to whoever uses it");
                wrong.push(spec.wrong(&format!("{key}.path_secret"), text));
                continue;
            }
            let gate = self.lasting.gate(&spec.id, name, asked.rate_per_min, asked.concurrency);
            hooks.insert(name.clone(), Hook::new(declared.clone(), secret, asked, limits, gate));
        }
        hooks
    }

    fn platform(
        &self,
        spec: &LinkSpec,
        secret: Option<Text>,
        ca: Option<&Ca>,
        wrong: &mut Vec<SpecError>,
    ) -> Option<Platform> {
        let (asked, secret) = spec.platform.as_ref().zip(secret)?;
        let made = secret.map_err(|text| ("platform.secret", text)).and_then(|secret| {
            let outlet = self.clients.outlet(&Egress::new([asked.rule.clone()]), ca);
            let outlet = outlet.map_err(|error| ("platform.url", error.to_string()))?;
            let connector = spec.connector.clone();
            Platform::new(connector, asked.url.clone(), outlet, &secret, asked.timeout)
                .map_err(|error| ("platform.secret", error.to_string()))
        });
        made.map_err(|(key, message)| wrong.push(spec.wrong(key, message))).ok()
    }
}

/// An error about a pointer into the config table, placed in the file.
fn config_error(spec: &LinkSpec, violation: Violation) -> SpecError {
    let path = violation.pointer.trim_start_matches('/').replace('/', ".");
    let key = if path.is_empty() { "config".to_owned() } else { format!("config.{path}") };
    spec.wrong(&key, violation.message)
}

fn slots(
    spec: &LinkSpec,
    material: &mut Material,
    declared: &[SecretSlot],
    wrong: &mut Vec<SpecError>,
) -> BTreeMap<String, Slot> {
    for slot in spec.secrets.keys() {
        if !declared.iter().any(|known| known.name == *slot) {
            let names: Vec<_> = declared.iter().map(|known| known.name.as_str()).collect();
            let has = if names.is_empty() { "it has none".to_owned() } else { format!("it has {}", names.join(", ")) };
            wrong.push(spec.wrong(
                &format!("secrets.{slot}"),
                format!("connector {} declares no such slot; {has}", spec.connector),
            ));
        }
    }
    let mut slots = BTreeMap::new();
    for slot in declared {
        let key = format!("secrets.{}", slot.name);
        match spec.secrets.get(&slot.name).zip(material.secrets.remove(&slot.name)) {
            Some((filled, text)) => match text.and_then(|text| fill(spec, slot, filled, text)) {
                Ok(filled) => {
                    slots.insert(slot.name.clone(), filled);
                }
                Err(message) => wrong.push(spec.wrong(&key, message)),
            },
            None if slot.optional => {}
            None => wrong
                .push(spec.wrong(&key, format!("missing; connector {} needs it: {}", spec.connector, slot.summary.en))),
        }
    }
    slots
}

fn fill(spec: &LinkSpec, slot: &SecretSlot, filled: &SecretSpec, mut text: Zeroizing<Vec<u8>>) -> Result<Slot, String> {
    let secret = Secret::new(std::mem::take(&mut *text), filled.encoding).map_err(|e| e.to_string())?;
    let allowed = |asked: &Use| filled.uses.as_ref().is_none_or(|allowed| allowed.contains(asked));
    let granted: Vec<Use> = slot.uses.iter().copied().filter(allowed).collect();
    if granted.contains(&Use::Sm4) && secret.key().len() != SM4_KEY_BYTES {
        return Err(format!(
            "an SM4 key must have {SM4_KEY_BYTES} bytes; this one has {}; check the secret and its `encoding`",
            secret.key().len()
        ));
    }
    let reachable = || spec.allow.iter().map(AllowRule::origin);
    let send_to = match &filled.send_to {
        None => reachable().cloned().collect(),
        Some(origins) => {
            if let Some(stray) = origins.iter().find(|origin| !reachable().any(|known| known == *origin)) {
                return Err(format!("send_to names {stray}, which [allow] http does not; nothing is sent there"));
            }
            origins.clone()
        }
    };
    Ok(Slot::new(secret, granted.into_iter().collect::<Uses>(), send_to))
}

/// Are what a link does by itself, and what it sends again, things that its connector does? And is the input one that it
/// takes?
fn queue(spec: &LinkSpec, connector: &PreparedRef, wrong: &mut Vec<SpecError>) {
    let unknown = |key: &str| {
        let names: Vec<_> = connector.manifest.operations.iter().map(|op| op.name.as_str()).collect();
        let text = format!("connector {} has no such operation; it has {}", spec.connector, names.join(", "));
        spec.wrong(key, text)
    };
    if spec.resend.iter().any(|operation| connector.operation(operation).is_none()) {
        wrong.push(unknown("push.resend"));
    }
    for (name, schedule) in &spec.schedules {
        let key = |key: &str| format!("schedules.{name}.{key}");
        let Some(operation) = connector.operation(&schedule.operation) else {
            wrong.push(unknown(&key("operation")));
            continue;
        };
        if operation.spec.direct_only {
            wrong.push(spec.wrong(&key("operation"), "its inputs are never kept on a disk, so it has no schedule"));
        }
        for violation in operation.violations(&schedule.input) {
            let at = violation.pointer.trim_start_matches('/').replace('/', ".");
            let key = if at.is_empty() { key("input") } else { format!("{}.{at}", key("input")) };
            wrong.push(spec.wrong(&key, violation.message));
        }
    }
}

fn authorities(spec: &LinkSpec, pem: Option<Result<Vec<u8>, String>>, wrong: &mut Vec<SpecError>) -> Option<Ca> {
    match pem?.and_then(|pem| Ca::from_pem(&pem).map_err(|e| e.to_string())) {
        Ok(ca) => Some(ca),
        Err(error) => {
            wrong.push(spec.wrong("tls.ca_file", error));
            None
        }
    }
}
