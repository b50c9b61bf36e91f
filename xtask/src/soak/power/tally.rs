//! How many images there were, and what was wrong with them.

use anyhow::{Result, bail};

use super::check::Verdict;
use crate::figures::upper_bound;

/// Faults whose text is printed.
const SHOWN_MAX: u64 = 10;

/// What was counted.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) images: u64,
    pub(super) second: u64,
    pub(super) lost: u64,
    pub(super) unopenable: u64,
    pub(super) unsound: u64,
    pub(super) anchor_ahead: u64,
    pub(super) anchor_none: u64,
    pub(super) seconds: f64,
    shown: u64,
}

impl Tally {
    /// Counts an image.
    pub(super) fn count(&mut self, name: &str, verdict: &Verdict, second: bool) {
        self.images += 1;
        self.second += u64::from(second);
        self.anchor_ahead += u64::from(verdict.anchor_ahead);
        self.anchor_none += u64::from(verdict.anchor_none);
        if verdict.anchor_ahead {
            self.show(name, "has an anchor that speaks of more audit entries than there are");
        }
        if verdict.anchor_none {
            self.show(name, "has audit entries and no anchor");
        }
        if let Some(why) = &verdict.unopenable {
            self.unopenable += 1;
            self.show(name, &format!("cannot be opened: {why}"));
        }
        if let Some(why) = &verdict.unsound {
            self.unsound += 1;
            self.show(name, &format!("is not sound: {why}"));
        }
        if let Some(first) = verdict.lost.first() {
            self.lost += 1;
            self.show(name, &format!("has lost {} acknowledged, {first} the first", verdict.lost.len()));
        }
        if self.images.is_multiple_of(5000) {
            println!("  {:>7} images, {} with losses, {} unopenable", self.images, self.lost, self.unopenable);
        }
    }

    fn show(&mut self, name: &str, what: &str) {
        self.shown += 1;
        if self.shown <= SHOWN_MAX {
            eprintln!("xtask: the image {name} {what}");
        }
    }

    /// Prints it; whatever is wrong is an error, and so are too few images.
    pub(super) fn report(&self, at_least: u64) -> Result<()> {
        let upper = |failures| upper_bound(failures, self.images);
        println!(
            "soak power: images={} second_cuts={} lost={} lost_upper={:.1e} unopenable={} unopenable_upper={:.1e} \
             unsound={} unsound_upper={:.1e} anchor_ahead={} anchor_ahead_upper={:.1e} anchor_none={} anchor_none_upper={:.1e} seconds={:.0}",
            self.images,
            self.second,
            self.lost,
            upper(self.lost),
            self.unopenable,
            upper(self.unopenable),
            self.unsound,
            upper(self.unsound),
            self.anchor_ahead,
            upper(self.anchor_ahead),
            self.anchor_none,
            upper(self.anchor_none),
            self.seconds
        );
        if self.images < at_least {
            bail!("{} images are too few; --spread makes more", self.images);
        }
        if self.lost + self.unopenable + self.unsound + self.anchor_ahead + self.anchor_none > 0 {
            bail!("the soak did not go as it should; above is what happened");
        }
        Ok(())
    }
}
