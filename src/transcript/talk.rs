//! One connection, from our side: write, read a whole reply, see the end.
//!
//! A thread reads all that comes and passes it on through a channel. So every
//! wait has a deadline, the end of the connection comes in its order, and we
//! never block on writing because nobody reads.
//!
//! Interface:
//!   `Connection::open`       connects
//!   `Connection::over`       takes a connection that a client has opened
//!   `Connection::write`      sends bytes, in one write
//!   `Connection::write_some` the same with a deadline, for what may be long
//!   `Connection::reply`      waits for one whole reply, and checks its form
//!   `Connection::line`       waits for one line
//!   `Connection::bytes`      waits for this many bytes
//!   `Connection::silence`    waits, and nothing may come
//!   `Connection::closes`     waits for the end, and nothing may come before
//!   `Connection::close`      ends it so that the last words still arrive
//!
//! A reply ends where the protocol says so (a blank behind the code), not
//! where a script expects it: the rest of a longer one is never taken for the
//! next one. Whether it is the right reply is said in `replay.rs`.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use super::spoken::code_and_text;
use crate::protocol::reply::LINE_LIMIT;

/// How many pieces may wait to be read; then the server has to wait.
const MOST_PIECES: usize = 1024;

/// The most lines in a reply. A server could say `250-` without end.
const MOST_LINES: usize = 10_000;

/// How long a line may be, with its CR LF.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Longest {
    /// What a reply may have (RFC 5321 4.5.3.1.5).
    Reply,
    /// More than any client needs; only a full memory is worse.
    Text,
}

impl Longest {
    fn bytes(self) -> usize {
        match self {
            Longest::Reply => LINE_LIMIT,
            Longest::Text => 65_536,
        }
    }

    fn reason(self) -> &'static str {
        match self {
            Longest::Reply => "a line of more than 512 bytes",
            Longest::Text => "a line of more than 65,536 bytes",
        }
    }
}

/// What the reading thread reports.
enum Event {
    Bytes(Vec<u8>),
    End(End),
}

/// How a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// The server closed it.
    Clean,
    /// It was reset, or broke in another way.
    Broken,
}

/// A whole reply.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) code: u16,
    /// Its lines, without their CR LF.
    pub(super) lines: Vec<Vec<u8>>,
}

/// Why what was waited for did not come. `heard` is what came instead.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The deadline passed.
    Late { heard: Vec<u8> },
    /// The server closed the connection.
    Closed { heard: Vec<u8> },
    /// The connection was reset.
    Broken { heard: Vec<u8> },
    /// These bytes are no line of a reply.
    Malformed { reason: &'static str, heard: Vec<u8> },
    /// Something came where nothing should.
    Spoke { heard: Vec<u8> },
}

/// One connection.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    events: Receiver<Event>,
    /// What came and was not read as a line yet.
    unread: Vec<u8>,
    end: Option<End>,
}

impl Connection {
    /// Connects, and starts to read.
    pub(super) fn open(
        address: SocketAddr,
        deadline: Duration,
    ) -> io::Result<Connection> {
        let stream = TcpStream::connect_timeout(&address, deadline)?;
        // While nobody listens, a system may connect a port to itself.
        if stream.local_addr()? == stream.peer_addr()? {
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        Connection::over(stream, deadline)
    }

    /// Starts to read from a connection that is open already.
    pub(super) fn over(
        stream: TcpStream,
        deadline: Duration,
    ) -> io::Result<Connection> {
        stream.set_nodelay(true)?;
        stream.set_write_timeout(Some(deadline))?;
        let reading = stream.try_clone()?;
        let (sender, events) = sync_channel(MOST_PIECES);
        thread::Builder::new()
            .name("transcript reader".into())
            .spawn(move || read_all(reading, &sender))?;
        Ok(Connection { stream, events, unread: Vec::new(), end: None })
    }

    /// Sends bytes in one write.
    ///
    /// That a server no longer listens is no trouble yet: what it said before
    /// may still be unread. Whoever waits for a reply will see the end.
    pub(super) fn write(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    /// Sends some of these bytes before the time is over; says how many.
    pub(super) fn write_some(
        &mut self,
        bytes: &[u8],
        until: Instant,
    ) -> io::Result<usize> {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.stream.set_write_timeout(Some(left))?;
        self.stream.write(bytes)
    }

    /// Whether something waits to be read.
    pub(super) fn has_unread(&mut self) -> bool {
        self.wait(Instant::now());
        !self.unread.is_empty()
    }

    /// Waits for one whole reply (RFC 5321 4.2).
    ///
    /// ```abnf
    /// Reply-line = *( Reply-code "-" [ textstring ] CRLF )
    ///              Reply-code [ SP textstring ] CRLF
    /// ```
    pub(super) fn reply(&mut self, until: Instant) -> Result<Said, Trouble> {
        let mut said: Option<Said> = None;
        loop {
            let line = self.line(until, Longest::Reply)?;
            let malformed = |reason| Trouble::Malformed {
                reason,
                heard: [&line, b"\r\n".as_slice()].concat(),
            };
            let (code, more) = code_and_mark(&line).map_err(malformed)?;
            let said = said.get_or_insert(Said { code, lines: Vec::new() });
            if said.code != code {
                return Err(malformed("two codes in one reply"));
            }
            if said.lines.len() == MOST_LINES {
                return Err(malformed("a reply without end"));
            }
            said.lines.push(line);
            if !more {
                let lines = std::mem::take(&mut said.lines);
                return Ok(Said { code, lines });
            }
        }
    }

    /// Waits until the time is over. Nothing may come; the end may.
    pub(super) fn silence(&mut self, until: Instant) -> Result<(), Trouble> {
        loop {
            if !self.unread.is_empty() {
                return Err(self.spoke());
            }
            if !self.wait(until) {
                return Ok(());
            }
        }
    }

    /// Waits until the server closes. Nothing may come before.
    pub(super) fn closes(&mut self, until: Instant) -> Result<(), Trouble> {
        self.silence(until)?;
        let heard = Vec::new();
        match self.end {
            Some(End::Clean) => Ok(()),
            Some(End::Broken) => Err(Trouble::Broken { heard }),
            None => Err(Trouble::Late { heard }),
        }
    }

    /// What came where nothing should: its first line.
    fn spoke(&mut self) -> Trouble {
        let length = match self.line_end() {
            Some(end) => end + 1,
            None => self.unread.len(),
        };
        Trouble::Spoke { heard: self.unread.drain(..length).collect() }
    }

    /// Waits for a line, checks its length and its end, and cuts off the end.
    pub(super) fn line(
        &mut self,
        until: Instant,
        longest: Longest,
    ) -> Result<Vec<u8>, Trouble> {
        loop {
            if let Some(end) = self.line_end() {
                let line = self.unread.drain(..=end).collect();
                return without_line_end(line, longest);
            }
            if self.unread.len() >= longest.bytes() {
                return without_line_end(self.unread.clone(), longest);
            }
            self.more(until)?;
        }
    }

    /// Waits for this many bytes, whatever they are.
    pub(super) fn bytes(
        &mut self,
        length: usize,
        until: Instant,
    ) -> Result<Vec<u8>, Trouble> {
        while self.unread.len() < length {
            self.more(until)?;
        }
        Ok(self.unread.drain(..length).collect())
    }

    /// Waits for more bytes than there are.
    fn more(&mut self, until: Instant) -> Result<(), Trouble> {
        let end = self.end;
        if end.is_none() && self.wait(until) {
            return Ok(());
        }
        let heard = std::mem::take(&mut self.unread);
        Err(match end {
            Some(End::Clean) => Trouble::Closed { heard },
            Some(End::Broken) => Trouble::Broken { heard },
            None => Trouble::Late { heard },
        })
    }

    /// Ends it so that what was said last still arrives.
    ///
    /// A plain close while input is unread resets the connection, and a reset
    /// overtakes the last words. So we close one half, and drop what comes
    /// until the other side has closed, too, or the time is over.
    pub(super) fn close(mut self, until: Instant) {
        let _ = self.stream.shutdown(Shutdown::Write);
        while self.wait(until) {
            self.unread.clear();
        }
    }

    fn line_end(&self) -> Option<usize> {
        self.unread.iter().position(|byte| *byte == b'\n')
    }

    /// Takes the next event. Says whether there was one before the deadline.
    fn wait(&mut self, until: Instant) -> bool {
        if self.end.is_some() {
            return false;
        }
        let left = until.saturating_duration_since(Instant::now());
        match self.events.recv_timeout(left) {
            Ok(Event::Bytes(bytes)) => self.unread.extend(bytes),
            Ok(Event::End(end)) => self.end = Some(end),
            Err(RecvTimeoutError::Disconnected) => {
                self.end = Some(End::Broken);
            }
            Err(RecvTimeoutError::Timeout) => return false,
        }
        true
    }
}

/// Hanging up also ends the reading thread, which holds the same socket.
impl Drop for Connection {
    fn drop(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}

/// Reads until the end, or until nobody wants to know any more.
fn read_all(mut stream: TcpStream, events: &SyncSender<Event>) {
    let mut buffer = [0; 4096];
    loop {
        let event = match stream.read(&mut buffer) {
            Ok(0) => Event::End(End::Clean),
            Ok(length) => {
                let (bytes, _) = buffer.split_at(length);
                Event::Bytes(bytes.to_vec())
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                continue;
            }
            Err(_) => Event::End(End::Broken),
        };
        let is_last = matches!(event, Event::End(_));
        if events.send(event).is_err() || is_last {
            return;
        }
    }
}

/// Cuts off CR LF (RFC 5321 2.3.8), if the line may be so long.
fn without_line_end(
    line: Vec<u8>,
    longest: Longest,
) -> Result<Vec<u8>, Trouble> {
    let malformed = |reason, heard| Err(Trouble::Malformed { reason, heard });
    if line.len() > longest.bytes() || !line.ends_with(b"\n") {
        return malformed(longest.reason(), line);
    }
    match line.strip_suffix(b"\r\n") {
        None => malformed("a line that does not end in CR LF", line),
        Some(text) if text.contains(&b'\r') => {
            malformed("a carriage return inside a line", line)
        }
        Some(text) => Ok(text.to_vec()),
    }
}

/// The three digits, and whether more lines follow.
fn code_and_mark(line: &[u8]) -> Result<(u16, bool), &'static str> {
    let (start, _) = line.split_at(line.len().min(4));
    let start = str::from_utf8(start).unwrap_or_default();
    match code_and_text(start) {
        Ok((code, more, _)) => Ok((code, more)),
        Err(_) => Err("a line that does not begin with a code"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    const SOON: Duration = Duration::from_millis(200);
    const LATE: Duration = Duration::from_secs(10);

    /// A connection to a server that says these bytes and closes.
    fn hear(bytes: &[u8]) -> Connection {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let bytes = bytes.to_vec();
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.write_all(&bytes).unwrap();
        });
        Connection::open(address, LATE).unwrap()
    }

    fn reply(connection: &mut Connection) -> Result<Said, Trouble> {
        connection.reply(Instant::now() + LATE)
    }

    #[test]
    fn replies_end_where_the_protocol_says_so() {
        let mut wire = hear(b"250-a\r\n250-\r\n250 c\r\n221\r\n");
        let first = reply(&mut wire).unwrap();
        assert_eq!(first.code, 250);
        assert_eq!(first.lines, [b"250-a".as_slice(), b"250-", b"250 c"]);
        assert_eq!(reply(&mut wire).unwrap().lines, [b"221"]);
        assert_eq!(wire.closes(Instant::now() + LATE), Ok(()));
    }

    #[test]
    fn what_is_no_reply_is_malformed_rfc_5321_4_2() {
        let long = [b"250 ".as_slice(), &[b'x'; 507], b"\r\n"].concat();
        let endless = [b'2'; 4096];
        let table = [
            (b"250 OK\n".as_slice(), "a line that does not end in CR LF"),
            (b"250 a\rb\r\n", "a carriage return inside a line"),
            (b"OK\r\n", "a line that does not begin with a code"),
            (b"25\r\n", "a line that does not begin with a code"),
            (b"250_OK\r\n", "a line that does not begin with a code"),
            (b"\r\n", "a line that does not begin with a code"),
            (b"250-a\r\n251 b\r\n", "two codes in one reply"),
            (&long, "a line of more than 512 bytes"),
            (&endless, "a line of more than 512 bytes"),
        ];
        for (bytes, wanted) in table {
            match reply(&mut hear(bytes)) {
                Err(Trouble::Malformed { reason, .. }) => {
                    assert_eq!(reason, wanted);
                }
                other => panic!("{wanted}: {other:?}"),
            }
        }
    }

    #[test]
    fn a_line_of_512_bytes_is_allowed_rfc_5321_4_5_3_1_5() {
        let line = [b"250 ".as_slice(), &[b'x'; 506], b"\r\n"].concat();
        assert!(reply(&mut hear(&line)).is_ok());
    }

    #[test]
    fn a_reply_that_breaks_off_is_closed_with_what_was_heard() {
        let heard = b"250 O".to_vec();
        assert_eq!(reply(&mut hear(b"250 O")), Err(Trouble::Closed { heard }));
    }

    #[test]
    fn a_silent_server_is_late_and_keeps_the_silence() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let mut wire = Connection::open(address, LATE).unwrap();
        let late = || Trouble::Late { heard: Vec::new() };
        assert_eq!(wire.reply(Instant::now() + SOON), Err(late()));
        assert_eq!(wire.closes(Instant::now() + SOON), Err(late()));
        assert_eq!(wire.silence(Instant::now() + SOON), Ok(()));
    }

    #[test]
    fn words_before_the_end_are_neither_silence_nor_an_end() {
        let heard = b"421 x\r\n".to_vec();
        let spoke = Err(Trouble::Spoke { heard });
        let words = b"421 x\r\nmore";
        assert_eq!(hear(words).silence(Instant::now() + LATE), spoke);
        assert_eq!(hear(words).closes(Instant::now() + LATE), spoke);
    }
}
