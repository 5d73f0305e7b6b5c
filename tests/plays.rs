//! Real clients against servers that fail on purpose: swaks, curl, msmtp and
//! Python's smtplib talk to every page of `transcripts/clients/`.
//!
//! For each page and each client two things are checked: whether the client
//! says that the mail is delivered (exit code 0), and whether it kept to the
//! page. Where it did not, the table says what it did instead. So the table is
//! also a list of what programs that work every day make of the RFC.
//!
//! Our own client plays them, too: it has to keep to every one, and to know what
//! has become of the mail. Wrong clients are played by hand below: each must be
//! caught.

// A test fails by panicking.
#![allow(clippy::expect_used, clippy::panic)]

mod support;

use pillarbox::protocol::address::{ReversePath, mailbox};
use pillarbox::protocol::decision::Class;
use pillarbox::protocol::outcome::Settled;
use pillarbox::protocol::outgoing::Envelope;
use pillarbox::relay::client::{Courier, Orders, survey};
use pillarbox::relay::route::Target;
use pillarbox::transcript::format::parse::{parse, read};
use pillarbox::transcript::format::script::Transcript;
use pillarbox::transcript::judge::failure::Failure;
use pillarbox::transcript::play::as_server::play;
use pillarbox::transcript::play::outcome::Outcome;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use support::DEADLINE;
use support::needs;
use support::programs::{
    self, CURL, Client, MSMTP, PYTHON, SWAKS, curl, msmtp, smtplib, swaks,
};

/// What a client does with a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Does {
    /// Delivers the mail, as the page has it, and says so.
    Delivers,
    /// Does not deliver it, as the page has it, and says so.
    Fails,
    /// Says that it failed, and did this where the page has something else.
    /// "nothing": it hung up, or fell silent.
    FailsBy(&'static str),
}

use Does::{Delivers, Fails, FailsBy};

/// Hangs up without QUIT: "The sender MUST NOT intentionally close the
/// transmission channel until it sends a QUIT command" (RFC 5321 4.1.1.10).
const HANGS_UP: Does = FailsBy("nothing");

/// A page, and what swaks, curl, msmtp and smtplib do with it.
type Row = (&'static str, [Does; 4]);

/// swaks 20201014, curl 7.88, msmtp 1.8.23, Python 3.11.
const TABLE: [Row; 44] = [
    ("plain", [Delivers; 4]),
    ("helo-only", [Delivers; 4]),
    ("helo-with-list", [Delivers; 4]),
    ("multi-line", [Delivers; 4]),
    ("slow", [Delivers; 4]),
    // swaks waits for a blank that never comes; msmtp takes the line for no
    // reply at all.
    ("bare-code", [HANGS_UP, Delivers, HANGS_UP, Delivers]),
    // The same command twice delivers it: none of them tries again by itself.
    // msmtp hangs up the first time.
    ("greylisting", [Delivers, Delivers, HANGS_UP, Delivers]),
    ("later-greeting", [Fails; 4]),
    // All four say HELO after any refusal of EHLO.
    ("later-hello", [HELO, HELO, HELO, FailsBy("C: helo client.example")]),
    ("later-mail", [Fails, Fails, HANGS_UP, Fails]),
    ("later-rcpt", [Fails, Fails, HANGS_UP, Fails]),
    ("later-data", [Fails, Fails, HANGS_UP, Fails]),
    ("later-dot", [Fails, Fails, HANGS_UP, Fails]),
    // Only swaks is polite to a server that does not want it.
    ("never-greeting", [Fails, HANGS_UP, HANGS_UP, HANGS_UP]),
    ("never-hello", [Fails, HANGS_UP, HANGS_UP, Fails]),
    ("never-mail", [Fails, Fails, HANGS_UP, Fails]),
    ("never-rcpt", [Fails, Fails, HANGS_UP, Fails]),
    ("never-data", [Fails, Fails, HANGS_UP, Fails]),
    ("never-dot", [Fails, Fails, HANGS_UP, Fails]),
    // curl and msmtp send to all or to nobody; the RFC allows that. smtplib
    // sends to Bob and tells of the other (our script then exits with 1).
    ("one-of-two", [Delivers, FailsBy("C: QUIT"), HANGS_UP, Fails]),
    ("full-after-one", [Delivers, FailsBy("C: QUIT"), HANGS_UP, Fails]),
    ("later-rcpt-never-data", [Fails, FailsBy("C: QUIT"), HANGS_UP, Fails]),
    ("never-rcpt-later-data", [Fails, FailsBy("C: QUIT"), HANGS_UP, Fails]),
    // Only msmtp sends commands in a group; after the 354 it hangs up.
    ("pipelined-later", NO_GROUP),
    ("pipelined-none", NO_GROUP),
    // All but curl want 250 and nothing else. curl goes on, and takes the last
    // 258 for a failure: the mail is delivered, and its user does not know.
    (
        "unknown-success",
        [FailsBy("C: QUIT"), Fails, HANGS_UP, FailsBy("C: rset")],
    ),
    ("unknown-refusal", [Fails, Fails, HANGS_UP, Fails]),
    // msmtp goes by the first line; the others by the last.
    ("code-changes", [Fails; 4]),
    ("endless", [Fails; 4]),
    ("later-in-text", [Fails; 4]),
    ("never-in-text", [Fails; 4]),
    ("closing-hello", [Fails; 4]),
    ("closing-mail", [Fails; 4]),
    ("closing-rcpt", [Fails, FailsBy("C: QUIT"), HANGS_UP, Fails]),
    ("closing-data", [Fails; 4]),
    ("closing-dot", [Fails; 4]),
    ("hang-up-greeting", [Fails; 4]),
    ("hang-up-hello", [Fails; 4]),
    ("hang-up-mail", [Fails; 4]),
    ("hang-up-rcpt", [Fails; 4]),
    ("hang-up-data", [Fails; 4]),
    ("hang-up-in-data", [Fails; 4]),
    ("hang-up-after-dot", [Fails; 4]),
    // swaks and msmtp do not use SIZE.
    ("size", [NO_SIZE, Fails, NO_SIZE, Fails]),
];

const HELO: Does = FailsBy("C: HELO client.example");

const NO_GROUP: [Does; 4] =
    [FailsBy("C: QUIT"), FailsBy("C: QUIT"), HANGS_UP, FailsBy("C: rset")];

const NO_SIZE: Does = FailsBy("C: MAIL FROM:<alice@client.example>");

/// What our own client makes of each page, for each recipient: D, L and N for
/// delivered, later and never. It keeps to every page.
const OURS: [(&str, &str); 44] = [
    ("plain", "D"),
    ("helo-only", "D"),
    ("helo-with-list", "D"),
    ("multi-line", "D"),
    ("slow", "D"),
    ("bare-code", "D"),
    // It is asked for two deliveries.
    ("greylisting", "L, then D"),
    ("later-greeting", "L"),
    ("later-hello", "L"),
    ("later-mail", "L"),
    ("later-rcpt", "L"),
    ("later-data", "L"),
    ("later-dot", "L"),
    ("never-greeting", "N"),
    ("never-hello", "N"),
    ("never-mail", "N"),
    ("never-rcpt", "N"),
    ("never-data", "N"),
    ("never-dot", "N"),
    ("one-of-two", "D N"),
    ("full-after-one", "D L"),
    ("later-rcpt-never-data", "L N"),
    ("never-rcpt-later-data", "N L"),
    ("pipelined-later", "L"),
    ("pipelined-none", "N"),
    ("unknown-success", "D"),
    ("unknown-refusal", "N"),
    ("code-changes", "L"),
    ("endless", "L"),
    ("later-in-text", "L"),
    ("never-in-text", "N"),
    ("closing-hello", "L"),
    ("closing-mail", "L"),
    ("closing-rcpt", "N L"),
    ("closing-data", "L"),
    ("closing-dot", "L"),
    ("hang-up-greeting", "L"),
    ("hang-up-hello", "L"),
    ("hang-up-mail", "L"),
    ("hang-up-rcpt", "L"),
    ("hang-up-data", "L"),
    ("hang-up-in-data", "L"),
    ("hang-up-after-dot", "L"),
    // It stops before MAIL, as the page allows; the page goes on with MAIL.
    ("size", "N"),
];

#[test]
fn our_own_client_keeps_to_every_page_and_says_what_became_of_the_mail() {
    let pages = TABLE.map(|(page, _)| page);
    assert_eq!(BTreeSet::from(pages), BTreeSet::from(OURS.map(|(p, _)| p)));
    let mut wrong = Vec::new();
    for (page, ends) in OURS {
        let (address, stage) = put_on(on_page(page), DEADLINE);
        let mut found = send(address, page);
        if page == "greylisting" {
            found = format!("{found}, then {}", send(address, page));
        }
        let played = stage.join().expect("the play does not panic");
        let is_so = match &played {
            Outcome::Fail(failure) => {
                page == "size" && failure.got == "C: QUIT"
            }
            Outcome::Pass => page != "size",
            Outcome::Skip(_) | Outcome::Lost(_) | Outcome::NoServer(_) => false,
        };
        if found != ends || !is_so {
            wrong.push(format!("{page}: {found}, not {ends}; {played:?}"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// One delivery by our own client, to the page alone.
fn send(socket: SocketAddr, page: &str) -> String {
    let mailbox = |text: &str| mailbox(text).expect("an address");
    let text =
        || -> io::Result<Box<dyn Read>> { Ok(Box::new(MESSAGE.as_bytes())) };
    let survey = survey(text().expect("a text")).expect("a text");
    let recipients = recipients(page);
    let envelope = Envelope {
        reverse_path: ReversePath::Mailbox(mailbox(programs::SENDER)),
        recipients: recipients.iter().map(|to| mailbox(to)).collect(),
        needs: survey.needs(false, true),
    };
    let orders = Orders {
        name: programs::CLIENT,
        timeout_cap: DEADLINE,
        observer: &|_| {},
    };
    let target = Target { host: "mx.example.org".into(), address: socket };
    let report = Courier::new(orders).deliver(&[target], &envelope, &text);
    let letter = |settled: &Settled| match settled.outcome.class {
        Class::Delivered => "D",
        Class::Temporary => "L",
        Class::Permanent => "N",
    };
    let letters: Vec<&str> = report.settled.iter().map(letter).collect();
    letters.join(" ")
}

#[test]
fn swaks_does_with_every_page_what_the_table_says() {
    if needs(SWAKS) {
        check_column(0, swaks);
    }
}

#[test]
fn curl_does_with_every_page_what_the_table_says() {
    if needs(CURL) {
        check_column(1, curl);
    }
}

#[test]
fn msmtp_does_with_every_page_what_the_table_says() {
    if needs(MSMTP) {
        check_column(2, msmtp);
    }
}

#[test]
fn smtplib_does_with_every_page_what_the_table_says() {
    if needs(PYTHON) {
        check_column(3, smtplib);
    }
}

#[test]
fn every_page_stands_in_the_table() {
    let names = |path: PathBuf| {
        let name = path.file_stem().expect("a name");
        name.to_string_lossy().into_owned()
    };
    let pages: BTreeSet<String> = fs::read_dir(folder())
        .expect("a folder of pages")
        .map(|entry| names(entry.expect("a page").path()))
        .collect();
    let rows = TABLE.map(|(page, _)| page.to_owned());
    assert_eq!(pages, BTreeSet::from(rows));
}

/// Runs one client against all pages, and tells of all differences at once.
fn check_column(column: usize, client: Client) {
    let mut wrong = Vec::new();
    for (page, row) in TABLE {
        let does = row.get(column).expect("four clients");
        if let Err(reason) = check(page, client, *does) {
            wrong.push(format!("{page}: it {does:?} no longer: {reason}"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// Runs one client against one page.
fn check(page: &str, client: Client, does: Does) -> Result<(), String> {
    let desk = tempfile::tempdir().expect("a temporary folder");
    let file = desk.path().join("message");
    fs::write(&file, MESSAGE).expect("a file is written");
    let (address, stage) = put_on(on_page(page), deadline(page));
    let run = || {
        let mut command = client(address.port(), &recipients(page), &file);
        let input = File::open(&file).expect("the file is there");
        programs::run(&mut command, input.into(), desk.path())
    };
    if page == "greylisting" && run().well {
        return Err("a mail that was put off is delivered".into());
    }
    let ended = run();
    let played = stage.join().expect("the play does not panic");
    let is_so = match (does, &played) {
        (Delivers, Outcome::Pass) => ended.well,
        (Fails, Outcome::Pass) => !ended.well,
        (FailsBy(got), Outcome::Fail(failure)) => {
            !ended.well && failure.got == got
        }
        _ => false,
    };
    match is_so {
        true => Ok(()),
        false => Err(format!("{played:?}\n{}", ended.printed)),
    }
}

fn recipients(page: &str) -> Vec<String> {
    let mut to = vec!["bob@example.org".to_owned()];
    match page {
        "one-of-two" => to.push("nobody@example.org".into()),
        "closing-rcpt"
        | "full-after-one"
        | "later-rcpt-never-data"
        | "never-rcpt-later-data" => to.push("carol@example.org".into()),
        _ => {}
    }
    to
}

/// swaks never answers a bare code, so there the deadline is really waited for.
fn deadline(page: &str) -> Duration {
    match page {
        "bare-code" => Duration::from_secs(5),
        _ => DEADLINE,
    }
}

const MESSAGE: &str = "From: Alice <alice@client.example>\n\
    To: bob@example.org\n\
    Subject: hello\n\
    Date: Mon, 02 Mar 2026 09:30:00 +0000\n\
    Message-ID: <1@client.example>\n\
    \n\
    Hello Bob.\n";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("transcripts/clients")
}

fn on_page(page: &str) -> Transcript {
    let path = folder().join(page).with_extension("txt");
    read(&path).unwrap_or_else(|error| panic!("{error}"))
}

/// Plays a transcript in a thread, on a free port.
fn put_on(
    transcript: Transcript,
    deadline: Duration,
) -> (SocketAddr, JoinHandle<Outcome>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("its address");
    let stage = thread::spawn(move || play(listener, &transcript, deadline));
    (address, stage)
}

/// Says all this to the page `plain`, hangs up, and gives the failure.
fn wrong_client(words: &str) -> Failure {
    let (address, stage) = put_on(on_page("plain"), DEADLINE);
    let mut stream = TcpStream::connect(address).expect("a server");
    stream.set_read_timeout(Some(DEADLINE)).expect("a time that is not zero");
    // The page waits first: a client that spoke now would fail.
    stream.read_exact(&mut [0; 3]).expect("a greeting");
    // After the first wrong word the server may be gone.
    let _ = stream.write_all(words.as_bytes());
    let _ = stream.shutdown(Shutdown::Write);
    failure(stage)
}

fn failure(stage: JoinHandle<Outcome>) -> Failure {
    match stage.join().expect("the play does not panic") {
        Outcome::Fail(failure) => *failure,
        played @ (Outcome::Pass
        | Outcome::Skip(_)
        | Outcome::Lost(_)
        | Outcome::NoServer(_)) => {
            panic!("{played:?}")
        }
    }
}

#[test]
fn a_client_that_says_rcpt_first_is_caught() {
    let words = "EHLO client.example\r\nRCPT TO:<bob@example.org>\r\n";
    let failure = wrong_client(words);
    assert_eq!(failure.message, "wrong line");
    assert_eq!(failure.expected, "C: MAIL FROM:<alice@client.example>");
    assert_eq!(failure.got, "C: RCPT TO:<bob@example.org>");
}

#[test]
fn a_client_that_ends_its_lines_in_lf_alone_is_caught() {
    let failure = wrong_client("EHLO client.example\n");
    assert_eq!(failure.message, "malformed line: a bare LF ends it");
    assert_eq!(failure.got, "C> EHLO client.example\\n");
    assert!(failure.to_string().contains("RFC 5321 2.3.8"), "{failure}");
}

#[test]
fn a_client_that_writes_a_blank_after_the_colon_is_caught() {
    let words = "EHLO client.example\r\nMAIL FROM: <alice@client.example>\r\n";
    let failure = wrong_client(words);
    assert_eq!(failure.got, "C: MAIL FROM: <alice@client.example>");
}

#[test]
fn a_client_that_hangs_up_without_quit_is_caught() {
    let words = "EHLO client.example\r\nMAIL FROM:<alice@client.example>\r\n\
                 RCPT TO:<bob@example.org>\r\nDATA\r\nHello\r\n.\r\n";
    let failure = wrong_client(words);
    assert_eq!(failure.expected, "C: QUIT");
    assert_eq!(failure.message, "the client closed");
    assert_eq!(failure.got, "nothing");
}

#[test]
fn a_client_that_does_not_wait_for_the_greeting_is_caught() {
    let (address, stage) = put_on(on_page("plain"), DEADLINE);
    let mut stream = TcpStream::connect(address).expect("a server");
    stream.write_all(b"EHLO client.example\r\n").expect("a line");
    let failure = failure(stage);
    assert_eq!(failure.message, "the client said more");
    assert_eq!(failure.got, "C: EHLO client.example");
}

#[test]
fn a_play_that_nobody_comes_to_ends_in_time() {
    let (_, stage) = put_on(on_page("plain"), Duration::from_millis(100));
    let played = stage.join().expect("the play does not panic");
    let reason = "nobody came within 0.1 s".to_owned();
    assert_eq!(played, Outcome::Skip(reason));
}

#[test]
fn a_page_for_a_server_that_looks_into_a_mailbox_is_refused() {
    let page = b"Title: t\nLevel: own\nPlays: server\n\nS: 220\n\
                 (mailbox bob@example.org has 1 message)\n";
    let error = parse(Path::new("page.txt"), page).expect_err("a mailbox");
    let wanted = "page.txt:6: expected this only with `Plays: client`";
    assert_eq!(error.to_string(), wanted);
}
