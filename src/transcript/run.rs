//! Runs transcripts: finds a server for each one, and says what became of it.
//!
//! Interface:
//!   `Run`       how a run is done; `Run::all` does it
//!   `read_all`  reads every `.txt` file under a folder
//!   `run_all`   many transcripts against our own program, every byte
//!
//! All files are read before the first one is run: a slip of the pen in the
//! last one is told before anything was sent.
//!
//! What is no fault of a server is skipped: our own way (`Level: own`),
//! options that it does not have, keywords that it does not offer.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use super::failure::{Failure, Mismatch};
use super::header::{Header, Level, Plays};
use super::own_server::NotStarted;
use super::parse::{ParseError, read};
use super::probe::Offer;
use super::replay::{Play, Stop};
use super::script::{Source, Transcript};
use super::show::TalkLine;
use super::stand::Stand;
use super::target::Rules;

/// What became of a transcript.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Everything was as it is written.
    Pass,
    /// Something was not.
    Fail(Box<Failure>),
    /// It was not played, for this reason.
    Skip(String),
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
    /// All that was said.
    pub talk: Vec<TalkLine>,
    /// How long it took.
    pub time: Duration,
}

/// How a run is done.
#[derive(Debug)]
pub struct Run {
    /// Where each transcript finds its server.
    pub stand: Stand,
    /// How the server is judged.
    pub rules: Rules,
    /// `Server:` options that another server was configured with.
    pub have: Vec<(String, String)>,
    /// How many transcripts are played at the same time.
    pub jobs: usize,
    /// How far each one is played.
    pub last_line: usize,
    /// What another server offers; asked once, if somebody needs to know.
    offer: OnceLock<Offer>,
    /// Whether a server was there, once.
    has_met: AtomicBool,
    /// Whether none was there the first time: then nobody waits for it again.
    has_given_up: AtomicBool,
}

impl Run {
    /// A run of whole files, one after the other.
    pub fn new(stand: Stand, rules: Rules) -> Run {
        Run {
            stand,
            rules,
            have: Vec::new(),
            jobs: 1,
            last_line: usize::MAX,
            offer: OnceLock::new(),
            has_met: AtomicBool::new(false),
            has_given_up: AtomicBool::new(false),
        }
    }

    /// Runs the transcripts. What became of them stands in their order;
    /// `progress` hears of each one as soon as it is over.
    pub fn all(
        &self,
        transcripts: &[Transcript],
        progress: &mut dyn FnMut(&Played),
    ) -> Vec<Played> {
        let next = AtomicUsize::new(0);
        let take = || next.fetch_add(1, Ordering::Relaxed);
        let (sender, results) = channel();
        let mut all: Vec<(usize, Played)> = Vec::new();
        thread::scope(|scope| {
            for _ in 0..self.jobs.clamp(1, transcripts.len().max(1)) {
                let sender = sender.clone();
                scope.spawn(move || {
                    let mut number = take();
                    while let Some(transcript) = transcripts.get(number) {
                        let _ = sender.send((number, self.one(transcript)));
                        number = take();
                    }
                });
            }
            drop(sender);
            for (number, played) in results {
                progress(&played);
                all.push((number, played));
            }
        });
        all.sort_by_key(|(number, _)| *number);
        all.into_iter().map(|(_, played)| played).collect()
    }

    /// Runs one transcript.
    fn one(&self, transcript: &Transcript) -> Played {
        let begin = Instant::now();
        let mut played = match self.unfit(&transcript.header) {
            Some(reason) => Played::without_talk(Outcome::Skip(reason)),
            None => self.play(transcript),
        };
        played.time = begin.elapsed();
        match &played.outcome {
            Outcome::Pass | Outcome::Fail(_) => {
                self.has_met.store(true, Ordering::Relaxed);
            }
            Outcome::NoServer(_) if !self.has_met.load(Ordering::Relaxed) => {
                self.has_given_up.store(true, Ordering::Relaxed);
            }
            Outcome::NoServer(_) | Outcome::Skip(_) => {}
        }
        played
    }

    /// Why a transcript is not for this server, if it is not.
    fn unfit(&self, header: &Header) -> Option<String> {
        if header.plays == Plays::Server {
            return Some("it plays the server".into());
        }
        if self.stand.is_own() {
            return None;
        }
        if self.has_given_up.load(Ordering::Relaxed) {
            return Some("there is no server".into());
        }
        if header.level == Level::Own && !self.rules.judges_own {
            return Some("level own: not asked of other servers".into());
        }
        let options = header.server.iter();
        let lacking: Vec<String> = options
            .filter(|option| !self.have.contains(option))
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        if !lacking.is_empty() {
            return Some(format!("needs {}", lacking.join(" ")));
        }
        if header.needs.is_empty() {
            return None;
        }
        let offer = self.offer.get_or_init(|| self.ask());
        offer.lacks(&header.needs)
    }

    /// Asks another server what it offers.
    fn ask(&self) -> Offer {
        match self.stand.serve(&[]) {
            Ok((server, target)) => {
                let offer = Offer::of(&target, &self.rules);
                server.stop();
                offer
            }
            Err(NotStarted { reason, .. }) => Offer::unknown(reason),
        }
    }

    fn play(&self, transcript: &Transcript) -> Played {
        let served = self.stand.serve(&transcript.header.server);
        let (server, target) = match served {
            Ok(served) => served,
            Err(NotStarted { reason, log }) => {
                let mut failure = nowhere(transcript, reason);
                failure.log = log;
                return Played::without_talk(Outcome::NoServer(failure));
            }
        };
        let play = target.replay(&self.rules, transcript, self.last_line);
        let log = server.stop();
        let Play { result, talk, notes } = play;
        Played {
            outcome: outcome(transcript, result, log),
            notes,
            talk,
            time: Duration::ZERO,
        }
    }
}

impl Played {
    fn without_talk(outcome: Outcome) -> Played {
        Played {
            outcome,
            notes: Vec::new(),
            talk: Vec::new(),
            time: Duration::ZERO,
        }
    }
}

/// What the end of a play means. The log is shown if the server was silent.
fn outcome(
    transcript: &Transcript,
    result: Result<(), Stop>,
    log: Vec<String>,
) -> Outcome {
    let failure = |mismatch| {
        let mut failure = Failure::new(transcript, mismatch);
        if failure.unanswered {
            failure.log = log;
        }
        Box::new(failure)
    };
    match result {
        Ok(()) => Outcome::Pass,
        Err(Stop::Wrong(mismatch)) => Outcome::Fail(failure(mismatch)),
        Err(Stop::NoServer(mismatch)) => Outcome::NoServer(failure(mismatch)),
        Err(Stop::NoValue(reason)) => Outcome::Skip(reason),
    }
}

/// The failure of a server that did not start: it has no line.
fn nowhere(transcript: &Transcript, reason: String) -> Box<Failure> {
    let source = Source { line: 1, text: String::new() };
    Box::new(Failure::new(transcript, Mismatch::new(&source, reason, "")))
}

/// Runs the transcripts against our own program, up to `jobs` at a time.
pub fn run_all(
    program: &Path,
    transcripts: &[Transcript],
    jobs: usize,
) -> Vec<Outcome> {
    let mut run = Run::new(Stand::Own(program.into()), Rules::default());
    run.jobs = jobs;
    let played = run.all(transcripts, &mut |_| {});
    played.into_iter().map(|played| played.outcome).collect()
}

/// Reads every `.txt` file under a folder, in the order of their paths.
///
/// Either all of them are transcripts, or each one that is not has an error.
pub fn read_all(folder: &Path) -> Result<Vec<Transcript>, Vec<ParseError>> {
    let mut paths = Vec::new();
    collect(folder, &mut paths).map_err(|error| {
        vec![ParseError {
            path: folder.into(),
            line: 0,
            message: format!("cannot read the folder: {error}"),
        }]
    })?;
    paths.sort();
    let mut transcripts = Vec::new();
    let mut errors = Vec::new();
    for path in paths {
        match read(&path) {
            Ok(transcript) => transcripts.push(transcript),
            Err(error) => errors.push(error),
        }
    }
    if errors.is_empty() { Ok(transcripts) } else { Err(errors) }
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            collect(&path, paths)?;
        } else if path.extension().is_some_and(|name| name == "txt") {
            paths.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{self, MINIMAL};
    use super::*;

    #[test]
    fn all_transcripts_under_a_folder_are_read_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("02-b")).unwrap();
        fs::create_dir(at("01-a")).unwrap();
        for name in ["02-b/x.txt", "01-a/z.txt", "01-a/y.txt"] {
            fs::write(at(name), MINIMAL).unwrap();
        }
        fs::write(at("01-a/README.md"), "no transcript").unwrap();
        let all = read_all(folder.path()).unwrap();
        let paths: Vec<PathBuf> = all.into_iter().map(|t| t.path).collect();
        let wanted = ["01-a/y.txt", "01-a/z.txt", "02-b/x.txt"];
        assert_eq!(paths, wanted.map(at));
    }

    #[test]
    fn every_file_that_is_no_transcript_is_told() {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [("a", "x"), ("b", MINIMAL), ("c", "y")] {
            let path = folder.path().join(name).with_extension("txt");
            fs::write(path, text).unwrap();
        }
        assert_eq!(read_all(folder.path()).unwrap_err().len(), 2);
        let missing = folder.path().join("missing");
        let errors = read_all(&missing).unwrap_err();
        assert_eq!((errors.len(), errors[0].line), (1, 0));
    }

    #[test]
    fn a_file_that_plays_the_server_is_skipped() {
        let file = "Title: t\nLevel: own\nPlays: server\n\nS: 220 x\n";
        let transcript = testing::read(file).unwrap();
        let outcomes = run_all(Path::new("true"), &[transcript], 1);
        assert_eq!(outcomes, [Outcome::Skip("it plays the server".into())]);
    }

    #[test]
    fn outcomes_stand_in_the_order_of_the_transcripts() {
        let plays = |who| format!("Title: t\nLevel: own\nPlays: {who}\n\n");
        let file = |n| plays(if n % 2 == 0 { "server" } else { "client" });
        let transcripts: Vec<Transcript> =
            (0..10).map(|n| testing::read(&file(n)).unwrap()).collect();
        let outcomes = run_all(Path::new("false"), &transcripts, 3);
        assert_eq!(outcomes.len(), 10);
        for (number, outcome) in outcomes.iter().enumerate() {
            let skipped = matches!(outcome, Outcome::Skip(_));
            let no_server = matches!(outcome, Outcome::NoServer(_));
            assert_eq!(
                (skipped, no_server),
                (number % 2 == 0, number % 2 == 1)
            );
        }
    }
}
