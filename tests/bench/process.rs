//! The processes of a benchmark, and what the system tells of them.
//!
//! Interface:
//!   `Process`      a program that is ended when it is dropped
//!   `Pillarbox`    our own server, with its mail in a folder
//!   `send`         Postfix's `smtp-source` hands over mail
//!   `status`       a line of /proc/PID/status, in KiB
//!   `note`         a row for a table under `tests/figures`

// Each benchmark uses a part of it.
#![allow(dead_code)]

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// The unit of times in /proc, on all usual Linux systems.
pub(crate) const TICK: Duration = Duration::from_millis(10);

/// A program that is ended when it is dropped.
pub(crate) struct Process(pub(crate) Child);

impl Drop for Process {
    fn drop(&mut self) {
        self.0.kill().expect("our own child");
        self.0.wait().expect("our own child");
    }
}

/// Our own server.
pub(crate) struct Pillarbox {
    pub(crate) port: u16,
    process: Process,
    folder: TempDir,
}

impl Pillarbox {
    /// A server with its mail in a new folder at `place`.
    pub(crate) fn start(place: &Path, options: &[String]) -> Pillarbox {
        let program = Command::new(env!("CARGO_BIN_EXE_pillarbox"));
        Pillarbox::start_by(program, place, options)
    }

    /// The same, by a command that gets the server's words.
    pub(crate) fn start_by(
        mut program: Command,
        place: &Path,
        options: &[String],
    ) -> Pillarbox {
        let folder = TempDir::new_in(place).expect("a folder");
        let mut child = program
            .args(["serve", "--listen", "127.0.0.1:0", "--mail"])
            .arg(folder.path())
            .args(["--hostname", "mx.example.org", "--domain", "example.org"])
            .args(options)
            .env("RUST_LOG", "error")
            .stdout(Stdio::piped())
            .spawn()
            .expect("pillarbox");
        let mut line = String::new();
        let output = child.stdout.take().expect("piped");
        BufReader::new(output).read_line(&mut line).expect("it listens");
        let port = line.trim_end().rsplit(':').next().unwrap_or_default();
        let port = port.parse().expect("a port");
        Pillarbox { port, process: Process(child), folder }
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.0.id()
    }

    pub(crate) fn mailbox(&self, name: &str) -> PathBuf {
        self.folder.path().join("example.org").join(name)
    }
}

/// Whether Postfix's two programs for tests are here.
pub(crate) fn has_postfix() -> bool {
    ["smtp-source", "smtp-sink"].iter().all(|program| {
        Command::new(program).stderr(Stdio::null()).status().is_ok()
    })
}

/// Hands over mail for `bob`, from as many `sessions` at a time. More words
/// are for `smtp-source`.
pub(crate) fn send(port: u16, sessions: usize, messages: usize, more: &[&str]) {
    let status = Command::new("smtp-source")
        .args(["-s", &sessions.to_string(), "-m", &messages.to_string()])
        .args(["-f", "alice@client.example", "-t", "bob@example.org"])
        .args(more)
        .arg(format!("127.0.0.1:{port}"))
        .status();
    assert!(status.expect("smtp-source").success());
}

/// A number of /proc/PID/status: in KiB, or a count.
pub(crate) fn status(id: u32, name: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{id}/status"));
    let status = status.expect("it runs");
    let mut lines = status.lines().map(str::split_whitespace);
    let line = lines.find_map(|mut words| {
        (words.next()?.strip_suffix(':')? == name).then(|| words.next())?
    });
    line.expect(name).parse().expect("a number")
}

/// The middle one of all that was measured.
pub(crate) fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}

/// Adds a row to a table under `tests/figures`.
pub(crate) fn note(table: &str, row: &[(&str, String)]) {
    let append = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/figures/append");
    let row = row.iter().map(|(column, value)| format!("{column}={value}"));
    let status = Command::new(append).arg(table).args(row).status();
    assert!(status.expect("tests/figures/append").success());
}
