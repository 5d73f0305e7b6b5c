//! Asks a server, once, what it offers: a connection of its own, with EHLO.
//!
//! A transcript says with `Needs:` without which keywords it cannot be played
//! (RFC 5321 4.1.1.1). Our own server is not asked: its transcripts say what
//! it has.

use std::time::Instant;

use super::judge;
use super::replay::BETWEEN_TRIES;
use super::talk::Said;
use super::target::{Rules, Target};

/// What a server offers, or why nobody knows.
#[derive(Debug)]
pub(super) struct Offer(Result<Said, String>);

impl Offer {
    /// Asks.
    pub(super) fn of(target: &Target, rules: &Rules) -> Offer {
        Offer(ask(target, rules))
    }

    /// Nobody could be asked.
    pub(super) fn unknown(reason: String) -> Offer {
        Offer(Err(reason))
    }

    /// Why a transcript with these needs cannot be played, if it cannot.
    pub(super) fn lacks(&self, needs: &[String]) -> Option<String> {
        match &self.0 {
            Ok(said) => judge::offers(said, needs)
                .err()
                .map(|keyword| format!("needs {keyword}")),
            Err(reason) => Some(format!("needs {}; {reason}", needs.join(" "))),
        }
    }
}

fn ask(target: &Target, rules: &Rules) -> Result<Said, String> {
    let no_answer = |_| "EHLO has no answer".to_owned();
    let mut connection = target
        .open(target.wait, rules.deadline)
        .map_err(|error| format!("no connection to the server: {error}"))?;
    let until = || Instant::now() + rules.deadline;
    connection.reply(until()).map_err(no_answer)?;
    let mut hello = rules.aliases.bytes(b"EHLO client.example");
    hello.extend(b"\r\n");
    connection.write(&hello);
    let said = connection.reply(until()).map_err(no_answer)?;
    connection.write(b"QUIT\r\n");
    let _ = connection.closes(Instant::now() + BETWEEN_TRIES * 10);
    match said.code {
        250 => Ok(said),
        code => Err(format!("EHLO is answered {code}")),
    }
}
