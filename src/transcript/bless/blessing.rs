//! `replay --bless`: the page is made to say what our own server says now.
//!
//! A page that is written anew without being read proves nothing. So the new
//! page is put beside the old one, as `FILE.new`, and shown as a diff; a
//! changed code needs a word of its own (`accept_codes`), since a code is what
//! the protocol is about; a hole that no longer fits is told; and nothing is
//! blessed where nobody looks (`CI`).
//!
//! Interface:
//!   `refusal`    why there is no blessing here, if so
//!   `bless`      one page: what would change, and does it pass then?
//!   `bless_all`  many: prints, writes `FILE.new`, and renames it if told to
//!
//! Guarantees:
//! - header, `C` lines, directions, notes and blank lines stay as they are;
//! - only a page that passes is renamed; blessed again, it does not change.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::slice;

use super::diff::diff;
use super::edit::Page;
use super::rehearsal::rehearse;
use crate::transcript::format::header::{Header, Plays};
use crate::transcript::format::parse::{self, ParseError};
use crate::transcript::format::script::Transcript;
use crate::transcript::play::outcome::Outcome;
use crate::transcript::play::run::run_all;
use crate::words::in_one_line;

/// The name of our own server, unless the header gives another.
const HOST: &str = "mx.example.org";

/// How `bless_all` ended, as an exit code.
const DONE: u8 = 0;
const NOT_BLESSED: u8 = 1;
const NO_TRANSCRIPT: u8 = 2;

/// What would become of a page.
#[derive(Debug)]
pub struct Blessing {
    /// The page.
    pub path: PathBuf,
    /// Its text as it is.
    pub old: String,
    /// Its text as it would be.
    pub new: String,
    /// Each code that is another one now, in words.
    pub codes: Vec<String>,
    /// Each hole that no longer fits, in words.
    pub lost_holes: Vec<String>,
    /// Why the new page must not take the place of the old one.
    pub objection: Option<String>,
}

/// Why nothing is blessed here: a machine that tests reads no diff. `ci` is
/// the environment's variable `CI`.
pub fn refusal(ci: Option<OsString>) -> Option<&'static str> {
    let is_set = ci.is_some_and(|value| !value.is_empty());
    is_set.then_some("--bless is for people, and CI is set")
}

/// Plays a page, and finds out what it should say.
pub fn bless(
    binary: &Path,
    transcript: &Transcript,
    accept_codes: bool,
) -> io::Result<Blessing> {
    let path = transcript.path.clone();
    let old = fs::read_to_string(&path)?;
    let host = option(&transcript.header, "hostname").unwrap_or(HOST);
    let mut page = Page::new(host, accept_codes);
    let rehearsed = match transcript.header.plays {
        Plays::Client => rehearse(binary, transcript, &mut page),
        Plays::Server => Err("it plays the server: nothing to bless".into()),
    };
    let new = page.text(&old);
    let place = |line: usize| format!("{}:{line}", in_one_line(&path));
    let reason = level_and_spec(&transcript.header);
    let codes = page.codes.iter().map(|(line, old, new)| {
        let line = place(*line);
        format!("{line}: {old:03} -> {new:03} ({reason})")
    });
    let lost_holes = page.lost_holes.iter();
    let lost_holes = lost_holes.map(|(line, what)| {
        let line = place(*line);
        format!("{line}: {what}")
    });
    let objection = match rehearsed {
        Err(objection) => Some(objection),
        Ok(()) if !accept_codes && !page.codes.is_empty() => {
            Some("a code is taken only with --accept-codes".to_owned())
        }
        Ok(()) => verify(binary, &path, &new),
    };
    Ok(Blessing {
        codes: codes.collect(),
        lost_holes: lost_holes.collect(),
        path,
        old,
        new,
        objection,
    })
}

/// Blesses many pages, and says how it went: what changes is shown, the rest is
/// counted. With `accept` each new page that passes takes the place of the old
/// one. Pages that play the server hold no words of ours, and are passed over.
///
/// The result is an exit code: 0 all pages are as they should be now, 1 some
/// are not, 2 a file is no transcript (then nothing was run).
pub fn bless_all(
    binary: &Path,
    files: &[PathBuf],
    accept: bool,
    accept_codes: bool,
    out: &mut dyn Write,
) -> io::Result<u8> {
    let parsed: Result<Vec<Transcript>, ParseError> =
        files.iter().map(|file| parse::read(file)).collect();
    let transcripts = match parsed {
        Ok(transcripts) => transcripts,
        Err(error) => {
            writeln!(out, "{error}")?;
            return Ok(NO_TRANSCRIPT);
        }
    };
    let (mut same, mut blessed, mut open) = (0, 0, 0);
    let ours = |t: &&Transcript| t.header.plays == Plays::Client;
    for transcript in transcripts.iter().filter(ours) {
        let blessing = bless(binary, transcript, accept_codes)?;
        match blessing.settle(accept, out)? {
            Settled::Same => same += 1,
            Settled::Blessed => blessed += 1,
            Settled::Open => open += 1,
        }
    }
    let passed_over = transcripts.len() - same - blessed - open;
    write!(out, "{same} with nothing to bless, {blessed} blessed, {open} not")?;
    if passed_over > 0 {
        write!(out, "; {passed_over} passed over: they play the server")?;
    }
    writeln!(out)?;
    Ok(if open == 0 { DONE } else { NOT_BLESSED })
}

/// What became of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Settled {
    /// It says what our server says.
    Same,
    /// It does now.
    Blessed,
    /// It does not.
    Open,
}

impl Blessing {
    /// Whether the page would change.
    pub fn is_change(&self) -> bool {
        self.old != self.new
    }

    /// Shows it, writes `FILE.new`, and renames that if it is accepted.
    fn settle(&self, accept: bool, out: &mut dyn Write) -> io::Result<Settled> {
        self.show(out)?;
        if !self.is_change() {
            let is_same = self.objection.is_none();
            return Ok(if is_same { Settled::Same } else { Settled::Open });
        }
        let mut new = self.path.clone().into_os_string();
        new.push(".new");
        fs::write(&new, &self.new)?;
        if accept && self.objection.is_none() {
            fs::rename(&new, &self.path)?;
            writeln!(out, "{}: blessed", in_one_line(&self.path))?;
            Ok(Settled::Blessed)
        } else {
            let new = in_one_line(Path::new(&new));
            writeln!(out, "{new}: written, not blessed")?;
            Ok(Settled::Open)
        }
    }

    fn show(&self, out: &mut dyn Write) -> io::Result<()> {
        let path = in_one_line(&self.path);
        if self.is_change() {
            writeln!(out, "{path}:")?;
            diff(&self.old, &self.new, out)?;
        }
        for line in self.codes.iter().chain(&self.lost_holes) {
            writeln!(out, "{line}")?;
        }
        match &self.objection {
            Some(objection) => writeln!(out, "{path}: {objection}"),
            None => Ok(()),
        }
    }
}

/// Why the new page is not right, if so: it is replayed like any other.
fn verify(binary: &Path, path: &Path, new: &str) -> Option<String> {
    let transcript = match parse::parse(path, new.as_bytes()) {
        Ok(transcript) => transcript,
        Err(error) => return Some(error.to_string()),
    };
    let outcomes = run_all(binary, slice::from_ref(&transcript), 1);
    match outcomes.into_iter().next() {
        Some(Outcome::Pass) => None,
        Some(Outcome::Fail(failure)) => {
            Some(format!("the new page does not pass\n{failure}"))
        }
        Some(Outcome::Skip(_) | Outcome::Lost(_) | Outcome::NoServer(_))
        | None => Some("the new page could not be played".to_owned()),
    }
}

fn option<'a>(header: &'a Header, key: &str) -> Option<&'a str> {
    let found = header.server.iter().find(|(other, _)| other == key);
    found.map(|(_, value)| value.as_str())
}

/// `Level: must, RFC 5321 2.3.8`.
fn level_and_spec(header: &Header) -> String {
    let mut words = format!("Level: {}", header.level.word());
    if !header.spec.is_empty() {
        words.push_str(&format!(", {}", header.spec.join("; ")));
    }
    words
}
