//! Says the words of a page to one client, however many there are.
//!
//! Interface:
//!   `Mouth::reply`   a whole reply, with its line ends
//!   `Mouth::text`    exactly these bytes
//!   `Mouth::finish`  sends what was not sent yet
//!   `Unsaid`         why not all of it was said
//!
//! A short reply is one write. A long one (`{100000*...}`) is never in memory
//! as a whole, and a client that does not read it meets the deadline.

use std::io::{self, BufWriter, Write};
use std::time::Instant;

use crate::transcript::format::matching::Names;
use crate::transcript::format::script::{ReplyLine, ReplyStep};
use crate::transcript::format::text::{Part, Text};
use crate::transcript::judge::talk::{Talk, is_late};

/// How many bytes are sent at once.
const PIECE: usize = 64 * 1024;

/// Why not all of it was said.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unsaid {
    /// The client is not there any more.
    Gone,
    /// It does not read.
    Late,
    /// This name has no value yet.
    NoValue(String),
}

impl From<io::Error> for Unsaid {
    fn from(error: io::Error) -> Unsaid {
        if is_late(&error) { Unsaid::Late } else { Unsaid::Gone }
    }
}

/// Our voice for one step.
pub(super) struct Mouth<'a> {
    out: BufWriter<ToClient<'a>>,
    names: &'a Names,
}

impl<'a> Mouth<'a> {
    pub(super) fn new(
        talk: &'a mut Talk,
        names: &'a Names,
        until: Instant,
    ) -> Mouth<'a> {
        let client = ToClient { talk, until };
        let out = BufWriter::with_capacity(PIECE, client);
        Mouth { out, names }
    }

    /// All lines of a reply, as the page has them.
    pub(super) fn reply(&mut self, reply: &ReplyStep) -> Result<(), Unsaid> {
        for line in &reply.lines {
            write!(self.out, "{:03}{}", reply.code, mark(line))?;
            self.text(&line.text)?;
            self.out.write_all(b"\r\n")?;
        }
        Ok(())
    }

    /// The bytes that a text stands for; a repeat unit by unit.
    pub(super) fn text(&mut self, text: &Text) -> Result<(), Unsaid> {
        for part in &text.parts {
            match part {
                Part::Bytes(bytes) => self.out.write_all(bytes)?,
                Part::Repeat { times, bytes } => {
                    for _ in 0..*times {
                        self.out.write_all(bytes)?;
                    }
                }
                Part::Name(name) => {
                    let value = self.names.get(name);
                    let value = value.ok_or(Unsaid::NoValue(name.clone()))?;
                    self.out.write_all(value)?;
                }
                Part::Anything => return Err(Unsaid::NoValue("...".into())),
            }
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<(), Unsaid> {
        Ok(self.out.flush()?)
    }
}

/// What comes after the code: a bare `250` has no blank on the page, and
/// none on the wire.
fn mark(line: &ReplyLine) -> &'static str {
    match line.more {
        true => "-",
        false if line.text.parts.is_empty() => "",
        false => " ",
    }
}

/// The way to the client, until a deadline.
struct ToClient<'a> {
    talk: &'a mut Talk,
    until: Instant,
}

impl Write for ToClient<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.talk.write_some(bytes, self.until)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
