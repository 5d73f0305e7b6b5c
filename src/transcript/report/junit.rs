//! JUnit's XML, as most course and CI systems read it.
//!
//! There is no word for a weak transcript in it: it is one that was skipped,
//! and says why. XML cannot hold every character, not even escaped
//! (<https://www.w3.org/TR/xml/#charsets>): what it cannot hold is written as
//! a transcript writes it, whoever it comes from.

use std::io::{self, Write};

use super::row::{Judgement, Row, in_one_line};
use super::summary::Summary;

pub(super) fn write(
    out: &mut dyn Write,
    rows: &[Row],
    summary: &Summary,
) -> io::Result<()> {
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    writeln!(
        out,
        "<testsuite name=\"transcripts\" tests=\"{}\" failures=\"{}\" \
         errors=\"0\" skipped=\"{}\" time=\"{:.3}\">",
        rows.iter().filter(|row| row.counts).count(),
        summary.failed + summary.lost,
        summary.weak + summary.skipped + summary.unchecked,
        summary.time.as_secs_f64()
    )?;
    writeln!(
        out,
        "  <properties><property name=\"judge\" value=\"{}\"/>\
         </properties>",
        escaped(&summary.judge())
    )?;
    let mut rows = rows.iter().filter(|row| row.counts);
    rows.try_for_each(|row| test_case(out, row))?;
    writeln!(out, "</testsuite>")
}

fn test_case(out: &mut dyn Write, row: &Row) -> io::Result<()> {
    let line = match &row.judgement {
        Judgement::Fail(failure) | Judgement::Weak(failure) => failure.line,
        Judgement::Pass
        | Judgement::Skip(_)
        | Judgement::Lost(_)
        | Judgement::Unchecked(_) => 1,
    };
    writeln!(
        out,
        "  <testcase classname=\"{}\" name=\"{}\" file=\"{}\" \
         line=\"{line}\" time=\"{:.3}\">",
        row.level.word(),
        escaped(&row.name()),
        escaped(&row.file()),
        row.time.as_secs_f64()
    )?;
    match &row.judgement {
        Judgement::Pass => {}
        Judgement::Fail(failure) => {
            let message = escaped(&in_one_line(failure));
            let text = escaped(&failure.to_string());
            writeln!(
                out,
                "    <failure message=\"{message}\">{text}</failure>"
            )?;
        }
        Judgement::Weak(failure) => {
            let message = escaped(&in_one_line(failure));
            writeln!(out, "    <skipped message=\"weak: {message}\"/>")?;
        }
        Judgement::Skip(reason) => {
            let message = escaped(reason);
            writeln!(out, "    <skipped message=\"{message}\"/>")?;
        }
        Judgement::Unchecked(reason) => {
            let message = escaped(reason);
            writeln!(out, "    <skipped message=\"not checked: {message}\"/>")?;
        }
        Judgement::Lost(reason) => {
            let message = escaped(reason);
            writeln!(out, "    <failure message=\"{message}\"/>")?;
        }
    }
    if !row.notes.is_empty() {
        let notes = escaped(&row.notes.join("\n"));
        writeln!(out, "    <system-out>{notes}</system-out>")?;
    }
    writeln!(out, "  </testcase>")
}

fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' => escaped.push('\n'),
            '\u{fffe}' | '\u{ffff}' => escaped.extend(letter.escape_default()),
            _ if letter.is_control() => {
                escaped.extend(letter.escape_default());
            }
            _ => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::super::formats::Format;
    use super::super::testing::report;

    #[test]
    fn counts_and_messages_stand_where_readers_look() {
        let xml = report(Format::Junit);
        for part in [
            "tests=\"4\" failures=\"1\" errors=\"0\" skipped=\"2\"",
            "classname=\"should\" name=\"04-dots/two\"",
            "file=\"transcripts/04-dots/two.txt\" line=\"24\"",
            "<failure message=\"wrong message: M: &quot;\\x00&quot; &amp;",
            "<skipped message=\"weak: wrong message",
            "<skipped message=\"needs max-size=1000\"/>",
            "<system-out>line 9: not checked</system-out>",
        ] {
            assert!(xml.contains(part), "{part} is not in {xml}");
        }
    }
}
