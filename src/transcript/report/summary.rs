//! How many transcripts ended in which way, and how long it took.

use std::fmt;
use std::time::Duration;

use super::row::{Judgement, Row};
use crate::transcript::format::header::Level;

/// How many of each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    pub(super) passed: usize,
    pub(super) failed: usize,
    pub(super) weak: usize,
    pub(super) skipped: usize,
    /// How many of level `must` passed, and how many were judged.
    musts: (usize, usize),
    pub(super) time: Duration,
}

impl Summary {
    /// Counts the judgements.
    pub fn of(rows: &[Row], time: Duration) -> Summary {
        let count = |is_it: fn(&Judgement) -> bool| {
            rows.iter().filter(|row| is_it(&row.judgement)).count()
        };
        let is_must = |row: &&Row| row.level == Level::Must;
        let is_judged =
            |row: &&Row| !matches!(row.judgement, Judgement::Skip(_));
        let has_passed = |row: &&Row| matches!(row.judgement, Judgement::Pass);
        let musts = rows.iter().filter(is_must).filter(is_judged);
        Summary {
            musts: (musts.clone().filter(has_passed).count(), musts.count()),
            passed: count(|judgement| matches!(judgement, Judgement::Pass)),
            failed: count(|judgement| matches!(judgement, Judgement::Fail(_))),
            weak: count(|judgement| matches!(judgement, Judgement::Weak(_))),
            skipped: count(|judgement| matches!(judgement, Judgement::Skip(_))),
            time,
        }
    }

    /// All transcripts, judged or not.
    fn all(&self) -> usize {
        self.passed + self.failed + self.weak + self.skipped
    }

    /// Whether one failed.
    pub fn has_failed(&self) -> bool {
        self.failed > 0
    }

    /// A point for each `must`: how many were reached, and out of how many.
    pub fn points(&self) -> (usize, usize) {
        self.musts
    }

    /// Whether at least one was judged.
    pub fn has_judged(&self) -> bool {
        self.skipped < self.all()
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (all, seconds) = (self.all(), self.time.as_secs_f64());
        let ending = if all == 1 { "" } else { "s" };
        write!(
            f,
            "{all} transcript{ending}: {} passed, {} failed, {} weak, \
             {} skipped, in {seconds:.1} s",
            self.passed, self.failed, self.weak, self.skipped
        )
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::rows;
    use super::*;

    #[test]
    fn a_summary_counts_all_and_says_how_long() {
        let summary = Summary::of(&rows(), Duration::from_millis(2340));
        let wanted = "4 transcripts: 1 passed, 1 failed, 1 weak, 1 skipped, \
                      in 2.3 s";
        assert_eq!(summary.to_string(), wanted);
        let nothing = Summary::of(&rows()[3..], Duration::ZERO);
        assert!(!nothing.has_judged());
    }
}
