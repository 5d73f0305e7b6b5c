//! One message into the mailboxes of its recipients, so that a power cut after
//! our 250 does not lose it (RFC 5321 6.1).
//!
//! Guarantee: after `Staged::commit` has said `Ok`, the message is in the
//! `new` of every recipient, whole, and stays there after a crash. After an
//! `Err`, or when a `Staged` is dropped, no recipient has it (RFC 5321 4.2.5):
//! at worst a duplicate is left, never a loss.
//!
//! The steps, and what a crash after each of them leaves:
//!
//! ```text
//! 1 create tmp/NAME, write     part of a file in tmp, removed at next start
//! 2 fsync the file             the whole file in tmp, removed at next start
//! 3 make missing folders       the same, and perhaps empty folders
//! 4 link to new/NAME, each     the message, perhaps: nobody has promised it
//! 5 fsync new/, each, and      the message, for certain
//!   at first what leads there
//! 6 remove tmp/NAME            the same: now say 250
//! ```
//!
//! Step 6 is late on purpose. Some file systems say that an `fsync` went well
//! although they have just shut down after an error of the disk. But a name
//! that they cannot take away, they do report. So its error counts.
//!
//! Interface:
//!   `Staged`       a message that is being written
//!   `refusal_for`  which reply a failed delivery gets
//!
//! No network file systems: they report some errors only when a file is
//! closed, and std drops those.

use super::folders::{Folders, MailFolder};
use super::synced::Moment;
use crate::disk::{Draft, Name, Synced};
use crate::protocol::reply::{self, Reply};
use crate::protocol::session::LocalMailbox;
use std::collections::BTreeSet;
use std::io::{self, ErrorKind, Write};
use std::path::PathBuf;

/// A message that is being written. Dropped before its `commit`, it leaves
/// nothing.
pub struct Staged<'a> {
    folder: &'a MailFolder,
    mailboxes: Vec<LocalMailbox>,
    name: Name,
    draft: Draft<'a>,
}

impl<'a> Staged<'a> {
    pub(super) fn new(
        folder: &'a MailFolder,
        mailboxes: &[LocalMailbox],
        name: Name,
        draft: Draft<'a>,
    ) -> Staged<'a> {
        Staged { folder, mailboxes: mailboxes.to_vec(), name, draft }
    }

    /// What makes the file's name unique: one word, fit for a `Received`.
    pub fn id(&self) -> &str {
        &self.name.id
    }

    /// The mailboxes that it is for.
    pub fn mailboxes(&self) -> &[LocalMailbox] {
        &self.mailboxes
    }

    /// Adds to the message. Lines end in LF, as in any file here.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.draft.write_all(bytes)
    }

    // ANCHOR: commit
    /// Makes the message durable in every mailbox, and gives the file's name.
    pub fn commit(self) -> io::Result<String> {
        let Staged { folder, mailboxes, name, draft } = self;
        let message = draft.sync()?;
        let mut delivery = Delivery::new(folder, name.file);
        let published = delivery.publish(&message, &mailboxes);
        if let Err(error) = published.and_then(|()| message.remove()) {
            delivery.withdraw();
            return Err(error);
        }
        Ok(delivery.file)
    }
    // ANCHOR_END: commit
}

/// A whole message on its way from `tmp` to every `new`, and what has been done
/// for it so far.
struct Delivery<'a> {
    folder: &'a MailFolder,
    file: String,
    began: Moment,
    /// The folders that were made, by mailbox.
    made: Vec<Vec<PathBuf>>,
    links: Vec<PathBuf>,
}

impl<'a> Delivery<'a> {
    fn new(folder: &'a MailFolder, file: String) -> Delivery<'a> {
        let began = folder.synced.now();
        let (made, links) = (Vec::new(), Vec::new());
        Delivery { folder, file, began, made, links }
    }

    // ANCHOR: publish
    /// Gives the file a name in every `new`, and then makes the names durable:
    /// an `fsync` of each directory.
    fn publish(
        &mut self,
        message: &Synced<'_>,
        mailboxes: &[LocalMailbox],
    ) -> io::Result<()> {
        let mut all = Vec::new();
        for mailbox in mailboxes {
            all.push(self.folders(message, mailbox)?);
        }
        for folders in &all {
            self.link(message, folders)?;
        }
        for path in self.folders_to_sync(mailboxes, &all) {
            self.folder.disk.sync_folder(&path)?;
        }
        self.folder.synced.learn(mailboxes, self.began);
        Ok(())
    }
    // ANCHOR_END: publish

    /// The folders of a mailbox, made if missing. The mailbox in whose `tmp` the
    /// draft was begun was looked at then. If its `new` has gone since, no link
    /// can be made, and the client comes again.
    fn folders(
        &mut self,
        message: &Synced<'_>,
        mailbox: &LocalMailbox,
    ) -> io::Result<Folders> {
        let folders = Folders::of(&self.folder.path, mailbox);
        if message.is_in(&folders.tmp) {
            return Ok(folders);
        }
        let mut made = Vec::new();
        let began = &mut self.began;
        let folders = self.folder.make_mailbox(mailbox, began, &mut made);
        self.made.push(made);
        folders
    }

    fn link(
        &mut self,
        message: &Synced<'_>,
        folders: &Folders,
    ) -> io::Result<()> {
        let link = folders.new.join(&self.file);
        match message.link(&link) {
            Err(error) if needs_a_copy(&error) => {
                let copy = folders.tmp.join(format!("{}.copy", self.file));
                message.copy(&copy, &link)?;
            }
            outcome => outcome?,
        }
        self.links.push(link);
        Ok(())
    }

    /// Each `new`, and what leads there, if this process has not synced it
    /// before. Also if it was there already: another process may have made it,
    /// and died before its own `fsync`.
    fn folders_to_sync(
        &self,
        mailboxes: &[LocalMailbox],
        all: &[Folders],
    ) -> BTreeSet<PathBuf> {
        let mut folders = BTreeSet::new();
        for (mailbox, its) in mailboxes.iter().zip(all) {
            folders.insert(its.new.clone());
            if !self.folder.synced.knows(mailbox) {
                folders.insert(self.folder.path.clone());
                folders.extend(its.all().map(PathBuf::clone));
            }
        }
        folders
    }

    /// Takes back what was made. A folder that is no longer empty stays: then
    /// another message has come for that mailbox.
    fn withdraw(&self) {
        let disk = &*self.folder.disk;
        for link in &self.links {
            if let Err(error) = disk.remove_file(link) {
                log::warn!("a refused message stays: {error}");
            }
        }
        for made in self.made.iter().rev() {
            for folder in made.iter().rev() {
                if disk.remove_folder(folder).is_err() {
                    break;
                }
            }
        }
    }
}

// ANCHOR: refusal
/// The reply to a message that could not be stored: always temporary. No mail
/// may bounce because of our own trouble (RFC 5321 4.2.1).
pub fn refusal_for(error: &io::Error) -> Reply {
    let known = [
        (ErrorKind::StorageFull, reply::NO_SPACE),
        (ErrorKind::QuotaExceeded, reply::MAILBOX_FULL),
    ];
    let found = known.iter().find(|(kind, _)| *kind == error.kind());
    found.map_or(reply::LOCAL_ERROR, |(_, reply)| *reply)
}
// ANCHOR_END: refusal

/// Some file systems have no second names, and no name reaches from one file
/// system to another.
fn needs_a_copy(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::CrossesDevices
            | ErrorKind::PermissionDenied
            | ErrorKind::TooManyLinks
            | ErrorKind::Unsupported
    )
}
