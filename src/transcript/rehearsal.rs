//! Plays a page against our own server to hear what it says, not to judge it.
//!
//! It does what `replay.rs` does, but does not stop where a reply is another
//! one than on the page: each reply and each message goes to the `Page`, which
//! takes note of the difference. It stops where the talk itself takes another
//! course: a reply that does not come, or one too many.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use super::edit::Page;
use super::matching::Names;
use super::script::{
    Action, MailboxAddress, MailboxStep, ReplyStep, Step, Transcript,
};
use super::talk::{Connection, Trouble};
use super::text::{Text, escape};

/// How long a step waits for the server.
const DEADLINE: Duration = Duration::from_secs(10);

/// The line at which the talk took another course, and what happened.
pub(super) type Stopped = (usize, String);

/// A page that is being played.
pub(super) struct Rehearsal<'a> {
    pub(super) address: SocketAddr,
    /// The folder of the mailboxes, empty at the start.
    pub(super) mail: PathBuf,
    pub(super) page: &'a mut Page,
    names: Names,
    connections: BTreeMap<Option<u8>, Connection>,
    /// What a client has said and nobody has sent yet.
    pending: Option<(Option<u8>, Vec<u8>)>,
}

impl<'a> Rehearsal<'a> {
    pub(super) fn new(
        address: SocketAddr,
        mail: PathBuf,
        page: &'a mut Page,
    ) -> Rehearsal<'a> {
        Rehearsal {
            address,
            mail,
            page,
            names: Names::default(),
            connections: BTreeMap::new(),
            pending: None,
        }
    }

    /// Plays it from top to bottom.
    pub(super) fn play(
        &mut self,
        transcript: &Transcript,
    ) -> Result<(), Stopped> {
        for step in &transcript.steps {
            let stopped = |what| (step.source.line, what);
            self.step(step).map_err(stopped)?;
        }
        Ok(())
    }

    fn step(&mut self, step: &Step) -> Result<(), String> {
        let client = self.pending.as_ref().map(|(client, _)| *client);
        let goes_on = client == Some(step.client);
        if !goes_on || !step.action.is_sent_by_client() {
            self.write_pending()?;
        }
        match &step.action {
            Action::Send(text) => self.say(step.client, text, b"\r\n"),
            Action::SendRaw(text) => self.say(step.client, text, b""),
            Action::Reply(wanted) => self.reply(step, wanted),
            Action::ClientConnects => self.connection(step.client).map(|_| ()),
            Action::ClientCloses => {
                self.connection(step.client)?;
                self.connections.remove(&step.client);
                Ok(())
            }
            Action::ServerCloses => {
                let until = Instant::now() + DEADLINE;
                let closed = self.connection(step.client)?.closes(until);
                self.connections.remove(&step.client);
                closed.map_err(in_words)
            }
            Action::Silence(time) => {
                let until = Instant::now() + *time;
                let silent = self.connection(step.client)?.silence(until);
                silent.map_err(in_words)
            }
            Action::Wait(time) => {
                thread::sleep(*time);
                Ok(())
            }
            Action::Mailbox(wanted) => self.mailbox(wanted),
            Action::ReplyRaw(_) | Action::RestOfMessage => {
                Err("this file plays the server".to_owned())
            }
        }
    }

    fn say(
        &mut self,
        client: Option<u8>,
        text: &Text,
        end: &[u8],
    ) -> Result<(), String> {
        let no_value = |name| format!("{{{name}}} has no value");
        let bytes = self.names.expand(text).map_err(no_value)?;
        self.connection(client)?;
        let new = || (client, Vec::new());
        let (_, pending) = self.pending.get_or_insert_with(new);
        pending.extend(bytes);
        pending.extend(end);
        Ok(())
    }

    fn write_pending(&mut self) -> Result<(), String> {
        if let Some((client, bytes)) = self.pending.take() {
            self.connection(client)?.write(&bytes);
        }
        Ok(())
    }

    fn reply(&mut self, step: &Step, wanted: &ReplyStep) -> Result<(), String> {
        let until = Instant::now() + DEADLINE;
        let said = self.connection(step.client)?.reply(until);
        let said = said.map_err(in_words)?;
        self.page.reply(step, wanted, &said, &mut self.names);
        Ok(())
    }

    fn mailbox(&mut self, wanted: &MailboxStep) -> Result<(), String> {
        let unreadable =
            |error: io::Error| format!("the mailbox cannot be read: {error}");
        let messages =
            messages(&self.mail, &wanted.address).map_err(unreadable)?;
        for (lines, message) in wanted.messages.iter().zip(messages) {
            self.page.message(lines, &message, &mut self.names);
        }
        Ok(())
    }

    /// The connection of a client. Its first line opens it.
    fn connection(
        &mut self,
        client: Option<u8>,
    ) -> Result<&mut Connection, String> {
        if !self.connections.contains_key(&client) {
            let connection = Connection::open(self.address, DEADLINE)
                .map_err(|error| format!("no connection: {error}"))?;
            self.connections.insert(client, connection);
        }
        let connection = self.connections.get_mut(&client);
        connection.ok_or_else(|| "no connection".to_owned())
    }
}

/// All messages of a mailbox, in the order of their names.
fn messages(mail: &Path, address: &MailboxAddress) -> io::Result<Vec<Vec<u8>>> {
    let mailbox = mail
        .join(address.domain.to_lowercase())
        .join(address.local_part.to_lowercase());
    let entries = match fs::read_dir(mailbox.join("new")) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(Vec::new());
        }
        entries => entries?,
    };
    let paths = entries.map(|entry| entry.map(|entry| entry.path()));
    let mut paths: Vec<PathBuf> = paths.collect::<io::Result<_>>()?;
    paths.sort();
    paths.iter().map(fs::read).collect()
}

/// What came, where the page has something else.
fn in_words(trouble: Trouble) -> String {
    let (what, heard) = match trouble {
        Trouble::Late { heard } => ("the server says nothing", heard),
        Trouble::Closed { heard } => ("the server closes", heard),
        Trouble::Broken { heard } => ("the connection is reset", heard),
        Trouble::Spoke { heard } => ("the server says more", heard),
        Trouble::Malformed { reason, heard } => (reason, heard),
    };
    match heard.is_empty() {
        true => what.to_owned(),
        false => format!("{what}: {}", escape(&heard)),
    }
}
