//! The disk of the tests. It does what the real one does, unless the test wants
//! a call to do something else.

// Each test program uses a part of it.
#![allow(dead_code, unreachable_pub)]

use pillarbox::disk::{Claim, Disk, DiskFile, Found, Kind, RealDisk};
use std::ffi::OsString;
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// What a call does.
pub enum Play {
    /// What it does on the real disk.
    Real,
    /// Nothing, and says that all is well.
    Pretend,
    /// Nothing, and says that it failed.
    Fail(ErrorKind),
    /// For `look` alone: it finds this.
    Find(Found),
}

/// What each call does. The plan gets the call's name (`mkdir`, `write`, ...)
/// and its path; of two paths, the one that is new.
type Plan = Arc<dyn Fn(&str, &Path) -> Play + Send + Sync>;

/// A disk that follows a plan.
pub struct FakeDisk(Plan);

impl FakeDisk {
    pub fn new(
        plan: impl Fn(&str, &Path) -> Play + Send + Sync + 'static,
    ) -> FakeDisk {
        FakeDisk(Arc::new(plan))
    }

    fn play<T>(
        &self,
        name: &str,
        path: &Path,
        real: impl FnOnce() -> io::Result<T>,
        pretended: T,
    ) -> io::Result<T> {
        match (self.0)(name, path) {
            Play::Real => real(),
            Play::Pretend | Play::Find(_) => Ok(pretended),
            Play::Fail(kind) => Err(kind.into()),
        }
    }
}

impl Disk for FakeDisk {
    fn claim(
        &self,
        folder: &Path,
        patience: Duration,
    ) -> io::Result<Box<dyn Claim>> {
        let real = || -> io::Result<Box<dyn Claim>> {
            let real = RealDisk.claim(folder, patience)?;
            let disk = FakeDisk(Arc::clone(&self.0));
            Ok(Box::new(FakeClaim { real, disk, folder: folder.to_owned() }))
        };
        self.play("claim", folder, real, Box::new(NoClaim))
    }
    fn look(&self, path: &Path) -> io::Result<Found> {
        match (self.0)("look", path) {
            Play::Real => RealDisk.look(path),
            Play::Pretend => Ok(OUR_FOLDER),
            Play::Find(found) => Ok(found),
            Play::Fail(kind) => Err(kind.into()),
        }
    }
    fn create_folder(&self, path: &Path) -> io::Result<()> {
        self.play("mkdir", path, || RealDisk.create_folder(path), ())
    }
    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        self.play("rmdir", path, || RealDisk.remove_folder(path), ())
    }
    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        self.play("syncdir", path, || RealDisk.sync_folder(path), ())
    }
    fn names(&self, folder: &Path) -> io::Result<Vec<OsString>> {
        self.play("names", folder, || RealDisk.names(folder), Vec::new())
    }
    fn create_file(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let file = |real| -> Box<dyn DiskFile> {
            let (plan, path) = (Arc::clone(&self.0), path.to_owned());
            Box::new(FakeFile { real, disk: FakeDisk(plan), path })
        };
        let real = || Ok(file(Some(RealDisk.create_file(path)?)));
        self.play("create", path, real, file(None))
    }
    fn open_file(&self, path: &Path) -> io::Result<Box<dyn Read>> {
        let real = || RealDisk.open_file(path);
        self.play("open", path, real, Box::new(io::empty()))
    }
    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.play("link", to, || RealDisk.link(from, to), ())
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.play("rename", to, || RealDisk.rename(from, to), ())
    }
    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.play("remove", path, || RealDisk.remove_file(path), ())
    }
}

/// What is everywhere on a disk that only pretends.
pub const OUR_FOLDER: Found = Found {
    kind: Kind::Folder,
    permissions: 0o700,
    owner: 0,
    is_ours: true,
    device: 0,
};

struct FakeFile {
    /// None if it only pretends.
    real: Option<Box<dyn DiskFile>>,
    disk: FakeDisk,
    path: PathBuf,
}

impl Write for FakeFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let FakeFile { real, disk, path } = self;
        let write = || match real {
            Some(file) => file.write(bytes),
            None => Ok(bytes.len()),
        };
        disk.play("write", path, write, bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        self.real.as_mut().map_or(Ok(()), |file| file.flush())
    }
}

impl DiskFile for FakeFile {
    fn sync(&self) -> io::Result<()> {
        let real = || self.real.as_ref().map_or(Ok(()), |file| file.sync());
        self.disk.play("sync", &self.path, real, ())
    }
}

struct FakeClaim {
    real: Box<dyn Claim>,
    disk: FakeDisk,
    folder: PathBuf,
}

impl Claim for FakeClaim {
    fn is_alone(&self) -> bool {
        self.real.is_alone()
    }
    fn share(&mut self) -> io::Result<()> {
        let FakeClaim { real, disk, folder } = self;
        disk.play("share", folder, || real.share(), ())
    }
    fn is_intact(&self) -> bool {
        self.real.is_intact()
    }
}

struct NoClaim;

impl Claim for NoClaim {
    fn is_alone(&self) -> bool {
        true
    }
    fn share(&mut self) -> io::Result<()> {
        Ok(())
    }
    fn is_intact(&self) -> bool {
        true
    }
}
