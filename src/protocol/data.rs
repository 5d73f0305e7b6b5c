//! The message between DATA and the dot: transparency, limits, faults
//! (RFC 5321 4.1.1.4 and 4.5.2).
//!
//! Lines of the message go in, one after the other; the text to store comes
//! out. Faults are remembered and told at the end: the message is always read
//! to its real end, because a server that stops early takes text for commands.
//!
//! Interface:
//!   `data_line`  tells text from the dot that ends the message
//!   `Message`    the same for a whole message, with its limits
//!   `Taken`      what became of a line of it
//!
//! Not here: what a line is (`line.rs`), where the text goes
//! (`server/incoming.rs`).

use super::line::{Piece, without_trailing_blanks};
use super::reply::{self, Reply};

/// How many bytes a line of the message may have, CR LF included, a doubled
/// dot not (RFC 5321 4.5.3.1.6 asks for 1,000).
pub const TEXT_LINE_LIMIT: u64 = 65_536;

/// With more `Received:` fields a message runs in a circle (RFC 5321 6.3).
pub const HOP_LIMIT: usize = 100;

/// No line of a header is longer (RFC 5322 2.1.1), so its colon comes before.
const FIELD_NAME_LIMIT: usize = 998;

/// How many bytes of a message are read at least before we hang up, however
/// small the limit is.
///
/// Over twice the limit no client is expected to come to an end.
const READ_AT_LEAST: u64 = 1_048_576;

/// What a line between DATA and the dot is.
#[derive(Debug, PartialEq, Eq)]
pub enum DataLine<'a> {
    /// Text of the message, as it is stored.
    Text(&'a [u8]),
    /// The end of the message. It is not part of it.
    End,
}

// ANCHOR: data_line
/// Tells the lines of the message from the line that ends it (RFC 5321 4.5.2).
///
/// `line` is one line without its CR LF: a single dot ends the message; a line
/// that begins with a dot and goes on loses that one dot.
///
/// The caller must have cut the stream at CR LF and nowhere else. A server that
/// also cuts at a bare LF can be shown a second message hidden in the first.
pub fn data_line(line: &[u8]) -> DataLine<'_> {
    match line {
        b"." => DataLine::End,
        [b'.', rest @ ..] => DataLine::Text(rest),
        _ => DataLine::Text(line),
    }
}
// ANCHOR_END: data_line

/// The name of a header field, if the line is one (RFC 5322 2.2). A blank before
/// the colon is old syntax, and allowed (4.5).
///
/// ```abnf
/// field-name = 1*ftext           ; %d33-57 / %d59-126
/// ```
fn field_name(line: &[u8]) -> Option<&[u8]> {
    let line = line.get(..FIELD_NAME_LIMIT).unwrap_or(line);
    let colon = line.iter().position(|byte| *byte == b':')?;
    let name = without_trailing_blanks(line.get(..colon)?);
    let is_name = !name.is_empty() && name.iter().all(u8::is_ascii_graphic);
    is_name.then_some(name)
}

/// The same for a piece of a line: only a whole line can be the end, and only
/// where a line begins is a dot doubled.
fn unstuffed(piece: Piece<'_>) -> DataLine<'_> {
    match piece {
        Piece { text, starts: true, ends: true } => data_line(text),
        Piece { text: [b'.', rest @ ..], starts: true, .. } => {
            DataLine::Text(rest)
        }
        Piece { text, .. } => DataLine::Text(text),
    }
}

/// What became of a line of the message, or of a piece of one.
#[derive(Debug, PartialEq, Eq)]
pub enum Taken<'a> {
    /// Text to store, without its line end.
    Text(&'a [u8]),
    /// The same, and an empty line goes before it: this is the first line of a
    /// message that has no header. Without the empty line it would become part
    /// of the fields that a server puts on top (RFC 5322 2.1).
    BodyWithoutHeader(&'a [u8]),
    /// Text of a message that is refused already, for this reason: nobody
    /// needs it.
    Refused(Reply),
    /// That was the end of the message. If it is refused, the reply says why.
    End(Result<(), Reply>),
    /// Too much has come: we stop waiting for the end.
    Endless,
}

/// What the next line of a message belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// It is the first one.
    Start,
    Header,
    Body,
}

/// One message on its way in: what was counted, and what was wrong.
#[derive(Debug)]
pub struct Message {
    size_limit: u64,
    size: u64,
    lines: u64,
    line_size: u64,
    part: Part,
    hops: usize,
    has_bare_cr_or_lf: bool,
    has_nul: bool,
    has_long_line: bool,
}

impl Message {
    /// A message of which nothing has come. `size_limit` is in bytes.
    pub fn new(size_limit: u64) -> Message {
        Message {
            size_limit,
            size: 0,
            lines: 0,
            line_size: 0,
            part: Part::Start,
            hops: 0,
            has_bare_cr_or_lf: false,
            has_nul: false,
            has_long_line: false,
        }
    }

    /// Takes the next piece of the message, and says what it is.
    ///
    /// The line end is not in the text: `piece.ends` tells of it.
    pub fn take<'a>(&mut self, piece: Piece<'a>) -> Taken<'a> {
        let text = match unstuffed(piece) {
            DataLine::Text(text) => text,
            DataLine::End => return Taken::End(self.outcome()),
        };
        let lacks_header = self.inspect_header(text, piece);
        self.count(text, piece);
        self.look_for_faults(text);
        match self.outcome() {
            _ if self.is_endless() => Taken::Endless,
            Ok(()) if lacks_header => Taken::BodyWithoutHeader(text),
            Ok(()) => Taken::Text(text),
            Err(refusal) => Taken::Refused(refusal),
        }
    }

    /// How many bytes have come. CR LF counts two, as in RFC 1870 section 5;
    /// doubled dots and the final dot do not count.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// How many lines have come, without the final dot.
    pub fn lines(&self) -> u64 {
        self.lines
    }

    /// A message with several faults gets the first of this list, so that the
    /// answer does not hang on how the network cut the stream.
    fn outcome(&self) -> Result<(), Reply> {
        let faults = [
            (self.has_bare_cr_or_lf, reply::BARE_CR_OR_LF),
            (self.has_nul, reply::NUL_IN_MESSAGE),
            (self.has_long_line, reply::TEXT_LINE_TOO_LONG),
            (self.size > self.size_limit, reply::MESSAGE_TOO_BIG),
            (self.hops > HOP_LIMIT, reply::TOO_MANY_HOPS),
        ];
        match faults.into_iter().find(|(found, _)| *found) {
            Some((_, refusal)) => Err(refusal),
            None => Ok(()),
        }
    }

    fn is_endless(&self) -> bool {
        self.size > self.size_limit.saturating_mul(2).max(READ_AT_LEAST)
    }

    /// Follows the header to its end, and counts the servers that the message
    /// went through already. Says whether the message has no header at all.
    ///
    /// The header ends at the empty line (RFC 5322 2.1), or at a line that is
    /// neither a field nor goes on with one.
    fn inspect_header(&mut self, text: &[u8], piece: Piece<'_>) -> bool {
        if self.part == Part::Body || !piece.starts {
            return false;
        }
        let is_first = self.part == Part::Start;
        let goes_on = !is_first && matches!(text, [b' ' | b'\t', ..]);
        self.part = Part::Header;
        if goes_on {
            return false;
        }
        if let Some(name) = field_name(text) {
            self.hops += usize::from(name.eq_ignore_ascii_case(b"Received"));
            return false;
        }
        self.part = Part::Body;
        let is_empty = piece.ends && text.is_empty();
        is_first && !is_empty
    }

    fn count(&mut self, text: &[u8], piece: Piece<'_>) {
        if piece.starts {
            self.line_size = 0;
        }
        let line_end = if piece.ends { 2 } else { 0 };
        let added = text.len() as u64 + line_end;
        self.line_size += added;
        self.size += added;
        self.lines += u64::from(piece.ends);
        self.has_long_line |= self.line_size > TEXT_LINE_LIMIT;
    }

    // ANCHOR: look_for_faults
    /// CR and LF in a line without its CR LF are alone, whatever is next to
    /// them: that is the whole defence against smuggling.
    fn look_for_faults(&mut self, text: &[u8]) {
        let is_strange = |byte: &u8| matches!(byte, b'\r' | b'\n' | 0);
        for byte in text.iter().filter(|byte| is_strange(byte)) {
            match byte {
                0 => self.has_nul = true,
                _ => self.has_bare_cr_or_lf = true,
            }
        }
    }
    // ANCHOR_END: look_for_faults
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::line::LineCutter;

    /// What would be stored of `bytes`, and what was said of it at the end, if
    /// it came.
    fn read(bytes: &[u8], limit: u64) -> (Vec<u8>, Option<Result<(), Reply>>) {
        let mut cutter = LineCutter::default();
        let mut message = Message::new(limit);
        let mut stored = Vec::new();
        cutter.feed(bytes);
        while let Some(piece) = cutter.next_piece() {
            match message.take(piece) {
                Taken::Text(text) => stored.extend_from_slice(text),
                Taken::BodyWithoutHeader(text) => {
                    stored.extend([b"\n", text].concat());
                }
                Taken::Refused(_) | Taken::Endless => continue,
                Taken::End(outcome) => return (stored, Some(outcome)),
            }
            if piece.ends {
                stored.push(b'\n');
            }
        }
        (stored, None)
    }

    fn refusal(bytes: &[u8], limit: u64) -> Option<Reply> {
        read(bytes, limit).1.expect("an end").err()
    }

    #[test]
    fn one_leading_dot_is_taken_away_rfc_5321_4_5_2() {
        for (sent, stored) in [
            (&b"\r\n..\r\n.\r\n"[..], &b"\n.\n"[..]),
            (b"\r\n..x\r\n.\r\n", b"\n.x\n"),
            (b"\r\n...\r\n.\r\n", b"\n..\n"),
            (b"\r\n.x\r\n.\r\n", b"\nx\n"),
            (b"\r\na.b.\r\n.\r\n", b"\na.b.\n"),
            (b"\r\n .\r\n.\r\n", b"\n .\n"),
            (b".\r\n", b""),
            (b"\r\n.\r\n", b"\n"),
        ] {
            assert_eq!(read(sent, 99), (stored.to_vec(), Some(Ok(()))));
        }
    }

    #[test]
    fn a_doubled_dot_goes_also_where_a_line_comes_in_pieces_rfc_5321_4_5_2() {
        for (text, starts, kept) in [
            (&b"..x"[..], true, &b".x"[..]),
            (b".", true, b""),
            (b".x", false, b".x"),
        ] {
            let mut message = Message::new(99);
            let empty = Piece { text: b"", starts: true, ends: true };
            message.take(empty);
            let piece = Piece { text, starts, ends: false };
            assert_eq!(message.take(piece), Taken::Text(kept), "{starts}");
        }
    }

    #[test]
    fn only_a_dot_between_two_cr_lf_ends_the_message_rfc_5321_4_1_1_4() {
        for trick in [
            "\n.\n",
            "\n.\r\n",
            "\r\n.\n",
            "\r.\r",
            "\r.\r\n",
            "\r\n.\r",
            "\r\r\n.\r\r\n",
            "\n\r.\r\n",
            "\r\n\0.\r\n",
            "\r\n.\0\r\n",
        ] {
            let bytes = format!("a{trick}b\r\n.\r\n");
            let first = bytes.find("\r\n.\r\n").map(|at| at + 5);
            assert_eq!(first, Some(bytes.len()), "{trick:?}");
            assert!(refusal(bytes.as_bytes(), 99).is_some(), "{trick:?}");
            // Without its last byte it has not come to its end.
            let cut = &bytes.as_bytes()[..bytes.len() - 1];
            assert_eq!(read(cut, 99).1, None, "{trick:?}");
        }
    }

    #[test]
    fn size_counts_line_ends_and_not_dots_rfc_1870_5() {
        let message = b"..\r\nab\r\n.\r\n"; // ".", CR LF, "ab", CR LF
        assert_eq!(refusal(message, 7), None);
        assert_eq!(refusal(message, 6), Some(reply::MESSAGE_TOO_BIG));
    }

    #[test]
    fn a_line_of_65536_bytes_is_the_longest() {
        for (dot, length, wanted) in [
            ("", 65_534, None),
            ("", 65_535, Some(reply::TEXT_LINE_TOO_LONG)),
            (".", 65_534, None),
            (".", 65_535, Some(reply::TEXT_LINE_TOO_LONG)),
        ] {
            let line = if dot.is_empty() { "x" } else { "." }.repeat(length);
            let bytes = format!("{dot}{line}\r\n.\r\n");
            let found = refusal(bytes.as_bytes(), 1_000_000);
            assert_eq!(found, wanted, "{dot}{length}");
        }
    }

    #[test]
    fn the_first_fault_of_the_list_is_told() {
        let long = "x".repeat(70_000);
        for (text, wanted) in [
            ("\0\r", reply::BARE_CR_OR_LF),
            ("\0", reply::NUL_IN_MESSAGE),
            (long.as_str(), reply::TEXT_LINE_TOO_LONG),
            ("more than nine", reply::MESSAGE_TOO_BIG),
        ] {
            let bytes = format!("{text}x\r\n.\r\n");
            assert_eq!(refusal(bytes.as_bytes(), 9), Some(wanted));
        }
    }

    #[test]
    fn twice_the_limit_and_a_megabyte_is_without_end() {
        let read = |limit, bytes: usize| {
            let mut message = Message::new(limit);
            let text = vec![b'x'; bytes];
            let piece = Piece { text: &text, starts: true, ends: false };
            message.take(piece) == Taken::Endless
        };
        for (limit, last) in [(10, 1_048_576), (600_000, 1_200_000)] {
            assert!(!read(limit, last), "{limit}");
            assert!(read(limit, last + 1), "{limit}");
        }
    }

    #[test]
    fn the_hundred_and_first_received_field_is_a_loop_rfc_5321_6_3() {
        let header = |hops: usize| "ReCeived : x\r\n\ty\r\n".repeat(hops);
        let body = header(200);
        for (hops, wanted) in [(100, None), (101, Some(reply::TOO_MANY_HOPS))] {
            let bytes = format!("{}\r\n{body}.\r\n", header(hops));
            assert_eq!(refusal(bytes.as_bytes(), 99_999), wanted);
        }
        // In a body they are text, also in one that nothing divides from the
        // header.
        for start in ["\r\n", "a poem\r\n", " x\r\n", "A: b\r\na poem\r\n"] {
            let bytes = format!("{start}{body}.\r\n");
            assert_eq!(refusal(bytes.as_bytes(), 99_999), None, "{start:?}");
        }
    }

    #[test]
    fn a_message_without_a_header_gets_an_empty_line_first_rfc_5322_2_2() {
        let long = format!("{}: x", "n".repeat(998));
        for (first, is_field) in [
            ("Subject: x", true),
            ("x:", true),
            ("Subject : x", true),
            ("!#$~: x", true),
            ("", true),
            (" goes on with the field before it", false),
            ("\tlike this", false),
            ("a poem", false),
            ("From alice Thu Nov 26 10:00:00 2026", false),
            (": x", false),
            ("Subject\x0c: x", false),
            ("k\u{e4}se: x", false),
            ("two words: x", false),
            (&long, false),
        ] {
            let bytes = format!("{first}\r\nX: y\r\n.\r\n");
            let before = if is_field { "" } else { "\n" };
            let wanted = format!("{before}{first}\nX: y\n");
            let (stored, _) = read(bytes.as_bytes(), 9_999);
            assert_eq!(String::from_utf8(stored).unwrap(), wanted);
        }
    }
}
