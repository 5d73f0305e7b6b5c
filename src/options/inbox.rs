//! The options of `pillarbox inbox`.

use super::addresses::local_mailbox;
use super::table::{Given, Row, argument, one};
use super::values::{Read, folder, seconds};
use super::{Command, Complaint, Invocation, WRONG_USAGE};
use crate::agent::inbox::{Settings, Task};

const ABOUT: &str = "\
Lists the mail in a mailbox, and shows a message.

Usage: pillarbox inbox [-m DIR] ADDRESS
       pillarbox inbox [-m DIR] ADDRESS NUMBER
       pillarbox inbox [-m DIR] --wait SECONDS ADDRESS

The list has one line per message, the newest last; where it does not go to a
terminal, tabs are between the fields. The message with this NUMBER is shown,
and counts as seen from then on.";

#[rustfmt::skip]
const OPTIONS: &[Row] = &[
    one("m", "mail", "DIR",
        "the folder of 'pillarbox serve --mail' (default mail)"),
    one("", "wait", "SECONDS",
        "wait for a message that is not seen yet; exit code 0 as soon as \
         there is one, 1 if none comes"),
];

pub(super) const COMMAND: Command = Command {
    name: "inbox",
    about: ABOUT,
    options: OPTIONS,
    wrong_usage: WRONG_USAGE,
    invocation,
};

fn invocation(given: &Given) -> Result<Invocation, Complaint> {
    let wait = given.value("wait", seconds)?;
    let (address, task) = match (given.arguments(), wait) {
        ([], _) => {
            return Err("whose mail? try: pillarbox inbox bob@localhost".into());
        }
        ([address], None) => (address, Task::List),
        ([address], Some(time)) => (address, Task::Wait(time)),
        ([address, text], None) => {
            (address, Task::Show(argument(text, number)?))
        }
        ([_, _], Some(_)) => {
            return Err("--wait does not go with a NUMBER".to_owned());
        }
        ([_, _, ..], _) => {
            return Err("takes an ADDRESS and a NUMBER, no more".to_owned());
        }
    };
    let mut settings = Settings {
        mail: "mail".into(),
        mailbox: argument(address, local_mailbox)?,
        task,
    };
    given.set("mail", folder, &mut settings.mail)?;
    Ok(Invocation::Inbox(settings))
}

/// A number in digits, not 0. One that is too large for us is too large for
/// any mailbox: that is for the list to say.
fn number(text: &str) -> Read<usize> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
    let is_positive = text.bytes().any(|byte| byte != b'0');
    match is_plain && is_positive {
        true => Ok(text.parse().unwrap_or(usize::MAX)),
        false => Err("the number of a message, such as 1".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::{self, WrongUsage};
    use std::path::PathBuf;
    use std::time::Duration;

    fn settings_of(words: &[&str]) -> Settings {
        match options::parse(&[&["inbox"], words].concat()) {
            Ok(Invocation::Inbox(settings)) => settings,
            other => panic!("{words:?}: {:?}", other.err()),
        }
    }

    #[test]
    fn a_mailbox_is_listed_unless_a_number_or_a_wait_is_given() {
        let settings = settings_of(&["Bob@Example.org"]);
        assert_eq!(settings.mail, PathBuf::from("mail"));
        assert_eq!(settings.mailbox.local_part, "bob");
        assert_eq!(settings.mailbox.domain, "example.org");
        assert_eq!(settings.task, Task::List);
        let settings = settings_of(&["-m", "post", "a+b@[127.0.0.1]", "007"]);
        assert_eq!(settings.mail, PathBuf::from("post"));
        assert_eq!(settings.mailbox.local_part, "a+b");
        assert_eq!(settings.mailbox.domain, "[127.0.0.1]");
        assert_eq!(settings.task, Task::Show(7));
        let settings = settings_of(&["--wait=0.5", "bob@localhost"]);
        let half = Duration::from_millis(500);
        assert_eq!(settings.task, Task::Wait(half));
    }

    #[test]
    fn a_number_of_20_digits_is_for_the_list_to_refuse() {
        let settings = settings_of(&["b@localhost", "99999999999999999999"]);
        assert_eq!(settings.task, Task::Show(usize::MAX));
    }

    #[test]
    fn every_wrong_value_is_told_in_one_line_with_code_2() {
        let cases: [&[&str]; 25] = [
            &[],
            &["1"],
            &["bob"],
            &["postmaster"],
            &["<bob@localhost>"],
            &["bob@käthe.example"],
            &["../bob@localhost"],
            &["..@localhost"],
            &["\"../x\"@localhost"],
            &["bob@.."],
            &["bob@[x:/../..]"],
            &["bob@localhost\n"],
            &["b@localhost", "0"],
            &["b@localhost", "00"],
            &["b@localhost", "-1"],
            &["b@localhost", "+1"],
            &["b@localhost", "1.0"],
            &["b@localhost", "one"],
            &["b@localhost", ""],
            &["b@localhost", "1", "2"],
            &["b@localhost", "--wait", "0"],
            &["b@localhost", "--wait", "for ever"],
            &["b@localhost", "--wait", "1", "1"],
            &["b@localhost", "--mail="],
            &["b@localhost", "--flush"],
        ];
        for words in cases {
            let parsed = options::parse(&[&["inbox"], words].concat());
            let Err(WrongUsage { text, code }) = parsed else {
                panic!("{words:?} was taken");
            };
            assert!(text.starts_with("inbox: "), "{text}");
            assert!(!text.contains(char::is_control), "{text}");
            assert_eq!(code, 2, "{text}");
        }
    }
}
