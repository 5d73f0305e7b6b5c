//! The receiving user agent: lists a mailbox, shows a message, waits for one.
//!
//! It reads the Maildir itself, with no server between. Whatever a message
//! holds, only harmless characters are printed (`screen.rs`), also into a pipe:
//! somebody will look at it in the end.
//!
//! Interface:
//!   `Settings`, `Task`  what the user has asked for
//!   `World`             where it prints, and what time it is
//!   `inbox`             does it, and gives the exit code
//!
//! How the list looks: `listing.rs`. Files and folders: `mailbox::reader`.

use super::encoded::{Piece, decode};
use super::{listing, screen};
use crate::mailbox::reader::{Reader, Stored};
use crate::protocol::session::LocalMailbox;
use crate::words::because;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

/// How often `--wait` looks. A script does not notice it, nor does the disk.
const POLL: Duration = Duration::from_millis(50);

/// The exit code of `--wait` when the time was over.
const NO_NEWS: u8 = 1;

/// What the user has said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The folder of all mailboxes.
    pub mail: PathBuf,
    /// Whose mail it is.
    pub mailbox: LocalMailbox,
    /// What to do with it.
    pub task: Task,
}

/// What to do with a mailbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    /// List its messages.
    List,
    /// Show the message of this number, and mark it as seen. The first is 1.
    Show(usize),
    /// Wait until there is a message that nobody has seen.
    Wait(Duration),
}

/// Where it prints, and what time it is.
pub struct World<'a> {
    /// Standard output.
    pub out: &'a mut dyn Write,
    /// Whether that is a terminal, with a person before it.
    pub is_terminal: bool,
    /// Now, in seconds since 1970.
    pub now: u64,
}

/// Does what was asked for, and gives the exit code.
pub fn inbox(settings: &Settings, world: &mut World<'_>) -> io::Result<u8> {
    match settings.task {
        Task::List => list(settings, world)?,
        Task::Show(number) => show(settings, number, world)?,
        Task::Wait(patience) if wait(settings, patience)? => {}
        Task::Wait(_) => return Ok(NO_NEWS),
    }
    Ok(0)
}

fn list(settings: &Settings, world: &mut World<'_>) -> io::Result<()> {
    let reader = open(settings)?;
    let messages = reader.messages()?;
    let list = listing::List { reader: &reader, messages: &messages };
    let mut out = BufWriter::new(&mut *world.out);
    let outcome = match world.is_terminal {
        true => list.for_people(&name(settings), world.now, &mut out),
        false => list.for_programs(&mut out),
    };
    out.flush().and(outcome)
}

/// Only what was printed counts as seen.
fn show(
    settings: &Settings,
    number: usize,
    world: &mut World<'_>,
) -> io::Result<()> {
    let reader = open(settings)?;
    let message = numbered(settings, &reader, number)?;
    let mut out = BufWriter::new(&mut *world.out);
    print(&reader, &message, &mut out)?;
    out.flush()?;
    let marked = reader.mark_seen(&message);
    marked.map_err(|error| because("cannot mark it as seen", &error))
}

fn open(settings: &Settings) -> io::Result<Reader> {
    if let Some(reader) = Reader::open(&settings.mail, &settings.mailbox)? {
        return Ok(reader);
    }
    let folder = settings.mail.display();
    Err(io::Error::other(if settings.mail.is_dir() {
        let address = name(settings);
        format!("no mailbox of {address} in {folder}, or no mail has come yet")
    } else {
        format!("no folder {folder}; try --mail DIR")
    }))
}

/// The address, fit to be printed.
fn name(settings: &Settings) -> String {
    let LocalMailbox { domain, local_part } = &settings.mailbox;
    screen::escaped(format!("{local_part}@{domain}").as_bytes())
}

fn numbered(
    settings: &Settings,
    reader: &Reader,
    number: usize,
) -> io::Result<Stored> {
    let messages = reader.messages()?;
    let count = messages.len();
    let wanted = number.checked_sub(1).and_then(|at| messages.get(at));
    wanted.cloned().ok_or_else(|| {
        let address = name(settings);
        io::Error::other(format!(
            "no message {number}; in the mailbox of {address} are {count}"
        ))
    })
}

/// Prints a message: its header with encoded words read, and its text.
fn print(
    reader: &Reader,
    message: &Stored,
    out: &mut dyn Write,
) -> io::Result<()> {
    let file = reader.open_message(message);
    let file = file.map_err(|e| because("cannot read the message", &e))?;
    let mut lines = BufReader::new(file);
    let mut field = Vec::new();
    while let Some(line) = next_line(&mut lines)? {
        if !line.starts_with(b" ") && !line.starts_with(b"\t") {
            print_field(&field, out)?;
            field.clear();
        }
        if line == b"\n" {
            out.write_all(b"\n")?;
            break;
        }
        field.extend(line);
    }
    print_field(&field, out)?;
    while let Some(line) = next_line(&mut lines)? {
        out.write_all(screen::text(&line).as_bytes())?;
    }
    Ok(())
}

/// The next line, ended by LF alone. A line at a time is in memory: the ones
/// that we store are bounded.
fn next_line(lines: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    if lines.read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    line.pop_if(|byte| *byte == b'\n');
    line.pop_if(|byte| *byte == b'\r');
    line.push(b'\n');
    Ok(Some(line))
}

/// A field keeps its lines. What an encoded word says is none of them: a line
/// end in it would look like another field.
fn print_field(field: &[u8], out: &mut dyn Write) -> io::Result<()> {
    for piece in decode(field) {
        let text = match piece {
            Piece::Plain(bytes) => screen::text(&bytes),
            Piece::Decoded(bytes) => screen::escaped(&bytes),
        };
        out.write_all(text.as_bytes())?;
    }
    Ok(())
}

/// Whether there is a message that nobody has seen, as soon as there is one.
/// The mailbox may not be made yet.
fn wait(settings: &Settings, patience: Duration) -> io::Result<bool> {
    let end = Instant::now() + patience;
    loop {
        let reader = Reader::open(&settings.mail, &settings.mailbox)?;
        if let Some(reader) = reader
            && reader.has_unseen()?
        {
            return Ok(true);
        }
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(false);
        }
        thread::sleep(POLL.min(left));
    }
}
