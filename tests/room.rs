//! Room to breathe: what many, slow and deaf clients cost, seen from outside
//! the process.

// A test fails by panicking.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]
// The memory of a process can be read in /proc.
#![cfg(target_os = "linux")]

mod support;

use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};
use support::{Client, DEADLINE, Server, wait_until};

/// One line of `/proc/PID/status`, in KiB.
fn memory(server: &Server, field: &str) -> u64 {
    let file = format!("/proc/{}/status", server.pid());
    let status = fs::read_to_string(file).unwrap();
    let line = status.lines().find(|line| line.starts_with(field)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn begin_message(client: &mut Client) {
    for (line, code) in [
        ("HELO client.example", 250),
        ("MAIL FROM:<alice@client.example>", 250),
        ("RCPT TO:<bob@example.org>", 250),
        ("DATA", 354),
    ] {
        client.say(line);
        client.expect(code);
    }
}

#[test]
fn a_hundred_messages_of_ten_megabytes_at_once_fit_into_64_megabytes() {
    const CLIENTS: usize = 100;
    const SIZE: usize = 10_000_000;
    let server = Server::start(&["--domain", "example.org"]);
    let mut clients: Vec<Client> =
        (0..CLIENTS).map(|_| server.connect()).collect();
    for client in &mut clients {
        client.expect(220);
        begin_message(client);
    }
    let line = [&[b'x'; 998][..], b"\r\n"].concat();
    let chunk = line.repeat(100);
    // All messages grow side by side.
    for _ in 0..SIZE / chunk.len() {
        for client in &mut clients {
            client.send(&chunk);
        }
    }
    thread::scope(|scope| {
        for client in &mut clients {
            scope.spawn(|| {
                client.say(".");
                client.expect(250);
            });
        }
    });
    let peak = memory(&server, "VmHWM:");
    assert!(peak < 64 * 1024, "{peak} KiB");
    assert_eq!(stored_sizes(&server), vec![SIZE - SIZE / 1000; CLIENTS]);
}

/// The lengths of Bob's messages, without the header on top.
fn stored_sizes(server: &Server) -> Vec<usize> {
    let new = server.mail().join("example.org/bob/new");
    let sizes = fs::read_dir(new).unwrap().map(|entry| {
        let text = fs::read(entry.unwrap().path()).unwrap();
        let is_text = |byte: &u8| *byte == b'x';
        let first = text.iter().rposition(|b| *b == b'+').unwrap();
        // "+0000", a line feed and an empty line end the header on top.
        let body = text.split_at(first + 7).1;
        assert_eq!(
            body.iter().filter(|b| !is_text(b)).count(),
            body.len() / 999
        );
        body.len()
    });
    sizes.collect()
}

#[test]
fn a_client_that_sends_one_byte_at_a_time_ends_at_its_deadline() {
    let server = Server::start(&["--timeout", "3"]);
    for prepare in [|_: &mut Client| {}, begin_at_localhost] {
        let begin = Instant::now();
        let mut client = server.connect();
        client.expect(220);
        prepare(&mut client);
        // It would take 1,000 seconds to the end of the line.
        while begin.elapsed() < DEADLINE && client.try_send(b"x").is_ok() {
            thread::sleep(Duration::from_millis(20));
        }
        let time = begin.elapsed();
        assert!(time >= Duration::from_secs(3), "{time:?}");
        assert!(time < DEADLINE, "{time:?}");
    }
    wait_until("the log tells of both", || {
        server.log().matches("timed out").count() == 2
    });
}

fn begin_at_localhost(client: &mut Client) {
    for line in ["HELO a.example", "MAIL FROM:<>", "RCPT TO:<bob@localhost>"] {
        client.say(line);
        client.expect(250);
    }
    client.say("DATA");
    client.expect(354);
}

#[test]
fn a_client_that_never_reads_its_replies_comes_to_its_end() {
    let server = Server::start(&["--timeout", "1"]);
    let mut client = TcpStream::connect(server.address()).unwrap();
    client.set_write_timeout(Some(DEADLINE)).unwrap();
    let questions = b"HELP\r\n".repeat(1000);
    let begin = Instant::now();
    // The answers are fifty times as long: soon nobody can write any more.
    while client.write_all(&questions).is_ok() {
        assert!(begin.elapsed() < DEADLINE, "it listens for ever");
    }
    wait_until("the session has ended", || server.log().contains(" timed out"));
    let peak = memory(&server, "VmHWM:");
    assert!(peak < 32 * 1024, "{peak} KiB");
}

#[test]
fn ten_thousand_commands_leave_the_memory_as_it_was() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    client.expect(220);
    let mut send = |count: usize| {
        for _ in 0..count {
            client.say("NOOP");
            client.expect(250);
        }
        memory(&server, "VmRSS:")
    };
    let before = send(100);
    let after = send(10_000);
    assert!(after <= before + 1024, "{before} KiB, then {after} KiB");
}
