//! `pillarbox send` and the servers that it may meet: what it says, when it
//! is silent, and its exit codes.
//!
//! A test fails by panicking.
#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use pillarbox::agent::compose::{Content, Field, Letter};
use pillarbox::agent::send::{Settings, Show, World, send};
use pillarbox::protocol::address::{self, Mailbox, ReversePath};
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;
use support::{DEADLINE, Server, wait_until};
use tempfile::TempDir;

const HELLO: &str = "250-mx.example\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n";

/// What a server answers to a line; nothing: it hangs up.
type Answers = fn(&str) -> Option<&'static str>;

/// A server that takes everything.
fn yes(line: &str) -> Option<&'static str> {
    Some(match verb(line) {
        "" => "220 mx.example\r\n",
        "EHLO" => HELLO,
        "DATA" => "354 go on\r\n",
        "QUIT" => return None,
        _ => "250 OK\r\n",
    })
}

fn verb(line: &str) -> &str {
    line.split([' ', ':']).next().unwrap_or_default()
}

/// Plays the server for one connection, on a thread. Gives its port, and later
/// all lines that it has heard. The greeting is the answer to an empty line,
/// and the end of the text is the line ".".
fn serve(answers: Answers) -> (u16, thread::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("bound").port();
    let play = move || {
        let (stream, _) = listener.accept().expect("a client");
        stream.set_read_timeout(Some(DEADLINE)).expect("a deadline");
        converse(&stream, answers)
    };
    (port, thread::spawn(play))
}

fn converse(mut stream: &TcpStream, answers: Answers) -> Vec<String> {
    let mut heard = Vec::new();
    let mut lines = BufReader::new(stream).split(b'\n');
    let mut next = String::new();
    let mut is_text = false;
    loop {
        if !is_text || next == "." {
            let Some(answer) = answers(&next) else { return heard };
            if stream.write_all(answer.as_bytes()).is_err() {
                return heard;
            }
            is_text = answer.starts_with("354");
        }
        match lines.next() {
            Some(Ok(line)) => {
                let line = String::from_utf8_lossy(&line);
                next = line.trim_end_matches('\r').to_owned();
            }
            Some(Err(_)) | None => return heard,
        }
        heard.push(next.clone());
    }
}

fn mailboxes(addresses: &[&str]) -> Vec<Mailbox> {
    let read = |text: &&str| address::mailbox(text).expect("an address");
    addresses.iter().map(read).collect()
}

/// A letter from Alice to these.
fn letter_to(to: &[&str], content: Content) -> Letter {
    let from = mailboxes(&["alice@example.org"]).remove(0);
    let from = ReversePath::Mailbox(from);
    Letter::new(from, &mailboxes(to), content).expect("a letter")
}

fn body() -> Content {
    Content::Body(vec![Field::subject("Lunch").expect("a subject")])
}

fn settings(port: u16, letter: Letter) -> Settings {
    Settings {
        host: "127.0.0.1".into(),
        port,
        letter,
        file: None,
        show: Show::Trouble,
        timeout: Some(DEADLINE),
    }
}

/// The exit code, and what was said on standard error.
fn run(settings: &Settings, text: &[u8]) -> (u8, String) {
    let (mut input, mut errors) = (text, Vec::new());
    let mut world = World {
        input: &mut input,
        errors: &mut errors,
        name: "client.example",
        now: 784_111_777,
    };
    let code = send(settings, &mut world);
    (code, String::from_utf8(errors).expect("UTF-8, whatever comes"))
}

fn to_bob(port: u16) -> Settings {
    settings(port, letter_to(&["bob@example.net"], body()))
}

/// What the server of these answers makes of a letter to these.
fn outcome(
    answers: Answers,
    to: &[&str],
    text: &str,
) -> (u8, String, Vec<String>) {
    let (port, server) = serve(answers);
    let settings = settings(port, letter_to(to, body()));
    let (code, errors) = run(&settings, text.as_bytes());
    (code, errors, server.join().expect("the server does not panic"))
}

#[test]
fn a_message_arrives_and_nothing_is_said() {
    let server = Server::start(&["-d", "example.net"]);
    let to = ["bob@example.net", "al@example.net"];
    let settings = settings(server.port(), letter_to(&to, body()));
    let text = "At noon?\r\n.\n..\nGrüße";
    let (code, errors) = run(&settings, text.as_bytes());
    assert_eq!((code, errors.as_str()), (0, ""));
    for name in ["bob", "al"] {
        let messages = server.messages("example.net", name);
        let message = String::from_utf8_lossy(&messages[0]);
        assert!(message.starts_with("Return-Path: <alice@example.org>\n"));
        assert!(message.contains("\nReceived: from client.example"));
        assert!(message.contains("\nTo: bob@example.net, al@example.net\n"));
        assert!(message.contains("\nSubject: Lunch\n"));
        let end = text.replace('\r', "") + "\n";
        assert!(message.ends_with(&format!("8bit\n\n{end}")), "{message}");
    }
}

/// Case 41.
#[test]
fn every_message_has_a_date_and_a_message_id_of_its_own() {
    let server = Server::start(&["-d", "example.net"]);
    for _ in 0..20 {
        assert_eq!(run(&to_bob(server.port()), b"same\n").0, 0);
    }
    let messages = server.messages("example.net", "bob");
    let id = |message: &Vec<u8>| {
        let message = String::from_utf8_lossy(message).into_owned();
        assert!(message.contains("\nDate: Sun, 06 Nov 1994 08:49:37 +0000\n"));
        let mut lines = message.lines();
        let id = lines.find(|line| line.starts_with("Message-ID: <784111777."));
        id.expect("a Message-ID").to_owned()
    };
    let mut ids: Vec<String> = messages.iter().map(id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 20);
}

#[test]
fn a_raw_message_arrives_byte_by_byte_but_for_bcc() {
    let server = Server::start(&["-d", "example.net"]);
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("letter");
    let long = "x".repeat(5000);
    let text = format!("From: al\nBcc: eve\nX:  y\n\n.\n{long}\n..a\n\n");
    std::fs::write(&file, &text).expect("a file");
    let letter = letter_to(&["bob@example.net"], Content::Raw);
    let settings =
        Settings { file: Some(file), ..settings(server.port(), letter) };
    let (code, errors) = run(&settings, b"not read");
    assert_eq!(code, 0);
    assert_eq!(errors.matches("Bcc").count(), 1, "{errors}");
    let message = server.messages("example.net", "bob").remove(0);
    let message = String::from_utf8(message).expect("ASCII");
    assert!(message.ends_with(&text.replace("\nBcc: eve", "")), "{message}");
    assert!(!message.contains("eve"));
}

/// A1. The first column is the line to which the server says something else,
/// the second one what it says.
#[test]
fn the_exit_code_says_whether_to_try_again() {
    let cases: [(Answers, u8, &str); 16] = [
        (|l| on(l, "", "554 no\r\n"), 69, "554 no"),
        (|l| on(l, "", "421 busy\r\n"), 75, "421 busy"),
        (|l| on(l, "", "hello\r\n"), 75, "no reply"),
        (|l| on(l, "", ""), 75, "hung up"),
        (|l| on(l, "EHLO", "421 busy\r\n"), 75, "421 busy"),
        (|l| on(l, "MAIL", "550 5.7.1 no\r\n"), 69, "550 5.7.1 no"),
        (|l| on(l, "MAIL", "451 later\r\n"), 75, "451 later"),
        (|l| on(l, "RCPT", "550-no\r\n550 one\r\n"), 69, "550-no 550 one"),
        (|l| on(l, "RCPT", "450 later\r\n"), 75, "450 later"),
        (|l| on(l, "RCPT", ""), 75, "hung up"),
        (|l| on(l, "DATA", "554 no\r\n"), 69, "554 no"),
        (|l| on(l, "DATA", "452 full\r\n"), 75, "452 full"),
        (|l| on(l, ".", "554 no\r\n"), 69, "554 no"),
        (|l| on(l, ".", "451 later\r\n"), 75, "451 later"),
        (|l| on(l, ".", ""), 75, "hung up"),
        (|l| on(l, "QUIT", ""), 0, ""),
    ];
    for (number, (answers, code, word)) in cases.into_iter().enumerate() {
        let found = outcome(answers, &["bob@example.net"], "text\n");
        assert_eq!(found.0, code, "case {number}: {}", found.1);
        assert!(found.1.contains(word), "case {number}: {}", found.1);
        let lines = usize::from(code != 0);
        assert_eq!(found.1.lines().count(), lines, "{number}: {}", found.1);
    }
}

/// The answer to one verb is another one; nothing is a hang-up.
fn on(line: &str, wanted: &str, answer: &'static str) -> Option<&'static str> {
    match verb(line) == wanted {
        true => Some(answer).filter(|answer| !answer.is_empty()),
        false => yes(line),
    }
}

/// A5.
#[test]
fn the_others_get_it_when_some_are_refused() {
    const LATER: &str = "450 4.2.1 later\r\n";
    let never: Answers = |line| match line {
        "RCPT TO:<b@x>" => Some("550 5.1.1 nobody\r\n"),
        "RCPT TO:<c@x>" => Some(LATER),
        _ => yes(line),
    };
    let (code, errors, heard) = outcome(never, &["a@x", "b@x", "c@x"], "t\n");
    assert_eq!(code, 69);
    assert_eq!(
        errors,
        "pillarbox: send: b@x: 550 5.1.1 nobody\n\
         pillarbox: send: c@x: 450 4.2.1 later\n"
    );
    assert!(heard.contains(&".".to_owned()), "{heard:?}");
    let later: Answers = |line| match line {
        "RCPT TO:<c@x>" => Some(LATER),
        _ => yes(line),
    };
    let (code, errors, _) = outcome(later, &["a@x", "b@x", "c@x"], "t\n");
    assert_eq!(code, 75);
    assert_eq!(errors, "pillarbox: send: c@x: 450 4.2.1 later\n");
}

/// A4.
#[test]
fn what_the_server_cannot_take_is_told_before_mail() {
    let plain: Answers =
        |line| on(line, "EHLO", "250-mx.example\r\n250 SIZE 400\r\n");
    let long = "long\n".repeat(100);
    for (to, text) in [
        ("bob@example.net", "Grüße\n"),
        ("käthe@example.net", "hello\n"),
        ("bob@example.net", &long),
    ] {
        let (code, errors, heard) = outcome(plain, &[to], text);
        assert_eq!(code, 69, "{errors}");
        assert_eq!(errors.lines().count(), 1, "{errors}");
        assert!(errors.starts_with("pillarbox: send: 127.0.0.1:"), "{errors}");
        assert!(!heard.iter().any(|line| line.starts_with("MAIL")));
    }
    let (code, ..) = outcome(plain, &["bob@example.net"], "hello\n");
    assert_eq!(code, 0);
}

#[test]
fn the_server_is_told_what_the_message_needs() {
    let (code, _, heard) = outcome(yes, &["käthe@example.net"], "hello\n");
    assert_eq!(code, 0);
    let mail = "MAIL FROM:<alice@example.org> BODY=8BITMIME SMTPUTF8";
    assert!(heard.contains(&mail.to_owned()), "{heard:?}");
    let (_, _, heard) = outcome(yes, &["bob@example.net"], "Grüße\n");
    let mail = "MAIL FROM:<alice@example.org> BODY=8BITMIME";
    assert!(heard.contains(&mail.to_owned()), "{heard:?}");
    let (_, _, heard) = outcome(yes, &["bob@example.net"], "hello\n");
    let mail = "MAIL FROM:<alice@example.org>";
    assert!(heard.contains(&mail.to_owned()), "{heard:?}");
    // The header of a raw message may be in any charset.
    let (port, server) = serve(yes);
    let letter = letter_to(&["bob@example.net"], Content::Raw);
    assert_eq!(run(&settings(port, letter), b"X: \xe9\n\n").0, 0);
    let heard = server.join().expect("no panic");
    let mail = "MAIL FROM:<alice@example.org> BODY=8BITMIME";
    assert!(heard.contains(&mail.to_owned()), "{heard:?}");
}

#[test]
fn without_a_connection_or_an_answer_one_may_try_again() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("bound").port();
    let silent = to_bob(port);
    let short = Some(Duration::from_millis(200));
    let (code, errors) = run(&Settings { timeout: short, ..silent }, b"hi\n");
    assert_eq!(code, 75);
    assert!(errors.contains("no answer in time"), "{errors}");
    drop(listener);
    let (code, errors) = run(&to_bob(port), b"hi\n");
    let want = format!(
        "pillarbox: send: 127.0.0.1:{port}: no connection: connection refused\n"
    );
    assert_eq!((code, errors), (75, want));
    // A label of 64 letters is in no name: nobody need be asked.
    let host = "x".repeat(64) + ".example";
    let (code, errors) = run(&Settings { host, ..to_bob(port) }, b"hi\n");
    assert_eq!(code, 75);
    assert!(errors.starts_with("pillarbox: send: cannot find xxx"), "{errors}");
}

#[test]
fn a_bad_text_or_no_file_ends_it_before_any_connection() {
    // Nobody listens on port 1: a connection would end with 75.
    let (code, errors) = run(&to_bob(1), b"a\rb\n");
    assert_eq!((code, errors.lines().count()), (65, 1), "{errors}");
    let letter = letter_to(&["bob@example.net"], Content::Raw);
    let (code, errors) = run(&settings(1, letter), b"no header\n");
    assert_eq!((code, errors.lines().count()), (65, 1), "{errors}");
    for file in ["no such\nfile", "."] {
        let file = Some(PathBuf::from(file));
        let (code, errors) = run(&Settings { file, ..to_bob(1) }, b"");
        assert_eq!((code, errors.lines().count()), (66, 1), "{errors}");
        assert!(errors.starts_with("pillarbox: send: cannot read "));
    }
}

/// A6, R18.
#[test]
fn the_dialogue_is_shown_if_it_is_asked_for() {
    let answers: Answers = |line| on(line, "RCPT", "550 \x1b[2J\u{202e}\r\n");
    let shown = |show| {
        let (port, server) = serve(answers);
        let (code, errors) = run(&Settings { show, ..to_bob(port) }, b"hi\n");
        server.join().expect("no panic");
        assert_eq!(code, 69);
        assert!(!errors.contains(['\x1b', '\u{202e}']), "{errors}");
        errors
    };
    let trouble = "pillarbox: send: bob@example.net: \
        550 \\x1b[2J\\xe2\\x80\\xae\n";
    assert_eq!(shown(Show::Trouble), trouble);
    let dialogue = "S: 220 mx.example\n\
        C: EHLO client.example\n\
        S: 250-mx.example\n\
        S: 250-8BITMIME\n\
        S: 250 SMTPUTF8\n\
        C: MAIL FROM:<alice@example.org>\n\
        S: 250 OK\n\
        C: RCPT TO:<bob@example.net>\n\
        S: 550 \\x1b[2J\\u{202e}\n\
        C: QUIT\n";
    assert_eq!(shown(Show::Dialogue), format!("{dialogue}{trouble}"));
    let explained = shown(Show::Reasons);
    assert!(explained.starts_with("(connecting to 127.0.0.1:"), "{explained}");
    let said = |line: &&str| line.starts_with("C:") || line.starts_with("S:");
    let lines: Vec<&str> = explained.lines().filter(said).collect();
    assert_eq!(lines.join("\n") + "\n", dialogue);
    assert!(explained.contains(" RCPT: this recipient "), "{explained}");
    assert!(explained.contains("\n       RFC 5321 3.3 "), "{explained}");
    assert!(explained.lines().all(|line| line.len() < 80), "{explained}");
}

#[test]
fn the_text_is_one_line_of_the_dialogue() {
    let (port, server) = serve(yes);
    let show = Show::Dialogue;
    let letter = letter_to(&["bob@example.net"], Content::Raw);
    let settings = Settings { show, ..settings(port, letter) };
    let (code, errors) = run(&settings, b"A: b\n\n.hello\n");
    let heard = server.join().expect("no panic");
    assert_eq!(code, 0);
    let text =
        "C: DATA\nS: 354 go on\nC: ... 16 bytes of text\nC: .\nS: 250 OK";
    assert!(errors.contains(text), "{errors}");
    assert_eq!(heard[4..8], ["A: b", "", "..hello", "."]);
}

#[test]
fn a_large_message_arrives_whole() {
    let server = Server::start(&["-d", "example.net"]);
    let text = "a line of some length, and then another one\n".repeat(200_000);
    assert_eq!(run(&to_bob(server.port()), text.as_bytes()).0, 0);
    wait_until("it is there", || {
        !server.messages("example.net", "bob").is_empty()
    });
    let message = server.messages("example.net", "bob").remove(0);
    assert!(message.ends_with(text.as_bytes()));
}

/// From one user agent to the other, as a user types it.
#[test]
fn what_send_hands_over_inbox_shows() {
    let server = Server::start(&["-d", "example.net"]);
    let place = format!("127.0.0.1:{}", server.port());
    let call = |arguments: &[&str], text: &str| {
        let mut child = Command::new(env!("CARGO_BIN_EXE_pillarbox"))
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("pillarbox starts");
        let mut input = child.stdin.take().expect("piped");
        // It need not be read.
        let _ = input.write_all(text.as_bytes());
        drop(input);
        let ended = child.wait_with_output().expect("our own child");
        let errors = String::from_utf8_lossy(&ended.stderr).into_owned();
        let printed = String::from_utf8_lossy(&ended.stdout).into_owned();
        (ended.status.code(), printed, errors)
    };
    let send = ["send", "-s", &place, "-f", "alice@example.org"];
    let to_bob = ["-t", "bob@example.net", "--subject", "Grüße aus Köln"];
    let sent = call(&[&send[..], &to_bob].concat(), "At noon?\n");
    assert_eq!(sent, (Some(0), String::new(), String::new()));

    let mail = server.mail().to_str().expect("a name").to_owned();
    let inbox = ["inbox", "-m", &mail];
    let wait = ["--wait", "60", "bob@example.net"];
    assert_eq!(call(&[&inbox[..], &wait].concat(), "").0, Some(0));
    let bob = [&inbox[..], &["bob@example.net"]].concat();
    let (code, list, _) = call(&bob, "");
    assert_eq!(code, Some(0));
    let fields: Vec<&str> = list.trim_end().split('\t').collect();
    assert_eq!(fields[..2], ["1", "new"]);
    assert_eq!(fields[3..5], ["alice@example.org", "Grüße aus Köln"]);
    let (code, shown, _) = call(&[&bob[..], &["1"]].concat(), "");
    assert_eq!(code, Some(0));
    assert!(shown.contains("\nSubject: Grüße aus Köln\n"), "{shown}");
    assert!(shown.ends_with("\n\nAt noon?\n"), "{shown}");
    assert!(call(&bob, "").1.starts_with("1\tseen\t"));

    let refused = ["-t", "bob@elsewhere.example", "-t", "../x@example.net"];
    let (code, _, errors) = call(&[&send[..], &refused].concat(), "hi\n");
    assert_eq!(code, Some(64), "{errors}");
    let (code, _, errors) = call(&[&send[..], &refused[..2]].concat(), "hi\n");
    assert_eq!(code, Some(69));
    assert!(errors.starts_with("pillarbox: send: bob@elsewhere.example: 550"));
    assert_eq!(errors.lines().count(), 1, "{errors}");
    let (code, ..) = call(&[&send[..], &to_bob, &["nowhere"]].concat(), "");
    assert_eq!(code, Some(66));
    let (code, ..) = call(&[&send[..], &to_bob].concat(), "a\rb");
    assert_eq!(code, Some(65));
}
