//! What an operation's JSON Schema says of a member: which kind of cell it is read from. It looks through `properties`,
//! local `$ref`s, `allOf`, `anyOf` and `oneOf`; whatever it does not understand is text. It checks no record.
//!
//! Bounded by [`STEPS_MAX`] schemas looked at for one member.

use serde_json::Value;

use super::columns::Kind;

/// Most schemas looked at for one member: a schema that refers to itself ends here.
const STEPS_MAX: u32 = 200;

/// The types that are one value, as bits.
const STRING: u8 = 1;
const INTEGER: u8 = 2;
const NUMBER: u8 = 4;
const BOOLEAN: u8 = 8;
const COMPOUND: u8 = 16;

/// How the cells of a member are read.
pub(super) fn kind_of(root: &Value, path: &[String]) -> Kind {
    let mut search = Search { root, left: STEPS_MAX };
    match search.types(root, path) {
        INTEGER => Kind::Integer,
        NUMBER => Kind::Number,
        both if both == INTEGER | NUMBER => Kind::Number,
        BOOLEAN => Kind::Boolean,
        _ => Kind::Text,
    }
}

/// The top-level properties that are one value, at most so many.
pub(super) fn scalar_properties(root: &Value, most: usize) -> Vec<String> {
    let mut names = Vec::new();
    Search { root, left: STEPS_MAX }.names(root, most, &mut names);
    names.retain(|name| {
        let types = Search { root, left: STEPS_MAX }.types(root, std::slice::from_ref(name));
        types != 0 && types & COMPOUND == 0
    });
    names
}

struct Search<'a> {
    root: &'a Value,
    left: u32,
}

impl<'a> Search<'a> {
    /// The schemas that hold beside this one, for the same value.
    fn same(&self, schema: &'a Value) -> impl Iterator<Item = &'a Value> + use<'a> {
        let target = schema.get("$ref").and_then(Value::as_str).and_then(|to| self.root.pointer(to.strip_prefix('#')?));
        let lists = ["allOf", "anyOf", "oneOf"].into_iter();
        let listed = lists.filter_map(|key| schema.get(key)?.as_array()).flatten();
        target.into_iter().chain(listed)
    }

    fn step(&mut self) -> bool {
        self.left = self.left.saturating_sub(1);
        self.left > 0
    }

    /// The types that a member may have.
    fn types(&mut self, schema: &'a Value, path: &[String]) -> u8 {
        // Deep calls take steps too: a cycle of references ends.
        if !self.step() {
            return 0;
        }
        let mut types = 0;
        match path.split_first() {
            None => types |= own_types(schema),
            Some((name, rest)) => {
                if let Some(inner) = schema.get("properties").and_then(|properties| properties.get(name)) {
                    types |= self.types(inner, rest);
                }
            }
        }
        for other in self.same(schema) {
            types |= self.types(other, path);
        }
        types
    }

    fn names(&mut self, schema: &'a Value, most: usize, names: &mut Vec<String>) {
        if !self.step() {
            return;
        }
        for name in schema.get("properties").and_then(Value::as_object).into_iter().flat_map(|all| all.keys()) {
            if names.len() < most && !names.contains(name) {
                names.push(name.clone());
            }
        }
        for other in self.same(schema) {
            self.names(other, most, names);
        }
    }
}

/// What the schema itself says, without what it refers to.
fn own_types(schema: &Value) -> u8 {
    let named = |name: &Value| match name.as_str() {
        Some("string") => STRING,
        Some("integer") => INTEGER,
        Some("number") => NUMBER,
        Some("boolean") => BOOLEAN,
        Some("object" | "array") => COMPOUND,
        _ => 0,
    };
    let valued = |value: &Value| match value {
        Value::String(_) => STRING,
        Value::Number(number) if number.is_f64() => NUMBER,
        Value::Number(_) => INTEGER,
        Value::Bool(_) => BOOLEAN,
        Value::Array(_) | Value::Object(_) => COMPOUND,
        Value::Null => 0,
    };
    match (schema.get("type"), schema.get("enum"), schema.get("const")) {
        (Some(Value::Array(types)), ..) => types.iter().map(named).fold(0, |all, one| all | one),
        (Some(one), ..) => named(one),
        (None, Some(Value::Array(values)), _) => values.iter().map(valued).fold(0, |all, one| all | one),
        (None, _, Some(value)) => valued(value),
        _ => 0,
    }
}
