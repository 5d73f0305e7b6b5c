//! What a client has to say in the end: is the mail sent, refused for good, or
//! to be tried again later?
//!
//! ```text
//! Outcome: sent              it was delivered to everybody
//! Outcome: refused           for somebody it never will be
//! Outcome: later             for somebody it was not, and may be another time
//! Outcome: refused later     either is right
//! Outcome: later, sent       two clients, or two tries of one
//! ```
//!
//! RFC 5321 2.1: "The responsibility of an SMTP client is to transfer mail
//! messages to one or more SMTP servers, or report its failure to do so." How
//! a program says it: see `stand/client.rs`.
//!
//! Interface:
//!   `Said`    one of the three words
//!   `Wanted`  the line of a header

/// What a client says of a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Said {
    /// All recipients were accepted, and the message was.
    Sent,
    /// It failed, and to try again would be in vain.
    Refused,
    /// It failed, and should be tried again.
    Later,
}

impl Said {
    /// Reads the word for it.
    pub fn read(word: &str) -> Result<Said, String> {
        let all = [Said::Sent, Said::Refused, Said::Later];
        let said = all.into_iter().find(|said| said.word() == word);
        said.ok_or_else(|| "expected sent, refused or later".to_owned())
    }

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Said::Sent => "sent",
            Said::Refused => "refused",
            Said::Later => "later",
        }
    }
}

/// What the clients of a page have to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The number of its line.
    pub line: usize,
    /// The whole line, as the file has it.
    pub text: String,
    /// For each client, or each try, what is right; never empty.
    pub tries: Vec<Vec<Said>>,
}

impl Wanted {
    /// Reads this line, which has these words after `Outcome: `.
    pub(super) fn read(
        (line, text): (usize, &str),
        value: &str,
    ) -> Result<Wanted, String> {
        let one = |words: &str| words.split(' ').map(Said::read).collect();
        let tries: Result<Vec<Vec<Said>>, String> =
            value.split(", ").map(one).collect();
        Ok(Wanted { line, text: text.to_owned(), tries: tries? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_try_has_one_word_or_several_that_are_right() {
        let read =
            |value| Wanted::read((1, ""), value).map(|wanted| wanted.tries);
        assert_eq!(read("sent"), Ok(vec![vec![Said::Sent]]));
        let both = vec![Said::Refused, Said::Later];
        assert_eq!(read("refused later"), Ok(vec![both]));
        let two = vec![vec![Said::Later], vec![Said::Sent]];
        assert_eq!(read("later, sent"), Ok(two));
        for value in ["", "Sent", "sent,later", "sent  later", "later, "] {
            assert!(read(value).is_err(), "{value:?}");
        }
    }
}
