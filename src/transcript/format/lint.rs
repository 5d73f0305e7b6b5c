//! The rules for transcripts in this repository, beyond the grammar.
//!
//! * It names the sections that it is about, unless it is our own way.
//! * It ends where a reply too many would be seen: in `(server closes)`, in
//!   `(silence ...)` or in `(client closes)`; looks into mailboxes aside.
//! * It uses only names that nobody owns (RFC 2606).
//! * It fits on a page of the book: 60 lines.
//! * What it sends is known when it is sent, and its holes cannot be filled
//!   in two ways.
//! * Its clients all have numbers, or none has.
//! * The page of a cause has the level `must`, if it plays the client, and
//!   requires only causes that come before its own. No page comes before one that it requires.
//! * If it plays the server, each command is followed by its reply (`turns`),
//!   and it says what each of its clients has to tell (`Outcome`).
//!
//! A file that breaks one of these can still be played.

use std::collections::BTreeSet;

use super::header::{Header, Level, Plays};
use super::script::{Action, MailboxStep, ReplyStep, Step, Transcript};
use super::suite;
use super::text::{Part, Text};
use super::turns;

/// The most lines of a transcript.
pub const MOST_LINES: usize = 60;

/// A line of the file, and what it should be.
pub type Finding = (usize, String);

/// Says what is not as it should be, in the order of the file.
pub fn check(transcript: &Transcript) -> Vec<Finding> {
    let mut findings = header(transcript);
    findings.extend(causes(&transcript.header));
    findings.extend(numbers(&transcript.steps));
    findings.extend(names_have_values(transcript));
    for (line, text) in texts(&transcript.steps) {
        findings.extend(holes(line, text));
        findings.extend(domains(line, text));
    }
    findings.extend(ending(&transcript.steps));
    findings.extend(said(transcript));
    if transcript.header.plays == Plays::Server {
        findings.extend(turns::check(&transcript.steps));
    }
    findings.sort_by_key(|(line, _)| *line);
    findings
}

/// The title, the sections, the options, and the length.
fn header(transcript: &Transcript) -> Vec<Finding> {
    let header = &transcript.header;
    let mut findings = Vec::new();
    let mut should = |is_so: bool, what: &str| {
        if !is_so {
            findings.push((1, what.to_owned()));
        }
    };
    should(!header.title.ends_with('.'), "a title has no full stop");
    should(
        header.level == Level::Own || !header.spec.is_empty(),
        "a Spec is missing (only `Level: own` may be without)",
    );
    should(transcript.length <= MOST_LINES, "more than 60 lines");
    for (_, value) in &header.server {
        let domain = value.rsplit('@').next().unwrap_or_default();
        should(is_reserved(domain), &not_reserved(domain));
    }
    findings
}

/// What the page says of causes.
fn causes(header: &Header) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut should = |is_so: bool, what: String| {
        if !is_so {
            findings.push((1, what));
        }
    };
    if let Some(cause) = header.cause {
        let word = cause.word();
        // A client that plays it is judged by it; no other page waits for it.
        let is_alone = header.plays == Plays::Server;
        let is_must = header.level == Level::Must;
        should(
            is_must || is_alone,
            format!("the page of the cause {word} is a must"),
        );
        for other in &header.requires {
            let other_word = other.word();
            let what = format!("{word} cannot require {other_word}");
            should(*other < cause, what);
        }
    }
    let pages = suite::causes();
    for page in pages.iter().map(|page| &page.header) {
        let is_required = |cause| header.requires.contains(&cause);
        let is_too_late = page.stage > header.stage && header.stage.is_some();
        if let Some(cause) = page.cause.filter(|cause| is_required(*cause)) {
            let what = format!("{} is of a later stage", cause.word());
            should(!is_too_late, what);
        }
    }
    findings
}

/// One file has numbers or none.
fn numbers(steps: &[Step]) -> Option<Finding> {
    let mut steps = steps.iter().filter(|step| step.action.has_client());
    let numbered = steps.next()?.client.is_some();
    let other = steps.find(|step| step.client.is_some() != numbered)?;
    let what = "either all clients have numbers, or none";
    Some((other.source.line, what.into()))
}

/// What a client has to say in the end, if the page plays the server to it.
fn said(transcript: &Transcript) -> Option<Finding> {
    let header = &transcript.header;
    let clients: BTreeSet<Option<u8>> = transcript
        .steps
        .iter()
        .filter(|step| step.action.has_client())
        .map(|step| step.client)
        .collect();
    match (header.plays, &header.outcome) {
        (Plays::Client, None) => None,
        (Plays::Client, Some(wanted)) => {
            let what = "Outcome is for a page that plays the server";
            Some((wanted.line, what.into()))
        }
        (Plays::Server, None) => {
            let what = "an Outcome is missing: what must the client say?";
            Some((1, what.into()))
        }
        (Plays::Server, Some(wanted)) => {
            let what = "Outcome has one part for each client of the page";
            let is_wrong = wanted.tries.len() != clients.len().max(1);
            is_wrong.then(|| (wanted.line, what.into()))
        }
    }
}

/// The last step, mailboxes aside, shows that nothing more was said.
fn ending(steps: &[Step]) -> Option<Finding> {
    let is_aside = |step: &&Step| !matches!(step.action, Action::Mailbox(_));
    let last = steps.iter().rfind(is_aside);
    let is_end = last.is_some_and(|step| {
        matches!(
            step.action,
            Action::ServerCloses | Action::Silence(_) | Action::ClientCloses
        )
    });
    if is_end {
        return None;
    }
    let what = "it should end in (server closes), (silence ...) or \
                (client closes), so that a reply too many would be seen";
    Some((last.map_or(1, |step| step.source.line), what.into()))
}

/// A name that is sent was bound by something that came before.
fn names_have_values(transcript: &Transcript) -> Vec<Finding> {
    // What stands for a password in a recording has a value from the start.
    let mut known: Vec<&str> = vec!["secret"];
    let mut findings = Vec::new();
    for step in &transcript.steps {
        let sent = is_sent(&step.action, transcript.header.plays);
        for (line, text) in texts(std::slice::from_ref(step)) {
            for name in text.names() {
                if sent && !known.contains(&name) {
                    let what = format!("{{{name}}} has no value here");
                    findings.push((line, what));
                }
                known.push(name);
            }
        }
    }
    findings
}

/// Whether the side that the file plays says this.
fn is_sent(action: &Action, plays: Plays) -> bool {
    match plays {
        Plays::Client => action.is_sent_by_client(),
        Plays::Server => {
            matches!(action, Action::Reply(_) | Action::ReplyRaw(_))
        }
    }
}

/// Two holes side by side could be filled in many ways.
fn holes(line: usize, text: &Text) -> Option<Finding> {
    let mut pairs = text.parts.iter().zip(text.parts.iter().skip(1));
    let touch = pairs.any(|(one, two)| one.is_hole() && two.is_hole());
    let what = "something must come between two holes";
    touch.then(|| (line, what.into()))
}

/// All texts of these steps, with their lines.
fn texts(steps: &[Step]) -> Vec<(usize, &Text)> {
    let mut all = Vec::new();
    for step in steps {
        match &step.action {
            Action::Send(text)
            | Action::SendRaw(text)
            | Action::ReplyRaw(text) => all.push((step.source.line, text)),
            Action::Reply(ReplyStep { lines, .. }) => all.extend(
                lines.iter().map(|line| (line.source.line, &line.text)),
            ),
            Action::Mailbox(MailboxStep { messages, .. }) => {
                let lines = messages.iter().flatten();
                all.extend(lines.filter_map(|line| {
                    Some((line.source.line, line.text.as_ref()?))
                }));
            }
            Action::ClientConnects
            | Action::ClientCloses
            | Action::ServerCloses
            | Action::Silence(_)
            | Action::Wait(_)
            | Action::MayQuit => {}
            Action::RestOfMessage(message) => {
                let lines = message.lines.iter();
                all.extend(lines.filter_map(|line| {
                    Some((line.source.line, line.text.as_ref()?))
                }));
            }
        }
    }
    all
}

/// The names in a line that belong to somebody.
///
/// What counts as a name: the word after `@`, and the argument of HELO and
/// EHLO. A word without a dot is nobody's.
fn domains(line: usize, text: &Text) -> Vec<Finding> {
    let words = plain(text);
    let mut found: Vec<&str> =
        words.split('@').skip(1).map(first_name).collect();
    let hello = words.split_once(' ').filter(|(verb, _)| {
        verb.eq_ignore_ascii_case("HELO") || verb.eq_ignore_ascii_case("EHLO")
    });
    found.extend(hello.map(|(_, argument)| first_name(argument)));
    found.retain(|name| !is_reserved(name));
    found.into_iter().map(|name| (line, not_reserved(name))).collect()
}

/// The words of a line; holes are left out, repeats come once.
fn plain(text: &Text) -> String {
    let parts = text.parts.iter().map(|part| match part {
        Part::Bytes(bytes) | Part::Repeat { bytes, .. } => bytes.as_slice(),
        Part::Name(_) | Part::Anything => b"{}",
    });
    String::from_utf8_lossy(&parts.collect::<Vec<_>>().concat()).into_owned()
}

/// The characters of a host name at the start of the text.
fn first_name(text: &str) -> &str {
    let is_name = |c: char| c.is_alphanumeric() || "-_.".contains(c);
    let end = text.find(|c| !is_name(c)).unwrap_or(text.len());
    text.get(..end).unwrap_or_default().trim_matches('.')
}

/// Whether nobody owns this name (RFC 2606 sections 2 and 3), or this address
/// literal (its numbers are checked as a name's last label is).
fn is_reserved(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let name = name.trim_matches(['[', ']']);
    let labels: Vec<&str> = name.rsplit('.').collect();
    match labels.as_slice() {
        [] | [_] => true,
        ["example" | "test" | "invalid" | "localhost", ..] => true,
        ["com" | "net" | "org", "example", ..] => true,
        [last, ..] => last.chars().all(|c| c.is_ascii_digit()),
    }
}

fn not_reserved(name: &str) -> String {
    format!("{name} may be somebody's: use a name of RFC 2606 (x.example)")
}

#[cfg(test)]
mod tests {
    use super::super::testing::{EXAMPLES, read};
    use super::*;

    fn findings(text: &str) -> Vec<Finding> {
        check(&read(text).unwrap())
    }

    /// The findings of a file with these steps and a good ending.
    fn of(lines: &str) -> Vec<Finding> {
        let head = "Title: t\nLevel: own\n\n";
        findings(&format!("{head}{lines}(server closes)\n"))
    }

    #[test]
    fn the_six_examples_keep_to_all_rules() {
        for example in EXAMPLES {
            assert_eq!(findings(example), []);
        }
    }

    #[test]
    fn a_spec_is_missing_unless_the_level_is_own() {
        let text = "Title: t\nLevel: must\n\n(server closes)\n";
        assert_eq!(findings(text).len(), 1);
        assert_eq!(of(""), []);
    }

    #[test]
    fn a_cause_is_a_must_and_requires_what_comes_before() {
        let of = |header: &str| {
            let end = "\n\n(server closes)\n";
            let text = format!("Title: t\nSpec: s\n{header}{end}");
            findings(&text).into_iter().map(|(_, what)| what).next()
        };
        assert_eq!(of("Level: must\nCause: hello\nRequires: greeting"), None);
        let found = of("Level: should\nCause: hello").unwrap();
        assert!(found.ends_with("is a must"), "{found}");
        for other in ["hello", "sender"] {
            let header =
                format!("Level: must\nCause: hello\nRequires: {other}");
            let found = of(&header).unwrap();
            assert_eq!(found, format!("hello cannot require {other}"));
        }
        let early = of("Level: must\nStage: 1\nRequires: vrfy").unwrap();
        assert_eq!(early, "vrfy is of a later stage");
        assert_eq!(of("Level: must\nStage: 2\nRequires: vrfy"), None);
    }

    #[test]
    fn a_title_has_no_full_stop() {
        let text = "Title: t.\nLevel: own\n\n(server closes)\n";
        assert_eq!(findings(text), [(1, "a title has no full stop".into())]);
    }

    #[test]
    fn a_file_fits_on_a_page() {
        assert_eq!(of(&"# a note\n".repeat(56)), []);
        assert_eq!(of(&"# a note\n".repeat(57)).len(), 1);
    }

    #[test]
    fn a_file_ends_where_a_reply_too_many_would_be_seen() {
        let head = "Title: t\nLevel: own\n\n";
        let bob = "(mailbox bob@example.org has 1 message)\nM: ...\n";
        for end in ["(silence 1s)\n", "(client closes)\n", "(server closes)\n"]
        {
            assert_eq!(findings(&format!("{head}{end}")), []);
            assert_eq!(findings(&format!("{head}{end}{bob}")), []);
        }
        for end in ["", bob, "S: 250\n", "(server closes)\nC: x\n"] {
            assert_eq!(findings(&format!("{head}{end}")).len(), 1, "{end}");
        }
    }

    #[test]
    fn only_names_that_nobody_owns() {
        let good = [
            "C: EHLO client.example",
            "C: helo [192.0.2.1]",
            "C: EHLO 192.0.2.1",
            "C: HELO localhost",
            "C: MAIL FROM:<a@b.c.Example.ORG.>",
            "C: RCPT TO:<a@localhost>",
            "C: RCPT TO:<a@{250*x}.test>",
            "C: RCPT TO:<@one.example,@two.invalid:a@three.test>",
            "C: From: a@[192.0.2.1]",
            "C: The text of a message may name pillarbox.org.",
            "S: 250 {...}",
            "C> EHLO example.org\\r\\n",
        ];
        for line in good {
            assert_eq!(of(&format!("{line}\n")), [], "{line}");
        }
        let bad = [
            "C: EHLO mx.gmail.com",
            "C: MAIL FROM:<a@example.de>",
            "C: RCPT TO:<@one.example,@two.de:a@three.test>",
            "C: RCPT TO:<a@notexample.org>",
            "S: 550 no such user: a@mail.org",
        ];
        for line in bad {
            let lines: Vec<usize> =
                of(&format!("{line}\n")).iter().map(|f| f.0).collect();
            assert_eq!(lines, [4], "{line}");
        }
        let text = "Title: t\nLevel: own\nServer: hostname=mx.real.org\n\n\
                    (server closes)\n";
        assert_eq!(findings(text).len(), 1);
    }

    #[test]
    fn a_name_is_sent_only_after_it_was_heard() {
        assert_eq!(of("S: 220 {id} x\nC: NOOP {id}\n"), []);
        let what = "{id} has no value here".to_owned();
        assert_eq!(of("C: NOOP {id}\nS: 250 {id}\n"), [(4, what.clone())]);
        let text = "Title: t\nLevel: own\nPlays: server\nOutcome: later\n\n\
                    S: 220 {id}\nC: {id}\n(server closes)\n";
        assert_eq!(findings(text), [(6, what)]);
    }

    #[test]
    fn two_holes_have_something_between_them() {
        assert_eq!(of("S: 220 {a} {b}-{...}\n"), []);
        assert_eq!(of("S: 220 {a}{...}\n").len(), 1);
    }

    #[test]
    fn all_clients_have_numbers_or_none() {
        let one = "S1: 220 x\n(wait 1s)\n(client 1 closes)\n";
        let head = "Title: t\nLevel: own\n\n";
        assert_eq!(findings(&format!("{head}{one}")), []);
        let mixed = of("S1: 220 x\nC1: NOOP\nC: NOOP\n");
        let what = "either all clients have numbers, or none";
        assert_eq!(mixed, [(6, what.into())]);
    }
}
