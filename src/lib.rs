//! Pillarbox: an SMTP server to learn from. It can be read from the first line
//! to the last, and it really works: what it answers 250 to is on the disk.
//!
// ANCHOR: map
//! # The map
//!
//! ```text
//!   main     picks the command, prints, says how it ended
//!   options  the command line: text in, settings out
//!      │
//!   server      sockets, threads, deadlines     transcript   dialogues as
//!      │        around the machine              tests, over a real socket
//!   mailbox     which mailboxes exist; one message to the disk, for good
//!      │
//!   protocol    pure: bytes in, values out. No socket, file, clock or log
//! ```
//!
//! A layer uses those below it and none above. `tests/layering.rs` checks it.
// ANCHOR_END: map
//!
//! # Reading order
//!
//! It is the order of a message's way in:
//!
//! 1. [`server`]: `listener.rs` accepts and starts a thread; then
//!    `connection.rs` and `incoming.rs`, the way of one message. Each file
//!    below answers a question that they leave open. (Around them, for later:
//!    `settings.rs` is what a server is told, `register.rs` counts who is
//!    connected, `wire.rs` reads and writes with deadlines, `explain.rs` shows
//!    the dialogue, `stdio.rs` serves a keyboard, `recorder.rs` writes sessions
//!    down.)
//! 2. [`protocol::line`]: what is a line?
//! 3. [`protocol::command`], [`protocol::address`]: what does a line ask for?
//! 4. [`protocol::session`]: is it allowed now, and what comes next?
//!    [`protocol::extension`] says what EHLO has offered.
//! 5. [`protocol::reply`]: what does the server say, and why?
//! 6. [`mailbox::directory`]: who lives here?
//! 7. [`protocol::data`]: where does the message end?
//! 8. [`protocol::trace`]: what is put on its top?
//! 9. [`mailbox::maildir`]: when is it safe to say 250? (Beneath it: `names.rs`
//!    for unique names, `leftovers.rs` for what a crash leaves, `disk.rs` for
//!    the calls to the file system.)
//! 10. [`options`] and `main.rs`: how it is all started.
//!
//! [`transcript`] stands beside this way. It plays the dialogues of the folder
//! `transcripts/` against the finished program, over TCP, and knows nothing of
//! its insides.
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

pub mod console;
pub mod mailbox;
pub mod options;
pub mod protocol;
pub mod relay;
pub mod server;
pub mod transcript;
pub mod wire;
pub mod words;
