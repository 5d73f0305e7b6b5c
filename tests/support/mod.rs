//! A pillarbox to test from outside: the built program, as a child process.
//!
//! Interface:
//!   `Server`      a running `pillarbox serve`; killed when it is dropped
//!   `Client`      speaks SMTP line by line, as a person with netcat would
//!   `wait_until`  waits for something that another process does
//!   `needs`       whether a program is here that a test wants
//!   `programs`    mail clients that other people wrote
//!   `host`        a mail host that does what a test wants
//!   `machine`     a walk through the state machine
//!   `memory`      a file system in memory that can lose power
//!   `name_server` a name server that says what a test wants
//!   `strace`      system calls that fail
//!
//! Whatever waits has a deadline, far longer than a slow machine needs: a test
//! that gets there fails, and says what it had waited for. No test sleeps to
//! be right.

// Every test file compiles its own copy of this one, and uses a part of it.
#![allow(dead_code, unreachable_pub)]
// A test fails by panicking.
#![allow(clippy::expect_used, clippy::panic)]

use std::fs;
use std::io::{self, BufRead, BufReader, ErrorKind, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use tempfile::TempDir;

pub mod disk;
pub mod host;
pub mod machine;
pub mod memory;
pub mod name_server;
pub mod post;
pub mod programs;
pub mod strace;

/// Everything that waits gives up after this long.
pub const DEADLINE: Duration = Duration::from_secs(180);

/// A `pillarbox serve` of our own, on a free port of 127.0.0.1.
pub struct Server {
    child: Child,
    address: SocketAddr,
    mail: PathBuf,
    output: Output,
    errors: Output,
    /// Keeps the folder as long as the server; none if it is the test's own.
    _folder: Option<TempDir>,
}

impl Server {
    /// Starts a server with a mail folder that goes away with it. It is ready:
    /// a connection will be accepted.
    pub fn start(options: &[&str]) -> Server {
        let folder = TempDir::new().expect("a temporary folder");
        let mut server = Server::start_in(folder.path(), options);
        server._folder = Some(folder);
        server
    }

    /// Starts a server on a mail folder of the test's own: for a second server
    /// on what the first has left.
    pub fn start_in(mail: &Path, options: &[&str]) -> Server {
        Server::launch(&[], mail, options, "info")
    }

    /// Starts a server by way of another program, which gets its command line.
    pub fn start_by(program: &[&str], mail: &Path, options: &[&str]) -> Server {
        Server::launch(program, mail, options, "info")
    }

    /// Starts a server that logs more or less than usual.
    pub fn start_with_log(level: &str, options: &[&str]) -> Server {
        let folder = TempDir::new().expect("a temporary folder");
        let mut server = Server::launch(&[], folder.path(), options, level);
        server._folder = Some(folder);
        server
    }

    /// Starts a server whose standard error is this pipe and no test's matter.
    pub fn start_unread(
        folder: TempDir,
        options: &[&str],
        level: &str,
        errors: OwnedFd,
    ) -> Server {
        let errors = Some(Stdio::from(errors));
        let mut server =
            Server::launch_to(&[], folder.path(), options, level, errors);
        server._folder = Some(folder);
        server
    }

    fn launch(
        program: &[&str],
        mail: &Path,
        options: &[&str],
        level: &str,
    ) -> Server {
        Server::launch_to(program, mail, options, level, None)
    }

    /// The same, with standard error somewhere else than in `log`.
    fn launch_to(
        program: &[&str],
        mail: &Path,
        options: &[&str],
        level: &str,
        elsewhere: Option<Stdio>,
    ) -> Server {
        let mut words = program.to_vec();
        words.push(env!("CARGO_BIN_EXE_pillarbox"));
        let (first, rest) = words.split_first().expect("a program");
        let mut child = Command::new(first)
            .args(rest)
            .args(["serve", "--listen", "127.0.0.1:0", "--mail"])
            .arg(mail)
            .args(options)
            .env("RUST_LOG", level)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(elsewhere.unwrap_or_else(Stdio::piped))
            .spawn()
            .expect("pillarbox starts");
        let output = Output::of(child.stdout.take().expect("piped"));
        let errors = match child.stderr.take() {
            Some(errors) => Output::of(errors),
            None => Output::of(io::empty()),
        };
        let mut server = Server {
            child,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            mail: mail.to_owned(),
            output,
            errors,
            _folder: None,
        };
        server.address = server.announced(0);
        server
    }

    /// The address in a line of its standard output, when that has come.
    pub fn announced(&mut self, line: usize) -> SocketAddr {
        wait_until("pillarbox listens or ends", || {
            let lines = self.output.text().matches('\n').count();
            lines > line || self.output.is_all()
        });
        let text = self.output.text();
        let address = text.lines().nth(line).and_then(|line| {
            line.strip_prefix("pillarbox listening on ")?.parse().ok()
        });
        address.unwrap_or_else(|| {
            self.kill();
            panic!("it does not listen: {text}{}", self.log())
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The port of that address.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// The folder of all mailboxes.
    pub fn mail(&self) -> &Path {
        &self.mail
    }

    /// The number of the process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has written to standard error so far. After `kill` it is all.
    pub fn log(&self) -> String {
        self.errors.text()
    }

    /// Ends the process as `kill -9` does, and waits until it is gone. Doing
    /// it twice does no harm.
    pub fn kill(&mut self) {
        self.child.kill().expect("our own child can be killed");
        self.child.wait().expect("our own child can be waited for");
        wait_until("its last words are read", || self.errors.is_all());
    }

    /// A new connection; nothing has been read from it.
    pub fn connect(&self) -> Client {
        Client::new(self.address).expect("the server accepts a connection")
    }

    /// What a mailbox holds in `new/`, oldest name first. A mailbox that does
    /// not exist holds nothing.
    pub fn messages(&self, domain: &str, local_part: &str) -> Vec<Vec<u8>> {
        let folder = self.mail.join(domain).join(local_part).join("new");
        let entries = match fs::read_dir(&folder) {
            Err(error) if error.kind() == ErrorKind::NotFound => return vec![],
            found => found.expect("a folder of messages"),
        };
        let mut files: Vec<PathBuf> = entries
            .map(|entry| entry.expect("an entry of the folder").path())
            .collect();
        files.sort();
        let read = |file: &PathBuf| fs::read(file).expect("a message");
        files.iter().map(read).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// One connection, seen from the client's side.
///
/// `try_send` and `try_reply` are for tests in which the server goes away;
/// the other methods panic then.
pub struct Client {
    input: BufReader<TcpStream>,
}

impl Client {
    /// Connects. No read and no write will take longer than the deadline.
    pub fn new(address: SocketAddr) -> io::Result<Client> {
        let stream = TcpStream::connect_timeout(&address, DEADLINE)?;
        stream.set_read_timeout(Some(DEADLINE))?;
        stream.set_write_timeout(Some(DEADLINE))?;
        stream.set_nodelay(true)?;
        let input = BufReader::new(stream);
        Ok(Client { input })
    }

    /// Sends one line; CR LF is added.
    pub fn say(&mut self, line: &str) {
        self.send(format!("{line}\r\n").as_bytes());
    }

    /// Hands over a short message, from MAIL to the 250 after its dot.
    pub fn hand_over(&mut self, from: &str, to: &str) {
        for (line, code) in [
            (format!("MAIL FROM:<{from}>"), 250),
            (format!("RCPT TO:<{to}>"), 250),
            ("DATA".to_owned(), 354),
            ("Subject: hi\r\n\r\nHello.\r\n.".to_owned(), 250),
        ] {
            self.say(&line);
            self.expect(code);
        }
    }

    /// Sends bytes as they are.
    pub fn send(&mut self, bytes: &[u8]) {
        self.try_send(bytes).expect("the server reads");
    }

    /// Sends bytes as they are, if the server is still there.
    pub fn try_send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.input.get_mut().write_all(bytes)
    }

    /// Reads one reply with all its lines, which `\n` parts.
    pub fn reply(&mut self) -> String {
        self.try_reply().expect("a reply")
    }

    /// Reads one reply, if the server is still there.
    pub fn try_reply(&mut self) -> io::Result<String> {
        let mut reply = String::new();
        loop {
            let mut line = String::new();
            self.input.read_line(&mut line)?;
            let Some(text) = line.strip_suffix("\r\n") else {
                return Err(ErrorKind::UnexpectedEof.into());
            };
            reply.push_str(text);
            // "250-" goes on, "250 " does not (RFC 5321 4.2.1).
            if text.as_bytes().get(3) != Some(&b'-') {
                return Ok(reply);
            }
            reply.push('\n');
        }
    }

    /// Reads one reply, which must have this code.
    pub fn expect(&mut self, code: u16) -> String {
        let reply = self.reply();
        assert!(reply.starts_with(&code.to_string()), "not {code}: {reply}");
        reply
    }
}

/// Waits until `condition` holds; `what` says it in words.
pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + DEADLINE;
    while !condition() {
        assert!(Instant::now() < end, "waited in vain until {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// What a child writes; a thread reads it, so that the child never waits.
struct Output {
    text: Arc<Mutex<String>>,
    reader: JoinHandle<()>,
}

impl Output {
    fn of(stream: impl io::Read + Send + 'static) -> Output {
        let text = Arc::new(Mutex::new(String::new()));
        let store = Arc::clone(&text);
        let reader = thread::spawn(move || {
            let lines = BufReader::new(stream).split(b'\n');
            for line in lines.map_while(Result::ok) {
                let mut text = store.lock().expect("no reader panics");
                text.push_str(&String::from_utf8_lossy(&line));
                text.push('\n');
            }
        });
        Output { text, reader }
    }

    fn text(&self) -> String {
        self.text.lock().expect("no reader panics").clone()
    }

    fn is_all(&self) -> bool {
        self.reader.is_finished()
    }
}

/// Is the program here, and does it run? Where it must, for CI, it is a
/// failure if not.
pub fn needs(probe: &[&str]) -> bool {
    let (program, arguments) = probe.split_first().expect("a program");
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null());
    if command.output().is_ok_and(|output| output.status.success()) {
        return true;
    }
    assert!(std::env::var_os("CI").is_none(), "cannot be run: {probe:?}");
    // Not by eprintln!, whose words a test that passes never shows.
    let _ = writeln!(io::stderr(), "skipped: {program} is not installed");
    false
}
