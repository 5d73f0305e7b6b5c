//! The queue meets every server of `transcripts/clients/`: what is tried again,
//! what bounces, and to whom (RFC 5321 4.2.1, 4.5.4.1 and 6.1).
//!
//! `tests/plays.rs` asks the same of the client alone. Here it is the program,
//! and what is in the queue and in the sender's mailbox afterwards.

use super::office::Office;
use crate::support::{DEADLINE, wait_until};
use pillarbox::transcript::format::folder::read_all;
use pillarbox::transcript::format::parse::read;
use pillarbox::transcript::format::script::{Action, Transcript};
use pillarbox::transcript::play::as_server::play;
use pillarbox::transcript::play::outcome::Outcome;
use std::collections::BTreeSet;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::thread;

/// A page, who gets the message, and what has become of it for each of them.
type Row = (&'static str, &'static [&'static str], &'static str);

const BOB: &[&str] = &["bob"];

const TABLE: [Row; 49] = [
    // Delivered.
    ("plain", BOB, "bob has it"),
    ("helo-only", BOB, "bob has it"),
    ("helo-with-list", BOB, "bob has it"),
    ("multi-line", BOB, "bob has it"),
    ("slow", BOB, "bob has it"),
    ("bare-code", BOB, "bob has it"),
    ("unknown-success", BOB, "bob has it"),
    ("greylisting", BOB, "bob has it"),
    ("hang-up-quit", BOB, "bob has it"),
    // Not now: it stays in the queue, and nobody is told.
    ("later-greeting", BOB, "bob waits (421)"),
    ("later-hello", BOB, "bob waits (451)"),
    ("later-helo", BOB, "bob waits (451)"),
    ("later-mail", BOB, "bob waits (451)"),
    ("later-rcpt", BOB, "bob waits (452)"),
    ("later-data", BOB, "bob waits (451)"),
    ("later-in-text", BOB, "bob waits (451)"),
    ("later-dot", BOB, "bob waits (452)"),
    ("pipelined-later", BOB, "bob waits (450)"),
    ("closing-hello", BOB, "bob waits (421)"),
    ("says-ehlo", BOB, "bob waits (421)"),
    ("closing-mail", BOB, "bob waits (421)"),
    ("closing-data", BOB, "bob waits (421)"),
    ("closing-dot", BOB, "bob waits (421)"),
    // Nobody knows: it stays in the queue. After the dot this can make two of
    // one message, and never none (RFC 1047).
    ("hang-up-greeting", BOB, "bob waits (the server has hung up)"),
    ("hang-up-hello", BOB, "bob waits (the server has hung up)"),
    ("hang-up-helo", BOB, "bob waits (the server has hung up)"),
    ("hang-up-mail", BOB, "bob waits (the server has hung up)"),
    ("hang-up-rcpt", BOB, "bob waits (the server has hung up)"),
    ("hang-up-data", BOB, "bob waits (the server has hung up)"),
    ("hang-up-in-data", BOB, "bob waits (the server has hung up)"),
    ("hang-up-after-dot", BOB, "bob waits (the server has hung up)"),
    ("code-changes", BOB, "bob waits (no reply, two codes in one reply)"),
    ("endless", BOB, "bob waits (no reply, a reply without end)"),
    // Never: Alice is told at once.
    ("never-greeting", BOB, "bob bounces 5.3.2 (554)"),
    ("never-hello", BOB, "bob bounces 5.3.2 (550)"),
    ("never-mail", BOB, "bob bounces 5.0.0 (550)"),
    ("never-rcpt", BOB, "bob bounces 5.0.0 (550)"),
    ("pipelined-none", BOB, "bob bounces 5.0.0 (550)"),
    ("never-data", BOB, "bob bounces 5.0.0 (554)"),
    ("never-in-text", BOB, "bob bounces 5.0.0 (554)"),
    ("never-dot", BOB, "bob bounces 5.0.0 (554)"),
    ("unknown-refusal", BOB, "bob bounces 5.0.0 (559)"),
    ("goodbye", BOB, "bob bounces 5.0.0 (550)"),
    ("size", BOB, "bob bounces 5.3.4 ()"),
    // To each his own.
    (
        "one-of-two",
        &["bob", "nobody"],
        "bob has it; nobody bounces 5.0.0 (550)",
    ),
    ("full-after-one", &["bob", "carol"], "bob has it; carol waits (552)"),
    (
        "closing-rcpt",
        &["bob", "carol"],
        "bob bounces 5.0.0 (550); carol waits (421)",
    ),
    (
        "later-rcpt-never-data",
        &["bob", "carol"],
        "bob waits (450); carol bounces 5.0.0 (554)",
    ),
    (
        "never-rcpt-later-data",
        &["bob", "carol"],
        "bob bounces 5.0.0 (550); carol waits (451)",
    ),
];

#[test]
fn the_queue_does_with_every_page_what_the_table_says() {
    let rows = Mutex::new(TABLE.to_vec());
    let wrong = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let row = rows.lock().unwrap().pop();
                    let Some((page, to, want)) = row else { return };
                    let found = fate(page, to);
                    if found != want {
                        let line = format!("{page}: {found}, not {want}");
                        wrong.lock().unwrap().push(line);
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_page_is_in_the_table_of_the_queue() {
    // Pages that want a message of their own are for `pillarbox send`.
    let has_any_message = |page: &Transcript| {
        !page.steps.iter().any(|step| {
            matches!(&step.action, Action::RestOfMessage(message)
                if !message.lines.is_empty())
        })
    };
    let name = |page: Transcript| page.path.file_stem().unwrap().to_owned();
    let pages = read_all(&folder()).unwrap().into_iter();
    let pages: BTreeSet<_> = pages.filter(has_any_message).map(name).collect();
    let rows = TABLE.map(|(page, ..)| page.into());
    assert_eq!(pages, BTreeSet::from(rows));
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("transcripts/clients")
}

/// Hands a message to a queue whose smart host is on this page, and tells what
/// has become of it.
fn fate(page: &str, to: &[&str]) -> String {
    let transcript = read(&folder().join(page).with_extension("txt")).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let stage = thread::spawn(move || play(listener, &transcript, DEADLINE));
    let mut options = vec!["--smart-host", &host];
    if page == "greylisting" {
        options.extend(["--retry-first", "0.05", "--retry-max", "0.05"]);
    }
    let office = Office::start(&options);
    let addresses: Vec<_> =
        to.iter().map(|name| format!("{name}@example.org")).collect();
    let addresses: Vec<_> = addresses.iter().map(String::as_str).collect();
    office.take(&addresses);
    let played = stage.join().unwrap();
    assert_eq!(played.outcome, Outcome::Pass, "{page}");
    wait_until("the try is over", || {
        let list = office.list();
        list.iter().all(|fields| fields[2] != "0")
    });
    let fates =
        to.iter().map(|name| format!("{name} {}", its_fate(&office, name)));
    fates.collect::<Vec<_>>().join("; ")
}

/// What has become of the message for one of its recipients.
fn its_fate(office: &Office, name: &str) -> String {
    let address = format!("{name}@example.org");
    let waits = office.list();
    let waits = waits.iter().find(|f| f[5].split(',').any(|a| a == address));
    let bounces = office.mail_of("alice");
    let about = format!("\nFinal-Recipient: rfc822; {address}\n");
    let bounces: Vec<_> =
        bounces.iter().filter(|b| b.contains(&about)).collect();
    match (waits, bounces.as_slice()) {
        (None, []) => "has it".to_owned(),
        (Some(fields), []) => format!("waits ({})", reason(&fields[6])),
        (None, [bounce]) => format!("bounces {}", status(bounce, &about)),
        (_, _) => panic!("{name}: {waits:?}, {bounces:?}"),
    }
}

/// The code of a reply, or what happened instead of one.
fn reason(answer: &str) -> &str {
    match answer.split_once(" said: ") {
        Some((_, reply)) => &reply[..3],
        None => answer.split(':').next().unwrap_or_default(),
    }
}

/// The status of this recipient, in his part of a bounce, and the code of the
/// reply that brought it.
fn status(bounce: &str, about: &str) -> String {
    let part = bounce.split_once(about).unwrap().1;
    let field = |name: &str| {
        let mut lines = part.lines().take_while(|line| !line.is_empty());
        lines.find_map(|line| line.strip_prefix(name)).unwrap_or_default()
    };
    let code = field("Diagnostic-Code: smtp; ").split(' ').next().unwrap();
    format!("{} ({code})", field("Status: "))
}
