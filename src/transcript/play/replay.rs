//! Plays a transcript against a server, and judges what the server does.
//!
//! `player.rs` plays; this file listens. Whether a reply is the right one is
//! decided in `judge/reply.rs`, and what fits a mailbox in `judge/stored.rs`.
//!
//! Interface:
//!   `replay`  plays one transcript, and says what became of it

use std::io;
use std::time::Duration;

use super::outcome::{Outcome, Played, TalkLine};
use super::player::{Listener, Player, Stop};
use super::said::Said;
use crate::protocol::replies::ServerReply;
use crate::transcript::format::matching::Names;
use crate::transcript::format::script::{
    Action, MailboxStep, ReplyStep, START_MAIL_INPUT, Source, Step, Transcript,
};
use crate::transcript::judge::failure::{Failure, Mismatch};
use crate::transcript::judge::reply;
use crate::transcript::judge::rule::Rule;
use crate::transcript::judge::shown::show;
use crate::transcript::judge::stored::{Look, Store};
use crate::transcript::judge::target::{Leniency, Match, Rules, Target};
use crate::words::reason;

/// The reply to QUIT (RFC 5321 4.2.3).
const CLOSING: u16 = 221;

/// How long the server may take to close, or to say good-bye, where that is
/// not the point.
const GOODBYE: Duration = Duration::from_secs(1);
const IN_VAIN: Duration = Duration::from_millis(50);

/// Plays a transcript against a server, up to this line of the file. `printed`
/// says how much the server has printed so far.
pub(super) fn replay(
    target: &Target,
    rules: &Rules,
    page: &Transcript,
    leniency: Leniency,
    last_line: usize,
    printed: &dyn Fn() -> usize,
) -> Played {
    let transcript = rules.aliases.transcript(page);
    let store = match Store::open(target, rules, &transcript) {
        Ok(store) => store,
        Err(error) => return no_mail_folder(page, &error),
    };
    let mut names = Names::default();
    for (name, value) in &rules.values {
        names.set(name, value.as_bytes());
    }
    let mut replay = Replay {
        rules,
        needs: &transcript.header.needs,
        store,
        leniency,
        said: Said::default(),
        printed,
        log_from: 0,
        message_from: 0,
        talk: Vec::new(),
        notes: Vec::new(),
        unchecked: None,
    };
    let mut player = Player::new(target, rules.deadline, names);
    if leniency.line_ends {
        player.take_bare_lf();
    }
    let is_wanted = |step: &&Step| step.source.line <= last_line;
    let steps = transcript.steps.iter().take_while(is_wanted);
    let outcome = match player.play(steps, &mut replay) {
        Ok(()) | Err((_, Stop::Enough)) => Outcome::Pass,
        Err((step, stop)) => {
            let hint = player.hint(step.client).map(str::to_owned);
            replay.outcome(page, step, stop, (hint, player.patience()))
        }
    };
    let Replay { talk, notes, unchecked, .. } = replay;
    let time = Duration::ZERO;
    Played { outcome, notes, unchecked, talk, time }
}

fn no_mail_folder(page: &Transcript, error: &io::Error) -> Played {
    let source = Source { line: 1, text: String::new() };
    let wrong = Mismatch::new(&source, "no mail folder", error.to_string());
    Played::without_talk(Outcome::Fail(Box::new(Failure::new(page, wrong))))
}

/// Listens to a play, and judges it.
struct Replay<'a> {
    rules: &'a Rules,
    /// EHLO keywords that the transcript needs.
    needs: &'a [String],
    store: Store,
    leniency: Leniency,
    said: Said,
    /// How much the server has printed, and how much it had before this step.
    printed: &'a dyn Fn() -> usize,
    log_from: usize,
    /// The same, before it stored the last message.
    message_from: usize,
    talk: Vec<TalkLine>,
    notes: Vec<String>,
    unchecked: Option<String>,
}

impl Listener for Replay<'_> {
    fn said(&mut self, step: &Step, bytes: &[u8]) {
        if self.said.waits(step.client).is_none() {
            self.log_from = (self.printed)();
        }
        let text = self.said.line(step, bytes);
        self.tell(step.source.line, &text, true);
    }

    fn heard(
        &mut self,
        step: &Step,
        wanted: &ReplyStep,
        said: &ServerReply,
        names: &mut Names,
    ) -> Result<(), Mismatch> {
        let matching = self.rules.matching;
        let result = reply::compare(step, wanted, said, matching, names)
            .and_then(|()| self.check_offer(step, wanted, said));
        self.tell_heard(step, wanted, said, result.as_ref().err());
        let result = match result {
            Err(_) if self.may_be_missing(step, wanted).is_some() => {
                self.let_pass(step);
                Ok(())
            }
            result => result,
        };
        if result.is_ok() {
            self.said.answered(step.client, said.code);
        }
        if said.code == START_MAIL_INPUT {
            self.message_from = (self.printed)();
        }
        result
    }

    fn heard_bare_lf(&mut self, step: &Step) {
        let note = "a reply ends in LF, not in CR LF";
        if !self.notes.iter().any(|said| said.ends_with(note)) {
            self.note(step, note);
        }
    }

    fn may_stay_open(&self, step: &Step) -> Option<Duration> {
        let Leniency { closing, quit, .. } = self.leniency;
        let patience = if quit { IN_VAIN } else { GOODBYE };
        (closing && self.is_leaving(step)).then_some(patience)
    }

    fn may_be_missing(
        &self,
        step: &Step,
        wanted: &ReplyStep,
    ) -> Option<Duration> {
        let is_it = wanted.code == CLOSING && self.is_leaving(step);
        (self.leniency.quit && is_it).then_some(GOODBYE)
    }

    fn let_pass(&mut self, step: &Step) {
        let is_end = matches!(step.action, Action::ServerCloses);
        let what = match is_end {
            true => "the server does not close after QUIT",
            false => "QUIT is not answered 221",
        };
        self.note(step, what);
    }

    fn is_enough(&self, wanted: &ReplyStep, said: &ServerReply) -> bool {
        reply::is_enough(wanted, said, self.rules.matching)
    }

    fn mailbox(
        &mut self,
        step: &Step,
        wanted: &MailboxStep,
        names: &mut Names,
    ) -> Result<(), Mismatch> {
        let look = match self.rules.no_mailbox {
            true => Look::NotChecked("--no-mailbox".to_owned()),
            false => self.store.look_into(&step.source, wanted, names)?,
        };
        match look {
            Look::Fits => {}
            Look::NotChecked(reason) => {
                self.note(step, &format!("not checked: {reason}"));
                self.unchecked.get_or_insert(reason);
            }
        }
        Ok(())
    }

    fn lets_reset_pass(&mut self, step: &Step) -> bool {
        let is_good_enough = self.rules.matching != Match::Exact;
        if is_good_enough {
            self.note(step, "the connection was reset, not closed");
        }
        is_good_enough
    }

    fn lets_more_pass(&mut self, step: &Step) -> bool {
        let is_known = self.leniency.quit && self.is_leaving(step);
        if is_known {
            self.note(step, "the server says more after QUIT");
        }
        is_known
    }

    fn done(&mut self, step: &Step) {
        if is_direction(&step.action) {
            self.tell(step.source.line, &step.source.text, true);
        }
    }
}

impl Replay<'_> {
    /// Whether QUIT was the last that this client has said.
    fn is_leaving(&self, step: &Step) -> bool {
        self.said.last(step.client).trim_ascii_end() == b"QUIT"
    }

    /// What a needed keyword is worth: it must be in each reply to EHLO. Our
    /// own server must say the whole reply as written anyway.
    fn check_offer(
        &self,
        step: &Step,
        wanted: &ReplyStep,
        said: &ServerReply,
    ) -> Result<(), Mismatch> {
        let is_list = wanted.lines.iter().any(|line| line.more);
        let is_hello = self.said.last(step.client).starts_with(b"EHLO");
        if self.rules.matching == Match::Exact || !is_list || !is_hello {
            return Ok(());
        }
        reply::offers(said, self.needs).map_err(|keyword| {
            let message = format!("{keyword} is not offered any more");
            let mut mismatch = Mismatch::new(&step.source, message, "");
            mismatch.rule = Rule::Offer;
            mismatch
        })
    }

    /// Keeps the lines of a reply; the first wrong one has its mark.
    fn tell_heard(
        &mut self,
        step: &Step,
        wanted: &ReplyStep,
        said: &ServerReply,
        wrong: Option<&Mismatch>,
    ) {
        let wrong = wrong.and_then(|wrong| {
            let is_this = |source: &Source| source.line == wrong.source.line;
            wanted.lines.iter().position(|line| is_this(&line.source))
        });
        let speaker = reply::speaker(step, ':');
        let rest = wanted.rest.as_ref().unwrap_or(&step.source);
        for (number, line) in said.lines.iter().enumerate() {
            let place = wanted.lines.get(number).map(|line| &line.source);
            let text = format!("{speaker} {}", show(line));
            let is_expected = wrong != Some(number);
            self.tell(place.unwrap_or(rest).line, &text, is_expected);
        }
    }

    /// What it means that the play stopped at this step, with what the player
    /// knows of it: where else to look, and how long the step had.
    fn outcome(
        &mut self,
        page: &Transcript,
        step: &Step,
        stop: Stop,
        (hint, patience): (Option<String>, Duration),
    ) -> Outcome {
        let is_look = matches!(step.action, Action::Mailbox(_));
        let log_from = if is_look { self.message_from } else { self.log_from };
        let failure = |wrong: Mismatch| {
            let log_from = if wrong.unanswered { 0 } else { log_from };
            Box::new(Failure { log_from, ..Failure::new(page, wrong) })
        };
        let mut wrong = match stop {
            Stop::Enough => return Outcome::Pass,
            Stop::Wrong(wrong) => wrong,
            Stop::Surprise(surprise) => {
                reply::missing(step, surprise, patience)
            }
            Stop::NoConnection { error, is_first: true } => {
                return Outcome::NoServer(failure(no_connection(step, &error)));
            }
            Stop::NoConnection { error, is_first: false } => {
                no_connection(step, &error)
            }
            Stop::NoValue(name) => {
                let message = format!("{{{name}}} has no value yet");
                // That another server did not say it is no fault of its own.
                if self.rules.matching != Match::Exact {
                    let line = step.source.line;
                    return Outcome::Skip(format!(
                        "line {line}: {message}; try --set {name}=VALUE"
                    ));
                }
                Mismatch::new(&step.source, message, "")
            }
        };
        if matches!(step.action, Action::Reply(_)) && hint.is_some() {
            wrong.hint = hint;
        }
        self.tell_wrong(step, &wrong);
        let mut failure = failure(wrong);
        // Of a stored message the last word of the client says nothing.
        let is_end =
            matches!(step.action, Action::ServerCloses | Action::Silence(_));
        failure.sent = if matches!(step.action, Action::Reply(_)) {
            self.said.waits(step.client).unwrap_or_default().to_owned()
        } else if is_end {
            self.said.shown(step.client).to_owned()
        } else {
            String::new()
        };
        Outcome::Fail(failure)
    }

    /// The last line of the talk, if none before has the mark.
    fn tell_wrong(&mut self, step: &Step, wrong: &Mismatch) {
        if self.talk.iter().all(|said| said.is_expected) {
            let text = match wrong.got.as_str() {
                "" | "nothing" => &wrong.message,
                got => got,
            };
            self.tell(step.source.line, text, false);
        }
    }

    fn tell(&mut self, line: usize, text: &str, is_expected: bool) {
        let text = text.to_owned();
        self.talk.push(TalkLine { line, text, is_expected });
    }

    fn note(&mut self, step: &Step, text: &str) {
        self.notes.push(format!("line {}: {text}", step.source.line));
    }
}

fn no_connection(step: &Step, error: &io::Error) -> Mismatch {
    let message = "no connection to the server";
    let mut mismatch = Mismatch::new(&step.source, message, reason(error));
    mismatch.unanswered = true;
    mismatch
}

/// Whether the line itself is shown in the talk.
fn is_direction(action: &Action) -> bool {
    !action.is_sent_by_client() && !matches!(action, Action::Reply(_))
}

#[cfg(test)]
mod tests;
