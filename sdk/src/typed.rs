//! JSON into types by one small path: the text is parsed once, into a `Value`, and types take what they know from that.
//! Straight from the text, every struct would carry the parser with it, and a second time for the lists that it could
//! come as: a tenth of a connector of many types. An object is an object here, never a list of its members; of a member
//! that stands twice the last counts, as it does for the host.

use serde::{
    Deserializer,
    de::{
        DeserializeOwned, DeserializeSeed, Error as _, IntoDeserializer, MapAccess, SeqAccess, Unexpected, Visitor,
        value::StringDeserializer,
    },
    forward_to_deserialize_any,
};
use serde_json::{Error, Map, Value, map};

/// The type's value from JSON text.
///
/// # Errors
/// The parser's when it is no JSON, the type's when it does not fit. Of the latter the message may quote what was found.
pub fn parse<T: DeserializeOwned>(text: &[u8]) -> Result<T, Error> {
    from_value(value_of(text)?)
}

/// The type's value from JSON.
///
/// # Errors
/// The type's when it does not fit.
pub fn from_value<T: DeserializeOwned>(value: Value) -> Result<T, Error> {
    T::deserialize(Node(value))
}

/// Why it failed, without the value it failed over, which may be personal.
pub(crate) fn place_of(error: &Error) -> String {
    match error.line() {
        // Types are read from a value, which knows no lines.
        0 => "of another shape".to_owned(),
        line => format!("stopped at line {line} column {}", error.column()),
    }
}

/// Apart from the types, so that a connector holds this once.
fn value_of(text: &[u8]) -> Result<Value, Error> {
    serde_json::from_slice(text)
}

/// One JSON value.
struct Node(Value);

impl Node {
    fn unfit(&self, expected: &dyn serde::de::Expected) -> Error {
        let found = match &self.0 {
            Value::Null => Unexpected::Unit,
            Value::Bool(truth) => Unexpected::Bool(*truth),
            Value::Number(_) => Unexpected::Other("a number"),
            Value::String(text) => Unexpected::Str(text),
            Value::Array(_) => Unexpected::Seq,
            Value::Object(_) => Unexpected::Map,
        };
        Error::invalid_type(found, expected)
    }
}

impl<'de> Deserializer<'de> for Node {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.0.deserialize_any(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_map(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Object(members) => visitor.visit_map(Members::of(members)),
            _ => Err(self.unfit(&visitor)),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Array(elements) => visitor.visit_seq(Elements(elements.into_iter())),
            _ => Err(self.unfit(&visitor)),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::String(text) => visitor.visit_string(text),
            _ => Err(self.unfit(&visitor)),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Bool(truth) => visitor.visit_bool(truth),
            _ => Err(self.unfit(&visitor)),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.0.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _name: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.0 {
            Value::String(variant) => {
                let variant: StringDeserializer<Error> = variant.into_deserializer();
                variant.deserialize_enum(name, variants, visitor)
            }
            other => other.deserialize_enum(name, variants, visitor),
        }
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char bytes byte_buf unit unit_struct tuple tuple_struct
    }
}

/// Members of an object, one after the other.
struct Members {
    rest: map::IntoIter,
    value: Value,
}

impl Members {
    fn of(members: Map<String, Value>) -> Self {
        Self { rest: members.into_iter(), value: Value::Null }
    }

    /// The next name; its value is kept for when it is asked for. Apart from the types, so that a connector holds this once.
    fn next_name(&mut self) -> Option<Node> {
        let (name, value) = self.rest.next()?;
        self.value = value;
        Some(Node(Value::String(name)))
    }
}

impl<'de> MapAccess<'de> for Members {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        self.next_name().map(|name| seed.deserialize(name)).transpose()
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        seed.deserialize(Node(self.value.take()))
    }
}

/// Elements of a list, one after the other.
struct Elements(std::vec::IntoIter<Value>);

impl<'de> SeqAccess<'de> for Elements {
    type Error = Error;

    fn next_element_seed<E: DeserializeSeed<'de>>(&mut self, seed: E) -> Result<Option<E::Value>, Error> {
        self.0.next().map(|element| seed.deserialize(Node(element))).transpose()
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields, rename_all = "camelCase")]
    struct Record {
        record_id: String,
        count: u32,
        ratio: Option<f64>,
        #[serde(default)]
        tags: Vec<String>,
        kind: Kind,
        extra: Option<Value>,
        #[serde(default)]
        pair: (i8, bool),
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Kind {
        Plain,
        Of(u8),
        With { inner: Box<str> },
    }

    fn read(value: Value) -> Result<Record, String> {
        parse(value.to_string().as_bytes()).map_err(|error| error.to_string())
    }

    #[test]
    fn every_kind_of_member_is_read() {
        let record = json!({
            "recordId": "T1", "count": 7, "ratio": 0.5, "tags": ["a"], "kind": "plain", "extra": { "x": [1] }, "pair": [-1, true],
        });
        let expected = Record {
            record_id: "T1".to_owned(),
            count: 7,
            ratio: Some(0.5),
            tags: vec!["a".to_owned()],
            kind: Kind::Plain,
            extra: Some(json!({ "x": [1] })),
            pair: (-1, true),
        };
        assert_eq!(read(record).unwrap(), expected);
        let least = read(json!({ "recordId": "", "count": 0, "ratio": null, "kind": { "of": 3 } })).unwrap();
        assert_eq!((least.ratio, least.extra, least.kind), (None, None, Kind::Of(3)));
        let with = read(json!({ "recordId": "", "count": 0, "kind": { "with": { "inner": "x" } } })).unwrap();
        assert_eq!(with.kind, Kind::With { inner: "x".into() });
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let fits = json!({ "recordId": "T1", "count": 7, "kind": "plain" });
        assert!(read(fits.clone()).is_ok());
        for (member, value) in [
            ("recordId", json!(1)),
            ("count", json!(-1)),
            ("count", json!("7")),
            ("ratio", json!(true)),
            ("tags", json!("a")),
            ("kind", json!("other")),
            ("kind", json!({ "plain": 1, "of": 2 })),
            ("surplus", json!(null)),
        ] {
            let mut record = fits.clone();
            record[member] = value;
            assert!(read(record.clone()).is_err(), "{record}");
        }
        assert!(read(json!(["T1", 7, null, [], "plain", null, [0, true]])).is_err());
        assert!(parse::<Record>(b"{").is_err());
    }

    #[test]
    fn why_it_failed_is_told_without_the_value() {
        let place = |text: &str| place_of(&parse::<Record>(text.as_bytes()).unwrap_err());
        assert_eq!(place("{\n\"recordId\" 甄测生"), "stopped at line 2 column 12");
        assert_eq!(place(r#"{"recordId":["甄测生"]}"#), "of another shape");
    }

    #[test]
    fn of_a_member_that_stands_twice_the_last_counts() {
        let record: Record = parse(br#"{"recordId":"a","count":1,"kind":"plain","recordId":"b"}"#).unwrap();
        assert_eq!(record.record_id, "b");
    }
}
