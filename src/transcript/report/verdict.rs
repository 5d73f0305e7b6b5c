//! What became of each transcript, judged: does it count, and what is the
//! exit code?
//!
//! Interface:
//!   `Policy`   who is judged, and how strictly
//!   `judge`    the rows of a report
//!   `Ending`   what they mean for the whole run, and its exit code

use super::row::{Judgement, Row};
use crate::transcript::format::cause::Cause;
use crate::transcript::format::header::Level;
use crate::transcript::format::script::Transcript;
use crate::transcript::play::outcome::{Outcome, Played};
use crate::transcript::play::run::Results;

/// Who is judged, and how strictly.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Policy {
    /// Our own server has no excuse.
    pub(crate) is_own: bool,
    /// `should` and `may` count.
    pub(crate) strict: bool,
}

/// What a run comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// At least one was judged, and none failed.
    Passed,
    /// At least one failed.
    Failed,
    /// Nothing could be judged.
    NotJudged,
}

/// Exit codes, of `replay` as of `grade`.
pub(crate) const PASSED: u8 = 0;
pub(crate) const FAILED: u8 = 1;
pub(crate) const WRONG_USAGE: u8 = 2;
pub(crate) const NOT_JUDGED: u8 = 3;

impl Ending {
    /// The exit code that says so.
    pub(crate) fn code(self) -> u8 {
        match self {
            Ending::Passed => PASSED,
            Ending::Failed => FAILED,
            Ending::NotJudged => NOT_JUDGED,
        }
    }

    /// Where there was no server, that is a failure like any other. But if
    /// that is all that happened, nothing was judged.
    pub(crate) fn of(rows: &[Row], has_judged: bool) -> Ending {
        let has_failed = |row: &Row| match &row.judgement {
            Judgement::Fail(_) => true,
            Judgement::Lost(_) => row.level == Level::Must,
            Judgement::Pass
            | Judgement::Weak(_)
            | Judgement::Skip(_)
            | Judgement::Unchecked(_) => false,
        };
        match (has_judged, rows.iter().any(has_failed)) {
            (false, _) => Ending::NotJudged,
            (true, true) => Ending::Failed,
            (true, false) => Ending::Passed,
        }
    }
}

/// The rows of a report: first the pages of causes that were not asked for, if
/// they failed and keep others from being judged, and then the others in their
/// order.
pub(crate) fn judge(
    policy: Policy,
    transcripts: &[Transcript],
    results: Results,
) -> (Vec<Row>, Ending) {
    let Results { causes, played } = results;
    let was_judged = |played: &Played| {
        matches!(played.outcome, Outcome::Pass | Outcome::Fail(_))
    };
    let mut all = causes.iter().map(|(_, played)| played).chain(&played);
    let has_judged = all.any(was_judged);
    let mut rows = Vec::new();
    for (page, played) in causes {
        let mut row = row(policy, &page, played);
        row.counts = false;
        let is_let_pass = page.header.cause.is_some_and(Cause::is_let_pass);
        if matches!(row.judgement, Judgement::Fail(_)) && !is_let_pass {
            rows.push(row);
        }
    }
    let pairs = transcripts.iter().zip(played);
    rows.extend(pairs.map(|(page, played)| row(policy, page, played)));
    let ending = Ending::of(&rows, has_judged);
    (rows, ending)
}

fn row(policy: Policy, page: &Transcript, played: Played) -> Row {
    let header = &page.header;
    let judgement = match (played.outcome, played.unchecked) {
        (Outcome::Pass, Some(reason)) => Judgement::Unchecked(reason),
        (Outcome::Pass, None) => Judgement::Pass,
        (Outcome::Skip(reason), _) => Judgement::Skip(reason),
        (Outcome::Lost(reason), _) => Judgement::Lost(reason),
        (Outcome::Fail(failure) | Outcome::NoServer(failure), _) => {
            match is_weak(policy, header.level) {
                true => Judgement::Weak(failure),
                false => Judgement::Fail(failure),
            }
        }
    };
    Row {
        path: page.path.clone(),
        level: header.level,
        stage: header.stage,
        is_cause: header.cause.is_some(),
        counts: true,
        title: header.title.clone(),
        spec: header.spec.clone(),
        judgement,
        notes: played.notes,
        talk: played.talk,
        time: played.time,
    }
}

fn is_weak(policy: Policy, level: Level) -> bool {
    matches!(level, Level::Should | Level::May)
        && !policy.strict
        && !policy.is_own
}

#[cfg(test)]
mod tests {
    use super::super::testing::failure;
    use super::*;
    use crate::transcript::format::testing::read;

    /// What comes of one page that passes, and of a cause that nobody has
    /// asked for and that has failed.
    fn after(cause: &str) -> (usize, Ending) {
        let page = |head: &str| {
            read(&format!("Title: t\nLevel: must\n{head}\n")).unwrap()
        };
        let cause = page(&format!("Cause: {cause}\n"));
        let failed = Played::without_talk(Outcome::Fail(failure(&cause)));
        let results = Results {
            causes: vec![(cause, failed)],
            played: vec![Played::without_talk(Outcome::Pass)],
        };
        let policy = Policy { is_own: false, strict: false };
        let (rows, ending) = judge(policy, &[page("")], results);
        (rows.len(), ending)
    }

    #[test]
    fn a_cause_that_keeps_nobody_from_anything_is_not_told_unasked() {
        assert_eq!(after("delivery"), (2, Ending::Failed));
        for let_pass in ["line-ends", "quit"] {
            assert_eq!(after(let_pass), (1, Ending::Passed), "{let_pass}");
        }
    }
}
