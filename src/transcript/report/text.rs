//! The report for people. What to mend first comes first: the causes, then
//! what else failed, then what is weak, and what nobody judged in one line.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::row::{Judgement, Row};
use super::summary::Summary;

pub(super) fn write(
    out: &mut dyn Write,
    rows: &[Row],
    summary: &Summary,
) -> io::Result<()> {
    let failed = |row: &&Row| matches!(row.judgement, Judgement::Fail(_));
    let weak = |row: &&Row| matches!(row.judgement, Judgement::Weak(_));
    let causes = rows.iter().filter(|row| row.is_cause).filter(failed);
    let others = rows.iter().filter(|row| !row.is_cause).filter(failed);
    for row in causes.chain(others).chain(rows.iter().filter(weak)) {
        failure(out, row, summary)?;
    }
    notes(out, rows)?;
    let lost = |judgement: &Judgement| match judgement {
        Judgement::Lost(reason) => Some(reason.clone()),
        Judgement::Pass
        | Judgement::Fail(_)
        | Judgement::Weak(_)
        | Judgement::Skip(_)
        | Judgement::Unchecked(_) => None,
    };
    for (reason, count) in counted(rows, lost) {
        writeln!(out, "lost {count}: {reason}")?;
    }
    let (points, most) = summary.points();
    if most > 0 {
        let sum = match summary.stage {
            Some(stage) => format!("stage {stage}"),
            None => "points".to_owned(),
        };
        writeln!(out, "{sum}: {points} of {most}, one for each must")?;
    }
    writeln!(out, "judged by {}", summary.judge())?;
    writeln!(out, "{summary}")?;
    skips(out, rows)
}

/// What is wrong, and how to see more of it.
fn failure(
    out: &mut dyn Write,
    row: &Row,
    summary: &Summary,
) -> io::Result<()> {
    let failure = match &row.judgement {
        Judgement::Fail(failure) | Judgement::Weak(failure) => failure,
        Judgement::Pass
        | Judgement::Skip(_)
        | Judgement::Lost(_)
        | Judgement::Unchecked(_) => return Ok(()),
    };
    writeln!(out, "{} {failure}", row.judgement.word())?;
    if row.talk.is_empty() {
        return Ok(());
    }
    writeln!(out, "     the talk so far: {}", summary.show(row, failure.line))
}

/// What was noted; the same of many files is told once.
fn notes(out: &mut dyn Write, rows: &[Row]) -> io::Result<()> {
    let mut files: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for row in rows {
        for note in &row.notes {
            let what = match note.strip_prefix("line ") {
                Some(rest) => rest.split_once(": ").map_or(rest, |(_, w)| w),
                None => note,
            };
            let place = format!("{}: {note}", row.file());
            files.entry(what).or_default().push(place);
        }
    }
    for (what, places) in files {
        match places.as_slice() {
            [place] => writeln!(out, "note {place}")?,
            places => writeln!(out, "note {} files: {what}", places.len())?,
        }
    }
    Ok(())
}

/// What was not judged, counted by the reason, in one line.
fn skips(out: &mut dyn Write, rows: &[Row]) -> io::Result<()> {
    let skipped = |judgement: &Judgement| match judgement {
        Judgement::Skip(reason) => Some(reason.clone()),
        Judgement::Unchecked(reason) => Some(format!("not checked: {reason}")),
        Judgement::Pass
        | Judgement::Fail(_)
        | Judgement::Weak(_)
        | Judgement::Lost(_) => None,
    };
    let counts = counted(rows, skipped).into_iter();
    let counts: Vec<String> =
        counts.map(|(reason, count)| format!("{count} {reason}")).collect();
    match counts.is_empty() {
        true => Ok(()),
        false => writeln!(out, "skipped: {}", counts.join("; ")),
    }
}

/// How many rows have each of these reasons.
fn counted(
    rows: &[Row],
    reason: impl Fn(&Judgement) -> Option<String>,
) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for reason in rows.iter().filter_map(|row| reason(&row.judgement)) {
        *counts.entry(reason).or_default() += 1;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::super::formats::Format;
    use super::super::testing::report;

    #[test]
    fn what_failed_comes_first_and_what_was_skipped_last_in_one_line() {
        let wanted = r#"FAIL test.txt:24: wrong message
       expected  M: .one <dot>
       got       M: "\x00" & ..one
       title     A line that begins with a dot
       see       RFC 5321 4.5.2
     the talk so far: x replay --show transcripts/04-dots/two.txt:24
WEAK test.txt:24: wrong message
       expected  M: .one <dot>
       got       M: "\x00" & ..one
       title     A line that begins with a dot
       see       RFC 5321 4.5.2
     the talk so far: x replay --show transcripts/04-dots/three.txt:24
note transcripts/04-dots/one.txt: line 9: not checked
judged by Pillarbox VERSION, transcripts abc
4 transcripts: 1 passed, 1 failed, 1 weak, 1 skipped, in 2.3 s
skipped: 1 needs max-size=1000
"#;
        let wanted = wanted.replace("VERSION", env!("CARGO_PKG_VERSION"));
        assert_eq!(report(Format::Text), wanted);
    }
}
