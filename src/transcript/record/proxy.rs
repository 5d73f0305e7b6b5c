//! The proxy: sits between a client and a server, passes every byte on, and
//! writes down what was said.
//!
//! It works with any server and any client, and changes nothing. The file
//! keeps the order in which things passed: bytes are written down
//! first and passed on then, so that no answer comes before its question.
//! The proxy cannot know which words will be different next time: it writes
//! them all as they were.
//!
//! Interface:
//!   `ProxySettings`      where to listen, where the server is, where files go
//!   `Proxy::start`  listens
//!   `Proxy::run`    one thread for each connection, and one for each direction
//!
//! A connection ends when one side closes: the other one may still say what it
//! has to say, but not forever. Nothing else has a deadline. If the file
//! cannot be written, the talk goes on without it. A client for whom there is
//! no server is told so: `421` (RFC 5321 3.1, 4.2.3).

use std::io::{self, ErrorKind, Read, Write};
use std::net::{
    IpAddr, Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream,
    ToSocketAddrs, UdpSocket,
};
use std::path::PathBuf;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, Builder};
use std::time::{Duration, Instant};

use super::writer::{Closed, Heading, Writer, make_folder};
use crate::words::because;

/// How long a server may take to accept.
const CONNECT: Duration = Duration::from_secs(30);

/// How long one side may go on after the other one has closed.
const LINGER: Duration = Duration::from_secs(10);

/// How long a client that was turned away may take to leave.
const MOMENT: Duration = Duration::from_secs(1);

/// After an error of `accept`; else a process without file descriptors spins.
const PAUSE: Duration = Duration::from_millis(100);

/// This many pauses go by between two lines in the log.
const PAUSES_PER_LOG_LINE: u32 = 10;

const READ_SIZE: usize = 8192;

/// What the proxy needs to know.
#[derive(Debug)]
pub struct ProxySettings {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The server, as `HOST:PORT`.
    pub server: String,
    /// The folder for the files.
    pub folder: PathBuf,
}

/// A proxy that listens.
#[derive(Debug)]
pub struct Proxy {
    listener: TcpListener,
    address: SocketAddr,
    site: Site,
}

/// What all connections have in common.
#[derive(Debug, Clone)]
struct Site {
    server: String,
    folder: PathBuf,
    /// Gives the time as `2026-11-22T23:57:03Z`.
    clock: fn() -> String,
}

impl Proxy {
    /// Makes the folder, and listens. The error says what cannot be done.
    pub fn start(
        settings: ProxySettings,
        clock: fn() -> String,
    ) -> io::Result<Proxy> {
        let ProxySettings { listen, server, folder } = settings;
        make_folder(&folder)?;
        let listener = TcpListener::bind(listen).map_err(|error| {
            because(&format!("cannot listen on {listen}"), &error)
        })?;
        let address = listener.local_addr()?;
        if leads_back(&server, address) {
            let what = format!("{server} is the recorder itself");
            return Err(io::Error::new(ErrorKind::InvalidInput, what));
        }
        Ok(Proxy { address, listener, site: Site { server, folder, clock } })
    }

    /// Where it listens, with the port that was taken.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until the process is ended.
    pub fn run(self) -> ! {
        let (mut number, mut pauses) = (0_u64, 0_u32);
        loop {
            let (client, peer) = match self.listener.accept() {
                Ok(accepted) => accepted,
                Err(error) => {
                    if pauses.is_multiple_of(PAUSES_PER_LOG_LINE) {
                        log::error!("cannot accept: {error}");
                    }
                    pauses = pauses.wrapping_add(1);
                    thread::sleep(PAUSE);
                    continue;
                }
            };
            number += 1;
            let site = self.site.clone();
            // If there is no thread, the client is still ours to tell.
            let client = Arc::new(client);
            let its_own = Arc::clone(&client);
            let serve = move || site.serve(&its_own, peer, number);
            let name = format!("session-{number}");
            if let Err(error) = Builder::new().name(name).spawn(serve) {
                log::error!("[{number}] no thread for {peer}: {error}");
                say_no(&client);
            }
        }
    }
}

impl Site {
    /// One connection, from its first byte to its last.
    fn serve(&self, client: &TcpStream, peer: SocketAddr, number: u64) {
        let begun = connect(&self.server).and_then(|server| {
            let writer = self.writer(peer, number)?;
            log::info!("[{number}] {peer} in {}", writer.path().display());
            client.set_nodelay(true)?;
            server.set_nodelay(true)?;
            Ok((server, Arc::new(Tape::new(number, writer))))
        });
        let outcome = match begun {
            Ok((server, tape)) => pass_both_ways(client, &server, &tape),
            Err(error) => {
                say_no(client);
                read_on(client);
                Err(error)
            }
        };
        if let Err(error) = outcome {
            log::error!("[{number}] {peer} is turned away: {error}");
        }
        let _ = client.shutdown(Shutdown::Both);
    }

    fn writer(&self, peer: SocketAddr, number: u64) -> io::Result<Writer> {
        let heading = Heading {
            time: &(self.clock)(),
            from: &peer.ip().to_canonical().to_string(),
            number,
            server: &[],
            note: &format!("The server was {}.", self.server),
        };
        Writer::create(&self.folder, &heading).map_err(|error| {
            let folder = self.folder.display();
            because(&format!("cannot record in {folder}"), &error)
        })
    }
}

/// Whether the server is where we listen: each session would begin another
/// one, without end.
fn leads_back(server: &str, listen: SocketAddr) -> bool {
    let is_ours = |ip: IpAddr| UdpSocket::bind((ip, 0)).is_ok();
    let is_here = |address: SocketAddr| {
        let ip = address.ip().to_canonical();
        let is_meant = match listen.ip().is_unspecified() {
            true => is_ours(ip),
            false => ip == listen.ip().to_canonical() || ip.is_unspecified(),
        };
        is_meant && address.port() == listen.port()
    };
    server.to_socket_addrs().is_ok_and(|mut found| found.any(is_here))
}

/// Tells the client to try again later. It has only come: there is room for
/// these few bytes.
fn say_no(mut client: &TcpStream) {
    let host = match client.local_addr() {
        Ok(address) => address.ip().to_canonical(),
        Err(_) => IpAddr::from(Ipv4Addr::LOCALHOST),
    };
    let tag = if host.is_ipv6() { "IPv6:" } else { "" };
    let no = "the server cannot be reached, try again later";
    let _ = write!(client, "421 [{tag}{host}] {no}\r\n");
}

/// Reads on for a moment: closed with something unread, the connection would
/// be reset, and our last words lost.
fn read_on(mut client: &TcpStream) {
    let _ = client.shutdown(Shutdown::Write);
    let _ = client.set_read_timeout(Some(MOMENT));
    let until = Instant::now() + MOMENT;
    let mut buffer = [0; READ_SIZE];
    while let Ok(1..) = client.read(&mut buffer) {
        if Instant::now() >= until {
            return;
        }
    }
}

fn connect(server: &str) -> io::Result<TcpStream> {
    let mut last = io::Error::from(ErrorKind::NotFound);
    let addresses = server.to_socket_addrs();
    let addresses = addresses
        .map_err(|error| because(&format!("cannot find {server}"), &error))?;
    for address in addresses {
        match TcpStream::connect_timeout(&address, CONNECT) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(because(&format!("cannot connect to {server}"), &last))
}

/// Passes on until both directions are over.
///
/// When the first one is, the second gets some time for its last words; then
/// both sockets are shut down, which wakes the thread that still waits.
fn pass_both_ways(
    client: &TcpStream,
    server: &TcpStream,
    tape: &Tape,
) -> io::Result<()> {
    let (sender, over) = channel();
    let there = Way::new(Closed::ByClient, client, server);
    let back = Way::new(Closed::ByServer, server, client);
    let started = thread::scope(|scope| {
        let started = [there, back].into_iter().try_for_each(|way| {
            let sender: Sender<()> = sender.clone();
            let run = move || {
                pass(&way, tape);
                let _ = sender.send(());
            };
            Builder::new().spawn_scoped(scope, run).map(|_| ())
        });
        if started.is_ok() {
            let _ = over.recv();
            let _ = over.recv_timeout(LINGER);
        }
        if started.is_err() {
            say_no(client);
        }
        for stream in [client, server] {
            let _ = stream.shutdown(Shutdown::Both);
        }
        started
    });
    tape.end();
    started
}

/// One of the two directions, and the side that speaks in it.
struct Way<'a> {
    speaker: Closed,
    from: &'a TcpStream,
    to: &'a TcpStream,
}

impl Way<'_> {
    fn new<'a>(
        speaker: Closed,
        from: &'a TcpStream,
        to: &'a TcpStream,
    ) -> Way<'a> {
        Way { speaker, from, to }
    }
}

/// Reads, writes down, passes on, until one of the two is gone.
fn pass(way: &Way<'_>, tape: &Tape) {
    let (mut from, mut to) = (way.from, way.to);
    let mut buffer = [0; READ_SIZE];
    loop {
        let bytes = match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => buffer.get(..count).unwrap_or_default(),
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(_) => break,
        };
        tape.write(way.speaker, bytes);
        if to.write_all(bytes).is_err() {
            return tape.closed(other(way.speaker));
        }
    }
    tape.closed(way.speaker);
    let _ = to.shutdown(Shutdown::Write);
}

fn other(side: Closed) -> Closed {
    match side {
        Closed::ByClient => Closed::ByServer,
        Closed::ByServer => Closed::ByClient,
    }
}

/// The recording, which both directions write to.
struct Tape {
    number: u64,
    reel: Mutex<Reel>,
}

struct Reel {
    /// None after trouble with the file.
    writer: Option<Writer>,
    /// The side that closed first.
    closed: Option<Closed>,
}

impl Tape {
    fn new(number: u64, writer: Writer) -> Tape {
        let reel = Reel { writer: Some(writer), closed: None };
        Tape { number, reel: Mutex::new(reel) }
    }

    fn write(&self, speaker: Closed, bytes: &[u8]) {
        self.with(|writer, _| match speaker {
            Closed::ByClient => writer.client(bytes),
            Closed::ByServer => {
                writer.cut_line()?;
                writer.server(bytes)
            }
        });
    }

    /// One side has closed. After the server nobody can say anything; after
    /// the client the server may still answer.
    fn closed(&self, side: Closed) {
        self.with(|writer, closed| {
            let first = *closed.get_or_insert(side);
            match side {
                Closed::ByServer => writer.end(first),
                Closed::ByClient => Ok(()),
            }
        });
    }

    fn end(&self) {
        self.with(|writer, closed| {
            writer.end(closed.unwrap_or(Closed::ByClient))
        });
    }

    fn with(
        &self,
        what: impl FnOnce(&mut Writer, &mut Option<Closed>) -> io::Result<()>,
    ) {
        let Ok(mut reel) = self.reel.lock() else {
            return;
        };
        let Reel { writer, closed } = &mut *reel;
        let Some(open) = writer else { return };
        if let Err(error) = what(open, closed) {
            log::error!("[{}] cannot record: {error}", self.number);
            *writer = None;
        }
    }
}
