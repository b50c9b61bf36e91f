//! What a text of the SSO's is: JSON or XML, told apart by how it begins, and XML as the JSON that says the same.

use duijie_sdk::{
    json, quotes, soap,
    xml::{self, Element},
};
use serde_json::{Map, Value};

/// What a text is.
pub(crate) enum Content {
    /// JSON, or XML as the JSON that says the same.
    Value(Value),
    /// The root of a SOAP message.
    Envelope(Element),
}

/// What is in a text, by what it begins with.
///
/// # Errors
/// Why it is not understood, without a word of it.
pub(crate) fn content(text: &str, lenient: bool) -> Result<Content, String> {
    let text = text.trim();
    match text.chars().next() {
        Some('{' | '[') => json_of(text, lenient).map(Content::Value),
        Some('<') => {
            let root = if lenient { xml::parse_lenient(text) } else { xml::parse(text) };
            let root = root.map_err(|error| error.to_string())?;
            Ok(if soap::is_envelope(&root) { Content::Envelope(root) } else { Content::Value(value_of(&root)) })
        }
        Some(_) => Err("neither JSON nor XML".to_owned()),
        None => Err("empty".to_owned()),
    }
}

/// The value in a SOAP answer: a text with JSON or XML in it, or the XML itself.
///
/// # Errors
/// As [`content`].
pub(crate) fn inside(value: &Element, lenient: bool) -> Result<Value, String> {
    match value.children.as_slice() {
        [] => {}
        [root] if !root.children.is_empty() => return Ok(value_of(root)),
        _ => return Ok(value_of(value)),
    }
    match content(&value.text, lenient)? {
        Content::Value(reply) if reply.is_object() => Ok(reply),
        _ => Err("no object in the SOAP answer".to_owned()),
    }
}

/// JSON; leniently also with trailing commas or typographic quotes. Where parsing stopped helps; what stood there may be
/// personal.
pub(crate) fn json_of(text: &str, lenient: bool) -> Result<Value, String> {
    let strict = serde_json::from_slice(text.as_bytes());
    if !lenient || strict.is_ok() {
        return strict.map_err(|error| format!("no JSON (line {}, column {})", error.line(), error.column()));
    }
    let loose = json::parse(text.as_bytes()).or_else(|_| json::parse(quotes::straight_in_json(text).as_bytes()));
    loose.map_err(|error| format!("no JSON (line {}, column {})", error.line(), error.column()))
}

/// XML as the JSON that says the same: an object has child elements, a row of a list has attributes (and is one of a
/// list even when it is alone), everything else is text. Attributes of schemas and namespaces say nothing here.
pub(crate) fn value_of(element: &Element) -> Value {
    let text = element.text.trim();
    if element.children.is_empty() && attributes(element).next().is_none() {
        return text.into();
    }
    let mut members = Map::new();
    for (name, value) in attributes(element) {
        members.insert(name.clone(), value.as_str().into());
    }
    for child in &element.children {
        let (name, value) = (child.local_name(), value_of(child));
        match members.get_mut(name) {
            Some(Value::Array(rows)) => rows.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
            None => {
                let is_row = attributes(child).next().is_some();
                members.insert(name.to_owned(), if is_row { Value::Array(vec![value]) } else { value });
            }
        }
    }
    if !text.is_empty() {
        members.insert("text".to_owned(), text.into());
    }
    Value::Object(members)
}

fn attributes(element: &Element) -> impl Iterator<Item = &(String, String)> {
    element.attributes.iter().filter(|(name, _)| name != "xmlns" && !name.contains(':'))
}
