//! Which bad files are dropped, how many of each, and how many at a time: what has to be compiled or run to be refused is
//! sampled, because the host does one such file after the other.

/// A kind of bad file, as `bench-tools corpus` knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Kind {
    /// Its name there.
    pub(super) name: &'static str,
    /// Of a thousand files.
    share: u64,
    /// Dropped at a time.
    pub(super) at_once: u64,
    /// May be a good component by chance.
    pub(super) may_be_good: bool,
    /// Is refused for its signature, by a host that wants one.
    pub(super) signature: bool,
}

const fn kind(name: &'static str, share: u64, at_once: u64) -> Kind {
    Kind { name, share, at_once, may_be_good: false, signature: false }
}

/// Every kind.
pub(super) const KINDS: [Kind; 14] = [
    Kind { may_be_good: true, ..kind("truncated", 180, 10) },
    Kind { may_be_good: true, ..kind("bit-flipped", 20, 1) },
    kind("core-module", 150, 50),
    kind("wat", 150, 50),
    kind("elf", 150, 50),
    kind("wrong-world", 60, 10),
    kind("missing-export", 60, 10),
    kind("unknown-import", 60, 10),
    kind("start-loop", 5, 1),
    kind("start-trap", 60, 10),
    kind("too-large", 45, 15),
    kind("deep-nesting", 30, 5),
    Kind { signature: true, ..kind("unsigned", 15, 10) },
    Kind { signature: true, ..kind("wrong-key", 15, 10) },
];

/// So many files of a kind that are dropped together, from this number on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Batch {
    /// Which kind.
    pub(super) kind: Kind,
    /// The number of the first.
    pub(super) from: u64,
    /// How many.
    pub(super) count: u64,
}

/// The batches of these kinds, in turn, of a soak of `count` files in all.
pub(super) fn batches(count: u64, of: impl Fn(&Kind) -> bool) -> Vec<Batch> {
    // At least one of each, and rounding falls to the first kind.
    let share = |kind: &Kind| (count * kind.share / 1000).max(1);
    let rest = count.saturating_sub(KINDS.iter().map(share).sum());
    let wanted = |at: usize, kind: &Kind| share(kind) + if at == 0 { rest } else { 0 };
    let mut left: Vec<(Kind, u64, u64)> = Vec::new();
    for (at, kind) in KINDS.iter().enumerate().filter(|(_, kind)| of(kind)) {
        left.push((*kind, 0, wanted(at, kind)));
    }
    let mut batches = Vec::new();
    while left.iter().any(|(_, done, all)| done < all) {
        for (kind, done, all) in left.iter_mut().filter(|(_, done, all)| done < all) {
            let count = kind.at_once.min(*all - *done);
            batches.push(Batch { kind: *kind, from: *done, count });
            *done += count;
        }
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_share_and_no_file_is_dropped_twice() {
        assert_eq!(KINDS.iter().map(|kind| kind.share).sum::<u64>(), 1000);
        for count in [10_000, 1234] {
            let all = batches(count, |_| true);
            assert_eq!(all.iter().map(|batch| batch.count).sum::<u64>(), count);
            for kind in KINDS {
                let mut next = 0;
                for batch in all.iter().filter(|batch| batch.kind == kind) {
                    assert_eq!(batch.from, next);
                    assert!((1..=kind.at_once).contains(&batch.count));
                    next += batch.count;
                }
                assert!(next >= count * kind.share / 1000, "{}", kind.name);
            }
        }
    }

    #[test]
    fn the_two_hosts_share_the_files_between_them() {
        let (one, other) = (batches(500, |kind| !kind.signature), batches(500, |kind| kind.signature));
        let files = |batches: &[Batch]| batches.iter().map(|batch| batch.count).sum::<u64>();
        assert_eq!(files(&one) + files(&other), 500);
        assert!(other.iter().all(|batch| ["unsigned", "wrong-key"].contains(&batch.kind.name)));
    }
}
