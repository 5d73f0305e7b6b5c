//! Reads all transcripts under a folder, or all that somebody has named.
//!
//! Interface:
//!   `read_given`  files and folders, or the built-in suite
//!   `read_all`    a folder: all of it, or the errors
//!   `read_each`   a folder: what can be read, and the errors

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::parse::{ParseError, read};
use super::script::Transcript;
use super::suite;
use crate::words::reason;

/// Reads files, and all `.txt` files of folders, in the order given. Nothing
/// given is the whole suite; and what is not there may be a part of it.
pub(crate) fn read_given(
    paths: &[PathBuf],
) -> (Vec<Transcript>, Vec<ParseError>) {
    let (mut transcripts, mut errors) = (Vec::new(), Vec::new());
    if paths.is_empty() {
        return (suite::all(), errors);
    }
    for path in paths {
        let built_in = match path.exists() {
            true => Vec::new(),
            false => suite::under(path),
        };
        if !built_in.is_empty() {
            transcripts.extend(built_in);
        } else if path.is_dir() {
            transcripts.extend(read_each(path, &mut errors));
        } else {
            match read(path) {
                Ok(transcript) => transcripts.push(transcript),
                Err(wrong) => errors.push(wrong),
            }
        }
    }
    (transcripts, errors)
}

/// Reads every `.txt` file under a folder, in the order of their paths.
///
/// Either all of them are transcripts, or each one that is not has an error.
pub fn read_all(folder: &Path) -> Result<Vec<Transcript>, Vec<ParseError>> {
    let mut errors = Vec::new();
    let transcripts = read_each(folder, &mut errors);
    if errors.is_empty() { Ok(transcripts) } else { Err(errors) }
}

/// The same, with those that could be read, and the errors of the others.
pub fn read_each(
    folder: &Path,
    errors: &mut Vec<ParseError>,
) -> Vec<Transcript> {
    let mut paths = Vec::new();
    if let Err(error) = collect(folder, &mut paths) {
        errors.push(ParseError {
            path: folder.into(),
            line: 0,
            message: format!("cannot read the folder: {}", reason(&error)),
            is_cut: false,
        });
    }
    paths.sort();
    let mut transcripts = Vec::new();
    for path in paths {
        match read(&path) {
            Ok(transcript) => transcripts.push(transcript),
            Err(error) => errors.push(error),
        }
    }
    transcripts
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            collect(&path, paths)?;
        } else if path.extension().is_some_and(|name| name == "txt") {
            paths.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::testing::MINIMAL;
    use super::*;

    #[test]
    fn all_transcripts_under_a_folder_are_read_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("02-b")).unwrap();
        fs::create_dir(at("01-a")).unwrap();
        for name in ["02-b/x.txt", "01-a/z.txt", "01-a/y.txt"] {
            fs::write(at(name), MINIMAL).unwrap();
        }
        fs::write(at("01-a/README.md"), "no transcript").unwrap();
        let all = read_all(folder.path()).unwrap();
        let paths: Vec<PathBuf> = all.into_iter().map(|t| t.path).collect();
        let wanted = ["01-a/y.txt", "01-a/z.txt", "02-b/x.txt"];
        assert_eq!(paths, wanted.map(at));
    }

    #[test]
    fn every_file_that_is_no_transcript_is_told() {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [("a", "x"), ("b", MINIMAL), ("c", "y")] {
            let path = folder.path().join(name).with_extension("txt");
            fs::write(path, text).unwrap();
        }
        assert_eq!(read_all(folder.path()).unwrap_err().len(), 2);
        let missing = folder.path().join("missing");
        let errors = read_all(&missing).unwrap_err();
        assert_eq!((errors.len(), errors[0].line), (1, 0));
    }
}
