//! Bytes from and to one peer, with deadlines (RFC 5321 4.5.3.2): for a server
//! that talks to a client, and for a client that talks to a server.
//!
//! A deadline is a point in time, not a pause: a peer that sends one byte every
//! few minutes comes to its end as well. What we say waits in a buffer, so that
//! replies to commands that came in a row can leave in one write; before a read
//! it always leaves.
//!
//! Interface:
//!   `Wire`       reads and writes, each up to a deadline
//!   `Lost`       why it could not
//!   `Transport`  what carries the bytes
//!   `Steady`     a socket that tells the system its time-outs only once
//!   `deadline`   when a time-out that begins now, or began then, is over
//!
//! Guarantee: no more than one read and one full output buffer are kept in
//! memory; and of a peer that has little to say, a small one.

use crate::words::reason;
use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::mem;
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

/// The most that one read brings, and the most of a peer that has never filled
/// this: thousands may be connected, and nearly all of them wait.
const READ_SIZE: usize = 8192;
const SMALL_READ_SIZE: usize = 256;

/// A socket may wait this much longer than it should.
const TOLERANCE: Duration = Duration::from_millis(10);

/// What waits is written when there are this many bytes of it.
const WRITE_SIZE: usize = 8192;

/// How long we wait for the peer to close after us, and for how many bytes.
const LINGER_TIME: Duration = Duration::from_secs(1);
const LINGER_SIZE: usize = 1_048_576;

/// Later than anybody waits: a hundred years.
const NEVER: Duration = Duration::from_secs(100 * 365 * 86_400);

/// Why a connection came to its end before QUIT was answered.
#[derive(Debug)]
pub enum Lost {
    /// The peer closed.
    Closed,
    /// The deadline passed.
    TimedOut,
    /// The network failed.
    Broken(io::Error),
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Lost::Closed => f.write_str("closed"),
            Lost::TimedOut => f.write_str("timed out"),
            Lost::Broken(error) => f.write_str(&reason(error)),
        }
    }
}

/// What carries the bytes: a socket, or standard input and output.
pub trait Transport {
    /// Reads once, and waits for `patience` at the most. Nothing read is the
    /// end.
    fn read(
        &mut self,
        buffer: &mut [u8],
        patience: Duration,
    ) -> io::Result<usize>;

    /// Writes once, and waits for `patience` at the most.
    fn write(&mut self, bytes: &[u8], patience: Duration) -> io::Result<usize>;

    /// Tells the peer that nothing more will come.
    fn end_output(&mut self) -> io::Result<()>;
}

impl Transport for &TcpStream {
    fn read(
        &mut self,
        buffer: &mut [u8],
        patience: Duration,
    ) -> io::Result<usize> {
        self.set_read_timeout(Some(patience))?;
        Read::read(self, buffer)
    }

    fn write(&mut self, bytes: &[u8], patience: Duration) -> io::Result<usize> {
        self.set_write_timeout(Some(patience))?;
        Write::write(self, bytes)
    }

    fn end_output(&mut self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }
}

/// A socket that remembers what the system was told. Without this a server
/// would tell it twice for each command that it should wait for five minutes.
pub struct Steady<'a> {
    stream: &'a TcpStream,
    for_reads: Option<Duration>,
    for_writes: Option<Duration>,
}

impl<'a> Steady<'a> {
    /// The system was told nothing so far.
    pub fn new(stream: &'a TcpStream) -> Steady<'a> {
        Steady { stream, for_reads: None, for_writes: None }
    }
}

impl Transport for Steady<'_> {
    fn read(
        &mut self,
        buffer: &mut [u8],
        patience: Duration,
    ) -> io::Result<usize> {
        if is_news(&mut self.for_reads, patience) {
            self.stream.set_read_timeout(Some(patience))?;
        }
        Read::read(&mut self.stream, buffer)
    }

    fn write(&mut self, bytes: &[u8], patience: Duration) -> io::Result<usize> {
        if is_news(&mut self.for_writes, patience) {
            self.stream.set_write_timeout(Some(patience))?;
        }
        Write::write(&mut self.stream, bytes)
    }

    fn end_output(&mut self) -> io::Result<()> {
        self.stream.shutdown(Shutdown::Write)
    }
}

/// Whether the system must be told again. Told too long: late by no more than
/// the tolerance. Told too short: we wake early and wait again; as it is at
/// least half, that is once or twice.
fn is_news(told: &mut Option<Duration>, patience: Duration) -> bool {
    let is_right = patience / 2..=patience.saturating_add(TOLERANCE);
    let is_news = told.is_none_or(|told| !is_right.contains(&told));
    if is_news {
        *told = Some(patience);
    }
    is_news
}

/// The bytes of one peer, in and out.
pub struct Wire<'a> {
    transport: Box<dyn Transport + 'a>,
    input: Vec<u8>,
    /// Whether the last read has filled it.
    is_full: bool,
    output: Vec<u8>,
    timeout: Duration,
    /// Whether a write failed, perhaps in the middle of a line. Nothing is
    /// written after it: the peer could not tell where it begins.
    has_failed_write: bool,
}

impl<'a> Wire<'a> {
    /// A wire over `transport`. `timeout` is how long one write may take, if
    /// nothing else is said.
    pub fn new(
        transport: Box<dyn Transport + 'a>,
        timeout: Duration,
    ) -> Wire<'a> {
        Wire {
            transport,
            input: vec![0; SMALL_READ_SIZE],
            is_full: false,
            output: Vec::new(),
            timeout,
            has_failed_write: false,
        }
    }

    // ANCHOR: read
    /// Writes what waits, then reads once.
    pub fn read(&mut self, deadline: Instant) -> Result<&[u8], Lost> {
        self.flush()?;
        self.hear(deadline)
    }

    /// Reads once, and writes nothing: for the last words of a peer to which
    /// nothing can be written any more.
    pub fn hear(&mut self, deadline: Instant) -> Result<&[u8], Lost> {
        if self.is_full {
            self.input.resize(READ_SIZE, 0);
        }
        loop {
            let left = time_left(deadline)?;
            match self.transport.read(&mut self.input, left) {
                Ok(0) => return Err(Lost::Closed),
                Ok(count) => {
                    self.is_full = count == self.input.len();
                    return Ok(self.input.get(..count).unwrap_or_default());
                }
                Err(error) => go_on_after_a_pause(error)?,
            }
        }
    }
    // ANCHOR_END: read

    /// Adds one line to what is to be written.
    pub fn say(&mut self, line: &str) -> Result<(), Lost> {
        self.output.extend_from_slice(line.as_bytes());
        self.output.extend_from_slice(b"\r\n");
        if self.output.len() < WRITE_SIZE { Ok(()) } else { self.flush() }
    }

    /// Adds bytes to what is to be written, without a line end. What is too
    /// much for the buffer is written at once, before `deadline`.
    pub fn send(
        &mut self,
        bytes: &[u8],
        deadline: Instant,
    ) -> Result<(), Lost> {
        self.output.extend_from_slice(bytes);
        if self.output.len() < WRITE_SIZE {
            Ok(())
        } else {
            self.flush_until(deadline)
        }
    }

    /// Writes what waits.
    pub fn flush(&mut self) -> Result<(), Lost> {
        self.flush_until(deadline(Instant::now(), self.timeout))
    }

    // ANCHOR: close
    /// Says the last words and closes.
    ///
    /// A plain close while there is unread input makes the kernel reset the
    /// connection, and the client may never see the last reply. So: write,
    /// say that nothing more will come, read for a while and drop it.
    pub fn close(mut self) {
        let deadline = Instant::now() + LINGER_TIME;
        let is_said = self.flush_until(deadline).is_ok();
        if !is_said || self.transport.end_output().is_err() {
            return;
        }
        let mut dropped = 0;
        while dropped < LINGER_SIZE {
            match self.read(deadline) {
                Ok(bytes) => dropped += bytes.len(),
                Err(Lost::Closed | Lost::TimedOut | Lost::Broken(_)) => return,
            }
        }
    }
    // ANCHOR_END: close

    /// Writes what waits, before `deadline`.
    pub fn flush_until(&mut self, deadline: Instant) -> Result<(), Lost> {
        if self.has_failed_write {
            return Err(Lost::Closed);
        }
        let output = mem::take(&mut self.output);
        let written = self.write_all(&output, deadline);
        self.has_failed_write = written.is_err();
        written
    }

    fn write_all(
        &mut self,
        mut bytes: &[u8],
        deadline: Instant,
    ) -> Result<(), Lost> {
        while !bytes.is_empty() {
            let left = time_left(deadline)?;
            match self.transport.write(bytes, left) {
                Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
                Err(error) => go_on_after_a_pause(error)?,
            }
        }
        Ok(())
    }
}

/// The moment at which `timeout` is over, if it began at `start`.
///
/// `start + timeout` would panic if the clock cannot count that far, and
/// `Duration::MAX` is what a program says that means "never".
pub fn deadline(start: Instant, timeout: Duration) -> Instant {
    start + timeout.min(NEVER)
}

fn time_left(deadline: Instant) -> Result<Duration, Lost> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(Lost::TimedOut) } else { Ok(left) }
}

/// A time-out of the system's and a signal are pauses: one looks at the clock
/// and goes on. Any other error is the end of the connection.
fn go_on_after_a_pause(error: io::Error) -> Result<(), Lost> {
    let pauses =
        [ErrorKind::WouldBlock, ErrorKind::TimedOut, ErrorKind::Interrupted];
    if pauses.contains(&error.kind()) {
        Ok(())
    } else {
        Err(Lost::Broken(error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes all that is written, and notes how long each write may take.
    #[derive(Default)]
    struct Sink {
        bytes: Vec<u8>,
        patience: Vec<Duration>,
    }

    impl Transport for &mut Sink {
        fn read(&mut self, _: &mut [u8], _: Duration) -> io::Result<usize> {
            Ok(0)
        }

        fn write(
            &mut self,
            bytes: &[u8],
            patience: Duration,
        ) -> io::Result<usize> {
            self.bytes.extend_from_slice(bytes);
            self.patience.push(patience);
            Ok(bytes.len())
        }

        fn end_output(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn the_longest_timeout_of_all_is_no_panic_but_a_century() {
        let mut sink = Sink::default();
        let mut wire = Wire::new(Box::new(&mut sink), Duration::MAX);
        wire.say("220 ready").unwrap();
        wire.flush().unwrap();
        drop(wire);
        assert_eq!(sink.bytes, b"220 ready\r\n");
        assert!(sink.patience[0] > NEVER / 2);
    }

    #[test]
    fn a_time_out_is_told_again_only_when_it_is_another_one() {
        let mut told = None;
        let minutes = Duration::from_secs(300);
        assert!(is_news(&mut told, minutes));
        assert!(!is_news(&mut told, minutes - TOLERANCE));
        assert!(!is_news(&mut told, minutes * 2));
        assert!(is_news(&mut told, minutes - TOLERANCE * 2));
        assert!(is_news(&mut told, minutes * 2));
        let short = Duration::from_millis(1);
        assert!(is_news(&mut told, short));
        assert!(is_news(&mut told, minutes));
        assert_eq!(told, Some(minutes));
    }

    /// The first read brings little. The bytes are the same, and none is lost.
    #[test]
    fn a_peer_that_fills_the_small_buffer_gets_the_large_one() {
        struct Endless;
        impl Transport for Endless {
            fn read(&mut self, b: &mut [u8], _: Duration) -> io::Result<usize> {
                b.fill(b'x');
                Ok(b.len())
            }

            fn write(&mut self, b: &[u8], _: Duration) -> io::Result<usize> {
                Ok(b.len())
            }

            fn end_output(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let mut wire = Wire::new(Box::new(Endless), NEVER);
        let deadline = Instant::now() + NEVER;
        let mut read = || wire.read(deadline).unwrap().len();
        assert_eq!([read(), read()], [SMALL_READ_SIZE, READ_SIZE]);
    }

    #[test]
    fn a_deadline_is_its_start_and_the_timeout() {
        let (start, second) = (Instant::now(), Duration::from_secs(1));
        assert_eq!(deadline(start, second), start + second);
        assert_eq!(deadline(start, Duration::ZERO), start);
        assert!(deadline(start, Duration::MAX) > start + second);
    }
}
