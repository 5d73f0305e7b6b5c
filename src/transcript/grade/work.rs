//! One submission on its way to its grade.
//!
//! First it is built. Then the pages of the causes are played, one after the
//! other, since each may keep others from being played; then the other pages,
//! in whatever order. `pool.rs` says who does the next step, and when.
//!
//! Interface:
//!   `Work`   what the steps need: the server's command and the pages
//!   `Steps`  what is done, and what is still to do
//!   `Step`   one of them

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::class::Submission;
use super::mark::{Mark, first_cause};
use super::place::filled_in;
use super::settings::Terms;
use crate::transcript::format::script::Transcript;
use crate::transcript::play::causes::CausePage;
use crate::transcript::play::outcome::{Outcome, Played};
use crate::transcript::play::run::{Results, Run};
use crate::transcript::report::row::Row;
use crate::transcript::report::verdict::{Policy, judge};
use crate::transcript::stand::build::build;
use crate::transcript::stand::process::NotStarted;
use crate::transcript::stand::server::Stand;
use crate::words::shell_word;

/// A submission, and what it is graded with.
pub(super) struct Work<'a> {
    pub(super) submission: &'a Submission,
    terms: &'a Terms,
    pages: &'a [Transcript],
    /// The command that starts its server.
    command: String,
    run: Run,
}

/// Something to do. Only pages may be played at the same time.
pub(super) enum Step {
    Prepare,
    Cause(CausePage),
    Page(usize),
}

/// What came of a step.
pub(super) enum Done {
    /// It was built, or could not be.
    Prepared(Result<(), NotStarted>, Duration),
    /// A cause that was not asked for.
    Cause(Box<Transcript>, Played),
    /// The page with this number.
    Page(usize, Played),
}

/// How far a submission is.
pub(super) struct Steps {
    is_prepared: bool,
    causes: VecDeque<CausePage>,
    pages: VecDeque<usize>,
    /// How many steps are being done.
    under_way: usize,
    /// Whether the step that is being done must be alone.
    is_alone: bool,
    failed_build: Option<NotStarted>,
    played_causes: Vec<(Transcript, Played)>,
    played: Vec<Option<Played>>,
    time: Duration,
}

/// What a report is made of.
pub(super) struct Graded {
    pub(super) failed_build: Option<NotStarted>,
    pub(super) rows: Vec<Row>,
    pub(super) mark: Mark,
}

impl<'a> Work<'a> {
    pub(super) fn new(
        submission: &'a Submission,
        terms: &'a Terms,
        pages: &'a [Transcript],
    ) -> Work<'a> {
        let command = filled_in(&terms.command, &submission.folder);
        let stand = Stand::Command {
            command: command.clone(),
            wait: terms.wait,
            maildirs: terms.maildirs.clone(),
            most_written: Some(terms.most_written),
        };
        let mut run = Run::new(stand, terms.rules.clone());
        run.extensions.clone_from(&terms.extensions);
        Work { submission, terms, pages, command, run }
    }

    /// The command that shows a talk of this server, up to its place.
    pub(super) fn show(&self, program: &str) -> String {
        let words = [program, "replay", "--run", &self.command].into_iter();
        let again = self.terms.again.iter().map(String::as_str);
        let words = words.chain(again).chain(["--show"]);
        words.map(shell_word).collect::<Vec<_>>().join(" ")
    }

    /// Does a step.
    pub(super) fn step(&self, step: Step) -> Done {
        match step {
            Step::Prepare => {
                let begin = Instant::now();
                let built = self.build();
                if let Err(NotStarted { reason, .. }) = &built {
                    let why =
                        format!("not judged because of the build: {reason}");
                    self.run.end(why);
                }
                Done::Prepared(built, begin.elapsed())
            }
            Step::Cause(CausePage::BuiltIn(page)) => {
                let played = self.run.one(&page);
                Done::Cause(page, played)
            }
            Step::Cause(CausePage::Asked(number)) | Step::Page(number) => {
                let nobody = || Outcome::Skip("there is no such page".into());
                let played = match self.pages.get(number) {
                    Some(page) => self.run.one(page),
                    None => Played::without_talk(nobody()),
                };
                Done::Page(number, played)
            }
        }
    }

    fn build(&self) -> Result<(), NotStarted> {
        let Some(command) = &self.terms.build else {
            return Ok(());
        };
        let command = filled_in(command, &self.submission.folder);
        build(&command, self.terms.most_time)
    }

    /// The grade, once all steps are done.
    pub(super) fn grade(&self, steps: Steps) -> Graded {
        let Steps { failed_build, played_causes, played, time, .. } = steps;
        let played = played.into_iter().flatten().collect();
        let results = Results { causes: played_causes, played };
        let policy = Policy { is_own: false, strict: self.terms.strict };
        let (rows, ending) = judge(policy, self.pages, results);
        let cause = match &failed_build {
            Some(NotStarted { reason, log }) => {
                let log = log.last().map(|line| format!(": {line}"));
                let log = log.unwrap_or_default();
                Some(format!("build: {reason}{log}"))
            }
            None => first_cause(&rows),
        };
        let mark = Mark::of(&rows, ending, cause, time);
        Graded { failed_build, rows, mark }
    }
}

impl Steps {
    pub(super) fn new(work: &Work<'_>) -> Steps {
        Steps {
            is_prepared: false,
            causes: VecDeque::new(),
            pages: VecDeque::new(),
            under_way: 0,
            is_alone: false,
            failed_build: None,
            played_causes: Vec::new(),
            played: vec![None; work.pages.len()],
            time: Duration::ZERO,
        }
    }

    /// What can be done now, if anything.
    pub(super) fn next(&mut self, work: &Work<'_>) -> Option<Step> {
        if self.is_alone {
            return None;
        }
        if self.time >= work.terms.most_time {
            let seconds = work.terms.most_time.as_secs_f64();
            let why = format!("not judged: its {seconds} s are over");
            work.run.end(why);
        }
        let step = if !self.is_prepared {
            Step::Prepare
        } else if let Some(page) = self.causes.pop_front() {
            Step::Cause(page)
        } else {
            Step::Page(self.pages.pop_front()?)
        };
        self.is_alone = !matches!(step, Step::Page(_));
        self.under_way += 1;
        Some(step)
    }

    /// Keeps what came of a step. Whether it was the last one.
    pub(super) fn keep(&mut self, work: &Work<'_>, done: Done) -> bool {
        self.under_way -= 1;
        self.is_alone = false;
        match done {
            Done::Prepared(built, time) => {
                self.time += time;
                self.is_prepared = true;
                self.plan(work, built.is_ok());
                self.failed_build = built.err();
            }
            Done::Cause(page, played) => {
                self.time += played.time;
                self.played_causes.push((*page, played));
            }
            Done::Page(number, played) => {
                self.time += played.time;
                if let Some(place) = self.played.get_mut(number) {
                    *place = Some(played);
                }
            }
        }
        let is_empty = self.causes.is_empty() && self.pages.is_empty();
        is_empty && self.under_way == 0
    }

    /// What is to be played. What was not built has no causes but that.
    fn plan(&mut self, work: &Work<'_>, is_built: bool) {
        if is_built {
            self.causes = work.run.causes(work.pages).into();
        }
        let is_cause = |number: &usize| {
            self.causes.iter().any(|page| match page {
                CausePage::Asked(cause) => cause == number,
                CausePage::BuiltIn(_) => false,
            })
        };
        let numbers = 0..work.pages.len();
        self.pages = numbers.filter(|number| !is_cause(number)).collect();
    }
}
