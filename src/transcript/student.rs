//! Starts somebody else's server for one transcript, and ends it.
//!
//! The command is run by a shell, with a free port and an empty Maildir of its
//! own. It is ended with all the processes that it started, also if it hangs,
//! and also if we are ended ourselves.
//!
//! How: std can start a process in a group of its own, but it cannot signal a
//! group. So the shell that starts the command is its guard, too. It reads
//! from a pipe whose other end is ours. When that end is closed, by us or by
//! the system because we are gone, the guard ends its whole group, itself
//! included. A process that leaves the group (`setsid`, a daemon) gets away.
//!
//! Whether the server listens is not tried here: the first connection would
//! be taken from the transcript. `replay.rs` waits for it.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{self, Child};
use std::sync::Mutex;

use super::own_server::NotStarted;
use super::scratch::{LogTail, Scratch, guarded};

/// Ports that systems do not give to clients. From one that they do give, we
/// could connect to ourselves while the server is still starting.
const FIRST_PORT: u16 = 20_000;
const PORTS: u16 = 12_000;

/// A server that runs for one transcript.
#[derive(Debug)]
pub(super) struct Student {
    guard: Child,
    address: SocketAddr,
    log: LogTail,
    scratch: Scratch,
}

impl Student {
    /// Runs the command; `{port}` and `{maildir}` in it are filled in.
    pub(super) fn start(command: &str) -> Result<Student, NotStarted> {
        start(command).map_err(|error| {
            NotStarted::because(format!("cannot run the command: {error}"))
        })
    }

    /// Where it has to listen.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where its mailboxes have to be.
    pub(super) fn mail(&self) -> PathBuf {
        self.scratch.mail()
    }

    /// Ends the server. Gives back the last lines that it wrote.
    pub(super) fn stop(mut self) -> Vec<String> {
        self.end();
        self.log.last_lines()
    }

    fn end(&mut self) {
        drop(self.guard.stdin.take());
        let _ = self.guard.wait();
    }
}

impl Drop for Student {
    fn drop(&mut self) {
        self.end();
    }
}

fn start(command: &str) -> io::Result<Student> {
    let scratch = Scratch::new()?;
    let maildir = scratch.mail();
    for folder in ["tmp", "new", "cur"] {
        fs::create_dir_all(maildir.join(folder))?;
    }
    let port = free_port()?;
    let (reader, writer) = io::pipe()?;
    let guard = guarded(&scratch)
        .args(["sh", "-c", &filled_in(command, port, &maildir)])
        .stdout(writer.try_clone()?)
        .stderr(writer)
        .spawn()?;
    Ok(Student {
        guard,
        address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
        log: LogTail::of(reader),
        scratch,
    })
}

fn filled_in(command: &str, port: u16, maildir: &Path) -> String {
    command
        .replace("{port}", &port.to_string())
        .replace("{maildir}", &maildir.to_string_lossy())
}

/// A port that nobody listens on, and that this run has not given out before.
fn free_port() -> io::Result<u16> {
    static GIVEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());
    let mut given = GIVEN.lock().map_err(|_| io::ErrorKind::Other)?;
    let first = u16::try_from(process::id() % u32::from(PORTS)).unwrap_or(0);
    let ports = (0..PORTS).map(|n| FIRST_PORT + (first + n) % PORTS);
    for port in ports {
        let is_free = || TcpListener::bind(("127.0.0.1", port)).is_ok();
        if !given.contains(&port) && is_free() {
            given.insert(port);
            return Ok(port);
        }
    }
    Err(io::Error::other("no port is free"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;
    use std::time::{Duration, Instant};

    #[test]
    fn port_and_folder_are_filled_in() {
        let command = "serve {port} '{maildir}' {port}";
        let filled = filled_in(command, 25, Path::new("/mail"));
        assert_eq!(filled, "serve 25 '/mail' 25");
    }

    #[test]
    fn no_port_is_given_out_twice() {
        assert_ne!(free_port().unwrap(), free_port().unwrap());
    }

    /// Its output ends when no process holds it any more.
    #[test]
    fn all_processes_of_the_command_end_with_it() {
        let command = "sleep 1000 & sleep 1000 & echo up; sleep 1000";
        let mut student = Student::start(command).unwrap();
        let begin = Instant::now();
        let mut wait_until = |is_so: fn(&LogTail) -> bool| {
            while !is_so(&student.log) {
                assert!(begin.elapsed() < Duration::from_secs(60));
                thread::sleep(Duration::from_millis(2));
            }
            student.end();
        };
        wait_until(|log| log.has_begun());
        wait_until(|log| log.is_all());
    }

    #[test]
    fn the_folder_is_an_empty_maildir() {
        let student = Student::start("true").unwrap();
        for folder in ["tmp", "new", "cur"] {
            let folder = student.mail().join(folder);
            assert_eq!(fs::read_dir(folder).unwrap().count(), 0);
        }
    }
}
