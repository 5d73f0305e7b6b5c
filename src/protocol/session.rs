//! The server's machine: a state and a command give the next state and a reply
//! (RFC 5321 4.1.4 and 4.3.2).
//!
//! ```text
//!             EHLO          MAIL        RCPT        DATA
//! Connected ───────► Greeted ────► Mail ────► Rcpt ────► Data ─┐
//!                       ▲                                      │ CR LF . CR LF
//!                       └──────────────────────────────────────┘
//!         RSET, EHLO and HELO lead back to Greeted; QUIT leads to Closed.
//! ```
//!
//! Interface:
//!   `Session`      one client's session: `greet`, `step`, `end_of_data`
//!   `State`        where it stands
//!   `Transaction`  the mail that is being handed over
//!   `Verdict`      what the directory of mailboxes says of a recipient
//!
//! Session and transaction are two things: RSET, EHLO and the end of the data
//! drop the transaction and keep the session.
//!
//! The machine does no work of its own. It does not know of sockets, clocks or
//! mailboxes: what the mailboxes say of a recipient comes in as data.

use super::address::{ForwardPath, ReversePath};
use super::command::{self, Command, Parameter, Parsed};
use super::extension::{Extension, MailParameters, Offer};
use super::reply::{self, Answer, Reply};
use core::mem;

/// With this mistake a session ends (RFC 5321 7.8).
pub const ERROR_LIMIT: usize = 20;

// ANCHOR: state
/// Where a session stands. The variants own their data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// The client has not said hello.
    Connected,
    /// It has; no transaction is open.
    Greeted,
    /// A transaction is open and has no recipient yet.
    Mail(Transaction),
    /// A transaction is open and has a recipient at least.
    Rcpt(Transaction),
    /// The message is coming in: lines are text, not commands.
    Data(Transaction),
    /// The server has said its last word.
    Closed,
}
// ANCHOR_END: state

/// One mail on its way in: from whom, and to whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transaction {
    /// Where a bounce would go.
    pub reverse_path: ReversePath,
    /// The mailboxes here that get a copy, each once.
    pub recipients: Vec<LocalMailbox>,
    /// What the parameters of MAIL said.
    pub parameters: MailParameters,
    /// Whether a recipient was refused before one was accepted.
    pub has_refused: bool,
}

/// A mailbox of this server, in the one spelling that the directory has for it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LocalMailbox {
    /// The domain, in lower case.
    pub domain: String,
    /// The local part, in lower case and without a `+tag`.
    pub local_part: String,
}

/// What the directory of mailboxes says of a recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It lives here.
    Welcome(LocalMailbox),
    /// It does not, or not now.
    Refused(Reply),
}

/// Who the client says it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// The name behind HELO or EHLO.
    pub name: String,
    /// Whether it was EHLO: then extensions were offered.
    pub is_extended: bool,
}

/// One client's session.
#[derive(Debug, Clone)]
pub struct Session {
    offer: Offer,
    state: State,
    client: Option<Client>,
    errors: usize,
}

impl Session {
    /// A session in which nothing has been said.
    pub fn new(offer: Offer) -> Session {
        Session { offer, state: State::Connected, client: None, errors: 0 }
    }

    /// The first words. The server speaks first (RFC 5321 3.1).
    pub fn greet(&self) -> Answer {
        reply::GREETING.into()
    }

    /// Where the session stands.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Who the client says it is, once it has said so.
    pub fn client(&self) -> Option<&Client> {
        self.client.as_ref()
    }

    /// Takes one line of the client, and gives the reply.
    ///
    /// A line that could not be read comes in as the reply that says why. If
    /// the command is a RCPT, `verdict` is what the directory says of it.
    ///
    /// Nothing is said in two states: in `Data` a line is text and belongs to
    /// the message, and after `Closed` no line is read.
    pub fn step(
        &mut self,
        line: Parsed,
        verdict: Option<Verdict>,
    ) -> Option<Answer> {
        if matches!(self.state, State::Data(_) | State::Closed) {
            return None;
        }
        let answer = match line {
            Ok(command) => self.obey(command, verdict),
            Err(refusal) => refusal.into(),
        };
        Some(self.count_error(answer))
    }

    // ANCHOR: end_of_data
    /// The message has come to its end, and this became of it. The
    /// transaction is dropped either way (RFC 5321 4.1.1.4).
    pub fn end_of_data(&mut self, outcome: Result<(), Reply>) -> Answer {
        self.state = State::Greeted;
        match outcome {
            Ok(()) => reply::STORED.into(),
            Err(refusal) => refusal.into(),
        }
    }
    // ANCHOR_END: end_of_data

    /// The server ends the session for a reason of its own. The transaction
    /// is dropped.
    pub fn hang_up(&mut self, reason: Reply) -> Answer {
        self.state = State::Closed;
        reason.into()
    }

    fn obey(&mut self, command: Command, verdict: Option<Verdict>) -> Answer {
        // Each transition consumes the state that it leaves. `Closed` holds
        // its place for that moment.
        let state = mem::replace(&mut self.state, State::Closed);
        let (state, answer) = match command {
            Command::Ehlo(name) => self.on_ehlo(name),
            Command::Helo(name) => self.on_helo(name),
            Command::Mail(path, list) => {
                plain(state.on_mail(path, self.mail_parameters(&list)))
            }
            Command::Rcpt(path, list) => {
                let verdict = self.judge(&path, &list, verdict, &state);
                plain(state.on_rcpt(verdict))
            }
            Command::Data => plain(state.on_data()),
            Command::Rset => plain(state.on_rset()),
            Command::Vrfy => plain((state, reply::CANNOT_VERIFY)),
            Command::Help(topic) => (state, self.help(topic)),
            Command::Noop => plain((state, reply::NOOP_OK)),
            Command::Quit => plain((State::Closed, reply::GOODBYE)),
            Command::UnreadableRcpt(why) => {
                plain(state.on_unreadable_rcpt(why))
            }
            Command::NotImplemented => plain((state, reply::NOT_IMPLEMENTED)),
            Command::Http => plain((State::Closed, reply::HTTP_ON_THE_PORT)),
        };
        self.state = state;
        answer
    }

    /// EHLO opens the session, or starts it over: the transaction is dropped
    /// (RFC 5321 4.1.4).
    fn on_ehlo(&mut self, name: String) -> (State, Answer) {
        self.client = Some(Client { name, is_extended: true });
        let lines = self.offer.ehlo_lines();
        (State::Greeted, Answer { reply: reply::EHLO_OK, lines })
    }

    /// HELO does the same, without extensions.
    fn on_helo(&mut self, name: String) -> (State, Answer) {
        self.client = Some(Client { name, is_extended: false });
        (State::Greeted, reply::HELO_OK.into())
    }

    // ANCHOR: mail_parameters
    /// What the parameters of a MAIL say. To a client that said HELO nothing
    /// was offered.
    fn mail_parameters(
        &self,
        list: &[Parameter],
    ) -> Result<MailParameters, Reply> {
        let is_extended = self.client.as_ref().is_some_and(|c| c.is_extended);
        let offer = is_extended.then_some(&self.offer);
        let parameters = MailParameters::read(list, offer)?;
        match parameters.size {
            Some(size) if size > self.offer.max_size => {
                Err(reply::DECLARED_TOO_BIG)
            }
            Some(_) | None => Ok(parameters),
        }
    }
    // ANCHOR_END: mail_parameters

    /// What is to be said of a recipient, before its mailbox is looked at:
    /// RCPT has no parameters here, an address beyond ASCII must have been
    /// announced, and a transaction has only so much room.
    fn judge(
        &self,
        path: &ForwardPath,
        list: &[Parameter],
        verdict: Option<Verdict>,
        state: &State,
    ) -> Verdict {
        if !list.is_empty() {
            return Verdict::Refused(reply::UNKNOWN_PARAMETER);
        }
        let transaction = state.transaction();
        let is_utf8 = transaction.is_some_and(|t| t.parameters.utf8);
        if !path.is_ascii() && !is_utf8 {
            return Verdict::Refused(reply::RECIPIENT_NEEDS_SMTPUTF8);
        }
        let recipients = transaction.map_or(&[][..], |t| &t.recipients);
        let is_full = recipients.len() >= self.offer.max_recipients;
        match verdict.unwrap_or(Verdict::Refused(reply::LOCAL_ERROR)) {
            Verdict::Welcome(new) if is_full && !recipients.contains(&new) => {
                Verdict::Refused(reply::TOO_MANY_RECIPIENTS)
            }
            verdict @ (Verdict::Welcome(_) | Verdict::Refused(_)) => verdict,
        }
    }

    fn help(&self, topic: Option<String>) -> Answer {
        if !self.offer.has(Extension::Help) {
            return reply::NOT_IMPLEMENTED.into();
        }
        let Some(topic) = topic else {
            let names: Vec<&str> = command::names().collect();
            let lines = vec![
                format!("Commands: {}", names.join(" ")),
                "HELP command tells how it is written".to_owned(),
            ];
            return Answer { reply: reply::HELP, lines };
        };
        match command::syntax_of(&topic) {
            Some(syntax) => Answer {
                reply: reply::HELP_TOPIC,
                lines: vec![syntax.to_owned()],
            },
            None => reply::UNKNOWN_TOPIC.into(),
        }
    }

    /// The last mistake that is allowed gets a good-bye instead of its reply.
    fn count_error(&mut self, answer: Answer) -> Answer {
        if answer.reply.is_client_error() {
            self.errors += 1;
        }
        if self.errors < ERROR_LIMIT {
            answer
        } else {
            self.hang_up(reply::TOO_MANY_ERRORS)
        }
    }
}

/// The transitions of a transaction, each consuming the state it leaves.
///
/// `Data` and `Closed` are named in each, but never met: `step` says nothing
/// in them.
impl State {
    /// MAIL opens a transaction (RFC 5321 4.1.1.2).
    fn on_mail(
        self,
        reverse_path: ReversePath,
        parameters: Result<MailParameters, Reply>,
    ) -> (State, Reply) {
        match self {
            State::Greeted => match parameters {
                Err(refusal) => (State::Greeted, refusal),
                Ok(found) if !reverse_path.is_ascii() && !found.utf8 => {
                    (State::Greeted, reply::SENDER_NEEDS_SMTPUTF8)
                }
                Ok(found) => {
                    let transaction = Transaction::new(reverse_path, found);
                    (State::Mail(transaction), reply::SENDER_OK)
                }
            },
            State::Mail(_) | State::Rcpt(_) => (self, reply::NESTED_MAIL),
            State::Connected | State::Data(_) | State::Closed => {
                (self, reply::HELLO_FIRST)
            }
        }
    }

    /// RCPT adds one recipient to the open transaction (RFC 5321 4.1.1.3).
    ///
    /// A refused recipient leaves the others as they are: the client may go
    /// on.
    fn on_rcpt(self, verdict: Verdict) -> (State, Reply) {
        match (self, verdict) {
            (
                State::Mail(transaction) | State::Rcpt(transaction),
                Verdict::Welcome(recipient),
            ) => {
                (State::Rcpt(transaction.with(recipient)), reply::RECIPIENT_OK)
            }
            (State::Mail(transaction), Verdict::Refused(refusal)) => {
                (State::Mail(transaction.with_refused()), refusal)
            }
            (state @ State::Rcpt(_), Verdict::Refused(refusal)) => {
                (state, refusal)
            }
            (state @ State::Greeted, _) => (state, reply::MAIL_FIRST),
            (
                state @ (State::Connected | State::Data(_) | State::Closed),
                _,
            ) => (state, reply::HELLO_FIRST),
        }
    }

    /// A RCPT that cannot be read refuses its recipient, in any state.
    fn on_unreadable_rcpt(self, why: Reply) -> (State, Reply) {
        match self {
            State::Mail(transaction) => {
                (State::Mail(transaction.with_refused()), why)
            }
            State::Connected
            | State::Greeted
            | State::Rcpt(_)
            | State::Data(_)
            | State::Closed => (self, why),
        }
    }

    // ANCHOR: on_data
    /// DATA begins the message, if there is somebody to get it
    /// (RFC 5321 4.1.1.4 and 3.3).
    fn on_data(self) -> (State, Reply) {
        match self {
            State::Rcpt(transaction) => {
                (State::Data(transaction), reply::START_DATA)
            }
            State::Mail(ref transaction) if transaction.has_refused => {
                (self, reply::NO_VALID_RECIPIENTS)
            }
            State::Mail(_) => (self, reply::RCPT_FIRST),
            State::Greeted => (self, reply::MAIL_FIRST),
            State::Connected | State::Data(_) | State::Closed => {
                (self, reply::HELLO_FIRST)
            }
        }
    }
    // ANCHOR_END: on_data

    // ANCHOR: on_rset
    /// RSET drops the transaction (RFC 5321 4.1.1.5).
    fn on_rset(self) -> (State, Reply) {
        match self {
            State::Mail(_) | State::Rcpt(_) => {
                (State::Greeted, reply::RESET_OK)
            }
            State::Connected
            | State::Greeted
            | State::Data(_)
            | State::Closed => (self, reply::RESET_OK),
        }
    }
    // ANCHOR_END: on_rset

    /// The open transaction, if there is one.
    pub fn transaction(&self) -> Option<&Transaction> {
        match self {
            State::Mail(transaction)
            | State::Rcpt(transaction)
            | State::Data(transaction) => Some(transaction),
            State::Connected | State::Greeted | State::Closed => None,
        }
    }

    /// The name of the state, as the table in the book has it.
    pub fn name(&self) -> &'static str {
        match self {
            State::Connected => "Connected",
            State::Greeted => "Greeted",
            State::Mail(_) => "Mail",
            State::Rcpt(_) => "Rcpt",
            State::Data(_) => "Data",
            State::Closed => "Closed",
        }
    }
}

impl Transaction {
    fn new(
        reverse_path: ReversePath,
        parameters: MailParameters,
    ) -> Transaction {
        Transaction {
            reverse_path,
            recipients: Vec::new(),
            parameters,
            has_refused: false,
        }
    }

    /// Two spellings of one mailbox are one recipient.
    fn with(mut self, recipient: LocalMailbox) -> Transaction {
        if !self.recipients.contains(&recipient) {
            self.recipients.push(recipient);
        }
        self
    }

    fn with_refused(mut self) -> Transaction {
        self.has_refused = true;
        self
    }
}

fn plain((state, reply): (State, Reply)) -> (State, Answer) {
    (state, reply.into())
}
