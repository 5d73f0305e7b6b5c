//! The system says no: full disks, failed syncs, no more files or threads.
//!
//! `strace` makes a chosen system call of the server fail, or ends the process
//! in the middle of it. `tests/maildir.rs` does the same more thoroughly inside
//! one process; this is the whole program and the real kernel.
//!
//! `when=` counts the calls of one thread. A session has its own thread, and
//! its first `fsync` is the message; those of the folders come after it.

// A test fails by panicking.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod support;

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use support::host::Host;
use support::strace::{Faults, can_inject, injection};
use support::{Client, Server, wait_until};
use tempfile::TempDir;

/// A server in which `fault` happens from its first call on, such as
/// `accept4:error=EMFILE:when=2`.
fn faulty_from_start(mail: &Path, fault: &str) -> Server {
    // -D: the server stays our own child, and can be ended as such.
    let strace = ["strace", "-D", "-f", "-qq", "-o", "/dev/null"];
    let [trace, inject] = injection(fault);
    let program = [&strace[..], &["-e", &trace, "-e", &inject]].concat();
    Server::start_by(&program, mail, &OPTIONS)
}

/// A server in which `fault` happens to its sessions, and not while it starts.
struct Faulty {
    server: Server,
    _faults: Faults,
}

impl Faulty {
    fn start(mail: &Path, fault: &str) -> Faulty {
        let server = Server::start_in(mail, &OPTIONS);
        let _faults = Faults::begin(server.pid(), fault);
        Faulty { server, _faults }
    }
}

const OPTIONS: [&str; 8] = [
    "--hostname",
    "mx.example.org",
    "--domain",
    "example.org",
    "--mailbox",
    "bob@example.org",
    "--mailbox",
    "carol@example.org",
];

fn hello(server: &Server) -> Client {
    let mut client = server.connect();
    client.expect(220);
    client.say("HELO client.example");
    client.expect(250);
    client
}

/// Sends a message to both, up to the reply to its dot. No reply is "".
fn send(client: &mut Client) -> String {
    for (line, code) in [
        ("MAIL FROM:<alice@client.example>", "250"),
        ("RCPT TO:<bob@example.org>", "250"),
        ("RCPT TO:<carol@example.org>", "250"),
        ("DATA", "354"),
    ] {
        client.say(line);
        let Ok(reply) = client.try_reply() else {
            return String::new();
        };
        assert!(reply.starts_with(code), "{line}: {reply}");
    }
    client.say("Subject: hi\r\n\r\nHello.\r\n.");
    client.try_reply().unwrap_or_default()
}

fn files(mail: &Path, place: &str) -> Vec<String> {
    let mut found = Vec::new();
    for mailbox in ["bob", "carol"] {
        let folder = mail.join("example.org").join(mailbox).join(place);
        for entry in fs::read_dir(folder).unwrap() {
            found.push(fs::read_to_string(entry.unwrap().path()).unwrap());
        }
    }
    found
}

#[test]
fn trouble_with_the_disk_is_a_temporary_failure_and_nobody_has_the_mail() {
    if !can_inject() {
        return;
    }
    for (fault, want) in [
        (
            "openat:error=EMFILE:when=1",
            "451 4.3.0 Local error, try again later",
        ),
        ("openat:error=ENOSPC:when=1", "452 4.3.1 Insufficient system storage"),
        ("fsync:error=EIO:when=1", "451 4.3.0 Local error, try again later"),
        ("fsync:error=ENOSPC:when=1", "452 4.3.1 Insufficient system storage"),
        ("fsync:error=EDQUOT:when=1", "452 4.2.2 Mailbox full"),
        ("fsync:error=EIO:when=2", "451 4.3.0 Local error, try again later"),
        ("fsync:error=EIO:when=3", "451 4.3.0 Local error, try again later"),
        ("linkat:error=EROFS:when=1", "451 4.3.0 Local error, try again later"),
        ("linkat:error=ENOSPC:when=2", "452 4.3.1 Insufficient system storage"),
        // After a file system has shut down, this error is the first sign.
        (
            "?unlink,?unlinkat:error=EIO:when=1",
            "451 4.3.0 Local error, try again later",
        ),
    ] {
        let folder = TempDir::new().unwrap();
        let Faulty { server, .. } = &Faulty::start(folder.path(), fault);
        let mut client = hello(server);
        assert_eq!(send(&mut client), want, "{fault}");
        for place in ["new", "tmp"] {
            let left = files(folder.path(), place);
            assert!(left.is_empty(), "{fault}: {left:?} in {place}");
        }
        // The session goes on, and so does the disk.
        assert_eq!(send(&mut client), "250 2.0.0 Stored", "{fault}");
        assert_eq!(files(folder.path(), "new").len(), 2, "{fault}");
        wait_until("the log tells of it", || {
            server.log().contains("cannot store")
        });
    }
}

#[test]
fn a_missing_link_is_made_up_for_by_a_copy() {
    if !can_inject() {
        return;
    }
    for error in ["EMLINK", "EPERM", "EOPNOTSUPP", "EXDEV"] {
        let folder = TempDir::new().unwrap();
        let fault = format!("linkat:error={error}");
        let Faulty { server, .. } = &Faulty::start(folder.path(), &fault);
        let mut client = hello(server);
        assert_eq!(send(&mut client), "250 2.0.0 Stored", "{error}");
        assert_eq!(files(folder.path(), "new").len(), 2, "{error}");
        assert!(files(folder.path(), "tmp").is_empty(), "{error}");
    }
}

#[test]
fn a_kill_in_the_middle_of_a_delivery_leaves_whole_messages_only() {
    if !can_inject() {
        return;
    }
    for point in [
        "openat:signal=SIGKILL:when=1",
        "fsync:signal=SIGKILL:when=1",
        "linkat:signal=SIGKILL:when=1",
        "linkat:signal=SIGKILL:when=2",
        "?unlink,?unlinkat:signal=SIGKILL:when=1",
        "fsync:signal=SIGKILL:when=2",
        "fsync:signal=SIGKILL:when=3",
    ] {
        let folder = TempDir::new().unwrap();
        let mut faulty = Faulty::start(folder.path(), point);
        let said = send(&mut hello(&faulty.server));
        assert_eq!(said, "", "{point}: no promise");
        faulty.server.kill();
        let next = Server::start_in(folder.path(), &OPTIONS);
        assert!(files(folder.path(), "tmp").is_empty(), "{point}");
        for file in files(folder.path(), "new") {
            assert!(file.ends_with("Subject: hi\n\nHello.\n"), "{point}");
        }
        assert_eq!(send(&mut hello(&next)), "250 2.0.0 Stored", "{point}");
    }
}

#[test]
fn without_file_descriptors_it_waits_and_goes_on() {
    if !can_inject() {
        return;
    }
    let folder = TempDir::new().unwrap();
    let fault = "accept4:error=EMFILE:when=2..4";
    let server = faulty_from_start(folder.path(), fault);
    hello(&server);
    hello(&server);
    wait_until("the log tells of it", || {
        server.log().contains("cannot accept: ")
    });
}

#[test]
fn without_threads_it_turns_one_away_and_goes_on() {
    if !can_inject() {
        return;
    }
    let folder = TempDir::new().unwrap();
    // One thread makes those of all sessions.
    let fault = "clone3,clone:error=EAGAIN:when=1..20";
    let Faulty { server, .. } = &Faulty::start(folder.path(), fault);
    for _ in 0..20 {
        let mut client = server.connect();
        let busy = "421 mx.example.org too busy, try again later";
        assert_eq!(client.reply(), busy);
        assert!(client.try_reply().is_err(), "closed without a thread");
    }
    hello(server);
    wait_until("the log tells of it", || server.log().contains("no thread"));
    // Once for all twenty.
    assert_eq!(server.log().matches("no thread").count(), 1);
}

/// Runs the program from its start to its end, with a fault. One that does not
/// end is ended, and has no code.
fn run_with(fault: &str, folder: &Path, words: &[&str]) -> (i32, String) {
    let [trace, inject] = injection(fault);
    let ran = Command::new("timeout")
        .args(["-s", "KILL", "120", "strace", "-D", "-f", "-qq"])
        .args(["-o", "/dev/null", "-e", &trace, "-e", &inject])
        .arg(env!("CARGO_BIN_EXE_pillarbox"))
        .args(words)
        .env("TMPDIR", folder)
        .output()
        .unwrap();
    let told = [ran.stdout, ran.stderr].concat();
    let told = String::from_utf8_lossy(&told).into_owned();
    (ran.status.code().unwrap_or(-1), told)
}

/// The log has one of them, each address two, and the queue one.
#[test]
fn a_start_without_a_thread_is_an_error_in_one_line() {
    if !can_inject() {
        return;
    }
    for call in 1..=4 {
        let folder = TempDir::new().unwrap();
        let [mail, queue] = ["mail", "queue"]
            .map(|name| folder.path().join(name).display().to_string());
        let fault = format!("clone3,clone:error=EAGAIN:when={call}");
        let listen = ["serve", "--listen", "127.0.0.1:0"];
        let options = ["--smart-host", "127.0.0.1:1", "--mail", &mail];
        let queue = ["--queue", &queue];
        let words = [&listen[..], &options, &queue].concat();
        let (code, errors) = run_with(&fault, folder.path(), &words);
        let told = "pillarbox: cannot start a thread: \
                    resource temporarily unavailable\n";
        assert!(errors.ends_with(told), "{call}: {errors}");
        assert_eq!(code, 1, "{call}: {errors}");
    }
}

const GREETING: &str = "transcripts/01-first/greeting.txt";

/// A server that never listens, and starts nothing.
const DEAF: &str = "exec sleep 100 # {port} {dir}";

/// `when=` counts for the workers as well as for what makes them.
#[test]
fn without_a_thread_there_is_no_server_and_a_run_ends_with_its_summary() {
    if !can_inject() {
        return;
    }
    for calls in ["1", "2", "3", "4", "5", "1+", "2+"] {
        let fault = format!("clone3,clone:error=EAGAIN:when={calls}");
        for options in [vec![], vec!["--run", DEAF, "--wait", "0.1"]] {
            let folder = TempDir::new().unwrap();
            let words = [vec!["replay", "--jobs", "2", GREETING], options];
            let (code, told) = run_with(&fault, folder.path(), &words.concat());
            assert_eq!(code, 3, "{calls}: {told}");
            let summary = "1 transcript: 0 passed, 1 failed";
            assert!(told.contains(summary), "{calls}: {told}");
        }
    }
}

#[test]
fn without_a_thread_a_class_is_graded_with_fewer_or_not_at_all() {
    if !can_inject() {
        return;
    }
    for calls in ["1", "2", "3", "4", "5", "1+", "2+"] {
        let fault = format!("clone3,clone:error=EAGAIN:when={calls}");
        let folder = TempDir::new().unwrap();
        for name in ["class/one", "class/two", "tmp"] {
            fs::create_dir_all(folder.path().join(name)).unwrap();
        }
        let [class, results, tmp] =
            ["class", "results", "tmp"].map(|name| folder.path().join(name));
        let [class, results] =
            [class, results].map(|path| path.display().to_string());
        let words = ["grade", &class, "--run", DEAF, "--wait", "0.1"];
        let options = ["--jobs", "2", "--out", &results, GREETING];
        let (code, told) =
            run_with(&fault, &tmp, &[&words[..], &options].concat());
        assert_eq!(code, 3, "{calls}: {told}");
        let wanted = match calls.starts_with('1') {
            true => "grade: cannot start a thread: resource temporarily",
            false => "2 submissions: 0 without a failure, 0 with one, 2 w",
        };
        assert!(told.contains(wanted), "{calls}: {told}");
    }
}

#[test]
fn without_a_thread_one_client_is_turned_away_and_the_next_one_is_played_to() {
    if !can_inject() {
        return;
    }
    let mut host = Command::new(env!("CARGO_BIN_EXE_pillarbox"))
        .args(["replay", "--listen", "127.0.0.1:0", "--repeat"])
        .arg("transcripts/clients/closing-dot.txt")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(host.stdout.take().unwrap()).lines();
    let mut errors = BufReader::new(host.stderr.take().unwrap()).lines();
    let place = errors.next().unwrap().unwrap();
    let place = place.rsplit(' ').next().unwrap();
    {
        let fault = "clone3,clone:error=EAGAIN:when=1";
        let _faults = Faults::begin(host.id(), fault);
        let [first, second] = [(); 2].map(|()| {
            drop(TcpStream::connect(place).unwrap());
            lines.next().unwrap().unwrap()
        });
        let why = "skip: no more clients at the same time: cannot start a \
                   thread: resource temporarily unavailable";
        assert!(first.ends_with(why), "{first}");
        assert!(second.contains("FAIL"), "{second}");
    }
    host.kill().unwrap();
    host.wait().unwrap();
}

#[test]
fn without_threads_mail_waits_in_the_queue_and_the_log_says_so_once() {
    if !can_inject() {
        return;
    }
    let (folder, host) = (TempDir::new().unwrap(), Host::friendly());
    let queue = folder.path().join("queue").display().to_string();
    let place = host.address.to_string();
    let options = ["--queue", &queue, "--smart-host", &place];
    let mail = folder.path().join("mail");
    let server = Server::start_in(&mail, &options);
    // Of each thread that makes others: of that of the sessions, and of that
    // of the queue.
    let fault = "clone3,clone:error=EAGAIN:when=1..5";
    let _faults = Faults::begin(server.pid(), fault);
    for _ in 0..5 {
        server.connect().expect(421);
    }
    let mut client = hello(&server);
    client.hand_over("alice@client.example", "bob@there.example");
    host.wait_for_mail(1);
    assert_eq!(server.log().matches("no thread to send").count(), 1);
}

/// The system calls of a server from its start to the end of one session, one
/// a line, with the paths of its files.
fn calls_of_a_session(mail: &Path, session: &[u8]) -> Vec<String> {
    let folder = TempDir::new().unwrap();
    let trace = folder.path().join("trace");
    let file = trace.display().to_string();
    let calls = "trace=mkdir,fsync,linkat,setsockopt,sendto";
    let strace = ["strace", "-D", "-f", "-y", "-qq", "-o", &file, "-e", calls];
    let mut server = Server::start_by(&strace, mail, &OPTIONS);
    let mut client = server.connect();
    client.expect(220);
    client.send(session);
    while client.try_reply().is_ok() {}
    server.kill();
    let text = || fs::read_to_string(&trace).unwrap();
    wait_until("strace has written it all", || text().contains("killed by"));
    text().lines().map(str::to_owned).collect()
}

#[test]
fn a_batch_of_commands_is_answered_in_one_write_and_stored_with_two_syncs() {
    if !can_inject() {
        return;
    }
    let folder = TempDir::new().unwrap();
    let mail = folder.path().join("above/mail");
    let calls = calls_of_a_session(
        &mail,
        b"HELO a.example\r\nMAIL FROM:<>\r\nRCPT TO:<bob@example.org>\r\n\
          RCPT TO:<nobody@example.org>\r\nDATA\r\nx\r\n.\r\nQUIT\r\n",
    );
    let count = |words: [&str; 2]| {
        let has = |call: &&String| words.iter().all(|word| call.contains(word));
        calls.iter().filter(has).count()
    };
    let text = calls.join("\n");
    assert_eq!(count(["setsockopt(", "TCP_NODELAY"]), 1, "{text}");
    // 220; HELO; MAIL to DATA together; the dot; QUIT.
    assert_eq!(count(["sendto(", ""]), 5, "{text}");
    let batch = "\"250 2.1.0 Sender OK\\r\\n250 2.1.5";
    assert_eq!(count(["sendto(", batch]), 1, "{text}");
    // The message and its folder, after the folder was synced at the start.
    assert_eq!(count(["fsync(", "/bob/tmp/"]), 1, "{text}");
    assert_eq!(count(["fsync(", "/bob/new>"]), 1, "{text}");
    // What leads there is synced once. So are the folders above, which were
    // made at the start, and the file that was a trial.
    assert_eq!(count(["fsync(", "/mail>"]), 1, "{text}");
    assert_eq!(count(["fsync(", "/carol"]), 0, "{text}");
    let above = folder.path().display().to_string();
    assert_eq!(count(["fsync(", &format!("<{above}>")]), 1, "{text}");
    assert_eq!(count(["fsync(", "/above>"]), 1, "{text}");
    assert_eq!(count(["fsync(", "/above/mail/1"]), 1, "{text}");
}

/// Whoever made it may not have synced its name. With the folder the mail would
/// be gone.
#[test]
fn a_mail_folder_that_is_there_already_is_synced_in_the_folder_above() {
    if !can_inject() {
        return;
    }
    let folder = TempDir::new().unwrap();
    let mail = folder.path().join("above/mail");
    fs::create_dir_all(&mail).unwrap();
    let text = calls_of_a_session(&mail, b"QUIT\r\n").join("\n");
    let synced =
        |call: &&str| call.contains("fsync(") && call.contains("/above>");
    assert_eq!(text.lines().filter(synced).count(), 1, "{text}");
}
