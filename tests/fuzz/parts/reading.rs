//! Where a message ends and what is stored of it, in two ways: by the machine,
//! and as one would write it without a thought of speed.
//!
//! Interface:
//!   `read`        the end of a message and its text, as the machine has it
//!   `reference`   the same, naively
//!   `has_header`  whether a text begins with a header

use pillarbox::protocol::data::{Message, Taken};
use pillarbox::protocol::line::LineCutter;

/// Where a message ends, and its text, if it is not refused.
pub type End = (usize, Option<Vec<u8>>);

/// No larger message is taken.
const SIZE_LIMIT: u64 = 6000;

/// What the server makes of the bytes, which come in these pieces.
pub fn read(pieces: &[impl AsRef<[u8]>]) -> Option<End> {
    let mut lines = LineCutter::default();
    let mut message = Message::new(SIZE_LIMIT);
    let (mut text, mut used) = (Vec::new(), 0);
    for piece in pieces {
        lines.feed(piece.as_ref());
        while let Some(piece) = lines.next_piece() {
            used += piece.text.len() + if piece.ends { 2 } else { 0 };
            match message.take(piece) {
                Taken::End(outcome) => {
                    return Some((used, outcome.is_ok().then_some(text)));
                }
                Taken::Text(line) => text.extend_from_slice(line),
                Taken::BodyWithoutHeader(line) => {
                    text.push(b'\n');
                    text.extend_from_slice(line);
                }
                Taken::Refused(_) => {}
                Taken::Endless => panic!("{SIZE_LIMIT} bytes are not endless"),
            }
            if piece.ends {
                text.push(b'\n');
            }
        }
    }
    None
}

/// The message ends at the first CR LF . CR LF, and the CR LF after DATA counts.
pub fn reference(bytes: &[u8]) -> Option<End> {
    let all = [b"\r\n", bytes].concat();
    let end = all.windows(5).position(|five| five == b"\r\n.\r\n")?;
    // One character for each byte, so that they can be handled as text.
    let body: String = all[2..end + 2].iter().map(|b| char::from(*b)).collect();
    let lines: Vec<&str> = body.split_terminator("\r\n").collect();
    let unstuffed = lines.iter().map(|l| l.strip_prefix('.').unwrap_or(l));
    let text: String = unstuffed.map(|line| format!("{line}\n")).collect();
    // Each line end counts two, a doubled dot does not (RFC 1870 section 5).
    let size = text.chars().count() + lines.len();
    let text = if has_header(&text) { text } else { format!("\n{text}") };
    let is_bad = |line: &&str| line.contains(['\r', '\n', '\0']);
    let is_refused = lines.iter().any(is_bad) || size as u64 > SIZE_LIMIT;
    let text = text.chars().map(|c| c as u8).collect();
    Some((end + 3, (!is_refused).then_some(text)))
}

/// Whether the first line is empty, or a header field (RFC 5322 2.2).
pub fn has_header(text: &str) -> bool {
    let first = text.split('\n').next().unwrap_or_default();
    let name = first.split_once(':').map(|(name, _)| name);
    let name = name.map(|name| name.trim_end_matches([' ', '\t']));
    let is_field = name.is_some_and(|name| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_graphic())
    });
    first.is_empty() || is_field && first.find(':') < Some(998)
}
