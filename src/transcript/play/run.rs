//! Runs transcripts: finds a server for each one, and says what became of it.
//!
//! Interface:
//!   `Run`      how a run is done; `Run::all` does it
//!   `Results`  what became of the transcripts, and of the causes
//!   `run_all`  many transcripts against our own program, every byte
//!
//! All files are read before the first one is run: a slip of the pen in the
//! last one is told before anything was sent.
//!
//! What is no fault of a server is skipped: our own way (`Level: own`),
//! options that it does not have, keywords that it does not offer. Of another
//! server the pages of causes are played first (`causes.rs`). Where one fails,
//! those that depend on it are lost, and not played.
//!
//! A busy machine must not cost a point: where a reply was waited for in vain,
//! or a server to listen, the page is played once more, with a new server or on
//! a new connection. A server that is silent then as well, after the connection
//! or after HELO, will say nothing to anybody: no other page waits for it.

use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use super::causes::{CausePage, FailedCauses, because_of, needed};
use super::outcome::{Outcome, Played};
use super::probe::Keywords;
use super::replay::replay;
use super::side_by_side::side_by_side;
use crate::transcript::format::cause::Cause;
use crate::transcript::format::header::{Header, Level, Plays};
use crate::transcript::format::script::{Action, Source, Transcript};
use crate::transcript::judge::failure::{Failure, Mismatch};
use crate::transcript::judge::target::{Leniency, Match, Rules};
use crate::transcript::stand::process::NotStarted;
use crate::transcript::stand::server::Stand;

/// How often a page is begun if the server of another page takes the port.
const TRIES: usize = 5;

/// How a run is done.
#[derive(Debug)]
pub struct Run {
    /// Where each transcript finds its server.
    pub stand: Stand,
    /// How the server is judged.
    pub rules: Rules,
    /// `Server:` options that another server was configured with.
    pub have: Vec<(String, String)>,
    /// Extensions that another server must offer, if that was said. Then no
    /// other extension is asked for.
    pub extensions: Option<Vec<String>>,
    /// How many transcripts are played at the same time.
    pub jobs: usize,
    /// How far each one is played.
    pub last_line: usize,
    /// What another server offers; asked once, if somebody needs to know.
    keywords: OnceLock<Keywords>,
    failed: FailedCauses,
    /// Why nothing more is judged, once that is so.
    ended: OnceLock<String>,
    /// Whether a server was there, once.
    has_met: AtomicBool,
    /// Whether none was there the first time: then nobody waits for it again.
    has_given_up: AtomicBool,
}

/// What became of a run.
#[derive(Debug)]
pub struct Results {
    /// The pages of causes that were not among the transcripts.
    pub causes: Vec<(Transcript, Played)>,
    /// What became of each transcript, in their order.
    pub played: Vec<Played>,
}

impl Run {
    /// A run of whole files, one after the other.
    pub fn new(stand: Stand, rules: Rules) -> Run {
        Run {
            stand,
            rules,
            have: Vec::new(),
            extensions: None,
            jobs: 1,
            last_line: usize::MAX,
            keywords: OnceLock::new(),
            failed: FailedCauses::default(),
            ended: OnceLock::new(),
            has_met: AtomicBool::new(false),
            has_given_up: AtomicBool::new(false),
        }
    }

    /// Runs the transcripts. `progress` hears of each one as soon as it is
    /// over.
    pub fn all(
        &self,
        transcripts: &[Transcript],
        progress: &mut dyn FnMut(&Played),
    ) -> Results {
        let mut all: Vec<Option<Played>> = vec![None; transcripts.len()];
        let mut causes = Vec::new();
        for page in self.causes(transcripts) {
            match page {
                CausePage::Asked(number) => {
                    let page = transcripts.get(number);
                    let played = page.map(|page| self.one(page));
                    played.iter().for_each(&mut *progress);
                    if let Some(place) = all.get_mut(number) {
                        *place = played;
                    }
                }
                CausePage::BuiltIn(page) => {
                    let played = self.one(&page);
                    causes.push((*page, played));
                }
            }
        }
        let rest: Vec<usize> = (0..transcripts.len())
            .filter(|number| matches!(all.get(*number), Some(None)))
            .collect();
        self.side_by_side(transcripts, &rest, &mut |number, played| {
            progress(&played);
            if let Some(place) = all.get_mut(number) {
                *place = Some(played);
            }
        });
        Results { causes, played: all.into_iter().flatten().collect() }
    }

    /// The pages of causes, of which our own server needs none: each of its
    /// pages is judged. Nor does a page that is only shown.
    pub(crate) fn causes(&self, transcripts: &[Transcript]) -> Vec<CausePage> {
        if self.stand.is_own() || self.last_line < usize::MAX {
            return Vec::new();
        }
        let fits = |number: &usize| {
            let page = transcripts.get(*number);
            page.is_some_and(|page| self.is_asked(&page.header).is_ok())
        };
        let fit: Vec<usize> = (0..transcripts.len()).filter(fits).collect();
        let pages: Vec<&Transcript> =
            fit.iter().filter_map(|number| transcripts.get(*number)).collect();
        let place = |page: CausePage| match page {
            CausePage::Asked(found) => {
                let number = fit.get(found).copied();
                CausePage::Asked(number.unwrap_or(usize::MAX))
            }
            built_in @ CausePage::BuiltIn(_) => built_in,
        };
        needed(&pages).into_iter().map(place).collect()
    }

    /// Runs those with these numbers, up to `jobs` at the same time.
    fn side_by_side(
        &self,
        transcripts: &[Transcript],
        numbers: &[usize],
        over: &mut dyn FnMut(usize, Played),
    ) {
        let number = |place: usize| numbers.get(place).copied();
        let one = |place| {
            let transcript = transcripts.get(number(place)?)?;
            Some(self.one(transcript))
        };
        side_by_side(self.jobs, numbers.len(), &one, &mut |place, played| {
            over(number(place).unwrap_or(usize::MAX), played);
        });
    }

    /// From now on nothing more is judged, for this reason.
    pub(crate) fn end(&self, reason: String) {
        let _ = self.ended.set(reason);
    }

    /// Runs one transcript.
    pub(crate) fn one(&self, transcript: &Transcript) -> Played {
        let begin = Instant::now();
        let mut played = match self.unfit(&transcript.header) {
            Some(outcome) => Played::without_talk(outcome),
            None => self.play_again_if_late(transcript),
        };
        played.time = begin.elapsed();
        self.learn(transcript, &played.outcome);
        played
    }

    /// What the rest of the run should know.
    fn learn(&self, page: &Transcript, outcome: &Outcome) {
        match outcome {
            Outcome::Pass | Outcome::Fail(_) => {
                self.has_met.store(true, Ordering::Relaxed);
            }
            Outcome::NoServer(_)
                if !is_ours(outcome)
                    && !self.has_met.load(Ordering::Relaxed) =>
            {
                self.has_given_up.store(true, Ordering::Relaxed);
            }
            Outcome::NoServer(_) | Outcome::Skip(_) | Outcome::Lost(_) => {}
        }
        // One that is skipped keeps nobody from anything, and after the end
        // there is another reason.
        let has_failed = match outcome {
            Outcome::Fail(_) | Outcome::NoServer(_) => true,
            Outcome::Lost(_) => self.ended.get().is_none(),
            Outcome::Pass | Outcome::Skip(_) => false,
        };
        if let (Some(cause), true) = (page.header.cause, has_failed) {
            self.failed.add(cause, page);
            if cause.is_first_word() && is_late(outcome) && !self.stand.is_own()
            {
                self.end(because_of(cause, page));
            }
        }
    }

    /// Why a transcript is not played with this server, if it is not.
    fn unfit(&self, header: &Header) -> Option<Outcome> {
        if let Err(reason) = self.is_asked(header) {
            return Some(Outcome::Skip(reason));
        }
        if self.stand.is_own() {
            return None;
        }
        // What is not offered is no fault, unless somebody said that it is.
        let lack = self.lacks(&header.needs);
        if let (Some(reason), None) = (&lack, &self.extensions) {
            return Some(Outcome::Skip(reason.clone()));
        }
        let cause = self.failed.keep_from(header);
        let ended = self.ended.get().cloned();
        let gone = self.has_given_up.load(Ordering::Relaxed);
        let gone = gone.then(|| "there is no server".to_owned());
        cause.or(ended).or(gone).or(lack).map(Outcome::Lost)
    }

    /// What another server does not offer of this.
    fn lacks(&self, needs: &[String]) -> Option<String> {
        if needs.is_empty() {
            return None;
        }
        let is_over = self.has_given_up.load(Ordering::Relaxed)
            || self.ended.get().is_some();
        if is_over && self.keywords.get().is_none() {
            return Some(format!("needs {}", needs.join(" ")));
        }
        self.keywords.get_or_init(|| self.ask()).lacks(needs)
    }

    /// Whether a server of this kind is asked for this at all; or why not.
    /// Nobody is asked for that.
    fn is_asked(&self, header: &Header) -> Result<(), String> {
        if header.plays == Plays::Server {
            return Err("it plays the server".into());
        }
        if self.stand.is_own() {
            return Ok(());
        }
        if header.level == Level::Own && !self.rules.judges_own {
            return Err("level own: not asked of other servers".into());
        }
        let options = header.server.iter();
        let lacking: Vec<String> = options
            .filter(|(key, _)| !self.stand.takes(key))
            .filter(|option| !self.have.contains(option))
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        if !lacking.is_empty() {
            return Err(format!("needs {}", lacking.join(" ")));
        }
        let is_wanted = |need: &&String| {
            let all = self.extensions.as_ref();
            all.is_some_and(|all| !all.contains(need))
        };
        match header.needs.iter().find(is_wanted) {
            Some(other) => Err(format!("{other} is not among --extensions")),
            None => Ok(()),
        }
    }

    /// Asks another server what it offers.
    /// A machine that was late must not cost all pages that need a keyword.
    fn ask(&self) -> Keywords {
        let first = self.ask_once(1);
        if first.is_known() { first } else { self.ask_once(2) }
    }

    /// Asks; the server may take `times` as long as usual to start.
    fn ask_once(&self, times: u32) -> Keywords {
        match self.stand.serve(&[]) {
            Ok((server, mut target)) => {
                target.wait *= times;
                let keywords = Keywords::of(&target, &self.rules);
                let is_wrong = server.is_driven_out(keywords.is_known());
                server.stop();
                match is_wrong {
                    true => Keywords::unknown("another has its port".into()),
                    false => keywords,
                }
            }
            Err(NotStarted { reason, .. }) => Keywords::unknown(reason),
        }
    }

    /// Where nothing came at all, it may be the machine that was late.
    fn play_again_if_late(&self, page: &Transcript) -> Played {
        let first = self.play(page, 1);
        let is_silence = |action: &Action| matches!(action, Action::Silence(_));
        let mut actions = page.steps.iter().map(|step| &step.action);
        let is_late = is_late(&first.outcome);
        if self.stand.is_own() || !is_late || actions.any(is_silence) {
            return first;
        }
        // One that has not even listened has more time now.
        let is_there = matches!(first.outcome, Outcome::Fail(_));
        let mut second = self.play(page, if is_there { 1 } else { 2 });
        let why = match is_ours(&first.outcome) {
            true => "this machine could not start it",
            false => "the server was too late",
        };
        second.notes.push(format!("played twice: the first time {why}"));
        second
    }

    /// Plays the page; the server may take `times` as long as usual to start.
    fn play(&self, page: &Transcript, times: u32) -> Played {
        self.play_up_to(TRIES, page, times)
    }

    /// Where the server of another page has taken the port, what was played is
    /// worth nothing, and a new server gets a new port.
    fn play_up_to(
        &self,
        tries: usize,
        page: &Transcript,
        times: u32,
    ) -> Played {
        let served = self.stand.serve(&page.header.server);
        let (server, mut target) = match served {
            Ok(served) => served,
            Err(NotStarted { reason, log }) => {
                let mut failure = not_started(page, reason);
                failure.log = log;
                // Once more: other programs may have taken what was lacking.
                failure.timed_out = !self.stand.is_own();
                failure.is_ours = true;
                return Played::without_talk(Outcome::NoServer(failure));
            }
        };
        target.wait *= times;
        let leniency = self.leniency(&page.header);
        let last = self.last_line;
        // Our own server says all that it has to say in its replies.
        let is_own = self.stand.is_own();
        let printed = || if is_own { usize::MAX } else { server.printed() };
        let mut played =
            replay(&target, &self.rules, page, leniency, last, &printed);
        let has_passed = matches!(played.outcome, Outcome::Pass);
        if tries > 1 && server.is_driven_out(has_passed) {
            server.stop();
            return self.play_up_to(tries - 1, page, times);
        }
        match &mut played.outcome {
            Outcome::Fail(failure) => {
                failure.log = server.stop_and_tell(failure.log_from);
                // Whether ours had time to say goodbye is nobody's business.
                failure.log.retain(|line| !is_own || is_trouble(line));
            }
            Outcome::NoServer(failure) => {
                let is_running = server.is_running();
                // It may only be slow to start.
                failure.timed_out = is_running;
                failure.hint = failure.hint.take().or(self.why(is_running));
                failure.log = server.stop_and_tell(0);
            }
            Outcome::Pass | Outcome::Skip(_) | Outcome::Lost(_) => {
                server.stop();
            }
        }
        played
    }

    /// Why nobody may have listened.
    fn why(&self, is_running: bool) -> Option<String> {
        let hint = match (&self.stand, is_running) {
            (Stand::Own(_), _) => return None,
            (Stand::Running { .. }, _) => {
                "is the server running? One that is still starting may be \
                 waited for with --wait"
            }
            (Stand::Command { .. }, true) => {
                "the command runs, but nobody listens on the port that was \
                 filled in for {port}: does the server take it, and listen on \
                 127.0.0.1?"
            }
            (Stand::Command { .. }, false) => {
                "the command has ended: type it yourself, with a number for \
                 {port}, and see what it says"
            }
        };
        Some(hint.to_owned())
    }

    /// What is noted and played on, unless this page is about it.
    fn leniency(&self, header: &Header) -> Leniency {
        if self.rules.matching == Match::Exact {
            return Leniency::default();
        }
        let is_about = |cause| header.cause == Some(cause);
        let quit = !is_about(Cause::Quit);
        Leniency {
            line_ends: !is_about(Cause::LineEnds),
            closing: quit,
            quit: quit && self.failed.has(Cause::Quit),
        }
    }
}

/// Whether a line of our own log is about something that went wrong.
fn is_trouble(line: &str) -> bool {
    [" ERROR ", "panicked"].iter().any(|word| line.contains(word))
}

/// Whether a reply, or a server to listen, was waited for in vain.
fn is_late(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Fail(failure) | Outcome::NoServer(failure) => {
            failure.timed_out
        }
        Outcome::Pass | Outcome::Skip(_) | Outcome::Lost(_) => false,
    }
}

/// Whether it says nothing of the server.
fn is_ours(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::NoServer(failure) if failure.is_ours)
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
    let Results { played, .. } = run.all(transcripts, &mut |_| {});
    played.into_iter().map(|played| played.outcome).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transcript::format::testing;
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::thread;
    use std::time::Duration;

    #[test]
    fn a_file_that_plays_the_server_is_skipped() {
        let file = "Title: t\nLevel: own\nPlays: server\n\nS: 220 x\n";
        let transcript = testing::read(file).unwrap();
        let outcomes = run_all(Path::new("true"), &[transcript], 1);
        assert_eq!(outcomes, [Outcome::Skip("it plays the server".into())]);
    }

    /// A machine that was late once must not cost all pages with `Needs`.
    #[test]
    fn what_a_server_offers_is_asked_again_if_it_was_not_told() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addresses = vec![listener.local_addr().unwrap()];
        thread::spawn(move || {
            // The first connection hears nothing.
            drop(listener.accept());
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.write_all(b"220 hi\r\n250-mx\r\n250 SIZE\r\n");
            let _ = stream.read_to_end(&mut Vec::new());
        });
        let maildirs = Vec::new();
        let stand =
            Stand::Running { addresses, wait: Duration::ZERO, maildirs };
        let run = Run::new(stand, Rules::default());
        assert!(run.ask().is_known());
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
