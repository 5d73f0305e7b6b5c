//! `replay --client` and `replay --listen --repeat`: other people's clients are
//! judged. Here they are small ones, right and wrong, in the words of a shell.

// A test fails by panicking.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod support;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;
use support::{DEADLINE, wait_until};

const PROGRAM: &str = env!("CARGO_BIN_EXE_pillarbox");

/// Our own client, as a command.
fn send() -> String {
    format!(
        "'{PROGRAM}' send --server 127.0.0.1:{{port}} --from {{from}} \
         --to={{recipients}} --raw {{message}}"
    )
}

/// What was printed, and the exit code.
fn replay(arguments: &[&str]) -> (String, i32) {
    let output = Command::new(PROGRAM)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .arg("replay")
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    (text, output.status.code().unwrap())
}

fn judge(command: &str, options: &[&str], page: &str) -> (String, i32) {
    let page = format!("transcripts/clients/{page}.txt");
    let patience = ["--timeout", "30", "--client", command];
    replay(&[&patience, options, &[&page]].concat())
}

#[test]
fn a_client_passes_if_it_does_and_says_what_the_page_wants() {
    for page in ["plain", "never-rcpt", "one-of-two", "greylisting", "dots"] {
        let tells = ["--tells", "refused=69,later=75"];
        let (report, code) = judge(&send(), &tells, page);
        assert_eq!(code, 0, "{page}: {report}");
    }
}

#[test]
fn a_client_that_calls_sent_what_nobody_took_is_caught() {
    let lies = format!("{} || true", send());
    let (report, code) = judge(&lies, &[], "later-dot");
    assert_eq!(code, 1, "{report}");
    let wanted = "FAIL transcripts/clients/later-dot.txt:6: \
                  the client says something else of the mail
       expected  Outcome: later
       got       exit code 0: sent
";
    assert!(report.starts_with(wanted), "{report}");
    assert!(report.contains("RFC 5321 2.1"), "{report}");
    // And so is one that calls failed what was taken.
    let (report, code) = judge(&format!("{}; false", send()), &[], "plain");
    assert_eq!(code, 1, "{report}");
    assert!(report.contains("exit code 1: refused or later"), "{report}");
}

#[test]
fn with_codes_refused_is_told_from_later_and_other_codes_say_nothing() {
    let table = [
        (&[][..], "later-rcpt", 0),
        (&["--tells", "refused=69,later=75"], "later-rcpt", 0),
        (&["--tells", "refused=75,later=69"], "later-rcpt", 1),
        (&["--tells", "refused=1"], "later-rcpt", 0),
        (&["--tells", "refused=75"], "later-rcpt", 1),
        (&["--tells", "refused=1", "--tells", "later=2"], "later-rcpt", 1),
    ];
    for (tells, page, wanted) in table {
        let (report, code) = judge(&send(), tells, page);
        assert_eq!(code, wanted, "{tells:?} {page}: {report}");
    }
}

#[test]
fn what_a_client_printed_is_in_the_report_and_a_crash_says_nothing() {
    let command = "echo 'I give up'; kill -SEGV $$ # {port}";
    let page = "later-greeting";
    let (report, code) = judge(command, &[], page);
    // It never came, so there was nothing to judge.
    assert_eq!(code, 3, "{report}");
    assert!(report.contains("had not connected"), "{report}");
    assert!(report.contains("died of signal 11"), "{report}");
    assert!(report.contains("log       I give up"), "{report}");
    let command = format!("{}; kill -9 $$", send());
    let (report, code) = judge(&command, &[], page);
    assert_eq!(code, 1, "{report}");
    assert!(report.contains("died of signal 9"), "{report}");
}

#[test]
fn a_client_that_does_not_end_is_ended_with_all_that_it_started() {
    let folder = tempfile::tempdir().unwrap();
    let beat = folder.path().join("beat");
    let beat = beat.display();
    let command = format!(
        "{}; (while sleep 0.05; do date +%N >> '{beat}'; done) & wait",
        send()
    );
    let begin = Instant::now();
    let page = "transcripts/clients/plain.txt";
    let (report, code) =
        replay(&["--timeout", "2", "--client", &command, page]);
    assert_eq!(code, 1, "{report}");
    assert!(report.contains("the client did not end in time"), "{report}");
    assert!(begin.elapsed() < DEADLINE);
    let read = || fs::read(folder.path().join("beat")).unwrap_or_default();
    assert!(!read().is_empty());
    // Nothing beats any more, as soon as two looks are the same.
    let mut last = read();
    wait_until("all of it has ended", || {
        std::thread::sleep(std::time::Duration::from_millis(500));
        let now = read();
        std::mem::replace(&mut last, now) == read()
    });
}

#[test]
fn the_page_names_its_mail_and_the_message_is_a_file_in_both_forms() {
    let command = "echo {from} to {recipients}; head -n 1 {message} | od -c; \
                   head -n 1 {message-crlf} | od -c # {port}";
    let (report, _) = judge(command, &[], "one-of-two");
    let wanted = "alice@client.example to bob@example.org nobody@example.org";
    assert!(report.contains(wanted), "{report}");
    assert_eq!(report.matches(r"\r  \n").count(), 1, "{report}");
    assert_eq!(report.matches(r"\n").count(), 2, "{report}");
}

#[test]
fn a_page_that_plays_the_client_is_skipped_and_levels_are_those_of_servers() {
    let page = "transcripts/01-first/quit.txt";
    let (report, code) = replay(&["--client", &send(), page]);
    assert_eq!(code, 3, "{report}");
    assert!(report.contains("skipped: 1 it plays the client"), "{report}");
    // `one-of-two` is a SHOULD.
    let stops = format!(
        "'{PROGRAM}' send --server 127.0.0.1:{{port}} --from {{from}} \
         --to bob@example.org --raw {{message}}"
    );
    let (report, code) = judge(&stops, &[], "one-of-two");
    assert_eq!(code, 0, "{report}");
    assert!(report.starts_with("WEAK "), "{report}");
    let (report, code) = judge(&stops, &["--strict"], "one-of-two");
    assert_eq!(code, 1, "{report}");
}

#[test]
fn a_message_whose_dots_are_not_doubled_is_caught_by_its_page() {
    // Says all that a client has to say, and sends the file as it is.
    let script = "exec 3<> /dev/tcp/127.0.0.1/$1
hear() { read -r line <&3; while [[ $line == ???-* ]]; do read -r line <&3; done; }
say() { printf '%s\\r\\n' \"$1\" >&3; hear; }
hear; say 'EHLO client.example'; say \"MAIL FROM:<$2>\"; say \"RCPT TO:<$3>\"
say DATA; sed -n '1,/^$/p' \"$4\" >&3; sed '1,/^.$/d' \"$4\" >&3; say .
[[ $line == 250* ]] || exit 1
say QUIT";
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("client");
    fs::write(&file, script).unwrap();
    let command = format!(
        "bash '{}' {{port}} {{from}} {{recipients}} {{message-crlf}}",
        file.display()
    );
    let (report, code) = judge(&command, &[], "plain");
    assert_eq!(code, 0, "{report}");
    let (report, code) = judge(&command, &[], "dots");
    assert_eq!(code, 1, "{report}");
    assert!(
        report.contains("the message did not arrive as it was"),
        "{report}"
    );
}

/// `replay --listen --repeat`, until it is dropped.
struct Host {
    child: Child,
    port: String,
    reports: BufReader<std::process::ChildStdout>,
}

impl Host {
    fn of(page: &str) -> Host {
        let mut child = Command::new(PROGRAM)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .args(["replay", "--listen", "127.0.0.1:0", "--repeat"])
            .args(["--timeout", "60"])
            .arg(Path::new("transcripts/clients").join(page))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut errors = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        errors.read_line(&mut line).unwrap();
        let port = line.trim_end().rsplit(':').next().unwrap().to_owned();
        let reports = BufReader::new(child.stdout.take().unwrap());
        Host { child, port, reports }
    }

    /// Sends a mail there; says the exit code.
    fn send(&self) -> i32 {
        let mut command = Command::new(PROGRAM);
        command
            .args(["send", "-s", &format!("127.0.0.1:{}", self.port)])
            .args(["-f", "alice@client.example", "-t", "bob@example.org"])
            .stdin(Stdio::null());
        command.output().unwrap().status.code().unwrap()
    }

    fn connect(&self) -> TcpStream {
        TcpStream::connect(format!("127.0.0.1:{}", self.port)).unwrap()
    }

    /// The next report, without the port of the client.
    fn report(&mut self) -> String {
        let mut line = String::new();
        self.reports.read_line(&mut line).unwrap();
        let (who, rest) = line.trim_end().split_once(": ").unwrap();
        let who = who.split(" from ").next().unwrap();
        format!("{who}: {rest}")
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_same_page_is_played_to_every_client_that_comes() {
    let mut host = Host::of("plain.txt");
    assert_eq!(host.send(), 0);
    assert_eq!(host.report(), "client 1: pass");
    let mut wrong = host.connect();
    wrong.read_exact(&mut [0; 4]).unwrap();
    wrong.write_all(b"RCPT TO:<bob@example.org>\r\n").unwrap();
    let report = host.report();
    assert!(report.starts_with("client 2: FAIL "), "{report}");
    assert!(report.ends_with("plain.txt:16: wrong line"), "{report}");
    let mut line = String::new();
    while !line.contains("title") {
        line.clear();
        host.reports.read_line(&mut line).unwrap();
    }
    while !line.contains("see") {
        line.clear();
        host.reports.read_line(&mut line).unwrap();
    }
    assert_eq!(host.send(), 0);
    assert_eq!(host.report(), "client 3: pass");
}

#[test]
fn nobody_waits_for_a_client_that_says_nothing() {
    let mut host = Host::of("never-rcpt.txt");
    let _silent = host.connect();
    assert_eq!(host.send(), 69);
    assert_eq!(host.report(), "client 2: pass");
}

#[test]
fn a_page_with_two_connections_is_played_to_one_pair_after_the_other() {
    let mut host = Host::of("greylisting.txt");
    for number in 1..=2 {
        assert_eq!((host.send(), host.send()), (75, 0));
        assert_eq!(host.report(), format!("client {number}: pass"));
    }
}
