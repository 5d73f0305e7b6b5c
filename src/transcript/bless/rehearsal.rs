//! Plays a page against our own server to hear what it says, not to judge it.
//!
//! The player does not stop where a reply is another one than on the page:
//! each reply and each message goes to the `Page`, which takes note of the
//! difference. It stops where the talk itself takes another course: a reply
//! that does not come, or one too many.

use std::path::Path;

use super::edit::Page;
use crate::protocol::replies::ServerReply;
use crate::transcript::format::matching::Names;
use crate::transcript::format::script::{
    MailboxStep, ReplyStep, Step, Transcript,
};
use crate::transcript::format::text::escape;
use crate::transcript::judge::failure::Mismatch;
use crate::transcript::judge::stored::Store;
use crate::transcript::judge::talk::Surprise;
use crate::transcript::judge::target::{Rules, Target};
use crate::transcript::play::player::{Listener, Player, Stop};
use crate::transcript::stand::server::Stand;
use crate::words::reason;

/// Plays the page against a server of its own. An error says in words why the
/// end of the page was not reached.
pub(super) fn rehearse(
    program: &Path,
    transcript: &Transcript,
    page: &mut Page,
) -> Result<(), String> {
    let stand = Stand::Own(program.into());
    let (server, target) = stand
        .serve(&transcript.header.server)
        .map_err(|_| "our own server did not start".to_owned())?;
    let result = listen(&target, transcript, page);
    server.stop();
    result
}

fn listen(
    target: &Target,
    transcript: &Transcript,
    page: &mut Page,
) -> Result<(), String> {
    let rules = Rules::default();
    let store = Store::open(target, &rules, transcript)
        .map_err(|error| format!("no mail folder: {}", reason(&error)))?;
    let mut player = Player::new(target, rules.deadline, Names::default());
    let mut notes = Notes { page, store };
    let played = player.play(transcript.steps.iter(), &mut notes);
    played.map_err(|(step, stop)| {
        let (line, what) = (step.source.line, in_words(stop));
        format!("line {line}: {what}; no blessing adds or removes a reply")
    })
}

/// Listens to a play, and tells the page.
struct Notes<'a> {
    page: &'a mut Page,
    store: Store,
}

impl Listener for Notes<'_> {
    fn heard(
        &mut self,
        step: &Step,
        wanted: &ReplyStep,
        reply: &ServerReply,
        names: &mut Names,
    ) -> Result<(), Mismatch> {
        self.page.reply(step, wanted, reply, names);
        Ok(())
    }

    fn mailbox(
        &mut self,
        step: &Step,
        wanted: &MailboxStep,
        names: &mut Names,
    ) -> Result<(), Mismatch> {
        let messages = self.store.messages(&wanted.address);
        let messages = messages.map_err(|error| {
            let what = "the mailbox cannot be read";
            Mismatch::new(&step.source, what, reason(&error))
        })?;
        for (lines, message) in wanted.messages.iter().zip(messages) {
            self.page.message(lines, &message, names);
        }
        Ok(())
    }
}

/// What happened, where the page has something else.
fn in_words(stop: Stop) -> String {
    let (what, heard) = match stop {
        Stop::Wrong(Mismatch { message, got, .. }) => match got.as_str() {
            "" => return message,
            got => return format!("{message}: {got}"),
        },
        Stop::NoConnection { error, .. } => {
            return format!("no connection: {}", reason(&error));
        }
        Stop::Enough => return "nothing more is asked".to_owned(),
        Stop::NoValue(name) => return format!("{{{name}}} has no value"),
        Stop::Surprise(surprise) => match surprise {
            Surprise::Late { heard } => ("the server says nothing", heard),
            Surprise::Closed { heard } => ("the server closes", heard),
            Surprise::Broken { heard } => ("the connection is reset", heard),
            Surprise::Spoke { heard } => ("the server says more", heard),
            Surprise::Malformed { reason, heard } => (reason, heard),
        },
    };
    match heard.is_empty() {
        true => what.to_owned(),
        false => format!("{what}: {}", escape(&heard)),
    }
}
