//! A server without a socket and without a disk: bytes go in, replies and
//! stored messages come out. It is `src/server/connection.rs` with nothing
//! around it.
//!
//! Interface:
//!   `Server`  `hear` what a client sends; what was `said` and `stored`
//!   `Mail`    a message that was stored

use pillarbox::mailbox::directory::{Directory, Found};
use pillarbox::protocol::address::ForwardPath;
use pillarbox::protocol::command::Command;
use pillarbox::protocol::data::{Message, Taken};
use pillarbox::protocol::extension::{Extension, Offer};
use pillarbox::protocol::line::LineCutter;
use pillarbox::protocol::reply::{self, Reply};
use pillarbox::protocol::session::{
    Destination, LocalMailbox, Question, Session, State, Step, Transaction,
    Turn, Verdict,
};
use pillarbox::protocol::trace::{Received, return_path};

/// What it calls itself. It keeps the mail of this domain,
pub const HOST: &str = "example.org";

/// and accepts mail for this one, to send it on.
const ELSEWHERE: &str = "b.example";

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
    pub trace: String,
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
                max_recipients: 3,
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

    /// It has waited for the line feed after a carriage return, or a NUL, and
    /// nothing has come.
    pub fn wait_for_a_line_feed(&mut self) {
        let is_text = matches!(self.session.state(), State::Data(_));
        if !is_text && !self.is_closed() && self.lines.lacks_line_feed() {
            let command = Command::read(&self.lines.give_up_line());
            self.obey(command);
        }
    }

    fn obey_a_command(&mut self) -> bool {
        let Some(line) = self.lines.next_command() else { return false };
        let command = Command::read(&line);
        self.obey(command);
        true
    }

    fn obey(&mut self, command: Command) {
        let step = match self.session.step(command) {
            Turn::Step(step) => step,
            Turn::Ask(question) => {
                let verdict = verdict(&self.directory, &question);
                question.answer(verdict)
            }
            Turn::Nothing => panic!("a command in the middle of a message"),
        };
        self.say(&step);
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
            let open = open.expect("the message has a transaction");
            let mailboxes = open.local_mailboxes();
            let elsewhere = open.recipients_elsewhere();
            assert!(mailboxes.len() + elsewhere.len() > 0, "for nobody");
            let trace = self.trace(open);
            self.stored.push(Mail { mailboxes, trace, text });
        });
        let step = self.session.end_of_data(outcome);
        self.say(&step);
    }

    fn trace(&self, open: &Transaction) -> String {
        let client = self.session.client().expect("it has said hello");
        let received = Received {
            client_name: &client.name,
            client_address: None,
            host: HOST,
            protocol: client.protocol(&open.parameters),
            id: "1",
            seconds: 1_795_412_756,
        };
        return_path(&open.reverse_path) + &received.field()
    }

    fn say(&mut self, step: &Step) {
        for line in step.answer.wire_lines(HOST) {
            self.said.extend_from_slice(line.as_bytes());
            self.said.extend_from_slice(b"\r\n");
        }
    }
}

fn verdict(directory: &Directory, question: &Question<'_>) -> Verdict {
    match (directory.find(question.forward_path()), question.forward_path()) {
        (Found::Here(mailbox), _) => {
            Verdict::Welcome(Destination::Here(mailbox))
        }
        (Found::Elsewhere, ForwardPath::Mailbox(mailbox))
            if mailbox.host.canonical() == ELSEWHERE =>
        {
            Verdict::Welcome(Destination::Elsewhere(mailbox.clone()))
        }
        (Found::Elsewhere, _) => Verdict::Refused(reply::RELAYING_REFUSED),
        (Found::Refused(why), _) => Verdict::Refused(why),
    }
}
