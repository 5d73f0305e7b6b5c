//! What becomes of each recipient, and because of what (RFC 5321 4.2.5).
//!
//! Interface:
//!   `Heard`    what was heard where a reply was awaited
//!   `Outcome`  delivered, later or never, with its reason
//!   `Cause`    the server's own words, or what we met instead of words
//!   `Fate`     one recipient after one conversation
//!   `Ledger`   all recipients during one try, over several addresses
//!   `Settled`  one recipient at the end of the try
//!
//! Guarantees:
//! - each recipient comes out once, in the order in which it went in;
//! - what has been settled is not changed by what another host says;
//! - a recipient is given up only if a host refused it, or all hosts refused
//!   us.

use super::address::Mailbox;
use super::decision::{Class, Decision, Kind, NO_CONNECTION};
use super::replies::ServerReply;
use core::fmt;
use core::mem;

/// What was heard where a reply was awaited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// A whole reply.
    Reply(ServerReply),
    /// Nothing in time, or what is no reply: in words.
    NoReply(String),
    /// The end of the connection: in words.
    Gone(String),
}

/// What became of a recipient, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Delivered, later or never.
    pub class: Class,
    /// What was decided, with its rule.
    pub decision: &'static Decision,
    /// What it was decided on.
    pub cause: Cause,
}

/// What was there to decide on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// The server said this.
    Reply(ServerReply),
    /// It said nothing that counts; this happened, in words.
    Trouble(String),
}

/// One recipient at the end of one conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It is over for this try.
    Settled(Outcome),
    /// Another address may be tried. If there is none, this is the outcome.
    Open(Outcome),
}

/// One recipient at the end of a try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// As the envelope has it.
    pub recipient: Mailbox,
    /// What became of it.
    pub outcome: Outcome,
    /// The host that had the last word; empty if none was asked.
    pub host: String,
}

/// The recipients of one mail while it is being tried at one address after the
/// other.
#[derive(Debug)]
pub struct Ledger {
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    is_open: bool,
    is_asked: bool,
    settled: Settled,
}

impl Heard {
    /// The column of the table.
    pub fn kind(&self) -> Kind {
        match self {
            Heard::Reply(reply) => Kind::of(reply.code),
            Heard::NoReply(_) | Heard::Gone(_) => Kind::NoReply,
        }
    }

    /// The cause of an outcome. A yes that leads to anything but success was
    /// out of place.
    pub(super) fn cause(self, class: Class) -> Cause {
        let is_refusal = matches!(
            self.kind(),
            Kind::NotNow | Kind::Closing | Kind::Never | Kind::Full
        );
        match self {
            Heard::Reply(reply) if is_refusal || class == Class::Delivered => {
                Cause::Reply(reply)
            }
            Heard::Reply(reply) => {
                Cause::Trouble(format!("out of place: {}", on_one_line(&reply)))
            }
            Heard::NoReply(why) | Heard::Gone(why) => Cause::Trouble(why),
        }
    }
}

impl Outcome {
    /// For what a client decides by itself.
    pub fn of(decision: &'static Decision, class: Class, why: &str) -> Outcome {
        Outcome { class, decision, cause: Cause::Trouble(why.to_owned()) }
    }

    /// The status code for a bounce or a log: that of the reply, else ours,
    /// else the class and zeros (RFC 3463).
    pub fn status(&self) -> String {
        let class = match self.class {
            Class::Delivered => '2',
            Class::Temporary => '4',
            Class::Permanent => '5',
        };
        let theirs = match &self.cause {
            Cause::Reply(reply) => reply.enhanced(),
            Cause::Trouble(_) => None,
        };
        let codes = [theirs.unwrap_or_default(), self.decision.status];
        let fits = |code: &&str| code.starts_with(class);
        let code = codes.into_iter().find(fits);
        code.map_or(format!("{class}.0.0"), str::to_owned)
    }
}

/// One line for people: what came from outside is escaped.
impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cause {
            Cause::Trouble(words) => f.write_str(words),
            Cause::Reply(reply) => f.write_str(&on_one_line(reply)),
        }
    }
}

fn on_one_line(reply: &ServerReply) -> String {
    reply.lines.join(&b' ').escape_ascii().to_string()
}

impl Ledger {
    /// Nobody has been tried.
    pub fn new(recipients: &[Mailbox]) -> Ledger {
        let why = "no address to try";
        let outcome = Outcome::of(&NO_CONNECTION, Class::Temporary, why);
        let entry = |recipient: &Mailbox| Entry {
            is_open: true,
            is_asked: false,
            settled: Settled {
                recipient: recipient.clone(),
                outcome: outcome.clone(),
                host: String::new(),
            },
        };
        Ledger { entries: recipients.iter().map(entry).collect() }
    }

    /// Those for whom another address may be tried.
    pub fn open(&self) -> Vec<Mailbox> {
        let open = self.entries.iter().filter(|entry| entry.is_open);
        open.map(|entry| entry.settled.recipient.clone()).collect()
    }

    /// Enters what `host` has made of those that were open, in their order.
    pub fn enter(&mut self, host: &str, fates: Vec<Fate>) {
        let open = self.entries.iter_mut().filter(|entry| entry.is_open);
        for (entry, fate) in open.zip(fates) {
            entry.take(host, fate);
        }
    }

    /// Enters the same for all that are open.
    pub fn enter_all(&mut self, host: &str, outcome: &Outcome) {
        for entry in self.entries.iter_mut().filter(|entry| entry.is_open) {
            entry.take(host, Fate::Open(outcome.clone()));
        }
    }

    /// The end of the try.
    pub fn close(self) -> Vec<Settled> {
        self.entries.into_iter().map(|entry| entry.settled).collect()
    }
}

impl Entry {
    /// While it is open, one "not now" outweighs every "never": only if all
    /// hosts refuse, it is final.
    fn take(&mut self, host: &str, fate: Fate) {
        let (outcome, is_open) = match fate {
            Fate::Settled(outcome) => (outcome, false),
            Fate::Open(outcome) => (outcome, true),
        };
        self.is_open = is_open;
        let is_first = !mem::replace(&mut self.is_asked, true);
        let was_later = self.settled.outcome.class == Class::Temporary;
        let is_never = outcome.class == Class::Permanent;
        if is_open && is_never && was_later && !is_first {
            return;
        }
        self.settled.outcome = outcome;
        host.clone_into(&mut self.settled.host);
    }
}
