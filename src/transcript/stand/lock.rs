//! A lock file: something is taken as long as its holder lives.
//!
//! The lock is the kernel's (`flock`), so it is gone when its process ends, in
//! whatever way. The file goes away with its holder too, unless that was
//! killed; then anybody may take it again, and remove it.
//!
//! The temporary folder belongs to all users. So no link is followed, and a
//! file that is not ours to write counts as locked.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// A lock that we hold.
#[derive(Debug)]
pub(super) struct Lock {
    path: PathBuf,
    /// The lock is this handle's.
    _file: File,
}

impl Lock {
    /// Takes the lock; `WouldBlock` if somebody else has it.
    pub(super) fn take(path: &Path) -> io::Result<Lock> {
        let new = OpenOptions::new().write(true).create_new(true).open(path);
        match new {
            Err(e) if e.kind() == ErrorKind::AlreadyExists => Lock::again(path),
            file => Lock::of(file?, path),
        }
    }

    /// The same, but only if the file is there already.
    pub(super) fn again(path: &Path) -> io::Result<Lock> {
        if !fs::symlink_metadata(path)?.is_file() {
            return Err(ErrorKind::AlreadyExists.into());
        }
        Lock::of(OpenOptions::new().write(true).open(path)?, path)
    }

    /// Its last holder may have removed the file after we had opened it. Then
    /// the next one makes a new file, and ours is worth nothing.
    fn of(file: File, path: &Path) -> io::Result<Lock> {
        file.try_lock()?;
        let ours = file.metadata()?;
        match fs::symlink_metadata(path) {
            Ok(there)
                if (ours.dev(), ours.ino()) == (there.dev(), there.ino()) =>
            {
                Ok(Lock { path: path.into(), _file: file })
            }
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            Ok(_) | Err(_) => Err(ErrorKind::WouldBlock.into()),
        }
    }
}

/// The file goes first, and the lock then: nobody locks what is about to go.
impl Drop for Lock {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_has_it_and_its_file_goes_away_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.lock");
        assert!(Lock::again(&path).is_err());
        let lock = Lock::take(&path).unwrap();
        let error = Lock::take(&path).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
        drop(lock);
        assert!(!path.exists());
        assert!(Lock::take(&path).is_ok());
    }

    /// Its last holder may have removed it between our two looks.
    #[test]
    fn a_lock_whose_file_is_gone_is_taken_by_somebody_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.lock");
        let file = File::create(&path).unwrap();
        fs::remove_file(&path).unwrap();
        let error = Lock::of(file, &path).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
        let file = File::open(folder.path()).unwrap();
        fs::write(&path, "").unwrap();
        let error = Lock::of(file, &path).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
    }

    #[test]
    fn what_a_killed_holder_has_left_can_be_taken_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.lock");
        fs::write(&path, "").unwrap();
        assert!(Lock::again(&path).is_ok());
        assert!(!path.exists());
    }

    #[test]
    fn a_link_or_a_pipe_in_its_place_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let [goal, link] = ["goal", "link"].map(|n| folder.path().join(n));
        fs::write(&goal, "precious").unwrap();
        std::os::unix::fs::symlink(&goal, &link).unwrap();
        assert!(Lock::take(&link).is_err());
        assert!(link.exists() && goal.exists());
    }
}
