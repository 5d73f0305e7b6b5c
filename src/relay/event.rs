//! What happens in the sending half, told to the log, to `--explain` and to
//! tests.
//!
//! A turn is one look-up and one connection; its number tells it from others
//! that go on at the same time. Each event is one line as text.

use super::client;
use super::entry::Answer;
use super::line::Group;
use super::step::Step;
use crate::protocol::address::Mailbox;
use crate::protocol::decision::Class;
use crate::words::printable;
use std::fmt;
use std::io;
use std::time::Duration;

/// Is told what happens, from many threads.
pub type Observer<'a> = dyn Fn(Event<'_>) + Send + Sync + 'a;

/// Something that happens.
#[derive(Debug)]
pub enum Event<'a> {
    /// There is mail for this group: a turn begins.
    TurnBegins(u64, &'a Group),
    /// It looks for the way.
    LookUp(u64, &'a Step),
    /// It tries this message for these recipients.
    Trying(u64, &'a str, &'a [Mailbox]),
    /// Something has happened between it and a host.
    Dialogue(u64, &'a client::Event<'a>),
    /// It is over.
    TurnEnds(u64),
    /// What a try of this message has brought to a recipient.
    Settled(&'a str, &'a Mailbox, Class, &'a Answer),
    /// How many tries of this message are over, and how long it waits for the
    /// next one.
    Later(&'a str, u32, Duration),
    /// There is a bounce about this message: its id, and to whom it goes.
    Bounced(&'a str, &'a str, &'a Mailbox),
    /// This message is over: all have it, or the sender knows.
    Over(&'a str),
    /// It is given up, and nobody may be told. Whether it is kept in `dead`.
    Dead(&'a str, bool),
    /// An operator has taken it out.
    Removed(&'a str),
    /// An operator has made every message due.
    Flushed,
    /// The disk has not done what it should.
    Trouble(&'a str, &'a io::Error),
}

/// An address of ASCII always fits; a long one beyond ASCII is cut.
const SHOWN_BYTES: usize = 400;

/// The address as it may stand in a log, whatever letters it has.
fn shown(mailbox: &Mailbox) -> String {
    printable(mailbox.to_string().as_bytes(), SHOWN_BYTES)
}

impl fmt::Display for Event<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Event::TurnBegins(_, group) => write!(f, "mail for {group}"),
            Event::LookUp(_, step) => write!(f, "{step}"),
            Event::Trying(_, id, recipients) => {
                let count = recipients.len();
                write!(f, "trying {id}, recipients: {count}")
            }
            Event::Dialogue(_, event) => write!(f, "{event:?}"),
            Event::TurnEnds(_) => f.write_str("done"),
            Event::Settled(id, mailbox, class, answer) => {
                let what = match class {
                    Class::Delivered => "delivered",
                    Class::Temporary => "not delivered yet",
                    Class::Permanent => "failed",
                };
                write!(f, "{id}: <{}> {what}: {answer}", shown(mailbox))
            }
            Event::Later(id, tries, wait) => {
                let seconds = wait.as_secs();
                write!(f, "{id}: tries: {tries}; the next one in {seconds} s")
            }
            Event::Bounced(id, bounce, sender) => {
                write!(f, "{id}: bounced to <{}> as {bounce}", shown(sender))
            }
            Event::Over(id) => write!(f, "{id}: done"),
            Event::Dead(id, true) => {
                write!(f, "{id}: dead, and nobody may be told: kept in 'dead'")
            }
            Event::Dead(id, false) => {
                write!(f, "{id}: dead, and 'dead' is full: dropped")
            }
            Event::Removed(id) => write!(f, "{id}: removed by hand"),
            Event::Flushed => f.write_str("all mail is due: flushed by hand"),
            Event::Trouble(id, error) => write!(f, "{id}: {error}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::address::mailbox;

    /// U+202E turns the direction of what follows.
    #[test]
    fn no_letter_of_an_address_gives_an_order_to_a_terminal() {
        let sender = mailbox("a\u{202e}b@x.example").unwrap();
        let told = Event::Bounced("1", "2", &sender).to_string();
        let wanted = "1: bounced to <a\\xe2\\x80\\xaeb@x.example> as 2";
        assert_eq!(told, wanted);
    }
}
