//! What may reach a terminal (and whatever our output is piped into).
//!
//! A message comes from anybody, and a terminal obeys what it is sent: it can
//! be told to change its title, to answer as if somebody had typed, to write
//! over the lines above. So nothing of a message is printed that is not
//! known to be harmless. Escaping is the last step, after encoded words were
//! read: one of them may hold the escape character.
//!
//! Interface:
//!   `escaped`     bytes as one line
//!   `text`        bytes as text, which keeps its line ends and tabs
//!   `shortened`   one line, cut to a number of characters
//!   `columns`     how wide a line is on a terminal
//!   `fitted`      a line made to fill a column of a list
//!
//! Guarantees: what comes out is UTF-8 without control characters (but LF and
//! TAB in `text`), without those that turn the direction of writing, and
//! without the separators of lines and paragraphs. They appear as `\x1b` and
//! `\u{202e}`, bytes that are no UTF-8 as `\xff`.

use std::fmt::Write;

/// One line: a tab becomes a blank, a line end is escaped like the rest.
pub(super) fn escaped(bytes: &[u8]) -> String {
    with_escapes(bytes, |character| match character {
        '\t' => Some(' '),
        _ => None,
    })
}

/// Lines, as they are.
pub(super) fn text(bytes: &[u8]) -> String {
    with_escapes(bytes, |character| match character {
        '\t' | '\n' => Some(character),
        _ => None,
    })
}

/// `spared` names the control characters that are not escaped, and what
/// becomes of them.
fn with_escapes(bytes: &[u8], spared: impl Fn(char) -> Option<char>) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            match spared(character) {
                Some(character) => out.push(character),
                None if is_harmful(character) => escape(&mut out, character),
                None => out.push(character),
            }
        }
        for byte in chunk.invalid() {
            // A string takes all that is written to it.
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
    out
}

fn escape(out: &mut String, character: char) {
    let _ = match u32::from(character) {
        ascii @ 0..0x80 => write!(out, "\\x{ascii:02x}"),
        beyond => write!(out, "\\u{{{beyond:x}}}"),
    };
}

/// C0, DEL and C1; then the marks that turn the direction of writing, and the
/// separators of lines and paragraphs.
fn is_harmful(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{61c}'
                | '\u{200e}'
                | '\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2066}'..='\u{2069}'
        )
}

/// The line's first `most` characters. An escape is not cut in two.
pub(super) fn shortened(line: &str, most: usize) -> &str {
    let Some((end, _)) = line.char_indices().nth(most) else {
        return line;
    };
    let kept = line.get(..end).unwrap_or_default();
    match kept.rfind('\\') {
        Some(start) if is_cut_escape(line, start, end) => {
            kept.get(..start).unwrap_or_default()
        }
        Some(_) | None => kept,
    }
}

/// Whether an escape begins at `start`, and ends after `end`.
fn is_cut_escape(line: &str, start: usize, end: usize) -> bool {
    let rest = line.get(start..).unwrap_or_default();
    let length = if rest.starts_with("\\x") {
        "\\x00".len()
    } else if rest.starts_with("\\u{") {
        rest.find('}').map_or(0, |close| close + 1)
    } else {
        0
    };
    start + length > end
}

/// How many columns a line takes: the letters of East Asia and pictures take
/// two, marks that sit on another letter none. A rough table does for a list.
pub(super) fn columns(line: &str) -> usize {
    line.chars().map(width).sum()
}

fn width(character: char) -> usize {
    match character {
        '\u{300}'..='\u{36f}'
        | '\u{200b}'..='\u{200d}'
        | '\u{20d0}'..='\u{20ff}'
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}' => 0,
        '\u{1100}'..='\u{115f}'
        | '\u{2e80}'..='\u{303e}'
        | '\u{3041}'..='\u{a4cf}'
        | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}'
        | '\u{fe30}'..='\u{fe6f}'
        | '\u{ff00}'..='\u{ff60}'
        | '\u{ffe0}'..='\u{ffe6}'
        | '\u{1f300}'..='\u{1f64f}'
        | '\u{1f680}'..='\u{1f6ff}'
        | '\u{1f900}'..='\u{1f9ff}'
        | '\u{20000}'..='\u{3fffd}' => 2,
        _ => 1,
    }
}

/// The line in exactly `wide` columns: filled up with blanks, or cut, with
/// three dots for what is missing.
pub(super) fn fitted(line: &str, wide: usize) -> String {
    const DOTS: &str = "...";
    let has_room = columns(line) <= wide;
    let room = if has_room { wide } else { wide.saturating_sub(DOTS.len()) };
    let mut out = String::new();
    let mut used = 0;
    for character in line.chars() {
        let width = width(character);
        if used + width > room {
            break;
        }
        out.push(character);
        used += width;
    }
    if !has_room {
        out.push_str(DOTS);
        used += DOTS.len();
    }
    out.push_str(&" ".repeat(wide.saturating_sub(used)));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_shown_and_not_sent() {
        for (bytes, want) in [
            (b"\x1b]0;x\x07".as_slice(), "\\x1b]0;x\\x07"),
            (b"a\x00\x7f\r", "a\\x00\\x7f\\x0d"),
            ("a\u{9b}31m".as_bytes(), "a\\u{9b}31m"),
            (
                "\u{202e}\u{2066}\u{200f}".as_bytes(),
                "\\u{202e}\\u{2066}\\u{200f}",
            ),
            ("\u{2028}\u{2029}\u{85}".as_bytes(), "\\u{2028}\\u{2029}\\u{85}"),
            (b"K\xe4the \xc3", "K\\xe4the \\xc3"),
            ("Käthe, 日本, 🎉 \\x".as_bytes(), "Käthe, 日本, 🎉 \\x"),
        ] {
            assert_eq!(escaped(bytes), want);
            assert_eq!(text(bytes), want);
        }
    }

    #[test]
    fn in_a_line_a_tab_is_a_blank_and_in_a_text_both_stay() {
        assert_eq!(escaped(b"a\tb\nc"), "a b\\x0ac");
        assert_eq!(text(b"a\tb\nc\r\n"), "a\tb\nc\\x0d\n");
    }

    #[test]
    fn no_byte_and_no_character_gets_through_that_should_not() {
        let all = (0..=0x10ffff).filter_map(char::from_u32);
        let bad = all.filter(|character| character.is_control());
        for character in bad.chain("\u{61c}\u{202a}\u{2069}".chars()) {
            let out = escaped(character.to_string().as_bytes());
            assert!(out.is_ascii() && !out.contains(char::is_control));
        }
        for high in 0..=255u8 {
            for low in 0..=255u8 {
                let out = escaped(&[b'a', high, low, b'z']);
                assert!(!out.contains(char::is_control), "{out}");
                assert!(!out.contains('\u{fffd}'), "{out}");
            }
        }
    }

    #[test]
    fn a_field_is_cut_between_characters_and_between_escapes() {
        for (line, most, want) in [
            ("äbc", 2, "äb"),
            ("äbc", 3, "äbc"),
            ("", 3, ""),
            ("ab\\x1bc", 6, "ab\\x1b"),
            ("ab\\x1bc", 5, "ab"),
            ("ab\\u{202e}c", 9, "ab"),
            ("ab\\u{202e}c", 10, "ab\\u{202e}"),
            ("a\\bcdefg", 3, "a\\b"),
        ] {
            assert_eq!(shortened(line, most), want, "{line} {most}");
        }
    }

    #[test]
    fn a_column_is_exactly_as_wide_as_it_should_be() {
        for (line, want) in [
            ("abc", "abc   "),
            ("abcdef", "abcdef"),
            ("abcdefg", "abc..."),
            ("日本語", "日本語"),
            ("日本語だ", "日... "),
            ("e\u{301}e", "e\u{301}e    "),
            ("", "      "),
        ] {
            assert_eq!(fitted(line, 6), want);
            assert_eq!(columns(want), 6, "{line}");
        }
    }
}
