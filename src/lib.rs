//! Pillarbox: an SMTP server to learn from. It can be read from the first line
//! to the last, and it really works: what it answers 250 to is on the disk.
//!
// ANCHOR: map
//! # The map
//!
//! Each room, and the rooms that it uses. The order is that of the layers: a
//! room uses those below it, and none above.
//! ```text
//! main        picks the command, prints       all
//! options     the command line becomes data   all that have settings
//! agent       send, inbox, queue: for people  relay mailbox disk protocol words
//! server      sockets and threads around the  relay transcript::record mailbox
//!             server's machine                disk wire protocol words
//! relay       queue, look-up, bounces around  mailbox disk wire protocol words
//!             the client's machine
//! mailbox     who lives here; a message into  disk protocol words
//!             its Maildirs, for good
//! disk        a file is durable, or is gone   words
//! wire        bytes to a peer, with deadlines words
//! protocol    PURE: bytes in, values out      nothing
//! console     standard error, unwaited for    words
//! words       errors and foreign bytes, made  nothing
//!             fit for people and logs
//! transcript  dialogues as tests: a product   protocol::reply and ::replies,
//!             of its own, beside the others   words
//! ```
// ANCHOR_END: map
//!
//! `tests/layering.rs` checks every arrow, and that no files go in a circle.
//!
//! # Reading order
//!
//! What an afternoon is enough for is the walk: the way of a message from the
//! first byte to the 250. Each file below answers a question that the first two
//! leave open.
//!
//! 1. [`server`]: `listener.rs` accepts, `admission.rs` and `register.rs` count
//!    and start a thread; then `connection.rs` and `incoming.rs`, the way of one
//!    message. [`wire`] reads and writes for them, and `shared.rs` says who is
//!    welcome.
//! 2. [`protocol::line`]: what is a line?
//! 3. [`protocol::command`], [`protocol::address`]: what does a line ask for?
//! 4. [`protocol::session`]: is it allowed now, and what comes next?
//!    [`protocol::extension`] says what EHLO has offered.
//! 5. [`protocol::reply`]: what does the server say, and why?
//! 6. [`mailbox::directory`]: who lives here?
//! 7. [`protocol::data`]: where does the message end?
//! 8. [`protocol::trace`]: what is put on top of it?
//! 9. [`mailbox::delivery`]: when is it safe to say 250? Around it are
//!    `maildir.rs`, for all mailboxes, `folders.rs`, for those of one,
//!    `synced.rs`, for what needs no fsync any more, and `leftovers.rs`, for
//!    what a crash leaves. Beneath it is [`disk`]: what makes a file durable.
//!
//! For later, around the walk: `settings.rs` is what a server is told, and
//! `limits.rs` what the system allows. `watch.rs` tells the log and
//! the live dialogue (`live.rs`), whose text is made in [`protocol::explain`];
//! `outgoing.rs` does so for mail that is sent on. `recorder.rs` writes sessions
//! down; `stdio.rs` serves a keyboard. [`options`] and `main.rs` start it all.
//!
//! # The sending half
//!
//! [`protocol::sending`] is the client's machine, and [`protocol::decision`] the
//! table of what it makes of each answer. [`protocol::delivery`] is one mail on
//! its way, [`protocol::outcome`] is what becomes of each recipient, and
//! [`protocol::outgoing`] is what goes on the wire. [`relay::client`] has the
//! sockets, [`relay::queue`] the mail that waits, and [`relay::office`] is what
//! the server sees of it all. [`agent`] is the two ends of a message's way:
//! `send` writes one, `inbox` reads it, by `mailbox/reader.rs`.
//!
//! # The user agents
//!
//! [`agent::send`] composes a message and hands it to a server; [`agent::inbox`]
//! shows what [`mailbox::reader`] finds in a mailbox.
//!
//! # A second product
//!
//! [`transcript`] is not part of the walk, and is larger than all of it. It is
//! a tool: it plays the dialogues of the folder `transcripts/` against the
//! finished program, or against any other server, over TCP, and knows nothing
//! of our insides except the replies and their reasons. It wants an afternoon of
//! its own.
//!
//! # In somebody else's tests
//!
//! A server is a value. Dropping it ends its sessions and its threads. Nothing
//! is global, so many servers run side by side in one process.
//!
//! ```
//! use pillarbox::server::{Server, Settings};
//! use std::io::{Read, Write};
//! use std::net::TcpStream;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // A server for `localhost`, on a free port, with a mail folder of its own.
//! let mail = tempfile::tempdir()?;
//! let mut settings = Settings::new(mail.path());
//! settings.listen = vec!["127.0.0.1:0".parse()?];
//! let server = Server::start(settings)?;
//!
//! // A message over TCP.
//! let mut client = TcpStream::connect(server.addresses())?;
//! client.write_all(
//!     b"HELO client.example\r\n\
//!       MAIL FROM:<alice@client.example>\r\n\
//!       RCPT TO:<bob@localhost>\r\n\
//!       DATA\r\n\
//!       Subject: hello\r\n\r\nHello, Bob.\r\n.\r\n\
//!       QUIT\r\n",
//! )?;
//! let mut replies = String::new();
//! client.read_to_string(&mut replies)?;
//! assert!(replies.contains("250 2.0.0 Stored\r\n"));
//!
//! // It is in the mailbox.
//! let new = mail.path().join("localhost/bob/new");
//! let file = std::fs::read_dir(new)?.next().ok_or("no message")??;
//! let message = std::fs::read_to_string(file.path())?;
//! assert!(message.starts_with("Return-Path: <alice@client.example>\n"));
//! assert!(message.ends_with("Subject: hello\n\nHello, Bob.\n"));
//!
//! // The server stops here; the port is free again.
//! drop(server);
//! # Ok(())
//! # }
//! ```
//!
// ANCHOR: what_must_never_be
//! # What must never be
//!
//! - 250 for a message that a power cut could still take away.
//! - A message that ends where its sender did not end it.
//! - A path, a header field, a log line or a command made from a client's text
//!   without a check against a grammar.
//! - A panic, an endless wait or a full memory because of what a client sent.
//! - A permanent refusal (5xx) for trouble of our own.
// ANCHOR_END: what_must_never_be

pub mod agent;
pub mod console;
pub mod disk;
pub mod mailbox;
pub mod options;
pub mod protocol;
pub mod relay;
pub mod server;
pub mod transcript;
pub mod wire;
pub mod words;

// By this name the tests' disk knows us, in here as in `tests/`.
#[cfg(test)]
extern crate self as pillarbox;
