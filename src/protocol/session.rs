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
//!   `Turn`         what a command leads to: a step, or a question
//!   `Question`     is this recipient welcome? the server looks it up
//!   `Step`         what is said, and the states before and after
//!   `State`        where the session is
//!   `Transaction`  the mail that is being handed over
//!   `Verdict`      the answer to a question
//!
//! Session and transaction are two things: RSET, EHLO and the end of the data
//! drop the transaction and keep the session.
//!
//! The machine does no work of its own. It does not know of sockets, clocks or
//! mailboxes: it asks, and the verdict on a recipient comes in as data.

use super::address::{ForwardPath, Mailbox, ReversePath};
use super::command::{self, Command, Parameter};
use super::extension::{Extension, MailParameters, Offer};
use super::reply::{self, Answer, Reply};
use core::{fmt, mem};

/// With this mistake a session ends (RFC 5321 7.8).
pub const ERROR_LIMIT: usize = 20;

// ANCHOR: state
/// Where a session is. The variants own their data.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum State {
    /// The client has not said hello.
    #[default]
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

/// The name of a state, without what the state holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StateName {
    /// See [`State::Connected`].
    Connected,
    /// See [`State::Greeted`].
    Greeted,
    /// See [`State::Mail`].
    Mail,
    /// See [`State::Rcpt`].
    Rcpt,
    /// See [`State::Data`].
    Data,
    /// See [`State::Closed`].
    Closed,
}

/// As the table in the book has it.
impl fmt::Display for StateName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// One mail on its way in: from whom, and to whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transaction {
    /// Where a bounce would go.
    pub reverse_path: ReversePath,
    /// Where a copy goes, each place once.
    pub recipients: Vec<Destination>,
    /// What the parameters of MAIL said.
    pub parameters: MailParameters,
    /// Whether a recipient was refused before one was accepted.
    pub has_refused: bool,
}

/// Where mail for a recipient goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// Into a mailbox of this server.
    Here(LocalMailbox),
    /// To the server of another domain, which is looked up later.
    Elsewhere(Mailbox),
}

/// A mailbox of this server, in the one spelling that the directory has for it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LocalMailbox {
    /// The domain, in lower case.
    pub domain: String,
    /// The local part, in lower case and without a `+tag`.
    pub local_part: String,
}

/// Whether a recipient is welcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is, and its mail goes there.
    Welcome(Destination),
    /// It is not, or not now.
    Refused(Reply),
}

/// Who the client says it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// The name after HELO or EHLO.
    pub name: String,
    /// Whether it was EHLO: then extensions were offered.
    pub is_extended: bool,
}

/// What a command leads to.
#[derive(Debug)]
pub enum Turn<'a> {
    /// The machine has made its step.
    Step(Step),
    /// The machine has to know something first.
    Ask(Question<'a>),
    /// Nothing: in `Data` a line is text and belongs to the message, and after
    /// `Closed` no line is read.
    Nothing,
}

/// A step of the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What is said to the client.
    pub answer: Answer,
    /// The state that the session was in.
    pub before: StateName,
    /// The state that it is in now.
    pub after: StateName,
}

/// The client names a recipient: is it welcome?
#[derive(Debug)]
#[must_use = "the client waits for a reply"]
pub struct Question<'a> {
    session: &'a mut Session,
    path: ForwardPath,
}

impl Question<'_> {
    /// The recipient, as the client has written it.
    pub fn forward_path(&self) -> &ForwardPath {
        &self.path
    }

    /// Makes the step that waited for this.
    pub fn answer(self, verdict: Verdict) -> Step {
        let Question { session, .. } = self;
        session.make_step(|session| {
            let verdict = session.with_room(verdict);
            session.transition(|state| state.on_rcpt(verdict))
        })
    }
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

    /// Where the session is.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Who the client says it is, once it has said so.
    pub fn client(&self) -> Option<&Client> {
        self.client.as_ref()
    }

    /// The first words. The server speaks first (RFC 5321 3.1).
    pub fn greet(&mut self) -> Step {
        self.make_step(|_| reply::GREETING.into())
    }

    /// Takes one command of the client.
    ///
    /// A RCPT that may come now leads to a question: the machine knows no
    /// mailboxes. Every other command leads to a step at once.
    pub fn step(&mut self, command: Command) -> Turn<'_> {
        match (&self.state, command) {
            (State::Data(_) | State::Closed, _) => Turn::Nothing,
            (State::Mail(_) | State::Rcpt(_), Command::Rcpt(path, list)) => {
                match self.refusal(&path, &list) {
                    None => Turn::Ask(Question { session: self, path }),
                    Some(refusal) => Turn::Step(self.refuse_rcpt(refusal)),
                }
            }
            (_, command) => {
                let is_hello = command.is_hello();
                let mut step = self.make_step(|session| session.obey(command));
                // Also a 421 instead of its reply has none (RFC 2034
                // section 4).
                step.answer.with_enhanced &= !is_hello;
                Turn::Step(step)
            }
        }
    }

    // ANCHOR: end_of_data
    /// The message has come to its end, and this became of it. The
    /// transaction is dropped either way (RFC 5321 4.1.1.4).
    pub fn end_of_data(&mut self, outcome: Result<(), Reply>) -> Step {
        self.make_step(|session| {
            session.state = State::Greeted;
            match outcome {
                Ok(()) => reply::STORED.into(),
                Err(refusal) => refusal.into(),
            }
        })
    }
    // ANCHOR_END: end_of_data

    /// The server ends the session for a reason of its own. The transaction
    /// is dropped.
    pub fn hang_up(&mut self, reason: Reply) -> Step {
        self.make_step(|session| {
            session.state = State::Closed;
            reason.into()
        })
    }

    /// Notes the states around a step. The last mistake that is allowed gets a
    /// good-bye instead of its reply.
    fn make_step(&mut self, act: impl FnOnce(&mut Session) -> Answer) -> Step {
        let before = self.state.name();
        let mut answer = act(self);
        self.errors += usize::from(answer.reply.is_client_error());
        if self.errors >= ERROR_LIMIT && answer.reply.is_client_error() {
            self.state = State::Closed;
            answer = reply::TOO_MANY_ERRORS.into();
        }
        answer.with_enhanced = self.offer.has(Extension::EnhancedStatusCodes);
        Step { answer, before, after: self.state.name() }
    }

    fn obey(&mut self, command: Command) -> Answer {
        match command {
            Command::Ehlo(name) => self.on_ehlo(name),
            Command::Helo(name) => self.on_helo(name),
            Command::Mail(path, list) => {
                let parameters = self.mail_parameters(&list);
                self.transition(|state| state.on_mail(path, parameters))
            }
            Command::Rcpt(..) => self.transition(State::on_early_rcpt),
            Command::Data => self.transition(State::on_data),
            Command::Rset => self.transition(State::on_rset),
            Command::Vrfy => reply::CANNOT_VERIFY.into(),
            Command::Help(topic) => self.help(topic),
            Command::Noop => reply::NOOP_OK.into(),
            Command::Quit => self.close(reply::GOODBYE),
            Command::NotImplemented => reply::NOT_IMPLEMENTED.into(),
            Command::Http => self.close(reply::HTTP_ON_THE_PORT),
            Command::UnreadableHello(why) | Command::Unreadable(why) => {
                why.into()
            }
            Command::UnreadableRcpt(why) => {
                self.transition(|state| state.on_unreadable_rcpt(why))
            }
        }
    }

    /// Each transition consumes the state that it leaves, and gives the next.
    fn transition(
        &mut self,
        transition: impl FnOnce(State) -> (State, Reply),
    ) -> Answer {
        let (state, reply) = transition(mem::take(&mut self.state));
        self.state = state;
        reply.into()
    }

    fn close(&mut self, last_words: Reply) -> Answer {
        self.state = State::Closed;
        last_words.into()
    }

    /// EHLO opens the session, or starts it over: the transaction is dropped
    /// (RFC 5321 4.1.4).
    fn on_ehlo(&mut self, name: String) -> Answer {
        self.client = Some(Client { name, is_extended: true });
        self.state = State::Greeted;
        let lines = self.offer.ehlo_lines();
        Answer { lines, ..reply::EHLO_OK.into() }
    }

    /// HELO does the same, without extensions.
    fn on_helo(&mut self, name: String) -> Answer {
        self.client = Some(Client { name, is_extended: false });
        self.state = State::Greeted;
        reply::HELO_OK.into()
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

    /// Why a recipient is refused before anybody looks it up: RCPT has no
    /// parameters here, and an address beyond ASCII must have been announced
    /// (RFC 6531 3.5).
    fn refusal(&self, path: &ForwardPath, list: &[Parameter]) -> Option<Reply> {
        let transaction = self.state.transaction();
        let is_utf8 = transaction.is_some_and(|t| t.parameters.utf8);
        if !list.is_empty() {
            Some(reply::UNKNOWN_PARAMETER)
        } else if !path.is_ascii() && !is_utf8 {
            Some(reply::RECIPIENT_NEEDS_SMTPUTF8)
        } else {
            None
        }
    }

    fn refuse_rcpt(&mut self, refusal: Reply) -> Step {
        let verdict = Verdict::Refused(refusal);
        self.make_step(|session| {
            session.transition(|state| state.on_rcpt(verdict))
        })
    }

    /// A transaction has room for some recipients and no more. One that it has
    /// already takes no room.
    fn with_room(&self, verdict: Verdict) -> Verdict {
        let transaction = self.state.transaction();
        match (verdict, transaction) {
            (Verdict::Welcome(new), Some(transaction))
                if transaction.recipients.len()
                    >= self.offer.max_recipients
                    && !transaction.has(&new) =>
            {
                Verdict::Refused(reply::TOO_MANY_RECIPIENTS)
            }
            (verdict, _) => verdict,
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
            return Answer { lines, ..reply::HELP.into() };
        };
        match command::syntax_of(&topic) {
            Some(syntax) => Answer {
                lines: vec![syntax.to_owned()],
                ..reply::HELP_TOPIC.into()
            },
            None => reply::UNKNOWN_TOPIC.into(),
        }
    }
}

/// The transitions of a transaction, each consuming the state it leaves.
///
/// `Data` and `Closed` are named in each, but never met: `step` does nothing
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
                Verdict::Welcome(destination),
            ) => {
                let transaction = transaction.with(destination);
                (State::Rcpt(transaction), reply::RECIPIENT_OK)
            }
            (State::Mail(transaction), Verdict::Refused(refusal)) => {
                (State::Mail(transaction.with_refused()), refusal)
            }
            (state @ State::Rcpt(_), Verdict::Refused(refusal)) => {
                (state, refusal)
            }
            (
                state @ (State::Connected
                | State::Greeted
                | State::Data(_)
                | State::Closed),
                _,
            ) => state.on_early_rcpt(),
        }
    }

    /// RCPT before MAIL has nothing to add to (RFC 5321 4.1.4).
    fn on_early_rcpt(self) -> (State, Reply) {
        match self {
            State::Greeted | State::Mail(_) | State::Rcpt(_) => {
                (self, reply::MAIL_FIRST)
            }
            State::Connected | State::Data(_) | State::Closed => {
                (self, reply::HELLO_FIRST)
            }
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

    /// The name of the state.
    pub fn name(&self) -> StateName {
        match self {
            State::Connected => StateName::Connected,
            State::Greeted => StateName::Greeted,
            State::Mail(_) => StateName::Mail,
            State::Rcpt(_) => StateName::Rcpt,
            State::Data(_) => StateName::Data,
            State::Closed => StateName::Closed,
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

    /// The mailboxes of this server that get a copy.
    pub fn local_mailboxes(&self) -> Vec<LocalMailbox> {
        let here = |destination: &Destination| match destination {
            Destination::Here(mailbox) => Some(mailbox.clone()),
            Destination::Elsewhere(_) => None,
        };
        self.recipients.iter().filter_map(here).collect()
    }

    /// The recipients whose mail is sent on.
    pub fn recipients_elsewhere(&self) -> Vec<Mailbox> {
        let elsewhere = |destination: &Destination| match destination {
            Destination::Elsewhere(mailbox) => Some(mailbox.clone()),
            Destination::Here(_) => None,
        };
        self.recipients.iter().filter_map(elsewhere).collect()
    }

    fn has(&self, destination: &Destination) -> bool {
        self.recipients.iter().any(|known| known.is_same(destination))
    }

    /// Two spellings of one mailbox are one recipient.
    fn with(mut self, destination: Destination) -> Transaction {
        if !self.has(&destination) {
            self.recipients.push(destination);
        }
        self
    }

    fn with_refused(mut self) -> Transaction {
        self.has_refused = true;
        self
    }
}

impl Destination {
    /// Whether mail for both is one mail. A local part elsewhere is for its
    /// own server to understand; the domain is the same in any case
    /// (RFC 5321 2.4).
    fn is_same(&self, other: &Destination) -> bool {
        match (self, other) {
            (Destination::Here(one), Destination::Here(two)) => one == two,
            (Destination::Elsewhere(one), Destination::Elsewhere(two)) => {
                one.local_part == two.local_part
                    && one.host.canonical() == two.host.canonical()
            }
            (Destination::Here(_), Destination::Elsewhere(_))
            | (Destination::Elsewhere(_), Destination::Here(_)) => false,
        }
    }
}

impl Client {
    /// How a message came, for its Received field (RFC 5321 4.4; UTF8SMTP:
    /// RFC 6531 4.3).
    pub fn protocol(&self, parameters: &MailParameters) -> &'static str {
        match (parameters.utf8, self.is_extended) {
            (true, _) => "UTF8SMTP",
            (false, true) => "ESMTP",
            (false, false) => "SMTP",
        }
    }
}
