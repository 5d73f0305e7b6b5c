//! The message that a client sends, compared with the one that it was given.
//!
//! Of each line that begins with a dot we take one dot away (RFC 5321 4.5.2).
//! What is then not the page's message was changed by the client: a dot that
//! it did not double, a line that it broke, a blank that it lost.

use crate::transcript::format::matching::Names;
use crate::transcript::format::script::{Form, MailLine, MessageStep, Step};
use crate::transcript::format::text::{LARGEST_FILE, Part, Text};
use crate::transcript::judge::failure::Mismatch;
use crate::transcript::judge::message::{Fits, compare};
use crate::transcript::judge::shown::show;

/// What the RFC says of bytes over 127.
const SEVEN_BITS: &str = "a client that has not negotiated 8BITMIME must not \
                          send bytes over 127 (RFC 5321 2.4)";

/// A message that is on its way.
pub(super) struct Message<'a> {
    step: &'a Step,
    wanted: &'a MessageStep,
    /// What came, if somebody will ask.
    bytes: Vec<u8>,
    /// How many bytes came.
    size: usize,
}

impl Message<'_> {
    pub(super) fn new<'a>(
        step: &'a Step,
        wanted: &'a MessageStep,
    ) -> Message<'a> {
        Message { step, wanted, bytes: Vec::new(), size: 0 }
    }

    /// One line of it, without its end.
    pub(super) fn line(&mut self, line: &[u8]) -> Result<(), Mismatch> {
        self.size += line.len() + 1;
        if self.size > LARGEST_FILE {
            let what = "a message without end";
            return Err(Mismatch::new(&self.step.source, what, ""));
        }
        if self.wanted.form == Form::In7Bits && !line.is_ascii() {
            let got = format!("C: {}", show(line));
            let what = "a byte over 127 in the message";
            let mut wrong = Mismatch::new(&self.step.source, what, got);
            wrong.hint = Some(SEVEN_BITS.into());
            return Err(wrong);
        }
        if self.is_compared() {
            let text = line.strip_prefix(b".").unwrap_or(line);
            self.bytes.extend(text);
            self.bytes.push(b'\n');
        }
        Ok(())
    }

    /// The final dot has come: is it the message of the page?
    pub(super) fn end(self, names: &mut Names) -> Result<(), Mismatch> {
        if !self.is_compared() {
            return Ok(());
        }
        let wanted = one_by_one(&self.wanted.lines);
        let source = &self.step.source;
        compare(source, &wanted, &self.bytes, Fits::InAnyCase, names).map_err(
            |wrong| Mismatch {
                message: "the message did not arrive as it was".into(),
                ..wrong
            },
        )
    }

    fn is_compared(&self) -> bool {
        self.wanted.form == Form::AsItIs && !self.wanted.lines.is_empty()
    }
}

/// The lines of a page, where a repeat may stand for many.
fn one_by_one(lines: &[MailLine]) -> Vec<MailLine> {
    let mut all = Vec::new();
    for line in lines {
        let bytes = line.text.as_ref().map(bytes);
        match bytes {
            None => all.push(line.clone()),
            Some(bytes) => {
                all.extend(bytes.split(|byte| *byte == b'\n').map(|bytes| {
                    let parts = vec![Part::Bytes(bytes.to_vec())];
                    MailLine {
                        source: line.source.clone(),
                        text: Some(Text { parts }),
                    }
                }));
            }
        }
    }
    all
}

/// The bytes of a line: it has no hole, or it would not have been read.
pub(in crate::transcript::play) fn bytes(text: &Text) -> Vec<u8> {
    Names::default().expand(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transcript::format::script::Action;
    use crate::transcript::format::testing;

    #[test]
    fn a_message_has_an_end() {
        let page = "Title: t\nLevel: own\nPlays: server\n\nS: 220 hi\n\
                    C: DATA\nS: 354 go\n(rest of message)\n";
        let page = testing::read(page).unwrap();
        let step = page.steps.last().unwrap();
        let Action::RestOfMessage(wanted) = &step.action else {
            panic!("{step:?}");
        };
        let mut message = Message::new(step, wanted);
        let line = vec![b'x'; 1_048_575];
        for _ in 0..LARGEST_FILE / (line.len() + 1) {
            assert_eq!(message.line(&line), Ok(()));
        }
        let wrong = message.line(&line).unwrap_err();
        assert_eq!(wrong.message, "a message without end");
    }
}
