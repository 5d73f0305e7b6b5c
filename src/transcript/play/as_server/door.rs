//! Lets the next client in, before a deadline.

use std::io::{self, ErrorKind};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

/// How often we look whether somebody has come.
const LOOK: Duration = Duration::from_millis(5);

/// Waits for the next client; or says why there is none.
///
/// The standard library has no `accept` with a deadline, so we look and sleep.
pub(super) fn accept(
    listener: &TcpListener,
    deadline: Duration,
) -> Result<TcpStream, String> {
    let until = Instant::now() + deadline;
    let accept = || -> io::Result<Option<TcpStream>> {
        listener.set_nonblocking(true)?;
        loop {
            match listener.accept() {
                Ok((stream, _)) => {
                    // Some systems pass the listener's mode on to it.
                    stream.set_nonblocking(false)?;
                    return Ok(Some(stream));
                }
                Err(error) if !is_for_now(&error) => return Err(error),
                Err(_) if Instant::now() >= until => return Ok(None),
                Err(_) => thread::sleep(LOOK),
            }
        }
    };
    match accept() {
        Ok(Some(stream)) => Ok(stream),
        Ok(None) => {
            Err(format!("nobody came within {} s", deadline.as_secs_f64()))
        }
        Err(error) => Err(format!("cannot accept a connection: {error}")),
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
