//! A mail host in this process, which takes mail or does what a test wants.
//!
//! Interface:
//!   `Host`  listens; remembers its mail, and how many were connected at once
//!   `Say`   what it answers to a command
//!   `Mail`  what it has taken

// A test fails by panicking.
#![allow(clippy::unwrap_used)]

use super::{DEADLINE, wait_until};
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

/// What it answers to a command. The greeting answers the empty command, and
/// what the text is answered is the answer to `.`.
pub enum Say {
    /// Yes.
    Yes,
    /// This.
    This(&'static str),
    /// Nothing, for as long as the client can bear it.
    Nothing,
    /// Nothing, and it closes the connection.
    GoAway,
    /// Yes, as soon as this is said.
    YesWhen(Arc<AtomicBool>),
}

/// A message that it has said yes to.
#[derive(Debug, Clone)]
pub struct Mail {
    pub from: String,
    pub to: Vec<String>,
    /// As it came, without the dot.
    pub text: String,
    /// The number of the connection.
    pub connection: usize,
}

type Conduct = dyn Fn(&str) -> Say + Send + Sync;

/// Ends when it is dropped.
pub struct Host {
    pub address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    conduct: Box<Conduct>,
    mail: Mutex<Vec<Mail>>,
    connections: AtomicUsize,
    now: AtomicUsize,
    most: AtomicUsize,
    is_over: AtomicBool,
}

impl Host {
    /// On a free port of 127.0.0.1.
    pub fn start(
        conduct: impl Fn(&str) -> Say + Send + Sync + 'static,
    ) -> Host {
        Host::at("127.0.0.1:0", conduct)
    }

    /// Where the test wants it.
    pub fn at(
        address: &str,
        conduct: impl Fn(&str) -> Say + Send + Sync + 'static,
    ) -> Host {
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            conduct: Box::new(conduct),
            mail: Mutex::default(),
            connections: AtomicUsize::new(0),
            now: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
            is_over: AtomicBool::new(false),
        });
        let host = Host { address, shared: Arc::clone(&shared) };
        thread::spawn(move || {
            for stream in listener.incoming() {
                if shared.is_over.load(Ordering::SeqCst) {
                    return;
                }
                let shared = Arc::clone(&shared);
                thread::spawn(move || shared.serve(stream.ok()?));
            }
        });
        host
    }

    /// One that takes all mail.
    pub fn friendly() -> Host {
        Host::start(|_| Say::Yes)
    }

    pub fn mail(&self) -> Vec<Mail> {
        self.shared.mail.lock().unwrap().clone()
    }

    /// Waits until there are this many.
    pub fn wait_for_mail(&self, count: usize) -> Vec<Mail> {
        wait_until("the mail arrives", || self.mail().len() >= count);
        self.mail()
    }

    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// How many are connected, as far as it has noticed.
    pub fn connected_now(&self) -> usize {
        self.shared.now.load(Ordering::SeqCst)
    }

    /// How many were connected at the same time, at most.
    pub fn most_at_once(&self) -> usize {
        self.shared.most.load(Ordering::SeqCst)
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
    }
}

impl Shared {
    fn serve(&self, stream: TcpStream) -> Option<()> {
        let connection = self.connections.fetch_add(1, Ordering::SeqCst);
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        let ended = self.converse(&stream, connection);
        self.now.fetch_sub(1, Ordering::SeqCst);
        ended
    }

    fn converse(&self, stream: &TcpStream, connection: usize) -> Option<()> {
        stream.set_read_timeout(Some(DEADLINE)).ok()?;
        stream.set_nodelay(true).ok()?;
        let mut input = BufReader::new(stream);
        let empty = || Mail {
            from: String::new(),
            to: Vec::new(),
            text: String::new(),
            connection,
        };
        let mut mail = empty();
        self.answer(stream, "")?;
        loop {
            let line = line(&mut input)?;
            let command = line.trim_end();
            let is_yes = self.answer(stream, command)?;
            match command.split([':', ' ']).next()? {
                "MAIL" => mail = Mail { from: path(command), ..empty() },
                "RCPT" if is_yes => mail.to.push(path(command)),
                "DATA" if is_yes => {
                    mail.text = text(&mut input)?;
                    if self.answer(stream, ".")? {
                        self.mail.lock().unwrap().push(mail.clone());
                    }
                }
                "QUIT" => return None,
                _ => {}
            }
        }
    }

    /// Whether it was a yes.
    fn answer(&self, mut stream: &TcpStream, command: &str) -> Option<bool> {
        let reply = match (self.conduct)(command) {
            Say::Yes => yes_to(command),
            Say::YesWhen(is_time) => {
                wait_until("it is time", || is_time.load(Ordering::SeqCst));
                yes_to(command)
            }
            Say::This(reply) => reply,
            Say::Nothing => {
                let mut rest = BufReader::new(stream);
                while line(&mut rest).is_some() {}
                return None;
            }
            Say::GoAway => return None,
        };
        stream.write_all(format!("{reply}\r\n").as_bytes()).ok()?;
        Some(reply.starts_with(['2', '3']))
    }
}

fn yes_to(command: &str) -> &'static str {
    match command.split(' ').next().unwrap_or_default() {
        "" => "220 mx.b.example",
        "EHLO" => "250-mx.b.example\r\n250 8BITMIME",
        "DATA" => "354 go on",
        "QUIT" => "221 bye",
        _ => "250 2.0.0 yes",
    }
}

fn line(input: &mut impl BufRead) -> Option<String> {
    let mut line = String::new();
    let count = input.read_line(&mut line).ok()?;
    (count > 0).then_some(line)
}

fn text(input: &mut impl BufRead) -> Option<String> {
    let mut text = String::new();
    loop {
        match line(input)?.as_str() {
            ".\r\n" => return Some(text),
            line => text.push_str(line),
        }
    }
}

/// What is between the angle brackets.
fn path(command: &str) -> String {
    let inside = command.split_once('<').unwrap_or_default().1;
    inside.split_once('>').unwrap_or_default().0.to_owned()
}
