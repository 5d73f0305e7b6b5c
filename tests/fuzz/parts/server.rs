//! A server without a socket and without a disk: bytes go in, replies and
//! stored messages come out. It is `src/server/connection.rs` with nothing
//! around it.
//!
//! Interface:
//!   `Server`  `hear` what a client sends; what was `said` and `stored`
//!   `Mail`    a message that was stored

use pillarbox::mailbox::directory::{Directory, Found};
use pillarbox::protocol::command::Command;
use pillarbox::protocol::data::{Message, Taken};
use pillarbox::protocol::extension::{Extension, Offer};
use pillarbox::protocol::line::LineCutter;
use pillarbox::protocol::reply::{self, Reply};
use pillarbox::protocol::session::{
    Destination, LocalMailbox, Session, State, Step, Turn, Verdict,
};

/// What it calls itself. It keeps the mail of this domain.
pub const HOST: &str = "example.org";

/// The largest message that it takes.
pub const MAX_SIZE: u64 = 300;

/// One session of a server.
pub struct Server {
    directory: Directory,
    lines: LineCutter,
    session: Session,
    message: Message,
    /// The message that is coming in, or why it is refused.
    text: Result<Vec<u8>, Reply>,
    /// What it has said to the client.
    pub said: Vec<u8>,
    /// What is in its mailboxes.
    pub stored: Vec<Mail>,
}

/// A message that was stored.
#[derive(Debug, PartialEq, Eq)]
pub struct Mail {
    pub mailboxes: Vec<LocalMailbox>,
    pub text: Vec<u8>,
}

impl Server {
    /// A server that has greeted. It knows of one mailbox, Bob's, and of the
    /// postmaster's.
    pub fn new(without: Vec<Extension>) -> Server {
        let bob = LocalMailbox {
            domain: HOST.to_owned(),
            local_part: "bob".to_owned(),
        };
        let mut server = Server {
            directory: Directory::new(vec![HOST.to_owned()], vec![bob]),
            lines: LineCutter::default(),
            session: Session::new(Offer {
                hostname: HOST.to_owned(),
                max_size: MAX_SIZE,
                max_recipients: 100,
                without,
            }),
            message: Message::new(MAX_SIZE),
            text: Ok(Vec::new()),
            said: Vec::new(),
            stored: Vec::new(),
        };
        let greeting = server.session.greet();
        server.say(&greeting);
        server
    }

    /// Whether it has closed the connection.
    pub fn is_closed(&self) -> bool {
        *self.session.state() == State::Closed
    }

    /// Takes what one read has brought.
    pub fn hear(&mut self, bytes: &[u8]) {
        self.lines.feed(bytes);
        loop {
            let went_on = match self.session.state() {
                State::Closed => false,
                State::Data(_) => self.take_a_piece(),
                State::Connected
                | State::Greeted
                | State::Mail(_)
                | State::Rcpt(_) => self.obey_a_command(),
            };
            if !went_on {
                break;
            }
        }
    }

    fn obey_a_command(&mut self) -> bool {
        let Some(line) = self.lines.next_command() else { return false };
        let step = match self.session.step(Command::read(&line)) {
            Turn::Step(step) => step,
            Turn::Ask(question) => {
                let found = self.directory.find(question.forward_path());
                question.answer(match found {
                    Found::Here(mailbox) => {
                        Verdict::Welcome(Destination::Here(mailbox))
                    }
                    Found::Elsewhere => {
                        Verdict::Refused(reply::RELAYING_REFUSED)
                    }
                    Found::Refused(why) => Verdict::Refused(why),
                })
            }
            Turn::Nothing => panic!("a command in the middle of a message"),
        };
        self.say(&step);
        true
    }

    fn take_a_piece(&mut self) -> bool {
        let Some(piece) = self.lines.next_piece() else { return false };
        let line_end: &[u8] = if piece.ends { b"\n" } else { b"" };
        let parts: [&[u8]; 3] = match self.message.take(piece) {
            Taken::Text(text) => [b"", text, line_end],
            Taken::BodyWithoutHeader(text) => [b"\n", text, line_end],
            Taken::Refused(why) => {
                self.text = Err(why);
                return true;
            }
            Taken::End(outcome) => {
                self.end_of_data(outcome);
                return true;
            }
            Taken::Endless => panic!("nobody sends as much as that here"),
        };
        if let Ok(text) = &mut self.text {
            parts.iter().for_each(|part| text.extend_from_slice(part));
        }
        true
    }

    fn end_of_data(&mut self, outcome: Result<(), Reply>) {
        let text = std::mem::replace(&mut self.text, Ok(Vec::new()));
        self.message = Message::new(MAX_SIZE);
        let outcome = outcome.and(text).map(|text| {
            let open = self.session.state().transaction();
            let mailboxes = open.map(|open| open.local_mailboxes());
            let mailboxes = mailboxes.unwrap_or_default();
            self.stored.push(Mail { mailboxes, text });
        });
        let step = self.session.end_of_data(outcome);
        self.say(&step);
    }

    fn say(&mut self, step: &Step) {
        for line in step.answer.wire_lines(HOST) {
            self.said.extend_from_slice(line.as_bytes());
            self.said.extend_from_slice(b"\r\n");
        }
    }
}
