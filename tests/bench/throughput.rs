//! How many messages a second? Always as a ratio: another server, or the
//! machine itself, takes the same mail in turns with us.
//!
//! ```text
//! cargo bench [-- --rounds N] [--sessions N,N] [--messages N] [--disk DIR]
//! ```
//!
//! - In memory (a folder of /dev/shm) the other one is Postfix's `smtp-sink`,
//!   which stores nothing. It is nearly all network.
//! - On the disk (the folder `target`, if no other is named) it is the limit of
//!   the machine: threads that write, link and sync as a delivery does, and do
//!   nothing else.
//!
//! Both take messages of 4 KB from Postfix's `smtp-source`, from 1, 20 and 100
//! sessions at a time: with one message on each connection, or with many. Each
//! line says how often they took turns, both medians, and their ratio: 1.00 is
//! as fast as the other one. Then the processor's time for a message, of both.
//!
//! The machine must have nothing else to do. Nothing is judged here: a figure
//! that is worse than yesterday's is for people to look at.

// What goes wrong in a measurement ends it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::indexing_slicing)]
#![allow(clippy::print_stdout, missing_docs)]

mod contestants;

use contestants::{Contestant, Limit, Pillarbox, Sink};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// What is handed over in one turn.
pub(crate) struct Load {
    pub(crate) sessions: usize,
    pub(crate) messages: usize,
    /// Whether a connection carries more than one message.
    pub(crate) keeps_connections: bool,
}

struct Options {
    rounds: usize,
    sessions: Vec<usize>,
    messages: Option<usize>,
    disk: PathBuf,
}

fn main() {
    let options = options();
    if !contestants::has_postfix() {
        println!("skipped: smtp-source and smtp-sink are not installed");
        return;
    }
    println!(
        "                     sessions  turns    ours  theirs  ratio   CPU ms"
    );
    for keeps_connections in [false, true] {
        for sessions in &options.sessions {
            let load = |messages| Load {
                sessions: *sessions,
                messages: options.messages.unwrap_or(messages),
                keeps_connections,
            };
            let memory = Path::new("/dev/shm");
            let (ours, sink) = (Pillarbox::start(memory), Sink::start());
            compare("memory", &options, &load(2_000), &ours, &sink);
            drop((ours, sink));
            let ours = Pillarbox::start(&options.disk);
            let limit = Limit::start(&options.disk);
            compare("disk", &options, &load(1_000), &ours, &limit);
        }
    }
}

/// The words after `cargo bench --`; cargo adds `--bench` by itself.
fn options() -> Options {
    let mut words = getopts::Options::new();
    words.optopt("", "rounds", "", "N");
    words.optopt("", "sessions", "", "N,N");
    words.optopt("", "messages", "", "N");
    words.optopt("", "disk", "", "DIR");
    words.optflag("", "bench", "");
    let given = words.parse(std::env::args().skip(1)).expect("the options");
    let number = |name| given.opt_str(name).map(|n| n.parse().expect(name));
    let sessions = given.opt_str("sessions").unwrap_or("1,20,100".into());
    let disk = given.opt_str("disk").map(PathBuf::from);
    Options {
        rounds: number("rounds").unwrap_or(5),
        sessions: sessions.split(',').map(|n| n.parse().unwrap()).collect(),
        messages: number("messages"),
        disk: disk.unwrap_or_else(|| env!("CARGO_TARGET_TMPDIR").into()),
    }
}

/// Lets both take the load in turns, and prints a line.
fn compare(
    place: &str,
    options: &Options,
    load: &Load,
    ours: &dyn Contestant,
    other: &dyn Contestant,
) {
    let both = [ours, other];
    let mut rates = [const { Vec::new() }; 2];
    let before = both.map(|one| one.processor_time());
    for _ in 0..options.rounds {
        for (one, rates) in both.iter().zip(&mut rates) {
            let begin = Instant::now();
            one.take(load);
            let seconds = begin.elapsed().as_secs_f64();
            rates.push(load.messages as f64 / seconds);
        }
    }
    let spent = [0, 1].map(|which: usize| {
        let time = both[which].processor_time()? - before[which]?;
        let messages = options.rounds * load.messages;
        Some(time.as_secs_f64() * 1000.0 / messages as f64)
    });
    let [ours, theirs] = rates.map(median);
    let form = if load.keeps_connections { "many" } else { "one" };
    println!(
        "{place:6} {form:>4} each {:>9} {:>6} {ours:>7.0} {theirs:>7.0} \
         {:>6.2}   {}",
        load.sessions,
        options.rounds,
        ours / theirs,
        spent.map(in_words).join(" "),
    );
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}

fn in_words(milliseconds: Option<f64>) -> String {
    milliseconds.map_or("-".into(), |ms| format!("{ms:.2}"))
}
