//! A folder becomes a list of submissions.
//!
//! Each folder in it is one, and so is a link to a folder. What begins with a
//! dot is not meant, and a file cannot be run.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::words::in_one_line;

/// What a student has handed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Submission {
    /// The name of its folder.
    pub(super) name: OsString,
    /// Its folder, from the root on.
    pub(super) folder: PathBuf,
}

impl Submission {
    /// Its name, in one line whatever is in it.
    pub(super) fn shown(&self) -> String {
        in_one_line(Path::new(&self.name))
    }
}

/// The folder of a class.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Class {
    /// By their names.
    pub(super) submissions: Vec<Submission>,
    /// What else is there, and is no submission.
    pub(super) others: Vec<OsString>,
}

/// Looks into the folder of a class.
pub(super) fn read(folder: &Path) -> io::Result<Class> {
    let folder = fs::canonicalize(folder)?;
    let mut names = Vec::new();
    for entry in fs::read_dir(&folder)? {
        names.push(entry?.file_name());
    }
    names.sort();
    let is_one = |name: &OsString| {
        !name.as_bytes().starts_with(b".") && folder.join(name).is_dir()
    };
    let (ours, others) = names.into_iter().partition(is_one);
    let submission = |name: OsString| {
        let folder = folder.join(&name);
        Submission { name, folder }
    };
    let ours: Vec<OsString> = ours;
    let submissions = ours.into_iter().map(submission).collect();
    Ok(Class { submissions, others })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsStr;

    #[test]
    fn folders_and_links_to_folders_are_submissions_and_nothing_else_is() {
        let class = tempfile::tempdir().unwrap();
        let at = |name: &OsStr| class.path().join(name);
        let odd = OsStr::from_bytes(b"\xe9t\xe9");
        for name in ["b ' \"", "-a", ".git"].map(OsStr::new) {
            fs::create_dir(at(name)).unwrap();
        }
        fs::create_dir(at(odd)).unwrap();
        fs::write(at(OsStr::new("notes.txt")), "").unwrap();
        let link = |goal, name| {
            std::os::unix::fs::symlink(goal, at(OsStr::new(name))).unwrap();
        };
        link("-a", "linked");
        link("nowhere", "broken");
        let found = read(class.path()).unwrap();
        let names: Vec<&OsStr> =
            found.submissions.iter().map(|s| s.name.as_os_str()).collect();
        let wanted = ["-a", "b ' \"", "linked"].map(OsStr::new);
        assert_eq!(names, [&wanted[..], &[odd]].concat());
        assert_eq!(found.others, [".git", "broken", "notes.txt"]);
        let folder = &found.submissions[0].folder;
        assert!(folder.is_absolute() && folder.ends_with("-a"));
    }
}
