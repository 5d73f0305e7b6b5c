//! A command's options as a table of rows, and what was given of them.
//!
//! The table is all there is: `--help` is printed from it, and the arguments
//! are read by it (the work is done by `getopts`).
//!
//! Interface:
//!   `Row`                  one option; made by `flag`, `one` and `many`
//!   `Given`                what was given, by the names in the rows
//!   `help`, `read`         the table as text; the arguments by the table
//!   `argument`             one that is no option, and must be read as well
//!
//! What a value must look like is for `values.rs` to say.

use super::Complaint;
use super::values::Read;
use crate::words::lower_first;
use getopts::{Matches, Options};

/// One option of a command.
pub(super) struct Row {
    /// Its letter, for `-l`; empty if it has none.
    letter: &'static str,
    /// Its name, for `--listen`.
    name: &'static str,
    takes: Takes,
    help: &'static str,
}

/// What follows an option. The hint is what `--help` calls the value.
enum Takes {
    Nothing,
    /// A value; if the option is given twice, the last one counts.
    One(&'static str),
    /// A value; the option may be given several times.
    Many(&'static str),
}

/// An option without a value.
pub(super) const fn flag(
    letter: &'static str,
    name: &'static str,
    help: &'static str,
) -> Row {
    Row { letter, name, takes: Takes::Nothing, help }
}

/// An option with a value; if it is given twice, the last one counts.
pub(super) const fn one(
    letter: &'static str,
    name: &'static str,
    hint: &'static str,
    help: &'static str,
) -> Row {
    Row { letter, name, takes: Takes::One(hint), help }
}

/// An option with a value, which may be given several times.
pub(super) const fn many(
    letter: &'static str,
    name: &'static str,
    hint: &'static str,
    help: &'static str,
) -> Row {
    Row { letter, name, takes: Takes::Many(hint), help }
}

/// Every command has this one, as its last.
const HELP: Row = flag("h", "help", "this text");

/// The text of `--help`: what the command is about, then its table.
pub(super) fn help(about: &str, rows: &[Row]) -> String {
    options(rows).usage(about)
}

/// Reads the arguments. `Ok(None)` if help was asked for.
pub(super) fn read(
    rows: &[Row],
    arguments: &[&str],
) -> Result<Option<Given>, Complaint> {
    let matches = options(rows)
        .parse(arguments)
        .map_err(|fail| in_one_line(&lower_first(&fail.to_string())))?;
    let wants_help = matches.opt_present(HELP.name);
    Ok((!wants_help).then_some(Given { matches }))
}

fn options(rows: &[Row]) -> Options {
    let mut options = Options::new();
    for Row { letter, name, takes, help } in rows.iter().chain([&HELP]) {
        match takes {
            Takes::Nothing => options.optflagmulti(letter, name, help),
            Takes::One(hint) | Takes::Many(hint) => {
                options.optmulti(letter, name, help, hint)
            }
        };
    }
    options
}

/// What the user gave. An option is asked for by its long name, which must be
/// in the table.
pub(super) struct Given {
    matches: Matches,
}

impl Given {
    /// Whether the option is there at all.
    pub(super) fn has(&self, option: &str) -> bool {
        self.matches.opt_present(option)
    }

    /// What is no option, nor the value of one.
    pub(super) fn arguments(&self) -> &[String] {
        &self.matches.free
    }

    /// For a command that has options only.
    pub(super) fn no_argument(&self) -> Result<(), Complaint> {
        match self.arguments() {
            [] => Ok(()),
            [extra, ..] => {
                let extra = extra.escape_debug();
                Err(format!("takes no argument, but got '{extra}'"))
            }
        }
    }

    /// Refuses options that would do nothing: better told than ignored. `why`
    /// goes on after the option's name.
    pub(super) fn has_none_of(
        &self,
        options: &[&str],
        why: &str,
    ) -> Result<(), Complaint> {
        match options.iter().find(|option| self.has(option)) {
            None => Ok(()),
            Some(option) => Err(format!("--{option} {why}")),
        }
    }

    /// Refuses two options of which each is a task of its own.
    pub(super) fn has_one_at_most(
        &self,
        options: &[&str],
    ) -> Result<(), Complaint> {
        let mut given = options.iter().filter(|option| self.has(option));
        match (given.next(), given.next()) {
            (Some(one), Some(other)) => {
                Err(format!("--{one} does not go with --{other}"))
            }
            _ => Ok(()),
        }
    }

    /// The value of an option, read by `read`; none if it was not given.
    pub(super) fn value<T>(
        &self,
        option: &str,
        read: impl Fn(&str) -> Read<T>,
    ) -> Result<Option<T>, Complaint> {
        Ok(self.values(option, read)?.pop())
    }

    /// All values of an option, each read by `read`.
    pub(super) fn values<T>(
        &self,
        option: &str,
        read: impl Fn(&str) -> Read<T>,
    ) -> Result<Vec<T>, Complaint> {
        let read = |text: String| {
            read(&text)
                .map_err(|what| format!("--{option}: {}", is_not(&text, &what)))
        };
        self.matches.opt_strs(option).into_iter().map(read).collect()
    }

    /// Puts the value of an option into `place`, if it was given.
    pub(super) fn set<T>(
        &self,
        option: &str,
        read: impl Fn(&str) -> Read<T>,
        place: &mut T,
    ) -> Result<(), Complaint> {
        if let Some(value) = self.value(option, read)? {
            *place = value;
        }
        Ok(())
    }
}

/// What `getopts` says has the user's word in it as it was typed.
fn in_one_line(text: &str) -> String {
    // Its quotes are no quotes of ours.
    text.escape_debug().to_string().replace("\\'", "'")
}

/// An argument that is no option, read by `read`.
pub(super) fn argument<T>(
    text: &str,
    read: impl Fn(&str) -> Read<T>,
) -> Result<T, Complaint> {
    read(text).map_err(|what| is_not(text, &what))
}

/// `what` is what the value should have been.
fn is_not(text: &str, what: &str) -> Complaint {
    format!("'{}' is not {what}", text.escape_debug())
}
