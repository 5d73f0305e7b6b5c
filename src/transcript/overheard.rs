//! What a server says, byte for byte, is cut into replies (RFC 5321 4.2).
//!
//! A recorder writes down what any server says, also a broken one. Whatever is
//! no line of a reply comes out as `Junk`, with the lines of its reply that
//! came before: a transcript cannot say it.
//!
//! Guarantee: no more than a few kilobytes are kept, however much comes.

use super::spoken::code_and_text;
use crate::protocol::reply::LINE_LIMIT;

/// A reply that is longer is junk. No server in earnest comes near it.
const LONGEST_REPLY: usize = 16 * 1024;

/// A part of what the server said.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// A whole reply: its code, and its lines without CR LF.
    Reply(u16, Vec<Vec<u8>>),
    /// Bytes that are no reply.
    Junk(Vec<u8>),
}

/// What came, and is no whole reply yet.
#[derive(Debug, Default)]
pub(super) struct Overheard {
    code: u16,
    lines: Vec<Vec<u8>>,
    /// The beginning of a line.
    start: Vec<u8>,
    /// It is the rest of a line that was junk already.
    is_in_junk: bool,
}

impl Overheard {
    /// Takes more bytes, and gives what is complete with them.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Vec<Part> {
        let mut parts = Vec::new();
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.start.extend_from_slice(piece);
            let is_line = self.start.ends_with(b"\n");
            if is_line || self.start.len() > LINE_LIMIT {
                let line = std::mem::take(&mut self.start);
                self.line(line, is_line, &mut parts);
            }
        }
        parts
    }

    /// The server will say no more: what is left.
    pub(super) fn finish(&mut self) -> Vec<Part> {
        let mut parts = Vec::new();
        let start = std::mem::take(&mut self.start);
        self.junk(start, &mut parts);
        parts
    }

    fn line(&mut self, line: Vec<u8>, is_whole: bool, parts: &mut Vec<Part>) {
        let was_in_junk = std::mem::replace(&mut self.is_in_junk, !is_whole);
        let fits = |code| self.lines.is_empty() || self.code == code;
        match reply_line(&line) {
            Some((code, more)) if !was_in_junk && fits(code) => {
                self.code = code;
                self.lines.push(line);
                let size: usize = self.lines.iter().map(Vec::len).sum();
                if !more {
                    parts.push(self.reply());
                } else if size > LONGEST_REPLY {
                    self.junk(Vec::new(), parts);
                }
            }
            Some(_) | None => self.junk(line, parts),
        }
    }

    fn reply(&mut self) -> Part {
        let lines = std::mem::take(&mut self.lines);
        let text = |line: &Vec<u8>| {
            let end = line.len().saturating_sub(2);
            line.get(..end).unwrap_or_default().to_vec()
        };
        Part::Reply(self.code, lines.iter().map(text).collect())
    }

    /// What was begun, and this, is no reply.
    fn junk(&mut self, bytes: Vec<u8>, parts: &mut Vec<Part>) {
        let mut all = std::mem::take(&mut self.lines);
        all.push(bytes);
        let junk = all.into_iter().filter(|bytes| !bytes.is_empty());
        parts.extend(junk.map(Part::Junk));
    }
}

/// The code, and whether more lines follow, if this is a line of a reply.
fn reply_line(line: &[u8]) -> Option<(u16, bool)> {
    let text = line.strip_suffix(b"\r\n")?;
    if line.len() > LINE_LIMIT || text.contains(&b'\r') {
        return None;
    }
    let (start, _) = text.split_at(text.len().min(4));
    let (code, more, _) = code_and_text(str::from_utf8(start).ok()?).ok()?;
    Some((code, more))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(code: u16, lines: &[&str]) -> Part {
        let bytes = |line: &&str| line.as_bytes().to_vec();
        Part::Reply(code, lines.iter().map(bytes).collect())
    }

    fn junk(text: &str) -> Part {
        Part::Junk(text.as_bytes().to_vec())
    }

    #[test]
    fn the_same_bytes_give_the_same_parts_however_they_are_cut() {
        let said = b"220 a\r\n250-b\r\n250-\r\n250\r\n250-c\r\n251 d\r\n\
                     250 e\n\r\n250 \xff\r\n25";
        let wanted = || {
            vec![
                reply(220, &["220 a"]),
                reply(250, &["250-b", "250-", "250"]),
                junk("250-c\r\n"),
                junk("251 d\r\n"),
                junk("250 e\n"),
                junk("\r\n"),
                Part::Reply(250, vec![b"250 \xff".to_vec()]),
                junk("25"),
            ]
        };
        for step in 1..=said.len() {
            let mut overheard = Overheard::default();
            let mut parts: Vec<Part> = said
                .chunks(step)
                .flat_map(|chunk| overheard.feed(chunk))
                .collect();
            parts.extend(overheard.finish());
            assert_eq!(parts, wanted(), "in steps of {step}");
        }
    }

    #[test]
    fn a_line_or_a_reply_without_end_is_junk_and_not_kept() {
        let mut overheard = Overheard::default();
        for _ in 0..1000 {
            for part in overheard.feed(&[b'2'; 100]) {
                assert!(matches!(part, Part::Junk(_)));
            }
            assert!(overheard.start.len() <= LINE_LIMIT);
        }
        assert_eq!(overheard.feed(b"\r\n221 x\r\n").pop(), {
            Some(reply(221, &["221 x"]))
        });
        for _ in 0..10_000 {
            overheard.feed(b"250-and so on\r\n");
            assert!(overheard.lines.len() < 2000);
        }
    }

    #[test]
    fn the_end_of_a_line_too_long_is_no_reply_either() {
        let long = [b"250 ".as_slice(), &[b'x'; 509], b"\r\n"].concat();
        let mut overheard = Overheard::default();
        let parts = overheard.feed(&long);
        assert!(parts.iter().all(|part| matches!(part, Part::Junk(_))));
        let mut parts = overheard.feed(&[b'x'; 600]);
        parts.extend(overheard.feed(b"250 x\r\n"));
        assert!(parts.iter().all(|part| matches!(part, Part::Junk(_))));
    }
}
