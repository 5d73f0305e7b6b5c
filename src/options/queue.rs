//! The options of `pillarbox queue`.

use super::table::{Given, Row, argument, flag, one};
use super::values::{Read, folder};
use super::{Command, Complaint, Invocation, WRONG_USAGE};
use std::path::PathBuf;

const ABOUT: &str = "\
Shows the mail that waits to be sent.

Usage: pillarbox queue DIR
       pillarbox queue --flush DIR
       pillarbox queue --show ID DIR
       pillarbox queue --remove ID DIR

DIR is the folder of 'pillarbox serve --queue'; a server may be running on it.
The list has one line per message: id, age, tries, time to the next try, sender,
waiting recipients, last answer. Where it does not go to a terminal, tabs are
between the fields, and times are in seconds.";

#[rustfmt::skip]
const OPTIONS: &[Row] = &[
    flag("", "flush",
        "make every message due now: a running server tries them at once; \
         without one, they wait for the next start"),
    one("", "show", "ID", "print a message's envelope and header"),
    one("", "remove", "ID", "take a message out; nobody gets a bounce"),
];

pub(super) const COMMAND: Command = Command {
    name: "queue",
    about: ABOUT,
    options: OPTIONS,
    wrong_usage: WRONG_USAGE,
    invocation,
};

/// What `pillarbox queue` needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueSettings {
    /// The folder of the queue.
    pub folder: PathBuf,
    /// What is done.
    pub task: QueueTask,
}

/// What is done with a queue. An id is `[A-Za-z0-9._-]+` with no dot at its
/// front, so it is fit for a file's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QueueTask {
    /// Its entries are listed.
    List,
    /// All of them become due.
    Flush,
    /// The entry with this id is shown.
    Show(String),
    /// The entry with this id is taken out.
    Remove(String),
}

fn invocation(given: &Given) -> Result<Invocation, Complaint> {
    let [text] = given.arguments() else {
        return Err("takes one folder; try: pillarbox queue queue".to_owned());
    };
    let folder = argument(text, folder)?;
    let task = task(given)?;
    Ok(Invocation::Queue(QueueSettings { folder, task }))
}

fn task(given: &Given) -> Result<QueueTask, Complaint> {
    given.has_one_at_most(&["flush", "show", "remove"])?;
    if let Some(id) = given.value("show", id)? {
        return Ok(QueueTask::Show(id));
    }
    if let Some(id) = given.value("remove", id)? {
        return Ok(QueueTask::Remove(id));
    }
    Ok(if given.has("flush") { QueueTask::Flush } else { QueueTask::List })
}

/// No slash, no leading dot: what is made of it stays in the folder.
fn id(text: &str) -> Read<String> {
    let is_fit = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let is_id =
        !text.is_empty() && !text.starts_with('.') && text.chars().all(is_fit);
    match is_id {
        true => Ok(text.to_owned()),
        false => Err("the id of a message, as the list has it".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::{self, WrongUsage};

    #[test]
    fn a_queue_is_listed_unless_something_else_is_asked_for() {
        let id = || "1764000000.M5P7.mx".to_owned();
        for (words, task) in [
            (&["q"][..], QueueTask::List),
            (&["q", "--flush"], QueueTask::Flush),
            (&["--flush", "q"], QueueTask::Flush),
            (&["q", "--show", &id()], QueueTask::Show(id())),
            (&["--remove", &id(), "q"], QueueTask::Remove(id())),
        ] {
            let parsed = options::parse(&[&["queue"], words].concat());
            let Ok(Invocation::Queue(settings)) = parsed else {
                panic!("{words:?}");
            };
            let folder = PathBuf::from("q");
            assert_eq!(settings, QueueSettings { folder, task });
        }
    }

    #[test]
    fn every_wrong_value_is_told_in_one_line_with_code_2() {
        let cases: [&[&str]; 14] = [
            &[],
            &[""],
            &["one", "two"],
            &["--flush"],
            &["q", "--flush", "--show", "x"],
            &["q", "--show", "x", "--remove", "x"],
            &["q", "--flush=now"],
            &["q", "--show"],
            &["q", "--show="],
            &["q", "--show", ".."],
            &["q", "--show", "../x"],
            &["q", "--remove", ".lock"],
            &["q", "--remove", "a/b"],
            &["q", "--remove", "a\nb"],
        ];
        for words in cases {
            let parsed = options::parse(&[&["queue"], words].concat());
            let Err(WrongUsage { text, code }) = parsed else {
                panic!("{words:?} was taken");
            };
            assert!(text.starts_with("queue: "), "{text}");
            assert!(!text.contains(char::is_control), "{text}");
            assert_eq!(code, 2, "{text}");
        }
    }
}
