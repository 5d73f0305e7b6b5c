//! A socket, read and written with deadlines (RFC 5321 4.5.3.2).
//!
//! A deadline is a point in time, not a pause: a client that sends one byte
//! every few minutes comes to its end as well. Replies wait in a buffer and
//! leave together, before the next read: commands that came in a row are
//! answered in one write.
//!
//! Guarantee: no more than one read and a few replies are kept in memory.

use std::io::{self, ErrorKind, Read, Write};
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

/// One client's socket.
#[derive(Debug)]
pub(super) struct Wire<'a> {
    stream: &'a TcpStream,
    input: Vec<u8>,
    output: Vec<u8>,
    timeout: Duration,
}

impl<'a> Wire<'a> {
    pub(super) fn new(stream: &'a TcpStream, timeout: Duration) -> Wire<'a> {
        let input = vec![0; READ_SIZE];
        Wire {
            stream,
            input,
            output: Vec::new(),
            timeout,
        }
    }

    /// Writes what waits, then reads once.
    pub(super) fn read(&mut self, deadline: Instant) -> Result<&[u8], Lost> {
        self.flush()?;
        loop {
            let left = time_left(deadline)?;
            self.stream
                .set_read_timeout(Some(left))
                .map_err(Lost::Broken)?;
            match self.stream.read(&mut self.input) {
                Ok(0) => return Err(Lost::Closed),
                Ok(count) => {
                    return Ok(self.input.get(..count).unwrap_or_default());
                }
                Err(error) => only_a_pause(error)?,
            }
        }
    }

    /// Adds one line to what is to be written.
    pub(super) fn say(&mut self, line: &str) -> Result<(), Lost> {
        self.output.extend_from_slice(line.as_bytes());
        self.output.extend_from_slice(b"\r\n");
        match self.output.len() < WRITE_SIZE {
            true => Ok(()),
            false => self.flush(),
        }
    }

    /// Writes what waits.
    pub(super) fn flush(&mut self) -> Result<(), Lost> {
        let output = std::mem::take(&mut self.output);
        write_all(self.stream, &output, Instant::now() + self.timeout)
    }

    /// Says the last words and closes.
    ///
    /// A plain close while there is unread input makes the kernel reset the
    /// connection, and the client may never see the last reply. So: write,
    /// say that nothing more will come, read for a while and drop it.
    pub(super) fn close(mut self) {
        let deadline = Instant::now() + LINGER_TIME;
        let output = std::mem::take(&mut self.output);
        let is_said = write_all(self.stream, &output, deadline).is_ok();
        if !is_said || self.stream.shutdown(Shutdown::Write).is_err() {
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
}

fn write_all(
    mut stream: &TcpStream,
    mut bytes: &[u8],
    deadline: Instant,
) -> Result<(), Lost> {
    while !bytes.is_empty() {
        let left = time_left(deadline)?;
        stream.set_write_timeout(Some(left)).map_err(Lost::Broken)?;
        match stream.write(bytes) {
            Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
            Err(error) => only_a_pause(error)?,
        }
    }
    Ok(())
}

fn time_left(deadline: Instant) -> Result<Duration, Lost> {
    let left = deadline.saturating_duration_since(Instant::now());
    match left.is_zero() {
        true => Err(Lost::TimedOut),
        false => Ok(left),
    }
}

/// Tells a passed time-out and a signal, after which one goes on, from the end
/// of the connection.
fn only_a_pause(error: io::Error) -> Result<(), Lost> {
    let pauses = [
        ErrorKind::WouldBlock,
        ErrorKind::TimedOut,
        ErrorKind::Interrupted,
    ];
    match pauses.contains(&error.kind()) {
        true => Ok(()),
        false => Err(Lost::Broken(error)),
    }
}
