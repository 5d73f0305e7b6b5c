//! `replay --show FILE:LINE`: the whole talk up to a line, with its marks.
//!
//! ```text
//! transcripts/04-dots.txt: A line that begins with a dot
//!    5     S: 220 mx.example.org ESMTP
//!    6     C: HELO client.example
//!    7  !! S: 500 5.5.2 Command not recognized
//! ```
//!
//! The number is that of the line in the file. What was not expected has `!!`.
//! Bytes are shown escaped, so that a blank at the end can be seen.

use std::io::{self, Write};

use super::report::{Row, Verdict};

/// Something that was said, or seen, in a transcript.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TalkLine {
    /// The line of the file that it belongs to.
    pub line: usize,
    /// As it could stand in the file.
    pub text: String,
    /// Whether it is what stands there.
    pub is_expected: bool,
}

impl TalkLine {
    pub(super) fn expected(line: usize, text: String) -> TalkLine {
        let is_expected = true;
        TalkLine { line, text, is_expected }
    }

    pub(super) fn unexpected(line: usize, text: String) -> TalkLine {
        let is_expected = false;
        TalkLine { line, text, is_expected }
    }
}

/// Writes the talk, and then what is wrong.
pub(super) fn write(out: &mut dyn Write, row: &Row) -> io::Result<()> {
    writeln!(out, "{}: {}", row.path.display(), row.title)?;
    for said in &row.talk {
        let mark = if said.is_expected { "" } else { "!!" };
        writeln!(out, "{:>4}  {mark:<2} {}", said.line, said.text)?;
    }
    match &row.verdict {
        Verdict::Pass => Ok(()),
        Verdict::Fail(failure) | Verdict::Weak(failure) => {
            writeln!(out, "\n{} {failure}", row.verdict.word())
        }
        Verdict::Skip(reason) => writeln!(out, "\nskip: {reason}"),
    }
}
