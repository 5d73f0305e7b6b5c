//! Does a message cost more where there are many already?
//!
//! ```text
//! cargo bench --bench growth -- [--grown N,N] [--rounds N] [--messages N]
//!     [--places memory,disk] [--disk DIR] [--note]
//! ```
//!
//! - A mailbox with this many messages in `new`, beside an empty one of the same
//!   server: both get mail in turns. Its messages are empty files: what counts
//!   is the size of the folder, and a delivery opens none of them.
//! - This many mailboxes of one server, beside as few as get mail: two servers
//!   get the same mail in turns, each message for another mailbox. They are
//!   named by `--mailbox`; those that mail makes by itself end at a thousand.
//!
//! The mail comes from 20 sessions, many messages on a connection. Each line
//! says the median of a message in milliseconds, there and in the small one,
//! and their ratio: 1.00 is a cost that does not grow. `--note` adds it to
//! `tests/figures/growth.tsv`.

// What goes wrong in a measurement ends it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::indexing_slicing)]
#![allow(clippy::print_stdout, missing_docs)]

mod options;
mod process;

use options::Options;
use process::{Pillarbox, has_postfix, median, note, send};
use std::fs::{self, File};
use std::path::Path;
use std::time::Instant;

const SESSIONS: usize = 20;

/// In one turn, and for as many mailboxes.
const MESSAGES: usize = 400;

/// Command lines hold no more names than this.
const MOST_MAILBOXES: usize = 20_000;

fn main() {
    let options = Options::read();
    if !has_postfix() {
        println!("skipped: smtp-source is not installed");
        return;
    }
    for (place, folder) in &options.places {
        for count in options.grown.iter().copied() {
            let times = in_a_full_mailbox(&options, folder, count);
            tell(&options, "messages", place, count, times);
        }
        for count in options.grown.iter().copied() {
            if count <= MOST_MAILBOXES {
                let times = among_mailboxes(&options, folder, count);
                tell(&options, "mailboxes", place, count, times);
            }
        }
    }
}

/// A message to a mailbox that holds `count` of them, and one to an empty one.
fn in_a_full_mailbox(
    options: &Options,
    place: &Path,
    count: usize,
) -> [f64; 2] {
    let server = Pillarbox::start(place, &[]);
    let messages = options.messages.unwrap_or(MESSAGES);
    // Mail makes the folders.
    for name in ["full", "empty"] {
        turn(server.port, 1, &["-t", &address(name)]);
    }
    let new = server.mailbox("full").join("new");
    for number in 0..count {
        let name = format!("1700000000.M{number:06}P1Q0R0.mx.example.org");
        File::create_new(new.join(name)).expect("a message");
    }
    // What we have made is not to be synced by the first turn.
    File::open(&new).and_then(|new| new.sync_all()).expect("our own folder");
    let mut times = [const { Vec::new() }; 2];
    for _ in 0..options.rounds {
        for (name, times) in ["full", "empty"].iter().zip(&mut times) {
            times.push(turn(server.port, messages, &["-t", &address(name)]));
            clear(&server.mailbox(name), "1700000000.");
        }
    }
    times.map(median)
}

/// A message where there are `count` mailboxes, and one where there are only
/// those that get mail.
fn among_mailboxes(options: &Options, place: &Path, count: usize) -> [f64; 2] {
    let messages = options.messages.unwrap_or(MESSAGES).min(count);
    let servers = [count, messages].map(|mailboxes| {
        let words = (0..=mailboxes).flat_map(|number| {
            ["--mailbox".to_owned(), address(&format!("{number}box"))]
        });
        Pillarbox::start(place, &words.collect::<Vec<_>>())
    });
    let numbered = ["-N", "-t", &address("box")];
    let mut times = [const { Vec::new() }; 2];
    // The first message of a mailbox syncs the folders that lead there.
    for server in &servers {
        turn(server.port, messages, &numbered);
    }
    for _ in 0..options.rounds {
        for (server, times) in servers.iter().zip(&mut times) {
            times.push(turn(server.port, messages, &numbered));
        }
    }
    times.map(median)
}

fn address(name: &str) -> String {
    format!("{name}@example.org")
}

/// The milliseconds of a message.
fn turn(port: u16, messages: usize, more: &[&str]) -> f64 {
    let more = [&["-d", "-l", "4096"], more].concat();
    let begin = Instant::now();
    send(port, SESSIONS.min(messages), messages, &more);
    begin.elapsed().as_secs_f64() * 1000.0 / messages as f64
}

/// Takes the mail of a turn away, and nothing that was there before it.
fn clear(mailbox: &Path, before: &str) {
    for entry in fs::read_dir(mailbox.join("new")).expect("a mailbox") {
        let entry = entry.expect("a message");
        if !entry.file_name().to_string_lossy().starts_with(before) {
            fs::remove_file(entry.path()).expect("a message");
        }
    }
}

fn tell(
    options: &Options,
    what: &str,
    place: &str,
    count: usize,
    [there, small]: [f64; 2],
) {
    let row = [
        ("what", what.to_owned()),
        ("count", count.to_string()),
        ("place", place.to_owned()),
        ("sessions", SESSIONS.to_string()),
        ("turns", options.rounds.to_string()),
        ("ms", format!("{there:.3}")),
        ("ms_small", format!("{small:.3}")),
        ("ratio", format!("{:.2}", there / small)),
    ];
    for (name, value) in &row {
        print!("{name} {value}  ");
    }
    println!();
    if options.notes {
        note("growth", &row);
    }
}
