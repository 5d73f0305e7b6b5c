//! Starts somebody else's server for one transcript.
//!
//! The command is run by a shell, with a free port and an empty Maildir of its
//! own. Whether the server listens is not tried here: the first connection
//! would be taken from the transcript. The player waits for it.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use super::port::Port;
use super::process::{NotStarted, Process, Started};
use super::scratch::Scratch;

/// Runs the command; `{port}` and `{maildir}` in it are filled in.
pub(super) fn start(command: &str) -> Result<(Started, Port), NotStarted> {
    launch(command).map_err(|error| {
        NotStarted::because(format!("cannot run the command: {error}"))
    })
}

fn launch(command: &str) -> io::Result<(Started, Port)> {
    let scratch = Scratch::new()?;
    let maildir = scratch.mail();
    for folder in ["tmp", "new", "cur"] {
        fs::create_dir_all(maildir.join(folder))?;
    }
    let port = Port::free()?;
    let words = ["sh", "-c", &filled_in(command, port.number, &maildir)];
    let process = Process::start(&words, scratch, None)?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port.number));
    Ok((Started { process, address }, port))
}

fn filled_in(command: &str, port: u16, maildir: &Path) -> String {
    command
        .replace("{port}", &port.to_string())
        .replace("{maildir}", &maildir.to_string_lossy())
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
    fn the_folder_is_an_empty_maildir() {
        let (student, _port) = start("true").unwrap();
        for folder in ["tmp", "new", "cur"] {
            let folder = student.process.mail().join(folder);
            assert_eq!(fs::read_dir(folder).unwrap().count(), 0);
        }
    }
}
