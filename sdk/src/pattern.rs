//! Patterns that operators write into a config, to tell what an upstream means by its words: words to look for, and no
//! more of the language of regular expressions than that. An engine for the rest would be a twentieth of a connector.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de::Error as _};

/// What would mean something else in a regular expression: refused, so that nobody waits for a meaning that it has not.
const NOT_OURS: [char; 13] = ['\\', '.', '+', '*', '?', '(', ')', '[', ']', '{', '}', '^', '$'];

/// Words with `|` between them; `(?i)` before them ignores the case of ASCII letters. Anything else is refused with the config.
#[derive(Debug, Clone)]
pub struct Pattern {
    words: Vec<String>,
    any_case: bool,
}

impl Pattern {
    /// A pattern known to the connector; `None` when it is none.
    pub fn new(pattern: &str) -> Option<Self> {
        let (any_case, words) = match pattern.strip_prefix("(?i)") {
            Some(words) => (true, words.to_ascii_lowercase()),
            None => (false, pattern.to_owned()),
        };
        let words: Vec<_> = words.split('|').map(str::to_owned).collect();
        let is_word = |word: &String| !word.is_empty() && !word.contains(NOT_OURS);
        words.iter().all(is_word).then_some(Self { words, any_case })
    }

    /// Does one of the words occur anywhere in the text?
    pub fn is_in(&self, text: &str) -> bool {
        let text = if self.any_case { Cow::Owned(text.to_ascii_lowercase()) } else { Cow::Borrowed(text) };
        self.words.iter().any(|word| text.contains(word))
    }
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        Self::new(&text).ok_or_else(|| {
            D::Error::custom(
                "no pattern: words with `|` between them, `(?i)` before them to ignore case, none of \\.+*?()[]{}^$",
            )
        })
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
    fn any_of_the_words_is_found_anywhere() {
        let pattern: Pattern = serde_json::from_str(r#""(?i)Token|令牌""#).unwrap();
        assert!(pattern.is_in("Invalid TOKEN") && pattern.is_in("令牌已失效") && !pattern.is_in("参数错误"));
        let exact = Pattern::new("token").unwrap();
        assert!(exact.is_in("a token") && !exact.is_in("a Token"));
    }

    #[test]
    fn what_only_a_regular_expression_would_understand_is_refused_in_words() {
        for pattern in ["(", "^token", "to+ken", "a.b", r"\d", "(?i)(token)", "token(?i)", "[a-z]"] {
            let error = serde_json::from_value::<Pattern>(pattern.into()).unwrap_err().to_string();
            assert!(error.contains("words with `|` between them"), "{pattern}: {error}");
        }
    }

    #[test]
    fn a_word_that_is_in_every_text_is_refused() {
        for pattern in ["", "(?i)", "token|", "|token", "a||b"] {
            assert!(Pattern::new(pattern).is_none(), "{pattern}");
        }
    }
}
