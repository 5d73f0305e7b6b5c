//! Starts our own program for one transcript.
//!
//! Each transcript has a process of its own, on a free port, with a mail
//! folder that is empty: what one of them does, no other can see.

use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::thread::Builder;
use std::time::Duration;

use super::process::{NotStarted, Process, Started};
use super::scratch::Scratch;
use crate::words::no_thread;

/// How long the program may take until it listens.
const START: Duration = Duration::from_secs(60);

/// The options of every transcript, unless its header gives others.
///
/// The names are those of the cast: Bob and Carol live here, and nobody else.
const CAST: [(&str, &str); 4] = [
    ("hostname", "mx.example.org"),
    ("domain", "example.org"),
    ("mailbox", "bob@example.org"),
    ("mailbox", "carol@example.org"),
];

/// Where a server that relays sends its mail: a port of this machine where no
/// mail server listens. So mail waits in the queue, and never leaves.
const NOBODY: &str = "127.0.0.1:1";

/// Starts the program with these `Server:` options, and waits until it
/// listens.
pub(super) fn start(
    program: &Path,
    options: &[(String, String)],
) -> Result<Started, NotStarted> {
    let (process, lines) = launch(program, options).map_err(|error| {
        let program = program.display();
        NotStarted::because(format!("cannot start {program}: {error}"))
    })?;
    let line = lines.recv_timeout(START);
    match line.ok().as_deref().and_then(address) {
        Some(address) => Ok(Started { process, address }),
        None => Err(NotStarted {
            reason: "our own server did not start".into(),
            log: process.stop(0),
        }),
    }
}

/// Starts the process. Port 0 takes a free one; the first line that is printed
/// says which.
fn launch(
    program: &Path,
    options: &[(String, String)],
) -> io::Result<(Process, Receiver<String>)> {
    let scratch = Scratch::new()?;
    let (stdout, writer) = io::pipe()?;
    let mut words: Vec<OsString> = vec![program.into()];
    let listen = ["serve", "--listen", "127.0.0.1:0", "--mail"];
    words.extend(listen.map(OsString::from));
    words.push(scratch.mail().into());
    let given = arguments(options, scratch.path());
    words.extend(given.into_iter().map(OsString::from));
    let line = first_line(stdout)?;
    let process = Process::start(&words, scratch, Some(writer))?;
    Ok((process, line))
}

/// The `Server:` options and those of the cast, as arguments.
///
/// A key in the header replaces all options of the cast with that key. A queue
/// is made in the scratch folder.
pub(super) fn arguments(
    options: &[(String, String)],
    scratch: &Path,
) -> Vec<String> {
    let is_given = |key: &str| options.iter().any(|(given, _)| given == key);
    let cast = CAST.iter().filter(|(key, _)| !is_given(key));
    let cast = cast.map(|(key, value)| format!("--{key}={value}"));
    let given = options.iter().flat_map(|(key, value)| {
        match (key.as_str(), value.as_str()) {
            // Every plain name, as without the option.
            ("mailbox", "*") => Vec::new(),
            ("relay", _) => {
                let queue = scratch.join("queue");
                let queue = format!("--queue={}", queue.display());
                vec![queue, format!("--smart-host={NOBODY}")]
            }
            (key, value) => vec![format!("--{key}={value}")],
        }
    });
    cast.chain(given).collect()
}

/// The address in the line that the program prints when it listens.
fn address(line: &str) -> Option<SocketAddr> {
    let address = line.strip_prefix("pillarbox listening on ")?;
    address.trim_end().parse().ok()
}

/// Passes on the first line, and reads the rest so that nobody waits.
fn first_line(
    stdout: impl Read + Send + 'static,
) -> io::Result<Receiver<String>> {
    let (sender, receiver) = channel();
    let read = move || {
        let mut stdout = BufReader::new(stdout);
        let mut line = String::new();
        if stdout.read_line(&mut line).is_ok_and(|length| length > 0) {
            let _ = sender.send(line);
        }
        drop(sender);
        let _ = io::copy(&mut stdout, &mut io::sink());
    };
    Builder::new().spawn(read).map_err(no_thread)?;
    Ok(receiver)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn option(key: &str, value: &str) -> (String, String) {
        (key.into(), value.into())
    }

    fn arguments(options: &[(String, String)]) -> Vec<String> {
        super::arguments(options, Path::new("/scratch"))
    }

    #[test]
    fn a_server_that_relays_has_a_queue_and_a_host_that_takes_nothing() {
        let options = [option("domain", "a.test"), option("relay", "yes")];
        let arguments = arguments(&options);
        let given = arguments.get(arguments.len() - 2..).unwrap();
        let wanted = ["--queue=/scratch/queue", "--smart-host=127.0.0.1:1"];
        assert_eq!(given, wanted);
    }

    #[test]
    fn a_key_in_the_header_replaces_all_of_the_cast_with_that_key() {
        assert_eq!(
            arguments(&[]),
            [
                "--hostname=mx.example.org",
                "--domain=example.org",
                "--mailbox=bob@example.org",
                "--mailbox=carol@example.org",
            ]
        );
        let options = [
            option("mailbox", "a@example.org"),
            option("max-size", "9"),
            option("mailbox", "b@example.org"),
        ];
        assert_eq!(
            arguments(&options),
            [
                "--hostname=mx.example.org",
                "--domain=example.org",
                "--mailbox=a@example.org",
                "--max-size=9",
                "--mailbox=b@example.org",
            ]
        );
    }

    #[test]
    fn the_line_of_a_listening_server_has_its_address() {
        let line = "pillarbox listening on 127.0.0.1:2525\n";
        assert_eq!(address(line), "127.0.0.1:2525".parse().ok());
        assert_eq!(address("listening"), None);
    }

    #[test]
    fn a_program_that_is_not_there_or_says_something_else_did_not_start() {
        let start = |program| start(Path::new(program), &[]);
        for program in ["false", "echo"] {
            let reason = start(program).unwrap_err().reason;
            assert_eq!(reason, "our own server did not start");
        }
        let reason = start("/no/such/program").unwrap_err().reason;
        assert!(reason.starts_with("cannot start /no/such/"), "{reason}");
    }
}
