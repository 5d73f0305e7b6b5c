//! A hint for a mailbox without mail: where mail was looked for, and what is
//! there instead.
//!
//! Interface:
//!   `hint`  the hint, in one line

use std::fs;
use std::path::{Path, PathBuf};

use crate::words::in_one_line;

/// How deep we look for what is there instead, and how much of it is named.
const DEPTH: usize = 4;
const NAMED: usize = 3;

/// How many names of a folder are read: a server may have made a million.
const READ: usize = 200;

/// These folders have no mail. `given` is the folder that the command was
/// given, if it was.
pub(super) fn hint(folders: &[PathBuf], given: Option<&Path>) -> String {
    let mut places: Vec<String> =
        folders.iter().map(|folder| shown(folder, given)).collect();
    if let Some(given) = given
        && !folders.iter().any(|folder| folder == given)
    {
        places.push(shown(given, Some(given)));
    }
    let places = match places.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        None => String::new(),
    };
    let looked = format!(
        "nothing was stored: mail is looked for in {places}, each time in \
         new/ and cur/"
    );
    let mut found = Vec::new();
    if let Some(given) = given {
        collect(given, DEPTH, &mut found);
        found.sort();
    }
    let found: Vec<String> =
        found.iter().take(NAMED).map(|path| shown(path, given)).collect();
    match found.is_empty() {
        true => looked,
        false => format!("{looked}; there is {}", found.join(", ")),
    }
}

/// A path, with the word for the folder that the command was given.
fn shown(path: &Path, given: Option<&Path>) -> String {
    let inside = given.and_then(|given| path.strip_prefix(given).ok());
    match inside {
        Some(inside) if inside.as_os_str().is_empty() => "{maildir}".to_owned(),
        Some(inside) => format!("{{maildir}}/{}", in_one_line(inside)),
        None => in_one_line(path),
    }
}

/// The files in a folder and its folders.
fn collect(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries.take(READ) {
        // A link may lead anywhere.
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_dir() && depth > 0 {
            collect(&entry.path(), depth - 1, found);
        } else if kind.is_file() {
            found.push(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_layouts_are_named_and_what_is_elsewhere() {
        let given = tempfile::tempdir().unwrap();
        let given = given.path();
        let folder = given.join("example.org/bob");
        let told = hint(std::slice::from_ref(&folder), Some(given));
        let wanted = "nothing was stored: mail is looked for in \
            {maildir}/example.org/bob and {maildir}, each time in new/ and cur/";
        assert_eq!(told, wanted);
        fs::create_dir_all(given.join("inbox\n")).unwrap();
        fs::write(given.join("inbox\n/1.eml"), "x").unwrap();
        let told = hint(&[folder, given.into()], Some(given));
        let wanted = format!("{wanted}; there is {{maildir}}/inbox\\n/1.eml");
        assert_eq!(told, wanted);
    }

    #[test]
    fn a_folder_that_the_teacher_named_is_told_as_it_is() {
        let told = hint(&["/var/mail/bob".into()], None);
        assert!(told.contains(" in /var/mail/bob, each"), "{told}");
    }
}
