//! One mail on its way to one host: the commands that it takes, and what each
//! recipient was answered (RFC 5321 3.3; in groups: RFC 2920).
//!
//! Interface:
//!   `Delivery`  the transaction, as its client sees it
//!   `Stage`     how far the session around it has come
//!
//! Replies are told apart by counting them; RFC 2920 3.1 forbids guessing by
//! code or text. What an answer means is not known here (`decision.rs`).

use super::decision::{self, Act, Step};
use super::extension::Extension;
use super::outcome::{Fate, Outcome};
use super::outgoing::{ClientCommand, Envelope, Needs};
use super::replies::ServerOffer;

/// Commands that leave together are not more bytes than this: a server that
/// does not read while it writes must not block us (RFC 2920 3.1).
pub const GROUP_LIMIT: usize = 4096;

/// How far a session has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The server has not greeted.
    Greeting,
    /// EHLO was said.
    Ehlo,
    /// HELO was said.
    Helo,
    /// RSET, MAIL, RCPT and DATA are being said.
    Envelope,
    /// The text is on its way.
    Text,
    /// The dot was said.
    Dot,
}

/// A transaction, before and while it is open.
#[derive(Debug)]
pub struct Delivery {
    envelope: Envelope,
    /// What each recipient was answered.
    answers: Vec<Answer>,
    /// All commands up to DATA, once it is known what the server offers.
    plan: Vec<ClientCommand>,
    /// How many of them were said, and how many were answered.
    said: usize,
    heard: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Answer {
    None,
    Accepted,
    Settled(Outcome),
}

impl Delivery {
    /// Nobody has been answered, and nothing is planned.
    pub fn new(envelope: Envelope) -> Delivery {
        let answers = vec![Answer::None; envelope.recipients.len()];
        Delivery { envelope, answers, plan: Vec::new(), said: 0, heard: 0 }
    }

    /// Plans the commands up to DATA; RSET comes first if the mail before has
    /// left something open. Of the parameters of MAIL those are said that the
    /// server has offered and the mail needs. SIZE is said wherever it is offered.
    pub(super) fn plan(&mut self, offer: &ServerOffer, needs_rset: bool) {
        let Needs { size, eight_bit, utf8 } = self.envelope.needs;
        let size = offer.has(Extension::Size).then(|| format!(" SIZE={size}"));
        let mut parameters = size.unwrap_or_default();
        if eight_bit {
            parameters += " BODY=8BITMIME";
        }
        if utf8 {
            parameters += " SMTPUTF8";
        }
        let path = self.envelope.reverse_path.clone();
        let recipients = self.envelope.recipients.iter().cloned();
        self.plan = Vec::from_iter(needs_rset.then_some(ClientCommand::Rset));
        self.plan.push(ClientCommand::Mail(path, parameters));
        self.plan.extend(recipients.map(ClientCommand::Rcpt));
        self.plan.push(ClientCommand::Data);
    }

    /// Why the mail cannot go to this server, known before MAIL is said.
    pub(super) fn objection(&self, offer: &ServerOffer) -> Option<Outcome> {
        let needs = self.envelope.needs;
        let limit = offer.max_size().unwrap_or(u64::MAX);
        let is_bad = |command: &ClientCommand| {
            command.to_string().contains(|c: char| c.is_ascii_control())
        };
        if needs.size > limit {
            let size = needs.size;
            let why = format!("{size} bytes, and the server takes {limit}");
            Some(Outcome::of(&decision::TOO_BIG, &why))
        } else if needs.eight_bit && !offer.has(Extension::EightBitMime) {
            let why = "8-bit text, and the server does not offer 8BITMIME";
            Some(Outcome::of(&decision::EIGHT_BIT, why))
        } else if needs.utf8 && !offer.has(Extension::SmtpUtf8) {
            let why = "beyond ASCII, and the server does not offer SMTPUTF8";
            Some(Outcome::of(&decision::BEYOND_ASCII, why))
        } else if self.plan.iter().any(is_bad) {
            let why = "a control character in an address";
            Some(Outcome::of(&decision::BAD_ADDRESS, why))
        } else {
            None
        }
    }

    /// What the next answer is for. `is_further`: the connection has carried
    /// a mail before this one.
    pub fn step(&self, stage: Stage, is_further: bool) -> Step {
        match stage {
            Stage::Greeting => Step::Greeting,
            Stage::Ehlo => Step::Ehlo,
            Stage::Helo => Step::Helo,
            Stage::Envelope => self.planned_step(is_further),
            Stage::Text => Step::Text,
            Stage::Dot if self.has_accepted() => Step::Dot,
            Stage::Dot => Step::DotInVain,
        }
    }

    fn planned_step(&self, is_further: bool) -> Step {
        match self.plan.get(self.heard) {
            Some(ClientCommand::Rset) => Step::Rset,
            Some(ClientCommand::Mail(..)) if is_further => Step::MailAgain,
            Some(ClientCommand::Mail(..)) => Step::Mail,
            Some(ClientCommand::Rcpt(_)) if !self.has_unanswered() => {
                Step::RcptInVain
            }
            Some(ClientCommand::Rcpt(_)) if self.has_accepted() => {
                Step::RcptAfterYes
            }
            Some(ClientCommand::Rcpt(_)) => Step::Rcpt,
            Some(
                ClientCommand::Data
                | ClientCommand::Dot
                | ClientCommand::Ehlo(_)
                | ClientCommand::Helo(_)
                | ClientCommand::Quit,
            )
            | None => match self.has_accepted() {
                true => Step::Data,
                false => Step::DataInVain,
            },
        }
    }

    /// Enters what an answer means for the recipients.
    pub(super) fn apply(&mut self, act: Act, outcome: &Outcome) {
        let settled = Answer::Settled(outcome.clone());
        let unanswered =
            self.answers.iter_mut().filter(|a| **a == Answer::None);
        match act {
            Act::Accept => {
                unanswered.take(1).for_each(|a| *a = Answer::Accepted);
            }
            Act::SettleOne(_) => {
                unanswered.take(1).for_each(|a| a.clone_from(&settled));
            }
            Act::SettleAll(_) => {
                unanswered.for_each(|a| a.clone_from(&settled))
            }
            Act::SettleAccepted(_) | Act::Abort(_) => {
                let accepted = |a: &&mut Answer| **a == Answer::Accepted;
                let answers = self.answers.iter_mut().filter(accepted);
                answers.for_each(|a| a.clone_from(&settled));
            }
            Act::SayEhlo
            | Act::SayHelo
            | Act::Open
            | Act::GoOn
            | Act::SendText
            | Act::SendDot
            | Act::Elsewhere(_)
            | Act::Anew => {}
        }
    }

    /// One more of the planned commands was answered.
    pub(super) fn count_answer(&mut self) {
        self.heard += 1;
    }

    /// Whether commands were said that have no answer yet.
    pub(super) fn awaits_more(&self) -> bool {
        self.heard < self.said
    }

    /// Whether there is nothing left to say, or nobody left to say it for.
    pub(super) fn is_over(&self) -> bool {
        let has_some = self.has_unanswered() || self.has_accepted();
        self.said == self.plan.len() || !has_some
    }

    /// The next commands that leave in one write: one, or with PIPELINING as
    /// many as the limit allows. DATA is the last in any case.
    pub(super) fn next_group(
        &mut self,
        is_pipelined: bool,
    ) -> Vec<ClientCommand> {
        let mut group = Vec::new();
        let mut size = 0;
        while let Some(command) = self.plan.get(self.said) {
            size += command.to_string().len() + b"\r\n".len();
            let fits = is_pipelined && size <= GROUP_LIMIT;
            if !group.is_empty() && !fits {
                break;
            }
            group.push(command.clone());
            self.said += 1;
        }
        group
    }

    /// A fate for each recipient; without a final answer it is `open`.
    pub(super) fn fates(self, open: &Outcome) -> Vec<Fate> {
        let fate = |answer| match answer {
            Answer::Settled(outcome) => Fate::Settled(outcome),
            Answer::None | Answer::Accepted => Fate::Open(open.clone()),
        };
        self.answers.into_iter().map(fate).collect()
    }

    /// The same when the delivery is over, and all have their answer.
    pub(super) fn settled(self) -> Vec<Fate> {
        let fate = |answer| match answer {
            Answer::Settled(outcome) => Some(Fate::Settled(outcome)),
            Answer::None | Answer::Accepted => None,
        };
        self.answers.into_iter().filter_map(fate).collect()
    }

    fn has_accepted(&self) -> bool {
        self.answers.contains(&Answer::Accepted)
    }

    fn has_unanswered(&self) -> bool {
        self.answers.contains(&Answer::None)
    }
}
