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
//! In the folder `as_server`, `door.rs` lets the clients in, `mouth.rs` says
//! the words, `message.rs` compares a message, and `heard.rs` says what is
//! wrong with the words of a client.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use super::outcome::Outcome;
use crate::transcript::format::header::Plays;
use crate::transcript::format::matching::Names;
use crate::transcript::format::script::{
    Action, MessageStep, ReplyStep, Step, Transcript,
};
use crate::transcript::format::text::{Part, Text};
use crate::transcript::judge::failure::{Failure, Mismatch};
use crate::transcript::judge::talk::{Surprise, Talk};
pub(super) use door::Waiting;
use door::accept;
use message::Message;
pub(super) use message::bytes as message_bytes;
use mouth::{Mouth, Unsaid};

mod door;
mod heard;
mod message;
mod mouth;
#[cfg(test)]
mod tests;

/// The reply after which a client sends its message (RFC 5321 4.3.2).
const START_MAIL_INPUT: u16 = 354;

/// What we say to a client that leaves where it may.
const GOODBYE: &[u8] = b"221 Bye\r\n";

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
) -> Outcome {
    if transcript.header.plays == Plays::Client {
        return Outcome::Skip("it plays the client".into());
    }
    let waiting = Waiting { patience: deadline, may_come: &mut || Ok(()) };
    play_for(listener, transcript, deadline, waiting).outcome()
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
}

impl Course {
    fn outcome(self) -> Outcome {
        match self {
            Course::Nobody(reason) => Outcome::Skip(reason),
            Course::Over { .. } => Outcome::Pass,
            Course::Wrong(failure) => Outcome::Fail(failure),
        }
    }
}

/// Plays the transcript to clients that are on their way: how long we wait for
/// each, and whether it can still come.
pub(super) fn play_for(
    listener: TcpListener,
    transcript: &Transcript,
    deadline: Duration,
    waiting: Waiting<'_>,
) -> Course {
    let mut part = ServerPart::new(listener, deadline, waiting);
    match accept(&part.listener, &mut part.waiting) {
        Ok(stream) => part.first = Some(stream),
        Err(reason) => return Course::Nobody(reason),
    }
    part.play(transcript)
}

/// Plays the transcript to a client that has come, and to those that come after
/// it.
pub(super) fn play_to(
    first: TcpStream,
    listener: TcpListener,
    transcript: &Transcript,
    deadline: Duration,
) -> Outcome {
    let waiting = Waiting { patience: deadline, may_come: &mut || Ok(()) };
    let mut part = ServerPart::new(listener, deadline, waiting);
    part.first = Some(first);
    part.play(transcript).outcome()
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
}

impl ServerPart<'_> {
    fn new(
        listener: TcpListener,
        deadline: Duration,
        waiting: Waiting<'_>,
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
        }
    }

    fn play(&mut self, transcript: &Transcript) -> Course {
        match self.all(&transcript.steps) {
            Ok(()) => Course::Over { has_left: self.has_left },
            Err(mismatch) => {
                Course::Wrong(Box::new(Failure::new(transcript, mismatch)))
            }
        }
    }

    fn all(&mut self, steps: &[Step]) -> Result<(), Mismatch> {
        let next = steps.iter().skip(1).map(Some).chain([None]);
        for (step, next) in steps.iter().zip(next) {
            if step.action.has_client() {
                self.turn = step.client;
            }
            self.may_leave =
                next.is_some_and(|next| next.action == Action::MayQuit);
            self.step(step)?;
            if self.has_left {
                break;
            }
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
        let in_message = self.caller(step)?.in_message;
        let line = self.line(step)?;
        let command = heard::command(&line);
        let fits = if in_message {
            self.names.fit(wanted, &line)
        } else {
            self.names.fit(wanted, &command)
        };
        match fits {
            true => Ok(()),
            false if self.may_leave && command == b"QUIT" => self.part(step),
            false => Err(heard::wrong_line(step, &line)),
        }
    }

    /// The client leaves early, as the page allows.
    fn part(&mut self, step: &Step) -> Result<(), Mismatch> {
        let goodbye = Text { parts: vec![Part::Bytes(GOODBYE.to_vec())] };
        self.say(step, |mouth| mouth.text(&goodbye))?;
        self.has_left = true;
        Ok(())
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
            let line = self.line_until(step, until)?;
            if line == b"." {
                return heard.end(&mut self.names);
            }
            heard.line(&line)?;
        }
    }

    /// The next line of the client whose turn it is. A single dot ends its
    /// message.
    fn line(&mut self, step: &Step) -> Result<Vec<u8>, Mismatch> {
        let until = self.until(step)?;
        self.line_until(step, until)
    }

    fn line_until(
        &mut self,
        step: &Step,
        until: Instant,
    ) -> Result<Vec<u8>, Mismatch> {
        let caller = self.caller(step)?;
        let line = caller.talk.line(until);
        if line.as_deref() == Ok(b".") {
            caller.in_message = false;
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
        self.say(step, |mouth| mouth.reply(reply))
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
                let talk = Talk::over(stream)
                    .map_err(|error| nobody(error.to_string()))?;
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
