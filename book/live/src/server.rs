//! One client and one server, in the page: `server/connection.rs` without
//! sockets, clocks and threads, and with memory for a disk.
//!
//! What the two must have in common is tested: the transcripts are played
//! against this one too, and random sessions against both.
//!
//! An exercise may add a state or an answer to `src/protocol`. So the last arm
//! of a match takes all that is left.

use crate::mailbox::directory::{Directory, Found};
use crate::protocol::address::ForwardPath;
use crate::protocol::command::Command;
use crate::protocol::data::{Message, Taken};
use crate::protocol::extension::Offer;
use crate::protocol::line::{CommandLine, LineCutter, Piece};
use crate::protocol::reply::{self, Reply};
use crate::protocol::session::{
    Destination, Session, State, Step, Transaction, Turn, Verdict,
};
use crate::protocol::trace::{self, Received};
use crate::settings::Settings;
use crate::tell::{Telling, state};
use std::net::{IpAddr, Ipv4Addr};

/// The client is on the same machine as the page.
const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// A server with one client.
pub(crate) struct Server {
    offer: Offer,
    directory: Directory,
    lines: LineCutter,
    session: Session,
    /// After DATA: the message, as far as it has come.
    incoming: Option<Incoming>,
    /// How many messages have begun.
    messages: u64,
    seconds: u64,
}

/// A message on its way in.
struct Incoming {
    message: Message,
    /// What would be in the file, or why there is none.
    file: Result<Vec<u8>, Reply>,
}

impl Server {
    /// A server with these options, and its first words.
    pub(crate) fn start(options: &str) -> (Server, Vec<u8>) {
        let Settings { offer, directory, wrong } = Settings::read(options);
        let mut telling = Telling::default();
        for word in wrong {
            telling.tell("wrong", &[word.as_bytes()]);
        }
        let mut server = Server {
            session: Session::new(offer.clone()),
            offer,
            directory,
            lines: LineCutter::default(),
            incoming: None,
            messages: 0,
            seconds: 0,
        };
        let before = state(&server.session);
        let greeting = server.session.greet();
        server.say(&greeting, before, &mut telling);
        (server, telling.into_bytes())
    }

    /// Takes what the client has sent, and gives what is to be told of it.
    pub(crate) fn think(&mut self, bytes: &[u8], seconds: u64) -> Vec<u8> {
        self.seconds = seconds;
        let mut telling = Telling::default();
        self.lines.feed(bytes);
        while self.make_a_step(&mut telling) {}
        if bytes.is_empty() && self.lacks_line_feed() {
            let (told, command) = heard(&self.lines.give_up_line());
            telling.tell("client", &[&told]);
            self.obey(command, &mut telling);
        }
        telling.into_bytes()
    }

    /// Whether the client may think that it has ended a command.
    fn lacks_line_feed(&self) -> bool {
        let takes_commands =
            !matches!(self.session.state(), State::Data(_) | State::Closed);
        takes_commands && self.lines.lacks_line_feed()
    }

    /// One line further; `false` if there is none.
    fn make_a_step(&mut self, telling: &mut Telling) -> bool {
        if *self.session.state() == State::Closed {
            return false;
        }
        if matches!(self.session.state(), State::Data(_)) {
            return self.take_a_piece(telling);
        }
        let Some(line) = self.lines.next_command() else {
            return false;
        };
        let (told, command) = heard(&line);
        telling.tell("client", &[&told]);
        self.obey(command, telling);
        true
    }

    fn obey(&mut self, command: Command, telling: &mut Telling) {
        let before = state(&self.session);
        let step = match self.session.step(command) {
            Turn::Step(step) => step,
            Turn::Ask(question) => {
                let verdict = verdict(&self.directory, question.forward_path());
                question.answer(verdict)
            }
            _ => return,
        };
        self.say(&step, before, telling);
    }

    /// The same for a line of the message.
    fn take_a_piece(&mut self, telling: &mut Telling) -> bool {
        let Some(incoming) = self.open_incoming() else {
            return false;
        };
        let Some(piece) = self.lines.next_piece() else {
            self.incoming = Some(incoming);
            return false;
        };
        let end: &[u8] = if piece.ends { b"\r\n" } else { b"" };
        telling.tell("text", &[&[piece.text, end].concat()]);
        match incoming.take(piece) {
            Progress::More(incoming) => self.incoming = Some(incoming),
            Progress::End(file) => self.end_of_data(file, telling),
            Progress::Endless => {
                let before = state(&self.session);
                let step = self.session.hang_up(reply::ENDLESS_MESSAGE);
                self.say(&step, before, telling);
            }
        }
        true
    }

    /// The message that is coming in; a new one, if none has begun.
    fn open_incoming(&mut self) -> Option<Incoming> {
        if let Some(incoming) = self.incoming.take() {
            return Some(incoming);
        }
        self.messages += 1;
        let transaction = self.session.state().transaction()?;
        // In a page there is no disk that could fail after this.
        let mailboxes = transaction.local_mailboxes();
        let admitted = self.directory.take_places(&mailboxes);
        let admitted = admitted.map(|places| places.keep());
        Some(Incoming {
            message: Message::new(self.offer.max_size),
            file: admitted.map(|()| self.trace_fields(transaction)),
        })
    }

    fn trace_fields(&self, transaction: &Transaction) -> Vec<u8> {
        let client = self.session.client();
        let protocol = |c: &crate::protocol::session::Client| {
            c.protocol(&transaction.parameters)
        };
        let received = Received {
            client_name: client.map_or("unknown", |c| &c.name),
            client_address: Some(CLIENT),
            host: &self.offer.hostname,
            protocol: client.map_or("SMTP", protocol),
            id: &format!("page{}", self.messages),
            seconds: self.seconds,
        };
        let path = trace::return_path(&transaction.reverse_path);
        (path + &received.field()).into_bytes()
    }

    /// The message was read to its end: it is stored before its 250.
    fn end_of_data(
        &mut self,
        file: Result<Vec<u8>, Reply>,
        telling: &mut Telling,
    ) {
        let before = state(&self.session);
        if let (Ok(file), Some(transaction)) =
            (&file, self.session.state().transaction())
        {
            let mailboxes = transaction.local_mailboxes();
            let addresses = mailboxes.iter();
            let addresses: Vec<String> = addresses
                .map(|m| format!("{}@{}", m.local_part, m.domain))
                .collect();
            telling.tell("mail", &[addresses.join(" ").as_bytes(), file]);
        }
        let step = self.session.end_of_data(file.map(|_| ()));
        self.say(&step, before, telling);
    }

    /// Tells a step: what was said, why, and what the server holds now.
    fn say(&mut self, step: &Step, before: String, telling: &mut Telling) {
        let states = [before, state(&self.session)];
        telling.step(step, &self.offer.hostname, &states);
        telling.holds(&self.session);
        if *self.session.state() == State::Closed {
            telling.tell("closed", &[]);
        }
    }
}

/// How far a message has come: see `server/incoming.rs`.
enum Progress {
    More(Incoming),
    End(Result<Vec<u8>, Reply>),
    Endless,
}

impl Incoming {
    fn take(mut self, piece: Piece<'_>) -> Progress {
        match self.message.take(piece) {
            Taken::Text(text) => self.store(text, piece.ends),
            Taken::BodyWithoutHeader(text) => {
                self.store(b"", true);
                self.store(text, piece.ends);
            }
            Taken::Refused(why) => self.file = Err(why),
            Taken::End(Ok(())) => return Progress::End(self.file),
            Taken::End(Err(why)) => return Progress::End(Err(why)),
            _ => return Progress::Endless,
        }
        Progress::More(self)
    }

    fn store(&mut self, text: &[u8], ends: bool) {
        if let Ok(file) = &mut self.file {
            file.extend_from_slice(text);
            file.extend_from_slice(if ends { b"\n" } else { b"" });
        }
    }
}

/// What the page is told of a command line, and what it asks for.
fn heard(line: &CommandLine<'_>) -> (Vec<u8>, Command) {
    let (text, end): (&[u8], &[u8]) = match line {
        CommandLine::Line(text) => (text, b"\r\n"),
        CommandLine::TooLong(beginning) => (beginning, b"... (too long)"),
        CommandLine::BareLineFeed(text) | CommandLine::NoLineFeed(text) => {
            (text, b"")
        }
    };
    ([text, end].concat(), Command::read(line))
}

/// Whether a recipient is welcome: the page relays nothing.
fn verdict(directory: &Directory, path: &ForwardPath) -> Verdict {
    match directory.find(path) {
        Found::Here(mailbox) => Verdict::Welcome(Destination::Here(mailbox)),
        Found::Refused(refusal) => Verdict::Refused(refusal),
        _ => Verdict::Refused(reply::RELAYING_REFUSED),
    }
}
