//! Classes and outcomes by the names they have in the contract: for configs that say what an upstream's codes mean, and
//! for outputs that tell how each of many records ended.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::{Class, Outcome};

const CLASSES: [(&str, Class); 14] = [
    ("invalid-input", Class::InvalidInput),
    ("config", Class::Config),
    ("auth-failed", Class::AuthFailed),
    ("auth-expired", Class::AuthExpired),
    ("session-invalid", Class::SessionInvalid),
    ("identity-unverified", Class::IdentityUnverified),
    ("upstream-rejected", Class::UpstreamRejected),
    ("rate-limited", Class::RateLimited),
    ("unavailable", Class::Unavailable),
    ("timeout", Class::Timeout),
    ("protocol", Class::Protocol),
    ("denied", Class::Denied),
    ("internal", Class::Internal),
    ("other", Class::Other),
];

const OUTCOMES: [(&str, Outcome); 4] = [
    ("not-sent", Outcome::NotSent),
    ("rejected", Outcome::Rejected),
    ("unknown", Outcome::Unknown),
    ("done", Outcome::Done),
];

/// A class, written as its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClassName(pub Class);

/// An outcome, written as its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutcomeName(pub Outcome);

impl Serialize for ClassName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(name_of(&CLASSES, self.0).unwrap_or("other"))
    }
}

impl<'de> Deserialize<'de> for ClassName {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let name = Cow::<str>::deserialize(from)?;
        let known = CLASSES.iter().find(|(known, _)| *known == name);
        known.map(|(_, class)| Self(*class)).ok_or_else(|| D::Error::custom("is not the name of a class"))
    }
}

impl Serialize for OutcomeName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(name_of(&OUTCOMES, self.0).unwrap_or("unknown"))
    }
}

impl JsonSchema for ClassName {
    fn schema_name() -> Cow<'static, str> {
        "Class".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "enum": CLASSES.map(|(name, _)| name) })
    }
}

impl JsonSchema for OutcomeName {
    fn schema_name() -> Cow<'static, str> {
        "Outcome".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "enum": OUTCOMES.map(|(name, _)| name) })
    }
}

fn name_of<T: PartialEq>(names: &[(&'static str, T)], wanted: T) -> Option<&'static str> {
    names.iter().find(|(_, known)| *known == wanted).map(|(name, _)| *name)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_go_there_and_back() {
        for (name, class) in CLASSES {
            assert_eq!(serde_json::to_value(ClassName(class)).unwrap(), json!(name));
            assert_eq!(serde_json::from_value::<ClassName>(json!(name)).unwrap(), ClassName(class));
        }
        assert_eq!(serde_json::to_value(OutcomeName(Outcome::NotSent)).unwrap(), json!("not-sent"));
        assert!(serde_json::from_value::<ClassName>(json!("Config")).is_err());
    }
}
