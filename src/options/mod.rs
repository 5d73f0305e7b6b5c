//! The command line: text in, settings out.
//!
//! Other people's scripts use it, so it is a contract. A value that makes no
//! sense is refused here, in one line, before anything is opened: there is no
//! half start.
//!
//! Interface:
//!   `parse`       the arguments in, an `Invocation` out
//!   `Invocation`  what the user asked for
//!   `WrongUsage`  what is wrong with the arguments
//!
//! Each command has a file of its own, which holds the table of its options:
//! `serve.rs` (with `relay.rs`), `replay.rs`, `grade.rs`, `record.rs`,
//! `send.rs`, `inbox.rs`, `queue.rs`. How a table is read is in `table.rs`, and
//! what a value must look like in `values.rs` and `addresses.rs`.

mod addresses;
mod grade;
pub mod inbox;
pub mod queue;
mod record;
mod relay;
mod replay;
pub mod send;
mod serve;
mod table;
mod values;

use crate::agent;
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
    /// `pillarbox grade`.
    Grade(Box<transcript::grade::settings::GradeSettings>),
    /// `pillarbox record`.
    Record(transcript::record::proxy::ProxySettings),
    /// `pillarbox send`.
    Send(Box<agent::send::Settings>),
    /// `pillarbox inbox`.
    Inbox(agent::inbox::Settings),
    /// `pillarbox queue`.
    Queue(queue::QueueSettings),
    /// `--help` or `--version`: print this and end.
    Print(String),
}

/// Why there is nothing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrongUsage {
    /// What is wrong with the command line, in one line.
    pub text: String,
    /// The exit code: `send` has one of its own.
    pub code: u8,
}

/// What is wrong, in one line.
type Complaint = String;

/// The exit code for wrong usage.
const WRONG_USAGE: u8 = 2;

const USAGE: &str = "\
Pillarbox: an SMTP server to learn from.

Usage: pillarbox COMMAND [OPTION]...

Commands:
    serve       receive mail into Maildirs
    replay      play transcripts, and judge this server or another one
    grade       judge a whole class: every submission in a folder
    record      stand between a client and a server, and write down what
                they say
    send        send a message, as a mail program does
    inbox       list the mail in a mailbox, and read it
    queue       show the mail that waits to be sent

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
    wrong_usage: u8,
    /// Makes settings of what was given.
    invocation: fn(&Given) -> Result<Invocation, Complaint>,
}

const COMMANDS: [Command; 7] = [
    serve::COMMAND,
    replay::COMMAND,
    grade::COMMAND,
    record::COMMAND,
    send::COMMAND,
    inbox::COMMAND,
    queue::COMMAND,
];

/// The name that the system has for itself, if it is fit for a greeting.
pub fn system_hostname() -> String {
    serve::system_hostname()
}

/// Reads the arguments, without the program's own name.
pub fn parse<A: AsRef<OsStr>>(
    arguments: &[A],
) -> Result<Invocation, WrongUsage> {
    let word = arguments.first().map(AsRef::as_ref);
    let command = COMMANDS.iter().find(|c| word == Some(OsStr::new(c.name)));
    let code = command.map_or(WRONG_USAGE, |command| command.wrong_usage);
    let arguments = arguments.iter().map(|argument| text(argument.as_ref()));
    let invocation =
        arguments.collect::<Result<Vec<_>, _>>().and_then(|arguments| {
            match command {
                Some(command) => command.parse(&arguments),
                None => without_command(&arguments),
            }
        });
    invocation.map_err(|text| WrongUsage { text, code })
}

/// For arguments whose first is no command.
fn without_command(arguments: &[&str]) -> Result<Invocation, Complaint> {
    match arguments.first() {
        None => Err("no command given; try: pillarbox serve".to_owned()),
        Some(&("-h" | "--help")) => Ok(Invocation::Print(USAGE.to_owned())),
        Some(&("-V" | "--version")) => {
            let version = env!("CARGO_PKG_VERSION");
            Ok(Invocation::Print(format!("pillarbox {version}\n")))
        }
        Some(other) => Err(format!(
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
    /// Reads the arguments, of which the first is the command's name. Every
    /// command has `--help`, and complains in the same words.
    fn parse(&self, arguments: &[&str]) -> Result<Invocation, Complaint> {
        let name = self.name;
        let rest = arguments.get(1..).unwrap_or_default();
        let given = table::read(self.options, rest).map_err(|text| {
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
