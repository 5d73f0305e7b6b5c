//! What became of the transcripts of a run, for people and for programs.
//!
//! Interface:
//!   `Row`, `Verdict`  one transcript
//!   `Summary`         how many of each, and how long it took
//!   `Format`          text, tap, junit or tsv
//!   `write`           the report
//!
//! Everything that came from a server was escaped before it gets here: a
//! report is plain text whatever a server said.

mod junit;
mod tap;
mod text;
pub mod tsv;

use std::fmt;
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use super::failure::Failure;
use super::header::Level;
use super::show::TalkLine;

/// What a report can look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text,
    /// The Test Anything Protocol, version 13.
    Tap,
    /// JUnit's XML.
    Junit,
    /// Columns for a spreadsheet or a script.
    Tsv,
}

/// What became of one transcript.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its file.
    pub path: PathBuf,
    /// How binding it is.
    pub level: Level,
    /// What it shows.
    pub title: String,
    /// The sections that it is about.
    pub spec: Vec<String>,
    /// How it ended.
    pub verdict: Verdict,
    /// What was not checked, or let pass.
    pub notes: Vec<String>,
    /// All that was said.
    pub talk: Vec<TalkLine>,
    /// How long it took.
    pub time: Duration,
}

/// How a transcript ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Everything was right.
    Pass,
    /// Something was wrong, and it counts.
    Fail(Box<Failure>),
    /// Something was wrong, but only `should` or `may` be otherwise.
    Weak(Box<Failure>),
    /// It was not judged, for this reason.
    Skip(String),
}

impl Verdict {
    /// The word for it in a report.
    pub fn word(&self) -> &'static str {
        match self {
            Verdict::Pass => "pass",
            Verdict::Fail(_) => "FAIL",
            Verdict::Weak(_) => "WEAK",
            Verdict::Skip(_) => "skip",
        }
    }
}

impl Row {
    /// The folder and the name of the file, without its ending: enough for
    /// people, and short.
    fn name(&self) -> String {
        let stem = self.path.file_stem().unwrap_or_default();
        let stem = stem.to_string_lossy();
        match self.path.parent().and_then(|parent| parent.file_name()) {
            Some(folder) => format!("{}/{stem}", folder.to_string_lossy()),
            None => stem.into_owned(),
        }
    }
}

/// How many of each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    passed: usize,
    failed: usize,
    weak: usize,
    skipped: usize,
    /// How many of level `must` passed, and how many were judged.
    musts: (usize, usize),
    time: Duration,
}

impl Summary {
    /// Counts the verdicts.
    pub fn of(rows: &[Row], time: Duration) -> Summary {
        let count = |is_it: fn(&Verdict) -> bool| {
            rows.iter().filter(|row| is_it(&row.verdict)).count()
        };
        let is_must = |row: &&Row| row.level == Level::Must;
        let is_judged = |row: &&Row| !matches!(row.verdict, Verdict::Skip(_));
        let has_passed = |row: &&Row| matches!(row.verdict, Verdict::Pass);
        let musts = rows.iter().filter(is_must).filter(is_judged);
        Summary {
            musts: (musts.clone().filter(has_passed).count(), musts.count()),
            passed: count(|verdict| matches!(verdict, Verdict::Pass)),
            failed: count(|verdict| matches!(verdict, Verdict::Fail(_))),
            weak: count(|verdict| matches!(verdict, Verdict::Weak(_))),
            skipped: count(|verdict| matches!(verdict, Verdict::Skip(_))),
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

/// Writes the report of a run.
pub fn write(
    out: &mut dyn Write,
    format: Format,
    rows: &[Row],
    summary: &Summary,
) -> io::Result<()> {
    match format {
        Format::Text => text::write(out, rows, summary),
        Format::Tap => tap::write(out, rows),
        Format::Junit => junit::write(out, rows, summary),
        Format::Tsv => tsv::write(out, rows),
    }
}

/// The word for a level, as it stands in a header.
pub(super) fn level_word(level: Level) -> &'static str {
    match level {
        Level::Must => "must",
        Level::Should => "should",
        Level::May => "may",
        Level::Own => "own",
    }
}

/// A failure in one line: what is wrong, and what came.
fn in_one_line(failure: &Failure) -> String {
    match failure.got.as_str() {
        "" => failure.message.clone(),
        got => format!("{}: {got}", failure.message),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::failure::Mismatch;
    use super::super::script::Source;
    use super::super::testing;
    use super::*;

    /// One row with each verdict.
    pub(in crate::transcript) fn rows() -> Vec<Row> {
        let page = testing::read(testing::DOTS).unwrap();
        let failure = || {
            let text = "M: .one <dot>".to_owned();
            let source = Source { line: 24, text };
            let got = "M: \"\\x00\" & ..one";
            let wrong = Mismatch::new(&source, "wrong message", got);
            Box::new(Failure::new(&page, wrong))
        };
        let row = |name: &str, verdict| Row {
            path: format!("transcripts/04-dots/{name}.txt").into(),
            level: Level::Should,
            title: "Dots \\ and # <b>".into(),
            spec: vec!["RFC 5321 4.5.2".into(), "CVE-1".into()],
            verdict,
            notes: Vec::new(),
            talk: Vec::new(),
            time: Duration::from_millis(1500),
        };
        let mut rows = vec![
            row("one", Verdict::Pass),
            row("two", Verdict::Fail(failure())),
            row("three", Verdict::Weak(failure())),
            row("four", Verdict::Skip("needs max-size=1000".into())),
        ];
        rows[0].notes.push("line 9: not checked".into());
        rows
    }

    pub(in crate::transcript) fn report(format: Format) -> String {
        let (rows, mut out) = (rows(), Vec::new());
        let summary = Summary::of(&rows, Duration::from_millis(2340));
        write(&mut out, format, &rows, &summary).unwrap();
        String::from_utf8(out).unwrap()
    }

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
