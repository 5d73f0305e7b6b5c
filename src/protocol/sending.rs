//! The client's machine: a reply goes in, the next commands come out
//! (RFC 5321 3.2, 3.3 and 4.2.1; in groups: RFC 2920).
//!
//! ```text
//!            220           2xx                354         sent
//! Greeting ──────► Ehlo ────────► Envelope ───────► Text ──────► Dot
//!                   │ 5xx    2xx     ▲                            │ 2xx
//!                   └────► Helo ─────┤ the next mail              │ 4xx
//!                                    └────────────── Ready ◄──────┘ 5xx
//! ```
//!
//! If nobody is accepted, Envelope leads to Ready as well. What ends the
//! connection leads to Closed.
//!
//! What an answer means is looked up in the table of `decision.rs`; here it is
//! done. Session and transaction are two things, as on the server's side: one
//! `Dialogue` carries one `Delivery` after the other (`delivery.rs`).
//!
//! Interface:
//!   `Dialogue`  one connection, from the greeting to QUIT: `hear`, `begin`
//!   `Turn`      what was decided, and what is to be done next
//!   `State`     where it is
//!
//! The machine has no clock and no socket: `Step::patience` says how long to
//! wait for an answer, and a silence comes in as data.

use super::decision::{self, Act, Decision, Kind, Step, decide};
use super::delivery::{Delivery, Stage};
use super::extension::Extension;
use super::outcome::{Fate, Heard, Outcome};
use super::outgoing::{ClientCommand, Envelope};
use super::replies::{Limits, ServerOffer};
use core::mem;

/// How much of a reply a client reads. RFC 5321 4.5.3.1.5 allows a server 512
/// bytes a line; not all know it.
pub const REPLY_LIMITS: Limits = Limits { line: 2048, reply: 64 * 1024 };

/// One connection carries at most this many mails.
pub const MAILS_PER_CONNECTION: usize = 100;

/// What was decided, and what is to be done next.
#[derive(Debug, PartialEq, Eq)]
pub struct Turn {
    /// With its rule.
    pub decision: &'static Decision,
    /// For the driver, which has the socket.
    pub next: Next,
}

/// What the driver does next.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// Says this, in one write, and listens.
    Say(Vec<ClientCommand>),
    /// Listens: more replies to the same write are to come.
    Listen,
    /// Sends the text and the dot, and listens.
    SendText,
    /// Nothing: the transaction is over. A fate for each recipient, in order.
    Done(Vec<Fate>),
    /// Nothing: the connection was of no use. The mail goes over a new one.
    Anew,
}

/// Where a dialogue is.
#[derive(Debug)]
pub enum State {
    /// An answer is awaited, for the sake of this mail.
    Waiting(Stage, Delivery),
    /// The session is open, and has nothing to do.
    Ready,
    /// The connection is given up.
    Closed,
}

/// One connection, as its client sees it.
#[derive(Debug)]
pub struct Dialogue {
    /// What we call ourselves.
    name: String,
    state: State,
    offer: ServerOffer,
    /// Whether the session was ever open.
    has_opened: bool,
    /// How many mails it has carried.
    carried: usize,
    /// Whether the server may have a transaction open.
    needs_rset: bool,
    /// Whether the server listens to a last command.
    says_quit: bool,
}

impl Dialogue {
    /// A connection on which nothing was said, and the mail it is made for.
    /// The first thing to do is to listen.
    pub fn new(name: &str, envelope: Envelope) -> Dialogue {
        let delivery = Delivery::new(envelope);
        Dialogue {
            name: name.to_owned(),
            state: State::Waiting(Stage::Greeting, delivery),
            offer: ServerOffer::default(),
            has_opened: false,
            carried: 0,
            needs_rset: false,
            says_quit: true,
        }
    }

    /// Where it is.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Whether the server has opened the session: it speaks SMTP, and to us.
    pub fn has_opened(&self) -> bool {
        self.has_opened
    }

    /// Whether the next mail may go over this connection.
    pub fn is_reusable(&self) -> bool {
        matches!(self.state, State::Ready)
            && self.carried < MAILS_PER_CONNECTION
    }

    /// What the next answer is for. It says how long to wait.
    pub fn step(&self) -> Step {
        match &self.state {
            State::Waiting(stage, delivery) => {
                delivery.step(*stage, self.carried > 0)
            }
            State::Ready | State::Closed => Step::MailAgain,
        }
    }

    /// What is to be said before the connection is closed. The reply is not
    /// waited for: whatever it is, it would change nothing. And nothing is
    /// said in the middle of a text, where it would be read as text.
    pub fn last_words(&self) -> Option<ClientCommand> {
        let in_text = matches!(self.state, State::Waiting(Stage::Text, _));
        (self.says_quit && !in_text).then_some(ClientCommand::Quit)
    }

    /// Begins the next mail on a connection that is ready.
    pub fn begin(&mut self, envelope: Envelope) -> Turn {
        match self.state {
            State::Ready => {
                self.open(&decision::NEXT_MAIL, Delivery::new(envelope))
            }
            State::Waiting(..) | State::Closed => Turn::ANEW,
        }
    }

    /// Takes the answer to what was asked last, or what came in its place.
    pub fn hear(&mut self, heard: Heard) -> Turn {
        match mem::replace(&mut self.state, State::Closed) {
            State::Waiting(stage, delivery) => {
                self.answer(stage, delivery, heard)
            }
            State::Ready | State::Closed => Turn::ANEW,
        }
    }

    /// The text has left, with its dot.
    pub fn text_is_sent(&mut self) {
        self.state = match mem::replace(&mut self.state, State::Closed) {
            State::Waiting(Stage::Text, delivery) => {
                State::Waiting(Stage::Dot, delivery)
            }
            other @ (State::Waiting(..) | State::Ready | State::Closed) => {
                other
            }
        };
    }

    /// The text cannot be sent, for a reason of our own. The connection is
    /// given up: without a dot nothing is delivered.
    pub fn text_fails(&mut self, outcome: Outcome) -> Turn {
        self.says_quit = false;
        let decision = outcome.decision;
        let next = match mem::replace(&mut self.state, State::Closed) {
            State::Waiting(_, mut delivery) => {
                delivery.apply(decision.act, &outcome);
                Next::Done(delivery.fates(&outcome))
            }
            State::Ready | State::Closed => Next::Anew,
        };
        Turn { decision, next }
    }

    /// Looks the answer up in the table, and does what it says.
    fn answer(
        &mut self,
        stage: Stage,
        mut delivery: Delivery,
        heard: Heard,
    ) -> Turn {
        let step = delivery.step(stage, self.carried > 0);
        let kind = heard.kind();
        let decision = decide(step, kind);
        let is_heard = !matches!(heard, Heard::Gone(_));
        self.says_quit =
            is_heard && kind != Kind::Closing && step != Step::Text;
        self.needs_rset = stage == Stage::Envelope;
        if decision.act == Act::Open {
            // The reply to HELO offers nothing, whatever is in it.
            if let (Step::Ehlo, Heard::Reply(reply)) = (step, &heard) {
                self.offer = ServerOffer::read(reply);
            }
            return self.open(decision, delivery);
        }
        let class = decision.act.class();
        let outcome = Outcome { class, decision, cause: heard.cause(class) };
        if stage == Stage::Envelope {
            delivery.count_answer();
        }
        delivery.apply(decision.act, &outcome);
        let next = self.follow(decision.act, delivery, &outcome);
        Turn { decision, next }
    }

    /// What is done next, and where the dialogue is then.
    fn follow(
        &mut self,
        act: Act,
        delivery: Delivery,
        outcome: &Outcome,
    ) -> Next {
        match act {
            Act::SayEhlo => {
                let hello = ClientCommand::Ehlo(self.name.clone());
                self.say(Stage::Ehlo, delivery, vec![hello])
            }
            Act::SayHelo => {
                let hello = ClientCommand::Helo(self.name.clone());
                self.say(Stage::Helo, delivery, vec![hello])
            }
            Act::SendDot => {
                self.say(Stage::Dot, delivery, vec![ClientCommand::Dot])
            }
            Act::SendText => {
                self.state = State::Waiting(Stage::Text, delivery);
                Next::SendText
            }
            Act::Open
            | Act::GoOn
            | Act::Accept
            | Act::SettleAll(_)
            | Act::SettleOne(_)
            | Act::SettleAccepted(_) => self.go_on(delivery),
            Act::Abort(_) | Act::Elsewhere(_) => {
                Next::Done(delivery.fates(outcome))
            }
            Act::Anew => Next::Anew,
        }
    }

    /// The session is open: the mail gets its commands, unless the server
    /// cannot do what it needs.
    fn open(
        &mut self,
        decision: &'static Decision,
        mut delivery: Delivery,
    ) -> Turn {
        self.has_opened = true;
        delivery.plan(&self.offer, self.needs_rset);
        if let Some(outcome) = delivery.objection(&self.offer) {
            delivery.apply(outcome.decision.act, &outcome);
            self.state = State::Ready;
            let next = Next::Done(delivery.fates(&outcome));
            return Turn { decision: outcome.decision, next };
        }
        Turn { decision, next: self.go_on(delivery) }
    }

    // ANCHOR: go_on
    /// More replies, more commands, or the end of the delivery.
    fn go_on(&mut self, mut delivery: Delivery) -> Next {
        if delivery.awaits_more() {
            self.state = State::Waiting(Stage::Envelope, delivery);
            return Next::Listen;
        }
        if delivery.is_over() {
            self.carried += 1;
            self.state = State::Ready;
            return Next::Done(delivery.settled());
        }
        let is_pipelined = self.offer.has(Extension::Pipelining);
        let group = delivery.next_group(is_pipelined);
        self.say(Stage::Envelope, delivery, group)
    }
    // ANCHOR_END: go_on

    fn say(
        &mut self,
        stage: Stage,
        delivery: Delivery,
        commands: Vec<ClientCommand>,
    ) -> Next {
        self.state = State::Waiting(stage, delivery);
        Next::Say(commands)
    }
}

impl Turn {
    const ANEW: Turn = Turn { decision: &decision::USED_UP, next: Next::Anew };
}

#[cfg(test)]
mod tests;
