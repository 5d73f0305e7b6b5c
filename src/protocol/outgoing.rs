//! What a client says: its commands, and the text with its dots doubled
//! (RFC 5321 4.1.1 and 4.5.2).
//!
//! Interface:
//!   `ClientCommand`  one command; `Display` writes it, without CR LF
//!   `Envelope`       from whom, to whom, and what the text needs
//!   `Needs`          what a server must offer for it
//!   `OutgoingText`   a text on its way to the wire, in pieces of any size
//!
//! Guarantee: in what `OutgoingText` gives, CR and LF stand only together,
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
    /// The dot that ends the text, or stands for it.
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
    /// To take so many bytes: CR LF counts two; doubled dots and the final dot
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

/// A carriage return stands alone in the text: it cannot be sent.
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
    // ANCHOR: take
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
    // ANCHOR_END: take

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
