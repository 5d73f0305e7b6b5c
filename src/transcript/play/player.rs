//! Plays the client's part of a page, from top to bottom, in one loop.
//!
//! The player speaks, and somebody else listens: `replay.rs` judges what the
//! server says, and the rehearsal of `bless` takes notes of it.
//!
//! A reply on the page waits for a whole reply, up to the deadline. What a
//! client says is kept until the next step is not a line of the same client,
//! and is then written at once. So lines in a row travel together, and two
//! clients take turns exactly as they do on the page. No threads, no barriers.
//!
//! A connection opens at its first line. After it was closed, by either side,
//! the client's next line opens a new one.
//!
//! Interface:
//!   `Player`    plays the steps of a page
//!   `Listener`  hears what was said
//!   `Stop`      why the play did not reach the end

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::io;
use std::thread;
use std::time::{Duration, Instant};

use crate::protocol::replies::ServerReply;
use crate::transcript::format::matching::Names;
use crate::transcript::format::script::{Action, MailboxStep, ReplyStep, Step};
use crate::transcript::format::text::Text;
use crate::transcript::judge::failure::Mismatch;
use crate::transcript::judge::talk::{Surprise, Talk};
use crate::transcript::judge::target::Target;

/// Hears what is said in a play. An error ends the play.
pub(crate) trait Listener {
    /// The client says these bytes.
    fn said(&mut self, _step: &Step, _bytes: &[u8]) {}

    /// The server has said a whole reply.
    fn heard(
        &mut self,
        step: &Step,
        wanted: &ReplyStep,
        reply: &ServerReply,
        names: &mut Names,
    ) -> Result<(), Mismatch>;

    /// Whether the page has no more to ask after this reply.
    fn is_enough(&self, _wanted: &ReplyStep, _reply: &ServerReply) -> bool {
        false
    }

    /// The page looks into a mailbox.
    fn mailbox(
        &mut self,
        step: &Step,
        wanted: &MailboxStep,
        names: &mut Names,
    ) -> Result<(), Mismatch>;

    /// A line of the reply to this step has ended in LF alone.
    fn heard_bare_lf(&mut self, _step: &Step) {}

    /// How long the end of the connection is waited for, if it may stay open.
    fn may_stay_open(&self, _step: &Step) -> Option<Duration> {
        None
    }

    /// How long this reply is waited for, if any reply or none will do.
    fn may_be_missing(&self, _step: &Step, _w: &ReplyStep) -> Option<Duration> {
        None
    }

    /// What may be was so: the connection stayed open, or there was no reply.
    fn let_pass(&mut self, _step: &Step) {}

    /// The connection was reset where the server should close it. Whether
    /// that is good enough.
    fn lets_reset_pass(&mut self, _step: &Step) -> bool {
        false
    }

    /// Something was said where the server should close. Whether that is good
    /// enough.
    fn lets_more_pass(&mut self, _step: &Step) -> bool {
        false
    }

    /// The step is over, and the play goes on.
    fn done(&mut self, _step: &Step) {}
}

/// Why the play did not reach the end of the page.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The listener says that something is wrong.
    Wrong(Mismatch),
    /// Something else came, or nothing.
    Surprise(Surprise),
    /// A connection was refused.
    NoConnection {
        error: io::Error,
        /// It was the very first one: there is no server.
        is_first: bool,
    },
    /// The server never said what the client has to say here.
    NoValue(String),
    /// The page has no more to ask.
    Enough,
}

impl From<Surprise> for Stop {
    fn from(surprise: Surprise) -> Stop {
        Stop::Surprise(surprise)
    }
}

impl From<Mismatch> for Stop {
    fn from(mismatch: Mismatch) -> Stop {
        Stop::Wrong(mismatch)
    }
}

/// What a client has said and nobody has sent yet.
struct Pending {
    client: Option<u8>,
    /// The line where it begins.
    line: usize,
    bytes: Vec<u8>,
}

/// A page that is being played.
pub(crate) struct Player<'a> {
    target: &'a Target,
    /// How long a step waits for the server.
    deadline: Duration,
    /// Whether replies may end in LF alone.
    takes_bare_lf: bool,
    names: Names,
    talks: BTreeMap<Option<u8>, Talk>,
    /// Whether the server was there, once.
    is_met: bool,
    /// The first client, until it was greeted: a server that is still starting
    /// may let it in, and greet it when it is ready.
    not_greeted: Option<Option<u8>>,
    /// How long the last step had.
    patience: Duration,
    pending: Option<Pending>,
    /// For each client what was odd about something that it sent.
    hints: BTreeMap<Option<u8>, String>,
}

impl<'a> Player<'a> {
    /// Some names may have a value before the first line.
    pub(crate) fn new(
        target: &'a Target,
        deadline: Duration,
        names: Names,
    ) -> Player<'a> {
        Player {
            target,
            deadline,
            takes_bare_lf: false,
            names,
            talks: BTreeMap::new(),
            is_met: false,
            not_greeted: None,
            patience: deadline,
            pending: None,
            hints: BTreeMap::new(),
        }
    }

    /// Replies may end in LF alone; the listener is told.
    pub(crate) fn take_bare_lf(&mut self) {
        self.takes_bare_lf = true;
    }

    /// Plays the steps. An error comes with the step that it stopped at.
    pub(crate) fn play<'s>(
        &mut self,
        steps: impl Iterator<Item = &'s Step>,
        listener: &mut dyn Listener,
    ) -> Result<(), (&'s Step, Stop)> {
        for step in steps {
            self.step(step, listener).map_err(|stop| (step, stop))?;
            listener.done(step);
        }
        self.write_pending();
        Ok(())
    }

    /// Where to look if a later reply to this client is wrong.
    pub(crate) fn hint(&self, client: Option<u8>) -> Option<&str> {
        self.hints.get(&client).map(String::as_str)
    }

    /// How long the last step had.
    pub(crate) fn patience(&self) -> Duration {
        self.patience
    }

    /// Does one step. What another client said before is sent first.
    fn step(
        &mut self,
        step: &Step,
        listener: &mut dyn Listener,
    ) -> Result<(), Stop> {
        if !self.continues_pending(step) {
            self.write_pending();
        }
        match &step.action {
            Action::Send(text) => self.say(step, text, b"\r\n", listener),
            Action::SendRaw(text) => self.say(step, text, b"", listener),
            Action::Reply(wanted) => self.reply(step, wanted, listener),
            Action::ClientConnects => self.connect(step),
            Action::ClientCloses => self.hang_up(step),
            Action::ServerCloses => self.server_closes(step, listener),
            Action::Silence(time) => self.silence(step, *time),
            Action::Wait(time) => {
                thread::sleep(*time);
                Ok(())
            }
            Action::Mailbox(wanted) => {
                Ok(listener.mailbox(step, wanted, &mut self.names)?)
            }
            Action::ReplyRaw(_)
            | Action::RestOfMessage(_)
            | Action::MayQuit => {
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
        let Some(talk) = self.talks.get_mut(&client) else {
            return;
        };
        if talk.has_unread() {
            let hint = "a reply was already waiting when line";
            let hint = format!("{hint} {line} was sent");
            self.hints.entry(client).or_insert(hint);
        }
        if !talk.write(&bytes, Instant::now() + self.deadline) {
            let seconds = self.deadline.as_secs_f64();
            let hint = "the server did not read all that begins in line";
            let hint = format!("{hint} {line} within {seconds} s");
            self.hints.insert(client, hint);
        }
    }

    /// `C: text` and `C> text`: kept until the next step.
    fn say(
        &mut self,
        step: &Step,
        text: &Text,
        line_end: &[u8],
        listener: &mut dyn Listener,
    ) -> Result<(), Stop> {
        let bytes = self.names.expand(text).map_err(Stop::NoValue)?;
        self.talk(step)?;
        listener.said(step, &bytes);
        let pending = self.pending.get_or_insert(Pending {
            client: step.client,
            line: step.source.line,
            bytes: Vec::new(),
        });
        pending.bytes.extend(bytes);
        pending.bytes.extend(line_end);
        Ok(())
    }

    /// `S: 250 text`: waits for a whole reply.
    fn reply(
        &mut self,
        step: &Step,
        wanted: &ReplyStep,
        listener: &mut dyn Listener,
    ) -> Result<(), Stop> {
        let mut until = self.until(step)?;
        let short = listener.may_be_missing(step, wanted);
        if let Some(time) = short {
            until = until.min(Instant::now() + time);
        }
        let talk = self.talk(step)?;
        let reply = match talk.reply(until) {
            Err(_) if short.is_some() => {
                listener.let_pass(step);
                return Ok(());
            }
            reply => reply?,
        };
        if talk.had_bare_lf() {
            listener.heard_bare_lf(step);
        }
        self.not_greeted.take_if(|client| *client == step.client);
        if listener.is_enough(wanted, &reply) {
            return Err(Stop::Enough);
        }
        Ok(listener.heard(step, wanted, &reply, &mut self.names)?)
    }

    /// `(client connects)`
    fn connect(&mut self, step: &Step) -> Result<(), Stop> {
        if self.talks.contains_key(&step.client) {
            let message = "this client is connected already";
            return Err(Mismatch::new(&step.source, message, "").into());
        }
        self.talk(step).map(|_| ())
    }

    /// `(client closes)`: without a word.
    fn hang_up(&mut self, step: &Step) -> Result<(), Stop> {
        self.talk(step)?;
        self.talks.remove(&step.client);
        Ok(())
    }

    /// Another server may close so that its system resets the connection.
    fn server_closes(
        &mut self,
        step: &Step,
        listener: &mut dyn Listener,
    ) -> Result<(), Stop> {
        let mut until = self.until(step)?;
        let short = listener.may_stay_open(step);
        if let Some(time) = short {
            until = until.min(Instant::now() + time);
        }
        match self.talk(step)?.closes(until) {
            Ok(()) => {}
            Err(Surprise::Late { .. }) if short.is_some() => {
                listener.let_pass(step);
            }
            Err(Surprise::Broken { .. }) if listener.lets_reset_pass(step) => {}
            Err(Surprise::Spoke { .. }) if listener.lets_more_pass(step) => {}
            Err(surprise) => return Err(surprise.into()),
        }
        self.talks.remove(&step.client);
        Ok(())
    }

    fn silence(&mut self, step: &Step, time: Duration) -> Result<(), Stop> {
        let talk = self.talk(step)?;
        Ok(talk.silence(Instant::now() + time)?)
    }

    /// The connection of the step's client. Its first line opens it.
    fn talk(&mut self, step: &Step) -> Result<&mut Talk, Stop> {
        let is_first = !self.is_met;
        let wait = if is_first { self.target.wait } else { Duration::ZERO };
        match self.talks.entry(step.client) {
            Entry::Occupied(entry) => Ok(entry.into_mut()),
            Entry::Vacant(entry) => {
                let opened = self.target.open(wait, self.deadline);
                let mut talk = opened
                    .map_err(|error| Stop::NoConnection { error, is_first })?;
                if self.takes_bare_lf {
                    talk.take_bare_lf();
                }
                if is_first {
                    self.not_greeted = Some(step.client);
                }
                self.is_met = true;
                Ok(entry.insert(talk))
            }
        }
    }

    /// When the time of this step is over. It begins now, when the reply is
    /// due: that there is a connection first is not the server's time.
    fn until(&mut self, step: &Step) -> Result<Instant, Stop> {
        self.talk(step)?;
        let is_greeting = self.not_greeted == Some(step.client);
        self.patience = match is_greeting {
            true => self.deadline.max(self.target.wait),
            false => self.deadline,
        };
        Ok(Instant::now() + self.patience)
    }
}
