//! Encoded words: letters beyond ASCII in a header of ASCII (RFC 2047).
//!
//! ```text
//! =?UTF-8?Q?K=C3=A4the?=     one word: charset, encoding, encoded text
//! ```
//!
//! Interface:
//!   `decode`         a field's value in pieces, its encoded words read
//!   `q_encoded`      one character as an encoded word spells it
//!   `OPEN`, `CLOSE`  what is around the encoded text
//!
//! Guarantees:
//! - whatever is no encoded word comes out of `decode` byte by byte as it was;
//! - blanks between two encoded words are dropped, and the bytes of the two are
//!   joined before anybody looks for characters: many a program cuts one in
//!   the middle, though it must not (section 5);
//! - what `q_encoded` writes may be part of a word anywhere: in a subject, in a
//!   name, in a comment.
//!
//! What was decoded may hold a line end, or an order to a terminal. It is
//! marked as decoded, so that it can be printed with care (`screen.rs`).

/// Before the encoded text. We write UTF-8, and the encoding Q: in it a
/// student can still read most of the letters.
pub(super) const OPEN: &str = "=?UTF-8?Q?";

/// After the encoded text.
pub(super) const CLOSE: &str = "?=";

/// A part of a field's value.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// As it was.
    Plain(Vec<u8>),
    /// What encoded words said.
    Decoded(Vec<u8>),
}

/// The value of a field, folded or not, with its encoded words read.
///
/// Words are looked for everywhere, also where a strict reader would not look
/// (section 6.1): what is in no place for a word is only shown differently.
pub(super) fn decode(value: &[u8]) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut plain = Vec::new();
    let mut rest = value;
    while let Some((first, after)) = rest.split_first() {
        let may_begin = plain.last().is_none_or(|b| is_blank(*b) || *b == b'(');
        if may_begin && let Some((text, after)) = encoded_word(rest) {
            push(&mut pieces, &mut plain, text);
            rest = after;
        } else {
            plain.push(*first);
            rest = after;
        }
    }
    if !plain.is_empty() {
        pieces.push(Piece::Plain(plain));
    }
    pieces
}

/// Adds what a word says, after the plain text that came before it. Nothing but
/// blanks between two words is dropped (section 6.2).
fn push(pieces: &mut Vec<Piece>, plain: &mut Vec<u8>, text: Vec<u8>) {
    if plain.iter().all(|byte| is_blank(*byte))
        && let Some(Piece::Decoded(before)) = pieces.last_mut()
    {
        plain.clear();
        before.extend(text);
        return;
    }
    if !plain.is_empty() {
        pieces.push(Piece::Plain(std::mem::take(plain)));
    }
    pieces.push(Piece::Decoded(text));
}

/// What the encoded word at the beginning says, in UTF-8, and the rest.
///
/// ```abnf
/// encoded-word = "=?" charset "?" encoding "?" encoded-text "?="
/// ```
fn encoded_word(bytes: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let rest = bytes.strip_prefix(b"=?")?;
    let (charset, rest) = split_at_mark(rest)?;
    let (encoding, rest) = split_at_mark(rest)?;
    let (encoded, rest) = split_at_mark(rest)?;
    let rest = rest.strip_prefix(b"=")?;
    if rest.first().is_some_and(|b| !is_blank(*b) && !b"),<".contains(b)) {
        return None;
    }
    let text = match encoding {
        b"Q" | b"q" => from_q(encoded)?,
        b"B" | b"b" => from_base64(encoded)?,
        _ => return None,
    };
    Some((to_utf8(charset, text)?, rest))
}

/// Splits at the next question mark, if there is no blank before it.
fn split_at_mark(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let ends = |byte: &u8| *byte == b'?' || !byte.is_ascii_graphic();
    let (before, rest) = bytes.split_at(bytes.iter().position(ends)?);
    Some((before, rest.strip_prefix(b"?")?))
}

/// We know three charsets, and whatever looks like ASCII. A word in any other
/// stays as it is written. (`charset*language`: RFC 2231 section 5.)
fn to_utf8(charset: &[u8], text: Vec<u8>) -> Option<Vec<u8>> {
    let name = charset.split(|byte| *byte == b'*').next()?;
    match name.to_ascii_lowercase().as_slice() {
        b"utf-8" => Some(text),
        b"iso-8859-1" => {
            let letters = text.iter().map(|byte| char::from(*byte));
            Some(letters.collect::<String>().into_bytes())
        }
        _ => text.is_ascii().then_some(text),
    }
}

/// The encoding Q (section 4.2).
fn from_q(encoded: &[u8]) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    let mut bytes = encoded.iter();
    while let Some(byte) = bytes.next() {
        text.push(match byte {
            b'_' => b' ',
            b'=' => {
                let digit = |byte: &u8| char::from(*byte).to_digit(16);
                let high = digit(bytes.next()?)?;
                let low = digit(bytes.next()?)?;
                u8::try_from(high * 16 + low).ok()?
            }
            byte => *byte,
        });
    }
    Some(text)
}

/// The encoding B, which is base64 (section 4.1). Four letters make three
/// bytes; at the end there may be fewer, with or without `=` in their place.
fn from_base64(encoded: &[u8]) -> Option<Vec<u8>> {
    let end = encoded.iter().position(|byte| *byte == b'=');
    let (letters, padding) = encoded.split_at(end.unwrap_or(encoded.len()));
    if padding.len() > 2 || padding.iter().any(|byte| *byte != b'=') {
        return None;
    }
    let mut text = Vec::new();
    for four in letters.chunks(4) {
        let mut bits = 0u32;
        for letter in four {
            bits = bits << 6 | base64_value(*letter)?;
        }
        let [_, bytes @ ..] = (bits << (6 * (4 - four.len()))).to_be_bytes();
        // One letter alone holds no whole byte.
        let whole = four.len().checked_sub(1).filter(|count| *count > 0)?;
        text.extend(bytes.iter().take(whole));
    }
    Some(text)
}

fn base64_value(letter: u8) -> Option<u32> {
    let value = match letter {
        b'A'..=b'Z' => letter - b'A',
        b'a'..=b'z' => letter - b'a' + 26,
        b'0'..=b'9' => letter - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    };
    Some(value.into())
}

/// One character in the encoding Q, in the narrow alphabet that a name needs
/// (section 5, rule 3).
pub(super) fn q_encoded(character: char) -> String {
    match character {
        ' ' => "_".to_owned(),
        '0'..='9' | 'A'..='Z' | 'a'..='z' | '!' | '*' | '+' | '-' | '/' => {
            character.to_string()
        }
        _ => {
            let mut buffer = [0; 4];
            let bytes = character.encode_utf8(&mut buffer).bytes();
            bytes.map(|byte| format!("={byte:02X}")).collect()
        }
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(value: &[u8]) -> Vec<u8> {
        let bytes = decode(value).into_iter().flat_map(|piece| match piece {
            Piece::Plain(bytes) | Piece::Decoded(bytes) => bytes,
        });
        bytes.collect()
    }

    fn check(value: &[u8], want: &str) {
        let found = shown(value);
        let found = found.escape_ascii().to_string();
        assert_eq!(found, want.as_bytes().escape_ascii().to_string());
    }

    #[test]
    fn the_examples_of_rfc_2047_8_are_read_as_it_says() {
        for (value, want) in [
            (
                "=?US-ASCII?Q?Keith_Moore?= <moore@cs.utk.edu>",
                "Keith Moore <moore@cs.utk.edu>",
            ),
            (
                "=?ISO-8859-1?Q?Keld_J=F8rn_Simonsen?= <k@x>",
                "Keld Jørn Simonsen <k@x>",
            ),
            ("=?ISO-8859-1?Q?Andr=E9?= Pirard <p@x>", "André Pirard <p@x>"),
            (
                "=?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?=\n \
                 =?ISO-8859-2?B?dSB1bmRlcnN0YW5kIHRoZSBleGFtcGxlLg==?=",
                "If you can read this you understand the example.",
            ),
            ("(=?ISO-8859-1?Q?a?=)", "(a)"),
            ("(=?ISO-8859-1?Q?a?= b)", "(a b)"),
            ("(=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=)", "(ab)"),
            ("(=?ISO-8859-1?Q?a?=  =?ISO-8859-1?Q?b?=)", "(ab)"),
            ("(=?ISO-8859-1?Q?a?=\r\n    =?ISO-8859-1?Q?b?=)", "(ab)"),
            ("(=?ISO-8859-1?Q?a_b?=)", "(a b)"),
            ("(=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=)", "(a b)"),
        ] {
            check(value.as_bytes(), want);
        }
    }

    /// Case 25, reading.
    #[test]
    fn the_bytes_of_neighbours_are_joined_before_they_are_characters() {
        for value in [
            "=?UTF-8?Q?K=C3?= =?utf-8?q?=A4the?=",
            "=?UTF-8?B?S8M=?=\n\t=?UTF-8?B?pHRoZQ==?=",
            "=?UTF-8?Q?K=c3?= =?UTF-8*de?B?pHRoZQ?=",
            "=?iso-8859-1?q?K=e4?= =?us-ascii?q?the?=",
        ] {
            check(value.as_bytes(), "Käthe");
        }
    }

    #[test]
    fn what_is_no_encoded_word_stays_as_it_was() {
        for value in [
            "",
            "a =?",
            "=?UTF-8?Q?a",
            "=?UTF-8?Q?a?",
            "=?UTF-8?Q?a b?=",
            "=?UTF-8?Q?a=4?=",
            "=?UTF-8?Q?a=4G?=",
            "=?UTF-8?Q?a?=b",
            "a=?UTF-8?Q?a?=",
            "\"=?UTF-8?Q?a?=\"",
            "=?UTF-8?X?a?=",
            "=?UTF-8?B?a?=",
            "=?UTF-8?B?YQ===?=",
            "=?UTF-8?B?YQ=a?=",
            "=?UTF-8?B?Y.==?=",
            "=?KOI8-R?Q?=C1?=",
            " two  blanks and\n a fold ",
        ] {
            check(value.as_bytes(), value);
        }
        assert_eq!(shown(b"\xff\xc3 \x00"), b"\xff\xc3 \x00");
    }

    #[test]
    fn what_was_decoded_is_told_from_what_was_there() {
        assert_eq!(
            decode(b"a =?UTF-8?Q?b=0A?= c"),
            [
                Piece::Plain(b"a ".to_vec()),
                Piece::Decoded(b"b\n".to_vec()),
                Piece::Plain(b" c".to_vec()),
            ]
        );
    }

    #[test]
    fn base64_of_every_length_is_read() {
        for (value, want) in
            [("", ""), ("Zg==", "f"), ("Zm8=", "fo"), ("Zm9v", "foo")]
        {
            assert_eq!(from_base64(value.as_bytes()).unwrap(), want.as_bytes());
        }
        let all = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz\
            0123456789+/";
        let bytes = from_base64(all).unwrap();
        assert_eq!(bytes.len(), 48);
        assert!(bytes.starts_with(&[0x00, 0x10, 0x83, 0x10]));
        assert!(bytes.ends_with(&[0xf3, 0xdf, 0xbf]));
    }

    #[test]
    fn no_byte_makes_it_panic_and_every_character_comes_back() {
        for byte in 0..=255u8 {
            for shape in ["=?UTF-8?Q?@?=", "=?@?Q?a?=", "=?UTF-8?B?@@@@?="] {
                let mut value = shape.as_bytes().to_vec();
                for place in &mut value {
                    *place = if *place == b'@' { byte } else { *place };
                }
                shown(&value);
            }
        }
        for character in (' '..'\u{3000}').chain(['𝄞', '\u{10ffff}']) {
            let word = format!("{OPEN}{}{CLOSE}", q_encoded(character));
            check(word.as_bytes(), &character.to_string());
        }
    }
}
