//! All mailboxes below one folder, in the Maildir format of D. J. Bernstein.
//!
//! A mailbox is three folders. A message is written in `tmp`, and appears in
//! `new` only when it is whole; a mail reader moves it to `cur`. If none of the
//! recipients has a mailbox yet, the message is written in the mail folder's
//! own `.tmp`: what never gets a message leaves no mailbox.
//!
//! Interface:
//!   `Maildirs`  opens the folder, and a file for each message
//!
//! Not here: which mailboxes exist (`directory.rs`), and what makes a message
//! durable (`delivery.rs`).

use super::delivery::Staged;
use super::folders::{Folders, MailFolder, is_there_and_private};
use super::leftovers::{STAGING, clean, existing};
use crate::disk::{Claim, Disk, Draft, Name, Names, shown};
use crate::protocol::session::LocalMailbox;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};
use std::time::{Duration, SystemTime};

/// How long another program may keep the mail folder to itself.
const LOCK_PATIENCE: Duration = Duration::from_secs(10);

/// How often another name is tried when one is taken.
const NAME_TRIES: usize = 10;

/// All mailboxes below one folder: `ROOT/DOMAIN/LOCAL-PART/{tmp,new,cur}`.
pub struct Maildirs {
    folder: MailFolder,
    names: Names,
    existing: Vec<LocalMailbox>,
    /// While we hold it no other Pillarbox takes our files for left-overs.
    claim: RwLock<Box<dyn Claim>>,
}

impl Maildirs {
    /// Takes the folder `root` for the mailboxes, and makes it if needed.
    ///
    /// What a crash has left is removed, unless another Pillarbox uses the
    /// folder just now. `host` becomes part of the files' names, `now` is the
    /// time. Fails if the folder cannot be written, or if other users could
    /// write into it.
    pub fn open(
        root: &Path,
        host: &str,
        disk: Box<dyn Disk>,
        now: SystemTime,
    ) -> io::Result<Maildirs> {
        let mut claim = disk.claim(root, LOCK_PATIENCE)?;
        let existing = existing(&*disk, root)?;
        if claim.is_alone() {
            clean(&*disk, root, &existing);
        }
        claim.share()?;
        let names = Names::new(host);
        // Trouble that a message would meet is met here first.
        let probe = root.join(names.next(now).file);
        Draft::create(&*disk, &probe)?.sync()?.remove()?;
        let folder = MailFolder::new(root, disk);
        let claim = RwLock::new(claim);
        Ok(Maildirs { folder, names, existing, claim })
    }

    /// The mailboxes that were on the disk at the start.
    pub fn existing(&self) -> &[LocalMailbox] {
        &self.existing
    }

    /// Makes the folders of a mailbox before its first message has come.
    /// Nothing is promised, so nothing is synced: that is for the delivery.
    pub fn make(&self, mailbox: &LocalMailbox) -> io::Result<()> {
        let (mut now, mut made) = (self.folder.synced.now(), Vec::new());
        self.folder.make_mailbox(mailbox, &mut now, &mut made).map(|_| ())
    }

    /// Opens a message for these mailboxes. `now` becomes part of its name.
    pub fn stage(
        &self,
        mailboxes: &[LocalMailbox],
        now: SystemTime,
    ) -> io::Result<Staged<'_>> {
        self.renew_claim()?;
        let (name, draft) = self.create(mailboxes, now)?;
        Ok(Staged::new(&self.folder, mailboxes, name, draft))
    }

    /// If the mail folder has vanished, or another is in its place, it is
    /// claimed anew before anything is put there. What we knew of the old one
    /// counts no more.
    fn renew_claim(&self) -> io::Result<()> {
        let claim = self.claim.read().unwrap_or_else(PoisonError::into_inner);
        if claim.is_intact() {
            return Ok(());
        }
        drop(claim);
        let mut claim =
            self.claim.write().unwrap_or_else(PoisonError::into_inner);
        // Another session may have been faster.
        if !claim.is_intact() {
            log::warn!("mail folder {} is a new one", shown(&self.folder.path));
            let mut fresh =
                self.folder.disk.claim(&self.folder.path, LOCK_PATIENCE)?;
            fresh.share()?;
            self.folder.synced.forget_all();
            *claim = fresh;
        }
        Ok(())
    }

    /// Begins a file with a new name.
    fn create(
        &self,
        mailboxes: &[LocalMailbox],
        now: SystemTime,
    ) -> io::Result<(Name, Draft<'_>)> {
        let folder = self.staging_folder(mailboxes)?;
        for _ in 0..NAME_TRIES {
            let name = self.names.next(now);
            match Draft::create(&*self.folder.disk, &folder.join(&name.file)) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                outcome => return Ok((name, outcome?)),
            }
        }
        let text = format!("{}: each new name is taken", shown(&folder));
        Err(io::Error::new(ErrorKind::AlreadyExists, text))
    }

    /// The `tmp` of a recipient that has a mailbox, or that of the mail folder.
    fn staging_folder(
        &self,
        mailboxes: &[LocalMailbox],
    ) -> io::Result<PathBuf> {
        for mailbox in mailboxes {
            let folders = Folders::of(&self.folder.path, mailbox);
            if folders.are_there(&*self.folder.disk)? {
                return Ok(folders.tmp);
            }
        }
        let staging = self.folder.path.join(STAGING);
        if !is_there_and_private(&*self.folder.disk, &staging)? {
            match self.folder.disk.create_folder(&staging) {
                // Another session was faster.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                made => made?,
            }
        }
        Ok(staging)
    }
}
