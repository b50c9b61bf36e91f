//! A link's spec and its connector become a link that can serve: config against the connector's schema, every slot
//! filled, grants = what the connector asks for ∩ what the operator allows, and last the connector's own `check`.
//! Reads secrets; sends nothing.

use std::{collections::BTreeMap, fs, io::Read, sync::Arc};

use super::{
    spec::{LinkSpec, SecretSource, SecretSpec, SpecError},
    table::{Lasting, Link},
};
use crate::{
    capability::{
        Context,
        grant::{Grant, Slot},
        http::{
            client::{Ca, ClientPool},
            policy::Egress,
        },
    },
    runtime::{PreparedRef, Violation, manifest::SecretSlot},
    secret::{Secret, Use, Uses},
};

/// SM4 keys have 16 bytes (GB/T 32907-2016).
const SM4_KEY_BYTES: usize = 16;
/// The largest secret file read, in bytes.
const SECRET_MAX: u64 = 16 << 10;
/// The largest CA file read, in bytes.
const CA_MAX: u64 = 1 << 20;

/// What links are bound with, besides their spec and connector.
pub(crate) struct Binder {
    pub(crate) clients: Arc<ClientPool>,
    pub(crate) lasting: Arc<Lasting>,
}

/// All that is wrong with a link.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub(crate) struct BindError(pub(crate) Vec<SpecError>);

impl Binder {
    /// Makes the link.
    ///
    /// # Errors
    /// Everything that is wrong, with file, line and key.
    pub(crate) async fn bind(&self, spec: &LinkSpec, connector: PreparedRef) -> Result<Link, BindError> {
        let mut wrong = Vec::new();
        for violation in connector.config_violations(&spec.config) {
            wrong.push(config_error(spec, violation));
        }
        let slots = slots(spec, &connector.manifest.secrets, &mut wrong);
        let ca = read_ca(spec, &mut wrong);
        if !wrong.is_empty() {
            return Err(BindError(wrong));
        }
        let egress = Egress::new(spec.allow.clone());
        let outlet = self.clients.outlet(&egress, ca.as_ref());
        let outlet = outlet.map_err(|e| BindError(vec![spec.wrong("tls", e.to_string())]))?;
        let config: Arc<str> = spec.config.to_string().into();
        let space = self.lasting.space(&spec.id);
        let grant = Arc::new(Grant::new(spec.id.clone(), config, slots, outlet, space));

        let problems = connector.check(Context::checking(grant.clone()), &spec.limits).await.map_err(|text| {
            BindError(vec![spec.wrong("connector", format!("the connector failed while checking the link: {text}"))])
        })?;
        if !problems.is_empty() {
            return Err(BindError(problems.into_iter().map(|problem| config_error(spec, problem)).collect()));
        }
        let permits = self.lasting.permits(&spec.id, spec.concurrency);
        Ok(Link { id: spec.id.clone(), connector, limits: spec.limits.clone(), grant, permits })
    }
}

/// An error about a pointer into the config table, placed in the file.
fn config_error(spec: &LinkSpec, violation: Violation) -> SpecError {
    let path = violation.pointer.trim_start_matches('/').replace('/', ".");
    let key = if path.is_empty() { "config".to_owned() } else { format!("config.{path}") };
    spec.wrong(&key, violation.message)
}

fn slots(spec: &LinkSpec, declared: &[SecretSlot], wrong: &mut Vec<SpecError>) -> BTreeMap<String, Slot> {
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
        match spec.secrets.get(&slot.name) {
            Some(filled) => match fill(spec, slot, filled) {
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

fn fill(spec: &LinkSpec, slot: &SecretSlot, filled: &SecretSpec) -> Result<Slot, String> {
    let text = match &filled.source {
        SecretSource::Env(name) => std::env::var(name)
            .map_err(|_| format!("environment variable {name} is not set (or not UTF-8) for this process"))?
            .into_bytes(),
        SecretSource::File(path) => read_bounded(path, SECRET_MAX).map_err(|e| format!("{}: {e}", path.display()))?,
    };
    let secret = Secret::new(text, filled.encoding).map_err(|e| e.to_string())?;
    let granted: Vec<Use> = slot
        .uses
        .iter()
        .copied()
        .filter(|asked| filled.uses.as_ref().is_none_or(|allowed| allowed.contains(asked)))
        .collect();
    if granted.contains(&Use::Sm4) && secret.key().len() != SM4_KEY_BYTES {
        return Err(format!(
            "an SM4 key must have {SM4_KEY_BYTES} bytes; this one has {}; check the secret and its `encoding`",
            secret.key().len()
        ));
    }
    let send_to = match &filled.send_to {
        Some(origins) => origins.clone(),
        None => spec.allow.iter().map(|rule| rule.origin().clone()).collect(),
    };
    Ok(Slot::new(secret, granted.into_iter().collect::<Uses>(), send_to))
}

fn read_ca(spec: &LinkSpec, wrong: &mut Vec<SpecError>) -> Option<Ca> {
    let path = spec.ca_file.as_ref()?;
    let read = read_bounded(path, CA_MAX).map_err(|e| e.to_string());
    match read.and_then(|pem| Ca::from_pem(&pem).map_err(|e| e.to_string())) {
        Ok(ca) => Some(ca),
        Err(error) => {
            wrong.push(spec.wrong("tls.ca_file", format!("{}: {error}", path.display())));
            None
        }
    }
}

fn read_bounded(path: &std::path::Path, max: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(max + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > max {
        return Err(std::io::Error::other(format!("it has more than {max} bytes")));
    }
    Ok(bytes)
}
