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
//! Each command has a file of its own, which holds the table of its options:
//! `serve.rs`, `replay.rs`, `record.rs`. How a table is read is in `table.rs`,
//! and what a value must look like in `values.rs`.

mod record;
mod replay;
mod serve;
mod table;
mod values;

use crate::server::Settings;
use crate::transcript;
use std::ffi::OsStr;
use table::{Given, Row};

/// What the user asked for.
pub enum Invocation {
    /// `pillarbox serve`.
    Serve(Box<Settings>),
    /// `pillarbox serve --stdio`.
    Converse(Box<Settings>),
    /// `pillarbox replay`.
    Replay(Box<transcript::settings::ReplaySettings>),
    /// `pillarbox record`.
    Record(transcript::record::proxy::ProxySettings),
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

/// A command of the program.
struct Command {
    name: &'static str,
    /// What `--help` says above the options.
    about: &'static str,
    options: &'static [Row],
    /// Makes settings of what was given.
    invocation: fn(&Given) -> Result<Invocation, Complaint>,
}

const COMMANDS: [Command; 3] =
    [serve::COMMAND, replay::COMMAND, record::COMMAND];

/// Reads the arguments, without the program's own name.
pub fn parse<A: AsRef<OsStr>>(
    arguments: &[A],
) -> Result<Invocation, Complaint> {
    let arguments = arguments.iter().map(|argument| text(argument.as_ref()));
    let arguments = arguments.collect::<Result<Vec<_>, _>>()?;
    let Some((word, rest)) = arguments.split_first() else {
        return Err("no command given; try: pillarbox serve".to_owned());
    };
    if let Some(command) = COMMANDS.iter().find(|c| c.name == *word) {
        return command.parse(rest);
    }
    match *word {
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

/// An argument must be UTF-8. To put something else in the place of its other
/// bytes would name a file that the user did not mean.
fn text(argument: &OsStr) -> Result<&str, Complaint> {
    argument.to_str().ok_or_else(|| {
        let bytes = argument.as_encoded_bytes().escape_ascii();
        format!("the argument '{bytes}' is not UTF-8")
    })
}

impl Command {
    /// Reads what follows the command's name. Every command has `--help`, and
    /// complains in the same words.
    fn parse(&self, arguments: &[&str]) -> Result<Invocation, Complaint> {
        let name = self.name;
        let given = table::read(self.options, arguments).map_err(|text| {
            format!("{name}: {text}; try: pillarbox {name} --help")
        })?;
        match given {
            None => {
                let help = table::help(self.about, self.options);
                Ok(Invocation::Print(help))
            }
            Some(given) => (self.invocation)(&given)
                .map_err(|text| format!("{name}: {text}")),
        }
    }
}
