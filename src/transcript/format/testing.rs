//! What the tests of this folder share: random bytes, and six examples.

use std::path::Path;

use super::parse::{ParseError, parse};
use super::script::Transcript;

/// Numbers that look random and are the same in every run (xorshift64).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Random {
        Random(seed)
    }

    /// A number under `limit`.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % limit
    }

    /// Up to `most` bytes; those that mean something are frequent.
    pub(crate) fn bytes(&mut self, most: usize) -> Vec<u8> {
        let frequent = b"\\{}x0*. \r\n\0\t";
        let length = self.below(most + 1);
        let one = |_| match self.below(2) {
            0 => frequent[self.below(frequent.len())],
            _ => self.below(256) as u8,
        };
        (0..length).map(one).collect()
    }
}

/// Reads a transcript that is written in a test.
pub(crate) fn read(text: &str) -> Result<Transcript, ParseError> {
    parse(Path::new("test.txt"), text.as_bytes())
}

/// Example.
pub(crate) const MINIMAL: &str = r#"Title: The shortest useful session
Spec: RFC 5321 4.1.1, 4.3.2
Level: must

# The server speaks first. 220 means: I am ready.
S: 220 {host} {...}
C: HELO client.example
S: 250 {host}
# One sender, one recipient, then the message itself.
C: MAIL FROM:<alice@client.example>
S: 250 2.1.0 Sender OK
C: RCPT TO:<bob@example.org>
S: 250 2.1.5 Recipient OK
C: DATA
S: 354 End data with <CR><LF>.<CR><LF>
C: Subject: hello
C:
C: Hello, Bob.
C: .
S: 250 2.0.0 Stored
C: QUIT
S: 221 2.0.0 {host} closing connection
(server closes)
"#;

/// Example.
pub(crate) const EHLO: &str = r#"Title: EHLO answers with a list
Spec: RFC 5321 4.1.1.1, 4.2.1
Level: must
Server: max-size=1000

S: 220 {host} {...}
C: EHLO client.example
# A hyphen after the code means: more lines follow.
S: 250-{host} greets client.example
S: 250-PIPELINING
S: 250-SIZE 1000
# A space after the code means: this is the last line.
S: 250 ENHANCEDSTATUSCODES
# A second EHLO starts over; "..." is the rest of the reply.
C: EHLO client.example
S: 250-{host} {...}
S: ...
C: FROB
S: 500 5.5.2 Command not recognized
(also right: 502 550)
C: QUIT
S: 221 {...}
(server closes)
"#;

/// Example.
pub(crate) const PIPELINING: &str = r#"Title: Commands in a row, replies in the same order
Spec: RFC 2920 3.1
Level: must
Needs: PIPELINING

S: 220 {...}
C: EHLO client.example
S: 250-{...}
S: ...
# C: lines in a row travel together, in one write.
C: MAIL FROM:<alice@client.example>
C: RCPT TO:<nobody@example.org>
C: RCPT TO:<bob@example.org>
C: DATA
S: 250 2.1.0 Sender OK
S: 550 5.1.1 No such mailbox
(also right: 5xx)
S: 250 2.1.5 Recipient OK
S: 354 {...}
C: Subject: only for Bob
C:
C: The first recipient was refused, the second was not.
C: .
C: QUIT
S: 250 2.0.0 Stored
S: 221 {...}
(server closes)
(mailbox bob@example.org has 1 message)
"#;

/// Example.
pub(crate) const DOTS: &str = r#"Title: A line that begins with a dot
Spec: RFC 5321 4.5.2
Level: must

S: 220 {...}
C: HELO client.example
S: 250 {...}
C: MAIL FROM:<alice@client.example>
S: 250 {...}
C: RCPT TO:<bob@example.org>
S: 250 {...}
C: DATA
S: 354 {...}
C: Subject: dots
C:
# The client doubles the first dot; the server takes it away again.
C: ..one dot
C: ...two dots
C: in the middle . nothing changes
C: ..
# A dot alone ends the message.
C: .
S: 250 2.0.0 Stored
(mailbox bob@example.org has 1 message)
M: Return-Path: <alice@client.example>
M: ...
M: Subject: dots
M: ...
M:
M: .one dot
M: ..two dots
M: in the middle . nothing changes
M: .
C: QUIT
S: 221 {...}
(server closes)
"#;

/// Example.
pub(crate) const SMUGGLING: &str = r#"Title: A dot between bare line feeds does not end a message
Spec: RFC 5321 2.3.8, 4.1.1.4; CVE-2023-51764, -51765, -51766
Level: must

S: 220 {...}
C: HELO client.example
S: 250 {...}
C: MAIL FROM:<alice@client.example>
S: 250 {...}
C: RCPT TO:<bob@example.org>
S: 250 {...}
C: DATA
S: 354 {...}
C: Subject: the message Alice wrote
C:
# C> sends exactly the bytes shown and adds no CRLF.
C> hello\n.\n
# If the server took that dot for the end, these are commands.
C: MAIL FROM:<ceo@example.org>
C: RCPT TO:<bob@example.org>
C: DATA
C: Subject: the message Mallory smuggled
C:
C: .
# One message went in: one reply comes out. Refusing is fine, two are not.
S: 550 5.5.2 Message refused: line feed without carriage return
(also right: 250 5xx)
(silence 300ms)
(client closes)
(mailbox bob@example.org has at most 1 message)
"#;

/// Example.
pub(crate) const TWO_CLIENTS: &str = r#"Title: Two clients at the same time
Spec: RFC 5321 4.5.4.2
Level: should

S1: 220 {...}
C1: HELO one.example
S1: 250 {...}
C1: MAIL FROM:<alice@one.example>
S1: 250 {...}
# Client 1 is in the middle of a message when client 2 arrives.
# A server that serves one client at a time falls silent here.
S2: 220 {...}
C2: HELO two.example
S2: 250 {...}
C1: RCPT TO:<bob@example.org>
S1: 250 {...}
# The sender that client 1 named must not leak into session 2.
C2: RCPT TO:<bob@example.org>
S2: 503 5.5.1 MAIL first
C2: QUIT
S2: 221 {...}
(server closes 2)
C1: DATA
S1: 354 {...}
C1: Subject: from client 1
C1:
C1: Still here.
C1: .
S1: 250 {...}
C1: QUIT
S1: 221 {...}
(server closes 1)
(mailbox bob@example.org has 1 message)
"#;

/// All of them, in the order of the format's description.
pub(crate) const EXAMPLES: [&str; 6] =
    [MINIMAL, EHLO, PIPELINING, DOTS, SMUGGLING, TWO_CLIENTS];
