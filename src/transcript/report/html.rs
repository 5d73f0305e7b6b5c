//! One page of HTML for people: the sum, what to mend first, and each
//! transcript with its talk.
//!
//! It is one file that needs no script and nothing from elsewhere, and may be
//! read on a phone, on paper and in the dark (`html.css`).
//!
//! Guarantee: whatever a server said or printed, it is text, and the page has a
//! size that can be read: long talks are cut in the middle, and when all talks
//! together are too much, those of transcripts that passed are left out.
//!
//! In the folder `html`, `failure.rs` is what failed, `talk.rs` what was said,
//! and `words.rs` makes text of it.
//!
//! Interface:
//!   `page`     the rows of a run, as a page with this heading
//!   `escaped`  text of whatever kind, as it must be written in a page

use std::collections::BTreeMap;

use super::row::{Judgement, Row};
use super::summary::Summary;
use talk::Paper;
use words::text;
pub(crate) use words::text as escaped;

mod failure;
mod talk;
mod words;

const STYLE: &str = include_str!("html.css");

/// The rows of a run as a page.
pub(crate) fn page(heading: &str, rows: &[Row], summary: &Summary) -> String {
    let heading = text(heading);
    let paper = &mut Paper::new();
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n\
         <meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" \
         content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" \
         content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>{heading}</title>\n<style>\n{STYLE}</style>\n</head>\n\
         <body>\n<header>\n<h1>{heading}</h1>\n{}</header>\n<main>\n",
        sum(summary)
    );
    page.push_str(&failures(rows, summary, paper));
    page.push_str(&lost(rows));
    page.push_str(&notes(rows));
    page.push_str(&passed(rows, paper));
    page.push_str(&not_judged(rows));
    page.push_str("</main>\n</body>\n</html>\n");
    page
}

/// The points, how many of each, and who has judged.
fn sum(summary: &Summary) -> String {
    let (points, most) = summary.points();
    let stage = summary.stage.map(|stage| format!("stage {stage}: "));
    let stage = stage.unwrap_or_default();
    let points = match most {
        0 => String::new(),
        most => format!(
            "<p class=\"points\"><strong>{stage}{points} of {most}</strong> \
             points, one for each <code>must</code></p>\n\
             <div class=\"bar\" aria-hidden=\"true\">\
             <span style=\"width:{}%\"></span></div>\n",
            points * 100 / most
        ),
    };
    let (counts, judge) = (text(&summary.to_string()), text(&summary.judge()));
    format!(
        "{points}<p>{counts}</p>\n<p class=\"judge\">Judged by {judge}</p>\n"
    )
}

/// What failed: the causes first, and what is weak last.
fn failures(rows: &[Row], summary: &Summary, paper: &mut Paper) -> String {
    let is_fail = |row: &Row| matches!(row.judgement, Judgement::Fail(_));
    let is_weak = |row: &Row| matches!(row.judgement, Judgement::Weak(_));
    let mut those = |title, is_it: &dyn Fn(&Row) -> bool| {
        let those = rows.iter().filter(|row| is_it(row));
        let articles = those.map(|row| failure::article(row, summary, paper));
        section(title, articles.collect())
    };
    let first = "Mend this first: the rest depends on it";
    [
        those(first, &|row| is_fail(row) && row.is_cause),
        those("What failed", &|row| is_fail(row) && !row.is_cause),
        those("Weak: no point is lost", &is_weak),
    ]
    .concat()
}

/// What is not judged because something else failed.
fn lost(rows: &[Row]) -> String {
    let reason = |row: &Row| match &row.judgement {
        Judgement::Lost(reason) => Some(reason.clone()),
        Judgement::Pass
        | Judgement::Fail(_)
        | Judgement::Weak(_)
        | Judgement::Skip(_)
        | Judgement::Unchecked(_) => None,
    };
    section("Lost", by_reason(rows, reason))
}

fn not_judged(rows: &[Row]) -> String {
    let reason = |row: &Row| match &row.judgement {
        Judgement::Skip(reason) => Some(reason.clone()),
        Judgement::Unchecked(reason) => Some(format!("not checked: {reason}")),
        Judgement::Pass
        | Judgement::Fail(_)
        | Judgement::Weak(_)
        | Judgement::Lost(_) => None,
    };
    section("Not judged", by_reason(rows, reason))
}

/// The transcripts of each reason, folded.
fn by_reason(
    rows: &[Row],
    reason: impl Fn(&Row) -> Option<String>,
) -> Vec<String> {
    let mut groups: BTreeMap<String, Vec<&Row>> = BTreeMap::new();
    for row in rows {
        if let Some(reason) = reason(row) {
            groups.entry(reason).or_default().push(row);
        }
    }
    let group = |(reason, rows): (String, Vec<&Row>)| {
        let count = rows.len();
        let line = |row: &&Row| format!("<li>{}</li>\n", title(row));
        let lines: String = rows.iter().map(line).collect();
        format!(
            "<details>\n<summary>{count}: {}</summary>\n\
             <ul>\n{lines}</ul>\n</details>\n",
            text(&reason)
        )
    };
    groups.into_iter().map(group).collect()
}

/// What was noted, or let pass.
fn notes(rows: &[Row]) -> String {
    let note = |row: &Row| {
        let note = row.notes.first()?;
        let words = note.strip_prefix("line ").unwrap_or(note);
        let words = words.split_once(": ").map_or(words, |(_, words)| words);
        Some(words.to_owned())
    };
    section("Noted, and let pass", by_reason(rows, note))
}

fn passed(rows: &[Row], paper: &mut Paper) -> String {
    let is_passed = |row: &&Row| matches!(row.judgement, Judgement::Pass);
    let passed = rows.iter().filter(is_passed);
    let fold = |row: &Row| {
        let talk = talk::list(&row.talk, paper);
        format!(
            "<details id=\"{}\">\n<summary>{}</summary>\n{talk}</details>\n",
            text(&row.name()),
            title(row)
        )
    };
    section("Passed", passed.map(fold).collect())
}

/// What a transcript is called, and where it is.
fn title(row: &Row) -> String {
    let (title, file) = (text(&row.title), text(&row.file()));
    format!("{title} <code class=\"file\">{file}</code>")
}

/// A part of the page; none if there is nothing in it.
fn section(title: &str, parts: Vec<String>) -> String {
    match parts.is_empty() {
        true => String::new(),
        false => format!(
            "<section>\n<h2>{title}</h2>\n{}</section>\n",
            parts.concat()
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{rows, summary};
    use super::*;
    use crate::transcript::play::outcome::TalkLine;

    #[test]
    fn causes_come_first_then_what_failed_and_skips_last() {
        let mut rows = rows();
        rows.push(Row { is_cause: true, ..rows[1].clone() });
        let page = page("A <server>", &rows, &summary(&rows));
        let parts = [
            "<title>A &lt;server&gt;</title>",
            "<h2>Mend this first",
            "<h2>What failed</h2>",
            "<h2>Weak",
            "<h2>Noted",
            "<h2>Passed</h2>",
            "<h2>Not judged</h2>",
        ];
        let places = parts.map(|part| page.find(part).expect(part));
        assert!(places.is_sorted(), "{page}");
    }

    #[test]
    fn whatever_came_is_text() {
        let mut rows = rows();
        let evil = "\"'><script>alert(1)</script>&\u{202e}\x1b";
        rows[0].title = evil.into();
        rows[0].notes = vec![evil.into()];
        rows[0].path = evil.into();
        rows[0].talk[0].text = evil.into();
        if let Judgement::Fail(failure) = &mut rows[1].judgement {
            for text in [
                &mut failure.message,
                &mut failure.sent,
                &mut failure.expected,
                &mut failure.got,
                &mut failure.title,
                &mut failure.rule,
            ] {
                *text = evil.into();
            }
            failure.spec = vec![evil.into()];
            failure.hint = Some(evil.into());
            failure.log = vec![evil.into()];
            rows[1].spec = failure.spec.clone();
        }
        rows[3].judgement = Judgement::Skip(evil.into());
        let page = page(evil, &rows, &summary(&rows).shown_by(evil.into()));
        assert!(page.contains("&lt;script&gt;"));
        for wrong in ["<script", "\u{202e}", "\x1b", "\"'>"] {
            assert!(!page.contains(wrong), "{wrong}: {page}");
        }
    }

    #[test]
    fn however_much_was_said_the_page_can_be_read() {
        let mut all = Vec::new();
        let said = |line| TalkLine {
            line,
            text: "&".repeat(1000),
            is_expected: line < 9_999,
        };
        for mut row in (0..50).flat_map(|_| rows()) {
            row.talk = (0..10_000).map(said).collect();
            all.push(row);
        }
        let page = page("long", &all, &summary(&all));
        assert!(page.len() < 20_000_000, "{}", page.len());
        // What went wrong is there all the same, and so is the beginning.
        assert!(page.contains("<span class=\"mark\">!!</span>"));
        assert!(page.contains("<span class=\"number\">0</span>"));
        assert!(page.contains("lines more"));
    }
}
