//! The text of a message: which one can be sent, and in which form.
//!
//! Interface:
//!   `in_lines`               line ends of either kind become LF
//!   `without_hidden_fields`  a text with a header of its own
//!   `is_name`, `is_hidden`   about the name of a field
//!
//! A CR alone is refused, and not mended: some servers take it for a line end
//! and some do not, and what is text here could be a command there (RFC 5321
//! 2.3.8).

use super::refusal::{Checked, bad_text};
use crate::protocol::line::without_trailing_blanks;

/// Fields whose purpose is that nobody sees them (RFC 5322 3.6.3 and 3.6.6).
const HIDDEN: [&str; 2] = ["Bcc", "Resent-Bcc"];

/// The text with LF at the end of each line, also of the last one.
pub(super) fn in_lines(mut text: Vec<u8>) -> Checked<Vec<u8>> {
    if let Some(at) = text.iter().position(|byte| *byte == 0) {
        return bad_byte(&text, at, "a NUL byte");
    }
    let mut from = 0;
    while let Some(found) = position(&text, from, b'\r') {
        if text.get(found + 1) != Some(&b'\n') {
            let what = "a carriage return that no line feed follows";
            return bad_byte(&text, found, what);
        }
        from = found + 1;
    }
    text.retain(|byte| *byte != b'\r');
    if text.last().is_some_and(|byte| *byte != b'\n') {
        text.push(b'\n');
    }
    Ok(text)
}

fn position(text: &[u8], from: usize, wanted: u8) -> Option<usize> {
    let rest = text.get(from..)?;
    Some(from + rest.iter().position(|byte| *byte == wanted)?)
}

/// A text with a header is sent as it is. Only the fields that would tell of
/// hidden recipients are taken out, with all their lines, and counted.
///
/// A line of the header that is no field does not end it here: too much is
/// looked at rather than too little.
pub(super) fn without_hidden_fields(text: &[u8]) -> Checked<(Vec<u8>, usize)> {
    if !field_name(text).is_some_and(is_name) {
        return bad_text("with --raw the text must begin with a header");
    }
    let mut bytes = Vec::with_capacity(text.len());
    let (mut hidden, mut is_hiding) = (0, false);
    let mut rest = text;
    while let Some(line) = rest.split_inclusive(|byte| *byte == b'\n').next() {
        if line == b"\n" {
            break;
        }
        if !matches!(line, [b' ' | b'\t', ..]) {
            let name = field_name(line).map(|name| name.trim_ascii_end());
            is_hiding = name.is_some_and(is_hidden);
            hidden += usize::from(is_hiding);
        }
        if !is_hiding {
            bytes.extend(line);
        }
        rest = rest.get(line.len()..).unwrap_or_default();
    }
    bytes.extend(rest);
    Ok((bytes, hidden))
}

/// What is before the colon in the first line, without the blanks that old
/// programs put there (RFC 5322 4.5).
fn field_name(line: &[u8]) -> Option<&[u8]> {
    let end = line.iter().position(|byte| matches!(byte, b':' | b'\n'))?;
    let (name, rest) = line.split_at(end);
    rest.starts_with(b":").then(|| without_trailing_blanks(name))
}

/// Whether a field of this name must not be sent.
pub(super) fn is_hidden(name: &[u8]) -> bool {
    HIDDEN.iter().any(|hidden| name.eq_ignore_ascii_case(hidden.as_bytes()))
}

/// Whether it may name a field: printable ASCII without the colon (RFC 5322 2.2).
pub(super) fn is_name(name: &[u8]) -> bool {
    let is_ftext = |byte: &u8| byte.is_ascii_graphic() && *byte != b':';
    !name.is_empty() && name.iter().all(is_ftext)
}

fn bad_byte<T>(text: &[u8], at: usize, what: &str) -> Checked<T> {
    let before = text.get(..at).unwrap_or_default();
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    bad_text(&format!("line {line} of the text has {what}"))
}
