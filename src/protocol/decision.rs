//! What a client makes of every answer, and why: one table (RFC 5321 4.2.1).
//!
//! A row is a step of the conversation, a column the kind of answer that was
//! heard. Each cell holds a decision: what is done, one sentence of rule, and
//! the section that states it, as in the replies of the server (`reply.rs`).
//!
//! Interface:
//!   `decide`    the table
//!   `Step`      its rows: what an answer is for
//!   `Kind`      its columns: what was heard
//!   `Decision`  what is in a cell, or in `BY_ITSELF`
//!   `Act`       what the machine does then
//!   `Class`     what that means for a recipient
//!
//! Not here: how it is done (`sending.rs`), what each recipient gets of it
//! (`outcome.rs`).

use core::time::Duration;

/// What an answer is for. In the order of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The server's first words.
    Greeting,
    /// EHLO.
    Ehlo,
    /// HELO, after EHLO was not understood.
    Helo,
    /// RSET, on a connection that has carried a mail.
    Rset,
    /// MAIL, the first one of a connection.
    Mail,
    /// MAIL, on a connection that has carried a mail.
    MailAgain,
    /// RCPT, while no other recipient is accepted.
    Rcpt,
    /// RCPT, after another recipient was accepted.
    RcptAfterYes,
    /// RCPT of a group in which MAIL was refused.
    RcptInVain,
    /// DATA.
    Data,
    /// DATA of a group in which no recipient was accepted.
    DataInVain,
    /// Nothing: the text is still on its way.
    Text,
    /// The dot after the text.
    Dot,
    /// The dot alone, after a text was asked for that nobody gets.
    DotInVain,
}

/// What was heard: the first digit says it, except for two codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// 2xx.
    Yes,
    /// 3xx.
    GoOn,
    /// 4xx, except 421.
    NotNow,
    /// 421: the server closes the connection.
    Closing,
    /// 5xx, except 552.
    Never,
    /// 552: too much, or too many.
    Full,
    /// The connection is lost, the server is silent, or it is no reply.
    NoReply,
}

/// What becomes of a recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// The server has taken over the mail.
    Delivered,
    /// The client keeps it, and tries again.
    Temporary,
    /// It is given up: the sender is told.
    Permanent,
}

/// What the machine does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Says EHLO.
    SayEhlo,
    /// Says HELO.
    SayHelo,
    /// Opens the session, and the transaction in it.
    Open,
    /// Goes on with the next reply or command.
    GoOn,
    /// Counts this recipient as accepted, and goes on.
    Accept,
    /// This becomes of all recipients; goes on.
    SettleAll(Class),
    /// This becomes of the one recipient; goes on.
    SettleOne(Class),
    /// This becomes of the accepted ones, and the transaction is over.
    SettleAccepted(Class),
    /// Sends the text, and the dot.
    SendText,
    /// Sends a dot and no text.
    SendDot,
    /// This becomes of the accepted ones, and the connection is given up. For
    /// those without an answer the next address may be tried.
    Abort(Class),
    /// The connection is given up, and for all that are not refused the next
    /// address may be tried. If there is none, this becomes of them.
    Elsewhere(Class),
    /// The connection is given up, and counts for nothing.
    Anew,
}

/// What is done, and why.
#[derive(Debug, PartialEq, Eq)]
pub struct Decision {
    /// What the machine does.
    pub act: Act,
    /// The same in a few words, for a table.
    pub words: &'static str,
    /// What a bounce says if no reply has an enhanced code (RFC 3463); empty
    /// for class and zeros.
    pub status: &'static str,
    /// The rule, in one sentence.
    pub rule: &'static str,
    /// Where the rule is written.
    pub section: &'static str,
}

impl Decision {
    /// What is done, for somebody who follows the dialogue.
    pub fn sentence(&self, step: Step) -> String {
        format!("{}: {}", step.command(), self.act.sentence())
    }
}

impl Act {
    fn sentence(self) -> String {
        match self {
            Act::SayEhlo => "the client says EHLO".into(),
            Act::SayHelo => "the client says HELO".into(),
            Act::Open => "the client begins with MAIL".into(),
            Act::GoOn => "the client goes on".into(),
            Act::Accept => "this recipient is accepted".into(),
            Act::SettleAll(class) => class.of("all recipients"),
            Act::SettleOne(class) => class.of("this recipient"),
            Act::SettleAccepted(class) => class.of("the accepted recipients"),
            Act::SendText => "the client sends the text".into(),
            Act::SendDot => "the client sends a lone dot".into(),
            Act::Abort(Class::Permanent) => {
                "the client leaves, and gives up".into()
            }
            Act::Abort(Class::Temporary | Class::Delivered) => {
                "the client leaves, and tries again later".into()
            }
            Act::Elsewhere(_) => "the client tries the next address".into(),
            Act::Anew => "the client connects again".into(),
        }
    }

    /// What it means for the recipients that it concerns.
    pub fn class(self) -> Class {
        match self {
            Act::SettleAll(class)
            | Act::SettleOne(class)
            | Act::SettleAccepted(class)
            | Act::Abort(class)
            | Act::Elsewhere(class) => class,
            Act::SayEhlo
            | Act::SayHelo
            | Act::Open
            | Act::GoOn
            | Act::Accept
            | Act::SendText
            | Act::SendDot
            | Act::Anew => Class::Temporary,
        }
    }
}

impl Class {
    fn of(self, whose: &str) -> String {
        match self {
            Class::Delivered => format!("the server has the mail for {whose}"),
            Class::Temporary => format!("{whose} will be tried again"),
            Class::Permanent => format!("{whose} will not be tried again"),
        }
    }
}

impl Step {
    /// All rows.
    pub const ALL: [Step; 14] = [
        Step::Greeting,
        Step::Ehlo,
        Step::Helo,
        Step::Rset,
        Step::Mail,
        Step::MailAgain,
        Step::Rcpt,
        Step::RcptAfterYes,
        Step::RcptInVain,
        Step::Data,
        Step::DataInVain,
        Step::Text,
        Step::Dot,
        Step::DotInVain,
    ];

    /// The name of the row.
    pub fn name(self) -> &'static str {
        match self {
            Step::Greeting => "greeting",
            Step::Ehlo => "EHLO",
            Step::Helo => "HELO",
            Step::Rset => "RSET",
            Step::Mail => "MAIL",
            Step::MailAgain => "MAIL, next mail",
            Step::Rcpt => "RCPT",
            Step::RcptAfterYes => "RCPT, after a yes",
            Step::RcptInVain => "RCPT, in vain",
            Step::Data => "DATA",
            Step::DataInVain => "DATA, in vain",
            Step::Text => "text",
            Step::Dot => "dot",
            Step::DotInVain => "dot, in vain",
        }
    }

    /// The name without its circumstances: what was answered.
    pub fn command(self) -> &'static str {
        let name = self.name();
        name.split_once(',').map_or(name, |(command, _)| command)
    }

    /// How long a client waits for the answer, or, while it sends the text,
    /// for each block of it to leave (RFC 5321 4.5.3.2.1 to .6).
    pub fn patience(self) -> Duration {
        let minutes = match self {
            Step::Greeting | Step::Ehlo | Step::Helo | Step::Rset => 5,
            Step::Mail | Step::MailAgain => 5,
            Step::Rcpt | Step::RcptAfterYes | Step::RcptInVain => 5,
            Step::Data | Step::DataInVain => 2,
            Step::Text => 3,
            Step::Dot | Step::DotInVain => 10,
        };
        Duration::from_secs(60 * minutes)
    }
}

impl Kind {
    /// All columns.
    pub const ALL: [Kind; 7] = [
        Kind::Yes,
        Kind::GoOn,
        Kind::NotNow,
        Kind::Closing,
        Kind::Never,
        Kind::Full,
        Kind::NoReply,
    ];

    /// A code is read by its first digit alone (RFC 5321 4.3.2), so that new
    /// codes do no harm.
    pub fn of(code: u16) -> Kind {
        match code {
            421 => Kind::Closing,
            552 => Kind::Full,
            200..=299 => Kind::Yes,
            300..=399 => Kind::GoOn,
            400..=499 => Kind::NotNow,
            500..=599 => Kind::Never,
            _ => Kind::NoReply,
        }
    }

    /// The name of the column.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Yes => "2xx",
            Kind::GoOn => "3xx",
            Kind::NotNow => "4xx",
            Kind::Closing => "421",
            Kind::Never => "5xx",
            Kind::Full => "552",
            Kind::NoReply => "no reply",
        }
    }
}

/// What is done when this was heard in the place of the answer to that.
pub fn decide(step: Step, heard: Kind) -> &'static Decision {
    use Kind::{Closing, Full, GoOn, Never, NoReply, NotNow, Yes};
    match (step, heard) {
        (Step::Greeting, Yes) => &GREETED,
        (Step::Ehlo, Yes) => &OPENED,
        (Step::Ehlo, Never | Full) => &FALL_BACK,
        (Step::Helo, Yes) => &OPENED_PLAIN,
        (Step::Greeting | Step::Ehlo | Step::Helo, NotNow | Closing) => &BUSY,
        (Step::Greeting | Step::Helo, Never | Full) => &NOT_WELCOME,
        (Step::Greeting | Step::Ehlo | Step::Helo, GoOn | NoReply) => &LOST,

        (Step::Rset, Yes) => &RESET,
        (Step::Rset, GoOn | NotNow | Closing | Never | Full | NoReply) => {
            &USED_UP
        }
        (Step::MailAgain, GoOn | Closing | NoReply) => &USED_UP,
        (Step::Mail | Step::MailAgain, Yes) => &SENDER_OK,
        (Step::Mail | Step::MailAgain, NotNow) => &SENDER_LATER,
        (Step::Mail | Step::MailAgain, Never | Full) => &SENDER_NEVER,
        (Step::Mail, Closing) => &LEAVING,
        (Step::Mail, GoOn | NoReply) => &LOST,

        (Step::Rcpt | Step::RcptAfterYes, Yes) => &RECIPIENT_OK,
        (Step::Rcpt | Step::RcptAfterYes, NotNow) => &RECIPIENT_LATER,
        (Step::Rcpt | Step::RcptAfterYes, Never) => &RECIPIENT_NEVER,
        (Step::Rcpt, Full) => &RECIPIENT_NEVER,
        (Step::RcptAfterYes, Full) => &TOO_MANY,
        (Step::RcptInVain, Yes | NotNow | Never | Full) => &IN_VAIN,
        (Step::Rcpt | Step::RcptAfterYes | Step::RcptInVain, Closing) => {
            &LEAVING
        }
        (
            Step::Rcpt | Step::RcptAfterYes | Step::RcptInVain,
            GoOn | NoReply,
        ) => &LOST,

        (Step::Data, GoOn) => &START,
        (Step::Data, NotNow) => &DATA_LATER,
        (Step::Data, Never | Full) => &DATA_NEVER,
        (Step::DataInVain, GoOn) => &LONE_DOT,
        (Step::DataInVain, NotNow | Never | Full) => &IN_VAIN,
        (Step::Data | Step::DataInVain, Closing) => &LEAVING,
        (Step::Data | Step::DataInVain, Yes | NoReply) => &LOST,

        (Step::Text, Yes | GoOn) => &TOO_EARLY,
        (Step::Text, NotNow | Closing) => &STOP_LATER,
        (Step::Text, Never | Full) => &STOP_NEVER,
        (Step::Text, NoReply) => &LOST,

        (Step::Dot, Yes) => &TAKEN_OVER,
        (Step::Dot, NotNow) => &DOT_LATER,
        (Step::Dot, Closing) => &DOT_CLOSING,
        (Step::Dot, Never | Full) => &DOT_NEVER,
        (Step::Dot, GoOn | NoReply) => &UNSURE,
        (Step::DotInVain, Yes | NotNow | Never | Full) => &IN_VAIN,
        (Step::DotInVain, Closing) => &LEAVING,
        (Step::DotInVain, GoOn | NoReply) => &LOST,
    }
}

// What follows is in the order of the table; then what a client decides by
// itself, without an answer.

/// The server has greeted.
pub const GREETED: Decision = Decision {
    act: Act::SayEhlo,
    words: "say EHLO",
    status: "",
    rule: "A client waits for the greeting, then gives its name with EHLO.",
    section: "RFC 5321 3.2",
};

/// The host is there, and takes no mail from us today.
pub const BUSY: Decision = Decision {
    act: Act::Elsewhere(Class::Temporary),
    words: "next address",
    status: "4.3.2",
    rule: "A host that takes no mail now is left for the next address.",
    section: "RFC 5321 5.1",
};

/// The host wants no mail from us. Another one of the domain may.
pub const NOT_WELCOME: Decision = Decision {
    act: Act::Elsewhere(Class::Permanent),
    words: "next address (5xx)",
    status: "5.3.2",
    rule: "A host that refuses a client is left; it is final if all do.",
    section: "RFC 5321 5.1",
};

/// Lost, silent, or no reply: nothing was promised yet.
pub const LOST: Decision = Decision {
    act: Act::Elsewhere(Class::Temporary),
    words: "next address",
    status: "4.4.2",
    rule: "A lost connection counts as a 451, and so does what is no reply.",
    section: "RFC 5321 3.8",
};

/// EHLO is understood.
pub const OPENED: Decision = Decision {
    act: Act::Open,
    words: "say MAIL",
    status: "",
    rule: "The reply to EHLO names the extensions that a client may use.",
    section: "RFC 5321 4.1.1.1",
};

/// EHLO is not understood. Only then HELO is tried: 421, 4xx and a lost
/// connection say nothing about EHLO.
pub const FALL_BACK: Decision = Decision {
    act: Act::SayHelo,
    words: "say HELO",
    status: "",
    rule: "To a server that refuses EHLO the client says HELO.",
    section: "RFC 5321 3.2",
};

/// HELO is understood. What else its reply says is not read.
pub const OPENED_PLAIN: Decision = Decision {
    act: Act::Open,
    words: "say MAIL",
    status: "",
    rule: "After HELO there is no extension, whatever the reply says.",
    section: "RFC 5321 3.2",
};

/// What a mail before has left open is dropped.
pub const RESET: Decision = Decision {
    act: Act::GoOn,
    words: "go on",
    status: "",
    rule: "RSET drops the transaction that an earlier mail has left open.",
    section: "RFC 5321 4.1.1.5",
};

/// A connection that has carried mail has come to its end. The mail that was
/// to be next has not begun: it is no failure of it.
pub const USED_UP: Decision = Decision {
    act: Act::Anew,
    words: "connect anew",
    status: "4.4.2",
    rule: "A server may end a session between two mails: connect again.",
    section: "RFC 5321 3.8",
};

/// A transaction is open.
pub const SENDER_OK: Decision = Decision {
    act: Act::GoOn,
    words: "go on",
    status: "",
    rule: "MAIL opens the transaction; one RCPT for each recipient follows.",
    section: "RFC 5321 3.3",
};

/// No transaction, today: it concerns all recipients.
pub const SENDER_LATER: Decision = Decision {
    act: Act::SettleAll(Class::Temporary),
    words: "later: all",
    status: "",
    rule: "Without MAIL there is no transaction; after 4xx, try later.",
    section: "RFC 5321 4.2.1",
};

/// No transaction, ever.
pub const SENDER_NEVER: Decision = Decision {
    act: Act::SettleAll(Class::Permanent),
    words: "never: all",
    status: "",
    rule: "Without MAIL there is no transaction; after 5xx, do not repeat.",
    section: "RFC 5321 4.2.1",
};

/// 421 before the dot. The server knows its own state: those it has accepted
/// wait for the next try.
pub const LEAVING: Decision = Decision {
    act: Act::Abort(Class::Temporary),
    words: "leave",
    status: "4.3.2",
    rule: "421 may come at any time; then the server closes.",
    section: "RFC 5321 3.8",
};

/// This recipient will get the mail, if the dot is answered 2xx.
pub const RECIPIENT_OK: Decision = Decision {
    act: Act::Accept,
    words: "accepted",
    status: "",
    rule: "Each recipient is answered by itself.",
    section: "RFC 5321 3.3",
};

/// This recipient later, whatever DATA says.
pub const RECIPIENT_LATER: Decision = Decision {
    act: Act::SettleOne(Class::Temporary),
    words: "later: this one",
    status: "",
    rule: "After 4xx the client tries this recipient again, later.",
    section: "RFC 5321 4.2.1",
};

/// This recipient never, whatever DATA says.
pub const RECIPIENT_NEVER: Decision = Decision {
    act: Act::SettleOne(Class::Permanent),
    words: "never: this one",
    status: "",
    rule: "A refused recipient changes nothing for the others.",
    section: "RFC 5321 3.3",
};

/// 552 for a recipient after another one was accepted.
///
/// It is a 5xx that means 4xx: RFC 821 had this code for a full list.
pub const TOO_MANY: Decision = Decision {
    act: Act::SettleOne(Class::Temporary),
    words: "later: this one",
    status: "4.5.3",
    rule: "552 can mean too many recipients: the rest is sent later.",
    section: "RFC 5321 4.5.3.1.10",
};

/// A reply to what should not have been sent, had we known.
pub const IN_VAIN: Decision = Decision {
    act: Act::GoOn,
    words: "go on",
    status: "",
    rule: "Every reply of a group is read, and this one decides nothing.",
    section: "RFC 2920 3.1",
};

/// 354, and somebody gets the text.
pub const START: Decision = Decision {
    act: Act::SendText,
    words: "send the text",
    status: "",
    rule: "The text is sent after 354 and after no other reply.",
    section: "RFC 5321 3.3",
};

/// 354, and nobody gets the text.
pub const LONE_DOT: Decision = Decision {
    act: Act::SendDot,
    words: "send a lone dot",
    status: "",
    rule: "If DATA is accepted and no recipient was, a lone dot is sent.",
    section: "RFC 2920 3.1",
};

/// No text today.
pub const DATA_LATER: Decision = Decision {
    act: Act::SettleAccepted(Class::Temporary),
    words: "later: accepted",
    status: "",
    rule: "Without a 354 no text is sent; after 4xx, try later.",
    section: "RFC 5321 3.3",
};

/// No text, ever.
pub const DATA_NEVER: Decision = Decision {
    act: Act::SettleAccepted(Class::Permanent),
    words: "never: accepted",
    status: "",
    rule: "Without a 354 no text is sent; after 5xx, do not repeat.",
    section: "RFC 5321 3.3",
};

/// A yes, or a second 354, before the dot.
///
/// Never delivered: the server has not seen the end of the text. And nowhere
/// else today: it may have stored what it has seen.
pub const TOO_EARLY: Decision = Decision {
    act: Act::Abort(Class::Temporary),
    words: "stop, later",
    status: "4.5.0",
    rule: "A server can accept a mail only after the dot.",
    section: "RFC 5321 4.1.1.4",
};

/// The server has had enough of the text, today.
pub const STOP_LATER: Decision = Decision {
    act: Act::Abort(Class::Temporary),
    words: "stop, later",
    status: "",
    rule: "A 4xx in the middle of the text answers the dot, which is not sent.",
    section: "RFC 5321 4.2.5",
};

/// The server has had enough of the text, for good.
pub const STOP_NEVER: Decision = Decision {
    act: Act::Abort(Class::Permanent),
    words: "stop, never",
    status: "",
    rule: "A 5xx in the middle of the text answers the dot, which is not sent.",
    section: "RFC 5321 4.2.5",
};

/// The only success that there is.
pub const TAKEN_OVER: Decision = Decision {
    act: Act::SettleAccepted(Class::Delivered),
    words: "delivered",
    status: "",
    rule: "With 2xx after the dot the server takes over responsibility.",
    section: "RFC 5321 4.2.5",
};

/// The text has come through, and is not kept.
pub const DOT_LATER: Decision = Decision {
    act: Act::SettleAccepted(Class::Temporary),
    words: "later: accepted",
    status: "",
    rule: "With 4xx after the dot the client keeps responsibility.",
    section: "RFC 5321 4.2.5",
};

/// The text has come through, and is not wanted.
pub const DOT_NEVER: Decision = Decision {
    act: Act::SettleAccepted(Class::Permanent),
    words: "never: accepted",
    status: "",
    rule: "With 5xx after the dot the mail is not sent again.",
    section: "RFC 5321 4.2.5",
};

/// 421 after the dot: a 4xx, and the end of the connection.
pub const DOT_CLOSING: Decision = Decision {
    act: Act::Abort(Class::Temporary),
    words: "later: accepted",
    status: "4.3.2",
    rule: "With 4xx after the dot the client keeps responsibility.",
    section: "RFC 5321 4.2.5",
};

// ANCHOR: unsure
/// Nobody can know whether the server has the mail.
///
/// Not at the next address: that would make two of it at once. After a while
/// the same host may say that it is a duplicate, or be well again.
pub const UNSURE: Decision = Decision {
    act: Act::Abort(Class::Temporary),
    words: "later, nowhere else",
    status: "4.4.2",
    rule: "No answer to the dot counts as 4xx; a duplicate beats a loss.",
    section: "RFC 5321 4.1.1.10",
};
// ANCHOR_END: unsure

/// The next mail on a connection that has carried one.
pub const NEXT_MAIL: Decision = Decision {
    act: Act::Open,
    words: "say MAIL",
    status: "",
    rule: "A session carries one mail after the other, and one EHLO.",
    section: "RFC 5321 4.1.4",
};

/// There is no connection.
pub const NO_CONNECTION: Decision = Decision {
    act: Act::Elsewhere(Class::Temporary),
    words: "next address",
    status: "4.4.1",
    rule: "Each address is tried in order, until one delivers the mail.",
    section: "RFC 5321 5.1",
};

/// The server has told its limit, and the message is over it.
pub const TOO_BIG: Decision = Decision {
    act: Act::SettleAll(Class::Permanent),
    words: "never: too big",
    status: "5.3.4",
    rule: "A message over the server's SIZE will always fail: stop here.",
    section: "RFC 1870 4",
};

/// The text has bytes over 127, and the server did not offer 8BITMIME.
///
/// To convert the text we would have to read MIME, which is left out.
pub const EIGHT_BIT: Decision = Decision {
    act: Act::SettleAll(Class::Permanent),
    words: "never: 8-bit text",
    status: "5.6.3",
    rule: "8-bit text goes to no server that does not offer 8BITMIME.",
    section: "RFC 6152 section 3",
};

/// An address or the header is beyond ASCII, and SMTPUTF8 was not offered.
pub const BEYOND_ASCII: Decision = Decision {
    act: Act::SettleAll(Class::Permanent),
    words: "never: beyond ASCII",
    status: "5.6.7",
    rule: "An internationalized message goes only where SMTPUTF8 is offered.",
    section: "RFC 6531 3.5",
};

/// An address that would be more than a word of its command.
///
/// Addresses are parsed long before, so this is the second lock on the door.
pub const BAD_ADDRESS: Decision = Decision {
    act: Act::SettleAll(Class::Permanent),
    words: "never: bad address",
    status: "5.1.3",
    rule: "A command holds no control characters.",
    section: "RFC 5321 4.1.2",
};

/// The text cannot be read from our own disk.
pub const UNREADABLE: Decision = Decision {
    act: Act::Abort(Class::Temporary),
    words: "stop, later",
    status: "4.3.0",
    rule: "Trouble of our own is temporary; without a dot nothing is sent.",
    section: "RFC 5321 4.1.1.4",
};

/// A carriage return is alone in the text.
pub const BARE_CR: Decision = Decision {
    act: Act::Abort(Class::Permanent),
    words: "stop, never",
    status: "5.6.0",
    rule: "A client sends CR and LF only together, as the end of a line.",
    section: "RFC 5321 2.3.8",
};

/// What a client decides by itself: these are in no cell of the table.
pub const BY_ITSELF: [&Decision; 8] = [
    &NEXT_MAIL,
    &NO_CONNECTION,
    &TOO_BIG,
    &EIGHT_BIT,
    &BEYOND_ASCII,
    &BAD_ADDRESS,
    &UNREADABLE,
    &BARE_CR,
];
