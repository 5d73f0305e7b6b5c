//! A transcript, played to the machine: what is really said at each reply of
//! the page, by which rule, and what it does to the state.
//!
//! The ladders take the real words from here, and the pages take all of it from
//! `walks.js`, to show it after a guess.

use pillarbox::transcript::format::header::Plays;
use pillarbox::transcript::format::parse::parse;
use pillarbox::transcript::format::script::{Action, ReplyStep, Transcript};
use pillarbox::transcript::format::text::{Part, Text};
use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write;
use std::path::Path;

use super::server::{Said, Server};
use super::tree::Tree;

/// What is said at each reply of a transcript, in order; `None` if the machine
/// cannot play it, because it has no clock, no network, or another part.
pub fn walk(transcript: &Transcript) -> Option<Vec<Said>> {
    let header = &transcript.header;
    let needs_more = ["timeout", "max-connections", "max-per-client"];
    let mut keys = header.server.iter().map(|(key, _)| key.as_str());
    if header.plays == Plays::Server || keys.any(|k| needs_more.contains(&k)) {
        return None;
    }
    let mut clients = BTreeMap::new();
    let mut said = Vec::new();
    for step in &transcript.steps {
        let client = clients
            .entry(step.client.unwrap_or(1))
            .or_insert_with(|| Client::new(&header.server));
        match &step.action {
            Action::Send(text) => client.hear(text, "\r\n"),
            Action::SendRaw(text) => client.hear(text, ""),
            Action::Reply(reply) => said.push(client.said(reply)?),
            _ => {}
        }
    }
    Some(said)
}

/// One client, and what its server has said.
struct Client {
    server: Server,
    said: VecDeque<Said>,
}

impl Client {
    /// Its server speaks first.
    fn new(options: &[(String, String)]) -> Client {
        let (server, greeting) = Server::start(options);
        Client { server, said: VecDeque::from([greeting]) }
    }

    fn hear(&mut self, text: &Text, end: &str) {
        let mut bytes = Vec::new();
        for part in &text.parts {
            match part {
                Part::Bytes(part) => bytes.extend_from_slice(part),
                Part::Repeat { bytes: unit, times } => {
                    bytes.extend(unit.repeat(*times));
                }
                // The only name that is heard in a reply.
                Part::Name(_) => {
                    bytes.extend_from_slice(self.server.host().as_bytes());
                }
                Part::Anything => {}
            }
        }
        bytes.extend_from_slice(end.as_bytes());
        self.said.extend(self.server.hear(&bytes));
    }

    /// The next reply, if it has the code that is on the page.
    fn said(&mut self, reply: &ReplyStep) -> Option<Said> {
        if self.said.is_empty() {
            // The page waits here, and so does the machine.
            self.said.extend(self.server.hear_nothing());
        }
        let said = self.said.pop_front()?;
        let code = reply.code.to_string();
        said.lines.first()?.starts_with(&code).then_some(said)
    }
}

/// All walks, as a script for the pages: a line for each transcript. Rules and
/// sections come first, each once.
pub fn script(tree: &Tree) -> String {
    let mut reasons: Vec<(String, String)> = Vec::new();
    let mut lines = String::new();
    for (path, text) in tree.under("transcripts/") {
        let Ok(transcript) = parse(Path::new(path), text.as_bytes()) else {
            continue;
        };
        let Some(said) = walk(&transcript) else {
            continue;
        };
        let mut replies = Vec::new();
        for reply in said {
            let reason = (reply.rule, reply.section);
            let known = reasons.iter().position(|known| *known == reason);
            let number = known.unwrap_or_else(|| {
                reasons.push(reason);
                reasons.len() - 1
            });
            let (before, after) = (reply.before, reply.after);
            replies.push(format!(
                "[{:?},{number},{before:?},{after:?}]",
                reply.lines
            ));
        }
        let replies = replies.join(",").replace("\", \"", "\",\"");
        let _ = writeln!(lines, "{path:?}: [{replies}],");
    }
    let mut reasons_text = String::new();
    for (rule, section) in reasons {
        let _ = writeln!(reasons_text, "[{rule:?}, {section:?}],");
    }
    format!(
        "// What the machine says at each reply of each transcript, and why.\n\
         // Made by tests/book/walk.rs.\n\
         globalThis.pillarboxReasons = [\n{reasons_text}];\n\
         globalThis.pillarboxWalks = {{\n{lines}}};\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walked(text: &str) -> Option<Vec<Said>> {
        let file = format!("Title: t\nLevel: own\n{text}");
        walk(&parse(Path::new("t.txt"), file.as_bytes()).unwrap())
    }

    #[test]
    fn each_reply_of_a_page_has_its_words_its_rule_and_its_states() {
        let page = "\nS: 220 {...}\nC: HELO client.example\nC: RSET\n\
            S: 250 {...}\nS: 250 {...}\n";
        let said = walked(page).unwrap();
        assert_eq!(said[0].lines, ["220 mx.example.org ESMTP"]);
        assert_eq!(said[1].after, "Greeted");
        assert_eq!(said[2].section, "RFC 5321 4.1.1.5");
    }

    #[test]
    fn two_clients_have_a_session_each_and_a_wait_may_bring_a_reply() {
        let page = "\nS1: 220 {...}\nS2: 220 {...}\nC1> QUIT\\r\n\
            S1: 500 {...}\nC2: QUIT\nS2: 221 {...}\n";
        let said = walked(page).unwrap();
        assert_eq!(said[2].before, "Connected");
        assert_eq!(said[3].after, "Closed");
    }

    #[test]
    fn what_the_machine_would_not_say_is_no_walk() {
        assert_eq!(walked("\nS: 221 {...}\n"), None);
        assert_eq!(walked("Server: timeout=1\n\nS: 220 {...}\n"), None);
        assert_eq!(walked("Plays: server\n\nS: 220 me\n"), None);
    }
}
