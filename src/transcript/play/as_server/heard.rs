//! What a client said, and what is wrong with it, in words.
//!
//! Interface:
//!   `command`        a command as a page has it: its verb in capitals
//!   `wrong_line`     the line is another one
//!   `wrong_bytes`    the bytes are others
//!   `does_not_read`  the client takes no more of what we say
//!   `missing`          no line came, or something came where nothing should

use std::time::Duration;

use crate::transcript::format::script::{Action, Source, Step};
use crate::transcript::judge::failure::Mismatch;
use crate::transcript::judge::shown::show;
use crate::transcript::judge::talk::Surprise;

/// What the RFC says of a bare LF, the commonest fault of all.
const LINE_ENDS: &str = "every line ends in CR LF, also in a message; \
                         LF alone ends none (RFC 5321 2.3.8)";

/// Writes the verb in capitals, and FROM: and TO: as well.
///
/// RFC 5321 2.4: "Verbs and argument values (e.g., "TO:" or "to:" in the RCPT
/// command and extension name keywords) are not case sensitive". Pages have
/// capitals, some clients have not.
pub(super) fn command(line: &[u8]) -> Vec<u8> {
    let mut line = line.to_vec();
    let blank = line.iter().position(|byte| *byte == b' ');
    let length = blank.unwrap_or(line.len());
    let (verb, rest) = line.split_at_mut(length);
    verb.make_ascii_uppercase();
    let word = match &*verb {
        b"MAIL" => " FROM:",
        b"RCPT" => " TO:",
        _ => "",
    };
    if let Some((start, _)) = rest.split_at_mut_checked(word.len())
        && start.eq_ignore_ascii_case(word.as_bytes())
    {
        start.make_ascii_uppercase();
    }
    line
}

/// The client said another line.
pub(super) fn wrong_line(step: &Step, line: &[u8]) -> Mismatch {
    let got = format!("{} {}", speaker(step.client, ':'), show(line));
    Mismatch::new(&step.source, "wrong line", got.trim_end())
}

/// The client sent other bytes.
pub(super) fn wrong_bytes(step: &Step, bytes: &[u8]) -> Mismatch {
    let got = format!("{} {}", speaker(step.client, '>'), show(bytes));
    Mismatch::new(&step.source, "wrong bytes", got)
}

/// What we say stays in the pipe.
pub(super) fn does_not_read(step: &Step, deadline: Duration) -> Mismatch {
    let seconds = deadline.as_secs_f64();
    let message = format!("the client did not read within {seconds} s");
    Mismatch::new(&step.source, message, "")
}

/// What came instead of what the step waited for. `client` is its number.
pub(super) fn missing(
    step: &Step,
    client: Option<u8>,
    surprise: Surprise,
    deadline: Duration,
) -> Mismatch {
    let (message, heard) = match surprise {
        Surprise::Late { heard } => (late(step, deadline), heard),
        Surprise::Closed { heard } => ("the client closed".into(), heard),
        Surprise::Broken { heard } => {
            ("the client reset the connection".into(), heard)
        }
        Surprise::Spoke { heard } => ("the client said more".into(), heard),
        Surprise::Malformed { reason, heard } => {
            return malformed(&step.source, client, reason, &heard);
        }
    };
    Mismatch::new(&step.source, message, got(client, &heard))
}

fn late(step: &Step, deadline: Duration) -> String {
    let is_end = matches!(step.action, Action::ClientCloses);
    let waited_for = if is_end { "end of the connection" } else { "line" };
    format!("no {waited_for} within {} s", deadline.as_secs_f64())
}

fn malformed(
    source: &Source,
    client: Option<u8>,
    reason: &str,
    heard: &[u8],
) -> Mismatch {
    let is_bare = heard.ends_with(b"\n") && !heard.ends_with(b"\r\n");
    let reason = if is_bare { "a bare LF ends it" } else { reason };
    let message = format!("malformed line: {reason}");
    let mut mismatch = Mismatch::new(source, message, got(client, heard));
    mismatch.hint = is_bare.then(|| LINE_ENDS.into());
    mismatch
}

/// What was heard, as a line that a file could have. Half a line, or one
/// that breaks the rules, can only follow `C>`.
fn got(client: Option<u8>, heard: &[u8]) -> String {
    let is_whole =
        |line: &[u8]| !line.contains(&b'\r') && !line.contains(&b'\n');
    match heard.strip_suffix(b"\r\n") {
        _ if heard.is_empty() => "nothing".into(),
        Some(line) if is_whole(line) => {
            let got = format!("{} {}", speaker(client, ':'), show(line));
            got.trim_end().into()
        }
        Some(_) | None => {
            format!("{} {}", speaker(client, '>'), show(heard))
        }
    }
}

/// `C:`, `C2:` or `C2>`.
fn speaker(client: Option<u8>, mark: char) -> String {
    match client {
        Some(number) => format!("C{number}{mark}"),
        None => format!("C{mark}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verbs_may_be_in_any_case_and_addresses_stay_rfc_5321_2_4() {
        let table = [
            ("quit", "QUIT"),
            ("", ""),
            ("Ehlo Client.Example", "EHLO Client.Example"),
            ("mail from:<A@b> size=1", "MAIL FROM:<A@b> size=1"),
            ("mail from: <A@b>", "MAIL FROM: <A@b>"),
            ("rcpt To:<A@b>", "RCPT TO:<A@b>"),
            ("rcpt", "RCPT"),
            ("rcpt t", "RCPT t"),
            ("noop from:", "NOOP from:"),
        ];
        for (line, wanted) in table {
            let command = command(line.as_bytes());
            assert_eq!(String::from_utf8(command).unwrap(), wanted);
        }
    }
}
