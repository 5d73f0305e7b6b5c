//! Standard error: what is written there stalls no session, and never reaches
//! a client; and what is not written there happens all the same.

// A test fails by panicking.
#![allow(clippy::unwrap_used, missing_docs, clippy::indexing_slicing)]

mod support;

use std::io::{Read, Write, pipe};
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};
use support::host::Host;
use support::{Client, DEADLINE, Server, wait_until};
use tempfile::TempDir;

const PILLARBOX: &str = env!("CARGO_BIN_EXE_pillarbox");

/// A server whose standard error nobody reads. The reading end is open: a pipe
/// without one would break, which is another matter.
fn unread_server(
    options: &[&str],
    level: &str,
) -> (Server, std::io::PipeReader) {
    let (reader, writer) = pipe().unwrap();
    let folder = TempDir::new().unwrap();
    let server = Server::start_unread(folder, options, level, writer.into());
    (server, reader)
}

#[test]
fn nobody_reads_the_log_and_every_session_goes_on() {
    for (options, level) in [(&[][..], "debug"), (&["--explain"], "warn")] {
        let (server, _reader) = unread_server(options, level);
        // More than any pipe holds, from the first client alone.
        let mut chatty = server.connect();
        chatty.expect(220);
        for _ in 0..3000 {
            chatty.say(&format!("NOOP {}", "x".repeat(100)));
            chatty.expect(250);
        }
        for _ in 0..50 {
            let mut client = server.connect();
            client.expect(220);
            client.say("QUIT");
            client.expect(221);
        }
    }
}

#[test]
fn a_reader_that_comes_back_is_told_how_much_was_dropped() {
    let (server, mut reader) = unread_server(&[], "debug");
    let mut client = server.connect();
    client.expect(220);
    for _ in 0..3000 {
        client.say(&format!("NOOP {}", "x".repeat(100)));
        client.expect(250);
    }
    let mut text = Vec::new();
    let mut piece = [0; 4096];
    wait_until("the log says that lines were dropped", || {
        // Something to log, so that there is something to read.
        client.say("NOOP");
        client.expect(250);
        let count = reader.read(&mut piece).unwrap();
        text.extend_from_slice(&piece[..count]);
        String::from_utf8_lossy(&text).contains(" were dropped: nobody read")
    });
}

/// As inetd starts it: the connection is standard input, output and error.
#[test]
fn under_inetd_the_client_reads_replies_and_no_log() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut client = Client::new(listener.local_addr().unwrap()).unwrap();
    let socket: OwnedFd = listener.accept().unwrap().0.into();
    let folder = TempDir::new().unwrap();
    let mut child = Command::new(PILLARBOX)
        .args(["serve", "--stdio", "--explain", "--mail"])
        .arg(folder.path())
        .env("RUST_LOG", "trace")
        .stdin(Stdio::from(socket.try_clone().unwrap()))
        .stdout(Stdio::from(socket.try_clone().unwrap()))
        .stderr(Stdio::from(socket))
        .spawn()
        .unwrap();
    client.expect(220);
    for (line, code) in [("HELO client.example", 250), ("QUIT", 221)] {
        client.say(line);
        client.expect(code);
    }
    // Then the end, and nothing before it.
    assert!(client.try_reply().is_err());
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_session_over_a_socket_logs_where_nobody_but_its_owner_reads() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut stream =
        TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    let socket: OwnedFd = listener.accept().unwrap().0.into();
    let folder = TempDir::new().unwrap();
    let child = Command::new(PILLARBOX)
        .args(["serve", "--stdio", "--mail"])
        .arg(folder.path())
        .env("RUST_LOG", "debug")
        .stdin(Stdio::from(socket.try_clone().unwrap()))
        .stdout(Stdio::from(socket))
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    stream.write_all(b"NOOP\r\nQUIT\r\n").unwrap();
    let output = child.wait_with_output().unwrap();
    // Its last lines are written, although the process has ended.
    let log = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(log.contains("C: NOOP"), "{log}");
    assert!(log.contains(" closed\n"), "{log}");
}

#[test]
fn what_follows_auth_is_in_no_log_and_on_no_screen() {
    for (options, level) in [(&[][..], "trace"), (&["--explain"], "trace")] {
        let options = [options, &["--hostname", "mx.example.org"]].concat();
        let mut server = Server::start_with_log(level, &options);
        let mut client = server.connect();
        client.expect(220);
        for line in [
            "AUTH PLAIN c2VjcmV0",
            "auth login c2VjcmV0",
            // The client does not wait for the answer to AUTH.
            "AUTH LOGIN",
            "c2VjcmV0bmFtZQ==",
            "c2VjcmV0d29yZA==",
            " AUTH PLAIN c2VjcmV0",
            "auth\tplain c2VjcmV0",
        ] {
            client.say(line);
            client.reply();
        }
        client.say("QUIT");
        client.expect(221);
        wait_until("the log has it all", || server.log().contains("221 "));
        server.kill();
        let log = server.log();
        assert!(log.contains("AUTH PLAIN {secret}"), "{log}");
        assert!(log.contains("auth login {secret}"), "{log}");
        assert!(!log.contains("c2VjcmV0"), "{log}");
    }
}

/// The arguments of a line of the log are not evaluated when nobody wants it:
/// once such a line held the call that handed the message on.
#[test]
fn what_nobody_logs_is_sent_on_all_the_same() {
    for level in ["off", "warn", "info", "trace"] {
        let host = Host::friendly();
        let (folder, place) = (TempDir::new().unwrap(), host.address);
        let queue = folder.path().join("queue").display().to_string();
        let smart_host = place.to_string();
        let options = ["--queue", &queue, "--smart-host", &smart_host];
        let server = Server::start_with_log(level, &options);
        let mut client = server.connect();
        client.expect(220);
        client.say("HELO client.example");
        client.expect(250);
        client.hand_over("ann@here.example", "bob@there.example");
        host.wait_for_mail(1);
    }
}
