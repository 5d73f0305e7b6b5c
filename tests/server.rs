//! The server as a process: many clients at once, and a sudden end.

// A test fails by panicking.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Barrier, Mutex};
use std::thread;
use support::{Client, Server, needs, wait_until};
use tempfile::TempDir;

#[test]
fn five_hundred_clients_are_greeted_and_the_next_one_gets_421() {
    let server = Server::start(&["--hostname", "mx.example.org"]);
    let mut clients: Vec<Client> = (0..500).map(|_| server.connect()).collect();
    for client in &mut clients {
        client.expect(220);
    }
    let mut late = server.connect();
    let busy = "421 mx.example.org too busy, try again later";
    assert_eq!(late.reply(), busy);
    assert!(late.try_reply().is_err(), "the server closes after 421");
    for client in &mut clients {
        client.say("NOOP");
        client.expect(250);
    }
    clients.pop();
    wait_until("a place is free again", || {
        server.connect().reply().starts_with("220 ")
    });
}

/// std listens with room for 128 connections that nobody has accepted. No more
/// than forty begin here at a time: who finds it full is late, and not forgotten.
#[test]
fn eight_hundred_clients_forty_at_a_time_are_all_greeted() {
    let server = Server::start(&["--max-connections", "1000"]);
    let address = server.address();
    let start = Barrier::new(40);
    let greeted = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..40 {
            scope.spawn(|| {
                start.wait();
                let connect = |_| Client::new(address).unwrap();
                let clients: Vec<Client> = (0..20).map(connect).collect();
                for mut client in clients {
                    client.expect(220);
                    greeted.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
    });
    assert_eq!(greeted.load(Ordering::SeqCst), 800);
}

/// The system must allow that much room, as Linux does since 5.4.
#[test]
fn a_thousand_clients_at_the_same_moment_are_greeted_if_there_is_room() {
    let most = fs::read_to_string("/proc/sys/net/core/somaxconn");
    let most: usize = most.unwrap_or_default().trim().parse().unwrap_or(0);
    if most < 2_000 || !needs(&["python3", "--version"]) {
        return;
    }
    let output =
        Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/burst"))
            .args(["--rounds", "3", "--room", "2000"])
            .env("PILLARBOX", env!("CARGO_BIN_EXE_pillarbox"))
            .output()
            .unwrap();
    let words = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{words}");
    assert!(words.contains(": 0 were never greeted"), "{words}");
}

#[test]
fn it_takes_over_a_socket_that_listens_already_and_nothing_else() {
    let folder = TempDir::new().unwrap();
    // Under inetd it is standard output, too.
    let serve = |socket: OwnedFd| {
        Command::new(env!("CARGO_BIN_EXE_pillarbox"))
            .args(["serve", "--listen", "-", "--mail"])
            .arg(folder.path().join("mail"))
            .stdin(socket.try_clone().unwrap())
            .stdout(socket)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut server = serve(listener.into());
    let mut client = Client::new(address).unwrap();
    client.expect(220);
    server.kill().unwrap();
    server.wait().unwrap();

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let connection =
        TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let file = fs::File::open(env!("CARGO_MANIFEST_DIR")).unwrap();
    for (wrong, reason) in [
        (OwnedFd::from(connection), "it is a connection; --stdio is for that"),
        (OwnedFd::from(file), "socket operation on non-socket"),
    ] {
        let output = serve(wrong).wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let words = String::from_utf8_lossy(&output.stderr);
        let wanted = format!("cannot listen on standard input: {reason}\n");
        assert!(words.ends_with(&wanted), "{words}");
    }
}

#[test]
fn a_client_that_talks_before_it_is_turned_away_still_reads_why() {
    let server = Server::start(&["--max-connections", "1"]);
    let mut first = server.connect();
    first.expect(220);
    for _ in 0..100 {
        let mut second = server.connect();
        if second.try_send(b"EHLO client.example\r\nQUIT\r\n").is_ok() {
            second.expect(421);
        }
    }
}

#[test]
fn it_listens_on_every_address_that_it_was_given_also_ipv6() {
    let mut server = Server::start(&["--listen", "[::1]:0"]);
    server.connect().expect(220);
    let second = server.announced(1);
    assert!(second.is_ipv6());
    let mut client = Client::new(second).unwrap();
    client.expect(220);
    for line in
        ["EHLO client.example", "MAIL FROM:<>", "RCPT TO:<bob@localhost>"]
    {
        client.say(line);
        client.expect(250);
    }
    client.say("DATA");
    client.expect(354);
    client.say(".");
    client.expect(250);
    let stored = server.messages("localhost", "bob");
    let stored = String::from_utf8_lossy(stored.first().unwrap()).into_owned();
    assert!(stored.contains("from client.example ([IPv6:::1])"), "{stored}");
}

/// One message with a number in it. A part of it is seen to be one.
fn message(number: usize) -> String {
    let filler = "All work and no play makes a dull test.\r\n".repeat(200);
    format!("Subject: {number}\r\n\r\n{filler}End of {number}.\r\n")
}

/// Sends messages until the server is gone. The numbers of those that were
/// answered 250 go into `promised`.
fn send_until_the_end(
    address: SocketAddr,
    numbers: &AtomicUsize,
    promised: &Mutex<BTreeSet<usize>>,
) -> std::io::Result<()> {
    let mut client = Client::new(address)?;
    client.try_reply()?;
    client.try_send(b"HELO client.example\r\n")?;
    client.try_reply()?;
    loop {
        let number = numbers.fetch_add(1, Ordering::Relaxed);
        client.try_send(
            b"MAIL FROM:<a@client.example>\r\nRCPT TO:<bob@example.org>\r\n\
              RCPT TO:<carol@example.org>\r\nDATA\r\n",
        )?;
        for _ in 0..4 {
            client.try_reply()?;
        }
        client.try_send(format!("{}.\r\n", message(number)).as_bytes())?;
        if client.try_reply()?.starts_with("250 ") {
            promised.lock().unwrap().insert(number);
        }
    }
}

/// The numbers of the messages in a mailbox; each must be whole.
fn numbers_in(mail: &Path, mailbox: &str) -> BTreeSet<usize> {
    let new = mail.join("example.org").join(mailbox).join("new");
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(new).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        let (_, rest) = text.split_once("Subject: ").expect("a whole header");
        let number = rest.split('\n').next().unwrap().parse().unwrap();
        let whole = message(number).replace("\r\n", "\n");
        assert!(text.ends_with(&whole), "message {number} is not whole");
        assert!(text.starts_with("Return-Path: "), "{number}");
        found.insert(number);
    }
    found
}

/// Whether nothing is in a folder, or it was not made yet.
fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).map_or(true, |mut entries| entries.next().is_none())
}

#[test]
fn kill_9_under_load_takes_no_message_that_was_promised_rfc_5321_6_1() {
    let folder = TempDir::new().unwrap();
    let options = ["--domain", "example.org"];
    let numbers = AtomicUsize::new(0);
    let promised = Mutex::new(BTreeSet::new());
    for round in 1..=20 {
        let mut server = Server::start_in(folder.path(), &options);
        for mailbox in ["bob", "carol"] {
            let tmp = folder.path().join("example.org").join(mailbox);
            let tmp = tmp.join("tmp");
            let is_first = !tmp.exists();
            assert!(is_first || is_empty(&tmp), "tmp is not tidied up");
        }
        let address = server.address();
        let before = promised.lock().unwrap().len();
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    // It ends with the server.
                    let _ = send_until_the_end(address, &numbers, &promised);
                });
            }
            // A round ends at another point each time.
            let goal = before + 3 * round;
            wait_until("enough messages are promised", || {
                promised.lock().unwrap().len() >= goal
            });
            server.kill();
        });
        let promised = promised.lock().unwrap().clone();
        for mailbox in ["bob", "carol"] {
            let found = numbers_in(folder.path(), mailbox);
            let lost: Vec<_> = promised.difference(&found).collect();
            assert!(lost.is_empty(), "round {round}: {mailbox} lost {lost:?}");
        }
    }
    assert!(promised.into_inner().unwrap().len() >= 630);
}

#[test]
fn a_client_that_vanishes_at_any_byte_leaves_nothing() {
    let server = Server::start(&["--domain", "example.org"]);
    let session = "HELO client.example\r\nMAIL FROM:<a@client.example>\r\n\
        RCPT TO:<bob@example.org>\r\nDATA\r\nSubject: x\r\n\r\n..\r\n.\r\n";
    for cut in 0..session.len() {
        let mut client = server.connect();
        client.send(session.get(..cut).unwrap().as_bytes());
    }
    let mut whole = server.connect();
    whole.send(format!("{session}QUIT\r\n").as_bytes());
    for code in [220, 250, 250, 250, 354, 250, 221] {
        whole.expect(code);
    }
    // Every session has its line in the log when it has ended.
    wait_until("all sessions have ended", || {
        server.log().matches(" messages=").count() > session.len()
    });
    assert_eq!(server.messages("example.org", "bob").len(), 1);
    assert!(is_empty(&server.mail().join("example.org/bob/tmp")));
    assert_eq!(server.log().matches("messages=1 ").count(), 1);
}

#[test]
fn what_a_client_sends_cannot_forge_a_line_of_the_log() {
    let mut server = Server::start_with_log("debug", &[]);
    let mut client = server.connect();
    client.expect(220);
    let long = "x".repeat(1000);
    for line in [
        "NOOP \x1b[2J\x07",
        "NOOP \r2026-01-01T00:00:00Z INFO  forged",
        "HELO \u{202e}gro.elpmaxe",
        &long,
    ] {
        client.say(line);
        client.reply();
    }
    client.send(b"2026-01-01T00:00:00Z INFO  forged\n\r\nQUIT\r\n");
    while client.try_reply().is_ok() {}
    wait_until("the session has ended", || {
        server.log().contains(" messages=0 ")
    });
    server.kill();
    let log = server.log();
    assert!(!log.contains(&long), "a line is not cut");
    for line in log.lines() {
        let (time, rest) = line.split_at_checked(20).expect(line);
        assert!(time.ends_with('Z'), "{line}");
        assert!(!rest.starts_with(" INFO  forged"), "{line}");
        let is_plain = |byte| (b' '..=b'~').contains(&byte);
        assert!(line.bytes().all(is_plain), "{line}");
    }
}

#[test]
fn a_million_bytes_without_an_end_are_not_kept_and_the_session_goes_on() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    client.expect(220);
    client.send(&vec![b'x'; 10_000_000]);
    client.say("");
    client.expect(500);
    client.say("NOOP");
    client.expect(250);
    let peak = peak_memory(server.pid());
    assert!(peak.is_none_or(|kib| kib < 32_000), "{peak:?} KiB");
}

/// The most memory that a process has had, in KiB, where the system tells.
fn peak_memory(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

#[test]
fn connections_that_come_and_go_leave_no_place_taken() {
    let server = Server::start(&["--max-connections", "3"]);
    for _ in 0..1000 {
        // Some are turned away; none may stay behind.
        drop(TcpStream::connect(server.address()).unwrap());
    }
    wait_until("three places are free", || {
        let mut three = [0; 3].map(|_| server.connect());
        three.iter_mut().all(|client| client.reply().starts_with("220 "))
    });
}

#[test]
fn a_thousand_mailboxes_are_made_and_no_more() {
    let folder = TempDir::new().unwrap();
    let options = ["--domain", "example.org"];
    let mut server = Server::start_in(folder.path(), &options);
    let mut client = server.connect();
    client.expect(220);
    client.say("HELO client.example");
    client.expect(250);
    // The postmaster's is there already.
    let names: Vec<String> = (0..999).map(|n| format!("u{n}")).collect();
    for group in names.chunks(100) {
        client.say("MAIL FROM:<>");
        client.expect(250);
        for name in group {
            client.say(&format!("RCPT TO:<{name}@example.org>"));
            client.expect(250);
        }
        client.say("DATA\r\n.");
        client.expect(354);
        client.expect(250);
    }
    for (name, code) in [("u998", 250), ("one.more", 452), ("u0", 250)] {
        client.say("MAIL FROM:<>");
        client.expect(250);
        client.say(&format!("RCPT TO:<{name}@example.org>"));
        client.expect(code);
        client.say("RSET");
        client.expect(250);
    }
    let mailboxes = fs::read_dir(server.mail().join("example.org")).unwrap();
    assert_eq!(mailboxes.count(), 1000);
    // The next run counts those of this one.
    server.kill();
    let server = Server::start_in(folder.path(), &options);
    let mut client = server.connect();
    client.expect(220);
    for (line, code) in [
        ("HELO client.example", 250),
        ("MAIL FROM:<>", 250),
        ("RCPT TO:<one.more@example.org>", 452),
        ("RCPT TO:<u0@example.org>", 250),
    ] {
        client.say(line);
        client.expect(code);
    }
}

#[test]
fn the_last_place_for_a_mailbox_goes_to_who_delivers_first() {
    let folder = TempDir::new().unwrap();
    for number in 0..998 {
        let mailbox = folder.path().join(format!("example.org/u{number}"));
        for place in ["tmp", "new", "cur"] {
            fs::create_dir_all(mailbox.join(place)).unwrap();
        }
    }
    let server = Server::start_in(folder.path(), &["--domain", "example.org"]);
    let mut clients = ["first", "second"].map(|name| {
        let mut client = server.connect();
        client.expect(220);
        for line in [
            "HELO client.example",
            "MAIL FROM:<>",
            &format!("RCPT TO:<{name}@example.org>"),
        ] {
            client.say(line);
            client.expect(250);
        }
        client
    });
    for (client, code) in clients.iter_mut().zip([250, 452]) {
        client.say("DATA\r\n.");
        client.expect(354);
        client.expect(code);
    }
    assert_eq!(server.messages("example.org", "first").len(), 1);
    assert!(!server.mail().join("example.org/second").exists());
}

#[test]
fn a_refused_message_leaves_the_disk_before_its_end_has_come() {
    let server = Server::start(&["--domain", "example.org"]);
    let mut client = server.connect();
    client.expect(220);
    for (line, code) in [
        ("HELO client.example", 250),
        ("MAIL FROM:<>", 250),
        ("RCPT TO:<bob@example.org>", 250),
        ("DATA", 354),
    ] {
        client.say(line);
        client.expect(code);
    }
    // Bob has no mailbox yet, so it is not written there.
    let tmp = server.mail().join(".tmp");
    client.say("a line");
    wait_until("the message is begun", || !is_empty(&tmp));
    client.send(b"a line feed\nalone\r\n");
    wait_until("the message is gone", || is_empty(&tmp));
    client.say("more text\r\n.");
    client.expect(550);
}

#[test]
fn an_ipv4_client_of_an_ipv6_socket_keeps_its_ipv4_address() {
    let mut server = Server::start(&["--listen", "[::ffff:127.0.0.1]:0"]);
    let mut client = Client::new(server.announced(1)).unwrap();
    client.send(
        b"HELO client.example\r\nMAIL FROM:<>\r\nRCPT TO:<bob@localhost>\r\n\
          DATA\r\nx\r\n.\r\nQUIT\r\n",
    );
    while client.try_reply().is_ok() {}
    let stored = server.messages("localhost", "bob").concat();
    let stored = String::from_utf8(stored).unwrap();
    assert!(stored.contains(" ([127.0.0.1])\n"), "{stored}");
}

#[test]
fn the_log_tells_the_dialogue_and_the_states_when_asked() {
    let server = Server::start_with_log("trace", &["--hostname", "mx.example"]);
    let mut client = server.connect();
    client.expect(220);
    client.say("HELO client.example");
    client.expect(250);
    for line in [
        "DEBUG [1] S: 220 mx.example ESMTP",
        "DEBUG [1] C: HELO client.example",
        "TRACE [1] Connected -> Greeted",
        "DEBUG [1] S: 250 mx.example",
    ] {
        wait_until(line, || server.log().contains(line));
    }
}

#[test]
fn the_last_reply_arrives_although_the_client_had_more_to_say() {
    let server = Server::start(&[]);
    for _ in 0..100 {
        let mut client = server.connect();
        client.expect(220);
        let mut bytes = b"QUIT\r\n".to_vec();
        bytes.resize(200_000, b'x');
        // The server may close before it has read all of this.
        let _ = client.try_send(&bytes);
        client.expect(221);
    }
}
