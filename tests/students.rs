//! Grading: three servers as students write them, each graded with one
//! command.

// A test fails by panicking.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]
#![allow(clippy::indexing_slicing)]

mod support;

use std::process::{Command, Stdio};
use std::thread;
use std::time::Instant;
use support::{DEADLINE, needs};

const PYTHON: &[&str] = &["python3", "-c", "import socketserver"];
const FAULTY: &str = include_str!("students/five_faults.py");

/// Grades the server that `command` starts. What was printed, and the exit
/// code.
///
/// On a busy machine eighty of them start at the same time. So each may take
/// its time before it listens; only one that never does is not waited for.
fn grade(command: &str, options: &[&str], files: &[&str]) -> (String, i32) {
    let wait = if command.contains("fixed-port") { "5" } else { "900" };
    replay(command, &[&["--wait", wait], options].concat(), files)
}

fn replay(command: &str, options: &[&str], files: &[&str]) -> (String, i32) {
    let output = Command::new(env!("CARGO_BIN_EXE_pillarbox"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["replay", "--run", command])
        .args(options)
        .args(files)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    (text, output.status.code().unwrap())
}

fn student(name: &str) -> String {
    format!("python3 tests/students/{name} {{port}} {{maildir}}")
}

#[test]
fn the_right_one_passes_every_must() {
    if !needs(PYTHON) {
        return;
    }
    let jobs = ["--jobs", "4"];
    let (report, code) = grade(&student("right.py"), &jobs, &["transcripts"]);
    assert_eq!(code, 0, "{report}");
    assert!(report.contains(" 0 failed, "), "{report}");
    let (points, most) = points(&report);
    assert_eq!(points, most);
    assert!(points >= 40, "{report}");
}

/// How many points were reached, and how many could be.
fn points(report: &str) -> (u32, u32) {
    let line = report.lines().find_map(|line| line.strip_prefix("points: "));
    let (numbers, _) = line.unwrap().split_once(',').unwrap();
    let (points, most) = numbers.split_once(" of ").unwrap();
    (points.parse().unwrap(), most.parse().unwrap())
}

/// What one oddity of `odd.py` costs: the points that are lost, the only report
/// that tells of it, if there is one, and words of that report.
type Oddity = (&'static str, u32, Option<&'static str>, &'static str);

/// Of these files: some that need everything, and those that are about one of
/// the oddities.
const ODD_FILES: [&str; 11] = [
    "transcripts/01-first",
    "transcripts/02-hello/again.txt",
    "transcripts/02-hello/ehlo.txt",
    "transcripts/02-hello/helo.txt",
    "transcripts/02-hello/literal.txt",
    "transcripts/02-hello/refused-again.txt",
    "transcripts/02-hello/underscore.txt",
    "transcripts/04-lines/reply-line-ends.txt",
    "transcripts/07-message/dots.txt",
    "transcripts/07-message/no-header.txt",
    "transcripts/11-clients/gone-after-250.txt",
];

const ODDITIES: [Oddity; 10] = [
    (
        "lf",
        1,
        Some("FAIL 04-lines/reply-line-ends"),
        "hint      this line ends in LF alone",
    ),
    (
        "stays",
        1,
        Some("FAIL 01-first/goodbye"),
        "rule      After its reply to QUIT",
    ),
    // It needs two seconds until it greets, and has ten.
    ("late-greeting", 0, None, ""),
    ("late-listener", 0, None, ""),
    // Four pages say EHLO and nothing else but what HELO does, too.
    (
        "helo-only",
        5,
        Some("FAIL 01-first/ehlo-is-known"),
        "sent      C: EHLO client.example",
    ),
    (
        "after-quit",
        1,
        Some("FAIL 11-clients/gone-after-250"),
        "rule      From here on the message belongs to the server. ",
    ),
    // To take it is a `should`.
    ("wants-from", 0, Some("WEAK 07-message/no-header"), "sent      C: ."),
    (
        "prints-only",
        5,
        Some("FAIL 01-first/delivery"),
        "hint      nothing was stored: mail is looked for in \
         {maildir}/example.org/bob, {maildir}/bob@example.org and {maildir}, \
         each time in new/ and cur/\n       log       From: ",
    ),
    (
        "crashes",
        5,
        Some("FAIL 01-first/delivery"),
        "server closed\n       sent      C: DATA\n",
    ),
    (
        "fixed-port",
        16,
        Some("FAIL 01-first/greeting"),
        "hint      the command runs, but nobody listens on the port ",
    ),
];

/// The reports of what failed, and of what is weak, with the words FAIL or WEAK
/// and the name of the file.
fn told(report: &str) -> Vec<String> {
    let place = |line: &str| {
        let (word, rest) = line.split_once(" transcripts/")?;
        let (file, _) = rest.split_once(".txt:")?;
        matches!(word, "FAIL" | "WEAK").then(|| format!("{word} {file}"))
    };
    report.lines().filter_map(place).collect()
}

#[test]
fn one_fault_is_one_report_and_costs_what_stands_on_it() {
    if !needs(PYTHON) {
        return;
    }
    let command = format!("{} none", student("odd.py"));
    let (report, code) = grade(&command, &["--jobs", "8"], &ODD_FILES);
    assert_eq!((told(&report), code), (Vec::new(), 0), "{report}");
    let (all, most) = points(&report);
    assert_eq!(all, most, "{report}");
    // Most of the time goes by in waiting, so they are graded side by side.
    let judge = &|(oddity, costs, only, words): Oddity| {
        let command = format!("{} {oddity}", student("odd.py"));
        let (report, _) = grade(&command, &["--jobs", "8"], &ODD_FILES);
        let only: Vec<&str> = only.into_iter().collect();
        let is_right = points(&report) == (most - costs, most)
            && told(&report) == only
            && report.contains(words);
        (!is_right).then(|| format!("{oddity}: {report}"))
    };
    let wrong: Vec<String> = thread::scope(|scope| {
        let each = |oddity| scope.spawn(move || judge(oddity));
        let graded = ODDITIES.map(each);
        let judged = graded.into_iter().map(|one| one.join().unwrap());
        judged.flatten().collect()
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_maximum_that_was_said_before_is_the_same_for_everybody() {
    if !needs(PYTHON) {
        return;
    }
    let options = ["--jobs", "8", "--extensions", "PIPELINING,8BITMIME,SIZE"];
    let files = ["transcripts/01-first", "transcripts/06-parameters"];
    let most = |oddity: &str| {
        let command = format!("{} {oddity}", student("odd.py"));
        points(&grade(&command, &options, &files).0)
    };
    // It has no SIZE: one page of that is a must.
    let (points, all) = most("none");
    assert_eq!(points, all - 1);
    // (Only one test at a time may use the port of "fixed-port".)
    for oddity in ["helo-only", "crashes"] {
        assert_eq!(most(oddity).1, all, "{oddity}");
    }
}

#[test]
fn three_that_are_graded_at_the_same_time_get_the_same_grade() {
    if !needs(PYTHON) {
        return;
    }
    let run = || {
        let files = ["transcripts/01-first", "transcripts/10-pipelining"];
        let (report, code) = grade(&student("right.py"), &[], &files);
        (points(&report), code)
    };
    let graded: Vec<_> = thread::scope(|scope| {
        let runs = [(); 3].map(|()| scope.spawn(run));
        runs.into_iter().map(|run| run.join().unwrap()).collect()
    });
    for ((points, most), code) in graded {
        assert_eq!((points, code), (most, 0));
    }
}

#[test]
fn what_cannot_be_looked_at_gives_no_point_and_takes_none() {
    if !needs(PYTHON) {
        return;
    }
    let options = ["--no-mailbox"];
    let command = format!("{} prints-only", student("odd.py"));
    let files = ["transcripts/01-first"];
    let (report, code) = grade(&command, &options, &files);
    assert_eq!(code, 0, "{report}");
    let (points, most) = points(&report);
    assert_eq!(points, most, "{report}");
    assert!(report.contains(" not checked: --no-mailbox"), "{report}");
    // A wrong talk is wrong all the same.
    let command = format!("{} crashes", student("odd.py"));
    let (report, code) = grade(&command, &options, &files);
    assert_eq!(code, 1, "{report}");
}

/// The number of each fault and the transcript that is meant for it, from the
/// head of the faulty server.
fn faults() -> Vec<(String, String)> {
    let lines = FAULTY.lines().filter(|line| line.starts_with("  "));
    let pairs = lines.filter_map(|line| {
        let number = line.split_whitespace().next()?;
        let file = line.split_whitespace().last()?;
        file.ends_with(".txt")
            .then(|| (number.to_owned(), format!("transcripts/{file}")))
    });
    pairs.collect()
}

#[test]
fn each_of_five_faults_is_caught_by_the_transcript_meant_for_it() {
    if !needs(PYTHON) {
        return;
    }
    assert_eq!(faults().len(), 5);
    for (number, file) in faults() {
        let right = student("right.py");
        let patience = ["--timeout", "60", "--strict"];
        let (report, code) = grade(&right, &patience, &[&file]);
        assert_eq!(code, 0, "without fault {number}: {report}");
        let faulty = format!("{} {number}", student("five_faults.py"));
        // Some of the faults are silent.
        let patience = ["--timeout", "5", "--strict"];
        let (report, code) = grade(&faulty, &patience, &[&file]);
        assert_eq!(code, 1, "fault {number}: {report}");
        assert!(report.contains("rule"), "fault {number}: {report}");
    }
}

#[test]
fn with_all_five_faults_no_mail_comes_in_and_the_report_says_why() {
    if !needs(PYTHON) {
        return;
    }
    let command = student("five_faults.py");
    let file = "transcripts/01-first/helo.txt";
    let (report, code) = grade(&command, &["--timeout", "10"], &[file]);
    assert_eq!(code, 1, "{report}");
    assert!(report.contains("S: 250 2.1.0 Sender OK"), "{report}");
    assert!(report.contains("RFC 5321"), "{report}");
}

#[test]
fn the_hanging_one_ends_in_time() {
    if !needs(PYTHON) {
        return;
    }
    let begin = Instant::now();
    let options = ["--timeout", "0.5", "--jobs", "4"];
    let folder = "transcripts/01-first";
    let (report, code) = grade(&student("hangs.py"), &options, &[folder]);
    assert_eq!(code, 1, "{report}");
    assert!(report.contains("no reply within 0.5 s"), "{report}");
    assert!(begin.elapsed() < DEADLINE);
}

const README: &str = include_str!("../README.md");

#[test]
fn the_readme_shows_the_report_that_a_student_sees() {
    if !needs(PYTHON) {
        return;
    }
    let command = format!("{} 4", student("five_faults.py"));
    assert!(README.contains(&command), "{command}");
    let file = "transcripts/03-order/rcpt-before-mail.txt";
    // With the options that the README shows, and no others.
    let (report, code) = replay(&command, &["--timeout", "10"], &[file]);
    assert_eq!(code, 1);
    let lines: Vec<&str> = report.lines().take(8).collect();
    let program = env!("CARGO_BIN_EXE_pillarbox");
    let shown = lines.join("\n").replace(program, "target/debug/pillarbox");
    assert!(README.contains(&shown), "{report}");
}
