//! A transcript as what is seen in a picture: arrows, messages and notes.
//!
//! Lines that travel together are one arrow: a reply with all its lines,
//! commands in a row. The lines of a message, up to its dot, are a box.

use pillarbox::transcript::format::script::{Action, Count, MailboxStep, Step};
use pillarbox::transcript::format::script::{ReplyStep, Transcript};
use std::collections::VecDeque;
use std::iter;
use std::time::Duration;

use super::server::Said;
use super::walk::walk;

/// The server of every transcript that does not say otherwise.
const HOST: &str = "mx.example.org";

/// The client that a played server talks to, whatever it calls itself.
const CLIENT: &str = "client.example";

/// Who sends, or beside whom something stands. Clients are counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Client(u8),
    /// The server, towards this client.
    Server(u8),
}

/// What an arrow carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Commands or a reply.
    Lines,
    /// A message, or a part of one.
    Message,
    /// No text: the connection begins or ends.
    Connection,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Event {
    Arrow {
        from: Side,
        kind: Kind,
        lines: Vec<String>,
    },
    /// Something that is not said: a silence, a look into a mailbox.
    Note {
        at: Side,
        title: String,
        lines: Vec<String>,
    },
}

/// What happens, from top to bottom. What the page leaves open is what the
/// machine says there, if it can play the page.
pub fn events(transcript: &Transcript) -> Vec<Event> {
    let options = &transcript.header.server;
    let host = options.iter().find(|(key, _)| key == "hostname");
    let host = host.map_or(HOST, |(_, value)| value);
    let mut reader = Reader {
        host,
        said: walk(transcript).unwrap_or_default().into(),
        in_message: Vec::new(),
        events: vec![],
    };
    for step in &transcript.steps {
        reader.step(step);
    }
    reader.events
}

/// How many clients there are.
pub fn clients(transcript: &Transcript) -> u8 {
    let numbers = transcript.steps.iter().filter_map(|step| step.client);
    numbers.max().unwrap_or(1)
}

/// In a file that plays the server: the client wants nothing more of this
/// session. QUIT is right, and so is RSET before it.
const END_OF_A_GOODBYE: &str = "{...}T";

struct Reader<'a> {
    host: &'a str,
    /// What the machine says at the replies that come.
    said: VecDeque<Said>,
    /// The clients whose lines are text.
    in_message: Vec<u8>,
    events: Vec<Event>,
}

impl Reader<'_> {
    fn step(&mut self, step: &Step) {
        let client = step.client.unwrap_or(1);
        let (from, server) = (Side::Client(client), Side::Server(client));
        let words = words(&step.source.text);
        match &step.action {
            Action::Send(_) => self.sent(client, words, true),
            Action::SendRaw(_) => self.sent(client, words, false),
            Action::Reply(reply) => self.reply(client, reply),
            Action::ReplyRaw(_) => {
                let lines = vec![self.plain(words)];
                self.arrow(server, Kind::Lines, lines);
            }
            Action::ClientConnects => self.connection(from, "client connects"),
            Action::ClientCloses => {
                self.connection(from, "client closes the connection");
            }
            Action::ServerCloses => {
                self.connection(server, "server closes the connection");
            }
            Action::RestOfMessage(_) => self.rest_of_message(),
            // A ladder shows the usual way.
            Action::MayQuit => {}
            Action::Silence(time) => {
                let title = format!("silence for {}", in_time(*time));
                self.note(server, title, Vec::new());
            }
            Action::Wait(time) => {
                let title = format!("waits for {}", in_time(*time));
                self.note(from, title, Vec::new());
            }
            Action::Mailbox(look) => {
                let (title, lines) = self.mailbox(look);
                self.note(server, title, lines);
            }
        }
    }

    /// A line of the client: text of a message, or a command that joins those
    /// directly before it.
    ///
    /// As soon as a line does not end in CR LF, the text shows every end.
    fn sent(&mut self, client: u8, words: &str, is_line: bool) {
        let is_text = self.in_message.contains(&client);
        let goodbye = match words {
            END_OF_A_GOODBYE => "QUIT, or RSET",
            words => words,
        };
        let kind = if is_text { Kind::Message } else { Kind::Lines };
        if is_text && words == "." {
            self.in_message.retain(|other| *other != client);
        }
        let mut line = self.plain(goodbye);
        let side = Side::Client(client);
        let last = self.events.last_mut();
        if let Some(Event::Arrow { from, kind: Kind::Message, lines }) = last
            && is_text
            && *from == side
        {
            let shows_ends = lines.iter().any(|line| has_end(line));
            if !is_line && !shows_ends {
                lines.iter_mut().for_each(|line| line.push_str("\\r\\n"));
            }
            if is_line && shows_ends {
                line.push_str("\\r\\n");
            }
        }
        match self.events.last_mut() {
            Some(Event::Arrow { from, kind: before, lines })
                if *from == side && *before == kind =>
            {
                lines.push(line);
            }
            _ => self.arrow(side, kind, vec![line]),
        }
    }

    /// It has no number: it belongs to the client that was told to begin.
    fn rest_of_message(&mut self) {
        let client = self.in_message.pop().unwrap_or(1);
        let lines = vec!["the message".into(), ".".into()];
        self.arrow(Side::Client(client), Kind::Message, lines);
    }

    fn reply(&mut self, client: u8, reply: &ReplyStep) {
        if reply.code == 354 {
            self.in_message.push(client);
        }
        let said = self.said.pop_front().unwrap_or_default();
        let real = said.lines.into_iter().map(Some).chain(iter::repeat(None));
        let on_page = reply.lines.iter().zip(real);
        let mut lines: Vec<String> = on_page
            .map(|(line, real)| match real {
                Some(real) if line.text.has_anything() => real,
                Some(_) | None => self.plain(words(&line.source.text)),
            })
            .collect();
        if reply.rest.is_some() {
            lines.push(format!("{} …", reply.code));
        }
        self.arrow(Side::Server(client), Kind::Lines, lines);
    }

    fn connection(&mut self, from: Side, what: &str) {
        self.arrow(from, Kind::Connection, vec![what.to_owned()]);
    }

    fn arrow(&mut self, from: Side, kind: Kind, lines: Vec<String>) {
        self.events.push(Event::Arrow { from, kind, lines });
    }

    fn note(&mut self, at: Side, title: String, lines: Vec<String>) {
        self.events.push(Event::Note { at, title, lines });
    }

    /// A line as it could be heard: names in their places, and an ellipsis for
    /// what may be anything.
    fn plain(&self, words: &str) -> String {
        let words = words.replace("{host}", self.host);
        words.replace("{client}", CLIENT).replace("{...}", "…")
    }

    /// What is in a mailbox, and the lines of it that are on the page.
    fn mailbox(&self, look: &MailboxStep) -> (String, Vec<String>) {
        let count = match look.count {
            Count::Exactly(0) => "is empty".to_owned(),
            Count::Exactly(1) => "has 1 message".to_owned(),
            Count::Exactly(count) => format!("has {count} messages"),
            Count::AtMost(1) => "has at most 1 message".to_owned(),
            Count::AtMost(count) => format!("has at most {count} messages"),
        };
        let title = format!("mailbox {} {count}", look.address);
        let lines = look.messages.iter().flatten();
        let lines = lines.map(|line| match words(&line.source.text) {
            "..." => "…".to_owned(),
            words => self.plain(words),
        });
        (title, lines.collect())
    }
}

/// Whether a line shows where it ends.
fn has_end(line: &str) -> bool {
    line.ends_with("\\n") || line.ends_with("\\r")
}

/// `300 ms`
fn in_time(time: Duration) -> String {
    let text = format!("{time:?}");
    let unit = text.find(|c: char| c.is_ascii_alphabetic());
    let (number, unit) = text.split_at(unit.unwrap_or(0));
    format!("{number} {unit}")
}

/// What stands behind `C: `, `S1> ` and the like.
fn words(line: &str) -> &str {
    let rest = line.split_once([':', '>']).map_or("", |(_, rest)| rest);
    rest.strip_prefix(' ').unwrap_or(rest)
}

/// What happens, in sentences: for those who do not see the picture.
pub fn in_words(events: &[Event], clients: u8) -> String {
    let name = |side: &Side| match side {
        Side::Client(number) if clients > 1 => format!("Client {number}"),
        Side::Client(_) => "Client".to_owned(),
        Side::Server(number) if clients > 1 => {
            format!("Server to client {number}")
        }
        Side::Server(_) => "Server".to_owned(),
    };
    let sentence = |event: &Event| match event {
        Event::Arrow { kind: Kind::Connection, lines, .. } => {
            format!("({})", lines.join(" "))
        }
        Event::Arrow { from, lines, .. } => {
            format!("{}: {}", name(from), lines.join(" / "))
        }
        Event::Note { title, lines, .. } if lines.is_empty() => {
            format!("({title})")
        }
        Event::Note { title, lines, .. } => {
            format!("({title}: {})", lines.join(" / "))
        }
    };
    events.iter().map(sentence).collect::<Vec<_>>().join(". ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use pillarbox::transcript::format::parse::parse;
    use std::path::Path;

    fn read(lines: &str) -> Vec<Event> {
        let file = format!("Title: t\nLevel: own\n\n{lines}");
        events(&parse(Path::new("t.txt"), file.as_bytes()).unwrap())
    }

    fn arrow(from: Side, kind: Kind, lines: &[&str]) -> Event {
        let lines = lines.iter().map(|line| (*line).to_owned()).collect();
        Event::Arrow { from, kind, lines }
    }

    #[test]
    fn a_message_is_one_event_and_so_are_commands_in_a_row() {
        let (client, server) = (Side::Client(1), Side::Server(1));
        let events = read(
            "C: RCPT TO:<b@c>\nC: DATA\nS: 250 OK\nS: 354 {...}\n\
             C: Subject: x\nC:\nC> a\\n.\\n\nC: .\nC: QUIT\n\
             S: 221 {host} bye\n(server closes)\n",
        );
        let close = ["server closes the connection"];
        // One line does not end in CR LF: so all ends are shown.
        let text = ["Subject: x\\r\\n", "\\r\\n", "a\\n.\\n", ".\\r\\n"];
        assert_eq!(
            events,
            [
                arrow(client, Kind::Lines, &["RCPT TO:<b@c>", "DATA"]),
                arrow(server, Kind::Lines, &["250 OK"]),
                arrow(server, Kind::Lines, &["354 …"]),
                arrow(client, Kind::Message, &text),
                arrow(client, Kind::Lines, &["QUIT"]),
                arrow(server, Kind::Lines, &["221 mx.example.org bye"]),
                arrow(server, Kind::Connection, &close),
            ]
        );
    }

    #[test]
    fn the_rest_of_a_message_is_the_message_of_who_was_told_to_begin() {
        let file = "Title: t\nLevel: own\nPlays: server\n\nC2: DATA\n\
            S2: 354 go\n(rest of message)\nS2: 250 OK\nC2: QUIT\n\
            S2: 221 {client}\n(server closes 2)\n";
        let read = parse(Path::new("t.txt"), file.as_bytes()).unwrap();
        let (client, server) = (Side::Client(2), Side::Server(2));
        let text = ["the message", "."];
        let events = events(&read);
        assert_eq!(events[2], arrow(client, Kind::Message, &text));
        assert_eq!(events[4], arrow(client, Kind::Lines, &["QUIT"]));
        let bye = ["221 client.example"];
        assert_eq!(events[5], arrow(server, Kind::Lines, &bye));
    }

    #[test]
    fn a_reply_is_one_event_and_a_mailbox_a_note_with_its_lines() {
        let events = read(
            "S2: 250-{...}\nS2: ...\n(silence 300ms for 2)\n\
             (mailbox bob@example.org has 1 message)\nM: ...\nM: .\n",
        );
        let note = |at, title: &str, lines: &[&str]| {
            let lines = lines.iter().map(|line| (*line).to_owned()).collect();
            Event::Note { at, title: title.to_owned(), lines }
        };
        let mailbox = "mailbox bob@example.org has 1 message";
        assert_eq!(
            events,
            [
                arrow(Side::Server(2), Kind::Lines, &["250-…", "250 …"]),
                note(Side::Server(2), "silence for 300 ms", &[]),
                note(Side::Server(1), mailbox, &["…", "."]),
            ]
        );
        assert_eq!(
            in_words(&events, 2),
            "Server to client 2: 250-… / 250 …. (silence for 300 ms). \
             (mailbox bob@example.org has 1 message: … / .)"
        );
    }
}
