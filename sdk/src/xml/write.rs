//! From a tree to text. Names are checked and everything else is escaped, so no value breaks out of its place.

use std::borrow::Cow;

use quick_xml::escape::escape;

use super::{Element, XmlError, is_name};

/// Adds the element. The caller's own trees are as deep as its code makes them.
pub(super) fn element(element: &Element, text: &mut String) -> Result<(), XmlError> {
    if !is_name(&element.name) {
        return Err(XmlError::Name);
    }
    text.push('<');
    text.push_str(&element.name);
    for (name, value) in &element.attributes {
        if !is_name(name) {
            return Err(XmlError::Name);
        }
        text.push(' ');
        text.push_str(name);
        text.push_str("=\"");
        // Readers make spaces of line breaks in attributes that are not written by number.
        text.push_str(&escape(allowed(value)).replace('\n', "&#10;").replace('\t', "&#9;"));
        text.push('"');
    }
    text.push('>');
    text.push_str(&escape(allowed(&element.text)));
    for child in &element.children {
        self::element(child, text)?;
    }
    text.push_str("</");
    text.push_str(&element.name);
    text.push('>');
    Ok(())
}

/// Without the characters that no XML document may hold, not even by number (XML 1.0 §2.2).
fn allowed(text: &str) -> Cow<'_, str> {
    let is_refused = |c: char| (c < ' ' && !matches!(c, '\t' | '\n' | '\r')) || matches!(c, '\u{fffe}' | '\u{ffff}');
    if text.contains(is_refused) { Cow::Owned(text.replace(is_refused, "\u{fffd}")) } else { Cow::Borrowed(text) }
}
