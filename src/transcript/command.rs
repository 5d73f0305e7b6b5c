//! `pillarbox replay`: does what the command line says.
//!
//! | code | meaning |
//! |---|---|
//! | 0 | at least one transcript was judged, and none failed |
//! | 1 | at least one failed, or the report cannot be written |
//! | 2 | wrong usage, or a file is not a transcript |
//! | 3 | nothing could be judged |
//!
//! With a slip of the pen in one file, none is played. A file that is only
//! empty or cut, as recordings may be after a power cut, is told and left out;
//! if none of the others fails, the code is 2 all the same.
//!
//! Interface:
//!   `replay`  the whole command; gives back the exit code
//!   `World`   what it needs of the world: where it prints, what day it is
//!
//! The clock that tells the date is read by the caller.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::bless::blessing::{bless_all, refusal};
use super::format::digest::suite;
use super::format::folder::read_given;
use super::format::header::{Header, Plays};
use super::format::lint::check;
use super::format::parse::ParseError;
use super::format::script::Transcript;
use super::format::suite::export;
use super::judge::target::Match;
use super::play::as_server::play;
use super::play::clients::Clients;
use super::play::outcome::Played;
use super::play::repeat::play_again;
use super::play::run::{Results, Run};
use super::report::formats::{self, Format};
use super::report::matrix::Matrix;
use super::report::progress::Progress;
use super::report::row::Row;
use super::report::show;
use super::report::summary::Summary;
use super::report::verdict::{
    FAILED, NOT_JUDGED, PASSED, Policy, WRONG_USAGE, judge,
};
use super::settings::{ReplaySettings, Subject, Task};
use super::stand::server::{Stand, arguments};
use crate::words::{in_one_line, reason, shell_word};

/// What the command needs of the world.
pub struct World<'a> {
    /// Our own program.
    pub program: PathBuf,
    /// What it was called on the command line.
    pub called: String,
    /// Today, as `2026-11-22`.
    pub date: String,
    /// Standard output.
    pub out: &'a mut dyn Write,
    /// Standard error.
    pub errors: &'a mut dyn Write,
    /// Whether standard error is a terminal, on which progress is shown.
    pub is_terminal: bool,
    /// Whether `pillarbox serve` would take these arguments; else its words.
    pub can_serve: fn(&[String]) -> Result<(), String>,
}

/// Something that ends the command before its report.
struct Ending {
    code: u8,
    lines: Vec<String>,
}

impl Ending {
    fn new(code: u8, line: String) -> Ending {
        let lines = vec![line];
        Ending { code, lines }
    }
}

/// Does what was asked for, and says how it ended.
pub fn replay(settings: &ReplaySettings, world: &mut World<'_>) -> u8 {
    match act(settings, world) {
        Ok(code) => code,
        Err(Ending { code, lines }) => {
            complain(&lines, world);
            code
        }
    }
}

/// If standard error is closed as well, the code must do.
fn complain(lines: &[String], world: &mut World<'_>) {
    for line in lines {
        let _ = writeln!(world.errors, "pillarbox: replay: {line}");
    }
}

fn act(settings: &ReplaySettings, world: &mut World<'_>) -> Result<u8, Ending> {
    if settings.task == Task::Matrix {
        return matrix(settings, world);
    }
    if settings.task == Task::Export {
        return export_all(settings, world);
    }
    let (mut transcripts, errors) = read_given(&settings.files);
    if settings.task == Task::Check && !transcripts.is_empty() {
        return check_all(&transcripts, errors, world);
    }
    let is_a_list = matches!(settings.task, Task::Judge | Task::List);
    let can_go_on = is_a_list && errors.iter().all(|error| error.is_cut);
    if !errors.is_empty() && (transcripts.is_empty() || !can_go_on) {
        return Err(not_transcripts(&errors));
    }
    if transcripts.is_empty() {
        let what = "no transcript (NAME.txt) in what was given";
        return Err(Ending::new(NOT_JUDGED, what.into()));
    }
    transcripts.retain(|page| settings.chosen.has(&page.header));
    if transcripts.is_empty() {
        let what = "no transcript is of that stage and section";
        return Err(Ending::new(NOT_JUDGED, what.into()));
    }
    let Ending { lines, .. } = not_transcripts(&errors);
    complain(&lines, world);
    match act_on(settings, &transcripts, world)? {
        PASSED | NOT_JUDGED if !errors.is_empty() => Ok(WRONG_USAGE),
        code => Ok(code),
    }
}

/// Does what was asked for with the files that could be read.
fn act_on(
    settings: &ReplaySettings,
    transcripts: &[Transcript],
    world: &mut World<'_>,
) -> Result<u8, Ending> {
    match settings.task {
        Task::List => list(transcripts, world),
        Task::Show(line) => show_talk(settings, transcripts, line, world),
        Task::Listen { address, repeat } => {
            listen(settings, transcripts, (address, repeat), world)
        }
        Task::Bless { accept, accept_codes } => {
            bless(transcripts, accept, accept_codes, world)
        }
        Task::Judge | Task::Check | Task::Matrix | Task::Export => {
            play_and_report(settings, transcripts, world)
        }
    }
}

fn not_transcripts(errors: &[ParseError]) -> Ending {
    Ending {
        code: WRONG_USAGE,
        lines: errors.iter().map(ParseError::to_string).collect(),
    }
}

/// `--list`
fn list(
    transcripts: &[Transcript],
    world: &mut World<'_>,
) -> Result<u8, Ending> {
    let mut text = String::new();
    for Transcript { path, header, .. } in transcripts {
        let columns = [
            in_one_line(path),
            header.level.word().into(),
            header.spec.join("; "),
            header.title.clone(),
        ];
        text.push_str(&columns.join("\t"));
        text.push('\n');
    }
    print(world, &text)?;
    Ok(PASSED)
}

/// `--check`
fn check_all(
    transcripts: &[Transcript],
    errors: Vec<ParseError>,
    world: &mut World<'_>,
) -> Result<u8, Ending> {
    let mut text = String::new();
    for transcript in transcripts {
        let path = in_one_line(&transcript.path);
        for (line, finding) in check(transcript) {
            text.push_str(&format!("{path}:{line}: {finding}\n"));
        }
        let Header { plays, server, .. } = &transcript.header;
        let is_served = *plays == Plays::Client;
        if let (true, Err(complaint)) =
            (is_served, (world.can_serve)(&arguments(server)))
        {
            text.push_str(&format!("{path}:1: Server: {complaint}\n"));
        }
    }
    print(world, &text)?;
    match (errors.is_empty(), text.is_empty()) {
        (false, _) => Err(not_transcripts(&errors)),
        (true, false) => Ok(FAILED),
        (true, true) => Ok(PASSED),
    }
}

/// `--export DIR`
fn export_all(
    settings: &ReplaySettings,
    world: &mut World<'_>,
) -> Result<u8, Ending> {
    for folder in &settings.files {
        let count = export(folder).map_err(|what| Ending::new(FAILED, what))?;
        let folder = in_one_line(folder);
        print(world, &format!("{count} transcripts are in {folder}\n"))?;
    }
    Ok(PASSED)
}

/// `--matrix`
fn matrix(
    settings: &ReplaySettings,
    world: &mut World<'_>,
) -> Result<u8, Ending> {
    let unread = |text| Ending::new(WRONG_USAGE, text);
    let matrix = Matrix::read(&settings.files).map_err(unread)?;
    let mut table = Vec::new();
    let page = settings.out.as_deref();
    let inputs = settings.files.iter().map(PathBuf::as_path);
    spare_inputs(page, inputs)?;
    let written = matrix.write(&mut table, page, &world.date);
    match page {
        Some(path) => {
            let mut file = create(path)?;
            let written = written.and_then(|()| file.write_all(&table));
            written.map_err(|error| unwritten(path, &error))?;
        }
        None => {
            let written = written.and_then(|()| world.out.write_all(&table));
            quietly(written)?;
        }
    }
    Ok(PASSED)
}

/// Plays and judges the transcripts.
fn play_and_report(
    settings: &ReplaySettings,
    transcripts: &[Transcript],
    world: &mut World<'_>,
) -> Result<u8, Ending> {
    let begin = Instant::now();
    let player = player(settings, world)?;
    let out = out_file(settings, transcripts)?;
    let errors: &mut dyn Write = &mut world.errors;
    let shown = world.is_terminal.then_some(errors);
    let mut progress = Progress::new(shown, transcripts.len());
    let mut over = |played: &Played| progress.one(played);
    let results = match player {
        Player::Server(run) => run.all(transcripts, &mut over),
        Player::Clients(clients) => {
            let played = clients.all(transcripts, &mut over);
            Results { causes: Vec::new(), played }
        }
    };
    progress.end();
    let verdict = verdict(settings, transcripts, results);
    report(settings, verdict, out, begin, suite(transcripts), world)
}

/// `--bless`: the pages are made to say what our server says.
fn bless(
    transcripts: &[Transcript],
    accept: bool,
    accept_codes: bool,
    world: &mut World<'_>,
) -> Result<u8, Ending> {
    if let Some(why) = refusal(std::env::var_os("CI")) {
        return Err(Ending::new(WRONG_USAGE, why.into()));
    }
    let pages: Vec<PathBuf> =
        transcripts.iter().map(|t| t.path.clone()).collect();
    if let Some(page) = pages.iter().find(|page| !page.exists()) {
        let page = in_one_line(page);
        let what = format!("{page} is built in; bless a file: see --export");
        return Err(Ending::new(WRONG_USAGE, what));
    }
    for page in &pages {
        let mut new = page.clone().into_os_string();
        new.push(".new");
        let others = pages.iter().map(PathBuf::as_path);
        spare_inputs(Some(Path::new(&new)), others)?;
    }
    let program = world.program.clone();
    bless_all(&program, &pages, accept, accept_codes, world.out)
        .map_err(|error| unwritten(Path::new("a page"), &error))
}

/// `--listen`: plays the server to the clients that come.
fn listen(
    settings: &ReplaySettings,
    transcripts: &[Transcript],
    (address, repeat): (SocketAddr, bool),
    world: &mut World<'_>,
) -> Result<u8, Ending> {
    let [transcript] = transcripts else {
        let what = "--listen plays one file";
        return Err(Ending::new(WRONG_USAGE, what.into()));
    };
    let begin = Instant::now();
    let closed = |error: io::Error| {
        let what = format!("cannot listen on {address}: {}", reason(&error));
        Ending::new(NOT_JUDGED, what)
    };
    let listener = TcpListener::bind(address).map_err(closed)?;
    let taken = listener.local_addr().map_err(closed)?;
    let out = out_file(settings, transcripts)?;
    // If nobody reads it, the clients may know the port all the same.
    let _ = writeln!(world.errors, "pillarbox listening on {taken}");
    if repeat {
        let deadline = settings.rules.deadline;
        play_again(&listener, transcript, deadline, &mut |visit| {
            // Nobody may read it, and clients come all the same.
            let _ = writeln!(world.out, "{visit}");
            let _ = world.out.flush();
        })
        .map_err(closed)?;
        return Ok(NOT_JUDGED);
    }
    let mut played = play(listener, transcript, settings.rules.deadline);
    played.time = begin.elapsed();
    let results = Results { causes: Vec::new(), played: vec![played] };
    let verdict = verdict(settings, transcripts, results);
    report(settings, verdict, out, begin, suite(transcripts), world)
}

/// The file of `--out`, made before anything is played.
fn out_file<'a>(
    settings: &'a ReplaySettings,
    transcripts: &[Transcript],
) -> Result<Option<(&'a Path, File)>, Ending> {
    let Some(path) = settings.out.as_deref() else {
        return Ok(None);
    };
    let given = settings.files.iter().map(PathBuf::as_path);
    let read = transcripts.iter().map(|t| t.path.as_path());
    spare_inputs(Some(path), given.chain(read))?;
    Ok(Some((path, create(path)?)))
}

/// What is read is not written over, whatever it is called the second time.
fn spare_inputs<'a>(
    out: Option<&Path>,
    mut inputs: impl Iterator<Item = &'a Path>,
) -> Result<(), Ending> {
    let file = |path: &Path| {
        fs::metadata(path).ok().map(|found| (found.dev(), found.ino()))
    };
    let there = out.and_then(file);
    match inputs.find(|input| there.is_some() && file(input) == there) {
        None => Ok(()),
        Some(input) => {
            let input = in_one_line(input);
            let what =
                format!("{input} is to be read, and would be written over");
            Err(Ending::new(WRONG_USAGE, what))
        }
    }
}

/// Writes the report where it belongs, and gives the exit code.
fn report(
    settings: &ReplaySettings,
    (rows, code): (Vec<Row>, u8),
    out: Option<(&Path, File)>,
    begin: Instant,
    suite: String,
    world: &mut World<'_>,
) -> Result<u8, Ending> {
    let summary = Summary::of(&rows, begin.elapsed());
    let summary = summary.by(suite, settings.chosen.stage);
    let summary = summary.shown_by(show_command(settings, world));
    let format = match out {
        Some((path, mut file)) => {
            formats::write(&mut file, settings.format, &rows, &summary)
                .map_err(|error| unwritten(path, &error))?;
            Format::Text
        }
        None => settings.format,
    };
    quietly(formats::write(world.out, format, &rows, &summary))?;
    quietly(world.out.flush())?;
    Ok(code)
}

/// The command that shows a talk of this very server, up to its place.
fn show_command(settings: &ReplaySettings, world: &World<'_>) -> String {
    let first = [world.called.as_str(), "replay"].into_iter();
    let words = first.chain(settings.again.iter().map(String::as_str));
    let words: Vec<String> = words.chain(["--show"]).map(shell_word).collect();
    words.join(" ")
}

/// `--show FILE:LINE`
fn show_talk(
    settings: &ReplaySettings,
    transcripts: &[Transcript],
    line: usize,
    world: &mut World<'_>,
) -> Result<u8, Ending> {
    let Player::Server(mut run) = player(settings, world)? else {
        let what = "--show is for servers, not for --client";
        return Err(Ending::new(WRONG_USAGE, what.into()));
    };
    run.last_line = line;
    let results = run.all(transcripts, &mut |_| {});
    let (rows, code) = verdict(settings, transcripts, results);
    for row in &rows {
        quietly(show::write(world.out, row, &whose(&settings.subject)))?;
    }
    Ok(code)
}

/// Whose talk it is.
fn whose(subject: &Subject) -> String {
    match subject {
        Subject::Own => "Pillarbox itself".to_owned(),
        Subject::Running(place) => format!("the server at {place}"),
        Subject::Command(command) => {
            format!("the server of {}", shell_word(command))
        }
        Subject::Client(command, _) => {
            format!("the client of {}", shell_word(command))
        }
    }
}

/// Who is judged, and how.
enum Player {
    Server(Box<Run>),
    Clients(Clients),
}

/// What the settings describe.
fn player(
    settings: &ReplaySettings,
    world: &World<'_>,
) -> Result<Player, Ending> {
    let maildirs = settings.maildirs.clone();
    let wait = settings.wait;
    let stand = match &settings.subject {
        Subject::Own => Stand::Own(world.program.clone()),
        Subject::Running(place) => Stand::running(place, wait, maildirs)
            .map_err(|reason| Ending::new(NOT_JUDGED, reason))?,
        Subject::Command(command) => {
            let (command, most_written) = (command.clone(), None);
            Stand::Command { command, wait, maildirs, most_written }
        }
        Subject::Client(command, tells) => {
            return Ok(Player::Clients(Clients {
                command: command.clone(),
                tells: tells.clone(),
                wait: wait.max(settings.rules.deadline),
                deadline: settings.rules.deadline,
                jobs: settings.jobs,
                judges_own: settings.rules.judges_own,
            }));
        }
    };
    let mut run = Run::new(stand, settings.rules.clone());
    run.have.clone_from(&settings.have);
    run.extensions.clone_from(&settings.extensions);
    run.jobs = settings.jobs;
    Ok(Player::Server(Box::new(run)))
}

/// The verdicts, and the exit code that they mean.
fn verdict(
    settings: &ReplaySettings,
    transcripts: &[Transcript],
    results: Results,
) -> (Vec<Row>, u8) {
    // A client is never ours, even where nobody was named.
    let is_listening = matches!(settings.task, Task::Listen { .. });
    let policy = Policy {
        is_own: settings.rules.matching == Match::Exact && !is_listening,
        strict: settings.strict,
    };
    let (rows, ending) = judge(policy, transcripts, results);
    (rows, ending.code())
}

fn print(world: &mut World<'_>, text: &str) -> Result<(), Ending> {
    quietly(world.out.write_all(text.as_bytes()))?;
    quietly(world.out.flush())
}

/// Nobody reads on: no reason to complain, and the verdict stays.
fn quietly(result: io::Result<()>) -> Result<(), Ending> {
    match result {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(unwritten(Path::new("standard output"), &error))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

fn create(path: &Path) -> Result<File, Ending> {
    // Nothing was sent yet: it is the command line that is wrong.
    File::create(path).map_err(|error| Ending {
        code: WRONG_USAGE,
        ..unwritten(path, &error)
    })
}

fn unwritten(path: &Path, error: &io::Error) -> Ending {
    let path = in_one_line(path);
    let what = format!("cannot write {path}: {}", reason(error));
    Ending::new(FAILED, what)
}
