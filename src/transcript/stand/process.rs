//! A server's process: it ends with us, however we end, and keeps its log.
//!
//! How: std can start a process in a group of its own, but it cannot signal a
//! group. So a shell starts the server and is its guard (`guard.sh`). It reads
//! from a pipe whose other end is ours. When that end is closed, by us or by
//! the system because we are gone, the guard ends its whole group, itself
//! included. A process that leaves the group (`setsid`, a daemon) gets away.
//!
//! Interface:
//!   `Process`     runs until it is stopped or dropped
//!   `Started`     a process, and where its server listens
//!   `NotStarted`  why there is none

use std::ffi::OsStr;
use std::io::{self, PipeWriter, Read};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::scratch::Scratch;

/// How much of a log is kept, and how many lines of it are shown.
const LOG_BYTES: usize = 16 * 1024;
const LOG_LINES: usize = 12;

/// How long a log may take to end, once its process was ended. A process that
/// left its group may hold the other end for ever.
const LOG_END: Duration = Duration::from_secs(1);

const GUARD: &str = include_str!("guard.sh");

/// A server that was started.
#[derive(Debug)]
pub(super) struct Started {
    pub(super) process: Process,
    /// Where it listens, or will.
    pub(super) address: SocketAddr,
}

/// Why there is no server to talk to.
#[derive(Debug)]
pub(crate) struct NotStarted {
    /// In one line.
    pub(crate) reason: String,
    /// The last lines of its log.
    pub(crate) log: Vec<String>,
}

impl NotStarted {
    pub(super) fn because(reason: String) -> NotStarted {
        let log = Vec::new();
        NotStarted { reason, log }
    }
}

/// A process that runs in a folder of its own.
#[derive(Debug)]
pub(super) struct Process {
    guard: Child,
    log: LogTail,
    scratch: Scratch,
}

impl Process {
    /// Starts a command, given as its words. What it prints goes into the log;
    /// its standard output goes to `stdout`, if there is one.
    pub(super) fn start<W: AsRef<OsStr>>(
        words: &[W],
        scratch: Scratch,
        stdout: Option<PipeWriter>,
    ) -> io::Result<Process> {
        let (log, stderr) = io::pipe()?;
        let stdout = match stdout {
            Some(stdout) => stdout,
            None => stderr.try_clone()?,
        };
        let guard = Command::new("sh")
            .args(["-c", GUARD, "sh"])
            .arg(scratch.path())
            .args(words)
            .stdin(Stdio::piped())
            .stdout(stdout)
            .stderr(stderr)
            .process_group(0)
            .spawn()?;
        Ok(Process { guard, log: LogTail::of(log), scratch })
    }

    /// Where its mailboxes are.
    pub(super) fn mail(&self) -> PathBuf {
        self.scratch.mail()
    }

    /// Ends it. Gives back the last lines of its log.
    pub(super) fn stop(mut self) -> Vec<String> {
        self.end();
        self.log.last_lines()
    }

    /// Closes the input of the guard, which ends it all.
    fn end(&mut self) {
        drop(self.guard.stdin.take());
        let _ = self.guard.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

/// What a server writes; a thread reads it, so that the server never waits.
#[derive(Debug)]
struct LogTail {
    bytes: Arc<Mutex<Vec<u8>>>,
    reader: JoinHandle<()>,
}

impl LogTail {
    /// Begins to read.
    fn of(stream: impl Read + Send + 'static) -> LogTail {
        let bytes = Arc::default();
        let kept = Arc::clone(&bytes);
        let reader = thread::spawn(move || keep_end(stream, &kept));
        LogTail { bytes, reader }
    }

    /// The last lines, without control characters. The server must have been
    /// ended before.
    fn last_lines(&self) -> Vec<String> {
        let until = Instant::now() + LOG_END;
        while !self.is_all() && Instant::now() < until {
            thread::sleep(Duration::from_millis(2));
        }
        let bytes = self.bytes.lock().map(|log| log.clone());
        let log = bytes.unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = log.lines().collect();
        let first = lines.len().saturating_sub(LOG_LINES);
        lines.into_iter().skip(first).map(printable).collect()
    }

    /// Whether nobody can write any more.
    fn is_all(&self) -> bool {
        self.reader.is_finished()
    }
}

/// Reads all of the log, and keeps its end.
fn keep_end(mut stream: impl Read, log: &Mutex<Vec<u8>>) {
    let mut buffer = [0; 4096];
    while let Ok(length @ 1..) = stream.read(&mut buffer) {
        let (bytes, _) = buffer.split_at(length);
        if let Ok(mut log) = log.lock() {
            log.extend(bytes);
            let too_many = log.len().saturating_sub(LOG_BYTES);
            log.drain(..too_many);
        }
    }
}

fn printable(line: &str) -> String {
    line.chars().filter(|c| !c.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_long_log_is_kept() {
        let log = Mutex::default();
        keep_end([b'x'; LOG_BYTES].as_slice(), &log);
        keep_end(b"the end".as_slice(), &log);
        let log = log.into_inner().unwrap();
        assert_eq!(log.len(), LOG_BYTES);
        assert!(log.ends_with(b"xthe end"));
    }

    #[test]
    fn the_last_lines_of_a_log_have_no_control_characters() {
        let text = "one\n".repeat(50) + "\x1b[31mtwo\nthree";
        let log = LogTail::of(io::Cursor::new(text.into_bytes()));
        let lines = log.last_lines();
        assert_eq!(lines.len(), LOG_LINES);
        assert_eq!(lines[LOG_LINES - 2..], ["[31mtwo", "three"]);
    }

    /// Its output ends when no process holds it any more.
    #[test]
    fn all_processes_of_a_command_end_with_it() {
        let command = "sleep 1000 & sleep 1000 & echo up; sleep 1000";
        let words = ["sh", "-c", command];
        let scratch = Scratch::new().unwrap();
        let mut process = Process::start(&words, scratch, None).unwrap();
        let begin = Instant::now();
        let mut wait_until = |is_so: fn(&LogTail) -> bool| {
            while !is_so(&process.log) {
                assert!(begin.elapsed() < Duration::from_secs(60));
                thread::sleep(Duration::from_millis(2));
            }
            process.end();
        };
        wait_until(|log| !log.bytes.lock().unwrap().is_empty());
        wait_until(|log| log.is_all());
    }
}
