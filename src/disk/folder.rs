//! Folders: made for good, with what is missing above them, and nobody else's
//! to write into.

use super::seam::{Disk, Found, shown};
use std::fs;
use std::io;
use std::path::Path;
use std::sync::OnceLock;

impl Found {
    /// Fails if somebody else may write into the folder at `path`. They could
    /// put links there, and make us write elsewhere.
    pub fn must_be_private(&self, path: &Path) -> io::Result<()> {
        const OTHERS_MAY_WRITE: u32 = 0o022;
        if self.permissions & OTHERS_MAY_WRITE == 0 {
            return Ok(());
        }
        Err(io::Error::other(format!(
            "other users may write into it (mode {:o}); try chmod go-w {}",
            self.permissions & 0o777,
            shown(path)
        )))
    }
}

/// Makes a folder and what is missing above it, and syncs each folder that
/// got a new name.
pub(super) fn make_with_parents(
    disk: &dyn Disk,
    folder: &Path,
) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let parent = match folder.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) | None => Path::new("."),
    };
    make_with_parents(disk, parent)?;
    let made = disk.create_folder(folder);
    // Another process may have been faster.
    if !folder.is_dir() {
        made?;
    }
    disk.sync_folder(parent)
}

/// The number of the user that we run as. std does not tell, the system's own
/// description of this process does; none where there is no such thing.
pub(super) fn our_user() -> Option<u32> {
    static USER: OnceLock<Option<u32>> = OnceLock::new();
    *USER.get_or_init(|| {
        let status = fs::read_to_string("/proc/self/status").ok()?;
        let line = status.lines().find_map(|l| l.strip_prefix("Uid:"))?;
        // The real user, then the one whose rights count.
        line.split_whitespace().nth(1)?.parse().ok()
    })
}
