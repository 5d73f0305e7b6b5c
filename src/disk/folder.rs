//! Folders: made for good with what is missing above them, and nobody else's
//! to write into.

use super::seam::{Disk, Found, Kind, shown};
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::sync::OnceLock;

/// The rights of others to write, and the mark of a folder in which everybody
/// keeps files of their own (`/tmp`).
const OTHERS_MAY_WRITE: u32 = 0o022;
const STICKY: u32 = 0o1000;

impl From<&fs::Metadata> for Found {
    fn from(found: &fs::Metadata) -> Found {
        let kind = if found.is_dir() {
            Kind::Folder
        } else if found.is_file() {
            Kind::File
        } else {
            Kind::Other
        };
        Found {
            kind,
            permissions: found.permissions().mode() & 0o7777,
            owner: found.uid(),
            is_ours: our_user().is_none_or(|user| user == found.uid()),
            device: found.dev(),
        }
    }
}

impl Found {
    /// Fails if the folder at `path` belongs to another user, or if others may
    /// write into it: they could put links there, and make us write elsewhere.
    pub fn must_be_private(&self, path: &Path) -> io::Result<()> {
        let (path, mode) = (shown(path), self.permissions & 0o777);
        let is_shared = self.permissions & OTHERS_MAY_WRITE != 0;
        let complaint = if is_shared && self.permissions & STICKY != 0 {
            format!("{path} is open to all users; use a folder inside it")
        } else if !self.is_ours {
            let owner = self.owner;
            format!(
                "{path} belongs to another user (number {owner}); \
                 run as that user, or try chown"
            )
        } else if is_shared {
            format!(
                "other users may write into {path} (mode {mode:o}); \
                 try chmod go-w {path}"
            )
        } else {
            return Ok(());
        };
        Err(io::Error::other(complaint))
    }
}

/// Makes a folder for good, if it is not there.
pub(super) fn make(disk: &dyn Disk, folder: &Path) -> io::Result<()> {
    if !folder.is_dir() {
        return make_with_parents(disk, folder);
    }
    // It may have been made a moment ago, by somebody who did not sync its name.
    // One that is mounted there has none in the folder above.
    let parent = parent(folder);
    match (fs::metadata(parent), fs::metadata(folder)) {
        (Ok(above), Ok(found)) if above.dev() == found.dev() => {
            match disk.sync_folder(parent) {
                // It is not ours to read, and so not ours to sync.
                Err(e) if e.kind() == ErrorKind::PermissionDenied => Ok(()),
                synced => synced,
            }
        }
        (_, _) => Ok(()),
    }
}

/// Makes a folder and what is missing above it. Each folder that gets a new
/// name in it is synced: an `fsync` of the directory.
fn make_with_parents(disk: &dyn Disk, folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let parent = parent(folder);
    make_with_parents(disk, parent)?;
    match disk.create_folder(folder) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            return Err(error);
        }
        // Another process may have been faster.
        Ok(()) | Err(_) => {}
    }
    if !folder.is_dir() {
        let path = shown(folder);
        let text = format!("{path} is a file, or a link that leads nowhere");
        return Err(io::Error::new(ErrorKind::NotADirectory, text));
    }
    disk.sync_folder(parent)
}

fn parent(folder: &Path) -> &Path {
    match folder.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) | None => Path::new("."),
    }
}

/// The number of the user that we run as. std does not tell, the system's own
/// description of this process does; none where there is no such thing.
fn our_user() -> Option<u32> {
    static USER: OnceLock<Option<u32>> = OnceLock::new();
    *USER.get_or_init(|| {
        let status = fs::read_to_string("/proc/self/status").ok()?;
        let line = status.lines().find_map(|l| l.strip_prefix("Uid:"))?;
        // The real user comes first, then the one whose rights count.
        line.split_whitespace().nth(1)?.parse().ok()
    })
}
