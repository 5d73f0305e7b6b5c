//! A server's process: it ends with us, however we end, and keeps its log.
//!
//! It has a process group of its own, so it can neither read our terminal nor
//! stop us, and nothing to read. How it is ended: see `guard.rs`.
//!
//! Guarantee: `stop` comes back, whatever the server does.
//!
//! Interface:
//!   `Process`     runs until it is stopped or dropped
//!   `Started`     a process, and where its server listens
//!   `NotStarted`  why there is none

use std::ffi::OsStr;
use std::io::{self, ErrorKind, PipeWriter};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::guard::{Guard, MARK, reap};
use super::log_tail::LogTail;
use super::quota::Quota;
use super::scratch::Scratch;

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
    server: Child,
    guard: Guard,
    log: LogTail,
    /// How much it may write, if that was said.
    quota: Option<Quota>,
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
        let (program, arguments) =
            words.split_first().ok_or(ErrorKind::InvalidInput)?;
        let (log, stderr) = io::pipe()?;
        let stdout = match stdout {
            Some(stdout) => stdout,
            None => stderr.try_clone()?,
        };
        // What may fail comes before what would have to be ended then.
        let log = LogTail::of(log)?;
        let mut guard = Guard::start(scratch.path())?;
        let server = Command::new(program)
            .args(arguments)
            .env(MARK, scratch.path())
            .stdin(Stdio::null())
            .stdout(stdout)
            .stderr(stderr)
            .process_group(0)
            .spawn();
        if server.is_err() {
            guard.end();
        }
        let server = server?;
        guard.watch(&server);
        Ok(Process { server, guard, log, quota: None, scratch })
    }

    /// Ends it when it has written more than this, printed or stored.
    pub(super) fn limit(&mut self, most: u64) -> io::Result<()> {
        let (end, folder) = (self.guard.ender()?, self.scratch.path());
        let quota = Quota::watch(folder, self.log.counter(), most, end)?;
        self.quota = Some(quota);
        Ok(())
    }

    /// Its own folder.
    pub(super) fn folder(&self) -> &Path {
        self.scratch.path()
    }

    /// Where its mailboxes are.
    pub(super) fn mail(&self) -> PathBuf {
        self.scratch.mail()
    }

    /// How many bytes it has printed so far.
    pub(super) fn printed(&self) -> usize {
        self.log.count()
    }

    /// Whether nothing of it runs any more, as far as its output tells.
    pub(super) fn has_ended(&self) -> bool {
        self.log.is_all()
    }

    /// Ends it. Gives back the last lines of what it printed after the first
    /// `from` bytes.
    pub(super) fn stop(mut self, from: usize) -> Vec<String> {
        self.end();
        let mut lines = self.log.last_lines(from);
        lines.extend(self.quota.as_ref().and_then(Quota::broken));
        lines
    }

    /// The leader of the group is waited for last: see `Guard::end`.
    fn end(&mut self) {
        self.guard.end();
        // Without a guard, at least this one.
        let _ = self.server.kill();
        reap(&mut self.server);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;
    use std::time::{Duration, Instant};

    fn wait_until(is_so: impl Fn() -> bool) {
        let begin = Instant::now();
        while !is_so() {
            assert!(begin.elapsed() < Duration::from_secs(60));
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// The log of a command, once it has printed something and was ended. Its
    /// output ends when no process holds it any more.
    fn ended(command: &str) -> LogTail {
        let words = ["sh", "-c", command];
        let scratch = Scratch::new().unwrap();
        let mut process = Process::start(&words, scratch, None).unwrap();
        wait_until(|| !process.log.is_empty());
        process.end();
        let log = LogTail::of(io::empty()).unwrap();
        std::mem::replace(&mut process.log, log)
    }

    #[test]
    fn all_processes_of_a_command_end_with_it() {
        let log = ended("sleep 1000 & sleep 1000 & echo up; sleep 1000");
        wait_until(|| log.is_all());
    }

    #[test]
    fn one_that_stops_its_group_ignores_signals_or_dies_early_ends_as_well() {
        for command in [
            "echo up; kill -STOP 0",
            "trap '' TERM INT HUP; sleep 1000 & echo up; wait",
            "sleep 1000 & echo up",
            "echo up; while :; do echo more; done",
        ] {
            let log = ended(command);
            wait_until(|| log.is_all());
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn one_that_leaves_the_group_is_found_by_its_mark() {
        let log = ended("setsid sh -c 'sleep 1000 & sleep 1000' & echo up");
        wait_until(|| log.is_all());
    }
}
