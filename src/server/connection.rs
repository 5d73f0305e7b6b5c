//! One connection: the one place where a socket meets the machine.
//!
//! Read this file from top to bottom, and you walk with a message: bytes come
//! from the wire, become a line, a command, a step of the machine and a reply;
//! after DATA they become text, go to the disk, and get their 250.
//!
//! Guarantees:
//! - 250 after the dot is said only when the message is on the disk
//!   (`mailbox/maildir.rs`);
//! - whatever ends a connection early, no part of a message stays;
//! - memory does not grow with the message, nor with the session.

use super::wire::{Lost, Wire};
use crate::mailbox::directory::Directory;
use crate::mailbox::maildir::{self, Maildirs, Staged};
use crate::protocol::command::Command;
use crate::protocol::data::{DataLine, Message};
use crate::protocol::extension::{Extension, Offer};
use crate::protocol::line::{CommandLine, LineCutter};
use crate::protocol::reply::{self, Answer, Reply};
use crate::protocol::session::{Session, State, Transaction};
use crate::protocol::trace::{self, Received};
use std::io;
use std::net::{IpAddr, TcpStream};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How slowly a message may come: the deadline moves on by one second for
/// each so many bytes.
const BYTES_PER_SECOND: u64 = 500;

/// Of what a client sent, the log gets so many bytes.
const LOGGED_BYTES: usize = 256;

/// What all connections have in common.
pub(super) struct Shared {
    pub(super) offer: Offer,
    pub(super) directory: Directory,
    pub(super) maildirs: Maildirs,
    pub(super) timeout: Duration,
}

/// One client, from the greeting to the last reply.
pub(super) struct Connection<'a> {
    id: u64,
    client: IpAddr,
    shared: &'a Shared,
    wire: Wire<'a>,
    lines: LineCutter,
    session: Session,
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
        client: IpAddr,
        shared: &'a Shared,
        stream: &'a TcpStream,
    ) -> Connection<'a> {
        Connection {
            id,
            client,
            shared,
            wire: Wire::new(stream, shared.timeout),
            lines: LineCutter::default(),
            session: Session::new(shared.offer.clone()),
            tally: Tally::default(),
        }
    }

    /// Serves the client until one of the two has had enough.
    pub(super) fn run(mut self) {
        let ended = self.converse();
        if let Err(Lost::TimedOut) = ended {
            let answer = self.session.hang_up(reply::TIMEOUT);
            // The client may be gone; nothing depends on this reply.
            let _ = self.say(&answer);
        }
        self.log_summary(&ended);
        if !matches!(ended, Err(Lost::Closed | Lost::Broken(_))) {
            self.wire.close();
        }
    }

    /// The whole conversation. An error means that it ended before its time.
    fn converse(&mut self) -> Result<(), Lost> {
        let greeting = self.session.greet();
        self.say(&greeting)?;
        while *self.session.state() != State::Closed {
            let line = self.next_line()?;
            let verdict = line
                .as_ref()
                .ok()
                .and_then(Command::forward_path)
                .map(|path| self.shared.directory.verdict(path));
            let before = self.session.state().name();
            let Some(answer) = self.session.step(line, verdict) else {
                break;
            };
            let after = self.session.state().name();
            log::trace!("[{}] {before} -> {after}", self.id);
            self.say(&answer)?;
            if let State::Data(transaction) = self.session.state() {
                let transaction = transaction.clone();
                self.receive_message(&transaction)?;
            }
        }
        Ok(())
    }

    /// Waits for a line, and reads it as a command. A line that is none comes
    /// back as the reply that says why.
    fn next_line(&mut self) -> Result<Result<Command, Reply>, Lost> {
        let deadline = Instant::now() + self.shared.timeout;
        loop {
            match self.lines.next_command() {
                Some(CommandLine::Line(line)) => {
                    log::debug!("[{}] C: {}", self.id, printable(line));
                    return Ok(Command::parse(line));
                }
                Some(CommandLine::TooLong) => {
                    log::debug!("[{}] C: (too long)", self.id);
                    return Ok(Err(reply::COMMAND_TOO_LONG));
                }
                Some(CommandLine::BareLineFeed) => {
                    log::debug!("[{}] C: (line feed alone)", self.id);
                    return Ok(Err(reply::BARE_LINE_FEED));
                }
                None => self.lines.feed(self.wire.read(deadline)?),
            }
        }
    }

    /// The message, from behind the 354 to the reply to its last dot.
    ///
    /// Whatever is wrong with it or with the disk, it is read to its real end
    /// first: only then does the client listen again.
    fn receive_message(
        &mut self,
        transaction: &Transaction,
    ) -> Result<(), Lost> {
        let mut message = Message::new(self.shared.offer.max_size);
        let mut staged = self.stage(transaction);
        let begin = Instant::now();
        loop {
            let Some(piece) = self.lines.next_piece() else {
                let slack = message.size() / BYTES_PER_SECOND;
                let patience = self.shared.timeout + Duration::from_secs(slack);
                self.lines.feed(self.wire.read(begin + patience)?);
                continue;
            };
            match message.take(piece) {
                DataLine::Text(text) => {
                    staged = staged.and_then(|s| keep(s, text, piece.ends));
                }
                DataLine::End => break,
            }
            if let Some(refusal) = message.refusal() {
                // What was written so far goes away at once.
                staged = Err(refusal);
            }
            if message.is_endless() {
                let answer = self.session.hang_up(reply::ENDLESS_MESSAGE);
                return self.say(&answer);
            }
        }
        log::debug!("[{}] C: ({} bytes)", self.id, message.size());
        let outcome = staged.and_then(|s| self.commit(s, transaction));
        if outcome.is_ok() {
            self.tally.messages += 1;
            self.tally.recipients += transaction.recipients.len();
            self.tally.bytes += message.size();
        }
        let answer = self.session.end_of_data(outcome);
        self.say(&answer)
    }

    /// Opens a file for the message and writes the trace fields on its top.
    fn stage(&self, transaction: &Transaction) -> Result<Staged<'a>, Reply> {
        let recipients = &transaction.recipients;
        self.shared.directory.admit(recipients)?;
        let now = SystemTime::now();
        let staged = self.shared.maildirs.stage(recipients, now);
        let mut staged = staged.map_err(|error| self.trouble(&error))?;
        let path = trace::return_path(&transaction.reverse_path);
        let received = self.received(transaction, staged.id(), now);
        staged
            .write(path.as_bytes())
            .and_then(|()| staged.write(received.as_bytes()))
            .map_err(|error| self.trouble(&error))?;
        Ok(staged)
    }

    fn received(
        &self,
        transaction: &Transaction,
        id: &str,
        now: SystemTime,
    ) -> String {
        let client = self.session.client();
        let is_extended = client.is_some_and(|c| c.is_extended);
        let protocol = match transaction.parameters.utf8 {
            true => "UTF8SMTP", // RFC 6531 4.3
            false if is_extended => "ESMTP",
            false => "SMTP",
        };
        let since_1970 = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        let received = Received {
            client_name: client.map_or("unknown", |c| &c.name),
            client_address: Some(self.client),
            host: &self.shared.offer.hostname,
            protocol,
            id,
            seconds: since_1970.as_secs(),
        };
        received.field()
    }

    /// Makes the message durable. With `Ok` we may say 250.
    fn commit(
        &self,
        staged: Staged<'_>,
        transaction: &Transaction,
    ) -> Result<(), Reply> {
        let name = staged.commit().map_err(|error| self.trouble(&error))?;
        let count = transaction.recipients.len();
        let from = transaction.reverse_path.to_string();
        let from = printable(from.as_bytes());
        log::debug!("[{}] stored {name} from {from} for {count}", self.id);
        Ok(())
    }

    fn trouble(&self, error: &io::Error) -> Reply {
        log::error!("[{}] cannot store the message: {error}", self.id);
        maildir::trouble(error)
    }

    fn say(&mut self, answer: &Answer) -> Result<(), Lost> {
        let offer = &self.shared.offer;
        let with_enhanced = offer.has(Extension::EnhancedStatusCodes);
        let lines = answer.wire_lines(&offer.hostname, with_enhanced);
        for line in lines {
            log::debug!("[{}] S: {line}", self.id);
            self.wire.say(&line)?;
            self.tally.last_reply = line;
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
        let Tally {
            messages,
            recipients,
            bytes,
            last_reply,
        } = &self.tally;
        log::info!(
            "[{}] {} helo={} messages={messages} recipients={recipients} \
             bytes={bytes} last=\"{last_reply}\" {end}",
            self.id,
            self.client,
            printable(name.as_bytes()),
        );
    }
}

/// Writes one piece of the message's text to its file.
fn keep<'a>(
    mut staged: Staged<'a>,
    text: &[u8],
    ends: bool,
) -> Result<Staged<'a>, Reply> {
    let line_end: &[u8] = if ends { b"\n" } else { b"" };
    let written = staged.write(text).and_then(|()| staged.write(line_end));
    match written {
        Ok(()) => Ok(staged),
        Err(error) => {
            log::error!("cannot write the message: {error}");
            Err(maildir::trouble(&error))
        }
    }
}

/// What a client sent, fit for a log: escaped, and not too long.
fn printable(bytes: &[u8]) -> String {
    let shown = bytes.get(..LOGGED_BYTES).unwrap_or(bytes);
    let dots = if shown.len() < bytes.len() { "..." } else { "" };
    format!("{}{dots}", shown.escape_ascii())
}
