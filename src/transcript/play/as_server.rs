//! Plays a transcript to the clients that connect: here the file is the server.
//!
//! It says the `S:` lines and checks the `C:` lines. So a mail client can be
//! tested against a server that fails on purpose, the same way each time.
//!
//! Interface:
//!   `play`      accepts, and plays one transcript to the clients that come
//!   `play_for`  the same, for clients that are sent here
//!   `Course`    how that went
//!
//! What the lines of the page mean here:
//!   `C: text`            the client's next line; its verb may be in any case
//!   `C> bytes`           exactly these bytes are next
//!   `(rest of message)`  all lines up to the final dot, and that dot; without
//!                        the dots that were doubled it is what `M:` says
//!   `(also right: QUIT)` where the client may leave instead; we say 221
//!   `S: 250 text`        said as the page has it, with CR LF
//!   `S> bytes`           said as the page has it, and nothing added
//!   `(silence 2s)`       we say nothing for that long
//!   `(wait 2s)`          the clients may say nothing for that long
//!   `(server closes)`    we end the connection; the last words still arrive
//!   `(client closes)`    the client ends it, and says nothing before
//!
//! A connection is accepted at its first line. The first to come is the client
//! of the first line, with its number or without. After it was closed, by
//! either side, the next line is for the next client that comes: so a second
//! try is written below the first.
//!
//! Commands that come together are read line by line all the same. Every wait
//! has a deadline, which begins when the client is there, and so has a whole
//! `(rest of message)`.
//!
//! Three faults are let pass, with a note, on all pages but the one that is
//! about them (`Cause:`): a line that ends in LF alone (RFC 5321 2.3.8), HELO in
//! the place of EHLO (3.2), and a client that leaves without QUIT (4.1.1.10). One
//! fault must not be told fifty times.
//!
//! In the folder `as_server`, `door.rs` lets the clients in, `mouth.rs` says
//! the words, `message.rs` compares a message, `leeway.rs` knows where a client
//! may differ, and `heard.rs` says what is wrong with its words.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use super::outcome::{Outcome, Played};
use crate::transcript::format::cause::Cause;
use crate::transcript::format::header::Plays;
use crate::transcript::format::matching::Names;
use crate::transcript::format::script::{
    Action, MessageStep, ReplyStep, START_MAIL_INPUT, Step, Transcript,
};
use crate::transcript::format::text::{Part, Text};
use crate::transcript::judge::failure::{Failure, Mismatch};
use crate::transcript::judge::talk::{Surprise, Talk};
pub(super) use door::Waiting;
use door::accept;
use leeway::Leeway;
use message::Message;
pub(super) use message::bytes as message_bytes;
use mouth::{Mouth, Unsaid};

mod door;
mod heard;
mod leeway;
mod message;
mod mouth;
#[cfg(test)]
mod tests;

/// What we say to a client that leaves where it may.
const GOODBYE: &[u8] = b"221 Bye\r\n";

/// What we say to RSET and NOOP. Both are right at any time (RFC 5321 4.1.4),
/// so no page has to have them.
const OK: &[u8] = b"250 OK\r\n";

/// How long a client that we have left may take to leave, too.
const LINGER: Duration = Duration::from_secs(1);

/// Plays the transcript to the clients that connect.
///
/// `deadline` is how long each step waits for a client. The listener is closed
/// when the play is over: a client that comes too late is refused.
pub fn play(
    listener: TcpListener,
    transcript: &Transcript,
    deadline: Duration,
) -> Played {
    if transcript.header.plays == Plays::Client {
        let reason = "it plays the client";
        return Played::without_talk(Outcome::Skip(reason.into()));
    }
    let waiting = Waiting { patience: deadline, may_come: &mut || Ok(()) };
    let (course, notes) = play_for(listener, transcript, deadline, waiting);
    course.played(notes)
}

/// How a play went.
#[derive(Debug)]
pub(super) enum Course {
    /// No client has come, and why.
    Nobody(String),
    /// To its end; or the client has left before, where it may.
    Over { has_left: bool },
    /// A client did something else.
    Wrong(Box<Failure>),
    /// The same, but the page is not for such clients; and why.
    NotJudged(String),
}

impl Course {
    fn played(self, notes: Vec<String>) -> Played {
        let outcome = match self {
            Course::Nobody(reason) | Course::NotJudged(reason) => {
                Outcome::Skip(reason)
            }
            Course::Over { .. } => Outcome::Pass,
            Course::Wrong(failure) => Outcome::Fail(failure),
        };
        Played { notes, ..Played::without_talk(outcome) }
    }
}

/// Plays the transcript to clients that are on their way: how long we wait for
/// each, and whether it can still come. Also says what was let pass.
pub(super) fn play_for(
    listener: TcpListener,
    transcript: &Transcript,
    deadline: Duration,
    waiting: Waiting<'_>,
) -> (Course, Vec<String>) {
    let cause = transcript.header.cause;
    let mut part = ServerPart::new(listener, deadline, waiting, cause);
    match accept(&part.listener, &mut part.waiting) {
        Ok(stream) => part.first = Some(stream),
        Err(reason) => return (Course::Nobody(reason), Vec::new()),
    }
    let course = part.play(transcript);
    (course, part.notes)
}

/// Plays the transcript to a client that has come, and to those that come after
/// it.
pub(super) fn play_to(
    first: TcpStream,
    listener: TcpListener,
    transcript: &Transcript,
    deadline: Duration,
) -> Played {
    let waiting = Waiting { patience: deadline, may_come: &mut || Ok(()) };
    let cause = transcript.header.cause;
    let mut part = ServerPart::new(listener, deadline, waiting, cause);
    part.first = Some(first);
    let course = part.play(transcript);
    course.played(part.notes)
}

/// A client that has come.
struct Caller {
    talk: Talk,
    /// Whether its lines are a message, and no commands.
    in_message: bool,
}

/// The part of the server in a transcript that is being played.
struct ServerPart<'a> {
    listener: TcpListener,
    waiting: Waiting<'a>,
    deadline: Duration,
    names: Names,
    /// The first client, until a step is for it.
    first: Option<TcpStream>,
    callers: BTreeMap<Option<u8>, Caller>,
    /// Whose turn it is: the client of the last step that has one.
    turn: Option<u8>,
    /// Whether QUIT is as good as the line of this step.
    may_leave: bool,
    has_left: bool,
    /// The page's subject: what else is wrong in this way is let pass.
    cause: Option<Cause>,
    notes: Vec<String>,
    leeway: Leeway,
}

impl ServerPart<'_> {
    fn new(
        listener: TcpListener,
        deadline: Duration,
        waiting: Waiting<'_>,
        cause: Option<Cause>,
    ) -> ServerPart<'_> {
        ServerPart {
            listener,
            waiting,
            deadline,
            names: Names::default(),
            first: None,
            callers: BTreeMap::new(),
            turn: None,
            may_leave: false,
            has_left: false,
            cause,
            notes: Vec::new(),
            leeway: Leeway::default(),
        }
    }

    fn play(&mut self, transcript: &Transcript) -> Course {
        self.leeway = Leeway::on(transcript);
        match (self.all(&transcript.steps), self.leeway.excuse()) {
            (Ok(()), _) => Course::Over { has_left: self.has_left },
            (Err(_), Some(reason)) => Course::NotJudged(reason),
            (Err(mismatch), None) => {
                Course::Wrong(Box::new(Failure::new(transcript, mismatch)))
            }
        }
    }

    fn all(&mut self, steps: &[Step]) -> Result<(), Mismatch> {
        let mut left = steps;
        while let Some((step, rest)) = left.split_first() {
            if step.action.has_client() {
                self.turn = step.client;
            }
            self.leeway.begin(rest);
            let next = rest.first().map(|next| &next.action);
            self.may_leave =
                next == Some(&Action::MayQuit) || self.leeway.may_leave();
            self.step(step)?;
            if self.has_left {
                break;
            }
            left = rest.get(self.leeway.skips(rest)..).unwrap_or_default();
        }
        for (_, caller) in std::mem::take(&mut self.callers) {
            caller.talk.close(Instant::now() + LINGER);
        }
        Ok(())
    }

    fn step(&mut self, step: &Step) -> Result<(), Mismatch> {
        match &step.action {
            Action::Send(wanted) => self.hear_line(step, wanted),
            Action::SendRaw(wanted) => self.hear_bytes(step, wanted),
            Action::RestOfMessage(wanted) => self.hear_message(step, wanted),
            Action::MayQuit => Ok(()),
            Action::Reply(reply) => self.reply(step, reply),
            Action::ReplyRaw(text) => self.say(step, |mouth| mouth.text(text)),
            Action::ClientConnects => self.connect(step),
            Action::ClientCloses => self.client_closes(step),
            Action::ServerCloses => self.close(step),
            Action::Silence(time) => {
                self.caller(step)?;
                thread::sleep(*time);
                Ok(())
            }
            Action::Wait(time) => self.client_waits(step, *time),
            Action::Mailbox(_) => {
                let message = "a played server has no mailbox";
                Err(Mismatch::new(&step.source, message, ""))
            }
        }
    }

    /// `C: text`: compares the client's next line.
    fn hear_line(
        &mut self,
        step: &Step,
        wanted: &Text,
    ) -> Result<(), Mismatch> {
        self.caller(step)?;
        // However often it says RSET: it has the time of one line.
        let until = self.until(step)?;
        loop {
            let in_message = self.caller(step)?.in_message;
            let line = match self.line(step, until) {
                Err(_) if !in_message && self.may_be_gone(step, wanted) => {
                    return Ok(());
                }
                line => line?,
            };
            if in_message && self.names.fit(wanted, &line) {
                return Ok(());
            }
            let command = heard::command(&line);
            if in_message {
                return Err(heard::wrong_line(step, &line));
            }
            if self.names.fit(wanted, &command) {
                return Ok(());
            }
            match command.as_slice() {
                b"QUIT" if self.may_leave => return self.part(step),
                b"RSET" | b"NOOP" if Instant::now() >= until => {
                    let late = Surprise::Late { heard: Vec::new() };
                    return Err(self.missing(step, late));
                }
                b"RSET" | b"NOOP" => self.say_line(step, OK)?,
                helo if self.is_as_good(step, wanted, helo) => return Ok(()),
                _ => return Err(heard::wrong_line(step, &line)),
            }
        }
    }

    /// Whether it is HELO in the place of EHLO. Only the page about EHLO is
    /// strict.
    fn is_as_good(&mut self, step: &Step, wanted: &Text, helo: &[u8]) -> bool {
        if self.cause == Some(Cause::Ehlo) {
            return false;
        }
        let Some(ehlo) = self.leeway.helo(step, helo) else { return false };
        self.note(step, "the client says HELO, not EHLO");
        self.names.fit(wanted, &ehlo)
    }

    /// Whether the client has left where it should have said QUIT. Only the
    /// page about QUIT is strict.
    fn may_be_gone(&mut self, step: &Step, wanted: &Text) -> bool {
        let caller = self.callers.get_mut(&self.turn);
        let is_gone = caller.is_some_and(|caller| caller.talk.has_ended());
        let may_say_it = self.names.clone().fit(wanted, b"QUIT");
        if self.cause == Some(Cause::Quit)
            || !is_gone
            || !may_say_it && !self.may_leave
        {
            return false;
        }
        self.note(step, "the client left without QUIT");
        self.has_left |= !may_say_it;
        true
    }

    /// What is let pass. It is told once.
    fn note(&mut self, step: &Step, what: &str) {
        if !self.notes.iter().any(|note| note.ends_with(what)) {
            self.notes.push(format!("line {}: {what}", step.source.line));
        }
    }

    /// The client leaves early, as the page allows.
    fn part(&mut self, step: &Step) -> Result<(), Mismatch> {
        if self.leeway.may_leave() {
            self.note(step, "QUIT comes early");
        }
        self.has_left = true;
        self.say_line(step, GOODBYE)
    }

    /// Words that the page does not have.
    fn say_line(&mut self, step: &Step, line: &[u8]) -> Result<(), Mismatch> {
        let line = Text { parts: vec![Part::Bytes(line.to_vec())] };
        self.say(step, |mouth| mouth.text(&line))
    }

    /// `C> bytes`: these bytes, and no line end.
    fn hear_bytes(
        &mut self,
        step: &Step,
        wanted: &Text,
    ) -> Result<(), Mismatch> {
        let no_hole = |_| {
            let message = "a hole after C> may be of any length";
            Mismatch::new(&step.source, message, "")
        };
        let wanted = self.names.expand(wanted).map_err(no_hole)?;
        let until = self.until(step)?;
        let caller = self.caller(step)?;
        let bytes = caller.talk.bytes(wanted.len(), until);
        let bytes = bytes.map_err(|surprise| self.missing(step, surprise))?;
        if bytes == wanted {
            Ok(())
        } else {
            Err(heard::wrong_bytes(step, &bytes))
        }
    }

    /// `(rest of message)`: the final dot is its last line.
    fn hear_message(
        &mut self,
        step: &Step,
        wanted: &MessageStep,
    ) -> Result<(), Mismatch> {
        let until = self.until(step)?;
        let mut heard = Message::new(step, wanted);
        loop {
            let line = self.line(step, until)?;
            if line == b"." {
                return heard.end(&mut self.names);
            }
            heard.line(&line)?;
        }
    }

    /// The next line of the client whose turn it is. A single dot ends its
    /// message.
    fn line(
        &mut self,
        step: &Step,
        until: Instant,
    ) -> Result<Vec<u8>, Mismatch> {
        let caller = self.caller(step)?;
        let line = caller.talk.line(until);
        if line.as_deref() == Ok(b".") {
            caller.in_message = false;
        }
        if caller.talk.had_bare_lf() {
            self.note(step, "a line of the client ends in LF alone");
        }
        line.map_err(|surprise| self.missing(step, surprise))
    }

    /// `S: 250 text`: all lines of the reply.
    fn reply(
        &mut self,
        step: &Step,
        reply: &ReplyStep,
    ) -> Result<(), Mismatch> {
        self.caller(step)?.in_message = reply.code == START_MAIL_INPUT;
        let reply = self.leeway.reply(reply);
        self.say(step, |mouth| mouth.reply(&reply))
    }

    /// Says something. That a client no longer listens is no fault yet: a
    /// reply without end is a good reason to hang up. The step that waits
    /// for its next line will see.
    fn say(
        &mut self,
        step: &Step,
        words: impl FnOnce(&mut Mouth<'_>) -> Result<(), Unsaid>,
    ) -> Result<(), Mismatch> {
        let until = self.until(step)?;
        let names = self.names.clone();
        let talk = &mut self.caller(step)?.talk;
        let mut mouth = Mouth::new(talk, &names, until);
        match words(&mut mouth).and_then(|()| mouth.finish()) {
            Ok(()) | Err(Unsaid::Gone) => Ok(()),
            Err(Unsaid::Late) => Err(heard::does_not_read(step, self.deadline)),
            Err(Unsaid::NoValue(name)) => {
                let message = format!("{{{name}}} has no value yet");
                Err(Mismatch::new(&step.source, message, ""))
            }
        }
    }

    fn connect(&mut self, step: &Step) -> Result<(), Mismatch> {
        if self.callers.contains_key(&step.client) {
            let message = "this client is connected already";
            return Err(Mismatch::new(&step.source, message, ""));
        }
        self.caller(step).map(|_| ())
    }

    /// `(client closes)`: how it hangs up is its own business.
    fn client_closes(&mut self, step: &Step) -> Result<(), Mismatch> {
        let until = self.until(step)?;
        match self.caller(step)?.talk.closes(until) {
            Ok(()) | Err(Surprise::Broken { .. }) => {
                self.callers.remove(&step.client);
                Ok(())
            }
            Err(surprise) => Err(self.missing(step, surprise)),
        }
    }

    fn close(&mut self, step: &Step) -> Result<(), Mismatch> {
        self.caller(step)?;
        if let Some(caller) = self.callers.remove(&step.client) {
            caller.talk.close(Instant::now() + LINGER);
        }
        Ok(())
    }

    /// `(wait 2s)`: no client that is connected says anything.
    fn client_waits(
        &mut self,
        step: &Step,
        time: Duration,
    ) -> Result<(), Mismatch> {
        self.caller(step)?;
        let until = Instant::now() + time;
        let mut callers = self.callers.values_mut();
        let silent = callers.try_for_each(|caller| caller.talk.silence(until));
        silent.map_err(|surprise| self.missing(step, surprise))
    }

    /// The client whose turn it is. Its first line accepts it.
    fn caller(&mut self, step: &Step) -> Result<&mut Caller, Mismatch> {
        match self.callers.entry(self.turn) {
            Entry::Occupied(entry) => Ok(entry.into_mut()),
            Entry::Vacant(entry) => {
                let nobody =
                    |reason| Mismatch::new(&step.source, reason, "nothing");
                let stream = match self.first.take() {
                    Some(stream) => stream,
                    None => accept(&self.listener, &mut self.waiting)
                        .map_err(nobody)?,
                };
                let mut talk = Talk::over(stream)
                    .map_err(|error| nobody(error.to_string()))?;
                if self.cause != Some(Cause::LineEnds) {
                    talk.take_bare_lf();
                }
                Ok(entry.insert(Caller { talk, in_message: false }))
            }
        }
    }

    /// When the time of this step is over; it begins when the client is there.
    fn until(&mut self, step: &Step) -> Result<Instant, Mismatch> {
        self.caller(step)?;
        Ok(Instant::now() + self.deadline)
    }

    fn missing(&self, step: &Step, surprise: Surprise) -> Mismatch {
        heard::missing(step, self.turn, surprise, self.deadline)
    }
}
