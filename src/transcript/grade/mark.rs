//! The grade of one submission: a row of the table.
//!
//! It is also a line in a file, from which it is read again when a grading
//! goes on.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::transcript::report::row::{Judgement, Row, in_one_line};
use crate::transcript::report::summary::points;
use crate::transcript::report::verdict::Ending;

/// How long the first cause may be: it is a hint, and the report has the rest.
const LONGEST: usize = 120;

/// Points that were reached, and how many could be.
pub(super) type Points = (usize, usize);

/// A grade.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mark {
    /// What it comes to.
    pub(super) ending: Ending,
    /// One point for each `must`.
    pub(super) points: Points,
    /// The same, by the chapter in which a student can know it.
    pub(super) stages: BTreeMap<u8, Points>,
    /// What to mend first; empty if nothing failed.
    pub(super) cause: String,
    /// How long its pages have taken, one by one.
    pub(super) time: Duration,
}

impl Mark {
    /// The grade for these rows.
    pub(super) fn of(
        rows: &[Row],
        ending: Ending,
        cause: Option<String>,
        time: Duration,
    ) -> Mark {
        let rows: Vec<&Row> = rows.iter().filter(|row| row.counts).collect();
        let mut stages: BTreeMap<u8, Vec<&Row>> = BTreeMap::new();
        for row in &rows {
            if let Some(stage) = row.stage {
                stages.entry(stage).or_default().push(row);
            }
        }
        let stages = stages.into_iter().map(|(n, rows)| (n, points(&rows)));
        Mark {
            ending,
            points: points(&rows),
            stages: stages.filter(|(_, (_, most))| *most > 0).collect(),
            cause: short(&cause.unwrap_or_default()),
            time,
        }
    }

    /// As a line; the columns have tabs between them.
    pub(super) fn line(&self) -> String {
        let stages = self.stages.iter();
        let stages = stages.map(|(n, (got, most))| format!("{n}:{got}:{most}"));
        let columns = [
            word(self.ending).to_owned(),
            self.points.0.to_string(),
            self.points.1.to_string(),
            stages.collect::<Vec<_>>().join(" "),
            self.time.as_millis().to_string(),
            self.cause.clone(),
        ];
        columns.join("\t")
    }

    /// Reads such a line.
    pub(super) fn read(line: &str) -> Option<Mark> {
        let columns: Vec<&str> = line.split('\t').collect();
        let [ending, got, most, stages, time, cause] = columns[..] else {
            return None;
        };
        let stage = |text: &str| {
            let mut numbers = text.split(':');
            let stage = numbers.next()?.parse().ok()?;
            let mut number = || numbers.next()?.parse().ok();
            Some((stage, (number()?, number()?)))
        };
        Some(Mark {
            ending: ending_of(ending)?,
            points: (got.parse().ok()?, most.parse().ok()?),
            stages: stages.split(' ').filter_map(stage).collect(),
            cause: cause.to_owned(),
            time: Duration::from_millis(time.parse().ok()?),
        })
    }
}

/// What a student should mend first: the first cause that fails, or the first
/// file that does, or why nothing could be judged.
pub(super) fn first_cause(rows: &[Row]) -> Option<String> {
    let failed = |row: &&Row| matches!(row.judgement, Judgement::Fail(_));
    let causes = rows.iter().filter(|row| row.is_cause).filter(failed);
    let others = rows.iter().filter(failed);
    let lost =
        rows.iter().filter(|row| matches!(row.judgement, Judgement::Lost(_)));
    let row = causes.chain(others).chain(lost).next()?;
    match &row.judgement {
        Judgement::Fail(failure) | Judgement::Weak(failure) => {
            let what = in_one_line(failure);
            // That something is missing says as much.
            let what = what.strip_suffix(": nothing").unwrap_or(&what);
            Some(format!("{}: {what}", row.name()))
        }
        Judgement::Lost(reason) => Some(reason.clone()),
        Judgement::Pass | Judgement::Skip(_) | Judgement::Unchecked(_) => None,
    }
}

/// In one line, and not too long.
fn short(text: &str) -> String {
    let mut letters = text.chars().map(|letter| match letter.is_control() {
        true => ' ',
        false => letter,
    });
    let mut short: String = letters.by_ref().take(LONGEST).collect();
    if letters.next().is_some() {
        short.push_str("...");
    }
    short
}

fn word(ending: Ending) -> &'static str {
    match ending {
        Ending::Passed => "passed",
        Ending::Failed => "failed",
        Ending::NotJudged => "not-judged",
    }
}

fn ending_of(text: &str) -> Option<Ending> {
    let all = [Ending::Passed, Ending::Failed, Ending::NotJudged];
    all.into_iter().find(|ending| word(*ending) == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grade_is_read_again_as_it_was_written() {
        let mark = Mark {
            ending: Ending::Failed,
            points: (7, 9),
            stages: [(1, (4, 4)), (3, (3, 5))].into(),
            cause: "01-first/hello: wrong reply".into(),
            time: Duration::from_millis(1234),
        };
        assert_eq!(Mark::read(&mark.line()), Some(mark.clone()));
        let empty = Mark { stages: BTreeMap::new(), ..mark };
        assert_eq!(Mark::read(&empty.line()), Some(empty));
        for line in ["", "passed\t1", "perhaps\t1\t1\t\t5\t"] {
            assert_eq!(Mark::read(line), None, "{line}");
        }
    }

    #[test]
    fn a_cause_is_one_line_and_not_too_long() {
        assert_eq!(short("a\tb\n"), "a b ");
        let long = short(&"x".repeat(LONGEST + 1));
        assert!(long.ends_with("x...") && long.len() == LONGEST + 3);
        assert_eq!(short(&"x".repeat(LONGEST)).len(), LONGEST);
    }
}
