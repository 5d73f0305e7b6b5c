//! A lock file: who works in a folder just now.
//!
//! The lock is the kernel's (`flock`). It is gone when its process ends,
//! however it ends; the file stays and means nothing by itself.

use super::seam::{Claim, cannot, shown};
use crate::words::because;
use std::fs::{File, TryLockError, symlink_metadata};
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

/// How long we wait before we ask for the lock again.
const PAUSE: Duration = Duration::from_millis(5);

/// A lock that we hold, alone or with others.
pub(super) struct LockFile {
    file: File,
    path: PathBuf,
    patience: Duration,
    is_alone: bool,
}

impl LockFile {
    /// Takes the lock alone, or else together with those who share it.
    pub(super) fn take(
        path: &Path,
        patience: Duration,
    ) -> io::Result<LockFile> {
        let file = File::create(path).map_err(cannot("make file", path))?;
        let path = path.to_owned();
        let mut lock = LockFile { file, path, patience, is_alone: false };
        lock.wait(|lock| {
            lock.is_alone = is_taken(lock.file.try_lock())?;
            Ok(lock.is_alone || is_taken(lock.file.try_lock_shared())?)
        })?;
        Ok(lock)
    }

    /// Asks until the answer is yes, or patience is at its end. std has no
    /// lock that waits with a deadline.
    fn wait(
        &mut self,
        mut ask: impl FnMut(&mut LockFile) -> io::Result<bool>,
    ) -> io::Result<()> {
        let mut waited = Duration::ZERO;
        loop {
            match ask(self) {
                Ok(true) => return Ok(()),
                Ok(false) if waited >= self.patience => return Err(self.busy()),
                Ok(false) => {}
                Err(error) => return Err(cannot("lock", &self.path)(error)),
            }
            thread::sleep(PAUSE);
            waited += PAUSE;
        }
    }

    fn busy(&self) -> io::Error {
        let error = ErrorKind::WouldBlock.into();
        let what = format!("another program has locked {}", shown(&self.path));
        because(&what, &error)
    }
}

impl Claim for LockFile {
    fn is_alone(&self) -> bool {
        self.is_alone
    }

    /// The kernel first gives the lock back and then takes the new one. Who
    /// comes in between may be alone for a moment: then we wait for it.
    fn share(&mut self) -> io::Result<()> {
        self.is_alone = false;
        self.wait(|lock| is_taken(lock.file.try_lock_shared()))
    }

    fn is_intact(&self) -> bool {
        let is_same = || {
            let (ours, now) =
                (self.file.metadata()?, symlink_metadata(&self.path)?);
            Ok::<_, io::Error>(
                (ours.dev(), ours.ino()) == (now.dev(), now.ino()),
            )
        };
        is_same().unwrap_or(false)
    }
}

fn is_taken(tried: Result<(), TryLockError>) -> io::Result<bool> {
    match tried {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}
