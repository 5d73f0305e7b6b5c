//! A header field on lines that are not too long (RFC 5322 2.1.1 and 2.2.3).
//!
//! A line of a header should have 78 characters at most, and must not have
//! more than 998. A longer field is folded: a line end goes in before a blank,
//! and a reader of the field takes it out again. Letters beyond ASCII become
//! encoded words, each of whole characters (RFC 2047 section 2 and 5).
//!
//! Interface:
//!   `field`      one field, folded, with a line end
//!   `LINE_LIMIT` no line of a header may be longer
//!
//! The caller has seen to it that there is no control character in the value.
//! An address beyond ASCII stays as it is, since no encoded word may stand for
//! it; a message with such an address needs SMTPUTF8.

use super::encoded::{CLOSE, OPEN, q_encoded};

/// No line of a header may be longer, without its line end.
pub(super) const LINE_LIMIT: usize = 998;

/// A good length for a line of a header.
const LINE: usize = 78;

/// No line with an encoded word may be longer (RFC 2047 section 2).
const LINE_WITH_WORD: usize = 76;

/// No encoded word may be longer (RFC 2047 section 2).
const WORD: usize = 75;

/// These hold addresses, so encoded words may stand for names only.
const ADDRESS_FIELDS: [&str; 10] = [
    "from",
    "sender",
    "reply-to",
    "to",
    "cc",
    "resent-from",
    "resent-sender",
    "resent-to",
    "resent-cc",
    "disposition-notification-to",
];

/// A part of a value.
#[derive(Debug, PartialEq, Eq)]
enum Part {
    /// Where the field may be folded.
    Blank(String),
    /// It is written as it is.
    Plain(String),
    /// It becomes encoded words.
    Foreign(String),
}

/// The field, with a line end.
pub(super) fn field(name: &str, value: &str) -> String {
    let value = value.trim_matches(' ');
    let has_addresses =
        ADDRESS_FIELDS.iter().any(|known| known.eq_ignore_ascii_case(name));
    let parts = match has_addresses {
        true => address_parts(value),
        false => text_parts(value),
    };
    let mut lines = Lines::new(name);
    for part in joined(parts) {
        lines.add(part);
    }
    lines.end()
}

/// The words of a text. Every word that is not ASCII is encoded.
fn text_parts(value: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut rest = value;
    while !rest.is_empty() {
        let (blank, after) = split_where(rest, |c| c != ' ');
        let (word, after) = split_where(after, |c| c == ' ');
        parts.push(Part::Blank(blank.to_owned()));
        parts.push(plain_or_foreign(word.is_ascii(), word));
        rest = after;
    }
    parts
}

/// What the value of an address field is made of (RFC 5322 3.4). A quoted name
/// loses its quotes if it is encoded: inside them no encoded word is read.
fn address_parts(value: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut rest = value;
    while let Some(first) = rest.chars().next() {
        let (part, after) = match first {
            ' ' => {
                let (blank, after) = split_where(rest, |c| c != ' ');
                (Part::Blank(blank.to_owned()), after)
            }
            '"' => quoted(rest),
            '<' => {
                let (address, after) = split_after(rest, '>');
                (Part::Plain(address.to_owned()), after)
            }
            _ if is_special(first) => {
                let (special, after) = rest.split_at(first.len_utf8());
                (Part::Plain(special.to_owned()), after)
            }
            _ => {
                let ends = |c| is_special(c) || " \"<".contains(c);
                let (word, after) = split_where(rest, ends);
                let is_plain = word.is_ascii() || word.contains('@');
                (plain_or_foreign(is_plain, word), after)
            }
        };
        parts.push(part);
        rest = after;
    }
    parts
}

fn is_special(character: char) -> bool {
    "(),:;".contains(character)
}

/// The quoted string at the beginning, and the rest. It is a name, or the
/// local part of an address.
fn quoted(text: &str) -> (Part, &str) {
    let mut content = String::new();
    let mut characters = text.chars();
    characters.next();
    while let Some(character) = characters.next() {
        match character {
            '"' => break,
            '\\' => content.extend(characters.next()),
            _ => content.push(character),
        }
    }
    let after = characters.as_str();
    let raw = text.strip_suffix(after).unwrap_or(text);
    if raw.is_ascii() || after.starts_with('@') {
        (Part::Plain(raw.to_owned()), after)
    } else {
        (Part::Foreign(content), after)
    }
}

fn plain_or_foreign(is_plain: bool, word: &str) -> Part {
    match is_plain {
        true => Part::Plain(word.to_owned()),
        false => Part::Foreign(word.to_owned()),
    }
}

/// Joins neighbours. A blank between two encoded words is not shown, so the
/// blanks between foreign words go into the encoding with them.
fn joined(parts: Vec<Part>) -> Vec<Part> {
    let mut found: Vec<Part> = Vec::new();
    for part in parts {
        match (found.as_mut_slice(), part) {
            (
                [.., Part::Foreign(text), Part::Blank(blank)],
                Part::Foreign(word),
            ) => {
                text.push_str(blank);
                text.push_str(&word);
                found.pop();
            }
            ([.., Part::Foreign(text)], Part::Foreign(word))
            | ([.., Part::Plain(text)], Part::Plain(word)) => {
                text.push_str(&word);
            }
            (_, part) => found.push(part),
        }
    }
    found
}

/// The lines of a field, as they grow.
struct Lines {
    done: String,
    line: String,
    /// The blanks before the next part.
    blank: String,
    /// The name and its colon take this much of the first line.
    start: usize,
}

impl Lines {
    fn new(name: &str) -> Lines {
        Lines {
            done: String::new(),
            line: format!("{name}:"),
            blank: " ".to_owned(),
            start: name.len() + 1,
        }
    }

    fn add(&mut self, part: Part) {
        match part {
            Part::Blank(blank) => self.blank.push_str(&blank),
            Part::Plain(text) => {
                self.keep_apart(!text.starts_with(')'));
                self.plain(&text);
            }
            Part::Foreign(text) => {
                self.keep_apart(!self.line.ends_with('('));
                self.words(&text);
            }
        }
    }

    /// An encoded word touches nothing but the brackets of a comment (RFC 2047
    /// section 5). Plain parts are joined by now, so where two parts touch, one
    /// of them is a word.
    fn keep_apart(&mut self, is_needed: bool) {
        if is_needed && self.blank.is_empty() {
            self.blank.push(' ');
        }
    }

    /// A word too long for any line goes on a line of its own, but never
    /// leaves the name of the field alone.
    fn plain(&mut self, text: &str) {
        let blank = std::mem::take(&mut self.blank);
        let fits = |start: usize| {
            let has_word = start > 0 && self.line.contains(OPEN);
            let most = if has_word { LINE_WITH_WORD } else { LINE };
            start + blank.len() + text.len() <= most
        };
        let is_first = self.done.is_empty() && self.line.len() == self.start;
        let is_better = fits(0) || !is_first;
        if !blank.is_empty() && !fits(self.line.len()) && is_better {
            self.fold();
        }
        self.line.push_str(&blank);
        self.line.push_str(text);
    }

    /// The text in encoded words, the first one as long as the line allows.
    fn words(&mut self, text: &str) {
        let mut blank = std::mem::take(&mut self.blank);
        let mut word = String::new();
        for encoded in text.chars().map(q_encoded) {
            let whole = OPEN.len() + word.len() + encoded.len() + CLOSE.len();
            let column = self.line.len() + blank.len();
            // One column is kept for the bracket that ends a comment.
            if whole > WORD || column + whole >= LINE_WITH_WORD {
                if !word.is_empty() {
                    self.word(&blank, &word);
                    word.clear();
                    blank.clear();
                }
                self.fold();
                blank = if blank.is_empty() { " ".to_owned() } else { blank };
            }
            word.push_str(&encoded);
        }
        self.word(&blank, &word);
    }

    fn word(&mut self, blank: &str, encoded: &str) {
        let word = [blank, OPEN, encoded, CLOSE].concat();
        self.line.push_str(&word);
    }

    fn fold(&mut self) {
        self.done.push_str(&self.line);
        self.done.push('\n');
        self.line.clear();
    }

    fn end(mut self) -> String {
        self.fold();
        self.done
    }
}

fn split_where(text: &str, ends: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(ends).unwrap_or(text.len()))
}

fn split_after(text: &str, last: char) -> (&str, &str) {
    let end = text.find(last).map(|at| at + last.len_utf8());
    text.split_at(end.unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::encoded::{Piece, decode};

    /// What a reader of the field sees.
    fn read(field: &str) -> String {
        let unfolded = field.replace('\n', "");
        let pieces = decode(unfolded.as_bytes()).into_iter();
        let bytes = pieces.flat_map(|piece| match piece {
            Piece::Plain(bytes) | Piece::Decoded(bytes) => bytes,
        });
        String::from_utf8(bytes.collect()).unwrap()
    }

    fn lengths(field: &str) -> Vec<usize> {
        field.lines().map(str::len).collect()
    }

    /// Case 24.
    #[test]
    fn ascii_stays_as_it_is_and_is_folded_at_blanks_only_rfc_5322_2_2_3() {
        assert_eq!(field("Subject", "hello  there"), "Subject: hello  there\n");
        assert_eq!(field("Subject", "  "), "Subject:\n");
        let text = "seven letters of the alphabet are more than six ".repeat(9);
        let folded = field("Subject", &text);
        assert!(lengths(&folded).iter().all(|length| *length <= 78));
        assert!(folded.lines().skip(1).all(|line| line.starts_with(' ')));
        let unfolded = folded.replace('\n', "");
        assert_eq!(unfolded, format!("Subject: {}", text.trim()));
    }

    #[test]
    fn a_word_too_long_for_a_line_has_one_of_its_own() {
        let long = "x".repeat(100);
        let value = format!("a {long} b");
        assert_eq!(field("S", &value), format!("S: a\n {long}\n b\n"));
        assert_eq!(field("S", &long), format!("S: {long}\n"));
        let word = "x".repeat(76);
        assert_eq!(field("S", &word), format!("S:\n {word}\n"));
    }

    #[test]
    fn words_beyond_ascii_are_encoded_together_with_the_blanks_between() {
        for (value, want) in [
            ("Grüße", "=?UTF-8?Q?Gr=C3=BC=C3=9Fe?="),
            (
                "to Käthe Müller, now",
                "to =?UTF-8?Q?K=C3=A4the_M=C3=BCller=2C?= now",
            ),
            ("ä  b ä", "=?UTF-8?Q?=C3=A4?=  b =?UTF-8?Q?=C3=A4?="),
            ("ä  ä", "=?UTF-8?Q?=C3=A4__=C3=A4?="),
            ("a\"ä b\"", "=?UTF-8?Q?a=22=C3=A4?= b\""),
        ] {
            let found = field("Subject", value);
            assert_eq!(found, format!("Subject: {want}\n"));
            assert_eq!(read(&found), format!("Subject: {value}\n").trim_end());
        }
    }

    #[test]
    fn a_line_with_an_encoded_word_ends_earlier_than_another() {
        let rest = "x".repeat(50);
        let found = field("Subject", &format!("ä {rest}"));
        let word = "=?UTF-8?Q?=C3=A4?=";
        assert_eq!(found, format!("Subject: {word}\n {rest}\n"));
        let found = field("Subject", &format!("ä {}", &rest[2..]));
        assert_eq!(lengths(&found), [76]);
    }

    /// Case 25, writing.
    #[test]
    fn an_encoded_word_holds_whole_characters_and_75_of_ascii_at_most() {
        for text in ["ä", "日本", "🎉", "aä", "a🎉b", "ä "] {
            for count in 1..120 {
                let value = text.repeat(count);
                for name in ["S", "Subject", "To", &"N".repeat(70)] {
                    let found = field(name, &value);
                    for line in found.lines() {
                        let most = if line.contains("=?") { 76 } else { 78 };
                        assert!(line.len() <= most, "{found}");
                        for word in line.split(' ') {
                            assert!(word.len() <= 75, "{found}");
                            let seen = decode(word.as_bytes());
                            let is_whole = |piece: &Piece| match piece {
                                Piece::Plain(bytes) | Piece::Decoded(bytes) => {
                                    str::from_utf8(bytes).is_ok()
                                }
                            };
                            assert!(seen.iter().all(is_whole), "{found}");
                        }
                    }
                    assert!(found.lines().skip(1).all(|l| l.len() > 1));
                    let want = format!("{name}: {}", value.trim_end());
                    assert_eq!(read(&found), want);
                }
            }
        }
    }

    #[test]
    fn in_an_address_field_names_are_encoded_and_addresses_are_not() {
        for (value, want) in [
            ("bob@example.org, a@b.c", "bob@example.org, a@b.c"),
            ("Bob <b@c>,Al <a@c>", "Bob <b@c>,Al <a@c>"),
            ("Käthe <k@c>", "=?UTF-8?Q?K=C3=A4the?= <k@c>"),
            ("Käthe<k@c>", "=?UTF-8?Q?K=C3=A4the?= <k@c>"),
            (
                "Käthe M. Köhl <k@c>",
                "=?UTF-8?Q?K=C3=A4the?= M. =?UTF-8?Q?K=C3=B6hl?= <k@c>",
            ),
            (
                "\"Köhl, \\\"K.\\\"\" <k@c>",
                "=?UTF-8?Q?K=C3=B6hl=2C_=22K=2E=22?= <k@c>",
            ),
            ("\"a, b\" <a@c>", "\"a, b\" <a@c>"),
            (
                "k@c (Käthe Köhl), a@c",
                "k@c (=?UTF-8?Q?K=C3=A4the_K=C3=B6hl?=), a@c",
            ),
            ("käthe@example.org", "käthe@example.org"),
            ("Kä <kä@b>", "=?UTF-8?Q?K=C3=A4?= <kä@b>"),
            ("\"kä the\"@b", "\"kä the\"@b"),
            ("Kühe: a@b, c@d;", "=?UTF-8?Q?K=C3=BChe?= : a@b, c@d;"),
        ] {
            assert_eq!(field("to", value), format!("to: {want}\n"));
        }
        let found = field("X-To", "Käthe <kä@b>");
        assert_eq!(found, "X-To: =?UTF-8?Q?K=C3=A4the_=3Ck=C3=A4=40b=3E?=\n");
    }
}
