//! Compares what a server did with what stands on the page.
//!
//! Interface:
//!   `reply`    is this the reply that stands there?
//!   `trouble`  no reply came, or something else did: says it in words
//!
//! Our own server must say every byte as written, and holes are the only
//! freedom. So `(also right: ...)`, which is for other servers, is not looked
//! at here. That a reply is well-formed is checked before, in `talk.rs`.

use std::time::Duration;

use super::failure::{Mismatch, show};
use super::matching::Names;
use super::script::{Action, ReplyStep, Step};
use super::talk::{Said, Trouble};

/// Compares a reply line by line, and binds its names.
pub(super) fn reply(
    step: &Step,
    wanted: &ReplyStep,
    said: &Said,
    names: &mut Names,
) -> Result<(), Mismatch> {
    for (number, line) in wanted.lines.iter().enumerate() {
        let got = said.lines.get(number).map_or(b"".as_slice(), Vec::as_slice);
        let (more, text) = mark_and_text(got);
        let same = said.code == wanted.code && more == line.more;
        if !same || !names.fit(&line.text, text) {
            let got = format!("{} {}", speaker(step, ':'), show(got));
            return Err(Mismatch::new(&line.source, "wrong reply", got));
        }
    }
    Ok(())
}

/// Whether more lines follow, and the words behind the code.
fn mark_and_text(line: &[u8]) -> (bool, &[u8]) {
    match line {
        [_, _, _, mark, text @ ..] => (*mark == b'-', text),
        _ => (false, b""),
    }
}

/// What came instead of what the step waited for.
pub(super) fn trouble(
    step: &Step,
    trouble: Trouble,
    deadline: Duration,
) -> Mismatch {
    let (message, heard, unanswered) = match trouble {
        Trouble::Late { heard } => (late(step, deadline), heard, true),
        Trouble::Closed { heard } => ("server closed".into(), heard, true),
        Trouble::Broken { heard } => ("connection reset".into(), heard, true),
        Trouble::Spoke { heard } => {
            ("the server said more".into(), heard, false)
        }
        Trouble::Malformed { reason, heard } => {
            (format!("malformed reply: {reason}"), heard, false)
        }
    };
    let mut mismatch = Mismatch::new(&step.source, message, "");
    mismatch.got = got(step, &heard);
    mismatch.unanswered = unanswered;
    mismatch
}

fn late(step: &Step, deadline: Duration) -> String {
    let waited_for = match matches!(step.action, Action::ServerCloses) {
        true => "end of the connection",
        false => "reply",
    };
    format!("no {waited_for} within {} s", deadline.as_secs_f64())
}

/// What was heard, as a line that could stand in a file.
///
/// Half a line, or one that breaks the rules, can only stand behind `S>`.
fn got(step: &Step, heard: &[u8]) -> String {
    match heard.strip_suffix(b"\r\n") {
        _ if heard.is_empty() => "nothing".into(),
        Some(line) if is_reply_line(line) => {
            format!("{} {}", speaker(step, ':'), show(line))
        }
        Some(_) | None => format!("{} {}", speaker(step, '>'), show(heard)),
    }
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
fn speaker(step: &Step, mark: char) -> String {
    match step.client {
        Some(number) => format!("S{number}{mark}"),
        None => format!("S{mark}"),
    }
}
