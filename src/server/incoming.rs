//! One message on its way from the wire to the disk.
//!
//! The connection hands over the pieces of the message, one after the other.
//! They go through `Message`, which finds the end and the faults, straight into
//! the file that `Maildirs` has opened. Trouble with the disk is remembered
//! like a fault of the message: it is told at the end.
//!
//! Guarantees:
//! - `finish` says `Ok` only when the message is on the disk for everybody;
//! - if an `Incoming` is dropped before that, nothing stays.

use super::shared::Shared;
use crate::mailbox::delivery::{Staged, refusal_for};
use crate::mailbox::directory::Directory;

use crate::protocol::data::{Message, Taken};
use crate::protocol::line::Piece;
use crate::protocol::reply::Reply;
use crate::protocol::session::{Client, Transaction};
use crate::protocol::trace::{self, Received};
use std::io;
use std::net::IpAddr;
use std::time::{SystemTime, UNIX_EPOCH};

/// What is known of a message before its first line.
pub(super) struct Envelope<'a> {
    /// The number of the session, for the log.
    pub(super) session: u64,
    pub(super) transaction: &'a Transaction,
    pub(super) client: Option<&'a Client>,
    pub(super) client_address: Option<IpAddr>,
}

/// A message that is coming in.
pub(super) struct Incoming<'a> {
    session: u64,
    directory: &'a Directory,
    message: Message,
    /// The file, or why there is none (any more).
    staged: Result<Staged<'a>, Reply>,
}

/// How far a message has come.
pub(super) enum Progress {
    /// Its end has not come.
    More,
    /// That was its end. If it is refused, the reply says why.
    End(Result<(), Reply>),
    /// Its end will never come: too much has come without it.
    Endless,
}

impl<'a> Incoming<'a> {
    /// Opens a file for the message, and writes the trace fields on its top
    /// (RFC 5321 4.4).
    pub(super) fn open(
        shared: &'a Shared,
        envelope: &Envelope<'_>,
    ) -> Incoming<'a> {
        Incoming {
            session: envelope.session,
            directory: &shared.directory,
            message: Message::new(shared.offer.max_size),
            staged: stage(shared, envelope),
        }
    }

    /// How many bytes have come.
    pub(super) fn size(&self) -> u64 {
        self.message.size()
    }

    /// How many lines have come.
    pub(super) fn lines(&self) -> u64 {
        self.message.lines()
    }

    // ANCHOR: take
    /// Takes the next piece.
    pub(super) fn take(&mut self, piece: Piece<'_>) -> Progress {
        match self.message.take(piece) {
            Taken::Text(text) => self.store(text, piece.ends),
            Taken::BodyWithoutHeader(text) => {
                self.store(b"", true);
                self.store(text, piece.ends);
            }
            // What was written of it so far goes away at once.
            Taken::Refused(why) => self.staged = Err(why),
            Taken::End(outcome) => return Progress::End(outcome),
            Taken::Endless => return Progress::Endless,
        }
        Progress::More
    }
    // ANCHOR_END: take

    /// Writes to the file, as long as there is one. Lines end in LF there.
    fn store(&mut self, text: &[u8], ends: bool) {
        let line_end: &[u8] = if ends { b"\n" } else { b"" };
        if let Ok(staged) = &mut self.staged
            && let Err(error) =
                staged.write(text).and_then(|()| staged.write(line_end))
        {
            self.staged = Err(trouble(self.session, &error));
        }
    }

    /// Makes a message that was not refused durable in every mailbox. With
    /// `Ok` we may say 250.
    pub(super) fn finish(self) -> Result<(), Reply> {
        let staged = self.staged?;
        let places = self.directory.admit(staged.mailboxes())?;
        let name =
            staged.commit().map_err(|error| trouble(self.session, &error))?;
        places.keep();
        log::debug!("[{}] stored {name}", self.session);
        Ok(())
    }
}

fn stage<'a>(
    shared: &'a Shared,
    envelope: &Envelope<'_>,
) -> Result<Staged<'a>, Reply> {
    let recipients = &envelope.transaction.local_mailboxes();
    let now = SystemTime::now();
    let top = |mut staged: Staged<'a>| {
        let path = trace::return_path(&envelope.transaction.reverse_path);
        let received = received(shared, envelope, staged.id(), now);
        staged.write(path.as_bytes())?;
        staged.write(received.as_bytes())?;
        Ok(staged)
    };
    let staged = shared.maildirs.stage(recipients, now).and_then(top);
    staged.map_err(|error| trouble(envelope.session, &error))
}

fn received(
    shared: &Shared,
    envelope: &Envelope<'_>,
    id: &str,
    now: SystemTime,
) -> String {
    let parameters = &envelope.transaction.parameters;
    let since_1970 = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let received = Received {
        client_name: envelope.client.map_or("unknown", |c| &c.name),
        client_address: envelope.client_address,
        host: &shared.offer.hostname,
        protocol: envelope.client.map_or("SMTP", |c| c.protocol(parameters)),
        id,
        seconds: since_1970.as_secs(),
    };
    received.field()
}

/// The log gets the system's words, the client a temporary refusal.
fn trouble(session: u64, error: &io::Error) -> Reply {
    log::error!("[{session}] cannot store the message: {error}");
    refusal_for(error)
}
