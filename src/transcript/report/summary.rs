//! How many transcripts ended in which way, and how long it took.

use std::fmt;
use std::time::Duration;

use super::row::{Judgement, Row};
use crate::transcript::format::header::Level;
use crate::words::shell_word;

/// How many of each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// The transcripts, in one word that another version of them has not.
    pub(super) suite: String,
    /// The last chapter whose transcripts were asked for.
    pub(super) stage: Option<u8>,
    /// The command that shows a talk, without the place to show.
    pub(super) again: String,
    pub(super) passed: usize,
    pub(super) failed: usize,
    pub(super) weak: usize,
    pub(super) skipped: usize,
    pub(super) lost: usize,
    pub(super) unchecked: usize,
    /// How many of level `must` passed, and how many were judged.
    musts: (usize, usize),
    pub(super) time: Duration,
}

impl Summary {
    /// Counts the judgements.
    pub fn of(rows: &[Row], time: Duration) -> Summary {
        let rows: Vec<&Row> = rows.iter().filter(|row| row.counts).collect();
        let count = |is_it: fn(&Judgement) -> bool| {
            rows.iter().filter(|row| is_it(&row.judgement)).count()
        };
        Summary {
            musts: points(&rows),
            passed: count(|judgement| matches!(judgement, Judgement::Pass)),
            failed: count(|judgement| matches!(judgement, Judgement::Fail(_))),
            weak: count(|judgement| matches!(judgement, Judgement::Weak(_))),
            skipped: count(|judgement| matches!(judgement, Judgement::Skip(_))),
            lost: count(|judgement| matches!(judgement, Judgement::Lost(_))),
            unchecked: count(|judgement| {
                matches!(judgement, Judgement::Unchecked(_))
            }),
            time,
            ..Summary::default()
        }
    }

    /// The judge, and the law: they belong to every grade.
    pub(super) fn judge(&self) -> String {
        let version = env!("CARGO_PKG_VERSION");
        format!("Pillarbox {version}, transcripts {}", self.suite)
    }

    /// The same, with the name of the transcripts, and the last stage.
    pub(crate) fn by(self, suite: String, stage: Option<u8>) -> Summary {
        Summary { suite, stage, ..self }
    }

    /// The same, with the command that shows a talk of the server that was
    /// judged; `FILE:LINE` follows it.
    pub(crate) fn shown_by(self, again: String) -> Summary {
        Summary { again, ..self }
    }

    /// The command that shows the talk of a row up to a line.
    pub(super) fn show(&self, row: &Row, line: usize) -> String {
        let place = shell_word(&format!("{}:{line}", row.path.display()));
        format!("{} {place}", self.again)
    }

    /// All transcripts, judged or not.
    fn all(&self) -> usize {
        self.passed
            + self.failed
            + self.weak
            + self.skipped
            + self.lost
            + self.unchecked
    }

    /// A point for each `must`: how many were reached, and out of how many.
    pub fn points(&self) -> (usize, usize) {
        self.musts
    }
}

/// A point for each `must` that was reached, and how many could be.
pub(super) fn points(rows: &[&Row]) -> (usize, usize) {
    let musts = rows.iter().filter(|row| row.level == Level::Must);
    let worth = musts.filter_map(|row| match row.judgement {
        Judgement::Pass => Some(1),
        Judgement::Fail(_) | Judgement::Lost(_) | Judgement::Weak(_) => Some(0),
        Judgement::Skip(_) | Judgement::Unchecked(_) => None,
    });
    let worth: Vec<usize> = worth.collect();
    (worth.iter().sum(), worth.len())
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (all, seconds) = (self.all(), self.time.as_secs_f64());
        let ending = if all == 1 { "" } else { "s" };
        write!(
            f,
            "{all} transcript{ending}: {} passed, {} failed, {} weak, ",
            self.passed, self.failed, self.weak
        )?;
        for (count, what) in
            [(self.lost, "lost"), (self.unchecked, "not checked")]
        {
            if count > 0 {
                write!(f, "{count} {what}, ")?;
            }
        }
        write!(f, "{} skipped, in {seconds:.1} s", self.skipped)
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
    }

    #[test]
    fn a_point_that_is_lost_stays_in_the_maximum() {
        let mut rows = rows();
        for row in &mut rows {
            row.level = Level::Must;
        }
        rows[3].judgement = Judgement::Lost("because of hello".into());
        let points = |rows: &[Row]| Summary::of(rows, Duration::ZERO).points();
        assert_eq!(points(&rows), (1, 4));
        rows[3].judgement = Judgement::Unchecked("no --maildir".into());
        assert_eq!(points(&rows), (1, 3));
        rows[1].counts = false;
        assert_eq!(points(&rows), (1, 2));
    }
}
