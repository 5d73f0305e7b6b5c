//! The table of a class for a browser: one file, without a script.

use std::fmt::Write;
use std::os::unix::ffi::OsStrExt;

use super::class::Submission;
use super::mark::Mark;
use super::results::Results;
use super::table::{Table, ending, of};
use crate::transcript::report::html::escaped;

const STYLE: &str = "\
:root { color-scheme: light dark; }
body { font: 1rem/1.4 sans-serif; margin: 1rem; }
div { overflow-x: auto; }
table { border-collapse: collapse; }
th, td { border: 1px solid #8888; padding: .2rem .6rem; text-align: left;
         white-space: nowrap; }
td:last-child { white-space: normal; min-width: 20rem; }
.passed td:nth-child(2) { background: #0a02; }
.failed td:nth-child(2), .no-server td:nth-child(2) { background: #c002; }
@media print { div { overflow: visible; } a { color: inherit; } }
";

/// The page.
pub(super) fn page(table: &Table<'_>) -> String {
    let mut rows = String::new();
    for (submission, mark) in &table.rows {
        rows.push_str(&row(table, submission, mark));
    }
    let mut heads = String::new();
    for stage in table.stages() {
        let _ = write!(heads, "<th>stage {stage}");
    }
    let foot = table.foot();
    let foot = foot.iter().map(|line| format!("<p>{}</p>\n", escaped(line)));
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n\
         <title>Grades</title>\n<style>\n{STYLE}</style>\n<h1>Grades</h1>\n\
         <div><table>\n<tr><th>submission<th>points<th>time{heads}\
         <th>first cause\n{rows}</table></div>\n{}</html>\n",
        foot.collect::<String>()
    )
}

fn row(table: &Table<'_>, submission: &Submission, mark: &Mark) -> String {
    let report = Results::report(submission);
    let link = percent(report.as_os_str().as_bytes());
    let (name, class) =
        (escaped(&submission.shown()), ending(mark.ending).replace(' ', "-"));
    let mut row = format!(
        "<tr class=\"{class}\"><td><a href=\"{link}\">{name}</a><td>{}\
         <td>{:.1} s",
        of(Some(&mark.points)),
        mark.time.as_secs_f64()
    );
    for stage in table.stages() {
        let _ = write!(row, "<td>{}", of(mark.stages.get(&stage)));
    }
    let _ = writeln!(row, "<td>{}", escaped(&mark.cause));
    row
}

/// A path in a link, whatever its bytes are.
fn percent(path: &[u8]) -> String {
    let mut link = String::new();
    for byte in path {
        match char::from(*byte) {
            letter if letter.is_ascii_alphanumeric() => link.push(letter),
            letter @ ('/' | '.' | '-' | '_' | '~') => link.push(letter),
            _ => link.push_str(&format!("%{byte:02X}")),
        }
    }
    link
}

#[cfg(test)]
mod tests {
    use super::super::table::{sample, submissions};
    use super::*;

    #[test]
    fn names_and_causes_are_text_and_links_lead_to_the_reports() {
        let submissions = submissions();
        let page = page(&sample(&submissions));
        for part in [
            "<a href=\"reports/anna/report.html\">anna</a><td>9 of 9<td>1.2 s",
            "<a href=\"reports/b%20%3C%E9%3E%0A/report.html\">b &lt;\u{fffd}",
            "<td>01-first/hello: wrong reply: S: 500 &lt;no&gt;\n",
            "<th>stage 1<th>stage 2<th>first cause",
        ] {
            assert!(page.contains(part), "{part} is not in {page}");
        }
    }
}
