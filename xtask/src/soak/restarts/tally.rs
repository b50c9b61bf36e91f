//! How often the host was killed, and how it came back.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Result, bail};

use super::STEPS;
use crate::figures::{largest, median, upper_bound};

/// Losses whose text is printed.
const SHOWN_MAX: u64 = 10;

/// How it died.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Killed {
    /// At the step it was told.
    ByItself,
    /// By us.
    ByUs,
}

/// What was counted.
#[derive(Default)]
pub(super) struct Tally {
    kills: u64,
    at_steps: BTreeMap<&'static str, u64>,
    restart_ms: Vec<f64>,
    lost: u64,
}

impl Tally {
    pub(super) fn killed(&mut self, step: Option<&'static str>, how: Killed) {
        self.kills += 1;
        if let (Some(step), Killed::ByItself) = (step, how) {
            *self.at_steps.entry(step).or_default() += 1;
        }
        if self.kills.is_multiple_of(20) {
            println!("  {:>5} kills, {} lost", self.kills, self.lost);
        }
    }

    pub(super) fn restarted(&mut self, after: Duration) {
        self.restart_ms.push(after.as_secs_f64() * 1e3);
    }

    pub(super) fn lost(&mut self, what: &str) {
        self.lost += 1;
        if self.lost <= SHOWN_MAX {
            eprintln!("xtask: {what}");
        }
    }

    /// Prints it; a loss is an error, and so is a step that was never crashed at, where there are steps and kills enough.
    pub(super) fn report(&self, failpoints: bool) -> Result<()> {
        for step in STEPS {
            println!("  {step:<20} {:>4} crashes", self.at_steps.get(step).unwrap_or(&0));
        }
        println!(
            "soak restarts: kills={} at_steps={} lost={} lost_upper={:.1e} restart_ms_median={:.0} restart_ms_max={:.0}",
            self.kills,
            self.at_steps.values().sum::<u64>(),
            self.lost,
            upper_bound(self.lost, self.kills),
            median(self.restart_ms.clone()),
            largest(&self.restart_ms)
        );
        let missed: Vec<_> = STEPS.iter().filter(|step| !self.at_steps.contains_key(*step)).collect();
        if failpoints && self.kills >= 4 * STEPS.len() as u64 && !missed.is_empty() {
            bail!("the host never crashed at {missed:?}");
        }
        if self.lost > 0 {
            bail!("the soak did not go as it should; above is what happened");
        }
        Ok(())
    }
}
