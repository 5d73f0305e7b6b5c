//! Reads a transcript: a file becomes a script, or a line and a reason.
//!
//! The reading is strict. A reader that took every strange line for a comment
//! would hide the slip of the pen that makes a test test nothing.
//!
//! ```abnf
//! transcript = header LF *line
//! line       = client / raw / reply / rawreply / mail / stage / comment / LF
//! client     = "C" [n] ":" [SP text] LF
//! raw        = "C" [n] ">" [SP text] LF
//! reply      = *( "S" [n] ":" SP code "-" text LF *note )
//!              ( "S" [n] ":" SP code [SP text] LF
//!              / "S" [n] ":" SP "..." LF )           ; only after a "-" line
//! note       = comment / LF
//! rawreply   = "S" [n] ">" [SP text] LF              ; "Plays: server"
//! mail       = "M:" [SP (text / "...")] LF           ; after (mailbox ...) or
//!                                                    ; (rest of message)
//! stage      = "(" direction ")" LF
//! comment    = "#" *VCHAR-SP LF
//! ```
//!
//! Interface:
//!   `parse`  from bytes
//!   `read`   from a file
//!
//! Guarantee: no bytes make `parse` panic, and what it accepts grows to 64 MiB
//! at most.
//!
//! What a line may follow, and which lines are one reply: see `steps.rs`.
//! Speakers are read in `spoken.rs`, directions in `stage.rs`, words in
//! `text.rs`.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use super::digest::digest;
use super::header::{Header, HeaderReader};
use super::script::{Source, Step, Transcript};
use super::spoken::{Spoken, after_colon};
use super::stage;
use super::steps::Steps;
use super::text::no_control;
use crate::words::{in_one_line, reason};

/// Why a file is not a transcript.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseError {
    /// Which file.
    pub path: PathBuf,
    /// Which line, from 1; 0 if the file cannot be read at all.
    pub line: usize,
    /// What was expected.
    pub message: String,
    /// Whether the file only ends too early, as after a power cut.
    pub is_cut: bool,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (path, message) = (in_one_line(&self.path), &self.message);
        match self.line {
            0 => write!(f, "{path}: {message}"),
            line => write!(f, "{path}:{line}: {message}"),
        }
    }
}

impl std::error::Error for ParseError {}

/// Reads the transcript in a file.
pub fn read(path: &Path) -> Result<Transcript, ParseError> {
    let bytes = fs::read(path).map_err(|error| ParseError {
        path: path.into(),
        line: 0,
        message: format!("cannot read the file: {}", reason(&error)),
        is_cut: false,
    })?;
    parse(path, &bytes)
}

/// Reads a transcript. `path` is only its name, for messages.
pub fn parse(path: &Path, bytes: &[u8]) -> Result<Transcript, ParseError> {
    let fail = |line, message, is_cut| {
        let path = path.into();
        ParseError { path, line, message, is_cut }
    };
    // After a power cut a file may have its size, and nothing in it.
    if bytes.iter().all(|byte| *byte == 0) {
        return Err(fail(1, "the file is empty".into(), true));
    }
    let mut parser = Parser::Header(HeaderReader::default());
    let mut length = 0;
    let mut left = bytes.len();
    let read = lines(bytes).try_for_each(|bytes| {
        length += 1;
        left = left.saturating_sub(bytes.len() + 1);
        parser.line(length, line_text(bytes)?)
    });
    // Half a line at the end is no slip of the pen.
    let is_half = left == 0 && !bytes.ends_with(b"\n");
    read.map_err(|message| fail(length, message, is_half))?;
    let script = parser.finish();
    let (header, steps) =
        script.map_err(|message| fail(length, message, true))?;
    let (path, digest, notes) = (path.into(), digest(bytes), notes(bytes));
    Ok(Transcript { path, header, steps, notes, length, digest })
}

/// The notes after the header. A mark for the book's pages is none.
fn notes(bytes: &[u8]) -> Vec<Source> {
    let body = (1..).zip(lines(bytes)).skip_while(|(_, text)| !text.is_empty());
    let notes = body.filter_map(|(line, text)| {
        let text = str::from_utf8(text.strip_prefix(b"#")?).ok()?.trim();
        let text = (!text.starts_with("ANCHOR")).then(|| text.to_owned())?;
        Some(Source { line, text })
    });
    notes.collect()
}

/// The lines of a file, without their LF.
fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let whole = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    whole.split(|byte| *byte == b'\n')
}

/// The line as text, if it holds only what a line may hold.
fn line_text(bytes: &[u8]) -> Result<&str, String> {
    let text = str::from_utf8(bytes).map_err(|_| "expected UTF-8")?;
    if text.ends_with('\r') {
        return Err("this file has CR LF line ends: a transcript has LF, \
                    and writes CR LF only on the wire"
            .into());
    }
    if let Some(c) = text.chars().find(|c| c.is_control()) {
        return Err(no_control(c));
    }
    if text.ends_with(' ') {
        return Err("expected no blank at the end of the line \
                    (in a text, write \\x20)"
            .into());
    }
    Ok(text)
}

/// The file so far: first a header, then steps.
#[derive(Debug)]
enum Parser {
    Header(HeaderReader),
    Body(Header, Steps),
}

impl Parser {
    /// Reads one line. The header ends at the first empty one.
    fn line(&mut self, line: usize, text: &str) -> Result<(), String> {
        match self {
            Parser::Header(draft) if text.is_empty() => {
                let header = std::mem::take(draft).finish()?;
                let steps = Steps::new(header.plays);
                *self = Parser::Body(header, steps);
                Ok(())
            }
            Parser::Header(draft) => draft.line(text),
            Parser::Body(_, steps) => {
                let text = text.to_owned();
                body_line(steps, Source { line, text })
            }
        }
    }

    /// The file is over.
    fn finish(self) -> Result<(Header, Vec<Step>), String> {
        match self {
            Parser::Body(header, steps) => Ok((header, steps.finish()?)),
            Parser::Header(draft) => {
                draft.finish()?;
                Err("expected an empty line after the header".into())
            }
        }
    }
}

/// A line after the header. A note and an empty line are no steps.
fn body_line(steps: &mut Steps, source: Source) -> Result<(), String> {
    let text = source.text.clone();
    if text.is_empty() || text.starts_with('#') {
        return Ok(());
    }
    if let Some(inside) = text.strip_prefix('(') {
        let inside = inside.strip_suffix(')').ok_or("expected ) at the end")?;
        return steps.direction(source, stage::direction(inside)?);
    }
    if let Some(words) = text.strip_prefix("M:") {
        return steps.mail_line(source, after_colon(words)?);
    }
    steps.spoken(source, &Spoken::read(&text)?)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{EXAMPLES, Random, read};
    use super::*;

    const HEADER: &str = "Title: t\nLevel: own\n\n";

    #[test]
    fn the_six_examples_are_transcripts() {
        for example in EXAMPLES {
            let transcript = read(example).unwrap();
            assert_eq!(transcript.length, example.lines().count());
            assert!(transcript.steps.len() >= 9);
        }
    }

    #[test]
    fn every_step_keeps_its_line_as_it_stands_in_the_file() {
        for example in EXAMPLES {
            for step in read(example).unwrap().steps {
                let line = example.lines().nth(step.source.line - 1);
                assert_eq!(line, Some(step.source.text.as_str()));
            }
        }
    }

    #[test]
    fn a_slip_of_the_pen_is_refused_with_its_line() {
        let table = include_str!("slips.txt");
        let mut count = 0;
        for case in table.split("----\n") {
            let (wanted, file) = case.split_once('\n').unwrap();
            let error = read(file).unwrap_err().to_string();
            assert_eq!(error, wanted, "{file}");
            count += 1;
        }
        assert!(count >= 25, "{count}");
    }

    #[test]
    fn cr_lf_files_are_refused_in_those_words() {
        let error = read(&HEADER.replace('\n', "\r\n")).unwrap_err();
        assert_eq!(error.line, 1);
        assert!(error.message.contains("CR LF"), "{error}");
    }

    #[test]
    fn control_characters_and_other_encodings_are_refused() {
        let tab = read(&format!("{HEADER}# a\tb\n")).unwrap_err();
        assert_eq!(tab.line, 4);
        assert!(tab.message.contains("\\t"), "{tab}");
        let latin = parse(Path::new("x"), b"Title: caf\xe9\n").unwrap_err();
        assert_eq!(latin.to_string(), "x:1: expected UTF-8");
    }

    #[test]
    fn a_file_that_ends_too_early_is_told_from_a_slip_of_the_pen() {
        let whole = format!("{HEADER}S: 220-a\nS: 220 b\nC: QUIT\n");
        let is_cut = |text: &str| read(text).unwrap_err().is_cut;
        for length in [0, 5, HEADER.len() - 1, HEADER.len() + 3] {
            assert!(is_cut(&whole[..length]), "{length}");
        }
        assert!(is_cut(&format!("{HEADER}S: 220-a\n")));
        assert!(is_cut("\0\0\0"));
        for slip in ["S: 22\n", "Z: x\n", "S: 22\nC: QUIT"] {
            assert!(!is_cut(&format!("{HEADER}{slip}")), "{slip}");
        }
    }

    #[test]
    fn repeats_are_bounded_over_the_whole_file() {
        let line = "C> {30000000*x}\n";
        assert!(read(&format!("{HEADER}{line}{line}")).is_ok());
        let error = read(&format!("{HEADER}{line}{line}{line}")).unwrap_err();
        assert_eq!(error.line, 6);
    }

    #[test]
    fn a_last_line_without_its_lf_is_a_line() {
        let transcript = read(&format!("{HEADER}C: QUIT")).unwrap();
        assert_eq!(transcript.steps.len(), 1);
    }

    #[test]
    fn no_input_makes_it_panic() {
        let mut random = Random::new(7);
        let words = include_str!("slips.txt");
        let words: Vec<&str> = words.split_inclusive([' ', '\n']).collect();
        let mut good = 0;
        for _ in 0..100_000 {
            let mut file = Vec::new();
            if random.below(4) > 0 {
                file.extend(HEADER.bytes());
            }
            for _ in 0..random.below(9) {
                match random.below(4) {
                    0 => file.extend(random.bytes(6)),
                    _ => file.extend(words[random.below(words.len())].bytes()),
                }
            }
            good += usize::from(parse(Path::new("x"), &file).is_ok());
        }
        assert!(good > 1000, "{good}");
    }
}
