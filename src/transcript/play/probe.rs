//! Asks a server, once, what it offers: a connection of its own, with EHLO.
//!
//! A transcript says with `Needs:` without which keywords it cannot be played
//! (RFC 5321 4.1.1.1). Our own server is not asked: its transcripts say what
//! it has.

use std::time::{Duration, Instant};

use crate::protocol::replies::ServerReply;
use crate::transcript::judge::reply;
use crate::transcript::judge::target::{Rules, Target};

/// How long the server may take to close after our QUIT.
const GOODBYE: Duration = Duration::from_millis(200);

/// What a server offers, or why nobody knows.
#[derive(Debug)]
pub(super) struct Keywords(Result<ServerReply, String>);

impl Keywords {
    /// Asks.
    pub(super) fn of(target: &Target, rules: &Rules) -> Keywords {
        Keywords(ask(target, rules))
    }

    /// Nobody could be asked.
    pub(super) fn unknown(reason: String) -> Keywords {
        Keywords(Err(reason))
    }

    /// Whether the server has said it.
    pub(super) fn is_known(&self) -> bool {
        self.0.is_ok()
    }

    /// Why a transcript with these needs cannot be played, if it cannot.
    pub(super) fn lacks(&self, needs: &[String]) -> Option<String> {
        match &self.0 {
            Ok(said) => reply::offers(said, needs)
                .err()
                .map(|keyword| format!("needs {keyword}")),
            Err(reason) => Some(format!("needs {}; {reason}", needs.join(" "))),
        }
    }
}

fn ask(target: &Target, rules: &Rules) -> Result<ServerReply, String> {
    let no_answer = |_| "EHLO has no answer".to_owned();
    let mut talk = target
        .open(target.wait, rules.deadline)
        .map_err(|error| format!("no connection to the server: {error}"))?;
    talk.take_bare_lf();
    let until = || Instant::now() + rules.deadline;
    // One that is still starting greets when it is ready.
    let greeting = Instant::now() + rules.deadline.max(target.wait);
    talk.reply(greeting).map_err(no_answer)?;
    let mut hello = rules.aliases.bytes(b"EHLO client.example");
    hello.extend(b"\r\n");
    talk.write(&hello, until());
    let said = talk.reply(until()).map_err(no_answer)?;
    talk.write(b"QUIT\r\n", until());
    let _ = talk.closes(Instant::now() + GOODBYE);
    match said.code {
        250 => Ok(said),
        code => Err(format!("EHLO is answered {code}")),
    }
}
