//! The parameter `args`: a JSON or XML text inside a parameter. Written by the link's datatype, read by what it is.

use duijie_sdk::{
    Failure, json,
    mapping::Wire,
    xml::{self, DECLARATION, Element},
};
use serde_json::Value;

use crate::{config::Datatype, reply};

/// The root of every XML document of the SSO.
const ROOT: &str = "SSO";

/// A record as `args`.
///
/// # Errors
/// `config` for a name that XML does not allow; `internal` for what is no JSON.
pub(crate) fn write(wire: &Wire, datatype: Datatype) -> Result<String, Failure> {
    match datatype {
        Datatype::Json => {
            serde_json::to_string(wire).map_err(|error| Failure::internal(format!("a record is not JSON: {error}")))
        }
        Datatype::Xml => {
            let mut root = Element::new(ROOT);
            add_members(&mut root, wire);
            let text = root.to_xml().map_err(|error| Failure::config(format!("mapping.user_sync: {error}")))?;
            Ok(format!("{DECLARATION}{text}"))
        }
    }
}

/// `args` as an object; `None` when it is none.
pub(crate) fn read(text: &str, lenient: bool) -> Option<Value> {
    let text = text.trim_start_matches('\u{feff}').trim();
    let value = if text.starts_with('<') {
        let root = if lenient { xml::parse_lenient(text) } else { xml::parse(text) };
        reply::value_of(&root.ok()?)
    } else {
        reply::json_of(text, lenient).ok()?
    };
    value.is_object().then_some(value)
}

/// An object's members as child elements; of a list, each object is a row with attributes.
fn add_members(parent: &mut Element, wire: &Wire) {
    match wire {
        Wire::Object(members) => {
            for (name, member) in members {
                add(parent, name, member);
            }
        }
        Wire::Value(Value::Object(members)) => {
            for (name, member) in members {
                add(parent, name, &Wire::Value(member.clone()));
            }
        }
        Wire::Value(_) | Wire::List(_) => {}
    }
}

fn add(parent: &mut Element, name: &str, wire: &Wire) {
    match wire {
        Wire::List(rows) => rows.iter().for_each(|element| parent.children.push(row(name, element))),
        Wire::Value(Value::Array(rows)) => {
            rows.iter().for_each(|element| parent.children.push(row(name, &Wire::Value(element.clone()))));
        }
        Wire::Value(value) if !value.is_object() => {
            parent.children.push(Element::text(name, json::text(value).unwrap_or_default()));
        }
        object => {
            let mut child = Element::new(name);
            add_members(&mut child, object);
            parent.children.push(child);
        }
    }
}

fn row(name: &str, wire: &Wire) -> Element {
    let scalar = |value: &Wire| match value {
        Wire::Value(value) => json::text(value),
        _ => None,
    };
    let mut row = Element::new(name);
    if let Some(text) = scalar(wire) {
        row.text = text;
        return row;
    }
    add_members(&mut row, wire);
    // Scalars of a row are its attributes; what has members of its own stays a child.
    for child in std::mem::take(&mut row.children) {
        if child.children.is_empty() && child.attributes.is_empty() {
            row.attributes.push((child.name, child.text));
        } else {
            row.children.push(child);
        }
    }
    row
}
