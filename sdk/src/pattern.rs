//! Patterns that operators write into a config, to tell what an upstream means by its words. A small engine without
//! tables for all of Unicode; linear in the text whatever the pattern.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de::Error as _};

/// A regular expression; `(?i)` at its beginning ignores the case of ASCII letters. An invalid one is refused with the config.
#[derive(Debug, Clone)]
pub struct Pattern(regex_lite::Regex);

impl Pattern {
    /// A pattern known to the connector; `None` when it is none.
    pub fn new(pattern: &str) -> Option<Self> {
        regex_lite::Regex::new(pattern).ok().map(Self)
    }

    /// Does it occur anywhere in the text?
    pub fn is_in(&self, text: &str) -> bool {
        self.0.is_match(text)
    }
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        regex_lite::Regex::new(&text)
            .map(Self)
            .map_err(|error| D::Error::custom(format!("no regular expression: {error}")))
    }
}

impl JsonSchema for Pattern {
    fn schema_name() -> Cow<'static, str> {
        "Pattern".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "maxLength": 1024 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_chinese_are_matched() {
        let pattern: Pattern = serde_json::from_str(r#""(?i)token|令牌""#).unwrap();
        assert!(pattern.is_in("Invalid TOKEN") && pattern.is_in("令牌已失效") && !pattern.is_in("参数错误"));
        assert!(serde_json::from_str::<Pattern>(r#""(""#).is_err());
    }
}
