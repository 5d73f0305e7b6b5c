//! One session over standard input and output: at the keyboard, or under a
//! program that accepts the connections (inetd, systemd, stunnel, socat).
//!
//! If standard input is a TCP socket it is used as one, deadlines and all. If
//! it is something else, two threads read and write it, because std can wait
//! for a thread with a deadline, but not for a pipe.
//!
//! At a terminal, a line that is typed ends in a line feed alone. There, and
//! only there, it is made a CR LF.

use super::connection::Connection;
use super::settings::Settings;
use super::shared::Shared;
use crate::protocol::reply::{self, Answer};
use crate::wire::{Steady, Transport};
use crate::words::no_thread;
use std::io::{self, ErrorKind, IsTerminal, Read, Write};
use std::net::{IpAddr, TcpStream};
use std::os::fd::AsFd;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

const READ_SIZE: usize = 8192;

/// The only session of this process.
const SESSION: u64 = 1;

/// Serves one session over standard input and output. It ends with the
/// session.
pub fn converse(settings: Settings) -> io::Result<()> {
    // The queue belongs to a server that goes on.
    let hostname = settings.offer.hostname.clone();
    let shared = Shared::open(Settings { relay: None, ..settings })
        .inspect_err(|_| turn_away(&hostname))?;
    if let Some((stream, client)) = socket() {
        let transport = Box::new(Steady::new(&stream));
        Connection::new(SESSION, Some(client), &shared, transport).run();
        return Ok(());
    }
    let is_terminal = io::stdin().is_terminal();
    if is_terminal {
        let hint = "pillarbox: each line that you type ends in CR LF for the \
                    server;\npillarbox: QUIT or Ctrl-D ends the session\n";
        // A hint that nobody can see is none.
        let _ = io::stderr().write_all(hint.as_bytes());
    }
    let stdio =
        Stdio::start(is_terminal).inspect_err(|_| turn_away(&hostname))?;
    let transport = Box::new(stdio);
    Connection::new(SESSION, None, &shared, transport).run();
    Ok(())
}

/// There is no session, and a client that waits for its greeting: it should
/// come again (RFC 5321 4.2.3). Why is for our owner to read.
pub fn turn_away(hostname: &str) {
    let answer = Answer::from(reply::TOO_MANY_CONNECTIONS);
    for line in answer.wire_lines(hostname) {
        // If it is gone already, so much the better.
        let _ = io::stdout().write_all(format!("{line}\r\n").as_bytes());
    }
}

// ANCHOR: socket
/// Standard input as a TCP socket, and who is at its other end.
fn socket() -> Option<(TcpStream, IpAddr)> {
    let stream = waiting(io::stdin()).ok()?;
    // Whatever is no TCP socket has no such address.
    let client = stream.peer_addr().ok()?.ip().to_canonical();
    stream.set_nodelay(true).ok()?;
    Some((stream, client))
}
// ANCHOR_END: socket

/// Its reads and writes wait, whatever mode it was in when it was given to us.
fn waiting(stream: impl AsFd) -> io::Result<TcpStream> {
    let stream = TcpStream::from(stream.as_fd().try_clone_to_owned()?);
    stream.set_nonblocking(false)?;
    Ok(stream)
}

/// Standard input and output, each with its thread.
struct Stdio {
    input: Receiver<io::Result<Vec<u8>>>,
    /// What was read and has not been asked for.
    left: Vec<u8>,
    output: SyncSender<Vec<u8>>,
    written: Receiver<io::Result<()>>,
}

impl Stdio {
    fn start(is_terminal: bool) -> io::Result<Stdio> {
        // No room: a thread does not read on before the server has asked.
        let (to_server, input) = sync_channel(0);
        // Of a file there is nothing to wait for.
        let _ = waiting(io::stdout());
        let (output, from_server) = sync_channel::<Vec<u8>>(0);
        let (outcomes, written) = sync_channel(1);
        let name = |name: &str| thread::Builder::new().name(name.to_owned());
        let read = move || read_all(&to_server, is_terminal);
        name("input").spawn(read).map_err(no_thread)?;
        let write = move || {
            for bytes in from_server {
                let mut output = io::stdout().lock();
                let done =
                    output.write_all(&bytes).and_then(|()| output.flush());
                if outcomes.send(done).is_err() {
                    break;
                }
            }
        };
        name("output").spawn(write).map_err(no_thread)?;
        Ok(Stdio { input, left: Vec::new(), output, written })
    }
}

fn read_all(to_server: &SyncSender<io::Result<Vec<u8>>>, is_terminal: bool) {
    let mut buffer = vec![0; READ_SIZE];
    loop {
        let read = match io::stdin().lock().read(&mut buffer) {
            Ok(0) => return,
            Ok(count) => {
                let bytes = buffer.get(..count).unwrap_or_default();
                Ok(if is_terminal { with_cr(bytes) } else { bytes.to_vec() })
            }
            Err(error) => Err(error),
        };
        let is_over = read.is_err();
        if to_server.send(read).is_err() || is_over {
            return;
        }
    }
}

/// A terminal gives a line feed for the Enter key.
fn with_cr(typed: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(typed.len() + 2);
    for byte in typed {
        if *byte == b'\n' {
            bytes.push(b'\r');
        }
        bytes.push(*byte);
    }
    bytes
}

impl Transport for Stdio {
    fn read(
        &mut self,
        buffer: &mut [u8],
        patience: Duration,
    ) -> io::Result<usize> {
        if self.left.is_empty() {
            match self.input.recv_timeout(patience) {
                Ok(read) => self.left = read?,
                Err(RecvTimeoutError::Disconnected) => return Ok(0),
                Err(RecvTimeoutError::Timeout) => {
                    return Err(ErrorKind::TimedOut.into());
                }
            }
        }
        let count = self.left.as_slice().read(buffer)?;
        self.left.drain(..count);
        Ok(count)
    }

    fn write(&mut self, bytes: &[u8], patience: Duration) -> io::Result<usize> {
        let is_gone = |_| io::Error::from(ErrorKind::BrokenPipe);
        self.output.send(bytes.to_vec()).map_err(is_gone)?;
        match self.written.recv_timeout(patience) {
            Ok(done) => done.map(|()| bytes.len()),
            Err(_) => Err(ErrorKind::BrokenPipe.into()),
        }
    }

    /// The end of the process will do.
    fn end_output(&mut self) -> io::Result<()> {
        Err(ErrorKind::Unsupported.into())
    }
}
