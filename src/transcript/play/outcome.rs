//! What became of a page that was played.

use std::time::Duration;

use crate::transcript::judge::failure::Failure;

/// What became of a transcript.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Everything was as it is written.
    Pass,
    /// Something was not.
    Fail(Box<Failure>),
    /// It was not played, or nobody came to play with; the reason.
    Skip(String),
    /// It was not played because something that it depends on does not work.
    /// That is the server's fault, and told elsewhere.
    Lost(String),
    /// There was no server, so nothing can be said.
    NoServer(Box<Failure>),
}

/// A transcript that was played, or skipped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Played {
    /// What became of it.
    pub outcome: Outcome,
    /// What nobody checked, or what was let pass.
    pub notes: Vec<String>,
    /// A mailbox that nobody could look into, and why; then nobody knows
    /// whether all was right.
    pub unchecked: Option<String>,
    /// All that was said.
    pub talk: Vec<TalkLine>,
    /// How long it took.
    pub time: Duration,
}

impl Played {
    /// Nothing was said, or nobody wrote it down.
    pub(crate) fn without_talk(outcome: Outcome) -> Played {
        Played {
            outcome,
            notes: Vec::new(),
            unchecked: None,
            talk: Vec::new(),
            time: Duration::ZERO,
        }
    }
}

/// Something that was said, or seen, in a transcript.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TalkLine {
    /// The line of the file that it belongs to.
    pub line: usize,
    /// As it could be written in the file.
    pub text: String,
    /// Whether it is what the file says.
    pub is_expected: bool,
}
