//! The stage directions: lines in brackets.
//!
//! ```abnf
//! direction = "client" [SP n] SP ( "connects" / "closes" )
//!           / "server closes" [SP n]
//!           / "silence" SP time [" for" SP n] / "wait" SP time
//!           / ( "also right:" / "passed with:" )
//!             1*( SP ( code / DIGIT "xx" ) )
//!           / "mailbox" SP addr SP
//!             ( "is empty" / "has" [" at most"] SP 1*DIGIT SP
//!               ( "message" / "messages" ) )
//!           / "also right: QUIT"
//!           / "next message" / "rest of message"
//!             [" in other words" / " in 7 bits"]
//! time      = 1*DIGIT "ms" / 1*DIGIT ["." 1*DIGIT] "s"
//! ```
//!
//! Where a direction is allowed: see `steps.rs`.

use std::time::Duration;

use super::script::{
    Action, AlsoRight, Count, Form, MailboxAddress, MailboxStep, MessageStep,
};
use super::text::is_all;

/// The longest silence or wait: more is a slip of the pen.
const LONGEST: Duration = Duration::from_secs(3600);

/// What a direction is: a step of its own, or a word about the step before.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Direction {
    /// A step, and the client whose step it is.
    Step(Option<u8>, Action),
    /// `(also right: ...)`
    AlsoRight(Vec<AlsoRight>),
    /// `(passed with: ...)`
    PassedWith(Vec<AlsoRight>),
    /// `(next message)`
    NextMessage,
}

/// Reads a direction, from between its brackets.
pub(super) fn direction(inside: &str) -> Result<Direction, String> {
    use Action::{ClientCloses, ClientConnects, ServerCloses};
    let words: Vec<&str> = inside.split(' ').collect();
    match words.as_slice() {
        ["client", "connects"] => step(None, ClientConnects),
        ["client", n, "connects"] => step(Some(client(n)?), ClientConnects),
        ["client", "closes"] => step(None, ClientCloses),
        ["client", n, "closes"] => step(Some(client(n)?), ClientCloses),
        ["server", "closes"] => step(None, ServerCloses),
        ["server", "closes", n] => step(Some(client(n)?), ServerCloses),
        ["silence", t] => step(None, Action::Silence(time(t)?)),
        ["silence", t, "for", n] => {
            step(Some(client(n)?), Action::Silence(time(t)?))
        }
        ["wait", t] => step(None, Action::Wait(time(t)?)),
        ["also", "right:", "QUIT"] => step(None, Action::MayQuit),
        ["also", "right:", words @ ..] => {
            codes(words).map(Direction::AlsoRight)
        }
        ["passed", "with:", words @ ..] => {
            codes(words).map(Direction::PassedWith)
        }
        ["mailbox", address, count @ ..] => mailbox(address, count),
        ["next", "message"] => Ok(Direction::NextMessage),
        ["rest", "of", "message", form @ ..] => rest_of_message(form),
        words => Err(form(words).into()),
    }
}

/// How a direction that begins like this one is written.
fn form(words: &[&str]) -> &'static str {
    match words.first().copied().unwrap_or_default() {
        "client" => "expected (client connects) or (client closes)",
        "server" => "expected (server closes) or (server closes 2)",
        "silence" => "expected (silence 300ms) or (silence 300ms for 2)",
        "wait" => "expected (wait 300ms)",
        "also" => "expected (also right: 502 5xx)",
        "passed" => "expected (passed with: 250 2xx)",
        "next" => "expected (next message)",
        "rest" => {
            "expected (rest of message), (rest of message in other words) or \
             (rest of message in 7 bits)"
        }
        _ => {
            "expected (client ...), (server ...), (silence ...), (wait ...), \
             (also right: ...), (passed with: ...), (mailbox ...), \
             (next message) or (rest of message)"
        }
    }
}

fn step(client: Option<u8>, action: Action) -> Result<Direction, String> {
    Ok(Direction::Step(client, action))
}

fn rest_of_message(words: &[&str]) -> Result<Direction, String> {
    let form = match words {
        [] => Form::AsItIs,
        ["in", "other", "words"] => Form::InOtherWords,
        ["in", "7", "bits"] => Form::In7Bits,
        _ => return Err(self::form(&["rest"]).into()),
    };
    let lines = Vec::new();
    step(None, Action::RestOfMessage(MessageStep { form, lines }))
}

/// A client's number: one digit, and not zero.
fn client(word: &str) -> Result<u8, String> {
    match word.as_bytes() {
        [digit @ b'1'..=b'9'] => Ok(digit - b'0'),
        _ => Err("expected a client's number, 1 to 9".into()),
    }
}

/// `300ms`, `2s` or `1.5s`.
fn time(word: &str) -> Result<Duration, String> {
    let time = match word.strip_suffix("ms") {
        Some(number) => milliseconds(number),
        None => word.strip_suffix('s').and_then(seconds),
    };
    match time {
        Some(time) if time <= LONGEST => Ok(time),
        Some(_) => Err("expected at most an hour".into()),
        None => Err("expected a time like 300ms, 2s or 1.5s".into()),
    }
}

fn milliseconds(number: &str) -> Option<Duration> {
    let number = is_number(number).then_some(number)?;
    Some(Duration::from_millis(number.parse().unwrap_or(u64::MAX)))
}

fn seconds(number: &str) -> Option<Duration> {
    let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
    if !is_number(whole) || !is_number(part) {
        return None;
    }
    let seconds = number.parse().unwrap_or(f64::INFINITY);
    Some(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
}

fn is_number(text: &str) -> bool {
    is_all(text, |c| c.is_ascii_digit())
}

fn codes(words: &[&str]) -> Result<Vec<AlsoRight>, String> {
    let wanted = "expected codes like 502 or 5xx after the colon";
    if words.is_empty() {
        return Err(wanted.into());
    }
    let codes: Option<Vec<AlsoRight>> =
        words.iter().map(|word| other_code(word)).collect();
    Ok(codes.ok_or(wanted)?)
}

fn other_code(word: &str) -> Option<AlsoRight> {
    match word.strip_suffix("xx") {
        Some(class) if class.len() == 1 => {
            number(class)?.try_into().ok().map(AlsoRight::Class)
        }
        Some(_) => None,
        None => code(word).map(AlsoRight::Code),
    }
}

/// Three digits.
pub(super) fn code(word: &str) -> Option<u16> {
    if word.len() != 3 {
        return None;
    }
    number(word)?.try_into().ok()
}

fn mailbox(address: &str, count: &[&str]) -> Result<Direction, String> {
    let count = match count {
        ["is", "empty"] => Some(Count::Exactly(0)),
        ["has", n, "message" | "messages"] => number(n).map(Count::Exactly),
        ["has", "at", "most", n, "message" | "messages"] => {
            number(n).map(Count::AtMost)
        }
        _ => None,
    };
    let step = MailboxStep {
        address: MailboxAddress::parse(address)?,
        count: count.ok_or(
            "expected (mailbox A is empty), (mailbox A has 1 message) or \
             (mailbox A has at most 1 message)",
        )?,
        messages: Vec::new(),
    };
    Ok(Direction::Step(None, Action::Mailbox(step)))
}

fn number(word: &str) -> Option<usize> {
    is_number(word).then_some(word)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn a_step(text: &str) -> (Option<u8>, Action) {
        let Ok(Direction::Step(client, action)) = direction(text) else {
            panic!("{text}");
        };
        (client, action)
    }

    #[test]
    fn every_direction_is_read() {
        let ms = Duration::from_millis;
        let table = [
            ("client connects", None, Action::ClientConnects),
            ("client 2 connects", Some(2), Action::ClientConnects),
            ("client closes", None, Action::ClientCloses),
            ("client 9 closes", Some(9), Action::ClientCloses),
            ("server closes", None, Action::ServerCloses),
            ("server closes 2", Some(2), Action::ServerCloses),
            ("silence 300ms", None, Action::Silence(ms(300))),
            ("silence 0.3s for 2", Some(2), Action::Silence(ms(300))),
            ("wait 2s", None, Action::Wait(ms(2000))),
            ("also right: QUIT", None, Action::MayQuit),
        ];
        for (text, client, action) in table {
            assert_eq!(a_step(text), (client, action), "{text}");
        }
        for (text, form) in [
            ("rest of message", Form::AsItIs),
            ("rest of message in other words", Form::InOtherWords),
            ("rest of message in 7 bits", Form::In7Bits),
        ] {
            let (None, Action::RestOfMessage(step)) = a_step(text) else {
                panic!("{text}");
            };
            assert_eq!((step.form, step.lines.len()), (form, 0));
        }
        assert_eq!(direction("next message"), Ok(Direction::NextMessage));
        let codes = vec![AlsoRight::Code(502), AlsoRight::Class(5)];
        let also = direction("also right: 502 5xx");
        assert_eq!(also, Ok(Direction::AlsoRight(codes)));
    }

    #[test]
    fn a_mailbox_has_an_address_and_a_count() {
        let table = [
            ("is empty", Count::Exactly(0)),
            ("has 1 message", Count::Exactly(1)),
            ("has 12 messages", Count::Exactly(12)),
            ("has at most 1 message", Count::AtMost(1)),
        ];
        for (words, count) in table {
            let step = a_step(&format!("mailbox bob@example.org {words}"));
            let (None, Action::Mailbox(step)) = step else {
                panic!("{words}");
            };
            assert_eq!(step.count, count);
            assert_eq!(step.address.local_part, "bob");
            assert_eq!(step.address.domain, "example.org");
        }
    }

    #[test]
    fn other_words_are_refused() {
        let refused = [
            "",
            "exit",
            "client",
            "client 0 closes",
            "client 10 closes",
            "client opens",
            "server  closes",
            "silence",
            "silence 300",
            "silence ms",
            "silence 1.s",
            "silence .5s",
            "silence -1s",
            "silence 1e3s",
            "silence 2h",
            "silence 3601s",
            "silence 99999999999999999999999ms",
            "wait 1s for 2",
            "also right:",
            "passed with:",
            "passed with: 2x",
            "also right: 5x",
            "also right: 50",
            "also right: 5xxx",
            "mailbox bob has 1 message",
            "mailbox @example.org is empty",
            "mailbox a@../.. is empty",
            "mailbox ..@example.org is empty",
            "mailbox bob@example.org",
            "mailbox bob@example.org has messages",
            "mailbox bob@example.org has -1 messages",
            "mailbox bob@example.org has at least 1 message",
            "next messages",
            "also right: QUIT 5xx",
            "rest of message in 8 bits",
        ];
        for text in refused {
            assert!(direction(text).is_err(), "{text}");
        }
    }
}
