//! What the tests of this room share: a report with one row of each kind.

use std::time::Duration;

use super::formats::{self, Format};
use super::row::{Judgement, Row};
use super::summary::Summary;
use crate::transcript::format::header::Level;
use crate::transcript::format::script::{Source, Transcript};
use crate::transcript::format::testing;
use crate::transcript::judge::failure::{Failure, Mismatch};
use crate::transcript::play::outcome::TalkLine;

/// One row with each judgement.
pub(super) fn rows() -> Vec<Row> {
    let page = testing::read(testing::DOTS).unwrap();
    let failure = || failure(&page);
    let row = |name: &str, judgement| Row {
        path: format!("transcripts/04-dots/{name}.txt").into(),
        level: Level::Should,
        stage: Some(5),
        is_cause: false,
        counts: true,
        title: "Dots \\ and # <b>".into(),
        spec: vec!["RFC 5321 4.5.2".into(), "CVE-1".into()],
        judgement,
        notes: Vec::new(),
        talk: vec![said()],
        time: Duration::from_millis(1500),
    };
    let mut rows = vec![
        row("one", Judgement::Pass),
        row("two", Judgement::Fail(failure())),
        row("three", Judgement::Weak(failure())),
        row("four", Judgement::Skip("needs max-size=1000".into())),
    ];
    rows[0].notes.push("line 9: not checked".into());
    rows
}

/// A failure with what is special in some format.
pub(super) fn failure(page: &Transcript) -> Box<Failure> {
    let text = "M: .one <dot>".to_owned();
    let source = Source { line: 24, text };
    let got = "M: \"\\x00\" & ..one";
    let wrong = Mismatch::new(&source, "wrong message", got);
    Box::new(Failure::new(page, wrong))
}

fn said() -> TalkLine {
    let text = "M: ..one".to_owned();
    TalkLine { line: 24, text, is_expected: false }
}

/// Their sum, and the command that shows a talk.
pub(super) fn summary(rows: &[Row]) -> Summary {
    let summary = Summary::of(rows, Duration::from_millis(2340));
    let summary = summary.by("abc".into(), None);
    summary.shown_by("x replay --show".into())
}

pub(super) fn report(format: Format) -> String {
    let (rows, mut out) = (rows(), Vec::new());
    formats::write(&mut out, format, &rows, &summary(&rows)).unwrap();
    String::from_utf8(out).unwrap()
}
