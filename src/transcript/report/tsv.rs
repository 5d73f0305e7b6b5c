//! Columns, parted by tabs: for scripts, and for the matrix of many runs.
//!
//! The columns are a promise: `file level verdict line spec title reason stage
//! judge`. More may follow one day, after these.
//! The first line names them. Each value is escaped as the words of a
//! transcript are, so that it holds neither a tab nor a line end.
//!
//! Interface:
//!   `write`  the rows of a run
//!   `read`   the same rows again, as the matrix needs them

use std::io::{self, Write};

use super::row::{Judgement, Row, in_one_line};
use super::summary::Summary;
use crate::transcript::format::matching::Names;
use crate::transcript::format::text::{Text, escape};

const COLUMNS: &str =
    "file\tlevel\tverdict\tline\tspec\ttitle\treason\tstage\tjudge";

/// A row that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    /// The transcript.
    pub(super) file: String,
    /// `pass`, `fail`, `weak`, `skip` or `lost`.
    pub(super) verdict: String,
    /// What the transcript shows.
    pub(super) title: String,
}

pub(super) fn write(
    out: &mut dyn Write,
    rows: &[Row],
    summary: &Summary,
) -> io::Result<()> {
    writeln!(out, "{COLUMNS}")?;
    for row in rows.iter().filter(|row| row.counts) {
        let (verdict, line, reason) = match &row.judgement {
            Judgement::Pass => ("pass", 0, row.notes.join("; ")),
            Judgement::Fail(failure) => {
                ("fail", failure.line, in_one_line(failure))
            }
            Judgement::Weak(failure) => {
                ("weak", failure.line, in_one_line(failure))
            }
            Judgement::Skip(reason) => ("skip", 0, reason.clone()),
            Judgement::Lost(reason) => ("lost", 0, reason.clone()),
            Judgement::Unchecked(reason) => {
                ("skip", 0, format!("not checked: {reason}"))
            }
        };
        let line = if line == 0 { String::new() } else { line.to_string() };
        let columns = [
            &*row.path.to_string_lossy(),
            row.level.word(),
            verdict,
            &line,
            &row.spec.join("; "),
            &row.title,
            &reason,
            &row.stage.map(|stage| stage.to_string()).unwrap_or_default(),
            &summary.judge(),
        ];
        let columns = columns.map(|text| escape(text.as_bytes()));
        writeln!(out, "{}", columns.join("\t"))?;
    }
    Ok(())
}

/// Reads a report. An error says which line is not one of it.
pub(super) fn read(text: &str) -> Result<Vec<Record>, String> {
    let mut lines = text.lines().enumerate();
    match lines.next() {
        Some((_, COLUMNS)) => {}
        Some(_) | None => {
            let columns = COLUMNS.replace('\t', ", ");
            return Err(format!("1: expected the columns {columns}"));
        }
    }
    lines
        .map(|(number, line)| {
            let wanted = "expected nine columns, and a verdict";
            record(line).ok_or_else(|| format!("{}: {wanted}", number + 1))
        })
        .collect()
}

fn record(line: &str) -> Option<Record> {
    let columns: Option<Vec<String>> = line.split('\t').map(plain).collect();
    let columns = columns?;
    let [file, _, verdict, _, _, title, ..] = columns.as_slice() else {
        return None;
    };
    let is_verdict =
        matches!(verdict.as_str(), "pass" | "fail" | "weak" | "skip" | "lost");
    is_verdict.then(|| Record {
        file: file.clone(),
        verdict: verdict.clone(),
        title: title.clone(),
    })
}

/// What was escaped.
fn plain(column: &str) -> Option<String> {
    let text = Text::parse(column).ok()?;
    let bytes = Names::default().expand(&text).ok()?;
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::super::formats::Format;
    use super::super::testing::report;
    use super::*;

    #[test]
    fn the_columns_are_those_that_were_promised() {
        let tsv = report(Format::Tsv);
        let lines: Vec<&str> = tsv.lines().collect();
        assert_eq!(lines[0], COLUMNS);
        let two: Vec<&str> = lines[2].split('\t').collect();
        let wanted = [
            "transcripts/04-dots/two.txt",
            "should",
            "fail",
            "24",
            "RFC 5321 4.5.2; CVE-1",
            r"Dots \\ and # <b>",
            r#"wrong message: M: "\\x00" & ..one"#,
            "5",
        ];
        assert_eq!(two[..8], wanted);
        assert!(two[8].ends_with(", transcripts abc"), "{two:?}");
    }

    #[test]
    fn what_was_written_is_read_again() {
        let records = read(&report(Format::Tsv)).unwrap();
        let verdicts: Vec<&str> =
            records.iter().map(|record| record.verdict.as_str()).collect();
        assert_eq!(verdicts, ["pass", "fail", "weak", "skip"]);
        assert_eq!(records[0].title, "Dots \\ and # <b>");
        assert!(read("x\n").unwrap_err().starts_with("1: "));
        let line = format!("{COLUMNS}\na\tb\n");
        assert!(read(&line).unwrap_err().starts_with("2: "));
    }
}
