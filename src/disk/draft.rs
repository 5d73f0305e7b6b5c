//! A file that is being written, and what makes it one that stays.
//!
//! ```text
//! Draft::create    the name is there, the content is in memory
//! Draft::sync      the content is on the disk (fsync of the file)
//! Synced::link     it has a second name, or
//! Synced::rename   another one: both are in memory
//! sync_folder      the name is on the disk (fsync of the directory)
//! ```
//!
//! Guarantees:
//! - only a draft that was synced can get a name that others look at;
//! - a draft that is dropped on the way leaves no file.
//!
//! A crash leaves the draft's own name. So it is put where the next start
//! looks for left-overs.

use super::seam::{Disk, DiskFile, shown};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// A file that is being written.
pub struct Draft<'a> {
    name: PassingName<'a>,
    file: BufWriter<Box<dyn DiskFile>>,
}

impl<'a> Draft<'a> {
    /// Makes a file of this name. Fails if the name exists.
    pub fn create(disk: &'a dyn Disk, path: &Path) -> io::Result<Draft<'a>> {
        let file = BufWriter::new(disk.create_file(path)?);
        let path = path.to_owned();
        let name = PassingName { disk, path, is_there: true };
        Ok(Draft { name, file })
    }

    /// Makes the content durable: an `fsync` of the file.
    pub fn sync(mut self) -> io::Result<Synced<'a>> {
        self.file.flush()?;
        self.file.get_ref().sync()?;
        Ok(Synced { name: self.name })
    }
}

impl Write for Draft<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// A whole file: its content is on the disk, and its name passes.
///
/// What gives it a lasting name makes no promise yet: that is for
/// `Disk::sync_folder`.
pub struct Synced<'a> {
    name: PassingName<'a>,
}

impl Synced<'_> {
    /// Whether the draft's own name is in this folder.
    pub fn is_in(&self, folder: &Path) -> bool {
        self.name.path.parent() == Some(folder)
    }

    /// Gives the file a second name. Fails if the name exists: no other file
    /// is ever overwritten.
    pub fn link(&self, to: &Path) -> io::Result<()> {
        self.name.disk.link(&self.name.path, to)
    }

    /// Instead of a link, where none can be made: a copy, written under the
    /// name `by` and then renamed.
    pub fn copy(&self, by: &Path, to: &Path) -> io::Result<()> {
        let disk = self.name.disk;
        let mut from = disk.open_file(&self.name.path)?;
        let mut copy = Draft::create(disk, by)?;
        io::copy(&mut from, &mut copy)?;
        copy.sync()?.rename(to)
    }

    /// Gives the file another name. A file that had it before is gone: this is
    /// how a file is replaced by a newer one in a single step.
    pub fn rename(mut self, to: &Path) -> io::Result<()> {
        self.name.disk.rename(&self.name.path, to)?;
        self.name.is_there = false;
        Ok(())
    }

    /// Lets the file stay under the draft's own name.
    pub fn keep(mut self) {
        self.name.is_there = false;
    }

    /// Takes the draft's own name away, and tells if that fails.
    pub fn remove(mut self) -> io::Result<()> {
        self.name.disk.remove_file(&self.name.path)?;
        self.name.is_there = false;
        Ok(())
    }
}

/// The name of a file on its way. It goes away with this value.
struct PassingName<'a> {
    disk: &'a dyn Disk,
    path: PathBuf,
    is_there: bool,
}

impl Drop for PassingName<'_> {
    fn drop(&mut self) {
        if !self.is_there {
            return;
        }
        // A name that stays is removed at the next start.
        if let Err(error) = self.disk.remove_file(&self.path) {
            log::warn!("left {}: {error}", shown(&self.path));
        }
    }
}
