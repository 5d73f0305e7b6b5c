//! What a recording must not hold: passwords, and what is encrypted.
//!
//! AUTH carries a password, in its argument or in the lines that answer 334
//! (RFC 4954 section 4); base64 hides nothing. In a recording the hole
//! `{secret}` stands for it. After the 220 to STARTTLS there are no lines any
//! more (RFC 3207 section 4).
//!
//! Guarantee: when in doubt, a line is hidden. A line of a message is not in
//! doubt: 354 begins a message, and a dot or the next reply ends it.

use crate::transcript::format::text::{escape, escape_inner};

/// The hole, and what a replay sends for it unless it is told another.
pub(crate) const HOLE: &str = "{secret}";
const VALUE: &str = "secret";

/// A longer secret keeps its length, because a server may refuse it for that.
const ORDINARY_LENGTH: usize = 400;

/// Some clients do not wait for the answer to AUTH. A word after it is hidden
/// if it may be base64, unless it is one of these.
const VERBS: [&str; 13] = [
    "DATA", "EHLO", "EXPN", "HELO", "HELP", "MAIL", "NOOP", "QUIT", "RCPT",
    "RSET", "STARTTLS", "TURN", "VRFY",
];

/// What the client's next line is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Next {
    #[default]
    Command,
    /// AUTH was said, and no other command since.
    AfterAuth,
    /// 334 was said.
    Secret,
    /// 354 was said.
    Message,
}

/// Watches both sides, and says what may be written down.
#[derive(Debug, Default)]
pub(crate) struct Privacy {
    next: Next,
    /// STARTTLS was said, and not refused.
    wants_tls: bool,
    is_encrypted: bool,
}

impl Privacy {
    /// The words for a whole line of the client, which is given with its line
    /// end if it has one.
    pub(crate) fn client(&mut self, line: &[u8]) -> String {
        let (text, end) = split_end(line);
        let hidden = match self.next {
            Next::Message => {
                if line == b".\r\n" {
                    self.next = Next::Command;
                }
                None
            }
            Next::Secret => {
                self.next = Next::AfterAuth;
                // A star gives up, and an empty line says nothing.
                (!matches!(text, b"" | b"*")).then_some(0)
            }
            Next::Command | Next::AfterAuth => self.command(text),
        };
        // CR LF belongs to `C:`, and any other end to `C>`.
        let end = if end == b"\r\n" { b"" } else { end };
        match hidden.and_then(|at| text.split_at_checked(at)) {
            Some((shown, secret)) => hide(shown, secret) + &escape(end),
            None => escape(&[text, end].concat()),
        }
    }

    /// Where the secret of a command begins, if it has one.
    fn command(&mut self, text: &[u8]) -> Option<usize> {
        let verb = first_word(text);
        if verb.eq_ignore_ascii_case(b"STARTTLS") {
            self.wants_tls = true;
        }
        if verb.eq_ignore_ascii_case(b"AUTH") {
            self.next = Next::AfterAuth;
            return argument_of_auth(text);
        }
        let is_known = VERBS
            .iter()
            .any(|known| verb.eq_ignore_ascii_case(known.as_bytes()));
        if is_known {
            self.next = Next::Command;
        }
        let is_secret = self.next == Next::AfterAuth && is_base64(text);
        is_secret.then_some(0)
    }

    // ANCHOR: reply
    /// The server has said a whole reply.
    pub(crate) fn reply(&mut self, code: u16) {
        self.next = match code {
            334 => Next::Secret,
            354 => Next::Message,
            // AUTH was refused, but the client may not have waited for that.
            400.. if self.next == Next::AfterAuth => Next::AfterAuth,
            _ => Next::Command,
        };
        match code {
            220 if self.wants_tls => self.is_encrypted = true,
            400.. => self.wants_tls = false,
            _ => {}
        }
    }
    // ANCHOR_END: reply

    /// Whether what follows are no lines, but encrypted bytes.
    pub(super) fn is_encrypted(&self) -> bool {
        self.is_encrypted
    }

    /// Whether the beginning of a line may be written down before its end has
    /// come: it is known not to be private.
    pub(super) fn may_cut(&self, start: &[u8]) -> bool {
        match self.next {
            Next::Message => true,
            Next::Secret | Next::AfterAuth => false,
            Next::Command => {
                let start = start.trim_ascii_start();
                let is_end = |byte: &u8| is_blank(byte) || *byte == 0;
                let verb = start.split(is_end).next().unwrap_or_default();
                let word_is_over = verb.len() < start.len();
                word_is_over && !verb.eq_ignore_ascii_case(b"AUTH")
            }
        }
    }
}

/// The line without its end, and the end: CR LF, LF or nothing.
fn split_end(line: &[u8]) -> (&[u8], &[u8]) {
    let length = match line {
        [.., b'\r', b'\n'] => 2,
        [.., b'\n'] => 1,
        _ => 0,
    };
    line.split_at(line.len() - length)
}

fn is_blank(byte: &u8) -> bool {
    byte.is_ascii_whitespace()
}

fn first_word(text: &[u8]) -> &[u8] {
    let text = text.trim_ascii_start();
    text.split(is_blank).next().unwrap_or_default()
}

/// Where the third word begins: `AUTH PLAIN dGVzdA==`.
fn argument_of_auth(text: &[u8]) -> Option<usize> {
    let mut rest = text;
    for _ in 0..2 {
        let word = rest.trim_ascii_start();
        rest = word.get(word.iter().position(is_blank)?..)?;
    }
    let argument = rest.trim_ascii_start();
    (!argument.is_empty()).then(|| text.len() - argument.len())
}

fn is_base64(text: &[u8]) -> bool {
    let is_digit = |b: &u8| b.is_ascii_alphanumeric() || b"+/=".contains(b);
    !text.is_empty() && text.iter().all(is_digit)
}

fn hide(shown: &[u8], secret: &[u8]) -> String {
    let mut words = escape_inner(shown);
    words.push_str(HOLE);
    if secret.len() > ORDINARY_LENGTH {
        let more = secret.len() - VALUE.len();
        words.push_str(&format!("{{{more}*x}}"));
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is written for these lines; a number is a reply.
    fn written(lines: &[&str]) -> Vec<String> {
        let mut privacy = Privacy::default();
        let mut written = Vec::new();
        for line in lines {
            match line.parse() {
                Ok(code) => privacy.reply(code),
                Err(_) => written.push(privacy.client(line.as_bytes())),
            }
        }
        written
    }

    #[test]
    fn passwords_are_hidden_wherever_they_stand_rfc_4954() {
        let table: [(&[&str], &[&str]); 10] = [
            (
                &["AUTH PLAIN AGEAYg==\r\n", "235", "NOOP\r\n"],
                &["AUTH PLAIN {secret}", "NOOP"],
            ),
            (
                &["auth login\r\n", "334", "YQ==\r\n", "334", "QUIT\r\n"],
                &["auth login", "{secret}", "{secret}"],
            ),
            (
                &["AUTH LOGIN\r\n", "334", "*\r\n", "501", "Yg==\r\n"],
                &["AUTH LOGIN", "*", "{secret}"],
            ),
            (
                &["AUTH LOGIN\r\n", "502", "YQ==\r\n", "500", "Yg==\r\n"],
                &["AUTH LOGIN", "{secret}", "{secret}"],
            ),
            (
                &["AUTH PLAIN\r\n", "502", "NOOP\r\n", "250", "word\r\n"],
                &["AUTH PLAIN", "NOOP", "word"],
            ),
            (
                &["AUTH LOGIN\r\n", "YQ==\r\n", "Yg==\r\n", "QUIT\r\n"],
                &["AUTH LOGIN", "{secret}", "{secret}", "QUIT"],
            ),
            (
                &[" AUTH  PLAIN x y\n", "334", "z\n"],
                &[" AUTH  PLAIN {secret}\\n", "{secret}\\n"],
            ),
            (&["AUTH PLAIN\r\n", "AUTH\r\n"], &["AUTH PLAIN", "AUTH"]),
            (&["AUTHOR x y\r\n", "NOOP\r\n"], &["AUTHOR x y", "NOOP"]),
            (
                &["354", "AUTH is a verb\r\n", ".\r\n", "AUTH is a verb\r\n"],
                &["AUTH is a verb", ".", "AUTH is {secret}"],
            ),
        ];
        for (lines, wanted) in table {
            assert_eq!(written(lines), wanted, "{lines:?}");
        }
    }

    #[test]
    fn a_long_secret_keeps_its_length() {
        let line = format!("AUTH PLAIN {}\r\n", "x".repeat(3000));
        let wanted = "AUTH PLAIN {secret}{2994*x}";
        assert_eq!(written(&[&line]), [wanted]);
    }

    #[test]
    fn only_the_220_to_starttls_begins_encryption() {
        let table: [(&[&str], bool); 4] = [
            (&["220", "STARTTLS\r\n"], false),
            (&["STARTTLS\r\n", "220"], true),
            (&["starttls\r\n", "250", "220"], true),
            (&["STARTTLS\r\n", "454", "XCLIENT\r\n", "220"], false),
        ];
        for (lines, wanted) in table {
            let mut privacy = Privacy::default();
            for line in lines {
                match line.parse() {
                    Ok(code) => privacy.reply(code),
                    Err(_) => drop(privacy.client(line.as_bytes())),
                }
            }
            assert_eq!(privacy.is_encrypted(), wanted, "{lines:?}");
        }
    }

    #[test]
    fn the_beginning_of_a_line_that_may_be_auth_is_kept() {
        let privacy = Privacy::default();
        for start in ["", " ", "A", "AUTH", "AUTH PLAIN x", "START"] {
            assert!(!privacy.may_cut(start.as_bytes()), "{start}");
        }
        assert!(privacy.may_cut(b"MAIL FR"));
        assert!(privacy.may_cut(b"NOOP\0"));
        assert!(!privacy.may_cut(b"AUTH\0PLAIN x"));
    }
}
