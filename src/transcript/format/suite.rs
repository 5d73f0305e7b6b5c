//! The suite: all of `transcripts/`, built in.
//!
//! An installed program has no checkout beside it. So the files themselves are
//! in it, under the paths that they have in the repository: a report looks the
//! same with and without them. `suite_files.rs` lists them; a test compares
//! the list with the folder, and draws it anew.
//!
//! Interface:
//!   `all`     every transcript, in the order of their paths
//!   `under`   the transcript of this path, or all in this folder
//!   `causes`  the page of each cause, in the order of `Cause::ALL`
//!   `export`  writes all of them into a folder

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use super::cause::Cause;
use super::parse::parse;
use super::script::Transcript;
use super::suite_files::FILES;
use crate::words::{in_one_line, reason};

/// The folder that the files are in, at the front of each path.
const FOLDER: &str = "transcripts";

/// Every transcript.
pub(crate) fn all() -> Vec<Transcript> {
    under(Path::new(FOLDER))
}

/// The transcript of this path, or those in this folder; none if there is
/// nothing of that name.
pub(crate) fn under(path: &Path) -> Vec<Transcript> {
    let path = path.strip_prefix(".").unwrap_or(path);
    let is_name = path.starts_with(FOLDER);
    let files = FILES
        .iter()
        .filter(|(file, _)| is_name && Path::new(file).starts_with(path));
    files.filter_map(read).collect()
}

/// The page of each cause, in the order of the list.
pub(crate) fn causes() -> Vec<Transcript> {
    let is_one = |(_, text): &&(&str, &str)| text.contains("\nCause: ");
    let pages: Vec<Transcript> =
        FILES.iter().filter(is_one).filter_map(read).collect();
    let page = |cause: Cause| {
        pages.iter().find(|page| page.header.cause == Some(cause)).cloned()
    };
    Cause::ALL.into_iter().filter_map(page).collect()
}

fn read((path, text): &(&str, &str)) -> Option<Transcript> {
    parse(Path::new(path), text.as_bytes()).ok()
}

/// Writes all of them into this folder, which is made if it is not there.
/// Gives back how many; or what is wrong, in one line.
///
/// Nothing is written over: if one of the files is there, none is written.
pub(crate) fn export(folder: &Path) -> Result<usize, String> {
    let target = |file: &str| -> PathBuf {
        let name = Path::new(file).strip_prefix(FOLDER);
        folder.join(name.unwrap_or(Path::new(file)))
    };
    let is_there = |path: &PathBuf| fs::symlink_metadata(path).is_ok();
    let mut targets = FILES.iter().map(|(file, _)| target(file));
    if let Some(path) = targets.find(is_there) {
        let path = in_one_line(&path);
        return Err(format!("{path} is there already; nothing was written"));
    }
    for (file, text) in FILES {
        let path = target(file);
        let write = || {
            fs::create_dir_all(path.parent().unwrap_or(folder))?;
            let mut new = OpenOptions::new();
            let mut file = new.write(true).create_new(true).open(&path)?;
            file.write_all(text.as_bytes())
        };
        write().map_err(|error| {
            let (path, why) = (in_one_line(&path), reason(&error));
            format!("cannot write {path}: {why}")
        })?;
    }
    Ok(FILES.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_has_its_page_and_requires_only_what_comes_before() {
        let pages = causes();
        let found: Vec<Option<Cause>> =
            pages.iter().map(|page| page.header.cause).collect();
        assert_eq!(found, Cause::ALL.map(Some));
        for page in pages {
            let required = page.header.requires;
            let cause = page.header.cause.unwrap();
            assert!(required.iter().all(|other| *other < cause), "{cause:?}");
        }
    }

    #[test]
    fn every_file_is_a_transcript_and_is_found_by_its_path() {
        assert_eq!(all().len(), FILES.len());
        let count = |path: &str| under(Path::new(path)).len();
        let helo = "transcripts/01-first/helo.txt";
        assert_eq!((count(helo), count("./transcripts/01-first")), (1, 11));
        assert_eq!(count("transcripts/"), FILES.len());
        for nothing in ["", ".", "transcripts/01", "01-first", "/transcripts"] {
            assert_eq!(count(nothing), 0, "{nothing:?}");
        }
    }

    #[test]
    fn what_was_exported_is_the_suite_and_nothing_is_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let goal = folder.path().join("new/transcripts");
        assert_eq!(export(&goal), Ok(FILES.len()));
        for (file, text) in FILES {
            let written = folder.path().join("new").join(file);
            assert_eq!(&fs::read_to_string(written).unwrap(), text);
        }
        let again = export(&goal).unwrap_err();
        assert!(again.ends_with("nothing was written"), "{again}");
        // One that is in the way is enough, whatever it is.
        let other = folder.path().join("other");
        fs::create_dir_all(other.join("12-commands/vrfy.txt")).unwrap();
        assert!(export(&other).unwrap_err().contains("12-commands/vrfy.txt"));
        assert!(!other.join("01-first").exists());
    }
}
