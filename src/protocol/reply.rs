//! Every reply that Pillarbox gives, each with its reason (RFC 5321 4.2).
//!
//! A reply has a code for programs, an enhanced code that is more exact
//! (RFC 3463), and a text for people. Two more fields never travel: one
//! sentence of rule, and the section that states it. A failed transcript and
//! the live dialogue show them.
//!
//! Interface:
//!   `Reply`   one reply, a constant
//!   `Answer`  a reply with its further lines, as it goes on the wire
//!   `ALL`     every constant, for the table in the book
//!
//! No reply holds a clock, a number that changes, or anything that the client
//! sent. `{host}` in a text stands for the server's own name.

// ANCHOR: reply
/// One reply, and why it is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reply {
    /// Three digits. The first one tells a client what to do (RFC 5321 4.2.1).
    pub code: u16,
    /// Class, subject and detail (RFC 3463), or empty where none belongs: the
    /// greeting, also a 421 in its place, the replies to HELO and EHLO, and 354
    /// (RFC 2034 section 4).
    pub enhanced: &'static str,
    /// What a person reads. `{host}` stands for the server's name.
    pub text: &'static str,
    /// The rule behind the reply, in one sentence.
    pub rule: &'static str,
    /// Where the rule is written.
    pub section: &'static str,
}
// ANCHOR_END: reply

/// How many bytes one line of a reply may have, CR LF included
/// (RFC 5321 4.5.3.1.5).
pub const LINE_LIMIT: usize = 512;

impl Reply {
    /// Whether this reply says that the client made a mistake with a command.
    ///
    /// Twenty of these end a session. A refused recipient is no mistake: a
    /// mailing list meets many.
    pub fn is_client_error(&self) -> bool {
        matches!(self.code, 500..=504 | 555)
    }

    /// Whether the server closes the connection after this reply.
    pub fn is_last(&self) -> bool {
        matches!(self.code, 221 | 421)
    }
}

/// A reply with its further lines: what the server says in one breath.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The code, and the first line.
    pub reply: Reply,
    /// More lines; most replies have none.
    pub lines: Vec<String>,
    /// Whether the enhanced code goes on the wire as well.
    pub with_enhanced: bool,
}

/// One line, with the enhanced code.
impl From<Reply> for Answer {
    fn from(reply: Reply) -> Answer {
        Answer { reply, lines: Vec::new(), with_enhanced: true }
    }
}

impl Answer {
    // ANCHOR: wire_lines
    /// The lines as they go on the wire, without their CR LF. `host` is the
    /// server's name.
    ///
    /// All lines but the last have a hyphen after the code (RFC 5321 4.2.1);
    /// the enhanced code is on each line (RFC 2034 section 4).
    pub fn wire_lines(&self, host: &str) -> Vec<String> {
        let first = self.reply.text.replace("{host}", host);
        let mut enhanced = String::new();
        if self.with_enhanced && !self.reply.enhanced.is_empty() {
            enhanced = format!("{} ", self.reply.enhanced);
        }
        let texts = core::iter::once(&first).chain(&self.lines);
        texts
            .enumerate()
            .map(|(number, text)| {
                let mark = if number == self.lines.len() { ' ' } else { '-' };
                format!("{}{mark}{enhanced}{text}", self.reply.code)
            })
            .collect()
    }
    // ANCHOR_END: wire_lines
}

// What follows is in the order of a session: opening and closing, hello, the
// transaction, the message, other commands, then what can go wrong with each.

/// The first word of every session. The server speaks first.
///
/// No software name and no version: they are in the reply to HELP, where
/// somebody asked (RFC 5321 7.5).
pub const GREETING: Reply = Reply {
    code: 220,
    enhanced: "",
    text: "{host} ESMTP",
    rule: "The server speaks first, and names itself.",
    section: "RFC 5321 3.1",
};

/// The answer to QUIT; then the server closes.
pub const GOODBYE: Reply = Reply {
    code: 221,
    enhanced: "2.0.0",
    text: "{host} closing connection",
    rule: "After QUIT the server says 221 and closes the connection.",
    section: "RFC 5321 4.1.1.10",
};

/// HELO is understood. One line, and no extension.
pub const HELO_OK: Reply = Reply {
    code: 250,
    enhanced: "",
    text: "{host}",
    rule: "HELO opens a session without extensions.",
    section: "RFC 5321 4.1.1.1",
};

/// EHLO is understood; the extensions follow, one a line.
pub const EHLO_OK: Reply = Reply {
    code: 250,
    enhanced: "",
    text: "{host} greets you",
    rule: "EHLO opens a session; each further line names one extension.",
    section: "RFC 5321 4.1.1.1",
};

/// MAIL has opened a transaction.
pub const SENDER_OK: Reply = Reply {
    code: 250,
    enhanced: "2.1.0",
    text: "Sender OK",
    rule: "MAIL opens a transaction and names where a bounce would go.",
    section: "RFC 5321 4.1.1.2",
};

/// RCPT has added one recipient.
pub const RECIPIENT_OK: Reply = Reply {
    code: 250,
    enhanced: "2.1.5",
    text: "Recipient OK",
    rule: "RCPT adds one recipient to the open transaction.",
    section: "RFC 5321 4.1.1.3",
};

/// DATA may begin. A 3xx reply: half done, the rest is the client's.
pub const START_DATA: Reply = Reply {
    code: 354,
    enhanced: "",
    text: "End data with <CR><LF>.<CR><LF>",
    rule: "All that follows is the message, until a dot alone on a line.",
    section: "RFC 5321 4.1.1.4",
};

/// The message is on the disk, for every recipient that was welcomed.
///
/// This is the only promise that matters. Nothing in the text depends on the
/// message: the name of the file goes to the log.
pub const STORED: Reply = Reply {
    code: 250,
    enhanced: "2.0.0",
    text: "Stored",
    rule: "With this 250 the server is responsible for the message.",
    section: "RFC 5321 4.2.5",
};

/// RSET has dropped the transaction, if there was one.
pub const RESET_OK: Reply = Reply {
    code: 250,
    enhanced: "2.0.0",
    text: "Reset",
    rule: "RSET drops the transaction; it is welcome at any time.",
    section: "RFC 5321 4.1.1.5",
};

/// NOOP: nothing happened.
pub const NOOP_OK: Reply = Reply {
    code: 250,
    enhanced: "2.0.0",
    text: "OK",
    rule: "NOOP does nothing, and says so.",
    section: "RFC 5321 4.1.1.9",
};

/// VRFY neither confirms nor denies.
///
/// Not 250 and not 550: they would tell a stranger who lives here
/// (RFC 5321 7.3). The same answer for every name.
pub const CANNOT_VERIFY: Reply = Reply {
    code: 252,
    enhanced: "2.0.0",
    text: "Cannot verify a user, but will accept mail and try to deliver",
    rule: "A server that does not want to verify addresses answers 252.",
    section: "RFC 5321 3.5.3",
};

/// HELP; more lines follow.
pub const HELP: Reply = Reply {
    code: 214,
    enhanced: "2.0.0",
    text: concat!("This is Pillarbox ", env!("CARGO_PKG_VERSION")),
    rule: "HELP is for people; no program reads its text.",
    section: "RFC 5321 4.1.1.8",
};

/// HELP for one command: its syntax follows on the next line.
pub const HELP_TOPIC: Reply = Reply {
    code: 214,
    enhanced: "2.0.0",
    text: "Syntax:",
    rule: "HELP with the name of a command may tell more about it.",
    section: "RFC 5321 4.1.1.8",
};

/// The first word of the line is no command.
///
/// 500, not 502: 502 is for commands that we know and do not have
/// (RFC 5321 4.2.4).
pub const UNKNOWN_COMMAND: Reply = Reply {
    code: 500,
    enhanced: "5.5.2",
    text: "Command not recognized",
    rule: "A word that the server does not know as a command gets 500.",
    section: "RFC 5321 4.2.4",
};

/// A command line of more than 2,048 bytes. The rest of it was not run.
pub const COMMAND_TOO_LONG: Reply = Reply {
    code: 500,
    enhanced: "5.5.2",
    text: "Line too long",
    rule: "A command line has a limit: 512 bytes in SMTP, 2,048 here.",
    section: "RFC 5321 4.5.3.1.4",
};

// ANCHOR: bare_line_feed
/// A command line that holds a line feed without a carriage return.
///
/// The hint is for the most frequent first mistake: `nc` without `-C`.
pub const BARE_LINE_FEED: Reply = Reply {
    code: 500,
    enhanced: "5.5.2",
    text: "Line feed without carriage return (netcat needs -C)",
    rule: "Lines end in CR LF; what holds a line feed alone is not run.",
    section: "RFC 5321 2.3.8",
};
// ANCHOR_END: bare_line_feed

/// A command line that ends in a carriage return or a NUL, and the line feed
/// does not come.
///
/// 500, like the line feed alone: without it the client would wait for a reply
/// until the time-out, and never learn why.
pub const NO_LINE_FEED: Reply = Reply {
    code: 500,
    enhanced: "5.5.2",
    text: "Line must end in CR LF, not in CR or NUL alone",
    rule: "Lines end in CR LF; a carriage return alone ends none.",
    section: "RFC 5321 2.3.8",
};

/// A command that other servers have and this one has not.
pub const NOT_IMPLEMENTED: Reply = Reply {
    code: 502,
    enhanced: "5.5.1",
    text: "Command not implemented",
    rule: "A command that the server knows but does not have gets 502.",
    section: "RFC 5321 4.2.4",
};

/// HELO without a name, or with something that is none.
pub const HELO_SYNTAX: Reply = Reply {
    code: 501,
    enhanced: "",
    text: "Syntax: HELO name",
    rule: "HELO has one argument: the client's domain name.",
    section: "RFC 5321 4.1.1.1",
};

/// EHLO without a name, or with something that is none.
pub const EHLO_SYNTAX: Reply = Reply {
    code: 501,
    enhanced: "",
    text: "Syntax: EHLO name, or EHLO [address]",
    rule: "EHLO has one argument: the client's domain name or address.",
    section: "RFC 5321 4.1.1.1",
};

/// MAIL without `FROM:`.
pub const MAIL_SYNTAX: Reply = Reply {
    code: 501,
    enhanced: "5.5.4",
    text: "Syntax: MAIL FROM:<address>",
    rule: "The command is MAIL FROM: and a path in angle brackets.",
    section: "RFC 5321 4.1.1.2",
};

/// RCPT without `TO:`.
pub const RCPT_SYNTAX: Reply = Reply {
    code: 501,
    enhanced: "5.5.4",
    text: "Syntax: RCPT TO:<address>",
    rule: "The command is RCPT TO: and a path in angle brackets.",
    section: "RFC 5321 4.1.1.3",
};

/// `MAIL FROM: <a@b>`: popular, and wrong.
pub const BLANK_AT_COLON: Reply = Reply {
    code: 501,
    enhanced: "5.5.4",
    text: "No blank before or after the colon",
    rule: "Blanks are not permitted around the colon of FROM: and TO:.",
    section: "RFC 5321 3.3",
};

/// The reverse-path does not fit the grammar.
pub const BAD_SENDER: Reply = Reply {
    code: 501,
    enhanced: "5.1.7",
    text: "Bad syntax in the sender's address",
    rule: "A reverse-path is <local-part@domain>, or <> for a bounce.",
    section: "RFC 5321 4.1.2",
};

/// The forward-path does not fit the grammar.
pub const BAD_RECIPIENT: Reply = Reply {
    code: 501,
    enhanced: "5.1.3",
    text: "Bad syntax in the recipient's address",
    rule: "A forward-path is <local-part@domain>, or <postmaster>.",
    section: "RFC 5321 4.1.2",
};

/// A part of the sender's address is longer than the RFC allows.
pub const SENDER_TOO_LONG: Reply = Reply {
    code: 501,
    enhanced: "5.1.7",
    text: "Sender's address too long",
    rule: "Local part 64 bytes, domain 255, whole path 256, at most.",
    section: "RFC 5321 4.5.3.1",
};

/// A part of the recipient's address is longer than the RFC allows.
pub const RECIPIENT_TOO_LONG: Reply = Reply {
    code: 501,
    enhanced: "5.1.3",
    text: "Recipient's address too long",
    rule: "Local part 64 bytes, domain 255, whole path 256, at most.",
    section: "RFC 5321 4.5.3.1",
};

/// RSET, DATA or QUIT with an argument.
pub const NO_ARGUMENT: Reply = Reply {
    code: 501,
    enhanced: "5.5.4",
    text: "This command takes no argument",
    rule: "DATA, RSET and QUIT have no argument.",
    section: "RFC 5321 4.3.2",
};

/// VRFY of nobody.
pub const VRFY_SYNTAX: Reply = Reply {
    code: 501,
    enhanced: "5.5.4",
    text: "Syntax: VRFY user",
    rule: "VRFY needs the name of a user or a mailbox.",
    section: "RFC 5321 4.1.1.6",
};

/// NUL, a lone carriage return or another control character in a command.
pub const CONTROL_CHARACTER: Reply = Reply {
    code: 501,
    enhanced: "5.5.2",
    text: "Control character in the command",
    rule: "A command holds no control characters.",
    section: "RFC 5321 4.1.2",
};

/// Parameters that are not `KEYWORD` or `KEYWORD=value`, or come twice.
pub const BAD_PARAMETER: Reply = Reply {
    code: 501,
    enhanced: "5.5.4",
    text: "Bad syntax in a parameter",
    rule: "A parameter is KEYWORD or KEYWORD=value, and is given once.",
    section: "RFC 5321 4.1.2",
};

/// `SIZE=` and something that is not 1 to 20 digits.
pub const BAD_SIZE: Reply = Reply {
    code: 501,
    enhanced: "5.5.4",
    text: "Syntax: SIZE=bytes",
    rule: "A size is 1 to 20 decimal digits, and is given once.",
    section: "RFC 1870 section 3",
};

/// A parameter of an extension that was not offered.
///
/// After HELO no extension is offered, so every parameter ends here.
pub const UNKNOWN_PARAMETER: Reply = Reply {
    code: 555,
    enhanced: "5.5.4",
    text: "Parameter not recognized or not offered",
    rule: "A client sends only parameters of extensions that EHLO offered.",
    section: "RFC 5321 4.1.1.11",
};

/// HELP for something that is no command here.
pub const UNKNOWN_TOPIC: Reply = Reply {
    code: 504,
    enhanced: "5.5.4",
    text: "No help on this",
    rule: "A parameter of a command that the server does not have gets 504.",
    section: "RFC 5321 4.2.3",
};

/// MAIL before HELO or EHLO.
pub const HELLO_FIRST: Reply = Reply {
    code: 503,
    enhanced: "5.5.1",
    text: "HELO or EHLO first",
    rule: "A client says HELO or EHLO before it starts a transaction.",
    section: "RFC 5321 4.1.4",
};

/// RCPT or DATA without a transaction.
pub const MAIL_FIRST: Reply = Reply {
    code: 503,
    enhanced: "5.5.1",
    text: "MAIL first",
    rule: "A transaction is MAIL, then RCPT, then DATA, in that order.",
    section: "RFC 5321 4.1.4",
};

/// DATA before any RCPT.
pub const RCPT_FIRST: Reply = Reply {
    code: 503,
    enhanced: "5.5.1",
    text: "RCPT first",
    rule: "A transaction is MAIL, then RCPT, then DATA, in that order.",
    section: "RFC 5321 4.1.4",
};

/// MAIL while a transaction is open.
pub const NESTED_MAIL: Reply = Reply {
    code: 503,
    enhanced: "5.5.1",
    text: "A transaction is open already (RSET ends it)",
    rule: "MAIL must not be sent while a mail transaction is open.",
    section: "RFC 5321 4.1.4",
};

/// DATA after every RCPT was refused.
///
/// 554, not 503: the order was right, but nobody is left to deliver to. A
/// client that pipelined DATA learns it here.
pub const NO_VALID_RECIPIENTS: Reply = Reply {
    code: 554,
    enhanced: "5.5.1",
    text: "No valid recipients",
    rule: "DATA fails when no recipient of the transaction was accepted.",
    section: "RFC 5321 3.3",
};

/// The domain is ours; the mailbox does not exist.
pub const NO_SUCH_MAILBOX: Reply = Reply {
    code: 550,
    enhanced: "5.1.1",
    text: "No such mailbox",
    rule: "A recipient that cannot be delivered to is refused at RCPT.",
    section: "RFC 5321 3.3",
};

/// An address literal (`bob@[192.0.2.1]`) that is not one of our domains.
pub const NO_SUCH_DOMAIN: Reply = Reply {
    code: 550,
    enhanced: "5.1.2",
    text: "Not an address of this server",
    rule: "An address in brackets names one host; it is not this one.",
    section: "RFC 5321 4.1.3",
};

/// The domain is not ours, and we do not pass mail on for strangers.
pub const RELAYING_REFUSED: Reply = Reply {
    code: 550,
    enhanced: "5.7.1",
    text: "Relaying refused",
    rule: "A server need not relay; one that relays for all is abused.",
    section: "RFC 5321 3.6.2",
};

/// A sender with bytes over 127, but no SMTPUTF8 on this MAIL.
///
/// RFC 6531 has 550 for a sender and 553 for a recipient.
pub const SENDER_NEEDS_SMTPUTF8: Reply = Reply {
    code: 550,
    enhanced: "5.6.7",
    text: "Sender is not ASCII, and SMTPUTF8 was not asked for",
    rule: "An address beyond ASCII needs the parameter SMTPUTF8 on MAIL.",
    section: "RFC 6531 3.5",
};

/// A recipient with bytes over 127, but no SMTPUTF8 on the MAIL before.
pub const RECIPIENT_NEEDS_SMTPUTF8: Reply = Reply {
    code: 553,
    enhanced: "5.6.7",
    text: "Recipient is not ASCII, and SMTPUTF8 was not asked for",
    rule: "An address beyond ASCII needs the parameter SMTPUTF8 on MAIL.",
    section: "RFC 6531 3.5",
};

/// An address with bytes over 127 that are not UTF-8 either.
pub const NOT_UTF8: Reply = Reply {
    code: 553,
    enhanced: "5.6.7",
    text: "Address is not valid UTF-8",
    rule: "An address beyond ASCII is written in UTF-8.",
    section: "RFC 6531 3.3",
};

/// This transaction holds as many recipients as we accept.
///
/// The code is 452, not 552: 552 says "never", and a client that reads "never"
/// bounces the mail instead of sending it again.
pub const TOO_MANY_RECIPIENTS: Reply = Reply {
    code: 452,
    enhanced: "4.5.3",
    text: "Too many recipients",
    rule: "A transaction has a limit; the rest may come in another one.",
    section: "RFC 5321 4.5.3.1.10",
};

/// The mailbox could be made, but there are as many as we allow.
pub const TOO_MANY_MAILBOXES: Reply = Reply {
    code: 452,
    enhanced: "4.2.2",
    text: "No room for another mailbox",
    rule: "Out of room for now: the client may try again later.",
    section: "RFC 5321 4.2.3",
};

/// `SIZE=` tells that the message is over the limit: refused before it comes.
pub const DECLARED_TOO_BIG: Reply = Reply {
    code: 552,
    enhanced: "5.3.4",
    text: "Message too big",
    rule: "A size over the limit that EHLO announced is refused at MAIL.",
    section: "RFC 1870 6.1",
};

/// The message was over the limit. It was read to its end, and not stored.
pub const MESSAGE_TOO_BIG: Reply = Reply {
    code: 552,
    enhanced: "5.3.4",
    text: "Message too big",
    rule: "A message over the limit is read to its end and then refused.",
    section: "RFC 5321 4.5.3.1.9",
};

/// A carriage return or a line feed stood alone in the message.
///
/// The message was read to its real end first: a server that took the lone
/// character for a line end would see another message in it.
pub const BARE_CR_OR_LF: Reply = Reply {
    code: 550,
    enhanced: "5.5.2",
    text: "Message refused: CR or LF stands alone",
    rule: "In a message CR and LF stand only together, as a line's end.",
    section: "RFC 5321 2.3.8",
};

/// A NUL byte in the message.
///
/// RFC 5321 4.5.2 would deliver it; RFC 5322 calls it obsolete, and programs
/// written in C lose what comes after it. We refuse, and say so.
pub const NUL_IN_MESSAGE: Reply = Reply {
    code: 550,
    enhanced: "5.6.0",
    text: "Message refused: it holds a NUL",
    rule: "NUL was allowed in old messages, and must not be sent today.",
    section: "RFC 5322 4",
};

/// A line of the message is over our limit of 65,536 bytes.
pub const TEXT_LINE_TOO_LONG: Reply = Reply {
    code: 554,
    enhanced: "5.6.0",
    text: "Message refused: a line is too long",
    rule: "A line of text has a limit: 1,000 bytes in SMTP, 65,536 here.",
    section: "RFC 5321 4.5.3.1.6",
};

/// The message went through more than 100 servers: it runs in a circle.
pub const TOO_MANY_HOPS: Reply = Reply {
    code: 554,
    enhanced: "5.4.6",
    text: "Message refused: too many hops, mail loop",
    rule: "Counting Received lines, limit about 100, ends a mail loop.",
    section: "RFC 5321 6.3",
};

/// A message so far over the limit that we do not wait for its end.
pub const ENDLESS_MESSAGE: Reply = Reply {
    code: 421,
    enhanced: "4.7.0",
    text: "{host} message without end, closing connection",
    rule: "A server may protect itself from what looks like an attack.",
    section: "RFC 5321 7.8",
};

/// The disk or the machine is in trouble, or its owner made a mistake.
///
/// 451, never 5xx: no mail may bounce because of our own trouble.
pub const LOCAL_ERROR: Reply = Reply {
    code: 451,
    enhanced: "4.3.0",
    text: "Local error, try again later",
    rule: "Trouble of the server's own is a temporary failure.",
    section: "RFC 5321 4.2.3",
};

/// The disk is full.
pub const NO_SPACE: Reply = Reply {
    code: 452,
    enhanced: "4.3.1",
    text: "Insufficient system storage",
    rule: "A full disk is a temporary failure.",
    section: "RFC 5321 4.2.3",
};

/// The owner's quota is used up.
pub const MAILBOX_FULL: Reply = Reply {
    code: 452,
    enhanced: "4.2.2",
    text: "Mailbox full",
    rule: "A full mailbox is a temporary failure.",
    section: "RFC 5321 4.2.3",
};

/// The client was silent, or too slow, for longer than we wait.
pub const TIMEOUT: Reply = Reply {
    code: 421,
    enhanced: "4.4.2",
    text: "{host} timeout, closing connection",
    rule: "A server waits at least five minutes for the next command.",
    section: "RFC 5321 4.5.3.2.7",
};

/// The twentieth mistake of one session.
pub const TOO_MANY_ERRORS: Reply = Reply {
    code: 421,
    enhanced: "4.7.0",
    text: "{host} too many errors, closing connection",
    rule: "A server may hang up on a client that only makes mistakes.",
    section: "RFC 5321 7.8",
};

/// A web browser, or a program that drives one.
///
/// Closed at once, and nothing after this line is run: a page on the web can
/// make a browser send SMTP commands in the body of a POST.
pub const HTTP_ON_THE_PORT: Reply = Reply {
    code: 421,
    enhanced: "4.7.0",
    text: "{host} speaks SMTP, not HTTP",
    rule: "A server may hang up on what looks like an attack.",
    section: "RFC 5321 7.8",
};

/// As many connections as we serve are open.
pub const TOO_MANY_CONNECTIONS: Reply = Reply {
    code: 421,
    enhanced: "",
    text: "{host} too busy, try again later",
    rule: "421 may be said at any time by a server that must stop.",
    section: "RFC 5321 4.2.3",
};

/// As many connections as one client may have are open.
pub const TOO_MANY_FROM_CLIENT: Reply = Reply {
    code: 421,
    enhanced: "",
    text: "{host} too many connections from your address",
    rule: "A server may limit what one client takes of it.",
    section: "RFC 5321 7.8",
};

/// Every reply, in the order of this file.
///
/// A test compares this list with the constants above.
pub const ALL: &[Reply] = &[
    GREETING,
    GOODBYE,
    HELO_OK,
    EHLO_OK,
    SENDER_OK,
    RECIPIENT_OK,
    START_DATA,
    STORED,
    RESET_OK,
    NOOP_OK,
    CANNOT_VERIFY,
    HELP,
    HELP_TOPIC,
    UNKNOWN_COMMAND,
    COMMAND_TOO_LONG,
    BARE_LINE_FEED,
    NO_LINE_FEED,
    NOT_IMPLEMENTED,
    HELO_SYNTAX,
    EHLO_SYNTAX,
    MAIL_SYNTAX,
    RCPT_SYNTAX,
    BLANK_AT_COLON,
    BAD_SENDER,
    BAD_RECIPIENT,
    SENDER_TOO_LONG,
    RECIPIENT_TOO_LONG,
    NO_ARGUMENT,
    VRFY_SYNTAX,
    CONTROL_CHARACTER,
    BAD_PARAMETER,
    BAD_SIZE,
    UNKNOWN_PARAMETER,
    UNKNOWN_TOPIC,
    HELLO_FIRST,
    MAIL_FIRST,
    RCPT_FIRST,
    NESTED_MAIL,
    NO_VALID_RECIPIENTS,
    NO_SUCH_MAILBOX,
    NO_SUCH_DOMAIN,
    RELAYING_REFUSED,
    SENDER_NEEDS_SMTPUTF8,
    RECIPIENT_NEEDS_SMTPUTF8,
    NOT_UTF8,
    TOO_MANY_RECIPIENTS,
    TOO_MANY_MAILBOXES,
    DECLARED_TOO_BIG,
    MESSAGE_TOO_BIG,
    BARE_CR_OR_LF,
    NUL_IN_MESSAGE,
    TEXT_LINE_TOO_LONG,
    TOO_MANY_HOPS,
    ENDLESS_MESSAGE,
    LOCAL_ERROR,
    NO_SPACE,
    MAILBOX_FULL,
    TIMEOUT,
    TOO_MANY_ERRORS,
    HTTP_ON_THE_PORT,
    TOO_MANY_CONNECTIONS,
    TOO_MANY_FROM_CLIENT,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_lists_every_constant_in_the_order_of_the_file() {
        let source = include_str!("reply.rs");
        let made = |line: &str| {
            let name = line.strip_prefix("pub const ")?;
            name.strip_suffix(": Reply = Reply {").map(str::to_owned)
        };
        let listed = |line: &str| {
            let name = line.strip_prefix("    ")?.strip_suffix(',')?;
            let is_name = |c: char| c.is_ascii_uppercase() || c == '_';
            name.chars()
                .all(|c| is_name(c) || c.is_ascii_digit())
                .then(|| name.to_owned())
        };
        let (constants, list) = source.split_once("pub const ALL").unwrap();
        let made: Vec<String> = constants.lines().filter_map(made).collect();
        let listed: Vec<String> = list.lines().filter_map(listed).collect();
        assert_eq!(made, listed);
        assert_eq!(made.len(), ALL.len());
    }

    #[test]
    fn every_reply_is_well_formed_and_has_its_reason() {
        for reply in ALL {
            let lines = Answer::from(*reply).wire_lines(&"h".repeat(255));
            let line = lines.first().unwrap();
            assert!(line.len() + 2 <= LINE_LIMIT, "{line}");
            assert!(line.bytes().all(|b| (32..127).contains(&b)), "{line}");
            assert!((200..=599).contains(&reply.code), "{line}");
            assert!(reply.rule.ends_with('.'), "{line}");
            assert!(reply.section.starts_with("RFC "), "{line}");
            if let Some(class) = reply.enhanced.chars().next() {
                assert_eq!(reply.code.to_string().chars().next(), Some(class));
            }
        }
    }

    #[test]
    fn greeting_hello_and_354_have_no_enhanced_code_rfc_2034_4() {
        for reply in ALL {
            let none = [
                GREETING,
                TOO_MANY_CONNECTIONS,
                TOO_MANY_FROM_CLIENT,
                HELO_OK,
                EHLO_OK,
                HELO_SYNTAX,
                EHLO_SYNTAX,
                START_DATA,
            ];
            assert_eq!(none.contains(reply), reply.enhanced.is_empty());
        }
    }

    #[test]
    fn further_lines_have_a_hyphen_before_them() {
        let lines = vec!["SIZE 1000".into(), "HELP".into()];
        let answer = Answer { lines, ..EHLO_OK.into() };
        let wire = answer.wire_lines("mx.example.org");
        assert_eq!(
            wire,
            ["250-mx.example.org greets you", "250-SIZE 1000", "250 HELP"]
        );
    }
}
