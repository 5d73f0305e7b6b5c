//! The mail folder, and the folders of each mailbox in it:
//! `ROOT/DOMAIN/LOCAL-PART/{tmp,new,cur}`.
//!
//! They are made when the first message has come, and no earlier. What is there
//! already is looked at first, each time: a folder that others may write into,
//! or a link in the place of one, gets no mail.

use super::synced::{Moment, SyncedMailboxes};
use crate::disk::{Disk, Found, Kind, shown};
use crate::protocol::session::LocalMailbox;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// The mail folder: all mailboxes are below it.
pub(super) struct MailFolder {
    pub(super) path: PathBuf,
    pub(super) disk: Box<dyn Disk>,
    pub(super) synced: SyncedMailboxes,
}

impl MailFolder {
    pub(super) fn new(path: &Path, disk: Box<dyn Disk>) -> MailFolder {
        let synced = SyncedMailboxes::default();
        MailFolder { path: path.to_owned(), disk, synced }
    }

    /// Makes the folders of a mailbox where they are missing, for a delivery
    /// that has asked what is synced `then`. `made` tells which folders were
    /// made, also after an error.
    pub(super) fn make_mailbox(
        &self,
        mailbox: &LocalMailbox,
        then: &mut Moment,
        made: &mut Vec<PathBuf>,
    ) -> io::Result<Folders> {
        let folders = Folders::of(&self.path, mailbox);
        if !folders.are_there(&*self.disk)? {
            self.synced.forget(mailbox, then);
            folders.make(&*self.disk, made)?;
        }
        Ok(folders)
    }
}

/// Where the folders of a mailbox are.
pub(super) struct Folders {
    domain: PathBuf,
    mailbox: PathBuf,
    pub(super) tmp: PathBuf,
    pub(super) new: PathBuf,
    cur: PathBuf,
}

impl Folders {
    pub(super) fn of(root: &Path, mailbox: &LocalMailbox) -> Folders {
        let domain = root.join(&mailbox.domain);
        let folder = domain.join(&mailbox.local_part);
        let [tmp, new, cur] = ["tmp", "new", "cur"].map(|n| folder.join(n));
        Folders { domain, mailbox: folder, tmp, new, cur }
    }

    /// All of them, each after the one that it is in. `new` is the last: once
    /// a message is in there, none of them can be taken away.
    pub(super) fn all(&self) -> [&PathBuf; 5] {
        [&self.domain, &self.mailbox, &self.tmp, &self.cur, &self.new]
    }

    /// Whether they are all there. Fails if mail must not be put there.
    pub(super) fn are_there(&self, disk: &dyn Disk) -> io::Result<bool> {
        for folder in [&self.domain, &self.mailbox, &self.cur] {
            if !is_there_and_private(disk, folder)? {
                return Ok(false);
            }
        }
        match (private(disk, &self.tmp)?, private(disk, &self.new)?) {
            // Nothing can be linked or renamed from the one to the other.
            (Some(tmp), Some(new)) if tmp.device != new.device => {
                Err(io::Error::other(format!(
                    "{} and {} are on two file systems",
                    shown(&self.tmp),
                    shown(&self.new)
                )))
            }
            (Some(_), Some(_)) => Ok(true),
            (None, _) | (_, None) => Ok(false),
        }
    }

    /// Makes those that are missing. `made` tells which ones were made, also
    /// after an error.
    fn make(&self, disk: &dyn Disk, made: &mut Vec<PathBuf>) -> io::Result<()> {
        for folder in self.all() {
            match disk.create_folder(folder) {
                Ok(()) => made.push(folder.clone()),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        if self.are_there(disk)? {
            return Ok(());
        }
        let mailbox = shown(&self.mailbox);
        let text = format!("{mailbox} was taken away while it was being made");
        Err(io::Error::new(ErrorKind::NotFound, text))
    }
}

/// Whether there is such a folder. Fails if others may write into it.
pub(super) fn is_there_and_private(
    disk: &dyn Disk,
    folder: &Path,
) -> io::Result<bool> {
    private(disk, folder).map(|found| found.is_some())
}

/// What is in the place of a folder, if anything. It must be ours alone.
fn private(disk: &dyn Disk, folder: &Path) -> io::Result<Option<Found>> {
    let found = look(disk, folder)?;
    if let Some(found) = &found {
        found.must_be_private(folder)?;
    }
    Ok(found)
}

/// What is in the place of a folder, if anything. It must be a folder.
fn look(disk: &dyn Disk, path: &Path) -> io::Result<Option<Found>> {
    match disk.look(path) {
        Ok(found) if found.kind == Kind::Folder => Ok(Some(found)),
        Ok(_) => {
            let text = format!("{} should be a folder", shown(path));
            Err(io::Error::new(ErrorKind::NotADirectory, text))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
