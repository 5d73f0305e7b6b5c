//! One connection: the one place where a socket meets the machine.
//!
//! Read `converse`, and you walk with a message: bytes come from the wire,
//! become a line, a command, a step of the machine and a reply. After DATA they
//! become text and go to the disk (`incoming.rs`).
//!
//! The `Wire` reads and writes; `Lost` says why it could not. What all
//! connections have in common is in `Shared` (`settings.rs`).
//!
//! Guarantees:
//! - 250 after the dot is said only when the message is on the disk;
//! - whatever ends a connection early, no part of a message stays;
//! - memory does not grow with the message, nor with the session.

use super::explain::Explainer;
use super::incoming::{Envelope, Incoming, Progress};
use super::recorder::Recorder;
use super::settings::Shared;
use crate::protocol::command::{Command, Parsed};
use crate::protocol::extension::Extension;
use crate::protocol::line::{CommandLine, LineCutter};
use crate::protocol::reply::{self, Answer};
use crate::protocol::session::{Session, State};
use crate::wire::{Lost, Transport, Wire};
use crate::words::printable;
use std::net::IpAddr;
use std::time::{Duration, Instant, SystemTime};

/// How slowly a message may come: the deadline moves on by one second for
/// each so many bytes.
const BYTES_PER_SECOND: u64 = 500;

/// Of what a client sent, the log gets so many bytes.
const LOGGED_BYTES: usize = 256;

/// One client, from the greeting to the last reply.
pub(super) struct Connection<'a> {
    id: u64,
    /// Its address, if it came over the network.
    client: Option<IpAddr>,
    shared: &'a Shared,
    wire: Wire<'a>,
    lines: LineCutter,
    session: Session,
    recorder: Recorder,
    /// Since when the server waits for a line, or for a message.
    waits_since: Instant,
    tally: Tally,
}

/// What the summary in the log tells.
#[derive(Default)]
struct Tally {
    messages: usize,
    recipients: usize,
    bytes: u64,
    last_reply: String,
}

impl<'a> Connection<'a> {
    pub(super) fn new(
        id: u64,
        client: Option<IpAddr>,
        shared: &'a Shared,
        transport: Box<dyn Transport + 'a>,
    ) -> Connection<'a> {
        let recorder = shared
            .recorders
            .as_ref()
            .map(|recorders| recorders.start(id, client, SystemTime::now()));
        Connection {
            id,
            client,
            shared,
            wire: Wire::new(transport, shared.timeout),
            lines: LineCutter::default(),
            session: Session::new(shared.offer.clone()),
            recorder: recorder.unwrap_or_default(),
            waits_since: Instant::now(),
            tally: Tally::default(),
        }
    }

    /// Serves the client until one of the two has had enough.
    pub(super) fn run(mut self) {
        let ended = self.converse();
        if let Err(Lost::TimedOut) = ended {
            self.recorder.timed_out(self.waits_since.elapsed());
            let before = self.session.state().name();
            let answer = self.session.hang_up(reply::TIMEOUT);
            // The client may be gone; nothing depends on this reply.
            let _ = self.say(&answer, before);
        }
        self.recorder.end(&ended);
        self.log_summary(&ended);
        if !matches!(ended, Err(Lost::Closed | Lost::Broken(_))) {
            self.wire.close();
        }
    }

    // ANCHOR: converse
    /// The whole conversation. An error means that it ended before its time.
    fn converse(&mut self) -> Result<(), Lost> {
        let greeting = self.session.greet();
        self.say(&greeting, "Connected")?;
        while *self.session.state() != State::Closed {
            let line = self.next_line()?;
            let may_wait = line.as_ref().is_ok_and(Command::may_wait);
            let before = self.session.state().name();
            // It says nothing only in Data and Closed, which are not here.
            let Some(answer) = self.step(line) else { break };
            self.say(&answer, before)?;
            if !may_wait && *self.session.state() != State::Closed {
                self.wire.flush()?;
            }
            self.receive_message()?;
        }
        Ok(())
    }
    // ANCHOR_END: converse

    /// Waits for a line, and reads it as a command. A line that is none comes
    /// back as the reply that says why.
    fn next_line(&mut self) -> Result<Parsed, Lost> {
        self.waits_since = Instant::now();
        let deadline = self.waits_since + self.shared.timeout;
        loop {
            let Some(line) = self.lines.next_command() else {
                self.read(deadline)?;
                continue;
            };
            show(self.id, &line, self.shared.explainer.as_ref());
            return Ok(match line {
                CommandLine::Line(line) => Command::parse(line),
                CommandLine::TooLong(line) => {
                    Command::parse_refused(line, reply::COMMAND_TOO_LONG)
                }
                CommandLine::BareLineFeed(line) => {
                    Command::parse_refused(line, reply::BARE_LINE_FEED)
                }
            });
        }
    }

    /// Reads once, hands over what came, and tells how many bytes it was.
    fn read(&mut self, deadline: Instant) -> Result<usize, Lost> {
        let bytes = self.wire.read(deadline)?;
        self.recorder.client(bytes);
        self.lines.feed(bytes);
        Ok(bytes.len())
    }

    /// One step of the machine. If the line is a RCPT, the directory is asked
    /// first: the machine knows no mailboxes.
    fn step(&mut self, line: Parsed) -> Option<Answer> {
        let directory = &self.shared.directory;
        let path = line.as_ref().ok().and_then(Command::forward_path);
        let verdict = path.map(|path| directory.verdict(path));
        self.session.step(line, verdict)
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
        if let Progress::Endless = self.read_to_the_dot(&mut incoming)? {
            let answer = self.session.hang_up(reply::ENDLESS_MESSAGE);
            return self.say(&answer, "Data");
        }
        let (size, lines) = (incoming.size(), incoming.lines());
        log::debug!("[{}] C: ({size} bytes)", self.id);
        if let Some(explainer) = &self.shared.explainer {
            explainer.message(self.id, lines, size);
        }
        // ANCHOR: end_of_message
        let outcome = incoming.finish();
        if outcome.is_ok() {
            self.tally.add(recipients, size);
        }
        let answer = self.session.end_of_data(outcome);
        self.say(&answer, "Data")?;
        self.wire.flush()
        // ANCHOR_END: end_of_message
    }

    /// Hands the pieces of the message over, until its end has come or is
    /// given up.
    fn read_to_the_dot(
        &mut self,
        incoming: &mut Incoming<'_>,
    ) -> Result<Progress, Lost> {
        self.waits_since = Instant::now();
        let patience = self.waits_since + self.shared.timeout;
        let mut received = 0;
        loop {
            let Some(piece) = self.lines.next_piece() else {
                let extra = received / BYTES_PER_SECOND;
                let deadline = patience + Duration::from_secs(extra);
                received += self.read(deadline)? as u64;
                continue;
            };
            match incoming.take(piece) {
                Progress::More => {}
                end @ (Progress::End | Progress::Endless) => return Ok(end),
            }
        }
    }

    /// Says it to the client, and to whoever watches. `before` is the state
    /// that the session was in.
    fn say(&mut self, answer: &Answer, before: &str) -> Result<(), Lost> {
        let offer = &self.shared.offer;
        let with_enhanced = offer.has(Extension::EnhancedStatusCodes);
        let lines = answer.wire_lines(&offer.hostname, with_enhanced);
        self.recorder.reply(answer, with_enhanced);
        let after = self.session.state().name();
        log::trace!("[{}] {before} -> {after}", self.id);
        for line in &lines {
            log::debug!("[{}] S: {line}", self.id);
            self.wire.say(line)?;
            self.tally.last_reply.clone_from(line);
        }
        if let Some(explainer) = &self.shared.explainer {
            // At a terminal the reply shall stand above its reason.
            self.wire.flush()?;
            explainer.reply(self.id, answer, &lines, [before, after]);
        }
        Ok(())
    }

    /// One line for the whole session.
    fn log_summary(&self, ended: &Result<(), Lost>) {
        let name = self.session.client().map_or("-", |c| &c.name);
        let end = match ended {
            Ok(()) => "closed".to_owned(),
            Err(Lost::Closed) => "client closed".to_owned(),
            Err(Lost::TimedOut) => "timed out".to_owned(),
            Err(Lost::Broken(error)) => error.to_string(),
        };
        if let Some(explainer) = &self.shared.explainer {
            explainer.event(self.id, &end);
        }
        let client = self.client.map_or("-".to_owned(), |c| c.to_string());
        let Tally { messages, recipients, bytes, last_reply } = &self.tally;
        log::info!(
            "[{}] {client} helo={} messages={messages} recipients={recipients} \
             bytes={bytes} last=\"{last_reply}\" {end}",
            self.id,
            printable(name.as_bytes(), LOGGED_BYTES),
        );
    }
}

impl Tally {
    fn add(&mut self, recipients: usize, bytes: u64) {
        self.messages += 1;
        self.recipients += recipients;
        self.bytes += bytes;
    }
}

/// Shows a line of the client to whoever watches.
fn show(id: u64, line: &CommandLine<'_>, explainer: Option<&Explainer>) {
    let (bytes, end) = match line {
        CommandLine::Line(text) => (*text, "\r\n"),
        CommandLine::TooLong(beginning) => (*beginning, "... (too long)"),
        CommandLine::BareLineFeed(text) => (*text, ""),
    };
    log::debug!("[{id}] C: {}", printable(bytes, LOGGED_BYTES));
    if let Some(explainer) = explainer {
        explainer.client(id, &[bytes, end.as_bytes()].concat());
    }
}
