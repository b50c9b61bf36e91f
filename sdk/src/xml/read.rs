//! From events to a tree, without recursion: the depth of a document is not that of the stack.

use quick_xml::{
    XmlVersion,
    events::{BytesRef, BytesStart, Event},
    reader::Reader,
};

use super::{BYTES_MAX, DEPTH_MAX, Element, NODES_MAX, XmlError};

/// The root element.
pub(super) fn document(text: &str) -> Result<Element, XmlError> {
    if text.len() > BYTES_MAX {
        return Err(XmlError::TooLarge);
    }
    let mut reader = Reader::from_str(text.strip_prefix('\u{feff}').unwrap_or(text));
    let mut tree = Tree { open: Vec::new(), root: None, nodes: 0 };
    loop {
        let event = reader.read_event().map_err(|_| XmlError::Malformed(reader.error_position()))?;
        let here = || XmlError::Malformed(reader.buffer_position());
        match event {
            Event::Start(start) => {
                let element = tree.element(&start, here)?;
                tree.open(element, here)?;
            }
            Event::Empty(start) => {
                let element = tree.element(&start, here)?;
                tree.open(element, here)?;
                tree.close();
            }
            // The reader has compared the names.
            Event::End(_) => tree.close(),
            Event::Text(text) => tree.text(&text.xml10_content(), here)?,
            Event::CData(text) => tree.text(&text.xml10_content(), here)?,
            Event::GeneralRef(reference) => tree.text(&resolved(&reference).ok_or_else(here)?, here)?,
            Event::DocType(_) => return Err(XmlError::Doctype),
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
            Event::Eof if tree.open.is_empty() => return tree.root.ok_or_else(here),
            Event::Eof => return Err(here()),
        }
    }
}

/// What is open, outermost first, and the root once it is closed.
struct Tree {
    open: Vec<Element>,
    root: Option<Element>,
    nodes: usize,
}

impl Tree {
    fn count(&mut self, more: usize) -> Result<(), XmlError> {
        self.nodes += more;
        if self.nodes > NODES_MAX { Err(XmlError::TooMany) } else { Ok(()) }
    }

    fn element(&mut self, start: &BytesStart<'_>, here: impl Fn() -> XmlError) -> Result<Element, XmlError> {
        self.count(1)?;
        let mut element = Element::new(start.name().as_ref());
        for attribute in start.attributes() {
            self.count(1)?;
            let attribute = attribute.map_err(|_| here())?;
            let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|_| here())?;
            element.attributes.push((attribute.key.as_ref().to_owned(), value.into_owned()));
        }
        Ok(element)
    }

    fn open(&mut self, element: Element, here: impl Fn() -> XmlError) -> Result<(), XmlError> {
        if self.root.is_some() {
            return Err(here());
        }
        if self.open.len() >= DEPTH_MAX {
            return Err(XmlError::TooDeep);
        }
        self.open.push(element);
        Ok(())
    }

    fn close(&mut self) {
        let closed = self.open.pop();
        match (closed, self.open.last_mut()) {
            (Some(closed), Some(parent)) => parent.children.push(closed),
            (closed, _) => self.root = closed,
        }
    }

    fn text(&mut self, text: &str, here: impl Fn() -> XmlError) -> Result<(), XmlError> {
        match self.open.last_mut() {
            Some(element) => element.text.push_str(text),
            // Only white space may stand beside the root.
            None if text.trim().is_empty() => {}
            None => return Err(here()),
        }
        Ok(())
    }
}

/// A character by number, or one of the five entities that exist without a declaration.
fn resolved(reference: &BytesRef<'_>) -> Option<String> {
    if let Some(character) = reference.resolve_char_ref().ok()? {
        return Some(character.into());
    }
    Some(quick_xml::escape::resolve_predefined_entity(reference.as_ref())?.to_owned())
}
