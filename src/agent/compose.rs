//! Options and a text become a message (RFC 5322), or a word on why not.
//!
//! Interface:
//!   `Letter`    what the user has said
//!   `Draft`     the same, found good before there is a text
//!   `Stamp`     what differs from message to message
//!   `Message`   header, empty line and text, ready to be sent
//!
//! Guarantees:
//! - no option can add a field or end the header: a control character in one is
//!   refused, and no field is made from a text that was not looked at
//!   (RFC 5322 2.2);
//! - nobody is told of a hidden recipient: `Bcc` is never in what is sent
//!   (3.6.3);
//! - lines end in LF, here and up to the wire; there is no CR and no NUL.
//!
//! Pure: the time and the random part of the Message-ID come in as data. The
//! text is in memory as a whole: it is some 25 MB at the most, and we must
//! know whether it is ASCII before we write the header.

use super::fold::{self, LINE_LIMIT};
use super::refusal::{Checked, bad_usage};
use super::text;
use crate::protocol::address;
use crate::protocol::trace::date_time;

/// What the user has said.
#[derive(Debug, Clone, Default)]
pub struct Letter {
    /// The sender; empty for the null sender of a bounce.
    pub from: Option<String>,
    /// The recipients. Nobody else gets the message, whatever the header says.
    pub to: Vec<String>,
    /// The subject.
    pub subject: Option<String>,
    /// More fields of the header, each as `Name: value`.
    pub headers: Vec<String>,
    /// The text has a header already, and is sent as it is.
    pub is_raw: bool,
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
    /// There are letters beyond ASCII in an address of the header that we
    /// wrote. Such a message may only be sent with SMTPUTF8 (RFC 6531).
    pub has_utf8_address: bool,
    /// `Bcc` fields that were taken out.
    pub hidden: usize,
}

/// A letter that was found good, still without its text.
#[derive(Debug)]
pub struct Draft {
    from: String,
    to: Vec<String>,
    fields: Vec<Field>,
    is_raw: bool,
}

/// A field of the header that the user has given.
#[derive(Debug)]
struct Field {
    name: String,
    value: String,
}

/// A message has each of these once (RFC 5322 3.6, RFC 2045 section 3).
const ONLY_ONCE: [&str; 14] = [
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
    "Content-ID",
];

impl Draft {
    /// Looks at everything but the text, which perhaps nobody has typed yet.
    pub fn new(letter: &Letter) -> Checked<Draft> {
        let Some(from) = letter.from.clone() else {
            return bad_usage("who sends it? try: -f alice@example.org");
        };
        if letter.to.is_empty() {
            return bad_usage("who gets it? try: -t bob@example.org");
        }
        if !from.is_empty() {
            check_address(&from)?;
        }
        letter.to.iter().try_for_each(|to| check_address(to))?;
        let has_fields = letter.subject.is_some() || !letter.headers.is_empty();
        if letter.is_raw && has_fields {
            return bad_usage("--raw does not go with --subject or --header");
        }
        let draft = Draft {
            from,
            to: each_once(&letter.to),
            fields: fields(letter)?,
            is_raw: letter.is_raw,
        };
        if draft.from.is_empty() && !draft.is_raw && !draft.has("From") {
            return bad_usage(
                "the null sender has no address for the header; \
                 try: --header 'From: alice@example.org'",
            );
        }
        Ok(draft)
    }

    /// The sender's address; empty for the null sender.
    pub fn from(&self) -> &str {
        &self.from
    }

    /// The recipients' addresses, each once.
    pub fn to(&self) -> &[String] {
        &self.to
    }

    /// The message with this text.
    pub fn message(self, text: Vec<u8>, stamp: &Stamp) -> Checked<Message> {
        let text = text::in_lines(text)?;
        if self.is_raw {
            let (bytes, hidden) = text::without_hidden_fields(&text)?;
            return Ok(Message { bytes, has_utf8_address: false, hidden });
        }
        let header = self.header(&text, stamp);
        let is_too_long = |line: &str| line.len() > LINE_LIMIT;
        if header.lines().any(is_too_long) {
            return bad_usage(&format!(
                "a word in the header is too long for a line of {LINE_LIMIT} \
                 characters"
            ));
        }
        let has_utf8_address = !header.is_ascii();
        let mut bytes = header.into_bytes();
        bytes.push(b'\n');
        bytes.extend(text);
        Ok(Message { bytes, has_utf8_address, hidden: 0 })
    }

    /// The header: what the user has given, and what is missing in it
    /// (RFC 5322 3.6).
    fn header(&self, text: &[u8], stamp: &Stamp) -> String {
        let first = [
            ("Date", date_time(stamp.seconds)),
            ("From", self.from.clone()),
            ("To", self.to.join(", ")),
            ("Message-ID", self.message_id(stamp)),
        ];
        let given = self.fields.iter();
        let given = given.map(|f| (f.name.as_str(), f.value.clone()));
        let is_missing = |(name, _): &(&str, String)| !self.has(name);
        let fields = first.into_iter().filter(is_missing).chain(given);
        let fields = fields.chain(mime(text).into_iter().filter(is_missing));
        fields.map(|(name, value)| fold::field(name, &value)).collect()
    }

    /// `<1795412756.00ff@example.org>`: the domain of the sender makes it
    /// unique in the world (RFC 5322 3.6.4).
    fn message_id(&self, stamp: &Stamp) -> String {
        let domain = match self.from.rsplit_once('@') {
            Some((_, domain)) if domain.is_ascii() => domain,
            Some(_) | None => "localhost",
        };
        format!("<{}.{}@{domain}>", stamp.seconds, stamp.id)
    }

    fn has(&self, name: &str) -> bool {
        self.fields.iter().any(|field| is_named(&field.name, name))
    }
}

fn each_once(list: &[String]) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for text in list {
        if !found.contains(text) {
            found.push(text.clone());
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

/// A plain `local@domain`, without a name, brackets or a route.
fn check_address(text: &str) -> Checked<()> {
    let is_plain = !text.starts_with('@') && address::mailbox(text).is_ok();
    if is_plain {
        return Ok(());
    }
    let shown = text.escape_debug();
    bad_usage(&format!("'{shown}' is not an address, such as bob@example.org"))
}

/// The fields of the header that the user has given, in their order.
fn fields(letter: &Letter) -> Checked<Vec<Field>> {
    let mut fields = Vec::new();
    if let Some(subject) = &letter.subject {
        check_value("--subject", subject)?;
        let (name, value) = ("Subject".to_owned(), subject.clone());
        fields.push(Field { name, value });
    }
    for text in &letter.headers {
        check_value("--header", text)?;
        fields.push(field(text)?);
    }
    for name in ONLY_ONCE {
        let given = fields.iter().filter(|field| is_named(&field.name, name));
        if given.count() > 1 {
            return bad_usage(&format!("a message has one {name} field only"));
        }
    }
    Ok(fields)
}

/// A line end would begin another field, or the text (RFC 5322 2.2).
fn check_value(option: &str, text: &str) -> Checked<()> {
    if text.contains(char::is_control) {
        let shown = text.escape_debug();
        return bad_usage(&format!(
            "{option}: '{shown}' has a control character"
        ));
    }
    Ok(())
}

/// ```abnf
/// optional-field = field-name ":" unstructured CRLF
/// ```
fn field(text: &str) -> Checked<Field> {
    let shown = text.escape_debug();
    let Some((name, value)) =
        text.split_once(':').filter(|(name, _)| text::is_name(name.as_bytes()))
    else {
        return bad_usage(&format!(
            "--header: '{shown}' is not a field, such as 'Name: value'"
        ));
    };
    if text::is_hidden(name.as_bytes()) {
        return bad_usage(&format!(
            "--header: {name} would be seen by all; -t alone sends it to them"
        ));
    }
    Ok(Field { name: name.to_owned(), value: value.to_owned() })
}

fn is_named(field: &str, name: &str) -> bool {
    field.eq_ignore_ascii_case(name)
}
