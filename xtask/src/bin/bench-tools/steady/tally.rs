//! What was seen, by phase. Phases of one name are one in the totals.

use std::{
    collections::BTreeMap,
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde_json::{Value, json};

use crate::load::percentile;

/// Failures whose text is printed.
const SHOWN_MAX: u64 = 5;

/// What was seen so far.
#[derive(Default)]
pub(super) struct Tally(Mutex<Seen>);

#[derive(Default)]
struct Seen {
    failed: u64,
    mixed: u64,
    name: String,
    phase: Phase,
    before: BTreeMap<String, Phase>,
}

#[derive(Default)]
struct Phase {
    failed: u64,
    /// How long each answer took, in nanoseconds.
    nanos: Vec<u64>,
}

impl Tally {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn answered(&self, took: Duration) {
        self.seen().phase.nanos.push(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
    }

    pub(super) fn failed(&self, error: &anyhow::Error) {
        let mut seen = self.seen();
        seen.failed += 1;
        seen.phase.failed += 1;
        if seen.failed <= SHOWN_MAX {
            eprintln!("bench-tools: {error:#}");
        }
    }

    /// An answer that no single revision can have given then.
    pub(super) fn mixed(&self, reason: &str, answer: &[u8]) {
        let mut seen = self.seen();
        seen.mixed += 1;
        if seen.mixed <= SHOWN_MAX {
            eprintln!("bench-tools: {reason}: {}", String::from_utf8_lossy(answer));
        }
    }

    /// Another phase begins; what the one before was like.
    pub(super) fn phase(&self, name: &str) -> Value {
        let mut seen = self.seen();
        let phase = mem::take(&mut seen.phase);
        let before = mem::replace(&mut seen.name, name.to_owned());
        let said = phase.said();
        let all = seen.before.entry(before).or_default();
        all.failed += phase.failed;
        all.nanos.extend(phase.nanos);
        said
    }

    fn count(&self) -> Value {
        let seen = self.seen();
        let answered = seen.before.values().chain([&seen.phase]).map(|phase| phase.nanos.len() as u64).sum::<u64>();
        json!({ "calls": answered + seen.failed, "failed": seen.failed, "mixed": seen.mixed })
    }

    /// Everything, when nothing more will come.
    pub(super) fn totals(&self) -> Value {
        self.phase("");
        let mut all = self.count();
        let phases = self.seen().before.iter().map(|(name, phase)| (name.clone(), phase.said())).collect();
        if let Value::Object(all) = &mut all {
            all.insert("phases".to_owned(), Value::Object(phases));
        }
        all
    }
}

impl Phase {
    fn said(&self) -> Value {
        let mut nanos = self.nanos.clone();
        nanos.sort_unstable();
        let at = |share: f64| percentile(&nanos, share) as f64 / 1e3;
        json!({
            "calls": nanos.len() as u64 + self.failed, "failed": self.failed,
            "p50_us": at(0.5), "p99_us": at(0.99), "max_us": at(1.0),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_of_one_name_are_one_in_the_totals_and_failures_are_calls() {
        let tally = Tally::default();
        tally.phase("quiet");
        tally.answered(Duration::from_micros(10));
        assert_eq!(tally.phase("swaps")["calls"], 1);
        tally.failed(&anyhow::anyhow!("gone"));
        tally.phase("quiet");
        tally.answered(Duration::from_micros(30));
        let totals = tally.totals();
        assert_eq!((&totals["calls"], &totals["failed"]), (&json!(3), &json!(1)));
        assert_eq!(totals["phases"]["quiet"]["calls"], 2);
        assert_eq!(totals["phases"]["quiet"]["max_us"], 30.0);
        assert_eq!(totals["phases"]["swaps"]["failed"], 1);
    }
}
