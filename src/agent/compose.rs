//! A letter and its text become a message (RFC 5322).
//!
//! Interface:
//!   `Letter`   what the user has said, found good before there is a text
//!   `Content`  what the text will be
//!   `Field`    a field of the header, given by the user
//!   `Stamp`    what differs from message to message
//!   `Message`  header, empty line and text, ready to be sent
//!
//! Guarantees:
//! - no option can add a field or end the header: a `Field` holds no control
//!   character, and an address was read by its grammar (RFC 5322 2.2);
//! - nobody is told of a hidden recipient: `Bcc` is never in what is sent
//!   (3.6.3);
//! - lines end in LF, here and up to the wire; there is no CR and no NUL.
//!
//! Pure: the time and the random part of the Message-ID come in as data. The
//! text is in memory as a whole (`send.rs` has its limit), since we must know
//! whether it is ASCII before we write the header.
//!
//! Not here: the text itself (`text.rs`), long lines and letters beyond ASCII
//! (`fold.rs`).

use super::fold::{self, LINE_LIMIT};
use super::refusal::Checked;
use super::text;
use crate::protocol::address::{Host, Mailbox, ReversePath};
use crate::protocol::trace::date_time;

/// A message has each of these once (RFC 5322 3.6, RFC 2045 section 3).
const ONLY_ONCE: [&str; 13] = [
    "Date",
    "From",
    "Sender",
    "Reply-To",
    "To",
    "Cc",
    "Message-ID",
    "In-Reply-To",
    "References",
    "Subject",
    "MIME-Version",
    "Content-Type",
    "Content-Transfer-Encoding",
];

/// What is wrong with an option, in words for the user.
pub type Complaint = String;

/// What the user has said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    from: ReversePath,
    to: Vec<Mailbox>,
    content: Content,
}

/// What the text will be that the user gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// A text, whatever it looks like. Its header gets these fields, and others
    /// that are missing.
    Body(Vec<Field>),
    /// A message with its header.
    Raw,
}

/// A field of the header. There is no control character in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    name: String,
    value: String,
}

/// What differs from message to message.
#[derive(Debug, Clone)]
pub struct Stamp {
    /// Now, in seconds since 1970.
    pub seconds: u64,
    /// What no other message has: letters, digits and dots.
    pub id: String,
}

/// A message, ready to be sent.
#[derive(Debug, PartialEq, Eq)]
pub struct Message {
    /// Header, empty line and text. Lines end in LF.
    pub bytes: Vec<u8>,
    /// `Bcc` fields that were taken out.
    pub hidden: usize,
}

impl Field {
    /// Reads `Name: value`. If it cannot be, the words go on after "is not".
    ///
    /// ```abnf
    /// optional-field = field-name ":" unstructured CRLF
    /// ```
    pub fn read(text: &str) -> Result<Field, Complaint> {
        let text = one_line(text)?;
        let (name, value) = text.split_once(':').unwrap_or_default();
        if !text::is_name(name.as_bytes()) {
            let what = "a header field, such as 'Reply-To: bob@example.org'";
            return Err(what.to_owned());
        }
        if text::is_hidden(name.as_bytes()) {
            let what = "for the header: all may read it; --to alone hides a \
                        recipient";
            return Err(what.to_owned());
        }
        Field::new(name, value)
    }

    /// The subject. If it cannot be, the words go on after "is not".
    pub fn subject(text: &str) -> Result<Field, Complaint> {
        Field::new("Subject", one_line(text)?)
    }

    /// An ASCII word has no place to be folded at (RFC 5322 2.1.1).
    fn new(name: &str, value: &str) -> Result<Field, Complaint> {
        let (name, value) = (name.to_owned(), value.to_owned());
        let field = Field { name, value };
        if field.lines().lines().any(|line| line.len() > LINE_LIMIT) {
            let what = "short enough: a word in it does not fit into a line";
            return Err(format!("{what} of {LINE_LIMIT} characters"));
        }
        Ok(field)
    }

    /// As it is written into the header.
    fn lines(&self) -> String {
        fold::field(&self.name, &self.value)
    }

    fn is_named(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }
}

/// A line end would begin another field, or the text (RFC 5322 2.2).
fn one_line(text: &str) -> Result<&str, Complaint> {
    match text.contains(char::is_control) {
        true => Err("one line without control characters".to_owned()),
        false => Ok(text),
    }
}

impl Letter {
    /// Looks at everything but the text, which perhaps nobody has typed yet.
    pub fn new(
        from: ReversePath,
        to: &[Mailbox],
        content: Content,
    ) -> Result<Letter, Complaint> {
        let letter = Letter { from, to: each_once(to), content };
        for name in ONLY_ONCE {
            let fields = letter.fields().iter();
            if fields.filter(|field| field.is_named(name)).count() > 1 {
                return Err(format!("a message has one {name} field only"));
            }
        }
        let is_null = letter.from == ReversePath::Null;
        if is_null && !letter.is_raw() && !letter.has("From") {
            return Err("the null sender has no address for the header; \
                        try: --header 'From: alice@example.org'"
                .to_owned());
        }
        Ok(letter)
    }

    /// The sender of the envelope.
    pub fn from(&self) -> &ReversePath {
        &self.from
    }

    /// The recipients of the envelope, each once. Nobody else gets the message,
    /// whatever the header says.
    pub fn to(&self) -> &[Mailbox] {
        &self.to
    }

    /// Whether the text has a header already.
    pub fn is_raw(&self) -> bool {
        self.content == Content::Raw
    }

    /// The message with this text.
    pub fn message(&self, text: Vec<u8>, stamp: &Stamp) -> Checked<Message> {
        let text = text::in_lines(text)?;
        if self.is_raw() {
            let (bytes, hidden) = text::without_hidden_fields(&text)?;
            return Ok(Message { bytes, hidden });
        }
        let mut bytes = self.header(&text, stamp).into_bytes();
        bytes.push(b'\n');
        bytes.extend(text);
        Ok(Message { bytes, hidden: 0 })
    }

    /// The header: what the user has given, and what is missing in it
    /// (RFC 5322 3.6).
    fn header(&self, text: &[u8], stamp: &Stamp) -> String {
        let first = [
            ("Date", date_time(stamp.seconds)),
            ("From", self.sender()),
            ("To", self.recipients()),
            ("Message-ID", self.message_id(stamp)),
        ];
        let add = |(name, value): (&str, String)| match self.has(name) {
            true => String::new(),
            false => fold::field(name, &value),
        };
        let given = self.fields().iter().map(Field::lines);
        let header = first.into_iter().map(add).chain(given);
        header.chain(mime(text).into_iter().map(add)).collect()
    }

    fn sender(&self) -> String {
        match &self.from {
            ReversePath::Null => String::new(),
            ReversePath::Mailbox(mailbox) => mailbox.to_string(),
        }
    }

    fn recipients(&self) -> String {
        let list: Vec<_> = self.to.iter().map(Mailbox::to_string).collect();
        list.join(", ")
    }

    /// `<1795412756.00ff@example.org>`: the domain of the sender makes it
    /// unique in the world (RFC 5322 3.6.4).
    fn message_id(&self, stamp: &Stamp) -> String {
        let domain = match &self.from {
            ReversePath::Mailbox(Mailbox {
                host: Host::Domain(name), ..
            }) if name.is_ascii() => name,
            ReversePath::Mailbox(_) | ReversePath::Null => "localhost",
        };
        format!("<{}.{}@{domain}>", stamp.seconds, stamp.id)
    }

    /// The fields that the user has given.
    fn fields(&self) -> &[Field] {
        match &self.content {
            Content::Body(fields) => fields,
            Content::Raw => &[],
        }
    }

    fn has(&self, name: &str) -> bool {
        self.fields().iter().any(|field| field.is_named(name))
    }
}

fn each_once(list: &[Mailbox]) -> Vec<Mailbox> {
    let mut found: Vec<Mailbox> = Vec::new();
    for mailbox in list {
        if !found.contains(mailbox) {
            found.push(mailbox.clone());
        }
    }
    found
}

/// What a text beyond ASCII needs in the header (RFC 2045). If it is not UTF-8
/// its sender alone knows the charset (`unknown-8bit`: RFC 1428).
fn mime(text: &[u8]) -> Vec<(&'static str, String)> {
    if text.is_ascii() {
        return Vec::new();
    }
    let is_utf8 = str::from_utf8(text).is_ok();
    let charset = if is_utf8 { "UTF-8" } else { "unknown-8bit" };
    vec![
        ("MIME-Version", "1.0".to_owned()),
        ("Content-Type", format!("text/plain; charset={charset}")),
        ("Content-Transfer-Encoding", "8bit".to_owned()),
    ]
}
