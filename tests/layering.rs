//! Who may use whom. The layers are only as good as this test.

// A test fails by panicking.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use std::fs;
use std::path::{Path, PathBuf};

/// Folder of `src`, and what of ours it may name. `main.rs` and `lib.rs` may name
/// all.
const MAY_USE: [(&str, &[&str]); 6] = [
    (
        "options",
        &[
            "options",
            "mailbox",
            "protocol",
            "relay",
            "server",
            "transcript",
            "words",
        ],
    ),
    ("protocol", &["protocol"]),
    ("mailbox", &["mailbox", "protocol", "words"]),
    ("relay", &["relay", "protocol", "mailbox", "wire", "words"]),
    ("transcript", &["transcript", "protocol::reply", "words"]),
    (
        "server",
        &[
            "server",
            "protocol",
            "mailbox",
            "relay",
            "transcript::writer",
            "wire",
            "words",
        ],
    ),
];

/// What has no place in the protocol: the standard library's way to the world,
/// the log, and names that would reach out of the folder unseen. Of the
/// standard library there is `core`, and what every program has.
const WORLD: [&str; 8] = [
    "std::",
    "use std",
    "log::",
    "getopts",
    "env_logger",
    "print!",
    "println!",
    "extern crate",
];

/// Who may read a clock. (`main.rs` dates the lines of the log.)
const CLOCK_READERS: [&str; 7] = [
    "src/main.rs",
    "src/server/connection.rs",
    "src/server/incoming.rs",
    "src/server/listener.rs",
    "src/server/settings.rs",
    "src/wire.rs",
    "src/transcript/",
];

fn source_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(source_files(&path));
        } else if path.extension().is_some_and(|end| end == "rs")
            && !path.ends_with("tests.rs")
        {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The lines of a file with their numbers, without comments and without the
/// tests at its end: those may use what they like.
fn code_lines(path: &Path) -> Vec<(usize, String)> {
    let text = fs::read_to_string(path).unwrap();
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    let is_code = |line: &&str| !line.trim_start().starts_with("//");
    let numbered = code.lines().enumerate();
    numbered
        .filter(|(_, line)| is_code(line))
        .map(|(number, line)| (number + 1, line.to_owned()))
        .collect()
}

/// All lines of the folder `name` of `src` for which `is_wrong` holds.
fn offenders(name: &str, is_wrong: impl Fn(&str) -> bool) -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(name);
    let mut found = Vec::new();
    for path in source_files(&folder) {
        for (number, line) in code_lines(&path) {
            if is_wrong(&line) {
                found.push(format!("{}:{number}: {line}", path.display()));
            }
        }
    }
    found
}

/// What behind each `crate::` in a line is named.
fn own_names(line: &str) -> impl Iterator<Item = &str> {
    line.split("crate::").skip(1)
}

#[test]
fn each_folder_names_only_the_folders_below_it() {
    for (folder, allowed) in MAY_USE {
        let is_allowed =
            |name: &str| allowed.iter().any(|start| name.starts_with(start));
        let wrong = offenders(folder, |line| {
            // Two steps up are out of the folder, or go round by it.
            line.contains("super::super")
                || line.contains("use crate as")
                || own_names(line).any(|name| !is_allowed(name))
        });
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}

#[test]
fn every_folder_of_src_has_its_line_in_the_table() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for entry in fs::read_dir(src).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let is_listed = MAY_USE.iter().any(|(folder, _)| *folder == name);
        assert!(!path.is_dir() || is_listed, "{name} is in no table");
    }
}

#[test]
fn the_protocol_touches_nothing_of_the_world() {
    let wrong = offenders("protocol", |line| {
        WORLD.iter().any(|word| line.contains(word))
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn only_a_few_files_read_a_clock() {
    let wrong = offenders("", |line| line.contains("::now()"));
    let is_known = |place: &&String| {
        !CLOCK_READERS.iter().any(|reader| place.contains(reader))
    };
    let wrong: Vec<_> = wrong.iter().filter(is_known).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_three_packages_are_the_only_ones() {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let text = fs::read_to_string(manifest).unwrap();
    let (_, rest) = text.split_once("\n[dependencies]\n").unwrap();
    let section = rest.split("\n[").next().unwrap();
    let mut names: Vec<_> = section
        .lines()
        .filter(|line| !line.starts_with('#') && line.contains('='))
        .map(|line| line.split([' ', '=']).next().unwrap())
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["env_logger", "getopts", "log"]);
}
