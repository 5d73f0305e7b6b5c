//! Plays a transcript against a server, from top to bottom, in one loop.
//!
//! Who waits: a reply waits for a whole reply, up to the deadline. What a
//! client says is kept until the next step is not a line of the same client,
//! and is then written at once. So lines in a row travel together, and two
//! clients take turns exactly as they do on the page. No threads, no barriers.
//!
//! Interface:
//!   `Target`          where the server is, and where its mail is
//!   `Target::replay`  plays one transcript; every byte must be as written
//!
//! A connection opens at its first line. After it was closed, by either side,
//! the client's next line opens a new one.
//!
//! Whether a reply is the right one is said in `judge.rs`.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use super::failure::{Failure, Mismatch};
use super::judge;
use super::matching::Names;
use super::script::{Action, ReplyStep, Source, Step, Transcript};
use super::stored::Store;
use super::talk::{Connection, Trouble};
use super::text::Text;

/// How long a step waits for the server.
pub const DEADLINE: Duration = Duration::from_secs(10);

/// A server that runs.
#[derive(Debug, Clone)]
pub struct Target {
    /// Where it listens.
    pub address: SocketAddr,
    /// The folder that holds its mailboxes.
    pub mail: PathBuf,
    /// How long a step waits for it.
    pub deadline: Duration,
}

impl Target {
    /// Plays a transcript against this server.
    pub fn replay(&self, transcript: &Transcript) -> Result<(), Box<Failure>> {
        let play = || -> Result<(), Mismatch> {
            let mut replay = Replay::new(self, transcript)?;
            for step in &transcript.steps {
                replay.step(step)?;
            }
            replay.write_pending();
            Ok(())
        };
        play().map_err(|m| Box::new(Failure::new(transcript, m)))
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
    store: Store,
    names: Names,
    connections: BTreeMap<Option<u8>, Connection>,
    pending: Option<Pending>,
    /// For each client the line that was sent while a reply was waiting.
    early: BTreeMap<Option<u8>, usize>,
}

impl Replay<'_> {
    fn new<'a>(
        target: &'a Target,
        transcript: &Transcript,
    ) -> Result<Replay<'a>, Mismatch> {
        let unreadable = |error: std::io::Error| {
            let source = Source {
                line: 1,
                text: String::new(),
            };
            Mismatch::new(&source, "no mail folder", error.to_string())
        };
        Ok(Replay {
            target,
            store: Store::open(&target.mail, transcript).map_err(unreadable)?,
            names: Names::default(),
            connections: BTreeMap::new(),
            pending: None,
            early: BTreeMap::new(),
        })
    }

    /// Does one step. What another client said before is sent first.
    fn step(&mut self, step: &Step) -> Result<(), Mismatch> {
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
            Action::Mailbox(wanted) => {
                self.store.check(&step.source, wanted, &mut self.names)
            }
            Action::ReplyRaw(_) | Action::RestOfMessage => {
                let message = "this file plays the server";
                Err(Mismatch::new(&step.source, message, ""))
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
        let Some(Pending {
            client,
            line,
            bytes,
        }) = self.pending.take()
        else {
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
    ) -> Result<(), Mismatch> {
        let no_value = |name| {
            let message = format!("{{{name}}} has no value yet");
            Mismatch::new(&step.source, message, "")
        };
        let bytes = self.names.expand(text).map_err(no_value)?;
        self.connection(step)?;
        let pending = self.pending.get_or_insert(Pending {
            client: step.client,
            line: step.source.line,
            bytes: Vec::new(),
        });
        pending.bytes.extend(bytes);
        pending.bytes.extend(line_end);
        Ok(())
    }

    /// `S: 250 text`: waits for a whole reply, and compares every byte.
    fn reply(
        &mut self,
        step: &Step,
        wanted: &ReplyStep,
    ) -> Result<(), Mismatch> {
        let until = self.until();
        let said = self.connection(step)?.reply(until);
        let said = said.map_err(|trouble| self.trouble(step, trouble));
        let result = said.and_then(|said| {
            judge::reply(step, wanted, &said, &mut self.names)
        });
        result.map_err(|mismatch| Mismatch {
            hint: self.early.get(&step.client).map(|line| {
                format!("a reply was already waiting when line {line} was sent")
            }),
            ..mismatch
        })
    }

    fn connect(&mut self, step: &Step) -> Result<(), Mismatch> {
        if self.connections.contains_key(&step.client) {
            let message = "this client is connected already";
            return Err(Mismatch::new(&step.source, message, ""));
        }
        self.connection(step).map(|_| ())
    }

    /// `(client closes)`: without a word.
    fn hang_up(&mut self, step: &Step) -> Result<(), Mismatch> {
        self.connection(step)?;
        self.connections.remove(&step.client);
        Ok(())
    }

    fn server_closes(&mut self, step: &Step) -> Result<(), Mismatch> {
        let until = self.until();
        let closed = self.connection(step)?.closes(until);
        closed.map_err(|trouble| self.trouble(step, trouble))?;
        self.connections.remove(&step.client);
        Ok(())
    }

    fn silence(&mut self, step: &Step, time: Duration) -> Result<(), Mismatch> {
        let until = Instant::now() + time;
        let silent = self.connection(step)?.silence(until);
        silent.map_err(|trouble| self.trouble(step, trouble))
    }

    /// The connection of the step's client. Its first line opens it.
    fn connection(&mut self, step: &Step) -> Result<&mut Connection, Mismatch> {
        use std::collections::btree_map::Entry;
        let no_connection = |error: std::io::Error| {
            let got = error.to_string();
            let message = "no connection to the server";
            let mut mismatch = Mismatch::new(&step.source, message, got);
            mismatch.unanswered = true;
            mismatch
        };
        let Target {
            address, deadline, ..
        } = *self.target;
        match self.connections.entry(step.client) {
            Entry::Occupied(entry) => Ok(entry.into_mut()),
            Entry::Vacant(entry) => {
                let connection = Connection::open(address, deadline);
                Ok(entry.insert(connection.map_err(no_connection)?))
            }
        }
    }

    fn until(&self) -> Instant {
        Instant::now() + self.target.deadline
    }

    fn trouble(&self, step: &Step, trouble: Trouble) -> Mismatch {
        judge::trouble(step, trouble, self.target.deadline)
    }
}

#[cfg(test)]
mod tests;
