//! A server with one client, without sockets, disk and clock: what it says to
//! some bytes, and why. It is `src/server/connection.rs`, as far as that needs
//! nothing but `protocol` and the directory.

use pillarbox::mailbox::directory::{Directory, Found};
use pillarbox::options::{self, Invocation};
use pillarbox::protocol::address::ForwardPath;
use pillarbox::protocol::command::Command;
use pillarbox::protocol::data::{Message, Taken};
use pillarbox::protocol::line::LineCutter;
use pillarbox::protocol::reply;
use pillarbox::protocol::session::{
    Destination, Session, State, Step, Turn, Verdict,
};
use pillarbox::server::Settings;

/// The names that a transcript takes for granted.
const CAST: [(&str, &str); 4] = [
    ("hostname", "mx.example.org"),
    ("domain", "example.org"),
    ("mailbox", "bob@example.org"),
    ("mailbox", "carol@example.org"),
];

/// A reply of the server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Said {
    pub lines: Vec<String>,
    pub rule: String,
    pub section: String,
    pub before: String,
    pub after: String,
}

/// A server with one client.
pub struct Server {
    settings: Settings,
    directory: Directory,
    lines: LineCutter,
    session: Session,
    /// After DATA: the message, as far as it has come.
    message: Option<Message>,
}

impl Server {
    /// A server with the options of a transcript, and its greeting.
    pub fn start(given: &[(String, String)]) -> (Server, Said) {
        let settings = settings(given);
        let domains = settings.domains.clone();
        let directory = Directory::new(domains, settings.mailboxes.clone());
        let session = Session::new(settings.offer.clone());
        let (lines, message) = (LineCutter::default(), None);
        let mut server =
            Server { settings, directory, lines, session, message };
        let before = state_name(&server.session);
        let greeting = server.session.greet();
        let said = server.said(&greeting, before);
        (server, said)
    }

    /// Its own name.
    pub fn host(&self) -> &str {
        &self.settings.offer.hostname
    }

    /// What it says to these bytes.
    pub fn hear(&mut self, bytes: &[u8]) -> Vec<Said> {
        self.lines.feed(bytes);
        let mut all = Vec::new();
        while let Some(said) = self.next() {
            all.extend(said);
        }
        all
    }

    /// What it says when nothing comes any more: somebody who has sent a
    /// carriage return alone may wait for an answer.
    pub fn hear_nothing(&mut self) -> Option<Said> {
        let state = self.session.state();
        let takes_commands = !matches!(state, State::Data(_) | State::Closed);
        if !takes_commands || !self.lines.lacks_line_feed() {
            return None;
        }
        let command = Command::read(&self.lines.give_up_line());
        self.obey(command)
    }

    /// One line further, and what is said to it. None: there is no whole line.
    fn next(&mut self) -> Option<Option<Said>> {
        match self.session.state() {
            State::Closed => None,
            State::Data(_) => self.take_a_piece(),
            _ => {
                let command = Command::read(&self.lines.next_command()?);
                Some(self.obey(command))
            }
        }
    }

    fn obey(&mut self, command: Command) -> Option<Said> {
        let before = state_name(&self.session);
        let step = match self.session.step(command) {
            Turn::Step(step) => step,
            Turn::Ask(question) => {
                let relays = self.settings.relay.is_some();
                let path = question.forward_path();
                let verdict = verdict(&self.directory, relays, path);
                question.answer(verdict)
            }
            _ => return None,
        };
        Some(self.said(&step, before))
    }

    fn take_a_piece(&mut self) -> Option<Option<Said>> {
        let piece = self.lines.next_piece()?;
        let size = self.settings.offer.max_size;
        let message = self.message.get_or_insert_with(|| Message::new(size));
        let before = state_name(&self.session);
        let step = match message.take(piece) {
            Taken::End(outcome) => self.session.end_of_data(outcome),
            Taken::Endless => self.session.hang_up(reply::ENDLESS_MESSAGE),
            _ => return Some(None),
        };
        self.message = None;
        Some(Some(self.said(&step, before)))
    }

    fn said(&self, step: &Step, before: String) -> Said {
        let reply = step.answer.reply;
        Said {
            lines: step.answer.wire_lines(self.host()),
            rule: reply.rule.to_owned(),
            section: reply.section.to_owned(),
            before,
            after: state_name(&self.session),
        }
    }
}

/// The options of a transcript, as `pillarbox serve` takes them. A queue need
/// not be there: nothing is stored here.
fn settings(given: &[(String, String)]) -> Settings {
    let is_given = |key: &str| given.iter().any(|(other, _)| other == key);
    let cast = CAST.iter().filter(|(key, _)| !is_given(key));
    let given = given.iter().map(|(key, value)| match key.as_str() {
        "relay" => "--queue=none".to_owned(),
        key => format!("--{key}={value}"),
    });
    let mut words = vec!["serve".to_owned()];
    words.extend(cast.map(|(key, value)| format!("--{key}={value}")));
    words.extend(given);
    match options::parse(&words) {
        Ok(Invocation::Serve(settings)) => *settings,
        other => panic!("{words:?}: {:?}", other.err()),
    }
}

/// Whether a recipient is welcome.
fn verdict(directory: &Directory, relays: bool, path: &ForwardPath) -> Verdict {
    match (directory.find(path), path) {
        (Found::Here(mailbox), _) => {
            Verdict::Welcome(Destination::Here(mailbox))
        }
        (Found::Refused(refusal), _) => Verdict::Refused(refusal),
        (_, ForwardPath::Mailbox(mailbox)) if relays => {
            Verdict::Welcome(Destination::Elsewhere(mailbox.clone()))
        }
        _ => Verdict::Refused(reply::RELAYING_REFUSED),
    }
}

/// `Mail*` is the state `Mail` in which a recipient was refused: DATA is
/// answered differently there.
pub fn state_name(session: &Session) -> String {
    let state = session.state();
    let is_refused = state
        .transaction()
        .is_some_and(|open| open.has_refused && open.recipients.is_empty());
    format!("{}{}", state.name(), if is_refused { "*" } else { "" })
}
