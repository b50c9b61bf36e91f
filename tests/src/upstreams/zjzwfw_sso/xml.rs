//! The little XML there is: elements with text or with children. Written by hand, read into a small tree. A document type
//! is refused, and so are unknown entities: nothing is ever fetched or expanded.
//! Bounds: depth 16, 10,000 elements.

use quick_xml::NsReader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::ResolveResult;
use serde_json::Value;

const DEPTH_MAX: usize = 16;
const ELEMENTS_MAX: usize = 10_000;

/// An element, its name without a prefix.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Element {
    pub(super) name: String,
    pub(super) namespace: Option<String>,
    /// All text directly inside, joined.
    pub(super) text: String,
    pub(super) children: Vec<Element>,
}

impl Element {
    pub(super) fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.name == name)
    }
}

/// The root element of a document; none when it is not well-formed, or asks for more than is given.
pub(super) fn read(text: &str) -> Option<Element> {
    let mut reader = NsReader::from_str(text);
    // The open elements, outermost first; the first is the document itself.
    let mut open = vec![Element::default()];
    let mut elements = 0_usize;
    loop {
        if elements > ELEMENTS_MAX || open.len() > DEPTH_MAX {
            return None;
        }
        let (namespace, event) = reader.read_resolved_event().ok()?;
        match event {
            Event::Start(start) => {
                elements += 1;
                open.push(element(&start, &namespace)?);
            }
            Event::Empty(start) => {
                elements += 1;
                open.last_mut()?.children.push(element(&start, &namespace)?);
            }
            Event::End(_) => {
                let closed = open.pop()?;
                open.last_mut()?.children.push(closed);
            }
            Event::Text(text) => open.last_mut()?.text.push_str(&text.xml10_content()),
            Event::CData(text) => open.last_mut()?.text.push_str(&text.xml10_content()),
            Event::GeneralRef(reference) => {
                let text = &mut open.last_mut()?.text;
                match reference.resolve_char_ref().ok()? {
                    Some(character) => text.push(character),
                    None => text.push_str(resolve_predefined_entity(&reference)?),
                }
            }
            Event::DocType(_) => return None,
            Event::Decl(_) | Event::Comment(_) | Event::PI(_) => {}
            Event::Eof => break,
        }
    }
    let document = open.pop().filter(|_| open.is_empty())?;
    let mut roots = document.children.into_iter();
    let root = roots.next()?;
    (roots.next().is_none() && document.text.trim().is_empty()).then_some(root)
}

fn element(start: &BytesStart<'_>, namespace: &ResolveResult<'_>) -> Option<Element> {
    let namespace = match namespace {
        ResolveResult::Bound(namespace) => Some(namespace.as_ref().to_owned()),
        ResolveResult::Unbound => None,
        ResolveResult::Unknown(_) => return None,
    };
    Some(Element { name: start.local_name().as_ref().to_owned(), namespace, ..Element::default() })
}

/// `<SSO>` with one child for each member; a list's rows carry theirs as attributes, as the conventions say.
pub(super) fn sso<'a>(members: impl IntoIterator<Item = (&'a str, &'a Value)>, escaped: bool) -> String {
    let mut text = String::from(r#"<?xml version="1.0" encoding="UTF-8"?><SSO>"#);
    for (name, value) in members {
        match value {
            Value::Array(rows) => rows.iter().for_each(|row| write_row(&mut text, name, row)),
            _ => {
                let value = plain(value);
                let value = if escaped { escape(&value) } else { value };
                text.push_str(&format!("<{name}>{value}</{name}>"));
            }
        }
    }
    text.push_str("</SSO>");
    text
}

fn write_row(text: &mut String, name: &str, row: &Value) {
    text.push_str(&format!("<{name}"));
    for (attribute, value) in row.as_object().into_iter().flatten() {
        text.push_str(&format!(" {attribute}=\"{}\"", escape(&plain(value))));
    }
    text.push_str(&format!("></{name}>"));
}

/// A text as it is, anything else as JSON.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Text made safe for an element or an attribute.
pub(super) fn escape(text: &str) -> String {
    quick_xml::escape::escape(text).into_owned()
}
