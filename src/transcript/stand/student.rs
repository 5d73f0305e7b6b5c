//! Starts somebody else's server for one transcript.
//!
//! The command is run by a shell, with a free port and an empty Maildir of its
//! own. Whether the server listens is not tried here: the first connection
//! would be taken from the transcript. The player waits for it.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process;
use std::sync::Mutex;

use super::process::{NotStarted, Process, Started};
use super::scratch::Scratch;

/// Ports that systems do not give to clients. From one that they do give, we
/// could connect to ourselves while the server is still starting.
const FIRST_PORT: u16 = 20_000;
const PORTS: u16 = 12_000;

/// Runs the command; `{port}` and `{maildir}` in it are filled in.
pub(super) fn start(command: &str) -> Result<Started, NotStarted> {
    launch(command).map_err(|error| {
        NotStarted::because(format!("cannot run the command: {error}"))
    })
}

fn launch(command: &str) -> io::Result<Started> {
    let scratch = Scratch::new()?;
    let maildir = scratch.mail();
    for folder in ["tmp", "new", "cur"] {
        fs::create_dir_all(maildir.join(folder))?;
    }
    let port = free_port()?;
    let words = ["sh", "-c", &filled_in(command, port, &maildir)];
    Ok(Started {
        process: Process::start(&words, scratch, None)?,
        address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
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

    #[test]
    fn the_folder_is_an_empty_maildir() {
        let student = start("true").unwrap();
        for folder in ["tmp", "new", "cur"] {
            let folder = student.process.mail().join(folder);
            assert_eq!(fs::read_dir(folder).unwrap().count(), 0);
        }
    }
}
