//! Real clients deliver real mail: swaks, curl, msmtp and Python's smtplib
//! send every message of one table, and what is stored is what was sent.
//!
//! Our own tests say what we think a client does; these say what four clients
//! that other people wrote really do. Readers as well: Python's `mailbox` and
//! mutt open the mailboxes that came of it.
//!
//! A program that is not installed is skipped with a word; where `CI` is set,
//! it fails the test. Nothing here leaves the loopback interface.
//!
//! A test fails by panicking.
#![allow(clippy::expect_used, clippy::panic)]

mod support;

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use support::programs::{
    self, CLIENT, CURL, Client, MSMTP, PYTHON, SENDER, SWAKS, curl, msmtp,
    smtplib, swaks,
};
use support::{Server, needs};
use tempfile::TempDir;

const DOMAIN: &str = "mx.example.org";
const MUTT: &[&str] = &["mutt", "-v"];

#[test]
fn swaks_delivers_every_message_as_it_was_sent() {
    if needs(SWAKS) {
        deliver_all(swaks, what_swaks_makes_of_it);
    }
}

#[test]
fn curl_delivers_every_message_as_it_was_sent() {
    if needs(CURL) {
        deliver_all(curl, <[u8]>::to_vec);
    }
}

#[test]
fn msmtp_delivers_every_message_as_it_was_sent() {
    if needs(MSMTP) {
        deliver_all(msmtp, <[u8]>::to_vec);
    }
}

#[test]
fn smtplib_delivers_every_message_as_it_was_sent() {
    if needs(PYTHON) {
        deliver_all(smtplib, <[u8]>::to_vec);
    }
}

/// The final dot comes at once. curl can do that; swaks will not, msmtp adds a
/// From and a Date, and smtplib's shortest message is one empty line.
#[test]
fn a_message_of_no_bytes_at_all_is_stored() {
    if needs(CURL) {
        let office = Office::open();
        let nothing = Message {
            name: "no bytes at all",
            to: vec!["bob"],
            bytes: Vec::new(),
        };
        office.deliver(curl, &nothing);
        office.check(&nothing, b"");
    }
}

#[test]
fn pythons_maildir_reads_every_message() {
    if needs(PYTHON) {
        let office = Office::open();
        let mut subjects = Vec::new();
        for message in messages() {
            let to = vec!["bob"];
            office.deliver(smtplib, &Message { to, ..message });
            subjects.push(message.name);
        }
        let mut read = Command::new("python3");
        read.args(["-c", MAILDIR]).arg(office.mailbox("bob"));
        let printed = office.run(&mut read, Stdio::null());
        subjects.sort_unstable();
        assert_eq!(printed.lines().collect::<Vec<_>>(), subjects);
    }
}

#[test]
fn mutt_opens_the_mailbox_and_reads_the_message() {
    // mutt talks to a terminal and to nothing else; Python can lend it one.
    if needs(MUTT) && needs(PYTHON) {
        let office = Office::open();
        let message = messages().remove(0);
        office.deliver(smtplib, &message);
        let mut read = Command::new("python3");
        read.args(["-c", "import pty, sys; pty.spawn(sys.argv[1:])"])
            .args(["mutt", "-n", "-F", "/dev/null", "-R"])
            // Ask nothing, and give the message out as it is.
            .args(["-e", "set folder=. wait_key=no pipe_decode=no"])
            .args(["-e", "push '<pipe-message>cat > seen<enter><exit>'"])
            .arg("-f")
            .arg(office.mailbox("bob"));
        let screen = office.run(&mut read, Stdio::null());
        let seen = fs::read(office.desk.path().join("seen"));
        let seen = seen.unwrap_or_else(|_| panic!("mutt failed: {screen}"));
        assert_eq!(vec![seen], office.server.messages(DOMAIN, "bob"));
    }
}

/// One message of the table.
struct Message {
    /// Its subject.
    name: &'static str,
    /// Its mailboxes; every message has its own.
    to: Vec<&'static str>,
    /// Header, blank line and body; every line ends in LF.
    bytes: Vec<u8>,
}

/// Every message that every client has to deliver.
fn messages() -> Vec<Message> {
    // RFC 5321 4.5.3.1.6 allows 1,000 octets with CR LF.
    let longest = format!("{}\n.{}\n", "x".repeat(998), "y".repeat(997));
    // More than five megabytes.
    let large = format!("{}\n", "z".repeat(76)).repeat(66_000);
    let every_high_byte = (128..=255).collect::<Vec<u8>>();
    let eight_bits = [&every_high_byte, "\nGrüße, 5 €\n".as_bytes()].concat();
    let dots = b".\n..\n.x\n...\n. \n.\n.\nend\n";
    vec![
        message("plain", vec!["bob"], b"Hello Bob.\n\nAlice\n"),
        message("many", vec!["carol", "dave", "erin"], b"Hello.\n"),
        message("8-bit", vec!["frank"], &eight_bits),
        message("dots", vec!["grace"], dots),
        message("a dot at the end", vec!["heidi"], b"This is all\n.\n"),
        message("longest lines", vec!["ivan"], longest.as_bytes()),
        message("large", vec!["judy"], large.as_bytes()),
        message("empty", vec!["mallory"], b""),
    ]
}

/// With all the fields that a client would otherwise add.
fn message(name: &'static str, to: Vec<&'static str>, body: &[u8]) -> Message {
    let header = format!(
        "From: Alice <{SENDER}>\n\
         To: bob@{DOMAIN}\n\
         Subject: {name}\n\
         Date: Mon, 02 Mar 2026 09:30:00 +0000\n\
         Message-ID: <1@{CLIENT}>\n\
         MIME-Version: 1.0\n\
         Content-Type: text/plain; charset=utf-8\n\
         Content-Transfer-Encoding: 8bit\n\
         \n"
    );
    let bytes = [header.as_bytes(), body].concat();
    Message { name, to, bytes }
}

/// swaks always sends a line end of its own before the final dot. And since
/// people feed it whole DATA sections, it takes a dot on the last line for the
/// final dot, and cuts it off.
fn what_swaks_makes_of_it(message: &[u8]) -> Vec<u8> {
    let text = message.strip_suffix(b"\n.\n").unwrap_or(message);
    [text, b"\n"].concat()
}

const MAILDIR: &str = "\
import mailbox, sys
found = mailbox.Maildir(sys.argv[1], create=False)
print('\\n'.join(sorted(message['Subject'] for message in found)))
";

/// A post office of one test's own, and a desk with nothing on it for clients
/// to work at.
struct Office {
    server: Server,
    desk: TempDir,
}

impl Office {
    fn open() -> Office {
        Office {
            server: Server::start(&["--hostname", DOMAIN]),
            desk: TempDir::new().expect("a temporary folder"),
        }
    }

    fn deliver(&self, client: Client, message: &Message) {
        let file = self.desk.path().join("message");
        fs::write(&file, &message.bytes).expect("a file is written");
        let address = |name: &&str| format!("{name}@{DOMAIN}");
        let to: Vec<String> = message.to.iter().map(address).collect();
        let mut command = client(self.server.port(), &to, &file);
        let input = File::open(&file).expect("the file is there");
        self.run(&mut command, input.into());
    }

    /// Each of its mailboxes holds `expected`, below our own header fields.
    fn check(&self, message: &Message, expected: &[u8]) {
        let name = message.name;
        for mailbox in &message.to {
            let found = self.server.messages(DOMAIN, mailbox);
            let [stored] = found.as_slice() else {
                panic!("{name}: {mailbox} has {} messages", found.len());
            };
            let body = below_the_trace(stored);
            if body != expected {
                panic!("{name}: {}", first_difference(body, expected));
            }
        }
    }

    fn mailbox(&self, name: &str) -> PathBuf {
        self.server.mail().join(DOMAIN).join(name)
    }

    /// Runs a program to its good end, and gives what it printed.
    fn run(&self, command: &mut Command, input: Stdio) -> String {
        let ended = programs::run(command, input, self.desk.path());
        let text = ended.printed;
        assert!(ended.well, "{command:?}: {text}\n{}", self.server.log());
        text
    }
}

/// Delivers the whole table with one client. `arrives` says what the client
/// makes of a message: nothing, for an honest one.
fn deliver_all(client: Client, arrives: fn(&[u8]) -> Vec<u8>) {
    let office = Office::open();
    for message in messages() {
        office.deliver(client, &message);
        office.check(&message, &arrives(&message.bytes));
    }
}

/// Cuts off what the server put above the message, and checks it: Return-Path
/// and the three lines of Received (RFC 5321 4.4).
fn below_the_trace(stored: &[u8]) -> &[u8] {
    let mut parts = stored.splitn(5, |byte| *byte == b'\n');
    let mut line = || {
        let line = parts.next().expect("four lines and a message");
        String::from_utf8_lossy(line).into_owned()
    };
    assert_eq!(line(), format!("Return-Path: <{SENDER}>"));
    assert_eq!(line(), format!("Received: from {CLIENT} ([127.0.0.1])"));
    let by = line();
    let start = format!("\tby {DOMAIN} with ESMTP id ");
    assert!(by.starts_with(&start) && by.ends_with(';'), "{by}");
    let date = line();
    assert!(date.starts_with('\t') && date.ends_with(" +0000"), "{date}");
    parts.next().expect("four lines and a message")
}

/// For a failed test: five megabytes are no message to read.
fn first_difference(found: &[u8], expected: &[u8]) -> String {
    let same = |(one, other): &(&u8, &u8)| one == other;
    let place = found.iter().zip(expected).take_while(same).count();
    let near = |bytes: &[u8]| {
        let rest = bytes.iter().skip(place.saturating_sub(20)).take(60);
        rest.copied().collect::<Vec<u8>>().escape_ascii().to_string()
    };
    format!(
        "{} bytes, not {}; at {place} '{}', not '{}'",
        found.len(),
        expected.len(),
        near(found),
        near(expected),
    )
}
