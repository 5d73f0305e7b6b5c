//! What the page is told: one line for each thing that happens, its parts
//! separated by tabs.
//!
//! ```text
//! client  line                       a command, with its line end
//! text    line                       a line of the message, as it was sent
//! said    line                       a line of a reply
//! step    rule section before after  why it was said, and the states
//! mail    mailboxes content          a message as it lies in the mailboxes
//! holds   client from to parameters  what the server knows now
//! closed                             the server has closed the connection
//! wrong   word                       an option that is none
//! ```
//!
//! Bytes are escaped as in Rust (`\r\n`, `\xe4`), so that a tab or a line feed
//! in the text is none of ours. `glue.js` reads it.

use crate::protocol::session::{Destination, Session, Step, Transaction};

/// What is to be told, piece by piece.
#[derive(Default)]
pub(crate) struct Telling {
    text: Vec<u8>,
}

impl Telling {
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.text
    }

    /// One line.
    pub(crate) fn tell(&mut self, what: &str, parts: &[&[u8]]) {
        self.text.extend_from_slice(what.as_bytes());
        for part in parts {
            self.text.push(b'\t');
            self.text.extend(part.escape_ascii());
        }
        self.text.push(b'\n');
    }

    /// A step of the machine: what it says, and why.
    pub(crate) fn step(&mut self, step: &Step, host: &str, states: &[String]) {
        for line in step.answer.wire_lines(host) {
            self.tell("said", &[line.as_bytes()]);
        }
        let reply = step.answer.reply;
        let mut parts = vec![reply.rule.as_bytes(), reply.section.as_bytes()];
        parts.extend(states.iter().map(String::as_bytes));
        self.tell("step", &parts);
    }

    /// What the session holds.
    pub(crate) fn holds(&mut self, session: &Session) {
        let client = session.client().map_or("", |client| &client.name);
        let (from, to, parameters) = match session.state().transaction() {
            Some(open) => {
                (open.reverse_path.to_string(), to(open), parameters(open))
            }
            None => Default::default(),
        };
        let parts = [client, &from, &to, &parameters];
        self.tell("holds", &parts.map(str::as_bytes));
    }
}

/// `Mail*` is the state `Mail` in which a recipient was refused: DATA is
/// answered differently there.
pub(crate) fn state(session: &Session) -> String {
    let state = session.state();
    let is_refused = state
        .transaction()
        .is_some_and(|open| open.has_refused && open.recipients.is_empty());
    format!("{}{}", state.name(), if is_refused { "*" } else { "" })
}

fn to(transaction: &Transaction) -> String {
    let addresses = transaction.recipients.iter().map(|to| match to {
        Destination::Here(to) => format!("{}@{}", to.local_part, to.domain),
        Destination::Elsewhere(to) => to.to_string(),
    });
    addresses.collect::<Vec<_>>().join(" ")
}

fn parameters(transaction: &Transaction) -> String {
    let parameters = &transaction.parameters;
    let words = [
        parameters.size.map(|size| format!("SIZE={size}")),
        parameters.eight_bit.then(|| "BODY=8BITMIME".to_owned()),
        parameters.utf8.then(|| "SMTPUTF8".to_owned()),
    ];
    words.into_iter().flatten().collect::<Vec<_>>().join(" ")
}
