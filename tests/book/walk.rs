//! A transcript, played to the machine: what is really said at each reply of
//! the page, by which rule, and what it does to the state.
//!
//! The machine is that of the pages (`book/live`). The ladders take the real
//! words from here, and the pages take all of it from `walks.js`, to show it
//! after a guess.

use pillarbox::transcript::format::header::Plays;
use pillarbox::transcript::format::parse::parse;
use pillarbox::transcript::format::script::{Action, ReplyStep, Transcript};
use pillarbox::transcript::format::text::{Part, Text};
use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write;
use std::path::Path;

use super::tree::Tree;
use crate::server::Server;

/// A reply of the machine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Said {
    pub lines: Vec<String>,
    pub rule: String,
    pub section: String,
    pub before: String,
    pub after: String,
}

/// What is said at each reply of a transcript, in order; `None` if the machine
/// cannot play it, because it has no clock, no network, or another part.
pub fn walk(transcript: &Transcript) -> Option<Vec<Said>> {
    let header = &transcript.header;
    let options = header.server.iter();
    let options: Vec<String> =
        options.map(|(key, value)| format!("{key}={value}")).collect();
    let is_ours = |option: &&String| {
        ["timeout=", "max-connections=", "max-per-client=", "relay="]
            .iter()
            .all(|key| !option.starts_with(key))
    };
    if header.plays == Plays::Server || !options.iter().all(|o| is_ours(&o)) {
        return None;
    }
    let mut walker =
        Walker { options: options.join(" "), clients: BTreeMap::new() };
    let mut said = Vec::new();
    for step in &transcript.steps {
        let client = walker.client(step.client.unwrap_or(1));
        match &step.action {
            Action::Send(text) => client.hear(text, "\r\n"),
            Action::SendRaw(text) => client.hear(text, ""),
            Action::Reply(reply) => said.push(client.said(reply)?),
            _ => {}
        }
    }
    Some(said)
}

struct Walker {
    options: String,
    clients: BTreeMap<u8, Client>,
}

/// One client, and what its server has said.
struct Client {
    server: Server,
    said: VecDeque<Said>,
    /// The names that were heard in a reply, with their values.
    host: String,
}

impl Walker {
    /// The client of this number; its server speaks first.
    fn client(&mut self, number: u8) -> &mut Client {
        self.clients.entry(number).or_insert_with(|| {
            let (server, told) = Server::start(&self.options);
            let host = self.options.split(' ');
            let mut host =
                host.filter_map(|word| word.strip_prefix("hostname="));
            let host = host.next_back().unwrap_or("mx.example.org").to_owned();
            Client { server, said: read(&told).into(), host }
        })
    }
}

impl Client {
    fn hear(&mut self, text: &Text, end: &str) {
        let mut bytes = Vec::new();
        for part in &text.parts {
            match part {
                Part::Bytes(part) => bytes.extend_from_slice(part),
                Part::Repeat { bytes: unit, times } => {
                    bytes.extend(unit.repeat(*times));
                }
                Part::Name(_) => bytes.extend_from_slice(self.host.as_bytes()),
                Part::Anything => {}
            }
        }
        bytes.extend_from_slice(end.as_bytes());
        let told = self.server.think(&bytes, 0);
        self.said.extend(read(&told));
    }

    /// The next reply, if it has the code that is on the page.
    fn said(&mut self, reply: &ReplyStep) -> Option<Said> {
        if self.said.is_empty() {
            // The page waits here, and so does the machine.
            let told = self.server.think(b"", 0);
            self.said.extend(read(&told));
        }
        let said = self.said.pop_front()?;
        let code = reply.code.to_string();
        said.lines.first()?.starts_with(&code).then_some(said)
    }
}

/// The replies in what the machine tells (see `book/live/src/tell.rs`).
fn read(told: &[u8]) -> Vec<Said> {
    let mut all = Vec::new();
    let mut said = Said::default();
    for line in String::from_utf8_lossy(told).lines() {
        let parts: Vec<String> = line.split('\t').map(plain).collect();
        match &parts[..] {
            [what, line] if what == "said" => said.lines.push(line.clone()),
            [what, rule, section, before, after] if what == "step" => {
                let lines = std::mem::take(&mut said.lines);
                let [rule, section, before, after] =
                    [rule, section, before, after].map(Clone::clone);
                all.push(Said { lines, rule, section, before, after });
            }
            _ => {}
        }
    }
    all
}

/// Our replies are ASCII, and have no tab: only quotes are escaped.
fn plain(text: &str) -> String {
    text.replace("\\'", "'").replace("\\\"", "\"").replace("\\\\", "\\")
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
