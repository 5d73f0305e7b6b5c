//! The report for people. What needs attention comes last.

use std::io::{self, Write};

use super::row::{Judgement, Row};
use super::summary::Summary;

pub(super) fn write(
    out: &mut dyn Write,
    rows: &[Row],
    summary: &Summary,
) -> io::Result<()> {
    for row in rows {
        if let Judgement::Skip(reason) = &row.judgement {
            writeln!(out, "skip {}: {reason}", row.file())?;
        }
    }
    for row in rows {
        for note in &row.notes {
            writeln!(out, "note {}: {note}", row.file())?;
        }
    }
    let is_weak = |row: &&Row| matches!(row.judgement, Judgement::Weak(_));
    let (weak, others): (Vec<&Row>, Vec<&Row>) = rows.iter().partition(is_weak);
    for row in weak.into_iter().chain(others) {
        failure(out, row)?;
    }
    let (points, most) = summary.points();
    if most > 0 {
        writeln!(out, "points: {points} of {most}, one for each must")?;
    }
    writeln!(out, "{summary}")
}

/// What is wrong, and how to see more of it.
fn failure(out: &mut dyn Write, row: &Row) -> io::Result<()> {
    match &row.judgement {
        Judgement::Fail(failure) | Judgement::Weak(failure) => {
            writeln!(out, "{} {failure}", row.judgement.word())?;
            if row.talk.is_empty() {
                return Ok(());
            }
            // With another server its options belong to it as well.
            let place = format!("{}:{}", row.file(), failure.line);
            writeln!(out, "     the talk so far: --show {place} for the files")
        }
        Judgement::Pass | Judgement::Skip(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::formats::Format;
    use super::super::testing::report;

    #[test]
    fn what_failed_stands_last() {
        let wanted = r#"skip transcripts/04-dots/four.txt: needs max-size=1000
note transcripts/04-dots/one.txt: line 9: not checked
WEAK test.txt:24: wrong message
       expected  M: .one <dot>
       got       M: "\x00" & ..one
       title     A line that begins with a dot
       see       RFC 5321 4.5.2
     the talk so far: --show transcripts/04-dots/three.txt:24 for the files
FAIL test.txt:24: wrong message
       expected  M: .one <dot>
       got       M: "\x00" & ..one
       title     A line that begins with a dot
       see       RFC 5321 4.5.2
     the talk so far: --show transcripts/04-dots/two.txt:24 for the files
4 transcripts: 1 passed, 1 failed, 1 weak, 1 skipped, in 2.3 s
"#;
        assert_eq!(report(Format::Text), wanted);
    }
}
