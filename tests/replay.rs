//! `pillarbox replay`, from outside: its verdicts, its exit codes, its reports.

// A test fails by panicking.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

mod support;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;
use support::{Server, needs, wait_until};
use tempfile::TempDir;

const PASSED: i32 = 0;
const FAILED: i32 = 1;
const WRONG_USAGE: i32 = 2;
const NOT_JUDGED: i32 = 3;

const CAST: [&str; 8] = [
    "--hostname",
    "mx.example.org",
    "--domain",
    "example.org",
    "--mailbox",
    "bob@example.org",
    "--mailbox",
    "carol@example.org",
];

/// What a run printed, and its exit code.
#[derive(Debug)]
struct Ran {
    out: String,
    errors: String,
    code: i32,
}

fn replay<S: AsRef<std::ffi::OsStr>>(arguments: &[S]) -> Ran {
    let output = Command::new(env!("CARGO_BIN_EXE_pillarbox"))
        .arg("replay")
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    Ran {
        out: String::from_utf8(output.stdout).unwrap(),
        errors: String::from_utf8(output.stderr).unwrap(),
        code: output.status.code().unwrap(),
    }
}

/// A folder with transcripts in it.
struct Folder(TempDir);

impl Folder {
    fn new() -> Folder {
        Folder(TempDir::new().unwrap())
    }

    /// Writes a transcript, and gives back its path.
    fn file(&self, name: &str, header: &str, body: &str) -> String {
        let title = format!("Title: About {name}\nSpec: RFC 5321 4.1\n");
        let text = format!("{title}{header}\n\n{body}");
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        path
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }
}

/// A session that every server passes.
const SHORT: &str = "S: 220 {host} {...}\nC: QUIT\nS: 221 {...}\n\
                     (server closes)\n";

/// One that ours does not: it answers 500.
const FROB: &str = "S: 220 {host} {...}\nC: FROB\nS: 502 No\n(client closes)\n";

/// Says a line for each line that it gets, each time anew.
fn echo_server(answers: &'static [(&str, &str)]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let stream = stream.unwrap();
            thread::spawn(move || answer(&stream, answers));
        }
    });
    address
}

fn answer(mut stream: &TcpStream, answers: &[(&str, &str)]) {
    let lines = BufReader::new(stream).lines().map_while(Result::ok);
    for line in std::iter::once(String::new()).chain(lines) {
        let (_, answer) = answers
            .iter()
            .find(|(start, _)| line.starts_with(start) || line.is_empty())
            .unwrap();
        let _ = write!(stream, "{answer}\r\n");
        if line == "QUIT" {
            return;
        }
    }
}

/// The first answer is the greeting, the last one is for all other lines.
const PLAIN: &[(&str, &str)] = &[
    ("\0", "220 other.example hello"),
    ("EHLO", "250-other.example\r\n250 SIZE 1000"),
    ("QUIT", "221 Bye"),
    ("", "500 What?"),
];

#[test]
fn our_own_transcripts_pass_and_say_so() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let ran = replay(&[root.join("transcripts")]);
    assert_eq!((ran.code, ran.errors.as_str()), (PASSED, ""), "{}", ran.out);
    let lines: Vec<&str> = ran.out.lines().collect();
    let [.., sum, skips] = lines[..] else { panic!("{lines:?}") };
    assert!(sum.contains(" 0 failed, 0 weak, "), "{sum}");
    assert!(sum.ends_with(" s"), "{sum}");
    // Only those that play the server are left out.
    assert!(skips.starts_with("skipped: "), "{skips}");
    assert!(skips.ends_with(" it plays the server"), "{skips}");
    assert!(!skips.contains(';'), "{skips}");
}

#[test]
fn a_failure_names_line_got_title_section_and_rule_with_code_1() {
    let folder = Folder::new();
    let good = folder.file("a.txt", "Level: must", SHORT);
    let bad = folder.file("b.txt", "Level: should", FROB);
    let ran = replay(&[&good, &bad]);
    assert_eq!(ran.code, FAILED);
    let wanted = format!(
        "FAIL {bad}:7: wrong reply
       sent      C: FROB
       expected  S: 502 No
       got       S: 500 5.5.2 Command not recognized
       title     About b.txt
       see       RFC 5321 4.1
       rule      "
    );
    assert!(ran.out.starts_with(&wanted), "{}", ran.out);
    let program = env!("CARGO_BIN_EXE_pillarbox");
    let more =
        format!("\n     the talk so far: {program} replay --show {bad}:7\n");
    assert!(ran.out.contains(&more), "{}", ran.out);
    let last = "\n2 transcripts: 1 passed, 1 failed, 0 weak, 0 skipped, in ";
    assert!(ran.out.contains(last), "{}", ran.out);
}

#[test]
fn a_file_that_is_no_transcript_is_told_with_code_2_before_anything_is_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let folder = Folder::new();
    let good = folder.file("a.txt", "Level: must", SHORT);
    let bad = folder.file("b.txt", "Level: must", "S: 220 x\nC QUIT\n");
    for task in ["--strict", "--list", "--check"] {
        let ran = replay(&[task, "--server", &address, &good, &bad]);
        assert_eq!(ran.code, WRONG_USAGE);
        let start = format!("pillarbox: replay: {bad}:6: expected a line ");
        assert!(ran.errors.starts_with(&start), "{}", ran.errors);
        assert_eq!(ran.out, "");
    }
    assert!(listener.accept().is_err(), "somebody connected");
    let missing = replay(&[folder.path("missing.txt")]);
    assert_eq!(missing.code, WRONG_USAGE);
    assert_eq!(replay(&["--frob"]).code, WRONG_USAGE);
    let report = folder.path("no/such/report");
    let ran = replay(&["--out", &report, &good]);
    assert_eq!(ran.code, WRONG_USAGE, "{ran:?}");
}

#[test]
fn what_nobody_can_judge_ends_with_code_3() {
    let folder = Folder::new();
    let empty = replay(&[folder.path("")]);
    assert_eq!(empty.code, NOT_JUDGED, "{empty:?}");
    let good = folder.file("a.txt", "Level: must", SHORT);
    let own = folder.file("b.txt", "Level: own", SHORT);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let free = listener.local_addr().unwrap().to_string();
    drop(listener);
    let refused = replay(&["--server", &free, &good, &good]);
    assert_eq!(refused.code, NOT_JUDGED);
    assert!(refused.out.contains("no connection"), "{}", refused.out);
    let server = echo_server(PLAIN).to_string();
    let skipped = replay(&["--server", &server, &own]);
    assert_eq!(skipped.code, NOT_JUDGED);
    assert!(skipped.out.contains("level own"), "{}", skipped.out);
    let header = "Level: must\nServer: hostname=a_b";
    let odd = folder.file("c.txt", header, SHORT);
    let no_start = replay(&[&odd]);
    assert_eq!(no_start.code, NOT_JUDGED);
    assert!(no_start.out.contains("did not start"), "{}", no_start.out);
    // One that cannot be judged does not spoil the others.
    let mixed = replay(&[&odd, &good]);
    assert_eq!(mixed.code, FAILED);
}

#[test]
fn a_server_that_is_still_starting_is_waited_for() {
    let folder = Folder::new();
    let good = folder.file("a.txt", "Level: must", SHORT);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let late = thread::spawn(move || {
        thread::sleep(Duration::from_millis(300));
        let listener = TcpListener::bind(address).unwrap();
        let (stream, _) = listener.accept().unwrap();
        answer(&stream, PLAIN);
    });
    let place = address.to_string();
    let ran = replay(&["--server", &place, "--wait", "60", &good]);
    assert_eq!(ran.code, PASSED, "{ran:?}");
    late.join().unwrap();
}

#[test]
fn codes_classes_and_what_is_also_right_make_the_difference() {
    let folder = Folder::new();
    let server = echo_server(PLAIN).to_string();
    let body = |code: &str, also: &str| {
        format!("S: 220 x\nC: FROB\nS: {code} No\n{also}(client closes)\n")
    };
    let table = [
        ("500", "", "code", PASSED),
        ("502", "", "code", FAILED),
        ("502", "", "class", PASSED),
        ("452", "", "class", FAILED),
        ("452", "(also right: 500)\n", "code", PASSED),
        ("452", "(also right: 5xx)\n", "class", PASSED),
        ("452", "(also right: 501 502)\n", "class", FAILED),
    ];
    for (code, also, matching, wanted) in table {
        let file = folder.file("a.txt", "Level: must", &body(code, also));
        let options = ["--server", &server, "--match", matching];
        let ran = replay(&[&options[..], &[&file]].concat());
        assert_eq!(ran.code, wanted, "{code} {also} {matching}: {ran:?}");
    }
    // Our own server is not asked what is right for others.
    let body = body("452", "(also right: 500)\n");
    let own = folder.file("a.txt", "Level: must", &body);
    assert_eq!(replay(&[&own]).code, FAILED);
    let exact = replay(&["--server", &server, "--match", "exact", &own]);
    assert_eq!(exact.code, WRONG_USAGE);
    assert!(exact.errors.contains("--force"), "{}", exact.errors);
    let host = folder.file("b.txt", "Level: own", "S: 220 {host} hello\n");
    let forced = ["--server", &server, "--match", "exact", "--force"];
    let forced = |file| replay(&[&forced[..], &[file]].concat()).code;
    assert_eq!((forced(&own), forced(&host)), (FAILED, PASSED));
}

#[test]
fn should_and_may_are_weak_unless_it_is_strict() {
    let folder = Folder::new();
    let server = echo_server(PLAIN).to_string();
    for (level, word) in [("must", "FAIL"), ("should", "WEAK"), ("may", "WEAK")]
    {
        let header = format!("Level: {level}");
        let file = folder.file("a.txt", &header, FROB);
        let ran = replay(&["--server", &server, &file]);
        let code = if word == "FAIL" { FAILED } else { PASSED };
        assert_eq!(ran.code, code, "{level}");
        assert!(ran.out.starts_with(word), "{}", ran.out);
        let strict = replay(&["--strict", "--server", &server, &file]);
        assert_eq!(strict.code, FAILED, "{level}");
        assert!(strict.out.starts_with("FAIL"), "{}", strict.out);
    }
}

#[test]
fn what_a_server_does_not_have_is_skipped_with_the_reason() {
    let folder = Folder::new();
    let server = echo_server(PLAIN).to_string();
    let hello = "S: 220 x\nC: EHLO client.example\nS: 250-x\nS: ...\n\
                 C: QUIT\nS: 221 x\n(server closes)\n";
    let good = folder.file("a.txt", "Level: must\nNeeds: SIZE", hello);
    let needs = "Level: must\nNeeds: SIZE PIPELINING";
    let needs = folder.file("b.txt", needs, hello);
    let option = "Level: must\nServer: max-size=1000 timeout=1";
    let option = folder.file("c.txt", option, SHORT);
    let plays = "Level: must\nPlays: server";
    let plays = folder.file("d.txt", plays, "S: 220 x\n(client closes)\n");
    let unbound = "S: 220 {a}-{b}\nC: NOOP {a}\nS: 250\n(client closes)\n";
    let unbound = folder.file("e.txt", "Level: must", unbound);
    let files = [&good, &needs, &option, &plays, &unbound];
    let files: Vec<&str> = files.iter().map(|file| file.as_str()).collect();
    let options = ["--server", &server, "--have", "timeout=1"];
    let ran = replay(&[&options[..], &files].concat());
    assert_eq!(ran.code, PASSED);
    let wanted = "\nskipped: 1 it plays the server; \
        1 line 6: {a} has no value yet; try --set a=VALUE; \
        1 needs PIPELINING; 1 needs max-size=1000\n";
    assert!(ran.out.ends_with(wanted), "{}", ran.out);
    let options = [&options[..], &["--have", "max-size=1000"]].concat();
    let ran = replay(&[&options[..], &[&option]].concat());
    assert!(ran.out.contains("1 transcript: 1 passed"), "{}", ran.out);
}

#[test]
fn names_are_replaced_the_longest_first_and_holes_are_filled() {
    let mail = TempDir::new().unwrap();
    let options = ["-n", "b.test", "-d", "b.test", "-b", "student@b.test"];
    let server = Server::start_in(mail.path(), &options);
    let folder = Folder::new();
    let body = "S: 220 {host} {...}\nC: HELO {me}\nS: 250 {...}\n\
                C: MAIL FROM:<>\nS: 250 {...}\n\
                C: RCPT TO:<postmaster@example.org>\nS: 250 {...}\n\
                C: RCPT TO:<bob@example.org>\nS: 250 {...}\n\
                C: DATA\nS: 354 {...}\nC: To: bob@example.org\nC: .\n\
                S: 250 {...}\n(mailbox bob@example.org has 1 message)\n\
                M: ...\nM: To: bob@example.org\nM: ...\n(client closes)\n";
    let file = folder.file("a.txt", "Level: must", body);
    let place = server.address().to_string();
    let own = mail.path().join("b.test/student");
    let maildir = format!("bob@example.org={}", own.display());
    let options = [
        "--server",
        &place,
        "--as",
        "example.org=b.test",
        "--as",
        "bob@example.org=student@b.test",
        "--set",
        "me=client.example",
        "--maildir",
        &maildir,
    ];
    let ran = replay(&[&options[..], &[&file]].concat());
    assert_eq!(ran.code, PASSED, "{ran:?}");
    assert!(!ran.out.contains("note"), "{}", ran.out);
    let ran = replay(&[&options[..8], &[&file]].concat());
    let note = "line 19: not checked: no --maildir for bob@example.org\n";
    assert_eq!(ran.code, PASSED, "{ran:?}");
    assert!(ran.out.contains(note), "{}", ran.out);
    let wrong = format!("bob@example.org={}", mail.path().display());
    let options = [&options[..8], &["--maildir", &wrong, "--timeout", "1"]];
    let ran = replay(&[&options.concat()[..], &[&file]].concat());
    assert_eq!(ran.code, FAILED, "{ran:?}");
    assert!(ran.out.contains("bob@example.org is empty"), "{}", ran.out);
    assert!(ran.out.contains("(RFC 5321 4.1.1.4, 6.1)"), "{}", ran.out);
}

#[test]
fn a_running_server_passes_the_whole_suite_by_code() {
    let server = Server::start(&CAST);
    let place = server.address().to_string();
    let maildir = |name: &str| {
        let folder = server.mail().join("example.org").join(name);
        format!("--maildir={name}@example.org={}", folder.display())
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let file = |name: &str| {
        root.join("transcripts").join(name).to_str().unwrap().to_owned()
    };
    let ran = replay(&[
        format!("--server={place}"),
        maildir("bob"),
        maildir("carol"),
        file("01-first"),
        file("03-order"),
        file("10-pipelining"),
    ]);
    assert_eq!(ran.code, PASSED, "{}", ran.out);
    assert!(!ran.out.contains("not checked"), "{}", ran.out);
}

fn has_python() -> bool {
    let version = Command::new("python3").arg("--version").output();
    let is_there = version.is_ok_and(|output| output.status.success());
    assert!(is_there || std::env::var_os("CI").is_none(), "no python3");
    is_there
}

fn student(name: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = root.join("tests/replay").join(name);
    format!("python3 '{}' {{port}} {{maildir}}", path.display())
}

#[test]
fn a_students_server_is_started_afresh_for_each_file() {
    if !has_python() {
        return;
    }
    let folder = Folder::new();
    let start = "S: 220 {...}\nC: HELO client.example\nS: 250 {...}\n";
    let send = "C: MAIL FROM:<alice@client.example>\nS: 250 {...}\n\
                C: RCPT TO:<bob@example.org>\nS: 250 {...}\n\
                C: DATA\nS: 354 {...}\nC: Subject: dots\nC:\nC: ..one\nC: .\n\
                S: 250 {...}\n(mailbox bob@example.org has 1 message)\n\
                M: Return-Path: <alice@client.example>\nM: ...\nM: .one\n\
                (mailbox carol@example.org is empty)\n";
    let end = "C: QUIT\nS: 221 {...}\n(server closes)\n";
    let whole = format!("{start}{send}{end}");
    let order = "C: RCPT TO:<bob@example.org>\nS: 503 {...}\n";
    let order = format!("{start}{order}{end}");
    let files = [
        folder.file("a.txt", "Level: must", &whole),
        folder.file("b.txt", "Level: must", &whole),
        folder.file("c.txt", "Level: must", &order),
        folder.file("d.txt", "Level: must\nNeeds: SIZE", &order),
    ];
    let run = format!("--run={}", student("right.py"));
    let ran = replay(&[&[run, "--wait=60".into()], &files[..]].concat());
    assert_eq!(ran.code, PASSED, "{}", ran.out);
    let last = "\n4 transcripts: 3 passed, 0 failed, 0 weak, 1 skipped, in ";
    assert!(ran.out.contains(last), "{}", ran.out);
}

#[test]
fn pillarbox_is_a_student_too() {
    let program = env!("CARGO_BIN_EXE_pillarbox");
    let cast = CAST.join(" ");
    let run = format!(
        "--run='{program}' serve -l 127.0.0.1:{{port}} -m {{maildir}} {cast}"
    );
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = root.join("transcripts/09-recipients");
    let files = files.to_str().unwrap();
    let ran = replay(&[&run, "--wait=60", "--jobs=4", files]);
    assert_eq!(ran.code, PASSED, "{}", ran.out);
    assert!(!ran.out.contains("not checked"), "{}", ran.out);
}

#[test]
fn a_program_that_takes_all_options_is_judged_by_every_file() {
    let program = env!("CARGO_BIN_EXE_pillarbox");
    let serve = "serve -l 127.0.0.1:{port} -m {maildir} {options}";
    let run = format!("--run='{program}' {serve}");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = root.join("transcripts");
    let files = files.to_str().unwrap();
    let exact = ["--force", "--match=exact", "--wait=60", "--jobs=8"];
    let ran = replay(&[&[run.as_str()], &exact[..], &[files]].concat());
    assert_eq!(ran.code, PASSED, "{}", ran.out);
    let skips = ran.out.lines().last().unwrap();
    assert!(skips.ends_with(" it plays the server"), "{skips}");
    assert!(!skips.contains(';'), "{skips}");
}

#[test]
fn a_limit_that_the_command_asks_for_is_filled_in_and_the_others_are_needed() {
    let program = env!("CARGO_BIN_EXE_pillarbox");
    let cast = CAST.join(" ");
    // The second option counts: a wrapper may have one already.
    let serve = "serve -l 127.0.0.1:{port} -m {maildir}";
    let run = format!(
        "--run='{program}' {serve} {cast} --max-size 5 --max-size {{max-size}}"
    );
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("transcripts");
    let file = |name: &str| root.join(name).to_str().unwrap().to_owned();
    let files = [file("07-message/max-size.txt"), file("09-recipients")];
    let ran = replay(&[&[run, "--wait=60".into()], &files[..]].concat());
    assert_eq!(ran.code, PASSED, "{}", ran.out);
    assert!(ran.out.contains("2 passed"), "{}", ran.out);
    assert!(ran.out.contains("needs max-recipients=2"), "{}", ran.out);
}

#[test]
fn a_mailbox_may_be_anywhere_in_the_folder_that_the_command_was_given() {
    let program = env!("CARGO_BIN_EXE_pillarbox");
    let run = format!(
        "--run='{program}' serve -l 127.0.0.1:{{port}} -m {{maildir}}/deep {}",
        CAST.join(" ")
    );
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let file = root.join("transcripts/01-first/delivery.txt");
    let file = file.to_str().unwrap();
    let place = "--maildir=bob@example.org={maildir}/deep/example.org/bob";
    let ran = replay(&[&run, "--wait=60", place, file]);
    assert_eq!(ran.code, PASSED, "{}", ran.out);
    assert!(!ran.out.contains("not checked"), "{}", ran.out);
    let ran = replay(&[&run, "--wait=60", "--timeout=1", file]);
    assert_eq!(ran.code, FAILED, "{}", ran.out);
}

/// The command lines of all processes; a NUL ends each word.
fn command_lines() -> impl Iterator<Item = String> {
    let folders = fs::read_dir("/proc").unwrap().flatten();
    folders.filter_map(|folder| {
        fs::read_to_string(folder.path().join("cmdline")).ok()
    })
}

/// The processes whose command line holds these words.
fn processes(words: &str) -> usize {
    command_lines().filter(|line| line.contains(words)).count()
}

/// A student's server that hangs: a copy, whose path no other process has.
fn hanging(folder: &Folder) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let copy = folder.path("hanging.py");
    fs::copy(root.join("tests/replay/hanging.py"), &copy).unwrap();
    copy
}

#[test]
fn a_student_that_hangs_is_ended_in_time_with_its_children() {
    if !has_python() {
        return;
    }
    let folder = Folder::new();
    let copy = hanging(&folder);
    let run = format!("python3 '{copy}' {{port}} {{maildir}}");
    let good = folder.file("a.txt", "Level: must", SHORT);
    let options = ["--timeout", "0.5", "--wait", "15"];
    let files: &[&str] = &["--run", &run, &good];
    let ran = replay(&[&options[..], files].concat());
    assert_eq!(ran.code, FAILED, "{}", ran.out);
    // It may still be starting, so its greeting has as long as that.
    assert!(ran.out.contains("no reply within 15 s"), "{}", ran.out);
    assert!(ran.out.contains("log       it hangs"), "{}", ran.out);
    wait_until("nothing of it is left", || processes(&copy) == 0);
}

#[test]
fn a_student_ends_also_when_replay_is_killed() {
    if !has_python() {
        return;
    }
    let folder = Folder::new();
    let copy = hanging(&folder);
    let run = format!("python3 '{copy}' {{port}} {{maildir}}");
    let good = folder.file("a.txt", "Level: must", SHORT);
    let temporary = TempDir::new().unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_pillarbox"))
        .args(["replay", "--timeout", "600", "--wait", "60"])
        .args(["--run", &run, &good])
        .env("TMPDIR", temporary.path())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    wait_until("it runs", || processes(&copy) >= 3);
    child.kill().unwrap();
    child.wait().unwrap();
    wait_until("nothing of it is left", || processes(&copy) == 0);
    wait_until("its folder is gone", || has_only_locks(temporary.path()));
}

/// Lock files that nobody holds may stay until the next run.
fn has_only_locks(folder: &Path) -> bool {
    let names = fs::read_dir(folder).unwrap().flatten();
    let mut paths = names.map(|entry| entry.path());
    paths.all(|path| path.extension().is_some_and(|word| word == "lock"))
}

fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).unwrap().next().is_none()
}

#[test]
fn our_own_server_ends_also_when_replay_is_killed() {
    let folder = Folder::new();
    let patient = "S: 220 {host} {...}\n(silence 600s)\n";
    let page = folder.file("a.txt", "Level: must", patient);
    let temporary = TempDir::new().unwrap();
    let place = temporary.path().to_str().unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_pillarbox"))
        .args(["replay", &page])
        .env("TMPDIR", place)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    wait_until("it runs", || processes(place) >= 2);
    child.kill().unwrap();
    child.wait().unwrap();
    wait_until("nothing of it is left", || processes(place) == 0);
    wait_until("its folder is gone", || has_only_locks(temporary.path()));
}

#[test]
fn a_command_that_starts_nothing_is_not_judged_and_its_words_are_shown() {
    let folder = Folder::new();
    let good = folder.file("a.txt", "Level: must", SHORT);
    let run = "--run=echo no port {port}; exit 1";
    let ran = replay(&[run, "--wait", "0.2", &good, &good]);
    assert_eq!(ran.code, NOT_JUDGED);
    assert!(ran.out.contains("log       no port "), "{}", ran.out);
    // Nobody waits for it a second time.
    assert!(ran.out.contains("1 lost, "), "{}", ran.out);
}

/// A student's server that takes its time: it listens after so many seconds,
/// and greets so many after that.
fn late(listens: f32, greets: f32) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = root.join("tests/replay/late.py");
    let path = path.display();
    format!("--run=python3 '{path}' {{port}} {listens} {greets}")
}

#[test]
fn a_student_that_listens_or_greets_late_is_judged_as_if_it_had_not() {
    if !has_python() {
        return;
    }
    let folder = Folder::new();
    let good = folder.file("a.txt", "Level: must", SHORT);
    for run in [late(5.0, 0.0), late(0.0, 5.0)] {
        let ran = replay(&[&run, "--timeout=3", "--wait=60", &good]);
        assert_eq!(ran.code, PASSED, "{}", ran.out);
    }
}

#[test]
fn two_runs_at_once_judge_each_its_own_server() {
    if !has_python() {
        return;
    }
    let folder = Folder::new();
    let file = |n| folder.file(&format!("{n}.txt"), "Level: must", SHORT);
    let files: Vec<String> = (0..8).map(file).collect();
    // While one of them is about to listen, its port looks free.
    let mut arguments = vec![late(0.3, 0.0), "--wait=60".into()];
    arguments.push("--jobs=4".into());
    arguments.extend(files);
    let runs: Vec<_> = (0..2)
        .map(|_| {
            let arguments = arguments.clone();
            thread::spawn(move || replay(&arguments))
        })
        .collect();
    for run in runs {
        let ran = run.join().unwrap();
        assert_eq!(ran.code, PASSED, "{}", ran.out);
    }
}

/// The argument that follows this path in the command line of a process.
fn argument_after(path: &str) -> String {
    let is_it = |line: &String| line.split('\0').any(|word| word == path);
    let line = command_lines().find(is_it).expect("it runs");
    let mut words = line.split('\0').skip_while(|word| *word != path);
    words.nth(1).unwrap().to_owned()
}

/// Two users have two of them, and one set of ports.
#[test]
fn a_port_is_held_for_the_machine_whatever_the_temporary_folder_is() {
    if !has_python() {
        return;
    }
    let folder = Folder::new();
    let copy = hanging(&folder);
    let run = format!("exec python3 '{copy}' {{port}} {{maildir}}");
    let good = folder.file("a.txt", "Level: must", SHORT);
    let temporary = TempDir::new().unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_pillarbox"))
        .args(["replay", "--wait", "600", "--run", &run, &good])
        .env("TMPDIR", temporary.path())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    wait_until("it runs", || processes(&copy) >= 3);
    let port = argument_after(&copy);
    let lock = format!("/tmp/pillarbox-port-{port}.lock");
    let held = fs::File::open(&lock).unwrap().try_lock();
    assert!(matches!(held, Err(fs::TryLockError::WouldBlock)), "{lock}");
    child.kill().unwrap();
    child.wait().unwrap();
    wait_until("nothing of it is left", || processes(&copy) == 0);
}

/// The guards of the runs whose temporary folder this is.
fn guards(temporary: &str) -> Vec<String> {
    let folders = fs::read_dir("/proc").unwrap().flatten();
    let guards = folders.filter(|folder| {
        let line = fs::read_to_string(folder.path().join("cmdline"));
        line.is_ok_and(|line| {
            line.contains("PILLARBOX_RUN=$folder") && line.contains(temporary)
        })
    });
    let number = |guard: fs::DirEntry| guard.file_name().into_string();
    guards.filter_map(|guard| number(guard).ok()).collect()
}

#[test]
fn what_nobody_was_left_to_end_is_ended_by_the_next_run() {
    if !has_python() {
        return;
    }
    let folder = Folder::new();
    let copy = hanging(&folder);
    let run = format!("python3 '{copy}' {{port}} {{maildir}}");
    let good = folder.file("a.txt", "Level: must", SHORT);
    let temporary = TempDir::new().unwrap();
    let place = temporary.path().to_str().unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_pillarbox"))
        .args(["replay", "--wait", "600", "--run", &run, &good])
        .env("TMPDIR", place)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    wait_until("it runs", || processes(&copy) >= 3);
    wait_until("its guard runs", || guards(place).len() == 1);
    // The guard goes first, and then nobody is left.
    for guard in guards(place) {
        Command::new("kill").args(["-KILL", &guard]).status().unwrap();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(processes(&copy) > 0);
    let next = Command::new(env!("CARGO_BIN_EXE_pillarbox"))
        .args(["replay", &good])
        .env("TMPDIR", place)
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert_eq!(next.code(), Some(PASSED));
    wait_until("nothing of it is left", || processes(&copy) == 0);
    wait_until("its folder is gone", || is_empty(temporary.path()));
}

#[test]
fn a_student_that_reads_the_terminal_stops_only_itself() {
    if !has_python() {
        return;
    }
    let folder = Folder::new();
    let good = folder.file("a.txt", "Level: must", SHORT);
    let program = env!("CARGO_BIN_EXE_pillarbox");
    let run = "--run=read line < /dev/tty; echo {port}";
    // A terminal of its own: this test may not have one.
    let script = "import os, pty, sys
sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))";
    let status = Command::new("python3")
        .args(["-c", script, program, "replay", "--wait=0.5", run, &good])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(NOT_JUDGED));
}

/// A name that forges a line of TAP, has an order for a terminal, and cannot
/// be in XML.
const EVIL: &str = "a\nok 2 - forged\x1b[2J\u{ffff}.txt";

#[test]
fn no_name_of_a_file_and_nothing_printed_forges_a_report() {
    let folder = Folder::new();
    let page = folder.file("plain.txt", "Level: must", SHORT);
    let evil = folder.path(EVIL);
    fs::rename(page, &evil).unwrap();
    let run = r"--run=printf 'log \357\277\277 \033[2J \001\n{port}'";
    for format in ["text", "tap", "junit", "tsv"] {
        let report = format!("--report={format}");
        let ran = replay(&[run, "--wait=0.2", &report, &folder.path("")]);
        assert_eq!(ran.code, NOT_JUDGED, "{ran:?}");
        assert!(!ran.out.contains("\nok 2"), "{}", ran.out);
        assert!(!ran.out.contains('\x1b'), "{}", ran.out);
        if format == "junit" {
            assert!(ran.out.contains("log "), "{}", ran.out);
            assert!(!ran.out.contains(['\u{ffff}', '\x01']), "{}", ran.out);
            if has_python() {
                let path = folder.path("report.xml");
                fs::write(&path, &ran.out).unwrap();
                let script = "import sys, xml.etree.ElementTree as tree
tree.parse(sys.argv[1])";
                let python = ["-c", script, &path];
                let status = Command::new("python3").args(python).status();
                assert!(status.unwrap().success());
            }
        }
    }
    let list = replay(&["--list".to_owned(), folder.path("")]);
    assert_eq!(list.out.lines().count(), 1, "{}", list.out);
    fs::write(&evil, "no transcript").unwrap();
    let ran = replay(&[&evil]);
    assert_eq!(ran.errors.lines().count(), 1, "{}", ran.errors);
}

#[test]
fn a_report_never_takes_the_place_of_what_is_read() {
    let folder = Folder::new();
    let page = folder.file("a.txt", "Level: must", SHORT);
    let other = folder.path("the-same");
    fs::hard_link(&page, &other).unwrap();
    let before = fs::read_to_string(&page).unwrap();
    let all = folder.path("");
    let tsv = folder.path("run.tsv");
    replay(&["--report=tsv", "--out", &tsv, &page]);
    let table: [&[&str]; 5] = [
        &["--out", &page, &page],
        &["--out", &other, &page],
        &["--out", &page, &all],
        &["--listen", "127.0.0.1:0", "--out", &page, &page],
        &["--matrix", "--out", &tsv, &tsv],
    ];
    for arguments in table {
        let ran = replay(arguments);
        assert_eq!(ran.code, WRONG_USAGE, "{arguments:?}");
        assert!(ran.errors.contains("is to be read"), "{}", ran.errors);
    }
    assert_eq!(fs::read_to_string(&page).unwrap(), before);
    assert!(fs::read_to_string(&tsv).unwrap().starts_with("file\tlevel"));
    // What is not read may be written over.
    assert_eq!(replay(&["--out", &tsv, &page]).code, PASSED);
}

#[test]
fn a_file_that_is_empty_or_cut_is_told_and_the_others_are_played() {
    let folder = Folder::new();
    let good = folder.file("a.txt", "Level: must", SHORT);
    let empty = folder.path("b.txt");
    fs::write(&empty, "").unwrap();
    let cut = folder.path("c.txt");
    fs::write(&cut, "Title: A recording\nLevel: own\n\nS: 22").unwrap();
    let ran = replay(&[&folder.path("")]);
    assert_eq!(ran.code, WRONG_USAGE, "{ran:?}");
    assert!(ran.out.contains("1 transcript: 1 passed"), "{}", ran.out);
    let told = format!(
        "pillarbox: replay: {empty}:1: the file is empty\n\
         pillarbox: replay: {cut}:4: expected three digits, "
    );
    assert!(ran.errors.starts_with(&told), "{}", ran.errors);
    let bad = folder.file("d.txt", "Level: must", FROB);
    assert_eq!(replay(&[&good, &empty, &bad]).code, FAILED);
    assert_eq!(replay(&[&empty]).code, WRONG_USAGE);
    let list = replay(&["--list", &good, &empty]);
    assert_eq!((list.out.lines().count(), list.code), (1, WRONG_USAGE));
}

#[test]
fn server_options_that_no_server_takes_are_found_by_a_check() {
    let folder = Folder::new();
    for value in [
        "timeout=nan",
        "timeout=inf",
        "max-size=99999999999999999999",
        "max-size=0",
        "max-connections=12000",
        "without=FROB",
        "hostname=a_b",
    ] {
        let header = format!("Level: must\nServer: {value}");
        let page = folder.file("a.txt", &header, SHORT);
        let ran = replay(&["--check", &page]);
        assert_eq!(ran.code, FAILED, "{value}: {ran:?}");
        let (key, _) = value.split_once('=').unwrap();
        let start = format!("{page}:1: Server: serve: --{key}: ");
        assert!(ran.out.starts_with(&start), "{}", ran.out);
        assert_eq!(ran.out.lines().count(), 1, "{}", ran.out);
    }
    let header = "Level: must\nServer: max-size=9 timeout=0.5 mailbox=*";
    let page = folder.file("a.txt", header, SHORT);
    assert_eq!(replay(&["--check", &page]).code, PASSED);
}

/// Two files that fail, one of them weakly, one that passes, one skipped.
fn four_kinds(folder: &Folder) -> [String; 4] {
    [
        folder.file("a.txt", "Level: must", SHORT),
        folder.file("b.txt", "Level: must", FROB),
        folder.file("c.txt", "Level: may", FROB),
        folder.file("d.txt", "Level: own", SHORT),
    ]
}

/// Writes a report of the four kinds, and gives back its path.
fn report(folder: &Folder, format: &str) -> String {
    let server = echo_server(PLAIN);
    let path = folder.path(&format!("report.{format}"));
    let options = [
        format!("--server={server}"),
        format!("--report={format}"),
        format!("--out={path}"),
    ];
    let files = four_kinds(folder);
    let ran = replay(&[&options[..], &files[..]].concat());
    assert_eq!(ran.code, FAILED, "{ran:?}");
    assert!(ran.out.contains("\n4 transcripts: "), "{}", ran.out);
    assert_eq!(ran.errors, "");
    path
}

fn lines_of(path: &str) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn tsv_has_the_columns_that_were_promised() {
    let folder = Folder::new();
    let lines = lines_of(&report(&folder, "tsv"));
    let columns =
        "file\tlevel\tverdict\tline\tspec\ttitle\treason\tstage\tjudge";
    assert_eq!(lines[0], columns);
    let cut =
        |line: &String| line.split('\t').map(str::to_owned).collect::<Vec<_>>();
    let rows: Vec<Vec<String>> = lines[1..].iter().map(cut).collect();
    let verdicts: Vec<&str> = rows.iter().map(|row| row[2].as_str()).collect();
    assert_eq!(verdicts, ["pass", "fail", "weak", "skip"]);
    let reason = "wrong reply: S: 500 What?";
    let bad = folder.path("b.txt");
    let wanted =
        [&bad, "must", "fail", "7", "RFC 5321 4.1", "About b.txt", reason];
    assert_eq!(rows[1][..7], wanted);
    // Who has judged, and by which pages.
    let judge = format!("Pillarbox {}, ", env!("CARGO_PKG_VERSION"));
    assert!(rows[1][8].starts_with(&judge), "{rows:?}");
}

#[test]
fn stage_and_section_choose_among_the_files() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("transcripts");
    let all = root.to_str().unwrap();
    let list = |options: &[&str]| {
        let ran = replay(&[options, &["--list", all]].concat());
        assert_eq!(ran.code, PASSED, "{ran:?}");
        ran.out.lines().count()
    };
    let [one, two, every] = ["1", "2", "99"].map(|n| list(&["--stage", n]));
    assert!(0 < one && one < two && two < every, "{one} {two} {every}");
    let dots = list(&["--section", "4.5.2"]);
    assert!(0 < dots && dots < every, "{dots}");
    assert!(list(&["--section", "RFC 2920 3"]) > 0);
    let none = replay(&["--section", "99", all]);
    assert_eq!(none.code, NOT_JUDGED);
    let ran = replay(&["--stage", "1", "--jobs=8", all]);
    let sum = ran.out.lines().find(|line| line.starts_with("stage 1: "));
    assert!(sum.is_some(), "{}", ran.out);
}

#[test]
fn prove_reads_the_tap() {
    let folder = Folder::new();
    let path = report(&folder, "tap");
    let lines = lines_of(&path);
    assert_eq!(lines[..2], ["TAP version 13", "1..4"]);
    let script = format!("cat '{path}'");
    let prove = Command::new("prove")
        .args(["--verbose", "--merge", "--exec", "sh -c"])
        .arg(&script)
        .output();
    let Ok(output) = prove else {
        return;
    };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("Failed 1/4 subtests"), "{text}");
    assert!(text.contains("1 skipped"), "{text}");
    assert!(!text.contains("Parse errors"), "{text}");
}

#[test]
fn junit_is_xml_with_the_right_counts() {
    if !has_python() {
        return;
    }
    let folder = Folder::new();
    let path = report(&folder, "junit");
    let script = "import sys, xml.etree.ElementTree as tree
suite = tree.parse(sys.argv[1]).getroot()
print(suite.tag, *[suite.get(key) for key in
      ('name', 'tests', 'failures', 'errors', 'skipped')])
cases = suite.findall('testcase')
for case in cases:
    print(case.tag, case.get('classname'), case.get('line'),
          *[inner.tag for inner in case])
print(cases[1][0].get('message'))";
    let output = Command::new("python3").args(["-c", script, &path]).output();
    let output = output.unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let wanted = "testsuite transcripts 4 1 0 2\ntestcase must 1\n\
                  testcase must 7 failure\ntestcase may 7 skipped\n\
                  testcase own 1 skipped\nwrong reply: S: 500 What?\n";
    assert_eq!(text, wanted);
}

#[test]
fn junit_is_read_by_a_reader_of_its_own() {
    // Debian's package belongs to Debian's own Python.
    let reader = "/usr/bin/python3";
    if !needs(&[reader, "-c", "import junitparser"]) {
        return;
    }
    let folder = Folder::new();
    let path = report(&folder, "junit");
    let script = "import sys, junitparser
suite = junitparser.JUnitXml.fromfile(sys.argv[1])
print(suite.tests, suite.failures, suite.errors, suite.skipped)
print(sum(1 for case in suite))";
    let output = Command::new(reader).args(["-c", script, &path]).output();
    let output = output.unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text, "4 1 0 2\n4\n");
}

#[test]
fn several_runs_become_one_table() {
    let folder = Folder::new();
    let tsv = report(&folder, "tsv");
    let other = folder.path("other run.tsv");
    fs::copy(&tsv, &other).unwrap();
    let ran = replay(&["--matrix", &tsv, &other]);
    assert_eq!(ran.code, PASSED);
    let lines: Vec<&str> = ran.out.lines().collect();
    assert_eq!(lines[0], "| transcript | report | other run |");
    let file = folder.path("b.txt");
    let row = format!("| [About b.txt]({file}) | ✗ | ✗ |");
    assert!(lines.contains(&row.as_str()), "{}", ran.out);
    assert!(ran.out.contains(") | – | – |"), "{}", ran.out);
    assert!(ran.out.contains(" As of 20"), "{}", ran.out);
    let page = folder.path("matrix.md");
    let ran = replay(&["--matrix", "--out", &page, &tsv]);
    assert_eq!((ran.code, ran.out.as_str()), (PASSED, ""));
    assert!(fs::read_to_string(page).unwrap().starts_with("| transcript |"));
    let ran = replay(&["--matrix", &file]);
    assert_eq!(ran.code, WRONG_USAGE);
    assert!(ran.errors.contains("b.txt:1: expected"), "{}", ran.errors);
}

#[test]
fn a_list_has_path_level_spec_and_title() {
    let folder = Folder::new();
    let file = folder.file("a.txt", "Level: should", SHORT);
    let ran = replay(&["--list".to_owned(), folder.path("")]);
    let wanted = format!("{file}\tshould\tRFC 5321 4.1\tAbout a.txt\n");
    assert_eq!((ran.out, ran.code), (wanted, PASSED));
}

#[test]
fn a_check_tells_what_is_not_as_it_should_be() {
    let folder = Folder::new();
    let good = folder.file("a.txt", "Level: must", SHORT);
    let ran = replay(&["--check", &good]);
    assert_eq!((ran.out.as_str(), ran.code), ("", PASSED));
    let odd = folder.file("b.txt", "Level: must", "S: 220 x\n");
    let ran = replay(&["--check", &good, &odd]);
    assert_eq!(ran.code, FAILED);
    let start = format!("{odd}:5: it should end in (server closes)");
    assert!(ran.out.starts_with(&start), "{}", ran.out);
}

#[test]
fn the_talk_is_shown_up_to_a_line_and_what_is_wrong_is_marked() {
    let folder = Folder::new();
    let file = folder.file("a.txt", "Level: must", FROB);
    let all = replay(&["--show".to_owned(), format!("{file}:99")]);
    assert_eq!(all.code, FAILED);
    let wanted = format!(
        "{file}: About a.txt
the talk of Pillarbox itself
   5     S: 220 mx.example.org ESMTP
   6     C: FROB
   7  !! S: 500 5.5.2 Command not recognized

FAIL {file}:7: wrong reply
       sent      C: FROB\n"
    );
    assert!(all.out.starts_with(&wanted), "{}", all.out);
    let part = replay(&["--show".to_owned(), format!("{file}:6")]);
    assert_eq!(part.code, PASSED);
    assert!(part.out.ends_with("   6     C: FROB\n"), "{}", part.out);
}

/// What a shell makes of the command that a report tells to show a talk.
fn paste(report: &str) -> String {
    let told = report
        .lines()
        .find_map(|line| line.strip_prefix("     the talk so far: "));
    let output = Command::new("sh").args(["-c", told.unwrap()]).output();
    String::from_utf8(output.unwrap().stdout).unwrap()
}

#[test]
fn the_command_of_a_report_shows_the_talk_of_the_same_server() {
    let folder = Folder::new();
    let page = FROB.replace("502 No", "250 Yes");
    let file = folder.file("it's.txt", "Level: must", &page);
    let server = echo_server(PLAIN).to_string();
    let ran = replay(&["--server", &server, "--timeout", "30", &file]);
    assert_eq!(ran.code, FAILED, "{}", ran.out);
    let talk = paste(&ran.out);
    let whose = format!("the talk of the server at {server}\n");
    assert!(talk.contains(&whose), "{talk}");
    assert!(talk.contains("  7  !! S: 500 What?\n"), "{talk}");
    if !has_python() {
        return;
    }
    let run = student("right.py");
    let ran = replay(&["--run", &run, "--wait", "60", &file]);
    assert_eq!(ran.code, FAILED, "{}", ran.out);
    let talk = paste(&ran.out);
    assert!(talk.contains("the talk of the server of 'python3 "), "{talk}");
    assert!(talk.contains("  6     C: FROB\n   7  !! S: 50"), "{talk}");
}

#[test]
fn what_the_server_printed_in_the_failed_step_is_shown() {
    if !has_python() {
        return;
    }
    let folder = Folder::new();
    let page = "S: 220 {...}\nC: HELO client.example\nS: 250 {...}\n\
                C: FROB\nS: 250 {...}\n(client closes)\n";
    let page = folder.file("a.txt", "Level: must", page);
    let server = folder.path("server.py");
    let script = "import socketserver, sys
class Session(socketserver.StreamRequestHandler):
    def handle(self):
        self.wfile.write(b'220 x\\r\\n')
        for line in self.rfile:
            print('heard', line.decode().split()[0], flush=True)
            known = line.startswith(b'HELO')
            self.wfile.write(b'250 x\\r\\n' if known else b'500 x\\r\\n')
socketserver.TCPServer.allow_reuse_address = True
socketserver.TCPServer(('127.0.0.1', int(sys.argv[1])), Session).serve_forever()
";
    fs::write(&server, script).unwrap();
    let run = format!("python3 '{server}' {{port}}");
    let ran = replay(&["--run", &run, "--wait", "60", &page]);
    assert_eq!(ran.code, FAILED, "{}", ran.out);
    // Its log is read beside the talk, so an earlier line may be there, too.
    assert!(ran.out.contains("log       heard FROB\n"), "{}", ran.out);
}

#[test]
fn a_closed_pipe_changes_neither_the_code_nor_says_anything() {
    let folder = Folder::new();
    let file = folder.file("a.txt", "Level: must", FROB);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = Command::new(env!("CARGO_BIN_EXE_pillarbox"))
        .args(["replay", &file])
        .stdout(writer)
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
    assert_eq!(output.status.code(), Some(FAILED));
}

/// Plays a page to a client that says `line`, and gives what came of it.
fn listen(page: &str, line: Option<&str>) -> (String, i32) {
    // One that comes has all the time that it needs.
    let patience = if line.is_some() { "60" } else { "1" };
    let mut child = Command::new(env!("CARGO_BIN_EXE_pillarbox"))
        .args(["replay", "--timeout", patience, "--listen", "127.0.0.1:0"])
        .arg(page)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    let mut errors = BufReader::new(child.stderr.take().unwrap());
    errors.read_line(&mut first).unwrap();
    let address = first.trim_end().strip_prefix("pillarbox listening on ");
    let address: SocketAddr = address.expect(&first).parse().unwrap();
    if let Some(line) = line {
        let mut client = support::Client::new(address).unwrap();
        assert_eq!(client.reply(), "220 mx.example.org");
        client.say(line);
        // If it was the wrong line, the server may hang up.
        let _ = client.try_reply();
    }
    let output = child.wait_with_output().unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    (out, output.status.code().unwrap())
}

#[test]
fn it_plays_the_server_and_judges_the_client() {
    let folder = Folder::new();
    let page = folder.file(
        "server.txt",
        "Level: must\nPlays: server",
        "S: 220 mx.example.org\nC: QUIT\nS: 221 Bye\n(server closes)\n",
    );
    let (out, code) = listen(&page, Some("quit"));
    assert_eq!(code, PASSED, "{out}");
    let (out, code) = listen(&page, Some("EXIT"));
    assert_eq!(code, FAILED, "{out}");
    assert!(
        out.contains("expected  C: QUIT\n       got       C: EXIT"),
        "{out}"
    );
    // No --show goes with --listen.
    assert!(!out.contains("--show"), "{out}");
    let (out, code) = listen(&page, None);
    assert_eq!(code, NOT_JUDGED, "{out}");
    assert!(out.contains("nobody came within 1 s"), "{out}");
}

/// Blesses a page, as somebody at a keyboard would, or a machine in CI.
fn bless(options: &[&str], page: &str, ci: Option<&str>) -> (String, i32) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pillarbox"));
    command.args(["replay", "--bless"]).args(options).arg(page);
    command.env_remove("CI").stdin(Stdio::null());
    if let Some(value) = ci {
        command.env("CI", value);
    }
    let output = command.output().unwrap();
    let all = [output.stdout, output.stderr].concat();
    (String::from_utf8(all).unwrap(), output.status.code().unwrap())
}

#[test]
fn it_blesses_a_page_when_told_to_and_never_in_ci() {
    let folder = Folder::new();
    let old = "S: 220 {host} {...}\nC: NOOP\nS: 250 2.0.0 Fine\nC: FROB\n\
        S: 502 {...}\nC: QUIT\nS: 221 {...}\n(server closes)\n";
    let page = folder.file("page.txt", "Level: own", old);
    let before = fs::read_to_string(&page).unwrap();

    let (text, code) = bless(&["--accept"], &page, Some("true"));
    assert_eq!(code, WRONG_USAGE, "{text}");
    assert!(text.contains("CI is set"), "{text}");

    let (text, code) = bless(&[], &page, None);
    assert_eq!(code, FAILED, "{text}");
    assert!(text.contains("+ S: 250 2.0.0 OK"), "{text}");
    assert!(text.contains("502 -> 500"), "{text}");
    assert_eq!(fs::read_to_string(&page).unwrap(), before);
    assert!(Path::new(&format!("{page}.new")).exists());

    let (text, code) = bless(&["--accept", "--accept-codes"], &page, None);
    assert_eq!(code, PASSED, "{text}");
    assert_eq!(replay(&[&page]).code, PASSED);
    let (text, code) = bless(&["--accept"], &page, None);
    assert_eq!(code, PASSED, "{text}");
    assert!(text.contains("nothing to bless"), "{text}");
}

#[test]
fn a_page_that_plays_the_server_is_passed_over_and_stays_as_it_is() {
    let folder = Folder::new();
    let words = "C: NOOP\nS: 250 Not our words\n(server closes)\n";
    let page = folder.file("page.txt", "Level: own\nPlays: server", words);
    let before = fs::read_to_string(&page).unwrap();
    let (text, code) = bless(&["--accept"], &page, None);
    assert_eq!(code, PASSED, "{text}");
    assert!(text.contains("1 passed over"), "{text}");
    assert_eq!(fs::read_to_string(&page).unwrap(), before);
}
