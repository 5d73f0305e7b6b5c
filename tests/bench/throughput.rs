//! How many messages a second? Always as a ratio: another server, or the
//! machine itself, takes the same mail in turns with us.
//!
//! ```text
//! cargo bench --bench throughput -- [--rounds N] [--sessions N,N]
//!     [--messages N] [--peers NAME,NAME] [--places memory,disk]
//!     [--disk DIR] [--note]
//! ```
//!
//! - In memory (a folder of /dev/shm) we are compared with Postfix's
//!   `smtp-sink`, which stores nothing. It is nearly all network.
//! - On the disk (the folder `target`, if no other is named) with the limit of
//!   the machine: threads that write, link and sync as a delivery does, and do
//!   nothing else.
//! - In both places with Postfix and aiosmtpd, if they are installed
//!   (`tests/peers/setup`) and we are root. What each of them has synced before
//!   its 250 is said in `contestants.rs`.
//!
//! All take messages of 4 KB from Postfix's `smtp-source`, from 1, 20 and 100
//! sessions at a time: with one message on each connection, or with many. Each
//! line says how often the two took turns, both medians, and their ratio: 1.00
//! is as fast as the other one. Then the lowest and the highest ratio of one
//! turn, and the processor's time for a message, of both. `--note` adds the
//! line to `tests/figures/bench.tsv`.
//!
//! The machine must have nothing else to do. Nothing is judged here: a figure
//! that is worse than yesterday's is for people to look at.

// What goes wrong in a measurement ends it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::indexing_slicing)]
#![allow(clippy::print_stdout, missing_docs)]

mod contestants;
mod options;
mod process;

use contestants::{Contestant, enter};
use options::Options;
use process::{has_postfix, median, note};
use std::time::Instant;

/// What is handed over in one turn.
pub(crate) struct Load {
    pub(crate) sessions: usize,
    pub(crate) messages: usize,
    /// Whether a connection carries more than one message.
    pub(crate) keeps_connections: bool,
}

/// Who is compared with us where. The first two say something in one place
/// only.
const PAIRS: [(&str, &str); 6] = [
    ("memory", "sink"),
    ("disk", "limit"),
    ("memory", "aiosmtpd"),
    ("disk", "aiosmtpd"),
    ("memory", "postfix"),
    ("disk", "postfix"),
];

fn main() {
    let options = Options::read();
    if !has_postfix() {
        println!("skipped: smtp-source and smtp-sink are not installed");
        return;
    }
    println!(
        "                      against  sessions  turns    ours  theirs  \
         ratio    low   high   CPU ms"
    );
    for (place, peer) in PAIRS {
        let folder = options.places.iter().find(|(name, _)| name == place);
        let is_wanted = options.peers.iter().any(|name| name == peer);
        let Some((_, folder)) = folder.filter(|_| is_wanted) else { continue };
        for keeps_connections in [false, true] {
            let Some(other) = enter(peer, folder) else {
                println!("{place:6} {peer} skipped: it is not installed");
                break;
            };
            let ours = enter("pillarbox", folder).expect("it is here");
            for sessions in options.sessions.iter().copied() {
                let messages = options.messages.unwrap_or(usual_load(peer));
                let load = Load { sessions, messages, keeps_connections };
                let result = compare(&options, &load, &*ours, &*other);
                result.print(&options, place, peer, &load);
            }
        }
    }
}

/// How many messages a turn has: where everything is fastest it takes a fifth
/// of a second, and ten seconds for one client on a slow disk.
fn usual_load(peer: &str) -> usize {
    match peer {
        "sink" | "limit" => 5_000,
        _ => 2_000,
    }
}

struct Outcome {
    /// Messages a second, ours and theirs: in the median.
    rates: [f64; 2],
    /// The lowest and the highest ratio of one turn.
    range: [f64; 2],
    milliseconds: [Option<f64>; 2],
}

/// Lets both take the load in turns.
fn compare(
    options: &Options,
    load: &Load,
    ours: &dyn Contestant,
    other: &dyn Contestant,
) -> Outcome {
    let both = [ours, other];
    let mut rates = [const { Vec::new() }; 2];
    let before = both.map(|one| one.processor_time());
    for _ in 0..options.rounds {
        for (one, rates) in both.iter().zip(&mut rates) {
            let begin = Instant::now();
            one.take(load);
            let seconds = begin.elapsed().as_secs_f64();
            rates.push(load.messages as f64 / seconds);
            one.settle();
        }
    }
    let milliseconds = [0, 1].map(|which: usize| {
        let time = both[which].processor_time()? - before[which]?;
        let messages = options.rounds * load.messages;
        Some(time.as_secs_f64() * 1000.0 / messages as f64)
    });
    let range = range(&rates);
    Outcome { rates: rates.map(median), range, milliseconds }
}

fn range([ours, theirs]: &[Vec<f64>; 2]) -> [f64; 2] {
    let ratios = || ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs);
    [ratios().fold(f64::INFINITY, f64::min), ratios().fold(0.0, f64::max)]
}

impl Outcome {
    fn print(&self, options: &Options, place: &str, peer: &str, load: &Load) {
        let [ours, theirs] = self.rates;
        let ratio = ours / theirs;
        let [low, high] = self.range;
        let cpu = self.milliseconds.map(in_words);
        let form = if load.keeps_connections { "many" } else { "one" };
        let (sessions, turns) = (load.sessions, options.rounds);
        println!(
            "{place:6} {form:>4} each {peer:>12} {sessions:>9} {turns:>6} \
             {ours:>7.0} {theirs:>7.0} {ratio:>6.2} {low:>6.2} {high:>6.2}   {}",
            cpu.join(" ")
        );
        if options.notes {
            let [cpu_ours, cpu_theirs] = cpu;
            note(
                "bench",
                &[
                    ("place", place.into()),
                    ("form", form.into()),
                    ("sessions", sessions.to_string()),
                    ("turns", turns.to_string()),
                    ("ours", format!("{ours:.0}")),
                    ("theirs", format!("{theirs:.0}")),
                    ("peer", peer.into()),
                    ("ratio", format!("{ratio:.2}")),
                    ("cpu_ours", cpu_ours),
                    ("cpu_theirs", cpu_theirs),
                    ("ratio_low", format!("{low:.2}")),
                    ("ratio_high", format!("{high:.2}")),
                ],
            );
        }
    }
}

fn in_words(milliseconds: Option<f64>) -> String {
    milliseconds.map_or("-".into(), |ms| format!("{ms:.3}"))
}
