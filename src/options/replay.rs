//! The options of `pillarbox replay`.

use super::{Complaint, Invocation, number, read, seconds, wrong};
use crate::transcript::alias::Aliases;
use crate::transcript::report::Format;
use crate::transcript::script::MailboxAddress;
use crate::transcript::settings::{Settings, Subject, Task};
use crate::transcript::target::{Match, Rules};
use getopts::{Matches, Options};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

const USAGE: &str = "\
Plays transcripts against a server, and judges it.

Usage: pillarbox replay [OPTION]... FILE|DIR...
       pillarbox replay [OPTION]... --show FILE:LINE
       pillarbox replay --bless [--accept] [--accept-codes] FILE|DIR...
       pillarbox replay [OPTION]... --listen ADDR:PORT FILE
       pillarbox replay --matrix [--out PAGE] FILE.tsv...

Without --server and --run it judges Pillarbox itself, byte for byte; each file
has a server of its own. Exit code: 0 at least one file was judged and none
failed; 1 one failed; 2 wrong usage, or a file is not a transcript; 3 nothing
could be judged.";

/// How many of our own servers run at the same time: they wait, mostly.
const OWN_JOBS: usize = 8;
const MOST_JOBS: usize = 64;

/// How long a command may take until its server listens.
const START: Duration = Duration::from_secs(10);

fn options() -> Options {
    let mut options = Options::new();
    whom(&mut options);
    how(&mut options);
    what(&mut options);
    options
}

/// The options that say who is judged.
fn whom(options: &mut Options) {
    options
        .optopt("", "server", "judge a server that runs", "HOST:PORT")
        .optopt(
            "",
            "listen",
            "the other direction: be the server of a file that plays one, and \
             judge the clients that connect; port 0 takes a free one",
            "ADDR:PORT",
        )
        .optopt(
            "",
            "run",
            "judge a server that this command starts, afresh for each file; \
             {port} and {maildir} in it are filled in. It listens on \
             127.0.0.1:{port}, and stores mail in {maildir}/DOMAIN/LOCAL-PART, \
             {maildir}/ADDRESS, or all in the Maildir {maildir}",
            "'COMMAND {port} {maildir}'",
        )
        .optopt(
            "",
            "wait",
            "for a server that is still starting (default 10 with --run, \
             else 0)",
            "SECONDS",
        )
        .optmulti(
            "",
            "have",
            "the server was configured with this option of 'pillarbox \
             serve' (see Server: in a file); repeatable",
            "KEY=VALUE",
        )
        .optmulti(
            "",
            "maildir",
            "where the server stores the mail of an address, as the file has \
             it; repeatable",
            "ADDRESS=DIR",
        );
}

/// The options that say how it is judged.
fn how(options: &mut Options) {
    options
        .optopt(
            "",
            "match",
            "exact: every byte; code: the three digits; class: the first one \
             (default code with --server and --run, else exact)",
            "exact|code|class",
        )
        .optflag(
            "",
            "force",
            "judge another server by level own as well, and allow --match \
             exact for it",
        )
        .optmulti(
            "",
            "as",
            "another address or host name in C:, S: and M: lines; repeatable",
            "OLD=NEW",
        )
        .optmulti("", "set", "a value for {name}; repeatable", "NAME=VALUE")
        .optopt(
            "",
            "timeout",
            "how long the server has for a reply, and another server for a \
             delivery (default 10)",
            "SECONDS",
        )
        .optflag("", "strict", "level should and level may count, too")
        .optopt(
            "",
            "jobs",
            "how many files at the same time (default 8; 1 with --run, and \
             always 1 with --server)",
            "N",
        );
}

/// The options that say what comes out.
fn what(options: &mut Options) {
    options
        .optopt(
            "",
            "report",
            "what the report looks like (default text)",
            "text|tap|junit|tsv",
        )
        .optopt(
            "",
            "out",
            "write the report there; standard output has the text then",
            "FILE",
        )
        .optflag("", "list", "list path, level, spec and title; run nothing")
        .optflag(
            "",
            "check",
            "only read the files: 0 fine, 1 against a rule of Pillarbox's \
             own files, 2 not a transcript",
        )
        .optopt(
            "",
            "show",
            "play a file up to that line; show the whole talk, with !! where \
             it went wrong",
            "FILE:LINE",
        )
        .optflag("", "matrix", "make a Markdown table of several tsv reports")
        .optflag(
            "",
            "bless",
            "make the files say what Pillarbox says: write FILE.new, show \
             what changes; not where CI is set",
        )
        .optflag("", "accept", "with --bless: put FILE.new in FILE's place")
        .optflag("", "accept-codes", "with --bless: take changed codes, too");
}

/// Reads what stands behind `replay`.
pub(super) fn parse(arguments: &[String]) -> Result<Invocation, Complaint> {
    let mut options = options();
    let Some(given) = read("replay", &mut options, arguments)? else {
        return Ok(Invocation::Print(options.usage(USAGE)));
    };
    let settings =
        settings(&given).map_err(|text| format!("replay: {text}"))?;
    Ok(Invocation::Replay(Box::new(settings)))
}

fn settings(given: &Matches) -> Result<Settings, Complaint> {
    let (task, files) = task(given)?;
    let subject = subject(given)?;
    let mut settings = Settings {
        task,
        files,
        rules: rules(given, &subject)?,
        have: pairs(given, "have", "KEY=VALUE")?,
        maildirs: maildirs(given)?,
        wait: Duration::ZERO,
        strict: given.opt_present("strict"),
        format: format(given)?,
        out: out(given)?,
        jobs: 1,
        subject,
    };
    match settings.subject {
        Subject::Own => settings.jobs = OWN_JOBS,
        Subject::Command(_) => settings.wait = START,
        Subject::Running(_) => {}
    }
    seconds(given, "wait", &mut settings.wait)?;
    number(given, "jobs", 1..=MOST_JOBS, &mut settings.jobs)?;
    fit_together(given, &settings)?;
    Ok(settings)
}

/// What is done, and with which files.
fn task(given: &Matches) -> Result<(Task, Vec<PathBuf>), Complaint> {
    let files: Vec<PathBuf> = given.free.iter().map(PathBuf::from).collect();
    let tasks = ["list", "check", "show", "matrix", "listen", "bless"];
    let chosen: Vec<&str> =
        tasks.into_iter().filter(|task| given.opt_present(task)).collect();
    let task = match chosen.as_slice() {
        [] => Task::Judge,
        ["list"] => Task::List,
        ["check"] => Task::Check,
        ["matrix"] => Task::Matrix,
        ["listen"] => Task::Listen(listen(given)?),
        ["bless"] => Task::Bless {
            accept: given.opt_present("accept"),
            accept_codes: given.opt_present("accept-codes"),
        },
        ["show"] if files.is_empty() => return show(given),
        ["show"] => return Err("--show takes one FILE:LINE, no files".into()),
        [one, other, ..] => {
            return Err(format!("--{one} does not go with --{other}"));
        }
        [_] => return Err("unknown task".into()),
    };
    match files.is_empty() {
        true => Err("no file given; try: pillarbox replay --help".into()),
        false => Ok((task, files)),
    }
}

fn listen(given: &Matches) -> Result<SocketAddr, Complaint> {
    let text = given.opt_str("listen").unwrap_or_default();
    let what = "an IP address and a port, such as 127.0.0.1:2525";
    text.parse().map_err(|_| wrong("listen", &text, what))
}

/// `FILE:LINE`
fn show(given: &Matches) -> Result<(Task, Vec<PathBuf>), Complaint> {
    let text = given.opt_str("show").unwrap_or_default();
    let parts = text.rsplit_once(':');
    let place = parts.and_then(|(file, line)| {
        let line = line.parse().ok().filter(|line| *line > 0)?;
        (!file.is_empty()).then(|| (Task::Show(line), vec![file.into()]))
    });
    place.ok_or_else(|| wrong("show", &text, "FILE:LINE"))
}

fn subject(given: &Matches) -> Result<Subject, Complaint> {
    match (given.opt_str("server"), given.opt_str("run")) {
        (None, None) => Ok(Subject::Own),
        (Some(_), Some(_)) => Err("--server does not go with --run".into()),
        (None, Some(command)) if command.contains("{port}") => {
            Ok(Subject::Command(command))
        }
        (None, Some(command)) => {
            Err(wrong("run", &command, "a command with {port} in it"))
        }
        (Some(place), None) => {
            let parts = place.rsplit_once(':');
            let is_place = parts.is_some_and(|(host, port)| {
                let port = port.parse::<u16>();
                !host.is_empty() && port.is_ok_and(|port| port > 0)
            });
            match is_place {
                true => Ok(Subject::Running(place)),
                false => Err(wrong("server", &place, "HOST:PORT")),
            }
        }
    }
}

fn rules(given: &Matches, subject: &Subject) -> Result<Rules, Complaint> {
    let mut rules = Rules {
        matching: matching(given, subject)?,
        aliases: Aliases::new(pairs(given, "as", "OLD=NEW")?),
        values: pairs(given, "set", "NAME=VALUE")?,
        judges_own: given.opt_present("force"),
        ..Rules::default()
    };
    for (name, value) in &rules.values {
        let is_name =
            |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if !name.chars().all(is_name) {
            let what = "NAME=VALUE, with a name like host";
            return Err(wrong("set", &format!("{name}={value}"), what));
        }
    }
    seconds(given, "timeout", &mut rules.deadline)?;
    Ok(rules)
}

/// No other server says the words of ours, so `exact` must be meant.
fn matching(given: &Matches, subject: &Subject) -> Result<Match, Complaint> {
    let text = given.opt_str("match");
    let is_own = *subject == Subject::Own;
    match text.as_deref() {
        None if is_own => Ok(Match::Exact),
        None => Ok(Match::Code),
        Some("code") => Ok(Match::Code),
        Some("class") => Ok(Match::Class),
        Some("exact") if is_own || given.opt_present("force") => {
            Ok(Match::Exact)
        }
        Some("exact") => Err("--match exact compares every byte with what \
                              Pillarbox says, so another server cannot pass; \
                              if you mean it, add --force"
            .into()),
        Some(other) => Err(wrong("match", other, "exact, code or class")),
    }
}

/// The values `LEFT=RIGHT` of a repeatable option. Neither side is empty.
fn pairs(
    given: &Matches,
    option: &str,
    what: &str,
) -> Result<Vec<(String, String)>, Complaint> {
    let pair = |text: &String| match text.split_once('=') {
        Some((left, right)) if !left.is_empty() && !right.is_empty() => {
            Ok((left.to_owned(), right.to_owned()))
        }
        Some(_) | None => Err(wrong(option, text, what)),
    };
    given.opt_strs(option).iter().map(pair).collect()
}

fn maildirs(
    given: &Matches,
) -> Result<Vec<(MailboxAddress, PathBuf)>, Complaint> {
    let what = "ADDRESS=DIR, such as bob@example.org=/var/mail/bob";
    let pairs = pairs(given, "maildir", what)?.into_iter();
    pairs
        .map(|(address, folder)| {
            let text = format!("{address}={folder}");
            let read = MailboxAddress::parse(&address);
            let address = read.map_err(|_| wrong("maildir", &text, what))?;
            Ok((address, folder.into()))
        })
        .collect()
}

fn format(given: &Matches) -> Result<Format, Complaint> {
    match given.opt_str("report").as_deref() {
        None | Some("text") => Ok(Format::Text),
        Some("tap") => Ok(Format::Tap),
        Some("junit") => Ok(Format::Junit),
        Some("tsv") => Ok(Format::Tsv),
        Some(other) => Err(wrong("report", other, "text, tap, junit or tsv")),
    }
}

fn out(given: &Matches) -> Result<Option<PathBuf>, Complaint> {
    match given.opt_str("out") {
        Some(file) if file.is_empty() => {
            Err(wrong("out", &file, "the name of a file"))
        }
        file => Ok(file.map(PathBuf::from)),
    }
}

/// An option that would do nothing is a mistake: better told than ignored.
fn fit_together(given: &Matches, settings: &Settings) -> Result<(), Complaint> {
    for option in ["have", "maildir", "wait", "force"] {
        if settings.subject == Subject::Own && given.opt_present(option) {
            return Err(format!("--{option} needs --server or --run"));
        }
    }
    if matches!(settings.subject, Subject::Running(_)) && settings.jobs > 1 {
        return Err("--jobs does not go with --server: one server is asked \
                    one file after the other"
            .into());
    }
    let is_listening = matches!(settings.task, Task::Listen(_));
    if is_listening && settings.subject != Subject::Own {
        return Err("--listen judges clients, --server and --run judge \
                    servers"
            .into());
    }
    if is_listening && settings.files.len() > 1 {
        return Err("--listen plays one file".into());
    }
    let is_blessing = matches!(settings.task, Task::Bless { .. });
    if is_blessing && settings.subject != Subject::Own {
        return Err("--bless asks Pillarbox, not another server".into());
    }
    for option in ["accept", "accept-codes"] {
        if given.opt_present(option) && !is_blessing {
            return Err(format!("--{option} needs --bless"));
        }
    }
    let is_judging = matches!(settings.task, Task::Judge | Task::Matrix);
    let has_report = is_judging || is_listening;
    if settings.out.is_some() && !has_report {
        return Err("--out goes only with a report or a matrix".into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options;

    fn parse_words(words: &[&str]) -> Result<Settings, Complaint> {
        let words = ["replay"].iter().chain(words);
        let words: Vec<String> = words.map(|w| (*w).to_owned()).collect();
        match options::parse(&words)? {
            Invocation::Replay(settings) => Ok(*settings),
            Invocation::Print(text) => panic!("{text}"),
            Invocation::Serve(_)
            | Invocation::Converse(_)
            | Invocation::Record(_) => panic!("another command"),
        }
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
    fn a_line_is_what_stands_behind_the_last_colon() {
        let settings = parse_words(&["--show", "a:b.txt:12"]).unwrap();
        assert_eq!(settings.task, Task::Show(12));
        assert_eq!(settings.files, [PathBuf::from("a:b.txt")]);
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
        let cases: [&[&str]; 32] = [
            &["--accept", "x"],
            &["--bless", "--server", "x:25", "x"],
            &["--listen", "2525", "x"],
            &["--listen", "127.0.0.1:0", "x", "y"],
            &["--listen", "127.0.0.1:0", "--server", "x:25", "x"],
            &[],
            &["--list"],
            &["--matrix"],
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
        ];
        for words in cases {
            let Err(complaint) = parse_words(words) else {
                panic!("{words:?} was taken");
            };
            assert!(complaint.starts_with("replay: "), "{complaint}");
            assert!(!complaint.contains('\n'), "{complaint}");
        }
    }
}
