//! Compares what a server said with the `S:` lines of the page.
//!
//! Interface:
//!   `compare`     is this the reply on the page?
//!   `is_enough`   does the page end well with this reply?
//!   `missing`     no reply came, or something else did: says it in words
//!   `offers`      does this reply to EHLO offer what the transcript needs?
//!
//! Our own server must say every byte as written, and holes are the only
//! freedom; `(also right: ...)`, which is for other servers, is not looked at.
//! Another server is judged by the three digits, or by the first one; its
//! words only give values to names. That a reply is well-formed is checked
//! before, in `talk.rs`, for every server.

use std::time::Duration;

use super::failure::Mismatch;
use super::rule::Rule;
use super::shown::show;
use super::talk::Surprise;
use super::target::Match;
use crate::protocol::replies::ServerReply;
use crate::transcript::format::matching::Names;
use crate::transcript::format::script::{
    Action, AlsoRight, ReplyStep, Source, Step,
};

/// The commonest fault of all.
const BARE_LF: &str = "this line ends in LF alone; write \\r\\n at the end of \
                       each reply, not \\n";

const HYPHEN: &str = "a hyphen after the code says that more lines follow; the \
                      last line of a reply has a blank there";

/// Compares a reply with the one on the page, and binds its names.
pub(crate) fn compare(
    step: &Step,
    wanted: &ReplyStep,
    said: &ServerReply,
    matching: Match,
    names: &mut Names,
) -> Result<(), Mismatch> {
    let is_right = match matching {
        Match::Exact => return exact_reply(step, wanted, said, names),
        Match::Code => said.code == wanted.code,
        Match::Class => said.code / 100 == wanted.code / 100,
    };
    if !is_right && !is_among(&wanted.also_right, said.code) {
        let first = said.lines.first().map_or(b"".as_slice(), Vec::as_slice);
        let got = format!("{} {}", speaker(step, ':'), show(first));
        return Err(wrong_reply(&step.source, got));
    }
    for (line, got) in wanted.lines.iter().zip(&said.lines) {
        let (_, text) = mark_and_text(got);
        // Other words are no fault; they only leave a name without a value.
        let _ = names.fit(&line.text, text);
    }
    Ok(())
}

/// Whether the page has no more to ask of a server that says this.
pub(crate) fn is_enough(
    wanted: &ReplyStep,
    said: &ServerReply,
    matching: Match,
) -> bool {
    matching != Match::Exact && is_among(&wanted.passed_with, said.code)
}

fn is_among(others: &[AlsoRight], code: u16) -> bool {
    others.iter().any(|other| match other {
        AlsoRight::Code(right) => *right == code,
        AlsoRight::Class(digit) => *digit == code / 100,
    })
}

/// Whether a reply to EHLO has all these keywords; if not, one that it lacks.
///
/// ```abnf
/// ehlo-line = ehlo-keyword *( SP ehlo-param )    ; RFC 5321 4.1.1.1
/// ```
pub(crate) fn offers<'a>(
    said: &ServerReply,
    needs: &'a [String],
) -> Result<(), &'a str> {
    let lines = said.lines.iter().skip(1);
    let keywords: Vec<String> = lines
        .map(|line| {
            let (_, text) = mark_and_text(line);
            let text = String::from_utf8_lossy(text);
            let keyword = text.split(' ').next().unwrap_or_default();
            keyword.to_ascii_uppercase()
        })
        .collect();
    match needs.iter().find(|need| !keywords.contains(need)) {
        Some(missing) => Err(missing),
        None => Ok(()),
    }
}

/// Compares a reply line by line, every byte.
fn exact_reply(
    step: &Step,
    wanted: &ReplyStep,
    said: &ServerReply,
    names: &mut Names,
) -> Result<(), Mismatch> {
    for (number, line) in wanted.lines.iter().enumerate() {
        let got = said.lines.get(number).map_or(b"".as_slice(), Vec::as_slice);
        let (more, text) = mark_and_text(got);
        let same = said.code == wanted.code && more == line.more;
        if !same || !names.fit(&line.text, text) {
            let got = format!("{} {}", speaker(step, ':'), show(got));
            return Err(wrong_reply(&line.source, got));
        }
    }
    Ok(())
}

fn wrong_reply(source: &Source, got: String) -> Mismatch {
    let mut mismatch = Mismatch::new(source, "wrong reply", got);
    mismatch.rule = Rule::Code;
    mismatch
}

/// Whether more lines follow, and the words after the code.
fn mark_and_text(line: &[u8]) -> (bool, &[u8]) {
    match line {
        [_, _, _, mark, text @ ..] => (*mark == b'-', text),
        _ => (false, b""),
    }
}

/// What came instead of what the step waited for.
pub(crate) fn missing(
    step: &Step,
    surprise: Surprise,
    deadline: Duration,
) -> Mismatch {
    let mut mismatch = Mismatch::new(&step.source, "", "");
    mismatch.unanswered = true;
    mismatch.rule = Rule::NoClose;
    let (message, heard) = match surprise {
        Surprise::Late { heard } => {
            mismatch.rule = rule_of_lateness(step);
            let is_reply = matches!(step.action, Action::Reply(_));
            mismatch.timed_out = is_reply && heard.is_empty();
            (late(step, deadline), heard)
        }
        Surprise::Closed { heard } => ("server closed".into(), heard),
        Surprise::Broken { heard } => ("connection reset".into(), heard),
        Surprise::Spoke { heard } => {
            mismatch.unanswered = false;
            mismatch.rule = Rule::OneReply;
            ("the server said more".into(), heard)
        }
        Surprise::Malformed { reason, heard } => {
            mismatch.unanswered = false;
            mismatch.rule = Rule::Form;
            let is_bare = heard.ends_with(b"\n") && !heard.ends_with(b"\r\n");
            mismatch.hint = is_bare.then(|| BARE_LF.to_owned());
            (format!("malformed reply: {reason}"), heard)
        }
    };
    if mismatch.unanswered && has_hyphen(&heard) {
        mismatch.hint = Some(HYPHEN.to_owned());
    }
    mismatch.message = message;
    mismatch.got = got(step, &heard);
    mismatch
}

fn rule_of_lateness(step: &Step) -> Rule {
    if matches!(step.action, Action::ServerCloses) {
        Rule::Close
    } else {
        Rule::OneReply
    }
}

fn late(step: &Step, deadline: Duration) -> String {
    let waited_for = if matches!(step.action, Action::ServerCloses) {
        "end of the connection"
    } else {
        "reply"
    };
    format!("no {waited_for} within {} s", deadline.as_secs_f64())
}

/// What was heard, as a line that a file could have.
///
/// Half a line, or one that breaks the rules, can only follow `S>`. Of several
/// lines it is the last one that is wrong.
fn got(step: &Step, heard: &[u8]) -> String {
    let heard = last_line(heard);
    match heard.strip_suffix(b"\r\n") {
        _ if heard.is_empty() => "nothing".into(),
        Some(line) if is_reply_line(line) => {
            format!("{} {}", speaker(step, ':'), show(line))
        }
        Some(_) | None => format!("{} {}", speaker(step, '>'), show(heard)),
    }
}

fn last_line(heard: &[u8]) -> &[u8] {
    let mut lines = heard.split_inclusive(|byte| *byte == b'\n');
    lines.next_back().unwrap_or_default()
}

/// Whether what came says itself that more lines follow.
fn has_hyphen(heard: &[u8]) -> bool {
    let line = last_line(heard).strip_suffix(b"\r\n");
    line.is_some_and(|line| is_reply_line(line) && line.get(3) == Some(&b'-'))
}

/// Whether the line has three digits, and then a blank, a hyphen or nothing.
fn is_reply_line(line: &[u8]) -> bool {
    match line {
        [a, b, c, rest @ ..] => {
            [a, b, c].iter().all(|digit| digit.is_ascii_digit())
                && matches!(rest.first(), None | Some(b' ' | b'-'))
                && !rest.contains(&b'\r')
                && !rest.contains(&b'\n')
        }
        _ => false,
    }
}

/// `S:`, `S2:` or `S2>`.
pub(crate) fn speaker(step: &Step, mark: char) -> String {
    match step.client {
        Some(number) => format!("S{number}{mark}"),
        None => format!("S{mark}"),
    }
}
