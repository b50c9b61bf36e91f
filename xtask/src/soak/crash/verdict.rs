//! What became of every accepted record, held against what its upstream has and what its platform was told. Knows no
//! host: it is given jobs, receipts and events, and counts what must not be.

use std::collections::{BTreeMap, BTreeSet};

/// A job, with records in place of names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Fate {
    /// Its state.
    pub(super) state: String,
    /// Is it said that it may have been applied without anybody knowing?
    pub(super) doubt: bool,
    /// The record that took its place.
    pub(super) superseded_by: Option<u64>,
}

/// What must not be, and what may be but is worth knowing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Accepted, and neither ended well, nor replaced by one that did, nor reported.
    pub(super) lost: u64,
    /// Keys whose last version at the upstream is not the last that was accepted, though nothing was reported.
    pub(super) stale: u64,
    /// An older one after a newer one of its key.
    pub(super) violations: u64,
    /// Applied once more than once.
    pub(super) duplicates: u64,
    /// Applied twice, or perhaps, and not reported.
    pub(super) silent: u64,
    /// Reported as perhaps applied.
    pub(super) unknown: u64,
    /// Reported as waiting for a person.
    pub(super) parked: u64,
    /// Replaced before they were sent.
    pub(super) superseded: u64,
    /// What was wrong, for the first few.
    pub(super) texts: Vec<String>,
}

/// Texts that are kept.
const TEXTS_MAX: usize = 10;

/// Records of one link: their fates, their keys, and the records of each key in the order in which they were applied.
pub(super) struct Ledger<'l> {
    pub(super) fates: &'l [Option<Fate>],
    pub(super) key: &'l dyn Fn(u64) -> u64,
    pub(super) applied: &'l BTreeMap<u64, Vec<u64>>,
}

impl Ledger<'_> {
    /// Where repeating is safe: an upstream may get a version again, but never an older one after a newer one.
    pub(super) fn of_safe(&self) -> Counts {
        let mut counts = self.count(false);
        let mut last: BTreeMap<u64, u64> = BTreeMap::new();
        for record in 0..self.fates.len() as u64 {
            last.insert((self.key)(record), record);
        }
        for (key, record) in last {
            let there = self.applied.get(&key).and_then(|records| records.last());
            let reported = self.fate(record).is_some_and(|fate| is_reported(&fate.state));
            if there != Some(&record) && !reported {
                counts.stale += 1;
                counts.say(format!("key {key}: record {there:?} is the last one there, not {record}"));
            }
        }
        counts
    }

    /// Where it is not: nothing may be applied twice unless it is said that it may have been.
    pub(super) fn of_unsafe(&self) -> Counts {
        self.count(true)
    }

    fn count(&self, must_say: bool) -> Counts {
        let mut counts = Counts::default();
        let mut times: BTreeMap<u64, u64> = BTreeMap::new();
        for (key, records) in self.applied {
            let mut newest = None;
            for record in records {
                *times.entry(*record).or_default() += 1;
                if newest.is_some_and(|newest| newest > *record) {
                    counts.violations += 1;
                    counts.say(format!("key {key}: record {record} after {newest:?}"));
                }
                newest = newest.max(Some(*record));
            }
        }
        for (record, fate) in self.fates.iter().enumerate() {
            let record = record as u64;
            let times = times.get(&record).copied().unwrap_or(0);
            let Some(fate) = fate else {
                counts.lost += 1;
                counts.say(format!("record {record}: there is no job of it"));
                continue;
            };
            counts.duplicates += times.saturating_sub(1);
            counts.unknown += u64::from(fate.state == "unknown");
            counts.parked += u64::from(fate.state == "parked");
            counts.superseded += u64::from(fate.state == "superseded");
            if let Some(why) = self.is_lost(record, fate, times) {
                counts.lost += 1;
                counts.say(format!("record {record}: {why}"));
            }
            let expected = u64::from(fate.state == "done");
            if must_say && times > expected && !fate.doubt && fate.state != "unknown" {
                counts.silent += 1;
                counts
                    .say(format!("record {record}: {}, applied {times} times, and nothing is said of it", fate.state));
            }
        }
        counts
    }

    fn fate(&self, record: u64) -> Option<&Fate> {
        self.fates.get(usize::try_from(record).ok()?)?.as_ref()
    }

    fn is_lost(&self, record: u64, fate: &Fate, times: u64) -> Option<String> {
        match fate.state.as_str() {
            "done" if times == 0 => Some("done, and the upstream never saw it".to_owned()),
            "done" => None,
            "superseded" => {
                let (mut at, mut fate) = (record, fate);
                while let ("superseded", Some(by)) = (fate.state.as_str(), fate.superseded_by) {
                    if by <= at {
                        return Some(format!("superseded by the older record {by}"));
                    }
                    match self.fate(by) {
                        Some(next) => (at, fate) = (by, next),
                        None => return Some(format!("superseded by record {by}, of which there is no job")),
                    }
                }
                let well = fate.state == "done" || is_reported(&fate.state);
                (!well).then(|| format!("superseded by record {at}, which is {}", fate.state))
            }
            state if is_reported(state) => None,
            state => Some(format!("still {state} at the end")),
        }
    }
}

/// Does its platform know that it is not well?
fn is_reported(state: &str) -> bool {
    matches!(state, "failed" | "parked" | "unknown" | "cancelled")
}

/// An event that a platform got.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Told {
    /// Its name.
    pub(super) id: String,
    /// What became of the job.
    pub(super) state: String,
}

/// Ended jobs of which no event came with their state, and those whose events came under several names.
pub(super) fn untold(ended: &BTreeMap<String, String>, told: &BTreeMap<String, BTreeSet<Told>>) -> (u64, u64) {
    let missing = ended.iter().filter(|(job, state)| {
        let events = told.get(*job);
        !events.is_some_and(|events| events.iter().any(|event| event.state == **state))
    });
    let renamed = told.values().filter(|events| events.len() > 1);
    (missing.count() as u64, renamed.count() as u64)
}

impl Counts {
    fn say(&mut self, text: String) {
        if self.texts.len() < TEXTS_MAX {
            self.texts.push(text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fate(state: &str, doubt: bool, superseded_by: Option<u64>) -> Option<Fate> {
        Some(Fate { state: state.to_owned(), doubt, superseded_by })
    }

    fn counts(fates: &[Option<Fate>], applied: &[u64], safe: bool) -> Counts {
        // All of one key.
        let applied = BTreeMap::from([(0, applied.to_vec())]);
        let ledger = Ledger { fates, key: &|_| 0, applied: &applied };
        if safe { ledger.of_safe() } else { ledger.of_unsafe() }
    }

    #[test]
    fn what_went_well_counts_nothing() {
        let fates = [fate("superseded", false, Some(1)), fate("done", false, None), fate("done", true, None)];
        let seen = counts(&fates, &[1, 1, 2], true);
        assert_eq!((seen.lost, seen.stale, seen.violations, seen.silent), (0, 0, 0, 0), "{:?}", seen.texts);
        assert_eq!((seen.duplicates, seen.superseded), (1, 1));
    }

    #[test]
    fn a_record_that_is_nowhere_is_lost() {
        for wrong in [fate("done", false, None), fate("queued", false, None), fate("superseded", false, None), None] {
            let seen = counts(&[wrong.clone(), fate("done", false, None)], &[1], true);
            assert_eq!((seen.lost, seen.stale), (1, 0), "{wrong:?}");
        }
        let older = [fate("done", false, None), fate("superseded", false, Some(0))];
        assert_eq!(counts(&older, &[0], true).lost, 1);
        let reported = [fate("superseded", false, Some(1)), fate("parked", false, None)];
        assert_eq!((counts(&reported, &[], true).lost, counts(&reported, &[], true).stale), (0, 0));
    }

    #[test]
    fn an_older_version_that_is_the_last_one_is_stale_and_a_violation() {
        let fates = [fate("done", false, None), fate("done", false, None)];
        let seen = counts(&fates, &[1, 0], true);
        assert_eq!((seen.stale, seen.violations), (1, 1));
    }

    #[test]
    fn a_second_application_must_be_reported() {
        let seen = counts(&[fate("done", false, None)], &[0, 0], false);
        assert_eq!((seen.duplicates, seen.silent), (1, 1));
        let seen = counts(&[fate("done", true, None), fate("unknown", true, None)], &[0, 0, 1], false);
        assert_eq!((seen.duplicates, seen.silent, seen.unknown), (1, 0, 1));
        let seen = counts(&[fate("parked", false, None)], &[0], false);
        assert_eq!(seen.silent, 1, "applied, and it is said that it was not");
    }

    #[test]
    fn each_end_is_told_under_one_name() {
        let told = |id: &str, state: &str| Told { id: id.to_owned(), state: state.to_owned() };
        let ended = ["a", "b", "c"].map(|job| (job.to_owned(), "done".to_owned()));
        let events = [
            ("a".to_owned(), BTreeSet::from([told("1", "done")])),
            ("b".to_owned(), BTreeSet::from([told("2", "done"), told("3", "done")])),
        ];
        assert_eq!(untold(&ended.into(), &events.into()), (1, 1));
    }
}
