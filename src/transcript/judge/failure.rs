//! What went wrong in a transcript, for people.
//!
//! ```text
//! transcripts/04-dots.txt:24: wrong message in the mailbox
//!        expected  M: .one dot
//!        got       M: ..one dot
//!        title     A line that begins with a dot
//!        see       RFC 5321 4.5.2
//! ```
//!
//! What was expected is the line as the file has it; what came can be
//! pasted back into it. A failure should teach something: if one of the two is
//! a reply of our own server, the rule that it follows is shown; if not, the
//! rule for this kind of mistake.
//!
//! Whether it counts (`FAIL`) or not (`WEAK`): see `report/row.rs`.

use std::fmt;
use std::path::PathBuf;

use crate::protocol::reply::{self, Reply};
use crate::transcript::format::matching::Names;
use crate::transcript::format::script::{Source, Transcript};
use crate::transcript::format::spoken::{Spoken, Who, code_and_text};
use crate::transcript::format::text::{Text, escape};
use crate::words::in_one_line;

/// How many bytes of a line are shown.
const LONGEST: usize = 1000;

/// Why a transcript failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Which file.
    pub path: PathBuf,
    /// Which line.
    pub line: usize,
    /// What is wrong, in a few words.
    pub message: String,
    /// The line as the file has it.
    pub expected: String,
    /// What came, as a line that the file could have.
    pub got: String,
    /// What the transcript shows.
    pub title: String,
    /// The sections that it is about.
    pub spec: Vec<String>,
    /// The rule that was broken, and its section.
    pub rule: String,
    /// Where the reason may be, if not in this line.
    pub hint: Option<String>,
    /// Whether the server gave no answer at all; then its log tells more.
    pub unanswered: bool,
    /// Whether a reply was waited for in vain, and nothing came at all.
    pub timed_out: bool,
    /// The last lines of the server's log.
    pub log: Vec<String>,
}

/// One line, and what is wrong with it. The file's part comes later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mismatch {
    pub(crate) source: Source,
    pub(crate) message: String,
    pub(crate) got: String,
    pub(crate) unanswered: bool,
    pub(crate) timed_out: bool,
    pub(crate) hint: Option<String>,
    /// A rule for the case that no reply of our own has one.
    pub(crate) rule: Rule,
}

impl Mismatch {
    pub(crate) fn new(
        source: &Source,
        message: impl Into<String>,
        got: impl Into<String>,
    ) -> Mismatch {
        Mismatch {
            source: source.clone(),
            message: message.into(),
            got: got.into(),
            unanswered: false,
            timed_out: false,
            hint: None,
            rule: Rule::None,
        }
    }
}

/// The rule for a mistake that no reply of our own explains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    /// It is the transcript or the machine that is wrong, not the server.
    None,
    Code,
    Form,
    OneReply,
    NoClose,
    Close,
    Stored,
    Offer,
}

impl Rule {
    fn words(self) -> &'static str {
        match self {
            Rule::None => "",
            Rule::Code => {
                "The first digit is the answer: 2 done, 3 go on, 4 not now, \
                 5 no. (RFC 5321 4.2.1)"
            }
            Rule::Form => {
                "Each line of a reply is the same three digits, a blank or a \
                 hyphen, words and CR LF, 512 octets at most. \
                 (RFC 5321 4.2, 4.5.3.1.5)"
            }
            Rule::OneReply => {
                "Each command has one reply: not none, not two. \
                 (RFC 5321 4.2)"
            }
            Rule::NoClose => {
                "Only after QUIT, after 421 and after a time-out does the \
                 server close. (RFC 5321 3.8)"
            }
            Rule::Close => {
                "After its reply to QUIT, and after 421, the server closes. \
                 (RFC 5321 3.8, 4.1.1.10)"
            }
            Rule::Stored => {
                "With its 250 after the final dot the server takes the \
                 message, once and unchanged. (RFC 5321 4.1.1.4, 6.1)"
            }
            Rule::Offer => {
                "A keyword in the reply to EHLO is an offer: it must be there \
                 each time. (RFC 5321 4.1.1.1)"
            }
        }
    }
}

impl Failure {
    pub(crate) fn new(transcript: &Transcript, mismatch: Mismatch) -> Failure {
        let Mismatch {
            source,
            message,
            got,
            unanswered,
            timed_out,
            hint,
            rule,
        } = mismatch;
        let reply = known(&source.text).or_else(|| known(&got));
        Failure {
            path: transcript.path.clone(),
            line: source.line,
            message,
            rule: match reply {
                Some(reply) => format!("{} ({})", reply.rule, reply.section),
                None => rule.words().to_owned(),
            },
            expected: source.text,
            got,
            title: transcript.header.title.clone(),
            spec: transcript.header.spec.clone(),
            hint,
            unanswered,
            timed_out,
            log: Vec::new(),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = in_one_line(&self.path);
        write!(f, "{path}:{}: {}", self.line, self.message)?;
        let mut row = |name: &str, value: &str| match value {
            "" => Ok(()),
            value => write!(f, "\n       {name:<9} {value}"),
        };
        row("expected", &self.expected)?;
        row("got", &self.got)?;
        row("title", &self.title)?;
        row("see", &self.spec.join("; "))?;
        row("rule", &self.rule)?;
        row("hint", self.hint.as_deref().unwrap_or_default())?;
        self.log.iter().try_for_each(|line| row("log", line))
    }
}

/// Bytes from the wire or from a message, to be shown after `S:` or `M:`.
pub(crate) fn show(bytes: &[u8]) -> String {
    match bytes.split_at_checked(LONGEST) {
        Some((start, rest)) if !rest.is_empty() => {
            format!("{} (and {} bytes more)", escape(start), rest.len())
        }
        Some(_) | None => escape(bytes),
    }
}

/// Which of our replies a line `S: 250 ...` is.
fn known(line: &str) -> Option<Reply> {
    let spoken = Spoken::read(line).ok()?;
    if spoken.who != Who::Server || spoken.raw {
        return None;
    }
    let (code, _, words) = code_and_text(spoken.text).ok()?;
    let is_this = |reply: &&Reply| reply.code == code && says(reply, words);
    reply::ALL.iter().find(is_this).copied()
}

/// Whether these are the words of the reply, with any name for `{host}`.
///
/// A reply that is nothing but the name would be any single word, so there
/// the words must be the same.
fn says(reply: &Reply, words: &str) -> bool {
    let own = match reply.enhanced {
        "" => reply.text.to_owned(),
        enhanced => format!("{enhanced} {}", reply.text),
    };
    let fits = |text| Names::default().fit(&text, words.as_bytes());
    own == words || own != "{host}" && Text::parse(&own).is_ok_and(fits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transcript::format::testing::{DOTS, read};

    fn source(line: usize, text: &str) -> Source {
        let text = text.into();
        Source { line, text }
    }

    #[test]
    fn a_failure_is_shown_line_by_line() {
        let source = source(24, "M: .one dot");
        let wrong = "wrong message in the mailbox";
        let mismatch = Mismatch::new(&source, wrong, "M: ..one dot");
        let failure = Failure::new(&read(DOTS).unwrap(), mismatch);
        let wanted = "\
test.txt:24: wrong message in the mailbox
       expected  M: .one dot
       got       M: ..one dot
       title     A line that begins with a dot
       see       RFC 5321 4.5.2";
        assert_eq!(failure.to_string(), wanted);
    }

    #[test]
    fn the_rule_the_hint_and_the_log_follow() {
        let source = source(4, "S: 503 5.5.1 MAIL first");
        let mut mismatch = Mismatch::new(&source, "wrong reply", "S: 250 OK");
        mismatch.hint = Some("look at line 3".into());
        let mut failure = Failure::new(&read(DOTS).unwrap(), mismatch);
        failure.log = vec!["one".into(), "two".into()];
        let shown = failure.to_string();
        let end = "
       rule      A transaction is MAIL, then RCPT, then DATA, in that order. \
             (RFC 5321 4.1.4)
       hint      look at line 3
       log       one
       log       two";
        assert!(shown.ends_with(end), "{shown}");
    }

    #[test]
    fn replies_of_our_own_are_known_with_any_host() {
        let table = [
            ("S: 250 2.0.0 Stored", Some(reply::STORED)),
            ("S2: 250 2.0.0 Stored", Some(reply::STORED)),
            ("S: 220 {host} ESMTP", Some(reply::GREETING)),
            ("S: 250-mx.example.org greets you", Some(reply::EHLO_OK)),
            ("S: 221 2.0.0 a.test closing connection", Some(reply::GOODBYE)),
            ("S: 250 {host}", Some(reply::HELO_OK)),
            ("S: 250 {...}", None),
            ("S: 250 PIPELINING", None),
            ("S: 550 2.0.0 Stored", None),
            ("S> 250 2.0.0 Stored", None),
            ("M: 250 2.0.0 Stored", None),
            ("(server closes)", None),
        ];
        for (line, wanted) in table {
            assert_eq!(known(line), wanted, "{line}");
        }
    }

    #[test]
    fn long_lines_are_cut() {
        let shown = show(&[b'x'; 1003]);
        assert!(shown.ends_with("xx (and 3 bytes more)"));
        assert_eq!(show(b"\x1b[2J"), r"\x1b[2J");
    }
}
