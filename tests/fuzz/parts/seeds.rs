//! What a fuzzer begins with: the transcripts, in the form of each target.
//!
//! Interface:
//!   `TARGETS`  their names
//!   `seeds`    the first inputs of one of them

use pillarbox::protocol::address::{ReversePath, mailbox};
use pillarbox::relay::entry::{Answer, Entry, Recipient, State, TextNeeds};
use pillarbox::transcript::format::folder::read_all;
use pillarbox::transcript::format::header::Plays;
use pillarbox::transcript::format::matching::Names;
use pillarbox::transcript::format::script::{Action, Transcript};
use pillarbox::transcript::format::text::{Part, Text};
use std::fs;
use std::path::Path;
use std::time::Duration;

/// All targets.
pub const TARGETS: [&str; 9] = [
    "commands",
    "addresses",
    "message",
    "replies",
    "client",
    "dns",
    "entries",
    "transcripts",
    "machines",
];

/// Longer ones teach a fuzzer nothing, and take its time.
const LONGEST: usize = 2000;

/// Pieces of several lengths.
const CUTS: [u8; 4] = [79, 6, 0, 199];

/// The first inputs of a target, made from all transcripts.
pub fn seeds(target: &str) -> Vec<Vec<u8>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let pages = read_all(&root.join("transcripts"));
    let pages = pages.expect("all transcripts can be read");
    let mut seeds: Vec<Vec<u8>> = match target {
        "dns" => dns(&root.join("tests/dns/answers.txt")),
        target => pages.iter().flat_map(|page| of_page(target, page)).collect(),
    };
    seeds.retain(|seed| seed.len() <= LONGEST);
    seeds.sort();
    seeds.dedup();
    seeds
}

fn of_page(target: &str, page: &Transcript) -> Vec<Vec<u8>> {
    let is_server = page.header.plays == Plays::Server;
    let said = said(page);
    match target {
        "commands" => vec![[&CUTS[..], &said.client].concat()],
        "addresses" => said.paths().into_iter().map(Vec::from).collect(),
        "message" => prefixed(&CUTS, &said.messages),
        "replies" => vec![[&CUTS[..], &said.server].concat()],
        "client" if is_server => {
            vec![[&[1], &CUTS[..], &said.server].concat()]
        }
        "client" => Vec::new(),
        "entries" => vec![entry(&said)],
        "transcripts" => {
            let file = fs::read(&page.path).expect("a transcript");
            vec![[&[200], &file[..]].concat()]
        }
        "machines" => {
            let texts = said.messages.iter().map(|text| plain_text(text));
            prefixed(&[&[3, 0, 0], &CUTS[..]].concat(), &Vec::from_iter(texts))
        }
        _ => panic!("no target is called {target}"),
    }
}

fn prefixed(prefix: &[u8], texts: &[Vec<u8>]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| [prefix, text].concat()).collect()
}

/// What is said on a page, as bytes.
#[derive(Default)]
struct Said {
    client: Vec<u8>,
    server: Vec<u8>,
    /// What the client says after each 354, up to the next reply.
    messages: Vec<Vec<u8>>,
}

fn said(page: &Transcript) -> Said {
    let mut said = Said::default();
    let mut is_in_message = false;
    for step in &page.steps {
        match &step.action {
            Action::Send(text) => {
                let line = [&bytes(text)[..], b"\r\n"].concat();
                said.by_client(&line, is_in_message);
            }
            Action::SendRaw(text) => {
                said.by_client(&bytes(text), is_in_message);
            }
            Action::Reply(reply) => {
                is_in_message = reply.code == 354;
                if is_in_message {
                    said.messages.push(Vec::new());
                }
                for line in &reply.lines {
                    let mark = if line.more { "-" } else { " " };
                    let start = format!("{:03}{mark}", reply.code);
                    said.server.extend(start.as_bytes());
                    said.server.extend(bytes(&line.text));
                    said.server.extend(b"\r\n");
                }
            }
            Action::ReplyRaw(text) => said.server.extend(bytes(text)),
            Action::ClientConnects
            | Action::ClientCloses
            | Action::ServerCloses
            | Action::Silence(_)
            | Action::Wait(_)
            | Action::Mailbox(_)
            | Action::RestOfMessage(_)
            | Action::MayQuit => {}
        }
    }
    said
}

/// The words of a line; for a name, one like it.
fn bytes(text: &Text) -> Vec<u8> {
    if text.size() > LONGEST {
        return b"long".to_vec();
    }
    let mut names = Names::default();
    for name in text.names() {
        names.set(name, format!("{name}.example").as_bytes());
    }
    let parts = text.parts.split(|part| *part == Part::Anything);
    let mut all = Vec::new();
    for parts in parts {
        let known = Text { parts: parts.to_vec() };
        all.extend(names.expand(&known).unwrap_or_default());
    }
    all
}

impl Said {
    fn by_client(&mut self, bytes: &[u8], is_in_message: bool) {
        self.client.extend(bytes);
        if let Some(message) =
            self.messages.last_mut().filter(|_| is_in_message)
        {
            message.extend(bytes);
        }
    }

    /// What is after the colon of MAIL and RCPT.
    fn paths(&self) -> Vec<String> {
        let text = String::from_utf8_lossy(&self.client).into_owned();
        let path = |line: &str| {
            let (command, path) = line.split_once(':')?;
            let is_one = ["MAIL FROM", "RCPT TO"].contains(&command);
            is_one.then(|| path.to_owned())
        };
        text.lines().filter_map(path).collect()
    }
}

/// The lines as they are in a file, and no dot at the end.
fn plain_text(message: &[u8]) -> Vec<u8> {
    let message = message.strip_suffix(b".\r\n").unwrap_or(message);
    let text: String = message.iter().map(|byte| char::from(*byte)).collect();
    text.replace("\r\n", "\n").chars().map(|c| c as u8).collect()
}

/// The recipients of a page, one in each state, all with what was said last.
fn entry(said: &Said) -> Vec<u8> {
    let states = [State::Waiting, State::Delivered, State::Failed, State::Told];
    let paths = said.paths();
    let recipients = paths.iter().zip(states.into_iter().cycle());
    let recipients = recipients.filter_map(|(path, state)| {
        let inside = path.strip_prefix('<')?.strip_suffix('>')?;
        let at = Duration::from_secs(1_795_415_400);
        let words = said.server.trim_ascii_end();
        let words = words.rsplit(|byte| *byte == b'\n').next()?;
        let answer = Answer::new(at, "4.2.0", "mx.b.example", true, words);
        let mailbox = mailbox(inside).ok()?;
        Some(Recipient { mailbox, state, answer: Some(answer) })
    });
    let entry = Entry {
        id: "1795412756-559687".to_owned(),
        accepted: Duration::from_millis(1_795_412_756_559),
        tries: 2,
        next: Duration::from_millis(1_795_418_912_004),
        text: TextNeeds { size: 2311, ..TextNeeds::default() },
        reverse_path: ReversePath::Null,
        about: Some("1795412756-1".to_owned()),
        tells: Vec::from_iter(mailbox("dave@d.example")),
        recipients: recipients.collect(),
    };
    [&[100], entry.written().as_bytes()].concat()
}

/// What three name servers have answered, in the form of the target.
fn dns(answers: &Path) -> Vec<Vec<u8>> {
    let text = fs::read_to_string(answers).expect("the answers");
    let mut seeds = Vec::new();
    for (asked, hex) in titled(&text) {
        let (kind, name) = asked.split_once(" of ").expect("a question");
        let kinds = ["A", "MX", "AAAA"];
        let kind = kinds.iter().position(|known| *known == kind);
        let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).ok();
        let packet = (0..hex.len()).step_by(2).filter_map(byte);
        let packet: Vec<u8> = packet.collect();
        // The repeated question is the name, as it is sent, and two numbers.
        let after = 12 + name.len() + 2 + 4;
        seeds.push(
            [
                &[kind.unwrap_or_default() as u8],
                name.as_bytes(),
                &[0],
                &packet[2..12],
                packet.get(after..).unwrap_or_default(),
            ]
            .concat(),
        );
    }
    seeds
}

/// Each question of the file, and the packet that came.
fn titled(text: &str) -> Vec<(&str, String)> {
    let mut all: Vec<(&str, String)> = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with("  =")) {
        match (line.strip_prefix("  "), all.last_mut()) {
            (Some(hex), Some((_, packet))) => packet.push_str(hex),
            _ => {
                let asked = line.split(": ").nth(1).unwrap_or_default();
                all.push((asked, String::new()));
            }
        }
    }
    all
}
