//! The dialogue of `pillarbox send`, from the client's side, as `-v` and
//! `--explain` show it.
//!
//! ```text
//! C: RCPT TO:<nobody@localhost>
//! S: 550 5.1.1 No such mailbox
//!        A refused recipient changes nothing for the others.
//!        RFC 5321 3.3            RCPT: this recipient will not be tried again
//! ```
//!
//! The last two lines are the reason, which `--explain` adds: the rule, where
//! it is written, what was answered, and what the client makes of it. The text
//! of the message is one line, with its size.

use super::screen::escaped;
use crate::protocol::decision::{Decision, Step};
use crate::protocol::outcome::Heard;
use crate::relay::client::Event;
use crate::relay::route::Target;
use std::cell::RefCell;
use std::io::Write;

/// The width of a projector's terminal.
const WIDTH: usize = 79;

/// The reason is below what was said, a little to the right.
const INDENT: usize = 7;

/// What is shown of the dialogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Show {
    /// What goes wrong, and no more.
    Trouble,
    /// The dialogue.
    Dialogue,
    /// The dialogue, with the reason for each step.
    Reasons,
}

/// Shows the dialogue.
pub(super) struct Dialogue<'a> {
    show: Show,
    errors: RefCell<&'a mut dyn Write>,
}

impl<'a> Dialogue<'a> {
    /// Nothing is shown yet.
    pub(super) fn new(show: Show, errors: &'a mut dyn Write) -> Dialogue<'a> {
        Dialogue { show, errors: RefCell::new(errors) }
    }

    /// Something has happened.
    pub(super) fn tell(&self, event: &Event<'_>) {
        let text = match self.show {
            Show::Trouble => return,
            Show::Dialogue => said(event),
            Show::Reasons => said(event).or_else(|| reason(event)),
        };
        let Some(text) = text else { return };
        // The sending goes on, whether or not somebody watches.
        let _ = writeln!(self.errors.borrow_mut(), "{text}");
    }
}

/// What one side has said to the other.
fn said(event: &Event<'_>) -> Option<String> {
    match event {
        Event::Said(command) => {
            Some(format!("C: {}", escaped(command.to_string().as_bytes())))
        }
        Event::SaidText(size) => Some(format!("C: ... {size} bytes of text")),
        Event::Heard(Heard::Reply(reply)) => {
            let line = |line: &Vec<u8>| format!("S: {}", escaped(line));
            let lines: Vec<String> = reply.lines.iter().map(line).collect();
            Some(lines.join("\n"))
        }
        Event::Heard(Heard::NoReply(what) | Heard::Gone(what)) => {
            Some(format!("S: ({})", escaped(what.as_bytes())))
        }
        Event::Connecting(_)
        | Event::Unreachable(..)
        | Event::Connected(..)
        | Event::Decided(..)
        | Event::Closed => None,
    }
}

/// What else there is to tell.
fn reason(event: &Event<'_>) -> Option<String> {
    match event {
        Event::Connecting(target) => {
            Some(format!("(connecting to {})", place(target)))
        }
        Event::Unreachable(target, why) => {
            Some(format!("({}: {why})", place(target)))
        }
        Event::Decided(step, decision) => Some(explained(*step, decision)),
        Event::Closed => Some("(the connection is closed)".to_owned()),
        Event::Connected(..)
        | Event::Said(_)
        | Event::SaidText(_)
        | Event::Heard(_) => None,
    }
}

fn place(target: &Target) -> String {
    let Target { host, address } = target;
    let host = escaped(host.as_bytes());
    match address.ip().to_string() == host {
        true => address.to_string(),
        false => format!("{host}, {address}"),
    }
}

/// The rule, and below it the section and what is done then.
fn explained(step: Step, decision: &Decision) -> String {
    let Decision { rule, section, .. } = decision;
    let did = decision.sentence(step);
    let room = WIDTH.saturating_sub(INDENT + section.len());
    format!("{0:INDENT$}{rule}\n{0:INDENT$}{section}{did:>room$}\n", "")
}
