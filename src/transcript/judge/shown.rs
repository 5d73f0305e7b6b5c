//! Bytes from the wire or from a message, as a line of a page shows them.
//!
//! Interface:
//!   `show`  escaped, long runs folded (`{997*y}`), and not too long
//!
//! Guarantee: what is shown whole can be pasted into a page, and stands there
//! for the same bytes.

use crate::transcript::format::text::{escape, escape_inner};

/// How many characters are shown.
const LONGEST: usize = 1000;

/// From how many on the same bytes in a row are folded.
const LONG_RUN: usize = 24;

/// Bytes, to be shown after `S:` or `M:`.
pub(crate) fn show(bytes: &[u8]) -> String {
    if bytes.len() < LONG_RUN {
        return escape(bytes);
    }
    let mut shown = String::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        if shown.len() >= LONGEST {
            return format!("{shown} (and {} bytes more)", rest.len());
        }
        let run = run(rest);
        let length = if run >= LONG_RUN { run } else { before_a_run(rest) };
        let (piece, after) = rest.split_at(length);
        match piece {
            [byte, ..] if run >= LONG_RUN => {
                let unit = escape_inner(&[*byte]);
                shown.push_str(&format!("{{{run}*{unit}}}"));
            }
            piece if after.is_empty() => shown.push_str(&escape(piece)),
            piece => shown.push_str(&escape_inner(piece)),
        }
        rest = after;
    }
    shown
}

/// How often the first byte is there in a row. A brace cannot be repeated.
fn run(bytes: &[u8]) -> usize {
    let first = bytes.first().filter(|byte| **byte != b'}');
    bytes.iter().take_while(|byte| Some(*byte) == first).count()
}

/// How many bytes come before the next long run; no more than are shown.
fn before_a_run(bytes: &[u8]) -> usize {
    let most = bytes.len().min(LONGEST);
    let mut length = 0;
    while length < most {
        match run(bytes.get(length..).unwrap_or_default()) {
            LONG_RUN.. => break,
            short => length += short.max(1),
        }
    }
    length.min(most)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transcript::format::matching::Names;
    use crate::transcript::format::testing::Random;
    use crate::transcript::format::text::Text;

    #[test]
    fn a_long_run_is_folded_and_a_short_one_is_not() {
        let line = format!("a{}b", "y".repeat(997));
        assert_eq!(show(line.as_bytes()), "a{997*y}b");
        assert_eq!(show(&[b'\0'; 30]), "{30*\\0}");
        let short = "-".repeat(LONG_RUN - 1) + "x";
        assert_eq!(show(short.as_bytes()), short);
        assert_eq!(show(b"\x1b[2J"), r"\x1b[2J");
    }

    #[test]
    fn what_is_too_long_is_cut() {
        let line = "ab".repeat(1000);
        let shown = show(line.as_bytes());
        assert!(shown.ends_with(" bytes more)"), "{shown}");
        assert!(shown.len() < LONGEST * 2);
        // Nothing but runs, and still too much to read.
        let runs: Vec<u8> =
            (0..5000u16).flat_map(|n| [n.to_le_bytes()[0]; LONG_RUN]).collect();
        assert!(show(&runs).len() < LONGEST * 2);
    }

    #[test]
    fn what_is_shown_stands_for_the_same_bytes() {
        let mut random = Random::new(7);
        for _ in 0..2000 {
            let seed = random.bytes(12);
            let times = |byte: u8| if byte.is_multiple_of(3) { 40 } else { 1 };
            let bytes: Vec<u8> =
                seed.iter().flat_map(|b| vec![*b; times(*b)]).collect();
            let shown = show(&bytes);
            let text = Text::parse(&shown).unwrap();
            assert_eq!(Names::default().expand(&text).unwrap(), bytes);
        }
    }
}
