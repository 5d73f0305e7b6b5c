//! What a transcript is made of, once it has been read.
//!
//! Interface:
//!   `Transcript`  one file: its header and its steps
//!   `Step`        one line of the play, one reply, or one look into a mailbox
//!   `Action`      what is done in a step
//!
//! Each line keeps its number and its words as the file has them: a failure
//! quotes the line, and never a line that was rewritten.
//!
//! How a file becomes a `Transcript`: see `parse.rs`. What a step does against
//! a server: see `play/player.rs`.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use super::header::Header;
use super::text::Text;

/// The reply after which a client sends its message (RFC 5321 4.3.2).
pub(crate) const START_MAIL_INPUT: u16 = 354;

/// One file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transcript {
    /// Where it was read, as it was given.
    pub path: PathBuf,
    /// What comes before the first empty line.
    pub header: Header,
    /// What is done, from top to bottom. Notes and empty lines are no steps.
    pub steps: Vec<Step>,
    /// The notes between the steps, without their `#`.
    pub notes: Vec<Source>,
    /// How many lines the file has.
    pub length: usize,
    /// A number for its bytes: another one as soon as one of them is.
    pub digest: u64,
}

/// A line of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Its number, from 1.
    pub line: usize,
    /// The whole line, as the file has it.
    pub text: String,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Where it begins.
    pub source: Source,
    /// Which client, 1 to 9; none if the line has no number.
    pub client: Option<u8>,
    /// What is done.
    pub action: Action,
}

/// What is done in a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// `C: text`: the client says a line.
    Send(Text),
    /// `C> text`: the client sends exactly these bytes.
    SendRaw(Text),
    /// `S: 250 text`: the server says a whole reply.
    Reply(ReplyStep),
    /// `S> text`: the server sends exactly these bytes (`Plays: server`).
    ReplyRaw(Text),
    /// `(client connects)`
    ClientConnects,
    /// `(client closes)`: without QUIT.
    ClientCloses,
    /// `(server closes)`: and has said nothing more.
    ServerCloses,
    /// `(silence 300ms)`: the server sends nothing for that long.
    Silence(Duration),
    /// `(wait 300ms)`: the client does nothing for that long.
    Wait(Duration),
    /// `(mailbox ...)`, with the `M:` lines that follow.
    Mailbox(MailboxStep),
    /// `(rest of message)`: all lines up to the final dot (`Plays: server`),
    /// with the `M:` lines that follow.
    RestOfMessage(MessageStep),
    /// `(also right: QUIT)`, after a line of the client: it may leave here
    /// instead (`Plays: server`).
    MayQuit,
}

/// A reply that is expected, or, with `Plays: server`, said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplyStep {
    /// Three digits, the same in all lines.
    pub code: u16,
    /// The lines in the file; never empty.
    pub lines: Vec<ReplyLine>,
    /// `S: ...`, if the rest of the reply is free.
    pub rest: Option<Source>,
    /// `(also right: ...)`, for other servers.
    pub also_right: Vec<AlsoRight>,
    /// `(passed with: ...)`: codes after which the page has no more to ask, for
    /// other servers.
    pub passed_with: Vec<AlsoRight>,
}

impl ReplyStep {
    /// Whether more lines of this reply must follow in the file.
    pub fn is_open(&self) -> bool {
        self.rest.is_none() && self.lines.last().is_some_and(|line| line.more)
    }
}

/// One line of a reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplyLine {
    /// Where it is in the file.
    pub source: Source,
    /// A hyphen after the code: more lines follow.
    pub more: bool,
    /// What comes after the code.
    pub text: Text,
}

/// Another code, or a class of them, for other servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlsoRight {
    /// `502`
    Code(u16),
    /// `5xx`: any code with this first digit.
    Class(u16),
}

/// A look into a mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailboxStep {
    /// Whose mailbox.
    pub address: MailboxAddress,
    /// How many messages came since the transcript began.
    pub count: Count,
    /// What the messages contain, one list for each, in file-name order.
    pub messages: Vec<Vec<MailLine>>,
}

/// A message that a client sends.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MessageStep {
    /// How it may differ from the one that the client was given.
    pub form: Form,
    /// The message that the client is given. Where `M: ...` is, it may add
    /// lines. None: any message will do.
    pub lines: Vec<MailLine>,
}

/// How a message may differ from the one that a client was given.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Form {
    /// Not at all, where it has no `M: ...`.
    #[default]
    AsItIs,
    /// `in other words`: the client cannot send it as it is.
    InOtherWords,
    /// `in 7 bits`: the same, and no byte may be over 127.
    In7Bits,
}

/// `LOCAL@DOMAIN`, the name of a mailbox and of its folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct MailboxAddress {
    /// Before the last `@`.
    pub local_part: String,
    /// After it.
    pub domain: String,
}

impl MailboxAddress {
    /// Reads `bob@example.org`. It becomes a path, so it must not lead out of
    /// the mail folder.
    pub fn parse(text: &str) -> Result<MailboxAddress, String> {
        let is_folder = |name: &str| {
            !name.is_empty()
                && !name.starts_with('.')
                && !name.contains(['/', '\\'])
        };
        match text.rsplit_once('@') {
            Some((local_part, domain))
                if is_folder(local_part) && is_folder(domain) =>
            {
                Ok(MailboxAddress {
                    local_part: local_part.into(),
                    domain: domain.into(),
                })
            }
            _ => Err("expected an address like bob@example.org".into()),
        }
    }
}

impl fmt::Display for MailboxAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.local_part, self.domain)
    }
}

/// How many messages are expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    /// `has 1 message`, or `is empty` for none.
    Exactly(usize),
    /// `has at most 1 message`
    AtMost(usize),
}

/// One `M:` line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailLine {
    /// Where it is in the file.
    pub source: Source,
    /// Its words; none for `M: ...`, which is any number of lines.
    pub text: Option<Text>,
}

impl Action {
    /// Whether this is something that the client sends.
    pub fn is_sent_by_client(&self) -> bool {
        matches!(self, Action::Send(_) | Action::SendRaw(_))
    }

    /// Whether a client's number belongs to this action.
    pub fn has_client(&self) -> bool {
        !matches!(
            self,
            Action::Wait(_)
                | Action::Mailbox(_)
                | Action::RestOfMessage(_)
                | Action::MayQuit
        )
    }
}
