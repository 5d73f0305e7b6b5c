//! The judging player against small servers in these tests.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;

use super::*;
use crate::transcript::format::testing::{self, MINIMAL, TWO_CLIENTS};
use crate::transcript::judge::failure::Failure;
use crate::transcript::judge::target::{DEADLINE, Mail};

const HEAD: &str = "Title: t\nLevel: own\n\n";

/// Plays these lines against a server that does `serve` with each client.
fn play<F>(lines: &str, serve: F) -> Result<(), Box<Failure>>
where
    F: Fn(TcpStream) + Send + Clone + 'static,
{
    play_file(&format!("{HEAD}{lines}"), DEADLINE, serve)
}

/// The same, for a server that will not answer.
fn play_in_haste<F>(lines: &str, serve: F) -> Result<(), Box<Failure>>
where
    F: Fn(TcpStream) + Send + Clone + 'static,
{
    let haste = Duration::from_secs(2);
    play_file(&format!("{HEAD}{lines}"), haste, serve)
}

fn play_file<F>(
    file: &str,
    deadline: Duration,
    serve: F,
) -> Result<(), Box<Failure>>
where
    F: Fn(TcpStream) + Send + Clone + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let serve = serve.clone();
            let stream = stream.unwrap();
            thread::spawn(move || serve(stream));
        }
    });
    let rules = Rules { deadline, ..Rules::default() };
    let page = testing::read(file).unwrap();
    match play_by(&rules, address, &page).outcome {
        Outcome::Pass => Ok(()),
        Outcome::Fail(failure) => Err(failure),
        other
        @ (Outcome::Skip(_) | Outcome::Lost(_) | Outcome::NoServer(_)) => {
            panic!("{other:?}")
        }
    }
}

fn play_by(rules: &Rules, address: SocketAddr, page: &Transcript) -> Played {
    let mail = tempfile::tempdir().unwrap();
    let target = Target {
        addresses: vec![address],
        wait: Duration::ZERO,
        mail: Mail::Own(mail.path().into()),
    };
    replay(&target, rules, page, Leniency::default(), usize::MAX, &|| 0)
}

fn say(mut stream: &TcpStream, text: &str) {
    let _ = stream.write_all(text.as_bytes());
}

/// A server without any memory: each line has its answer.
fn small_server(stream: TcpStream) {
    say(&stream, "220 mx.example.org ESMTP\r\n");
    let mut in_data = false;
    for line in BufReader::new(&stream).lines().map_while(Result::ok) {
        let answer = match line.split(' ').next().unwrap() {
            "." => "250 2.0.0 Stored\r\n",
            _ if in_data => continue,
            "HELO" => "250 mx.example.org\r\n",
            "MAIL" => "250 2.1.0 Sender OK\r\n",
            "RCPT" => "250 2.1.5 Recipient OK\r\n",
            "DATA" => "354 End data with <CR><LF>.<CR><LF>\r\n",
            "QUIT" => "221 2.0.0 mx.example.org closing connection\r\n",
            _ => "500 5.5.2 Command not recognized\r\n",
        };
        in_data = line == "DATA";
        say(&stream, answer);
        if line == "QUIT" {
            return;
        }
    }
}

/// Says this, then reads until the client has gone.
fn only(words: &'static str) -> impl Fn(TcpStream) + Send + Clone + 'static {
    move |mut stream| {
        say(&stream, words);
        let _ = stream.read_to_end(&mut Vec::new());
    }
}

#[test]
fn a_last_line_with_a_hyphen_is_shown_and_explained() {
    let serve = |stream: TcpStream| {
        say(&stream, "220 hi\r\n");
        // It closes after that, so nobody waits for what does not come.
        let _ = BufReader::new(&stream).read_line(&mut String::new());
        say(&stream, "250-mx\r\n250-SIZE\r\n");
    };
    let page = "S: 220 {...}\nC: EHLO x\nS: 250 {...}\n";
    let failed = play(page, serve).unwrap_err();
    assert_eq!(failed.message, "server closed");
    assert_eq!(failed.got, "S: 250-SIZE");
    assert!(failed.hint.unwrap().starts_with("a hyphen after the code"));
}

/// The page about QUIT has failed already.
#[test]
fn a_word_too_many_after_quit_costs_one_page() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let serve = only("220 hi\r\n221 bye\r\n221 closed\r\n");
    thread::spawn(move || {
        for stream in listener.incoming() {
            serve(stream.unwrap());
        }
    });
    let lines = "S: 220 {...}\nC: QUIT\nS: 221 {...}\n(server closes)\n";
    let page = testing::read(&format!("{HEAD}{lines}")).unwrap();
    let mail = tempfile::tempdir().unwrap();
    let target = Target {
        addresses: vec![address],
        wait: Duration::ZERO,
        mail: Mail::Own(mail.path().into()),
    };
    for quit in [false, true] {
        let leniency = Leniency { quit, ..Leniency::default() };
        let rules = Rules::default();
        let all = usize::MAX;
        let played = replay(&target, &rules, &page, leniency, all, &|| 0);
        assert_eq!(played.outcome == Outcome::Pass, quit, "{played:?}");
    }
}

/// The line, the message and what came, of a transcript that must fail.
fn failure(result: Result<(), Box<Failure>>) -> (usize, String, String) {
    let failure = result.unwrap_err();
    (failure.line, failure.message, failure.got)
}

fn wanted(line: usize, message: &str, got: &str) -> (usize, String, String) {
    (line, message.into(), got.into())
}

#[test]
fn a_whole_session_passes() {
    assert_eq!(play_file(MINIMAL, DEADLINE, small_server), Ok(()));
}

#[test]
fn a_wrong_reply_fails_with_its_line_and_its_rule() {
    let file = MINIMAL.replace("Recipient OK", "Recipient fine");
    let failure = play_file(&file, DEADLINE, small_server).unwrap_err();
    assert_eq!(failure.line, 13);
    assert_eq!(failure.message, "wrong reply");
    assert_eq!(failure.expected, "S: 250 2.1.5 Recipient fine");
    assert_eq!(failure.got, "S: 250 2.1.5 Recipient OK");
    assert!(failure.rule.ends_with("(RFC 5321 4.1.1.3)"), "{failure}");
    assert_eq!(failure.hint, None);
}

#[test]
fn another_host_name_than_before_fails() {
    let lines = "S: 220 {host} ESMTP\nS: 250 {host}\n";
    let serve = only("220 a.example ESMTP\r\n250 b.example\r\n");
    let got = failure(play(lines, serve));
    assert_eq!(got, wanted(5, "wrong reply", "S: 250 b.example"));
}

#[test]
fn a_server_that_says_nothing_fails_at_the_deadline() {
    let result = play_in_haste("S: 220 {...}\n", only(""));
    let failure = result.unwrap_err();
    assert_eq!(failure.log_from, 0);
    assert_eq!(failure.message, "no reply within 2 s");
    assert_eq!(failure.got, "nothing");
}

#[test]
fn half_a_reply_is_shown_when_no_more_comes() {
    let got = failure(play_in_haste("S: 220 {...}\n", only("220 mx")));
    assert_eq!(got, wanted(4, "no reply within 2 s", "S> 220 mx"));
}

#[test]
fn a_server_that_closes_too_early_fails() {
    let lines = "S: 220 hi\nC: NOOP\nS: 250 OK\n";
    let serve = |stream: TcpStream| {
        say(&stream, "220 hi\r\n");
        let _ = BufReader::new(&stream).read_line(&mut String::new());
    };
    let got = failure(play(lines, serve));
    assert_eq!(got, wanted(6, "server closed", "nothing"));
}

#[test]
fn a_server_that_stays_open_or_says_more_does_not_close() {
    let lines = "S: 220 hi\n(server closes)\n";
    let open = failure(play_in_haste(lines, only("220 hi\r\n")));
    let message = "no end of the connection within 2 s";
    assert_eq!(open, wanted(5, message, "nothing"));
    let more = failure(play(lines, only("220 hi\r\n421 bye\r\n")));
    assert_eq!(more, wanted(5, "the server said more", "S: 421 bye"));
}

#[test]
fn a_failure_tells_what_was_sent_also_where_an_end_is_waited_for() {
    for end in ["(server closes)", "(silence 50ms)"] {
        let lines = format!("S: 220 hi\nC: QUIT\nS: 221 bye\n{end}\n");
        let serve = |stream: TcpStream| {
            say(&stream, "220 hi\r\n");
            let _ = BufReader::new(&stream).read_line(&mut String::new());
            say(&stream, "221 bye\r\n250 more\r\n");
        };
        let failure = play(&lines, serve).unwrap_err();
        assert_eq!(failure.sent, "C: QUIT", "{end}");
    }
}

#[test]
fn words_break_the_silence_and_an_end_does_not() {
    let lines = "S: 220 hi\n(silence 50ms)\n";
    assert_eq!(play(lines, only("220 hi\r\n")), Ok(()));
    assert_eq!(play(lines, |s| say(&s, "220 hi\r\n")), Ok(()));
    let got = failure(play(lines, only("220 hi\r\n250 OK\r\n")));
    assert_eq!(got, wanted(5, "the server said more", "S: 250 OK"));
}

#[test]
fn a_longer_or_shorter_reply_is_wrong_unless_the_rest_is_free() {
    let serve = only("250-a\r\n250-b\r\n250 c\r\n221 d\r\n");
    let passes = [
        "S: 250-a\nS: 250-b\nS: 250 c\nS: 221 d\n",
        "S: 250-a\nS: ...\nS: 221 d\n",
        "S: 250-{x}\nS: 250-{y}\nS: ...\n",
    ];
    for lines in passes {
        assert_eq!(play(lines, serve.clone()), Ok(()), "{lines}");
    }
    let shorter = failure(play("S: 250-a\nS: 250 b\n", serve.clone()));
    assert_eq!(shorter, wanted(5, "wrong reply", "S: 250-b"));
    let longer = "S: 250-a\nS: 250-b\nS: 250-c\nS: 250 d\n";
    let longer = failure(play(longer, serve));
    assert_eq!(longer, wanted(6, "wrong reply", "S: 250 c"));
}

#[test]
fn a_malformed_reply_fails_also_where_the_words_are_free() {
    let got = failure(play("S: 220 {...}\n", only("220 hi\n")));
    let message = "malformed reply: a line that does not end in CR LF";
    assert_eq!(got, wanted(4, message, r"S> 220 hi\n"));
}

#[test]
fn what_came_from_the_wire_is_shown_escaped() {
    let got = failure(play("S: 220 hi\n", only("220 \x1b[2J \r\n")));
    assert_eq!(got, wanted(4, "wrong reply", r"S: 220 \x1b[2J\x20"));
}

#[test]
fn lines_in_a_row_travel_in_one_write() {
    let lines = "S: 220 hi\nC: a\n# a note\n\nC> b\nC: c\nS: 250 7\n\
                 C> d\n(wait 50ms)\nC> e\nS: 250 1\nS: 250 1\n";
    let serve = |mut stream: TcpStream| {
        say(&stream, "220 hi\r\n");
        let mut buffer = [0; 100];
        while let Ok(length @ 1..) = stream.read(&mut buffer) {
            say(&stream, &format!("250 {length}\r\n"));
        }
    };
    assert_eq!(play(lines, serve), Ok(()));
}

#[test]
fn two_clients_take_turns() {
    let (talk, _) = TWO_CLIENTS.split_once("(mailbox").unwrap();
    let refused = "S2: 503 5.5.1 MAIL first";
    assert!(talk.contains(refused));
    let got = failure(play_file(talk, DEADLINE, small_server));
    let leaked = "S2: 250 2.1.5 Recipient OK";
    assert_eq!(got, wanted(19, "wrong reply", leaked));
    let talk = talk.replace(refused, "S2: 250 {...}");
    assert_eq!(play_file(&talk, DEADLINE, small_server), Ok(()));
}

#[test]
fn a_client_that_hung_up_may_come_again() {
    let lines = "(client connects)\nS: 220 hi\n(client closes)\n\
                 (client connects)\nS: 220 hi\n(client connects)\n";
    let got = failure(play(lines, only("220 hi\r\n")));
    assert_eq!(got, wanted(9, "this client is connected already", ""));
}

#[test]
fn a_name_is_sent_once_it_has_a_value() {
    let lines = "S: 220 {id} hi\nC: NOOP {id}\nS: 250 NOOP 42\n";
    let serve = |stream: TcpStream| {
        say(&stream, "220 42 hi\r\n");
        let mut line = String::new();
        BufReader::new(&stream).read_line(&mut line).unwrap();
        say(&stream, &format!("250 {line}"));
    };
    assert_eq!(play(lines, serve), Ok(()));
    let got = failure(play("C: NOOP {id}\n", only("")));
    assert_eq!(got, wanted(4, "{id} has no value yet", ""));
}

#[test]
fn a_reply_that_was_waiting_is_a_hint_for_a_later_mismatch() {
    let lines = "S: 220 hi\n(wait 100ms)\nC: NOOP\nS: 250 OK\n";
    let serve = only("220 hi\r\n220 hi again\r\n");
    let hint = play(lines, serve).unwrap_err().hint;
    let wanted = "a reply was already waiting when line 6 was sent";
    assert_eq!(hint.as_deref(), Some(wanted));
}

#[test]
fn nobody_there_is_a_failure_and_not_a_panic() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let transcript = testing::read(MINIMAL).unwrap();
    let played = play_by(&Rules::default(), address, &transcript);
    let Outcome::NoServer(failure) = played.outcome else {
        panic!("{played:?}");
    };
    assert_eq!(failure.message, "no connection to the server");
}
