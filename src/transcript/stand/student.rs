//! Starts somebody else's server for one transcript.
//!
//! The command is run by a shell, with a free port and an empty Maildir of its
//! own. Whether the server listens is not tried here: the first connection
//! would be taken from the transcript. The player waits for it.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use super::braces;
use super::own_server::arguments;
use super::port::Port;
use super::process::{NotStarted, Process, Started};
use super::scratch::{MAIL, Scratch};

/// What of a page's `Server:` line a command may ask for by itself, with the
/// value that holds where the page has none.
const LIMITS: [(&str, &str); 3] =
    [("max-size", "26214400"), ("max-recipients", "100"), ("timeout", "300")];

/// All of it, as options of `pillarbox serve`.
const OPTIONS: &str = "{options}";

/// Whether a server that this command starts obeys this key of `Server:`.
pub(super) fn takes(command: &str, key: &str) -> bool {
    let is_limit = LIMITS.iter().any(|(limit, _)| *limit == key);
    command.contains(OPTIONS)
        || is_limit && command.contains(&format!("{{{key}}}"))
}

/// Runs the command, filled in for a page with these `Server:` options.
pub(super) fn start(
    command: &str,
    options: &[(String, String)],
) -> Result<(Started, Port), NotStarted> {
    launch(command, options).map_err(|error| {
        NotStarted::because(format!("cannot run the command: {error}"))
    })
}

fn launch(
    command: &str,
    options: &[(String, String)],
) -> io::Result<(Started, Port)> {
    let scratch = Scratch::new()?;
    let maildir = scratch.mail();
    for folder in ["tmp", "new", "cur"] {
        fs::create_dir_all(maildir.join(folder))?;
    }
    let port = Port::free()?;
    let command = filled_in(command, options, port.number, scratch.path());
    let words = ["sh", "-c", &command];
    let process = Process::start(&words, scratch, None)?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port.number));
    Ok((Started { process, address }, port))
}

/// The command of a page with these options.
fn filled_in(
    command: &str,
    options: &[(String, String)],
    port: u16,
    scratch: &Path,
) -> String {
    let value = |word: &str| match word {
        "port" => Some(port.to_string()),
        "maildir" => Some(scratch.join(MAIL).to_string_lossy().into_owned()),
        "options" => {
            let words = arguments(options, scratch);
            let words = words.iter().map(|word| quoted(word));
            Some(words.collect::<Vec<_>>().join(" "))
        }
        _ => limit(word, options),
    };
    braces::filled_in(command, value)
}

/// The last value of a key that a command may ask for.
fn limit(key: &str, options: &[(String, String)]) -> Option<String> {
    let (_, default) = LIMITS.iter().find(|(limit, _)| *limit == key)?;
    let given = options.iter().rfind(|(other, _)| other == key);
    Some(given.map_or(*default, |(_, value)| value).to_owned())
}

/// A word as the shell takes it, whatever is in it.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn port_and_folder_are_filled_in() {
        let command = "serve {port} '{maildir}' {port} ${HOME} {";
        let filled = filled_in(command, &[], 25, Path::new("/{port}"));
        assert_eq!(filled, "serve 25 '/{port}/mail' 25 ${HOME} {");
    }

    #[test]
    fn limits_of_the_page_and_all_of_its_options_are_filled_in() {
        let option = |key: &str, value: &str| (key.into(), value.into());
        let options =
            [option("mailbox", "o'hara@example.org"), option("relay", "yes")];
        let filled =
            |command| filled_in(command, &options, 25, Path::new("/scratch"));
        let command = "{max-size} {max-recipients} {timeout} {without}";
        assert_eq!(filled(command), "26214400 100 300 {without}");
        let wanted = "'--hostname=mx.example.org' '--domain=example.org' \
                      '--mailbox=o'\\''hara@example.org' \
                      '--queue=/scratch/queue' '--smart-host=127.0.0.1:1'";
        assert_eq!(filled("{options}"), wanted);
    }

    #[test]
    fn a_command_says_which_options_it_obeys() {
        assert!(takes("x {port} {timeout}", "timeout"));
        assert!(!takes("x {port} {timeout}", "max-size"));
        assert!(!takes("x {port} {without}", "without"));
        assert!(takes("x {port} {options}", "without"));
    }

    #[test]
    fn the_folder_is_an_empty_maildir() {
        let (student, _port) = start("true", &[]).unwrap();
        for folder in ["tmp", "new", "cur"] {
            let folder = student.process.mail().join(folder);
            assert_eq!(fs::read_dir(folder).unwrap().count(), 0);
        }
    }
}
