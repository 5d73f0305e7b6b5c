//! Runs somebody else's client against pages that play the server.
//!
//! Each page has a server of its own, at a port of its own, and the client is
//! started for it. Two things are compared: what the client did, with the `C:`
//! lines and the message; and what it says of the mail with its exit code, with
//! the `Outcome:` of the page. A library that calls a mail sent which nobody
//! has accepted is caught by the second.
//!
//! A page with two clients (`C1:`, `C2:`) is a mail that is tried again: when
//! the first client has ended, the command is run once more. Nothing else is
//! tried twice: a client that was late is a client that was late.
//!
//! Interface:
//!   `Clients`  how this is done; `Clients::all` does it

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::time::{Duration, Instant};

use super::as_server::{Course, Waiting, play_for};
use super::errand::errand;
use super::outcome::{Outcome, Played};
use super::side_by_side::side_by_side;
use crate::transcript::format::header::{Level, Plays};
use crate::transcript::format::said::{Said, Wanted};
use crate::transcript::format::script::{Action, Source, Transcript};
use crate::transcript::judge::failure::{Failure, Mismatch};
use crate::transcript::stand::client::{Client, Ended, Errand};
use crate::words::reason;

/// How long a client may go on after a page that went wrong: long enough to
/// say why.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// What the RFC says of a client's word.
const REPORT: &str = "a client hands the mail over, or reports its failure to \
                      do so (RFC 5321 2.1); its exit code is its report";

/// How clients are judged.
#[derive(Debug, Clone)]
pub struct Clients {
    /// Run for each page, with `{port}` in it.
    pub command: String,
    /// Exit codes that say more than "not sent".
    pub tells: Vec<(Said, u8)>,
    /// How long a client may take to connect, and to end afterwards.
    pub wait: Duration,
    /// How long it has for each step.
    pub deadline: Duration,
    /// How many pages are played at the same time.
    pub jobs: usize,
    /// Whether pages of level `own` are played as well.
    pub judges_own: bool,
}

impl Clients {
    /// Runs the client against all pages.
    pub fn all(
        &self,
        pages: &[Transcript],
        progress: &mut dyn FnMut(&Played),
    ) -> Vec<Played> {
        let mut all: Vec<Option<Played>> = vec![None; pages.len()];
        let one = |number| pages.get(number).map(|page| self.one(page));
        side_by_side(self.jobs, pages.len(), &one, &mut |number, played| {
            progress(&played);
            if let Some(place) = all.get_mut(number) {
                *place = Some(played);
            }
        });
        all.into_iter().flatten().collect()
    }

    fn one(&self, page: &Transcript) -> Played {
        let begin = Instant::now();
        let unfit = self.unfit(page).map_or(Ok(()), Err);
        let mut played = match unfit.and_then(|()| errand(page)) {
            Err(reason) => Played::without_talk(Outcome::Skip(reason)),
            Ok(errand) => self.play(page, &errand).unwrap_or_else(|error| {
                let what =
                    format!("cannot run the command: {}", reason(&error));
                let failure = Box::new(nobody(page, what));
                Played::without_talk(Outcome::NoServer(failure))
            }),
        };
        played.time = begin.elapsed();
        played
    }

    /// Why a client is not judged by this page, if it is not.
    fn unfit(&self, page: &Transcript) -> Option<String> {
        let header = &page.header;
        if header.plays == Plays::Client {
            return Some("it plays the client".into());
        }
        if header.level == Level::Own && !self.judges_own {
            return Some("level own: not asked of other clients".into());
        }
        let has_none = header.outcome.is_none();
        has_none.then(|| "it has no Outcome".into())
    }

    /// Plays the page to a client, and compares what the client says in the
    /// end.
    fn play(&self, page: &Transcript, errand: &Errand) -> io::Result<Played> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let mut tries = Tries::begin(&self.command, port, errand, page)?;
        let mut may_come = || tries.one_may_come();
        let waiting = Waiting { patience: self.wait, may_come: &mut may_come };
        let (course, notes) = play_for(listener, page, self.deadline, waiting);
        let patience = match course {
            Course::Over { .. } => self.wait,
            Course::Nobody(_) | Course::Wrong(_) | Course::NotJudged(_) => {
                LAST_WORDS
            }
        };
        let (ended, log) = tries.end(Instant::now() + patience);
        let judged = match course {
            Course::Over { has_left } => self.check(page, &ended, has_left),
            Course::Wrong(mut failure) => {
                let hint = failure.hint.take().into_iter();
                let said = ended.last().map(|ended| self.told(*ended));
                let hints: Vec<String> = hint.chain(said).collect();
                failure.hint = Some(hints.join("; "));
                Err(failure)
            }
            Course::NotJudged(reason) => {
                let outcome = Outcome::Skip(reason);
                let played = Played::without_talk(outcome);
                return Ok(Played { notes, ..played });
            }
            Course::Nobody(_) if may_stay_away(page) => {
                self.check(page, &ended, true)
            }
            Course::Nobody(reason) => {
                let mut failure = nobody(page, reason);
                failure.got = self.told(ended.last().copied().flatten());
                failure.log = log;
                let outcome = Outcome::NoServer(Box::new(failure));
                return Ok(Played::without_talk(outcome));
            }
        };
        let outcome = match judged {
            Ok(()) => Outcome::Pass,
            Err(mut failure) => {
                failure.log = log;
                Outcome::Fail(failure)
            }
        };
        Ok(Played { notes, ..Played::without_talk(outcome) })
    }

    /// Whether each try ended with the words that the page wants. A client that
    /// has left early cannot call the mail sent.
    fn check(
        &self,
        page: &Transcript,
        ended: &[Option<Ended>],
        has_left: bool,
    ) -> Result<(), Box<Failure>> {
        let Some(Wanted { line, text, tries }) = &page.header.outcome else {
            return Ok(());
        };
        // One client may make all tries by itself: then it says only how the
        // last one went.
        let unsaid = tries.len().saturating_sub(ended.len());
        for (ended, wanted) in ended.iter().zip(tries.iter().skip(unsaid)) {
            let may_say = |said: &&Said| !has_left || **said != Said::Sent;
            let mut wanted = wanted.iter().filter(may_say);
            let says = |said: &Said| {
                ended.is_some_and(|ended| self.says(ended, *said))
            };
            if !wanted.any(says) {
                let what = "the client says something else of the mail";
                let source = Source { line: *line, text: text.clone() };
                let told = self.told(*ended);
                let mut wrong = Mismatch::new(&source, what, told);
                wrong.hint = Some(REPORT.into());
                return Err(Box::new(Failure::new(page, wrong)));
            }
        }
        Ok(())
    }

    /// Whether a client that ended like this says that.
    fn says(&self, ended: Ended, said: Said) -> bool {
        match ended {
            Ended::Code(code) if !ended.is_crash() => match said {
                Said::Sent => code == 0,
                Said::Refused | Said::Later => {
                    code != 0 && self.is_code_of(code, said)
                }
            },
            Ended::Code(_) | Ended::Killed => false,
        }
    }

    /// A word that has codes is said by one of them and by no other. One that
    /// has none is said by all codes that are left.
    fn is_code_of(&self, code: u8, said: Said) -> bool {
        let codes = |word: Said| {
            let of = self.tells.iter().filter(move |(other, _)| *other == word);
            of.map(|(_, code)| *code)
        };
        match codes(said).next() {
            Some(_) => codes(said).any(|other| other == code),
            None => !self.tells.iter().any(|(_, other)| *other == code),
        }
    }

    /// What a client said, for people.
    fn told(&self, ended: Option<Ended>) -> String {
        let Some(ended) = ended else {
            return "the client did not end in time".into();
        };
        let words: Vec<&str> = [Said::Sent, Said::Refused, Said::Later]
            .into_iter()
            .filter(|said| self.says(ended, *said))
            .map(Said::word)
            .collect();
        match ended {
            Ended::Killed => "the client was killed".into(),
            Ended::Code(code) if ended.is_crash() => {
                let signal = code.saturating_sub(128);
                format!("exit code {code}: the client died of signal {signal}")
            }
            Ended::Code(code) if words.is_empty() => {
                format!("exit code {code}, which --tells does not name")
            }
            Ended::Code(code) => {
                format!("exit code {code}: {}", words.join(" or "))
            }
        }
    }
}

/// Whether a client that does not even come may be right: it has looked at the
/// message, and cannot send it.
fn may_stay_away(page: &Transcript) -> bool {
    page.steps.iter().any(|step| step.action == Action::MayQuit)
}

fn nobody(page: &Transcript, reason: String) -> Failure {
    let source = Source { line: 1, text: String::new() };
    Failure::new(page, Mismatch::new(&source, reason, ""))
}

/// The runs of the command for one page.
struct Tries<'a> {
    command: &'a str,
    port: u16,
    errand: &'a Errand,
    /// How many runs may follow.
    left: usize,
    running: Client,
    /// What those before it have said, and printed.
    ended: Vec<Option<Ended>>,
    log: Vec<String>,
}

impl<'a> Tries<'a> {
    fn begin(
        command: &'a str,
        port: u16,
        errand: &'a Errand,
        page: &Transcript,
    ) -> io::Result<Tries<'a>> {
        let wanted = page.header.outcome.as_ref();
        let tries = wanted.map_or(1, |wanted| wanted.tries.len());
        Ok(Tries {
            command,
            port,
            errand,
            left: tries.saturating_sub(1),
            running: Client::start(command, port, errand)?,
            ended: Vec::new(),
            log: Vec::new(),
        })
    }

    /// Whether a client is on its way; the next one goes if the last has ended.
    fn one_may_come(&mut self) -> Result<(), String> {
        let Some(ended) = self.running.ended() else {
            return Ok(());
        };
        if self.left == 0 {
            return Err("the client ended, and had not connected".into());
        }
        self.left -= 1;
        let next = Client::start(self.command, self.port, self.errand);
        let next = next.map_err(|error| {
            format!("cannot run the command again: {}", reason(&error))
        })?;
        self.ended.push(Some(ended));
        self.log.extend(std::mem::replace(&mut self.running, next).stop());
        Ok(())
    }

    /// Waits for the last one until then, and ends it. What all have said, and
    /// printed.
    fn end(mut self, until: Instant) -> (Vec<Option<Ended>>, Vec<String>) {
        self.ended.push(self.running.ends(until));
        self.log.extend(self.running.stop());
        (self.ended, self.log)
    }
}
