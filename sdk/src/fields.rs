//! Reading the objects of upstreams that are loose about names and types: members by name in any case, scalars as text
//! however they were written, one element where a list is meant. No message made here holds a value.

use serde_json::Value;

use crate::{Failure, json};

/// An object of an upstream's; of anything else no member is found.
///
/// ```
/// use duijie_sdk::fields::Fields;
/// use serde_json::json;
///
/// let reply = json!({ "usessionid": "s", "fans": "7", "user": { "name": "" } });
/// let fields = Fields::of(&reply);
/// assert_eq!(fields.text(&["session", "usessionId"]).as_deref(), Some("s"));
/// assert_eq!(fields.integer(&["fans"]), Some(7));
/// assert_eq!(fields.list("user").len(), 1);
/// assert!(fields.object("user").required("name").is_err());
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Fields<'a>(&'a Value);

impl<'a> Fields<'a> {
    /// The members of this value.
    pub fn of(value: &'a Value) -> Self {
        Self(value)
    }

    /// The first of these members that is a scalar and not empty, as text.
    pub fn text(&self, names: &[&str]) -> Option<String> {
        names.iter().find_map(|name| json::text(json::member(self.0, name)?).filter(|text| !text.is_empty()))
    }

    /// A member that must be there, as text.
    ///
    /// # Errors
    /// `protocol` when it is not there, or empty.
    pub fn required(&self, name: &str) -> Result<String, Failure> {
        self.text(&[name]).ok_or_else(|| Failure::protocol(format!("the upstream's answer lacks {name}")))
    }

    /// The first of these members that is a whole number, which may stand in quotes.
    pub fn integer(&self, names: &[&str]) -> Option<i64> {
        names.iter().find_map(|name| json::integer(json::member(self.0, name)?))
    }

    /// A member that is an object; without it, one without members.
    pub fn object(&self, name: &str) -> Self {
        Self(json::member(self.0, name).unwrap_or(&Value::Null))
    }

    /// A member that is a list, or one element without its list; nothing where there is none.
    pub fn list(&self, name: &str) -> Vec<Self> {
        match json::member(self.0, name) {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(elements)) => elements.iter().map(Self).collect(),
            Some(one) => vec![Self(one)],
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Class;

    #[test]
    fn members_that_are_missing_empty_or_no_scalars_are_not_there() {
        let value = json!({ "a": null, "b": "", "c": [], "d": 0, "e": true });
        let fields = Fields::of(&value);
        for absent in ["a", "b", "c", "x"] {
            assert_eq!(fields.text(&[absent]), None, "{absent}");
            assert_eq!(fields.required(absent).unwrap_err().class, Class::Protocol);
        }
        assert_eq!(fields.text(&["a", "b", "D"]).as_deref(), Some("0"));
        assert_eq!(fields.required("e").unwrap(), "true");
        assert!(fields.list("a").is_empty() && fields.list("c").is_empty() && fields.list("x").is_empty());
        assert_eq!(fields.object("x").text(&["y"]), None);
    }
}
