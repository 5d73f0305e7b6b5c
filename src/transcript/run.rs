//! Runs one transcript, or a folder of them, against our own program.
//!
//! Interface:
//!   `run`         one transcript
//!   `read_all`    reads every `.txt` file under a folder
//!   `run_all`     many transcripts, some at the same time
//!
//! All files are read before the first one is run: a slip of the pen in the
//! last one is told before anything was sent.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::thread;

use super::failure::Failure;
use super::header::Plays;
use super::own_server::OwnServer;
use super::parse::{ParseError, read};
use super::replay::{DEADLINE, Target};
use super::script::Transcript;

/// What became of a transcript.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Everything was as it is written.
    Pass,
    /// Something was not.
    Fail(Box<Failure>),
    /// It was not played, for this reason.
    Skip(String),
    /// Our own server did not start, so nothing can be said.
    NoServer(String),
}

/// Starts our own program, plays the transcript, and ends the program.
pub fn run(binary: &Path, transcript: &Transcript) -> Outcome {
    if transcript.header.plays == Plays::Server {
        return Outcome::Skip("it plays the server".into());
    }
    let server = match OwnServer::start(binary, &transcript.header.server) {
        Ok(server) => server,
        Err(reason) => return Outcome::NoServer(reason),
    };
    let target = Target {
        address: server.address(),
        mail: server.mail(),
        deadline: DEADLINE,
    };
    let result = target.replay(transcript);
    let log = server.stop();
    match result {
        Ok(()) => Outcome::Pass,
        Err(mut failure) => {
            if failure.unanswered {
                failure.log = log;
            }
            Outcome::Fail(failure)
        }
    }
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
    match errors.is_empty() {
        true => Ok(transcripts),
        false => Err(errors),
    }
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

/// Runs the transcripts, up to `jobs` at the same time.
///
/// The outcomes stand in the order of the transcripts.
pub fn run_all(
    binary: &Path,
    transcripts: &[Transcript],
    jobs: usize,
) -> Vec<Outcome> {
    let next = AtomicUsize::new(0);
    let (sender, results) = channel();
    thread::scope(|scope| {
        for _ in 0..jobs.clamp(1, transcripts.len().max(1)) {
            let (next, sender) = (&next, sender.clone());
            scope.spawn(move || {
                let take = || next.fetch_add(1, Ordering::Relaxed);
                let mut number = take();
                while let Some(transcript) = transcripts.get(number) {
                    let _ = sender.send((number, run(binary, transcript)));
                    number = take();
                }
            });
        }
    });
    drop(sender);
    let mut outcomes: Vec<(usize, Outcome)> = results.iter().collect();
    outcomes.sort_by_key(|(number, _)| *number);
    outcomes.into_iter().map(|(_, outcome)| outcome).collect()
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
        let outcome = run(Path::new("true"), &testing::read(file).unwrap());
        assert_eq!(outcome, Outcome::Skip("it plays the server".into()));
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
