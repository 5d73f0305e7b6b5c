//! The Test Anything Protocol, version 13: `prove` reads it.
//!
//! A weak transcript is a TODO, which by TAP's rules does not fail the run.
//! <https://testanything.org/tap-version-13-specification.html>

use std::io::{self, Write};

use super::row::{Judgement, Row, in_one_line};
use super::summary::Summary;
use crate::transcript::judge::failure::Failure;
use crate::words;

pub(super) fn write(
    out: &mut dyn Write,
    rows: &[Row],
    summary: &Summary,
) -> io::Result<()> {
    writeln!(out, "TAP version 13")?;
    let rows: Vec<&Row> = rows.iter().filter(|row| row.counts).collect();
    writeln!(out, "1..{}", rows.len())?;
    writeln!(out, "# {}", summary.judge())?;
    for (number, row) in rows.into_iter().enumerate() {
        test_point(out, number + 1, row)?;
    }
    Ok(())
}

fn test_point(out: &mut dyn Write, number: usize, row: &Row) -> io::Result<()> {
    let what = format!("{number} - {} {}", row.name(), row.title);
    let what = without_directive(&what);
    match &row.judgement {
        Judgement::Pass => {
            writeln!(out, "ok {what}")?;
        }
        Judgement::Fail(failure) => {
            writeln!(out, "not ok {what}")?;
            block(out, failure)?;
        }
        Judgement::Weak(failure) => {
            let level = row.level.word();
            writeln!(out, "not ok {what} # TODO level {level}")?;
            block(out, failure)?;
        }
        Judgement::Skip(reason) => {
            let reason = without_directive(reason);
            writeln!(out, "ok {what} # SKIP {reason}")?;
        }
        Judgement::Unchecked(reason) => {
            let reason = without_directive(reason);
            writeln!(out, "ok {what} # SKIP not checked: {reason}")?;
        }
        Judgement::Lost(reason) => {
            writeln!(out, "not ok {what}")?;
            writeln!(out, "# {reason}")?;
        }
    }
    row.notes.iter().try_for_each(|note| writeln!(out, "# note: {note}"))
}

/// A `#` would begin a directive.
fn without_directive(text: &str) -> String {
    text.replace('\\', "\\\\").replace('#', "\\#")
}

/// The YAML block, with what the failure says.
fn block(out: &mut dyn Write, failure: &Failure) -> io::Result<()> {
    writeln!(out, "  ---")?;
    writeln!(out, "  message: {}", quoted(&in_one_line(failure)))?;
    let path = words::in_one_line(&failure.path);
    writeln!(out, "  file: {}", quoted(&path))?;
    writeln!(out, "  line: {}", failure.line)?;
    for (key, value) in [
        ("sent", &failure.sent),
        ("expected", &failure.expected),
        ("got", &failure.got),
        ("see", &failure.spec.join("; ")),
        ("rule", &failure.rule),
    ] {
        if !value.is_empty() {
            writeln!(out, "  {key}: {}", quoted(value))?;
        }
    }
    writeln!(out, "  ...")
}

/// A YAML string. There are no control characters in it.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::super::formats::Format;
    use super::super::testing::report;

    #[test]
    fn there_is_one_test_point_for_each_file() {
        let tap = report(Format::Tap);
        let points: Vec<&str> =
            tap.lines().filter(|line| line.contains("ok ")).collect();
        let wanted = [
            r"ok 1 - 04-dots/one Dots \\ and \# <b>",
            r"not ok 2 - 04-dots/two Dots \\ and \# <b>",
            r"not ok 3 - 04-dots/three Dots \\ and \# <b> # TODO level should",
            r"ok 4 - 04-dots/four Dots \\ and \# <b> # SKIP needs max-size=1000",
        ];
        assert_eq!(points, wanted);
        assert!(tap.starts_with("TAP version 13\n1..4\n"));
        let got = r#"  got: "M: \"\\x00\" & ..one""#;
        assert!(tap.lines().any(|line| line == got), "{tap}");
    }
}
