//! A transcript that failed: what was sent, expected and got side by side, the
//! rule, the talk and the server's log.

use super::super::row::{Judgement, Row};
use super::super::summary::Summary;
use super::talk::{self, Paper};
use super::words::{sections, text};
use crate::transcript::judge::failure::Failure;

/// The article of a row that failed, or is weak; nothing for others.
pub(super) fn article(
    row: &Row,
    summary: &Summary,
    paper: &mut Paper,
) -> String {
    let (failure, class) = match &row.judgement {
        Judgement::Fail(failure) => (failure, "fail"),
        Judgement::Weak(failure) => (failure, "weak"),
        Judgement::Pass
        | Judgement::Skip(_)
        | Judgement::Lost(_)
        | Judgement::Unchecked(_) => return String::new(),
    };
    format!(
        "<article class=\"{class}\" id=\"{}\">\n<h3>{}</h3>\n\
         <p class=\"where\"><span class=\"level\">{}</span> \
         <code class=\"file\">{}:{}</code></p>\n\
         <p class=\"what\">{}</p>\n{}{}{}{}</article>\n",
        text(&row.name()),
        text(&row.title),
        row.level.word(),
        text(&row.file()),
        failure.line,
        text(&failure.message),
        side_by_side(failure),
        reasons(failure, &row.spec),
        log(failure),
        whole_talk(row, failure, summary, paper)
    )
}

/// What was sent, expected and got.
fn side_by_side(failure: &Failure) -> String {
    let boxes = [
        ("sent", &failure.sent),
        ("expected", &failure.expected),
        ("got", &failure.got),
    ];
    let shown = boxes.iter().filter(|(_, words)| !words.is_empty());
    let shown = shown.map(|(name, words)| {
        let words = text(words);
        format!(
            "<figure class=\"{name}\"><figcaption>{name}</figcaption>\
             <pre>{words}</pre></figure>\n"
        )
    });
    format!("<div class=\"sides\">\n{}</div>\n", shown.collect::<String>())
}

fn reasons(failure: &Failure, spec: &[String]) -> String {
    let spec: Vec<String> = spec.iter().map(|words| sections(words)).collect();
    let hint = failure.hint.as_deref().unwrap_or_default();
    let rows = [
        ("rule", text(&failure.rule)),
        ("see", spec.join("; ")),
        ("hint", text(hint)),
    ];
    let shown = rows.iter().filter(|(_, words)| !words.is_empty());
    let shown =
        shown.map(|(name, words)| format!("<dt>{name}</dt><dd>{words}</dd>\n"));
    format!("<dl>\n{}</dl>\n", shown.collect::<String>())
}

/// What the server printed.
fn log(failure: &Failure) -> String {
    let lines: Vec<String> =
        failure.log.iter().map(|line| text(line)).collect();
    match lines.is_empty() {
        true => String::new(),
        false => format!(
            "<details open>\n<summary>What the server printed</summary>\n\
             <pre>{}</pre>\n</details>\n",
            lines.join("\n")
        ),
    }
}

/// The talk up to the line that is wrong, and how to see it again.
fn whole_talk(
    row: &Row,
    failure: &Failure,
    summary: &Summary,
    paper: &mut Paper,
) -> String {
    if row.talk.is_empty() {
        return String::new();
    }
    let again = match summary.again.as_str() {
        "" => String::new(),
        _ => format!(
            "<p>Play it again: <code>{}</code></p>\n",
            text(&summary.show(row, failure.line))
        ),
    };
    format!(
        "<details open>\n<summary>The talk so far</summary>\n{}{again}\
         </details>\n",
        talk::list(&row.talk, paper)
    )
}
