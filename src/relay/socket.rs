//! The socket of a client, which can be watched while a text leaves.
//!
//! A server may refuse a text in the middle of it, and then stop reading. A
//! client that only writes would wait for its deadline and miss the answer.

use crate::wire::Transport;
use std::cell::Cell;
use std::io::{self, ErrorKind};
use std::net::TcpStream;
use std::rc::Rc;
use std::time::Duration;

/// While a write waits, the socket is looked at this often.
const GLANCE: Duration = Duration::from_millis(200);

/// The socket. While it is watched, nothing is written if the server has
/// something to say.
#[derive(Clone)]
pub(super) struct Socket {
    stream: Rc<TcpStream>,
    is_watched: Rc<Cell<bool>>,
}

impl Socket {
    pub(super) fn new(stream: TcpStream) -> Socket {
        let is_watched = Rc::new(Cell::new(false));
        Socket { stream: Rc::new(stream), is_watched }
    }

    /// From now on, or no longer.
    pub(super) fn watch(&self, is_watched: bool) {
        self.is_watched.set(is_watched);
    }

    /// Whether a read would not have to wait: for bytes, or for the end.
    pub(super) fn has_input(&self) -> bool {
        let has_switched = self.stream.set_nonblocking(true).is_ok();
        let found = self.stream.peek(&mut [0]);
        // It was switched a moment ago, so it can be switched back.
        let _ = self.stream.set_nonblocking(false);
        let must_wait =
            found.is_err_and(|error| error.kind() == ErrorKind::WouldBlock);
        has_switched && !must_wait
    }
}

impl Transport for Socket {
    fn read(
        &mut self,
        buffer: &mut [u8],
        patience: Duration,
    ) -> io::Result<usize> {
        Transport::read(&mut &*self.stream, buffer, patience)
    }

    fn write(&mut self, bytes: &[u8], patience: Duration) -> io::Result<usize> {
        if !self.is_watched.get() {
            return Transport::write(&mut &*self.stream, bytes, patience);
        }
        if self.has_input() {
            return Err(io::Error::other("the server speaks"));
        }
        Transport::write(&mut &*self.stream, bytes, patience.min(GLANCE))
    }

    fn end_output(&mut self) -> io::Result<()> {
        Transport::end_output(&mut &*self.stream)
    }
}
