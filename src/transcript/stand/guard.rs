//! The guard of a server: a shell that ends it, whatever becomes of us.
//!
//! std can start a process in a group of its own, but it cannot signal a
//! group, and it ends nothing when we are killed. So beside each server runs
//! a shell, in a group of its own, with `guard.sh`. It waits on a pipe whose
//! other end is ours. When we write a line there, or the system closes it
//! because we are gone, the guard ends the server's group and removes its
//! folder. On Linux it also ends what has left the group: it finds it by a
//! mark in its environment, which children inherit. A process that clears its
//! environment and leaves the group gets away.
//!
//! Interface:
//!   `MARK`   the variable that a server is started with
//!   `Guard`  the shell
//!   `clear`  does the guard's work for a server that nobody has any more

use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

const GUARD: &str = include_str!("guard.sh");

/// The variable that marks what a server starts; its value is the folder.
pub(super) const MARK: &str = "PILLARBOX_RUN";

/// How long the guard, and a process that was killed, may take to end. A
/// system that is out of memory may need long; for ever is too long.
const END: Duration = Duration::from_secs(30);

const BETWEEN_LOOKS: Duration = Duration::from_millis(2);

/// A shell that watches over one server.
#[derive(Debug)]
pub(super) struct Guard(Child);

impl Guard {
    /// Is there before the server is: at no time it is alone.
    pub(super) fn start(folder: &Path) -> io::Result<Guard> {
        shell(folder).stdin(Stdio::piped()).spawn().map(Guard)
    }

    /// The server that was started, and leads its group.
    pub(super) fn watch(&mut self, leader: &Child) {
        if let Some(pipe) = &mut self.0.stdin {
            let _ = writeln!(pipe, "{}", leader.id());
        }
    }

    /// Something that ends the server as well, once, from another thread.
    pub(super) fn ender(&self) -> io::Result<impl FnOnce() + Send + 'static> {
        let pipe = self.0.stdin.as_ref().ok_or(ErrorKind::BrokenPipe)?;
        let mut pipe = File::from(pipe.as_fd().try_clone_to_owned()?);
        Ok(move || {
            let _ = pipe.write_all(b"end\n");
        })
    }

    /// Ends the server. Its leader must not have been waited for: until then
    /// its number cannot be given to another process.
    pub(super) fn end(&mut self) {
        if let Some(mut pipe) = self.0.stdin.take() {
            let _ = pipe.write_all(b"end\n");
        }
        reap(&mut self.0);
    }
}

/// The guard's command, in a group of its own: a server that stops its group
/// must not stop the guard.
fn shell(folder: &Path) -> Command {
    let mut command = Command::new("sh");
    command
        .args(["-c", GUARD, "sh"])
        .arg(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0);
    command
}

/// Ends what a killed run has left running, and removes its folder. It had a
/// guard as well, which should have done so.
pub(super) fn clear(folder: &Path) {
    if let Ok(mut shell) = shell(folder).spawn() {
        reap(&mut shell);
    }
}

/// Waits for a process that is about to end; in the end it is killed.
pub(super) fn reap(child: &mut Child) {
    let until = Instant::now() + END;
    while let Ok(None) = child.try_wait() {
        if Instant::now() >= until {
            let _ = child.kill();
            return;
        }
        thread::sleep(BETWEEN_LOOKS);
    }
}
