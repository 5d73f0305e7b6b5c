//! Bytes from and to one client, with deadlines (RFC 5321 4.5.3.2).
//!
//! A deadline is a point in time, not a pause: a client that sends one byte
//! every few minutes comes to its end as well. Replies wait in a buffer, so
//! that those to commands that came in a row can leave in one write; before a
//! read they always leave.
//!
//! Guarantee: no more than one read and a few replies are kept in memory.

use std::io::{self, ErrorKind, Read, Write};
use std::mem;
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

const READ_SIZE: usize = 8192;

/// Replies are written when there are so many bytes of them.
const WRITE_SIZE: usize = 8192;

/// How long, and how many bytes, we wait for the client to close after us.
const LINGER_TIME: Duration = Duration::from_secs(1);
const LINGER_SIZE: usize = 1_048_576;

/// Why a connection came to its end before QUIT.
#[derive(Debug)]
pub(super) enum Lost {
    /// The client closed.
    Closed,
    /// The deadline passed.
    TimedOut,
    /// The network failed.
    Broken(io::Error),
}

/// What carries the bytes: a socket, or standard input and output.
pub(super) trait Transport {
    /// Reads once, and waits for `patience` at the most. Nothing read is the
    /// end.
    fn read(
        &mut self,
        buffer: &mut [u8],
        patience: Duration,
    ) -> io::Result<usize>;

    /// Writes once, and waits for `patience` at the most.
    fn write(&mut self, bytes: &[u8], patience: Duration) -> io::Result<usize>;

    /// Tells the client that nothing more will come.
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

/// The bytes of one client, in and out.
pub(super) struct Wire<'a> {
    transport: Box<dyn Transport + 'a>,
    input: Vec<u8>,
    output: Vec<u8>,
    timeout: Duration,
    /// A write has failed, perhaps in the middle of a line: what came behind
    /// it could not be read as a reply.
    is_broken: bool,
}

impl<'a> Wire<'a> {
    pub(super) fn new(
        transport: Box<dyn Transport + 'a>,
        timeout: Duration,
    ) -> Wire<'a> {
        let input = vec![0; READ_SIZE];
        Wire { transport, input, output: Vec::new(), timeout, is_broken: false }
    }

    // ANCHOR: read
    /// Writes what waits, then reads once.
    pub(super) fn read(&mut self, deadline: Instant) -> Result<&[u8], Lost> {
        self.flush()?;
        loop {
            let left = time_left(deadline)?;
            match self.transport.read(&mut self.input, left) {
                Ok(0) => return Err(Lost::Closed),
                Ok(count) => {
                    return Ok(self.input.get(..count).unwrap_or_default());
                }
                Err(error) => only_a_pause(error)?,
            }
        }
    }
    // ANCHOR_END: read

    /// Adds one line to what is to be written.
    pub(super) fn say(&mut self, line: &str) -> Result<(), Lost> {
        self.output.extend_from_slice(line.as_bytes());
        self.output.extend_from_slice(b"\r\n");
        if self.output.len() < WRITE_SIZE { Ok(()) } else { self.flush() }
    }

    /// Writes what waits.
    pub(super) fn flush(&mut self) -> Result<(), Lost> {
        self.write(Instant::now() + self.timeout)
    }

    // ANCHOR: close
    /// Says the last words and closes.
    ///
    /// A plain close while there is unread input makes the kernel reset the
    /// connection, and the client may never see the last reply. So: write,
    /// say that nothing more will come, read for a while and drop it.
    pub(super) fn close(mut self) {
        let deadline = Instant::now() + LINGER_TIME;
        let is_said = self.write(deadline).is_ok();
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

    fn write(&mut self, deadline: Instant) -> Result<(), Lost> {
        if self.is_broken {
            return Err(Lost::Closed);
        }
        self.is_broken = true;
        let output = mem::take(&mut self.output);
        let mut rest = output.as_slice();
        while !rest.is_empty() {
            let left = time_left(deadline)?;
            match self.transport.write(rest, left) {
                Ok(count) => rest = rest.get(count..).unwrap_or_default(),
                Err(error) => only_a_pause(error)?,
            }
        }
        self.is_broken = false;
        Ok(())
    }
}

fn time_left(deadline: Instant) -> Result<Duration, Lost> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(Lost::TimedOut) } else { Ok(left) }
}

/// Tells a passed time-out and a signal, after which one goes on, from the end
/// of the connection.
fn only_a_pause(error: io::Error) -> Result<(), Lost> {
    let pauses =
        [ErrorKind::WouldBlock, ErrorKind::TimedOut, ErrorKind::Interrupted];
    if pauses.contains(&error.kind()) {
        Ok(())
    } else {
        Err(Lost::Broken(error))
    }
}
