//! Tables of a config whose names are the operator's: codes and their classes, headers, categories. A list underneath,
//! in the order read; a map of every value type would be tens of kilobytes of a component.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error as _, MapAccess, Visitor},
};

/// Names with values. A name stands once; looking one up is linear, so keep tables to what a person would write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table<V>(Vec<(String, V)>);

impl<V> Table<V> {
    /// The value of a name.
    pub fn get(&self, name: &str) -> Option<&V> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// Names and values in the order read.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &V)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Is nothing in it?
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<V> Default for Table<V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<V> FromIterator<(String, V)> for Table<V> {
    /// The names must differ.
    fn from_iter<I: IntoIterator<Item = (String, V)>>(entries: I) -> Self {
        Self(entries.into_iter().collect())
    }
}

impl<V: Serialize> Serialize for Table<V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Table<V> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Entries<V>(Vec<(String, V)>);

        impl<'de, V: Deserialize<'de>> Visitor<'de> for Entries<V> {
            type Value = Table<V>;

            fn expecting(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                to.write_str("a table")
            }

            fn visit_map<A: MapAccess<'de>>(mut self, mut entries: A) -> Result<Table<V>, A::Error> {
                while let Some((name, value)) = entries.next_entry::<String, V>()? {
                    if self.0.iter().any(|(known, _)| *known == name) {
                        return Err(A::Error::custom("a name stands twice"));
                    }
                    self.0.push((name, value));
                }
                Ok(Table(self.0))
            }
        }

        from.deserialize_map(Entries(Vec::new()))
    }
}

impl<V: JsonSchema> JsonSchema for Table<V> {
    fn schema_name() -> Cow<'static, str> {
        "Table".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "object", "additionalProperties": generator.subschema_for::<V>() })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{from_str, json};

    use super::*;

    #[test]
    fn a_table_keeps_its_order_and_its_names_apart() {
        let table: Table<u8> = from_str(r#"{"b":1,"a":2}"#).unwrap();
        assert_eq!(table.iter().collect::<Vec<_>>(), [("b", &1), ("a", &2)]);
        assert_eq!((table.get("a"), table.get("c"), table.is_empty()), (Some(&2), None, false));
        assert_eq!(serde_json::to_string(&table).unwrap(), r#"{"b":1,"a":2}"#);
        assert!(from_str::<Table<u8>>(r#"{"a":1,"a":2}"#).is_err());
        assert!(from_str::<Table<u8>>("[]").is_err());
    }

    #[test]
    fn its_schema_says_what_its_values_are() {
        let schema = SchemaGenerator::default().into_root_schema_for::<Table<bool>>();
        assert_eq!(schema.get("additionalProperties"), Some(&json!({ "type": "boolean" })));
    }
}
