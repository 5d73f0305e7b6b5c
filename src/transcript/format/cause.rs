//! Causes: what must work before anything else can be judged.
//!
//! A server that says no to HELO would fail on every page, and fifty reports
//! would tell of one fault. So each cause has one page of its own, and the
//! pages that depend on it name it: `Requires: hello`. Where the page of a cause
//! fails, those are not played.
//!
//! The order of the list is the order of the steps in a session. A page of a
//! cause may require only what comes before it in the list: so there is no
//! circle, and all causes can be played in this order.
//!
//! Interface:
//!   `Cause`   the list

/// What must work before anything else can be judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// The server says 220 first.
    Greeting,
    /// HELO opens a session.
    Hello,
    /// Its replies end in CR LF. If not, that is noted, and played on.
    LineEnds,
    /// EHLO does, too.
    Ehlo,
    /// MAIL is accepted.
    Sender,
    /// RCPT is.
    Recipient,
    /// A message comes into its mailbox.
    Delivery,
    /// QUIT is answered, and the server closes. If not, that is noted, and
    /// played on.
    Quit,
    /// VRFY has an answer.
    Vrfy,
}

impl Cause {
    /// All of them, in the order in which they are played.
    pub const ALL: [Cause; 9] = [
        Cause::Greeting,
        Cause::Hello,
        Cause::LineEnds,
        Cause::Ehlo,
        Cause::Sender,
        Cause::Recipient,
        Cause::Delivery,
        Cause::Quit,
        Cause::Vrfy,
    ];

    /// Whether it is the first that a server says in any session: without it
    /// there is nothing to hear at all.
    pub(crate) fn is_first_word(self) -> bool {
        matches!(self, Cause::Greeting | Cause::Hello)
    }

    /// Whether it is noted and played on where it fails: no other page is lost
    /// because of it.
    pub(crate) fn is_let_pass(self) -> bool {
        matches!(self, Cause::LineEnds | Cause::Quit)
    }

    /// The word for it in a header.
    pub fn word(self) -> &'static str {
        match self {
            Cause::Greeting => "greeting",
            Cause::Hello => "hello",
            Cause::LineEnds => "line-ends",
            Cause::Ehlo => "ehlo",
            Cause::Sender => "sender",
            Cause::Recipient => "recipient",
            Cause::Delivery => "delivery",
            Cause::Quit => "quit",
            Cause::Vrfy => "vrfy",
        }
    }

    /// The cause of this name.
    pub(super) fn read(word: &str) -> Result<Cause, String> {
        let is_it = |cause: &Cause| cause.word() == word;
        Cause::ALL.into_iter().find(is_it).ok_or_else(|| {
            let words = Cause::ALL.map(Cause::word).join(", ");
            format!("expected one of {words}, not {word:?}")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_again() {
        for cause in Cause::ALL {
            assert_eq!(Cause::read(cause.word()), Ok(cause));
        }
        assert!(Cause::read("hell").unwrap_err().contains("hello"));
    }
}
