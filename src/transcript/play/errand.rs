//! The errand of a page that plays the server: the mail that a client has to
//! send, so that the talk can go as the page has it.
//!
//! The sender and the recipients are those of the `C:` lines. The message is
//! what the `M:` lines say; where the page has none, any message will do.

use super::as_server::message_bytes;
use crate::transcript::format::script::{Action, Transcript};
use crate::transcript::format::text::{Part, Text};
use crate::transcript::stand::client::{Errand, can_be_told};

const ALICE: &str = "alice@client.example";
const BOB: &str = "bob@example.org";

/// A message in which no client has to change anything.
const MESSAGE: &str = "From: Alice <alice@client.example>\n\
    To: bob@example.org\n\
    Subject: hello\n\
    Date: Mon, 02 Mar 2026 09:30:00 +0000\n\
    Message-ID: <1@client.example>\n\
    \n\
    Hello Bob.\n";

/// What a client is told for this page; or why it cannot be.
pub(super) fn errand(page: &Transcript) -> Result<Errand, String> {
    let from = addresses(page, b"MAIL FROM:<").into_iter().next();
    let mut recipients = addresses(page, b"RCPT TO:<");
    if recipients.is_empty() {
        recipients.push(BOB.into());
    }
    let from = from.unwrap_or_else(|| ALICE.into());
    for address in recipients.iter().chain([&from]) {
        if !can_be_told(address) {
            return Err(format!("no command can be told <{address}>"));
        }
    }
    Ok(Errand { from, recipients, message: message(page) })
}

/// The addresses after these words, each once, in the order of the page.
fn addresses(page: &Transcript, words: &[u8]) -> Vec<String> {
    let mut all = Vec::new();
    for step in &page.steps {
        if let Action::Send(Text { parts }) = &step.action
            && let Some(Part::Bytes(line)) = parts.first()
            && let Some(rest) = line.strip_prefix(words)
            && let Some(end) = rest.iter().position(|byte| *byte == b'>')
        {
            let (address, _) = rest.split_at(end);
            let address = String::from_utf8_lossy(address).into_owned();
            if !all.contains(&address) {
                all.push(address);
            }
        }
    }
    all
}

fn message(page: &Transcript) -> Vec<u8> {
    let lines = page.steps.iter().find_map(|step| {
        let Action::RestOfMessage(message) = &step.action else {
            return None;
        };
        (!message.lines.is_empty()).then_some(&message.lines)
    });
    let Some(lines) = lines else {
        return MESSAGE.into();
    };
    let texts = lines.iter().filter_map(|line| line.text.as_ref());
    let mut message = Vec::new();
    for text in texts {
        message.extend(message_bytes(text));
        message.push(b'\n');
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transcript::format::testing::read;

    fn of(lines: &str) -> Result<Errand, String> {
        let head = "Title: t\nLevel: own\nPlays: server\nOutcome: sent\n\n";
        errand(&read(&format!("{head}{lines}")).unwrap())
    }

    #[test]
    fn who_writes_to_whom_is_what_the_page_waits_for() {
        let found = of("S: 220\nC: MAIL FROM:<a@b.example> {x}={y}\nS: 250\n\
                        C: RCPT TO:<c@d.example>\nS: 250\n\
                        C: RCPT TO:<e@f.example>\nS: 250\n\
                        C: RCPT TO:<c@d.example>\nS: 250\n");
        let found = found.unwrap();
        assert_eq!(found.from, "a@b.example");
        assert_eq!(found.recipients, ["c@d.example", "e@f.example"]);
        assert_eq!(found.message, MESSAGE.as_bytes());
        let usual = of("S: 421 busy\n").unwrap();
        assert_eq!(
            (usual.from, usual.recipients),
            (ALICE.into(), vec![BOB.to_owned()])
        );
    }

    #[test]
    fn the_message_is_what_must_arrive_without_what_may_be_added() {
        let found = of("S: 354\n(rest of message)\nM: ...\nM: Subject: x\n\
                        M: ...\nM:\nM: {2*.x\\n}\\xe4\n");
        assert_eq!(found.unwrap().message, b"Subject: x\n\n.x\n.x\n\xe4\n");
    }

    #[test]
    fn an_address_that_a_shell_would_read_is_told_to_nobody() {
        let found = of("S: 220\nC: RCPT TO:<$(id)@b.example>\n");
        assert_eq!(
            found.unwrap_err(),
            "no command can be told <$(id)@b.example>"
        );
        assert!(of("S: 220\nC: MAIL FROM:<>\nS: 250\n").is_err());
    }
}
