//! Every dialogue in `transcripts/`, played against the built program over a
//! real socket.
//!
//! `TRANSCRIPT=word cargo test --test transcripts` plays only those with this
//! word in their path.

// A test fails by panicking.
#![allow(clippy::panic, clippy::print_stderr, missing_docs)]

use pillarbox::protocol::reply;
use pillarbox::transcript::format::folder::read_all;
use pillarbox::transcript::format::header::{Level, Plays};
use pillarbox::transcript::format::lint::check;
use pillarbox::transcript::format::script::{Action, Transcript};
use pillarbox::transcript::play::outcome::Outcome;
use pillarbox::transcript::play::run::run_all;
use std::path::Path;

/// The files spend most of their time waiting, for silences and time-outs.
const AT_A_TIME: usize = 8;

/// The replies that no client can provoke. The reason is beside each; where
/// they are tested, too.
const NOT_BY_A_CLIENT: [&str; 4] = [
    "TOO_MANY_MAILBOXES", // a thousand mailboxes: tests/server.rs
    "LOCAL_ERROR",        // the disk is in trouble: tests/faults.rs
    "NO_SPACE",           // the disk is full: tests/faults.rs
    "MAILBOX_FULL",       // the owner's quota is used up: tests/faults.rs
];

fn all() -> Vec<Transcript> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    match read_all(&root.join("transcripts")) {
        Ok(transcripts) => transcripts,
        Err(errors) => {
            let errors: Vec<_> = errors.iter().map(|e| e.to_string()).collect();
            panic!("not transcripts:\n{}", errors.join("\n"));
        }
    }
}

fn name(transcript: &Transcript) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = transcript.path.strip_prefix(root);
    path.unwrap_or(&transcript.path).display().to_string()
}

#[test]
fn every_transcript_passes() {
    let mut chosen = all();
    if let Ok(word) = std::env::var("TRANSCRIPT") {
        chosen.retain(|transcript| name(transcript).contains(&word));
    }
    assert!(!chosen.is_empty(), "no transcript to play");
    let binary = Path::new(env!("CARGO_BIN_EXE_pillarbox"));
    let outcomes = run_all(binary, &chosen, AT_A_TIME);
    let mut failures = Vec::new();
    for (transcript, outcome) in chosen.iter().zip(outcomes) {
        match outcome {
            Outcome::Pass => {}
            Outcome::Skip(reason) | Outcome::Lost(reason) => {
                eprintln!("skipped {}: {reason}", name(transcript));
            }
            Outcome::Fail(failure) => failures.push(failure.to_string()),
            Outcome::NoServer(reason) => {
                failures.push(format!("{}: {reason}", name(transcript)));
            }
        }
    }
    let (bad, count) = (failures.len(), chosen.len());
    let report = failures.join("\n");
    assert!(bad == 0, "{bad} of {count} transcripts failed\n{report}");
}

#[test]
fn every_transcript_is_fit_for_the_book() {
    let mut findings = Vec::new();
    for transcript in all() {
        for (line, finding) in check(&transcript) {
            findings.push(format!("{}:{line}: {finding}", name(&transcript)));
        }
    }
    assert!(findings.is_empty(), "{}", findings.join("\n"));
}

#[test]
fn there_are_fifty_transcripts_at_least_and_no_title_twice() {
    let mut titles: Vec<String> =
        all().into_iter().map(|t| t.header.title).collect();
    assert!(titles.len() >= 50, "{}", titles.len());
    titles.sort();
    for pair in titles.windows(2) {
        assert_ne!(pair.first(), pair.last());
    }
}

/// The chapters that show each file, by the path in their include.
fn chapters() -> Vec<(String, u8)> {
    let book = Path::new(env!("CARGO_MANIFEST_DIR")).join("book/src");
    let pages = std::fs::read_dir(book).into_iter().flatten().flatten();
    let mut shown = Vec::new();
    for page in pages {
        let name = page.file_name().to_string_lossy().into_owned();
        let chapter = name.split('-').next().unwrap_or_default().parse();
        let text = std::fs::read_to_string(page.path()).unwrap_or_default();
        let Ok(chapter) = chapter else { continue };
        for include in text.split("{{#include ../../").skip(1) {
            let path = include.split("}}").next().unwrap_or_default();
            shown.push((path.to_owned(), chapter));
        }
    }
    shown
}

#[test]
fn the_stage_of_a_transcript_is_the_first_chapter_that_shows_it() {
    let shown = chapters();
    let mut wrong = Vec::new();
    for transcript in all() {
        let name = name(&transcript);
        let places = shown.iter().filter(|(path, _)| *path == name);
        let first = places.map(|(_, chapter)| *chapter).min();
        let stage = transcript.header.stage;
        // Nobody else is asked for what is our own way.
        let is_own = transcript.header.level == Level::Own;
        if stage != first && !(is_own && stage.is_none()) {
            wrong.push(format!("{name}: stage {stage:?}, shown in {first:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The names of all reply constants, with their first line on a page. The
/// version, in which the reply to HELP ends, is left out: it grows.
fn replies() -> Vec<(String, String)> {
    let source = include_str!("../src/protocol/reply.rs");
    let names = source.lines().filter_map(|line| {
        let name = line.strip_prefix("pub const ")?;
        name.strip_suffix(": Reply = Reply {").map(str::to_owned)
    });
    let lines = reply::ALL.iter().map(|reply| {
        let line = format!("{} {} {}", reply.code, reply.enhanced, reply.text);
        line.replace("  ", " ").replace(env!("CARGO_PKG_VERSION"), "")
    });
    names.zip(lines).collect()
}

/// The reply in an `S:` line, with a blank after its code whether more lines
/// follow or not.
fn reply_in(line: &str) -> String {
    let (_, reply) = line.split_once(' ').unwrap_or_default();
    let (code, text) = reply.split_at_checked(3).unwrap_or_default();
    format!("{code} {}", text.trim_start_matches([' ', '-']))
}

#[test]
fn every_reply_of_the_server_stands_in_a_transcript() {
    // What a played server says proves nothing about ours.
    let ours = |t: &&Transcript| t.header.plays == Plays::Client;
    let spoken: Vec<String> = all()
        .iter()
        .filter(ours)
        .flat_map(|transcript| &transcript.steps)
        .filter(|step| matches!(step.action, Action::Reply(_)))
        .map(|step| reply_in(&step.source.text))
        .collect();
    let is_missing = |(name, line): &(String, String)| {
        let is_help = name == "HELP";
        let is_it = |said: &String| {
            said == line || is_help && said.starts_with(line.as_str())
        };
        !NOT_BY_A_CLIENT.contains(&name.as_str()) && !spoken.iter().any(is_it)
    };
    let missing: Vec<_> = replies().into_iter().filter(is_missing).collect();
    assert!(missing.is_empty(), "{missing:#?}");
}
