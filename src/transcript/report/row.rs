//! One transcript, and the judgement on it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::transcript::format::header::Level;
use crate::transcript::judge::failure::Failure;
use crate::transcript::play::outcome::TalkLine;
use crate::words;

/// What became of one transcript.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its file.
    pub path: PathBuf,
    /// How binding it is.
    pub level: Level,
    /// The chapter by which it can be understood.
    pub stage: Option<u8>,
    /// Whether it is the page of a cause.
    pub is_cause: bool,
    /// Whether it was asked for; else it is only the reason of others.
    pub counts: bool,
    /// What it shows.
    pub title: String,
    /// The sections that it is about.
    pub spec: Vec<String>,
    /// How it ended.
    pub judgement: Judgement,
    /// What was not checked, or let pass.
    pub notes: Vec<String>,
    /// All that was said.
    pub talk: Vec<TalkLine>,
    /// How long it took.
    pub time: Duration,
}

/// How a transcript ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judgement {
    /// Everything was right.
    Pass,
    /// Something was wrong, and it counts.
    Fail(Box<Failure>),
    /// Something was wrong, but only a `should` or a `may`.
    Weak(Box<Failure>),
    /// It was not judged, for this reason.
    Skip(String),
    /// It was not judged either, and that is the server's fault: the point is
    /// lost.
    Lost(String),
    /// All that was said is right, but a mailbox could not be looked into: it
    /// counts neither way.
    Unchecked(String),
}

impl Judgement {
    /// The word for it in a report.
    pub fn word(&self) -> &'static str {
        match self {
            Judgement::Pass => "pass",
            Judgement::Fail(_) => "FAIL",
            Judgement::Weak(_) => "WEAK",
            Judgement::Skip(_) => "skip",
            Judgement::Lost(_) => "lost",
            Judgement::Unchecked(_) => "not checked",
        }
    }
}

impl Row {
    /// Its file, in one line whatever it is called.
    pub(super) fn file(&self) -> String {
        words::in_one_line(&self.path)
    }

    /// The folder and the name of the file, without its ending: enough for
    /// people, and short.
    pub(crate) fn name(&self) -> String {
        let stem = self.path.file_stem().unwrap_or_default();
        let stem = stem.to_string_lossy();
        let name = match self.path.parent().and_then(Path::file_name) {
            Some(folder) => format!("{}/{stem}", folder.to_string_lossy()),
            None => stem.into_owned(),
        };
        words::in_one_line(Path::new(&name))
    }
}

/// A failure in one line: what is wrong, and what came.
pub(crate) fn in_one_line(failure: &Failure) -> String {
    match failure.got.as_str() {
        "" => failure.message.clone(),
        got => format!("{}: {got}", failure.message),
    }
}
