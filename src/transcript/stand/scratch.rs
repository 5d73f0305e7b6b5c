//! A folder for one process, with its mail. It goes away with the process.
//!
//! Beside each folder is a lock file, held as long as the folder is in use. A
//! run that was killed leaves both, and perhaps processes; the next run finds
//! them by the lock that nobody holds, and ends and removes them.
//!
//! Interface:
//!   `Scratch`    the folder
//!   `temporary`  where all of them are
//!   `random`     a number that no other run has

use std::fs;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Once;

use super::guard;
use super::lock::Lock;

const PREFIX: &str = "pillarbox-";
const LOCK: &str = ".lock";

/// The folder of the mailboxes in it.
pub(super) const MAIL: &str = "mail";

/// A folder of its own that goes away.
#[derive(Debug)]
pub(super) struct Scratch {
    folder: PathBuf,
    /// Given back when the folder is gone.
    _lock: Lock,
}

/// The folder for what is not to stay.
pub(super) fn temporary() -> PathBuf {
    std::env::temp_dir()
}

/// A number that cannot be known before (std seeds its hash maps with one).
pub(super) fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

impl Scratch {
    /// `create_dir` fails if the folder exists, so nobody shares one.
    pub(super) fn new() -> io::Result<Scratch> {
        static TIDIED: Once = Once::new();
        loop {
            let name = format!("{PREFIX}{:016x}", random());
            let folder = temporary().join(&name);
            match Scratch::at(folder) {
                Err(error) if is_taken(&error) => {}
                Err(error) => return Err(error),
                Ok(scratch) => {
                    TIDIED.call_once(|| tidy(&scratch));
                    return Ok(scratch);
                }
            }
        }
    }

    fn at(folder: PathBuf) -> io::Result<Scratch> {
        let mut path = folder.clone().into_os_string();
        path.push(LOCK);
        let lock = Lock::take(Path::new(&path))?;
        fs::create_dir(&folder)?;
        Ok(Scratch { folder, _lock: lock })
    }

    /// The folder itself.
    pub(super) fn path(&self) -> &Path {
        &self.folder
    }

    /// Where the server stores its mail. It is not made here.
    pub(super) fn mail(&self) -> PathBuf {
        self.folder.join(MAIL)
    }
}

fn is_taken(error: &io::Error) -> bool {
    [ErrorKind::AlreadyExists, ErrorKind::WouldBlock].contains(&error.kind())
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Removes what runs of ours that were killed have left beside this folder.
/// What cannot be removed harms nobody.
fn tidy(scratch: &Scratch) {
    let Some(place) = scratch.folder.parent() else {
        return;
    };
    let user = fs::symlink_metadata(&scratch.folder).map(|found| found.uid());
    let (Ok(user), Ok(entries)) = (user, fs::read_dir(place)) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with(PREFIX)
            && let Some(folder) = name.strip_suffix(LOCK)
            && is_of(&entry.path(), user)
            && let Ok(_lock) = Lock::again(&entry.path())
        {
            let folder = place.join(folder);
            if is_of(&folder, user) && folder.is_dir() {
                guard::clear(&folder);
            }
        }
    }
}

/// Whether it is no link and belongs to this user.
fn is_of(path: &Path, user: u32) -> bool {
    fs::symlink_metadata(path)
        .is_ok_and(|found| !found.is_symlink() && found.uid() == user)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scratch_folder_is_nobody_elses_and_goes_away() {
        let (one, two) = (Scratch::new().unwrap(), Scratch::new().unwrap());
        assert_ne!(one.folder, two.folder);
        fs::create_dir_all(one.mail().join("example.org")).unwrap();
        let path = one.folder.clone();
        let lock = PathBuf::from(format!("{}{LOCK}", path.display()));
        assert!(lock.exists());
        drop(one);
        assert!(!path.exists() && !lock.exists());
    }

    #[test]
    fn what_a_killed_run_has_left_is_removed_and_what_is_in_use_is_not() {
        let place = tempfile::tempdir().unwrap();
        let at = |name: &str| place.path().join(name);
        let ours = Scratch::at(at("pillarbox-1")).unwrap();
        let used = Scratch::at(at("pillarbox-2")).unwrap();
        for name in ["pillarbox-3", "pillarbox-no-lock", "other"] {
            fs::create_dir_all(at(name).join("mail")).unwrap();
        }
        let locks = ["pillarbox-3.lock", "pillarbox-port-1.lock", "other.lock"];
        for name in locks {
            fs::write(at(name), "").unwrap();
        }
        tidy(&ours);
        assert!(used.path().exists());
        let left = ["pillarbox-no-lock", "other", "other.lock"];
        assert!(left.iter().all(|name| at(name).exists()));
        let gone = ["pillarbox-3", "pillarbox-3.lock", "pillarbox-port-1.lock"];
        assert!(!gone.iter().any(|name| at(name).exists()));
    }
}
