//! Revisions of the connector that the tests misbehave with: real components that differ in a few bytes, as the mode
//! behind the marker in them says.

use std::{fs, path::Path};

use anyhow::{Context as _, Result, anyhow, bail};
use sha2::{Digest as _, Sha256};

/// The connector's name.
pub(crate) const NAME: &str = "hostile";
/// The operation that says which revision it is.
pub(crate) const OPERATION: &str = "mode.twice";
/// How often its answer says so.
pub(crate) const TIMES: usize = 3;

/// Before the mode, in the component.
const MARK: &[u8] = b"hostile-mode:";
/// Both together.
const MARKED: usize = 64;

/// A component and its name.
#[derive(Clone)]
pub(crate) struct Revision {
    /// The component.
    pub(crate) bytes: Vec<u8>,
    /// The hash of it, as the host names it.
    pub(crate) hash: String,
}

impl Revision {
    /// Of these bytes.
    pub(crate) fn of(bytes: Vec<u8>) -> Self {
        let hash = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        Self { bytes, hash }
    }
}

/// Reads the component.
pub(crate) fn read(file: &Path) -> Result<Vec<u8>> {
    fs::read(file).with_context(|| format!("reading {}", file.display()))
}

/// The component in this mode.
pub(crate) fn in_mode(component: &[u8], mode: &str) -> Result<Revision> {
    let mut bytes = component.to_vec();
    let at = bytes.windows(MARK.len()).position(|window| window == MARK);
    let marked =
        at.and_then(|at| bytes.get_mut(at..at + MARKED)).ok_or_else(|| anyhow!("no marker in the component"))?;
    let text = [MARK, mode.as_bytes()].concat();
    if text.len() > MARKED {
        bail!("the mode {mode} is too long");
    }
    marked.fill(b' ');
    marked.iter_mut().zip(text).for_each(|(byte, new)| *byte = new);
    Ok(Revision::of(bytes))
}

/// The same component with a custom section more: another revision that does the same.
pub(crate) fn salted(component: &[u8], salt: u64) -> Revision {
    // Section 0, its length, the length of its name, the name, and what makes it another.
    let section = [&[0, 13, 4][..], b"salt", &salt.to_le_bytes()].concat();
    Revision::of([component, &section].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mode_is_written_over_the_one_before_and_nothing_else_changes() {
        let component =
            [b"before", &b"hostile-mode:decent                                             "[..], b"after"].concat();
        let other = in_mode(&component, "swap-a").unwrap();
        let text = String::from_utf8(other.bytes.clone()).unwrap();
        assert_eq!(text, format!("before{:64}after", "hostile-mode:swap-a"));
        assert_ne!(other.hash, in_mode(&component, "swap-b").unwrap().hash);
        assert!(in_mode(&component, &"x".repeat(60)).is_err() && in_mode(b"none", "x").is_err());
    }

    #[test]
    fn a_salted_component_begins_as_before() {
        let salted = salted(b"\0asm\x0d\0\x01\0", 7);
        assert_eq!(salted.bytes.len(), 8 + 2 + 13);
        assert_eq!(salted.bytes[8..15], *b"\0\x0d\x04salt");
    }
}
