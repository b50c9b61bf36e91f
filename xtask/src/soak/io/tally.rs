//! What failing calls did.

use std::collections::BTreeMap;

use anyhow::{Result, bail};

use super::calls::Part;
use crate::{figures::upper_bound, soak::power::Verdict};

/// Faults whose text is printed.
const SHOWN_MAX: u64 = 10;

/// What was counted.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// Runs in which a call failed.
    pub(super) runs: u64,
    missed: u64,
    by_error: BTreeMap<&'static str, u64>,
    by_call: BTreeMap<String, u64>,
    acked: u64,
    pub(super) lost: u64,
    cuts: u64,
    pub(super) cut_lost: u64,
    /// It went on as if nothing had been, though what failed was no checkpoint.
    pub(super) went_on: u64,
    checkpoints: u64,
    /// The directory could not be synced, and SQLite did not look; and where a power cut then took something. Not an error
    /// of the soak, since only whoever owns the database can do something about it, by syncing the directory as well.
    names: u64,
    names_lost: u64,
    pub(super) unclean: u64,
    restarts: u64,
    shown: u64,
}

impl Tally {
    /// The call that was to fail was never made.
    pub(super) fn missed(&mut self, what: &str) {
        self.missed += 1;
        self.show(&format!("{what} never came"));
    }

    pub(super) fn struck(&mut self, error: &'static str, call: &str, acked: u64) {
        self.runs += 1;
        self.acked += acked;
        *self.by_error.entry(error).or_default() += 1;
        *self.by_call.entry(call.to_owned()).or_default() += 1;
        if self.runs.is_multiple_of(50) {
            println!("  {:>5} failures, {} lost", self.runs, self.lost + self.cut_lost);
        }
    }

    pub(super) fn went_on(&mut self, part: Part, what: &str) {
        match part {
            Part::Checkpoint => self.checkpoints += 1,
            Part::Names => self.names += 1,
            Part::Commit => {
                self.went_on += 1;
                self.show(&format!("after {what} it went on"));
            }
        }
    }

    /// After a power cut that followed.
    pub(super) fn cut(&mut self, part: Part, what: &str, verdict: &Verdict) {
        self.cuts += 1;
        let Some(wrong) = wrong(verdict) else { return };
        match part {
            Part::Names => self.names_lost += 1,
            Part::Commit | Part::Checkpoint => self.cut_lost += 1,
        }
        self.show(&format!("after {what} and a power cut: {wrong}"));
    }

    /// As the program has left it.
    pub(super) fn left(&mut self, what: &str, verdict: &Verdict) {
        let wrong = wrong(verdict);
        self.lost += u64::from(wrong.is_some());
        wrong.iter().for_each(|wrong| self.show(&format!("after {what}: {wrong}")));
    }

    /// After it was started once more and ended properly.
    pub(super) fn restarted(&mut self, what: &str, verdict: &Verdict) {
        self.restarts += 1;
        self.left(&format!("{what} and a restart"), verdict);
    }

    pub(super) fn unclean(&mut self, what: &str, why: &str) {
        self.unclean += 1;
        self.show(&format!("after {what} it does not start: {why}"));
    }

    fn show(&mut self, what: &str) {
        self.shown += 1;
        if self.shown <= SHOWN_MAX {
            eprintln!("xtask: {what}");
        }
    }

    /// Prints it; a loss is an error, and so is a program that goes on or does not start again.
    pub(super) fn report(&self) -> Result<()> {
        let counts = |counts: Vec<(String, u64)>| {
            counts.into_iter().map(|(name, count)| format!("{name}={count} ")).collect::<String>()
        };
        let by_error = counts(self.by_error.iter().map(|(name, count)| (name.to_lowercase(), *count)).collect());
        let by_call = counts(self.by_call.iter().map(|(name, count)| (name.clone(), *count)).collect());
        println!(
            "soak io: runs={} missed={} {by_error}{by_call}acked={} lost={} lost_upper={:.1e} power_cuts={} \
             power_cut_lost={} power_cut_lost_upper={:.1e} went_on={} went_on_upper={:.1e} checkpoints_failed={} names_failed={} names_lost={} \
             restarts={} unclean={} unclean_upper={:.1e}",
            self.runs,
            self.missed,
            self.acked,
            self.lost,
            upper_bound(self.lost, self.runs),
            self.cuts,
            self.cut_lost,
            upper_bound(self.cut_lost, self.cuts),
            self.went_on,
            upper_bound(self.went_on, self.runs),
            self.checkpoints,
            self.names,
            self.names_lost,
            self.restarts,
            self.unclean,
            upper_bound(self.unclean, self.runs),
        );
        if self.lost + self.cut_lost + self.went_on + self.unclean + self.missed > 0 {
            bail!("the soak did not go as it should; above is what happened");
        }
        Ok(())
    }
}

fn wrong(verdict: &Verdict) -> Option<String> {
    let lost = verdict.lost.first().map(|first| format!("{} are lost, {first} the first", verdict.lost.len()));
    let ahead = verdict.anchor_ahead.then(|| "the audit log's anchor is ahead".to_owned());
    let none = verdict.anchor_none.then(|| "the audit log has no anchor".to_owned());
    lost.or_else(|| verdict.unopenable.clone()).or_else(|| verdict.unsound.clone()).or(ahead).or(none)
}
