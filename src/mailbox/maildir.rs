//! A message into the Maildirs of its recipients, so that a power cut after our
//! 250 does not lose it (RFC 5321 6.1; the format is D. J. Bernstein's Maildir).
//!
//! A mailbox is three folders. A message is written in `tmp`, and appears in
//! `new` only when it is whole; a mail reader moves it to `cur`.
//!
//! Guarantee: after `Staged::commit` has said `Ok`, the message is in the
//! `new` of every recipient, whole, and stays there after a crash. After an
//! `Err`, or when a `Staged` is dropped, no recipient has it (RFC 5321 4.2.5):
//! at worst a duplicate is left, never a loss.
//!
//! The steps, and what a crash after each of them leaves:
//!
//! ```text
//! create tmp/NAME, write       part of a file in tmp, removed at next start
//! fsync the file               the whole file in tmp, removed at next start
//! link to new/NAME, each       the message, perhaps: nobody has promised it
//! remove tmp/NAME              the same
//! fsync new/, each             the message, for certain: now say 250
//! ```
//!
//! Interface:
//!   `Maildirs`  all mailboxes below one folder
//!   `Staged`    a message that is being written
//!   `trouble`   which reply a failed delivery gets
//!
//! Not here: which mailboxes exist (`directory.rs`). No network file systems:
//! they report some errors only when a file is closed, and std drops those.

use super::leftovers::{PROBE, clean, existing, folder};
use crate::disk::{Claim, Disk, Draft, Name, Names, Synced, shown};
use crate::protocol::reply::{self, Reply};
use crate::protocol::session::LocalMailbox;
use std::collections::BTreeSet;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

/// How long another program may keep the mail folder to itself.
const LOCK_PATIENCE: Duration = Duration::from_secs(10);

/// How often another name is tried when one is taken.
const NAME_TRIES: usize = 10;

const SUBFOLDERS: [&str; 3] = ["tmp", "new", "cur"];

/// All mailboxes below one folder: `ROOT/DOMAIN/LOCAL-PART/{tmp,new,cur}`.
pub struct Maildirs {
    root: PathBuf,
    disk: Box<dyn Disk>,
    names: Names,
    /// The mailboxes whose folders this process has seen on the disk, synced.
    ready: Mutex<BTreeSet<LocalMailbox>>,
    /// While we hold it no other Pillarbox takes our files for left-overs.
    _claim: Box<dyn Claim>,
}

impl Maildirs {
    /// Takes the folder `root` for the mailboxes, and makes it if needed.
    ///
    /// What a crash has left in the mailboxes' `tmp` is removed, unless
    /// another Pillarbox uses the folder just now. `host` becomes part of the
    /// files' names, `now` is the time. Fails if the folder cannot be written,
    /// or if other users could write into it.
    pub fn open(
        root: &Path,
        host: &str,
        disk: Box<dyn Disk>,
        now: SystemTime,
    ) -> io::Result<Maildirs> {
        let mut claim = disk.claim(root, LOCK_PATIENCE)?;
        if claim.is_alone() {
            clean(&*disk, root, now)?;
        }
        claim.share()?;
        let names = Names::new(host);
        let probe = format!("{PROBE}{}", names.next(now).id);
        Draft::create(&*disk, &root.join(probe))?.sync()?.remove()?;
        Ok(Maildirs {
            root: root.to_owned(),
            disk,
            names,
            ready: Mutex::default(),
            _claim: claim,
        })
    }

    /// The mailboxes that are on the disk already.
    pub fn existing(&self) -> io::Result<Vec<LocalMailbox>> {
        existing(&*self.disk, &self.root)
    }

    /// Makes the folders of a mailbox, where they are missing, for good.
    ///
    /// One mailbox at a time: a second session that finds the folders must
    /// not count on them before the first has synced them.
    pub fn make(&self, mailbox: &LocalMailbox) -> io::Result<()> {
        let domain = self.root.join(&mailbox.domain);
        let folder = self.folder(mailbox);
        let [tmp, new, cur] = SUBFOLDERS.map(|name| folder.join(name));
        let folders = [&domain, &folder, &tmp, &new, &cur];
        let is_whole = folders.iter().all(|f| self.disk.is_folder(f));
        let mut ready =
            self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        if is_whole && ready.contains(mailbox) {
            return Ok(());
        }
        for folder in folders {
            let made = self.disk.create_folder(folder);
            if !self.disk.is_folder(folder) {
                made?;
            }
        }
        // An fsync also if they were there: another process may have made
        // them, and died before this.
        for folder in folders.into_iter().chain([&self.root]) {
            self.disk.sync_folder(folder)?;
        }
        ready.insert(mailbox.clone());
        Ok(())
    }

    /// Opens a message for these mailboxes, in the `tmp` of the first.
    /// `now` becomes part of its name.
    pub fn stage(
        &self,
        mailboxes: &[LocalMailbox],
        now: SystemTime,
    ) -> io::Result<Staged<'_>> {
        let first = mailboxes.first().ok_or(ErrorKind::InvalidInput)?;
        for mailbox in mailboxes {
            self.make(mailbox)?;
        }
        let (name, draft) = self.create(&self.folder(first), now)?;
        let folders = mailboxes.iter().map(|m| self.folder(m)).collect();
        Ok(Staged { disk: &*self.disk, name, draft, folders })
    }

    /// Begins a file with a new name in the `tmp` of a mailbox.
    fn create(
        &self,
        folder: &Path,
        now: SystemTime,
    ) -> io::Result<(Name, Draft<'_>)> {
        for _ in 0..NAME_TRIES {
            let name = self.names.next(now);
            let path = folder.join("tmp").join(&name.file);
            match Draft::create(&*self.disk, &path) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                outcome => return Ok((name, outcome?)),
            }
        }
        Err(ErrorKind::AlreadyExists.into())
    }

    fn folder(&self, mailbox: &LocalMailbox) -> PathBuf {
        folder(&self.root, mailbox)
    }
}

/// A message that is being written. Dropped before its `commit`, it leaves
/// nothing.
pub struct Staged<'a> {
    disk: &'a dyn Disk,
    name: Name,
    draft: Draft<'a>,
    /// Where the mailboxes are.
    folders: Vec<PathBuf>,
}

impl Staged<'_> {
    /// What makes the file's name unique: one word, fit for a `Received`.
    pub fn id(&self) -> &str {
        &self.name.id
    }

    /// Adds to the message. Lines end in LF, as in any file here.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.draft.write_all(bytes)
    }

    // ANCHOR: commit
    /// Makes the message durable in every mailbox, and gives the file's name.
    pub fn commit(self) -> io::Result<String> {
        let Staged { disk, name, draft, folders } = self;
        let delivery = Delivery { disk, file: name.file, folders };
        let message = draft.sync()?;
        let mut names = Vec::new();
        if let Err(error) = delivery.publish(message, &mut names) {
            delivery.withdraw(&names);
            return Err(error);
        }
        Ok(delivery.file)
    }
    // ANCHOR_END: commit
}

/// A whole message on its way from `tmp` to every `new`.
struct Delivery<'a> {
    disk: &'a dyn Disk,
    file: String,
    folders: Vec<PathBuf>,
}

impl Delivery<'_> {
    // ANCHOR: publish
    /// Gives the file a name in every `new`, and then makes these names
    /// durable: an `fsync` of each directory. `names` tells which ones were
    /// given, also after an error.
    fn publish(
        &self,
        message: Synced<'_>,
        names: &mut Vec<PathBuf>,
    ) -> io::Result<()> {
        for folder in &self.folders {
            names.push(self.link(&message, folder)?);
        }
        // A name that stays in tmp is removed at the next start.
        drop(message);
        for folder in &self.folders {
            self.disk.sync_folder(&folder.join("new"))?;
        }
        Ok(())
    }
    // ANCHOR_END: publish

    fn link(&self, message: &Synced<'_>, folder: &Path) -> io::Result<PathBuf> {
        let name = folder.join("new").join(&self.file);
        match message.link(&name) {
            Err(error) if needs_a_copy(&error) => {
                let copy = format!("{}.copy", self.file);
                message.copy(&folder.join("tmp").join(copy), &name)?;
            }
            outcome => outcome?,
        }
        Ok(name)
    }

    fn withdraw(&self, names: &[PathBuf]) {
        for name in names {
            if let Err(error) = self.disk.remove_file(name) {
                log::warn!("{} is left: {error}", shown(name));
            }
        }
    }
}

// ANCHOR: trouble
/// The reply to a message that could not be stored: always temporary. No mail
/// may bounce because of our own trouble (RFC 5321 4.2.3).
pub fn trouble(error: &io::Error) -> Reply {
    let known = [
        (ErrorKind::StorageFull, reply::NO_SPACE),
        (ErrorKind::QuotaExceeded, reply::MAILBOX_FULL),
    ];
    let found = known.iter().find(|(kind, _)| *kind == error.kind());
    found.map_or(reply::LOCAL_ERROR, |(_, reply)| *reply)
}
// ANCHOR_END: trouble

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
