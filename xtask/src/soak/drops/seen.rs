//! What became of the files, by kind.

use std::time::Duration;

use super::plan::{KINDS, Kind};
use crate::figures::{largest, median};

/// How long a refusal may take, unless it is the compiling child that is over its limits.
const REFUSED_WITHIN: Duration = Duration::from_secs(2);

/// What became of a file.
pub(super) enum Fate {
    /// Refused, with the reason.
    Refused(String),
    /// It still is a good component, and nobody asked for it.
    Harmless,
    /// It is taken, and should not be: for a good one, or for another than it was made from.
    Taken,
}

/// What became of them all.
#[derive(Default)]
pub(super) struct Seen {
    rows: Vec<(Kind, Row)>,
    /// Times at which the good link did not serve with its revision.
    pub(super) moved: u64,
}

#[derive(Default)]
struct Row {
    refused_ms: Vec<f64>,
    harmless: u64,
    taken: u64,
    late: u64,
    /// The first reason.
    reason: String,
}

/// The sums.
#[derive(Default)]
pub(super) struct Sums {
    /// Files.
    pub(super) count: u64,
    /// Those refused.
    pub(super) refused: u64,
    /// Those that still are good.
    pub(super) harmless: u64,
    /// Those taken that should not be, and times that the good link moved.
    pub(super) changed: u64,
    /// Those refused too late.
    pub(super) late: u64,
    /// The slowest refusal.
    pub(super) slowest_ms: f64,
}

impl Seen {
    /// Counts one.
    pub(super) fn count(&mut self, kind: Kind, fate: Fate, took: Duration) {
        let at = self.rows.iter().position(|(known, _)| *known == kind).unwrap_or_else(|| {
            self.rows.push((kind, Row::default()));
            self.rows.len() - 1
        });
        let Some((_, row)) = self.rows.get_mut(at) else { return };
        match fate {
            Fate::Refused(reason) => {
                row.refused_ms.push(took.as_secs_f64() * 1e3);
                row.late += u64::from(took > REFUSED_WITHIN && !reason.contains("over the limits of"));
                if row.reason.is_empty() {
                    row.reason = reason;
                }
            }
            Fate::Harmless => row.harmless += 1,
            Fate::Taken => row.taken += 1,
        }
    }

    /// Prints the table; what it comes to.
    pub(super) fn report(&self) -> Sums {
        let mut sums = Sums { changed: self.moved, ..Sums::default() };
        println!(
            "\n  {:<15} {:>6} {:>8} {:>9} {:>6} {:>10} {:>8}  the first reason",
            "kind", "count", "refused", "harmless", "late", "median ms", "max ms"
        );
        for kind in KINDS {
            let Some((_, row)) = self.rows.iter().find(|(known, _)| *known == kind) else {
                println!("  {:<15} {:>6}", kind.name, 0);
                continue;
            };
            let refused = row.refused_ms.len() as u64;
            let (count, slowest) = (refused + row.harmless + row.taken, largest(&row.refused_ms));
            let reason: String = row.reason.replace('\n', " ").chars().take(90).collect();
            println!(
                "  {:<15} {count:>6} {refused:>8} {:>9} {:>6} {:>10.0} {slowest:>8.0}  {reason}",
                kind.name,
                row.harmless,
                row.late,
                median(row.refused_ms.clone())
            );
            sums.count += count;
            sums.refused += refused;
            sums.harmless += row.harmless;
            sums.changed += row.taken;
            sums.late += row.late;
            sums.slowest_ms = sums.slowest_ms.max(slowest);
        }
        sums
    }
}
