//! The options of `pillarbox replay`.

use super::table::{Given, Row, flag, many, one};
use super::values::{
    Read, address_and_port, file, folder, host_and_port, pair, seconds, whole,
};
use super::{Command, Complaint, Invocation, WRONG_USAGE};
use crate::transcript::format::said::Said;
use crate::transcript::format::script::MailboxAddress;
use crate::transcript::judge::alias::Aliases;
use crate::transcript::judge::target::{Match, Rules};
use crate::transcript::report::formats::Format;
use crate::transcript::settings::{
    Chosen, ReplaySettings as Settings, Subject, Task,
};
use std::path::PathBuf;
use std::time::Duration;

const ABOUT: &str = "\
Plays transcripts against a server or a client, and judges it.

Usage: pillarbox replay [OPTION]... [FILE|DIR]...
       pillarbox replay [OPTION]... --show FILE:LINE
       pillarbox replay --bless [--accept] [--accept-codes] FILE|DIR...
       pillarbox replay [OPTION]... --listen ADDR:PORT FILE
       pillarbox replay --matrix [--out PAGE] FILE.tsv...
       pillarbox replay --export DIR

All of Pillarbox's own transcripts are built in: without files these are
played. A path of theirs, such as transcripts/01-first, is found there, too, if
there is no such file.

Without --server and --run it judges Pillarbox itself, byte for byte; each file
has a server of its own. Exit code: 0 at least one file was judged and none
failed; 1 one failed; 2 wrong usage, or a file is not a transcript; 3 nothing
could be judged. A file that is empty or cut is told, and the others are played
all the same.";

#[rustfmt::skip]
const OPTIONS: &[Row] = &[
    // Who is judged.
    one("", "server", "HOST:PORT", "judge a server that runs"),
    one("", "listen", "ADDR:PORT",
        "the other direction: be the server of a file that plays one, and \
         judge the clients that connect; port 0 takes a free one"),
    flag("", "repeat",
        "with --listen: play the file to each client that comes, until this \
         command is ended"),
    one("", "run", "'COMMAND {port} {maildir}'",
        "judge a server that this command starts, afresh for each file; \
         {port} and {maildir} in it are filled in. It listens on \
         127.0.0.1:{port}, and stores mail in {maildir}/DOMAIN/LOCAL-PART, \
         {maildir}/ADDRESS, or all in the Maildir {maildir}. Files with a \
         Server: line are played as well if the command takes what they ask \
         for: {max-size}, {max-recipients} and {timeout} are these limits, \
         and {options} is all of it as options of 'pillarbox serve'"),
    one("", "wait", "SECONDS",
        "for a server that is still starting; for a client to come, and to end \
         (default 10 with --run and --client, else 0)"),
    many("", "have", "KEY=VALUE",
        "the server was configured with this option of 'pillarbox serve' \
         (see Server: in a file); repeatable"),
    many("", "maildir", "ADDRESS=DIR",
        "where the server stores the mail of an address, as the file has it; \
         with --run, {maildir} may be in DIR; repeatable"),

    one("", "client", "'COMMAND {port} {from} {recipients} {message}'",
        "judge a client: this command, run afresh for each file that plays a \
         server. It sends the mail to 127.0.0.1:{port}. {message} is a file \
         whose lines end in LF, {message-crlf} the same with CR LF; a word \
         with {recipients} in it is repeated for each of them. Exit code 0 \
         says that the mail is sent, any other one that it is not"),
    many("", "tells", "refused=69,later=75",
        "exit codes of --client that say more than 'not sent': refused for \
         good, or to be tried again later; repeatable"),

    // How it is judged.
    one("", "stage", "N",
        "only files that can be understood by chapter N of the book"),
    one("", "section", "NUMBER",
        "only files about this section of an RFC, such as 4.5.2 or \
         'RFC 5321 4.5.2', or about a part of it"),
    one("", "extensions", "PIPELINING,SIZE,...",
        "the server must offer these: what it does not is a lost point, and \
         files that need others are skipped; without this, what it does not \
         offer is skipped"),
    flag("", "no-mailbox",
        "do not look into mailboxes; files that want a look do not count"),
    one("", "match", "exact|code|class",
        "exact: every byte; code: the three digits; class: the first one \
         (default code with --server and --run, else exact)"),
    flag("", "force",
        "judge another server by level own as well, and allow --match exact \
         for it"),
    many("", "as", "OLD=NEW",
        "another address or host name in C:, S: and M: lines; repeatable"),
    many("", "set", "NAME=VALUE", "a value for {name}; repeatable"),
    one("", "timeout", "SECONDS",
        "how long the server has for a reply, and another server for a \
         delivery (default 10)"),
    flag("", "strict", "level should and level may count, too"),
    one("", "jobs", "N",
        "how many files at the same time (default 8; 1 with --run and \
         --client, and always 1 with --server)"),

    // What comes out.
    one("", "report", "text|tap|junit|tsv|html",
        "what the report looks like (default text)"),
    one("", "out", "FILE",
        "write the report there; standard output has the text then"),
    flag("", "list", "list path, level, spec and title; run nothing"),
    flag("", "check",
        "only read the files: 0 fine, 1 against a rule of Pillarbox's own \
         files, 2 not a transcript"),
    one("", "show", "FILE:LINE",
        "play a file up to that line; show the whole talk, with !! where it \
         went wrong"),
    one("", "export", "DIR",
        "write the built-in transcripts into this folder; nothing is written \
         over"),
    flag("", "matrix", "make a Markdown table of several tsv reports"),
    flag("", "bless",
        "make the files say what Pillarbox says: write FILE.new, show what \
         changes; not where CI is set"),
    flag("", "accept", "with --bless: put FILE.new in FILE's place"),
    flag("", "accept-codes", "with --bless: take changed codes, too"),
];

pub(super) const COMMAND: Command = Command {
    name: "replay",
    about: ABOUT,
    options: OPTIONS,
    wrong_usage: WRONG_USAGE,
    invocation,
};

/// The options with a value that another look at the same server needs.
const AGAIN: [&str; 9] = [
    "server", "run", "wait", "have", "maildir", "match", "as", "set", "timeout",
];

/// How many of our own servers run at the same time: they wait, mostly.
const OWN_JOBS: usize = 8;
const MOST_JOBS: usize = 64;

/// How long a command may take until its server listens.
const START: Duration = Duration::from_secs(10);

fn invocation(given: &Given) -> Result<Invocation, Complaint> {
    let (task, files) = task(given)?;
    let subject = subject(given)?;
    let (jobs, wait) = match subject {
        Subject::Own => (OWN_JOBS, Duration::ZERO),
        Subject::Running(_) => (1, Duration::ZERO),
        Subject::Command(_) | Subject::Client(..) => (1, START),
    };
    let mut settings = Settings {
        task,
        files,
        rules: rules(given, &subject)?,
        chosen: Chosen {
            stage: given.value("stage", whole(0..=99))?,
            section: given.value("section", section)?,
        },
        extensions: given.value("extensions", extensions)?,
        have: given.values("have", key_and_value)?,
        maildirs: given.values("maildir", maildir)?,
        wait,
        strict: given.has("strict"),
        format: given.value("report", format)?.unwrap_or(Format::Text),
        out: given.value("out", file)?,
        jobs,
        again: again(given, &AGAIN, &["force", "no-mailbox"])?,
        subject,
    };
    given.set("wait", seconds, &mut settings.wait)?;
    given.set("jobs", whole(1..=MOST_JOBS), &mut settings.jobs)?;
    fit_together(given, &settings)?;
    Ok(Invocation::Replay(Box::new(settings)))
}

/// What is done, and with which files.
fn task(given: &Given) -> Result<(Task, Vec<PathBuf>), Complaint> {
    let tasks =
        ["list", "check", "show", "matrix", "listen", "bless", "export"];
    given.has_one_at_most(&tasks)?;
    let files: Vec<_> = given.arguments().iter().map(PathBuf::from).collect();
    if let Some((file, line)) = given.value("show", file_and_line)? {
        return match files.is_empty() {
            true => Ok((Task::Show(line), vec![file])),
            false => Err("--show takes one FILE:LINE, no files".to_owned()),
        };
    }
    if let Some(folder) = given.value("export", folder)? {
        return match files.is_empty() {
            true => Ok((Task::Export, vec![folder])),
            false => Err("--export takes one folder, no files".to_owned()),
        };
    }
    let task = task_of_files(given)?;
    // What these do, they do to files.
    let wants_files = matches!(task, Task::Matrix | Task::Bless { .. });
    if files.is_empty() && wants_files {
        return Err("no file given; try: pillarbox replay --help".to_owned());
    }
    Ok((task, files))
}

/// One of the tasks that are done with files.
fn task_of_files(given: &Given) -> Result<Task, Complaint> {
    if let Some(address) = given.value("listen", address_and_port)? {
        let repeat = given.has("repeat");
        return Ok(Task::Listen { address, repeat });
    }
    let accept = given.has("accept");
    let accept_codes = given.has("accept-codes");
    let tasks = [
        ("list", Task::List),
        ("check", Task::Check),
        ("matrix", Task::Matrix),
        ("bless", Task::Bless { accept, accept_codes }),
    ];
    let mut tasks = tasks.into_iter();
    let task = tasks.find(|(option, _)| given.has(option));
    Ok(task.map_or(Task::Judge, |(_, task)| task))
}

/// `FILE:LINE`
fn file_and_line(text: &str) -> Read<(PathBuf, usize)> {
    let parts = text.rsplit_once(':').and_then(|(file, line)| {
        let line = line.parse().ok().filter(|line| *line > 0)?;
        (!file.is_empty()).then(|| (PathBuf::from(file), line))
    });
    parts.ok_or_else(|| "FILE:LINE".to_owned())
}

fn subject(given: &Given) -> Result<Subject, Complaint> {
    given.has_one_at_most(&["server", "run", "client"])?;
    if let Some(place) = given.value("server", host_and_port)? {
        return Ok(Subject::Running(place.to_string()));
    }
    if let Some(command) = given.value("run", command)? {
        return Ok(Subject::Command(command));
    }
    match given.value("client", command)? {
        Some(command) => {
            let tells = given.values("tells", tells)?;
            Ok(Subject::Client(command, tells.concat()))
        }
        None => Ok(Subject::Own),
    }
}

/// `refused=69,later=75`; 0 is taken, it means sent.
fn tells(text: &str) -> Read<Vec<(Said, u8)>> {
    let one = |text: &str| {
        let (word, code) = pair(text)?;
        let said = Said::read(&word).ok()?;
        let code = code.parse().ok().filter(|code| *code != 0)?;
        (said != Said::Sent).then_some((said, code))
    };
    let all: Option<Vec<_>> = text.split(',').map(one).collect();
    let what = "refused=CODE or later=CODE, with commas, such as \
                refused=69,later=75";
    all.ok_or_else(|| what.to_owned())
}

/// Options that say whose talk it is, as they were given: those with a value,
/// and flags.
pub(super) fn again(
    given: &Given,
    with_value: &[&str],
    flags: &[&str],
) -> Result<Vec<String>, Complaint> {
    let word = |text: &str| Read::Ok(text.to_owned());
    let mut words = Vec::new();
    for option in with_value {
        for value in given.values(option, word)? {
            words.extend([format!("--{option}"), value]);
        }
    }
    let flags = flags.iter().filter(|option| given.has(option));
    words.extend(flags.map(|option| format!("--{option}")));
    Ok(words)
}

pub(super) fn command(text: &str) -> Read<String> {
    match text.contains("{port}") {
        true => Ok(text.to_owned()),
        false => Err("a command with {port} in it".to_owned()),
    }
}

fn rules(given: &Given, subject: &Subject) -> Result<Rules, Complaint> {
    let mut rules = Rules {
        matching: matching(given, subject)?,
        aliases: Aliases::new(given.values("as", old_and_new)?),
        values: given.values("set", name_and_value)?,
        judges_own: given.has("force"),
        no_mailbox: given.has("no-mailbox"),
        ..Rules::default()
    };
    given.set("timeout", seconds, &mut rules.deadline)?;
    Ok(rules)
}

/// No other server says the words of ours, so `exact` must be meant.
fn matching(given: &Given, subject: &Subject) -> Result<Match, Complaint> {
    let is_own = *subject == Subject::Own;
    if matches!(subject, Subject::Client(..)) {
        let why = "is for servers: of a client nothing is compared but what \
                   the file says";
        given.has_none_of(&["match"], why)?;
    }
    match given.value("match", closeness)? {
        None if is_own => Ok(Match::Exact),
        None => Ok(Match::Code),
        Some(Match::Exact) if !is_own && !given.has("force") => {
            Err("--match exact compares every byte with what Pillarbox says, \
                 so another server cannot pass; if you mean it, add --force"
                .to_owned())
        }
        Some(matching) => Ok(matching),
    }
}

fn closeness(text: &str) -> Read<Match> {
    match text {
        "exact" => Ok(Match::Exact),
        "code" => Ok(Match::Code),
        "class" => Ok(Match::Class),
        _ => Err("exact, code or class".to_owned()),
    }
}

fn format(text: &str) -> Read<Format> {
    match text {
        "text" => Ok(Format::Text),
        "tap" => Ok(Format::Tap),
        "junit" => Ok(Format::Junit),
        "tsv" => Ok(Format::Tsv),
        "html" => Ok(Format::Html),
        _ => Err("text, tap, junit, tsv or html".to_owned()),
    }
}

/// `4.5.2`, perhaps with the document before it.
fn section(text: &str) -> Read<String> {
    let number = text.rsplit(' ').next().unwrap_or_default();
    let is_number = |c: char| c.is_ascii_digit() || c == '.';
    let begins = number.starts_with(|c: char| c.is_ascii_digit());
    match begins && number.chars().all(is_number) {
        true => Ok(text.to_owned()),
        false => Err("a section such as 4.5.2".to_owned()),
    }
}

/// EHLO keywords, with commas.
pub(super) fn extensions(text: &str) -> Read<Vec<String>> {
    let words: Vec<String> =
        text.split(',').map(str::to_ascii_uppercase).collect();
    let is_keyword = |word: &String| {
        let is_of = |c: char| c.is_ascii_alphanumeric() || c == '-';
        !word.is_empty() && word.chars().all(is_of)
    };
    match text == "none" || words.iter().all(is_keyword) {
        true if text == "none" => Ok(Vec::new()),
        true => Ok(words),
        false => {
            Err("EHLO keywords with commas, such as PIPELINING,SIZE, or none"
                .to_owned())
        }
    }
}

fn key_and_value(text: &str) -> Read<(String, String)> {
    pair(text).ok_or_else(|| "KEY=VALUE".to_owned())
}

pub(super) fn old_and_new(text: &str) -> Read<(String, String)> {
    pair(text).ok_or_else(|| "OLD=NEW".to_owned())
}

fn name_and_value(text: &str) -> Read<(String, String)> {
    let is_name =
        |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let (name, value) = pair(text).ok_or("NAME=VALUE")?;
    match name.chars().all(is_name) {
        true => Ok((name, value)),
        false => Err("NAME=VALUE, with a name like host".to_owned()),
    }
}

pub(super) fn maildir(text: &str) -> Read<(MailboxAddress, PathBuf)> {
    let read = pair(text).and_then(|(address, folder)| {
        let address = MailboxAddress::parse(&address).ok()?;
        Some((address, PathBuf::from(folder)))
    });
    let what = "ADDRESS=DIR, such as bob@example.org=/var/mail/bob";
    read.ok_or_else(|| what.to_owned())
}

/// An option that would do nothing is a mistake: better told than ignored.
fn fit_together(given: &Given, settings: &Settings) -> Result<(), Complaint> {
    let is_own = settings.subject == Subject::Own;
    let is_listening = matches!(settings.task, Task::Listen { .. });
    let is_client = matches!(settings.subject, Subject::Client(..));
    let is_blessing = matches!(settings.task, Task::Bless { .. });
    let has_report =
        is_listening || matches!(settings.task, Task::Judge | Task::Matrix);
    if is_own {
        let others = ["have", "maildir", "force", "extensions", "no-mailbox"];
        given.has_none_of(&others, "needs --server or --run")?;
        given.has_none_of(&["wait"], "needs --server, --run or --client")?;
    }
    if is_client {
        let others =
            ["have", "maildir", "extensions", "no-mailbox", "as", "set"];
        given.has_none_of(&others, "is for servers, not for --client")?;
    } else {
        given.has_none_of(&["tells"], "needs --client")?;
    }
    if !is_listening {
        given.has_none_of(&["repeat"], "needs --listen")?;
    }
    if given.has("repeat") {
        let why = "does not go with --repeat: it never ends";
        given.has_none_of(&["out", "report"], why)?;
    }
    if is_client && matches!(settings.task, Task::Show(_)) {
        return Err("--show is for servers, not for --client".to_owned());
    }
    if !is_blessing {
        given.has_none_of(&["accept", "accept-codes"], "needs --bless")?;
    }
    if !has_report {
        given.has_none_of(&["out"], "goes only with a report or a matrix")?;
    }
    if matches!(settings.subject, Subject::Running(_)) && settings.jobs > 1 {
        return Err("--jobs does not go with --server: one server is asked \
                    one file after the other"
            .to_owned());
    }
    if is_listening && !is_own {
        return Err("--listen waits for any client; --server, --run and \
                    --client say who is judged"
            .to_owned());
    }
    if is_listening && settings.files.len() != 1 {
        return Err("--listen plays one file".to_owned());
    }
    if is_blessing && !is_own {
        return Err("--bless asks Pillarbox, not another server".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::{self, WrongUsage};

    fn parse_words(words: &[&str]) -> Result<Settings, WrongUsage> {
        let parsed = options::parse(&[&["replay"], words].concat())?;
        let Invocation::Replay(settings) = parsed else {
            panic!("{words:?}: another command");
        };
        Ok(*settings)
    }

    #[test]
    fn our_own_server_is_judged_by_every_byte_and_others_by_code() {
        let own = parse_words(&["transcripts"]).unwrap();
        assert_eq!(own.subject, Subject::Own);
        assert_eq!((own.rules.matching, own.jobs), (Match::Exact, OWN_JOBS));
        assert_eq!(own.rules.deadline, Duration::from_secs(10));
        let other = parse_words(&["--server", "[::1]:25", "x"]).unwrap();
        assert_eq!((other.rules.matching, other.jobs), (Match::Code, 1));
        assert_eq!(other.wait, Duration::ZERO);
        let run = parse_words(&["--run", "x {port}", "x"]).unwrap();
        assert_eq!((run.rules.matching, run.jobs), (Match::Code, 1));
        assert_eq!(run.wait, START);
        let forced = ["--server", "a:1", "--match=exact", "--force", "x"];
        let forced = parse_words(&forced).unwrap();
        assert_eq!(forced.rules.matching, Match::Exact);
    }

    #[test]
    fn a_client_tells_with_its_exit_codes() {
        let words = ["--client", "x {port}", "--tells", "refused=69,later=75"];
        let words = [&words[..], &["--tells=later=1", "x"]].concat();
        let settings = parse_words(&words).unwrap();
        let tells =
            vec![(Said::Refused, 69), (Said::Later, 75), (Said::Later, 1)];
        assert_eq!(settings.subject, Subject::Client("x {port}".into(), tells));
        assert_eq!((settings.jobs, settings.wait), (1, START));
    }

    #[test]
    fn the_line_to_show_is_what_follows_the_last_colon() {
        let settings = parse_words(&["--show", "a:b.txt:12"]).unwrap();
        assert_eq!(settings.task, Task::Show(12));
        assert_eq!(settings.files, [PathBuf::from("a:b.txt")]);
    }

    #[test]
    fn what_says_whose_talk_it_is_can_be_given_again() {
        let words = ["--jobs=4", "--strict", "--run=x {port}", "--force", "x"];
        let settings = parse_words(&words).unwrap();
        assert_eq!(settings.again, ["--run", "x {port}", "--force"]);
        let again: Vec<&str> =
            settings.again.iter().map(String::as_str).collect();
        let shown = parse_words(&[&again[..], &["--show", "x:1"]].concat());
        assert_eq!(shown.unwrap().subject, settings.subject);
    }

    #[test]
    fn a_value_may_hold_an_equals_sign() {
        let settings = parse_words(&["--as", "a=b=c", "x"]).unwrap();
        let wanted = Aliases::new(vec![("a".into(), "b=c".into())]);
        let shown = |aliases: &Aliases| format!("{aliases:?}");
        assert_eq!(shown(&settings.rules.aliases), shown(&wanted));
    }

    #[test]
    fn every_wrong_value_is_named_in_one_line() {
        let cases: [&[&str]; 53] = [
            &["--accept", "x"],
            &["--bless", "--server", "x:25", "x"],
            &["--listen", "2525", "x"],
            &["--listen", "127.0.0.1:0", "x", "y"],
            &["--listen", "127.0.0.1:0", "--server", "x:25", "x"],
            &["--matrix"],
            &["--bless"],
            &["--listen", "127.0.0.1:0"],
            &["--export", "x", "y"],
            &["--export", "x", "--list"],
            &["--list", "--check", "x"],
            &["--show", "x"],
            &["--show", "x:0"],
            &["--show", "x:-1"],
            &["--show", ":1"],
            &["--show", "x:1", "y"],
            &["--server", "x", "x"],
            &["--server", "x:0", "x"],
            &["--server", ":25", "x"],
            &["--server", "x:99999", "x"],
            &["--server", "x:25", "--run", "x {port}", "x"],
            &["--run", "x", "x"],
            &["--match", "text", "x"],
            &["--server", "x:25", "--match", "exact", "x"],
            &["--report", "xml", "x"],
            &["--as", "bob", "x"],
            &["--as", "=x", "x"],
            &["--set", "Host=x", "x"],
            &["--have", "max-size=1", "x"],
            &["--server", "x:25", "--maildir", "bob=x", "x"],
            &["--server", "x:25", "--jobs", "2", "x"],
            &["--jobs", "0", "x"],
            &["--timeout", "0", "x"],
            &["--list", "--out", "y", "x"],
            &["--stage", "one", "x"],
            &["--section", "dots", "x"],
            &["--section", "RFC 5321", "--no-mailbox", "x"],
            &["--extensions", "SIZE", "x"],
            &["--server", "x:25", "--extensions", "SIZE,", "x"],
            &["--no-mailbox", "x"],
            &["--client", "x", "x"],
            &["--client", "x {port}", "--run", "x {port}", "x"],
            &["--client", "x {port}", "--tells", "refused", "x"],
            &["--client", "x {port}", "--tells", "refused=0", "x"],
            &["--client", "x {port}", "--tells", "sent=1", "x"],
            &["--client", "x {port}", "--tells", "later=256", "x"],
            &["--client", "x {port}", "--match", "code", "x"],
            &["--client", "x {port}", "--maildir", "a@b.c=x", "x"],
            &["--client", "x {port}", "--show", "x:1"],
            &["--client", "x {port}", "--listen", "127.0.0.1:0", "x"],
            &["--tells", "later=1", "x"],
            &["--repeat", "x"],
            &["--listen", "127.0.0.1:0", "--repeat", "--out", "y", "x"],
        ];
        for words in cases {
            let Err(complaint) = parse_words(words) else {
                panic!("{words:?} was taken");
            };
            let complaint = complaint.text;
            assert!(complaint.starts_with("replay: "), "{complaint}");
            assert!(!complaint.contains('\n'), "{complaint}");
        }
    }
}
