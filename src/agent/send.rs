//! The sending user agent: composes a message and hands it to a server.
//!
//! It is a client and no more: no queue, and no second try. Its exit code says
//! whether trying again is worth it (`refusal.rs`). It says nothing when all is
//! well.
//!
//! Interface:
//!   `Settings`, `Show`  what the user has asked for
//!   `World`             what it reads and where it complains
//!   `send`              does it, and gives the exit code
//!
//! Not here: the message (`compose.rs`), the conversation (`relay::client`),
//! how that is shown (`dialogue.rs`).

pub use super::dialogue::Show;

use super::compose::{Letter, Message, Stamp};
use super::dialogue::Dialogue;
use super::refusal::{
    BAD_TEXT, Checked, NO_INPUT, REFUSED, Refusal, TRY_AGAIN,
};
use super::screen::escaped;
use crate::protocol::address::ReversePath;
use crate::protocol::decision::Class;
use crate::protocol::outcome::{Cause, Outcome, Settled};
use crate::protocol::outgoing::Envelope;
use crate::relay::client::{Content, Courier, Orders, survey};
use crate::relay::route::Target;
use crate::words::reason;
use std::fs::File;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Cursor, Read, Write};
use std::net::ToSocketAddrs;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

/// No server takes a message of this size, and it has to fit into memory.
const LONGEST_TEXT: u64 = 1 << 28;

/// What the user has said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The server's name or address, without brackets.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// From whom, to whom, and with which header.
    pub letter: Letter,
    /// Where the text is; none for standard input.
    pub file: Option<PathBuf>,
    /// What is shown of the dialogue.
    pub show: Show,
    /// The most that any time-out of RFC 5321 4.5.3.2 may be.
    pub timeout: Option<Duration>,
}

/// What it reads and where it complains.
pub struct World<'a> {
    /// Standard input.
    pub input: &'a mut dyn Read,
    /// Standard error.
    pub errors: &'a mut dyn Write,
    /// What this host calls itself, for EHLO.
    pub name: &'a str,
    /// Now, in seconds since 1970.
    pub now: u64,
}

/// Sends the letter, and gives the exit code.
pub fn send(settings: &Settings, world: &mut World<'_>) -> u8 {
    let message = match compose(settings, world) {
        Ok(message) => message,
        Err(refusal) => {
            complain(world.errors, &refusal.text);
            return refusal.code;
        }
    };
    match deliver(settings, message, world) {
        Ok(settled) => report(settings, &settled, world.errors),
        Err(refusal) => {
            complain(world.errors, &refusal.text);
            refusal.code
        }
    }
}

/// The message, before anybody is connected to.
fn compose(settings: &Settings, world: &mut World<'_>) -> Checked<Message> {
    let text = read_text(settings, world.input)?;
    let message = settings.letter.message(text, &stamp(world.now))?;
    if message.hidden > 0 {
        let what = "Bcc in the header was left out: all could have read it";
        complain(world.errors, what);
    }
    Ok(message)
}

/// The random part is new in each process, also on a host whose clock has
/// stopped, and in a container where every process has the same number.
fn stamp(now: u64) -> Stamp {
    let id = format!("{:016x}", RandomState::new().hash_one(now));
    Stamp { seconds: now, id }
}

fn read_text(settings: &Settings, input: &mut dyn Read) -> Checked<Vec<u8>> {
    let read = match &settings.file {
        Some(file) => File::open(file).and_then(|mut file| read(&mut file)),
        None => read(input),
    };
    let text = read.map_err(|error| {
        let name = match &settings.file {
            Some(file) => file.display().to_string(),
            None => "standard input".to_owned(),
        };
        let name = escaped(name.as_bytes());
        let text = format!("cannot read {name}: {}", reason(&error));
        Refusal { code: NO_INPUT, text }
    })?;
    if text.len() as u64 > LONGEST_TEXT {
        let text = format!("the text has more than {LONGEST_TEXT} bytes");
        return Err(Refusal { code: BAD_TEXT, text });
    }
    Ok(text)
}

fn read(input: &mut dyn Read) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    input.take(LONGEST_TEXT + 1).read_to_end(&mut text)?;
    Ok(text)
}

/// Hands the message over, and says what became of each recipient.
fn deliver(
    settings: &Settings,
    message: Message,
    world: &mut World<'_>,
) -> Checked<Vec<Settled>> {
    let bytes: Rc<[u8]> = message.bytes.into();
    let open = || -> io::Result<Box<dyn Read>> {
        Ok(Box::new(Cursor::new(Rc::clone(&bytes))))
    };
    let envelope = envelope(&settings.letter, &open)?;
    let targets = targets(settings)?;
    let dialogue = Dialogue::new(settings.show, world.errors);
    let orders = Orders {
        name: world.name,
        timeout_cap: settings.timeout.unwrap_or(Duration::MAX),
        observer: &|event| dialogue.tell(&event),
    };
    let report = Courier::new(orders).deliver(&targets, &envelope, &open);
    Ok(report.settled)
}

/// The outside of the letter. An address beyond ASCII, in the header that we
/// wrote or in the envelope, needs SMTPUTF8. About the header of a raw message
/// nobody has said that it is in UTF-8.
fn envelope(letter: &Letter, open: &Content<'_>) -> Checked<Envelope> {
    let recipients = letter.to().to_vec();
    let is_ascii = letter.from().is_ascii()
        && recipients.iter().all(|recipient| recipient.is_ascii());
    let surveyed = open().and_then(survey).map_err(|error| {
        let text = format!("the text cannot be sent: {}", reason(&error));
        Refusal { code: BAD_TEXT, text }
    })?;
    let asks_utf8 = !is_ascii || !letter.is_raw();
    let reverse_path: ReversePath = letter.from().clone();
    let needs = surveyed.needs(asks_utf8, is_ascii);
    Ok(Envelope { reverse_path, recipients, needs })
}

/// Where the server is, as this system looks names up.
fn targets(settings: &Settings) -> Checked<Vec<Target>> {
    let host = &settings.host;
    let found = (host.as_str(), settings.port).to_socket_addrs();
    let found = found.map_err(|error| {
        let host = escaped(host.as_bytes());
        let text = format!("cannot find {host}: {}", reason(&error));
        Refusal { code: TRY_AGAIN, text }
    })?;
    let target = |address| Target { host: host.clone(), address };
    Ok(found.map(target).collect())
}

/// Tells what went wrong, and gives the exit code. A reply concerns one
/// recipient; what we met instead of one concerns all, and is told once.
fn report(
    settings: &Settings,
    settled: &[Settled],
    errors: &mut dyn Write,
) -> u8 {
    let is_delivered = |outcome: &Outcome| outcome.class == Class::Delivered;
    let mut told: Vec<String> = Vec::new();
    for Settled { recipient, outcome, .. } in settled {
        if is_delivered(outcome) {
            continue;
        }
        let who = match &outcome.cause {
            Cause::Reply(_) => recipient.to_string(),
            Cause::Trouble(_) => server(settings),
        };
        let line = format!("{}: {outcome}", escaped(who.as_bytes()));
        if !told.contains(&line) {
            complain(errors, &line);
            told.push(line);
        }
    }
    let classes: Vec<Class> = settled.iter().map(|s| s.outcome.class).collect();
    if classes.contains(&Class::Permanent) {
        REFUSED
    } else if classes.contains(&Class::Temporary) {
        TRY_AGAIN
    } else {
        0
    }
}

fn server(settings: &Settings) -> String {
    let Settings { host, port, .. } = settings;
    match host.contains(':') {
        true => format!("[{host}]:{port}"),
        false => format!("{host}:{port}"),
    }
}

/// If nobody reads it, the exit code must do.
fn complain(errors: &mut dyn Write, what: &str) {
    let _ = writeln!(errors, "pillarbox: send: {what}");
}
