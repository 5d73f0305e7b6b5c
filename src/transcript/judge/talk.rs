//! One connection, from our side: write, read a whole reply, see the end.
//!
//! A thread reads all that comes and passes it on through a channel. So every
//! wait has a deadline, the end of the connection comes in its order, and we
//! never block on writing because nobody reads.
//!
//! Interface:
//!   `Talk::open`         connects
//!   `Talk::over`         takes a connection that a client has opened
//!   `Talk::write`        sends bytes, in one write if they are few
//!   `Talk::write_some`   the same, for what is made while it is sent
//!   `Talk::reply`        waits for one whole reply, and checks its form
//!   `Talk::line`         waits for one line
//!   `Talk::bytes`        waits for this many bytes
//!   `Talk::silence`      waits, and nothing may come
//!   `Talk::closes`       waits for the end, and nothing may come before
//!   `Talk::close`        ends it so that the last words still arrive
//!
//! Where a reply ends is decided by `protocol/replies.rs`, never by the script:
//! the rest of a longer one is not taken for the next one. Whether it is the
//! right reply is decided in `reply.rs`.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::protocol::replies::{Fault, Limits, ReplyReader, ServerReply};
use crate::protocol::reply::LINE_LIMIT;
use crate::words::no_thread;

/// How many pieces may wait to be read; then the server has to wait.
const MOST_PIECES: usize = 1024;

/// What a server may say at a time. It could say `250-` without end.
const LIMITS: Limits = Limits { line: LINE_LIMIT, reply: 64 * 1024 };

/// What a client may say in one line: more than any needs, and less than the
/// memory.
const TEXT_LIMIT: usize = 65_536;

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

/// What came instead of what was waited for. `heard` is what was said then.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Surprise {
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

impl Surprise {
    /// The same, after whole lines of a reply that has no end.
    fn after(mut self, lines: Vec<Vec<u8>>) -> Surprise {
        if let Surprise::Late { heard }
        | Surprise::Closed { heard }
        | Surprise::Broken { heard } = &mut self
        {
            let rest = std::mem::take(heard);
            *heard = lines.concat();
            heard.extend(rest);
        }
        self
    }
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Talk {
    stream: TcpStream,
    events: Receiver<Event>,
    /// What came and was not read as a line yet.
    unread: Vec<u8>,
    end: Option<End>,
    /// Whether a line may end in LF alone, and whether one has.
    takes_bare_lf: bool,
    has_bare_lf: bool,
}

impl Talk {
    /// Connects, and starts to read.
    pub(crate) fn open(
        address: SocketAddr,
        deadline: Duration,
    ) -> io::Result<Talk> {
        let stream = TcpStream::connect_timeout(&address, deadline)?;
        // While nobody listens, a system may connect a port to itself.
        if stream.local_addr()? == stream.peer_addr()? {
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        Talk::over(stream)
    }

    /// Starts to read from a connection that is open already.
    pub(crate) fn over(stream: TcpStream) -> io::Result<Talk> {
        stream.set_nodelay(true)?;
        let reading = stream.try_clone()?;
        let (sender, events) = sync_channel(MOST_PIECES);
        thread::Builder::new()
            .name("transcript reader".into())
            .spawn(move || read_all(reading, &sender))
            .map_err(no_thread)?;
        Ok(Talk {
            stream,
            events,
            unread: Vec::new(),
            end: None,
            takes_bare_lf: false,
            has_bare_lf: false,
        })
    }

    /// Sends bytes before the time is over, however slowly they are read.
    /// Says whether there was time for all of them.
    ///
    /// That a server no longer listens is no fault yet: what it said before
    /// may still be unread. The step that waits for a reply will see the end.
    pub(crate) fn write(&mut self, bytes: &[u8], until: Instant) -> bool {
        let mut rest = bytes;
        while !rest.is_empty() {
            let length = match self.write_some(rest, until) {
                Ok(length) => length,
                Err(error) if error.kind() == ErrorKind::Interrupted => 0,
                Err(error) => return !is_late(&error),
            };
            rest = rest.get(length..).unwrap_or_default();
        }
        true
    }

    /// Sends some of these bytes before the time is over; says how many.
    pub(crate) fn write_some(
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

    /// From now on a line may end in LF alone.
    pub(crate) fn take_bare_lf(&mut self) {
        self.takes_bare_lf = true;
    }

    /// Whether one has ended so, since this was asked last.
    pub(crate) fn had_bare_lf(&mut self) -> bool {
        std::mem::take(&mut self.has_bare_lf)
    }

    /// Whether something waits to be read.
    pub(crate) fn has_unread(&mut self) -> bool {
        self.wait(Instant::now());
        !self.unread.is_empty()
    }

    /// Whether the other side has ended it, and all that it said was read.
    pub(crate) fn has_ended(&mut self) -> bool {
        while self.wait(Instant::now()) {}
        self.end.is_some() && self.unread.is_empty()
    }

    /// Waits for one whole reply (RFC 5321 4.2).
    ///
    /// The reader gets one line at a time. So what comes after the reply is
    /// still unread, and can be seen by `silence`.
    pub(crate) fn reply(
        &mut self,
        until: Instant,
    ) -> Result<ServerReply, Surprise> {
        let mut reader = ReplyReader::new(LIMITS);
        loop {
            while let Some(mut line) = self.next_line(LIMITS.line) {
                self.mend(&mut line);
                reader.feed(&line);
                match reader.next_reply() {
                    Some(Ok(reply)) => return Ok(reply),
                    Some(Err(no)) => {
                        return Err(Surprise::Malformed {
                            reason: reason(no.fault),
                            heard: no.heard,
                        });
                    }
                    None => {}
                }
            }
            self.more(until).map_err(|no| no.after(reader.rest()))?;
        }
    }

    /// Waits until the time is over. Nothing may come; the end may.
    pub(crate) fn silence(&mut self, until: Instant) -> Result<(), Surprise> {
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
    pub(crate) fn closes(&mut self, until: Instant) -> Result<(), Surprise> {
        self.silence(until)?;
        let heard = Vec::new();
        match self.end {
            Some(End::Clean) => Ok(()),
            Some(End::Broken) => Err(Surprise::Broken { heard }),
            None => Err(Surprise::Late { heard }),
        }
    }

    /// What came where nothing should: its first line.
    fn spoke(&mut self) -> Surprise {
        let length = match self.line_end() {
            Some(end) => end + 1,
            None => self.unread.len(),
        };
        Surprise::Spoke { heard: self.unread.drain(..length).collect() }
    }

    /// Waits for a line, checks its length and its end, and cuts off the end.
    pub(crate) fn line(&mut self, until: Instant) -> Result<Vec<u8>, Surprise> {
        loop {
            if let Some(mut line) = self.next_line(TEXT_LIMIT) {
                self.mend(&mut line);
                return without_line_end(line);
            }
            self.more(until)?;
        }
    }

    /// A line that ends in LF alone becomes a right one, if that is to be.
    fn mend(&mut self, line: &mut Vec<u8>) {
        if self.takes_bare_lf && is_bare(line) {
            self.has_bare_lf = true;
            line.pop();
            line.extend(b"\r\n");
        }
    }

    /// A line with its end, or the beginning of one that is longer than
    /// `most` bytes.
    fn next_line(&mut self, most: usize) -> Option<Vec<u8>> {
        match self.line_end() {
            Some(end) => Some(self.unread.drain(..=end).collect()),
            None if self.unread.len() > most => {
                Some(std::mem::take(&mut self.unread))
            }
            None => None,
        }
    }

    /// Waits for this many bytes, whatever they are.
    pub(crate) fn bytes(
        &mut self,
        length: usize,
        until: Instant,
    ) -> Result<Vec<u8>, Surprise> {
        while self.unread.len() < length {
            self.more(until)?;
        }
        Ok(self.unread.drain(..length).collect())
    }

    /// Waits for more bytes than there are.
    fn more(&mut self, until: Instant) -> Result<(), Surprise> {
        let end = self.end;
        if end.is_none() && self.wait(until) {
            return Ok(());
        }
        let heard = std::mem::take(&mut self.unread);
        Err(match end {
            Some(End::Clean) => Surprise::Closed { heard },
            Some(End::Broken) => Surprise::Broken { heard },
            None => Surprise::Late { heard },
        })
    }

    /// Ends it so that what was said last still arrives.
    ///
    /// A plain close while input is unread resets the connection, and a reset
    /// overtakes the last words. So we close one half, and drop what comes
    /// until the other side has closed, too, or the time is over.
    pub(crate) fn close(mut self, until: Instant) {
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
impl Drop for Talk {
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

/// A write that waited too long ends in one word or the other, by system.
pub(crate) fn is_late(error: &io::Error) -> bool {
    [ErrorKind::TimedOut, ErrorKind::WouldBlock].contains(&error.kind())
}

/// Whether it ends in LF without CR.
fn is_bare(line: &[u8]) -> bool {
    line.ends_with(b"\n") && !line.ends_with(b"\r\n")
}

/// What is wrong with a line of a reply, with the limit that it has here.
fn reason(fault: Fault) -> &'static str {
    match fault {
        Fault::LineTooLong => "a line of more than 512 bytes",
        Fault::BareLineFeed
        | Fault::BareCarriageReturn
        | Fault::NoCode
        | Fault::TwoCodes
        | Fault::Endless => fault.in_words(),
    }
}

/// Cuts off CR LF (RFC 5321 2.3.8), if the line may be that long.
fn without_line_end(line: Vec<u8>) -> Result<Vec<u8>, Surprise> {
    let reason = match line.strip_suffix(b"\r\n") {
        _ if line.len() > TEXT_LIMIT => "a line of more than 65,536 bytes",
        None => Fault::BareLineFeed.in_words(),
        Some(text) if text.contains(&b'\r') => {
            Fault::BareCarriageReturn.in_words()
        }
        Some(text) => return Ok(text.to_vec()),
    };
    Err(Surprise::Malformed { reason, heard: line })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    const SOON: Duration = Duration::from_millis(200);
    const LATE: Duration = Duration::from_secs(60);

    /// A connection to a server that says these bytes and closes.
    fn hear(bytes: &[u8]) -> Talk {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let bytes = bytes.to_vec();
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.write_all(&bytes).unwrap();
        });
        Talk::open(address, LATE).unwrap()
    }

    fn reply(talk: &mut Talk) -> Result<ServerReply, Surprise> {
        talk.reply(Instant::now() + LATE)
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
                Err(Surprise::Malformed { reason, .. }) => {
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
        assert_eq!(reply(&mut hear(b"250 O")), Err(Surprise::Closed { heard }));
    }

    #[test]
    fn one_who_does_not_read_holds_us_no_longer_than_the_deadline() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let mut talk = Talk::open(address, LATE).unwrap();
        let (slow, _) = listener.accept().unwrap();
        // It takes a little at a time, so that each write goes on.
        thread::spawn(move || {
            let mut slow = slow;
            let mut buffer = vec![0; 64 * 1024];
            while let Ok(1..) = slow.read(&mut buffer) {
                thread::sleep(SOON / 4);
            }
        });
        let begin = Instant::now();
        assert!(!talk.write(&vec![b'x'; 64 << 20], begin + SOON * 5));
        assert!(begin.elapsed() < LATE * 3);
    }

    #[test]
    fn a_silent_server_is_late_and_keeps_the_silence() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let mut wire = Talk::open(address, LATE).unwrap();
        let late = || Surprise::Late { heard: Vec::new() };
        assert_eq!(wire.reply(Instant::now() + SOON), Err(late()));
        assert_eq!(wire.closes(Instant::now() + SOON), Err(late()));
        assert_eq!(wire.silence(Instant::now() + SOON), Ok(()));
    }

    #[test]
    fn words_before_the_end_are_neither_silence_nor_an_end() {
        let heard = b"421 x\r\n".to_vec();
        let spoke = Err(Surprise::Spoke { heard });
        let words = b"421 x\r\nmore";
        assert_eq!(hear(words).silence(Instant::now() + LATE), spoke);
        assert_eq!(hear(words).closes(Instant::now() + LATE), spoke);
    }
}
