//! What watches a session beside the connection: the log, the live dialogue,
//! the recording, and the count for the summary.
//!
//! The connection tells a `Watch` what happens, and goes on. What a client sent
//! is printed escaped, so that it can forge no line of the log.
//!
//! What must never be: that a session suffers because it is watched.

use super::live::{LOGGED_BYTES, explainer, print};
use super::recorder::Recorder;
use super::shared::Shared;
use crate::protocol::explain::Explainer;
use crate::protocol::line::CommandLine;
use crate::protocol::session::{Client, Step};
use crate::transcript::record::privacy::{HOLE, Privacy};
use crate::wire::Lost;
use crate::words::printable;
use std::borrow::Cow;
use std::net::IpAddr;
use std::time::{Duration, SystemTime};

/// Watches one session.
pub(super) struct Watch {
    id: u64,
    client: Option<IpAddr>,
    explainer: Option<Explainer>,
    recorder: Recorder,
    /// Knows what must not be shown.
    privacy: Privacy,
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

impl Watch {
    /// Begins to watch session `id`, as `shared` says.
    pub(super) fn new(
        id: u64,
        client: Option<IpAddr>,
        shared: &Shared,
    ) -> Watch {
        let recorder = shared
            .recorders
            .as_ref()
            .map(|recorders| recorders.start(id, client, SystemTime::now()));
        Watch {
            id,
            client,
            explainer: shared.explain.then(|| explainer(id, false)),
            recorder: recorder.unwrap_or_default(),
            privacy: Privacy::default(),
            tally: Tally::default(),
        }
    }

    /// Whether somebody reads the dialogue as it goes.
    pub(super) fn is_explaining(&self) -> bool {
        self.explainer.is_some()
    }

    /// The connection came from this client.
    pub(super) fn connected(&self) {
        if let (Some(explainer), Some(client)) = (&self.explainer, self.client)
        {
            print(&explainer.event(&format!("connected from {client}")));
        }
    }

    /// One read has brought these bytes.
    pub(super) fn received(&mut self, bytes: &[u8]) {
        self.recorder.client(bytes);
    }

    /// They held a command line.
    pub(super) fn command(&mut self, line: &CommandLine<'_>) {
        let (bytes, end) = match line {
            CommandLine::Line(text) => (*text, "\r\n"),
            CommandLine::TooLong(beginning) => (*beginning, "... (too long)"),
            CommandLine::BareLineFeed(text) | CommandLine::NoLineFeed(text) => {
                (*text, "")
            }
        };
        let bytes = self.without_secret(bytes, end);
        log::debug!("[{}] C: {}", self.id, printable(&bytes, LOGGED_BYTES));
        if let Some(explainer) = &self.explainer {
            print(&explainer.client(&[&bytes, end.as_bytes()].concat()));
        }
    }

    /// A password is shown no more than it is recorded.
    fn without_secret<'a>(
        &mut self,
        line: &'a [u8],
        end: &str,
    ) -> Cow<'a, [u8]> {
        let words = self.privacy.client(&[line, end.as_bytes()].concat());
        match words.contains(HOLE) {
            true => Cow::Owned(words.into_bytes()),
            false => Cow::Borrowed(line),
        }
    }

    /// They held a message, up to its dot.
    pub(super) fn message(&self, lines: u64, bytes: u64) {
        log::debug!("[{}] C: ({bytes} bytes)", self.id);
        if let Some(explainer) = &self.explainer {
            print(&explainer.message(lines, bytes));
        }
    }

    /// A message is on the disk.
    pub(super) fn stored(&mut self, recipients: usize, bytes: u64) {
        self.tally.messages += 1;
        self.tally.recipients += recipients;
        self.tally.bytes += bytes;
    }

    /// The machine has made a step, and `lines` went on the wire.
    pub(super) fn said(&mut self, step: &Step, lines: &[String]) {
        self.recorder.reply(&step.answer);
        self.privacy.reply(step.answer.reply.code);
        log::trace!("[{}] {} -> {}", self.id, step.before, step.after);
        for line in lines {
            log::debug!("[{}] S: {line}", self.id);
            self.tally.last_reply.clone_from(line);
        }
        if let Some(explainer) = &self.explainer {
            print(&explainer.step(step, lines));
        }
    }

    /// The client has said nothing for so long.
    pub(super) fn timed_out(&mut self, silence: Duration) {
        self.recorder.timed_out(silence);
    }

    /// The session is over: one line for all of it.
    pub(super) fn ended(
        &mut self,
        client: Option<&Client>,
        ended: &Result<(), Lost>,
    ) {
        self.recorder.end(ended);
        let end = match ended {
            Ok(()) => "closed".to_owned(),
            Err(Lost::Closed) => "client closed".to_owned(),
            Err(lost @ (Lost::TimedOut | Lost::Broken(_))) => lost.to_string(),
        };
        if let Some(explainer) = &self.explainer {
            print(&explainer.event(&end));
        }
        let name = client.map_or("-", |client| &client.name);
        let name = printable(name.as_bytes(), LOGGED_BYTES);
        let client = self.client.map_or("-".to_owned(), |ip| ip.to_string());
        let Tally { messages, recipients, bytes, last_reply } = &self.tally;
        log::info!(
            "[{}] {client} helo={name} messages={messages} \
             recipients={recipients} bytes={bytes} last=\"{last_reply}\" {end}",
            self.id,
        );
    }
}
