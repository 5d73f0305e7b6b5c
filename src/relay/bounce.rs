//! The bounce: what a sender gets when a message cannot be delivered
//! (RFC 5321 6.1; the form: RFC 3464 and RFC 6522).
//!
//! ```text
//! From, To, Subject, ...                     a message like any other
//! multipart/report                           RFC 6522
//!   text/plain                for people:    who does not get it, and why
//!   message/delivery-status   for programs:  the same (RFC 3464)
//!   text/rfc822-headers       the header of the message that failed
//! ```
//!
//! Interface:
//!   `Bounce`   what a bounce is made of; `written` makes it
//!   `Failure`  a recipient who does not get the message
//!   `Answer`   what a host said about it
//!   `Written`  the bounce
//!
//! Guarantees, whatever bytes another server has put into its reply, and the
//! sender into the header:
//! - printable ASCII and LF only: any other byte has become `?`, a tab a blank;
//! - no line is over 998 characters, and the whole, with CR LF, is not over
//!   64 KiB;
//! - it parses as what it is: no text from outside can begin a field or a part.
//!
//! A bounce is sent from `<>`, so that it can never cause another
//! (RFC 5321 4.5.5). That, and to whom it goes, is for the caller. Pure.

use crate::protocol::address::Host;
use crate::protocol::trace::date_time;

/// The whole has this many bytes at the most, each line end counted as two.
const WHOLE: usize = 65_536;

/// Of these, all but the failures and the header of the original need no more
/// than this.
const FRAME: usize = 6_000;

/// No more of the header of the original goes back.
const HEADER: usize = 50_000;

/// No line is longer (RFC 5322 2.1.1).
const LINE: usize = 998;

/// Where we may choose, a line is no longer than this.
const GOOD_LINE: usize = 76;

/// No more is shown of one reply, and of all replies together.
const REPLY: usize = 2_000;
const REPLIES: usize = 10_000;

/// More of an address, or of a name, is not shown. RFC 5321 4.5.3.1 allows 256.
const NAME: usize = 400;

/// What a bounce is made of.
#[derive(Debug, Clone)]
pub struct Bounce<'a> {
    /// The name of this host.
    pub hostname: &'a str,
    /// The domain whose postmaster answers questions.
    pub domain: &'a str,
    /// Who gets the bounce: the sender of the message that failed.
    pub sender: &'a str,
    /// What no other message of this host has: letters, digits, dots, hyphens
    /// and underscores.
    pub id: &'a str,
    /// Now, in seconds since 1970.
    pub now: u64,
    /// When we took over the message.
    pub arrived: u64,
    /// Who does not get it: one at least.
    pub failures: &'a [Failure<'a>],
    /// The message, or as much of it as holds its header.
    pub original: &'a [u8],
}

/// A recipient who does not get the message.
#[derive(Debug, Clone)]
pub struct Failure<'a> {
    /// The address, as the envelope had it, without angle brackets.
    pub recipient: &'a str,
    /// Why, in a sentence for people.
    pub why: &'a str,
    /// The status code (RFC 3463): that of the reply, else ours.
    pub status: &'a str,
    /// What a host said, if one answered.
    pub answer: Option<Answer<'a>>,
    /// When we tried for the last time.
    pub last_attempt: u64,
}

/// What a host said about a recipient.
#[derive(Debug, Clone)]
pub struct Answer<'a> {
    /// Its name.
    pub host: &'a str,
    /// The reply, with its code. Line ends may be in it.
    pub reply: &'a [u8],
}

/// A bounce.
#[derive(Debug, PartialEq, Eq)]
pub struct Written {
    /// The message. Lines end in LF.
    pub text: String,
    /// How many of the failures are told in it, from the first on. A hundred
    /// fit if their addresses are not very long; the rest need another bounce.
    pub told: usize,
}

impl Bounce<'_> {
    /// The bounce as a message.
    pub fn written(&self) -> Written {
        let (people, programs, told) = self.failures_told();
        let used = wire_size(&people) + wire_size(&programs);
        let room = WHOLE.saturating_sub(FRAME + used);
        let header = header_of(self.original, room);
        let parts = [
            ("text/plain; charset=us-ascii", self.for_people(&people)),
            ("message/delivery-status", self.for_programs(&programs)),
            ("text/rfc822-headers", header),
        ];
        let boundary = self.boundary(&parts);
        let mut text = self.header(&boundary);
        for (content_type, part) in parts {
            text.push_str(&format!(
                "\n--{boundary}\nContent-Type: {content_type}\n\n{part}"
            ));
        }
        text.push_str(&format!("\n--{boundary}--\n"));
        Written { text, told }
    }

    /// All that fit, for people and for programs, and how many they are.
    fn failures_told(&self) -> (String, String, usize) {
        let share = REPLIES / self.failures.len().max(1);
        let (mut people, mut programs) = (String::new(), String::new());
        let mut told = 0;
        for failure in self.failures {
            let notice = failure.for_people(share.min(REPLY));
            let fields = failure.for_programs(share.min(REPLY));
            let whole = [&people, &programs, &notice, &fields];
            let size: usize = whole.map(|text| wire_size(text)).iter().sum();
            if size + FRAME > WHOLE {
                break;
            }
            people.push_str(&notice);
            programs.push_str(&fields);
            told += 1;
        }
        (people, programs, told)
    }

    /// The header of the bounce itself. `Auto-Submitted` keeps machines from
    /// answering it (RFC 3834 5).
    fn header(&self, boundary: &str) -> String {
        let Bounce { now, .. } = *self;
        let date = date_time(now);
        let hostname = clean(self.hostname.as_bytes(), NAME);
        let domain = clean(self.domain.as_bytes(), NAME);
        let sender = clean(self.sender.as_bytes(), NAME);
        let id = word(self.id);
        format!(
            "Date: {date}\n\
             From: Mail Delivery System <postmaster@{domain}>\n\
             To: {sender}\n\
             Message-ID: <{id}@{hostname}>\n\
             Subject: Your message could not be delivered\n\
             Auto-Submitted: auto-replied\n\
             MIME-Version: 1.0\n\
             Content-Type: multipart/report; report-type=delivery-status;\n \
             boundary=\"{boundary}\"\n\
             \n\
             This is a report in several parts (RFC 6522).\n"
        )
    }

    fn for_people(&self, failures: &str) -> String {
        let hostname = clean(self.hostname.as_bytes(), NAME);
        format!(
            "This is the mail server {hostname}.\n\
             \n\
             Your message could not be delivered to the following addresses. \
             It will\nnot be tried again for them.\n\
             {failures}\n\
             The header of your message is at the end of this report.\n"
        )
    }

    /// The fields about the message, and then those about each recipient
    /// (RFC 3464 2.2 and 2.3). An empty line is between them.
    fn for_programs(&self, failures: &str) -> String {
        let hostname = clean(self.hostname.as_bytes(), NAME);
        let arrived = date_time(self.arrived);
        format!(
            "Reporting-MTA: dns; {hostname}\nArrival-Date: {arrived}\n\
             {failures}"
        )
    }

    /// What is between the parts, and in none of them.
    fn boundary(&self, parts: &[(&str, String)]) -> String {
        let id = word(self.id);
        let is_in = |boundary: &String| {
            parts.iter().any(|(_, part)| part.contains(boundary))
        };
        let mut number = 0;
        let mut boundary = format!("={id}={number}=");
        while is_in(&boundary) {
            number += 1;
            boundary = format!("={id}={number}=");
        }
        boundary
    }
}

impl Failure<'_> {
    fn for_people(&self, most: usize) -> String {
        let recipient = seven_bit(self.recipient);
        let why = clean(self.why.as_bytes(), NAME);
        let recipient = unfolded(&format!("<{recipient}>"));
        let mut notice = format!("\n{recipient}{}", indented("", &why));
        if let Some(answer) = &self.answer {
            let host = clean(answer.host.as_bytes(), NAME);
            let said = clean(answer.reply, most);
            notice.push_str(&indented(&format!("{host} said: "), &said));
        }
        notice
    }

    /// The fields about one recipient (RFC 3464 2.3). An address beyond ASCII
    /// has a type of its own (RFC 6533 3).
    fn for_programs(&self, most: usize) -> String {
        let is_ascii = self.recipient.is_ascii();
        let address_type = if is_ascii { "rfc822" } else { "utf-8" };
        let recipient = seven_bit(self.recipient);
        let status = status(self.status);
        let mut fields = format!(
            "\n{}Action: failed\nStatus: {status}\n",
            unfolded(&format!("Final-Recipient: {address_type}; {recipient}"))
        );
        if let Some(answer) = &self.answer {
            let host = clean(literal(answer.host).as_bytes(), NAME);
            let reply = clean(answer.reply, most);
            fields.push_str(&unfolded(&format!("Remote-MTA: dns; {host}")));
            let diagnostic = indented("Diagnostic-Code: smtp; ", &reply);
            fields.push_str(diagnostic.trim_start());
        }
        let date = date_time(self.last_attempt);
        fields.push_str(&format!("Last-Attempt-Date: {date}\n"));
        fields
    }
}

/// The name of a host; an address has its brackets (RFC 3461 9.3).
fn literal(host: &str) -> String {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    match bare.parse() {
        Ok(address) => Host::Address(address).to_string(),
        Err(_) => host.to_owned(),
    }
}

/// A code such as `5.1.1`, and nothing else.
fn status(text: &str) -> &str {
    let is_number = |part: &str| {
        (1..=3).contains(&part.len())
            && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    let parts: Vec<&str> = text.split('.').collect();
    match parts.as_slice() {
        ["4" | "5", subject, detail]
            if is_number(subject) && is_number(detail) =>
        {
            text
        }
        _ => "5.0.0",
    }
}

/// An address in printable ASCII: beyond it, and for what that spelling needs
/// itself, `\x{E4}` (RFC 6533 3, `utf-8-addr-xtext`).
fn seven_bit(address: &str) -> String {
    if address.is_ascii() {
        return clean(address.as_bytes(), NAME);
    }
    let mut text = String::new();
    for character in address.chars().take(NAME) {
        match character {
            '+' | '=' | '\\' => text.push_str(&escape(character)),
            '!'..='~' => text.push(character),
            _ => text.push_str(&escape(character)),
        }
    }
    text
}

fn escape(character: char) -> String {
    format!("\\x{{{:X}}}", u32::from(character))
}

/// Bytes from outside on one line of printable ASCII. A line end becomes a
/// blank, as a tab does.
fn clean(bytes: &[u8], most: usize) -> String {
    let shown = bytes.get(..most).unwrap_or(bytes);
    let letters = shown.iter().map(|byte| match byte {
        b' '..=b'~' => char::from(*byte),
        b'\t' | b'\r' | b'\n' => ' ',
        _ => '?',
    });
    letters.collect::<String>().trim().to_owned()
}

/// An id as it may be in a Message-ID and in a boundary.
fn word(id: &str) -> String {
    let is_fit = |c: &char| c.is_ascii_alphanumeric() || "._-".contains(*c);
    let letters = id.chars().take(50);
    letters.map(|c| if is_fit(&c) { c } else { '-' }).collect()
}

/// A text after `start`, on lines that are not too long and all begin with
/// four blanks: in a header these go on with the field.
fn indented(start: &str, text: &str) -> String {
    let mut lines = String::new();
    let mut line = format!("    {start}");
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        for piece in pieces(word, LINE / 2) {
            if line.len() + 1 + piece.len() > GOOD_LINE && line.len() > 4 {
                lines.push_str(line.trim_end());
                lines.push('\n');
                line = "    ".to_owned();
            }
            line.push_str(piece);
            line.push(' ');
        }
    }
    lines.push_str(line.trim_end());
    lines.push('\n');
    lines
}

/// A line that is broken only where it would be too long for any server.
fn unfolded(line: &str) -> String {
    pieces(line, LINE - 1).join("\n ") + "\n"
}

/// ASCII in pieces of `most` characters.
fn pieces(text: &str, most: usize) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((piece, after)) = rest.split_at_checked(most) {
        found.push(piece);
        rest = after;
    }
    if !rest.is_empty() || found.is_empty() {
        found.push(rest);
    }
    found
}

/// The header at the beginning of a message, cut at a line if it is long. It
/// ends with the first line in which there is nothing to see.
fn header_of(message: &[u8], room: usize) -> String {
    let (mut header, mut room) = (String::new(), room);
    for line in message.split(|byte| *byte == b'\n') {
        let text = clean(line, line.len());
        if text.is_empty() {
            break;
        }
        let is_more = line.starts_with(b" ") || line.starts_with(b"\t");
        let start = if is_more { " " } else { "" };
        let text = unfolded(&format!("{start}{text}"));
        if header.len() + text.len() > HEADER || wire_size(&text) > room {
            break;
        }
        room -= wire_size(&text);
        header.push_str(&text);
    }
    header
}

/// The size of a text when each line end is CR LF.
fn wire_size(text: &str) -> usize {
    text.len() + text.bytes().filter(|byte| *byte == b'\n').count()
}
