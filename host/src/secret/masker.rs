//! Masks the echoes of a link's secrets in what comes back from upstreams, before a guest sees it.
//!
//! Every occurrence of any spelling is overwritten with `*`, so lengths stay what they were; overlapping occurrences are
//! all masked. A secret under six bytes is masked as it is and in those encodings that are longer: a slot filled with a
//! one-letter secret garbles the answers, which is better than showing it. It never allocates per byte, and never
//! lets anything through when it cannot look: then all of the buffer is masked.
//!
//! Bounded by the secrets: an automaton of [`ANCHOR`] states a spelling, made at the first answer, so that an idle link
//! costs nothing. Time is linear in the buffer. What the automaton holds is not zeroed; it lives as long as the secrets.

use std::{
    fmt,
    ops::Range,
    sync::{Arc, OnceLock},
};

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use zeroize::Zeroizing;

use super::{
    Secret,
    spelling::{self, Bleed, Spellings},
};

/// Most extra strings of one call: 32 requests with a few composed credentials each.
pub(crate) const EXTRA_MAX: usize = 256;

/// Bytes of a spelling that the automaton knows; the rest is compared behind them. Keeps a 16 KiB secret from making
/// a million states, and masks what is left of one that the peer has cut.
const ANCHOR: usize = 64;

/// The masker of one link, shared by its calls.
#[derive(Debug)]
pub(crate) struct Masker {
    secrets: Vec<Arc<Secret>>,
    finder: OnceLock<Finder>,
}

impl Masker {
    /// For these secrets; cheap, the work is done when something is first masked.
    pub(crate) fn new(secrets: impl IntoIterator<Item = Arc<Secret>>) -> Self {
        Self {
            secrets: secrets.into_iter().collect(),
            finder: OnceLock::new(),
        }
    }

    /// Masks in place; true if there was anything to mask.
    pub(crate) fn mask(&self, buffer: &mut [u8]) -> bool {
        let mut found = Vec::new();
        self.find(buffer, &mut found);
        fill(buffer, &found)
    }

    /// As [`mask`](Self::mask), for text. Where masking cut a character, what is left of it becomes U+FFFD.
    pub(crate) fn mask_text(&self, text: String) -> String {
        into_text(text, |bytes| self.mask(bytes))
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
        Self {
            base,
            extra: Vec::new(),
            finder: OnceLock::new(),
        }
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

    /// As [`Masker::mask`].
    pub(crate) fn mask(&self, buffer: &mut [u8]) -> bool {
        // Both look at the bytes as received: what one masks must not hide an overlapping match from the other.
        let mut found = Vec::new();
        self.base.find(buffer, &mut found);
        if !self.extra.is_empty() {
            self.finder
                .get_or_init(|| self.spell())
                .find(buffer, &mut found);
        }
        fill(buffer, &found)
    }

    /// As [`Masker::mask_text`].
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

/// The automaton over the spellings' anchors.
struct Finder {
    /// `None`: it could not be built, mask everything.
    automaton: Option<AhoCorasick>,
    /// By pattern number: what follows the anchor, and what the spelling bleeds.
    tails: Vec<(Vec<u8>, Bleed)>,
}

impl Finder {
    fn new(spellings: Spellings) -> Self {
        let split = |spelling: &Vec<u8>| spelling.len().min(ANCHOR);
        // Standard semantics report overlapping matches; the contiguous NFA is small, and quick enough for answers.
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .build(
                spellings
                    .keys()
                    .map(|spelling| spelling.get(..split(spelling)).unwrap_or_default()),
            )
            .ok();
        let tail =
            |(mut spelling, bleed): (Vec<u8>, Bleed)| (spelling.split_off(split(&spelling)), bleed);
        Self {
            automaton,
            tails: spellings.into_iter().map(tail).collect(),
        }
    }

    fn find(&self, buffer: &[u8], found: &mut Vec<Range<usize>>) {
        let Some(Ok(matches)) = self
            .automaton
            .as_ref()
            .map(|a| a.try_find_overlapping_iter(buffer))
        else {
            found.push(0..buffer.len());
            return;
        };
        for one in matches {
            let (tail, bleed) = match self.tails.get(one.pattern().as_usize()) {
                Some((tail, bleed)) => (tail.as_slice(), *bleed),
                None => (&[][..], Bleed::default()),
            };
            let behind = buffer.get(one.end()..).unwrap_or_default();
            let same = tail
                .iter()
                .zip(behind)
                .take_while(|(ours, theirs)| ours == theirs)
                .count();
            merge(
                found,
                widen(buffer, one.start()..one.end().saturating_add(same), bleed),
            );
        }
    }
}

impl fmt::Debug for Overlay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Overlay({} extra)", self.extra.len())
    }
}

impl fmt::Debug for Finder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Finder({} spellings)", self.tails.len())
    }
}

/// Takes in the neighbours that share bits with the secret.
fn widen(buffer: &[u8], range: Range<usize>, bleed: Bleed) -> Range<usize> {
    let base64 =
        |at: Option<&u8>| at.is_some_and(|b| b.is_ascii_alphanumeric() || b"+/-_".contains(b));
    let left = bleed.left && base64(range.start.checked_sub(1).and_then(|at| buffer.get(at)));
    let right = bleed.right && base64(buffer.get(range.end));
    range.start.saturating_sub(left.into())..range.end.saturating_add(right.into())
}

/// Adds a range, joining it with those it touches, so that the list stays shorter than the buffer.
fn merge(found: &mut Vec<Range<usize>>, mut range: Range<usize>) {
    while let Some(last) = found.pop_if(|last| last.end >= range.start && last.start <= range.end) {
        range = range.start.min(last.start)..range.end.max(last.end);
    }
    found.push(range);
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
    String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

#[cfg(test)]
mod tests;
