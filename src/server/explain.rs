//! The live dialogue: what both sides say, and why, for a class to watch.
//!
//! ```text
//! [1] C: RCPT TO:<nobody@localhost>\r\n
//! [1] S: 550 5.1.1 No such mailbox
//!        A recipient that cannot be delivered to is refused at RCPT.
//!        RFC 5321 3.3                                              Mail -> Mail
//! ```
//!
//! The number tells clients apart. What a client sent is escaped: CR and LF,
//! and any other byte that a terminal could take for an order, can be seen.
//! The text of a message is folded into one line.
//!
//! It fits a terminal of 80 columns. Colour is used on a terminal only, not
//! under `NO_COLOR`, and never alone: each line also has its letter.

use crate::protocol::reply::Answer;
use std::io::{self, IsTerminal, Write};

/// The width of a projector's terminal.
const WIDTH: usize = 80;

/// Below what was said stands its reason, a little to the right.
const INDENT: usize = 7;

/// Bold, green and red: they can be read on black and on white.
const CLIENT: &str = "\x1b[1m";
const SERVER: &str = "\x1b[32m";
const REFUSAL: &str = "\x1b[31m";
const PLAIN: &str = "\x1b[0m";

/// Writes the dialogue to standard error.
#[derive(Debug)]
pub(super) struct Explainer {
    has_colour: bool,
}

impl Explainer {
    pub(super) fn new() -> Explainer {
        let is_wanted =
            std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
        Explainer { has_colour: is_wanted && io::stderr().is_terminal() }
    }

    /// Something happened to the connection.
    pub(super) fn event(&self, session: u64, what: &str) {
        print(&format!("[{session}] ({what})\n"));
    }

    /// A line of the client, with its line end.
    pub(super) fn client(&self, session: u64, line: &[u8]) {
        let text = line.escape_ascii().to_string();
        print(&self.said(session, "C:", CLIENT, &text));
    }

    /// The text of a message, up to the dot.
    pub(super) fn message(&self, session: u64, lines: u64, bytes: u64) {
        let ending = if lines == 1 { "" } else { "s" };
        let folded = match lines {
            0 => String::new(),
            _ => {
                let text = format!("... {lines} line{ending}, {bytes} bytes");
                self.said(session, "C:", CLIENT, &text)
            }
        };
        print(&(folded + &self.said(session, "C:", CLIENT, ".\\r\\n")));
    }

    /// A reply, its reason, and what it did to the state.
    pub(super) fn reply(
        &self,
        session: u64,
        answer: &Answer,
        lines: &[String],
        states: [&str; 2],
    ) {
        let colour = match answer.reply.code {
            400.. => REFUSAL,
            _ => SERVER,
        };
        let mut text = String::new();
        for line in lines {
            text.push_str(&self.said(session, "S:", colour, line));
        }
        let [before, after] = states;
        let section = answer.reply.section;
        let states = format!("{before} -> {after}");
        let room = WIDTH - INDENT - 1 - section.len().min(WIDTH / 2);
        text.push_str(&format!("{:INDENT$}{}\n", "", answer.reply.rule));
        text.push_str(&format!("{:INDENT$}{section}{states:>room$}\n\n", ""));
        print(&text);
    }

    /// One line of the dialogue, on as many lines of the terminal as it takes.
    fn said(
        &self,
        session: u64,
        who: &str,
        colour: &str,
        text: &str,
    ) -> String {
        let begin = format!("[{session}] {who} ");
        let room = WIDTH.saturating_sub(begin.len() + 1).max(20);
        // Only ASCII stands here, so bytes are columns.
        let rows: Vec<String> = text
            .as_bytes()
            .chunks(room)
            .map(|row| String::from_utf8_lossy(row).into_owned())
            .collect();
        let text = rows.join(&format!("\n{:1$}", "", begin.len()));
        if self.has_colour {
            format!("{begin}{colour}{text}{PLAIN}\n")
        } else {
            format!("{begin}{text}\n")
        }
    }
}

/// One write for what belongs together: other sessions write as well.
fn print(text: &str) {
    // If nobody reads it, the mail goes on all the same.
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::reply::ALL;

    #[test]
    fn every_reason_fits_on_one_line_of_a_projector() {
        for reply in ALL {
            let rule = reply.rule;
            assert!(INDENT + rule.len() < WIDTH, "{rule}");
        }
    }

    #[test]
    fn a_long_line_goes_on_below_itself() {
        let explainer = Explainer { has_colour: false };
        let said = explainer.said(12, "C:", CLIENT, &"x".repeat(100));
        for line in said.lines() {
            assert!(line.len() < WIDTH, "{line}");
        }
        assert_eq!(said.matches('x').count(), 100);
        assert_eq!(said.lines().count(), 2);
        assert!(said.contains("\n        x"), "{said}");
    }

    #[test]
    fn colour_changes_no_letter() {
        let with = Explainer { has_colour: true };
        let without = Explainer { has_colour: false };
        let coloured = with.said(1, "S:", SERVER, "250 OK");
        let stripped = coloured.replace(SERVER, "").replace(PLAIN, "");
        assert_ne!(coloured, stripped);
        assert_eq!(stripped, without.said(1, "S:", SERVER, "250 OK"));
    }
}
