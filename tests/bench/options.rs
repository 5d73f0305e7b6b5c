//! The words after `cargo bench --`, the same for every benchmark: `cargo
//! bench` alone runs them all, and hands each of them all the words.

// Each benchmark uses a part of it.
#![allow(dead_code)]

use std::path::PathBuf;

/// What is measured, how often, and where.
pub(crate) struct Options {
    /// How often those that are compared take turns.
    pub(crate) rounds: usize,
    /// At a time, one number after the other.
    pub(crate) sessions: Vec<usize>,
    /// In one turn, unless the benchmark knows better.
    pub(crate) messages: Option<usize>,
    /// How many connections are held, one number after the other.
    pub(crate) held: Vec<usize>,
    /// Of messages in a mailbox, and of mailboxes.
    pub(crate) grown: Vec<usize>,
    /// Against whom.
    pub(crate) peers: Vec<String>,
    /// In memory, on the disk, or one after the other.
    pub(crate) places: Vec<(String, PathBuf)>,
    /// Whether the tables under `tests/figures` get a row for each result.
    pub(crate) notes: bool,
}

/// A folder that is in memory on every Linux.
pub(crate) const MEMORY: &str = "/dev/shm";

impl Options {
    pub(crate) fn read() -> Options {
        let mut words = getopts::Options::new();
        for name in ["rounds", "messages", "disk"] {
            words.optopt("", name, "", "");
        }
        for name in ["sessions", "held", "grown", "peers", "places"] {
            words.optopt("", name, "", "");
        }
        words.optflag("", "note", "");
        // cargo adds it by itself.
        words.optflag("", "bench", "");
        let arguments = std::env::args().skip(1);
        let given = words.parse(arguments).expect("the options");
        let list = |name: &str, usual: &str| -> Vec<String> {
            let words = given.opt_str(name).unwrap_or(usual.into());
            words.split(',').map(str::to_owned).collect()
        };
        let disk = given.opt_str("disk").map(PathBuf::from);
        let disk = disk.unwrap_or_else(|| env!("CARGO_TARGET_TMPDIR").into());
        let place = |name: String| match name.as_str() {
            "memory" => (name, PathBuf::from(MEMORY)),
            "disk" => (name, disk.clone()),
            _ => panic!("a place is memory or disk"),
        };
        let number = |name| given.opt_str(name).map(|n| n.parse().expect(name));
        Options {
            rounds: number("rounds").unwrap_or(5),
            sessions: numbers(list("sessions", "1,20,100")),
            messages: number("messages"),
            held: numbers(list("held", "1000,9990")),
            grown: numbers(list("grown", "1000,10000,100000")),
            peers: list("peers", "sink,limit,aiosmtpd,postfix"),
            places: list("places", "memory,disk")
                .into_iter()
                .map(place)
                .collect(),
            notes: given.opt_present("note"),
        }
    }
}

fn numbers(words: Vec<String>) -> Vec<usize> {
    words.iter().map(|word| word.parse().expect("a number")).collect()
}
