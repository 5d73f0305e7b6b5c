//! The few calls to the file system that a delivery needs, and no others.
//!
//! `Disk` is a seam: the server uses `RealDisk`; a test can put a disk in its
//! place that fails at the n-th call, or forgets what was not synced.

use std::any::Any;
use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::time::SystemTime;

/// A file system, as far as a delivery sees it.
pub trait Disk: Send + Sync {
    /// Takes part in a folder, and makes it if needed.
    ///
    /// If no other process takes part in it, `tidy` is run first, and whoever
    /// comes meanwhile waits for it. Fails if other users may write into the
    /// folder, or if `tidy` fails.
    fn claim(
        &self,
        folder: &Path,
        tidy: &mut dyn FnMut() -> io::Result<()>,
    ) -> io::Result<Claim>;

    /// Makes a directory that only its owner may enter. Fails if it exists.
    fn create_directory(&self, path: &Path) -> io::Result<()>;

    /// Whether there is a directory, and not a link to one.
    fn is_directory(&self, path: &Path) -> bool;

    /// The names in a directory.
    fn names(&self, directory: &Path) -> io::Result<Vec<OsString>>;

    /// Makes a file that only its owner may read. Fails if it exists.
    fn create_file(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;

    /// Opens a file to read it.
    fn open_file(&self, path: &Path) -> io::Result<Box<dyn io::Read>>;

    /// Gives a file a second name. Fails if the name exists.
    fn link(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Gives a file another name.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Takes a name away; the file goes with its last name.
    fn remove_file(&self, path: &Path) -> io::Result<()>;

    /// When a file was last changed.
    fn modified(&self, path: &Path) -> io::Result<SystemTime>;

    /// Makes the names in a directory durable.
    fn sync_directory(&self, path: &Path) -> io::Result<()>;
}

/// Who holds it takes part in the folder. A crash gives it back as well.
pub type Claim = Box<dyn Any + Send + Sync>;

/// A file that is being written.
pub trait DiskFile: io::Write + Send {
    /// Makes the content durable.
    ///
    /// If this fails, the content is lost: the kernel may mark the pages as
    /// clean, and a second call would then tell a lie.
    fn sync(&self) -> io::Result<()>;
}

/// The operating system's file system.
#[derive(Debug, Clone, Copy)]
pub struct RealDisk;

impl Disk for RealDisk {
    fn claim(
        &self,
        folder: &Path,
        tidy: &mut dyn FnMut() -> io::Result<()>,
    ) -> io::Result<Claim> {
        make_with_parents(folder)?;
        refuse_shared_folder(folder)?;
        // The kernel frees a lock when its process ends, however it ends.
        let lock = File::create(folder.join(".lock"))?;
        match lock.try_lock() {
            Ok(()) => tidy()?,
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(error),
        }
        lock.lock_shared()?;
        Ok(Box::new(lock))
    }

    fn create_directory(&self, path: &Path) -> io::Result<()> {
        DirBuilder::new().mode(0o700).create(path)
    }

    fn is_directory(&self, path: &Path) -> bool {
        fs::symlink_metadata(path).is_ok_and(|found| found.is_dir())
    }

    fn names(&self, directory: &Path) -> io::Result<Vec<OsString>> {
        fs::read_dir(directory)?.map(|entry| Ok(entry?.file_name())).collect()
    }

    fn create_file(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let mut options = OpenOptions::new();
        let options = options.write(true).create_new(true).mode(0o600);
        Ok(Box::new(options.open(path)?))
    }

    fn open_file(&self, path: &Path) -> io::Result<Box<dyn io::Read>> {
        Ok(Box::new(File::open(path)?))
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::hard_link(from, to)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn modified(&self, path: &Path) -> io::Result<SystemTime> {
        fs::symlink_metadata(path)?.modified()
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }
}

impl DiskFile for File {
    fn sync(&self) -> io::Result<()> {
        self.sync_all()
    }
}

/// Makes a folder and what is missing above it, for good.
fn make_with_parents(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let parent = match folder.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) | None => Path::new("."),
    };
    make_with_parents(parent)?;
    let made = RealDisk.create_directory(folder);
    // Another process may have been faster.
    if !folder.is_dir() {
        made?;
    }
    RealDisk.sync_directory(parent)
}

/// Whoever may write into the folder could put links there, and make us write
/// elsewhere.
fn refuse_shared_folder(folder: &Path) -> io::Result<()> {
    let mode = fs::metadata(folder)?.mode();
    if mode & 0o022 == 0 {
        return Ok(());
    }
    Err(io::Error::other(format!(
        "other users may write into it (mode {:o}); try chmod go-w",
        mode & 0o777
    )))
}
