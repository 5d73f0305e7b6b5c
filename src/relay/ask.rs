//! One question to one name server, in a datagram or by TCP (RFC 1035 4.2).
//!
//! Somebody who cannot see our question but wants to answer it has to guess
//! its number and the port that it came from. Both are new each time. What
//! does not fit is dropped, and the wait for the right answer goes on: a wrong
//! guess must not end it.
//!
//! Interface:
//!   `by_datagram`, `by_tcp`  ask, and wait until a deadline
//!   `Trouble`                why there is no answer
//!
//! What a question and an answer are in bytes: see `dns.rs`. Whom to ask, and
//! how often: see `resolver.rs`.

use super::dns::{Answer, NoAnswer, Question, read_answer};
use crate::wire::{Lost, Wire};
use crate::words::reason;
use std::fmt;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

/// Room for a datagram. We do not ask for long ones, so a server sends 512
/// bytes at the most (RFC 1035 4.2.1).
const DATAGRAM_SIZE: usize = 4096;

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// Nothing came that answers the question. A datagram may get lost.
    Silence,
    /// It is of no use to ask this server again now, for this reason.
    Failed(String),
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Trouble::Silence => "it does not answer",
            Trouble::Failed(why) => why,
        })
    }
}

/// Asks in a datagram, from a new port. The socket is connected: what comes
/// from another address never gets here. `ignored` hears of each packet that
/// is not the answer.
pub(super) fn by_datagram(
    server: SocketAddr,
    question: &Question,
    deadline: Instant,
    ignored: &mut dyn FnMut(),
) -> Result<Answer, Trouble> {
    let socket = UdpSocket::bind((any_address(server), 0))?;
    socket.connect(server)?;
    socket.send(&question.to_bytes())?;
    let mut room = vec![0; DATAGRAM_SIZE];
    loop {
        let left = time_left(deadline).ok_or(Trouble::Silence)?;
        socket.set_read_timeout(Some(left))?;
        let count = socket.recv(&mut room)?;
        match read_answer(room.get(..count).unwrap_or_default(), question) {
            Ok(answer) => return Ok(answer),
            Err(NoAnswer::NotOurs) => ignored(),
            Err(NoAnswer::Malformed) => return Err(malformed()),
        }
    }
}

/// Asks by TCP. A length goes before each message (RFC 1035 4.2.2).
pub(super) fn by_tcp(
    server: SocketAddr,
    question: &Question,
    deadline: Instant,
) -> Result<Answer, Trouble> {
    let left = time_left(deadline).ok_or(Lost::TimedOut)?;
    let stream =
        TcpStream::connect_timeout(&server, left).map_err(Lost::Broken)?;
    let mut wire = Wire::new(Box::new(&stream), left);
    let bytes = question.to_bytes();
    let length = u16::try_from(bytes.len()).unwrap_or_default();
    wire.send(&length.to_be_bytes(), deadline)?;
    wire.send(&bytes, deadline)?;
    wire.flush_until(deadline)?;
    let mut heard = Vec::new();
    loop {
        heard.extend_from_slice(wire.read(deadline)?);
        if let Some(message) = whole_message(&heard) {
            return read_answer(message, question).map_err(|_| malformed());
        }
    }
}

/// A message that has come as a whole, without its length.
fn whole_message(heard: &[u8]) -> Option<&[u8]> {
    let (length, rest) = heard.split_first_chunk()?;
    rest.get(..usize::from(u16::from_be_bytes(*length)))
}

fn any_address(server: SocketAddr) -> IpAddr {
    match server {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    }
}

fn time_left(deadline: Instant) -> Option<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    (!left.is_zero()).then_some(left)
}

fn malformed() -> Trouble {
    Trouble::Failed("its answer cannot be read".to_owned())
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Trouble {
        use ErrorKind::{Interrupted, TimedOut, WouldBlock};
        let pauses = [WouldBlock, TimedOut, Interrupted];
        match pauses.contains(&error.kind()) {
            true => Trouble::Silence,
            false => Trouble::Failed(reason(&error)),
        }
    }
}

impl From<Lost> for Trouble {
    fn from(lost: Lost) -> Trouble {
        Trouble::Failed(format!("by TCP: {lost}"))
    }
}
