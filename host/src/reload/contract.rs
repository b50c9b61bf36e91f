//! What a new version of a connector would break for a platform that uses the old one, or asks for beyond it: operations,
//! hooks and input fields that are gone or became required, and secrets, uses and origins that are new. Compares what the
//! two manifests say; whether the connector does what it says is the canary's to find out.

use std::collections::{BTreeSet, HashSet};

use serde_json::Value;

use crate::runtime::manifest::{HookSpec, Manifest, OperationSpec, SecretSlot};

/// Changes told of one operation's input, or to one link; nobody reads more.
pub(super) const CHANGES_MAX: usize = 50;
/// How deep a schema is compared.
const DEPTH_MAX: usize = 16;

/// One change that an operator has to allow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    /// Matters only to links that serve this hook.
    pub(super) hook: Option<String>,
    /// What changed.
    pub(super) text: String,
}

/// Everything that changed between two manifests of one connector and that somebody could be hurt by.
pub(super) fn changes(old: &Manifest, new: &Manifest) -> Vec<Change> {
    let mut found = Vec::new();
    for operation in &old.operations {
        match new.operations.iter().find(|other| other.name == operation.name) {
            Some(other) => {
                inputs(operation, other, &mut found);
                if other.direct_only && !operation.direct_only {
                    all(&mut found, format!("operation {} is never queued any more", operation.name));
                }
            }
            None => all(&mut found, format!("operation {} is gone", operation.name)),
        }
    }
    for hook in &old.hooks {
        hook_change(hook, new, &mut found);
    }
    for slot in &new.secrets {
        secret(slot, old, &mut found);
    }
    for origin in new.origins.iter().filter(|origin| !old.origins.contains(origin)) {
        all(&mut found, format!("it wants to talk to {origin}"));
    }
    found
}

fn all(found: &mut Vec<Change>, text: String) {
    found.push(Change { hook: None, text });
}

fn hook_change(hook: &HookSpec, new: &Manifest, found: &mut Vec<Change>) {
    let mut change = |text| found.push(Change { hook: Some(hook.name.clone()), text });
    match new.hooks.iter().find(|other| other.name == hook.name) {
        None => change(format!("hook {} is gone", hook.name)),
        Some(other) if other.method != "ANY" && other.method != hook.method => {
            change(format!("hook {} takes {} instead of {}", hook.name, other.method, hook.method));
        }
        Some(_) => {}
    }
}

fn secret(slot: &SecretSlot, old: &Manifest, found: &mut Vec<Change>) {
    let known = old.secrets.iter().find(|other| other.name == slot.name);
    let uses = |wanted: &dyn Fn(&crate::secret::Use) -> bool| {
        slot.uses.iter().filter(|asked| wanted(asked)).map(|asked| asked.name()).collect::<Vec<_>>().join(", ")
    };
    let Some(known) = known else {
        let need = if slot.optional { "may be given" } else { "must be given" };
        return all(found, format!("secret {} is new ({}) and {need}", slot.name, uses(&|_| true)));
    };
    let more = uses(&|asked| !known.uses.contains(asked));
    if !more.is_empty() {
        all(found, format!("secret {} is to be used for {more} too", slot.name));
    }
    if known.optional && !slot.optional {
        all(found, format!("secret {} must be given", slot.name));
    }
}

fn inputs(old: &OperationSpec, new: &OperationSpec, found: &mut Vec<Change>) {
    let mut inside = Found::default();
    let pair = Pair { old_root: &old.input, new_root: &new.input };
    pair.compare(&old.input, &new.input, "", DEPTH_MAX, &mut inside);
    for text in inside.texts.into_iter().take(CHANGES_MAX) {
        all(found, format!("operation {}: input {text}", old.name));
    }
}

/// What was found in two schemas.
#[derive(Default)]
struct Found {
    texts: Vec<String>,
    /// References that were followed: what many places point to is compared once, and what goes round comes to an end.
    followed: HashSet<(String, String)>,
}

/// Two schemas, with what references in them mean.
struct Pair<'s> {
    old_root: &'s Value,
    new_root: &'s Value,
}

impl Pair<'_> {
    fn compare(&self, old: &Value, new: &Value, at: &str, depth: usize, found: &mut Found) {
        if depth == 0 || found.texts.len() >= CHANGES_MAX {
            return;
        }
        if let (Some(before), Some(after)) = (reference(old), reference(new))
            && !found.followed.insert((before.to_owned(), after.to_owned()))
        {
            return;
        }
        let (old, new) = (resolve(self.old_root, old), resolve(self.new_root, new));
        let shown = if at.is_empty() { "itself" } else { at };
        let has_forms = |schema: &Value| ["anyOf", "oneOf"].iter().any(|word| schema.get(word).is_some());
        if has_forms(new) && !has_forms(old) && self.fits_a_form(old, new, at, depth, found) {
            return;
        }
        let (before, after) = (types(old), types(new));
        if is_anything(old) && !is_anything(new) {
            found.texts.push(format!("{shown} took anything and does no longer"));
            return;
        }
        if !after.is_empty() && before.iter().any(|kind| !accepts(&after, kind)) {
            found.texts.push(format!("{shown} takes {} instead of {}", list(&after), list(&before)));
            return;
        }
        match (constants(old), constants(new)) {
            (Some(before), Some(after)) => {
                let gone: Vec<&str> = before.difference(&after).map(String::as_str).collect();
                if !gone.is_empty() {
                    found.texts.push(format!("{shown} takes {} no longer", gone.join(", ")));
                }
                return;
            }
            (None, Some(after)) => {
                let only: Vec<&str> = after.iter().map(String::as_str).collect();
                found.texts.push(format!("{shown} takes only {}", only.join(", ")));
                return;
            }
            (_, None) => {}
        }
        let is_closed = |schema: &Value| schema.get("additionalProperties") == Some(&Value::Bool(false));
        if is_closed(new) && !is_closed(old) {
            found.texts.push(format!("{shown} takes no members of other names"));
        }
        self.members(old, new, at, depth, found);
        for word in ["items", "additionalProperties"] {
            if let (Some(old), Some(new)) = (old.get(word), new.get(word)) {
                self.compare(old, new, &format!("{at}/*"), depth.saturating_sub(1), found);
            }
        }
        for word in ["allOf", "anyOf", "oneOf"] {
            let forms = |schema: &Value| schema.get(word).and_then(Value::as_array).cloned().unwrap_or_default();
            let (before, after) = (forms(old), forms(new));
            if after.len() < before.len() && word != "allOf" {
                found.texts.push(format!("{shown} takes {} forms instead of {}", after.len(), before.len()));
            }
            for (old, new) in before.iter().zip(&after) {
                self.compare(old, new, at, depth.saturating_sub(1), found);
            }
        }
    }

    /// Does one of the new forms take what the old schema took?
    fn fits_a_form(&self, old: &Value, new: &Value, at: &str, depth: usize, found: &Found) -> bool {
        let forms = ["anyOf", "oneOf"].iter().filter_map(|word| new.get(word)?.as_array()).flatten();
        forms.into_iter().any(|form| {
            let mut inside = Found { texts: Vec::new(), followed: found.followed.clone() };
            self.compare(old, form, at, depth.saturating_sub(1), &mut inside);
            inside.texts.is_empty()
        })
    }

    fn members(&self, old: &Value, new: &Value, at: &str, depth: usize, found: &mut Found) {
        let members = |schema| Value::get(schema, "properties").and_then(Value::as_object);
        if let Some(before) = members(old) {
            for (name, old) in before {
                let at = format!("{at}/{name}");
                match members(new).and_then(|after| after.get(name)) {
                    Some(new) => self.compare(old, new, &at, depth.saturating_sub(1), found),
                    None => found.texts.push(format!("{at} is gone")),
                }
            }
        }
        let required = |schema: &Value| -> BTreeSet<String> {
            let names = schema.get("required").and_then(Value::as_array).into_iter().flatten();
            names.filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let before = required(old);
        found.texts.extend(required(new).difference(&before).map(|name| format!("{at}/{name} is required now")));
    }
}

/// What a reference within its own document means; anything else is left as it is.
fn resolve<'s>(root: &'s Value, schema: &'s Value) -> &'s Value {
    reference(schema).and_then(|pointer| root.pointer(pointer)).unwrap_or(schema)
}

fn reference(schema: &Value) -> Option<&str> {
    schema.get("$ref").and_then(Value::as_str)?.strip_prefix('#')
}

/// Says nothing of what it takes.
fn is_anything(schema: &Value) -> bool {
    const SAYS: [&str; 9] = ["type", "enum", "const", "properties", "items", "anyOf", "oneOf", "allOf", "$ref"];
    let says = |schema: &serde_json::Map<String, Value>| SAYS.iter().any(|word| schema.contains_key(*word));
    *schema == Value::Bool(true) || schema.as_object().is_some_and(|schema| !says(schema))
}

/// The values a schema takes, if it lists them: as an enum, or as forms that are a constant each.
fn constants(schema: &Value) -> Option<BTreeSet<String>> {
    if let Some(values) = schema.get("enum").and_then(Value::as_array) {
        return Some(values.iter().map(bounded).collect());
    }
    if let Some(value) = schema.get("const") {
        return Some([bounded(value)].into());
    }
    let forms = schema.get("oneOf").or_else(|| schema.get("anyOf")).and_then(Value::as_array)?;
    let all: Option<Vec<_>> = forms.iter().map(constants).collect();
    all.map(|all| all.into_iter().flatten().collect())
}

fn types(schema: &Value) -> BTreeSet<String> {
    match schema.get("type") {
        Some(Value::String(one)) => [one.clone()].into(),
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => BTreeSet::new(),
    }
}

fn accepts(after: &BTreeSet<String>, kind: &str) -> bool {
    after.contains(kind) || (kind == "integer" && after.contains("number"))
}

fn list(kinds: &BTreeSet<String>) -> String {
    if kinds.is_empty() { "anything".into() } else { kinds.iter().map(String::as_str).collect::<Vec<_>>().join(" or ") }
}

fn bounded(value: &Value) -> String {
    value.to_string().chars().take(40).collect()
}

#[cfg(test)]
mod tests;
