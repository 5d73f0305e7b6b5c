//! The options of `pillarbox grade`.

use super::replay::{again, command, extensions, maildir, old_and_new};
use super::table::{Given, Row, argument, flag, many, one};
use super::values::{Read, folder, seconds, whole};
use super::{Command, Complaint, Invocation, WRONG_USAGE};
use crate::transcript::grade::settings::{
    DIR, GradeSettings as Settings, Terms,
};
use crate::transcript::judge::alias::Aliases;
use crate::transcript::judge::target::{Match, Rules};
use crate::transcript::settings::Chosen;
use std::path::PathBuf;
use std::time::Duration;

const ABOUT: &str = "\
Grades a class: each folder in DIR is a submission. Each one is built, judged
as by 'pillarbox replay --run', and becomes a row of one table.

Usage: pillarbox grade DIR --run 'COMMAND {dir} {port} {maildir}' [OPTION]...
                       [FILE|DIR]...

Without files the built-in transcripts are played. The table goes to standard
output, and with a report for each submission into the folder of the results.
If it is interrupted, the same command goes on where it was: a submission that
has a grade, and has not changed since, keeps it.

Exit code: 0 all were judged, and no transcript failed; 1 one failed, only some
were judged, or a result cannot be written; 2 wrong usage, or a file is not a
transcript; 3 nothing could be judged.";

#[rustfmt::skip]
const OPTIONS: &[Row] = &[
    // How a submission is run.
    one("", "run", "'COMMAND {dir} {port}'",
        "the command that starts a submission's server, as for 'pillarbox \
         replay'; {dir} in it is the submission's folder, quoted for the \
         shell, and {port}, {maildir} and the others are as there"),
    one("", "build", "'COMMAND {dir}'",
        "run this first, once for each submission; if it fails, that is the \
         first cause, and nothing is played"),
    one("", "wait", "SECONDS",
        "for a server that is still starting (default 10)"),
    many("", "maildir", "ADDRESS=DIR",
        "where a server stores the mail of an address, as the file has it; \
         {maildir} may be in DIR; repeatable"),

    // How it is judged.
    one("", "stage", "N",
        "only files that can be understood by chapter N of the book"),
    one("", "extensions", "PIPELINING,SIZE,...",
        "a server must offer these: what it does not is a lost point, and \
         files that need others are skipped; so all can reach the same number \
         of points"),
    flag("", "no-mailbox",
        "do not look into mailboxes; files that want a look do not count"),
    many("", "as", "OLD=NEW",
        "another address or host name in C:, S: and M: lines; repeatable"),
    one("", "timeout", "SECONDS",
        "how long a server has for a reply, and for a delivery (default 10)"),
    flag("", "strict", "level should and level may count, too"),

    // Limits.
    one("", "max-time", "SECONDS",
        "how long one submission may take, its build and all its files \
         together; what is left is lost (default 1200)"),
    one("", "max-output", "BYTES",
        "how much a server may print and store for a file, and how large a \
         file of its own may grow; then it is ended (default 100000000)"),
    one("", "jobs", "N",
        "how many files at the same time, of all submissions (default 8)"),

    // What comes out.
    one("o", "out", "DIR",
        "the folder of the results: grades.txt, grades.tsv, grades.html, and \
         reports/SUBMISSION (default results)"),
];

pub(super) const COMMAND: Command = Command {
    name: "grade",
    about: ABOUT,
    options: OPTIONS,
    wrong_usage: WRONG_USAGE,
    invocation,
};

/// How many files at the same time: most of them wait, most of the time.
const JOBS: usize = 8;
const MOST_JOBS: usize = 256;

/// What 'pillarbox replay' needs to ask a submission once more.
const AGAIN: [&str; 4] = ["wait", "maildir", "as", "timeout"];

fn invocation(given: &Given) -> Result<Invocation, Complaint> {
    let Some((class, files)) = given.arguments().split_first() else {
        return Err("which class? name the folder of the submissions".into());
    };
    let command = given.value("run", command_in_folder)?;
    let command = command.ok_or(
        "how is a server started? try: --run 'python3 {dir}/server.py {port} \
         {maildir}'",
    )?;
    let mut settings = Settings {
        class: argument(class, folder)?,
        files: files.iter().map(PathBuf::from).collect(),
        out: "results".into(),
        jobs: JOBS,
        terms: terms(given, command)?,
    };
    given.set("out", folder, &mut settings.out)?;
    given.set("jobs", whole(1..=MOST_JOBS), &mut settings.jobs)?;
    Ok(Invocation::Grade(Box::new(settings)))
}

fn terms(given: &Given, command: String) -> Result<Terms, Complaint> {
    let mut terms = Terms {
        command,
        build: given.value("build", in_folder)?,
        again: again(given, &AGAIN, &["no-mailbox"])?,
        rules: Rules {
            matching: Match::Code,
            aliases: Aliases::new(given.values("as", old_and_new)?),
            no_mailbox: given.has("no-mailbox"),
            ..Rules::default()
        },
        chosen: Chosen {
            stage: given.value("stage", whole(0..=99))?,
            section: None,
        },
        extensions: given.value("extensions", extensions)?,
        maildirs: given.values("maildir", maildir)?,
        wait: Duration::from_secs(10),
        strict: given.has("strict"),
        most_time: Duration::from_secs(1200),
        most_written: 100_000_000,
    };
    given.set("timeout", seconds, &mut terms.rules.deadline)?;
    given.set("wait", seconds, &mut terms.wait)?;
    given.set("max-time", seconds, &mut terms.most_time)?;
    let bytes = whole(1..=u64::MAX / 2);
    given.set("max-output", bytes, &mut terms.most_written)?;
    Ok(terms)
}

fn command_in_folder(text: &str) -> Read<String> {
    in_folder(text).and_then(|text| command(&text))
}

/// Without `{dir}` all submissions would be the same one.
fn in_folder(text: &str) -> Read<String> {
    match text.contains(DIR) {
        true => Ok(text.to_owned()),
        false => Err("a command with {dir} in it".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::{self, WrongUsage};

    const RUN: [&str; 2] = ["--run", "x {dir} {port}"];

    fn parse_words(words: &[&str]) -> Result<Settings, WrongUsage> {
        let parsed = options::parse(&[&["grade"], words].concat())?;
        let Invocation::Grade(settings) = parsed else {
            panic!("{words:?}: another command");
        };
        Ok(*settings)
    }

    #[test]
    fn defaults_are_those_of_the_help() {
        let settings = parse_words(&[&["class"], &RUN[..]].concat()).unwrap();
        let Ok(Invocation::Print(help)) = options::parse(&["grade", "--help"])
        else {
            panic!("no help");
        };
        let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
        let terms = settings.terms;
        let (wait, most) = (terms.wait.as_secs(), terms.most_time.as_secs());
        for default in [
            format!("still starting (default {wait})"),
            format!("for a delivery (default {})", wait),
            format!("what is left is lost (default {most})"),
            format!("it is ended (default {})", terms.most_written),
            format!("of all submissions (default {})", settings.jobs),
            format!("reports/SUBMISSION (default {})", settings.out.display()),
        ] {
            assert!(help.contains(&default), "{default} is not in {help}");
        }
        assert_eq!(terms.rules.deadline, Duration::from_secs(10));
        assert_eq!(terms.rules.matching, Match::Code);
        assert!(settings.files.is_empty());
    }

    #[test]
    fn what_was_given_is_what_is_done() {
        let words = ["class", "--build", "make -C {dir}", "--stage", "3"];
        let more = ["--max-output", "5", "-o", "r", "--jobs", "2", "a", "b"];
        let settings =
            parse_words(&[&words[..], &RUN, &more].concat()).unwrap();
        assert_eq!(settings.class, PathBuf::from("class"));
        assert_eq!(settings.files, ["a", "b"].map(PathBuf::from));
        assert_eq!(settings.out, PathBuf::from("r"));
        assert_eq!(settings.terms.build.as_deref(), Some("make -C {dir}"));
        assert_eq!(settings.terms.chosen.stage, Some(3));
        assert_eq!((settings.terms.most_written, settings.jobs), (5, 2));
    }

    #[test]
    fn every_wrong_value_is_named_in_one_line() {
        let wrong: [&[&str]; 10] = [
            &["--max-time", "0"],
            &["--max-output", "0"],
            &["--max-output", "1M"],
            &["--jobs", "0"],
            &["--build", "make"],
            &["--stage", "one"],
            &["--extensions", "SIZE,"],
            &["--maildir", "bob=x"],
            &["--out="],
            &["--server", "x:25"],
        ];
        let wrong = wrong.map(|words| [&["class"], &RUN[..], words].concat());
        let others: [&[&str]; 4] = [
            &[],
            &["class"],
            &["class", "--run", "x {port}"],
            &["class", "--run", "x {dir}"],
        ];
        for words in wrong.into_iter().chain(others.map(Vec::from)) {
            let Err(complaint) = parse_words(&words) else {
                panic!("{words:?} was taken");
            };
            let complaint = complaint.text;
            assert!(complaint.starts_with("grade: "), "{complaint}");
            assert!(!complaint.contains('\n'), "{complaint}");
        }
    }
}
