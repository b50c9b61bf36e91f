//! Masks the echoes of a link's secrets in what comes back from upstreams, before a guest sees it.
//!
//! Every occurrence of any spelling is overwritten with `*`, so lengths stay what they were; overlapping occurrences are
//! all masked. A secret under six bytes is masked as it is and in those encodings that are longer: a slot filled with a
//! one-letter secret garbles the answers, which is better than showing it. It never allocates per byte, and never
//! lets anything through when it cannot look: then all of the buffer is masked.
//!
//! Bounded by the secrets: an automaton of 64 states a spelling (`finder.rs`), made at the first answer, so that an idle link
//! costs nothing. Time is linear in the buffer. What the automaton holds is not zeroed; it lives as long as the secrets.

use std::{
    fmt,
    ops::Range,
    sync::{Arc, OnceLock},
};

use zeroize::Zeroizing;

use super::{
    Secret,
    finder::{Finder, Spellings},
    spelling,
};

/// Most extra strings of one call: 32 requests with a few composed credentials each.
pub(crate) const EXTRA_MAX: usize = 256;

/// The masker of one link, shared by its calls.
#[derive(Debug)]
pub(crate) struct Masker {
    secrets: Vec<Arc<Secret>>,
    finder: OnceLock<Finder>,
}

impl Masker {
    /// For these secrets; cheap, the work is done when something is first masked.
    pub(crate) fn new(secrets: impl IntoIterator<Item = Arc<Secret>>) -> Self {
        Self { secrets: secrets.into_iter().collect(), finder: OnceLock::new() }
    }

    fn find(&self, buffer: &[u8], found: &mut Vec<Range<usize>>) {
        let spell = || {
            let mut spellings = Spellings::new();
            for secret in &self.secrets {
                spelling::of_text(secret.text(), &mut spellings);
                spelling::of_bytes(secret.key(), &mut spellings);
            }
            Finder::new(spellings)
        };
        self.finder.get_or_init(spell).find(buffer, found);
    }
}

/// A link's masker plus what one call composed from its secrets, for instance a Basic credential.
pub(crate) struct Overlay {
    base: Arc<Masker>,
    extra: Vec<Zeroizing<Vec<u8>>>,
    finder: OnceLock<Finder>,
}

impl Overlay {
    /// For one call; costs nothing until something is added.
    pub(crate) fn new(base: Arc<Masker>) -> Self {
        Self { base, extra: Vec::new(), finder: OnceLock::new() }
    }

    /// Masks these bytes too, in the spellings of a secret. False if there are already [`EXTRA_MAX`]: do not send them.
    #[must_use]
    pub(crate) fn add(&mut self, bytes: &[u8]) -> bool {
        if bytes.is_empty() || self.extra.iter().any(|known| known.as_slice() == bytes) {
            return true;
        }
        if self.extra.len() >= EXTRA_MAX {
            return false;
        }
        self.extra.push(Zeroizing::new(bytes.to_vec()));
        self.finder = OnceLock::new();
        true
    }

    /// Masks in place; true if there was anything to mask.
    pub(crate) fn mask(&self, buffer: &mut [u8]) -> bool {
        // Both look at the bytes as received: what one masks must not hide an overlapping match from the other.
        let mut found = Vec::new();
        self.base.find(buffer, &mut found);
        if !self.extra.is_empty() {
            self.finder.get_or_init(|| self.spell()).find(buffer, &mut found);
        }
        fill(buffer, &found)
    }

    /// As [`mask`](Self::mask), for text. Where masking cut a character, what is left of it becomes U+FFFD.
    pub(crate) fn mask_text(&self, text: String) -> String {
        into_text(text, |bytes| self.mask(bytes))
    }

    fn spell(&self) -> Finder {
        let mut spellings = Spellings::new();
        for extra in &self.extra {
            match std::str::from_utf8(extra) {
                Ok(text) => spelling::of_text(text, &mut spellings),
                Err(_) => spelling::of_bytes(extra, &mut spellings),
            }
        }
        Finder::new(spellings)
    }
}

impl fmt::Debug for Overlay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Overlay({} extra)", self.extra.len())
    }
}

fn fill(buffer: &mut [u8], found: &[Range<usize>]) -> bool {
    for range in found {
        if let Some(bytes) = buffer.get_mut(range.clone()) {
            bytes.fill(b'*');
        }
    }
    !found.is_empty()
}

fn into_text(text: String, mask: impl FnOnce(&mut [u8]) -> bool) -> String {
    let mut bytes = text.into_bytes();
    mask(&mut bytes);
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

#[cfg(test)]
mod tests;
