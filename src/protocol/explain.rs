//! The live dialogue as text: what both sides say, and why.
//!
//! ```text
//! [1] C: RCPT TO:<nobody@localhost>\r\n
//! [1] S: 550 5.1.1 No such mailbox
//!        A recipient that cannot be delivered to is refused at RCPT.
//!        RFC 5321 3.3                                              Mail -> Mail
//! ```
//!
//! The number tells clients apart; with an arrow before it, as in `[->1]`, we
//! are the client ourselves. What a client sent is escaped: CR and LF, and any
//! other byte that a terminal could take for an order, can be seen. So is what
//! a server has sent to us. The text of a message is folded into one line.
//!
//! It fits a terminal of 80 columns. Colour is never alone: each line also has
//! its letter.
//!
//! Interface:
//!   `Explainer`  makes the text; the server prints it, or the page of the book

use super::decision::{self, Decision};
use super::session::Step;

/// The width of a projector's terminal.
const WIDTH: usize = 80;

/// The reason is below what was said, a little to the right.
const INDENT: usize = 7;

/// Bold, green and red: they can be read on black and on white.
const CLIENT: &str = "\x1b[1m";
const SERVER: &str = "\x1b[32m";
const REFUSAL: &str = "\x1b[31m";
const PLAIN: &str = "\x1b[0m";

/// Makes the text of one session's dialogue.
#[derive(Debug, Clone, Copy)]
pub struct Explainer {
    /// The number of the session.
    pub session: u64,
    /// Whether we are its client.
    pub is_sending: bool,
    /// Whether the text goes to a terminal that has colours.
    pub has_colour: bool,
}

impl Explainer {
    /// Something happened to the connection.
    pub fn event(&self, what: &str) -> String {
        format!("{} ({what})\n", self.mark())
    }

    /// A line of the client, with its line end.
    pub fn client(&self, line: &[u8]) -> String {
        self.said("C:", CLIENT, &line.escape_ascii().to_string())
    }

    /// The text of a message, up to the dot.
    pub fn message(&self, lines: u64, bytes: u64) -> String {
        let dot = self.said("C:", CLIENT, ".\\r\\n");
        if lines == 0 {
            return dot;
        }
        let ending = if lines == 1 { "" } else { "s" };
        let text = format!("... {lines} line{ending}, {bytes} bytes");
        self.said("C:", CLIENT, &text) + &dot
    }

    /// A reply, its reason, and what it did to the state. `lines` are those
    /// that went on the wire.
    pub fn step(&self, step: &Step, lines: &[String]) -> String {
        let reply = step.answer.reply;
        let colour = match reply.code {
            400.. => REFUSAL,
            _ => SERVER,
        };
        let said = lines.iter().map(|line| self.said("S:", colour, line));
        let states = format!("{} -> {}", step.before, step.after);
        said.collect::<String>()
            + &self.reason(reply.rule, reply.section, &states)
    }

    /// A line of the server that we are the client of.
    pub fn server(&self, line: &[u8]) -> String {
        let colour = match line {
            [b'4'..=b'9', ..] => REFUSAL,
            _ => SERVER,
        };
        self.said("S:", colour, &line.escape_ascii().to_string())
    }

    /// What we make of an answer, and why.
    pub fn decision(&self, step: decision::Step, made: &Decision) -> String {
        self.reason(made.rule, made.section, &made.sentence(step))
    }

    /// The rule; and its section, with `words` at the right.
    fn reason(&self, rule: &str, section: &str, words: &str) -> String {
        let room = WIDTH - INDENT - 1 - section.len().min(WIDTH / 2);
        format!("{0:INDENT$}{rule}\n{0:INDENT$}{section}{words:>room$}\n\n", "")
    }

    fn mark(&self) -> String {
        let arrow = if self.is_sending { "->" } else { "" };
        format!("[{arrow}{}]", self.session)
    }

    /// One line of the dialogue, on as many lines of the terminal as it takes.
    fn said(&self, who: &str, colour: &str, text: &str) -> String {
        let begin = format!("{} {who} ", self.mark());
        let room = WIDTH.saturating_sub(begin.len() + 1).max(20);
        // Only ASCII is in here, so bytes are columns.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::reply::ALL;

    const WITHOUT: Explainer =
        Explainer { session: 12, is_sending: false, has_colour: false };
    const WITH: Explainer = Explainer { has_colour: true, ..WITHOUT };

    #[test]
    fn every_reason_fits_on_one_line_of_a_projector() {
        for reply in ALL {
            let rule = reply.rule;
            assert!(INDENT + rule.len() < WIDTH, "{rule}");
        }
    }

    #[test]
    fn every_decision_of_our_client_fits_too() {
        use crate::protocol::decision::{Kind, Step, decide};
        let sending = Explainer { is_sending: true, ..WITHOUT };
        for step in Step::ALL {
            for kind in Kind::ALL {
                let made = decide(step, kind);
                let text = sending.decision(step, made);
                for line in text.lines() {
                    assert!(line.len() < WIDTH, "{line}");
                }
                assert!(text.contains(made.rule), "{text}");
            }
        }
    }

    #[test]
    fn a_long_line_goes_on_below_itself() {
        let said = WITHOUT.said("C:", CLIENT, &"x".repeat(100));
        for line in said.lines() {
            assert!(line.len() < WIDTH, "{line}");
        }
        assert_eq!(said.matches('x').count(), 100);
        assert_eq!(said.lines().count(), 2);
        assert!(said.contains("\n        x"), "{said}");
    }

    #[test]
    fn colour_changes_no_letter() {
        let coloured = WITH.said("S:", SERVER, "250 OK");
        let stripped = coloured.replace(SERVER, "").replace(PLAIN, "");
        assert_ne!(coloured, stripped);
        assert_eq!(stripped, WITHOUT.said("S:", SERVER, "250 OK"));
    }
}
