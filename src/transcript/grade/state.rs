//! Has a submission changed since it was graded?
//!
//! The answer is a number, made of the names, sizes and times of all its files,
//! as they are when the grading has ended: what a server or a build has left
//! there is no change.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::UNIX_EPOCH;

use crate::transcript::format::digest::digest;

/// A number for a folder as it is now.
pub(super) fn of(folder: &Path) -> u64 {
    let mut entries = Vec::new();
    collect(folder, &mut entries);
    entries.sort();
    digest(&entries.concat())
}

/// What cannot be read is left out. Links are not followed.
fn collect(folder: &Path, entries: &mut Vec<Vec<u8>>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let Ok(found) = entry.metadata() else {
            continue;
        };
        if found.is_dir() {
            collect(&path, entries);
            continue;
        }
        let time = found.modified().ok();
        let time = time.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let time = time.unwrap_or_default().as_nanos();
        let mut line = path.as_os_str().as_bytes().to_vec();
        line.extend(format!("\n{} {time}\n", found.len()).into_bytes());
        entries.push(line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_a_longer_and_a_renamed_file_are_changes() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("deep");
        fs::create_dir(&deep).unwrap();
        fs::write(deep.join("a"), "x").unwrap();
        let first = of(folder.path());
        assert_eq!(of(folder.path()), first);
        fs::write(deep.join("a"), "xx").unwrap();
        let second = of(folder.path());
        fs::rename(deep.join("a"), deep.join("b")).unwrap();
        let third = of(folder.path());
        assert!(first != second && second != third);
    }
}
