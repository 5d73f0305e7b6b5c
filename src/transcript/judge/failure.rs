//! What went wrong in a transcript, for people.
//!
//! ```text
//! transcripts/03-order/rcpt-before-mail.txt:11: wrong reply
//!        sent      C: RCPT TO:<bob@example.org>
//!        expected  S: 503 5.5.1 MAIL first
//!        got       S: 250 OK
//!        title     No recipient before the sender
//!        see       RFC 5321 3.3, 4.1.4
//!        rule      A transaction is MAIL, then RCPT, then DATA, in that order.
//! ```
//!
//! What was expected is the line as the file has it; what was sent and what
//! came can be pasted back into it. A failure should teach something, so it
//! comes with the rule that was broken (`rule.rs`), and with a hint if it is a
//! mistake that many make.
//!
//! Whether it counts (`FAIL`) or not (`WEAK`): see `report/row.rs`.

use std::fmt;
use std::path::PathBuf;

use super::rule::Rule;
use crate::transcript::format::script::{Source, Transcript};
use crate::words::in_one_line;

/// Why a transcript failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Which file.
    pub path: PathBuf,
    /// Which line.
    pub line: usize,
    /// What is wrong, in a few words.
    pub message: String,
    /// What the client had said, if there is one command that was answered.
    pub sent: String,
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
    /// How much the server had printed before the step that failed; nothing if
    /// all that it printed may tell the reason.
    pub log_from: usize,
    /// Whether a reply was waited for in vain, and nothing came at all.
    pub timed_out: bool,
    /// Whether this machine could not do its part: it says nothing of the
    /// server.
    pub is_ours: bool,
    /// The last lines of what the server printed since then.
    pub log: Vec<String>,
}

/// One line, and what is wrong with it. The file's part comes later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mismatch {
    pub(crate) source: Source,
    pub(crate) message: String,
    pub(crate) got: String,
    /// Whether the server gave no answer at all; then its log tells more.
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

impl Failure {
    pub(crate) fn new(transcript: &Transcript, mismatch: Mismatch) -> Failure {
        let Mismatch { source, message, got, timed_out, hint, rule, .. } =
            mismatch;
        let rule = rule.on(transcript, &source, &got);
        Failure {
            path: transcript.path.clone(),
            line: source.line,
            message,
            sent: String::new(),
            rule,
            expected: source.text,
            got,
            title: transcript.header.title.clone(),
            spec: transcript.header.spec.clone(),
            hint,
            log_from: 0,
            timed_out,
            is_ours: false,
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
        row("sent", &self.sent)?;
        row("expected", &self.expected)?;
        row("got", &self.got)?;
        row("title", &self.title)?;
        row("see", &self.spec.join("; "))?;
        row("rule", &self.rule)?;
        row("hint", self.hint.as_deref().unwrap_or_default())?;
        self.log.iter().try_for_each(|line| row("log", line))
    }
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
        mismatch.rule = Rule::Code;
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
}
