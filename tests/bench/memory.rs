//! How much memory do large messages take, when many come at the same time?
//!
//! ```text
//! cargo bench --bench memory -- [--rounds N] [--note]
//! ```
//!
//! A hundred clients send 10 MB each, in a folder of /dev/shm, whose files do
//! not count for the process. What counts is the most that was resident in the
//! server's process (VmHWM), and what was before. `--note` adds a row to
//! `tests/figures/memory.tsv`.

// What goes wrong in a measurement ends it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::indexing_slicing)]
#![allow(clippy::print_stdout, missing_docs)]

mod options;
mod process;

use options::{MEMORY, Options};
use process::{Pillarbox, has_postfix, note, send, status};
use std::path::Path;
use std::time::Instant;

const CLIENTS: usize = 100;
const SIZE: usize = 10_000_000;

fn main() {
    let options = Options::read();
    if !has_postfix() {
        println!("skipped: smtp-source is not installed");
        return;
    }
    for _ in 0..options.rounds.min(3) {
        let server = Pillarbox::start(Path::new(MEMORY), &[]);
        let before = status(server.id(), "VmRSS");
        let begin = Instant::now();
        send(server.port, CLIENTS, CLIENTS, &["-l", &SIZE.to_string()]);
        let row = [
            ("clients", CLIENTS.to_string()),
            ("bytes_each", SIZE.to_string()),
            ("seconds", format!("{:.1}", begin.elapsed().as_secs_f64())),
            ("before_kib", before.to_string()),
            ("most_kib", status(server.id(), "VmHWM").to_string()),
        ];
        for (name, value) in &row {
            print!("{name} {value}  ");
        }
        println!();
        if options.notes {
            note("memory", &row);
        }
    }
}
