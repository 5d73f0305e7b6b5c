//! A whole session of the server, fed with any bytes in any pieces.
//!
//! Claims:
//! - the same bytes, cut differently, get the same replies, and the same
//!   messages are stored;
//! - replies are whole, plain ASCII, and not longer than 512 bytes a line, also
//!   if the server waits in vain for a line feed after each carriage return;
//! - side by side with the bytes, each line has one reply, and each message has
//!   one: nothing in a message is ever obeyed (see `Referee`);
//! - no message without MAIL, an accepted RCPT and DATA;
//! - the fields on top of a message are two, whatever the client says it is.

#![cfg_attr(fuzzing, no_main)]

#[path = "../parts/cuts.rs"]
mod cuts;
#[path = "../parts/server.rs"]
mod server;

use cuts::{long, pieces};
use pillarbox::protocol::replies::{Limits, ReplyReader, ServerReply};
use server::Server;

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|input: &[u8]| check(input));

/// Three times this is more than a command line may have.
const LONG: usize = 700;

/// Four bytes say how the others are cut; those are what a client sends.
pub fn check(input: &[u8]) {
    let Some((lengths, bytes)) = input.split_first_chunk() else { return };
    let pieces = long(LONG, &pieces(*lengths, bytes));
    let bytes = pieces.concat();
    let whole = session(&[&bytes], false);
    let cut = session(&pieces, false);
    assert_eq!(cut.said.escape_ascii().to_string(), {
        whole.said.escape_ascii().to_string()
    });
    assert_eq!(cut.stored, whole.stored);
    let mut referee = Referee { rest: &bytes, ..Referee::default() };
    for reply in replies(&whole.said) {
        referee.hear(reply.code);
    }
    assert_eq!(referee.stored, whole.stored.len());
    assert!(whole.is_closed() || referee.next_end().is_none());
    replies(&session(&pieces, true).said);
    for mail in &whole.stored {
        let lines: Vec<&str> = mail.trace.lines().collect();
        let (path, received) = lines.split_first().expect("a Return-Path");
        assert!(path.starts_with("Return-Path: <"), "{path}");
        let goes_on = |line: &&str| line.starts_with('\t');
        assert!(received[0].starts_with("Received: from "));
        assert_eq!(received[1..].iter().filter(|l| goes_on(l)).count(), 2);
        assert_eq!(received.len(), 3);
        assert!(lines.iter().all(|line| line.chars().count() <= 998));
    }
}

fn session(pieces: &[impl AsRef<[u8]>], is_impatient: bool) -> Server {
    let mut server = Server::new(Vec::new());
    for piece in pieces {
        server.hear(piece.as_ref());
        if is_impatient {
            server.wait_for_a_line_feed();
        }
    }
    server
}

/// What a client reads of it.
fn replies(said: &[u8]) -> Vec<ServerReply> {
    let is_plain = |byte: &u8| matches!(byte, b' '..=b'~' | b'\r' | b'\n');
    assert!(said.iter().all(is_plain), "{}", said.escape_ascii());
    let mut reader = ReplyReader::new(Limits { line: 512, reply: 4096 });
    reader.feed(said);
    let mut all = Vec::new();
    while let Some(reply) = reader.next_reply() {
        all.push(reply.expect("a server says nothing but replies"));
    }
    assert!(!reader.has_begun(), "half a reply");
    all
}

/// Goes through the bytes of the client and the replies side by side, and knows
/// no more than where a line and a message end.
#[derive(Default)]
struct Referee<'a> {
    rest: &'a [u8],
    has_greeted: bool,
    has_sender: bool,
    has_recipient: bool,
    is_in_message: bool,
    stored: usize,
}

impl Referee<'_> {
    /// Where that ends which the next reply is for.
    fn next_end(&self) -> Option<usize> {
        if !self.is_in_message {
            return Some(self.rest.iter().position(|b| *b == b'\n')? + 1);
        }
        if self.rest.starts_with(b".\r\n") {
            return Some(3);
        }
        let mut ends = self.rest.windows(5);
        Some(ends.position(|five| five == b"\r\n.\r\n")? + 5)
    }

    fn hear(&mut self, code: u16) {
        if !self.has_greeted {
            assert_eq!(code, 220);
            self.has_greeted = true;
            return;
        }
        let end = self.next_end().expect("a reply to nothing");
        let (line, rest) = self.rest.split_at(end);
        self.rest = rest;
        if std::mem::take(&mut self.is_in_message) {
            self.stored += usize::from(code == 250);
            return;
        }
        let line = line.trim_ascii_end().to_ascii_uppercase();
        match (line.get(..4).unwrap_or_default(), code) {
            (b"MAIL", 250) => self.has_sender = true,
            (b"RCPT", 250) => {
                assert!(self.has_sender, "RCPT without MAIL");
                self.has_recipient = true;
            }
            (b"DATA", 354) => {
                assert!(self.has_recipient, "a message for nobody");
                self.is_in_message = true;
                self.forget();
            }
            (b"HELO" | b"EHLO" | b"RSET", 250) => self.forget(),
            (_, 354) => panic!("354 to {}", line.escape_ascii()),
            (b"NOOP" | b"VRFY" | b"HELP" | b"QUIT", _) => {}
            _ => assert!(code >= 300, "{code} to {}", line.escape_ascii()),
        }
    }

    fn forget(&mut self) {
        (self.has_sender, self.has_recipient) = (false, false);
    }
}
