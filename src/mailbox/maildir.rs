//! A message into its recipients' Maildirs, so that a power cut after our 250
//! does not lose it (RFC 5321 6.1; the format is D. J. Bernstein's Maildir).
//!
//! A mailbox is three folders. A message is written in `tmp`, and appears in
//! `new` only when it is whole; a mail reader moves it to `cur`.
//!
//! Guarantee: after `Staged::commit` has said `Ok`, the message is in the
//! `new` of every recipient, whole, and stays there after a crash. After an
//! `Err`, or when a `Staged` is dropped, no recipient has it: at the worst a
//! duplicate is left, never a loss.
//!
//! The steps, and what a crash after each of them leaves:
//!
//! ```text
//! create tmp/NAME, write       part of a file in tmp, removed at next start
//! sync the file                the whole file in tmp, removed at next start
//! link to new/NAME, each       the message, perhaps: nobody has promised it
//! remove tmp/NAME              the same
//! sync new/, each              the message, for certain: now say 250
//! ```
//!
//! Interface:
//!   `Maildirs`  all mailboxes below one folder
//!   `Staged`    a message that is being written
//!   `trouble`   which reply a failed delivery gets
//!
//! Not here: which mailboxes exist (`directory.rs`). No network file systems:
//! they report some errors only when a file is closed, and std drops those.

use super::disk::{Claim, Disk, DiskFile};
use super::leftovers::{PROBE, clean, existing, folder};
use super::names::{Name, Names};
use crate::protocol::reply::{self, Reply};
use crate::protocol::session::LocalMailbox;
use std::collections::BTreeSet;
use std::io::{self, BufWriter, ErrorKind, Write};
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

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
    _claim: Claim,
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
        let claim = disk.claim(root, &mut || clean(&*disk, root, now))?;
        let names = Names::new(host);
        probe(&*disk, &root.join(format!("{PROBE}{}", names.run)))?;
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
    pub fn make(&self, recipient: &LocalMailbox) -> io::Result<()> {
        let domain = self.root.join(&recipient.domain);
        let mailbox = self.folder(recipient);
        let [tmp, new, cur] = SUBFOLDERS.map(|name| mailbox.join(name));
        let folders = [&domain, &mailbox, &tmp, &new, &cur];
        let is_whole = folders.iter().all(|f| self.disk.is_directory(f));
        let mut ready =
            self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        if is_whole && ready.contains(recipient) {
            return Ok(());
        }
        for folder in folders {
            let made = self.disk.create_directory(folder);
            if !self.disk.is_directory(folder) {
                made?;
            }
        }
        // Also if they were there: another process may have made them, and
        // died before this.
        for folder in folders.into_iter().chain([&self.root]) {
            self.disk.sync_directory(folder)?;
        }
        ready.insert(recipient.clone());
        Ok(())
    }

    /// Opens a message for these mailboxes, in the `tmp` of the first.
    /// `now` becomes part of its name.
    pub fn stage(
        &self,
        recipients: &[LocalMailbox],
        now: SystemTime,
    ) -> io::Result<Staged<'_>> {
        let first = recipients.first().ok_or(ErrorKind::InvalidInput)?;
        for recipient in recipients {
            self.make(recipient)?;
        }
        let (name, path, file) = self.create(&self.folder(first), now)?;
        Ok(Staged {
            disk: &*self.disk,
            name,
            path,
            file: BufWriter::new(file),
            boxes: recipients.iter().map(|r| self.folder(r)).collect(),
            is_in_tmp: true,
        })
    }

    /// Makes a file with a new name in the `tmp` of a mailbox.
    fn create(
        &self,
        mailbox: &Path,
        now: SystemTime,
    ) -> io::Result<(Name, PathBuf, Box<dyn DiskFile>)> {
        for _ in 0..NAME_TRIES {
            let name = self.names.next(now);
            let path = mailbox.join("tmp").join(&name.file);
            match self.disk.create_file(&path) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                outcome => return Ok((name, path, outcome?)),
            }
        }
        Err(ErrorKind::AlreadyExists.into())
    }

    fn folder(&self, recipient: &LocalMailbox) -> PathBuf {
        folder(&self.root, recipient)
    }
}

/// A message that is being written. Dropped before its `commit`, it leaves
/// nothing behind.
pub struct Staged<'a> {
    disk: &'a dyn Disk,
    name: Name,
    path: PathBuf,
    file: BufWriter<Box<dyn DiskFile>>,
    boxes: Vec<PathBuf>,
    is_in_tmp: bool,
}

impl Staged<'_> {
    /// What makes the file's name unique: one word, fit for a `Received`.
    pub fn id(&self) -> &str {
        &self.name.id
    }

    /// Adds to the message. Lines end in LF, as in any file here.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    // ANCHOR: commit
    /// Makes the message durable in every mailbox, and gives the file's name.
    pub fn commit(mut self) -> io::Result<String> {
        self.file.flush()?;
        self.file.get_ref().sync()?;
        let mut done = Vec::new();
        let outcome = self.publish(&mut done);
        if let Err(error) = outcome {
            self.withdraw(&done);
            return Err(error);
        }
        Ok(mem::take(&mut self.name.file))
    }
    // ANCHOR_END: commit

    // ANCHOR: publish
    /// Links the file into every `new` and syncs these. In `done` stand the
    /// links that were made, also after an error.
    fn publish(&mut self, done: &mut Vec<PathBuf>) -> io::Result<()> {
        for folder in &self.boxes {
            let target = folder.join("new").join(&self.name.file);
            match self.disk.link(&self.path, &target) {
                Err(error) if needs_a_copy(&error) => {
                    self.copy(folder, &target)?;
                }
                outcome => outcome?,
            }
            done.push(target);
        }
        self.leave_tmp();
        for folder in &self.boxes {
            self.disk.sync_directory(&folder.join("new"))?;
        }
        Ok(())
    }
    // ANCHOR_END: publish

    /// Instead of a link: a copy, by way of that mailbox's own `tmp`.
    fn copy(&self, folder: &Path, target: &Path) -> io::Result<()> {
        let copy = folder.join("tmp").join(format!("{}.copy", self.name.file));
        let outcome =
            self.copy_to(&copy).and_then(|()| self.disk.rename(&copy, target));
        if outcome.is_err() {
            self.remove(&copy);
        }
        outcome
    }

    fn copy_to(&self, copy: &Path) -> io::Result<()> {
        let mut from = self.disk.open_file(&self.path)?;
        let mut to = self.disk.create_file(copy)?;
        io::copy(&mut from, &mut to)?;
        to.sync()
    }

    fn withdraw(&self, links: &[PathBuf]) {
        for link in links {
            self.remove(link);
        }
    }

    fn leave_tmp(&mut self) {
        if self.is_in_tmp {
            self.is_in_tmp = false;
            self.remove(&self.path);
        }
    }

    /// A name that stays is removed at the next start, so no error is made
    /// of it.
    fn remove(&self, path: &Path) {
        if let Err(error) = self.disk.remove_file(path) {
            log::warn!("cannot remove {}: {error}", path.display());
        }
    }
}

impl Drop for Staged<'_> {
    fn drop(&mut self) {
        self.leave_tmp();
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

/// Some file systems have no second names, and no name reaches over to
/// another file system.
fn needs_a_copy(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::CrossesDevices
            | ErrorKind::PermissionDenied
            | ErrorKind::TooManyLinks
            | ErrorKind::Unsupported
    )
}

/// Finds out at the start, and not at the first message, that the folder
/// cannot be written.
fn probe(disk: &dyn Disk, path: &Path) -> io::Result<()> {
    disk.create_file(path)?.sync()?;
    disk.remove_file(path)
}
