//! Whole sessions in memory: the connection as it is, except for the network and
//! the disk. So a session takes microseconds, and every way to cut its bytes
//! can be tried.

use super::connection::Connection;
use super::settings::Settings;
use super::shared::Shared;
use crate::options::{self, Invocation};
use crate::transcript::format::folder::read_all;
use crate::transcript::format::header::Plays;
use crate::transcript::format::matching::Names;
use crate::transcript::format::script::{Action, Transcript};
use crate::wire::Transport;
use fake::{FakeDisk, Play};
use std::cell::RefCell;
use std::io;
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

#[path = "../../tests/support/disk.rs"]
mod fake;

/// A client that has said everything already, in these pieces.
struct Script<'a> {
    pieces: Vec<&'a [u8]>,
    writes: Rc<RefCell<Vec<String>>>,
}

impl Transport for Script<'_> {
    fn read(&mut self, buffer: &mut [u8], _: Duration) -> io::Result<usize> {
        let Some(piece) = self.pieces.last_mut() else {
            return Ok(0);
        };
        let count = piece.len().min(buffer.len());
        let (now, later) = piece.split_at(count);
        buffer[..count].copy_from_slice(now);
        *piece = later;
        if later.is_empty() {
            self.pieces.pop();
        }
        Ok(count)
    }

    fn write(&mut self, bytes: &[u8], _: Duration) -> io::Result<usize> {
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        self.writes.borrow_mut().push(text);
        Ok(bytes.len())
    }

    fn end_output(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A disk that keeps nothing, and counts the messages that became visible.
fn no_disk(stored: Arc<AtomicUsize>) -> FakeDisk {
    FakeDisk::new(move |call, _| {
        if call == "link" {
            stored.fetch_add(1, Ordering::Relaxed);
        }
        Play::Pretend
    })
}

/// A server without network and disk.
struct Memory {
    shared: Shared,
    stored: Arc<AtomicUsize>,
}

impl Memory {
    /// Set up as a transcript wants it.
    fn new(options: &[(String, String)]) -> Memory {
        let defaults = [
            ("hostname", "mx.example.org"),
            ("domain", "example.org"),
            ("mailbox", "bob@example.org"),
            ("mailbox", "carol@example.org"),
        ];
        let is_replaced =
            |key: &str| options.iter().any(|(other, _)| other == key);
        let kept = defaults.iter().filter(|(key, _)| !is_replaced(key));
        let mut arguments = vec!["serve".to_owned()];
        arguments.extend(kept.map(|(key, value)| format!("--{key}={value}")));
        arguments.extend(
            options.iter().map(|(key, value)| format!("--{key}={value}")),
        );
        let Ok(Invocation::Serve(settings)) = options::parse(&arguments) else {
            panic!("{arguments:?}");
        };
        Memory::with(*settings)
    }

    fn with(mut settings: Settings) -> Memory {
        let stored = Arc::new(AtomicUsize::new(0));
        settings.disk = Box::new(no_disk(Arc::clone(&stored)));
        Memory { shared: Shared::open(settings).unwrap(), stored }
    }

    /// What the server says to a client that sends these pieces, and how many
    /// messages it has stored.
    fn talk(&self, pieces: &[&[u8]]) -> (String, usize) {
        let before = self.stored.load(Ordering::Relaxed);
        let heard = self.writes(pieces).concat();
        (heard, self.stored.load(Ordering::Relaxed) - before)
    }

    /// The same, write by write.
    fn writes(&self, pieces: &[&[u8]]) -> Vec<String> {
        let writes = Rc::new(RefCell::new(Vec::new()));
        let pieces = pieces.iter().rev().filter(|p| !p.is_empty()).copied();
        let pieces = pieces.collect();
        let script = Script { pieces, writes: Rc::clone(&writes) };
        let client = Some("127.0.0.1".parse().unwrap());
        Connection::new(1, client, &self.shared, Box::new(script)).run();
        writes.take()
    }
}

/// All that the only client of a transcript sends, and the codes that it hears.
/// `None` if the course of the talk hangs on time, on other clients, or on a
/// queue.
fn play_of(transcript: &Transcript) -> Option<(Vec<u8>, Vec<u16>)> {
    let is_alone = transcript.steps.iter().all(|step| step.client.is_none());
    let hangs_on = ["timeout", "max-connections", "max-per-client", "relay"];
    let options = &transcript.header.server;
    let is_in_memory = options.iter().all(|(k, _)| !hangs_on.contains(&&**k));
    if !is_alone || !is_in_memory || transcript.header.plays == Plays::Server {
        return None;
    }
    let (mut bytes, mut codes) = (Vec::new(), Vec::new());
    for step in &transcript.steps {
        match &step.action {
            Action::Send(text) => {
                bytes.extend(Names::default().expand(text).ok()?);
                bytes.extend_from_slice(b"\r\n");
            }
            Action::SendRaw(text) => {
                bytes.extend(Names::default().expand(text).ok()?);
            }
            Action::Reply(reply) => codes.push(reply.code),
            Action::ClientConnects => return None,
            Action::ClientCloses
            | Action::ServerCloses
            | Action::Silence(_)
            | Action::Wait(_)
            | Action::Mailbox(_)
            | Action::ReplyRaw(_)
            | Action::RestOfMessage(_)
            | Action::MayQuit => {}
        }
    }
    Some((bytes, codes))
}

/// The codes of the replies in what a client has heard.
fn codes_in(heard: &str) -> Vec<u16> {
    let last_lines = heard.lines().filter(|l| l.get(3..4) != Some("-"));
    last_lines.map(|line| line[..3].parse().unwrap()).collect()
}

#[test]
fn every_transcript_is_answered_the_same_however_its_bytes_are_cut() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("transcripts");
    let (mut played, mut sessions) = (0, 0);
    for transcript in read_all(&folder).unwrap() {
        let Some((bytes, codes)) = play_of(&transcript) else {
            continue;
        };
        let server = Memory::new(&transcript.header.server);
        let whole = server.talk(&[&bytes]);
        let name = transcript.path.display();
        assert_eq!(codes_in(&whole.0), codes, "{name}");
        let one_by_one: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(server.talk(&one_by_one), whole, "{name} byte by byte");
        // Long runs of one letter need not be cut at each of them.
        let stride = 1 + bytes.len() / 2000;
        for cut in (1..bytes.len()).step_by(stride) {
            let (head, tail) = bytes.split_at(cut);
            assert_eq!(server.talk(&[head, tail]), whole, "{name} at {cut}");
            sessions += 1;
        }
        played += 1;
    }
    assert!(played > 80 && sessions > 20_000, "{played}, {sessions}");
}

#[test]
fn replies_travel_together_where_they_may_and_at_once_elsewhere_rfc_2920() {
    let server = Memory::new(&[]);
    let session =
        b"EHLO a.example\r\nMAIL FROM:<>\r\nRCPT TO:<bob@example.org>\r\n\
        RCPT TO:<nobody@example.org>\r\nDATA\r\nx\r\n.\r\nMAIL FROM:<>\r\n\
        RSET\r\nNOOP\r\nFROB\r\nMAIL FROM:<>\r\nQUIT\r\n";
    let writes = server.writes(&[session]);
    let codes: Vec<Vec<u16>> = writes.iter().map(|w| codes_in(w)).collect();
    let want: [&[u16]; 7] = [
        &[220],
        &[250],
        &[250, 250, 550, 354],
        &[250],
        &[250, 250, 250],
        &[500],
        &[250, 221],
    ];
    assert_eq!(codes, want);
}

/// A small generator of random numbers (xorshift), so that a failure can be
/// repeated from its seed.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }
}

const FRAGMENTS: [&[u8]; 42] = [
    b"\r\n",
    b"\r\n",
    b"\r\n",
    b"\r\n",
    b"\n",
    b"\r",
    b"\0",
    b".",
    b"\r\n.\r\n",
    b"\n.\n",
    b"..",
    b" ",
    b":",
    b"<",
    b">",
    b"@",
    b"\"",
    b"\\",
    b"[",
    b"=",
    b"EHLO a.example\r\n",
    b"HELO a.example\r\n",
    b"MAIL FROM:<>\r\n",
    b"MAIL FROM:<a@b.example>",
    b" SIZE=99",
    b" SMTPUTF8",
    b" BODY=8BITMIME",
    b"RCPT TO:<bob@example.org>\r\n",
    b"RCPT TO:<carol@example.org>\r\n",
    b"RCPT TO:<x@y.example>\r\n",
    b"RCPT TO:<postmaster>",
    b"DATA\r\n",
    b"RSET\r\n",
    b"NOOP\r\n",
    b"HELP",
    b"VRFY ",
    b"QUIT\r\n",
    b"MAIL FROM:<>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\n",
    b"x\r\n.\r\n",
    b"Received: x\r\n",
    b"\xc3\xa4",
    b"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
];

fn random_session(random: &mut Random) -> Vec<u8> {
    let mut bytes = b"EHLO a.example\r\n".to_vec();
    for _ in 0..random.below(40) {
        match random.below(12) {
            0 => bytes.push(random.below(256) as u8),
            1 if random.below(50) == 0 => {
                let length = random.below(70_000);
                bytes.resize(bytes.len() + length, b'x');
            }
            _ => {
                let which = random.below(FRAGMENTS.len());
                bytes.extend_from_slice(FRAGMENTS[which]);
            }
        }
    }
    bytes
}

#[test]
fn a_hundred_thousand_random_sessions_end_without_a_panic() {
    let server = Memory::new(&[]);
    let mut stored = 0;
    for seed in 1..=100_000_u64 {
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let bytes = random_session(&mut random);
        let (head, tail) = bytes.split_at(random.below(bytes.len() + 1));
        let outcome = std::panic::catch_unwind(AssertUnwindSafe(|| {
            server.talk(&[head, tail])
        }));
        let Ok((heard, count)) = outcome else {
            panic!("seed {seed}: {}", bytes.escape_ascii());
        };
        for line in heard.split_terminator("\r\n") {
            let is_plain = |byte: u8| (b' '..=b'~').contains(&byte);
            let is_reply = line.len() <= 510 && line.bytes().all(is_plain);
            assert!(is_reply, "seed {seed}: {line:?}");
        }
        stored += count;
    }
    // The sessions are random, but not so random that no mail gets through.
    assert!(stored > 1000, "{stored}");
}
