//! The message between DATA and the dot: transparency, limits, faults
//! (RFC 5321 4.1.1.4 and 4.5.2).
//!
//! Lines of the message go in, one after the other; the text to store comes
//! out. Faults are remembered and told at the end: the message is always read
//! to its real end, because whoever stops early takes text for commands.
//!
//! Interface:
//!   `data_line`  tells text from the dot that ends the message
//!   `Message`    the same for a whole message, with its limits
//!
//! Not here: what a line is (`line.rs`), where the text goes
//! (`server/incoming.rs`).

use super::line::Piece;
use super::reply::{self, Reply};

/// How many bytes a line of the message may have, CR LF included, a doubled
/// dot not (RFC 5321 4.5.3.1.6 asks for 1,000).
pub const TEXT_LINE_LIMIT: u64 = 65_536;

/// With so many `Received:` lines a message runs in a circle (RFC 5321 6.3).
pub const HOP_LIMIT: usize = 100;

/// So much of a message is read before we hang up, whatever the limit is.
///
/// Over twice the limit no client is expected to come to an end.
const PATIENCE: u64 = 1_048_576;

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

/// One message on its way in: what was counted, and what was wrong.
#[derive(Debug)]
pub struct Message {
    size_limit: u64,
    size: u64,
    line_size: u64,
    in_header: bool,
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
            line_size: 0,
            in_header: true,
            hops: 0,
            has_bare_cr_or_lf: false,
            has_nul: false,
            has_long_line: false,
        }
    }

    /// Takes the next piece of the message, and gives the text to store.
    ///
    /// The line end is not in the text: `piece.ends` tells of it.
    pub fn take<'a>(&mut self, piece: Piece<'a>) -> DataLine<'a> {
        let line = match piece {
            Piece { text, starts: true, ends: true } => data_line(text),
            Piece { text: [b'.', rest @ ..], starts: true, .. } => {
                DataLine::Text(rest)
            }
            Piece { text, .. } => DataLine::Text(text),
        };
        if let DataLine::Text(text) = line {
            self.inspect_header(text, piece);
            self.count(text, piece);
            self.look_for_faults(text);
        }
        line
    }

    /// How many bytes have come. CR LF counts two, as in RFC 1870 section 5;
    /// doubled dots and the final dot do not count.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Why the message is refused, if it is.
    ///
    /// A message with several faults gets the first of this list, so that the
    /// answer does not hang on how the network cut the stream.
    pub fn refusal(&self) -> Option<Reply> {
        let faults = [
            (self.has_bare_cr_or_lf, reply::BARE_CR_OR_LF),
            (self.has_nul, reply::NUL_IN_MESSAGE),
            (self.has_long_line, reply::TEXT_LINE_TOO_LONG),
            (self.size > self.size_limit, reply::MESSAGE_TOO_BIG),
            (self.hops >= HOP_LIMIT, reply::TOO_MANY_HOPS),
        ];
        faults.into_iter().find(|(found, _)| *found).map(|(_, reply)| reply)
    }

    /// Whether so much has come that we stop waiting for the end.
    pub fn is_endless(&self) -> bool {
        self.size > self.size_limit.saturating_mul(2).max(PATIENCE)
    }

    /// Counts the servers that the message went through already.
    fn inspect_header(&mut self, text: &[u8], piece: Piece<'_>) {
        const NAME: &[u8] = b"Received:";
        if !self.in_header || !piece.starts {
            return;
        }
        if piece.ends && text.is_empty() {
            self.in_header = false;
        }
        let name = text.get(..NAME.len()).unwrap_or_default();
        if name.eq_ignore_ascii_case(NAME) {
            self.hops += 1;
        }
    }

    fn count(&mut self, text: &[u8], piece: Piece<'_>) {
        if piece.starts {
            self.line_size = 0;
        }
        let line_end = if piece.ends { 2 } else { 0 };
        let added = text.len() as u64 + line_end;
        self.line_size += added;
        self.size += added;
        self.has_long_line |= self.line_size > TEXT_LINE_LIMIT;
    }

    // ANCHOR: look_for_faults
    /// CR and LF in a line without its CR LF stand alone, whatever is next to
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

    /// What is stored of `bytes`, and whether the end was found.
    fn read(bytes: &[u8], limit: u64) -> (Vec<u8>, bool, Option<Reply>) {
        let mut cutter = LineCutter::default();
        let mut message = Message::new(limit);
        let mut stored = Vec::new();
        cutter.feed(bytes);
        while let Some(piece) = cutter.next_piece() {
            match message.take(piece) {
                DataLine::Text(text) => stored.extend_from_slice(text),
                DataLine::End => return (stored, true, message.refusal()),
            }
            if piece.ends {
                stored.push(b'\n');
            }
        }
        (stored, false, message.refusal())
    }

    #[test]
    fn one_leading_dot_is_taken_away_rfc_5321_4_5_2() {
        for (sent, stored) in [
            (&b"..\r\n.\r\n"[..], &b".\n"[..]),
            (b"..x\r\n.\r\n", b".x\n"),
            (b"...\r\n.\r\n", b"..\n"),
            (b".x\r\n.\r\n", b"x\n"),
            (b"a.b.\r\n.\r\n", b"a.b.\n"),
            (b" .\r\n.\r\n", b" .\n"),
            (b".\r\n", b""),
            (b"\r\n.\r\n", b"\n"),
        ] {
            assert_eq!(read(sent, 99), (stored.to_vec(), true, None));
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
            let piece = Piece { text, starts, ends: false };
            assert_eq!(message.take(piece), DataLine::Text(kept), "{starts}");
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
            let (_, ended, refusal) = read(bytes.as_bytes(), 99);
            assert!(ended, "{trick:?}");
            let first = bytes.find("\r\n.\r\n").map(|at| at + 5);
            assert_eq!(first, Some(bytes.len()), "{trick:?}");
            assert!(refusal.is_some(), "{trick:?}");
        }
    }

    #[test]
    fn size_counts_line_ends_and_not_dots_rfc_1870_5() {
        let message = b"..\r\nab\r\n.\r\n"; // ".", CR LF, "ab", CR LF
        assert_eq!(read(message, 7).2, None);
        assert_eq!(read(message, 6).2, Some(reply::MESSAGE_TOO_BIG));
    }

    #[test]
    fn a_line_of_65536_bytes_is_the_longest() {
        for (dot, length, refusal) in [
            ("", 65_534, None),
            ("", 65_535, Some(reply::TEXT_LINE_TOO_LONG)),
            (".", 65_534, None),
            (".", 65_535, Some(reply::TEXT_LINE_TOO_LONG)),
        ] {
            let line = if dot.is_empty() { "x" } else { "." }.repeat(length);
            let bytes = format!("{dot}{line}\r\n.\r\n");
            let (stored, ended, found) = read(bytes.as_bytes(), 1_000_000);
            assert_eq!((ended, found), (true, refusal), "{dot}{length}");
            assert_eq!(stored.len(), length + 1);
        }
    }

    #[test]
    fn the_first_fault_of_the_list_is_told() {
        let long = "x".repeat(70_000);
        for (text, refusal) in [
            ("\0\r", reply::BARE_CR_OR_LF),
            ("\0", reply::NUL_IN_MESSAGE),
            (long.as_str(), reply::TEXT_LINE_TOO_LONG),
            ("more than nine", reply::MESSAGE_TOO_BIG),
        ] {
            let bytes = format!("{text}x\r\n.\r\n");
            assert_eq!(read(bytes.as_bytes(), 9).2, Some(refusal));
        }
    }

    #[test]
    fn twice_the_limit_and_a_megabyte_is_without_end() {
        let read = |limit, bytes: usize| {
            let mut message = Message::new(limit);
            let text = vec![b'x'; bytes];
            message.take(Piece { text: &text, starts: true, ends: false });
            message.is_endless()
        };
        for (limit, last) in [(10, 1_048_576), (600_000, 1_200_000)] {
            assert!(!read(limit, last), "{limit}");
            assert!(read(limit, last + 1), "{limit}");
        }
    }

    #[test]
    fn the_hundredth_received_line_is_a_loop_rfc_5321_6_3() {
        let header = |hops: usize| "ReCeived: x\r\n".repeat(hops);
        let body = header(200);
        for (hops, refusal) in [(99, None), (100, Some(reply::TOO_MANY_HOPS))] {
            let bytes = format!("{}\r\n{body}.\r\n", header(hops));
            assert_eq!(read(bytes.as_bytes(), 99_999).2, refusal);
        }
    }
}
