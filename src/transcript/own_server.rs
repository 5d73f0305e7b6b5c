//! Starts our own program for one transcript, and ends it.
//!
//! Each transcript has a process of its own, on a free port, with a mail
//! folder that is empty: what one of them does, no other can see. The process
//! and its folder go away with the `OwnServer`, also after a failure, and also
//! if we are ended ourselves.

use std::io::{self, BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use super::scratch::{LogTail, Scratch, guarded};

/// How long the program may take until it listens.
const START: Duration = Duration::from_secs(10);

/// The options of every transcript, unless its header says otherwise.
///
/// The names are those of the cast: Bob and Carol live here, all others do not.
const CAST: [(&str, &str); 4] = [
    ("hostname", "mx.example.org"),
    ("domain", "example.org"),
    ("mailbox", "bob@example.org"),
    ("mailbox", "carol@example.org"),
];

/// Why there is no server to talk to.
#[derive(Debug)]
pub(super) struct NotStarted {
    /// In one line.
    pub(super) reason: String,
    /// The last lines of its log.
    pub(super) log: Vec<String>,
}

impl NotStarted {
    pub(super) fn because(reason: String) -> NotStarted {
        let log = Vec::new();
        NotStarted { reason, log }
    }
}

/// A server that runs for one transcript.
#[derive(Debug)]
pub(super) struct OwnServer {
    guard: Child,
    address: SocketAddr,
    log: Option<LogTail>,
    scratch: Scratch,
}

impl OwnServer {
    /// Starts the program with these `Server:` options, and waits until it
    /// listens.
    pub(super) fn start(
        program: &Path,
        options: &[(String, String)],
    ) -> Result<OwnServer, NotStarted> {
        let scratch = Scratch::new().map_err(|error| {
            NotStarted::because(format!("no scratch folder: {error}"))
        })?;
        let launched = launch(program, &scratch, options);
        let mut guard = launched.map_err(|error| {
            let program = program.display();
            NotStarted::because(format!("cannot start {program}: {error}"))
        })?;
        let log = guard.stderr.take().map(LogTail::of);
        let lines = guard.stdout.take().map(first_line);
        let mut server = OwnServer {
            guard,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            log,
            scratch,
        };
        let line = lines.and_then(|lines| lines.recv_timeout(START).ok());
        match line.as_deref().and_then(address) {
            Some(address) => server.address = address,
            None => return Err(server.did_not_start()),
        }
        Ok(server)
    }

    /// Where it listens.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where its mailboxes are.
    pub(super) fn mail(&self) -> PathBuf {
        self.scratch.mail()
    }

    /// Ends the process. Gives back the last lines of its log.
    pub(super) fn stop(mut self) -> Vec<String> {
        self.end();
        let log = self.log.as_ref().map(LogTail::last_lines);
        log.unwrap_or_default()
    }

    fn did_not_start(self) -> NotStarted {
        NotStarted {
            reason: "our own server did not start".into(),
            log: self.stop(),
        }
    }

    fn end(&mut self) {
        drop(self.guard.stdin.take());
        let _ = self.guard.wait();
    }
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        self.end();
    }
}

/// Starts the process. Port 0 takes a free one.
fn launch(
    program: &Path,
    scratch: &Scratch,
    options: &[(String, String)],
) -> io::Result<Child> {
    guarded(scratch)
        .arg(program)
        .args(["serve", "--listen", "127.0.0.1:0", "--mail"])
        .arg(scratch.mail())
        .args(arguments(options))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
}

/// The `Server:` options and those of the cast, as arguments.
///
/// A key in the header replaces all options of the cast with that key.
fn arguments(options: &[(String, String)]) -> Vec<String> {
    let is_given = |key: &str| options.iter().any(|(given, _)| given == key);
    let cast = CAST.iter().filter(|(key, _)| !is_given(key));
    let cast = cast.map(|(key, value)| format!("--{key}={value}"));
    // `mailbox=*` is every plain name, as without the option.
    let is_option = |(key, value): &&(String, String)| {
        (key.as_str(), value.as_str()) != ("mailbox", "*")
    };
    let given = options.iter().filter(is_option);
    let given = given.map(|(key, value)| format!("--{key}={value}"));
    cast.chain(given).collect()
}

/// The address in the line that the program prints when it listens.
fn address(line: &str) -> Option<SocketAddr> {
    let address = line.strip_prefix("pillarbox listening on ")?;
    address.trim_end().parse().ok()
}

/// Passes on the first line, and reads the rest so that nobody waits.
fn first_line(stdout: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let mut stdout = BufReader::new(stdout);
        let mut line = String::new();
        if stdout.read_line(&mut line).is_ok_and(|length| length > 0) {
            let _ = sender.send(line);
        }
        drop(sender);
        let _ = io::copy(&mut stdout, &mut io::sink());
    });
    receiver
}

#[cfg(test)]
mod tests {
    use super::*;

    fn option(key: &str, value: &str) -> (String, String) {
        (key.into(), value.into())
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
        let start = |program| OwnServer::start(Path::new(program), &[]);
        for program in ["/no/such/program", "false", "echo"] {
            let reason = start(program).unwrap_err().reason;
            assert_eq!(reason, "our own server did not start");
        }
    }
}
