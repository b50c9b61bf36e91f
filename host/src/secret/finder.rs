//! Finds many spellings at once, all of them and overlapping ones too.
//!
//! What it cannot look at it reports whole: a mask may cover too much, never too little. It does not mask and does not
//! know what it looks for.
//!
//! Bounded by [`ANCHOR`] automaton states a spelling, some twelve bytes each, whatever the spelling's length.

use std::{collections::BTreeMap, fmt, ops::Range};

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

/// Bytes of a spelling that the automaton knows; the rest is compared behind them. Keeps a 16 KiB secret from making
/// a million states, and finds what is left of one that has been cut.
const ANCHOR: usize = 64;

/// Is the character before or behind a match partly made of the bits looked for?
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Bleed {
    /// The base64 character before it is.
    pub(crate) left: bool,
    /// The base64 character behind it is.
    pub(crate) right: bool,
}

/// Every spelling once, with what it bleeds.
pub(crate) type Spellings = BTreeMap<Vec<u8>, Bleed>;

/// The automaton over the spellings' anchors.
pub(crate) struct Finder {
    /// `None`: it could not be built, mask everything.
    automaton: Option<AhoCorasick>,
    /// By pattern number: what follows the anchor, and what the spelling bleeds.
    tails: Vec<(Vec<u8>, Bleed)>,
}

impl Finder {
    /// Over these spellings; no more is kept of their map.
    pub(crate) fn new(spellings: Spellings) -> Self {
        let split = |spelling: &Vec<u8>| spelling.len().min(ANCHOR);
        // Standard semantics report overlapping matches; the contiguous NFA is small, and quick enough for answers.
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .build(spellings.keys().map(|spelling| spelling.get(..split(spelling)).unwrap_or_default()))
            .ok();
        let tail = |(mut spelling, bleed): (Vec<u8>, Bleed)| (spelling.split_off(split(&spelling)), bleed);
        Self { automaton, tails: spellings.into_iter().map(tail).collect() }
    }

    /// Adds where they stand, in order and joined where they touch. Linear in the buffer.
    pub(crate) fn find(&self, buffer: &[u8], found: &mut Vec<Range<usize>>) {
        let Some(Ok(matches)) = self.automaton.as_ref().map(|a| a.try_find_overlapping_iter(buffer)) else {
            found.push(0..buffer.len());
            return;
        };
        for one in matches {
            let (tail, bleed) = match self.tails.get(one.pattern().as_usize()) {
                Some((tail, bleed)) => (tail.as_slice(), *bleed),
                None => (&[][..], Bleed::default()),
            };
            let behind = buffer.get(one.end()..).unwrap_or_default();
            let same = tail.iter().zip(behind).take_while(|(ours, theirs)| ours == theirs).count();
            merge(found, widen(buffer, one.start()..one.end().saturating_add(same), bleed));
        }
    }
}

#[cfg(test)]
impl Finder {
    /// Bytes of the automaton.
    pub(crate) fn memory_usage(&self) -> usize {
        self.automaton.as_ref().map_or(0, AhoCorasick::memory_usage)
    }
}

impl fmt::Debug for Finder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Finder({} spellings)", self.tails.len())
    }
}

/// Takes in the neighbours that share bits with the secret.
fn widen(buffer: &[u8], range: Range<usize>, bleed: Bleed) -> Range<usize> {
    let base64 = |at: Option<&u8>| at.is_some_and(|b| b.is_ascii_alphanumeric() || b"+/-_".contains(b));
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

#[cfg(test)]
mod tests;
