//! A lock file: it tells which programs work in a folder just now.
//!
//! The lock is the kernel's (`flock`). It is gone when its process ends,
//! however it ends; the file stays and means nothing by itself.
//!
//! What a stranger has put in its place is an error and never followed or
//! waited for: opening a named pipe could last for ever.

use super::seam::{Claim, Found, cannot, shown};
use std::fs::{File, Metadata, OpenOptions, TryLockError, symlink_metadata};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

/// How long we wait before we ask for the lock again. std has no lock that
/// waits with a deadline.
const PAUSE: Duration = Duration::from_millis(5);

/// A lock that we hold, alone or with others.
pub(super) struct LockFile {
    file: File,
    /// Which file it is. As long as it is open, no other one can be the same.
    opened: Metadata,
    path: PathBuf,
    patience: Duration,
    is_alone: bool,
}

impl LockFile {
    /// Takes the lock: alone, or else together with those who share it.
    pub(super) fn take(
        path: &Path,
        patience: Duration,
    ) -> io::Result<LockFile> {
        let (file, path) = (open(path)?, path.to_owned());
        let opened = file.metadata().map_err(cannot("look at", &path))?;
        let is_alone = false;
        let mut lock = LockFile { file, opened, path, patience, is_alone };
        lock.wait(|lock| {
            lock.is_alone = is_taken(lock.file.try_lock())?;
            Ok(lock.is_alone || is_taken(lock.file.try_lock_shared())?)
        })?;
        Ok(lock)
    }

    /// Asks until the answer is yes, or patience is at its end.
    fn wait(
        &mut self,
        mut ask: impl FnMut(&mut LockFile) -> io::Result<bool>,
    ) -> io::Result<()> {
        let mut waited = Duration::ZERO;
        while !ask(self).map_err(cannot("lock", &self.path))? {
            if waited >= self.patience {
                let what = format!(
                    "is locked by another program; waited for {waited:?}"
                );
                return Err(complaint(
                    ErrorKind::WouldBlock,
                    &self.path,
                    &what,
                ));
            }
            thread::sleep(PAUSE);
            waited += PAUSE;
        }
        Ok(())
    }
}

impl Claim for LockFile {
    fn is_alone(&self) -> bool {
        self.is_alone
    }

    /// The kernel gives the first lock back before it takes the second. A
    /// newcomer may be alone for that moment: then we wait for it.
    fn share(&mut self) -> io::Result<()> {
        self.is_alone = false;
        self.wait(|lock| is_taken(lock.file.try_lock_shared()))
    }

    fn is_intact(&self) -> bool {
        let found = symlink_metadata(&self.path);
        found.is_ok_and(|found| is_same(&found, &self.opened))
    }
}

/// Opens the lock file, and makes it if needed.
fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(0o600);
    let made = options.clone().create_new(true).open(path);
    match made {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        made => return made.map_err(cannot("make file", path)),
    }
    let found = symlink_metadata(path).map_err(cannot("look at", path))?;
    let wrong = |what| Err(complaint(ErrorKind::InvalidInput, path, what));
    if !found.is_file() {
        return wrong("should be a plain file; remove it");
    }
    if !Found::from(&found).is_ours {
        return wrong("belongs to another user");
    }
    let file = options.open(path).map_err(cannot("open", path))?;
    let opened = file.metadata().map_err(cannot("look at", path))?;
    if !is_same(&found, &opened) {
        return wrong("was replaced while it was being opened");
    }
    Ok(file)
}

fn is_same(one: &Metadata, other: &Metadata) -> bool {
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

fn complaint(kind: ErrorKind, path: &Path, what: &str) -> io::Error {
    io::Error::new(kind, format!("{} {what}", shown(path)))
}

fn is_taken(tried: Result<(), TryLockError>) -> io::Result<bool> {
    match tried {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}
