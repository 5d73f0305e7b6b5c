//! The lines that somebody says: which side, which client, and what.
//!
//! ```abnf
//! client   = "C" [n] ":" [SP text]       ; sent with CR LF
//! raw      = "C" [n] ">" [SP text]       ; sent as it is
//! reply    = "S" [n] ":" SP code ( "-" text / [SP text] )
//! rawreply = "S" [n] ">" [SP text]
//! n        = %x31-39                     ; client number
//! code     = 3DIGIT
//! ```
//!
//! Which lines make one reply: see `steps.rs`.

use super::stage;

/// The side that says a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    Client,
    Server,
}

/// A line that somebody says.
#[derive(Debug)]
pub(crate) struct Spoken<'a> {
    pub(crate) who: Who,
    pub(crate) client: Option<u8>,
    /// `>` and not `:`.
    pub(crate) raw: bool,
    pub(crate) text: &'a str,
}

impl Spoken<'_> {
    /// `C: text`, `S2: text`, `C> text`.
    pub(crate) fn read(line: &str) -> Result<Spoken<'_>, String> {
        let wanted = "expected a line that begins with C: C> S: M: ( or #, \
                      with a client's number 1 to 9 or none (C1:)";
        let (who, rest) = match line.split_at_checked(1) {
            Some(("C", rest)) => (Who::Client, rest),
            Some(("S", rest)) => (Who::Server, rest),
            _ => return Err(wanted.into()),
        };
        let (client, rest) = match rest.as_bytes().first() {
            Some(digit @ b'1'..=b'9') => {
                (Some(digit - b'0'), rest.get(1..).unwrap_or_default())
            }
            _ => (None, rest),
        };
        let (raw, text) = match rest.split_at_checked(1) {
            Some((":", text)) => (false, text),
            Some((">", text)) => (true, text),
            _ => return Err(wanted.into()),
        };
        Ok(Spoken { who, client, raw, text: after_colon(text)? })
    }
}

/// `[SP text]`
pub(crate) fn after_colon(text: &str) -> Result<&str, String> {
    match text.strip_prefix(' ') {
        Some(text) => Ok(text),
        None if text.is_empty() => Ok(text),
        None => Err("expected a blank before the text".into()),
    }
}

/// The code, whether a hyphen follows it, and the words.
pub(crate) fn code_and_text(text: &str) -> Result<(u16, bool, &str), String> {
    let wanted = "expected three digits, then a blank or a hyphen";
    let (digits, rest) = text.split_at_checked(3).ok_or(wanted)?;
    let code = stage::code(digits).ok_or(wanted)?;
    match rest.split_at_checked(1) {
        None => Ok((code, false, rest)),
        Some((" ", words)) => Ok((code, false, words)),
        Some(("-", words)) => Ok((code, true, words)),
        Some(_) => Err(wanted.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_names_its_speaker() {
        let table = [
            ("C: NOOP", Who::Client, None, false, "NOOP"),
            ("C:", Who::Client, None, false, ""),
            ("C:  x", Who::Client, None, false, " x"),
            ("C2> a\\n", Who::Client, Some(2), true, "a\\n"),
            ("S9: 250 OK", Who::Server, Some(9), false, "250 OK"),
            ("S>", Who::Server, None, true, ""),
        ];
        for (line, who, client, raw, text) in table {
            let spoken = Spoken::read(line).unwrap();
            assert_eq!(spoken.who, who, "{line}");
            assert_eq!(spoken.client, client, "{line}");
            assert_eq!((spoken.raw, spoken.text), (raw, text), "{line}");
        }
    }

    #[test]
    fn other_lines_are_refused() {
        for line in ["c: x", "C0: x", "C10: x", "C:x", "C x", "S", " C: x", "é"]
        {
            assert!(Spoken::read(line).is_err(), "{line}");
        }
    }

    #[test]
    fn a_reply_has_three_digits_and_a_mark() {
        assert_eq!(code_and_text("250"), Ok((250, false, "")));
        assert_eq!(code_and_text("250 OK"), Ok((250, false, "OK")));
        assert_eq!(code_and_text("250-"), Ok((250, true, "")));
        for text in ["", "25", "2500", "25x OK", "250_OK", "+25 OK", "2é0"] {
            assert!(code_and_text(text).is_err(), "{text}");
        }
    }
}
