//! Small XML documents as trees. Reading is bounded (bytes, depth, nodes) and takes no document type, so no entity is
//! ever declared, expanded or fetched; writing escapes whatever needs it. Comments and processing instructions are passed over.
//!
//! ```
//! use duijie_sdk::xml::{Element, parse};
//!
//! let written = Element::new("SSO").with(Element::text("username", "甲 & 乙")).to_xml().unwrap();
//! assert_eq!(written, "<SSO><username>甲 &amp; 乙</username></SSO>");
//! assert_eq!(parse(&written).unwrap().child("username").unwrap().text, "甲 & 乙");
//! ```

mod read;
mod write;

use crate::quotes;

/// Bytes of a document at the most.
pub const BYTES_MAX: usize = 1024 * 1024;
/// Elements inside each other at the most.
pub const DEPTH_MAX: usize = 32;
/// Elements and attributes at the most.
pub const NODES_MAX: usize = 20_000;

/// The declaration that stands before a document in UTF-8.
pub const DECLARATION: &str = r#"<?xml version="1.0" encoding="UTF-8"?>"#;

/// An element with its attributes, its text and its child elements. Where text stands between children is not kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Element {
    /// The name as written, with its prefix.
    pub name: String,
    /// Names as written, and values, in document order.
    pub attributes: Vec<(String, String)>,
    /// The element's own text, all pieces in one, white space as it is.
    pub text: String,
    /// In document order.
    pub children: Vec<Element>,
}

/// Why a text is no document that is read here, or an element none that can be written. Never quotes the content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum XmlError {
    /// Over [`BYTES_MAX`].
    #[error("larger than 1 MiB")]
    TooLarge,
    /// Over [`DEPTH_MAX`].
    #[error("nested deeper than 32 elements")]
    TooDeep,
    /// Over [`NODES_MAX`].
    #[error("more than 20000 elements and attributes")]
    TooMany,
    /// A document type declaration, which could declare entities.
    #[error("has a document type declaration, which is not read")]
    Doctype,
    /// Not well-formed; where reading stopped, in bytes.
    #[error("not well-formed at byte {0}")]
    Malformed(u64),
    /// A name to write that is none.
    #[error("an element or attribute has a name that XML does not allow")]
    Name,
}

impl Element {
    /// An empty element.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// An element with text.
    pub fn text(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self { name: name.into(), text: text.into(), ..Self::default() }
    }

    /// Adds a child at the end.
    #[must_use]
    pub fn with(mut self, child: Element) -> Self {
        self.children.push(child);
        self
    }

    /// Adds an attribute at the end.
    #[must_use]
    pub fn attribute(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.attributes.push((name.into(), value.into()));
        self
    }

    /// The name without its prefix.
    pub fn local_name(&self) -> &str {
        self.name.rsplit(':').next().unwrap_or_default()
    }

    /// The first child of this name, whatever its prefix.
    pub fn child(&self, local_name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.local_name() == local_name)
    }

    /// The first element of this name among this one and those in it, in document order.
    pub fn find(&self, local_name: &str) -> Option<&Element> {
        if self.local_name() == local_name {
            return Some(self);
        }
        self.children.iter().find_map(|child| child.find(local_name))
    }

    /// The element as XML, without a declaration and without white space of its own. Characters that XML cannot hold
    /// become U+FFFD.
    ///
    /// # Errors
    /// [`XmlError::Name`] for a name that would break out of its tag.
    pub fn to_xml(&self) -> Result<String, XmlError> {
        let mut text = String::new();
        write::element(self, &mut text)?;
        Ok(text)
    }
}

/// The root of a well-formed document.
///
/// # Errors
/// [`XmlError`]: a bound, a document type, or where it is not well-formed.
pub fn parse(text: &str) -> Result<Element, XmlError> {
    read::document(text)
}

/// As [`parse`]; what is not well-formed is read again with typographic quotes straightened and stray `&` and `<` taken
/// as text.
///
/// # Errors
/// The strict reader's, when that does not help.
pub fn parse_lenient(text: &str) -> Result<Element, XmlError> {
    match read::document(text) {
        Err(strict @ XmlError::Malformed(_)) => read::document(&quotes::repaired_xml(text)).map_err(|_| strict),
        other => other,
    }
}

/// Is this a name that needs no quoting anywhere: a letter or `_`, then letters, digits, `_`, `-`, `.`, and at most one
/// prefix before a colon?
pub fn is_name(name: &str) -> bool {
    let is_part = |part: &str| {
        part.starts_with(|first: char| first.is_alphabetic() || first == '_')
            && part.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))
    };
    match name.split_once(':') {
        Some((prefix, local)) => is_part(prefix) && is_part(local),
        None => is_part(name),
    }
}

#[cfg(test)]
mod tests;
