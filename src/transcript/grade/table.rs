//! The table of a class: a row for each submission.
//!
//! `grades.txt` is for people, `grades.tsv` for a spreadsheet. The columns of
//! the second are a promise: `submission ending points most seconds cause
//! report judge`, then `stage-N most-N` for each stage. Its values are escaped
//! as the words of a transcript are.
//!
//! Interface:
//!   `Table`  the rows; `text` and `tsv` write them (`html.rs` does as well)

use std::collections::BTreeSet;
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

use super::class::Submission;
use super::mark::{Mark, Points};
use super::results::Results;
use crate::transcript::format::text::escape;
use crate::transcript::report::verdict::Ending;

/// All grades of a class.
pub(super) struct Table<'a> {
    /// By the names of the submissions.
    pub(super) rows: Vec<(&'a Submission, Mark)>,
    /// The judge, and the law.
    pub(super) judge: String,
    /// How long it took.
    pub(super) time: Duration,
}

impl Table<'_> {
    /// For people.
    pub(super) fn text(&self) -> String {
        let mut lines = vec![self.heads()];
        lines.extend(self.rows.iter().map(|(submission, mark)| {
            let stages = self.stages().into_iter();
            let mut cells = vec![
                submission.shown(),
                of(Some(&mark.points)),
                format!("{:.1} s", mark.time.as_secs_f64()),
            ];
            cells.extend(stages.map(|stage| of(mark.stages.get(&stage))));
            cells.push(mark.cause.clone());
            cells
        }));
        let mut text = in_columns(&lines);
        for line in self.foot() {
            text.push_str(&format!("{line}\n"));
        }
        text
    }

    fn heads(&self) -> Vec<String> {
        let mut heads =
            ["submission", "points", "time"].map(String::from).to_vec();
        heads.extend(self.stages().iter().map(|n| format!("stage {n}")));
        heads.push("first cause".into());
        heads
    }

    /// For programs.
    pub(super) fn tsv(&self) -> String {
        let heads = "submission\tending\tpoints\tmost\tseconds\tcause\treport\t\
                     judge";
        let mut text = heads.to_owned();
        for stage in self.stages() {
            text.push_str(&format!("\tstage-{stage}\tmost-{stage}"));
        }
        text.push('\n');
        for (submission, mark) in &self.rows {
            text.push_str(&self.record(submission, mark));
        }
        text
    }

    fn record(&self, submission: &Submission, mark: &Mark) -> String {
        let report = Results::report(submission);
        let escaped = |text: &str| escape(text.as_bytes());
        let mut cells = vec![
            escape(submission.name.as_bytes()),
            ending(mark.ending).replace(' ', "-"),
            mark.points.0.to_string(),
            mark.points.1.to_string(),
            format!("{:.1}", mark.time.as_secs_f64()),
            escaped(&mark.cause),
            escape(report.as_os_str().as_bytes()),
            escaped(&self.judge),
        ];
        for stage in self.stages() {
            let (got, most) =
                mark.stages.get(&stage).copied().unwrap_or_default();
            cells.extend([got, most].map(|number| number.to_string()));
        }
        cells.join("\t") + "\n"
    }

    /// What is said of the whole class.
    pub(super) fn foot(&self) -> Vec<String> {
        let count = |ending: Ending| {
            let rows = self.rows.iter();
            rows.filter(|(_, mark)| mark.ending == ending).count()
        };
        let all = self.rows.len();
        let endings = if all == 1 { "" } else { "s" };
        let mut foot = vec![format!(
            "{all} submission{endings}: {} without a failure, {} with one, \
             {} without a server, in {:.1} s",
            count(Ending::Passed),
            count(Ending::Failed),
            count(Ending::NotJudged),
            self.time.as_secs_f64()
        )];
        foot.push(format!("judged by {}", self.judge));
        let most: BTreeSet<usize> =
            self.rows.iter().map(|(_, mark)| mark.points.1).collect();
        if most.len() > 1 {
            let what = "not all could reach the same number of points, since \
                        they offer different extensions; --extensions makes \
                        it the same";
            foot.push(what.into());
        }
        foot
    }

    /// All stages that give a point to somebody.
    pub(super) fn stages(&self) -> BTreeSet<u8> {
        let rows = self.rows.iter();
        rows.flat_map(|(_, mark)| mark.stages.keys().copied()).collect()
    }
}

/// The word for it.
pub(super) fn ending(ending: Ending) -> &'static str {
    match ending {
        Ending::Passed => "passed",
        Ending::Failed => "failed",
        Ending::NotJudged => "no server",
    }
}

/// `7 of 9`, or nothing where nothing was to be reached.
pub(super) fn of(points: Option<&Points>) -> String {
    points.map_or(String::new(), |(got, most)| format!("{got} of {most}"))
}

/// Each column is as wide as its widest cell; the last one has no end.
fn in_columns(lines: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = lines.iter().filter_map(|line| line.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
    };
    let most = lines.iter().map(Vec::len).max().unwrap_or_default();
    let widths: Vec<usize> = (0..most).map(width).collect();
    let mut text = String::new();
    for line in lines {
        let cells = line.iter().zip(&widths);
        let cells = cells.map(|(cell, width)| format!("{cell:<width$}"));
        let line = cells.collect::<Vec<_>>().join("  ");
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// Two submissions, of which one has a fault and a strange name.
#[cfg(test)]
pub(super) fn sample(submissions: &[Submission; 2]) -> Table<'_> {
    let [anna, odd] = submissions;
    let right = Mark {
        ending: Ending::Passed,
        points: (9, 9),
        stages: [(1, (4, 4)), (2, (5, 5))].into(),
        cause: String::new(),
        time: Duration::from_millis(1240),
    };
    let wrong = Mark {
        ending: Ending::Failed,
        points: (3, 8),
        stages: [(1, (3, 4)), (2, (0, 4))].into(),
        cause: "01-first/hello: wrong reply: S: 500 <no>".into(),
        time: Duration::from_secs(31),
    };
    Table {
        rows: vec![(anna, right), (odd, wrong)],
        judge: "Pillarbox 1".into(),
        time: Duration::from_secs(32),
    }
}

#[cfg(test)]
pub(super) fn submissions() -> [Submission; 2] {
    use std::ffi::OsStr;
    let names: [&[u8]; 2] = [b"anna", b"b <\xe9>\n"];
    names.map(|name| Submission {
        name: OsStr::from_bytes(name).to_owned(),
        folder: "/class".into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_submission_is_a_line_for_people() {
        let submissions = submissions();
        let wanted = "\
submission  points  time    stage 1  stage 2  first cause
anna        9 of 9  1.2 s   4 of 4   5 of 5
b <\u{fffd}>\\n     3 of 8  31.0 s  3 of 4   0 of 4   01-first/hello: wrong \
reply: S: 500 <no>
2 submissions: 1 without a failure, 1 with one, 0 without a server, in 32.0 s
judged by Pillarbox 1
not all could reach the same number of points, since they offer different \
extensions; --extensions makes it the same
";
        assert_eq!(sample(&submissions).text(), wanted);
    }

    #[test]
    fn a_submission_is_a_record_for_programs() {
        let submissions = submissions();
        let tsv = sample(&submissions).tsv();
        let lines: Vec<&str> = tsv.lines().collect();
        assert!(lines[0].ends_with("\tstage-1\tmost-1\tstage-2\tmost-2"));
        let wanted = [
            r"b <\xe9>\n",
            "failed",
            "3",
            "8",
            "31.0",
            "01-first/hello: wrong reply: S: 500 <no>",
            r"reports/b <\xe9>\n/report.html",
            "Pillarbox 1",
            "3",
            "4",
            "0",
            "4",
        ];
        assert_eq!(lines[2].split('\t').collect::<Vec<_>>(), wanted);
    }
}
