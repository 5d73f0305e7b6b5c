//! A walk through the machine: every command in every state.
//!
//! Interface:
//!   `ROWS`, `COLUMNS`  the lines that are sent, and the ways into the states
//!   `send`             sends a line to a session, as a server would
//!   `outcome`          what one command does in one state
//!
//! The state table, and what the book draws of it, come from here.

use pillarbox::protocol::command::Command;
use pillarbox::protocol::extension::Offer;
use pillarbox::protocol::reply;
use pillarbox::protocol::session::{
    Destination, LocalMailbox, Session, Turn, Verdict,
};

/// The rows, each with a line of its kind.
pub const ROWS: [(&str, &str); 19] = [
    ("EHLO", "EHLO client.example"),
    ("HELO", "HELO client.example"),
    ("EHLO wrong", "EHLO"),
    ("MAIL", "MAIL FROM:<alice@client.example>"),
    ("MAIL wrong", "MAIL FROM:alice"),
    ("MAIL parameter", "MAIL FROM:<alice@client.example> FROB=1"),
    ("RCPT", "RCPT TO:<bob@example.org>"),
    ("RCPT refused", "RCPT TO:<nobody@example.org>"),
    ("RCPT wrong", "RCPT TO:bob"),
    ("RCPT parameter", "RCPT TO:<bob@example.org> FROB=1"),
    ("DATA", "DATA"),
    ("RSET", "RSET"),
    ("VRFY", "VRFY bob"),
    ("EXPN", "EXPN staff"),
    ("HELP", "HELP"),
    ("NOOP", "NOOP"),
    ("QUIT", "QUIT"),
    ("unknown", "FROB"),
    ("GET", "GET / HTTP/1.1"),
];

/// The columns, each with the shortest way into its state.
pub const COLUMNS: [(&str, &[&str]); 7] = [
    ("Connected", &[]),
    ("Greeted", &["EHLO"]),
    ("Mail", &["EHLO", "MAIL"]),
    ("Mail*", &["EHLO", "MAIL", "RCPT refused"]),
    ("Rcpt", &["EHLO", "MAIL", "RCPT"]),
    ("Data", &["EHLO", "MAIL", "RCPT", "DATA"]),
    ("Closed", &["QUIT"]),
];

/// A session of mx.example.org in which nothing was said.
pub fn fresh() -> Session {
    Session::new(Offer {
        hostname: "mx.example.org".into(),
        max_size: 1000,
        max_recipients: 100,
        without: Vec::new(),
    })
}

/// Sends the line of this kind, and gives the code of the reply.
pub fn send(session: &mut Session, row: &str) -> Option<u16> {
    let line = ROWS.iter().find(|(name, _)| *name == row).map(|(_, l)| *l);
    let command = Command::parse(line.unwrap_or(row).as_bytes());
    match session.step(command) {
        Turn::Step(step) => Some(step.answer.reply.code),
        Turn::Ask(question) if row == "RCPT refused" => {
            let refused = Verdict::Refused(reply::NO_SUCH_MAILBOX);
            Some(question.answer(refused).answer.reply.code)
        }
        Turn::Ask(question) => {
            Some(question.answer(welcome("bob")).answer.reply.code)
        }
        Turn::Nothing => None,
    }
}

/// What a server says of a mailbox that it has.
pub fn welcome(local_part: &str) -> Verdict {
    Verdict::Welcome(Destination::Here(LocalMailbox {
        domain: "example.org".into(),
        local_part: local_part.into(),
    }))
}

/// A session that has come this way.
pub fn session_in(way: &[&str]) -> Session {
    let mut session = fresh();
    for row in way {
        send(&mut session, row);
    }
    session
}

/// What becomes of `row` in the state at the end of `way`: a code, and the next
/// state if it changes; a dot for silence.
pub fn outcome(way: &[&str], row: &str) -> String {
    let mut session = session_in(way);
    let before = session.state().name();
    let code = send(&mut session, row);
    let after = session.state().name();
    match code {
        None => ".".to_owned(),
        Some(code) if before == after => code.to_string(),
        Some(code) => format!("{code} {after}"),
    }
}
