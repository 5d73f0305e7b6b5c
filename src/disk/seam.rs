//! The few calls to the file system that a mail server needs, and no others.
//!
//! `Disk` is a seam: the server uses `RealDisk`; a test can put a disk in its
//! place that fails at the n-th call, or forgets what was not synced.
//!
//! Interface:
//!   `Disk`           a file system
//!   `DiskFile`       a file that is being written
//!   `Found`, `Kind`  what is at a path
//!   `Claim`          a part in the work on a folder
//!   `shown`          a path in a log or in an error

use crate::words::{because, printable};
use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

/// A file system, as far as a mail server sees it.
///
/// An error says what could not be done and names the path, so that it can go
/// into a log as it is. Its kind is the system's.
pub trait Disk: Send + Sync {
    /// Takes part in the work on a folder, and makes the folder if needed.
    ///
    /// If nobody else takes part, the claim is alone: newcomers wait until it
    /// is shared or dropped. Fails if somebody still keeps us out after
    /// `patience`, or if the folder is not ours alone to write into.
    fn claim(
        &self,
        folder: &Path,
        patience: Duration,
    ) -> io::Result<Box<dyn Claim>>;

    /// What is at a path. Of a link it is the link, not what it leads to.
    fn look(&self, path: &Path) -> io::Result<Found>;

    /// Whether there is a folder, and not a link to one.
    fn is_folder(&self, path: &Path) -> bool {
        self.look(path).is_ok_and(|found| found.kind == Kind::Folder)
    }

    /// Makes a folder that only its owner may enter. Fails if the name exists.
    fn create_folder(&self, path: &Path) -> io::Result<()>;

    /// Takes an empty folder away. Fails if something is in it.
    fn remove_folder(&self, path: &Path) -> io::Result<()>;

    /// Makes the names in a folder durable: `fsync` of the directory.
    fn sync_folder(&self, path: &Path) -> io::Result<()>;

    /// The names in a folder.
    fn names(&self, folder: &Path) -> io::Result<Vec<OsString>>;

    /// Makes a file that only its owner may read. Fails if the name exists.
    fn create_file(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;

    /// Opens a file to read it. Fails if it is not a plain one.
    fn open_file(&self, path: &Path) -> io::Result<Box<dyn io::Read>>;

    /// Gives a file a second name. Fails if the name exists.
    fn link(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Gives a file another name, and takes the place of what had it before.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Takes a name away; the file goes with its last name.
    fn remove_file(&self, path: &Path) -> io::Result<()>;
}

/// A file that is being written.
pub trait DiskFile: io::Write + Send {
    /// Makes the content durable: `fsync` of the file.
    ///
    /// If this fails, the content is lost: the kernel may mark the pages as
    /// clean, and a second call would then tell a lie.
    fn sync(&self) -> io::Result<()>;
}

/// A part in the work on a folder. It ends when it is dropped, or when the
/// process ends, however that happens.
pub trait Claim: Send + Sync {
    /// Whether nobody else takes part.
    fn is_alone(&self) -> bool;

    /// Lets others take part from now on.
    fn share(&mut self) -> io::Result<()>;

    /// Whether the claim still counts: a folder that was removed, or replaced
    /// by another, has to be claimed again.
    fn is_intact(&self) -> bool;
}

/// What is at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// What kind of thing it is.
    pub kind: Kind,
    /// Who may do what with it, as `chmod` has it.
    pub permissions: u32,
    /// The number of the user that it belongs to.
    pub owner: u32,
    /// Whether that is the user that we run as.
    pub is_ours: bool,
    /// The file system that it is on. No link reaches from one to another.
    pub device: u64,
}

/// The kinds of things in a folder, as far as they matter here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A folder.
    Folder,
    /// A plain file.
    File,
    /// A link, a named pipe, a socket or a device.
    Other,
}

/// A path, fit for a log: what strangers call their files may hold a line end.
pub fn shown(path: &Path) -> String {
    const LONGEST_PATH: usize = 4096;
    printable(path.as_os_str().as_bytes(), LONGEST_PATH)
}

/// Makes an error of the system one that says what could not be done.
pub(super) fn cannot(
    what: &str,
    path: &Path,
) -> impl Fn(io::Error) -> io::Error {
    move |error| because(&format!("cannot {what} {}", shown(path)), &error)
}
