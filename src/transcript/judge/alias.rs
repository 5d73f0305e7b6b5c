//! Other names for the cast: `--as bob@example.org=student@localhost`.
//!
//! A page keeps its names; what is sent and expected has the others. Longer
//! names go first, and what was replaced is not replaced again.
//!
//! Only the words of `C:`, `S:` and `M:` lines change, byte for byte. A failure
//! still quotes the line as the file has it.

use crate::transcript::format::script::{Action, MailLine, Step, Transcript};
use crate::transcript::format::text::{Part, Text};

/// Names of the page, and what they are called by the server.
#[derive(Debug, Clone, Default)]
pub struct Aliases {
    /// The longest name first.
    pairs: Vec<(String, String)>,
}

impl Aliases {
    /// Pairs of a name on the page and another one. No name is empty.
    pub fn new(mut pairs: Vec<(String, String)>) -> Aliases {
        pairs.retain(|(old, _)| !old.is_empty());
        pairs.sort_by_key(|(old, _)| std::cmp::Reverse(old.len()));
        Aliases { pairs }
    }

    /// The transcript as this server has to see it.
    pub(crate) fn transcript(&self, page: &Transcript) -> Transcript {
        let mut transcript = page.clone();
        if !self.pairs.is_empty() {
            transcript.steps.iter_mut().for_each(|step| self.step(step));
        }
        transcript
    }

    fn step(&self, step: &mut Step) {
        match &mut step.action {
            Action::Send(text)
            | Action::SendRaw(text)
            | Action::ReplyRaw(text) => self.text(text),
            Action::Reply(reply) => {
                for line in &mut reply.lines {
                    self.text(&mut line.text);
                }
            }
            Action::Mailbox(mailbox) => {
                let lines = mailbox.messages.iter_mut().flatten();
                lines.for_each(|line| self.mail_line(line));
            }
            Action::ClientConnects
            | Action::ClientCloses
            | Action::ServerCloses
            | Action::Silence(_)
            | Action::Wait(_)
            | Action::RestOfMessage(_)
            | Action::MayQuit => {}
        }
    }

    fn mail_line(&self, line: &mut MailLine) {
        if let Some(text) = &mut line.text {
            self.text(text);
        }
    }

    fn text(&self, text: &mut Text) {
        for part in &mut text.parts {
            if let Part::Bytes(bytes) = part {
                *bytes = self.bytes(bytes);
            }
        }
    }

    /// Replaces from left to right.
    pub(crate) fn bytes(&self, mut rest: &[u8]) -> Vec<u8> {
        let mut all = Vec::new();
        while let Some((first, after)) = rest.split_first() {
            let found = self.pairs.iter().find_map(|(old, new)| {
                Some((new, rest.strip_prefix(old.as_bytes())?))
            });
            match found {
                Some((new, after)) => {
                    all.extend(new.bytes());
                    rest = after;
                }
                None => {
                    all.push(*first);
                    rest = after;
                }
            }
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transcript::format::testing::{MINIMAL, read};

    fn aliases(pairs: &[(&str, &str)]) -> Aliases {
        let owned = |(old, new): &(&str, &str)| ((*old).into(), (*new).into());
        Aliases::new(pairs.iter().map(owned).collect())
    }

    #[test]
    fn the_longest_goes_first_and_nothing_is_replaced_twice() {
        let aliases = aliases(&[
            ("example.org", "b.test"),
            ("bob@example.org", "example.org"),
            ("b.test", "c.test"),
        ]);
        let bytes = aliases.bytes(b"<bob@example.org> <al@example.org> b.test");
        assert_eq!(bytes, b"<example.org> <al@b.test> c.test");
    }

    #[test]
    fn words_change_and_the_lines_of_the_file_do_not() {
        let page = read(MINIMAL).unwrap();
        let other = aliases(&[("bob@example.org", "student@localhost")]);
        let transcript = other.transcript(&page);
        let step = &transcript.steps[5];
        assert_eq!(step.source.text, "C: RCPT TO:<bob@example.org>");
        let words = b"RCPT TO:<student@localhost>".to_vec();
        let parts = vec![Part::Bytes(words)];
        assert_eq!(step.action, Action::Send(Text { parts }));
        assert_eq!(transcript.steps.len(), page.steps.len());
    }
}
