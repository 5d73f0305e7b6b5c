//! One connection of a client: the one place where a socket meets the client's
//! machine.
//!
//! Read `converse`: commands leave, what comes back is made a reply, and the
//! machine says what is next. After 354 the text leaves in blocks. While it
//! does, the server may already refuse it: so before each write the socket is
//! looked at for an answer (`socket.rs`).
//!
//! Guarantees:
//! - a deadline is for a whole reply and for a whole block, never for a single
//!   read or write, which a slow server could repeat for ever (RFC 5321
//!   4.5.3.2);
//! - nothing is said before the answers to what was said are there;
//! - a connection that is dropped says QUIT first, and does not wait for the
//!   answer.

use super::orders::{Content, Event, Orders};
use super::route::Target;
use super::socket::Socket;
use super::text::Blocks;
use crate::protocol::decision::{self, Kind};
use crate::protocol::outcome::{Fate, Heard, Outcome};
use crate::protocol::outgoing::{BareCr, ClientCommand, Envelope};
use crate::protocol::replies::ReplyReader;
use crate::protocol::sending::{Dialogue, Next, REPLY_LIMITS, Turn};
use crate::wire::{Lost, Wire};
use crate::words::{printable, reason};
use std::io;
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// How long a connection may take to be made.
const CONNECT_TIME: Duration = Duration::from_secs(30);

/// QUIT may take this long to leave.
const GOODBYE_TIME: Duration = Duration::from_secs(1);

/// This much of what is no reply is shown to people.
const SHOWN_BYTES: usize = 80;

/// A connection to one server.
pub(super) struct Connection<'a> {
    target: Target,
    orders: Orders<'a>,
    socket: Socket,
    wire: Wire<'static>,
    replies: ReplyReader,
    dialogue: Dialogue,
}

/// Why a text did not leave.
enum Unsent {
    /// The server is gone, or does not read, or speaks itself.
    Stopped(Lost),
    /// It cannot be read, or must not be sent.
    Unreadable(io::Error),
}

impl<'a> Connection<'a> {
    /// Connects; the mail is the first one that it will carry. An error is in
    /// words.
    pub(super) fn open(
        target: &Target,
        envelope: Envelope,
        orders: Orders<'a>,
    ) -> Result<Connection<'a>, String> {
        (orders.observer)(Event::Connecting(target));
        let patience = CONNECT_TIME.min(orders.timeout_cap);
        let stream = TcpStream::connect_timeout(&target.address, patience)
            // What is said leaves at once: it is one write.
            .and_then(|stream| stream.set_nodelay(true).map(|()| stream));
        let stream = stream.map_err(|error| {
            let why = format!("no connection: {}", reason(&error));
            (orders.observer)(Event::Unreachable(target, &why));
            why
        })?;
        (orders.observer)(Event::Connected(target, &stream));
        let socket = Socket::new(stream);
        Ok(Connection {
            target: target.clone(),
            orders,
            wire: Wire::new(Box::new(socket.clone()), patience),
            socket,
            replies: ReplyReader::new(REPLY_LIMITS),
            dialogue: Dialogue::new(orders.name, envelope),
        })
    }

    pub(super) fn target(&self) -> &Target {
        &self.target
    }

    pub(super) fn has_opened(&self) -> bool {
        self.dialogue.has_opened()
    }

    pub(super) fn is_reusable(&self) -> bool {
        self.dialogue.is_reusable()
    }

    /// From the greeting to the end of the mail that it was opened for.
    pub(super) fn first_mail(
        &mut self,
        content: &Content<'_>,
    ) -> Option<Vec<Fate>> {
        self.converse(Next::Listen, content)
    }

    /// One more mail. None: the connection was of no use for it.
    pub(super) fn next_mail(
        &mut self,
        envelope: Envelope,
        content: &Content<'_>,
    ) -> Option<Vec<Fate>> {
        let turn = self.tell(|dialogue| dialogue.begin(envelope));
        self.converse(turn.next, content)
    }

    /// Does what the machine says, until the mail has come to its end.
    fn converse(
        &mut self,
        mut next: Next,
        content: &Content<'_>,
    ) -> Option<Vec<Fate>> {
        loop {
            let turn = match next {
                Next::Say(commands) => {
                    let heard = self.say(&commands);
                    self.take(heard)
                }
                Next::Listen => {
                    let heard = self.listen();
                    self.take(heard)
                }
                Next::SendText => self.send_text(content),
                Next::Done(fates) => return Some(fates),
                Next::Anew => return None,
            };
            next = turn.next;
        }
    }

    /// Gives the machine what was heard.
    fn take(&mut self, heard: Heard) -> Turn {
        (self.orders.observer)(Event::Heard(&heard));
        self.tell(|dialogue| dialogue.hear(heard))
    }

    /// One step of the machine, of which the observer is told.
    fn tell(&mut self, step: impl FnOnce(&mut Dialogue) -> Turn) -> Turn {
        let answered = self.dialogue.step();
        let turn = step(&mut self.dialogue);
        (self.orders.observer)(Event::Decided(answered, turn.decision));
        turn
    }

    /// Says the commands, and listens to the first answer.
    ///
    /// If the server has said something before, it is out of step, and its
    /// next words would be taken for the answer to something else. Except 421,
    /// which may come at any time (RFC 5321 3.8).
    fn say(&mut self, commands: &[ClientCommand]) -> Heard {
        if self.replies.has_begun() || self.socket.has_input() {
            let heard = self.listen();
            return match heard.kind() {
                Kind::Closing | Kind::NoReply => heard,
                Kind::Yes
                | Kind::GoOn
                | Kind::NotNow
                | Kind::Never
                | Kind::Full => {
                    Heard::NoReply("a reply that nobody asked for".into())
                }
            };
        }
        match self.write(commands, self.deadline()) {
            Ok(()) => self.listen(),
            Err(lost) => self.listen_after(lost),
        }
    }

    fn write(
        &mut self,
        commands: &[ClientCommand],
        deadline: Instant,
    ) -> Result<(), Lost> {
        for command in commands {
            (self.orders.observer)(Event::Said(command));
            self.wire.say(&command.to_string())?;
        }
        self.wire.flush_until(deadline)
    }

    /// Waits for one whole reply.
    fn listen(&mut self) -> Heard {
        let deadline = self.deadline();
        loop {
            if let Some(reply) = self.replies.next_reply() {
                return reply.map_or_else(
                    |no| {
                        let line = no.heard.trim_ascii_end();
                        let bytes = printable(line, SHOWN_BYTES);
                        let fault = no.fault.in_words();
                        Heard::NoReply(format!("no reply, {fault}: {bytes}"))
                    },
                    Heard::Reply,
                );
            }
            match self.wire.hear(deadline) {
                Ok(bytes) => self.replies.feed(bytes),
                Err(lost) => return in_words(&lost),
            }
        }
    }

    /// After a write has failed: why it did may have been said before.
    fn listen_after(&mut self, lost: Lost) -> Heard {
        match lost {
            Lost::TimedOut => in_words(&lost),
            Lost::Closed | Lost::Broken(_) => self.listen(),
        }
    }

    /// The text and its dot, and the answer to them.
    fn send_text(&mut self, content: &Content<'_>) -> Turn {
        self.socket.watch(true);
        let sent = self.write_text(content);
        self.socket.watch(false);
        let heard = match sent {
            Ok(()) => {
                (self.orders.observer)(Event::Said(&ClientCommand::Dot));
                self.dialogue.text_is_sent();
                self.listen()
            }
            Err(Unsent::Stopped(lost)) => self.listen_after(lost),
            Err(Unsent::Unreadable(error)) => {
                let outcome = our_own_fault(&error);
                return self.tell(|dialogue| dialogue.text_fails(outcome));
            }
        };
        self.take(heard)
    }

    /// Each block has its own deadline. The dot leaves with the last one.
    fn write_text(&mut self, content: &Content<'_>) -> Result<(), Unsent> {
        if self.replies.has_begun() {
            return Err(Unsent::Stopped(Lost::Closed));
        }
        let mut blocks = content().map(Blocks::new)?;
        while let Some(block) = blocks.next()? {
            self.wire.send(block, self.deadline())?;
        }
        (self.orders.observer)(Event::SaidText(blocks.text().size()));
        self.wire.send(b".\r\n", self.deadline())?;
        self.wire.flush_until(self.deadline())?;
        Ok(())
    }

    /// For what comes next.
    fn deadline(&self) -> Instant {
        let patience = self.dialogue.step().patience();
        Instant::now() + patience.min(self.orders.timeout_cap)
    }
}

impl Drop for Connection<'_> {
    fn drop(&mut self) {
        if let Some(quit) = self.dialogue.last_words() {
            let deadline = Instant::now() + GOODBYE_TIME;
            // The server may be gone; nothing depends on this word.
            let _ = self.write(&[quit], deadline);
        }
        (self.orders.observer)(Event::Closed);
    }
}

fn in_words(lost: &Lost) -> Heard {
    match lost {
        Lost::TimedOut => Heard::NoReply("no answer in time".to_owned()),
        Lost::Closed => Heard::Gone("the server has hung up".to_owned()),
        Lost::Broken(error) => {
            Heard::Gone(format!("connection lost: {}", reason(error)))
        }
    }
}

fn our_own_fault(error: &io::Error) -> Outcome {
    let why = format!("the text cannot be sent: {}", reason(error));
    if error.get_ref().is_some_and(|inner| inner.is::<BareCr>()) {
        Outcome::of(&decision::BARE_CR, &why)
    } else {
        Outcome::of(&decision::UNREADABLE, &why)
    }
}

impl From<Lost> for Unsent {
    fn from(lost: Lost) -> Unsent {
        Unsent::Stopped(lost)
    }
}

impl From<io::Error> for Unsent {
    fn from(error: io::Error) -> Unsent {
        Unsent::Unreadable(error)
    }
}
