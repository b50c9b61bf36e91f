//! How often the host was killed where, how soon it was back, and what the end looks like.

use std::{collections::BTreeMap, fs, path::Path, time::Duration};

use anyhow::{Result, bail};

use super::{
    CrashArgs, INFLIGHT,
    death::Died,
    plan::{GROUPS, Group},
    verdict::Counts,
};
use crate::figures::{median, percentile, upper_bound};

/// What was counted while it went on.
#[derive(Default)]
pub(super) struct Tally {
    /// Kills at each step, and how often each was tried.
    kills: BTreeMap<Group, u64>,
    tried: BTreeMap<Group, u64>,
    early: u64,
    ready_ms: Vec<f64>,
}

/// What was found at the end.
#[derive(Default)]
pub(super) struct Ending {
    pub(super) safe: Counts,
    pub(super) once: Counts,
    pub(super) accepted: u64,
    /// Requests that were sent again for want of an answer.
    pub(super) again: u64,
    /// The most records that one kill has left in doubt.
    pub(super) doubt_max: u64,
    /// Jobs that nobody knows of.
    pub(super) strays: u64,
    /// Jobs and events that still wait.
    pub(super) left: u64,
    pub(super) ended: u64,
    pub(super) untold: u64,
    pub(super) renamed: u64,
    pub(super) deliveries: u64,
    pub(super) strange: u64,
}

impl Tally {
    /// The step at which there were fewest kills, and how often it was tried.
    pub(super) fn next(&mut self) -> (Group, u64) {
        let fewest = GROUPS.into_iter().min_by_key(|group| self.of(*group)).unwrap_or(Group::Random);
        let tried = self.tried.entry(fewest).or_default();
        *tried += 1;
        (fewest, *tried - 1)
    }

    fn of(&self, group: Group) -> u64 {
        self.kills.get(&group).copied().unwrap_or(0)
    }

    pub(super) fn kills(&self) -> u64 {
        self.kills.values().sum()
    }

    /// So many, and as large a part of them at each step as at any other?
    pub(super) fn is_enough(&self, kills: u64) -> bool {
        let each = kills / GROUPS.len() as u64;
        let tries: u64 = self.tried.values().sum();
        let hopeless = tries >= 3 * kills;
        hopeless || (self.kills() >= kills && GROUPS.into_iter().all(|group| self.of(group) >= each))
    }

    pub(super) fn started(&mut self, after: Duration) {
        self.ready_ms.push(after.as_secs_f64() * 1e3);
    }

    pub(super) fn killed(&mut self, group: Group, how: Died) {
        // One that was missed is a kill at some moment.
        let group = if how == Died::There { group } else { Group::Random };
        *self.kills.entry(group).or_default() += 1;
    }

    /// It died before it was ready: at its step, unless its log says otherwise.
    pub(super) fn died_early(&mut self, group: Group, log: &Path) -> Result<()> {
        let said = fs::read_to_string(log).unwrap_or_default();
        if let Some(line) = said.lines().find(|line| line.contains("panicked") || line.starts_with("duijie: ")) {
            bail!("the host did not start: {line}");
        }
        self.early += 1;
        self.killed(group, Died::There);
        Ok(())
    }

    /// Prints it; whatever must not be is an error.
    pub(super) fn report(&self, args: &CrashArgs, end: &Ending, killed_s: f64, took_s: f64) -> Result<()> {
        for group in GROUPS {
            println!("  killed at {:<12} {:>5}", group.name(), self.of(group));
        }
        for text in end.safe.texts.iter().chain(&end.once.texts) {
            println!("  wrong: {text}");
        }
        let (safe, once) = (&end.safe, &end.once);
        let lost = safe.lost + once.lost;
        let (violations, kills) = (safe.violations + once.violations, self.kills());
        let bound = |count: u64, trials: u64| format!("{count} (95 %: below {:.1e})", upper_bound(count, trials));
        let rows = [
            ("before ready", format!("{} of the kills", self.early)),
            ("accepted", format!("{} records, {} requests sent again for want of an answer", end.accepted, end.again)),
            (
                "lost",
                format!("{} of a record; of a kill below {:.1e}", bound(lost, end.accepted), upper_bound(lost, kills)),
            ),
            ("stale", bound(safe.stale, end.accepted)),
            ("order violations", bound(violations, end.accepted)),
            (
                "where safe",
                format!("{} superseded, {} sent again, {} parked", safe.superseded, safe.duplicates, safe.parked),
            ),
            (
                "where unsafe",
                format!(
                    "{} in doubt and reported, {} applied twice, {} parked",
                    once.unknown, once.duplicates, once.parked
                ),
            ),
            ("in doubt a kill", format!("at the most {}, of {INFLIGHT} under way", end.doubt_max)),
            ("silent", bound(once.silent, end.accepted)),
            ("webhooks", format!("{} ends, {} deliveries, {} never told", end.ended, end.deliveries, end.untold)),
            ("left at the end", end.left.to_string()),
            ("times", format!("{killed_s:.0} s of kills, {:.0} s until all was done", took_s - killed_s)),
        ];
        for (name, text) in rows {
            println!("  {name:<17} {text}");
        }
        let at: Vec<String> = GROUPS.iter().map(|group| format!("at_{}={}", group.name(), self.of(*group))).collect();
        println!(
            "soak crash: kills={kills} records={} accepted={} lost={lost} lost_upper={:.1e} lost_upper_kill={:.1e} stale={} stale_upper={:.1e} violations={violations} violations_upper={:.1e} duplicates_safe={} duplicates={} unknown={} in_doubt_max={} silent={} silent_upper={:.1e} parked={} superseded={} strays={} untold={} untold_upper={:.1e} renamed={} deliveries={} left={} {} restart_ms_median={:.0} restart_ms_p99={:.0} kills_s={killed_s:.0} took_s={took_s:.0}",
            args.records,
            end.accepted,
            upper_bound(lost, end.accepted),
            upper_bound(lost, kills),
            safe.stale,
            upper_bound(safe.stale, end.accepted),
            upper_bound(violations, end.accepted),
            safe.duplicates,
            once.duplicates,
            once.unknown,
            end.doubt_max,
            once.silent,
            upper_bound(once.silent, end.accepted),
            safe.parked + once.parked,
            safe.superseded,
            end.strays,
            end.untold,
            upper_bound(end.untold, end.ended),
            end.renamed,
            end.deliveries,
            end.left,
            at.join(" "),
            median(self.ready_ms.clone()),
            percentile(&self.ready_ms, 0.99),
        );
        let missed: Vec<_> = GROUPS.iter().filter(|group| self.of(**group) == 0).map(|group| group.name()).collect();
        if !missed.is_empty() {
            bail!("the host never died at {missed:?}");
        }
        let wrong =
            [lost, safe.stale, violations, once.silent, end.strays, end.untold, end.renamed, end.strange, end.left];
        if end.accepted != args.records || wrong.iter().any(|count| *count > 0) || end.doubt_max > INFLIGHT {
            bail!("the soak did not go as it should; above is what happened");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_has_its_share_even_if_it_is_often_missed() {
        let mut tally = Tally::default();
        let mut misses = 0;
        while !tally.is_enough(80) {
            let (group, turn) = tally.next();
            let missed = group == Group::Leased && !turn.is_multiple_of(3);
            misses += u64::from(missed);
            tally.killed(group, if missed { Died::Elsewhere } else { Died::There });
        }
        assert!(GROUPS.into_iter().all(|group| tally.of(group) >= 10), "{:?}", tally.kills);
        assert!(misses > 10 && tally.kills() >= 80);
    }

    #[test]
    fn a_step_that_is_never_passed_does_not_keep_it_for_ever() {
        let mut tally = Tally::default();
        while !tally.is_enough(16) {
            let (group, _) = tally.next();
            tally.killed(group, if group == Group::Webhook { Died::Elsewhere } else { Died::There });
        }
        assert_eq!(tally.of(Group::Webhook), 0);
    }
}
