//! What the clients have said, and which of it a reply answers.
//!
//! Commands may travel in a group, and are answered one by one. The lines of a
//! message are no commands: only the dot that ends it has a reply.
//!
//! Interface:
//!   `Said::line`      a client said something
//!   `Said::answered`  its oldest command that had no answer has one now
//!   `Said::waits`     what a reply to this client would answer
//!   `Said::last`      its last line, in capitals
//!   `Said::shown`     the same, as a page has it

use std::collections::{BTreeMap, VecDeque};

use crate::transcript::format::script::{Action, START_MAIL_INPUT, Step};
use crate::transcript::judge::shown::show;

/// What all clients have said.
#[derive(Debug, Default)]
pub(super) struct Said(BTreeMap<Option<u8>, Client>);

/// What one has.
#[derive(Debug, Default)]
struct Client {
    /// Commands without an answer, as a page has them.
    waiting: VecDeque<String>,
    in_message: bool,
    /// The last line, in capitals.
    last: Vec<u8>,
    /// The same, as a page has it.
    shown: String,
}

impl Said {
    /// A client says these bytes. Gives them back as a page has them.
    pub(super) fn line(&mut self, step: &Step, bytes: &[u8]) -> String {
        let is_raw = matches!(step.action, Action::SendRaw(_));
        let mark = if is_raw { '>' } else { ':' };
        let number = step.client.map(|number| number.to_string());
        let number = number.unwrap_or_default();
        let text = format!("C{number}{mark} {}", show(bytes));
        let text = text.trim_end().to_owned();
        let client = self.0.entry(step.client).or_default();
        client.last = bytes.to_ascii_uppercase();
        client.shown.clone_from(&text);
        // Where raw bytes end a command, nobody can say for every server.
        if client.in_message && bytes == b"." && !is_raw {
            client.in_message = false;
            client.waiting.clear();
        } else if client.in_message {
            client.waiting.clear();
        }
        client.waiting.push_back(text.clone());
        text
    }

    /// A reply with this code has come.
    pub(super) fn answered(&mut self, client: Option<u8>, code: u16) {
        let client = self.0.entry(client).or_default();
        client.waiting.pop_front();
        client.in_message |= code == START_MAIL_INPUT;
    }

    /// The command that has no answer yet, if there is one.
    pub(super) fn waits(&self, client: Option<u8>) -> Option<&str> {
        let client = self.0.get(&client)?;
        client.waiting.front().map(String::as_str)
    }

    /// What the client said last, as a page has it.
    pub(super) fn shown(&self, client: Option<u8>) -> &str {
        self.0.get(&client).map_or("", |client| &client.shown)
    }

    /// What the client said last, in capitals.
    pub(super) fn last(&self, client: Option<u8>) -> &[u8] {
        self.0.get(&client).map_or(&[], |client| &client.last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transcript::format::testing::read;

    /// Plays a page whose server says all that is expected, and gives what
    /// was answered by each reply.
    fn answered(lines: &str) -> Vec<String> {
        let page = format!("Title: t\nLevel: own\n\n{lines}(client closes)\n");
        let (mut said, mut answered) = (Said::default(), Vec::new());
        for step in &read(&page).unwrap().steps {
            if let Action::Reply(reply) = &step.action {
                let command = said.waits(step.client).unwrap_or("none");
                answered.push(command.to_owned());
                said.answered(step.client, reply.code);
            } else if step.action.is_sent_by_client() {
                let (_, words) = step.source.text.split_once(' ').unwrap();
                said.line(step, words.as_bytes());
            }
        }
        answered
    }

    #[test]
    fn each_reply_belongs_to_one_command_also_in_a_group() {
        let group = "S: 220\nC: MAIL x\nC: RCPT y\nC: DATA\nS: 250\nS: 550\n\
                     S: 354\nC: DATA\nC: .\nC: QUIT\nS: 250\nS: 221\n";
        let wanted =
            ["none", "C: MAIL x", "C: RCPT y", "C: DATA", "C: .", "C: QUIT"];
        assert_eq!(answered(group), wanted);
    }

    #[test]
    fn each_client_has_its_own() {
        let two = "S1: 220\nS2: 220\nC1: HELO a\nC2: HELO b\nS2: 250\n\
                   S1: 250\n";
        let wanted = ["none", "none", "C2: HELO b", "C1: HELO a"];
        assert_eq!(answered(two), wanted);
    }
}
