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
use crate::relay::office::{Arrival, Outgoing};
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
    /// Its files, or why there are none (any more).
    copies: Result<Copies<'a>, Reply>,
}

/// The files of one message: one for all mailboxes here, and one in the queue
/// for all recipients elsewhere. What is on their top is not the same.
struct Copies<'a> {
    here: Option<Staged<'a>>,
    elsewhere: Option<Outgoing<'a>>,
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
    /// Opens the files for the message, with the trace fields on their top
    /// (RFC 5321 4.4).
    pub(super) fn open(
        shared: &'a Shared,
        envelope: &Envelope<'_>,
    ) -> Incoming<'a> {
        Incoming {
            session: envelope.session,
            directory: &shared.directory,
            message: Message::new(shared.offer.max_size),
            copies: Copies::open(shared, envelope)
                .map_err(|error| trouble(envelope.session, &error)),
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
            Taken::Refused(why) => self.copies = Err(why),
            Taken::End(outcome) => return Progress::End(outcome),
            Taken::Endless => return Progress::Endless,
        }
        Progress::More
    }
    // ANCHOR_END: take

    /// Writes to the file, as long as there is one. Lines end in LF there.
    fn store(&mut self, text: &[u8], ends: bool) {
        let line_end: &[u8] = if ends { b"\n" } else { b"" };
        if let Ok(copies) = &mut self.copies
            && let Err(error) =
                copies.write(text).and_then(|()| copies.write(line_end))
        {
            self.copies = Err(trouble(self.session, &error));
        }
    }

    /// Makes a message that was not refused durable, in every mailbox here and
    /// in the queue. With `Ok` we may say 250.
    ///
    /// Who gets a refusal sends it again to all: nobody may have it then. The
    /// queue comes first, for it can take back what it was given.
    pub(super) fn finish(self) -> Result<(), Reply> {
        let trouble = |error: io::Error| trouble(self.session, &error);
        let Copies { here, elsewhere } = self.copies?;
        let queued = elsewhere.map(Outgoing::store).transpose();
        let queued = queued.map_err(trouble)?;
        if let Some(staged) = here {
            let places = self.directory.take_places(staged.mailboxes())?;
            let name = staged.commit().map_err(trouble)?;
            places.keep();
            log::debug!("[{}] stored {name}", self.session);
        }
        if let Some(queued) = queued {
            // Not in the line of the log: it may not be evaluated.
            let id = queued.send();
            log::info!("[{}] queued {id}", self.session);
        }
        Ok(())
    }
}

impl<'a> Copies<'a> {
    /// Opens the files, and writes the trace fields on their top: in a mailbox
    /// the message has arrived, so there it gets Return-Path as well.
    fn open(
        shared: &'a Shared,
        envelope: &Envelope<'_>,
    ) -> io::Result<Copies<'a>> {
        let mut copies = Copies { here: None, elsewhere: None };
        let transaction = envelope.transaction;
        let now = SystemTime::now();
        let mailboxes = transaction.local_mailboxes();
        if !mailboxes.is_empty() {
            let mut staged = shared.maildirs.stage(&mailboxes, now)?;
            let path = trace::return_path(&transaction.reverse_path);
            let received = received(shared, envelope, staged.id(), now);
            staged.write((path + &received).as_bytes())?;
            copies.here = Some(staged);
        }
        let recipients = transaction.recipients_elsewhere();
        if let Some(relay) = &shared.relay
            && !recipients.is_empty()
        {
            let mut outgoing = relay.stage(&Arrival {
                reverse_path: transaction.reverse_path.clone(),
                recipients,
                asks_utf8: transaction.parameters.utf8,
            })?;
            let received = received(shared, envelope, outgoing.id(), now);
            outgoing.write(received.as_bytes())?;
            copies.elsewhere = Some(outgoing);
        }
        Ok(copies)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Some(staged) = &mut self.here {
            staged.write(bytes)?;
        }
        match &mut self.elsewhere {
            Some(outgoing) => outgoing.write(bytes),
            None => Ok(()),
        }
    }
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
