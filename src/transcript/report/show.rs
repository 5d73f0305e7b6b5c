//! `replay --show FILE:LINE`: the whole talk up to a line, with its marks.
//!
//! ```text
//! transcripts/04-dots.txt: A line that begins with a dot
//! the talk of Pillarbox itself
//!    5     S: 220 mx.example.org ESMTP
//!    6     C: HELO client.example
//!    7  !! S: 500 5.5.2 Command not recognized
//! ```
//!
//! The number is that of the line in the file. What was not expected has `!!`.
//! Bytes are shown escaped, so that a blank at the end can be seen.

use std::io::{self, Write};

use super::row::{Judgement, Row};

/// Writes the talk, and then what is wrong.
pub(crate) fn write(
    out: &mut dyn Write,
    row: &Row,
    whose: &str,
) -> io::Result<()> {
    writeln!(out, "{}: {}", row.file(), row.title)?;
    writeln!(out, "the talk of {whose}")?;
    for said in &row.talk {
        let mark = if said.is_expected { "" } else { "!!" };
        writeln!(out, "{:>4}  {mark:<2} {}", said.line, said.text)?;
    }
    match &row.judgement {
        Judgement::Pass => Ok(()),
        Judgement::Fail(failure) | Judgement::Weak(failure) => {
            writeln!(out, "\n{} {failure}", row.judgement.word())
        }
        Judgement::Skip(reason)
        | Judgement::Lost(reason)
        | Judgement::Unchecked(reason) => {
            writeln!(out, "\n{}: {reason}", row.judgement.word())
        }
    }
}
