//! Real clients against servers that fail on purpose: swaks, curl, msmtp and
//! Python's smtplib talk to every page of `transcripts/clients/`.
//!
//! Each keeps to a page, and says of the mail what the page's `Outcome:` is; or
//! the table has what it did instead. So the table is also a list of what
//! programs that work every day make of the RFC. `book/clients-matrix.md` has
//! more of them.
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
use pillarbox::transcript::format::folder::read_all;
use pillarbox::transcript::format::parse::{parse, read};
use pillarbox::transcript::format::said::Said;
use pillarbox::transcript::format::script::{Action, Transcript};
use pillarbox::transcript::judge::failure::Failure;
use pillarbox::transcript::play::as_server::play;
use pillarbox::transcript::play::clients::Clients;
use pillarbox::transcript::play::outcome::{Outcome, Played};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use support::DEADLINE;
use support::needs;
use support::programs::{self, CURL, MSMTP, PYTHON, SWAKS};

/// A page, and what a client did there instead: the line that came, or what it
/// said of the mail. "nothing": it hung up, or fell silent.
type Exception = (&'static str, &'static str);

/// After a refusal of any kind all of them say HELO.
const HELO: Exception = ("later-hello", "C: HELO client.example");

/// They do not use 8BITMIME, or leave out what needs it.
const EIGHT_BITS: [Exception; 2] = [
    ("8-bit", MAIL),
    ("8-bit-not-offered", r"C: Gr\xc3\xbc\xc3\x9fe, 5 \xe2\x82\xac"),
];

const MAIL: &str = "C: MAIL FROM:<alice@client.example>";

/// A CR in the middle of a line goes out as it is.
const BARE_CR: Exception = ("bare-cr", r"C> one\rtwo\r\n");

const SENT: &str = "exit code 0: sent";

/// swaks 20201014. It waits for a blank that never comes (bare-code), adds an
/// empty line, and does not say that one recipient of two was refused.
const OF_SWAKS: [Exception; 6] = [
    ("bare-code", "nothing"),
    ("no-extra-line", "M: "),
    ("one-of-two", SENT),
    ("full-after-one", SENT),
    ("size", MAIL),
    // Nobody says goodbye: it calls that a failure, after the 250.
    ("hang-up-quit", "exit code 6: refused or later"),
];

/// curl 7.88. It sends to all or to nobody; the RFC allows that. It takes the
/// last 258 for a failure: the mail is delivered, and its user does not know.
const OF_CURL: [Exception; 3] = [
    ("one-of-two", "C: QUIT"),
    ("full-after-one", "C: QUIT"),
    ("unknown-success", "exit code 8: refused or later"),
];

/// msmtp 1.8.23. It hangs up after every refusal: "The sender MUST NOT
/// intentionally close the transmission channel until it sends a QUIT command"
/// (RFC 5321 4.1.1.10). A line without a blank is no reply to it.
const OF_MSMTP: [Exception; 7] = [
    ("goodbye", "nothing"),
    ("bare-code", "nothing"),
    ("one-of-two", "nothing"),
    ("full-after-one", "nothing"),
    ("pipelined-none", "nothing"),
    ("unknown-success", "nothing"),
    ("size", MAIL),
];

/// smtplib of Python 3.11. It wants 250 and nothing else, as swaks and msmtp
/// do. 552 after an accepted recipient is no "never" (RFC 5321 4.5.3.1.10).
const OF_SMTPLIB: [Exception; 2] = [
    ("full-after-one", "exit code 69: refused"),
    ("unknown-success", "C: QUIT"),
];

/// What our own client makes of each page, for each recipient: D, L and N for
/// delivered, later and never. Pages that want a message of their own are not
/// here: `pillarbox send` plays them below.
const OURS: [(&str, &str); 49] = [
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
    ("later-helo", "L"),
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
    ("hang-up-helo", "L"),
    ("hang-up-mail", "L"),
    ("hang-up-rcpt", "L"),
    ("hang-up-data", "L"),
    ("hang-up-in-data", "L"),
    ("hang-up-after-dot", "L"),
    ("hang-up-quit", "D"),
    ("goodbye", "N"),
    ("says-ehlo", "L"),
    // It stops before MAIL, as the page allows.
    ("size", "N"),
];

#[test]
fn our_own_client_keeps_to_every_page_and_says_what_became_of_the_mail() {
    let mut wrong = Vec::new();
    for (page, ends) in OURS {
        let (address, stage) = put_on(on_page(page), DEADLINE);
        let mut found = send(address, page);
        if page == "greylisting" {
            found = format!("{found}, then {}", send(address, page));
        }
        let played = stage.join().expect("the play does not panic");
        if found != ends || played.outcome != Outcome::Pass {
            wrong.push(format!("{page}: {found}, not {ends}; {played:?}"));
        }
        assert_eq!(played.notes, [""; 0], "{page}");
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_page_without_a_message_of_its_own_is_in_our_table() {
    let wants_one = |page: &&Transcript| {
        page.steps.iter().any(|step| {
            matches!(&step.action, Action::RestOfMessage(message)
                if !message.lines.is_empty())
        })
    };
    let pages = pages();
    let others = pages.iter().filter(|page| !wants_one(page));
    let names: BTreeSet<String> = others.map(name).collect();
    assert_eq!(names, BTreeSet::from(OURS.map(|(page, _)| page.to_owned())));
    assert!(pages.len() > OURS.len());
}

#[test]
fn pillarbox_send_passes_every_page_and_tells_later_from_never() {
    let program = env!("CARGO_BIN_EXE_pillarbox");
    let clients = Clients {
        tells: vec![
            (Said::Refused, 69),
            (Said::Refused, 65),
            (Said::Later, 75),
        ],
        ..clients(format!(
            "'{program}' send --server 127.0.0.1:{{port}} --from {{from}} \
             --to={{recipients}} --raw {{message}}"
        ))
    };
    assert_eq!(exceptions(&clients), BTreeMap::new());
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
        let command = driver("send-swaks", "{message}");
        check(
            &command,
            &[
                &[HELO],
                &EIGHT_BITS,
                &[BARE_CR],
                &[
                    // It wants 250 and nothing else.
                    ("unknown-success", "C: QUIT"),
                ],
                &OF_SWAKS,
            ],
        );
    }
}

#[test]
fn curl_does_with_every_page_what_the_table_says() {
    if needs(CURL) {
        let command = driver("send-curl", "{message}");
        let all: [&[Exception]; 4] =
            [&[HELO], &EIGHT_BITS, &[BARE_CR], &OF_CURL];
        check(&command, &all);
    }
}

#[test]
fn msmtp_does_with_every_page_what_the_table_says() {
    if needs(MSMTP) {
        let command = driver("send-msmtp", "{message}");
        check(&command, &[&[HELO], &EIGHT_BITS, &[BARE_CR], &OF_MSMTP]);
    }
}

#[test]
fn smtplib_does_with_every_page_what_the_table_says() {
    if needs(PYTHON) {
        let command = driver("send-smtplib.py", "{message-crlf}");
        // It writes its verbs in small letters.
        let small = [("later-hello", "C: helo client.example")];
        let [_, not_offered] = EIGHT_BITS;
        let all: [&[Exception]; 3] =
            [&small, &[not_offered, BARE_CR], &OF_SMTPLIB];
        check(&format!("python3 {command}"), &all);
    }
}

/// The command of a driver of the matrix.
fn driver(name: &str, message: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers");
    let path = folder.join("clients").join(name);
    format!("'{}' {{port}} {{from}} {message} {{recipients}}", path.display())
}

/// swaks never answers a bare code, so there the deadline is really waited for.
const PATIENCE: Duration = Duration::from_secs(10);

fn clients(command: String) -> Clients {
    Clients {
        command,
        tells: Vec::new(),
        wait: DEADLINE,
        deadline: PATIENCE,
        jobs: 4,
        judges_own: false,
    }
}

/// Where the clients did something else, and what.
fn exceptions(clients: &Clients) -> BTreeMap<String, String> {
    let pages = pages();
    let played = clients.all(&pages, &mut |_| {});
    assert_eq!(played.len(), pages.len());
    let mut found = BTreeMap::new();
    for (page, played) in pages.iter().zip(played) {
        match played.outcome {
            Outcome::Pass => None,
            Outcome::Fail(failure) => found.insert(name(page), failure.got),
            other @ (Outcome::Skip(_)
            | Outcome::Lost(_)
            | Outcome::NoServer(_)) => panic!("{}: {other:?}", name(page)),
        };
    }
    found
}

/// Runs one client against all pages, and tells of all differences at once.
fn check(command: &str, exceptions: &[&[Exception]]) {
    let wanted: BTreeMap<String, String> = exceptions
        .concat()
        .into_iter()
        .map(|(page, got)| (page.to_owned(), got.to_owned()))
        .collect();
    let mut clients = clients(command.to_owned());
    if command.contains("smtplib") {
        clients.tells = vec![(Said::Refused, 69), (Said::Later, 75)];
    }
    let found = self::exceptions(&clients);
    assert_eq!(found, wanted);
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

fn pages() -> Vec<Transcript> {
    read_all(&folder()).expect("a folder of pages")
}

fn name(page: &Transcript) -> String {
    let name = page.path.file_stem().expect("a name");
    name.to_string_lossy().into_owned()
}

fn on_page(page: &str) -> Transcript {
    let path = folder().join(page).with_extension("txt");
    read(&path).unwrap_or_else(|error| panic!("{error}"))
}

/// Plays a transcript in a thread, on a free port.
fn put_on(
    transcript: Transcript,
    deadline: Duration,
) -> (SocketAddr, JoinHandle<Played>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("its address");
    let stage = thread::spawn(move || play(listener, &transcript, deadline));
    (address, stage)
}

/// Says all this to the page `plain`, hangs up, and gives the failure.
fn wrong_client(words: &str) -> Failure {
    failure(say(words, "plain"))
}

/// Says all this to a page, and hangs up.
fn say(words: &str, page: &str) -> JoinHandle<Played> {
    let (address, stage) = put_on(on_page(page), DEADLINE);
    let mut stream = TcpStream::connect(address).expect("a server");
    stream.set_read_timeout(Some(DEADLINE)).expect("a time that is not zero");
    // The page waits first: a client that spoke now would fail.
    stream.read_exact(&mut [0; 3]).expect("a greeting");
    // After the first wrong word the server may be gone.
    let _ = stream.write_all(words.as_bytes());
    let _ = stream.shutdown(Shutdown::Write);
    stage
}

fn failure(stage: JoinHandle<Played>) -> Failure {
    match stage.join().expect("the play does not panic").outcome {
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
fn lines_that_end_in_lf_alone_are_caught_on_one_page_and_noted_on_the_others() {
    let failure = failure(say("EHLO client.example\n", "line-ends"));
    assert_eq!(failure.message, "malformed line: a bare LF ends it");
    assert_eq!(failure.got, "C> EHLO client.example\\n");
    assert!(failure.to_string().contains("RFC 5321 2.3.8"), "{failure}");
    let words = "EHLO client.example\nMAIL FROM:<alice@client.example>\n\
                 RCPT TO:<bob@example.org>\nDATA\nHello\n.\nQUIT\n";
    let played = say(words, "plain").join().expect("the play does not panic");
    assert_eq!(played.outcome, Outcome::Pass);
    let notes = ["line 16: a line of the client ends in LF alone"];
    assert_eq!(played.notes, notes);
}

#[test]
fn a_client_that_writes_a_blank_after_the_colon_is_caught() {
    let words = "EHLO client.example\r\nMAIL FROM: <alice@client.example>\r\n";
    let failure = wrong_client(words);
    assert_eq!(failure.got, "C: MAIL FROM: <alice@client.example>");
}

#[test]
fn a_client_that_hangs_up_is_caught_on_one_page_and_noted_on_the_others() {
    let begin = "EHLO client.example\r\nMAIL FROM:<alice@client.example>\r\n\
                 RCPT TO:<bob@example.org>\r\n";
    let failure = failure(say(begin, "goodbye"));
    assert_eq!(failure.expected, "C: QUIT");
    assert_eq!(failure.message, "the client closed");
    assert_eq!(failure.got, "nothing");
    let all = format!("{begin}DATA\r\nHello\r\n.\r\n");
    let played = say(&all, "plain").join().expect("the play does not panic");
    assert_eq!(played.outcome, Outcome::Pass);
    assert_eq!(played.notes, ["line 29: the client left without QUIT"]);
    // Where something else must be said, it is no QUIT that is missing.
    let failure = wrong_client(begin);
    assert_eq!(failure.expected, "C: DATA");
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
    let played = stage.join().expect("the play does not panic").outcome;
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
