//! Is it our own server that listens on the port, or that of another page?
//!
//! A student's server may listen on a port of its own choice. If that is the
//! one which another server was just given, the other one cannot listen, and
//! our page would judge the wrong one. Linux tells who listens: the socket has
//! a number, and its process a mark in its environment (see `guard.rs`).
//!
//! Elsewhere, and where a process hides its environment, nobody knows: then it
//! is taken for ours.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::guard::MARK;

/// The state of a socket that listens, in the system's table.
const LISTENS: &str = "0A";

/// Whether the process that listens there was started for another page than
/// the one with this folder.
pub(super) fn is_of_another(port: u16, folder: &Path) -> bool {
    let sockets = listening(port);
    let is_it = |fd: PathBuf| {
        let goal = fs::read_link(fd).unwrap_or_default();
        sockets.iter().any(|socket| goal.as_os_str() == socket.as_str())
    };
    let has_it = |process: &Path| {
        let fds = entries(&process.join("fd"));
        fds.into_iter().any(&is_it)
    };
    !sockets.is_empty()
        && entries(Path::new("/proc"))
            .iter()
            .filter(|process| is_marked_otherwise(process, folder))
            .any(|process| has_it(process))
}

/// The sockets that listen on this port, as their processes see them.
fn listening(port: u16) -> Vec<String> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"];
    let texts = tables.map(|file| fs::read_to_string(file).unwrap_or_default());
    let place = format!(":{port:04X}");
    let socket = |line: &str| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let [_, address, _, state, _, _, _, _, _, number, ..] = columns[..]
        else {
            return None;
        };
        let is_it = address.ends_with(&place) && state == LISTENS;
        is_it.then(|| format!("socket:[{number}]"))
    };
    texts.iter().flat_map(|text| text.lines().filter_map(socket)).collect()
}

/// Whether a process was started for a page, but not for ours.
fn is_marked_otherwise(process: &Path, folder: &Path) -> bool {
    let environment = fs::read(process.join("environ")).unwrap_or_default();
    let mark = format!("{MARK}=");
    let mut variables = environment.split(|byte| *byte == 0);
    variables
        .find_map(|variable| variable.strip_prefix(mark.as_bytes()))
        .is_some_and(|value| value != folder.as_os_str().as_bytes())
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};

    const LISTEN: &str = "import socket, sys
s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen()
print(s.getsockname()[1], flush=True); sys.stdin.read()";

    #[test]
    fn a_server_that_was_started_for_another_page_is_seen() {
        let python = Command::new("python3")
            .args(["-c", LISTEN])
            .env(MARK, "/other")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        // Without Python there is no server to look at.
        let Ok(mut python) = python else { return };
        let mut line = String::new();
        let output = python.stdout.take().unwrap();
        BufReader::new(output).read_line(&mut line).unwrap();
        let port: u16 = line.trim().parse().unwrap();
        let seen = ["/ours", "/other"]
            .map(|folder| is_of_another(port, Path::new(folder)));
        drop(python.stdin.take());
        python.wait().unwrap();
        assert_eq!(seen, [true, false]);
        assert!(!is_of_another(port, Path::new("/ours")));
    }
}
