//! Plays a transcript against a server, from top to bottom, in one loop.
//!
//! Who waits: a reply waits for a whole reply, up to the deadline. What a
//! client says is kept until the next step is not a line of the same client,
//! and is then written at once. So lines in a row travel together, and two
//! clients take turns exactly as they do on the page. No threads, no barriers.
//!
//! Interface:
//!   `Target::replay`  plays one transcript
//!   `Play`            how it went: the result, the talk, what to note
//!
//! A connection opens at its first line. After it was closed, by either side,
//! the client's next line opens a new one.
//!
//! Whether a reply is the right one is said in `judge.rs`.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::io;
use std::thread;
use std::time::{Duration, Instant};

use super::failure::{Mismatch, Rule, show};
use super::judge;
use super::matching::Names;
use super::script::{Action, MailboxStep, ReplyStep, Source, Step, Transcript};
use super::show::TalkLine;
use super::stored::{Look, Store};
use super::talk::{Connection, Said, Trouble};
use super::target::{Match, Rules, Target};
use super::text::Text;
use crate::words::reason;

/// How often a server that is still starting is tried.
pub(super) const BETWEEN_TRIES: Duration = Duration::from_millis(20);

/// How a transcript went.
#[derive(Debug)]
pub(super) struct Play {
    /// The first thing that was not as it is written.
    pub(super) result: Result<(), Stop>,
    /// All that was said, in the order of the page.
    pub(super) talk: Vec<TalkLine>,
    /// What nobody checked, and what was let pass; with the line.
    pub(super) notes: Vec<String>,
}

/// Why the play did not reach the end of the file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// The server did something else.
    Wrong(Mismatch),
    /// There is no server: the very first connection was refused.
    NoServer(Mismatch),
    /// The server never said what the client has to say here.
    NoValue(String),
}

impl From<Mismatch> for Stop {
    fn from(mismatch: Mismatch) -> Stop {
        Stop::Wrong(mismatch)
    }
}

impl Target {
    /// Plays a transcript against this server, up to this line of the file.
    pub(super) fn replay(
        &self,
        rules: &Rules,
        page: &Transcript,
        last_line: usize,
    ) -> Play {
        let transcript = rules.aliases.transcript(page);
        let mut replay = match Replay::new(self, rules, &transcript) {
            Ok(replay) => replay,
            Err(mismatch) => {
                return Play {
                    result: Err(mismatch.into()),
                    talk: Vec::new(),
                    notes: Vec::new(),
                };
            }
        };
        let mut steps = transcript.steps.iter();
        let result = steps
            .by_ref()
            .take_while(|step| step.source.line <= last_line)
            .try_for_each(|step| replay.step(step));
        if result.is_ok() {
            replay.write_pending();
        }
        Play { result, talk: replay.talk, notes: replay.notes }
    }
}

/// What a client has said and nobody has sent yet.
struct Pending {
    client: Option<u8>,
    /// The line where it begins.
    line: usize,
    bytes: Vec<u8>,
}

/// A transcript that is being played.
struct Replay<'a> {
    target: &'a Target,
    rules: &'a Rules,
    /// EHLO keywords that the transcript needs.
    needs: &'a [String],
    store: Store,
    names: Names,
    connections: BTreeMap<Option<u8>, Connection>,
    /// Whether the server was there, once.
    is_met: bool,
    pending: Option<Pending>,
    /// The clients whose last line was EHLO.
    greeting: BTreeMap<Option<u8>, bool>,
    /// For each client the line that was sent while a reply was waiting.
    early: BTreeMap<Option<u8>, usize>,
    talk: Vec<TalkLine>,
    notes: Vec<String>,
}

impl<'a> Replay<'a> {
    fn new(
        target: &'a Target,
        rules: &'a Rules,
        transcript: &'a Transcript,
    ) -> Result<Replay<'a>, Mismatch> {
        let unreadable = |error: io::Error| {
            let source = Source { line: 1, text: String::new() };
            Mismatch::new(&source, "no mail folder", error.to_string())
        };
        let store = Store::open(target, rules, transcript);
        let mut names = Names::default();
        for (name, value) in &rules.values {
            names.set(name, value.as_bytes());
        }
        Ok(Replay {
            target,
            rules,
            needs: &transcript.header.needs,
            store: store.map_err(unreadable)?,
            names,
            connections: BTreeMap::new(),
            is_met: false,
            pending: None,
            greeting: BTreeMap::new(),
            early: BTreeMap::new(),
            talk: Vec::new(),
            notes: Vec::new(),
        })
    }

    /// Does one step, and keeps what was said in it.
    fn step(&mut self, step: &Step) -> Result<(), Stop> {
        let result = self.act(step);
        let line = step.source.line;
        let is_expected = |said: &TalkLine| said.is_expected;
        match &result {
            Ok(()) if is_direction(&step.action) => {
                let text = step.source.text.clone();
                self.talk.push(TalkLine::expected(line, text));
            }
            Err(Stop::Wrong(wrong)) if self.talk.iter().all(is_expected) => {
                let text = match wrong.got.as_str() {
                    "" | "nothing" => &wrong.message,
                    got => got,
                };
                self.talk.push(TalkLine::unexpected(line, text.into()));
            }
            Ok(()) | Err(_) => {}
        }
        result
    }

    /// Does one step. What another client said before is sent first.
    fn act(&mut self, step: &Step) -> Result<(), Stop> {
        if !self.continues_pending(step) {
            self.write_pending();
        }
        match &step.action {
            Action::Send(text) => self.say(step, text, b"\r\n"),
            Action::SendRaw(text) => self.say(step, text, b""),
            Action::Reply(wanted) => self.reply(step, wanted),
            Action::ClientConnects => self.connect(step),
            Action::ClientCloses => self.hang_up(step),
            Action::ServerCloses => self.server_closes(step),
            Action::Silence(time) => self.silence(step, *time),
            Action::Wait(time) => {
                thread::sleep(*time);
                Ok(())
            }
            Action::Mailbox(wanted) => self.mailbox(step, wanted),
            Action::ReplyRaw(_) | Action::RestOfMessage => {
                let message = "this file plays the server";
                Err(Mismatch::new(&step.source, message, "").into())
            }
        }
    }

    fn continues_pending(&self, step: &Step) -> bool {
        let same = |pending: &Pending| pending.client == step.client;
        step.action.is_sent_by_client()
            && self.pending.as_ref().is_some_and(same)
    }

    /// Sends what was said, in one write.
    ///
    /// A reply that waits already is no fault: the server may be quick. But
    /// if a later reply is wrong, this is where to look.
    fn write_pending(&mut self) {
        let Some(Pending { client, line, bytes }) = self.pending.take() else {
            return;
        };
        let Some(connection) = self.connections.get_mut(&client) else {
            return;
        };
        if connection.has_unread() {
            self.early.entry(client).or_insert(line);
        }
        connection.write(&bytes);
    }

    /// `C: text` and `C> text`: kept until the next step.
    fn say(
        &mut self,
        step: &Step,
        text: &Text,
        line_end: &[u8],
    ) -> Result<(), Stop> {
        let bytes = match self.names.expand(text) {
            Ok(bytes) => bytes,
            Err(name) => return Err(self.no_value(step, &name)),
        };
        self.connection(step)?;
        self.tell_said(step, &bytes);
        let is_hello = bytes.to_ascii_uppercase().starts_with(b"EHLO");
        self.greeting.insert(step.client, is_hello);
        let pending = self.pending.get_or_insert(Pending {
            client: step.client,
            line: step.source.line,
            bytes: Vec::new(),
        });
        pending.bytes.extend(bytes);
        pending.bytes.extend(line_end);
        Ok(())
    }

    /// A name that another server did not say is no fault of that server.
    fn no_value(&self, step: &Step, name: &str) -> Stop {
        let message = format!("{{{name}}} has no value yet");
        match self.rules.matching {
            Match::Exact => {
                Stop::Wrong(Mismatch::new(&step.source, message, ""))
            }
            Match::Code | Match::Class => Stop::NoValue(format!(
                "line {}: {message}; try --set {name}=VALUE",
                step.source.line
            )),
        }
    }

    fn tell_said(&mut self, step: &Step, bytes: &[u8]) {
        let is_raw = matches!(step.action, Action::SendRaw(_));
        let mark = if is_raw { '>' } else { ':' };
        let number = step.client.map(|number| number.to_string());
        let number = number.unwrap_or_default();
        let text = format!("C{number}{mark} {}", show(bytes));
        let text = text.trim_end().to_owned();
        self.talk.push(TalkLine::expected(step.source.line, text));
    }

    /// `S: 250 text`: waits for a whole reply, and compares it.
    fn reply(&mut self, step: &Step, wanted: &ReplyStep) -> Result<(), Stop> {
        let until = self.until();
        let said = self.connection(step)?.reply(until);
        let said = said.map_err(|trouble| self.trouble(step, trouble));
        let result = said.and_then(|said| {
            let matching = self.rules.matching;
            let names = &mut self.names;
            let result = judge::reply(step, wanted, &said, matching, names)
                .and_then(|()| self.check_offer(step, wanted, &said));
            self.tell_heard(step, wanted, &said, result.as_ref().err());
            result
        });
        result.map_err(|mismatch| {
            let hint = self.early.get(&step.client).map(|line| {
                format!("a reply was already waiting when line {line} was sent")
            });
            Mismatch { hint, ..mismatch }.into()
        })
    }

    /// What a transcript needs must stand in each reply to EHLO. Our own
    /// server must say the whole reply as written anyway.
    fn check_offer(
        &self,
        step: &Step,
        wanted: &ReplyStep,
        said: &Said,
    ) -> Result<(), Mismatch> {
        let is_list = wanted.lines.iter().any(|line| line.more);
        let is_hello = self.greeting.get(&step.client) == Some(&true);
        if self.rules.matching == Match::Exact || !is_list || !is_hello {
            return Ok(());
        }
        judge::offers(said, self.needs).map_err(|keyword| {
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
        said: &Said,
        wrong: Option<&Mismatch>,
    ) {
        let wrong = wrong.and_then(|wrong| {
            let is_this = |source: &Source| source.line == wrong.source.line;
            wanted.lines.iter().position(|line| is_this(&line.source))
        });
        let speaker = judge::speaker(step, ':');
        let rest = wanted.rest.as_ref().unwrap_or(&step.source);
        for (number, line) in said.lines.iter().enumerate() {
            let place = wanted.lines.get(number).map(|line| &line.source);
            self.talk.push(TalkLine {
                line: place.unwrap_or(rest).line,
                text: format!("{speaker} {}", show(line)),
                is_expected: wrong != Some(number),
            });
        }
    }

    fn connect(&mut self, step: &Step) -> Result<(), Stop> {
        if self.connections.contains_key(&step.client) {
            let message = "this client is connected already";
            return Err(Mismatch::new(&step.source, message, "").into());
        }
        self.connection(step).map(|_| ())
    }

    /// `(client closes)`: without a word.
    fn hang_up(&mut self, step: &Step) -> Result<(), Stop> {
        self.connection(step)?;
        self.connections.remove(&step.client);
        Ok(())
    }

    /// Another server may close so that its system resets the connection.
    fn server_closes(&mut self, step: &Step) -> Result<(), Stop> {
        let until = self.until();
        match self.connection(step)?.closes(until) {
            Ok(()) => {}
            Err(Trouble::Broken { .. })
                if self.rules.matching != Match::Exact =>
            {
                self.note(step, "the connection was reset, not closed");
            }
            Err(trouble) => return Err(self.trouble(step, trouble).into()),
        }
        self.connections.remove(&step.client);
        Ok(())
    }

    fn silence(&mut self, step: &Step, time: Duration) -> Result<(), Stop> {
        let until = Instant::now() + time;
        let silent = self.connection(step)?.silence(until);
        silent.map_err(|trouble| self.trouble(step, trouble).into())
    }

    fn mailbox(
        &mut self,
        step: &Step,
        wanted: &MailboxStep,
    ) -> Result<(), Stop> {
        match self.store.check(&step.source, wanted, &mut self.names)? {
            Look::Fits => {}
            Look::NotChecked(reason) => {
                self.note(step, &format!("not checked: {reason}"));
            }
        }
        Ok(())
    }

    fn note(&mut self, step: &Step, text: &str) {
        self.notes.push(format!("line {}: {text}", step.source.line));
    }

    /// The connection of the step's client. Its first line opens it.
    fn connection(&mut self, step: &Step) -> Result<&mut Connection, Stop> {
        let wait = if self.is_met { Duration::ZERO } else { self.target.wait };
        match self.connections.entry(step.client) {
            Entry::Occupied(entry) => Ok(entry.into_mut()),
            Entry::Vacant(entry) => {
                let opened = self.target.open(wait, self.rules.deadline);
                let connection = opened.map_err(|error| {
                    no_connection(step, &error, self.is_met)
                })?;
                self.is_met = true;
                Ok(entry.insert(connection))
            }
        }
    }

    fn until(&self) -> Instant {
        Instant::now() + self.rules.deadline
    }

    fn trouble(&self, step: &Step, trouble: Trouble) -> Mismatch {
        judge::trouble(step, trouble, self.rules.deadline)
    }
}

impl Target {
    /// Connects to the first address that answers. A server that is still
    /// starting may refuse for a while.
    pub(super) fn open(
        &self,
        wait: Duration,
        deadline: Duration,
    ) -> io::Result<Connection> {
        let until = Instant::now() + wait;
        loop {
            let mut problem = io::ErrorKind::AddrNotAvailable.into();
            for address in &self.addresses {
                match Connection::open(*address, deadline) {
                    Ok(connection) => return Ok(connection),
                    Err(error) => problem = error,
                }
            }
            if Instant::now() >= until {
                return Err(problem);
            }
            thread::sleep(BETWEEN_TRIES);
        }
    }
}

fn no_connection(step: &Step, error: &io::Error, is_met: bool) -> Stop {
    let message = "no connection to the server";
    let mut mismatch = Mismatch::new(&step.source, message, reason(error));
    mismatch.unanswered = true;
    match is_met {
        true => Stop::Wrong(mismatch),
        false => Stop::NoServer(mismatch),
    }
}

/// Whether the line itself is shown in the talk.
fn is_direction(action: &Action) -> bool {
    !action.is_sent_by_client() && !matches!(action, Action::Reply(_))
}

#[cfg(test)]
mod tests;
