//! One message in the queue: when it is tried again, and what has become of
//! each recipient.
//!
//! An entry is kept as a small text, which can be read with `cat`:
//!
//! ```text
//! pillarbox queue entry 1
//! accepted  1795412756.559        seconds since 1970
//! tries     2
//! next      1795418912.004
//! size      2311                  bytes on the wire (RFC 1870)
//! marks     8bit utf8             what the text needs of a server
//! from      <ann@a.example>
//! waiting   <bob@b.example>  1795415400  4.2.0  mx.b.example  said  450 ...
//! delivered <carol@c.example>
//! end
//! ```
//!
//! Between the fields are tabs. The last line says that nothing is missing:
//! a text without it is no entry.
//!
//! Interface:
//!   `Entry`      the whole
//!   `Recipient`  one recipient, with its `State` and its last `Answer`
//!   `Fate`       what a try has brought to a recipient
//!   `TextNeeds`  what the text needs of a server
//!   `is_id`      whether a text can be the name of an entry
//!
//! Not here: files (`queue.rs`), and what the results of a try mean
//! (`books.rs`). Pure.

use crate::protocol::address::{Mailbox, ReversePath, mailbox, reverse_path};
use crate::protocol::decision::Class;
use crate::protocol::outgoing::{Envelope, Needs};
use std::fmt;
use std::time::Duration;

const FIRST_LINE: &str = "pillarbox queue entry 1\n";
const LAST_LINE: &str = "end\n";

/// Of a host's answer this many bytes are kept.
const ANSWER_LIMIT: usize = 2_000;

/// One message in the queue. Times count from 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name: `[A-Za-z0-9._-]+`, with no dot at its front.
    pub id: String,
    /// When we took it over.
    pub accepted: Duration,
    /// How many tries have come to their end.
    pub tries: u32,
    /// When it is due.
    pub next: Duration,
    /// What the text needs of a server.
    pub text: TextNeeds,
    /// Where a bounce goes.
    pub reverse_path: ReversePath,
    /// If it is a bounce: the id of the message that failed.
    pub about: Option<String>,
    /// If it is a bounce: the recipients that it reports as failed.
    pub tells: Vec<Mailbox>,
    /// Everybody whom it was accepted for.
    pub recipients: Vec<Recipient>,
}

/// What the text of a message needs of a server.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TextNeeds {
    /// Its size on the wire, in bytes (RFC 1870).
    pub size: u64,
    /// Whether there are bytes over 127 in it.
    pub eight_bit: bool,
    /// Whether some of these are in the header.
    pub utf8_header: bool,
    /// Whether the client asked for SMTPUTF8.
    pub asks_utf8: bool,
}

/// One recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// The address, as it came.
    pub mailbox: Mailbox,
    /// What has become of it.
    pub state: State,
    /// What was last said about it.
    pub answer: Option<Answer>,
}

/// What has become of a recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Nothing yet: another try follows.
    Waiting,
    /// A host has taken the message over.
    Delivered,
    /// It is given up, and the sender does not know.
    Failed,
    /// It is given up, and there is a bounce that says so.
    Told,
}

/// What was last said about a recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// When, in seconds since 1970.
    pub at: u64,
    /// The status code (RFC 3463).
    pub status: String,
    /// The host that had the last word; empty if none was asked.
    pub host: String,
    /// Whether the words are the host's reply. If not, they are ours.
    pub is_reply: bool,
    /// The words.
    pub words: Vec<u8>,
}

/// What a try has brought to a recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fate {
    /// The recipient.
    pub mailbox: Mailbox,
    /// What it means for it.
    pub class: Class,
    /// What was said.
    pub answer: Answer,
}

/// Whether a text can be the name of an entry: nothing in it leads out of a
/// folder.
pub fn is_id(text: &str) -> bool {
    let is_fit = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    (1..=200).contains(&text.len())
        && !text.starts_with('.')
        && text.chars().all(is_fit)
}

impl Entry {
    /// The recipients that still wait.
    pub fn waiting(&self) -> impl Iterator<Item = &Mailbox> {
        self.in_state(State::Waiting).map(|recipient| &recipient.mailbox)
    }

    /// Those in this state.
    pub fn in_state(&self, state: State) -> impl Iterator<Item = &Recipient> {
        self.recipients.iter().filter(move |r| r.state == state)
    }

    /// Whether anybody is in this state.
    pub fn has(&self, state: State) -> bool {
        self.in_state(state).next().is_some()
    }

    /// Enters what a try has brought to those that wait.
    pub fn enter(&mut self, results: &[Fate]) {
        for fate in results {
            let found =
                self.recipients.iter_mut().find(|r| r.mailbox == fate.mailbox);
            if let Some(recipient) = found
                && recipient.state == State::Waiting
            {
                recipient.state = match fate.class {
                    Class::Delivered => State::Delivered,
                    Class::Temporary => State::Waiting,
                    Class::Permanent => State::Failed,
                };
                recipient.answer = Some(fate.answer.clone());
            }
        }
    }

    /// Gives up all that still wait.
    pub fn give_up(&mut self) {
        for recipient in &mut self.recipients {
            if recipient.state == State::Waiting {
                recipient.state = State::Failed;
            }
        }
    }

    /// There is a bounce that tells of these.
    pub fn mark_told(&mut self, told: &[Mailbox]) {
        for recipient in &mut self.recipients {
            if recipient.state != State::Delivered
                && told.contains(&recipient.mailbox)
            {
                recipient.state = State::Told;
            }
        }
    }

    /// The transactions for these recipients: one, or two if only some of them
    /// need SMTPUTF8. A host that lacks it must not cost the others their mail.
    pub fn envelopes(&self, recipients: Vec<Mailbox>) -> Vec<Envelope> {
        let (others, who_need_it): (Vec<_>, Vec<_>) = recipients
            .into_iter()
            .partition(|one| !self.envelope(vec![one.clone()]).needs.utf8);
        let parts = [others, who_need_it].into_iter();
        let parts = parts.filter(|part| !part.is_empty());
        parts.map(|part| self.envelope(part)).collect()
    }

    /// What a client is given for a transaction with some of the recipients.
    pub fn envelope(&self, recipients: Vec<Mailbox>) -> Envelope {
        let reverse_path = self.reverse_path.clone();
        let is_ascii = reverse_path.to_string().is_ascii()
            && recipients.iter().all(|mailbox| mailbox.to_string().is_ascii());
        let TextNeeds { size, eight_bit, utf8_header, asks_utf8 } = self.text;
        let utf8 = asks_utf8 && (utf8_header || !is_ascii);
        let needs = Needs { size, eight_bit, utf8 };
        Envelope { reverse_path, recipients, needs }
    }

    /// The entry as a text.
    pub fn written(&self) -> String {
        let mut text = format!(
            "{FIRST_LINE}accepted\t{}\ntries\t{}\nnext\t{}\nsize\t{}\n\
             marks\t{}\nfrom\t{}\n",
            in_seconds(self.accepted),
            self.tries,
            in_seconds(self.next),
            self.text.size,
            self.text.marks(),
            self.reverse_path
        );
        if let Some(id) = &self.about {
            text.push_str(&format!("about\t{id}\n"));
        }
        for mailbox in &self.tells {
            text.push_str(&format!("tells\t<{mailbox}>\n"));
        }
        for recipient in &self.recipients {
            text.push_str(&recipient.written());
        }
        text + LAST_LINE
    }

    /// Reads a text that `written` has made. None: it is damaged.
    pub fn read(id: &str, text: &str) -> Option<Entry> {
        let inside = text.strip_prefix(FIRST_LINE)?.strip_suffix(LAST_LINE)?;
        let mut lines = inside.split_terminator('\n');
        let mut field =
            |name: &str| lines.next()?.strip_prefix(name)?.strip_prefix('\t');
        let mut entry = Entry {
            id: id.to_owned(),
            accepted: moment(field("accepted")?)?,
            tries: field("tries")?.parse().ok()?,
            next: moment(field("next")?)?,
            text: TextNeeds::read(field("size")?, field("marks")?)?,
            reverse_path: match reverse_path(field("from")?) {
                Ok((path, "")) => path,
                Ok(_) | Err(_) => return None,
            },
            about: None,
            tells: Vec::new(),
            recipients: Vec::new(),
        };
        for line in lines {
            match line.split_once('\t')? {
                ("about", id) if is_id(id) => entry.about = Some(id.to_owned()),
                ("tells", path) => entry.tells.push(address(path)?),
                (word, rest) => {
                    let state = State::named(word)?;
                    entry.recipients.push(Recipient::read(state, rest)?);
                }
            }
        }
        (!entry.recipients.is_empty()).then_some(entry)
    }
}

impl TextNeeds {
    fn marks(self) -> String {
        let marks = [
            (self.eight_bit, "8bit"),
            (self.utf8_header, "utf8-header"),
            (self.asks_utf8, "utf8"),
        ];
        let set = marks.into_iter().filter(|(is_set, _)| *is_set);
        set.map(|(_, name)| name).collect::<Vec<_>>().join(" ")
    }

    fn read(size: &str, marks: &str) -> Option<TextNeeds> {
        let size = size.parse().ok()?;
        let mut text = TextNeeds { size, ..TextNeeds::default() };
        for mark in marks.split_terminator(' ') {
            match mark {
                "8bit" => text.eight_bit = true,
                "utf8-header" => text.utf8_header = true,
                "utf8" => text.asks_utf8 = true,
                _ => return None,
            }
        }
        Some(text)
    }
}

impl Recipient {
    /// A recipient that waits for the first try.
    pub fn new(mailbox: Mailbox) -> Recipient {
        Recipient { mailbox, state: State::Waiting, answer: None }
    }

    fn written(&self) -> String {
        let mut line = format!("{}\t<{}>", self.state.name(), self.mailbox);
        if let Some(answer) = &self.answer {
            let whose = if answer.is_reply { "said" } else { "met" };
            line.push_str(&format!(
                "\t{}\t{}\t{}\t{whose}\t{}",
                answer.at,
                answer.status.as_bytes().escape_ascii(),
                answer.host.as_bytes().escape_ascii(),
                answer.words.escape_ascii()
            ));
        }
        line + "\n"
    }

    fn read(state: State, text: &str) -> Option<Recipient> {
        let fields: Vec<&str> = text.split('\t').collect();
        let (path, answer) = match fields.as_slice() {
            [path] => (path, None),
            [path, at, status, host, whose @ ("said" | "met"), words] => {
                let answer = Answer {
                    at: at.parse().ok()?,
                    status: String::from_utf8(unescaped(status)?).ok()?,
                    host: String::from_utf8(unescaped(host)?).ok()?,
                    is_reply: *whose == "said",
                    words: unescaped(words)?,
                };
                (path, Some(answer))
            }
            _ => return None,
        };
        Some(Recipient { mailbox: address(path)?, state, answer })
    }
}

impl State {
    const ALL: [State; 4] =
        [State::Waiting, State::Delivered, State::Failed, State::Told];

    /// The word for it, in the file and for people.
    pub fn name(self) -> &'static str {
        match self {
            State::Waiting => "waiting",
            State::Delivered => "delivered",
            State::Failed => "failed",
            State::Told => "told",
        }
    }

    fn named(name: &str) -> Option<State> {
        State::ALL.into_iter().find(|state| state.name() == name)
    }
}

impl Answer {
    /// What a host has replied, or what we have met instead. Of long words,
    /// the beginning is kept.
    pub fn new(
        at: Duration,
        status: &str,
        host: &str,
        is_reply: bool,
        words: &[u8],
    ) -> Answer {
        Answer {
            at: at.as_secs(),
            status: status.to_owned(),
            host: host.to_owned(),
            is_reply,
            words: words.get(..ANSWER_LIMIT).unwrap_or(words).to_vec(),
        }
    }
}

/// One line for people: what came from outside is escaped.
impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_reply {
            write!(f, "{} said: ", self.host.escape_default())?;
        }
        write!(f, "{}", self.words.escape_ascii())
    }
}

/// A moment, to the millisecond.
fn in_seconds(moment: Duration) -> String {
    format!("{}.{:03}", moment.as_secs(), moment.subsec_millis())
}

fn moment(text: &str) -> Option<Duration> {
    let (seconds, millis) = text.split_once('.')?;
    let millis = Duration::from_millis(millis.parse::<u16>().ok()?.into());
    Duration::from_secs(seconds.parse().ok()?).checked_add(millis)
}

/// Reads `<local-part@domain>`.
fn address(text: &str) -> Option<Mailbox> {
    mailbox(text.strip_prefix('<')?.strip_suffix('>')?).ok()
}

/// Takes back what `escape_ascii` has done.
fn unescaped(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'\\' => match rest.next()? {
                b't' => b'\t',
                b'r' => b'\r',
                b'n' => b'\n',
                b'x' => {
                    let digits = [rest.next()?, rest.next()?];
                    let digits = str::from_utf8(&digits).ok()?;
                    u8::from_str_radix(digits, 16).ok()?
                }
                itself => itself,
            },
            _ => byte,
        });
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An entry with everything that an entry can have.
    fn full() -> Entry {
        let answer = |is_reply, words: &[u8]| {
            let at = Duration::from_secs(1_795_415_400);
            Some(Answer::new(at, "4.2.0", "mx.example", is_reply, words))
        };
        let recipient = |address: &str, state, answer| Recipient {
            mailbox: mailbox(address).unwrap(),
            state,
            answer,
        };
        let words: Vec<u8> = (0..=255).collect();
        Entry {
            id: "1795412756-559687".to_owned(),
            accepted: Duration::from_millis(1_795_412_756_559),
            tries: 2,
            next: Duration::from_millis(1_795_418_912_004),
            text: TextNeeds {
                size: 2311,
                eight_bit: true,
                utf8_header: true,
                asks_utf8: true,
            },
            reverse_path: reverse_path("<ann@a.example>").unwrap().0,
            about: Some("1795412756-1".to_owned()),
            tells: vec![mailbox("dave@d.example").unwrap()],
            recipients: vec![
                recipient("bob@b.example", State::Waiting, None),
                recipient(
                    "\"a b\"@b.example",
                    State::Waiting,
                    answer(true, &words),
                ),
                recipient(
                    "\"@\"@b.example",
                    State::Delivered,
                    answer(true, b"250"),
                ),
                recipient(
                    "k\u{e4}the@b.example",
                    State::Failed,
                    answer(false, b""),
                ),
                recipient(
                    "eve@[192.0.2.1]",
                    State::Told,
                    answer(false, b"no\tway"),
                ),
            ],
        }
    }

    #[test]
    fn what_is_written_is_read_again_and_every_line_is_one_line() {
        let bare = Entry {
            tries: 0,
            text: TextNeeds::default(),
            reverse_path: ReversePath::Null,
            about: None,
            tells: Vec::new(),
            ..full()
        };
        for entry in [full(), bare] {
            let text = entry.written();
            assert_eq!(Entry::read(&entry.id, &text), Some(entry), "{text}");
            let is_harmful = |c: char| c.is_control() && !"\t\n".contains(c);
            assert!(!text.contains(is_harmful), "{text}");
        }
    }

    #[test]
    fn case_17_a_part_of_an_entry_is_no_entry() {
        let text = full().written();
        for (end, _) in text.char_indices() {
            assert_eq!(Entry::read("x", &text[..end]), None, "{end}");
            if end > 0 {
                assert_eq!(Entry::read("x", &text[end..]), None, "{end}");
            }
        }
        assert_eq!(Entry::read("x", &(text.clone() + "\n")), None);
        assert_eq!(Entry::read("x", &text.replace("entry 1", "entry 2")), None);
    }

    #[test]
    fn case_17_a_changed_byte_is_found_or_does_no_harm() {
        let text = full().written();
        for (at, _) in text.bytes().enumerate() {
            for byte in [0, b'\t', b'\n', b' ', b'0', b'<', b'\\', b'~', 0xff] {
                let mut bytes = text.clone().into_bytes();
                bytes[at] = byte;
                let changed = String::from_utf8_lossy(&bytes);
                let Some(entry) = Entry::read("x", &changed) else { continue };
                assert!(!entry.recipients.is_empty());
                let again = Entry::read("x", &entry.written());
                assert_eq!(again, Some(entry), "{changed}");
            }
        }
    }

    #[test]
    fn smtputf8_is_needed_for_those_recipients_who_need_it() {
        let mut entry = full();
        let utf8 = |entry: &Entry, to: &str| {
            let to = vec![mailbox(to).unwrap()];
            entry.envelope(to).needs.utf8
        };
        assert!(utf8(&entry, "bob@b.example"));
        entry.text.utf8_header = false;
        assert!(!utf8(&entry, "bob@b.example"));
        assert!(utf8(&entry, "k\u{e4}the@b.example"));
        entry.text.asks_utf8 = false;
        assert!(!utf8(&entry, "k\u{e4}the@b.example"));
    }

    #[test]
    fn who_needs_smtputf8_and_who_does_not_are_in_two_transactions() {
        let mut entry = full();
        let names = ["bob@b.example", "k\u{e4}the@b.example", "al@b.example"];
        let to = names.map(|name| mailbox(name).unwrap());
        let parts = |entry: &Entry| -> Vec<usize> {
            let all = entry.envelopes(to.to_vec()).into_iter();
            all.map(|envelope| envelope.recipients.len()).collect()
        };
        // The header needs it: all need it.
        assert_eq!(parts(&entry), [3]);
        entry.text.utf8_header = false;
        assert_eq!(parts(&entry), [2, 1]);
        entry.text.asks_utf8 = false;
        assert_eq!(parts(&entry), [3]);
    }

    #[test]
    fn an_id_leads_out_of_no_folder() {
        for (text, want) in [
            ("1795412756-559687", true),
            ("a.B_c-9", true),
            ("", false),
            (".", false),
            ("..", false),
            (".lock", false),
            ("a/b", false),
            ("a b", false),
            ("a\nb", false),
            ("k\u{e4}", false),
            (&"a".repeat(201), false),
        ] {
            assert_eq!(is_id(text), want, "{text}");
        }
    }
}
