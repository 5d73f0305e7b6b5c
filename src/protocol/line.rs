//! Cuts the stream of bytes into lines: at CR LF and nowhere else
//! (RFC 5321 2.3.8).
//!
//! TCP carries bytes, not lines. One read may bring half a line or twenty.
//! What is read goes in with `feed`; lines come out with `next_command`, or
//! with `next_piece` while a message arrives.
//!
//! Guarantees:
//! - the same bytes give the same lines, however the network cut them;
//! - no more than two reads are kept, however long a line is;
//! - a carriage return or a line feed alone never ends a line. A server that
//!   cuts there can be shown a second message hidden in the first.
//!
//! What a line means is not said here: see `command.rs` and `data.rs`.

use core::mem;

/// How many bytes a command line may have, CR LF included.
///
/// RFC 5321 4.5.3.1.4 asks for 512, and extensions add to it.
pub const COMMAND_LIMIT: usize = 2048;

/// How many bytes are kept of a command line that is too long.
const BEGINNING: usize = 40;

/// A line of a message that is longer than this comes out in pieces.
///
/// At least two, so that a dot that is a whole line is never taken apart.
const PIECE: usize = 4096;

/// One line that was sent as a command, or what is wrong with it.
#[derive(Debug, PartialEq, Eq)]
pub enum CommandLine<'a> {
    /// The line without its CR LF.
    Line(&'a [u8]),
    /// The end of a line of more than `COMMAND_LIMIT` bytes, whatever has ended
    /// it. It was not kept: only its beginning, for people to see.
    TooLong(&'a [u8]),
    /// What a line feed alone has ended, or the rest of the line that held it:
    /// all bytes, for people to see.
    BareLineFeed(&'a [u8]),
    /// What a carriage return or a NUL has ended, with no line feed after it:
    /// all bytes, for people to see. See `LineCutter::give_up_line`.
    NoLineFeed(&'a [u8]),
}

/// A line of the message, or a piece of a very long one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece<'a> {
    /// The bytes, without the CR LF.
    pub text: &'a [u8],
    /// Whether a line begins with this piece.
    pub starts: bool,
    /// Whether the line ends with this piece: CR LF came after it.
    pub ends: bool,
}

/// Holds the bytes that were read and not yet used.
#[derive(Debug, Default)]
pub struct LineCutter {
    bytes: Vec<u8>,
    used: usize,
    line: LineSoFar,
    /// How a command line began that is too long.
    beginning: Vec<u8>,
    /// Whether this is all that is left of the line that has begun.
    is_dropped: bool,
    /// Whether a line was given up: its line feed may still come.
    has_given_up: bool,
}

/// What is known of the line that has begun.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum LineSoFar {
    /// All of it is still in `bytes`.
    #[default]
    Whole,
    /// The beginning was handed out as a piece of the message.
    Continued,
    /// A command line with a bare line feed, which was answered.
    Broken,
}

impl LineCutter {
    /// Adds what one read has brought.
    pub fn feed(&mut self, mut bytes: &[u8]) {
        if mem::take(&mut self.has_given_up)
            && let [b'\n', rest @ ..] = bytes
        {
            bytes = rest;
        }
        self.bytes.drain(..self.used);
        self.used = 0;
        self.bytes.extend_from_slice(bytes);
    }

    /// The next command line, or `None` if more bytes are needed.
    ///
    /// A bare line feed is answered at once and not at the next CR LF: the
    /// student who forgot `nc -C` is waiting. Nothing up to that CR LF is
    /// run: another server on the way may have read it as one line. Each line
    /// end gives one result, so that no client waits for ever.
    // ANCHOR: next_command
    pub fn next_command(&mut self) -> Option<CommandLine<'_>> {
        let rest = self.bytes.get(self.used..).unwrap_or_default();
        let Some(feed) = rest.iter().position(|byte| *byte == b'\n') else {
            self.drop_long_command();
            return None;
        };
        let was_broken = self.line == LineSoFar::Broken;
        let from = self.used;
        self.used += feed + 1;
        let raw = self.bytes.get(from..self.used).unwrap_or_default();
        let text = raw.strip_suffix(b"\r\n");
        self.line = text.map_or(LineSoFar::Broken, |_| LineSoFar::Whole);
        if mem::take(&mut self.is_dropped) {
            return Some(CommandLine::TooLong(&self.beginning));
        }
        if raw.len() > COMMAND_LIMIT {
            let beginning = raw.get(..BEGINNING).unwrap_or_default();
            return Some(CommandLine::TooLong(beginning));
        }
        Some(match text {
            Some(text) if !was_broken => CommandLine::Line(text),
            Some(_) | None => CommandLine::BareLineFeed(raw),
        })
    }
    // ANCHOR_END: next_command

    /// Whether the command that has begun ends in a carriage return or a NUL:
    /// its writer may think that this ends a line. But a CR may also be half of
    /// a CR LF that the network has cut, so one waits a while.
    pub fn lacks_line_feed(&self) -> bool {
        matches!(self.bytes.get(self.used..), Some([.., b'\r' | 0]))
    }

    /// Stops waiting for the line feed. If it still comes, it is dropped: each
    /// line end gives one result.
    pub fn give_up_line(&mut self) -> CommandLine<'_> {
        self.has_given_up = true;
        self.line = LineSoFar::Whole;
        let from = mem::replace(&mut self.used, self.bytes.len());
        if mem::take(&mut self.is_dropped) {
            return CommandLine::TooLong(&self.beginning);
        }
        CommandLine::NoLineFeed(self.bytes.get(from..).unwrap_or_default())
    }

    /// The next line of the message, or a piece of it, or `None` if more bytes
    /// are needed.
    pub fn next_piece(&mut self) -> Option<Piece<'_>> {
        let rest = self.bytes.get(self.used..).unwrap_or_default();
        let (length, ends) = match find_crlf(rest) {
            Some(length) => (length, true),
            None if rest.len() < PIECE => return None,
            // The last byte stays: a CR may be half of a line end.
            None => (rest.len() - 1, false),
        };
        let starts = self.line == LineSoFar::Whole;
        let from = self.used;
        self.used += if ends { length + 2 } else { length };
        self.line = if ends { LineSoFar::Whole } else { LineSoFar::Continued };
        let text = self.bytes.get(from..from + length).unwrap_or_default();
        Some(Piece { text, starts, ends })
    }

    /// Forgets a command that is too long already, except its last byte,
    /// which may be half of its line end.
    fn drop_long_command(&mut self) {
        if self.bytes.len() - self.used < COMMAND_LIMIT {
            return;
        }
        if !mem::replace(&mut self.is_dropped, true) {
            let beginning = self.used..self.used + BEGINNING;
            let beginning = self.bytes.get(beginning).unwrap_or_default();
            self.beginning = beginning.to_vec();
        }
        self.used = self.bytes.len() - 1;
    }
}

/// The text without the blanks and tabs at its end. Other white space, such as
/// a form feed, is a character like any other (RFC 5322 2.2).
pub fn without_trailing_blanks(mut text: &[u8]) -> &[u8] {
    while let [rest @ .., b' ' | b'\t'] = text {
        text = rest;
    }
    text
}

/// Where the first CR LF begins.
fn find_crlf(bytes: &[u8]) -> Option<usize> {
    let mut from = 0;
    loop {
        let rest = bytes.get(from..)?;
        let feed = from + rest.iter().position(|byte| *byte == b'\n')?;
        let before = feed.checked_sub(1);
        if before.and_then(|at| bytes.get(at)) == Some(&b'\r') {
            return before;
        }
        from = feed + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All command lines in `bytes`, fed `step` bytes at a time.
    fn commands(bytes: &[u8], step: usize) -> Vec<String> {
        let mut cutter = LineCutter::default();
        let mut found = Vec::new();
        for chunk in bytes.chunks(step) {
            cutter.feed(chunk);
            while let Some(line) = cutter.next_command() {
                found.push(match line {
                    CommandLine::Line(text) => text.escape_ascii().to_string(),
                    CommandLine::TooLong(beginning) => {
                        assert_eq!(beginning, [b'x'; BEGINNING]);
                        "too long".into()
                    }
                    CommandLine::BareLineFeed(_) => "bare".into(),
                    CommandLine::NoLineFeed(_) => "no line feed".into(),
                });
            }
            assert!(cutter.bytes.len() <= COMMAND_LIMIT + step);
        }
        found
    }

    /// The message lines in `bytes`, put together again from their pieces.
    fn message(bytes: &[u8], step: usize) -> Vec<Vec<u8>> {
        let mut cutter = LineCutter::default();
        let (mut found, mut line) = (Vec::new(), Vec::new());
        for chunk in bytes.chunks(step) {
            cutter.feed(chunk);
            while let Some(piece) = cutter.next_piece() {
                assert_eq!(piece.starts, line.is_empty() || piece.starts);
                line.extend_from_slice(piece.text);
                if piece.ends {
                    found.push(std::mem::take(&mut line));
                }
            }
            assert!(cutter.bytes.len() <= PIECE + step);
        }
        found
    }

    #[test]
    fn a_line_that_was_given_up_gives_one_result_and_not_two() {
        for end in [b'\r', 0] {
            let mut cutter = LineCutter::default();
            cutter.feed(b"NOOP\r\nQUIT");
            assert!(!cutter.lacks_line_feed());
            assert_eq!(cutter.next_command(), Some(CommandLine::Line(b"NOOP")));
            cutter.feed(&[end]);
            assert_eq!(cutter.next_command(), None);
            assert!(cutter.lacks_line_feed());
            let given_up = [b"QUIT".as_slice(), &[end]].concat();
            assert_eq!(
                cutter.give_up_line(),
                CommandLine::NoLineFeed(&given_up)
            );
            assert!(!cutter.lacks_line_feed());
            // The line feed was only late.
            cutter.feed(b"\n");
            assert_eq!(cutter.next_command(), None);
            cutter.feed(b"RSET\r\n");
            assert_eq!(cutter.next_command(), Some(CommandLine::Line(b"RSET")));
        }
    }

    #[test]
    fn lines_end_at_cr_lf_however_the_network_cuts_them_rfc_2_3_8() {
        let bytes = b"NOOP\r\n\r\nRSET \r\nQUIT\rX\r\nhalf";
        for step in 1..=bytes.len() {
            let want = ["NOOP", "", "RSET ", "QUIT\\rX"];
            assert_eq!(commands(bytes, step), want, "step {step}");
        }
    }

    #[test]
    fn after_a_bare_line_feed_nothing_is_run_before_the_next_cr_lf() {
        let bytes = b"HELO a\nNOOP\nQUIT\r\nRSET\r\n";
        for step in 1..=bytes.len() {
            let want = ["bare", "bare", "bare", "RSET"];
            assert_eq!(commands(bytes, step), want, "step {step}");
        }
    }

    #[test]
    fn a_command_line_has_2048_bytes_at_the_most_and_gives_one_result() {
        for (length, want) in
            [(2045, None), (2046, None), (2047, Some(())), (90_000, Some(()))]
        {
            let mut bytes = vec![b'x'; length];
            bytes.extend_from_slice(b"\r\nQUIT\r\n");
            for step in [1, 7, 2046, 2047, 2048, 2049, 8192] {
                let found = commands(&bytes, step);
                assert_eq!(found.len(), 2, "{length} in steps of {step}");
                let too_long = found[0] == "too long";
                assert_eq!(too_long, want.is_some(), "{length} by {step}");
                assert_eq!(found[1], "QUIT");
            }
        }
    }

    #[test]
    fn a_line_that_is_too_long_looks_the_same_however_it_is_cut_and_ended() {
        let long = "x".repeat(5000);
        for (line, next) in [
            (format!("{long}\n"), "bare"),
            (format!("{long}\r\n"), "QUIT"),
            (format!("bare\n{long}\n"), "bare"),
            (format!("bare\n{long}\r\n"), "QUIT"),
        ] {
            let bytes = format!("{line}QUIT\r\nRSET\r\n");
            let mut want = vec!["too long", next, "RSET"];
            if line.starts_with("bare") {
                want.insert(0, "bare");
            }
            for step in [1, 7, 2048, 20_000] {
                let found = commands(bytes.as_bytes(), step);
                assert_eq!(found, want, "{} by {step}", line.len());
            }
        }
    }

    #[test]
    fn a_long_line_that_is_given_up_shows_its_beginning() {
        let mut cutter = LineCutter::default();
        cutter.feed(&[b'x'; 5000]);
        cutter.feed(b"\r");
        assert_eq!(cutter.next_command(), None);
        let beginning = [b'x'; BEGINNING];
        assert_eq!(cutter.give_up_line(), CommandLine::TooLong(&beginning));
        cutter.feed(b"\nQUIT\r\n");
        assert_eq!(cutter.next_command(), Some(CommandLine::Line(b"QUIT")));
    }

    #[test]
    fn a_message_line_of_any_length_comes_out_whole() {
        for length in [0, 1, 998, PIECE - 1, PIECE, PIECE + 1, 100_000] {
            let mut line = vec![b'\r'; length];
            line.extend_from_slice(b"\n.");
            let bytes = [line.as_slice(), b"\r\n.\r\n"].concat();
            for step in [1, 2, 5, PIECE, 8192] {
                let found = message(&bytes, step);
                // CR CR LF: the last CR belongs to the line end.
                let want = if length == 0 {
                    vec![line.clone(), b".".to_vec()]
                } else {
                    let first = vec![b'\r'; length - 1];
                    vec![first, b".".to_vec(), b".".to_vec()]
                };
                assert_eq!(found, want, "{length} in steps of {step}");
            }
        }
    }
}
