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
//! - a recipient is given up only if a host refused it, all hosts refused us,
//!   or the host lacks what the mail needs.

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

/// So much is kept of a reply, for each recipient: a host may say a thousand
/// lines, and a message may have a thousand recipients there.
const KEPT: usize = 4096;

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
                Cause::Reply(reply.beginning(KEPT))
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
    pub fn of(decision: &'static Decision, why: &str) -> Outcome {
        let cause = Cause::Trouble(why.to_owned());
        Outcome { class: decision.act.class(), decision, cause }
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
        let outcome = Outcome::of(&NO_CONNECTION, "no address to try");
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::address::mailbox;
    use crate::protocol::decision::{
        DATA_LATER, LOST, NOT_WELCOME, RECIPIENT_NEVER, TAKEN_OVER,
    };

    fn reply(lines: &[&str]) -> Heard {
        let code = lines[0][..3].parse().unwrap();
        let lines = lines.iter().map(|line| line.as_bytes().to_vec());
        Heard::Reply(ServerReply { code, lines: lines.collect() })
    }

    fn outcome(decision: &'static Decision, lines: &[&str]) -> Outcome {
        let class = decision.act.class();
        Outcome { class, decision, cause: reply(lines).cause(class) }
    }

    /// It is kept for each recipient.
    #[test]
    fn of_a_reply_without_end_the_beginning_is_kept() {
        let lines = ["550-this is the fourth of many lines"; 2000];
        let Cause::Reply(kept) = reply(&lines).cause(Class::Permanent) else {
            panic!("a refusal is a reply");
        };
        assert_eq!(kept.lines.len(), KEPT / lines[0].len());
        let Heard::Reply(whole) = reply(&lines[..1]) else { panic!() };
        assert_eq!(whole.clone().beginning(5), whole);
    }

    /// As in `decision.rs`, for a host that was lost, or did not want us.
    fn lost() -> Outcome {
        Outcome::of(&LOST, "gone")
    }

    fn refused() -> Outcome {
        outcome(&NOT_WELCOME, &["554 no"])
    }

    fn ledger(names: &[&str]) -> Ledger {
        let mailbox = |name: &&str| mailbox(&format!("{name}@example.org"));
        let mailboxes = names.iter().map(|name| mailbox(name).unwrap());
        Ledger::new(&mailboxes.collect::<Vec<_>>())
    }

    fn ends(ledger: Ledger) -> Vec<(String, Class, String)> {
        let end =
            |s: Settled| (s.recipient.local_part, s.outcome.class, s.host);
        ledger.close().into_iter().map(end).collect()
    }

    #[test]
    fn the_status_is_that_of_the_reply_then_ours_then_the_class_rfc_3463() {
        for (decision, line, status) in [
            (&RECIPIENT_NEVER, "550 5.1.1 nobody", "5.1.1"),
            (&RECIPIENT_NEVER, "550 nobody", "5.0.0"),
            (&DATA_LATER, "451 later", "4.0.0"),
            (&NOT_WELCOME, "554 no", "5.3.2"),
            (&NOT_WELCOME, "554 5.7.1 no", "5.7.1"),
            (&TAKEN_OVER, "250 2.6.0 taken", "2.6.0"),
            (&TAKEN_OVER, "250 taken", "2.0.0"),
            // A yes that was out of place says nothing about this.
            (&LOST, "250 2.0.0 ok", "4.4.2"),
        ] {
            assert_eq!(outcome(decision, &[line]).status(), status, "{line}");
        }
    }

    #[test]
    fn an_outcome_is_one_line_and_nothing_for_a_terminal_to_obey() {
        let said = outcome(&RECIPIENT_NEVER, &["550-a", "550 \x1b[2Jb"]);
        assert_eq!(said.to_string(), "550-a 550 \\x1b[2Jb");
        let early = outcome(&LOST, &["250 ok"]);
        assert_eq!(early.to_string(), "out of place: 250 ok");
        assert_eq!(lost().to_string(), "gone");
    }

    #[test]
    fn a_recipient_is_given_up_only_if_all_hosts_refuse_us() {
        let (never, later) = (Class::Permanent, Class::Temporary);
        for (outcomes, class, host) in [
            (&[refused(), refused()][..], never, "mx2"),
            (&[refused(), lost()], later, "mx2"),
            (&[lost(), refused()], later, "mx1"),
            (&[refused(), lost(), refused()], later, "mx2"),
            (&[lost(), lost()], later, "mx2"),
            (&[], later, ""),
        ] {
            let mut ledger = ledger(&["bob"]);
            for (number, outcome) in (1..).zip(outcomes) {
                ledger.enter_all(&format!("mx{number}"), outcome);
            }
            let want = ("bob".to_owned(), class, host.to_owned());
            assert_eq!(ends(ledger), [want]);
        }
    }

    #[test]
    fn what_is_settled_stays_and_the_order_is_that_of_the_envelope() {
        let delivered = outcome(&TAKEN_OVER, &["250 ok"]);
        let never = outcome(&RECIPIENT_NEVER, &["550 no"]);
        let mut ledger = ledger(&["bob", "carol", "dave"]);
        ledger.enter(
            "mx1",
            vec![
                Fate::Open(lost()),
                Fate::Settled(never.clone()),
                Fate::Open(lost()),
            ],
        );
        let open = ledger.open().into_iter().map(|m| m.local_part);
        assert_eq!(open.collect::<Vec<_>>(), ["bob", "dave"]);
        ledger.enter(
            "mx2",
            vec![Fate::Settled(delivered), Fate::Open(refused())],
        );
        ledger.enter_all("mx3", &refused());
        assert_eq!(
            ends(ledger),
            [
                ("bob".into(), Class::Delivered, "mx2".into()),
                ("carol".into(), Class::Permanent, "mx1".into()),
                ("dave".into(), Class::Temporary, "mx1".into()),
            ]
        );
    }
}
