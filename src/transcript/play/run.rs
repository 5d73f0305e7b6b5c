//! Runs transcripts: finds a server for each one, and says what became of it.
//!
//! Interface:
//!   `Run`      how a run is done; `Run::all` does it
//!   `run_all`  many transcripts against our own program, every byte
//!
//! All files are read before the first one is run: a slip of the pen in the
//! last one is told before anything was sent.
//!
//! What is no fault of a server is skipped: our own way (`Level: own`),
//! options that it does not have, keywords that it does not offer.

use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Instant;

use super::outcome::{Outcome, Played};
use super::probe::Keywords;
use super::replay::replay;
use crate::transcript::format::header::{Header, Level, Plays};
use crate::transcript::format::script::{Source, Transcript};
use crate::transcript::judge::failure::{Failure, Mismatch};
use crate::transcript::judge::target::Rules;
use crate::transcript::stand::process::NotStarted;
use crate::transcript::stand::server::Stand;

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
    keywords: OnceLock<Keywords>,
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
            keywords: OnceLock::new(),
            has_met: AtomicBool::new(false),
            has_given_up: AtomicBool::new(false),
        }
    }

    /// Runs the transcripts. What became of them comes in their order;
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
            .filter(|(key, _)| !self.stand.takes(key))
            .filter(|option| !self.have.contains(option))
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        if !lacking.is_empty() {
            return Some(format!("needs {}", lacking.join(" ")));
        }
        if header.needs.is_empty() {
            return None;
        }
        let keywords = self.keywords.get_or_init(|| self.ask());
        keywords.lacks(&header.needs)
    }

    /// Asks another server what it offers.
    fn ask(&self) -> Keywords {
        match self.stand.serve(&[]) {
            Ok((server, target)) => {
                let keywords = Keywords::of(&target, &self.rules);
                server.stop();
                keywords
            }
            Err(NotStarted { reason, .. }) => Keywords::unknown(reason),
        }
    }

    fn play(&self, page: &Transcript) -> Played {
        let served = self.stand.serve(&page.header.server);
        let (server, target) = match served {
            Ok(served) => served,
            Err(NotStarted { reason, log }) => {
                let mut failure = not_started(page, reason);
                failure.log = log;
                return Played::without_talk(Outcome::NoServer(failure));
            }
        };
        let mut played = replay(&target, &self.rules, page, self.last_line);
        let log = server.stop();
        // What the server printed matters if it gave no answer at all.
        match &mut played.outcome {
            Outcome::Fail(failure) | Outcome::NoServer(failure)
                if failure.unanswered =>
            {
                failure.log = log;
            }
            Outcome::Pass
            | Outcome::Fail(_)
            | Outcome::Skip(_)
            | Outcome::NoServer(_) => {}
        }
        played
    }
}

/// The failure of a server that did not start: it has no line.
fn not_started(transcript: &Transcript, reason: String) -> Box<Failure> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transcript::format::testing;

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
