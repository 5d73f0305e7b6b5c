//! The played server against small clients in these tests.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;

use super::*;
use crate::transcript::format::testing::{self, MINIMAL};

const HEAD: &str = "Title: t\nLevel: own\nPlays: server\n\n";
const LATE: Duration = Duration::from_secs(30);
const SOON: Duration = Duration::from_secs(1);

/// A client, in another thread.
type Client = fn(SocketAddr);

/// Plays these lines to a client.
fn play_lines(lines: &str, client: Client) -> Outcome {
    play_until(lines, LATE, client)
}

/// The same, for a client that will not speak.
fn play_in_haste(lines: &str, client: Client) -> Outcome {
    play_until(lines, SOON, client)
}

fn play_until(lines: &str, deadline: Duration, client: Client) -> Outcome {
    play_file(&format!("{HEAD}{lines}"), deadline, client).outcome
}

fn play_file(file: &str, deadline: Duration, client: Client) -> Played {
    let transcript = testing::read(file).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let client = thread::spawn(move || client(address));
    let played = play(listener, &transcript, deadline);
    client.join().unwrap();
    played
}

/// What was let pass, where nothing was wrong.
fn notes(lines: &str, client: Client) -> Vec<String> {
    let played = play_file(&format!("{HEAD}{lines}"), LATE, client);
    assert_eq!(played.outcome, Outcome::Pass);
    played.notes
}

const HELLO: &str = "S: 220 hi\nC: EHLO {name}\nS: 250-x\nS: 250 SIZE\n";

/// It is never silent, and never says what the page waits for.
#[test]
fn a_client_that_says_rset_for_ever_comes_to_its_end() {
    let rset_for_ever = |address| {
        let mut stream = TcpStream::connect(address).unwrap();
        let mut line = String::new();
        let mut heard = BufReader::new(stream.try_clone().unwrap());
        while matches!(heard.read_line(&mut line), Ok(1..)) {
            line.clear();
            if stream.write_all(b"RSET\r\n").is_err() {
                return;
            }
        }
    };
    let lines = "S: 220 hi\nC: MAIL FROM:<{sender}>\nS: 250 OK\n";
    let (line, message, _) = failure(play_in_haste(lines, rset_for_ever));
    assert_eq!((line, &*message), (2, "no line within 1 s"));
}

#[test]
fn helo_in_the_place_of_ehlo_has_one_line_and_costs_its_own_page() {
    let page = format!("{HELLO}C: QUIT\nS: 221 {{name}}\n");
    let client = |address| {
        let heard = send(address, b"HELO me\r\nQUIT\r\n");
        assert_eq!(heard, b"220 hi\r\n250 x\r\n221 me\r\n");
    };
    let note = "line 6: the client says HELO, not EHLO";
    assert_eq!(notes(&page, client), [note]);
    let head = "Title: t\nLevel: own\nPlays: server\nCause: ehlo\n";
    let hello = |address| drop(send(address, b"HELO me\r\n"));
    let played = play_file(&format!("{head}\n{HELLO}"), LATE, hello);
    let (_, message, got) = failure(played.outcome);
    assert_eq!((&*message, &*got), ("wrong line", "C: HELO me"));
}

#[test]
fn helo_at_once_comes_to_the_helo_of_a_page_that_refuses_ehlo() {
    let page = "S: 220 hi\nC: EHLO {name}\nS: 500 what\nC: HELO {name}\n\
                S: 250 now\nC: QUIT\nS: 221\n";
    let client = |address| {
        let heard = send(address, b"HELO me\r\nQUIT\r\n");
        assert_eq!(heard, b"220 hi\r\n250 now\r\n221\r\n");
    };
    assert_eq!(notes(page, client).len(), 1);
}

#[test]
fn a_page_about_extensions_is_not_for_a_client_that_says_helo() {
    let page = format!("{HELLO}C: MAIL FROM:<> SIZE=1\nS: 250\n");
    let client = |address| {
        drop(send(address, b"HELO me\r\nMAIL FROM:<>\r\n"));
    };
    let played = play_lines(&page, client);
    assert!(matches!(played, Outcome::Skip(_)), "{played:?}");
}

#[test]
fn quit_may_come_early_where_the_mail_was_refused_and_nowhere_else() {
    let refused = "S: 220\nC: MAIL FROM:<>\nS: 550 no\nC: MAIL FROM:<a@b>\n\
                   S: 550 no\nC: QUIT\nS: 221\n";
    let client = |address| {
        let heard = send(address, b"MAIL FROM:<>\r\nQUIT\r\n");
        assert_eq!(heard, b"220\r\n550 no\r\n221 Bye\r\n");
    };
    assert_eq!(notes(refused, client), ["line 8: QUIT comes early"]);
    let at_once = |address| drop(send(address, b"QUIT\r\n"));
    let got = failure(play_lines(refused, at_once));
    assert_eq!(got, wanted(2, "wrong line", "C: QUIT"));
    let message = "S: 220\nC: RCPT TO:<a@b>\nS: 550 no\nC: DATA\nS: 354\n\
                   (rest of message)\nS: 250\n";
    let too_early = |address| {
        drop(send(address, b"RCPT TO:<a@b>\r\nQUIT\r\n"));
    };
    let got = failure(play_lines(message, too_early));
    assert_eq!(got, wanted(4, "wrong line", "C: QUIT"));
}

/// Sends all this at once, then reads until the server has closed.
fn send(address: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).unwrap();
    let mut heard = Vec::new();
    let _ = stream.write_all(bytes);
    let _ = stream.read_to_end(&mut heard);
    heard
}

/// The line (the first is 1), the message and what came.
fn failure(played: Outcome) -> (usize, String, String) {
    match played {
        Outcome::Fail(failure) => {
            let Failure { line, message, got, .. } = *failure;
            (line - 4, message, got)
        }
        Outcome::Pass
        | Outcome::Skip(_)
        | Outcome::Lost(_)
        | Outcome::NoServer(_) => {
            panic!("{played:?}")
        }
    }
}

fn wanted(line: usize, message: &str, got: &str) -> (usize, String, String) {
    (line, message.into(), got.into())
}

#[test]
fn commands_that_come_together_are_read_line_by_line() {
    let page = "S: 220 hi\nC: EHLO {name}\nS: 250-hello {name}\nS: 250 X\n\
                C: MAIL FROM:<{who}>{...}\nS: 250\nC: DATA\nS: 354 go\n\
                (rest of message)\nS: 250 stored for {who}\nC: QUIT\n\
                S: 221 bye\n(server closes)\n";
    let client = |address| {
        let heard = send(
            address,
            b"ehlo me\r\nMail From:<a@b> X=1\r\nDATA\r\none\r\n..\r\n\
              .\r\nquit\r\n",
        );
        let wanted = "220 hi\r\n250-hello me\r\n250 X\r\n250\r\n354 go\r\n\
                      250 stored for a@b\r\n221 bye\r\n";
        assert_eq!(String::from_utf8(heard).unwrap(), wanted);
    };
    assert_eq!(play_lines(page, client), Outcome::Pass);
}

#[test]
fn a_wrong_line_is_quoted_with_what_was_expected() {
    let page = "S: 220 hi\nC: HELO {name}\nS: 250 OK\n";
    let client = |address| drop(send(address, b"RCPT TO:<\x1b>\r\n"));
    let played = play_lines(page, client);
    let Outcome::Fail(failure) = &played else {
        panic!("{played:?}");
    };
    assert_eq!(failure.expected, "C: HELO {name}");
    let got = wanted(2, "wrong line", "C: RCPT TO:<\\x1b>");
    assert_eq!(self::failure(played), got);
}

#[test]
fn in_a_message_every_letter_counts() {
    let page = "S: 354 go\nC: Subject: x\nC: .\nS: 250 OK\n";
    let good = |address| drop(send(address, b"Subject: x\r\n.\r\n"));
    assert_eq!(play_lines(page, good), Outcome::Pass);
    let bad = |address| drop(send(address, b"SUBJECT: x\r\n.\r\n"));
    let got = wanted(2, "wrong line", "C: SUBJECT: x");
    assert_eq!(failure(play_lines(page, bad)), got);
}

#[test]
fn a_bare_lf_ends_no_line_rfc_5321_2_3_8() {
    let pages = ["S: 220 hi\nC: HELO x\n", "S: 354 hi\n(rest of message)\n"];
    for page in pages {
        let client = |address| drop(send(address, b"HELO x\n.\n"));
        assert_eq!(play_lines(page, client), Outcome::Pass);
        // The page about line ends lets nothing pass.
        let head = HEAD.trim_end();
        let page = format!("{head}\nCause: line-ends\n\n{page}");
        let played = play_file(&page, LATE, client).outcome;
        let Outcome::Fail(failure) = &played else {
            panic!("{played:?}");
        };
        assert!(failure.hint.as_ref().unwrap().contains("CR LF"));
        let message = "malformed line: a bare LF ends it";
        let got = wanted(3, message, "C> HELO x\\n");
        assert_eq!(self::failure(played), got);
    }
}

#[test]
fn a_line_without_end_is_not_kept() {
    let client = |address| drop(send(address, &vec![b'x'; 100_000]));
    let (line, message, _) = failure(play_lines("S: 220\nC: {...}\n", client));
    let reason = "malformed line: a line of more than 65,536 bytes";
    assert_eq!((line, message.as_str()), (2, reason));
}

#[test]
fn a_client_that_goes_too_early_fails() {
    let page = "S: 220 hi\nC: HELO x\nS: 250 x\n";
    let client = |address| drop(TcpStream::connect(address).unwrap());
    let (line, message, got) = failure(play_lines(page, client));
    let how = ["the client closed", "the client reset the connection"];
    assert!(how.contains(&message.as_str()), "{message}");
    assert_eq!((line, got.as_str()), (2, "nothing"));
}

#[test]
fn a_client_that_says_nothing_fails_at_the_deadline() {
    let client = |address| drop(send(address, b"QUI"));
    let got = failure(play_in_haste("S: 220 hi\nC: QUIT\n", client));
    assert_eq!(got, wanted(2, "no line within 1 s", "C> QUI"));
    let got = failure(play_in_haste("S: 220 hi\n(client closes)\n", |a| {
        drop(send(a, b""));
    }));
    let message = "no end of the connection within 1 s";
    assert_eq!(got, wanted(2, message, "nothing"));
}

#[test]
fn a_client_that_should_hang_up_says_nothing_more() {
    let page = "S: 421 bye\n(client closes)\n";
    let quits = |address| drop(send(address, b"QUIT\r\n"));
    let got = failure(play_lines(page, quits));
    assert_eq!(got, wanted(2, "the client said more", "C: QUIT"));
    let goes = |address| drop(TcpStream::connect(address).unwrap());
    assert_eq!(play_lines(page, goes), Outcome::Pass);
}

#[test]
fn a_client_that_should_wait_is_heard() {
    let page = "(client connects)\n(wait 100ms)\nS: 220 hi\n";
    let hasty = |address| drop(send(address, b"HELO x\r\n"));
    let got = failure(play_lines(page, hasty));
    assert_eq!(got, wanted(2, "the client said more", "C: HELO x"));
    let patient = |address| drop(send(address, b""));
    assert_eq!(play_lines(page, patient), Outcome::Pass);
}

#[test]
fn exact_bytes_are_said_and_heard() {
    let page = "S> 220 a\\r\\n220{2*!}\\n\nC> QUIT\\n\nS: 221\n";
    let client = |address| {
        let heard = send(address, b"QUIT\n");
        assert_eq!(heard, b"220 a\r\n220!!\n221\r\n");
    };
    assert_eq!(play_lines(page, client), Outcome::Pass);
    let other = |address| drop(send(address, b"QUIT\r\n"));
    let got = failure(play_lines(page, other));
    assert_eq!(got, wanted(2, "wrong bytes", "C> QUIT\\r"));
    let hole = failure(play_lines("C> {...}\n", other));
    assert_eq!(hole.1, "a hole after C> may be of any length");
}

#[test]
fn a_hole_that_has_no_value_cannot_be_said() {
    let client = |address| drop(send(address, b""));
    let got = failure(play_lines("S: 220 {host} x\n", client));
    assert_eq!(got, wanted(1, "{host} has no value yet", ""));
}

#[test]
fn a_second_client_is_for_the_lines_below_the_first() {
    let page = "S: 450 later\n(server closes)\nS: 250 now\n";
    let client = |address| {
        assert_eq!(send(address, b""), b"450 later\r\n");
        assert_eq!(send(address, b""), b"250 now\r\n");
    };
    assert_eq!(play_lines(page, client), Outcome::Pass);
    let once = |address| drop(send(address, b""));
    let got = failure(play_in_haste(page, once));
    assert_eq!(got, wanted(3, "nobody came within 1 s", "nothing"));
}

#[test]
fn clients_with_numbers_take_turns() {
    let page = "S1: 220 one\nS2: 220 two\nC1: NOOP\nS1: 250 one\nC2: DATA\n\
                S2: 354 two\n(rest of message)\nS2: 250 two\n\
                (server closes 2)\n(server closes 1)\n";
    let client = |address| {
        let mut first = TcpStream::connect(address).unwrap();
        let mut greeting = String::new();
        let _ = BufReader::new(&first).read_line(&mut greeting);
        assert_eq!(greeting, "220 one\r\n");
        first.write_all(b"NOOP\r\n").unwrap();
        let heard = send(address, b"DATA\r\n.\r\n");
        assert_eq!(heard, b"220 two\r\n354 two\r\n250 two\r\n");
    };
    assert_eq!(play_lines(page, client), Outcome::Pass);
}

#[test]
fn a_reply_without_end_is_never_in_memory_and_the_client_may_go() {
    let page = "S> {60000000*2}\n(client closes)\n";
    let client = |address| {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.read_exact(&mut [0; 1000]).unwrap();
    };
    assert_eq!(play_lines(page, client), Outcome::Pass);
}

#[test]
fn a_client_that_does_not_read_meets_the_deadline() {
    let client = |address| {
        let stream = TcpStream::connect(address).unwrap();
        // The page gives up at its deadline, and hangs up.
        thread::sleep(SOON * 3);
        drop(stream);
    };
    let got = failure(play_in_haste("S> {60000000*2}\n", client));
    let message = "the client did not read within 1 s";
    assert_eq!(got, wanted(1, message, ""));
}

#[test]
fn nobody_comes_and_it_ends_all_the_same() {
    let played = play_in_haste("S: 220 hi\n", |_| ());
    let reason = "nobody came within 1 s".to_owned();
    assert_eq!(played, Outcome::Skip(reason));
}

#[test]
fn a_file_that_plays_the_client_is_skipped() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let minimal = testing::read(MINIMAL).unwrap();
    let played = play(listener, &minimal, LATE);
    let reason = "it plays the client".to_owned();
    assert_eq!(played.outcome, Outcome::Skip(reason));
}

#[test]
fn a_played_server_has_no_mailbox() {
    let page = format!("{HEAD}(mailbox bob@example.org is empty)\n");
    let error = testing::read(&page).unwrap_err();
    assert_eq!(error.message, "expected this only with `Plays: client`");
}

/// A message between its commands.
const MESSAGE_PAGE: &str = "S: 354 go\n(rest of message)\nM: Subject: x\n\
                            M: ...\nM:\nM: {2*.x\\n}end\nS: 250\n";

#[test]
fn what_arrives_is_what_was_given_without_the_dots_that_were_doubled() {
    let good = |address| {
        let lines =
            b"Subject: x\r\nX-Mailer: y\r\n\r\n..x\r\n..x\r\nend\r\n.\r\n";
        drop(send(address, lines));
    };
    assert_eq!(play_lines(MESSAGE_PAGE, good), Outcome::Pass);
    let not_doubled = |address| {
        let lines = b"Subject: x\r\n\r\n..x\r\n.x\r\nend\r\n.\r\n";
        drop(send(address, lines));
    };
    let what = "the message did not arrive as it was";
    let played = play_lines(MESSAGE_PAGE, not_doubled);
    assert_eq!(failure(played), wanted(6, what, "M: x"));
    let cut = |address| drop(send(address, b"Subject: x\r\n\r\n.\r\n"));
    let played = play_lines(MESSAGE_PAGE, cut);
    assert_eq!(failure(played), wanted(6, what, "the message ends"));
}

#[test]
fn a_message_in_other_words_is_not_compared_but_its_bits_may_be_counted() {
    let client: Client = |address| drop(send(address, b"\xe4\r\n.\r\n"));
    let page = |form: &str| {
        format!("S: 354 go\n(rest of message in {form})\nM: other\nS: 250\n")
    };
    let played = play_lines(&page("other words"), client);
    assert_eq!(played, Outcome::Pass);
    let played = play_lines(&page("7 bits"), client);
    let got = wanted(2, "a byte over 127 in the message", r"C: \xe4");
    assert_eq!(failure(played), got);
}

#[test]
fn a_client_may_leave_early_where_the_page_says_so_and_only_there() {
    let page = "S: 220\nC: MAIL\n(also right: QUIT)\nS: 250\nC: DATA\n\
                S: 354\n(client closes)\n";
    let at_once = |address| {
        let heard = send(address, b"QUIT\r\n");
        assert_eq!(heard, b"220\r\n221 Bye\r\n");
    };
    assert_eq!(play_lines(page, at_once), Outcome::Pass);
    let later = |address| drop(send(address, b"MAIL\r\nQUIT\r\n"));
    let played = play_lines(page, later);
    assert_eq!(failure(played), wanted(5, "wrong line", "C: QUIT"));
}

#[test]
fn rset_and_noop_are_right_at_any_time_rfc_5321_4_1_4() {
    let page = "S: 220\nC: EHLO {x}\nS: 250\nC: QUIT\nS: 221\n";
    let client = |address| {
        let heard = send(address, b"NOOP\r\nEHLO a\r\nrset\r\nQUIT\r\n");
        let wanted = "220\r\n250 OK\r\n250\r\n250 OK\r\n221\r\n";
        assert_eq!(String::from_utf8(heard).unwrap(), wanted);
    };
    assert_eq!(play_lines(page, client), Outcome::Pass);
}
