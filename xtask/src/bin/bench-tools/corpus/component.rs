//! Components written down: from text, and byte by byte where the text format would not nest deeply enough.

use anyhow::{Context as _, Result};

/// The head of a component, and of a core module.
pub(super) const COMPONENT: [u8; 8] = *b"\0asm\x0d\0\x01\0";
pub(super) const MODULE: [u8; 8] = *b"\0asm\x01\0\0\0";

/// A handler of the right name and no right types.
const HANDLER: &str = r#"
    (core module $handler (func (export "f")))
    (core instance $i (instantiate $handler))
    (func $f (canon lift (core func $i "f")))
    (instance $h (export "describe" (func $f)) (export "check" (func $f)) (export "call" (func $f)) (export "receive" (func $f)))
    (export "duijie:connector/handler@0.1.0" (instance $h))"#;

/// A component of this text, before the handler that the host looks for.
pub(super) fn with_handler(text: &str) -> Result<Vec<u8>> {
    parse(&format!("(component {text} {HANDLER})"))
}

/// A component with the handler of another world.
pub(super) fn of_world(version: &str) -> Result<Vec<u8>> {
    parse(&format!("(component {})", HANDLER.replace("handler@0.1.0", &format!("handler@{version}"))))
}

/// A component of this text.
pub(super) fn parse(text: &str) -> Result<Vec<u8>> {
    wat::parse_str(text).context("a component of the corpus")
}

/// Adds a custom section, which changes nothing but the hash.
pub(super) fn salted(mut component: Vec<u8>, salt: &[u8]) -> Vec<u8> {
    section(&mut component, 0, &[&[4][..], b"salt", salt].concat());
    component
}

/// Components within components.
pub(super) fn components(depth: usize) -> Vec<u8> {
    (0..depth).fold(COMPONENT.to_vec(), |inner, _| {
        let mut outer = COMPONENT.to_vec();
        section(&mut outer, 4, &inner);
        outer
    })
}

/// Lists of lists of lists.
pub(super) fn lists(depth: usize) -> Vec<u8> {
    // A list is 0x70 and what it is of: u8, or the type before.
    let mut types = leb(depth + 1);
    types.extend([0x70, 0x7d]);
    for before in 0..depth {
        types.push(0x70);
        types.extend(leb(before));
    }
    let mut component = COMPONENT.to_vec();
    section(&mut component, 7, &types);
    component
}

/// Types of components that have types of components.
pub(super) fn component_types(depth: usize) -> Vec<u8> {
    // The innermost has no declarations, every other one, which is a type.
    let types = [&[0x41, 1, 1].repeat(depth)[..], &[0x41, 0]].concat();
    let mut component = COMPONENT.to_vec();
    section(&mut component, 7, &[&[1][..], &types].concat());
    component
}

fn section(component: &mut Vec<u8>, id: u8, content: &[u8]) {
    component.push(id);
    component.extend(leb(content.len()));
    component.extend(content);
}

/// Unsigned LEB128.
fn leb(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = u8::try_from(number & 0x7f).unwrap_or(0);
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}
