//! Which revision answered, and may it have?

use std::sync::atomic::{AtomicU64, Ordering};

/// What the answers of each revision say. With none, nothing is looked at.
pub(super) struct Revisions {
    words: Vec<String>,
    times: usize,
}

impl Revisions {
    /// No word may be part of another.
    pub(super) fn new(words: Vec<String>, times: usize) -> Self {
        Self { words, times }
    }

    /// The one revision that an answer speaks of, as often as it must.
    pub(super) fn of(&self, answer: &[u8]) -> Result<usize, String> {
        if self.words.is_empty() {
            return Ok(0);
        }
        let text = String::from_utf8_lossy(answer);
        let found: Vec<_> = self.words.iter().map(|word| text.matches(word.as_str()).count()).collect();
        let mut there = found.iter().enumerate().filter(|(_, times)| **times > 0);
        match (there.next(), there.next()) {
            (Some((revision, times)), None) if *times == self.times => Ok(revision),
            _ => {
                Err(format!("an answer that speaks of the revisions {found:?} times, not of one {} times", self.times))
            }
        }
    }
}

/// The newest generation that was dropped, and the newest that was said to serve.
pub(super) struct Generations {
    begun: AtomicU64,
    acknowledged: AtomicU64,
    ordered: bool,
}

impl Generations {
    pub(super) fn new(ordered: bool) -> Self {
        Self { begun: AtomicU64::new(0), acknowledged: AtomicU64::new(0), ordered }
    }

    pub(super) fn begin(&self, generation: u64) {
        self.begun.store(generation, Ordering::SeqCst);
    }

    pub(super) fn acknowledge(&self, generation: u64) {
        self.acknowledged.store(generation, Ordering::SeqCst);
    }

    pub(super) fn acknowledged(&self) -> u64 {
        self.acknowledged.load(Ordering::SeqCst)
    }

    /// The oldest generation, from this one on, that a request which met this revision can have been served by; none if
    /// it went back, or met what is not there yet.
    pub(super) fn met(&self, revisions: &Revisions, met: usize, oldest: u64) -> Result<u64, String> {
        if !self.ordered || revisions.words.is_empty() {
            return Ok(oldest);
        }
        let (begun, count) = (self.begun.load(Ordering::SeqCst), revisions.words.len() as u64);
        let mut possible = (oldest..=begun).filter(|generation| generation % count == met as u64);
        possible.next().ok_or_else(|| format!("revision {met}, where only generations {oldest} to {begun} may answer"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn revisions() -> Revisions {
        Revisions::new(vec!["swap-a".into(), "swap-b".into()], 2)
    }

    #[test]
    fn an_answer_of_two_revisions_or_of_too_few_words_is_none() {
        assert_eq!(revisions().of(b"swap-b, swap-b"), Ok(1));
        assert!(revisions().of(b"swap-a, swap-b").is_err());
        assert!(revisions().of(b"swap-a").is_err());
        assert!(revisions().of(b"nothing").is_err());
    }

    #[test]
    fn an_answer_may_be_of_the_old_or_the_new_until_the_swap_is_acknowledged() {
        let (revisions, generations) = (revisions(), Generations::new(true));
        assert_eq!(generations.met(&revisions, 0, 0), Ok(0));
        assert!(generations.met(&revisions, 1, 0).is_err(), "not dropped yet");
        generations.begin(1);
        assert_eq!(generations.met(&revisions, 0, 0), Ok(0));
        assert_eq!(generations.met(&revisions, 1, 0), Ok(1));
        assert!(generations.met(&revisions, 0, 1).is_err(), "this connection has seen the new one");
        generations.acknowledge(1);
        assert_eq!(generations.acknowledged(), 1);
        generations.begin(2);
        assert_eq!(generations.met(&revisions, 0, 1), Ok(2), "the first again, as a newer generation");
    }

    #[test]
    fn where_several_may_serve_their_order_is_nobodys_concern() {
        let generations = Generations::new(false);
        assert_eq!(generations.met(&revisions(), 1, 0), Ok(0));
    }
}
