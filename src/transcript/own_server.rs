//! Starts our own program for one transcript, and ends it.
//!
//! Each transcript has a process of its own, on a free port, with a mail
//! folder that is empty: what one of them does, no other can see. The process
//! and its folder go away with the `OwnServer`, also after a failure.
//!
//! Only this process is ended, by its handle and never by its name.

use std::fs;
use std::io::{self, BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{self, Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How long the program may take until it listens.
const START: Duration = Duration::from_secs(10);

/// How much of its log is kept, and how many lines of it are shown.
const LOG_BYTES: usize = 16 * 1024;
const LOG_LINES: usize = 12;

/// The options of every transcript, unless its header says otherwise.
///
/// The names are those of the cast: Bob and Carol live here, all others do not.
const CAST: [(&str, &str); 4] = [
    ("hostname", "mx.example.org"),
    ("domain", "example.org"),
    ("mailbox", "bob@example.org"),
    ("mailbox", "carol@example.org"),
];

/// A server that runs for one transcript.
#[derive(Debug)]
pub(super) struct OwnServer {
    child: Child,
    address: SocketAddr,
    log: Arc<Mutex<Vec<u8>>>,
    log_reader: Option<JoinHandle<()>>,
    scratch: Scratch,
}

impl OwnServer {
    /// Starts the program with these `Server:` options, and waits until it
    /// listens.
    pub(super) fn start(
        program: &Path,
        options: &[(String, String)],
    ) -> Result<OwnServer, String> {
        let scratch = Scratch::new()
            .map_err(|error| format!("no scratch folder: {error}"))?;
        let mut child = launch(program, &scratch.mail(), options)
            .map_err(|e| format!("cannot start {}: {e}", program.display()))?;
        let log = Arc::default();
        let log_reader = child.stderr.take().map(|stderr| {
            let log = Arc::clone(&log);
            thread::spawn(move || keep_end(stderr, &log))
        });
        let lines = child.stdout.take().map(first_line);
        let mut server = OwnServer {
            child,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            log,
            log_reader,
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
        if let Some(reader) = self.log_reader.take() {
            let _ = reader.join();
        }
        let log = self.log.lock().map(|log| log.clone()).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = log.lines().collect();
        let first = lines.len().saturating_sub(LOG_LINES);
        lines.into_iter().skip(first).map(printable).collect()
    }

    fn did_not_start(self) -> String {
        let log = self.stop().join("\n  ");
        if log.is_empty() {
            return "our own server did not start".into();
        }
        format!("our own server did not start:\n  {log}")
    }

    fn end(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
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
    mail: &Path,
    options: &[(String, String)],
) -> io::Result<Child> {
    Command::new(program)
        .args(["serve", "--listen", "127.0.0.1:0", "--mail"])
        .arg(mail)
        .args(arguments(options))
        .stdin(Stdio::null())
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

/// Reads all of the log, and keeps its end.
fn keep_end(mut stderr: impl Read, log: &Mutex<Vec<u8>>) {
    let mut buffer = [0; 4096];
    while let Ok(length @ 1..) = stderr.read(&mut buffer) {
        let (bytes, _) = buffer.split_at(length);
        if let Ok(mut log) = log.lock() {
            log.extend(bytes);
            let too_many = log.len().saturating_sub(LOG_BYTES);
            log.drain(..too_many);
        }
    }
}

/// A line of the log without control characters.
fn printable(line: &str) -> String {
    line.chars().filter(|c| !c.is_control()).collect()
}

/// A folder of its own that goes away.
#[derive(Debug)]
struct Scratch(PathBuf);

impl Scratch {
    /// `create_dir` fails if the folder exists, so nobody shares one.
    fn new() -> io::Result<Scratch> {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        loop {
            let number = COUNT.fetch_add(1, Ordering::Relaxed);
            let name = format!("pillarbox-{}-{number}", process::id());
            let path = std::env::temp_dir().join(name);
            match fs::create_dir(&path) {
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
                result => return result.map(|()| Scratch(path)),
            }
        }
    }

    fn mail(&self) -> PathBuf {
        self.0.join("mail")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
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
    fn the_end_of_a_long_log_is_kept() {
        let log = Mutex::default();
        keep_end([b'x'; LOG_BYTES].as_slice(), &log);
        keep_end(b"the end".as_slice(), &log);
        let log = log.into_inner().unwrap();
        assert_eq!(log.len(), LOG_BYTES);
        assert!(log.ends_with(b"xthe end"));
    }

    #[test]
    fn a_scratch_folder_is_nobody_elses_and_goes_away() {
        let (one, two) = (Scratch::new().unwrap(), Scratch::new().unwrap());
        assert_ne!(one.0, two.0);
        fs::create_dir_all(one.mail().join("example.org")).unwrap();
        let path = one.0.clone();
        drop(one);
        assert!(!path.exists());
    }

    #[test]
    fn a_program_that_is_not_there_or_says_something_else_did_not_start() {
        let start = |program| OwnServer::start(Path::new(program), &[]);
        let error = start("/no/such/program").unwrap_err();
        assert!(error.starts_with("cannot start"), "{error}");
        for program in ["false", "echo"] {
            let error = start(program).unwrap_err();
            assert_eq!(error, "our own server did not start");
        }
    }
}
