//! Lets the next client in, before a deadline.

use std::io::{self, ErrorKind};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

/// How often we look whether somebody has come.
const LOOK: Duration = Duration::from_millis(5);

/// How we wait for a client.
pub(in crate::transcript::play) struct Waiting<'a> {
    /// How long.
    pub(in crate::transcript::play) patience: Duration,
    /// Whether one can still come; or why not. Asked again and again.
    pub(in crate::transcript::play) may_come:
        &'a mut dyn FnMut() -> Result<(), String>,
}

/// Waits for the next client; or says why there is none.
///
/// The standard library has no `accept` with a deadline, so we look and sleep.
pub(super) fn accept(
    listener: &TcpListener,
    waiting: &mut Waiting<'_>,
) -> Result<TcpStream, String> {
    let until = Instant::now() + waiting.patience;
    let mut last_look = None;
    loop {
        match look(listener) {
            Ok(Some(stream)) => return Ok(stream),
            Ok(None) => {}
            Err(error) => {
                return Err(format!("cannot accept a connection: {error}"));
            }
        }
        if let Some(reason) = last_look {
            return Err(reason);
        }
        if Instant::now() >= until {
            let seconds = waiting.patience.as_secs_f64();
            return Err(format!("nobody came within {seconds} s"));
        }
        // It may have come in the moment before it ended: one more look.
        last_look = (waiting.may_come)().err();
        if last_look.is_none() {
            thread::sleep(LOOK);
        }
    }
}

/// Whether somebody is at the door.
fn look(listener: &TcpListener) -> io::Result<Option<TcpStream>> {
    listener.set_nonblocking(true)?;
    match listener.accept() {
        Ok((stream, _)) => {
            // Some systems pass the listener's mode on to it.
            stream.set_nonblocking(false)?;
            Ok(Some(stream))
        }
        Err(error) if is_for_now(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether nobody is there yet, or has gone again before we looked.
fn is_for_now(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::WouldBlock
            | ErrorKind::Interrupted
            | ErrorKind::ConnectionAborted
    )
}
