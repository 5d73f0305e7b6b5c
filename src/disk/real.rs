//! The operating system's file system.
//!
//! Guarantee: each error says what could not be done, and names the path.

use super::folder;
use super::lock::LockFile;
use super::seam::{Claim, Disk, DiskFile, Found, Kind, cannot, shown};
use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The operating system's file system.
#[derive(Debug, Clone, Copy)]
pub struct RealDisk;

impl Disk for RealDisk {
    fn claim(
        &self,
        folder: &Path,
        patience: Duration,
    ) -> io::Result<Box<dyn Claim>> {
        folder::make(self, folder)?;
        // The folder itself may be reached by a link: its owner has named it.
        let found = fs::metadata(folder).map_err(cannot("look at", folder))?;
        Found::from(&found).must_be_private(folder)?;
        Ok(Box::new(LockFile::take(&folder.join(".lock"), patience)?))
    }

    fn look(&self, path: &Path) -> io::Result<Found> {
        let found = fs::symlink_metadata(path);
        found.map(|found| Found::from(&found)).map_err(cannot("look at", path))
    }

    fn create_folder(&self, path: &Path) -> io::Result<()> {
        let made = DirBuilder::new().mode(0o700).create(path);
        made.map_err(cannot("make folder", path))
    }

    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir(path).map_err(cannot("remove folder", path))
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        let synced = File::open(path).and_then(|folder| folder.sync_all());
        synced.map_err(cannot("sync folder", path))
    }

    fn names(&self, folder: &Path) -> io::Result<Vec<OsString>> {
        fs::read_dir(folder)
            .and_then(|entries| entries.map(|e| Ok(e?.file_name())).collect())
            .map_err(cannot("list folder", folder))
    }

    fn create_file(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let mut options = OpenOptions::new();
        let options = options.write(true).create_new(true).mode(0o600);
        let file = options.open(path).map_err(cannot("make file", path))?;
        Ok(Box::new(RealFile { file, path: path.to_owned() }))
    }

    fn open_file(&self, path: &Path) -> io::Result<Box<dyn io::Read>> {
        // To open a named pipe would be to wait for its writer.
        if self.look(path)?.kind != Kind::File {
            let text = format!("{} is not a plain file", shown(path));
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        Ok(Box::new(File::open(path).map_err(cannot("open", path))?))
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::hard_link(from, to).map_err(cannot("make link", to))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to).map_err(cannot("rename a file to", to))
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path).map_err(cannot("remove", path))
    }
}

/// A file of the system that knows its name, for its errors.
struct RealFile {
    file: File,
    path: PathBuf,
}

impl io::Write for RealFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes).map_err(cannot("write to", &self.path))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush().map_err(cannot("write to", &self.path))
    }
}

impl DiskFile for RealFile {
    fn sync(&self) -> io::Result<()> {
        // It is the system call fsync.
        self.file.sync_all().map_err(cannot("sync", &self.path))
    }
}
