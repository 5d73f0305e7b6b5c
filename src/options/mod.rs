//! The command line: text in, settings out.
//!
//! Other people's scripts use it, so it is a contract. A value that makes no
//! sense is refused here, in one line, before anything is opened: there is no
//! half start.
//!
//! Interface:
//!   `parse`       the arguments in, an `Invocation` out
//!   `Invocation`  what the user asked for
//!
//! Each command has a file of its own: `serve.rs`, `replay.rs`, `record.rs`.

mod record;
mod replay;
mod serve;

use crate::server::Settings;
use crate::transcript;
use crate::words::lower_first;
use getopts::{Matches, Options};
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

const LONGEST_SECONDS: f64 = 86_400.0;

/// What the user asked for.
pub enum Invocation {
    /// `pillarbox serve`.
    Serve(Box<Settings>),
    /// `pillarbox serve --stdio`.
    Converse(Box<Settings>),
    /// `pillarbox replay`.
    Replay(Box<transcript::settings::Settings>),
    /// `pillarbox record`.
    Record(transcript::record::Settings),
    /// `--help` or `--version`: print this and end.
    Print(String),
}

/// What is wrong with the command line, in one line.
pub type Complaint = String;

const USAGE: &str = "\
Pillarbox: an SMTP server to learn from.

Usage: pillarbox COMMAND [OPTION]...

Commands:
    serve       receive mail into Maildirs
    replay      play transcripts, and judge this server or another one
    record      stand between a client and a server, and write down what
                they say

Options:
    -h, --help      this text; 'pillarbox COMMAND --help' tells more
    -V, --version   the version
";

/// Reads the arguments, without the program's own name.
pub fn parse(arguments: &[String]) -> Result<Invocation, Complaint> {
    let Some((command, rest)) = arguments.split_first() else {
        return Err("no command given; try: pillarbox serve".to_owned());
    };
    match command.as_str() {
        "serve" => serve::parse(rest),
        "replay" => replay::parse(rest),
        "record" => record::parse(rest),
        "-h" | "--help" => Ok(Invocation::Print(USAGE.to_owned())),
        "-V" | "--version" => {
            let version = env!("CARGO_PKG_VERSION");
            Ok(Invocation::Print(format!("pillarbox {version}\n")))
        }
        other => Err(format!(
            "unknown command '{}'; try: pillarbox --help",
            other.escape_debug()
        )),
    }
}

/// Reads the options of a command. `Ok(None)` if its help was asked for.
///
/// Every command has `--help`, and complains in the same words.
fn read(
    command: &str,
    options: &mut Options,
    arguments: &[String],
) -> Result<Option<Matches>, Complaint> {
    options.optflag("h", "help", "this text");
    let given = options.parse(arguments).map_err(|fail| {
        let text = lower_first(&fail.to_string());
        format!("{command}: {text}; try: pillarbox {command} --help")
    })?;
    Ok((!given.opt_present("help")).then_some(given))
}

/// For a command that has options only.
fn no_argument(command: &str, given: &Matches) -> Result<(), Complaint> {
    match given.free.first() {
        Some(extra) => {
            let extra = extra.escape_debug();
            Err(format!("{command}: takes no argument, but got '{extra}'"))
        }
        None => Ok(()),
    }
}

/// Puts a whole number within `range` into `place`, if the option is given.
fn number<N: FromStr + PartialOrd + Display>(
    given: &Matches,
    option: &str,
    range: RangeInclusive<N>,
    place: &mut N,
) -> Result<(), Complaint> {
    let Some(text) = given.opt_str(option) else {
        return Ok(());
    };
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse().ok().filter(|n| is_plain && range.contains(n)) {
        Some(number) => *place = number,
        None => {
            let (from, to) = (range.start(), range.end());
            let what = format!("a whole number from {from} to {to}");
            return Err(wrong(option, &text, &what));
        }
    }
    Ok(())
}

/// Puts a time into `place`, if the option is given. Decimals are allowed.
fn seconds(
    given: &Matches,
    option: &str,
    place: &mut Duration,
) -> Result<(), Complaint> {
    let Some(text) = given.opt_str(option) else {
        return Ok(());
    };
    let limit = LONGEST_SECONDS;
    let seconds = text.parse::<f64>().ok();
    let Some(seconds) = seconds.filter(|s| (0.001..=limit).contains(s)) else {
        let what = format!("a number of seconds from 0.001 to {limit}");
        return Err(wrong(option, &text, &what));
    };
    *place = Duration::from_secs_f64(seconds);
    Ok(())
}

fn wrong(option: &str, text: &str, what: &str) -> Complaint {
    format!("--{option}: '{}' is not {what}", text.escape_debug())
}
