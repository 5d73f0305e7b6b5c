//! One connection: the one place where a socket meets the machine.
//!
//! Read `converse`, and you walk with a message: bytes come from the wire,
//! become a line, a command, a step of the machine and a reply. After DATA they
//! become text and go to the disk (`incoming.rs`).
//!
//! The `Wire` reads and writes; `Lost` says why it could not (`wire.rs`). What
//! all connections have in common is in `Shared` (`shared.rs`). A `Watch` is
//! told what happens, for the log and for people (`watch.rs`).
//!
//! Guarantees:
//! - 250 after the dot is said only when the message is on the disk (RFC 5321
//!   4.2.5);
//! - whatever ends a connection early, no part of a message stays (4.1.1.10);
//! - memory does not grow with the message, nor with the session.

use super::incoming::{Envelope, Incoming, Progress};
use super::shared::Shared;
use super::watch::Watch;
use crate::protocol::command::Command;
use crate::protocol::line::LineCutter;
use crate::protocol::reply::{self, Reply};
use crate::protocol::session::{Session, State, Step, Turn};
use crate::wire::{Lost, Transport, Wire, deadline};
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// How slowly a message may come: the deadline moves on by one second for
/// each time that this many bytes have come.
const BYTES_PER_SECOND: u64 = 500;

/// How long a line feed may be late after its carriage return. In one line they
/// nearly always travel together.
const LINE_FEED_WAIT: Duration = Duration::from_secs(5);

/// One client, from the greeting to the last reply.
pub(super) struct Connection<'a> {
    id: u64,
    /// Its address, if it came over the network.
    client: Option<IpAddr>,
    shared: &'a Shared,
    wire: Wire<'a>,
    lines: LineCutter,
    session: Session,
    watch: Watch,
    /// Since when the server waits for a line, or for a message.
    waits_since: Instant,
}

impl<'a> Connection<'a> {
    pub(super) fn new(
        id: u64,
        client: Option<IpAddr>,
        shared: &'a Shared,
        transport: Box<dyn Transport + 'a>,
    ) -> Connection<'a> {
        Connection {
            id,
            client,
            shared,
            wire: Wire::new(transport, shared.timeout),
            lines: LineCutter::default(),
            session: Session::new(shared.offer.clone()),
            watch: Watch::new(id, client, shared),
            waits_since: Instant::now(),
        }
    }

    /// Serves the client until one of the two has had enough.
    pub(super) fn run(mut self) {
        self.watch.connected();
        let ended = self.converse();
        if let Err(Lost::TimedOut) = ended {
            self.watch.timed_out(self.waits_since.elapsed());
            let step = self.session.hang_up(reply::TIMEOUT);
            // The client may be gone; nothing depends on this reply.
            let _ = self.say(&step);
        }
        self.watch.ended(self.session.client(), &ended);
        if !matches!(ended, Err(Lost::Closed | Lost::Broken(_))) {
            self.wire.close();
        }
    }

    // ANCHOR: converse
    /// The whole conversation. An error means that it ended before its time.
    fn converse(&mut self) -> Result<(), Lost> {
        let greeting = self.session.greet();
        self.say(&greeting)?;
        loop {
            match self.session.state() {
                State::Closed => return Ok(()),
                State::Data(_) => self.receive_message()?,
                State::Connected
                | State::Greeted
                | State::Mail(_)
                | State::Rcpt(_) => self.obey_a_command()?,
            }
        }
    }
    // ANCHOR_END: converse

    // ANCHOR: obey_a_command
    /// Reads a command, lets the machine make its step, and answers.
    fn obey_a_command(&mut self) -> Result<(), Lost> {
        let command = self.next_command()?;
        let may_wait = command.may_wait();
        let step = match self.session.step(command) {
            Turn::Step(step) => step,
            Turn::Ask(question) => {
                let path = question.forward_path();
                let verdict = self.shared.verdict(path, self.client);
                question.answer(verdict)
            }
            Turn::Nothing => return Ok(()),
        };
        self.say(&step)?;
        if may_wait { Ok(()) } else { self.wire.flush() }
    }
    // ANCHOR_END: obey_a_command

    /// Waits for a line, and reads it as a command.
    fn next_command(&mut self) -> Result<Command, Lost> {
        self.waits_since = Instant::now();
        let until = deadline(self.waits_since, self.shared.timeout);
        loop {
            if let Some(line) = self.lines.next_command() {
                self.watch.command(&line);
                return Ok(Command::read(&line));
            }
            if !self.lines.lacks_line_feed() {
                self.read(until)?;
            } else if !self.line_feed_comes(until)? {
                let line = self.lines.give_up_line();
                self.watch.command(&line);
                return Ok(Command::read(&line));
            }
        }
    }

    /// After a carriage return or a NUL: waits for more, but not for long. A
    /// client that ends its lines so waits for us.
    fn line_feed_comes(&mut self, until: Instant) -> Result<bool, Lost> {
        let soon = Instant::now() + LINE_FEED_WAIT.min(self.shared.timeout / 2);
        match self.read(soon.min(until)) {
            Ok(_) => Ok(true),
            Err(Lost::TimedOut) => Ok(false),
            Err(lost) => Err(lost),
        }
    }

    /// Reads once, hands over what came, and tells how many bytes it was.
    fn read(&mut self, deadline: Instant) -> Result<usize, Lost> {
        let bytes = self.wire.read(deadline)?;
        self.watch.received(bytes);
        self.lines.feed(bytes);
        Ok(bytes.len())
    }

    /// After a 354: the message, up to the reply to its last dot.
    ///
    /// Whatever is wrong with it or with the disk, it is read to its real end
    /// first: only then does the client listen again.
    fn receive_message(&mut self) -> Result<(), Lost> {
        let State::Data(transaction) = self.session.state() else {
            return Ok(());
        };
        let recipients = transaction.recipients.len();
        let envelope = Envelope {
            session: self.id,
            transaction,
            client: self.session.client(),
            client_address: self.client,
        };
        let mut incoming = Incoming::open(self.shared, &envelope);
        // ANCHOR: end_of_message
        let step = match self.read_to_the_dot(&mut incoming)? {
            Some(outcome) => {
                let (lines, size) = (incoming.lines(), incoming.size());
                self.watch.message(lines, size);
                let outcome = outcome.and_then(|()| incoming.finish());
                if outcome.is_ok() {
                    self.watch.stored(recipients, size);
                }
                self.session.end_of_data(outcome)
            }
            None => self.session.hang_up(reply::ENDLESS_MESSAGE),
        };
        self.say(&step)?;
        self.wire.flush()
        // ANCHOR_END: end_of_message
    }

    /// Hands the pieces of the message over, until its end has come. Gives
    /// what is said of the message, or nothing if we stop waiting for its end.
    fn read_to_the_dot(
        &mut self,
        incoming: &mut Incoming<'_>,
    ) -> Result<Option<Result<(), Reply>>, Lost> {
        self.waits_since = Instant::now();
        let patience = deadline(self.waits_since, self.shared.timeout);
        let mut received = 0;
        loop {
            let Some(piece) = self.lines.next_piece() else {
                let extra = Duration::from_secs(received / BYTES_PER_SECOND);
                let until = deadline(patience, extra);
                received += self.read(until)? as u64;
                continue;
            };
            match incoming.take(piece) {
                Progress::More => {}
                Progress::End(outcome) => return Ok(Some(outcome)),
                Progress::Endless => return Ok(None),
            }
        }
    }

    /// Says it to the client, and tells it to the watch.
    fn say(&mut self, step: &Step) -> Result<(), Lost> {
        let lines = step.answer.wire_lines(&self.shared.offer.hostname);
        for line in &lines {
            self.wire.say(line)?;
        }
        if self.watch.is_explaining() {
            // At a terminal the reply is to be above its reason.
            self.wire.flush()?;
        }
        self.watch.said(step, &lines);
        Ok(())
    }
}
