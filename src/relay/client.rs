//! The client: hands a mail to one of several addresses (RFC 5321 5.1).
//!
//! One driver for everything that sends: the queue has a `Courier` for each
//! group of mails, and `pillarbox send` has one for its single mail. What is
//! said, and what the answers mean, is decided in `protocol::sending`; how it
//! gets there is in `connection.rs`.
//!
//! Interface:
//!   `Courier`  delivers mails, over one connection as long as it lasts
//!   `Report`   what became of each recipient
//!   `Orders`, `Content`, `Event`, `survey`
//!
//! Guarantees:
//! - each recipient has one outcome, whatever the servers say;
//! - nothing waits longer than its deadline, and at most five addresses are
//!   tried: so `deliver` comes to an end;
//! - memory does not grow with the message.

use super::connection::Connection;
pub use super::orders::{Content, Event, Orders};
use super::route::Target;
pub use super::text::survey;
use crate::protocol::decision::NO_CONNECTION;
use crate::protocol::outcome::{Ledger, Outcome, Settled};
use crate::protocol::outgoing::Envelope;

/// At most this many addresses are tried for one mail.
pub const ADDRESS_LIMIT: usize = 5;

/// What became of a mail.
#[derive(Debug, Default)]
pub struct Report {
    /// Each recipient, in the order of the envelope.
    pub settled: Vec<Settled>,
    /// Whether any server has opened a session. If none has, the hosts are
    /// away, and other mails for them need not be tried now.
    pub has_opened: bool,
}

impl Report {
    /// Adds that of another transaction with the same mail.
    pub fn add(&mut self, other: Report) {
        self.settled.extend(other.settled);
        self.has_opened |= other.has_opened;
    }
}

/// Delivers mails to the hosts of one group. Dropping it says QUIT.
pub struct Courier<'a> {
    orders: Orders<'a>,
    /// A session that is open, and waits for the next mail.
    ready: Option<Connection<'a>>,
}

impl<'a> Courier<'a> {
    /// A courier that has not gone anywhere.
    pub fn new(orders: Orders<'a>) -> Courier<'a> {
        Courier { orders, ready: None }
    }

    /// Hands the mail over, and says what became of each recipient.
    ///
    /// The addresses are tried in their order. A host that refuses somebody,
    /// or takes the mail, has the last word for that recipient; for those
    /// without an answer, the next address is tried.
    pub fn deliver(
        &mut self,
        targets: &[Target],
        envelope: &Envelope,
        content: &Content<'_>,
    ) -> Report {
        let mut ledger = Ledger::new(&envelope.recipients);
        let used = self.use_ready(targets, envelope, content, &mut ledger);
        let mut has_opened = used.is_some();
        let others =
            targets.iter().filter(|target| Some(*target) != used.as_ref());
        for target in others.take(ADDRESS_LIMIT) {
            let recipients = ledger.open();
            if recipients.is_empty() {
                break;
            }
            let left = Envelope { recipients, ..envelope.clone() };
            has_opened |= self.try_one(target, left, content, &mut ledger);
        }
        Report { settled: ledger.close(), has_opened }
    }

    /// Tries the connection that is open already. Gives its address if that
    /// has decided anything; if not, it is as if it had never been there.
    fn use_ready(
        &mut self,
        targets: &[Target],
        envelope: &Envelope,
        content: &Content<'_>,
        ledger: &mut Ledger,
    ) -> Option<Target> {
        let mut connection = self.ready.take()?;
        let target = connection.target().clone();
        let fates = match targets.contains(&target) {
            true => connection.next_mail(envelope.clone(), content),
            false => None,
        };
        if fates.is_some() && connection.is_reusable() {
            self.ready = Some(connection);
        }
        ledger.enter(&target.host, fates?);
        Some(target)
    }

    /// Tries one address. Gives whether a session was opened.
    fn try_one(
        &mut self,
        target: &Target,
        envelope: Envelope,
        content: &Content<'_>,
        ledger: &mut Ledger,
    ) -> bool {
        match Connection::open(target, envelope, self.orders) {
            Ok(mut connection) => {
                let fates = connection.first_mail(content);
                ledger.enter(&target.host, fates.unwrap_or_default());
                let has_opened = connection.has_opened();
                if connection.is_reusable() {
                    self.ready = Some(connection);
                }
                has_opened
            }
            Err(why) => {
                let outcome = Outcome::of(&NO_CONNECTION, &why);
                ledger.enter_all(&target.host, &outcome);
                false
            }
        }
    }
}
