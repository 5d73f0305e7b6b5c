//! What `pillarbox replay` is asked to do, as plain values.
//!
//! `options/replay.rs` reads the command line into `ReplaySettings`;
//! `command.rs` does what they say.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::transcript::format::header::Header;
use crate::transcript::format::said::Said;
use crate::transcript::format::script::MailboxAddress;
use crate::transcript::judge::target::Rules;
use crate::transcript::report::formats::Format;

/// All that the command line says.
#[derive(Debug, Clone)]
pub struct ReplaySettings {
    /// What is done with the files.
    pub task: Task,
    /// Transcripts and folders of them, or reports for the matrix.
    pub files: Vec<PathBuf>,
    /// The server, or the client, that is judged.
    pub subject: Subject,
    /// How it is judged.
    pub rules: Rules,
    /// Which of the transcripts.
    pub chosen: Chosen,
    /// Extensions that another server must offer, if that was said.
    pub extensions: Option<Vec<String>>,
    /// `Server:` options that another server was configured with.
    pub have: Vec<(String, String)>,
    /// Where another server stores the mail of an address.
    pub maildirs: Vec<(MailboxAddress, PathBuf)>,
    /// How long the server may take to start.
    pub wait: Duration,
    /// Whether `should` and `may` count.
    pub strict: bool,
    /// What the report looks like.
    pub format: Format,
    /// Where it goes, if not to standard output.
    pub out: Option<PathBuf>,
    /// How many transcripts are played at the same time.
    pub jobs: usize,
    /// The options that say whose talk it is, for a command that shows it.
    pub again: Vec<String>,
}

/// What is done with the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    /// They are played, and judged.
    Judge,
    /// One of them is played up to this line, and its talk is shown.
    Show(usize),
    /// They are listed.
    List,
    /// They are read, and checked for what this repository keeps to.
    Check,
    /// They are reports, and become a table.
    Matrix,
    /// They are made to say what our own server says.
    Bless {
        /// The new pages take the place of the old ones.
        accept: bool,
        /// Changed codes are taken as well.
        accept_codes: bool,
    },
    /// One of them, which plays the server, is played to the clients that
    /// connect there.
    Listen {
        /// Where.
        address: SocketAddr,
        /// Whether it is played again and again, until we are ended.
        repeat: bool,
    },
}

/// Which of the transcripts are meant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Chosen {
    /// Those that can be understood by this chapter.
    pub stage: Option<u8>,
    /// Those about a section of an RFC, as `4.5.2` or `RFC 5321 4.5.2`.
    pub section: Option<String>,
}

impl Chosen {
    /// Whether a transcript with this header is.
    pub fn has(&self, header: &Header) -> bool {
        let is_early = match (self.stage, header.stage) {
            (None, _) => true,
            (Some(now), Some(stage)) => stage <= now,
            (Some(_), None) => false,
        };
        let section = self.section.as_deref();
        is_early && section.is_none_or(|section| header.is_about(section))
    }
}

/// The server or the client that is judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// Our own program, started for each transcript.
    Own,
    /// A server that runs, as `HOST:PORT`.
    Running(String),
    /// A command that starts a server, run for each transcript.
    Command(String),
    /// A command that sends a mail, run for each transcript that plays the
    /// server; and the exit codes that say more than "not sent".
    Client(String, Vec<(Said, u8)>),
}
