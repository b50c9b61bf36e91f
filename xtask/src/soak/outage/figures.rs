//! What an outage was like, from jobs and receipts alone.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use crate::{queue::Job, soak::academy::Receipt};

/// What is known.
pub(super) struct Facts<'f> {
    pub(super) jobs: &'f [Job],
    /// Everything that reached the upstream.
    pub(super) receipts: &'f [Receipt],
    /// When it was back.
    pub(super) back: Instant,
    pub(super) per_min: u64,
    pub(super) records: u64,
    /// The key of a record.
    pub(super) key: &'f dyn Fn(u64) -> u64,
}

/// What it was like.
#[derive(Debug, Default)]
pub(super) struct Figures {
    pub(super) lost: u64,
    pub(super) violations: u64,
    pub(super) done: u64,
    pub(super) superseded: u64,
    pub(super) attempts: u64,
    pub(super) attempts_max: u64,
    /// Attempts a delivered record.
    pub(super) amplification: f64,
    /// From its being back to the first record that it took.
    pub(super) noticed_s: f64,
    /// Requests within a second of that one.
    pub(super) first_second: u64,
    /// From the first record that it took to the last, and the share of the allowed rate that is.
    pub(super) drained_s: f64,
    pub(super) rate: f64,
    /// The same for all but the last hundredth.
    pub(super) most_s: f64,
    pub(super) rate_most: f64,
    /// Most requests within any second, and what is allowed.
    pub(super) busiest: u64,
    pub(super) allowed: f64,
}

impl Figures {
    pub(super) fn of(facts: &Facts<'_>) -> Self {
        let mut seen = Self { allowed: facts.per_min as f64 / 60.0, ..Self::default() };
        let applied: Vec<&Receipt> = facts.receipts.iter().filter(|receipt| receipt.applied).collect();
        seen.jobs(facts);
        seen.records(facts, &applied);
        let at = |index: usize| applied.get(index).map_or(facts.back, |receipt| receipt.at);
        let (first, last) = (at(0), at(applied.len().saturating_sub(1)));
        seen.noticed_s = first.saturating_duration_since(facts.back).as_secs_f64();
        let soon = |receipt: &&Receipt| receipt.at > first && receipt.at < first + Duration::from_secs(1);
        seen.first_second = facts.receipts.iter().filter(soon).count() as u64;
        let share = |count: usize, seconds: f64| count.saturating_sub(1) as f64 / seconds.max(1e-3) / seen.allowed;
        seen.drained_s = (last - first).as_secs_f64();
        seen.rate = share(applied.len(), seen.drained_s);
        let most = applied.len() - applied.len() / 100;
        seen.most_s = (at(most.saturating_sub(1)) - first).as_secs_f64();
        seen.rate_most = share(most, seen.most_s);
        seen.busiest = busiest(facts.receipts);
        seen
    }

    fn jobs(&mut self, facts: &Facts<'_>) {
        let states: BTreeMap<&str, &Job> = facts.jobs.iter().map(|job| (job.id.as_str(), job)).collect();
        for job in facts.jobs {
            self.attempts += job.attempts;
            self.attempts_max = self.attempts_max.max(job.attempts);
            let mut last = job;
            while let Some(by) = last.superseded_by.as_deref().and_then(|by| states.get(by)) {
                last = by;
            }
            self.done += u64::from(job.state == "done");
            self.superseded += u64::from(job.state == "superseded");
            self.lost += u64::from(last.state != "done");
        }
        self.lost += facts.records.saturating_sub(facts.jobs.len() as u64);
        self.amplification = self.attempts as f64 / self.done.max(1) as f64;
    }

    /// What arrived: the last version of each key, and none after a newer one.
    fn records(&mut self, facts: &Facts<'_>, applied: &[&Receipt]) {
        let mut newest: BTreeMap<u64, u64> = BTreeMap::new();
        let mut arrived = BTreeSet::new();
        for receipt in applied {
            let last = newest.entry(receipt.key).or_insert(receipt.record);
            self.violations += u64::from(*last > receipt.record);
            *last = (*last).max(receipt.record);
            arrived.insert(receipt.record);
        }
        let wanted: BTreeMap<u64, u64> = (0..facts.records).map(|record| ((facts.key)(record), record)).collect();
        self.lost += wanted.values().filter(|record| !arrived.contains(record)).count() as u64;
    }
}

fn busiest(receipts: &[Receipt]) -> u64 {
    let (mut most, mut begin) = (0, 0);
    for (end, receipt) in receipts.iter().enumerate() {
        while receipts.get(begin).is_some_and(|first| receipt.at - first.at >= Duration::from_secs(1)) {
            begin += 1;
        }
        most = most.max(end + 1 - begin);
    }
    most as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(id: u64, state: &str, attempts: u64, by: Option<u64>) -> Job {
        let superseded_by = by.map(|by| by.to_string());
        Job { id: id.to_string(), state: state.into(), attempts, superseded_by, ..Job::default() }
    }

    fn receipt(back: Instant, millis: u64, key: u64, record: u64, applied: bool) -> Receipt {
        Receipt { at: back + Duration::from_millis(millis), key, record, applied }
    }

    #[test]
    fn a_good_outage_has_its_figures() {
        let back = Instant::now();
        let jobs = [job(0, "superseded", 0, Some(1)), job(1, "done", 2, None), job(2, "done", 1, None)];
        let receipts = [receipt(back, 0, 7, 1, false), receipt(back, 500, 7, 1, true), receipt(back, 1500, 8, 2, true)];
        let key = |record| if record < 2 { 7 } else { 8 };
        let facts = Facts { jobs: &jobs, receipts: &receipts, back, per_min: 60, records: 3, key: &key };
        let seen = Figures::of(&facts);
        assert_eq!((seen.lost, seen.violations, seen.superseded, seen.attempts), (0, 0, 1, 3));
        assert!((seen.rate - 1.0).abs() < 1e-9 && (seen.amplification - 1.5).abs() < 1e-9, "{seen:?}");
        assert_eq!((seen.first_second, seen.busiest), (0, 2));
    }

    #[test]
    fn what_is_missing_or_out_of_order_is_found() {
        let back = Instant::now();
        let jobs = [job(0, "done", 1, None), job(1, "queued", 1, None)];
        let receipts = [receipt(back, 0, 7, 1, true), receipt(back, 1, 7, 0, true)];
        let facts = Facts { jobs: &jobs, receipts: &receipts, back, per_min: 60, records: 3, key: &|_| 7 };
        let seen = Figures::of(&facts);
        assert_eq!((seen.lost, seen.violations), (3, 1), "one that waits, one without a job, one that never arrived");
    }
}
