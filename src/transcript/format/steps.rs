//! Lines become steps: what may follow what, and which lines are one reply.
//!
//! A reply, with its `S: ...` and the codes that other servers may say instead,
//! is one step. So is a look into a mailbox with its `M:` lines, and a message
//! with its own. While one of them is not complete,
//! no other step may begin.
//!
//! What must never be: a step that is half there. `Steps::step` is the only
//! place that adds one, and it asks `nothing_is_open` first.

use super::header::Plays;
use super::script::{
    Action, AlsoRight, MailLine, MailboxStep, ReplyLine, ReplyStep, Source,
    Step,
};
use super::spoken::{Spoken, Who, code_and_text};
use super::stage::Direction;
use super::text::{LARGEST_FILE, Part, Text};

/// The steps so far.
#[derive(Debug)]
pub(super) struct Steps {
    plays: Plays,
    steps: Vec<Step>,
    /// How many bytes all texts stand for.
    size: usize,
}

impl Steps {
    pub(super) fn new(plays: Plays) -> Steps {
        Steps { plays, steps: Vec::new(), size: 0 }
    }

    /// The file is over: is the last step complete?
    pub(super) fn finish(self) -> Result<Vec<Step>, String> {
        self.nothing_is_open()?;
        Ok(self.steps)
    }

    /// A line that the client or the server says.
    pub(super) fn spoken(
        &mut self,
        source: Source,
        line: &Spoken<'_>,
    ) -> Result<(), String> {
        match (line.who, line.raw) {
            (Who::Client, _) => self.client(source, line),
            (Who::Server, true) => self.raw_reply(source, line),
            (Who::Server, false) if line.text == "..." => {
                self.rest_of_reply(source, line.client)
            }
            (Who::Server, false) => self.reply_line(source, line),
        }
    }

    /// A stage direction.
    pub(super) fn direction(
        &mut self,
        source: Source,
        direction: Direction,
    ) -> Result<(), String> {
        match direction {
            Direction::AlsoRight(codes) => self.also_right(codes),
            Direction::PassedWith(codes) => self.passed_with(codes),
            Direction::NextMessage => self.next_message(),
            Direction::Step(client, action) => {
                self.must_fit(&action)?;
                self.step(source, client, action)
            }
        }
    }

    /// `M: text` and `M: ...`, from after the colon.
    pub(super) fn mail_line(
        &mut self,
        source: Source,
        words: &str,
    ) -> Result<(), String> {
        let text = match words {
            "..." => None,
            words => Some(self.text(words, false)?),
        };
        // Of a look into a mailbox, the client knows nothing. A message is
        // given to it.
        let has_hole = |text: &Text| text.parts.iter().any(Part::is_hole);
        let has_hole = text.as_ref().is_some_and(has_hole);
        let line = MailLine { source, text };
        match self.steps.last_mut().map(|step| &mut step.action) {
            Some(Action::Mailbox(look)) => match look.messages.last_mut() {
                Some(message) => message.push(line),
                None => look.messages.push(vec![line]),
            },
            Some(Action::RestOfMessage(_)) if has_hole => {
                return Err("expected no hole in a message that the client \
                            is given"
                    .into());
            }
            Some(Action::RestOfMessage(message)) => message.lines.push(line),
            _ => {
                return Err("expected M: only after (mailbox ...) or \
                            (rest of message)"
                    .into());
            }
        }
        Ok(())
    }

    /// `C: text` and `C> text`.
    fn client(
        &mut self,
        source: Source,
        line: &Spoken<'_>,
    ) -> Result<(), String> {
        let text = self.text(line.text, self.plays == Plays::Client)?;
        let action =
            if line.raw { Action::SendRaw(text) } else { Action::Send(text) };
        self.step(source, line.client, action)
    }

    /// `S> text`: only a server that is played can break the rules.
    fn raw_reply(
        &mut self,
        source: Source,
        line: &Spoken<'_>,
    ) -> Result<(), String> {
        if self.plays == Plays::Client {
            return Err("expected S> only with `Plays: server`".into());
        }
        let text = self.text(line.text, true)?;
        self.step(source, line.client, Action::ReplyRaw(text))
    }

    /// `S: 250-text` and `S: 250 text`.
    fn reply_line(
        &mut self,
        source: Source,
        line: &Spoken<'_>,
    ) -> Result<(), String> {
        let (code, more, words) = code_and_text(line.text)?;
        let text = self.text(words, self.plays == Plays::Server)?;
        let reply_line = ReplyLine { source: source.clone(), more, text };
        let Some(reply) = self.open_reply(line.client)? else {
            let reply = ReplyStep {
                code,
                lines: vec![reply_line],
                rest: None,
                also_right: Vec::new(),
                passed_with: Vec::new(),
            };
            return self.step(source, line.client, Action::Reply(reply));
        };
        if reply.code != code {
            return Err(format!("expected the code {:03} again", reply.code));
        }
        reply.lines.push(reply_line);
        Ok(())
    }

    /// `S: ...`: nobody can say it, so a file that plays the server has none.
    fn rest_of_reply(
        &mut self,
        source: Source,
        client: Option<u8>,
    ) -> Result<(), String> {
        if self.plays == Plays::Server {
            return Err("expected the line itself: `...` cannot be said".into());
        }
        let reply = self.open_reply(client)?;
        let reply = reply
            .ok_or("expected `S: ...` only after a line like `S: 250-text`")?;
        reply.rest = Some(source);
        Ok(())
    }

    /// The reply that the line before left open. It must be this client's.
    fn open_reply(
        &mut self,
        client: Option<u8>,
    ) -> Result<Option<&mut ReplyStep>, String> {
        let before = self.steps.last().map(|step| step.client);
        if self.open_since().is_some() && before == Some(client) {
            return Ok(self.reply());
        }
        self.nothing_is_open()?;
        Ok(None)
    }

    fn also_right(&mut self, codes: Vec<AlsoRight>) -> Result<(), String> {
        self.nothing_is_open()?;
        match self.reply() {
            Some(reply) if reply.also_right.is_empty() => {
                reply.also_right = codes;
                Ok(())
            }
            Some(_) | None => {
                Err("expected (also right: ...) once, after a reply".into())
            }
        }
    }

    fn passed_with(&mut self, codes: Vec<AlsoRight>) -> Result<(), String> {
        self.nothing_is_open()?;
        match self.reply() {
            Some(reply) if reply.passed_with.is_empty() => {
                reply.passed_with = codes;
                Ok(())
            }
            Some(_) | None => {
                Err("expected (passed with: ...) once, after a reply".into())
            }
        }
    }

    fn next_message(&mut self) -> Result<(), String> {
        self.nothing_is_open()?;
        match self.mailbox() {
            Some(step) if !step.messages.is_empty() => {
                step.messages.push(Vec::new());
                Ok(())
            }
            Some(_) | None => {
                Err("expected (next message) only after M: lines".into())
            }
        }
    }

    /// The step before, if it is a reply.
    fn reply(&mut self) -> Option<&mut ReplyStep> {
        let step = self.steps.last_mut()?;
        let Action::Reply(reply) = &mut step.action else {
            return None;
        };
        Some(reply)
    }

    /// The step before, if it is a look into a mailbox.
    fn mailbox(&mut self) -> Option<&mut MailboxStep> {
        let step = self.steps.last_mut()?;
        let Action::Mailbox(mailbox) = &mut step.action else {
            return None;
        };
        Some(mailbox)
    }

    /// Adds a step. Whatever the step before began must be complete.
    fn step(
        &mut self,
        source: Source,
        client: Option<u8>,
        action: Action,
    ) -> Result<(), String> {
        self.nothing_is_open()?;
        self.steps.push(Step { source, client, action });
        Ok(())
    }

    /// Where the reply began that is not over.
    fn open_since(&self) -> Option<usize> {
        let step = self.steps.last()?;
        let Action::Reply(reply) = &step.action else {
            return None;
        };
        reply.is_open().then_some(step.source.line)
    }

    /// No reply, and no message in a mailbox, waits for its next line.
    fn nothing_is_open(&self) -> Result<(), String> {
        if let Some(line) = self.open_since() {
            return Err(format!(
                "expected `S: 250-text` or `S: 250 text`: the reply of line \
                 {line} is not over"
            ));
        }
        if let Some(step) = self.steps.last()
            && let Action::Mailbox(mailbox) = &step.action
            && mailbox.messages.last().is_some_and(Vec::is_empty)
        {
            return Err("expected M: lines after (next message)".into());
        }
        Ok(())
    }

    /// A direction that only one of the two sides can follow.
    fn must_fit(&self, action: &Action) -> Result<(), String> {
        let only_with = |plays| Err(format!("expected this only with {plays}"));
        match self.plays {
            Plays::Client
                if matches!(
                    action,
                    Action::RestOfMessage(_) | Action::MayQuit
                ) =>
            {
                only_with("`Plays: server`")
            }
            Plays::Server if matches!(action, Action::Mailbox(_)) => {
                only_with("`Plays: client`")
            }
            Plays::Server if *action == Action::MayQuit => {
                let is_line = |step: &Step| step.action.is_sent_by_client();
                match self.steps.last().is_some_and(is_line) {
                    true => Ok(()),
                    false => Err("expected (also right: QUIT) only after a \
                                  line of the client"
                        .into()),
                }
            }
            Plays::Client | Plays::Server => Ok(()),
        }
    }

    /// The words of a line. What is sent must be known, so it has no `{...}`.
    fn text(&mut self, words: &str, is_sent: bool) -> Result<Text, String> {
        let text = Text::parse(words)?;
        if is_sent && text.has_anything() {
            return Err("expected no {...} in a line that is sent".into());
        }
        self.size = self.size.saturating_add(text.size());
        if self.size > LARGEST_FILE {
            return Err("expected at most 64 MiB in one file".into());
        }
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::super::script::MessageStep;
    use super::super::testing::{self, DOTS, EHLO};
    use super::*;

    fn steps(lines: &str) -> Vec<Step> {
        let file = format!("Title: t\nLevel: own\n\n{lines}");
        testing::read(&file).unwrap().steps
    }

    #[test]
    fn the_lines_of_a_reply_are_one_step_also_with_notes_between() {
        let steps = testing::read(EHLO).unwrap().steps;
        let Action::Reply(reply) = &steps[2].action else {
            panic!("{steps:?}");
        };
        assert_eq!((reply.code, reply.lines.len()), (250, 4));
        assert_eq!(reply.lines[3].source.text, "S: 250 ENHANCEDSTATUSCODES");
        let more: Vec<bool> = reply.lines.iter().map(|l| l.more).collect();
        assert_eq!(more, [true, true, true, false]);
    }

    #[test]
    fn the_rest_of_a_reply_may_be_free() {
        let steps = testing::read(EHLO).unwrap().steps;
        let Action::Reply(reply) = &steps[4].action else {
            panic!("{steps:?}");
        };
        assert_eq!(reply.lines.len(), 1);
        assert_eq!(reply.rest.as_ref().unwrap().text, "S: ...");
    }

    #[test]
    fn other_codes_belong_to_the_reply_before_them() {
        let steps = testing::read(EHLO).unwrap().steps;
        let Action::Reply(reply) = &steps[6].action else {
            panic!("{steps:?}");
        };
        let codes = [AlsoRight::Code(502), AlsoRight::Code(550)];
        assert_eq!(reply.also_right, codes);
    }

    #[test]
    fn the_lines_of_a_message_belong_to_its_mailbox() {
        let steps = testing::read(DOTS).unwrap().steps;
        let is_mailbox =
            |step: &&Step| matches!(step.action, Action::Mailbox(_));
        let step = steps.iter().find(is_mailbox).unwrap();
        let Action::Mailbox(MailboxStep { messages, .. }) = &step.action else {
            panic!("{step:?}");
        };
        assert_eq!(messages.len(), 1);
        assert_eq!(messages[0].len(), 9);
        assert!(messages[0][1].text.is_none());
        assert_eq!(messages[0][4].text, Some(Text::default()));
    }

    #[test]
    fn two_messages_are_two_lists() {
        let steps = steps(
            "(mailbox bob@example.org has 2 messages)\n\
             M: one\n# a note\n(next message)\nM: two\nM: ...\n",
        );
        let Action::Mailbox(mailbox) = &steps[0].action else {
            panic!("{steps:?}");
        };
        let lengths: Vec<usize> =
            mailbox.messages.iter().map(Vec::len).collect();
        assert_eq!(lengths, [1, 2]);
    }

    #[test]
    fn a_file_that_plays_the_server_is_read_too() {
        let file = "Title: t\nLevel: own\nPlays: server\n\n\
                    S> 220 {100000*x}\nC: {...}\nS: 250-a\nS: 250 b\n\
                    C: DATA\nS: 354 go\n(rest of message)\nS: 250\n";
        let steps = testing::read(file).unwrap().steps;
        assert_eq!(steps.len(), 7);
        let any = Action::RestOfMessage(MessageStep::default());
        assert_eq!(steps[5].action, any);
    }
}
