//! What does a connection cost that says nothing? And does a fresh client wait
//! beside thousands of them?
//!
//! ```text
//! cargo bench --bench held -- [--held N,N] [--note]
//! ```
//!
//! This many clients connect, read their greeting, and stay. The memory of the
//! server is told before and after: what is resident in its process (VmRSS),
//! its page tables, and, as root, what the kernel counts for its control group,
//! which has the stacks of the threads and the sockets as well. Then clients
//! come one after the other, read the greeting and leave: how long each waits
//! for it. `--note` adds a row to `tests/figures/held.tsv`.

// What goes wrong in a measurement ends it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::indexing_slicing)]
#![allow(clippy::print_stdout, missing_docs)]

mod options;
mod process;

use options::{MEMORY, Options};
use process::{Pillarbox, median, note, status};
use std::fs;
use std::io::Read;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// How many clients come beside those that stay.
const FRESH: usize = 500;

/// For the fresh ones: one that leaves may be counted a moment longer. The
/// server takes 10,000 at most, in all.
const ROOM: usize = 10;

/// A client that has waited this long for its greeting has found a fault.
const PATIENCE: Duration = Duration::from_secs(60);

fn main() {
    let options = Options::read();
    for held in &options.held {
        if let Err(error) = system_allows(*held) {
            println!("{held} connections skipped: {error}");
            continue;
        }
        measure(*held, options.notes);
    }
}

/// Each of them is a descriptor of this process, and one of the server's.
fn system_allows(held: usize) -> Result<(), String> {
    let limits = fs::read_to_string("/proc/self/limits").expect("/proc");
    let line = limits.lines().find(|line| line.starts_with("Max open files"));
    let words = line.and_then(|line| line.split_whitespace().nth(3));
    let limit: Option<usize> = words.and_then(|word| word.parse().ok());
    match limit {
        Some(limit) if limit < held + 100 => {
            Err(format!("ulimit -n is {limit}"))
        }
        _ => Ok(()),
    }
}

fn measure(held: usize, notes: bool) {
    let group = Group::make();
    let caps = (held + ROOM).to_string();
    let options = ["--max-connections".to_owned(), caps];
    let server = Pillarbox::start_by(
        start_in(group.as_ref()),
        Path::new(MEMORY),
        &options,
    );
    let memory = || {
        let of_group = group.as_ref().map(Group::memory);
        let page_tables = status(server.id(), "VmPTE");
        (status(server.id(), "VmRSS"), page_tables, of_group)
    };
    // The first one makes what all share.
    drop(greeted(server.port));
    let before = memory();
    let all: Vec<TcpStream> =
        (0..held).map(|_| greeted(server.port).0).collect();
    let after = memory();
    let waits: Vec<f64> = (0..FRESH)
        .map(|_| greeted(server.port).1.as_secs_f64() * 1000.0)
        .collect();
    drop(all);
    let worst = waits.iter().copied().fold(0.0, f64::max);
    let each = |kib: u64| format!("{:.1}", kib as f64 / held as f64);
    let group_each = match (before.2, after.2) {
        (Some(before), Some(after)) => each(after.saturating_sub(before)),
        _ => "-".into(),
    };
    let row = [
        ("held", held.to_string()),
        ("rss_kib", after.0.to_string()),
        ("rss_each_kib", each(after.0 - before.0)),
        ("page_tables_kib", after.1.to_string()),
        ("group_kib", after.2.map_or("-".into(), |kib| kib.to_string())),
        ("group_each_kib", group_each),
        ("fresh", FRESH.to_string()),
        ("median_ms", format!("{:.2}", median(waits))),
        ("worst_ms", format!("{worst:.2}")),
    ];
    for (name, value) in &row {
        print!("{name} {value}  ");
    }
    println!();
    if notes {
        note("held", &row);
    }
}

/// A connection that has read its greeting, and how long that took.
fn greeted(port: u16) -> (TcpStream, Duration) {
    let begin = Instant::now();
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("a place");
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
    let mut bytes = [0; 128];
    let mut count = 0;
    while !bytes[..count].ends_with(b"\r\n") {
        let more = stream.read(&mut bytes[count..]).expect("a greeting");
        assert!(more > 0, "turned away");
        count += more;
    }
    assert!(bytes.starts_with(b"220 "), "no greeting");
    (stream, begin.elapsed())
}

/// A control group of the server's own; the kernel counts its memory.
struct Group(PathBuf);

impl Group {
    /// Nothing if this is not allowed here, or works in some other way.
    fn make() -> Option<Group> {
        let name = format!("pillarbox-held-{}", std::process::id());
        let roots = ["/sys/fs/cgroup/memory", "/sys/fs/cgroup"];
        let group = roots.iter().find_map(|root| {
            let folder = Path::new(root).join(&name);
            fs::create_dir(&folder).ok().map(|()| Group(folder))
        })?;
        group.counter().is_some().then_some(group)
    }

    /// The older and the newer kind call it differently.
    fn counter(&self) -> Option<PathBuf> {
        let names = ["memory.usage_in_bytes", "memory.current"];
        names.iter().map(|n| self.0.join(n)).find(|path| path.exists())
    }

    /// In KiB.
    fn memory(&self) -> u64 {
        let counter = self.counter().expect("it was there");
        let bytes = fs::read_to_string(counter).expect("a number");
        bytes.trim().parse::<u64>().expect("a number") / 1024
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // It is empty when the server has ended; the kernel may need a moment.
        let begin = Instant::now();
        while fs::remove_dir(&self.0).is_err() && begin.elapsed() < PATIENCE {
            std::thread::sleep(process::TICK);
        }
    }
}

/// The server, which joins the group before it begins.
fn start_in(group: Option<&Group>) -> Command {
    let program = env!("CARGO_BIN_EXE_pillarbox");
    let Some(Group(folder)) = group else { return Command::new(program) };
    let script = r#"echo $$ > "$0/cgroup.procs" && exec "$@""#;
    let mut command = Command::new("sh");
    command.args(["-c", script]).arg(folder).arg(program);
    command
}
