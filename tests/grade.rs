//! `pillarbox grade`: a class of servers as students write them, and hand them
//! in.

// A test fails by panicking.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]
#![allow(clippy::indexing_slicing)]

mod support;

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use support::{needs, wait_until};
use tempfile::TempDir;

const PYTHON: &[&str] = &["python3", "-c", "import socketserver"];

/// How each submission is started: it has a shell script of this name.
const RUN: &str = "sh {dir}/run {port} {maildir}";

/// The servers that are in the repository.
const SERVERS: [&str; 4] = ["right", "odd", "five_faults", "hangs"];

/// A class, and the results beside it. Both go away after the test.
struct Class(TempDir);

impl Class {
    fn new() -> Class {
        let class = Class(tempfile::tempdir().unwrap());
        fs::create_dir(class.at("class")).unwrap();
        fs::create_dir(class.at("tmp")).unwrap();
        class
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn folder(&self, name: &OsStr) -> PathBuf {
        self.at("class").join(name)
    }

    /// A submission with this script, in which `$here` is its folder.
    fn add(&self, name: impl AsRef<OsStr>, script: &str) -> &Class {
        let folder = self.folder(name.as_ref());
        fs::create_dir(&folder).unwrap();
        let students = Path::new(env!("CARGO_MANIFEST_DIR"));
        for server in SERVERS {
            let file = format!("{server}.py");
            let from = students.join("tests/students").join(&file);
            fs::copy(from, folder.join(file)).unwrap();
        }
        let script = format!("here=$(dirname \"$0\")\n{script}\n");
        fs::write(folder.join("run"), script).unwrap();
        self
    }

    /// A submission that runs one of the servers, and what follows its port
    /// and folder.
    fn add_server(&self, name: &str, server: &str, fault: &str) -> &Class {
        let run = format!("exec python3 \"$here/{server}.py\" \"$1\" \"$2\"");
        self.add(name, &format!("{run} {fault}"))
    }

    fn command(&self, command: &str, words: &[&str]) -> Command {
        let mut pillarbox = Command::new(env!("CARGO_BIN_EXE_pillarbox"));
        pillarbox
            .current_dir(self.0.path())
            .env("TMPDIR", self.at("tmp"))
            .arg(command)
            .args(words)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        pillarbox
    }

    /// Grades the class with these options and files.
    fn grade(&self, words: &[&str]) -> Graded {
        let words = [&["class", "--run", RUN], words].concat();
        self.graded(&mut self.command("grade", &words))
    }

    fn graded(&self, command: &mut Command) -> Graded {
        let output = command.output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Graded {
            table: text(&output.stdout),
            said: text(&output.stderr),
            code: output.status.code().unwrap(),
        }
    }

    /// What is in a file of the results.
    fn result(&self, file: &str) -> String {
        fs::read_to_string(self.at("results").join(file)).unwrap()
    }

    /// A column of `grades.tsv`, for each submission.
    fn column(&self, wanted: &str) -> Vec<String> {
        let tsv = self.result("grades.tsv");
        let mut lines = tsv.lines().map(|line| line.split('\t'));
        let mut heads = lines.next().unwrap();
        let number = heads.position(|head| head == wanted).unwrap();
        lines.map(|mut cells| cells.nth(number).unwrap().to_owned()).collect()
    }

    /// The processes that a student's server has left.
    fn left(&self) -> Vec<PathBuf> {
        let mark = format!("PILLARBOX_RUN={}", self.at("tmp").display());
        let is_one = |process: &PathBuf| {
            let environment = fs::read(process.join("environ"));
            let environment = environment.unwrap_or_default();
            let mut variables = environment.split(|byte| *byte == 0);
            variables.any(|variable| variable.starts_with(mark.as_bytes()))
        };
        let all = fs::read_dir("/proc").into_iter().flatten().flatten();
        all.map(|entry| entry.path()).filter(is_one).collect()
    }
}

/// What was printed.
struct Graded {
    table: String,
    said: String,
    code: i32,
}

const FEW: &str = "transcripts/01-first";
const GREETING: &str = "transcripts/01-first/greeting.txt";

#[test]
fn each_submission_gets_what_replay_gives_it_alone() {
    if !needs(PYTHON) {
        return;
    }
    let class = Class::new();
    class
        .add_server("1-right", "right", "")
        .add_server("2-order", "five_faults", "4")
        .add_server("3-line-feed", "odd", "lf")
        .add_server("4-helo-only", "odd", "helo-only")
        .add_server("5-crashes", "odd", "crashes")
        .add_server("6-prints-only", "odd", "prints-only");
    let files = [
        FEW,
        "transcripts/03-order/rcpt-before-mail.txt",
        "transcripts/04-lines/reply-line-ends.txt",
    ];
    let graded = class.grade(&files);
    assert_eq!(graded.code, 1, "{}", graded.said);
    for name in class.column("submission") {
        let folder = class.folder(OsStr::new(&name));
        let run = RUN.replace("{dir}", &folder.display().to_string());
        let tsv = class.at("alone.tsv").display().to_string();
        let options = ["--run", &run, "--report", "tsv", "--out", &tsv];
        let words = [&options[..], &["--jobs", "2"], &files].concat();
        class.graded(&mut class.command("replay", &words));
        let alone = verdicts(&fs::read_to_string(tsv).unwrap());
        let report = class.result(&format!("reports/{name}/report.tsv"));
        assert_eq!(verdicts(&report), alone, "{name}");
    }
    let points = class.column("points");
    let most = class.column("most");
    assert_eq!(points[0], most[0]);
    assert!(points[1..].iter().zip(&most[1..]).all(|(got, all)| got != all));
    let causes = class.column("cause");
    assert_eq!(causes[0], "");
    let begins = [
        "03-order/rcpt-before-mail: ",
        "04-lines/reply-line-ends: ",
        "01-first/ehlo-is-known: ",
        "01-first/delivery: ",
        "01-first/delivery: ",
    ];
    for (cause, begin) in causes[1..].iter().zip(begins) {
        assert!(cause.starts_with(begin), "{cause}, not {begin}");
    }
}

/// File, level, verdict and line of each row.
fn verdicts(tsv: &str) -> Vec<String> {
    let columns =
        |line: &str| line.split('\t').take(4).collect::<Vec<_>>().join(" ");
    tsv.lines().map(columns).collect()
}

#[test]
fn whatever_a_folder_is_called_it_is_graded() {
    if !needs(PYTHON) {
        return;
    }
    let class = Class::new();
    let names: [&[u8]; 6] = [
        b"-rf",
        b"it's \"me\"",
        b"plain",
        b"$(touch oops) `touch oops`",
        b"{port} {maildir}",
        b"\xe9t\xe9",
    ];
    for name in names {
        let server = "exec python3 \"$here/right.py\" \"$1\" \"$2\"";
        class.add(OsStr::from_bytes(name), server);
    }
    fs::create_dir(class.at("class/.git")).unwrap();
    fs::write(class.at("class/notes.txt"), "").unwrap();
    let link = class.at("class/linked");
    std::os::unix::fs::symlink("plain", link).unwrap();
    let build = ["--build", "test -f \"{dir}/right.py\" && test -d '{dir}'"];
    let graded = class.grade(&[&build[..], &[GREETING]].concat());
    assert_eq!(graded.code, 0, "{}{}", graded.table, graded.said);
    assert_eq!(class.column("points"), ["1"; 7]);
    let ignored = "grade: not a submission: .git, notes.txt\n";
    assert_eq!(graded.said.matches(ignored).count(), 1, "{}", graded.said);
    assert!(!class.at("oops").exists());
    let page = class.result("grades.html");
    assert!(page.contains("reports/%E9t%E9/report"), "{page}");
}

#[test]
fn a_build_is_done_once_and_its_failure_is_the_first_cause() {
    if !needs(PYTHON) {
        return;
    }
    let class = Class::new();
    class
        .add_server("fine", "right", "")
        .add_server("broken", "right", "")
        .add_server("slow", "right", "");
    fs::remove_file(class.at("class/broken/odd.py")).unwrap();
    fs::remove_file(class.at("class/slow/hangs.py")).unwrap();
    let build = "echo built >> {dir}/log; \
                 test -f {dir}/hangs.py || sleep 1000; \
                 test -f {dir}/odd.py || { echo no odd.py; exit 4; }";
    let options = ["--build", build, "--max-time", "20", GREETING];
    let graded = class.grade(&options);
    assert_eq!(graded.code, 1, "{}", graded.said);
    let log = fs::read_to_string(class.at("class/fine/log")).unwrap();
    assert_eq!(log, "built\n");
    let causes = [
        "build: it ended with 4: no odd.py",
        "",
        "build: it has not ended within 20 s",
    ];
    assert_eq!(class.column("cause"), causes);
    assert_eq!(class.column("points"), ["0", "1", "0"]);
    assert_eq!(class.column("most"), ["1", "1", "1"]);
    let report = class.result("reports/broken/report.txt");
    let wanted = "FAIL build: it ended with 4\n       log       no odd.py\n\
                  lost 1: not judged because of the build: it ended with 4\n";
    assert!(report.starts_with(wanted), "{report}");
    assert_eq!(class.left(), [""; 0].map(PathBuf::from));
}

#[test]
fn one_that_hangs_is_not_asked_again_and_again() {
    if !needs(PYTHON) {
        return;
    }
    let class = Class::new();
    class.add_server("hangs", "hangs", "");
    let graded = class.grade(&["--timeout", "0.5", FEW]);
    assert_eq!(graded.code, 1, "{}", graded.said);
    let report = class.result("reports/hangs/report.txt");
    assert_eq!(report.matches("FAIL ").count(), 1, "{report}");
    assert!(report.contains("01-first/hello.txt:"), "{report}");
    assert!(report.contains("no reply within 0.5 s"), "{report}");
    let lost = ": not judged because of hello, see ";
    assert_eq!(report.matches(lost).count(), 1, "{report}");
    // The greeting was right.
    assert_eq!(class.column("points"), ["1"]);
}

#[test]
fn time_that_is_used_up_costs_what_is_left() {
    if !needs(PYTHON) {
        return;
    }
    let class = Class::new();
    class.add_server("late", "odd", "late-greeting");
    let graded = class.grade(&["--max-time", "1", FEW]);
    assert_eq!(graded.code, 1, "{}", graded.said);
    let report = class.result("reports/late/report.txt");
    let lost = "lost 10: not judged: its 1 s are over\n";
    assert!(report.contains(lost), "{report}");
    assert_eq!(class.column("cause"), ["not judged: its 1 s are over"]);
}

#[test]
fn two_with_the_same_port_of_their_own_are_told_so_and_harm_nobody() {
    if !needs(PYTHON) {
        return;
    }
    let class = Class::new();
    class
        .add_server("one", "odd", "fixed-port")
        .add_server("right", "right", "")
        .add_server("two", "odd", "fixed-port");
    let graded = class.grade(&[FEW]);
    assert_eq!(graded.code, 1, "{}", graded.said);
    let points = class.column("points");
    assert_eq!(points[1], class.column("most")[1], "{}", graded.table);
    assert_eq!((&*points[0], &*points[2]), ("0", "0"));
    let cause = "01-first/greeting: no connection to the server: connection \
                 refused";
    let causes = class.column("cause");
    assert_eq!([&*causes[0], &*causes[2]], [cause; 2]);
}

#[test]
fn one_that_goes_into_the_background_is_graded_and_ended() {
    if !needs(PYTHON) || !needs(&["setsid", "true"]) {
        return;
    }
    let class = Class::new();
    let daemon = "setsid python3 \"$here/right.py\" \"$1\" \"$2\" &";
    class.add("daemon", daemon);
    let graded = class.grade(&[FEW]);
    assert_eq!(graded.code, 0, "{}{}", graded.table, graded.said);
    assert_eq!(class.left(), [""; 0].map(PathBuf::from));
}

#[test]
fn one_that_fills_the_disk_is_ended_and_the_report_says_so() {
    let class = Class::new();
    let many = "n=0; while :; do n=$((n + 1)); \
                head -c 100000 /dev/zero > \"$2/$n\"; done";
    let one = "while :; do head -c 100000 /dev/zero; done > \"$here/log\"";
    let prints = "while :; do echo and so on; done";
    class.add("many-files", many).add("one-file", one).add("prints", prints);
    let options = ["--max-output", "2000000", GREETING];
    let graded = class.grade(&options);
    assert_eq!(graded.code, 3, "{}{}", graded.table, graded.said);
    for name in ["many-files", "prints"] {
        let report = class.result(&format!("reports/{name}/report.txt"));
        let told = "(ended: it has written more than 2000000 bytes)";
        assert!(report.contains(told), "{name}: {report}");
    }
    let log = fs::metadata(class.at("class/one-file/log")).unwrap();
    assert!(log.len() <= 2_000_384, "{}", log.len());
    assert_eq!(class.left(), [""; 0].map(PathBuf::from));
}

#[test]
fn a_class_without_submissions_and_a_wrong_place_for_results_are_told() {
    let class = Class::new();
    let code = |words: &[&str]| {
        let graded = class.graded(&mut class.command("grade", words));
        assert_eq!(graded.said.lines().count(), 1, "{}", graded.said);
        (graded.code, graded.said)
    };
    let run = ["--run", RUN];
    let (empty, said) = code(&[&["class"], &run[..]].concat());
    assert_eq!(empty, 3, "{said}");
    assert!(said.contains("in class there is no folder"), "{said}");
    assert_eq!(code(&[&["nowhere"], &run[..]].concat()).0, 2);
    class.add("anna", "true");
    let with = |out: &'static str| {
        code(&[&["class", "--out", out], &run[..]].concat())
    };
    let (inside, said) = with("class/results");
    assert_eq!(inside, 2, "{said}");
    assert!(said.contains("inside the folder of the class"), "{said}");
    fs::create_dir(class.at("mine")).unwrap();
    fs::write(class.at("mine/letter"), "").unwrap();
    let (full, said) = with("mine");
    assert_eq!(full, 2, "{said}");
    assert!(said.contains("other things than grades"), "{said}");
}

const BUBBLEWRAP: &[&str] =
    &["bwrap", "--ro-bind", "/", "/", "--proc", "/proc", "true"];

/// The command that the book shows, but that Python may be below /home.
fn in_a_sandbox() -> String {
    let page = include_str!("../book/src/appendix/instructor.md");
    let (_, rest) = page.split_once("--run 'bwrap ").unwrap();
    let (command, _) = rest.split_once('\'').unwrap();
    format!("bwrap {command}").replace("--tmpfs /home ", "")
}

#[test]
fn in_a_sandbox_a_server_gets_its_grade_and_writes_nowhere_else() {
    if !needs(PYTHON) || !needs(BUBBLEWRAP) {
        return;
    }
    let class = Class::new();
    class.add("right", "").add("spy", "");
    let server = |name: &str| class.folder(OsStr::new(name)).join("server.py");
    let right = class.at("class/right/right.py");
    fs::copy(right, server("right")).unwrap();
    let spy = "import os, sys
here = os.path.dirname(os.path.abspath(__file__))
for folder in [here, '/var/tmp', sys.argv[2]]:
    try:
        open(folder + '/note', 'w').close()
        print('wrote into', folder)
    except OSError as error:
        print(error)
print('others:', len(os.listdir(os.path.dirname(here))) - 1)
";
    fs::write(server("spy"), spy).unwrap();
    let run = in_a_sandbox();
    let words = ["class", "--run", &run, FEW];
    let graded = class.graded(&mut class.command("grade", &words));
    assert_eq!(graded.code, 1, "{}{}", graded.table, graded.said);
    let points = class.column("points");
    assert_eq!(points, [&*class.column("most")[0], "0"]);
    let report = class.result("reports/spy/report.txt");
    assert_eq!(report.matches("wrote into").count(), 1, "{report}");
    assert!(report.contains("/mail\n"), "{report}");
    assert!(report.contains("others: 0"), "{report}");
    assert_eq!(class.left(), [""; 0].map(PathBuf::from));
}

fn start(class: &Class) -> Child {
    let words = ["class", "--run", RUN, "--jobs", "2", FEW];
    class.command("grade", &words).spawn().unwrap()
}

#[test]
fn an_interrupted_grading_leaves_no_process_and_goes_on_where_it_was() {
    if !needs(PYTHON) {
        return;
    }
    let class = Class::new();
    class
        .add_server("a", "right", "")
        .add_server("b", "odd", "crashes")
        .add_server("c", "odd", "late-greeting")
        .add_server("d", "right", "");
    let done = |name: &str| {
        let file = format!("results/reports/{name}/grade.tsv");
        class.at(&file).exists()
    };
    for (signal, name) in [("TERM", "a"), ("KILL", "b")] {
        let mut grading = start(&class);
        wait_until("a grade", || done(name));
        let id = grading.id().to_string();
        let killed = Command::new("kill").args(["-s", signal, &id]).status();
        assert!(killed.unwrap().success());
        grading.wait().unwrap();
        wait_until("the end of all servers", || class.left().is_empty());
    }
    assert!(!done("c"));
    let graded = class.grade(&[FEW]);
    assert!(graded.said.contains("of 4 have their grade already"));
    assert!(!graded.said.contains(": a, "), "{}", graded.said);
    assert_eq!(class.column("submission"), ["a", "b", "c", "d"]);
    let (points, most) = (class.column("points"), class.column("most"));
    let is_full: Vec<bool> =
        points.iter().zip(&most).map(|(got, all)| got == all).collect();
    assert_eq!(is_full, [true, false, true, true]);
    // All is done. One that changes is graded again.
    let graded = class.grade(&[FEW]);
    assert!(graded.said.contains("4 of 4 have their"), "{}", graded.said);
    fs::copy(class.at("class/a/run"), class.at("class/b/run")).unwrap();
    let graded = class.grade(&[FEW]);
    assert!(graded.said.contains("3 of 4 have their"), "{}", graded.said);
    assert_eq!(graded.code, 0, "{}", graded.table);
    // With other terms, all are.
    let graded = class.grade(&["--strict", FEW]);
    assert!(!graded.said.contains("have their"), "{}", graded.said);
}

#[test]
fn two_gradings_do_not_write_into_the_same_results() {
    let class = Class::new();
    class.add("anna", "sleep 1000");
    let patient = ["class", "--run", RUN, "--wait", "600", GREETING];
    let mut first = class.command("grade", &patient).spawn().unwrap();
    // Its folder is there before it is its own.
    wait_until("the first one grades", || !class.left().is_empty());
    let second = || class.grade(&[GREETING, "--wait", "0.1"]);
    assert!(second().said.contains("another grading"));
    first.kill().unwrap();
    first.wait().unwrap();
    wait_until("the end of all servers", || class.left().is_empty());
    assert!(!second().said.contains("another grading"));
}
