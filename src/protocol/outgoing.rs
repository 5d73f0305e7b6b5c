//! What a client says: its commands, and the text with its dots doubled
//! (RFC 5321 4.1.1 and 4.5.2).
//!
//! Interface:
//!   `ClientCommand`  one command; `Display` writes it, without CR LF
//!   `Envelope`       from whom, to whom, and what the text needs
//!   `Needs`          what a server must offer for it
//!   `OutgoingText`   a text on its way to the wire, in pieces of any size
//!
//! Guarantee: in what `OutgoingText` gives, CR and LF are only together,
//! every line ends, and no line is a dot alone.
//!
//! The other way round, dots are taken away in `data.rs`.

use super::address::{Mailbox, ReversePath};
use core::fmt;

/// One command of a client, in the order of RFC 5321 4.1.1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientCommand {
    /// `EHLO name`.
    Ehlo(String),
    /// `HELO name`.
    Helo(String),
    /// `MAIL FROM:<path>`, with its parameters, each after a blank.
    Mail(ReversePath, String),
    /// `RCPT TO:<path>`.
    Rcpt(Mailbox),
    /// `DATA`.
    Data,
    /// The dot that ends the text, or takes its place.
    Dot,
    /// `RSET`.
    Rset,
    /// `QUIT`.
    Quit,
}

/// What is to be sent to one host: the outside of the letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// Where a bounce goes.
    pub reverse_path: ReversePath,
    /// Who gets it.
    pub recipients: Vec<Mailbox>,
    /// What the text needs.
    pub needs: Needs,
}

/// What a server must be able to do for a message.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Needs {
    /// To take this many bytes: CR LF counts two; doubled dots and the final dot
    /// do not count (RFC 1870 section 5).
    pub size: u64,
    /// To take bytes over 127 in the text.
    pub eight_bit: bool,
    /// To take addresses or a header beyond ASCII.
    pub utf8: bool,
}

impl fmt::Display for ClientCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ClientCommand::Ehlo(name) => write!(f, "EHLO {name}"),
            ClientCommand::Helo(name) => write!(f, "HELO {name}"),
            ClientCommand::Mail(path, words) => {
                write!(f, "MAIL FROM:{path}{words}")
            }
            ClientCommand::Rcpt(mailbox) => write!(f, "RCPT TO:<{mailbox}>"),
            ClientCommand::Data => f.write_str("DATA"),
            ClientCommand::Dot => f.write_str("."),
            ClientCommand::Rset => f.write_str("RSET"),
            ClientCommand::Quit => f.write_str("QUIT"),
        }
    }
}

/// A carriage return is alone in the text: it cannot be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BareCr;

impl fmt::Display for BareCr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a carriage return stands alone")
    }
}

impl core::error::Error for BareCr {}

/// A text on its way out. Lines may come in with LF or with CR LF.
#[derive(Debug)]
pub struct OutgoingText {
    at_line_start: bool,
    after_cr: bool,
    in_header: bool,
    size: u64,
    has_eight_bit: bool,
    has_eight_bit_header: bool,
}

impl Default for OutgoingText {
    fn default() -> OutgoingText {
        OutgoingText {
            at_line_start: true,
            after_cr: false,
            in_header: true,
            size: 0,
            has_eight_bit: false,
            has_eight_bit_header: false,
        }
    }
}

impl OutgoingText {
    /// Adds what goes on the wire for `bytes` to `wire`. What is known of the
    /// line is kept, so that the pieces may be cut anywhere.
    pub fn take(
        &mut self,
        bytes: &[u8],
        wire: &mut Vec<u8>,
    ) -> Result<(), BareCr> {
        for byte in bytes {
            match byte {
                b'\n' => self.end_line(wire),
                _ if self.after_cr => return Err(BareCr),
                b'\r' => self.after_cr = true,
                _ => self.put(*byte, wire),
            }
        }
        Ok(())
    }

    /// Ends the last line if it has no end. The dot is not said here.
    pub fn end(&mut self, wire: &mut Vec<u8>) -> Result<(), BareCr> {
        if self.after_cr {
            return Err(BareCr);
        }
        if !self.at_line_start {
            self.end_line(wire);
        }
        Ok(())
    }

    /// How many bytes have gone out, without doubled dots.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// What a server must offer for this text, after `end`.
    ///
    /// `asks_utf8` is whether the mail came with SMTPUTF8, and `is_ascii`
    /// whether its envelope is: said and not needed, it is forgotten
    /// (RFC 6531 3.4).
    pub fn needs(&self, asks_utf8: bool, is_ascii: bool) -> Needs {
        Needs {
            size: self.size,
            eight_bit: self.has_eight_bit,
            utf8: asks_utf8 && (self.has_eight_bit_header || !is_ascii),
        }
    }

    /// A dot at the beginning of a line is doubled (RFC 5321 4.5.2).
    fn put(&mut self, byte: u8, wire: &mut Vec<u8>) {
        if self.at_line_start && byte == b'.' {
            wire.push(b'.');
        }
        wire.push(byte);
        self.at_line_start = false;
        self.size += 1;
        self.has_eight_bit |= byte > 127;
        self.has_eight_bit_header |= byte > 127 && self.in_header;
    }

    /// The first empty line ends the header.
    fn end_line(&mut self, wire: &mut Vec<u8>) {
        wire.extend_from_slice(b"\r\n");
        self.in_header &= !self.at_line_start;
        self.at_line_start = true;
        self.after_cr = false;
        self.size += 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::address::{mailbox, reverse_path};
    use crate::protocol::data::{DataLine, data_line};
    use crate::protocol::line::LineCutter;

    /// What goes on the wire, and what is known then.
    fn send(pieces: &[&[u8]]) -> Result<(Vec<u8>, OutgoingText), BareCr> {
        let mut text = OutgoingText::default();
        let mut wire = Vec::new();
        for piece in pieces {
            text.take(piece, &mut wire)?;
        }
        text.end(&mut wire)?;
        Ok((wire, text))
    }

    /// The same the slow way: line by line.
    fn model(bytes: &[u8]) -> Result<Vec<u8>, BareCr> {
        let text = str::from_utf8(bytes).unwrap().replace("\r\n", "\n");
        if text.contains('\r') {
            return Err(BareCr);
        }
        let lines = text.strip_suffix('\n').unwrap_or(&text).split('\n');
        let line = |line: &str| match line.starts_with('.') {
            true => format!(".{line}\r\n"),
            false => format!("{line}\r\n"),
        };
        let lines = lines.map(line).collect::<String>();
        Ok(if text.is_empty() { Vec::new() } else { lines.into_bytes() })
    }

    /// All texts of these letters up to this length.
    fn texts(letters: &[u8], length: usize) -> Vec<Vec<u8>> {
        let mut all = vec![Vec::new()];
        let mut from = 0;
        for _ in 0..length {
            let to = all.len();
            for number in from..to {
                let longer =
                    letters.iter().map(|l| [&all[number][..], &[*l]].concat());
                all.extend(longer.collect::<Vec<_>>());
            }
            from = to;
        }
        all
    }

    #[test]
    fn case_08_and_42_every_short_text_goes_out_as_the_model_has_it() {
        for bytes in texts(b"\r\n.a", 7) {
            let want = model(&bytes);
            let found = send(&[&bytes]).map(|(wire, _)| wire);
            assert_eq!(found, want, "{}", bytes.escape_ascii());
            // However it is cut.
            for cut in 0..=bytes.len() {
                let (one, two) = bytes.split_at(cut);
                let found = send(&[one, two]).map(|(wire, _)| wire);
                assert_eq!(found, want, "{}", bytes.escape_ascii());
            }
            let single: Vec<&[u8]> = bytes.chunks(1).collect();
            assert_eq!(send(&single).map(|(wire, _)| wire), want);
        }
    }

    #[test]
    fn case_42_no_bare_cr_or_lf_and_no_lone_dot_leaves_rfc_5321_2_3_8() {
        for bytes in texts(b"\r\n.a", 7) {
            let Ok((wire, text)) = send(&[&bytes]) else { continue };
            let left = String::from_utf8(wire).unwrap();
            let rest = left.replace("\r\n", "");
            assert!(!rest.contains(['\r', '\n']), "{left:?}");
            assert!(left.is_empty() || left.ends_with("\r\n"), "{left:?}");
            assert!(!format!("\r\n{left}").contains("\r\n.\r\n"), "{left:?}");
            // Doubled dots do not count (RFC 1870 section 5).
            let doubled = format!("\r\n{left}").matches("\r\n.").count();
            assert_eq!(text.size() as usize, left.len() - doubled);
        }
    }

    #[test]
    fn case_08_our_own_server_reads_back_what_was_sent_rfc_5321_4_5_2() {
        for bytes in texts(b"\n.a", 8) {
            let (mut wire, _) = send(&[&bytes]).unwrap();
            wire.extend_from_slice(b".\r\n");
            let (mut cutter, mut read) = (LineCutter::default(), Vec::new());
            let mut has_ended = false;
            cutter.feed(&wire);
            while let Some(piece) = cutter.next_piece() {
                assert!(!has_ended && piece.starts && piece.ends);
                match data_line(piece.text) {
                    DataLine::Text(text) => {
                        read.extend_from_slice(text);
                        read.push(b'\n');
                    }
                    DataLine::End => has_ended = true,
                }
            }
            let mut want = bytes.clone();
            if !want.is_empty() && !want.ends_with(b"\n") {
                want.push(b'\n');
            }
            assert!(has_ended);
            assert_eq!(read, want, "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn what_a_text_needs_is_found_in_it() {
        let needs = |text: &str, asks, is_ascii| {
            let text = send(&[text.as_bytes()]).unwrap().1;
            let needs = text.needs(asks, is_ascii);
            (needs.size, needs.eight_bit, needs.utf8)
        };
        let ascii = "Subject: x\n\nbody";
        assert_eq!(needs(ascii, false, true), (20, false, false));
        let body = "Subject: x\r\n\r\nb\u{f6}dy\n";
        assert_eq!(needs(body, false, true), (21, true, false));
        let header = "Subject: \u{f6}\n\n";
        assert_eq!(needs(header, true, true), (15, true, true));
    }

    #[test]
    fn case_18_smtputf8_is_needed_only_if_something_is_beyond_ascii() {
        let header = "Subject: \u{f6}\n\nbody\n";
        let body = "Subject: o\n\nb\u{f6}dy\n";
        for (text, asks, is_ascii, want) in [
            (header, true, true, true),
            (header, false, true, false),
            (body, true, true, false),
            (body, true, false, true),
            (body, false, false, false),
        ] {
            let text = send(&[text.as_bytes()]).unwrap().1;
            assert_eq!(text.needs(asks, is_ascii).utf8, want);
        }
    }

    #[test]
    fn commands_are_written_as_rfc_5321_4_1_1_has_them() {
        let path = |text| reverse_path(text).unwrap().0;
        let mail = |text, words: &str| {
            ClientCommand::Mail(path(text), words.to_owned()).to_string()
        };
        assert_eq!(mail("<>", ""), "MAIL FROM:<>");
        assert_eq!(mail("<a@b.c>", " SIZE=1"), "MAIL FROM:<a@b.c> SIZE=1");
        // A source route is not sent on.
        assert_eq!(mail("<@x.y,@z.z:a@b.c>", ""), "MAIL FROM:<a@b.c>");
        let rcpt = ClientCommand::Rcpt(mailbox("\"a b\"@[192.0.2.1]").unwrap());
        assert_eq!(rcpt.to_string(), "RCPT TO:<\"a b\"@[192.0.2.1]>");
    }
}
