//! What `pillarbox grade` is asked to do, as plain values.

use std::path::PathBuf;
use std::time::Duration;

use crate::transcript::format::script::MailboxAddress;
use crate::transcript::judge::target::Rules;
use crate::transcript::settings::Chosen;

/// In a command: the folder of a submission.
pub(crate) const DIR: &str = "{dir}";

/// All that the command line says.
#[derive(Debug, Clone)]
pub struct GradeSettings {
    /// The folder of the class: each folder in it is a submission.
    pub class: PathBuf,
    /// Transcripts and folders of them; none for those that are built in.
    pub files: Vec<PathBuf>,
    /// The folder of the results.
    pub out: PathBuf,
    /// How many pages are played at the same time, of all submissions.
    pub jobs: usize,
    /// How each submission is graded.
    pub terms: Terms,
}

/// What a grade depends on, besides the submission and the transcripts.
#[derive(Debug, Clone)]
pub struct Terms {
    /// The command that starts a server, with `{dir}` and `{port}`.
    pub command: String,
    /// The command that builds it first, with `{dir}`.
    pub build: Option<String>,
    /// Options of `pillarbox replay` that ask in the same way.
    pub again: Vec<String>,
    /// How the server is judged.
    pub rules: Rules,
    /// Which of the transcripts.
    pub chosen: Chosen,
    /// Extensions that a server must offer, if that was said.
    pub extensions: Option<Vec<String>>,
    /// Where a server stores the mail of an address.
    pub maildirs: Vec<(MailboxAddress, PathBuf)>,
    /// How long a server may take to start.
    pub wait: Duration,
    /// Whether `should` and `may` count.
    pub strict: bool,
    /// How long one submission may take in all.
    pub most_time: Duration,
    /// How many bytes its server may write for a page.
    pub most_written: u64,
}
