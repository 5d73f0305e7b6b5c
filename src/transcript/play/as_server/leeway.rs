//! Where a client may differ from the page, because of what was said before.
//!
//! HELO in the place of EHLO opens a session as well (RFC 5321 3.2), but
//! without extensions. It costs the page with `Cause: ehlo`, and no other. QUIT
//! may come early where the mail was refused and no message would follow.
//!
//! Interface:
//!   `Leeway`  what was said so far, and what may follow

use crate::transcript::format::script::{
    Action, ReplyStep, START_MAIL_INPUT, Step, Transcript,
};
use crate::transcript::format::text::Part;

/// What was said so far, and what may follow.
#[derive(Debug, Default)]
pub(super) struct Leeway {
    /// Whether the page offers extensions.
    offers: bool,
    has_refused: bool,
    /// Whether a message would still be handed over on this page.
    hands_over: bool,
    has_said_helo: bool,
    /// The same, and the reply to it is due.
    waits_for_helo: bool,
}

impl Leeway {
    pub(super) fn on(page: &Transcript) -> Leeway {
        let offers = page.steps.windows(2).any(|pair| match pair {
            [hello, Step { action: Action::Reply(reply), .. }] => {
                begins_with(hello, b"EHLO ") && reply.lines.len() > 1
            }
            _ => false,
        });
        Leeway { offers, ..Leeway::default() }
    }

    /// A step begins; `rest` are those after it.
    pub(super) fn begin(&mut self, rest: &[Step]) {
        self.hands_over = hands_over(rest);
    }

    /// Whether QUIT is as good as any line that may follow.
    pub(super) fn may_leave(&self) -> bool {
        self.has_refused && !self.hands_over
    }

    /// The client says HELO in this step. If the page has EHLO there, that is
    /// the line that it is as good as.
    pub(super) fn helo(&mut self, step: &Step, line: &[u8]) -> Option<Vec<u8>> {
        let name = line.strip_prefix(b"HELO ")?;
        if !begins_with(step, b"EHLO ") {
            return None;
        }
        self.has_said_helo = true;
        self.waits_for_helo = true;
        Some([b"EHLO ", name].concat())
    }

    /// How many of the steps after it are only for a client that said EHLO: its
    /// refusal, and the HELO that should follow.
    pub(super) fn skips(&self, rest: &[Step]) -> usize {
        match rest {
            [Step { action: Action::Reply(reply), .. }, helo, ..]
                if self.waits_for_helo
                    && reply.code >= 500
                    && begins_with(helo, b"HELO ") =>
            {
                2
            }
            _ => 0,
        }
    }

    /// The reply as this client hears it: to HELO there is one line, and no
    /// extension (RFC 5321 4.1.1.1).
    pub(super) fn reply(&mut self, reply: &ReplyStep) -> ReplyStep {
        self.has_refused |= reply.code >= 400;
        let mut reply = reply.clone();
        if std::mem::take(&mut self.waits_for_helo) {
            reply.lines.truncate(1);
            reply.lines.iter_mut().for_each(|line| line.more = false);
        }
        reply
    }

    /// Why a client that did something wrong is not judged, if it is not.
    pub(super) fn excuse(&self) -> Option<String> {
        let has_none = self.has_said_helo && self.offers;
        let why = "the client says HELO, and this page offers extensions";
        has_none.then(|| why.to_owned())
    }
}

/// Whether a message is handed over in these steps.
fn hands_over(steps: &[Step]) -> bool {
    let is_message =
        |step: &Step| matches!(step.action, Action::RestOfMessage(_));
    let is_asked = |step: &Step| {
        let Action::Reply(reply) = &step.action else { return false };
        reply.code == START_MAIL_INPUT
    };
    let follows = steps.windows(2).any(|pair| match pair {
        [asked, next] => is_asked(asked) && next.source.text != "C: .",
        _ => false,
    });
    follows || steps.iter().any(is_message)
}

fn begins_with(step: &Step, start: &[u8]) -> bool {
    let Action::Send(text) = &step.action else { return false };
    match text.parts.first() {
        Some(Part::Bytes(bytes)) => bytes.starts_with(start),
        Some(Part::Name(_) | Part::Anything | Part::Repeat { .. }) | None => {
            false
        }
    }
}
